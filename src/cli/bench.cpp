// maas bench: how long predictions with a model take, beside what this machine needs at least.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cli/commands.hpp"
#include "cli/finite.hpp"
#include "cli/weights.hpp"
#include "maas/core/parallel.hpp"
#include "maas/io/keras.hpp"
#include "maas/network/cost.hpp"
#include "maas/network/workspace.hpp"
#include "maas/ops/machine.hpp"
#include "maas/ops/probes.hpp"

namespace maas::cli {

namespace {

struct BenchOptions {
  std::string model;
  Index batch = 1;
  int threads = 1;
  double seconds = 2;
  double pause = 0;
  WeightsOption weights;
};

// Numbers between 0 and 1: sensible to all layers, those that look rows up included.
std::vector<Matrix> drawn_inputs(const Graph& graph, Index batch) {
  std::vector<Matrix> inputs;
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
    const Random random(i + 1);
    Matrix x(batch, graph.input_shape(static_cast<Index>(i)).size());
    for (Index k = 0; k < x.size(); ++k)
      x.data()[k] = static_cast<Scalar>(random.uniform(static_cast<std::uint64_t>(k)));
    inputs.push_back(std::move(x));
  }
  return inputs;
}

// Seconds of every prediction, in order of size, after a tenth of the time to warm up. After a pause the model's
// weights and the library's code have left the nearest caches, if others used the machine, or the processor slept.
std::vector<double> time_predictions(const Network& network, const BenchOptions& options) {
  using Clock = std::chrono::steady_clock;
  const std::vector<Matrix> inputs = drawn_inputs(network.graph(), options.batch);
  Workspace workspace(network, options.batch, Mode::inference);
  workspace.set_batch(options.batch);
  for (std::size_t i = 0; i < inputs.size(); ++i) workspace.set_input(inputs[i].data(), static_cast<Index>(i));
  std::vector<double> times;
  times.reserve(std::size_t{1} << 20);
  const Clock::time_point start = Clock::now();
  bool warm = false;
  for (double since = 0; since < options.seconds || times.empty();) {
    if (options.pause > 0) std::this_thread::sleep_for(std::chrono::duration<double>(options.pause));
    const Clock::time_point begin = Clock::now();
    workspace.forward(network.parameters(), Mode::inference, Random());
    const Clock::time_point end = Clock::now();
    since = std::chrono::duration<double>(end - start).count();
    if (warm && times.size() < times.capacity()) times.push_back(std::chrono::duration<double>(end - begin).count());
    warm = warm || since >= options.seconds / 10;
    if (times.size() == times.capacity()) break;
  }
  std::sort(times.begin(), times.end());
  return times;
}

std::string text_of(double seconds) {
  if (seconds < 1e-8) return fmt::format("{:.2f} ns", seconds * 1e9);
  if (seconds < 1e-6) return fmt::format("{:.0f} ns", seconds * 1e9);
  if (seconds < 1e-3) return fmt::format("{:.2f} us", seconds * 1e6);
  return seconds < 1 ? fmt::format("{:.2f} ms", seconds * 1e3) : fmt::format("{:.2f} s", seconds);
}

// The smallest time that so large a part of all does not exceed.
double quantile(const std::vector<double>& sorted, double part) {
  const double place = part * static_cast<double>(sorted.size());
  return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(place))];
}

// What one core needs at least for the multiply-adds of a prediction, and for reading all weights once: no prediction
// takes less than either.
void print_floors(const ops::Machine& machine, double multiply_adds, double bytes, double median) {
  const double arithmetic = machine.floor(multiply_adds, 0), memory = machine.floor(0, bytes);
  fmt::print("floors of one core\n");
  fmt::print("{:<12}{}, {:.0f} % of p50: {:.4g} multiply-adds\n", "arithmetic", text_of(arithmetic),
             100 * arithmetic / median, multiply_adds);
  fmt::print("{:<12}{}, {:.0f} % of p50: {:.4g} bytes of weights, read once\n", "memory", text_of(memory),
             100 * memory / median, bytes);
}

void bench(const BenchOptions& options) {
  const Network network = compact_as_asked(read_keras(options.model, {.compile = false}).network, options.weights);
  set_threads(options.threads);
  const ops::Machine machine = ops::measure_machine(1);
  const Cost cost = cost_of(network);
  const std::vector<double> times = time_predictions(network, options);

  fmt::print("{}: {} weights, {:.4g} multiply-adds a sample; batch {}, {} {}, kernels {}{}\n", options.model,
             network.parameters().count(), cost.multiply_adds, options.batch, options.threads,
             options.threads == 1 ? "thread" : "threads", ops::vectors_in_use(),
             options.pause > 0 ? fmt::format(", each after a pause of {}", text_of(options.pause)) : "");
  fmt::print(
      "one core: {:.1f} G multiply-adds/s; reads {:.0f} GB/s from 16 KB, {:.0f} from 256 KB, {:.1f} from memory\n",
      machine.multiply_adds / 1e9, machine.first_level / 1e9, machine.second_level / 1e9, machine.memory / 1e9);
  for (const auto& [name, part] : {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}})
    fmt::print("{:<8}{}\n", name, text_of(quantile(times, part)));
  fmt::print("{:<8}{}  ({} predictions)\n", "max", text_of(times.back()), times.size());
  const double median = quantile(times, 0.5);
  fmt::print("{:<8}{:.4g} samples/s\n", "rate", static_cast<double>(options.batch) / median);
  print_floors(machine, static_cast<double>(options.batch) * cost.multiply_adds, cost.weight_bytes, median);
}

}  // namespace

void add_bench(CLI::App& program) {
  CLI::App* command = program.add_subcommand("bench", "Times predictions with a model file on this machine");
  auto options = std::make_shared<BenchOptions>();
  command->add_option("model", options->model, "The model file, such as model.h5")->required();
  command->add_option("--batch", options->batch, "Samples in one prediction; 1 without it")
      ->check(CLI::Range(1, 1 << 20));
  command->add_option("--threads", options->threads, "Threads of the library; 1 without it")
      ->check(CLI::Range(1, 1024));
  command->add_option("--seconds", options->seconds, "How long to predict; 2 without it")
      ->check(finite(CLI::Range(0.01, 3600.0)));
  command
      ->add_option("--pause", options->pause,
                   "Seconds to sleep before each prediction, as between readings of a sensor; none without it")
      ->check(finite(CLI::Range(0.0, 3600.0)));
  add_weights_option(*command, options->weights);
  command->callback([options] { bench(*options); });
}

}  // namespace maas::cli
