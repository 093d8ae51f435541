#include "maas/ops/update.hpp"

#include "support/catch.hpp"

using namespace maas;

TEST_CASE("runs cover every place once, at any size") {
  for (Index size : {0, 1, 1023, 1024, 1025, 70000, 200001}) {
    std::vector<int> seen(static_cast<std::size_t>(size));
    ops::for_each_run(size, [&](Index first, Index count) {
      for (Index i = first; i < first + count; ++i) ++seen[static_cast<std::size_t>(i)];
    });
    CHECK(std::ranges::count(seen, 1) == size);
  }
}
