// Losses of regression: the bodies.
#pragma once

#include "maas/losses/regression.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE void MeanSquaredError::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                          VectorView out) const {
  out = (predicted - target).array().square().rowwise().mean();
}

MAAS_INLINE void MeanSquaredError::gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                            MatrixView out) const {
  out = (predicted - target) * (Scalar(2) / static_cast<Scalar>(predicted.cols()));
}

MAAS_INLINE void MeanAbsoluteError::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                           VectorView out) const {
  out = (predicted - target).array().abs().rowwise().mean();
}

MAAS_INLINE void MeanAbsoluteError::gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                             MatrixView out) const {
  out = (predicted - target).array().sign().matrix() / static_cast<Scalar>(predicted.cols());
}

MAAS_INLINE void MeanAbsolutePercentageError::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                                     VectorView out) const {
  detail::mean_values(predicted, target, out, [](Scalar p, Scalar t) { return std::abs(t - p) * weight(t); });
}

MAAS_INLINE void MeanAbsolutePercentageError::gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                                       MatrixView out) const {
  detail::mean_slopes(predicted, target, out, [](Scalar p, Scalar t) { return detail::sign_of(p - t) * weight(t); });
}

MAAS_INLINE void MeanSquaredLogarithmicError::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                                     VectorView out) const {
  detail::mean_values(predicted, target, out, [](Scalar p, Scalar t) {
    const Scalar difference = logarithm(p) - logarithm(t);
    return difference * difference;
  });
}

MAAS_INLINE void MeanSquaredLogarithmicError::gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                                       MatrixView out) const {
  detail::mean_slopes(predicted, target, out, [](Scalar p, Scalar t) {
    return p < detail::loss_epsilon ? Scalar(0) : Scalar(2) * (logarithm(p) - logarithm(t)) / (p + Scalar(1));
  });
}

MAAS_INLINE void Huber::values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
  const Scalar d = static_cast<Scalar>(delta);
  detail::mean_values(predicted, target, out, [d](Scalar p, Scalar t) {
    const Scalar e = std::abs(p - t);
    return e <= d ? Scalar(0.5) * e * e : d * e - Scalar(0.5) * d * d;
  });
}

MAAS_INLINE void Huber::gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                 MatrixView out) const {
  const Scalar d = static_cast<Scalar>(delta);
  // Not std::clamp, which is undefined for a delta below 0.
  detail::mean_slopes(predicted, target, out,
                      [d](Scalar p, Scalar t) { return std::max(std::min<Scalar>(p - t, d), -d); });
}

MAAS_INLINE void LogCosh::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                 VectorView out) const {
  // log cosh e = |e| + log(1 + exp(-2 |e|)) - log 2, which cannot overflow.
  detail::mean_values(predicted, target, out, [](Scalar p, Scalar t) {
    const Scalar e = std::abs(p - t);
    return e + std::log1p(std::exp(Scalar(-2) * e)) - Scalar(0.69314718055994530942);
  });
}

MAAS_INLINE void LogCosh::gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                   MatrixView out) const {
  detail::mean_slopes(predicted, target, out, [](Scalar p, Scalar t) { return std::tanh(p - t); });
}

MAAS_INLINE void Poisson::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                 VectorView out) const {
  detail::mean_values(predicted, target, out,
                      [](Scalar p, Scalar t) { return p - t * std::log(p + detail::loss_epsilon); });
}

MAAS_INLINE void Poisson::gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                   MatrixView out) const {
  detail::mean_slopes(predicted, target, out,
                      [](Scalar p, Scalar t) { return Scalar(1) - t / (p + detail::loss_epsilon); });
}

MAAS_INLINE void QuantileLoss::check() const {
  require<ConfigError>(quantile > 0 && quantile < 1, "QuantileLoss: expected a quantile between 0 and 1, got {}",
                       quantile);
}

MAAS_INLINE void QuantileLoss::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                      VectorView out) const {
  const Scalar q = static_cast<Scalar>(quantile);
  detail::mean_values(predicted, target, out,
                      [q](Scalar p, Scalar t) { return std::max(q * (t - p), (q - Scalar(1)) * (t - p)); });
}

MAAS_INLINE void QuantileLoss::gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                        MatrixView out) const {
  const Scalar q = static_cast<Scalar>(quantile);
  detail::mean_slopes(predicted, target, out, [q](Scalar p, Scalar t) {
    return p < t ? -q : p > t ? Scalar(1) - q : Scalar(0);
  });
}

MAAS_INLINE void CosineSimilarity::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                          VectorView out) const {
  for (Index row = 0; row < predicted.rows(); ++row)
    out[row] =
        -predicted.row(row).dot(target.row(row)) * inverse_length(predicted.row(row)) * inverse_length(target.row(row));
}

MAAS_INLINE void CosineSimilarity::gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                            MatrixView out) const {
  for (Index row = 0; row < predicted.rows(); ++row) {
    const Scalar p = inverse_length(predicted.row(row)), t = inverse_length(target.row(row));
    const bool shortest = p >= Scalar(1) / detail::loss_epsilon;  // the length no longer moves with p
    const Scalar cosine = predicted.row(row).dot(target.row(row)) * p * t;
    out.row(row) = -p * t * target.row(row);
    if (!shortest) out.row(row) += cosine * p * p * predicted.row(row);
  }
}

}  // namespace maas::inline MAAS_ABI
