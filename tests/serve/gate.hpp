// A layer that waits: predictions that are under way for as long as a test wants.
#pragma once

#include <condition_variable>
#include <mutex>

#include "maas/maas.hpp"

namespace maas::inline MAAS_ABI::tests {

/// Holds back the predictions of samples whose first number is above 0 until it is opened.
class Gate {
 public:
  void close() {
    const std::lock_guard lock(mutex_);
    is_open_ = false;
  }
  void open() {
    {
      const std::lock_guard lock(mutex_);
      is_open_ = true;
    }
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return is_open_; });
    --waiting_;
  }
  /// Until so many predictions stand before it.
  void wait_for(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= count; });
  }

 private:
  std::mutex mutex_{};
  std::condition_variable changed_{};
  bool is_open_ = true;
  int waiting_ = 0;
};

inline Gate gate;

struct GateLayer {
  static constexpr std::string_view class_name = "GateLayer";
  LayerPlan plan(Shapes inputs) const { return {.output = inputs[0]}; }
  void forward(const Forward& pass) const {
    if (pass.inputs[0](0, 0) > 0) gate.pass();
    MatrixView(pass.output) = pass.inputs[0];
  }
  void backward(const Backward&) const {}
};

/// y = x for one number.
inline Network gated() { return {input(Shape{1}, "x"), GateLayer{}}; }

/// Closed from now to the end of its scope, whatever a test runs into.
struct ClosedGate {
  ClosedGate() { gate.close(); }
  ~ClosedGate() { gate.open(); }
};

}  // namespace maas::inline MAAS_ABI::tests
