// Hinge losses: targets are -1 and 1.
#pragma once

#include <algorithm>

#include "maas/losses/elementwise.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {
/// How targets are read: where all of a batch are 0 or 1, they stand for -1 and 1.
struct SignedTargets {
  explicit SignedTargets(const ConstMatrixView& target)
      : binary((target.array() == Scalar(0) || target.array() == Scalar(1)).all()) {}
  Scalar operator()(Scalar t) const { return binary ? Scalar(2) * t - Scalar(1) : t; }
  bool binary;
};
/// (1 - t) p of one row: what the outputs other than the target claim.
inline auto wrong_scores(const ConstMatrixView& predicted, const ConstMatrixView& target, Index row) {
  return ((Scalar(1) - target.row(row).array()) * predicted.row(row).array()).matrix();
}
}  // namespace detail

/// mean over outputs of max(1 - t p, 0). Targets are -1 and 1; where all targets of a batch are 0 or 1, 0 stands for
/// -1.
struct Hinge {
  static constexpr std::string_view class_name = "Hinge";
  static constexpr bool mean_of_outputs = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    const detail::SignedTargets side(target);
    detail::mean_values(predicted, target, out,
                        [&](Scalar p, Scalar t) { return std::max(Scalar(1) - side(t) * p, Scalar(0)); });
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
    const detail::SignedTargets side(target);
    detail::mean_slopes(predicted, target, out,
                        [&](Scalar p, Scalar t) { return Scalar(1) - side(t) * p >= 0 ? -side(t) : Scalar(0); });
  }
};
inline constexpr Hinge hinge{};

/// mean over outputs of max(1 - t p, 0)^2, targets as for Hinge.
struct SquaredHinge {
  static constexpr std::string_view class_name = "SquaredHinge";
  static constexpr bool mean_of_outputs = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    const detail::SignedTargets side(target);
    detail::mean_values(predicted, target, out, [&](Scalar p, Scalar t) {
      const Scalar gap = std::max(Scalar(1) - side(t) * p, Scalar(0));
      return gap * gap;
    });
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
    const detail::SignedTargets side(target);
    detail::mean_slopes(predicted, target, out, [&](Scalar p, Scalar t) {
      return Scalar(-2) * side(t) * std::max(Scalar(1) - side(t) * p, Scalar(0));
    });
  }
};
inline constexpr SquaredHinge squared_hinge{};

/// max(0, 1 + max over outputs of (1 - t) p - sum of t p); targets are one-hot.
struct CategoricalHinge {
  static constexpr std::string_view class_name = "CategoricalHinge";
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    for (Index row = 0; row < predicted.rows(); ++row) out[row] = std::max(gap(predicted, target, row), Scalar(0));
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
    for (Index row = 0; row < predicted.rows(); ++row) {
      out.row(row).setZero();
      if (gap(predicted, target, row) < 0) continue;
      const Scalar largest = detail::wrong_scores(predicted, target, row).maxCoeff();
      // Several outputs that are largest alike share the slope, as in TensorFlow.
      const Scalar ties =
          static_cast<Scalar>((detail::wrong_scores(predicted, target, row).array() == largest).count());
      for (Index i = 0; i < predicted.cols(); ++i) {
        const Scalar t = target(row, i);
        out(row, i) = ((Scalar(1) - t) * predicted(row, i) == largest ? (Scalar(1) - t) / ties : Scalar(0)) - t;
      }
    }
  }

 private:
  static Scalar gap(const ConstMatrixView& predicted, const ConstMatrixView& target, Index row) {
    return Scalar(1) + detail::wrong_scores(predicted, target, row).maxCoeff() -
           predicted.row(row).dot(target.row(row));
  }
};
inline constexpr CategoricalHinge categorical_hinge{};

}  // namespace maas::inline MAAS_ABI
