// Bodies of ConformalIntervals.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "maas/forecast/intervals.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// The rows that forecasts are for, where it is known which rows these are.
inline std::vector<Index> known_targets(const Forecasts& forecasts) {
  std::vector<Index> rows = forecasts.target_rows();
  std::erase_if(rows, [&](Index row) { return row < 0 || row >= forecasts.marks.rows(); });
  return rows;
}

}  // namespace detail

MAAS_INLINE void IntervalOptions::check() const {
  require<ConfigError>(coverage > 0 && coverage < 1, "intervals: expected a coverage above 0 and below 1, got {}",
                       coverage);
  require<ConfigError>(rate >= 0 && rate <= 1, "intervals: expected a rate from 0 to 1, got {}", rate);
  require<ConfigError>(window >= 0, "intervals: expected a window of at least 0, got {}", window);
}

MAAS_INLINE Config to_config(const IntervalOptions& options) { return write_config(options); }
MAAS_INLINE void from_config(const Config& config, std::string_view where, IntervalOptions& options) {
  options = read_config<IntervalOptions>(config, where);
}

MAAS_INLINE ConformalIntervals::ConformalIntervals(const IntervalOptions& options) : options_(options) {
  options_.check();
}

MAAS_INLINE ConformalIntervals& ConformalIntervals::calibrate(const Forecasts& calibration) {
  require<StateError>(!is_calibrated(), "intervals: they are calibrated already, which is done once; make others");
  require<ShapeError>(
      calibration.values.rows() == calibration.truth.rows() && calibration.values.cols() == calibration.truth.cols(),
      "intervals: expected as much truth as forecasts, got {} x {} and {} x {}", calibration.truth.rows(),
      calibration.truth.cols(), calibration.values.rows(), calibration.values.cols());
  std::vector<Cell> cells(static_cast<std::size_t>(calibration.values.cols()));
  for (std::size_t column = 0; column < cells.size(); ++column) {
    Cell& cell = cells[column];
    cell.alpha = 1 - options_.coverage;
    std::vector<Scalar> errors;
    for (Index window = 0; window < calibration.windows(); ++window) {
      const auto place = static_cast<Index>(column);
      const auto error = static_cast<Scalar>(static_cast<double>(calibration.truth(window, place)) -
                                             static_cast<double>(calibration.values(window, place)));
      if (!std::isnan(error)) errors.push_back(error);
    }
    require<DataError>(!errors.empty(), "intervals: expected errors to calibrate on, got none in column {}", column);
    if (options_.window > 0 && static_cast<Index>(errors.size()) > options_.window)
      errors.erase(errors.begin(), errors.end() - options_.window);
    cell.errors = std::make_shared<Errors>(errors_of(std::move(errors), options_.window));
  }
  require<DataError>(!cells.empty(), "intervals: expected forecasts to calibrate on, got none");
  cells_ = std::move(cells);
  const std::vector<Index> rows = detail::known_targets(calibration);
  if (!rows.empty()) calibrated_on_.add(calibration.marks.select(rows));
  return *this;
}

MAAS_INLINE void ConformalIntervals::require_unseen(std::string_view who, const Forecasts& judged) const {
  const std::vector<Index> rows = detail::known_targets(judged);
  const std::vector<Index> seen = calibrated_on_.among(judged.marks, rows);
  require<DataError>(
      seen.empty(),
      "{}: expected forecasts of readings that the intervals were not calibrated on, got those of {} readings, of "
      "which {}, {}row {} (counted from 0) of the readings they were first in, they were calibrated on",
      who, rows.size(), seen.size(), seen.size() == 1 ? "" : "the first of them ",
      seen.empty() ? 0 : judged.marks.sources().front().place(seen.front()));
}

MAAS_INLINE ConformalIntervals::Errors ConformalIntervals::errors_of(std::vector<Scalar> in_order, Index window) {
  Errors result{.sorted = in_order, .recent = {}};
  std::sort(result.sorted.begin(), result.sorted.end());
  if (window > 0) result.recent = std::move(in_order);
  return result;
}

MAAS_INLINE void ConformalIntervals::require_column(Index column) const {
  require<StateError>(is_calibrated(), "intervals: call calibrate first");
  require<ShapeError>(column >= 0 && column < columns(), "intervals: expected a column from 0 to {}, got {}",
                      columns() - 1, column);
}

MAAS_INLINE void ConformalIntervals::require_calibrated(std::string_view what, Index columns) const {
  require<StateError>(is_calibrated(), "{}: call calibrate first", what);
  require<ShapeError>(columns == static_cast<Index>(cells_.size()), "{}: expected {} forecasts a window, got {}", what,
                      cells_.size(), columns);
}

/// What is added to a forecast for the ends of its interval.
MAAS_INLINE std::pair<double, double> ConformalIntervals::ends(const Cell& cell) const {
  const std::vector<Scalar>& sorted = cell.errors->sorted;
  const auto n = static_cast<double>(sorted.size()), alpha = std::clamp(cell.alpha, 0.0, 1.0);
  // A hair is taken off products that are whole numbers but for rounding: (9 + 1) 0.9 is 9.
  const double low = std::floor((n + 1) * alpha / 2 + 1e-9), high = std::ceil((n + 1) * (1 - alpha / 2) - 1e-9);
  const auto at = [&](double place) {
    return static_cast<double>(sorted[static_cast<std::size_t>(std::clamp(place, 1.0, n)) - 1]);
  };
  return {at(low), at(high)};
}

MAAS_INLINE double ConformalIntervals::chance_of(const Cell& cell, double forecast, double value) {
  if (std::isnan(forecast)) return forecast;
  const std::vector<Scalar>& sorted = cell.errors->sorted;
  const auto is_less = [](Scalar error, double limit) { return static_cast<double>(error) < limit; };
  const auto below = std::lower_bound(sorted.begin(), sorted.end(), value - forecast, is_less) - sorted.begin();
  return (static_cast<double>(below) + 0.5) / (static_cast<double>(sorted.size()) + 1);
}

MAAS_INLINE Intervals ConformalIntervals::around(MatrixArg values) const {
  require_calibrated("intervals", values.cols());
  Intervals result{Matrix(values.rows(), values.cols()), Matrix(values.rows(), values.cols())};
  for (Index column = 0; column < values.cols(); ++column) {
    const auto [low, high] = ends(cells_[static_cast<std::size_t>(column)]);
    for (Index window = 0; window < values.rows(); ++window) {
      const auto forecast = static_cast<double>(values(window, column));
      result.lower(window, column) = static_cast<Scalar>(forecast + low);
      result.upper(window, column) = static_cast<Scalar>(forecast + high);
    }
  }
  return result;
}

/// Columns are step * sensors + sensor.
MAAS_INLINE void ConformalIntervals::require_values(std::string_view what, std::size_t values_below) const {
  require<ShapeError>(values_below > 0 && cells_.size() % values_below == 0,
                      "{}: expected a value for all sensors or for each of them, got {} of {} columns", what,
                      values_below, cells_.size());
}

MAAS_INLINE Matrix ConformalIntervals::chance_below(MatrixArg values, double value) const {
  return chance_below(values, std::span(&value, 1));
}

MAAS_INLINE Matrix ConformalIntervals::chance_below(MatrixArg values, std::span<const double> values_below) const {
  require_calibrated("chance_below", values.cols());
  require_values("chance_below", values_below.size());
  Matrix result(values.rows(), values.cols());
  for (Index window = 0; window < values.rows(); ++window)
    for (Index column = 0; column < values.cols(); ++column) {
      const auto place = static_cast<std::size_t>(column);
      result(window, column) = static_cast<Scalar>(chance_of(cells_[place], static_cast<double>(values(window, column)),
                                                             values_below[place % values_below.size()]));
    }
  return result;
}

/// The newest error takes the place of the oldest.
MAAS_INLINE void ConformalIntervals::learn(Cell& cell, Scalar error) const {
  if (cell.errors.use_count() > 1) cell.errors = std::make_shared<Errors>(*cell.errors);
  std::atomic_thread_fence(std::memory_order_acquire);  // whoever shared them before has read to the end
  Errors& errors = *cell.errors;
  const auto insert = [&] {
    errors.sorted.insert(std::lower_bound(errors.sorted.begin(), errors.sorted.end(), error), error);
  };
  if (static_cast<Index>(errors.recent.size()) < options_.window) {
    errors.recent.push_back(error);
    insert();
    return;
  }
  Scalar& oldest = errors.recent[errors.oldest];
  errors.sorted.erase(std::lower_bound(errors.sorted.begin(), errors.sorted.end(), oldest));
  insert();
  oldest = error;
  errors.oldest = (errors.oldest + 1) % errors.recent.size();
}

MAAS_INLINE bool ConformalIntervals::tell(Index column, double forecast, double reading) {
  require_column(column);
  const auto rounded = static_cast<Scalar>(reading - forecast);  // as it is kept
  if (!std::isfinite(rounded)) return false;
  const auto error = static_cast<double>(rounded);
  Cell& cell = cells_[static_cast<std::size_t>(column)];
  const auto [low, high] = ends(cell);
  const bool is_miss = error < low || error > high;
  // Without bounds a long run of misses would have to be made up for by as long a run of intervals too wide.
  cell.alpha = std::clamp(cell.alpha + options_.rate * (1 - options_.coverage - (is_miss ? 1 : 0)), 0.0, 1.0);
  if (options_.window > 0) learn(cell, rounded);
  return is_miss;
}

MAAS_INLINE Intervals ConformalIntervals::follow(const Forecasts& forecasts) {
  Matrix chances;
  return follow(forecasts, std::numeric_limits<double>::quiet_NaN(), chances);
}

MAAS_INLINE Intervals ConformalIntervals::follow(const Forecasts& forecasts, double value, Matrix& chances) {
  return follow(forecasts, std::span(&value, 1), chances);
}

MAAS_INLINE Intervals ConformalIntervals::follow(const Forecasts& forecasts, std::span<const double> values_below,
                                                 Matrix& chances) {
  const Matrix& values = forecasts.values;
  require_calibrated("intervals", values.cols());
  require_values("intervals", values_below.size());
  require<ShapeError>(static_cast<Index>(forecasts.origins.size()) == values.rows() &&
                          forecasts.truth.rows() == values.rows() && forecasts.truth.cols() == values.cols() &&
                          static_cast<Index>(forecasts.horizons.size() * forecasts.sensors.size()) == values.cols(),
                      "intervals: expected forecasts with an origin and truth for each of {} windows, got others",
                      values.rows());
  const auto sensors = static_cast<Index>(forecasts.sensors.size());
  const bool learns = options_.rate > 0 || options_.window > 0;
  Intervals result{Matrix(values.rows(), values.cols()), Matrix(values.rows(), values.cols())};
  chances.resize(values.rows(), values.cols());
  std::vector<Index> next(forecasts.horizons.size(), 0);  // of each step, the first window whose end is not yet known
  for (Index window = 0; window < values.rows(); ++window) {
    const Index now = forecasts.origins[static_cast<std::size_t>(window)];
    for (std::size_t step = 0; step < next.size() && learns; ++step)
      for (Index& past = next[step];
           past < window && forecasts.origins[static_cast<std::size_t>(past)] + forecasts.horizons[step] <= now; ++past)
        for (Index sensor = 0; sensor < sensors; ++sensor) {
          const Index column = forecasts.column(static_cast<Index>(step), sensor);
          tell(column, static_cast<double>(values(past, column)), static_cast<double>(forecasts.truth(past, column)));
        }
    for (Index column = 0; column < values.cols(); ++column) {
      const auto place = static_cast<std::size_t>(column);
      const Cell& cell = cells_[place];
      const auto [low, high] = ends(cell);
      const auto forecast = static_cast<double>(values(window, column));
      result.lower(window, column) = static_cast<Scalar>(forecast + low);
      result.upper(window, column) = static_cast<Scalar>(forecast + high);
      chances(window, column) =
          static_cast<Scalar>(chance_of(cell, forecast, values_below[place % values_below.size()]));
    }
  }
  return result;
}

MAAS_INLINE double ConformalIntervals::alpha(Index column) const {
  require_column(column);
  return cells_[static_cast<std::size_t>(column)].alpha;
}

MAAS_INLINE ConformalIntervals ConformalIntervals::part(std::span<const Index> columns) const {
  ConformalIntervals result(options_);
  result.calibrated_on_ = calibrated_on_;
  for (Index column : columns) {
    require_column(column);
    result.cells_.push_back(cells_[static_cast<std::size_t>(column)]);
  }
  return result;
}

MAAS_INLINE Matrix ConformalIntervals::errors() const {
  std::size_t most = 0;
  for (const Cell& cell : cells_) most = std::max(most, cell.errors->sorted.size());
  Matrix result = Matrix::Constant(static_cast<Index>(most), columns(), std::numeric_limits<Scalar>::quiet_NaN());
  for (Index column = 0; column < columns(); ++column) {
    const Errors& errors = *cells_[static_cast<std::size_t>(column)].errors;
    const std::vector<Scalar>& kept = options_.window > 0 ? errors.recent : errors.sorted;
    for (std::size_t i = 0; i < kept.size(); ++i)
      result(static_cast<Index>(i), column) = kept[(errors.oldest + i) % kept.size()];
  }
  return result;
}

MAAS_INLINE Config ConformalIntervals::config() const {
  std::vector<double> alphas;
  for (const Cell& cell : cells_) alphas.push_back(cell.alpha);
  return to_config(options_).set("alphas", to_config(alphas));
}

MAAS_INLINE ConformalIntervals ConformalIntervals::from(const Config& config, MatrixArg errors) {
  Config options = config;
  options.erase("alphas");
  std::vector<double> alphas;
  from_config(config.at("alphas"), "intervals: alphas", alphas);
  return ConformalIntervals(read_config<IntervalOptions>(options, "intervals")).restored(alphas, errors);
}

MAAS_INLINE ConformalIntervals ConformalIntervals::restored(const std::vector<double>& alphas, MatrixArg errors) const {
  const Index count = errors.size() > 0 ? errors.cols() : columns();
  require<ConfigError>(!alphas.empty() && static_cast<Index>(alphas.size()) == count,
                       "intervals: expected errors of {} columns, one an alpha, got {}", alphas.size(), count);
  require<ConfigError>(options_.window == 0 || errors.rows() <= options_.window,
                       "intervals: expected at most {} errors, got {}", options_.window, errors.rows());
  ConformalIntervals result(options_);
  result.calibrated_on_ = calibrated_on_;
  for (Index column = 0; column < count; ++column) {
    const double alpha = alphas[static_cast<std::size_t>(column)];
    require<ConfigError>(alpha >= 0 && alpha <= 1, "intervals: expected alphas from 0 to 1, got {}", alpha);
    if (errors.size() == 0) {
      result.cells_.push_back({cells_[static_cast<std::size_t>(column)].errors, alpha});
      continue;
    }
    std::vector<Scalar> kept;
    for (Index row = 0; row < errors.rows() && !std::isnan(errors(row, column)); ++row)
      kept.push_back(errors(row, column));
    const bool is_finite = std::all_of(kept.begin(), kept.end(), [](Scalar error) { return std::isfinite(error); });
    require<ConfigError>(!kept.empty() && is_finite,
                         "intervals: expected finite errors in column {}, got none or others", column);
    result.cells_.push_back({std::make_shared<Errors>(errors_of(std::move(kept), options_.window)), alpha});
  }
  return result;
}

MAAS_INLINE Coverage coverage(const Intervals& intervals, const Forecasts& forecasts, Index horizon) {
  const Matrix& truth = forecasts.truth;
  require<ShapeError>(intervals.lower.rows() == truth.rows() && intervals.lower.cols() == truth.cols() &&
                          intervals.upper.rows() == truth.rows() && intervals.upper.cols() == truth.cols(),
                      "coverage: expected intervals of {} x {} forecasts, got {} x {}", truth.rows(), truth.cols(),
                      intervals.lower.rows(), intervals.lower.cols());
  const auto sensors = static_cast<Index>(forecasts.sensors.size());
  const Index step = horizon == 0 ? 0 : forecasts.step_of(horizon);
  const Index begin = step * sensors, end = horizon == 0 ? truth.cols() : begin + sensors;
  Coverage result;
  double width = 0;
  Index within = 0;
  for (Index window = 0; window < truth.rows(); ++window)
    for (Index column = begin; column < end; ++column) {
      const auto low = static_cast<double>(intervals.lower(window, column)),
                 high = static_cast<double>(intervals.upper(window, column)),
                 reading = static_cast<double>(truth(window, column));
      if (std::isnan(reading) || std::isnan(low) || std::isnan(high)) continue;
      within += reading >= low && reading <= high ? 1 : 0;
      width += high - low;
      ++result.count;
    }
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  result.share = result.count > 0 ? static_cast<double>(within) / static_cast<double>(result.count) : none;
  result.mean_width = result.count > 0 ? width / static_cast<double>(result.count) : none;
  return result;
}

}  // namespace maas::inline MAAS_ABI
