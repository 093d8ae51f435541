// Bodies of NewFile.
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "maas/core/new_file.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline std::string resolved(const std::string& path) {
  char* real = ::realpath(path.c_str(), nullptr);
  if (real == nullptr) return path;
  std::string result = real;
  ::free(real);
  return result;
}

inline std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace detail

MAAS_INLINE NewFile::NewFile(const std::string& target) : target_(detail::resolved(target)) {
  static std::atomic<unsigned> counter{0};
  for (int attempt = 0; attempt < 100 && file_ < 0; ++attempt) {
    temporary_ = target_ + ".new-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
    file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file_ < 0 && errno != EEXIST) break;
  }
  require<FormatError>(file_ >= 0, "{}: cannot be written: {}", target, std::strerror(errno));
}

MAAS_INLINE NewFile::~NewFile() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(temporary_.c_str());
}

MAAS_INLINE void NewFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    require<FormatError>(written > 0, "{}: cannot be written: {}", target_, std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

MAAS_INLINE void NewFile::commit() {
  const bool flushed = ::fsync(file_) == 0;
  require<FormatError>(flushed, "{}: cannot be written: {}", target_, std::strerror(errno));
  const bool renamed = ::rename(temporary_.c_str(), target_.c_str()) == 0;
  require<FormatError>(renamed, "{}: cannot be replaced: {}", target_, std::strerror(errno));
  ::close(file_);
  file_ = -1;
  // The rename itself survives a loss of power only once the folder is on the disk. Some file systems cannot; then it
  // is still visible to every reader.
  const int folder = ::open(detail::folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  ::fsync(folder);
  ::close(folder);
}

}  // namespace maas::inline MAAS_ABI
