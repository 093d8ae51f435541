// The kit for optimizers.
#pragma once

#include <string>
#include <vector>

#include "maas/core/parallel.hpp"
#include "maas/optimizers/optimizers.hpp"
#include "maas/testing/allocations.hpp"
#include "maas/testing/check_part.hpp"
#include "maas/testing/numbers.hpp"

namespace maas::inline MAAS_ABI::testing {

/// A first step whose result is known, worked out by hand.
struct KnownStep {
  std::vector<double> weights, gradient, after;
};

/// On what an optimizer is checked.
struct OptimizerCheck {
  std::optional<KnownStep> known_step = std::nullopt;
  std::optional<double> learning_rate = std::nullopt;  ///< for the bowl; the optimizer's own if not given
  int steps = 400;                                     ///< on the bowl
  bool whole_tensors = false;  ///< a weight's step depends on the others of its tensor (Lamb), not on itself alone
};

namespace detail {

/// Weights in one tensor with an optimizer's state: what a trainer is to a network. The gradient of step t is made of
/// the number t, the place and the weight.
class OptimizerRun {
 public:
  OptimizerRun(const Optimizer& optimizer, Index size)
      : state(optimizer, rounded_to_border(size)),
        optimizer_(optimizer),
        weights_(rounded_to_border(size)),
        gradient_(rounded_to_border(size)),
        tensors_{{.offset = 0, .shape = Shape{size}, .name = "weights"}},
        size_(size) {
    for (Index i = 0; i < size; ++i) weights_.data()[i] = start(i);
  }

  /// A start for weight i, between -1 and 1.
  static Scalar start(Index i) { return static_cast<Scalar>(2 * Random(7).uniform(std::uint64_t(i)) - 1); }
  VectorView weights() { return {weights_.data(), size_}; }
  VectorView gradient() { return {gradient_.data(), size_}; }
  void set_weights(const Vector& weights) { this->weights() = weights; }

  /// A step with the gradient as it stands.
  void step() { optimizer_.step(weights_.vector(), gradient_.vector(), tensors_, state); }
  /// Steps with gradients that differ from step to step and from weight to weight, `first` being the place of the
  /// first weight.
  void steps(int count, Index first = 0) {
    for (int t = 0; t < count; ++t) {
      const Random random = Random(11).stream(static_cast<std::uint64_t>(state.step));
      for (Index i = 0; i < size_; ++i)
        gradient_.data()[i] = static_cast<Scalar>(2 * random.uniform(std::uint64_t(first + i)) - 1);
      step();
    }
  }
  /// True if nothing stands beyond the last weight.
  bool padding_is_zero() const {
    bool zero = true;
    for (Index i = size_; i < weights_.size(); ++i) zero = zero && weights_.data()[i] == Scalar(0);
    return zero;
  }

  OptimizerState state;

 private:
  Optimizer optimizer_;
  Block weights_, gradient_;
  std::vector<TensorPlace> tensors_;
  Index size_;
};

inline void check_known_step(Report& report, const Optimizer& optimizer, const KnownStep& known) {
  OptimizerRun run(optimizer, static_cast<Index>(known.weights.size()));
  for (std::size_t i = 0; i < known.weights.size(); ++i) {
    run.weights()[static_cast<Index>(i)] = static_cast<Scalar>(known.weights[i]);
    run.gradient()[static_cast<Index>(i)] = static_cast<Scalar>(known.gradient[i]);
  }
  run.step();
  const double tolerance = std::is_same_v<Scalar, double> ? 1e-12 : 1e-6;
  for (std::size_t i = 0; i < known.after.size(); ++i) {
    const double after = static_cast<double>(run.weights()[static_cast<Index>(i)]);
    report.expect(std::abs(after - known.after[i]) <= tolerance * (1 + std::abs(known.after[i])),
                  "known step: weight {} becomes {}, expected {}", i, after, known.after[i]);
  }
}

/// Half the sum of c w^2, whose curvature c goes from 0.1 to 1, must fall.
inline void check_bowl(Report& report, const Optimizer& optimizer, const OptimizerCheck& options) {
  constexpr Index size = 13;
  OptimizerRun run(optimizer, size);
  if (options.learning_rate) run.state.learning_rate = *options.learning_rate;
  const Vector curvature = Vector::LinSpaced(size, Scalar(0.1), Scalar(1));
  auto depth = [&] { return 0.5 * static_cast<double>(run.weights().cwiseAbs2().dot(curvature)); };
  const double before = depth();
  for (int step = 0; step < options.steps; ++step) {
    run.gradient() = run.weights().cwiseProduct(curvature);
    run.step();
  }
  report.expect(depth() < 0.9 * before, "a quadratic bowl: from {} it comes to {} in {} steps", before, depth(),
                options.steps);
}

/// State that is copied number by number into a new one takes the same next step.
inline void check_resume(Report& report, const Optimizer& optimizer) {
  constexpr Index size = 37;
  OptimizerRun first(optimizer, size);
  first.steps(3);
  OptimizerRun second(optimizer, size);
  second.set_weights(first.weights());
  second.state.step = first.state.step;
  second.state.learning_rate = first.state.learning_rate;
  second.state.scalars = first.state.scalars;
  report.expect(first.state.slot_count() == static_cast<Index>(optimizer.slot_names().size()),
                "it names {} slots and has {}", optimizer.slot_names().size(), first.state.slot_count());
  for (Index i = 0; i < first.state.slot_count(); ++i) second.state.slot(i) = first.state.slot(i);
  first.steps(2);
  second.steps(2);
  report.expect(first.weights() == second.weights(), "with state that was saved and restored it takes another step");
}

/// Every weight moves as it would alone, at any size and place; padding stays zero.
inline void check_sizes(Report& report, const Optimizer& optimizer, bool whole_tensors) {
  for (Index size : {1, 3, 7, 17, 1023, 1025}) {
    OptimizerRun all(optimizer, size);
    all.steps(2);
    report.expect(all.padding_is_zero(), "{} weights: it writes into the padding behind them", size);
    if (whole_tensors) continue;
    const Index last = size - 1;
    OptimizerRun alone(optimizer, 1);
    alone.weights()[0] = OptimizerRun::start(last);
    alone.steps(2, last);
    report.expect(nearly_equal(all.weights().tail(1), alone.weights()),
                  "{} weights: the last becomes {}, alone it becomes {}", size, all.weights()[last],
                  alone.weights()[0]);
  }
}

inline void check_thread_counts(Report& report, const Optimizer& optimizer) {
  constexpr Index size = 100003;
  const int before = threads();
  Vector expected;
  for (int count : {1, 2, 4}) {
    set_threads(count);
    OptimizerRun run(optimizer, size);
    run.steps(3);
    if (count == 1) expected = run.weights();
    report.expect(run.weights() == expected, "on {} threads it gives other bits than on one", count);
  }
  set_threads(before);
}

/// Half the sum of c w^2 as the objective of a rule that looks at several points: weights in one tensor, with the
/// optimizer's state, and a count of the looks.
class ObjectiveRun final : public Objective {
 public:
  ObjectiveRun(const Optimizer& optimizer, Index size)
      : state(optimizer, rounded_to_border(size)),
        optimizer_(optimizer),
        weights_(rounded_to_border(size)),
        gradient_(rounded_to_border(size)),
        derivative_(rounded_to_border(size)),
        tensors_{{.offset = 0, .shape = Shape{size}, .name = "weights"}},
        scratch_(static_cast<std::size_t>(optimizer.scratch_size(weights_.size(), tensors_))),
        size_(size) {
    for (Index i = 0; i < size; ++i) weights_.data()[i] = OptimizerRun::start(i);
  }

  double loss() override {
    double sum = 0;
    for (Index i = 0; i < size_; ++i) sum += 0.5 * curvature(i) * weight(i) * weight(i);
    return sum;
  }
  double gradient() override {
    for (Index i = 0; i < size_; ++i) gradient_.data()[i] = static_cast<Scalar>(curvature(i) * weight(i));
    return loss();
  }
  void residuals(ResidualSink& sink) override {
    for (Index i = 0; i < size_; ++i) {
      derivative_.vector().setZero();
      derivative_.data()[i] = static_cast<Scalar>(std::sqrt(0.5 * curvature(i)));
      sink.add(std::sqrt(0.5 * curvature(i)) * weight(i), ConstVectorView(derivative_.data(), derivative_.size()));
    }
  }

  void step() {
    const double before = gradient();
    optimizer_.step_with(*this, before, weights_.vector(), ConstVectorView(gradient_.data(), gradient_.size()),
                         tensors_, scratch_, state);
  }
  VectorView weights() { return {weights_.data(), size_}; }
  bool padding_is_zero() const {
    bool zero = true;
    for (Index i = size_; i < weights_.size(); ++i) zero = zero && weights_.data()[i] == Scalar(0);
    return zero;
  }

  OptimizerState state;

 private:
  double weight(Index i) const { return static_cast<double>(weights_.data()[i]); }
  /// From 0.1 to 1, and not in order.
  static double curvature(Index i) { return 0.1 + 0.9 * Random(5).uniform(std::uint64_t(i)); }

  Optimizer optimizer_;
  Block weights_, gradient_, derivative_;
  std::vector<TensorPlace> tensors_;
  std::vector<double> scratch_;
  Index size_;
};

/// What optimizers owe that look at several points: they come down to the bottom of a bowl and stay there, leave
/// padding alone, resume, and take no memory.
inline void check_objective_rule(Report& report, const Optimizer& optimizer) {
  for (Index size : {1, 7, 16, 33}) {
    ObjectiveRun run(optimizer, size);
    const double before = run.loss();
    for (int step = 0; step < 60; ++step) run.step();
    report.expect(run.loss() < 1e-8 * before, "a quadratic bowl of {} weights: from {} it comes to {} in 60 steps",
                  size, before, run.loss());
    report.expect(run.padding_is_zero(), "{} weights: it writes into the padding behind them", size);
    report.expect(run.state.step == 60, "60 steps are counted as {}", run.state.step);
  }
  ObjectiveRun first(optimizer, 19), second(optimizer, 19);
  for (int step = 0; step < 3; ++step) first.step();
  second.weights() = first.weights();
  second.state = first.state;
  for (int step = 0; step < 2; ++step) first.step(), second.step();
  report.expect(first.weights() == second.weights(), "with state that was saved and restored it takes another step");
  if (!counts_allocations()) return;
  ObjectiveRun run(optimizer, 19);
  run.step();
  const std::int64_t start = allocations();
  for (int step = 0; step < 3; ++step) run.step();
  const std::int64_t taken = allocations() - start;
  report.expect(taken == 0, "takes memory {} times in three steps; expected none", taken);
}

}  // namespace detail

/// Checks what every optimizer owes: the known step, if one is given; a quadratic bowl goes down; state that was saved
/// and restored takes the same next step; sizes that are no multiple of a vector's width; the same bits for one, two
/// and four threads; no memory taken in a step (if the program counts, see allocations.hpp); a config that is read back
/// the same, if it is one of the library's own. Of rules that look at the loss at several points a step: that they come
/// down to the bottom of a bowl, resume, and take no memory. Changes set_threads for a moment. Throws Failure with a
/// line for everything that is wrong.
inline void check_optimizer(const Optimizer& optimizer, const OptimizerCheck& options = {}) {
  Report report(std::string(optimizer.class_name()));
  report.run("check", [&] {
    if (optimizer.needs_objective()) {
      detail::check_objective_rule(report, optimizer);
      return;
    }
    if (options.known_step) detail::check_known_step(report, optimizer, *options.known_step);
    detail::check_bowl(report, optimizer, options);
    detail::check_resume(report, optimizer);
    detail::check_sizes(report, optimizer, options.whole_tensors);
    detail::check_thread_counts(report, optimizer);
    if (counts_allocations()) {
      detail::OptimizerRun run(optimizer, 37);
      run.steps(1);
      const std::int64_t start = allocations();
      run.steps(2);
      const std::int64_t taken = allocations() - start;
      report.expect(taken == 0, "takes memory {} times in two steps; expected none", taken);
    }
  });
  report.finish();
  for (const auto& entry : BuiltinOptimizers::entries)
    if (entry.class_name == optimizer.class_name())
      check_family_config(optimizer, optimizer.class_name() == "SGD" ? Optimizer(Adam{}) : Optimizer(Sgd{}));
}

/// The same for a struct, whose config is checked as well: how to check an optimizer of one's own.
template <OptimizerRule Rule>
void check_optimizer(const Rule& rule, const OptimizerCheck& options = {}) {
  check_part(rule);
  check_optimizer(Optimizer(rule), options);
}

}  // namespace maas::inline MAAS_ABI::testing
