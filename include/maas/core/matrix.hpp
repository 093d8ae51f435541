// Matrices, vectors and their views: row-major, one sample a row.
#pragma once

#include <Eigen/Core>
#include <new>
#include <span>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI {

/// Owns rows x columns numbers, row-major: one sample a row, as Keras and HDF5 store it.
using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
/// Owns a column of numbers.
using Vector = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;

/// Views of contiguous memory that somebody else owns.
using MatrixView = Eigen::Map<Matrix>;
using ConstMatrixView = Eigen::Map<const Matrix>;
using VectorView = Eigen::Map<Vector>;
using ConstVectorView = Eigen::Map<const Vector>;

/// Lists of views: what layers receive.
using MatrixViews = std::span<const MatrixView>;
using ConstMatrixViews = std::span<const ConstMatrixView>;

/// A matrix argument of a public function. Row-major matrices, maps and blocks of rows pass without a copy;
/// a column-major one is copied once, here at the border.
using MatrixArg = const Eigen::Ref<const Matrix>&;

/// Points an existing view at other memory (assigning an Eigen map would copy numbers instead).
template <class View>
void repoint(View& view, decltype(view.data()) data, Index rows, Index columns) {
  new (&view) View(data, rows, columns);
}

inline ConstMatrixView as_const(const MatrixView& view) { return {view.data(), view.rows(), view.cols()}; }

}  // namespace maas::inline MAAS_ABI
