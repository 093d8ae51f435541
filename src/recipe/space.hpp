// The search space of a recipe's tuner: options by the path of their keys.
#pragma once

#include <functional>

#include "maas/recipe/recipe.hpp"
#include "recipe/place.hpp"

namespace maas::inline MAAS_ABI::recipe {

/// Each path has a list of values, or {"low", "high"} with "log" and "integer". Throws ConfigError that names the path.
SearchSpace read_space(const Config& config, const Place& place);

/// Gives the recipe's tuner what puts a trial's values in their places: `whole` is the JSON the recipe was read from,
/// `parse` reads such. All values of lists and both ends of ranges are tried: throws ConfigError that names the path
/// for one that the recipe cannot have there, and for a key that is not to be tuned.
void connect_space(Recipe& recipe, Config whole, const std::function<Recipe(const Config&)>& parse);

}  // namespace maas::inline MAAS_ABI::recipe
