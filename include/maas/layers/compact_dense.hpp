// CompactDense: a Dense layer whose kernel takes one or two bytes a number, for prediction.
#pragma once

#include "maas/activations/activations.hpp"
#include "maas/layers/layer.hpp"
#include "maas/ops/compact.hpp"

namespace maas::inline MAAS_ABI {

/// y = activation(x kernel + bias) as Dense, with the same bits as a Dense layer that holds the rounded kernel. Made by
/// compact() of compress/compact.hpp, which also sets its weights; it has no formula backwards and no place in files.
/// Weights: the bytes of the kernel, kept in scalars; for int8 a scale a column; bias.
struct CompactDense {
  static constexpr std::string_view class_name = "CompactDense";
  Index units = 2;  ///< outputs, at least 2: one column alone is not worth it
  Activation activation = linear;
  bool use_bias = true;
  ops::CompactFormat format = ops::CompactFormat::bfloat16;

  static void fields(auto& self, auto&& field) {
    field("units", self.units);
    field("activation", self.activation);
    field("use_bias", self.use_bias);
  }

  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  /// Throws ConfigError: it cannot be trained.
  void backward(const Backward& pass) const;

  /// Its weights in the plan's order, from those of the Dense layer: kernel, and bias if it has one. Throws DataError
  /// for a kernel that is not finite, with int8.
  std::vector<Matrix> weights_of(const ConstMatrixViews& dense) const;
  /// The kernel that its weights, in the plan's order, stand for. inner x units.
  Matrix kernel(const ConstMatrixViews& weights, Index inner) const;

 private:
  ops::CompactView view_of(const ConstMatrixViews& weights, Index inner) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/layers/compact_dense-inl.hpp"
#endif
