// Forecasts the flow of one lane of a real motorway five minutes ahead, from the twelve readings before.
//
//   pems_forecast [--data FOLDER]                 trains three networks and compares them with simple forecasts
//   pems_forecast [--data FOLDER] --model FILE    takes a trained network instead, from Keras' model.h5
//
// FOLDER holds pems-lane1-train.csv and pems-lane1-test.csv: vehicles per 5 minutes, on working days.
#include <fmt/core.h>

#include <Eigen/Dense>
#include <algorithm>
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

/// Windows of twelve scaled readings and the reading after them. They run across the nights of missing days, as in the
/// published results that this program is compared with.
Windows cut_windows(const Flow& flow, const MinMaxScaler& scaler, bool with_time_of_day) {
  Series series{.values = scaler.apply(flow.vehicles), .times = flow.times};
  if (with_time_of_day) series.known = time_features(flow.times);
  return Windows(std::move(series), {.lags = lags, .across_gaps = true});
}

/// How far forecasts are from what came, both in vehicles per 5 minutes.
struct Scores {
  double mae = 0, mse = 0, rmse = 0, mape = 0, r2 = 0, explained_variance = 0;
};

Scores score(const Matrix& forecast, const Matrix& truth) {
  const Eigen::ArrayXd y = truth.col(0).cast<double>(), error = y - forecast.col(0).cast<double>().array();
  const double variance = (y - y.mean()).square().mean();
  Scores scores;
  scores.mae = error.abs().mean();
  scores.mse = error.square().mean();
  scores.rmse = std::sqrt(scores.mse);
  // Percent make no sense where no vehicle came.
  scores.mape = 100 * (y > 0).select(error.abs() / y, 0.0).sum() / static_cast<double>((y > 0).count());
  scores.r2 = 1 - scores.mse / variance;
  scores.explained_variance = 1 - (error - error.mean()).square().mean() / variance;
  return scores;
}

void print_row(std::string_view name, const Scores& scores) {
  fmt::print("{:<24}{:>8.3f}{:>9.3f}\n", name, scores.mae, scores.rmse);
}

/// Least squares on the lags and a constant.
Matrix linear_forecast(const Matrix& x_train, const Matrix& y_train, const Matrix& x_test) {
  const auto with_constant = [](const Matrix& x) {
    Eigen::MatrixXd result(x.rows(), lags + 1);
    result << x.leftCols(lags).cast<double>(), Eigen::VectorXd::Ones(x.rows());
    return result;
  };
  const Eigen::VectorXd weights = with_constant(x_train).colPivHouseholderQr().solve(y_train.cast<double>().col(0));
  return (with_constant(x_test) * weights).cast<Scalar>();
}

/// Trains one network. The last tenth of the training part says which epoch was best; sizes, rate and epochs were
/// chosen by cross-validation within the training part. The test part is never looked at.
Model train_network(const Matrix& x, const Matrix& y, std::uint64_t seed) {
  constexpr int epochs = 100;
  constexpr Index batch_size = 32;
  const double steps = static_cast<double>(epochs * ((x.rows() * 9 / 10 + batch_size - 1) / batch_size));

  auto model = Sequential{input(x.cols()), dense(128, relu), dense(64, relu), dense(1)};
  model.initialize(seed);
  model.compile({.optimizer = Adam{.learning_rate = CosineDecay{.initial_learning_rate = 0.004, .decay_steps = steps}},
                 .loss = mean_squared_error});
  model.fit(x, y,
            {.epochs = epochs,
             .batch_size = batch_size,
             .verbose = 0,
             .validation_split = 0.1,
             .seed = seed,
             .callbacks = {EarlyStopping{.patience = epochs, .restore_best_weights = true}}});
  return model;
}

/// Mean and spread (largest less smallest) of a score over several networks.
std::string mean_and_spread(const std::vector<double>& values) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  double sum = 0;
  for (double value : values) sum += value;
  return fmt::format("{:.3f} (spread {:.3f})", sum / static_cast<double>(values.size()), *most - *least);
}

void compare_networks(const Flow& train, const Flow& test, const MinMaxScaler& scaler) {
  const Windows train_windows = cut_windows(train, scaler, true), test_windows = cut_windows(test, scaler, true);
  const Matrix x_train = train_windows.feature_matrix(), y_train = train_windows.target_matrix();
  const Matrix x_test = test_windows.feature_matrix(), truth = scaler.invert(test_windows.target_matrix());

  fmt::print("{} training samples, {} test samples of {} numbers\n\n", x_train.rows(), x_test.rows(), x_train.cols());
  fmt::print("{:<24}{:>8}{:>9}   (vehicles per 5 minutes)\n", "", "MAE", "RMSE");
  print_row("last reading", score(scaler.invert(x_test.col(lags - 1)), truth));
  print_row("linear regression", score(scaler.invert(linear_forecast(x_train, y_train, x_test)), truth));

  std::vector<double> mae, rmse;
  for (std::uint64_t seed : {1, 2, 3}) {
    const Model model = train_network(x_train, y_train, seed);
    const Scores scores = score(scaler.invert(model.predict(x_test)), truth);
    print_row(fmt::format("network, seed {}", seed), scores);
    mae.push_back(scores.mae);
    rmse.push_back(scores.rmse);
  }
  fmt::print("\nnetworks: mean MAE {}, mean RMSE {}\n", mean_and_spread(mae), mean_and_spread(rmse));
}

void score_saved_model(const std::string& path, const Flow& test, const MinMaxScaler& scaler) {
  const Model model = load_model(path);
  const Windows windows = cut_windows(test, scaler, false);
  const Matrix forecast = scaler.invert(model.predict(windows.feature_matrix()));
  const Scores scores = score(forecast, scaler.invert(windows.target_matrix()));
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
  const MinMaxScaler scaler = MinMaxScaler{}.fit(train.vehicles);
  if (arguments.model.empty())
    compare_networks(train, test, scaler);
  else
    score_saved_model(arguments.model, test, scaler);
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
