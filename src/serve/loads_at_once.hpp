// Loads that go on beside each other: so many, and no more.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::serve {

/// Bounds how many loads go on at once, whoever asks for them.
class LoadsAtOnce {
 public:
  explicit LoadsAtOnce(int most) : most_(static_cast<std::size_t>(most)), free_(most_) {}
  LoadsAtOnce(const LoadsAtOnce&) = delete;
  LoadsAtOnce& operator=(const LoadsAtOnce&) = delete;

  /// One load's, from its beginning to its end. Waits until there is one; who has one must not ask for another.
  class Place {
   public:
    explicit Place(LoadsAtOnce& all) : all_(all) { all_.take(); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { all_.give_back(); }

   private:
    LoadsAtOnce& all_;
  };

  /// Calls `work(0) ... work(count - 1)`, each once, on this thread and beside it on as many more as may load, and
  /// returns when all have ended. They take no places: that is theirs to do. After one that throws no more are begun,
  /// and what it has thrown is thrown here.
  void for_each(std::size_t count, const std::function<void(std::size_t)>& work) const;

 private:
  void take();
  void give_back();

  const std::size_t most_;
  std::mutex mutex_{};
  std::condition_variable wake_{};
  std::size_t free_;
};

}  // namespace maas::inline MAAS_ABI::serve
