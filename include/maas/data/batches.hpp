// Where batches come from: a walk over the rows of a data set, or a function of the user's that fills one in.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <numeric>
#include <span>
#include <vector>

#include "maas/core/matrix.hpp"
#include "maas/core/random.hpp"
#include "maas/data/dataset.hpp"

namespace maas::inline MAAS_ABI {

/// One matrix an input (or output), samples in rows: a matrix where there is one, else `{loops, weather}`.
class MatrixList {
 public:
  MatrixList() = default;
  template <class Derived>
  MatrixList(const Eigen::DenseBase<Derived>& only) : matrices_{Matrix(only.derived())} {}
  MatrixList(Matrix&& only) { matrices_.push_back(std::move(only)); }
  MatrixList(std::initializer_list<Matrix> matrices) : matrices_(matrices) {}
  MatrixList(std::vector<Matrix> matrices) : matrices_(std::move(matrices)) {}

  std::size_t size() const { return matrices_.size(); }
  const Matrix& operator[](std::size_t i) const { return matrices_[i]; }
  /// Samples; 0 where there is no matrix.
  Index rows() const { return matrices_.empty() ? 0 : matrices_[0].rows(); }
  const std::vector<Matrix>& matrices() const { return matrices_; }

 private:
  std::vector<Matrix> matrices_;
};

/// A batch of samples, owned.
struct Batch {
  MatrixList x;                             ///< one matrix an input
  MatrixList y;                             ///< one matrix an output, as many rows
  std::vector<Vector> sample_weights = {};  ///< none, one for all outputs, or one an output
};

/// A user's own source of batches: fills in the next batch and returns true; returns false, without a batch, at the end
/// of a pass, and begins anew when it is called again. One that never ends needs steps_per_epoch.
using BatchSource = std::function<bool(Batch& next)>;

/// Walks over the rows of a data set batch by batch, in a new order in each pass. The order follows from a seed and the
/// number of steps taken before the pass, so that a walk can be taken up anywhere.
///
/// Where the data set has blocks, they are shuffled, and then the rows within each run of `mixed` blocks: as much order
/// is kept in memory as these have rows.
class RowBatches {
 public:
  RowBatches(const Dataset& data, Index batch, bool shuffle, std::uint64_t seed);

  /// Batches of a pass; the last one may be smaller.
  Index count() const { return (rows() + batch_ - 1) / batch_; }
  Index rows() const { return rows_; }

  /// Begins a new pass: draws the order by Fisher and Yates' shuffle, and announces it to the data set.
  void begin(std::int64_t step);
  /// The rows of the next batch; begins a new pass where one is over.
  std::span<const Index> next(std::int64_t step);
  /// Draws the order of `drawn_at` again, after that was set.
  void draw();

  std::int64_t drawn_at = 0;  ///< steps taken when this pass began
  Index taken = 0;            ///< batches given in this pass

 private:
  void draw_blocks();
  void draw_run(Index run);
  Index run_of(Index place) const;
  Random random() const { return Random(seed_).stream(1).stream(static_cast<std::uint64_t>(drawn_at)); }

  Dataset data_;
  Index rows_, batch_;
  bool shuffle_;
  std::uint64_t seed_;
  BlockLayout layout_;
  std::vector<Index> order_;       // of all rows, or of those of one run of blocks
  std::vector<Index> blocks_;      // in the order of this pass
  std::vector<Index> run_begins_;  // places in the pass at which runs of blocks begin; the number of rows at the end
  std::vector<Index> next_;        // a batch, where there are blocks
  Index run_ = -1;                 // whose rows are in order_
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/batches-inl.hpp"
#endif
