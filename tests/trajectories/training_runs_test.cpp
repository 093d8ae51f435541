// Whole fits of real Keras, replayed from the same start: history, evaluation, weights, outputs and optimizer state.
#include <fmt/format.h>

#include <cstdio>

#include "comparison.hpp"
#include "fixture_file.hpp"
#include "folders.hpp"
#include "keras_parts.hpp"
#include "listed_parts.hpp"
#include "state_names.hpp"
#include "support/catch.hpp"
#include "support/difference.hpp"
#include "weights.hpp"

using namespace maas;
using namespace replay;

namespace {

using tests::is_double;

/// A fixture and what its JSON says.
struct Run {
  std::string title;
  FixtureFile file;
  std::unique_ptr<FixtureFile> in_double;  ///< the same run in double, of a run in float
  Config model;    ///< of the .keras file in the run's own precision, whose constants have all their digits
  Config compile;  ///< its compile_config. That of the fixture is later: callbacks have changed the rate in it.

  Run(const std::string& folder, const std::string& name)
      : title(name.substr(0, name.find(".fixture"))),
        file(folder + "/" + name),
        model(io::parse_json(unpacked_member(folder + "/" + file.text("model_keras"), "config.json"), title)),
        compile(model.at("compile_config")) {
    std::string other = folder + "/" + name;
    if (is_double) return;
    other.replace(other.rfind(".f32."), 5, ".f64.");
    if (std::filesystem::exists(other)) in_double = std::make_unique<FixtureFile>(other);
  }

  Config json(const std::string& attribute) const { return io::parse_json(file.text(attribute), title); }
  Matrix matrix(const std::string& dataset) const { return file.numbers(dataset).matrix(); }
  /// All of a group: one matrix an input, or an output.
  std::vector<Matrix> matrices(const std::string& group) const {
    std::vector<Matrix> result;
    for (int i = 0; file.has(group + "/" + std::to_string(i)); ++i)
      result.push_back(matrix(group + "/" + std::to_string(i)));
    return result;
  }
  /// Weights of the samples: none, one vector, or one an output.
  std::vector<Vector> weights(const std::string& group) const {
    std::vector<Vector> result;
    for (const Matrix& each : matrices(group)) result.emplace_back(each.col(0));
    return result;
  }
};

/// The model before training. Throws an Error that says what the library does not know.
Model model_before(const Run& run) {
  callbacks_of(run.json("callbacks"));
  Model model = compiled_model(run.model);
  set_weights(run.file, "initial", model);
  return model;
}

FitOptions fit_options(const Run& run, const std::vector<Callback>& callbacks) {
  FitOptions options{.epochs = static_cast<int>(run.file.integer("epochs")),
                     .batch_size = run.file.integer("batch_size"),
                     .verbose = 0,
                     .shuffle = run.file.integer("shuffle") != 0,
                     .validation_data = ValidationData{.x = run.matrices("val_inputs"),
                                                       .y = run.matrices("val_targets"),
                                                       .sample_weights = run.weights("val_sample_weight")},
                     .callbacks = callbacks,
                     .sample_weights = run.weights("sample_weight")};
  const Config class_weight = run.json("class_weight");
  for (const auto& [label, weight] : class_weight.as_object())
    options.class_weight[std::stoi(label)] = weight.as_real();
  return options;
}

void check_history(Comparison& comparison, const Run& run, const History& history) {
  std::vector<std::string> names = history.names();
  std::ranges::sort(names);
  CHECK(names == run.file.children("history"));
  CHECK(static_cast<Index>(history.epochs().size()) == run.file.integer("epochs_run"));
  for (const std::string& name : names) comparison.check("history/" + name, history[name]);
}

void check_evaluation(Comparison& comparison, const Run& run, Model& model) {
  const Logs logs = model.evaluate(run.matrices("val_inputs"), run.matrices("val_targets"),
                                   run.file.integer("batch_size"), run.weights("val_sample_weight"));
  CHECK(logs.size() == run.file.children("evaluate").size());
  for (const auto& [name, value] : logs) comparison.check("evaluate/" + name, value);
}

void check_callbacks(const Run& run, const std::vector<Callback>& callbacks) {
  for (const Callback& callback : callbacks) {
    const EarlyStopping* stopping = callback.as<EarlyStopping>();
    if (stopping == nullptr) continue;
    CHECK(stopping->stopped_epoch == run.file.integer("stopped_epoch"));
    CHECK(stopping->best_epoch == run.file.integer("best_epoch"));
  }
}

void check_outputs(Comparison& comparison, const std::string& group, const std::vector<Matrix>& outputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) comparison.check(group + "/" + std::to_string(i), outputs[i]);
}

/// Trains the compiled model, whose weights are the initial ones, and compares everything.
void replay_run(const Run& run, Model& model, const std::string& title) {
  Comparison comparison(run.file, title, run.in_double.get());
  const std::vector<Matrix> validation = run.matrices("val_inputs");
  check_outputs(comparison, "initial_outputs", model.predict(validation));
  std::vector<Callback> callbacks = callbacks_of(run.json("callbacks"));
  const History history = model.fit(run.matrices("inputs"), run.matrices("targets"), fit_options(run, callbacks));
  check_history(comparison, run, history);
  check_evaluation(comparison, run, model);
  check_callbacks(run, callbacks);
  check_outputs(comparison, "final_outputs", model.predict(validation));
  check_weights(comparison, run.file, "final", model);
  check_state(comparison, run.file, "final_optimizer", model.name() + "_", model);
  fmt::print("{}\n", comparison.report());
}

/// The same from the models that Keras 3 and tf_keras wrote as .h5 before training.
void replay_from_files(const Run& run, const std::string& folder) {
  for (const char* form : {"model_keras3_h5", "model_tf_keras_h5"}) {
    const std::string name = run.file.text(form);
    if (name.empty() || !std::filesystem::exists(folder + "/" + name)) continue;
    INFO(name);
    Model model = load_model(folder + "/" + name);
    REQUIRE(model.is_compiled());
    require_weights(run.file, "initial", model);
    replay_run(run, model, run.title + " from " + name);
  }
}

}  // namespace

TEST_CASE("training runs of Keras are replayed within their tolerances") {
  const std::string folder = fixtures_folder("training");
  int replayed = 0, unsupported = 0, public_runs = 0;
  for (const std::string& name : files_with_ending(folder, is_double ? ".f64.fixture.h5" : ".f32.fixture.h5")) {
    const Run run(folder, name);
    public_runs += run.file.text("variant") == "public";
    std::optional<Model> model;
    try {
      model = model_before(run);
    } catch (const Error& error) {
      fmt::print("not replayed: {}: {}\n", run.title, error.what());
      INFO(run.title << " uses only parts that must be there, but: " << error.what());
      CHECK_FALSE((has_only_listed_parts(run.model) && has_only_listed_parts(run.compile) &&
                   has_only_listed_parts(run.json("callbacks"))));
      ++unsupported;
      continue;
    }
    replay_run(run, *model, run.title);
    if (!is_double) replay_from_files(run, folder);
    ++replayed;
  }
  fmt::print("{} training runs replayed, {} not, from {}\n", replayed, unsupported, folder);
  CHECK(replayed > 0);
  // The whole public set has 49 runs. This many were replayed when this was written; there may only be more.
  if (public_runs >= 49) CHECK(replayed >= 37);
}
