#include "serve/given_versions.hpp"

#include "maas/core/error.hpp"
#include "maas/core/new_file.hpp"
#include "serve/folder.hpp"
#include "serve/names.hpp"
#include "serve/servable.hpp"
#include "serve/status.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace files = std::filesystem;

namespace {

constexpr std::string_view golden_name = "golden.json";
constexpr std::size_t most_versions = 100;  // that come at once: folders are made of what is not yet known to be good

bool is_model_file(std::string_view name) { return name.ends_with(".h5") || name.ends_with(".keras"); }

}  // namespace

GivenVersions::GivenVersions(const std::string& folder, const std::string& model, std::span<const GivenFile> given)
    : model_(model), root_(folder), folder_(root_ / model) {
  require<ConfigError>(is_model_name(model), "files: expected a name that an address can hold, got \"{}\"", model);
  require<ConfigError>(!given.empty(), "files: expected at least one, got none");
  for (const GivenFile& file : given) {
    const bool is_model = is_model_file(file.name), is_golden = file.name == golden_name;
    require<ConfigError>(file.version >= 0, "files: expected a version of at least 0, got {}", file.version);
    require<ConfigError>(is_file_name(file.name) && (is_model || is_golden),
                         "files: expected a plain name that ends in .h5 or .keras, or golden.json, got \"{}\"",
                         file.name.substr(0, 300));
    Version& version = versions_[file.version];
    require<ConfigError>(!(is_model && !version.model.empty()) && !(is_golden && version.has_golden),
                         "files: version {}: expected one model file and perhaps one golden.json, got more",
                         file.version);
    if (is_model) version.model = file.name;
    version.has_golden = version.has_golden || is_golden;
    version.files.push_back(file);
    require<ConfigError>(versions_.size() <= most_versions, "files: expected at most {} versions, got more",
                         most_versions);
  }
  for (auto& [number, version] : versions_) {
    require<ConfigError>(!version.model.empty(), "files: version {}: expected a model file, got none", number);
    version.made = folder_ / fmt::format(".{}.tmp", number);
    version.place = folder_ / std::to_string(number);
  }
}

GivenVersions::~GivenVersions() {
  std::error_code error;
  try {
    if (!stays_)
      for (const files::path& path : written_) remove_flat(path);
    if (made_folder_) files::remove(folder_, error);  // if it is empty, as nothing of a new model was to stay
  } catch (const std::exception&) {                   // no memory: what is left under its first name is passed over
  }
}

std::vector<std::int64_t> GivenVersions::numbers() const {
  std::vector<std::int64_t> all;
  for (const auto& [number, version] : versions_) all.push_back(number);
  return all;
}

void GivenVersions::write() {
  try {
    for (const auto& [number, version] : versions_)
      require<ConflictError>(!files::exists(version.place), "model \"{}\": version {} is there already", model_,
                             number);
    made_folder_ = files::create_directory(folder_);
    require<ConflictError>(is_within(root_, folder_), "model \"{}\": its folder leads out of the repository's", model_);
    for (const auto& [number, version] : versions_) {
      if (files::exists(version.made)) files::remove_all(version.made);  // of one that was killed
      written_.push_back(version.made);
      files::create_directory(version.made);
      write(version);
    }
  } catch (const files::filesystem_error& error) {
    fail<FormatError>("files: {}", error.what());
  }
}

void GivenVersions::write(const Version& version) const {
  for (const GivenFile& each : version.files) {
    NewFile file((version.made / each.name).string());
    file.write(each.content);
    file.commit();
  }
}

void GivenVersions::test() const {
  for (const auto& [number, version] : versions_) {
    try {
      load_servable(model_, number, (version.made / version.model).string(),
                    version.has_golden ? (version.made / golden_name).string() : "");
    } catch (const Error& error) {  // of any kind: it is what was sent
      fail<DataError>("files: version {}: {}", number, error.what());
    }
  }
}

void GivenVersions::move() {
  try {
    written_.reserve(written_.size() + versions_.size());
    for (const auto& [number, version] : versions_) {
      files::path place = version.place;  // what is in its place is known to be, whatever there is memory for
      files::rename(version.made, place);
      written_.push_back(std::move(place));
    }
    // What was answered to be there is so after a loss of power, too.
    flush(folder_);
    if (made_folder_) flush(root_);
  } catch (const files::filesystem_error& error) {
    fail<FormatError>("files: {}", error.what());
  }
}

}  // namespace maas::inline MAAS_ABI::serve
