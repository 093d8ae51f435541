// What a file keeps beside what Keras knows.
#include "maas/io/info.hpp"

#include "fixtures.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace fixtures;

namespace {

Model described_model() {
  Model model = Sequential{input(3), dense(4, Tanh{}), dense(2)};
  model.compile({.optimizer = Adam{}, .loss = mean_squared_error});
  model.fit(Matrix::Constant(8, 3, Scalar(0.5)), Matrix::Ones(8, 2),
            {.epochs = 2, .batch_size = 4, .verbose = 0, .seed = 18446744073709551615u});
  model.info().inputs = {{{"flow", "vehicles/h"}, {"occupancy", "%"}, {"hour \"of\" day"}}};
  model.info().outputs = {{{"flow in 15 minutes", "vehicles/h"}, {"z\xC3\xA4hler"}}};
  Matrix samples(2, 3);
  samples << 1, 2, 3, Scalar(-0.5), 0, 1;
  model.set_self_test(samples);
  return model;
}

const std::vector<std::pair<std::string, KerasProfile>> forms{{"info.h5", KerasProfile::any},
                                                              {"info.h5", KerasProfile::keras_2},
                                                              {"info.keras", KerasProfile::keras_3},
                                                              {"info.keras", KerasProfile::combined}};

}  // namespace

TEST_CASE("info comes back from every form of file") {
  for (const auto& [name, profile] : forms) {
    const Removed file{name};
    const Model model = described_model();
    model.save(name, {.profile = profile});
    const Model loaded = load_model(name);
    CHECK(loaded.info().inputs == model.info().inputs);
    CHECK(loaded.info().outputs == model.info().outputs);
    CHECK(loaded.info().training == model.info().training);
    REQUIRE(loaded.info().self_test);
    CHECK(loaded.info().self_test->inputs == model.info().self_test->inputs);
    CHECK(loaded.info().self_test->outputs == std::vector<Matrix>{model.predict(model.info().self_test->inputs[0])});
    const std::string bytes = bytes_of(name);
    loaded.save(name, {.profile = profile});
    CHECK(bytes_of(name) == bytes);
  }
}

TEST_CASE("fits are noted: their data, seed and version") {
  Model model = Sequential{input(3), dense(2)};
  model.compile({.optimizer = Sgd{}, .loss = mean_squared_error});
  Matrix x = Matrix::Random(8, 3);
  const Matrix y = Matrix::Random(8, 2);
  const FitOptions options{.epochs = 3, .batch_size = 4, .verbose = 0, .seed = 7};
  model.fit(x, y, options);
  model.fit(x, y, options);
  x(2, 1) += 1;
  model.fit(x, y, options);
  const std::vector<TrainingRun>& runs = model.info().training;
  REQUIRE(runs.size() == 3);
  CHECK(runs[0] == runs[1]);
  CHECK(runs[0].data != runs[2].data);
  CHECK(runs[0].data.size() == 32);
  CHECK(runs[0].data.substr(16) == runs[2].data.substr(16));  // the targets are the same
  CHECK(runs[0].samples == 8);
  CHECK(runs[0].epochs == 3);
  CHECK(runs[0].batch_size == 4);
  CHECK(runs[0].seed == 7);
  CHECK(runs[0].version == MAAS_VERSION);
  for (int i = 0; i < 120; ++i) model.fit(x, y, {.epochs = 1, .batch_size = 8, .verbose = 0});
  CHECK(model.info().training.size() == ModelInfo::most_runs);
}

TEST_CASE("a file whose self-test fails is refused, and read if one insists") {
  for (const auto& [name, profile] : forms) {
    const Removed file{name};
    SavedModel saved = described_model().saved();
    saved.info.self_test->outputs = saved.network.predict(saved.info.self_test->inputs);
    saved.info.self_test->outputs[0](1, 0) += Scalar(0.25);
    write_keras(name, saved, {.profile = profile});
    CHECK_THROWS_WITH(load_model(name), Catch::StartsWith(name + ": the self-test fails: expected ") &&
                                            Catch::Contains("as number 0 of output 0 for sample 1"));
    CHECK_NOTHROW(load_model(name, {.self_test = false}));
  }
}

TEST_CASE("the self-test of a model that trains on is that of its weights now") {
  const Removed file{"later.h5"};
  Model model = described_model();
  model.save(file.path);
  Model loaded = load_model(file.path);
  loaded.fit(Matrix::Ones(8, 3), Matrix::Zero(8, 2), {.epochs = 5, .verbose = 0});
  loaded.save(file.path);
  CHECK_NOTHROW(load_model(file.path));
}

TEST_CASE("a tolerance decides what a self-test takes") {
  const Network network{input(1), dense(1)};
  SelfTest test{.inputs = {Matrix::Ones(2, 1)}, .outputs = network.predict(std::vector<Matrix>{Matrix::Ones(2, 1)})};
  CHECK(run_self_test(test, network).difference == 0);
  test.outputs[0](1, 0) = 100;
  const SelfTestResult result = run_self_test(test, network);
  CHECK(result.sample == 1);
  CHECK(result.expected == 100);
  CHECK(result.difference == std::abs(result.got - 100) / 100);
  test.outputs[0](0, 0) = std::numeric_limits<Scalar>::quiet_NaN();
  CHECK(std::isinf(run_self_test(test, network).difference));
}

TEST_CASE("info that does not fit the model is refused when it is set or saved") {
  Model model = described_model();
  CHECK_THROWS_WITH(model.set_self_test(Matrix::Ones(2, 4)),
                    "self-test: expected 2 x 3 numbers in inputs[0], got 2 x 4");
  CHECK_THROWS_WITH(model.set_self_test(Matrix::Ones(0, 3)), "self-test: expected 1 to 4096 samples, got 0");
  CHECK_THROWS_AS(model.set_self_test(Matrix::Ones(5000, 3)), ConfigError);
  model.info().inputs = {{{"one"}}};
  CHECK_THROWS_WITH(model.save("refused.h5"), "refused.h5: info: expected 3 names in inputs[0], got 1");
  model.info().inputs = {{}, {}};
  CHECK_THROWS_WITH(model.save("refused.h5"), "refused.h5: info: expected names of 1 inputs, got 2");
  CHECK_FALSE(exists("refused.h5"));
}

TEST_CASE("info in a file that does not fit its network is refused") {
  const Removed file{"damaged.h5"};
  described_model().save(file.path);
  std::string bytes = bytes_of(file.path);
  const std::string unit = "\"unit\": \"%\"";
  REQUIRE(bytes.find(unit) != std::string::npos);
  bytes.replace(bytes.find(unit), unit.size(), "\"unit\": 1234");
  write_bytes(file.path, bytes.substr(0, bytes.size()));
  CHECK_THROWS_AS(load_model(file.path), FormatError);
}

namespace {

// Raw rows of a road, and a model that knows what to make of them.
Table road_rows() {
  Table table;
  table.add({.name = "flow", .numbers = {10, 20, 40, 20, 10, 50}});
  table.add({.name = "speed", .numbers = {80, std::nan(""), 60, 70, 90, 60}});
  table.add({.name = "kind", .type = ColumnType::text, .texts = {"b", "a", "b", "\xC3\xA9 \"c\"", "a", "b"}});
  return table;
}

Pipeline road_pipeline() {
  Pipeline pipeline(
      {.steps = {Impute{.columns = {"speed"}}, OneHot{}, Power{.columns = {"speed"}}, Standard{.columns = {"flow"}}},
       .targets = {"flow"}});
  return pipeline.fit(road_rows());
}

Model road_model() {
  Model model = Sequential{input(4), dense(3, Tanh{}), dense(1)};
  model.info().pipeline = road_pipeline();
  return model;
}

}  // namespace

TEST_CASE("a pipeline comes back from every form of file, and prepares the same bits") {
  for (const auto& [name, profile] : forms) {
    const Removed file{name};
    const Model model = road_model();
    model.save(name, {.profile = profile});
    const Model loaded = load_model(name);
    REQUIRE(loaded.info().pipeline);
    CHECK(*loaded.info().pipeline == *model.info().pipeline);
    CHECK(loaded.info().pipeline->apply(road_rows()) == model.info().pipeline->apply(road_rows()));
    CHECK(loaded.predict(road_rows()) == model.predict(road_rows()));
    const std::string bytes = bytes_of(name);
    loaded.save(name, {.profile = profile});
    CHECK(bytes_of(name) == bytes);
  }
}

TEST_CASE("every step comes back from a file with all it learned: of one row, of gaps, of texts that need care") {
  const double gap = std::numeric_limits<double>::quiet_NaN();
  const auto rows = [](const std::vector<double>& numbers, const std::vector<std::string>& texts) {
    Table table;
    table.add({.name = "a", .numbers = numbers});
    table.add({.name = "b", .numbers = std::vector<double>(numbers.size(), 1)});
    table.add({.name = "t", .type = ColumnType::time, .numbers = std::vector<double>(numbers.size(), 3600)});
    table.add({.name = "kind", .type = ColumnType::text, .texts = texts});
    return table;
  };
  const Table tables[] = {rows({3, 1, 4, 1, 5, 9}, {"x", "y", "x", "z", "y", "x"}), rows({2}, {"x"}),
                          rows({1, gap, 1e150}, {"", "x", ""}),
                          rows({1e-310, 0.1, 1.0 / 3}, {"\xC3\xA9\"", "\\", "\n"})};
  const Removed file{"step.h5"};
  BuiltinSteps::for_each([&](auto rule) {
    using Rule = decltype(rule);
    if constexpr (std::is_same_v<Rule, Drop> || std::is_same_v<Rule, Difference> || std::is_same_v<Rule, Lag>)
      rule.columns = {"a"};
    for (const Table& table : tables) {
      CAPTURE(Step(rule).class_name(), table.rows());
      Model model = Sequential{input(1), dense(1)};
      Pipeline pipeline({.steps = {Step(rule)}, .features = {"b"}});
      model.info().pipeline = pipeline.fit(table);
      model.save("step.h5");
      const Model loaded = load_model("step.h5");
      REQUIRE(loaded.info().pipeline);
      CHECK(*loaded.info().pipeline == pipeline);
    }
  });
}

TEST_CASE("a pipeline may be longer than an HDF5 attribute") {
  Column ids{.name = "id", .type = ColumnType::text};
  for (int i = 0; i < 9000; ++i) ids.texts.push_back("sensor number " + std::to_string(i));
  Table table;
  table.add(std::move(ids));
  Pipeline pipeline({.steps = {Ordinal{}}});
  pipeline.fit(table);
  REQUIRE(pipeline.config().text().size() > 150000);
  for (const auto& [name, profile] : forms) {
    const Removed file{name};
    Model model = Sequential{input(1), dense(1)};
    model.info().pipeline = pipeline;
    model.save(name, {.profile = profile});
    CHECK(*load_model(name).info().pipeline == pipeline);
  }
}

TEST_CASE("a pipeline that does not fit the model is refused when it is saved") {
  const auto refusal = [](Model model, const Pipeline& pipeline) {
    model.info().pipeline = pipeline;
    try {
      model.save("refused.h5");
    } catch (const FormatError& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  CHECK(refusal(road_model(), Pipeline()) == "refused.h5: pipeline: expected one that is fitted, got one that is not");
  CHECK(refusal(Sequential{input(3), dense(1)}, road_pipeline()) ==
        "refused.h5: pipeline: expected 3 features, as the network takes, got 4");
  CHECK(refusal(Sequential{input(4), dense(2)}, road_pipeline()) ==
        "refused.h5: pipeline: expected 2 targets or classes, as the network gives, got 1 targets");
  const Symbol a = input(2), b = input(2);
  CHECK(refusal(Model({a, b}, {dense(1)(a), dense(1)(b)}), road_pipeline()) ==
        "refused.h5: pipeline: expected a network of 1 input and 1 output, got 2 and 2");
  CHECK_FALSE(exists("refused.h5"));
}

TEST_CASE("a damaged pipeline in a file is refused, and never followed") {
  const Removed file{"damaged.h5"};
  road_model().save(file.path);
  const std::string good = bytes_of(file.path);
  const auto refused = [&](const std::string& part, const std::string& by) {
    REQUIRE(part.size() == by.size());
    REQUIRE(good.find(part) != std::string::npos);
    std::string bytes = good;
    bytes.replace(bytes.find(part), part.size(), by);
    write_bytes(file.path, bytes);
    CAPTURE(by);
    CHECK_THROWS_AS(load_model(file.path), FormatError);
  };
  refused("\"Standard\"", "\"Standart\"");
  refused("\"fitted_columns\"", "\"fitted_kolumns\"");
  refused("[\"speed\"]", "[\"speed\"[");
  refused("\"scale\": [", "\"scale\": {");
  refused("[\"number\", \"number\", \"text\"]", "[\"number\", \"number\", \"tent\"]");
  refused("\"feature_names\"", "\"feature_namen\"");
}

namespace {

struct Halved {
  static constexpr std::string_view class_name = "Halved";
  Table apply(Table table) const {
    for (double& cell : table.edit("speed")) cell /= 2;
    return table;
  }
};

}  // namespace

TEST_CASE("steps of the user's own are read if they are named") {
  const Removed file{"own_step.h5"};
  Table table;
  table.add({.name = "speed", .numbers = {1, 2}});
  Pipeline pipeline({.steps = {Halved{}}});
  pipeline.fit(table);
  Model model = Sequential{input(1), dense(1)};
  model.info().pipeline = pipeline;
  model.save(file.path);
  CHECK_THROWS_WITH(load_model(file.path), Catch::StartsWith("own_step.h5: unknown step \"Halved\"; maas knows Drop"));
  const Model loaded = load_model(file.path, {.steps = catalog_of<Step, Halved>()});
  CHECK(loaded.predict(table) == model.predict(table));
}
