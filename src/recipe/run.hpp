// What running a recipe for tables and one for forecasts have in common.
#pragma once

#include <string>

#include "maas/recipe/recipe.hpp"
#include "recipe/place.hpp"

namespace maas::inline MAAS_ABI::recipe {

/// The rows of all files, what was found in them, and how many came twice and are left out.
struct RecipeRowsRead {
  Table table;
  DataReport found;
  Index duplicates;
};
RecipeRowsRead read_rows(const Recipe& recipe);

/// The file that keeps the state of the training; empty for none. Throws ConfigError for one that is there already and
/// is not to be resumed from.
std::string backup_path(const Recipe& recipe, const RunOptions& options);

/// What fit is told, with new callbacks: those of the run, of the recipe, and the backup.
FitOptions fit_options(const Recipe& recipe, const RunOptions& options);

/// Numbers in a value of this shape. Throws ConfigError for more than any file may have.
Index checked_size(const Shape& shape, const Place& place);

/// Layers say what they need before any memory is taken: sizes in a recipe may be anything. The first one is the input.
/// Throws ConfigError for more numbers in a sample, in a weight or in all weights than any file may have.
void check_sizes(const std::vector<Layer>& chain, const Place& place);

/// Throws a ConfigError for what is wrong with the network, with its place in front where it has none.
[[noreturn]] void fail_network(const Recipe& recipe, const Error& error);

/// Whether the last loss is a number.
bool is_finite(const History& history);

RecipeResult run_forecast(const Recipe& recipe, const RunOptions& options);

}  // namespace maas::inline MAAS_ABI::recipe
