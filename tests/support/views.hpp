// Matrices as what functions of a level below take.
#pragma once

#include "maas/core/matrix.hpp"

namespace maas::inline MAAS_ABI::tests {

inline ConstMatrixView view(const Matrix& m) { return {m.data(), m.rows(), m.cols()}; }
inline MatrixView writable(Matrix& m) { return {m.data(), m.rows(), m.cols()}; }

}  // namespace maas::inline MAAS_ABI::tests
