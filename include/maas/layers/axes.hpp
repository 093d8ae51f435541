// Axes of samples, and walks over the numbers of a sample along some of its axes.
#pragma once

#include <array>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "maas/core/axes.hpp"
#include "maas/core/matrix.hpp"
#include "maas/core/shape.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// The axis of a sample, from 0, that Keras calls `axis`. Throws ConfigError where there is none, or for the batch.
inline Index sample_axis(Index axis, const Shape& sample, std::string_view where) {
  const Index position = axis < 0 ? axis + sample.rank() : axis - 1;
  if (position < 0 || position >= sample.rank() || axis == 0)  // texts are made only then: passes take no memory
    fail<ConfigError>("{}: expected an axis from 1 to {} or from -{} to -1 for samples of shape {}, got {}", where,
                      sample.rank(), sample.rank(), sample.text(), axis);
  return position;
}

/// A set of axes of a sample, one bit each.
using AxisSet = unsigned;

inline bool has_axis(AxisSet set, Index axis) { return (set >> axis & 1u) != 0; }

inline AxisSet sample_axes(const Axes& axes, const Shape& sample, std::string_view where) {
  AxisSet set = 0;
  for (Index axis : axes.list) set |= 1u << sample_axis(axis, sample, where);
  return set;
}

/// Goes through positions of several axes in row-major order and says where each lies in memory.
class StridedWalk {
 public:
  /// Adds an axis inside those there are. A stride of 0 means that all positions are one place.
  void add(Index size, Index stride) {
    size_ *= size;
    if (size == 1) return;
    if (count_ > 0 && strides_[count_ - 1] == size * stride && stride != 0) {
      sizes_[count_ - 1] *= size;
      strides_[count_ - 1] = stride;
      return;
    }
    sizes_[count_] = size;
    strides_[count_++] = stride;
  }

  /// How many positions there are.
  Index size() const { return size_; }

  /// Calls visit(i, place) for the i-th position, i from 0.
  template <class Visit>
  void for_each(Visit&& visit) const {
    if (count_ == 0 && size_ > 0) visit(Index(0), Index(0));
    if (count_ == 0 || size_ == 0) return;
    const std::size_t inner = count_ - 1;
    std::array<Index, max_axes> position{};
    Index place = 0;
    for (Index i = 0; i < size_; i += sizes_[inner]) {
      for (Index k = 0; k < sizes_[inner]; ++k) visit(i + k, place + k * strides_[inner]);
      for (std::size_t axis = inner; axis-- > 0;) {
        place += strides_[axis];
        if (++position[axis] < sizes_[axis]) break;
        place -= strides_[axis] * sizes_[axis];
        position[axis] = 0;
      }
    }
  }

 private:
  static constexpr std::size_t max_axes = 2 * Shape::max_rank + 1;
  std::array<Index, max_axes> sizes_{}, strides_{};
  std::size_t count_ = 0;
  Index size_ = 1;
};

/// How far apart neighbours along an axis lie in a sample.
inline Index stride_of(const Shape& sample, Index axis) {
  Index stride = 1;
  for (Index i = axis + 1; i < sample.rank(); ++i) stride *= sample[i];
  return stride;
}

/// The places along these axes, all others at their first position.
inline StridedWalk walk_along(const Shape& sample, AxisSet axes) {
  StridedWalk walk;
  for (Index axis = 0; axis < sample.rank(); ++axis)
    if (has_axis(axes, axis)) walk.add(sample[axis], stride_of(sample, axis));
  return walk;
}

/// For each place of a sample, the place in a smaller array that has only `kept` of its axes (all in their order).
inline StridedWalk walk_reduced(const Shape& sample, AxisSet kept) {
  Shape reduced;
  for (Index axis = 0; axis < sample.rank(); ++axis) reduced.append(has_axis(kept, axis) ? sample[axis] : 1);
  StridedWalk walk;
  for (Index axis = 0; axis < sample.rank(); ++axis)
    walk.add(sample[axis], has_axis(kept, axis) ? stride_of(reduced, axis) : 0);
  return walk;
}

/// For each place of a sample of shape `to`, the place in one of shape `from` that is repeated to fill it: axes are
/// matched from the last, and an axis of size 1, or one that is not there, is repeated.
inline StridedWalk walk_repeated(const Shape& from, const Shape& to) {
  StridedWalk walk;
  const Index more = to.rank() - from.rank();
  for (Index axis = 0; axis < to.rank(); ++axis)
    walk.add(to[axis], axis < more || from[axis - more] == 1 ? 0 : stride_of(from, axis - more));
  return walk;
}

/// True if samples of shape `from` can be repeated to fill `to`.
inline bool can_repeat(const Shape& from, const Shape& to) {
  const Index more = to.rank() - from.rank();
  if (more < 0) return false;
  for (Index axis = 0; axis < from.rank(); ++axis)
    if (from[axis] != 1 && from[axis] != to[axis + more]) return false;
  return true;
}

/// The numbers of a sample that are taken together along some axes: where the groups start, and where from there each
/// member lies.
struct Groups {
  StridedWalk starts, members;
  Groups(const Shape& sample, AxisSet together)
      : starts(walk_along(sample, ~together)), members(walk_along(sample, together)) {}
};

/// A sample seen as outer x size x inner numbers around one of its axes.
struct AxisView {
  Index outer = 1, size, inner;
  AxisView(const Shape& sample, Index axis) : size(sample[axis]), inner(stride_of(sample, axis)) {
    for (Index i = 0; i < axis; ++i) outer *= sample[i];
  }
};

/// The numbers of one weight or of one sample.
inline const Scalar* row_of(const ConstMatrixView& view, Index row) { return view.data() + row * view.cols(); }
inline Scalar* row_of(const MatrixView& view, Index row) {
  return const_cast<Scalar*>(view.data()) + row * view.cols();  // a map's constness is the view's, not the numbers'
}
/// True if somebody wants this gradient.
inline bool wanted(const MatrixView& gradient) { return gradient.data() != nullptr; }
/// The numbers behind a view that may be written, whatever the constness of the view itself.
inline Scalar* numbers(const MatrixView& view) { return const_cast<Scalar*>(view.data()); }

}  // namespace detail

}  // namespace maas::inline MAAS_ABI
