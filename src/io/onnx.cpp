// Layers as nodes of ONNX: one function each, found by the class in the table at the end.
#include "maas/io/onnx.hpp"

#include <algorithm>
#include <cmath>

#include "io/onnx_activations.hpp"
#include "io/onnx_graph.hpp"
#include "maas/core/new_file.hpp"
#include "maas/layers/layers.hpp"

namespace maas::inline MAAS_ABI {

namespace {

using io::OnnxGraph;
using io::Tensor;

/// One call of a layer, and what it is made of in ONNX.
struct Call {
  const Network& network;
  const GraphNode& node;
  std::vector<Tensor> inputs;
  std::string where;  // "layer \"dense\""
  bool masked;        // one of its inputs carries a mask

  const Layer& layer() const { return network.graph().layer(node.layer); }
  const Shape& input_shape(std::size_t i = 0) const { return node.input_shapes[i]; }
  const Shape& output_shape() const { return node.plan.output; }
  ConstMatrixView weights(Index which) const { return network.parameters().view(node.layer, which); }
  const ParameterSpec& spec(std::size_t which) const { return node.plan.parameters[which]; }
};

// A class of the user's may have the name of one of ours.
template <class Rule>
const Rule& rule_of(const Call& call) {
  const Rule* rule = call.layer().as<Rule>();
  require<ConfigError>(rule != nullptr, "{}: a {} of your own is not written as ONNX", call.where, Rule::class_name);
  return *rule;
}

std::vector<double> values_of(const ConstMatrixView& view) { return {view.data(), view.data() + view.size()}; }

std::vector<Index> sizes_of(const Shape& shape) { return {shape.begin(), shape.end()}; }

std::vector<std::int64_t> with_batch(const Shape& shape) {
  std::vector<std::int64_t> sizes{-1};
  for (Index size : shape) sizes.push_back(static_cast<std::int64_t>(size));
  return sizes;
}

// Keras counts the batch as axis 0, as ONNX does; from the end both count alike.
std::vector<std::int64_t> axes_of(const Axes& axes) { return {axes.list.begin(), axes.list.end()}; }

// A weight of a layer.
Tensor weight(OnnxGraph& graph, const Call& call, std::size_t which) {
  return graph.constant(sizes_of(call.spec(which).shape), values_of(call.weights(static_cast<Index>(which))));
}

// Numbers that lie along some axes of a sample (in rising order), in a shape that is repeated along the others.
Tensor along(OnnxGraph& graph, const Call& call, const Axes& axes, const std::vector<double>& values) {
  const Shape& sample = call.input_shape();
  std::vector<Index> sizes(static_cast<std::size_t>(sample.rank()), 1);
  Index last = -1;
  for (Index axis : axes.list) {
    const Index place = axis < 0 ? axis + sample.rank() : axis - 1;
    require<ConfigError>(place > last, "{}: axes in another order than rising are not written as ONNX", call.where);
    sizes[static_cast<std::size_t>(place)] = sample[place];
    last = place;
  }
  return graph.constant(sizes, values);
}

// ---- Layers ----

Tensor pass_on(OnnxGraph&, const Call& call) { return call.inputs[0]; }

Tensor dense_layer(OnnxGraph& graph, const Call& call) {
  const Dense& layer = rule_of<Dense>(call);
  Tensor y = graph.add("MatMul", {call.inputs[0], weight(graph, call, 0)});
  if (layer.use_bias) y = graph.add("Add", {y, weight(graph, call, 1)});
  return io::add_activation(graph, layer.activation, y, call.where);
}

Tensor einsum_layer(OnnxGraph& graph, const Call& call) {
  const EinsumDense& layer = rule_of<EinsumDense>(call);
  Tensor y = graph.add("Einsum", {call.inputs[0], weight(graph, call, 0)}, {{"equation", layer.equation}});
  if (call.node.plan.parameters.size() > 1) y = graph.add("Add", {y, weight(graph, call, 1)});
  return io::add_activation(graph, layer.activation, y, call.where);
}

Tensor activation_of_its_own(OnnxGraph& graph, const Call& call) {
  return io::add_activation(graph, rule_of<ActivationLayer>(call).activation, call.inputs[0], call.where);
}

Tensor relu_layer(OnnxGraph& graph, const Call& call) {
  const ReLU& layer = rule_of<ReLU>(call);
  return io::add_bounded_relu(graph, {layer.max_value, layer.negative_slope, layer.threshold}, call.inputs[0]);
}

Tensor leaky_relu_layer(OnnxGraph& graph, const Call& call) {
  return graph.add("LeakyRelu", call.inputs, {{"alpha", rule_of<LeakyReLU>(call).negative_slope}});
}

Tensor prelu_layer(OnnxGraph& graph, const Call& call) {
  return graph.add("PRelu", {call.inputs[0], weight(graph, call, 0)});
}

Tensor elu_layer(OnnxGraph& graph, const Call& call) {
  return graph.add("Elu", call.inputs, {{"alpha", rule_of<ELU>(call).alpha}});
}

Tensor softmax_layer(OnnxGraph& graph, const Call& call) {
  const Axes& axes = rule_of<SoftmaxLayer>(call).axis;
  require<ConfigError>(axes.list.size() == 1, "{}: Softmax over several axes is not written as ONNX", call.where);
  return graph.add("Softmax", call.inputs, {{"axis", static_cast<std::int64_t>(axes.list[0])}});
}

// Steps of which all numbers are the mask's value become 0.
Tensor masking_layer(OnnxGraph& graph, const Call& call) {
  const Tensor value = graph.number(rule_of<Masking>(call).mask_value);
  const Tensor differs = graph.add("Not", {graph.add("Equal", {call.inputs[0], value})});
  const Tensor numbers = graph.add("Cast", {differs}, {{"to", std::int64_t{1}}});
  return graph.add("Mul", {call.inputs[0], graph.add("ReduceMax", {numbers, graph.integers({-1})})});
}

Tensor reshaped(OnnxGraph& graph, const Tensor& x, const Shape& shape) {
  return graph.add("Reshape", {x, graph.integers(with_batch(shape))});
}

Tensor flatten_layer(OnnxGraph& graph, const Call& call) {
  Tensor x = call.inputs[0];
  const Index rank = call.input_shape().rank();
  if (rule_of<Flatten>(call).data_format == "channels_first" && rank > 1) {
    std::vector<std::int64_t> order{0};
    for (Index axis = 2; axis <= rank; ++axis) order.push_back(static_cast<std::int64_t>(axis));
    order.push_back(1);
    x = graph.add("Transpose", {x}, {{"perm", order}});
  }
  return reshaped(graph, x, call.output_shape());
}

Tensor reshape_layer(OnnxGraph& graph, const Call& call) {
  return reshaped(graph, call.inputs[0], call.output_shape());
}

Tensor permute_layer(OnnxGraph& graph, const Call& call) {
  std::vector<std::int64_t> order{0};
  for (Index axis : rule_of<Permute>(call).dims) order.push_back(static_cast<std::int64_t>(axis));
  return graph.add("Transpose", call.inputs, {{"perm", order}});
}

Tensor repeat_layer(OnnxGraph& graph, const Call& call) {
  const Tensor one_step = graph.add("Unsqueeze", {call.inputs[0], graph.integers({1})});
  const auto n = static_cast<std::int64_t>(rule_of<RepeatVector>(call).n);
  return graph.add("Tile", {one_step, graph.integers({1, n, 1})});
}

// gamma / sqrt(variance + epsilon) and beta - mean gamma / sqrt(variance + epsilon), a number a channel.
Tensor batch_normalization_layer(OnnxGraph& graph, const Call& call) {
  const BatchNormalization& layer = rule_of<BatchNormalization>(call);
  const Index beta = layer.scale ? 1 : 0, mean = beta + (layer.center ? 1 : 0);
  const std::vector<double> means = values_of(call.weights(mean)), variances = values_of(call.weights(mean + 1));
  std::vector<double> scales, offsets;
  for (std::size_t i = 0; i < means.size(); ++i) {
    const double gamma = layer.scale ? static_cast<double>(call.weights(0).data()[i]) : 1.0;
    scales.push_back(gamma / std::sqrt(variances[i] + layer.epsilon));
    offsets.push_back((layer.center ? static_cast<double>(call.weights(beta).data()[i]) : 0.0) - means[i] * scales[i]);
  }
  const Tensor y = graph.add("Mul", {call.inputs[0], along(graph, call, layer.axis, scales)});
  return graph.add("Add", {y, along(graph, call, layer.axis, offsets)});
}

// (x - mean) / sqrt(variance + epsilon) over some axes.
Tensor normalized(OnnxGraph& graph, const Tensor& x, const Tensor& axes, double epsilon, bool subtract_mean) {
  const Tensor centered = subtract_mean ? graph.add("Sub", {x, graph.add("ReduceMean", {x, axes})}) : x;
  const Tensor squares = graph.add("ReduceMean", {graph.add("Mul", {centered, centered}), axes});
  const Tensor deviation = graph.add("Sqrt", {graph.add("Add", {squares, graph.number(epsilon)})});
  return graph.add("Div", {centered, deviation});
}

Tensor layer_normalization_layer(OnnxGraph& graph, const Call& call) {
  const LayerNormalization& layer = rule_of<LayerNormalization>(call);
  Tensor y = normalized(graph, call.inputs[0], graph.integers(axes_of(layer.axis)), layer.epsilon, true);
  Index which = 0;
  if (layer.scale) y = graph.add("Mul", {y, along(graph, call, layer.axis, values_of(call.weights(which++)))});
  if (layer.center) y = graph.add("Add", {y, along(graph, call, layer.axis, values_of(call.weights(which)))});
  return y;
}

Tensor rms_normalization_layer(OnnxGraph& graph, const Call& call) {
  const RMSNormalization& layer = rule_of<RMSNormalization>(call);
  const Tensor y = normalized(graph, call.inputs[0], graph.integers(axes_of(layer.axis)), layer.epsilon, false);
  return graph.add("Mul", {y, along(graph, call, layer.axis, values_of(call.weights(0)))});
}

// The channels are cut into groups: an axis of groups and one of their channels take the place of the last.
Tensor group_normalization_layer(OnnxGraph& graph, const Call& call) {
  const GroupNormalization& layer = rule_of<GroupNormalization>(call);
  const Shape& sample = call.input_shape();
  const bool is_last = layer.axis.list[0] == -1 || layer.axis.list[0] == sample.rank();
  require<ConfigError>(is_last, "{}: GroupNormalization along another axis than the last is not written as ONNX",
                       call.where);
  const Index groups = layer.groups == -1 ? sample.last() : layer.groups;
  std::vector<std::int64_t> cut = with_batch(sample), axes;
  cut.back() = static_cast<std::int64_t>(groups);
  cut.push_back(static_cast<std::int64_t>(sample.last() / groups));
  for (Index axis = 1; axis <= sample.rank() + 1; ++axis)
    if (axis != sample.rank()) axes.push_back(static_cast<std::int64_t>(axis));
  const Tensor x = graph.add("Reshape", {call.inputs[0], graph.integers(cut)});
  Tensor y = reshaped(graph, normalized(graph, x, graph.integers(axes), layer.epsilon, true), sample);
  std::size_t which = 0;
  if (layer.scale) y = graph.add("Mul", {y, weight(graph, call, which++)});
  if (layer.center) y = graph.add("Add", {y, weight(graph, call, which)});
  return y;
}

Tensor unit_normalization_layer(OnnxGraph& graph, const Call& call) {
  const Tensor& x = call.inputs[0];
  const Tensor axes = graph.integers(axes_of(rule_of<UnitNormalization>(call).axis));
  const Tensor squares = graph.add("ReduceSumSquare", {x, axes});
  return graph.add("Div", {x, graph.add("Sqrt", {graph.add("Max", {squares, graph.number(1e-12)})})});
}

// One figure for each position along the axes, all of them or one for all.
std::vector<double> figures_of(const Call& call, const Axes& axes, const Numbers& given) {
  Index count = 1;
  for (Index axis : axes.list) {
    const Shape& sample = call.input_shape();
    count *= sample[axis < 0 ? axis + sample.rank() : axis - 1];
  }
  std::vector<double> values = given.values;
  if (values.size() == 1) values.assign(static_cast<std::size_t>(count), values[0]);
  require<ConfigError>(static_cast<Index>(values.size()) == count,
                       "{}: a mean that is repeated along some axes is not written as ONNX", call.where);
  return values;
}

Tensor normalization_layer(OnnxGraph& graph, const Call& call) {
  const Normalization& layer = rule_of<Normalization>(call);
  const bool given = layer.mean.has_value();
  const std::vector<double> means = given ? figures_of(call, layer.axis, *layer.mean) : values_of(call.weights(0));
  std::vector<double> deviations = given ? figures_of(call, layer.axis, *layer.variance) : values_of(call.weights(1));
  for (double& value : deviations) value = std::max(std::sqrt(value), 1e-7);
  const Tensor mean = along(graph, call, layer.axis, means), deviation = along(graph, call, layer.axis, deviations);
  if (layer.invert) return graph.add("Add", {graph.add("Mul", {call.inputs[0], deviation}), mean});
  return graph.add("Div", {graph.add("Sub", {call.inputs[0], mean}), deviation});
}

Tensor rescaling_layer(OnnxGraph& graph, const Call& call) {
  const Rescaling& layer = rule_of<Rescaling>(call);
  const Tensor scale = graph.constant(sizes_of(layer.scale.shape), layer.scale.values);
  const Tensor offset = graph.constant(sizes_of(layer.offset.shape), layer.offset.values);
  return graph.add("Add", {graph.add("Mul", {call.inputs[0], scale}), offset});
}

Tensor embedding_layer(OnnxGraph& graph, const Call& call) {
  const Tensor ids = graph.add("Cast", call.inputs, {{"to", std::int64_t{7}}});
  return graph.add("Gather", {weight(graph, call, 0), ids});
}

// Inputs of fewer axes get ones of size 1 behind the batch, as the layers match axes from the last.
std::vector<Tensor> of_one_rank(OnnxGraph& graph, const Call& call) {
  std::vector<Tensor> inputs = call.inputs;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Shape& own = call.input_shape(i);
    if (own.rank() == call.output_shape().rank()) continue;
    std::vector<std::int64_t> sizes{-1};
    sizes.insert(sizes.end(), static_cast<std::size_t>(call.output_shape().rank() - own.rank()), 1);
    for (Index size : own) sizes.push_back(static_cast<std::int64_t>(size));
    inputs[i] = graph.add("Reshape", {inputs[i], graph.integers(sizes)});
  }
  return inputs;
}

void refuse_masks(const Call& call) {
  require<ConfigError>(!call.masked, "{}: a {} of inputs with masks is not written as ONNX", call.where,
                       call.layer().class_name());
}

Tensor add_layer(OnnxGraph& graph, const Call& call) { return graph.add("Sum", of_one_rank(graph, call)); }
Tensor subtract_layer(OnnxGraph& graph, const Call& call) { return graph.add("Sub", of_one_rank(graph, call)); }
Tensor average_layer(OnnxGraph& graph, const Call& call) { return graph.add("Mean", of_one_rank(graph, call)); }
Tensor maximum_layer(OnnxGraph& graph, const Call& call) {
  refuse_masks(call);
  return graph.add("Max", of_one_rank(graph, call));
}
Tensor minimum_layer(OnnxGraph& graph, const Call& call) {
  refuse_masks(call);
  return graph.add("Min", of_one_rank(graph, call));
}
Tensor multiply_layer(OnnxGraph& graph, const Call& call) {
  refuse_masks(call);
  const std::vector<Tensor> inputs = of_one_rank(graph, call);
  Tensor y = inputs[0];
  for (std::size_t i = 1; i < inputs.size(); ++i) y = graph.add("Mul", {y, inputs[i]});
  return y;
}
Tensor concatenate_layer(OnnxGraph& graph, const Call& call) {
  return graph.add("Concat", call.inputs, {{"axis", static_cast<std::int64_t>(rule_of<Concatenate>(call).axis)}});
}

struct Translation {
  std::string_view class_name;
  Tensor (*write)(OnnxGraph& graph, const Call& call);
};

constexpr Translation translations[] = {{Dense::class_name, dense_layer},
                                        {EinsumDense::class_name, einsum_layer},
                                        {ActivationLayer::class_name, activation_of_its_own},
                                        {ReLU::class_name, relu_layer},
                                        {LeakyReLU::class_name, leaky_relu_layer},
                                        {PReLU::class_name, prelu_layer},
                                        {ELU::class_name, elu_layer},
                                        {SoftmaxLayer::class_name, softmax_layer},
                                        {Dropout::class_name, pass_on},
                                        {SpatialDropout1D::class_name, pass_on},
                                        {SpatialDropout2D::class_name, pass_on},
                                        {GaussianDropout::class_name, pass_on},
                                        {GaussianNoise::class_name, pass_on},
                                        {AlphaDropout::class_name, pass_on},
                                        {ActivityRegularization::class_name, pass_on},
                                        {IdentityLayer::class_name, pass_on},
                                        {Masking::class_name, masking_layer},
                                        {Flatten::class_name, flatten_layer},
                                        {Reshape::class_name, reshape_layer},
                                        {Permute::class_name, permute_layer},
                                        {RepeatVector::class_name, repeat_layer},
                                        {BatchNormalization::class_name, batch_normalization_layer},
                                        {LayerNormalization::class_name, layer_normalization_layer},
                                        {RMSNormalization::class_name, rms_normalization_layer},
                                        {GroupNormalization::class_name, group_normalization_layer},
                                        {UnitNormalization::class_name, unit_normalization_layer},
                                        {Normalization::class_name, normalization_layer},
                                        {Rescaling::class_name, rescaling_layer},
                                        {Embedding::class_name, embedding_layer},
                                        {Add::class_name, add_layer},
                                        {Subtract::class_name, subtract_layer},
                                        {Multiply::class_name, multiply_layer},
                                        {Average::class_name, average_layer},
                                        {Maximum::class_name, maximum_layer},
                                        {Minimum::class_name, minimum_layer},
                                        {Concatenate::class_name, concatenate_layer}};

Tensor write_call(OnnxGraph& graph, const Call& call) {
  const auto* found = std::ranges::find(translations, call.layer().class_name(), &Translation::class_name);
  require<ConfigError>(found != std::end(translations), "{}: the class {} is not written as ONNX", call.where,
                       call.layer().class_name());
  return found->write(graph, call);
}

OnnxGraph graph_of(const Network& network, const std::string& name) {
  const Graph& layers = network.graph();
  OnnxGraph graph(name);
  std::vector<Tensor> outputs;
  for (const GraphNode& node : layers.nodes()) {
    const std::string& layer = layers.name(node.layer);
    if (node.inputs.empty()) {
      graph.input(layer, node.plan.output);
      outputs.push_back(layer);
      continue;
    }
    Call call{.network = network, .node = node, .inputs = {}, .where = "layer \"" + layer + "\"", .masked = false};
    for (Index input : node.inputs) {
      call.inputs.push_back(outputs[static_cast<std::size_t>(input)]);
      call.masked = call.masked || layers.node(input).mask_from >= 0;
    }
    outputs.push_back(write_call(graph, call));
  }
  for (std::size_t i = 0; i < layers.outputs().size(); ++i) {
    const GraphNode& node = layers.node(layers.outputs()[i]);
    // A layer may give two outputs, or an input be one.
    const bool only_call = std::ranges::count(layers.nodes(), node.layer, &GraphNode::layer) == 1;
    const std::string& layer = layers.name(node.layer);
    const Tensor shown = only_call && !node.inputs.empty() ? layer : fmt::format("{}:{}", layer, i);
    graph.add("Identity", {outputs[static_cast<std::size_t>(layers.outputs()[i])]}, {}, shown);
    graph.output(shown, node.plan.output);
  }
  return graph;
}

}  // namespace

void write_onnx(const std::string& path, const Network& network, const std::string& name) {
  const std::string model = graph_of(network, name).model();
  NewFile file(path);
  file.write(model);
  file.commit();
}

}  // namespace maas::inline MAAS_ABI
