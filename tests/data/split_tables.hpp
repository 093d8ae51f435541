// A table that may hold a value of another world in its last row, what learns from it, and ways to part it.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "data/step_tables.hpp"
#include "maas/data/folds.hpp"
#include "maas/data/pipeline.hpp"
#include "maas/data/split.hpp"

namespace maas::inline MAAS_ABI::tests {

inline constexpr std::size_t count = 40;

/// Numbers, categories and times; the last row may be of another world.
inline Table readings(bool planted) {
  Column flow{.name = "flow"}, speed{.name = "speed"}, kind{.name = "kind", .type = ColumnType::text},
      time{.name = "time", .type = ColumnType::time}, spare{.name = "spare"};
  for (std::size_t i = 0; i < count; ++i) {
    const bool last = planted && i + 1 == count;
    flow.numbers.push_back(last ? 1e9 : static_cast<double>(i % 7));
    speed.numbers.push_back(i % 9 == 4 ? gap : last ? -1e9 : 50 + static_cast<double>(i % 5));
    kind.texts.push_back(last ? "meteor" : i % 3 == 0 ? "bus" : "car");
    time.numbers.push_back(static_cast<double>(i) * 300);
    spare.numbers.push_back(last ? -1e9 : static_cast<double>(i % 4));
  }
  Table table;
  for (Column* column : {&flow, &speed, &kind, &time, &spare}) table.add(std::move(*column));
  return table;
}

/// Steps that do for a pipeline, one after the other; each can be fitted by itself, too, to a column that these rows
/// have.
inline std::vector<Step> all_steps() {
  return {DropDuplicateRows{.columns = {"flow", "spare"}},
          Drop{.columns = {"spare"}},
          ValidRange{.columns = {"speed"}, .low = 0, .high = 53},
          ReplaceTexts{.columns = {"kind"}, .from = {"bus", "meteor"}, .to = {"coach", "coach"}},
          Impute{.columns = {"speed"}, .fill = Fill::median},
          ClipOutliers{.columns = {"flow"}},
          Lag{.columns = {"flow"}, .lags = {1, 2}},
          Difference{.columns = {"speed"}},
          Log{.columns = {"flow"}},
          MinMax{.columns = {"flow"}},
          Robust{.columns = {"flow"}},
          Power{.columns = {"flow"}},
          Standard{.columns = {"speed"}},
          OneHot{.columns = {"kind"}, .unseen = Unseen::ignore},
          TimeFeatures{},
          DropMissingRows{}};
}

/// Every step a file may name, each to be fitted by itself: those, and the one that would leave OneHot no texts.
inline std::vector<Step> steps_alone() {
  std::vector<Step> all = all_steps();
  all.push_back(Ordinal{.columns = {"kind"}, .unseen = Unseen::ignore});
  return all;
}

/// It takes what is planted in the test rows.
inline Pipeline pipeline() {
  return Pipeline({.steps = all_steps(), .targets = {"flow"}, .out_of_range = OutOfRange::pass});
}

using Splitter = std::function<std::pair<Table, Table>(const Table&)>;

/// Ways to part these rows so that the last one is in the test.
inline std::vector<std::pair<std::string, Splitter>> splitters() {
  const auto folds = [](const std::vector<Fold>& all) {
    return Splitter(
        [fold = all.back()](const Table& table) { return std::pair(fold.train.of(table), fold.test.of(table)); });
  };
  std::vector<int> groups, classes;
  for (std::size_t i = 0; i < count; ++i) {
    groups.push_back(static_cast<int>(i / 10));
    classes.push_back(static_cast<int>(i % 2));
  }
  return {{"time",
           [](const Table& table) {
             const TimeSplit split = split_by_time(table.rows(), 0.2, 0.2);
             return std::pair(split.train.of(table), split.test.of(table));
           }},
          {"rows", folds({split_rows(count, {.shuffle = false})})},
          {"stratified", folds({split_stratified(classes, {.shuffle = false})})},
          {"groups", folds({split_by_group(groups, {.shuffle = false})})},
          {"k-fold", folds(k_fold(count))},
          {"stratified k-fold", folds(stratified_k_fold(classes))},
          {"rolling origin", folds(rolling_origin(count))},
          {"sliding origin", folds(rolling_origin(count, {.max_train_size = 20, .gap = 2}))}};
}

}  // namespace maas::inline MAAS_ABI::tests
