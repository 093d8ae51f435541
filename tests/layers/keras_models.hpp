// From the JSON of a Keras model to a graph of the library's layers, through its catalog: what that knows is what can
// be compared.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "maas/layers/layers.hpp"
#include "maas/network/network.hpp"

namespace fixtures {

using namespace maas;

/// Where a network begins: the samples plus a weight of 0 for each of their numbers. The gradient of that weight is the
/// gradient of the input.
struct Tap {
  static constexpr std::string_view class_name = "Tap";
  Index batch = 1;
  LayerPlan plan(Shapes inputs) const {
    return {.output = inputs[0], .parameters = {{"input", Shape{batch, inputs[0].size()}, zeros}}};
  }
  void forward(const Forward& pass) const { MatrixView(pass.output) = pass.inputs[0] + pass.parameters[0]; }
  void backward(const Backward& pass) const { MatrixView(pass.parameter_gradients[0]) = pass.output_gradient; }
};

/// Settings that say nothing where they have this value: Keras' own bookkeeping, and arguments of other versions that
/// are off.
inline bool is_idle(const std::string& key, const Config& value) {
  static constexpr std::string_view bookkeeping[] = {
      "module", "registered_name", "build_config",     "shared_object_id", "dtype", "trainable",
      "name",   "renorm_momentum", "batch_input_shape"};
  static constexpr std::string_view off_when_false[] = {"synchronized", "renorm", "rms_scaling", "sparse"};
  if (value.is_null()) return true;
  if (std::ranges::find(bookkeeping, key) != std::end(bookkeeping)) return true;
  return std::ranges::find(off_when_false, key) != std::end(off_when_false) && value.is_bool() && !value.as_bool();
}

/// A config without its idle settings.
inline Config plain(const Config& config) {
  if (config.is_list()) {
    Config::List list;
    for (const Config& element : config.as_list()) list.push_back(plain(element));
    return list;
  }
  if (!config.is_object()) return config;
  Config result{Config::Object{}};
  for (const auto& [key, value] : config.as_object())
    if (!is_idle(key, value)) result.set(key, plain(value));
  return result;
}

/// Keras 2's spellings, and activations given as a layer.
inline Config modern(const std::string& class_name, Config fields) {
  if (class_name == "LeakyReLU" && fields.contains("alpha")) {
    const Config slope = fields.at("alpha");
    fields.erase("alpha");
    fields.set("negative_slope", slope);
  }
  const Config* activation = fields.find("activation");
  if (activation == nullptr || !activation->is_object()) return fields;
  const std::string& name = activation->at("class_name").as_string();
  const Config settings = modern(name, activation->at("config"));
  if (name == "LeakyReLU")
    fields.set("activation", Config{}.set("class_name", "leaky_relu").set("config", settings));
  else if (name == "ELU")
    fields.set("activation", Config{}.set("class_name", "elu").set("config", settings));
  return fields;
}

inline Shape sample_shape(const Config& batch_shape) {
  Shape shape;
  for (std::size_t i = 1; i < batch_shape.as_list().size(); ++i)
    shape.append(static_cast<Index>(batch_shape.as_list()[i].as_integer("batch_shape")));
  return shape;
}

inline Layer layer_of(const Config& config) {
  const Config& fields = config.at("config");
  const std::string& class_name = config.at("class_name").as_string();
  const Layer layer =
      BuiltinLayers::make(class_name, modern(class_name, plain(fields)), "layer").named(fields.at("name").as_string());
  const Config* trainable = fields.find("trainable");
  return trainable == nullptr || trainable->as_bool() ? layer : layer.frozen();
}

/// A model in the making: symbols by name of layer and number of its call.
class GraphReader {
 public:
  /// `shapes` are those of the inputs' samples, in the order of the model's inputs. With `tapped` the gradients of the
  /// inputs stand in the first weights. Throws ConfigError for what the library does not know.
  GraphReader(const Config& model, const std::vector<Shape>& shapes, bool tapped, Index batch)
      : tapped_(tapped), batch_(batch) {
    const std::string& class_name = model.at("class_name").as_string();
    if (class_name == "Sequential")
      read_chain(model.at("config"), shapes.at(0));
    else
      read_functional(model.at("config"), shapes);
  }

  Graph graph() const { return Graph(inputs_, outputs_); }

 private:
  void begin(const std::string& name, const Shape& shape) {
    inputs_.push_back(input(shape));
    const Symbol entry = inputs_.back();
    symbols_.emplace(std::pair(name, 0), tapped_ ? Layer(Tap{batch_})(entry) : entry);
  }

  void read_chain(const Config& config, const Shape& shape) {
    begin("input", shape);
    Symbol last = symbols_.at({"input", 0});
    const Config& layers = config.is_list() ? config : config.at("layers");
    for (const Config& layer : layers.as_list())
      if (layer.at("class_name").as_string() != "InputLayer") last = layer_of(layer)(last);
    outputs_ = {last};
  }

  void read_functional(const Config& config, const std::vector<Shape>& shapes) {
    const std::vector<Key> inputs = ends(config.at("input_layers"));
    for (std::size_t i = 0; i < inputs.size(); ++i) begin(inputs[i].first, shapes.at(i));
    const Config::List& layers = config.at("layers").as_list();
    for (bool moved = true; moved;) {  // until no call finds all it takes
      moved = false;
      for (const Config& layer : layers) moved |= read_calls(layer);
    }
    for (const Key& end : ends(config.at("output_layers"))) outputs_.push_back(found(end));
  }

  using Key = std::pair<std::string, Index>;

  bool read_calls(const Config& layer) {
    if (layer.at("class_name").as_string() == "InputLayer") return false;
    const std::string& name = layer.at("name").as_string();
    const Config::List& calls = layer.at("inbound_nodes").as_list();
    bool moved = false;
    for (std::size_t call = 0; call < calls.size(); ++call) {
      if (symbols_.contains({name, static_cast<Index>(call)})) continue;
      std::vector<Symbol> taken;
      bool ready = true;
      for (const Key& key : sources(calls[call])) {
        const auto symbol = symbols_.find(key);
        ready = ready && symbol != symbols_.end();
        if (ready) taken.push_back(symbol->second);
      }
      if (!ready) continue;
      const auto made = layers_.find(name);
      const Layer handle = made != layers_.end() ? made->second : layers_.emplace(name, layer_of(layer)).first->second;
      symbols_.emplace(Key(name, static_cast<Index>(call)), handle(taken));
      moved = true;
    }
    return moved;
  }

  static Key key_of(const Config& history) {
    return {history.as_list().at(0).as_string(), static_cast<Index>(history.as_list().at(1).as_integer())};
  }

  /// One end ["name", 0, 0], or a list of such.
  static std::vector<Key> ends(const Config& config) {
    std::vector<Key> keys;
    if (config.as_list().at(0).is_string())
      keys.push_back(key_of(config));
    else
      for (const Config& end : config.as_list()) keys.push_back(key_of(end));
    return keys;
  }

  /// What a call takes, in Keras 2's form [["name", 0, 0, {}], ...] or Keras 3's {"args": [...]}.
  static std::vector<Key> sources(const Config& call) {
    std::vector<Key> keys;
    if (call.is_list()) {
      for (const Config& source : call.as_list()) {
        require<ConfigError>(source.as_list().size() < 4 || source.as_list()[3].as_object().empty(),
                             "a call with arguments");
        keys.push_back(key_of(source));
      }
      return keys;
    }
    require<ConfigError>(call.at("kwargs").as_object().empty(), "a call with arguments");
    require<ConfigError>(call.at("args").as_list().size() == 1, "a call with several arguments");
    const Config& argument = call.at("args").as_list()[0];
    if (argument.is_list())
      for (const Config& tensor : argument.as_list()) keys.push_back(key_of(tensor.at("config").at("keras_history")));
    else
      keys.push_back(key_of(argument.at("config").at("keras_history")));
    return keys;
  }

  const Symbol& found(const Key& key) const {
    const auto symbol = symbols_.find(key);
    require<ConfigError>(symbol != symbols_.end(), "there is no call {} of \"{}\"", key.second, key.first);
    return symbol->second;
  }

  bool tapped_;
  Index batch_;
  std::map<Key, Symbol> symbols_;
  std::map<std::string, Layer> layers_;
  std::vector<Symbol> inputs_, outputs_;
};

}  // namespace fixtures
