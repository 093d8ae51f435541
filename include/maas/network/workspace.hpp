// Workspace: all scratch memory of one caller, taken once and reused.
#pragma once

#include <vector>

#include "maas/core/block.hpp"
#include "maas/network/graph.hpp"
#include "maas/network/parameters.hpp"

namespace maas::inline MAAS_ABI {

class Network;

/// Whether a backward pass goes on to the inputs; training has no use for that.
enum class InputGradients { none, wanted };
/// Whether a backward pass adds the gradients of penalties on outputs.
enum class Penalties { included, left_out };

/// The activations, caches and gradients of one caller's batches. Belongs to the graph it was made for; may be used
/// with any network of that graph, by one thread at a time.
class Workspace {
 public:
  /// For batches of up to `capacity` samples. In inference mode memory is shared between nodes that are not needed at
  /// the same time; in training mode everything is kept for the backward pass, which goes on to the inputs if that is
  /// `wanted`.
  Workspace(const Graph& graph, const ParameterLayout& layout, Index capacity, Mode mode,
            InputGradients input_gradients = InputGradients::none);
  Workspace(const Network& network, Index capacity, Mode mode, InputGradients input_gradients = InputGradients::none);

  Index capacity() const { return capacity_; }
  Index batch() const { return batch_; }
  Mode mode() const { return mode_; }

  /// Sets how many samples the next pass has (at most the capacity).
  void set_batch(Index batch);
  /// Points an input at the caller's samples: batch x numbers a sample, contiguous, valid during the pass.
  void set_input(const Scalar* samples, Index input = 0);
  /// The i-th output of the last forward pass: batch x numbers a sample.
  ConstMatrixView output(Index i = 0) const;
  /// d loss / d output, to be filled before the backward pass. Training mode only.
  MatrixView output_gradient(Index i = 0);
  /// Which steps of the i-th output counted in the last forward pass, batch x steps of 1 and 0; without memory where
  /// the output carries no mask (see MaskRule). Training mode only.
  ConstMatrixView output_mask(Index i = 0) const;
  /// d loss / d input after a backward pass: batch x numbers a sample. Only where input gradients are wanted.
  ConstMatrixView input_gradient(Index i = 0) const;
  /// Runs another layer in a node's place, with the same weights and output shape: an output without its activation.
  void replace_layer(Index node, Layer layer);

  /// Runs all layers. `random` is a stream of the step: each node draws from its own part.
  void forward(const Parameters& parameters, Mode mode, const Random& random);
  /// From the output gradients to the gradients of all weights that training moves (overwritten). Penalties on outputs
  /// are included unless they are to be left out.
  void backward(const Parameters& parameters, Parameters& gradients, Penalties penalties = Penalties::included);
  /// Penalties on the outputs of layers in the last forward pass, divided by its number of samples.
  double activity_penalty() const;
  /// Gives statistics (batch normalization's moving mean) the values that layers proposed in the last forward pass, if
  /// that was one in training.
  void apply_statistics(Parameters& parameters);

 private:
  struct Node {
    Layer layer;
    bool trainable;  // false where the layer is frozen
    std::optional<Regularizer> activity_penalty;
    std::vector<Index> sources;  // nodes whose outputs it takes
    std::vector<Shape> input_shapes;
    Shape output_shape;
    Index first_parameter, parameter_count;
    std::vector<Index> parameter_sizes{};
    std::vector<bool> is_statistic{};  // one a weight: the layer proposes new values, and is not frozen
    bool has_statistics = false;
    Index output_size, cache_size;
    Scalar *output_memory = nullptr, *gradient_memory = nullptr, *cache_memory = nullptr;
    bool needs_gradient = false;  // it has weights to train, or lies behind one that has
    MatrixView output{nullptr, 0, 0}, gradient{nullptr, 0, 0}, cache{nullptr, 0, 0};
    std::vector<ConstMatrixView> inputs{}, parameters{};
    std::vector<MatrixView> input_gradients{}, parameter_gradients{};
    std::vector<MatrixView> new_statistics{};         // one a weight, without memory for all but statistics
    bool repeats = false;                             // an earlier node has the same statistics
    std::vector<Scalar*> extra_input_gradient{};      // memory where another node has written already, else null
    std::vector<Scalar*> extra_parameter_gradient{};  // likewise for weights that several nodes share
    Index mask_from = -1, mask_steps = 0;             // as in the graph
    bool makes_mask = false, sees_masks = false;      // it makes one that is looked at; it looks at those it is given
    Scalar* mask_memory = nullptr;
    MatrixView mask{nullptr, 0, 0};
    std::vector<ConstMatrixView> input_masks{};  // of one that makes a mask or sees some
    ConstMatrixViews seen_masks() const { return sees_masks ? ConstMatrixViews(input_masks) : ConstMatrixViews(); }
  };

  void make_nodes(const Graph& graph, const ParameterLayout& layout);
  void find_needed_gradients(InputGradients input_gradients);
  void find_needed_masks(const Graph& graph);
  Index plan_memory(bool assign);
  Index plan_outputs(bool assign);
  Index plan_gradients(Index used, bool assign);
  Index plan_statistics(Index used, bool assign);
  Index plan_masks(Index used, bool assign);
  void bind_masks(Node& node);
  void bind_parameters(const Parameters& parameters);
  void bind_gradients(Parameters& gradients);
  void bind_repeated_statistics(Node& node, const Parameters& parameters, Mode mode);
  void make_mask(Node& node);
  void add_penalty_gradient(Node& node);
  Node& node(Index i) { return nodes_[static_cast<std::size_t>(i)]; }
  const Node& node(Index i) const { return nodes_[static_cast<std::size_t>(i)]; }
  Scalar* take(Index scalars, Index& used, bool assign);
  Scalar* take_samples(Index each, Index& used, bool assign);

  std::vector<Node> nodes_;
  std::vector<Index> inputs_, outputs_;
  Index capacity_, batch_ = 0;
  Mode mode_, last_pass_ = Mode::inference;
  Block block_;
  Scalar* penalty_gradient_ = nullptr;  // room for one node's
  const Scalar* bound_parameters_ = nullptr;
  Scalar* bound_gradients_ = nullptr;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/network/workspace-inl.hpp"
#endif
