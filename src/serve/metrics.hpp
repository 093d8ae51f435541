// What /metrics tells: counts and latencies, in Prometheus' text format.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "maas/serve/protocol.hpp"
#include "maas/serve/repository.hpp"

namespace maas::inline MAAS_ABI::serve {

/// A value of a label, with what Prometheus wants escaped.
std::string label_text(std::string_view value);

/// The number of a version; nothing where none was chosen.
using VersionNumber = std::optional<std::int64_t>;
/// Versions by model and number; without a number the model itself.
using VersionSet = std::set<std::pair<std::string, VersionNumber>, std::less<>>;
/// All that a repository knows now, the models themselves and "", for what is about none, among them.
VersionSet known_versions(const Repository& repository);

/// Counters that many threads add to. There are as many series as known versions, codes and protocols: names that
/// clients make up must not come here. What was counted of versions that the repository does not know any more is not
/// told, and forgotten when there is much of it.
class Metrics {
 public:
  /// The repository must outlive it.
  explicit Metrics(const Repository& repository) : repository_(repository) {}

  /// `model` is empty for requests that are about none, `version` is nothing where none was chosen to answer.
  void count_request(std::string_view api, std::string_view model, VersionNumber version, int code,
                     std::chrono::nanoseconds duration);
  /// One run of a network on so many samples. `for_each_wait` calls back with how long each of its requests has waited.
  template <class ForEachWait>
  void count_prediction(std::string_view model, std::int64_t version, Index rows, std::chrono::nanoseconds duration,
                        const ForEachWait& for_each_wait) {
    const std::lock_guard lock(mutex_);
    Counts& counts = of(model, version);
    counts.add(rows, duration);
    for_each_wait([&](std::chrono::nanoseconds wait) { counts.waits.add(seconds_of(wait)); });
  }

  /// The page.
  std::string text(bool ready, const Gauges& gauges) const;
  /// Versions of which there are counts, those among them that nobody knows any more.
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return counts_.size();
  }

 private:
  static constexpr std::array<double, 14> bounds{.0001, .00025, .0005, .001, .0025, .005, .01,
                                                 .025,  .05,    .1,    .25,  .5,    1,    2.5};  // seconds
  struct Histogram {
    std::array<std::uint64_t, bounds.size() + 1> counts{};  // one a bound, and those beyond
    double sum = 0;
    void add(double seconds);
    bool is_empty() const { return counts == decltype(counts){}; }
  };
  // By protocol and code: few, so that looking through them is quick.
  struct Answers {
    std::string api{};
    int code = 0;
    std::uint64_t count = 0;
  };
  static constexpr std::size_t row_bounds = 13;  // 1, 2, 4 ... 4096
  // Of a version.
  struct Counts {
    std::vector<Answers> answers{};
    Histogram durations{};
    std::uint64_t runs = 0, rows = 0;
    std::array<std::uint64_t, row_bounds + 1> batches{};  // by their samples
    Histogram seconds{}, waits{};
    void add(Index count, std::chrono::nanoseconds duration);
    std::uint64_t& answers_of(std::string_view api, int code);
  };
  using Key = std::pair<std::string, VersionNumber>;
  // Also of a name that is someone else's, so that counting makes none.
  struct InOrder {
    using is_transparent = void;
    using View = std::pair<std::string_view, VersionNumber>;
    bool operator()(const View& a, const View& b) const { return a < b; }
  };
  using Each = std::pair<std::string, const Counts*>;  // with its labels

  static double seconds_of(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
  }
  Counts& of(std::string_view model, VersionNumber version);
  void forget_unknown();
  std::vector<Each> counts_of(const VersionSet& versions) const;
  static void append_requests(std::string& out, const std::vector<Each>& all);
  static void append_runs(std::string& out, const std::vector<Each>& all);
  static void append_batches(std::string& out, const std::string& labels, const Counts& counts);
  static void append_histograms(std::string& out, std::string_view name, const std::vector<Each>& all,
                                Histogram Counts::*which);
  static void append_histogram(std::string& out, std::string_view name, const std::string& labels, const Histogram& h);

  const Repository& repository_;
  mutable std::mutex mutex_{};
  std::map<Key, Counts, InOrder> counts_{};
  std::size_t most_ = 64;  // of these: when there are more, those that nobody knows are forgotten
  std::chrono::system_clock::time_point start_ = std::chrono::system_clock::now();
};

}  // namespace maas::inline MAAS_ABI::serve
