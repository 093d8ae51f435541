// What /metrics tells: counts and latencies, in Prometheus' text format.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>

#include "maas/serve/protocol.hpp"
#include "maas/serve/repository.hpp"

namespace maas::inline MAAS_ABI::serve {

/// A value of a label, with what Prometheus wants escaped.
std::string label_text(std::string_view value);

/// Counters that many threads add to. There are as many series as models, codes and protocols: names that clients make
/// up must not come here.
class Metrics {
 public:
  /// `model` is empty for requests that are about none.
  void count_request(std::string_view api, std::string_view model, int code, std::chrono::nanoseconds duration);
  /// One run of a network on so many samples. `for_each_wait` calls back with how long each of its requests has waited.
  template <class ForEachWait>
  void count_prediction(const std::string& model, Index rows, std::chrono::nanoseconds duration,
                        const ForEachWait& for_each_wait) {
    const std::lock_guard lock(mutex_);
    Predictions& predictions = predictions_[model];
    predictions.add(rows, duration);
    for_each_wait([&](std::chrono::nanoseconds wait) { predictions.waits.add(seconds_of(wait)); });
  }

  /// The page.
  std::string text(const Repository& repository, bool ready, const Gauges& gauges) const;

 private:
  static constexpr std::array<double, 14> bounds{.0001, .00025, .0005, .001, .0025, .005, .01,
                                                 .025,  .05,    .1,    .25,  .5,    1,    2.5};  // seconds
  struct Histogram {
    std::array<std::uint64_t, bounds.size() + 1> counts{};  // one a bound, and those beyond
    double sum = 0;
    void add(double seconds);
  };
  // Also of texts that are someone else's, so that counting makes none.
  struct InOrder {
    using is_transparent = void;
    using Views = std::tuple<std::string_view, std::string_view, int>;
    bool operator()(const Views& a, const Views& b) const { return a < b; }
  };
  static constexpr std::size_t row_bounds = 13;  // 1, 2, 4 ... 4096
  struct Predictions {
    std::uint64_t runs = 0, rows = 0;
    std::array<std::uint64_t, row_bounds + 1> batches{};  // by their samples
    Histogram seconds{}, waits{};
    void add(Index count, std::chrono::nanoseconds duration);
  };
  static double seconds_of(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
  }
  static void append_batches(std::string& out, const std::string& labels, const Predictions& predictions);
  void append_by_model(std::string& out, std::string_view name, Histogram Predictions::*which) const;
  static void append_histogram(std::string& out, std::string_view name, const std::string& labels, const Histogram& h);

  mutable std::mutex mutex_{};
  std::map<std::tuple<std::string, std::string, int>, std::uint64_t, InOrder> requests_{};  // api, model, code
  std::map<std::string, Histogram, std::less<>> durations_{};                               // by model
  std::map<std::string, Predictions> predictions_{};                                        // by model
  std::chrono::system_clock::time_point start_ = std::chrono::system_clock::now();
};

}  // namespace maas::inline MAAS_ABI::serve
