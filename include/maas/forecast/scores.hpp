// Scores of forecasts, by horizon, and a table of them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "maas/core/config.hpp"
#include "maas/core/fields.hpp"
#include "maas/forecast/readings.hpp"

namespace maas::inline MAAS_ABI {

/// How far forecasts f are from what came, y, over the pairs where both are there. In the unit of the readings, or
/// percent; NaN where no pair counts.
struct Scores {
  double mae = 0;    ///< mean |f - y|
  double rmse = 0;   ///< square root of the mean (f - y)^2
  double mape = 0;   ///< 100 mean |f - y| / |y|, percent, over pairs with y other than 0
  double smape = 0;  ///< 100 mean 2 |f - y| / (|f| + |y|), percent; a pair of zeros counts as 0
  double r2 = 0;     ///< 1 - sum (f - y)^2 / sum (y - mean y)^2
  Index count = 0;   ///< pairs
  Index missed = 0;  ///< readings that came and had no forecast; they count in nothing else
};

/// Which forecasts of a horizon are averaged. Papers do either, mostly without saying so; the second looks better.
enum class Averaging {
  at_horizon,    ///< those of this horizon alone
  up_to_horizon  ///< those of all steps forecast up to it, and it; as in the code of T-GCN
};

namespace detail {
/// Their names, in order.
inline constexpr std::string_view averaging_names[] = {"at_horizon", "up_to_horizon"};
}  // namespace detail

/// "at_horizon", "up_to_horizon".
Config to_config(Averaging averaging);
void from_config(const Config& config, std::string_view where, Averaging& averaging);

/// What is scored.
struct ScoreOptions {
  Averaging averaging = Averaging::at_horizon;
  std::optional<double> null_value = std::nullopt;  ///< a reading that stands for "missing", such as 0 in some data
  std::optional<Index> sensor = std::nullopt;       ///< one sensor, counted from 0, instead of all

  static void fields(auto& self, auto&& field) {
    field("averaging", self.averaging);
    field("null_value", self.null_value);
    field("sensor", self.sensor);
  }
  friend bool operator==(const ScoreOptions&, const ScoreOptions&) = default;
};

/// The options by name, and from that.
Config to_config(const ScoreOptions& options);
void from_config(const Config& config, std::string_view where, ScoreOptions& options);

/// Scores at a horizon, or up to it. Throws ConfigError for a horizon or sensor that is not there.
Scores score(const Forecasts& forecasts, Index horizon, const ScoreOptions& options = {});
/// Scores of forecasts of anything, one number each; pairs whose truth is NaN do not count. Throws ShapeError where
/// there are not as many of both.
Scores score(std::span<const double> forecasts, std::span<const double> truth);

namespace detail {

/// Sums over pairs of a forecast and what came.
struct ScoreSums {
  double absolute = 0, square = 0, relative = 0, symmetric = 0;
  double mean = 0, variation = 0;  // of what came, by Welford's updates: no cancellation
  Index count = 0, relative_count = 0, missed = 0;

  void add(double forecast, double truth);
  Scores scores() const;
};

}  // namespace detail

/// Scores of forecasts that come block by block, so that they never stand in memory together: with the bits of `score`
/// of all of them in one piece.
///
///     RunningScores scores({.averaging = Averaging::up_to_horizon});
///     for (const Forecasts& block : blocks) scores.add(block);
///     scores.at(12).mae;
///
class RunningScores {
 public:
  /// At these horizons; none: at every one that the first block has.
  explicit RunningScores(const ScoreOptions& options = {}, std::vector<Index> horizons = {})
      : options_(options), horizons_(std::move(horizons)) {}

  /// Takes the forecasts of more windows, later ones than those before. Throws as score; ShapeError for other horizons
  /// or sensors than those of the first block. Then nothing is taken.
  RunningScores& add(const Forecasts& block);
  /// The scores of all that came. Throws ConfigError for a horizon that is none of those asked for.
  Scores at(Index horizon) const;

  const ScoreOptions& options() const { return options_; }
  /// The horizons that are scored; empty before the first block where none were asked for.
  const std::vector<Index>& horizons() const { return horizons_; }
  /// Who made the forecasts, as the first block says.
  const std::string& model() const { return model_; }

 private:
  ScoreOptions options_;
  std::vector<Index> horizons_, steps_;  // steps: those of the forecasts
  std::string model_;
  Index sensors_ = 0;                    // 0 before the first block
  std::vector<detail::ScoreSums> sums_;  // one a horizon that is scored
};

/// Scores of models by horizon.
class ScoreTable {
 public:
  /// One model at one horizon. Of an ensemble's networks, or of several seeds, scores may be means; then `spread` has
  /// the largest less the smallest of each score.
  struct Row {
    std::string model = {};
    Index horizon = 1;  ///< readings ahead
    Averaging averaging = Averaging::at_horizon;
    Scores scores = {};
    std::optional<Scores> spread = std::nullopt;
  };

  /// `unit` is that of MAE and RMSE, for the heading; `seconds_a_reading` turns horizons into minutes (0: readings).
  explicit ScoreTable(std::string unit = "", double seconds_a_reading = 0)
      : unit_(std::move(unit)), seconds_(seconds_a_reading) {}

  /// A row for every horizon asked for (empty: every one there is). Throws as score.
  ScoreTable& add(const Forecasts& forecasts, const ScoreOptions& options = {},
                  const std::vector<Index>& horizons = {});
  /// The means over several forecasts, and their spread, under one name: seeds, the networks of an ensemble. Throws
  /// DataError for none.
  ScoreTable& add_mean(const std::string& model, const std::vector<Forecasts>& forecasts,
                       const ScoreOptions& options = {}, const std::vector<Index>& horizons = {});
  /// A row for every horizon of scores that came block by block.
  ScoreTable& add(const RunningScores& scores);
  /// The means over several of them, and their spread, under one name. Throws DataError for none.
  ScoreTable& add_mean_of(const std::string& model, const std::vector<RunningScores>& scores);
  ScoreTable& add(Row row);

  const std::vector<Row>& rows() const { return rows_; }
  /// The first row of a model at a horizon. Throws ConfigError where there is none.
  const Row& at(std::string_view model, Index horizon) const;
  const std::string& unit() const { return unit_; }
  double seconds_a_reading() const { return seconds_; }

  /// For people: rows grouped by horizon, numbers in columns; says how they are averaged. Ends in a line end.
  std::string text() const;
  /// Comma-separated values with a heading; one row a model and horizon, all digits.
  std::string csv() const;
  /// A list of objects, for JSON; scores that are NaN are null.
  Config config() const;

 private:
  std::string unit_;
  double seconds_;
  std::vector<Row> rows_;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/forecast/scores-inl.hpp"
#endif
