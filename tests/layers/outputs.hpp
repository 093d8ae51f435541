// What a layer makes of samples, for tests with numbers worked out by hand.
#pragma once

#include <vector>

#include "maas/network/network.hpp"

namespace maas::inline MAAS_ABI::tests {

/// A layer in a network of its own, with the shapes of one sample of its inputs.
inline Network network_of(const Layer& layer, const std::vector<Shape>& shapes) {
  std::vector<Symbol> inputs;
  for (const Shape& shape : shapes) inputs.push_back(input(shape));
  const Symbol output = layer(inputs);
  return Network(Graph(inputs, std::span(&output, 1)));
}

/// Its outputs in inference.
inline Matrix output_of(const Layer& layer, const std::vector<Shape>& shapes, const std::vector<Matrix>& inputs) {
  return network_of(layer, shapes).predict(inputs)[0];
}
inline Matrix output_of(const Layer& layer, const Shape& shape, const Matrix& x) {
  return output_of(layer, std::vector{shape}, std::vector{x});
}

/// One sample.
inline Matrix row(std::initializer_list<double> values) {
  Matrix result(1, static_cast<Index>(values.size()));
  Index i = 0;
  for (double value : values) result(0, i++) = static_cast<Scalar>(value);
  return result;
}

/// The layer's message about inputs that do not fit; empty if they do.
inline std::string refusal(const Layer& layer, const std::vector<Shape>& shapes) {
  try {
    layer.plan(shapes);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace maas::inline MAAS_ABI::tests
