// Denormal numbers count as zero within a step of training, on every thread, and for nobody else.
#include "maas/core/denormals.hpp"

#include <cfenv>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "maas/core/parallel.hpp"
#include "maas/layers/layers.hpp"
#include "maas/maas.hpp"
#include "maas/ops/kernels.hpp"
#include "maas/ops/probes.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

constexpr Scalar smallest = std::numeric_limits<Scalar>::min();  // that is no denormal

/// Whether they do on this thread, as results and as what is calculated with.
bool denormals_are_zero() {
  volatile Scalar normal = smallest, denormal = std::numeric_limits<Scalar>::denorm_min();
  const volatile Scalar result = normal * Scalar(0.5), scaled = denormal / std::numeric_limits<Scalar>::epsilon();
  return result == 0 && scaled == 0;
}
bool denormals_count() {
  volatile Scalar normal = smallest, denormal = std::numeric_limits<Scalar>::denorm_min();
  const volatile Scalar result = normal * Scalar(0.5), scaled = denormal / std::numeric_limits<Scalar>::epsilon();
  return result != 0 && scaled != 0;
}

/// What the loss below has seen, and whether it is to fail.
struct Watch {
  int looks = 0, flushed = 0;
  bool fails = false;
  void look() {
    ++looks;
    flushed += denormals_are_zero();
  }
  bool saw_zero() const { return looks > 0 && flushed == looks; }
} watch;

/// Squared error that looks how this thread calculates.
struct WatchedError {
  static constexpr std::string_view class_name = "WatchedError";
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    watch.look();
    mean_squared_error.values(predicted, target, out);
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
    watch.look();
    if (watch.fails) throw std::runtime_error("no gradient");
    mean_squared_error.gradient(predicted, target, out);
  }
};

struct Restore {
  int before = threads();
  ~Restore() {
    set_threads(before);
    ops::use_kernels(ops::Kernels::automatic);
  }
};

// Calls `test` with the headers' bodies and with the best kernels, on one thread and on several.
template <class Test>
void with_all_kernels(Test&& test) {
  if (detail::flush_bits == 0) {
    WARN("skipped: this processor is not told to flush");
    return;
  }
  const Restore restore;
  for (const auto which : {ops::Kernels::eigen, ops::Kernels::automatic})
    for (const int count : {1, 3}) {
      ops::use_kernels(which);
      set_threads(count);
      INFO(ops::vectors_in_use() << ", " << count << " threads");
      watch = {};
      test();
    }
}

const Matrix x = Matrix::Constant(8, 3, Scalar(0.5)), y = Matrix::Constant(8, 1, 2);

Model watched_model(Optimizer optimizer = Adam{}) {
  auto model = Sequential{input(3), dense(4, Tanh{}), dense(1)};
  model.compile({.optimizer = std::move(optimizer), .loss = WatchedError{}});
  return model;
}

}  // namespace

TEST_CASE("denormal numbers are zero within a step, and count again for the caller after it") {
  with_all_kernels([] {
    for (const Optimizer& optimizer : {Optimizer(Sgd{}), Optimizer(Adam{}), Optimizer(Lbfgs{})}) {
      INFO(optimizer.class_name());
      watch = {};
      Model model = watched_model(optimizer);
      REQUIRE(denormals_count());
      model.train_on_batch(x, y);
      CHECK(watch.saw_zero());
      CHECK(denormals_count());
    }
    Model model = watched_model();
    for (const auto& [what, call] :
         {std::pair<const char*, void (*)(Model&)>{"test_on_batch", [](Model& m) { m.test_on_batch(x, y); }},
          {"gradients", [](Model& m) { m.gradients(x, y); }},
          {"evaluate", [](Model& m) { m.evaluate(x, y); }}}) {
      INFO(what);
      watch = {};
      call(model);
      CHECK(watch.saw_zero());
      CHECK(denormals_count());
    }
  });
}

TEST_CASE("denormal numbers are zero within the steps of fit, and count for callbacks between them") {
  with_all_kernels([] {
    int calls = 0, counted = 0;
    const auto look = [&](TrainingView&) {
      ++calls;
      counted += denormals_count();
    };
    const auto look_and_go_on = [&](TrainingView& view) {
      look(view);
      return Signal::go_on;
    };
    Model model = watched_model();
    model.fit(x, y,
              {.epochs = 2,
               .batch_size = 3,
               .verbose = 0,
               .validation_data = ValidationData{x, y},
               .callbacks = {LambdaCallback{.on_train_begin = look,
                                            .on_epoch_begin = look,
                                            .on_batch_begin = look,
                                            .on_batch_end = look_and_go_on,
                                            .on_epoch_end = look_and_go_on,
                                            .on_train_end = look}}});
    CHECK(calls == 2 + 2 * (2 + 2 * 3));
    CHECK(counted == calls);
    CHECK(watch.saw_zero());
    CHECK(denormals_count());
  });
}

TEST_CASE("denormal numbers count again after a step that fails") {
  with_all_kernels([] {
    Model model = watched_model();
    watch.fails = true;
    CHECK_THROWS_WITH(model.train_on_batch(x, y), "no gradient");
    CHECK(denormals_count());
    CHECK_THROWS_WITH(model.fit(x, y, {.verbose = 0}), "no gradient");
    CHECK(denormals_count());
    CHECK_THROWS_WITH(model.gradients(x, y), "no gradient");
    CHECK(denormals_count());
    CHECK(watch.saw_zero());
    watch.fails = false;
    CHECK_NOTHROW(model.train_on_batch(x, y));
    CHECK(denormals_count());
  });
}

TEST_CASE("a caller that rounds otherwise, or flushes himself, finds his own state after a step, failed or not") {
  with_all_kernels([] {
    Model model = watched_model();
    for (const bool fails : {false, true})
      for (const bool flushes : {false, true}) {
        watch.fails = fails;
        const unsigned usual = floating_point_state();
        std::fesetround(FE_DOWNWARD);
        const unsigned rounding = floating_point_state();
        const unsigned own = flushes ? rounding | detail::flush_bits : rounding;
        set_floating_point_state(own);
        try {
          model.train_on_batch(x, y);
        } catch (const std::runtime_error&) {
        }
        const unsigned found = floating_point_state();
        std::fesetround(FE_TONEAREST);
        set_floating_point_state(usual);
        CHECK(rounding != usual);
        CHECK(found == own);
      }
  });
}

TEST_CASE("what an optimizer keeps is zero where it would be denormal, on every thread") {
  // Gradients are x where predictions miss by half the number of outputs. Their squares are denormal.
  constexpr Index size = 300;  // large enough for threads
  const Scalar tiny = std::sqrt(smallest) / 4;
  REQUIRE(tiny * tiny != 0);
  const Matrix inputs = Matrix::Constant(1, size, tiny), targets = Matrix::Constant(1, size, -Scalar(size) / 2);
  with_all_kernels([&] {
    auto model = Sequential{input(size), dense(size, linear)};
    model.compile({.optimizer = Adam{}, .loss = mean_squared_error});
    model.train_on_batch(inputs, targets);
    const OptimizerState& state = model.optimizer_state();
    REQUIRE(state.slot_count() == 2);
    const Index weights = size * size;  // biases are behind them
    CHECK((state.slot(0).head(weights).array() != 0).all());
    CHECK((state.slot(1).head(weights).array() == 0).all());
    CHECK((state.slot(1).segment(weights, size).array() > 0).all());
  });
}
