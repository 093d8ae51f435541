// Made-up readings of a traffic detector: for examples and tests that need data and have no file.
#pragma once

#include <cstdint>

#include "maas/data/table.hpp"

namespace maas::inline MAAS_ABI {

/// A road with one detector and one bottleneck behind it.
struct TrafficOptions {
  Index days = 60;
  std::uint64_t seed = 0;
  double start = 1704067200;     ///< time of the first reading, in seconds: Monday 2024-01-01 00:00
  Index capacity = 180;          ///< vehicles in 5 minutes that the bottleneck lets through
  double incidents_a_day = 0.5;  ///< mean number of times that part of the capacity is lost for 20 to 75 minutes
  double gaps_a_day = 0.7;       ///< mean number of times that the detector fails, mostly briefly
};

/// Readings of every 5 minutes: columns "time", "flow" (vehicles in 5 minutes) and "speed" (km/h). Demand follows the
/// time of day, with rush hours on Monday to Friday, and varies from day to day and from reading to reading. What
/// exceeds the capacity queues, and speed falls with the queue. Where the detector fails briefly, flow and speed are
/// NaN; where it fails for half an hour or more, the readings are not there at all. Computed in whole numbers, so a
/// seed gives the same table on every machine. Throws ConfigError for options below 1 day or 1 vehicle, or for negative
/// rates.
Table make_traffic(const TrafficOptions& options = {});

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/traffic-inl.hpp"
#endif
