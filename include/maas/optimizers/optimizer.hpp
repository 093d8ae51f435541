// Optimizer: the handle, what a struct needs to stand behind it, and its running state.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "maas/core/block.hpp"
#include "maas/core/handle.hpp"
#include "maas/core/matrix.hpp"
#include "maas/optimizers/objective.hpp"
#include "maas/optimizers/options.hpp"
#include "maas/optimizers/schedule.hpp"

namespace maas::inline MAAS_ABI {

/// Where one weight tensor lies in the flat buffers.
struct TensorPlace {
  Index offset = 0;
  Shape shape;
  std::string name;  ///< "dense_1/kernel"
};

/// One step over a flat buffer: what a rule is given.
struct Update {
  VectorView parameters;                      ///< changed in place
  ConstVectorView gradient;                   ///< d loss / d parameters, same length
  std::span<VectorView> slots;                ///< the rule's own buffers, same length
  std::int64_t step = 1;                      ///< 1 for the first step
  double learning_rate = 0.001;               ///< the rate of this step
  std::span<double> scalars = {};             ///< the rule's own numbers
  std::span<const TensorPlace> tensors = {};  ///< for rules that look at whole tensors
  double loss = 0;                            ///< of the batch, before the step; for rules with an objective
  std::span<double> scratch = {};             ///< as many as scratch_size said; for rules with an objective
};

struct OptimizerInterface : PartInterface {
  virtual std::span<const std::string_view> slot_names() const = 0;
  virtual double slot_start(Index slot) const = 0;
  virtual std::span<const std::string_view> scalar_names() const = 0;
  virtual double scalar_start(Index scalar) const = 0;
  virtual LearningRate learning_rate() const = 0;
  virtual const OptimizerOptions& options() const = 0;
  virtual bool full_batch() const = 0;
  virtual void update(const Update& update) const = 0;
  virtual bool needs_objective() const = 0;
  virtual bool needs_residuals() const = 0;
  virtual Index scratch_size(Index size, std::span<const TensorPlace> tensors) const = 0;
  virtual void step_with(const Update& update, Objective& objective) const = 0;
};

/// What may stand behind an Optimizer that steps along one gradient: a `learning_rate`, `slot_names()` and one step,
/// `update(update)`. Optional: `options`, an OptimizerOptions; `slot_start(i)`, what slot i holds before the first step
/// (else 0); `scalar_names()` and `scalar_start(i)`, numbers it carries from step to step; `static constexpr bool
/// full_batch = true` for rules that want all samples in every step.
template <class Rule>
concept UpdateRule = PartRule<Rule> && requires(const Rule& rule, const Update& update) {
  { rule.learning_rate } -> std::convertible_to<LearningRate>;
  { rule.slot_names() } -> std::convertible_to<std::span<const std::string_view>>;
  rule.update(update);
};

/// What may stand behind an Optimizer that looks at the loss at several points in one step: `step_with(update,
/// objective)` instead of `update(update)`. It finds loss and gradient of the batch in the update, and leaves the
/// weights where it went. Clipping, decay, averages and accumulation (OptimizerOptions) are not for such rules.
/// Optional: `scratch_size(size, tensors)`, how many doubles of scratch a step takes for a flat buffer of that size,
/// which may throw ConfigError for networks that are too large; `static constexpr bool needs_residuals = true` for
/// rules that ask for the residuals of mean_squared_error.
template <class Rule>
concept ObjectiveRule = PartRule<Rule> && requires(const Rule& rule, const Update& update, Objective& objective) {
  { rule.learning_rate } -> std::convertible_to<LearningRate>;
  { rule.slot_names() } -> std::convertible_to<std::span<const std::string_view>>;
  rule.step_with(update, objective);
};

/// What may stand behind an Optimizer. Optional for both kinds: `check()` throws ConfigError for fields out of range,
/// when the optimizer is made.
template <class Rule>
concept OptimizerRule = UpdateRule<Rule> || ObjectiveRule<Rule>;

template <OptimizerRule Rule>
struct OptimizerModel final : PartModel<OptimizerInterface, Rule> {
  explicit OptimizerModel(Rule value) : PartModel<OptimizerInterface, Rule>(std::move(value)) {
    if constexpr (requires { this->rule.check(); }) this->rule.check();
  }
  std::span<const std::string_view> slot_names() const override { return this->rule.slot_names(); }
  double slot_start([[maybe_unused]] Index slot) const override {
    if constexpr (requires { this->rule.slot_start(slot); }) return this->rule.slot_start(slot);
    return 0;
  }
  std::span<const std::string_view> scalar_names() const override {
    if constexpr (requires { this->rule.scalar_names(); }) return this->rule.scalar_names();
    return {};
  }
  double scalar_start([[maybe_unused]] Index scalar) const override {
    if constexpr (requires { this->rule.scalar_start(scalar); }) return this->rule.scalar_start(scalar);
    return 0;
  }
  LearningRate learning_rate() const override { return this->rule.learning_rate; }
  const OptimizerOptions& options() const override {
    static const OptimizerOptions none{};
    if constexpr (requires { this->rule.options; })
      return this->rule.options;
    else
      return none;
  }
  bool full_batch() const override {
    if constexpr (requires { Rule::full_batch; }) return Rule::full_batch;
    return false;
  }
  void update([[maybe_unused]] const Update& update) const override {
    if constexpr (UpdateRule<Rule>)
      this->rule.update(update);
    else
      fail<ConfigError>("{}: expected an objective to step with, got a gradient alone", Rule::class_name);
  }
  bool needs_objective() const override { return ObjectiveRule<Rule>; }
  bool needs_residuals() const override {
    if constexpr (requires { Rule::needs_residuals; }) return Rule::needs_residuals;
    return false;
  }
  Index scratch_size([[maybe_unused]] Index size,
                     [[maybe_unused]] std::span<const TensorPlace> tensors) const override {
    if constexpr (requires { this->rule.scratch_size(size, tensors); }) return this->rule.scratch_size(size, tensors);
    return 0;
  }
  void step_with([[maybe_unused]] const Update& update, [[maybe_unused]] Objective& objective) const override {
    if constexpr (ObjectiveRule<Rule>) this->rule.step_with(update, objective);
  }
};

class OptimizerState;

/// How weights follow their gradients: `Adam{}`, `Sgd{.momentum = 0.9}`, or any struct that is an OptimizerRule.
class Optimizer : public Handle<OptimizerInterface> {
 public:
  template <class Rule>
  requires NotHandle<Rule, Optimizer> && OptimizerRule<std::remove_cvref_t<Rule>> Optimizer(Rule&& rule)
      : Handle(std::make_shared<OptimizerModel<std::remove_cvref_t<Rule>>>(std::forward<Rule>(rule))) {}

  /// Names of the buffers it keeps for every weight ("momentum", "velocity"), in the order in which Keras 3 stores
  /// them: what the shared options need ("average", "gradient_accumulator") first.
  std::vector<std::string_view> slot_names() const;
  /// What a buffer holds before the first step.
  double slot_start(Index slot) const;
  /// Names of the numbers it carries from step to step, and what they start with.
  std::span<const std::string_view> scalar_names() const { return self_->scalar_names(); }
  double scalar_start(Index scalar) const { return self_->scalar_start(scalar); }
  /// The rate it was given: a number or a schedule.
  LearningRate learning_rate() const { return self_->learning_rate(); }
  /// Clipping, decay, averages, accumulation.
  const OptimizerOptions& options() const { return self_->options(); }
  /// True if a step wants all samples at once, whatever the batch size.
  bool full_batch() const { return self_->full_batch(); }
  /// The bare rule, one step in place.
  void update(const Update& update) const { self_->update(update); }

  /// All of Keras' step for one batch: accumulate, clip, decay, update, average; counts it in `state`. `gradient` is
  /// changed. `tensors` says where the weights lie in the flat buffers.
  void step(VectorView parameters, VectorView gradient, std::span<const TensorPlace> tensors,
            OptimizerState& state) const;
  /// True if a step looks at the loss at several points: then step_with is called, not step.
  bool needs_objective() const { return self_->needs_objective(); }
  /// True if it asks for the residuals of mean_squared_error.
  bool needs_residuals() const { return self_->needs_residuals(); }
  /// How many doubles of scratch step_with takes for flat buffers of that size. Throws ConfigError for networks that
  /// are too large for the rule.
  Index scratch_size(Index size, std::span<const TensorPlace> tensors) const {
    return self_->scratch_size(size, tensors);
  }
  /// The step of a rule that looks at several points. `gradient` is that of the batch at the weights as they are,
  /// `loss` its loss; the objective leaves further gradients in the same memory. Counts the step in `state`.
  void step_with(Objective& objective, double loss, VectorView parameters, ConstVectorView gradient,
                 std::span<const TensorPlace> tensors, std::span<double> scratch, OptimizerState& state) const;
  /// The end of a training: with use_ema the weights become their averages.
  void finish(VectorView parameters, OptimizerState& state) const;

 private:
  Index option_slots() const;
};

/// What an optimizer carries from step to step, apart from its rule: so it can be saved, copied and compared.
class OptimizerState {
 public:
  OptimizerState() = default;
  /// Slots and numbers as the optimizer starts with them for `size` parameters, step 0, its rate of the first step.
  /// Throws ConfigError for options that do not go together.
  OptimizerState(const Optimizer& optimizer, Index size);
  OptimizerState(const OptimizerState& other)
      : step(other.step), learning_rate(other.learning_rate), scalars(other.scalars), slots_(other.slots_) {
    make_views();
  }
  OptimizerState(OptimizerState&&) noexcept = default;
  OptimizerState& operator=(OptimizerState other) noexcept {
    step = other.step;
    learning_rate = other.learning_rate;
    scalars.swap(other.scalars);
    slots_.swap(other.slots_);
    views_.swap(other.views_);
    return *this;
  }
  ~OptimizerState() = default;

  std::int64_t step = 0;             ///< batches seen
  double learning_rate = 0.001;      ///< the current rate; callbacks may change it where the optimizer has no schedule
  std::vector<double> scalars = {};  ///< the rule's own numbers

  Index slot_count() const { return static_cast<Index>(slots_.size()); }
  VectorView slot(Index i) { return slots_[static_cast<std::size_t>(i)].vector(); }
  ConstVectorView slot(Index i) const { return slots_[static_cast<std::size_t>(i)].vector(); }
  /// All slots.
  std::span<VectorView> slots() { return views_; }

 private:
  void make_views() {
    views_.clear();
    for (Block& slot : slots_) views_.push_back(slot.vector());
  }

  std::vector<Block> slots_;
  std::vector<VectorView> views_;  // of slots_, whose memory does not move
};

/// {"class_name", "config"}.
Config to_config(const Optimizer& optimizer);
/// From a name ("adam") or {"class_name", "config"}. Throws ConfigError for an unknown one.
void from_config(const Config& config, std::string_view where, Optimizer& optimizer);

}  // namespace maas::inline MAAS_ABI
