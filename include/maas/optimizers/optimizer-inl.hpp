// Bodies of Optimizer: the step that all rules share.
#pragma once

#include <algorithm>
#include <cmath>

#include "maas/ops/update.hpp"
#include "maas/optimizers/optimizer.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline void check_options(const Optimizer& optimizer) {
  const OptimizerOptions& options = optimizer.options();
  const int clippings =
      options.clipnorm.has_value() + options.global_clipnorm.has_value() + options.clipvalue.has_value();
  require<ConfigError>(clippings <= 1, "{}: expected at most one of clipnorm, global_clipnorm and clipvalue, got {}",
                       optimizer.class_name(), clippings);
  require<ConfigError>(options.batches_a_step() >= 1, "{}: expected gradient_accumulation_steps of at least 1, got {}",
                       optimizer.class_name(), options.batches_a_step());
  require<ConfigError>(options.ema_momentum >= 0 && options.ema_momentum <= 1,
                       "{}: expected an ema_momentum from 0 to 1, got {}", optimizer.class_name(),
                       options.ema_momentum);
  require<ConfigError>(options.ema_overwrite_frequency.value_or(1) >= 1,
                       "{}: expected an ema_overwrite_frequency of at least 1, got {}", optimizer.class_name(),
                       options.ema_overwrite_frequency.value_or(1));
}

/// g c / max(|g|, c)
inline void clip_length(VectorView gradient, double longest) {
  const double length = std::sqrt(static_cast<double>(gradient.squaredNorm()));
  if (length > longest) gradient *= static_cast<Scalar>(longest / length);
}

inline void clip(VectorView gradient, std::span<const TensorPlace> tensors, const OptimizerOptions& options) {
  const auto is_on = [](const std::optional<double>& limit) { return limit.value_or(0) > 0; };
  if (is_on(options.clipnorm)) {
    for (const TensorPlace& tensor : tensors)
      clip_length(ops::part_of(gradient, tensor.offset, tensor.shape.size()), *options.clipnorm);
  } else if (is_on(options.global_clipnorm)) {
    clip_length(gradient, *options.global_clipnorm);  // padding is 0 and adds nothing
  } else if (is_on(options.clipvalue)) {
    const Scalar limit = static_cast<Scalar>(*options.clipvalue);
    gradient = gradient.cwiseMin(limit).cwiseMax(-limit);
  }
}

inline void decay(VectorView parameters, std::span<const TensorPlace> tensors, const OptimizerOptions& options,
                  double learning_rate) {
  // Keras on TensorFlow holds the factor as a float32, in a float64 model too.
  const Scalar share =
      static_cast<Scalar>(static_cast<double>(static_cast<float>(*options.weight_decay)) * learning_rate);
  for (const TensorPlace& tensor : tensors) {
    const bool excluded = std::ranges::any_of(options.exclude_from_weight_decay, [&](const std::string& text) {
      return tensor.name.find(text) != std::string::npos;
    });
    if (excluded) continue;
    VectorView w = ops::part_of(parameters, tensor.offset, tensor.shape.size());
    w -= w * share;
  }
}

}  // namespace detail

MAAS_INLINE Index Optimizer::option_slots() const {
  return Index{options().use_ema} + Index{options().gradient_accumulation_steps.has_value()};
}

MAAS_INLINE std::vector<std::string_view> Optimizer::slot_names() const {
  std::vector<std::string_view> names;
  if (options().use_ema) names.push_back("average");
  if (options().gradient_accumulation_steps) names.push_back("gradient_accumulator");
  for (std::string_view name : self_->slot_names()) names.push_back(name);
  return names;
}

MAAS_INLINE double Optimizer::slot_start(Index slot) const {
  return slot < option_slots() ? 0.0 : self_->slot_start(slot - option_slots());
}

MAAS_INLINE OptimizerState::OptimizerState(const Optimizer& optimizer, Index size)
    : learning_rate(optimizer.learning_rate().at(0)), slots_(optimizer.slot_names().size(), Block(size)) {
  detail::check_options(optimizer);
  for (Index i = 0; i < slot_count(); ++i) slot(i).setConstant(static_cast<Scalar>(optimizer.slot_start(i)));
  for (std::size_t i = 0; i < optimizer.scalar_names().size(); ++i)
    scalars.push_back(optimizer.scalar_start(static_cast<Index>(i)));
  make_views();
}

MAAS_INLINE void Optimizer::step(VectorView parameters, VectorView gradient, std::span<const TensorPlace> tensors,
                                 OptimizerState& state) const {
  const OptimizerOptions& options = this->options();
  std::span<VectorView> slots = state.slots();
  VectorView* average = nullptr;
  if (options.use_ema) average = &slots[0], slots = slots.subspan(1);
  if (options.loss_scale_factor) gradient /= static_cast<Scalar>(*options.loss_scale_factor);
  const std::int64_t group = options.batches_a_step(), steps_before = state.step / group;
  const bool moves = (state.step + 1) % group == 0;
  if (options.gradient_accumulation_steps) {
    VectorView& sum = slots[0];
    slots = slots.subspan(1);
    sum += gradient;
    if (moves) {
      gradient = sum / static_cast<Scalar>(group);
      sum.setZero();
    }
  }
  if (moves) {
    const LearningRate rate = learning_rate();
    if (rate.schedule()) state.learning_rate = rate.at(state.step);  // Keras counts batches here, steps elsewhere
    detail::clip(gradient, tensors, options);
    if (options.weight_decay) detail::decay(parameters, tensors, options, state.learning_rate);
    update({.parameters = parameters,
            .gradient = ConstVectorView(gradient.data(), gradient.size()),
            .slots = slots,
            .step = steps_before + 1,
            .learning_rate = state.learning_rate,
            .scalars = state.scalars,
            .tensors = tensors});
  }
  if (average != nullptr) {
    // The average starts with the weights after the first step.
    const Scalar keep = static_cast<Scalar>(steps_before == 0 ? 0.0 : options.ema_momentum);
    *average = keep * *average + (Scalar(1) - keep) * parameters;
    if (options.ema_overwrite_frequency && (steps_before + 1) % *options.ema_overwrite_frequency == 0)
      parameters = *average;
  }
  ++state.step;
}

MAAS_INLINE void Optimizer::step_with(Objective& objective, double loss, VectorView parameters,
                                      ConstVectorView gradient, std::span<const TensorPlace> tensors,
                                      std::span<double> scratch, OptimizerState& state) const {
  const LearningRate rate = learning_rate();
  if (rate.schedule()) state.learning_rate = rate.at(state.step);
  self_->step_with({.parameters = parameters,
                    .gradient = gradient,
                    .slots = state.slots(),
                    .step = state.step + 1,
                    .learning_rate = state.learning_rate,
                    .scalars = state.scalars,
                    .tensors = tensors,
                    .loss = loss,
                    .scratch = scratch},
                   objective);
  ++state.step;
}

MAAS_INLINE void Optimizer::finish(VectorView parameters, OptimizerState& state) const {
  if (options().use_ema && state.step > 0) parameters = state.slot(0);
}

}  // namespace maas::inline MAAS_ABI
