// Samples for a model out of CSV files.
#pragma once

#include <string>
#include <vector>

#include "maas/data/csv.hpp"
#include "maas/data/pipeline.hpp"
#include "maas/io/saved_model.hpp"

namespace maas::cli {

/// One matrix an input, from one file each: rows are samples. A first line of names is passed over, and so are lines
/// that start with #. Throws errors that name the file, and the row where there is one.
std::vector<Matrix> read_inputs(const Network& network, const std::vector<std::string>& paths);

/// How the rows of files are read that a model with a pipeline is given: as in its training, or, where its file does
/// not keep that, as `otherwise` says. Throws ConfigError that names `path`, the model's file, where it cannot be used.
CsvOptions reading_for(const ModelInfo& info, const std::string& path, const CsvOptions& otherwise = {});

/// What the network of the model in the file `from` takes: by its pipeline from raw rows of one file, or as
/// read_inputs.
std::vector<Matrix> read_features(const SavedModel& model, const std::string& from,
                                  const std::vector<std::string>& paths);

}  // namespace maas::cli
