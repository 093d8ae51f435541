// Training that goes on where Keras stopped: the same weights, optimizer state and figures as Keras' own after it.
#include <fmt/format.h>

#include "comparison.hpp"
#include "fixture_file.hpp"
#include "folders.hpp"
#include "keras_parts.hpp"
#include "state_names.hpp"
#include "support/catch.hpp"
#include "support/difference.hpp"
#include "weights.hpp"

using namespace maas;
using namespace replay;

namespace {

using tests::is_double;

/// Trains on, and compares all that Keras stored of its own training after it had loaded the file.
void train_on(const FixtureFile& file, Model& model, Comparison& comparison) {
  const Matrix x = file.numbers("inputs/0").matrix(), y = file.numbers("targets/0").matrix();
  comparison.check("saved/outputs/0", model.predict(x));
  const History history = model.fit(x, y,
                                    {.epochs = static_cast<int>(file.integer("epochs_after")),
                                     .batch_size = file.integer("batch_size"),
                                     .verbose = 0,
                                     .shuffle = false});
  for (const std::string& name : file.children("resumed/history"))
    comparison.check("resumed/history/" + name, history[name]);
  check_weights(comparison, file, "resumed/weights", model);
  comparison.check("resumed/outputs/0", model.predict(x));
  check_state(comparison, file, "resumed/optimizer", "", model);
  fmt::print("{}\n", comparison.report());
}

/// The model of a Keras 3 fixture with the weights and the state that its file holds. Throws an Error that says what
/// the library does not know.
Model stopped_model(const FixtureFile& file, const std::string& folder) {
  const std::string path = folder + "/" + file.text("model");
  const Config config = io::parse_json(unpacked_member(path, "config.json"), path);
  require<ConfigError>(!file.has("inputs/1") && !file.has("targets/1"), "several inputs or outputs");
  Model model = compiled_model(config);
  set_weights(file, "saved/weights", model);
  set_state(file, "saved/optimizer", model.name() + "_", model);
  return model;
}

}  // namespace

TEST_CASE("training goes on from the weights and the optimizer state of Keras") {
  const std::string folder = fixtures_folder("resume");
  int resumed = 0, unsupported = 0;
  for (const std::string& name :
       files_with_ending(folder, is_double ? ".keras3.f64.fixture.h5" : ".keras3.f32.fixture.h5")) {
    const FixtureFile file(folder + "/" + name);
    const std::string title = "resume/" + name.substr(0, name.find(".fixture"));
    std::optional<Model> model;
    try {
      model = stopped_model(file, folder);
    } catch (const Error& error) {
      fmt::print("not resumed: {}: {}\n", title, error.what());
      ++unsupported;
      continue;
    }
    Comparison comparison(file, title);
    train_on(file, *model, comparison);
    ++resumed;
  }
  fmt::print("{} runs resumed, {} not, from {}\n", resumed, unsupported, folder);
  CHECK(resumed > 0);
  if (resumed + unsupported >= 25) CHECK(resumed >= 20);  // the whole public set; there may only be more
}

namespace {

/// A recorded run, and a file that Keras saved in the middle of it.
struct StoppedRun {
  std::string fixture, model;
};

/// All of this precision. Files of float32 are for float alone: Keras' float32 powers of Adam's betas are off by more
/// than the tolerance, see AdamStep.
std::vector<StoppedRun> stopped_runs(const std::string& folder) {
  std::vector<StoppedRun> runs;
  for (const std::string& name : files_with_ending(folder, is_double ? ".f64.fixture.h5" : ".f32.fixture.h5")) {
    const FixtureFile file(folder + "/" + name);
    std::vector<std::string> models{file.text("model")};
    if (name.find(".keras3.") != std::string::npos) models.push_back(file.text("model_keras3_h5"));
    for (const std::string& model : models)
      if (!model.empty()) runs.push_back({name, model});
  }
  return runs;
}

}  // namespace

TEST_CASE("training goes on from the files of Keras 2 and 3") {
  const std::string folder = fixtures_folder("resume");
  int resumed = 0, not_exactly = 0, unsupported = 0;
  for (const auto& [name, model_name] : stopped_runs(folder)) {
    const FixtureFile file(folder + "/" + name);
    const std::string title = "resume/" + name.substr(0, name.find(".fixture")) + " from " + model_name;
    std::optional<SavedModel> saved;
    try {
      saved = read_keras(folder + "/" + model_name);
    } catch (const Error& error) {
      fmt::print("not resumed: {}: {}\n", title, error.what());
      ++unsupported;
      continue;
    }
    INFO(title);
    if (!saved->warnings.empty()) {  // the reader says itself that training cannot go on exactly
      fmt::print("not resumed: {}: {}\n", title, saved->warnings.front());
      ++not_exactly;
      continue;
    }
    REQUIRE(saved->training.has_value());
    REQUIRE(saved->training->state.has_value());
    Model model(std::move(*saved));
    Comparison comparison(file, title);
    require_weights(file, "saved/weights", model);
    require_state(comparison, file, "saved/optimizer", model);
    if (file.integer("resumes_exactly") == 0) {
      fmt::print("read, but not resumed: {}: {}\n", title, file.text("note"));
      ++not_exactly;
      continue;
    }
    train_on(file, model, comparison);
    ++resumed;
  }
  fmt::print("{} files resumed, {} not exactly, {} not at all, from {}\n", resumed, not_exactly, unsupported, folder);
  CHECK(resumed > 0);
  const int whole_set = is_double ? 25 : 90, least = is_double ? 20 : 70;
  if (resumed + not_exactly + unsupported >= whole_set) CHECK(resumed >= least);
}
