// Bodies of ModelInfo.
#pragma once

#include <cmath>
#include <limits>

#include "maas/io/info.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// Where a graph has several inputs or outputs: what the i-th takes or gives.
inline const Shape& side_shape(const Graph& graph, bool inputs, std::size_t i) {
  return inputs ? graph.input_shape(static_cast<Index>(i)) : graph.output_shape(static_cast<Index>(i));
}

inline void check_quantities(const std::vector<std::vector<Quantity>>& info, const Graph& graph, bool inputs) {
  const std::string_view what = inputs ? "inputs" : "outputs";
  const std::size_t count = inputs ? graph.inputs().size() : graph.outputs().size();
  require<ShapeError>(info.empty() || info.size() == count, "info: expected names of {} {}, got {}", count, what,
                      info.size());
  for (std::size_t i = 0; i < info.size(); ++i) {
    const Index size = side_shape(graph, inputs, i).size();
    require<ShapeError>(info[i].empty() || static_cast<Index>(info[i].size()) == size,
                        "info: expected {} names in {}[{}], got {}", size, what, i, info[i].size());
  }
}

inline void check_test_matrices(const std::vector<Matrix>& matrices, const Graph& graph, bool inputs, Index samples) {
  const std::string_view what = inputs ? "inputs" : "outputs";
  const std::size_t count = inputs ? graph.inputs().size() : graph.outputs().size();
  require<ShapeError>(matrices.size() == count, "self-test: expected {} {}, got {}", count, what, matrices.size());
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    const Index size = side_shape(graph, inputs, i).size();
    require<ShapeError>(matrices[i].rows() == samples && matrices[i].cols() == size,
                        "self-test: expected {} x {} numbers in {}[{}], got {} x {}", samples, size, what, i,
                        matrices[i].rows(), matrices[i].cols());
  }
}

}  // namespace detail

MAAS_INLINE CsvOptions kept_reading(const ModelInfo& info, CsvOptions otherwise) {
  if (info.reading) from_config(*info.reading, "reading", otherwise);
  return otherwise;
}

MAAS_INLINE void check_info(const ModelInfo& info, const Network& network) {
  const Graph& graph = network.graph();
  detail::check_quantities(info.inputs, graph, true);
  detail::check_quantities(info.outputs, graph, false);
  if (info.pipeline) check_pipeline(*info.pipeline, network);
  if (!info.self_test) return;
  const SelfTest& test = *info.self_test;
  const Index samples = test.inputs.empty() ? 0 : test.inputs[0].rows();
  require<ConfigError>(samples >= 1 && samples <= SelfTest::most_samples, "self-test: expected 1 to {} samples, got {}",
                       SelfTest::most_samples, samples);
  require<ConfigError>(test.tolerance >= 0 && std::isfinite(test.tolerance),
                       "self-test: expected a tolerance of at least 0, got {}", test.tolerance);
  detail::check_test_matrices(test.inputs, graph, true, samples);
  if (!test.outputs.empty()) detail::check_test_matrices(test.outputs, graph, false, samples);
}

MAAS_INLINE void check_pipeline(const Pipeline& pipeline, const Network& network) {
  const Graph& graph = network.graph();
  require<ConfigError>(pipeline.is_fitted(), "pipeline: expected one that is fitted, got one that is not");
  require<ShapeError>(graph.inputs().size() == 1 && graph.outputs().size() == 1,
                      "pipeline: expected a network of 1 input and 1 output, got {} and {}", graph.inputs().size(),
                      graph.outputs().size());
  const auto features = static_cast<Index>(pipeline.feature_names().size());
  require<ShapeError>(features == graph.input_shape(0).size(),
                      "pipeline: expected {} features, as the network takes, got {}", graph.input_shape(0).size(),
                      features);
  const Index outputs = graph.output_shape(0).size();
  require<ShapeError>(pipeline.target_names().empty() || pipeline.output_names(outputs).has_value(),
                      "pipeline: expected {} targets or classes, as the network gives, got {} targets", outputs,
                      pipeline.target_names().size());
}

MAAS_INLINE SelfTestResult run_self_test(const SelfTest& test, const Network& network) {
  const std::vector<Matrix> outputs = network.predict(test.inputs);
  SelfTestResult worst;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    for (Index row = 0; row < outputs[i].rows(); ++row)
      for (Index column = 0; column < outputs[i].cols(); ++column) {
        const double got = static_cast<double>(outputs[i](row, column));
        const double expected = static_cast<double>(test.outputs[i](row, column));
        if (got == expected || (std::isnan(got) && std::isnan(expected))) continue;
        double difference = std::abs(got - expected) / std::max(1.0, std::abs(expected));
        if (std::isnan(difference)) difference = std::numeric_limits<double>::infinity();
        if (difference > worst.difference) worst = {difference, static_cast<Index>(i), row, column, expected, got};
      }
  return worst;
}

}  // namespace maas::inline MAAS_ABI
