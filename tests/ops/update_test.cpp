#include "maas/ops/update.hpp"

#include <atomic>

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

TEST_CASE("shares cover every place once, are no more than they may be, and sums over them are whole") {
  for (Index size : {0, 1, 1023, 1024, 1025, 70000, 200001, 20'000'003}) {
    std::vector<char> seen(static_cast<std::size_t>(size));
    std::atomic<Index> too_long = 0;
    const Index sum = ops::sum_over_runs(size, [&](Index first, Index count) {
      for (Index i = first; i < first + count; ++i) ++seen[static_cast<std::size_t>(i)];
      if (count > 1024) too_long = count;
      return count;
    });
    CHECK(sum == size);
    CHECK(too_long == 0);
    CHECK(std::ranges::count(seen, 1) == size);
    CHECK(ops::shares_of(size).count() <= ops::Shares::most);
    for (Index columns : {1, 7, 5000}) {
      const ops::Shares shares = ops::shares_of_rows(size, columns);
      CHECK(shares.count() <= ops::Shares::most);
      CHECK(ops::sum_of_shares(shares, [](Index, Index count) { return count; }) == size);
    }
  }
}
