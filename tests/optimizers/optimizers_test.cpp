#include "maas/optimizers/optimizers.hpp"

#include "maas/testing/check_optimizer.hpp"
#include "support/catch.hpp"

using namespace maas;

TEST_CASE("every optimizer satisfies the contract of optimizers") {
  for (const auto& entry : BuiltinOptimizers::entries()) {
    INFO(entry.class_name);
    testing::check_entry(entry);
    const bool whole = entry.class_name == "Lamb" || entry.class_name == "Adafactor";
    const double rate = entry.class_name == "Adadelta" ? 1.0 : 0.02;  // Adadelta finds its own, from a slow start
    CHECK_NOTHROW(testing::check_optimizer(entry.make({}), {.learning_rate = rate, .whole_tensors = whole}));
  }
}

TEST_CASE("optimizers that look at several points refuse settings out of range and a gradient alone") {
  CHECK_THROWS_WITH(OptimizerState(Lbfgs{.memory = 21}, 16), "Lbfgs: expected a memory of 1 to 20, got 21");
  CHECK_THROWS_WITH(OptimizerState(Lbfgs{.max_evaluations = 0}, 16),
                    "Lbfgs: expected max_evaluations of at least 1, got 0");
  const std::vector<TensorPlace> tensors{{.offset = 0, .shape = Shape{40, 25}, .name = "kernel"},
                                         {.offset = 1008, .shape = Shape{3}, .name = "bias"}};
  CHECK_THROWS_WITH(
      Optimizer(LevenbergMarquardt{}).scratch_size(1024, tensors),
      "LevenbergMarquardt: expected at most max_parameters = 1000 weights, since it takes memory in their "
      "square, got 1003; use Lbfgs instead");
  CHECK_THROWS_WITH(Optimizer(LevenbergMarquardt{.damping = 0}).scratch_size(16, {}),
                    "LevenbergMarquardt: expected a damping above 0, got 0");
  CHECK(Optimizer(LevenbergMarquardt{.max_parameters = 1003}).scratch_size(1024, tensors) == 2 * 1003 * 1003 + 4012);
  const Optimizer lbfgs = Lbfgs{};
  OptimizerState state(lbfgs, 16);
  Vector weights = Vector::Zero(16), gradient = Vector::Ones(16);
  CHECK_THROWS_WITH(lbfgs.step(VectorView(weights.data(), 16), VectorView(gradient.data(), 16), {}, state),
                    "Lbfgs: expected an objective to step with, got a gradient alone");
}

TEST_CASE("a step of least squares on a straight problem is Newton's, damped as told") {
  // One weight: residual sqrt(c / 2) w, so that J'J = c / 2 and J'r = c w / 2; w becomes w - w / (1 + damping).
  testing::detail::ObjectiveRun run(LevenbergMarquardt{.damping = 0.25}, 1);
  const double before = static_cast<double>(run.weights()[0]);
  run.step();
  CHECK(static_cast<double>(run.weights()[0]) == Approx(before - before / 1.25).epsilon(1e-5));
  CHECK(run.state.scalars[0] == Approx(0.025));
}
