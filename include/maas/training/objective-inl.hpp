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
    const Head& head = trainer_.heads_[0];
    const ConstVectorView weights = trainer_.sample_weights(batch_, 0);
    const double by =
        head.loss->divisor(trainer_.loss_targets(head, batch_.y[0]), weights) * static_cast<double>(head.outputs);
    double sum = 0;
    for (Index sample = 0; sample < batch_.size(); ++sample) {
      const double weight = weights.size() > 0 ? static_cast<double>(weights[sample]) : 1.0;
      require<DataError>(weight >= 0, "{}: expected sample weights of at least 0, got {} for sample {}",
                         trainer_.optimizer_.class_name(), weight, sample);
      sum += residuals_of(sample, std::sqrt(weight / by), sink);
    }
    const double tolerance = 100 * std::sqrt(static_cast<double>(std::numeric_limits<Scalar>::epsilon()));
    require<ConfigError>(!(std::abs(sum - loss_) > tolerance * (1e-6 + std::abs(loss_))),
                         "{}: the squares of the residuals add up to {}, the loss is {}; expected a network without "
                         "penalties, whose layers take each sample alone and draw no random numbers",
                         trainer_.optimizer_.class_name(), sum, loss_);
  }

 private:
  double residuals_of(Index sample, double scale, ResidualSink& sink) {
    Workspace& workspace = trainer_.workspace_;
    const Parameters& parameters = trainer_.network_.parameters();
    workspace.set_batch(1);
    for (std::size_t i = 0; i < batch_.x.size(); ++i)
      workspace.set_input(batch_.x[i].data() + sample * batch_.x[i].cols(), static_cast<Index>(i));
    workspace.forward(parameters, Mode::training, random_);
    const ConstMatrixView& y = batch_.y[0];
    double sum = 0;
    for (Index output = 0; output < y.cols(); ++output) {
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
