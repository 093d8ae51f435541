// Forecasts the flow of one lane of a real motorway five minutes ahead, from the twelve readings before.
//
//   pems_forecast [--data FOLDER]                 trains three ensembles and compares them with simple forecasts
//   pems_forecast [--data FOLDER] --model FILE    takes a trained network instead, from Keras' model.h5
//   pems_forecast [--data FOLDER] --choose        chooses the settings, without the test part: exit code 2 for others
//   pems_forecast [--data FOLDER] --choose-quickly    the same with little of everything: to see that it runs
//
// FOLDER holds pems-lane1-train.csv and pems-lane1-test.csv: vehicles per 5 minutes, on working days.
// --choose looks for settings: the best ones of 243 that are drawn are bred, judged behind three origins within the
// training part. It does not open the file of the test part: see choose.hpp. A search before it, of the same draws,
// found another setting than the program has: benchmarks/results/2026-11-28-choice.md tells why.
#include <fmt/core.h>

#include <cmath>
#include <cstdio>
#include <exception>
#include <maas/maas.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "choose.hpp"

using namespace maas;

namespace {

constexpr Index lags = 12;

struct Arguments {
  std::string data = "../shared/data/traffic";
  std::string model;        // empty: train
  std::string_view choice;  // empty: train
};

/// Readings of one file: flow in vehicles per 5 minutes, one a row, and their times.
struct Flow {
  Matrix vehicles;
  std::vector<double> times;
};

Flow read_flow(const std::string& path) {
  const Table table = read_csv(path);
  return {table.matrix({"Lane 1 Flow (Veh/5 Minutes)"}), table.times("5 Minutes")};
}

Readings as_readings(const Flow& flow, bool held_out = false) {
  return {.values = flow.vehicles, .times = flow.times, .sensors = {"lane 1"}, .held_out = held_out};
}

/// The figures of the published table, in its order: MAE, MSE, RMSE, MAPE, R2 and the explained variance; errors in
/// vehicles per 5 minutes, MAPE in percent.
using Figures = Eigen::Array<double, 6, 1>;

Figures figures_of(const Forecasts& forecasts) {
  const Eigen::ArrayXd y = forecasts.truth.col(0).cast<double>();
  const Eigen::ArrayXd error = y - forecasts.values.col(0).cast<double>().array();
  const double variance = (y - y.mean()).square().mean(), mse = error.square().mean();
  // Percent make no sense where no vehicle came.
  const double mape = 100 * (y > 0).select(error.abs() / y, 0.0).sum() / static_cast<double>((y > 0).count());
  Figures figures;
  figures << error.abs().mean(), mse, std::sqrt(mse), mape, 1 - mse / variance,
      1 - (error - error.mean()).square().mean() / variance;
  return figures;
}

/// A table of them, at its end what xiaochus/TrafficFlowPrediction publishes of the same windows, digit by digit.
class PublishedTable {
 public:
  PublishedTable() {
    text_ = fmt::format("{:<24}{:>9}{:>10}{:>9}{:>10}{:>10}{:>12}\n", "vehicles per 5 minutes", "MAE", "MSE", "RMSE",
                        "MAPE %", "R2", "explained");
  }

  void add(std::string_view name, const Figures& figures) {
    text_ += fmt::format("{:<24}{:>9.4f}{:>10.3f}{:>9.4f}{:>10.3f}{:>10.5f}{:>12.5f}\n", name, figures[0], figures[1],
                         figures[2], figures[3], figures[4], figures[5]);
  }

  std::string text() const {
    return text_ +
           "published: LSTM              7.21     98.05     9.90     16.56    0.9396      0.9419\n"
           "published: GRU               7.20     99.32     9.97     16.78    0.9389      0.9389\n"
           "published: SAEs              7.06     92.08     9.60     17.80    0.9433      0.9442\n";
  }

 private:
  std::string text_;
};

/// What is open to choice. Twelve readings a window are not: the published results are of those.
struct Settings {
  std::string layers = "128 64";  ///< widths of the hidden layers
  double harmonics = 6;           ///< of the time of day
  double week = 1;                ///< 1: the network knows the day of the week
  double changes = 0;             ///< 1: it forecasts the change since the last reading
  double rate = 0.004;            ///< of learning, at first; it ends at 0
  double decay = 0.05;            ///< of weights
  double epochs = 60;
  double batch = 32;
  double delta = 1;    ///< of Huber's loss, in flows scaled to 0 to 1: 1 is the squared error
  double average = 0;  ///< 1: the weights are the average of those along the way

  static Settings of(const Trial& trial) {
    return {.layers = trial.text("layers"),
            .harmonics = trial.real("harmonics"),
            .week = trial.real("week"),
            .changes = trial.real("changes"),
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
             {"harmonics", harmonics},
             {"week", week},
             {"changes", changes},
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
  return {// From one to three layers of powers of two, as wide as before or half as wide.
          {"layers",
           {"32", "64", "128", "256", "32 32", "64 32", "64 64", "128 64", "128 128", "256 128", "256 256", "64 64 64",
            "128 64 32", "128 128 128", "256 128 64"}},
          {"harmonics", {1, 2, 3, 4, 6, 8, 12}},  // waves of whole hours, from a day to two hours
          {"week", {0, 1}},
          {"changes", {0, 1}},
          {"rate", {0.0005, 0.001, 0.002, 0.004, 0.008}},  // Adam's default, half of it, and doublings: see batch
          {"decay", {0, 0.003, 0.01, 0.03, 0.1, 0.3}},     // none, about Keras' 0.004, in steps of three
          {"epochs", {20, 40, 60, 80}},                    // nine networks learn within a minute
          {"batch", {32, 64, 128}},                        // Keras' default and doublings
          {"delta", {0.03, 0.06, 0.12, 0.25, 1}},          // nearly the absolute error to the squared one
          {"average", {0, 1}}};
}

constexpr Index readings_a_day = 288;

/// How intervals follow what comes.
const IntervalOptions adaptive = {.rate = 0.05};

/// One reading ahead from twelve, the time of day and the day of the week. Windows run across the nights of missing
/// days, as in the published results that this program is compared with.
Forecaster make_forecaster(const Settings& settings = {}) {
  ForecastOptions options;
  options.windows.lags = lags;
  options.windows.across_gaps = true;
  options.time_of_day = true;
  options.harmonics = static_cast<Index>(settings.harmonics);
  options.day_of_week = settings.week > 0;
  options.scaling = ReadingScaling::min_max;
  options.changes = settings.changes > 0;
  options.unit = "vehicles per 5 minutes";
  return Forecaster(std::move(options), ForecastNetwork{.hidden = widths_of(settings.layers)});
}

/// How networks learn from so many readings.
ForecastFit how_to_learn(std::uint64_t seed, Index readings, double held_out, const Settings& settings = {}) {
  const double samples = (1 - held_out) * static_cast<double>(readings);
  ForecastFit fit{.validation_share = held_out, .networks = 3};
  fit.compile.optimizer =
      AdamW{.learning_rate = CosineDecay{.initial_learning_rate = settings.rate,
                                         .decay_steps = settings.epochs * samples / settings.batch},
            .options = {.weight_decay = settings.decay, .use_ema = settings.average > 0, .ema_momentum = 0.999}};
  fit.compile.loss = Huber{.delta = settings.delta};
  fit.fit.epochs = static_cast<int>(settings.epochs);
  fit.fit.batch_size = static_cast<Index>(settings.batch);
  fit.fit.seed = seed;
  return fit;
}

/// The search, within the training part: the file of the test is not opened. `quickly`: few settings, readings and
/// epochs, to see that it runs.
int choose_settings(const std::string& data, bool quickly) {
  ForecastSearch search{.training = as_readings(read_flow(data + "/pems-lane1-train.csv")),
                        .options = settings_to_choose_from(),
                        .candidates = 243,
                        .own = Settings{}.trial(),
                        .horizons = {1},
                        // About the rate of Gibbs and Candes, 0.005, to ten times it; windows of one day to ten.
                        .intervals = intervals_to_choose_from(
                            {0, 0.002, 0.005, 0.01, 0.02, 0.05},
                            {0, readings_a_day, 2 * readings_a_day, 5 * readings_a_day, 10 * readings_a_day}),
                        .own_intervals = adaptive};
  if (quickly) {
    search.training = search.training.part({0, 10 * readings_a_day});
    search.candidates = 3;
    search.children = 3;
    search.generations = 2;
    search.seeds = 1;
  }
  search.make = [](const Trial& trial) { return make_forecaster(Settings::of(trial)); };
  search.fit = [quickly](const Trial& trial, Index readings) {
    Settings settings = Settings::of(trial);
    if (quickly) settings.epochs = 2;
    return how_to_learn(1, readings, 0, settings);
  };
  return choose(search);
}

/// Intervals that are to hold nine of ten readings: calibrated on errors of networks that learned alike, but for the
/// last tenth of the training part, on that tenth; then kept as they are, or told every reading once it has come.
void print_intervals(const Forecaster& forecaster, const Readings& train, const Readings& test) {
  Forecaster held_out = make_forecaster();
  const ForecastFit fit = how_to_learn(1, train.rows(), 0.1);
  held_out.fit(train, fit);
  const Index cut = train.rows() - fit.held_out(train.rows());
  const Forecasts calibration = held_out.forecast(held_out.windows(train).targets_from(cut));
  const Forecasts forecasts = forecaster.forecast(test);
  const RowRange last_day{forecasts.windows() - readings_a_day, forecasts.windows()};
  fmt::print("\nintervals for 90 % of the readings:{:>20}{:>14}{:>14}\n", "last day", "all days", "mean width");
  for (const bool follows : {false, true}) {
    const IntervalOptions options = follows ? adaptive : IntervalOptions{};
    ConformalIntervals calibrated = ConformalIntervals(options).calibrate(calibration);
    calibrated.require_unseen("pems_forecast", forecasts);
    const Intervals intervals = calibrated.follow(forecasts);
    const Intervals of_day{last_day.of(intervals.lower), last_day.of(intervals.upper)};
    const Coverage all = coverage(intervals, forecasts), day = coverage(of_day, forecasts.part(last_day));
    fmt::print("{:<35}{:>18.1f} %{:>12.1f} %{:>14.1f}\n", follows ? "adaptive conformal" : "split conformal",
               100 * day.share, 100 * all.share, day.mean_width);
  }
}

/// Simple forecasts of the test part, fitted to the training part.
std::vector<Forecasts> simple_forecasts(const Readings& train, const ForecastWindows& test) {
  std::vector<Forecasts> forecasts;
  for (const Baseline& baseline : fit_baselines(make_forecaster().windows(train)))
    forecasts.push_back(baseline.forecast(test));
  return forecasts;
}

void compare_networks(const Readings& train, const Readings& test) {
  std::vector<Forecasts> ensembles, networks;
  ScoreTable table("vehicles per 5 minutes", 300);
  PublishedTable published;
  for (const Forecasts& simple : simple_forecasts(train, make_forecaster().windows(test))) {
    table.add(simple);
    published.add(simple.model, figures_of(simple));
  }
  Figures sum = Figures::Zero();
  for (std::uint64_t i = 0; i < 3; ++i) {
    Forecaster forecaster = make_forecaster();
    forecaster.fit(train, how_to_learn(1 + 3 * i, train.rows(), 0));
    ensembles.push_back(forecaster.forecast(test));
    for (Index k = 0; k < forecaster.networks(); ++k) networks.push_back(forecaster.network(k).forecast(test));
    table.add(ensembles.back());
    sum += figures_of(ensembles.back());
    if (i == 2) {
      table.add_mean("mean of 9 networks", networks).add_mean("mean of 3 ensembles", ensembles);
      published.add("mean of 3 ensembles", sum / 3);
      fmt::print("{} training windows, {} test windows of {} readings\n\n{}\n{}",
                 make_forecaster().windows(train).size(), ensembles[0].windows(), lags, table.text(), published.text());
      print_intervals(forecaster, train, test);
    }
  }
}

/// The forecasts of a network of Keras, which knows twelve scaled readings and no time.
Forecasts forecasts_of_model(const std::string& path, const Readings& train, const ForecastWindows& test) {
  const MinMaxScaler scaler = MinMaxScaler{}.fit(TrainingRows::all_of(train.values));
  const Windows windows({.values = scaler.apply(test.readings().values), .times = test.readings().times},
                        {.lags = lags, .across_gaps = true});
  require<DataError>(windows.size() == test.size(),
                     "pems_forecast: expected {} windows without a missing reading, got {}", test.size(),
                     windows.size());
  Forecasts forecasts = empty_forecasts("model", test);
  forecasts.values = scaler.invert(load_model(path).predict(windows.feature_matrix()));
  return forecasts;
}

void score_saved_model(const std::string& path, const Readings& train, const Readings& readings) {
  const ForecastWindows test = make_forecaster().windows(readings);
  PublishedTable table;
  for (const Forecasts& simple : simple_forecasts(train, test)) table.add(simple.model, figures_of(simple));
  table.add("model", figures_of(forecasts_of_model(path, train, test)));
  fmt::print("{}, over {} predictions\n\n{}", path, test.size(), table.text());
}

Arguments read_arguments(int count, char** values) {
  Arguments arguments;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = values[i];
    if (name == "--choose" || name == "--choose-quickly") {
      arguments.choice = name;
      continue;
    }
    require<ConfigError>((name == "--data" || name == "--model") && i + 1 < count,
                         "pems_forecast: expected --data FOLDER, --model FILE, --choose or --choose-quickly, got {}",
                         name);
    (name == "--data" ? arguments.data : arguments.model) = values[++i];
  }
  return arguments;
}

int run(const Arguments& arguments) {
  if (!arguments.choice.empty()) return choose_settings(arguments.data, arguments.choice == "--choose-quickly");
  const Flow train = read_flow(arguments.data + "/pems-lane1-train.csv");
  const Flow test = read_flow(arguments.data + "/pems-lane1-test.csv");
  if (arguments.model.empty())
    compare_networks(as_readings(train), as_readings(test, true));
  else
    score_saved_model(arguments.model, as_readings(train), as_readings(test, true));
  return 0;
}

}  // namespace

int main(int count, char** values) {
  try {
    return run(read_arguments(count, values));
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
