// Values worked out by hand.
#include "maas/losses/losses.hpp"
#include "maas/testing/numbers.hpp"
#include "support/catch.hpp"
#include "support/difference.hpp"

using namespace maas;

namespace {

Matrix row(std::initializer_list<double> values) {
  Matrix m(1, static_cast<Index>(values.size()));
  std::ranges::transform(values, m.data(), [](double value) { return static_cast<Scalar>(value); });
  return m;
}
ConstMatrixView view(const Matrix& m) { return {m.data(), m.rows(), m.cols()}; }

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
