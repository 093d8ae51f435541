// The pool: threads wait for a new generation of work, then take pieces until none is left.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include "maas/core/denormals.hpp"
#include "maas/core/error.hpp"
#include "maas/core/parallel.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

class ThreadPool {
 public:
  static ThreadPool& instance() {
    static ThreadPool pool;
    return pool;
  }

  ~ThreadPool() { resize(1); }

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
    {
      std::lock_guard lock(mutex_);
      function_ = function;
      context_ = context;
      floating_point_ = floating_point_state();
      count_ = count;
      next_ = 0;
      busy_ = static_cast<int>(workers_.size());
      ++generation_;
    }
    wake_.notify_all();
    inside_ = true;
    take_pieces();
    inside_ = false;
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return busy_ == 0; });
  }

 private:
  void start() {
    while (static_cast<int>(workers_.size()) < size() - 1)
      workers_.emplace_back([this, seen = generation_] { serve(seen); });
  }

  void stop() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
    stopping_ = false;
  }

  void serve(std::uint64_t seen) {
    inside_ = true;
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [&] { return stopping_ || generation_ != seen; });
      if (stopping_) return;
      seen = generation_;
      set_floating_point_state(floating_point_);  // the caller's: a piece gives the same bits on any thread
      lock.unlock();
      take_pieces();
      lock.lock();
      if (--busy_ == 0) done_.notify_one();
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
  std::atomic<int> size_{static_cast<int>(std::max(1u, std::thread::hardware_concurrency()))};
  std::atomic<Index> next_{0};
  PieceFunction function_ = nullptr;
  void* context_ = nullptr;
  Index count_ = 0;
  unsigned floating_point_ = 0;
  int busy_ = 0;
  std::uint64_t generation_ = 0;
  bool stopping_ = false;
  static inline thread_local bool inside_ = false;
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
