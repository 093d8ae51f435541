// Reading and writing parts through their one list of fields.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "maas/core/config.hpp"
#include "maas/core/shape.hpp"

namespace maas::inline MAAS_ABI {

// A part lists its fields once:
//
//   static void fields(auto& self, auto&& field) { field("units", self.units); field("activation", self.activation); }
//
// A field may be of any type for which to_config and from_config exist. Families of parts add theirs beside the handle.

inline Config to_config(bool value) { return value; }
inline Config to_config(int value) { return value; }
inline Config to_config(Index value) { return static_cast<std::int64_t>(value); }
inline Config to_config(double value) { return value; }
inline Config to_config(const std::string& value) { return value; }
inline Config to_config(const Shape& value) {
  Config::List list;
  for (Index dimension : value) list.emplace_back(static_cast<std::int64_t>(dimension));
  return list;
}

inline void from_config(const Config& config, std::string_view where, bool& value) { value = config.as_bool(where); }
inline void from_config(const Config& config, std::string_view where, int& value) {
  const std::int64_t number = config.as_integer(where);
  require<ConfigError>(number >= -2147483647 && number <= 2147483647, "{}: expected a number of 32 bits, got {}", where,
                       number);
  value = static_cast<int>(number);
}
inline void from_config(const Config& config, std::string_view where, Index& value) {
  value = static_cast<Index>(config.as_integer(where));
}
inline void from_config(const Config& config, std::string_view where, double& value) { value = config.as_real(where); }
inline void from_config(const Config& config, std::string_view where, std::string& value) {
  value = config.as_string(where);
}
inline void from_config(const Config& config, std::string_view where, Shape& value) {
  Shape shape;
  for (const Config& dimension : config.as_list(where)) shape.append(static_cast<Index>(dimension.as_integer(where)));
  value = shape;
}

template <class T>
Config to_config(const std::vector<T>& values);
template <class T>
void from_config(const Config& config, std::string_view where, std::vector<T>& values);
template <class T>
Config to_config(const std::optional<T>& value) {
  return value ? to_config(*value) : Config();
}
template <class T>
void from_config(const Config& config, std::string_view where, std::optional<T>& value) {
  if (config.is_null()) return value.reset();
  from_config(config, where, value.emplace());
}
template <class T>
Config to_config(const std::vector<T>& values) {
  Config::List list;
  for (const T& value : values) list.push_back(to_config(value));
  return list;
}
template <class T>
void from_config(const Config& config, std::string_view where, std::vector<T>& values) {
  values.clear();
  for (const Config& element : config.as_list(where)) from_config(element, where, values.emplace_back());
}

/// A struct that lists its fields.
template <class Part>
concept HasFields = requires(Part& part) {
  Part::fields(part, [](std::string_view, auto&) {});
};

/// The fields of a part by name, in the order they are listed.
template <class Part>
Config write_config(const Part& part) {
  Config result{Config::Object{}};
  if constexpr (HasFields<const Part>)
    Part::fields(part, [&](std::string_view name, const auto& value) { result.set(name, to_config(value)); });
  return result;
}

/// A part from its fields. Fields that are not there keep their defaults; a key that is no field throws a ConfigError
/// that lists the fields there are. `where` names the part in messages.
template <class Part>
Part read_config(const Config& config, std::string_view where = Part::class_name) {
  Part part{};
  std::size_t used = 0;
  std::string known;
  if constexpr (HasFields<Part>)
    Part::fields(part, [&](std::string_view name, auto& value) {
      known += (known.empty() ? "" : ", ") + std::string(name);
      const Config* given = config.find(name);
      if (given == nullptr) return;
      ++used;
      from_config(*given, std::string(where) + " " + std::string(name), value);
    });
  if (config.is_null() || used == config.as_object(where).size()) return part;
  for (const auto& entry : config.as_object(where)) {
    bool found = false;
    if constexpr (HasFields<Part>)
      Part::fields(part, [&](std::string_view name, auto&) { found = found || name == entry.first; });
    require<ConfigError>(found, "{}: expected one of: {}; got the key \"{}\"", where,
                         known.empty() ? std::string("no keys") : known, entry.first);
  }
  return part;
}

}  // namespace maas::inline MAAS_ABI
