#include "maas/ops/product.hpp"

#include <limits>
#include <vector>

#include "maas/core/parallel.hpp"
#include "maas/ops/elementwise.hpp"
#include "maas/testing/numbers.hpp"
#include "support/catch.hpp"

using namespace maas;
using testing::detail::random_matrix;

namespace {

// A product whose operands lie in larger matrices, away from every border, and how a's rows lie in memory.
struct Case {
  Index rows, columns, inner;
  bool turned = false;      // rows of a side by side, as in x^T dy
  bool transposed = false;  // b given by its rows, as in dy W^T
  Index gap = 0;            // numbers between two rows of b
  bool add = false;
};

std::string text(const Case& c) {
  return fmt::format("{} x {} x {}{}{}, gap {}{}", c.rows, c.columns, c.inner, c.turned ? " turned" : "",
                     c.transposed ? " transposed" : "", c.gap, c.add ? ", added" : "");
}

class Product {
 public:
  explicit Product(const Case& c, std::uint64_t seed = 1)
      : case_(c),
        b_stride_((c.transposed ? c.inner : c.columns) + c.gap),
        a_(random_matrix(1, c.rows * c.inner + 1, -1, 1, Random(seed))),
        b_(random_matrix(1, (c.transposed ? c.columns : c.inner) * b_stride_ + 1, -1, 1, Random(seed + 1))),
        before_(random_matrix(1, c.rows * c.columns + 1, -1, 1, Random(seed + 2))) {}

  Scalar& a(Index i, Index k) { return a_(0, 1 + (case_.turned ? k * case_.rows + i : i * case_.inner + k)); }
  Scalar& b(Index k, Index j) { return b_(0, 1 + (case_.transposed ? j * b_stride_ + k : k * b_stride_ + j)); }
  Scalar before(Index i, Index j) const { return case_.add ? before_(0, 1 + i * case_.columns + j) : Scalar(0); }

  /// Rows and columns of the result; of all of it without arguments.
  Matrix run() { return run(0, case_.rows, 0, case_.columns); }
  Matrix run(Index row, Index rows, Index column, Index columns) {
    Matrix c(rows, columns);
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < columns; ++j)
        c(i, j) = case_.add ? before(row + i, column + j) : std::numeric_limits<Scalar>::quiet_NaN();
    if (case_.transposed)
      ops::product_transposed(rows, columns, case_.inner, left(row), &b(0, column), b_stride_, c.data(), columns);
    else
      ops::product(rows, columns, case_.inner, left(row), &b(0, column), b_stride_, c.data(), columns, case_.add);
    return c;
  }

  Matrix run(const ops::Finish& finish) {
    Matrix c(case_.rows, case_.columns);
    ops::finished_product(case_.rows, case_.columns, case_.inner, left(0), &b(0, 0), b_stride_, c.data(), case_.columns,
                          finish);
    return c;
  }

  /// The worst error of `c`, in halves of the last place of one, times the summed length and the sum of sizes: at most
  /// 1 for sums in any order that round each product and each sum.
  double worst_error(const Matrix& c) {
    const double unit = static_cast<double>(std::numeric_limits<Scalar>::epsilon());
    double worst = 0;
    for (Index i = 0; i < case_.rows; ++i)
      for (Index j = 0; j < case_.columns; ++j) {
        long double sum = before(i, j), sizes = std::abs(sum);
        for (Index k = 0; k < case_.inner; ++k) {
          const long double term = static_cast<long double>(a(i, k)) * b(k, j);
          sum += term;
          sizes += std::abs(term);
        }
        const double error = static_cast<double>(std::abs(sum - c(i, j)) / sizes);
        worst = std::max(worst, error / (unit * static_cast<double>(case_.inner + 1)));
      }
    return worst;
  }

 private:
  ops::Strided left(Index row) {
    return case_.turned ? ops::Strided{&a(row, 0), 1, case_.rows} : ops::Strided{&a(row, 0), case_.inner, 1};
  }

  Case case_;
  Index b_stride_;
  Matrix a_, b_, before_;
};

// Equal, or both NaN: whose bits the processor chooses.
bool same_numbers(const Matrix& a, const Matrix& b) {
  for (Index i = 0; i < a.size(); ++i)
    if (!(a.data()[i] == b.data()[i] || (std::isnan(a.data()[i]) && std::isnan(b.data()[i])))) return false;
  return a.size() == b.size();
}

// Sizes on both sides of every border between the ways of computing.
std::vector<Case> cases() {
  std::vector<Case> all;
  const Random random(5);
  std::uint64_t drawn = 0;
  const auto draw = [&](Index most) {
    return 1 + static_cast<Index>(random.uniform(drawn++) * static_cast<double>(most));
  };
  for (int i = 0; i < 60; ++i)
    all.push_back({draw(i % 3 == 0 ? 12 : 300), draw(i % 5 == 0 ? 17 : 300), draw(300), random.uniform(drawn++) < 0.3,
                   random.uniform(drawn++) < 0.3, draw(20) - 1});
  for (Case c :
       {Case{1, 520, 300}, Case{2, 700, 129}, Case{12, 300, 257}, Case{13, 300, 257},
        Case{9, 33, 200, false, false, 600}, Case{40, 130, 150, false, false, 512}, Case{530, 70, 40, true, false, 3},
        Case{600, 65, 130, true, false, 0}, Case{513, 64, 16, true, false, 520}, Case{33, 131, 260, false, true, 7},
        Case{1, 1, 300}, Case{300, 1, 300}, Case{300, 1, 17, true}}) {
    all.push_back(c);
    c.add = !c.transposed;
    if (c.add) all.push_back(c);
  }
  return all;
}

}  // namespace

TEST_CASE("every way of multiplying is within the error of its sums") {
  for (const Case& c : cases()) {
    INFO(text(c));
    Product product(c);
    REQUIRE(product.worst_error(product.run()) <= 1);
  }
}

TEST_CASE("a part of a product has the same bits alone") {
  for (const Case& c : cases()) {
    if (c.columns == 1) continue;  // summed otherwise, by contract
    INFO(text(c));
    Product product(c);
    const Matrix all = product.run();
    for (Index row : {Index{0}, c.rows / 2, c.rows - 1})
      for (Index column : {Index{0}, c.columns / 3}) {
        const Index rows = std::min<Index>(3, c.rows - row), columns = std::min<Index>(21, c.columns - column);
        if (columns < 2) continue;
        REQUIRE(product.run(row, rows, column, columns) == all.block(row, column, rows, columns));
      }
  }
}

TEST_CASE("a bias and a curve along with a product give the bits of sweeps after it") {
  for (const Case& c : cases()) {
    if (c.transposed || c.add) continue;
    INFO(text(c));
    Product product(c);
    product.a(0, 0) = std::numeric_limits<Scalar>::quiet_NaN();
    const Matrix bias = random_matrix(1, c.columns, -1, 1, Random(8));
    Matrix with_bias = product.run();
    ops::add_row(c.rows, c.columns, bias.data(), with_bias.data());
    REQUIRE(same_numbers(product.run({bias.data()}), with_bias));
    for (const ops::Curve curve : {ops::Curve::relu, ops::Curve::sigmoid, ops::Curve::tanh}) {
      Matrix swept = with_bias;
      ops::apply_curve(curve, swept.size(), swept.data(), swept.data());
      REQUIRE(same_numbers(product.run({bias.data(), curve}), swept));
      REQUIRE(std::isnan(swept(0, 0)));
    }
  }
}

TEST_CASE("products have the same bits on one, two, three and eight threads") {
  const int before = threads();
  for (const Case& c : {Case{150, 700, 130}, Case{700, 130, 150, true}, Case{130, 600, 150, false, true},
                        Case{4, 1200, 400}, Case{150, 600, 130, false, false, 512}, Case{1100, 64, 40}}) {
    INFO(text(c));
    Product product(c);
    const Matrix bias = random_matrix(1, c.columns, -1, 1, Random(8));
    const auto finished = [&] { return c.transposed ? product.run() : product.run({bias.data(), ops::Curve::tanh}); };
    set_threads(1);
    const Matrix one = product.run(), one_finished = finished();
    for (int count : {2, 3, 8}) {
      set_threads(count);
      REQUIRE(product.run() == one);
      REQUIRE(finished() == one_finished);
    }
  }
  set_threads(before);
}

TEST_CASE("NaN and infinity reach the sums they belong to, and no others") {
  const Scalar infinity = std::numeric_limits<Scalar>::infinity();
  for (const Case& c : {Case{40, 70, 50}, Case{4, 520, 200}, Case{530, 70, 40, true}, Case{40, 70, 50, false, true},
                        Case{40, 70, 50, false, false, 512}}) {
    INFO(text(c));
    Product product(c);
    product.a(3, 7) = std::numeric_limits<Scalar>::quiet_NaN();
    product.b(5, 9) = infinity;
    for (Index i = 0; i < c.rows; ++i) product.a(i, 5) = Scalar(0.5);
    const Matrix result = product.run();
    for (Index i = 0; i < c.rows; ++i)
      for (Index j = 0; j < c.columns; ++j)
        if (i == 3)
          REQUIRE(std::isnan(result(i, j)));
        else
          REQUIRE((j == 9 ? result(i, j) == infinity : std::isfinite(result(i, j))));
  }
}
