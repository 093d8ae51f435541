// Loads that were asked for: whoever asks need not wait for longer than a while.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "serve/http.hpp"

namespace maas::inline MAAS_ABI::serve {

/// Answers 504 for a load that takes longer than `most`, which goes on all the same. `held`, if there is one, has the
/// bytes of the requests that are kept meanwhile.
class LoadCalls {
 public:
  explicit LoadCalls(std::chrono::milliseconds most, std::atomic<std::size_t>* held = nullptr);
  LoadCalls(const LoadCalls&) = delete;
  LoadCalls& operator=(const LoadCalls&) = delete;
  /// All loads must have been answered.
  ~LoadCalls();

  /// The same request with a life of its own, to be handed on: its answer goes to `asker`, if it comes in time. Null
  /// where another load of the model is under way that was asked for with other parameters.
  PendingAnswer* begin(PendingAnswer& asker, std::string_view model);

 private:
  using Time = std::chrono::steady_clock::time_point;
  class Call;
  void end(Call& call, Response response);
  void watch();
  Response late_answer() const noexcept;

  const std::chrono::milliseconds most_;
  std::atomic<std::size_t>* const held_;
  std::mutex mutex_{};
  std::condition_variable wake_{};
  std::list<std::shared_ptr<Call>> calls_{};  // under way, the oldest first
  bool stopping_ = false;
  std::thread watcher_{};
};

}  // namespace maas::inline MAAS_ABI::serve
