#include "maas/forecast/cross_validate.hpp"

#include <cmath>
#include <memory>

#include "support/catch.hpp"

using namespace maas;

namespace {

constexpr double quarter_day = 21600;  // four readings a day

/// The squares of 0, 1, 2, ... at one sensor.
Readings squares(Index rows) {
  Readings readings{.values = Matrix(rows, 1), .sensors = {"a"}};
  for (Index row = 0; row < rows; ++row) {
    readings.values(row, 0) = static_cast<Scalar>(row * row);
    readings.times.push_back(quarter_day * static_cast<double>(row));
  }
  return readings;
}

Forecaster fold_forecaster() {
  return Forecaster({.windows = {.lags = 4, .horizons = {1, 2}}}, ForecastNetwork{.hidden = {4}, .embedding = 2});
}

ForecastFoldOptions fold_fit(double validation_share = 0) {
  ForecastFoldOptions options;
  options.fit.fit.epochs = 2;
  options.fit.validation_share = validation_share;
  options.fit.out_of_range = OutOfRange::pass;  // squares grow beyond all that was learned from
  return options;
}

const RollingOriginOptions two_origins = {.n_splits = 2, .test_size = 6, .gap = 3};

/// Forecasts 0, and notes how many readings each training had and which was the last target.
struct Spy {
  static constexpr std::string_view label = "spy";
  std::shared_ptr<std::vector<std::vector<Index>>> seen = std::make_shared<std::vector<std::vector<Index>>>();
  void fit(const ForecastWindows& training) {
    seen->push_back({training.readings().rows(), training.target_row(training.size() - 1, training.steps() - 1)});
  }
  Forecasts forecast(const ForecastWindows& windows) const {
    Forecasts result = empty_forecasts(std::string(label), windows);
    result.values.setZero();
    return result;
  }
};

/// Mean |mean of the training readings at that time of day - reading| over targets, by loops.
double average_error(Index training, Index first, Index end) {
  double error = 0;
  for (Index target = first; target < end; ++target) {
    double sum = 0, count = 0;
    for (Index row = target % 4; row < training; row += 4) sum += static_cast<double>(row * row), ++count;
    error += std::abs(sum / count - static_cast<double>(target * target));
  }
  return error / static_cast<double>(end - first);
}

}  // namespace

TEST_CASE("folds of a forecaster have the scores of the baselines that can be reckoned by hand") {
  // Of 40 readings: tests 28 to 33 and 34 to 39, training before 25 and before 31.
  const ForecastFoldScores scores = cross_validate(fold_forecaster, squares(40), two_origins, fold_fit());
  REQUIRE(scores.folds().size() == 2);
  const Index training[] = {25, 31}, test[] = {28, 34};
  for (std::size_t fold = 0; fold < 2; ++fold) {
    CAPTURE(fold);
    const Index c = test[fold], d = c + 6;
    const ScoreTable& table = scores.folds()[fold];
    // All targets of a window lie in the test: the nearest ones are c to d - 2, those after it c + 1 to d - 1. The
    // last reading is off by t^2 - (t - 1)^2 = 2t - 1, and by t^2 - (t - 2)^2 = 4t - 4; the means over t follow.
    CHECK(table.at("persistence", 1).scores.count == 5);
    CHECK(table.at("network", 2).scores.count == 5);
    CHECK(table.at("persistence", 1).scores.mae == Approx(c + d - 3));
    CHECK(table.at("persistence", 2).scores.mae == Approx(2 * c + 2 * d - 4));
    CHECK(table.at("historical average", 1).scores.mae == Approx(average_error(training[fold], c, d - 1)));
    CHECK(table.at("historical average", 2).scores.mae == Approx(average_error(training[fold], c + 1, d)));
  }
  const auto& row = scores.at("persistence", 1);
  CHECK(row.mean.mae == Approx((59 + 71) / 2.0));
  CHECK(row.sd.mae == Approx(12 / std::sqrt(2.0)));
  CHECK(row.mean.count == 10);
  CHECK(scores.figures("persistence", 2).at("mae") == std::vector<double>{120, 144});
  CHECK(scores.figures("network", 2).names() == std::vector<std::string>{"mae", "rmse", "mape", "smape", "r2"});
  const std::string text = scores.text();
  INFO(text);
  CHECK(text.starts_with("360 minutes ahead, 2 folds\n"));
  CHECK(text.find("persistence              65.000    8.485") != std::string::npos);
  CHECK(text.find("  59.000 71.000\n") != std::string::npos);
}

TEST_CASE("a fold of a forecaster is what a hand does with its readings, and the same bits again") {
  const Readings all = squares(60);
  const RollingOriginOptions origins = {.n_splits = 3, .test_size = 5, .max_train_size = 30, .gap = 2};
  const ForecastFoldOptions options = fold_fit(0.2);
  const ForecastFoldScores scores = cross_validate(fold_forecaster, all, origins, options);
  const std::vector<Fold> folds = rolling_origin(60, origins);
  for (std::size_t i = 0; i < folds.size(); ++i) {
    const Index begin = folds[i].train.rows.front(), end = folds[i].train.rows.back() + 1;
    const Index test = folds[i].test.rows.front();
    Forecaster forecaster = fold_forecaster();
    const Readings training = all.part({begin, end});
    forecaster.fit(training, options.fit);
    CHECK(forecaster.learned_readings() == 24);
    const auto baselines = fit_baselines(forecaster.windows(training.part({0, 24})));
    // The windows of the readings from four before the first origin on, which is the reading before the test.
    const ScoreTable table = forecaster.compare(baselines, all.part({test - 4, test + 5, true}));
    CHECK(scores.folds()[i].config() == table.config());
  }
  CHECK(cross_validate(fold_forecaster, all, folds, options).text() == scores.text());
}

TEST_CASE("nothing of a test is learned, nor of what comes after it") {
  Readings all = squares(40);
  const ForecastFoldScores before = cross_validate(fold_forecaster, all, two_origins, fold_fit());
  all.values.bottomRows(6).setConstant(Scalar(1e6));  // the second test
  const ForecastFoldScores after = cross_validate(fold_forecaster, all, two_origins, fold_fit());
  CHECK(before.folds()[0].config() == after.folds()[0].config());
  CHECK(before.folds()[1].at("network", 1).scores.mae != after.folds()[1].at("network", 1).scores.mae);

  const Spy spy;
  ForecastFoldOptions options = fold_fit(0.2);
  options.baselines = {spy, Persistence{}};
  const ForecastFoldScores scores = cross_validate(fold_forecaster, all, two_origins, options);
  CHECK(*spy.seen == std::vector<std::vector<Index>>{{25, 19}, {31, 24}});  // but for 5 and 6 readings of validation
  CHECK(scores.rows().size() == 6);
  CHECK(scores.rows()[0].model == "spy");
  CHECK(scores.at("spy", 1).mean.mae > 0);
}

TEST_CASE("an ensemble is scored network by network in each fold; horizons and averaging are as asked for") {
  ForecastFoldOptions options = fold_fit();
  options.fit.networks = 2;
  options.horizons = {2};
  options.scores.averaging = Averaging::up_to_horizon;
  const ForecastFoldScores scores = cross_validate(fold_forecaster, squares(40), two_origins, options);
  CHECK(scores.at("mean of 2 networks", 2).mean.mae > 0);
  CHECK(scores.at("persistence", 2).averaging == Averaging::up_to_horizon);
  CHECK(scores.at("persistence", 2).mean.count == 20);
  CHECK_THROWS_WITH(scores.at("persistence", 1),
                    Catch::Matchers::StartsWith("ForecastFoldScores: there is no \"persistence\" at horizon 1 in "
                                                "every fold; there are \"persistence\" at 2, "));
  CHECK_THROWS_AS(scores.figures("median", 2), ConfigError);
}

TEST_CASE("folds of raw rows learn their steps from training rows alone") {
  // A row that comes twice before the first test, one reading missing in it, and an outlier in the second test.
  std::vector<double> numbers, times;
  for (int row = 0; row < 40; ++row) {
    numbers.push_back(row == 30 ? std::nan("") : row * row);
    times.push_back(quarter_day * row);
    if (row == 10) numbers.push_back(numbers.back()), times.push_back(times.back());
  }
  const auto table_with = [&](double last) {
    std::vector<double> values = numbers;
    values.back() = last;
    Table table;
    table.add({.name = "time", .type = ColumnType::time, .numbers = times});
    table.add({.name = "a", .numbers = values});
    return table;
  };
  const ReadingsOptions steps = {.steps = {DropDuplicateRows{}, Impute{.fill = Fill::forward_fill}},
                                 .time = "time",
                                 .out_of_range = OutOfRange::pass};
  const std::vector<Fold> folds = rolling_origin(41, two_origins);
  const ForecastFoldScores scores = cross_validate(fold_forecaster, table_with(1521), steps, folds, fold_fit());
  // Tests of the rows 29 to 34 and 35 to 40, the readings 28 to 33 and 34 to 39: the reading 30 is that before it, so
  // the errors of persistence are 28^2 - 27^2, 29^2 - 28^2, 0, 31^2 - 29^2 and 32^2 - 31^2.
  CHECK(scores.folds()[0].at("persistence", 1).scores.mae == Approx((55 + 57 + 0 + 120 + 63) / 5.0));
  CHECK(scores.folds()[1].at("persistence", 1).scores.mae == Approx(71));
  const ForecastFoldScores planted = cross_validate(fold_forecaster, table_with(1e7), steps, folds, fold_fit());
  CHECK(planted.folds()[0].config() == scores.folds()[0].config());
  CHECK(planted.folds()[1].config() != scores.folds()[1].config());
}

TEST_CASE("a baseline that can learn nothing from a fold is left out and named") {
  // In the first fold's training there is never a reading of both sensors, which ridge VAR needs.
  const Readings one = squares(60);
  Readings both{.values = Matrix(60, 2), .times = one.times};
  both.values << one.values, one.values;
  both.values.block(0, 0, 10, 1).setConstant(std::numeric_limits<Scalar>::quiet_NaN());
  both.values.block(10, 1, 10, 1).setConstant(std::numeric_limits<Scalar>::quiet_NaN());
  const auto rows = [](Index begin, Index end) {
    RowList list;
    for (Index row = begin; row < end; ++row) list.rows.push_back(row);
    return list;
  };
  const std::vector<Fold> folds = {{rows(0, 20), rows(30, 40)}, {rows(20, 40), rows(50, 60)}};
  const ForecastFoldScores scores = cross_validate(fold_forecaster, both, folds, fold_fit());
  CHECK(scores.left_out() ==
        std::vector<std::string>{"fold 0: ridge VAR: expected windows without a missing reading, got none"});
  CHECK(scores.folds()[1].at("ridge VAR", 1).scores.count == 18);
  CHECK(scores.rows().size() == 8);  // four ways to forecast that both folds have
  CHECK_THROWS_AS(scores.at("ridge VAR", 1), ConfigError);
  CHECK(scores.text().ends_with("left out of " + scores.left_out()[0] + "\n"));
}

TEST_CASE("what is wrong with the folds of a forecaster is said, with the fold's number") {
  const Readings all = squares(40);
  const auto problem = [&](const std::vector<Fold>& folds) -> std::string {
    try {
      cross_validate(fold_forecaster, all, folds, fold_fit());
    } catch (const DataError& error) {
      return error.what();
    }
    return "accepted";
  };
  const RowList first = {.rows = {0, 1, 2, 3, 4, 5, 6, 7}}, later = {.rows = {10, 11, 12}};
  CHECK(problem({}) == "cross_validate: expected at least 1 fold, got none");
  CHECK(problem({{first, later}, {.train = first}}) ==
        "cross_validate: expected rows to train and to test in fold 1, got 8 and 0");
  CHECK(problem({{first, {.rows = {7, 8}}}}) ==
        "cross_validate: expected rows that train or test in fold 0, got row 7 in both");
  CHECK(problem({{.train = {.rows = {0, 1, 3}}, .test = later}}) ==
        "cross_validate: fold 0 (counted from 0): expected successive readings to learn from, as rolling_origin gives "
        "them, got 3 behind 1");
  CHECK(problem({{first, later}, {later, first}}) ==
        "cross_validate: fold 1 (counted from 0): expected a test behind what is learned from, got training to 12 and "
        "a test from 0 on");
  CHECK(problem({{.train = {.rows = {0, 1, 2}}, .test = later}})
            .starts_with("cross_validate: fold 0 (counted from 0): forecast windows: expected 6 readings on end"));
  CHECK(problem({{first, {.rows = {39}}}})
            .find("fold 0 (counted from 0): forecast windows: expected some with "
                  "targets from row 39 on") != std::string::npos);
  Readings held = all;
  held.held_out.set();
  CHECK_THROWS_AS(cross_validate(fold_forecaster, held, two_origins, fold_fit()), DataError);
  CHECK_THROWS_AS(cross_validate(fold_forecaster, all, {.n_splits = 1}, fold_fit()), ConfigError);
  CHECK_THROWS_AS(ForecastFoldScores({}), DataError);
  Forecaster learned = fold_forecaster();
  learned.fit(all);
  CHECK_THROWS_AS(cross_validate([&] { return learned; }, all, two_origins, fold_fit()), StateError);
}
