// Trainings that are run by request, one after the other, each in a program of its own.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>

#include "maas/serve/protocol.hpp"
#include "maas/serve/repository.hpp"
#include "serve/child.hpp"
#include "serve/json.hpp"
#include "serve/state_saves.hpp"

namespace maas::inline MAAS_ABI::serve {

/// All that is asked about trainings.
///
/// A job is a folder NUMBER in the folder of jobs: recipe.json, data (files that came with it), base.h5 or .keras (the
/// model it goes on from), events.jsonl (a line of JSON each), errors.txt, model.h5 once it is trained, and job.json,
/// which tells how it stands. States: queued, running, checking, promoted, candidate (trained, and not served), failed,
/// cancelled, interrupted (the server has ended meanwhile).
class Jobs {
 public:
  /// Reads what was there before: what was queued is run, what ran is interrupted. `saves` is told of what is written
  /// without being asked for. Throws FormatError for folders that cannot be used, ConfigError for a folder of data that
  /// is none, a program that cannot be run, and limits out of their range.
  Jobs(Repository& repository, JobOptions options, std::shared_ptr<StateSaves> saves);
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;
  /// Interrupts the job that runs.
  ~Jobs();

  /// A file of data that comes with a job.
  struct Upload {
    std::string name{};
    std::string_view content{};
  };
  /// POST /v1/jobs: `{"model", "recipe", "holdout", "promote", "base"}`, and files that its recipe or holdout may name.
  /// Throws DataError for what it cannot be, or could never be served, StatusError 429 where too many wait, 413 for
  /// files over the limit. Like those below that change a job, it has done nothing where the disk does not take it.
  Response add(JsonView request, std::span<const Upload> uploads = {});
  /// How many bytes files that come with a job may have in all.
  std::size_t upload_bytes() const { return options_.upload_bytes; }
  Response list() const;
  Response status(std::int64_t number) const;
  /// Server-sent events: those after `last`, the id of the last one that is known; 204 where there are no more to come.
  Response events(std::int64_t number, std::uint64_t last) const;
  /// Throw ConflictError in a state where that is not possible; a job that is going live cannot be cancelled any more.
  Response cancel(std::int64_t number);
  Response resume(std::int64_t number);
  Response promote(std::int64_t number);
  /// Writes how jobs stand that the disk has not taken before; false where it still does not.
  bool keep();

 private:
  struct Job {
    std::string model{}, state{}, error{}, holdout{}, promote = "gate";
    std::string files{};  // the data's, as a list in JSON
    std::string base{};   // the name of a model file in the job's folder
    std::int64_t epoch = 0, epochs = 0, version = -1;
    std::string score{};  // how it compares, in JSON
    bool is_to_stop = false;
    bool is_going_live = false;  // it is too late to stop it
    bool is_unsaved = false;     // the disk has not taken how it stands
    bool is_finished() const;
  };

  void read_folder();
  void work();
  bool wait_for_one();
  std::optional<std::int64_t> take_one();
  void run(std::int64_t number);
  void train(std::int64_t number);
  void check(std::int64_t number);
  std::string objection_to(std::int64_t number);
  std::optional<double> score_of(std::int64_t number, const std::string& model_file, std::string& name);
  bool note_event(std::int64_t number, std::string_view line);
  bool is_to_stop(std::int64_t number) const;
  void finish(std::int64_t number, std::string_view state, std::string_view error);
  void promote_now(std::int64_t number);
  void forget_oldest();
  void require_room() const;

  std::vector<int> processors() const;
  std::string folder_of(std::int64_t number) const;
  std::string file_under_root(std::string_view name, std::string_view what) const;
  std::string data_file(std::string_view name, std::string_view what, std::span<const Upload> uploads) const;
  std::string files_of(JsonView recipe, const std::string& holdout, std::span<const Upload> uploads) const;
  std::shared_ptr<const Servable> base_of(JsonView request, const std::string& model) const;
  void check_uploads(std::span<const Upload> uploads) const;
  static void check_recipe(JsonView recipe);
  ChildOptions training_in(const std::string& folder, const Job& job) const;
  void check_with_program(const std::string& folder, const Job& job) const;
  const Job& job(std::int64_t number) const;
  std::string text_of(std::int64_t number, const Job& job) const;
  void write(std::int64_t number, const Job& job, const std::string& folder) const;
  Job copy_of(std::int64_t number) const;
  template <class Change>
  void change(std::int64_t number, const Change& what);
  template <class Change>
  void note(std::int64_t number, const Change& what);
  bool save_unsaved();

  Repository& repository_;
  const JobOptions options_;
  const std::shared_ptr<StateSaves> saves_;
  // Who changes how jobs stand, all but their epochs, holds both, the first one while the disk takes it, too; who asks
  // holds the second one, for a look-up.
  std::mutex changing_{};
  mutable std::mutex mutex_{};  // guards what follows
  std::condition_variable wake_{};
  std::map<std::int64_t, Job> jobs_{};
  bool stopping_ = false;
  std::int64_t staged_ = 0;  // folders of jobs that are still to get a number
  std::thread thread_{};
};

}  // namespace maas::inline MAAS_ABI::serve
