// ReadingsPipeline: from raw rows of a table to readings, by steps that are learned from training rows only.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "maas/data/pipeline.hpp"
#include "maas/forecast/readings.hpp"

namespace maas::inline MAAS_ABI {

/// How raw rows become readings.
struct ReadingsOptions {
  /// In order. They clean: ValidRange, ClipOutliers, Impute, DropDuplicateRows, ... What they give is what is forecast
  /// and scored: a reading that Impute fills counts as one that came, and a step that scales changes the unit of
  /// forecasts, scores and alarms. A Forecaster scales by itself, so that none needs to.
  std::vector<Step> steps = {};
  std::string time = {};  ///< the column of times, as it is before the steps; empty: readings are evenly spaced
  /// Columns of numbers, one a sensor, as they are named before the steps; empty: all there are that no step drops.
  std::vector<std::string> sensors = {};
  /// The column that names the series a row is of, as it is before the steps; empty: all are of one. Rows of a series
  /// follow each other. Where the pipeline is applied no step looks from one series into another, and a row that
  /// DropDuplicateRows leaves out has come twice in its own. A table without the column is of one series, such as a
  /// single file where the column names files.
  std::string series = {};
  /// Columns that are known ahead, as they are named behind the steps, which may have made them ("time_holiday" by
  /// TimeFeatures): see ForecastOptions::known. They are no sensors. A Forecaster sets those of its options.
  std::vector<std::string> known = {};
  MissingColumn missing_column = MissingColumn::error;  ///< with `missing` a sensor that is not there has no reading
  OutOfRange out_of_range = OutOfRange::error;          ///< of raw readings: see PipelineOptions
  double range_margin = default_range_margin;           ///< likewise
  /// Whether sensors measure the same quantity in the same unit. Then a reading is held against the range of all of
  /// them together: among many sensors there is always one that reads less than it ever did, and a road slower than
  /// ever is what a warning is for. Else each has its own. A Forecaster sets it: where all sensors are scaled by the
  /// same figures they are alike, with `scale_each` they are not.
  bool alike = true;
};

/// Readings of a table, and where they come from.
struct PreparedReadings {
  Readings readings;
  std::vector<Index> rows;  ///< the row of the table each one comes from, counted from 0
};

namespace detail {

/// Throws DataError: steps have left out this row between readings without times. Nothing would tell of it, and windows
/// would run across the hole.
[[noreturn]] void fail_hole(Index row, Index rows);

}  // namespace detail

/// A Pipeline whose features are the readings of sensors, and behind them known inputs, with the columns of times and
/// series beside it. Steps that leave rows out
/// of training (DropDuplicateRows, DropMissingRows) leave them out here wherever it is applied, as no window can hold a
/// moment twice; where readings have times, what is left out is a gap, which no window spans unless asked to. Without
/// times only the first and the last rows of a series may be left out: one between others is a DataError. A value: what
/// it learned is part of it, and a Forecaster is saved with it.
class ReadingsPipeline {
 public:
  ReadingsPipeline() = default;
  explicit ReadingsPipeline(ReadingsOptions options) : options_(std::move(options)) {}

  /// Learns from training rows, all series together. Throws StateError if it has learned before; DataError for a table
  /// without a column of numbers or without that of the series, for a known input that a sensor becomes, and what
  /// Pipeline::fit throws: for rows that a split holds out, too. Then nothing has been learned.
  ReadingsPipeline& fit(const Table& training);
  bool is_fitted() const { return pipeline_.is_fitted(); }
  /// What a pipeline is to learn of such rows: the steps, and the sensors as features. Throws DataError for a table
  /// without a column of numbers.
  PipelineOptions wanted(const Table& training) const;
  /// Takes one that has learned so elsewhere, such as in passes over rows that are not all in memory. Throws StateError
  /// if it has learned before.
  ReadingsPipeline& set_learned(Pipeline fitted);

  /// Readings of raw rows. `time` names another column of times than the options do; empty: theirs. Rows before `cut`
  /// become readings without a look at the others, which Fill::linear_interpolation may take: so a validation share
  /// that begins there is unknown to those before it; 0: all rows together. Throws StateError before fit, DataError for
  /// a column that lacks or holds another type, for values that the policies refuse, for a row that steps leave out
  /// between readings without times and for a cut beyond the rows, and what Readings::check throws.
  PreparedReadings prepare(const Table& table, std::string_view time = "", Index cut = 0) const;

  /// The name of the column of times; empty for none.
  const std::string& time() const { return options_.time; }
  /// The name of the column of series; empty for none.
  const std::string& series() const { return options_.series; }
  /// The names of the known inputs, in order.
  const std::vector<std::string>& known() const { return options_.known; }
  /// The names of the sensors. Throws StateError before fit.
  std::vector<std::string> sensors() const;
  /// The steps with what they learned; its features are the sensors and behind them the known inputs.
  const Pipeline& pipeline() const { return pipeline_; }

  /// All of it but for what was asked for before fit: {"time", "pipeline"}, and "series" and "known" where there are.
  Config config() const;
  /// Throws ConfigError for what config() of a fitted one does not write. `more` are steps of the user's own.
  static ReadingsPipeline from(const Config& config, std::span<const CatalogEntry<Step>> more = {});

 private:
  PreparedReadings prepare_together(const Table& table, std::string_view time) const;
  PreparedReadings prepare_series(const Table& table, std::string_view time, bool has_series) const;

  ReadingsOptions options_;
  Pipeline pipeline_;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/forecast/readings_pipeline-inl.hpp"
#endif
