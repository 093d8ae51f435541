// One step of training of any network, beside its floor.
#pragma once

#include "maas/maas.hpp"
#include "support.hpp"

namespace bench {

/// Steps on one batch of noise; an optimizer reads or writes so many numbers a weight, see step_floor.
inline void step(benchmark::State& state, Network net, Optimizer rule, Loss loss, Index batch,
                 double numbers_a_weight) {
  const Index inputs = net.graph().input_shape().size(), outputs = net.graph().output_shape().size();
  const Matrix x = Matrix::Random(batch, inputs);
  Matrix y = Matrix::Zero(batch, outputs);
  for (Index row = 0; row < batch; ++row) y(row, row % outputs) = Scalar(1);
  const CompileOptions options{.optimizer = std::move(rule), .loss = std::move(loss)};
  OptimizerState optimizer(options.optimizer, net.parameters().layout().trainable_size());
  Trainer trainer(net, options, optimizer, batch, outputs);
  for (auto _ : state)
    benchmark::DoNotOptimize(trainer.train(ConstMatrixView(x.data(), batch, inputs),
                                           ConstMatrixView(y.data(), batch, outputs), ConstVectorView(nullptr, 0),
                                           Random()));
  compare_with_floor(state, step_floor(net, batch, numbers_a_weight));
}

}  // namespace bench
