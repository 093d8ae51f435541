#include "maas/data/folds.hpp"

#include <algorithm>
#include <numeric>
#include <set>

#include "maas/data/fold_runs.hpp"
#include "maas/data/pipeline.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

using Rows = std::vector<Index>;

std::vector<std::string> letters(const std::string& text) {
  std::vector<std::string> result;
  for (char c : text) result.emplace_back(1, c);
  return result;
}

/// The number of test rows, and the sum of (k + 1) * row over them: tells one list of rows from another.
std::pair<Index, Index> digest(const Fold& fold) {
  Index sum = 0, k = 0;
  for (Index row : fold.test) sum += ++k * row;
  return {fold.test.size(), sum};
}

/// Every row is in one of the two parts, and the lists are ascending.
void check_parts(const Fold& fold, Index rows) {
  Rows all = fold.train.rows;
  all.insert(all.end(), fold.test.begin(), fold.test.end());
  std::ranges::sort(all);
  Rows expected(static_cast<std::size_t>(rows));
  std::iota(expected.begin(), expected.end(), Index(0));
  CHECK(all == expected);
  CHECK(std::ranges::is_sorted(fold.train.rows));
  CHECK(std::ranges::is_sorted(fold.test.rows));
  CHECK(fold.test.held_out);
  CHECK_FALSE(fold.train.held_out);
}

// Of 200 rows, by a rule that numpy can repeat.
std::vector<int> many_classes() {
  std::vector<int> classes;
  for (int i = 0; i < 200; ++i) classes.push_back((i * i * 7 + i * 3) % 11 % 4);
  return classes;
}
std::vector<int> many_groups() {
  std::vector<int> groups;
  for (int i = 0; i < 200; ++i) groups.push_back((i * i * 5 + i) % 23);
  return groups;
}

}  // namespace

// The numbers of all these are scikit-learn 1.9.1's, for the same labels.

TEST_CASE("k-fold gives the folds of scikit-learn's KFold") {
  const std::vector<Fold> folds = k_fold(7, {.n_splits = 3});
  REQUIRE(folds.size() == 3);
  CHECK(folds[0].test.rows == Rows{0, 1, 2});
  CHECK(folds[1].test.rows == Rows{3, 4});
  CHECK(folds[2].test.rows == Rows{5, 6});
  CHECK(folds[1].train.rows == Rows{0, 1, 2, 5, 6});
  for (const Fold& fold : folds) check_parts(fold, 7);
}

TEST_CASE("stratified k-fold gives the folds of scikit-learn's StratifiedKFold") {
  const std::vector<Fold> folds = stratified_k_fold(std::vector<int>{1, 0, 0, 1, 2, 0, 2, 1, 0, 0, 2}, {.n_splits = 3});
  REQUIRE(folds.size() == 3);
  CHECK(folds[0].test.rows == Rows{0, 1, 2, 4});
  CHECK(folds[1].test.rows == Rows{3, 5, 6, 8});
  CHECK(folds[2].test.rows == Rows{7, 9, 10});
  const std::vector<Fold> many = stratified_k_fold(many_classes());
  const std::vector<Index> sums{21479, 54153, 87303, 119942, 152507};
  for (std::size_t i = 0; i < 5; ++i) CHECK(digest(many[i]) == std::pair<Index, Index>(40, sums[i]));
}

TEST_CASE("group k-fold gives the folds of scikit-learn's GroupKFold") {
  const std::vector<Fold> folds = group_k_fold(letters("ccabbbddddae"), {.n_splits = 3});
  REQUIRE(folds.size() == 3);
  CHECK(folds[0].test.rows == Rows{6, 7, 8, 9});
  CHECK(folds[1].test.rows == Rows{3, 4, 5, 11});
  CHECK(folds[2].test.rows == Rows{0, 1, 2, 10});
  const std::vector<Fold> many = group_k_fold(many_groups());
  const std::vector<std::pair<Index, Index>> expected{
      {52, 183066}, {43, 123899}, {35, 83190}, {35, 83118}, {35, 83172}};
  for (std::size_t i = 0; i < 5; ++i) CHECK(digest(many[i]) == expected[i]);
}

TEST_CASE("a rolling origin gives the folds of scikit-learn's TimeSeriesSplit") {
  const std::vector<Fold> plain = rolling_origin(11, {.n_splits = 3});
  REQUIRE(plain.size() == 3);
  CHECK(plain[0].train.rows == Rows{0, 1, 2, 3, 4});
  CHECK(plain[0].test.rows == Rows{5, 6});
  CHECK(plain[2].train.rows == Rows{0, 1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(plain[2].test.rows == Rows{9, 10});
  const std::vector<Fold> gaps = rolling_origin(11, {.n_splits = 3, .test_size = 2, .gap = 1});
  CHECK(gaps[0].train.rows == Rows{0, 1, 2, 3});
  CHECK(gaps[1].train.rows == Rows{0, 1, 2, 3, 4, 5});
  CHECK(gaps[1].test.rows == Rows{7, 8});
  const std::vector<Fold> sliding = rolling_origin(11, {.n_splits = 2, .test_size = 2, .max_train_size = 3});
  CHECK(sliding[0].train.rows == Rows{4, 5, 6});
  CHECK(sliding[1].train.rows == Rows{6, 7, 8});
  CHECK(sliding[1].test.rows == Rows{9, 10});
  for (const Fold& fold : gaps) CHECK(fold.train.rows.back() + 1 < fold.test.rows.front());
}

TEST_CASE("one split has as many test rows as scikit-learn's, and whole classes and groups") {
  const Fold rows = split_rows(10);
  check_parts(rows, 10);
  CHECK(rows.test.size() == 3);
  CHECK(split_rows(10, {.shuffle = false}).test.rows == Rows{7, 8, 9});
  CHECK(split_rows(30, {.test_size = 0.1}).test.size() == 3);

  const std::vector<int> classes{0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2};
  const Fold by_class = split_stratified(classes, {.test_size = 0.3});
  check_parts(by_class, 13);
  std::vector<Index> counts(3, 0);
  for (Index row : by_class.test) ++counts[static_cast<std::size_t>(classes[static_cast<std::size_t>(row)])];
  CHECK(counts == std::vector<Index>{2, 1, 1});

  const std::vector<std::string> groups = letters("ccabbbddddae");
  const Fold by_group = split_by_group(groups);
  check_parts(by_group, 12);
  std::set<std::string> train, test;
  for (Index row : by_group.train) train.insert(groups[static_cast<std::size_t>(row)]);
  for (Index row : by_group.test) test.insert(groups[static_cast<std::size_t>(row)]);
  CHECK(test.size() == 2);
  for (const std::string& group : test) CHECK_FALSE(train.contains(group));
  CHECK(split_by_group(groups, {.shuffle = false}).test.rows == Rows{6, 7, 8, 9, 11});
}

TEST_CASE("the same seed parts alike, another one otherwise, and shuffled folds keep their promises") {
  CHECK(split_rows(100, {.seed = 3}).test.rows == split_rows(100, {.seed = 3}).test.rows);
  CHECK(split_rows(100, {.seed = 3}).test.rows != split_rows(100, {.seed = 4}).test.rows);
  const Labels classes = many_classes(), groups = many_groups();
  const KFoldOptions first{.shuffle = true, .seed = 1}, second{.shuffle = true, .seed = 2};
  for (const auto& make :
       {std::function([](const KFoldOptions& options) { return k_fold(200, options); }),
        std::function([&](const KFoldOptions& options) { return stratified_k_fold(classes, options); }),
        std::function([&](const KFoldOptions& options) { return group_k_fold(groups, options); })}) {
    const std::vector<Fold> a = make(first), again = make(first), b = make(second);
    std::vector<int> tested(200, 0);
    for (std::size_t i = 0; i < a.size(); ++i) {
      check_parts(a[i], 200);
      CHECK(a[i].test.rows == again[i].test.rows);
      for (Index row : a[i].test) ++tested[static_cast<std::size_t>(row)];
    }
    CHECK(a[0].test.rows != b[0].test.rows);
    CHECK(std::ranges::all_of(tested, [](int times) { return times == 1; }));
  }
  // Each class in each fold by its share, within one row.
  for (const Fold& fold : stratified_k_fold(classes, first)) {
    std::vector<Index> counts(static_cast<std::size_t>(classes.count()), 0);
    for (Index row : fold.test) ++counts[static_cast<std::size_t>(classes.codes()[static_cast<std::size_t>(row)])];
    for (std::size_t i = 0; i < counts.size(); ++i)
      CHECK(std::abs(static_cast<double>(counts[i]) - static_cast<double>(classes.sizes()[i]) / 5) < 1);
  }
  for (const Fold& fold : group_k_fold(groups, first)) {
    std::set<Index> inside;
    for (Index row : fold.test) inside.insert(groups.codes()[static_cast<std::size_t>(row)]);
    for (Index row : fold.train) CHECK_FALSE(inside.contains(groups.codes()[static_cast<std::size_t>(row)]));
  }
}

TEST_CASE("labels are numbers, texts, columns or targets; a missing one is named") {
  CHECK(Labels(std::vector<double>{2.5, -1, 2.5}).codes() == std::vector<Index>{1, 0, 1});
  CHECK(Labels(letters("bab")).sizes() == std::vector<Index>{1, 2});
  CHECK(Labels(Column{.name = "kind", .type = ColumnType::text, .texts = letters("xyx")}).count() == 2);
  Matrix one_hot(3, 2);
  one_hot << 0, 1, 1, 0, 0, 1;
  CHECK(Labels::of_targets(one_hot).codes() == std::vector<Index>{1, 0, 1});
  CHECK_THROWS_WITH(Labels(std::vector<double>{1, NAN}),
                    "Labels: expected a label for every row, got none in row 1 (from 0)");
  CHECK_THROWS_AS(Labels(std::vector<std::string>{""}), DataError);
}

TEST_CASE("balanced class weights are scikit-learn's") {
  Matrix y(13, 1);
  y << 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2;
  const std::map<int, double> weights = balanced_class_weight(y);
  REQUIRE(weights.size() == 3);
  CHECK(weights.at(0) == Approx(0.61904762));
  CHECK(weights.at(1) == Approx(1.08333333));
  CHECK(weights.at(2) == Approx(2.16666667));
  Matrix hinge(3, 1);
  hinge << -1, 1, 1;
  CHECK(balanced_class_weight(hinge).at(-1) == Approx(1.5));
  y(4, 0) = NAN;
  CHECK_THROWS_AS(balanced_class_weight(y), DataError);
  y(4, 0) = Scalar(1e30);
  CHECK_THROWS_AS(balanced_class_weight(y), DataError);
  CHECK_THROWS_AS(balanced_class_weight(Matrix(0, 1)), DataError);
  y(4, 0) = Scalar(0.5);
  CHECK_THROWS_WITH(balanced_class_weight(y), "balanced_class_weight: expected a class in row 4 (from 0), got 0.5");
  y(4, 0) = -1;  // a class beside 1 alone
  CHECK_THROWS_WITH(balanced_class_weight(y), "balanced_class_weight: expected a class in row 4 (from 0), got -1");
  y(4, 0) = 0;
  CHECK(balanced_class_weight(y) == weights);
}

TEST_CASE("splits refuse what makes no sense") {
  CHECK_THROWS_AS(split_rows(10, {.test_size = 0}), ConfigError);
  CHECK_THROWS_AS(split_rows(10, {.test_size = 1}), ConfigError);
  CHECK_THROWS_AS(split_rows(10, {.test_size = NAN}), ConfigError);
  CHECK_THROWS_AS(split_rows(1), DataError);
  CHECK_THROWS_WITH(split_stratified(std::vector<int>{0, 0, 0, 0, 0, 0, 0, 1}),
                    "split_stratified: expected at least 2 rows of each class, got a class of 1");
  CHECK_THROWS_AS(split_stratified(std::vector<int>{0, 0, 1, 1, 2, 2}, {.test_size = 0.1}), DataError);
  CHECK_THROWS_AS(split_by_group(letters("aaaa")), DataError);
  CHECK_THROWS_AS(k_fold(10, {.n_splits = 1}), ConfigError);
  CHECK_THROWS_AS(k_fold(3), DataError);
  CHECK_THROWS_AS(k_fold(0), DataError);
  CHECK_THROWS_AS(stratified_k_fold(std::vector<int>{0, 0, 1, 1, 2, 2}, {.n_splits = 3}), DataError);
  CHECK_THROWS_AS(group_k_fold(letters("aabb"), {.n_splits = 3}), DataError);
  CHECK_THROWS_AS(rolling_origin(10, {.n_splits = 1}), ConfigError);
  CHECK_THROWS_AS(rolling_origin(10, {.gap = -1}), ConfigError);
  CHECK_THROWS_AS(rolling_origin(10, {.max_train_size = 0}), ConfigError);
  CHECK_THROWS_AS(rolling_origin(10, {.test_size = 2}), DataError);  // nothing left to train
  CHECK_THROWS_AS(rolling_origin(10, {.n_splits = 2, .test_size = std::numeric_limits<Index>::max()}), DataError);
  CHECK_THROWS_AS(rolling_origin(10, {.gap = std::numeric_limits<Index>::max()}), DataError);
}

TEST_CASE("lists of rows pick them out of tables and matrices") {
  Table table;
  table.add({.name = "flow", .numbers = {1, 2, 3, 4}});
  const Fold fold = k_fold(4, {.n_splits = 2})[0];
  CHECK(fold.train.of(table).numbers("flow") == std::vector<double>{3, 4});
  CHECK(fold.test.of(table).is_held_out());
  CHECK_FALSE(fold.train.of(table).is_held_out());
  Matrix matrix(4, 1);
  matrix << 1, 2, 3, 4;
  CHECK(fold.test.of(matrix)(1, 0) == 2);
  CHECK_THROWS_AS(RowList{.rows = {4}}.of(matrix), DataError);
  CHECK_THROWS_AS(RowList{.rows = {-1}}.of(table), DataError);
}

TEST_CASE("folds of runs are those of lists") {
  const auto listed = [](const std::vector<RowRange>& runs) {
    std::vector<Index> rows;
    for (const RowRange& run : runs) {
      CHECK(run.size() > 0);
      for (Index row = run.begin; row < run.end; ++row) rows.push_back(row);
    }
    return rows;
  };
  const auto check_same = [&](const std::vector<FoldRuns>& runs, const std::vector<Fold>& lists) {
    REQUIRE(runs.size() == lists.size());
    for (std::size_t k = 0; k < runs.size(); ++k) {
      CAPTURE(k);
      CHECK(listed(runs[k].train) == lists[k].train.rows);
      CHECK(listed({runs[k].test}) == lists[k].test.rows);
      CHECK(runs[k].test.held_out);
    }
  };
  for (const Index rows : {5, 23, 24, 100})
    for (const Index n_splits : {2, 3, 5}) {
      CAPTURE(rows, n_splits);
      check_same(k_fold_runs(rows, n_splits), k_fold(rows, {.n_splits = n_splits}));
      if (n_splits == rows) continue;
      check_same(rolling_origin_runs(rows, {.n_splits = n_splits}), rolling_origin(rows, {.n_splits = n_splits}));
      const RollingOriginOptions sliding{.n_splits = n_splits, .test_size = 1, .max_train_size = 3, .gap = 1};
      if (rows > n_splits + 1) check_same(rolling_origin_runs(rows, sliding), rolling_origin(rows, sliding));
    }
  CHECK(k_fold_runs(10, 5)[2].train == std::vector<RowRange>{{0, 4}, {6, 10}});
  // Rows that no list could hold.
  const Index many = Index{1} << 50;
  CHECK(k_fold_runs(many, 4)[0].train == std::vector<RowRange>{{many / 4, many}});
  CHECK(rolling_origin_runs(many, {.n_splits = 3})[2].test == RowRange{many / 4 * 3, many});
  CHECK_THROWS_WITH(k_fold_runs(3, 4), "k_fold: expected at least 4 rows, one a fold, got 3");
  CHECK_THROWS_AS(k_fold_runs(3, 1), ConfigError);
  CHECK_THROWS_AS(rolling_origin_runs(3, {.n_splits = 3}), DataError);
}
