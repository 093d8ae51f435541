// Constraint: the handle, and what a struct needs to stand behind it.
#pragma once

#include <memory>
#include <optional>

#include "maas/core/handle.hpp"
#include "maas/core/matrix.hpp"
#include "maas/core/shape.hpp"

namespace maas::inline MAAS_ABI {

struct ConstraintInterface : PartInterface {
  virtual void apply(VectorView weights, const Shape& shape) const = 0;
};

/// What may stand behind a Constraint: `apply(weights, shape)` moves the weights of a tensor back to where they may be.
/// Optional: `check()` throws ConfigError for fields out of range, when the constraint is made.
template <class Rule>
concept ConstraintRule = PartRule<Rule> && requires(const Rule& rule, VectorView weights, Shape shape) {
  rule.apply(weights, shape);
};

template <ConstraintRule Rule>
struct ConstraintModel final : PartModel<ConstraintInterface, Rule> {
  explicit ConstraintModel(Rule value) : PartModel<ConstraintInterface, Rule>(std::move(value)) {
    if constexpr (requires { this->rule.check(); }) this->rule.check();
  }
  void apply(VectorView weights, const Shape& shape) const override { this->rule.apply(weights, shape); }
};

/// Where weights may be: applied after every step. `MaxNorm{.max_value = 2}`, or any struct that is a ConstraintRule.
class Constraint : public Handle<ConstraintInterface> {
 public:
  template <class Rule>
  requires NotHandle<Rule, Constraint> && ConstraintRule<std::remove_cvref_t<Rule>> Constraint(Rule&& rule)
      : Handle(std::make_shared<ConstraintModel<std::remove_cvref_t<Rule>>>(std::forward<Rule>(rule))) {}

  /// Moves the weights of a tensor of that shape (row-major) back, in place.
  void apply(VectorView weights, const Shape& shape) const { self_->apply(weights, shape); }
};

/// {"class_name", "config"}.
Config to_config(const Constraint& constraint);
/// From a name ("non_neg") or {"class_name", "config"}. Throws ConfigError for an unknown one.
void from_config(const Config& config, std::string_view where, Constraint& constraint);
void from_config(const Config& config, std::string_view where, std::optional<Constraint>& constraint);

}  // namespace maas::inline MAAS_ABI
