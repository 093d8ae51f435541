// ReadingRanges: which readings are like those that a forecaster has learned from, where no table says it.
#pragma once

#include <optional>
#include <vector>

#include "maas/data/number_range.hpp"
#include "maas/forecast/readings.hpp"

namespace maas::inline MAAS_ABI {

/// The ranges of the sensors and known inputs of readings that were learned from as they are, and what becomes of those
/// beyond. (Readings that come from a table are held against what its pipeline has learned, instead.)
struct ReadingRanges {
  OutOfRange out_of_range = OutOfRange::error;
  double margin = default_range_margin;               ///< see NumberRange
  std::vector<std::optional<NumberRange>> sensors{};  ///< one each; nothing where there was no reading
  std::vector<std::optional<NumberRange>> known{};    ///< of known inputs, one each, likewise

  /// Those of the first `rows` readings, and of these columns of known inputs. Sensors that are `alike` are held
  /// against the range of all of them together. Throws ConfigError for a margin below 0 or that is not finite.
  static ReadingRanges of(const Readings& training, Index rows, const std::vector<Index>& known_columns, bool alike,
                          OutOfRange out_of_range, double margin);

  /// Throws DataError, where the policy is `error`, for a reading or a known input that lies further beyond than the
  /// margin: it names the sensor, the row, the range and what else may be chosen. Of sensors and columns as in `of`.
  void check(const Readings& readings, const std::vector<Index>& known_columns) const;
  /// A reading of a sensor as the network is told it: with `clip` within what the sensor had in training.
  double told(double reading, Index sensor) const;
  /// The same of a known input.
  double told_known(double value, std::size_t place) const;

  /// {"out_of_range", "range_margin", "low", "high"}, the ends of sensors and behind them of known inputs.
  Config config() const;
  /// Throws ConfigError for what config() of so many sensors and known inputs does not write.
  static ReadingRanges from(const Config& config, std::size_t sensors, std::size_t known, bool alike);
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/forecast/reading_ranges-inl.hpp"
#endif
