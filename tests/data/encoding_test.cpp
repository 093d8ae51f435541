#include "maas/data/encoding.hpp"

#include "data/step_tables.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

const Table training = texts_of("kind", {"car", "bus", "car", ""});

}  // namespace

TEST_CASE("one-hot puts a column for each category in the place of the text") {
  Table table = table_of("before", {1, 2, 3, 4});
  table.add(training.column(0));
  table.add({.name = "after", .numbers = {1, 2, 3, 4}});
  const Step step = Step(OneHot{}).fit(table);
  const Table result = step.apply(table);
  CHECK(result.names() == std::vector<std::string>{"before", "kind_", "kind_bus", "kind_car", "after"});
  CHECK(result.numbers("kind_car") == std::vector<double>{1, 0, 1, 0});
  CHECK(result.numbers("kind_bus") == std::vector<double>{0, 1, 0, 0});
  CHECK(result.numbers("kind_") == std::vector<double>{0, 0, 0, 1});
  CHECK(step.outputs_of("kind") == std::vector<std::string>{"kind_", "kind_bus", "kind_car"});
  CHECK(step.sources_of("kind_bus") == std::vector<std::string>{"kind"});
  CHECK(step.sources_of("before") == std::vector<std::string>{"before"});
  CHECK(step.encodes());
}

TEST_CASE("one-hot is undone by the largest number") {
  const Step step = Step(OneHot{}).fit(training);
  CHECK(step.invert(step.apply(training)).texts("kind") == training.texts("kind"));
  Table scores = table_of("kind_", {0, gap, 0});
  scores.add({.name = "kind_bus", .numbers = {0.6, gap, 0}});
  scores.add({.name = "kind_car", .numbers = {0.4, 0.1, 0}});
  CHECK(step.invert(scores).texts("kind") == std::vector<std::string>{"bus", "car", ""});
  CHECK(step.invert(table_of("kind_bus", {1})).names() == std::vector<std::string>{"kind_bus"});
}

TEST_CASE("ordinal codes follow the alphabet, or the order given") {
  const Step step = Step(Ordinal{}).fit(training);
  check_numbers(step.apply(training).numbers("kind"), {1, 0, 1, gap});
  CHECK(step.invert(step.apply(training)).texts("kind") == training.texts("kind"));
  CHECK(step.invert(table_of("kind", {-1, 0.4, 0.6, 2})).texts("kind") ==
        std::vector<std::string>{"", "bus", "car", ""});
  REQUIRE(step.classes_of("kind") != nullptr);
  CHECK(*step.classes_of("kind") == std::vector<std::string>{"bus", "car"});
  CHECK(step.classes_of("other") == nullptr);
  const Step ordered = Step(Ordinal{.order = {"tram", "car", "bus"}}).fit(training);
  check_numbers(ordered.apply(training).numbers("kind"), {1, 2, 1, gap});
  CHECK_THROWS_WITH(
      Step(Ordinal{.order = {"car"}}).fit(training).apply(training),
      "Ordinal: expected a category of the training rows in column \"kind\" (\"car\"), got \"bus\" in row 1 "
      "(counted from 0)");
}

TEST_CASE("a category that training rows had not: an error that names it, or nothing, or a code of its own") {
  const Table unseen = texts_of("kind", {"tram", "bus"});
  CHECK_THROWS_WITH(Step(OneHot{}).fit(training).apply(unseen),
                    "OneHot: expected a category of the training rows in column \"kind\" (\"\", \"bus\", \"car\"), got "
                    "\"tram\" in row 0 (counted from 0)");
  const Table ignored = Step(OneHot{.unseen = Unseen::ignore}).fit(training).apply(unseen);
  CHECK(ignored.numbers("kind_bus") == std::vector<double>{0, 1});
  CHECK(ignored.numbers("kind_car") == std::vector<double>{0, 0});
  CHECK_THROWS_AS(Step(Ordinal{}).fit(training).apply(unseen), DataError);
  const auto codes = [&](Ordinal step) { return Step(step).fit(training).apply(unseen).numbers("kind"); };
  CHECK(codes({.unseen = Unseen::ignore}) == std::vector<double>{-1, 0});
  CHECK(codes({.unseen = Unseen::ignore, .unseen_code = 9}) == std::vector<double>{9, 0});
}

TEST_CASE("many categories are not all listed in an error") {
  std::vector<std::string> many;
  for (char c = 'a'; c <= 'z'; ++c) many.emplace_back(1, c);
  CHECK_THROWS_WITH(Step(OneHot{}).fit(texts_of("kind", many)).apply(texts_of("kind", {"?"})),
                    Catch::Contains("\"h\", ...), got \"?\""));
}

TEST_CASE("encoders say what they cannot use") {
  CHECK_THROWS_WITH(Step(OneHot{}).apply(training), "OneHot: call fit first");
  CHECK_THROWS_WITH(Step(Ordinal{}).apply(training), "Ordinal: call fit first");
  CHECK_THROWS_WITH(Step(OneHot{.columns = {"lane"}}).fit(table_of("lane", {1, 2})),
                    "OneHot: expected text in column \"lane\", got numbers");
  CHECK_THROWS_WITH(Step(OneHot{}).fit(table_of("lane", {1})), "OneHot: expected a column of text, got none");
  CHECK_THROWS_WITH(Step(Ordinal{}).fit(texts_of("kind", {"", ""})),
                    "Ordinal: expected a text in column \"kind\", got none");
  CHECK_THROWS_AS(Step(OneHot{}).fit(texts_of("kind", {})), DataError);
  CHECK_THROWS_AS(Step(Ordinal{.order = {"a", "a"}}), ConfigError);
  Table taken = training;
  taken.add({.name = "kind_car", .numbers = {0, 0, 0, 0}});
  CHECK_THROWS_WITH(Step(OneHot{}).fit(taken).apply(taken), "Table: there is a column \"kind_car\" already");
}

TEST_CASE("one-hot scores below 0 have a largest one, too") {
  Table training;
  training.add({.name = "kind", .type = ColumnType::text, .texts = {"a", "b", "c"}});
  const Step step = Step(OneHot{}).fit(training);
  Table scores;
  scores.add({.name = "kind_a", .numbers = {-1, 0, -3}});
  scores.add({.name = "kind_b", .numbers = {-2, 0, -1}});
  scores.add({.name = "kind_c", .numbers = {-3, 0, -2}});
  CHECK(step.invert(scores).texts("kind") == std::vector<std::string>{"a", "", "b"});
}

TEST_CASE("the code for unseen categories is nobody else's") {
  Table training;
  training.add({.name = "kind", .type = ColumnType::text, .texts = {"a", "b", "c"}});
  CHECK_THROWS_WITH(Step(Ordinal{.columns = {"kind"}, .unseen = Unseen::ignore, .unseen_code = 2}).fit(training),
                    "Ordinal: expected an unseen_code that is no category's (0 to 2), got 2");
  CHECK_NOTHROW(Step(Ordinal{.columns = {"kind"}, .unseen = Unseen::ignore, .unseen_code = 3}).fit(training));
}

TEST_CASE("a column of another text in each row is no category") {
  Column id{.name = "id", .type = ColumnType::text};
  for (std::size_t i = 0; i <= OneHot::most_categories; ++i) id.texts.push_back(std::to_string(i));
  Table table;
  table.add(std::move(id));
  CHECK_THROWS_WITH(OneHot{}.fit(table),
                    "OneHot: expected at most 10000 categories in column \"id\", got 10001; each becomes a column");
}
