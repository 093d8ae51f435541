// Hinge losses: targets are -1 and 1.
#pragma once

#include <algorithm>

#include "maas/losses/elementwise.hpp"

namespace maas::inline MAAS_ABI {

/// mean over outputs of max(1 - t p, 0). Targets are -1 and 1; where all targets of a batch are 0 or 1, 0 stands for
/// -1.
struct Hinge {
  static constexpr std::string_view class_name = "Hinge";
  static constexpr bool mean_of_outputs = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const;
};
inline constexpr Hinge hinge{};

/// mean over outputs of max(1 - t p, 0)^2, targets as for Hinge.
struct SquaredHinge {
  static constexpr std::string_view class_name = "SquaredHinge";
  static constexpr bool mean_of_outputs = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const;
};
inline constexpr SquaredHinge squared_hinge{};

/// max(0, 1 + max over outputs of (1 - t) p - sum of t p); targets are one-hot.
struct CategoricalHinge {
  static constexpr std::string_view class_name = "CategoricalHinge";
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const;

 private:
  static Scalar gap(const ConstMatrixView& predicted, const ConstMatrixView& target, Index row);
};
inline constexpr CategoricalHinge categorical_hinge{};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/losses/hinge-inl.hpp"
#endif
