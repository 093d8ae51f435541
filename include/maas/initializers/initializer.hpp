// Initializer: the handle, and what a struct needs to stand behind it.
#pragma once

#include <memory>

#include "maas/core/handle.hpp"
#include "maas/core/matrix.hpp"
#include "maas/core/random.hpp"
#include "maas/core/shape.hpp"

namespace maas::inline MAAS_ABI {

struct InitializerInterface : PartInterface {
  virtual void fill(VectorView values, const Shape& shape, const Random& random) const = 0;
};

/// What may stand behind an Initializer: `fill(values, shape, random)` sets all values of a tensor of that shape.
template <class Rule>
concept InitializerRule = PartRule<Rule> && requires(const Rule& rule, VectorView values, Shape shape, Random random) {
  rule.fill(values, shape, random);
};

template <InitializerRule Rule>
struct InitializerModel final : PartModel<InitializerInterface, Rule> {
  using PartModel<InitializerInterface, Rule>::PartModel;
  void fill(VectorView values, const Shape& shape, const Random& random) const override {
    this->rule.fill(values, shape, random);
  }
};

/// How a weight starts: `glorot_uniform`, `zeros`, or any struct that is an InitializerRule.
class Initializer : public Handle<InitializerInterface> {
 public:
  template <class Rule>
  requires NotHandle<Rule, Initializer> && InitializerRule<std::remove_cvref_t<Rule>> Initializer(Rule&& rule);

  /// Sets the values of a tensor of that shape (row-major). The same random stream gives the same values.
  void fill(VectorView values, const Shape& shape, const Random& random) const { self_->fill(values, shape, random); }
};

template <class Rule>
requires NotHandle<Rule, Initializer> && InitializerRule<std::remove_cvref_t<Rule>> Initializer::Initializer(
    Rule&& rule)
    : Handle(std::make_shared<InitializerModel<std::remove_cvref_t<Rule>>>(std::forward<Rule>(rule))) {}

/// Keras' short name ("glorot_uniform") where the initializer has no fields, else {"class_name", "config"}.
Config to_config(const Initializer& initializer);
/// From a short name, a class name or {"class_name", "config"}. Throws ConfigError for an unknown one.
void from_config(const Config& config, std::string_view where, Initializer& initializer);

}  // namespace maas::inline MAAS_ABI
