// A file that whoever opens it must wait for, as on a slow disk: a load that takes as long as a test wants.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <utility>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::tests {

/// Holds a file by a lease: the system lets nobody open it until it is let go, or for 45 s; who must not wait is told
/// so, as readers of model files are. The file must be open nowhere else.
class HeldFile {
 public:
  explicit HeldFile(const std::string& path) : file_(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {
    std::signal(SIGIO, SIG_IGN);                   // it would tell of who waits, and end a program that does not listen
    for (int i = 0; i < 100 && !is_held(); ++i) {  // somebody may be looking at it just now
      if (::fcntl(file_, F_SETLEASE, F_WRLCK) == 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  HeldFile(HeldFile&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  HeldFile& operator=(HeldFile&&) = delete;
  ~HeldFile() {
    if (file_ >= 0) ::close(file_);
  }

  /// Whether nobody can open it: not where the file system knows no leases, and not once somebody waits.
  bool is_held() const { return file_ >= 0 && ::fcntl(file_, F_GETLEASE) == F_WRLCK; }
  /// Whether somebody waits for it; not after it was let go.
  bool is_waited_for() const { return file_ >= 0 && !is_held(); }
  void let_go() { ::close(std::exchange(file_, -1)); }

 private:
  int file_;
};

}  // namespace maas::inline MAAS_ABI::tests
