// Network: a graph with its weights; what runs.
#pragma once

#include <array>
#include <atomic>
#include <initializer_list>
#include <memory>
#include <span>
#include <vector>

#include "maas/core/tensor.hpp"
#include "maas/network/graph.hpp"
#include "maas/network/parameters.hpp"
#include "maas/network/workspace.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// Workspaces of a network that callers borrow without a lock: each place holds one or nothing.
class WorkspacePool {
 public:
  WorkspacePool() = default;
  WorkspacePool(const WorkspacePool&) {}  // a copy of a network starts with no workspaces
  WorkspacePool& operator=(const WorkspacePool&) {
    clear();
    return *this;
  }
  ~WorkspacePool() { clear(); }

  std::unique_ptr<Workspace> take();
  void give_back(std::unique_ptr<Workspace> workspace);

 private:
  void clear();
  std::array<std::atomic<Workspace*>, 16> places_{};
};

}  // namespace detail

/// A graph and its weights. Const calls may run on many threads at once; each borrows a workspace of its own.
/// Copying copies the weights (one buffer) and shares the graph.
class Network {
 public:
  /// A chain of layers, the first an input; weights are drawn with seed 0. Throws where shapes do not fit.
  Network(std::initializer_list<Layer> layers) : Network(Graph(std::span(layers.begin(), layers.size()))) {}
  /// All that leads from the input to the output.
  Network(const Symbol& input, const Symbol& output) : Network(std::span(&input, 1), std::span(&output, 1)) {}
  /// All that leads from the inputs to the outputs; weights start as the symbols say.
  Network(std::span<const Symbol> inputs, std::span<const Symbol> outputs);
  explicit Network(Graph graph);  ///< weights are drawn with seed 0
  /// With all weights 0, for who is about to set each of them, as readers of files are: drawing takes longer than that.
  static Network undrawn(Graph graph);

  const Graph& graph() const { return *graph_; }
  const Parameters& parameters() const { return parameters_; }
  Parameters& parameters() { return parameters_; }

  /// How many samples predict runs at a time, at most.
  static constexpr Index chunk = 256;

  /// Predictions for each row of x (samples x numbers a sample): samples x outputs. Large batches are shared among
  /// threads; a row's result depends neither on the others nor on `batch_size`, how many samples are run at a time (at
  /// most `chunk`). Throws ShapeError naming both widths, ConfigError for a batch_size below 1.
  Matrix predict(MatrixArg x, Index batch_size = chunk) const;
  /// The same for an Eigen tensor whose first axis counts samples.
  template <TensorLike T>
  Matrix predict(const T& x, Index batch_size = chunk) const {
    const TensorRows<T> rows(x);
    return predict(rows.view(), batch_size);
  }
  /// For networks of several inputs or outputs: one matrix an input, in the order of graph().inputs(), all of as many
  /// rows; gives one matrix an output. Throws ShapeError naming the input that does not fit.
  std::vector<Matrix> predict(const std::vector<Matrix>& inputs, Index batch_size = chunk) const;
  /// Predictions into memory of the caller, samples x outputs. Once there is a workspace of that size for every thread
  /// that shares in the work, which is after the first call on one thread, it neither allocates nor locks.
  void predict_into(const ConstMatrixView& x, MatrixView out) const;
  /// A batch of at most the workspace's capacity; the result lives in the workspace until its next use. Neither
  /// allocates, locks nor throws: the shape of x is the caller's promise. Products that are large enough for it are
  /// shared out among the library's threads, which the first of them starts: see set_threads.
  ConstMatrixView predict(const ConstMatrixView& x, Workspace& workspace) const noexcept;

 private:
  struct Undrawn {};
  Network(Graph graph, Undrawn);
  void take_weights(const Symbol& symbol, std::vector<Symbol>& seen);
  void require_one_each() const;
  void check_input(Index columns, std::size_t which = 0) const;
  void run_in_pieces(std::span<const ConstMatrixView> inputs, std::span<const MatrixView> outputs,
                     Index batch_size) const;
  void run_piece(std::span<const ConstMatrixView> inputs, std::span<const MatrixView> outputs, Index batch_size,
                 Index piece) const;

  std::shared_ptr<const Graph> graph_;
  Parameters parameters_;
  mutable detail::WorkspacePool pool_;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/network/network-inl.hpp"
#endif
