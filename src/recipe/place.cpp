#include "recipe/place.hpp"

#include <algorithm>

namespace maas::inline MAAS_ABI::recipe {

namespace {

char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Levenshtein's distance, of names that are short.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (small(a[i]) == small(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string_view nearest(std::string_view name, std::span<const std::string> known) {
  if (name.size() > 100) return {};
  std::string_view best;
  std::size_t least = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const std::string& each : known)
    if (const std::size_t found = distance(name, each); found < least) best = each, least = found;
  return best;
}

void fail_unknown(const Place& place, std::string_view what, std::string_view name,
                  std::span<const std::string> known) {
  std::string list;
  for (const std::string& each : known) list += (list.empty() ? "" : ", ") + each;
  const std::string_view near = nearest(name, known);
  fail<ConfigError>("{}: expected {} of {}; got \"{}\"{}", place.text(), what, list.empty() ? "none" : list,
                    name.substr(0, 100), near.empty() ? "" : fmt::format(", the nearest is \"{}\"", near));
}

std::string plain_name(std::string_view name) {
  std::string result;
  for (const char c : name)
    if (c != '_') result += small(c);
  return result;
}

std::string shown(const Config& value) {
  std::string text = value.text();
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

}  // namespace maas::inline MAAS_ABI::recipe
