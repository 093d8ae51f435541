// Evaluation: what a model with a pipeline is worth on a table of raw rows, beside what needs no model.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "maas/data/csv.hpp"
#include "maas/forecast/alarms.hpp"
#include "maas/forecast/intervals.hpp"
#include "maas/forecast/readings.hpp"
#include "maas/model/model.hpp"

namespace maas::inline MAAS_ABI {

/// Scores of one way to answer.
struct AnswerScores {
  std::string name;  ///< "model", "majority class", "mean", "mean at that hour of the week"
  /// Of classes: accuracy, balanced_accuracy (the mean recall of the classes that occur), macro_f1. Of numbers, in the
  /// units of the table: mae, rmse, r2. NaN where a score has no value (r2 of a constant).
  Logs scores;
};

/// Some of many rows, for drawings: an entry a row in each.
struct DrawnRows {
  std::vector<double> times = {};  ///< empty where the features need no column of times
  std::vector<double> truth = {}, predicted = {};
};

/// One target: its true values beside the answers, row by row, and scores.
struct TargetEvaluation {
  std::string target;
  bool is_class = false;
  std::vector<AnswerScores> answers = {};  ///< the model first, then what needs no model
  std::vector<Index> rows = {};            ///< of the table, counted from 0: those with a true value and an answer
  std::vector<double> truth = {}, predicted = {};  ///< numbers, or positions in classes; one a row
  std::vector<std::string> classes = {};           ///< in the order of the pipeline, others that occur behind them
  std::vector<std::vector<Index>> confusion = {};  ///< true class x answer; empty for numbers
  /// How many rows count where they are too many to be listed, as in a stream: then `rows`, `truth` and `predicted` are
  /// empty.
  Index counted = 0;
  /// Of such rows, where the target is one of numbers, what pages draw: every k-th of those that count, at most 2000,
  /// and those of the last week of times, at most 20 000 (every k-th of more); in the order of the rows.
  DrawnRows sample = {}, last_week = {};
  /// Likewise, at each of the 24 hours of the day, the mean absolute error, of classes the share of wrong answers; NaN
  /// at an hour without a row. Empty where rows are listed, and where the features need no column of times.
  std::vector<double> error_by_hour = {};

  /// How many rows count.
  Index count() const { return counted > 0 ? counted : static_cast<Index>(rows.size()); }
};

/// Answers of one target that need no model.
struct TargetBaseline {
  std::string target = {};
  /// The most frequent class; of numbers that are all 0 or 1 "0" or "1", else empty.
  std::string majority = {};
  std::optional<double> mean = std::nullopt;  ///< of numbers
  /// The mean at each hour of the week, Monday 0:00 to 0:59 first, or that of all where there is none; empty for
  /// classes, and where the features need no column of times.
  std::vector<double> hours = {};
};

/// All of them, as learned from training rows. `maas train` keeps them with the model, in ModelInfo::baselines.
struct TableBaselines {
  std::vector<TargetBaseline> targets = {};

  /// Learns. Targets without a value are left out. Throws DataError where a target is not in the table, and for rows of
  /// which one is held out.
  static TableBaselines of(const Pipeline& pipeline, const Table& training);
  /// As a tree, and from it. `from` throws ConfigError for a tree that is none, for other than 168 hours, and for
  /// numbers that are not finite.
  Config config() const;
  static TableBaselines from(const Config& config);
};

/// How often intervals hold what they are to hold.
struct IntervalCoverage {
  std::string name;    ///< "adaptive, 60 minutes"
  double nominal = 0;  ///< the share that should lie inside, 0 to 1
  double covered = 0;  ///< the share that did
  double width = 0;    ///< the mean width, in units of the target
};

/// All of it.
struct Evaluation {
  std::string name;      ///< "test"
  Index rows = 0;        ///< of the table
  Index unanswered = 0;  ///< rows for which a feature is missing, so that there is no answer
  std::vector<TargetEvaluation> targets = {};
  std::vector<double> times = {};  ///< of the table's first column of times that the features need, a row; or empty

  /// For people: a table of scores for each target, the baselines below the model, and the confusion of classes. Ends
  /// in a line end.
  std::string text() const;
};

/// Lets a model answer for raw rows (see Model::predict_table) and holds the answers against the targets in the same
/// table. Targets that are texts, or 0 and 1 behind a binary cross-entropy, count as classes. Rows without a true
/// value do not count, and neither do those without an answer, which `unanswered` tells.
///
/// Baselines are fitted to `training`: the majority class; the mean; and where the features need a column of times, the
/// mean at the same hour of the week (the mean of all where training has none). Without `training` they are those that
/// the model keeps (ModelInfo::baselines). A model that keeps none has them fitted to the rows themselves, which
/// flatters them, and they are called "best ..." then.
///
/// Throws StateError where the model has no pipeline, DataError where a target is not in the table, no row counts, rows
/// of `training` are held out or are among the rows that are, ConfigError for kept baselines that are none, and what
/// Model::predict_table throws.
Evaluation evaluate_table(const Model& model, const Table& rows, const Table* training = nullptr,
                          const std::string& name = "evaluation");

/// Calibrated intervals around forecasts, as each stood when its forecast was made: those that have a rate or a window
/// have followed what came by then. Throws as ConformalIntervals::follow.
Intervals intervals_around(const ConformalIntervals& calibrated, const Forecasts& forecasts);

/// How often calibrated intervals hold what came, at each horizon and at all of them: as they stand ("split, 5
/// minutes"), and, where they have a rate or a window, following what comes ("adaptive, 5 minutes"). Throws as
/// ConformalIntervals::follow, and DataError for forecasts of readings that they were calibrated on.
std::vector<IntervalCoverage> judge_intervals(const ConformalIntervals& calibrated, const Forecasts& forecasts);

/// What alarms are worth whose chances are those of calibrated intervals that follow what comes. Throws as
/// ConformalIntervals::follow and judge_alarms, and DataError for forecasts of readings that they were calibrated on.
AlarmReport judge_alarms(const ConformalIntervals& calibrated, const Forecasts& forecasts, const AlarmOptions& options);

// An alarm is worth what it adds to one that needs no model. The naive one is that of persistence: its forecasts, the
// last reading each, with intervals of its own.

/// Intervals of persistence, calibrated on the windows that those of a forecaster are calibrated on, and by the same
/// options. Nothing where it has no error of a sensor and horizon there. Throws ConfigError for options out of range.
std::optional<ConformalIntervals> calibrate_naive(const IntervalOptions& options, const ForecastWindows& calibration);

/// What the alarms of persistence are worth on windows, as judge_alarms tells it of a forecaster on the same windows:
/// the same value and probability, chances of its own intervals, which follow what comes. Throws as judge_alarms.
AlarmReport judge_naive_alarms(const ConformalIntervals& naive, const ForecastWindows& windows,
                               const AlarmOptions& options);

/// Reads a file as a pipeline needs it (see read_table): columns hold what they held in training, whatever they look
/// like. `options` are how the rows of the training were read: `kept_reading(model.info())`; their `types` count for
/// columns that the file has. Throws as read_table.
Table read_table_for(const Pipeline& pipeline, const std::string& path, CsvOptions options = {});

}  // namespace maas::inline MAAS_ABI
