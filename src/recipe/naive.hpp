// The naive forecasts whose alarms stand beside those of a forecaster: those of persistence, for the same windows.
#pragma once

#include <functional>

#include "maas/forecast/baselines.hpp"
#include "maas/forecast/forecaster.hpp"

namespace maas::inline MAAS_ABI::recipe {

/// Of windows in memory. Persistence learns nothing, so that it asks for no training.
inline Forecasts naive_forecasts(const ForecastWindows& windows) {
  return Persistence{.sensors_ = windows.readings().sensor_count()}.forecast(windows);
}

/// Of windows that come block by block; origins are rows of all readings.
inline void naive_forecasts(const StreamedWindows& windows, const std::function<void(const Forecasts& block)>& visit) {
  windows.for_each([&](const ForecastWindows& part, Index first) {
    Forecasts forecasts = naive_forecasts(part);
    for (Index& origin : forecasts.origins) origin += first;
    visit(forecasts);
  });
}

}  // namespace maas::inline MAAS_ABI::recipe
