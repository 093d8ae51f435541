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
class RowBatches {
 public:
  RowBatches(Index rows, Index batch, bool shuffle, std::uint64_t seed)
      : order_(static_cast<std::size_t>(rows)), batch_(batch), shuffle_(shuffle), seed_(seed) {
    taken = count();
  }

  /// Batches of a pass; the last one may be smaller.
  Index count() const { return (rows() + batch_ - 1) / batch_; }
  Index rows() const { return static_cast<Index>(order_.size()); }

  /// Begins a new pass: draws the order by Fisher and Yates' shuffle.
  void begin(std::int64_t step);
  /// The rows of the next batch; begins a new pass where one is over.
  std::span<const Index> next(std::int64_t step);
  /// Draws the order of `drawn_at` again, after that was set.
  void draw();

  std::int64_t drawn_at = 0;  ///< steps taken when this pass began
  Index taken = 0;            ///< batches given in this pass

 private:
  std::vector<Index> order_;
  Index batch_;
  bool shuffle_;
  std::uint64_t seed_;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/batches-inl.hpp"
#endif
