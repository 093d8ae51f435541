// Recipes for files that are larger than memory.
#include <algorithm>
#include <cmath>

#include "maas/data/times.hpp"
#include "maas/io/hdf5.hpp"
#include "maas/layers/input_layer.hpp"
#include "recipe/drawn_rows.hpp"
#include "recipe/flow.hpp"
#include "recipe/stream_steps.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

/// What a page shows of the test rows.
std::string test_part(const std::string& page) {
  const std::size_t begin = page.find("<h2>test</h2>"), end = page.find("<h2>", begin + 1);
  return begin == page.npos ? "" : page.substr(begin, end - begin);
}

/// The number of pictures in it.
std::size_t drawings_in(const std::string& page) {
  std::size_t found = 0;
  for (std::size_t place = page.find("<svg"); place != page.npos; place = page.find("<svg", place + 1)) ++found;
  return found;
}

/// A reading every ten minutes, with gaps in all columns.
void write_days(const std::string& path, int rows) {
  std::string text = "time,speed,flow\n";
  for (int i = 0; i < rows; ++i) {
    const double day = 2 * 3.14159265358979 * i / 144;
    text += fmt::format("{},{:.5g},{}\n", i % 97 == 5 ? "" : format_time(1704067200.0 + 600.0 * i),
                        50 + 10 * std::sin(day), i % 31 == 7 ? "" : fmt::format("{:.5g}", 9 * std::cos(day) + i % 7));
  }
  write_text(path, text);
}

const std::vector<std::string> of_days{
    "data.files=days.csv", R"(split={"validation": 0.1, "test": 0.8})",
    R"(pipeline={"steps": [{"class": "drop_missing_rows", "columns": ["time", "flow"]}, "time_features",
                           {"class": "standard", "columns": ["speed", "flow"]}],
                 "features": ["time", "speed"], "targets": ["flow"], "out_of_range": "clip"})",
    "training.epochs=1", "training.callbacks=[]"};

}  // namespace

TEST_CASE("a recipe in a stream has the bits of one in memory where nothing is shuffled") {
  write_rows("flow.csv");
  const RecipeResult whole = run_recipe(flow({"output.report=whole.html"}), silent);
  const RecipeResult streamed =
      run_recipe(flow({in_blocks, "output.report=stream.html", "output.model=stream.h5"}), silent);
  CHECK(streamed.rows.training == 140);
  CHECK(streamed.rows.validation == 20);
  CHECK(streamed.rows.test == 40);
  CHECK(*streamed.model.info().pipeline == *whole.model.info().pipeline);
  CHECK(streamed.model.get_weights() == whole.model.get_weights());
  CHECK(streamed.history["val_loss"] == whole.history["val_loss"]);
  REQUIRE(streamed.evaluations.size() == 2);
  CHECK(streamed.evaluations[1].targets[0].answers.size() == 3);  // the model, the mean, that at the hour of the week
  for (std::size_t i = 0; i < 2; ++i) check_same_scores(streamed.evaluations[i], whole.evaluations[i]);
  CHECK(streamed.evaluations[1].text().find("flow, 40 rows") != std::string::npos);
  CHECK(text_of("stream.html").find("flow, 40 rows") != std::string::npos);
  CHECK(load_model("stream.h5").predict_table(read_csv("flow.csv")).numbers("flow") ==
        whole.model.predict_table(read_csv("flow.csv")).numbers("flow"));
  CHECK(drawings_in(test_part(text_of("whole.html"))) == 3);
  CHECK(test_part(text_of("stream.html")) == test_part(text_of("whole.html")));
  // What is kept of the training rows.
  CHECK(streamed.model.info().reference == whole.model.info().reference);
  CHECK(streamed.model.info().baselines == whole.model.info().baselines);
  CHECK(TableBaselines::from(*whole.model.info().baselines).targets.at(0).hours.size() == 168);
}

TEST_CASE(
    "shuffled streams end with the same bits, read ahead or not, and in blocks that hold all with those of Streamed") {
  write_rows("flow.csv");
  const std::vector<std::string> shuffled{"training.shuffle=true", in_blocks};
  std::vector<std::string> waiting = shuffled;
  waiting.emplace_back("data.stream.prefetch=false");
  const RecipeResult result = run_recipe(flow(shuffled), silent);
  CHECK(result.model.get_weights() == run_recipe(flow(shuffled), silent).model.get_weights());
  CHECK(result.model.get_weights() == run_recipe(flow(waiting), silent).model.get_weights());
  CHECK(result.model.get_weights() != run_recipe(flow(), silent).model.get_weights());
  // The same by hand: samples that the pipeline makes, in blocks.
  const Table rows = read_csv("flow.csv");
  const Pipeline& pipeline = *result.model.info().pipeline;
  const Matrix x = pipeline.apply(rows), y = pipeline.targets(rows);
  const auto samples = [&](const RowRange& range) {
    return Dataset(Streamed({.read =
                                 [&](Index first, MatrixView to_x, MatrixView to_y) {
                                   to_x = x.middleRows(first, to_x.rows());
                                   to_y = y.middleRows(first, to_y.rows());
                                 },
                             .rows = 200,
                             .features = Shape{x.cols()},
                             .targets = Shape{1}},
                            {.block_rows = 7, .mixed_blocks = 3, .rows = range}));
  };
  const Recipe recipe = flow(shuffled);
  std::vector<Layer> layers{InputLayer{Shape{x.cols()}}};
  layers.insert(layers.end(), recipe.network.layers.begin(), recipe.network.layers.end());
  Model model{Network(Graph(layers))};
  model.initialize(0);
  model.compile(recipe.training.compile);
  model.fit(samples({0, 140}), {.epochs = 5,
                                .batch_size = 16,
                                .verbose = 0,
                                .callbacks = {EarlyStopping{.patience = 2}},
                                .validation_set = samples({140, 160})});
  CHECK(model.get_weights() == result.model.get_weights());
}

TEST_CASE("rows that steps leave out are left out of a stream, too") {
  write_rows("flow.csv");
  // The third step learns from what the first and the second leave; no row of the first two blocks stays.
  const std::vector<std::string> dropping{R"(pipeline.steps=[
      {"class": "valid_range", "columns": ["speed"], "low": 0, "high": 59},
      {"class": "drop_missing_rows", "columns": ["speed", "count"]}, "one_hot", "time_features",
      {"class": "min_max", "columns": ["count"]}, {"class": "standard", "columns": ["speed", "flow"]}])"};
  std::vector<std::string> streamed = dropping;
  streamed.push_back(in_blocks);
  for (const bool late : {false, true}) {
    if (late) {
      std::string text = text_of("flow.csv"), head = text.substr(0, text.find('\n') + 1);
      for (int i = 0; i < 20; ++i) head += fmt::format("2023-12-31 {:02d}:00,,1,car,1\n", i);
      write_text("flow.csv", head + text.substr(text.find('\n') + 1));
    }
    const RecipeResult whole = run_recipe(flow(dropping), silent), parts = run_recipe(flow(streamed), silent);
    CHECK(whole.rows.left_out > 20);
    CHECK(parts.rows.left_out == whole.rows.left_out);
    CHECK(*parts.model.info().pipeline == *whole.model.info().pipeline);
    CHECK(parts.model.get_weights() == whole.model.get_weights());
    CHECK(parts.history["val_loss"] == whole.history["val_loss"]);
    CHECK(parts.evaluations[1].unanswered == whole.evaluations[1].unanswered);
  }
  std::vector<std::string> shuffled = streamed;
  shuffled.emplace_back("training.shuffle=true");
  CHECK(run_recipe(flow(shuffled), silent).model.get_weights() ==
        run_recipe(flow(shuffled), silent).model.get_weights());
}

TEST_CASE("what comes in the test rows of a stream changes nothing that is learned") {
  write_rows("flow.csv");
  const RecipeResult before = run_recipe(flow({in_blocks}), silent);
  write_rows("flow.csv", 200, 160);
  const RecipeResult after = run_recipe(flow({in_blocks}), silent);
  CHECK(*before.model.info().pipeline == *after.model.info().pipeline);
  CHECK(before.model.get_weights() == after.model.get_weights());
  CHECK(before.evaluations[1].targets[0].answers[0].scores != after.evaluations[1].targets[0].answers[0].scores);
}

TEST_CASE("classes in a stream have the scores they have in memory") {
  write_rows("flow.csv");
  const std::vector<std::string> classes{
      R"(pipeline={"steps": ["impute", "ordinal"], "features": ["speed", "count"], "targets": ["kind"], "out_of_range": "pass"})",
      R"(network.layers=[{"class": "dense", "units": 2, "activation": "softmax"}])",
      "training.loss=sparse_categorical_crossentropy", R"(training.class_weight={"car": 2})"};
  std::vector<std::string> streamed = classes;
  streamed.push_back(in_blocks);
  const RecipeResult whole = run_recipe(flow(classes), silent), parts = run_recipe(flow(streamed), silent);
  CHECK(parts.model.get_weights() == whole.model.get_weights());
  for (std::size_t i = 0; i < 2; ++i) check_same_scores(parts.evaluations[i], whole.evaluations[i]);
  CHECK(parts.evaluations[1].targets[0].answers[1].name == "majority class");
  CHECK(parts.evaluations[1].targets[0].error_by_hour.empty());  // no feature needs a time
  CHECK(parts.model.info().baselines == whole.model.info().baselines);
  CHECK(TableBaselines::from(*parts.model.info().baselines).targets[0].majority == "bus");

  // And a target of 0 and 1 behind a binary cross-entropy.
  std::string text = "x,y\n";
  for (int i = 0; i < 60; ++i) text += fmt::format("{},{}\n", i % 7, i % 7 > 3 ? 1 : 0);
  write_text("bits.csv", text);
  const std::vector<std::string> bits{"data.files=bits.csv", R"(pipeline={"features": ["x"], "targets": ["y"]})",
                                      R"(network.layers=[{"class": "dense", "units": 1, "activation": "sigmoid"}])",
                                      "training.loss=binary_crossentropy"};
  streamed = bits;
  streamed.push_back(in_blocks);
  const RecipeResult streamed_bits = run_recipe(flow(streamed), silent), whole_bits = run_recipe(flow(bits), silent);
  check_same_scores(streamed_bits.evaluations[1], whole_bits.evaluations[1]);
  CHECK(streamed_bits.model.info().baselines == whole_bits.model.info().baselines);
}

TEST_CASE("of more rows than are drawn a stream keeps every k-th, and errors at all hours are those in memory") {
  write_days("days.csv", 9000);
  const RecipeResult whole = run_recipe(flow(of_days), silent);
  std::vector<std::string> changes = of_days;
  changes.emplace_back(R"(data.stream={"block_rows": 500, "mixed_blocks": 3})");
  changes.emplace_back("output.report=days.html");
  const RecipeResult parts = run_recipe(flow(changes), silent);
  check_same_scores(parts.evaluations[1], whole.evaluations[1]);
  CHECK(parts.model.info().baselines == whole.model.info().baselines);
  const TargetEvaluation &all = whole.evaluations[1].targets[0], &some = parts.evaluations[1].targets[0];
  CHECK(some.rows.empty());
  REQUIRE(all.truth.size() > 6000);
  // Of about 7000 every fourth.
  REQUIRE(some.sample.truth.size() == (all.truth.size() + 3) / 4);
  CHECK(some.sample.times.size() == some.sample.truth.size());
  for (std::size_t i = 0; i < some.sample.truth.size(); ++i) {
    CHECK(some.sample.truth[i] == all.truth[4 * i]);
    CHECK(some.sample.predicted[i] == Approx(all.predicted[4 * i]).epsilon(1e-5));
  }
  std::vector<double> sums(24, 0), counts(24, 0), week;
  const std::vector<double>& times = whole.evaluations[1].times;
  for (std::size_t i = 0; i < all.rows.size(); ++i) {
    const double time = times[static_cast<std::size_t>(all.rows[i])];
    if (std::isnan(time)) continue;
    const auto hour = static_cast<std::size_t>(std::fmod(time, 86400) / 3600);
    sums[hour] += std::abs(all.predicted[i] - all.truth[i]), ++counts[hour];
    if (time >= times.back() - 7 * 86400) week.push_back(time);
  }
  REQUIRE(some.error_by_hour.size() == 24);
  for (std::size_t hour = 0; hour < 24; ++hour)
    CHECK(some.error_by_hour[hour] == Approx(sums[hour] / counts[hour]).epsilon(1e-6));
  CHECK(some.last_week.times == week);
  CHECK(week.size() > 900);
  CHECK(drawings_in(test_part(text_of("days.html"))) == 3);
}

TEST_CASE("a sample of rows is evenly spaced, of the last seconds, and never larger than it may be") {
  using maas::recipe::RowSample;
  for (const std::size_t rows : {0U, 1U, 10U, 11U, 20U, 21U, 1000U, 1001U}) {
    RowSample sample(10);
    for (std::size_t i = 0; i < rows; ++i) sample.add({std::nan(""), static_cast<double>(i), -static_cast<double>(i)});
    const DrawnRows found = sample.rows();
    CAPTURE(rows);
    CHECK(found.truth.size() <= 10);
    CHECK(found.truth.size() >= std::min<std::size_t>(rows, 5));
    const double stride = found.truth.size() > 1 ? found.truth[1] : 1;
    for (std::size_t i = 0; i < found.truth.size(); ++i) {
      CHECK(found.truth[i] == stride * static_cast<double>(i));
      CHECK(found.predicted[i] == -found.truth[i]);
    }
    if (rows > 0) CHECK(found.truth.back() + stride >= static_cast<double>(rows));
  }
  RowSample week(10, 7);  // also of times that do not come in order
  for (const int time : {5, 3, 90, 1, 93, 86, 97, 95}) week.add({static_cast<double>(time), 0, 0});
  CHECK(week.rows().times == std::vector<double>{90, 93, 97, 95});
  RowSample long_ago(10, 7);
  for (int time = 0; time < 1000; ++time) long_ago.add({static_cast<double>(time), 0, 0});
  CHECK(long_ago.rows().times == std::vector<double>{992, 993, 994, 995, 996, 997, 998, 999});
}

TEST_CASE("of classes in a stream the page shows the share of wrong answers by hour that it shows in memory") {
  write_rows("flow.csv");
  std::string text = "time,x,y\n";
  for (int i = 0; i < 300; ++i)
    text += fmt::format("{},{},{}\n", format_time(1704067200.0 + 2500.0 * i), i % 7, i % 7 > 3 || i % 10 == 3 ? 1 : 0);
  write_text("bits.csv", text);
  const std::vector<std::string> kinds{
      R"(pipeline={"steps": ["impute", "time_features", "ordinal"], "features": ["time", "speed"], "targets": ["kind"], "out_of_range": "pass"})",
      R"(network.layers=[{"class": "dense", "units": 2, "activation": "softmax"}])",
      "training.loss=sparse_categorical_crossentropy"};
  const std::vector<std::string> bits{
      "data.files=bits.csv", R"(pipeline={"steps": ["time_features"], "features": ["time", "x"], "targets": ["y"]})",
      R"(network.layers=[{"class": "dense", "units": 1, "activation": "sigmoid"}])",
      "training.loss=binary_crossentropy"};
  for (std::vector<std::string> changes : {kinds, bits}) {
    changes.emplace_back("output.report=kinds.html");
    run_recipe(flow(changes), silent);
    const std::string whole = test_part(text_of("kinds.html"));
    const RecipeResult parts = run_recipe(flow(with_stream(changes)), silent);
    const TargetEvaluation& found = parts.evaluations[1].targets[0];
    CHECK(found.is_class);
    CHECK(found.sample.truth.empty());
    CHECK(std::ranges::any_of(found.error_by_hour, [](double share) { return share > 0; }));
    CHECK(whole.find("share of wrong answers by hour") != std::string::npos);
    CHECK(test_part(text_of("kinds.html")) == whole);
  }
}

TEST_CASE("HDF5 files and several files after each other are streamed as they are read in memory") {
  Matrix x(90, 2), y(90, 1);
  for (Index i = 0; i < 90; ++i) {
    x(i, 0) = Scalar(i % 7);
    x(i, 1) = Scalar(i % 5);
    y(i, 0) = 3 * x(i, 0) - x(i, 1);
  }
  write_hdf5("samples.h5", {{"x", x}, {"y", y}});
  const std::vector<std::string> hdf5{
      "data.files=samples.h5", R"(pipeline={"steps": ["standard"], "features": ["x_0", "x_1"], "targets": ["y"]})"};
  std::vector<std::string> streamed = hdf5;
  streamed.push_back(in_blocks);
  CHECK(run_recipe(flow(streamed), silent).model.get_weights() == run_recipe(flow(hdf5), silent).model.get_weights());

  write_rows("flow.csv", 100);
  write_rows("flow2.csv", 70);
  const std::vector<std::string> two{R"(data.files=["flow.csv", "flow2.csv"])", "data.file_column=road",
                                     R"(pipeline.features=["road", "speed", "count", "kind"])",
                                     "pipeline.steps[3]=\"one_hot\"",
                                     "pipeline.steps[4]={\"class\": \"drop\", \"columns\": [\"time\"]}"};
  streamed = two;
  streamed.push_back(in_blocks);
  const RecipeResult result = run_recipe(flow(streamed), silent);
  CHECK(result.rows.all == 170);
  CHECK(result.model.get_weights() == run_recipe(flow(two), silent).model.get_weights());
}

TEST_CASE("times that are counted go on from file to file, in a stream as in memory") {
  write_rows("flow.csv", 100);
  write_rows("flow2.csv", 70);
  const std::vector<std::string> changes{R"(data.files=["flow.csv", "flow2.csv"])",
                                         R"(data.times={"column": "clock", "start": "2024-02-01", "seconds": 600})",
                                         R"(pipeline.features=["clock", "speed", "count", "kind"])",
                                         R"(pipeline.steps[4]={"class": "time_features", "columns": ["clock"]})"};
  const RecipeResult streamed = run_recipe(flow(with_stream(changes)), silent);
  CHECK(streamed.rows.all == 170);
  CHECK(streamed.model.get_weights() == run_recipe(flow(changes), silent).model.get_weights());
  std::vector<std::string> others = changes;
  others[1] = R"(data.times={"column": "clock", "start": "2024-02-01", "seconds": 601})";
  CHECK(run_recipe(flow(others), silent).model.get_weights() != streamed.model.get_weights());
}

TEST_CASE("a base goes on learning from a stream") {
  write_rows("flow.csv");
  run_recipe(flow({"output.model=base.h5"}), silent);
  const auto on = [](const std::string& stream) {
    return run_recipe(parse_recipe(R"({"base": "base.h5", "data": {"files": "flow.csv"}, "split": {"test": 0.2},
                                       "training": {"epochs": 2, "shuffle": false}})",
                                   "b.json", stream.empty() ? std::vector<std::string>{} : std::vector{stream}),
                      silent);
  };
  CHECK(on(in_blocks).model.get_weights() == on("").model.get_weights());
}

TEST_CASE("parts of a CSV file hold what the whole file holds") {
  // In the last rows a number turns out to be a text, a date to have its month first, and another one to be none.
  std::string text = "a;b;c;d\r\n# comment\r\n";
  for (int i = 0; i < 3000; ++i) text += fmt::format("{};0{}/0{}/2024;{};\r\n", i, 1 + i % 9, 1 + i % 7, "2024-01-02");
  text += "\"x;\n\"\"y\";05/25/2024;never;\r\n";
  write_text("late.csv", text);
  const Table whole = read_csv("late.csv", {.comment = '#'});
  const TableParts parts = csv_parts("late.csv", {.comment = '#'});
  REQUIRE(parts.rows == 3001);
  CHECK(parts.rows == whole.rows());
  for (const auto& [first, count] : {std::pair<Index, Index>{0, 3001}, {1023, 2}, {2990, 11}, {5, 0}, {3000, 1}}) {
    const Table part = parts.read(first, count), expected = whole.part(first, first + count);
    CAPTURE(first, count);
    REQUIRE(part.names() == expected.names());
    for (Index i = 0; i < part.columns(); ++i) {
      CHECK(part.column(i).type == expected.column(i).type);
      CHECK(part.column(i).texts == expected.column(i).texts);
      if (i != 3) CHECK(part.column(i).numbers == expected.column(i).numbers);
    }
  }
  CHECK(whole.column("b").type == ColumnType::time);
  CHECK(whole.column("d").type == ColumnType::number);
  CHECK(parts.read(0, 1).column("a").why_text == whole.column("a").why_text);
  CHECK(parts.read(0, 1).column("b").why_text.empty());
  CHECK(csv_parts("late.csv", {.comment = '#', .types = {{"b", ColumnType::text}}}).read(0, 1).texts("b")[0] ==
        "01/01/2024");
  CHECK_THROWS_WITH(csv_parts("late.csv", {.comment = '#', .types = {{"a", ColumnType::number}}}).read(2999, 2),
                    Catch::Matchers::StartsWith("late.csv:3003:1: expected a number in \"a\", got \"x;"));
  CHECK_THROWS_WITH(csv_parts("late.csv", {.comment = '#', .types = {{"e", ColumnType::number}}}),
                    Catch::Matchers::ContainsSubstring("expected a column \"e\""));
  write_text("orders.csv", "a,b\n25/01/2024,01/25/2024\n");
  CHECK_THROWS_WITH(csv_parts("orders.csv", {}),
                    Catch::Matchers::ContainsSubstring("expected dates of one order in all columns"));
}

TEST_CASE("rows of files that are held out are so in every part that is read, and no stream learns from them") {
  write_rows("flow.csv", 100);
  write_rows("flow2.csv", 50);
  maas::recipe::RowFiles files(flow({R"(data.files=["flow.csv", "flow2.csv"])"}));
  files.hold_out({120, 135});
  files.hold_out({135, 150});
  CHECK_FALSE(files.read(0, 120).is_held_out());
  CHECK(files.read(90, 40).held_out_rows().front() == 30);
  CHECK(files.read(90, 40).held_out_rows().size() == 10);
  CHECK(files.read(130, 10).held_out_rows().size() == 10);
  const PipelineOptions options{.steps = {Standard{.columns = {"flow"}}}, .features = {"flow"}};
  const maas::recipe::Place place{"f.json"};
  CHECK(maas::recipe::learn_pipeline(options, {files, {{0, 120}}, 7}, place).is_fitted());
  CHECK_THROWS_WITH(
      maas::recipe::learn_pipeline(options, {files, {{0, 121}}, 7}, place),
      "stream: expected training rows to learn from, got 2 rows, of which 1 is held out for validation or "
      "test, row 1 (counted from 0)");
  CHECK_THROWS_AS(maas::recipe::learn_pipeline({.features = {"flow"}}, {files, {{0, 121}}, 7}, place), DataError);
}

TEST_CASE("a column that a cell makes texts of is told with the file and the place of the cell, as in memory") {
  write_rows("flow.csv");
  std::string text = text_of("flow.csv");
  const std::size_t end = text.rfind('\n', text.size() - 2), comma = text.rfind(',');
  write_text("flow.csv", text.substr(0, comma) + ",many\n");  // the last of 200 rows, in line 201
  CHECK(end < comma);
  const std::string cell = "(flow.csv:201:5: expected a number, got \"many\")";
  for (const std::string stream : {"", in_blocks.c_str()}) {
    std::vector<std::string> changes{R"(pipeline={"steps": [{"class": "standard", "columns": ["flow"]}],
                                                  "features": ["speed"], "targets": ["flow"]})"};
    if (!stream.empty()) changes.push_back(stream);
    const std::string problem = problem_of(changes);
    INFO(problem);
    CHECK(problem.find("f.json: pipeline") == 0);
    CHECK(problem.find("expected numbers in column \"flow\", got text") != std::string::npos);
    CHECK(problem.find(cell) != std::string::npos);
  }
  for (const std::string step : {R"({"class": "impute", "columns": ["flow"]})", R"("min_max")"}) {
    const std::string problem = problem_of(
        {in_blocks, "pipeline.steps=[" + step + "]", R"(pipeline.features=["flow"])", R"(pipeline.targets=["speed"])"});
    INFO(problem);
    CHECK((step == R"("min_max")" || problem.find("got texts " + cell) != std::string::npos));
  }
  // Files that follow each other: which of them, which cell.
  write_rows("whole.csv");
  for (const std::string stream : {"", in_blocks.c_str()}) {
    std::vector<std::string> changes{R"(data.files=["whole.csv", "flow.csv"])"};
    if (!stream.empty()) changes.push_back(stream);
    CHECK(problem_of(changes) ==
          "flow.csv: expected in column \"flow\" what whole.csv has there, numbers; got texts " + cell +
              "; data.types of a recipe says what a column holds, data.dates how dates are meant");
  }
  // A column of numbers in one block and of times in another one is one of texts: the first cell that is no number.
  std::string mixed = "a,b\n";
  for (int i = 0; i < 40000; ++i) mixed += i < 39999 ? "1,2024-01-02\n" : "2024-01-02,3\n";
  write_text("mixed.csv", mixed);
  const TableParts parts = csv_parts("mixed.csv", {});
  const Table whole = read_csv("mixed.csv");
  for (const std::string name : {"a", "b"}) {
    CHECK(whole.column(name).type == ColumnType::text);
    CHECK(parts.read(0, 1).column(name).why_text == whole.column(name).why_text);
  }
  CHECK(whole.column("a").why_text == "mixed.csv:40001:1: expected a number, got \"2024-01-02\"");
  CHECK(csv_parts("mixed.csv", {.types = {{"a", ColumnType::text}}}).read(0, 1).column("a").why_text.empty());
}

TEST_CASE("what cannot be done in a stream is said with the path of its key") {
  write_rows("flow.csv");
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{R"(pipeline.steps[1]={"class": "impute", "fill": "median"})"},
       "f.json: pipeline.steps[1].fill: median cannot learn in a stream, as it has to see all numbers at once; "
       "standard,"},
      {{R"(pipeline.steps[1]={"class": "impute", "fill": "forward_fill"})"},
       "f.json: pipeline.steps[1].fill: a fill along the rows cannot learn in a stream, as it looks at other rows"},
      {{R"(pipeline.steps[5]="robust")"}, "f.json: pipeline.steps[5]: Robust cannot learn in a stream"},
      {{R"(pipeline.steps[5]="power")"}, "f.json: pipeline.steps[5]: Power cannot learn"},
      {{R"(pipeline.steps[5]="clip_outliers")"}, "f.json: pipeline.steps[5]: ClipOutliers cannot learn"},
      {{R"(pipeline.steps[0]="drop_duplicate_rows")"}, "f.json: pipeline.steps[0]: DropDuplicateRows cannot learn"},
      {{R"(pipeline.steps[5]={"class": "lag", "columns": ["speed"], "lags": [1]})"},
       "f.json: pipeline.steps[5]: Lag cannot learn in a stream, as it looks at other rows"},
      {{"split.by=random"}, "f.json: split.by: expected \"time\" beside data.stream"},
      {{"data.drop_duplicates=true"}, "f.json: data.drop_duplicates: expected none beside data.stream"},
      {{R"(cross_validation={"by": "stratified", "column": "kind"})"},
       "f.json: cross_validation.by: expected \"k_fold\" or \"rolling_origin\" beside data.stream"},
      {{R"(cross_validation={"shuffle": true})"},
       "f.json: cross_validation.shuffle: expected false beside data.stream"},
      {{R"(tuner={"space": {"data.stream": [{"block_rows": 3}]}})"},
       "f.json: tuner.space.data.stream: expected a key within it, such as data.stream.mixed_blocks"},
      {{"training.class_weight=balanced"}, "f.json: training.class_weight: expected none beside data.stream"},
      {{"output.predictions=p.csv"}, "f.json: output.predictions: expected none beside data.stream"},
      {{"data.stream.mixed_blocks=0"}, "f.json: data.stream.mixed_blocks: expected from 1 to 1048576 blocks, got 0"},
      {{"data.stream.block=7"},
       "f.json: data.stream: expected keys of block_rows, mixed_blocks, prefetch; got \"block\""},
      {{R"(pipeline.steps[1]={"class": "impute", "columns": ["count"]})"},
       "f.json: pipeline.steps: expected finite numbers in \"speed\", got nan in row 3"},
      {{"data.files=none.csv"}, "none.csv"},
      {{"pipeline.targets=[\"flow\", \"flaw\"]"}, "flaw"},
  };
  for (const auto& [changes, expected] : cases) {
    const std::string problem = problem_of(with_stream(changes));
    INFO(changes[0] << "\n" << problem);
    CHECK(problem.find(expected) != std::string::npos);
  }
}

TEST_CASE("a target of categories, a column each, trains in a stream as in memory") {
  write_rows("flow.csv");
  const std::vector<std::string> kinds{
      R"(pipeline={"steps": ["impute", "one_hot"], "features": ["speed"], "targets": ["kind"], "out_of_range": "pass"})",
      R"(network.layers=[{"class": "dense", "units": 2, "activation": "softmax"}])",
      "training.loss=categorical_crossentropy"};
  std::vector<std::string> streamed = kinds;
  streamed.push_back(in_blocks);
  const RecipeResult whole = run_recipe(flow(kinds), silent), parts = run_recipe(flow(streamed), silent);
  CHECK(parts.model.get_weights() == whole.model.get_weights());
  check_same_scores(parts.evaluations[1], whole.evaluations[1]);
  CHECK(parts.model.info().baselines == whole.model.info().baselines);
}
