// Forecasts the speeds of 207 detectors in Los Angeles for the next hour, and warns of jams.
//
//   los_loop [--data FOLDER] [--csv FILE]   FOLDER holds los-loop-speed.csv; FILE gets the table of scores
//   los_loop --choose [--data FOLDER]       chooses the settings, without the test part: exit code 2 for others
//   los_loop --choose-quickly ...           the same with little of everything: to see that it runs
//
// The first 80 % of the week are learned from, the last 20 % are the test. --choose looks for settings: the best ones
// of 54 that are drawn are bred for eight generations, judged behind three origins within the training part. The
// generations alone take the better part of an hour of two processors. It does not look at the test part: see
// choose.hpp. The setting the program has was found so: benchmarks/results/2026-11-28-choice-bred.md.
#include <fmt/core.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <maas/maas.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "choose.hpp"

using namespace maas;

namespace {

constexpr double minutes_a_reading = 5;
constexpr std::uint64_t seeds = 3;
constexpr Index readings_a_day = 288;
const std::vector<Index> reported = {3, 6, 9, 12};  // 15, 30, 45 and 60 minutes

/// mph, every 5 minutes from 2012-03-01 00:00; the file has no times.
Readings speeds_of(const Table& table) {
  Readings readings = readings_of(table);
  const double start = parse_time("2012-03-01").value();
  for (Index row = 0; row < readings.rows(); ++row)
    readings.times.push_back(start + 60 * minutes_a_reading * static_cast<double>(row));
  return readings;
}

/// How many of all readings are learned from.
Index training_rows(Index rows) { return rows * 8 / 10; }

/// The training part alone: of the lines behind it nothing is looked at but that they end.
Readings read_training_speeds(const std::string& path) {
  std::ifstream file(path);
  require<FormatError>(file.good(), "{}: cannot be read", path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) lines.push_back(std::move(line));
  require<FormatError>(!lines.empty(), "{}: expected a heading and readings, got nothing", path);
  std::string text = lines[0];
  for (Index row = 0; row < training_rows(static_cast<Index>(lines.size()) - 1); ++row)
    text += "\n" + lines[static_cast<std::size_t>(row) + 1];
  return speeds_of(parse_csv(text, path));
}

/// What is open to choice.
struct Settings {
  std::string layers = "160 160 160 160";  ///< widths of the hidden layers
  double embedding = 24;                   ///< numbers of a detector's vector
  double dropout = 0.3;                    ///< of these, in training
  double harmonics = 1;                    ///< of the time of day
  double rate = 0.002;                     ///< of learning, at first; it ends at 0
  double decay = 0.05;                     ///< of weights
  double epochs = 8;
  double batch = 256;
  double delta = 0.2;  ///< of Huber's loss, in scaled speeds of about 13 mph: 3 is nearly the squared error
  double average = 0;  ///< 1: the weights are the average of those along the way

  static Settings of(const Trial& trial) {
    return {.layers = trial.text("layers"),
            .embedding = trial.real("embedding"),
            .dropout = trial.real("dropout"),
            .harmonics = trial.real("harmonics"),
            .rate = trial.real("rate"),
            .decay = trial.real("decay"),
            .epochs = trial.real("epochs"),
            .batch = trial.real("batch"),
            .delta = trial.real("delta"),
            .average = trial.real("average")};
  }
  Trial trial() const {
    return {0,
            0,
            {{"layers", layers},
             {"embedding", embedding},
             {"dropout", dropout},
             {"harmonics", harmonics},
             {"rate", rate},
             {"decay", decay},
             {"epochs", epochs},
             {"batch", batch},
             {"delta", delta},
             {"average", average}}};
  }
};

/// All that may be chosen, with equal chances.
std::vector<ForecastOption> settings_to_choose_from() {
  return {
      // From one to four layers of powers of two, as far as six networks learn within two minutes of two processors.
      {"layers",
       {"64", "128", "256", "64 64", "128 128", "256 256", "64 64 64", "128 128 128", "64 64 64 64",
        "128 128 128 128"}},
      {"embedding", {4, 8, 16, 32, 64}},               // powers of two, fewer than there are detectors
      {"dropout", {0, 0.1, 0.2, 0.3, 0.4, 0.5}},       // none to every other one
      {"harmonics", {1, 2, 3, 4}},                     // waves of a day to a quarter of it, as its peaks are
      {"rate", {0.0005, 0.001, 0.002, 0.004, 0.008}},  // Adam's default, half of it, and doublings: see batch
      {"decay", {0, 0.003, 0.01, 0.03, 0.1, 0.3}},     // none, about Keras' 0.004, in steps of three
      {"epochs", {4, 8, 12}},                          // 12 are what two minutes allow
      {"batch", {256, 512, 1024}},                     // 8 to 32 times Keras' default; less takes too long
      {"delta", {0.05, 0.1, 0.2, 0.5, 1, 3}},          // nearly the absolute to nearly the squared error
      {"average", {0, 1}}};
}

/// Values between those, and a step beyond where a network learns no longer for it: for children.
std::vector<ForecastOption> smaller_steps() {
  return {
      {"layers",
       {"96", "192", "96 96", "192 192", "96 96 96", "160 160 160", "192 192 192", "96 96 96 96", "160 160 160 160"}},
      {"embedding", {6, 12, 24, 48}},
      {"dropout", {0.05, 0.15, 0.25, 0.35, 0.45}},
      {"rate", {0.0007, 0.0015, 0.003, 0.006, 0.012}},
      {"decay", {0.005, 0.02, 0.05, 0.2, 0.5}},
      {"epochs", {6, 10}},
      {"batch", {384, 768}},
      {"delta", {0.07, 0.15, 0.3, 0.7, 2}}};
}

/// How intervals follow what comes.
const IntervalOptions adaptive = {.rate = 0.02, .window = readings_a_day};

/// One network for all detectors: its own twelve readings, the time of day, and a learned vector for each detector. In
/// training numbers of that vector drop out, else the network learns days by heart: there are five, not all of them
/// working days.
Model make_network(const ForecastShape& shape, const Settings& settings) {
  const Symbol readings = input(shape.features), detector = input(1);
  const Symbol learned = flatten()(embedding(shape.ids, static_cast<Index>(settings.embedding))(detector));
  Symbol last = concatenate({readings, dropout(settings.dropout)(learned)});
  for (const Index width : widths_of(settings.layers)) last = dense(width, relu)(last);
  return Model({readings, detector}, {dense(shape.outputs)(last)});
}

Forecaster make_forecaster(const Settings& settings = {}) {
  ForecastOptions options;
  options.windows.lags = 12;
  options.windows.horizons = every_step(12);
  options.time_of_day = true;
  options.harmonics = static_cast<Index>(settings.harmonics);
  options.changes = true;
  options.unit = "mph";
  return Forecaster(options, [settings](const ForecastShape& shape) { return make_network(shape, settings); });
}

/// How networks learn from so many readings, detectors and all.
ForecastFit how_to_learn(Index readings, double held_out, const Settings& settings = {}, std::uint64_t seed = 1) {
  ForecastFit fit{.validation_share = held_out, .networks = 3};
  const double steps = settings.epochs * (1 - held_out) * static_cast<double>(readings) / settings.batch;
  fit.compile.optimizer =
      AdamW{.learning_rate = CosineDecay{.initial_learning_rate = settings.rate, .decay_steps = steps},
            .options = {.weight_decay = settings.decay, .use_ema = settings.average > 0, .ema_momentum = 0.999}};
  fit.compile.loss = Huber{.delta = settings.delta};
  fit.fit.epochs = static_cast<int>(settings.epochs);
  fit.fit.batch_size = static_cast<Index>(settings.batch);
  fit.fit.seed = seed;
  return fit;
}

/// Intervals for nine of ten readings: calibrated once, on the end of the training part, or told what has come, too.
void print_intervals(const Forecasts& calibration, const Forecasts& forecasts) {
  const RowRange last_day{forecasts.windows() - readings_a_day, forecasts.windows()};
  const Forecasts of_day = forecasts.part(last_day);
  fmt::print("\nintervals for 90 % of the readings; within on the last day:\n{:<24}", "");
  for (const Index horizon : reported) fmt::print("{:>5.0f} min", minutes_a_reading * static_cast<double>(horizon));
  fmt::print("{:>9}{:>12}\n", "all", "mean width");
  for (const bool follows : {false, true}) {
    const IntervalOptions options = follows ? adaptive : IntervalOptions{};
    ConformalIntervals calibrated = ConformalIntervals(options).calibrate(calibration);
    calibrated.require_unseen("los_loop", forecasts);
    const Intervals all = calibrated.follow(forecasts);
    const Intervals intervals{last_day.of(all.lower), last_day.of(all.upper)};
    fmt::print("{:<24}", follows ? "adaptive conformal" : "split conformal");
    for (const Index horizon : reported) fmt::print("{:>7.1f} %", 100 * coverage(intervals, of_day, horizon).share);
    const Coverage total = coverage(intervals, of_day);
    fmt::print("{:>7.1f} %{:>8.1f} mph\n", 100 * total.share, total.mean_width);
  }
}

/// Alarms where a speed below 40 mph within the next half hour is likely: those of the networks, and those of
/// persistence, whose intervals are calibrated on the same windows in the same way.
void print_alarms(const ForecastWindows& calibration, const Forecasts& of_calibration, const ForecastWindows& test,
                  const Forecasts& forecasts) {
  const IntervalOptions options{.rate = 0, .window = readings_a_day};
  const ConformalIntervals intervals = ConformalIntervals(options).calibrate(of_calibration);
  const ConformalIntervals naive = calibrate_naive(options, calibration).value();
  const auto text = [](double figure, int digits) {
    return std::isnan(figure) ? std::string("-") : fmt::format("{:.{}f}", figure, digits);
  };
  fmt::print("\nalarms of less than 40 mph within 30 minutes:\n{:<32}{:>8}{:>10}{:>8}{:>12}{:>12}\n", "", "events",
             "precision", "recall", "lead", "false a day");
  for (const double probability : {0.3, 0.5, 0.7}) {
    const AlarmOptions alarm{.value = 40, .probability = probability, .horizon = 6};
    for (const auto& [who, report] : {std::pair("networks", judge_alarms(intervals, forecasts, alarm)),
                                      {"persistence", judge_naive_alarms(naive, test, alarm)}})
      fmt::print("chance above {:.1f}, {:<14}{:>8}{:>10}{:>8}{:>8} min{:>12}\n", probability, who, report.events,
                 text(report.precision, 2), text(report.recall, 2), text(report.mean_lead_minutes, 1),
                 text(report.false_alarms_a_day, 1));
  }
}

void print_drift(const Readings& train, const Readings& test, const Forecasts& forecasts) {
  DriftWatch watch(train);
  for (Index window = 0; window < forecasts.windows(); ++window)
    for (Index sensor = 0; sensor < test.sensor_count(); ++sensor)
      watch.tell(static_cast<double>(forecasts.values(window, sensor)),
                 static_cast<double>(forecasts.truth(window, sensor)));
  fmt::print("\ndrift, over the test part:");
  for (const auto& [name, value] : watch.figures(test)) fmt::print(" {} {:.4g}", name, value);
  fmt::print("\n");
}

/// The search, within the training part. `quickly`: few settings, few detectors and an epoch each, to see that it runs.
int choose_settings(const std::string& data, bool quickly) {
  ForecastSearch search{
      .training = read_training_speeds(data + "/los-loop-speed.csv"),
      .options = settings_to_choose_from(),
      .finer = smaller_steps(),
      .own = Settings{}.trial(),
      .scores = {.averaging = Averaging::up_to_horizon},
      .horizons = reported,
      // About the rate of Gibbs and Candes, 0.005, to ten times it; windows of a day, and of half a one.
      .intervals = intervals_to_choose_from({0, 0.005, 0.01, 0.02, 0.05}, {0, readings_a_day / 2, readings_a_day}),
      .own_intervals = adaptive};
  if (quickly) {
    search.training.values = Matrix(search.training.values.leftCols(9));
    search.training.sensors.resize(9);
    search.candidates = 3;
    search.children = 3;
    search.generations = 2;
    search.seeds = 1;
  }
  const Index sensors = search.training.sensor_count();
  search.make = [](const Trial& trial) { return make_forecaster(Settings::of(trial)); };
  search.fit = [sensors, quickly](const Trial& trial, Index readings) {
    Settings settings = Settings::of(trial);
    if (quickly) settings.epochs = 1;
    return how_to_learn(readings * sensors, 0, settings);
  };
  return choose(search);
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void run(const std::string& data, const std::string& csv) {
  const auto begin = std::chrono::steady_clock::now();
  const Readings speeds = speeds_of(read_csv(data + "/los-loop-speed.csv"));
  const Index cut = training_rows(speeds.rows());
  const Readings train = speeds.part({0, cut}),
                 test = speeds.part({.begin = cut, .end = speeds.rows(), .held_out = true});

  const Forecaster fresh = make_forecaster();
  const ForecastWindows windows = fresh.windows(test);
  const ScoreOptions scoring{.averaging = Averaging::up_to_horizon};
  ScoreTable table("mph", windows.seconds_a_reading());
  for (const Baseline& baseline : fit_baselines(fresh.windows(train)))
    table.add(baseline.forecast(windows), scoring, reported);

  // Ensembles of other seeds tell how much is chance.
  const auto begin_of_training = std::chrono::steady_clock::now();
  std::vector<Forecasts> ensembles, networks;
  Index weights = 0;
  for (std::uint64_t i = 0; i < seeds; ++i) {
    Forecaster forecaster = make_forecaster();
    forecaster.fit(train, how_to_learn(train.values.size(), 0, {}, 1 + 3 * i));
    for (Index k = 0; k < forecaster.networks(); ++k) networks.push_back(forecaster.network(k).forecast(windows));
    weights = forecaster.network(0).model().network().parameters().layout().size();
    ensembles.push_back(forecaster.forecast(windows));
    ensembles.back().model = fmt::format("ensemble {} of {}", i + 1, seeds);
    table.add(ensembles.back(), scoring, reported);
  }
  table.add_mean(fmt::format("mean of {} networks", networks.size()), networks, scoring, reported)
      .add_mean(fmt::format("mean of {} ensembles", seeds), ensembles, scoring, reported);
  fmt::print("{} detectors, {} readings to learn from; {} ensembles of 3 networks of {} weights, {:.0f} s\n\n{}",
             train.sensor_count(), cut, seeds, weights, seconds_since(begin_of_training), table.text());
  if (!csv.empty()) std::ofstream(csv) << table.csv();

  // Errors of networks that learned alike but for the last tenth, on that tenth.
  Forecaster held_out = make_forecaster();
  held_out.fit(train, how_to_learn(train.values.size(), 0.1));
  const ForecastWindows last_tenth = held_out.windows(train).targets_from(cut - cut / 10);
  const Forecasts calibration = held_out.forecast(last_tenth), &forecasts = ensembles.front();
  print_intervals(calibration, forecasts);
  print_alarms(last_tenth, calibration, windows, forecasts);
  print_drift(train, test, forecasts);
  fmt::print("\n{:.0f} s in all\n", seconds_since(begin));
}

}  // namespace

int main(int count, char** values) {
  try {
    std::string data = "../shared/data/traffic", csv;
    std::string_view choice;
    for (int i = 1; i < count; ++i) {
      const std::string_view name = values[i];
      if (name == "--choose" || name == "--choose-quickly") {
        choice = name;
        continue;
      }
      require<ConfigError>((name == "--data" || name == "--csv") && i + 1 < count,
                           "los_loop: expected --choose, --choose-quickly, --data FOLDER or --csv FILE, got {}", name);
      (name == "--data" ? data : csv) = values[++i];
    }
    if (!choice.empty()) return choose_settings(data, choice == "--choose-quickly");
    run(data, csv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
