#include "serve/servable.hpp"

#include <algorithm>

#include "maas/data/digest.hpp"
#include "maas/io/keras.hpp"
#include "serve/batching.hpp"
#include "serve/drift.hpp"
#include "serve/golden.hpp"
#include "serve/prediction.hpp"
#include "serve/text_digest.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

std::vector<TensorInfo> tensors_of(const Graph& graph, const std::vector<Index>& nodes) {
  std::vector<TensorInfo> tensors;
  for (Index node : nodes) {
    const std::string& name = graph.name(graph.node(node).layer);
    std::string unique = name;
    auto is_taken = [&](const TensorInfo& other) { return other.name == unique; };
    for (int i = 1; std::ranges::any_of(tensors, is_taken); ++i) unique = fmt::format("{}_{}", name, i);
    tensors.push_back({unique, graph.node(node).plan.output});
  }
  return tensors;
}

// Gives tensors their other names. Those of a network are one name each; after it they must be so again.
void rename(std::vector<TensorInfo>& tensors, const std::map<std::string, std::string>& names, std::string_view kind,
            const std::string& file) {
  const std::string where = fmt::format("{}{}{}s", file, file.empty() ? "" : ": ", kind);
  const auto place_of = [&](const std::string& name) {
    const auto found = std::ranges::find(tensors, name, &TensorInfo::name);
    require<DataError>(found != tensors.end(), "{}: expected names for {}, got one for \"{}\"", where,
                       names_of(tensors), name.substr(0, 255));
    return static_cast<std::size_t>(found - tensors.begin());
  };
  std::vector<std::pair<std::size_t, std::string>> changes;  // all places before any name changes
  for (const auto& [tensor, name] : names) changes.emplace_back(place_of(tensor), name);
  for (auto& [place, name] : changes) tensors[place].name = std::move(name);
  for (const TensorInfo& tensor : tensors)
    require<DataError>(std::ranges::count(tensors, tensor.name, &TensorInfo::name) == 1,
                       "{}: expected a name of its own for each, got \"{}\" twice", where, tensor.name);
}

bool gives_numbers(const Network& network, Scalar value) {
  std::vector<Matrix> inputs;
  for (Index node : network.graph().inputs())
    inputs.push_back(Matrix::Constant(1, network.graph().node(node).plan.output.size(), value));
  return std::ranges::any_of(network.predict(inputs), [](const Matrix& y) { return y.array().isFinite().any(); });
}

// Tells one forecaster from another, by all that streams have of it.
std::string digest_of_forecast(const ForecastFrame& frame) {
  return text_digest(frame.config().text()) +
         (frame.intervals ? digest_text(digest_of(frame.intervals->errors())) : "");
}

std::optional<ForecastFrame> forecast_in(const ModelInfo& info, const std::string& path) {
  if (!info.forecast) return std::nullopt;
  try {
    return ForecastFrame::from(info);
  } catch (const Error& error) {
    fail<FormatError>("{}: forecast of maas: {}", path, error.what());
  }
}

std::optional<DriftReference> reference_in(const ModelInfo& info, const std::string& path) {
  if (!info.reference) return std::nullopt;
  try {
    return DriftReference::from(*info.reference);
  } catch (const Error& error) {
    fail<FormatError>("{}: reference of maas: {}", path, error.what());
  }
}

}  // namespace

namespace {

// Empty where all readings pass.
std::vector<std::optional<NumberRange>> ranges_of(const ForecastFrame& frame) {
  std::vector<std::optional<NumberRange>> ranges;
  if (frame.out_of_range() == OutOfRange::pass) return ranges;
  const auto count = static_cast<Index>(frame.sensors.size());
  for (Index sensor = 0; sensor < count; ++sensor) ranges.push_back(frame.range_of(sensor));
  return ranges;
}

}  // namespace

void serve_as(Servable& servable, const ServingSettings& serving, const NameFiles& from) {
  const Graph& graph = servable.network.graph();
  std::vector<TensorInfo> inputs = tensors_of(graph, graph.inputs()), outputs = tensors_of(graph, graph.outputs());
  rename(inputs, serving.inputs, "input", from.inputs);
  rename(outputs, serving.outputs, "output", from.outputs);
  servable.inputs = std::move(inputs);
  servable.outputs = std::move(outputs);
  servable.batch_rows = std::min(servable.measured_rows, serving.batch_rows.value_or(servable.measured_rows));
  servable.serving = serving;
}

std::shared_ptr<const Servable> served_as(const Servable& servable, const ServingSettings& serving,
                                          const NameFiles& from) {
  auto again = std::make_shared<Servable>(servable);
  serve_as(*again, serving, from);
  return again;
}

std::size_t weight_bytes(const Servable& servable) {
  return static_cast<std::size_t>(servable.network.parameters().count()) * sizeof(Scalar);
}

std::shared_ptr<Servable> make_servable(Servable servable) {
  const Graph& graph = servable.network.graph();
  if (servable.pipeline) check_pipeline(*servable.pipeline, servable.network);
  if (servable.forecast) {
    servable.forecast->check_network(graph);
    servable.forecast_digest = digest_of_forecast(*servable.forecast);
    servable.ranges = ranges_of(*servable.forecast);
  }
  require<DataError>(gives_numbers(servable.network, 0) || gives_numbers(servable.network, 1),
                     "{}: expected a network that gives a finite number for zeros or ones, got none", servable.model);
  MeasuredRuns runs = measured_runs(servable.network);
  servable.measured_rows = runs.batch_rows;
  servable.run_costs = std::move(runs.costs);
  serve_as(servable, {});
  servable.drift = drift_counts_of(servable);
  return std::make_shared<Servable>(std::move(servable));
}

std::shared_ptr<Servable> load_servable(const std::string& model, std::int64_t version, const std::string& path,
                                        const std::string& golden) {
  SavedModel saved = read_keras(path, {.compile = false});
  auto servable = make_servable({.model = model,
                                 .version = version,
                                 .network = std::move(saved.network),
                                 .platform = path.ends_with(".keras") ? "keras_v3" : "keras_h5",
                                 .keras_version = saved.keras_version,
                                 .file = path,
                                 .pipeline = std::move(saved.info.pipeline),
                                 .dates = kept_reading(saved.info).dates,
                                 .forecast = forecast_in(saved.info, path),
                                 .reference = reference_in(saved.info, path)});
  if (!golden.empty()) check_golden(*servable, golden);
  return servable;
}

}  // namespace maas::inline MAAS_ABI::serve
