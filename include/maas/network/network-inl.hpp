// Bodies of Network.
#pragma once

#include <algorithm>
#include <cassert>

#include "maas/core/parallel.hpp"
#include "maas/network/network.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Workspace::Workspace(const Network& network, Index capacity, Mode mode)
    : Workspace(network.graph(), network.parameters().layout(), capacity, mode) {}

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

MAAS_INLINE Network::Network(Graph graph)
    : graph_(std::make_shared<const Graph>(std::move(graph))),
      parameters_(std::make_shared<const ParameterLayout>(*graph_)) {
  parameters_.initialize(0);
}

MAAS_INLINE void Network::check_input(Index columns) const {
  const Shape& shape = graph().input_shape();
  require<ShapeError>(columns == shape.size(), "predict: expected {} numbers a sample ({}), got {}", shape.size(),
                      shape.text(), columns);
}

MAAS_INLINE Matrix Network::predict(MatrixArg x) const {
  check_input(x.cols());
  Matrix out(x.rows(), graph().output_shape().size());
  if (x.rows() < 2 || x.outerStride() == x.cols()) {
    predict_into(ConstMatrixView(x.data(), x.rows(), x.cols()), MatrixView(out.data(), out.rows(), out.cols()));
  } else {
    const Matrix contiguous = x;
    predict_into(ConstMatrixView(contiguous.data(), x.rows(), x.cols()),
                 MatrixView(out.data(), out.rows(), out.cols()));
  }
  return out;
}

MAAS_INLINE void Network::predict_into(const ConstMatrixView& x, MatrixView out) const {
  check_input(x.cols());
  require<ShapeError>(out.rows() == x.rows() && out.cols() == graph().output_shape().size(),
                      "predict_into: expected room for {} x {} numbers, got {} x {}", x.rows(),
                      graph().output_shape().size(), out.rows(), out.cols());
  const Index pieces = (x.rows() + chunk - 1) / chunk;
  Scalar* const results = out.data();
  const Index outputs = out.cols();
  for_each_piece(pieces, [&](Index piece) {
    const Index first = piece * chunk, rows = std::min(chunk, x.rows() - first);
    std::unique_ptr<Workspace> workspace = pool_.take();
    if (workspace == nullptr || workspace->capacity() < rows)
      workspace = std::make_unique<Workspace>(*this, rows, Mode::inference);
    const ConstMatrixView y = predict(ConstMatrixView(x.data() + first * x.cols(), rows, x.cols()), *workspace);
    std::copy_n(y.data(), y.size(), results + first * outputs);
    pool_.give_back(std::move(workspace));
  });
}

MAAS_INLINE ConstMatrixView Network::predict(const ConstMatrixView& x, Workspace& workspace) const noexcept {
  assert(x.cols() == graph().input_shape().size() && x.rows() <= workspace.capacity());
  workspace.set_batch(x.rows());
  workspace.set_input(x.data());
  workspace.forward(parameters_, Mode::inference, Random());
  return workspace.output();
}

}  // namespace maas::inline MAAS_ABI
