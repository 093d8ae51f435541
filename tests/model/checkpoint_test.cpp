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
