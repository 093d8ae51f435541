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

/// How much of the queue the requests of one model may take, so that there is room for those of others.
struct ModelShare {
  std::function<std::string_view(const Request&)> model{};  ///< empty for a request that is not counted
  std::size_t most = std::numeric_limits<std::size_t>::max();
};

/// Whether there is room for a request in a queue; if not, what is full.
enum class Room { enough, none, none_for_model };

/// A bounded queue with a fixed number of threads.
class Workers {
 public:
  Workers(int threads, std::size_t most_queued, std::function<Response(const Request&)> answer, Joining joining = {},
          ModelShare share = {});
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers() { stop(); }

  /// Adds it where there is room: if not, or where the workers have stopped, it is still the caller's to answer.
  Room add(PendingAnswer& pending);
  std::size_t queued() const { return queued_; }
  /// Whether there is room for a request of any model; looks at one number alone.
  bool has_room_for_all() const { return queued_ < std::min(most_queued_, share_.most); }
  /// Whether there is room for a request of a model now.
  Room room(std::string_view model) const;
  /// How long the request that is next has waited: about what the queue takes, from its end to its front.
  std::chrono::nanoseconds longest_wait() const;
  /// Whether a request of that key waits.
  bool has_waiting(const std::string& key) const;
  /// Ends the threads after what they are at; what waits is answered 503. True if nothing waited.
  bool stop();

 private:
  struct Waiting {
    PendingAnswer* pending;
    std::string key;
    std::size_t* of_model;  // how many of its model wait; null where that is not counted
  };
  void work();
  std::size_t* count_of(std::string_view model);
  void take_more(std::vector<PendingAnswer*>& taken, const std::string& key);
  void has_left(const std::string& key, std::size_t count);
  void answer(const std::vector<PendingAnswer*>& taken, std::vector<Response>& responses) const;

  const int count_;
  const std::size_t most_queued_;
  const std::function<Response(const Request&)> answer_;
  const Joining joining_;
  const ModelShare share_;
  mutable std::mutex mutex_{};
  std::condition_variable wake_{};
  std::deque<Waiting> queue_{};
  std::unordered_map<std::string, std::size_t> waiting_{};       // how many of each key, none of them 0
  std::map<std::string, std::size_t, std::less<>> of_models_{};  // how many of each model; 0 stays for the next one
  std::atomic<std::size_t> queued_{0};                           // its size, for those who only look
  bool stopping_ = false;
  std::vector<std::thread> threads_{};
};

}  // namespace maas::inline MAAS_ABI::serve
