// NewFile: a file that appears whole or not at all.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "maas/core/error.hpp"

namespace maas::inline MAAS_ABI {

/// A temporary file beside its target. commit() flushes it to the disk and renames it over the target; without commit
/// it is removed and the target stays as it was. So a reader, or a machine that loses power, finds the old file or the
/// new one, never a part of one. If the target is a symbolic link, the file it points to is replaced, or made. A file
/// that is replaced hands its permissions on, and its owner and group where this process may give them.
class NewFile {
 public:
  /// Makes the temporary file. Throws FormatError where that is not possible (no such folder, no permission, disk
  /// full), and where the target is no regular file (a device, a pipe, a folder) or the one that the standard output
  /// goes to.
  explicit NewFile(const std::string& target);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile();

  /// The path to write to, by any means.
  const std::string& temporary() const { return temporary_; }
  /// Writes bytes to the temporary file. Throws FormatError when the disk is full.
  void write(std::string_view bytes);
  /// Makes the target appear. Throws FormatError; the target then is as it was.
  void commit();

 private:
  struct Access {
    unsigned mode, owner, group;
  };
  void keep_access();

  std::string target_, temporary_;
  std::optional<Access> old_;  // of the file that is replaced
  int file_ = -1;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/core/new_file-inl.hpp"
#endif
