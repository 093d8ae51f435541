// Parameters: all weights of a network in one flat buffer, with named views.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "maas/core/block.hpp"
#include "maas/initializers/constant.hpp"
#include "maas/network/graph.hpp"

namespace maas::inline MAAS_ABI {

/// Where one weight lies in the flat buffer.
struct ParameterEntry {
  std::string name;  ///< "dense_1/kernel"
  Index layer = 0;   ///< position in Graph::layers()
  Index which = 0;   ///< position among the layer's own weights
  Shape shape;       ///< as in files
  bool trainable = true;
  Index offset = 0;  ///< from the start of the buffer; a multiple of 64 bytes
  Initializer initial = zeros;
  std::optional<Regularizer> penalty = std::nullopt;
  std::optional<Constraint> constraint = std::nullopt;

  /// As a matrix: rank 1 is one row; of higher ranks all axes but the last are rows.
  Index rows() const { return shape.rank() < 2 ? 1 : shape.size() / shape.last(); }
  Index columns() const { return shape.last(); }
};

/// Where all weights lie: those that training moves first, then the others. Shared by the weights, their gradients and
/// the optimizer's slots.
class ParameterLayout {
 public:
  explicit ParameterLayout(const Graph& graph);

  /// In model order: layer by layer, in each as its plan lists them.
  const std::vector<ParameterEntry>& entries() const { return entries_; }
  const ParameterEntry& entry(Index layer, Index which) const {
    return entries_[static_cast<std::size_t>(first_[static_cast<std::size_t>(layer)] + which)];
  }
  /// How many weights a layer has.
  Index count(Index layer) const {
    return first_[static_cast<std::size_t>(layer) + 1] - first_[static_cast<std::size_t>(layer)];
  }
  /// Scalars of the whole buffer, and of its first part, which training moves; padding included.
  Index size() const { return size_; }
  Index trainable_size() const { return trainable_size_; }

 private:
  std::vector<ParameterEntry> entries_;
  std::vector<Index> first_;
  Index size_ = 0, trainable_size_ = 0;
};

/// A flat buffer in a network's layout: its weights, or their gradients. Every tensor starts on a 64-byte border;
/// padding is zero and stays so under every optimizer.
class Parameters {
 public:
  explicit Parameters(std::shared_ptr<const ParameterLayout> layout)
      : layout_(std::move(layout)), block_(layout_->size()) {}

  const ParameterLayout& layout() const { return *layout_; }
  const std::shared_ptr<const ParameterLayout>& shared_layout() const { return layout_; }
  const std::vector<ParameterEntry>& entries() const { return layout_->entries(); }

  /// The flat part that training moves.
  VectorView trainable() { return {block_.data(), layout_->trainable_size()}; }
  ConstVectorView trainable() const { return {block_.data(), layout_->trainable_size()}; }
  /// All of it: the part that training moves, then the rest.
  VectorView values() { return block_.vector(); }
  ConstVectorView values() const { return block_.vector(); }

  /// One weight as a matrix.
  MatrixView view(const ParameterEntry& entry) { return {block_.data() + entry.offset, entry.rows(), entry.columns()}; }
  ConstMatrixView view(const ParameterEntry& entry) const {
    return {block_.data() + entry.offset, entry.rows(), entry.columns()};
  }
  MatrixView view(Index layer, Index which) { return view(layout_->entry(layer, which)); }
  ConstMatrixView view(Index layer, Index which) const { return view(layout_->entry(layer, which)); }
  /// By name, "dense_1/kernel". Throws ConfigError that lists the names there are.
  MatrixView view(std::string_view name) { return view(find(name)); }
  ConstMatrixView view(std::string_view name) const { return view(find(name)); }
  const ParameterEntry& find(std::string_view name) const;

  /// Draws all weights anew from their initializers; the same seed gives the same weights.
  void initialize(std::uint64_t seed);
  /// Numbers in all weights, without padding; and of those that training moves.
  Index count() const;
  Index trainable_count() const;

 private:
  std::shared_ptr<const ParameterLayout> layout_;
  Block block_;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/network/parameters-inl.hpp"
#endif
