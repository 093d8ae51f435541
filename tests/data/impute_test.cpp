#include "maas/data/impute.hpp"

#include <cmath>
#include <initializer_list>

#include "support/catch.hpp"
#include "support/gap.hpp"

using namespace maas;

namespace {

using tests::gap;

Matrix one_column(std::initializer_list<Scalar> values) {
  Matrix result(static_cast<Index>(values.size()), 1);
  std::copy(values.begin(), values.end(), result.data());
  return result;
}

void check_equal(const Matrix& got, const Matrix& expected) {
  REQUIRE(got.rows() == expected.rows());
  REQUIRE(got.cols() == expected.cols());
  for (Index row = 0; row < got.rows(); ++row)
    for (Index at = 0; at < got.cols(); ++at) {
      CAPTURE(row, at, got(row, at), expected(row, at));
      CHECK((std::isnan(expected(row, at)) ? std::isnan(got(row, at)) : got(row, at) == expected(row, at)));
    }
}

}  // namespace

TEST_CASE("an imputer fills with what it learned from the training rows") {
  Matrix train(4, 2);
  train << 1, gap, 2, 5, 9, gap, gap, 7;
  Matrix test(2, 2);
  test << gap, gap, 3, 4;

  Matrix expected(2, 2);
  expected << 4, 6, 3, 4;
  check_equal(Imputer{}.fit(TrainingRows::all_of(train)).apply(test), expected);
  expected << 2, 6, 3, 4;  // the middle of 1 2 9; between 5 and 7
  check_equal(Imputer{.fill = Fill::median}.fit(TrainingRows::all_of(train)).apply(test), expected);
  expected << -1, -1, 3, 4;
  check_equal(Imputer{.fill = Fill::constant, .constant = -1}.fit(TrainingRows::all_of(train)).apply(test), expected);
}

TEST_CASE("an imputer refuses columns without numbers, and use before fit") {
  const Matrix empty = one_column({gap, gap});
  CHECK_THROWS_WITH(Imputer{}.fit(TrainingRows::all_of(empty)),
                    "Imputer: expected a number in column 0 (counted from 0), got none");
  CHECK_THROWS_AS(Imputer{}.fit(TrainingRows::all_of(Matrix(0, 1))), DataError);
  check_equal(Imputer{.fill = Fill::constant, .constant = 2}.fit(TrainingRows::all_of(empty)).apply(empty),
              one_column({2, 2}));
  CHECK_THROWS_AS(Imputer{}.apply(empty), StateError);
  CHECK_THROWS_WITH(Imputer{}.fit(TrainingRows::all_of(one_column({1}))).apply(Matrix::Zero(1, 3)),
                    "Imputer: expected 1 columns, got 3");
}

TEST_CASE("fill_forward repeats the last number, up to a limit") {
  const Matrix rows = one_column({gap, 1, gap, gap, gap, 5, gap});
  check_equal(fill_forward(rows), one_column({gap, 1, 1, 1, 1, 5, 5}));
  check_equal(fill_forward(rows, 2), one_column({gap, 1, 1, 1, gap, 5, 5}));
  check_equal(fill_forward(rows, 0), rows);
  check_equal(fill_forward(one_column({gap})), one_column({gap}));
}

TEST_CASE("interpolate draws lines between numbers, and leaves long runs and ends alone") {
  const Matrix rows = one_column({gap, 1, gap, 3, gap, gap, gap, 7, gap});
  // No line between two numbers of one moment.
  check_equal(interpolate(one_column({1, gap, 3}), 5, std::vector<double>{0, 0, 0}, 60), one_column({1, gap, 3}));
  check_equal(interpolate(rows), one_column({gap, 1, 2, 3, 4, 5, 6, 7, gap}));
  check_equal(interpolate(rows, 2), one_column({gap, 1, 2, 3, gap, gap, gap, 7, gap}));
  check_equal(interpolate(rows, 0), rows);
  check_equal(interpolate(one_column({gap, gap})), one_column({gap, gap}));
  check_equal(interpolate(one_column({3})), one_column({3}));
}

TEST_CASE("interpolate goes by the time between rows") {
  const Matrix rows = one_column({0, gap, 10});
  const std::vector<double> times{0, 1, 4}, falling{0, 5, 4}, two{0, 1};
  check_equal(interpolate(rows, -1, times), one_column({0, Scalar(2.5), 10}));
  CHECK_THROWS_AS(interpolate(rows, -1, falling), DataError);
  const std::vector<double> unknown{0, std::numeric_limits<double>::quiet_NaN(), 10};
  check_equal(interpolate(rows, -1, unknown), rows);  // nobody knows where the row lies
  CHECK_THROWS_WITH(interpolate(rows, -1, two), "interpolate: expected 3 times, one a row, got 2");
}

TEST_CASE("fills with times know jumps of time") {
  const Matrix rows = one_column({1, gap, gap, gap, 5});
  const std::vector<double> times{0, 60, 600, 660, 720}, two{0, 60};
  check_equal(fill_forward(rows, -1, times, 60), one_column({1, 1, gap, gap, 5}));
  check_equal(fill_forward(rows, 10, times, 60), one_column({1, 1, 1, gap, 5}));
  check_equal(fill_forward(rows, -1, times), one_column({1, 1, 1, 1, 5}));  // nobody says what a jump is
  check_equal(interpolate(rows, -1, times, 60), rows);
  check_equal(interpolate(rows, 11, times, 60), interpolate(rows, -1, times));
  check_equal(interpolate(rows, 10, times, 60), rows);
  const std::vector<double> back{0, 60, 30, 90, 150};
  check_equal(fill_forward(rows, 10, back, 60), one_column({1, 1, gap, gap, 5}));
  check_equal(interpolate(rows, 10, back, 60), rows);
  CHECK_THROWS_WITH(fill_forward(rows, -1, two, 60), "fill_forward: expected 5 times, one a row, got 2");
  CHECK_THROWS_WITH(interpolate(rows, -1, {}, 60), "interpolate: expected 5 times, one a row, got 0");
}

TEST_CASE("an imputer fills by the most frequent number, and along the rows") {
  const Matrix rows = one_column({gap, 1, gap, 3, 3, gap});
  check_equal(Imputer{.fill = Fill::most_frequent}
                  .fit(TrainingRows::all_of(one_column({5, 2, 5, 2, 9})))
                  .apply(one_column({gap})),
              one_column({2}));
  check_equal(Imputer{.fill = Fill::forward_fill}.fit(TrainingRows::all_of(rows)).apply(rows),
              one_column({gap, 1, 1, 3, 3, 3}));
  check_equal(Imputer{.fill = Fill::linear_interpolation}.fit(TrainingRows::all_of(rows)).apply(rows),
              one_column({gap, 1, 2, 3, 3, gap}));
}
