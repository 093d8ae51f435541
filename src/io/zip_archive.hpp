// Zip archives, as Keras uses them: a few members, stored or deflated. zip_archive.cpp alone knows libzip; where maas
// is built without it, no_zip_archive.cpp stands in its place and refuses.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/bytes.hpp"

namespace maas::inline MAAS_ABI::io {

/// Whether the first bytes are those of a zip archive.
inline bool is_zip(const Bytes& bytes) { return bytes.has(0, "PK\x03\x04") || bytes.has(0, "PK\x05\x06"); }

/// Reads an archive that may be hostile: directory and members must agree, and nothing is read before its size is known
/// to be within bounds. Errors are FormatErrors that begin with the archive's name.
class ZipReader {
 public:
  /// Opens bytes, which errors call `shown`. Bytes before the archive are passed over where its directory counts them.
  /// Throws for what is no archive, cut off, inconsistent, or has two members of one name or more than 1000 of them.
  ZipReader(BytesPointer bytes, std::string shown);

  const std::vector<std::string>& names() const { return names_; }
  bool has(std::string_view name) const;
  /// A member's bytes; those of a stored one stay where they lie. Throws where there is no such member, for one that is
  /// encrypted, packed by another method than deflate, larger than `most`, inflated more than a hundredfold (above 1
  /// MiB), or whose checksum is wrong.
  BytesPointer member(const std::string& name, std::uint64_t most) const;

 private:
  struct Self;
  std::string shown_;
  std::shared_ptr<Self> self_;
  std::vector<std::string> names_;
};

/// Writes members, stored, behind what a file already holds; offsets count from the start of the file. The same members
/// give the same bytes.
class ZipWriter {
 public:
  /// `path` is the file to write to; `shown` is the one named in errors.
  ZipWriter(const std::string& path, std::string shown);
  ~ZipWriter();

  /// Adds a member, whose bytes must stay until close().
  void add(const std::string& name, std::string_view bytes);
  /// Writes it all. Throws FormatError when the disk is full.
  void close();

 private:
  struct Self;
  std::string shown_;
  std::unique_ptr<Self> self_;
};

}  // namespace maas::inline MAAS_ABI::io
