// What more threads win: the library's own, and callers that predict at the same time. Times are of the wall clock; the
// floor is that of one core.
#include "adam_sweep.hpp"
#include "maas/core/denormals.hpp"
#include "step.hpp"

namespace {

using namespace bench;

// With so many threads of the library, put back afterwards.
struct Threads {
  explicit Threads(benchmark::State& state) { set_threads(static_cast<int>(state.range(0))); }
  ~Threads() { set_threads(1); }
};

void train_32(benchmark::State& state) {
  const Threads threads(state);
  step(state, network(), Adam{}, binary_crossentropy, 32, 7);
}

void train_256(benchmark::State& state) {
  const Threads threads(state);
  step(state, network(), Adam{}, binary_crossentropy, 256, 7);
}

void train_large(benchmark::State& state) {
  const Threads threads(state);
  step(state, large_network(), Adam{}, categorical_crossentropy, 128, 7);
}

void predict_1024(benchmark::State& state) {
  const Threads threads(state);
  predictions(state, network(), 1024);
}

void predict_large(benchmark::State& state) {
  const Threads threads(state);
  predictions(state, large_network(), 128);
}

// The sweep of Adam alone, over as many weights as the large network has: how far memory serves two cores at once.
void adam_large(benchmark::State& state) {
  const Threads threads(state);
  const Index count = 20'000'000;
  Block w(count), g(count), m(count), v(count);
  const FlushDenormals flush;
  for (auto _ : state) {
    ops::for_each_run(count, [&](Index first, Index length) {
      ops::adam(length, adam_sweep(w.data() + first, g.data() + first, m.data() + first, v.data() + first));
    });
    benchmark::ClobberMemory();
  }
  compare_with_floor(state, adam_floor(count));
}

// Every caller has its own workspace and predicts one sample at a time.
void callers(benchmark::State& state) {
  static const Network net = network();
  predictions(state, net, 1);
}

BENCHMARK(train_32)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(train_256)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(train_large)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(adam_large)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(predict_1024)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(predict_large)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(callers)->Threads(1)->Threads(2)->Threads(8)->UseRealTime();

}  // namespace

int main(int count, char** arguments) {
  print_setup();
  print_machine();
  return bench::run(count, arguments);
}
