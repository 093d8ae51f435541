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

Config to_config(bool value);
Config to_config(int value);
Config to_config(Index value);
Config to_config(double value);
Config to_config(const std::string& value);
Config to_config(const Shape& value);

void from_config(const Config& config, std::string_view where, bool& value);
void from_config(const Config& config, std::string_view where, int& value);
void from_config(const Config& config, std::string_view where, Index& value);
void from_config(const Config& config, std::string_view where, double& value);
void from_config(const Config& config, std::string_view where, std::string& value);
void from_config(const Config& config, std::string_view where, Shape& value);

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

namespace detail {

/// Goes through the fields of a part beside the object they are read from: what of read_config does not depend on the
/// part.
class FieldReader {
 public:
  FieldReader(const Config& config, std::string_view where) : config_(config), where_(where) {}
  /// What the object gives for the next field, or null.
  const Config* next(std::string_view name);
  /// "Dense units", the place of the last field for messages.
  const std::string& place() const { return place_; }
  /// Throws ConfigError if the object has a key that was no field.
  void finish() const;

 private:
  const Config& config_;
  std::string_view where_;
  std::string place_;
  std::vector<std::string_view> known_;
  std::size_t used_ = 0;
};

}  // namespace detail

/// A part from its fields. Fields that are not there keep their defaults; a key that is no field throws a ConfigError
/// that lists the fields there are. `where` names the part in messages.
template <class Part>
Part read_config(const Config& config, std::string_view where = Part::class_name) {
  Part part{};
  detail::FieldReader reader(config, where);
  if constexpr (HasFields<Part>)
    Part::fields(part, [&](std::string_view name, auto& value) {
      if (const Config* given = reader.next(name)) from_config(*given, reader.place(), value);
    });
  reader.finish();
  return part;
}

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/core/fields-inl.hpp"
#endif
