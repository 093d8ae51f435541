// How many rows a fold has: what lists of rows and runs of rows have in common.
#pragma once

#include <string_view>

#include "maas/core/error.hpp"
#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::detail {

inline void check_splits(std::string_view who, std::string_view what, Index count, Index n_splits) {
  require<ConfigError>(n_splits >= 2, "{}: expected n_splits of at least 2, got {}", who, n_splits);
  require<DataError>(count >= n_splits, "{}: expected at least {} {}, one a fold, got {}", who, n_splits, what, count);
}

/// Of so many rows those of a fold: the first folds have one more where they cannot have the same.
inline Index dealt_to(Index fold, Index rows, Index n_splits) {
  return rows / n_splits + (fold < rows % n_splits ? 1 : 0);
}

}  // namespace maas::inline MAAS_ABI::detail
