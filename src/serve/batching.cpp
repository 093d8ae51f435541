#include "serve/batching.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "maas/core/error.hpp"
#include "maas/layers/layers.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

using Clock = std::chrono::steady_clock;

constexpr Index most_rows = 256;
constexpr std::chrono::milliseconds most_time{50};      // for all of it
constexpr std::chrono::milliseconds most_run_time{10};  // beyond which a batch is no better for those in it

// Rows that differ, of numbers from 0 to 1: those that are 0 or 1 may be asked of any layer.
std::vector<Matrix> samples_for(const Network& network, Index rows) {
  std::vector<Matrix> inputs;
  for (Index node : network.graph().inputs()) {
    Matrix& input = inputs.emplace_back(rows, network.graph().node(node).plan.output.size());
    for (Index row = 0; row < rows; ++row)
      for (Index i = 0; i < input.cols(); ++i) input(row, i) = static_cast<Scalar>((row * 7 + i * 3) % 5) / 4;
  }
  return inputs;
}

std::vector<Matrix> rows_of(const std::vector<Matrix>& all, Index begin, Index count) {
  std::vector<Matrix> part;
  for (const Matrix& each : all) part.push_back(each.middleRows(begin, count));
  return part;
}

bool same_bits(const Matrix& a, const Matrix& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(Scalar)) == 0;
}

// Whether the first, a middle and the last row are answered as they are alone.
bool is_independent(const Network& network, const std::vector<Matrix>& inputs, const std::vector<Matrix>& outputs) {
  const Index rows = inputs[0].rows();
  for (const Index row : {Index{0}, rows / 2, rows - 1}) {
    const std::vector<Matrix> alone = network.predict(rows_of(inputs, row, 1));
    for (std::size_t i = 0; i < alone.size(); ++i)
      if (outputs[i].rows() != rows || !same_bits(alone[i], outputs[i].middleRows(row, 1))) return false;
  }
  return true;
}

// Whether all layers are of maas, those within others, too: they can be made again from their settings.
bool is_of_maas(const Network& network) {
  try {
    for (const Layer& layer : network.graph().layers()) BuiltinLayers::make(layer.class_name(), layer.config());
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

MeasuredRuns measured_runs(const Network& network) {
  const auto start = Clock::now();
  const std::vector<Matrix> all = samples_for(network, most_rows);
  if (all.empty()) return {};
  std::vector<Servable::RunCost> curve;
  const bool is_known = is_of_maas(network);
  for (Index rows = 1; rows <= most_rows; rows *= 2) {
    const std::vector<Matrix> inputs = rows_of(all, 0, rows);
    std::vector<Matrix> outputs = network.predict(inputs);
    if (!is_independent(network, inputs, outputs)) return {};
    auto best = Clock::duration::max();
    for (int run = 0; run < 3; ++run) {
      const auto begin = Clock::now();
      outputs = network.predict(inputs);
      best = std::min(best, Clock::now() - begin);
    }
    if (rows > 1 && best > most_run_time) break;
    curve.push_back({rows, best});
    if (Clock::now() - start > most_time) break;
  }
  const auto for_each = [](const Servable::RunCost& run) {
    return static_cast<double>(run.time.count()) / static_cast<double>(run.rows);
  };
  const double least = for_each(std::ranges::min(curve, {}, for_each));
  const auto worth = std::ranges::find_if(curve, [&](const auto& run) { return for_each(run) <= 1.1 * least; });
  return {.batch_rows = worth->rows, .costs = is_known ? curve : std::vector<Servable::RunCost>()};
}

std::chrono::nanoseconds likely_time(const Servable& servable, Index rows) {
  const auto found = std::ranges::find_if(servable.run_costs, [&](const auto& run) { return run.rows >= rows; });
  return found == servable.run_costs.end() ? std::chrono::nanoseconds::max() : found->time;
}

}  // namespace maas::inline MAAS_ABI::serve
