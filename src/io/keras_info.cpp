#include "io/keras_info.hpp"

#include "io/json.hpp"

namespace maas::inline MAAS_ABI::io {

namespace {

constexpr const char* group = "maas";
constexpr const char* test_group = "maas/self_test";
constexpr const char* errors_path = "maas/forecast_errors";
constexpr const char* baselines_path = "maas/baseline_numbers";

// ---- Quantities: [[{"name", "unit"}, ...], ...] ----

Config quantities_config(const std::vector<std::vector<Quantity>>& all) {
  Config::List lists;
  for (const std::vector<Quantity>& quantities : all) {
    Config::List list;
    for (const Quantity& each : quantities) {
      Config one = Config{}.set("name", each.name);
      if (!each.unit.empty()) one.set("unit", each.unit);
      list.push_back(std::move(one));
    }
    lists.emplace_back(std::move(list));
  }
  return lists;
}

std::vector<std::vector<Quantity>> read_quantities(const Config& config, std::string_view where) {
  std::vector<std::vector<Quantity>> all;
  for (const Config& list : config.as_list(where)) {
    all.emplace_back();
    for (const Config& each : list.as_list(where)) {
      const Config* unit = each.find("unit");
      all.back().push_back({each.at("name").as_string(where), unit == nullptr ? "" : unit->as_string(where)});
    }
  }
  return all;
}

// ---- Runs. A seed has 64 bits, more than JSON's numbers hold for sure. ----

Config run_config(const TrainingRun& run) {
  return Config{}
      .set("data", run.data)
      .set("samples", static_cast<std::int64_t>(run.samples))
      .set("epochs", run.epochs)
      .set("batch_size", static_cast<std::int64_t>(run.batch_size))
      .set("seed", std::to_string(run.seed))
      .set("version", run.version);
}

std::uint64_t read_seed(const Config& config, std::string_view where) {
  const std::string& text = config.as_string(where);
  std::uint64_t seed = 0;
  for (const char digit : text) {
    const bool fits =
        digit >= '0' && digit <= '9' && seed <= (UINT64_MAX - static_cast<std::uint64_t>(digit - '0')) / 10;
    require<ConfigError>(fits, "{}: expected a seed, got {}", where, config.text());
    seed = seed * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  return seed;
}

std::vector<TrainingRun> read_runs(const Config& config, std::string_view where) {
  std::vector<TrainingRun> runs;
  for (const Config& each : config.as_list(where))
    runs.push_back({.data = each.at("data").as_string(where),
                    .samples = static_cast<Index>(each.at("samples").as_integer(where)),
                    .epochs = static_cast<int>(each.at("epochs").as_integer(where)),
                    .batch_size = static_cast<Index>(each.at("batch_size").as_integer(where)),
                    .seed = read_seed(each.at("seed"), where),
                    .version = each.at("version").as_string(where)});
  return runs;
}

// ---- Self-test ----

std::string matrix_path(const char* side, std::size_t i) { return fmt::format("{}/{}/{}", test_group, side, i); }

std::vector<Matrix> read_matrices(const Hdf5Reader& file, const char* side, std::size_t count, const Graph& graph,
                                  bool inputs) {
  std::vector<Matrix> matrices;
  for (std::size_t i = 0; i < count; ++i) {
    const Shape& shape = inputs ? graph.input_shape(static_cast<Index>(i)) : graph.output_shape(static_cast<Index>(i));
    const std::string path = matrix_path(side, i);
    const std::vector<Index> dimensions = file.dataset(path).dimensions;
    require<FormatError>(
        dimensions.size() == 2 && dimensions[0] <= SelfTest::most_samples && dimensions[1] == shape.size(),
        "{}: {}: expected at most {} samples of {} numbers", file.path(), path, SelfTest::most_samples, shape.size());
    matrices.emplace_back(dimensions[0], dimensions[1]);
    file.read(path, dimensions, matrices.back().data());
  }
  return matrices;
}

SelfTest read_self_test(const Hdf5Reader& file, const Network& network) {
  const Graph& graph = network.graph();
  SelfTest test;
  test.inputs = read_matrices(file, "inputs", graph.inputs().size(), graph, true);
  test.outputs = read_matrices(file, "outputs", graph.outputs().size(), graph, false);
  test.tolerance = file.read_number(test_group + std::string("/tolerance"));
  return test;
}

void write_matrices(Hdf5Writer& file, const char* side, const std::vector<Matrix>& matrices) {
  file.group(test_group + ("/" + std::string(side)));
  for (std::size_t i = 0; i < matrices.size(); ++i)
    file.floats(matrix_path(side, i), {matrices[i].rows(), matrices[i].cols()}, matrices[i].data());
}

}  // namespace

Config read_own_json(const Hdf5Reader& file, const char* attribute) {
  const auto text = file.text(group, attribute);
  return text ? parse_json(*text, fmt::format("{}: {} of {}", file.path(), attribute, group)) : Config();
}

ModelInfo read_info(const Hdf5Reader& file, const Network& network, std::span<const CatalogEntry<Step>> steps) {
  ModelInfo info;
  if (!file.has_group(group)) return info;
  const Config inputs = read_own_json(file, "inputs"), outputs = read_own_json(file, "outputs"),
               runs = read_own_json(file, "runs");
  if (!inputs.is_null()) info.inputs = read_quantities(inputs, "inputs of maas");
  if (!outputs.is_null()) info.outputs = read_quantities(outputs, "outputs of maas");
  if (!runs.is_null()) info.training = read_runs(runs, "runs of maas");
  if (file.has_group(test_group)) info.self_test = read_self_test(file, network);
  // An attribute of text of any length: such texts lie in a heap of the file, not in the 64 KB of an object's header.
  const Config pipeline = read_own_json(file, "pipeline");
  if (!pipeline.is_null()) info.pipeline = Pipeline::from(pipeline, steps);
  // Read by load_forecaster, which also says what in it is wrong.
  if (Config forecast = read_own_json(file, "forecast"); !forecast.is_null()) info.forecast = std::move(forecast);
  // Read by evaluate_table, load_forecaster, the server, and whoever reads files of rows.
  if (Config baselines = read_own_json(file, "baselines"); !baselines.is_null()) info.baselines = std::move(baselines);
  if (info.baselines && file.has_numbers(baselines_path)) {
    const std::vector<Index> dimensions = file.dataset(baselines_path).dimensions;
    require<FormatError>(dimensions.size() == 1, "{}: {}: expected a list of numbers", file.path(), baselines_path);
    info.baseline_numbers.resize(static_cast<std::size_t>(dimensions[0]));
    file.read_doubles(baselines_path, dimensions, info.baseline_numbers.data());
  }
  if (Config reference = read_own_json(file, "reference"); !reference.is_null()) info.reference = std::move(reference);
  if (Config reading = read_own_json(file, "reading"); !reading.is_null()) info.reading = std::move(reading);
  if (info.forecast && file.has_numbers(errors_path)) {
    const std::vector<Index> dimensions = file.dataset(errors_path).dimensions;
    require<FormatError>(dimensions.size() == 2 && dimensions[0] >= 1 && dimensions[1] >= 1,
                         "{}: {}: expected errors in columns", file.path(), errors_path);
    info.forecast_errors.emplace(dimensions[0], dimensions[1]);
    file.read(errors_path, dimensions, info.forecast_errors->data());
  }
  check_info(info, network);
  return info;
}

void write_info(Hdf5Writer& file, const ModelInfo& info, const Network& network) {
  check_info(info, network);
  if (!info.inputs.empty()) file.text(group, "inputs", write_json(quantities_config(info.inputs)));
  if (!info.outputs.empty()) file.text(group, "outputs", write_json(quantities_config(info.outputs)));
  if (!info.training.empty()) {
    Config::List runs;
    for (const TrainingRun& run : info.training) runs.push_back(run_config(run));
    file.text(group, "runs", write_json(runs));
  }
  if (info.pipeline) file.text(group, "pipeline", write_json(info.pipeline->config()));
  if (info.forecast) file.text(group, "forecast", write_json(*info.forecast));
  if (info.baselines) file.text(group, "baselines", write_json(*info.baselines));
  if (info.baselines && !info.baseline_numbers.empty())
    file.doubles(baselines_path, {static_cast<Index>(info.baseline_numbers.size())}, info.baseline_numbers.data());
  if (info.reference) file.text(group, "reference", write_json(*info.reference));
  if (info.reading) file.text(group, "reading", write_json(*info.reading));
  if (info.forecast && info.forecast_errors && info.forecast_errors->size() > 0)
    file.floats(errors_path, {info.forecast_errors->rows(), info.forecast_errors->cols()},
                info.forecast_errors->data());
  if (!info.self_test) return;
  const SelfTest& test = *info.self_test;
  file.group(test_group);
  file.real(test_group + std::string("/tolerance"), test.tolerance);
  write_matrices(file, "inputs", test.inputs);
  write_matrices(file, "outputs", test.outputs.empty() ? network.predict(test.inputs) : test.outputs);
}

}  // namespace maas::inline MAAS_ABI::io
