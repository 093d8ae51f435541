// From raw records to answers: a table as it comes, what is odd about it, and a model that knows how to make it ready.
//
//   prepare               made-up records of a detector: times, weather, gaps, and a slip here and there
//
// What is learned from data to make it ready (means, ranges, categories) is learned from the training rows alone, is
// saved with the model, and is applied by it: whoever loads the file passes raw rows.
#include <fmt/core.h>

#include <cmath>
#include <cstdio>
#include <exception>
#include <maas/maas.hpp>
#include <string>
#include <vector>

using namespace maas;

namespace {

/// Readings of a detector with the weather beside them, as a person might have kept them.
Table records() {
  const Table road = make_traffic({.days = 28, .seed = 5});
  Table table;
  table.add(road.column("time"));
  table.add(road.column("flow"));
  table.add(road.column("speed"));
  Column weather{.name = "weather", .type = ColumnType::text};
  const char* const kinds[] = {"dry", "rain", "dry", "fog"};
  for (Index row = 0; row < road.rows(); ++row) weather.texts.emplace_back(kinds[row / 100 % 4]);
  weather.texts[10] = "dryy";  // the slips
  table.add(std::move(weather));
  table.edit("flow")[20] = -7;
  return table;
}

double mean_absolute_error(const Matrix& got, const Matrix& expected) {
  return static_cast<double>((got - expected).cwiseAbs().mean());
}

int run() {
  Table table = records();
  fmt::print("{}\n", report(table).text());
  // What the report named: a person decides what becomes of it.
  table.edit_texts("weather")[10] = "dry";
  table.edit("flow")[20] = std::nan("");

  // The flow of the next 5 minutes, out of the last readings, the time and the weather.
  // Readings that are missing are filled for the lags, but not learned as answers.
  Pipeline pipeline({.steps = {DropMissingRows{.columns = {"flow"}},
                               Impute{.columns = {"flow", "speed"}, .fill = Fill::forward_fill, .limit = 3},
                               Lag{.columns = {"flow"}, .lags = {1, 2, 3}}, Lag{.columns = {"speed"}}, TimeFeatures{},
                               OneHot{.columns = {"weather"}, .unseen = Unseen::ignore}, DropMissingRows{},
                               Standard{.columns = {"flow", "flow_lag_1", "flow_lag_2", "flow_lag_3", "speed_lag_1"}}},
                     .features = {"flow_lag_1", "flow_lag_2", "flow_lag_3", "speed_lag_1", "time", "weather"},
                     .targets = {"flow"},
                     .out_of_range = OutOfRange::clip});
  const TimeSplit split = split_by_time(table, 0, 0.25);  // the table knows its test rows
  const Table train = split.train.of(table), test = split.test.of(table);
  const PreparedSamples samples = pipeline.fit(train).samples(train);
  fmt::print("{} features of {} rows; {} rows are left out of training\n", samples.x.cols(), train.rows(),
             train.rows() - static_cast<Index>(samples.rows.size()));

  auto model = Sequential{input(samples.x.cols()), dense(32, relu), dense(1)};
  model.compile({.optimizer = Adam{.learning_rate = 0.003}, .loss = mean_squared_error});
  model.fit(samples.x, samples.y, {.epochs = 60, .batch_size = 64, .verbose = 0});
  model.info().pipeline = pipeline;
  model.save("prepared.h5");

  // Somebody else, later: raw rows in, vehicles out.
  const Model loaded = load_model("prepared.h5");
  const PreparedSamples known = pipeline.samples(test);  // where the answer is known, too
  const Matrix answers = loaded.predict(test), truth = test.matrix({"flow"});
  Matrix y(known.x.rows(), 1), flow(known.x.rows(), 1), before(known.x.rows(), 1);
  const Matrix filled = fill_forward(truth);
  for (Index i = 0; i < y.rows(); ++i) {
    const Index row = known.rows[static_cast<std::size_t>(i)];
    y(i, 0) = answers(row, 0), flow(i, 0) = filled(row, 0), before(i, 0) = filled(row - 1, 0);
  }
  const double error = mean_absolute_error(y, flow), persistence = mean_absolute_error(before, flow);
  fmt::print("Mean error on {} rows never seen: {:.2f} vehicles in 5 minutes; the last reading as it is: {:.2f}\n",
             y.rows(), error, persistence);
  if (std::isnan(answers(0, 0))) fmt::print("The first row has no answer: nothing is known of what was before it.\n");
  try {
    Table lacking = test;
    lacking.remove("weather");
    loaded.predict(lacking);
  } catch (const DataError& refusal) {
    fmt::print("{}\n", refusal.what());
  }
  return error < persistence ? 0 : 1;
}

}  // namespace

int main() {
  try {
    return run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
