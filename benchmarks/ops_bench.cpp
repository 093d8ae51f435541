// The products and sweeps under every network, each beside its floor: its multiply-adds at the rate of the registers,
// or its bytes at the rate of the memory they lie in.
#include <algorithm>

#include "adam_sweep.hpp"
#include "maas/core/block.hpp"
#include "maas/core/denormals.hpp"
#include "maas/ops/elementwise.hpp"
#include "maas/ops/product.hpp"
#include "maas/ops/softmax.hpp"
#include "maas/ops/update.hpp"
#include "support.hpp"

namespace {

using namespace bench;

// Numbers in memory of their own.
struct Numbers {
  explicit Numbers(Index count) : block(count) {
    const Random random(11);
    for (Index i = 0; i < count; ++i)
      block.data()[i] = static_cast<Scalar>(2 * random.uniform(static_cast<std::uint64_t>(i)) - 1);
  }
  Scalar* data() { return block.data(); }
  Block block;
};

// rows x inner times inner x columns: the forward pass of a batch.
void forward(benchmark::State& state) {
  const Index rows = state.range(0), inner = state.range(1), columns = state.range(2);
  Numbers a(rows * inner), b(inner * columns), c(rows * columns);
  for (auto _ : state) {
    ops::product(rows, columns, inner, {a.data(), inner, 1}, b.data(), columns, c.data(), columns);
    benchmark::ClobberMemory();
  }
  compare_with_floor(state, machine().floor(static_cast<double>(rows * inner * columns),
                                            static_cast<double>(inner * columns) * sizeof(Scalar)));
}

// What a batch of `rows` gives a kernel of inner x columns.
void kernel_gradient(benchmark::State& state) {
  const Index rows = state.range(0), inner = state.range(1), columns = state.range(2);
  Numbers x(rows * inner), dy(rows * columns), c(inner * columns);
  for (auto _ : state) {
    ops::product(inner, columns, rows, {x.data(), 1, inner}, dy.data(), columns, c.data(), columns);
    benchmark::ClobberMemory();
  }
  compare_with_floor(state, machine().floor(static_cast<double>(rows * inner * columns), 0));
}

void input_gradient(benchmark::State& state) {
  const Index rows = state.range(0), inner = state.range(1), columns = state.range(2);
  Numbers dy(rows * columns), b(inner * columns), dx(rows * inner);
  for (auto _ : state) {
    ops::product_transposed(rows, inner, columns, {dy.data(), columns, 1}, b.data(), columns, dx.data(), inner);
    benchmark::ClobberMemory();
  }
  compare_with_floor(state, machine().floor(static_cast<double>(rows * inner * columns), 0));
}

// 28 bytes a weight: w, m and v are read and written, g is read.
void adam(benchmark::State& state) {
  const Index count = state.range(0);
  Numbers w(count), g(count), m(count);
  Block v(count);
  const FlushDenormals flush;
  for (auto _ : state) {
    ops::adam(count, adam_sweep(w.data(), g.data(), m.data(), v.data()));
    benchmark::ClobberMemory();
  }
  compare_with_floor(state, adam_floor(count));
}

// The other optimizers: `buffers` of 4 bytes are moved a weight.
template <class Sweep>
void step_of(benchmark::State& state, double buffers, const Sweep& sweep) {
  const Index count = state.range(0);
  Numbers w(count), g(count);
  Block first(count), second(count);
  const FlushDenormals flush;
  for (auto _ : state) {
    sweep(count, w.data(), g.data(), first.data(), second.data());
    benchmark::ClobberMemory();
  }
  compare_with_floor(state, buffers * static_cast<double>(count) * sizeof(Scalar) / machine().rewritten);
}

constexpr Scalar rate = Scalar(1e-3), keep = Scalar(0.9), rest = Scalar(0.1), small = Scalar(1e-7);

void sgd_momentum(benchmark::State& state) {
  step_of(state, 5, [](Index n, Scalar* w, Scalar* g, Scalar* m, Scalar*) {
    ops::sgd(n, {.w = w, .g = g, .m = m, .rate = rate, .momentum = keep, .nesterov = true});
  });
}
void rmsprop(benchmark::State& state) {
  step_of(state, 5, [](Index n, Scalar* w, Scalar* g, Scalar* v, Scalar*) {
    ops::rmsprop(n, {.w = w, .g = g, .v = v, .rate = rate, .keep = keep, .rest = rest, .epsilon = small});
  });
}
void rmsprop_momentum(benchmark::State& state) {
  step_of(state, 7, [](Index n, Scalar* w, Scalar* g, Scalar* v, Scalar* m) {
    ops::rmsprop(
        n,
        {.w = w, .g = g, .v = v, .m = m, .rate = rate, .keep = keep, .rest = rest, .epsilon = small, .momentum = keep});
  });
}
void adamax(benchmark::State& state) {
  step_of(state, 7, [](Index n, Scalar* w, Scalar* g, Scalar* m, Scalar* u) {
    ops::adamax(n, {.w = w, .g = g, .m = m, .u = u, .rate = rate, .rest = rest, .keep = keep, .epsilon = small});
  });
}
void nadam(benchmark::State& state) {
  step_of(state, 7, [](Index n, Scalar* w, Scalar* g, Scalar* m, Scalar* v) {
    ops::nadam(n, {.w = w,
                   .g = g,
                   .m = m,
                   .v = v,
                   .rate = rate,
                   .rest_1 = rest,
                   .rest_2 = rest,
                   .m_share = keep,
                   .g_share = rest,
                   .correction = keep,
                   .epsilon = small});
  });
}
void adagrad(benchmark::State& state) {
  step_of(state, 5, [](Index n, Scalar* w, Scalar* g, Scalar* a, Scalar*) {
    ops::adagrad(n, {.w = w, .g = g, .a = a, .rate = rate, .epsilon = small});
  });
}
void adadelta(benchmark::State& state) {
  step_of(state, 7, [](Index n, Scalar* w, Scalar* g, Scalar* a, Scalar* d) {
    ops::adadelta(n, {.w = w, .g = g, .a = a, .d = d, .rate = rate, .keep = keep, .rest = rest, .epsilon = small});
  });
}
void lion(benchmark::State& state) {
  step_of(state, 5, [](Index n, Scalar* w, Scalar* g, Scalar* m, Scalar*) {
    ops::lion(n,
              {.w = w, .g = g, .m = m, .rate = rate, .keep_1 = keep, .rest_1 = rest, .keep_2 = keep, .rest_2 = rest});
  });
}

void ftrl(benchmark::State& state) {
  step_of(state, 7, [](Index n, Scalar* w, Scalar* g, Scalar* a, Scalar* z) {
    ops::ftrl(n, {.w = w, .g = g, .n = a, .z = z, .rate = keep, .l1 = small, .l2 = rest, .shrink = small});
  });
}
// m and v are read twice, and w.
void lamb(benchmark::State& state) {
  step_of(state, 10, [](Index n, Scalar* w, Scalar* g, Scalar* m, Scalar* v) {
    const ops::LambSweep sweep{
        .w = w, .g = g, .m = m, .v = v, .rest_1 = rest, .rest_2 = rest, .scale_1 = 1, .scale_2 = 1, .epsilon = small};
    benchmark::DoNotOptimize(ops::lamb_moments(n, sweep));
    ops::lamb_step(n, sweep, rate);
  });
}
// A matrix of 128 columns, as one share of rows; g is read three times, v written.
void adafactor(benchmark::State& state) {
  step_of(state, 6, [](Index n, Scalar* w, Scalar* g, Scalar* first, Scalar* second) {
    constexpr Index columns = 128;
    const Index rows = n / columns;
    ops::adafactor_rows({.rows = rows,
                         .columns = columns,
                         .g = g,
                         .r = second + columns,
                         .sums = first,
                         .keep = keep,
                         .rest = rest,
                         .epsilon = small});
    ops::adafactor_columns({.rows = rows,
                            .columns = columns,
                            .parts = 1,
                            .stride = 0,
                            .sums = first,
                            .c = second,
                            .keep = keep,
                            .rest = rest,
                            .epsilon = small});
    const ops::AdafactorDirection direction{
        .rows = rows, .columns = columns, .g = g, .r = second + columns, .c = second, .mean = keep};
    benchmark::DoNotOptimize(ops::adafactor_squares(direction));
    ops::adafactor_step(direction, rate, w, first);
  });
}

// The floor of softmax, tanh and sigmoid is that of the bytes, read and written once: what the numbers cost to compute
// is not in it.
void softmax_rows(benchmark::State& state) {
  const Index rows = state.range(0), columns = state.range(1);
  Numbers x(rows * columns), y(rows * columns);
  for (auto _ : state) {
    ops::softmax({x.data(), rows, columns}, {y.data(), rows, columns});
    benchmark::ClobberMemory();
  }
  compare_with_floor(state, machine().floor(0, 2.0 * static_cast<double>(rows * columns) * sizeof(Scalar)));
}

void softmax_slopes(benchmark::State& state) {
  const Index rows = state.range(0), columns = state.range(1);
  Numbers y(rows * columns), gradient(rows * columns);
  const FlushDenormals flush;
  for (auto _ : state) {
    ops::softmax_gradient({y.data(), rows, columns}, {gradient.data(), rows, columns});
    benchmark::ClobberMemory();
  }
  compare_with_floor(state, machine().floor(0, 3.0 * static_cast<double>(rows * columns) * sizeof(Scalar)));
}

void tanh_sweep(benchmark::State& state) {
  const Index count = state.range(0);
  Numbers x(count), y(count);
  for (auto _ : state) {
    ops::tanh(count, x.data(), y.data());
    benchmark::ClobberMemory();
  }
  compare_with_floor(state, machine().floor(0, 2.0 * static_cast<double>(count) * sizeof(Scalar)));
}

void sigmoid_sweep(benchmark::State& state) {
  const Index count = state.range(0);
  Numbers x(count), y(count);
  for (auto _ : state) {
    ops::sigmoid(count, x.data(), y.data());
    benchmark::ClobberMemory();
  }
  compare_with_floor(state, machine().floor(0, 2.0 * static_cast<double>(count) * sizeof(Scalar)));
}

// The end of a layer backwards: its slope, and what its bias learns from. Gradients stay what they are.
void slopes_and_sums(benchmark::State& state) {
  const Index rows = state.range(0), columns = state.range(1);
  Numbers y(rows * columns), gradient(rows * columns), sums(columns);
  std::fill_n(y.data(), rows * columns, Scalar(1));
  for (auto _ : state) {
    ops::slope_and_sum_rows(ops::Curve::relu, rows, columns, y.data(), gradient.data(), sums.data());
    benchmark::ClobberMemory();
  }
  compare_with_floor(state, machine().floor(0, 3.0 * static_cast<double>(rows * columns) * sizeof(Scalar)));
}

// The layers of the networks that are measured: batch, inputs, outputs.
void shapes(benchmark::internal::Benchmark* b) {
  for (auto [rows, inner, columns] : {std::array<Index, 3>{32, 100, 128},
                                      {32, 128, 64},
                                      {32, 64, 1},
                                      {256, 100, 128},
                                      {1024, 100, 128},
                                      {1024, 128, 64},
                                      {100, 300, 300},
                                      {256, 400, 400},
                                      {128, 784, 4096},
                                      {128, 4096, 4096},
                                      {128, 4096, 10}})
    b->Args({rows, inner, columns});
  b->Unit(benchmark::kMicrosecond);
}

void few_rows(benchmark::internal::Benchmark* b) {
  for (Index rows : {1, 2, 4, 8, 12}) b->Args({rows, 1024, 1024});
  for (Index rows : {4, 8, 12}) b->Args({rows, 400, 400});
  b->Args({1, 4096, 4096});
  b->Args({1, 100, 128});
}

BENCHMARK(forward)->Apply(shapes)->Apply(few_rows);
BENCHMARK(kernel_gradient)->Apply(shapes);
BENCHMARK(input_gradient)->Apply(shapes);
BENCHMARK(adam)->Arg(21249)->Arg(20'000'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(sgd_momentum)->Arg(21249)->Arg(20'000'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(rmsprop)->Arg(21249)->Arg(20'000'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(rmsprop_momentum)->Arg(21249)->Arg(20'000'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(adamax)->Arg(21249)->Arg(20'000'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(nadam)->Arg(21249)->Arg(20'000'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(adagrad)->Arg(21249)->Arg(20'000'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(adadelta)->Arg(21249)->Arg(20'000'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(lion)->Arg(21249)->Arg(20'000'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(ftrl)->Arg(21249)->Arg(20'000'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(lamb)->Arg(21249)->Arg(20'000'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(adafactor)->Arg(21249)->Arg(20'000'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(softmax_rows)->Args({128, 10})->Args({128, 1000});
BENCHMARK(softmax_slopes)->Args({128, 10})->Args({128, 1000});
BENCHMARK(slopes_and_sums)->Args({32, 128})->Args({100, 300})->Args({256, 400})->Args({128, 4096});
BENCHMARK(tanh_sweep)->Arg(4096);
BENCHMARK(sigmoid_sweep)->Arg(4096);

}  // namespace

int main(int count, char** arguments) {
  print_setup();
  print_machine();
  return bench::run(count, arguments);
}
