// Notices of the system that something in a folder has changed.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <stop_token>
#include <string>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::serve {

/// What has happened since the last wait.
struct FolderNews {
  bool is_changed = false;
  /// Paths of files whose writer has closed them, and of files and folders that were moved into place: these are whole.
  std::set<std::string> whole{};
};

/// Watches a folder, the folders in it and those in these. Where the system has no room for watches, or the disk is
/// another machine's, there are no notices, and the time of a wait passes.
class FolderNotices {
 public:
  explicit FolderNotices(std::string folder, bool enabled);
  FolderNotices(const FolderNotices&) = delete;
  FolderNotices& operator=(const FolderNotices&) = delete;
  ~FolderNotices();

  /// Until something changes, the time is over, or a stop is asked for.
  FolderNews wait(std::chrono::milliseconds time, const std::stop_token& stop);
  /// Watches folders that have come.
  void update();

 private:
  void watch(const std::string& folder);
  void read(FolderNews& news);

  const std::string folder_;
  int notices_ = -1, wake_ = -1;
  std::map<int, std::string> watched_{};  // by the system's numbers
};

}  // namespace maas::inline MAAS_ABI::serve
