#include "maas/forecast/scores.hpp"

#include <cmath>

#include "support/catch.hpp"
#include "support/gap.hpp"

using namespace maas;

namespace {

using tests::gap;

/// One sensor, three windows, two horizons.
Forecasts made() {
  Forecasts forecasts{.model = "made", .horizons = {1, 3}, .sensors = {"a"}, .origins = {0, 1, 2}};
  forecasts.values.resize(3, 2);
  forecasts.truth.resize(3, 2);
  forecasts.values << 2, 1, 4, 1, 1, 1;
  forecasts.truth << 1, 1, 4, 3, 0, 5;
  return forecasts;
}

}  // namespace

TEST_CASE("scores are those worked out by hand") {
  const Scores scores = score(made(), 1);  // forecasts 2, 4, 1 of 1, 4, 0
  CHECK(scores.mae == Approx(2.0 / 3));
  CHECK(scores.rmse == Approx(std::sqrt(2.0 / 3)));
  CHECK(scores.mape == Approx(50));  // without the reading of 0
  CHECK(scores.smape == Approx(100 * (2.0 / 3 + 0 + 2) / 3));
  CHECK(scores.r2 == Approx(1 - 2 / (26.0 / 3)));
  CHECK(scores.count == 3);
  CHECK(scores.missed == 0);
}

TEST_CASE("numbers alone have the same scores") {
  const std::vector<double> forecasts{2, 4, 1, NAN, 5}, truth{1, 4, 0, 3, NAN};
  const Scores scores = score(forecasts, truth);
  CHECK(scores.mae == Approx(2.0 / 3));
  CHECK(scores.rmse == Approx(std::sqrt(2.0 / 3)));
  CHECK(scores.r2 == Approx(1 - 2 / (26.0 / 3)));
  CHECK(scores.count == 3);
  CHECK(scores.missed == 1);
  CHECK(std::isnan(score(std::vector<double>{}, std::vector<double>{}).mae));
  CHECK_THROWS_AS(score(forecasts, std::vector<double>{1}), ShapeError);
}

TEST_CASE("the two ways of averaging differ, and are named") {
  CHECK(score(made(), 3).mae == Approx(2));
  CHECK(score(made(), 3).rmse == Approx(std::sqrt(20.0 / 3)));
  const Scores up_to = score(made(), 3, {.averaging = Averaging::up_to_horizon});
  CHECK(up_to.count == 6);
  CHECK(up_to.mae == Approx(8.0 / 6));
  CHECK(up_to.rmse == Approx(std::sqrt(22.0 / 6)));
  CHECK_THROWS_AS(score(made(), 2), ConfigError);
  CHECK_THROWS_AS(score(made(), 1, {.sensor = 1}), ConfigError);
  CHECK_THROWS_AS(score(made(), 1, {.sensor = -1}), ConfigError);
}

TEST_CASE("missing readings and null values do not count, missing forecasts are counted") {
  Forecasts forecasts = made();
  forecasts.truth(0, 0) = gap;
  CHECK(score(forecasts, 1).count == 2);
  CHECK(score(forecasts, 1).mae == Approx(0.5));
  CHECK(score(forecasts, 1, {.null_value = 0}).count == 1);
  CHECK(score(forecasts, 1, {.null_value = 0}).mae == 0);
  forecasts.values(1, 0) = gap;
  CHECK(score(forecasts, 1).count == 1);
  CHECK(score(forecasts, 1).missed == 1);
  forecasts.truth.setConstant(gap);
  const Scores nothing = score(forecasts, 1);
  CHECK(nothing.count == 0);
  CHECK(std::isnan(nothing.mae));
  CHECK(std::isnan(nothing.rmse));
  CHECK(std::isnan(nothing.mape));
  CHECK(std::isnan(nothing.smape));
  CHECK(std::isnan(nothing.r2));
  forecasts.truth.resize(3, 1);
  CHECK_THROWS_AS(score(forecasts, 1), ShapeError);
}

TEST_CASE("scores of blocks are those of all forecasts in one piece") {
  Forecasts all{.model = "wave", .horizons = {1, 2, 5}, .sensors = {"a", "b"}};
  all.values.resize(50, 6);
  all.truth.resize(50, 6);
  all.last = Matrix::Zero(50, 2);
  for (Index window = 0; window < 50; ++window) {
    all.origins.push_back(window);
    for (Index column = 0; column < 6; ++column) {
      all.truth(window, column) = static_cast<Scalar>((window * 7 + column * 5) % 11);
      all.values(window, column) = all.truth(window, column) + std::sin(static_cast<Scalar>(window * column));
    }
  }
  all.values(3, 2) = gap;
  all.truth(17, 4) = gap;
  ScoreOptions wanted[] = {{}, {.averaging = Averaging::up_to_horizon, .null_value = 0}, {.sensor = 1}};
  for (const ScoreOptions& options : wanted) {
    RunningScores running(options), some(options, {5});
    for (Index begin = 0; begin < 50; begin += 13) {
      running.add(all.part({begin, std::min<Index>(begin + 13, 50)}));
      some.add(all.part({begin, std::min<Index>(begin + 13, 50)}));
    }
    CHECK(running.horizons() == all.horizons);
    CHECK(some.horizons() == std::vector<Index>{5});
    ScoreTable whole, blocks;
    CHECK(blocks.add(running).csv() == whole.add(all, options).csv());
    CHECK(blocks.rows()[2].model == "wave");
    CHECK(some.at(5).rmse == whole.at("wave", 5).scores.rmse);
    CHECK_THROWS_AS(some.at(1), ConfigError);
    ScoreTable mean_of_blocks, mean;
    CHECK(mean_of_blocks.add_mean_of("mean", {running, running}).csv() ==
          mean.add_mean("mean", {all, all}, options).csv());
  }
  RunningScores running;
  CHECK(running.horizons().empty());
  running.add(all);
  const Scores before = running.at(1);
  Forecasts other = all;
  other.horizons = {1, 2, 6};
  CHECK_THROWS_AS(running.add(other), ConfigError);  // which has no horizon 5
  other = all;
  other.sensors = {"a"};
  other.values = all.values.leftCols(3);
  other.truth = all.truth.leftCols(3);
  CHECK_THROWS_AS(running.add(other), ShapeError);
  CHECK(running.at(1).count == before.count);
}

TEST_CASE("a sensor is scored alone") {
  Forecasts forecasts{.model = "two", .horizons = {1}, .sensors = {"a", "b"}, .origins = {0}};
  forecasts.values = Matrix::Constant(1, 2, 5);
  forecasts.truth.resize(1, 2);
  forecasts.truth << 4, 8;
  CHECK(score(forecasts, 1).mae == 2);
  CHECK(score(forecasts, 1, {.sensor = 0}).mae == 1);
  CHECK(score(forecasts, 1, {.sensor = 1}).mae == 3);
}

TEST_CASE("a table prints, and gives CSV and JSON") {
  Forecasts other = made();
  other.values.col(0).setConstant(2);  // MAE (1 + 2 + 2) / 3
  other.model = "other, \"quoted\"";
  ScoreTable table("mph", 300);
  table.add(made()).add(other, {}, {1}).add_mean("mean", {made(), other}, {}, {1});
  CHECK(table.rows().size() == 4);
  CHECK(table.at("made", 3).scores.mae == Approx(2));
  CHECK(table.at("mean", 1).scores.mae == Approx(7.0 / 6));
  CHECK(table.at("mean", 1).spread->mae == Approx(1));
  CHECK_THROWS_AS(table.at("mean", 3), ConfigError);
  CHECK_THROWS_AS(table.add_mean("nothing", {}), DataError);

  const std::string text = table.text();
  CHECK(text.find("5 minutes ahead, at the horizon; MAE and RMSE in mph\n") == 0);
  CHECK(text.find("15 minutes ahead, at the horizon") != std::string::npos);
  CHECK(text.find("0.667    0.816    50.00    88.89   0.7692         3\n") != std::string::npos);
  CHECK(text.find("spread 1.000") != std::string::npos);
  CHECK(ScoreTable()
            .add(made(), {.averaging = Averaging::up_to_horizon}, {3})
            .text()
            .find("3 readings ahead, mean over all steps up to the horizon\n") == 0);

  const std::string csv = table.csv();
  CHECK(csv.find("model,horizon,averaging,mae,rmse,mape,smape,r2,count,missed,mae_spread,rmse_spread\n") == 0);
  CHECK(csv.find("\nmade,3,at_horizon,2,") != std::string::npos);
  CHECK(csv.find("\n\"other, \"\"quoted\"\"\",1,at_horizon,1.6666666666666667,") != std::string::npos);

  const Config config = table.config();
  CHECK(config.as_list().size() == 4);
  CHECK(config.as_list()[0].at("mae").as_real() == Approx(2.0 / 3));
  CHECK(config.as_list()[3].at("mae_spread").as_real() == Approx(1));
  Forecasts empty = made();
  empty.truth.setConstant(gap);
  CHECK(ScoreTable().add(empty).config().as_list()[0].at("r2").is_null());
}
