// Predictions of 100-128-64-1, one sample and 1024 at a time: by hand, through a workspace, and with sizes in types.
// And predictions of larger networks, beside their floors.
#include "by_hand.hpp"
#include "maas/compress/compact.hpp"
#include "maas/fixed/network.hpp"

namespace {

using namespace bench;

using Large = fixed::Network<fixed::Dense<100, 128, Relu>, fixed::Dense<128, 64, Relu>, fixed::Dense<64, 1, Sigmoid>>;

// Three small networks of two hidden layers, by what the sizes are: inputs, hidden units.
template <int Inputs, int First, int Second>
using Small = fixed::Network<fixed::Dense<Inputs, First, Relu>, fixed::Dense<First, Second, Relu>,
                             fixed::Dense<Second, 1, Sigmoid>>;

Network small_network(Index inputs, Index first, Index second) {
  return Network{input(inputs), dense(first, relu), dense(second, relu), dense(1, sigmoid)};
}

template <class Net>
Net assigned(const Network& network) {
  Net net;
  net.assign(network);
  return net;
}

template <std::size_t Inputs>
std::span<const Scalar, Inputs> row_of(const Matrix& x, Index row) {
  return std::span<const Scalar, Inputs>(x.data() + row * x.cols(), Inputs);
}

// A small network by hand: sizes known to Eigen, as somebody writes it who knows them; or who has found out, too, that
// `lazyProduct` is faster than `*` for the smallest.
template <int Inputs, int First, int Second, bool Lazy>
struct SmallByHand {
  explicit SmallByHand(const Network& network) {
    const Parameters& p = network.parameters();
    w1 = p.view("dense/kernel");
    b1 = p.view("dense/bias");
    w2 = p.view("dense_1/kernel");
    b2 = p.view("dense_1/bias");
    w3 = p.view("dense_2/kernel").transpose();
    b3 = p.view("dense_2/bias")(0, 0);
  }
  Scalar operator()(const Scalar* x) const {
    const Row<First> a = (multiply(Eigen::Map<const Row<Inputs>>(x), w1) + b1).cwiseMax(Scalar(0));
    const Row<Second> b = (multiply(a, w2) + b2).cwiseMax(Scalar(0));
    return Scalar(1) / (Scalar(1) + std::exp(-(b.dot(w3) + b3)));
  }
  template <class Left, class Right>
  static auto multiply(const Left& left, const Right& right) {
    if constexpr (Lazy)
      return left.lazyProduct(right);
    else
      return left * right;
  }
  template <int Size>
  using Row = Eigen::Matrix<Scalar, 1, Size>;
  Eigen::Matrix<Scalar, Inputs, First, Eigen::RowMajor> w1;
  Eigen::Matrix<Scalar, First, Second, Eigen::RowMajor> w2;
  Row<First> b1;
  Row<Second> b2, w3;
  Scalar b3;
};

constexpr Index count = 1024;

template <int Inputs, int First, int Second>
void check_small(double bound) {
  const Matrix x = Samples(count).x.leftCols(Inputs);
  const Network net = small_network(Inputs, First, Second);
  const SmallByHand<Inputs, First, Second, false> small_by_hand(net);
  const SmallByHand<Inputs, First, Second, true> small_lazy(net);
  const auto small_fixed = assigned<Small<Inputs, First, Second>>(net);
  Matrix by_hand(count, 1), lazy(count, 1), fixed(count, 1);
  for (Index row = 0; row < count; ++row) {
    by_hand(row, 0) = small_by_hand(x.data() + row * Inputs);
    lazy(row, 0) = small_lazy(x.data() + row * Inputs);
    fixed(row, 0) = small_fixed(row_of<Inputs>(x, row))[0];
  }
  const std::string name = fmt::format("{}-{}-{}-1", Inputs, First, Second);
  const Matrix expected = net.predict(x);
  require_same((name + " by hand").c_str(), difference(expected, by_hand), bound);
  require_same((name + " by hand, lazy").c_str(), difference(expected, lazy), bound);
  require_same((name + ", fixed").c_str(), difference(expected, fixed), bound);
}

void check() {
  const double bound = sizeof(Scalar) == 4 ? 2e-6 : 1e-14;
  const Samples samples(count);
  const Network net = network();
  const Matrix expected = net.predict(samples.x);
  require_same("1024 samples by hand", difference(expected, ByHand(net, count).predict(samples.features())), bound);
  const Large large = assigned<Large>(net);
  ByHand one(net, 1);
  Matrix by_hand(count, 1), fixed(count, 1);
  for (Index row = 0; row < count; ++row) {
    by_hand(row, 0) = one.predict(ConstMatrixView(samples.x.data() + row * 100, 1, 100))(0, 0);
    fixed(row, 0) = large(row_of<100>(samples.x, row))[0];
  }
  require_same("one sample by hand", difference(expected, by_hand), bound);
  require_same("one sample, fixed", difference(expected, fixed), bound);

  check_small<4, 8, 8>(bound);
  check_small<16, 16, 16>(bound);
  check_small<64, 64, 64>(bound);
}

void one_by_hand(benchmark::State& state) {
  const Samples samples(count);
  ByHand net(network(), 1);
  Index row = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(net.predict(ConstMatrixView(samples.x.data() + row * 100, 1, 100)).data());
    row = (row + 1) % count;
  }
  compare_with_floor(state, prediction_floor(network(), 1));
}

void one_workspace(benchmark::State& state) {
  const Samples samples(count);
  const Network net = network();
  Workspace workspace(net, 1, Mode::inference);
  Index row = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(net.predict(ConstMatrixView(samples.x.data() + row * 100, 1, 100), workspace).data());
    row = (row + 1) % count;
  }
  compare_with_floor(state, prediction_floor(net, 1));
}

void one_fixed(benchmark::State& state) {
  const Samples samples(count);
  const Large net = assigned<Large>(network());
  Index row = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(net(row_of<100>(samples.x, row)));
    row = (row + 1) % count;
  }
  compare_with_floor(state, prediction_floor(network(), 1));
}

template <int Inputs, int First, int Second, bool Lazy>
void small_one_by_hand(benchmark::State& state) {
  const Matrix x = Samples(count).x.leftCols(Inputs);
  const Network network = small_network(Inputs, First, Second);
  const SmallByHand<Inputs, First, Second, Lazy> net(network);
  Index row = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(net(x.data() + row * Inputs));
    row = (row + 1) % count;
  }
  compare_with_floor(state, prediction_floor(network, 1));
}

template <int Inputs, int First, int Second>
void small_one_workspace(benchmark::State& state) {
  const Matrix x = Samples(count).x.leftCols(Inputs);
  const Network net = small_network(Inputs, First, Second);
  Workspace workspace(net, 1, Mode::inference);
  Index row = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(net.predict(ConstMatrixView(x.data() + row * Inputs, 1, Inputs), workspace).data());
    row = (row + 1) % count;
  }
  compare_with_floor(state, prediction_floor(net, 1));
}

template <int Inputs, int First, int Second>
void small_one_fixed(benchmark::State& state) {
  const Matrix x = Samples(count).x.leftCols(Inputs);
  const Network network = small_network(Inputs, First, Second);
  const auto net = assigned<Small<Inputs, First, Second>>(network);
  Index row = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(net(row_of<Inputs>(x, row)));
    row = (row + 1) % count;
  }
  compare_with_floor(state, prediction_floor(network, 1));
}

void many_by_hand(benchmark::State& state) {
  const Samples samples(count);
  ByHand net(network(), count);
  for (auto _ : state) benchmark::DoNotOptimize(net.predict(samples.features()).data());
  compare_with_floor(state, prediction_floor(network(), count));
}

void many_workspace(benchmark::State& state) {
  const Samples samples(count);
  const Network net = network();
  Workspace workspace(net, count, Mode::inference);
  for (auto _ : state) benchmark::DoNotOptimize(net.predict(samples.features(), workspace).data());
  compare_with_floor(state, prediction_floor(net, count));
}

void many_predict_into(benchmark::State& state) {
  const Samples samples(count);
  const Network net = network();
  Matrix out(count, 1);
  for (auto _ : state) {
    net.predict_into(samples.features(), MatrixView(out.data(), count, 1));
    benchmark::DoNotOptimize(out.data());
  }
  compare_with_floor(state, prediction_floor(net, count));
}

void many_fixed(benchmark::State& state) {
  const Samples samples(count);
  const Large net = assigned<Large>(network());
  for (auto _ : state)
    for (Index row = 0; row < count; ++row) benchmark::DoNotOptimize(net(row_of<100>(samples.x, row)));
  compare_with_floor(state, prediction_floor(network(), count));
}

void batch_of(benchmark::State& state) { predictions(state, network(), state.range(0)); }

void wide_batch_of(benchmark::State& state) {
  predictions(state, Network{input(1024), dense(1024, relu)}, state.range(0));
}

Network square_network() { return Network{input(4096), dense(4096, relu)}; }

void square_batch_of(benchmark::State& state) { predictions(state, square_network(), state.range(0)); }

void square_bfloat16_batch_of(benchmark::State& state) {
  predictions(state, compact(square_network(), {.format = CompactFormat::bfloat16}), state.range(0));
}

void square_packed_batch_of(benchmark::State& state) {
  predictions(state, compact(square_network(), {.format = CompactFormat::packed}), state.range(0));
}

void square_int8_batch_of(benchmark::State& state) {
  predictions(state, compact(square_network(), {.format = CompactFormat::int8}), state.range(0));
}

void large_packed_batch_of(benchmark::State& state) {
  predictions(state, compact(large_network(), {.format = CompactFormat::packed, .smallest = 0}), state.range(0));
}

void large_batch_of(benchmark::State& state) { predictions(state, large_network(), state.range(0)); }

BENCHMARK(batch_of)->Arg(1)->Arg(32)->Arg(1024)->Unit(benchmark::kMicrosecond);
BENCHMARK(wide_batch_of)->Arg(1)->Arg(2)->Arg(4)->Arg(8)->Unit(benchmark::kMicrosecond);
BENCHMARK(square_batch_of)->Arg(1)->Arg(8)->Arg(128)->Unit(benchmark::kMicrosecond);
BENCHMARK(square_bfloat16_batch_of)->Arg(1)->Arg(8)->Arg(128)->Unit(benchmark::kMicrosecond);
BENCHMARK(square_packed_batch_of)->Arg(1)->Arg(8)->Arg(128)->Unit(benchmark::kMicrosecond);
BENCHMARK(square_int8_batch_of)->Arg(1)->Arg(8)->Arg(128)->Unit(benchmark::kMicrosecond);
BENCHMARK(large_packed_batch_of)->Arg(128)->Unit(benchmark::kMicrosecond);
BENCHMARK(large_batch_of)->Arg(1)->Arg(128)->Unit(benchmark::kMicrosecond);
BENCHMARK(small_one_by_hand<4, 8, 8, false>)->Name("small_one_by_hand/4-8-8-1");
BENCHMARK(small_one_by_hand<4, 8, 8, true>)->Name("small_one_by_hand_lazy/4-8-8-1");
BENCHMARK(small_one_workspace<4, 8, 8>)->Name("small_one_workspace/4-8-8-1");
BENCHMARK(small_one_fixed<4, 8, 8>)->Name("small_one_fixed/4-8-8-1");
BENCHMARK(small_one_by_hand<16, 16, 16, false>)->Name("small_one_by_hand/16-16-16-1");
BENCHMARK(small_one_by_hand<16, 16, 16, true>)->Name("small_one_by_hand_lazy/16-16-16-1");
BENCHMARK(small_one_workspace<16, 16, 16>)->Name("small_one_workspace/16-16-16-1");
BENCHMARK(small_one_fixed<16, 16, 16>)->Name("small_one_fixed/16-16-16-1");
BENCHMARK(small_one_by_hand<64, 64, 64, false>)->Name("small_one_by_hand/64-64-64-1");
BENCHMARK(small_one_by_hand<64, 64, 64, true>)->Name("small_one_by_hand_lazy/64-64-64-1");
BENCHMARK(small_one_workspace<64, 64, 64>)->Name("small_one_workspace/64-64-64-1");
BENCHMARK(small_one_fixed<64, 64, 64>)->Name("small_one_fixed/64-64-64-1");
BENCHMARK(one_by_hand);
BENCHMARK(one_workspace);
BENCHMARK(one_fixed);
BENCHMARK(many_by_hand)->Unit(benchmark::kMicrosecond);
BENCHMARK(many_workspace)->Unit(benchmark::kMicrosecond);
BENCHMARK(many_predict_into)->Unit(benchmark::kMicrosecond);
BENCHMARK(many_fixed)->Unit(benchmark::kMicrosecond);

}  // namespace

int main(int argument_count, char** arguments) {
  bench::print_setup();
  bench::print_machine();
  check();
  return bench::run(argument_count, arguments);
}
