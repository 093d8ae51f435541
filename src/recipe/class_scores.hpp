// Scores of classes, of counts of true classes and answers.
#pragma once

#include <vector>

#include "maas/recipe/evaluation.hpp"

namespace maas::inline MAAS_ABI::recipe {

/// counts[i][j]: how many rows of class i were answered with class j. Square.
using Counts = std::vector<std::vector<Index>>;

/// As scikit-learn: accuracy; balanced_accuracy_score, the mean recall of the classes that occur; f1_score with
/// average="macro", over the classes that occur or are answered.
Logs class_scores(const Counts& counts);

/// Whether a model was compiled with a binary cross-entropy: then targets of 0 and 1 are classes.
bool is_binary(const Model& model);

}  // namespace maas::inline MAAS_ABI::recipe
