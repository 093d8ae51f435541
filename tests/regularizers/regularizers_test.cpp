#include "maas/regularizers/regularizers.hpp"

#include "maas/testing/check_gradient.hpp"
#include "maas/testing/check_part.hpp"
#include "support/catch.hpp"

using namespace maas;

TEST_CASE("every regularizer survives its config and has the gradient of its value") {
  for (const auto& entry : BuiltinRegularizers::entries()) {
    INFO(entry.class_name);
    testing::check_entry(entry);
    const Regularizer regularizer = entry.make({});
    testing::check_family_config(regularizer, regularizer.class_name() == "L1" ? Regularizer(L2{}) : Regularizer(L1{}));
    Vector w = Vector::LinSpaced(6, Scalar(-1), Scalar(1.5)), gradient = Vector::Constant(6, 3);
    const ConstVectorView weights(w.data(), 6);
    const Shape shape{3, 2};
    regularizer.add_gradient(weights, shape, VectorView(gradient.data(), 6));
    gradient.array() -= Scalar(3);  // it is added to what was there
    testing::Report report("regularizer");
    testing::compare_gradient(
        report, "gradient", [&] { return regularizer.value(weights, shape); }, VectorView(w.data(), 6),
        ConstVectorView(gradient.data(), 6));
    CHECK_NOTHROW(report.finish());
  }
}

TEST_CASE("penalties are Keras': sums without a factor one half") {
  Vector w(3);
  w << 1, -2, 3;
  const ConstVectorView view(w.data(), 3);
  CHECK(L1{.l1 = 0.1}.value(view) == Approx(0.6));
  CHECK(L2{.l2 = 0.1}.value(view) == Approx(1.4));
  CHECK(L1L2{.l1 = 0.1, .l2 = 0.1}.value(view) == Approx(2.0));
  CHECK(L1{}.value(view) == Approx(0.06));
  CHECK(L2{}.value(view) == Approx(0.14));
}

TEST_CASE("the orthogonal penalty is the mean absolute cosine of pairs of rows or columns") {
  Vector w(6);
  w << 3, 4, 0, 2, 1, 0;  // rows (3, 4), (0, 2), (1, 0); columns (3, 0, 1), (4, 2, 0)
  const ConstVectorView view(w.data(), 6);
  const Shape shape{3, 2};
  CHECK(OrthogonalRegularizer{.factor = 0.3}.value(view, shape) == Approx(0.3 * (0.8 + 0.6 + 0) / 3));
  CHECK(OrthogonalRegularizer{.mode = "columns"}.value(view, shape) ==
        Approx(0.01 * 12 / (std::sqrt(10.0) * std::sqrt(20.0))));
  CHECK(OrthogonalRegularizer{}.value(view, Shape{1, 6}) == 0);
  Vector gradient = Vector::Zero(6);
  testing::Report report("columns");
  const Regularizer columns = OrthogonalRegularizer{.factor = 1, .mode = "columns"};
  columns.add_gradient(view, shape, VectorView(gradient.data(), 6));
  testing::compare_gradient(
      report, "gradient", [&] { return columns.value(view, shape); }, VectorView(w.data(), 6),
      ConstVectorView(gradient.data(), 6));
  CHECK_NOTHROW(report.finish());
  CHECK_THROWS_WITH(columns.value(view), "OrthogonalRegularizer: expected weights of 2 axes, got 6");
  CHECK_THROWS_WITH(Regularizer(OrthogonalRegularizer{.mode = "rings"}),
                    "OrthogonalRegularizer: expected the mode rows or columns, got rings");
}

TEST_CASE("regularizers are read from Keras' short names") {
  std::optional<Regularizer> regularizer;
  from_config("l2", "kernel_regularizer", regularizer);
  CHECK(regularizer == Regularizer(L2{}));
  from_config("l1_l2", "kernel_regularizer", regularizer);
  CHECK(regularizer == Regularizer(L1L2{0.01, 0.01}));
  from_config("orthogonal_regularizer", "kernel_regularizer", regularizer);
  CHECK(regularizer == Regularizer(OrthogonalRegularizer{}));
  from_config(nullptr, "kernel_regularizer", regularizer);
  CHECK(!regularizer);
  CHECK_THROWS_WITH(from_config("l3", "kernel_regularizer", regularizer),
                    Catch::Matchers::StartsWith("kernel_regularizer: unknown regularizer \"l3\"; maas knows L1L2, L1"));
}
