// Report: one page about a training or an evaluation, for people.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "maas/data/report.hpp"
#include "maas/forecast/alarms.hpp"
#include "maas/forecast/intervals.hpp"
#include "maas/forecast/scores.hpp"
#include "maas/recipe/evaluation.hpp"
#include "maas/recipe/folds.hpp"
#include "maas/recipe/tuning.hpp"
#include "maas/training/history.hpp"

namespace maas::inline MAAS_ABI {

/// What a page shows; what is empty is left out.
struct Report {
  std::string title = "Report";
  std::string description = {};
  std::vector<std::pair<std::string, std::string>> facts = {};  ///< "rows", "2976"
  std::optional<History> history = std::nullopt;                ///< learning curves
  std::vector<History> ensemble = {};                           ///< in its place those of every network of an ensemble
  std::vector<Evaluation> evaluations = {};
  std::optional<ScoreTable> scores = std::nullopt;    ///< of forecasts
  std::optional<Forecasts> forecasts = std::nullopt;  ///< drawn beside what came, of some sensors
  std::optional<Intervals> intervals = std::nullopt;  ///< around these: drawn as bands behind them
  std::optional<double> null_value = std::nullopt;    ///< a reading that stands for a missing one: see ScoreOptions
  std::vector<IntervalCoverage> coverage = {};
  std::optional<AlarmReport> alarms = std::nullopt;
  std::optional<AlarmReport> naive_alarms = std::nullopt;          ///< those of persistence, beside them
  std::optional<CrossValidation> cross_validation = std::nullopt;  ///< a table a target
  std::optional<Tuning> tuning = std::nullopt;                     ///< a row a trial
  std::optional<DataReport> data = std::nullopt;
  std::vector<std::string> notes = {};  ///< a paragraph each
};

/// The page: one HTML file with drawings (SVG), light or dark as the reader's machine is. It loads nothing from
/// elsewhere and runs no script. It shows learning curves, of an ensemble those of every network, the first one's open;
/// of every evaluation the scores beside their baselines; of classes the confusion; of numbers the answers against the
/// truth, and, where times are known, both along the last week of them and the mean absolute error by the hour of the
/// day; of forecasts the scores of all models by horizon, means of several with their spread, the error of all sensors
/// by the hour, and of the first sensor, of those with the smallest and the largest mean absolute error and of the one
/// in the middle (of four sensors or fewer: of all) what was forecast at the nearest and the farthest horizon beside
/// what came, with the intervals as a band: one is open, the others open where their name is chosen; intervals'
/// coverage; what alarms are worth, and naive ones beside them; the folds of a cross-validation and the trials of a
/// tuner; and what is odd about the data. Names may hold any character. Clouds of more than 2000 points show every
/// k-th. Throws ShapeError for intervals of another size than the forecasts.
std::string report_page(const Report& report);

/// Writes it to a file, which appears whole or not at all. Throws FormatError, and what report_page throws.
void write_report(const std::string& path, const Report& report);

}  // namespace maas::inline MAAS_ABI
