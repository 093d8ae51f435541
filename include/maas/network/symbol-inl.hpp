// Bodies of Symbol and input().
#pragma once

#include "maas/layers/input_layer.hpp"
#include "maas/network/symbol.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Symbol::Symbol(Layer layer, std::vector<Symbol> inputs,
                           std::shared_ptr<const std::vector<Matrix>> weights) {
  std::vector<Shape> shapes;
  for (const Symbol& input : inputs) shapes.push_back(input.shape());
  LayerPlan plan = layer.plan(shapes);
  self_ = std::make_shared<const Self>(Self{std::move(layer), std::move(inputs), plan.output, std::move(weights)});
}

MAAS_INLINE Input input(Shape shape, std::string name) {
  Layer layer = InputLayer{std::move(shape)};
  return Input(name.empty() ? layer : layer.named(std::move(name)));
}

MAAS_INLINE Input input(Index features) {
  require<ConfigError>(features >= 1, "input: expected at least 1 feature, got {}", features);
  return input(Shape{features});
}

MAAS_INLINE Symbol Layer::operator()(const Symbol& input) const { return Symbol(*this, {input}); }
MAAS_INLINE Symbol Layer::operator()(const std::vector<Symbol>& inputs) const { return Symbol(*this, inputs); }

}  // namespace maas::inline MAAS_ABI
