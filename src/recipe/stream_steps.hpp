// What a pipeline learns of rows that are not all in memory: in passes over them, part by part.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "maas/data/pipeline.hpp"
#include "maas/recipe/evaluation.hpp"
#include "recipe/place.hpp"
#include "recipe/stream_rows.hpp"
#include "recipe/weekly_means.hpp"

namespace maas::inline MAAS_ABI::recipe {

/// The pipeline that these rows teach: with the bits that Pipeline::fit learns of them in memory. Each step that learns
/// numbers takes a pass of its own or two. Throws what learn_in_passes throws.
Pipeline learn_pipeline(const PipelineOptions& options, const StreamRows& rows, const Place& place);

/// Of one column of the training rows, what a baseline knows.
struct KnownTarget {
  double sum = 0;
  Index count = 0;
  bool all_bits = true;                                   ///< whether all numbers are 0 or 1
  std::vector<std::pair<std::string, Index>> texts = {};  ///< how often each came, in the order of their first rows
  std::optional<WeeklySums> hours = std::nullopt;         ///< of numbers, where there are times
};

/// What evaluate_table knows of training rows in memory.
TargetBaseline baseline_of(const std::string& target, const KnownTarget& known, const Pipeline& pipeline);

/// In one pass. `time` is the column of times; empty for none. Throws DataError for a column that is not there.
std::map<std::string, KnownTarget> known_targets(const std::vector<std::string>& targets, const std::string& time,
                                                 const StreamRows& rows);

}  // namespace maas::inline MAAS_ABI::recipe
