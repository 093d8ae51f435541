#include "recipe/space.hpp"

#include <algorithm>
#include <cmath>

#include "io/json.hpp"
#include "recipe/paths.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

constexpr std::size_t most_values = 1000;

// How a value of a list that are not all numbers is called in a trial.
std::string text_of(const Config& value) { return value.is_string() ? value.as_string() : io::write_json(value); }

bool all_numbers(const Config::List& list) {
  return std::all_of(list.begin(), list.end(), [](const Config& each) { return each.is_number(); });
}

void add_list(SearchSpace& space, const std::string& path, const Config::List& list, const Place& place) {
  require<ConfigError>(!list.empty() && list.size() <= most_values, "{}: expected 1 to {} values, got {}", place.text(),
                       most_values, list.size());
  if (all_numbers(list)) {
    std::vector<double> numbers;
    for (const Config& each : list) numbers.push_back(each.as_real());
    space.values(path, std::move(numbers));
    return;
  }
  std::vector<std::string> texts;
  for (const Config& each : list) texts.push_back(text_of(each));
  space.choice(path, std::move(texts));
}

bool flag(const Config& range, std::string_view key, const Place& place) {
  const Config* given = range.find(key);
  return given != nullptr && given->as_bool(place.key(key).text());
}

double end_of(const Config& range, std::string_view key, const Place& place) {
  const Config* given = range.find(key);
  require<ConfigError>(given != nullptr, "{}: expected a key \"{}\", got none", place.text(), key);
  return given->as_real(place.key(key).text());
}

void add_range(SearchSpace& space, const std::string& path, const Config& range, const Place& place) {
  const std::vector<std::string> known{"low", "high", "log", "integer"};
  for (const auto& [key, value] : range.as_object())
    if (std::find(known.begin(), known.end(), key) == known.end()) fail_unknown(place, "keys", key, known);
  const double low = end_of(range, "low", place), high = end_of(range, "high", place);
  const bool log = flag(range, "log", place);
  if (!flag(range, "integer", place)) {
    log ? space.log_uniform(path, low, high) : space.uniform(path, low, high);
    return;
  }
  const auto whole = [&](std::string_view key) { return Index(range.at(key).as_integer(place.key(key).text())); };
  log ? space.log_integer(path, whole("low"), whole("high")) : space.integer(path, whole("low"), whole("high"));
}

void add_option(SearchSpace& space, const std::string& path, const Config& given, const Place& place) {
  if (given.is_list()) return add_list(space, path, given.as_list(), place);
  require<ConfigError>(given.is_object(), "{}: expected a list of values, or an object with low and high, got {}",
                       place.text(), shown(given));
  try {
    add_range(space, path, given, place);
  } catch (const Error& error) {
    const std::string_view what = error.what();
    fail<ConfigError>("{}",
                      what.starts_with(place.source + ": ") ? std::string(what) : place.text() + ": " + error.what());
  }
}

// ---- From a trial to a recipe ----

// What a value of a trial is in the recipe's JSON.
Config value_of(const TrialValue& value, const Config& given) {
  if (const auto* whole = std::get_if<Index>(&value)) return static_cast<std::int64_t>(*whole);
  if (given.is_list())
    for (const Config& each : given.as_list()) {
      const auto* number = std::get_if<double>(&value);
      if (number != nullptr ? each.is_number() && each.as_real() == *number
                            : text_of(each) == std::get<std::string>(value))
        return each;
    }
  return std::get<double>(value);
}

std::string section_of(std::string_view path) { return std::string(path.substr(0, path.find_first_of(".["))); }

void copy_section(const std::string& section, const Recipe& from, Recipe& to) {
  if (section == "data") to.data = from.data;
  if (section == "pipeline") to.pipeline = from.pipeline;
  if (section == "forecast") to.forecast = from.forecast;
  if (section == "network") to.network = from.network;
  if (section == "training") to.training = from.training;
}

/// A key that is not to be tuned, and why.
struct FixedKey {
  std::string key, why;
};

void fix_data(const Recipe& recipe, std::vector<FixedKey>& fixed) {
  const RecipeData& data = recipe.data;
  fixed.push_back({"data.files", "says which rows there are"});
  for (const std::string_view key : {"separator", "decimal", "header", "comment", "missing", "dates"})
    fixed.push_back({"data." + std::string(key), "says what the cells of the targets are"});
  fixed.push_back({"data.times", "says when the rows were"});
  fixed.push_back({"data.drop_duplicates", "decides which rows there are"});
  for (const std::string& target : recipe.pipeline.targets)
    fixed.push_back({"data.types." + target, "says what the targets are"});
  if (!recipe.split.column.empty())
    fixed.push_back({"data.types." + recipe.split.column, "says what the split goes by"});
  if (data.drop_duplicates)
    for (const std::string_view key : {"data.types", "data.file_column"})
      fixed.push_back({std::string(key), "decides which rows are the same for data.drop_duplicates"});
  if (!data.stream) fixed.push_back({"data.stream", "decides whether rows are held in memory, not what is learned"});
}

void fix_forecast(std::vector<FixedKey>& fixed) {
  for (const std::string_view key : {"data", "forecast.sensors", "forecast.time", "forecast.series"})
    fixed.push_back({std::string(key), "makes the readings that forecasts are judged by"});
  fixed.push_back({"forecast.windows.horizons", "says what is forecast"});
  fixed.push_back({"forecast.scores", "says how forecasts are judged"});
}

// What is judged, and by what, must be the same in all trials.
std::vector<FixedKey> fixed_keys(const Recipe& recipe) {
  std::vector<FixedKey> fixed{{"split", "decides which rows trials are judged on"},
                              {"base", "brings targets of its own"},
                              {"pipeline.targets", "says what is predicted"}};
  for (const std::string_view key : {"name", "description", "tuner", "cross_validation", "output"})
    fixed.push_back({std::string(key), "is no setting of the training"});
  if (recipe.forecast)
    fix_forecast(fixed);
  else
    fix_data(recipe, fixed);
  if (recipe.tuner->objective == TunerObjective::by_loss) {
    fixed.push_back({"training.loss", "is what trials are judged by"});
    fixed.push_back({"pipeline.steps",
                     "may scale what the loss is reckoned in (any other objective is in the unit of "
                     "the targets)"});
  }
  return fixed;
}

void check_section(const Recipe& recipe, const std::string& path, const Place& place) {
  for (const FixedKey& each : fixed_keys(recipe))
    require<ConfigError>(!lies_within(path, each.key) && !lies_within(each.key, path),
                         "{}: expected a key that leaves what is judged as it is; {} {}", place.text(), each.key,
                         each.why);
  // Its keys say how a stream is read; the whole, whether there is one.
  require<ConfigError>(path != "data.stream", "{}: expected a key within it, such as data.stream.mixed_blocks",
                       place.text());
  const std::vector<std::string> known{"data", "pipeline", "forecast", "network", "training"};
  const std::string section = section_of(path);
  if (std::find(known.begin(), known.end(), section) == known.end()) fail_unknown(place, "keys in", section, known);
  require<ConfigError>(recipe.tuner->method != TunerMethod::successive_halving ||
                           !(lies_within(path, "training.epochs") || path == "training"),
                       "{}: expected none for successive_halving, which spends epochs", place.text());
}

// Those of a list; of a range its ends, and where it is not one of whole numbers one that is none.
std::vector<Config> values_to_try(const Config& given, const Place& place) {
  if (given.is_list()) return given.as_list();
  if (flag(given, "integer", place)) return {given.at("low"), given.at("high")};
  const double low = given.at("low").as_real(), high = given.at("high").as_real();
  return {low, low + 0.3819660112501051 * (high - low), high};
}

// The recipe with each of them.
std::vector<Recipe> check_option(const Config& whole, const std::string& path, const Config& given, const Place& place,
                                 const std::function<Recipe(const Config&)>& parse) {
  std::vector<Recipe> tried;
  for (const Config& value : values_to_try(given, place)) {
    const Config changed = with_value(whole, path, value, place.text());
    try {
      tried.push_back(parse(changed));
    } catch (const Error& error) {
      fail<ConfigError>("{}: {} does not fit: {}", place.text(), shown(value), error.what());
    }
  }
  return tried;
}

// Of what the values of a path have, that which the fewest windows fit.
void take_strictest(ForecastOptions& strictest, const std::string& path, const std::vector<Recipe>& tried) {
  const auto options = [](const Recipe& each) -> const ForecastOptions& { return each.forecast->options; };
  const auto in_all = [&](bool ForecastWindowOptions::*which) {
    return std::ranges::all_of(tried, [&](const Recipe& each) { return options(each).windows.*which; });
  };
  if (path == "forecast.windows.lags")
    strictest.windows.lags = options(*std::ranges::max_element(tried, {}, [&](const Recipe& each) {
                               return options(each).windows.lags;
                             })).windows.lags;
  if (path == "forecast.windows.across_gaps")
    strictest.windows.across_gaps = in_all(&ForecastWindowOptions::across_gaps);
  if (path == "forecast.windows.fill_missing")
    strictest.windows.fill_missing = in_all(&ForecastWindowOptions::fill_missing);
  if (path == "forecast.mode" &&
      std::ranges::any_of(tried, [&](const Recipe& each) { return options(each).sensors == SensorMode::joint; }))
    strictest.sensors = SensorMode::joint;
}

}  // namespace

SearchSpace read_space(const Config& config, const Place& place) {
  SearchSpace space;
  for (const auto& [path, given] : config.as_object(place.text())) {
    check_path(path, place.key(path).text());
    add_option(space, path, given, place.key(path));
  }
  return space;
}

void connect_space(Recipe& recipe, Config whole, const std::function<Recipe(const Config&)>& parse) {
  const Place place = Place{recipe.source}.key("tuner").key("space");
  const Config space = whole.at("tuner").at("space");
  whole.erase("tuner");
  whole.erase("cross_validation");
  if (recipe.forecast) recipe.tuner->judged_on = recipe.forecast->options;
  for (const auto& [path, given] : space.as_object()) {
    check_section(recipe, path, place.key(path));
    const std::vector<Recipe> tried = check_option(whole, path, given, place.key(path), parse);
    if (recipe.forecast) take_strictest(*recipe.tuner->judged_on, path, tried);
  }
  recipe.tuner->apply = [whole, space, place, parse](Recipe& changed, const Trial& trial) {
    Config settings = whole;
    for (const auto& [path, value] : trial.values())
      settings = with_value(settings, path, value_of(value, space.at(path)), place.key(path).text());
    const Recipe read = parse(settings);
    for (const auto& [path, value] : trial.values()) copy_section(section_of(path), read, changed);
  };
}

}  // namespace maas::inline MAAS_ABI::recipe
