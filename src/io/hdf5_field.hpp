// Field: the bytes of one structure of an HDF5 file, read in order and never beyond their end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "io/bytes.hpp"

namespace maas::inline MAAS_ABI::io {

/// What HDF5 writes for "no address".
inline constexpr std::uint64_t no_address = ~std::uint64_t{0};

/// Bytes in the order in which HDF5 wrote them: numbers are little-endian. All throw FormatError with the place in the
/// file where the structure ends too early or is not what it should be.
class Field {
 public:
  /// `where` begins every message: the file and what the structure belongs to. `at` is its place in the file.
  Field(std::string bytes, std::string where, std::uint64_t at)
      : bytes_(std::move(bytes)), where_(std::move(where)), at_(at) {}

  /// An unsigned number of 1 to 8 bytes.
  std::uint64_t number(std::size_t bytes);
  std::uint64_t address() { return number(8); }
  void skip(std::size_t count);
  /// The next bytes as a field of their own.
  Field part(std::size_t count);
  /// The same from so many bytes on; those before it and it itself stay to be read.
  Field part_at(std::size_t skipped, std::size_t count) const;
  /// A text that ends with a zero, without it.
  std::string text();
  std::size_t left() const { return bytes_.size() - place_; }
  std::size_t place() const { return place_; }
  std::uint64_t at() const { return at_ + place_; }
  std::string_view read() const { return std::string_view(bytes_).substr(0, place_); }
  std::string_view rest() const { return std::string_view(bytes_).substr(place_); }

  /// Throws FormatError "<where>: damaged at byte <place>: <what>" unless it holds.
  void expect(bool right, std::string_view what) const;

 private:
  std::string bytes_, where_;
  std::uint64_t at_;
  std::size_t place_ = 0;
};

/// The next multiple of 8.
inline std::uint64_t padded(std::uint64_t size) { return (size + 7) / 8 * 8; }

}  // namespace maas::inline MAAS_ABI::io
