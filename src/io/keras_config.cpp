#include "io/keras_config.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "io/keras_masks.hpp"
#include "maas/core/names.hpp"

namespace maas::inline MAAS_ABI::io {

namespace {

constexpr Index most_calls = 10000;
constexpr Index most_mask_steps = 10 * most_calls;
constexpr Index deepest_model = 16;
constexpr Index largest = Shape::max_size;  // numbers in one sample, one weight, one dimension

// ---- Small readings ----

const std::string& text_at(const Config& object, std::string_view key, std::string_view where) {
  const Config* value = object.find(key);
  require<ConfigError>(value != nullptr && value->is_string(), "{}: expected a text \"{}\", got {}", where, key,
                       value == nullptr ? "none" : value->text());
  return value->as_string();
}

bool is_model(std::string_view class_name) {
  return class_name == "Sequential" || class_name == "Functional" || class_name == "Model";
}

// The settings of a Sequential were a plain list of layers up to Keras 2.2.
const Config& layer_list(const Config& config, std::string_view where) {
  if (config.is_list()) return config;
  const Config* layers = config.find("layers");
  require<ConfigError>(layers != nullptr && layers->is_list(), "{}: expected a list of layers", where);
  return *layers;
}

void check_size(const Shape& shape, std::string_view where, std::string_view what) {
  Index product = 1;
  for (Index dimension : shape) {
    require<ShapeError>(dimension <= largest && (dimension == 0 || product <= largest / dimension),
                        "{}: {} of {} is larger than {} numbers", where, what, shape.text(), largest);
    product *= dimension;
  }
}

const Config& member(const Config& call, std::string_view key, std::string_view where) {
  const Config* value = call.find(key);
  require<ConfigError>(value != nullptr, "{}: expected \"{}\" in what it is called with, got none", where, key);
  return *value;
}

// Missing or null: true.
bool is_trainable(const Config& config, std::string_view where) {
  const Config* given = config.find("trainable");
  return given == nullptr || given->is_null() || given->as_bool(fmt::format("{}: trainable", where));
}

// [null, 28, 28] -> 28x28
Shape sample_shape(const Config& batch_shape, std::string_view where) {
  const Config plain = plain_value(batch_shape, where);
  const Config::List& list = plain.as_list(where);
  require<ShapeError>(!list.empty() && list.size() <= static_cast<std::size_t>(Shape::max_rank) + 1,
                      "{}: expected an input shape of 1 to {} dimensions, got {}", where, Shape::max_rank + 1,
                      list.size());
  Shape shape;
  for (std::size_t i = 1; i < list.size(); ++i) {
    require<ShapeError>(!list[i].is_null(), "{}: the input shape {} leaves a dimension open, which is not supported",
                        where, plain.text());
    const std::int64_t dimension = list[i].as_integer(where);
    require<ShapeError>(dimension >= 1 && dimension <= largest, "{}: expected dimensions from 1 to {}, got {}", where,
                        largest, dimension);
    shape.append(static_cast<Index>(dimension));
  }
  check_size(shape, where, "an input");
  return shape;
}

// The batch shape that a layer's settings state, under any of the names it has had.
const Config* stated_shape(const Config& config) {
  for (std::string_view key : {"batch_input_shape", "batch_shape"})
    if (const Config* shape = config.find(key))
      if (!shape->is_null()) return shape;
  return nullptr;
}

// ---- Building a graph call by call ----

class Builder {
 public:
  explicit Builder(Reading& reading) : reading_(reading) {}

  Index add_layer(Layer layer) {
    layers.push_back(std::move(layer));
    require<ConfigError>(static_cast<Index>(layers.size()) <= most_calls, "the model has more than {} layers",
                         most_calls);
    return static_cast<Index>(layers.size()) - 1;
  }

  // Plans the call at once, so that nothing grows beyond bounds unseen.
  Index add_call(Index layer, std::vector<Index> inputs) {
    count_call();
    const Layer& called = layers[static_cast<std::size_t>(layer)];
    const std::string where = fmt::format("layer \"{}\"", called.name());
    std::vector<Shape> shapes;
    for (Index input : inputs) shapes.push_back(outputs_[static_cast<std::size_t>(input)]);
    LayerPlan plan;
    try {
      plan = called.plan(shapes);
    } catch (const Error& error) {
      fail<ShapeError>("{}: {}", where, error.what());
    }
    check_size(plan.output, where, "an output");
    for (const ParameterSpec& weight : plan.parameters) check_size(weight.shape, where, "a weight");
    outputs_.push_back(plan.output);
    nodes.push_back({.layer = layer, .inputs = std::move(inputs)});
    return static_cast<Index>(nodes.size()) - 1;
  }

  void count_call() {
    require<ConfigError>(++calls_ <= most_calls, "the model calls its layers more than {} times", most_calls);
  }

  std::string free_name(const std::string& wanted, const std::string& outer) {
    std::string name = wanted;
    if (taken_.contains(name)) name = outer + "_" + wanted;
    for (int number = 1; taken_.contains(name); ++number) name = fmt::format("{}_{}_{}", outer, wanted, number);
    taken_.insert(name);
    return name;
  }

  Reading& reading() { return reading_; }

  std::vector<Layer> layers;
  std::vector<GraphNode> nodes;

 private:
  Reading& reading_;
  std::vector<Shape> outputs_;
  std::set<std::string> taken_;
  Index calls_ = 0;
};

Layer make_layer(const std::string& class_name, const Config& config, const std::string& name, bool trainable,
                 Reading& reading) {
  require<ConfigError>(class_name != "Lambda", "layer \"{}\": a Lambda holds Python code, which maas never runs", name);
  const CatalogEntry<Layer>* entry = nullptr;
  for (const CatalogEntry<Layer>& own : reading.more)
    if (own.class_name == without_package(class_name)) entry = &own;
  for (const CatalogEntry<Layer>& builtin : BuiltinLayers::entries())
    if (entry == nullptr && builtin.class_name == class_name) entry = &builtin;
  require<ConfigError>(entry != nullptr, "layer \"{}\": the class {} is not supported; maas reads {}", name, class_name,
                       BuiltinLayers::names(reading.more));
  const std::string where = fmt::format("layer \"{}\" ({})", name, class_name);
  try {
    const Layer layer = entry->make(layer_fields(*entry, config, reading, where)).named(name);
    return trainable ? layer : layer.frozen();
  } catch (const Error& error) {
    const std::string what = error.what();
    fail<ConfigError>("{}", what.starts_with("layer ") ? what : where + ": " + what);
  }
}

// ---- A model of a file: layers and models, and how they are wired ----

struct Part;

struct FileModel {
  bool functional = false;
  std::string name;
  std::vector<Part> parts;  // in the file's order; inputs too
  std::map<std::string, std::size_t, std::less<>> by_name;
  const Config* config = nullptr;
  std::map<std::string, std::size_t, std::less<>> operations = {};  // of which masks are made; places in what follows
  std::vector<const Config*> operation_objects = {};
  bool states_input = false;  // a Sequential with a known input shape: Keras 2 counts a built-in call of it

  // Null where there is none of that name.
  const Config* operation(std::string_view operation_name) const {
    const auto found = operations.find(operation_name);
    return found == operations.end() ? nullptr : operation_objects[found->second];
  }
};

struct Part {
  std::string name, class_name;
  bool is_input = false;
  Index layer = -1;  // in the graph; -1 for inputs of nested models, and for models
  std::shared_ptr<FileModel> model = nullptr;
  const Config* calls = nullptr;  // inbound_nodes
  bool new_style = false;         // Keras 3 counts the calls of nested models from 0
};

class ModelReader {
 public:
  explicit ModelReader(Builder& builder) : builder_(builder) {}

  /// Reads the layers of a model, depth first, in the file's order. Those of the outermost model make weight groups.
  FileModel read(const std::string& class_name, const Config& config, bool trainable, Index depth) {
    require<ConfigError>(depth <= deepest_model, "models nest deeper than {} levels", deepest_model);
    FileModel model;
    model.functional = class_name != "Sequential";
    model.config = &config;
    model.name = config.find("name") != nullptr ? text_at(config, "name", class_name) : "sequential";
    const std::string where = fmt::format("model \"{}\"", model.name);
    trainable = is_trainable(config, where) && trainable;
    for (const Config& object : layer_list(config, where).as_list()) {
      if (is_mask_operation(object)) {
        const Config& settings = object.at("config");
        model.operations.emplace(name_of(object, settings, object.at("class_name").as_string()),
                                 model.operation_objects.size());
        model.operation_objects.push_back(&object);
        continue;
      }
      model.parts.push_back(read_part(object, model.name, trainable, depth));
      Part& part = model.parts.back();
      require<ConfigError>(model.by_name.emplace(part.name, model.parts.size() - 1).second,
                           "{}: two layers are called \"{}\"", where, part.name);
      if (depth == 0) add_group(part);
    }
    require<ConfigError>(!model.parts.empty(), "{}: expected layers, got none", where);
    model.states_input = states_input(config, where);
    return model;
  }

  std::vector<WeightGroup> groups;

 private:
  Part read_part(const Config& object, const std::string& model_name, bool trainable, Index depth) {
    const std::string where = fmt::format("model \"{}\"", model_name);
    require<ConfigError>(object.is_object(), "{}: expected a layer, got {}", where, object.kind());
    const std::string& class_name = text_at(object, "class_name", where);
    const Config* config = object.find("config");
    require<ConfigError>(config != nullptr, "{}: a layer of class {} has no config", where, class_name);
    Part part;
    part.name = name_of(object, *config, class_name);
    part.class_name = class_name;
    part.calls = object.find("inbound_nodes");
    if (is_model(class_name)) {
      part.model = std::make_shared<FileModel>(read(class_name, *config, trainable, depth + 1));
      return part;
    }
    require<ConfigError>(config->is_object(), "{}: layer \"{}\" has no settings", where, part.name);
    check_class(object, class_name, part.name);
    part.is_input = class_name == "InputLayer";
    if (part.is_input && depth > 0) return part;
    const bool own_trainable = is_trainable(*config, fmt::format("layer \"{}\"", part.name));
    const std::string name = builder_.free_name(part.name, model_name);
    if (part.is_input)
      part.layer = builder_.add_layer(Layer(InputLayer{input_shape(*config, part.name)}).named(name));
    else
      part.layer =
          builder_.add_layer(make_layer(class_name, *config, name, trainable && own_trainable, builder_.reading()));
    return part;
  }

  // A class of Keras', or one that the user has given.
  void check_class(const Config& object, const std::string& class_name, const std::string& name) {
    for (const CatalogEntry<Layer>& own : builder_.reading().more)
      if (own.class_name == without_package(class_name)) return;
    const std::string where = fmt::format("layer \"{}\"", name);
    check_origin(object, class_name, where);
    const Config* registered = object.find("registered_name");
    const bool package =
        registered != nullptr && registered->is_string() && registered->as_string().find('>') != std::string::npos;
    require<ConfigError>(!package,
                         "{}: {} is a class of somebody's own, registered as {}; pass yours with "
                         "LoadOptions::layers",
                         where, class_name, package ? registered->as_string() : "");
  }

  static std::string name_of(const Config& object, const Config& config, const std::string& class_name) {
    for (const Config* named : {&object, &config})
      if (const Config* name = named->find("name")) {
        const std::string& text = name->as_string(class_name + " name");
        require<ConfigError>(!text.empty() && text.find('\0') == std::string::npos,
                             "a layer of class {} has an unusable name", class_name);
        return text;
      }
    require<ConfigError>(is_model(class_name), "a layer of class {} has no name", class_name);
    return snake_case(class_name);
  }

  static Shape input_shape(const Config& config, const std::string& name) {
    const Config* shape = stated_shape(config);
    require<ConfigError>(shape != nullptr, "layer \"{}\" (InputLayer): expected an input shape, got none", name);
    return sample_shape(*shape, fmt::format("layer \"{}\" (InputLayer)", name));
  }

  static bool states_input(const Config& config, const std::string& where) {
    const Config& first = layer_list(config, where).as_list().front();
    const Config* inner = first.find("config");
    return inner != nullptr && inner->is_object() && stated_shape(*inner) != nullptr;
  }

  // All layers of a part, depth first.
  static void collect(const Part& part, std::vector<Index>& layers) {
    if (part.layer >= 0) layers.push_back(part.layer);
    if (part.model)
      for (const Part& inner : part.model->parts) collect(inner, layers);
  }
  void add_group(const Part& part) {
    groups.push_back({part.name, {}});
    collect(part, groups.back().layers);
  }

  Builder& builder_;
};

// ---- References between calls ----

struct Reference {
  std::string layer;
  Index call = 0, tensor = 0;
};

Reference read_reference(const Config& config, std::string_view where) {
  const Config::List& list = config.as_list(where);
  require<ConfigError>(list.size() >= 3, "{}: expected [layer, call, tensor], got {}", where, config.text());
  Reference reference{list[0].as_string(where), static_cast<Index>(list[1].as_integer(where)),
                      static_cast<Index>(list[2].as_integer(where))};
  require<ConfigError>(reference.call >= 0 && reference.tensor >= 0, "{}: a number below 0 in {}", where,
                       config.text());
  return reference;
}

bool is_reference(const Config& config) {
  return config.is_list() && !config.as_list().empty() && config.as_list()[0].is_string();
}

// input_layers and output_layers: triples, lists of them, or an object whose values are such.
void collect_references(const Config& config, std::string_view where, std::vector<Reference>& found) {
  if (is_reference(config)) return found.push_back(read_reference(config, where));
  if (config.is_object()) {
    for (const auto& [key, value] : config.as_object()) collect_references(value, where, found);
    return;
  }
  for (const Config& element : config.as_list(where)) collect_references(element, where, found);
}

// A mask, or for a model of several inputs a list: one for each, null for none.
bool is_mask(const Config& value) {
  if (value.is_object()) return true;
  return value.is_list() &&
         std::ranges::all_of(value.as_list(), [](const Config& each) { return each.is_null() || each.is_object(); });
}

// Arguments beside the tensors. What they could change is refused.
void check_arguments(const Config& arguments, bool new_style, Reading& reading, std::string_view where) {
  for (const auto& [key, value] : arguments.as_object(where)) {
    const bool is_training = key == "training" && value.is_bool();
    // Keras 3 notes training = false for every Dropout; its fit, evaluate and predict put their own in its place.
    if (value.is_null() || (new_style && (is_training || (key == "mask" && is_mask(value))))) continue;
    require<ConfigError>(is_training && !value.as_bool(), "{}: is called with {} = {}, which is not supported", where,
                         key, value.text());
    reading.warn(fmt::format("{}: is called with training = false, which is not kept in training", where));
  }
}

void collect_tensors(const Config& argument, std::string_view where, std::vector<Reference>& found) {
  if (argument.is_list()) {
    for (const Config& element : argument.as_list()) collect_tensors(element, where, found);
    return;
  }
  const Config* class_name = argument.find("class_name");
  require<ConfigError>(
      class_name != nullptr && class_name->is_string() && class_name->as_string() == "__keras_tensor__",
      "{}: is called with {}, which is not supported", where, argument.text());
  const Config& history = member(member(argument, "config", where), "keras_history", where);
  found.push_back(read_reference(history, where));
}

// No layer where there is none.
void collect_masks(const Config& mask, std::string_view where, std::vector<Reference>& found) {
  if (mask.is_list()) {
    for (const Config& each : mask.as_list()) collect_masks(each, where, found);
    return;
  }
  if (mask.is_null())
    found.emplace_back();
  else
    collect_tensors(mask, where, found);
}

struct Call {
  std::vector<Reference> inputs;
  std::vector<Reference> masks;  // of Keras 3, of the first inputs; of no layer where there is none
  bool new_style = false;
};

Call read_call(const Config& config, Reading& reading, std::string_view where) {
  Call call;
  if (config.is_object()) {
    call.new_style = true;
    for (const Config& argument : member(config, "args", where).as_list(where))
      collect_tensors(argument, where, call.inputs);
    if (const Config* arguments = config.find("kwargs")) {
      check_arguments(*arguments, true, reading, where);
      if (const Config* mask = arguments->find("mask")) collect_masks(*mask, where, call.masks);
    }
    return call;
  }
  auto add = [&](const Config& input) {
    call.inputs.push_back(read_reference(input, where));
    if (input.as_list().size() > 3) check_arguments(input.as_list()[3], false, reading, where);
  };
  if (is_reference(config))
    add(config);
  else
    for (const Config& input : config.as_list(where)) add(input);
  return call;
}

// ---- Calling models: every call of a nested model becomes calls of its layers ----

class Wiring {
 public:
  explicit Wiring(Builder& builder) : builder_(builder) {}

  std::vector<Index> call(const FileModel& model, const std::vector<Index>& inputs) {
    builder_.count_call();
    return model.functional ? call_functional(model, inputs) : call_sequential(model, inputs);
  }

  /// The inputs of the outermost functional model, in order.
  std::vector<Index> make_inputs(const FileModel& model) {
    std::vector<Index> nodes;
    for (const std::size_t part : input_parts(model)) nodes.push_back(builder_.add_call(model.parts[part].layer, {}));
    return nodes;
  }

  std::vector<GivenMask> given_masks;

 private:
  std::vector<Index> call_part(const Part& part, const std::vector<Index>& inputs) {
    if (part.model) return call(*part.model, inputs);
    return {builder_.add_call(part.layer, inputs)};
  }

  std::vector<Index> call_sequential(const FileModel& model, std::vector<Index> current) {
    for (const Part& part : model.parts) {
      require<ConfigError>(!part.is_input || &part == &model.parts.front(),
                           "model \"{}\": expected one input, got another, \"{}\"", model.name, part.name);
      if (!part.is_input) current = call_part(part, current);
    }
    return current;
  }

  static std::vector<std::size_t> input_parts(const FileModel& model) {
    const std::string where = fmt::format("model \"{}\" input_layers", model.name);
    std::vector<Reference> references;
    collect_references(model.config->at("input_layers"), where, references);
    std::vector<std::size_t> parts;
    for (const Reference& reference : references) {
      auto found = model.by_name.find(reference.layer);
      require<ConfigError>(found != model.by_name.end() && model.parts[found->second].is_input,
                           "{}: \"{}\" is no InputLayer of the model", where, reference.layer);
      require<ConfigError>(std::ranges::find(parts, found->second) == parts.end(), "{}: \"{}\" stands there twice",
                           where, reference.layer);
      parts.push_back(found->second);
    }
    const auto all = std::ranges::count_if(model.parts, &Part::is_input);
    require<ConfigError>(static_cast<std::size_t>(all) == parts.size(), "{}: names {} of the model's {} inputs", where,
                         parts.size(), all);
    return parts;
  }

  using Place = std::pair<std::size_t, Index>;  // a part of the model, and which call of it
  using Results = std::map<Place, std::vector<Index>>;

  // Keras 2 gives a nested model a call of its own, number 0; so does Keras 3 where it lists a model's outputs.
  static Index first_call(const Part& part, bool new_style, bool in_outputs) {
    if (!part.model) return 0;
    if (new_style) return in_outputs && part.model->functional ? 1 : 0;
    return part.model->functional || part.model->states_input ? 1 : 0;
  }

  static Place place_of(const FileModel& model, const Reference& reference, bool new_style, bool in_outputs) {
    auto found = model.by_name.find(reference.layer);
    require<ConfigError>(found != model.by_name.end() || model.operation(reference.layer) == nullptr,
                         "model \"{}\": the operation \"{}\" is read where a mask is made of it, not beside layers",
                         model.name, reference.layer);
    require<ConfigError>(found != model.by_name.end(), "model \"{}\": there is no layer \"{}\", which is referred to",
                         model.name, reference.layer);
    return {found->second, reference.call - first_call(model.parts[found->second], new_style, in_outputs)};
  }

  // The node a reference means; nothing if there is no such call.
  static std::optional<Index> find(const FileModel& model, const Reference& reference, bool new_style, bool in_outputs,
                                   const Results& results) {
    auto result = results.find(place_of(model, reference, new_style, in_outputs));
    if (result == results.end()) return std::nullopt;
    require<ConfigError>(reference.tensor < static_cast<Index>(result->second.size()),
                         "model \"{}\": \"{}\" has no output {}", model.name, reference.layer, reference.tensor);
    return result->second[static_cast<std::size_t>(reference.tensor)];
  }

  struct Waiting {
    std::size_t part;
    Index number;
    Call call;
    std::size_t missing = 0;  // inputs that are not computed yet
  };

  std::vector<Waiting> read_calls(const FileModel& model, bool& new_style) {
    std::vector<Waiting> waiting;
    for (std::size_t i = 0; i < model.parts.size(); ++i) {
      const Part& part = model.parts[i];
      if (part.is_input) continue;
      const std::string where = fmt::format("layer \"{}\"", part.name);
      require<ConfigError>(part.calls != nullptr && part.calls->is_list(), "{}: expected a list of inbound_nodes",
                           where);
      Index number = 0;
      for (const Config& config : part.calls->as_list()) {
        waiting.push_back({i, number++, read_call(config, builder_.reading(), where), 0});
        new_style = new_style || waiting.back().call.new_style;
        require<ConfigError>(!waiting.back().call.inputs.empty(), "{}: is called without inputs", where);
      }
    }
    return waiting;
  }

  // Who waits for what, and how much each of them misses.
  static std::map<Place, std::vector<std::size_t>> count_missing(const FileModel& model, std::vector<Waiting>& waiting,
                                                                 const Results& results) {
    std::map<Place, std::vector<std::size_t>> waits_for;
    for (std::size_t i = 0; i < waiting.size(); ++i)
      for (const Reference& reference : waiting[i].call.inputs) {
        const Place place = place_of(model, reference, waiting[i].call.new_style, false);
        if (results.contains(place)) continue;
        waits_for[place].push_back(i);
        ++waiting[i].missing;
      }
    return waits_for;
  }

  void call_one(const FileModel& model, const Waiting& next, Results& results) {
    std::vector<Index> inputs;
    for (const Reference& reference : next.call.inputs)
      inputs.push_back(*find(model, reference, next.call.new_style, false, results));
    results[{next.part, next.number}] = call_part(model.parts[next.part], inputs);
  }

  // Calls a layer once all that it takes is there, in the order of going through the file's list again and again: a
  // call behind the last that it waited for is met in the same round, one before it in the next.
  void call_all(const FileModel& model, std::vector<Waiting> waiting, Results& results) {
    const auto waits_for = count_missing(model, waiting, results);
    std::set<std::pair<std::size_t, std::size_t>> ready;  // the round, and the place in the list
    std::vector<bool> called(waiting.size(), false);
    for (std::size_t i = 0; i < waiting.size(); ++i)
      if (waiting[i].missing == 0) ready.emplace(0, i);
    while (!ready.empty()) {
      const auto [round, next] = *ready.begin();
      ready.erase(ready.begin());
      call_one(model, waiting[next], results);
      called[next] = true;
      const auto waiters = waits_for.find({waiting[next].part, waiting[next].number});
      if (waiters == waits_for.end()) continue;
      for (std::size_t waiter : waiters->second)
        if (--waiting[waiter].missing == 0) ready.emplace(waiter > next ? round : round + 1, waiter);
    }
    const auto stuck = std::ranges::find(called, false);
    require<ConfigError>(
        stuck == called.end(),
        "model \"{}\": layer \"{}\" takes an output that is never computed (a circle, or a call that is not there)",
        model.name,
        stuck == called.end() ? "" : model.parts[waiting[static_cast<std::size_t>(stuck - called.begin())].part].name);
  }

  // The mask that a layer is called with is looked at once the graph is there, which finds masks by itself.
  void note_mask(const FileModel& model, const Waiting& called, const Results& results) {
    const std::string& name = model.parts[called.part].name;
    require<ConfigError>(called.call.masks.size() <= called.call.inputs.size(),
                         "layer \"{}\": is called with more masks than tensors", name);
    for (std::size_t i = 0; i < called.call.masks.size(); ++i) {
      if (called.call.masks[i].layer.empty()) continue;
      GivenMask mask{name, *find(model, called.call.inputs[i], true, false, results)};
      std::set<std::string> seen;
      collect_sources(model, called.call.masks[i], results, seen, mask.sources);
      given_masks.push_back(std::move(mask));
    }
  }

  // Goes back from an operation to what it is made of.
  void collect_sources(const FileModel& model, const Reference& last, const Results& results,
                       std::set<std::string>& seen, MaskSources& sources) {
    std::vector<Reference> waiting{last};
    while (!waiting.empty()) {
      const std::string name = waiting.back().layer;
      waiting.pop_back();
      require<ConfigError>(++mask_steps_ <= most_mask_steps, "the model's masks are made of more than {} operations",
                           most_mask_steps);
      if (!seen.insert(name).second) continue;
      const Config* operation = model.operation(name);
      require<ConfigError>(operation != nullptr,
                           "model \"{}\": a mask is made of \"{}\", which is no operation that is read", model.name,
                           name);
      read_operation(model, name, *operation, results, waiting, sources);
    }
  }

  void read_operation(const FileModel& model, const std::string& name, const Config& object, const Results& results,
                      std::vector<Reference>& waiting, MaskSources& sources) {
    const std::string where = fmt::format("operation \"{}\"", name);
    const std::string& class_name = object.at("class_name").as_string();
    if (class_name == "ZerosLike" || class_name == "OnesLike") return;  // no step is left out by those
    const Config::List& calls = member(object, "inbound_nodes", where).as_list(where);
    require<ConfigError>(calls.size() == 1 && calls[0].is_object(), "{}: expected one call", where);
    const Config::List& arguments = member(calls[0], "args", where).as_list(where);
    if (class_name == "NotEqual") {
      require<ConfigError>(arguments.size() == 2, "{}: expected a tensor and a number", where);
      std::vector<Reference> compared;
      collect_tensors(arguments[0], where, compared);
      require<ConfigError>(compared.size() == 1, "{}: expected a tensor and a number", where);
      const auto node = find(model, compared[0], true, false, results);
      require<ConfigError>(node.has_value(), "{}: \"{}\" has no call {}", where, compared[0].layer, compared[0].call);
      sources.insert({*node, arguments[1].as_real(where)});
      return;
    }
    if (const Config* axis = object.at("config").find("axis"); class_name == "Any")
      require<ConfigError>(axis != nullptr && *axis == Config(-1), "{}: a mask over another axis than the last", where);
    std::vector<Reference> parts;
    for (const Config& argument : arguments)
      if (argument.is_list() || argument.is_object()) collect_tensors(argument, where, parts);
    for (const Reference& part : parts) check_filling(model, class_name, part, where);
    waiting.insert(waiting.end(), parts.begin(), parts.end());
  }

  // Where Keras joins masks it fills up with ones for an input without one, and widens with zeros. Elsewhere these
  // change what is left out.
  static void check_filling(const FileModel& model, std::string_view operation, const Reference& part,
                            std::string_view where) {
    const Config* object = model.operation(part.layer);
    if (object == nullptr) return;
    const std::string& filling = object->at("class_name").as_string();
    const bool is_meant = filling == "OnesLike"    ? operation == "Concatenate"
                          : filling == "ZerosLike" ? operation == "LogicalOr"
                                                   : true;
    require<ConfigError>(is_meant, "{}: a mask of {} and others, which is not supported", where, filling);
  }

  std::vector<Index> call_functional(const FileModel& model, const std::vector<Index>& inputs) {
    const std::vector<std::size_t> places = input_parts(model);
    require<ConfigError>(places.size() == inputs.size(), "model \"{}\": expected {} inputs, got {}", model.name,
                         places.size(), inputs.size());
    Results results;
    for (std::size_t i = 0; i < places.size(); ++i) results[{places[i], 0}] = {inputs[i]};
    bool new_style = false;
    std::vector<Waiting> waiting = read_calls(model, new_style);
    call_all(model, waiting, results);
    for (const Waiting& called : waiting)
      if (!called.call.masks.empty()) note_mask(model, called, results);
    const std::string where = fmt::format("model \"{}\" output_layers", model.name);
    std::vector<Reference> references;
    collect_references(model.config->at("output_layers"), where, references);
    std::vector<Index> outputs;
    for (const Reference& reference : references) {
      const auto node = find(model, reference, new_style, true, results);
      require<ConfigError>(node.has_value(), "{}: \"{}\" has no call {}", where, reference.layer, reference.call);
      outputs.push_back(*node);
    }
    require<ConfigError>(!outputs.empty(), "{}: expected at least one output", where);
    return outputs;
  }

  Builder& builder_;
  Index mask_steps_ = 0;
};

// What the file nests, without how it is wired.
FilePart file_part(const Part& part);

FilePart file_part(const FileModel& model) {
  FilePart result{model.functional ? "Functional" : "Sequential"};
  for (const Part& part : model.parts) result.parts.push_back(file_part(part));
  return result;
}

FilePart file_part(const Part& part) {
  return part.model ? file_part(*part.model) : FilePart{std::string(without_package(part.class_name)), part.layer};
}

// ---- The outermost model ----

// The shape that a Sequential without an InputLayer states at its first layer, however deep, or as a whole.
const Config* stated_input(const Config& config, std::string_view where, Index depth = 0) {
  require<ConfigError>(depth <= deepest_model, "models nest deeper than {} levels", deepest_model);
  const Config::List& layers = layer_list(config, where).as_list();
  if (!layers.empty())
    if (const Config* inner = layers.front().find("config")) {
      if (const Config* shape = stated_shape(*inner)) return shape;
      const bool nested = inner->is_list() || inner->find("layers") != nullptr;
      if (nested)
        if (const Config* shape = stated_input(*inner, where, depth + 1)) return shape;
    }
  const Config* built = config.find("build_input_shape");
  return built != nullptr && !built->is_null() ? built : nullptr;
}

Shape sequential_input(const FileModel& model, const std::vector<Layer>& layers,
                       const std::function<std::optional<std::vector<Index>>()>& first_kernel) {
  const std::string where = fmt::format("model \"{}\"", model.name);
  if (const Config* shape = stated_input(*model.config, where)) return sample_shape(*shape, where);
  // Saved before it was ever built with a shape: the first Dense kernel tells how many features it takes.
  for (const Layer& layer : layers) {
    const std::string_view class_name = layer.class_name();
    if (class_name == "Dense") {
      const auto dimensions = first_kernel();
      if (!dimensions || dimensions->size() != 2 || (*dimensions)[0] < 1 || (*dimensions)[0] > largest) break;
      return Shape{(*dimensions)[0]};
    }
    if (class_name != "Activation" && class_name != "Dropout") break;
  }
  fail<ShapeError>("{}: the file does not say what shape its input has", where);
}

bool is_chain(const Builder& builder) {
  for (std::size_t i = 0; i < builder.nodes.size(); ++i) {
    const GraphNode& node = builder.nodes[i];
    if (node.layer != static_cast<Index>(i) || node.inputs.size() != (i > 0 ? 1u : 0u)) return false;
    if (i > 0 && node.inputs[0] != static_cast<Index>(i) - 1) return false;
  }
  return builder.nodes.size() == builder.layers.size();
}

// Every layer must lead to an output, else it would be computed for nothing; inputs may be idle.
void check_reached(const Builder& builder, const std::vector<Index>& outputs) {
  std::vector<bool> reached(builder.nodes.size(), false), called(builder.layers.size(), false);
  for (Index output : outputs) reached[static_cast<std::size_t>(output)] = true;
  for (std::size_t i = builder.nodes.size(); i-- > 0;) {
    const GraphNode& node = builder.nodes[i];
    const Layer& layer = builder.layers[static_cast<std::size_t>(node.layer)];
    called[static_cast<std::size_t>(node.layer)] = true;
    require<ConfigError>(reached[i] || node.inputs.empty(), "layer \"{}\": leads to no output", layer.name());
    for (Index input : node.inputs) reached[static_cast<std::size_t>(input)] = true;
  }
  for (std::size_t i = 0; i < called.size(); ++i)
    require<ConfigError>(called[i], "layer \"{}\": is never called", builder.layers[i].name());
}

}  // namespace

NetworkPlan read_network(const Config& model_config, Reading& reading,
                         const std::function<std::optional<std::vector<Index>>()>& first_kernel) {
  const std::string where = "model_config";
  require<ConfigError>(model_config.is_object(), "{}: expected an object, got {}", where, model_config.kind());
  const std::string& class_name = text_at(model_config, "class_name", where);
  require<ConfigError>(is_model(class_name),
                       "{}: the model class {} is not supported; maas reads Sequential, Functional and Model", where,
                       class_name);
  const Config* config = model_config.find("config");
  require<ConfigError>(config != nullptr, "{}: the model has no config", where);

  Builder builder(reading);
  ModelReader reader(builder);
  const bool functional = class_name != "Sequential";
  // A Sequential's input must come first in the graph, so room is made for one that the file does not list.
  const Config::List& layers = layer_list(*config, where).as_list();
  const bool lists_input =
      !layers.empty() && layers[0].find("class_name") != nullptr && layers[0].at("class_name") == Config("InputLayer");
  if (!functional && !lists_input) builder.add_layer(Layer(InputLayer{Shape{1}}));
  const FileModel model = reader.read(class_name, *config, true, 0);
  Wiring wiring(builder);
  std::vector<Index> inputs;
  if (functional) {
    inputs = wiring.make_inputs(model);
  } else {
    if (!lists_input) {
      const std::vector<Layer> rest(builder.layers.begin() + 1, builder.layers.end());
      const Shape shape = sequential_input(model, rest, first_kernel);
      const std::string name = builder.free_name(model.parts.front().name + "_input", model.name);
      builder.layers[0] = Layer(InputLayer{shape}).named(name);
    }
    inputs.push_back(builder.add_call(0, {}));
  }
  const std::vector<Index> outputs = wiring.call(model, inputs);
  check_reached(builder, outputs);
  if (!functional && is_chain(builder))
    return {Graph(std::span<const Layer>(builder.layers)), model.name, std::move(reader.groups), file_part(model)};
  NetworkPlan plan{Graph(builder.layers, builder.nodes, inputs, outputs), model.name, std::move(reader.groups),
                   file_part(model)};
  check_masks(plan.graph, wiring.given_masks);
  return plan;
}

}  // namespace maas::inline MAAS_ABI::io
