// No forecast is judged by readings that it has learned from.
#include "maas/forecast/forecaster.hpp"
#include "support/catch.hpp"

using namespace maas;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string refusal = "expected readings to judge by that it has not learned from, got ";

/// Of one sensor; from row `planted` on they are of another world.
Table rows_of(Index rows, Index planted) {
  Column flow{.name = "flow"}, time{.name = "time", .type = ColumnType::time};
  for (Index row = 0; row < rows; ++row) {
    flow.numbers.push_back(row < planted ? 50 + static_cast<double>(row % 12) : 1e6);
    time.numbers.push_back(300 * static_cast<double>(row));
  }
  Table table;
  table.add(std::move(flow));
  table.add(std::move(time));
  return table;
}

Forecaster unfitted() {
  return Forecaster({.windows = {.lags = 4, .horizons = {1, 2}}}, ForecastNetwork{.hidden = {4}});
}

ForecastFit provenance_fit(double validation_share = 0) {
  ForecastFit fit{.validation_share = validation_share, .out_of_range = OutOfRange::pass};
  fit.fit.epochs = 1;
  fit.fit.batch_size = 32;
  return fit;
}

Readings held_out(const Readings& readings, Index begin, Index end) {
  return readings.part({.begin = begin, .end = end, .held_out = true});
}

}  // namespace

TEST_CASE("a forecaster that has learned from a planted future is not judged by it") {
  const Readings all = readings_of(rows_of(200, 160), "time");
  Forecaster knows = unfitted(), fair = unfitted();
  knows.fit(all, provenance_fit());
  fair.fit(all.part({0, 160}), provenance_fit());
  CHECK(knows.config() != fair.config());  // it does know
  const Readings test = held_out(all, 160, 200);
  CHECK_THROWS_WITH(knows.forecast(test),
                    "forecaster: expected readings to judge by that it has not learned from, got 36 readings that are "
                    "held out for validation or test, of which 36, the first of them row 164 (counted from 0) of the "
                    "readings they were first in, it has learned from");
  CHECK_THROWS_WITH(knows.samples(knows.windows(test)), ContainsSubstring(refusal));
  CHECK_THROWS_WITH(knows.compare({}, test), ContainsSubstring(refusal));
  CHECK_THROWS_WITH(knows.network(0).forecast(test), ContainsSubstring(refusal));
  CHECK_NOTHROW(knows.forecast(all));  // how well it does in training may be asked
  CHECK_NOTHROW(fair.compare({}, test));
  // Readings that lead up to the test may have been learned from; what is forecast may not.
  CHECK_NOTHROW(fair.forecast(held_out(all, 156, 200)));
  CHECK_THROWS_WITH(fair.forecast(held_out(all, 155, 200)),
                    ContainsSubstring("of which 1, row 159 (counted from 0) of the readings"));
  CHECK_NOTHROW(fair.forecast(fair.windows(held_out(all, 100, 200)).targets_from(60)));
}

TEST_CASE("readings without a table are told apart, too, and a validation share may be judged by") {
  Readings all{.values = readings_of(rows_of(200, 160), "time").values};
  Forecaster forecaster = unfitted();
  forecaster.fit(all.part({0, 150}), provenance_fit(0.2));
  CHECK(forecaster.learned_readings() == 120);
  CHECK_THROWS_WITH(forecaster.forecast(held_out(all, 100, 140)), ContainsSubstring(refusal));
  CHECK_NOTHROW(forecaster.forecast(held_out(all, 120, 150)));
  CHECK_NOTHROW(forecaster.forecast(held_out(all, 150, 200)));
  Readings marked = all.part({0, 50});
  marked.held_out.set();
  CHECK_THROWS_WITH(forecaster.forecast(marked), ContainsSubstring(refusal));
  const Readings others{.values = all.values, .held_out = true};  // other readings, for all that is known
  CHECK_NOTHROW(forecaster.forecast(others));
  CHECK_THROWS_WITH(Forecaster(forecaster).forecast(marked), ContainsSubstring(refusal));
  forecaster.fit_more(all.part({150, 180}), provenance_fit());
  CHECK_THROWS_WITH(forecaster.forecast(held_out(all, 150, 200)), ContainsSubstring("of which 26, the first"));
  CHECK_THROWS_WITH(forecaster.forecast(held_out(all, 100, 140)), ContainsSubstring(refusal));  // as before
  CHECK_NOTHROW(forecaster.forecast(held_out(all, 180, 200)));
  forecaster.save("provenance.h5");
  CHECK_NOTHROW(load_forecaster("provenance.h5").forecast(held_out(all, 100, 140)));  // a file knows no rows
}

TEST_CASE("a forecaster of raw rows is not judged by those, nor by parts of a table that is told of its test later") {
  Table table = rows_of(200, 160);
  const ReadingsOptions with_steps{
      .steps = {ValidRange{.low = 0}, DropMissingRows{}, Impute{}}, .time = "time", .out_of_range = OutOfRange::pass};
  Forecaster knows = unfitted(), fair = unfitted();
  knows.fit(table, with_steps, provenance_fit(0.1));
  fair.fit(table.part(0, 160), with_steps, provenance_fit(0.1));
  const Table test = RowRange{.begin = 150, .end = 200, .held_out = true}.of(table);
  CHECK_THROWS_WITH(knows.readings(test), ContainsSubstring("Pipeline: expected rows to judge by"));
  const Readings by_other_means = readings_of(test, "time", {"flow"});
  CHECK_THROWS_WITH(knows.forecast(by_other_means), ContainsSubstring(refusal));
  CHECK_NOTHROW(fair.forecast(fair.readings(test)));
  split_by_time(table, 0, 0.25);
  CHECK_THROWS_WITH(knows.readings(table), ContainsSubstring("of which 30, the first of them row 150"));
  CHECK_THROWS_AS(knows.fit_more(table, provenance_fit()), DataError);
  // All rows at once: only those that are held out are to judge by.
  Forecaster learned = unfitted();
  learned.fit(table.part(0, 150), with_steps, provenance_fit(0.1));
  CHECK_NOTHROW(learned.forecast(learned.readings(table)));
}

TEST_CASE("baselines are not judged by readings that they have learned from") {
  const Readings all = readings_of(rows_of(200, 160), "time");
  const ForecastWindowOptions options{.lags = 4, .horizons = {1, 2}};
  const std::vector<Baseline> knows = fit_baselines(ForecastWindows(all, options)),
                              fair = fit_baselines(ForecastWindows(all.part({0, 160}), options));
  const ForecastWindows test(held_out(all, 160, 200), options);
  for (std::size_t i = 0; i < knows.size(); ++i) {
    CAPTURE(knows[i].name());
    CHECK_THROWS_WITH(knows[i].forecast(test), ContainsSubstring(std::string(knows[i].name()) + ": " + refusal));
    CHECK_NOTHROW(knows[i].forecast(ForecastWindows(all, options)));
    CHECK_NOTHROW(fair[i].forecast(test));
  }
  // Those kept with a forecaster know it as well; windows that were left out were not learned from.
  Forecaster forecaster = unfitted();
  forecaster.fit(all.part({0, 100}), provenance_fit());
  forecaster.set_baselines(knows);
  CHECK_THROWS_WITH(forecaster.compare(forecaster.baselines().baselines, held_out(all, 160, 200)),
                    ContainsSubstring(refusal));
  Baseline early = Persistence{};
  early.fit(ForecastWindows(all, options).targets_before(150));
  CHECK_NOTHROW(early.forecast(ForecastWindows(held_out(all, 146, 200), options)));
}
