// Folds: which rows train and which test, as lists of row numbers: at random, by class, by group, by time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "maas/data/table.hpp"

namespace maas::inline MAAS_ABI {

/// Rows by number, counted from 0, ascending.
struct RowList {
  std::vector<Index> rows = {};
  HeldOut<RowList> held_out = false;  ///< for test: tables made of them are marked so (see Table::hold_out)

  Index size() const { return static_cast<Index>(rows.size()); }
  auto begin() const { return rows.begin(); }
  auto end() const { return rows.end(); }
  /// A copy of these rows of a table, held out where the list is. Throws DataError for a row that is not there.
  Table of(const Table& table) const;
  /// A copy of these rows of a matrix. Throws DataError for a row that is not there.
  Matrix of(MatrixArg matrix) const;
};

/// Rows to learn from, and rows to judge by. The latter are held out: no step and no pipeline learns from the tables
/// that `test.of(table)` gives.
struct Fold {
  RowList train = {}, test = {.rows = {}, .held_out = true};
};

/// To which class, or to which group (file, sensor, drive), each row belongs.
class Labels {
 public:
  /// One label a row. Missing ones (NaN, empty texts) are a DataError that names the row.
  Labels(const std::vector<std::string>& texts);
  Labels(const std::vector<double>& numbers);
  Labels(const std::vector<int>& numbers);
  /// A column of a table, of any type.
  Labels(const Column& column);
  /// Targets of a classifier: one column of class numbers, or a column a class of which the largest counts.
  static Labels of_targets(MatrixArg y);

  Index rows() const { return static_cast<Index>(codes_.size()); }
  /// How many different labels there are.
  Index count() const { return static_cast<Index>(sizes_.size()); }
  /// The place of each row's label among all labels in ascending order.
  const std::vector<Index>& codes() const { return codes_; }
  /// How many rows each label has, in that order.
  const std::vector<Index>& sizes() const { return sizes_; }

 private:
  Labels() = default;
  template <class Value>
  void encode(const std::vector<Value>& values);

  std::vector<Index> codes_, sizes_;
};

/// How rows are parted once. Names and defaults are those of scikit-learn's train_test_split.
struct HoldOutOptions {
  double test_size = 0.25;  ///< the share of the rows (of the groups) for the test, rounded up
  bool shuffle = true;      ///< false: the last ones are the test
  std::uint64_t seed = 0;   ///< the same seed parts alike on every machine; not as numpy's
};

/// Rows at random: scikit-learn's train_test_split. Throws ConfigError for a share outside (0, 1), DataError where a
/// part would be empty; and so do the next two.
Fold split_rows(Index rows, const HoldOutOptions& options = {});
/// Each class in both parts by its share: train_test_split(stratify = classes). Rows that remain by rounding go to the
/// classes of the largest rest, the first ones where they are the same (scikit-learn draws). Throws DataError also for
/// a class of one row, and for parts smaller than the number of classes.
Fold split_stratified(const Labels& classes, const HoldOutOptions& options = {});
/// Whole groups: no group is in both parts. GroupShuffleSplit of one split; the share is one of the groups. Without
/// `shuffle` the groups of the highest labels are the test.
Fold split_by_group(const Labels& groups, const HoldOutOptions& options = {});

/// How rows are parted several times. Names and defaults are those of scikit-learn's KFold.
struct KFoldOptions {
  Index n_splits = 5;      ///< folds, at least 2
  bool shuffle = false;    ///< true: in an order that is drawn
  std::uint64_t seed = 0;  ///< of that order; not as numpy's
};

/// Each row is in the test of one fold: scikit-learn's KFold; without `shuffle` the tests are runs of rows. Throws
/// ConfigError for fewer than 2 folds, DataError for fewer rows than folds; and so do the next two.
std::vector<Fold> k_fold(Index rows, const KFoldOptions& options = {});
/// Each class in each fold by its share: StratifiedKFold. Throws DataError where no class has as many rows as there
/// are folds.
std::vector<Fold> stratified_k_fold(const Labels& classes, const KFoldOptions& options = {});
/// Whole groups, and folds of about the same number of rows: GroupKFold, which gives the largest group that is left to
/// the smallest fold; with `shuffle` groups are dealt in an order that is drawn. Throws DataError for fewer groups than
/// folds.
std::vector<Fold> group_k_fold(const Labels& groups, const KFoldOptions& options = {});

/// How a series is parted again and again. Names and defaults are those of scikit-learn's TimeSeriesSplit.
struct RollingOriginOptions {
  Index n_splits = 5;                                  ///< origins, at least 2
  std::optional<Index> test_size = std::nullopt;       ///< the horizon: rows a test; else rows / (n_splits + 1)
  std::optional<Index> max_train_size = std::nullopt;  ///< slides: the last so many rows train; else all before
  Index gap = 0;                                       ///< rows left out between training and test
};

/// For rows in order of time: each test lies right behind the one before it, the last at the end, and training ends
/// `gap` rows before the test: scikit-learn's TimeSeriesSplit. For samples that are windows, a gap of lags + horizon +
/// steps - 2 keeps every reading of a test's windows out of training. Throws ConfigError for options out of range,
/// DataError for too few rows.
std::vector<Fold> rolling_origin(Index rows, const RollingOriginOptions& options = {});

/// For FitOptions::class_weight: rows / (classes * rows of the class), which is scikit-learn's "balanced". `y` are the
/// targets: one column of class numbers, or a column a class. Classes without a row have none. Throws DataError for
/// targets without a row, or of which one is missing or no class number: whole ones from 0, or all -1 and 1, as hinge
/// losses have them.
std::map<int, double> balanced_class_weight(MatrixArg y);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/folds-inl.hpp"
#endif
