// Graph: layers in execution order and how they are wired; what a network is, apart from its weights.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "maas/layers/layer.hpp"
#include "maas/network/symbol.hpp"

namespace maas::inline MAAS_ABI {

/// One call of a layer.
struct GraphNode {
  Index layer = 0;                    ///< position in Graph::layers()
  std::vector<Index> inputs{};        ///< nodes whose outputs it takes, all before this one
  std::vector<Shape> input_shapes{};  ///< filled in by Graph
  LayerPlan plan{};                   ///< filled in by Graph
  Index mask_from = -1;               ///< the node that makes the mask its output carries, else -1; filled in by Graph
  Index mask_steps = 0;               ///< of a node that makes one: numbers a sample; filled in by Graph
};

/// An immutable directed acyclic graph of layer calls.
class Graph {
 public:
  /// A chain; the first layer must be an input. Throws ShapeError or ConfigError naming the layer that does not fit.
  explicit Graph(std::span<const Layer> chain);
  /// All that leads from the inputs to the outputs. Throws ConfigError if an output depends on an input not listed.
  Graph(std::span<const Symbol> inputs, std::span<const Symbol> outputs);
  /// From parts, as a file has them: every node after those it takes. Layers without a name are called after their
  /// class; throws ConfigError for two of one name, or for nodes out of range or order.
  Graph(std::vector<Layer> layers, std::vector<GraphNode> nodes, std::vector<Index> inputs, std::vector<Index> outputs);

  /// Distinct layers, in model order: two calls of one layer share its weights.
  const std::vector<Layer>& layers() const { return layers_; }
  /// Unique names, one a layer.
  const std::vector<std::string>& names() const { return names_; }
  const std::vector<GraphNode>& nodes() const { return nodes_; }
  /// Nodes of the input layers, and of the outputs, in order.
  const std::vector<Index>& inputs() const { return inputs_; }
  const std::vector<Index>& outputs() const { return outputs_; }
  const GraphNode& node(Index i) const { return nodes_[static_cast<std::size_t>(i)]; }
  const Layer& layer(Index i) const { return layers_[static_cast<std::size_t>(i)]; }
  const std::string& name(Index layer) const { return names_[static_cast<std::size_t>(layer)]; }
  /// The shape of one sample of the i-th input or output.
  const Shape& input_shape(Index i = 0) const { return node(inputs_[static_cast<std::size_t>(i)]).plan.output; }
  const Shape& output_shape(Index i = 0) const { return node(outputs_[static_cast<std::size_t>(i)]).plan.output; }
  /// Throws ConfigError that names the first layer which is for prediction only, and what it was to be used for.
  void require_complete(std::string_view purpose) const;
  /// True if it was made as a chain, and is saved as Keras' Sequential.
  bool is_chain() const { return is_chain_; }

 private:
  void give_names();
  void make_plans();
  void find_masks();
  void add_mask(Index place);

  std::vector<Layer> layers_;
  std::vector<std::string> names_;
  std::vector<GraphNode> nodes_;
  std::vector<Index> inputs_, outputs_;
  bool is_chain_ = false;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/network/graph-inl.hpp"
#endif
