// Layers that act in training only, beside plain dropout.
#include "maas/core/parallel.hpp"
#include "maas/layers/dropout.hpp"
#include "maas/testing/check_layer.hpp"
#include "outputs.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

/// What a layer makes of samples in training, drawn from this stream.
Matrix in_training(const Layer& layer, const Shape& shape, const Matrix& x, std::uint64_t seed = 3) {
  Network network = network_of(layer, {shape});
  Workspace workspace(network, x.rows(), Mode::training);
  workspace.set_input(x.data());
  workspace.forward(network.parameters(), Mode::training, Random(seed));
  return workspace.output();
}

double mean(const Matrix& x) { return x.cast<double>().mean(); }
double variance(const Matrix& x) { return (x.cast<double>().array() - mean(x)).square().mean(); }

std::vector<std::pair<Layer, Shape>> noisy_layers() {
  return {{gaussian_noise(0.5), Shape{6}},
          {gaussian_dropout(0.2), Shape{6}},
          {alpha_dropout(0.2), Shape{6}},
          {SpatialDropout1D{.rate = 0.3}, Shape{2, 3}},
          {SpatialDropout2D{.rate = 0.3}, Shape{1, 2, 3}},
          {Dropout{.rate = 0.3, .noise_shape = NoiseShape{std::nullopt, 1}}, Shape{6}}};
}

}  // namespace

TEST_CASE("noise does nothing in inference, and follows from the stream alone in training") {
  const Matrix x = Matrix::Random(5, 6);
  for (const auto& [layer, shape] : noisy_layers()) {
    INFO(layer.class_name());
    CHECK(output_of(layer, shape, x) == x);
    const Matrix y = in_training(layer, shape, x);
    CHECK(y != x);
    CHECK(in_training(layer, shape, x, 4) != y);
    for (int count : {1, 2, 4}) {
      set_threads(count);
      CHECK(in_training(layer, shape, x) == y);
    }
    set_threads(1);
  }
}

TEST_CASE("noise has the mean and variance it is to have") {
  const Matrix ones = Matrix::Ones(100, 100);  // tolerances are about five standard deviations of the estimate
  const Matrix noise = in_training(gaussian_noise(0.5), Shape{100}, ones);
  CHECK(mean(noise) == Approx(1).margin(0.025));
  CHECK(variance(noise) == Approx(0.25).margin(0.018));
  const Matrix factors = in_training(gaussian_dropout(0.2), Shape{100}, 2 * ones);
  CHECK(mean(factors) == Approx(2).margin(0.05));
  CHECK(variance(factors) == Approx(4 * 0.25).margin(0.07));
}

TEST_CASE("alpha dropout keeps mean 0 and variance 1, and zeroes no number but sets it to one low value") {
  Matrix x(200, 100);
  for (Index i = 0; i < x.size(); ++i)
    x.data()[i] = static_cast<Scalar>(Random(7).normal(static_cast<std::uint64_t>(i)));
  const Matrix y = in_training(alpha_dropout(0.2), Shape{100}, x);
  CHECK(mean(y) == Approx(0).margin(0.04));
  CHECK(variance(y) == Approx(1).margin(0.06));
  const Scalar low = in_training(alpha_dropout(0.2), Shape{100}, Matrix::Zero(200, 100)).minCoeff();
  const double share = static_cast<double>((y.array() == low).count()) / static_cast<double>(y.size());
  CHECK(share == Approx(0.2).margin(0.02));
}

TEST_CASE("spatial dropout drops whole channels") {
  const Matrix ones = Matrix::Ones(50, 4 * 5);
  const Matrix y = in_training(SpatialDropout1D{.rate = 0.4}, Shape{4, 5}, ones);
  for (Index step = 1; step < 4; ++step) CHECK(y.middleCols(5 * step, 5) == y.leftCols(5));
  const double share = static_cast<double>((y.leftCols(5).array() == 0).count()) / 250.0;
  CHECK(share == Approx(0.4).margin(0.16));
  const Matrix first =
      in_training(SpatialDropout2D{.rate = 0.4, .data_format = "channels_first"}, Shape{5, 2, 2}, ones);
  for (Index channel = 0; channel < 5; ++channel)
    for (Index place = 1; place < 4; ++place) CHECK(first.col(4 * channel) == first.col(4 * channel + place));
  CHECK((first.array() == 0).any());
}

TEST_CASE("a noise shape draws once along its axes of size 1") {
  const Matrix ones = Matrix::Ones(8, 6);
  const Dropout once_a_sample{.rate = 0.5, .noise_shape = NoiseShape{std::nullopt, 1}};
  const Matrix samples = in_training(once_a_sample, Shape{6}, ones);
  for (Index i = 1; i < 6; ++i) CHECK(samples.col(i) == samples.col(0));
  CHECK((samples.array() == 0).any());
  const Dropout once_a_batch{.rate = 0.5, .noise_shape = NoiseShape{1, std::nullopt}};
  const Matrix batch = in_training(once_a_batch, Shape{6}, ones);
  for (Index i = 1; i < 8; ++i) CHECK(batch.row(i) == batch.row(0));
}

TEST_CASE("noise keeps the layer contract with other settings") {
  for (const auto& [layer, shape] : noisy_layers())
    CHECK_NOTHROW(testing::check_layer(layer, {.input = shape, .acts_in_training = true}));
}

TEST_CASE("noise refuses settings out of range") {
  CHECK(refusal(alpha_dropout(1), {Shape{3}}) == "AlphaDropout: expected a rate from 0 on and below 1, got 1");
  CHECK(refusal(gaussian_noise(-1), {Shape{3}}) == "GaussianNoise: expected a stddev of at least 0, got -1");
  CHECK(refusal(SpatialDropout1D{}, {Shape{3}}) ==
        "SpatialDropout1D: expected samples of rank 2 (steps x channels), got 3");
  CHECK(refusal(Dropout{.noise_shape = NoiseShape{std::nullopt, 2}}, {Shape{3}}) ==
        "Dropout: expected a noise_shape that can be repeated to fit samples of 3, got 2");
}
