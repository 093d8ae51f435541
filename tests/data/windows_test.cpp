#include "maas/data/windows.hpp"

#include <array>
#include <cmath>

#include "support/catch.hpp"

using namespace maas;

namespace {

constexpr Scalar gap = std::numeric_limits<Scalar>::quiet_NaN();

Matrix counting(Index rows) {
  Matrix values(rows, 1);
  for (Index row = 0; row < rows; ++row) values(row, 0) = static_cast<Scalar>(row);
  return values;
}

std::vector<Index> first_readings(const Windows& windows) {
  std::vector<Index> result;
  for (Index sample = 0; sample < windows.size(); ++sample) result.push_back(windows.first_reading(sample));
  return result;
}

}  // namespace

TEST_CASE("windows hold their lags oldest first, and the reading at the horizon") {
  const Windows windows({counting(6)}, {.lags = 3, .horizon = 2});
  Matrix x(2, 3), y(2, 1);
  x << 0, 1, 2, 1, 2, 3;
  y << 4, 5;
  CHECK(windows.size() == 2);
  CHECK(windows.feature_shape() == Shape{3});
  CHECK(windows.target_shape() == Shape{1});
  CHECK(windows.feature_matrix() == x);
  CHECK(windows.target_matrix() == y);
  CHECK(windows.last_reading(1) == 3);
  CHECK(windows.target_reading(1) == 5);
}

TEST_CASE("windows may have several steps to forecast, and a stride") {
  const Windows windows({counting(8)}, {.lags = 2, .steps = 3, .stride = 2});
  Matrix x(2, 2), y(2, 3);
  x << 0, 1, 2, 3;
  y << 2, 3, 4, 4, 5, 6;
  CHECK(windows.feature_matrix() == x);
  CHECK(windows.target_matrix() == y);
}

TEST_CASE("windows put variables side by side, then what is known at the target") {
  Matrix values(4, 2), known(4, 1), targets(4, 1);
  values << 1, 10, 2, 20, 3, 30, 4, 40;
  known << 100, 200, 300, 400;
  targets << 0, 1, 0, 1;
  const Windows windows({.values = values, .targets = targets, .known = known}, {.lags = 2});
  Matrix x(2, 5), y(2, 1);
  x << 1, 10, 2, 20, 300, 2, 20, 3, 30, 400;
  y << 0, 1;
  CHECK(windows.feature_matrix() == x);
  CHECK(windows.target_matrix() == y);
  const Windows sequences({.values = values, .targets = targets}, {.lags = 2, .sequences = true});
  CHECK(sequences.feature_shape() == Shape{2, 2});
  CHECK(sequences.feature_matrix() == x.leftCols(4));
  CHECK_THROWS_AS(Windows({.values = values, .known = known}, {.lags = 2, .sequences = true}), ConfigError);
}

TEST_CASE("windows do not span a missing reading unless asked") {
  Matrix values = counting(9);
  values(4, 0) = gap;
  CHECK(first_readings(Windows({values}, {.lags = 2})) == std::vector<Index>{0, 1, 5, 6});
  // Reading 4 lies between the window that begins at 2 and its target: it is not used.
  CHECK(first_readings(Windows({values}, {.lags = 2, .horizon = 2})) == std::vector<Index>{0, 2, 5});
  CHECK(Windows({values}, {.lags = 2, .keep_missing = true}).size() == 7);
  Matrix targets = counting(9);
  targets(8, 0) = gap;
  CHECK(first_readings(Windows({.values = counting(9), .targets = targets}, {.lags = 6})) == std::vector<Index>{0, 1});
}

TEST_CASE("windows do not span a jump of time unless asked") {
  std::vector<double> times{0, 300, 600, 900, 4000, 4300, 4601, 4900};  // a gap before reading 4; reading 6 is 1 s late
  const Series series{.values = counting(8), .times = times};
  CHECK(first_readings(Windows(series, {.lags = 2})) == std::vector<Index>{0, 1, 4, 5});
  CHECK(first_readings(Windows(series, {.lags = 2, .horizon = 2})) == std::vector<Index>{0, 4});
  CHECK(Windows(series, {.lags = 2, .across_gaps = true}).size() == 6);
  // By the given step, every other difference is a jump.
  CHECK_THROWS_AS(Windows(series, {.lags = 2, .seconds_a_reading = 60}), DataError);
  times[2] = NAN;
  CHECK(first_readings(Windows({.values = counting(8), .times = times}, {.lags = 2})) == std::vector<Index>{4, 5});
}

TEST_CASE("windows are a data set that cuts out what is asked for") {
  const Windows windows({counting(10)}, {.lags = 3});
  const Dataset data(windows);
  CHECK(data.size() == 7);
  CHECK(data.feature_shape() == Shape{3});
  const std::array<Index, 3> rows{6, 0, 2};
  Matrix x(3, 3), y(3, 1);
  data.gather(rows, MatrixView(x.data(), 3, 3), MatrixView(y.data(), 3, 1));
  for (Index i = 0; i < 3; ++i) {
    CHECK(x.row(i) == windows.feature_matrix().row(rows[static_cast<std::size_t>(i)]));
    CHECK(y.row(i) == windows.target_matrix().row(rows[static_cast<std::size_t>(i)]));
  }
}

TEST_CASE("a part of a series has the same readings of everything") {
  Matrix known = counting(6) * 10, targets = counting(6) * 100;
  const Series series{.values = counting(6), .times = {0, 1, 2, 3, 4, 5}, .targets = targets, .known = known};
  const Series part = series.part({2, 5});
  CHECK(part.values == counting(6).middleRows(2, 3));
  CHECK(part.times == std::vector<double>{2, 3, 4});
  CHECK(part.targets == targets.middleRows(2, 3));
  CHECK(part.known == known.middleRows(2, 3));
  CHECK(Series{counting(6)}.part({0, 6}).times.empty());
  CHECK_THROWS_WITH(series.part({2, 7}), "Series: expected readings within 0 to 6, got 2 to 7");
}

TEST_CASE("the smallest series that gives a window gives one") {
  CHECK(Windows({counting(2)}, {}).size() == 1);
  CHECK_THROWS_WITH(Windows({counting(1)}, {}),
                    "Windows: expected 2 readings on end without a gap (lags, horizon and steps), got none in 1");
  CHECK_THROWS_AS(Windows({Matrix(0, 1)}, {}), DataError);
  CHECK_THROWS_AS(Windows({Matrix::Constant(5, 1, gap)}, {}), DataError);
}

TEST_CASE("windows refuse series whose parts differ in length, and options below 1") {
  CHECK_THROWS_WITH(Windows({.values = counting(3), .times = {0, 1}}, {}),
                    "Windows: expected 3 times, one a reading, got 2");
  CHECK_THROWS_AS(Windows({.values = counting(3), .targets = counting(2)}, {}), ShapeError);
  CHECK_THROWS_AS(Windows({.values = counting(3), .known = counting(4)}, {}), ShapeError);
  CHECK_THROWS_WITH(Windows({counting(3)}, {.lags = 0}), "Windows: expected lags of at least 1, got 0");
  CHECK_THROWS_AS(Windows({counting(3)}, {.horizon = 0}), ConfigError);
  CHECK_THROWS_AS(Windows({counting(3)}, {.steps = 0}), ConfigError);
  CHECK_THROWS_AS(Windows({counting(3)}, {.stride = 0}), ConfigError);
}
