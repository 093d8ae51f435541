#include "maas/serve/repository.hpp"

#include <algorithm>
#include <condition_variable>
#include <iterator>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>

#include "serve/folder.hpp"
#include "serve/names.hpp"
#include "serve/servable.hpp"

namespace maas::inline MAAS_ABI::serve {

// What the repository knows, and the thread that looks. Readers and changers meet at one mutex, which is held for a
// look-up or the change of a few pointers, never while a file is read or a network runs.
class Repository::Folder {
 public:
  explicit Folder(RepositoryOptions options) : options_(std::move(options)) {
    require<ConfigError>(options_.poll >= std::chrono::milliseconds(1),
                         "repository: expected a poll of at least 1 ms, got {}", options_.poll.count());
    require<ConfigError>(options_.versions >= 1, "repository: expected at least 1 version of a model, got {}",
                         options_.versions);
    if (options_.folder.empty()) return;
    look();
    std::this_thread::sleep_for(std::min(options_.poll, std::chrono::milliseconds(100)));
    look();
    watcher_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
  }

  std::shared_ptr<const Servable> find(std::string_view name, std::optional<std::int64_t> version) const {
    const std::lock_guard lock(mutex_);
    const auto model = models_.find(name);
    if (model == models_.end()) return nullptr;
    if (version) {
      const auto found = model->second.find(*version);
      return found == model->second.end() ? nullptr : found->second.servable;
    }
    for (const auto& [number, known] : model->second)
      if (known.servable) return known.servable;
    return nullptr;
  }

  std::vector<VersionStatus> status(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    std::vector<VersionStatus> all;
    if (const auto model = models_.find(name); model != models_.end())
      for (const auto& [number, known] : model->second) all.push_back({number, known.state, known.error});
    return all;
  }

  std::vector<std::string> models() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, versions] : models_) names.push_back(name);
    return names;
  }

  Loads loads() const {
    const std::lock_guard lock(mutex_);
    return loads_;
  }

  void publish(const std::string& name, std::int64_t version, Network network) {
    require<ConfigError>(is_model_name(name), "publish: expected a name that an address can hold, got \"{}\"", name);
    require<ConfigError>(version >= 0, "publish: expected a version of at least 0, got {}", version);
    auto servable = make_servable({.model = name, .version = version, .network = std::move(network)});
    const std::lock_guard one_at_a_time(changing_);
    change(name, version, [&](Known& known) {
      known.servable.swap(servable);  // the one before goes after the lock
      known.state = VersionState::available;
      known.error.clear();
      known.from_code = true;
      ++loads_.succeeded;
    });
    retire_old_versions(name);
  }

 private:
  struct Known {
    std::shared_ptr<const Servable> servable{};
    VersionState state = VersionState::waiting;
    std::string error{};
    std::optional<FileStamp> tried{};  // the file as it was when it was last read, or could not be
    std::optional<FileStamp> seen{};   // as it was at the last look
    bool is_stable = false;            // the last two looks found the same
    int missed = 0;                    // looks in a row that did not find it
    bool from_code = false;
  };
  using Versions = std::map<std::int64_t, Known, std::greater<>>;  // newest first

  void watch(const std::stop_token& stop) {
    std::unique_lock lock(sleeping_);
    while (true) {
      wake_.wait_for(lock, stop, options_.poll, [] { return false; });
      if (stop.stop_requested()) return;
      try {
        look();
      } catch (const std::exception&) {
        // The folder is away, or memory is: what is loaded goes on answering until the next look.
        const std::lock_guard counting(mutex_);
        ++loads_.looks_failed;
      }
    }
  }

  // What is new and stable is loaded; what is gone goes after that, so that an older version can take its place first.
  void look() {
    const Look found = look_at(options_.folder);
    const std::lock_guard one_at_a_time(changing_);
    note(found);
    for (const auto& [name, versions] : found.models) load_wanted(name);
    drop_missing();
    for (const auto& [name, versions] : found.models) retire_old_versions(name);
    const std::lock_guard lock(mutex_);
    ++(found.partly_seen.empty() ? loads_.looks : loads_.looks_failed);
  }

  void note(const Look& found) {
    const std::lock_guard lock(mutex_);
    for (auto& [name, versions] : models_)
      if (!found.partly_seen.contains(name))
        for (auto& [number, known] : versions) ++known.missed;
    for (const auto& [name, versions] : found.models)
      for (const auto& [number, stamp] : versions) {
        Known& known = models_[name][number];
        known.missed = 0;
        known.is_stable = known.seen == stamp;
        known.seen = stamp;
      }
  }

  static bool is_gone(const Known& known) { return known.missed >= 2 && !known.from_code; }
  static bool is_to_be_read(const Known& known) {
    return known.missed == 0 && known.is_stable && known.tried != known.seen && !known.from_code;
  }

  // From the newest version down, until as many answer as are wanted: those that fail do not count.
  void load_wanted(const std::string& name) {
    int answering = 0;
    for (const std::int64_t number : numbers(name)) {
      if (answering == options_.versions) return;
      if (const std::optional<FileStamp> file = file_to_read(name, number)) load(name, number, *file);
      change(name, number, [&](const Known& known) { answering += known.servable && !is_gone(known); });
    }
  }

  std::vector<std::int64_t> numbers(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::int64_t> all;
    for (const auto& [number, known] : models_.find(name)->second) all.push_back(number);
    return all;
  }

  std::optional<FileStamp> file_to_read(const std::string& name, std::int64_t number) {
    std::optional<FileStamp> file;
    change(name, number, [&](Known& known) {
      if (!is_to_be_read(known)) return;
      file = known.seen;
      if (!known.servable) known.state = VersionState::loading;
    });
    return file;
  }

  void load(const std::string& name, std::int64_t number, const FileStamp& file) {
    std::shared_ptr<const Servable> servable;
    std::string why;
    try {
      servable = load_servable(name, number, file.path);
    } catch (const std::exception& error) {
      why = error.what();
    }
    change(name, number, [&](Known& known) {
      known.tried = file;
      known.error = why;
      if (servable) known.servable.swap(servable);  // the one before goes after the lock
      known.state = known.servable ? VersionState::available : VersionState::failed;
      ++(why.empty() ? loads_.succeeded : loads_.failed);
    });
  }

  void drop_missing() {
    std::vector<std::shared_ptr<const Servable>> dropped;  // freed without the lock
    const std::lock_guard lock(mutex_);
    for (auto& [name, versions] : models_)
      std::erase_if(versions, [&](auto& version) {
        if (!is_gone(version.second)) return false;
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
    int answering = 0;
    for (auto version = model->second.begin(); version != model->second.end();) {
      Known& known = version->second;
      const bool is_old = answering == options_.versions;
      if (is_old) {
        if (known.servable) known.tried = std::nullopt;
        dropped.push_back(std::move(known.servable));
        if (known.state != VersionState::failed) known.state = VersionState::retired;
      } else if (known.servable) {
        ++answering;
      }
      version = is_old && known.from_code ? model->second.erase(version) : std::next(version);
    }
  }

  template <class Change>
  void change(const std::string& name, std::int64_t number, const Change& what) {
    const std::lock_guard lock(mutex_);
    what(models_[name][number]);
  }

  const RepositoryOptions options_;
  mutable std::mutex mutex_{};  // guards what follows
  std::map<std::string, Versions, std::less<>> models_{};
  Loads loads_{};
  std::mutex changing_{};  // one changer at a time; taken before mutex_
  std::mutex sleeping_{};
  std::condition_variable_any wake_{};
  std::jthread watcher_{};  // last, so that it ends first
};

Repository::Repository(RepositoryOptions options) : folder_(std::make_unique<Folder>(std::move(options))) {}
Repository::~Repository() = default;

std::shared_ptr<const Servable> Repository::find(std::string_view model, std::optional<std::int64_t> version) const {
  return folder_->find(model, version);
}

std::vector<VersionStatus> Repository::status(std::string_view model) const { return folder_->status(model); }
std::vector<std::string> Repository::models() const { return folder_->models(); }
Repository::Loads Repository::loads() const { return folder_->loads(); }

void Repository::publish(const std::string& model, std::int64_t version, Network network) {
  folder_->publish(model, version, std::move(network));
}

}  // namespace maas::inline MAAS_ABI::serve
