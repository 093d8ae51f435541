// maas check: whether a model file is whole, and what is odd about it.
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "maas/forecast/baselines.hpp"
#include "maas/forecast/drift.hpp"
#include "maas/forecast/frame.hpp"
#include "maas/io/keras.hpp"
#include "maas/recipe/evaluation.hpp"

namespace maas::cli {

namespace {

// What a careful reader would ask about.
std::vector<std::string> odd_weights(const Network& network) {
  std::vector<std::string> odd;
  for (const ParameterEntry& entry : network.parameters().entries()) {
    const ConstMatrixView values = network.parameters().view(entry);
    const Index bad = static_cast<Index>((!values.array().isFinite()).count());
    if (bad > 0)
      odd.push_back(fmt::format("{}: {} of {} numbers are not finite", entry.name, bad, values.size()));
    else if (values.size() > 1 && entry.name.ends_with("kernel") && values.isZero(0))
      odd.push_back(fmt::format("{}: all zeros", entry.name));
    else if (entry.name.ends_with("moving_variance") && values.size() > 0 && values.minCoeff() < 0)
      odd.push_back(fmt::format("{}: a variance below zero, {}", entry.name, values.minCoeff()));
  }
  return odd;
}

std::vector<std::string> odd_training(const SavedModel& saved) {
  std::vector<std::string> odd;
  if (!saved.training) return odd;
  if (!saved.training->state) {
    odd.emplace_back("compiled, but the file holds no optimizer state: training would start anew");
    return odd;
  }
  const OptimizerState& state = *saved.training->state;
  const std::vector<std::string_view> names = saved.training->optimizer.slot_names();
  for (Index i = 0; i < state.slot_count(); ++i)
    if (!state.slot(i).allFinite())
      odd.push_back(
          fmt::format("optimizer state: {} holds numbers that are not finite", names[static_cast<std::size_t>(i)]));
  if (!(state.learning_rate > 0)) odd.push_back(fmt::format("learning rate {}", state.learning_rate));
  return odd;
}

// Inputs that no output follows from.
std::vector<std::string> odd_inputs(const Graph& graph) {
  std::vector<bool> taken(graph.nodes().size(), false);
  for (const GraphNode& node : graph.nodes())
    for (Index input : node.inputs) taken[static_cast<std::size_t>(input)] = true;
  for (Index output : graph.outputs()) taken[static_cast<std::size_t>(output)] = true;
  std::vector<std::string> odd;
  for (Index input : graph.inputs())
    if (!taken[static_cast<std::size_t>(input)])
      odd.push_back(fmt::format("input \"{}\": nothing takes it", graph.name(graph.node(input).layer)));
  return odd;
}

void print_self_test(const SavedModel& saved) {
  if (!saved.info.self_test) {
    fmt::print("self-test: none in the file\n");
    return;
  }
  const SelfTest& test = *saved.info.self_test;
  fmt::print("self-test: {} samples, passed, largest difference {:.2g} of at most {:.2g}\n", test.inputs[0].rows(),
             run_self_test(test, saved.network).difference, test.tolerance);
}

void print_pipeline(const SavedModel& saved) {
  if (!saved.info.pipeline) return;
  const Pipeline& pipeline = *saved.info.pipeline;
  fmt::print("pipeline: from {} raw columns by {} steps to {} features and {} targets\n",
             pipeline.needed_columns().size(), pipeline.steps().size(), pipeline.feature_names().size(),
             pipeline.target_names().size());
}

// What stands beside the network and is read by those alone who score it or watch it.
std::vector<std::string> odd_notes(const ModelInfo& info) {
  std::vector<std::string> odd;
  const auto look = [&](std::string_view what, auto&& read) {
    try {
      read();
    } catch (const Error& error) {
      odd.push_back(fmt::format("{}: {}", what, error.what()));
    }
  };
  look("forecast", [&] {
    if (!info.forecast) return;
    const ForecastFrame frame = ForecastFrame::from(info);
    if (info.baselines)
      KeptBaselines::from(*info.baselines, frame.options.windows, static_cast<Index>(frame.sensors.size()),
                          info.baseline_numbers);
  });
  look("baselines", [&] {
    if (info.baselines && !info.forecast) TableBaselines::from(*info.baselines);
  });
  look("reference", [&] {
    if (info.reference) DriftReference::from(*info.reference);
  });
  look("reading", [&] { kept_reading(info); });
  return odd;
}

void check(const std::string& path) {
  const SavedModel saved = read_keras(path);  // throws where a self-test fails
  const Graph& graph = saved.network.graph();
  fmt::print("{}: {} layers, {} parameters\n", path, graph.layers().size(), saved.network.parameters().count());
  print_self_test(saved);
  print_pipeline(saved);
  std::vector<std::string> odd = saved.warnings;
  for (const auto& part : {odd_inputs(graph), odd_weights(saved.network), odd_training(saved), odd_notes(saved.info)})
    odd.insert(odd.end(), part.begin(), part.end());
  for (const std::string& each : odd) fmt::print("odd: {}\n", each);
  if (odd.empty()) fmt::print("nothing odd\n");
}

}  // namespace

void add_check(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("check", "Reads all of a model file, runs its self-test, says what is odd");
  auto path = std::make_shared<std::string>();
  command->add_option("model", *path, "The model file, such as model.h5")->required();
  command->callback([path] { check(*path); });
}

}  // namespace maas::cli
