#include "serve/shadow.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "maas/core/error.hpp"
#include "serve/metrics.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

constexpr std::size_t most_waiting = 64;

// Two numbers that are none alike do not differ; one that is none differs from others without bound.
double difference_of(Scalar a, Scalar b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  const double difference = std::abs(static_cast<double>(a) - static_cast<double>(b));
  return std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference;
}

}  // namespace

Shadow::~Shadow() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Shadow::compare(std::shared_ptr<const Servable> shadow, std::vector<Matrix> inputs,
                     std::vector<Matrix> outputs) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    Differences& of_model = by_model_[shadow->model];  // there from now on, should memory run out
    if (queue_.size() >= most_waiting) {
      ++of_model.dropped;
      return;
    }
    if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
    queue_.push_back({std::move(shadow), std::move(inputs), std::move(outputs)});
  } catch (...) {
  }
  changed_.notify_all();
}

void Shadow::wait() const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return queue_.empty() && !is_busy_; });
}

void Shadow::work() {
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 10);
  while (true) {
    Comparison next;
    {
      std::unique_lock lock(mutex_);
      is_busy_ = false;
      changed_.notify_all();
      changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      next = std::move(queue_.front());
      queue_.pop_front();
      is_busy_ = true;
    }
    try {
      run(next);
    } catch (const std::exception&) {  // it takes other inputs, or memory ran out
      const std::lock_guard lock(mutex_);
      ++by_model_.find(next.shadow->model)->second.failed;
    }
  }
}

void Shadow::run(const Comparison& comparison) {
  const std::vector<Matrix> outputs = comparison.shadow->network.predict(comparison.inputs);
  require<ShapeError>(outputs.size() == comparison.outputs.size(), "shadow: expected {} outputs, got {}",
                      comparison.outputs.size(), outputs.size());
  Differences found{.compared = 1};
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Matrix &a = outputs[i], &b = comparison.outputs[i];
    require<ShapeError>(a.rows() == b.rows() && a.cols() == b.cols(), "shadow: expected outputs of the same shape");
    for (Index k = 0; k < a.size(); ++k) {
      const double difference = difference_of(a.data()[k], b.data()[k]);
      found.sum += difference;
      found.largest = std::max(found.largest, difference);
    }
    found.numbers += static_cast<std::uint64_t>(a.size());
  }
  const std::lock_guard lock(mutex_);
  Differences& all = by_model_[comparison.shadow->model];
  all.compared += found.compared;
  all.numbers += found.numbers;
  all.sum += found.sum;
  all.largest = std::max(all.largest, found.largest);
}

void Shadow::append_metrics(std::string& out) const {
  const std::lock_guard lock(mutex_);
  if (by_model_.empty()) return;
  const auto append = [&](std::string_view name, std::string_view type, std::string_view help, const auto& value) {
    fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
    for (const auto& [model, found] : by_model_)
      fmt::format_to(std::back_inserter(out), "{}{{model=\"{}\"}} {}\n", name, label_text(model), value(found));
  };
  append("maas_shadow_requests_total", "counter", "Requests that a shadow was asked, too.",
         [](const Differences& found) { return found.compared; });
  append("maas_shadow_dropped_total", "counter", "Requests that were not, as too many waited for it.",
         [](const Differences& found) { return found.dropped; });
  append("maas_shadow_failed_total", "counter", "Requests that the shadow cannot be asked.",
         [](const Differences& found) { return found.failed; });
  append("maas_shadow_numbers_total", "counter", "Numbers of answers that were compared.",
         [](const Differences& found) { return found.numbers; });
  append("maas_shadow_difference_sum", "counter", "Sum of the differences of these numbers, without their signs.",
         [](const Differences& found) { return found.sum; });
  append("maas_shadow_difference_largest", "gauge", "The largest of them.",
         [](const Differences& found) { return found.largest; });
}

}  // namespace maas::inline MAAS_ABI::serve
