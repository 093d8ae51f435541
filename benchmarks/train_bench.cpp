// One training step of 100-128-64-1 (Adam, binary cross-entropy): maas beside the loop by hand, and early in a training
// beside late. And steps of larger networks, beside their floors.
#include <time.h>

#include <limits>

#include "by_hand.hpp"
#include "maas/maas.hpp"
#include "step.hpp"

namespace {

using namespace bench;

Model compiled_model() {
  Model model(network());
  model.compile({.optimizer = Adam{}, .loss = binary_crossentropy});
  return model;
}

// Twenty steps of both from the same weights.
void check() {
  const Samples samples(32);
  Model model = compiled_model();
  ByHand by_hand(model.network(), 32);
  double worst_loss = 0;
  Logs logs;
  for (int step = 0; step < 20; ++step) {
    model.train_on_batch(samples.features(), samples.targets(), logs);
    const double loss = by_hand.train(samples.features(), samples.targets());
    worst_loss = std::max(worst_loss, std::abs(loss - *find_log(logs, "loss")));
  }
  const double bound = sizeof(Scalar) == 4 ? 1e-4 : 1e-6;  // Keras' 1 - 0.999 in float, see optimizers/adam.hpp
  require_same("losses of 20 steps", worst_loss, bound);
  const Parameters& p = model.network().parameters();
  require_same("weights after 20 steps, layer 1", difference(p.view("dense/kernel"), by_hand.weights().w1), bound);
  require_same("weights after 20 steps, layer 2", difference(p.view("dense_1/kernel"), by_hand.weights().w2), bound);
}

// Every benchmark goes round 64 batches, so that the weights keep moving as they do in a real training.
constexpr Index rounds = 64;

ConstMatrixView batch_of(const Matrix& all, Index batch, Index round) {
  return {all.data() + round % rounds * batch * all.cols(), batch, all.cols()};
}

void train_by_hand(benchmark::State& state) {
  const Index batch = state.range(0);
  const Samples samples(batch * rounds);
  ByHand by_hand(network(), batch);
  Index round = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(by_hand.train(batch_of(samples.x, batch, round), batch_of(samples.y, batch, round)));
    ++round;
  }
  compare_with_floor(state, step_floor(network(), batch, 7));
}

void train_trainer(benchmark::State& state) {
  const Index batch = state.range(0);
  const Samples samples(batch * rounds);
  Network net = network();
  const CompileOptions options{.optimizer = Adam{}, .loss = binary_crossentropy};
  OptimizerState optimizer(options.optimizer, net.parameters().layout().trainable_size());
  Trainer trainer(net, options, optimizer, batch, 1);
  Index round = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(trainer.train(batch_of(samples.x, batch, round), batch_of(samples.y, batch, round),
                                           ConstVectorView(nullptr, 0), Random()));
    ++round;
  }
  compare_with_floor(state, step_floor(net, batch, 7));
}

// A training over `rounds` batches, whose state can be put back.
class Training {
 public:
  Training(Index batch, int count) : batch_(batch), samples_(batch * rounds) { epochs(count); }
  Training(const Training&) = delete;  // the trainer refers to the other members
  Training& operator=(const Training&) = delete;

  void epochs(int count) {
    for (Index round = 0; round < count * rounds; ++round)
      loss_ = trainer_.train(batch_of(samples_.x, batch_, round), batch_of(samples_.y, batch_, round),
                             ConstVectorView(nullptr, 0), Random());
  }
  void go_back_to(const Training& other) {
    net_.parameters().values() = other.net_.parameters().values();
    state_.step = other.state_.step;
    for (Index i = 0; i < state_.slot_count(); ++i) state_.slot(i) = other.state_.slot(i);
  }
  /// Makes predictions of what has been learned so certain that gradients are zero, and moments sink to nothing.
  void be_certain() {
    net_.parameters().view("dense_2/kernel") *= 100;
    net_.parameters().view("dense_2/bias") *= 100;
  }
  /// Of the last batch, before its step.
  double loss() const { return loss_; }
  /// The part of Adam's two moments that are zero, or would be denormal if a step did not flush them.
  double vanished() const {
    double count = 0, all = 0;
    for (Index i = 0; i < state_.slot_count(); ++i) {
      count += static_cast<double>((state_.slot(i).array().abs() < std::numeric_limits<Scalar>::min()).count());
      all += static_cast<double>(state_.slot(i).size());
    }
    return count / all;
  }

 private:
  Index batch_;
  Samples samples_;
  Network net_ = network();
  CompileOptions options_{.optimizer = Adam{}, .loss = binary_crossentropy};
  OptimizerState state_{options_.optimizer, net_.parameters().layout().trainable_size()};
  Trainer trainer_{net_, options_, state_, batch_, 1};
  double loss_ = 0;
};

double processor_seconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double seconds_of_an_epoch(Training& training) {
  const double start = processor_seconds();
  training.epochs(1);
  return processor_seconds() - start;
}

// Some time after everything has been learned.
Training& learned() {
  static Training training(32, 1000);
  return training;
}

// When nothing is left of the gradients, and of moments what is too small for ordinary numbers: to calculate with those
// takes several times as long, unless they are flushed.
Training& certain() {
  static Training training(32, 1000);
  static const bool is_certain = [] {
    training.be_certain();
    training.epochs(1200);
    return true;
  }();
  benchmark::DoNotOptimize(is_certain);
  return training;
}

// Epochs early and late in a training, in turns. The time is that of a late one.
void late_training(benchmark::State& state, Training& (*late_one)()) {
  const Training start(32, 2);
  Training early(32, 0);
  Training& late = late_one();
  double early_seconds = 0, late_seconds = 0;
  for (auto _ : state) {
    early.go_back_to(start);
    early_seconds += seconds_of_an_epoch(early);
    const double seconds = seconds_of_an_epoch(late);
    late_seconds += seconds;
    state.SetIterationTime(seconds);
  }
  state.counters["late/early"] = late_seconds / early_seconds;
  state.counters["loss_early"] = early.loss();
  state.counters["loss_late"] = late.loss();
  state.counters["vanished"] = late.vanished();
  compare_with_floor(state, rounds * step_floor(network(), 32, 7));
}

// 784-4096-4096-10: memory counts as much as arithmetic.
void step_large(benchmark::State& state) { step(state, large_network(), Adam{}, categorical_crossentropy, 128, 7); }

// 12-400-400-400-1: a traffic forecast.
void step_traffic(benchmark::State& state) {
  step(state, Network{input(12), dense(400, sigmoid), dense(400, sigmoid), dense(400, sigmoid), dense(1)}, RMSprop{},
       mean_squared_error, 256, 5);
}

// 28-300-300-300-300-300-1, the shape that OpenNN publishes.
void step_deep(benchmark::State& state) {
  step(state,
       Network{input(28), dense(300, Tanh{}), dense(300, Tanh{}), dense(300, Tanh{}), dense(300, Tanh{}),
               dense(300, Tanh{}), dense(1)},
       Adam{}, mean_squared_error, 100, 7);
}

void train_on_batch(benchmark::State& state) {
  const Index batch = state.range(0);
  const Samples samples(batch * rounds);
  Model model = compiled_model();
  Logs logs;
  Index round = 0;
  for (auto _ : state) {
    model.train_on_batch(batch_of(samples.x, batch, round), batch_of(samples.y, batch, round), logs);
    ++round;
  }
  compare_with_floor(state, step_floor(model.network(), batch, 7));
}

// A whole epoch of fit, per step: shuffling, gathering, metrics and callbacks included.
void fit_step(benchmark::State& state) {
  const Index batch = state.range(0);
  const Samples samples(batch * rounds);
  Model model(network());
  model.compile({.optimizer = Adam{}, .loss = binary_crossentropy, .metrics = {accuracy}});
  const int epochs = 20;
  for (auto _ : state) model.fit(samples.x, samples.y, {.epochs = epochs, .batch_size = batch, .verbose = 0});
  state.counters["per_step"] = benchmark::Counter(static_cast<double>(epochs * rounds * state.iterations()),
                                                  benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  compare_with_floor(state, static_cast<double>(epochs * rounds) * step_floor(model.network(), batch, 7));
}

BENCHMARK(train_by_hand)->Arg(32)->Arg(256)->Unit(benchmark::kMicrosecond);
BENCHMARK(train_trainer)->Arg(32)->Arg(256)->Unit(benchmark::kMicrosecond);
BENCHMARK(train_on_batch)->Arg(32)->Arg(256)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(late_training, learned, learned)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(late_training, certain, certain)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(step_large)->Unit(benchmark::kMicrosecond);
BENCHMARK(step_traffic)->Unit(benchmark::kMicrosecond);
BENCHMARK(step_deep)->Unit(benchmark::kMicrosecond);
BENCHMARK(fit_step)->Arg(32)->Unit(benchmark::kMicrosecond);

}  // namespace

int main(int count, char** arguments) {
  bench::print_setup();
  bench::print_machine();
  check();
  return bench::run(count, arguments);
}
