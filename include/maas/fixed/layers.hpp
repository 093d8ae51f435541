// Layers whose sizes are types: plain aggregates with their weights inside.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <type_traits>

#include "maas/activations/activations.hpp"
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
    // Where this file is compiled for any processor, a large layer is worth a call of the library's kernels, which use
    // the vectors that the processor has. (Still larger ones they would share among threads.)
    if constexpr (!ops::fuses && In * Out >= 2048 && In * Out < (Index{1} << 20)) {
      constexpr bool rectify = std::is_same_v<Rule, Relu>;
      ops::finished_product(1, Out, In, {x, In, 1}, kernel.data(), Out, y, Out, {bias.data(), rectify});
      if constexpr (rectify) return;
    } else {
      ops::row_product<In, Out>(x, kernel.data(), y);
      for (std::size_t i = 0; i < bias.size(); ++i) y[i] += bias[i];
    }
    if constexpr (std::is_same_v<Rule, Relu>)  // it rounds nothing, and is over before a call of a kernel begins
      ops::map_elements(y, y, Out, [](const auto& v) { return Relu::value(v); });
    else if constexpr (!std::is_same_v<Rule, Linear>)
      maas::detail::activate(Rule(activation), ConstMatrixView(y, 1, Out), MatrixView(y, 1, Out));
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
    activation = *step.activation.as<Rule>();
  }
};

}  // namespace maas::inline MAAS_ABI::fixed

#if !defined(MAAS_COMPILED)
#include "maas/fixed/layers-inl.hpp"
#endif
