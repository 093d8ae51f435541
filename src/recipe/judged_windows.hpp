// What trials of a forecast are judged on: the same targets with the same truth, whatever they make of the rows.
#pragma once

#include "maas/forecast/readings_pipeline.hpp"
#include "maas/recipe/recipe.hpp"

namespace maas::inline MAAS_ABI::recipe {

/// The windows of the validation share that all trials are to answer on, of the readings that the recipe makes of the
/// rows as it stands, and what came then. Trials make readings and windows of their own: the rows of the table say
/// which windows of theirs are meant.
class JudgedWindows {
 public:
  /// Windows as RecipeTuner::judged_on says. Throws DataError where there are none, and what fitting and applying the
  /// recipe's pipeline throws.
  JudgedWindows(const Recipe& recipe, const Table& rows);

  /// The same windows of a trial, which made these readings of the same rows: with its own lags. Throws DataError for
  /// other sensors, and for a window that is not there: a row of it has been left out, or it spans what the trial's
  /// windows do not.
  ForecastWindows of(const PreparedReadings& prepared, ForecastWindowOptions options) const;
  /// Forecasts for them, beside what came by the recipe's readings; missing where nothing is judged.
  Forecasts by_truth(Forecasts forecasts) const;

 private:
  PreparedReadings prepared_;
  std::vector<Index> origins_, horizons_;
  Matrix truth_;
};

/// Throws DataError where a truth has no forecast beside it.
void require_answers(const Forecasts& forecasts);

}  // namespace maas::inline MAAS_ABI::recipe
