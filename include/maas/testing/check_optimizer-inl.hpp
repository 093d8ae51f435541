// The kit for optimizers: the bodies.
#pragma once

#include "maas/testing/check_optimizer.hpp"

namespace maas::inline MAAS_ABI::testing {

namespace detail {

MAAS_INLINE void OptimizerRun::steps(int count, Index first) {
  for (int t = 0; t < count; ++t) {
    const Random random = Random(11).stream(static_cast<std::uint64_t>(state.step));
    for (Index i = 0; i < size_; ++i)
      gradient_.data()[i] = static_cast<Scalar>(2 * random.uniform(std::uint64_t(first + i)) - 1);
    step();
  }
}

MAAS_INLINE bool OptimizerRun::padding_is_zero() const {
  bool zero = true;
  for (Index i = size_; i < weights_.size(); ++i) zero = zero && weights_.data()[i] == Scalar(0);
  return zero;
}

MAAS_INLINE void check_known_step(Report& report, const Optimizer& optimizer, const KnownStep& known) {
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

MAAS_INLINE void check_bowl(Report& report, const Optimizer& optimizer, const OptimizerCheck& options) {
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

MAAS_INLINE void check_resume(Report& report, const Optimizer& optimizer) {
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

MAAS_INLINE void check_sizes(Report& report, const Optimizer& optimizer, bool whole_tensors) {
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

MAAS_INLINE void check_thread_counts(Report& report, const Optimizer& optimizer) {
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

MAAS_INLINE void ObjectiveRun::step() {
  const double before = gradient();
  optimizer_.step_with(*this, before, weights_.vector(), ConstVectorView(gradient_.data(), gradient_.size()), tensors_,
                       scratch_, state);
}

MAAS_INLINE bool ObjectiveRun::padding_is_zero() const {
  bool zero = true;
  for (Index i = size_; i < weights_.size(); ++i) zero = zero && weights_.data()[i] == Scalar(0);
  return zero;
}

MAAS_INLINE void check_objective_rule(Report& report, const Optimizer& optimizer) {
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

MAAS_INLINE void check_optimizer(const Optimizer& optimizer, const OptimizerCheck& options) {
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
  for (const auto& entry : BuiltinOptimizers::entries())
    if (entry.class_name == optimizer.class_name())
      check_family_config(optimizer, optimizer.class_name() == "SGD" ? Optimizer(Adam{}) : Optimizer(Sgd{}));
}

}  // namespace maas::inline MAAS_ABI::testing
