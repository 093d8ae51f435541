// What the guard counts: each function that is measured has a name that callgrind is told to collect in.
//   instructions NAME: warms up, then calls measured_NAME
#include <cstdio>
#include <string>

#include "maas/fixed/network.hpp"
#include "maas/maas.hpp"

using namespace maas;

namespace {

constexpr Index batch = 32;

Matrix noise(Index rows, Index columns) {
  const Random random(7);
  Matrix x(rows, columns);
  for (Index i = 0; i < x.size(); ++i)
    x.data()[i] = static_cast<Scalar>(2 * random.uniform(static_cast<std::uint64_t>(i)) - 1);
  return x;
}

// 100-128-64-1, Adam, binary cross-entropy, on one batch of 32.
struct Work {
  Work() {
    for (Index row = 0; row < batch; ++row) y(row, 0) = x.row(row).sum() > 0 ? Scalar(1) : Scalar(0);
    fixed.assign(network);
  }
  ConstMatrixView rows(Index count) const { return {x.data(), count, x.cols()}; }

  Matrix x = noise(batch, 100), y{batch, 1};
  Network network{input(100), dense(128, relu), dense(64, relu), dense(1, sigmoid)};
  CompileOptions options{.optimizer = Adam{}, .loss = binary_crossentropy};
  OptimizerState state{options.optimizer, network.parameters().layout().trainable_size()};
  Trainer trainer{network, options, state, batch, 1};
  Workspace workspace{network, batch, Mode::inference};
  fixed::Network<fixed::Dense<100, 128, Relu>, fixed::Dense<128, 64, Relu>, fixed::Dense<64, 1, Sigmoid>> fixed;
};

// Keeps the compiler from leaving out what computes this.
void keep(Scalar value) { asm volatile("" : : "r,m"(value) : "memory"); }

}  // namespace

extern "C" {

[[gnu::noinline]] void measured_step(Work& work) {
  for (int i = 0; i < 20; ++i)
    keep(static_cast<Scalar>(work.trainer.train(work.rows(batch), ConstMatrixView(work.y.data(), batch, 1),
                                                ConstVectorView(nullptr, 0), Random())));
}

[[gnu::noinline]] void measured_predict_1(Work& work) {
  for (int i = 0; i < 100; ++i) keep(work.network.predict(work.rows(1), work.workspace)(0, 0));
}

[[gnu::noinline]] void measured_predict_32(Work& work) {
  for (int i = 0; i < 20; ++i) keep(work.network.predict(work.rows(batch), work.workspace)(0, 0));
}

[[gnu::noinline]] void measured_fixed(Work& work) {
  const std::span<const Scalar, 100> row(work.x.data(), 100);
  for (int i = 0; i < 100; ++i) keep(work.fixed(row)[0]);
}
}

int main(int count, char** arguments) {
  set_threads(1);
  Work work;
  const std::string name = count == 2 ? arguments[1] : "";
  void (*function)(Work&) = nullptr;
  if (name == "step") function = measured_step;
  if (name == "predict_1") function = measured_predict_1;
  if (name == "predict_32") function = measured_predict_32;
  if (name == "fixed") function = measured_fixed;
  if (!function) {
    std::fprintf(stderr, "expected step, predict_1, predict_32 or fixed, got %s\n", name.c_str());
    return 1;
  }
  // The first call takes memory and finds out what the processor can do.
  work.trainer.train(work.rows(batch), ConstMatrixView(work.y.data(), batch, 1), ConstVectorView(nullptr, 0), Random());
  work.fixed.assign(work.network);
  keep(work.network.predict(work.rows(1), work.workspace)(0, 0));
  function(work);
}
