#include "maas/ops/affine.hpp"

#include "maas/core/parallel.hpp"
#include "maas/testing/numbers.hpp"
#include "support/catch.hpp"
#include "support/difference.hpp"
#include "support/views.hpp"

using namespace maas;
using testing::detail::random_matrix;

namespace {

using tests::view;
using tests::writable;

/// The product written out: what every faster one must agree with.
Matrix naive_product(const Matrix& a, const Matrix& b) {
  Matrix c(a.rows(), b.cols());
  for (Index i = 0; i < c.rows(); ++i)
    for (Index j = 0; j < c.cols(); ++j) {
      double sum = 0;
      for (Index k = 0; k < a.cols(); ++k) sum += static_cast<double>(a(i, k)) * static_cast<double>(b(k, j));
      c(i, j) = static_cast<Scalar>(sum);
    }
  return c;
}

/// Rounding of a sum of `terms` products of numbers up to 1.
tests::Tolerance rounding(Index terms) {
  const double epsilon = static_cast<double>(std::numeric_limits<Scalar>::epsilon());
  return {0, epsilon * (4 + 2 * static_cast<double>(terms))};
}

}  // namespace

TEST_CASE("the affine map and its derivatives agree with sums written out, at sizes beside a vector's width") {
  for (Index batch : {1, 2, 3, 4, 5, 9, 32, 67})
    for (Index inputs : {1, 3, 8, 17, 65, 130})
      for (Index outputs : {1, 2, 7, 8, 9, 16, 33, 129}) {
        INFO(batch << " x " << inputs << " x " << outputs);
        const Matrix x = random_matrix(batch, inputs, -1, 1, Random(1)),
                     w = random_matrix(inputs, outputs, -1, 1, Random(2)),
                     b = random_matrix(1, outputs, -1, 1, Random(3)),
                     dy = random_matrix(batch, outputs, -1, 1, Random(4));
        const Scalar nan = testing::detail::not_a_number;
        Matrix y = Matrix::Constant(batch, outputs, nan), dx = Matrix::Constant(batch, inputs, nan),
               dw = Matrix::Constant(inputs, outputs, nan), db = Matrix::Constant(1, outputs, nan);
        ops::affine(view(x), view(w), view(b), writable(y));
        REQUIRE(tests::difference(y, naive_product(x, w).rowwise() + b.row(0), rounding(inputs)) == "");
        ops::affine(view(x), view(w), ConstMatrixView(nullptr, 1, 0), writable(y));
        REQUIRE(tests::difference(y, naive_product(x, w), rounding(inputs)) == "");
        ops::affine_input_gradient(view(dy), view(w), writable(dx));
        REQUIRE(tests::difference(dx, naive_product(dy, w.transpose()), rounding(outputs)) == "");
        ops::affine_kernel_gradient(view(x), view(dy), writable(dw));
        REQUIRE(tests::difference(dw, naive_product(x.transpose(), dy), rounding(batch)) == "");
        ops::column_sums(view(dy), writable(db));
        REQUIRE(tests::difference(db, naive_product(Matrix::Ones(1, batch), dy), rounding(batch)) == "");
      }
}

TEST_CASE("a row of the affine map has the same bits alone and among others") {
  for (Index outputs : {1, 5, 8, 64, 100}) {
    const Matrix x = random_matrix(37, 19, -1, 1, Random(1)), w = random_matrix(19, outputs, -1, 1, Random(2)),
                 b = random_matrix(1, outputs, -1, 1, Random(3));
    Matrix y(37, outputs), alone(1, outputs);
    ops::affine(view(x), view(w), view(b), writable(y));
    for (Index row = 0; row < x.rows(); ++row) {
      const Matrix one = x.row(row);
      ops::affine(view(one), view(w), view(b), writable(alone));
      CHECK(alone == y.row(row));
    }
  }
}

TEST_CASE("large products have the same bits on one, two and four threads") {
  const int before = threads();
  const Matrix x = random_matrix(150, 130, -1, 1, Random(1)), w = random_matrix(130, 140, -1, 1, Random(2)),
               dy = random_matrix(150, 140, -1, 1, Random(4));
  Matrix first_y, first_dx, first_dw;
  for (int count : {1, 2, 4}) {
    set_threads(count);
    Matrix y(150, 140), dx(150, 130), dw(130, 140);
    ops::affine(view(x), view(w), ConstMatrixView(nullptr, 1, 0), writable(y));
    ops::affine_input_gradient(view(dy), view(w), writable(dx));
    ops::affine_kernel_gradient(view(x), view(dy), writable(dw));
    if (count == 1) first_y = y, first_dx = dx, first_dw = dw;
    CHECK(y == first_y);
    CHECK(dx == first_dx);
    CHECK(dw == first_dw);
  }
  set_threads(before);
}
