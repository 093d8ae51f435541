#include "maas/optimizers/optimizers.hpp"

#include "maas/testing/check_optimizer.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

// Weights in tensors of several axes, small and large, and their gradients.
struct Tensors {
  std::vector<TensorPlace> places;
  Index size = 0;
  explicit Tensors(std::initializer_list<Shape> shapes) {
    for (const Shape& shape : shapes) {
      places.push_back({.offset = size, .shape = shape, .name = "w" + std::to_string(places.size())});
      size += rounded_to_border(shape.size());
    }
  }
  Block numbers(std::uint64_t seed) const {
    Block block(size);
    for (const TensorPlace& place : places)
      for (Index i = place.offset; i < place.offset + place.shape.size(); ++i)
        block.data()[i] = static_cast<Scalar>(2 * Random(seed).uniform(std::uint64_t(i)) - 1);
    return block;
  }
};

}  // namespace

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

TEST_CASE("optimizers that look at whole tensors give the same bits on any number of threads, and take no memory") {
  const int before = threads();
  const Tensors tensors{{700, 301}, {3, 120, 250}, {5, 7}, {70001}, {9}, {0}, {90000, 1}, {2, 40000}};
  for (const Optimizer& optimizer : {Optimizer(Lamb{}), Optimizer(Adafactor{})}) {
    INFO(optimizer.class_name());
    Vector expected;
    for (int count : {1, 2, 3}) {
      set_threads(count);
      Block weights = tensors.numbers(1), gradient = tensors.numbers(2);
      OptimizerState state(optimizer, weights.size());
      optimizer.step(weights.vector(), gradient.vector(), tensors.places, state);
      const std::int64_t start = testing::allocations();
      for (int i = 0; i < 2; ++i) optimizer.step(weights.vector(), gradient.vector(), tensors.places, state);
      CHECK(testing::allocations() == start);
      if (count == 1) expected = weights.vector();
      CHECK(weights.vector() == expected);
      CHECK(expected.allFinite());
      CHECK(expected != tensors.numbers(1).vector());
    }
  }
  set_threads(before);
}

TEST_CASE("a step of Lamb is as long as its tensor, times the rate") {
  const Tensors tensors{{700, 301}, {5, 7}, {1025}};
  const Block start = tensors.numbers(1);
  Block weights = tensors.numbers(1), gradient = tensors.numbers(2);
  const Optimizer lamb = Lamb{.learning_rate = 0.5};
  OptimizerState state(lamb, weights.size());
  lamb.step(weights.vector(), gradient.vector(), tensors.places, state);
  for (const TensorPlace& place : tensors.places) {
    const auto part = [&](const Block& block) {
      return Eigen::Map<const Vector>(block.data() + place.offset, place.shape.size()).cast<double>().eval();
    };
    CHECK((part(weights) - part(start)).norm() == Approx(0.5 * part(start).norm()).epsilon(1e-5));
  }
}

TEST_CASE("Adafactor leaves weights alone whose row and column have no gradient, and keeps what it estimates") {
  const Tensors tensors{{20, 33}};
  const Block start = tensors.numbers(1);
  Block weights = tensors.numbers(1), gradient = tensors.numbers(2);
  MatrixView g(gradient.data(), 20, 33), w(weights.data(), 20, 33);
  g.row(4).setZero();
  g.col(32).setZero();
  const Optimizer adafactor = Adafactor{};
  OptimizerState state(adafactor, weights.size());
  for (int i = 0; i < 3; ++i) adafactor.step(weights.vector(), gradient.vector(), tensors.places, state);
  const ConstMatrixView before(start.data(), 20, 33);
  CHECK(w.row(4) == before.row(4));
  CHECK(w.col(32) == before.col(32));
  CHECK(w.allFinite());
  CHECK(w(0, 0) != before(0, 0));
  const auto r = state.slot(0).head(20), c = state.slot(1).head(33);
  const Matrix estimate = r * c.transpose() / r.mean();
  CHECK((ConstMatrixView(state.slot(2).data(), 20, 33) - estimate).cwiseAbs().maxCoeff() <= 1e-5);
}

TEST_CASE("Ftrl with roots steps as with powers that are next to them") {
  const Tensors tensors{{1037}};
  for (const double l1 : {0.0, 0.25}) {
    Vector rooted;
    for (const double power : {-0.5, -0.5 - 1e-12}) {
      const Optimizer ftrl = Ftrl{.learning_rate = 0.1,
                                  .learning_rate_power = power,
                                  .l1_regularization_strength = l1,
                                  .l2_regularization_strength = 0.01,
                                  .l2_shrinkage_regularization_strength = 0.01,
                                  .beta = 0.1};
      Block weights = tensors.numbers(1), gradient = tensors.numbers(2);
      OptimizerState state(ftrl, weights.size());
      for (int i = 0; i < 3; ++i) ftrl.step(weights.vector(), gradient.vector(), tensors.places, state);
      if (power == -0.5) rooted = weights.vector();
      CHECK((weights.vector() - rooted).cwiseAbs().maxCoeff() <= 1e-5);
      CHECK((weights.vector().head(1037).array() == 0).any() == (l1 > 0));
    }
  }
}
