// Products, sweeps and compact products with each of the kernels that this processor has, beside sums in double.
#include "maas/ops/kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "maas/core/error.hpp"
#include "maas/ops/compact.hpp"
#include "maas/ops/elementwise.hpp"
#include "maas/ops/exponential.hpp"
#include "maas/ops/probes.hpp"
#include "maas/ops/product.hpp"
#include "maas/ops/softmax.hpp"
#include "maas/ops/update.hpp"
#include "maas/testing/numbers.hpp"
#include "support/catch.hpp"
#include "support/kernels.hpp"

using namespace maas;
using testing::detail::random_matrix;

namespace {

constexpr double epsilon = std::numeric_limits<Scalar>::epsilon();

using maas_tests::kernels_here;
using Restore = maas_tests::RestoreKernels;

// The largest error of a sum of products, in units of the last place of the sum of their sizes.
double bound(Index inner) { return static_cast<double>(inner + 2) * epsilon; }

}  // namespace

TEST_CASE("kernels can be forced, and say which they are") {
  const Restore restore;
  const std::string best = ops::vectors_in_use();
  const auto here = kernels_here();
  REQUIRE(!here.empty());
  CHECK(here.front().second == "Eigen");
#if defined(__x86_64__)
  if (best != "Eigen") {
    REQUIRE(here.size() >= 2);
    CHECK(here[1].second == "SSE4");
    if (here.size() >= 3) CHECK(here[2].second == "AVX2");
  }
#endif
  ops::use_kernels(ops::Kernels::automatic);
  CHECK(ops::vectors_in_use() == best);
}

TEST_CASE("every kernel multiplies right at random shapes, in unaligned rows") {
  const Restore restore;
  const Random random(11);
  for (const auto& [which, name] : kernels_here()) {
    ops::use_kernels(which);
    for (std::uint64_t i = 0; i < 24; ++i) {
      const auto size = [&](std::uint64_t k, double most) {
        return 1 + static_cast<Index>(random.uniform(3 * i + k) * most);
      };
      // Every third is large enough for blocks.
      const Index rows = size(0, i % 3 == 0 ? 300 : 40), columns = size(1, 300), inner = size(2, 300);
      const Index a_stride = inner + 1, b_stride = columns + (i % 3 == 0 ? 600 : 3);
      const Matrix a = random_matrix(rows, a_stride, -1, 1, Random(i)),
                   b = random_matrix(inner, b_stride, -1, 1, Random(i + 99));
      const Matrix bias = random_matrix(1, columns + 1, -1, 1, Random(i + 7));
      INFO(name << ": " << rows << " x " << columns << " x " << inner);
      Matrix c(rows, columns), turned(rows, columns), transposed(rows, columns);
      ops::finished_product(rows, columns, inner, {a.data() + 1, a_stride, 1}, b.data() + 1, b_stride, c.data(),
                            columns, {bias.data() + 1, ops::Curve::relu});
      const Matrix left = a.rightCols(inner).transpose(), right = b.middleCols(1, columns).transpose();
      ops::product(rows, columns, inner, {left.data(), 1, rows}, b.data() + 1, b_stride, turned.data(), columns);
      ops::product_transposed(rows, columns, inner, {a.data() + 1, a_stride, 1}, right.data(), inner, transposed.data(),
                              columns);
      double worst = 0;
      // Some of them, spread over all rows and columns.
      for (Index at = 0; at < rows * columns; at += 1 + rows * columns / 1500) {
        const Index row = at / columns, column = at % columns;
        double sum = 0, sizes = 0;
        for (Index k = 0; k < inner; ++k) {
          const double term = static_cast<double>(a(row, 1 + k)) * static_cast<double>(b(k, 1 + column));
          sum += term;
          sizes += std::abs(term);
        }
        const double shift = static_cast<double>(bias(0, 1 + column));
        worst = std::max(worst, std::abs(static_cast<double>(turned(row, column)) - sum) / sizes);
        worst = std::max(worst, std::abs(static_cast<double>(transposed(row, column)) - sum) / sizes);
        worst = std::max(worst, std::abs(static_cast<double>(c(row, column)) - std::max(0.0, sum + shift)) /
                                    (sizes + std::abs(shift)));
      }
      CHECK(worst <= bound(inner));
    }
  }
}

namespace {

// An activation, the sweep that multiplies by its slope at the output y, and both for one number in double.
struct ActivationCase {
  const char* name;
  ops::Curve curve;
  void (*forward)(Index count, const Scalar* x, Scalar* y);
  void (*gradient)(Index count, const Scalar* y, Scalar* gradient);
  double (*value)(double x);
  double (*slope)(double y);
  double least, most;  // outputs
};

const ActivationCase activations[] = {
    {"relu", ops::Curve::relu, ops::relu, ops::relu_gradient, [](double x) { return x < 0 ? 0 : x; },
     [](double y) { return y > 0 ? 1.0 : 0.0; }, -1, 1},
    {"sigmoid", ops::Curve::sigmoid, ops::sigmoid, ops::sigmoid_gradient,
     [](double x) { return 1 / (1 + std::exp(-x)); }, [](double y) { return y * (1 - y); }, 0, 1},
    {"tanh", ops::Curve::tanh, ops::tanh, ops::tanh_gradient, [](double x) { return std::tanh(x); },
     [](double y) { return 1 - y * y; }, -1, 1},
};

constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();

// Where numbers are tried that are none: in the first vector, in a later one and behind all of them, whatever their
// width.
constexpr Index few = 37, places[] = {0, 20, 36};

// Equal to what double gives but for `error`; the same infinity, or NaN, where that is none.
bool is_close(Scalar found, double expected, double error) {
  const double value = static_cast<double>(found);
  return std::isfinite(expected) ? std::abs(value - expected) <= error
                                 : value == expected || (std::isnan(value) && std::isnan(expected));
}

// Whether two rows have the same bits everywhere but in one place.
bool are_equal_but(Index place, const Matrix& a, Matrix b) {
  b(0, place) = a(0, place);
  return std::equal(a.data(), a.data() + a.size(), b.data(),
                    [](Scalar x, Scalar y) { return x == y && std::signbit(x) == std::signbit(y); });
}

}  // namespace

TEST_CASE("every kernel's activations and their slopes are right, and the same bits") {
  const Restore restore;
  const Index count = 1037;
  const Matrix x = random_matrix(1, count + 1, -9, 9, Random(3)), g = random_matrix(1, count + 1, -1, 1, Random(4));
  for (const ActivationCase& c : activations) {
    const Matrix outputs =
        random_matrix(1, count + 1, static_cast<Scalar>(c.least), static_cast<Scalar>(c.most), Random(5));
    std::vector<Matrix> earlier;
    for (const auto& [which, name] : kernels_here()) {
      ops::use_kernels(which);
      INFO(c.name << ", " << name);
      Matrix y(1, count), there = x, gradient = g;
      c.forward(count, x.data() + 1, y.data());
      c.forward(count, there.data() + 1, there.data() + 1);
      c.gradient(count, outputs.data() + 1, gradient.data() + 1);
      double worst = 0, worst_slope = 0;
      for (Index i = 0; i < count; ++i) {
        const auto at = [i](const Matrix& m) { return static_cast<double>(m(0, i + 1)); };
        worst = std::max(worst, std::abs(static_cast<double>(y(0, i)) - c.value(at(x))));
        worst_slope = std::max(worst_slope, std::abs(at(gradient) - at(g) * c.slope(at(outputs))));
      }
      CHECK((y.allFinite() && gradient.allFinite()));
      CHECK(worst <= 3 * epsilon);
      CHECK(worst_slope <= 2 * epsilon);
      CHECK(there.rightCols(count) == y);
      CHECK((there(0, 0) == x(0, 0) && gradient(0, 0) == g(0, 0)));
      if (name != "AVX2" && name != "AVX3") continue;
      if (!earlier.empty()) CHECK((y == earlier[0] && gradient == earlier[1]));
      earlier = {y, gradient};
    }
  }
}

TEST_CASE("every kernel's activations take NaN and infinities where they stand, and nowhere else") {
  const Restore restore;
  const Matrix x = random_matrix(1, few, -9, 9, Random(3));
  for (const ActivationCase& c : activations)
    for (const auto& [which, name] : kernels_here())
      for (const Index place : places)
        for (const Scalar odd : {testing::detail::not_a_number, infinity, -infinity}) {
          INFO(c.name << ", " << name << ": " << odd << " at " << place);
          ops::use_kernels(which);
          Matrix with = x, without = x;
          with(0, place) = odd;
          c.forward(few, with.data(), with.data());
          c.forward(few, without.data(), without.data());
          const double error = name == "Eigen" ? 3 * epsilon : 0;  // which stops at exp(-88), and short of tanh's 1
          CHECK(is_close(with(0, place), c.value(static_cast<double>(odd)), error));
          CHECK(are_equal_but(place, without, with));
        }
}

TEST_CASE("every kernel's slopes take NaN and infinities where they stand, and nowhere else") {
  const Restore restore;
  const Matrix g = random_matrix(1, few, Scalar(0.5), 1, Random(4));
  for (const ActivationCase& c : activations) {
    const Matrix y = random_matrix(1, few, static_cast<Scalar>(c.least), static_cast<Scalar>(c.most), Random(5));
    for (const auto& [which, name] : kernels_here())
      for (const Index place : places)
        for (const Scalar odd : {testing::detail::not_a_number, infinity, -infinity}) {
          INFO(c.name << ", " << name << ": " << odd << " at " << place);
          ops::use_kernels(which);
          Matrix outputs = y, without = g, odd_gradient = g, odd_output = g;
          c.gradient(few, outputs.data(), without.data());
          odd_gradient(0, place) = odd;
          c.gradient(few, outputs.data(), odd_gradient.data());
          CHECK(is_close(odd_gradient(0, place), static_cast<double>(odd) * c.slope(static_cast<double>(y(0, place))),
                         0));
          CHECK(are_equal_but(place, without, odd_gradient));
          outputs(0, place) = odd;
          c.gradient(few, outputs.data(), odd_output.data());
          CHECK(
              is_close(odd_output(0, place), static_cast<double>(g(0, place)) * c.slope(static_cast<double>(odd)), 0));
          CHECK(are_equal_but(place, without, odd_output));
        }
  }
}

TEST_CASE("every kernel adds rows and sums them right, and takes NaN where it stands") {
  const Restore restore;
  for (const Index columns : {1, 3, 16, 37, 300}) {
    const Matrix y = random_matrix(7, columns, -1, 1, Random(1)), row = random_matrix(1, columns, -1, 1, Random(2));
    for (const auto& [which, name] : kernels_here()) {
      INFO(name << ", " << columns << " columns");
      ops::use_kernels(which);
      Matrix sums(1, columns), added = y;
      ops::sum_rows(7, columns, y.data(), sums.data());
      ops::add_row(7, columns, row.data(), added.data());
      CHECK((sums.cast<double>() - y.cast<double>().colwise().sum()).cwiseAbs().maxCoeff() <= 7 * bound(7));
      CHECK(added == Matrix(y.rowwise() + row.row(0)));
      for (const Index place : {Index{0}, columns / 2, columns - 1})
        for (const Scalar odd : {testing::detail::not_a_number, infinity, -infinity}) {
          Matrix with = y, odd_sums(1, columns);
          with(3, place) = odd;
          ops::sum_rows(7, columns, with.data(), odd_sums.data());
          CHECK(is_close(odd_sums(0, place), static_cast<double>(odd), 0));
          CHECK(are_equal_but(place, sums, odd_sums));
        }
    }
  }
}

namespace {

// A product whose matrices lie in wider ones: what stands beside the result is to stay.
struct Finished {
  Index rows, columns, inner, gap;
  Matrix a = random_matrix(rows, inner + gap, -1, 1, Random(1));
  Matrix b = random_matrix(inner, columns + gap, -1, 1, Random(2));
  Matrix bias = random_matrix(1, columns, -1, 1, Random(3));

  Matrix run(const ops::Finish& finish) const {
    Matrix c = Matrix::Constant(rows, columns + gap, 7);
    ops::finished_product(rows, columns, inner, {a.data(), inner + gap, 1}, b.data(), columns + gap, c.data(),
                          columns + gap, finish);
    CHECK((gap == 0 || (c.rightCols(gap).array() == Scalar(7)).all()));
    return c.leftCols(columns);
  }
};

// Sizes on both sides of the borders between the ways of computing: one row, two, several tiles of them; columns that
// fill their vectors and such that do not; sums in one piece and in several.
std::vector<Finished> finished_products() {
  std::vector<Finished> all;
  for (const auto& [rows, columns, inner] : {std::tuple<Index, Index, Index>{1, 1, 3},
                                             {9, 1, 40},
                                             {1, 5, 7},
                                             {1, 300, 100},
                                             {2, 131, 20},
                                             {3, 5, 1},
                                             {7, 47, 33},
                                             {8, 17, 50},
                                             {13, 64, 12},
                                             {40, 75, 129},
                                             {97, 300, 28},
                                             {5, 700, 130},
                                             {200, 70, 260}})
    for (const Index gap : {0, 3, 512}) all.push_back({rows, columns, inner, gap});
  return all;
}

bool are_equal(const Matrix& a, const Matrix& b) {
  return a.size() == b.size() && std::equal(a.data(), a.data() + a.size(), b.data(), [](Scalar x, Scalar y) {
           return (x == y && std::signbit(x) == std::signbit(y)) || (std::isnan(x) && std::isnan(y));
         });
}

}  // namespace

TEST_CASE("every kernel ends products with a curve right, and beside nothing else, with the bits of a sweep") {
  const Restore restore;
  for (const Finished& p : finished_products()) {
    std::vector<Matrix> earlier;
    for (const auto& [which, name] : kernels_here()) {
      ops::use_kernels(which);
      std::vector<Matrix> bits;
      Matrix sums = p.run({});
      for (Index row = 0; row < p.rows; ++row) ops::add_row(1, p.columns, p.bias.data(), &sums(row, 0));
      CHECK(are_equal(p.run({p.bias.data()}), sums));
      for (const ActivationCase& c : activations) {
        INFO(name << ", " << c.name << ": " << p.rows << " x " << p.columns << " x " << p.inner << ", gap " << p.gap);
        const Matrix found = p.run({p.bias.data(), c.curve}), unshifted = p.run({nullptr, c.curve});
        Matrix swept = sums;
        c.forward(swept.size(), swept.data(), swept.data());
        CHECK(are_equal(found, swept));
        double worst = 0, worst_unshifted = 0;  // in parts of what the sum and the curve may err: no slope is above 1
        for (Index row = 0; row < p.rows; ++row)
          for (Index column = 0; column < p.columns; ++column) {
            double sum = 0, sizes = 0;
            for (Index k = 0; k < p.inner; ++k) {
              const double term = static_cast<double>(p.a(row, k)) * static_cast<double>(p.b(k, column));
              sum += term;
              sizes += std::abs(term);
            }
            const double shift = static_cast<double>(p.bias(0, column));
            const auto error_of = [&](const Matrix& m, double x, double size) {
              return std::abs(static_cast<double>(m(row, column)) - c.value(x)) / (bound(p.inner) * size + 3 * epsilon);
            };
            worst = std::max(worst, error_of(found, sum + shift, sizes + std::abs(shift)));
            worst_unshifted = std::max(worst_unshifted, error_of(unshifted, sum, sizes));
          }
        CHECK(worst <= 1);
        CHECK(worst_unshifted <= 1);
        bits.push_back(found);
      }
      if (name != "AVX2" && name != "AVX3") continue;
      for (std::size_t i = 0; i < earlier.size(); ++i) CHECK(are_equal(bits[i], earlier[i]));
      earlier = bits;
    }
  }
}

TEST_CASE("every kernel's curve behind a product takes NaN and infinities where they stand, and nowhere else") {
  const Restore restore;
  for (const auto& [which, name] : kernels_here()) {
    ops::use_kernels(which);
    for (const ActivationCase& c : activations)
      for (const auto& [rows, columns, inner] :
           {std::tuple<Index, Index, Index>{1, 37, 20}, {8, 45, 40}, {9, 1, 40}, {13, 70, 5}, {40, 75, 300}})
        for (const Scalar odd : {testing::detail::not_a_number, infinity, -infinity})
          for (const Index column : {Index{0}, columns / 2, columns - 1}) {
            INFO(name << ", " << c.name << ": " << odd << " in column " << column << " of " << columns);
            Finished p{rows, columns, inner, 3};
            const Matrix without = p.run({p.bias.data(), c.curve});
            p.bias(0, column) = odd;
            const Matrix with = p.run({p.bias.data(), c.curve});
            const double error = name == "Eigen" ? 3 * epsilon : 0;  // as above
            for (Index row = 0; row < rows; ++row) {
              CHECK(is_close(with(row, column), c.value(static_cast<double>(odd)), error));
              CHECK(are_equal_but(column, without.row(row), with.row(row)));
            }
          }
  }
}

TEST_CASE("every kernel's slopes along with the sums of rows are right, with the bits of two sweeps") {
  const Restore restore;
  for (const Index columns : {1, 3, 16, 37, 64, 100, 300})
    for (const Index rows : {1, 7, 50}) {
      const Matrix g = random_matrix(rows, columns, -1, 1, Random(4));
      for (const ActivationCase& c : activations) {
        const Matrix y = random_matrix(rows, columns, c.least, c.most, Random(5));
        std::vector<Matrix> earlier;
        for (const auto& [which, name] : kernels_here()) {
          INFO(name << ", " << c.name << ": " << rows << " x " << columns);
          ops::use_kernels(which);
          Matrix gradient = g, sums = Matrix::Constant(1, columns, testing::detail::not_a_number), swept = g;
          ops::slope_and_sum_rows(c.curve, rows, columns, y.data(), gradient.data(), sums.data());
          c.gradient(swept.size(), y.data(), swept.data());
          CHECK(are_equal(gradient, swept));
          Matrix in_order = Matrix::Zero(1, columns);
          for (Index row = 0; row < rows; ++row) in_order += swept.row(row);
          CHECK(are_equal(sums, in_order));
          double worst = 0;  // in units of the last place of the sum of all sizes
          for (Index column = 0; column < columns; ++column) {
            double sum = 0, sizes = 0;
            for (Index row = 0; row < rows; ++row) {
              const double slope = c.slope(static_cast<double>(y(row, column)));
              sum += static_cast<double>(g(row, column)) * slope;
              sizes += std::abs(static_cast<double>(g(row, column)));
            }
            worst = std::max(worst, std::abs(static_cast<double>(sums(0, column)) - sum) / sizes);
          }
          CHECK(worst <= bound(rows));
          if (name != "AVX2" && name != "AVX3") continue;
          if (!earlier.empty()) CHECK((are_equal(gradient, earlier[0]) && are_equal(sums, earlier[1])));
          earlier = {gradient, sums};
        }
      }
    }
}

TEST_CASE("every kernel's slopes along with sums take NaN and infinities where they stand, and nowhere else") {
  const Restore restore;
  const Matrix g = random_matrix(7, few, Scalar(0.5), 1, Random(4));
  for (const ActivationCase& c : activations) {
    const Matrix y = random_matrix(7, few, Scalar(0.25), Scalar(0.5), Random(5));
    for (const auto& [which, name] : kernels_here())
      for (const Index place : places)
        for (const Scalar odd : {testing::detail::not_a_number, infinity, -infinity}) {
          INFO(c.name << ", " << name << ": " << odd << " at " << place);
          ops::use_kernels(which);
          Matrix without = g, with = g, sums(1, few), odd_sums(1, few);
          ops::slope_and_sum_rows(c.curve, 7, few, y.data(), without.data(), sums.data());
          with(3, place) = odd;
          ops::slope_and_sum_rows(c.curve, 7, few, y.data(), with.data(), odd_sums.data());
          CHECK(is_close(with(3, place), static_cast<double>(odd), 0));
          CHECK(is_close(odd_sums(0, place), static_cast<double>(odd), 0));
          CHECK(are_equal_but(3 * few + place, without.reshaped<Eigen::RowMajor>(1, 7 * few),
                              with.reshaped<Eigen::RowMajor>(1, 7 * few)));
          CHECK(are_equal_but(place, sums, odd_sums));
        }
  }
}

TEST_CASE("what is activated where it stands has the bits that the kernels give where both round alike") {
  const Restore restore;
  const auto here = kernels_here();
  if (here.size() < 2) {
    WARN("skipped: there are no kernels here but Eigen's");
    return;
  }
  if (!ops::fuses) ops::use_kernels(here[1].first);  // these round twice, too
  if (ops::fuses == (std::string_view(ops::vectors_in_use()) == "SSE4")) {
    WARN("skipped: these kernels round otherwise than this file");
    return;
  }
  std::vector<Scalar> x;
  for (Scalar size = Scalar(1e-44); size < Scalar(1e4); size += std::max(size / 3000, Scalar(1e-44)))
    x.insert(x.end(), {size, -size});
  x.insert(x.end(), {0, Scalar(-0.0), infinity, -infinity, std::numeric_limits<Scalar>::quiet_NaN()});
  const Index count = static_cast<Index>(x.size());
  std::vector<Scalar> sigmoids(x.size()), tanhs(x.size());
  ops::sigmoid(count, x.data(), sigmoids.data());
  ops::tanh(count, x.data(), tanhs.data());
  const auto same = [](Scalar a, Scalar b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  Index differ = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    differ += same(ops::sigmoid_of(x[i]), sigmoids[i]) && same(ops::tanh_of(x[i]), tanhs[i]) ? 0 : 1;
  }
  CHECK(differ == 0);
}

TEST_CASE("every kernel multiplies right where columns are few, and a row as it does alone") {
  const Restore restore;
  Matrix earlier;
  for (const auto& [which, name] : kernels_here()) {
    ops::use_kernels(which);
    std::vector<Scalar> all;
    for (const Index columns : {2, 3, 10, 15, 17, 29})
      for (const auto& [rows, inner] : {std::pair<Index, Index>{8, 33}, {97, 130}, {64, 9}, {530, 16}, {700, 600}}) {
        if (rows * columns * inner > 5000000) continue;
        INFO(name << ": " << rows << " x " << columns << " x " << inner);
        const Matrix a = random_matrix(rows, inner, -1, 1, Random(5)),
                     b = random_matrix(inner, columns, -1, 1, Random(6));
        const Matrix bias = random_matrix(1, columns, -1, 1, Random(7));
        const Matrix a_turned = a.transpose(), b_turned = b.transpose();
        Matrix plain(rows, columns), turned(rows, columns), transposed(rows, columns), finished(rows, columns);
        Matrix twice = Matrix::Constant(rows, columns, 2);
        ops::product(rows, columns, inner, {a.data(), inner, 1}, b.data(), columns, plain.data(), columns);
        ops::product(rows, columns, inner, {a_turned.data(), 1, rows}, b.data(), columns, turned.data(), columns);
        ops::product_transposed(rows, columns, inner, {a.data(), inner, 1}, b_turned.data(), inner, transposed.data(),
                                columns);
        ops::product(rows, columns, inner, {a.data(), inner, 1}, b.data(), columns, twice.data(), columns, true);
        ops::finished_product(rows, columns, inner, {a.data(), inner, 1}, b.data(), columns, finished.data(), columns,
                              {bias.data(), ops::Curve::relu});
        Matrix without_gaps(rows, columns);
        ops::finished_product(rows, columns, inner, a.data(), b.data(), without_gaps.data(),
                              {bias.data(), ops::Curve::relu});
        CHECK(without_gaps == finished);
        const Matrix expected = (a.cast<double>() * b.cast<double>()).cast<Scalar>();
        CHECK((plain - expected).cwiseAbs().maxCoeff() <= bound(inner) * static_cast<double>(inner));
        CHECK((twice.array() - Scalar(2) - expected.array()).abs().maxCoeff() <=
              bound(inner) * static_cast<double>(inner + 2));
        CHECK(turned == plain);
        CHECK(transposed == plain);
        const Matrix shifted = (plain.rowwise() + bias.row(0)).cwiseMax(Scalar(0));
        CHECK(finished == shifted);
        for (const Index row : {Index{0}, rows / 2, rows - 1}) {
          Matrix alone(1, columns);
          ops::product(1, columns, inner, {a.data() + row * inner, inner, 1}, b.data(), columns, alone.data(), columns);
          CHECK(alone == plain.row(row));
        }
        all.insert(all.end(), plain.data(), plain.data() + plain.size());
      }
    const Matrix bits = ConstMatrixView(all.data(), 1, static_cast<Index>(all.size()));
    if (name != "AVX2" && name != "AVX3") continue;
    if (earlier.size() > 0) CHECK(bits == earlier);
    earlier = bits;
  }
}

TEST_CASE("every kernel sums a single column right, whatever is left behind its vectors") {
  const Restore restore;
  std::vector<Scalar> earlier;
  for (const auto& [which, name] : kernels_here()) {
    ops::use_kernels(which);
    std::vector<Scalar> all;
    for (Index inner = 1; inner <= 70; ++inner) {
      INFO(name << ": " << inner);
      // In blocks of their own: a read behind their end is one behind their memory.
      const std::unique_ptr<Scalar[]> a(new Scalar[static_cast<std::size_t>(3 * inner)]),
          b(new Scalar[static_cast<std::size_t>(inner)]);
      const Matrix from = random_matrix(4, inner, -1, 1, Random(static_cast<std::uint64_t>(inner)));
      std::copy_n(from.data(), 3 * inner, a.get());
      std::copy_n(from.data() + 3 * inner, inner, b.get());
      Scalar y[3];
      ops::finished_product(3, 1, inner, a.get(), b.get(), y, {});
      for (Index row = 0; row < 3; ++row) {
        double sum = 0;
        for (Index k = 0; k < inner; ++k) sum += static_cast<double>(from(row, k)) * static_cast<double>(from(3, k));
        CHECK(std::abs(static_cast<double>(y[row]) - sum) <= bound(inner) * static_cast<double>(inner));
      }
      all.insert(all.end(), y, y + 3);
    }
    if (name != "AVX2" && name != "AVX3") continue;
    if (!earlier.empty()) CHECK(all == earlier);
    earlier = all;
  }
}

TEST_CASE("a result larger than the caches, which is written past them, has the bits of its parts") {
  const Restore restore;
  constexpr Index columns = 4096 + 64, inner = 17, line = 64 / static_cast<Index>(sizeof(Scalar));
  const Index rows = (Index{33} << 20) / static_cast<Index>(sizeof(Scalar)) / columns;
  const Matrix a = random_matrix(inner, rows, -1, 1, Random(5)), b = random_matrix(inner, columns, -1, 1, Random(6));
  for (const auto& [which, name] : kernels_here()) {
    CAPTURE(name);
    ops::use_kernels(which);
    std::vector<Scalar> memory(static_cast<std::size_t>(rows * columns + 2 * line), Scalar(7));
    Scalar* c = memory.data();
    while (reinterpret_cast<std::uintptr_t>(c) % 64 != 0) ++c;
    ops::product(rows, columns, inner, {a.data(), 1, rows}, b.data(), columns, c, columns);
    CHECK(memory.back() == 7);
    Index differences = 0;
    for (Index column = 0; column < columns; column += 148) {
      const Index width = std::min<Index>(148, columns - column);
      Matrix part(rows, width);
      ops::product(rows, width, inner, {a.data(), 1, rows}, b.data() + column, columns, part.data(), width);
      for (Index row = 0; row < rows; ++row)
        for (Index i = 0; i < width; ++i) differences += c[row * columns + column + i] != part(row, i);
    }
    CHECK(differences == 0);
    const Matrix row = (a.col(3).transpose().cast<double>() * b.cast<double>()).cast<Scalar>();
    CHECK((ConstMatrixView(c + 3 * columns, 1, columns) - row).cwiseAbs().maxCoeff() <=
          bound(inner) * static_cast<double>(inner));
  }
}

namespace {

// Where a sweep works: buffers that all kernels find alike, w and g first.
struct Buffers {
  Matrix w, g, first, second, third;
  explicit Buffers(Index count)
      : w(random_matrix(1, count, -1, 1, Random(1))),
        g(random_matrix(1, count, -1, 1, Random(2))),
        first(random_matrix(1, count, Scalar(0.5), 2, Random(3))),
        second(random_matrix(1, count, Scalar(0.1), 1, Random(4))),
        third(random_matrix(1, count, Scalar(0.1), 1, Random(5))) {
    g(0, 3) = 0;
  }
};

// A sweep, and the same for one number in double: w, g and three slots, of which it changes all but g.
struct SweepCase {
  const char* name;
  void (*sweep)(Index count, Buffers& b);
  void (*one)(double& w, double g, double& first, double& second, double& third);
};

constexpr double rate = 0.0625, keep = 0.875, rest = 0.125, small = 0.0078125;  // exact in every precision
constexpr Scalar rate_ = Scalar(rate), keep_ = Scalar(keep), rest_ = Scalar(rest), small_ = Scalar(small);

const SweepCase sweeps[] = {
    {"adam",
     [](Index n, Buffers& b) {
       ops::adam(n, {b.w.data(), b.g.data(), b.first.data(), b.second.data(), nullptr, rate_, rest_, rest_, small_});
     },
     [](double& w, double g, double& m, double& v, double&) {
       m += (g - m) * rest;
       v += (g * g - v) * rest;
       w -= rate * m / (std::sqrt(v) + small);
     }},
    {"adam with the largest mean square",
     [](Index n, Buffers& b) {
       ops::adam(
           n, {b.w.data(), b.g.data(), b.first.data(), b.second.data(), b.third.data(), rate_, rest_, rest_, small_});
     },
     [](double& w, double g, double& m, double& v, double& largest) {
       m += (g - m) * rest;
       v += (g * g - v) * rest;
       largest = std::max(largest, v);
       w -= rate * m / (std::sqrt(largest) + small);
     }},
    {"sgd",
     [](Index n, Buffers& b) {
       ops::sgd(n, {b.w.data(), b.g.data(), nullptr, rate_, 0, false});
     },
     [](double& w, double g, double&, double&, double&) { w -= rate * g; }},
    {"sgd with momentum",
     [](Index n, Buffers& b) {
       ops::sgd(n, {b.w.data(), b.g.data(), b.first.data(), rate_, keep_, false});
     },
     [](double& w, double g, double& m, double&, double&) {
       m = keep * m - rate * g;
       w += m;
     }},
    {"sgd with nesterov",
     [](Index n, Buffers& b) {
       ops::sgd(n, {b.w.data(), b.g.data(), b.first.data(), rate_, keep_, true});
     },
     [](double& w, double g, double& m, double&, double&) {
       m = keep * m - rate * g;
       w += keep * m - rate * g;
     }},
    {"rmsprop",
     [](Index n, Buffers& b) {
       ops::rmsprop(n, {b.w.data(), b.g.data(), b.first.data(), nullptr, nullptr, rate_, keep_, rest_, small_, 0});
     },
     [](double& w, double g, double& v, double&, double&) {
       v = keep * v + rest * g * g;
       w -= rate * g / std::sqrt(v + small);
     }},
    {"rmsprop with momentum",
     [](Index n, Buffers& b) {
       ops::rmsprop(
           n, {b.w.data(), b.g.data(), b.first.data(), nullptr, b.second.data(), rate_, keep_, rest_, small_, keep_});
     },
     [](double& w, double g, double& v, double& m, double&) {
       v = keep * v + rest * g * g;
       m = keep * m + rate * g / std::sqrt(v + small);
       w -= m;
     }},
    {"rmsprop, centred",
     [](Index n, Buffers& b) {
       b.second *= Scalar(0.25);  // a mean is no longer than the root of the mean square
       ops::rmsprop(n,
                    {b.w.data(), b.g.data(), b.first.data(), b.second.data(), nullptr, rate_, keep_, rest_, small_, 0});
     },
     [](double& w, double g, double& v, double& a, double&) {
       v = keep * v + rest * g * g;
       a = keep * (a * 0.25) + rest * g;
       w -= rate * g / std::sqrt(v - a * a + small);
     }},
    {"adamax",
     [](Index n, Buffers& b) {
       ops::adamax(n, {b.w.data(), b.g.data(), b.first.data(), b.second.data(), rate_, rest_, keep_, small_});
     },
     [](double& w, double g, double& m, double& u, double&) {
       m += (g - m) * rest;
       u = std::max(keep * u, std::abs(g));
       w -= rate * m / (u + small);
     }},
    {"nadam",
     [](Index n, Buffers& b) {
       ops::nadam(n, {b.w.data(), b.g.data(), b.first.data(), b.second.data(), rate_, rest_, rest_, keep_, rest_,
                      Scalar(0.5), small_});
     },
     [](double& w, double g, double& m, double& v, double&) {
       m += (g - m) * rest;
       v += (g * g - v) * rest;
       w -= rate * (keep * m + rest * g) / (std::sqrt(v / 0.5) + small);
     }},
    {"adagrad",
     [](Index n, Buffers& b) {
       ops::adagrad(n, {b.w.data(), b.g.data(), b.first.data(), rate_, small_});
     },
     [](double& w, double g, double& a, double&, double&) {
       a += g * g;
       w -= rate * g / std::sqrt(a + small);
     }},
    {"adadelta",
     [](Index n, Buffers& b) {
       ops::adadelta(n, {b.w.data(), b.g.data(), b.first.data(), b.second.data(), rate_, keep_, rest_, small_});
     },
     [](double& w, double g, double& a, double& d, double&) {
       a = keep * a + rest * g * g;
       const double step = std::sqrt(d + small) / std::sqrt(a + small) * g;
       w -= rate * step;
       d = keep * d + rest * step * step;
     }},
    {"lion",
     [](Index n, Buffers& b) {
       b.first(0, 3) = 0;  // with its gradient of 0: no way to go
       ops::lion(n, {b.w.data(), b.g.data(), b.first.data(), rate_, rest_, keep_, keep_, rest_});
     },
     [](double& w, double g, double& m, double&, double&) {
       if (g == 0) m = 0;
       const double way = rest * m + keep * g;
       w -= way > 0 ? rate : way < 0 ? -rate : way;
       m = keep * m + rest * g;
     }},
    {"ftrl",
     [](Index n, Buffers& b) {
       ops::ftrl(n, {b.w.data(), b.g.data(), b.first.data(), b.second.data(), keep_, rest_, rest_, small_});
     },
     [](double& w, double g, double& n, double& z, double&) {
       const double after = n + g * g;
       z += g + small * w - (std::sqrt(after) - std::sqrt(n)) / keep * w;
       w = (std::clamp(z, -rest, rest) - z) / (std::sqrt(after) / keep + 2 * rest);
       n = after;
     }},
    {"lamb",
     [](Index n, Buffers& b) {
       ops::for_each_run(n, [&](Index first, Index count) {
         const ops::LambSweep sweep{.w = b.w.data() + first,
                                    .g = b.g.data() + first,
                                    .m = b.first.data() + first,
                                    .v = b.second.data() + first,
                                    .rest_1 = rest_,
                                    .rest_2 = rest_,
                                    .scale_1 = 2,
                                    .scale_2 = Scalar(0.5),
                                    .epsilon = small_};
         ops::lamb_moments(count, sweep);
         ops::lamb_step(count, sweep, rate_);
       });
     },
     [](double& w, double g, double& m, double& v, double&) {
       m += (g - m) * rest;
       v += (g * g - v) * rest;
       w -= rate * (2 * m / (std::sqrt(0.5 * v) + small));
     }},
    {"adafactor's numbers",
     [](Index n, Buffers& b) {
       ops::adafactor_numbers(n, {b.g.data(), b.first.data(), keep_, rest_, small_});
       ops::adafactor_step({1, n, b.g.data(), nullptr, b.first.data(), 1}, rate_, b.w.data(), nullptr);
     },
     [](double& w, double g, double& v, double&, double&) {
       v = keep * v + rest * (g * g + small);
       w -= rate * g / std::sqrt(v);
     }},
};

}  // namespace

TEST_CASE("every kernel's steps of optimizers are right, and the same bits") {
  const Restore restore;
  const Index count = 1037;
  for (const SweepCase& c : sweeps) {
    Matrix earlier;
    for (const auto& [which, name] : kernels_here()) {
      INFO(c.name << ", " << name);
      ops::use_kernels(which);
      const Buffers before(count);
      Buffers after(count);
      c.sweep(count, after);
      double worst = 0;
      for (Index i = 0; i < count; ++i) {
        const auto at = [i](const Matrix& m) { return static_cast<double>(m(0, i)); };
        double w = at(before.w), first = at(before.first), second = at(before.second), third = at(before.third);
        c.one(w, at(before.g), first, second, third);
        worst = std::max({worst, std::abs(at(after.w) - w), std::abs(at(after.first) - first)});
        if (after.second != before.second) worst = std::max(worst, std::abs(at(after.second) - second));
        if (after.third != before.third) worst = std::max(worst, std::abs(at(after.third) - third));
      }
      CHECK((after.w.allFinite() && after.first.allFinite() && after.second.allFinite() && after.third.allFinite()));
      CHECK(worst <= 8 * epsilon);
      CHECK(after.g == before.g);
      if (name != "AVX2" && name != "AVX3") continue;
      if (earlier.size() > 0) CHECK(after.w == earlier);
      earlier = after.w;
    }
  }
}

TEST_CASE("every kernel's steps of optimizers take NaN and infinities where they stand, and nowhere else") {
  const Restore restore;
  for (const SweepCase& c : sweeps)
    for (const auto& [which, name] : kernels_here())
      for (const Index place : places)
        for (const Scalar odd : {testing::detail::not_a_number, infinity, -infinity}) {
          INFO(c.name << ", " << name << ": " << odd << " at " << place);
          ops::use_kernels(which);
          const Buffers before(few);
          Buffers with(few), without(few);
          with.g(0, place) = odd;
          c.sweep(few, with);
          c.sweep(few, without);
          const auto at = [place](const Matrix& m) { return static_cast<double>(m(0, place)); };
          double w = at(before.w), first = at(before.first), second = at(before.second), third = at(before.third);
          c.one(w, static_cast<double>(odd), first, second, third);
          CHECK(is_close(with.w(0, place), w, 8 * epsilon));
          CHECK(is_close(with.first(0, place), first, 8 * epsilon));
          CHECK(are_equal_but(place, without.w, with.w));
          CHECK(are_equal_but(place, without.first, with.first));
        }
}

TEST_CASE("every kernel's sums of squares are right, whatever is left behind its vectors, and the same bits") {
  const Restore restore;
  std::vector<double> earlier;
  for (const auto& [which, name] : kernels_here()) {
    ops::use_kernels(which);
    std::vector<double> all;
    for (Index count = 0; count <= 1024; count += count < 70 ? 1 : 159) {
      INFO(name << ": " << count);
      // In blocks of their own: a read behind their end is one behind their memory.
      std::vector<std::unique_ptr<Scalar[]>> numbers;
      for (std::uint64_t i = 0; i < 4; ++i) {
        numbers.emplace_back(new Scalar[static_cast<std::size_t>(count)]);
        const Matrix from = random_matrix(1, count, i == 3 ? Scalar(0.25) : Scalar(-1), 1, Random(i));
        std::copy_n(from.data(), count, numbers.back().get());
      }
      const auto& [w, g, m, v] = std::tie(numbers[0], numbers[1], numbers[2], numbers[3]);
      double weights = 0, directions = 0;
      for (Index i = 0; i < count; ++i) {
        const auto at = [i](const auto& block) { return static_cast<double>(block[static_cast<std::size_t>(i)]); };
        const double first = at(m) + (at(g) - at(m)) * rest, second = at(v) + (at(g) * at(g) - at(v)) * rest;
        const double direction = 2 * first / (std::sqrt(0.5 * second) + small);
        weights += at(w) * at(w);
        directions += direction * direction;
      }
      CHECK(ops::sum_of_squares(count, w.get()) == Approx(weights).epsilon(100 * epsilon));
      const ops::LambSweep sweep{
          w.get(), g.get(), m.get(), v.get(), rest_, rest_, 2, Scalar(0.5), small_,
      };
      const ops::SquareSums sums = ops::lamb_moments(count, sweep);
      CHECK(sums.w == ops::sum_of_squares(count, w.get()));
      CHECK(sums.r == Approx(directions).epsilon(100 * epsilon));
      all.insert(all.end(), {sums.w, sums.r});
      if (count == 0) continue;
      w[static_cast<std::size_t>(count - 1)] = std::numeric_limits<Scalar>::quiet_NaN();
      CHECK(std::isnan(ops::sum_of_squares(count, w.get())));
    }
    if (name != "AVX2" && name != "AVX3") continue;
    if (!earlier.empty()) CHECK(all == earlier);
    earlier = all;
  }
}

namespace {

// A step of Adafactor along a matrix whose rows come in two parts.
struct Factored {
  Matrix w, g, r, c, sums, v;
  double squares = 0;
  Factored(Index rows, Index columns)
      : w(random_matrix(rows, columns, -1, 1, Random(1))),
        g(random_matrix(rows, columns, -1, 1, Random(2))),
        r(random_matrix(1, rows, Scalar(0.5), 2, Random(3))),
        c(random_matrix(1, columns, Scalar(0.5), 2, Random(4))),
        sums(random_matrix(2, columns, -1, 1, Random(5))),
        v(rows, columns) {}
  void step() {
    const Index rows = g.rows(), columns = g.cols(), half = (rows + 1) / 2;
    for (const Index first : {Index{0}, half}) {
      if (first == rows) continue;
      const Index count = first == 0 ? half : rows - half;
      ops::adafactor_rows({count, columns, g.data() + first * columns, r.data() + first,
                           sums.data() + (first == 0 ? 0 : columns), keep_, rest_, small_});
    }
    const Index parts = half == rows ? 1 : 2;
    ops::adafactor_columns({rows, columns, parts, columns, sums.data(), c.data(), keep_, rest_, small_});
    double mean = 0;
    for (Index row = 0; row < rows; ++row) mean += static_cast<double>(r(0, row)) / static_cast<double>(rows);
    const ops::AdafactorDirection direction{rows, columns, g.data(), r.data(), c.data(), static_cast<Scalar>(mean)};
    squares = ops::adafactor_squares(direction);
    ops::adafactor_step(direction, rate_, w.data(), v.data());
  }
};

// The same by formulas in double: the largest difference of anything.
double error_of(const Factored& found) {
  const Index rows = found.g.rows(), columns = found.g.cols();
  const Factored before(rows, columns);
  const Eigen::ArrayXXd square = before.g.cast<double>().array().square();
  const Eigen::ArrayXd r =
      keep * before.r.cast<double>().transpose().array() + rest * (square.rowwise().mean() + small);
  const Eigen::ArrayXd c =
      keep * before.c.cast<double>().transpose().array() + rest * (square.colwise().mean().transpose() + small);
  const Eigen::ArrayXXd estimate = (r.matrix() * c.matrix().transpose()).array() / r.mean();
  const Eigen::ArrayXXd direction = before.g.cast<double>().array() / estimate.sqrt();
  const double squares = direction.square().sum();
  return std::max(
      {(found.r.cast<double>().transpose().array() - r).abs().maxCoeff(),
       (found.c.cast<double>().transpose().array() - c).abs().maxCoeff(),
       (found.w.cast<double>().array() - before.w.cast<double>().array() + rate * direction).abs().maxCoeff(),
       std::abs(found.squares - squares) / squares / 10});
}

}  // namespace

TEST_CASE("every kernel's steps along the means of rows and columns are right, and the same bits") {
  const Restore restore;
  for (const auto& [rows, columns] :
       {std::pair<Index, Index>{1, 1}, {5, 1}, {3, 7}, {16, 16}, {17, 33}, {40, 1030}, {2, 2500}, {700, 3}}) {
    std::vector<Factored> earlier;
    for (const auto& [which, name] : kernels_here()) {
      INFO(name << ": " << rows << " x " << columns);
      ops::use_kernels(which);
      Factored found(rows, columns);
      found.step();
      CHECK(error_of(found) <= 16 * epsilon);
      CHECK(found.g == Factored(rows, columns).g);
      Factored odd(rows, columns);
      odd.g(rows - 1, columns - 1) = std::numeric_limits<Scalar>::quiet_NaN();
      odd.step();
      CHECK((odd.r.array().isNaN().count() == 1 && std::isnan(static_cast<double>(odd.r(0, rows - 1)))));
      CHECK((odd.c.array().isNaN().count() == 1 && std::isnan(static_cast<double>(odd.c(0, columns - 1)))));
      CHECK(odd.w.array().isNaN().all());  // since the mean of r is NaN
      if (name != "AVX2" && name != "AVX3") continue;
      if (!earlier.empty()) {
        CHECK(found.w == earlier[0].w);
        CHECK(found.r == earlier[0].r);
        CHECK(found.c == earlier[0].c);
        CHECK(found.squares == earlier[0].squares);
      }
      earlier.assign(1, found);
    }
  }
}

TEST_CASE("every kernel's softmax and its slope are right, in rows of any length") {
  const Restore restore;
  std::vector<Matrix> earlier;
  for (const auto& [which, name] : kernels_here()) {
    ops::use_kernels(which);
    std::vector<Matrix> outputs;
    for (const Index size : {1, 2, 10, 15, 16, 17, 31, 32, 100, 1000}) {
      INFO(name << ": rows of " << size);
      const Matrix x = random_matrix(5, size, -20, 20, Random(8)), dy = random_matrix(5, size, -1, 1, Random(9));
      Matrix y(5, size), dx = dy;
      ops::softmax({x.data(), 5, size}, {y.data(), 5, size});
      ops::softmax_gradient({y.data(), 5, size}, {dx.data(), 5, size});
      double worst = 0;
      for (Index row = 0; row < 5; ++row) {
        const auto in = x.row(row).cast<double>().array();
        const Eigen::ArrayXXd e = (in - in.maxCoeff()).exp();
        const Eigen::ArrayXXd f = e / e.sum();
        const Eigen::ArrayXXd g = dy.row(row).cast<double>().array();
        const double inner = (f * g).sum();
        worst = std::max(worst, ((y.row(row).cast<double>().array() - f).abs() / (f + 1e-30)).maxCoeff() / 40);
        worst = std::max(worst, (dx.row(row).cast<double>().array() - f * (g - inner)).abs().maxCoeff());
        Matrix alone = x.row(row);
        ops::softmax({alone.data(), 1, size}, {alone.data(), 1, size});
        CHECK(alone == y.row(row));
      }
      CHECK(worst <= 8 * epsilon);
      outputs.push_back(y);
      outputs.push_back(dx);
    }
    Matrix odd(3, 20);
    odd.setOnes();
    odd(0, 4) = std::numeric_limits<Scalar>::quiet_NaN();
    odd(1, 18) = std::numeric_limits<Scalar>::infinity();
    odd(2, 19) = -std::numeric_limits<Scalar>::infinity();
    ops::softmax({odd.data(), 3, 20}, {odd.data(), 3, 20});
    CHECK(odd.row(0).array().isNaN().all());
    CHECK(std::isnan(static_cast<double>(odd(1, 18))));
    CHECK(static_cast<double>(odd(2, 19)) < 1e-37);  // Eigen stops at exp(-88)
    CHECK(static_cast<double>(odd(2, 0)) == Approx(1.0 / 19).epsilon(1e-5));
    if (name != "AVX2" && name != "AVX3") continue;
    for (std::size_t i = 0; i < earlier.size(); ++i) CHECK(outputs[i] == earlier[i]);
    earlier = outputs;
  }
}

TEST_CASE("every kernel's compact products are its products with the expanded matrix") {
  const Restore restore;
  const Matrix kernel = random_matrix(70, 150, -1, 1, Random(1));
  for (const auto& [which, name] : kernels_here()) {
    ops::use_kernels(which);
    for (const auto format : {ops::CompactFormat::packed, ops::CompactFormat::bfloat16, ops::CompactFormat::int8})
      for (const Index rows : {1, 2, 3, 4, 12, 30}) {
        INFO(name << ", " << rows << " rows");
        std::vector<unsigned char> numbers(static_cast<std::size_t>(ops::compact_bytes(format, 70, 150)));
        std::vector<Scalar> scales(static_cast<std::size_t>(ops::compact_scales(format, 150)));
        ops::make_compact({kernel.data(), 70, 150}, format, numbers.data(), scales.data());
        const ops::CompactView view{format, 70, 150, numbers.data(), scales.data()};
        Matrix expanded(70, 150), y(rows, 150), expected(rows, 150);
        ops::expand(view, {expanded.data(), 70, 150});
        const Matrix x = random_matrix(rows, 70, -1, 1, Random(2));
        ops::compact_affine({x.data(), rows, 70}, view, {nullptr, 1, 0}, {y.data(), rows, 150});
        ops::product(rows, 150, 70, {x.data(), 70, 1}, expanded.data(), 150, expected.data(), 150);
        CHECK(y == expected);
      }
  }
}
