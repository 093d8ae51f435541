// Runs that are stopped and go on: the same bits as one that was never stopped.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "maas/layers/layers.hpp"
#include "maas/maas.hpp"
#include "maas/testing/numbers.hpp"
#include "support/catch.hpp"

using namespace maas;
using testing::detail::random_matrix;

namespace {

struct BackedSamples {
  Matrix x = random_matrix(50, 4, -1, 1, Random(1));
  Matrix y = (x.rowwise().sum().array() > 0).cast<Scalar>();
};

struct Stopped : std::runtime_error {
  Stopped() : std::runtime_error("stopped") {}
};

/// A model in which everything has a state: statistics, dropout, moments, an average of the weights.
Model model_of() {
  auto model = Sequential{input(4), dense(8, relu), BatchNormalization{}, dropout(0.3), dense(1, sigmoid)};
  model.compile({.optimizer = Adam{.learning_rate = 0.05, .amsgrad = true, .options = {.use_ema = true}},
                 .loss = binary_crossentropy,
                 .metrics = {accuracy, AUC{}}});
  return model;
}

/// All that a fit leaves.
struct Outcome {
  Vector weights;
  std::int64_t step = 0;
  double rate = 0;
  std::vector<Vector> slots = {};
  std::vector<std::pair<std::string, std::vector<double>>> history = {};
  std::vector<int> epochs = {};
  int best_epoch = 0, stopped_epoch = 0;
  bool operator==(const Outcome&) const = default;
};

const std::string path = "backup.bin";

using Hook = std::function<Signal(TrainingView&)>;

/// One fit from the start of the program, with callbacks that remember, a backup, and a hook that may stop it.
Outcome fitted(std::optional<Index> save_freq, Hook on_batch_end, FitOptions options = {}, double min_seconds = 0) {
  const BackedSamples samples;
  Model model = model_of();
  const Callback stopping = EarlyStopping{.monitor = "val_loss", .patience = 3, .restore_best_weights = true};
  options.epochs = 9;
  options.batch_size = 8;
  options.verbose = 0;
  options.validation_split = 0.2;
  options.seed = 7;
  // The backup stands first on purpose: it must come last all the same.
  options.callbacks = {BackupAndRestore{.path = path, .save_freq = save_freq, .min_seconds = min_seconds}, stopping,
                       ReduceLROnPlateau{.monitor = "loss", .patience = 1, .min_delta = 0.02},
                       LambdaCallback{.on_batch_end = std::move(on_batch_end)}};
  const History history = model.fit(samples.x, samples.y, options);
  Outcome outcome{model.network().parameters().values(), model.optimizer_state().step,
                  model.optimizer_state().learning_rate};
  for (Index i = 0; i < model.optimizer_state().slot_count(); ++i)
    outcome.slots.emplace_back(model.optimizer_state().slot(i));
  for (const std::string& name : history.names()) outcome.history.emplace_back(name, history[name]);
  outcome.epochs = history.epochs();
  outcome.best_epoch = stopping.as<EarlyStopping>()->best_epoch;
  outcome.stopped_epoch = stopping.as<EarlyStopping>()->stopped_epoch;
  return outcome;
}

/// Throws in the middle of an epoch.
Hook stop_at(int epoch, Index step) {
  return [=](TrainingView& view) -> Signal {
    if (view.epoch == epoch && view.step == step) throw Stopped();
    return Signal::go_on;
  };
}

Outcome never_stopped(FitOptions options = {}) {
  std::filesystem::remove(path);
  return fitted(std::nullopt, nullptr, options);
}

}  // namespace

TEST_CASE("a run that is stopped in the middle of an epoch ends with the bits of one that never was") {
  const Outcome expected = never_stopped();
  CHECK(expected.epochs.size() >= 5);
  CHECK(!std::filesystem::exists(path));  // a fit that is over needs it no more
  for (const std::optional<Index> save_freq :
       {std::optional<Index>(), std::optional<Index>(1), std::optional<Index>(3)})
    for (const auto& [epoch, step] : {std::pair(0, Index(4)), std::pair(2, Index(1)), std::pair(3, Index(5))}) {
      INFO("save_freq " << save_freq.value_or(0) << ", epoch " << epoch << ", step " << step);
      std::filesystem::remove(path);
      CHECK_THROWS_AS(fitted(save_freq, stop_at(epoch, step)), Stopped);
      CHECK(std::filesystem::exists(path) == (save_freq || epoch > 0));
      CHECK(fitted(save_freq, nullptr) == expected);
      CHECK(!std::filesystem::exists(path));
    }
}

TEST_CASE("the folder of a backup is made, as Keras makes it") {
  const BackedSamples samples;
  Model model = model_of();
  const std::string inside = "backups/of/runs/backup.bin";
  model.fit(samples.x, samples.y,
            {.verbose = 0, .callbacks = {BackupAndRestore{.path = inside, .delete_checkpoint = false}}});
  CHECK(std::filesystem::exists(inside));
  std::filesystem::remove_all("backups");
}

TEST_CASE("a backup is left out that comes too soon after the one before, and the run ends with the same bits") {
  const Outcome expected = never_stopped();
  // None comes within an hour: the run that goes on begins anew.
  CHECK_THROWS_AS(fitted(std::nullopt, stop_at(3, 2), {}, 3600), Stopped);
  CHECK(!std::filesystem::exists(path));
  CHECK(fitted(std::nullopt, nullptr, {}, 3600) == expected);
  for (const std::optional<Index> save_freq : {std::optional<Index>(), std::optional<Index>(2)}) {
    std::filesystem::remove(path);
    // Time passes in one epoch alone: the backup that is due next is made, and none after it.
    std::filesystem::file_time_type made;
    const Hook hook = [&](TrainingView& view) -> Signal {
      if (view.epoch == 1 && view.step == 1) {
        CHECK(!std::filesystem::exists(path));
        std::this_thread::sleep_for(std::chrono::milliseconds(1100));
      }
      if (view.epoch == 2 && view.step == 1) made = std::filesystem::last_write_time(path);
      if (view.epoch == 2 && view.step == 4) {
        CHECK(std::filesystem::last_write_time(path) == made);
        throw Stopped();
      }
      return Signal::go_on;
    };
    CHECK_THROWS_AS(fitted(save_freq, hook, {}, 1), Stopped);
    REQUIRE(std::filesystem::exists(path));
    int first = -1;
    CHECK(fitted(
              save_freq,
              [&](TrainingView& view) -> Signal {
                if (first < 0) first = view.epoch;
                return Signal::go_on;
              },
              {}, 1) == expected);
    CHECK(first == (save_freq ? 1 : 2));
    CHECK(!std::filesystem::exists(path));
  }
  for (const double seconds : {-1.0, std::nan(""), HUGE_VAL})
    CHECK_THROWS_AS(fitted(std::nullopt, nullptr, {}, seconds), ConfigError);
}

TEST_CASE("a run that is stopped again and again comes to the same end") {
  const Outcome expected = never_stopped();
  for (int epoch = 0; epoch < 4; ++epoch) CHECK_THROWS_AS(fitted(2, stop_at(epoch, 3)), Stopped);
  CHECK(fitted(2, nullptr) == expected);
}

TEST_CASE("epochs of so many steps go on in the middle of a pass over the samples") {
  const Outcome expected = never_stopped({.steps_per_epoch = 3});
  CHECK_THROWS_AS(fitted(1, stop_at(2, 2), {.steps_per_epoch = 3}), Stopped);
  CHECK(fitted(1, nullptr, {.steps_per_epoch = 3}) == expected);
}

TEST_CASE("a process that ends without a word is continued by the next") {
  const Outcome expected = never_stopped();
  for (const std::optional<Index> save_freq : {std::optional<Index>(), std::optional<Index>(2)}) {
    set_threads(1);
    const pid_t child = ::fork();
    if (child == 0) {
      fitted(save_freq, [](TrainingView& view) -> Signal {
        if (view.epoch == 2 && view.step == 4) std::_Exit(3);
        return Signal::go_on;
      });
      std::_Exit(0);
    }
    REQUIRE(child > 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE((WIFEXITED(status) && WEXITSTATUS(status) == 3));
    REQUIRE(std::filesystem::exists(path));
    CHECK(fitted(save_freq, nullptr) == expected);
  }
}

TEST_CASE("a rate that is multiplied every epoch is multiplied once in the epoch that was stopped") {
  const BackedSamples samples;
  const auto trained = [&](Hook hook) {
    Model model = model_of();
    model.fit(samples.x, samples.y,
              {.epochs = 4,
               .batch_size = 10,
               .verbose = 0,
               .callbacks = {LearningRateScheduler{[](int, double rate) { return rate * 0.5; }},
                             BackupAndRestore{.path = path, .save_freq = 1}, LambdaCallback{.on_batch_end = hook}}});
    return std::pair(model.optimizer_state().learning_rate, Vector(model.network().parameters().values()));
  };
  std::filesystem::remove(path);
  const auto expected = trained(nullptr);
  CHECK(expected.first == Approx(0.05 / 16));
  CHECK_THROWS_AS(trained(stop_at(2, 2)), Stopped);
  CHECK(trained(nullptr) == expected);
}

TEST_CASE("a stop that a callback asked for is remembered") {
  const BackedSamples samples;
  const auto trained = [&](bool fails) {
    Model model = model_of();
    return model
        .fit(samples.x, samples.y,
             {.epochs = 9,
              .verbose = 0,
              .callbacks = {LambdaCallback{
                                .on_epoch_end =
                                    [](TrainingView& view) { return view.epoch == 1 ? Signal::stop : Signal::go_on; },
                                .on_train_end =
                                    [&](TrainingView&) {
                                      if (fails) throw Stopped();
                                    }},
                            BackupAndRestore{.path = path}}})
        .epochs();
  };
  std::filesystem::remove(path);
  CHECK_THROWS_AS(trained(true), Stopped);
  CHECK(trained(false) == std::vector<int>{0, 1});
}

TEST_CASE("a source of batches is passed over to the place where the run stopped") {
  const BackedSamples samples;
  const auto trained = [&](Hook hook) {
    Model model = model_of();
    Index next = 0;
    model.fit(
        [&](Batch& batch) {
          if (next == 5) return next = 0, false;
          batch.x = samples.x.middleRows(10 * next, 10);
          batch.y = samples.y.middleRows(10 * next++, 10);
          return true;
        },
        {.epochs = 4,
         .verbose = 0,
         .callbacks = {BackupAndRestore{.path = path, .save_freq = 1}, LambdaCallback{.on_batch_end = hook}}});
    return Vector(model.network().parameters().values());
  };
  std::filesystem::remove(path);
  const Vector expected = trained(nullptr);
  CHECK_THROWS_AS(trained(stop_at(2, 3)), Stopped);
  CHECK(trained(nullptr) == expected);
}

TEST_CASE("a backup may stay after the end, and then there is nothing left to do") {
  const BackedSamples samples;
  std::filesystem::remove(path);
  const FitOptions options{
      .epochs = 2, .verbose = 0, .callbacks = {BackupAndRestore{.path = path, .delete_checkpoint = false}}};
  Model first = model_of(), second = model_of();
  first.fit(samples.x, samples.y, options);
  REQUIRE(std::filesystem::exists(path));
  const std::int64_t steps = first.optimizer_state().step;
  const History history = second.fit(samples.x, samples.y, options);
  CHECK(history.epochs() == std::vector<int>{0, 1});
  CHECK(second.optimizer_state().step == steps);
  std::filesystem::remove(path);
}

TEST_CASE("a backup that is damaged or of another fit is refused") {
  const BackedSamples samples;
  std::filesystem::remove(path);
  CHECK_THROWS_AS(fitted(std::nullopt, stop_at(1, 2)), Stopped);
  std::ifstream file(path, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  const auto refused = [&](Model model, FitOptions options) {
    options.verbose = 0;
    options.callbacks = {BackupAndRestore{.path = path}};
    const Vector before = model.network().parameters().values();
    try {
      model.fit(samples.x, samples.y, options);
    } catch (const FormatError& error) {
      CHECK(model.network().parameters().values() == before);
      CHECK(model.optimizer_state().step == 0);
      return std::string(error.what());
    }
    return std::string("taken");
  };
  const FitOptions same{.epochs = 9, .batch_size = 8, .validation_split = 0.2, .seed = 7};
  FitOptions seed = same, batch = same;
  seed.seed = 8;
  batch.batch_size = 4;
  auto wider = Sequential{input(4), dense(9, relu), BatchNormalization{}, dropout(0.3), dense(1, sigmoid)};
  wider.compile(model_of().compile_options());
  CHECK(refused(wider, same).find("backup.bin: weights: expected ") == 0);
  auto other = model_of();
  other.compile({.optimizer = Sgd{}, .loss = binary_crossentropy});
  CHECK(refused(other, same) == "backup.bin: optimizer: expected SGD, got Adam");
  CHECK(refused(model_of(), seed) == "backup.bin: fit/seed: expected 8, got 7");
  CHECK(refused(model_of(), batch) == "backup.bin: fit/batches: expected 10, got 5");
  CHECK(refused(model_of(), same).find("backup.bin: expected \"BackupAndRestore/steps\" at byte ") == 0);
  for (const std::size_t place : {content.size() / 2, content.size() - 1}) {
    std::string damaged = content;
    damaged[place] ^= 1;
    std::ofstream(path, std::ios::binary) << damaged;
    CHECK(refused(model_of(), same) == "backup.bin: is damaged");
  }
  std::ofstream(path, std::ios::binary) << content.substr(0, content.size() / 3);
  CHECK(refused(model_of(), same) == "backup.bin: is damaged");
  std::ofstream(path, std::ios::binary) << "something else altogether";
  CHECK(refused(model_of(), same) == "backup.bin: is no backup of this version of maas");
  std::filesystem::remove(path);
  Model model = model_of();
  CHECK_THROWS_WITH(model.fit(samples.x, samples.y, {.verbose = 0, .callbacks = {BackupAndRestore{}}}),
                    "BackupAndRestore: expected a path, got none");
  // A folder that is not there is made, but for where a file stands in its place.
  std::ofstream("no_folder") << "a file";
  CHECK_THROWS_AS(
      model.fit(samples.x, samples.y, {.verbose = 0, .callbacks = {BackupAndRestore{.path = "no_folder/in/it/b"}}}),
      FormatError);
  std::filesystem::remove("no_folder");
}
