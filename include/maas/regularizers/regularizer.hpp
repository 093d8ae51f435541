// Regularizer: the handle, and what a struct needs to stand behind it.
#pragma once

#include <memory>

#include "maas/core/handle.hpp"
#include "maas/core/matrix.hpp"

namespace maas::inline MAAS_ABI {

struct RegularizerInterface : PartInterface {
  virtual double value(const ConstVectorView& weights) const = 0;
  virtual void add_gradient(const ConstVectorView& weights, VectorView gradient) const = 0;
};

/// What may stand behind a Regularizer: a penalty and its derivative.
template <class Rule>
concept RegularizerRule = PartRule<Rule> && requires(const Rule& rule, ConstVectorView weights, VectorView gradient) {
  { rule.value(weights) } -> std::convertible_to<double>;
  rule.add_gradient(weights, gradient);
};

template <RegularizerRule Rule>
struct RegularizerModel final : PartModel<RegularizerInterface, Rule> {
  using PartModel<RegularizerInterface, Rule>::PartModel;
  double value(const ConstVectorView& weights) const override { return this->rule.value(weights); }
  void add_gradient(const ConstVectorView& weights, VectorView gradient) const override {
    this->rule.add_gradient(weights, gradient);
  }
};

/// A penalty on weights that is added to the loss: `L2{.l2 = 0.01}`, or any struct that is a RegularizerRule.
class Regularizer : public Handle<RegularizerInterface> {
 public:
  template <class Rule>
  requires NotHandle<Rule, Regularizer> && RegularizerRule<std::remove_cvref_t<Rule>> Regularizer(Rule&& rule)
      : Handle(std::make_shared<RegularizerModel<std::remove_cvref_t<Rule>>>(std::forward<Rule>(rule))) {}

  /// The penalty of these weights.
  double value(const ConstVectorView& weights) const { return self_->value(weights); }
  /// Adds d penalty / d weights.
  void add_gradient(const ConstVectorView& weights, VectorView gradient) const {
    self_->add_gradient(weights, gradient);
  }
};

Config to_config(const Regularizer& regularizer);
/// From "l1", "l2", "l1_l2" (factors 0.01) or {"class_name", "config"}. Throws ConfigError for an unknown one.
void from_config(const Config& config, std::string_view where, Regularizer& regularizer);
void from_config(const Config& config, std::string_view where, std::optional<Regularizer>& regularizer);

}  // namespace maas::inline MAAS_ABI
