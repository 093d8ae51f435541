// Fields of the plain types to and from config.
#pragma once

#include <algorithm>

#include "maas/core/fields.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Config to_config(bool value) { return value; }

MAAS_INLINE Config to_config(int value) { return value; }

MAAS_INLINE Config to_config(Index value) { return static_cast<std::int64_t>(value); }

MAAS_INLINE Config to_config(double value) { return value; }

MAAS_INLINE Config to_config(const std::string& value) { return value; }

MAAS_INLINE Config to_config(const Shape& value) {
  Config::List list;
  for (Index dimension : value) list.emplace_back(static_cast<std::int64_t>(dimension));
  return list;
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, bool& value) {
  value = config.as_bool(where);
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, int& value) {
  const std::int64_t number = config.as_integer(where);
  require<ConfigError>(number >= -2147483647 && number <= 2147483647, "{}: expected a number of 32 bits, got {}", where,
                       number);
  value = static_cast<int>(number);
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, Index& value) {
  value = static_cast<Index>(config.as_integer(where));
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, double& value) {
  value = config.as_real(where);
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, std::string& value) {
  value = config.as_string(where);
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, Shape& value) {
  Shape shape;
  for (const Config& dimension : config.as_list(where)) shape.append(static_cast<Index>(dimension.as_integer(where)));
  value = shape;
}

MAAS_INLINE const Config* detail::FieldReader::next(std::string_view name) {
  known_.push_back(name);
  const Config* given = config_.find(name);
  if (given == nullptr) return nullptr;
  ++used_;
  place_.assign(where_).append(" ").append(name);
  return given;
}

MAAS_INLINE void detail::FieldReader::finish() const {
  if (config_.is_null() || used_ == config_.as_object(where_).size()) return;
  std::string known;
  for (std::string_view name : known_) known.append(known.empty() ? "" : ", ").append(name);
  for (const auto& entry : config_.as_object(where_))
    require<ConfigError>(std::find(known_.begin(), known_.end(), entry.first) != known_.end(),
                         "{}: expected one of: {}; got the key \"{}\"", where_, known.empty() ? "no keys" : known,
                         entry.first);
}

}  // namespace maas::inline MAAS_ABI
