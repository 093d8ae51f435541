// The derivatives of a loss, and what a prediction rests on.
#include "maas/maas.hpp"
#include "maas/network/merge.hpp"
#include "maas/testing/numbers.hpp"
#include "support/catch.hpp"

using namespace maas;
using testing::detail::random_matrix;

namespace {

/// A step of differences and how far from them a derivative may be.
constexpr double step = sizeof(Scalar) == 8 ? 1e-5 : 1e-2, tolerance = sizeof(Scalar) == 8 ? 1e-6 : 5e-3;

double loss_of(Model& model, const std::vector<Matrix>& x, const std::vector<Matrix>& y) {
  return model.test_on_batch(x, y)[0].second;
}

struct Branches {
  Symbol a = input(3), b = input(2);
  Symbol joint = dropout(0.5)(dense(4, Tanh{})(concatenate({a, b})));
  Model model{{a, b},
              {dense(1, sigmoid).named("alarm")(joint),
               Layer(Dense{.units = 2, .kernel_regularizer = L2{.l2 = 0.1}}).named("flow")(joint)}};
  std::vector<Matrix> x{random_matrix(6, 3, -1, 1, Random(1)), random_matrix(6, 2, -1, 1, Random(2))};
  std::vector<Matrix> y{(x[1].leftCols(1).array() > 0).cast<Scalar>().matrix(), random_matrix(6, 2, -1, 1, Random(3))};

  Branches() {
    model.compile({.optimizer = Sgd{.learning_rate = 0.5},
                   .outputs = {{.loss = binary_crossentropy, .loss_weight = 0.4}, {.loss = mean_squared_error}}});
  }
};

}  // namespace

TEST_CASE("gradients are the differences of the loss, of every weight and every input") {
  Branches two;
  const LossGradients gradients = two.model.gradients(two.x, two.y);
  CHECK(gradients.loss == loss_of(two.model, two.x, two.y));
  CHECK(gradients.weights.size() == two.model.network().parameters().entries().size());
  for (const auto& [name, gradient] : gradients.weights) {
    INFO(name);
    MatrixView weight = two.model.network().parameters().view(name);
    REQUIRE((gradient.rows() == weight.rows() && gradient.cols() == weight.cols()));
    for (Index i = 0; i < weight.size(); ++i) {
      const Scalar before = weight.data()[i];
      weight.data()[i] = before + static_cast<Scalar>(step);
      const double above = loss_of(two.model, two.x, two.y);
      weight.data()[i] = before - static_cast<Scalar>(step);
      const double below = loss_of(two.model, two.x, two.y);
      weight.data()[i] = before;
      CHECK(gradient.data()[i] == Approx((above - below) / (2 * step)).margin(tolerance));
    }
  }
  REQUIRE(gradients.inputs.size() == 2);
  for (std::size_t input = 0; input < 2; ++input)
    for (Index i = 0; i < two.x[input].size(); ++i) {
      std::vector<Matrix> moved = two.x;
      moved[input].data()[i] += static_cast<Scalar>(step);
      const double above = loss_of(two.model, moved, two.y);
      moved[input].data()[i] -= static_cast<Scalar>(2 * step);
      const double below = loss_of(two.model, moved, two.y);
      CHECK(gradients.inputs[input].data()[i] == Approx((above - below) / (2 * step)).margin(tolerance));
    }
  CHECK_THROWS_WITH(gradients.of("nothing"),
                    "gradients: there is none of \"nothing\"; there are dense/kernel, dense/bias, alarm/kernel, "
                    "alarm/bias, flow/kernel, flow/bias");
}

TEST_CASE("gradients in training are those of the next step, and change nothing") {
  Branches two;
  const Vector before = two.model.network().parameters().values();
  const LossGradients gradients = two.model.gradients(two.x, two.y, Mode::training);
  CHECK(two.model.network().parameters().values() == before);
  CHECK(two.model.optimizer_state().step == 0);
  CHECK(gradients.loss != two.model.gradients(two.x, two.y).loss);  // with dropout
  const Matrix kernel = two.model.network().parameters().view("dense/kernel");
  const Logs logs = two.model.train_on_batch(two.x, two.y);
  CHECK(logs[0].second == gradients.loss);
  const Matrix moved = kernel - Scalar(0.5) * gradients.of("dense/kernel");
  CHECK(two.model.network().parameters().view("dense/kernel").isApprox(moved));
}

TEST_CASE("gradients of one matrix each leave frozen weights out") {
  auto model = Sequential{input(3), dense(2).frozen(), BatchNormalization{}, dense(1)};
  model.compile({.loss = mean_squared_error});
  const Matrix x = random_matrix(5, 3, -1, 1, Random(1)), y = Matrix::Ones(5, 1);
  const LossGradients gradients = model.gradients(x, y);
  CHECK_THROWS_AS(gradients.of("dense/kernel"), ConfigError);
  CHECK(gradients.of("dense_1/kernel").norm() > 0);
  CHECK(gradients.inputs[0].norm() > 0);  // through the frozen layer
  CHECK(gradients.loss == Approx(model.evaluate(x, y)[0].second));
}

TEST_CASE("gradient times input of a linear network adds up to the prediction") {
  auto model = Sequential{input(4), Dense{.units = 3, .use_bias = false}, Dense{.units = 2, .use_bias = false}};
  const Matrix x = random_matrix(300, 4, -1, 1, Random(1)), y = model.predict(x);
  for (Index number : {0, 1}) {
    const Matrix shares = model.gradient_times_input(x, number);
    CHECK((shares.rowwise().sum() - y.col(number)).norm() < 1e-4);
  }
  CHECK_THROWS_WITH(model.gradient_times_input(x, 2), "gradient_times_input: expected a number from 0 to 1, got 2");
}

TEST_CASE("gradient times input is that of each sample and output alone, without penalties") {
  const Symbol a = input(2), b = input(3);
  const Symbol first =
      Layer(Dense{.units = 2, .activation = Tanh{}, .activity_regularizer = L2{.l2 = 3}}).named("first")(a);
  const Model model({a, b}, {first, dense(1, Tanh{})(concatenate({first, b}))});
  const std::vector<Matrix> x{random_matrix(3, 2, -1, 1, Random(1)), random_matrix(3, 3, -1, 1, Random(2))};
  const std::vector<Matrix> shares = model.gradient_times_input(x, 1, 0);
  CHECK(shares[1] == Matrix::Zero(3, 3));  // the first output does not see it
  for (Index row : {0, 1, 2}) {
    std::vector<Matrix> above = x, below = x;
    above[0](row, 0) += static_cast<Scalar>(step);
    below[0](row, 0) -= static_cast<Scalar>(step);
    const double slope = static_cast<double>(model.predict(above)[0](row, 1) - model.predict(below)[0](row, 1));
    CHECK(shares[0](row, 0) == Approx(slope / (2 * step) * static_cast<double>(x[0](row, 0))).margin(tolerance));
  }
  CHECK_THROWS_WITH(model.gradient_times_input(x, 0, 2), "gradient_times_input: expected an output from 0 to 1, got 2");
}
