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
