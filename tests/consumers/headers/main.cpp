// A user's program that only includes headers: trains and predicts, with no library of maas to link.
#include <cstdio>
#include <maas/maas.hpp>

int main() {
  using namespace maas;
  const Matrix x = Matrix::Random(64, 4);
  const Matrix y = x.rowwise().sum();
  auto model = Sequential{input(4), dense(1)};
  model.compile({.optimizer = Sgd{.learning_rate = Scalar(0.1)}, .loss = mean_squared_error});
  const auto history = model.fit(x, y, {.epochs = 20, .batch_size = 16, .verbose = 0});
  const bool learned = history["loss"].back() < history["loss"].front() / 10;
  std::puts(learned ? "it learned" : "it did not learn");
  return learned ? 0 : 1;
}
