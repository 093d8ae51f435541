#include "io/keras_training.hpp"

#include <algorithm>
#include <array>

#include "maas/core/find_by_name.hpp"

namespace maas::inline MAAS_ABI::io {

namespace {

// ---- Optimizers ----

// The settings of Keras' plain decay: rate / (1 + decay * step), which is a schedule now.
Config decayed(const Config& rate, double decay) {
  require<ConfigError>(rate.is_number(), "decay: expected a number as learning rate beside it, got {}", rate.text());
  return to_config(
      LearningRate(InverseTimeDecay{.initial_learning_rate = rate.as_real(), .decay_steps = 1, .decay_rate = decay}));
}

// Keys that say nothing, or only how Keras computes.
bool is_idle(std::string_view key, const Config& value) {
  constexpr std::array idle = {"name", "is_legacy_optimizer", "jit_compile", "schedule_decay", "decay", "lr"};
  return value.is_null() || std::ranges::find(idle, key) != idle.end();
}

Config optimizer_fields(const Config& keras, const Writer& writer, std::string_view where) {
  Config fields{Config::Object{}};
  for (const auto& [key, value] : keras.as_object(where)) {
    if (is_idle(key, value)) continue;
    if (key == "weight_decay" && value.is_bool() && !value.as_bool()) continue;
    const bool of_all = key == "clipnorm" && writer.before_tensorflow;
    fields.set(of_all ? "global_clipnorm" : key, plain_value(value, where));
  }
  if (const Config* rate = keras.find("lr"))
    if (!fields.contains("learning_rate")) fields.set("learning_rate", *rate);
  if (const Config* decay = keras.find("decay"))
    if (decay->is_number() && decay->as_real() != 0 && fields.contains("learning_rate"))
      fields.set("learning_rate", decayed(fields.at("learning_rate"), decay->as_real()));
  return fields;
}

SlotOrder slot_order(const Config& object, const Writer& writer) {
  if (writer.keras_3) return SlotOrder::interleaved;
  if (object.is_string()) return SlotOrder::interleaved;
  if (object.at("class_name").as_string().starts_with("Custom>")) return SlotOrder::interleaved;
  const Config* legacy = object.at("config").find("is_legacy_optimizer");
  return legacy != nullptr && legacy->is_bool() && !legacy->as_bool() ? SlotOrder::interleaved : SlotOrder::grouped;
}

// Formulas that Keras has changed since: training goes on, but not to the same digits.
void note_changed_formula(const Optimizer& optimizer, SlotOrder order, Reading& reading) {
  const std::string_view name = optimizer.class_name();
  if (order == SlotOrder::grouped && (name == "RMSprop" || name == "Adagrad"))
    reading.warn(
        fmt::format("optimizer {}: this version of Keras added epsilon after the root; training goes on with "
                    "the formula of Keras 3, which adds it before",
                    name));
  if (order == SlotOrder::grouped && name == "Nadam")
    reading.warn(
        "optimizer Nadam: this version of Keras had another schedule of momentum; training goes on with that "
        "of Keras 3");
}

Optimizer read_optimizer(const Config& object, const Writer& writer) {
  Optimizer optimizer = RMSprop{};
  if (object.is_string()) {
    from_config(object, "optimizer", optimizer);
    return optimizer;
  }
  const std::string name(without_package(object.at("class_name").as_string("optimizer")));
  const std::string where = "optimizer " + name;
  from_config(Config{}.set("class_name", name).set("config", optimizer_fields(object.at("config"), writer, where)),
              where, optimizer);
  return optimizer;
}

// ---- Losses ----

// Lists and objects of one entry are what a model of one output has.
const Config& only_one(const Config& config, std::string_view what) {
  const Config* one = &config;
  while (one->is_list() || (one->is_object() && !one->contains("class_name"))) {
    const std::size_t count = one->is_list() ? one->as_list().size() : one->as_object().size();
    require<ConfigError>(count == 1, "{}: expected one, got {}, for several outputs", what, count);
    one = one->is_list() ? &one->as_list()[0] : &one->as_object()[0].second;
  }
  return *one;
}

// The name of the function that a wrapper wraps; nothing if the object is no wrapper.
std::optional<std::string> wrapped_function(const Config& object, std::string_view where) {
  const Config* config = object.find("config");
  const Config* function = config == nullptr ? nullptr : config->find("fn");
  if (function == nullptr) return std::nullopt;
  return plain_value(*function, where).as_string(where);
}

bool is_wrapper(std::string_view class_name) {
  for (std::string_view wrapper : {"MeanMetricWrapper", "SumOverBatchSizeMetricWrapper", "LossFunctionWrapper"})
    if (class_name == wrapper) return true;
  return false;
}

Loss read_loss(const Config& config) {
  const Config& object = only_one(config, "loss");
  Loss loss = MeanSquaredError{};
  if (object.is_string()) {
    from_config(object, "loss", loss);
    return loss;
  }
  const std::string name(without_package(object.at("class_name").as_string("loss")));
  const std::string where = "loss " + name;
  const std::optional<std::string> function = wrapped_function(object, where);
  if (is_wrapper(name) || name == "function") {
    const Config named = name == "function" ? object.at("config") : Config(function.value_or(""));
    from_config(named, where, loss);
    return loss;
  }
  Config fields = plain_fields(object.at("config"), where);
  fields.erase("fn");
  // A reduction of null leaves one value a row, which is not the same as none given.
  if (const Config* reduction = object.at("config").find("reduction"))
    if (reduction->is_null()) fields.set("reduction", "none");
  from_config(Config{}.set("class_name", name).set("config", std::move(fields)), where, loss);
  return loss;
}

// ---- Metrics ----

bool is_some_accuracy(std::string_view name) {
  return name == "accuracy" || name == "acc" || name == "binary_accuracy" || name == "categorical_accuracy" ||
         name == "sparse_categorical_accuracy";
}

Metric read_metric(const Config& object) {
  Metric metric = MeanSquaredError{};
  if (object.is_string()) {
    from_config(object, "metrics", metric);
    return metric;
  }
  const std::string name(without_package(object.at("class_name").as_string("metrics")));
  const std::string where = "metric " + name;
  if (name == "function") {
    from_config(object.at("config"), where, metric);
    return metric;
  }
  if (is_wrapper(name)) {
    const std::string function = wrapped_function(object, where).value_or("");
    const Config* key = object.at("config").find("name");
    const std::string own = key != nullptr && key->is_string() ? key->as_string() : function;
    // Keras has put the one in place that fits the output; the name that was asked for does so here.
    const bool chosen = (own == "accuracy" || own == "acc") && is_some_accuracy(function);
    from_config(chosen ? Config(own) : Config(function), where, metric);
    return metric.named(own);
  }
  Config fields = plain_fields(object.at("config"), where);
  fields.erase("fn");
  fields.erase("reduction");
  if (const Config* key = object.at("config").find("name")) fields.set("name", *key);
  from_config(Config{}.set("class_name", name).set("config", std::move(fields)), where, metric);
  return metric;
}

// Metrics of one output stand in lists of lists, or by the name of the output.
void collect_metrics(const Config& config, std::vector<Metric>& metrics) {
  if (config.is_null()) return;
  if (config.is_list()) {
    for (const Config& element : config.as_list()) collect_metrics(element, metrics);
  } else if (config.is_object() && !config.contains("class_name")) {
    require<ConfigError>(config.as_object().size() == 1, "metrics: expected those of one output, got {}",
                         config.as_object().size());
    collect_metrics(config.as_object()[0].second, metrics);
  } else {
    metrics.push_back(read_metric(config));
  }
}

std::vector<Metric> read_metrics(const Config& training, std::string_view key) {
  std::vector<Metric> metrics;
  if (const Config* list = training.find(key)) collect_metrics(*list, metrics);
  return metrics;
}

// That of a model's one output.
double read_loss_weight(const Config& training) {
  const Config* weights = training.find("loss_weights");
  if (weights == nullptr || weights->is_null()) return 1;
  const Config& one = only_one(*weights, "loss_weights");
  return one.is_null() ? 1 : one.as_real("loss_weights");
}

// ---- Several outputs ----

bool is_one_object(const Config& config) { return config.is_string() || config.contains("class_name"); }

// What a list, or an object by names, has for each output; null where that is nothing.
std::vector<Config> one_an_output(const Config& config, std::span<const std::string> outputs, std::string_view what) {
  std::vector<Config> result(outputs.size());
  if (config.is_null()) return result;
  if (config.is_list()) {
    require<ConfigError>(config.as_list().size() == outputs.size(), "{}: expected a list of {}, one an output, got {}",
                         what, outputs.size(), config.as_list().size());
    result = config.as_list();
    return result;
  }
  for (const auto& [name, value] : config.as_object(what)) {
    const auto found = std::ranges::find(outputs, name);
    require<ConfigError>(found != outputs.end(), "{}: there is no output \"{}\"", what, name);
    result[static_cast<std::size_t>(found - outputs.begin())] = value;
  }
  return result;
}

std::vector<Config> losses_of(const Config& config, std::span<const std::string> outputs) {
  if (!config.is_null() && !config.is_list() && is_one_object(config))
    return std::vector<Config>(outputs.size(), config);
  return one_an_output(config, outputs, "loss");
}

// Keras 2 takes a plain list of metrics as those of every output, Keras 3 as one an output.
std::vector<Config> metrics_of(const Config& config, const Writer& writer, std::span<const std::string> outputs,
                               std::string_view what) {
  const auto is_plain = [](const Config& entry) {
    return !entry.is_null() && !entry.is_list() && is_one_object(entry);
  };
  if (config.is_list() && !writer.keras_3 && std::ranges::all_of(config.as_list(), is_plain))
    return std::vector<Config>(outputs.size(), config);
  return one_an_output(config, outputs, what);
}

// tf_keras has put the output's name in front of the metric's.
std::vector<Metric> read_metrics_of(const Config& config, const std::string& output) {
  const std::string front = output + "_";
  std::vector<Config> objects;
  if (config.is_list())
    objects = config.as_list();
  else if (!config.is_null())
    objects.push_back(config);
  std::vector<Metric> metrics;
  for (Config& object : objects) {
    if (object.is_null()) continue;
    if (!object.is_string() && object.contains("config") && object.at("config").is_object()) {
      const Config* name = object.at("config").find("name");
      if (name != nullptr && name->is_string() && name->as_string().starts_with(front)) {
        Config fields = object.at("config");
        fields.set("name", name->as_string().substr(front.size()));
        object.set("config", std::move(fields));
      }
    }
    metrics.push_back(read_metric(object));
  }
  return metrics;
}

// Settings of one output whose loss has a weight stand where those of several do.
void set_loss_weight(double weight, SavedTraining& training) {
  training.outputs = {{.loss = std::move(training.loss),
                       .loss_weight = weight,
                       .metrics = std::move(training.metrics),
                       .weighted_metrics = std::move(training.weighted_metrics)}};
  training.loss.reset();
  training.metrics.clear();
  training.weighted_metrics.clear();
}

std::vector<OutputOptions> read_outputs(const Config& training, const Writer& writer,
                                        std::span<const std::string> outputs) {
  const auto setting = [&](std::string_view key) {
    const Config* found = training.find(key);
    return found == nullptr ? Config() : *found;
  };
  const std::vector<Config> losses = losses_of(setting("loss"), outputs);
  const std::vector<Config> weights = one_an_output(setting("loss_weights"), outputs, "loss_weights");
  const std::vector<Config> metrics = metrics_of(setting("metrics"), writer, outputs, "metrics");
  const std::vector<Config> weighted = metrics_of(setting("weighted_metrics"), writer, outputs, "weighted_metrics");
  std::vector<OutputOptions> result(outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!losses[i].is_null()) result[i].loss = read_loss(losses[i]);
    if (!weights[i].is_null()) result[i].loss_weight = weights[i].as_real("loss_weights");
    result[i].metrics = read_metrics_of(metrics[i], outputs[i]);
    result[i].weighted_metrics = read_metrics_of(weighted[i], outputs[i]);
  }
  return result;
}

// ---- Writing ----

// Parts that are the user's own, or that only maas has, mean nothing to Keras.
bool keras_has(const Loss& loss) {
  for (std::string_view own : {QuantileLoss::class_name, Masked::class_name})
    if (loss.class_name() == own) return false;
  return is_listed<BuiltinLosses>(loss.class_name());
}

// Metrics by the name of a function, which every version of Keras takes as a text.
bool is_function_metric(std::string_view name) {
  constexpr std::array known = {"accuracy",
                                "acc",
                                "binary_accuracy",
                                "categorical_accuracy",
                                "sparse_categorical_accuracy",
                                "binary_crossentropy",
                                "categorical_crossentropy",
                                "sparse_categorical_crossentropy",
                                "mean_squared_error",
                                "mse",
                                "MSE",
                                "mean_absolute_error",
                                "mae",
                                "MAE",
                                "mean_absolute_percentage_error",
                                "mape",
                                "MAPE",
                                "mean_squared_logarithmic_error",
                                "msle",
                                "MSLE",
                                "poisson",
                                "hinge",
                                "squared_hinge",
                                "categorical_hinge",
                                "kl_divergence",
                                "cosine_similarity"};
  return std::ranges::find(known, name) != known.end();
}

template <class Catalog>
Config default_fields(std::string_view class_name) {
  for (const auto& entry : Catalog::entries())
    if (entry.class_name == class_name) return entry.make(Config{}).config();
  return Config{Config::Object{}};
}

Config keras_loss(const Loss& loss, const Dialect& dialect) {
  const Config own = to_config(loss);
  // Keras' function of this name has no default for its q; the class has.
  if (own.is_string() && loss.class_name() != CategoricalGeneralizedCrossEntropy::class_name) return own;
  Config fields = without_defaults(loss.config(), default_fields<BuiltinLosses>(loss.class_name()));
  // "mean" says the same as the usual reduction, which all versions know.
  if (loss.reduction() == Reduction::sum || loss.reduction() == Reduction::mean_with_sample_weight)
    fields.set("reduction", to_text(loss.reduction()));
  return keras_object("keras.losses", loss.class_name(), std::move(fields), dialect);
}

std::optional<Config> keras_metric(const Metric& metric, const Dialect& dialect) {
  const Config own = to_config(metric);
  if (own.is_string() && is_function_metric(own.as_string())) return own;
  const std::string_view class_name = metric.class_name();
  if (!is_listed<BuiltinMetrics>(class_name)) return std::nullopt;
  // Means of losses that Keras has no metric class for, and the accuracy that looks at shapes under a name of its own.
  for (std::string_view unknown :
       {"Huber", "LogCosh", "QuantileLoss", "BinaryFocalCrossentropy", "CategoricalFocalCrossentropy",
        "CategoricalGeneralizedCrossEntropy", "Masked", "accuracy", "Mean", "Sum"})
    if (class_name == unknown) return std::nullopt;
  Config fields = Config{}.set("name", metric.name());
  const Config changed = without_defaults(metric.config(), default_fields<BuiltinMetrics>(class_name));
  for (const auto& [key, value] : changed.as_object()) fields.set(key, value);
  return keras_object("keras.metrics", class_name, std::move(fields), dialect);
}

using Warnings = std::vector<std::string>;

// Once each, however many outputs it is said of.
void add_warning(Warnings& warnings, std::string text) {
  if (std::ranges::find(warnings, text) == warnings.end()) warnings.push_back(std::move(text));
}

Config keras_metrics(const std::vector<Metric>& metrics, const Dialect& dialect, Warnings& warnings) {
  Config::List list;
  for (const Metric& metric : metrics)
    if (const auto config = keras_metric(metric, dialect))
      list.push_back(*config);
    else
      add_warning(warnings,
                  fmt::format("metric {}: Keras has no such metric and opens the file without it", metric.name()));
  if (list.empty()) return {};
  return list;
}

Config schedule_object(const Schedule& schedule) {
  return keras_object("keras.optimizers.schedules", schedule.class_name(), schedule.config(), {.modules = true});
}

// A number, or a schedule as Keras writes it; the rate of the next step where Keras has no such schedule.
Config keras_rate(const Optimizer& optimizer, const OptimizerState* state, Warnings& warnings) {
  const LearningRate rate = optimizer.learning_rate();
  const double next = state != nullptr ? next_rate(optimizer, *state) : rate.at(0);
  if (!rate.schedule()) return next;
  if (has_keras_schedule(optimizer)) return schedule_object(*rate.schedule());
  add_warning(
      warnings,
      fmt::format("schedule {}: Keras has no such schedule and opens the file with the rate of the next step, {}",
                  rate.schedule()->class_name(), next));
  return next;
}

// A schedule that stays where it is. Optimizers of Keras 2.11 and later keep no variable for the rate, those of Keras 3
// keep none for a schedule: so both have the same variables.
Config constant_rate(double rate) {
  return schedule_object(ExponentialDecay{.initial_learning_rate = rate, .decay_steps = 1, .decay_rate = 1});
}

Config keras_optimizer(const Optimizer& optimizer, const OptimizerState* state, const Dialect& dialect,
                       Warnings& warnings) {
  Config rate = keras_rate(optimizer, state, warnings);
  if (dialect.modules && !dialect.new_graphs && rate.is_number()) rate = constant_rate(rate.as_real());
  if (optimizer.class_name() == GradientDescent::class_name) {
    add_warning(warnings, "optimizer GradientDescent: Keras opens the file with SGD, which steps on batches");
    return keras_object("keras.optimizers", "SGD",
                        Config{}.set("learning_rate", rate).set("momentum", 0.0).set("nesterov", false), dialect);
  }
  // The settings that all optimizers share are newer than some versions: only those that were changed are written.
  Config fields{Config::Object{}};
  const Config shared = write_config(OptimizerOptions{});
  const Config own = optimizer.config();
  for (const auto& [key, value] : own.as_object()) {
    const Config* usual = shared.find(key);
    if (usual == nullptr || !(*usual == value)) fields.set(key, value);
  }
  fields.set("learning_rate", rate);
  return keras_object("keras.optimizers", optimizer.class_name(), std::move(fields), dialect);
}

// Settings of several outputs, as lists of one entry each.
void set_outputs(const std::vector<OutputOptions>& outputs, const Dialect& dialect, Config& config,
                 Warnings& warnings) {
  Config::List losses, weights, metrics, weighted;
  bool is_weighted = false, has_metrics = false, has_weighted = false;
  for (const OutputOptions& output : outputs) {
    losses.push_back(output.loss ? keras_loss(*output.loss, dialect) : Config());
    weights.push_back(output.loss_weight);
    const auto list = [](Config each, bool& any) {
      any = any || !each.is_null();
      return each.is_null() ? Config(Config::List{}) : each;
    };
    metrics.push_back(list(keras_metrics(output.metrics, dialect, warnings), has_metrics));
    weighted.push_back(list(keras_metrics(output.weighted_metrics, dialect, warnings), has_weighted));
    is_weighted = is_weighted || output.loss_weight != 1;
  }
  config.set("loss", losses)
      .set("metrics", has_metrics ? Config(metrics) : Config())
      .set("weighted_metrics", has_weighted ? Config(weighted) : Config())
      .set("loss_weights", is_weighted ? Config(weights) : Config());
}

// Why Keras cannot have these settings at all, if it cannot.
std::optional<std::string> unknown_to_keras(const SavedTraining& training, const Dialect& dialect) {
  const std::string_view optimizer = training.optimizer.class_name();
  if (optimizer == Lamb::class_name && !dialect.new_graphs)
    return "optimizer Lamb: Keras cannot read a model.h5 with it, not even its own";
  if (optimizer == Lbfgs::class_name || optimizer == LevenbergMarquardt::class_name ||
      !is_listed<BuiltinOptimizers>(optimizer))
    return fmt::format("optimizer {}: Keras has no such optimizer", optimizer);
  const auto of_loss = [](const std::optional<Loss>& loss) -> std::optional<std::string> {
    if (!loss || keras_has(*loss)) return std::nullopt;
    return fmt::format("loss {}: Keras has no such loss", loss->class_name());
  };
  if (auto unknown = of_loss(training.loss)) return unknown;
  for (const OutputOptions& output : training.outputs)
    if (auto unknown = of_loss(output.loss)) return unknown;
  return std::nullopt;
}

// A Masked is as unknown as the loss that it holds.
template <class Builtins>
bool is_read_back(std::string_view class_name, const Config& fields) {
  if (!is_listed<Builtins>(class_name)) return false;
  if (class_name != Masked::class_name) return true;
  const Config& held = fields.at("loss");
  return !held.is_object() || is_read_back<BuiltinLosses>(held.at("class_name").as_string("loss"), held.at("config"));
}

// Why maas will not read back these settings from its own part of the file, if it will not: parts of the user's own are
// in no catalog.
std::optional<std::string> unknown_to_maas(const SavedTraining& training) {
  if (!is_listed<BuiltinOptimizers>(training.optimizer.class_name()))
    return fmt::format("optimizer {}", training.optimizer.class_name());
  const auto& schedule = training.optimizer.learning_rate().schedule();
  if (schedule && !is_listed<BuiltinSchedules>(schedule->class_name()))
    return fmt::format("schedule {}", schedule->class_name());
  std::optional<std::string> unknown;
  const auto look_at = [&](const std::optional<Loss>& loss, const std::vector<Metric>& metrics,
                           const std::vector<Metric>& weighted) {
    if (loss && !is_read_back<BuiltinLosses>(loss->class_name(), loss->config()))
      unknown = fmt::format("loss {}", loss->class_name());
    for (const auto* list : {&metrics, &weighted})
      for (const Metric& metric : *list)
        if (!is_read_back<BuiltinMetrics>(metric.class_name(), metric.config()))
          unknown = fmt::format("metric {}", metric.name());
  };
  look_at(training.loss, training.metrics, training.weighted_metrics);
  for (const OutputOptions& output : training.outputs) look_at(output.loss, output.metrics, output.weighted_metrics);
  return unknown;
}

template <class Part>
Config list_of(const std::vector<Part>& parts) {
  Config::List list;
  for (const Part& part : parts) list.push_back(to_config(part));
  return list;
}

std::optional<Loss> read_own_loss(const Config& config) {
  if (config.at("loss").is_null()) return std::nullopt;
  Loss loss = MeanSquaredError{};
  from_config(config.at("loss"), "loss", loss);
  return loss;
}

std::vector<Metric> read_own_metrics(const Config& config, std::string_view key) {
  std::vector<Metric> metrics;
  for (const Config& object : config.at(key).as_list(key)) {
    metrics.push_back(MeanSquaredError{});
    from_config(object, key, metrics.back());
  }
  return metrics;
}

}  // namespace

std::vector<std::string> output_names(const Graph& graph) {
  std::vector<std::string> names;
  for (Index node : graph.outputs()) names.push_back(graph.name(graph.node(node).layer));
  return names;
}

CompiledAs read_training(const Config& training, const Writer& writer, std::span<const std::string> outputs,
                         Reading& reading) {
  require<ConfigError>(training.is_object(), "training_config: expected an object, got {}", training.kind());
  const Config& optimizer = training.at("optimizer_config");
  CompiledAs result{{read_optimizer(optimizer, writer), {}, {}, {}, {}, {}}, slot_order(optimizer, writer)};
  if (outputs.size() > 1) {
    result.training.outputs = read_outputs(training, writer, outputs);
  } else {
    if (const Config* loss = training.find("loss"))
      if (!loss->is_null()) result.training.loss = read_loss(*loss);
    result.training.metrics = read_metrics(training, "metrics");
    result.training.weighted_metrics = read_metrics(training, "weighted_metrics");
    if (const double weight = read_loss_weight(training); weight != 1) set_loss_weight(weight, result.training);
  }
  note_changed_formula(result.training.optimizer, result.order, reading);
  return result;
}

double next_rate(const Optimizer& optimizer, const OptimizerState& state) {
  const LearningRate rate = optimizer.learning_rate();
  return rate.schedule() ? rate.at(state.step) : state.learning_rate;
}

bool has_keras_schedule(const Optimizer& optimizer) {
  const auto& schedule = optimizer.learning_rate().schedule();
  if (!schedule) return false;
  const std::string_view name = schedule->class_name();
  return name != WarmUp::class_name && name != OneCycle::class_name && is_listed<BuiltinSchedules>(name);
}

std::optional<Config> write_training(const SavedTraining& training, const OptimizerState* state, const Dialect& dialect,
                                     Warnings& warnings) {
  if (const auto unknown = unknown_to_keras(training, dialect)) {
    add_warning(warnings, *unknown + "; Keras opens the file without training settings: compile it there anew");
    return std::nullopt;
  }
  Config config = Config{}.set(dialect.modules ? "optimizer" : "optimizer_config",
                               keras_optimizer(training.optimizer, state, dialect, warnings));
  if (!dialect.modules) config.set("sample_weight_mode", Config());  // TF 1.15 to 2.2 want it; Model.compile has none
  if (!training.outputs.empty()) {
    set_outputs(training.outputs, dialect, config, warnings);
    return config;
  }
  return config.set("loss", training.loss ? keras_loss(*training.loss, dialect) : Config())
      .set("metrics", keras_metrics(training.metrics, dialect, warnings))
      .set("weighted_metrics", keras_metrics(training.weighted_metrics, dialect, warnings))
      .set("loss_weights", Config());
}

std::vector<std::string> warnings_of_own_training(const SavedTraining& training) {
  Warnings warnings;
  if (const auto unknown = unknown_to_maas(training))
    add_warning(warnings,
                *unknown + ": is in no catalog; maas opens the file without training settings: compile it anew");
  if (!training.optimizer.options().exclude_from_weight_decay.empty())
    add_warning(warnings,
                fmt::format("optimizer {}: files do not hold exclude_from_weight_decay; set it again after loading",
                            training.optimizer.class_name()));
  return warnings;
}

Config write_own_training(const SavedTraining& training) {
  Config config = Config{}
                      .set("optimizer", to_config(training.optimizer))
                      .set("loss", training.loss ? to_config(*training.loss) : Config())
                      .set("metrics", list_of(training.metrics))
                      .set("weighted_metrics", list_of(training.weighted_metrics));
  if (training.outputs.empty()) return config;
  Config::List outputs;
  for (const OutputOptions& output : training.outputs)
    outputs.push_back(Config{}
                          .set("loss", output.loss ? to_config(*output.loss) : Config())
                          .set("loss_weight", output.loss_weight)
                          .set("metrics", list_of(output.metrics))
                          .set("weighted_metrics", list_of(output.weighted_metrics)));
  return config.set("outputs", std::move(outputs));
}

SavedTraining read_own_training(const Config& config) {
  SavedTraining training{RMSprop{}, {}, {}, {}, {}, {}};
  from_config(config.at("optimizer"), "optimizer", training.optimizer);
  training.loss = read_own_loss(config);
  training.metrics = read_own_metrics(config, "metrics");
  training.weighted_metrics = read_own_metrics(config, "weighted_metrics");
  if (const Config* outputs = config.find("outputs"))
    for (const Config& output : outputs->as_list("outputs"))
      training.outputs.push_back({.loss = read_own_loss(output),
                                  .loss_weight = output.at("loss_weight").as_real("loss_weight"),
                                  .metrics = read_own_metrics(output, "metrics"),
                                  .weighted_metrics = read_own_metrics(output, "weighted_metrics")});
  return training;
}

}  // namespace maas::inline MAAS_ABI::io
