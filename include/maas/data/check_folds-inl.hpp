// What cross-validations ask of folds.
#pragma once

#include <algorithm>
#include <iterator>
#include <span>
#include <vector>

#include "maas/data/folds.hpp"

namespace maas::inline MAAS_ABI::detail {

/// Throws DataError for a fold without rows, with rows that are not there or that stand in both parts.
inline void check_fold(const Fold& fold, std::size_t number, Index rows) {
  std::vector<Index> train = fold.train.rows, test = fold.test.rows, both;
  require<DataError>(!train.empty() && !test.empty(),
                     "cross_validate: expected rows to train and to test in fold {}, got {} and {}", number,
                     train.size(), test.size());
  for (std::vector<Index>* part : {&train, &test}) {
    std::ranges::sort(*part);
    require<DataError>(part->front() >= 0 && part->back() < rows,
                       "cross_validate: expected rows of 0 to {} in fold {}, got {} to {}", rows - 1, number,
                       part->front(), part->back());
  }
  std::ranges::set_intersection(train, test, std::back_inserter(both));
  require<DataError>(both.empty(), "cross_validate: expected rows that train or test in fold {}, got row {} in both",
                     number, both.empty() ? Index(0) : both.front());
}

/// The same for each of several folds, and for none.
inline void check_folds(std::span<const Fold> folds, Index rows) {
  require<DataError>(!folds.empty(), "cross_validate: expected at least 1 fold, got none");
  for (std::size_t i = 0; i < folds.size(); ++i) check_fold(folds[i], i, rows);
}

}  // namespace maas::inline MAAS_ABI::detail
