// A loop that must not wait: a small network forecasts a sensor's next reading, sample by sample, with its sizes in
// types. It trains, moves the weights into a fixed::Network, and times every prediction.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <vector>

#include "maas/maas.hpp"

using namespace maas;

namespace {

constexpr Index lags = 4;
using Net = fixed::Network<fixed::Dense<lags, 8, Relu>, fixed::Dense<8, 8, Relu>, fixed::Dense<8, 1>>;

/// Readings of a vibrating beam: two frequencies that drift apart, and noise.
std::vector<Scalar> readings(int count) {
  const Random random(1);
  std::vector<Scalar> values;
  for (int i = 0; i < count; ++i) {
    const double t = 0.05 * i, noise = random.uniform(static_cast<std::uint64_t>(i)) - 0.5;
    values.push_back(static_cast<Scalar>(std::sin(3 * t) + 0.5 * std::sin(7.3 * t + 1) + 0.02 * noise));
  }
  return values;
}

/// Rows of the last `lags` readings, and what came next.
struct LagTable {
  LagTable(const std::vector<Scalar>& values, Index first, Index count) : x(count, lags), y(count, 1) {
    for (Index row = 0; row < count; ++row) {
      for (Index lag = 0; lag < lags; ++lag) x(row, lag) = values[static_cast<std::size_t>(first + row + lag)];
      y(row, 0) = values[static_cast<std::size_t>(first + row + lags)];
    }
  }
  Matrix x, y;
};

double nanoseconds(std::chrono::steady_clock::duration duration) {
  return static_cast<double>(std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count());
}

}  // namespace

int main() {
  const std::vector<Scalar> values = readings(24000);
  const LagTable training(values, 0, 4000), test(values, 4000, 19000);

  auto model = Sequential{input(lags), dense(8, relu), dense(8, relu), dense(1)};
  model.compile({.optimizer = Adam{.learning_rate = 0.005}, .loss = mean_squared_error});
  model.fit(training.x, training.y, {.epochs = 30, .batch_size = 32, .verbose = 0});

  Net net;
  net.assign(model.network());  // from here on nothing is allocated, locked or thrown
  std::printf("%zu bytes, weights inside\n", sizeof(net));

  std::vector<double> times(static_cast<std::size_t>(test.x.rows()));
  double squares = 0, persistence = 0, largest_difference = 0;
  const Matrix ordinary = model.predict(test.x);
  for (Index row = 0; row < test.x.rows(); ++row) {
    const std::span<const Scalar, lags> last(test.x.data() + row * lags, lags);
    const auto start = std::chrono::steady_clock::now();
    const Scalar next = net(last)[0];
    times[static_cast<std::size_t>(row)] = nanoseconds(std::chrono::steady_clock::now() - start);
    squares += std::pow(next - test.y(row, 0), 2);
    persistence += std::pow(last[lags - 1] - test.y(row, 0), 2);
    largest_difference = std::max(largest_difference, static_cast<double>(std::abs(next - ordinary(row, 0))));
  }

  const double count = static_cast<double>(test.x.rows());
  std::ranges::sort(times);
  std::printf("root mean squared error %.4f; of repeating the last reading %.4f\n", std::sqrt(squares / count),
              std::sqrt(persistence / count));
  std::printf("largest difference from the ordinary network %.2g\n", largest_difference);
  std::printf("a prediction, with reading the clock twice: median %.0f ns, 99.9 %% below %.0f ns, longest %.0f ns\n",
              times[times.size() / 2], times[times.size() * 999 / 1000], times.back());
  const bool learned = squares < 0.1 * persistence, same = largest_difference < 1e-5;
  std::puts(learned && same ? "it has learned, and both networks agree" : "unexpected: see the figures above");
  return learned && same ? 0 : 1;
}
