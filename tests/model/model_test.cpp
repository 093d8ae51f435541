#include <thread>
#include <unsupported/Eigen/CXX11/Tensor>

#include "maas/maas.hpp"
#include "maas/testing/allocations.hpp"
#include "maas/testing/numbers.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

struct Samples {
  Matrix x = Matrix::Random(256, 6);
  Matrix y = (x.rowwise().sum().array() > 0).cast<Scalar>();
};

Model small_model() {
  auto model = Sequential{input(6), dense(16, relu), dense(1, sigmoid)};
  model.compile({.optimizer = Adam{.learning_rate = 0.01}, .loss = binary_crossentropy, .metrics = {accuracy}});
  return model;
}

}  // namespace

TEST_CASE("a model learns a separable question") {
  const Samples samples;
  Model model = small_model();
  const History history = model.fit(samples.x, samples.y, {.epochs = 30, .verbose = 0});
  CHECK(history["loss"].back() < 0.2 * history["loss"].front());
  CHECK(history["accuracy"].back() > 0.95);
}

TEST_CASE("training gives the same bits on one, two and four threads, and run after run") {
  const Samples samples;
  Vector first;
  for (int count : {1, 2, 4, 1}) {
    set_threads(count);
    auto model = Sequential{input(6), dense(300, relu), dense(200, relu), dense(1, sigmoid)};
    model.compile({.optimizer = Adam{}, .loss = binary_crossentropy});
    model.fit(samples.x, samples.y, {.epochs = 2, .batch_size = 128, .verbose = 0});
    const Vector weights = model.network().parameters().values();
    if (first.size() == 0) first = weights;
    CHECK(weights == first);
  }
  set_threads(1);
}

TEST_CASE("two fits in a row are one longer fit") {
  const Samples samples;
  Model once = small_model(), twice = small_model();
  once.fit(samples.x, samples.y, {.epochs = 4, .verbose = 0});
  twice.fit(samples.x, samples.y, {.epochs = 2, .verbose = 0});
  twice.fit(samples.x, samples.y, {.epochs = 2, .verbose = 0});
  CHECK(once.network().parameters().values() == twice.network().parameters().values());
}

TEST_CASE("fit refuses what it cannot use, and says where") {
  Samples samples;
  Model model = small_model();
  CHECK_THROWS_WITH(model.fit(Matrix::Zero(3, 5), Matrix::Zero(3, 1)), "fit: expected 6 features a sample (6), got 5");
  CHECK_THROWS_WITH(model.fit(Matrix::Zero(3, 6), Matrix::Zero(2, 1)),
                    "fit: expected as many targets as samples, got 3 samples and 2 targets");
  CHECK_THROWS_WITH(model.fit(Matrix(0, 6), Matrix(0, 1)), "fit: expected at least 1 sample, got none");
  CHECK_THROWS_WITH(model.fit(samples.x, samples.y, {.batch_size = 0}),
                    "fit: expected a batch_size of at least 1, got 0");
  samples.x(3, 2) = std::nan("");
  CHECK_THROWS_WITH(model.fit(samples.x, samples.y),
                    "fit: expected finite numbers in x, got nan in row 3, column 2 (counted from 0)");
}

TEST_CASE("every wrong input is refused with a text that says where") {
  Samples samples;
  auto uncompiled = Sequential{input(6), dense(1)};
  CHECK_THROWS_WITH(uncompiled.fit(samples.x, samples.y), "fit: the model is not compiled; call compile first");
  CHECK_THROWS_WITH(uncompiled.evaluate(samples.x, samples.y),
                    "evaluate: the model is not compiled; call compile first");
  CHECK_THROWS_WITH(uncompiled.train_on_batch(samples.x, samples.y),
                    "train_on_batch: the model is not compiled; call compile first");
  CHECK_THROWS_AS(uncompiled.optimizer_state(), StateError);
  uncompiled.compile({});
  CHECK_THROWS_WITH(uncompiled.fit(samples.x, samples.y), "fit: the model has no loss; pass .loss to compile");

  Model model = small_model();
  CHECK_THROWS_WITH(model.predict(Matrix::Zero(2, 5)), "predict: expected 6 numbers a sample (6), got 5");
  CHECK_THROWS_WITH(model.fit(samples.x, Matrix::Zero(256, 2)),
                    "fit: expected 1 target numbers a sample for BinaryCrossentropy, got 2");
  CHECK_THROWS_WITH(model.fit(samples.x, samples.y, {.epochs = 0}), "fit: expected at least 1 epoch, got 0");
  CHECK_THROWS_WITH(model.fit(samples.x, samples.y, {.initial_epoch = -1}),
                    "fit: expected an initial_epoch of at least 0, got -1");
  CHECK_THROWS_WITH(model.evaluate(samples.x, samples.y, 0), "evaluate: expected a batch_size of at least 1, got 0");
  Matrix y = samples.y;
  y(7, 0) = 2;
  CHECK_THROWS_WITH(model.fit(samples.x, y),
                    "BinaryCrossentropy: expected targets from 0 to 1, got 2 in row 7, column 0 (counted from 0)");
  y(7, 0) = std::numeric_limits<Scalar>::infinity();
  CHECK_THROWS_WITH(model.fit(samples.x, y),
                    "fit: expected finite numbers in y, got inf in row 7, column 0 (counted from 0)");
  Vector weights = Vector::Ones(256);
  weights[5] = std::numeric_limits<Scalar>::quiet_NaN();
  const std::string in_row = "expected finite numbers in sample weights, got nan in row 5, column 0 (counted from 0)";
  CHECK_THROWS_WITH(model.fit(samples.x, samples.y, {.sample_weight = weights}), "fit: " + in_row);
  CHECK_THROWS_WITH(model.evaluate(samples.x, samples.y, 32, weights), "evaluate: " + in_row);
  CHECK_THROWS_WITH(model.train_on_batch(samples.x, samples.y, {.sample_weight = weights}),
                    "train_on_batch: " + in_row);
  CHECK_THROWS_WITH(model.fit(samples.x, samples.y, {.validation_data = ValidationData{samples.x, samples.y, weights}}),
                    "fit (validation_data): " + in_row);
  CHECK_THROWS_WITH(model.fit(samples.x, samples.y, {.class_weight = {{1, std::nan("")}}}),
                    "fit: expected finite numbers in class_weight, got nan for class 1");
  CHECK_THROWS_WITH(model.fit(Dataset(Arrays(samples.x, samples.y)), {.class_weight = {{0, HUGE_VAL}}}),
                    "fit: expected finite numbers in class_weight, got inf for class 0");
  CHECK_THROWS_WITH(
      model.fit(samples.x, samples.y, {.validation_data = ValidationData{Matrix::Zero(3, 5), Matrix::Zero(3, 1)}}),
      "fit (validation_data): expected 6 features a sample (6), got 5");

  auto classes = Sequential{input(6), dense(3, softmax)};
  classes.compile({.loss = sparse_categorical_crossentropy});
  for (double label : {3.0, -1.0, 0.5}) {
    y.setZero();
    y(9, 0) = static_cast<Scalar>(label);
    CHECK_THROWS_WITH(classes.fit(samples.x, y),
                      Catch::Matchers::StartsWith("SparseCategoricalCrossentropy: expected labels 0 to 2, got ") &&
                          Catch::Matchers::EndsWith(" in row 9 (counted from 0)"));
  }
  Logs logs;
  CHECK_THROWS_AS(
      classes.train_on_batch(ConstMatrixView(samples.x.data(), 256, 6), ConstMatrixView(y.data(), 256, 1), logs),
      DataError);
}

TEST_CASE("after an error the model is as it was") {
  const Samples samples;
  Model model = small_model();
  const Vector before = model.network().parameters().values();
  CHECK_THROWS(model.fit(samples.x, samples.y, {.batch_size = 0}));
  CHECK_THROWS(model.fit(samples.x, Matrix::Constant(256, 1, 7)));
  CHECK(model.network().parameters().values() == before);
  CHECK(model.optimizer_state().step == 0);
}

TEST_CASE("matrices of either order, blocks, maps, vectors and tensors train to the same bits") {
  const Samples samples;
  Model model = small_model();
  auto trained = [&](const auto& x, const auto& y) {
    Model copy = model;
    copy.fit(x, y, {.epochs = 2, .verbose = 0});
    return Vector(copy.network().parameters().values());
  };
  const Vector expected = trained(samples.x, samples.y);
  using ColumnMajor = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>;
  const ColumnMajor x_columns = samples.x;
  const Vector y_vector = samples.y.col(0);
  Matrix wide = Matrix::Zero(256, 10);
  wide.middleCols(1, 6) = samples.x;
  wide.col(8) = samples.y;
  CHECK(trained(x_columns, y_vector) == expected);
  CHECK(trained(wide.middleCols(1, 6), wide.col(8)) == expected);
  CHECK(trained(Eigen::Map<const ColumnMajor>(x_columns.data(), 256, 6),
                Eigen::Map<const Matrix>(samples.y.data(), 256, 1)) == expected);
  Eigen::Tensor<Scalar, 2> x_tensor(256, 6);
  Eigen::Tensor<Scalar, 1> y_tensor(256);
  Eigen::Tensor<Scalar, 2, Eigen::RowMajor> x_rows(256, 6);
  for (Index row = 0; row < 256; ++row) {
    y_tensor(row) = samples.y(row, 0);
    for (Index column = 0; column < 6; ++column) x_tensor(row, column) = x_rows(row, column) = samples.x(row, column);
  }
  CHECK(trained(x_tensor, y_tensor) == expected);
  CHECK(trained(x_rows, samples.y) == expected);
  CHECK(trained(samples.x, y_tensor) == expected);
  CHECK(trained(Eigen::TensorMap<Eigen::Tensor<Scalar, 2>>(x_tensor.data(), 256, 6), y_tensor) == expected);

  const Matrix predicted = model.predict(samples.x);
  CHECK(model.predict(x_columns) == predicted);
  CHECK(model.predict(x_tensor) == predicted);
  const auto as_tensor = model.predict_tensor<2>(x_rows);
  CHECK(as_tensor.dimension(0) == 256);
  CHECK(Eigen::Map<const Matrix>(as_tensor.data(), 256, 1) == predicted);
  CHECK_THROWS_WITH(model.predict_tensor<3>(x_rows), "predict_tensor: the output has rank 2 with its samples, got 3");
  CHECK(model.evaluate(x_tensor, y_tensor) == model.evaluate(samples.x, samples.y));
  CHECK(model.evaluate(x_tensor, samples.y) == model.evaluate(samples.x, samples.y));
}

TEST_CASE("a tensor of rank 4 is samples of rank 3, in either layout") {
  auto model = Sequential{input(Shape{2, 3, 4}), flatten(), dense(2)};
  Eigen::Tensor<Scalar, 4> columns(5, 2, 3, 4);
  columns.setRandom();
  const Eigen::Tensor<Scalar, 4, Eigen::RowMajor> rows =
      columns.swap_layout().shuffle(Eigen::array<int, 4>{3, 2, 1, 0});
  CHECK(model.predict(columns) == model.predict(rows));
  CHECK(model.predict(rows) == model.predict(Eigen::Map<const Matrix>(rows.data(), 5, 24)));
}

TEST_CASE("after the first, steps and predictions take no memory, on one thread and on two") {
  if (!testing::counts_allocations()) return;
  const Samples samples;
  for (int count : {1, 2}) {
    set_threads(count);
    auto model = Sequential{input(6), dense(300, relu), dropout(0.3), dense(200, Tanh{}), dense(1, sigmoid)};
    model.compile({.optimizer = Adam{}, .loss = binary_crossentropy, .metrics = {accuracy}});
    Matrix out(256, 1);
    Workspace workspace(model.network(), 32, Mode::inference);
    Logs logs;
    auto run = [&] {
      model.train_on_batch(ConstMatrixView(samples.x.data(), 64, 6), ConstMatrixView(samples.y.data(), 64, 1), logs);
      model.train_on_batch(ConstMatrixView(samples.x.data(), 9, 6), ConstMatrixView(samples.y.data(), 9, 1), logs);
      model.network().predict_into({samples.x.data(), 256, 6}, {out.data(), 256, 1});
      model.network().predict(ConstMatrixView(samples.x.data(), 32, 6), workspace);
    };
    run();
    run();
    const std::int64_t before = testing::allocations();
    for (int i = 0; i < 5; ++i) run();
    CHECK(testing::allocations() - before == 0);
  }
  set_threads(1);
}

TEST_CASE("a step on a batch is a fit of one batch") {
  const Samples samples;
  Model stepped = small_model(), fitted = small_model();
  const Logs logs = stepped.train_on_batch(samples.x, samples.y);
  const History history = fitted.fit(samples.x, samples.y, {.batch_size = 256, .verbose = 0, .shuffle = false});
  CHECK(stepped.network().parameters().values() == fitted.network().parameters().values());
  REQUIRE(logs.size() == 2);
  CHECK(logs[0].second == history["loss"][0]);
  CHECK(logs[1].second == history["accuracy"][0]);
}

TEST_CASE("evaluate may look at the first batches only, and predict runs as many samples at a time as it is told") {
  const Samples samples;
  Model model = small_model();
  CHECK(model.evaluate(samples.x, samples.y, 10, std::nullopt, 3) ==
        model.evaluate(samples.x.topRows(30), samples.y.topRows(30), 10));
  CHECK(model.evaluate(Dataset(Arrays(samples.x, samples.y)), 10, 3) ==
        model.evaluate(samples.x, samples.y, 10, std::nullopt, 3));
  CHECK_THROWS_WITH(model.evaluate(samples.x, samples.y, 10, std::nullopt, 0),
                    "evaluate: expected at least 1 step, got 0");
  const Matrix y = model.predict(samples.x);
  for (Index batch_size : {1, 7, 256, 100000}) CHECK(model.predict(samples.x, batch_size) == y);
  CHECK(model.predict(std::vector<Matrix>{samples.x}, 5)[0] == y);
  CHECK_THROWS_WITH(model.predict(samples.x, 0), "predict: expected a batch_size of at least 1, got 0");
}

TEST_CASE("a batch may have weights of samples or classes, as a fit has") {
  const Samples samples;
  const Index rows = samples.x.rows();
  Vector weights(rows);
  for (Index i = 0; i < rows; ++i) weights[i] = samples.y(i, 0) == 1 ? Scalar(3) : Scalar(0.5);
  Model by_sample = small_model();
  Model by_class = by_sample, by_fit = by_sample, by_output = by_sample;
  const Logs logs = by_sample.train_on_batch(samples.x, samples.y, {.sample_weight = weights});
  CHECK(by_class.train_on_batch(samples.x, samples.y, {.class_weight = {{0, 0.5}, {1, 3.0}}}) == logs);
  CHECK(by_output.train_on_batch(std::vector<Matrix>{samples.x}, std::vector<Matrix>{samples.y},
                                 {.sample_weights = {weights}}) == logs);
  by_fit.fit(samples.x, samples.y, {.batch_size = rows, .verbose = 0, .shuffle = false, .sample_weight = weights});
  for (const Model* model : {&by_class, &by_output, &by_fit})
    CHECK(model->network().parameters().values() == by_sample.network().parameters().values());
  CHECK(by_class.test_on_batch(samples.x, samples.y, {.sample_weight = weights}) ==
        by_class.evaluate(samples.x, samples.y, rows, weights));
  CHECK_THROWS_WITH(
      by_class.test_on_batch(samples.x, samples.y, {.sample_weight = weights, .class_weight = {{0, 0.5}}}),
      "test_on_batch: expected sample_weight or class_weight, got both");
  CHECK_THROWS_WITH(by_class.train_on_batch(samples.x, samples.y, {.sample_weight = Vector::Ones(3)}),
                    "train_on_batch: expected " + std::to_string(rows) + " sample weights, got 3");
}

TEST_CASE("eight threads predict with one const model, and all get the same bits") {
  const Samples samples;
  const Model model = small_model();
  const Matrix expected = model.predict(samples.x);
  std::vector<int> same(8, 0);
  std::vector<std::thread> threads;
  for (int& result : same)
    threads.emplace_back([&] {
      result = 1;
      for (int i = 0; i < 20; ++i) result = result != 0 && model.predict(samples.x) == expected;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(same == std::vector<int>(8, 1));
}

TEST_CASE("a model that was trained, then moved, copied or assigned, goes on alone") {
  const Samples samples;
  Model reference = small_model();
  reference.train_on_batch(samples.x, samples.y);
  Model first = small_model();
  first.train_on_batch(samples.x, samples.y);
  Model moved = std::move(first);
  Model copied = moved;
  Model assigned = small_model();
  assigned = moved;
  reference.train_on_batch(samples.x, samples.y);
  for (Model* model : {&moved, &copied, &assigned}) {
    model->train_on_batch(samples.x, samples.y);
    CHECK(model->network().parameters().values() == reference.network().parameters().values());
    CHECK(model->optimizer_state().step == 2);
  }
}

TEST_CASE("initialize draws new weights and forgets the optimizer's state") {
  const Samples samples;
  Model model = small_model();
  const Vector first = model.network().parameters().values();
  model.fit(samples.x, samples.y, {.verbose = 0});
  model.initialize(3);
  CHECK(model.optimizer_state().step == 0);
  CHECK(model.network().parameters().values() != first);
  model.initialize(0);
  CHECK(model.network().parameters().values() == first);
}

TEST_CASE("dropout acts in fit, not in evaluate or predict, and follows from the seed") {
  const Samples samples;
  auto model = [] {
    auto result = Sequential{input(6), dense(8, relu), dropout(0.5), dense(1, sigmoid)};
    result.compile({.optimizer = Sgd{}, .loss = binary_crossentropy});
    return result;
  };
  auto trained = [&](std::uint64_t seed) {
    Model result = model();
    result.fit(samples.x, samples.y, {.verbose = 0, .shuffle = false, .seed = seed});
    return Vector(result.network().parameters().values());
  };
  CHECK(trained(1) == trained(1));
  CHECK(trained(1) != trained(2));
  Model one = model();
  CHECK(one.evaluate(samples.x, samples.y) == one.evaluate(samples.x, samples.y));
  CHECK(one.predict(samples.x) == one.predict(samples.x));
}

TEST_CASE("targets may be missing where the loss is masked, and nowhere else") {
  const Matrix x = testing::detail::random_matrix(12, 3, -1, 1, Random(1));
  Matrix y = x.leftCols(2);
  y(4, 0) = y(7, 0) = y(7, 1) = NAN;
  auto model = Sequential{input(3), dense(2)};
  model.compile({.optimizer = Sgd{.learning_rate = 0.3}, .loss = mean_squared_error});
  CHECK_THROWS_WITH(model.fit(x, y, {.verbose = 0}),
                    "fit: expected finite numbers in y, got nan in row 4, column 0 (counted from 0)");
  model.compile({.optimizer = Sgd{.learning_rate = 0.3},
                 .loss = masked(mean_squared_error),
                 .metrics = {Metric(masked(mean_absolute_error)).named("mae")}});
  const History history = model.fit(x, y, {.epochs = 200, .batch_size = 12, .verbose = 0});
  CHECK(history["loss"].back() < 1e-6);
  CHECK(history["mae"].back() < 1e-3);
  y(2, 1) = INFINITY;
  CHECK_THROWS_AS(model.fit(x, y, {.verbose = 0}), DataError);
}

TEST_CASE("a loss of whole samples or of the whole batch trains, and its reduction is what fit reports") {
  const Matrix x = testing::detail::random_matrix(10, 4, -1, 1, Random(1));
  const Matrix y = (x.array() > 0).cast<Scalar>();
  for (const Loss& loss : {Loss(dice), Loss(Dice{.axis = std::vector{1, 2}}), Loss(Tversky{.alpha = 0.3})}) {
    auto model = Sequential{input(Shape{2, 2}), dense(8, Tanh{}), dense(2, sigmoid)};
    model.compile({.optimizer = Adam{.learning_rate = 0.05}, .loss = loss});
    const Logs before = model.evaluate(x, y, 10);
    const Matrix p = model.predict(x);
    Vector scratch(10);
    const Index rows = 10;
    CHECK(before[0].second == Approx(loss.mean(ConstMatrixView(p.data(), rows, 4), ConstMatrixView(y.data(), rows, 4),
                                               ConstVectorView(nullptr, 0), VectorView(scratch.data(), rows)))
                                  .epsilon(1e-6));
    model.fit(x, y, {.epochs = 60, .batch_size = 10, .verbose = 0});
    CHECK(model.evaluate(x, y, 10)[0].second < 0.6 * before[0].second);
  }
  auto model = Sequential{input(4), dense(4)};
  model.compile({.optimizer = Sgd{}, .loss = Loss(mean_squared_error)});
  const double mean = model.evaluate(x, y, 10)[0].second;
  model.compile({.optimizer = Sgd{}, .loss = Loss(mean_squared_error).reduced("sum")});
  CHECK(model.evaluate(x, y, 10)[0].second == Approx(10 * mean).epsilon(1e-6));
  model.compile({.optimizer = Sgd{}, .loss = Dice{.axis = std::vector{1, 2}}});
  CHECK_THROWS_AS(model.evaluate(x, y), ConfigError);
}
