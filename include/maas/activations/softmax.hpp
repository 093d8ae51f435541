// Softmax and its kin: activations on whole rows, along the last axis.
#pragma once

#include "maas/activations/activation.hpp"
#include "maas/ops/softmax.hpp"

namespace maas::inline MAAS_ABI {

/// f(x)_i = exp(x_i - max x) / sum_j exp(x_j - max x) along the last axis.
struct Softmax {
  static constexpr std::string_view class_name = "softmax";
  void forward(const ConstMatrixView& z, MatrixView y) const { ops::softmax(z, y); }
  void backward(const ConstMatrixView& y, MatrixView gradient) const { ops::softmax_gradient(y, gradient); }
};
inline constexpr Softmax softmax{};

/// f(x)_i = x_i - log sum_j exp(x_j) along the last axis.
struct LogSoftmax {
  static constexpr std::string_view class_name = "log_softmax";
  void forward(const ConstMatrixView& z, MatrixView y) const { ops::log_softmax(z, y); }
  void backward(const ConstMatrixView& y, MatrixView gradient) const { ops::log_softmax_gradient(y, gradient); }
};
inline constexpr LogSoftmax log_softmax{};

/// The point of the simplex nearest to x, along the last axis: many outputs are exactly 0 (Martins and Astudillo 2016).
struct Sparsemax {
  static constexpr std::string_view class_name = "sparsemax";
  void forward(const ConstMatrixView& z, MatrixView y) const { ops::sparsemax(z, y); }
  void backward(const ConstMatrixView& y, MatrixView gradient) const { ops::sparsemax_gradient(y, gradient); }
};
inline constexpr Sparsemax sparsemax{};

}  // namespace maas::inline MAAS_ABI
