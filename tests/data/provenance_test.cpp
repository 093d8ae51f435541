// Nothing is judged by rows that it has learned from, whichever way they were cut out and in whichever order.
#include <algorithm>
#include <thread>

#include "data/split_tables.hpp"
#include "maas/data/learned_rows.hpp"
#include "maas/data/row_marks.hpp"

using namespace maas;
using namespace maas::tests;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string refusal = "to judge by that it has not learned from, got ";

/// Steps that learn, as handles; each makes something of the columns of `readings`.
std::vector<Step> learning_steps() {
  return {Impute{.columns = {"speed"}, .fill = Fill::median},
          ClipOutliers{.columns = {"flow"}},
          MinMax{.columns = {"flow"}},
          Robust{.columns = {"flow"}},
          Power{.columns = {"flow"}},
          Standard{.columns = {"flow"}},
          OneHot{.columns = {"kind"}, .unseen = Unseen::ignore},
          Ordinal{.columns = {"kind"}, .unseen = Unseen::ignore}};
}

/// A struct of its own fitted, then applied, without a handle.
template <class Rule>
void check_struct(Rule rule, const Table& all) {
  CAPTURE(Rule::class_name);
  Rule other = rule;
  rule.fit(all);
  CHECK_NOTHROW(rule.apply(all));  // not to judge by
  const Table test = RowRange{.begin = 32, .end = 40, .held_out = true}.of(all);
  CHECK_THROWS_WITH(rule.apply(test), ContainsSubstring(refusal));
  CHECK_THROWS_WITH(Step(rule).apply(test), ContainsSubstring(refusal));
  CHECK_THROWS_WITH(Step(rule).fit(all.part(0, 10)).apply(test), ContainsSubstring(refusal));  // it keeps what it knows
  CHECK_THROWS_WITH(Pipeline({.steps = {rule}, .features = {"flow"}}).fit(all.part(0, 10)).apply(test),
                    ContainsSubstring(refusal));
  other.fit(all.part(0, 32));
  CHECK_NOTHROW(other.apply(test));
}

/// A rule of a user, that learns and does not tell that it has.
struct Largest {
  static constexpr std::string_view class_name = "Largest";
  double largest = 0;

  static void fields(auto& self, auto&& field) { field("largest", self.largest); }
  void fit(const Table& training) {
    for (double value : training.numbers("flow")) largest = std::max(largest, value);
  }
  /// Makes a table of its own.
  Table apply(const Table& table) const {
    Column share{.name = "flow"};
    for (double value : table.numbers("flow")) share.numbers.push_back(value / largest);
    Table made;
    made.add(std::move(share));
    return made;
  }
};

}  // namespace

TEST_CASE("what has learned from all rows is not judged by a split that is made by plain numbers") {
  const Table table = readings(true);
  const Pipeline knows_all = pipeline().fit(table);
  CHECK_NOTHROW(knows_all.samples(table));  // how well it does in training may be asked
  for (const auto& [name, split] : splitters()) {
    CAPTURE(name);
    const auto [train, test] = split(table);
    CHECK_THROWS_WITH(knows_all.apply(test), ContainsSubstring(refusal));
    CHECK_THROWS_WITH(knows_all.prepare(test), ContainsSubstring(refusal));
    CHECK_THROWS_WITH(knows_all.targets(test), ContainsSubstring(refusal));
    CHECK_THROWS_WITH(knows_all.samples(test), ContainsSubstring(refusal));
    const Matrix answers = Matrix::Zero(test.rows(), 1);
    CHECK_THROWS_WITH(knows_all.invert_targets(answers, test), ContainsSubstring(refusal));
    CHECK_THROWS_WITH(knows_all.decode_targets(answers, test), ContainsSubstring(refusal));
    CHECK_NOTHROW(knows_all.samples(train));
    for (const Step& step : learning_steps()) {
      CAPTURE(step.class_name());
      CHECK_THROWS_WITH(step.fit(table).apply(test), ContainsSubstring(refusal));
      CHECK_NOTHROW(step.fit(table).apply(train));
      CHECK_NOTHROW(step.fit(train).apply(test));
    }
    const Pipeline fair = pipeline().fit(train);
    CHECK_NOTHROW(fair.samples(test));
    CHECK_NOTHROW(fair.decode_targets(answers, test));
    CHECK(pipeline().fit(table) == knows_all);  // and what learns last may learn from all
  }
}

TEST_CASE("the refusal tells how many rows, and which") {
  Table table;
  table.add({.name = "flow", .numbers = std::vector<double>(100, 1)});
  for (std::size_t row = 0; row < 100; ++row) table.edit("flow")[row] = static_cast<double>(row);
  const Pipeline pipeline = Pipeline({.steps = {Standard{}}}).fit(table);
  const TimeSplit split = split_by_time(table.rows(), 0, 0.2);
  CHECK_THROWS_WITH(pipeline.apply(split.test.of(table)),
                    "Pipeline: expected rows to judge by that it has not learned from, got 20 rows that are held out "
                    "for validation or test, of which 20, the first of them row 80 (counted from 0) of the table they "
                    "were first in, it has learned from");
  const Step step = Step(Standard{}).fit(table.part(0, 81));
  CHECK_THROWS_WITH(step.apply(split.test.of(table)),
                    "Standard: expected rows to judge by that it has not learned from, got 20 rows that are held out "
                    "for validation or test, of which 1, row 80 (counted from 0) of the table they were first in, it "
                    "has learned from");
  table.hold_out(RowRange{50, 52}, "held out for the road works of May");
  CHECK_THROWS_WITH(step.apply(table.part(10, 60)),
                    ContainsSubstring("got 2 rows that are held out for the road works of May, of which 2, the first "
                                      "of them row 50 (counted from 0)"));
}

TEST_CASE("what has learned from one fold is not judged by another one's test") {
  const Table table = readings(true);
  for (const KFoldOptions& options : {KFoldOptions{.n_splits = 4}, KFoldOptions{.n_splits = 4, .shuffle = true}}) {
    const std::vector<Fold> folds = k_fold(table.rows(), options);
    for (std::size_t i = 0; i < folds.size(); ++i) {
      const Step step = Step(Standard{.columns = {"flow"}}).fit(folds[i].train.of(table));
      const Pipeline learned = pipeline().fit(folds[i].train.of(table));
      for (std::size_t k = 0; k < folds.size(); ++k) {
        CAPTURE(options.shuffle, i, k);
        const Table test = folds[k].test.of(table);
        if (i == k) {
          CHECK_NOTHROW(step.apply(test));
          CHECK_NOTHROW(learned.samples(test));
        } else {
          CHECK_THROWS_WITH(step.apply(test), ContainsSubstring("got 10 rows that are held out for validation or test, "
                                                                "of which 10, the first of them row " +
                                                                std::to_string(folds[k].test.rows[0])));
          CHECK_THROWS_WITH(learned.samples(test), ContainsSubstring(refusal));
        }
      }
    }
  }
}

TEST_CASE("a planted value reaches nothing that its row judges, wherever learning and judging begin and end") {
  const Table plain = readings(false);
  Index refused = 0, judged = 0;
  for (const Index row : {0, 13, 39}) {
    Table planted = plain;
    planted.edit("flow")[static_cast<std::size_t>(row)] = 1e9;
    for (Index begin = 0; begin < 40; begin += 4)
      for (Index end = begin + 4; end <= 40; end += 4) {
        const auto fitted = [&](const Table& table) {
          return Step(Standard{.columns = {"flow"}}).fit(table.part(begin, end));
        };
        const Step knows = fitted(planted), other = fitted(plain);
        for (Index first = std::max<Index>(0, row - 6); first <= row; ++first) {
          const RowRange test{.begin = first, .end = std::min<Index>(40, row + 4), .held_out = true};
          const bool overlap = test.begin < end && begin < test.end;
          if (overlap) {
            ++refused;
            CHECK_THROWS_AS(knows.apply(test.of(planted)), DataError);
          } else {
            ++judged;
            CHECK(to_config(knows) == to_config(other));
            CHECK(knows.apply(test.of(planted)).rows() == test.size());
          }
        }
      }
    // It can fail: what has learned from the row does know.
    const Step all = Step(Standard{.columns = {"flow"}});
    CHECK_FALSE(to_config(all.fit(plain)) == to_config(all.fit(planted)));
  }
  CHECK(refused > 100);
  CHECK(judged > 100);
}

TEST_CASE("structs by themselves remember their rows, and bring them into handles and pipelines") {
  const Table all = readings(false);
  check_struct(Impute{.columns = {"speed"}, .fill = Fill::median}, all);
  check_struct(ClipOutliers{.columns = {"flow"}}, all);
  check_struct(MinMax{.columns = {"flow"}}, all);
  check_struct(Standard{.columns = {"flow"}}, all);
  check_struct(Robust{.columns = {"flow"}}, all);
  check_struct(Log{.columns = {"flow"}}, all);
  check_struct(Power{.columns = {"flow"}}, all);
  check_struct(OneHot{.columns = {"kind"}}, all);
  check_struct(Ordinal{.columns = {"kind"}}, all);
  check_struct(TimeFeatures{.keep = true}, all);
}

TEST_CASE("a handle remembers the rows of a struct of the user's own, whose tables are of the rows they were made of") {
  const Table all = readings(false);
  const Table test = RowList{.rows = {39, 3}, .held_out = true}.of(all);
  const Step knows = Step(Largest{}).fit(all), fair = Step(Largest{}).fit(all.part(4, 39));
  CHECK_THROWS_WITH(knows.apply(test), ContainsSubstring("Largest: expected rows " + refusal + "2 rows"));
  const Table made = fair.apply(test);
  CHECK(made.marks().held_out_rows() == std::vector<Index>{0, 1});
  CHECK_THROWS_WITH(Step(Standard{}).fit(fair.apply(all)).apply(made), ContainsSubstring(refusal));
  CHECK_NOTHROW(Step(Standard{}).fit(fair.apply(all.part(4, 39))).apply(made));
}

TEST_CASE("rows are the same rows in copies, parts, chosen rows, changed tables and what steps make of them") {
  const Table all = readings(false);
  const Step learned = Step(Standard{.columns = {"flow"}}).fit(all.part(0, 20));
  const auto check_known = [&](Table table, bool known) {
    table.hold_out();
    if (known)
      CHECK_THROWS_WITH(learned.apply(table), ContainsSubstring(refusal));
    else
      CHECK_NOTHROW(learned.apply(table));
  };
  const Table copy = all;
  check_known(copy, true);
  check_known(Table(copy), true);
  check_known(all.part(19, 40), true);
  check_known(all.part(20, 40), false);
  check_known(all.part(10, 40).part(5, 15), true);
  check_known(all.part(10, 40).part(10, 15), false);
  check_known(all.select(std::vector<Index>{39, 4, 30}), true);
  check_known(all.select(std::vector<Index>{39, 20, 30}).select(std::vector<Index>{2, 0}), false);
  check_known(all.select(std::vector<Index>{39, 4, 30}).part(1, 2), true);
  check_known(RowRange{5, 6}.of(all), true);
  check_known(RowList{.rows = {1}}.of(all), true);
  check_known(all.part(7, 7), false);  // none

  Table changed = all;
  changed.edit("flow")[0] = 4;
  changed.remove("time");
  changed.replace("kind", {{.name = "else", .numbers = std::vector<double>(count, 1)}});
  changed.add({.name = "more", .numbers = std::vector<double>(count, 1)});
  check_known(changed, true);
  check_known(changed.part(20, 40), false);
  for (const char* name : {"speed", "else", "more"}) changed.remove(name);
  changed.replace("flow", {{.name = "only", .numbers = std::vector<double>(count, 1)}});
  check_known(changed, true);
  changed.remove("only");  // and then another column of the same rows
  changed.add({.name = "again", .numbers = std::vector<double>(count, 1)});
  check_known(changed, true);

  const Pipeline prepares = pipeline().fit(all);
  Table prepared = prepares.prepare(all).part(15, 25);
  check_known(prepared, true);
  check_known(prepared.part(5, 10), false);
  check_known(Step(Lag{.columns = {"flow"}, .lags = {1}}).fit(all).apply(all).part(0, 5), true);

  Table moved_from = all.part(0, 20);
  const Table moved = std::move(moved_from);
  check_known(moved, true);
  moved_from = all.part(20, 40);
  check_known(moved_from, false);
}

TEST_CASE("columns bring their rows into other tables") {
  const Table all = readings(false);
  const Step learned = Step(Standard{.columns = {"flow"}}).fit(all.part(0, 20));
  Table copied;  // column by column
  for (const char* name : {"flow", "kind"}) copied.add(all.column(name));
  CHECK_THROWS_WITH(learned.apply(RowRange{.begin = 19, .end = 40, .held_out = true}.of(copied)),
                    ContainsSubstring("of which 1, row 19 (counted from 0)"));
  CHECK_NOTHROW(learned.apply(RowRange{.begin = 20, .end = 40, .held_out = true}.of(copied)));
  // Learned from there, judged here; the table's own rows are remembered, too.
  Table other;
  other.add({.name = "mine", .numbers = std::vector<double>(count, 1)});
  const Table before = other;
  other.add(all.column("flow"));
  const Step from_other = Step(Standard{.columns = {"flow"}}).fit(other.part(0, 20));
  CHECK_THROWS_WITH(from_other.apply(RowRange{.begin = 0, .end = 2, .held_out = true}.of(all)),
                    ContainsSubstring(refusal));
  CHECK_THROWS_WITH(from_other.apply(RowRange{.begin = 0, .end = 2, .held_out = true}.of(before)),
                    ContainsSubstring(refusal));
  CHECK_NOTHROW(from_other.apply(RowRange{.begin = 20, .end = 40, .held_out = true}.of(all)));
  // Test rows put together again, column by column, are test rows.
  const Table test = RowRange{.begin = 10, .end = 20, .held_out = true}.of(all);
  Table again;
  for (const char* name : {"kind", "flow"}) again.add(test.column(name));
  CHECK_THROWS_WITH(learned.apply(again), ContainsSubstring("got 10 rows that are held out"));
  // Where cells were put in or taken out by hand, nobody knows which is which.
  Column longer = all.column("flow");
  longer.numbers.push_back(1);
  Table fresh;
  fresh.add(longer);
  fresh.hold_out();
  CHECK_NOTHROW(learned.apply(fresh));
  CHECK(fresh.marks().rows() == 41);
}

TEST_CASE("a table that knows its test rows is applied to as a whole by what learned from the others") {
  Table table = readings(true);
  const Pipeline before = pipeline().fit(table), fair = pipeline().fit(table.part(0, 32));
  const Table unmarked = table;
  split_by_time(table, 0, 0.2);
  CHECK_THROWS_WITH(before.samples(table), ContainsSubstring("got 8 rows that are held out for validation or test, of "
                                                             "which 8, the first of them row 32 (counted from 0)"));
  CHECK_NOTHROW(before.samples(table.part(0, 32)));
  CHECK_NOTHROW(before.samples(unmarked));
  // Steps hold out all that they make, and yet the next one knows which rows there are to judge by.
  CHECK(fair.samples(table).x.topRows(20) == fair.samples(unmarked).x.topRows(20));
  CHECK(fair.prepare(table).marks().held_out_rows().size() == 8);
  CHECK(fair.prepare(table).held_out_rows().size() == count);
  Table emptied = table;  // other rows come in, none of which is told apart
  for (const std::string& name : table.names()) emptied.remove(name);
  emptied.add({.name = "flow", .numbers = {1, 2, 3}});
  CHECK(emptied.marks().all_held_out());
}

TEST_CASE("equal tables that were read apart are other rows, and files know of none") {
  const Step learned = Step(Standard{.columns = {"flow"}}).fit(readings(false));
  const Table test = RowRange{.begin = 32, .end = 40, .held_out = true}.of(readings(false));
  CHECK_NOTHROW(learned.apply(test));
  const Table all = readings(false);
  const Pipeline knows_all = pipeline().fit(all);
  const Pipeline read = Pipeline::from(knows_all.config());
  CHECK(read == knows_all);
  CHECK_NOTHROW(read.apply(RowRange{.begin = 32, .end = 40, .held_out = true}.of(all)));
  const Pipeline copy = knows_all;
  CHECK_THROWS_WITH(copy.apply(RowRange{.begin = 32, .end = 40, .held_out = true}.of(all)), ContainsSubstring(refusal));
}

TEST_CASE("marks of rows on end are a place and a number; others keep their order") {
  const RowMarks all = RowMarks::of_new(10), other = RowMarks::of_new(10);
  REQUIRE(all.sources().size() == 1);
  CHECK(all.sources()[0].table != other.sources()[0].table);
  const RowMarks part = all.part(3, 8);
  CHECK(part.rows() == 5);
  CHECK(part.sources()[0].begin == 3);
  CHECK(part.sources()[0].places.empty());
  const RowMarks picked = part.select(std::vector<Index>{4, 0});
  CHECK(picked.sources()[0].places == std::vector<Index>{7, 3});
  CHECK(picked.select(std::vector<Index>{1}).sources()[0].place(0) == 3);
  CHECK(picked.select(std::vector<Index>{1}).sources()[0].places.empty());
  CHECK(all.part(4, 4).rows() == 0);

  CHECK_FALSE(RowMarks().is_known());
  CHECK_FALSE(RowMarks().select(std::vector<Index>{1}).is_known());
  CHECK(RowMarks().rows() == 0);
  CHECK(RowMarks().sources().empty());
  CHECK(RowMarks::of_new().sized(7).rows() == 7);
  CHECK(all.sized(10).same_as(all));
  CHECK(all.sized(9).sources()[0].table != all.sources()[0].table);

  const RowMarks told = all.with_held_out(std::vector<Index>{2, 4});
  CHECK(told.held_out_rows() == std::vector<Index>{2, 4});
  CHECK_FALSE(all.any_held_out());  // it never changes
  CHECK(told.part(2, 3).all_held_out());
  CHECK_FALSE(told.part(5, 9).any_held_out());
  CHECK(told.with_all_held_out().held_out_rows().size() == 10);
  const RowMarks both = told.with(other.with_held_out(std::vector<Index>{9}));
  CHECK(both.sources().size() == 2);
  CHECK(both.held_out_rows() == std::vector<Index>{2, 4, 9});
  CHECK(told.with(RowMarks::of_new(3)).same_as(told));
  CHECK(told.with(told).same_as(told));

  LearnedRows learned;
  CHECK(learned.empty());
  learned.add(RowMarks());
  CHECK(learned.empty());
  learned.add(picked);
  learned.add(other.part(0, 2));
  CHECK(learned.among(all, std::vector<Index>{1, 3, 7, 8}) == std::vector<Index>{3, 7});
  CHECK(learned.among(other, std::vector<Index>{1, 3}) == std::vector<Index>{1});
  CHECK(learned.among(RowMarks::of_new(10), std::vector<Index>{0, 3}).empty());
}

TEST_CASE("parts of a table that are learned from one by one are known as its rows, in whatever order") {
  const RowMarks all = RowMarks::of_new(20), other = RowMarks::of_new(20);
  LearnedRows in_order, mixed;
  for (Index begin = 0; begin < 12; begin += 4) in_order.add(all.part(begin, begin + 4));
  const std::vector<Index> chosen{13, 15};
  for (const RowMarks& part : {all.part(8, 12), all.part(4, 8), all.select(chosen), all.part(16, 17)}) mixed.add(part);
  const std::vector<Index> asked{0, 4, 11, 12, 13, 14, 15, 16, 17};
  CHECK(in_order.among(all, asked) == std::vector<Index>{0, 4, 11});
  CHECK(mixed.among(all, asked) == std::vector<Index>{4, 11, 13, 15, 16});
  CHECK(in_order.among(other, asked).empty());
  mixed.add(in_order);
  CHECK(mixed.among(all, asked) == std::vector<Index>{0, 4, 11, 13, 15, 16});
  in_order.add(other.part(12, 20));  // they do not go on in another table
  CHECK(in_order.among(all, asked) == std::vector<Index>{0, 4, 11});
  CHECK(in_order.among(other, asked) == std::vector<Index>{12, 13, 14, 15, 16, 17});
  const RowMarks again = RowMarks::of_table(all.sources()[0].table, 5, 3);
  CHECK(again.rows() == 3);
  CHECK(again.sources()[0] == all.part(5, 8).sources()[0]);
}

TEST_CASE("tables made by several threads are all of their own, and one may be read by all") {
  const Table shared = readings(false);
  const Step knows = Step(Standard{.columns = {"flow"}}).fit(shared.part(0, 20));
  std::vector<std::uint64_t> numbers(8 * 50);
  std::vector<char> right(8, true);
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < 8; ++thread)
    threads.emplace_back([&, thread] {
      for (std::size_t i = 0; i < 50; ++i) {
        numbers[thread * 50 + i] = readings(false).marks().sources()[0].table;
        const Table test = RowRange{.begin = 20, .end = 40, .held_out = true}.of(shared);
        right[thread] = right[thread] && knows.apply(test).rows() == 20;
      }
    });
  for (std::thread& thread : threads) thread.join();
  std::sort(numbers.begin(), numbers.end());
  CHECK(std::adjacent_find(numbers.begin(), numbers.end()) == numbers.end());
  CHECK(std::count(right.begin(), right.end(), true) == 8);
}
