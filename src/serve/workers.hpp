// Workers: threads that answer what may take long, and the queue before them.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "serve/http.hpp"

namespace maas::inline MAAS_ABI::serve {

/// A bounded queue with a fixed number of threads.
class Workers {
 public:
  Workers(int threads, std::size_t most_queued, std::function<Response(const Request&)> answer);
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers() { stop(); }

  /// False if the queue is full, or the workers have stopped; then it is still the caller's to answer.
  bool add(PendingAnswer& pending);
  std::size_t queued() const;
  /// Ends the threads after what they are at; what waits is answered 503. True if nothing waited.
  bool stop();

 private:
  void work();

  const std::size_t most_queued_;
  const std::function<Response(const Request&)> answer_;
  mutable std::mutex mutex_{};
  std::condition_variable wake_{};
  std::deque<PendingAnswer*> queue_{};
  bool stopping_ = false;
  std::vector<std::thread> threads_{};
};

}  // namespace maas::inline MAAS_ABI::serve
