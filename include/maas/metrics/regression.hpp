// Errors of regression as metrics. The constants mean_squared_error and mean_absolute_error of the losses may be given
// as metrics, too; the structs here are what a file's metric names are read as.
#pragma once

#include <cmath>

#include "maas/metrics/metric.hpp"

namespace maas::inline MAAS_ABI {

namespace metrics {

/// The running mean of (p - t)^2.
struct MeanSquaredError {
  static constexpr std::string_view class_name = "MeanSquaredError";
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    out = (predicted - target).array().square().rowwise().mean();
  }
};

/// The running mean of |p - t|.
struct MeanAbsoluteError {
  static constexpr std::string_view class_name = "MeanAbsoluteError";
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    out = (predicted - target).array().abs().rowwise().mean();
  }
};

}  // namespace metrics

/// The root of the running mean of (p - t)^2.
struct RootMeanSquaredError {
  static constexpr std::string_view class_name = "RootMeanSquaredError";
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    metrics::MeanSquaredError{}.values(predicted, target, out);
  }
  static double finish(double mean) { return std::sqrt(mean); }
};
inline constexpr RootMeanSquaredError root_mean_squared_error{};

}  // namespace maas::inline MAAS_ABI
