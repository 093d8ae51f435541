// Losses of regression.
#pragma once

#include "maas/losses/loss.hpp"

namespace maas::inline MAAS_ABI {

/// mean over outputs of (p - t)^2.
struct MeanSquaredError {
  static constexpr std::string_view class_name = "MeanSquaredError";
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    out = (predicted - target).array().square().rowwise().mean();
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
    out = (predicted - target) * (Scalar(2) / static_cast<Scalar>(predicted.cols()));
  }
};
inline constexpr MeanSquaredError mean_squared_error{};

/// mean over outputs of |p - t|; slope 0 where they are equal.
struct MeanAbsoluteError {
  static constexpr std::string_view class_name = "MeanAbsoluteError";
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    out = (predicted - target).array().abs().rowwise().mean();
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
    out = (predicted - target).array().sign().matrix() / static_cast<Scalar>(predicted.cols());
  }
};
inline constexpr MeanAbsoluteError mean_absolute_error{};

}  // namespace maas::inline MAAS_ABI
