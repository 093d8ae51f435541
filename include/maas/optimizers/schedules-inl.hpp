// The family of learning-rate schedules: Keras', and two of our own: the bodies.
#pragma once

#include "maas/optimizers/schedules.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

MAAS_INLINE double periods(std::int64_t step, double length, bool staircase) {
  const double gone = static_cast<double>(step) / length;
  return staircase ? std::floor(gone) : gone;
}

MAAS_INLINE void require_steps(std::string_view name, std::string_view field, double steps) {
  require<ConfigError>(steps > 0, "{}: expected {} above 0, got {}", name, field, steps);
}

}  // namespace detail

MAAS_INLINE double ExponentialDecay::rate(std::int64_t step) const {
  return initial_learning_rate * std::pow(decay_rate, detail::periods(step, decay_steps, staircase));
}

MAAS_INLINE double InverseTimeDecay::rate(std::int64_t step) const {
  return initial_learning_rate / (1 + decay_rate * detail::periods(step, decay_steps, staircase));
}

MAAS_INLINE double PiecewiseConstantDecay::rate(std::int64_t step) const {
  require<ConfigError>(
      values.size() == boundaries.size() + 1,
      "PiecewiseConstantDecay: expected one value more than boundaries, got {} values and {} boundaries", values.size(),
      boundaries.size());
  const auto at = std::lower_bound(boundaries.begin(), boundaries.end(), static_cast<double>(step));
  return values[static_cast<std::size_t>(at - boundaries.begin())];
}

MAAS_INLINE double PolynomialDecay::rate(std::int64_t step) const {
  const double s = static_cast<double>(step);
  const double length = cycle ? decay_steps * std::max(1.0, std::ceil(s / decay_steps)) : decay_steps;
  const double share = std::min(s, length) / length;
  return (initial_learning_rate - end_learning_rate) * std::pow(1 - share, power) + end_learning_rate;
}

MAAS_INLINE double CosineDecay::rate(std::int64_t step) const {
  const double s = static_cast<double>(step);
  if (!warmup_target) return decayed(initial_learning_rate, s);
  if (s < warmup_steps) return initial_learning_rate + (*warmup_target - initial_learning_rate) * s / warmup_steps;
  return decayed(*warmup_target, s - warmup_steps);
}

MAAS_INLINE double CosineDecay::decayed(double from, double s) const {
  return from * ((1 - alpha) * detail::cosine_fall(std::min(s, decay_steps) / decay_steps) + alpha);
}

MAAS_INLINE double CosineDecayRestarts::rate(std::int64_t step) const {
  double share = static_cast<double>(step) / first_decay_steps, restarts;
  if (t_mul == 1) {
    restarts = std::floor(share);
    share -= restarts;
  } else {
    restarts = std::floor(std::log(1 - share * (1 - t_mul)) / std::log(t_mul));
    const double before = (1 - std::pow(t_mul, restarts)) / (1 - t_mul);
    share = (share - before) / std::pow(t_mul, restarts);
  }
  const double height = std::pow(m_mul, restarts) * detail::cosine_fall(share);
  return initial_learning_rate * ((1 - alpha) * height + alpha);
}

MAAS_INLINE double WarmUp::rate(std::int64_t step) const {
  return learning_rate * std::min(1.0, (static_cast<double>(step) + 1) / std::max(1.0, warmup_steps));
}

MAAS_INLINE double OneCycle::rate(std::int64_t step) const {
  const double start = max_learning_rate / div_factor, end = start / final_div_factor;
  const double top = pct_start * total_steps, s = std::min(static_cast<double>(step), total_steps);
  if (s < top) return max_learning_rate + (start - max_learning_rate) * detail::cosine_fall(s / top);
  return end + (max_learning_rate - end) * detail::cosine_fall((s - top) / std::max(1.0, total_steps - top));
}

}  // namespace maas::inline MAAS_ABI
