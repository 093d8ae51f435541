// Products, sweeps and compact products with each of the kernels that this processor has, beside sums in double.
#include "maas/ops/kernels.hpp"

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "maas/core/error.hpp"
#include "maas/ops/compact.hpp"
#include "maas/ops/elementwise.hpp"
#include "maas/ops/probes.hpp"
#include "maas/ops/product.hpp"
#include "maas/ops/update.hpp"
#include "maas/testing/numbers.hpp"
#include "support/catch.hpp"

using namespace maas;
using testing::detail::random_matrix;

namespace {

constexpr double epsilon = std::numeric_limits<Scalar>::epsilon();

// Those that can be forced here, and what they call themselves.
std::vector<std::pair<ops::Kernels, std::string>> kernels_here() {
  std::vector<std::pair<ops::Kernels, std::string>> found;
  for (const auto which : {ops::Kernels::eigen, ops::Kernels::sse4, ops::Kernels::avx2, ops::Kernels::avx512}) {
    try {
      ops::use_kernels(which);
      found.emplace_back(which, ops::vectors_in_use());
    } catch (const ConfigError&) {  // not on this processor
    }
  }
  ops::use_kernels(ops::Kernels::automatic);
  return found;
}

struct Restore {
  ~Restore() { ops::use_kernels(ops::Kernels::automatic); }
};

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
                            columns, {bias.data() + 1, true});
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

TEST_CASE("every kernel's sweeps are right") {
  const Restore restore;
  const Index count = 1037;
  const Matrix x = random_matrix(1, count + 1, -9, 9, Random(3)), g = random_matrix(1, count + 1, -1, 1, Random(4));
  for (const auto& [which, name] : kernels_here()) {
    ops::use_kernels(which);
    INFO(name);
    Matrix y(1, count);
    double worst = 0;
    ops::tanh(count, x.data() + 1, y.data());
    for (Index i = 0; i < count; ++i)
      worst = std::max(worst, std::abs(static_cast<double>(y(0, i)) - std::tanh(static_cast<double>(x(0, i + 1)))));
    ops::sigmoid(count, x.data() + 1, y.data());
    for (Index i = 0; i < count; ++i)
      worst = std::max(worst,
                       std::abs(static_cast<double>(y(0, i)) - 1 / (1 + std::exp(-static_cast<double>(x(0, i + 1))))));
    CHECK(worst <= 3 * epsilon);
    Matrix w = Matrix::Zero(1, count), m = Matrix::Constant(1, count, Scalar(0.5)), v = Matrix::Constant(1, count, 2);
    ops::adam(count, {w.data(), g.data() + 1, m.data(), v.data(), nullptr, Scalar(0.1), Scalar(0.1), Scalar(0.01),
                      Scalar(1e-7)});
    worst = 0;
    for (Index i = 0; i < count; ++i) {
      const double gradient = static_cast<double>(g(0, i + 1));
      const double first = 0.5 + (gradient - 0.5) * static_cast<double>(Scalar(0.1));
      const double second = 2 + (gradient * gradient - 2) * static_cast<double>(Scalar(0.01));
      const double step = static_cast<double>(Scalar(0.1)) * first / (std::sqrt(second) + 1e-7);
      worst = std::max(worst, std::abs(static_cast<double>(w(0, i)) + step));
    }
    CHECK(worst <= 8 * epsilon);
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
