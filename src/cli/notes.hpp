// Lines about what a command did not do.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

namespace maas::cli {

inline void print_notes(const std::vector<std::string>& notes) {
  for (const std::string& note : notes) fmt::print("Note: {}\n", note);
}

/// Of files that have no place for a pipeline.
inline void note_pipeline_left_out(const std::string& path) {
  fmt::print("Note: the model's pipeline is not written: {} takes what the network takes, not raw rows\n", path);
}

}  // namespace maas::cli
