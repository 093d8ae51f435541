// Catalog: from a class name in a file to a part, one list a family.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "maas/core/config.hpp"
#include "maas/core/fields.hpp"

namespace maas::inline MAAS_ABI {

/// One class a reader knows: its name, and how to make it from its fields.
template <class Family>
struct CatalogEntry {
  std::string_view class_name;
  Family (*make)(const Config&);
};

namespace detail {

/// The list of a catalog. No inline function: whoever calls it builds every part of the family, so the lists of maas
/// are built once, in the library (see the `extern template` beside each family).
template <class Catalog>
std::span<const typename Catalog::Entry> entries_of() {
  return Catalog::list();
}

}  // namespace detail

/// The classes of a family by name. `Catalog<Layer, Dense, Dropout>` lists two; order is the order of messages.
template <class Family, class... Parts>
struct Catalog {
  using Entry = CatalogEntry<Family>;

  /// The classes in order.
  static std::span<const Entry> entries() { return detail::entries_of<Catalog>(); }

  /// The part of that class with these fields. Throws ConfigError for an unknown name (listing the known ones),
  /// an unknown key or a value out of range. `more` are classes of the user's own, looked at first.
  static Family make(std::string_view name, const Config& config, std::string_view kind = "class",
                     std::span<const Entry> more = {}) {
    for (const Entry& entry : more)
      if (entry.class_name == name) return entry.make(config);
    for (const Entry& entry : entries())
      if (entry.class_name == name) return entry.make(config);
    fail<ConfigError>("unknown {} \"{}\"; maas knows {}", kind, name, names(more));
  }

  /// All class names, separated by commas.
  static std::string names(std::span<const Entry> more = {}) {
    std::string result;
    for (const Entry& entry : entries()) result += (result.empty() ? "" : ", ") + std::string(entry.class_name);
    for (const Entry& entry : more) result += ", " + std::string(entry.class_name);
    return result;
  }

  /// Calls `visit` with a default-made struct of every class: how tests reach every member of a family.
  static void for_each(auto&& visit) { (visit(Parts{}), ...); }

 private:
  friend std::span<const Entry> detail::entries_of<Catalog>();
  static std::span<const Entry> list() {
    static constexpr Entry entries[] = {
        {Parts::class_name, [](const Config& config) -> Family { return read_config<Parts>(config); }}...};
    return entries;
  }
};

/// Entries for a user's own classes, to be passed to a reader: `catalog_of<Layer, MyLayer>()`.
template <class Family, class... Parts>
std::vector<CatalogEntry<Family>> catalog_of() {
  const std::span<const CatalogEntry<Family>> entries = Catalog<Family, Parts...>::entries();
  return {entries.begin(), entries.end()};
}

}  // namespace maas::inline MAAS_ABI
