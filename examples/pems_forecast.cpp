// Forecasts the flow of one lane of a real motorway five minutes ahead, from the twelve readings before.
//
//   pems_forecast [--data FOLDER]                 trains three ensembles and compares them with simple forecasts
//   pems_forecast [--data FOLDER] --model FILE    takes a trained network instead, from Keras' model.h5
//
// FOLDER holds pems-lane1-train.csv and pems-lane1-test.csv: vehicles per 5 minutes, on working days.
#include <fmt/core.h>

#include <cmath>
#include <cstdio>
#include <exception>
#include <maas/maas.hpp>
#include <string>
#include <string_view>
#include <vector>

using namespace maas;

namespace {

constexpr Index lags = 12;

struct Arguments {
  std::string data = "../shared/data/traffic";
  std::string model;  // empty: train
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

/// One reading ahead from twelve, the time of day and the day of the week. Windows run across the nights of missing
/// days, as in the published results that this program is compared with.
Forecaster make_forecaster() {
  return Forecaster({.windows = {.lags = lags, .across_gaps = true},
                     .time_of_day = true,
                     .harmonics = 6,
                     .day_of_week = true,
                     .scaling = ReadingScaling::min_max,
                     .unit = "vehicles per 5 minutes"},
                    ForecastNetwork{.hidden = {128, 64}});
}

/// Epochs, rate, decay and harmonics were chosen within the training part, by four origins, each with the tenth of
/// it that follows. Scores on the test part were seen between rounds of that choice, never chosen by.
ForecastFit how_to_learn(std::uint64_t seed, const Readings& train, double held_out) {
  constexpr int epochs = 60;
  constexpr Index batch_size = 32;
  const double samples = (1 - held_out) * static_cast<double>(train.rows());
  ForecastFit fit{.validation_share = held_out, .networks = 3};
  fit.compile.optimizer =
      AdamW{.learning_rate = CosineDecay{.initial_learning_rate = 0.004, .decay_steps = epochs * samples / batch_size},
            .options = {.weight_decay = 0.05}};
  fit.fit.epochs = epochs;
  fit.fit.batch_size = batch_size;
  fit.fit.seed = seed;
  return fit;
}

/// Intervals that are to hold nine of ten readings: calibrated on errors of networks that learned alike, but for the
/// last tenth of the training part, on that tenth; then kept as they are, or told every reading once it has come.
void print_intervals(const Forecaster& forecaster, const Readings& train, const Readings& test) {
  Forecaster held_out = make_forecaster();
  const ForecastFit fit = how_to_learn(1, train, 0.1);
  held_out.fit(train, fit);
  const Index cut = train.rows() - fit.held_out(train.rows());
  const Forecasts calibration = held_out.forecast(held_out.windows(train).targets_from(cut));
  const Forecasts forecasts = forecaster.forecast(test);
  const RowRange last_day{forecasts.windows() - 288, forecasts.windows()};
  fmt::print("\nintervals for 90 % of the readings:{:>20}{:>14}{:>14}\n", "last day", "all days", "mean width");
  for (const bool adaptive : {false, true}) {
    const IntervalOptions options{.rate = adaptive ? 0.01 : 0.0, .window = adaptive ? Index{1440} : Index{0}};
    const Intervals intervals = ConformalIntervals(options).calibrate(calibration).follow(forecasts);
    const Intervals of_day{last_day.of(intervals.lower), last_day.of(intervals.upper)};
    const Coverage all = coverage(intervals, forecasts), day = coverage(of_day, forecasts.part(last_day));
    fmt::print("{:<35}{:>18.1f} %{:>12.1f} %{:>14.1f}\n", adaptive ? "adaptive conformal" : "split conformal",
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
    forecaster.fit(train, how_to_learn(1 + 3 * i, train, 0));
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
  for (int i = 1; i < count; i += 2) {
    const std::string_view name = values[i];
    require<ConfigError>((name == "--data" || name == "--model") && i + 1 < count,
                         "pems_forecast: expected --data FOLDER or --model FILE, got {}", name);
    (name == "--data" ? arguments.data : arguments.model) = values[i + 1];
  }
  return arguments;
}

void run(const Arguments& arguments) {
  const Flow train = read_flow(arguments.data + "/pems-lane1-train.csv");
  const Flow test = read_flow(arguments.data + "/pems-lane1-test.csv");
  if (arguments.model.empty())
    compare_networks(as_readings(train), as_readings(test, true));
  else
    score_saved_model(arguments.model, as_readings(train), as_readings(test, true));
}

}  // namespace

int main(int count, char** values) {
  try {
    run(read_arguments(count, values));
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
