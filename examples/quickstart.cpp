// Will this road be congested in 15 minutes?
//
//   quickstart                 answers for a made-up road
//   quickstart --csv FILE      for a file with a reading in 5 minutes: a column of times, one of speeds or flows
//
// The first program of Keras, in C++, on a question of traffic: read, clean, scale, train, save, load, predict.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <maas/maas.hpp>
#include <string>
#include <string_view>
#include <vector>

using namespace maas;

namespace {

constexpr Index lags = 96;         // readings looked at: 8 hours
constexpr Index horizon = 3;       // readings ahead: 15 minutes
constexpr Index longest_fill = 3;  // missing readings in a row that are filled in

/// What a detector said: one column of a table, and when it counts as congestion.
struct Road {
  std::string column;
  bool slow_is_congested = true;  // else: much traffic is
  Matrix readings;                // in time order, one a row; NaN where one is missing
  Matrix known;                   // the same as it was known at each time: short gaps hold the last reading
  std::vector<double> times;      // in seconds
};

/// The column to look at: speed if there is one, else the first that holds numbers.
std::string choose_column(const Table& table) {
  std::string chosen;
  for (Index i = 0; i < table.columns(); ++i) {
    const Column& column = table.column(i);
    if (column.type != ColumnType::number) continue;
    if (column.name == "speed") return column.name;
    if (chosen.empty()) chosen = column.name;
  }
  require<DataError>(!chosen.empty(), "quickstart: expected a column of numbers, got none");
  return chosen;
}

std::string time_column(const Table& table) {
  for (Index i = 0; i < table.columns(); ++i)
    if (table.column(i).type == ColumnType::time) return table.column(i).name;
  fail<DataError>("quickstart: expected a column of times, got none");
}

Road read_road(const std::string& csv_file) {
  const Table table = csv_file.empty() ? make_traffic() : read_csv(csv_file);
  const std::string column = choose_column(table);
  const std::vector<double>& times = table.times(time_column(table));
  // Clean: short gaps are filled by the reading before them. A line to the one behind them would tell of the future,
  // which nobody knows on the road. Of long gaps the rest stays missing, and no sample will reach across it.
  const Matrix readings = table.matrix({column});
  return {column, column == "speed", readings, fill_forward(readings, longest_fill), times};
}

/// Congestion: slower than 70 % of the speed of a free road, or more than 80 % of the flow of a full one. Both are read
/// off the training part, beyond 95 % of its readings.
double find_threshold(const Road& road, const RowRange& train) {
  std::vector<double> values;
  for (Index row = train.begin; row < train.end; ++row)
    if (!std::isnan(road.readings(row, 0))) values.push_back(road.readings(row, 0));
  require<DataError>(!values.empty(), "quickstart: expected readings in the training part, got none");
  std::sort(values.begin(), values.end());
  return (road.slow_is_congested ? 0.7 : 0.8) * values[values.size() * 95 / 100];
}

/// 1 where the road is congested, 0 where not, NaN where nobody knows.
Matrix congestion(const Road& road, const Matrix& readings, double threshold) {
  Matrix result = readings;
  for (Scalar& value : result.reshaped())
    if (!std::isnan(value)) value = (road.slow_is_congested ? value < threshold : value > threshold) ? 1 : 0;
  return result;
}

/// Shares of right answers of two forecasts that need no network, on one part of the series.
struct Baselines {
  double persistence;  // it stays as it is now
  double majority;     // always the more frequent answer of the training part
};

/// `known` is the congestion of a part as it was known at each time, `truth` what a network is to answer.
Baselines baselines(const Matrix& known, const Matrix& truth, const Windows& windows, bool mostly_congested) {
  double stays = 0, majority = 0;
  for (Index sample = 0; sample < windows.size(); ++sample) {
    const Scalar now = known(windows.last_reading(sample), 0), then = truth(windows.target_reading(sample), 0);
    stays += now == then;
    majority += (then == 1) == mostly_congested;
  }
  const auto count = static_cast<double>(windows.size());
  return {stays / count, majority / count};
}

bool same_bits(const Matrix& a, const Matrix& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(Scalar)) == 0;
}

int run(const std::string& csv_file) {
  const Road road = read_road(csv_file);
  // The future may not help to learn: the last fifth of the time is the test, a tenth before it watches the training,
  // the scaler and the threshold come from the rest, and gaps were filled from before. What is to be answered was read:
  // of filled readings nobody knows the truth.
  const TimeSplit split = split_by_time(road.readings.rows(), 0.1, 0.2);
  const double threshold = find_threshold(road, split.train);
  const StandardScaler scaler = StandardScaler{}.fit({road.known, split.train});

  const Series series{.values = scaler.apply(road.known),
                      .times = road.times,
                      .targets = congestion(road, road.readings, threshold),
                      .known = time_features(road.times)};
  const WindowOptions options{.lags = lags, .horizons = {horizon}};
  const Windows train(series.part(split.train), options);
  const Windows validation(series.part(split.validation), options);
  const Series test_part = series.part(split.test);
  const Windows test(test_part, options);
  const Matrix x = train.feature_matrix(), y = train.target_matrix();
  const Matrix x_test = test.feature_matrix(), y_test = test.target_matrix();
  fmt::print("\"{}\", {} to {}; congested: {} {:.4g}\n", road.column, format_time(road.times.front()),
             format_time(road.times.back()), road.slow_is_congested ? "below" : "above", threshold);
  fmt::print("{} samples to train, {} to validate, {} to test; {:.1f} % congested in training\n\n", train.size(),
             validation.size(), test.size(), 100 * y.mean());

  auto model = Sequential{input(100), dense(128, relu), dense(64, relu), dense(1, sigmoid)};
  model.compile({.optimizer = Adam{}, .loss = binary_crossentropy, .metrics = {accuracy}});
  fmt::print("{}\n", model.summary());
  model.fit(x, y,
            {.epochs = 10,
             .batch_size = 32,
             .validation_data = ValidationData{.x = validation.feature_matrix(), .y = validation.target_matrix()}});

  const Matrix known = split.test.of(congestion(road, road.known, threshold));
  const Baselines simple = baselines(known, test_part.targets, test, y.mean() > 0.5);
  fmt::print("\nTest accuracy        {:.2f} %\n", 100 * *find_log(model.evaluate(x_test, y_test), "accuracy"));
  fmt::print("  it stays as it is  {:.2f} %\n", 100 * simple.persistence);
  fmt::print("  the usual answer   {:.2f} %\n\n", 100 * simple.majority);

  model.save("model.h5");
  const Model loaded = load_model("model.h5");
  const Matrix p = loaded.predict(x_test);
  if (!same_bits(p, model.predict(x_test))) {
    fmt::print(stderr, "model.h5: the loaded model predicts other numbers than the one saved\n");
    return 1;
  }
  fmt::print("Saved to model.h5 and loaded again: the same predictions, bit for bit.\n");

  const Index last = test.size() - 1;
  fmt::print("After {}: congested in 15 minutes with a probability of {:.1f} %; it was {}.\n",
             format_time(test_part.times[static_cast<std::size_t>(test.last_reading(last))]), 100 * p(last, 0),
             y_test(last, 0) == 1 ? "congested" : "free");
  return 0;
}

std::string read_arguments(int count, char** values) {
  if (count == 1) return {};
  require<ConfigError>(count == 3 && std::string_view(values[1]) == "--csv",
                       "quickstart: expected nothing or --csv FILE, got {}", values[1]);
  return values[2];
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
