// What a run of a forecast in memory and one in a stream have in common.
#pragma once

#include <string>
#include <vector>

#include "maas/core/new_file.hpp"
#include "maas/recipe/recipe.hpp"
#include "maas/recipe/report.hpp"

namespace maas::inline MAAS_ABI::recipe {

/// One line a window, horizon and sensor; before the first of them a heading.
void write_forecasts(NewFile& file, const Forecasts& forecasts, bool with_heading);

/// Before the training, which would be in vain: throws DataError where no window fits into so many rows for the test.
void check_test_size(const Recipe& recipe, Index rows);

/// The page of a run, with what its result holds.
Report forecast_report(const Recipe& recipe, const RecipeResult& result, const std::vector<History>& histories);

/// One bad cell makes a text of a column, which is no sensor then: a warning for each of them.
void note_texts(const Recipe& recipe, const Table& table, std::vector<std::string>& warnings);

}  // namespace maas::inline MAAS_ABI::recipe
