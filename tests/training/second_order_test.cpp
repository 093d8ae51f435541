// Optimizers for small regression networks: L-BFGS and Levenberg-Marquardt behind fit.
#include <Eigen/QR>
#include <algorithm>
#include <limits>

#include "maas/layers/layers.hpp"
#include "maas/maas.hpp"
#include "maas/testing/allocations.hpp"
#include "maas/testing/numbers.hpp"
#include "support/catch.hpp"
#include "support/difference.hpp"
#include "support/weights.hpp"

using namespace maas;
using testing::detail::random_matrix;

namespace {

using tests::is_double;

int looks = 0;  // at the loss

/// Squared error that counts how often it is asked for its values.
struct CountedError {
  static constexpr std::string_view class_name = "CountedError";
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    ++looks;
    mean_squared_error.values(predicted, target, out);
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
    mean_squared_error.gradient(predicted, target, out);
  }
};

/// A curve to fit: one number in, one out.
struct Curve {
  explicit Curve(Index count = 60) : x(Vector::LinSpaced(count, Scalar(-2), Scalar(2))), y(x) {
    for (Index i = 0; i < count; ++i) y(i, 0) = std::sin(Scalar(2) * x(i, 0)) + Scalar(0.3) * x(i, 0);
  }
  Matrix x, y;
};

Model curve_model(Optimizer optimizer, Loss loss = mean_squared_error, std::uint64_t seed = 3) {
  auto model = Sequential{input(1), dense(8, Tanh{}), dense(1)};
  model.initialize(seed);
  model.compile({.optimizer = std::move(optimizer), .loss = std::move(loss)});
  return model;
}

using tests::weights_of;

}  // namespace

TEST_CASE("a linear network comes to the solution of the normal equations") {
  const Matrix x = random_matrix(50, 4, -1, 1, Random(1)), noise = random_matrix(50, 2, -1, 1, Random(2));
  const Matrix y = x.leftCols(2) * Scalar(3) - x.rightCols(2) + noise;
  Matrix augmented(50, 5);
  augmented << x, Matrix::Ones(50, 1);
  const Matrix solution = augmented.colPivHouseholderQr().solve(y);
  for (const Optimizer& optimizer : {Optimizer(Lbfgs{}), Optimizer(LevenbergMarquardt{})}) {
    INFO(optimizer.class_name());
    auto model = Sequential{input(4), dense(2)};
    model.compile({.optimizer = optimizer, .loss = mean_squared_error});
    model.fit(x, y, {.epochs = 60, .verbose = 0});
    const double tolerance = is_double ? 1e-8 : 1e-4;
    const Matrix kernel = model.network().parameters().view("dense/kernel"),
                 bias = model.network().parameters().view("dense/bias");
    CHECK(static_cast<double>((kernel - solution.topRows(4)).cwiseAbs().maxCoeff()) < tolerance);
    CHECK(static_cast<double>((bias - solution.row(4)).cwiseAbs().maxCoeff()) < tolerance);
    CHECK(model.optimizer_state().step == 60);
  }
}

TEST_CASE("L-BFGS comes further than Adam in as many looks at the loss, but where Adam's rate suits the problem") {
  // Where one training ends is a matter of the last bits: the middle one of several counts.
  const Curve curve;
  const auto middle = [&](const auto& optimizer_of_epochs) {
    std::vector<double> losses;
    for (std::uint64_t seed = 0; seed < 9; ++seed) {
      const auto [optimizer, epochs] = optimizer_of_epochs(seed);
      looks = 0;
      Model model = curve_model(optimizer, CountedError{}, seed);
      model.fit(curve.x, curve.y, {.epochs = epochs, .batch_size = 60, .verbose = 0});
      losses.push_back(model.evaluate(curve.x, curve.y, 60)[0].second);
    }
    std::sort(losses.begin(), losses.end());
    return losses[losses.size() / 2];
  };
  int fewest = std::numeric_limits<int>::max();
  const double reached = middle([&](std::uint64_t) {
    if (looks > 0) fewest = std::min(fewest, looks);
    return std::pair<Optimizer, int>(Lbfgs{}, 150);
  });
  CHECK(fewest >= 300);
  const auto adam = [&](double rate) {
    return middle([&](std::uint64_t) { return std::pair<Optimizer, int>(Adam{.learning_rate = rate}, fewest); });
  };
  CHECK(reached < 0.01 * adam(0.001));  // its default
  CHECK(reached < 0.5 * adam(0.01));
  for (double rate : {0.03, 0.1}) {  // the best there are for this curve: there it is no worse than half again as much
    INFO("Adam's rate: " << rate);
    CHECK(reached < 1.5 * adam(rate));
  }
}

TEST_CASE("Levenberg-Marquardt fits a curve to next to nothing") {
  const Curve curve;
  Model model = curve_model(LevenbergMarquardt{});
  const double before = model.evaluate(curve.x, curve.y, 60)[0].second;
  const History history = model.fit(curve.x, curve.y, {.epochs = 300, .verbose = 0});
  CHECK(before > 0.1);
  CHECK(model.evaluate(curve.x, curve.y, 60)[0].second < 1e-5);
  for (std::size_t epoch = 1; epoch < history["loss"].size(); ++epoch)
    CHECK(history["loss"][epoch] <= history["loss"][epoch - 1]);
}

TEST_CASE("both recover the constants of a network that made the data") {
  auto teacher = Sequential{input(2), dense(3, Tanh{}), dense(2)};
  teacher.initialize(11);
  const Matrix x = random_matrix(40, 2, -2, 2, Random(1)), y = teacher.predict(x);
  for (const auto& [optimizer, epochs] :
       {std::pair(Optimizer(LevenbergMarquardt{}), 100), std::pair(Optimizer(Lbfgs{}), 600)}) {
    INFO(optimizer.class_name());
    auto model = Sequential{input(2), dense(3, Tanh{}), dense(2)};
    model.initialize(14);  // most starts lead there; that of 12 ends in a local minimum of 3e-4
    model.compile({.optimizer = optimizer, .loss = mean_squared_error});
    model.fit(x, y, {.epochs = epochs, .verbose = 0});
    CHECK(model.evaluate(x, y, 40)[0].second < (is_double ? 1e-9 : 1e-6));
  }
}

TEST_CASE("sample weights and reductions count in the residuals") {
  const Curve curve(20);
  Vector weights = Vector::Ones(20);
  weights.tail(10).setZero();
  Model weighted = curve_model(LevenbergMarquardt{}), alone = curve_model(LevenbergMarquardt{});
  weighted.compile({.optimizer = LevenbergMarquardt{}, .loss = Loss(mean_squared_error).reduced("sum")});
  alone.compile({.optimizer = LevenbergMarquardt{}, .loss = Loss(mean_squared_error).reduced("sum")});
  weighted.fit(curve.x, curve.y, {.epochs = 3, .verbose = 0, .shuffle = false, .sample_weight = weights});
  alone.fit(curve.x.topRows(10), curve.y.topRows(10), {.epochs = 3, .verbose = 0, .shuffle = false});
  CHECK((weights_of(weighted) - weights_of(alone)).cwiseAbs().maxCoeff() < (is_double ? 1e-8 : 1e-2));
  weights[3] = -1;
  CHECK_THROWS_WITH(weighted.fit(curve.x, curve.y, {.verbose = 0, .shuffle = false, .sample_weight = weights}),
                    "LevenbergMarquardt: expected sample weights of at least 0, got -1 for sample 3");
}

TEST_CASE("Levenberg-Marquardt says what it cannot train") {
  const Curve curve(20);
  Model model = curve_model(LevenbergMarquardt{}, mean_absolute_error);
  CHECK_THROWS_WITH(
      model.fit(curve.x, curve.y, {.verbose = 0}),
      "LevenbergMarquardt: expected one output with the loss mean_squared_error, of which it takes the residuals, got "
      "MeanAbsoluteError");
  model = curve_model(LevenbergMarquardt{.max_parameters = 24});
  CHECK_THROWS_AS(model.fit(curve.x, curve.y, {.verbose = 0}), ConfigError);
  for (const Layer& layer : {Layer(dropout(0.5)), Layer(BatchNormalization{}),
                             Layer(Dense{.units = 8, .kernel_regularizer = L2{.l2 = 0.1}})}) {
    auto other = Sequential{input(1), dense(8, Tanh{}), layer, dense(1)};
    other.compile({.optimizer = LevenbergMarquardt{}, .loss = mean_squared_error});
    CHECK_THROWS_WITH(other.fit(curve.x, curve.y, {.verbose = 0}),
                      Catch::Matchers::StartsWith("LevenbergMarquardt: the squares of the residuals add up to "));
  }
}

TEST_CASE("L-BFGS trains what the others train: dropout, batch normalization, penalties, any loss") {
  const Matrix x = random_matrix(64, 3, -1, 1, Random(1));
  const Matrix y = (x.rowwise().sum().array() > 0).cast<Scalar>();
  auto model = Sequential{input(3), dense(16, Tanh{}), dropout(0.1), BatchNormalization{},
                          Dense{.units = 1, .activation = sigmoid, .kernel_regularizer = L2{.l2 = 1e-4}}};
  model.compile({.optimizer = Lbfgs{}, .loss = binary_crossentropy, .metrics = {accuracy}});
  model.fit(x, y, {.epochs = 40, .verbose = 0});
  CHECK(model.evaluate(x, y)[1].second >= 0.95);
}

TEST_CASE("both give the same bits on one, two and four threads, and two fits are one longer fit") {
  const Curve curve;
  const int before = threads();
  for (const Optimizer& optimizer : {Optimizer(Lbfgs{}), Optimizer(LevenbergMarquardt{})}) {
    INFO(optimizer.class_name());
    Vector expected;
    for (int count : {1, 2, 4}) {
      set_threads(count);
      Model model = curve_model(optimizer);
      model.fit(curve.x, curve.y, {.epochs = 10, .verbose = 0});
      if (count == 1) expected = weights_of(model);
      CHECK(weights_of(model) == expected);
    }
    set_threads(before);
    Model twice = curve_model(optimizer);
    for (int fit = 0; fit < 2; ++fit) twice.fit(curve.x, curve.y, {.epochs = 5, .verbose = 0});
    CHECK(weights_of(twice) == expected);
  }
}

TEST_CASE("a network all of whose layers are frozen stays as it is") {
  const Curve curve;
  for (const Optimizer& optimizer : {Optimizer(Lbfgs{}), Optimizer(LevenbergMarquardt{})}) {
    INFO(optimizer.class_name());
    auto model = Sequential{input(1), dense(1).frozen()};
    model.compile({.optimizer = optimizer, .loss = mean_squared_error});
    const Vector before = weights_of(model);
    const History history = model.fit(curve.x, curve.y, {.epochs = 2, .verbose = 0, .shuffle = false});
    CHECK(history["loss"][0] == history["loss"][1]);
    CHECK(weights_of(model) == before);
  }
}

TEST_CASE("after the first, their steps take no memory") {
  const Curve curve;
  for (const Optimizer& optimizer : {Optimizer(Lbfgs{}), Optimizer(LevenbergMarquardt{})}) {
    INFO(optimizer.class_name());
    Model model = curve_model(optimizer);
    Logs logs;
    const ConstMatrixView x(curve.x.data(), 60, 1), y(curve.y.data(), 60, 1);
    model.train_on_batch(x, y, logs);
    const std::int64_t start = testing::allocations();
    for (int step = 0; step < 5; ++step) model.train_on_batch(x, y, logs);
    CHECK(testing::allocations() - start == 0);
  }
}
