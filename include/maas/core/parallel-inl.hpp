// The pool: threads wait for a new generation of work, then take pieces until none is left. They look for it for a
// moment before they sleep.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <new>
#include <thread>
#include <type_traits>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#define MAAS_HAS_FORK
#include <pthread.h>
#endif
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "maas/core/denormals.hpp"
#include "maas/core/error.hpp"
#include "maas/core/parallel.hpp"
#include "maas/core/quota.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline int allowed_cores() {
#if defined(__linux__)
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) return std::max(1, CPU_COUNT(&allowed));
#endif
  return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, 1024u));
}

MAAS_INLINE int available_cores() {
  const int allowed = allowed_cores(), granted = granted_cores();
  return granted > 0 ? std::min(allowed, granted) : allowed;
}

class ThreadPool {
 public:
  static ThreadPool& instance() {
    static ThreadPool pool;
    return pool;
  }

  ThreadPool() : ThreadPool(available_cores()) {
#if defined(MAAS_HAS_FORK)
    of_process_ = this;
    ::pthread_atfork(nullptr, nullptr, start_anew);
#endif
  }
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool() {
    resize(1);
#if defined(MAAS_HAS_FORK)
    of_process_ = nullptr;
#endif
  }

  int size() const { return size_.load(std::memory_order_relaxed); }

  void resize(int count) {
    std::lock_guard user(user_);
    stop();
    size_ = count;
  }

  void run(Index count, PieceFunction function, void* context) {
    std::unique_lock user(user_, std::defer_lock);
    if (count < 2 || size() < 2 || inside_ || !user.try_lock()) {
      for (Index piece = 0; piece < count; ++piece) function(context, piece);
      return;
    }
    start();
    function_ = function;
    context_ = context;
    floating_point_ = floating_point_state();
    count_ = count;
    next_ = 0;
    busy_ = static_cast<int>(workers_.size());
    ++generation_;  // publishes all of the above
    if (sleeping_ > 0) wake();
    inside_ = true;
    take_pieces();
    inside_ = false;
    if (!spin_until([&] { return busy_ == 0; })) {
      std::unique_lock lock(mutex_);
      waiting_ = true;
      done_.wait(lock, [&] { return busy_ == 0; });
      waiting_ = false;
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  explicit ThreadPool(int size) : size_(size) {}

#if defined(MAAS_HAS_FORK)
  // In a forked process: the workers stayed behind, and what they or other callers had locked nobody unlocks.
  static void start_anew() {
    if (of_process_ == nullptr) return;
    using Workers = std::vector<std::thread>;
    alignas(Workers) static std::byte left_behind[sizeof(Workers)];  // none is there to be joined: never destroyed
    new (left_behind) Workers(std::move(of_process_->workers_));
    new (of_process_) ThreadPool(of_process_->size());
  }
#endif

  // Where the system gives no more threads, those there are do the work, and it is asked again after a while.
  void start() noexcept {
    if (static_cast<int>(workers_.size()) >= size() - 1 || Clock::now() < ask_again_) return;
    try {
      while (static_cast<int>(workers_.size()) < size() - 1)
        workers_.emplace_back([this, seen = generation_.load()] { serve(seen); });
    } catch (const std::exception&) {
      ask_again_ = Clock::now() + std::chrono::seconds(1);
    }
  }

  void stop() {
    stopping_ = true;
    wake();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
    stopping_ = false;
  }

  void wake() {
    // With the lock, so that nobody is between looking and sleeping.
    { std::lock_guard lock(mutex_); }
    wake_.notify_all();
  }

  // A step of training asks for the pool every few microseconds, and waking a thread takes as long as the work: so both
  // sides look for a moment before they sleep.
  template <class Condition>
  static bool spin_until(Condition&& condition) {
    const Clock::time_point end = Clock::now() + std::chrono::microseconds(50);
    do {
      for (int i = 0; i < 64; ++i) {
        if (condition()) return true;
        pause_briefly();
      }
    } while (Clock::now() < end);
    return false;
  }

  static void pause_briefly() {
#if defined(__SSE2__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  void serve(std::uint64_t seen) {
    inside_ = true;
    const auto called = [&] { return stopping_ || generation_ != seen; };
    while (true) {
      if (!spin_until(called)) {
        std::unique_lock lock(mutex_);
        ++sleeping_;
        wake_.wait(lock, called);
        --sleeping_;
      }
      if (stopping_) return;
      seen = generation_;
      set_floating_point_state(floating_point_);  // the caller's: a piece gives the same bits on any thread
      take_pieces();
      if (--busy_ > 0 || !waiting_) continue;
      { std::lock_guard lock(mutex_); }
      done_.notify_one();
    }
  }

  void take_pieces() {
    while (true) {
      const Index piece = next_.fetch_add(1, std::memory_order_relaxed);
      if (piece >= count_) return;
      function_(context_, piece);
    }
  }

  std::mutex user_;  // held by the one caller that uses the pool
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> workers_;
  Clock::time_point ask_again_{};
  std::atomic<int> size_;
  std::atomic<Index> next_{0};
  PieceFunction function_ = nullptr;
  void* context_ = nullptr;
  Index count_ = 0;
  unsigned floating_point_ = 0;
  // All of these in one order for all threads: who goes to sleep counts itself before it looks for the last time, and
  // who calls looks for sleepers after it has called.
  std::atomic<int> busy_{0}, sleeping_{0};
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<bool> stopping_{false}, waiting_{false};
  static inline thread_local bool inside_ = false;
#if defined(MAAS_HAS_FORK)
  static inline ThreadPool* of_process_ = nullptr;
#endif
};

}  // namespace detail

MAAS_INLINE void set_threads(int count) {
  require<ConfigError>(count >= 1 && count <= 1024, "set_threads: expected 1 to 1024 threads, got {}", count);
  detail::ThreadPool::instance().resize(count);
}

MAAS_INLINE int threads() { return detail::ThreadPool::instance().size(); }

MAAS_INLINE void detail::run_pieces(Index count, PieceFunction function, void* context) {
  ThreadPool::instance().run(count, function, context);
}

}  // namespace maas::inline MAAS_ABI
