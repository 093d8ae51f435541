// The JSON of a network, from Graph; and the order of its layers and calls, which Keras changes.
#include <algorithm>
#include <map>

#include "io/keras_config.hpp"

namespace maas::inline MAAS_ABI::io {

namespace {

class KerasOrder {
 public:
  explicit KerasOrder(const Graph& graph)
      : graph_(graph), met_(graph.layers().size(), -1), finished_(graph.nodes().size(), false) {
    for (Index output : graph.outputs()) walk(output);
  }

  std::vector<Index> layers() {
    std::vector<Index> node_depth(graph_.nodes().size(), 0), layer_depth(graph_.layers().size(), 0);
    for (std::size_t i = order_.size(); i-- > 0;) {
      const GraphNode& node = graph_.node(order_[i]);
      Index& depth = node_depth[static_cast<std::size_t>(order_[i])];
      Index& of_layer = layer_depth[static_cast<std::size_t>(node.layer)];
      depth = of_layer = std::max(depth, of_layer);
      for (Index input : node.inputs) {
        Index& above = node_depth[static_cast<std::size_t>(input)];
        above = std::max(above, depth + 1);
      }
    }
    std::vector<Index> result;
    for (Index layer = 0; layer < static_cast<Index>(graph_.layers().size()); ++layer) result.push_back(layer);
    std::ranges::stable_sort(result, [&](Index a, Index b) {
      const auto i = static_cast<std::size_t>(a), j = static_cast<std::size_t>(b);
      return layer_depth[i] != layer_depth[j] ? layer_depth[i] > layer_depth[j] : met_[i] < met_[j];
    });
    return result;
  }

 private:
  // Depth first from the outputs, on a stack of its own since graphs may be deep.
  void walk(Index output) {
    std::vector<std::pair<Index, std::size_t>> open;
    auto enter = [&](Index node) {
      if (finished_[static_cast<std::size_t>(node)]) return;
      Index& met = met_[static_cast<std::size_t>(graph_.node(node).layer)];
      if (met < 0) met = count_++;
      open.emplace_back(node, 0);
    };
    enter(output);
    while (!open.empty()) {
      auto& [node, next] = open.back();
      const std::vector<Index>& inputs = graph_.node(node).inputs;
      if (next < inputs.size()) {
        enter(inputs[next++]);
        continue;
      }
      if (!finished_[static_cast<std::size_t>(node)]) order_.push_back(node);
      finished_[static_cast<std::size_t>(node)] = true;
      open.pop_back();
    }
  }

  const Graph& graph_;
  std::vector<Index> met_;  // the number of a layer in the order of meeting; -1 for inputs that lead nowhere
  std::vector<bool> finished_;
  std::vector<Index> order_;
  Index count_ = 0;
};

std::string dtype_text() { return sizeof(Scalar) == 4 ? "float32" : "float64"; }

void check_name(const std::string& name) {
  const bool fits = !name.empty() && name != "." && name != ".." && name != "top_level_model_weights" &&
                    name.find('/') == std::string::npos && name.find('\0') == std::string::npos;
  require<ConfigError>(fits, "layer \"{}\": a file cannot have a layer of this name", name);
}

Config batch_shape(const Shape& shape) {
  Config::List list{Config()};
  for (Index dimension : shape) list.emplace_back(static_cast<std::int64_t>(dimension));
  return list;
}

// Keras 3's constructors of these take no trainable; nothing in them trains.
bool takes_trainable(const Layer& layer) {
  return !layer.as<SpatialDropout1D>() && !layer.as<SpatialDropout2D>() && !layer.as<Discretization>();
}

// The layer as an object of Keras'.
Config layer_object(const Graph& graph, Index index, const Dialect& dialect) {
  const Layer& layer = graph.layer(index);
  const std::string& name = graph.name(index);
  check_name(name);
  Config config{Config::Object{}};
  if (const InputLayer* input = layer.as<InputLayer>()) {
    config.set(dialect.new_graphs ? "batch_shape" : "batch_input_shape", batch_shape(input->shape));
    config.set("dtype", dtype_text()).set("sparse", false).set("name", name);
  } else {
    config.set("name", name);
    if (takes_trainable(layer)) config.set("trainable", layer.trainable());
    config.set("dtype", dtype_text());
    const Config fields = keras_fields(layer, dialect, fmt::format("layer \"{}\"", name));
    for (const auto& [key, value] : fields.as_object()) config.set(key, value);
  }
  return keras_object("keras.layers", layer.class_name(), std::move(config), dialect);
}

// Which call of its layer each node is.
std::vector<Index> call_numbers(const Graph& graph) {
  std::vector<Index> numbers, seen(graph.layers().size(), 0);
  for (const GraphNode& node : graph.nodes()) numbers.push_back(seen[static_cast<std::size_t>(node.layer)]++);
  return numbers;
}

Config reference_to(const Graph& graph, const std::vector<Index>& numbers, Index node) {
  return Config::List{graph.name(graph.node(node).layer),
                      static_cast<std::int64_t>(numbers[static_cast<std::size_t>(node)]), 0};
}

Config references_to(const Graph& graph, const std::vector<Index>& numbers, const std::vector<Index>& nodes) {
  Config::List list;
  for (Index node : nodes) list.push_back(reference_to(graph, numbers, node));
  return list;
}

// Layers that take a list of tensors, be it of one.
bool takes_list(const Layer& layer) {
  for (std::string_view name : {Add::class_name, Subtract::class_name, Multiply::class_name, Average::class_name,
                                Maximum::class_name, Minimum::class_name, Concatenate::class_name, Dot::class_name})
    if (layer.class_name() == name) return true;
  return false;
}

// What Keras 3 builds a layer's weights from.
Config built_for(const GraphNode& node, const Layer& layer) {
  Config::List shapes;
  for (const Shape& shape : node.input_shapes) shapes.push_back(batch_shape(shape));
  const bool one = shapes.size() == 1 && !takes_list(layer);
  return Config{}.set("input_shape", one ? shapes[0] : Config(std::move(shapes)));
}

// [["dense", 0, 0, {}], ...]
Config old_call(const Graph& graph, const std::vector<Index>& numbers, const GraphNode& node) {
  Config::List inputs;
  for (Index input : node.inputs) {
    Config reference = reference_to(graph, numbers, input);
    reference.as_list().emplace_back(Config::Object{});
    inputs.push_back(std::move(reference));
  }
  return inputs;
}

// {"args": [tensor], "kwargs": {}}
Config new_call(const Graph& graph, const std::vector<Index>& numbers, const GraphNode& node) {
  Config::List tensors;
  for (Index input : node.inputs)
    tensors.push_back(Config{}
                          .set("class_name", "__keras_tensor__")
                          .set("config", Config{}
                                             .set("shape", batch_shape(graph.node(input).plan.output))
                                             .set("dtype", dtype_text())
                                             .set("keras_history", reference_to(graph, numbers, input))));
  const bool as_list = takes_list(graph.layer(node.layer));
  return Config{}
      .set("args", as_list ? Config::List{Config(std::move(tensors))} : std::move(tensors))
      .set("kwargs", Config::Object{});
}

Config write_chain(const Graph& graph, const std::string& name, const Dialect& dialect) {
  Config::List layers;
  for (std::size_t i = 0; i < graph.layers().size(); ++i) {
    Config object = layer_object(graph, static_cast<Index>(i), dialect);
    if (dialect.modules && i > 0) object.set("build_config", built_for(graph.nodes()[i], graph.layers()[i]));
    layers.push_back(std::move(object));
  }
  Config model =
      keras_object("keras", "Sequential", Config{}.set("name", name).set("layers", std::move(layers)), dialect);
  if (dialect.modules) model.set("build_config", Config{}.set("input_shape", batch_shape(graph.input_shape())));
  return model;
}

Config write_functional(const Graph& graph, const std::string& name, const Dialect& dialect) {
  const std::vector<Index> numbers = call_numbers(graph);
  Config::List layers;
  for (Index layer : keras_layer_order(graph)) {
    Config object = layer_object(graph, layer, dialect);
    Config::List calls;
    for (const GraphNode& node : graph.nodes()) {
      if (node.layer != layer || node.inputs.empty()) continue;
      if (dialect.modules && calls.empty()) object.set("build_config", built_for(node, graph.layer(layer)));
      calls.push_back(dialect.new_graphs ? new_call(graph, numbers, node) : old_call(graph, numbers, node));
    }
    object.set("name", graph.name(layer)).set("inbound_nodes", std::move(calls));
    layers.push_back(std::move(object));
  }
  Config config = Config{}.set("name", name).set("layers", std::move(layers));
  config.set("input_layers", references_to(graph, numbers, graph.inputs()));
  config.set("output_layers", references_to(graph, numbers, graph.outputs()));
  if (!dialect.new_graphs) return keras_object("keras", "Model", std::move(config), dialect);
  return keras_object("keras.src.models.functional", "Functional", std::move(config), dialect)
      .set("registered_name", "Functional");
}

// A chain that calls a layer twice is no Sequential to Keras.
bool is_sequential(const Graph& graph) { return graph.is_chain() && graph.layers().size() == graph.nodes().size(); }

}  // namespace

std::vector<Index> keras_layer_order(const Graph& graph) {
  if (is_sequential(graph)) {
    std::vector<Index> all;
    for (std::size_t i = 0; i < graph.layers().size(); ++i) all.push_back(static_cast<Index>(i));
    return all;
  }
  return KerasOrder(graph).layers();
}

FilePart file_parts(const Graph& graph) {
  FilePart root{is_sequential(graph) ? "Sequential" : "Functional"};
  for (Index layer : keras_layer_order(graph))
    root.parts.push_back({std::string(graph.layer(layer).class_name()), layer});
  return root;
}

Config write_network(const Graph& graph, const std::string& name, const Dialect& dialect) {
  return is_sequential(graph) ? write_chain(graph, name, dialect) : write_functional(graph, name, dialect);
}

std::vector<std::string> warnings_of_layers(const Graph& graph, const Dialect& dialect) {
  std::vector<std::string> warnings;
  for (Index layer = 0; layer < static_cast<Index>(graph.layers().size()); ++layer)
    for (const std::string& warning : warnings_of_layer(graph.layer(layer), dialect))
      warnings.push_back(fmt::format("layer \"{}\": {}", graph.name(layer), warning));
  return warnings;
}

Config write_order(const Graph& graph) {
  if (is_sequential(graph)) return {};
  const std::vector<Index> numbers = call_numbers(graph);
  Config::List layers, calls;
  for (const std::string& name : graph.names()) layers.emplace_back(name);
  for (std::size_t i = 0; i < graph.nodes().size(); ++i)
    calls.emplace_back(Config::List{graph.name(graph.nodes()[i].layer), static_cast<std::int64_t>(numbers[i])});
  return Config{}.set("layers", std::move(layers)).set("calls", std::move(calls));
}

namespace {

// The places that write_order noted, by name; empty where the note does not fit the graph.
std::vector<Index> noted_layers(const Graph& graph, const Config& names) {
  std::map<std::string, Index, std::less<>> places;
  for (const Config& name : names.as_list())
    if (name.is_string()) places.emplace(name.as_string(), static_cast<Index>(places.size()));
  std::vector<Index> result;
  for (const std::string& name : graph.names()) {
    const auto found = places.find(name);
    if (found == places.end()) return {};
    result.push_back(found->second);
  }
  return result;
}

std::vector<Index> noted_nodes(const Graph& graph, const Config& calls) {
  std::map<std::pair<std::string, Index>, Index> places;
  for (const Config& call : calls.as_list())
    if (call.is_list() && call.as_list().size() == 2 && call.as_list()[0].is_string() && call.as_list()[1].is_integer())
      places.emplace(std::pair(call.as_list()[0].as_string(), static_cast<Index>(call.as_list()[1].as_integer())),
                     static_cast<Index>(places.size()));
  const std::vector<Index> numbers = call_numbers(graph);
  std::vector<Index> result;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const auto found = places.find({graph.name(graph.nodes()[i].layer), numbers[i]});
    if (found == places.end()) return {};
    result.push_back(found->second);
  }
  return result;
}

Graph reordered(const Graph& graph, const std::vector<Index>& layer_place, const std::vector<Index>& node_place) {
  auto places = [&](std::vector<Index> of) {
    for (Index& node : of) node = node_place[static_cast<std::size_t>(node)];
    return of;
  };
  std::vector<GraphNode> nodes(graph.nodes().size());
  for (std::size_t i = 0; i < graph.nodes().size(); ++i)
    nodes[static_cast<std::size_t>(node_place[i])] = {
        .layer = layer_place[static_cast<std::size_t>(graph.nodes()[i].layer)],
        .inputs = places(graph.nodes()[i].inputs)};
  std::vector<Layer> layers = graph.layers();
  for (std::size_t i = 0; i < layers.size(); ++i) layers[static_cast<std::size_t>(layer_place[i])] = graph.layers()[i];
  return Graph(std::move(layers), std::move(nodes), places(graph.inputs()), places(graph.outputs()));
}

void move_layers(FilePart& part, const std::vector<Index>& places) {
  if (part.layer >= 0) part.layer = places[static_cast<std::size_t>(part.layer)];
  for (FilePart& inner : part.parts) move_layers(inner, places);
}

}  // namespace

void put_in_order(NetworkPlan& plan, const Config& order) {
  const Graph& graph = plan.graph;
  const Config *names = order.find("layers"), *calls = order.find("calls");
  if (names == nullptr || calls == nullptr || !names->is_list() || !calls->is_list() ||
      names->as_list().size() != graph.layers().size() || calls->as_list().size() != graph.nodes().size())
    return;
  const std::vector<Index> layer_place = noted_layers(graph, *names), node_place = noted_nodes(graph, *calls);
  if (layer_place.empty() || node_place.empty()) return;
  plan.graph = reordered(graph, layer_place, node_place);
  for (WeightGroup& group : plan.groups)
    for (Index& layer : group.layers) layer = layer_place[static_cast<std::size_t>(layer)];
  move_layers(plan.root, layer_place);
}

}  // namespace maas::inline MAAS_ABI::io
