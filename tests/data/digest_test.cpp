#include "maas/data/digest.hpp"

#include <set>

#include "support/catch.hpp"

using namespace maas;

TEST_CASE("a digest follows from numbers, size and order, and from nothing else") {
  Matrix a = Matrix::Zero(3, 5);
  const std::uint64_t zeros = digest_of(a);
  CHECK(digest_of(a) == zeros);
  CHECK(digest_of(Matrix::Zero(5, 3)) != zeros);
  CHECK(digest_of(Matrix::Zero(0, 0)) != zeros);
  // Every place and every small change counts.
  std::set<std::uint64_t> seen{zeros};
  for (Index row = 0; row < 3; ++row)
    for (Index column = 0; column < 5; ++column)
      for (const double value : {1.0, -1.0, 1e-30}) {
        a(row, column) = static_cast<Scalar>(value);
        CHECK(seen.insert(digest_of(a)).second);
        a(row, column) = 0;
      }
  CHECK(digest_of(a) == zeros);
}

TEST_CASE("a part of a matrix has the digest of a copy of it") {
  const Matrix whole = Matrix::Random(6, 9);
  const Matrix copy = whole.block(1, 2, 4, 5);
  CHECK(digest_of(whole.block(1, 2, 4, 5)) == digest_of(copy));
}

TEST_CASE("a digest is written as 16 hex digits") {
  CHECK(digest_text(0) == "0000000000000000");
  CHECK(digest_text(0xFEDCBA9876543210) == "fedcba9876543210");
}
