// The config of a .keras file. Keras stores the members of that archive unpacked, so no library is needed to find it.
#pragma once

#include <cstdint>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace replay {

/// A little-endian number of 2 or 4 bytes.
inline std::uint64_t little_endian(const std::string& bytes, std::size_t at, int count) {
  std::uint64_t value = 0;
  for (int i = count - 1; i >= 0; --i)
    value = value << 8 | static_cast<unsigned char>(bytes.at(at + static_cast<std::size_t>(i)));
  return value;
}

/// The bytes of a member that a zip archive holds unpacked. Throws std::runtime_error where there is none.
inline std::string unpacked_member(const std::string& path, const std::string& name) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::size_t end = bytes.rfind("PK\5\6");  // the record that ends an archive
  if (end == std::string::npos) throw std::runtime_error(path + ": is no zip archive");
  std::size_t at = little_endian(bytes, end + 16, 4);
  for (std::uint64_t left = little_endian(bytes, end + 10, 2); left > 0; --left) {
    const std::uint64_t method = little_endian(bytes, at + 10, 2), size = little_endian(bytes, at + 24, 4);
    const std::uint64_t name_size = little_endian(bytes, at + 28, 2);
    const std::uint64_t others = little_endian(bytes, at + 30, 2) + little_endian(bytes, at + 32, 2);
    const std::uint64_t member = little_endian(bytes, at + 42, 4);
    if (bytes.substr(at + 46, name_size) == name) {
      if (method != 0) throw std::runtime_error(path + ": " + name + " is packed");
      return bytes.substr(member + 30 + little_endian(bytes, member + 26, 2) + little_endian(bytes, member + 28, 2),
                          size);
    }
    at += 46 + name_size + others;
  }
  throw std::runtime_error(path + ": there is no " + name);
}

}  // namespace replay
