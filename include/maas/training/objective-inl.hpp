// The objective that a trainer gives to optimizers that look at several points in one step.
#pragma once

#include <cmath>
#include <limits>

#include "maas/training/trainer.hpp"

namespace maas::inline MAAS_ABI {

/// One batch as a function of the network's weights. Dropout draws the same numbers at every call.
class Trainer::BatchObjective final : public Objective {
 public:
  BatchObjective(Trainer& trainer, double loss, const BatchView& batch, const Random& random)
      : trainer_(trainer), loss_(loss), batch_(batch), random_(random) {}

  double loss() override { return trainer_.run(batch_, Mode::training, random_); }
  double gradient() override {
    const double value = loss();
    trainer_.backward(batch_);
    return value;
  }

  /// One sample at a time: a pass forward, and one backward for each output.
  void residuals(ResidualSink& sink) override {
    Head& head = trainer_.heads_[0];
    const ConstMatrixView target = trainer_.loss_targets(head, batch_.y[0]);
    weights_of_steps(head);
    const double by = head.loss->divisor(target, trainer_.loss_weights(head, 0, batch_), trainer_.mask_of(head, 0)) *
                      static_cast<double>(head.outputs);
    double sum = 0;
    for (Index sample = 0; sample < batch_.size(); ++sample) sum += residuals_of(sample, by, sink);
    const double tolerance = 100 * std::sqrt(static_cast<double>(std::numeric_limits<Scalar>::epsilon()));
    require<ConfigError>(!(std::abs(sum - loss_) > tolerance * (1e-6 + std::abs(loss_))),
                         "{}: the squares of the residuals add up to {}, the loss is {}; expected a network without "
                         "penalties, whose layers take each sample alone and draw no random numbers",
                         trainer_.optimizer_.class_name(), sum, loss_);
  }

 private:
  // A step that counts less has a smaller residual. The pass of one sample overwrites masks, so they are kept here.
  void weights_of_steps(Head& head) {
    const ConstVectorView weights = trainer_.loss_weights(head, 0, batch_);
    const Index rows = batch_.size() * head.steps;
    for (Index row = 0; row < rows; ++row)
      head.values[row] = weights.size() > 0 ? weights[row * weights.size() / rows] : Scalar(1);
  }

  double root_of_weight(const Head& head, Index sample, Index step, double by) const {
    const double weight = static_cast<double>(head.values[sample * head.steps + step]);
    require<DataError>(weight >= 0, "{}: expected sample weights of at least 0, got {} for sample {}",
                       trainer_.optimizer_.class_name(), weight, sample);
    return std::sqrt(weight / by);
  }

  double residuals_of(Index sample, double by, ResidualSink& sink) {
    const Head& head = trainer_.heads_[0];
    Workspace& workspace = trainer_.workspace_;
    const Parameters& parameters = trainer_.network_.parameters();
    workspace.set_batch(1);
    for (std::size_t i = 0; i < batch_.x.size(); ++i)
      workspace.set_input(batch_.x[i].data() + sample * batch_.x[i].cols(), static_cast<Index>(i));
    workspace.forward(parameters, Mode::training, random_);
    const ConstMatrixView& y = batch_.y[0];
    double sum = 0;
    for (Index output = 0; output < y.cols(); ++output) {
      const double scale = root_of_weight(head, sample, output / head.outputs, by);
      const double error = static_cast<double>(workspace.output()(0, output)) - static_cast<double>(y(sample, output));
      MatrixView gradient = workspace.output_gradient();
      gradient.setZero();
      gradient(0, output) = static_cast<Scalar>(scale);
      workspace.backward(parameters, trainer_.gradients_);
      const VectorView derivative = trainer_.gradients_.trainable();
      sink.add(scale * error, ConstVectorView(derivative.data(), derivative.size()));
      sum += scale * error * scale * error;
    }
    return sum;
  }

  Trainer& trainer_;
  double loss_;  // of the batch, before the step
  const BatchView& batch_;
  const Random& random_;
};

MAAS_INLINE void Trainer::step_with_objective(double loss, const BatchView& batch, const Random& random) {
  BatchObjective objective(*this, loss, batch, random);
  const VectorView gradient = gradients_.trainable();
  optimizer_.step_with(objective, loss, network_.parameters().trainable(),
                       ConstVectorView(gradient.data(), gradient.size()), tensors_, scratch_, state_);
}

}  // namespace maas::inline MAAS_ABI
