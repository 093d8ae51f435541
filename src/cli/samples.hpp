// Samples for a model out of CSV files.
#pragma once

#include <string>
#include <vector>

#include "maas/data/pipeline.hpp"
#include "maas/io/saved_model.hpp"

namespace maas::cli {

/// One matrix an input, from one file each: rows are samples. A first line of names is passed over, and so are lines
/// that start with #. Throws errors that name the file, and the row where there is one.
std::vector<Matrix> read_inputs(const Network& network, const std::vector<std::string>& paths);

/// What the network takes: by its pipeline from raw rows of one file, or as read_inputs.
std::vector<Matrix> read_features(const SavedModel& model, const std::vector<std::string>& paths);

}  // namespace maas::cli
