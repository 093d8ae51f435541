// What every step owes, whatever it does: each member of the family passes.
#include "maas/data/steps.hpp"

#include "data/step_tables.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

Table step_rows() {
  Table table = table_of("a", {3, 1, 4, 1, 5, 9});
  table.add({.name = "b", .numbers = {2, 7, 1, 8, 2, 8}});
  table.add({.name = "t", .type = ColumnType::time, .numbers = {0, 3600, 7200, 10800, 14400, 18000}});
  table.add({.name = "kind", .type = ColumnType::text, .texts = {"x", "y", "x", "z", "y", "x"}});
  return table;
}

/// The struct with columns where it does not choose some.
template <class Rule>
Step made(Rule rule) {
  if constexpr (std::is_same_v<Rule, Drop> || std::is_same_v<Rule, Difference> || std::is_same_v<Rule, Lag>)
    rule.columns = {"a"};
  return rule;
}

/// The table as text, to compare all of it.
std::string text_of(const Table& table) {
  std::string text;
  for (Index i = 0; i < table.columns(); ++i) {
    const Column& column = table.column(i);
    text += column.name + to_config(column.numbers).text() + to_config(column.texts).text() + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("every step is written and read with all it learned, and then does the same") {
  BuiltinSteps::for_each([](auto rule) {
    const Step step = made(rule), fitted = step.fit(step_rows());
    CAPTURE(step.class_name());
    CHECK(fitted.is_fitted());
    for (const Step& each : {step, fitted}) {
      const Step again = BuiltinSteps::make(each.class_name(), each.config());
      CHECK(again == each);
      CHECK(again.is_fitted() == each.is_fitted());
    }
    const Step again = BuiltinSteps::make(fitted.class_name(), fitted.config());
    CHECK(text_of(again.apply(step_rows())) == text_of(fitted.apply(step_rows())));
  });
}

TEST_CASE("steps that clean are read again with all they learned, too, and then clean alike") {
  Table dirty = step_rows();
  dirty.edit("a")[1] = gap, dirty.edit("b")[4] = 1e6, dirty.edit_texts("kind")[3] = "Xx";
  std::vector<Index> rows{0, 1, 2, 3, 4, 5, 5};  // the last comes twice
  dirty = dirty.select(rows);
  const std::vector<Step> steps{Impute{.columns = {"a"}, .fill = Fill::median},
                                Impute{.columns = {"a"}, .fill = Fill::forward_fill}, ClipOutliers{.columns = {"b"}},
                                ValidRange{.columns = {"b"}, .low = 0.0, .high = 100.0},
                                ReplaceTexts{.columns = {"kind"}, .from = {"Xx"}, .to = {"x"}}};
  for (const Step& step : steps) {
    CAPTURE(step.class_name());
    const Step fitted = step.fit(dirty), again = BuiltinSteps::make(fitted.class_name(), fitted.config());
    CHECK(again == fitted);
    const std::string cleaned = text_of(fitted.apply(dirty));
    CHECK(cleaned != text_of(dirty));
    CHECK(text_of(again.apply(dirty)) == cleaned);
  }
  const auto kept = [&](const Step& step) {
    return BuiltinSteps::make(step.class_name(), step.fit(dirty).config()).kept_rows(dirty);
  };
  CHECK(kept(DropMissingRows{}) == std::vector<bool>{true, false, true, true, true, true, true});
  CHECK(kept(DropDuplicateRows{}) == std::vector<bool>{true, true, true, true, true, true, false});
}

TEST_CASE("no step learns a second time, or when it is applied") {
  BuiltinSteps::for_each([](auto rule) {
    const Step fitted = made(rule).fit(step_rows());
    CAPTURE(fitted.class_name());
    Table other = step_rows();
    other.edit("a")[0] = 1e6;
    CHECK(fitted.fit(other) == fitted);
    const Config before = fitted.config();
    fitted.apply(other);
    CHECK(fitted.config() == before);
  });
}

TEST_CASE("a struct by itself learns once, too, and after a fit that failed as if there had been none") {
  int failed = 0;
  BuiltinSteps::for_each([&](auto rule) {
    if constexpr (requires { rule.fitted_columns; }) {
      CAPTURE(std::string(rule.class_name));
      auto learner = rule, alone = rule;
      Table bad = step_rows();
      Column empty{.name = "empty"};
      empty.numbers.assign(6, gap);
      bad.add(std::move(empty));  // the last column that numbers are learned of
      try {
        learner.fit(bad);
        learner = rule;  // it does not look at that column
      } catch (const DataError&) {
        ++failed;
      }
      learner.fit(step_rows());
      alone.fit(step_rows());
      CHECK(Step(learner).config() == Step(alone).config());
      CHECK_THROWS_AS(learner.fit(step_rows()), StateError);
      CHECK_THROWS_WITH(learner.fit(step_rows()),
                        std::string(rule.class_name) + ": it has learned already, and does so once; make another one");
      CHECK(Step(learner).config() == Step(alone).config());
    }
  });
  CHECK(failed >= 5);
}

TEST_CASE("no step lets a row see a later one, but interpolation, which says so") {
  BuiltinSteps::for_each([](auto rule) {
    const Step fitted = made(rule).fit(step_rows());
    CAPTURE(fitted.class_name());
    const Table before = fitted.apply(step_rows());
    Table changed = step_rows();
    changed.edit("a")[4] = 100, changed.edit("b")[4] = gap, changed.edit("t")[4] = 1e9;
    changed.edit_texts("kind")[4] = "z";
    CHECK(text_of(fitted.apply(changed).part(0, 4)) == text_of(before.part(0, 4)));
  });
  Table table = table_of("a", {1, gap, 3});
  const Step linear = Step(Impute{.fill = Fill::linear_interpolation}).fit(table);
  CHECK(linear.apply(table).numbers("a")[1] == 2);
  table.edit("a")[2] = 5;
  CHECK(linear.apply(table).numbers("a")[1] == 3);
}

TEST_CASE("every step is undone in what it leaves of a column") {
  BuiltinSteps::for_each([](auto rule) {
    const Step fitted = made(rule).fit(step_rows());
    CAPTURE(fitted.class_name());
    const Table raw = step_rows(), back = fitted.invert(fitted.apply(raw), &raw);
    CHECK(back.rows() == raw.rows());
    for (const char* name : {"a", "b"})
      if (back.contains(name)) {
        const std::size_t first = fitted.inverts_from_before() && std::string(name) == "a" ? 1 : 0;
        const std::vector<double>&got = back.numbers(name), &expected = raw.numbers(name);
        for (std::size_t row = first; row < got.size(); ++row) CHECK(got[row] == Approx(expected[row]));
      }
    REQUIRE(back.contains("kind"));
    CHECK(back.texts("kind") == raw.texts("kind"));
  });
}

TEST_CASE("every step takes one row, rows with gaps, and no row") {
  BuiltinSteps::for_each([](auto rule) {
    const Step step = made(rule);
    CAPTURE(step.class_name());
    const Table one = step_rows().part(0, 1);
    CHECK(step.fit(one).apply(one).rows() == 1);
    Table gaps = step_rows();
    gaps.edit("a")[2] = gap, gaps.edit("t")[2] = gap;
    const Step fitted = step.fit(gaps);
    CHECK_NOTHROW(fitted.apply(gaps));
    CHECK_NOTHROW(fitted.apply(step_rows().part(0, 0)));
    CHECK_NOTHROW(fitted.apply(Table()));  // columns that are not there are passed over
  });
}

TEST_CASE("every step takes a column alone, and of one without a value it learns or names it") {
  BuiltinSteps::for_each([](auto rule) {
    const Step step = made(rule);
    CAPTURE(step.class_name());
    // A column of each type alone: of those that are not for it, it says that it lacks some.
    int taken = 0;
    for (const std::string name : {"a", "t", "kind"}) {
      CAPTURE(name);
      Table alone, empty;
      alone.add(step_rows().column(name));
      Column nothing{.name = name, .type = alone.column(name).type};
      nothing.numbers.assign(nothing.type == ColumnType::text ? 0 : 3, gap);
      nothing.texts.assign(nothing.type == ColumnType::text ? 3 : 0, "");
      empty.add(std::move(nothing));
      // Gives as many rows, or says which step it is that cannot.
      const auto gives = [&](Index rows, auto&& made) {
        try {
          const Table result = made();
          CHECK((result.columns() == 0 || result.rows() == rows));
          return true;
        } catch (const DataError& error) {
          CHECK_THAT(error.what(), Catch::Matchers::ContainsSubstring(std::string(step.class_name())));
          return false;
        }
      };
      taken += gives(6, [&] { return step.fit(alone).apply(alone); });
      gives(6, [&] {
        const Step fitted = step.fit(alone);
        return fitted.invert(fitted.apply(alone), &alone);
      });
      gives(3, [&] { return step.fit(alone).apply(empty); });
      gives(3, [&] { return step.fit(empty).apply(empty); });
      gives(6, [&] {
        const Step fitted = step.fit(empty);
        CHECK(BuiltinSteps::make(fitted.class_name(), fitted.config()) == fitted);
        return fitted.apply(alone);
      });
    }
    CHECK(taken >= 1);
  });
}

TEST_CASE("no step learns from rows that are held out, and what it makes of them stays held out") {
  BuiltinSteps::for_each([](auto rule) {
    const Step step = made(rule);
    CAPTURE(step.class_name());
    Table held = step_rows();
    held.hold_out();
    CHECK_THROWS_WITH(step.fit(held), Catch::Matchers::ContainsSubstring("held out for validation or test"));
    if constexpr (requires { rule.fitted_columns; }) {  // the struct by itself
      if constexpr (requires { rule.columns; }) rule.columns = {"a"};
      CHECK_THROWS_WITH(rule.fit(held), Catch::Matchers::ContainsSubstring("held out for validation or test"));
    }
    CHECK(step.fit(step_rows()).apply(held).is_held_out());
    CHECK_FALSE(step.fit(step_rows()).apply(step_rows()).is_held_out());
  });
}

TEST_CASE("what a step says of its columns is what it does") {
  BuiltinSteps::for_each([](auto rule) {
    const Step fitted = made(rule).fit(step_rows());
    CAPTURE(fitted.class_name());
    const Table before = step_rows(), after = fitted.apply(before);
    for (const std::string& name : before.names())
      for (const std::string& output : fitted.outputs_of(name)) CHECK(after.contains(output));
    for (const std::string& name : after.names())
      for (const std::string& source : fitted.sources_of(name)) CHECK(before.contains(source));
  });
}

TEST_CASE("a file that names no step is refused with those there are") {
  CHECK_THROWS_WITH(BuiltinSteps::make("Sum", Config::Object{}, "step"),
                    "unknown step \"Sum\"; maas knows Drop, DropMissingRows, Impute, ClipOutliers, MinMax, Standard, "
                    "Robust, Log, Power, OneHot, Ordinal, TimeFeatures, Difference, Lag, ValidRange, ReplaceTexts, "
                    "DropDuplicateRows");
  CHECK_THROWS_WITH(BuiltinSteps::make("Impute", Config{}.set("fill", "mode")),
                    "Impute fill: expected one of mean, median, constant, most_frequent, forward_fill, "
                    "linear_interpolation, got \"mode\"");
  CHECK_THROWS_AS(BuiltinSteps::make("OneHot", Config{}.set("unseen", "maybe")), ConfigError);
}
