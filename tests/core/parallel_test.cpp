#include "maas/core/parallel.hpp"

#if defined(__linux__)
#include <sched.h>
#include <sys/resource.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <sys/wait.h>
#include <unistd.h>
#endif

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "maas/core/denormals.hpp"
#include "maas/core/error.hpp"
#include "support/catch.hpp"
#include "support/sanitized.hpp"

using namespace maas;

namespace {
/// Puts the number of threads back.
struct Threads {
  explicit Threads(int count) : before(threads()) { set_threads(count); }
  ~Threads() { set_threads(before); }
  int before;
};

#if defined(__unix__) || defined(__APPLE__)
/// True if `works` is true in a process forked from this one, and it ends there within a minute.
template <class Works>
bool works_in_child(Works&& works) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    bool right = false;
    try {
      right = works();
    } catch (...) {
    }
    ::_exit(right ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool runs_all_pieces() {
  std::atomic<int> runs = 0;
  for_each_piece(100, [&](Index) { ++runs; });
  return runs == 100;
}

bool shares_pieces() {
  std::atomic<int> arrived = 0;
  for_each_piece(3, [&](Index) {
    ++arrived;
    while (arrived < 3) std::this_thread::yield();
  });
  return arrived == 3;
}
#endif
}  // namespace

#if defined(__unix__) || defined(__APPLE__)
TEST_CASE("a forked process has threads of its own") {
  if (is_sanitized) return;
  const Threads scope(3);
  REQUIRE(shares_pieces());
  CHECK(works_in_child([] { return threads() == 3 && runs_all_pieces() && shares_pieces(); }));
  CHECK(works_in_child([] { return shares_pieces() && works_in_child(shares_pieces) && shares_pieces(); }));
  CHECK(works_in_child([] {
    set_threads(2);
    return runs_all_pieces();
  }));
  CHECK(shares_pieces());
}

TEST_CASE("a process forked while another thread uses the pool can use its own") {
  if (is_sanitized) return;
  const Threads scope(2);
  std::atomic<bool> inside = false, leave = false;
  std::thread other([&] {
    for_each_piece(2, [&](Index) {
      inside = true;
      while (!leave) std::this_thread::yield();
    });
  });
  while (!inside) std::this_thread::yield();
  const bool works = works_in_child([] {
    set_threads(3);  // waits for whoever uses the pool
    return shares_pieces();
  });
  leave = true;
  other.join();
  CHECK(works);
}
#endif

#if defined(__linux__)
TEST_CASE("where the system gives no threads, those there are do the work") {
  if (is_sanitized) return;
  CHECK(works_in_child([] {
    set_threads(1);
    set_threads(256);
    const rlimit none{1 << 20, 1 << 20};  // no room for another stack
    return ::setrlimit(RLIMIT_AS, &none) == 0 && runs_all_pieces() && runs_all_pieces();
  }));
}
#endif

TEST_CASE("every piece runs once, for any number of threads and pieces") {
  for (int count : {1, 2, 4}) {
    const Threads scope(count);
    CHECK(threads() == count);
    for (Index pieces : {0, 1, 2, 3, 100, 1000}) {
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(pieces));
      for_each_piece(pieces, [&](Index piece) { ++runs[static_cast<std::size_t>(piece)]; });
      for (const auto& run : runs) CHECK(run == 1);
    }
  }
}

TEST_CASE("threads that fell asleep between two calls wake up, and those that did not take the next work at once") {
  const Threads scope(3);
  for (int round = 0; round < 200; ++round) {
    std::atomic<Index> sum = 0;
    for_each_piece(7, [&](Index piece) { sum += piece; });
    REQUIRE(sum == 21);
    if (round % 20 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
  }
}

#if defined(__linux__)
TEST_CASE("there are no more threads than processors that may be used") {
  cpu_set_t before;
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  CHECK(detail::available_cores() == 1);
  REQUIRE(sched_setaffinity(0, sizeof before, &before) == 0);
  CHECK(detail::available_cores() <= CPU_COUNT(&before));
}
#endif

TEST_CASE("pieces are shared among threads") {
  const Threads scope(4);
  std::mutex mutex;
  std::set<std::thread::id> seen;
  std::atomic<int> arrived = 0;
  for_each_piece(4, [&](Index) {
    {
      std::lock_guard lock(mutex);
      seen.insert(std::this_thread::get_id());
    }
    ++arrived;
    while (arrived < 4) std::this_thread::yield();  // no piece ends before all have begun
  });
  CHECK(seen.size() == 4);
}

TEST_CASE("a call within a piece runs on the piece's own thread") {
  const Threads scope(2);
  std::atomic<int> runs = 0;
  std::atomic<bool> elsewhere = false;
  for_each_piece(8, [&](Index) {
    const std::thread::id self = std::this_thread::get_id();
    for_each_piece(8, [&](Index) {
      ++runs;
      if (std::this_thread::get_id() != self) elsewhere = true;
    });
  });
  CHECK(runs == 64);
  CHECK(!elsewhere);
}

TEST_CASE("several threads may call at once") {
  const Threads scope(2);
  std::atomic<int> runs = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i)
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) for_each_piece(10, [&](Index) { ++runs; });
    });
  for (std::thread& caller : callers) caller.join();
  CHECK(runs == 8 * 50 * 10);
}

TEST_CASE("pieces work under the caller's floating-point state") {
#if defined(__SSE2__)
  const Threads scope(4);
  std::atomic<int> flushed = 0;
  {
    const FlushDenormals flush;
    for_each_piece(100, [&](Index) {
      volatile float tiny = 1e-38f;
      flushed += tiny * 0.01f == 0.0f;
    });
  }
  CHECK(flushed == 100);
  volatile float tiny = 1e-38f;
  CHECK(tiny * 0.01f != 0.0f);
#endif
}

TEST_CASE("numbers of threads out of range are refused") {
  CHECK_THROWS_WITH(set_threads(0), "set_threads: expected 1 to 1024 threads, got 0");
  CHECK_THROWS_AS(set_threads(1025), ConfigError);
}
