// Bodies of ReadingRanges.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "maas/forecast/reading_ranges.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

using ReadingRange = std::optional<NumberRange>;

/// The range of the first rows of a column; nothing where all of them are missing.
inline ReadingRange range_of_column(const Matrix& values, Index rows, Index column, double margin) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (Index row = 0; row < rows; ++row) {
    const auto value = static_cast<double>(values(row, column));
    if (std::isnan(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (low > high) return std::nullopt;
  return NumberRange{.low = low, .high = high, .least = low, .most = high, .margin = margin};
}

inline void make_alike(std::vector<ReadingRange>& ranges) {
  double least = std::numeric_limits<double>::infinity(), most = -least;
  for (const ReadingRange& range : ranges)
    if (range) least = std::min(least, range->low), most = std::max(most, range->high);
  for (ReadingRange& range : ranges)
    if (range) range->least = least, range->most = most;
}

inline void check_column(const Matrix& values, Index column, const ReadingRange& range, const std::string& name) {
  if (!range) return;
  for (Index row = 0; row < values.rows(); ++row)
    if (!range->takes(static_cast<double>(values(row, column))))
      fail<DataError>("forecaster: expected \"{}\" {}, got {} in row {} (counted from 0); of its training {}", name,
                      range->text(), values(row, column), row, NumberRange::choices());
}

inline void require_margin(double margin) {
  require<ConfigError>(margin >= 0 && std::isfinite(margin),
                       "forecaster: expected a range_margin of at least 0, got {}", margin);
}

}  // namespace detail

MAAS_INLINE ReadingRanges ReadingRanges::of(const Readings& training, Index rows,
                                            const std::vector<Index>& known_columns, bool alike,
                                            OutOfRange out_of_range, double margin) {
  detail::require_margin(margin);
  ReadingRanges ranges{.out_of_range = out_of_range, .margin = margin};
  for (Index sensor = 0; sensor < training.sensor_count(); ++sensor)
    ranges.sensors.push_back(detail::range_of_column(training.values, rows, sensor, margin));
  for (Index column : known_columns)
    ranges.known.push_back(detail::range_of_column(training.known, rows, column, margin));
  if (alike) detail::make_alike(ranges.sensors);
  return ranges;
}

MAAS_INLINE void ReadingRanges::check(const Readings& readings, const std::vector<Index>& known_columns) const {
  if (out_of_range != OutOfRange::error) return;
  const std::vector<std::string> names = readings.sensor_names();
  for (std::size_t i = 0; i < sensors.size(); ++i)
    detail::check_column(readings.values, static_cast<Index>(i), sensors[i], names[i]);
  for (std::size_t i = 0; i < known.size(); ++i) {
    const auto column = static_cast<std::size_t>(known_columns[i]);
    detail::check_column(readings.known, known_columns[i], known[i], readings.known_names[column]);
  }
}

MAAS_INLINE double ReadingRanges::told(double reading, Index sensor) const {
  const detail::ReadingRange& range = sensors[static_cast<std::size_t>(sensor)];
  return range && out_of_range == OutOfRange::clip ? range->clipped(reading) : reading;
}

MAAS_INLINE double ReadingRanges::told_known(double value, std::size_t place) const {
  const detail::ReadingRange& range = known[place];
  return range && out_of_range == OutOfRange::clip ? range->clipped(value) : value;
}

// ---- Files ----

MAAS_INLINE Config ReadingRanges::config() const {
  std::vector<std::optional<double>> low, high;
  for (const auto* ranges : {&sensors, &known})
    for (const detail::ReadingRange& range : *ranges) {
      low.push_back(range ? std::optional(range->low) : std::nullopt);
      high.push_back(range ? std::optional(range->high) : std::nullopt);
    }
  return Config{}
      .set("out_of_range", to_config(out_of_range))
      .set("range_margin", margin)
      .set("low", to_config(low))
      .set("high", to_config(high));
}

MAAS_INLINE ReadingRanges ReadingRanges::from(const Config& config, std::size_t sensors, std::size_t known,
                                              bool alike) {
  ReadingRanges ranges;
  from_config(config.at("out_of_range"), "out_of_range", ranges.out_of_range);
  from_config(config.at("range_margin"), "range_margin", ranges.margin);
  detail::require_margin(ranges.margin);
  std::vector<std::optional<double>> low, high;
  from_config(config.at("low"), "low", low);
  from_config(config.at("high"), "high", high);
  require<ConfigError>(low.size() == sensors + known && high.size() == low.size(),
                       "ranges: expected ends of {} sensors and {} known inputs, got {} and {}", sensors, known,
                       low.size(), high.size());
  for (std::size_t i = 0; i < low.size(); ++i) {
    const bool is_range = low[i].has_value() == high[i].has_value() &&
                          (!low[i] || (*low[i] <= *high[i] && std::isfinite(*low[i]) && std::isfinite(*high[i])));
    require<ConfigError>(is_range, "ranges: expected a low end and a high one in place {}, got what is no range", i);
    detail::ReadingRange range;
    if (low[i])
      range =
          NumberRange{.low = *low[i], .high = *high[i], .least = *low[i], .most = *high[i], .margin = ranges.margin};
    (i < sensors ? ranges.sensors : ranges.known).push_back(range);
  }
  if (alike) detail::make_alike(ranges.sensors);
  return ranges;
}

}  // namespace maas::inline MAAS_ABI
