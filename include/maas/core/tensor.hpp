// Eigen tensors of any rank in and out, at the border only.
#pragma once

#include <array>
#include <concepts>
#include <type_traits>

#include "maas/core/error.hpp"
#include "maas/core/matrix.hpp"
#include "maas/core/shape.hpp"

// Eigen's tensor module is large; who passes tensors has included it, who does not need not pay for it.
namespace Eigen {
template <typename Scalar_, int NumIndices_, int Options_, typename IndexType>
class Tensor;
}

namespace maas::inline MAAS_ABI {

/// An `Eigen::Tensor` or `Eigen::TensorMap` of the library's scalar, of either layout; its first axis counts samples.
template <class T>
concept TensorLike = requires(const T& tensor) {
  { T::NumIndices } -> std::convertible_to<int>;
  { T::Layout } -> std::convertible_to<int>;
  { tensor.dimension(0) } -> std::convertible_to<Index>;
  { *tensor.data() } -> std::convertible_to<Scalar>;
}
&&!std::is_base_of_v<Eigen::EigenBase<T>, T> && std::same_as<std::remove_cv_t<typename T::Scalar>, Scalar>;

/// The rank-`Rank` row-major tensor.
template <int Rank>
using TensorOf = Eigen::Tensor<Scalar, Rank, Eigen::RowMajor, Eigen::DenseIndex>;

/// A tensor seen as a matrix with one sample a row. Row-major memory is viewed as it is; a column-major tensor is
/// copied once. The tensor must outlive this.
template <TensorLike T>
class TensorRows {
 public:
  explicit TensorRows(const T& tensor) {
    static_assert(T::NumIndices >= 1, "maas: a tensor of samples needs at least one axis, the samples");
    rows_ = tensor.dimension(0);
    for (int axis = 1; axis < T::NumIndices; ++axis) shape_.append(tensor.dimension(axis));
    data_ = tensor.data();
    if constexpr (static_cast<int>(T::Layout) != static_cast<int>(Eigen::RowMajor)) reorder(tensor);
  }

  /// samples x numbers per sample.
  ConstMatrixView view() const { return {data_, rows_, shape_.size()}; }
  /// The shape of one sample.
  const Shape& shape() const { return shape_; }

 private:
  // Column-major: the first axis is fastest. Walk the samples' own axes in row-major order and compute the source.
  void reorder(const T& tensor) {
    copy_.resize(rows_, shape_.size());
    for (Index flat = 0; flat < shape_.size(); ++flat) {
      std::array<Index, Shape::max_rank> position{};
      Index rest = flat;
      for (Index axis = shape_.rank() - 1; axis >= 0; --axis) {
        position[static_cast<std::size_t>(axis)] = rest % shape_[axis];
        rest /= shape_[axis];
      }
      Index source = 0, stride = rows_;
      for (Index axis = 0; axis < shape_.rank(); ++axis) {
        source += position[static_cast<std::size_t>(axis)] * stride;
        stride *= shape_[axis];
      }
      for (Index row = 0; row < rows_; ++row) copy_(row, flat) = tensor.data()[source + row];
    }
    data_ = copy_.data();
  }

  Matrix copy_;
  const Scalar* data_ = nullptr;
  Index rows_ = 0;
  Shape shape_;
};

}  // namespace maas::inline MAAS_ABI
