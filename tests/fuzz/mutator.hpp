// Changes to files of models that know how such files are built.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "maas/core/random.hpp"

namespace maas::inline MAAS_ABI::fuzz {

/// Draws of one mutation, one after the other.
class Draw {
 public:
  explicit Draw(const Random& random) : random_(random) {}
  std::uint64_t below(std::uint64_t count);
  bool one_in(std::uint64_t count) { return below(count) == 0; }

 private:
  Random random_;
  std::uint64_t drawn_ = 0;
};

/// A file with one to four changes: an HDF5 file, a zip archive or a text in JSON, by its first bytes. In HDF5 files
/// numbers of structures become other addresses and sizes, or the texts in them are changed; in archives members are
/// changed and packed again, so that their checksums are right; in texts numbers, words and brackets are exchanged.
/// Each kind of file is also cut, and has bytes changed anywhere.
std::string mutated(const std::string& file, Draw& draw);

}  // namespace maas::inline MAAS_ABI::fuzz
