#include "maas/data/streamed.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>

#include "maas/data/batches.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

constexpr Index most_rows = 1000;

/// Row r has the features r and -r, and the target 2 r.
StreamSource numbered(Index rows, RowReader read = nullptr) {
  return {.read = read ? read
                       : [](Index first, MatrixView x, MatrixView y) {
                           for (Index i = 0; i < x.rows(); ++i) {
                             x(i, 0) = static_cast<Scalar>(first + i);
                             x(i, 1) = -x(i, 0);
                             y(i, 0) = 2 * x(i, 0);
                           }
                         },
          .rows = rows,
          .features = Shape{2},
          .targets = Shape{1},
          .name = "numbered"};
}

/// All rows of one pass, in its order, checked against what they must hold.
std::vector<Index> walk(const Dataset& data, RowBatches& batches, std::int64_t step = 0) {
  std::vector<Index> order;
  batches.begin(step);
  while (batches.taken < batches.count()) {
    const std::span<const Index> rows = batches.next(step);
    Matrix x(static_cast<Index>(rows.size()), 2), y(x.rows(), 1);
    data.gather(rows, MatrixView(x.data(), x.rows(), 2), MatrixView(y.data(), y.rows(), 1));
    for (Index i = 0; i < x.rows(); ++i) {
      const auto row = static_cast<Scalar>(rows[static_cast<std::size_t>(i)]);
      REQUIRE(x(i, 0) == row);
      REQUIRE(x(i, 1) == -row);
      REQUIRE(y(i, 0) == 2 * row);
      order.push_back(rows[static_cast<std::size_t>(i)]);
    }
  }
  return order;
}

bool is_each_once(std::vector<Index> order, Index rows) {
  std::ranges::sort(order);
  std::vector<Index> all(static_cast<std::size_t>(rows));
  std::iota(all.begin(), all.end(), Index(0));
  return order == all;
}

}  // namespace

TEST_CASE("a stream gives every row once a pass, in blocks that are shuffled and rows that are mixed within them") {
  for (const Index rows : {1, 7, 64, 65, 100}) {
    CAPTURE(rows);
    const Dataset data = Streamed(numbered(rows), {.block_rows = 8, .mixed_blocks = 3});
    RowBatches batches(data, 10, true, 5);
    const std::vector<Index> first = walk(data, batches, 0), second = walk(data, batches, 17);
    CHECK(is_each_once(first, rows));
    CHECK(is_each_once(second, rows));
    if (rows > 10) CHECK(first != second);
    // A run of three blocks is used up before the next one begins.
    for (std::size_t begin = 0; begin < first.size();) {
      std::set<Index> blocks;
      std::size_t end = begin;
      while (end < first.size() && (blocks.contains(first[end] / 8) || blocks.size() < 3))
        blocks.insert(first[end++] / 8);
      std::vector<Index> run(first.begin() + static_cast<std::ptrdiff_t>(begin),
                             first.begin() + static_cast<std::ptrdiff_t>(end));
      Index expected = 0;
      for (Index block : blocks) expected += std::min<Index>(8, rows - 8 * block);
      CHECK(static_cast<Index>(run.size()) == expected);
      begin = end;
    }
  }
  const Dataset data = Streamed(numbered(100), {.block_rows = 8, .mixed_blocks = 3});
  RowBatches mixed(data, 10, true, 5);
  const std::vector<Index> order = walk(data, mixed);
  CHECK_FALSE(std::ranges::is_sorted(order.begin(), order.begin() + 8));  // rows within a block, too
  RowBatches plain(data, 10, false, 5);
  const std::vector<Index> sorted = walk(data, plain);
  CHECK(std::ranges::is_sorted(sorted));
  CHECK(is_each_once(sorted, 100));
}

TEST_CASE("the order of a stream is that of its seed, with a slow reader or a fast one, reading ahead or not") {
  const auto order_of = [](bool prefetch, bool slow, std::uint64_t seed) {
    std::atomic<int> calls{0};
    const RowReader read = [&](Index first, MatrixView x, MatrixView y) {
      if (slow && calls++ % 3 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      numbered(1).read(first, x, y);
    };
    const Dataset data = Streamed(numbered(500, read), {.block_rows = 16, .mixed_blocks = 2, .prefetch = prefetch});
    RowBatches batches(data, 7, true, seed);
    std::vector<Index> order = walk(data, batches, 0);
    const std::vector<Index> next = walk(data, batches, 72);
    order.insert(order.end(), next.begin(), next.end());
    return order;
  };
  const std::vector<Index> expected = order_of(false, false, 1);
  CHECK(order_of(true, false, 1) == expected);
  CHECK(order_of(true, true, 1) == expected);
  CHECK(order_of(false, true, 1) == expected);
  CHECK(order_of(true, false, 2) != expected);
}

TEST_CASE("a walk can be taken up in the middle") {
  const Dataset data = Streamed(numbered(100), {.block_rows = 8, .mixed_blocks = 3});
  RowBatches batches(data, 10, true, 5), other(data, 10, true, 5);
  const std::vector<Index> order = walk(data, batches, 3);
  other.drawn_at = 3;
  other.taken = 6;
  other.draw();
  const std::span<const Index> rows = other.next(9);
  CHECK(std::ranges::equal(rows, std::span(order).subspan(60, 10)));
}

TEST_CASE("data sets without blocks are walked over as ever") {
  struct Plain {
    Index size() const { return 20; }
    Shape feature_shape() const { return Shape{2}; }
    Shape target_shape() const { return Shape{1}; }
    void gather(std::span<const Index> rows, MatrixView x, MatrixView y) const {
      for (std::size_t i = 0; i < rows.size(); ++i)
        numbered(1).read(rows[i], MatrixView(x.data() + 2 * i, 1, 2), MatrixView(y.data() + i, 1, 1));
    }
  };
  const Dataset data = Plain();
  CHECK(data.blocks().rows == 0);
  RowBatches batches(data, 6, true, 1);
  CHECK(is_each_once(walk(data, batches), 20));
  // Fisher and Yates by hand.
  std::vector<Index> expected(20);
  std::iota(expected.begin(), expected.end(), Index(0));
  const Random random = Random(1).stream(1).stream(0);
  for (std::uint64_t i = 20; i > 1; --i) std::swap(expected[i - 1], expected[random.below(i, i)]);
  CHECK(walk(data, batches) == expected);
}

TEST_CASE("each block is read once a pass, ahead of its use, and no more are kept than was said") {
  std::mutex mutex;
  std::vector<Index> read_rows;
  std::set<std::thread::id> readers;
  const RowReader read = [&](Index first, MatrixView x, MatrixView y) {
    const std::lock_guard lock(mutex);
    read_rows.push_back(first);
    readers.insert(std::this_thread::get_id());
    numbered(1).read(first, x, y);
  };
  const Dataset data = Streamed(numbered(most_rows, read), {.block_rows = 10, .mixed_blocks = 4});
  RowBatches batches(data, 32, true, 5);
  walk(data, batches);
  CHECK(read_rows.size() == 100);
  CHECK(std::set<Index>(read_rows.begin(), read_rows.end()).size() == 100);
  walk(data, batches, 1);
  CHECK(read_rows.size() >= 100 + 100 - 8);  // at most 2 * 4 blocks were still there

  // A pass that has been announced is read without being asked for, as far as two runs of blocks.
  const auto count = [&] {
    const std::lock_guard lock(mutex);
    return read_rows.size();
  };
  {
    const Dataset ahead = Streamed(numbered(most_rows, read), {.block_rows = 10, .mixed_blocks = 4});
    read_rows.clear();
    readers.clear();
    RowBatches waiting(ahead, 32, true, 5);
    waiting.begin(0);
    for (int i = 0; i < 5000 && count() < 8; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(count() == 8);
    const std::lock_guard lock(mutex);
    CHECK_FALSE(readers.contains(std::this_thread::get_id()));
  }

  // What fits is kept.
  read_rows.clear();
  const Dataset small = Streamed(numbered(80, read), {.block_rows = 10, .mixed_blocks = 4});
  RowBatches few(small, 32, true, 5);
  for (int pass = 0; pass < 3; ++pass) walk(small, few, pass);
  CHECK(read_rows.size() == 8);
}

TEST_CASE("rows can be asked for in any order, from many threads") {
  const Streamed data(numbered(most_rows), {.block_rows = 16, .mixed_blocks = 1});
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      const Random random(t);
      Matrix x(5, 2), y(5, 1);
      for (std::uint64_t i = 0; i < 200; ++i) {
        std::vector<Index> rows;
        for (std::uint64_t k = 0; k < 5; ++k) rows.push_back(static_cast<Index>(random.below(5 * i + k, most_rows)));
        data.gather(rows, MatrixView(x.data(), 5, 2), MatrixView(y.data(), 5, 1));
        for (Index k = 0; k < 5; ++k)
          if (x(k, 0) != static_cast<Scalar>(rows[static_cast<std::size_t>(k)])) ++wrong;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("what a reader throws reaches who asks for the rows, on whatever thread it was read") {
  for (const bool prefetch : {true, false}) {
    CAPTURE(prefetch);
    std::atomic<bool> broken{true};
    const RowReader read = [&](Index first, MatrixView x, MatrixView y) {
      if (broken && first == 48) fail<FormatError>("file.h5: rows from 48 on cannot be read");
      numbered(1).read(first, x, y);
    };
    const Dataset data = Streamed(numbered(100, read), {.block_rows = 16, .mixed_blocks = 1, .prefetch = prefetch});
    RowBatches batches(data, 10, false, 0);
    CHECK_THROWS_WITH(walk(data, batches), "file.h5: rows from 48 on cannot be read");
    broken = false;
    CHECK(is_each_once(walk(data, batches), 100));  // it tries again
  }
  // What could not be read ahead is read again by who asks for it.
  {
    std::atomic<bool> broken{true};
    std::atomic<int> failed{0};
    const RowReader read = [&](Index first, MatrixView x, MatrixView y) {
      if (broken && first == 48 && ++failed > 0) fail<FormatError>("file.h5: rows from 48 on cannot be read");
      numbered(1).read(first, x, y);
    };
    const Dataset data = Streamed(numbered(100, read), {.block_rows = 16, .mixed_blocks = 4});
    RowBatches batches(data, 10, false, 0);
    batches.begin(0);
    for (int i = 0; i < 5000 && failed == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    CHECK(failed == 1);
    broken = false;
    CHECK(is_each_once(walk(data, batches), 100));
  }
  // A data set may go while its thread reads, and one that was never used goes, too.
  {
    const Dataset unused = Streamed(numbered(100), {.block_rows = 16});
    const Dataset used = Streamed(numbered(most_rows), {.block_rows = 1});
    RowBatches batches(used, 10, true, 0);
    batches.next(0);
  }
}

TEST_CASE("numbers that are not finite are named by row and column; NaN may pass where it is asked for") {
  const RowReader read = [](Index first, MatrixView x, MatrixView y) {
    numbered(1).read(first, x, y);
    for (Index i = 0; i < x.rows(); ++i) {
      if (first + i == 42) x(i, 1) = NAN;
      if (first + i == 80) y(i, 0) = INFINITY;
    }
  };
  StreamSource source = numbered(100, read);
  Matrix x(1, 2), y(1, 1);
  const auto get = [&](const Streamed& data, Index row) {
    data.gather(std::span(&row, 1), MatrixView(x.data(), 1, 2), MatrixView(y.data(), 1, 1));
  };
  const Streamed plain(source, {.block_rows = 10});
  get(plain, 39);
  CHECK_THROWS_WITH(
      get(plain, 41),
      "numbered: expected finite numbers in number 1 of the features, got nan in row 42 (counted from 0)");
  source.feature_names = {"flow", "speed"};
  source.target_names = {"later"};
  CHECK_THROWS_WITH(get(Streamed(source), 0),
                    "numbered: expected finite numbers in \"speed\", got nan in row 42 (counted from 0)");
  const Streamed kept(source, {.block_rows = 10, .keep_missing = true});
  get(kept, 42);
  CHECK(std::isnan(x(0, 1)));
  CHECK_THROWS_WITH(get(kept, 81),
                    "numbered: expected finite numbers in \"later\", got inf in row 80 (counted from 0)");
}

TEST_CASE("a stream may be a part of its source, and refuses options and rows that make no sense") {
  const RowRange part{20, 50};
  const Streamed data(numbered(100), {.block_rows = 8, .rows = part});
  CHECK(data.size() == 30);
  Matrix x(2, 2), y(2, 1);
  const std::vector<Index> rows{0, 29}, beyond{30, 0}, negative{-1, 0};
  const MatrixView to_x(x.data(), 2, 2), to_y(y.data(), 2, 1);
  data.gather(rows, to_x, to_y);
  CHECK(x(0, 0) == 20);
  CHECK(x(1, 0) == 49);
  CHECK_THROWS_AS(data.gather(beyond, to_x, to_y), DataError);
  CHECK_THROWS_AS(data.gather(negative, to_x, to_y), DataError);
  CHECK_THROWS_AS(data.gather(rows, MatrixView(x.data(), 2, 1), to_y), ShapeError);
  CHECK_THROWS_AS(data.announce(std::vector<Index>{4}), DataError);

  CHECK_THROWS_AS(Streamed(numbered(0)), DataError);
  CHECK_THROWS_AS(Streamed(numbered(10), {.rows = RowRange{5, 11}}), DataError);
  CHECK_THROWS_AS(Streamed(numbered(10), {.rows = RowRange{5, 5}}), DataError);
  CHECK_THROWS_AS(Streamed(numbered(10), {.block_rows = -1}), ConfigError);
  CHECK_THROWS_AS(Streamed(numbered(10), {.mixed_blocks = 0}), ConfigError);
  CHECK_THROWS_AS(Streamed(StreamSource{.rows = 10}), ConfigError);
  // Blocks of a mebibyte, in multiples of the source's own chunks.
  StreamSource large = numbered(10000000);
  const Index numbers_a_row = 3 * static_cast<Index>(sizeof(Scalar));
  CHECK(Streamed(large).blocks().rows == (Index{1} << 20) / numbers_a_row);
  large.chunk_rows = 1000;
  CHECK(Streamed(large).blocks().rows % 1000 == 0);
  large.chunk_rows = 200000;
  CHECK(Streamed(large).blocks().rows == 200000);
}
