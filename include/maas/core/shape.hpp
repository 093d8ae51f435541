// Shape: the dimensions of one sample, without the batch axis.
#pragma once

#include <algorithm>
#include <array>
#include <initializer_list>
#include <span>
#include <string>

#include "maas/core/error.hpp"
#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI {

/// The dimensions of one sample, without the batch axis: `Shape{100}`, `Shape{28, 28, 1}`. At most eight.
/// A sample is stored as one row, flattened with the last axis fastest ("channels last").
class Shape {
 public:
  static constexpr Index max_rank = 8;
  /// How many numbers one sample or one weight of a network may have.
  static constexpr Index max_size = Index{1} << 31;

  Shape() = default;
  /// Throws ShapeError for more than eight dimensions, a negative one, or more numbers than an Index can count.
  Shape(std::initializer_list<Index> dimensions) : Shape(std::span(dimensions.begin(), dimensions.size())) {}
  explicit Shape(std::span<const Index> dimensions);

  Index rank() const { return rank_; }
  Index operator[](Index axis) const { return dimensions_[static_cast<std::size_t>(axis)]; }
  /// The last dimension: what Dense and the losses work along. 1 for a scalar.
  Index last() const { return rank_ == 0 ? 1 : (*this)[rank_ - 1]; }
  /// The count of numbers in one sample.
  Index size() const {
    Index product = 1;
    for (Index dimension : *this) product *= dimension;
    return product;
  }
  /// The same shape with another last dimension. Throws ShapeError as append does.
  Shape with_last(Index dimension) const {
    Shape result = *this;
    result.rank_ = std::max<Index>(rank_ - 1, 0);
    result.append(dimension);
    return result;
  }
  /// One more axis, the last. Throws ShapeError for a ninth, a negative size, or more numbers than an Index can count.
  void append(Index dimension);

  const Index* begin() const { return dimensions_.data(); }
  const Index* end() const { return dimensions_.data() + rank_; }
  friend bool operator==(const Shape& a, const Shape& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

  /// As people write it: "100", "28x28x1"; "scalar" without dimensions.
  std::string text() const;

 private:
  std::array<Index, max_rank> dimensions_{};
  Index rank_ = 0;
};

using Shapes = std::span<const Shape>;

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/core/shape-inl.hpp"
#endif
