// A load generator: requests at a constant rate, whatever becomes of those before.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "maas/core/scalar.hpp"
#include "maas/core/shape.hpp"

namespace maas::inline MAAS_ABI::serve {

/// Where to: "http://HOST[:PORT][/PATH]".
struct LoadUrl {
  std::string host{};    ///< a name, or an address without brackets
  std::string port{};    ///< "80" if none is given
  std::string prefix{};  ///< the path without its last '/': "" or "/base"

  /// Throws ConfigError for what is none, and for https.
  static LoadUrl parse(const std::string& text);
  /// HOST:PORT, as the header Host has it.
  std::string authority() const;
};

/// One request, sent again and again.
struct LoadRequest {
  std::string method = "GET";
  std::string path = "/";
  std::string headers{};  ///< lines that end in CR LF
  std::string body{};

  /// As it goes over the wire.
  std::string text(const LoadUrl& url) const;
};

/// How the numbers of a prediction's body are written.
enum class LoadForm {
  json,
  binary,
  rows
};  ///< Open Inference Protocol as JSON or bytes, TensorFlow Serving's instances

/// A prediction of `rows` samples of numbers between 0 and 1, always the same ones, for the model that an answer of
/// GET /v2/models/NAME describes. Throws DataError for what is no such answer, or an input that is not FP32.
LoadRequest prediction_request(std::string_view metadata, const std::string& model_path, LoadForm form, Index rows);

/// Counts of times, each kept to 1/128 of itself.
class LatencyCounts {
 public:
  void add(std::chrono::nanoseconds time);
  std::uint64_t count() const { return count_; }
  /// The time that a part of all did not exceed: percentile(0.99). 0 if there are none.
  std::chrono::nanoseconds percentile(double part) const;
  std::chrono::nanoseconds max() const { return max_; }
  std::chrono::nanoseconds mean() const;

 private:
  std::array<std::uint64_t, 7424> counts_{};
  std::uint64_t count_ = 0;
  double sum_ = 0;
  std::chrono::nanoseconds max_{0};
};

struct LoadOptions {
  double rate = 100;                    ///< requests a second
  std::chrono::nanoseconds duration{};  ///< for which requests are counted
  std::chrono::nanoseconds warmup{};    ///< before it, at the same rate
  int connections = 16;                 ///< open all the while; a request waits where none is free
  std::chrono::nanoseconds timeout{};   ///< from when a request was due to when it is given up
};

struct LoadResult {
  std::uint64_t due = 0;                            ///< requests that were to be sent
  std::map<int, std::uint64_t> statuses{};          ///< answers by status
  std::map<std::string, std::uint64_t> failures{};  ///< requests without an answer: "time", "closed", "connect", "http"
  LatencyCounts latency{};   ///< of answers below 300, and of what was given up for the time until then
  LatencyCounts lateness{};  ///< from when a request was due to when it was sent, with a connection free for it
  std::chrono::nanoseconds duration{};  ///< from when the first was due to the last answer

  std::uint64_t succeeded() const;  ///< answers below 300
  double rate() const;              ///< of these, a second
};

/// Sends `request` at the rate; the time of each counts from when it was due, not from when a connection was free for
/// it. One thread. Of several addresses of the host the first that takes a connection is asked. Throws ConfigError for
/// options out of range, or where no connection can be had at all.
LoadResult run_load(const LoadUrl& url, const LoadRequest& request, const LoadOptions& options);

/// What counts as more than a server can bear.
struct SaturationOptions {
  double least = 100;              ///< the first rate, at most 4e6
  std::chrono::nanoseconds p99{};  ///< more than this is too much, and so is
  double answered = 0.97;          ///< less than this part of the requests answered in time
  std::function<void(double rate, const LoadResult& result, bool bears)> told{};  ///< after each rate
};

/// The highest rate that is borne: doubled from the first until it is not, or halved until it is, then halved in
/// between down to a twentieth. 0 if not even one request in the whole duration is.
double find_saturation(const LoadUrl& url, const LoadRequest& request, LoadOptions options,
                       const SaturationOptions& bounds);

/// The body of one answer. Throws DataError where none comes within the timeout, or its status is not 200.
std::string ask_once(const LoadUrl& url, const LoadRequest& request, std::chrono::nanoseconds timeout);

}  // namespace maas::inline MAAS_ABI::serve
