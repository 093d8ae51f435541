#include "maas/data/scalers.hpp"

#include <cmath>

#include "maas/core/fields.hpp"
#include "support/catch.hpp"
#include "support/gap.hpp"

using namespace maas;

namespace {

using tests::gap;

Matrix training_rows() {
  Matrix rows(4, 3);
  rows << 0, 7, gap, 2, 7, 1, 4, 7, 3, 10, 7, 5;
  return rows;
}

void check_close(const Matrix& got, const Matrix& expected) {
  REQUIRE(got.rows() == expected.rows());
  REQUIRE(got.cols() == expected.cols());
  for (Index row = 0; row < got.rows(); ++row)
    for (Index column = 0; column < got.cols(); ++column) {
      CAPTURE(row, column);
      if (std::isnan(expected(row, column)))
        CHECK(std::isnan(got(row, column)));
      else
        CHECK(got(row, column) == Approx(expected(row, column)).epsilon(1e-6).margin(1e-6));
    }
}

template <class Scaler>
void check_refusals(std::string_view name) {
  CHECK_THROWS_AS(Scaler{}.apply(training_rows()), StateError);
  CHECK_THROWS_AS(Scaler{}.invert(training_rows()), StateError);
  CHECK_THROWS_WITH(Scaler{}.fit(TrainingRows::all_of(training_rows())).apply(Matrix::Zero(1, 2)),
                    std::string(name) + ": expected 3 columns, got 2");
  CHECK_THROWS_WITH(Scaler{}.fit(TrainingRows::all_of(Matrix::Constant(2, 1, gap))),
                    std::string(name) + ": expected a number in column 0 (counted from 0), got none");
  CHECK_THROWS_AS(Scaler{}.fit(TrainingRows::all_of(Matrix::Constant(2, 1, INFINITY))), DataError);
  CHECK_THROWS_AS(Scaler{}.fit(TrainingRows::all_of(Matrix(0, 2))), DataError);
}

}  // namespace

TEST_CASE("a min-max scaler maps the training range to 0 and 1") {
  MinMaxScaler scaler;
  scaler.fit(TrainingRows::all_of(training_rows()));
  CHECK(scaler.data_min == std::vector<double>{0, 7, 1});
  CHECK(scaler.data_max == std::vector<double>{10, 7, 5});

  Matrix rows(2, 3), expected(2, 3);
  rows << 5, 7, 2, 20, 9, gap;
  expected << Scalar(0.5), 0, Scalar(0.25), 2, 2, gap;  // the constant column is only shifted
  check_close(scaler.apply(rows), expected);
  check_close(scaler.invert(scaler.apply(rows)), rows);
}

TEST_CASE("a min-max scaler maps to any range") {
  MinMaxScaler scaler{.range_min = -1, .range_max = 1};
  Matrix rows(3, 1), expected(3, 1);
  rows << 0, 197, 98.5;
  expected << -1, 1, 0;
  check_close(scaler.fit(TrainingRows::all_of(rows)).apply(rows), expected);
  CHECK_THROWS_WITH((MinMaxScaler{.range_min = 1, .range_max = 1}.fit(TrainingRows::all_of(rows))),
                    "MinMaxScaler: expected range_min below range_max, got 1 and 1");
}

TEST_CASE("a standard scaler subtracts the mean and divides by the deviation of the population") {
  StandardScaler scaler;
  scaler.fit(TrainingRows::all_of(training_rows()));
  CHECK(scaler.mean == std::vector<double>{4, 7, 3});
  CHECK(scaler.scale[0] == Approx(std::sqrt(14.0)));  // (16 + 4 + 0 + 36) / 4
  CHECK(scaler.scale[1] == 1);
  CHECK(scaler.scale[2] == Approx(std::sqrt(8.0 / 3)));

  Matrix rows(2, 3), expected(2, 3);
  rows << 4, 8, 3, gap, 7, 5;
  expected << 0, 1, 0, gap, 0, Scalar(2 / std::sqrt(8.0 / 3));
  check_close(scaler.apply(rows), expected);
  check_close(scaler.invert(scaler.apply(rows)), rows);
}

TEST_CASE("a standard scaler takes rounding errors for a constant") {
  StandardScaler scaler;
  scaler.fit(TrainingRows::all_of(Matrix::Constant(1000, 1, Scalar(0.1))));
  CHECK(scaler.scale[0] == 1);
}

TEST_CASE("one row is a constant in every column") {
  Matrix row(1, 2);
  row << 3, 4;
  CHECK(MinMaxScaler{}.fit(TrainingRows::all_of(row)).apply(row) == Matrix::Zero(1, 2));
  CHECK(StandardScaler{}.fit(TrainingRows::all_of(row)).apply(row) == Matrix::Zero(1, 2));
}

TEST_CASE("scalers say what they cannot use") {
  check_refusals<MinMaxScaler>("MinMaxScaler");
  check_refusals<StandardScaler>("StandardScaler");
}

TEST_CASE("what a scaler learned is written and read with its fields") {
  MinMaxScaler scaler{.range_min = -1};
  scaler.fit(TrainingRows::all_of(training_rows()));
  const auto again = read_config<MinMaxScaler>(write_config(scaler));
  CHECK(again.apply(training_rows()).leftCols(2) == scaler.apply(training_rows()).leftCols(2));
  CHECK(again.range_min == -1);
  CHECK_THROWS_AS(read_config<StandardScaler>(write_config(scaler)), ConfigError);
}
