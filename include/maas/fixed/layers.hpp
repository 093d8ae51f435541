// Layers whose sizes are types: plain aggregates with their weights inside.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <type_traits>

#include "maas/activations/activations.hpp"
#include "maas/ops/exponential.hpp"
#include "maas/ops/product.hpp"
#include "maas/ops/tile.hpp"

namespace maas::inline MAAS_ABI::fixed {

/// What a network of the ordinary kind has in the place of a fixed layer: one dense layer, and the activation that
/// follows it.
struct DenseStep {
  std::string name;        ///< the layer's name in the network
  ConstMatrixView kernel;  ///< in x out
  ConstMatrixView bias;    ///< 1 x out, or empty
  maas::Activation activation;
};

namespace detail {
/// What fixed::Dense::check says.
void require_kernel(const DenseStep& step, Index inputs, Index outputs);
void require_activation(const DenseStep& step, bool right, std::string_view expected);

/// So few numbers are activated where they stand: to call a kernel for them would take longer.
inline constexpr Index few_outputs = 4;

/// y = Rule(y) for Out numbers, with the bits that the ordinary network gives where both round alike.
template <Index Out, class Rule>
void activate_row(const Rule& activation, Scalar* y) noexcept {
#if defined(MAAS_KERNELS)
  if constexpr (Out <= few_outputs && std::is_same_v<Rule, Sigmoid>) {
    for (Index i = 0; i < Out; ++i) y[i] = ops::sigmoid_of(y[i]);
    return;
  } else if constexpr (Out <= few_outputs && std::is_same_v<Rule, Tanh>) {
    for (Index i = 0; i < Out; ++i) y[i] = ops::tanh_of(y[i]);
    return;
  }
#endif
  if constexpr (!std::is_same_v<Rule, Linear>)
    maas::detail::activate(activation, ConstMatrixView(y, 1, Out), MatrixView(y, 1, Out));
}
}  // namespace detail

/// y = Rule(x kernel + bias), In numbers to Out. A trivially copyable aggregate: the weights lie in the object, zero
/// until assigned. Rule is an activation's struct: `fixed::Dense<100, 128, Relu>`.
template <Index In, Index Out, PlainActivationRule Rule = Linear>
struct Dense {
  static_assert(In >= 1 && Out >= 1, "maas::fixed::Dense: expected at least one input and one output");
  static_assert(std::is_trivially_copyable_v<Rule>, "maas::fixed::Dense: expected an activation without pointers");
  static constexpr Index inputs = In;
  static constexpr Index outputs = Out;

  alignas(64) std::array<Scalar, static_cast<std::size_t>(In* Out)> kernel{};  ///< In x Out, row-major
  alignas(64) std::array<Scalar, static_cast<std::size_t>(Out)> bias{};
  Rule activation{};

  /// x: In numbers, y: Out numbers (overwritten); they must not overlap.
  void forward(const Scalar* x, Scalar* y) const noexcept {
    constexpr bool rectifies = std::is_same_v<Rule, Relu>;
    // Where this file is compiled for any processor, a large layer is worth a call of the library's kernels, which use
    // the vectors that the processor has. (Still larger ones they would share among threads.)
    if constexpr (!ops::fuses && In * Out >= 2048 && In * Out < (Index{1} << 20)) {
      ops::finished_product(1, Out, In, x, kernel.data(), y,
                            {bias.data(), rectifies ? ops::Curve::relu : ops::Curve::none});
    } else {
      // Told that these lie at borders of 64 bytes, compilers multiply straight from memory.
      ops::row_product<In, Out>(x, std::assume_aligned<64>(kernel.data()), y);
      ops::finish_row<Out, rectifies>(std::assume_aligned<64>(bias.data()), y);
    }
    if constexpr (!rectifies) detail::activate_row<Out>(Rule(activation), y);
  }

  /// Throws unless the step has this layer's sizes (ShapeError) and activation (ConfigError); both name the layer.
  static void check(const DenseStep& step) {
    detail::require_kernel(step, In, Out);
    detail::require_activation(step, step.activation.as<Rule>() != nullptr, Rule::class_name);
  }
  /// Takes weights, and the activation's own fields, from a step that has passed check().
  void assign(const DenseStep& step) {
    std::copy_n(step.kernel.data(), kernel.size(), kernel.data());
    bias.fill(Scalar(0));
    std::copy_n(step.bias.data(), static_cast<std::size_t>(step.bias.size()), bias.data());
    for (Scalar& b : bias) b += 0;  // no -0, which would tell a product of -0 from one of 0
    activation = *step.activation.as<Rule>();
  }
};

}  // namespace maas::inline MAAS_ABI::fixed

#if !defined(MAAS_COMPILED)
#include "maas/fixed/layers-inl.hpp"
#endif
