#include "maas/activations/activations.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "maas/ops/elementwise.hpp"
#include "maas/testing/check_gradient.hpp"
#include "maas/testing/check_part.hpp"
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

Matrix applied(const Activation& activation, const Matrix& z) {
  Matrix y = Matrix::Constant(z.rows(), activation.halves() ? z.cols() / 2 : z.cols(), testing::detail::not_a_number);
  activation.forward(view(z), MatrixView(y.data(), y.rows(), y.cols()));
  return y;
}
Matrix slope(const Activation& activation, const Matrix& z) {
  const Matrix y = applied(activation, z);
  Matrix gradient = Matrix::Ones(z.rows(), z.cols());
  const Matrix unread = Matrix::Constant(z.rows(), z.cols(), testing::detail::not_a_number);
  activation.backward(view(activation.needs_input() ? z : unread), view(y),
                      MatrixView(gradient.data(), gradient.rows(), gradient.cols()));
  return gradient;
}

}  // namespace

TEST_CASE("every activation survives its config and works in place") {
  for (const auto& entry : BuiltinActivations::entries()) {
    INFO(entry.class_name);
    testing::check_entry(entry);
    const Activation activation = entry.make({});
    testing::check_family_config(activation, activation.class_name() == "relu" ? Activation(linear) : Activation(relu));
    if (activation.halves()) continue;  // never in place: Dense and its like refuse it
    for (Index columns : {1, 3, 4, 7, 16, 33}) {
      Matrix z = testing::detail::random_matrix(3, columns, -3, 3, Random(1));
      const Matrix y = applied(activation, z);
      activation.forward(view(z), MatrixView(z.data(), z.rows(), z.cols()));
      CHECK(z == y);
    }
  }
}

TEST_CASE("a row's activation has the same bits wherever it lies") {
  for (const auto& entry : BuiltinActivations::entries()) {
    INFO(entry.class_name);
    const Activation activation = entry.make({});
    for (Index columns : {1, 3, 5, 8, 19}) {
      if (activation.halves() && columns % 2 == 1) continue;
      const Matrix z = testing::detail::random_matrix(13, columns, -3, 3, Random(1)), y = applied(activation, z);
      for (Index i = 0; i < z.rows(); ++i) CHECK(applied(activation, z.row(i)) == y.row(i));
    }
  }
}

TEST_CASE("an activation that is a curve of the kernels has the bits of that curve, and its slope") {
  const Index rows = 5, columns = 37;
  const Matrix z = testing::detail::random_matrix(rows, columns, -3, 3, Random(1)),
               dy = testing::detail::random_matrix(rows, columns, -1, 1, Random(2));
  std::vector<std::string> curves;
  for (const auto& entry : BuiltinActivations::entries()) {
    INFO(entry.class_name);
    const Activation activation = entry.make({});
    const std::optional<ops::Curve> curve = activation.curve();
    if (!curve) continue;
    curves.emplace_back(entry.class_name);
    CHECK(!activation.needs_input());  // which layers do not keep for it
    Matrix y(rows, columns), alone = dy, along = dy, sums(1, columns);
    ops::apply_curve(*curve, z.size(), z.data(), y.data());
    CHECK(y == applied(activation, z));
    activation.backward(view(z), view(y), MatrixView(alone.data(), rows, columns));
    ops::slope_and_sum_rows(*curve, rows, columns, y.data(), along.data(), sums.data());
    CHECK(along == alone);
  }
  std::ranges::sort(curves);
  CHECK(curves == std::vector<std::string>{"linear", "relu", "sigmoid", "tanh"});
}

TEST_CASE("known values and slopes") {
  const Matrix z = row({-2, 0, 2});
  CHECK(applied(relu, z) == row({0, 0, 2}));
  CHECK(slope(relu, z) == row({0, 0, 1}));
  CHECK(applied(linear, z) == z);
  CHECK(slope(linear, z) == row({1, 1, 1}));
  const double s = 1 / (1 + std::exp(2.0)), t = std::tanh(2.0);
  CHECK(tests::difference(applied(sigmoid, z), row({s, 0.5, 1 - s})) == "");
  CHECK(tests::difference(slope(sigmoid, z), row({s * (1 - s), 0.25, s * (1 - s)})) == "");
  CHECK(tests::difference(applied(Tanh{}, z), row({-t, 0, t})) == "");
  CHECK(tests::difference(slope(Tanh{}, z), row({1 - t * t, 1, 1 - t * t})) == "");
  CHECK(tests::difference(applied(softmax, row({0, std::log(3.0)})), row({0.25, 0.75})) == "");
}

TEST_CASE("slopes at corners are TensorFlow's") {
  CHECK(slope(relu, row({0})) == row({0}));
  CHECK(slope(relu6, row({0, 6})) == row({0, 0}));
  CHECK(slope(selu, row({0}))(0, 0) == Scalar(1.0507009873554804934));
  CHECK(slope(hard_tanh, row({-1, 1, -1.5, 1.5})) == row({1, 1, 0, 0}));
  CHECK(slope(celu, row({0})) == row({2}));
  CHECK(slope(BoundedRelu{.max_value = 2.5}, row({0, 2.5, 3})) == row({0, 1, 0}));
  CHECK(slope(BoundedRelu{.negative_slope = 0.5}, row({0})) == row({0.5}));
}

TEST_CASE("the rectifier with all its arguments is 0 at its threshold") {
  const BoundedRelu all{.max_value = 3, .negative_slope = 0.25, .threshold = 0.5};
  CHECK(applied(all, row({0.5, 1, 3, 5, -1.5})) == row({0, 1, 3, 3, -0.5}));
}

TEST_CASE("large inputs saturate without NaN, and NaN stays NaN") {
  const Matrix z = row({-1e4, 1e4});
  CHECK(tests::difference(applied(sigmoid, z), row({0, 1})) == "");
  CHECK(tests::difference(applied(Tanh{}, z), row({-1, 1})) == "");
  CHECK(applied(relu, z) == row({0, 1e4}));
  const Matrix nan = row({std::nan("")});
  for (const Activation& activation : {Activation(relu), Activation(sigmoid), Activation(Tanh{}), Activation(linear)})
    CHECK(std::isnan(applied(activation, nan)(0, 0)));
}

TEST_CASE("activations are found by name; null is linear; unknown names are refused") {
  Activation activation = relu;
  from_config(nullptr, "activation", activation);
  CHECK(activation == Activation(linear));
  from_config("swish", "activation", activation);
  CHECK(activation == Activation(silu));
  from_config(Config{}.set("class_name", "relu").set("config", Config::Object{}), "activation", activation);
  CHECK(activation == Activation(relu));
  CHECK_THROWS_WITH(from_config("rellu", "activation", activation),
                    Catch::Matchers::ContainsSubstring("unknown activation \"rellu\"; maas knows linear, relu"));
}

TEST_CASE("glu multiplies the first half by the sigmoid of the second") {
  const Activation activation = glu;
  CHECK(activation.halves());
  CHECK(!Activation(relu).halves());
  CHECK(tests::difference(applied(activation, row({3, -2, 0, std::log(3.0)})), row({1.5, -1.5})) == "");
  Matrix z = row({3, -2, 0.5, 1, -1, 0.25}), dz = row({7, 7, 7, 7, 7, 7});
  const Matrix dy = row({1, 2, -1});
  activation.halved_backward(view(z), view(dy), MatrixView(dz.data(), 1, 6));
  testing::Report report("glu");
  testing::compare_gradient(
      report, "gradient", [&] { return static_cast<double>(applied(activation, z).cwiseProduct(dy).sum()); },
      VectorView(z.data(), 6), ConstVectorView(dz.data(), 6));
  CHECK_NOTHROW(report.finish());
  Matrix gradient = row({1, 1});
  CHECK_THROWS_WITH(activation.backward(view(z), view(dy), MatrixView(gradient.data(), 1, 2)),
                    "activation glu: it gives half as many features as it takes and cannot work in place");
}
