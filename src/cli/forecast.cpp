// maas forecast: what comes after the readings of a CSV file; and maas evaluate for such models.
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <string>

#include "cli/commands.hpp"
#include "cli/evaluation_json.hpp"
#include "cli/outputs.hpp"
#include "io/json.hpp"
#include "maas/core/new_file.hpp"
#include "maas/forecast/baselines.hpp"
#include "maas/forecast/forecaster.hpp"
#include "maas/recipe/report.hpp"
#include "maas/recipe/table_file.hpp"
#include "recipe/judged_alarms.hpp"
#include "recipe/judged_stream.hpp"

namespace maas::cli {

namespace {

struct ForecastArguments {
  std::string model, data, time, output;
  bool intervals = false;
};

// The column of times: the one that was named, the one of the training, or the first there is.
std::string time_column(const Forecaster& forecaster, const Table& table, const std::string& asked) {
  if (!asked.empty()) return asked;
  if (const auto& known = forecaster.frame().table; known && !known->time().empty()) return known->time();
  for (Index i = 0; i < table.columns(); ++i)
    if (table.column(i).type == ColumnType::time) return table.column(i).name;
  return "";
}

// `to_come`: for a forecast of what comes behind them, not to be scored on.
Readings read_readings(const Forecaster& forecaster, const std::string& path, const std::string& time,
                       bool to_come = false) {
  const CsvOptions options = forecaster.reading().value_or(CsvOptions{.comment = '#'});
  const auto& known = forecaster.frame().table;
  const Table table = known ? read_table_for(known->pipeline(), path, options) : read_table(path, options);
  try {
    const std::string column = time_column(forecaster, table, time);
    return to_come ? forecaster.latest(table, column) : forecaster.readings(table, column);
  } catch (const DataError& error) {
    fail<DataError>("{}: {}", path, error.what());
  }
}

// A number beside each forecast: 1 x (steps * sensors).
struct Beside {
  std::vector<std::string> names;  // one a sensor
  Matrix numbers;
};

// The ends of intervals as the file keeps them, and the chance that its alarm goes by.
std::vector<Beside> beside(const Forecaster& forecaster, const Matrix& next) {
  require<ConfigError>(forecaster.intervals().has_value(),
                       "--intervals: expected a model that was saved with intervals, got one without");
  Matrix values(1, next.size());
  for (Index step = 0; step < next.rows(); ++step)
    values.row(0).segment(step * next.cols(), next.cols()) = next.row(step);
  Intervals ends = forecaster.intervals()->around(values);
  const std::vector<std::string>& sensors = forecaster.sensors();
  std::vector<Beside> all{{std::vector<std::string>(sensors.size(), "low"), std::move(ends.lower)},
                          {std::vector<std::string>(sensors.size(), "high"), std::move(ends.upper)}};
  if (const auto& alarm = forecaster.alarm()) {
    const std::vector<double> below = alarm->values_of(sensors);
    Beside& chances = all.emplace_back();
    for (double value : below) chances.names.push_back(fmt::format("chance below {:g}", value));
    chances.numbers = forecaster.intervals()->chance_below(values, below);
  }
  return all;
}

std::string cell(Scalar number) { return std::isnan(number) ? "," : fmt::format(",{:.9g}", number); }

// One line a horizon: its time, or how many readings ahead it is; then the sensors, each with what stands beside it.
std::string forecast_text(const Forecaster& forecaster, const Readings& readings, bool intervals) {
  const Matrix next = forecaster.predict(readings);
  const std::vector<Beside> more = intervals ? beside(forecaster, next) : std::vector<Beside>();
  const ForecastWindowOptions& windows = forecaster.options().windows;
  const bool timed = !readings.times.empty() && windows.seconds_a_reading > 0;
  const Index to_come = forecaster.options().known.empty() ? 0 : windows.horizons.back();
  const auto last = static_cast<std::size_t>(readings.rows() - to_come - 1);
  std::string text = timed ? "time" : "ahead";
  const auto name = [&](const std::string& column) { text += "," + detail::csv_cell(column, detail::csv_special); };
  for (std::size_t i = 0; i < forecaster.sensors().size(); ++i) {
    const std::string& sensor = forecaster.sensors()[i];
    name(sensor);
    for (const Beside& each : more) name(sensor + " " + each.names[i]);
  }
  text += "\n";
  for (Index step = 0; step < next.rows(); ++step) {
    const Index horizon = windows.horizons[static_cast<std::size_t>(step)];
    text += timed ? format_time(readings.times[last] + static_cast<double>(horizon) * windows.seconds_a_reading)
                  : std::to_string(horizon);
    for (Index sensor = 0; sensor < next.cols(); ++sensor) {
      text += cell(next(step, sensor));
      for (const Beside& each : more) text += cell(each.numbers(0, step * next.cols() + sensor));
    }
    text += "\n";
  }
  return text;
}

// Those that the file keeps, or else the one that learns nothing, of `windows`.
template <class Windows>
std::vector<Baseline> kept_baselines(const Forecaster& forecaster, const Windows& windows, bool has_times,
                                     std::vector<std::string>& notes) {
  const KeptBaselines& kept = forecaster.baselines();
  if (kept.baselines.empty()) {
    notes.emplace_back("the file keeps no baselines; --training gives them");
    return {Baseline(Persistence{}).fit(windows)};
  }
  for (const std::string& why : kept.left_out)
    notes.push_back("not kept with the model: " + why + "; --training gives it");
  std::vector<Baseline> baselines;
  for (const Baseline& baseline : kept.baselines) {
    if (baseline.as<HistoricalAverage>() == nullptr || has_times)
      baselines.push_back(baseline);
    else
      notes.push_back(fmt::format("{}: the readings have no times", baseline.name()));
  }
  return baselines;
}

// Fitted to the training readings, or kept.
std::vector<Baseline> baselines_for(const Forecaster& forecaster, const Readings& readings, const std::string& training,
                                    std::vector<std::string>& notes) {
  if (!training.empty()) return fit_baselines(forecaster.windows(read_readings(forecaster, training, "")));
  return kept_baselines(forecaster, forecaster.windows(readings), !readings.times.empty(), notes);
}

// Of a program's own, of older files, and where persistence had no error to be calibrated on.
void note_naive(const Forecaster& forecaster, std::vector<std::string>& notes) {
  if (forecaster.alarm() && !forecaster.naive_intervals())
    notes.emplace_back("the file keeps no intervals of persistence, whose alarms would stand beside its own");
}

StreamedReadings stream_readings(const Forecaster& forecaster, const std::string& path) {
  const auto& known = forecaster.frame().table;
  require<StateError>(known.has_value(), "--stream: expected a forecaster that has learned from rows of a table");
  const CsvOptions options = forecaster.reading().value_or(CsvOptions{.comment = '#'});
  return forecaster.readings(stream_table(path, known->pipeline(), options));
}

void write_output(const std::string& path, const std::string& text) {
  try {
    NewFile file(path);
    file.write(text);
    file.commit();
  } catch (const FormatError& error) {
    fail<FormatError>("{}; without --output forecasts go to the standard output", error.what());
  }
}

void forecast(const ForecastArguments& arguments) {
  require_own_file("--output", arguments.output, {arguments.model, arguments.data});
  const Forecaster forecaster = load_forecaster(arguments.model);
  const Readings readings = read_readings(forecaster, arguments.data, arguments.time, true);
  std::string text;
  try {
    text = forecast_text(forecaster, readings, arguments.intervals);
  } catch (const ShapeError& error) {  // too few readings
    fail<ShapeError>("{}: {}", arguments.data, error.what());
  }
  if (arguments.output.empty()) return fmt::print("{}", text);
  write_output(arguments.output, text);
}

}  // namespace

void evaluate_forecasts(const std::string& model, const std::string& data, const std::string& training,
                        const std::string& page, bool json) {
  const Forecaster forecaster = load_forecaster(model);
  const Readings readings = read_readings(forecaster, data, "");
  std::vector<std::string> notes;
  const std::vector<Baseline> baselines = baselines_for(forecaster, readings, training, notes);
  const ScoreTable table = forecaster.compare(baselines, readings, forecaster.frame().scores);
  const Forecasts forecasts = forecaster.forecast(readings);
  std::vector<IntervalCoverage> coverage;
  if (forecaster.intervals()) coverage = judge_intervals(*forecaster.intervals(), forecasts);
  const auto [alarms, naive] = recipe::judge_alarms_of(forecaster, readings, forecasts);
  note_naive(forecaster, notes);
  std::optional<Intervals> intervals;
  if (forecaster.intervals()) intervals = intervals_around(*forecaster.intervals(), forecasts);
  if (!page.empty())
    write_report(page, {.title = model + " on " + data,
                        .facts = {{"model", model}, {"readings of", data}},
                        .scores = table,
                        .forecasts = forecasts,
                        .intervals = intervals,
                        .null_value = forecaster.frame().scores.null_value,
                        .coverage = coverage,
                        .alarms = alarms,
                        .naive_alarms = naive,
                        .notes = notes});
  if (json) return fmt::print("{}\n", io::write_json(table.config()));
  fmt::print("{}", table.text());
  print_coverage(coverage);
  print_alarms(alarms, naive);
  for (const std::string& note : notes) fmt::print("{}\n", note);
}

void evaluate_streamed_forecasts(const std::string& model, const std::string& data, const std::string& training,
                                 const std::string& page, bool json) {
  const Forecaster forecaster = load_forecaster(model);
  const StreamedReadings readings = stream_readings(forecaster, data);
  const StreamedWindows windows = forecaster.windows(readings);
  std::vector<std::string> notes;
  const std::vector<Baseline> baselines =
      training.empty() ? kept_baselines(forecaster, windows.parts(), readings.has_times(), notes)
                       : fit_baselines(forecaster.windows(stream_readings(forecaster, training)).parts());
  const ScoreTable table = forecaster.compare(baselines, windows, forecaster.frame().scores);
  std::optional<recipe::CalibratedIntervals> intervals;
  if (forecaster.intervals())
    intervals = {*forecaster.intervals(), *forecaster.intervals(), forecaster.naive_intervals()};
  note_naive(forecaster, notes);
  const recipe::JudgedStream judged = recipe::judge_in_blocks(forecaster, windows, intervals);
  if (!judged.note().empty() && !page.empty()) notes.push_back(judged.note());
  if (!page.empty())
    write_report(page, {.title = model + " on " + data,
                        .facts = {{"model", model}, {"readings of", data}},
                        .scores = table,
                        .forecasts = judged.last.forecasts(),
                        .intervals = judged.last.intervals(),
                        .null_value = forecaster.frame().scores.null_value,
                        .coverage = judged.coverage,
                        .alarms = judged.alarms,
                        .naive_alarms = judged.naive_alarms,
                        .notes = notes});
  if (json) return fmt::print("{}\n", io::write_json(table.config()));
  fmt::print("{}", table.text());
  print_coverage(judged.coverage);
  print_alarms(judged.alarms, judged.naive_alarms);
  for (const std::string& note : notes) fmt::print("{}\n", note);
}

void add_forecast(CLI::App& program) {
  CLI::App* command = program.add_subcommand("forecast", "Forecasts what comes after the readings of a CSV file");
  auto arguments = std::make_shared<ForecastArguments>();
  command->add_option("model", arguments->model, "The model file, of a recipe with a forecast")->required();
  command
      ->add_option("data", arguments->data,
                   "A CSV file of readings, one column a sensor, the latest last; where the model takes known inputs, "
                   "behind them as many rows to come as its last horizon is readings ahead, without readings")
      ->required();
  command->add_option("--time", arguments->time, "The column of times; without it the first column that holds times");
  command->add_option("--output", arguments->output, "Where forecasts go; without it to the standard output");
  command->add_flag("--intervals", arguments->intervals,
                    "Beside each forecast its interval, as the file keeps it, and the chance that the alarm goes by");
  command->callback([arguments] { forecast(*arguments); });
}

}  // namespace maas::cli
