// Where the programs on tables find their data and recipes.
#pragma once

#include <fmt/core.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

/// Options --data FOLDER and --recipes FOLDER. Data is named from the root: files in a recipe are looked for beside it.
struct Folders {
  std::string data = "../shared/data/traffic", recipes = "examples/recipes";

  Folders(int count, char** arguments) {
    for (int i = 1; i + 1 < count; i += 2) (std::string(arguments[i]) == "--data" ? data : recipes) = arguments[i + 1];
    data = std::filesystem::absolute(data).string();
  }
};

/// Calls run(folders); what it throws is printed, and the exit code then is 1.
template <class Run>
int run_in_folders(const char* program, int count, char** arguments, Run&& run) {
  try {
    return run(Folders(count, arguments));
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", program, error.what());
    return 1;
  }
}
