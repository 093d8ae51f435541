#include "serve/json_writer.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace maas::inline MAAS_ABI::serve {

namespace {

// How many bytes the character at the beginning of the text has; 0 if it is none of UTF-8.
std::size_t character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i) { return byte(i) >> 6 == 2; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first < 0xF0) {
    const bool is_long = first == 0xE0 && byte(1) < 0xA0, is_surrogate = first == 0xED && byte(1) >= 0xA0;
    return follows(1) && follows(2) && !is_long && !is_surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first < 0xF5) {
    const bool is_long = first == 0xF0 && byte(1) < 0x90, is_beyond = first == 0xF4 && byte(1) >= 0x90;
    return follows(1) && follows(2) && follows(3) && !is_long && !is_beyond ? 4 : 0;
  }
  return 0;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

void append_text(std::string& out, std::string_view text) {
  const auto is_plain = [](char c) { return c >= 32 && c < 127 && c != '"' && c != '\\'; };
  out += '"';
  while (true) {
    const auto end = std::ranges::find_if_not(text, is_plain);  // mostly all of it
    out.append(text.begin(), end);
    text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
    if (text.empty()) break;
    const std::size_t bytes = character_bytes(text);
    const char c = text[0];
    if (bytes == 0)
      out += "\\ufffd";
    else if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (static_cast<unsigned char>(c) < 32 || c == 127)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      out += text.substr(0, bytes);
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  out += '"';
}

std::string json_text(std::string_view text) {
  std::string out;
  append_text(out, text);
  return out;
}

void append_number(std::string& out, Scalar value, Whole whole, std::string_view nonfinite) {
  if (!std::isfinite(value)) {
    out += !nonfinite.empty() ? nonfinite : std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
    return;
  }
  char digits[32];
  const char* end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  const std::string_view text(digits, static_cast<std::size_t>(end - digits));
  out += text;
  // A minus zero is no whole number: readers that have some would lose its sign.
  if ((whole == Whole::with_point || text == "-0") && text.find_first_of(".e") == text.npos) out += ".0";
}

void append_whole(std::string& out, std::int64_t value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void append_flat(std::string& out, std::span<const Scalar> values, Whole whole, std::string_view nonfinite) {
  out += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ',';
    append_number(out, values[i], whole, nonfinite);
  }
  out += ']';
}

void append_nested(std::string& out, const Scalar* values, std::span<const Index> lengths, Whole whole) {
  if (lengths.empty()) return append_number(out, *values, whole);
  if (lengths.size() == 1) return append_flat(out, {values, static_cast<std::size_t>(lengths[0])}, whole);
  Index step = 1;
  for (Index length : lengths.subspan(1)) step *= length;
  out += '[';
  for (Index i = 0; i < lengths[0]; ++i) {
    if (i > 0) out += ',';
    append_nested(out, values + i * step, lengths.subspan(1), whole);
  }
  out += ']';
}

}  // namespace maas::inline MAAS_ABI::serve
