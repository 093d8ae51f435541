#include "serve/workers.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace maas::inline MAAS_ABI::serve {

namespace {

// Models that come and go leave counts of 0: beyond so many these are forgotten.
constexpr std::size_t most_counted = 1000;
constexpr std::string_view no_memory = "not enough memory for this request";

// One that has left the queue without a run; `answer` may be empty. Where there is no memory for it, `plain` is enough.
void finish_without_run(PendingAnswer& pending, const std::function<Response(const Request&)>& answer, Response plain) {
  try {
    if (answer) plain = answer(pending.request());
  } catch (...) {
  }
  pending.finish(std::move(plain));
}

}  // namespace

Workers::Workers(int threads, std::size_t most_queued, std::function<Response(const Request&)> answer, Joining joining,
                 ModelShare share, Deadlines deadlines, std::function<Response(const Request&)> cancelled)
    : count_(threads),
      most_queued_(most_queued),
      answer_(std::move(answer)),
      joining_(std::move(joining)),
      share_(std::move(share)),
      deadlines_(std::move(deadlines)),
      cancelled_(std::move(cancelled)),
      least_most_(share_.most),
      least_most_rows_(share_.most_rows) {
  try {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
    if (deadlines_.of) watcher_ = std::thread([this] { watch(); });
  } catch (...) {  // the machine has no more threads: those that run must end before this does
    stop();
    throw;
  }
}

Room Workers::add(PendingAnswer& pending) {
  const Request& request = pending.request();
  std::string key = joining_.key ? joining_.key(request) : std::string();
  const std::string_view model = share_.model ? share_.model(request) : std::string_view();
  const QueueClaim claim = share_.claim ? share_.claim(request) : QueueClaim();
  const std::size_t rows = claim.rows;
  const Time deadline = deadlines_.of ? deadlines_.of(request) : Time::max();
  bool is_first = false;
  {
    const std::lock_guard lock(mutex_);
    OfModel* const of_model = count_of(model, claim);
    const bool is_full =
        of_model != nullptr && (of_model->requests >= of_model->most ||
                                (of_model->requests > 0 && of_model->rows + rows > of_model->most_rows));
    if (is_full) return Room::none_for_model;
    if (stopping_ || queue_.size() >= most_queued_) return Room::none;
    if (const auto time = time_of_queue(); time.count() > 0 && deadline < std::chrono::steady_clock::now() + time)
      return Room::none_in_time;
    const auto place = waiting_.try_emplace(key).first;
    std::size_t& alike = place->second;
    try {
      queue_.push_back({&pending, std::move(key), of_model, rows, deadline});
    } catch (...) {
      if (alike == 0) waiting_.erase(place);  // the key may have moved
      throw;
    }
    ++alike;
    if (of_model != nullptr) {
      ++of_model->requests;
      of_model->rows += rows;
    }
    queued_ = queue_.size();
    queued_rows_ += rows;
    is_first = deadline < next_watch_;
    if (is_first) next_watch_ = deadline;
  }
  wake_.notify_one();
  if (is_first) wake_watch_.notify_one();
  return Room::enough;
}

// With mutex_ held. A model that is asked again finds its count, without new memory.
Workers::OfModel* Workers::count_of(std::string_view model, const QueueClaim& claim) {
  if (model.empty()) return nullptr;
  auto known = of_models_.find(model);
  if (known == of_models_.end()) {
    if (of_models_.size() >= most_counted)
      std::erase_if(of_models_, [](const auto& each) { return each.second.requests == 0; });
    known = of_models_.emplace(model, OfModel{.most = share_.most, .most_rows = share_.most_rows}).first;
  }
  set_share(known->second, claim);
  return &known->second;
}

// With mutex_ held. Settings seldom change, so that mostly nothing is done.
void Workers::set_share(OfModel& of_model, const QueueClaim& claim) {
  const std::size_t most = claim.most > 0 ? claim.most : share_.most;
  const std::size_t most_rows = claim.most_rows > 0 ? claim.most_rows : share_.most_rows;
  if (of_model.most == most && of_model.most_rows == most_rows) return;
  of_model.most = most;
  of_model.most_rows = most_rows;
  std::size_t least = share_.most, least_rows = share_.most_rows;
  for (const auto& [model, each] : of_models_) {
    least = std::min(least, each.most);
    least_rows = std::min(least_rows, each.most_rows);
  }
  least_most_ = least;
  least_most_rows_ = least_rows;
}

Room Workers::room(std::string_view model) const {
  if (has_room_for_all()) return Room::enough;
  const std::lock_guard lock(mutex_);
  const auto known = of_models_.find(model);
  if (known != of_models_.end() &&
      (known->second.requests >= known->second.most || known->second.rows >= known->second.most_rows))
    return Room::none_for_model;
  return queue_.size() >= most_queued_ ? Room::none : Room::enough;
}

std::vector<std::pair<std::string, std::size_t>> Workers::queued_of_models() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, std::size_t>> all;
  for (const auto& [model, waiting] : of_models_) all.emplace_back(model, waiting.requests);
  return all;
}

// With mutex_ held: until the last one in the queue is begun.
std::chrono::nanoseconds Workers::time_of_queue() const {
  return each_ * static_cast<std::int64_t>(queue_.size()) / count_;
}

std::chrono::nanoseconds Workers::likely_wait() const {
  const std::lock_guard lock(mutex_);
  if (queue_.empty()) return std::chrono::nanoseconds(0);
  const std::chrono::nanoseconds waited = std::chrono::steady_clock::now() - queue_.front().pending->request().arrived;
  return std::max(waited, time_of_queue());
}

bool Workers::has_waiting(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  return waiting_.contains(key);
}

bool Workers::stop() {
  bool is_empty = true;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    is_empty = queue_.empty();
    waiting_.clear();
    of_models_.clear();
    queued_ = 0;
    queued_rows_ = 0;
  }
  wake_.notify_all();
  wake_watch_.notify_all();
  while (PendingAnswer* const left = take_left()) left->finish(answer_of_failure(503, "the server is stopping"));
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  if (watcher_.joinable()) watcher_.join();
  return is_empty;
}

// One by one, as there may be no memory to take all of them elsewhere. Null after the last one.
PendingAnswer* Workers::take_left() {
  const std::lock_guard lock(mutex_);
  if (queue_.empty()) return nullptr;
  PendingAnswer* const left = queue_.front().pending;
  queue_.pop_front();
  return left;
}

void Workers::has_left(const std::string& key, std::size_t count) {
  const auto found = waiting_.find(key);
  if ((found->second -= count) == 0) waiting_.erase(found);
}

// With mutex_ held: it has left the queue, all but its key.
void Workers::has_been_taken(const Waiting& waiting) {
  queued_rows_ -= waiting.rows;
  if (waiting.of_model == nullptr) return;
  --waiting.of_model->requests;
  waiting.of_model->rows -= waiting.rows;
}

// Answers who has left by the time, even while all threads are at work. The time it waits for may be that of one which
// has been answered since: then it looks for the next. So mostly nobody need wake it.
void Workers::watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (next_watch_ == Time::max())
      wake_watch_.wait(lock);
    else
      wake_watch_.wait_until(lock, Time(next_watch_));
    if (stopping_ || std::chrono::steady_clock::now() < next_watch_) continue;
    std::vector<PendingAnswer*> late;
    try {
      late = take_late(std::chrono::steady_clock::now());
    } catch (...) {  // no memory: in a while
      next_watch_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(10);
    }
    lock.unlock();
    for (PendingAnswer* each : late)
      finish_without_run(*each, deadlines_.late, answer_of_failure(504, "the deadline passed while waiting"));
    lock.lock();
  }
}

// With mutex_ held: out of the queue, and when to look next.
std::vector<PendingAnswer*> Workers::take_late(Time now) {
  std::vector<PendingAnswer*> late;
  late.reserve(queue_.size());  // from here on nothing fails
  next_watch_ = Time::max();
  auto kept = queue_.begin();
  for (auto next = queue_.begin(); next != queue_.end(); ++next) {
    if (next->deadline < now) {
      late.push_back(next->pending);
      has_left(next->key, 1);
      has_been_taken(*next);
      continue;
    }
    next_watch_ = std::min(next_watch_, next->deadline);
    if (kept != next) *kept = std::move(*next);
    ++kept;
  }
  queue_.erase(kept, queue_.end());
  queued_ = queue_.size();
  return late;
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
      has_been_taken(*next);
    } else if (kept++ != next)
      *std::prev(kept) = std::move(*next);
  }
  queue_.erase(kept, next);
  has_left(key, taken.size() - 1);
}

// Without mutex_, as asking may take a while.
void Workers::leave_out_cancelled(std::vector<PendingAnswer*>& taken) const {
  std::erase_if(taken, [this](PendingAnswer* each) {
    try {
      if (!each->is_cancelled()) return false;
    } catch (...) {  // a caller's own function: who cannot say so has not cancelled
      return false;
    }
    finish_without_run(*each, cancelled_, answer_of_failure(499, "cancelled while waiting"));
    return true;
  });
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

// Room for one request, and an answer to it for when memory has run out while an error was being told: none is taken
// before they are there. Later on there is room, and nothing to wait for.
void Workers::make_ready(std::vector<PendingAnswer*>& taken, std::vector<Response>& responses) {
  while (true) try {
      taken.clear();
      taken.reserve(1);
      responses.clear();
      responses.push_back(answer_of_failure(500, no_memory));
      return;
    } catch (...) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      const std::lock_guard lock(mutex_);
      if (stopping_) return;  // nobody is answered any more
    }
}

void Workers::work() {
  std::chrono::nanoseconds took{};  // each of those that were answered last
  std::vector<PendingAnswer*> taken;
  std::vector<Response> responses;
  while (true) {
    make_ready(taken, responses);
    {
      std::unique_lock lock(mutex_);
      if (took.count() > 0) each_ = each_.count() == 0 ? took : each_ + (took - each_) / 8;
      wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      const Waiting first = std::move(queue_.front());
      queue_.pop_front();
      has_left(first.key, 1);
      has_been_taken(first);
      taken.push_back(first.pending);
      try {
        if (!first.key.empty()) take_more(taken, first.key);
      } catch (...) {  // no memory: those that were taken are enough
      }
      queued_ = queue_.size();
    }
    took = {};
    leave_out_cancelled(taken);
    if (taken.empty()) continue;
    const Time start = std::chrono::steady_clock::now();
    try {
      responses.resize(taken.size(), responses[0]);
      answer(taken, responses);
    } catch (...) {  // the answers stay what they are
    }
    took = (std::chrono::steady_clock::now() - start) / static_cast<std::int64_t>(taken.size());
    for (std::size_t i = 0; i < taken.size(); ++i)
      taken[i]->finish(i < responses.size() ? std::move(responses[i]) : answer_of_failure(500, no_memory));
  }
}

}  // namespace maas::inline MAAS_ABI::serve
