// Optimizer: the handle, what a struct needs to stand behind it, and its running state.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "maas/core/block.hpp"
#include "maas/core/handle.hpp"
#include "maas/core/matrix.hpp"

namespace maas::inline MAAS_ABI {

/// One step over a flat buffer: what a rule is given.
struct Update {
  VectorView parameters;         ///< changed in place
  ConstVectorView gradient;      ///< d loss / d parameters, same length
  std::span<VectorView> slots;   ///< the rule's own buffers, same length, zeros before the first step
  std::int64_t step = 1;         ///< 1 for the first step
  double learning_rate = 0.001;  ///< the rate of this step
};

struct OptimizerInterface : PartInterface {
  virtual std::span<const std::string_view> slot_names() const = 0;
  virtual double learning_rate() const = 0;
  virtual bool full_batch() const = 0;
  virtual void update(const Update& update) const = 0;
};

/// What may stand behind an Optimizer: a `learning_rate`, `slot_names()` and one step, `update(update)`.
/// Optional: `static constexpr bool full_batch = true` for rules that want all samples in every step.
template <class Rule>
concept UpdateRule = PartRule<Rule> && requires(const Rule& rule, const Update& update) {
  { rule.learning_rate } -> std::convertible_to<double>;
  { rule.slot_names() } -> std::convertible_to<std::span<const std::string_view>>;
  rule.update(update);
};

template <UpdateRule Rule>
struct OptimizerModel final : PartModel<OptimizerInterface, Rule> {
  using PartModel<OptimizerInterface, Rule>::PartModel;
  std::span<const std::string_view> slot_names() const override { return this->rule.slot_names(); }
  double learning_rate() const override { return this->rule.learning_rate; }
  bool full_batch() const override {
    if constexpr (requires { Rule::full_batch; }) return Rule::full_batch;
    return false;
  }
  void update(const Update& update) const override { this->rule.update(update); }
};

/// How weights follow their gradients: `Adam{}`, `Sgd{.momentum = 0.9}`, or any struct that is an UpdateRule.
class Optimizer : public Handle<OptimizerInterface> {
 public:
  template <class Rule>
  requires NotHandle<Rule, Optimizer> && UpdateRule<std::remove_cvref_t<Rule>> Optimizer(Rule&& rule)
      : Handle(std::make_shared<OptimizerModel<std::remove_cvref_t<Rule>>>(std::forward<Rule>(rule))) {}

  /// Names of the buffers it keeps a parameter ("momentum", "velocity"), in the order in which Keras 3 stores them.
  std::span<const std::string_view> slot_names() const { return self_->slot_names(); }
  /// The rate it starts with.
  double learning_rate() const { return self_->learning_rate(); }
  /// True if a step wants all samples at once, whatever the batch size.
  bool full_batch() const { return self_->full_batch(); }
  /// One step, in place.
  void update(const Update& update) const { self_->update(update); }
};

/// What an optimizer carries from step to step, apart from its rule: so it can be saved, copied and compared.
class OptimizerState {
 public:
  OptimizerState() = default;
  /// Zero slots for `size` parameters, step 0, the optimizer's own learning rate.
  OptimizerState(const Optimizer& optimizer, Index size)
      : learning_rate(optimizer.learning_rate()), slots_(optimizer.slot_names().size(), Block(size)) {}

  std::int64_t step = 0;         ///< steps taken
  double learning_rate = 0.001;  ///< the current rate; callbacks may change it

  Index slot_count() const { return static_cast<Index>(slots_.size()); }
  VectorView slot(Index i) { return slots_[static_cast<std::size_t>(i)].vector(); }
  ConstVectorView slot(Index i) const { return slots_[static_cast<std::size_t>(i)].vector(); }

 private:
  std::vector<Block> slots_;
};

/// {"class_name", "config"}.
Config to_config(const Optimizer& optimizer);
/// From a name ("adam") or {"class_name", "config"}. Throws ConfigError for an unknown one.
void from_config(const Config& config, std::string_view where, Optimizer& optimizer);

}  // namespace maas::inline MAAS_ABI
