// F-scores.
#pragma once

#include "maas/metrics/f_score.hpp"

namespace maas::inline MAAS_ABI::detail {

MAAS_INLINE void FScore::check() const {
  require<ConfigError>(!average || *average == "micro" || *average == "macro" || *average == "weighted",
                       "{}: expected no average, \"micro\", \"macro\" or \"weighted\", got \"{}\"", name,
                       average.value_or(""));
  require<ConfigError>(beta > 0, "{}: expected a beta above 0, got {}", name, beta);
  require<ConfigError>(!threshold || (*threshold > 0 && *threshold <= 1),
                       "{}: expected a threshold above 0 and at most 1, got {}", name, threshold.value_or(0));
}

MAAS_INLINE void FScore::add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
                             const ConstVectorView& weights) const {
  const std::size_t count = state.size() / 4;
  for (Index row = 0; row < predicted.rows(); ++row) {
    const double weight = weights.size() > 0 ? static_cast<double>(weights[row]) : 1.0;
    const Scalar largest = predicted.row(row).maxCoeff();
    for (Index i = 0; i < predicted.cols(); ++i) {
      const std::size_t at = average == "micro" ? 0 : static_cast<std::size_t>(i);
      const double said = decides(predicted(row, i), largest) ? 1 : 0, truth = static_cast<double>(target(row, i));
      state[at] += said * truth * weight;
      state[count + at] += said * (1 - truth) * weight;
      state[2 * count + at] += (1 - said) * truth * weight;
      state[3 * count + at] += truth * weight;
    }
  }
}

MAAS_INLINE double FScore::score(std::span<const double> state, std::size_t which) const {
  const std::size_t count = state.size() / 4;
  const double right = state[which], square = beta * beta;
  const double precision = right / (right + state[count + which] + metric_epsilon);
  const double recall = right / (right + state[2 * count + which] + metric_epsilon);
  return precision * recall / (square * precision + recall + metric_epsilon) * (1 + square);
}

MAAS_INLINE void FScore::results(std::span<const double> state, std::span<double> out) const {
  const std::size_t count = state.size() / 4;
  if (!average) {
    for (std::size_t i = 0; i < count; ++i) out[i] = score(state, i);
    return;
  }
  const auto truths = state.subspan(3 * count);
  const double all = std::accumulate(truths.begin(), truths.end(), 0.0) + metric_epsilon;
  out[0] = 0;
  for (std::size_t i = 0; i < count; ++i)
    out[0] += score(state, i) * (*average == "weighted" ? truths[i] / all : 1.0 / static_cast<double>(count));
}

}  // namespace maas::inline MAAS_ABI::detail

namespace maas::inline MAAS_ABI {

namespace detail {

MAAS_INLINE bool FScore::decides(Scalar score, Scalar largest) const {
  // By the largest score of the row; a row of zeros decides nothing.
  if (!threshold) return score >= largest && std::abs(score) > Scalar(1e-9);
  return score > static_cast<Scalar>(*threshold);
}

}  // namespace detail

MAAS_INLINE void FBetaScore::add(std::span<double> state, const ConstMatrixView& predicted,
                                 const ConstMatrixView& target, const ConstVectorView& weights) const {
  rule().add(state, predicted, target, weights);
}

MAAS_INLINE void F1Score::add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
                              const ConstVectorView& weights) const {
  rule().add(state, predicted, target, weights);
}

}  // namespace maas::inline MAAS_ABI
