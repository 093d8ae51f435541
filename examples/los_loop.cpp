// Forecasts the speeds of 207 detectors in Los Angeles for the next hour, and warns of jams.
//
//   los_loop [--data FOLDER] [--csv FILE]   FOLDER holds los-loop-speed.csv; FILE gets the table of scores
//   los_loop --choose [--data FOLDER]       holds settings against each other, without the test part
//
// The first 80 % of the week are learned from, the last 20 % are the test. The settings stand where --choose finds none
// that is better by more than networks of one setting differ among each other. It looks at three pieces of the training
// part, each held out in turn: its Friday, its Monday, its last tenth; and takes half an hour of one processor.
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

/// What is open to choice.
struct Settings {
  double dropout = 0.3;  ///< of the numbers of a detector's vector
  Index embedding = 32;  ///< how many these are
  Index width = 160;     ///< of the three hidden layers
  int epochs = 12;
  double delta = 0.2;   ///< of Huber's loss, in scaled speeds: about 3 mph
  bool average = true;  ///< of the weights along the way
};

/// One network for all detectors: its own twelve readings, the time of day, and a learned vector for each detector. In
/// training numbers of that vector drop out, else the network learns days by heart: there are five, not all of them
/// working days.
Model make_network(const ForecastShape& shape, const Settings& settings) {
  const Symbol readings = input(shape.features), detector = input(1);
  const Symbol learned = flatten()(embedding(shape.ids, settings.embedding)(detector));
  Symbol last = concatenate({readings, dropout(settings.dropout)(learned)});
  for (int layer = 0; layer < 3; ++layer) last = dense(settings.width, relu)(last);
  return Model({readings, detector}, {dense(shape.outputs)(last)});
}

Forecaster make_forecaster(const Settings& settings = {}) {
  return Forecaster(
      {.windows = {.lags = 12, .horizons = every_step(12)}, .time_of_day = true, .changes = true, .unit = "mph"},
      [settings](const ForecastShape& shape) { return make_network(shape, settings); });
}

ForecastFit how_to_learn(const Readings& train, double held_out, const Settings& settings = {}) {
  constexpr Index batch_size = 512;
  ForecastFit fit{.validation_share = held_out, .networks = 3};
  const double steps = settings.epochs * (1 - held_out) * static_cast<double>(train.values.size()) / batch_size;
  fit.compile.optimizer = AdamW{.learning_rate = CosineDecay{.initial_learning_rate = 0.003, .decay_steps = steps},
                                .options = {.weight_decay = 0.1, .use_ema = settings.average, .ema_momentum = 0.999}};
  fit.compile.loss = Huber{.delta = settings.delta};
  fit.fit.epochs = settings.epochs;
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

/// All readings but some in the middle; windows do not reach across the gap in time.
Readings without(const Readings& all, const RowRange& rows) {
  const Readings before = all.part({0, rows.begin}), behind = all.part({rows.end, all.rows()});
  Readings result = before;
  result.values.resize(before.rows() + behind.rows(), all.sensor_count());
  result.values << before.values, behind.values;
  result.times.insert(result.times.end(), behind.times.begin(), behind.times.end());
  return result;
}

/// Mean absolute error and root of the mean squared error at each reported horizon, of three networks each, on a piece
/// that they have not learned from.
std::vector<double> errors_on(const RowRange& piece, const Readings& train, const Settings& settings) {
  const Readings rest = without(train, piece);
  Forecaster forecaster = make_forecaster(settings);
  forecaster.fit(rest, how_to_learn(rest, 0, settings));
  std::vector<double> errors;
  for (Index i = 0; i < forecaster.networks(); ++i) {
    const Forecasts forecasts =
        forecaster.network(i).forecast(train.part({.begin = piece.begin, .end = piece.end, .held_out = true}));
    for (const Index horizon : reported) {
      const Scores scores = score(forecasts, horizon, {.averaging = Averaging::up_to_horizon});
      errors.push_back(scores.mae);
      errors.push_back(scores.rmse);
    }
  }
  return errors;
}

/// Every setting beside the first one: its errors on each piece over those of the first, on average.
void choose(const std::string& data) {
  const Readings speeds = read_speeds(data + "/los-loop-speed.csv");
  const Readings train = speeds.part({0, speeds.rows() * 8 / 10});
  const std::pair<const char*, RowRange> pieces[] = {{"Friday", {readings_a_day, 2 * readings_a_day}},
                                                     {"Monday", {4 * readings_a_day, 5 * readings_a_day}},
                                                     {"last tenth", {train.rows() * 9 / 10, train.rows()}}};
  const std::pair<const char*, Settings> candidates[] = {{"as it is", {}},
                                                         {"no dropout", {.dropout = 0}},
                                                         {"dropout 0.15", {.dropout = 0.15}},
                                                         {"dropout 0.45", {.dropout = 0.45}},
                                                         {"vectors of 16", {.embedding = 16}},
                                                         {"64 wide", {.width = 64}},
                                                         {"256 wide", {.width = 256}},
                                                         {"8 epochs", {.epochs = 8}},
                                                         {"16 epochs", {.epochs = 16}},
                                                         {"Huber 1", {.delta = 1}},
                                                         {"last weights", {.average = false}}};
  fmt::print("errors over those of the first, mean of three networks, MAE and RMSE, 15 to 60 minutes\n{:<16}", "");
  for (const auto& [name, piece] : pieces) fmt::print("{:>12}", name);
  fmt::print("{:>12}\n", "all");
  std::vector<std::vector<double>> first;
  for (const auto& [name, settings] : candidates) {
    fmt::print("{:<16}", name);
    double total = 0;
    for (std::size_t i = 0; i < std::size(pieces); ++i) {
      const std::vector<double> errors = errors_on(pieces[i].second, train, settings);
      if (first.size() == i) first.push_back(errors);
      double ratio = 0;
      for (std::size_t k = 0; k < errors.size(); ++k)
        ratio += errors[k] / first[i][k] / static_cast<double>(errors.size());
      fmt::print("{:>12.4f}", ratio);
      std::fflush(stdout);
      total += ratio / static_cast<double>(std::size(pieces));
    }
    fmt::print("{:>12.4f}\n", total);
  }
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void run(const std::string& data, const std::string& csv) {
  const auto begin = std::chrono::steady_clock::now();
  const Readings speeds = read_speeds(data + "/los-loop-speed.csv");
  const Index cut = speeds.rows() * 8 / 10;
  const Readings train = speeds.part({0, cut}),
                 test = speeds.part({.begin = cut, .end = speeds.rows(), .held_out = true});

  const auto begin_of_training = std::chrono::steady_clock::now();
  Forecaster forecaster = make_forecaster();
  forecaster.fit(train, how_to_learn(train, 0));
  const double training = seconds_since(begin_of_training);
  const Forecaster first = forecaster.network(0);
  fmt::print("{} detectors, {} readings to learn from; 3 networks of {} weights, {:.0f} s\n\n", train.sensor_count(),
             cut, first.model().network().parameters().layout().size(), training);

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
  fmt::print("\n{:.0f} s in all\n", seconds_since(begin));
}

}  // namespace

int main(int count, char** values) {
  try {
    std::string data = "../shared/data/traffic", csv;
    bool choosing = false;
    for (int i = 1; i < count; ++i) {
      const std::string_view name = values[i];
      if (name == "--choose") {
        choosing = true;
        continue;
      }
      require<ConfigError>((name == "--data" || name == "--csv") && i + 1 < count,
                           "los_loop: expected --choose, --data FOLDER or --csv FILE, got {}", name);
      (name == "--data" ? data : csv) = values[++i];
    }
    choosing ? choose(data) : run(data, csv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
