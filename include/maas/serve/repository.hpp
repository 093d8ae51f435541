// Repository: named and versioned networks that are ready to answer, picked up from a folder while it changes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "maas/core/scalar.hpp"
#include "maas/core/shape.hpp"
#include "maas/data/pipeline.hpp"
#include "maas/forecast/drift.hpp"
#include "maas/forecast/frame.hpp"
#include "maas/network/network.hpp"

namespace maas::inline MAAS_ABI::serve {

class DriftCounts;

/// An input or output of a model: the name of its layer, made unique, and the shape of one sample.
struct TensorInfo {
  std::string name;  ///< "dense_3"; "dense_3_1" where the same layer gives another output
  Shape shape;       ///< without the batch axis
};

/// How versions of a model answer. What is not set is as the network, or the server's own options, have it.
struct ServingSettings {
  /// How many samples of requests that wait are joined to one run at most; 1: none are.
  std::optional<Index> batch_rows = {};
  std::optional<Index> rows = {};              ///< samples in one request, in the place of Limits::rows
  std::optional<std::size_t> queue = {};       ///< predictions that wait, in the place of ServerOptions::model_queue
  std::optional<std::size_t> queue_rows = {};  ///< samples of them, in the place of ServerOptions::model_rows
  /// Other names for inputs and outputs, by their names in the network: these are what requests and answers have.
  std::map<std::string, std::string> inputs = {}, outputs = {};
  friend bool operator==(const ServingSettings&, const ServingSettings&) = default;
};

/// One version of a model, ready to answer. It never changes, so any number of threads may ask it at once; whoever
/// holds a pointer to it goes on using it, whatever happens to the repository meanwhile.
struct Servable {
  std::string model;                 ///< the name it is asked by
  std::int64_t version = 1;          ///< from 0
  Network network;                   ///< what answers
  std::string platform = "maas";     ///< "keras_h5", "keras_v3" by the name of the file, "maas" for a network from code
  std::string keras_version = {};    ///< of the program that wrote the file; empty if it does not say
  std::vector<TensorInfo> inputs{};  ///< in the order of Network::predict; filled in by the repository
  std::vector<TensorInfo> outputs{};  ///< likewise
  std::string file = {};              ///< what it was read from; empty for a network from code
  /// How many samples of requests that wait are worth joining to one run, as measured when the repository took it up; 1
  /// where a sample's answer is not, bit for bit, the same in a batch as alone. At most ServingSettings::batch_rows.
  Index batch_rows = 1;
  Index measured_rows = 1;       ///< the same without that limit
  ServingSettings serving = {};  ///< what its names and limits are from; filled in by the repository
  /// What a run of so many samples took.
  struct RunCost {
    Index rows = 0;                   ///< from 1
    std::chrono::nanoseconds time{};  ///< of the fastest of three runs
  };
  /// As measured when the repository took it up, with rising numbers of samples. Empty where no run tells of the next:
  /// for networks with layers that are not of maas, which may wait for whatever they want.
  std::vector<RunCost> run_costs{};
  /// What the file was saved with: then raw rows of named values are taken, too.
  std::optional<Pipeline> pipeline = std::nullopt;
  DateOrder dates = DateOrder::automatic;  ///< of the texts of times in raw rows: as in the files it has learned from
  /// What a forecaster's file was saved with: then streams take readings in their unit, and answer with intervals and
  /// a warning where it has them.
  std::optional<ForecastFrame> forecast = std::nullopt;
  std::string forecast_digest = {};  ///< tells it from others; filled in by the repository
  /// The readings of each sensor that it takes, where the file has a policy for others but to let them pass, and steps
  /// do not come first; filled in by the repository.
  std::vector<std::optional<NumberRange>> ranges{};
  /// What its inputs (a forecaster's sensors) were in training, if the file says: then `/metrics` tells how they drift.
  std::optional<DriftReference> reference = std::nullopt;
  /// Counts what comes beside the reference, from this version's first prediction on; filled in by the repository.
  std::shared_ptr<DriftCounts> drift{};
};

/// Where a version stands: `waiting` while its file may still be changing, `loading` while it is read and tried,
/// `available`, `unloading` where it answers no more and requests that have begun still hold it (and known for as long
/// as that even if its file is gone), `failed` where its file could not be used, `retired` where it is not to answer,
/// as enough newer ones do, for example (then it is read again when these are gone; a version that was published from
/// code is forgotten instead).
enum class VersionState { waiting, loading, available, unloading, failed, retired };

/// Which versions of a model answer at once, of those that can be used.
struct VersionPolicy {
  /// The newest ones, all there are, or those that are listed.
  enum class Kind { latest, all, specific };
  Kind kind = Kind::latest;
  int count = 1;                            ///< of `latest`: how many
  std::vector<std::int64_t> versions = {};  ///< of `specific`
  friend bool operator==(const VersionPolicy&, const VersionPolicy&) = default;
};

/// A share of the requests that name no version, for one that is tried out.
struct Canary {
  std::int64_t version = 0;  ///< may be one that is still to come
  double share = 0;          ///< from 0 to 1
  friend bool operator==(const Canary&, const Canary&) = default;
};

/// How one model is served. Versions with a label, the canary and the shadow answer whatever the policy says.
///
/// A file `maas.json` beside the versions of a model says the same, as an object:
///
///     {"versions": {"latest": 2}, "labels": {"stable": 3}, "canary": {"version": 4, "share": 0.1}, "shadow": 5,
///      "batching": {"rows": 16}, "limits": {"max-rows": 64, "max-model-queue": 100, "max-model-rows": 1000},
///      "inputs": {"input_1": "flow"}, "outputs": {"dense_3": "forecast"}, "required": true}
///
/// `versions` may be `"all"` or `{"specific": [1, 3]}`, too; `batching` may be true or false; `withdrawn` is a list of
/// versions, `unloaded` true or false.
struct ModelSettings {
  std::optional<VersionPolicy> policy = {};         ///< nothing: the newest RepositoryOptions::versions
  std::map<std::string, std::int64_t> labels = {};  ///< names of versions, to be asked by
  std::vector<std::int64_t> withdrawn = {};         ///< versions that do not answer unless they have a label
  bool is_unloaded = false;                         ///< whether none is to answer
  /// Gets a share of the traffic; it is not the version that answers by default, even if it is the newest.
  std::optional<Canary> canary = {};
  /// A version that is asked what the default one is asked, for comparison; its answers go nowhere. It is never the
  /// default one itself.
  std::optional<std::int64_t> shadow = {};
  ServingSettings serving = {};  ///< how its versions answer
  /// Whether the server is not ready while no version of it answers; not set: no.
  std::optional<bool> is_required = {};
  friend bool operator==(const ModelSettings&, const ModelSettings&) = default;
};

/// Which versions of a model are to answer from now on, until the repository ends: an empty policy is
/// RepositoryOptions::versions. Nothing: no change.
using PolicyChange = std::optional<std::optional<VersionPolicy>>;

/// What is known of one version.
struct VersionStatus {
  std::int64_t version = 0;                    ///< its number
  VersionState state = VersionState::waiting;  ///< where it stands
  /// Why its file could not be used, or the model's maas.json; what was there before it may still answer.
  std::string error = {};
  bool is_refused = false;     ///< whether it could be read, and failed a check of golden.json
  bool is_unreadable = false;  ///< whether the disk did not give its file
  bool has_no_memory = false;  ///< whether memory ran out while it was read
  bool has_no_room = false;    ///< whether it could be read, and is beyond RepositoryOptions::model_bytes
};

/// When a version goes whose place a newer one takes.
enum class Swap {
  load_first,   ///< once the newer one answers: there is no gap, and room for both is needed
  unload_first  ///< before the newer one is read: until that answers, none does
};

/// Where models are, and how often to look.
struct RepositoryOptions {
  /// The folder: `MODEL/VERSION/model.h5`, `MODEL/VERSION/model.keras`, or a flat `MODEL.h5`, `MODEL.keras`, which is
  /// version 1. Empty: no folder, only what `publish` gives.
  std::string folder = {};
  /// One model more, wherever it is: `VERSION/model.h5` and the like in `model_path`, or else a model file in it, or
  /// the file itself, which is version 1. It takes no versions by calls, and a folder of its name in `folder` is not
  /// it.
  std::string model_name = {}, model_path = {};
  std::chrono::milliseconds poll{1000};  ///< how long from one look at the folder to the next
  /// A file that the disk does not give is read again after so long, then after twice as long each time, 60 s at most,
  /// five times.
  std::chrono::milliseconds retry{1000};
  int versions = 1;  ///< how many versions of a model answer at once, the newest ones
  /// Settings by model, for names that may not be there yet. What calls have changed comes before them; they come,
  /// member by member, before the model's maas.json.
  std::map<std::string, ModelSettings> models = {};
  /// A file that keeps what calls have changed (labels, what is withdrawn and unloaded) for the next start; it is
  /// written before such a call returns. Empty: it is forgotten.
  std::string state_file = {};
  /// Whether to look as soon as the system tells of a change in the folder (inotify), beside every `poll`.
  bool notices = true;
  /// How many model files are read and tried at once, those of calls among them: of different models, as the versions
  /// of one come one after the other. Each takes a processor from the answers. From 1 to 64.
  int loads_at_once = 1;
  /// Is told, once, what is odd in the folder and keeps no model from answering: a file that is passed over, as another
  /// one is the same version. Called by the constructor, and by the thread that looks; it must not call the repository.
  std::function<void(const std::string& text)> warn = {};
  /// How many bytes the weights of all versions that answer, or are held by requests that have begun, may take together
  /// (those of `maas_model_bytes` in the metrics, and of versions that are unloading); 0: any number. A version by
  /// which there would be more is not taken up, and is read again at the first look for which there is room. What is
  /// being read or tried is not counted until it is to answer.
  std::size_t model_bytes = 0;
  /// With `unload_first` versions that are to answer no more once a newer one does, by their number alone, are let go
  /// before that is read, and read again where it cannot be used. Requests that hold them are waited for, a second at
  /// most. Those with a label, canary and shadow stay, and so does what could not be read again: versions from code,
  /// and those whose file is another one by now.
  Swap swap = Swap::load_first;
};

/// A file of a version that is handed over, rather than found in the folder.
struct GivenFile {
  std::int64_t version = 0;       ///< that it belongs to
  std::string name = {};          ///< a plain name ending in .h5 or .keras; or golden.json, beside such a one
  std::string_view content = {};  ///< all of it
};

/// Models by name and version.
///
/// A file is taken up when two looks in a row find it with the same size and time of change, or the system tells that
/// its writer has closed it or that it was moved into place; and when it can be read whole, passes its self-test and
/// the checks of a `golden.json` beside it, and gives numbers for zeros or ones. The version before it goes on
/// answering until then; if the file cannot be used, the reason is kept until the file changes. A version whose file is
/// gone for two looks is dropped; where a folder of a model cannot be listed, its versions stay. A `maas.json` in a
/// model's folder has its settings (ModelSettings), and is taken up in the same way: where it is wrong, the settings
/// before it stay, and status() says why. Names that begin with
/// a dot or end in .tmp or .part are passed over, and so are folders whose name is not a whole number. Loading runs on
/// the repository's own threads; all members may be called from any thread, and none of them waits for a prediction,
/// nor for a load, but for `publish`. Needs `maas::serve` to link, which is built for float alone.
class Repository {
 public:
  /// Loads what the folder holds, then looks again every `poll`. Throws FormatError where the folder cannot be read,
  /// ConfigError for a poll below 1 ms, `versions` or a policy's count below 1, `loads_at_once` out of its range, or a
  /// state file that is none. Models that cannot be loaded do not throw: see status().
  explicit Repository(RepositoryOptions options);
  Repository(const Repository&) = delete;
  Repository& operator=(const Repository&) = delete;
  ~Repository();

  /// The version that answers for `model`: the newest available one, or the one asked for. Null if there is none.
  std::shared_ptr<const Servable> find(std::string_view model, std::optional<std::int64_t> version = {}) const;
  /// Who answers a request that names no version.
  struct Choice {
    std::shared_ptr<const Servable> answering = {};  ///< the default version, or for its share the canary
    std::shared_ptr<const Servable> shadow = {};     ///< to be asked the same for comparison; mostly null
  };
  /// The canary gets its share of the calls exactly, evenly spread; where it does not answer, the default version does.
  Choice choose(std::string_view model) const;
  /// Who may be chosen.
  struct Candidates {
    std::shared_ptr<const Servable> usual = {};   ///< the default version; null if there is none
    std::shared_ptr<const Servable> canary = {};  ///< null where there is none, or it does not answer
  };
  /// As it stands now; no call is counted.
  Candidates candidates(std::string_view model) const;
  /// Whether any version of a model is known.
  bool knows(std::string_view model) const;
  /// The version that has a label; null if none has, or it does not answer.
  std::shared_ptr<const Servable> find_label(std::string_view model, std::string_view label) const;
  /// The models that are required and of which no version answers, sorted.
  std::vector<std::string> missing() const;
  /// All versions of a model that are known, newest first; empty for an unknown model.
  std::vector<VersionStatus> status(std::string_view model) const;
  /// The names of all known models, sorted.
  std::vector<std::string> models() const;
  /// Counts since the start.
  struct Loads {
    std::uint64_t succeeded = 0;     ///< versions that went live
    std::uint64_t failed = 0;        ///< files that could not be used, of models and of their settings
    std::uint64_t looks = 0;         ///< looks that saw all of the folder
    std::uint64_t looks_failed = 0;  ///< looks for which it, or a folder in it, could not be listed
  };
  /// Those counts, now.
  Loads loads() const;

  /// Makes a network of the caller's the given version of a model, after a load that is under way; it counts among the
  /// newest `versions` as those from files do. It needs no file to stay, and once enough newer ones answer it is
  /// dropped and forgotten, so that status() does not name it any more. Throws ConfigError for a name that no address
  /// can hold (empty, "stats", with '/', ':' or control characters) or a version below 0, DataError where the network
  /// gives no finite number, or is beyond `model_bytes` beside all that is there.
  void publish(const std::string& model, std::int64_t version, Network network);

  /// How a model is served now; the default for an unknown one.
  ModelSettings settings(std::string_view model) const;
  /// Reads the model's files again as they are now, without waiting for looks, and takes back an `unload`. What has
  /// answered before goes on until then, but for Swap::unload_first. With that, or with `model_bytes`, a version that
  /// answers by its file as it is now is not read again. Throws DataError for a model of which there is no file, and
  /// where the newest version that is wanted, or the model's maas.json, cannot be used, with the reason; then what
  /// answered before still does, by the names the file of settings gives now. With a policy it sets, too, which
  /// versions answer from now on; throws ConfigError for a count below 1. Where no version of it can be used, the one
  /// before stays.
  void load(const std::string& model, const PolicyChange& policy = {});
  /// No version of the model answers any more, until `load`; requests that have begun keep theirs. Throws DataError for
  /// an unknown model.
  void unload(const std::string& model);
  /// Throws what add_version and add_files throw of any file for a model of that name: DataError without a folder, and
  /// for the model of `model_path`; ConfigError for a name that no address can hold, or that the folder passes over.
  void check_takes_versions(const std::string& model) const;
  /// Copies a model file into the folder as the newest version of a model, which may be a new one, and loads it; its
  /// number. Throws what check_takes_versions does, FormatError where the file cannot be copied, and what load throws:
  /// then the copy is removed again.
  std::int64_t add_version(const std::string& model, const std::string& file);
  /// Writes files into the folder as new versions of a model, which may be a new one, and loads it, with the policy.
  /// They are written and tested under a name that is passed over, then moved into place: whoever is killed meanwhile
  /// leaves no version that is not whole and tested. Throws what check_takes_versions does; ConfigError for names that
  /// no file can have, a version without a model file or with two, or more than 100 versions; DataError where the
  /// model's folder leads out of that of models, for a version that is there already, and for a model that cannot be
  /// used; FormatError where they cannot be written; and what load throws, which here asks nothing of versions that
  /// were there before. Then all of them are removed again.
  void add_files(const std::string& model, std::span<const GivenFile> files, const PolicyChange& policy = {});
  /// Gives a version a label, or moves it there in one moment. Throws DataError for an unknown model, a label that is
  /// not of letters, digits and _ (at most 255), or a version that does not answer: then the label stays where it was.
  void set_label(const std::string& model, const std::string& label, std::int64_t version);
  /// Throws DataError for a label that is not there.
  void remove_label(const std::string& model, const std::string& label);
  /// Withdraws the version that answers by default; the newest before it does from now on, read again first if need be.
  /// It returns that one's number. A version that comes later is taken up as ever. Throws DataError where there is no
  /// other that can be used; then nothing has changed.
  std::int64_t roll_back(const std::string& model);
  /// Sets canary and shadow; nothing for none. Throws ConfigError for a share outside 0 to 1 or a version below 0,
  /// DataError for an unknown model, and where a model that answers would have no version left that does so by default.
  void set_traffic(const std::string& model, std::optional<Canary> canary, std::optional<std::int64_t> shadow);
  /// Takes back the withdrawal of a version. Throws DataError for one that is not withdrawn.
  void restore(const std::string& model, std::int64_t version);

 private:
  class Folder;
  std::unique_ptr<Folder> folder_;
};

}  // namespace maas::inline MAAS_ABI::serve
