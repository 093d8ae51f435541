// Workers: threads that answer what may take long, and the queue before them.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "serve/http.hpp"

namespace maas::inline MAAS_ABI::serve {

/// How requests that wait are taken together. Nobody waits for others: what stands in the queue when a thread is free
/// is all there is.
struct Joining {
  std::function<std::string(const Request&)> key{};   ///< the same for those that may; empty for one that may not
  std::function<std::size_t(const Request&)> most{};  ///< how many, this one included
  std::function<std::vector<Response>(std::span<const Request* const>)> answer{};
};

/// How much of the queue the requests of one model may take, so that there is room for those of others: as its last
/// request has said, or else as is said here.
struct ModelShare {
  std::function<std::string_view(const Request&)> model{};  ///< empty for a request that is not counted
  std::size_t most = std::numeric_limits<std::size_t>::max();
  std::function<QueueClaim(const Request&)> claim{};  ///< where it is left out, one sample
  /// Of samples that wait. Where none of a model's requests waits, one may have more.
  std::size_t most_rows = std::numeric_limits<std::size_t>::max();
};

/// Requests whose answers nobody waits for any more are not kept: they are answered by the time, not by a worker.
struct Deadlines {
  std::function<std::chrono::steady_clock::time_point(const Request&)> of{};
  std::function<Response(const Request&)> late{};  ///< the answer to one whose deadline has passed
};

/// Whether there is room for a request in a queue; if not, what is full, or that its turn would come too late.
enum class Room { enough, none, none_for_model, none_in_time };

/// A bounded queue with a fixed number of threads. A request that is cancelled when a thread takes it up is not run:
/// `cancelled` answers it, or else a 499.
class Workers {
 public:
  Workers(int threads, std::size_t most_queued, std::function<Response(const Request&)> answer, Joining joining = {},
          ModelShare share = {}, Deadlines deadlines = {}, std::function<Response(const Request&)> cancelled = {});
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers() { stop(); }

  /// Adds it where there is room: if not, or where the workers have stopped, it is still the caller's to answer.
  Room add(PendingAnswer& pending);
  std::size_t queued() const { return queued_; }
  /// Samples of those that wait.
  std::size_t queued_rows() const { return queued_rows_; }
  /// How many requests of each model wait.
  std::vector<std::pair<std::string, std::size_t>> queued_of_models() const;
  /// Whether there is room for a request of any model; looks at two numbers alone.
  bool has_room_for_all() const {
    return queued_ < std::min<std::size_t>(most_queued_, least_most_) && queued_rows_ < least_most_rows_;
  }
  /// Whether there is room for a request of a model now.
  Room room(std::string_view model) const;
  /// How long a request that came now would wait: by what those before have taken, and at least as long as the one
  /// that is next has waited.
  std::chrono::nanoseconds likely_wait() const;
  /// Whether a request of that key waits.
  bool has_waiting(const std::string& key) const;
  /// Ends the threads after what they are at; what waits is answered 503. True if nothing waited.
  bool stop();

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct OfModel {
    std::size_t requests = 0, rows = 0;
    std::size_t most, most_rows;  // of them
  };
  struct Waiting {
    PendingAnswer* pending;
    std::string key;
    OfModel* of_model;  // what of its model waits; null where that is not counted
    std::size_t rows;
    Time deadline;
  };
  PendingAnswer* take_left();
  // Waits for the memory of one answer, but not once it stops.
  void make_ready(std::vector<PendingAnswer*>& taken, std::vector<Response>& responses);
  void work();
  void watch();
  std::vector<PendingAnswer*> take_late(Time now);
  void has_been_taken(const Waiting& waiting);
  std::chrono::nanoseconds time_of_queue() const;
  OfModel* count_of(std::string_view model, const QueueClaim& claim);
  void set_share(OfModel& of_model, const QueueClaim& claim);
  void take_more(std::vector<PendingAnswer*>& taken, const std::string& key);
  void has_left(const std::string& key, std::size_t count);
  void leave_out_cancelled(std::vector<PendingAnswer*>& taken) const;
  void answer(const std::vector<PendingAnswer*>& taken, std::vector<Response>& responses) const;

  const int count_;
  const std::size_t most_queued_;
  const std::function<Response(const Request&)> answer_;
  const Joining joining_;
  const ModelShare share_;
  const Deadlines deadlines_;
  const std::function<Response(const Request&)> cancelled_;
  mutable std::mutex mutex_{};
  std::condition_variable wake_{}, wake_watch_{};
  std::deque<Waiting> queue_{};
  std::unordered_map<std::string, std::size_t> waiting_{};   // how many of each key, none of them 0
  std::map<std::string, OfModel, std::less<>> of_models_{};  // of each model; 0 stays for the next one
  std::atomic<std::size_t> queued_{0}, queued_rows_{0};      // its size, for those who only look
  std::atomic<std::size_t> least_most_, least_most_rows_;    // the smallest shares of models
  Time next_watch_ = Time::max();                            // no deadline in the queue is before it
  std::chrono::nanoseconds each_{};  // of processor time a request takes, about, over all threads; 0 where none has yet
  bool stopping_ = false;
  std::vector<std::thread> threads_{};
  std::thread watcher_{};
};

}  // namespace maas::inline MAAS_ABI::serve
