// What is counted for drift, kept in a file for the next start.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "maas/core/scalar.hpp"
#include "maas/serve/repository.hpp"
#include "serve/state_saves.hpp"

namespace maas::inline MAAS_ABI::serve {

/// A line of JSON for each version that answers and is watched. The file is written whole, at the end and now and then
/// by a thread of its own; who is killed loses what was counted since. Versions over 64 MiB of lines are left out.
class DriftFile {
 public:
  static constexpr std::size_t most_bytes = std::size_t{64} << 20;

  /// Reads what was kept: versions that answer now with the same reference go on from it. Lines that cannot be used are
  /// passed over, as counts fill again. The repository must outlive it. `save`: from one time to the next; 0: only at
  /// the end. `saves` is told of them.
  DriftFile(const Repository& repository, std::string file, std::chrono::milliseconds save,
            std::shared_ptr<StateSaves> saves);
  DriftFile(const DriftFile&) = delete;
  DriftFile& operator=(const DriftFile&) = delete;
  /// Saves.
  ~DriftFile();

  /// Writes the file, unless nothing has been counted since. False where it cannot be written.
  bool keep();

 private:
  bool save();
  void read();
  void read_line(const std::string& line);
  void save_now_and_then(const std::stop_token& stop, std::chrono::milliseconds pause);

  const Repository& repository_;
  const std::string file_;
  const std::shared_ptr<StateSaves> saves_;
  std::mutex saving_{};      // guards the file and what follows
  std::size_t written_ = 0;  // the hash of what is in it
  std::jthread saver_{};     // last, so that it ends first
};

}  // namespace maas::inline MAAS_ABI::serve
