#include "io/keras_spelling.hpp"

#include <algorithm>
#include <array>

namespace maas::inline MAAS_ABI::io {

namespace {

// Modules whose classes Keras itself defines; all others are somebody's code.
bool is_keras_module(std::string_view module) {
  for (std::string_view root : {"keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras", "builtins"})
    if (module == root || (module.starts_with(root) && module[root.size()] == '.')) return true;
  return false;
}

constexpr std::string_view old_hard_sigmoid = "keras2_hard_sigmoid";

bool is_activation_key(std::string_view key) { return key.ends_with("activation"); }

// Keys that every layer may have and that say nothing about what it computes here, or that are read elsewhere.
constexpr std::array common_keys = {"name",        "trainable",       "dtype",           "batch_input_shape",
                                    "batch_shape", "input_shape",     "input_dtype",     "build_config",
                                    "autocast",    "implementation",  "unroll",          "input_length",
                                    "seed",        "registered_name", "renorm_momentum", "renorm_clipping"};

// A key that the layer does not have may stand there with the value that changes nothing.
bool changes_nothing(std::string_view key, const Config& value) {
  if (std::ranges::find(common_keys, key) != common_keys.end() || value.is_null()) return true;
  if (key == "data_format") return value.is_string() && value.as_string() == "channels_last";
  for (std::string_view off : {"time_major", "zero_output_for_mask", "synchronized", "ragged", "sparse", "optional",
                               "stateful", "renorm", "rms_scaling"})
    if (key == off) return value.is_bool() && !value.as_bool();
  return false;
}

struct Renamed {
  std::string_view class_name, old_key, key;
};
constexpr Renamed keras_1_keys[] = {
    {"Dense", "output_dim", "units"},
    {"Dense", "init", "kernel_initializer"},
    {"Dense", "bias", "use_bias"},
    {"Dense", "W_regularizer", "kernel_regularizer"},
    {"Dense", "b_regularizer", "bias_regularizer"},
    {"Dense", "W_constraint", "kernel_constraint"},
    {"Dense", "b_constraint", "bias_constraint"},
    {"Dropout", "p", "rate"},
};
// Keras 3 takes these by their names of Keras 2 as well, so that is how they are written.
constexpr Renamed keras_2_keys[] = {{"LeakyReLU", "alpha", "negative_slope"}};

std::string_view new_key(const Reading& reading, std::string_view class_name, std::string_view key) {
  for (const Renamed& renamed : keras_2_keys)
    if (renamed.class_name == class_name && renamed.old_key == key) return renamed.key;
  if (reading.keras_1)
    for (const Renamed& renamed : keras_1_keys)
      if (renamed.class_name == class_name && renamed.old_key == key) return renamed.key;
  return key;
}

std::string_view old_key(std::string_view class_name, std::string_view key) {
  for (const Renamed& renamed : keras_2_keys)
    if (renamed.class_name == class_name && renamed.key == key) return renamed.old_key;
  return key;
}

// Layers that may stand as another layer's activation, and the activation that they are.
struct ActivationLayerName {
  std::string_view layer, activation;
};
constexpr ActivationLayerName activation_layers[] = {{"LeakyReLU", "leaky_relu"}, {"ELU", "elu"}, {"ReLU", "ReLU"}};

Config activation_layer(std::string_view layer, Config fields) {
  return Config{}
      .set("module", "keras.layers")
      .set("class_name", layer)
      .set("config", std::move(fields))
      .set("registered_name", Config());
}

// An activation that is a layer with settings of its own, as the activation it is.
Config plain_activation(const Config& value, const Reading& reading) {
  if (value.is_string())
    return reading.keras_2 && value.as_string() == "hard_sigmoid" ? Config(old_hard_sigmoid) : value;
  const Config* class_name = value.find("class_name");
  if (class_name == nullptr) return value;
  Config fields = value.at("config");
  fields.erase("trainable");
  for (const auto& [layer, activation] : activation_layers) {
    if (*class_name != Config(layer)) continue;
    Config renamed{Config::Object{}};
    for (const auto& [key, setting] : fields.as_object()) renamed.set(new_key(reading, layer, key), setting);
    return Config{}.set("class_name", activation).set("config", std::move(renamed));
  }
  return Config{}.set("class_name", *class_name).set("config", std::move(fields));
}

// The reverse.
Config keras_activation(const Config& value, bool for_keras_2, std::string_view where) {
  if (value.is_string()) {
    require<ConfigError>(!for_keras_2 || value.as_string() != "hard_sigmoid",
                         "{}: Keras 2 has another hard_sigmoid; save for any version of Keras instead", where);
    // A layer alone, which no function of Keras' is called after.
    if (value.as_string() == BoundedRelu::class_name) return activation_layer("ReLU", Config::Object{});
    return for_keras_2 && value.as_string() == old_hard_sigmoid ? Config("hard_sigmoid") : value;
  }
  const Config* class_name = value.find("class_name");
  if (class_name == nullptr) return value;
  for (const auto& [layer, activation] : activation_layers) {
    if (*class_name != Config(activation)) continue;
    Config renamed{Config::Object{}};
    for (const auto& [key, setting] : value.at("config").as_object()) renamed.set(old_key(layer, key), setting);
    return activation_layer(layer, std::move(renamed));
  }
  return value;
}

// Activations that came with Keras 3.
constexpr std::array new_activations = {"celu",        "glu",         "hard_shrink", "hard_silu",      "hard_tanh",
                                        "log_sigmoid", "soft_shrink", "sparse_plus", "sparse_sigmoid", "sparsemax",
                                        "squareplus",  "tanh_shrink", "threshold"};

// What the Keras that a file is for makes of an activation that it does not have as it is here.
std::optional<std::string> activation_warning(const Config& value, const Dialect& dialect) {
  const Config* class_name = value.find("class_name");
  const Config& name = class_name != nullptr ? *class_name : value;
  if (!name.is_string()) return std::nullopt;
  const std::string& text = name.as_string();
  if (std::ranges::find(activation_layers, text, &ActivationLayerName::activation) != std::end(activation_layers))
    return std::nullopt;
  if (dialect.for_keras_2 && text == old_hard_sigmoid)
    return "Keras 3 has another hard_sigmoid and gives other numbers";
  if (dialect.for_keras_2 && std::ranges::find(new_activations, text) != new_activations.end())
    return fmt::format("Keras 2 has no activation {} and cannot open the file", text);
  if (text == old_hard_sigmoid || !is_listed<BuiltinActivations>(text))
    return fmt::format("Keras has no activation {} and cannot open the file", text);
  if (text == Threshold::class_name)
    return "Keras cannot run the activation threshold, whose settings no file of its holds";
  if (class_name != nullptr)
    return fmt::format("Keras has no activation {} with settings and cannot open the file", text);
  if (text == Sparsemax::class_name) return "Keras computes sparsemax otherwise and gives other numbers";
  return std::nullopt;
}

// Keras 3 takes one axis alone from the files of Keras 2, and passes over the rest.
bool loses_axes(std::string_view key, const Config& value, const Dialect& dialect) {
  return key == "axis" && !dialect.modules && (value.is_null() || (value.is_list() && value.as_list().size() != 1));
}

// Keras 3 does not take this one by its name alone.
Config keras_initializer(const Config& value) {
  if (value != Config("constant")) return value;
  return Config{}.set("class_name", "Constant").set("config", write_config(Constant{}));
}

// Settings that are objects of a family, by the end of their key.
struct Family {
  std::string_view key_end, module;
};
constexpr Family families[] = {{"_initializer", "keras.initializers"},
                               {"_regularizer", "keras.regularizers"},
                               {"_constraint", "keras.constraints"}};

Config with_module(std::string_view key, const Config& value, const Dialect& dialect) {
  const Config* class_name = value.find("class_name");
  if (!dialect.modules || class_name == nullptr) return value;
  for (const auto& [key_end, module] : families)
    if (key.ends_with(key_end)) return keras_object(module, class_name->as_string(), value.at("config"), dialect);
  return value;
}

// What layers may compute in; quantized weights are not read.
constexpr std::array precisions = {"float32",        "float64", "float16", "bfloat16", "mixed_float16",
                                   "mixed_bfloat16", "int8",    "int16",   "int32",    "int64",
                                   "uint8",          "uint16",  "uint32",  "uint64",   "bool"};

// Where the layer computes in other numbers than this build, its results differ in the last digits.
void note_precision(const Config& dtype, Reading& reading, std::string_view where) {
  const Config* name = &dtype;
  if (dtype.is_object()) name = dtype.at("config").find("name");
  if (name == nullptr || name->is_null()) return;
  const std::string& text = name->as_string(where);
  require<ConfigError>(std::ranges::find(precisions, text) != precisions.end(),
                       "{}: the dtype {} is not known here; maas reads float32, float64 and their like", where, text);
  if (text.find("float16") != std::string::npos)
    reading.warn(fmt::format("{}: computes in {} in Keras; here in {}", where, text,
                             sizeof(Scalar) == 4 ? "float32" : "float64"));
}

}  // namespace

void Reading::warn(std::string text) {
  if (std::ranges::find(warnings, text) == warnings.end()) warnings.push_back(std::move(text));
}

std::string_view without_package(std::string_view class_name) {
  const std::size_t at = class_name.rfind('>');
  return at == std::string_view::npos ? class_name : class_name.substr(at + 1);
}

void check_origin(const Config& object, std::string_view class_name, std::string_view where) {
  const Config* module = object.find("module");
  require<ConfigError>(module == nullptr || module->is_null() || is_keras_module(module->as_string(where)),
                       "{}: {} comes from the module {}, whose code is not run", where, class_name,
                       module == nullptr ? "" : module->text());
  const Config* registered = object.find("registered_name");
  require<ConfigError>(registered == nullptr || registered->is_null() ||
                           without_package(registered->as_string(where)) == without_package(class_name) ||
                           class_name == "function",
                       "{}: {} is registered as {}, which is not known", where, class_name,
                       registered == nullptr ? "" : registered->text());
}

Config plain_value(const Config& value, std::string_view where) {
  if (value.is_list()) {
    Config::List list;
    for (const Config& element : value.as_list()) list.push_back(plain_value(element, where));
    return list;
  }
  if (!value.is_object()) return value;
  const Config* class_name = value.find("class_name");
  if (class_name == nullptr) return plain_fields(value, where);
  const std::string& name = class_name->as_string(where);
  require<ConfigError>(name != "__lambda__" && name != "Lambda", "{}: holds Python code, which maas never runs", where);
  check_origin(value, name, where);
  if (const Config* items = value.find("items")) return plain_value(*items, where);
  const Config& config = value.at("config");
  if (name == "function") return config.as_string(where);
  return Config{}.set("class_name", without_package(name)).set("config", plain_fields(config, where));
}

Config plain_fields(const Config& fields, std::string_view where) {
  Config result{Config::Object{}};
  for (const auto& [key, value] : fields.as_object(where)) {
    if (key == "name" || key == "dtype" || key == "seed" || key == "shared_object_id" || value.is_null()) continue;
    result.append(key, plain_value(value, where));
  }
  return result;
}

Config layer_fields(const CatalogEntry<Layer>& entry, const Config& keras, Reading& reading, std::string_view where) {
  const Config known = entry.make(Config{}).config();
  Config result{Config::Object{}};
  for (const auto& [given, value] : keras.as_object(where)) {
    const std::string_view key = new_key(reading, entry.class_name, given);
    if (key == "dtype") note_precision(value, reading, where);
    if (!known.contains(key) && key.ends_with("_regularizer") && !value.is_null()) {
      reading.warn(fmt::format("{}: the {} is not kept, which changes training only", where, key));
      continue;
    }
    if (!known.contains(key)) {
      require<ConfigError>(changes_nothing(key, value) || (reading.keras_1 && key == "input_dim"),
                           "{}: the setting {} = {} is not known here", where, key, value.text());
      continue;
    }
    Config plain = plain_value(value, std::string(where) + " " + given);
    result.set(key, is_activation_key(key) ? plain_activation(plain, reading) : std::move(plain));
  }
  return result;
}

Config keras_object(std::string_view module, std::string_view class_name, Config config, const Dialect& dialect) {
  Config object{Config::Object{}};
  if (dialect.modules) object.set("module", module);
  object.set("class_name", class_name).set("config", std::move(config));
  if (dialect.modules) object.set("registered_name", Config());
  return object;
}

Config keras_fields(const Layer& layer, const Dialect& dialect, std::string_view where) {
  Config result{Config::Object{}};
  const Config own = layer.config();
  for (const auto& [key, value] : own.as_object()) {
    const std::string written(old_key(layer.class_name(), key));
    if (is_activation_key(key))
      result.append(written, keras_activation(value, dialect.for_keras_2, where));
    else
      result.append(written,
                    with_module(key, key.ends_with("_initializer") ? keras_initializer(value) : value, dialect));
  }
  return result;
}

std::vector<std::string> warnings_of_layer(const Layer& layer, const Dialect& dialect) {
  if (!is_listed<BuiltinLayers>(layer.class_name()))
    return {fmt::format("Keras has no layer {} and opens the file only with one of that name (custom_objects)",
                        layer.class_name())};
  std::vector<std::string> warnings;
  if (dialect.for_keras_2 && layer.as<RMSNormalization>())
    warnings.emplace_back("Keras 2 has no layer RMSNormalization and cannot open the file");
  const Config own = layer.config();
  for (const auto& [key, value] : own.as_object()) {
    if (loses_axes(key, value, dialect))
      warnings.push_back(fmt::format(
          "Keras 3 passes over axis = {} in an .h5 and takes the last; a .keras tells it all", value.text()));
    if (!is_activation_key(key)) continue;
    if (auto warning = activation_warning(value, dialect)) warnings.push_back(*std::move(warning));
  }
  return warnings;
}

Config without_defaults(const Config& config, const Config& defaults, std::span<const std::string_view> always) {
  Config result{Config::Object{}};
  for (const auto& [key, value] : config.as_object()) {
    const Config* usual = defaults.find(key);
    const bool wanted = std::ranges::find(always, std::string_view(key)) != always.end();
    if (wanted || usual == nullptr || !(*usual == value)) result.append(key, value);
  }
  return result;
}

}  // namespace maas::inline MAAS_ABI::io
