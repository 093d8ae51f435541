// maas diff: what differs between two model files.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "maas/io/keras.hpp"

namespace maas::cli {

namespace {

constexpr int differs = 2;  // the exit code; 1 is that of errors

struct DiffCommand {
  std::string a, b;
  std::size_t most = 10;
};

std::string layer_text(const Graph& graph, Index layer) {
  const Layer& one = graph.layer(layer);
  return fmt::format("{} {} {}{}", graph.name(layer), one.class_name(), one.config().text(),
                     one.trainable() ? "" : " frozen");
}

// "a, b -> dense" for every call.
std::vector<std::string> call_texts(const Graph& graph) {
  std::vector<std::string> texts;
  for (const GraphNode& node : graph.nodes()) {
    std::string inputs;
    for (Index input : node.inputs) inputs += (inputs.empty() ? "" : ", ") + graph.name(graph.node(input).layer);
    texts.push_back(fmt::format("{} -> {} {}", inputs, graph.name(node.layer), node.plan.output.text()));
  }
  return texts;
}

std::vector<std::string> layer_texts(const Graph& graph) {
  std::vector<std::string> texts;
  for (Index layer = 0; layer < static_cast<Index>(graph.layers().size()); ++layer)
    texts.push_back(layer_text(graph, layer));
  return texts;
}

std::string training_text(const SavedModel& saved) {
  if (!saved.training) return "not compiled";
  const SavedTraining& training = *saved.training;
  std::string text = fmt::format("{} {}", training.optimizer.class_name(), training.optimizer.config().text());
  if (training.loss) text += ", loss " + to_config(*training.loss).text();
  if (training.state) text += fmt::format(", {} steps", training.state->step);
  return text;
}

// A line for each step and each setting of the pipeline, with what was learned.
std::vector<std::string> pipeline_texts(const SavedModel& saved) {
  if (!saved.info.pipeline) return {};
  std::vector<std::string> texts;
  const Config config = saved.info.pipeline->config();
  for (const auto& [key, value] : config.as_object())
    if (key != "steps") texts.push_back(fmt::format("pipeline {} {}", key, value.text()));
  for (const Step& step : saved.info.pipeline->steps())
    texts.push_back(fmt::format("pipeline step {} {}", step.class_name(), step.config().text()));
  return texts;
}

// Lines of one side that the other has not, as diff shows them. True if there are any.
bool print_lines(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  bool any = false;
  const auto missing = [&](const std::vector<std::string>& from, const std::vector<std::string>& in, char mark) {
    for (const std::string& line : from)
      if (std::ranges::find(in, line) == in.end()) {
        fmt::print("{} {}\n", mark, line);
        any = true;
      }
  };
  missing(a, b, '<');
  missing(b, a, '>');
  return any;
}

struct WeightDifference {
  std::string name;
  double largest = 0, of = 0;  // and the largest number among both
};

double largest_difference(const ConstMatrixView& a, const ConstMatrixView& b) {
  double largest = 0;
  for (Index i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a.data()[i]), y = static_cast<double>(b.data()[i]);
    if (x == y || (std::isnan(x) && std::isnan(y))) continue;
    const double difference = std::abs(x - y);
    largest = std::max(largest, std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference);
  }
  return largest;
}

// Weights that both have by name and shape; the others have been told with their layers.
std::vector<WeightDifference> weight_differences(const Network& a, const Network& b) {
  std::vector<WeightDifference> differences;
  for (const ParameterEntry& mine : a.parameters().entries())
    for (const ParameterEntry& other : b.parameters().entries()) {
      if (mine.name != other.name || mine.shape != other.shape) continue;
      const ConstMatrixView x = a.parameters().view(mine), y = b.parameters().view(other);
      const double largest = largest_difference(x, y);
      if (largest > 0)
        differences.push_back(
            {mine.name, largest, static_cast<double>(std::max(x.cwiseAbs().maxCoeff(), y.cwiseAbs().maxCoeff()))});
    }
  std::ranges::stable_sort(differences, [](const auto& x, const auto& y) { return x.largest > y.largest; });
  return differences;
}

bool print_weights(const Network& a, const Network& b, std::size_t most) {
  const std::vector<WeightDifference> differences = weight_differences(a, b);
  for (std::size_t i = 0; i < std::min(most, differences.size()); ++i)
    fmt::print("{}: largest difference {:.9g}, numbers up to {:.9g}\n", differences[i].name, differences[i].largest,
               differences[i].of);
  if (differences.size() > most) fmt::print("{} more weights differ\n", differences.size() - most);
  return !differences.empty();
}

void diff(const DiffCommand& command) {
  const SavedModel a = read_keras(command.a), b = read_keras(command.b);
  bool any = print_lines(layer_texts(a.network.graph()), layer_texts(b.network.graph()));
  any = print_lines(call_texts(a.network.graph()), call_texts(b.network.graph())) || any;
  any = print_lines({training_text(a)}, {training_text(b)}) || any;
  any = print_lines(pipeline_texts(a), pipeline_texts(b)) || any;
  any = print_weights(a.network, b.network, command.most) || any;
  if (!any) return;
  throw CLI::RuntimeError(differs);
}

}  // namespace

void add_diff(CLI::App& program) {
  CLI::App* command = program.add_subcommand("diff",
                                             "Shows what differs between two model files: layers, calls, training, "
                                             "pipelines, weights (exit code 2 if anything)");
  auto given = std::make_shared<DiffCommand>();
  command->add_option("a", given->a, "A model file; its lines start with <")->required();
  command->add_option("b", given->b, "Another; its lines start with >")->required();
  command->add_option("--weights", given->most, "How many weights to show, those that differ most");
  command->callback([given] { diff(*given); });
}

}  // namespace maas::cli
