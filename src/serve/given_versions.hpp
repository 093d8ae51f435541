// Versions that are handed over: from their bytes to folders that the repository reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "maas/core/scalar.hpp"
#include "maas/serve/repository.hpp"

namespace maas::inline MAAS_ABI::serve {

/// New versions of one model. They are written and tested in folders whose names are passed over, and then moved into
/// place: whoever is killed on the way leaves none that is not whole and tested.
class GivenVersions {
 public:
  /// Writes nothing yet. Throws ConfigError for names that no file may have, and for a version without one model file.
  GivenVersions(const std::string& folder, const std::string& model, std::span<const GivenFile> files);
  GivenVersions(const GivenVersions&) = delete;
  GivenVersions& operator=(const GivenVersions&) = delete;
  /// Removes all that was written, unless it is to stay.
  ~GivenVersions();

  std::vector<std::int64_t> numbers() const;
  /// Throws ConflictError for a version that is there, or a model's folder that leads out of the repository's;
  /// FormatError where they cannot be written.
  void write();
  /// Reads each as a server does, with its golden.json. Throws DataError for one that cannot be used.
  void test() const;
  /// Throws FormatError.
  void move();
  void stay() { stays_ = true; }

 private:
  struct Version {
    std::vector<GivenFile> files{};
    std::string model{};  // the name of that file
    bool has_golden = false;
    std::filesystem::path made{}, place{};
  };
  void write(const Version& version) const;

  const std::string model_;
  const std::filesystem::path root_, folder_;
  std::map<std::int64_t, Version> versions_{};
  std::vector<std::filesystem::path> written_{};
  bool made_folder_ = false, stays_ = false;
};

}  // namespace maas::inline MAAS_ABI::serve
