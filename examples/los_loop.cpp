// Forecasts the speeds of 207 detectors in Los Angeles for the next hour, and warns of jams.
//
//   los_loop [--data FOLDER] [--csv FILE]   FOLDER holds los-loop-speed.csv; FILE gets the table of scores
//
// The first 80 % of the week are learned from, the last 20 % are the test. All choices (network, rate, epochs) were
// made on parts of the training part that were held out: its last tenth, the Friday, the Monday. Scores on the test
// were seen between rounds of that choice.
#include <fmt/core.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <maas/maas.hpp>
#include <string>
#include <string_view>
#include <vector>

using namespace maas;

namespace {

constexpr double minutes_a_reading = 5;
constexpr Index readings_a_day = 288;
const std::vector<Index> reported = {3, 6, 9, 12};  // 15, 30, 45 and 60 minutes

/// mph, every 5 minutes from 2012-03-01 00:00; the file has no times.
Readings read_speeds(const std::string& path) {
  Readings readings = readings_of(read_csv(path));
  const double start = parse_time("2012-03-01").value();
  for (Index row = 0; row < readings.rows(); ++row)
    readings.times.push_back(start + 60 * minutes_a_reading * static_cast<double>(row));
  return readings;
}

/// One network for all detectors: its own twelve readings, the time of day, and a learned vector for each detector. In
/// training numbers of that vector drop out, else the network learns days by heart: there are five, not all of them
/// working days.
Model make_network(const ForecastShape& shape) {
  const Symbol readings = input(shape.features), detector = input(1);
  const Symbol learned = flatten()(embedding(shape.ids, 32)(detector));
  Symbol last = concatenate({readings, dropout(0.3)(learned)});
  for (int layer = 0; layer < 3; ++layer) last = dense(160, relu)(last);
  return Model({readings, detector}, {dense(shape.outputs)(last)});
}

Forecaster make_forecaster() {
  return Forecaster(
      {.windows = {.lags = 12, .horizons = every_step(12)}, .time_of_day = true, .changes = true, .unit = "mph"},
      make_network);
}

ForecastFit how_to_learn(const Readings& train, double held_out) {
  constexpr int epochs = 12;
  constexpr Index batch_size = 512;
  ForecastFit fit{.validation_share = held_out, .networks = 3};
  const double samples = (1 - held_out) * static_cast<double>(train.values.size());
  fit.compile.optimizer =
      AdamW{.learning_rate = CosineDecay{.initial_learning_rate = 0.003, .decay_steps = epochs * samples / batch_size},
            .options = {.weight_decay = 0.1, .use_ema = true, .ema_momentum = 0.999}};
  fit.compile.loss = Huber{.delta = 0.2};  // of scaled speeds: about 3 mph
  fit.fit.epochs = epochs;
  fit.fit.batch_size = batch_size;
  fit.fit.seed = 1;
  return fit;
}

/// Intervals for nine of ten readings: calibrated once, on the end of the training part, or told what has come, too.
void print_intervals(const Forecasts& calibration, const Forecasts& forecasts) {
  const RowRange last_day{forecasts.windows() - readings_a_day, forecasts.windows()};
  const Forecasts of_day = forecasts.part(last_day);
  fmt::print("\nintervals for 90 % of the readings; within on the last day:\n{:<24}", "");
  for (const Index horizon : reported) fmt::print("{:>5.0f} min", minutes_a_reading * static_cast<double>(horizon));
  fmt::print("{:>9}{:>12}\n", "all", "mean width");
  for (const bool adaptive : {false, true}) {
    const IntervalOptions options{.rate = adaptive ? 0.01 : 0.0, .window = adaptive ? readings_a_day : 0};
    const Intervals all = ConformalIntervals(options).calibrate(calibration).follow(forecasts);
    const Intervals intervals{last_day.of(all.lower), last_day.of(all.upper)};
    fmt::print("{:<24}", adaptive ? "adaptive conformal" : "split conformal");
    for (const Index horizon : reported) fmt::print("{:>7.1f} %", 100 * coverage(intervals, of_day, horizon).share);
    const Coverage total = coverage(intervals, of_day);
    fmt::print("{:>7.1f} %{:>8.1f} mph\n", 100 * total.share, total.mean_width);
  }
}

/// Alarms where a speed below 40 mph within the next half hour is more likely than not.
void print_alarms(const Forecasts& calibration, const Forecasts& forecasts) {
  ConformalIntervals intervals({.rate = 0, .window = readings_a_day});
  intervals.calibrate(calibration);
  fmt::print("\nalarms of less than 40 mph within 30 minutes:\n{:<24}{:>8}{:>10}{:>8}{:>12}{:>12}\n", "", "events",
             "precision", "recall", "lead", "false a day");
  Matrix chances;
  intervals.follow(forecasts, 40, chances);
  for (const double probability : {0.3, 0.5, 0.7}) {
    const AlarmOptions options{.value = 40, .probability = probability, .horizon = 6};
    const AlarmReport report = judge_alarms(forecasts, raise_alarms(forecasts, chances, options), options);
    fmt::print("chance above {:<11}{:>8}{:>10.2f}{:>8.2f}{:>8.1f} min{:>12.1f}\n", probability, report.events,
               report.precision, report.recall, report.mean_lead_minutes, report.false_alarms_a_day);
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

void run(const std::string& data, const std::string& csv) {
  const Readings speeds = read_speeds(data + "/los-loop-speed.csv");
  const Index cut = speeds.rows() * 8 / 10;
  const Readings train = speeds.part({0, cut}),
                 test = speeds.part({.begin = cut, .end = speeds.rows(), .held_out = true});

  const auto begin = std::chrono::steady_clock::now();
  Forecaster forecaster = make_forecaster();
  forecaster.fit(train, how_to_learn(train, 0));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  const Forecaster first = forecaster.network(0);
  fmt::print("{} detectors, {} readings to learn from; 3 networks of {} weights, {:.0f} s\n\n", train.sensor_count(),
             cut, first.model().network().parameters().layout().size(), seconds.count());

  const ScoreTable table = forecaster.compare(fit_baselines(forecaster.windows(train)), test,
                                              {.averaging = Averaging::up_to_horizon}, reported);
  fmt::print("{}", table.text());
  if (!csv.empty()) std::ofstream(csv) << table.csv();

  // Errors of networks that learned alike but for the last tenth, on that tenth.
  Forecaster held_out = make_forecaster();
  held_out.fit(train, how_to_learn(train, 0.1));
  const Forecasts calibration = held_out.forecast(held_out.windows(train).targets_from(cut - cut / 10));
  const Forecasts forecasts = forecaster.forecast(test);
  print_intervals(calibration, forecasts);
  print_alarms(calibration, forecasts);
  print_drift(train, test, forecasts);
}

}  // namespace

int main(int count, char** values) {
  try {
    std::string data = "../shared/data/traffic", csv;
    for (int i = 1; i < count; i += 2) {
      const std::string_view name = values[i];
      require<ConfigError>((name == "--data" || name == "--csv") && i + 1 < count,
                           "los_loop: expected --data FOLDER or --csv FILE, got {}", name);
      (name == "--data" ? data : csv) = values[i + 1];
    }
    run(data, csv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
