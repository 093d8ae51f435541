#include "recipe/raw_targets.hpp"

#include <algorithm>

namespace maas::inline MAAS_ABI::recipe {

namespace {

bool is_among(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What the steps make of a column.
std::vector<std::string> made_of(const std::string& column, const Pipeline& pipeline) {
  std::vector<std::string> names{column};
  for (const Step& step : pipeline.steps()) {
    std::vector<std::string> next;
    for (const std::string& name : names)
      for (std::string& made : step.outputs_of(name)) next.push_back(std::move(made));
    names = std::move(next);
  }
  return names;
}

}  // namespace

std::vector<std::string> raw_targets(const Pipeline& pipeline, const Table& rows) {
  std::vector<std::string> found;
  for (const std::string& target : pipeline.target_names()) {
    std::string column = target;
    if (!rows.contains(target))
      for (const std::string& name : rows.names())
        if (is_among(made_of(name, pipeline), target)) column = name;
    if (!is_among(found, column)) found.push_back(column);
  }
  return found;
}

}  // namespace maas::inline MAAS_ABI::recipe
