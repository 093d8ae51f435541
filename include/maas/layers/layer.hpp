// Layer: the handle, and the contract of a struct behind it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "maas/activations/activation.hpp"
#include "maas/constraints/constraints.hpp"
#include "maas/core/handle.hpp"
#include "maas/core/matrix.hpp"
#include "maas/core/random.hpp"
#include "maas/core/shape.hpp"
#include "maas/initializers/initializer.hpp"
#include "maas/regularizers/regularizer.hpp"

namespace maas::inline MAAS_ABI {

/// Whether a pass is part of a training step. Dropout and its like act in training only.
enum class Mode { inference, training };

/// A weight that a layer asks for.
struct ParameterSpec {
  std::string name;                                     ///< "kernel", "bias"
  Shape shape;                                          ///< as stored in files
  Initializer initial;                                  ///< how it starts
  std::optional<Regularizer> penalty = std::nullopt;    ///< added to the loss
  bool trainable = true;                                ///< false for numbers that no gradient moves
  std::optional<Constraint> constraint = std::nullopt;  ///< applied after every step
  bool statistic = false;  ///< not trainable, but a forward pass in training proposes new values
};

/// What becomes of a mask, which says which steps of a sequence count (see Masking). Of several inputs the first one's
/// mask is meant, unless the layer joins them.
enum class MaskRule {
  pass,   ///< it goes on with the output
  make,   ///< the layer makes one, whatever its inputs carry
  all,    ///< the layer joins those of its inputs, where each carries one; else there is none
  any,    ///< the layer joins those of its inputs, where one of them carries one
  stop,   ///< it ends here
  refuse  ///< the layer would have to look at it and cannot: an error
};

/// What a layer will need and give, for inputs of some shapes.
struct LayerPlan {
  Shape output;                                                ///< shape of one sample of output
  std::vector<ParameterSpec> parameters{};                     ///< its weights, in the order of Keras' files
  Index cache = 0;                                             ///< scalars a sample that forward keeps for backward
  std::optional<Regularizer> activity_penalty = std::nullopt;  ///< of the outputs; a batch adds it over its size
  MaskRule mask = MaskRule::pass;                              ///< without masks of its inputs only `make` matters
  bool sees_masks = false;                                     ///< its passes are given the masks of the inputs
  bool prediction_only = false;                                ///< it cannot be trained nor saved
};

/// Forward pass of a batch. Views are batch x numbers a sample, flattened row-major.
struct Forward {
  ConstMatrixViews inputs;
  MatrixView output;            ///< overwritten
  ConstMatrixViews parameters;  ///< in the plan's order; rank 1 as one row, rank 2 as it is
  MatrixView cache;             ///< overwritten; batch x the plan's cache; empty in inference
  Mode mode;
  Random random;                 ///< a stream of this step and this place in the network
  Shapes input_shapes{};         ///< of one sample, as plan was given them
  Shape output_shape{};          ///< of one sample, as plan gave it
  bool trainable = true;         ///< false where the layer is frozen: then it has no new statistics to propose
  MatrixViews new_statistics{};  ///< in the plan's order: what a statistic is to be after this step (overwritten);
                                 ///< without memory for all other weights. Empty where nobody asks.
  ConstMatrixViews masks{};      ///< of layers that see masks, one an input: batch x steps, 1 where a step counts,
                                 ///< else 0; without memory where the input carries none. Empty where none does.
};

/// Backward pass of a batch.
struct Backward {
  ConstMatrixViews inputs;
  ConstMatrixView output;      ///< as forward left it
  MatrixView output_gradient;  ///< d loss / d output; may be used as scratch
  ConstMatrixView cache;       ///< as forward left it
  ConstMatrixViews parameters;
  MatrixViews input_gradients;      ///< overwritten; a view without memory is not wanted
  MatrixViews parameter_gradients;  ///< overwritten; a view without memory is not wanted
  Shapes input_shapes{};            ///< of one sample, as plan was given them
  Shape output_shape{};             ///< of one sample, as plan gave it
  Mode mode = Mode::training;       ///< of the forward pass
  bool trainable = true;            ///< as in the forward pass
  ConstMatrixViews masks{};         ///< as in the forward pass
};

/// The mask of a batch. Steps are the positions of all axes but the last.
struct MaskPass {
  ConstMatrixViews inputs;
  ConstMatrixViews masks;  ///< one an input, batch x steps, 1 where a step counts, else 0; without memory where it has
                           ///< none
  MatrixView mask;         ///< of the output, likewise; overwritten
  Shapes input_shapes{};   ///< of one sample, as plan was given them
  Shape output_shape{};    ///< of one sample, as plan gave it
};

/// What may stand behind a Layer. `plan` is pure; `forward` and `backward` write only what they are given and overwrite
/// all of it. Optional: `split_activation()`, which gives the layer without its final activation, and that activation;
/// `mask(const MaskPass&)`, which layers that make masks or join them must have.
template <class Rule>
concept LayerRule = PartRule<Rule> &&
    requires(const Rule& rule, Shapes shapes, const Forward& forward, const Backward& backward) {
  { rule.plan(shapes) } -> std::same_as<LayerPlan>;
  rule.forward(forward);
  rule.backward(backward);
};

class Layer;
class Symbol;
struct SplitLayer;

struct LayerInterface : PartInterface {
  virtual LayerPlan plan(Shapes inputs) const = 0;
  virtual void forward(const Forward& pass) const = 0;
  virtual void backward(const Backward& pass) const = 0;
  virtual std::optional<SplitLayer> split_activation() const = 0;
  virtual bool has_mask() const = 0;
  virtual void mask(const MaskPass& pass) const = 0;
};

/// A step of a network: `dense(64, relu)`, `Dropout{.rate = 0.2}`, or any struct that is a LayerRule. An immutable
/// description: weights live in the network. The same handle used twice in a network means shared weights.
class Layer : public Handle<LayerInterface> {
 public:
  template <class Rule>
  requires NotHandle<Rule, Layer> && LayerRule<std::remove_cvref_t<Rule>> Layer(Rule&& rule);

  /// The layer under a name of its own; without one it is called after its class: dense, dense_1.
  Layer named(std::string name) const { return with_place({std::move(name), place_->trainable}); }
  /// The layer with weights that training leaves as they are.
  Layer frozen() const { return with_place({place_->name, false}); }
  /// The layer with weights that training moves (the default).
  Layer thawed() const { return with_place({place_->name, true}); }

  /// The name given by named(), else empty.
  const std::string& name() const { return place_->name; }
  bool trainable() const { return place_->trainable; }
  /// True if both handles are one place in a network: the same weights.
  bool shares_weights_with(const Layer& other) const { return place_ == other.place_; }

  /// What it needs and gives for inputs of these shapes. Throws ShapeError where they do not fit.
  LayerPlan plan(Shapes inputs) const { return self_->plan(inputs); }
  void forward(const Forward& pass) const { self_->forward(pass); }
  void backward(const Backward& pass) const { self_->backward(pass); }
  /// True if it makes masks or joins them, and the making.
  bool has_mask() const { return self_->has_mask(); }
  void mask(const MaskPass& pass) const { self_->mask(pass); }
  /// The layer without its final activation, and that activation; nothing if it has none to split off.
  std::optional<SplitLayer> split_activation() const;

  /// Functional wiring: the layer applied to the output of others. Include network/symbol.hpp (or maas.hpp).
  /// Throws ShapeError where shapes do not fit.
  Symbol operator()(const Symbol& input) const;
  Symbol operator()(const std::vector<Symbol>& inputs) const;

 private:
  struct Place {
    std::string name;
    bool trainable = true;
  };
  Layer with_place(Place place) const {
    Layer result = *this;
    result.place_ = std::make_shared<const Place>(std::move(place));
    return result;
  }

  std::shared_ptr<const Place> place_ = std::make_shared<const Place>();
};

/// A layer taken apart: what comes before its final activation, and the activation.
struct SplitLayer {
  Layer before;
  Activation activation;
};

template <LayerRule Rule>
struct LayerModel final : PartModel<LayerInterface, Rule> {
  using PartModel<LayerInterface, Rule>::PartModel;
  LayerPlan plan(Shapes inputs) const override { return this->rule.plan(inputs); }
  void forward(const Forward& pass) const override { this->rule.forward(pass); }
  void backward(const Backward& pass) const override { this->rule.backward(pass); }
  std::optional<SplitLayer> split_activation() const override {
    if constexpr (requires { this->rule.split_activation(); }) return this->rule.split_activation();
    return std::nullopt;
  }
  static constexpr bool masks = requires(const Rule& rule, const MaskPass& pass) { rule.mask(pass); };
  bool has_mask() const override { return masks; }
  void mask([[maybe_unused]] const MaskPass& pass) const override {
    if constexpr (masks) this->rule.mask(pass);
  }
};

template <class Rule>
requires NotHandle<Rule, Layer> && LayerRule<std::remove_cvref_t<Rule>> Layer::Layer(Rule&& rule)
    : Handle(std::make_shared<LayerModel<std::remove_cvref_t<Rule>>>(std::forward<Rule>(rule))) {}

inline std::optional<SplitLayer> Layer::split_activation() const { return self_->split_activation(); }

namespace detail {
/// Samples of rank 2 or more as several rows of `columns` numbers each, in the same memory: a view along the last axis.
template <class View>
View as_rows(View view, Index columns) {
  if (columns != 0 && view.cols() == columns)
    return view;  // most are; a division takes as long as a small layer's sums
  return View(view.data(), columns == 0 ? 0 : view.size() / columns, columns);
}
/// Most layers take one input.
const Shape& only_input(Shapes inputs, std::string_view class_name);
}  // namespace detail

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/layers/layer-inl.hpp"
#endif
