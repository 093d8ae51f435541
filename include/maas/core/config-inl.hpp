// Bodies of Config.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "maas/core/config.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Config::Config() = default;
MAAS_INLINE Config::Config(std::nullptr_t) {}
MAAS_INLINE Config::Config(bool value) : value_(value) {}
MAAS_INLINE Config::Config(int value) : value_(std::int64_t{value}) {}
MAAS_INLINE Config::Config(std::int64_t value) : value_(value) {}
MAAS_INLINE Config::Config(double value) : value_(value) {}
MAAS_INLINE Config::Config(std::string value) : value_(std::move(value)) {}
MAAS_INLINE Config::Config(std::string_view value) : value_(std::string(value)) {}
MAAS_INLINE Config::Config(const char* value) : value_(std::string(value)) {}
MAAS_INLINE Config::Config(List value) : value_(std::move(value)) {}
MAAS_INLINE Config::Config(Object value) : value_(std::move(value)) {}
MAAS_INLINE Config::Config(const Config& other) = default;
MAAS_INLINE Config::Config(Config&& other) noexcept = default;
MAAS_INLINE Config& Config::operator=(const Config& other) = default;
MAAS_INLINE Config& Config::operator=(Config&& other) noexcept = default;
MAAS_INLINE Config::~Config() = default;

MAAS_INLINE bool Config::operator==(const Config& other) const { return value_ == other.value_; }

MAAS_INLINE std::string_view Config::kind() const {
  static constexpr std::string_view kinds[] = {"null", "bool", "integer", "real", "string", "list", "object"};
  return kinds[value_.index()];
}

MAAS_INLINE void Config::wrong_kind(std::string_view where, std::string_view expected) const {
  std::string shown = text();
  if (shown.size() > 60) shown = shown.substr(0, 57) + "...";
  fail<ConfigError>("{}: expected {}, got {} {}", where, expected, kind(), shown);
}

MAAS_INLINE bool Config::as_bool(std::string_view where) const {
  if (!is_bool()) wrong_kind(where, "true or false");
  return std::get<bool>(value_);
}

MAAS_INLINE std::int64_t Config::as_integer(std::string_view where) const {
  if (is_integer()) return std::get<std::int64_t>(value_);
  const double* real = std::get_if<double>(&value_);
  if (real == nullptr || *real != std::floor(*real) || std::abs(*real) > 9007199254740992.0)
    wrong_kind(where, "a whole number");
  return static_cast<std::int64_t>(*real);
}

MAAS_INLINE double Config::as_real(std::string_view where) const {
  if (is_integer()) return static_cast<double>(std::get<std::int64_t>(value_));
  if (!is_number()) wrong_kind(where, "a number");
  return std::get<double>(value_);
}

MAAS_INLINE const std::string& Config::as_string(std::string_view where) const {
  if (!is_string()) wrong_kind(where, "a string");
  return std::get<std::string>(value_);
}

MAAS_INLINE const Config::List& Config::as_list(std::string_view where) const {
  if (!is_list()) wrong_kind(where, "a list");
  return std::get<List>(value_);
}

MAAS_INLINE Config::List& Config::as_list(std::string_view where) {
  if (!is_list()) wrong_kind(where, "a list");
  return std::get<List>(value_);
}

MAAS_INLINE const Config::Object& Config::as_object(std::string_view where) const {
  if (!is_object()) wrong_kind(where, "an object");
  return std::get<Object>(value_);
}

MAAS_INLINE const Config* Config::find(std::string_view key) const {
  const auto* object = std::get_if<Object>(&value_);
  if (object == nullptr) return nullptr;
  auto entry = std::ranges::find(*object, key, &Object::value_type::first);
  return entry == object->end() ? nullptr : &entry->second;
}

MAAS_INLINE const Config& Config::at(std::string_view key) const {
  const Config* value = find(key);
  if (value != nullptr) return *value;
  std::string known;
  for (const auto& [name, unused] : as_object(key)) known += (known.empty() ? "" : ", ") + name;
  fail<ConfigError>("expected a key \"{}\", got only: {}", key, known.empty() ? "no keys" : known);
}

MAAS_INLINE Config& Config::set(std::string_view key, Config value) {
  if (is_null()) value_ = Object{};
  if (!is_object()) wrong_kind(key, "an object to set a key of");
  auto& object = std::get<Object>(value_);
  auto entry = std::ranges::find(object, key, &Object::value_type::first);
  if (entry != object.end())
    entry->second = std::move(value);
  else
    object.emplace_back(std::string(key), std::move(value));
  return *this;
}

MAAS_INLINE void Config::append(std::string key, Config value) {
  std::get<Object>(value_).emplace_back(std::move(key), std::move(value));
}

MAAS_INLINE void Config::erase(std::string_view key) {
  if (auto* object = std::get_if<Object>(&value_))
    std::erase_if(*object, [&](const auto& e) { return e.first == key; });
}

namespace detail {

inline std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (static_cast<unsigned char>(c) < 0x20)
      result += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    else
      result += c;
  }
  return result + '"';
}

inline std::string real_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  std::string result = fmt::format("{}", value);
  if (result.find_first_of(".e") == std::string::npos) result += ".0";
  return result;
}

}  // namespace detail

MAAS_INLINE std::string Config::text() const {
  if (is_null()) return "null";
  if (is_bool()) return std::get<bool>(value_) ? "true" : "false";
  if (is_integer()) return std::to_string(std::get<std::int64_t>(value_));
  if (is_number()) return detail::real_text(std::get<double>(value_));
  if (is_string()) return detail::quoted(std::get<std::string>(value_));
  std::string result;
  if (is_list()) {
    for (const Config& element : std::get<List>(value_)) result += (result.empty() ? "" : ", ") + element.text();
    return "[" + result + "]";
  }
  for (const auto& [key, value] : std::get<Object>(value_))
    result += (result.empty() ? "" : ", ") + detail::quoted(key) + ": " + value.text();
  return "{" + result + "}";
}

}  // namespace maas::inline MAAS_ABI
