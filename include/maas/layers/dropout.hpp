// Dropout.
#pragma once

#include "maas/layers/layer.hpp"

namespace maas::inline MAAS_ABI {

/// In training each number is zeroed with probability `rate` and the others are multiplied by 1 / (1 - rate); in
/// inference nothing happens (Srivastava and others 2014). Which ones are zeroed follows from the fit's seed, the step
/// and the layer's place (and `seed`, where given), not from threads.
struct Dropout {
  static constexpr std::string_view class_name = "Dropout";
  double rate = 0.5;  ///< 0 to 1
  std::optional<Index> seed = std::nullopt;
  static void fields(auto& self, auto&& field) {
    field("rate", self.rate);
    field("seed", self.seed);
  }

  LayerPlan plan(Shapes inputs) const {
    require<ConfigError>(rate >= 0 && rate <= 1, "Dropout: expected a rate from 0 to 1, got {}", rate);
    const Shape& input = detail::only_input(inputs, class_name);
    return {.output = input, .cache = input.size()};
  }
  void forward(const Forward& pass) const {
    MatrixView output = pass.output;
    if (pass.mode == Mode::inference) {
      output = pass.inputs[0];
      if (pass.cache.size() > 0) MatrixView(pass.cache).setOnes();
      return;
    }
    const Random random = seed ? pass.random.stream(static_cast<std::uint64_t>(*seed)) : pass.random;
    const Scalar kept = rate < 1 ? static_cast<Scalar>(1 / (1 - rate)) : Scalar(0);
    MatrixView mask = pass.cache;
    for (Index i = 0; i < mask.size(); ++i)
      mask.data()[i] = random.uniform(static_cast<std::uint64_t>(i)) >= rate ? kept : Scalar(0);
    output = pass.inputs[0].cwiseProduct(mask);
  }
  void backward(const Backward& pass) const {
    if (pass.input_gradients[0].data() != nullptr)
      MatrixView(pass.input_gradients[0]) = pass.output_gradient.cwiseProduct(pass.cache);
  }
};

/// A Dropout layer: `rate` is the share of numbers that are zeroed in training.
inline Layer dropout(double rate) { return Dropout{.rate = rate}; }

}  // namespace maas::inline MAAS_ABI
