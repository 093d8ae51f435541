// Networks that learn from windows of many series, and from those that lack readings.
#include <cmath>

#include "maas/maas.hpp"
#include "maas/network/merge.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

/// Two detectors, of which one turns its sign with each reading and the other keeps it, but for once: the last reading
/// alone does not tell which comes next.
std::vector<Series> turning_and_keeping() {
  Matrix values(64, 2);
  for (Index row = 0; row < values.rows(); ++row) {
    values(row, 0) = row % 2 == 0 ? Scalar(1) : Scalar(-1);
    values(row, 1) = row < 32 ? Scalar(1) : Scalar(-1);
  }
  return series_of_variables({.values = values});
}

constexpr Index lags = 3, reading_count = 90;

/// Two detectors whose readings lack by turns and at times together; a target of its own for each reading. Windows of
/// `lags` readings that begin every `lags` readings use each target once: that of step k lies `lags` readings ahead.
Series with_gaps() {
  constexpr Scalar gap = std::numeric_limits<Scalar>::quiet_NaN();
  const Random random(4);
  Series series{.values = Matrix(reading_count, 2), .targets = Matrix::Zero(reading_count, 1)};
  for (Index i = 0; i < series.values.size(); ++i)
    series.values.data()[i] = static_cast<Scalar>(2 * random.uniform(static_cast<std::uint64_t>(i)) - 1);
  series.targets.bottomRows(reading_count - lags) =
      (series.values.col(0) - series.values.col(1)).head(reading_count - lags);
  for (Index row = 0; row < reading_count; ++row) {
    if (row % 5 == 1) series.values(row, 0) = gap;
    if (row % 7 == 2 || row % 5 == 1) series.values(row, 1) = gap;
  }
  return series;
}

/// Whether both detectors lack.
bool is_masked(const Series& series, Index reading) {
  return std::isnan(series.values(reading, 0)) && std::isnan(series.values(reading, 1));
}

Windows windows_of(Series series) {
  return Windows(std::move(series), {.lags = lags,
                                     .horizons = every_step(lags),
                                     .stride = lags,
                                     .sequences = true,
                                     .fill_missing = Scalar{0},
                                     .masks = true});
}

/// A network that answers step by step, fitted to the windows of a series.
Model fitted_steps(const Series& series, bool masked) {
  std::vector<Layer> layers{input(Shape{lags, 4})};
  if (masked) layers.push_back(masking());
  for (const Layer& layer : {Layer(BatchNormalization{.momentum = 0.9}), Layer(dense(6, Tanh{})), Layer(dense(1))})
    layers.push_back(layer);
  Model model{Network(Graph(layers))};
  model.compile({.optimizer = Adam{.learning_rate = 0.02}, .loss = mean_squared_error});
  model.fit(windows_of(series), {.epochs = 40, .batch_size = 8, .verbose = 0, .seed = 2});
  return model;
}

}  // namespace

TEST_CASE("a network with an embedding learns from windows that tell which series they are of") {
  const Windows windows(turning_and_keeping(), {.lags = 1, .sequences = true, .series_ids = true});
  REQUIRE(windows.feature_shape() == Shape{2});
  const Symbol readings = input(Shape{1, 1}), id = input(1);
  const Symbol joined = concatenate({flatten()(readings), flatten()(embedding(2, 2)(id))});
  Model model({readings, id}, {dense(1)(dense(16, Tanh{})(joined))});
  model.compile({.optimizer = Adam{.learning_rate = 0.01}, .loss = mean_squared_error});
  model.fit(windows, {.epochs = 120, .batch_size = 16, .verbose = 0, .seed = 1});
  const double knows = *find_log(model.evaluate(windows), "loss");

  auto blind = Sequential{input(1), dense(16, Tanh{}), dense(1)};
  blind.compile({.optimizer = Adam{.learning_rate = 0.01}, .loss = mean_squared_error});
  const Windows without(turning_and_keeping(), {.lags = 1});
  blind.fit(without, {.epochs = 120, .batch_size = 16, .verbose = 0, .seed = 1});
  // Without it, 0 is the best answer, 1 away from either; with it, only the one turn among 126 is missed, by 2.
  CHECK(*find_log(blind.evaluate(without), "loss") > 0.9);
  CHECK(knows < 0.05);
}

TEST_CASE("steps of windows whose readings all lack are masked, and what was to be forecast of them teaches nothing") {
  const Series series = with_gaps();
  // Other targets for the masked steps alone.
  Series planted = series;
  Index masked_steps = 0;
  for (Index reading = 0; reading + lags < reading_count; ++reading)
    if (is_masked(series, reading)) planted.targets(reading + lags, 0) = 1000, ++masked_steps;
  REQUIRE(masked_steps > 10);
  const Model masked = fitted_steps(series, true);
  CHECK(fitted_steps(planted, true).get_weights() == masked.get_weights());
  // Without the layer they do teach, and so they do where one of the two detectors is there, or reads 0.
  CHECK(fitted_steps(planted, false).get_weights() != fitted_steps(series, false).get_weights());
  Series one = series;
  REQUIRE((std::isnan(one.values(9, 1)) && !std::isnan(one.values(9, 0))));
  one.targets(9 + lags, 0) = 1000;
  CHECK(fitted_steps(one, true).get_weights() != masked.get_weights());
  Series zero = series;
  zero.values.row(10).setZero();
  Series zero_planted = zero;
  zero_planted.targets(10 + lags, 0) = 1000;
  CHECK(fitted_steps(zero_planted, true).get_weights() != fitted_steps(zero, true).get_weights());

  // It has learned the difference of the two where both are there, and evaluates no masked step either.
  Model judge = masked, planted_judge = masked;
  CHECK(judge.evaluate(windows_of(series)) == planted_judge.evaluate(windows_of(planted)));
  CHECK(*find_log(judge.evaluate(windows_of(series)), "loss") < 0.2);
  CHECK(*find_log(fitted_steps(series, false).evaluate(windows_of(planted)), "loss") > 1000);
}

TEST_CASE("masked steps leave moments and answers of the others alone") {
  const Series series = with_gaps();
  // Of the steps that count, the first detector is there in all: its mask has the mean 1. Zeros of masked steps among
  // them would lower it.
  const Windows windows = windows_of(series);
  Model model = fitted_steps(series, true);
  CHECK(double(model.weight("batch_normalization/moving_mean").data()[2]) == Approx(1).epsilon(1e-5));
  Model blind = fitted_steps(series, false);
  CHECK(double(blind.weight("batch_normalization/moving_mean").data()[2]) < 0.9);
  // A window with a masked step answers for its other steps as it does with that step's reading back.
  Series filled = series;
  filled.values.row(1).setConstant(Scalar(0.5));
  REQUIRE(is_masked(series, 1));
  const Matrix with_gap = model.predict(windows.feature_matrix()),
               without = model.predict(windows_of(filled).feature_matrix());
  CHECK(with_gap(0, 0) == without(0, 0));
  CHECK(with_gap(0, 1) != without(0, 1));
  CHECK(with_gap(0, 2) == without(0, 2));
  CHECK(with_gap.bottomRows(with_gap.rows() - 1) == without.bottomRows(without.rows() - 1));
}
