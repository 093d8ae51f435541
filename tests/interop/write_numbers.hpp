// Arrays as text, which scripts/keras reads: a line with the shape, then the numbers of a sample a line.
#pragma once

#include <fmt/format.h>

#include <fstream>
#include <string>

#include "maas/core/matrix.hpp"
#include "maas/core/shape.hpp"

namespace maas::inline MAAS_ABI::tests {

/// Writes samples of that shape, one a row, with all digits that tell numbers apart.
inline void write_numbers(const std::string& path, const Shape& shape, const Matrix& numbers) {
  std::ofstream file(path);
  file << "# shape " << numbers.rows();
  for (Index dimension : shape) file << 'x' << dimension;
  file << '\n';
  for (Index row = 0; row < numbers.rows(); ++row)
    for (Index column = 0; column < numbers.cols(); ++column)
      file << fmt::format("{:.17g}", numbers(row, column)) << (column + 1 < numbers.cols() ? ',' : '\n');
}

}  // namespace maas::inline MAAS_ABI::tests
