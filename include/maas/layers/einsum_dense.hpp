// EinsumDense: products of input and kernel over axes named by letters.
#pragma once

#include "maas/activations/activations.hpp"
#include "maas/constraints/constraints.hpp"
#include "maas/initializers/initializers.hpp"
#include "maas/layers/layer.hpp"
#include "maas/regularizers/regularizers.hpp"

namespace maas::inline MAAS_ABI {

/// y = activation(einsum(equation, x, kernel) + bias). In "abc,cd->abd" each letter is an axis, of the input, of the
/// kernel and of the output; the first is the batch. Products are summed over the letters that the output has not.
/// Three dots stand for any axes at the beginning (the batch among them) or at the end of input and output. The sizes
/// of letters that are not the input's come from output_shape, which has the output's letters but the batch and the
/// dots; null where the input says it. `bias_axes` are the output's letters along which the bias varies. Weights:
/// kernel and, with bias_axes, bias. Throws ConfigError for an equation of another form, ShapeError where sizes do not
/// fit.
struct EinsumDense {
  static constexpr std::string_view class_name = "EinsumDense";
  std::string equation = "ab,bc->ac";
  std::vector<std::optional<Index>> output_shape = {1};
  Activation activation = linear;
  std::optional<std::string> bias_axes = std::nullopt;
  Initializer kernel_initializer = glorot_uniform;
  Initializer bias_initializer = zeros;
  std::optional<Regularizer> kernel_regularizer = std::nullopt;
  std::optional<Regularizer> bias_regularizer = std::nullopt;
  std::optional<Regularizer> activity_regularizer = std::nullopt;
  std::optional<Constraint> kernel_constraint = std::nullopt;
  std::optional<Constraint> bias_constraint = std::nullopt;
  static void fields(auto& self, auto&& field) {
    field("equation", self.equation);
    field("output_shape", self.output_shape);
    field("activation", self.activation);
    field("bias_axes", self.bias_axes);
    field("kernel_initializer", self.kernel_initializer);
    field("bias_initializer", self.bias_initializer);
    field("kernel_regularizer", self.kernel_regularizer);
    field("bias_regularizer", self.bias_regularizer);
    field("activity_regularizer", self.activity_regularizer);
    field("kernel_constraint", self.kernel_constraint);
    field("bias_constraint", self.bias_constraint);
  }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
  SplitLayer split_activation() const;
};

/// An EinsumDense layer: `einsum_dense("abc,cd->abd", {std::nullopt, 64}, "d")`.
Layer einsum_dense(std::string equation, std::vector<std::optional<Index>> output_shape,
                   std::optional<std::string> bias_axes = std::nullopt);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/layers/einsum_dense-inl.hpp"
#endif
