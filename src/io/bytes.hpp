// Bytes: what files are read from: a file, a part of one, or memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "maas/core/error.hpp"

namespace maas::inline MAAS_ABI::io {

/// A run of bytes that can be read at any place. Reading changes nothing, so that many may read at once.
class Bytes {
 public:
  virtual ~Bytes() = default;
  virtual std::uint64_t size() const = 0;
  /// Copies `count` bytes from `at` on. False where they are not all there; then `out` may hold anything.
  virtual bool read(std::uint64_t at, void* out, std::size_t count) const = 0;

  /// True if these bytes stand at `at`.
  bool has(std::uint64_t at, std::string_view bytes) const;
  /// A part as text. Throws FormatError that begins with `where` if it is not all there.
  std::string text(std::uint64_t at, std::size_t count, const std::string& where) const;
};

using BytesPointer = std::shared_ptr<const Bytes>;

/// Opens a file for reading. Throws FormatError where it is missing, empty, a folder, unreadable or no regular file.
BytesPointer open_bytes(const std::string& path);
/// A part of others, which must lie within them.
BytesPointer part_of(BytesPointer whole, std::uint64_t start, std::uint64_t size);
/// Bytes in memory.
BytesPointer held_bytes(std::string bytes);

}  // namespace maas::inline MAAS_ABI::io
