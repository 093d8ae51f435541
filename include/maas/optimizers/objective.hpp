// Objective: the loss as a function of the weights, for optimizers that look at it more than once a step.
#pragma once

#include "maas/core/matrix.hpp"

namespace maas::inline MAAS_ABI {

/// Takes the terms of a loss that is a sum of squares, one at a time.
struct ResidualSink {
  virtual ~ResidualSink() = default;
  /// One term: the loss is the sum of residual^2; `derivative` is d residual / d weights, as long as the weights' flat
  /// buffer, and holds until the next call.
  virtual void add(double residual, const ConstVectorView& derivative) = 0;
};

/// The loss of one batch at the weights as they stand in Update::parameters: an optimizer changes them, and asks. All
/// calls within a step see the same samples and draw the same random numbers, so that they are calls of one function.
/// Each costs a pass through the network; none takes memory.
struct Objective {
  virtual ~Objective() = default;
  /// The loss.
  virtual double loss() = 0;
  /// The loss; its gradient is in Update::gradient afterwards.
  virtual double gradient() = 0;
  /// The loss term by term. Update::gradient is overwritten. Only for rules that say `needs_residuals`.
  virtual void residuals(ResidualSink& sink) = 0;
};

}  // namespace maas::inline MAAS_ABI
