#include "serve/load_calls.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace maas::inline MAAS_ABI::serve {

namespace {

// Those of a load without any are written in several ways.
std::string parameters_of(const std::string& body) {
  std::string text;
  std::ranges::copy_if(body, std::back_inserter(text), [](char c) { return c > ' '; });
  return text == "{}" || text == R"({"parameters":{}})" ? std::string() : text;
}

}  // namespace

class LoadCalls::Call final : public PendingAnswer {
 public:
  Call(LoadCalls& all, PendingAnswer& asker, std::string_view model)
      : all_(all), asker_(&asker), model_(model), request_(asker.request()), parameters_(parameters_of(request_.body)) {
    if (all_.held_ != nullptr) *all_.held_ += request_.body.size();
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() {
    if (all_.held_ != nullptr) *all_.held_ -= request_.body.size();
  }
  const Request& request() const override { return request_; }
  void finish(Response response) override { all_.end(*this, std::move(response)); }

  bool is_other_of(std::string_view model, const std::string& parameters) const {
    return model_ == model && parameters_ != parameters;
  }
  // Who is still to be answered; from now on nobody.
  PendingAnswer* take_asker() { return std::exchange(asker_, nullptr); }
  bool is_awaited() const { return asker_ != nullptr; }
  Time begun() const { return begun_; }

 private:
  LoadCalls& all_;
  PendingAnswer* asker_;
  const std::string model_;
  const Request request_;
  const std::string parameters_;
  const Time begun_ = std::chrono::steady_clock::now();
};

LoadCalls::LoadCalls(std::chrono::milliseconds most, std::atomic<std::size_t>* held)
    : most_(most), held_(held), watcher_([this] { watch(); }) {}

LoadCalls::~LoadCalls() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  watcher_.join();
}

PendingAnswer* LoadCalls::begin(PendingAnswer& asker, std::string_view model) {
  auto call = std::make_shared<Call>(*this, asker, model);
  const std::string parameters = parameters_of(asker.request().body);
  PendingAnswer* begun = call.get();
  {
    const std::lock_guard lock(mutex_);
    if (std::ranges::any_of(calls_, [&](const auto& each) { return each->is_other_of(model, parameters); }))
      return nullptr;
    calls_.push_back(std::move(call));
  }
  wake_.notify_one();
  return begun;
}

void LoadCalls::end(Call& call, Response response) {
  std::shared_ptr<Call> ended;
  PendingAnswer* asker = nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto place = std::ranges::find(calls_, &call, &std::shared_ptr<Call>::get);
    ended = std::move(*place);
    calls_.erase(place);
    asker = ended->take_asker();
  }
  if (asker != nullptr) asker->finish(std::move(response));
}

Response LoadCalls::late_answer() const noexcept {
  try {
    return error_response(504, fmt::format("load: not done after {} ms; it goes on", most_.count()));
  } catch (...) {
    return answer_of_failure(504, "load: not done in time; it goes on");
  }
}

void LoadCalls::watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto next = std::ranges::find_if(calls_, [](const auto& call) { return call->is_awaited(); });
    if (next == calls_.end()) {
      wake_.wait(lock);
      continue;
    }
    if (const Time due = (*next)->begun() + most_; std::chrono::steady_clock::now() < due) {
      wake_.wait_until(lock, due);
      continue;
    }
    PendingAnswer* const asker = (*next)->take_asker();
    lock.unlock();
    asker->finish(late_answer());
    lock.lock();
  }
}

}  // namespace maas::inline MAAS_ABI::serve
