#include "serve/workers.hpp"

#include <utility>

namespace maas::inline MAAS_ABI::serve {

Workers::Workers(int threads, std::size_t most_queued, std::function<Response(const Request&)> answer)
    : most_queued_(most_queued), answer_(std::move(answer)) {
  try {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  } catch (...) {  // the machine has no more threads: those that run must end before this does
    stop();
    throw;
  }
}

bool Workers::add(PendingAnswer& pending) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= most_queued_) return false;
    queue_.push_back(&pending);
  }
  wake_.notify_one();
  return true;
}

std::size_t Workers::queued() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

bool Workers::stop() {
  std::deque<PendingAnswer*> left;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    left.swap(queue_);
  }
  wake_.notify_all();
  for (PendingAnswer* each : left) each->finish(error_response(503, "the server is stopping"));
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  return left.empty();
}

void Workers::work() {
  while (true) {
    PendingAnswer* next = nullptr;
    // Made before, as it is for when memory has run out while an error was being told.
    Response response = error_response(500, "not enough memory for this request");
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      next = queue_.front();
      queue_.pop_front();
    }
    try {
      response = answer_(next->request());
    } catch (...) {  // the answer stays what it is
    }
    next->finish(std::move(response));
  }
}

}  // namespace maas::inline MAAS_ABI::serve
