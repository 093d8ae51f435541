// Training settings of several outputs, in files.
#include <filesystem>

#include "io/json.hpp"
#include "io/keras_training.hpp"
#include "maas/maas.hpp"
#include "maas/network/merge.hpp"
#include "maas/testing/numbers.hpp"
#include "support/catch.hpp"

using namespace maas;
using testing::detail::random_matrix;

namespace {

std::vector<OutputOptions> outputs_of(const std::string& settings, bool keras_3) {
  io::Reading reading;
  const std::vector<std::string> names{"alarm", "flow"};
  const Config config = io::parse_json("{\"optimizer_config\": \"adam\", " + settings + "}", "test");
  return io::read_training(config, {.keras_3 = keras_3}, names, reading).training.outputs;
}

}  // namespace

TEST_CASE("a saved model of several outputs goes on training where it was") {
  const Symbol a = input(Shape{3}, "a"), b = input(Shape{2}, "b");
  const Symbol joint = dense(4, Tanh{})(concatenate({a, b}));
  Model model({a, b}, {dense(1, sigmoid).named("alarm")(joint), dense(2).named("flow")(joint)});
  model.compile({.optimizer = Adam{},
                 .outputs = {{.loss = binary_crossentropy, .loss_weight = 0.3, .metrics = {accuracy}},
                             {.loss = Huber{.delta = 2}, .weighted_metrics = {mean_absolute_error}}}});
  const std::vector<Matrix> x{random_matrix(20, 3, -1, 1, Random(1)), random_matrix(20, 2, -1, 1, Random(2))};
  const std::vector<Matrix> y{(x[1].leftCols(1).array() > 0).cast<Scalar>().matrix(), x[0].leftCols(2)};
  model.fit(x, y, {.verbose = 0});
  model.save("outputs.h5");
  Model loaded = load_model("outputs.h5");
  std::filesystem::remove("outputs.h5");
  REQUIRE(loaded.compile_options().outputs.size() == 2);
  CHECK(loaded.compile_options().outputs[0].loss_weight == 0.3);
  CHECK(loaded.compile_options().outputs[1].loss->config() == Loss(Huber{.delta = 2}).config());
  const History expected = model.fit(x, y, {.epochs = 2, .verbose = 0}),
                got = loaded.fit(x, y, {.epochs = 2, .verbose = 0});
  REQUIRE(got.names() == expected.names());
  for (const std::string& name : got.names()) CHECK(got[name] == expected[name]);
}

TEST_CASE("Keras' settings of several outputs stand in lists, or by the names of the outputs") {
  const std::string by_list =
      "\"loss\": [\"binary_crossentropy\", \"mse\"], \"loss_weights\": [0.3, 2.0], \"metrics\": [[\"accuracy\"], null]";
  const std::string by_name =
      "\"loss\": {\"flow\": \"mse\", \"alarm\": \"binary_crossentropy\"}, \"loss_weights\": {\"alarm\": 0.3, \"flow\": "
      "2.0}, \"metrics\": {\"alarm\": \"accuracy\"}";
  for (const std::string& settings : {by_list, by_name}) {
    const std::vector<OutputOptions> outputs = outputs_of(settings, true);
    REQUIRE(outputs.size() == 2);
    CHECK(outputs[0].loss->class_name() == "BinaryCrossentropy");
    CHECK(outputs[1].loss->class_name() == "MeanSquaredError");
    CHECK(outputs[0].loss_weight == 0.3);
    CHECK(outputs[1].loss_weight == 2);
    REQUIRE(outputs[0].metrics.size() == 1);
    CHECK(outputs[0].metrics[0].name() == "accuracy");
    CHECK(outputs[1].metrics.empty());
  }
}

TEST_CASE("one loss is that of every output; a plain list of metrics is so in Keras 2, and one an output in Keras 3") {
  const std::string settings = "\"loss\": \"mse\", \"metrics\": [\"mae\", \"mape\"]";
  const std::vector<OutputOptions> keras_2 = outputs_of(settings, false), keras_3 = outputs_of(settings, true);
  CHECK(keras_2[1].loss->class_name() == "MeanSquaredError");
  CHECK(keras_2[0].metrics.size() == 2);
  CHECK(keras_2[1].metrics.size() == 2);
  REQUIRE((keras_3[0].metrics.size() == 1 && keras_3[1].metrics.size() == 1));
  CHECK(keras_3[0].metrics[0].name() == "mae");
  CHECK(keras_3[1].metrics[0].name() == "mape");
}

TEST_CASE("metrics that carry the name of their output in front lose it") {
  const std::vector<OutputOptions> outputs = outputs_of(
      "\"loss\": [null, \"mse\"], \"metrics\": [[{\"class_name\": \"MeanMetricWrapper\", \"config\": {\"name\": "
      "\"alarm_accuracy\", \"fn\": \"binary_accuracy\"}}], []]",
      false);
  CHECK(!outputs[0].loss);
  REQUIRE(outputs[0].metrics.size() == 1);
  CHECK(outputs[0].metrics[0].name() == "accuracy");
}

TEST_CASE("settings that do not fit the outputs are refused") {
  CHECK_THROWS_WITH(outputs_of("\"loss\": [\"mse\"]", true), "loss: expected a list of 2, one an output, got 1");
  CHECK_THROWS_WITH(outputs_of("\"loss\": {\"alarms\": \"mse\"}", true), "loss: there is no output \"alarms\"");
  CHECK_THROWS_WITH(outputs_of("\"loss\": \"mse\", \"loss_weights\": [1]", true),
                    "loss_weights: expected a list of 2, one an output, got 1");
}

TEST_CASE("a checkpoint may be saved every few steps") {
  auto model = Sequential{input(2), dense(1)};
  model.compile({.optimizer = Adam{}, .loss = mean_squared_error});
  const Matrix x = random_matrix(8, 2, -1, 1, Random(1)), y = x.leftCols(1);
  model.fit(x, y,
            {.epochs = 2,
             .batch_size = 2,
             .verbose = 0,
             .callbacks = {ModelCheckpoint{.filepath = "steps_{epoch}.h5", .save_freq = 3}}});
  CHECK(load_model("steps_1.h5").optimizer_state().step == 3);
  CHECK(load_model("steps_2.h5").optimizer_state().step == 6);  // counted on from epoch to epoch
  for (const char* path : {"steps_1.h5", "steps_2.h5"}) std::filesystem::remove(path);
  CHECK_THROWS_WITH(model.fit(x, y, {.verbose = 0, .callbacks = {ModelCheckpoint{.filepath = "x.h5", .save_freq = 0}}}),
                    "ModelCheckpoint: expected a save_freq of at least 1, got 0");
}
