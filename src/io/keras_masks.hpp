// Masks that Keras 3 writes into a functional model as operations: layers that look at a mask are called with it.
#pragma once

#include <compare>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "maas/core/config.hpp"
#include "maas/network/graph.hpp"

namespace maas::inline MAAS_ABI::io {

/// Steps of what a node gives that are of this number do not count.
struct MaskSource {
  Index node = -1;
  double value = 0;
  auto operator<=>(const MaskSource&) const = default;
};
using MaskSources = std::set<MaskSource>;

/// A call of a layer or model, and what the mask that it is given is made of.
struct GivenMask {
  std::string called;  ///< the name of what is called
  Index input = -1;    ///< the node that it is called with
  MaskSources sources = {};
};

/// True for an entry of a model's list of layers that is an operation of which Keras makes masks. Layers of the same
/// class are told apart by their settings, among which is "trainable".
bool is_mask_operation(const Config& object);

/// Throws ConfigError naming the layer where a mask that a call is given is not the one that its input carries anyway,
/// which is the only one that the network knows.
void check_masks(const Graph& graph, const std::vector<GivenMask>& given);

}  // namespace maas::inline MAAS_ABI::io
