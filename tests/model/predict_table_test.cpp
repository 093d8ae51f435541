// Predictions for raw rows, by the pipeline of a model.
#include "maas/model/sequential.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

const double gap = std::numeric_limits<double>::quiet_NaN();

Table rows_of(std::vector<double> x, std::vector<double> y) {
  Table table;
  table.add({.name = "x", .numbers = std::move(x)});
  table.add({.name = "y", .numbers = std::move(y)});
  return table;
}

/// A network that gives back what it takes.
Model identity() {
  Model model = Sequential{input(1), dense(1)};
  model.weight("dense/kernel") << 1;
  return model;
}

}  // namespace

TEST_CASE("predict makes features of raw rows and undoes the scaling of the targets") {
  Model model = identity();
  Pipeline pipeline({.steps = {MinMax{}}, .targets = {"y"}, .out_of_range = OutOfRange::pass});
  model.info().pipeline = pipeline.fit(rows_of({0, 10}, {100, 300}));
  Table raw;
  raw.add({.name = "other", .numbers = {1, 2, 3}});
  raw.add({.name = "x", .numbers = {0, 5, 20}});
  Matrix expected(3, 1);
  expected << 100, 200, 500;
  CHECK(model.predict(raw).isApprox(expected, Scalar(1e-6)));
  CHECK(model.predict_table(raw).names() == std::vector<std::string>{"y"});
  CHECK(model.predict_table(raw).numbers("y")[2] == Approx(500));
}

TEST_CASE("predict refuses a number beyond those of training, unless the pipeline was told otherwise") {
  Model model = identity();
  Pipeline pipeline({.targets = {"y"}});
  model.info().pipeline = pipeline.fit(rows_of({0, 10}, {100, 300}));
  CHECK(model.predict(rows_of({3, 11}, {gap, gap}))(1, 0) == Approx(11));  // a little
  CHECK_THROWS_WITH(model.predict(rows_of({3, 13}, {gap, gap})),
                    Catch::Matchers::ContainsSubstring(
                        "expected \"x\" from -2.5 to 12.5 (0 to 10 in the training rows, and a margin of 0.25 of that "
                        "width), got 13 in row 1 (counted from 0)"));
  Pipeline clipping({.targets = {"y"}, .out_of_range = OutOfRange::clip});
  model.info().pipeline = clipping.fit(rows_of({0, 10}, {100, 300}));
  CHECK(model.predict(rows_of({3, 11}, {gap, gap}))(1, 0) == 10);
}

TEST_CASE("a row of which a feature is missing has no answer, and leaves the others alone") {
  Model model = Sequential{input(1), dense(4, Relu{}), dense(1)};  // a rectifier would make a number of NaN
  Pipeline pipeline({.targets = {"y"}});
  model.info().pipeline = pipeline.fit(rows_of({0, 10}, {100, 300}));
  const Matrix with_gap = model.predict(rows_of({3, gap, 5}, {gap, gap, gap}));
  const Matrix without = model.predict(rows_of({3, 4, 5}, {gap, gap, gap}));
  CHECK(std::isnan(with_gap(1, 0)));
  CHECK(with_gap(0, 0) == without(0, 0));
  CHECK(with_gap(2, 0) == without(2, 0));
}

TEST_CASE("a network of differences answers in levels") {
  Model model = identity();
  Pipeline pipeline(
      {.steps = {Difference{.columns = {"y"}}}, .features = {"x"}, .targets = {"y"}, .out_of_range = OutOfRange::pass});
  model.info().pipeline = pipeline.fit(rows_of({0, 1}, {5, 6}));
  const Matrix y = model.predict(rows_of({1, 2, 3}, {10, 20, 30}));
  CHECK(std::isnan(y(0, 0)));
  CHECK(y(1, 0) == 12);  // 10 before, and 2 more
  CHECK(y(2, 0) == 23);
}

TEST_CASE("classes are given as scores, or by name") {
  Model model = Sequential{input(1), dense(2)};
  model.weight("dense/kernel") << 1, -1;
  Table training = rows_of({1, 2}, {0, 0});
  training.remove("y");
  training.add({.name = "kind", .type = ColumnType::text, .texts = {"up", "down"}});
  Pipeline pipeline(
      {.steps = {Ordinal{.order = {"up", "down"}}}, .targets = {"kind"}, .out_of_range = OutOfRange::pass});
  model.info().pipeline = pipeline.fit(training);
  const Table raw = rows_of({3, -3}, {0, 0});
  Matrix scores(2, 2);
  scores << 3, -3, -3, 3;
  CHECK(model.predict(raw) == scores);
  CHECK(model.predict_table(raw).texts("kind") == std::vector<std::string>{"up", "down"});
}

TEST_CASE("predict says what a model lacks for raw rows") {
  Model model = identity();
  const Table raw = rows_of({0, 1}, {2, 3});
  CHECK_THROWS_WITH(model.predict(raw),
                    "predict: expected a model with a pipeline for a table, got one without; set info().pipeline");
  model.info().pipeline = Pipeline({.features = {"x"}});
  CHECK_THROWS_AS(model.predict(raw), ConfigError);
  Pipeline unscaled({.features = {"x"}});
  model.info().pipeline = unscaled.fit(raw);
  CHECK(model.predict(raw).rows() == 2);
  CHECK_THROWS_AS(model.predict_table(raw), StateError);
  Pipeline wide;
  model.info().pipeline = wide.fit(raw);
  CHECK_THROWS_AS(model.predict(raw), ShapeError);
}
