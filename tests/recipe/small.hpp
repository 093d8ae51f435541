// A small recipe with its data, for tests.
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "maas/recipe/recipe.hpp"
#include "support/catch.hpp"

namespace maas::inline MAAS_ABI::tests {

inline void write_text(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

inline std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// y = 2 x + 1, by the hour; a kind beside it.
inline void write_line_csv(const std::string& path, int rows = 60) {
  std::string text = "time,x,kind,y\n";
  for (int i = 0; i < rows; ++i)
    text += fmt::format("2024-01-0{} {:02d}:00,{},{},{}\n", 1 + i / 24, i % 24, i % 7, i % 7 > 3 ? "big" : "small",
                        2 * (i % 7) + 1);
  write_text(path, text);
}

inline const std::string line_recipe = R"({
  "name": "A line",
  "data": {"files": "line.csv"},
  "split": {"validation": 0.2, "test": 0.2},
  "pipeline": {"steps": [{"class": "standard", "columns": ["x"]}], "features": ["x"], "targets": ["y"]},
  "network": {"layers": [{"class": "dense", "units": 1}]},
  "training": {"optimizer": {"class": "adam", "learning_rate": 0.1}, "loss": "mse", "metrics": ["mae"], "epochs": 200},
  "output": {}
})";

inline const RunOptions silent{.verbose = 0};

/// The recipe of a line, with changes.
inline Recipe line(const std::vector<std::string>& changes = {}) {
  return parse_recipe(line_recipe, "r.json", changes);
}

/// What reading the recipe that `make(changes)` gives is refused with; empty where it is not.
template <class Make>
std::string problem_of(Make&& make, const std::vector<std::string>& changes) {
  try {
    make(changes);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace maas::inline MAAS_ABI::tests
