// What a model is worth on rows that are not all in memory, beside the baselines that it keeps.
#pragma once

#include <string>

#include "maas/recipe/evaluation.hpp"
#include "recipe/stream_steps.hpp"

namespace maas::inline MAAS_ABI::recipe {

/// As evaluate_table: the same scores of classes, those of numbers to rounding, beside the baselines that
/// ModelInfo::baselines knows, which must be there. Rows, truth and answers are not listed; what pages draw of them is
/// gathered in the same pass. Throws as evaluate_table.
Evaluation evaluate_stream(const Model& model, const StreamRows& rows, const std::string& name);

}  // namespace maas::inline MAAS_ABI::recipe
