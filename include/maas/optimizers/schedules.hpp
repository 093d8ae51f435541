// The family of learning-rate schedules: Keras', and two of our own.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "maas/core/catalog.hpp"
#include "maas/optimizers/schedule.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {
/// A share of a period gone by, whole periods only for a staircase.
double periods(std::int64_t step, double length, bool staircase);
void require_steps(std::string_view name, std::string_view field, double steps);
/// From 1 to 0 along half a cosine while x goes from 0 to 1.
inline double cosine_fall(double x) { return 0.5 * (1 + std::cos(3.14159265358979323846 * x)); }
}  // namespace detail

/// rate decay_rate^(step / decay_steps); staircase: whole periods only.
struct ExponentialDecay {
  static constexpr std::string_view class_name = "ExponentialDecay";
  double initial_learning_rate = 0.01, decay_steps = 1000, decay_rate = 0.96;
  bool staircase = false;
  static void fields(auto& self, auto&& field) {
    field("initial_learning_rate", self.initial_learning_rate);
    field("decay_steps", self.decay_steps);
    field("decay_rate", self.decay_rate);
    field("staircase", self.staircase);
  }
  void check() const { detail::require_steps(class_name, "decay_steps", decay_steps); }
  double rate(std::int64_t step) const;
};

/// rate / (1 + decay_rate step / decay_steps); staircase: whole periods only.
struct InverseTimeDecay {
  static constexpr std::string_view class_name = "InverseTimeDecay";
  double initial_learning_rate = 0.01, decay_steps = 1000, decay_rate = 0.5;
  bool staircase = false;
  static void fields(auto& self, auto&& field) {
    field("initial_learning_rate", self.initial_learning_rate);
    field("decay_steps", self.decay_steps);
    field("decay_rate", self.decay_rate);
    field("staircase", self.staircase);
  }
  void check() const { detail::require_steps(class_name, "decay_steps", decay_steps); }
  double rate(std::int64_t step) const;
};

/// values[i] from after boundaries[i - 1] up to and including boundaries[i]. One value more than boundaries.
struct PiecewiseConstantDecay {
  static constexpr std::string_view class_name = "PiecewiseConstantDecay";
  std::vector<double> boundaries = {}, values = {0.01};
  static void fields(auto& self, auto&& field) {
    field("boundaries", self.boundaries);
    field("values", self.values);
  }
  double rate(std::int64_t step) const;
};

/// From the initial rate to end_learning_rate as (1 - step / decay_steps)^power; cycle: again and again, over multiples
/// of decay_steps.
struct PolynomialDecay {
  static constexpr std::string_view class_name = "PolynomialDecay";
  double initial_learning_rate = 0.01, decay_steps = 1000, end_learning_rate = 0.0001, power = 1;
  bool cycle = false;
  static void fields(auto& self, auto&& field) {
    field("initial_learning_rate", self.initial_learning_rate);
    field("decay_steps", self.decay_steps);
    field("end_learning_rate", self.end_learning_rate);
    field("power", self.power);
    field("cycle", self.cycle);
  }
  void check() const { detail::require_steps(class_name, "decay_steps", decay_steps); }
  double rate(std::int64_t step) const;
};

/// Half a cosine from the initial rate to alpha times it over decay_steps (Loshchilov and Hutter 2017). With
/// warmup_target: first along a line from the initial rate to the target over warmup_steps.
struct CosineDecay {
  static constexpr std::string_view class_name = "CosineDecay";
  double initial_learning_rate = 0.01, decay_steps = 1000, alpha = 0;
  std::optional<double> warmup_target = std::nullopt;
  double warmup_steps = 0;
  static void fields(auto& self, auto&& field) {
    field("initial_learning_rate", self.initial_learning_rate);
    field("decay_steps", self.decay_steps);
    field("alpha", self.alpha);
    field("warmup_target", self.warmup_target);
    field("warmup_steps", self.warmup_steps);
  }
  void check() const { detail::require_steps(class_name, "decay_steps", decay_steps); }
  double rate(std::int64_t step) const;

 private:
  double decayed(double from, double s) const;
};

/// Cosine decay that starts again: each period is t_mul times as long and m_mul times as high as the one before.
struct CosineDecayRestarts {
  static constexpr std::string_view class_name = "CosineDecayRestarts";
  double initial_learning_rate = 0.01, first_decay_steps = 1000, t_mul = 2, m_mul = 1, alpha = 0;
  static void fields(auto& self, auto&& field) {
    field("initial_learning_rate", self.initial_learning_rate);
    field("first_decay_steps", self.first_decay_steps);
    field("t_mul", self.t_mul);
    field("m_mul", self.m_mul);
    field("alpha", self.alpha);
  }
  void check() const { detail::require_steps(class_name, "first_decay_steps", first_decay_steps); }
  double rate(std::int64_t step) const;
};

/// Along a line from 0 up to the rate over warmup_steps, constant afterwards. Not in Keras.
struct WarmUp {
  static constexpr std::string_view class_name = "WarmUp";
  double learning_rate = 0.01, warmup_steps = 1000;
  static void fields(auto& self, auto&& field) {
    field("learning_rate", self.learning_rate);
    field("warmup_steps", self.warmup_steps);
  }
  double rate(std::int64_t step) const;
};

/// Up from max_learning_rate / div_factor to the maximum over the first pct_start of total_steps, then down to
/// the start / final_div_factor, both along half a cosine (Smith and Topin 2018). Not in Keras.
struct OneCycle {
  static constexpr std::string_view class_name = "OneCycle";
  double max_learning_rate = 0.01, total_steps = 1000, pct_start = 0.3, div_factor = 25, final_div_factor = 10000;
  static void fields(auto& self, auto&& field) {
    field("max_learning_rate", self.max_learning_rate);
    field("total_steps", self.total_steps);
    field("pct_start", self.pct_start);
    field("div_factor", self.div_factor);
    field("final_div_factor", self.final_div_factor);
  }
  double rate(std::int64_t step) const;
};

/// Every schedule a file may name. Adding one adds its name here.
using BuiltinSchedules = Catalog<Schedule, ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay,
                                 CosineDecay, CosineDecayRestarts, WarmUp, OneCycle>;
#if defined(MAAS_COMPILED)
extern template std::span<const BuiltinSchedules::Entry> detail::entries_of<BuiltinSchedules>();
#endif

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/optimizers/schedules-inl.hpp"
#endif
