#include "maas/regularizers/regularizers.hpp"

#include "maas/testing/check_gradient.hpp"
#include "maas/testing/check_part.hpp"
#include "support/catch.hpp"

using namespace maas;

TEST_CASE("every regularizer survives its config and has the gradient of its value") {
  BuiltinRegularizers::for_each([](const auto& part) {
    INFO(part.class_name);
    testing::check_part(part);
    const Regularizer regularizer = part;
    testing::check_family_config(regularizer, regularizer.class_name() == "L1" ? Regularizer(L2{}) : Regularizer(L1{}));
    Vector w = Vector::LinSpaced(6, Scalar(-1), Scalar(1.5)), gradient = Vector::Constant(6, 3);
    const ConstVectorView weights(w.data(), 6);
    regularizer.add_gradient(weights, VectorView(gradient.data(), 6));
    gradient.array() -= Scalar(3);  // it is added to what was there
    testing::Report report("regularizer");
    testing::compare_gradient(
        report, "gradient", [&] { return regularizer.value(weights); }, VectorView(w.data(), 6),
        ConstVectorView(gradient.data(), 6));
    CHECK_NOTHROW(report.finish());
  });
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

TEST_CASE("regularizers are read from Keras' short names") {
  std::optional<Regularizer> regularizer;
  from_config("l2", "kernel_regularizer", regularizer);
  CHECK(regularizer == Regularizer(L2{}));
  from_config("l1_l2", "kernel_regularizer", regularizer);
  CHECK(regularizer == Regularizer(L1L2{0.01, 0.01}));
  from_config(nullptr, "kernel_regularizer", regularizer);
  CHECK(!regularizer);
  CHECK_THROWS_WITH(from_config("l3", "kernel_regularizer", regularizer),
                    Catch::Matchers::StartsWith("kernel_regularizer: unknown regularizer \"l3\"; maas knows L1L2, L1"));
}
