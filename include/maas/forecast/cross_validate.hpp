// Cross-validation of forecasters: for each fold a fresh one, learned from what came before, judged by what came then.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "maas/data/folds.hpp"
#include "maas/forecast/baselines.hpp"
#include "maas/forecast/forecaster.hpp"
#include "maas/forecast/scores.hpp"
#include "maas/model/cross_validate.hpp"

namespace maas::inline MAAS_ABI {

/// How a cross-validation of forecasters learns and scores.
struct ForecastFoldOptions {
  ForecastFit fit = {};              ///< of each fold's forecaster; the seeds are the same for all folds
  ScoreOptions scores = {};          ///< what is scored
  std::vector<Index> horizons = {};  ///< those that are scored; empty: all there are
  bool weekends = false;             ///< a baseline more: the average of weekdays and weekends apart
  /// Not fitted; each fold fits copies. Empty: those of fit_baselines, of which one that can learn nothing from a
  /// fold's windows is left out.
  std::vector<Baseline> baselines = {};
};

/// What forecasters were worth in each fold, beside the baselines.
class ForecastFoldScores {
 public:
  /// One way to forecast at one horizon, over all folds.
  struct Row {
    std::string model = {};
    Index horizon = 1;  ///< readings ahead
    Averaging averaging = Averaging::at_horizon;
    Scores mean = {};  ///< over folds; `count` and `missed` are those of all folds together
    Scores sd = {};    ///< the standard deviation over folds, by n - 1; NaN for one fold; no counts
  };

  /// `left_out`: "fold 0: ridge VAR: ...". Throws DataError for no table.
  explicit ForecastFoldScores(std::vector<ScoreTable> folds, std::vector<std::string> left_out = {});

  /// The scores of each fold: the baselines first, then the forecaster as Forecaster::compare tells of it.
  const std::vector<ScoreTable>& folds() const { return folds_; }
  /// Those that every fold has, in the order of the first fold's table.
  const std::vector<Row>& rows() const { return rows_; }
  /// The row of a model at a horizon. Throws ConfigError that lists the rows there are.
  const Row& at(std::string_view model, Index horizon) const;
  /// The figures of one row, a number a fold: "mae", "rmse", "mape", "smape" and "r2". Throws as `at`.
  FoldScores figures(std::string_view model, Index horizon) const;
  /// Baselines that could learn nothing from the windows of a fold, and why.
  const std::vector<std::string>& left_out() const { return left_out_; }
  /// For people: rows grouped by horizon, each with mean and deviation of its scores and the MAE of every fold. Ends in
  /// a line end.
  std::string text() const;

 private:
  std::vector<ScoreTable> folds_;
  std::vector<std::string> left_out_;
  std::vector<Row> rows_;
};

// Folds are of successive readings, each test behind what is learned from, such as those of rolling_origin. A window
// counts for a fold's test if all of its targets lie in the test. Its lags may reach back into readings before the
// test, over the gap and into the training readings: at its origin they have come, whoever forecasts then has them, and
// nothing is learned of them there. So each reading of the test that the nearest horizon can reach is scored, however
// short the test; were windows to lie in the test as a whole, its first lags would be lost, of short tests all of it.

/// For each fold makes a forecaster, lets it learn from the training readings alone (its scaling, and the validation
/// share for its callbacks, too), and scores it on the test, beside baselines that are fitted to the windows it has
/// learned from: all but those of the validation share. `make` gives one that has not learned; all folds have the seeds
/// of options.fit, so two runs give the same bits. A network whose weights have become no numbers has no forecasts:
/// its figures are NaN, and Scores::missed counts.
///
///     ForecastFoldScores scores = cross_validate([] { return Forecaster({.windows = {.lags = 12}}); }, readings,
///                                                rolling_origin(readings.rows(), {.n_splits = 4, .gap = 12}));
///     scores.at("network", 1).mean.mae;      // and .sd.mae
///
/// Throws DataError for readings that are held out, for no fold, for one without readings, with readings that are not
/// there, stand in both parts or leave some out, and for one whose test does not lie behind its training; with the
/// fold's number for what Forecaster::fit, a baseline of one's own or Forecaster::compare finds in its readings.
/// StateError for a forecaster or a baseline that has learned before; and what Forecaster::fit throws.
ForecastFoldScores cross_validate(const std::function<Forecaster()>& make, const Readings& readings,
                                  std::span<const Fold> folds, const ForecastFoldOptions& options = {});
/// The same for the folds of `rolling_origin(readings.rows(), origins)`, whose errors it throws, too.
ForecastFoldScores cross_validate(const std::function<Forecaster()>& make, const Readings& readings,
                                  const RollingOriginOptions& origins, const ForecastFoldOptions& options = {});

/// The same for raw rows: `table` says how they become readings. The steps of each fold learn from its training rows
/// alone (but for the validation share), as Forecaster::fit does it; then they make readings of the test rows with
/// those before beside them, as Forecaster::readings does it. Throws, too, what these throw.
ForecastFoldScores cross_validate(const std::function<Forecaster()>& make, const Table& rows,
                                  const ReadingsOptions& table, std::span<const Fold> folds,
                                  const ForecastFoldOptions& options = {});

namespace detail {

/// What one fold gave.
struct ForecastFold {
  ScoreTable table;
  std::vector<History> histories = {};     ///< one a network
  std::vector<std::string> left_out = {};  ///< baselines that could learn nothing, and why
};

/// One fold of raw rows.
ForecastFold run_forecast_fold(Forecaster forecaster, const Table& rows, const ReadingsOptions& table, const Fold& fold,
                               const ForecastFoldOptions& options);

/// "mae", "rmse", "mape", "smape" and "r2".
Logs score_logs(const Scores& scores);

}  // namespace detail

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/forecast/cross_validate-inl.hpp"
#endif
