// Sequential: a model that is a chain of layers.
#pragma once

#include <concepts>
#include <initializer_list>
#include <vector>

#include "maas/model/model.hpp"

namespace maas::inline MAAS_ABI {

/// One link of a Sequential: a layer, or a model that is a chain itself.
class ChainPart {
 public:
  template <class Rule>
  requires std::convertible_to<Rule, Layer> ChainPart(Rule&& layer) : layers_{Layer(std::forward<Rule>(layer))} {}
  /// Its layers, which bring the weights they have now. Throws ConfigError for a model that is no chain.
  ChainPart(const Model& model);

  const std::vector<Layer>& layers() const { return layers_; }
  /// The network that the layers are from; null for a layer.
  const Network* network() const { return network_.get(); }

 private:
  std::vector<Layer> layers_;
  std::shared_ptr<const Network> network_;
};

/// A chain of layers, the first an input: `Sequential{input(100), dense(128, relu), dense(1, sigmoid)}`. A model that
/// is a chain may stand as a link: its layers take its place, with the weights it has now; its input counts where it is
/// the first. Weights are drawn with seed 0; see Model::initialize. Throws where shapes do not fit, naming the layer.
class Sequential : public Model {
 public:
  Sequential(std::initializer_list<ChainPart> parts) : Model(network_of(parts), "sequential") {}

 private:
  static Network network_of(std::initializer_list<ChainPart> parts);
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/model/sequential-inl.hpp"
#endif
