#include "maas/model/checkpoint.hpp"

#include <filesystem>

#include "maas/maas.hpp"
#include "support/catch.hpp"

using namespace maas;
namespace fs = std::filesystem;

namespace {

/// The checkpoints that a fit leaves whose validation loss is 4, 3, 3.5 and 2.
std::vector<std::string> kept_by(ModelCheckpoint checkpoint) {
  fs::create_directory("checkpoints");
  checkpoint.filepath = "checkpoints/" + checkpoint.filepath;
  auto model = Sequential{input(1), Dense{.units = 1, .kernel_initializer = zeros}};
  model.compile({.optimizer = Sgd{.learning_rate = 0.0}, .loss = mean_absolute_error});
  const std::vector<Scalar> losses{4, 3, 3.5, 2};
  const LambdaCallback set_bias{.on_epoch_begin = [&](TrainingView& view) {
    view.network.parameters().view("dense/bias").setConstant(losses[static_cast<std::size_t>(view.epoch)]);
  }};
  const Matrix x = Matrix::Ones(4, 1), y = Matrix::Zero(4, 1);
  model.fit(x, y,
            {.epochs = 4,
             .batch_size = 2,
             .verbose = 0,
             .validation_data = ValidationData{x, y},
             .callbacks = {set_bias, checkpoint}});
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator("checkpoints")) names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  fs::remove_all("checkpoints");
  return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("checkpoints are named by epoch and figures") {
  CHECK(kept_by({.filepath = "{epoch:02d}-{val_loss:.1f}.h5"}) ==
        Names{"01-4.0.h5", "02-3.0.h5", "03-3.5.h5", "04-2.0.h5"});
  CHECK_THROWS_AS(kept_by({.filepath = "{accuracy}.h5"}), ConfigError);
  fs::remove_all("checkpoints");
}

TEST_CASE("only the best are kept, and only those that beat the threshold") {
  CHECK(kept_by({.filepath = "{epoch}.h5", .save_best_only = true}) == Names{"1.h5", "2.h5", "4.h5"});
  CHECK(kept_by({.filepath = "{epoch}.h5", .save_best_only = true, .initial_value_threshold = 3.0}) == Names{"4.h5"});
  CHECK(kept_by({.filepath = "{epoch}.h5", .save_best_only = true, .mode = Better::max}) == Names{"1.h5"});
}

TEST_CASE("checkpoints may come after so many steps") {
  CHECK(kept_by({.filepath = "{epoch}.h5", .save_freq = 3}) == Names{"2.h5", "3.h5"});  // eight steps, two an epoch
}

TEST_CASE("the path may have the batch, counted from 1, where saving follows steps") {
  CHECK(kept_by({.filepath = "b{batch:02d}e{epoch:02d}.h5", .save_freq = 3}) == Names{"b01e02.h5", "b02e03.h5"});
  CHECK_THROWS_AS(kept_by({.filepath = "{batch}.h5"}), ConfigError);
  fs::remove_all("checkpoints");
}

TEST_CASE("folders of checkpoints are made, and the file has the model's name") {
  const Symbol start = input(1);
  Model model({start}, {dense(1)(start)}, "traffic");
  model.compile({.loss = mean_absolute_error});
  const Matrix x = Matrix::Ones(4, 1);
  model.fit(x, x, {.verbose = 0, .callbacks = {ModelCheckpoint{.filepath = "kept/in/{epoch}/best.h5"}}});
  CHECK(load_model("kept/in/1/best.h5").name() == "traffic");
  fs::remove_all("kept");
}

TEST_CASE("the best is the best of all fits that a checkpoint is given to") {
  auto model = Sequential{input(1), Dense{.units = 1, .kernel_initializer = zeros}};
  model.compile({.optimizer = Sgd{.learning_rate = 0.0}, .loss = mean_absolute_error});
  const Matrix x = Matrix::Ones(4, 1), y = Matrix::Zero(4, 1);
  const Callback checkpoint = ModelCheckpoint{.filepath = "best.h5", .monitor = "loss", .save_best_only = true};
  for (const double bias : {2.0, 3.0, 1.0}) {
    model.set_weights({Matrix::Zero(1, 1), Matrix::Constant(1, 1, static_cast<Scalar>(bias))});
    model.fit(x, y, {.verbose = 0, .callbacks = {checkpoint}});
    CHECK(checkpoint.as<ModelCheckpoint>()->value_.best == std::min(bias, 2.0));
    CHECK(load_model("best.h5").evaluate(x, y)[0].second == std::min(bias, 2.0));
  }
  fs::remove("best.h5");
}
