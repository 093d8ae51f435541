// Bodies of ReadingsPipeline.
#pragma once

#include <algorithm>
#include <numeric>

#include "maas/forecast/readings_pipeline.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// Whether any column behind the steps is made of this one.
inline bool is_left(const std::string& name, const std::vector<Step>& steps) {
  std::vector<std::string> names{name};
  for (const Step& step : steps) {
    std::vector<std::string> next;
    for (const std::string& each : names)
      for (std::string& made : step.outputs_of(each)) next.push_back(std::move(made));
    names = std::move(next);
  }
  return !names.empty();
}

/// All columns of numbers that steps leave, but for that of times.
inline std::vector<std::string> sensor_columns(const Table& table, const ReadingsOptions& options) {
  std::vector<std::string> names;
  for (Index i = 0; i < table.columns(); ++i) {
    const Column& column = table.column(i);
    if (column.type == ColumnType::number && column.name != options.time && is_left(column.name, options.steps))
      names.push_back(column.name);
  }
  require<DataError>(!names.empty(), "readings: expected a column of numbers, got none");
  return names;
}

/// The readings of `first`, then those of `second` that come of rows from `cut` on.
inline PreparedReadings joined(const PreparedReadings& first, const PreparedReadings& second, Index cut) {
  const auto begin = std::lower_bound(second.rows.begin(), second.rows.end(), cut);
  const Readings rest = second.readings.part({begin - second.rows.begin(), second.readings.rows()});
  PreparedReadings result = first;
  result.rows.insert(result.rows.end(), begin, second.rows.end());
  result.readings.values.resize(first.readings.rows() + rest.rows(), rest.sensor_count());
  result.readings.values << first.readings.values, rest.values;
  result.readings.times.insert(result.readings.times.end(), rest.times.begin(), rest.times.end());
  if (rest.held_out) result.readings.held_out.set();
  return result;
}

}  // namespace detail

MAAS_INLINE PipelineOptions ReadingsPipeline::wanted(const Table& training) const {
  return {.steps = options_.steps,
          .features = options_.sensors.empty() ? detail::sensor_columns(training, options_) : options_.sensors,
          .targets = {},
          .missing_column = options_.missing_column,
          .out_of_range = options_.out_of_range};
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
  PreparedReadings together = prepare_together(table, time);
  if (cut == 0 || cut == table.rows()) return together;
  PreparedReadings result = detail::joined(prepare_together(table.part(0, cut), time), together, cut);
  result.readings.marks = table.marks().select(result.rows);
  result.readings.check();
  return result;
}

MAAS_INLINE PreparedReadings ReadingsPipeline::prepare_together(const Table& table, std::string_view time) const {
  const std::string name = time.empty() ? options_.time : std::string(time);
  Table prepared = pipeline_.prepare(table);
  if (!name.empty()) prepared.add(table.column(name));
  PreparedReadings result;
  if (pipeline_.steps().empty()) {
    result.rows.resize(static_cast<std::size_t>(table.rows()));
    std::iota(result.rows.begin(), result.rows.end(), Index{0});
  } else {
    result.rows = pipeline_.samples(table).rows;
    prepared = prepared.select(result.rows);
  }
  result.readings = readings_of(prepared, name, sensors());
  return result;
}

MAAS_INLINE Config ReadingsPipeline::config() const {
  return Config{}.set("time", options_.time).set("pipeline", pipeline_.config());
}

MAAS_INLINE ReadingsPipeline ReadingsPipeline::from(const Config& config, std::span<const CatalogEntry<Step>> more) {
  ReadingsPipeline result;
  result.options_.time = config.at("time").as_string("readings of a table: time");
  result.pipeline_ = Pipeline::from(config.at("pipeline"), more);
  require<ConfigError>(result.is_fitted() && result.pipeline_.target_names().empty(),
                       "readings of a table: expected a fitted pipeline without targets, got another one");
  return result;
}

}  // namespace maas::inline MAAS_ABI
