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
  if (const Config* reduction = fields.find("reduction")) {
    const std::string& text = reduction->as_string(where);
    require<ConfigError>(text == "auto" || text == "sum_over_batch_size",
                         "{}: expected the reduction sum_over_batch_size, got {}", where, text);
  }
  if (const Config* axis = fields.find("axis"))
    require<ConfigError>(axis->as_integer(where) == -1, "{}: expected the axis -1, got {}", where, axis->text());
  for (std::string_view key : {"reduction", "axis", "fn"}) fields.erase(key);
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

// Metrics stand in lists of lists, or by the name of an output.
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

void check_loss_weights(const Config& training) {
  const Config* weights = training.find("loss_weights");
  if (weights == nullptr || weights->is_null()) return;
  const Config& one = only_one(*weights, "loss_weights");
  require<ConfigError>(one.is_null() || one.as_real("loss_weights") == 1,
                       "loss_weights: expected none, got {}, which is not supported", one.text());
}

// ---- Writing ----

template <class Catalog>
bool is_listed(std::string_view class_name) {
  return std::ranges::any_of(Catalog::entries, [&](const auto& entry) { return entry.class_name == class_name; });
}

// Parts that are the user's own, or that only maas has, mean nothing to Keras.
bool keras_has(const Loss& loss) {
  return loss.class_name() != QuantileLoss::class_name && is_listed<BuiltinLosses>(loss.class_name());
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
  for (const auto& entry : Catalog::entries)
    if (entry.class_name == class_name) return entry.make(Config{}).config();
  return Config{Config::Object{}};
}

Config keras_loss(const Loss& loss) {
  const Config own = to_config(loss);
  if (own.is_string()) return own;
  return Config{}
      .set("class_name", loss.class_name())
      .set("config", without_defaults(loss.config(), default_fields<BuiltinLosses>(loss.class_name())));
}

std::optional<Config> keras_metric(const Metric& metric) {
  const Config own = to_config(metric);
  if (own.is_string() && is_function_metric(own.as_string())) return own;
  const std::string_view class_name = metric.class_name();
  if (!is_listed<BuiltinMetrics>(class_name)) return std::nullopt;
  // Means of losses that Keras has no metric class for, and the accuracy that looks at shapes under a name of its own.
  for (std::string_view unknown : {"Huber", "LogCosh", "QuantileLoss", "BinaryFocalCrossentropy",
                                   "CategoricalFocalCrossentropy", "accuracy", "Mean", "Sum"})
    if (class_name == unknown) return std::nullopt;
  Config fields = Config{}.set("name", metric.name());
  const Config changed = without_defaults(metric.config(), default_fields<BuiltinMetrics>(class_name));
  for (const auto& [key, value] : changed.as_object()) fields.set(key, value);
  return Config{}.set("class_name", class_name).set("config", std::move(fields));
}

Config keras_metrics(const std::vector<Metric>& metrics) {
  Config::List list;
  for (const Metric& metric : metrics)
    if (const auto config = keras_metric(metric)) list.push_back(*config);
  if (list.empty()) return {};
  return list;
}

// A number, or a schedule as Keras writes it; the rate of now where Keras has no such schedule.
Config keras_rate(const SavedTraining& training) {
  const LearningRate rate = training.optimizer.learning_rate();
  const double now = training.state ? training.state->learning_rate : rate.at(0);
  if (!rate.schedule() || rate.schedule()->class_name() == WarmUp::class_name ||
      rate.schedule()->class_name() == OneCycle::class_name)
    return now;
  return Config{}
      .set("module", "keras.optimizers.schedules")
      .set("class_name", rate.schedule()->class_name())
      .set("config", rate.schedule()->config())
      .set("registered_name", Config());
}

Config keras_optimizer(const SavedTraining& training) {
  const Optimizer& optimizer = training.optimizer;
  const Config rate = keras_rate(training);
  if (optimizer.class_name() == GradientDescent::class_name)
    return Config{}
        .set("class_name", "SGD")
        .set("config", Config{}.set("learning_rate", rate).set("momentum", 0.0).set("nesterov", false));
  // The settings that all optimizers share are newer than some versions: only those that were changed are written.
  Config fields{Config::Object{}};
  const Config shared = write_config(OptimizerOptions{});
  const Config own = optimizer.config();
  for (const auto& [key, value] : own.as_object()) {
    const Config* usual = shared.find(key);
    if (usual == nullptr || !(*usual == value)) fields.set(key, value);
  }
  fields.set("learning_rate", rate);
  return Config{}.set("class_name", optimizer.class_name()).set("config", std::move(fields));
}

template <class Part>
Config list_of(const std::vector<Part>& parts) {
  Config::List list;
  for (const Part& part : parts) list.push_back(to_config(part));
  return list;
}

}  // namespace

CompiledAs read_training(const Config& training, const Writer& writer, Reading& reading) {
  require<ConfigError>(training.is_object(), "training_config: expected an object, got {}", training.kind());
  const Config& optimizer = training.at("optimizer_config");
  CompiledAs result{{read_optimizer(optimizer, writer), {}, {}, {}, {}}, slot_order(optimizer, writer)};
  if (const Config* loss = training.find("loss"))
    if (!loss->is_null()) result.training.loss = read_loss(*loss);
  result.training.metrics = read_metrics(training, "metrics");
  result.training.weighted_metrics = read_metrics(training, "weighted_metrics");
  check_loss_weights(training);
  note_changed_formula(result.training.optimizer, result.order, reading);
  return result;
}

std::optional<Config> write_training(const SavedTraining& training) {
  if (training.loss && !keras_has(*training.loss)) return std::nullopt;
  // Keras cannot read back a model.h5 of its own that was compiled with Lamb.
  const std::string_view optimizer = training.optimizer.class_name();
  if (!is_listed<BuiltinOptimizers>(optimizer) || optimizer == Lamb::class_name) return std::nullopt;
  return Config{}
      .set("optimizer_config", keras_optimizer(training))
      .set("loss", training.loss ? keras_loss(*training.loss) : Config())
      .set("metrics", keras_metrics(training.metrics))
      .set("weighted_metrics", keras_metrics(training.weighted_metrics))
      .set("sample_weight_mode", Config())
      .set("loss_weights", Config());
}

Config write_own_training(const SavedTraining& training) {
  return Config{}
      .set("optimizer", to_config(training.optimizer))
      .set("loss", training.loss ? to_config(*training.loss) : Config())
      .set("metrics", list_of(training.metrics))
      .set("weighted_metrics", list_of(training.weighted_metrics));
}

SavedTraining read_own_training(const Config& config) {
  SavedTraining training{RMSprop{}, {}, {}, {}, {}};
  from_config(config.at("optimizer"), "optimizer", training.optimizer);
  if (!config.at("loss").is_null()) {
    Loss loss = MeanSquaredError{};
    from_config(config.at("loss"), "loss", loss);
    training.loss = loss;
  }
  for (const auto& [key, metrics] :
       {std::pair("metrics", &training.metrics), std::pair("weighted_metrics", &training.weighted_metrics)})
    for (const Config& object : config.at(key).as_list(key)) {
      metrics->push_back(MeanSquaredError{});
      from_config(object, key, metrics->back());
    }
  return training;
}

}  // namespace maas::inline MAAS_ABI::io
