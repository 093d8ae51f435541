// What model files a folder holds at one moment.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <vector>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::serve {

/// What tells one state of a file from another without reading it.
struct FileStamp {
  std::string path;
  std::uint64_t device = 0, file = 0, size = 0;
  std::int64_t changed = 0;  // nanoseconds
  // golden.json beside it; an empty path where there is none.
  std::string golden{};
  std::uint64_t golden_size = 0;
  std::int64_t golden_changed = 0;
  bool is_complete = false;  // whether a file COMPLETE beside it, no older than it, says so; no part of the state
  auto state() const { return std::tie(path, device, file, size, changed, golden, golden_size, golden_changed); }
  friend bool operator==(const FileStamp& a, const FileStamp& b) { return a.state() == b.state(); }
};

using FoundVersions = std::map<std::int64_t, FileStamp>;
using FoundModels = std::map<std::string, FoundVersions, std::less<>>;

/// Whether the name of a file or a folder says that it is not to be looked at, or not yet.
bool is_passed_over(std::string_view name);

/// The number a version's folder is called, leading zeros allowed; nothing for other names.
std::optional<std::int64_t> version_of(std::string_view name);

/// The names in a folder, in no order, without "." and ".."; those up to an error. Where memory runs out it throws: the
/// iterator of the standard library, libstdc++'s, ends the program then.
std::vector<std::string> names_in(const std::filesystem::path& folder, std::error_code& error);

/// Removes a folder with its files, in which there are no other folders; what cannot be removed stays. Throws
/// std::bad_alloc.
void remove_flat(const std::filesystem::path& folder);

/// Whether a path that is there lies in a folder or is it, whatever links and dots say.
bool is_within(const std::filesystem::path& folder, const std::filesystem::path& path);

/// Flushes a file to the disk; of a folder, which names are in it. Does nothing where that is not possible: some file
/// systems cannot.
void flush(const std::filesystem::path& path);

/// All bytes of a file. Throws DataError where it cannot be read, or holds more than `most`.
std::string content_within(const std::string& path, std::size_t most);

/// What a look has found.
struct Look {
  FoundModels models{};
  /// The file maas.json of each model that has one, its versions or none beside it.
  std::map<std::string, FileStamp, std::less<>> settings{};
  /// Models of which not all could be looked at: versions that were not found may be there all the same.
  std::set<std::string, std::less<>> partly_seen{};
  /// What who runs the server may want to know: of files and folders that are passed over though they may hold models,
  /// which and why. Names that are not UTF-8 are escaped.
  std::set<std::string> warnings{};
};

/// Looks at all of a folder. Throws FormatError where it cannot be listed itself; folders in it that cannot are passed
/// over and told.
Look look_at(const std::string& folder);

/// Throws ConfigError where there can be no model at a path: there is nothing, or a file of another kind. What cannot
/// be looked at may be one.
void check_model_path(const std::string& path);

/// Adds one model that lies elsewhere: versions in folders, or else a model file in the folder, or the file itself.
/// Throws FormatError where the path cannot be looked at.
void add_model_at(Look& look, const std::string& name, const std::string& path);

/// Whether the disk gives all of a file.
bool can_be_read(const std::string& path);

}  // namespace maas::inline MAAS_ABI::serve
