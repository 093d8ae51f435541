// Bodies of ReadingsPipeline.
#pragma once

#include <algorithm>
#include <numeric>

#include "maas/forecast/readings_pipeline.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// The columns that the steps make of one.
inline std::vector<std::string> made_of_column(const std::string& name, const std::vector<Step>& steps) {
  std::vector<std::string> names{name};
  for (const Step& step : steps) {
    std::vector<std::string> next;
    for (const std::string& each : names)
      for (std::string& made : step.outputs_of(each)) next.push_back(std::move(made));
    names = std::move(next);
  }
  return names;
}

inline bool is_one_of(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

/// All columns of numbers that steps leave as such, but for that of times and of series and what becomes known inputs.
inline std::vector<std::string> sensor_columns(const Table& table, const ReadingsOptions& options) {
  std::vector<std::string> names;
  for (Index i = 0; i < table.columns(); ++i) {
    const Column& column = table.column(i);
    if (column.type != ColumnType::number || column.name == options.time || column.name == options.series) continue;
    const std::vector<std::string> made = made_of_column(column.name, options.steps);
    const bool is_known =
        std::ranges::any_of(made, [&](const std::string& name) { return is_one_of(options.known, name); });
    if (!made.empty() && !is_known) names.push_back(column.name);
  }
  require<DataError>(!names.empty(), "readings: expected a column of numbers, got none");
  return names;
}

/// Matrices of the same columns below each other.
inline Matrix stacked(std::span<const Readings> parts, Matrix Readings::*which) {
  Index rows = 0;
  for (const Readings& part : parts) rows += (part.*which).rows();
  Matrix all(rows, (parts.front().*which).cols());
  Index begin = 0;
  for (const Readings& part : parts) {
    all.middleRows(begin, (part.*which).rows()) = part.*which;
    begin += (part.*which).rows();
  }
  return all;
}

/// Readings of the same sensors and known inputs behind each other, but for their marks.
inline Readings joined(std::span<const Readings> parts) {
  Readings all{.values = stacked(parts, &Readings::values),
               .sensors = parts.front().sensors,
               .known = stacked(parts, &Readings::known),
               .known_names = parts.front().known_names};
  for (const Readings& part : parts) {
    all.times.insert(all.times.end(), part.times.begin(), part.times.end());
    all.series.insert(all.series.end(), part.series.begin(), part.series.end());
    if (part.held_out) all.held_out.set();
  }
  return all;
}

/// The readings of `first`, then those of `second` that come of rows from `cut` on.
inline PreparedReadings joined(const PreparedReadings& first, const PreparedReadings& second, Index cut) {
  const auto begin = std::lower_bound(second.rows.begin(), second.rows.end(), cut);
  const Readings parts[] = {first.readings,
                            second.readings.part({begin - second.rows.begin(), second.readings.rows()})};
  PreparedReadings result{.readings = joined(parts), .rows = first.rows};
  result.rows.insert(result.rows.end(), begin, second.rows.end());
  return result;
}

MAAS_INLINE void fail_hole(Index row, Index rows) {
  fail<DataError>(
      "readings: expected a column of times, by which rows that steps leave out are gaps, got none, and row {} of {} "
      "(counted from 0) left out between readings; name that column, or fill the row (Impute)",
      row, rows);
}

/// Throws DataError where a row of a series is left out between readings that have no times.
inline void require_no_hole(const PreparedReadings& prepared, Index rows) {
  if (!prepared.readings.times.empty()) return;
  for (std::size_t i = 1; i < prepared.rows.size(); ++i) {
    const Index next = prepared.rows[i - 1] + 1;
    if (prepared.rows[i] != next && !prepared.readings.begins_series(static_cast<Index>(i))) fail_hole(next, rows);
  }
}

/// Where the series of a table begin, and its end.
inline std::vector<Index> series_begins(const Table& table, const std::string& series) {
  const std::vector<std::string> names = series_of(table, series);
  std::vector<Index> begins{0};
  for (std::size_t row = 1; row < names.size(); ++row)
    if (names[row] != names[row - 1]) begins.push_back(static_cast<Index>(row));
  begins.push_back(table.rows());
  return begins;
}

}  // namespace detail

MAAS_INLINE PipelineOptions ReadingsPipeline::wanted(const Table& training) const {
  if (!options_.series.empty()) detail::series_of(training, options_.series);  // it is there, and in every row
  std::vector<std::string> features =
      options_.sensors.empty() ? detail::sensor_columns(training, options_) : options_.sensors;
  for (const std::string& name : features)
    for (const std::string& made : detail::made_of_column(name, options_.steps))
      require<DataError>(!detail::is_one_of(options_.known, made),
                         "readings: expected \"{}\" to be a sensor or a known input, got both", made);
  const std::vector<std::string> alike = options_.alike ? features : std::vector<std::string>();
  features.insert(features.end(), options_.known.begin(), options_.known.end());
  return {.steps = options_.steps,
          .features = std::move(features),
          .targets = {},
          .missing_column = options_.missing_column,
          .out_of_range = options_.out_of_range,
          .range_margin = options_.range_margin,
          .alike = alike};
}

MAAS_INLINE ReadingsPipeline& ReadingsPipeline::set_learned(Pipeline fitted) {
  require<StateError>(!is_fitted(), "ReadingsPipeline: it has learned already, and does so once; make another one");
  pipeline_ = std::move(fitted);
  return *this;
}

MAAS_INLINE ReadingsPipeline& ReadingsPipeline::fit(const Table& training) {
  require<StateError>(!is_fitted(), "ReadingsPipeline: it has learned already, and does so once; make another one");
  Pipeline learner(wanted(training));
  learner.fit(training);
  return set_learned(std::move(learner));
}

MAAS_INLINE PreparedReadings ReadingsPipeline::prepare(const Table& table, std::string_view time, Index cut) const {
  require<DataError>(cut >= 0 && cut <= table.rows(), "readings: expected a cut within {} rows, got {}", table.rows(),
                     cut);
  PreparedReadings result = prepare_together(table, time);
  if (cut > 0 && cut < table.rows()) {
    result = detail::joined(prepare_together(table.part(0, cut), time), result, cut);
    result.readings.marks = table.marks().select(result.rows);
    result.readings.check();
  }
  detail::require_no_hole(result, table.rows());
  return result;
}

MAAS_INLINE std::vector<std::string> ReadingsPipeline::sensors() const {
  const std::vector<std::string>& features = pipeline_.feature_names();
  return {features.begin(), features.end() - static_cast<std::ptrdiff_t>(options_.known.size())};
}

/// Each series by itself: steps may look at rows around.
MAAS_INLINE PreparedReadings ReadingsPipeline::prepare_together(const Table& table, std::string_view time) const {
  if (options_.series.empty() || !table.contains(options_.series)) return prepare_series(table, time, false);
  const std::vector<Index> begins = detail::series_begins(table, options_.series);
  if (begins.size() <= 2) return prepare_series(table, time, true);
  std::vector<Readings> parts;
  PreparedReadings result;
  for (std::size_t i = 0; i + 1 < begins.size(); ++i) {
    PreparedReadings next = prepare_series(table.part(begins[i], begins[i + 1]), time, true);
    for (Index row : next.rows) result.rows.push_back(begins[i] + row);
    parts.push_back(std::move(next.readings));
  }
  result.readings = detail::joined(parts);
  result.readings.marks = table.marks().select(result.rows);
  result.readings.check();
  return result;
}

MAAS_INLINE PreparedReadings ReadingsPipeline::prepare_series(const Table& table, std::string_view time,
                                                              bool has_series) const {
  const std::string name = time.empty() ? options_.time : std::string(time);
  Table prepared = pipeline_.prepare(table);
  if (!name.empty()) prepared.add(table.column(name));
  if (has_series) prepared.add(table.column(options_.series));
  PreparedReadings result;
  if (pipeline_.steps().empty()) {
    result.rows.resize(static_cast<std::size_t>(table.rows()));
    std::iota(result.rows.begin(), result.rows.end(), Index{0});
  } else {
    result.rows = pipeline_.samples(table).rows;
    prepared = prepared.select(result.rows);
  }
  result.readings = readings_of(prepared, {.time = name,
                                           .sensors = sensors(),
                                           .series = has_series ? options_.series : std::string(),
                                           .known = options_.known});
  return result;
}

MAAS_INLINE Config ReadingsPipeline::config() const {
  Config result = Config{}.set("time", options_.time).set("pipeline", pipeline_.config());
  if (!options_.series.empty()) result.set("series", options_.series);
  if (!options_.known.empty()) result.set("known", to_config(options_.known));
  return result;
}

MAAS_INLINE ReadingsPipeline ReadingsPipeline::from(const Config& config, std::span<const CatalogEntry<Step>> more) {
  ReadingsPipeline result;
  result.options_.time = config.at("time").as_string("readings of a table: time");
  result.pipeline_ = Pipeline::from(config.at("pipeline"), more);
  require<ConfigError>(result.is_fitted() && result.pipeline_.target_names().empty(),
                       "readings of a table: expected a fitted pipeline without targets, got another one");
  if (const Config* series = config.find("series"))
    result.options_.series = series->as_string("readings of a table: series");
  std::vector<std::string>& known = result.options_.known;
  if (const Config* kept = config.find("known")) from_config(*kept, "readings of a table: known", known);
  const std::vector<std::string>& features = result.pipeline_.feature_names();
  require<ConfigError>(known.size() < features.size() && std::equal(known.rbegin(), known.rend(), features.rbegin()),
                       "readings of a table: expected sensors, and behind them {} known inputs, among features of the "
                       "pipeline, got others",
                       known.size());
  return result;
}

}  // namespace maas::inline MAAS_ABI
