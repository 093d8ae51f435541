#include "maas/compress/compact.hpp"

#include <cstring>

#include "maas/maas.hpp"
#include "maas/testing/allocations.hpp"
#include "maas/testing/numbers.hpp"
#include "support/catch.hpp"

using namespace maas;
using testing::detail::random_matrix;

namespace {

Network sample_network() {
  return Network{input(70), dense(300, relu), dense(40, Tanh{}), dense(90, softmax), dense(1, sigmoid)};
}

constexpr CompactOptions all_of(CompactFormat format) { return {.format = format, .smallest = 0}; }

}  // namespace

TEST_CASE("a compact network predicts as the rounded one does, to the bit") {
  for (const CompactFormat format : {CompactFormat::bfloat16, CompactFormat::int8}) {
    const Network network = sample_network();
    const Network small = compact(network, all_of(format)), close = rounded(network, all_of(format));
    for (const Index rows : {1, 2, 7, 40}) {
      const Matrix x = random_matrix(rows, 70, -1, 1, Random(3));
      CHECK(small.predict(x) == close.predict(x));
      CHECK(small.predict(x) != network.predict(x));
    }
    // By their bytes: as numbers some of them are no numbers.
    const ConstVectorView once = small.parameters().values();
    const Network again = compact(close, all_of(format));
    REQUIRE(again.parameters().values().size() == once.size());
    CHECK(std::memcmp(again.parameters().values().data(), once.data(),
                      static_cast<std::size_t>(once.size()) * sizeof(Scalar)) == 0);
  }
}

TEST_CASE("compact leaves small kernels, single outputs and other layers alone") {
  const Network network = sample_network();
  const Network small = compact(network, {.format = CompactFormat::int8, .smallest = 20000});
  CHECK(small.graph().layer(1).class_name() == "CompactDense");
  for (Index layer = 2; layer < 5; ++layer) CHECK(small.graph().layer(layer) == network.graph().layer(layer));
  CHECK(small.graph().names() == network.graph().names());
  CHECK(compact(network, all_of(CompactFormat::int8)).graph().layer(4).class_name() == "Dense");
  // 70 x 300 bytes, columns filled up to a multiple of 16.
  CHECK(small.parameters().find("dense/kernel_bytes").shape.size() == 70 * 304 / static_cast<Index>(sizeof(Scalar)));
}

TEST_CASE("compact works in graphs, where layers share weights, and on samples of rank 2") {
  const Symbol in = input(Shape{5, 6});
  const Layer twice = dense(6, relu);
  const Symbol once = twice(in), out = add({twice(once), once});
  const Network network(in, out);
  const Matrix x = random_matrix(3, 30, -1, 1, Random(1));
  const Network small = compact(network, all_of(CompactFormat::int8));
  CHECK(small.predict(x) == rounded(network, all_of(CompactFormat::int8)).predict(x));
  CHECK(small.graph().layers().size() == network.graph().layers().size());
}

TEST_CASE("compact networks cannot be trained or saved, and say so") {
  const Network small = compact(sample_network(), all_of(CompactFormat::int8));
  CHECK_THROWS_WITH(Workspace(small, 1, Mode::training),
                    Catch::Matchers::StartsWith("training: layer dense (CompactDense) is for prediction only"));
#if !defined(MAAS_SCALAR_DOUBLE)
  CHECK_THROWS_WITH(write_keras("compact.h5", SavedModel{.network = small}),
                    Catch::Matchers::ContainsSubstring("saving: layer dense (CompactDense) is for prediction only"));
  CHECK_THROWS_WITH(write_keras_weights("compact.weights.h5", small),
                    Catch::Matchers::ContainsSubstring("is for prediction only"));
#endif
}

TEST_CASE("a kernel that is not finite is named") {
  Network network = sample_network();
  network.parameters().view("dense_1/kernel")(2, 3) = std::numeric_limits<Scalar>::quiet_NaN();
  CHECK_THROWS_WITH(compact(network, all_of(CompactFormat::int8)),
                    Catch::Matchers::StartsWith("compact: layer dense_1: make_compact: expected finite numbers"));
  CHECK_NOTHROW(compact(network, all_of(CompactFormat::bfloat16)));
}

TEST_CASE("the change of outputs is measured, and refused beyond a limit") {
  const Network network{input(200), dense(100, relu), dense(10)};
  const std::vector<Matrix> x{random_matrix(50, 200, -1, 1, Random(3))};
  const OutputChange none = change_of(network, network, x);
  CHECK(none.largest == 0);
  CHECK(none.mean == 0);
  CHECK(none.spread > 0);
  const OutputChange change = change_of(network, compact(network, all_of(CompactFormat::int8)), x);
  CHECK(change.largest > change.mean);
  CHECK(change.relative() == change.mean / change.spread);
  CHECK(change.relative() < 0.02);
  CHECK_NOTHROW(compact_within(network, x, change.relative() * 1.01, all_of(CompactFormat::int8)));
  CHECK_THROWS_AS(compact_within(network, x, change.relative() * 0.99, all_of(CompactFormat::int8)), DataError);
  CHECK_THROWS_AS(change_of(network, network, {Matrix(0, 200)}), DataError);
  // By hand: outputs 1 and 3 become 1.5 and 3.
  Network two{input(1), dense(1)}, other = two;
  two.parameters().view(1, 0)(0, 0) = 2;
  two.parameters().view(1, 1)(0, 0) = 1;
  other.parameters().view(1, 0)(0, 0) = Scalar(1.5);
  other.parameters().view(1, 1)(0, 0) = Scalar(1.5);
  Matrix points(2, 1);
  points << 0, 1;
  const OutputChange moved = change_of(two, other, {points});
  CHECK(moved.largest == 0.5);
  CHECK(moved.mean == 0.25);
  CHECK(moved.spread == 1);
}

TEST_CASE("a prediction with compact weights takes no memory after the first") {
  if (!testing::counts_allocations()) return;
  const Network small = compact(sample_network(), all_of(CompactFormat::bfloat16));
  Workspace workspace(small, 20, Mode::inference);
  const Matrix x = random_matrix(20, 70, -1, 1, Random(3));
  const ConstMatrixView view(x.data(), 20, 70);
  small.predict(view, workspace);
  const auto before = testing::allocations();
  small.predict(view, workspace);
  CHECK(testing::allocations() == before);
}
