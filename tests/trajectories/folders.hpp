// Where the fixtures are.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "support/paths.hpp"

namespace replay {

/// The folder of that name: below MAAS_FIXTURES if that is set, else beside the repository, else the small one in it.
inline std::string fixtures_folder(const std::string& name) {
  const std::string folder = maas::tests::fixture(name);
  const bool is_there = std::getenv("MAAS_FIXTURES") != nullptr || std::filesystem::is_directory(folder);
  return is_there ? folder : maas::tests::own_fixture(name);
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
