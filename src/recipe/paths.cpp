#include "recipe/paths.hpp"

#include <span>
#include <vector>

#include "maas/core/error.hpp"
#include "recipe/place.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

struct PathStep {
  std::string key;  // or
  std::size_t item = 0;
  bool is_item = false;
};

std::vector<PathStep> steps_of(std::string_view path, const std::string& where) {
  std::vector<PathStep> steps;
  const auto refuse = [&] {
    fail<ConfigError>("{}: expected a path such as training.epochs or network.layers[0].units, and a value", where);
  };
  while (!path.empty()) {
    if (path.front() == '[') {
      const std::size_t end = path.find(']');
      if (end == std::string_view::npos || end < 2 || end > 7) refuse();
      PathStep step{.key = {}, .is_item = true};
      for (const char c : path.substr(1, end - 1)) {
        if (c < '0' || c > '9') refuse();
        step.item = step.item * 10 + static_cast<std::size_t>(c - '0');
      }
      steps.push_back(step);
      path.remove_prefix(end + 1);
      if (path.starts_with('.')) path.remove_prefix(1);
      continue;
    }
    const std::size_t end = std::min(path.find_first_of(".["), path.size());
    if (end == 0) refuse();
    steps.push_back({.key = std::string(path.substr(0, end))});
    path.remove_prefix(end);
    if (path.starts_with('.')) {
      path.remove_prefix(1);
      if (path.empty()) refuse();
    }
  }
  if (steps.empty()) refuse();
  return steps;
}

Config changed(const Config& base, std::span<const PathStep> steps, Config value, const std::string& where) {
  if (steps.empty()) return value;
  const PathStep& step = steps.front();
  if (step.is_item) {
    require<ConfigError>(base.is_list() && step.item < base.as_list().size(),
                         "{}: there is no place [{}] in the recipe", where, step.item);
    Config result = base;
    Config& item = result.as_list()[step.item];
    item = changed(item, steps.subspan(1), std::move(value), where);
    return result;
  }
  require<ConfigError>(base.is_object() || base.is_null() || base.is_string(), "{}: \"{}\" is no key of {}", where,
                       step.key, shown(base));
  Config result = base;
  if (base.is_null()) result = Config(Config::Object{});
  if (base.is_string()) result = Config{}.set("class", base);
  const Config* inner = result.find(step.key);
  Config next = changed(inner != nullptr ? *inner : Config(), steps.subspan(1), std::move(value), where);
  result.set(step.key, std::move(next));
  return result;
}

}  // namespace

bool lies_within(std::string_view path, std::string_view whole) {
  return path.starts_with(whole) &&
         (path.size() == whole.size() || path[whole.size()] == '.' || path[whole.size()] == '[');
}

void check_path(std::string_view path, const std::string& where) { steps_of(path, where); }

Config with_value(const Config& tree, std::string_view path, Config value, const std::string& where) {
  return changed(tree, steps_of(path, where), std::move(value), where);
}

}  // namespace maas::inline MAAS_ABI::recipe
