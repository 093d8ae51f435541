// Shadow traffic: another version is asked the same, and how far its answers are from those that were given.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "maas/core/matrix.hpp"
#include "maas/core/scalar.hpp"
#include "maas/serve/repository.hpp"

namespace maas::inline MAAS_ABI::serve {

/// One thread of low priority, which is started with the first comparison. Nobody waits for it: what comes while too
/// much waits is left out, and counted.
class Shadow {
 public:
  Shadow() = default;
  Shadow(const Shadow&) = delete;
  Shadow& operator=(const Shadow&) = delete;
  ~Shadow();

  /// Inputs, and the outputs that the answering version gave for them. Throws nothing: where memory runs out, the
  /// comparison is left out.
  void compare(std::shared_ptr<const Servable> shadow, std::vector<Matrix> inputs,
               std::vector<Matrix> outputs) noexcept;
  /// For /metrics: counts and differences by model.
  void append_metrics(std::string& out) const;
  /// Until all that waits has been compared.
  void wait() const;

 private:
  struct Comparison {
    std::shared_ptr<const Servable> shadow;
    std::vector<Matrix> inputs, outputs;
  };
  struct Differences {
    std::uint64_t compared = 0, dropped = 0, failed = 0, numbers = 0;
    double sum = 0, largest = 0;  // of |difference|
  };
  void work();
  void run(const Comparison& comparison);

  mutable std::mutex mutex_{};
  mutable std::condition_variable changed_{};
  std::deque<Comparison> queue_{};
  std::map<std::string, Differences> by_model_{};
  bool is_busy_ = false, stopping_ = false;
  std::thread thread_{};
};

}  // namespace maas::inline MAAS_ABI::serve
