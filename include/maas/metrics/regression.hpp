// Figures of regression that are not the mean of a loss.
#pragma once

#include <cmath>
#include <string>

#include "maas/losses/regression.hpp"
#include "maas/metrics/metric.hpp"

namespace maas::inline MAAS_ABI {

/// The root of the running mean of (p - t)^2.
struct RootMeanSquaredError {
  static constexpr std::string_view class_name = "RootMeanSquaredError";
  static constexpr bool larger_is_better = false;
  static constexpr bool passes_over_masks = true;  // as in Keras
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  static double finish(double mean) { return std::sqrt(mean); }
};
inline constexpr RootMeanSquaredError root_mean_squared_error{};

/// LogCosh under the name Keras has for it among metrics.
struct LogCoshError : LogCosh {
  static constexpr std::string_view class_name = "LogCoshError";
  static constexpr std::string_view default_name = "logcosh";
};

/// Mean over rows of Pearson's correlation of a row's outputs with its targets: the mean of products of both, each less
/// its mean and divided by its standard deviation. Not a number where the outputs or the targets of a row are all the
/// same, so for a single output.
struct PearsonCorrelation {
  static constexpr std::string_view class_name = "PearsonCorrelation";
  static constexpr bool larger_is_better = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
};

/// Mean over rows of Lin's concordance of a row's outputs with its targets:
/// 2 cov(t, p) / (var t + var p + (mean t - mean p)^2 + 1e-7).
struct ConcordanceCorrelation {
  static constexpr std::string_view class_name = "ConcordanceCorrelation";
  static constexpr bool larger_is_better = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
};

/// The coefficient of determination, 1 - sum (t - p)^2 / sum (t - mean t)^2, of each output; 0 where the targets of an
/// output are all the same, not a number before anything is added. One figure an output unless they are averaged.
struct R2Score {
  static constexpr std::string_view class_name = "R2Score";
  static constexpr bool larger_is_better = true;
  /// "uniform_average": the mean over outputs; "variance_weighted_average": weighted by sum (t - mean t)^2; none: each.
  std::optional<std::string> class_aggregation = std::string("uniform_average");
  /// k: the adjusted score 1 - (1 - R2) (n - 1) / (n - k - 1), n counting all target numbers, as Keras does; 0, or
  /// where n - 1 does not exceed k: R2 itself.
  Index num_regressors = 0;
  static void fields(auto& self, auto&& field) {
    field("class_aggregation", self.class_aggregation);
    field("num_regressors", self.num_regressors);
  }
  void check() const;
  /// The number of target numbers; then by output the weighted sums of t^2, of t, of (t - p)^2 and of weights.
  Index state_size(Index outputs) const { return 1 + 4 * outputs; }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
  Index figures(std::span<const double> state) const;
  void results(std::span<const double> state, std::span<double> out) const;

 private:
  double adjusted(double score, double numbers) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/metrics/regression-inl.hpp"
#endif
