// One number of a fixed training run in double. It must not change when code is only rearranged; where it changes for
// a reason (another random stream, another formula), the change says so and brings the new number.
#include "maas/maas.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

/// Features from -1 to 1, and whether a bent surface of them is above zero.
struct Samples {
  Matrix x = Matrix(200, 5), y = Matrix(200, 1);
  Samples() {
    const Random random(2024);
    for (Index i = 0; i < x.size(); ++i)
      x.data()[i] = static_cast<Scalar>(2 * random.uniform(static_cast<std::uint64_t>(i)) - 1);
    for (Index row = 0; row < x.rows(); ++row)
      y(row, 0) = x(row, 0) * x(row, 1) + x(row, 2) > Scalar(0.1) ? Scalar(1) : Scalar(0);
  }
};

}  // namespace

TEST_CASE("the signature of a fixed training run") {
  if (sizeof(Scalar) != 8) return;  // in float the last digits depend on the processor
  const Samples samples;
  auto model = Sequential{input(5), dense(12, relu), Dropout{.rate = 0.2}, dense(8, Tanh{}), dense(1, sigmoid)};
  model.initialize(11);
  model.compile({.optimizer = Adam{.learning_rate = 0.01}, .loss = binary_crossentropy, .metrics = {accuracy}});
  const History history = model.fit(samples.x, samples.y,
                                    {.epochs = 5, .batch_size = 16, .verbose = 0, .validation_split = 0.25, .seed = 3});
  const ConstVectorView weights = std::as_const(model).network().parameters().values();
  const double signature = static_cast<double>(weights.squaredNorm()) + history["loss"].back() +
                           history["val_loss"].back() + history["accuracy"].back();
  CHECK(signature == Approx(28.222485452603685).epsilon(1e-12));
}
