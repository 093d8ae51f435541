#include "maas/core/tensor.hpp"

#include <unsupported/Eigen/CXX11/Tensor>

#include "support/catch.hpp"

using namespace maas;

namespace {

/// A tensor whose numbers tell where they stand: 1000 a + 100 b + 10 c + d.
template <class Tensor>
Tensor numbered(const std::array<Index, Tensor::NumIndices>& sizes) {
  constexpr int rank = Tensor::NumIndices;
  Tensor tensor;
  Eigen::array<Eigen::Index, rank> dimensions{};
  std::copy(sizes.begin(), sizes.end(), dimensions.begin());
  tensor.resize(dimensions);
  for (Index flat = 0; flat < tensor.size(); ++flat) {
    Eigen::array<Eigen::Index, rank> position{};
    Index rest = flat;
    double value = 0, weight = 1;
    for (int axis = rank - 1; axis >= 0; --axis) {
      const auto a = static_cast<std::size_t>(axis);
      position[a] = rest % sizes[a];
      rest /= sizes[a];
      value += weight * static_cast<double>(position[a]);
      weight *= 10;
    }
    tensor(position) = static_cast<Scalar>(value);
  }
  return tensor;
}

/// The same tensor in both layouts, owned and mapped, must be the same rows.
template <int Rank>
void check_rank(const std::array<Index, Rank>& sizes, const Shape& sample) {
  using Rows = Eigen::Tensor<Scalar, Rank, Eigen::RowMajor>;
  using Columns = Eigen::Tensor<Scalar, Rank, Eigen::ColMajor>;
  const Rows rows = numbered<Rows>(sizes);
  Columns columns = numbered<Columns>(sizes);
  const TensorRows<Rows> as_rows(rows);
  CHECK(as_rows.shape() == sample);
  CHECK(as_rows.view().data() == rows.data());  // not copied
  const TensorRows<Columns> from_columns(columns);
  CHECK(from_columns.shape() == sample);
  CHECK(from_columns.view() == as_rows.view());
  const Eigen::TensorMap<const Rows> row_map(rows.data(), rows.dimensions());
  const Eigen::TensorMap<Columns> column_map(columns.data(), columns.dimensions());
  CHECK(TensorRows<Eigen::TensorMap<const Rows>>(row_map).view() == as_rows.view());
  CHECK(TensorRows<Eigen::TensorMap<Columns>>(column_map).view() == as_rows.view());
  // Row r begins with the numbers of sample r.
  for (Index row = 0; row < as_rows.view().rows(); ++row)
    CHECK(as_rows.view()(row, 0) == static_cast<Scalar>(static_cast<double>(row) * std::pow(10, Rank - 1)));
}

}  // namespace

TEST_CASE("tensors of ranks 1 to 4 and both layouts are samples in rows") {
  check_rank<1>({4}, Shape{});
  check_rank<2>({4, 3}, Shape{3});
  check_rank<3>({4, 3, 2}, Shape{3, 2});
  check_rank<4>({4, 3, 2, 5}, Shape{3, 2, 5});
}

TEST_CASE("only tensors of the library's scalar are tensors of samples") {
  STATIC_REQUIRE(TensorLike<Eigen::Tensor<Scalar, 2>>);
  STATIC_REQUIRE(TensorLike<Eigen::TensorMap<const Eigen::Tensor<Scalar, 3, Eigen::RowMajor>>>);
  STATIC_REQUIRE(!TensorLike<Eigen::Tensor<int, 2>>);
  STATIC_REQUIRE(!TensorLike<Matrix>);
  STATIC_REQUIRE(!TensorLike<Vector>);
}
