#include "maas/core/random.hpp"

#include <set>

#include "support/catch.hpp"

using namespace maas;

TEST_CASE("the generator gives the known answers of Philox 4x32-10") {
  using Block = Random::Block;
  CHECK(Random::generate(0, {0, 0, 0, 0}) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(Random::generate(0xffffffffffffffff, {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}) ==
        Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(Random::generate(0x299f31d0a4093822, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}) ==
        Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("numbers follow from seed, stream and place") {
  CHECK(Random(1).bits(5) == Random(1).bits(5));
  CHECK(Random(1).bits(5) != Random(2).bits(5));
  CHECK(Random(1).stream(3).bits(5) == Random(1).stream(3).bits(5));
  std::set<std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < 10; ++seed)
    for (std::uint64_t stream = 0; stream < 10; ++stream)
      for (std::uint64_t i = 0; i < 10; ++i) {
        seen.insert(Random(seed).stream(stream).bits(i));
        seen.insert(Random(seed).stream(stream).stream(i).bits(0));
      }
  CHECK(seen.size() == 2000);
}

TEST_CASE("uniform numbers fill [0, 1), normal ones have mean 0 and deviation 1") {
  const Random random(42);
  constexpr std::uint64_t count = 100000;
  double sum = 0, normal_sum = 0, normal_squares = 0, smallest = 1, largest = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const double u = random.uniform(i), n = random.normal(i);
    sum += u;
    smallest = std::min(smallest, u);
    largest = std::max(largest, u);
    normal_sum += n;
    normal_squares += n * n;
  }
  CHECK(sum / count == Approx(0.5).margin(5 * 0.2887 / std::sqrt(double(count))));
  CHECK(smallest >= 0);
  CHECK(smallest < 1e-3);
  CHECK(largest < 1);
  CHECK(largest > 1 - 1e-3);
  CHECK(std::abs(normal_sum / count) < 5 / std::sqrt(double(count)));
  CHECK(normal_squares / count == Approx(1).margin(5 * std::sqrt(2.0 / count)));
}

TEST_CASE("below gives every whole number below its bound, about as often") {
  const Random random(7);
  int seen[6] = {};
  for (std::uint64_t i = 0; i < 6000; ++i) ++seen[random.below(i, 6)];
  for (int count : seen) CHECK(std::abs(count - 1000) < 150);
  CHECK(random.below(0, 1) == 0);
  for (std::uint64_t i = 0; i < 100; ++i) CHECK(random.below(i, 0x8000000000000001) < 0x8000000000000001);
}
