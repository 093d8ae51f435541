// What every step makes of every column, number by number, and what comes back.
#include <algorithm>

#include "data/step_cases.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

/// Features of times are counted in the precision of the library; the lambda of Power has a valley that is flat.
double tolerance_of(const Step& step) {
  return step.class_name() == "TimeFeatures" || step.class_name() == "Power" ? 1e-6 : 1e-12;
}

/// The same columns in the same order with the same cells.
void check_tables(const Table& got, const Table& expected, double tolerance) {
  REQUIRE(got.names() == expected.names());
  for (const std::string& name : expected.names()) {
    CAPTURE(name);
    const Column &column = got.column(name), &other = expected.column(name);
    REQUIRE(column.type == other.type);
    check_numbers(column.numbers, other.numbers, tolerance);
    CHECK(column.texts == other.texts);
  }
}

/// Calls it with each case and its step, fitted.
template <class Check>
void for_each_case(Check&& check) {
  for (const StepCase& each : step_cases()) {
    CAPTURE(each.step.class_name(), to_config(each.step).text());
    check(each, each.step.fit(case_training()));
  }
}

/// Rows without a value in a column.
Table without_values(Table table, const std::string& name) {
  if (table.column(name).type == ColumnType::text)
    std::ranges::fill(table.edit_texts(name), std::string());
  else
    std::ranges::fill(table.edit(name), gap);
  return table;
}

bool has_value(const Column& column) {
  return std::ranges::any_of(column.texts, [](const std::string& text) { return !text.empty(); }) ||
         std::ranges::any_of(column.numbers, [](double number) { return !std::isnan(number); });
}

}  // namespace

TEST_CASE("the table of cases has every step, and every fill") {
  const std::vector<StepCase> cases = step_cases();
  BuiltinSteps::for_each([&](auto rule) {
    const std::string_view name = decltype(rule)::class_name;
    CAPTURE(name);
    CHECK(std::ranges::any_of(cases, [&](const StepCase& each) { return each.step.class_name() == name; }));
  });
  for (const Fill fill :
       {Fill::mean, Fill::median, Fill::constant, Fill::most_frequent, Fill::forward_fill, Fill::linear_interpolation})
    CHECK(std::ranges::any_of(cases, [&](const StepCase& each) {
      const Impute* impute = each.step.as<Impute>();
      return impute != nullptr && impute->fill == fill && impute->columns[0] == "a";
    }));
}

TEST_CASE("every step makes these columns of rows it has not learned from, and these come back") {
  const Table later = case_later();
  for_each_case([&](const StepCase& each, const Step& fitted) {
    check_tables(fitted.apply(later), each.applied, tolerance_of(fitted));
    check_tables(fitted.invert(fitted.apply(later), &later), each.back, tolerance_of(fitted));
    CHECK(fitted.kept_rows(later) == each.kept);
  });
}

TEST_CASE("every step learns from a single row, and makes these columns then") {
  const Table later = case_later(), one = case_training().part(0, 1);
  for_each_case([&](const StepCase& each, const Step&) {
    const Step fitted = each.step.fit(one);
    const OneRowCase expected = learned_of_one_row(each);
    check_tables(fitted.apply(later), expected.applied, tolerance_of(fitted));
    check_tables(fitted.invert(fitted.apply(later), &later), expected.back, tolerance_of(fitted));
    CHECK(fitted.kept_rows(later) == each.kept);
  });
}

TEST_CASE("every step makes the same of a row alone, and brings it back") {
  const Table later = case_later();
  for_each_case([&](const StepCase& each, const Step& fitted) {
    // Steps that look at rows before find none before the first one; it has no gap that another row would fill.
    for (Index row = 0; row < (each.by_row ? later.rows() : 1); ++row) {
      CAPTURE(row);
      const Table one = later.part(row, row + 1), applied = fitted.apply(one);
      check_tables(applied, each.applied.part(row, row + 1), tolerance_of(fitted));
      check_tables(fitted.invert(applied, &one), each.back.part(row, row + 1), tolerance_of(fitted));
    }
  });
}

TEST_CASE("what is missing behind a step that can be undone is missing before it") {
  const Table later = case_later();
  for_each_case([&](const StepCase& each, const Step& fitted) {
    Table applied = fitted.apply(later);
    for (const std::string& name : applied.names()) applied = without_values(std::move(applied), name);
    const Table back = fitted.invert(applied, &later);
    CHECK(back.names() == each.back.names());
    CHECK(back.rows() == later.rows());
    // Nothing is made up: neither a number of a scaler nor a category of an encoder.
    for (const std::string& name : back.names()) {
      CAPTURE(name);
      CHECK_FALSE(has_value(back.column(name)));
    }
  });
}

TEST_CASE("every step learns from a column without a value, or says which one it is") {
  for_each_case([&](const StepCase& each, const Step& fitted) {
    const Table empty = without_values(case_training(), each.column);
    if (each.no_value.empty())
      CHECK(each.step.fit(empty).is_fitted());
    else
      CHECK_THROWS_WITH(each.step.fit(empty), each.no_value);
    // One that has learned gives what it has learned, or nothing: fills along the rows find no value to begin with.
    const Table later = without_values(case_later(), each.column), applied = fitted.apply(later);
    CHECK(applied.names() == each.applied.names());
    const Impute* impute = fitted.as<Impute>();
    if (impute != nullptr && each.by_row) {
      const Column &filled = applied.column(each.column), &gaps = each.applied.column(each.column);
      if (filled.type == ColumnType::text)
        CHECK(filled.texts == std::vector<std::string>(8, gaps.texts[2]));
      else
        CHECK(filled.numbers == std::vector<double>(8, gaps.numbers[2]));
    } else if (applied.contains(each.column) && fitted.class_name() != "ReplaceTexts") {
      CHECK_FALSE(has_value(applied.column(each.column)));
    }
  });
}
