// What every metric owes, by being in the family's list.
#include "maas/metrics/metrics.hpp"

#include <cmath>

#include "maas/testing/allocations.hpp"
#include "maas/testing/check_part.hpp"
#include "maas/testing/numbers.hpp"
#include "support/catch.hpp"
#include "support/metric_examples.hpp"

using namespace maas;

namespace {

constexpr Index outputs = 3;

/// Predictions and targets that a metric takes: 0 and 1 throughout, which are probabilities, labels and classes.
struct Example {
  Matrix predicted, target;
  Vector weights;
  ConstMatrixView p() const { return {predicted.data(), predicted.rows(), predicted.cols()}; }
  ConstMatrixView t() const { return {target.data(), target.rows(), target.cols()}; }
  ConstVectorView w() const { return {weights.data(), weights.size()}; }
};

Example batch_for(const Metric& metric, Index rows) {
  const Index columns = metric.target_columns(outputs);
  const Random random(7);
  Example batch{Matrix(rows, outputs), Matrix(rows, columns), Vector(rows)};
  for (Index i = 0; i < batch.predicted.size(); ++i)
    batch.predicted.data()[i] = random.uniform(static_cast<std::uint64_t>(i)) > 0.5 ? 1 : 0;
  for (Index row = 0; row < rows; ++row) {
    batch.predicted(row, row % outputs) = 1;
    for (Index i = 0; i < columns; ++i) batch.target(row, i) = i == row % 2 ? Scalar(1) : Scalar(0);
    batch.weights[row] = static_cast<Scalar>(row % 3);
  }
  return batch;
}

std::vector<double> state_of(const Metric& metric, Index count = outputs) {
  return std::vector<double>(static_cast<std::size_t>(metric.state_size(count)), 0.0);
}

std::vector<double> results_of(const Metric& metric, const std::vector<double>& state) {
  std::vector<double> results(static_cast<std::size_t>(metric.figures(state)));
  metric.results(state, results);
  return results;
}

double one_result(const Metric& metric, const Matrix& predicted, const Matrix& target, const Vector& weights = {}) {
  std::vector<double> state = state_of(metric, predicted.cols());
  metric.add(state, {predicted.data(), predicted.rows(), predicted.cols()},
             {target.data(), target.rows(), target.cols()}, {weights.data(), weights.size()});
  return metric.result(state);
}

bool same(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::isnan(a[i]) != std::isnan(b[i]) || std::abs(a[i] - b[i]) > tolerance * (1 + std::abs(b[i]))) return false;
  return true;
}

Metric read(const Config& config) {
  Metric metric = accuracy;
  from_config(config, "compile", metric);
  return metric;
}

Metric read(std::string_view class_name, Config fields) {
  return read(Config{}.set("class_name", class_name).set("config", std::move(fields)));
}

}  // namespace

TEST_CASE("every metric survives being written to a file") {
  for (const auto& entry : BuiltinMetrics::entries()) {
    INFO(entry.class_name);
    CHECK_NOTHROW(testing::check_entry(entry));
    const Metric other = entry.class_name == "Accuracy" ? Metric(binary_accuracy) : Metric(Accuracy{});
    for (const Metric& metric : {entry.make({}), tests::usable(entry), entry.make({}).named("by another name")}) {
      CHECK_NOTHROW(testing::check_family_config(metric, other));
      CHECK(read(to_config(metric)).name() == metric.name());
    }
  }
}

TEST_CASE("a metric of nothing is 0, but for the share of variance, which is not a number") {
  for (const auto& entry : BuiltinMetrics::entries()) {
    INFO(entry.class_name);
    const Metric metric = tests::usable(entry);
    const bool no_number = entry.class_name == "R2Score";
    for (double result : results_of(metric, state_of(metric))) {
      CHECK(std::isnan(result) == no_number);
      if (!no_number) CHECK(result == 0);
    }
  }
}

TEST_CASE("adding to a metric and asking for its result takes no memory") {
  if (!testing::counts_allocations()) {
    WARN("allocations are not counted in this program");
    return;
  }
  for (const auto& entry : BuiltinMetrics::entries()) {
    INFO(entry.class_name);
    const Metric metric = tests::usable(entry);
    const Example batch = batch_for(metric, 70);
    std::vector<double> state = state_of(metric), results = results_of(metric, state);
    const std::int64_t start = testing::allocations();
    metric.add(state, batch.p(), batch.t(), batch.w());
    metric.results(state, results);
    CHECK(testing::allocations() == start);
  }
}

TEST_CASE("batches add up: a metric of all rows at once is that of the rows in parts") {
  for (const auto& entry : BuiltinMetrics::entries()) {
    INFO(entry.class_name);
    const Metric metric = tests::usable(entry);
    const Example batch = batch_for(metric, 131);
    for (const ConstVectorView& weights : {ConstVectorView(nullptr, 0), batch.w()}) {
      std::vector<double> whole = state_of(metric), parts = whole;
      metric.add(whole, batch.p(), batch.t(), weights);
      for (Index first = 0, rows = 1; first < 131; first += rows, rows = std::min(Index(130), 131 - first))
        metric.add(parts, {batch.predicted.data() + first * outputs, rows, outputs},
                   {batch.target.data() + first * batch.target.cols(), rows, batch.target.cols()},
                   ConstVectorView(weights.data() + (weights.size() > 0 ? first : 0), weights.size() > 0 ? rows : 0));
      CHECK(same(results_of(metric, parts), results_of(metric, whole), 1e-12));
    }
  }
}

TEST_CASE("rows of weight 0 do not count") {
  for (const auto& entry : BuiltinMetrics::entries()) {
    // Keras counts the rows of an adjusted R2, too; the plain one does not look at them.
    INFO(entry.class_name);
    const Metric metric = tests::usable(entry);
    Example batch = batch_for(metric, 20);
    batch.weights.head(10).setOnes();
    batch.weights.tail(10).setZero();
    std::vector<double> all = state_of(metric), some = all;
    metric.add(all, batch.p(), batch.t(), batch.w());
    metric.add(some, {batch.predicted.data(), 10, outputs}, {batch.target.data(), 10, batch.target.cols()},
               ConstVectorView(nullptr, 0));
    CHECK(same(results_of(metric, all), results_of(metric, some), 1e-12));
  }
}

TEST_CASE("targets of another width are refused, not read beyond") {
  for (const auto& entry : BuiltinMetrics::entries()) {
    INFO(entry.class_name);
    const Metric metric = tests::usable(entry);
    Example batch = batch_for(metric, 4);
    batch.target = Matrix::Zero(4, batch.target.cols() + 1);
    std::vector<double> state = state_of(metric);
    if (entry.class_name == "Mean" || entry.class_name == "Sum")
      CHECK_NOTHROW(metric.add(state, batch.p(), batch.t(), batch.w()));
    else
      CHECK_THROWS_AS(metric.add(state, batch.p(), batch.t(), batch.w()), ShapeError);
  }
}

TEST_CASE("names and short names lead to Keras' classes and stay as they were typed") {
  const std::pair<const char*, const char*> names[] = {{"accuracy", "accuracy"},
                                                       {"acc", "accuracy"},
                                                       {"Accuracy", "accuracy"},
                                                       {"auc", "AUC"},
                                                       {"AUC", "AUC"},
                                                       {"precision", "Precision"},
                                                       {"r2_score", "R2Score"},
                                                       {"f1_score", "F1Score"},
                                                       {"f_beta_score", "FBetaScore"},
                                                       {"mean_io_u", "MeanIoU"},
                                                       {"one_hot_io_u", "OneHotIoU"},
                                                       {"binary_io_u", "BinaryIoU"},
                                                       {"top_k_categorical_accuracy", "TopKCategoricalAccuracy"},
                                                       {"log_cosh_error", "LogCoshError"},
                                                       {"kl_divergence", "KLDivergence"},
                                                       {"root_mean_squared_error", "RootMeanSquaredError"},
                                                       {"mse", "MeanSquaredError"},
                                                       {"MAE", "MeanAbsoluteError"},
                                                       {"mape", "MeanAbsolutePercentageError"},
                                                       {"MSLE", "MeanSquaredLogarithmicError"},
                                                       {"bce", "BinaryCrossentropy"},
                                                       {"logcosh", "LogCoshError"},
                                                       {"cosine_proximity", "CosineSimilarity"}};
  for (const auto& [typed, class_name] : names) {
    INFO(typed);
    const Metric metric = read(typed);
    CHECK(metric.class_name() == class_name);
    CHECK(metric.name() == typed);
  }
  CHECK(read("Accuracy", {}).class_name() == "Accuracy");
  CHECK_THROWS_WITH(read("no_such_metric"), Catch::Matchers::Contains("unknown metric \"no_such_metric\""));
}

TEST_CASE("default names are Keras'") {
  CHECK(Metric(FBetaScore{}).name() == "fbeta_score");
  CHECK(Metric(LogCoshError{}).name() == "logcosh");
  CHECK(Metric(AUC{}).name() == "auc");
  CHECK(Metric(mean_squared_error).name() == "mean_squared_error");
  CHECK(Metric(kl_divergence).name() == "kl_divergence");
  CHECK(Metric(SensitivityAtSpecificity{}).name() == "sensitivity_at_specificity");
}

TEST_CASE("metrics say what is better, as Keras' do") {
  for (const Metric& metric :
       {Metric(accuracy), Metric(TopKCategoricalAccuracy{}), Metric(Precision{}), Metric(Recall{}), Metric(AUC{}),
        Metric(SensitivityAtSpecificity{}), Metric(RecallAtPrecision{}), Metric(FBetaScore{}), Metric(F1Score{}),
        Metric(MeanIoU{}), Metric(BinaryIoU{}), Metric(R2Score{}), Metric(CosineSimilarity{}),
        Metric(PearsonCorrelation{}), Metric(ConcordanceCorrelation{})}) {
    INFO(metric.class_name());
    CHECK(metric.larger_is_better() == true);
  }
  for (const Metric& metric : {Metric(mean_squared_error), Metric(root_mean_squared_error), Metric(LogCoshError{}),
                               Metric(binary_crossentropy), Metric(Poisson{}), Metric(masked(huber))}) {
    INFO(metric.class_name());
    CHECK(metric.larger_is_better() == false);
  }
  for (const Metric& metric : {Metric(TruePositives{}), Metric(metrics::Mean{}), Metric(metrics::Sum{})}) {
    INFO(metric.class_name());
    CHECK(!metric.larger_is_better());
  }
}

TEST_CASE("what Keras writes beside a metric's arguments is understood or refused") {
  const Metric metric = read("Precision", Config{}.set("name", "p").set("dtype", "float32").set("thresholds", 0.7));
  CHECK(metric.name() == "p");
  CHECK(metric.as<Precision>()->thresholds.values == std::vector<double>{0.7});
  CHECK_NOTHROW(read("PearsonCorrelation", Config{}.set("axis", -1)));
  CHECK_THROWS_AS(read("PearsonCorrelation", Config{}.set("axis", 0)), ConfigError);
  CHECK_NOTHROW(read("SparseCategoricalCrossentropy", Config{}.set("ignore_class", nullptr)));
  CHECK_NOTHROW(read("SparseCategoricalCrossentropy", Config{}.set("ignore_class", 1)));
}

TEST_CASE("fields out of range are refused when the metric is made or put to use") {
  CHECK_THROWS_WITH(Metric(Precision{.thresholds = {0.5, 1.5}}), "Precision: expected thresholds from 0 to 1, got 1.5");
  CHECK_NOTHROW(Metric(BinaryAccuracy{.threshold = 0}));  // of logits
  CHECK_THROWS_AS(Metric(BinaryAccuracy{.threshold = std::nan("")}), ConfigError);
  CHECK_THROWS_AS(Metric(AUC{.num_thresholds = 1}), ConfigError);
  CHECK_THROWS_AS(Metric(AUC{.curve = "PRGAIN"}), ConfigError);
  CHECK_THROWS_AS(Metric(AUC{.summation_method = "trapezoid"}), ConfigError);
  CHECK_THROWS_AS(Metric(AUC{.num_labels = 3}), ConfigError);
  CHECK_THROWS_AS(Metric(F1Score{.average = "mean"}), ConfigError);
  CHECK_THROWS_AS(Metric(F1Score{.threshold = 0.0}), ConfigError);
  CHECK_THROWS_AS(Metric(FBetaScore{.beta = 0}), ConfigError);
  CHECK_THROWS_AS(Metric(R2Score{.class_aggregation = "mean"}), ConfigError);
  CHECK_THROWS_AS(Metric(R2Score{.num_regressors = -1}), ConfigError);
  CHECK_THROWS_AS(Metric(TopKCategoricalAccuracy{.k = 0}), ConfigError);
  CHECK_THROWS_AS(Metric(BinaryIoU{.target_class_ids = {2}}), ConfigError);
  CHECK_THROWS_WITH(Metric(MeanIoU{}).state_size(1), "MeanIoU: expected num_classes of at least 1, got 0");
  CHECK_THROWS_AS(Metric(IoU{.num_classes = 3}).state_size(1), ConfigError);
  CHECK_THROWS_AS(Metric(IoU{.num_classes = 3, .target_class_ids = {3}}).state_size(1), ConfigError);
  CHECK_THROWS_AS(Metric(PrecisionAtRecall{}).state_size(1), ConfigError);
  CHECK_THROWS_AS(Metric(PrecisionAtRecall{.recall = 0.5, .num_thresholds = 0}).state_size(1), ConfigError);
  CHECK_THROWS_AS(Metric(Recall{.class_id = 3}).state_size(3), ConfigError);
  CHECK_THROWS_AS(Metric(Recall{.top_k = 4}).state_size(3), ConfigError);
  CHECK_THROWS_AS(Metric(AUC{.multi_label = true, .num_labels = 2}).state_size(3), ConfigError);
  CHECK_THROWS_AS(Metric(AUC{.label_weights = std::vector<double>{1, 2}}).state_size(3), ConfigError);
}

TEST_CASE("sizes that would wrap around when they are multiplied are refused") {
  const Index huge = std::numeric_limits<Index>::max();
  CHECK_THROWS_WITH(Metric(MeanIoU{.num_classes = Index{1} << 32}).state_size(1),
                    "MeanIoU: expected num_classes of at most 32768, got 4294967296");
  CHECK_THROWS_AS(Metric(OneHotMeanIoU{.num_classes = huge}).state_size(1), ConfigError);
  CHECK_THROWS_AS(Metric(IoU{.num_classes = 32769, .target_class_ids = {0}}).state_size(1), ConfigError);
  CHECK(Metric(MeanIoU{.num_classes = 32768}).state_size(1) == Index{1} << 30);
  CHECK_THROWS_WITH(Metric(AUC{.num_thresholds = (Index{1} << 24) + 1}),
                    "AUC: expected num_thresholds of at most 16777216, got 16777217");
  CHECK_THROWS_AS(Metric(AUC{.num_thresholds = huge}), ConfigError);
  CHECK_THROWS_AS(Metric(PrecisionAtRecall{.recall = 0.5, .num_thresholds = huge}).state_size(1), ConfigError);
  CHECK_NOTHROW(Metric(AUC{.num_thresholds = 1, .thresholds = {0.5}}));  // passed over
}

TEST_CASE("classes out of range are refused with their row") {
  const Metric metric = MeanIoU{.num_classes = 2};
  CHECK_THROWS_WITH(one_result(metric, Matrix::Zero(2, 1), Matrix::Constant(2, 1, 2)),
                    "MeanIoU: expected target classes from 0 to 1, got 2 in row 0 (counted from 0)");
  CHECK_THROWS_AS(one_result(metric, Matrix::Constant(2, 1, NAN), Matrix::Zero(2, 1)), DataError);
  CHECK_THROWS_AS(one_result(sparse_categorical_crossentropy, Matrix::Constant(2, 3, 0.3), Matrix::Constant(2, 1, 3)),
                  DataError);
  CHECK(one_result(SparseTopKCategoricalAccuracy{.k = 3}, Matrix::Zero(2, 3), Matrix::Constant(2, 1, 7)) == 0);
}

TEST_CASE("predictions that are no numbers harm no metric of thresholds") {
  const Matrix predicted = Matrix::Constant(3, 2, NAN), target = Matrix::Ones(3, 2);
  CHECK(one_result(Recall{}, predicted, target) == 0);
  CHECK(one_result(AUC{.num_thresholds = 3}, predicted, target) == 0);
  CHECK(one_result(Precision{.top_k = 1}, predicted, target) == 0);
  CHECK(one_result(TopKCategoricalAccuracy{.k = 2}, predicted, target) == 0);
}

TEST_CASE("a metric of several figures gives them by number") {
  const Metric metric = Recall{.thresholds = {0.8, 0.2}};
  std::vector<double> state = state_of(metric, 1);
  const Matrix predicted = Matrix::Constant(4, 1, 0.5), target = Matrix::Ones(4, 1);
  metric.add(state, {predicted.data(), 4, 1}, {target.data(), 4, 1}, {nullptr, 0});
  CHECK(results_of(metric, state) == std::vector<double>{0, 1});
  CHECK_THROWS_WITH(metric.result(state), "recall: expected a metric of one figure, got one of 2: ask for results()");
  CHECK(Metric::figure_name("recall", 1, 2) == "recall[1]");
  CHECK(Metric::figure_name("recall", 0, 1) == "recall");
}

TEST_CASE("among equal scores the first are the largest") {
  Matrix predicted(2, 4), target(2, 4);
  predicted << 0.3, 0.3, 0.3, 0.1, 0.9, 0.1, 0.1, 0.1;
  target << 1, 1, 0, 0, 0, 0, 1, 1;
  CHECK(one_result(Precision{.top_k = 2}, predicted, target) == 0.5);
  CHECK(one_result(TruePositives{.thresholds = 0.0}, predicted, target) == 4);
  CHECK(one_result(Recall{.top_k = 2, .class_id = 2}, predicted, target) == 0);
}

TEST_CASE("evenly spread thresholds decide as Keras rounds") {
  Matrix predicted(4, 1), target = Matrix::Ones(4, 1);
  predicted << 0, 0.5, Scalar(0.5000001), 1;
  const Metric metric = TruePositives{.thresholds = {0, 0.5, 1}};
  std::vector<double> state = state_of(metric, 1);
  metric.add(state, {predicted.data(), 4, 1}, {target.data(), 4, 1}, {nullptr, 0});
  CHECK(state == std::vector<double>{3, 2, 0});
}

TEST_CASE("thresholds of one's own may come in any order") {
  Matrix predicted(5, 1), target(5, 1);
  predicted << 0.05, 0.3, 0.45, 0.7, 0.9;
  target << 0, 1, 0, 1, 1;
  CHECK(one_result(AUC{.thresholds = {0.6, 0.1, 0.4}}, predicted, target) ==
        one_result(AUC{.thresholds = {0.1, 0.4, 0.6}}, predicted, target));
}

TEST_CASE("label weights average the areas of several labels") {
  Matrix predicted(4, 2), target(4, 2);
  predicted << 0.1, 0.9, 0.2, 0.6, 0.8, 0.3, 0.9, 0.2;
  target << 0, 0, 0, 0, 1, 1, 1, 1;  // the first label ranks perfectly, the second the wrong way round
  CHECK(one_result(AUC{.multi_label = true}, predicted, target) == Approx(0.5));
  CHECK(one_result(AUC{.multi_label = true, .label_weights = std::vector<double>{3, 1}}, predicted, target) ==
        Approx(0.75));
  CHECK(one_result(AUC{.label_weights = std::vector<double>{1, 0}}, predicted, target) == Approx(1));
}

TEST_CASE("a loss may stand as a metric, and is its mean") {
  Matrix predicted(2, 1), target(2, 1);
  predicted << 1, 3;
  target << 0, 0;
  CHECK(one_result(mean_squared_error, predicted, target) == Approx(5));
  Vector weights(2);
  weights << 3, 1;
  CHECK(one_result(mean_squared_error, predicted, target, weights) == Approx(3));
  CHECK(one_result(cosine_similarity, predicted, Matrix::Ones(2, 1)) == Approx(1));
}

TEST_CASE("cross-entropies have a form on logits, areas do not change") {
  const std::optional<Metric> metric = Metric(binary_crossentropy).named("entropy").on_logits();
  REQUIRE(metric);
  CHECK(metric->name() == "entropy");
  CHECK(one_result(*metric, Matrix::Constant(1, 1, -50), Matrix::Ones(1, 1)) == Approx(50));
  CHECK(!metric->on_logits());
  CHECK(!Metric(AUC{}).on_logits());
  CHECK(!Metric(accuracy).on_logits());
}

TEST_CASE("metrics of one name get different keys in the history") {
  const std::vector<Metric> metrics = {Precision{.class_id = 0}, accuracy, Precision{.class_id = 1}, Precision{}};
  const std::vector<Metric> weighted = {accuracy, Recall{}, accuracy};
  CHECK(metric_keys(metrics, weighted) == std::vector<std::string>{"precision", "accuracy", "precision_1",
                                                                   "precision_2", "weighted_accuracy", "recall",
                                                                   "weighted_accuracy_1"});
}

TEST_CASE("a class to ignore counts with the value 0 without weights, and not at all with them, as in Keras") {
  const Metric metric = SparseCategoricalCrossentropy{.ignore_class = 1};
  const Matrix p = (Matrix(2, 2) << 0.5, 0.5, 0.25, 0.75).finished(), t = (Matrix(2, 1) << 0, 1).finished();
  const Vector weights = Vector::Ones(2);
  for (const auto& [count, expected] : {std::pair(Index(0), std::log(2.0) / 2), std::pair(Index(2), std::log(2.0))}) {
    std::vector<double> state(2, 0.0);
    metric.add(state, ConstMatrixView(p.data(), 2, 2), ConstMatrixView(t.data(), 2, 1),
               ConstVectorView(weights.data(), count));
    CHECK(metric.result(state) == Approx(expected));
  }
}

TEST_CASE("a masked loss as a metric is the mean over the targets that are there") {
  const Metric metric = masked(mean_absolute_error);
  const Matrix p = (Matrix(2, 2) << 1, 2, 3, 4).finished(), t = (Matrix(2, 2) << 0, NAN, 0, 0).finished();
  std::vector<double> state(2, 0.0);
  metric.add(state, ConstMatrixView(p.data(), 2, 2), ConstMatrixView(t.data(), 2, 2), ConstVectorView(nullptr, 0));
  CHECK(metric.result(state) == Approx((1 + 3 + 4) / 3.0));
}
