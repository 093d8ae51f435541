// Statistics of each version, as the Open Inference Protocol's extension has them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "maas/core/scalar.hpp"
#include "maas/core/shape.hpp"
#include "maas/serve/repository.hpp"

namespace maas::inline MAAS_ABI::serve {

/// How long the parts of one prediction took.
struct Durations {
  std::chrono::nanoseconds queue{}, read{}, run{}, write{};
  Index batch = 0;  ///< samples of the run that it was a part of
};

/// Counts of the versions that are known; those of versions that are gone are forgotten.
class Statistics {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// An answer, good or bad, `now` and after so long.
  void count_answer(std::string_view model, std::int64_t version, bool is_good, Time now, std::chrono::nanoseconds all,
                    const Durations& parts);
  /// One run of the network for so many samples, and how long its requests took to read.
  void count_run(const Servable& servable, Index rows, std::chrono::nanoseconds duration,
                 std::chrono::nanoseconds read);

  /// `{"model_stats": [...]}` of all versions that answer, of one model's, or of one version.
  std::string text(const Repository& repository, std::string_view model, std::optional<std::int64_t> version) const;

  /// Appends what Triton's metrics have, under their names, of all versions that answer. `queued`: requests that wait,
  /// by model.
  void append_as_triton(std::string& out, const Repository& repository,
                        const std::vector<std::pair<std::string, std::size_t>>& queued) const;

 private:
  struct Sum {
    std::uint64_t count = 0;
    std::chrono::nanoseconds time{};
    void add(std::chrono::nanoseconds more) { ++count, time += more; }
  };
  // Runs of one size: reading and writing are those of all of their requests.
  struct Batch {
    Sum run{};
    std::chrono::nanoseconds read{}, write{};
  };
  struct Version {
    Time last{};  // answer
    std::uint64_t rows = 0, runs = 0;
    Sum success{}, fail{}, queue{}, read{}, run{}, write{};
    std::map<Index, Batch> batches{};
  };
  using Amount = std::uint64_t (*)(const Version&);
  using Key = std::pair<std::string, std::int64_t>;
  // Also of a name that is someone else's, so that counting makes none.
  struct InOrder {
    using is_transparent = void;
    using View = std::pair<std::string_view, std::int64_t>;
    bool operator()(const View& a, const View& b) const { return a < b; }
  };

  Version& of(std::string_view model, std::int64_t number);
  static void append_sum(std::string& out, std::string_view name, const Sum& sum);
  static void append(std::string& out, const Key& key, const Version& version);

  mutable std::mutex mutex_{};
  std::map<Key, Version, InOrder> versions_{};
};

}  // namespace maas::inline MAAS_ABI::serve
