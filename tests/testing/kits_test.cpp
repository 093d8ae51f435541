// The kits must be able to fail: each is given parts that are wrong in one way.
#include <atomic>

#include "maas/testing/allocations.hpp"
#include "maas/testing/check_gradient.hpp"
#include "maas/testing/check_layer.hpp"
#include "maas/testing/check_loss.hpp"
#include "maas/testing/check_optimizer.hpp"
#include "maas/testing/check_part.hpp"
#include "support/catch.hpp"

using namespace maas;
using testing::Failure;

namespace {

/// y = 2 x, and a mistake.
enum class Mistake {
  none,
  wrong_gradient,
  wrong_weight_gradient,
  reads_output,
  leaves_output,
  reads_gradient,
  leaves_gradient,
  writes_beside,
  sees_neighbours,
  acts_in_training,
  needs_cache,
  allocates,
  remembers,
  changes_input,
  changes_weights,
  changes_plan,
};

struct FaultyLayer {
  static constexpr std::string_view class_name = "Faulty";
  int mistake = 0;
  static void fields(auto& self, auto&& field) { field("mistake", self.mistake); }

  bool is(Mistake which) const { return mistake == static_cast<int>(which); }
  static inline std::atomic<int> calls = 0;

  LayerPlan plan(Shapes inputs) const {
    LayerPlan plan{.output = inputs[0], .cache = 1};
    plan.parameters.push_back({"factor", Shape{is(Mistake::changes_plan) ? 1 + ++calls % 3 : 1}, ones});
    return plan;
  }
  void forward(const Forward& pass) const {
    MatrixView y = pass.output;
    const Scalar factor = pass.parameters[0](0, 0), old = y(0, 0);
    y = pass.inputs[0] * factor;
    if (is(Mistake::reads_output) && old == Scalar(7)) y(0, 0) = 7;
    if (is(Mistake::leaves_output)) y(y.rows() - 1, 0) = old;
    if (is(Mistake::writes_beside)) y.data()[y.size()] = 1;
    if (is(Mistake::sees_neighbours)) y.array() += y.mean();
    if (is(Mistake::acts_in_training) && pass.mode == Mode::training) y *= Scalar(2);
    if (is(Mistake::needs_cache) && pass.cache.data() == nullptr) y *= Scalar(2);
    if (is(Mistake::allocates)) y = Matrix(y * Scalar(1));
    if (is(Mistake::remembers)) y(0, 0) = static_cast<Scalar>(++calls);
    if (is(Mistake::changes_input)) const_cast<Scalar*>(pass.inputs[0].data())[0] += 1;
    if (is(Mistake::changes_weights)) const_cast<Scalar*>(pass.parameters[0].data())[0] += 1;
    if (pass.cache.size() > 0) MatrixView(pass.cache).setZero();
  }
  void backward(const Backward& pass) const {
    if (pass.parameter_gradients[0].data() != nullptr) {
      MatrixView dw = pass.parameter_gradients[0];
      dw.setConstant(pass.output_gradient.cwiseProduct(pass.inputs[0]).sum());
      if (is(Mistake::wrong_weight_gradient)) dw *= Scalar(1.1);
    }
    if (pass.input_gradients[0].data() == nullptr) return;
    MatrixView dx = pass.input_gradients[0];
    const Scalar old = dx(0, 0);
    dx = pass.output_gradient * pass.parameters[0](0, 0);
    if (is(Mistake::wrong_gradient)) dx(0, 1) *= Scalar(1.1);
    if (is(Mistake::reads_gradient) && old == Scalar(7)) dx(0, 0) = 7;
    if (is(Mistake::leaves_gradient)) dx(0, 0) = old;
  }
};

FaultyLayer faulty(Mistake mistake) { return {static_cast<int>(mistake)}; }

using Catch::Matchers::ContainsSubstring;

}  // namespace

TEST_CASE("check_layer passes a layer without a mistake") { testing::check_layer(faulty(Mistake::none)); }

TEST_CASE("check_layer finds every mistake and says which it is") {
  const std::pair<Mistake, const char*> cases[] = {
      {Mistake::wrong_gradient, "input 0: element 1 of the derivative"},
      {Mistake::wrong_weight_gradient, "factor: element 0 of the derivative"},
      {Mistake::reads_output, "forward in training: reads the output"},
      {Mistake::leaves_output, "forward in inference: leaves NaN of before in its output"},
      {Mistake::reads_gradient, "backward: reads the gradients"},
      {Mistake::leaves_gradient, "backward: leaves NaN of before in a gradient"},
      {Mistake::writes_beside, "writes beside the memory"},
      {Mistake::sees_neighbours, "depends on the samples beside it"},
      {Mistake::acts_in_training, "training and inference give different outputs"},
      {Mistake::needs_cache, "depends on whether there is a cache"},
      {Mistake::allocates, "takes memory 2 times in one forward, backward and prediction"},
      {Mistake::remembers, "it gives other bits"},
      {Mistake::changes_input, "changes its inputs"},
      {Mistake::changes_weights, "changes its weights"},
      {Mistake::changes_plan, "it gives two answers"},
  };
  for (const auto& [mistake, text] : cases) {
    if (mistake == Mistake::allocates && !testing::counts_allocations()) continue;
    INFO(text);
    CHECK_THROWS_WITH(testing::check_layer(faulty(mistake)),
                      ContainsSubstring(text) && ContainsSubstring("Faulty does not keep"));
  }
}

namespace {

/// Mean squared error, and a mistake.
struct FaultyLoss {
  static constexpr std::string_view class_name = "FaultyLoss";
  std::string mistake = "";
  bool from_logits = false;
  static void fields(auto& self, auto&& field) {
    field("mistake", self.mistake);
    field("from_logits", self.from_logits);
  }
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    const Scalar old = out[0];
    mean_squared_error.values(predicted, target, out);
    if (mistake == "reads" && old == Scalar(7)) out[0] = 7;
    if (mistake == "leaves") out[0] = old;
    if (mistake == "neighbours") out.array() += out.sum();
    if (mistake == "allocates") out = Vector(out * Scalar(1));
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
    mean_squared_error.gradient(predicted, target, out);
    if (mistake == "gradient") out *= Scalar(0.5);
  }
};

/// Plain descent, and a mistake.
struct FaultyOptimizer {
  static constexpr std::string_view class_name = "FaultyOptimizer";
  double learning_rate = 0.01;
  std::string mistake = "";
  static void fields(auto& self, auto&& field) {
    field("learning_rate", self.learning_rate);
    field("mistake", self.mistake);
  }
  static inline Scalar memory = 0;
  std::span<const std::string_view> slot_names() const {
    static constexpr std::string_view names[] = {"slot"};
    return {names, 1};
  }
  void update(const Update& u) const {
    VectorView w = u.parameters;
    if (mistake == "remembers") w *= Scalar(1) - Scalar(0.001) * ++memory;
    if (mistake == "threads") w *= Scalar(1) - Scalar(0.001) * static_cast<Scalar>(threads());
    if (mistake == "sizes" && w.size() > 16) w[16] *= Scalar(2);
    if (mistake == "padding") w.array() += Scalar(0.001);
    if (mistake == "allocates") w = Vector(w * Scalar(1));
    w -= (mistake == "uphill" ? Scalar(-1) : Scalar(1)) * static_cast<Scalar>(u.learning_rate) * u.gradient;
    if (mistake == "slot") w.tail(1) *= u.slots[0][0] = Scalar(1.5);
    if (mistake == "whole") w.array() += w.sum();
  }
};

/// A field that is written under one name and read under another.
struct FaultyPart {
  static constexpr std::string_view class_name = "FaultyPart";
  double value = 1;
  static void fields(auto& self, auto&& field) {
    if constexpr (std::is_const_v<std::remove_reference_t<decltype(self)>>)
      field("written", self.value);
    else
      field("read", self.value);
  }
};

}  // namespace

TEST_CASE("check_loss finds every mistake and says which it is") {
  // Without the on-logits form, which squares cannot have.
  testing::check_loss(Loss(FaultyLoss{.from_logits = true}));
  const std::pair<const char*, const char*> cases[] = {{"gradient", "gradient: element 0 of the derivative"},
                                                       {"reads", "values: reads the memory"},
                                                       {"leaves", "not every row has a finite value"},
                                                       {"neighbours", "depends on the rows beside it"},
                                                       {"allocates", "takes memory 1 times"},
                                                       {"", "on logits it equals neither"}};
  for (const auto& [mistake, text] : cases) {
    if (std::string(mistake) == "allocates" && !testing::counts_allocations()) continue;
    INFO(text);
    CHECK_THROWS_WITH(testing::check_loss(FaultyLoss{mistake}),
                      ContainsSubstring(text) && ContainsSubstring("FaultyLoss does not keep"));
  }
}

TEST_CASE("check_optimizer finds every mistake and says which it is") {
  testing::check_optimizer(FaultyOptimizer{}, {.known_step = {{{1, -2}, {10, 20}, {0.9, -2.2}}}});
  const std::pair<const char*, const char*> cases[] = {{"remembers", "restored it takes another step"},
                                                       {"threads", "threads it gives other bits than on one"},
                                                       {"sizes", "17 weights: the last becomes"},
                                                       {"padding", "writes into the padding"},
                                                       {"allocates", "takes memory 2 times"},
                                                       {"uphill", "a quadratic bowl"},
                                                       {"whole", "alone it becomes"}};
  for (const auto& [mistake, text] : cases) {
    if (std::string(mistake) == "allocates" && !testing::counts_allocations()) continue;
    INFO(text);
    CHECK_THROWS_WITH(testing::check_optimizer(FaultyOptimizer{.mistake = mistake}), ContainsSubstring(text));
  }
  CHECK_THROWS_WITH(testing::check_optimizer(FaultyOptimizer{}, {.known_step = {{{1, -2}, {10, 20}, {0.9, -2.3}}}}),
                    ContainsSubstring("known step: weight 1 becomes -2.2"));
}

TEST_CASE("check_part finds fields that do not survive") {
  CHECK_THROWS_WITH(testing::check_part(FaultyPart{}),
                    ContainsSubstring("FaultyPart does not keep its contract") &&
                        ContainsSubstring("expected one of: read; got the key \"written\""));
}

TEST_CASE("check_gradient passes a network and finds a layer's mistake in it") {
  const Matrix x = Matrix::Random(6, 3), y = Matrix::Random(6, 2);
  Network right{input(3), dense(4, Tanh{}), dense(2)};
  testing::check_gradient(right, mean_squared_error, x, y);
  Network wrong{input(3), dense(3), faulty(Mistake::wrong_gradient), dense(2)};
  CHECK_THROWS_WITH(testing::check_gradient(wrong, mean_squared_error, x, y),
                    ContainsSubstring("dense/") && ContainsSubstring("by central differences"));
}

TEST_CASE("a corner in a function is no mistake, and does not hide one beside it") {
  Vector point(2), gradient(2);
  point << 0, 1;
  gradient << 0, 1;
  auto function = [&] { return std::abs(static_cast<double>(point[0])) + static_cast<double>(point[1]); };
  testing::Report report("a function");
  testing::compare_gradient(report, "f", function, VectorView(point.data(), 2), ConstVectorView(gradient.data(), 2));
  CHECK_NOTHROW(report.finish());
  gradient[1] = Scalar(1.1);
  testing::compare_gradient(report, "f", function, VectorView(point.data(), 2), ConstVectorView(gradient.data(), 2));
  CHECK_THROWS_WITH(report.finish(), ContainsSubstring("element 1 of the derivative is 1.1"));
}

TEST_CASE("allocations of operator new, malloc and Eigen are counted") {
  if (!testing::counts_allocations()) return;
  auto counted = [](auto&& work) {
    const std::int64_t start = testing::allocations();
    work();
    return testing::allocations() - start;
  };
  CHECK(counted([] {}) == 0);
  static std::unique_ptr<int> kept;  // a compiler may leave out what nobody sees
  CHECK(counted([] { kept = std::make_unique<int>(3); }) == 1);
  static std::vector<double> kept_numbers;
  CHECK(counted([] { kept_numbers.resize(1000); }) == 1);
  static Matrix kept_matrix;
  CHECK(counted([] { kept_matrix = Matrix::Ones(10, 10); }) == 1);
  static Block kept_block;
  CHECK(counted([] { kept_block = Block(100); }) == 1);
}
