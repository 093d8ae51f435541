// Arrays that scripts/keras wrote as JSON: {"shape", "values"}.
#pragma once

#include <vector>

#include "maas/core/config.hpp"
#include "maas/core/matrix.hpp"

namespace maas::inline MAAS_ABI::tests {

/// Rows of the first axis; all others in the columns.
inline Matrix matrix_of(const Config& array) {
  const Config::List& values = array.at("values").as_list();
  const Config::List& shape = array.at("shape").as_list();
  const Index rows = shape.empty() ? 1 : static_cast<Index>(shape[0].as_integer());
  Matrix result(rows, static_cast<Index>(values.size()) / rows);
  for (std::size_t i = 0; i < values.size(); ++i) result.data()[i] = static_cast<Scalar>(values[i].as_real());
  return result;
}
inline std::vector<Matrix> matrices_of(const Config& list) {
  std::vector<Matrix> result;
  for (const Config& array : list.as_list()) result.push_back(matrix_of(array));
  return result;
}
/// Each array as one row of numbers after the other.
inline std::vector<Vector> vectors_of(const Config& list) {
  std::vector<Vector> result;
  for (const Matrix& m : matrices_of(list)) result.emplace_back(Eigen::Map<const Vector>(m.data(), m.size()));
  return result;
}

}  // namespace maas::inline MAAS_ABI::tests
