// Evaluations for programs.
#pragma once

#include "maas/core/config.hpp"
#include "maas/recipe/evaluation.hpp"

namespace maas::cli {

/// The number, or null for what JSON has no number for.
Config json_number(double value);

/// {"name", "rows", "unanswered", "targets": [{"target", "rows", "answers": [{"name", "mae", ...}]}]}
Config evaluation_json(const Evaluation& evaluation);

}  // namespace maas::cli
