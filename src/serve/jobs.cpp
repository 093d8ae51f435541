#include "serve/jobs.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "maas/core/new_file.hpp"
#include "serve/folder.hpp"
#include "serve/json_writer.hpp"
#include "serve/names.hpp"
#include "serve/status.hpp"
#include "serve/text.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace files = std::filesystem;

namespace {

constexpr std::string_view staged = "new-";     // begins the names of folders of jobs without a number
constexpr std::size_t most_kept = 200;          // finished jobs; older ones are deleted
constexpr std::chrono::seconds save_again{10};  // after a disk was full
constexpr std::chrono::seconds check_time{10};  // of a recipe; then it is left to the run
constexpr int backup_seconds = 5;  // that are lost at most; each backup waits for the disk, as answers may do

// Of a job with its number.
constexpr auto is_queued = [](const auto& each) { return each.second.state == "queued"; };

// A job that is not to go on.
struct Stopped {};

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_whole(const std::string& path, std::string_view text) {
  NewFile file(path);
  file.write(text);
  file.commit();
}

// "EarlyStopping" and "early_stopping" are one.
std::string plain_name(std::string_view name) {
  std::string plain;
  for (const char c : name)
    if (c != '_') plain += lower(c);
  return plain;
}

// Those that write no files.
void check_callback(JsonView callback) {
  constexpr std::array allowed{"earlystopping", "reducelronplateau", "terminateonnan", "swapemaweights"};
  const auto kind = callback.kind() == JsonKind::object ? callback.member("class") : std::optional(callback);
  const auto name = kind ? kind->text() : std::nullopt;
  require<DataError>(name && std::ranges::find(allowed, plain_name(*name)) != allowed.end(),
                     "recipe: training.callbacks: expected early_stopping, reduce_lr_on_plateau, terminate_on_nan or "
                     "swap_ema_weights, got {}",
                     name ? fmt::format("\"{}\"", *name) : "another");
}

// What a tuner tries: nothing where files are named.
void check_space(JsonView recipe) {
  const auto tuner = recipe.member("tuner"), space = tuner ? tuner->member("space") : std::nullopt;
  if (!space) return;
  space->for_each_member([](std::string_view path, JsonView) {
    require<DataError>(
        path != "training" && !path.starts_with("training.callbacks") && !path.starts_with("training.backup"),
        "recipe: tuner.space: expected no callbacks and no backup, which may name files, got \"{}\"",
        path.substr(0, 100));
  });
}

std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of(" \n\r");
  if (end == std::string::npos) return {};
  const std::size_t begin = text.find_last_of('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1,
                     end - (begin == std::string::npos ? 0 : begin + 1) + 1);
}

std::string text_member(JsonView object, std::string_view name) {
  const auto value = object.member(name);
  return value && value->text() ? std::string(*value->text()) : std::string();
}

void require_program(const std::string& path) {
  errno = EACCES;  // of a folder
  const bool can_be_run = files::is_regular_file(path) && ::access(path.c_str(), X_OK) == 0;
  require<ConfigError>(can_be_run, "jobs: expected a program that trains, got \"{}\": {}", path, std::strerror(errno));
}

std::int64_t number_member(JsonView object, std::string_view name, std::int64_t otherwise) {
  const auto value = object.member(name);
  return value && value->integer() ? *value->integer() : otherwise;
}

}  // namespace

bool Jobs::Job::is_finished() const {
  return state != "queued" && state != "running" && state != "checking" && !is_going_live;
}

Jobs::Jobs(Repository& repository, JobOptions options, std::shared_ptr<StateSaves> saves)
    : repository_(repository), options_(std::move(options)), saves_(std::move(saves)) {
  std::error_code error;
  files::create_directories(options_.folder, error);
  require<FormatError>(files::is_directory(options_.folder), "jobs: {}: cannot be made: {}", options_.folder,
                       error.message());
  require<ConfigError>(options_.data.empty() || files::is_directory(options_.data),
                       "jobs: expected a folder of data, got \"{}\"", options_.data);
  require<ConfigError>(options_.memory_bytes >= 1 && options_.time.count() >= 1 && options_.queue >= 1,
                       "jobs: expected limits of at least 1");
  require<ConfigError>(options_.threads >= 0 && options_.threads <= 1024, "jobs: expected 0 to 1024 threads, got {}",
                       options_.threads);
  require_program(options_.program);
  read_folder();
  thread_ = std::thread([this] { work(); });
}

Jobs::~Jobs() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  keep();
}

void Jobs::read_folder() {
  for (const auto& entry : files::directory_iterator(options_.folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(staged)) {  // killed before it was answered for
      std::error_code error;
      files::remove_all(entry.path(), error);
    }
    std::int64_t number = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), number);
    if (read.ec != std::errc() || read.ptr != name.data() + name.size() || number < 1) continue;
    try {
      const std::string text = content_of((entry.path() / "job.json").string());
      const JsonDocument document(text, 32);
      const JsonView root = document.root();
      Job job{.model = text_member(root, "model"),
              .state = text_member(root, "state"),
              .error = text_member(root, "error"),
              .holdout = text_member(root, "holdout"),
              .promote = text_member(root, "promote"),
              .files = text_member(root, "files"),
              .base = text_member(root, "base"),
              .epoch = number_member(root, "epoch", 0),
              .epochs = number_member(root, "epochs", 0),
              .version = number_member(root, "version", -1),
              .score = text_member(root, "score_text")};
      if (!job.is_finished() && job.state != "queued") job.state = "interrupted";
      jobs_[number] = std::move(job);
    } catch (const Error&) {  // killed before it was whole: it was never answered for
    }
  }
}

std::string Jobs::folder_of(std::int64_t number) const {
  return (files::absolute(options_.folder) / std::to_string(number)).string();
}

// ---- What is asked ----

// Nothing outside the root, whatever links and dots say.
std::string Jobs::file_under_root(std::string_view name, std::string_view what) const {
  require<DataError>(!options_.data.empty(), "{}: no folder of data is configured", what);
  std::error_code error;
  const files::path root = files::canonical(options_.data, error), path = root / files::path(name);
  require<DataError>(is_within(root, path) && files::is_regular_file(path, error),
                     "{}: expected a file in the folder of data, got \"{}\"", what, name.substr(0, 300));
  return files::canonical(path).string();
}

// A file that came with the job, by its name in the job's folder, or one in the folder of data.
std::string Jobs::data_file(std::string_view name, std::string_view what, std::span<const Upload> uploads) const {
  if (std::ranges::find(uploads, name, &Upload::name) != uploads.end()) return fmt::format("data/{}", name);
  return file_under_root(name, what);
}

// Where a recipe names none: all that came with it but the holdout.
std::string Jobs::files_of(JsonView recipe, const std::string& holdout, std::span<const Upload> uploads) const {
  std::string list = "[";
  const auto add = [&](std::string_view name) {
    list += (list.size() > 1 ? "," : "") + json_text(data_file(name, "recipe: data.files", uploads));
  };
  const auto add_named = [&](JsonView name) {
    require<DataError>(name.text().has_value(), "recipe: data.files: expected names, got {}", name.kind_name());
    add(*name.text());
  };
  const auto data = recipe.member("data");
  const auto names = data ? data->member("files") : std::nullopt;
  if (names && names->kind() == JsonKind::list)
    names->for_each(add_named);
  else if (names)
    add_named(*names);
  else
    for (const Upload& each : uploads)
      if (each.name != holdout) add(each.name);
  require<DataError>(list.size() > 1, "recipe: expected data.files, got none");
  return list + "]";
}

// Plain names, as they become names of files.
void Jobs::check_uploads(std::span<const Upload> uploads) const {
  std::size_t bytes = 0;
  for (const Upload& each : uploads) {
    require<DataError>(
        is_file_name(each.name),
        "job: expected names of files of at most 100 letters, digits, \"_\", \"-\" and \".\", got \"{}\"",
        each.name.substr(0, 300));
    require<DataError>(std::ranges::count(uploads, each.name, &Upload::name) == 1, "job: got two files \"{}\"",
                       each.name);
    bytes += each.content.size();
  }
  if (bytes > options_.upload_bytes)
    fail_with(413, "job: expected files of at most {} bytes in all, got {}", options_.upload_bytes, bytes);
}

// `"base": {"model": ..., "version" or "label": ...}`: what the training goes on from.
std::shared_ptr<const Servable> Jobs::base_of(JsonView request, const std::string& model) const {
  const auto base = request.member("base");
  if (!base) return nullptr;
  require<DataError>(base->kind() == JsonKind::object, "job: expected \"base\" to be an object, got {}",
                     base->kind_name());
  const std::string named = text_member(*base, "model"), name = named.empty() ? model : named;
  const auto version = base->member("version"), label = base->member("label");
  require<DataError>(!version || (version->integer() && !label),
                     "job: expected a whole number as the \"version\" of \"base\", or a \"label\"");
  require<DataError>(!label || label->text(), "job: expected the \"label\" of \"base\" to be a text");
  const auto found = label ? repository_.find_label(name, *label->text())
                           : repository_.find(name, version ? version->integer() : std::nullopt);
  require<DataError>(found != nullptr, "job: base: no such version of model \"{}\" answers", name.substr(0, 300));
  require<DataError>(
      !found->file.empty() && (found->pipeline || found->forecast),
      "job: base: expected a model from a file with its pipeline, or a forecaster, got \"{}\" version {} "
      "without",
      name, found->version);
  return found;
}

// What a recipe may not do here: write files of its own choice.
void Jobs::check_recipe(JsonView recipe) {
  require<DataError>(recipe.kind() == JsonKind::object, "job: expected \"recipe\", an object, got {}",
                     recipe.kind_name());
  require<DataError>(!recipe.member("output"), "recipe: expected no output: the server says where the model goes");
  require<DataError>(!recipe.member("base"), "recipe: expected no base: the request says what it goes on from");
  check_space(recipe);
  const auto training = recipe.member("training");
  if (!training) return;
  require<DataError>(!training->member("backup"), "recipe: expected no training.backup: the server keeps one");
  if (const auto callbacks = training->member("callbacks")) callbacks->for_each(check_callback);
}

namespace {

// A folder that goes unless it has become a job's.
struct Staging {
  files::path folder;
  ~Staging() {
    std::error_code error;
    files::remove_all(folder, error);
  }
};

}  // namespace

Response Jobs::add(JsonView request, std::span<const Upload> uploads) {
  require<DataError>(request.kind() == JsonKind::object, "job: expected an object, got {}", request.kind_name());
  Job job{.model = text_member(request, "model"), .state = "queued", .holdout = text_member(request, "holdout")};
  require<DataError>(is_model_name(job.model), "job: expected \"model\", a name that an address can hold, got \"{}\"",
                     job.model.substr(0, 300));
  repository_.check_takes_versions(job.model);
  if (const auto promote = request.member("promote")) {
    job.promote = promote->text() ? std::string(*promote->text()) : "";
    require<DataError>(job.promote == "gate" || job.promote == "never",
                       "job: expected \"promote\" to be \"gate\" or \"never\", got another");
  }
  check_uploads(uploads);
  const auto recipe = request.member("recipe");
  require<DataError>(recipe.has_value(), "job: expected \"recipe\", an object, got none");
  check_recipe(*recipe);
  job.files = files_of(*recipe, job.holdout, uploads);
  if (!job.holdout.empty()) job.holdout = data_file(job.holdout, "job: holdout", uploads);
  const std::shared_ptr<const Servable> base = base_of(request, job.model);
  if (base) job.base = base->file.ends_with(".keras") ? "base.keras" : "base.h5";

  // Files are written before others have to wait for it.
  Staging staging;
  {
    const std::lock_guard lock(mutex_);
    require_room();
    staging.folder = files::path(options_.folder) / fmt::format("{}{}", staged, ++staged_);
  }
  files::remove_all(staging.folder);
  files::create_directories(staging.folder / "data");
  for (const Upload& each : uploads) write_whole((staging.folder / "data" / each.name).string(), each.content);
  if (base) files::copy_file(base->file, staging.folder / job.base);
  write_whole((staging.folder / "recipe.json").string(), recipe->json());
  check_with_program(files::absolute(staging.folder).string(), job);

  const std::lock_guard one_at_a_time(changing_);
  const std::int64_t number = jobs_.empty() ? 1 : jobs_.rbegin()->first + 1;
  {
    const std::lock_guard lock(mutex_);
    require_room();
  }
  write(number, job, staging.folder.string());
  Response added{.body = text_of(number, job)};
  files::remove_all(folder_of(number));  // of one that was killed before it was whole
  std::map<std::int64_t, Job> made;      // its place takes memory: before it is a job's folder
  made.emplace(number, std::move(job));
  files::rename(staging.folder, folder_of(number));
  flush(options_.folder);
  {
    const std::lock_guard lock(mutex_);
    jobs_.merge(made);
  }
  wake_.notify_all();
  forget_oldest();
  return added;
}

// With mutex_ held.
void Jobs::require_room() const {
  const auto waiting = std::ranges::count_if(jobs_, is_queued);
  if (static_cast<std::size_t>(waiting) >= options_.queue)
    fail_with(429, "too many jobs are waiting: at most {} may", options_.queue);
}

Response Jobs::list() const {
  std::string out = R"({"jobs":[)";
  const std::lock_guard lock(mutex_);
  for (auto job = jobs_.rbegin(); job != jobs_.rend(); ++job) {
    if (out.back() != '[') out += ',';
    out += text_of(job->first, job->second);
  }
  return {.body = out + "]}"};
}

const Jobs::Job& Jobs::job(std::int64_t number) const {
  const auto found = jobs_.find(number);
  require<UnknownError>(found != jobs_.end(), "unknown job {}", number);
  return found->second;
}

Response Jobs::status(std::int64_t number) const {
  const std::lock_guard lock(mutex_);
  return {.body = text_of(number, job(number))};
}

Response Jobs::events(std::int64_t number, std::uint64_t last) const {
  bool is_over = false;
  {
    const std::lock_guard lock(mutex_);
    is_over = job(number).is_finished();
  }
  std::ifstream file(folder_of(number) + "/events.jsonl", std::ios::binary);
  file.seekg(static_cast<std::streamoff>(std::min<std::uint64_t>(last, std::uint64_t{1} << 40)));
  constexpr std::size_t most = std::size_t{256} << 10;
  std::string out = "retry: 1000\n\n", line;
  bool is_any = false;
  while (out.size() < most && std::getline(file, line) && !file.eof()) {  // a last line without its end is not whole
    last += line.size() + 1;
    out += fmt::format("id: {}\ndata: {}\n\n", last, line);
    is_any = true;
  }
  if (!is_any && is_over) return {.status = 204, .content_type = "text/event-stream"};
  return {.body = std::move(out), .content_type = "text/event-stream", .headers = {{"Cache-Control", "no-store"}}};
}

Response Jobs::cancel(std::int64_t number) {
  const std::lock_guard one_at_a_time(changing_);
  bool is_waiting = false;
  {
    const std::lock_guard lock(mutex_);
    const Job& found = job(number);
    require<ConflictError>(!found.is_finished() && !found.is_going_live,
                           "job {}: expected one that waits or runs, got one that is {}", number,
                           found.is_going_live ? "going live" : found.state);
    is_waiting = found.state == "queued";
  }
  if (is_waiting) change(number, [](Job& changed) { changed.state = "cancelled"; });
  const std::lock_guard lock(mutex_);
  jobs_.at(number).is_to_stop = true;
  wake_.notify_all();
  return {.body = text_of(number, job(number))};
}

Response Jobs::resume(std::int64_t number) {
  const std::lock_guard one_at_a_time(changing_);
  {
    const std::lock_guard lock(mutex_);
    const std::string& state = job(number).state;
    require<ConflictError>(state == "interrupted" || state == "cancelled" || state == "failed",
                           "job {}: expected one that is interrupted, cancelled or failed, got one that is {}", number,
                           state);
  }
  change(number, [](Job& changed) {
    changed.state = "queued";
    changed.error.clear();
    changed.is_to_stop = false;
  });
  wake_.notify_all();
  return status(number);
}

Response Jobs::promote(std::int64_t number) {
  {
    const std::lock_guard one_at_a_time(changing_);
    const std::lock_guard lock(mutex_);
    const Job& found = job(number);
    require<ConflictError>(found.state == "candidate" && !found.is_going_live,
                           "job {}: expected a candidate, got one that is {}", number,
                           found.is_going_live ? "going live" : found.state);
    jobs_.at(number).is_going_live = true;
  }
  promote_now(number);
  return status(number);
}

// ---- What is told and kept ----

std::string Jobs::text_of(std::int64_t number, const Job& job) const {
  std::string out = fmt::format(R"({{"id":{},"model":)", number);
  append_text(out, job.model);
  out += fmt::format(R"(,"state":"{}","epoch":{},"epochs":{},"promote":"{}")", job.state, job.epoch, job.epochs,
                     job.promote);
  if (job.version >= 0) out += fmt::format(R"(,"version":{})", job.version);
  if (!job.score.empty()) out += fmt::format(R"(,"score":{})", job.score);
  if (!job.error.empty()) out += R"(,"error":)" + json_text(job.error);
  return out + '}';
}

void Jobs::write(std::int64_t number, const Job& job, const std::string& folder) const {
  std::string text = text_of(number, job);
  text.pop_back();
  text += R"(,"holdout":)" + json_text(job.holdout) + R"(,"files":)" + json_text(job.files) + R"(,"base":)" +
          json_text(job.base) + R"(,"score_text":)" + json_text(job.score) + "}\n";
  write_whole(folder + "/job.json", text);
}

// With changing_ held.
Jobs::Job Jobs::copy_of(std::int64_t number) const {
  const std::lock_guard lock(mutex_);
  return job(number);
}

// What a call asks for: it stands once the disk has taken it. With changing_ held.
template <class Change>
void Jobs::change(std::int64_t number, const Change& what) {
  Job changed = copy_of(number);
  what(changed);
  write(number, changed, folder_of(number));
  const std::lock_guard lock(mutex_);
  Job& job = jobs_.at(number);
  what(job);
  job.is_unsaved = false;
}

// What has happened: it stands, and the disk is to take it when it can.
template <class Change>
void Jobs::note(std::int64_t number, const Change& what) {
  const std::lock_guard one_at_a_time(changing_);
  {
    const std::lock_guard lock(mutex_);
    Job& job = jobs_.at(number);
    what(job);
    job.is_unsaved = true;
  }
  save_unsaved();
}

// With changing_ held.
bool Jobs::save_unsaved() {
  bool are_saved = true;
  for (auto& [number, job] : jobs_) {
    if (!job.is_unsaved) continue;
    const bool is_saved = saves_->attempt(options_.folder, [&, of = number] {
      write(of, copy_of(of), folder_of(of));
      return true;
    });
    const std::lock_guard lock(mutex_);
    job.is_unsaved = !is_saved;
    are_saved = are_saved && is_saved;
  }
  return are_saved;
}

bool Jobs::keep() {
  const std::lock_guard one_at_a_time(changing_);
  return save_unsaved();
}

// With changing_ held.
void Jobs::forget_oldest() {
  auto finished = static_cast<std::size_t>(
      std::ranges::count_if(jobs_, [](const auto& each) { return each.second.is_finished(); }));
  for (auto job = jobs_.begin(); job != jobs_.end() && finished > most_kept;) {
    if (!job->second.is_finished()) {
      ++job;
      continue;
    }
    std::error_code error;
    files::remove_all(folder_of(job->first), error);
    const std::lock_guard lock(mutex_);
    job = jobs_.erase(job);
    --finished;
  }
}

void Jobs::finish(std::int64_t number, std::string_view state, std::string_view error) {
  try {
    note(number, [&](Job& job) {
      job.state = state;
      job.error = error;
    });
  } catch (const std::exception&) {  // no memory: the state is short, and stands
  }
}

// ---- Running ----

std::vector<int> Jobs::processors() const {
  return share_of_processors(own_processors(), paid_processors(), options_.threads);
}

void Jobs::work() {
  while (wait_for_one())
    if (const std::optional<std::int64_t> number = take_one()) run(*number);
}

// False at the end.
bool Jobs::wait_for_one() {
  std::unique_lock lock(mutex_);
  const auto is_due = [&] { return stopping_ || std::ranges::any_of(jobs_, is_queued); };
  while (!wake_.wait_for(lock, save_again, is_due)) {
    lock.unlock();
    keep();
    lock.lock();
  }
  return !stopping_;
}

// Nothing where it has been cancelled meanwhile, or all is to end.
std::optional<std::int64_t> Jobs::take_one() {
  const std::lock_guard one_at_a_time(changing_);
  const std::lock_guard lock(mutex_);
  const auto next = std::ranges::find_if(jobs_, is_queued);
  if (stopping_ || next == jobs_.end()) return std::nullopt;
  next->second.state = "running";
  return next->first;
}

bool Jobs::is_to_stop(std::int64_t number) const {
  const std::lock_guard lock(mutex_);
  return stopping_ || jobs_.at(number).is_to_stop;
}

void Jobs::run(std::int64_t number) {
  try {
    train(number);
    note(number, [](Job& job) { job.state = "checking"; });
    check(number);
  } catch (const Stopped&) {
    bool is_end = false;
    {
      const std::lock_guard lock(mutex_);
      is_end = stopping_;
    }
    finish(number, is_end ? "interrupted" : "cancelled", "");
  } catch (const std::exception& error) {
    finish(number, "failed", error.what());
  }
}

// A call of the program that trains, in a job's folder.
ChildOptions Jobs::training_in(const std::string& folder, const Job& job) const {
  ChildOptions child{.arguments = {files::absolute(options_.program).string(), "train", folder + "/recipe.json",
                                   "--progress", "json", "--resume", "--set", "data.files=" + job.files, "--set",
                                   "output.model=" + json_text(folder + "/model.h5"), "--set",
                                   fmt::format("training.backup_seconds={}", backup_seconds)},
                     .folder = folder,
                     .errors = folder + "/errors.txt",
                     .memory_bytes = options_.memory_bytes,
                     .time = options_.time,
                     .processors = processors()};
  if (!job.base.empty()) child.arguments.insert(child.arguments.end(), {"--set", "base=" + json_text(job.base)});
  return child;
}

// What is wrong with a recipe is told before it waits, by the program that would train. Whatever else keeps that from
// reading it is left to the run, which reads it again.
void Jobs::check_with_program(const std::string& folder, const Job& job) const {
  ChildOptions child = training_in(folder, job);
  child.arguments.emplace_back("--check");
  child.time = std::min(child.time, check_time);
  child.is_awaited = true;
  const auto is_ending = [&] {
    const std::lock_guard lock(mutex_);
    return stopping_;
  };
  ChildEnd end;
  try {
    end = run_child(
        child, [](std::string_view) {}, is_ending);
  } catch (const StateError&) {  // no process to be had just now
    return;
  }
  if (end.exit_code != 1) return;
  std::string said = last_line(content_of(child.errors)).substr(0, 1000);
  const std::string where = folder + "/recipe.json: ";
  const std::size_t begin = said.find(where);
  if (begin == std::string::npos) return;
  said.erase(0, begin);
  for (std::size_t at = 0; (at = said.find(where)) != std::string::npos;) said.erase(at, where.size());
  fail<DataError>("recipe: {}", said);
}

void Jobs::train(std::int64_t number) {
  Job job;
  note(number, [&](const Job& noted) {
    if (noted.is_to_stop) throw Stopped();
    job = noted;
  });
  const std::string folder = folder_of(number);
  const ChildOptions child = training_in(folder, job);
  std::ofstream events(folder + "/events.jsonl", std::ios::binary | std::ios::app);
  bool is_trained = false;  // as far as it says so itself
  const ChildEnd end = run_child(
      child,
      [&](std::string_view line) {
        events << line << '\n' << std::flush;
        is_trained = note_event(number, line);
      },
      [&] { return is_to_stop(number); });
  if (end.is_stopped) throw Stopped();
  if (end.is_good() || (end.is_lost && is_trained && files::is_regular_file(folder + "/model.h5"))) return;
  if (end.is_late) fail<DataError>("training took longer than {} s", options_.time.count());
  if (end.signal != 0) fail<DataError>("training was ended by signal {}", end.signal);
  const std::string last = last_line(content_of(child.errors)).substr(0, 1000);
  if (end.is_lost) fail<DataError>("training ended before it had a model: {}", last);
  if (end.exit_code == ChildEnd::not_set_up && last.empty())
    fail<DataError>("training ended with code {}: {} cannot be used", end.exit_code, folder);
  fail<DataError>("training ended with code {}: {}", end.exit_code, last);
}

// Whether it tells that there is a model. Lines that are no JSON are kept for those who read them, and tell nothing.
bool Jobs::note_event(std::int64_t number, std::string_view line) {
  try {
    const JsonDocument document(line, 64);
    const auto is_finite = document.root().member("finite");
    const std::lock_guard lock(mutex_);
    Job& job = jobs_.at(number);
    job.epochs = number_member(document.root(), "epochs", job.epochs);
    job.epoch = number_member(document.root(), "epoch", job.epoch);
    return text_member(document.root(), "event") == "end" && is_finite && is_finite->boolean().value_or(false);
  } catch (const Error&) {
    return false;
  }
}

namespace {

// Of a forecaster's table of scores, whose last rows are its own, a horizon each: the mean of their rmse.
std::optional<double> rmse_of_forecasts(JsonView table) {
  std::string_view model;
  double sum = 0;
  int count = 0;
  table.for_each([&](JsonView row) {
    const auto name = row.member("model"), rmse = row.member("rmse");
    if (!name || !name->text()) return;
    if (*name->text() != model) sum = count = 0;
    model = *name->text();
    sum += rmse ? rmse->number().value_or(std::nan("")) : std::nan("");
    ++count;
  });
  return count > 0 && std::isfinite(sum) ? std::optional(sum / count) : std::nullopt;
}

}  // namespace

// The score of the first target on rows that were held out, larger where it is better: macro_f1, or rmse with a minus;
// of forecasts the latter.
std::optional<double> Jobs::score_of(std::int64_t number, const std::string& model_file, std::string& name) {
  std::string holdout;
  {
    const std::lock_guard lock(mutex_);
    holdout = jobs_.at(number).holdout;
  }
  std::string said;
  const ChildEnd end = run_child(
      {.arguments = {files::absolute(options_.program).string(), "evaluate", model_file, holdout, "--json"},
       .folder = folder_of(number),
       .errors = folder_of(number) + "/evaluation_errors.txt",
       .memory_bytes = options_.memory_bytes,
       .time = options_.time,
       .processors = processors()},
      [&](std::string_view line) { said = line; }, [&] { return is_to_stop(number); });
  if (end.is_stopped) throw Stopped();
  if (!end.is_good() && !(end.is_lost && !said.empty())) return std::nullopt;
  const JsonDocument document(said, 64);
  if (document.root().kind() == JsonKind::list) {
    const std::optional<double> rmse = rmse_of_forecasts(document.root());
    name = "rmse";
    return rmse ? std::optional(-*rmse) : std::nullopt;
  }
  std::optional<JsonView> target, answer;
  if (const auto targets = document.root().member("targets"))
    targets->for_each([&](JsonView each) { target = target ? target : each; });
  if (const auto answers = target ? target->member("answers") : std::nullopt)
    answers->for_each([&](JsonView each) { answer = answer ? answer : each; });
  for (const char* figure : {"macro_f1", "rmse"}) {
    const auto value = answer ? answer->member(figure) : std::nullopt;
    if (!value || !value->number() || !std::isfinite(*value->number())) continue;
    name = figure;
    return name == "rmse" ? -*value->number() : *value->number();
  }
  return std::nullopt;
}

// The gate: a model that passes goes live, any other is kept beside, as one is that cannot.
void Jobs::check(std::int64_t number) {
  std::string objection = objection_to(number);
  bool is_going_live = false;
  note(number, [&](Job& job) {
    is_going_live = objection.empty() && job.promote != "never";
    if (job.is_to_stop || (is_going_live && stopping_)) throw Stopped();
    job.is_going_live = is_going_live;
  });
  if (is_going_live) try {
      return promote_now(number);
    } catch (const std::exception& error) {
      objection = error.what();
    }
  finish(number, "candidate", objection);
}

// On rows that were held out, the new model must not be worse than the version that answers now. Empty where there is
// nothing to say against it, or nobody wants to know.
std::string Jobs::objection_to(std::int64_t number) {
  Job job;
  {
    const std::lock_guard lock(mutex_);
    job = jobs_.at(number);
  }
  if (job.promote == "never") return {};
  if (job.holdout.empty()) return "there is no holdout to compare with";
  std::string name, other_name;
  const std::optional<double> score = score_of(number, folder_of(number) + "/model.h5", name);
  if (!score) return "the new model has no score on the holdout";
  const auto live = repository_.find(job.model);
  std::optional<double> before;
  if (live && !live->file.empty()) before = score_of(number, files::absolute(live->file).string(), other_name);
  std::string text = fmt::format(R"({{"name":"{}","new":{})", name, std::abs(*score));
  if (before) text += fmt::format(R"(,"live":{},"live_version":{})", std::abs(*before), live->version);
  note(number, [&](Job& changed) { changed.score = text + '}'; });
  if (live && (!before || other_name != name)) return "the version that answers has no score on the holdout";
  if (before && *score < *before) return "the new model is worse on the holdout than the version that answers";
  return {};
}

// Of one that is marked as going live, which ends here.
void Jobs::promote_now(std::int64_t number) {
  std::string model;
  {
    const std::lock_guard lock(mutex_);
    model = jobs_.at(number).model;
  }
  try {
    const std::int64_t version = repository_.add_version(model, folder_of(number) + "/model.h5");
    note(number, [&](Job& job) {
      job.state = "promoted";
      job.error.clear();
      job.version = version;
      job.is_going_live = false;
    });
  } catch (...) {
    const std::lock_guard one_at_a_time(changing_);
    const std::lock_guard lock(mutex_);
    jobs_.at(number).is_going_live = false;
    throw;
  }
}

}  // namespace maas::inline MAAS_ABI::serve
