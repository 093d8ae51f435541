// maas inspect: what a model file holds.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>

#include "cli/commands.hpp"
#include "maas/forecast/baselines.hpp"
#include "maas/forecast/drift.hpp"
#include "maas/forecast/frame.hpp"
#include "maas/forecast/kept_errors-inl.hpp"
#include "maas/io/keras.hpp"
#include "maas/network/summary.hpp"
#include "maas/recipe/evaluation.hpp"

namespace maas::cli {

namespace {

std::string writer_of(const SavedModel& saved) {
  std::string keras = "Keras " + saved.keras_version;
  if (!saved.backend.empty()) keras += " (" + saved.backend + ")";
  // maas' own files name the Keras they are for, as Keras reads them by that.
  if (!saved.maas_version.empty()) return "written by maas " + saved.maas_version + " as " + keras + " writes";
  if (saved.keras_version.empty()) return "written by a program that does not say its name or version";
  return "written by " + keras;
}

std::string setting_text(const Config& value) { return value.is_string() ? value.as_string() : value.text(); }

// "Adam (learning_rate 0.001, beta_1 0.9)"; what is not set is left out.
std::string settings_text(std::string_view class_name, const Config& fields) {
  std::string inside;
  for (const auto& [key, value] : fields.as_object())
    if (!value.is_null()) inside += (inside.empty() ? "" : ", ") + key + " " + setting_text(value);
  return std::string(class_name) + (inside.empty() ? "" : " (" + inside + ")");
}

void print_layers(const Network& network) {
  fmt::print("Layers\n");
  const Graph& graph = network.graph();
  for (Index layer = 0; layer < static_cast<Index>(graph.layers().size()); ++layer)
    fmt::print("  {}: {}{}\n", graph.name(layer),
               settings_text(graph.layer(layer).class_name(), graph.layer(layer).config()),
               graph.layer(layer).trainable() ? "" : ", frozen");
}

void print_weights(const Network& network) {
  fmt::print("Weights\n");
  for (const ParameterEntry& entry : network.parameters().entries()) {
    const ConstMatrixView values = network.parameters().view(entry);
    fmt::print("  {}: {}", entry.name, entry.shape.text());
    if (values.size() > 0) fmt::print(", from {:.4g} to {:.4g}", values.minCoeff(), values.maxCoeff());
    fmt::print("\n");
  }
}

std::string names_of(const std::vector<Metric>& metrics) {
  std::string text;
  for (const Metric& metric : metrics) text += (text.empty() ? "" : ", ") + setting_text(to_config(metric));
  return text.empty() ? "none" : text;
}

// What an output is trained for; `output` begins each line. Weights of the usual kind are passed over.
void print_losses(const std::string& output, const OutputOptions& options) {
  const std::string weight = options.loss_weight == 1 ? "" : fmt::format(", weight {}", options.loss_weight);
  fmt::print("  {}loss: {}{}\n", output, options.loss ? setting_text(to_config(*options.loss)) : "none", weight);
  fmt::print("  {}metrics: {}\n", output, names_of(options.metrics));
  if (!options.weighted_metrics.empty())
    fmt::print("  {}weighted metrics: {}\n", output, names_of(options.weighted_metrics));
}

void print_training(const SavedModel& saved) {
  if (!saved.training) {
    fmt::print("Training: no settings in the file\n");
    return;
  }
  const SavedTraining& training = *saved.training;
  fmt::print("Training\n  optimizer: {}\n",
             settings_text(training.optimizer.class_name(), training.optimizer.config()));
  if (training.outputs.empty())
    print_losses("",
                 {.loss = training.loss, .metrics = training.metrics, .weighted_metrics = training.weighted_metrics});
  for (std::size_t i = 0; i < training.outputs.size(); ++i) {
    const Graph& graph = saved.network.graph();
    print_losses(graph.name(graph.node(graph.outputs()[i]).layer) + ": ", training.outputs[i]);
  }
  if (training.state)
    fmt::print("  state: {} steps taken, learning rate {}\n", training.state->step, training.state->learning_rate);
  else
    fmt::print("  state: none in the file; training would start anew\n");
}

// Each line of a text that ends in a line end.
void print_indented(std::string text, int spaces) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    fmt::print("{:{}}{}\n", "", spaces, text.substr(0, end));
    text.erase(0, end + 1);
  }
}

void print_pipeline(const SavedModel& saved) {
  if (!saved.info.pipeline) return;
  fmt::print("Pipeline\n");
  print_indented(saved.info.pipeline->text(), 2);
}

// "a", "b" and so on; of many the first few.
std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t most = 6;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i)
    text += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", names[i]);
  return text + (names.size() > most ? ", ..." : "");
}

std::string horizons_text(const ForecastWindowOptions& windows) {
  constexpr std::size_t most = 12;
  std::string text;
  for (std::size_t i = 0; i < std::min(windows.horizons.size(), most); ++i)
    text += (i == 0 ? "" : ", ") + horizon_text(windows.horizons[i], windows.seconds_a_reading);
  return text + (windows.horizons.size() > most ? fmt::format(", ... ({} in all)", windows.horizons.size()) : "");
}

void print_windows(const ForecastFrame& frame) {
  const ForecastOptions& options = frame.options;
  fmt::print("  lags: {} readings", options.windows.lags);
  if (options.windows.seconds_a_reading > 0) fmt::print(", {} seconds apart", options.windows.seconds_a_reading);
  fmt::print("\n  horizons: {}\n", horizons_text(options.windows));
  fmt::print("  sensors: {} ({}), {}{}\n", frame.sensors.size(), some_of(frame.sensors),
             setting_text(to_config(options.sensors)),
             frame.shape(static_cast<Index>(frame.sensors.size())).ids > 0 ? " with a number each" : "");
  fmt::print("  scaling: {}, {}\n", setting_text(to_config(options.scaling)),
             options.scale_each ? "each sensor by its own" : "all sensors by the same");
  if (options.windows.fill_missing)
    fmt::print("  missing readings: the mean of their sensor{}\n", options.masks ? ", and masks that tell which" : "");
  std::string known;
  if (options.time_of_day) known = fmt::format("time of day (harmonics {})", options.harmonics);
  if (options.day_of_week) known += known.empty() ? "day of the week" : ", day of the week";
  fmt::print("  known of the time: {}\n", known.empty() ? "nothing" : known);
  if (!options.known.empty())
    fmt::print("  known inputs: {} ({}){}\n", options.known.size(), some_of(options.known),
               options.known_masks ? ", and masks that tell which are missing" : "");
  fmt::print("  answers: {}{}{}\n", frame.label, options.changes ? ", as changes since the last reading" : "",
             options.unit.empty() ? "" : ", in " + options.unit);
}

void print_steps(const ForecastFrame& frame) {
  if (!frame.table) {
    fmt::print("  steps: none, it takes readings\n");
    return;
  }
  const std::string& time = frame.table->time();
  fmt::print("  table: {}\n", time.empty() ? "no column of times" : fmt::format("times in \"{}\"", time));
  if (const std::string& series = frame.table->series(); !series.empty())
    fmt::print("  series: named by \"{}\"\n", series);
  fmt::print("  steps: {}\n", frame.has_steps() ? "" : "none");
  if (frame.has_steps()) print_indented(frame.table->pipeline().text(), 4);
}

void print_warning(const ForecastFrame& frame) {
  if (frame.intervals)
    fmt::print("  intervals: {}, errors of {} columns\n",
               settings_text("conformal", to_config(frame.intervals->options())), frame.intervals->columns());
  else
    fmt::print("  intervals: none\n");
  fmt::print("  alarm: {}\n", frame.alarm ? settings_text("below a value", to_config(*frame.alarm)) : "none");
}

void print_forecast_baselines(const ModelInfo& info, const ForecastFrame& frame) {
  if (!info.baselines) {
    fmt::print("  baselines: none in the file\n");
    return;
  }
  const KeptBaselines kept = KeptBaselines::from(*info.baselines, frame.options.windows,
                                                 static_cast<Index>(frame.sensors.size()), info.baseline_numbers);
  std::string names;
  for (const Baseline& baseline : kept.baselines) names += (names.empty() ? "" : ", ") + std::string(baseline.name());
  fmt::print("  baselines: {}\n", names.empty() ? "none" : names);
  for (const std::string& why : kept.left_out) fmt::print("  baseline left out: {}\n", why);
}

void print_forecast(const SavedModel& saved) {
  if (!saved.info.forecast) return;
  fmt::print("Forecast\n");
  try {
    const ForecastFrame frame = ForecastFrame::from(saved.info);
    print_windows(frame);
    print_steps(frame);
    print_warning(frame);
    if (frame.alarm)
      fmt::print("  alarm beside it: {}\n",
                 saved.info.forecast->find(detail::naive_key) == nullptr ? "none in the file" : "that of persistence");
    print_forecast_baselines(saved.info, frame);
  } catch (const Error& error) {
    fmt::print("  cannot be used: {}\n", error.what());
  }
}

// Of models that are no forecasters.
void print_table_baselines(const SavedModel& saved) {
  if (saved.info.forecast || !saved.info.baselines) return;
  fmt::print("Baselines\n");
  try {
    for (const TargetBaseline& each : TableBaselines::from(*saved.info.baselines).targets) {
      std::string text;
      if (each.mean) text = fmt::format("mean {:.6g}", *each.mean);
      if (!each.majority.empty())
        text += fmt::format("{}majority class \"{}\"", text.empty() ? "" : ", ", each.majority);
      fmt::print("  {}: {}{}\n", each.target, text, each.hours.empty() ? "" : ", means at the hours of the week");
    }
  } catch (const Error& error) {
    fmt::print("  cannot be used: {}\n", error.what());
  }
}

void print_reference(const SavedModel& saved) {
  if (!saved.info.reference) return;
  try {
    const DriftReference reference = DriftReference::from(*saved.info.reference);
    const auto watched =
        std::ranges::count_if(reference.inputs, [](const auto& input) { return !input.edges.empty(); });
    fmt::print("Reference for drift\n  {}: {}, {} of them watched\n", saved.info.forecast ? "sensors" : "inputs",
               reference.inputs.size(), watched);
    if (reference.errors.empty()) return;
    double sum = 0;
    for (double error : reference.errors) sum += error;
    fmt::print("  mean absolute error one horizon ahead: {:.4g}\n", sum / static_cast<double>(reference.errors.size()));
  } catch (const Error& error) {
    fmt::print("Reference for drift\n  cannot be used: {}\n", error.what());
  }
}

// What differs from how CSV files are read without settings.
void print_reading(const SavedModel& saved) {
  if (!saved.info.reading) return;
  try {
    const Config usual = to_config(CsvOptions{}), kept = to_config(kept_reading(saved.info));
    std::string text;
    for (const auto& [key, value] : kept.as_object())
      if (value != usual.at(key)) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key, value.text());
    fmt::print("Reading of CSV files: {}\n", text.empty() ? "the usual settings" : text);
  } catch (const Error& error) {
    fmt::print("Reading of CSV files: cannot be used: {}\n", error.what());
  }
}

void inspect(const std::string& path) {
  const SavedModel saved = read_keras(path);
  fmt::print("{}: {}\n\n{}\n", path, writer_of(saved), summary(saved.network, saved.name));
  print_layers(saved.network);
  print_weights(saved.network);
  print_training(saved);
  print_pipeline(saved);
  print_forecast(saved);
  print_table_baselines(saved);
  print_reference(saved);
  print_reading(saved);
  for (const std::string& warning : saved.warnings) fmt::print("Note: {}\n", warning);
}

}  // namespace

void add_inspect(CLI::App& program) {
  CLI::App* command = program.add_subcommand("inspect", "Shows what a model file holds");
  auto path = std::make_shared<std::string>();
  command->add_option("model", *path, "The model file, such as model.h5")->required();
  command->callback([path] { inspect(*path); });
}

}  // namespace maas::cli
