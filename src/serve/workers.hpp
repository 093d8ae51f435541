// Workers: threads that answer what may take long, and the queue before them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <string>
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

/// A bounded queue with a fixed number of threads.
class Workers {
 public:
  Workers(int threads, std::size_t most_queued, std::function<Response(const Request&)> answer, Joining joining = {});
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers() { stop(); }

  /// False if the queue is full, or the workers have stopped; then it is still the caller's to answer.
  bool add(PendingAnswer& pending);
  std::size_t queued() const { return queued_; }
  /// Whether no more can be added.
  bool is_full() const { return queued_ >= most_queued_; }
  /// Whether a request of that key waits.
  bool has_waiting(const std::string& key) const;
  /// Ends the threads after what they are at; what waits is answered 503. True if nothing waited.
  bool stop();

 private:
  struct Waiting {
    PendingAnswer* pending;
    std::string key;
  };
  void work();
  void take_more(std::vector<PendingAnswer*>& taken, const std::string& key);
  void has_left(const std::string& key, std::size_t count);
  void answer(const std::vector<PendingAnswer*>& taken, std::vector<Response>& responses) const;

  const int count_;
  const std::size_t most_queued_;
  const std::function<Response(const Request&)> answer_;
  const Joining joining_;
  mutable std::mutex mutex_{};
  std::condition_variable wake_{};
  std::deque<Waiting> queue_{};
  std::unordered_map<std::string, std::size_t> waiting_{};  // how many of each key, none of them 0
  std::atomic<std::size_t> queued_{0};                      // its size, for those who only look
  bool stopping_ = false;
  std::vector<std::thread> threads_{};
};

}  // namespace maas::inline MAAS_ABI::serve
