#include "maas/maas.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

struct Samples {
  Matrix x = Matrix::Random(256, 6);
  Matrix y = (x.rowwise().sum().array() > 0).cast<Scalar>();
};

Model small_model() {
  auto model = Sequential{input(6), dense(16, relu), dense(1, sigmoid)};
  model.compile({.optimizer = Adam{.learning_rate = 0.01}, .loss = binary_crossentropy, .metrics = {accuracy}});
  return model;
}

}  // namespace

TEST_CASE("a model learns a separable question") {
  const Samples samples;
  Model model = small_model();
  const History history = model.fit(samples.x, samples.y, {.epochs = 30, .verbose = 0});
  CHECK(history["loss"].back() < 0.2 * history["loss"].front());
  CHECK(history["accuracy"].back() > 0.95);
}

TEST_CASE("training gives the same bits on one, two and four threads, and run after run") {
  const Samples samples;
  Vector first;
  for (int count : {1, 2, 4, 1}) {
    set_threads(count);
    auto model = Sequential{input(6), dense(300, relu), dense(200, relu), dense(1, sigmoid)};
    model.compile({.optimizer = Adam{}, .loss = binary_crossentropy});
    model.fit(samples.x, samples.y, {.epochs = 2, .batch_size = 128, .verbose = 0});
    const Vector weights = model.network().parameters().values();
    if (first.size() == 0) first = weights;
    CHECK(weights == first);
  }
  set_threads(1);
}

TEST_CASE("two fits in a row are one longer fit") {
  const Samples samples;
  Model once = small_model(), twice = small_model();
  once.fit(samples.x, samples.y, {.epochs = 4, .verbose = 0});
  twice.fit(samples.x, samples.y, {.epochs = 2, .verbose = 0});
  twice.fit(samples.x, samples.y, {.epochs = 2, .verbose = 0});
  CHECK(once.network().parameters().values() == twice.network().parameters().values());
}

TEST_CASE("fit refuses what it cannot use, and says where") {
  Samples samples;
  Model model = small_model();
  CHECK_THROWS_WITH(model.fit(Matrix::Zero(3, 5), Matrix::Zero(3, 1)), "fit: expected 6 features a sample (6), got 5");
  CHECK_THROWS_WITH(model.fit(Matrix::Zero(3, 6), Matrix::Zero(2, 1)),
                    "fit: expected as many targets as samples, got 3 samples and 2 targets");
  CHECK_THROWS_WITH(model.fit(Matrix(0, 6), Matrix(0, 1)), "fit: expected at least 1 sample, got none");
  CHECK_THROWS_WITH(model.fit(samples.x, samples.y, {.batch_size = 0}),
                    "fit: expected a batch_size of at least 1, got 0");
  samples.x(3, 2) = std::nan("");
  CHECK_THROWS_WITH(model.fit(samples.x, samples.y),
                    "fit: expected finite numbers in x, got nan in row 3, column 2 (counted from 0)");
}
