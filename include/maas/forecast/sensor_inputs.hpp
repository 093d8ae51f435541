// The inputs of networks that forecast for many sensors.
#pragma once

#include <vector>

#include "maas/forecast/forecaster.hpp"
#include "maas/layers/layers.hpp"
#include "maas/network/merge.hpp"
#include "maas/network/symbol.hpp"

namespace maas::inline MAAS_ABI::detail {

/// The inputs that a shape asks for, and all of them as one row of numbers.
struct SensorInputs {
  std::vector<Symbol> inputs;
  Symbol joined;
};

/// The features, and where there are ids of sensors, `embedding` learned numbers an id beside them.
inline SensorInputs sensor_inputs(const ForecastShape& shape, Index embedding) {
  const Symbol features = input(shape.features);
  if (shape.ids == 0) return {{features}, features};
  const Symbol id = input(1);
  return {{features, id}, concatenate({features, flatten()(maas::embedding(shape.ids, embedding)(id))})};
}

}  // namespace maas::inline MAAS_ABI::detail
