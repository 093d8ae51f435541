#include "maas/ops/compact.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "maas/core/parallel.hpp"
#include "maas/ops/affine.hpp"
#include "maas/testing/numbers.hpp"
#include "support/catch.hpp"
#include "support/views.hpp"

using namespace maas;
using ops::CompactFormat;
using testing::detail::random_matrix;

namespace {

class Compact {
 public:
  Compact(const Matrix& matrix, CompactFormat format)
      : numbers_(static_cast<std::size_t>(ops::compact_bytes(format, matrix.rows(), matrix.cols())), 0xff),
        scales_(static_cast<std::size_t>(ops::compact_scales(format, matrix.cols())), Scalar(7)),
        view_{format, matrix.rows(), matrix.cols(), numbers_.data(), scales_.data()} {
    ops::make_compact(ConstMatrixView(matrix.data(), matrix.rows(), matrix.cols()), format, numbers_.data(),
                      scales_.data());
  }
  const ops::CompactView& view() const { return view_; }
  Matrix expanded() const {
    Matrix m(view_.inner, view_.columns);
    ops::expand(view_, {m.data(), m.rows(), m.cols()});
    return m;
  }
  bool operator==(const Compact& other) const { return numbers_ == other.numbers_ && scales_ == other.scales_; }

 private:
  std::vector<unsigned char> numbers_;
  std::vector<Scalar> scales_;
  ops::CompactView view_;
};

using tests::view;

Matrix product_of(const Matrix& x, const Compact& compact, const Matrix& bias, ops::Curve curve) {
  Matrix y = Matrix::Constant(x.rows(), compact.view().columns, std::numeric_limits<Scalar>::quiet_NaN());
  ops::compact_affine(view(x), compact.view(), view(bias), {y.data(), y.rows(), y.cols()}, curve);
  return y;
}

Matrix product_with(const Matrix& x, const Matrix& kernel, const Matrix& bias, ops::Curve curve) {
  Matrix y(x.rows(), kernel.cols());
  ops::affine(view(x), view(kernel), view(bias), {y.data(), y.rows(), y.cols()}, curve);
  return y;
}

bool same_bits(const Matrix& a, const Matrix& b) {
  for (Index i = 0; i < a.size(); ++i)
    if (!(a.data()[i] == b.data()[i] || (std::isnan(a.data()[i]) && std::isnan(b.data()[i])))) return false;
  return a.rows() == b.rows() && a.cols() == b.cols();
}

}  // namespace

TEST_CASE("bfloat16 keeps 8 bits of precision, rounded to nearest even") {
  Matrix m(1, 9);
  // Between 1 and 2 neighbours are 2^-7 apart.
  const double step = std::ldexp(1.0, -7);
  m << Scalar(1), Scalar(1 + step), Scalar(1 + step / 2), Scalar(1 + 3 * step / 2), Scalar(1 + 0.51 * step),
      Scalar(-3.0e38), Scalar(0), std::numeric_limits<Scalar>::infinity(), std::numeric_limits<Scalar>::quiet_NaN();
  const Matrix e = Compact(m, CompactFormat::bfloat16).expanded();
  CHECK(e(0, 0) == Scalar(1));
  CHECK(e(0, 1) == Scalar(1 + step));
  CHECK(e(0, 2) == Scalar(1));             // a tie: to the even one
  CHECK(e(0, 3) == Scalar(1 + 2 * step));  // a tie: to the even one
  CHECK(e(0, 4) == Scalar(1 + step));
  CHECK(std::abs(e(0, 5) + Scalar(3.0e38)) <= Scalar(3.0e38 / 256));
  CHECK(e(0, 6) == Scalar(0));
  CHECK(e(0, 7) == std::numeric_limits<Scalar>::infinity());
  CHECK(std::isnan(e(0, 8)));
}

TEST_CASE("packed numbers keep every bit") {
  Matrix m = random_matrix(5, 300, -1, 1, Random(1));
  m(2, 130) = std::numeric_limits<Scalar>::infinity();
  m(3, 299) = std::numeric_limits<Scalar>::denorm_min();
  CHECK(Compact(m, CompactFormat::packed).expanded() == m);
}

TEST_CASE("int8 has 127 steps to the largest number of each column") {
  Matrix m(3, 3);
  m << 127, 0, Scalar(0.001), -64, 0, Scalar(-0.0005), Scalar(0.4), 0, Scalar(0.00099);
  const Matrix e = Compact(m, CompactFormat::int8).expanded();
  CHECK(e(0, 0) == 127);
  CHECK(e(1, 0) == -64);
  CHECK(e(2, 0) == 0);
  CHECK(e.col(1).isZero(0));
  for (Index row = 0; row < 3; ++row) CHECK(std::abs(e(row, 2) - m(row, 2)) <= Scalar(0.001 / 127 * 0.51));
}

TEST_CASE("int8 refuses numbers that are not finite, and tiny columns are 0") {
  Matrix m = Matrix::Constant(3, 2, Scalar(1e-35));
  CHECK(Compact(m, CompactFormat::int8).expanded().isZero(0));
  m(1, 1) = std::numeric_limits<Scalar>::infinity();
  CHECK_THROWS_WITH(Compact(m, CompactFormat::int8),
                    Catch::Matchers::StartsWith("make_compact: expected finite numbers for int8, got inf in row 1, "
                                                "column 1"));
}

TEST_CASE("compact numbers made compact again are the same") {
  for (const CompactFormat format : {CompactFormat::packed, CompactFormat::bfloat16, CompactFormat::int8})
    for (std::uint64_t seed = 1; seed < 60; ++seed) {
      const Scalar size = std::ldexp(Scalar(1), static_cast<int>(seed % 40) - 20);
      const Compact once(random_matrix(9, 21, -size, size, Random(seed)), format);
      const Compact twice(once.expanded(), format);
      CHECK(once == twice);
    }
}

TEST_CASE("the product with a compact matrix has the bits of the one with the expanded matrix") {
  for (const CompactFormat format : {CompactFormat::packed, CompactFormat::bfloat16, CompactFormat::int8})
    for (const Index columns : {2, 15, 17, 64, 65, 128, 129, 300})
      for (const Index inner : {1, 130, 300})
        for (const Index rows : {1, 2, 3, 4, 12, 13}) {
          INFO(columns << " columns, " << inner << " terms, " << rows << " rows");
          const Random random(static_cast<std::uint64_t>(columns * 1000 + inner));
          const Compact compact(random_matrix(inner, columns, -1, 1, random), format);
          const Matrix x = random_matrix(rows, inner, -1, 1, Random(5)),
                       bias = random_matrix(1, columns, -1, 1, Random(6));
          const Matrix none(1, 0);
          for (const ops::Curve curve : {ops::Curve::none, ops::Curve::relu, ops::Curve::sigmoid, ops::Curve::tanh}) {
            CHECK(same_bits(product_of(x, compact, bias, curve), product_with(x, compact.expanded(), bias, curve)));
            CHECK(same_bits(product_of(x, compact, none, curve), product_with(x, compact.expanded(), none, curve)));
          }
        }
}

TEST_CASE("one column of a compact product is summed in order") {
  const Compact compact(random_matrix(57, 1, -1, 1, Random(1)), CompactFormat::int8);
  const Matrix x = random_matrix(30, 57, -1, 1, Random(2)), y = product_of(x, compact, Matrix(1, 0), ops::Curve::none);
  const Matrix expanded = compact.expanded();
  for (Index row = 0; row < x.rows(); ++row) {
    double sum = 0;
    for (Index k = 0; k < 57; ++k) sum += static_cast<double>(x(row, k)) * static_cast<double>(expanded(k, 0));
    CHECK(std::abs(y(row, 0) - sum) <= 57 * 57 * std::numeric_limits<Scalar>::epsilon());
    CHECK(y(row, 0) == product_of(x.row(row), compact, Matrix(1, 0), ops::Curve::none)(0, 0));
  }
}

TEST_CASE("compact products do not depend on threads") {
  const Compact compact(random_matrix(1000, 1500, -1, 1, Random(1)), CompactFormat::int8);
  const Matrix bias = random_matrix(1, 1500, -1, 1, Random(3));
  for (const Index rows : {1, 3, 50}) {
    const Matrix x = random_matrix(rows, 1000, -1, 1, Random(2));
    const int before = threads();
    set_threads(1);
    const Matrix alone = product_of(x, compact, bias, ops::Curve::relu);
    set_threads(3);
    CHECK(same_bits(product_of(x, compact, bias, ops::Curve::relu), alone));
    set_threads(before);
  }
}

TEST_CASE("NaN and infinity go through a compact product") {
  Matrix m = random_matrix(20, 40, -1, 1, Random(1));
  m(3, 5) = std::numeric_limits<Scalar>::quiet_NaN();
  m(4, 6) = std::numeric_limits<Scalar>::infinity();
  for (const CompactFormat format : {CompactFormat::packed, CompactFormat::bfloat16})
    for (const Index rows : {1, 20}) {
      const Matrix y = product_of(Matrix::Ones(rows, 20), Compact(m, format), Matrix(1, 0), ops::Curve::relu);
      CHECK(std::isnan(y(rows - 1, 5)));
      CHECK(std::isinf(y(rows - 1, 6)));
      CHECK(std::isfinite(y(rows - 1, 7)));
    }
}
