#include "serve/names.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "serve/json_writer.hpp"

namespace maas::inline MAAS_ABI::serve {

bool is_model_name(std::string_view name) {
  if (name.empty() || name.size() > 255 || name == "." || name == ".." || name == "stats") return false;
  for (const char c : name)
    if (c == '/' || c == ':' || static_cast<unsigned char>(c) < 32 || c == 127) return false;
  return is_utf8(name);
}

bool is_file_name(std::string_view name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  return !name.empty() && name.size() <= 100 && name[0] != '.' && std::ranges::all_of(name, is_plain);
}

std::string escaped(std::string_view name) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";
  std::string text;
  for (const char c : name)
    text += plain.find(c) != plain.npos ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return text;
}

}  // namespace maas::inline MAAS_ABI::serve
