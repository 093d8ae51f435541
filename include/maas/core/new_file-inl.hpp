// Bodies of NewFile.
#pragma once

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "maas/core/new_file.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Where links lead; a link to nothing yet leads to a new file.
inline std::string resolved(std::string path) {
  constexpr int most_links = 40;
  for (int links = 0; links < most_links; ++links) {
    if (char* real = ::realpath(path.c_str(), nullptr)) {
      path = real;
      ::free(real);
      return path;
    }
    std::array<char, PATH_MAX> text;
    const ssize_t size = ::readlink(path.c_str(), text.data(), text.size());
    if (size <= 0) return path;
    const std::string next(text.data(), static_cast<std::size_t>(size));
    path = next[0] == '/' ? next : folder_of(path) + "/" + next;
  }
  return path;
}

inline const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  return S_ISSOCK(mode) ? "a socket" : "a device";
}

// A rename puts a regular file in the place of whatever is there: of a device, of a pipe somebody reads from, of the
// file that this program's own lines go to.
inline void require_replaceable(const struct stat& found, const std::string& path) {
  require<FormatError>(S_ISREG(found.st_mode), "{}: expected a regular file or a new one, got {}", path,
                       kind_of(found.st_mode));
  struct stat output {};
  const bool own =
      ::fstat(STDOUT_FILENO, &output) == 0 && output.st_dev == found.st_dev && output.st_ino == found.st_ino;
  require<FormatError>(!own, "{}: expected a file of its own, got the one that the standard output goes to", path);
}

// The beginning of a path that leaves room for more at its end: file systems take names of 255 bytes.
inline std::string beginning_of(const std::string& path) {
  constexpr std::size_t longest = 200;
  std::size_t end = std::min(path.size(), path.rfind('/') + 1 + longest);                     // npos + 1 is 0
  while (end < path.size() && (static_cast<unsigned char>(path[end]) & 0xC0) == 0x80) --end;  // within a character
  return path.substr(0, end);
}

}  // namespace detail

MAAS_INLINE NewFile::NewFile(const std::string& target) : target_(detail::resolved(target)) {
  struct stat found {};
  if (::stat(target.c_str(), &found) == 0) {
    detail::require_replaceable(found, target);
    old_ = {.mode = found.st_mode & 0777u, .owner = found.st_uid, .group = found.st_gid};
  } else {
    require<FormatError>(errno == ENOENT, "{}: cannot be written: {}", target, std::strerror(errno));
  }
  static std::atomic<unsigned> counter{0};
  for (int attempt = 0; attempt < 100 && file_ < 0; ++attempt) {
    temporary_ = detail::beginning_of(target_) + ".new-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
    file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, old_ ? 0600 : 0666);
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

MAAS_INLINE void NewFile::keep_access() {
  if (!old_) return;
  // Owner and group as far as one may. Where nothing can be set, the file stays its owner's alone.
  const bool same_group =
      ::fchown(file_, old_->owner, old_->group) == 0 || ::fchown(file_, static_cast<uid_t>(-1), old_->group) == 0;
  const unsigned lost = same_group ? 0u : 070u;  // another group was not let in
  if (::fchmod(file_, old_->mode & ~lost) != 0) return;
}

MAAS_INLINE void NewFile::commit() {
  keep_access();
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
