#include "maas/forecast/forecaster.hpp"

#include <cmath>

#include "maas/core/parallel.hpp"
#include "maas/data/times.hpp"
#include "maas/layers/layers.hpp"
#include "maas/network/merge.hpp"
#include "support/catch.hpp"
#include "support/gap.hpp"

using namespace maas;

namespace {

using tests::gap;

/// Waves of two sensors around 50 and 20, five minutes apart.
Readings waves(Index rows) {
  Readings readings{.values = Matrix(rows, 2), .sensors = {"north", "south"}};
  for (Index row = 0; row < rows; ++row) {
    const auto t = static_cast<double>(row);
    readings.values(row, 0) = static_cast<Scalar>(50 + 10 * std::sin(0.3 * t));
    readings.values(row, 1) = static_cast<Scalar>(20 + 4 * std::sin(0.2 * t));
    readings.times.push_back(300 * t);
  }
  return readings;
}

ForecastFit quick(int epochs, Index networks = 1) {
  ForecastFit fit;
  fit.compile.optimizer = Adam{.learning_rate = 0.01};
  fit.fit.epochs = epochs;
  fit.fit.batch_size = 32;
  fit.fit.seed = 7;
  fit.networks = networks;
  return fit;
}

ForecastOptions small(SensorMode mode = SensorMode::shared) {
  return {.windows = {.lags = 4, .horizons = {1, 2}}, .sensors = mode, .scale_each = true, .changes = true};
}

/// What load_forecaster says of a file of this model.
std::string refusal_of(const Model& model) {
  model.save("damaged.h5");
  try {
    load_forecaster("damaged.h5");
  } catch (const FormatError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("a forecaster beats persistence on what it has not seen") {
  const Readings all = waves(600);
  for (const SensorMode mode : {SensorMode::shared, SensorMode::joint}) {
    Forecaster forecaster(small(mode), ForecastNetwork{.hidden = {16}, .embedding = 2});
    const std::vector<History> histories = forecaster.fit(all.part({0, 480}), quick(30));
    REQUIRE(histories.size() == 1);
    CHECK(histories[0].contains("val_loss"));
    const Readings test = all.part({480, 600});
    const ScoreTable table = forecaster.compare(fit_baselines(forecaster.windows(all.part({0, 480}))), test, {}, {2});
    CHECK(table.at("network", 2).scores.mae < 0.2 * table.at("persistence", 2).scores.mae);
    CHECK(table.at("network", 2).scores.count == table.at("persistence", 2).scores.count);
  }
}

TEST_CASE("samples are scaled windows, with the sensor behind them") {
  Readings readings = waves(60);
  readings.values.col(1).array() += 1000;  // far off, so that scaling shows
  readings.values(20, 0) = gap;
  Forecaster forecaster({.windows = {.lags = 3, .horizons = {2}},
                         .time_of_day = true,
                         .day_of_week = true,
                         .scaling = ReadingScaling::min_max,
                         .scale_each = true});
  forecaster.fit(readings, quick(1));
  const ForecastShape shape = forecaster.shape(2);
  CHECK(shape.features == 7);
  CHECK(shape.ids == 2);
  CHECK(shape.outputs == 1);
  const ForecastWindows windows = forecaster.windows(readings);
  const ForecastSamples samples = forecaster.samples(windows);
  CHECK(windows.size() == 56);
  CHECK(samples.size() == 2 * 56 - 4);  // three windows hold the gap, one has it for its target
  const std::vector<Matrix> inputs = samples.inputs(0, samples.size());
  REQUIRE(inputs.size() == 2);
  CHECK(inputs[0].leftCols(3).minCoeff() > Scalar(-0.01));  // of readings held out
  CHECK(inputs[0].leftCols(3).maxCoeff() < Scalar(1.01));
  CHECK(inputs[1](1, 0) == 1);
  CHECK(samples.sensor_of(1) == 1);
  CHECK(samples.window_of(2) == 1);

  // The first window of the second sensor, by hand; scaling knows the first 54 readings only.
  const auto learned = readings.values.col(1).head(54);
  const Scalar least = learned.minCoeff(), range = learned.maxCoeff() - least;
  for (Index lag = 0; lag < 3; ++lag)
    CHECK(std::abs(inputs[0](1, lag) - (readings.values(lag, 1) - least) / range) < Scalar(1e-4));
  const double time = 300 * (2.0 + 2);  // of the first target
  CHECK(inputs[0](1, 3) == Approx(std::sin(2 * 3.14159265358979 * time / 86400)).margin(1e-6));
  CHECK(samples.targets()(1, 0) == Approx((readings.values(4, 1) - least) / range).margin(1e-4));

  Matrix x(1, 8), y(1, 1);
  const std::vector<Index> rows{1};
  samples.gather(rows, MatrixView(x.data(), 1, 8), MatrixView(y.data(), 1, 1));
  CHECK(x.leftCols(7) == inputs[0].row(1));
  CHECK(x(0, 7) == 1);
  CHECK(y(0, 0) == samples.targets()(1, 0));
  CHECK_THROWS_AS(samples.inputs(0, samples.size() + 1), ShapeError);
}

TEST_CASE("harmonics are sines and cosines of multiples of the time of day") {
  const Readings readings = waves(40);
  Forecaster forecaster({.windows = {.lags = 2}, .time_of_day = true, .harmonics = 3, .day_of_week = true});
  CHECK(forecaster.shape(2).features == 2 + 6 + 2);
  forecaster.fit(readings, quick(1));
  const Matrix x = forecaster.samples(forecaster.windows(readings)).inputs(0, 1)[0];
  const double angle = 2 * 3.14159265358979 * 600 / 86400;  // of the third reading
  for (Index k = 1; k <= 3; ++k) {
    CHECK(x(0, 2 * k) == Approx(std::sin(static_cast<double>(k) * angle)).margin(1e-6));
    CHECK(x(0, 2 * k + 1) == Approx(std::cos(static_cast<double>(k) * angle)).margin(1e-6));
  }
  CHECK(x(0, 9) == time_features(std::vector<double>{600})(0, 3));
  CHECK_THROWS_AS(Forecaster({.harmonics = 0}), ConfigError);
  CHECK_THROWS_AS(Forecaster({.harmonics = 101}), ConfigError);
}

TEST_CASE("what the network gives is brought back to the unit of the readings") {
  // Frozen by hand: the network repeats its last lag, so that the forecast is the last reading.
  const Readings readings = waves(50);
  for (const bool changes : {false, true}) {
    Forecaster forecaster(
        {.windows = {.lags = 2, .horizons = {1, 3}}, .sensors = SensorMode::joint, .changes = changes},
        ForecastNetwork{.hidden = {}});
    forecaster.fit(readings, quick(1));
    MatrixView kernel = forecaster.model().weight(forecaster.model().weight_names()[0]);
    REQUIRE(kernel.rows() == 4);  // lags x sensors, oldest first
    REQUIRE(kernel.cols() == 4);  // horizons x sensors
    kernel.setZero();
    forecaster.model().weight(forecaster.model().weight_names()[1]).setZero();
    if (!changes)
      for (Index step = 0; step < 2; ++step)
        for (Index sensor = 0; sensor < 2; ++sensor) kernel(2 + sensor, step * 2 + sensor) = 1;
    const Matrix next = forecaster.predict(readings);
    REQUIRE(next.rows() == 2);
    REQUIRE(next.cols() == 2);
    for (Index step = 0; step < 2; ++step)
      for (Index sensor = 0; sensor < 2; ++sensor)
        CHECK(next(step, sensor) == Approx(static_cast<double>(readings.values(49, sensor))).epsilon(1e-5));
  }
}

TEST_CASE("predict is the forecast of the last window") {
  const Readings readings = waves(80);
  Forecaster forecaster(small());
  forecaster.fit(readings, quick(2));
  const Forecasts all = forecaster.forecast(readings);
  const Matrix next = forecaster.predict(readings.part({0, all.origins.back() + 1}));
  for (Index step = 0; step < 2; ++step)
    for (Index sensor = 0; sensor < 2; ++sensor)
      CHECK(next(step, sensor) ==
            Approx(static_cast<double>(all.values(all.windows() - 1, all.column(step, sensor)))).epsilon(1e-6));
}

TEST_CASE("missing readings give no answer for their sensor, and none at all to a joint network") {
  Readings readings = waves(80);
  Forecaster shared(small()), joint(small(SensorMode::joint));
  shared.fit(readings, quick(1));
  joint.fit(readings, quick(1));
  readings.values(78, 1) = gap;
  CHECK_FALSE(std::isnan(shared.predict(readings)(0, 0)));
  CHECK(std::isnan(shared.predict(readings)(0, 1)));
  CHECK(joint.predict(readings).array().isNaN().all());
}

TEST_CASE("windows with missing readings are filled with the mean of the sensor, and masks tell where") {
  Readings readings = waves(60);
  readings.values.col(1).array() += 1000;  // far off, so that it shows whose mean it is
  readings.values(20, 0) = gap;
  readings.values(21, 1) = gap;
  for (const ReadingScaling scaling : {ReadingScaling::none, ReadingScaling::standard, ReadingScaling::min_max})
    for (const SensorMode mode : {SensorMode::shared, SensorMode::joint}) {
      CAPTURE(mode, scaling);
      Forecaster forecaster({.windows = {.lags = 3, .horizons = {2}, .fill_missing = true},
                             .sensors = mode,
                             .time_of_day = true,
                             .scaling = scaling,
                             .scale_each = scaling == ReadingScaling::min_max,
                             .masks = true});
      forecaster.fit(readings, quick(1));
      const ForecastFrame& frame = forecaster.frame();
      const bool joint = mode == SensorMode::joint;
      CHECK(forecaster.shape(2).features == (joint ? 12 : 6) + 2);
      // Of the readings before those that are held out.
      double sum = 0;
      for (Index row = 0; row < 54; ++row) sum += row == 20 ? 0 : static_cast<double>(readings.values(row, 0));
      REQUIRE(frame.means.size() == 2);
      CHECK(frame.means[0] == Approx(sum / 53));
      CHECK(frame.means[1] > 1000);

      const ForecastSamples samples = forecaster.samples(forecaster.windows(readings));
      CHECK(samples.size() == (joint ? 56 - 2 : 2 * 56 - 2));  // without those that have a gap for their target
      const std::vector<Matrix> inputs = samples.inputs(0, samples.size());
      Index looked_at = 0;
      for (Index sample = 0; sample < samples.size(); ++sample) {
        const Index first = samples.window_of(sample), sensor = samples.sensor_of(sample);
        for (Index lag = 0; lag < 3; ++lag)
          for (Index each = 0; each < (joint ? 2 : 1); ++each, ++looked_at) {
            const Index of = joint ? each : sensor, width = joint ? 2 : 1, place = lag * 2 * width + each;
            const auto reading = static_cast<double>(readings.values(first + lag, of));
            const double expected = std::isnan(reading) ? frame.means[static_cast<std::size_t>(of)] : reading;
            CHECK(inputs[0](sample, place) == static_cast<Scalar>(frame.scaled(expected, of)));
            CHECK(inputs[0](sample, place + width) == (std::isnan(reading) ? 0 : 1));
          }
        CHECK(inputs[0].row(sample).allFinite());
        // One window at a time, as a server makes them.
        const Matrix window = joint ? Matrix(readings.values.middleRows(first, 3))
                                    : Matrix(readings.values.col(sensor).segment(first, 3));
        const double time = readings.times[static_cast<std::size_t>(first + 2)];
        CHECK(frame.inputs(window, sensor, time)[0] == inputs[0].row(sample));
      }
      CHECK(looked_at == samples.size() * (joint ? 6 : 3));
      CHECK(samples.targets().allFinite());

      const Forecasts forecasts = forecaster.forecast(readings);
      CHECK(forecasts.values.allFinite());
      CHECK(std::isnan(forecasts.truth(16, 0)));
      const Matrix next = forecaster.predict(readings.part({0, 22}));
      CHECK(next.allFinite());
      for (Index sensor = 0; sensor < 2; ++sensor)
        CHECK(next(0, sensor) == Approx(static_cast<double>(forecasts.values(19, sensor))).epsilon(1e-5));

      forecaster.save("filled.h5");
      const Forecaster loaded = load_forecaster("filled.h5");
      CHECK(loaded.config() == forecaster.config());
      CHECK(loaded.options().masks);
      CHECK(loaded.forecast(readings).values == forecasts.values);
      CHECK(loaded.predict(readings.part({0, 22})) == next);
    }
}

TEST_CASE("masks reach the network, and a change is added to the last reading that is there") {
  Readings readings = waves(50);
  for (const bool changes : {false, true}) {
    Forecaster forecaster({.windows = {.lags = 3, .fill_missing = true},
                           .sensor_id = false,
                           .scaling = ReadingScaling::none,
                           .changes = changes,
                           .masks = true},
                          ForecastNetwork{.hidden = {}});
    forecaster.fit(readings, quick(1));
    // 1, 2 and 4 for the readings that are there, the oldest first.
    Matrix kernel = Matrix::Zero(6, 1);
    kernel(1, 0) = 1, kernel(3, 0) = 2, kernel(5, 0) = 4;
    forecaster.model().set_weights({kernel, Matrix::Zero(1, 1)});
    const auto base = [&](Index row, Index sensor) {
      if (!changes) return 0.0;
      for (Index lag = 0; lag < 3; ++lag)
        if (const auto reading = static_cast<double>(readings.values(row - lag, sensor)); !std::isnan(reading))
          return reading;
      return forecaster.frame().means[static_cast<std::size_t>(sensor)];
    };
    readings = waves(50);
    CHECK(forecaster.predict(readings)(0, 1) == Approx(base(49, 1) + 7));
    readings.values(48, 0) = gap;
    CHECK(forecaster.predict(readings)(0, 0) == Approx(base(49, 0) + 5));
    readings.values(49, 0) = gap;
    readings.values(47, 1) = gap;
    CHECK(forecaster.predict(readings)(0, 0) == Approx(base(49, 0) + 1));
    CHECK(forecaster.predict(readings)(0, 1) == Approx(base(49, 1) + 6));
    const Matrix window = readings.values.col(0).tail(3), output = Matrix::Constant(1, 1, 1);
    CHECK(forecaster.frame().forecasts(output, window, 0)(0, 0) == Approx(base(49, 0) + 1));
    readings.values.col(0).tail(3).setConstant(gap);
    CHECK(forecaster.predict(readings)(0, 0) == Approx(base(49, 0)));

    readings = waves(50);
    readings.values(30, 0) = gap;
    const ForecastWindows windows = forecaster.windows(readings);
    const ForecastSamples samples = forecaster.samples(windows);
    const Matrix targets = samples.targets();
    for (Index i = 0; i < samples.size(); ++i) {
      const Index origin = windows.origins()[static_cast<std::size_t>(samples.window_of(i))], of = samples.sensor_of(i);
      CHECK(static_cast<double>(targets(i, 0)) ==
            Approx(static_cast<double>(readings.values(origin + 1, of)) - base(origin, of)).margin(1e-6));
    }
  }
}

TEST_CASE("nothing is filled unless it is asked for, and files are then as they were") {
  Forecaster plain(small());
  plain.fit(waves(80), quick(1));
  const std::string text = plain.config().text();
  for (const char* key : {"fill_missing", "masks", "means", "networks"}) CHECK(text.find(key) == text.npos);
  CHECK(plain.frame().means.empty());
  CHECK_THROWS_WITH(Forecaster({.masks = true}),
                    "forecaster: expected fill_missing of the windows beside masks, which say what was filled, got "
                    "masks alone");
  // Without a missing reading filled windows are the same windows: the same network learns the same.
  ForecastOptions options = small();
  options.windows.fill_missing = true;
  Forecaster filling(options);
  filling.fit(waves(80), quick(1));
  CHECK(filling.model().get_weights() == plain.model().get_weights());
  CHECK(filling.config().text().find("\"fill_missing\": true") != std::string::npos);

  const auto refusal = [&](const Config& means) {
    Model model = filling.model();
    model.info().forecast = filling.config().set("means", means);
    return refusal_of(model);
  };
  CHECK(refusal(filling.config().at("means")) == "accepted");
  CHECK(refusal(Config::List{1.0}) == "damaged.h5: forecast of maas: means: expected one for each of 2 sensors, got 1");
  CHECK(refusal(Config::List{1.0, Config()}).starts_with("damaged.h5: forecast of maas: means: expected a number"));
}

TEST_CASE("a network and the baselines are scored on the same filled windows") {
  Readings readings = waves(400);
  for (Index row = 5; row < 400; row += 7) readings.values(row, row % 2) = gap;
  ForecastOptions options = small();
  options.windows.fill_missing = true;
  options.masks = true;
  const Readings training = readings.part({0, 300}), test = readings.part({300, 400});
  const auto rows_of = [&](const ForecastOptions& asked) {
    Forecaster forecaster(asked);
    forecaster.fit(training, quick(2));
    forecaster.set_baselines(fit_baselines(forecaster.windows(training)));
    forecaster.save("same.h5");
    const Forecaster loaded = load_forecaster("same.h5");
    const ScoreTable table = forecaster.compare(forecaster.baselines().baselines, test);
    CHECK(loaded.compare(loaded.baselines().baselines, test).text() == table.text());
    return table.rows();
  };
  const std::vector<ScoreTable::Row> filled = rows_of(options);
  REQUIRE(filled.size() == 5 * 2);
  for (const ScoreTable::Row& row : filled) {
    CAPTURE(row.model, row.horizon);
    CHECK(row.scores.missed == 0);
    CHECK(row.scores.count == filled[row.horizon == 1 ? 0 : 1].scores.count);
    CHECK(std::isfinite(row.scores.rmse));
  }
  const std::vector<ScoreTable::Row> left_out = rows_of(small());
  CHECK(left_out.back().scores.missed > 0);
  CHECK(left_out.back().scores.count + left_out.back().scores.missed == filled.back().scores.count);
}

TEST_CASE("nothing is learned from the validation share, nor from later readings") {
  Readings readings = waves(100);
  OutOfRange policy = OutOfRange::pass;
  const auto learned_from = [&](const Readings& training) {
    Forecaster forecaster(small());
    ForecastFit fit = quick(2);
    fit.out_of_range = policy;
    forecaster.fit(training, fit);
    return std::pair(forecaster.config().text(), forecaster.model().get_weights());
  };
  const auto before = learned_from(readings);
  readings.values(95, 0) = 1e6;  // planted in the last tenth
  const auto after = learned_from(readings);
  CHECK(before.first == after.first);
  CHECK(before.second == after.second);
  policy = OutOfRange::clip;  // the ranges are of what is learned from, too
  const auto clipped = learned_from(readings);
  readings.values(95, 0) = 1e5;
  CHECK(clipped == learned_from(readings));
  CHECK(clipped.second == before.second);
  readings.values(50, 0) = 1e6;
  CHECK(clipped.first != learned_from(readings).first);
  policy = OutOfRange::pass;
  CHECK(before.first != learned_from(readings).first);
}

TEST_CASE("a forecaster learns once, and says what it needs") {
  const Readings readings = waves(80);
  Forecaster forecaster(small());
  CHECK_THROWS_AS(forecaster.predict(readings), StateError);
  CHECK_THROWS_AS(forecaster.forecast(readings), StateError);
  CHECK_THROWS_AS(forecaster.model(), StateError);
  CHECK_THROWS_AS(forecaster.save("none.h5"), StateError);
  forecaster.fit(readings, quick(1));
  CHECK_THROWS_AS(forecaster.fit(readings, quick(1)), StateError);
  CHECK_THROWS_AS(forecaster.predict(readings.part({0, 3})), ShapeError);
  Readings one{.values = readings.values.leftCols(1), .times = readings.times};
  CHECK_THROWS_WITH(forecaster.predict(one), "forecaster: expected readings of 2 sensors, got 1");
  Readings jump = readings;
  jump.times.back() += 3600;
  CHECK_THROWS_AS(forecaster.predict(jump), DataError);
  CHECK_THROWS_AS(forecaster.forecast(ForecastWindows(readings, {.lags = 5})), ShapeError);
  CHECK_THROWS_AS(forecaster.network(1), ConfigError);

  Forecaster timed({.time_of_day = true});
  CHECK_THROWS_WITH(timed.fit({.values = readings.values}),
                    "forecaster: expected readings with times, for time_of_day or day_of_week, got none");
  Readings silent = readings;
  silent.values.col(1).setConstant(gap);
  CHECK_THROWS_WITH(Forecaster(small()).fit(silent, quick(1)),
                    "forecaster: expected readings of sensor \"south\" to learn from, got none");
  const auto refuses = [&](ForecastFit options) {
    CHECK_THROWS_AS(Forecaster(small()).fit(readings, options), ConfigError);
  };
  refuses(quick(1, 0));
  ForecastFit wrong = quick(1);
  wrong.validation_share = 1;
  refuses(wrong);
  wrong = quick(1);
  wrong.fit.validation_split = 0.1;
  refuses(wrong);
  CHECK_THROWS_WITH(Forecaster(small(),
                               [](const ForecastShape&) {
                                 return Sequential{input(3), dense(2)};
                               })
                        .fit(readings, quick(1)),
                    "forecaster: expected a network of 2 inputs and 1 output, got 1 and 1");
  CHECK_THROWS_AS(Forecaster({.windows = {.lags = 0}}), ConfigError);
}

TEST_CASE("readings of other sensors, or of the same in another order, are refused by name") {
  const Readings readings = waves(60);
  Forecaster learned(small(), ForecastNetwork{.hidden = {4}, .embedding = 2});
  learned.fit(readings, quick(1));
  learned.save("named_sensors.h5");
  const Forecaster loaded = load_forecaster("named_sensors.h5");
  const auto named = [&](std::vector<std::string> names) {
    Readings others = readings;
    others.sensors = std::move(names);
    return others;
  };
  const std::string begin = "forecaster: expected ";
  const std::pair<Readings, std::string> cases[] = {
      {named({"south", "north"}), begin +
                                      "\"north\" as sensor 0 (counted from 0), as in training, got \"south\"; they are "
                                      "the same sensors in another order"},
      {named({"north", "west"}), begin + "\"south\" as sensor 1 (counted from 0), as in training, got \"west\""},
      {named({"north", "north"}), begin + "\"south\" as sensor 1 (counted from 0), as in training, got \"north\""}};
  const ForecastWindowOptions& cut = learned.options().windows;
  for (const Forecaster* forecaster : {&std::as_const(learned), &loaded})
    for (const auto& [others, message] : cases) {
      CAPTURE(message);
      CHECK_THROWS_WITH(forecaster->predict(others), message);
      CHECK_THROWS_WITH(forecaster->windows(others), message);
      CHECK_THROWS_WITH(forecaster->forecast(others), message);
      CHECK_THROWS_WITH(forecaster->forecast(ForecastWindows(others, cut)), message);
      CHECK_THROWS_WITH(forecaster->samples(ForecastWindows(others, cut)), message);
      CHECK_THROWS_WITH(forecaster->compare({}, others), message);
      CHECK_THROWS_WITH(forecaster->compare({}, ForecastWindows(others, cut)), message);
      CHECK_THROWS_AS(forecaster->predict(others), DataError);
    }
  // Without names there is nothing to compare: neither made up by readings nor by training.
  const Matrix next = learned.predict(readings);
  CHECK(learned.predict(named({})) == next);
  CHECK(learned.predict(named(named({}).sensor_names())) == next);
  Forecaster unnamed(small(), ForecastNetwork{.hidden = {4}, .embedding = 2});
  unnamed.fit(named({}), quick(1));
  CHECK(unnamed.predict(named({"a", "b"})) == unnamed.predict(named({})));
}

TEST_CASE("readings in memory far beyond those of training are refused by name, unless it is said otherwise") {
  const Readings all = waves(300);
  Forecaster forecaster(small());
  forecaster.fit(all.part({0, 200}), quick(2));
  CHECK_NOTHROW(forecaster.forecast(all.part({200, 300})));

  Readings other = all.part({200, 210});
  other.values(7, 1) = 77;  // north has had such numbers, south from 16 to 24
  const auto refusal = [&](const Forecaster& asked, const Readings& readings) {
    std::string text = "none";
    try {
      asked.predict(readings);
    } catch (const DataError& error) {
      text = error.what();
    }
    CHECK_THROWS_AS(asked.forecast(readings), DataError);
    return text;
  };
  const std::string error = refusal(forecaster, other);
  CHECK_THAT(error, Catch::Matchers::StartsWith("forecaster: expected \"south\" from 14.0"));
  CHECK_THAT(error,
             Catch::Matchers::Contains("got 77 in row 7 (counted from 0); of its training out_of_range \"pass\""));
  // Windows that were made elsewhere are looked at, too; a file knows the ranges.
  CHECK_THROWS_AS(forecaster.forecast(ForecastWindows(other, forecaster.windows(all).options())), DataError);
  forecaster.save("ranges.h5");
  CHECK(refusal(load_forecaster("ranges.h5"), other) == error);
  CHECK(load_forecaster("ranges.h5").frame().range_of(1)->text() == forecaster.frame().range_of(1)->text());
  // What goes on learning is held against what it has learned.
  Readings later = all.part({200, 300});
  CHECK_NOTHROW(Forecaster(forecaster).fit_more(later));
  later.values(7, 1) = 77;
  CHECK_THROWS_WITH(Forecaster(forecaster).fit_more(later), Catch::Matchers::Contains("expected \"south\" from 14.0"));

  // Sensors that are scaled by the same figures are alike.
  ForecastOptions together = small();
  together.scale_each = false;
  Forecaster alike(together);
  alike.fit(all.part({0, 200}), quick(1));
  other.values(7, 1) = 65;
  CHECK_NOTHROW(alike.predict(other));
  other.values(7, 1) = 77;
  CHECK_THAT(refusal(alike, other), Catch::Matchers::Contains("of all columns alike"));
  alike.save("ranges.h5");
  CHECK(refusal(load_forecaster("ranges.h5"), other) == refusal(alike, other));

  // Other policies: as it is, or the nearest number of the sensor's training, to its last bit.
  ForecastFit fit = quick(2);
  fit.out_of_range = OutOfRange::pass;
  Forecaster passing(small());
  passing.fit(all.part({0, 200}), fit);
  CHECK_FALSE(passing.frame().ranges);
  CHECK_NOTHROW(passing.predict(other));
  fit.out_of_range = OutOfRange::clip;
  Forecaster clipping(small());
  clipping.fit(all.part({0, 200}), fit);
  clipping.save("ranges.h5");
  Readings highest = other;
  highest.values(7, 1) = static_cast<Scalar>(clipping.frame().range_of(1)->high);
  CHECK(clipping.predict(other) == clipping.predict(highest));
  Readings last = other, highest_last = highest;  // what changes are counted from
  last.values(9, 1) = 77;
  highest_last.values(9, 1) = highest.values(7, 1);
  CHECK(clipping.predict(last) == clipping.predict(highest_last));
  CHECK(load_forecaster("ranges.h5").predict(other) == clipping.predict(highest));
  CHECK(clipping.predict(other) != passing.predict(other));
  CHECK(clipping.forecast(other).truth.maxCoeff() == 77);  // scores are of what came

  // Of a validation share, too; and a margin may be chosen.
  Readings training = all.part({0, 200});
  training.values(195, 1) = 77;
  CHECK_THROWS_AS(Forecaster(small()).fit(training, quick(1)), DataError);
  fit = quick(1);
  fit.range_margin = 7;
  CHECK_NOTHROW(Forecaster(small()).fit(training, fit));
  fit.range_margin = -1;
  CHECK_THROWS_AS(Forecaster(small()).fit(training, fit), ConfigError);
}

TEST_CASE("a forecaster goes on learning, from its file, too: windows and scaling stay, what was said of it goes") {
  const Readings all = waves(600);
  const Readings first = all.part({0, 200}), later = all.part({200, 600});
  for (const SensorMode mode : {SensorMode::shared, SensorMode::joint}) {
    Forecaster forecaster(small(mode), ForecastNetwork{.hidden = {16}, .embedding = 2});
    forecaster.fit(first, quick(3));
    ConformalIntervals intervals;
    intervals.calibrate(forecaster.forecast(first));
    forecaster.set_intervals(intervals, AlarmOptions{.value = 45, .horizon = 2});
    forecaster.set_baselines(fit_baselines(forecaster.windows(first)));
    forecaster.save("first_part.h5");
    Forecaster onward = load_forecaster("first_part.h5");
    const ForecastFrame before = onward.frame();
    const History history = onward.fit_more(later, quick(20));
    CHECK(history.contains("val_loss"));
    CHECK(onward.frame().center == before.center);
    CHECK(onward.frame().scale == before.scale);
    CHECK(to_config(onward.options()) == to_config(before.options));
    CHECK(onward.sensors() == before.sensors);
    CHECK(onward.learned_readings() == 360);
    CHECK_FALSE(onward.intervals());
    CHECK_FALSE(onward.alarm());
    CHECK(onward.baselines().baselines.empty());
    const DriftReference reference = DriftReference::of(later.values.topRows(360), before.sensors);
    CHECK(onward.reference()->inputs[1].edges == reference.inputs[1].edges);
    CHECK(onward.reference()->inputs[1].edges != forecaster.reference()->inputs[1].edges);
    CHECK(onward.reference()->errors[0] < forecaster.reference()->errors[0]);
    // The network is what a fit by hand makes of it, bit for bit.
    Forecaster by_hand = load_forecaster("first_part.h5");
    const ForecastWindows windows = by_hand.windows(later);
    FitOptions fit = quick(20).fit;
    fit.validation_set = Dataset(by_hand.samples(windows.targets_from(360)));
    const ForecastSamples samples = by_hand.samples(windows.targets_before(360));
    by_hand.model().fit(Dataset(samples), fit);
    CHECK(onward.model().network().parameters().values() == by_hand.model().network().parameters().values());
    onward.save("second_part.h5");
    CHECK(load_forecaster("second_part.h5").predict(later) == onward.predict(later));
  }
}

TEST_CASE("a forecaster says what it needs to go on, and stays as it was where that fails") {
  const Readings readings = waves(120);
  Forecaster forecaster(small(), ForecastNetwork{.hidden = {4}, .embedding = 2});
  CHECK_THROWS_AS(forecaster.fit_more(readings, quick(1)), StateError);
  forecaster.fit(readings, quick(1));
  const Vector weights = forecaster.model().network().parameters().values();
  CHECK_THROWS_WITH(forecaster.fit_more(readings, quick(1, 2)),
                    "fit_more: expected one network, which is trained on, got 2");
  Readings others = readings;
  others.sensors = {"south", "north"};
  CHECK_THROWS_WITH(
      forecaster.fit_more(others, quick(1)),
      "forecaster: expected \"north\" as sensor 0 (counted from 0), as in training, got \"south\"; they are "
      "the same sensors in another order");
  CHECK_THROWS_AS(forecaster.fit_more(readings.part({0, 5}), quick(1)), DataError);
  ForecastFit failing = quick(3);
  failing.callbacks = [] {
    return std::vector<Callback>{LambdaCallback{.on_epoch_end = [](TrainingView& view) -> Signal {
      if (view.epoch == 1) throw StateError("stopped");
      return Signal::go_on;
    }}};
  };
  CHECK_THROWS_WITH(forecaster.fit_more(readings, failing), "stopped");
  CHECK(forecaster.model().network().parameters().values() == weights);
  CHECK(forecaster.learned_readings() == 108);

  Forecaster ensemble(small(), ForecastNetwork{.hidden = {4}, .embedding = 2});
  ensemble.fit(readings, quick(1, 2));
  CHECK_THROWS_WITH(ensemble.fit_more(readings, quick(1)),
                    "fit_more: expected a model that is compiled: call model().compile first");
  CHECK(ensemble.networks() == 2);
  ensemble.model().compile(quick(1).compile);
  ensemble.fit_more(readings, quick(2));
  REQUIRE(ensemble.networks() == 2);  // of what has gone on learning
  const Matrix one = ensemble.network(0).predict(readings), other = ensemble.network(1).predict(readings);
  CHECK((ensemble.predict(readings) - (one + other) / 2).cwiseAbs().maxCoeff() < 1e-4);
}

TEST_CASE("an ensemble is one network that gives the mean of its networks") {
  const Readings readings = waves(120);
  Forecaster forecaster(small(), ForecastNetwork{.hidden = {8}, .embedding = 3});
  CHECK(forecaster.fit(readings, quick(3, 3)).size() == 3);
  CHECK(forecaster.networks() == 3);
  const Matrix fused = forecaster.forecast(readings).values;
  Matrix mean = Matrix::Zero(fused.rows(), fused.cols());
  for (Index i = 0; i < 3; ++i) {
    const Forecaster one = forecaster.network(i);
    CHECK(one.networks() == 1);
    mean += one.forecast(readings).values / 3;
  }
  CHECK((fused - mean).cwiseAbs().maxCoeff() < Scalar(1e-4));
  CHECK_FALSE(forecaster.network(0).forecast(readings).values == forecaster.network(1).forecast(readings).values);
  const ScoreTable table = forecaster.compare({}, readings, {}, {1});
  CHECK(table.rows().size() == 5);
  CHECK(table.at("mean of 3 networks", 1).spread->mae > 0);
  CHECK(table.at("ensemble of 3", 1).scores.rmse <= table.at("mean of 3 networks", 1).scores.rmse);

  // The second network of an ensemble is the one that the next seed gives, at any number of threads.
  ForecastFit next = quick(3);
  next.fit.seed += 1;
  Forecaster alone(small(), ForecastNetwork{.hidden = {8}, .embedding = 3});
  const int before = threads();
  set_threads(1);
  alone.fit(readings, next);
  set_threads(before);
  CHECK(alone.forecast(readings).values == forecaster.network(1).forecast(readings).values);
}

TEST_CASE("a file of an ensemble gives each network back, and mean and spread as before") {
  const Readings readings = waves(120);
  // A layer that is called twice, moving statistics, and two inputs.
  const auto build = [](const ForecastShape& shape) {
    const Symbol features = input(shape.features), id = input(1);
    const Layer twice = dense(shape.features, relu);
    Symbol last = twice(twice(features));
    last = batch_normalization()(concatenate({last, flatten()(embedding(shape.ids, 2)(id))}));
    return Model({features, id}, {dense(shape.outputs)(last)});
  };
  for (const std::string path : {"three.h5", "three.keras"}) {
    Forecaster forecaster(small(), build);
    forecaster.fit(readings, quick(2, 3));
    forecaster.set_baselines(fit_baselines(forecaster.windows(readings)));
    forecaster.save(path);
    const Forecaster loaded = load_forecaster(path);
    REQUIRE(loaded.networks() == 3);
    CHECK(loaded.config() == forecaster.config());
    for (Index i = 0; i < 3; ++i) {
      const Forecaster before = forecaster.network(i), after = loaded.network(i);
      CHECK(after.networks() == 1);
      CHECK(after.frame().label == before.frame().label);
      CHECK(after.model().weight_names() == before.model().weight_names());
      CHECK(after.model().get_weights() == before.model().get_weights());
      CHECK(after.forecast(readings).values == before.forecast(readings).values);
    }
    CHECK_THROWS_AS(loaded.network(3), ConfigError);
    CHECK(loaded.compare(loaded.baselines().baselines, readings).text() ==
          forecaster.compare(forecaster.baselines().baselines, readings).text());
    loaded.save("again.h5");
    CHECK(load_forecaster("again.h5").networks() == 3);
    loaded.network(1).save("second.h5");
    const Forecaster second = load_forecaster("second.h5");
    CHECK(second.networks() == 1);
    CHECK(second.forecast(readings).values == forecaster.network(1).forecast(readings).values);
  }

  const Forecaster known = load_forecaster("three.h5");
  Model model = known.model();
  model.info().forecast = known.config();
  const auto refusal = [&](Config networks) {
    model.info().forecast->set("networks", std::move(networks));
    return refusal_of(model);
  };
  CHECK(refusal(3) == "accepted");
  CHECK(refusal(2) ==
        "damaged.h5: forecast of maas: networks: expected a network that is the average of 2, got another");
  CHECK(refusal(std::int64_t{1} << 40) ==
        "damaged.h5: forecast of maas: networks: expected from 1 to 1000, got 1099511627776");
  model.info().forecast->erase("networks");  // an older file
  CHECK(refusal_of(model) == "accepted");
  CHECK(load_forecaster("damaged.h5").networks() == 1);
  CHECK(load_forecaster("damaged.h5").compare({}, readings, {}, {1}).rows().size() == 1);
}

TEST_CASE("every network of an ensemble has callbacks of its own") {
  ForecastFit fit = quick(20, 2);
  int made = 0;
  fit.callbacks = [&] {
    ++made;
    return std::vector<Callback>{EarlyStopping{.patience = 1, .restore_best_weights = true}};
  };
  const int before = threads();
  set_threads(1);
  Forecaster(small()).fit(waves(80), fit);
  set_threads(before);
  CHECK(made == 2);
}

TEST_CASE("a forecaster comes back from its file, and gives the same bits") {
  const Readings readings = waves(120);
  for (const Index networks : {1, 3}) {
    Forecaster forecaster({.windows = {.lags = 4, .horizons = {1, 2}},
                           .time_of_day = true,
                           .scale_each = true,
                           .changes = true,
                           .unit = "km/h"},
                          ForecastNetwork{.hidden = {8}, .embedding = 3});
    forecaster.fit(readings, quick(2, networks));
    forecaster.save("road.h5");
    const Forecaster loaded = load_forecaster("road.h5");
    CHECK(loaded.config() == forecaster.config());
    CHECK(loaded.sensors() == std::vector<std::string>{"north", "south"});
    CHECK(loaded.options().unit == "km/h");
    CHECK(loaded.options().windows.seconds_a_reading == 300);
    CHECK(loaded.forecast(readings).values == forecaster.forecast(readings).values);
    CHECK(loaded.predict(readings) == forecaster.predict(readings));
    CHECK(loaded.forecast(readings).model == forecaster.forecast(readings).model);
    // As a plain model it answers on prepared samples.
    const std::vector<Matrix> inputs = loaded.samples(loaded.windows(readings)).inputs(0, 5);
    CHECK(load_model("road.h5").predict(inputs)[0] == forecaster.model().predict(inputs)[0]);
  }
}

TEST_CASE("files without a forecaster, or with a damaged one, are refused") {
  Model plain = Sequential{input(4), dense(2)};
  plain.save("plain.h5");
  CHECK_THROWS_WITH(load_forecaster("plain.h5"),
                    "plain.h5: expected a model that a Forecaster saved, got one without its description");
  Forecaster forecaster(small());
  forecaster.fit(waves(80), quick(1));
  const Config good = forecaster.config();
  const auto refusal = [&](const Config& config) {
    Model model = forecaster.model();
    model.info().forecast = config;
    return refusal_of(model);
  };
  CHECK(refusal(good) == "accepted");
  const auto with = [&](std::string_view key, Config value) { return Config(good).set(key, std::move(value)); };
  CHECK(refusal(with("scale", Config::List{1.0, 0.0}))
            .starts_with("damaged.h5: forecast of maas: expected a finite center and a scale above 0"));
  CHECK(refusal(with("center", Config::List{1.0})) ==
        "damaged.h5: forecast of maas: expected a center and a scale for each of 2 sensors, got 1 and 2");
  CHECK(refusal(with("sensors", Config::List{})).starts_with("damaged.h5: forecast of maas: expected a center"));
  CHECK(refusal(with("options", 3)).starts_with("damaged.h5: forecast of maas: "));
  const Config& ranges = good.at("ranges");
  const auto with_range = [&](std::string_view key, Config value) {
    return refusal(with("ranges", Config(ranges).set(key, std::move(value))));
  };
  CHECK(with_range("range_margin", 1.0) == "accepted");
  CHECK(
      with_range("range_margin", -1.0).starts_with("damaged.h5: forecast of maas: forecaster: expected a range_marg"));
  CHECK(with_range("low", Config::List{1.0}) ==
        "damaged.h5: forecast of maas: ranges: expected ends of 2 sensors and 0 known inputs, got 1 and 2");
  CHECK(with_range("low", Config::List{1.0, 1000.0}) ==
        "damaged.h5: forecast of maas: ranges: expected a low end and a high one in place 1, got what is no range");
  CHECK(with_range("low", Config::List{1.0, Config()}).ends_with("got what is no range"));
  CHECK(refusal(Config::List{}).starts_with("damaged.h5: forecast of maas: "));
  Config options = good.at("options");
  options.set("windows", Config(options.at("windows")).set("lags", std::int64_t{1} << 62));
  CHECK(refusal(with("options", options)) ==
        "damaged.h5: forecast of maas: forecast windows: expected lags from 1 to 1000000, got 4611686018427387904");
  options.set("windows", Config(options.at("windows")).set("lags", 5));
  CHECK(refusal(with("options", options)) ==
        "damaged.h5: forecast of maas: forecaster: expected a network that takes 5 numbers and gives 2, got 4 and 2");
}

TEST_CASE("what a program makes of a forecaster's frame and its network is what the forecaster answers") {
  const Readings readings = waves(120);
  for (const SensorMode mode : {SensorMode::shared, SensorMode::joint})
    for (const bool timed : {false, true}) {
      Forecaster forecaster({.windows = {.lags = 4, .horizons = {1, 2}},
                             .sensors = mode,
                             .time_of_day = timed,
                             .harmonics = 2,
                             .day_of_week = timed,
                             .scale_each = true,
                             .changes = timed},
                            ForecastNetwork{.hidden = {8}, .embedding = 3});
      forecaster.fit(readings, quick(1));
      const ForecastFrame& frame = forecaster.frame();
      const Matrix expected = forecaster.predict(readings), last = readings.values.bottomRows(4);
      const Network& network = forecaster.model().network();
      if (mode == SensorMode::joint) {
        const Matrix outputs = network.predict(frame.inputs(last, 0, readings.times.back()))[0];
        CHECK(frame.forecasts(outputs, last, 0) == expected);
        CHECK(frame.columns(0) == std::vector<Index>{0, 1, 2, 3});
        continue;
      }
      for (Index sensor = 0; sensor < 2; ++sensor) {
        const Matrix window = last.col(sensor);
        const Matrix outputs = network.predict(frame.inputs(window, sensor, readings.times.back()))[0];
        CHECK(frame.forecasts(outputs, window, sensor) == expected.col(sensor));
        CHECK(frame.columns(sensor) == std::vector<Index>{sensor, 2 + sensor});
      }
      CHECK_THROWS_AS(frame.inputs(last.col(0), 2, 0), ShapeError);
      CHECK_THROWS_AS(frame.inputs(last, 0, 0), ShapeError);
      CHECK_THROWS_AS(frame.forecasts(Matrix::Zero(1, 3), last.col(0), 0), ShapeError);
    }
}

TEST_CASE("intervals and an alarm are saved with a forecaster") {
  const Readings readings = waves(160);
  Forecaster forecaster(small());
  ConformalIntervals intervals({.coverage = 0.8, .rate = 0.02, .window = 30});
  CHECK_THROWS_AS(forecaster.set_intervals(intervals), StateError);
  forecaster.fit(readings.part({0, 120}), quick(1));
  CHECK_THROWS_AS(forecaster.set_intervals(intervals), StateError);
  intervals.calibrate(forecaster.forecast(readings.part({100, 140})));
  CHECK_THROWS_AS(forecaster.set_intervals(intervals, AlarmOptions{.horizon = 7}), ConfigError);
  const std::vector<Index> some = {0, 1};
  CHECK_THROWS_AS(forecaster.set_intervals(intervals.part(some)), ShapeError);
  CHECK_THROWS_WITH(forecaster.set_intervals(intervals, AlarmOptions{.values = {{"east", 3}}}),
                    "alarms: unknown sensor \"east\" in values: expected one of north, south");
  CHECK_FALSE(forecaster.intervals());
  forecaster.set_intervals(intervals,
                           AlarmOptions{.value = 42, .probability = 0.6, .horizon = 2, .values = {{"south", 18}}});
  for (const char* path : {"warned.h5", "warned.keras"}) {
    forecaster.save(path);
    const Forecaster loaded = load_forecaster(path);
    CHECK(loaded.config() == forecaster.config());
    REQUIRE(loaded.intervals());
    REQUIRE(loaded.alarm());
    CHECK(loaded.alarm()->value == 42);
    CHECK(loaded.alarm()->horizon == 2);
    CHECK(loaded.alarm()->value_of("south") == 18);
    CHECK(loaded.frame().alarm_values(0) == std::vector<double>{42});
    const Forecasts forecasts = forecaster.forecast(readings.part({120, 160}));
    ConformalIntervals again = *loaded.intervals(), first = intervals;
    CHECK(again.follow(forecasts).upper == first.follow(forecasts).upper);
    // A program that only passes the model on passes them on, too.
    load_model(path).save("passed.h5");
    CHECK(load_forecaster("passed.h5").intervals()->errors() == intervals.errors());
    CHECK_FALSE(loaded.naive_intervals());
    // And so does the forecaster.
    loaded.save("again.h5");
    CHECK(load_forecaster("again.h5").intervals()->errors() == intervals.errors());
  }
  // Naive ones beside an alarm, of more errors or of fewer.
  const AlarmOptions alarm{.value = 42};
  const Forecasts past = forecaster.forecast(readings.part({100, 140}));
  const ConformalIntervals all = ConformalIntervals().calibrate(past);
  CHECK_THROWS_AS(forecaster.set_intervals(intervals, std::nullopt, all), ConfigError);
  CHECK_THROWS_AS(forecaster.set_intervals(intervals, alarm, all.part(some)), ShapeError);
  CHECK_THROWS_AS(forecaster.set_intervals(intervals, alarm, ConformalIntervals()), StateError);
  CHECK_FALSE(forecaster.naive_intervals());
  CHECK(all.errors().rows() > intervals.errors().rows());
  for (const auto& [own, naive] : {std::pair(intervals, all), {all, intervals}})
    for (const char* path : {"naive.h5", "naive.keras"}) {
      Forecaster beside = forecaster;
      beside.set_intervals(own, alarm, naive);
      beside.save(path);
      const Forecaster loaded = load_forecaster(path);
      CHECK(loaded.config() == beside.config());
      REQUIRE(loaded.naive_intervals());
      CHECK(loaded.intervals()->errors() == own.errors());
      CHECK(loaded.naive_intervals()->errors() == naive.errors());
      CHECK(loaded.naive_intervals()->options().window == naive.options().window);
      CHECK_FALSE(loaded.network(0).naive_intervals());
    }
  Model model = forecaster.model();
  const auto refusal = [&](const Config& config, std::optional<Matrix> errors) {
    model.info().forecast = config;
    model.info().forecast_errors = std::move(errors);
    model.save("damaged.h5");
    try {
      load_forecaster("damaged.h5");
    } catch (const FormatError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  const Config good = forecaster.config();
  const Matrix errors = intervals.errors();
  CHECK(refusal(good, errors) == "accepted");
  CHECK(refusal(good, std::nullopt) ==
        "damaged.h5: forecast of maas: intervals: expected errors beside them, got none");
  CHECK(refusal(good, errors.leftCols(3)) ==
        "damaged.h5: forecast of maas: intervals: expected errors of 4 columns, one an alpha, got 3");
  Config wrong = good;
  wrong.set("alarm", Config(good.at("alarm")).set("probability", 3.0));
  CHECK(refusal(wrong, errors) == "damaged.h5: forecast of maas: alarms: expected a probability from 0 to 1, got 3");
  wrong = good;
  wrong.set("naive_intervals", intervals.config());
  Matrix twice(errors.rows(), 8);
  twice << errors, errors;
  CHECK(refusal(wrong, twice) == "accepted");
  CHECK(refusal(wrong, errors) ==
        "damaged.h5: forecast of maas: intervals: expected errors of 4 columns, one an alpha, got 2");
  CHECK(
      refusal(wrong, twice.leftCols(7)) ==
      "damaged.h5: forecast of maas: intervals: expected errors of as many columns again for naive intervals, got 7 in "
      "all");
  wrong.erase("alarm");
  CHECK(refusal(wrong, twice) ==
        "damaged.h5: forecast of maas: forecaster: expected naive intervals beside an alarm, got no alarm");
  wrong = good;
  wrong.erase("intervals");
  CHECK(refusal(wrong, errors).starts_with("damaged.h5: forecast of maas: forecaster: expected intervals"));
}

TEST_CASE("a forecaster keeps its baselines and what its readings were") {
  const Readings all = waves(400), test = all.part({300, 400});
  Forecaster forecaster(small(), ForecastNetwork{.hidden = {8}, .embedding = 2});
  CHECK_THROWS_AS(forecaster.set_baselines({}), StateError);
  CHECK_FALSE(forecaster.reference());
  forecaster.fit(all.part({0, 300}), quick(2));
  const ForecastWindows learned = forecaster.windows(all.part({0, 300})).targets_before(270);
  const std::vector<Baseline> fitted = fit_baselines(learned);
  forecaster.set_baselines(fitted);
  CHECK_THROWS_AS(forecaster.set_baselines({Baseline(Persistence{})}), StateError);
  const ForecastWindows others(all, {.lags = 7, .horizons = {1, 2}});
  CHECK_THROWS_AS(forecaster.set_baselines(fit_baselines(others)), ShapeError);
  CHECK(forecaster.baselines().baselines.size() == 4);

  for (const char* path : {"kept.h5", "kept.keras"}) {
    forecaster.save(path);
    load_model(path).save("passed.h5");  // a program that only passes the model on passes them on, too
    for (const char* file : {path, "passed.h5"}) {
      const Forecaster loaded = load_forecaster(file);
      CHECK(loaded.compare(loaded.baselines().baselines, test).text() == forecaster.compare(fitted, test).text());
      REQUIRE(loaded.reference());
      CHECK(loaded.reference()->config() == forecaster.reference()->config());
    }
  }
  // The reference is of the readings learned from, and of the errors on those held out, one reading ahead.
  const DriftReference& reference = *forecaster.reference();
  CHECK(reference.config().at("inputs") ==
        DriftReference::of(all.values.topRows(270), {"north", "south"}).config().at("inputs"));
  const Forecasts held_out = forecaster.forecast(forecaster.windows(all.part({0, 300})).targets_from(270));
  REQUIRE(reference.errors.size() == 2);
  CHECK(reference.errors[1] == Approx((held_out.truth.col(1) - held_out.values.col(1)).cwiseAbs().mean()));
  CHECK(forecaster.network(0).reference()->errors == reference.errors);

  // What a file says may be anything.
  Model model = load_model("kept.h5");
  const auto refusal = [&](const Config& baselines, const Config& known) {
    model.info().baselines = baselines;
    model.info().reference = known;
    return refusal_of(model);
  };
  const Config kept = forecaster.baselines().config(), known = reference.config();
  CHECK(refusal(kept, known) == "accepted");
  CHECK(refusal(3, known).find("damaged.h5: forecast of maas: ") == 0);
  Config::List weights{Config(Config::List(10, 1e40)), Config(Config::List(10, 1.0))};
  const Config huge = Config{}.set("rule", "linear autoregression").set("weights", weights);
  CHECK(refusal(Config{}.set("baselines", Config::List{huge}).set("left_out", Config::List{}), known) ==
        "damaged.h5: forecast of maas: baselines: linear autoregression: expected numbers from -1e30 to 1e30, got "
        "1e+40");
  CHECK(refusal(kept, DriftReference::of(Matrix::Random(20, 3)).config()) ==
        "damaged.h5: forecast of maas: reference: expected 2 inputs, got 3");
  CHECK(refusal(kept, Config(known).set("errors", Config::List{1.0})) ==
        "damaged.h5: forecast of maas: reference: expected 2 errors, got 1");
}
