// Bodies of ConformalIntervals.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "maas/forecast/intervals.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE void IntervalOptions::check() const {
  require<ConfigError>(coverage > 0 && coverage < 1, "intervals: expected a coverage above 0 and below 1, got {}",
                       coverage);
  require<ConfigError>(rate >= 0 && rate <= 1, "intervals: expected a rate from 0 to 1, got {}", rate);
  require<ConfigError>(window >= 0, "intervals: expected a window of at least 0, got {}", window);
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
    for (Index window = 0; window < calibration.windows(); ++window) {
      const auto place = static_cast<Index>(column);
      const double error = static_cast<double>(calibration.truth(window, place)) -
                           static_cast<double>(calibration.values(window, place));
      if (!std::isnan(error)) cell.recent.push_back(error);
    }
    require<DataError>(!cell.recent.empty(), "intervals: expected errors to calibrate on, got none in column {}",
                       column);
    if (options_.window > 0 && static_cast<Index>(cell.recent.size()) > options_.window)
      cell.recent.erase(cell.recent.begin(), cell.recent.end() - options_.window);
    cell.sorted = cell.recent;
    std::sort(cell.sorted.begin(), cell.sorted.end());
    if (options_.window == 0) cell.recent.clear();
  }
  require<DataError>(!cells.empty(), "intervals: expected forecasts to calibrate on, got none");
  cells_ = std::move(cells);
  return *this;
}

MAAS_INLINE void ConformalIntervals::require_calibrated(std::string_view what, Index columns) const {
  require<StateError>(is_calibrated(), "{}: call calibrate first", what);
  require<ShapeError>(columns == static_cast<Index>(cells_.size()), "{}: expected {} forecasts a window, got {}", what,
                      cells_.size(), columns);
}

/// What is added to a forecast for the ends of its interval.
MAAS_INLINE std::pair<double, double> ConformalIntervals::ends(const Cell& cell) const {
  const auto n = static_cast<double>(cell.sorted.size()), alpha = std::clamp(cell.alpha, 0.0, 1.0);
  // A hair is taken off products that are whole numbers but for rounding: (9 + 1) 0.9 is 9.
  const double low = std::floor((n + 1) * alpha / 2 + 1e-9), high = std::ceil((n + 1) * (1 - alpha / 2) - 1e-9);
  const auto at = [&](double place) { return cell.sorted[static_cast<std::size_t>(std::clamp(place, 1.0, n)) - 1]; };
  return {at(low), at(high)};
}

MAAS_INLINE double ConformalIntervals::chance_of(const Cell& cell, double forecast, double value) {
  if (std::isnan(forecast)) return forecast;
  const auto below = std::lower_bound(cell.sorted.begin(), cell.sorted.end(), value - forecast) - cell.sorted.begin();
  return (static_cast<double>(below) + 0.5) / (static_cast<double>(cell.sorted.size()) + 1);
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

MAAS_INLINE Matrix ConformalIntervals::chance_below(MatrixArg values, double value) const {
  require_calibrated("chance_below", values.cols());
  Matrix result(values.rows(), values.cols());
  for (Index window = 0; window < values.rows(); ++window)
    for (Index column = 0; column < values.cols(); ++column)
      result(window, column) = static_cast<Scalar>(
          chance_of(cells_[static_cast<std::size_t>(column)], static_cast<double>(values(window, column)), value));
  return result;
}

/// The newest error takes the place of the oldest.
MAAS_INLINE void ConformalIntervals::learn(Cell& cell, double error) const {
  const auto insert = [&] {
    cell.sorted.insert(std::lower_bound(cell.sorted.begin(), cell.sorted.end(), error), error);
  };
  if (static_cast<Index>(cell.recent.size()) < options_.window) {
    cell.recent.push_back(error);
    insert();
    return;
  }
  double& oldest = cell.recent[cell.oldest];
  cell.sorted.erase(std::lower_bound(cell.sorted.begin(), cell.sorted.end(), oldest));
  insert();
  oldest = error;
  cell.oldest = (cell.oldest + 1) % cell.recent.size();
}

MAAS_INLINE void ConformalIntervals::tell(Index column, double forecast, double reading) {
  require<StateError>(is_calibrated(), "intervals: call calibrate first");
  require<ShapeError>(column >= 0 && column < static_cast<Index>(cells_.size()),
                      "intervals: expected a column from 0 to {}, got {}", cells_.size() - 1, column);
  const double error = reading - forecast;
  if (!std::isfinite(error)) return;
  Cell& cell = cells_[static_cast<std::size_t>(column)];
  const auto [low, high] = ends(cell);
  const double miss = error < low || error > high ? 1 : 0;
  // Without bounds a long run of misses would have to be made up for by as long a run of intervals too wide.
  cell.alpha = std::clamp(cell.alpha + options_.rate * (1 - options_.coverage - miss), 0.0, 1.0);
  if (options_.window > 0) learn(cell, error);
}

MAAS_INLINE Intervals ConformalIntervals::follow(const Forecasts& forecasts) {
  Matrix chances;
  return follow(forecasts, std::numeric_limits<double>::quiet_NaN(), chances);
}

MAAS_INLINE Intervals ConformalIntervals::follow(const Forecasts& forecasts, double value, Matrix& chances) {
  const Matrix& values = forecasts.values;
  require_calibrated("intervals", values.cols());
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
      const Cell& cell = cells_[static_cast<std::size_t>(column)];
      const auto [low, high] = ends(cell);
      const auto forecast = static_cast<double>(values(window, column));
      result.lower(window, column) = static_cast<Scalar>(forecast + low);
      result.upper(window, column) = static_cast<Scalar>(forecast + high);
      chances(window, column) = static_cast<Scalar>(chance_of(cell, forecast, value));
    }
  }
  return result;
}

MAAS_INLINE double ConformalIntervals::alpha(Index column) const {
  require<StateError>(is_calibrated(), "intervals: call calibrate first");
  require<ShapeError>(column >= 0 && column < static_cast<Index>(cells_.size()),
                      "intervals: expected a column from 0 to {}, got {}", cells_.size() - 1, column);
  return cells_[static_cast<std::size_t>(column)].alpha;
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
