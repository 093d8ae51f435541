// Bodies of the cross-validation of forecasters.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "maas/data/check_folds-inl.hpp"
#include "maas/forecast/cross_validate.hpp"
#include "maas/forecast/scores-inl.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// Rows of a fold as a range.
inline RowRange successive(const RowList& list, std::string_view what) {
  for (std::size_t i = 1; i < list.rows.size(); ++i)
    require<DataError>(list.rows[i] == list.rows[i - 1] + 1,
                       "expected successive readings {}, as rolling_origin gives them, got {} behind {}", what,
                       list.rows[i], list.rows[i - 1]);
  return {list.rows.front(), list.rows.back() + 1};
}

/// A fold in time: learned from [train.begin, train.end), judged by targets in [test.begin, test.end).
struct TimeFold {
  RowRange train, test;

  explicit TimeFold(const Fold& fold)
      : train(successive(fold.train, "to learn from")), test(successive(fold.test, "for the test")) {
    require<DataError>(train.end <= test.begin,
                       "expected a test behind what is learned from, got training to {} and a test from {} on",
                       train.end - 1, test.begin);
  }
  /// What may be seen when the test is forecast: windows look back from it.
  RowRange seen() const { return {train.begin, test.end, true}; }
};

inline std::vector<Baseline> fold_baselines(const ForecastWindows& learned, const ForecastFoldOptions& options,
                                            std::vector<std::string>& left_out) {
  if (options.baselines.empty()) return fit_baselines(learned, options.weekends, &left_out);
  std::vector<Baseline> baselines = options.baselines;
  for (Baseline& baseline : baselines) baseline.fit(learned);
  return baselines;
}

/// Scores a forecaster that has learned. `training` are the readings it was given, `seen` those up to the end of the
/// test, which begins at the row `test` of them.
inline void score_fold(const Forecaster& forecaster, const Readings& training, const Readings& seen, Index test,
                       const ForecastFoldOptions& options, ForecastFold& fold) {
  const ForecastWindows learned = forecaster.windows(training).targets_before(forecaster.learned_readings());
  const std::vector<Baseline> baselines = fold_baselines(learned, options, fold.left_out);
  fold.table =
      forecaster.compare(baselines, forecaster.windows(seen).targets_from(test), options.scores, options.horizons);
}

inline ForecastFold run_forecast_fold(Forecaster forecaster, const Readings& readings, const Fold& fold,
                                      const ForecastFoldOptions& options) {
  const TimeFold time(fold);
  const Readings training = readings.part(time.train);
  ForecastFold result;
  result.histories = forecaster.fit(training, options.fit);
  score_fold(forecaster, training, readings.part(time.seen()), time.test.begin - time.train.begin, options, result);
  return result;
}

/// Each fold by `run`, with its number in front of what is wrong with its readings.
template <class Run>
ForecastFoldScores run_forecast_folds(std::span<const Fold> folds, const Run& run) {
  std::vector<ScoreTable> tables;
  std::vector<std::string> left_out;
  for (std::size_t i = 0; i < folds.size(); ++i) try {
      ForecastFold fold = run(folds[i]);
      tables.push_back(std::move(fold.table));
      for (const std::string& each : fold.left_out) left_out.push_back(fmt::format("fold {}: {}", i, each));
    } catch (const DataError& error) {
      fail<DataError>("cross_validate: fold {} (counted from 0): {}", i, error.what());
    }
  return ForecastFoldScores(std::move(tables), std::move(left_out));
}

inline const ScoreTable::Row* find_row(const ScoreTable& table, std::string_view model, Index horizon) {
  for (const ScoreTable::Row& row : table.rows())
    if (row.model == model && row.horizon == horizon) return &row;
  return nullptr;
}

inline bool has_row(const std::vector<ScoreTable>& folds, std::string_view model, Index horizon) {
  return std::ranges::all_of(folds, [&](const ScoreTable& fold) { return find_row(fold, model, horizon) != nullptr; });
}

}  // namespace detail

MAAS_INLINE Logs detail::score_logs(const Scores& scores) {
  Logs logs;
  for (const ScoreField& field : score_fields) logs.emplace_back(std::string(field.name), scores.*field.value);
  return logs;
}

// Here because a table's rows become readings in another way than readings do.
MAAS_INLINE detail::ForecastFold detail::run_forecast_fold(Forecaster forecaster, const Table& rows,
                                                           const ReadingsOptions& table, const Fold& fold,
                                                           const ForecastFoldOptions& options) {
  const TimeFold time(fold);
  const Table training = time.train.of(rows);
  const Index before = time.test.begin - time.train.begin;
  Table seen = RowRange{time.train.begin, time.test.end}.of(rows);
  seen.hold_out(RowRange{before, seen.rows()});  // what lies before has been learned from, and leads up to it
  ForecastFold result;
  result.histories = forecaster.fit(training, table, options.fit);
  const Readings learned = forecaster.readings(training, {}, training.rows() - options.fit.held_out(training.rows()));
  // Steps may leave rows out: the test begins behind the readings of what lies before it.
  const Index test = forecaster.readings(seen.part(0, before)).rows();
  score_fold(forecaster, learned, forecaster.readings(seen, {}, before), test, options, result);
  return result;
}

// ---- Scores ----

MAAS_INLINE ForecastFoldScores::ForecastFoldScores(std::vector<ScoreTable> folds, std::vector<std::string> left_out)
    : folds_(std::move(folds)), left_out_(std::move(left_out)) {
  require<DataError>(!folds_.empty(), "ForecastFoldScores: expected the scores of at least 1 fold, got none");
  for (const ScoreTable::Row& first : folds_.front().rows()) {
    if (!detail::has_row(folds_, first.model, first.horizon)) continue;
    Row row{.model = first.model, .horizon = first.horizon, .averaging = first.averaging};
    rows_.push_back(row);
    const FoldScores all = figures(row.model, row.horizon);
    for (const detail::ScoreField& field : detail::score_fields) {
      row.mean.*field.value = all.mean(field.name);
      row.sd.*field.value = all.sd(field.name);
    }
    for (const ScoreTable& fold : folds_) {
      const Scores& scores = fold.at(row.model, row.horizon).scores;
      row.mean.count += scores.count;
      row.mean.missed += scores.missed;
    }
    rows_.back() = std::move(row);
  }
}

MAAS_INLINE const ForecastFoldScores::Row& ForecastFoldScores::at(std::string_view model, Index horizon) const {
  std::string known;
  for (const Row& row : rows_) {
    if (row.model == model && row.horizon == horizon) return row;
    known += fmt::format("{}\"{}\" at {}", known.empty() ? "" : ", ", row.model, row.horizon);
  }
  fail<ConfigError>("ForecastFoldScores: there is no \"{}\" at horizon {} in every fold; there are {}", model, horizon,
                    known);
}

MAAS_INLINE FoldScores ForecastFoldScores::figures(std::string_view model, Index horizon) const {
  at(model, horizon);
  std::vector<Logs> each;
  for (const ScoreTable& fold : folds_) each.push_back(detail::score_logs(fold.at(model, horizon).scores));
  return FoldScores(std::move(each));
}

MAAS_INLINE std::string ForecastFoldScores::text() const {
  std::size_t width = 5;
  std::vector<Index> horizons;
  for (const Row& row : rows_) {
    width = std::max(width, row.model.size());
    if (std::ranges::find(horizons, row.horizon) == horizons.end()) horizons.push_back(row.horizon);
  }
  std::string text;
  const auto out = std::back_inserter(text);
  const std::string& unit = folds_.front().unit();
  for (Index horizon : horizons) {
    fmt::format_to(out, "{}{} ahead, {} folds{}\n{:<{}}", text.empty() ? "" : "\n",
                   horizon_text(horizon, folds_.front().seconds_a_reading()), folds_.size(),
                   unit.empty() ? "" : "; MAE and RMSE in " + unit, "", width);
    for (std::string_view name : {"MAE", "RMSE", "MAPE %", "R2"}) fmt::format_to(out, "{:>10}{:>9}", name, "sd");
    text += "  MAE of each fold\n";
    for (const Row& row : rows_) {
      if (row.horizon != horizon) continue;
      fmt::format_to(out, "{:<{}}", row.model, width);
      for (const auto& [field, digits] :
           {std::pair(&Scores::mae, 3), {&Scores::rmse, 3}, {&Scores::mape, 2}, {&Scores::r2, 4}})
        fmt::format_to(out, "{:>10.{}f}{:>9.{}f}", row.mean.*field, digits, row.sd.*field, digits);
      text += " ";
      for (const ScoreTable& fold : folds_) fmt::format_to(out, " {:.3f}", fold.at(row.model, horizon).scores.mae);
      if (row.mean.missed > 0) fmt::format_to(out, "  ({} without a forecast)", row.mean.missed);
      text += '\n';
    }
  }
  for (const std::string& each : left_out_) fmt::format_to(out, "left out of {}\n", each);
  return text;
}

// ---- Cross-validation ----

MAAS_INLINE ForecastFoldScores cross_validate(const std::function<Forecaster()>& make, const Readings& readings,
                                              std::span<const Fold> folds, const ForecastFoldOptions& options) {
  detail::require_training("cross_validate", readings);
  detail::check_folds(folds, readings.rows());
  return detail::run_forecast_folds(
      folds, [&](const Fold& fold) { return detail::run_forecast_fold(make(), readings, fold, options); });
}

MAAS_INLINE ForecastFoldScores cross_validate(const std::function<Forecaster()>& make, const Readings& readings,
                                              const RollingOriginOptions& origins, const ForecastFoldOptions& options) {
  return cross_validate(make, readings, rolling_origin(readings.rows(), origins), options);
}

MAAS_INLINE ForecastFoldScores cross_validate(const std::function<Forecaster()>& make, const Table& rows,
                                              const ReadingsOptions& table, std::span<const Fold> folds,
                                              const ForecastFoldOptions& options) {
  detail::require_training("cross_validate", rows);
  detail::check_folds(folds, rows.rows());
  return detail::run_forecast_folds(
      folds, [&](const Fold& fold) { return detail::run_forecast_fold(make(), rows, table, fold, options); });
}

}  // namespace maas::inline MAAS_ABI
