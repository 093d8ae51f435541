#include "serve/loads_at_once.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <vector>

namespace maas::inline MAAS_ABI::serve {

void LoadsAtOnce::take() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [&] { return free_ > 0; });
  --free_;
}

void LoadsAtOnce::give_back() {
  {
    const std::lock_guard lock(mutex_);
    ++free_;
  }
  wake_.notify_one();
}

void LoadsAtOnce::for_each(std::size_t count, const std::function<void(std::size_t)>& work) const {
  std::atomic<std::size_t> next{0};
  std::mutex failing;
  std::exception_ptr failure;
  const auto work_off = [&] {
    try {
      for (std::size_t i = next++; i < count; i = next++) work(i);
    } catch (...) {
      next = count;
      const std::lock_guard lock(failing);
      if (failure == nullptr) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    try {
      for (std::size_t i = 1; i < std::min(most_, count); ++i) others.emplace_back(work_off);
    } catch (const std::exception&) {  // the machine has no more threads: those that there are do all of it
    }
    work_off();
  }
  if (failure != nullptr) std::rethrow_exception(failure);
}

}  // namespace maas::inline MAAS_ABI::serve
