// Bodies of the baselines. Least squares stand in src/forecast/least_squares.cpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "maas/data/times.hpp"
#include "maas/forecast/baselines.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline void check_windows(std::string_view who, const ForecastWindows& windows, Index lags, Index steps,
                          Index sensors) {
  require<StateError>(sensors > 0, "{}: call fit first, with training windows", who);
  require<ShapeError>(
      windows.options().lags == lags && windows.steps() == steps && windows.readings().sensor_count() == sensors,
      "{}: expected windows of {} lags, {} horizons and {} sensors, as in training, got {}, {} and {}", who, lags,
      steps, sensors, windows.options().lags, windows.steps(), windows.readings().sensor_count());
}

/// Which time of day it is, of `slots`; the rounded one, as clocks of detectors are a little off.
inline Index slot_of(double time, Index slots) {
  return static_cast<Index>(std::lround(seconds_of_day(time) / seconds_a_day * static_cast<double>(slots))) % slots;
}

inline bool is_weekend(double time) { return seconds_of_week(time) >= 5 * seconds_a_day; }

/// A sum and a count, for means that do not care about missing readings.
struct RunningMean {
  double sum = 0;
  Index count = 0;
  void add(double value) {
    if (std::isnan(value)) return;
    sum += value;
    ++count;
  }
  double mean_or(double other) const { return count > 0 ? sum / static_cast<double>(count) : other; }
};

/// The last reading of a window that is there; NaN where none is.
inline Scalar last_reading(const ForecastWindows& windows, Index window, Index sensor) {
  const Index origin = windows.origin(window);
  for (Index row = origin; row > origin - windows.options().lags; --row)
    if (const Scalar reading = windows.readings().values(row, sensor); !std::isnan(reading)) return reading;
  return std::numeric_limits<Scalar>::quiet_NaN();
}

/// Which readings lie in a window or are a target of one: others are not of the training part.
inline std::vector<bool> rows_of_windows(const ForecastWindows& windows) {
  std::vector<bool> used(static_cast<std::size_t>(windows.readings().rows()), false);
  for (Index window = 0; window < windows.size(); ++window) {
    const Index origin = windows.origin(window);
    for (Index row = origin - windows.options().lags + 1; row <= origin; ++row)
      used[static_cast<std::size_t>(row)] = true;
    for (Index step = 0; step < windows.steps(); ++step)
      used[static_cast<std::size_t>(windows.target_row(window, step))] = true;
  }
  return used;
}

/// What stands for missing lags, 1 x sensors: the means of readings in these windows. Empty where nothing does.
inline Eigen::MatrixXd fill_of(const ForecastWindows& windows) {
  if (!windows.options().fill_missing) return {};
  const std::vector<bool> used = rows_of_windows(windows);
  Eigen::MatrixXd fill(1, windows.readings().sensor_count());
  for (Index sensor = 0; sensor < fill.cols(); ++sensor) {
    RunningMean mean;
    for (Index row = 0; row < windows.readings().rows(); ++row)
      if (used[static_cast<std::size_t>(row)]) mean.add(static_cast<double>(windows.readings().values(row, sensor)));
    fill(0, sensor) = mean.mean_or(std::numeric_limits<double>::quiet_NaN());
  }
  return fill;
}

/// A lag, or what stands for it where it is missing.
inline double filled_lag(double lag, const Eigen::MatrixXd& fill, Index sensor) {
  return fill.size() > 0 && std::isnan(lag) ? fill(0, sensor) : lag;
}

/// Lags of one sensor and a 1 for the constant, one window a row.
inline Eigen::MatrixXd own_lags(const ForecastWindows& windows, Index sensor, const Eigen::MatrixXd& fill) {
  const Index lags = windows.options().lags;
  Eigen::MatrixXd x(windows.size(), lags + 1);
  for (Index window = 0; window < windows.size(); ++window)
    for (Index lag = 0; lag < lags; ++lag) {
      const Index row = windows.origin(window) - lags + 1 + lag;
      x(window, lag) = filled_lag(static_cast<double>(windows.readings().values(row, sensor)), fill, sensor);
    }
  x.col(lags).setOnes();
  return x;
}

/// Lags of all sensors, oldest first, one window a row.
inline Eigen::MatrixXd all_lags(const ForecastWindows& windows, const Eigen::MatrixXd& fill) {
  const Index lags = windows.options().lags, sensors = windows.readings().sensor_count();
  Eigen::MatrixXd x(windows.size(), lags * sensors);
  for (Index window = 0; window < windows.size(); ++window)
    for (Index lag = 0; lag < lags; ++lag)
      x.row(window).segment(lag * sensors, sensors) =
          windows.readings().values.row(windows.origin(window) - lags + 1 + lag).cast<double>();
  for (Index sensor = 0; sensor < (fill.size() > 0 ? sensors : 0); ++sensor)
    for (Index column = sensor; column < x.cols(); column += sensors)
      for (double& lag : x.col(column)) lag = filled_lag(lag, fill, sensor);
  return x;
}

/// The rows of both in which no number is missing.
inline void keep_whole_rows(Eigen::MatrixXd& x, Eigen::MatrixXd& y) {
  Index kept = 0;
  for (Index row = 0; row < x.rows(); ++row) {
    if (x.row(row).hasNaN() || y.row(row).hasNaN()) continue;
    if (kept != row) {
      x.row(kept) = x.row(row).eval();
      y.row(kept) = y.row(row).eval();
    }
    ++kept;
  }
  x.conservativeResize(kept, Eigen::NoChange);
  y.conservativeResize(kept, Eigen::NoChange);
}

/// Standardizes x and centers y, then solves; the weights for each alpha, those of raw numbers, the constant last.
inline std::vector<Eigen::MatrixXd> ridge_with_constant(Eigen::MatrixXd x, Eigen::MatrixXd y,
                                                        const std::vector<double>& alphas) {
  const Eigen::RowVectorXd x_mean = x.colwise().mean(), y_mean = y.colwise().mean();
  x.rowwise() -= x_mean;
  y.rowwise() -= y_mean;
  Eigen::RowVectorXd scale = (x.colwise().squaredNorm() / static_cast<double>(x.rows())).cwiseSqrt();
  for (double& each : scale)
    if (!(each > 0)) each = 1;
  x.array().rowwise() /= scale.array();
  std::vector<Eigen::MatrixXd> result;
  for (const Eigen::MatrixXd& standardized : ridge(x, y, alphas)) {
    Eigen::MatrixXd weights(x.cols() + 1, y.cols());
    weights.topRows(x.cols()) = standardized.array().colwise() / scale.transpose().array();
    weights.row(x.cols()) = y_mean - x_mean * weights.topRows(x.cols());
    result.push_back(std::move(weights));
  }
  return result;
}

/// x with a constant behind it, times weights.
inline Eigen::MatrixXd linear_function(const Eigen::MatrixXd& x, const Eigen::MatrixXd& weights) {
  return (x * weights.topRows(x.cols())).rowwise() + weights.row(x.cols());
}

}  // namespace detail

MAAS_INLINE void Persistence::fit(const ForecastWindows& training) {
  detail::require_training(label, training.readings());
  sensors_ = training.readings().sensor_count();
}

MAAS_INLINE Forecasts Persistence::forecast(const ForecastWindows& windows) const {
  detail::check_windows(label, windows, windows.options().lags, windows.steps(), sensors_);
  Forecasts result = empty_forecasts(std::string(label), windows);
  const bool fills = windows.options().fill_missing;
  for (Index window = 0; window < windows.size(); ++window)
    for (Index sensor = 0; sensor < sensors_; ++sensor) {
      const Scalar last = fills ? detail::last_reading(windows, window, sensor)
                                : windows.readings().values(windows.origin(window), sensor);
      for (Index step = 0; step < windows.steps(); ++step) result.values(window, result.column(step, sensor)) = last;
    }
  return result;
}

MAAS_INLINE void HistoricalAverage::fit(const ForecastWindows& training) {
  detail::require_training(label, training.readings());
  const Readings& readings = training.readings();
  require<DataError>(!readings.times.empty(), "{}: expected readings with times, got none", label);
  const double seconds = training.seconds_a_reading();
  require<DataError>(seconds >= 1 && seconds <= seconds_a_day,
                     "{}: expected from 1 second to 1 day between readings, got {} seconds", label, seconds);
  slots_ = std::max<Index>(1, std::lround(seconds_a_day / seconds));
  const Index rows = slots_ * (weekends ? 2 : 1), sensors = readings.sensor_count();
  const std::vector<bool> used = detail::rows_of_windows(training);
  means_.resize(rows, sensors);
  for (Index sensor = 0; sensor < sensors; ++sensor) {
    std::vector<detail::RunningMean> means(static_cast<std::size_t>(rows));
    detail::RunningMean all;
    for (Index row = 0; row < readings.rows(); ++row) {
      if (!used[static_cast<std::size_t>(row)]) continue;
      const double time = readings.times[static_cast<std::size_t>(row)];
      const Index slot = detail::slot_of(time, slots_) + (weekends && detail::is_weekend(time) ? slots_ : 0);
      const auto value = static_cast<double>(readings.values(row, sensor));
      means[static_cast<std::size_t>(slot)].add(value);
      all.add(value);
    }
    const double other = all.mean_or(std::numeric_limits<double>::quiet_NaN());
    for (Index slot = 0; slot < rows; ++slot)
      means_(slot, sensor) = means[static_cast<std::size_t>(slot)].mean_or(other);
  }
}

MAAS_INLINE Forecasts HistoricalAverage::forecast(const ForecastWindows& windows) const {
  const Index sensors = means_.cols();
  detail::check_windows(label, windows, windows.options().lags, windows.steps(), sensors);
  const std::vector<double>& times = windows.readings().times;
  require<DataError>(!times.empty(), "{}: expected readings with times, got none", label);
  Forecasts result = empty_forecasts(weekends ? std::string(label) + ", weekends apart" : std::string(label), windows);
  for (Index window = 0; window < windows.size(); ++window)
    for (Index step = 0; step < windows.steps(); ++step) {
      const double time = times[static_cast<std::size_t>(windows.target_row(window, step))];
      const Index slot = detail::slot_of(time, slots_) + (weekends && detail::is_weekend(time) ? slots_ : 0);
      result.values.row(window).segment(step * sensors, sensors) = means_.row(slot).cast<Scalar>();
    }
  return result;
}

MAAS_INLINE void LinearAutoregression::fit(const ForecastWindows& training) {
  detail::require_training(label, training.readings());
  const Matrix truth = training.truth();
  const Index sensors = training.readings().sensor_count(), steps = training.steps();
  const Eigen::MatrixXd fill = detail::fill_of(training);
  std::vector<Eigen::MatrixXd> weights;
  for (Index sensor = 0; sensor < sensors; ++sensor) {
    const Eigen::MatrixXd all = detail::own_lags(training, sensor, fill);
    Eigen::MatrixXd of_sensor(all.cols(), steps);
    for (Index step = 0; step < steps; ++step) {
      Eigen::MatrixXd x = all, y = truth.col(step * sensors + sensor).cast<double>();
      detail::keep_whole_rows(x, y);
      require<DataError>(x.rows() > 0, "{}: expected windows without a missing reading, got none of sensor {}", label,
                         sensor);
      of_sensor.col(step) = detail::least_squares(x, y);
    }
    weights.push_back(std::move(of_sensor));
  }
  weights_ = std::move(weights);
  fill_ = fill;
}

MAAS_INLINE Forecasts LinearAutoregression::forecast(const ForecastWindows& windows) const {
  const auto sensors = static_cast<Index>(weights_.size());
  detail::check_windows(label, windows, weights_.empty() ? 0 : weights_[0].rows() - 1,
                        weights_.empty() ? 0 : weights_[0].cols(), sensors);
  Forecasts result = empty_forecasts(std::string(label), windows);
  for (Index sensor = 0; sensor < sensors; ++sensor) {
    const Eigen::MatrixXd y = detail::own_lags(windows, sensor, fill_) * weights_[static_cast<std::size_t>(sensor)];
    for (Index step = 0; step < y.cols(); ++step)
      result.values.col(result.column(step, sensor)) = y.col(step).cast<Scalar>();
  }
  return result;
}

MAAS_INLINE void RidgeVAR::fit(const ForecastWindows& training) {
  detail::require_training(label, training.readings());
  require<ConfigError>(!alphas.empty(), "{}: expected at least 1 alpha, got none", label);
  for (double alpha : alphas)
    require<ConfigError>(alpha > 0 && std::isfinite(alpha), "{}: expected alphas above 0, got {}", label, alpha);
  const Eigen::MatrixXd fill = detail::fill_of(training);
  Eigen::MatrixXd x = detail::all_lags(training, fill), y = training.truth().cast<double>();
  detail::keep_whole_rows(x, y);
  require<DataError>(x.rows() > 0, "{}: expected windows without a missing reading, got none", label);
  double best = alphas[0];
  const Index held_out = x.rows() / 5, before = x.rows() - held_out;
  if (alphas.size() > 1 && held_out > 0) {
    double least = std::numeric_limits<double>::infinity();
    const std::vector<Eigen::MatrixXd> candidates =
        detail::ridge_with_constant(x.topRows(before), y.topRows(before), alphas);
    for (std::size_t i = 0; i < alphas.size(); ++i) {
      const double error =
          (detail::linear_function(x.bottomRows(held_out), candidates[i]) - y.bottomRows(held_out)).squaredNorm();
      if (error < least) {
        least = error;
        best = alphas[i];
      }
    }
  }
  weights_ = detail::ridge_with_constant(std::move(x), std::move(y), {best})[0];
  fill_ = fill;
  alpha_ = best;
  horizons_ = training.options().horizons;
  lags_ = training.options().lags;
  sensors_ = training.readings().sensor_count();
}

MAAS_INLINE Forecasts RidgeVAR::forecast(const ForecastWindows& windows) const {
  detail::check_windows(label, windows, lags_, static_cast<Index>(horizons_.size()), sensors_);
  Forecasts result = empty_forecasts(std::string(label), windows);
  result.values = detail::linear_function(detail::all_lags(windows, fill_), weights_).cast<Scalar>();
  return result;
}

MAAS_INLINE Baseline& Baseline::fit(const ForecastWindows& training) {
  require<StateError>(!fitted_, "{}: it has learned already, and does so once; make another one", name());
  self_ = self_->fit(training);
  fitted_ = true;
  std::vector<Index> rows;
  const std::vector<bool> used = detail::rows_of_windows(training);
  for (Index row = 0; row < training.readings().rows(); ++row)
    if (used[static_cast<std::size_t>(row)]) rows.push_back(row);
  learned_rows_.add(detail::marks_of(training.readings()).select(rows));
  return *this;
}

MAAS_INLINE Forecasts Baseline::forecast(const ForecastWindows& windows) const {
  require<StateError>(fitted_, "{}: call fit first, with training windows", name());
  detail::require_unlearned(name(), windows, learned_rows_);
  return self_->forecast(windows);
}

namespace detail {

inline std::vector<Baseline> unfitted_baselines(const ForecastWindows& training, bool weekends) {
  std::vector<Baseline> result{Persistence{}};
  if (!training.readings().times.empty()) {
    result.push_back(HistoricalAverage{});
    if (weekends) result.push_back(HistoricalAverage{.weekends = true});
  }
  result.push_back(LinearAutoregression{});
  result.push_back(RidgeVAR{});
  return result;
}

}  // namespace detail

namespace detail {

/// Fits each. One that can learn nothing is named in `left_out`, or without that throws.
inline std::vector<Baseline> fit_each(const std::vector<Baseline>& unfitted, const ForecastWindows& training,
                                      std::vector<std::string>* left_out) {
  require_training("baselines", training.readings());
  std::vector<Baseline> fitted;
  for (Baseline baseline : unfitted) try {
      fitted.push_back(baseline.fit(training));
    } catch (const DataError& error) {  // which names the baseline
      if (left_out == nullptr) throw;
      left_out->emplace_back(error.what());
    }
  return fitted;
}

}  // namespace detail

MAAS_INLINE std::vector<Baseline> fit_baselines(const ForecastWindows& training, bool weekends,
                                                std::vector<std::string>* left_out) {
  return detail::fit_each(detail::unfitted_baselines(training, weekends), training, left_out);
}

// ---- Kept with a forecaster ----

namespace detail {

/// A product that may be larger than an Index.
inline double product_of(std::initializer_list<Index> factors) {
  double product = 1;
  for (Index factor : factors) product *= static_cast<double>(factor);
  return product;
}

inline double ridge_numbers(const ForecastWindowOptions& windows, Index sensors) {
  return product_of({windows.lags * sensors + 1, static_cast<Index>(windows.horizons.size()), sensors});
}

inline bool is_large(const Eigen::MatrixXd& matrix) { return matrix.size() > KeptBaselines::most_numbers; }

/// Rows one after the other; of a large matrix how many numbers it has.
inline Config numbers_config(const Eigen::MatrixXd& matrix) {
  if (is_large(matrix)) return Config(static_cast<std::int64_t>(matrix.size()));
  Config::List list;
  for (Index row = 0; row < matrix.rows(); ++row)
    for (Index column = 0; column < matrix.cols(); ++column) list.emplace_back(matrix(row, column));
  return list;
}

inline constexpr double largest_kept = 1e30;

/// `large` are the numbers that no matrix has taken yet.
inline Eigen::MatrixXd numbers_from(const Config& config, const std::string& where, Index rows, Index columns,
                                    std::span<const double>& large) {
  const bool in_tree = !config.is_integer();
  const std::size_t there = in_tree ? config.as_list(where).size() : large.size();
  const double wanted = product_of({rows, columns});
  require<ConfigError>(
      in_tree ? static_cast<double>(there) == wanted
              : static_cast<double>(there) >= wanted && config.as_real(where) == wanted,
      "{}: expected {} x {} numbers, got {}", where, rows, columns,
      in_tree ? fmt::format("{}", there) : fmt::format("{} of {} behind the tree", config.as_integer(where), there));
  Eigen::MatrixXd matrix(rows, columns);
  for (Index row = 0; row < rows; ++row)
    for (Index column = 0; column < columns; ++column) {
      const auto place = static_cast<std::size_t>(row * columns + column);
      const double number = in_tree ? config.as_list(where)[place].as_real(where) : large[place];
      require<ConfigError>(std::abs(number) <= largest_kept, "{}: expected numbers from -1e30 to 1e30, got {}", where,
                           number);
      matrix(row, column) = number;
    }
  if (!in_tree) large = large.subspan(static_cast<std::size_t>(matrix.size()));
  return matrix;
}

/// All learned numbers, in order; none for rules that are not the library's.
inline std::vector<const Eigen::MatrixXd*> learned_numbers(const Baseline& baseline) {
  std::vector<const Eigen::MatrixXd*> all;
  if (const auto* average = baseline.as<HistoricalAverage>()) all = {&average->means_};
  if (const auto* ridge = baseline.as<RidgeVAR>()) all = {&ridge->weights_, &ridge->fill_};
  if (const auto* linear = baseline.as<LinearAutoregression>()) {
    for (const Eigen::MatrixXd& weights : linear->weights_) all.push_back(&weights);
    all.push_back(&linear->fill_);
  }
  return all;
}

/// Why it is not kept; empty where it is.
inline std::string not_kept(const Baseline& baseline, Index most) {
  const std::vector<const Eigen::MatrixXd*> all = learned_numbers(baseline);
  if (all.empty() && baseline.as<Persistence>() == nullptr)
    return fmt::format("{}: it is none of the library's", baseline.name());
  Index count = 0;
  for (const Eigen::MatrixXd* numbers : all) count += numbers->size();
  if (count > most) return fmt::format("{}: it has learned {} numbers, more than {}", baseline.name(), count, most);
  for (const Eigen::MatrixXd* numbers : all)
    if (!(numbers->array().abs() <= largest_kept).all())
      return fmt::format("{}: it has learned numbers that are not finite", baseline.name());
  return "";
}

inline Config baseline_config(const Baseline& baseline) {
  Config result = Config{}.set("rule", std::string(baseline.name()));
  if (const auto* average = baseline.as<HistoricalAverage>()) {
    result.set("weekends", average->weekends);
    result.set("slots", to_config(average->slots_)).set("means", numbers_config(average->means_));
  } else if (const auto* linear = baseline.as<LinearAutoregression>()) {
    Config::List weights;
    for (const Eigen::MatrixXd& of_sensor : linear->weights_) weights.push_back(numbers_config(of_sensor));
    result.set("weights", std::move(weights));
    if (linear->fill_.size() > 0) result.set("fill", numbers_config(linear->fill_));
  } else if (const auto* ridge = baseline.as<RidgeVAR>()) {
    result.set("alpha", ridge->alpha_).set("weights", numbers_config(ridge->weights_));
    if (ridge->fill_.size() > 0) result.set("fill", numbers_config(ridge->fill_));
  }
  return result;
}

inline Baseline baseline_from(const Config& config, const ForecastWindowOptions& windows, Index sensors,
                              std::span<const double>& large) {
  const std::string rule = config.at("rule").as_string("baselines rule"), where = "baselines: " + rule;
  const auto steps = static_cast<Index>(windows.horizons.size());
  if (rule == Persistence::label) return Baseline::learned(Persistence{.sensors_ = sensors});
  if (rule == HistoricalAverage::label) {
    HistoricalAverage average{.weekends = config.at("weekends").as_bool(where)};
    average.slots_ = static_cast<Index>(config.at("slots").as_integer(where));
    require<ConfigError>(average.slots_ >= 1 && average.slots_ <= static_cast<Index>(seconds_a_day),
                         "{}: expected from 1 to 86400 slots, got {}", where, average.slots_);
    average.means_ =
        numbers_from(config.at("means"), where, average.slots_ * (average.weekends ? 2 : 1), sensors, large);
    return Baseline::learned(std::move(average));
  }
  if (rule == LinearAutoregression::label) {
    const Config::List& weights = config.at("weights").as_list(where);
    require<ConfigError>(static_cast<Index>(weights.size()) == sensors, "{}: expected weights of {} sensors, got {}",
                         where, sensors, weights.size());
    LinearAutoregression linear;
    for (const Config& of_sensor : weights)
      linear.weights_.push_back(numbers_from(of_sensor, where, windows.lags + 1, steps, large));
    if (const Config* fill = config.find("fill")) linear.fill_ = numbers_from(*fill, where, 1, sensors, large);
    return Baseline::learned(std::move(linear));
  }
  require<ConfigError>(rule == RidgeVAR::label, "baselines: expected {}, {}, {} or {}, got \"{}\"", Persistence::label,
                       HistoricalAverage::label, LinearAutoregression::label, RidgeVAR::label, rule);
  RidgeVAR ridge{.alpha_ = config.at("alpha").as_real(where), .horizons_ = windows.horizons};
  ridge.weights_ = numbers_from(config.at("weights"), where, windows.lags * sensors + 1, steps * sensors, large);
  if (const Config* fill = config.find("fill")) ridge.fill_ = numbers_from(*fill, where, 1, sensors, large);
  ridge.lags_ = windows.lags;
  ridge.sensors_ = sensors;
  return Baseline::learned(std::move(ridge));
}

}  // namespace detail

MAAS_INLINE Config KeptBaselines::config() const {
  Config::List all;
  for (const Baseline& baseline : baselines) all.push_back(detail::baseline_config(baseline));
  return Config{}.set("baselines", std::move(all)).set("left_out", to_config(left_out));
}

MAAS_INLINE std::vector<double> KeptBaselines::large_numbers() const {
  std::vector<double> all;
  for (const Baseline& baseline : baselines)
    for (const Eigen::MatrixXd* matrix : detail::learned_numbers(baseline)) {
      if (!detail::is_large(*matrix)) continue;
      all.reserve(all.size() + static_cast<std::size_t>(matrix->size()));
      for (Index row = 0; row < matrix->rows(); ++row)
        for (Index column = 0; column < matrix->cols(); ++column) all.push_back((*matrix)(row, column));
    }
  return all;
}

MAAS_INLINE KeptBaselines KeptBaselines::from(const Config& config, const ForecastWindowOptions& windows, Index sensors,
                                              std::span<const double> large_numbers) {
  KeptBaselines kept;
  for (const Config& each : config.at("baselines").as_list("baselines"))
    kept.baselines.push_back(detail::baseline_from(each, windows, sensors, large_numbers));
  require<ConfigError>(large_numbers.empty(), "baselines: expected no numbers behind those of the tree, got {} more",
                       large_numbers.size());
  from_config(config.at("left_out"), "baselines left_out", kept.left_out);
  return kept;
}

MAAS_INLINE KeptBaselines keep_baselines(const std::vector<Baseline>& fitted, Index most) {
  KeptBaselines kept;
  for (const Baseline& baseline : fitted) {
    require<StateError>(baseline.is_fitted(), "{}: call fit first, with training windows", baseline.name());
    if (std::string why = detail::not_kept(baseline, most); !why.empty())
      kept.left_out.push_back(std::move(why));
    else
      kept.baselines.push_back(baseline);
  }
  return kept;
}

MAAS_INLINE KeptBaselines fit_kept_baselines(const ForecastWindows& training, bool weekends, Index most) {
  std::vector<Baseline> wanted = detail::unfitted_baselines(training, weekends);
  std::vector<std::string> left_out;
  if (detail::ridge_numbers(training.options(), training.readings().sensor_count()) > static_cast<double>(most)) {
    std::erase_if(wanted, [](const Baseline& each) { return each.as<RidgeVAR>() != nullptr; });  // it would take long
    left_out.push_back(fmt::format("{}: it would learn more than {} numbers", RidgeVAR::label, most));
  }
  KeptBaselines kept = keep_baselines(detail::fit_each(wanted, training, &left_out), most);
  kept.left_out.insert(kept.left_out.end(), left_out.begin(), left_out.end());
  return kept;
}

}  // namespace maas::inline MAAS_ABI
