#include "maas/core/shape.hpp"

#include <new>

#include "maas/core/block.hpp"
#include "support/catch.hpp"

using namespace maas;

TEST_CASE("a shape knows its size, its last dimension and its text") {
  const Shape shape{28, 27, 3};
  CHECK(shape.rank() == 3);
  CHECK(shape[1] == 27);
  CHECK(shape.size() == 28 * 27 * 3);
  CHECK(shape.last() == 3);
  CHECK(shape.text() == "28x27x3");
  CHECK(shape.with_last(5) == Shape{28, 27, 5});
  CHECK(Shape{}.text() == "scalar");
  CHECK(Shape{}.size() == 1);
  CHECK(Shape{}.last() == 1);
  CHECK(Shape{}.with_last(4) == Shape{4});
  CHECK(Shape{2} != Shape{2, 1});
}

TEST_CASE("shapes of too many or negative dimensions are refused") {
  CHECK(Shape({1, 2, 3, 4, 5, 6, 7, 8}).rank() == 8);
  CHECK_THROWS_WITH(Shape({1, 2, 3, 4, 5, 6, 7, 8, 9}), "Shape: expected at most 8 dimensions, got 9");
  CHECK_THROWS_WITH(Shape({-1}), "Shape: expected a dimension of at least 0, got -1");
}

TEST_CASE("shapes and blocks of more numbers than can be counted are refused") {
  const Index half = Index{1} << 32;
  CHECK(Shape({half, half / 4}).size() == half * (half / 4));
  CHECK_THROWS_WITH(Shape({half, half}), "Shape: 4294967296x4294967296 are more than 9223372036854775807 numbers");
  CHECK_THROWS_AS(Shape({half, 2}).with_last(half), ShapeError);
  CHECK(Shape({half, half / 4}).with_last(2) == Shape{half, 2});
  CHECK_THROWS_AS(Block(Index{1} << 62), std::bad_alloc);
  CHECK_THROWS_AS(Block(-1), std::bad_alloc);
}

TEST_CASE("a block is zeroed, on a border, and copies its numbers") {
  Block block(5);
  CHECK(block.vector() == Vector::Zero(5));
  CHECK(reinterpret_cast<std::uintptr_t>(block.data()) % 64 == 0);
  block.vector().setConstant(3);
  Block copy = block;
  copy.data()[0] = 1;
  CHECK(block.data()[0] == 3);
  const Scalar* memory = copy.data();
  const Block moved = std::move(copy);
  CHECK(moved.data() == memory);
  block = moved;
  CHECK(block.data()[0] == 1);
  CHECK(Block().size() == 0);
  CHECK(rounded_to_border(1) * static_cast<Index>(sizeof(Scalar)) == 64);
  CHECK(rounded_to_border(0) == 0);
}
