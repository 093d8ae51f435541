// Repository: named and versioned networks that are ready to answer, picked up from a folder while it changes.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "maas/core/scalar.hpp"
#include "maas/core/shape.hpp"
#include "maas/network/network.hpp"

namespace maas::inline MAAS_ABI::serve {

/// An input or output of a model: the name of its layer, made unique, and the shape of one sample.
struct TensorInfo {
  std::string name;  ///< "dense_3"; "dense_3_1" where the same layer gives another output
  Shape shape;       ///< without the batch axis
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
};

/// Where a version stands: `waiting` while its file may still be changing, `loading` while it is read, `available`,
/// `failed` where its file could not be used, `retired` where enough newer ones answer (then it is read again when
/// these are gone; a version that was published from code is forgotten instead).
enum class VersionState { waiting, loading, available, failed, retired };

/// What is known of one version.
struct VersionStatus {
  std::int64_t version = 0;                    ///< its number
  VersionState state = VersionState::waiting;  ///< where it stands
  std::string error = {};                      ///< why its file could not be used; the file before it may still answer
};

/// Where models are, and how often to look.
struct RepositoryOptions {
  /// The folder: `MODEL/VERSION/model.h5`, `MODEL/VERSION/model.keras`, or a flat `MODEL.h5`, `MODEL.keras`, which is
  /// version 1. Empty: no folder, only what `publish` gives.
  std::string folder = {};
  std::chrono::milliseconds poll{2000};  ///< how long from one look at the folder to the next
  int versions = 1;                      ///< how many versions of a model answer at once, the newest ones
};

/// Models by name and version.
///
/// A file is taken up when two looks in a row find it with the same size and time of change, and when it can be read
/// whole, its self-test included, and gives numbers for zeros or ones. The version before it goes on answering until
/// then; if the file cannot be used, the reason is kept until the file changes. A version whose file is gone for two
/// looks is dropped; where a folder of a model cannot be listed, its versions stay. Names that begin with a dot or end
/// in .tmp or .part are passed over, and so are folders whose name is not a whole number. Loading runs on the
/// repository's own thread; all members may be called from any thread, and none of them waits for a prediction, nor for
/// a load, but for `publish`. Needs `maas::serve` to link, which is built for float alone.
class Repository {
 public:
  /// Loads what the folder holds, then looks again every `poll`. Throws FormatError where the folder cannot be read,
  /// ConfigError for a poll below 1 ms or `versions` below 1. Models that cannot be loaded do not throw: see status().
  explicit Repository(RepositoryOptions options);
  Repository(const Repository&) = delete;
  Repository& operator=(const Repository&) = delete;
  ~Repository();

  /// The version that answers for `model`: the newest available one, or the one asked for. Null if there is none.
  std::shared_ptr<const Servable> find(std::string_view model, std::optional<std::int64_t> version = {}) const;
  /// All versions of a model that are known, newest first; empty for an unknown model.
  std::vector<VersionStatus> status(std::string_view model) const;
  /// The names of all known models, sorted.
  std::vector<std::string> models() const;
  /// Counts since the start.
  struct Loads {
    std::uint64_t succeeded = 0;     ///< versions that went live
    std::uint64_t failed = 0;        ///< files that could not be used
    std::uint64_t looks = 0;         ///< looks that saw all of the folder
    std::uint64_t looks_failed = 0;  ///< looks for which it, or a folder in it, could not be listed
  };
  /// Those counts, now.
  Loads loads() const;

  /// Makes a network of the caller's the given version of a model, after a load that is under way; it counts among the
  /// newest `versions` as those from files do. It needs no file to stay, and once enough newer ones answer it is
  /// dropped and forgotten, so that status() does not name it any more. Throws ConfigError for a name that no address
  /// can hold (empty, "stats", with '/', ':' or control characters) or a version below 0, DataError where the network
  /// gives no finite number.
  void publish(const std::string& model, std::int64_t version, Network network);

 private:
  class Folder;
  std::unique_ptr<Folder> folder_;
};

}  // namespace maas::inline MAAS_ABI::serve
