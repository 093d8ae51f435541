// A user's program: trains, saves, loads and predicts with the compiled library.
#include <cstdio>
#include <maas/maas.hpp>

int main() {
  using namespace maas;
  const Matrix x = Matrix::Random(64, 4);
  const Matrix y = (x.rowwise().sum().array() > 0).cast<Scalar>();
  auto model = Sequential{input(4), dense(8, relu), dense(1, sigmoid)};
  model.compile({.optimizer = Adam{}, .loss = binary_crossentropy, .metrics = {accuracy}});
  model.fit(x, y, {.epochs = 2, .batch_size = 16, .verbose = 0});
  model.save("model.h5");
  const bool same = load_model("model.h5").predict(x) == model.predict(x);
  std::puts(same ? "the loaded model predicts the same" : "the loaded model predicts something else");
  return same ? 0 : 1;
}
