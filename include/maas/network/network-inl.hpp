// Bodies of Network.
#pragma once

#include <algorithm>
#include <atomic>
#include <cassert>
#include <exception>

#include "maas/core/parallel.hpp"
#include "maas/network/network.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Workspace::Workspace(const Network& network, Index capacity, Mode mode, InputGradients input_gradients)
    : Workspace(network.graph(), network.parameters().layout(), capacity, mode, input_gradients) {}

MAAS_INLINE std::unique_ptr<Workspace> detail::WorkspacePool::take() {
  for (auto& place : places_)
    if (Workspace* found = place.exchange(nullptr, std::memory_order_acquire)) return std::unique_ptr<Workspace>(found);
  return nullptr;
}

MAAS_INLINE void detail::WorkspacePool::give_back(std::unique_ptr<Workspace> workspace) {
  for (auto& place : places_) {
    Workspace* empty = nullptr;
    if (place.compare_exchange_strong(empty, workspace.get(), std::memory_order_release, std::memory_order_relaxed)) {
      (void)workspace.release();
      return;
    }
  }
}

MAAS_INLINE void detail::WorkspacePool::clear() {
  for (auto& place : places_) delete place.exchange(nullptr);
}

MAAS_INLINE Network::Network(Graph graph, Undrawn)
    : graph_(std::make_shared<const Graph>(std::move(graph))),
      parameters_(std::make_shared<const ParameterLayout>(*graph_)) {}

MAAS_INLINE Network::Network(Graph graph) : Network(std::move(graph), Undrawn{}) { parameters_.initialize(0); }

MAAS_INLINE Network Network::undrawn(Graph graph) { return {std::move(graph), Undrawn{}}; }

MAAS_INLINE Network::Network(std::span<const Symbol> inputs, std::span<const Symbol> outputs)
    : Network(Graph(inputs, outputs)) {
  std::vector<Symbol> seen;
  for (const Symbol& output : outputs) take_weights(output, seen);
}

MAAS_INLINE void Network::take_weights(const Symbol& symbol, std::vector<Symbol>& seen) {
  if (std::ranges::any_of(seen, [&](const Symbol& other) { return other.same_as(symbol); })) return;
  seen.push_back(symbol);
  for (const Symbol& input : symbol.inputs()) take_weights(input, seen);
  if (symbol.weights() == nullptr) return;
  const auto layer = std::ranges::find_if(
      graph().layers(), [&](const Layer& other) { return other.shares_weights_with(symbol.layer()); });
  for (std::size_t which = 0; which < symbol.weights()->size(); ++which)
    parameters_.view(layer - graph().layers().begin(), static_cast<Index>(which)) = (*symbol.weights())[which];
}

MAAS_INLINE void Network::check_input(Index columns, std::size_t which) const {
  const Shape& shape = graph().input_shape(static_cast<Index>(which));
  if (columns != shape.size())  // not require: the text of the shape would be made each time
    fail<ShapeError>("predict: expected {} numbers a sample ({}){}, got {}", shape.size(), shape.text(),
                     which == 0 ? std::string() : " in input " + std::to_string(which), columns);
}

MAAS_INLINE Matrix Network::predict(MatrixArg x, Index batch_size) const {
  require_one_each();
  check_input(x.cols());
  Matrix out(x.rows(), graph().output_shape().size());
  const MatrixView result(out.data(), out.rows(), out.cols());
  const bool contiguous = x.rows() < 2 || x.outerStride() == x.cols();
  const Matrix copy = contiguous ? Matrix() : Matrix(x);
  const ConstMatrixView samples(contiguous ? x.data() : copy.data(), x.rows(), x.cols());
  run_in_pieces(std::span(&samples, 1), std::span(&result, 1), batch_size);
  return out;
}

MAAS_INLINE std::vector<Matrix> Network::predict(const std::vector<Matrix>& inputs, Index batch_size) const {
  require<ShapeError>(inputs.size() == graph().inputs().size(), "predict: expected {} inputs, got {}",
                      graph().inputs().size(), inputs.size());
  std::vector<ConstMatrixView> views;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    check_input(inputs[i].cols(), i);
    require<ShapeError>(inputs[i].rows() == inputs[0].rows(),
                        "predict: expected as many rows in input {} as in the first, {}, got {}", i, inputs[0].rows(),
                        inputs[i].rows());
    views.emplace_back(inputs[i].data(), inputs[i].rows(), inputs[i].cols());
  }
  std::vector<Matrix> outputs;
  for (std::size_t i = 0; i < graph().outputs().size(); ++i)
    outputs.emplace_back(inputs[0].rows(), graph().output_shape(static_cast<Index>(i)).size());
  std::vector<MatrixView> results;
  for (Matrix& output : outputs) results.emplace_back(output.data(), output.rows(), output.cols());
  run_in_pieces(views, results, batch_size);
  return outputs;
}

MAAS_INLINE void Network::require_one_each() const {
  require<ShapeError>(graph().inputs().size() == 1 && graph().outputs().size() == 1,
                      "predict: the network has {} inputs and {} outputs; pass a vector of matrices, one an input",
                      graph().inputs().size(), graph().outputs().size());
}

MAAS_INLINE void Network::predict_into(const ConstMatrixView& x, MatrixView out) const {
  require_one_each();
  check_input(x.cols());
  require<ShapeError>(out.rows() == x.rows() && out.cols() == graph().output_shape().size(),
                      "predict_into: expected room for {} x {} numbers, got {} x {}", x.rows(),
                      graph().output_shape().size(), out.rows(), out.cols());
  run_in_pieces(std::span(&x, 1), std::span(&out, 1), chunk);
}

MAAS_INLINE void Network::run_in_pieces(std::span<const ConstMatrixView> inputs, std::span<const MatrixView> outputs,
                                        Index batch_size) const {
  require<ConfigError>(batch_size >= 1, "predict: expected a batch_size of at least 1, got {}", batch_size);
  const Index size = std::min(batch_size, chunk), pieces = (inputs[0].rows() + size - 1) / size;
  // Pieces must not throw, but memory for a workspace may be lacking, and a user's own layer may do anything.
  std::exception_ptr failure;
  std::atomic<bool> failed{false};
  for_each_piece(pieces, [&](Index piece) {
    try {
      run_piece(inputs, outputs, size, piece);
    } catch (...) {
      if (!failed.exchange(true)) failure = std::current_exception();
    }
  });
  if (failure) std::rethrow_exception(failure);
}

MAAS_INLINE void Network::run_piece(std::span<const ConstMatrixView> inputs, std::span<const MatrixView> outputs,
                                    Index batch_size, Index piece) const {
  const Index first = piece * batch_size, rows = std::min(batch_size, inputs[0].rows() - first);
  std::unique_ptr<Workspace> workspace = pool_.take();
  if (workspace == nullptr || workspace->capacity() < rows)
    workspace = std::make_unique<Workspace>(*this, std::min(batch_size, inputs[0].rows()), Mode::inference);
  workspace->set_batch(rows);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    workspace->set_input(inputs[i].data() + first * inputs[i].cols(), static_cast<Index>(i));
  workspace->forward(parameters_, Mode::inference, Random());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const ConstMatrixView y = workspace->output(static_cast<Index>(i));
    Scalar* results = const_cast<Scalar*>(outputs[i].data());  // a map's constness is the view's, not the numbers'
    std::copy_n(y.data(), y.size(), results + first * outputs[i].cols());
  }
  pool_.give_back(std::move(workspace));
}

MAAS_INLINE ConstMatrixView Network::predict(const ConstMatrixView& x, Workspace& workspace) const noexcept {
  assert(x.cols() == graph().input_shape().size() && x.rows() <= workspace.capacity());
  workspace.set_batch(x.rows());
  workspace.set_input(x.data());
  workspace.forward(parameters_, Mode::inference, Random());
  return workspace.output();
}

}  // namespace maas::inline MAAS_ABI
