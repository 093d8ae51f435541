// Whether what is kept for the next start can be written.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::serve {

/// Counts saves, and tells of those that fail: once, and once when they work again. All members may be called from many
/// threads at once.
class StateSaves {
 public:
  /// `warn` is called by the thread that saves; what it throws is passed over.
  explicit StateSaves(std::function<void(const std::string& text)> warn = {}) : warn_(std::move(warn)) {}

  /// Calls `write`, which says whether there was anything to write. False where it throws: that is told, unless the
  /// last one of this `name` has failed, too.
  bool attempt(const std::string& name, const std::function<bool()>& write);
  void append_metrics(std::string& out) const;

 private:
  void note(const std::string& name, const std::string& error);

  const std::function<void(const std::string& text)> warn_;
  mutable std::mutex mutex_{};  // guards what follows
  std::uint64_t succeeded_ = 0, failed_ = 0;
  std::set<std::string> failing_{};
};

}  // namespace maas::inline MAAS_ABI::serve
