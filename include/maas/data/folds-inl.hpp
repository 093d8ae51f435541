// Bodies of the folds. The algorithms are those of scikit-learn 1.6 (model_selection/_split.py).
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <utility>

#include "maas/core/random.hpp"
#include "maas/data/batches-inl.hpp"
#include "maas/data/class_of.hpp"
#include "maas/data/fold_runs.hpp"
#include "maas/data/fold_sizes-inl.hpp"
#include "maas/data/folds.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline std::vector<Index> first_numbers(Index count) {
  std::vector<Index> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), Index(0));
  return numbers;
}

/// One stream a kind of split, so that the same seed does not draw the same order for all of them.
enum class SplitStream : std::uint64_t { rows = 1, stratified, groups, k_fold, stratified_k_fold, group_k_fold };
inline Random split_random(std::uint64_t seed, SplitStream kind) {
  return Random(seed).stream(0x73706c6974u).stream(static_cast<std::uint64_t>(kind));
}

inline Fold fold_of(const std::vector<bool>& in_test) {
  Fold fold;
  for (std::size_t row = 0; row < in_test.size(); ++row)
    (in_test[row] ? fold.test : fold.train).rows.push_back(static_cast<Index>(row));
  return fold;
}

/// The last `test` of an order are tested.
inline Fold last_tested(const std::vector<Index>& order, Index test) {
  std::vector<bool> in_test(order.size(), false);
  for (std::size_t i = order.size() - static_cast<std::size_t>(test); i < order.size(); ++i)
    in_test[static_cast<std::size_t>(order[i])] = true;
  return fold_of(in_test);
}

/// The fold of each: runs of an order as long as each other, the first ones by one longer.
inline std::vector<Index> dealt(const std::vector<Index>& order, Index n_splits) {
  const auto count = static_cast<Index>(order.size());
  std::vector<Index> fold(order.size());
  std::size_t next = 0;
  for (Index k = 0; k < n_splits; ++k)
    for (Index i = dealt_to(k, count, n_splits); i > 0; --i) fold[static_cast<std::size_t>(order[next++])] = k;
  return fold;
}

/// From the number of the fold that each row is tested in.
inline std::vector<Fold> folds_of(const std::vector<Index>& fold_of_row, Index n_splits) {
  std::vector<Fold> folds(static_cast<std::size_t>(n_splits));
  for (std::size_t row = 0; row < fold_of_row.size(); ++row)
    for (Index k = 0; k < n_splits; ++k) {
      Fold& fold = folds[static_cast<std::size_t>(k)];
      (fold_of_row[row] == k ? fold.test : fold.train).rows.push_back(static_cast<Index>(row));
    }
  return folds;
}

/// The share of `count` for the test, rounded up; both parts have something.
inline Index test_count(std::string_view who, std::string_view what, Index count, double share) {
  require<ConfigError>(share > 0 && share < 1, "{}: expected a test_size between 0 and 1, got {}", who, share);
  require<DataError>(count >= 2, "{}: expected at least 2 {}, got {}", who, what, count);
  // 0.1 * 30 may be a little above 3 in binary; a share that small is not meant.
  const auto test = static_cast<Index>(std::ceil(share * static_cast<double>(count) - 1e-6));
  require<DataError>(test >= 1 && test < count, "{}: a test_size of {} leaves a part of {} {} empty", who, share, count,
                     what);
  return test;
}

/// The rows of each label.
inline std::vector<std::vector<Index>> rows_of_labels(const Labels& labels) {
  std::vector<std::vector<Index>> rows(static_cast<std::size_t>(labels.count()));
  for (Index row = 0; row < labels.rows(); ++row)
    rows[static_cast<std::size_t>(labels.codes()[static_cast<std::size_t>(row)])].push_back(row);
  return rows;
}

/// So many parts of each size, together `wanted`: by share, rounded down, and one more for the largest rests.
inline std::vector<Index> shares_of(const std::vector<Index>& sizes, Index wanted) {
  const Index all = std::accumulate(sizes.begin(), sizes.end(), Index(0));
  std::vector<Index> shares;
  std::vector<double> rests;
  for (Index size : sizes) {
    const double exact = static_cast<double>(size) / static_cast<double>(all) * static_cast<double>(wanted);
    shares.push_back(static_cast<Index>(std::floor(exact)));
    rests.push_back(exact - std::floor(exact));
  }
  std::vector<Index> order = first_numbers(static_cast<Index>(sizes.size()));
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) {
    return rests[static_cast<std::size_t>(a)] > rests[static_cast<std::size_t>(b)];
  });
  Index left = wanted - std::accumulate(shares.begin(), shares.end(), Index(0));
  for (std::size_t i = 0; left > 0; ++i, --left) ++shares[static_cast<std::size_t>(order[i % order.size()])];
  return shares;
}

}  // namespace detail

// ---- Lists and labels ----

MAAS_INLINE Table RowList::of(const Table& table) const {
  Table part = table.select(rows);
  if (held_out) part.hold_out();
  return part;
}

MAAS_INLINE void Table::hold_out(const RowList& list, std::string why) { hold_out_rows(list.rows, std::move(why)); }

MAAS_INLINE Matrix RowList::of(MatrixArg matrix) const {
  Matrix part(size(), matrix.cols());
  for (Index i = 0; i < size(); ++i) {
    const Index row = rows[static_cast<std::size_t>(i)];
    require<DataError>(row >= 0 && row < matrix.rows(), "RowList: expected rows of 0 to {}, got {}", matrix.rows() - 1,
                       row);
    part.row(i) = matrix.row(row);
  }
  return part;
}

template <class Value>
void Labels::encode(const std::vector<Value>& values) {
  std::map<Value, Index> places;
  for (const Value& value : values) places.emplace(value, 0);
  Index next = 0;
  for (auto& [value, place] : places) place = next++;
  sizes_.assign(places.size(), 0);
  for (const Value& value : values) {
    codes_.push_back(places.find(value)->second);
    ++sizes_[static_cast<std::size_t>(codes_.back())];
  }
}

MAAS_INLINE Labels::Labels(const std::vector<std::string>& texts) {
  for (std::size_t row = 0; row < texts.size(); ++row)
    require<DataError>(!texts[row].empty(), "Labels: expected a label for every row, got none in row {} (from 0)", row);
  encode(texts);
}

MAAS_INLINE Labels::Labels(const std::vector<double>& numbers) {
  for (std::size_t row = 0; row < numbers.size(); ++row)
    require<DataError>(!std::isnan(numbers[row]), "Labels: expected a label for every row, got none in row {} (from 0)",
                       row);
  encode(numbers);
}

MAAS_INLINE Labels::Labels(const std::vector<int>& numbers) { encode(numbers); }

MAAS_INLINE Labels::Labels(const Column& column)
    : Labels(column.type == ColumnType::text ? Labels(column.texts) : Labels(column.numbers)) {}

MAAS_INLINE Labels Labels::of_targets(MatrixArg y) {
  std::vector<int> classes;
  for (Index row = 0; row < y.rows(); ++row) {
    const std::optional<int> found = detail::class_of(y, row);
    require<DataError>(found.has_value(), "Labels: expected a class in row {} (from 0), got none", row);
    classes.push_back(*found);
  }
  return Labels(classes);
}

// ---- Once ----

MAAS_INLINE Fold split_rows(Index rows, const HoldOutOptions& options) {
  const Index test = detail::test_count("split_rows", "rows", rows, options.test_size);
  std::vector<Index> order = detail::first_numbers(rows);
  if (options.shuffle) detail::shuffle_rows(order, detail::split_random(options.seed, detail::SplitStream::rows));
  return detail::last_tested(order, test);
}

MAAS_INLINE Fold split_stratified(const Labels& classes, const HoldOutOptions& options) {
  constexpr std::string_view who = "split_stratified";
  const Index test = detail::test_count(who, "rows", classes.rows(), options.test_size), train = classes.rows() - test;
  require<DataError>(std::min(test, train) >= classes.count(),
                     "{}: expected as many rows in each part as there are classes ({}), got {} and {}", who,
                     classes.count(), train, test);
  for (Index size : classes.sizes())
    require<DataError>(size >= 2, "{}: expected at least 2 rows of each class, got a class of {}", who, size);
  const std::vector<Index> shares = detail::shares_of(classes.sizes(), train);
  std::vector<std::vector<Index>> rows = detail::rows_of_labels(classes);
  std::vector<bool> in_test(static_cast<std::size_t>(classes.rows()), false);
  const Random random = detail::split_random(options.seed, detail::SplitStream::stratified);
  for (std::size_t label = 0; label < rows.size(); ++label) {
    if (options.shuffle) detail::shuffle_rows(rows[label], random.stream(label));
    for (std::size_t i = static_cast<std::size_t>(shares[label]); i < rows[label].size(); ++i)
      in_test[static_cast<std::size_t>(rows[label][i])] = true;
  }
  return detail::fold_of(in_test);
}

MAAS_INLINE Fold split_by_group(const Labels& groups, const HoldOutOptions& options) {
  const Fold chosen = [&] {
    const Index test = detail::test_count("split_by_group", "groups", groups.count(), options.test_size);
    std::vector<Index> order = detail::first_numbers(groups.count());
    if (options.shuffle) detail::shuffle_rows(order, detail::split_random(options.seed, detail::SplitStream::groups));
    return detail::last_tested(order, test);
  }();
  std::vector<bool> in_test(static_cast<std::size_t>(groups.rows()), false);
  for (Index row = 0; row < groups.rows(); ++row)
    in_test[static_cast<std::size_t>(row)] =
        std::binary_search(chosen.test.begin(), chosen.test.end(), groups.codes()[static_cast<std::size_t>(row)]);
  return detail::fold_of(in_test);
}

// ---- Several times ----

MAAS_INLINE std::vector<Fold> k_fold(Index rows, const KFoldOptions& options) {
  detail::check_splits("k_fold", "rows", rows, options.n_splits);
  std::vector<Index> order = detail::first_numbers(rows);
  if (options.shuffle) detail::shuffle_rows(order, detail::split_random(options.seed, detail::SplitStream::k_fold));
  return detail::folds_of(detail::dealt(order, options.n_splits), options.n_splits);
}

MAAS_INLINE std::vector<Fold> stratified_k_fold(const Labels& classes, const KFoldOptions& options) {
  constexpr std::string_view who = "stratified_k_fold";
  const Index n_splits = options.n_splits;
  detail::check_splits(who, "rows", classes.rows(), n_splits);
  const Index most = *std::max_element(classes.sizes().begin(), classes.sizes().end());
  require<DataError>(most >= n_splits, "{}: expected a class of at least {} rows, one a fold, got at most {}", who,
                     n_splits, most);
  // Classes in the order of their first rows; if rows lay in that order, fold i would have every n-th, from i on.
  std::vector<std::vector<Index>> rows = detail::rows_of_labels(classes);
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.front() < b.front(); });
  const Random random = detail::split_random(options.seed, detail::SplitStream::stratified_k_fold);
  std::vector<Index> fold_of_row(static_cast<std::size_t>(classes.rows()));
  Index place = 0;
  for (std::size_t label = 0; label < rows.size(); ++label) {
    std::vector<Index> sizes(static_cast<std::size_t>(n_splits), 0), folds;
    for (std::size_t i = 0; i < rows[label].size(); ++i) ++sizes[static_cast<std::size_t>(place++ % n_splits)];
    for (Index k = 0; k < n_splits; ++k)
      folds.insert(folds.end(), static_cast<std::size_t>(sizes[static_cast<std::size_t>(k)]), k);
    if (options.shuffle) detail::shuffle_rows(folds, random.stream(label));
    for (std::size_t i = 0; i < folds.size(); ++i) fold_of_row[static_cast<std::size_t>(rows[label][i])] = folds[i];
  }
  return detail::folds_of(fold_of_row, n_splits);
}

namespace detail {

/// The fold of each group: the largest one that is left goes to the fold with the fewest rows.
inline std::vector<Index> balanced_groups(const std::vector<Index>& sizes, Index n_splits) {
  std::vector<Index> order = first_numbers(static_cast<Index>(sizes.size()));
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) {
    return sizes[static_cast<std::size_t>(a)] < sizes[static_cast<std::size_t>(b)];
  });
  std::vector<Index> fold_of_group(sizes.size()), rows(static_cast<std::size_t>(n_splits), 0);
  for (auto group = order.rbegin(); group != order.rend(); ++group) {
    const auto lightest = std::min_element(rows.begin(), rows.end());
    *lightest += sizes[static_cast<std::size_t>(*group)];
    fold_of_group[static_cast<std::size_t>(*group)] = lightest - rows.begin();
  }
  return fold_of_group;
}

}  // namespace detail

MAAS_INLINE std::vector<Fold> group_k_fold(const Labels& groups, const KFoldOptions& options) {
  detail::check_splits("group_k_fold", "groups", groups.count(), options.n_splits);
  std::vector<Index> fold_of_group = detail::balanced_groups(groups.sizes(), options.n_splits);
  if (options.shuffle) {
    std::vector<Index> order = detail::first_numbers(groups.count());
    detail::shuffle_rows(order, detail::split_random(options.seed, detail::SplitStream::group_k_fold));
    fold_of_group = detail::dealt(order, options.n_splits);
  }
  std::vector<Index> fold_of_row;
  for (Index code : groups.codes()) fold_of_row.push_back(fold_of_group[static_cast<std::size_t>(code)]);
  return detail::folds_of(fold_of_row, options.n_splits);
}

MAAS_INLINE std::vector<Fold> rolling_origin(Index rows, const RollingOriginOptions& options) {
  std::vector<Fold> folds;
  for (const FoldRuns& runs : rolling_origin_runs(rows, options)) {
    Fold& fold = folds.emplace_back();
    for (Index row = runs.train.front().begin; row < runs.train.front().end; ++row) fold.train.rows.push_back(row);
    for (Index row = runs.test.begin; row < runs.test.end; ++row) fold.test.rows.push_back(row);
  }
  return folds;
}

namespace detail {

/// Of one column of targets: 0, 1, ..., or the -1 and 1 of hinges. `row` is the first that holds another number.
inline bool holds_classes(MatrixArg y, Index& row) {
  const bool is_hinge = (y.array() == Scalar(-1) || y.array() == Scalar(1)).all();
  for (row = 0; row < y.rows(); ++row)
    if (!(y(row, 0) == std::round(y(row, 0)) && (is_hinge || y(row, 0) >= 0))) return false;
  return true;
}

}  // namespace detail

MAAS_INLINE std::map<int, double> balanced_class_weight(MatrixArg y) {
  require<DataError>(y.rows() > 0 && y.cols() > 0, "balanced_class_weight: expected targets, got {} rows of {} numbers",
                     y.rows(), y.cols());
  if (Index other = 0; y.cols() == 1 && !detail::holds_classes(y, other))
    fail<DataError>("balanced_class_weight: expected a class in row {} (from 0), got {}", other, y(other, 0));
  std::map<int, double> weights;
  for (Index row = 0; row < y.rows(); ++row) {
    const std::optional<int> label = detail::class_of(y, row);
    require<DataError>(label.has_value(), "balanced_class_weight: expected a class in row {} (from 0), got {}", row,
                       y(row, 0));
    weights[*label] += 1;
  }
  const double all = static_cast<double>(y.rows()), classes = static_cast<double>(weights.size());
  for (auto& [label, weight] : weights) weight = all / (classes * weight);
  return weights;
}

}  // namespace maas::inline MAAS_ABI
