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

/// The figures of the published table, in vehicles per 5 minutes.
struct PublishedScores {
  double mae = 0, mse = 0, rmse = 0, mape = 0, r2 = 0, explained_variance = 0;
};

PublishedScores published_scores(const Matrix& forecast, const Matrix& truth) {
  const Eigen::ArrayXd y = truth.col(0).cast<double>(), error = y - forecast.col(0).cast<double>().array();
  const double variance = (y - y.mean()).square().mean();
  PublishedScores scores;
  scores.mae = error.abs().mean();
  scores.mse = error.square().mean();
  scores.rmse = std::sqrt(scores.mse);
  // Percent make no sense where no vehicle came.
  scores.mape = 100 * (y > 0).select(error.abs() / y, 0.0).sum() / static_cast<double>((y > 0).count());
  scores.r2 = 1 - scores.mse / variance;
  scores.explained_variance = 1 - (error - error.mean()).square().mean() / variance;
  return scores;
}

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

/// As xiaochus/TrafficFlowPrediction publishes them, on the same windows; sMAPE is not among them.
void add_published(ScoreTable& table) {
  const auto add = [&](const char* name, double mae, double rmse, double mape, double r2) {
    table.add({.model = name, .scores = {.mae = mae, .rmse = rmse, .mape = mape, .smape = std::nan(""), .r2 = r2}});
  };
  add("published: LSTM", 7.21, 9.90, 16.56, 0.9396);
  add("published: GRU", 7.20, 9.97, 16.78, 0.9389);
  add("published: SAEs", 7.06, 9.60, 17.80, 0.9433);
}

void compare_networks(const Readings& train, const Readings& test) {
  const ForecastWindows windows = make_forecaster().windows(train);
  const std::vector<Baseline> baselines = fit_baselines(windows);
  std::vector<Forecasts> ensembles, networks;
  ScoreTable table("vehicles per 5 minutes", 300);
  for (const Baseline& baseline : baselines) table.add(baseline.forecast(make_forecaster().windows(test)));
  for (std::uint64_t i = 0; i < 3; ++i) {
    Forecaster forecaster = make_forecaster();
    forecaster.fit(train, how_to_learn(1 + 3 * i, train, 0));
    ensembles.push_back(forecaster.forecast(test));
    for (Index k = 0; k < forecaster.networks(); ++k) networks.push_back(forecaster.network(k).forecast(test));
    table.add(ensembles.back());
    if (i == 2) {
      table.add_mean("mean of 9 networks", networks).add_mean("mean of 3 ensembles", ensembles);
      add_published(table);
      fmt::print("{} training windows, {} test windows of {} readings\n\n{}", windows.size(), ensembles[0].windows(),
                 lags, table.text());
      print_intervals(forecaster, train, test);
    }
  }
}

void score_saved_model(const std::string& path, const Flow& test, const MinMaxScaler& scaler) {
  const Model model = load_model(path);
  const Windows windows({.values = scaler.apply(test.vehicles), .times = test.times},
                        {.lags = lags, .across_gaps = true});
  const Matrix forecast = scaler.invert(model.predict(windows.feature_matrix()));
  const PublishedScores scores = published_scores(forecast, scaler.invert(windows.target_matrix()));
  fmt::print("{}\n", path);
  fmt::print("MAE {:.4f}, MSE {:.3f}, RMSE {:.4f}, MAPE {:.3f} %, ", scores.mae, scores.mse, scores.rmse, scores.mape);
  fmt::print("R2 {:.5f}, explained variance {:.5f}, over {} predictions\n", scores.r2, scores.explained_variance,
             windows.size());
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
    score_saved_model(arguments.model, test, MinMaxScaler{}.fit(TrainingRows::all_of(train.vehicles)));
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
