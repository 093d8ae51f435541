// Counts of right and wrong decisions at thresholds, and the ratios made of them: the bodies.
#pragma once

#include "maas/metrics/confusion.hpp"
#include "maas/metrics/thresholds-inl.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

template <class Visit>
void Decisions::visit(const ConstMatrixView& predicted, const ConstMatrixView& target, const ConstVectorView& weights,
                      Visit&& visit) const {
  const bool even = are_even();
  visit_predictions(predicted, target, weights, top_k, class_id, [&](Scalar p, bool truth, double weight, Index) {
    const Index above = even ? evenly_above(p, static_cast<Index>(thresholds.size())) : 0;
    for (std::size_t t = 0; t < thresholds.size(); ++t)
      visit(t, truth, even ? static_cast<Index>(t) < above : p > static_cast<Scalar>(thresholds[t]), weight);
  });
}

}  // namespace detail

namespace detail {

MAAS_INLINE bool Decisions::are_even() const {
  if (thresholds.size() < 3) return false;
  for (std::size_t i = 0; i < thresholds.size(); ++i)
    if (!stands_evenly(thresholds[i], i, thresholds.size())) return false;
  return true;
}

MAAS_INLINE Decisions decisions(const Thresholds& thresholds, const std::optional<int>& top_k,
                                const std::optional<int>& class_id) {
  if (!thresholds.values.empty()) return {thresholds.values, top_k, class_id};
  return {top_k ? std::span<const double>(rank_only) : std::span<const double>(half_only), top_k, class_id};
}

MAAS_INLINE Index count(const Thresholds& thresholds) {
  return std::max(Index(1), static_cast<Index>(thresholds.values.size()));
}

MAAS_INLINE void count_decisions(const Thresholds& thresholds, bool truth, bool decision, std::span<double> state,
                                 const ConstMatrixView& predicted, const ConstMatrixView& target,
                                 const ConstVectorView& weights) {
  decisions(thresholds).visit(predicted, target, weights, [&](std::size_t t, bool is, bool said, double weight) {
    if (is == truth && said == decision) state[t] += weight;
  });
}

MAAS_INLINE void shares(std::span<const double> state, std::span<double> out) {
  const std::size_t thresholds = state.size() / 2;
  for (std::size_t t = 0; t < thresholds; ++t) out[t] = divide_no_nan(state[t], state[t] + state[thresholds + t]);
}

}  // namespace detail

MAAS_INLINE void TruePositives::add(std::span<double> state, const ConstMatrixView& predicted,
                                    const ConstMatrixView& target, const ConstVectorView& weights) const {
  detail::count_decisions(thresholds, true, true, state, predicted, target, weights);
}

MAAS_INLINE void TrueNegatives::add(std::span<double> state, const ConstMatrixView& predicted,
                                    const ConstMatrixView& target, const ConstVectorView& weights) const {
  detail::count_decisions(thresholds, false, false, state, predicted, target, weights);
}

MAAS_INLINE void FalsePositives::add(std::span<double> state, const ConstMatrixView& predicted,
                                     const ConstMatrixView& target, const ConstVectorView& weights) const {
  detail::count_decisions(thresholds, false, true, state, predicted, target, weights);
}

MAAS_INLINE void FalseNegatives::add(std::span<double> state, const ConstMatrixView& predicted,
                                     const ConstMatrixView& target, const ConstVectorView& weights) const {
  detail::count_decisions(thresholds, true, false, state, predicted, target, weights);
}

MAAS_INLINE void Precision::check_outputs(Index outputs) const {
  detail::require_class(class_name, class_id, outputs);
  detail::require_top_k(class_name, top_k, outputs);
}

MAAS_INLINE void Precision::add(std::span<double> state, const ConstMatrixView& predicted,
                                const ConstMatrixView& target, const ConstVectorView& weights) const {
  const std::size_t wrong = state.size() / 2;
  detail::decisions(thresholds, top_k, class_id)
      .visit(predicted, target, weights, [&](std::size_t t, bool truth, bool decision, double weight) {
        if (decision) state[truth ? t : wrong + t] += weight;
      });
}

MAAS_INLINE void Recall::check_outputs(Index outputs) const {
  detail::require_class(class_name, class_id, outputs);
  detail::require_top_k(class_name, top_k, outputs);
}

MAAS_INLINE void Recall::add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
                             const ConstVectorView& weights) const {
  const std::size_t missed = state.size() / 2;
  detail::decisions(thresholds, top_k, class_id)
      .visit(predicted, target, weights, [&](std::size_t t, bool truth, bool decision, double weight) {
        if (truth) state[decision ? t : missed + t] += weight;
      });
}

}  // namespace maas::inline MAAS_ABI
