// Every step with rows that it learns from, other rows that it changes, and by hand what becomes of all their columns.
#pragma once

#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "data/step_tables.hpp"
#include "maas/data/steps.hpp"

namespace maas::inline MAAS_ABI::tests {

/// Of "a": mean 3, median 2, most frequent 1, quartiles 1 and 4, variance 26 / 5.
inline Table case_training() {
  Table table = table_of("a", {1, 1, 2, 4, 7, gap});
  table.add({.name = "b", .numbers = {5, 6, 5, gap, 6, 5}});
  table.add({.name = "kind", .type = ColumnType::text, .texts = {"x", "y", "y", "", "z", "y"}});
  table.add({.name = "t", .type = ColumnType::time, .numbers = {0, 3600, 7200, 10800, 14400, 18000}});
  return table;
}

/// Numbers below and above those of training, a text that it lacks, gaps in each column; the last row is the first.
inline Table case_later() {
  Table table = table_of("a", {4, 1, gap, -4, 10, gap, 3, 4});
  table.add({.name = "b", .numbers = {5, 6, 5, gap, 6, 5, 6, 5}});
  table.add({.name = "kind", .type = ColumnType::text, .texts = {"y", "x", "", "w", "x", "x", "z", "y"}});
  table.add({.name = "t", .type = ColumnType::time, .numbers = {0, 21600, gap, 43200, 86400, 64800, 0, 0}});
  return table;
}

/// The later rows with other numbers, or other texts, in a column.
inline Table later_with(const std::string& name, std::vector<double> numbers) {
  Table table = case_later();
  table.replace(name, {{.name = name, .type = table.column(name).type, .numbers = std::move(numbers)}});
  return table;
}

inline Table later_with(const std::string& name, std::vector<std::string> texts) {
  Table table = case_later();
  table.replace(name, {{.name = name, .type = ColumnType::text, .texts = std::move(texts)}});
  return table;
}

/// The later rows with columns of numbers in the place of one.
inline Table later_with(const std::string& name, std::vector<Column> columns) {
  Table table = case_later();
  table.replace(name, std::move(columns));
  return table;
}

/// What one step does to the later rows.
struct StepCase {
  Step step;                    ///< before fit
  std::string column;           ///< that it works on
  Table applied;                ///< the later rows behind it
  Table back;                   ///< and with it undone
  bool by_row = true;           ///< whether a row's answer is made of that row alone
  std::string no_value = {};    ///< the error of a fit to a column without a value; empty: none
  std::vector<bool> kept = {};  ///< of the later rows, where training is to leave some out
};

inline StepCase imputing(const Impute& step, Table applied, bool by_row, std::string no_value = {}) {
  const Table back = applied;
  return {.step = step,
          .column = step.columns[0],
          .applied = std::move(applied),
          .back = back,
          .by_row = by_row,
          .no_value = std::move(no_value)};
}

inline std::vector<StepCase> cleaning_cases() {
  const std::string no_number = "Impute: expected a number in column \"a\", got none";
  const std::string no_text = "Impute: expected a text in column \"kind\", got none";
  Table dropped = case_later();
  dropped.remove("b");
  const Table clipped = later_with("a", {4, 1, gap, -3.5, 8.5, gap, 3, 4});  // 1 and 4, and 1.5 times 3 beyond them
  const Table valid = later_with("a", {4, 1, gap, gap, gap, gap, 3, 4});
  const Table replaced = later_with("kind", std::vector<std::string>{"y", "x", "none", "x", "x", "x", "z", "y"});
  std::vector<StepCase> cases{
      {.step = Drop{.columns = {"b"}}, .column = "b", .applied = dropped, .back = dropped},
      {.step = DropMissingRows{},
       .column = "a",
       .applied = case_later(),
       .back = case_later(),
       .kept = {true, true, false, false, true, false, true, true}},
      {.step = DropDuplicateRows{},
       .column = "a",
       .applied = case_later(),
       .back = case_later(),
       .kept = {true, true, true, true, true, true, true, false}},
      imputing({.columns = {"a"}, .fill = Fill::mean}, later_with("a", {4, 1, 3, -4, 10, 3, 3, 4}), true, no_number),
      imputing({.columns = {"a"}, .fill = Fill::median}, later_with("a", {4, 1, 2, -4, 10, 2, 3, 4}), true, no_number),
      imputing({.columns = {"a"}, .fill = Fill::constant, .constant = -7},
               later_with("a", {4, 1, -7, -4, 10, -7, 3, 4}), true),
      imputing({.columns = {"a"}, .fill = Fill::most_frequent}, later_with("a", {4, 1, 1, -4, 10, 1, 3, 4}), true,
               no_number),
      imputing({.columns = {"a"}, .fill = Fill::forward_fill}, later_with("a", {4, 1, 1, -4, 10, 10, 3, 4}), false),
      imputing({.columns = {"a"}, .fill = Fill::linear_interpolation}, later_with("a", {4, 1, -1.5, -4, 10, 6.5, 3, 4}),
               false),
      // No time in one row, and time that runs back before the other.
      imputing({.columns = {"a"}, .fill = Fill::forward_fill, .limit = 9, .times = "t", .seconds = 21600}, case_later(),
               false),
      imputing({.columns = {"kind"}, .fill = Fill::most_frequent},
               later_with("kind", std::vector<std::string>{"y", "x", "y", "w", "x", "x", "z", "y"}), true, no_text),
      imputing({.columns = {"kind"}, .fill = Fill::forward_fill},
               later_with("kind", std::vector<std::string>{"y", "x", "x", "w", "x", "x", "z", "y"}), false),
      {.step = ClipOutliers{.columns = {"a"}},
       .column = "a",
       .applied = clipped,
       .back = clipped,
       .no_value = "ClipOutliers: expected a number in column \"a\", got none"},
      {.step = ValidRange{.columns = {"a"}, .low = 0, .high = 9}, .column = "a", .applied = valid, .back = valid},
      {.step = ReplaceTexts{.columns = {"kind"}, .from = {"w", ""}, .to = {"x", "none"}},
       .column = "kind",
       .applied = replaced,
       .back = replaced}};
  return cases;
}

/// A step that is undone by numbers, as far as they are there.
inline StepCase scaling(Step step, std::vector<double> a, std::string no_value = {}) {
  return {.step = std::move(step),
          .column = "a",
          .applied = later_with("a", std::move(a)),
          .back = case_later(),
          .no_value = std::move(no_value)};
}

inline std::vector<StepCase> scaling_cases() {
  const auto no_number = [](const std::string& step) { return step + ": expected a number in column \"a\", got none"; };
  const double deviation = std::sqrt(26.0 / 5);
  return {scaling(MinMax{.columns = {"a"}, .range_min = -1, .range_max = 1},
                  {0, -1, gap, -8.0 / 3, 2, gap, -1.0 / 3, 0}, no_number("MinMax")),
          scaling(Standard{.columns = {"a"}},
                  {1 / deviation, -2 / deviation, gap, -7 / deviation, 7 / deviation, gap, 0, 1 / deviation},
                  no_number("Standard")),
          scaling(Robust{.columns = {"a"}}, {2.0 / 3, -1.0 / 3, gap, -2, 8.0 / 3, gap, 1.0 / 3, 2.0 / 3},
                  no_number("Robust")),
          scaling(Log{.columns = {"a"}, .offset = 5},
                  {std::log(9.0), std::log(6.0), gap, 0, std::log(15.0), gap, std::log(8.0), std::log(9.0)}),
          // lambda -0.6607873329817233, which a search with 50 digits has found.
          scaling(Power{.columns = {"a"}},
                  {0.8166913884222747, -1.0723330965159144, gap, -120.10113555558895, 1.738537811731405, gap,
                   0.4560214672364908, 0.8166913884222747},
                  no_number("Power"))};
}

inline std::vector<StepCase> encoding_cases() {
  // "w" was not in training: it is no category, and does not come back.
  const Table known = later_with("kind", std::vector<std::string>{"y", "x", "", "", "x", "x", "z", "y"});
  const Table one_hot =
      later_with("kind", std::vector<Column>{{.name = "kind_", .numbers = {0, 0, 1, 0, 0, 0, 0, 0}},
                                             {.name = "kind_x", .numbers = {0, 1, 0, 0, 1, 1, 0, 0}},
                                             {.name = "kind_y", .numbers = {1, 0, 0, 0, 0, 0, 0, 1}},
                                             {.name = "kind_z", .numbers = {0, 0, 0, 0, 0, 0, 1, 0}}});
  // Where "" is no category either, a row without one must not be taken for the first.
  const OneHot without_empty{
      .columns = {"kind"}, .unseen = Unseen::ignore, .fitted_columns = {"kind"}, .categories = {{"x", "y", "z"}}};
  Table three = one_hot;
  three.remove("kind_");
  const Table codes = later_with("kind", std::vector<Column>{{.name = "kind", .numbers = {1, 0, gap, -1, 0, 0, 2, 1}}});
  return {{.step = OneHot{.columns = {"kind"}, .unseen = Unseen::ignore},
           .column = "kind",
           .applied = one_hot,
           .back = known},
          {.step = without_empty, .column = "kind", .applied = three, .back = known},
          {.step = Ordinal{.columns = {"kind"}, .unseen = Unseen::ignore},
           .column = "kind",
           .applied = codes,
           .back = known,
           .no_value = "Ordinal: expected a text in column \"kind\", got none"}};
}

inline std::vector<StepCase> temporal_cases() {
  // 1970-01-01 was a Thursday: three days of the week had gone.
  std::vector<Column> features{{.name = "t_day_sin", .numbers = {0, 1, gap, 0, 0, -1, 0, 0}},
                               {.name = "t_day_cos", .numbers = {1, 0, gap, -1, 1, 0, 1, 1}},
                               {.name = "t_week_sin"},
                               {.name = "t_week_cos"},
                               {.name = "t_holiday", .numbers = {0, 0, gap, 0, 1, 0, 0, 0}}};
  for (const double days : std::initializer_list<double>{3.0, 3.25, gap, 3.5, 4.0, 3.75, 3.0, 3.0}) {
    features[2].numbers.push_back(std::sin(2 * std::numbers::pi * days / 7));
    features[3].numbers.push_back(std::cos(2 * std::numbers::pi * days / 7));
  }
  const Table times = later_with("t", std::move(features));
  Table lagged = case_later();
  lagged.add({.name = "a_lag_1", .numbers = {gap, 4, 1, gap, -4, 10, gap, 3}});
  lagged.add({.name = "a_lag_2", .numbers = {gap, gap, 4, 1, gap, -4, 10, gap}});
  return {{.step = TimeFeatures{.columns = {"t"}, .holidays = {"1970-01-02"}},
           .column = "t",
           .applied = times,
           .back = times},
          {.step = Difference{.columns = {"a"}},
           .column = "a",
           .applied = later_with("a", {gap, -3, gap, gap, 14, gap, gap, 1}),
           .back = later_with("a", {gap, 1, gap, gap, 10, gap, gap, 4}),
           .by_row = false},
          {.step = Lag{.columns = {"a"}, .lags = {1, 2}},
           .column = "a",
           .applied = lagged,
           .back = case_later(),
           .by_row = false}};
}

/// One or more of each step that a file may name.
inline std::vector<StepCase> step_cases() {
  std::vector<StepCase> all = cleaning_cases();
  for (std::vector<StepCase> more : {scaling_cases(), encoding_cases(), temporal_cases()})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

/// What a step makes of the later rows, and what comes back of these, where the first training row is all that it has
/// learned from: "a" 1, "kind" "x". A spread of nothing counts as 1, so scalers subtract 1; lambda is 1 then, which
/// leaves a number as it is.
struct OneRowCase {
  Table applied, back;
};

inline OneRowCase learned_of_one_row(const StepCase& each) {
  const std::string name(each.step.class_name());
  const auto kinds = [](std::vector<std::string> texts) { return later_with("kind", std::move(texts)); };
  const auto forth_and_back = [](std::vector<double> a) {
    return OneRowCase{later_with("a", std::move(a)), case_later()};
  };
  if (name == "ClipOutliers") {
    const Table ones = later_with("a", {1, 1, gap, 1, 1, gap, 1, 1});
    return {ones, ones};
  }
  if (name == "MinMax") return forth_and_back({5, -1, gap, -11, 17, gap, 3, 5});  // 2 (a - 1) - 1
  if (name == "Standard" || name == "Robust" || name == "Power") return forth_and_back({3, 0, gap, -5, 9, gap, 2, 3});
  if (name == "Ordinal")
    return {later_with("kind", std::vector<Column>{{.name = "kind", .numbers = {-1, 0, gap, -1, 0, 0, -1, -1}}}),
            kinds({"", "x", "", "", "x", "x", "", ""})};
  const OneHot* one_hot = each.step.as<OneHot>();
  if (one_hot != nullptr && one_hot->categories.empty())  // the other case has its categories before
    return {later_with("kind", std::vector<Column>{{.name = "kind_x", .numbers = {0, 1, 0, 0, 1, 1, 0, 0}}}),
            kinds({"", "x", "", "", "x", "x", "", ""})};
  const Impute* impute = each.step.as<Impute>();
  const bool learns = impute != nullptr && (impute->fill == Fill::mean || impute->fill == Fill::median ||
                                            impute->fill == Fill::most_frequent);
  if (learns) {
    const Table filled = each.column == "kind" ? kinds({"y", "x", "x", "w", "x", "x", "z", "y"})
                                               : later_with("a", {4, 1, 1, -4, 10, 1, 3, 4});
    return {filled, filled};
  }
  return {each.applied, each.back};  // nothing of it comes from training
}

}  // namespace maas::inline MAAS_ABI::tests
