// Activations that weigh x by a smooth or hard gate: the bodies.
#pragma once

#include "maas/activations/gated.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Scalar Gelu::rough_slope(Scalar v) {
  const Scalar t = std::tanh(inner(v));
  const Scalar fall = Scalar(1) - t * t;
  if (fall == Scalar(0)) return Scalar(0.5) * (Scalar(1) + t);  // far out, where v^2 may overflow
  const Scalar steep = Scalar(0.79788456080286535588) * (Scalar(1) + Scalar(3) * Scalar(0.044715) * v * v);
  return Scalar(0.5) * (Scalar(1) + t) + Scalar(0.5) * v * fall * steep;
}

MAAS_INLINE void Glu::forward(const ConstMatrixView& z, MatrixView y) {
  const Index half = y.cols();
  for (Index row = 0; row < z.rows(); ++row)
    for (Index i = 0; i < half; ++i) y(row, i) = z(row, i) * detail::sigmoid_of(z(row, half + i));
}

MAAS_INLINE void Glu::backward(const ConstMatrixView& z, const ConstMatrixView& dy, MatrixView dz) {
  const Index half = dy.cols();
  for (Index row = 0; row < z.rows(); ++row)
    for (Index i = 0; i < half; ++i) {
      const Scalar gate = detail::sigmoid_of(z(row, half + i));
      dz(row, i) = dy(row, i) * gate;
      dz(row, half + i) = dy(row, i) * z(row, i) * gate * (Scalar(1) - gate);
    }
}

}  // namespace maas::inline MAAS_ABI
