#include "recipe/judged_windows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "recipe/judged_alarms.hpp"
#include "recipe/run.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

// Whether forecasters that fill nothing have an answer: from a sensor's lags, or where it is joint from those of all.
bool is_whole(const Readings& readings, Index origin, Index sensor, const ForecastOptions& options) {
  const bool joint = options.sensors == SensorMode::joint;
  const Index lags = options.windows.lags;
  return !readings.values.block(origin - lags + 1, joint ? 0 : sensor, lags, joint ? readings.sensor_count() : Index{1})
              .hasNaN();
}

}  // namespace

JudgedWindows::JudgedWindows(const Recipe& recipe, const Table& rows) {
  const ForecastOptions& options = recipe.tuner->judged_on.value_or(recipe.forecast->options);
  LearnedReadings found = learned_readings(recipe, rows);
  prepared_ = std::move(found.prepared);
  const ForecastWindows windows =
      ForecastWindows(prepared_.readings, at_each_origin(options.windows)).targets_from(found.learned);
  origins_ = windows.origins();
  horizons_ = options.windows.horizons;
  truth_ = windows.truth();
  const Index sensors = prepared_.readings.sensor_count();
  for (Index window = 0; window < windows.size() && !options.windows.fill_missing; ++window)
    for (Index column = 0; column < truth_.cols(); ++column)
      if (!is_whole(prepared_.readings, windows.origin(window), column % sensors, options))
        truth_(window, column) = std::numeric_limits<Scalar>::quiet_NaN();
  require<DataError>(
      !truth_.array().isNaN().all(),
      "expected targets of the validation share that trials can be judged on, behind {} lags{}, got none",
      options.windows.lags, options.windows.fill_missing ? "" : " without a missing reading");
}

ForecastWindows JudgedWindows::of(const PreparedReadings& prepared, ForecastWindowOptions options) const {
  require<DataError>(prepared.readings.sensors == prepared_.readings.sensors,
                     "expected the {} sensors that trials are judged by, got {} others",
                     prepared_.readings.sensors.size(), prepared.readings.sensors.size());
  // Where the row of one of the recipe's readings is among the trial's.
  const auto place_of = [&](Index reading) {
    const Index row = prepared_.rows[static_cast<std::size_t>(reading)];
    const auto found = std::lower_bound(prepared.rows.begin(), prepared.rows.end(), row);
    require<DataError>(
        found != prepared.rows.end() && *found == row,
        "expected an answer in all windows that trials are judged on, got steps that leave out row {} of "
        "one (counted from 0)",
        row);
    return static_cast<Index>(found - prepared.rows.begin());
  };
  std::vector<Index> origins;
  for (Index origin : origins_) {
    origins.push_back(place_of(origin));
    for (Index horizon : horizons_)
      require<DataError>(place_of(origin + horizon) == origins.back() + horizon,
                         "expected the targets that trials are judged on, got steps that leave other rows between the "
                         "window and them, from row {} on (counted from 0)",
                         prepared_.rows[static_cast<std::size_t>(origin)]);
  }
  return ForecastWindows(prepared.readings, at_each_origin(std::move(options))).at(std::move(origins));
}

Forecasts JudgedWindows::by_truth(Forecasts forecasts) const {
  forecasts.truth = truth_;
  return forecasts;
}

void require_answers(const Forecasts& forecasts) {
  for (Index window = 0; window < forecasts.windows(); ++window)
    for (Index column = 0; column < forecasts.values.cols(); ++column) {
      if (std::isnan(forecasts.truth(window, column)) || !std::isnan(forecasts.values(window, column))) continue;
      const auto sensors = static_cast<Index>(forecasts.sensors.size());
      fail<DataError>(
          "expected a forecast for all that trials are judged on, got none of \"{}\" at horizon {} from "
          "reading {}, as a reading before is missing",
          forecasts.sensors[static_cast<std::size_t>(column % sensors)],
          forecasts.horizons[static_cast<std::size_t>(column / sensors)],
          forecasts.origins[static_cast<std::size_t>(window)]);
    }
}

}  // namespace maas::inline MAAS_ABI::recipe
