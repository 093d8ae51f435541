// Samples out of a CSV file that is larger than memory.
#pragma once

#include <string>
#include <vector>

#include "maas/data/csv.hpp"
#include "maas/data/pipeline.hpp"
#include "maas/data/streamed.hpp"

namespace maas::inline MAAS_ABI {

/// Which columns are samples, and how they are read. All of them hold numbers.
struct CsvStreamOptions {
  std::vector<std::string> features = {};  ///< none: all that are no targets
  std::vector<std::string> targets = {};   ///< may be none, for prediction alone
  CsvOptions csv = {};                     ///< its `types` are not looked at
  StreamOptions stream = {};               ///< with `keep_missing` empty cells are NaN, else an error
};

/// Samples of a CSV file, row by row: see Streamed. The file is read once when it is opened, to find where rows begin;
/// it must not change afterwards. Needs `maas::maas` to link. Throws FormatError as read_csv does ("file:line:column:
/// ..."): for its beginning when it is opened, for its rows when they are read.
Streamed stream_csv(const std::string& path, const CsvStreamOptions& options = {});

/// How rows of a CSV file are read for a pipeline.
struct CsvRowsOptions {
  CsvOptions csv = {};        ///< columns hold texts and times, too: as read_csv finds, or as its `types` say
  StreamOptions stream = {};  ///< its `rows` are those of the file that are meant, such as the training part
};

/// A pipeline that learns from rows of a CSV file that is larger than memory: the bits that Pipeline::fit learns of
/// them. What columns hold is found first, by all rows of the file; then each step that learns takes a pass or two, of
/// `block_rows` rows at a time, by default 1 MiB of numbers. Standard, MinMax, Impute (mean, constant,
/// most_frequent), OneHot, Ordinal, Log, TimeFeatures, ValidRange, ReplaceTexts, Drop and DropMissingRows can learn so.
/// The pipeline, and each of its steps, remembers which rows of the file these were.
/// Needs `maas::maas` to link. Throws ConfigError, "path: Pipeline.steps[2]: ...", for another step; FormatError as
/// read_csv does; and what Pipeline::fit throws.
Pipeline fit_csv(const std::string& path, const PipelineOptions& options, const CsvRowsOptions& rows = {});

/// Samples that a pipeline makes of the rows of a CSV file, block by block: see Streamed. Rows that DropMissingRows
/// leaves out are none of them. Columns hold what they held where the pipeline learned, unless `csv.types` says
/// something else: a cell that does not fit is a FormatError, "file:line:column: expected a number in ...", when its
/// block is read. Where `stream.rows` are held out, reading a block with rows that the pipeline has learned from, here
/// or by read_csv, is a DataError. Needs `maas::maas` to link. Throws StateError for a pipeline that has not learned,
/// DataError where no row is left, and what the other stream_csv throws.
Streamed stream_csv(const std::string& path, const Pipeline& fitted, const CsvRowsOptions& rows = {});

}  // namespace maas::inline MAAS_ABI
