// Bodies of scores and ScoreTable.
#pragma once

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "maas/data/csv.hpp"
#include "maas/data/enum_from-inl.hpp"
#include "maas/forecast/scores.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

MAAS_INLINE void ScoreSums::add(double forecast, double truth) {
  if (std::isnan(forecast)) {
    ++missed;
    return;
  }
  const double error = std::abs(forecast - truth), size = std::abs(forecast) + std::abs(truth);
  absolute += error;
  square += error * error;
  if (size > 0) symmetric += 2 * error / size;
  if (truth != 0) {
    relative += error / std::abs(truth);
    ++relative_count;
  }
  ++count;
  const double step = truth - mean;
  mean += step / static_cast<double>(count);
  variation += step * (truth - mean);
}

MAAS_INLINE Scores ScoreSums::scores() const {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  const auto n = static_cast<double>(count);
  return {.mae = count > 0 ? absolute / n : none,
          .rmse = count > 0 ? std::sqrt(square / n) : none,
          .mape = relative_count > 0 ? 100 * relative / static_cast<double>(relative_count) : none,
          .smape = count > 0 ? 100 * symmetric / n : none,
          .r2 = variation > 0 ? 1 - square / variation : none,
          .count = count,
          .missed = missed};
}

/// The five scores with their names, for tables.
struct ScoreField {
  std::string_view name;
  double Scores::*value;
};
inline constexpr ScoreField score_fields[] = {{"mae", &Scores::mae},
                                              {"rmse", &Scores::rmse},
                                              {"mape", &Scores::mape},
                                              {"smape", &Scores::smape},
                                              {"r2", &Scores::r2}};

inline std::string_view averaging_name(Averaging averaging) {
  return averaging_names[static_cast<std::size_t>(averaging)];
}

}  // namespace detail

MAAS_INLINE Config to_config(Averaging averaging) { return detail::averaging_name(averaging); }
MAAS_INLINE void from_config(const Config& config, std::string_view where, Averaging& averaging) {
  averaging = detail::enum_from<Averaging>(config, where, detail::averaging_names);
}
MAAS_INLINE Config to_config(const ScoreOptions& options) { return write_config(options); }
MAAS_INLINE void from_config(const Config& config, std::string_view where, ScoreOptions& options) {
  options = read_config<ScoreOptions>(config, where);
}

namespace detail {

inline void check_scored(const Forecasts& forecasts, const ScoreOptions& options) {
  const auto sensors = static_cast<Index>(forecasts.sensors.size());
  require<ConfigError>(!options.sensor || (*options.sensor >= 0 && *options.sensor < sensors),
                       "score: expected a sensor from 0 to {}, got {}", sensors - 1, options.sensor.value_or(0));
  require<ShapeError>(
      forecasts.values.rows() == forecasts.truth.rows() && forecasts.values.cols() == forecasts.truth.cols() &&
          forecasts.values.cols() == static_cast<Index>(forecasts.horizons.size()) * sensors,
      "score: expected forecasts of {} numbers a window, and as much truth, got {} and {}",
      static_cast<Index>(forecasts.horizons.size()) * sensors, forecasts.values.cols(), forecasts.truth.cols());
}

inline void add_scored(const Forecasts& forecasts, Index last, const ScoreOptions& options, ScoreSums& sums) {
  const auto sensors = static_cast<Index>(forecasts.sensors.size());
  const Index first = options.averaging == Averaging::at_horizon ? last : 0;
  const Index first_sensor = options.sensor.value_or(0), end_sensor = options.sensor ? first_sensor + 1 : sensors;
  for (Index window = 0; window < forecasts.windows(); ++window)
    for (Index step = first; step <= last; ++step)
      for (Index sensor = first_sensor; sensor < end_sensor; ++sensor) {
        const Index column = forecasts.column(step, sensor);
        const auto truth = static_cast<double>(forecasts.truth(window, column));
        if (std::isnan(truth) || (options.null_value && truth == *options.null_value)) continue;
        sums.add(static_cast<double>(forecasts.values(window, column)), truth);
      }
}

}  // namespace detail

MAAS_INLINE RunningScores& RunningScores::add(const Forecasts& block) {
  const bool is_first = sensors_ == 0;
  const std::vector<Index>& scored = horizons_.empty() ? block.horizons : horizons_;
  std::vector<Index> steps;
  for (Index horizon : scored) steps.push_back(block.step_of(horizon));
  detail::check_scored(block, options_);
  require<ShapeError>(is_first || (steps_ == block.horizons && sensors_ == static_cast<Index>(block.sensors.size())),
                      "score: expected forecasts of {} horizons and {} sensors, as in the first block, got {} and {}, "
                      "or other horizons",
                      steps_.size(), sensors_, block.horizons.size(), block.sensors.size());
  if (is_first) {
    horizons_ = scored;
    steps_ = block.horizons;
    sensors_ = static_cast<Index>(block.sensors.size());
    model_ = block.model;
    sums_.resize(horizons_.size());
  }
  for (std::size_t i = 0; i < sums_.size(); ++i) detail::add_scored(block, steps[i], options_, sums_[i]);
  return *this;
}

MAAS_INLINE Scores RunningScores::at(Index horizon) const {
  const auto found = std::find(horizons_.begin(), horizons_.end(), horizon);
  require<ConfigError>(found != horizons_.end(), "score: expected a horizon that is scored, got {}", horizon);
  return sums_.empty() ? detail::ScoreSums().scores()
                       : sums_[static_cast<std::size_t>(found - horizons_.begin())].scores();
}

MAAS_INLINE Scores score(const Forecasts& forecasts, Index horizon, const ScoreOptions& options) {
  return RunningScores(options, {horizon}).add(forecasts).at(horizon);
}

MAAS_INLINE Scores score(std::span<const double> forecasts, std::span<const double> truth) {
  require<ShapeError>(forecasts.size() == truth.size(), "score: expected as many forecasts as readings, got {} and {}",
                      forecasts.size(), truth.size());
  detail::ScoreSums sums;
  for (std::size_t i = 0; i < truth.size(); ++i)
    if (!std::isnan(truth[i])) sums.add(forecasts[i], truth[i]);
  return sums.scores();
}

MAAS_INLINE ScoreTable& ScoreTable::add(Row row) {
  rows_.push_back(std::move(row));
  return *this;
}

MAAS_INLINE ScoreTable& ScoreTable::add(const Forecasts& forecasts, const ScoreOptions& options,
                                        const std::vector<Index>& horizons) {
  return add(RunningScores(options, horizons).add(forecasts));
}

MAAS_INLINE ScoreTable& ScoreTable::add(const RunningScores& scores) {
  for (Index horizon : scores.horizons())
    add({scores.model(), horizon, scores.options().averaging, scores.at(horizon)});
  return *this;
}

MAAS_INLINE ScoreTable& ScoreTable::add_mean(const std::string& model, const std::vector<Forecasts>& forecasts,
                                             const ScoreOptions& options, const std::vector<Index>& horizons) {
  std::vector<RunningScores> scores;
  for (const Forecasts& each : forecasts) scores.push_back(RunningScores(options, horizons).add(each));
  return add_mean_of(model, scores);
}

MAAS_INLINE ScoreTable& ScoreTable::add_mean_of(const std::string& model, const std::vector<RunningScores>& scores) {
  require<DataError>(!scores.empty(), "ScoreTable: expected forecasts to average under \"{}\", got none", model);
  for (Index horizon : scores[0].horizons()) {
    std::vector<Scores> each;
    for (const RunningScores& one : scores) each.push_back(one.at(horizon));
    Row row{model, horizon, scores[0].options().averaging, each[0], Scores{}};
    for (const detail::ScoreField& field : detail::score_fields) {
      double sum = 0, least = each[0].*field.value, most = least;
      for (const Scores& one : each) {
        sum += one.*field.value;
        least = std::min(least, one.*field.value);
        most = std::max(most, one.*field.value);
      }
      row.scores.*field.value = sum / static_cast<double>(each.size());
      (*row.spread).*field.value = most - least;
    }
    add(std::move(row));
  }
  return *this;
}

MAAS_INLINE const ScoreTable::Row& ScoreTable::at(std::string_view model, Index horizon) const {
  for (const Row& row : rows_)
    if (row.model == model && row.horizon == horizon) return row;
  fail<ConfigError>("ScoreTable: there is no row of \"{}\" at horizon {}", model, horizon);
}

MAAS_INLINE std::string ScoreTable::text() const {
  std::size_t width = 5;
  for (const Row& row : rows_) width = std::max(width, row.model.size());
  std::string text;
  const auto out = std::back_inserter(text);
  std::vector<std::pair<Index, Averaging>> groups;
  for (const Row& row : rows_)
    if (std::find(groups.begin(), groups.end(), std::pair(row.horizon, row.averaging)) == groups.end())
      groups.emplace_back(row.horizon, row.averaging);
  for (const auto& [horizon, averaging] : groups) {
    fmt::format_to(out, "{}{} ahead{}{}\n", text.empty() ? "" : "\n", horizon_text(horizon, seconds_),
                   averaging == Averaging::at_horizon ? ", at the horizon" : ", mean over all steps up to the horizon",
                   unit_.empty() ? "" : fmt::format("; MAE and RMSE in {}", unit_));
    fmt::format_to(out, "{:<{}}{:>9}{:>9}{:>9}{:>9}{:>9}{:>10}\n", "", width, "MAE", "RMSE", "MAPE %", "sMAPE %", "R2",
                   "count");
    for (const Row& row : rows_) {
      if (row.horizon != horizon || row.averaging != averaging) continue;
      const Scores& s = row.scores;
      fmt::format_to(out, "{:<{}}{:>9.3f}{:>9.3f}{:>9.2f}{:>9.2f}{:>9.4f}{:>10}", row.model, width, s.mae, s.rmse,
                     s.mape, s.smape, s.r2, s.count);
      if (s.missed > 0) fmt::format_to(out, "  ({} without a forecast)", s.missed);
      if (row.spread) fmt::format_to(out, "  spread {:.3f} {:.3f}", row.spread->mae, row.spread->rmse);
      text += '\n';
    }
  }
  return text;
}

MAAS_INLINE std::string ScoreTable::csv() const {
  std::string text = "model,horizon,averaging,mae,rmse,mape,smape,r2,count,missed,mae_spread,rmse_spread\n";
  const auto out = std::back_inserter(text);
  for (const Row& row : rows_) {
    fmt::format_to(out, "{},{},{}", detail::csv_cell(row.model, detail::csv_special), row.horizon,
                   detail::averaging_name(row.averaging));
    for (const detail::ScoreField& field : detail::score_fields) {
      const double value = row.scores.*field.value;
      text += std::isnan(value) ? std::string(",") : fmt::format(",{}", value);
    }
    fmt::format_to(out, ",{},{}", row.scores.count, row.scores.missed);
    text += row.spread ? fmt::format(",{},{}\n", row.spread->mae, row.spread->rmse) : std::string(",,\n");
  }
  return text;
}

MAAS_INLINE Config ScoreTable::config() const {
  Config::List list;
  const auto number = [](double value) { return std::isfinite(value) ? Config(value) : Config(); };
  for (const Row& row : rows_) {
    Config one = Config{}
                     .set("model", row.model)
                     .set("horizon", static_cast<std::int64_t>(row.horizon))
                     .set("averaging", detail::averaging_name(row.averaging));
    for (const detail::ScoreField& field : detail::score_fields) one.set(field.name, number(row.scores.*field.value));
    one.set("count", static_cast<std::int64_t>(row.scores.count));
    one.set("missed", static_cast<std::int64_t>(row.scores.missed));
    if (row.spread)
      for (const detail::ScoreField& field : detail::score_fields)
        one.set(std::string(field.name) + "_spread", number((*row.spread).*field.value));
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace maas::inline MAAS_ABI
