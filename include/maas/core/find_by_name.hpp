// Finding a class of a family by any of the names Keras has for it.
#pragma once

#include <span>
#include <string_view>
#include <utility>

#include "maas/core/catalog.hpp"
#include "maas/core/names.hpp"

namespace maas::inline MAAS_ABI::detail {

/// A short name and the full one it stands for.
using Alias = std::pair<std::string_view, std::string_view>;

/// The entry of a class by its own name, that in snake case, or an alias; null if there is none.
template <class Catalog>
const typename Catalog::Entry* find_by_name(std::string_view name, std::span<const Alias> aliases = {}) {
  for (const auto& [alias, full] : aliases)
    if (name == alias) name = full;
  for (const auto& entry : Catalog::entries())
    if (name == entry.class_name || name == snake_case(entry.class_name)) return &entry;
  return nullptr;
}

/// True if a part of this class and these fields is just what its name alone gives.
template <class Catalog>
bool has_default_fields(std::string_view class_name, const Config& fields) {
  for (const auto& entry : Catalog::entries())
    if (entry.class_name == class_name) return entry.make(Config{}).config() == fields;
  return false;
}

}  // namespace maas::inline MAAS_ABI::detail
