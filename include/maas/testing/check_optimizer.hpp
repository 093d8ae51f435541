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
  void steps(int count, Index first = 0);
  /// True if nothing stands beyond the last weight.
  bool padding_is_zero() const;

  OptimizerState state;

 private:
  Optimizer optimizer_;
  Block weights_, gradient_;
  std::vector<TensorPlace> tensors_;
  Index size_;
};

void check_known_step(Report& report, const Optimizer& optimizer, const KnownStep& known);

/// Half the sum of c w^2, whose curvature c goes from 0.1 to 1, must fall.
void check_bowl(Report& report, const Optimizer& optimizer, const OptimizerCheck& options);

/// State that is copied number by number into a new one takes the same next step.
void check_resume(Report& report, const Optimizer& optimizer);

/// Every weight moves as it would alone, at any size and place; padding stays zero.
void check_sizes(Report& report, const Optimizer& optimizer, bool whole_tensors);

void check_thread_counts(Report& report, const Optimizer& optimizer);

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

  void step();
  VectorView weights() { return {weights_.data(), size_}; }
  bool padding_is_zero() const;

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
void check_objective_rule(Report& report, const Optimizer& optimizer);

}  // namespace detail

/// Checks what every optimizer owes: the known step, if one is given; a quadratic bowl goes down; state that was saved
/// and restored takes the same next step; sizes that are no multiple of a vector's width; the same bits for one, two
/// and four threads; no memory taken in a step (if the program counts, see allocations.hpp); a config that is read back
/// the same, if it is one of the library's own. Of rules that look at the loss at several points a step: that they come
/// down to the bottom of a bowl, resume, and take no memory. Changes set_threads for a moment. Throws Failure with a
/// line for everything that is wrong.
void check_optimizer(const Optimizer& optimizer, const OptimizerCheck& options = {});

/// The same for a struct, whose config is checked as well: how to check an optimizer of one's own.
template <OptimizerRule Rule>
void check_optimizer(const Rule& rule, const OptimizerCheck& options = {}) {
  check_part(rule);
  check_optimizer(Optimizer(rule), options);
}

}  // namespace maas::inline MAAS_ABI::testing

#if !defined(MAAS_COMPILED)
#include "maas/testing/check_optimizer-inl.hpp"
#endif
