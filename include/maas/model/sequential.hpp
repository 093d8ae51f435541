// Sequential: a model that is a chain of layers.
#pragma once

#include <initializer_list>

#include "maas/model/model.hpp"

namespace maas::inline MAAS_ABI {

/// A chain of layers, the first an input: `Sequential{input(100), dense(128, relu), dense(1, sigmoid)}`. Weights are
/// drawn with seed 0; see Model::initialize. Throws where shapes do not fit, naming the layer.
class Sequential : public Model {
 public:
  Sequential(std::initializer_list<Layer> layers) : Model(Network(layers), "sequential") {}
};

}  // namespace maas::inline MAAS_ABI
