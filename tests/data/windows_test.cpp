#include "maas/data/windows.hpp"

#include <array>
#include <cmath>

#include "support/catch.hpp"
#include "support/gap.hpp"

using namespace maas;

namespace {

using tests::gap;

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
  const Windows windows({counting(6)}, {.lags = 3, .horizons = {2}});
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

TEST_CASE("windows may have several horizons, and a stride") {
  const Windows windows({counting(8)}, {.lags = 2, .horizons = every_step(3), .stride = 2});
  Matrix x(2, 2), y(2, 3);
  x << 0, 1, 2, 3;
  y << 2, 3, 4, 4, 5, 6;
  CHECK(windows.feature_matrix() == x);
  CHECK(windows.target_matrix() == y);
  Matrix far(2, 2);
  far << 2, 6, 3, 7;
  CHECK(Windows({counting(8)}, {.lags = 2, .horizons = {1, 5}}).target_matrix() == far);
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
  // Beside what is known, which is an input of its own, all are one row of numbers.
  const Windows both({.values = values, .targets = targets, .known = known}, {.lags = 2, .sequences = true});
  CHECK(both.feature_shape() == Shape{5});
  CHECK(both.feature_matrix() == x);
}

TEST_CASE("windows do not span a missing reading unless asked") {
  Matrix values = counting(9);
  values(4, 0) = gap;
  CHECK(first_readings(Windows({values}, {.lags = 2})) == std::vector<Index>{0, 1, 5, 6});
  // Reading 4 lies between the window that begins at 2 and its target: it is not used.
  CHECK(first_readings(Windows({values}, {.lags = 2, .horizons = {2}})) == std::vector<Index>{0, 2, 5});
  CHECK(Windows({values}, {.lags = 2, .keep_missing = true}).size() == 7);
  // Only the horizons count, not what lies between them.
  CHECK(first_readings(Windows({values}, {.lags = 1, .horizons = {1, 4}})) == std::vector<Index>{1, 2});
  Matrix targets = counting(9);
  targets(8, 0) = gap;
  CHECK(first_readings(Windows({.values = counting(9), .targets = targets}, {.lags = 6})) == std::vector<Index>{0, 1});
}

TEST_CASE("windows do not span a jump of time unless asked") {
  std::vector<double> times{0, 300, 600, 900, 4000, 4300, 4601, 4900};  // a gap before reading 4; reading 6 is 1 s late
  const Series series{.values = counting(8), .times = times};
  CHECK(first_readings(Windows(series, {.lags = 2})) == std::vector<Index>{0, 1, 4, 5});
  CHECK(first_readings(Windows(series, {.lags = 2, .horizons = {2}})) == std::vector<Index>{0, 4});
  CHECK(Windows(series, {.lags = 2, .across_gaps = true}).size() == 6);
  // By the given step, every other difference is a jump.
  CHECK_THROWS_AS(Windows(series, {.lags = 2, .seconds_a_reading = 60}), DataError);
  times[2] = NAN;
  CHECK(first_readings(Windows({.values = counting(8), .times = times}, {.lags = 2})) == std::vector<Index>{4, 5});
}

TEST_CASE("as many gaps as regular steps are gaps still; of more the step must be said") {
  const auto readings_of = [](std::vector<double> times, double seconds) {
    const auto rows = static_cast<Index>(times.size());
    return first_readings(
        Windows({.values = counting(rows), .times = std::move(times)}, {.seconds_a_reading = seconds}));
  };
  CHECK(readings_of({0, 300, 100300}, 0) == std::vector<Index>{0});
  CHECK(readings_of({0, 100000, 100300}, 0) == std::vector<Index>{1});
  CHECK(readings_of({0, 300, 100300, 100600, 200600}, 0) == std::vector<Index>{0, 2});
  CHECK(readings_of({0, 300, 100300, 200300}, 300) == std::vector<Index>{0});
  CHECK(readings_of({0, 300, 100300, 200300}, 0) == std::vector<Index>{1, 2});  // the median is a gap
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
                    "Windows: expected 2 readings on end without a gap (lags and the last horizon), got none in 1");
  CHECK_THROWS_AS(Windows({Matrix(0, 1)}, {}), DataError);
  CHECK_THROWS_AS(Windows({Matrix::Constant(5, 1, gap)}, {}), DataError);
}

TEST_CASE("windows refuse series whose parts differ in length, and options below 1") {
  CHECK_THROWS_WITH(Windows({.values = counting(3), .times = {0, 1}}, {}),
                    "Windows: expected 3 times, one a reading, got 2");
  CHECK_THROWS_AS(Windows({.values = counting(3), .targets = counting(2)}, {}), ShapeError);
  CHECK_THROWS_AS(Windows({.values = counting(3), .known = counting(4)}, {}), ShapeError);
  CHECK_THROWS_WITH(Windows({counting(3)}, {.lags = 0}), "Windows: expected lags from 1 to 1000000, got 0");
  CHECK_THROWS_AS(Windows({counting(3)}, {.horizons = {0}}), ConfigError);
  CHECK_THROWS_AS(Windows({counting(3)}, {.horizons = {}}), ConfigError);
  CHECK_THROWS_AS(Windows({counting(3)}, {.horizons = {std::numeric_limits<Index>::max()}}), ConfigError);
  CHECK_THROWS_WITH(Windows({counting(3)}, {.horizons = {2, 2}}),
                    "Windows: expected horizons that grow, got 2 after 2");
  CHECK_THROWS_AS(Windows({counting(3)}, {.stride = 0}), ConfigError);
}

TEST_CASE("every_step counts horizons") {
  CHECK(every_step(3) == std::vector<Index>{1, 2, 3});
  CHECK_THROWS_AS(every_step(0), ConfigError);
  CHECK_THROWS_AS(every_step(std::numeric_limits<Index>::max()), ConfigError);
}

TEST_CASE("windows of many series never run from one into the next, and may tell which one they are of") {
  const std::vector<Series> drives{{counting(3)}, {counting(1)}, {Matrix(counting(4).array() + 10)}};
  const Windows windows(drives, {.lags = 2, .series_ids = true});
  Matrix x(3, 3), y(3, 1);
  x << 0, 1, 0, 10, 11, 2, 11, 12, 2;
  y << 2, 12, 13;
  CHECK(windows.feature_shape() == Shape{3});
  CHECK(windows.feature_matrix() == x);
  CHECK(windows.target_matrix() == y);
  CHECK(windows.series_of(0) == 0);
  CHECK(windows.series_of(2) == 2);
  CHECK(windows.first_reading(2) == 1);
  CHECK(windows.target_reading(2) == 3);
  CHECK(Windows(drives, {.lags = 2}).feature_matrix() == x.leftCols(2));
}

TEST_CASE("windows find the gaps of each series by its own clock") {
  const std::vector<Series> series{{.values = counting(4), .times = {0, 300, 600, 900}},
                                   {.values = counting(4), .times = {0, 60, 120, 900}}};
  const Windows windows(series, {.lags = 2});
  CHECK(first_readings(windows) == std::vector<Index>{0, 1, 0});
  CHECK(windows.series_of(2) == 1);
}

TEST_CASE("the variables of a series become series of their own") {
  Matrix values(3, 2), targets(3, 2), known(3, 1);
  values << 1, 10, 2, 20, 3, 30;
  targets << 0, 1, 0, 1, 0, 1;
  known << 7, 8, 9;
  const auto series =
      series_of_variables({.values = values, .times = {0, 60, 120}, .targets = targets, .known = known});
  REQUIRE(series.size() == 2);
  CHECK(series[1].values == values.col(1));
  CHECK(series[1].targets == targets.col(1));
  CHECK(series[1].known == known);
  CHECK(series[1].times == std::vector<double>{0, 60, 120});
  CHECK(series_of_variables({values})[0].targets.size() == 0);
  CHECK_THROWS_WITH(series_of_variables({.values = values, .targets = known}),
                    "series_of_variables: expected a column of targets for each of 2 variables, got 1");
}

TEST_CASE("windows write a number for missing readings where they are asked to, never for missing targets") {
  Matrix values = counting(6), targets = counting(6);
  values(1, 0) = gap;
  targets(4, 0) = gap;
  const Windows windows({.values = values, .targets = targets}, {.lags = 2, .fill_missing = Scalar{-1}});
  Matrix x(3, 2), y(3, 1);
  x << 0, -1, -1, 2, 3, 4;
  y << 2, 3, 5;
  CHECK(windows.feature_matrix() == x);
  CHECK(windows.target_matrix() == y);
  CHECK_THROWS_AS(Windows({values}, {.keep_missing = true, .fill_missing = Scalar{0}}), ConfigError);

  const Windows masked({.values = values, .targets = targets}, {.lags = 2, .fill_missing = Scalar{0}, .masks = true});
  Matrix both(3, 4);
  both << 0, 1, 0, 0, 0, 0, 2, 1, 3, 1, 4, 1;
  CHECK(masked.feature_matrix() == both);
  CHECK(masked.feature_shape() == Shape{4});
  CHECK(Windows({values}, {.lags = 2, .sequences = true, .fill_missing = Scalar{0}, .masks = true}).feature_shape() ==
        Shape{2, 2});
  CHECK_THROWS_AS(Windows({values}, {.masks = true}), ConfigError);
}

TEST_CASE("masks stand beside the variables of each reading, before what is known and the number of the series") {
  Matrix values(4, 2), known(4, 1), targets(4, 1);
  values << 1, 10, gap, 20, 3, gap, 0, 40;
  known << 100, 200, 300, 400;
  targets << 5, 6, 7, 8;
  Matrix others = values.array() + 1;
  others(1, 0) = 2;  // no gap there: masks are of each series
  const std::vector<Series> series{{.values = values, .targets = targets, .known = known},
                                   {.values = others, .targets = targets, .known = known}};
  const WindowOptions options{.lags = 3, .fill_missing = Scalar{-9}, .masks = true, .series_ids = true};
  const Windows windows(series, options);
  // Two variables, then whether each of them was there; the number 0 is a number.
  Matrix x(2, 14), y(2, 1);
  x << 1, 10, 1, 1, -9, 20, 0, 1, 3, -9, 1, 0, 400, 0,  //
      2, 11, 1, 1, 2, 21, 1, 1, 4, -9, 1, 0, 400, 1;
  y << 8, 8;
  CHECK(windows.feature_shape() == Shape{14});
  CHECK(windows.feature_matrix() == x);
  CHECK(windows.target_matrix() == y);
  // The same cut out in another order, as a fit does.
  const std::array<Index, 3> rows{1, 0, 1};
  Matrix cut(3, 14), aims(3, 1);
  Dataset(windows).gather(rows, MatrixView(cut.data(), 3, 14), MatrixView(aims.data(), 3, 1));
  CHECK(cut.row(0) == x.row(1));
  CHECK(cut.row(1) == x.row(0));
  CHECK(cut.row(2) == x.row(1));

  // Without what stands beside them they are sequences; a reading's numbers are the features of its step.
  const std::vector<Series> bare{{.values = values, .targets = targets}, {.values = others, .targets = targets}};
  WindowOptions plain = options;
  plain.series_ids = false, plain.sequences = true;
  CHECK(Windows(bare, plain).feature_shape() == Shape{3, 4});
  CHECK(Windows(bare, plain).feature_matrix() == x.leftCols(12));
  // Beside either of them all are one row of numbers, in the same order.
  CHECK(Windows(series, plain).feature_shape() == Shape{13});
  CHECK(Windows(series, plain).feature_matrix() == x.leftCols(13));
  plain.series_ids = true;
  CHECK(Windows(bare, plain).feature_shape() == Shape{13});
  Matrix ids(2, 13);
  ids << x.leftCols(12), x.col(13);
  CHECK(Windows(bare, plain).feature_matrix() == ids);
  // Without masks the same numbers are written.
  plain = options;
  plain.masks = false;
  Matrix unmasked(2, 8);
  unmasked << 1, 10, -9, 20, 3, -9, 400, 0, 2, 11, 2, 21, 4, -9, 400, 1;
  CHECK(Windows(series, plain).feature_matrix() == unmasked);
  // What is known has no mask: a window that lacks it is left out.
  std::vector<Series> unknown = series;
  unknown[0].known(3, 0) = gap;
  CHECK(Windows(unknown, options).size() == 1);
  CHECK(Windows(unknown, options).series_of(0) == 1);
}

TEST_CASE("windows refuse many series that are not alike, and none") {
  const auto refused = [](std::vector<Series> series) { return Windows(std::move(series), {}); };
  CHECK_THROWS_WITH(refused({{counting(3)}, {Matrix::Zero(3, 2)}}),
                    "Windows: expected 1 variables in series 1, as in series 0, got 2");
  CHECK_THROWS_AS(refused({{counting(3)}, {.values = counting(3), .targets = Matrix::Zero(3, 2)}}), ShapeError);
  CHECK_THROWS_AS(refused({{counting(3)}, {.values = counting(3), .known = counting(3)}}), ShapeError);
  CHECK_THROWS_AS(refused({{counting(3)}, {.values = counting(3), .times = {0}}}), ShapeError);
  CHECK_THROWS_AS(refused({}), DataError);
}
