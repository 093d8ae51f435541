// What the benchmarks share: the network that is measured, its data, what to print, and how to refuse to run.
#pragma once

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "maas/core/parallel.hpp"
#include "maas/layers/layers.hpp"
#include "maas/network/cost.hpp"
#include "maas/network/network.hpp"
#include "maas/ops/machine.hpp"

namespace bench {

using namespace maas;

/// 100 inputs, 128 and 64 hidden units, one sigmoid: the network of the quickstart, 21 249 weights.
inline Network network() { return Network{input(100), dense(128, relu), dense(64, relu), dense(1, sigmoid)}; }

/// 784 inputs, twice 4096 hidden units, ten classes: 20 million weights.
inline Network large_network() { return Network{input(784), dense(4096, relu), dense(4096, relu), dense(10, softmax)}; }

/// Samples between -1 and 1, and a separable question about them.
struct Samples {
  explicit Samples(Index count) : x(count, 100), y(count, 1) {
    const Random random(7);
    for (Index i = 0; i < x.size(); ++i)
      x.data()[i] = static_cast<Scalar>(2 * random.uniform(static_cast<std::uint64_t>(i)) - 1);
    for (Index row = 0; row < count; ++row) y(row, 0) = x.row(row).sum() > 0 ? Scalar(1) : Scalar(0);
  }
  ConstMatrixView features() const { return {x.data(), x.rows(), x.cols()}; }
  ConstMatrixView targets() const { return {y.data(), y.rows(), y.cols()}; }

  Matrix x, y;
};

/// Largest difference of two matrices, against the largest number in the first (at least 1).
template <class A, class B>
double difference(const A& a, const B& b) {
  return static_cast<double>((a - b).cwiseAbs().maxCoeff()) /
         std::max(1.0, static_cast<double>(a.cwiseAbs().maxCoeff()));
}

/// Ends the program if two ways of computing the same disagree: their times could not be compared.
inline void require_same(const char* what, double difference, double bound) {
  if (difference <= bound) {
    std::printf("check: %s: largest difference %.2g (bound %.2g)\n", what, difference, bound);
    return;
  }
  std::fprintf(stderr, "%s: expected the same numbers within %g, got a difference of %g\n", what, bound, difference);
  std::exit(1);
}

inline std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

/// Of Eigen, and of Highway where there are kernels.
inline std::string versions() {
  std::string text = fmt::format("Eigen {}.{}.{}", EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION);
#if defined(MAAS_BENCH_HIGHWAY)
  text += ", Highway " MAAS_BENCH_HIGHWAY;
#endif
  return text;
}

/// Says what is measured and where.
inline void print_setup() {
  set_threads(1);
  std::printf(
      "processor: %s\ncompiler: %s\nflags: %s\nlibraries: %s\nscalar: %s, Eigen's vectors: %d numbers, threads: %d\n",
      processor().c_str(), MAAS_BENCH_COMPILER, MAAS_BENCH_FLAGS, versions().c_str(),
      sizeof(Scalar) == 4 ? "float" : "double", static_cast<int>(Eigen::internal::packet_traits<Scalar>::size),
      threads());
}

/// What one core can do at most, measured once in this run.
inline const ops::Machine& machine() {
  static const ops::Machine machine = ops::measure_machine(2);
  return machine;
}

inline void print_machine() {
  const ops::Machine& m = machine();
  std::printf(
      "one core: %.1f G multiply-adds/s; reads %.0f GB/s from 16 KB, %.0f from 256 KB, %.1f from memory; rewrites "
      "%.1f GB/s of memory (read and written)\n",
      m.multiply_adds / 1e9, m.first_level / 1e9, m.second_level / 1e9, m.memory / 1e9, m.rewritten / 1e9);
}

/// Shows what part of its time a benchmark needs at least: `seconds` of one iteration, by the rates of this run.
inline void compare_with_floor(benchmark::State& state, double seconds) {
  state.counters["floor/time"] =
      benchmark::Counter(seconds * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

/// Seconds a step of training takes at least: its products, and the optimizer's sweep, which reads or writes so many
/// numbers a weight (7 for Adam, 5 for RMSprop).
inline double step_floor(const Network& network, Index batch, double numbers_a_weight) {
  const Cost cost = cost_of(network);
  const double bytes = numbers_a_weight * cost.weight_bytes;
  return static_cast<double>(batch) * cost.training_multiply_adds / machine().multiply_adds +
         bytes / (bytes <= 768e3 ? machine().second_level : machine().rewritten);
}

/// Seconds a prediction takes at least.
inline double prediction_floor(const Network& network, Index batch) {
  const Cost cost = cost_of(network);
  return machine().floor(static_cast<double>(batch) * cost.multiply_adds, cost.weight_bytes);
}

/// So many samples at once through a workspace, beside the floor.
inline void predictions(benchmark::State& state, const Network& net, Index batch) {
  const Matrix x = Matrix::Random(batch, net.graph().input_shape().size());
  Workspace workspace(net, batch, Mode::inference);
  for (auto _ : state)
    benchmark::DoNotOptimize(net.predict(ConstMatrixView(x.data(), batch, x.cols()), workspace).data());
  compare_with_floor(state, prediction_floor(net, batch));
}

inline int run(int count, char** arguments) {
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace bench
