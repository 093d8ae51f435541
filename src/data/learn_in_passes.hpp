// Pipelines of rows that are not all in memory: what they learn in passes over them, and samples in blocks.
#pragma once

#include <memory>
#include <string>

#include "data/table_parts.hpp"
#include "maas/data/pipeline.hpp"
#include "maas/data/streamed.hpp"

namespace maas::inline MAAS_ABI {

/// The pipeline that these rows teach, of which `part` are looked at together: with the bits that Pipeline::fit learns
/// of them in memory. Each step that learns numbers takes a pass of its own or two. Throws ConfigError that begins with
/// `where` and names the step, "where.steps[2]: ...", for one that has to see all rows at once or that looks at other
/// rows; else what Pipeline::fit throws.
Pipeline learn_in_passes(const PipelineOptions& options, const TableParts& rows, Index part, const std::string& where);

using PipelinePointer = std::shared_ptr<const Pipeline>;

/// Samples that are made of blocks of rows when they are asked for; `name` stands for them in messages. Where steps
/// leave rows out, `part` rows are looked at together, and where each part's samples begin is counted once. Throws
/// DataError where nothing is left.
Streamed samples_in_blocks(const PipelinePointer& pipeline, const TableParts& rows, Index part, StreamOptions options,
                           const std::string& name);

}  // namespace maas::inline MAAS_ABI
