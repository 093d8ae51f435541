#include "io/keras_masks.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace maas::inline MAAS_ABI::io {

namespace {

// That of a layer which makes a mask by itself: an Embedding leaves out 0, Masking the value it was given.
double left_out(const Layer& layer) {
  const Config config = layer.config();
  const Config* value = config.find("mask_value");
  return value == nullptr ? 0 : value->as_real("mask_value");
}

// What the mask that a node's output carries is made of.
MaskSources carried_by(const Graph& graph, Index place) {
  MaskSources sources;
  std::vector<Index> waiting{place};
  std::vector<bool> seen(graph.nodes().size());
  while (!waiting.empty()) {
    const Index maker = graph.node(waiting.back()).mask_from;
    waiting.pop_back();
    if (maker < 0 || seen[static_cast<std::size_t>(maker)]) continue;
    seen[static_cast<std::size_t>(maker)] = true;
    const GraphNode& node = graph.node(maker);
    if (node.plan.mask == MaskRule::make)
      sources.insert({node.inputs[0], left_out(graph.layer(node.layer))});
    else
      waiting.insert(waiting.end(), node.inputs.begin(), node.inputs.end());
  }
  return sources;
}

// keras.ops.concatenate of numbers is the layer by another name; of masks, it is given those of type bool.
bool joins_numbers(const Config& object) {
  const Config* at = object.find("inbound_nodes");
  const auto first = [&] {
    at = at != nullptr && at->is_list() && !at->as_list().empty() ? &at->as_list().front() : nullptr;
  };
  const auto member = [&](std::string_view key) { at = at == nullptr ? nullptr : at->find(key); };
  first(), member("args"), first(), first(), member("config"), member("dtype");
  return at == nullptr || *at != Config("bool");
}

}  // namespace

bool is_mask_operation(const Config& object) {
  static constexpr std::array<std::string_view, 7> names{"NotEqual",  "Any",      "LogicalOr",  "ExpandDims",
                                                         "ZerosLike", "OnesLike", "Concatenate"};
  const Config* class_name = object.find("class_name");
  const Config* config = object.find("config");
  return class_name != nullptr && class_name->is_string() && config != nullptr && config->is_object() &&
         config->find("trainable") == nullptr && std::ranges::find(names, class_name->as_string()) != names.end() &&
         (class_name->as_string() != "Concatenate" || !joins_numbers(object));
}

void check_masks(const Graph& graph, const std::vector<GivenMask>& given) {
  for (const GivenMask& mask : given)
    require<ConfigError>(carried_by(graph, mask.input) == mask.sources,
                         "layer \"{}\": is called with a mask that is another than its input's, which is not supported",
                         mask.called);
}

}  // namespace maas::inline MAAS_ABI::io
