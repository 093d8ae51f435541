// Regularizer: the handle, and what a struct needs to stand behind it.
#pragma once

#include <memory>
#include <optional>

#include "maas/core/handle.hpp"
#include "maas/core/matrix.hpp"
#include "maas/core/shape.hpp"

namespace maas::inline MAAS_ABI {

struct RegularizerInterface : PartInterface {
  virtual double value(const ConstVectorView& weights, const Shape& shape) const = 0;
  virtual void add_gradient(const ConstVectorView& weights, const Shape& shape, VectorView gradient) const = 0;
};

/// A penalty that looks at each weight alone: `value(weights)` and `add_gradient(weights, gradient)`.
template <class Rule>
concept FlatRegularizerRule = PartRule<Rule> &&
    requires(const Rule& rule, ConstVectorView weights, VectorView gradient) {
  { rule.value(weights) } -> std::convertible_to<double>;
  rule.add_gradient(weights, gradient);
};

/// A penalty that looks at rows and columns: `value(weights, shape)` and `add_gradient(weights, shape, gradient)`.
template <class Rule>
concept ShapedRegularizerRule = PartRule<Rule> &&
    requires(const Rule& rule, ConstVectorView weights, Shape shape, VectorView gradient) {
  { rule.value(weights, shape) } -> std::convertible_to<double>;
  rule.add_gradient(weights, shape, gradient);
};

/// What may stand behind a Regularizer: a penalty and its derivative. Optional: `check()`, which throws ConfigError for
/// fields out of range when it is made.
template <class Rule>
concept RegularizerRule = FlatRegularizerRule<Rule> || ShapedRegularizerRule<Rule>;

template <RegularizerRule Rule>
struct RegularizerModel final : PartModel<RegularizerInterface, Rule> {
  explicit RegularizerModel(Rule value) : PartModel<RegularizerInterface, Rule>(std::move(value)) {
    if constexpr (requires { this->rule.check(); }) this->rule.check();
  }
  double value(const ConstVectorView& weights, [[maybe_unused]] const Shape& shape) const override {
    if constexpr (ShapedRegularizerRule<Rule>)
      return this->rule.value(weights, shape);
    else
      return this->rule.value(weights);
  }
  void add_gradient(const ConstVectorView& weights, [[maybe_unused]] const Shape& shape,
                    VectorView gradient) const override {
    if constexpr (ShapedRegularizerRule<Rule>)
      this->rule.add_gradient(weights, shape, gradient);
    else
      this->rule.add_gradient(weights, gradient);
  }
};

/// A penalty on weights that is added to the loss: `L2{.l2 = 0.01}`, or any struct that is a RegularizerRule.
class Regularizer : public Handle<RegularizerInterface> {
 public:
  /// Throws ConfigError for fields out of range.
  template <class Rule>
  requires NotHandle<Rule, Regularizer> && RegularizerRule<std::remove_cvref_t<Rule>> Regularizer(Rule&& rule);

  /// The penalty of these weights, one tensor of that shape. Throws ShapeError where the penalty is not made for it.
  double value(const ConstVectorView& weights, const Shape& shape) const { return self_->value(weights, shape); }
  /// The same for a tensor of one axis.
  double value(const ConstVectorView& weights) const { return value(weights, Shape{weights.size()}); }
  /// Adds d penalty / d weights.
  void add_gradient(const ConstVectorView& weights, const Shape& shape, VectorView gradient) const {
    self_->add_gradient(weights, shape, gradient);
  }
  void add_gradient(const ConstVectorView& weights, VectorView gradient) const {
    add_gradient(weights, Shape{weights.size()}, gradient);
  }
};

template <class Rule>
requires NotHandle<Rule, Regularizer> && RegularizerRule<std::remove_cvref_t<Rule>> Regularizer::Regularizer(
    Rule&& rule)
    : Handle(std::make_shared<RegularizerModel<std::remove_cvref_t<Rule>>>(std::forward<Rule>(rule))) {}

Config to_config(const Regularizer& regularizer);
/// From "l1", "l2", "l1_l2", "orthogonal_regularizer" (factors 0.01) or {"class_name", "config"}. Throws ConfigError
/// for an unknown one.
void from_config(const Config& config, std::string_view where, Regularizer& regularizer);
void from_config(const Config& config, std::string_view where, std::optional<Regularizer>& regularizer);

}  // namespace maas::inline MAAS_ABI
