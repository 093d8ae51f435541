// read_recipe: from JSON to a recipe.
#include <cmath>
#include <filesystem>
#include <limits>

#include "io/json.hpp"
#include "io/keras_config.hpp"
#include "maas/core/read_file.hpp"
#include "maas/layers/input_layer.hpp"
#include "recipe/keys.hpp"
#include "recipe/parts.hpp"
#include "recipe/paths.hpp"
#include "recipe/run.hpp"
#include "recipe/space.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

struct Reader {
  Place place;
  const std::string& folder;

  // ---- Plain values ----

  template <class Value>
  requires(!std::is_enum_v<Value> && !HasKeys<Value>) && requires(const Config& config, Value& value) {
    from_config(config, "", value);
  }
  void read(const Config& config, Value& value) const { from_config(config, place.text(), value); }

  void read(const Config& config, std::int64_t& value) const { value = config.as_integer(place.text()); }

  void read(const Config& config, char& value) const {
    const std::string& text = config.as_string(place.text());
    require<ConfigError>(text.size() <= 1, "{}: expected one character, got {}", place.text(), shown(config));
    value = text.empty() ? '\0' : text[0];
  }

  // A list of texts, or one text.
  void read(const Config& config, std::vector<std::string>& values) const {
    values.clear();
    if (config.is_string()) return values.push_back(config.as_string());
    const Config::List& list = config.as_list(place.text());
    for (std::size_t i = 0; i < list.size(); ++i) values.push_back(list[i].as_string(place.item(i).text()));
  }

  template <class Enum>
  requires requires { EnumNames<Enum>::names; }
  void read(const Config& config, Enum& value) const {
    const std::string& text = config.as_string(place.text());
    std::vector<std::string> known;
    for (std::size_t i = 0; i < std::size(EnumNames<Enum>::names); ++i) {
      if (EnumNames<Enum>::names[i] == text) {
        value = static_cast<Enum>(i);
        return;
      }
      known.emplace_back(EnumNames<Enum>::names[i]);
    }
    fail_unknown(place, "one", text, known);
  }

  template <class Enum>
  requires requires { EnumNames<Enum>::names; }
  void read(const Config& config, std::optional<Enum>& value) const { read(config, value.emplace()); }

  template <class Value>
  void read(const Config& config, std::map<std::string, Value>& values) const {
    for (const auto& [name, value] : config.as_object(place.text()))
      Reader{place.key(name), folder}.read(value, values[name]);
  }

  void read(const Config& config, ClassWeights& value) const {
    if (config.is_string()) {
      require<ConfigError>(config.as_string() == "balanced", "{}: expected \"balanced\" or an object, got {}",
                           place.text(), shown(config));
      value.balanced = true;
      return;
    }
    read(config, value.weights);
    for (const auto& [name, weight] : value.weights)
      require<ConfigError>(weight >= 0 && std::isfinite(weight), "{}: expected a number of at least 0, got {}",
                           place.key(name).text(), weight);
  }

  // ---- Parts ----

  template <class Part, class Make>
  void read_list(const Config& config, std::vector<Part>& parts, Make&& make) const {
    const Config::List& list = config.as_list(place.text());
    for (std::size_t i = 0; i < list.size(); ++i) parts.push_back(make(list[i], place.item(i)));
  }

  void read(const Config& config, std::vector<Layer>& layers) const { read_list(config, layers, read_layer); }
  void read(const Config& config, std::vector<Step>& steps) const { read_list(config, steps, read_step); }
  void read(const Config& config, std::vector<Metric>& metrics) const { read_list(config, metrics, read_metric); }
  void read(const Config& config, std::vector<std::function<Callback()>>& callbacks) const {
    read_list(config, callbacks, [&](const Config& given, const Place& where) -> std::function<Callback()> {
      read_callback(given, where, folder);  // what is wrong with it is said now
      return [given, where, in = folder] { return read_callback(given, where, in); };
    });
  }
  void read(const Config& config, std::vector<Index>& values) const {
    values.clear();
    const Config::List& list = config.as_list(place.text());
    for (std::size_t i = 0; i < list.size(); ++i) values.push_back(list[i].as_integer(place.item(i).text()));
  }
  void read(const Config& config, std::optional<Index>& value) const {
    value = config.is_null() ? std::optional<Index>() : config.as_integer(place.text());
  }
  void read(const Config& config, SearchSpace& space) const { space = read_space(config, place); }
  void read(const Config& config, Optimizer& optimizer) const { optimizer = read_optimizer(config, place); }
  void read(const Config& config, std::optional<Loss>& loss) const { loss = read_loss(config, place); }
  void read(const Config& config, std::optional<Graph>& graph) const {
    try {
      io::Reading reading;
      graph = io::read_network(config, reading, [] { return std::nullopt; }).graph;
    } catch (const Error& error) {
      fail<ConfigError>("{}: {}", place.text(), error.what());
    }
  }

  // ---- Sections ----

  template <HasKeys Section>
  void read(const Config& config, std::optional<Section>& section) const {
    read(config, section.emplace());
  }

  template <HasKeys Section>
  void read(const Config& config, Section& section) const {
    require<ConfigError>(config.is_object(), "{}: expected an object, got {}", place.text(), shown(config));
    std::vector<std::string> known;
    list_keys(section, [&](std::string_view name, auto& value, std::string_view) {
      known.emplace_back(name);
      if (const Config* given = config.find(name)) Reader{place.key(name), folder}.read(*given, value);
    });
    for (const auto& [name, value] : config.as_object())
      if (std::ranges::find(known, name) == known.end()) fail_unknown(place, "keys", name, known);
  }
};

// ---- What no single key can tell ----

void require_key(bool there, const Place& place, std::string_view key) {
  require<ConfigError>(there, "{}: expected a key \"{}\", got none", place.text(), key);
}

void check_at_least(std::int64_t least, std::int64_t value, const Place& place) {
  require<ConfigError>(value >= least, "{}: expected a number of at least {}, got {}", place.text(), least, value);
}

void check_split(const RecipeSplit& split, const Place& place) {
  for (const auto& [name, share] : {std::pair("validation", split.validation), std::pair("test", split.test)})
    require<ConfigError>(share >= 0 && share < 1, "{}: expected a share from 0 to below 1, got {}",
                         place.key(name).text(), share);
  require<ConfigError>(split.validation + split.test < 1, "{}: expected shares that leave rows for training, got {}",
                       place.text(), split.validation + split.test);
  const bool named = !split.validation_groups.empty() || !split.test_groups.empty();
  const bool labelled = split.by == SplitBy::group || split.by == SplitBy::stratified;
  require<ConfigError>(!named || split.by == SplitBy::group, "{}: expected \"by\": \"group\" beside names of groups",
                       place.text());
  require<ConfigError>(!named || (split.validation == 0 && split.test == 0),
                       "{}: expected shares or names of groups, got both", place.text());
  require<ConfigError>(labelled || split.column.empty(),
                       "{}: expected \"by\": \"group\" or \"stratified\" beside a column", place.text());
  if (labelled) require_key(!split.column.empty(), place, "column");
}

// What a model to go on from brings with it is not said twice.
void check_base(const Recipe& recipe, const Place& place) {
  const Place base = place.key("base");
  const PipelineOptions& pipeline = recipe.pipeline;
  require<ConfigError>(!recipe.forecast, "{}: expected no forecast beside it, as a forecaster's file has its own",
                       base.text());
  require<ConfigError>(pipeline.steps.empty() && pipeline.features.empty() && pipeline.targets.empty() &&
                           recipe.network.layers.empty() && !recipe.network.graph,
                       "{}: expected no network and no pipeline beside it, as it has its own", base.text());
}

void check_folds(const Recipe& recipe, const Place& place) {
  const RecipeFolds& folds = *recipe.cross_validation;
  const bool labelled = folds.by == FoldsBy::group || folds.by == FoldsBy::stratified;
  const bool rolling = folds.by == FoldsBy::rolling_origin;
  check_at_least(2, folds.n_splits, place.key("n_splits"));
  require<ConfigError>(folds.n_splits <= 1000, "{}: expected at most 1000 folds, got {}", place.key("n_splits").text(),
                       folds.n_splits);
  check_at_least(0, folds.seed, place.key("seed"));
  check_at_least(1, folds.test_size.value_or(1), place.key("test_size"));
  check_at_least(1, folds.max_train_size.value_or(1), place.key("max_train_size"));
  check_at_least(0, folds.gap, place.key("gap"));
  require<ConfigError>(!recipe.forecast || rolling,
                       "{}: expected \"rolling_origin\" for a forecast, as what is forecast comes later",
                       place.key("by").text());
  require<ConfigError>(rolling || (!folds.test_size && !folds.max_train_size && folds.gap == 0),
                       "{}: expected \"by\": \"rolling_origin\" beside test_size, max_train_size and gap",
                       place.text());
  require<ConfigError>(!rolling || !folds.shuffle, "{}: expected false for rolling_origin, which keeps the order",
                       place.key("shuffle").text());
  require<ConfigError>(labelled || folds.column.empty(),
                       "{}: expected \"by\": \"group\" or \"stratified\" beside a column", place.text());
  if (labelled) require_key(!folds.column.empty(), place, "column");
  require<ConfigError>(recipe.base.empty(), "{}: expected none beside a base, which may have learned from any row",
                       place.text());
}

void check_tuner(const Recipe& recipe, const Place& place) {
  const RecipeTuner& tuner = *recipe.tuner;
  const bool halving = tuner.method == TunerMethod::successive_halving;
  require<ConfigError>(!tuner.space.names().empty(), "{}: expected paths of keys, such as \"training.batch_size\"",
                       place.key("space").text());
  require<ConfigError>(recipe.split.validation > 0 || !recipe.split.validation_groups.empty(),
                       "{}: expected rows in split for validation, which trials are judged on", place.text());
  require<ConfigError>(tuner.trials >= 1 && tuner.trials <= 1000000, "{}: expected from 1 to 1000000, got {}",
                       place.key("trials").text(), tuner.trials);
  require<ConfigError>(tuner.threads >= 0 && tuner.threads <= 1024, "{}: expected from 0 to 1024, got {}",
                       place.key("threads").text(), tuner.threads);
  check_at_least(0, tuner.seed, place.key("seed"));
  check_at_least(2, tuner.factor, place.key("factor"));
  check_at_least(1, tuner.min_resources, place.key("min_resources"));
  const Index most = tuner.max_resources.value_or(recipe.training.epochs);
  require<ConfigError>(!halving || (most >= tuner.min_resources && most <= std::numeric_limits<int>::max()),
                       "{}: expected epochs of at least min_resources, {}, got {}", place.key("max_resources").text(),
                       tuner.min_resources, most);
  const TunerObjective wanted = tuner.objective;
  require<ConfigError>(!recipe.forecast || wanted == TunerObjective::automatic || wanted == TunerObjective::by_mae ||
                           wanted == TunerObjective::by_rmse || wanted == TunerObjective::by_r2,
                       "{}: expected mae, rmse or r2 for a forecast", place.key("objective").text());
}

void check_times(const RecipeTimes& times, const Place& place) {
  require<ConfigError>(!times.column.empty(), "{}: expected the name of a column, got none",
                       place.key("column").text());
  require<ConfigError>(parse_time(times.start).has_value(), "{}: expected a time such as 2012-03-01 00:00, got \"{}\"",
                       place.key("start").text(), times.start);
  constexpr double most = 366 * seconds_a_day;  // products with numbers of rows stay times
  require<ConfigError>(times.seconds > 0 && times.seconds <= most,
                       "{}: expected a number above 0 and at most {}, got {}", place.key("seconds").text(), most,
                       times.seconds);
}

// Folds of a stream are runs of its rows.
void check_stream_folds(const RecipeFolds& folds, const Place& place) {
  require<ConfigError>(folds.by == FoldsBy::k_fold || folds.by == FoldsBy::rolling_origin,
                       "{}: expected \"k_fold\" or \"rolling_origin\" beside data.stream, whose folds are runs of rows",
                       place.key("by").text());
  require<ConfigError>(!folds.shuffle, "{}: expected false beside data.stream, whose folds are runs of rows",
                       place.key("shuffle").text());
}

// Of a forecast in a stream.
void check_stream_forecast(const Recipe& recipe, const Place& place) {
  const std::pair<bool, const char*> others[] = {{recipe.tuner.has_value(), "tuner"},
                                                 {recipe.cross_validation.has_value(), "cross_validation"}};
  for (const auto& [there, key] : others)
    require<ConfigError>(!there,
                         "{}: expected none beside data.stream and a forecast, as its trainings would each read the "
                         "files in passes of their own; it learns from readings in memory",
                         place.key(key).text());
  const Place forecast = place.key("forecast");
  for (const auto& [there, key] :
       {std::pair(!recipe.forecast->series.empty(), "series"), {!recipe.forecast->options.known.empty(), "known"}})
    require<ConfigError>(!there, "{}: expected none beside data.stream, whose rows are one series of sensors alone",
                         forecast.key(key).text());
}

void check_stream(const Recipe& recipe, const Place& place) {
  const Place stream = place.key("data").key("stream");
  const RecipeStream& wanted = *recipe.data.stream;
  check_at_least(0, wanted.block_rows, stream.key("block_rows"));
  require<ConfigError>(wanted.mixed_blocks >= 1 && wanted.mixed_blocks <= 1 << 20,
                       "{}: expected from 1 to 1048576 blocks, got {}", stream.key("mixed_blocks").text(),
                       wanted.mixed_blocks);
  require<ConfigError>(recipe.split.by == SplitBy::time, "{}: expected \"time\" beside data.stream",
                       place.key("split").key("by").text());
  if (recipe.forecast) check_stream_forecast(recipe, place);
  if (recipe.cross_validation) check_stream_folds(*recipe.cross_validation, place.key("cross_validation"));
  const std::pair<bool, Place> others[] = {
      {recipe.data.drop_duplicates, place.key("data").key("drop_duplicates")},
      {!recipe.output.predictions.empty() && !recipe.forecast, place.key("output").key("predictions")},
      {recipe.training.class_weight.balanced, place.key("training").key("class_weight")}};
  for (const auto& [there, key] : others)
    require<ConfigError>(!there, "{}: expected none beside data.stream, as it needs all rows in memory", key.text());
}

void check_training(const RecipeTraining& training, const Place& place) {
  check_at_least(1, training.epochs, place.key("epochs"));
  check_at_least(1, training.batch_size, place.key("batch_size"));
  require<ConfigError>(training.batch_size <= (Index{1} << 31), "{}: expected at most 2147483648 samples, got {}",
                       place.key("batch_size").text(), training.batch_size);
  check_at_least(0, training.seed, place.key("seed"));
  check_at_least(1, training.validation_freq, place.key("validation_freq"));
  check_at_least(1, training.backup_freq.value_or(1), place.key("backup_freq"));
  require<ConfigError>(training.backup_seconds >= 0 && std::isfinite(training.backup_seconds),
                       "{}: expected a finite number of at least 0, got {}", place.key("backup_seconds").text(),
                       training.backup_seconds);
}

// What a part says of itself, with the place of its key before it.
template <class Check>
void check_part(const Place& place, const Check& check) {
  try {
    check();
  } catch (const Error& error) {
    fail<ConfigError>("{}: {}", place.text(), error.what());
  }
}

void check_intervals(const Recipe& recipe, const Place& forecast) {
  const RecipeForecast& wanted = *recipe.forecast;
  const Place intervals = forecast.key("intervals"), alarm = forecast.key("alarm");
  require<ConfigError>(!wanted.alarm || wanted.intervals, "{}: expected intervals, which give chances, beside it",
                       alarm.text());
  if (!wanted.intervals) return;
  check_part(intervals, [&] { wanted.intervals->check(); });
  require<ConfigError>(recipe.split.validation > 0,
                       "{}: expected a share in split for validation, which calibrates them, got {}", intervals.text(),
                       recipe.split.validation);
  if (wanted.alarm) check_part(alarm, [&] { wanted.alarm->check(wanted.options.windows.horizons); });
}

}  // namespace

void check_forecast(const Recipe& recipe, const Place& place) {
  for (const auto& [key, names] :
       {std::pair("features", &recipe.pipeline.features), std::pair("targets", &recipe.pipeline.targets)})
    require<ConfigError>(names->empty(), "{}: expected none beside a forecast, which has sensors in their place",
                         place.key("pipeline").key(key).text());
  require<ConfigError>(recipe.split.by == SplitBy::time, "{}: expected \"time\", as what is forecast comes later",
                       place.key("split").key("by").text());
  require<ConfigError>(!recipe.network.graph, "{}: expected layers, which stand between the windows and the output",
                       place.key("network").key("keras").text());
  require<ConfigError>(recipe.network.embedding >= 1 && recipe.network.embedding <= 1000000,
                       "{}: expected from 1 to 1000000 numbers, got {}", place.key("network").key("embedding").text(),
                       recipe.network.embedding);
  const Place forecast = place.key("forecast");
  require<ConfigError>(recipe.forecast->networks >= 1 && recipe.forecast->networks <= 1000,
                       "{}: expected from 1 to 1000 networks, got {}", forecast.key("networks").text(),
                       recipe.forecast->networks);
  check_part(forecast.key("windows"), [&] { recipe.forecast->options.windows.check(); });
  check_part(forecast, [&] { recipe.forecast->options.check(); });
  check_intervals(recipe, forecast);
  require<ConfigError>(recipe.training.class_weight.weights.empty() && !recipe.training.class_weight.balanced,
                       "{}: expected none for forecasts, which have no classes",
                       place.key("training").key("class_weight").text());
}

namespace {

void check_margin(const PipelineOptions& pipeline, const Place& place) {
  require<ConfigError>(pipeline.range_margin >= 0 && std::isfinite(pipeline.range_margin),
                       "{}: expected a finite number of at least 0, got {}", place.key("range_margin").text(),
                       pipeline.range_margin);
}

std::string problem_of_layers(const RecipeNetwork& network, const Place& place, Index inputs) {
  try {
    std::vector<Layer> chain{InputLayer{Shape{inputs}}};
    chain.insert(chain.end(), network.layers.begin(), network.layers.end());
    check_sizes(chain, place);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// How many inputs there are the rows tell. What layers say whatever their number is wrong without a look at these.
void check_layers(const RecipeNetwork& network, const Place& place) {
  const std::string problem = problem_of_layers(network, place, 7);
  require<ConfigError>(problem.empty() || problem != problem_of_layers(network, place, 12), "{}", problem);
}

void check(const Recipe& recipe, const Place& place) {
  require_key(!recipe.data.files.empty(), place.key("data"), "files");
  for (std::size_t i = 0; i < recipe.data.files.size(); ++i)
    require<ConfigError>(!recipe.data.files[i].empty(), "{}: expected the name of a file, got an empty one",
                         place.key("data").key("files").item(i).text());
  if (recipe.data.times) check_times(*recipe.data.times, place.key("data").key("times"));
  check_split(recipe.split, place.key("split"));
  check_row_order(recipe, recipe.pipeline.steps);
  check_margin(recipe.pipeline, place.key("pipeline"));
  check_part(place.key("pipeline"), [&] { Pipeline(recipe.pipeline); });
  if (!recipe.base.empty()) check_base(recipe, place);
  if (recipe.forecast)
    check_forecast(recipe, place);
  else if (recipe.base.empty())
    require_key(!recipe.pipeline.targets.empty(), place.key("pipeline"), "targets");
  require_key(!recipe.network.layers.empty() || recipe.network.graph || recipe.forecast || !recipe.base.empty(),
              place.key("network"), "layers");
  require<ConfigError>(recipe.network.layers.empty() || !recipe.network.graph, "{}: expected layers or keras, got both",
                       place.key("network").text());
  check_layers(recipe.network, place.key("network"));
  check_at_least(0, recipe.network.seed, place.key("network").key("seed"));
  check_at_least(0, recipe.split.seed, place.key("split").key("seed"));
  if (recipe.base.empty()) require_key(recipe.training.compile.loss.has_value(), place.key("training"), "loss");
  check_training(recipe.training, place.key("training"));
  if (recipe.cross_validation) check_folds(recipe, place.key("cross_validation"));
  if (recipe.tuner) check_tuner(recipe, place.key("tuner"));
  if (recipe.data.stream) check_stream(recipe, place);
  const bool measured = recipe.split.test > 0 || !recipe.split.test_groups.empty();
  require<ConfigError>(recipe.output.predictions.empty() || measured,
                       "{}: expected test rows in split, whose predictions are to be written",
                       place.key("output").key("predictions").text());
}

// ---- Changes from outside ----

Config value_of(const std::string& text) {
  try {
    return io::parse_json(text, "--set");
  } catch (const Error&) {
    return text;
  }
}

Config with_changes(Config recipe, const std::vector<std::string>& changes) {
  for (const std::string& change : changes) {
    const std::size_t sign = change.find('=');
    const std::string_view path = std::string_view(change).substr(0, std::min(sign, change.size()));
    const std::string where = "--set " + change;
    check_path(path, where);
    require<ConfigError>(sign != std::string::npos, "{}: expected \"=\" and a value behind the path", where);
    recipe = with_value(recipe, path, value_of(change.substr(sign + 1)), where);
  }
  return recipe;
}

Recipe recipe_from(const Config& config, const std::string& name, const std::string& folder) {
  const Place place{name};
  Recipe recipe;
  recipe.source = name;
  recipe.folder = folder;
  Reader{place, folder}.read(config, recipe);
  check(recipe, place);
  return recipe;
}

Recipe recipe_of(std::string_view json, const std::string& name, const std::string& folder,
                 const std::vector<std::string>& changes) {
  Config config = with_changes(io::parse_json(json, name), changes);
  config.erase("$schema");
  Recipe recipe = recipe_from(config, name, folder);
  if (recipe.tuner)
    connect_space(recipe, config, [name, folder](const Config& given) { return recipe_from(given, name, folder); });
  return recipe;
}

std::string text_of_file(const std::string& path) {
  std::string text = read_file(path);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  return text;
}

}  // namespace

}  // namespace maas::inline MAAS_ABI::recipe

namespace maas::inline MAAS_ABI {

Recipe read_recipe(const std::string& path, const std::vector<std::string>& changes) {
  const std::filesystem::path file(path);
  return recipe::recipe_of(recipe::text_of_file(path), path, file.parent_path().string(), changes);
}

Recipe parse_recipe(std::string_view json, const std::string& name, const std::vector<std::string>& changes) {
  return recipe::recipe_of(json, name, "", changes);
}

}  // namespace maas::inline MAAS_ABI
