#include "serve/workers.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace maas::inline MAAS_ABI::serve {

namespace {

// Models that come and go leave counts of 0: beyond so many these are forgotten.
constexpr std::size_t most_counted = 1000;

}  // namespace

Workers::Workers(int threads, std::size_t most_queued, std::function<Response(const Request&)> answer, Joining joining,
                 ModelShare share)
    : count_(threads),
      most_queued_(most_queued),
      answer_(std::move(answer)),
      joining_(std::move(joining)),
      share_(std::move(share)) {
  try {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  } catch (...) {  // the machine has no more threads: those that run must end before this does
    stop();
    throw;
  }
}

Room Workers::add(PendingAnswer& pending) {
  std::string key = joining_.key ? joining_.key(pending.request()) : std::string();
  const std::string_view model = share_.model ? share_.model(pending.request()) : std::string_view();
  {
    const std::lock_guard lock(mutex_);
    std::size_t* const of_model = count_of(model);
    if (of_model != nullptr && *of_model >= share_.most) return Room::none_for_model;
    if (stopping_ || queue_.size() >= most_queued_) return Room::none;
    std::size_t& alike = waiting_[key];
    try {
      queue_.push_back({&pending, std::move(key), of_model});
    } catch (...) {
      if (alike == 0) waiting_.erase(key);
      throw;
    }
    ++alike;
    if (of_model != nullptr) ++*of_model;
    queued_ = queue_.size();
  }
  wake_.notify_one();
  return Room::enough;
}

// With mutex_ held. A model that is asked again finds its count, without new memory.
std::size_t* Workers::count_of(std::string_view model) {
  if (model.empty()) return nullptr;
  const auto known = of_models_.find(model);
  if (known != of_models_.end()) return &known->second;
  if (of_models_.size() >= most_counted) std::erase_if(of_models_, [](const auto& each) { return each.second == 0; });
  return &of_models_.emplace(model, 0).first->second;
}

Room Workers::room(std::string_view model) const {
  if (has_room_for_all()) return Room::enough;
  const std::lock_guard lock(mutex_);
  const auto known = of_models_.find(model);
  if (known != of_models_.end() && known->second >= share_.most) return Room::none_for_model;
  return queue_.size() >= most_queued_ ? Room::none : Room::enough;
}

std::chrono::nanoseconds Workers::longest_wait() const {
  const std::lock_guard lock(mutex_);
  if (queue_.empty()) return std::chrono::nanoseconds(0);
  return std::chrono::steady_clock::now() - queue_.front().pending->request().arrived;
}

bool Workers::has_waiting(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  return waiting_.contains(key);
}

bool Workers::stop() {
  std::deque<Waiting> left;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    left.swap(queue_);
    waiting_.clear();
    of_models_.clear();
    queued_ = 0;
  }
  wake_.notify_all();
  for (const Waiting& each : left) each.pending->finish(error_response(503, "the server is stopping"));
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  return left.empty();
}

void Workers::has_left(const std::string& key, std::size_t count) {
  const auto found = waiting_.find(key);
  if ((found->second -= count) == 0) waiting_.erase(found);
}

// Those like the first, from the front of the queue on. A thread takes its share, so that the others, which are about
// to be free, find some, too.
void Workers::take_more(std::vector<PendingAnswer*>& taken, const std::string& key) {
  const auto found = waiting_.find(key);
  if (found == waiting_.end()) return;
  const std::size_t alike = 1 + found->second, threads = static_cast<std::size_t>(count_);
  const std::size_t most = std::min(joining_.most(taken[0]->request()), (alike + threads - 1) / threads);
  taken.reserve(most);  // from here on nothing fails
  auto next = queue_.begin(), kept = next;
  for (; next != queue_.end() && taken.size() < most; ++next) {
    if (next->key == key) {
      taken.push_back(next->pending);
      if (next->of_model != nullptr) --*next->of_model;
    } else if (kept++ != next)
      *std::prev(kept) = std::move(*next);
  }
  queue_.erase(kept, next);
  has_left(key, taken.size() - 1);
}

void Workers::answer(const std::vector<PendingAnswer*>& taken, std::vector<Response>& responses) const {
  if (taken.size() == 1) {
    responses[0] = answer_(taken[0]->request());
    return;
  }
  std::vector<const Request*> requests;
  for (const PendingAnswer* each : taken) requests.push_back(&each->request());
  responses = joining_.answer(requests);
}

void Workers::work() {
  while (true) {
    std::vector<PendingAnswer*> taken;
    // Made before, as it is for when memory has run out while an error was being told.
    std::vector<Response> responses(1, error_response(500, "not enough memory for this request"));
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      const Waiting first = std::move(queue_.front());
      queue_.pop_front();
      has_left(first.key, 1);
      if (first.of_model != nullptr) --*first.of_model;
      taken.push_back(first.pending);
      try {
        if (!first.key.empty()) take_more(taken, first.key);
      } catch (...) {  // no memory: those that were taken are enough
      }
      queued_ = queue_.size();
    }
    try {
      responses.resize(taken.size(), responses[0]);
      answer(taken, responses);
    } catch (...) {  // the answers stay what they are
    }
    for (std::size_t i = 0; i < taken.size(); ++i)
      taken[i]->finish(i < responses.size() ? std::move(responses[i]) : Response{.status = 500});
  }
}

}  // namespace maas::inline MAAS_ABI::serve
