// Where the fixtures are.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace replay {

/// The folder of that name: below MAAS_FIXTURES if that is set, else beside the repository, else the small one in it.
inline std::string fixtures_folder(const std::string& name) {
  if (const char* chosen = std::getenv("MAAS_FIXTURES")) return std::string(chosen) + "/" + name;
  const std::string shared = std::string(MAAS_SHARED_DIR) + "/fixtures/data/" + name;
  return std::filesystem::is_directory(shared) ? shared : std::string(MAAS_FIXTURES_DIR) + "/" + name;
}

/// File names in a folder with that ending, sorted.
inline std::vector<std::string> files_with_ending(const std::string& folder, const std::string& ending) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().filename().string().ends_with(ending)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace replay
