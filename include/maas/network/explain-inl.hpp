// Body of gradient_times_input().
#pragma once

#include <algorithm>

#include "maas/network/explain.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE std::vector<Matrix> gradient_times_input(const Network& network, const std::vector<Matrix>& x, Index number,
                                                     Index output) {
  const Graph& graph = network.graph();
  const Index inputs = static_cast<Index>(graph.inputs().size()), outputs = static_cast<Index>(graph.outputs().size());
  require<ShapeError>(static_cast<Index>(x.size()) == inputs, "gradient_times_input: expected {} inputs, got {}",
                      inputs, x.size());
  require<ConfigError>(output >= 0 && output < outputs, "gradient_times_input: expected an output from 0 to {}, got {}",
                       outputs - 1, output);
  const Index width = graph.output_shape(output).size(), rows = x[0].rows();
  require<ConfigError>(number >= 0 && number < width, "gradient_times_input: expected a number from 0 to {}, got {}",
                       width - 1, number);
  for (Index i = 0; i < inputs; ++i) {
    const Matrix& samples = x[static_cast<std::size_t>(i)];
    require<ShapeError>(samples.rows() == rows && samples.cols() == graph.input_shape(i).size(),
                        "gradient_times_input: expected {} x {} numbers in input {}, got {} x {}", rows,
                        graph.input_shape(i).size(), i, samples.rows(), samples.cols());
  }
  std::vector<Matrix> result = x;
  if (rows == 0) return result;
  Workspace workspace(network, std::min(rows, Network::chunk), Mode::training, InputGradients::wanted);
  Parameters unused(network.parameters().shared_layout());
  for (Index first = 0; first < rows; first += Network::chunk) {
    const Index count = std::min(rows - first, Network::chunk);
    workspace.set_batch(count);
    for (Index i = 0; i < inputs; ++i) workspace.set_input(x[static_cast<std::size_t>(i)].row(first).data(), i);
    workspace.forward(network.parameters(), Mode::inference, Random());
    for (Index i = 0; i < outputs; ++i) workspace.output_gradient(i).setZero();
    workspace.output_gradient(output).col(number).setOnes();
    workspace.backward(network.parameters(), unused, Penalties::left_out);
    for (Index i = 0; i < inputs; ++i) {
      auto block = result[static_cast<std::size_t>(i)].middleRows(first, count);
      block.array() *= workspace.input_gradient(i).array();
    }
  }
  return result;
}

}  // namespace maas::inline MAAS_ABI
