// Values worked out by hand.
#include "maas/losses/losses.hpp"
#include "maas/testing/numbers.hpp"
#include "support/catch.hpp"
#include "support/difference.hpp"
#include "support/views.hpp"

using namespace maas;

namespace {

Matrix row(std::initializer_list<double> values) {
  Matrix m(1, static_cast<Index>(values.size()));
  std::ranges::transform(values, m.data(), [](double value) { return static_cast<Scalar>(value); });
  return m;
}
using tests::view;

double value(const Loss& loss, const Matrix& predicted, const Matrix& target) {
  Vector out(predicted.rows());
  loss.values(view(predicted), view(target), VectorView(out.data(), out.size()));
  return static_cast<double>(out[0]);
}
Matrix gradient(const Loss& loss, const Matrix& predicted, const Matrix& target) {
  Matrix out = Matrix::Constant(predicted.rows(), predicted.cols(), testing::detail::not_a_number);
  loss.gradient(view(predicted), view(target), MatrixView(out.data(), out.rows(), out.cols()));
  return out;
}

}  // namespace

TEST_CASE("squared and absolute errors are means over outputs") {
  const Matrix p = row({1, 2, 3}), t = row({0, 4, 3});
  CHECK(value(mean_squared_error, p, t) == Approx(5.0 / 3));
  CHECK(value(mean_absolute_error, p, t) == Approx(1.0));
  CHECK(tests::difference(gradient(mean_squared_error, p, t), row({2.0 / 3, -4.0 / 3, 0})) == "");
  CHECK(tests::difference(gradient(mean_absolute_error, p, t), row({1.0 / 3, -1.0 / 3, 0})) == "");
}

TEST_CASE("binary cross-entropy is the mean of the negative log-likelihood, clipped") {
  CHECK(value(binary_crossentropy, row({0.5, 0.25}), row({1, 0})) == Approx(-(std::log(0.5) + std::log(0.75)) / 2));
  const double clipped = value(binary_crossentropy, row({0}), row({1}));
  CHECK(clipped == Approx(-std::log(1e-7)).epsilon(1e-5));
  CHECK(gradient(binary_crossentropy, row({0}), row({1}))(0, 0) == 0);  // beyond the clip nothing changes
  CHECK(value(BinaryCrossentropy{.label_smoothing = 0.2}, row({0.5, 0.25}), row({1, 0})) ==
        Approx(-(0.9 * std::log(0.5) + 0.1 * std::log(0.5) + 0.1 * std::log(0.25) + 0.9 * std::log(0.75)) / 2));
}

TEST_CASE("binary cross-entropy on logits does not overflow") {
  const Loss loss = BinaryCrossentropy{.from_logits = true};
  CHECK(value(loss, row({0}), row({1})) == Approx(std::log(2.0)));
  CHECK(value(loss, row({1000}), row({0})) == Approx(1000));
  CHECK(value(loss, row({-1000}), row({1})) == Approx(1000));
  CHECK(value(loss, row({1000}), row({1})) == 0);
  CHECK(tests::difference(gradient(loss, row({1000, -1000}), row({0, 1})), row({0.5, -0.5})) == "");
}

TEST_CASE("categorical cross-entropy divides probabilities by their sum") {
  CHECK(value(categorical_crossentropy, row({1, 1, 2}), row({0, 0, 1})) == Approx(std::log(2.0)));
  CHECK(value(categorical_crossentropy, row({0.2, 0.3, 0.5}), row({0.5, 0.5, 0})) ==
        Approx(-0.5 * std::log(0.2) - 0.5 * std::log(0.3)));
  CHECK(value(sparse_categorical_crossentropy, row({1, 1, 2}), row({2})) == Approx(std::log(2.0)));
  const Loss logits = SparseCategoricalCrossentropy{.from_logits = true};
  CHECK(value(logits, row({0, 0}), row({1})) == Approx(std::log(2.0)));
  CHECK(tests::difference(gradient(logits, row({0, 0}), row({1})), row({0.5, -0.5})) == "");
}

TEST_CASE("cross-entropies of large logits keep their digits") {
  // The difference of the logits alone decides: log(1 + exp(-9)).
  const double expected = std::log1p(std::exp(-9.0));
  const double tolerance = sizeof(Scalar) == 8 ? 1e-10 : 1e-3;
  CHECK(value(SparseCategoricalCrossentropy{.from_logits = true}, row({8009, 8000}), row({0})) ==
        Approx(expected).epsilon(tolerance));
  CHECK(value(CategoricalCrossentropy{.from_logits = true}, row({8009, 8000}), row({1, 0})) ==
        Approx(expected).epsilon(tolerance));
}

TEST_CASE("sparse losses have one column of targets, others one an output") {
  CHECK(Loss(sparse_categorical_crossentropy).target_columns(10) == 1);
  CHECK(Loss(categorical_crossentropy).target_columns(10) == 10);
  CHECK(Loss(mean_squared_error).target_columns(10) == 10);
}

TEST_CASE("targets out of range are refused by row") {
  Matrix labels = Matrix::Zero(4, 1);
  labels(2, 0) = 3;
  CHECK_THROWS_WITH(Loss(sparse_categorical_crossentropy).check_targets(view(labels), 3),
                    "SparseCategoricalCrossentropy: expected labels 0 to 2, got 3 in row 2 (counted from 0)");
  labels(2, 0) = testing::detail::not_a_number;
  CHECK_THROWS_AS(Loss(sparse_categorical_crossentropy).check_targets(view(labels), 3), DataError);
  labels(2, 0) = Scalar(1.5);
  CHECK_THROWS_WITH(Loss(binary_crossentropy).check_targets(view(labels), 1),
                    "BinaryCrossentropy: expected targets from 0 to 1, got 1.5 in row 2, column 0 (counted from 0)");
}

TEST_CASE("losses are found by name and alias, and unknown names refused") {
  Loss loss = mean_absolute_error;
  for (const char* name : {"mse", "MSE", "mean_squared_error", "MeanSquaredError"}) {
    from_config(name, "loss", loss);
    CHECK(loss == Loss(mean_squared_error));
  }
  from_config("bce", "loss", loss);
  CHECK(loss == Loss(binary_crossentropy));
  CHECK(to_config(loss) == Config("binary_crossentropy"));
  CHECK_THROWS_WITH(from_config("msee", "loss", loss),
                    Catch::Matchers::StartsWith("loss: unknown loss \"msee\"; maas knows BinaryCrossentropy, "));
}

TEST_CASE("a loss right after sigmoid or softmax has a form on logits, once") {
  const std::optional<Loss> logits = Loss(binary_crossentropy).on_logits();
  REQUIRE(logits);
  CHECK(*logits == Loss(BinaryCrossentropy{.from_logits = true}));
  CHECK(!logits->on_logits());
  CHECK(!Loss(mean_squared_error).on_logits());
}

TEST_CASE("reductions divide by rows, by nothing, or by weights") {
  const Matrix p = (Matrix(2, 1) << 1, 3).finished(), t = Matrix::Zero(2, 1);
  Vector weights(2), scratch(2);
  weights << 2, 1;
  auto mean = [&](const char* reduction, bool weighted) {
    return Loss(mean_absolute_error)
        .reduced(reduction)
        .mean(view(p), view(t), ConstVectorView(weights.data(), weighted ? 2 : 0), VectorView(scratch.data(), 2));
  };
  CHECK(mean("sum_over_batch_size", true) == Approx(2.5));
  CHECK(mean("mean", false) == Approx(2));
  CHECK(mean("sum", true) == Approx(5));
  CHECK(mean("mean_with_sample_weight", true) == Approx(5.0 / 3));
  CHECK_THROWS_WITH(Loss(mean_absolute_error).reduced("none"),
                    Catch::Matchers::StartsWith("MeanAbsoluteError: the reduction none leaves one value a row"));
  CHECK_THROWS_WITH(Loss(mean_absolute_error).reduced("total"),
                    "MeanAbsoluteError: expected as reduction sum_over_batch_size, sum, mean or "
                    "mean_with_sample_weight, got total");
  CHECK(Loss(mean_absolute_error).reduced("auto") == Loss(mean_absolute_error));
  CHECK(Loss(mean_absolute_error).reduced("sum") != Loss(mean_absolute_error));
}

TEST_CASE("a reduction and the last axis are read with a loss, and kept on logits") {
  Loss loss = mean_absolute_error;
  from_config(
      Config{}.set("class_name", "BinaryCrossentropy").set("config", Config{}.set("reduction", "sum").set("axis", -1)),
      "loss", loss);
  CHECK(loss == Loss(binary_crossentropy).reduced(Reduction::sum));
  CHECK(loss.on_logits()->reduction() == Reduction::sum);
  CHECK_THROWS_WITH(
      from_config(Config{}.set("class_name", "Huber").set("config", Config{}.set("axis", 1)), "loss", loss),
      "loss: expected the axis -1, the last, got 1");
}

TEST_CASE("the class to ignore has no value, no gradient and no place in the mean") {
  const Loss loss = SparseCategoricalCrossentropy{.ignore_class = -1};
  const Matrix p = (Matrix(3, 2) << 0.5, 0.5, 0.9, 0.1, 0.25, 0.75).finished(),
               t = (Matrix(3, 1) << 0, -1, 1).finished();
  Vector scratch(3);
  CHECK(loss.mean(view(p), view(t), ConstVectorView(nullptr, 0), VectorView(scratch.data(), 3)) ==
        Approx(-(std::log(0.5) + std::log(0.75)) / 2));
  CHECK(gradient(loss, p, t).row(1).isZero(0));
  CHECK_NOTHROW(loss.check_targets(view(t), 2));
  CHECK_THROWS_AS(Loss(sparse_categorical_crossentropy).check_targets(view(t), 2), DataError);
  const Matrix ignored = Matrix::Constant(3, 1, -1);
  CHECK(loss.mean(view(p), view(ignored), ConstVectorView(nullptr, 0), VectorView(scratch.data(), 3)) == 0);
}

TEST_CASE("missing targets weigh nothing: the mean is over those that are there") {
  const Scalar missing = testing::detail::not_a_number;
  const Matrix p = (Matrix(3, 3) << 1, 2, 3, 4, 5, 6, 7, 8, 9).finished();
  Matrix t = Matrix::Zero(3, 3);
  t(0, 1) = t(2, 0) = t(2, 1) = t(2, 2) = missing;
  const Loss loss = masked(mean_squared_error);
  Vector scratch(3);
  CHECK(loss.mean(view(p), view(t), ConstVectorView(nullptr, 0), VectorView(scratch.data(), 3)) ==
        Approx((1 + 9 + 16 + 25 + 36) / 5.0));
  Matrix out(3, 3);
  loss.mean_gradient(view(p), view(t), ConstVectorView(nullptr, 0), MatrixView(out.data(), 3, 3));
  const Matrix expected = (Matrix(3, 3) << 2 / 5.0, 0, 6 / 5.0, 8 / 5.0, 10 / 5.0, 12 / 5.0, 0, 0, 0).finished();
  CHECK(tests::difference(out, expected) == "");
  const Matrix nothing = Matrix::Constant(3, 3, missing);
  CHECK(loss.mean(view(p), view(nothing), ConstVectorView(nullptr, 0), VectorView(scratch.data(), 3)) == 0);
  loss.mean_gradient(view(p), view(nothing), ConstVectorView(nullptr, 0), MatrixView(out.data(), 3, 3));
  CHECK(out.isZero(0));
}

TEST_CASE("losses of whole rows leave out rows with a missing target") {
  const Scalar missing = testing::detail::not_a_number;
  const Matrix p = (Matrix(2, 2) << 0.5, 0.5, 0.25, 0.75).finished();
  Matrix t = (Matrix(2, 2) << 1, 0, 0, 1).finished(), labels = (Matrix(2, 1) << missing, 1).finished();
  t(0, 1) = missing;
  Vector scratch(2);
  for (const auto& [loss, target] : {std::pair(Loss(masked(categorical_crossentropy)), t),
                                     std::pair(Loss(masked(sparse_categorical_crossentropy)), labels)})
    CHECK(loss.mean(view(p), view(target), ConstVectorView(nullptr, 0), VectorView(scratch.data(), 2)) ==
          Approx(-std::log(0.75)));
}

TEST_CASE("masked losses still refuse targets out of range, say where, and mask only losses of single rows") {
  const Scalar missing = testing::detail::not_a_number;
  Matrix t = Matrix::Zero(3, 2);
  t(1, 0) = missing;
  t(1, 1) = Scalar(1.5);
  CHECK_THROWS_WITH(Loss(masked(binary_crossentropy)).check_targets(view(t), 2),
                    Catch::Matchers::StartsWith("Masked: from row 1, column 1 on: BinaryCrossentropy: expected targets "
                                                "from 0 to 1, got 1.5"));
  CHECK_THROWS_WITH(Loss(masked(Dice{})), "Masked: expected a loss of single rows, got Dice");
  CHECK(Loss(masked(binary_crossentropy)).on_logits() == Loss(masked(BinaryCrossentropy{.from_logits = true})));
  CHECK(!Loss(masked(mean_squared_error)).on_logits());
}

TEST_CASE("losses of overlap are Keras' examples") {
  const Matrix t = (Matrix(2, 4) << 1, 1, 0, 0, 1, 1, 0, 0).finished(),
               p = (Matrix(2, 4) << 0, 1, 0, 1, 0.4, 0, 0, 0.9).finished();
  const Loss whole = dice, single = Dice{.axis = std::vector{1}};
  CHECK(value(whole, p, t) == Approx(0.6164384).epsilon(1e-6));
  CHECK(value(single, p, t) == Approx(0.5).epsilon(1e-6));
  CHECK(value(single, p.row(1), t.row(1)) == Approx(0.75757575).epsilon(1e-6));
  CHECK(value(tversky, p, t) == Approx(0.6164384).epsilon(1e-6));
  CHECK(whole.row_width(Shape{4, 4, 2}) == 32);
  CHECK_NOTHROW(Loss(Dice{.axis = std::vector{3, 1, -2}}).check_output(Shape{4, 4, 2}));
  CHECK_THROWS_WITH(Loss(Dice{.axis = std::vector{1, 2}}).check_output(Shape{4, 4, 2}),
                    "Dice: expected as axis all axes but the batch's, 1 to 3, or none; got [1, 2]");
}

TEST_CASE("losses refuse settings out of range") {
  CHECK_THROWS_WITH(Loss(CategoricalGeneralizedCrossEntropy{.q = 1}),
                    "CategoricalGeneralizedCrossEntropy: expected a q between 0 and 1, got 1");
  CHECK_THROWS_WITH(Loss(QuantileLoss{.quantile = 0}), "QuantileLoss: expected a quantile between 0 and 1, got 0");
  CHECK_THROWS_WITH(Loss(circle).check_output(Shape{4, 2}),
                    "Circle: expected outputs of one axis, the embedding; got 4x2");
}
