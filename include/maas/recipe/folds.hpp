// CrossValidation: what a recipe's models are worth on the test rows of each fold, beside what needs no model.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "maas/model/cross_validate.hpp"

namespace maas::inline MAAS_ABI {

/// How many rows of the table a fold has for what.
struct FoldRows {
  Index training = 0;    ///< learned from
  Index validation = 0;  ///< measured on while training, taken off the fold's training rows as the recipe's split says
  Index test = 0;        ///< judged by
};

/// One way to answer, in all folds.
struct FoldAnswer {
  std::string target;  ///< the column; of forecasts the horizon, "15 minutes"
  std::string name;    ///< "model", "mean", "majority class"; of forecasts "network", "persistence"
  FoldScores scores;   ///< the figures of AnswerScores; of forecasts mae, rmse, mape, smape and r2
};

/// A cross-validation of a recipe.
struct CrossValidation {
  std::vector<FoldRows> folds = {};      ///< one a fold
  std::vector<FoldAnswer> answers = {};  ///< target by target, in the order of the evaluations

  /// The figures of one answer. Throws ConfigError that lists the answers there are.
  const FoldScores& at(std::string_view target, std::string_view name) const;
  /// For people: the rows of each fold; then of each target and figure a line an answer: mean, deviation (by n - 1) and
  /// the figure of each fold, "-" where it has no value. Ends in a line end.
  std::string text() const;
};

}  // namespace maas::inline MAAS_ABI
