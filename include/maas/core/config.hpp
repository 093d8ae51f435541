// Config: the plain tree of values that parts write themselves to and are read from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "maas/core/error.hpp"
#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI {

/// A value as JSON knows it: null, boolean, integer, real, string, list or object. Objects keep the order in which
/// keys were set. It is what stands between parts and file formats: neither sees the other.
class Config {
 public:
  using List = std::vector<Config>;
  using Object = std::vector<std::pair<std::string, Config>>;

  // Bodies are out of line: a variant copied, moved and destroyed in every reader and writer of fields made the
  // families of parts slow to compile and large.
  Config();
  Config(std::nullptr_t);
  Config(bool value);
  Config(int value);
  Config(std::int64_t value);
  Config(double value);
  Config(std::string value);
  Config(std::string_view value);
  Config(const char* value);
  Config(List value);
  Config(Object value);
  Config(const Config& other);
  Config(Config&& other) noexcept;
  Config& operator=(const Config& other);
  Config& operator=(Config&& other) noexcept;
  ~Config();

  bool is_null() const { return value_.index() == 0; }
  bool is_bool() const { return value_.index() == 1; }
  bool is_integer() const { return value_.index() == 2; }
  /// An integer or a real.
  bool is_number() const { return value_.index() == 2 || value_.index() == 3; }
  bool is_string() const { return value_.index() == 4; }
  bool is_list() const { return value_.index() == 5; }
  bool is_object() const { return value_.index() == 6; }

  /// The value as a type. `where` names it in the ConfigError that a value of another kind throws.
  /// A real that is a whole number passes as an integer, and an integer as a real.
  bool as_bool(std::string_view where = "value") const;
  std::int64_t as_integer(std::string_view where = "value") const;
  double as_real(std::string_view where = "value") const;
  const std::string& as_string(std::string_view where = "value") const;
  const List& as_list(std::string_view where = "value") const;
  const Object& as_object(std::string_view where = "value") const;
  List& as_list(std::string_view where = "value");

  /// The value under a key of an object, or null (no pointer) if there is none or this is no object.
  const Config* find(std::string_view key) const;
  /// The value under a key; throws ConfigError naming the key and the keys there are.
  const Config& at(std::string_view key) const;
  bool contains(std::string_view key) const { return find(key) != nullptr; }
  /// Sets a key of an object (a null becomes an empty object first); returns *this for chaining.
  Config& set(std::string_view key, Config value);
  /// Adds a key to an object without looking whether it is there already: for readers that have.
  void append(std::string key, Config value);
  /// Removes a key if it is there.
  void erase(std::string_view key);

  /// "null", "bool", "integer", "real", "string", "list" or "object".
  std::string_view kind() const;
  /// The value as one line of JSON (NaN and infinities as Python writes them); for messages and comparisons.
  std::string text() const;

  /// Same kind and same value; objects also by the order of their keys.
  bool operator==(const Config& other) const;

 private:
  [[noreturn]] void wrong_kind(std::string_view where, std::string_view expected) const;

  std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Object> value_;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/core/config-inl.hpp"
#endif
