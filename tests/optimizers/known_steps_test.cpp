// First steps worked out by hand, and what two of them make.
#include "maas/optimizers/optimizers.hpp"
#include "maas/testing/check_optimizer.hpp"
#include "support/catch.hpp"

using namespace maas;
using testing::check_optimizer;

namespace {

/// Weights after steps with gradient (1, -2) from (1, 1).
Vector after(const Optimizer& optimizer, int steps) {
  testing::detail::OptimizerRun run(optimizer, 2);
  run.weights().setOnes();
  for (int i = 0; i < steps; ++i) {
    run.gradient() << 1, -2;
    run.step();
  }
  return run.weights();
}

void check_close(const Vector& got, double first, double second) {
  CHECK(static_cast<double>(got[0]) == Approx(first).epsilon(sizeof(Scalar) == 8 ? 1e-12 : 1e-6));
  CHECK(static_cast<double>(got[1]) == Approx(second).epsilon(sizeof(Scalar) == 8 ? 1e-12 : 1e-6));
}

}  // namespace

TEST_CASE("descent goes against the gradient") {
  CHECK_NOTHROW(check_optimizer(Sgd{.learning_rate = 0.1}, {.known_step = {{{1, 1}, {1, -2}, {0.9, 1.2}}}}));
  CHECK_NOTHROW(
      check_optimizer(GradientDescent{.learning_rate = 0.1}, {.known_step = {{{1, 1}, {1, -2}, {0.9, 1.2}}}}));
  CHECK(Optimizer(GradientDescent{}).full_batch());
  CHECK(!Optimizer(Sgd{}).full_batch());
}

TEST_CASE("momentum: m = mu m - rate g, w += m; Nesterov looks one step ahead") {
  // m: -0.1, then 0.9 * -0.1 - 0.1 = -0.19.
  check_close(after(Sgd{.learning_rate = 0.1, .momentum = 0.9}, 1), 0.9, 1.2);
  check_close(after(Sgd{.learning_rate = 0.1, .momentum = 0.9}, 2), 0.71, 1.58);
  check_close(after(Sgd{.learning_rate = 0.1, .momentum = 0.9, .nesterov = true}, 1), 1 - 0.19, 1 + 0.38);
  check_close(after(Sgd{.learning_rate = 0.1, .momentum = 0.9, .nesterov = true}, 2), 0.81 - 0.271, 1.38 + 0.542);
  CHECK_NOTHROW(check_optimizer(Sgd{.momentum = 0.9, .nesterov = true}));
}

TEST_CASE("a schedule counts batches, also of those that only accumulate") {
  // Recorded from Keras 3.15.1: one weight from 8, gradients 1 3 2 4 1 1, a step on every second one.
  const Schedule halved = ExponentialDecay{.initial_learning_rate = 1, .decay_steps = 1, .decay_rate = 0.5};
  const auto weights = [](const Optimizer& optimizer) {
    testing::detail::OptimizerRun run(optimizer, 1);
    run.weights().setConstant(8);
    std::vector<double> all;
    for (const double gradient : {1, 3, 2, 4, 1, 1}) {
      run.gradient().setConstant(static_cast<Scalar>(gradient));
      run.step();
      all.push_back(static_cast<double>(run.weights()[0]));
    }
    return all;
  };
  const OptimizerOptions pairs{.gradient_accumulation_steps = 2};
  CHECK(weights(Sgd{.learning_rate = halved, .options = pairs}) == std::vector<double>{8, 7, 7, 6.625, 6.625, 6.59375});
  const std::vector<double> adam = weights(Adam{.learning_rate = halved, .options = pairs});
  const std::vector<double> recorded{8, 7.50000429, 7.50000429, 7.3761549, 7.3761549, 7.347754};
  for (std::size_t i = 0; i < adam.size(); ++i) CHECK(adam[i] == Approx(recorded[i]).epsilon(2e-6));
}

TEST_CASE("a clipping of 0 or less is none, as in Keras") {
  for (const double off : {0.0, -1.0}) {
    check_close(after(Sgd{.learning_rate = 0.1, .options = {.clipnorm = off}}, 1), 0.9, 1.2);
    check_close(after(Sgd{.learning_rate = 0.1, .options = {.global_clipnorm = off}}, 1), 0.9, 1.2);
    check_close(after(Sgd{.learning_rate = 0.1, .options = {.clipvalue = off}}, 1), 0.9, 1.2);
  }
  check_close(after(Sgd{.learning_rate = 0.1, .options = {.clipvalue = 0.5}}, 1), 0.95, 1.05);
}

TEST_CASE("optimizers and schedules refuse what Keras refuses, when they are made") {
  for (const double momentum : {-0.1, 1.5, std::nan("")})
    CHECK_THROWS_AS(Optimizer(Sgd{.momentum = momentum}), ConfigError);
  CHECK_THROWS_WITH(Optimizer(Sgd{.momentum = 2}), "SGD: expected a momentum from 0 to 1, got 2");
  CHECK_NOTHROW(Optimizer(Sgd{.momentum = 1}));
  CHECK_THROWS_WITH(Optimizer(Lion{.beta_1 = 0}), "Lion: expected a beta_1 above 0, at most 1, got 0");
  CHECK_THROWS_AS(Optimizer(Lion{.beta_1 = 1.5}), ConfigError);
  CHECK_THROWS_WITH(Optimizer(Sgd{.learning_rate = CosineDecay{.decay_steps = 0}}),
                    "CosineDecay: expected decay_steps above 0, got 0");
  CHECK_THROWS_AS(Schedule(ExponentialDecay{.decay_steps = 0}), ConfigError);
  CHECK_THROWS_AS(Schedule(InverseTimeDecay{.decay_steps = -1}), ConfigError);
  CHECK_THROWS_AS(Schedule(PolynomialDecay{.decay_steps = 0}), ConfigError);
  CHECK_THROWS_WITH(Schedule(CosineDecayRestarts{.first_decay_steps = 0}),
                    "CosineDecayRestarts: expected first_decay_steps above 0, got 0");
}

TEST_CASE("RMSprop divides by the root of the running square, epsilon inside it") {
  // v = 0.1 g^2; the step is rate g / sqrt(v + epsilon).
  const double first = 0.01 / std::sqrt(0.1 + 1e-7), second = 0.02 / std::sqrt(0.4 + 1e-7);
  check_close(after(RMSprop{.learning_rate = 0.01}, 1), 1 - first, 1 + second);
  // centered: a = 0.1 g, v - a^2 = 0.1 - 0.01.
  check_close(after(RMSprop{.learning_rate = 0.01, .centered = true}, 1), 1 - 0.01 / std::sqrt(0.09 + 1e-7),
              1 + 0.02 / std::sqrt(0.36 + 1e-7));
  check_close(after(RMSprop{.learning_rate = 0.01, .momentum = 0.5}, 1), 1 - first, 1 + second);
  CHECK_NOTHROW(check_optimizer(RMSprop{.momentum = 0.5, .centered = true}));
}

TEST_CASE("Adam's first step is the rate, but for epsilon, whatever the gradient's size") {
  // m = 0.1 g, v = 0.001 g^2, alpha = rate sqrt(0.001) / 0.1.
  const double alpha = 0.01 * std::sqrt(0.001) / 0.1;
  const double first = alpha * 0.1 / (std::sqrt(0.001) + 1e-7), second = alpha * 0.2 / (std::sqrt(0.004) + 1e-7);
  check_close(after(Adam{.learning_rate = 0.01}, 1), 1 - first, 1 + second);
  check_close(after(Adam{.learning_rate = 0.01, .amsgrad = true}, 1), 1 - first, 1 + second);
  CHECK_NOTHROW(check_optimizer(Adam{.amsgrad = true}));
}

TEST_CASE("slots have Keras' names in Keras' order") {
  auto names = [](const Optimizer& optimizer) {
    std::string all;
    for (std::string_view name : optimizer.slot_names()) all += std::string(name) + " ";
    return all;
  };
  CHECK(names(Sgd{}) == "");
  CHECK(names(Sgd{.momentum = 0.9}) == "momentum ");
  CHECK(names(RMSprop{}) == "velocity ");
  CHECK(names(RMSprop{.centered = true}) == "velocity average_gradient ");
  CHECK(names(RMSprop{.momentum = 0.9, .centered = true}) == "velocity momentum average_gradient ");
  CHECK(names(Adam{}) == "momentum velocity ");
  CHECK(names(Adam{.amsgrad = true}) == "momentum velocity velocity_hat ");
}

TEST_CASE("optimizers are found by Keras' names, and unknown names refused") {
  Optimizer optimizer = Adam{};
  for (const char* name : {"sgd", "SGD"}) {
    from_config(name, "optimizer", optimizer);
    CHECK(optimizer.class_name() == "SGD");
  }
  for (const char* name : {"rmsprop", "RMSprop"}) {
    from_config(name, "optimizer", optimizer);
    CHECK(optimizer.class_name() == "RMSprop");
  }
  from_config("adam", "optimizer", optimizer);
  CHECK(optimizer == Optimizer(Adam{}));
  CHECK_THROWS_WITH(from_config("adan", "optimizer", optimizer),
                    Catch::Matchers::StartsWith("optimizer: unknown optimizer \"adan\"; maas knows GradientDescent, "));
}
