// Symbol and input(): the functional way of wiring layers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "maas/layers/layer.hpp"

namespace maas::inline MAAS_ABI {

/// The output of a layer applied to others, before there is a network: `auto h = dense(8)(input(4));`.
/// A cheap handle; shapes are checked when it is made.
class Symbol {
 public:
  /// Applies a layer. Throws ShapeError where shapes do not fit. A layer of a model that is called as a layer brings
  /// the weights it has there, in the order of its plan.
  Symbol(Layer layer, std::vector<Symbol> inputs, std::shared_ptr<const std::vector<Matrix>> weights = nullptr);

  const Layer& layer() const { return self_->layer; }
  const std::vector<Symbol>& inputs() const { return self_->inputs; }
  /// The shape of one sample.
  const Shape& shape() const { return self_->shape; }
  /// What the layer's weights start with; null: what its initializers draw.
  const std::vector<Matrix>* weights() const { return self_->weights.get(); }
  bool same_as(const Symbol& other) const { return self_ == other.self_; }

 private:
  struct Self {
    Layer layer;
    std::vector<Symbol> inputs;
    Shape shape;
    std::shared_ptr<const std::vector<Matrix>> weights;
  };
  std::shared_ptr<const Self> self_;
};

/// A symbol that is an input: it may also stand as the first layer of a chain.
class Input : public Symbol {
 public:
  explicit Input(Layer layer) : Symbol(std::move(layer), {}) {}
  operator Layer() const { return layer(); }
};

/// The place where samples of this shape enter: `input(100)`, `input(Shape{28, 28})`. `name` is its name in files.
Input input(Shape shape, std::string name = "");
/// `features` numbers a sample. Throws ConfigError below 1.
Input input(Index features);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/network/symbol-inl.hpp"
#endif
