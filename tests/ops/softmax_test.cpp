#include "maas/ops/softmax.hpp"

#include "maas/ops/log_sum_exp.hpp"
#include "support/catch.hpp"
#include "support/difference.hpp"
#include "support/views.hpp"

using namespace maas;

namespace {
using tests::view;
MatrixView out(Matrix& m) { return {m.data(), m.rows(), m.cols()}; }
}  // namespace

TEST_CASE("softmax of a row adds up to 1, whatever is added to the row") {
  Matrix x(3, 3);
  x << 0, std::log(Scalar(2)), std::log(Scalar(5)), 1000, 1000 + std::log(Scalar(2)), 1000 + std::log(Scalar(5)), -1000,
      0, 1000;
  Matrix y(3, 3);
  ops::softmax(view(x), out(y));
  Matrix expected(3, 3);
  expected << 0.125, 0.25, 0.625, 0.125, 0.25, 0.625, 0, 0, 1;
  CHECK(tests::difference(y, expected, {0, tests::is_double ? 1e-12 : 1e-4}) == "");
  ops::softmax(view(x), out(x));  // in place
  CHECK(x == y);
}

TEST_CASE("log-sum-exp and log-softmax do not overflow") {
  Matrix x(1, 2), y(1, 2);
  x << 10000, 10000;
  CHECK(static_cast<double>(ops::log_sum_exp(x.row(0))) == Approx(10000 + std::log(2.0)).epsilon(1e-6));
  ops::log_softmax(view(x), out(y));
  CHECK(tests::difference(y, Matrix::Constant(1, 2, static_cast<Scalar>(-std::log(2.0))), {0, 1e-3}) == "");
}

TEST_CASE("sparsemax is the nearest point of the simplex") {
  Matrix x(3, 3), y(3, 3), expected(3, 3);
  x << 0.5, 0.25, 0.25, 2, 0, 0, 0, 0, 0;
  expected << 0.5, 0.25, 0.25, 1, 0, 0, Scalar(1) / 3, Scalar(1) / 3, Scalar(1) / 3;
  ops::sparsemax(view(x), out(y));
  CHECK(tests::difference(y, expected) == "");
}
