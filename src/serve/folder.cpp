#include "serve/folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "maas/core/error.hpp"
#include "serve/json_writer.hpp"
#include "serve/names.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

namespace files = std::filesystem;

// The name without the ending of a model file; nothing for other files.
std::optional<std::string_view> stem_of(std::string_view name) {
  for (std::string_view ending : {".h5", ".keras"})
    if (name.size() > ending.size() && name.ends_with(ending)) return name.substr(0, name.size() - ending.size());
  return std::nullopt;
}

// Whether something is not there, rather than hidden by its permissions or a disk that fails.
bool is_absence(const std::error_code& error) {
  return error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory ||
         error == std::errc::too_many_symbolic_link_levels;
}

[[noreturn]] void fail_unseen(const files::path& path, const std::error_code& error) {
  fail<FormatError>("{}: cannot be looked at: {}", path.string(), error.message());
}

// Nothing for what is no file.
std::optional<FileStamp> stamp_of(const files::path& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) {
    const std::error_code error(errno, std::generic_category());
    if (!is_absence(error)) fail_unseen(path, error);
    return std::nullopt;
  }
  if (!S_ISREG(found.st_mode)) return std::nullopt;
  return FileStamp{path.string(),
                   found.st_dev,
                   found.st_ino,
                   static_cast<std::uint64_t>(found.st_size),
                   std::int64_t{found.st_mtim.tv_sec} * 1'000'000'000 + found.st_mtim.tv_nsec,
                   {},
                   0,
                   0,
                   false};
}

std::vector<files::path> entries_of(const files::path& folder) {
  std::vector<files::path> entries;
  std::error_code error;
  for (const std::string& name : names_in(folder, error))
    if (!is_passed_over(name)) entries.push_back(folder / name);
  require<FormatError>(!error, "{}: cannot be listed: {}", folder.string(), error.message());
  std::sort(entries.begin(), entries.end());
  return entries;
}

// The model file of a version: one called model before others, then by name.
std::optional<FileStamp> model_file(const files::path& folder) {
  std::optional<FileStamp> first;
  for (const files::path& path : entries_of(folder)) {
    const std::string name = path.filename().string();
    const auto stem = stem_of(name);
    if (!stem || (first && *stem != "model")) continue;
    const std::optional<FileStamp> stamp = stamp_of(path);
    if (stamp && *stem == "model") return stamp;
    if (stamp) first = stamp;
  }
  return first;
}

std::optional<FileStamp> checked_model_file(const files::path& folder) {
  std::optional<FileStamp> model = model_file(folder);
  if (!model) return model;
  if (const std::optional<FileStamp> golden = stamp_of(folder / "golden.json")) {
    model->golden = golden->path;
    model->golden_size = golden->size;
    model->golden_changed = golden->changed;
  }
  if (const std::optional<FileStamp> complete = stamp_of(folder / "COMPLETE"))
    model->is_complete = complete->changed >= model->changed;
  return model;
}

bool is_folder(const files::path& path) {
  std::error_code error;
  const bool is = files::is_directory(path, error);
  if (error && !is_absence(error)) fail_unseen(path, error);
  return is;
}

void add_settings(Look& look, const std::string& model, const files::path& folder) {
  try {
    if (std::optional<FileStamp> stamp = stamp_of(folder / "maas.json")) look.settings[model] = *std::move(stamp);
  } catch (const FormatError&) {
    look.partly_seen.insert(model);
  }
}

// The first of those that are one version, as 01 and 1 are.
void add_version(Look& look, const std::string& model, std::int64_t version, FileStamp stamp) {
  const auto [place, is_first] = look.models[model].try_emplace(version, std::move(stamp));
  if (!is_first)
    look.warnings.insert(
        fmt::format("{} is passed over, as {} is version {}, too", stamp.path, place->second.path, version));
}

void add_versions(Look& look, const std::string& model, const files::path& folder) {
  look.models[model];  // also where it has no versions, or cannot be listed
  add_settings(look, model, folder);
  for (const files::path& path : entries_of(folder)) {
    const auto version = version_of(path.filename().string());
    if (!version) continue;
    try {
      if (!is_folder(path)) continue;
      if (std::optional<FileStamp> stamp = checked_model_file(path))
        add_version(look, model, *version, *std::move(stamp));
    } catch (const FormatError&) {
      look.partly_seen.insert(model);
    }
  }
}

// What holds no model files, as far as one can see, may have any name.
bool may_be_model(const files::path& path) try {
  Look look;
  add_versions(look, "", path);
  return !look.models[""].empty();
} catch (const FormatError&) {
  return true;
}

void add_unnamed(Look& look, const files::path& path, std::string_view name) {
  look.warnings.insert(fmt::format("{}/{} is passed over: expected the name of a model in UTF-8, got other bytes",
                                   path.parent_path().string(), escaped(name)));
}

void add_entry(Look& look, const files::path& path) {
  const std::string name = path.filename().string();
  const auto stem = stem_of(name);
  try {
    if (is_folder(path)) {
      if (is_model_name(name)) return add_versions(look, name, path);
      if (!is_utf8(name) && may_be_model(path)) add_unnamed(look, path, name);
    } else if (stem) {
      std::optional<FileStamp> stamp = stamp_of(path);
      if (stamp && is_model_name(*stem)) return add_version(look, std::string(*stem), 1, *std::move(stamp));
      if (stamp && !is_utf8(name)) add_unnamed(look, path, name);
    }
  } catch (const FormatError&) {  // a folder or a file, who knows
    look.partly_seen.insert(name);
    if (stem) look.partly_seen.emplace(*stem);
  }
}

}  // namespace

bool is_passed_over(std::string_view name) {
  return name.starts_with('.') || name.ends_with(".tmp") || name.ends_with(".part");
}

std::vector<std::string> names_in(const files::path& folder, std::error_code& error) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(folder.c_str()), ::closedir);
  const auto set_error = [&] { error = std::error_code(errno, std::generic_category()); };
  error.clear();
  if (open == nullptr) set_error();
  while (!error && open != nullptr) {
    errno = 0;
    const dirent* entry = ::readdir(open.get());
    if (entry == nullptr && errno != 0) set_error();
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

void remove_flat(const files::path& folder) {
  std::error_code error;
  for (const std::string& name : names_in(folder, error)) ::unlink((folder / name).c_str());
  ::rmdir(folder.c_str());
}

std::optional<std::int64_t> version_of(std::string_view name) {
  std::int64_t version = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), version);
  if (error != std::errc() || end != name.data() + name.size() || name[0] == '-') return std::nullopt;
  return version;
}

bool is_within(const files::path& folder, const files::path& path) {
  std::error_code no_folder, no_path;
  const files::path root = files::canonical(folder, no_folder), place = files::canonical(path, no_path);
  return !no_folder && !no_path &&
         std::mismatch(root.begin(), root.end(), place.begin(), place.end()).first == root.end();
}

void flush(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  ::fsync(file);
  ::close(file);
}

std::string content_within(const std::string& path, std::size_t most) {
  std::ifstream file(path, std::ios::binary);
  require<DataError>(file.is_open(), "{}: cannot be read", path);
  std::string content;
  char piece[16384];
  while (content.size() <= most && (file.read(piece, sizeof piece), file.gcount() > 0))
    content.append(piece, static_cast<std::size_t>(file.gcount()));
  require<DataError>(content.size() <= most, "{}: expected at most {} bytes, got more", path, most);
  return content;
}

Look look_at(const std::string& folder) {
  Look look;
  for (const files::path& path : entries_of(folder)) add_entry(look, path);
  std::erase_if(look.models, [](const auto& model) { return model.second.empty(); });
  return look;
}

void check_model_path(const std::string& path) try {
  if (is_folder(path)) return;
  const bool is_file = stamp_of(path).has_value();
  require<ConfigError>(is_file, "repository: expected a model file or a folder with one, got {}: there is none", path);
  require<ConfigError>(stem_of(path).has_value(),
                       "repository: expected a folder, or a model file that ends in .h5 or .keras, got {}", path);
} catch (const FormatError&) {  // each look tries again
}

void add_model_at(Look& look, const std::string& name, const std::string& path) {
  look.models.erase(name);  // what else has that name does not count
  look.settings.erase(name);
  if (!is_folder(path)) {
    if (stem_of(path))
      if (std::optional<FileStamp> stamp = stamp_of(path)) look.models[name].emplace(1, *std::move(stamp));
    return;
  }
  add_versions(look, name, path);
  if (look.models[name].empty())
    if (std::optional<FileStamp> stamp = checked_model_file(path)) look.models[name].emplace(1, *std::move(stamp));
  if (look.models[name].empty()) look.models.erase(name);
}

bool can_be_read(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char bytes[65536];
  ssize_t got = 0;
  while ((got = ::read(file, bytes, sizeof bytes)) > 0) {
  }
  ::close(file);
  return got == 0;
}

}  // namespace maas::inline MAAS_ABI::serve
