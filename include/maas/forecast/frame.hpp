// ForecastFrame: all that a forecaster knows beside its network: windows, scaling, sensors, intervals, alarm.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "maas/core/fields.hpp"
#include "maas/forecast/alarms.hpp"
#include "maas/forecast/intervals.hpp"
#include "maas/forecast/reading_ranges.hpp"
#include "maas/forecast/readings.hpp"
#include "maas/forecast/readings_pipeline.hpp"
#include "maas/forecast/scores.hpp"
#include "maas/io/info.hpp"
#include "maas/network/graph.hpp"

namespace maas::inline MAAS_ABI {

/// What one sample of the network is made of.
enum class SensorMode {
  shared,  ///< one sensor's window: one network forecasts each sensor from its own lags, and learns from all of them
  joint    ///< all sensors' window: the network sees all lags at once and forecasts all sensors at once
};

/// How readings are scaled for the network.
enum class ReadingScaling {
  none,
  standard,  ///< less the mean, by the standard deviation of the population
  min_max    ///< the smallest training reading becomes 0, the largest 1
};

namespace detail {
/// Their names, in order.
inline constexpr std::string_view sensor_mode_names[] = {"shared", "joint"};
inline constexpr std::string_view reading_scaling_names[] = {"none", "standard", "min_max"};
}  // namespace detail

/// "shared", "joint".
Config to_config(SensorMode mode);
void from_config(const Config& config, std::string_view where, SensorMode& mode);
/// "none", "standard", "min_max".
Config to_config(ReadingScaling scaling);
void from_config(const Config& config, std::string_view where, ReadingScaling& scaling);

/// How a Forecaster makes samples of readings, and forecasts of what its network gives.
struct ForecastOptions {
  ForecastWindowOptions windows = {};
  SensorMode sensors = SensorMode::shared;
  bool sensor_id = true;     ///< shared: the sensor's number, from 0, is a second input; not where there is one sensor
  bool time_of_day = false;  ///< sine and cosine of the time of day of the first target; needs times
  Index harmonics = 1;  ///< of time_of_day: sine and cosine of 1, 2, ... times its angle, for sharper peaks; to 100
  bool day_of_week = false;  ///< sine and cosine of its time of week; needs times
  ReadingScaling scaling = ReadingScaling::standard;
  bool scale_each = false;  ///< each sensor by its own figures, instead of all by the same
  bool changes = false;     ///< the network gives the change since the last reading, which is added to its output
  std::string unit = {};    ///< of the readings, for tables: "mph"
  /// Beside the readings of a window 1 for each that is there, 0 for one that was filled: oldest first, as
  /// WindowOptions::masks. Needs windows.fill_missing.
  bool masks = false;
  /// Names of Readings::known: inputs that are known ahead of the moments that are forecast, such as holidays, planned
  /// works or a weather forecast. The network is given their values at the moment of each target (as the known future
  /// inputs of temporal fusion transformers, Lim et al. 2021), standardized by the training readings, each by its own
  /// figures; where there are sensors, all are given the same. Baselines make no use of them.
  std::vector<std::string> known = {};
  /// What becomes of a known input that is missing at a target: false, a DataError that names it; true, the mean of the
  /// training readings stands for it, and beside each known input the network is given 1 where it is there, else 0.
  bool known_masks = false;

  static void fields(auto& self, auto&& field) {
    field("windows", self.windows);
    field("sensors", self.sensors);
    field("sensor_id", self.sensor_id);
    field("time_of_day", self.time_of_day);
    field("harmonics", self.harmonics);
    field("day_of_week", self.day_of_week);
    field("scaling", self.scaling);
    field("scale_each", self.scale_each);
    field("changes", self.changes);
    field("unit", self.unit);
    field("masks", self.masks);
    field("known", self.known);
    field("known_masks", self.known_masks);
  }
  /// Numbers that the network is given a reading: 2 with masks, else 1.
  Index numbers_a_reading() const { return masks ? 2 : 1; }
  /// Numbers that it is given of known inputs, of all targets together.
  Index known_numbers() const {
    return static_cast<Index>(windows.horizons.size() * known.size()) * (known_masks ? 2 : 1);
  }
  /// Throws ConfigError for numbers out of range, for masks where nothing is filled or known, and for a known input
  /// without a name or that is named twice.
  void check() const;
};

/// The options by name (masks and known inputs only where they are asked for), and from that.
Config to_config(const ForecastOptions& options);
void from_config(const Config& config, std::string_view where, ForecastOptions& options);

/// What the network of a Forecaster takes and gives: an input of `features` numbers; if `ids` is not 0, a second input
/// of one whole number below it, the sensor; an output of `outputs` numbers.
struct ForecastShape {
  Index features = 0, ids = 0, outputs = 0;
};

/// What a Forecaster keeps beside its network. A program that runs the network itself, such as a server, makes inputs
/// and forecasts of a window with it.
struct ForecastFrame {
  ForecastOptions options = {};                 ///< seconds_a_reading as it was in training
  std::string label = "network";                ///< who forecasts, in tables
  std::vector<std::string> sensors = {};        ///< names, in order
  std::vector<double> center = {}, scale = {};  ///< a scaled reading is (reading - center) / scale
  std::vector<double> means = {};  ///< of the readings learned from, one a sensor; empty where none are filled
  std::vector<double> known_center = {}, known_scale = {};  ///< of known inputs, as those of readings; one each
  Index networks = 1;  ///< that the network is the mean of, each of them a part of it
  std::optional<ConformalIntervals> intervals = std::nullopt;  ///< columns step * sensors + sensor, as forecasts have
  std::optional<AlarmOptions> alarm = std::nullopt;            ///< only beside intervals, which give the chances
  std::optional<ReadingsPipeline> table = std::nullopt;        ///< how a table becomes readings; fitted
  /// Of readings without a table; nothing where all pass, and in files from before there were ranges of them.
  std::optional<ReadingRanges> ranges = std::nullopt;
  ScoreOptions scores = {};  ///< how it is scored where nothing else is asked for

  /// Whether a sample is all sensors' window.
  bool is_joint() const { return options.sensors == SensorMode::joint; }
  /// What the network takes and gives for so many sensors. Throws ShapeError below 1.
  ForecastShape shape(Index count) const;
  /// Throws ShapeError for a network of other inputs or outputs.
  void check_network(const Graph& graph) const;
  /// Throws ShapeError for intervals of another number of columns, ConfigError for an alarm without intervals, with
  /// options out of range or with values of a sensor that is not there.
  void check_warning() const;

  /// Whether rows of a table go through steps before they are readings.
  bool has_steps() const { return table && !table->pipeline().steps().empty(); }
  /// What becomes of raw readings beyond those of training, as its table or its ranges say: with steps in between, and
  /// where nothing is known of them, they pass.
  OutOfRange out_of_range() const;
  /// The range of a sensor's raw readings in training; nothing where it is not known.
  std::optional<NumberRange> range_of(Index sensor) const;
  /// A reading as the network is told it, which `ranges` may clip; where it is missing what stands for it in a window:
  /// the mean of its sensor, or NaN where windows with missing readings are left out.
  double filled(double reading, Index sensor) const;
  /// What a change is counted from: in a column of readings the last one of the window that ends at row `origin` that
  /// is there, as the network is told it; where there is none, what filled() says.
  double last_of(MatrixArg readings, Index origin, Index column, Index sensor) const;
  /// A reading as the network gets it.
  double scaled(double reading, Index sensor) const;
  /// What is known in advance at the first targets of windows that end at `times`, one row a window; no columns where
  /// the network is told nothing of times.
  Matrix known(std::vector<double> times) const;
  /// Where known inputs stand among those of readings, found by name. Throws DataError for one that is not there.
  std::vector<Index> known_columns(const Readings& readings) const;
  /// What the network is given of known inputs, one row a window with these origins: of one target after the other
  /// all inputs, with known_masks each with its mask behind it. Throws DataError for inputs that are not among those
  /// of the readings, that end before the last target, or are missing at one.
  Matrix known_inputs(const Readings& readings, const std::vector<Index>& origins) const;
  /// Whether `known` has columns: then windows need a time.
  bool needs_times() const { return options.time_of_day || options.day_of_week; }
  /// The network's inputs for one window in the readings' unit, oldest first: lags x 1 of one sensor, or lags x sensors
  /// where it is joint (then `sensor` does not count). `time` is that of its last reading, 0 where none is needed.
  /// Missing readings are filled, or NaN. Throws ShapeError for a window of another size, DataError where there are
  /// known inputs, which a window does not tell.
  std::vector<Matrix> inputs(MatrixArg window, Index sensor, double time) const;
  /// What its one row of outputs means, in the readings' unit: steps x 1, or steps x sensors where it is joint. Of the
  /// window the last reading counts, where windows are filled the last one that is there. Throws ShapeError for outputs
  /// or a window of another size.
  Matrix forecasts(MatrixArg outputs, MatrixArg window, Index sensor) const;
  /// The columns of a sensor in `intervals`, a step each; where it is joint those of all.
  std::vector<Index> columns(Index sensor) const;
  /// The values of the alarm that those columns are held against: one, that of the sensor; where it is joint one a
  /// sensor; none without an alarm.
  std::vector<double> alarm_values(Index sensor) const;

  /// As a tree, without the errors of the intervals: those are a matrix (see ConformalIntervals::errors).
  Config config() const;
  /// Of what a model's file keeps; `more` are steps of the user's own. Throws ConfigError or ShapeError for what does
  /// not fit.
  static ForecastFrame from(const ModelInfo& info, std::span<const CatalogEntry<Step>> more = {});
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/forecast/frame-inl.hpp"
#endif
