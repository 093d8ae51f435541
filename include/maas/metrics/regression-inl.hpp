// The coefficient of determination.
#pragma once

#include "maas/metrics/regression.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE void RootMeanSquaredError::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                              VectorView out) const {
  mean_squared_error.values(predicted, target, out);
}

MAAS_INLINE void PearsonCorrelation::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                            VectorView out) const {
  for (Index row = 0; row < predicted.rows(); ++row) {
    const auto p = predicted.row(row).array(), t = target.row(row).array();
    const Scalar p_mean = p.mean(), t_mean = t.mean();
    const Scalar p_deviation = std::sqrt((p - p_mean).square().mean());
    const Scalar t_deviation = std::sqrt((t - t_mean).square().mean());
    out[row] = ((t - t_mean) / t_deviation * ((p - p_mean) / p_deviation)).mean();
  }
}

MAAS_INLINE void ConcordanceCorrelation::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                                VectorView out) const {
  for (Index row = 0; row < predicted.rows(); ++row) {
    const auto p = predicted.row(row).array(), t = target.row(row).array();
    const Scalar p_mean = p.mean(), t_mean = t.mean(), apart = t_mean - p_mean;
    const Scalar both = ((t - t_mean) * (p - p_mean)).mean();
    const Scalar each = (p - p_mean).square().mean() + (t - t_mean).square().mean();
    out[row] = Scalar(2) * both / (each + apart * apart + Scalar(1e-7));
  }
}

MAAS_INLINE Index R2Score::figures(std::span<const double> state) const {
  return class_aggregation ? 1 : (static_cast<Index>(state.size()) - 1) / 4;
}

MAAS_INLINE void R2Score::check() const {
  require<ConfigError>(!class_aggregation || *class_aggregation == "uniform_average" ||
                           *class_aggregation == "variance_weighted_average",
                       "{}: expected no class_aggregation, \"uniform_average\" or \"variance_weighted_average\", got "
                       "\"{}\"",
                       class_name, class_aggregation.value_or(""));
  require<ConfigError>(num_regressors >= 0, "{}: expected num_regressors of at least 0, got {}", class_name,
                       num_regressors);
}

MAAS_INLINE void R2Score::add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
                              const ConstVectorView& weights) const {
  const std::size_t outputs = (state.size() - 1) / 4;
  double* squares = state.data() + 1;
  double* sums = squares + outputs;
  double* residuals = sums + outputs;
  double* counts = residuals + outputs;
  for (Index row = 0; row < predicted.rows(); ++row) {
    const double weight = weights.size() > 0 ? static_cast<double>(weights[row]) : 1.0;
    for (Index i = 0; i < predicted.cols(); ++i) {
      const double t = static_cast<double>(target(row, i)), error = t - static_cast<double>(predicted(row, i));
      squares[i] += t * t * weight;
      sums[i] += t * weight;
      residuals[i] += error * error * weight;
      counts[i] += weight;
    }
  }
  state[0] += static_cast<double>(target.size());
}

MAAS_INLINE double R2Score::adjusted(double score, double numbers) const {
  const double regressors = static_cast<double>(num_regressors);
  if (num_regressors == 0 || regressors >= numbers - 1) return score;
  return 1 - (1 - score) * (numbers - 1) / (numbers - regressors - 1);
}

MAAS_INLINE void R2Score::results(std::span<const double> state, std::span<double> out) const {
  const std::size_t outputs = (state.size() - 1) / 4;
  const bool by_variance = class_aggregation == "variance_weighted_average";
  double sum = 0, divisor = 0;
  for (std::size_t i = 0; i < outputs; ++i) {
    const double squares = state[1 + i], mean_sum = state[1 + outputs + i];
    const double residual = state[1 + 2 * outputs + i], count = state[1 + 3 * outputs + i];
    const double total = squares - mean_sum * (mean_sum / count);
    double score = 1 - residual / total;
    if (std::isinf(score)) score = 0;
    if (!class_aggregation) out[i] = adjusted(score, state[0]);
    const double weight = by_variance ? total : 1.0;
    sum += weight * score;
    divisor += weight;
  }
  if (class_aggregation) out[0] = adjusted(sum / divisor, state[0]);
}

}  // namespace maas::inline MAAS_ABI
