// Softmax along the last axis.
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

}  // namespace maas::inline MAAS_ABI
