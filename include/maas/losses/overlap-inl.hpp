// Losses of overlap: how far two masks cover each other, over whole samples or the whole batch: the bodies.
#pragma once

#include "maas/losses/overlap.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// What losses of overlap share. Each gives the value of some sums, and the slopes along `both` and `predicted`; a row
/// is one whole sample. Without `axis` the sums go over the batch, whose value every row then has.
template <class Loss>
struct Overlap {
  static void values(const Loss& loss, const ConstMatrixView& predicted, const ConstMatrixView& target,
                     VectorView out) {
    if (!loss.axis) {
      out.setConstant(loss.value(all_rows(predicted, target)));
      return;
    }
    for (Index row = 0; row < predicted.rows(); ++row) out[row] = loss.value(one_row(predicted, target, row));
  }

  static void sum_gradient(const Loss& loss, const ConstMatrixView& predicted, const ConstMatrixView& target,
                           const ConstVectorView& weights, MatrixView out) {
    const bool weighted = weights.size() > 0;
    if (!loss.axis) {
      const OverlapSums sums = all_rows(predicted, target);
      const Scalar part = weighted ? weights.mean() : Scalar(1);
      out = part * (loss.slope_both(sums) * target.array() + loss.slope_predicted(sums)).matrix();
      return;
    }
    for (Index row = 0; row < predicted.rows(); ++row) {
      const OverlapSums sums = one_row(predicted, target, row);
      const Scalar part = weighted ? weights[row] : Scalar(1);
      out.row(row) = part * (loss.slope_both(sums) * target.row(row).array() + loss.slope_predicted(sums)).matrix();
    }
  }

  /// The batch has one value, of which every row is a share.
  static Scalar share(const Loss& loss, const ConstMatrixView& target) {
    return loss.axis ? Scalar(1) : Scalar(1) / static_cast<Scalar>(target.rows());
  }

  /// Axes count as in Keras, the batch's being 0; all the others must be there, or none be named.
  static void check_output(const Loss& loss, const Shape& output) {
    if (!loss.axis) return;
    const Index rank = output.rank() + 1;
    std::vector<bool> named(static_cast<std::size_t>(rank), false);
    bool right = static_cast<Index>(loss.axis->size()) == output.rank();
    for (int axis : *loss.axis) {
      const Index place = axis < 0 ? axis + rank : axis;
      right = right && place >= 1 && place < rank && !named[static_cast<std::size_t>(place)];
      if (right) named[static_cast<std::size_t>(place)] = true;
    }
    require<ConfigError>(right, "{}: expected as axis all axes but the batch's, 1 to {}, or none; got {}",
                         Loss::class_name, output.rank(), to_config(loss.axis).text());
  }

 private:
  static OverlapSums one_row(const ConstMatrixView& predicted, const ConstMatrixView& target, Index row) {
    OverlapSums sums;
    sums.add(predicted, target, row);
    return sums;
  }
  static OverlapSums all_rows(const ConstMatrixView& predicted, const ConstMatrixView& target) {
    OverlapSums sums;
    for (Index row = 0; row < predicted.rows(); ++row) sums.add(predicted, target, row);
    return sums;
  }
};

}  // namespace detail

namespace detail {

MAAS_INLINE void OverlapSums::add(const ConstMatrixView& p, const ConstMatrixView& t, Index row) {
  both += p.row(row).dot(t.row(row));
  target += t.row(row).sum();
  predicted += p.row(row).sum();
}

}  // namespace detail

MAAS_INLINE void Dice::values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
  detail::Overlap<Dice>::values(*this, predicted, target, out);
}

MAAS_INLINE void Dice::sum_gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                    const ConstVectorView& weights, MatrixView out) const {
  detail::Overlap<Dice>::sum_gradient(*this, predicted, target, weights, out);
}

MAAS_INLINE void Tversky::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                 VectorView out) const {
  detail::Overlap<Tversky>::values(*this, predicted, target, out);
}

MAAS_INLINE void Tversky::sum_gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                       const ConstVectorView& weights, MatrixView out) const {
  detail::Overlap<Tversky>::sum_gradient(*this, predicted, target, weights, out);
}

MAAS_INLINE Scalar Tversky::bottom(const detail::OverlapSums& s) const {
  return s.both + missed() * (s.target - s.both) + wrong() * (s.predicted - s.both) + detail::loss_epsilon;
}

MAAS_INLINE Scalar Tversky::slope_both(const detail::OverlapSums& s) const {
  const Scalar b = bottom(s);
  return s.both * (Scalar(1) - missed() - wrong()) / (b * b) - Scalar(1) / b;
}

MAAS_INLINE Scalar Dice::share(const ConstMatrixView& target, Index) const {
  return detail::Overlap<Dice>::share(*this, target);
}
MAAS_INLINE void Dice::check_output(const Shape& output) const { detail::Overlap<Dice>::check_output(*this, output); }

MAAS_INLINE Scalar Tversky::share(const ConstMatrixView& target, Index) const {
  return detail::Overlap<Tversky>::share(*this, target);
}
MAAS_INLINE void Tversky::check_output(const Shape& output) const {
  detail::Overlap<Tversky>::check_output(*this, output);
}

}  // namespace maas::inline MAAS_ABI
