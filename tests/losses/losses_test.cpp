#include "maas/losses/losses.hpp"

#include "maas/testing/check_loss.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

/// The loss of docs/how-to/add-a-loss.md.
struct Shortfall {
  static constexpr std::string_view class_name = "Shortfall";
  static constexpr bool mean_of_outputs = true;
  double power = 2;
  static void fields(auto& self, auto&& field) { field("power", self.power); }
  void check() const { require<ConfigError>(power >= 1, "Shortfall: expected a power of at least 1, got {}", power); }

  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    const auto missing = (target - predicted).array().cwiseMax(Scalar(0));
    out = missing.pow(static_cast<Scalar>(power)).rowwise().mean();
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
    const auto missing = (target - predicted).array().cwiseMax(Scalar(0));
    const Scalar p = static_cast<Scalar>(power), share = p / static_cast<Scalar>(predicted.cols());
    out = (-share * (target.array() > predicted.array()).cast<Scalar>() * missing.pow(p - Scalar(1))).matrix();
  }
};

}  // namespace

TEST_CASE("every loss satisfies the contract of losses") {
  for (const auto& entry : BuiltinLosses::entries()) {
    INFO(entry.class_name);
    const Loss loss = entry.make({});
    testing::check_entry(entry);
    for (Index outputs : {2, 3, 4, 9}) CHECK_NOTHROW(testing::check_loss(loss, {.outputs = outputs, .batch = 7}));
    const bool needs_classes =
        entry.class_name.find("Categorical") != std::string_view::npos || entry.class_name == "Circle";
    if (!needs_classes) CHECK_NOTHROW(testing::check_loss(loss, {.outputs = 1, .batch = 7}));
  }
}

TEST_CASE("losses with settings satisfy it, too") {
  CHECK_NOTHROW(testing::check_loss(Dice{.axis = std::vector{1}}, {.outputs = 6}));
  CHECK_NOTHROW(testing::check_loss(Tversky{.alpha = 0.3, .beta = 0.9, .axis = std::vector{-1}}, {.outputs = 6}));
  CHECK_NOTHROW(testing::check_loss(Circle{.gamma = 4, .margin = 0.2, .remove_diagonal = false}, {.batch = 8}));
  for (bool from_logits : {false, true})
    CHECK_NOTHROW(testing::check_loss(SparseCategoricalCrossentropy{.from_logits = from_logits, .ignore_class = 1},
                                      {.outputs = 3, .batch = 9}));
}

TEST_CASE("losses with missing targets satisfy it for every loss they can mask") {
  const Scalar missing = testing::detail::not_a_number;
  for (const auto& entry : BuiltinLosses::entries()) {
    const Loss inner = entry.make({});
    if (inner.looks_at_neighbours() || inner.takes_missing()) continue;
    INFO(entry.class_name);
    Matrix target = inner.target_columns(4) == 1 ? testing::detail::random_labels(9, 4, Random(1))
                                                 : testing::detail::random_distributions(9, 4, Random(1));
    target.row(3).setConstant(missing);
    target(5, 0) = missing;
    if (target.cols() > 1) target(6, 1) = target(6, 3) = target(8, 2) = missing;
    // Numbers other than 0 and 1 beside each other: what hinge losses make of targets then does not matter.
    CHECK_NOTHROW(testing::check_loss(masked(inner), {.outputs = 4, .batch = 9, .target = target}));
  }
}

TEST_CASE("the loss of the how-to is what it says, and can be reduced and masked") {
  CHECK_NOTHROW(testing::check_loss(Shortfall{}, {.outputs = 3, .batch = 7}));
  CHECK_NOTHROW(testing::check_loss(Shortfall{.power = 3}));
  CHECK_THROWS_WITH(Loss(Shortfall{.power = 0.5}), "Shortfall: expected a power of at least 1, got 0.5");
  const Matrix p = (Matrix(2, 2) << 1, 1, 1, 5).finished();
  const Matrix t = (Matrix(2, 2) << 3, 0, testing::detail::not_a_number, 6).finished();
  Vector scratch(2);
  CHECK(Loss(masked(Shortfall{}))
            .mean(ConstMatrixView(p.data(), 2, 2), ConstMatrixView(t.data(), 2, 2), ConstVectorView(nullptr, 0),
                  VectorView(scratch.data(), 2)) == Approx((4 + 0 + 1) / 3.0));
}
