#include "maas/serve/repository.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <limits>
#include <map>
#include <mutex>
#include <new>
#include <set>
#include <stop_token>
#include <thread>

#include "serve/folder.hpp"
#include "serve/folder_notices.hpp"
#include "serve/given_versions.hpp"
#include "serve/loads_at_once.hpp"
#include "serve/model_settings.hpp"
#include "serve/names.hpp"
#include "serve/servable.hpp"
#include "serve/state_file.hpp"
#include "serve/status.hpp"

namespace maas::inline MAAS_ABI::serve {

// What the repository knows, and the thread that looks. Readers and changers meet at one mutex, which is held for a
// look-up or the change of a few pointers, never while a file is read or a network runs.
class Repository::Folder {
 public:
  explicit Folder(RepositoryOptions options)
      : options_(std::move(options)), loads_at_once_(std::max(options_.loads_at_once, 1)) {
    require<ConfigError>(options_.poll >= std::chrono::milliseconds(1),
                         "repository: expected a poll of at least 1 ms, got {}", options_.poll.count());
    require<ConfigError>(options_.versions >= 1, "repository: expected at least 1 version of a model, got {}",
                         options_.versions);
    require<ConfigError>(options_.loads_at_once >= 1 && options_.loads_at_once <= 64,
                         "repository: expected 1 to 64 loads at once, got {}", options_.loads_at_once);
    for (const auto& [name, settings] : options_.models) check_settings(name, settings);
    if (!options_.state_file.empty()) changed_ = read_state(options_.state_file);
    for (const auto& [name, settings] : options_.models) settings_[name] = wanted_settings(name);
    for (const auto& [name, changed] : changed_) settings_[name] = wanted_settings(name);
    require<ConfigError>(options_.model_name.empty() == options_.model_path.empty(),
                         "repository: expected a model's name and its path, got one of them");
    require<ConfigError>(options_.model_name.empty() || is_model_name(options_.model_name),
                         "repository: expected a name that an address can hold, got \"{}\"", options_.model_name);
    require<ConfigError>(options_.retry >= std::chrono::milliseconds(1),
                         "repository: expected at least 1 ms before a file is read again, got {}",
                         options_.retry.count());
    if (!has_files()) return;
    if (!options_.model_path.empty()) check_model_path(options_.model_path);
    // Watched before it is looked at: what changes in between is told.
    auto notices = std::make_unique<FolderNotices>(options_.folder.empty() ? options_.model_path : options_.folder,
                                                   options_.notices);
    look();
    std::this_thread::sleep_for(std::min(options_.poll, std::chrono::milliseconds(100)));
    look();
    watcher_ =
        std::jthread([this, notices = std::move(notices)](const std::stop_token& stop) { watch(*notices, stop); });
  }

  std::shared_ptr<const Servable> find(std::string_view name, std::optional<std::int64_t> version) const {
    const std::lock_guard lock(mutex_);
    const auto model = models_.find(name);
    if (model == models_.end()) return nullptr;
    if (version) {
      const auto found = model->second.find(*version);
      return found == model->second.end() ? nullptr : found->second.servable;
    }
    const Known* known = default_of(model->second, settings_of(name));
    return known == nullptr ? nullptr : known->servable;
  }

  Choice choose(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const auto model = models_.find(name);
    if (model == models_.end()) return {};
    const ModelSettings& settings = settings_of(name);
    const Known* known = default_of(model->second, settings);
    Choice choice;
    if (known != nullptr) choice.answering = known->servable;
    if (settings.shadow) choice.shadow = servable_in(model->second, *settings.shadow);
    if (settings.canary)
      if (auto canary = servable_in(model->second, settings.canary->version); canary && is_canarys_turn(name, settings))
        choice.answering = std::move(canary);
    return choice;
  }

  Candidates candidates(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const auto model = models_.find(name);
    if (model == models_.end()) return {};
    const ModelSettings& settings = settings_of(name);
    const Known* known = default_of(model->second, settings);
    return {.usual = known == nullptr ? nullptr : known->servable,
            .canary = settings.canary ? servable_in(model->second, settings.canary->version) : nullptr};
  }

  bool knows(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const auto model = models_.find(name);
    if (model != models_.end() && !model->second.empty()) return true;
    return std::ranges::any_of(let_go_, [&](const LetGo& each) { return each.model == name && each.is_held(); });
  }

  std::shared_ptr<const Servable> find_label(std::string_view name, std::string_view label) const {
    const std::lock_guard lock(mutex_);
    const ModelSettings& settings = settings_of(name);
    const auto found = settings.labels.find(std::string(label));
    const auto model = models_.find(name);
    if (found == settings.labels.end() || model == models_.end()) return nullptr;
    const auto version = model->second.find(found->second);
    return version == model->second.end() ? nullptr : version->second.servable;
  }

  std::vector<std::string> missing() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, settings] : settings_)
      if (settings.is_required.value_or(false) && !answers(name, settings)) names.push_back(name);
    return names;
  }

  // What is wrong with the model's own file is wrong with all of its versions that are of use.
  std::vector<VersionStatus> status(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    std::vector<VersionStatus> all;
    const std::string problem = problem_of_file(name);
    if (const auto model = models_.find(name); model != models_.end())
      for (const auto& [number, known] : model->second) {
        const bool is_own = !known.error.empty() || known.state == VersionState::retired;
        all.push_back({number, known.state, is_own ? known.error : problem, is_own && known.is_refused,
                       is_own && known.is_unreadable, is_own && known.has_no_memory, known.has_no_room()});
      }
    tell_held(name, all);
    return all;
  }

  std::vector<std::string> models() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, versions] : models_) names.push_back(name);
    for (const LetGo& each : let_go_)
      if (each.is_held() && std::ranges::find(names, each.model) == names.end()) names.push_back(each.model);
    std::ranges::sort(names);
    return names;
  }

  Loads loads() const {
    const std::lock_guard lock(mutex_);
    return loads_;
  }

  void publish(const std::string& name, std::int64_t version, Network network) {
    require<ConfigError>(is_model_name(name), "publish: expected a name that an address can hold, got \"{}\"", name);
    require<ConfigError>(version >= 0, "publish: expected a version of at least 0, got {}", version);
    const auto made = make_servable({.model = name, .version = version, .network = std::move(network)});
    const std::lock_guard one_at_a_time(changing_);
    serve_as(*made, settings(name).serving, name_files(name, settings(name).serving));
    std::shared_ptr<const Servable> servable = made;
    const std::string no_room = why_no_room(weight_bytes(*made));  // nobody else takes any meanwhile
    require<NoRoomError>(no_room.empty(), "publish: {}", no_room);
    change(name, version, [&](Known& known) {
      replace(known, servable);
      known.state = VersionState::available;
      known.error.clear();
      known.needed_bytes.reset();
      known.from_code = true;
      ++loads_.succeeded;
    });
    retire_old_versions(name);
  }

  ModelSettings settings(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    return settings_of(name);
  }

  // `given`: versions that were handed over with the call.
  void load(const std::string& name, const PolicyChange& policy, std::span<const std::int64_t> given = {}) {
    const std::lock_guard one_at_a_time(changing_);
    const Look found = look_at_files();
    const auto model = found.models.find(name);
    require<UnknownError>(model != found.models.end(), "load: expected a model with a file in the folder, got \"{}\"",
                          name);
    if (policy) {
      ModelSettings checked;
      checked.policy = *policy;
      check_settings(name, checked);
    }
    note_whole(name, found);
    read_model_file(name);
    change_settings(name, ChangedSettings{.is_unloaded = false});
    ModelSettings wanted = wanted_settings(name);
    if (policy) wanted.policy = *policy;
    load_wanted(name, wanted);
    // What answers by the settings before does so until the versions of the new ones can take its place.
    const auto [problem, has_no_room, has_no_memory] = problem_of_load(name, wanted, given);
    if (problem.empty()) {
      if (policy) change_settings(name, ChangedSettings{.policy = policy});
      take_settings(name, wanted);
    } else {
      if (options_.swap == Swap::unload_first) load_wanted(name);  // what has gone for others is to answer again
      // What was read has the names of these already.
      if (const ModelSettings kept = wanted_settings(name); has_answer(name, kept)) take_settings(name, kept);
    }
    retire_old_versions(name);
    if (has_no_memory) throw std::bad_alloc();
    require<NoRoomError>(!has_no_room, "load: {}", problem);
    require<DataError>(problem.empty(), "load: {}", problem);
  }

  // A model's own file that is wrong is told, too, to who asks for all that there is.
  void load_all(const std::string& name, const PolicyChange& policy) {
    load(name, policy);
    const std::lock_guard lock(mutex_);
    if (const auto file = model_files_.find(name); file != model_files_.end() && file->second.has_no_memory)
      throw std::bad_alloc();
    const std::string problem = problem_of_file(name);
    require<DataError>(problem.empty(), "load: {}", problem);
  }

  void check_takes_versions(const std::string& name) const { require_in_folder("model", name); }

  std::int64_t add_version(const std::string& name, const std::string& file) {
    namespace files = std::filesystem;
    require_in_folder("add_version", name);
    const std::lock_guard one_at_a_time(adding_);
    std::int64_t number = 1;
    for (const VersionStatus& each : status(name)) {
      require<ConflictError>(each.version < std::numeric_limits<std::int64_t>::max(),
                             "add_version: expected a version that a newer one can follow, got {}", each.version);
      number = std::max(number, each.version + 1);
    }
    const files::path folder = files::path(options_.folder) / name;
    while (files::exists(folder / std::to_string(number))) ++number;
    // Made under a name that is passed over, then moved into place: whole at once.
    const files::path made = folder / fmt::format(".{}.tmp", number), place = folder / std::to_string(number);
    try {
      if (files::exists(made)) files::remove_all(made);
      files::create_directories(made);
      const files::path copy = made / (file.ends_with(".keras") ? "model.keras" : "model.h5");
      files::copy_file(file, copy);
      flush(copy);
      flush(made);
      files::rename(made, place);
      flush(folder);
      flush(options_.folder);  // the model may be a new one
    } catch (const files::filesystem_error& error) {
      fail<FormatError>("add_version: {}", error.what());
    }
    try {
      load(name, {});
      return number;
    } catch (...) {
      remove_flat(place);
      throw;
    }
  }

  void add_files(const std::string& name, std::span<const GivenFile> files, const PolicyChange& policy) {
    require_in_folder("files", name);
    const std::lock_guard one_at_a_time(adding_);
    GivenVersions given(options_.folder, name, files);
    const std::vector<std::int64_t> numbers = given.numbers();
    for (const std::int64_t number : numbers)
      require<ConflictError>(!is_there(name, number), "model \"{}\": version {} is there already", name, number);
    given.write();
    {
      const LoadsAtOnce::Place place(loads_at_once_);
      given.test();
    }
    given.move();
    load(name, policy, numbers);
    given.stay();
  }

  void unload(const std::string& name) {
    const std::lock_guard one_at_a_time(changing_);
    require_known(name);
    change_settings(name, ChangedSettings{.is_unloaded = true});
    retire_old_versions(name);
  }

  void set_label(const std::string& name, const std::string& label, std::int64_t version) {
    require<DataError>(is_label(label), "label: expected letters, digits and _, got \"{}\"", label.substr(0, 255));
    const std::lock_guard one_at_a_time(changing_);
    require_known(name);
    require<ConflictError>(find(name, version) != nullptr, "label \"{}\": expected a version that answers, got {}",
                           label, version);
    change_settings(name, [&](ModelSettings& settings) { settings.labels[label] = version; });
    retire_old_versions(name);
  }

  void remove_label(const std::string& name, const std::string& label) {
    const std::lock_guard one_at_a_time(changing_);
    require<UnknownError>(settings(name).labels.contains(label), "model \"{}\": unknown label \"{}\"", name, label);
    change_settings(name, [&](ModelSettings& settings) { settings.labels.erase(label); });
    retire_old_versions(name);
  }

  std::int64_t roll_back(const std::string& name) {
    const std::lock_guard one_at_a_time(changing_);
    require_known(name);
    const std::optional<std::int64_t> current = default_version(name);
    require<ConflictError>(current.has_value(), "rollback: no version of \"{}\" answers", name);
    require<ConflictError>(settings(name).withdrawn.size() < most_versions,
                           "rollback: expected fewer than {} versions of \"{}\" that are withdrawn, got as many",
                           most_versions, name);
    const std::optional<std::int64_t> before = version_before(name, *current);
    require<ConflictError>(before.has_value(), "rollback: no version of \"{}\" before {} can be used", name, *current);
    change_settings(name, [&](ModelSettings& settings) { settings.withdrawn.push_back(*current); });
    load_wanted(name);
    retire_old_versions(name);
    return *before;
  }

  void restore(const std::string& name, std::int64_t version) {
    const std::lock_guard one_at_a_time(changing_);
    const std::vector<std::int64_t> withdrawn = settings(name).withdrawn;
    require<UnknownError>(std::ranges::find(withdrawn, version) != withdrawn.end(),
                          "model \"{}\": expected a version that is withdrawn, got {}", name, version);
    change_settings(name, [&](ModelSettings& settings) { std::erase(settings.withdrawn, version); });
    require_known(name);
    load_wanted(name);
    retire_old_versions(name);
  }

  void set_traffic(const std::string& name, std::optional<Canary> canary, std::optional<std::int64_t> shadow) {
    const std::lock_guard one_at_a_time(changing_);
    require_known(name);
    ModelSettings checked;
    checked.canary = canary;
    checked.shadow = shadow;
    check_settings(name, checked);
    ModelSettings wanted = settings(name);
    const bool answers_now = has_answer(name, wanted);
    wanted.canary = canary;
    wanted.shadow = shadow;
    load_wanted(name, wanted);  // what answers does so until another one can take its place
    const bool is_good = !answers_now || has_answer(name, wanted);
    if (is_good)
      change_settings(name, [&](ModelSettings& settings) {
        settings.canary = canary;
        settings.shadow = shadow;
      });
    retire_old_versions(name);
    require<DataError>(
        is_good, "set_traffic: expected a version of \"{}\" that answers beside canary and shadow, got none", name);
  }

 private:
  using Time = std::chrono::steady_clock::time_point;

  // A file that is looked at.
  struct Watched {
    std::string error{};
    std::optional<FileStamp> tried{};  // the file as it was when it was last read, or could not be
    std::optional<FileStamp> seen{};   // as it was at the last look
    bool is_stable = false;            // the last two looks found the same
    int missed = 0;                    // looks in a row that did not find it
    int retries = 0;                   // of a file that the disk has not given
    std::optional<Time> retry_at{};    // when to read it again though it is the same
    bool has_no_memory = false;        // there was none for it
  };
  static constexpr const char* no_memory = "out of memory";  // so short that a text of it takes none

  struct Known : Watched {
    std::shared_ptr<const Servable> servable{};
    VersionState state = VersionState::waiting;
    bool from_code = false;
    bool is_refused = false;
    bool is_unreadable = false;                 // the disk did not give it
    std::optional<std::size_t> needed_bytes{};  // of weights, where there was no room for them
    std::optional<FileStamp> answers_by{};      // the file that `servable` was read from
    bool has_no_room() const { return needed_bytes.has_value(); }
  };
  // A model's maas.json.
  struct ModelFile : Watched {
    ModelSettings settings{};  // as it was when it could be read last
    std::string refusal{};     // why these are not in use
  };
  using Versions = std::map<std::int64_t, Known, std::greater<>>;  // newest first

  // ---- Which versions are to answer ----

  const ModelSettings& settings_of(std::string_view name) const {
    static const ModelSettings none;
    const auto found = settings_.find(name);
    return found == settings_.end() ? none : found->second;
  }

  // What the model's file says, below the configuration, below what calls have changed. Of the thread that changes.
  ModelSettings wanted_settings(const std::string& name) const {
    const auto configured = options_.models.find(name);
    ModelSettings wanted = configured == options_.models.end() ? ModelSettings() : configured->second;
    if (const auto file = model_files_.find(name); file != model_files_.end()) fill_in(wanted, file->second.settings);
    if (const auto changed = changed_.find(name); changed != changed_.end()) apply_state(changed->second, wanted);
    return wanted;
  }

  // With mutex_ held.
  std::string problem_of_file(std::string_view name) const {
    const auto file = model_files_.find(name);
    if (file == model_files_.end()) return {};
    return file->second.error.empty() ? file->second.refusal : file->second.error;
  }

  // With mutex_ held: whether a version answers who names none.
  bool answers(std::string_view name, const ModelSettings& settings) const {
    const auto model = models_.find(name);
    return model != models_.end() && default_of(model->second, settings) != nullptr;
  }

  bool has_answer(std::string_view name, const ModelSettings& settings) const {
    const std::lock_guard lock(mutex_);
    return answers(name, settings);
  }

  // Whether one would, if it can be read.
  bool could_answer(const std::string& name, const ModelSettings& settings) const {
    const std::lock_guard lock(mutex_);
    const auto model = models_.find(name);
    return model != models_.end() && std::ranges::any_of(model->second, [&](const auto& version) {
             return is_candidate(settings, version.first) &&
                    (version.second.servable || is_to_be_read(version.second) ||
                     has_room_by_now(model->second, version.first, settings));
           });
  }

  static std::shared_ptr<const Servable> servable_in(const Versions& versions, std::int64_t number) {
    const auto found = versions.find(number);
    return found == versions.end() ? nullptr : found->second.servable;
  }

  // Of n calls floor(n share) are the canary's.
  bool is_canarys_turn(std::string_view name, const ModelSettings& settings) const {
    auto count = calls_.find(name);
    if (count == calls_.end()) count = calls_.emplace(std::string(name), 0).first;
    const double share = settings.canary->share, before = std::floor(static_cast<double>(count->second) * share);
    return std::floor(static_cast<double>(++count->second) * share) > before;
  }

  // Whether it may answer requests that name no version.
  static bool is_candidate(const ModelSettings& settings, std::int64_t number) {
    const bool is_listed = !settings.policy || settings.policy->kind != VersionPolicy::Kind::specific ||
                           std::ranges::find(settings.policy->versions, number) != settings.policy->versions.end();
    const bool is_tried_out =
        (settings.canary && settings.canary->version == number) || settings.shadow == std::optional(number);
    return is_listed && !is_tried_out && std::ranges::find(settings.withdrawn, number) == settings.withdrawn.end();
  }

  static bool is_pinned(const ModelSettings& settings, std::int64_t number) {
    const auto is_its = [&](const auto& label) { return label.second == number; };
    return (settings.canary && settings.canary->version == number) || settings.shadow == std::optional(number) ||
           std::ranges::any_of(settings.labels, is_its);
  }

  // `answering` are the candidates newer than it that answer.
  bool is_wanted(const ModelSettings& settings, std::int64_t number, int answering) const {
    if (settings.is_unloaded) return false;
    if (is_pinned(settings, number)) return true;
    if (!is_candidate(settings, number)) return false;
    if (!settings.policy) return answering < options_.versions;
    return settings.policy->kind != VersionPolicy::Kind::latest || answering < settings.policy->count;
  }

  static const Known* default_of(const Versions& versions, const ModelSettings& settings) {
    for (const auto& [number, known] : versions)
      if (known.servable && is_candidate(settings, number)) return &known;
    return nullptr;
  }

  // Its number alone: who has it does not hold it.
  std::optional<std::int64_t> default_version(const std::string& name) const {
    const auto servable = find(name, std::nullopt);
    return servable ? std::optional(servable->version) : std::nullopt;
  }

  // The newest candidate before a version that answers or can be made to.
  std::optional<std::int64_t> version_before(const std::string& name, std::int64_t current) {
    ModelSettings settings = this->settings(name);
    settings.withdrawn.push_back(current);
    for (const std::int64_t number : numbers(name)) {
      if (number >= current || !is_candidate(settings, number)) continue;
      read_if_due(name, number, settings);
      if (find(name, number)) return number;
    }
    if (options_.swap == Swap::unload_first) load_wanted(name);  // what has gone for them is to answer again
    return std::nullopt;
  }

  void require_known(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    require<UnknownError>(models_.contains(name), "unknown model \"{}\"", name);
  }

  struct Problem {
    std::string text{};
    bool has_no_room = false, has_no_memory = false;
  };
  // Why a load that was asked for has failed, empty if it has not. The newest candidate must answer with the file as it
  // is; where versions were given, these must be good if they were read, and any may answer.
  Problem problem_of_load(const std::string& name, const ModelSettings& settings,
                          std::span<const std::int64_t> given) const {
    const std::lock_guard lock(mutex_);
    const Versions& versions = models_.find(name)->second;
    for (const auto& [number, known] : versions) {
      const bool is_newest = is_candidate(settings, number) && (known.servable || !known.error.empty());
      const bool is_asked_for = given.empty() ? is_newest : std::ranges::find(given, number) != given.end();
      if (is_asked_for && !known.error.empty())
        return {fmt::format("version {}: {}", number, known.error), known.has_no_room(), known.has_no_memory};
      if (is_asked_for && given.empty()) return {};
    }
    if (default_of(versions, settings)) return {};
    return {fmt::format("no version of \"{}\" is to be served", name)};
  }

  // Changes settings for this run, and for the next ones: if they cannot be written, nothing has changed.
  template <class Change>
  void change_settings(const std::string& name, const Change& what) {
    const ModelSettings before = settings(name);
    ModelSettings changed = before;
    what(changed);
    change_settings(name, changes_between(before, changed));
  }

  // What a call says is kept even where it is so already: by a file, say, that may go.
  void change_settings(const std::string& name, const ChangedSettings& said) {
    ModelSettings changed = settings(name);
    apply_state(said, changed);
    StateByModel state = changed_;
    add_changes(said, state[name]);
    if (!options_.state_file.empty()) write_state(options_.state_file, state);
    const std::lock_guard lock(mutex_);
    settings_[name] = std::move(changed);
    changed_ = std::move(state);
  }

  // ---- Settings from a model's own file ----

  // Whether what it says is another than before, for good or bad.
  bool read_model_file(const std::string& name) {
    const auto found = model_files_.find(name);
    if (found == model_files_.end()) return false;
    ModelFile& file = found->second;  // of this thread, but for what others read
    if (is_gone(file)) {
      const std::lock_guard lock(mutex_);
      file = ModelFile();
      file.missed = 2;
      return true;
    }
    if (!is_to_be_read(file)) return false;
    ModelSettings read = file.settings;
    std::string why;
    bool has_no_memory = false;
    try {
      read = serve::read_model_file(file.seen->path);
    } catch (const std::bad_alloc&) {
      why = no_memory;
      has_no_memory = true;
    } catch (const std::exception& error) {
      why = error.what();
    }
    const bool is_good = why.empty(), is_others = has_no_memory || (!is_good && !can_be_read(file.seen->path));
    FileStamp tried = *file.seen;
    const std::lock_guard lock(mutex_);
    note_tried(file, std::move(tried), std::move(why), is_others);
    file.has_no_memory = has_no_memory;
    if (!is_good) ++loads_.failed;
    file.settings = std::move(read);
    file.refusal.clear();
    return is_good;
  }

  // The model's own file, for names of tensors that stand in it.
  NameFiles name_files(const std::string& name, const ServingSettings& serving) const {
    const std::lock_guard lock(mutex_);
    const auto file = model_files_.find(name);
    if (file == model_files_.end() || !file->second.tried) return {};
    const auto configured = options_.models.find(name);
    const ServingSettings above = configured == options_.models.end() ? ServingSettings() : configured->second.serving;
    const ServingSettings& own = file->second.settings.serving;
    const auto path_if = [&](bool is_own) { return is_own ? file->second.tried->path : std::string(); };
    return {.inputs = path_if(above.inputs.empty() && own.inputs == serving.inputs),
            .outputs = path_if(above.outputs.empty() && own.outputs == serving.outputs)};
  }

  // Not before its settings are out of use.
  void forget_model_file(const std::string& name) {
    const auto found = model_files_.find(name);
    if (found == model_files_.end() || !is_gone(found->second)) return;
    const std::lock_guard lock(mutex_);
    model_files_.erase(found);
  }

  // Where a version answers by the settings before, one must by those of the file.
  void adopt_settings(const std::string& name, bool is_new) {
    const ModelSettings before = settings(name), wanted = wanted_settings(name);
    if (wanted == before) return clear_refusal(name);
    if (is_new && wanted.serving != before.serving) try_again(name);
    const bool is_free = wanted.is_unloaded || !has_answer(name, before);  // then there is nothing to lose
    if (!is_free && could_answer(name, wanted)) load_wanted(name, wanted);
    ModelFile& file = model_files_.find(name)->second;
    if (is_free || is_gone(file) || has_answer(name, wanted)) return take_settings(name, wanted);
    const std::lock_guard lock(mutex_);
    if (!file.refusal.empty()) return;
    file.refusal = fmt::format("{}: expected settings by which a version answers, got others", file.seen->path);
    ++loads_.failed;
  }

  void clear_refusal(const std::string& name) {
    const std::lock_guard lock(mutex_);
    if (const auto file = model_files_.find(name); file != model_files_.end()) file->second.refusal.clear();
  }

  // What could not be used may be so with other names.
  void try_again(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto model = models_.find(name);
    if (model == models_.end()) return;
    for (auto& [number, known] : model->second)
      if (!known.error.empty()) known.tried = std::nullopt;
  }

  // Versions that answer by others are made again without being read; one that cannot be goes on as it is, and says so.
  void take_settings(const std::string& name, const ModelSettings& wanted) {
    for (const std::int64_t number : numbers(name)) {
      const std::shared_ptr<const Servable> before = find(name, number);
      if (!before || before->serving == wanted.serving) continue;
      std::shared_ptr<const Servable> again;
      std::string why;
      try {
        again = served_as(*before, wanted.serving, name_files(name, wanted.serving));
      } catch (const std::bad_alloc&) {
        throw;  // nobody's fault: who has called tries again
      } catch (const std::exception& error) {
        why = error.what();
      }
      change(name, number, [&](Known& known) {
        loads_.failed += !why.empty();
        if (again) replace(known, again);
        if (!why.empty() || known.from_code) known.error = std::move(why);  // files are read again for that
      });
    }
    const std::lock_guard lock(mutex_);
    if (wanted == ModelSettings())
      settings_.erase(name);
    else
      settings_[name] = wanted;
    if (const auto file = model_files_.find(name); file != model_files_.end()) file->second.refusal.clear();
  }

  // A model that is new waits for its file to be whole: it is not to answer by other names first.
  bool waits_for_file(const std::string& name) const {
    const auto file = model_files_.find(name);
    if (file == model_files_.end() || file->second.tried || file->second.missed > 0) return false;
    const std::lock_guard lock(mutex_);
    const auto model = models_.find(name);
    return model == models_.end() ||
           std::ranges::none_of(model->second, [](const auto& version) { return version.second.servable != nullptr; });
  }

  // All files that have changed, and those whose settings could not be used before.
  void read_model_files() {
    std::vector<std::string> names;
    for (const auto& [name, file] : model_files_) names.push_back(name);
    for (const std::string& name : names) try {
        const bool is_new = read_model_file(name);
        adopt_settings(name, is_new);
        forget_model_file(name);
      } catch (const std::bad_alloc&) {  // at the next look it is tried again; that of others goes on
      }
  }

  // ---- Looking ----

  bool has_files() const { return !options_.folder.empty() || !options_.model_path.empty(); }

  Look look_at_files() const {
    Look found;
    if (!options_.folder.empty()) found = look_at(options_.folder);
    if (options_.model_path.empty()) return found;
    if (found.models.contains(options_.model_name) || found.settings.contains(options_.model_name))
      found.warnings.insert(fmt::format("model \"{}\" in {} is passed over, as the one at {} is called so, too",
                                        options_.model_name, options_.folder, options_.model_path));
    try {
      add_model_at(found, options_.model_name, options_.model_path);
      if (!found.models.contains(options_.model_name) && !found.partly_seen.contains(options_.model_name))
        found.warnings.insert(
            fmt::format("model \"{}\": expected a model file in {}, got none: one that comes is taken up",
                        options_.model_name, options_.model_path));
    } catch (const FormatError&) {
      if (options_.folder.empty()) throw;
      found.models.erase(options_.model_name);
      found.partly_seen.insert(options_.model_name);  // others are seen all the same
    }
    return found;
  }

  // Versions that come by calls would lie in the folder, where nobody looks for those of a model elsewhere.
  void require_in_folder(std::string_view who, const std::string& name) const {
    require<ConflictError>(!options_.folder.empty(), "{}: expected a server with a folder of models, got one without",
                           who);
    require<ConfigError>(is_model_name(name), "{}: expected a name that an address can hold, got \"{}\"", who,
                         name.substr(0, 300));
    require<ConfigError>(!is_passed_over(name),
                         "{}: expected a name that the folder of models does not pass over (first a dot, last .tmp or "
                         ".part), got \"{}\"",
                         who, name);
    require<ConflictError>(options_.model_path.empty() || name != options_.model_name,
                           "{}: model \"{}\" lies in a place of its own and takes no versions by calls", who, name);
  }

  // A look is due every poll; between two, a notice is a reason to look for what is whole by now.
  void watch(FolderNotices& notices, const std::stop_token& stop) {
    auto due = std::chrono::steady_clock::now() + options_.poll;
    while (!stop.stop_requested()) try {
        wait_and_look(notices, stop, due);
      } catch (const std::exception&) {
        // The folder is away, or memory is: what is loaded goes on answering until the next look.
        const std::lock_guard counting(mutex_);
        ++loads_.looks_failed;
      }
  }

  void wait_and_look(FolderNotices& notices, const std::stop_token& stop, Time& due) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(due - std::chrono::steady_clock::now());
    const FolderNews news = notices.wait(std::max(left, std::chrono::milliseconds(1)), stop);
    if (stop.stop_requested()) return;
    const bool is_due = std::chrono::steady_clock::now() >= due;
    if (is_due) due = std::chrono::steady_clock::now() + options_.poll;
    if (!is_due && !news.is_changed) return;
    notices.update();
    look(news.whole, is_due);
  }

  // What is new and stable is loaded; what is gone goes after that, so that an older version can take its place first:
  // unless there is to be room for that.
  void look(const std::set<std::string>& whole = {}, bool is_due = true) {
    const Look found = look_at_files();
    const std::lock_guard one_at_a_time(changing_);
    warn_of(found.warnings);
    note(found, whole, is_due);
    read_model_files();
    if (options_.swap == Swap::unload_first) drop_missing();
    const std::vector<std::string> names = models_to_read(found);
    loads_at_once_.for_each(names.size(), [&](std::size_t i) { load_wanted(names[i]); });
    drop_missing();
    for (const std::string& name : models()) retire_old_versions(name);  // of those from code, too
    const std::lock_guard lock(mutex_);
    ++(found.partly_seen.empty() ? loads_.looks : loads_.looks_failed);
  }

  // Of what was not there at the look before.
  void warn_of(const std::set<std::string>& warnings) {
    const std::set<std::string> before = std::exchange(warnings_, warnings);
    for (const std::string& text : warnings)
      if (options_.warn && !before.contains(text)) try {
          options_.warn(text);
        } catch (const std::exception&) {  // nobody to tell: the look goes on
        }
  }

  // Whether the system has told that a version's file is whole, or a folder that it is in.
  static bool is_told(const FileStamp& stamp, const std::set<std::string>& whole) {
    return std::ranges::any_of(whole, [&](const std::string& path) {
      return stamp.path.starts_with(path) && (stamp.path.size() == path.size() || stamp.path[path.size()] == '/');
    });
  }

  // Two looks tell something only where there is time between them: those that are due have it.
  void note(const Look& found, const std::set<std::string>& whole, bool is_due) {
    const std::lock_guard lock(mutex_);
    if (is_due) {
      for (auto& [name, versions] : models_)
        if (!found.partly_seen.contains(name))
          for (auto& [number, known] : versions) ++known.missed;
      for (auto& [name, file] : model_files_)
        if (!found.partly_seen.contains(name)) ++file.missed;
    }
    const auto see = [&](Watched& file, const FileStamp& stamp) {
      file.missed = 0;
      const bool is_same = file.seen == stamp;
      file.is_stable = stamp.is_complete || is_told(stamp, whole) || (is_same && (is_due || file.is_stable));
      file.seen = stamp;
    };
    for (const auto& [name, versions] : found.models)
      for (const auto& [number, stamp] : versions) see(models_[name][number], stamp);
    for (const auto& [name, stamp] : found.settings) see(model_files_[name], stamp);
  }

  // Whoever asks for a load says that the files are whole; and they are read even if they were before, unless there may
  // be no room for both.
  void note_whole(const std::string& name, const Look& found) {
    const std::lock_guard lock(mutex_);
    const auto see = [](Watched& file, const FileStamp& stamp) {
      file.missed = 0;
      file.is_stable = true;
      file.seen = stamp;
      file.tried = std::nullopt;
    };
    const bool is_all_seen = !found.partly_seen.contains(name);
    for (auto& [number, known] : models_[name]) known.missed += is_all_seen;
    for (const auto& [number, stamp] : found.models.find(name)->second) {
      Known& known = models_[name][number];
      see(known, stamp);
      if (has_to_save_memory() && answers_by_its_file(known)) known.tried = known.seen;
    }
    if (const auto file = model_files_.find(name); file != model_files_.end() && is_all_seen)
      file->second.missed = 2;  // gone, unless it is found now
    if (const auto stamp = found.settings.find(name); stamp != found.settings.end())
      see(model_files_[name], stamp->second);
  }

  static bool is_gone(const Watched& file) { return file.missed >= 2; }
  static bool is_gone(const Known& known) { return known.missed >= 2 && !known.from_code; }
  static bool is_to_be_read(const Watched& file) {
    return file.missed == 0 && file.is_stable && (file.tried != file.seen || is_due_again(file));
  }
  static bool is_to_be_read(const Known& known) {
    return is_to_be_read(static_cast<const Watched&>(known)) && !known.from_code;
  }
  static bool is_due_again(const Watched& file) {
    return file.retry_at && std::chrono::steady_clock::now() >= *file.retry_at;
  }

  // After a file could not be used: where not it is to blame but the disk, or memory that has run out, that may be over
  // in a while.
  void set_retry(Watched& file, bool is_others) const {
    constexpr int most = 5;
    file.retry_at.reset();
    if (!is_others || file.retries >= most) return;
    const std::chrono::milliseconds pause = options_.retry * (1 << file.retries);
    file.retry_at =
        std::chrono::steady_clock::now() + std::min<std::chrono::milliseconds>(pause, std::chrono::minutes(1));
    ++file.retries;
  }

  // What has come of reading a file, as it was then. It takes no memory.
  void note_tried(Watched& file, FileStamp&& stamp, std::string&& why, bool is_others) const {
    if (why.empty() || file.tried != stamp) file.retries = 0;
    file.tried = std::move(stamp);
    set_retry(file, is_others);
    file.error = std::move(why);
  }

  // Those of which load_wanted would read a file: mostly none, and then nobody need be woken for it.
  std::vector<std::string> models_to_read(const Look& found) const {
    std::vector<std::string> names;
    for (const auto& [name, versions] : found.models) {
      if (waits_for_file(name)) continue;
      const std::lock_guard lock(mutex_);
      const auto model = models_.find(name);
      if (model != models_.end() && has_to_read(model->second, settings_of(name))) names.push_back(name);
    }
    return names;
  }

  bool has_to_read(const Versions& versions, const ModelSettings& settings) const {
    int answering = 0;
    for (const auto& [number, known] : versions) {
      if (!is_wanted(settings, number, answering)) continue;
      if (is_to_be_read(known) || has_room_by_now(versions, number, settings)) return true;
      answering += counts(known, settings, number);
    }
    return false;
  }

  // Whether it is one of those that a policy wants so many of.
  static bool counts(const Known& known, const ModelSettings& settings, std::int64_t number) {
    return known.servable && !is_gone(known) && is_candidate(settings, number);
  }

  // From the newest version down, until as many answer as are wanted: those that fail do not count.
  void load_wanted(const std::string& name) { load_wanted(name, settings(name)); }
  void load_wanted(const std::string& name, const ModelSettings& settings) {
    int answering = 0;
    for (const std::int64_t number : numbers(name)) {
      if (!is_wanted(settings, number, answering)) continue;
      read_if_due(name, number, settings);
      change(name, number, [&](const Known& known) { answering += counts(known, settings, number); });
    }
  }

  std::vector<std::int64_t> numbers(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::int64_t> all;
    if (const auto model = models_.find(name); model != models_.end())
      for (const auto& [number, known] : model->second) all.push_back(number);
    return all;
  }

  void read_if_due(const std::string& name, std::int64_t number, const ModelSettings& settings) {
    const std::optional<FileStamp> file = file_to_read(name, number, settings);
    if (!file || is_taken_back(name, number, settings.serving)) return;
    // For a file that the disk does not give nobody goes.
    if (options_.swap == Swap::unload_first && can_be_read(file->path)) {
      let_go_before(name, number, settings);
      wait_for_requests(name);  // of one whose file is gone, too
    }
    load(name, number, *file, settings.serving);
  }

  std::optional<FileStamp> file_to_read(const std::string& name, std::int64_t number, const ModelSettings& settings) {
    std::optional<FileStamp> file;
    change(name, number, [&](Known& known) {
      if (!is_to_be_read(known) && !has_room_by_now(models_.find(name)->second, number, settings)) return;
      file = known.seen;
      if (!known.servable) known.state = VersionState::loading;
    });
    return file;
  }

  void load(const std::string& name, std::int64_t number, const FileStamp& file, const ServingSettings& serving) {
    std::shared_ptr<const Servable> servable;
    std::string why;
    bool is_refused = false, has_no_memory = false;
    try {
      const LoadsAtOnce::Place place(loads_at_once_);
      const auto loaded = load_servable(name, number, file.path, file.golden);
      serve_as(*loaded, serving, name_files(name, serving));
      servable = loaded;
    } catch (const std::bad_alloc&) {
      why = no_memory;
      has_no_memory = true;
    } catch (const std::exception& error) {
      why = error.what();
      is_refused = dynamic_cast<const RefusedError*>(&error) != nullptr;
    }
    const bool is_others = has_no_memory || (!why.empty() && !is_refused && !can_be_read(file.path));
    FileStamp tried = file, read = file;  // taken before, so that no lack of memory leaves half of what follows
    const std::size_t bytes = servable ? weight_bytes(*servable) : 0;
    change(name, number, [&](Known& known) {
      if (servable) why = why_no_room_now(bytes);  // under the lock that it goes live with: loads may go on beside it
      const bool is_good = why.empty();
      note_tried(known, std::move(tried), std::move(why), is_others);
      known.has_no_memory = has_no_memory;
      known.is_refused = is_refused;
      known.is_unreadable = is_others && !has_no_memory;
      known.needed_bytes = servable && !is_good ? std::optional(bytes) : std::nullopt;
      if (is_good) {
        replace(known, servable);
        known.answers_by = std::move(read);
      }
      known.state = known.servable ? VersionState::available : VersionState::failed;
      ++(is_good ? loads_.succeeded : loads_.failed);
    });
  }

  void drop_missing() {
    std::vector<std::shared_ptr<const Servable>> dropped;  // freed without the lock
    const std::lock_guard lock(mutex_);
    for (auto& [name, versions] : models_)
      std::erase_if(versions, [&](auto& version) {
        if (!is_gone(version.second)) return false;
        let_go(version.second.servable);
        dropped.push_back(std::move(version.second.servable));
        return true;
      });
    std::erase_if(models_, [](const auto& model) { return model.second.empty(); });
  }

  // A retired version is read again when those after it are gone. One from code could not be, so it is forgotten.
  void retire_old_versions(const std::string& name) {
    std::vector<std::shared_ptr<const Servable>> dropped;
    const std::lock_guard lock(mutex_);
    const auto model = models_.find(name);
    if (model == models_.end()) return;
    const ModelSettings& settings = settings_of(name);
    int answering = 0;
    for (auto version = model->second.begin(); version != model->second.end();) {
      Known& known = version->second;
      const bool is_old = !is_wanted(settings, version->first, answering);
      if (is_old) {
        if (known.servable) known.tried = std::nullopt;
        let_go(known.servable);
        dropped.push_back(std::move(known.servable));
        if (known.state != VersionState::failed) known.state = VersionState::retired;
      } else if (known.servable && is_candidate(settings, version->first)) {
        ++answering;
      }
      version = is_old && known.from_code ? model->second.erase(version) : std::next(version);
    }
  }

  // ---- Room for weights; with mutex_ held, but for why_no_room ----

  std::size_t held_bytes() const {
    std::size_t bytes = 0;
    for (const auto& [name, versions] : models_)
      for (const auto& [number, known] : versions)
        if (known.servable) bytes += weight_bytes(*known.servable);
    for (const LetGo& each : let_go_)
      if (each.is_held()) bytes += each.bytes;
    return bytes;
  }

  bool has_to_save_memory() const { return options_.model_bytes > 0 || options_.swap == Swap::unload_first; }

  // So that to read that again would give the same.
  static bool answers_by_its_file(const Known& known) {
    return known.servable && !known.from_code && known.error.empty() && known.answers_by == known.seen;
  }

  // Empty if there is room for so many beside those that are held.
  std::string why_no_room_now(std::size_t bytes) const {
    if (options_.model_bytes == 0 || bytes == 0) return {};
    const std::size_t all = held_bytes() + bytes;
    if (all <= options_.model_bytes) return {};
    return fmt::format("expected at most {} bytes of weights, got {} with it", options_.model_bytes, all);
  }
  std::string why_no_room(std::size_t bytes) const {
    const std::lock_guard lock(mutex_);
    return why_no_room_now(bytes);
  }

  // Whether there was none for a version, and is, with what goes before it is read.
  bool has_room_by_now(const Versions& versions, std::int64_t number, const ModelSettings& settings) const {
    const Known& known = versions.find(number)->second;
    if (!known.needed_bytes || known.missed > 0 || !known.is_stable) return false;
    std::size_t bytes = held_bytes() + *known.needed_bytes;
    for (const std::int64_t each : going_before(versions, number, settings))
      if (const auto& servable = versions.find(each)->second.servable; servable.use_count() == 1)  // else it may stay
        bytes -= weight_bytes(*servable);
    return bytes <= options_.model_bytes;
  }

  // Those that go before a version is read, as they are to answer no more once it does. They may have to be read again.
  std::vector<std::int64_t> going_before(const Versions& versions, std::int64_t number,
                                         const ModelSettings& settings) const {
    std::vector<std::int64_t> going;
    if (options_.swap != Swap::unload_first || versions.find(number)->second.servable) return going;
    int answering = 0;
    for (const auto& [each, known] : versions) {
      const bool is_it = each == number;
      if (is_it || is_wanted(settings, each, answering))
        answering += is_it ? is_candidate(settings, each) : counts(known, settings, each);
      else if (answers_by_its_file(known) && known.missed == 0)
        going.push_back(each);
    }
    return going;
  }

  void let_go_before(const std::string& name, std::int64_t number, const ModelSettings& settings) {
    std::vector<std::shared_ptr<const Servable>> dropped;  // freed without the lock
    const std::lock_guard lock(mutex_);
    Versions& versions = models_.find(name)->second;
    const std::vector<std::int64_t> going = going_before(versions, number, settings);
    dropped.reserve(going.size());
    for (const std::int64_t each : going) {
      Known& known = versions.find(each)->second;
      let_go(known.servable);
      dropped.push_back(std::move(known.servable));
      known.tried = std::nullopt;
      known.state = VersionState::retired;
    }
  }

  // Requests that have begun are mostly over soon, and then what they hold makes room for what is read.
  void wait_for_requests(const std::string& name) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    while (is_any_held(name) && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  bool is_any_held(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    return std::ranges::any_of(let_go_, [&](const LetGo& each) { return each.model == name && each.is_held(); });
  }

  // What has gone for another one and is still held by requests need not be read to answer again, and there may be no
  // room for it twice.
  bool is_taken_back(const std::string& name, std::int64_t number, const ServingSettings& serving) {
    bool is_back = false;
    if (options_.swap == Swap::load_first) return is_back;
    change(name, number, [&](Known& known) {
      if (known.servable || !known.error.empty() || known.answers_by != known.seen) return;
      const auto last = std::find_if(let_go_.rbegin(), let_go_.rend(),
                                     [&](const LetGo& each) { return each.model == name && each.version == number; });
      auto servable = last == let_go_.rend() ? nullptr : last->servable.lock();
      if (!servable || servable->serving != serving) return;
      known.tried = known.seen;
      known.servable = std::move(servable);
      known.state = VersionState::available;
      let_go_.erase(std::next(last).base());
      is_back = true;
    });
    return is_back;
  }

  // ---- What answers no more ----

  // For as long as a request holds it.
  struct LetGo {
    std::string model{};
    std::int64_t version = 0;
    std::size_t bytes = 0;  // of its weights
    std::weak_ptr<const Servable> servable{};
    bool is_held() const { return !servable.expired(); }
  };

  // With mutex_ held, as the two that follow. Who calls lets the pointer go, too, after the lock. Where there is no
  // memory to note it, it is not told to be unloading; it goes all the same.
  void let_go(const std::shared_ptr<const Servable>& servable) noexcept try {
    std::erase_if(let_go_, [](const LetGo& each) { return !each.is_held(); });
    if (servable) let_go_.push_back({servable->model, servable->version, weight_bytes(*servable), servable});
  } catch (const std::bad_alloc&) {
  }

  // `servable` becomes the one before.
  void replace(Known& known, std::shared_ptr<const Servable>& servable) {
    let_go(known.servable);
    known.servable.swap(servable);
  }

  // What is held and answers no more is unloading, whether it is known otherwise or gone.
  void tell_held(std::string_view name, std::vector<VersionStatus>& all) const {
    for (const LetGo& each : let_go_) {
      if (each.model != name || !each.is_held()) continue;
      const auto known = std::ranges::find(all, each.version, &VersionStatus::version);
      if (known == all.end())
        all.push_back({.version = each.version, .state = VersionState::unloading});
      else if (known->state == VersionState::retired)
        known->state = VersionState::unloading;
    }
    std::ranges::sort(all, std::greater<>(), &VersionStatus::version);
  }

  // Not one that is gone, whoever holds it still.
  bool is_there(const std::string& name, std::int64_t number) const {
    const std::lock_guard lock(mutex_);
    const auto model = models_.find(name);
    return model != models_.end() && model->second.contains(number);
  }

  template <class Change>
  void change(const std::string& name, std::int64_t number, const Change& what) {
    const std::lock_guard lock(mutex_);
    what(models_[name][number]);
  }

  const RepositoryOptions options_;
  mutable std::mutex mutex_{};  // guards what follows
  std::map<std::string, Versions, std::less<>> models_{};
  std::map<std::string, ModelSettings, std::less<>> settings_{};       // in use
  std::map<std::string, ModelFile, std::less<>> model_files_{};        // its places change on the thread that changes
  mutable std::map<std::string, std::uint64_t, std::less<>> calls_{};  // of models with a canary
  std::vector<LetGo> let_go_{};                                        // few: those that have been dropped and are held
  Loads loads_{};
  LoadsAtOnce loads_at_once_;
  std::mutex adding_{};               // one version at a time; taken before changing_
  std::mutex changing_{};             // one changer at a time; taken before mutex_
  StateByModel changed_{};            // what calls have changed, as it stands in the state file; with changing_ held
  std::set<std::string> warnings_{};  // as the last look told it; likewise
  std::jthread watcher_{};            // last, so that it ends first
};

Repository::Repository(RepositoryOptions options) : folder_(std::make_unique<Folder>(std::move(options))) {}
Repository::~Repository() = default;

std::shared_ptr<const Servable> Repository::find(std::string_view model, std::optional<std::int64_t> version) const {
  return folder_->find(model, version);
}

Repository::Choice Repository::choose(std::string_view model) const { return folder_->choose(model); }

Repository::Candidates Repository::candidates(std::string_view model) const { return folder_->candidates(model); }
bool Repository::knows(std::string_view model) const { return folder_->knows(model); }

std::shared_ptr<const Servable> Repository::find_label(std::string_view model, std::string_view label) const {
  return folder_->find_label(model, label);
}

ModelSettings Repository::settings(std::string_view model) const { return folder_->settings(model); }
void Repository::load(const std::string& model, const PolicyChange& policy) { folder_->load_all(model, policy); }
std::int64_t Repository::add_version(const std::string& model, const std::string& file) {
  return folder_->add_version(model, file);
}
void Repository::check_takes_versions(const std::string& model) const { folder_->check_takes_versions(model); }
void Repository::add_files(const std::string& model, std::span<const GivenFile> files, const PolicyChange& policy) {
  folder_->add_files(model, files, policy);
}
void Repository::unload(const std::string& model) { folder_->unload(model); }
void Repository::remove_label(const std::string& model, const std::string& label) {
  folder_->remove_label(model, label);
}
void Repository::set_label(const std::string& model, const std::string& label, std::int64_t version) {
  folder_->set_label(model, label, version);
}
std::int64_t Repository::roll_back(const std::string& model) { return folder_->roll_back(model); }
void Repository::restore(const std::string& model, std::int64_t version) { folder_->restore(model, version); }
void Repository::set_traffic(const std::string& model, std::optional<Canary> canary,
                             std::optional<std::int64_t> shadow) {
  folder_->set_traffic(model, canary, shadow);
}

std::vector<std::string> Repository::missing() const { return folder_->missing(); }
std::vector<VersionStatus> Repository::status(std::string_view model) const { return folder_->status(model); }
std::vector<std::string> Repository::models() const { return folder_->models(); }
Repository::Loads Repository::loads() const { return folder_->loads(); }

void Repository::publish(const std::string& model, std::int64_t version, Network network) {
  folder_->publish(model, version, std::move(network));
}

}  // namespace maas::inline MAAS_ABI::serve
