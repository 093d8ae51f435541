// Bodies of the baselines. Least squares stand in src/forecast/least_squares.cpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <optional>

#include "maas/core/parallel.hpp"
#include "maas/data/times.hpp"
#include "maas/forecast/baselines.hpp"
#include "maas/forecast/least_squares.hpp"

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

/// Calls visit(time, values) for the readings of these windows, each of them once and in order.
template <class Visit>
void for_each_reading(const WindowParts& windows, Visit&& visit) {
  UsedReadings readings(std::forward<Visit>(visit));
  windows.for_each([&](const ForecastWindows& part, Index first) { readings.add(part, first); });
  readings.finish();
}

/// What stands for missing lags, 1 x sensors: the means of readings in these windows. Empty where nothing does.
inline Eigen::MatrixXd fill_of(const WindowParts& windows) {
  if (!windows.facts().windows.fill_missing) return {};
  std::vector<RunningMean> means(static_cast<std::size_t>(windows.facts().sensors));
  for_each_reading(windows, [&](double, const Scalar* values) {
    for (std::size_t sensor = 0; sensor < means.size(); ++sensor)
      means[sensor].add(static_cast<double>(values[sensor]));
  });
  Eigen::MatrixXd fill(1, windows.facts().sensors);
  for (std::size_t sensor = 0; sensor < means.size(); ++sensor)
    fill(0, static_cast<Index>(sensor)) = means[sensor].mean_or(std::numeric_limits<double>::quiet_NaN());
  return fill;
}

/// A lag, or what stands for it where it is missing.
inline double filled_lag(double lag, const Eigen::MatrixXd& fill, Index sensor) {
  return fill.size() > 0 && std::isnan(lag) ? fill(0, sensor) : lag;
}

/// Lags of one sensor of a window, oldest first, and a 1 for the constant: lags + 1 numbers.
template <class To>
void write_own_lags(const ForecastWindows& windows, Index window, Index sensor, const Eigen::MatrixXd& fill, To&& to) {
  const Index lags = windows.options().lags, first = windows.origin(window) - lags + 1;
  for (Index lag = 0; lag < lags; ++lag)
    to[lag] = filled_lag(static_cast<double>(windows.readings().values(first + lag, sensor)), fill, sensor);
  to[lags] = 1;
}

/// Those of all windows, one a row.
inline Eigen::MatrixXd own_lags(const ForecastWindows& windows, Index sensor, const Eigen::MatrixXd& fill) {
  Eigen::MatrixXd x(windows.size(), windows.options().lags + 1);
  for (Index window = 0; window < windows.size(); ++window)
    write_own_lags(windows, window, sensor, fill, x.row(window));
  return x;
}

/// Lags of all sensors of a window, oldest first: lags * sensors numbers.
template <class To>
void write_all_lags(const ForecastWindows& windows, Index window, const Eigen::MatrixXd& fill, To&& to) {
  const Index lags = windows.options().lags, sensors = windows.readings().sensor_count();
  const Scalar* from = windows.readings().values.data() + (windows.origin(window) - lags + 1) * sensors;
  for (Index lag = 0; lag < lags; ++lag)
    for (Index sensor = 0; sensor < sensors; ++sensor)
      to[lag * sensors + sensor] = filled_lag(static_cast<double>(from[lag * sensors + sensor]), fill, sensor);
}

/// What came to a window, steps * sensors numbers.
template <class To>
void write_targets(const ForecastWindows& windows, Index window, To&& to) {
  const Index sensors = windows.readings().sensor_count();
  for (Index step = 0; step < windows.steps(); ++step)
    for (Index sensor = 0; sensor < sensors; ++sensor)
      to[step * sensors + sensor] =
          static_cast<double>(windows.readings().values(windows.target_row(window, step), sensor));
}

inline bool has_nan(std::span<const double> numbers) {
  return std::any_of(numbers.begin(), numbers.end(), [](double number) { return std::isnan(number); });
}

/// x with a constant behind it, times weights.
inline Eigen::MatrixXd linear_function(const Eigen::MatrixXd& x, const Eigen::MatrixXd& weights) {
  return (x * weights.topRows(x.cols())).rowwise() + weights.row(x.cols());
}

}  // namespace detail

MAAS_INLINE void Persistence::fit(const WindowParts& training) { sensors_ = training.facts().sensors; }

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

MAAS_INLINE void HistoricalAverage::fit(const WindowParts& training) {
  require<DataError>(training.facts().has_times, "{}: expected readings with times, got none", label);
  const double seconds = training.facts().seconds_a_reading;
  require<DataError>(seconds >= 1 && seconds <= seconds_a_day,
                     "{}: expected from 1 second to 1 day between readings, got {} seconds", label, seconds);
  const Index slots = std::max<Index>(1, std::lround(seconds_a_day / seconds)), sensors = training.facts().sensors;
  const auto rows = static_cast<std::size_t>(slots * (weekends ? 2 : 1)), count = static_cast<std::size_t>(sensors);
  std::vector<detail::RunningMean> means(rows * count), all(count);  // a row a slot
  detail::for_each_reading(training, [&](double time, const Scalar* values) {
    const Index slot = detail::slot_of(time, slots) + (weekends && detail::is_weekend(time) ? slots : 0);
    for (std::size_t sensor = 0; sensor < count; ++sensor) {
      const auto value = static_cast<double>(values[sensor]);
      means[static_cast<std::size_t>(slot) * count + sensor].add(value);
      all[sensor].add(value);
    }
  });
  slots_ = slots;
  means_.resize(static_cast<Index>(rows), sensors);
  for (std::size_t sensor = 0; sensor < count; ++sensor) {
    const double other = all[sensor].mean_or(std::numeric_limits<double>::quiet_NaN());
    for (std::size_t slot = 0; slot < rows; ++slot)
      means_(static_cast<Index>(slot), static_cast<Index>(sensor)) = means[slot * count + sensor].mean_or(other);
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

namespace detail {

/// The least squares of one sensor: of windows with all targets together, of others for each step that has one.
struct OwnLeastSquares {
  LeastSquaresRows whole;
  std::vector<std::optional<LeastSquaresRows>> of_step;

  OwnLeastSquares(Index unknowns, Index steps) : whole(unknowns, steps), of_step(static_cast<std::size_t>(steps)) {}

  /// Takes the lags of a window, behind them its targets; `buffer` has room for lags and one target.
  void add(std::span<const double> row, Index unknowns, std::vector<double>& buffer) {
    const auto lags = row.first(static_cast<std::size_t>(unknowns)), targets = row.subspan(lags.size());
    if (has_nan(lags)) return;
    if (!has_nan(targets)) return whole.add(row.data());
    buffer.assign(lags.begin(), lags.end());
    buffer.push_back(0);
    for (std::size_t step = 0; step < targets.size(); ++step) {
      if (std::isnan(targets[step])) continue;
      if (!of_step[step]) of_step[step].emplace(unknowns, 1);
      buffer.back() = targets[step];
      of_step[step]->add(buffer.data());
    }
  }
  Index rows(std::size_t step) const { return whole.rows() + (of_step[step] ? of_step[step]->rows() : 0); }
};

}  // namespace detail

MAAS_INLINE void LinearAutoregression::fit(const WindowParts& training) {
  const Index sensors = training.facts().sensors, steps = training.steps();
  const Index unknowns = training.facts().windows.lags + 1;
  const Eigen::MatrixXd fill = detail::fill_of(training);
  std::vector<detail::OwnLeastSquares> rows(static_cast<std::size_t>(sensors), {unknowns, steps});
  std::vector<double> row(static_cast<std::size_t>(unknowns + steps)), buffer;
  training.for_each([&](const ForecastWindows& part, Index) {
    for (Index sensor = 0; sensor < sensors; ++sensor)
      for (Index window = 0; window < part.size(); ++window) {
        detail::write_own_lags(part, window, sensor, fill, row.data());
        for (Index step = 0; step < steps; ++step)
          row[static_cast<std::size_t>(unknowns + step)] =
              static_cast<double>(part.readings().values(part.target_row(window, step), sensor));
        rows[static_cast<std::size_t>(sensor)].add(row, unknowns, buffer);
      }
  });
  std::vector<Eigen::MatrixXd> weights;
  for (Index sensor = 0; sensor < sensors; ++sensor) {
    const detail::OwnLeastSquares& own = rows[static_cast<std::size_t>(sensor)];
    Eigen::MatrixXd of_sensor(unknowns, steps);
    for (Index step = 0; step < steps; ++step) {
      const auto place = static_cast<std::size_t>(step);
      require<DataError>(own.rows(place) > 0, "{}: expected windows without a missing reading, got none of sensor {}",
                         label, sensor);
      of_sensor.col(step) = own.whole.solve(step, own.of_step[place] ? &*own.of_step[place] : nullptr);
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

namespace detail {

/// Calls visit(x, y) for each window without a missing number: lags of all sensors, and what came.
template <class Visit>
void for_each_whole_window(const WindowParts& windows, const Eigen::MatrixXd& fill, Visit&& visit) {
  const Index sensors = windows.facts().sensors;
  std::vector<double> x(static_cast<std::size_t>(windows.facts().windows.lags * sensors));
  std::vector<double> y(static_cast<std::size_t>(windows.steps() * sensors));
  windows.for_each([&](const ForecastWindows& part, Index) {
    for (Index window = 0; window < part.size(); ++window) {
      write_all_lags(part, window, fill, x.data());
      write_targets(part, window, y.data());
      if (!has_nan(x) && !has_nan(y)) visit(x.data(), y.data());
    }
  });
}

/// How many such windows there are, and the means of what they hold.
struct WindowMeans {
  Index count = 0;
  Eigen::RowVectorXd x = {}, y = {};

  WindowMeans(const WindowParts& windows, const Eigen::MatrixXd& fill) {
    x.setZero(windows.facts().windows.lags * windows.facts().sensors);
    y.setZero(windows.steps() * windows.facts().sensors);
    for_each_whole_window(windows, fill, [&](const double* lags, const double* targets) {
      x += Eigen::Map<const Eigen::RowVectorXd>(lags, x.size());
      y += Eigen::Map<const Eigen::RowVectorXd>(targets, y.size());
      ++count;
    });
    if (count == 0) return;
    x /= static_cast<double>(count);
    y /= static_cast<double>(count);
  }
};

}  // namespace detail

MAAS_INLINE void RidgeVAR::fit(const WindowParts& training) {
  require<ConfigError>(!alphas.empty(), "{}: expected at least 1 alpha, got none", label);
  for (double alpha : alphas)
    require<ConfigError>(alpha > 0 && std::isfinite(alpha), "{}: expected alphas above 0, got {}", label, alpha);
  const Eigen::MatrixXd fill = detail::fill_of(training);
  const detail::WindowMeans means(training, fill);
  require<DataError>(means.count > 0, "{}: expected windows without a missing reading, got none", label);
  const Index held_out = alphas.size() > 1 ? means.count / 5 : 0, before = means.count - held_out;
  detail::ProductSums sums(means.x, means.y);
  std::optional<detail::ProductSums> rest;
  if (held_out > 0) rest.emplace(means.x, means.y);
  Index taken = 0;
  detail::for_each_whole_window(training, fill,
                                [&](const double* x, const double* y) { (taken++ < before ? sums : *rest).add(x, y); });
  sums.close();
  double best = alphas[0];
  if (rest) {
    rest->close();
    // Each alpha solves a system of its own, of as many unknowns as there are lags of all sensors.
    std::vector<double> errors(alphas.size());
    std::vector<std::exception_ptr> problems(alphas.size());  // such as no memory
    for_each_piece(static_cast<Index>(alphas.size()), [&](Index piece) {
      const auto i = static_cast<std::size_t>(piece);
      try {
        errors[i] = rest->squared_error(sums.ridge(alphas[i]));
      } catch (...) {
        problems[i] = std::current_exception();
      }
    });
    for (const std::exception_ptr& problem : problems)
      if (problem) std::rethrow_exception(problem);
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < alphas.size(); ++i)
      if (errors[i] < least) {
        least = errors[i];
        best = alphas[i];
      }
    sums += *rest;
    rest.reset();
  }
  weights_ = sums.ridge(best);
  fill_ = fill;
  alpha_ = best;
  horizons_ = training.facts().windows.horizons;
  lags_ = training.facts().windows.lags;
  sensors_ = training.facts().sensors;
}

MAAS_INLINE Forecasts RidgeVAR::forecast(const ForecastWindows& windows) const {
  detail::check_windows(label, windows, lags_, static_cast<Index>(horizons_.size()), sensors_);
  Forecasts result = empty_forecasts(std::string(label), windows);
  constexpr Index at_once = 256;
  Eigen::MatrixXd x(std::min(at_once, windows.size()), lags_ * sensors_);
  for (Index begin = 0; begin < windows.size(); begin += at_once) {
    const Index count = std::min(at_once, windows.size() - begin);
    for (Index i = 0; i < count; ++i) detail::write_all_lags(windows, begin + i, fill_, x.row(i));
    result.values.middleRows(begin, count) = detail::linear_function(x.topRows(count), weights_).cast<Scalar>();
  }
  return result;
}

namespace detail {

/// The readings of a part that lie in its windows, without those before row `begin` of all readings; where they are on
/// end, so that what is known of them goes on from part to part.
inline RowMarks marks_of_windows(const ForecastWindows& part, Index first, Index begin) {
  std::vector<Index> rows;
  const std::vector<bool> used = rows_of_windows(part);
  for (Index row = 0; row < part.readings().rows(); ++row)
    if (used[static_cast<std::size_t>(row)]) rows.push_back(row);
  const bool on_end = rows.back() - rows.front() + 1 == static_cast<Index>(rows.size());
  if (on_end) std::erase_if(rows, [&](Index row) { return first + row < begin; });
  return marks_of(part.readings()).select(rows);
}

/// The same windows, whose readings are noted in the first pass over them.
struct NotedParts {
  LearnedRows rows = {};
  bool done = false;

  WindowParts of(const WindowParts& windows) {
    return {windows.facts(), [this, windows](const WindowParts::Visit& visit) {
              Index next = 0;
              windows.for_each([&](const ForecastWindows& part, Index first) {
                if (!done) {
                  rows.add(marks_of_windows(part, first, next));
                  next = first + part.origins().back() + part.options().horizons.back() + 1;
                }
                visit(part, first);
              });
              done = true;
            }};
  }
  /// A pass of their own, where nothing else has made one.
  void note(const WindowParts& windows) {
    if (!done) of(windows).for_each([](const ForecastWindows&, Index) {});
  }
};

}  // namespace detail

MAAS_INLINE Baseline& Baseline::fit(const ForecastWindows& training) {
  require<StateError>(!fitted_, "{}: it has learned already, and does so once; make another one", name());
  self_ = self_->fit(training);
  fitted_ = true;
  learned_rows_.add(detail::marks_of_windows(training, 0, 0));
  return *this;
}

MAAS_INLINE Baseline& Baseline::fit(const WindowParts& training) {
  detail::NotedParts noted;
  return fit(training, noted);
}

MAAS_INLINE Baseline& Baseline::fit(const WindowParts& training, detail::NotedParts& noted) {
  require<StateError>(!fitted_, "{}: it has learned already, and does so once; make another one", name());
  self_ = self_->fit(noted.of(training));
  noted.note(training);
  fitted_ = true;
  learned_rows_ = noted.rows;
  return *this;
}

MAAS_INLINE Forecasts Baseline::forecast(const ForecastWindows& windows) const {
  require<StateError>(fitted_, "{}: call fit first, with training windows", name());
  detail::require_unlearned(name(), windows, learned_rows_);
  return self_->forecast(windows);
}

namespace detail {

inline std::vector<Baseline> unfitted_baselines(const WindowParts::Facts& training, bool weekends) {
  std::vector<Baseline> result{Persistence{}};
  if (training.has_times) {
    result.push_back(HistoricalAverage{});
    if (weekends) result.push_back(HistoricalAverage{.weekends = true});
  }
  result.push_back(LinearAutoregression{});
  result.push_back(RidgeVAR{});
  return result;
}

/// Fits each. One that can learn nothing is named in `left_out`, or without that throws.
MAAS_INLINE std::vector<Baseline> fit_each(const std::vector<Baseline>& unfitted, const WindowParts& training,
                                           std::vector<std::string>* left_out) {
  NotedParts noted;
  noted.note(training);  // what is held out is no baseline's fault
  std::vector<Baseline> fitted;
  for (Baseline baseline : unfitted) try {
      fitted.push_back(baseline.fit(training, noted));
    } catch (const DataError& error) {  // which names the baseline
      if (left_out == nullptr) throw;
      left_out->emplace_back(error.what());
    }
  return fitted;
}

}  // namespace detail

MAAS_INLINE std::vector<Baseline> fit_baselines(const ForecastWindows& training, bool weekends,
                                                std::vector<std::string>* left_out) {
  return fit_baselines(WindowParts(training), weekends, left_out);
}

MAAS_INLINE std::vector<Baseline> fit_baselines(const WindowParts& training, bool weekends,
                                                std::vector<std::string>* left_out) {
  return detail::fit_each(detail::unfitted_baselines(training.facts(), weekends), training, left_out);
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
  return fit_kept_baselines(WindowParts(training), weekends, most);
}

MAAS_INLINE KeptBaselines fit_kept_baselines(const WindowParts& training, bool weekends, Index most) {
  std::vector<Baseline> wanted = detail::unfitted_baselines(training.facts(), weekends);
  std::vector<std::string> left_out;
  if (detail::ridge_numbers(training.facts().windows, training.facts().sensors) > static_cast<double>(most)) {
    std::erase_if(wanted, [](const Baseline& each) { return each.as<RidgeVAR>() != nullptr; });  // it would take long
    left_out.push_back(fmt::format("{}: it would learn more than {} numbers", RidgeVAR::label, most));
  }
  KeptBaselines kept = keep_baselines(detail::fit_each(wanted, training, &left_out), most);
  kept.left_out.insert(kept.left_out.end(), left_out.begin(), left_out.end());
  return kept;
}

}  // namespace maas::inline MAAS_ABI
