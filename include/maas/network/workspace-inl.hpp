// Bodies of Workspace: planning of memory, and the one executor of chains and graphs.
#pragma once

#include <algorithm>
#include <limits>
#include <new>

#include "maas/network/workspace.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Workspace::Workspace(const Graph& graph, const ParameterLayout& layout, Index capacity, Mode mode,
                                 InputGradients input_gradients)
    : inputs_(graph.inputs()), outputs_(graph.outputs()), capacity_(capacity), mode_(mode) {
  require<ConfigError>(capacity >= 1, "Workspace: expected room for at least 1 sample, got {}", capacity);
  if (mode == Mode::training) graph.require_complete("training");
  make_nodes(graph, layout);
  if (mode == Mode::training) find_needed_gradients(input_gradients);
  find_needed_masks(graph);
  block_ = Block(plan_memory(false));
  plan_memory(true);
  set_batch(capacity);
}

MAAS_INLINE void Workspace::make_nodes(const Graph& graph, const ParameterLayout& layout) {
  const ConstMatrixView no_view(nullptr, 0, 0);
  const MatrixView no_gradient(nullptr, 0, 0);
  for (const GraphNode& from : graph.nodes()) {
    const Index count = layout.count(from.layer);
    const std::size_t sources = from.inputs.size(), weights = static_cast<std::size_t>(count);
    Node node{.layer = graph.layer(from.layer),
              .trainable = graph.layer(from.layer).trainable(),
              .activity_penalty = from.plan.activity_penalty,
              .sources = from.inputs,
              .input_shapes = from.input_shapes,
              .output_shape = from.plan.output,
              .first_parameter = count == 0 ? 0 : &layout.entry(from.layer, 0) - layout.entries().data(),
              .parameter_count = count,
              .output_size = from.plan.output.size(),
              .cache_size = mode_ == Mode::training ? from.plan.cache : 0,
              .inputs = std::vector<ConstMatrixView>(sources, no_view),
              .parameters = std::vector<ConstMatrixView>(weights, no_view),
              .input_gradients = std::vector<MatrixView>(sources, no_gradient),
              .parameter_gradients = std::vector<MatrixView>(weights, no_gradient),
              .new_statistics = std::vector<MatrixView>(weights, no_gradient),
              .extra_input_gradient = std::vector<Scalar*>(sources, nullptr),
              .extra_parameter_gradient = std::vector<Scalar*>(weights, nullptr),
              .mask_from = from.mask_from,
              .mask_steps = from.mask_steps};
    for (Index which = 0; which < count; ++which) {
      const ParameterEntry& entry = layout.entry(from.layer, which);
      node.needs_gradient |= entry.trainable;
      node.parameter_sizes.push_back(entry.shape.size());
      node.has_statistics |= from.plan.parameters[static_cast<std::size_t>(which)].statistic && node.trainable;
      node.is_statistic.push_back(from.plan.parameters[static_cast<std::size_t>(which)].statistic && node.trainable);
    }
    if (node.has_statistics)
      for (const Node& earlier : nodes_)
        node.repeats |= earlier.has_statistics && earlier.first_parameter == node.first_parameter;
    nodes_.push_back(std::move(node));
  }
}

MAAS_INLINE void Workspace::find_needed_gradients(InputGradients input_gradients) {
  if (input_gradients == InputGradients::wanted)
    for (Index input : inputs_) node(input).needs_gradient = true;
  for (Node& node : nodes_)
    for (Index source : node.sources) node.needs_gradient |= this->node(source).needs_gradient;
}

// Masks are made for the layers that see some, and in training for outputs, whose losses do.
MAAS_INLINE void Workspace::find_needed_masks(const Graph& graph) {
  const auto need = [this](Index mask) {
    if (mask >= 0) node(mask).makes_mask = true;
  };
  if (mode_ == Mode::training)
    for (Index output : outputs_) need(node(output).mask_from);
  for (Index i = static_cast<Index>(nodes_.size()) - 1; i >= 0; --i) {
    Node& node = this->node(i);
    const LayerPlan& plan = graph.node(i).plan;
    const auto carries = [this](Index source) { return this->node(source).mask_from >= 0; };
    node.sees_masks = plan.sees_masks && std::ranges::any_of(node.sources, carries);
    if (!node.makes_mask && !node.sees_masks) continue;
    node.input_masks = std::vector<ConstMatrixView>(node.sources.size(), ConstMatrixView(nullptr, 0, 0));
    if (node.sees_masks || plan.mask == MaskRule::all || plan.mask == MaskRule::any)
      for (Index source : node.sources) need(this->node(source).mask_from);
  }
}

MAAS_INLINE Scalar* Workspace::take(Index scalars, Index& used, bool assign) {
  if (scalars > std::numeric_limits<Index>::max() - used - block_border) throw std::bad_array_new_length();
  Scalar* memory = assign && scalars > 0 ? block_.data() + used : nullptr;
  used += rounded_to_border(scalars);
  return memory;
}

MAAS_INLINE Scalar* Workspace::take_samples(Index each, Index& used, bool assign) {
  if (each > std::numeric_limits<Index>::max() / capacity_) throw std::bad_array_new_length();
  return take(capacity_ * each, used, assign);
}

// Called twice: first to count, then to hand out.
MAAS_INLINE Index Workspace::plan_memory(bool assign) {
  const Index used = plan_masks(plan_outputs(assign), assign);
  return mode_ == Mode::inference ? used : plan_statistics(plan_gradients(used, assign), assign);
}

MAAS_INLINE Index Workspace::plan_masks(Index used, bool assign) {
  for (Node& node : nodes_)
    if (node.makes_mask) node.mask_memory = take_samples(node.mask_steps, used, assign);
  return used;
}

// Nodes that share a layer share what they propose: each goes on from what the one before proposed.
MAAS_INLINE Index Workspace::plan_statistics(Index used, bool assign) {
  for (Node& node : nodes_) {
    if (!node.has_statistics) continue;
    const auto first = std::ranges::find_if(
        nodes_, [&](const Node& n) { return n.has_statistics && n.first_parameter == node.first_parameter; });
    for (std::size_t k = 0; k < node.parameters.size(); ++k) {
      if (!node.is_statistic[k]) continue;
      Scalar* memory = node.repeats ? first->new_statistics[k].data() : take(node.parameter_sizes[k], used, assign);
      if (assign) repoint(node.new_statistics[k], memory, 1, node.parameter_sizes[k]);
    }
  }
  return used;
}

MAAS_INLINE Index Workspace::plan_outputs(bool assign) {
  const Index count = static_cast<Index>(nodes_.size());
  Index used = 0;
  if (mode_ == Mode::training) {
    for (Node& node : nodes_) {
      if (!node.sources.empty()) node.output_memory = take_samples(node.output_size, used, assign);
      node.cache_memory = take_samples(node.cache_size, used, assign);
    }
    return used;
  }
  // Inference: a buffer is free again once the last node that reads it has run.
  struct Buffer {
    Index size, last_use;
    std::vector<Index> users;
  };
  std::vector<Index> last_use(nodes_.size(), 0);
  for (Index i = 0; i < count; ++i)
    for (Index source : node(i).sources) last_use[static_cast<std::size_t>(source)] = i;
  for (Index output : outputs_) last_use[static_cast<std::size_t>(output)] = count;
  std::vector<Buffer> buffers;
  for (Index i = 0; i < count; ++i) {
    if (node(i).sources.empty()) continue;
    auto free = std::ranges::find_if(buffers, [&](const Buffer& b) { return b.last_use < i; });
    if (free == buffers.end()) free = buffers.insert(buffers.end(), Buffer{0, 0, {}});
    free->size = std::max(free->size, node(i).output_size);
    free->last_use = std::max(last_use[static_cast<std::size_t>(i)], i);
    free->users.push_back(i);
  }
  for (const Buffer& buffer : buffers) {
    Scalar* memory = take_samples(buffer.size, used, assign);
    for (Index user : buffer.users) node(user).output_memory = memory;
  }
  return used;
}

// The first node in backward order that reaches a gradient writes it; later ones write beside it and are added.
MAAS_INLINE Index Workspace::plan_gradients(Index used, bool assign) {
  std::vector<bool> written(nodes_.size(), false);
  std::vector<Index> written_parameters;
  for (Node& node : nodes_)
    if (node.needs_gradient) node.gradient_memory = take_samples(node.output_size, used, assign);
  for (Index output : outputs_) {
    written[static_cast<std::size_t>(output)] = true;
    if (!node(output).needs_gradient)  // nothing to train behind it; its gradient is still asked for
      node(output).gradient_memory = take_samples(node(output).output_size, used, assign);
  }
  for (Index i = static_cast<Index>(nodes_.size()) - 1; i >= 0; --i) {
    Node& node = this->node(i);
    if (!node.needs_gradient) continue;
    for (std::size_t k = 0; k < node.sources.size(); ++k) {
      const std::size_t source = static_cast<std::size_t>(node.sources[k]);
      if (!nodes_[source].needs_gradient) continue;
      if (written[source]) node.extra_input_gradient[k] = take_samples(nodes_[source].output_size, used, assign);
      written[source] = true;
    }
    if (node.parameter_count == 0) continue;
    if (std::ranges::find(written_parameters, node.first_parameter) == written_parameters.end()) {
      written_parameters.push_back(node.first_parameter);
      continue;
    }
    for (std::size_t k = 0; k < node.parameters.size(); ++k)
      node.extra_parameter_gradient[k] = take(node.parameter_sizes[k], used, assign);
  }
  Index penalized = 0;
  for (const Node& node : nodes_)
    if (node.activity_penalty && node.needs_gradient) penalized = std::max(penalized, node.output_size);
  penalty_gradient_ = take_samples(penalized, used, assign);
  return used;
}

// Nodes that make masks come before those that look at them.
MAAS_INLINE void Workspace::bind_masks(Node& node) {
  if (node.makes_mask) repoint(node.mask, node.mask_memory, batch_, node.mask_steps);
  const auto mask_of = [this](Index mask) {
    return mask < 0 ? ConstMatrixView(nullptr, 0, 0) : as_const(this->node(mask).mask);
  };
  for (std::size_t k = 0; k < node.input_masks.size(); ++k) {
    const ConstMatrixView mask = mask_of(this->node(node.sources[k]).mask_from);
    repoint(node.input_masks[k], mask.data(), mask.rows(), mask.cols());
  }
}

MAAS_INLINE void Workspace::set_batch(Index batch) {
  if (batch == batch_) return;
  require<ShapeError>(batch >= 1 && batch <= capacity_, "Workspace: expected a batch of 1 to {} samples, got {}",
                      capacity_, batch);
  batch_ = batch;
  for (Node& node : nodes_) {
    if (!node.sources.empty()) repoint(node.output, node.output_memory, batch, node.output_size);
    repoint(node.cache, node.cache_memory, node.cache_memory == nullptr ? 0 : batch,
            node.cache_memory == nullptr ? 0 : node.cache_size);
    if (node.gradient_memory != nullptr) repoint(node.gradient, node.gradient_memory, batch, node.output_size);
    for (std::size_t k = 0; k < node.sources.size(); ++k) {
      const Node& source = this->node(node.sources[k]);
      if (!source.sources.empty()) repoint(node.inputs[k], source.output_memory, batch, source.output_size);
      if (!source.needs_gradient || mode_ == Mode::inference) continue;
      Scalar* extra = node.extra_input_gradient[k];
      repoint(node.input_gradients[k], extra != nullptr ? extra : source.gradient_memory, batch, source.output_size);
    }
    bind_masks(node);
  }
}

MAAS_INLINE void Workspace::set_input(const Scalar* samples, Index input) {
  const Index from = inputs_[static_cast<std::size_t>(input)];
  // Layers only ever read their inputs; the view of an input node is writable in name only.
  repoint(node(from).output, const_cast<Scalar*>(samples), batch_, node(from).output_size);
  for (Node& node : nodes_)
    for (std::size_t k = 0; k < node.sources.size(); ++k)
      if (node.sources[k] == from) repoint(node.inputs[k], samples, batch_, this->node(from).output_size);
}

MAAS_INLINE ConstMatrixView Workspace::output(Index i) const {
  return as_const(node(outputs_[static_cast<std::size_t>(i)]).output);
}

MAAS_INLINE MatrixView Workspace::output_gradient(Index i) {
  return node(outputs_[static_cast<std::size_t>(i)]).gradient;
}

MAAS_INLINE ConstMatrixView Workspace::output_mask(Index i) const {
  const Index mask = node(outputs_[static_cast<std::size_t>(i)]).mask_from;
  return mask < 0 ? ConstMatrixView(nullptr, 0, 0) : as_const(node(mask).mask);
}

MAAS_INLINE ConstMatrixView Workspace::input_gradient(Index i) const {
  return as_const(node(inputs_[static_cast<std::size_t>(i)]).gradient);
}

MAAS_INLINE void Workspace::replace_layer(Index node, Layer layer) { this->node(node).layer = std::move(layer); }

MAAS_INLINE void Workspace::bind_parameters(const Parameters& parameters) {
  if (parameters.values().data() == bound_parameters_) return;
  bound_parameters_ = parameters.values().data();
  for (Node& node : nodes_)
    for (std::size_t k = 0; k < node.parameters.size(); ++k) {
      const ParameterEntry& entry = parameters.entries()[static_cast<std::size_t>(node.first_parameter) + k];
      repoint(node.parameters[k], bound_parameters_ + entry.offset, entry.rows(), entry.columns());
    }
}

MAAS_INLINE void Workspace::bind_gradients(Parameters& gradients) {
  if (gradients.values().data() == bound_gradients_) return;
  bound_gradients_ = gradients.values().data();
  for (Node& node : nodes_)
    for (std::size_t k = 0; k < node.parameters.size(); ++k) {
      const ParameterEntry& entry = gradients.entries()[static_cast<std::size_t>(node.first_parameter) + k];
      if (!entry.trainable) continue;
      Scalar* extra = node.extra_parameter_gradient[k];
      repoint(node.parameter_gradients[k], extra != nullptr ? extra : bound_gradients_ + entry.offset, entry.rows(),
              entry.columns());
    }
}

MAAS_INLINE void Workspace::forward(const Parameters& parameters, Mode mode, const Random& random) {
  bind_parameters(parameters);
  last_pass_ = mode;
  std::uint64_t number = 0;
  for (Node& node : nodes_) {
    ++number;
    if (node.sources.empty()) continue;
    if (node.repeats) bind_repeated_statistics(node, parameters, mode);
    if (node.makes_mask) make_mask(node);
    node.layer.forward({.inputs = node.inputs,
                        .output = node.output,
                        .parameters = node.parameters,
                        .cache = node.cache,
                        .mode = mode,
                        .random = mode == Mode::training ? random.stream(number) : random,
                        .input_shapes = node.input_shapes,
                        .output_shape = node.output_shape,
                        .trainable = node.trainable,
                        .new_statistics = mode == Mode::training ? MatrixViews(node.new_statistics) : MatrixViews(),
                        .masks = node.seen_masks()});
  }
}

MAAS_INLINE void Workspace::make_mask(Node& node) {
  node.layer.mask({.inputs = node.inputs,
                   .masks = node.input_masks,
                   .mask = node.mask,
                   .input_shapes = node.input_shapes,
                   .output_shape = node.output_shape});
}

MAAS_INLINE void Workspace::bind_repeated_statistics(Node& node, const Parameters& parameters, Mode mode) {
  for (std::size_t k = 0; k < node.parameters.size(); ++k) {
    if (!node.is_statistic[k]) continue;
    const ParameterEntry& entry = parameters.entries()[static_cast<std::size_t>(node.first_parameter) + k];
    const Scalar* values = mode == Mode::training ? node.new_statistics[k].data() : bound_parameters_ + entry.offset;
    repoint(node.parameters[k], values, entry.rows(), entry.columns());
  }
}

MAAS_INLINE void Workspace::apply_statistics(Parameters& parameters) {
  if (last_pass_ != Mode::training) return;
  for (const Node& node : nodes_)
    for (std::size_t k = 0; k < node.new_statistics.size(); ++k) {
      const MatrixView& proposed = node.new_statistics[k];
      if (proposed.data() == nullptr) continue;
      const ParameterEntry& entry = parameters.entries()[static_cast<std::size_t>(node.first_parameter) + k];
      std::copy_n(proposed.data(), proposed.size(), parameters.view(entry).data());
    }
}

MAAS_INLINE double Workspace::activity_penalty() const {
  double sum = 0;
  for (const Node& node : nodes_)
    if (node.activity_penalty)
      sum += node.activity_penalty->value(ConstVectorView(node.output.data(), node.output.size()),
                                          Shape{node.output.rows(), node.output.cols()});
  return sum / static_cast<double>(batch_);
}

MAAS_INLINE void Workspace::add_penalty_gradient(Node& node) {
  VectorView penalty(penalty_gradient_, node.output.size());
  penalty.setZero();
  node.activity_penalty->add_gradient(ConstVectorView(node.output.data(), node.output.size()),
                                      Shape{node.output.rows(), node.output.cols()}, penalty);
  VectorView(node.gradient.data(), node.gradient.size()) += penalty / static_cast<Scalar>(batch_);
}

MAAS_INLINE void Workspace::backward(const Parameters& parameters, Parameters& gradients, Penalties penalties) {
  bind_parameters(parameters);
  bind_gradients(gradients);
  for (Index i = static_cast<Index>(nodes_.size()) - 1; i >= 0; --i) {
    Node& node = this->node(i);
    if (!node.needs_gradient || node.sources.empty()) continue;
    if (node.activity_penalty && penalties == Penalties::included) add_penalty_gradient(node);
    node.layer.backward({.inputs = node.inputs,
                         .output = as_const(node.output),
                         .output_gradient = node.gradient,
                         .cache = as_const(node.cache),
                         .parameters = node.parameters,
                         .input_gradients = node.input_gradients,
                         .parameter_gradients = node.parameter_gradients,
                         .input_shapes = node.input_shapes,
                         .output_shape = node.output_shape,
                         .mode = last_pass_,
                         .trainable = node.trainable,
                         .masks = node.seen_masks()});
    for (std::size_t k = 0; k < node.sources.size(); ++k)
      if (node.extra_input_gradient[k] != nullptr) this->node(node.sources[k]).gradient += node.input_gradients[k];
    for (std::size_t k = 0; k < node.parameters.size(); ++k)
      if (node.extra_parameter_gradient[k] != nullptr && node.parameter_gradients[k].data() != nullptr)
        gradients.view(gradients.entries()[static_cast<std::size_t>(node.first_parameter) + k]) +=
            node.parameter_gradients[k];
  }
}

}  // namespace maas::inline MAAS_ABI
