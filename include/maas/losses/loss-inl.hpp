// Loss: the handle, what a struct needs to stand behind it, and weighting and reduction, once for all: the bodies.
#pragma once

#include "maas/losses/loss.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Loss Loss::reduced(Reduction reduction) const {
  Loss result = *this;
  result.reduction_ = reduction;
  return result;
}

MAAS_INLINE void Loss::values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
  self_->values(predicted, target, out);
}

MAAS_INLINE void Loss::gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
  self_->gradient(predicted, target, out);
}

MAAS_INLINE std::optional<Loss> Loss::on_logits() const {
  std::optional<Loss> result = self_->on_logits();
  if (result) result->reduction_ = reduction_;
  return result;
}

MAAS_INLINE double Loss::divisor(const ConstMatrixView& target, const ConstVectorView& weights,
                                 const ConstVectorView& mask) const {
  if (reduction_ == Reduction::sum)
    return self_->one_value() && weights.size() > 0 ? 1 / static_cast<double>(target.rows()) : 1;
  const bool weighted = reduction_ == Reduction::mean_with_sample_weight && weights.size() > 0;
  if (!self_->has_shares() && mask.size() == 0) return weighted ? sum_of(weights) : static_cast<double>(target.rows());
  double sum = 0;
  for (Index row = 0; row < target.rows(); ++row)
    sum += static_cast<double>(share(target, row)) *
           (weighted          ? static_cast<double>(weights[row * weights.size() / target.rows()])
            : mask.size() > 0 ? static_cast<double>(mask[row])
                              : 1.0);
  return sum;
}

MAAS_INLINE double Loss::mean(const ConstMatrixView& predicted, const ConstMatrixView& target,
                              const ConstVectorView& weights, VectorView scratch, const ConstVectorView& mask) const {
  values(predicted, target, scratch);
  weigh(target, weights, Scalar(1), scratch.size(),
        [&](Index first, Index rows, Scalar factor) { scratch.segment(first, rows) *= factor; });
  const double sum = sum_of(ConstVectorView(scratch.data(), scratch.size())), by = divisor(target, weights, mask);
  return by != 0 ? sum / by : 0.0;
}

MAAS_INLINE void Loss::mean_gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                     const ConstVectorView& weights, MatrixView out,
                                     const ConstVectorView& mask) const {
  const double by = divisor(target, weights, mask);
  const Scalar part = by != 0 ? static_cast<Scalar>(1 / by) : Scalar(0);
  if (self_->looks_at_neighbours()) {
    self_->sum_gradient(predicted, target, weights, out);
    out *= part;
    return;
  }
  gradient(predicted, target, out);
  weigh(target, weights, part, out.rows(),
        [&](Index first, Index rows, Scalar factor) { out.middleRows(first, rows) *= factor; });
}

MAAS_INLINE double Loss::sum_of(const ConstVectorView& numbers) {
  double sum = 0;
  for (Scalar number : numbers) sum += static_cast<double>(number);
  return sum;
}

}  // namespace maas::inline MAAS_ABI
