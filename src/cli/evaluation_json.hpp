// Evaluations for programs and for people.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "maas/core/config.hpp"
#include "maas/recipe/evaluation.hpp"

namespace maas::cli {

/// The number, or null for what JSON has no number for.
Config json_number(double value);

/// {"name", "rows", "unanswered", "targets": [{"target", "rows", "answers": [{"name", "mae", ...}]}]}
Config evaluation_json(const Evaluation& evaluation);

/// A line for each.
void print_coverage(const std::vector<IntervalCoverage>& coverage);
/// Two lines for those of the model, and two for naive ones, those of persistence; none where there are none.
void print_alarms(const std::optional<AlarmReport>& alarms, const std::optional<AlarmReport>& naive);

/// The same for a file of a Forecaster: scores by horizon beside baselines, those of `training` or that the file keeps;
/// one that keeps none has persistence alone.
void evaluate_forecasts(const std::string& model, const std::string& data, const std::string& training,
                        const std::string& page, bool json);
/// The same of files that are larger than memory, in blocks.
void evaluate_streamed_forecasts(const std::string& model, const std::string& data, const std::string& training,
                                 const std::string& page, bool json);

}  // namespace maas::cli
