// Drift: what comes to a version beside what it was trained on, told by /metrics and statistics.
#include "serve/drift.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <thread>

#include "maas/core/random.hpp"
#include "maas/serve/protocol.hpp"
#include "maas/serve/server.hpp"
#include "serve/asking.hpp"
#include "serve/models.hpp"
#include "support/catch.hpp"
#include "support/http_client.hpp"

using namespace maas;
using namespace maas::tests;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using serve::DriftCounts;
using serve::DriftRules;

namespace {

// The number of a line of metrics; NaN where there is no such line.
double metric(const std::string& page, const std::string& name) {
  const std::size_t at = ("\n" + page).find("\n" + name + " ");
  return at == std::string::npos ? std::nan("") : std::stod(page.substr(at + name.size() + 1));
}

std::size_t lines_with(const std::string& page, const std::string& start) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = page.find("\n" + start, at)) != std::string::npos; ++at) ++count;
  return count;
}

// ---- A model of raw rows: speed and kind ----

struct Row {
  double speed;
  bool is_truck;
};

Row row_at(std::uint64_t number, double shift) {
  const Random random(5);
  return {50 + shift + 10 * random.normal(2 * number), random.normal(2 * number + 1) > 1};
}

Table training() {
  Column speed{.name = "speed"}, kind{.name = "kind", .type = ColumnType::text}, next{.name = "next"};
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const Row row = row_at(1000000 + i, 0);
    speed.numbers.push_back(row.speed);
    kind.texts.emplace_back(row.is_truck ? "truck" : "car");
    next.numbers.push_back(row.speed / 2);
  }
  Table table;
  table.add(std::move(speed));
  table.add(std::move(kind));
  table.add(std::move(next));
  return table;
}

void save_model(const std::string& path) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  const Table table = training();
  Pipeline pipeline({.steps = {OneHot{.columns = {"kind"}}, Standard{.columns = {"speed"}}},
                     .targets = {"next"},
                     .out_of_range = OutOfRange::pass});
  const PreparedSamples samples = pipeline.fit(table).samples(table);
  Network network{input(Shape{samples.x.cols()}, "x"), dense(1).named("y")};
  write_keras(path, {.network = network,
                     .info = {.pipeline = pipeline,
                              .reference = DriftReference::of(samples.x, pipeline.feature_names()).config()}});
}

std::string rows_body(std::uint64_t begin, int count, double shift) {
  std::string body = R"({"instances": [)";
  for (int i = 0; i < count; ++i) {
    const Row row = row_at(begin + static_cast<std::uint64_t>(i), shift);
    body +=
        fmt::format(R"({}{{"speed": {}, "kind": "{}"}})", i == 0 ? "" : ",", row.speed, row.is_truck ? "truck" : "car");
  }
  return body + "]}";
}

}  // namespace

TEST_CASE("a server tells that inputs have shifted, and not while they have not; a new version begins anew") {
  fresh_folder("drifting");
  save_model("drifting/flow/1/model.h5");
  serve::Repository repository({.folder = "drifting", .poll = 10ms});
  serve::ServerOptions options;
  options.port = 0;
  serve::Server server(repository, options);
  HttpClient client(server.port());
  const auto metrics = [&] { return client.ask("GET", "/metrics").body; };
  const auto send = [&](std::uint64_t begin, double shift) {
    for (std::uint64_t i = 0; i < 20; ++i)
      CHECK(client.ask("POST", "/v1/models/flow:predict", rows_body(begin + 50 * i, 50, shift)).status == 200);
  };
  const std::string labels = R"({model="flow",version="1"})";
  CHECK(metric(metrics(), "maas_drift_inputs" + labels) == 0);
  CHECK(std::isnan(metric(metrics(), "maas_drift_psi_max" + labels)));  // not enough yet
  send(0, 0);
  const std::string before = metrics();
  CHECK(metric(before, "maas_drift_inputs" + labels) == 1000);
  CHECK(metric(before, "maas_drift_psi_max" + labels) < 0.1);
  CHECK(metric(before, "maas_drift_psi_mean" + labels) < 0.1);
  CHECK(lines_with(before, "maas_drift_psi{") == 3);

  send(1000, 15);  // one and a half deviations faster
  send(2000, 15);
  const std::string after = metrics();
  const double shifted = metric(after, R"(maas_drift_psi{model="flow",version="1",feature="speed"})");
  CHECK(shifted > 0.25);
  CHECK(metric(after, "maas_drift_psi_max" + labels) == shifted);
  CHECK(metric(after, "maas_drift_psi_mean" + labels) < shifted);
  CHECK(metric(after, R"(maas_drift_psi{model="flow",version="1",feature="kind_truck"})") < 0.1);
  const std::string stats = client.ask("GET", "/v2/models/flow/stats").body;
  CHECK_THAT(stats, ContainsSubstring(R"(],"drift":{"inputs":3000,"psi_max":)") &&
                        ContainsSubstring(R"("psi":[{"name":"speed","value":)"));
  CHECK(stats.ends_with("}]}}]}"));

  save_model("drifting/flow/2/model.h5");
  const std::string renewed = R"({model="flow",version="2"})";
  for (int i = 0; i < 1000 && std::isnan(metric(metrics(), "maas_drift_inputs" + renewed)); ++i)
    std::this_thread::sleep_for(5ms);
  CHECK(metric(metrics(), "maas_drift_inputs" + renewed) == 0);
  send(3000, 0);
  CHECK(metric(metrics(), "maas_drift_psi_max" + renewed) < 0.1);
}

TEST_CASE("rows are counted once, whichever way they come, and those with something missing are not") {
  fresh_folder("counted");
  save_model("counted/flow/1/model.h5");
  serve::Repository repository({.folder = "counted", .poll = 10ms});
  serve::Protocol protocol(repository, {});
  const auto ask = [&](const char* path, const char* body) { CHECK(protocol.answer(post(path, body)).status == 200); };
  const auto counted = [&] {
    return metric(protocol.answer(get("/metrics")).body, R"(maas_drift_inputs{model="flow",version="1"})");
  };
  ask("/v1/models/flow:predict", R"({"instances": [{"speed": 50, "kind": "car"}, {"speed": null, "kind": "car"}]})");
  CHECK(counted() == 1);
  ask("/v1/models/flow:predict", R"({"instances": [[0, 0, 1], [0, 1, 0]]})");
  CHECK(counted() == 3);
  ask("/v2/models/flow/infer",
      R"({"inputs": [{"name": "x", "shape": [2, 3], "datatype": "FP32", "data": [0, 0, 1, NaN, 1, 0]}]})");
  CHECK(counted() == 5);  // of the inputs that are there
  // Together with others, too.
  const serve::Request request = post("/v1/models/flow:predict", R"({"instances": [[0, 0, 1]]})");
  const std::vector<const serve::Request*> both{&request, &request};
  CHECK(protocol.answer_together(both)[1].status == 200);
  CHECK(counted() == 7);
  CHECK(protocol.answer(post("/v1/models/flow:predict", R"({"instances": [[0, 0]]})")).status == 400);
  CHECK(counted() == 7);
  repository.publish("plain", 1, affine());
  CHECK(protocol.answer(get("/metrics")).body.find("maas_drift_inputs{model=\"plain\"") == std::string::npos);
  CHECK(protocol.answer(get("/v2/models/plain/stats")).body.find("drift") == std::string::npos);
}

TEST_CASE("a reference that does not fit its network keeps a version from going live, by name") {
  fresh_folder("misfit");
  std::filesystem::create_directories("misfit/m/1");
  std::filesystem::create_directories("misfit/n/1");
  write_keras("misfit/m/1/model.h5",
              {.network = affine(), .info = {.reference = DriftReference::of(Matrix::Random(20, 3)).config()}});
  write_keras("misfit/n/1/model.h5", {.network = affine(), .info = {.reference = Config("all")}});
  serve::Repository repository({.folder = "misfit", .poll = 10ms});
  CHECK_THAT(repository.status("m").at(0).error, ContainsSubstring("reference: expected 2 inputs, got 3"));
  CHECK_THAT(repository.status("n").at(0).error, ContainsSubstring("misfit/n/1/model.h5: reference of maas: "));
}

// ---- Counts ----

TEST_CASE("counts are those worked out by hand, of the last one or two generations") {
  Matrix bits(20, 1);
  for (Index row = 0; row < 20; ++row) bits(row, 0) = row < 10 ? 0 : 1;
  DriftCounts counts(DriftReference::of(bits, {"bit"}), {.generation = 100, .least = 50});
  const auto tell = [&](Index rows, Scalar number) { counts.count_rows(Matrix::Constant(rows, 1, number)); };
  CHECK(counts.figures(5).counted == 0);
  CHECK(std::isnan(counts.figures(5).psi_max));
  tell(49, 1);
  CHECK(std::isnan(counts.figures(5).psi_max));
  tell(1, std::numeric_limits<Scalar>::quiet_NaN());
  tell(51, 0);
  // 49 ones of 100, and half in training.
  CHECK(counts.figures(5).psi_max == Approx(0.01 * std::log(0.51 / 0.5) - 0.01 * std::log(0.49 / 0.5)));
  tell(100, 0);  // 49 of 200
  CHECK(counts.figures(5).counted == 200);
  const double share = 49.0 / 200;
  CHECK(counts.figures(5).psi_max ==
        Approx((1 - share - 0.5) * std::log((1 - share) / 0.5) + (share - 0.5) * std::log(share / 0.5)));
  tell(1, 1);  // the first hundred is forgotten
  CHECK(counts.figures(5).counted == 101);
  counts.count_rows(Matrix::Zero(3, 2));  // of another width: nothing
  CHECK(counts.figures(5).counted == 101);
  counts.count_rows(Matrix::Zero(3, 1), {true, false, true});
  CHECK(counts.figures(5).counted == 102);
}

TEST_CASE("of wide inputs every k-th row is counted, whatever the batches, and only the worst have names") {
  const Index width = 100;  // 7 times 16: every seventh row
  Matrix rows(500, width);
  const Random random(4);
  for (Index i = 0; i < rows.size(); ++i)
    rows.data()[i] = static_cast<Scalar>(random.normal(static_cast<std::uint64_t>(i)));
  DriftCounts counts(DriftReference::of(rows), DriftRules());
  Matrix shifted = rows;
  shifted.col(42).array() += 3;
  for (int round = 0; round < 14; ++round)
    for (Index row = 0; row + 7 <= 500; row += 7) counts.count_rows(shifted.middleRows(row, 7));
  const DriftCounts::Figures figures = counts.figures(10);
  CHECK(figures.counted == Approx(14 * 497 / 7.0).epsilon(0.1));
  REQUIRE(figures.worst_inputs.size() == 10);
  CHECK(figures.worst_inputs[0].first == "42");
  CHECK(figures.worst_inputs[0].second > 1);
  CHECK(figures.worst_inputs[1].second < 0.2);
  CHECK(figures.psi_mean < 0.1);
}

TEST_CASE("errors are told by what is usual of their sensor") {
  DriftReference reference = DriftReference::of(Matrix::Random(20, 3), {"a", "b", "c"});
  CHECK_FALSE(DriftCounts(reference, {}).watches_errors());
  reference.errors = {2, 0.5, 0};
  DriftCounts counts(reference, {});
  CHECK(counts.watches_errors());
  CHECK(std::isnan(counts.figures(5).error_ratio));
  counts.tell_error(0, 2);
  counts.tell_error(1, 1);
  counts.tell_error(2, 7);  // it is not known what is usual of it
  counts.tell_error(3, 7);
  counts.tell_error(0, std::nan(""));
  counts.tell_error(1, 1e308);  // no number any more, by what is usual
  CHECK(counts.figures(5).errors == 2);
  CHECK(counts.figures(5).error_ratio == Approx(1.5));  // 1 and 2
  for (int i = 0; i < 200; ++i) counts.tell_error(0, i % 2 == 0 ? 1 : 3);
  CHECK(counts.figures(5).drifted == 0);
  for (int i = 0; i < 200; ++i) counts.tell_error(1, 0.5);
  for (int i = 0; i < 200; ++i) counts.tell_error(1, 1.5);
  const DriftCounts::Figures figures = counts.figures(1);
  CHECK(figures.drifted == 1);
  CHECK(figures.test_max > 100);
  REQUIRE(figures.worst_sensors.size() == 1);
  CHECK(figures.worst_sensors[0] == std::pair(std::string("b"), figures.test_max));
}

TEST_CASE("many threads may count at once; none of them waits") {
  Matrix bits(20, 1);
  for (Index row = 0; row < 20; ++row) bits(row, 0) = static_cast<Scalar>(row % 2);
  DriftCounts counts(DriftReference::of(bits), {.generation = 1000000, .least = 1});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 2000; ++round) {
        counts.count_rows(bits);
        if (round % 100 == 0) (void)counts.figures(3);
      }
    });
  for (std::thread& thread : threads) thread.join();
  const DriftCounts::Figures figures = counts.figures(3);
  CHECK(figures.counted <= 4 * 2000 * 20);
  CHECK(figures.counted % 20 == 0);  // a run is counted whole or not at all
  CHECK(figures.psi_max == 0);
}

TEST_CASE("of readings there is an index after a day of them") {
  const DriftRules rules = DriftRules::of_readings(300);
  CHECK(rules.least == 288);
  CHECK(rules.generation == 576);
  CHECK(DriftRules::of_readings(3600).least == 200);
  CHECK(DriftRules::of_readings(1e-9).least == 100000);
  for (double seconds : {0.0, -1.0, std::nan("")}) CHECK(DriftRules::of_readings(seconds).generation == 5000);
}

// ---- Streams ----

namespace {

// A random walk that is drawn back, about 50; the same every time.
std::vector<double> walk(std::uint64_t seed, int count) {
  const Random random(seed);
  std::vector<double> all;
  double now = 50;
  for (int i = 0; i < count; ++i)
    all.push_back(now += (50 - now) / 2 + 2 * random.normal(static_cast<std::uint64_t>(i)));
  return all;
}

Forecaster walker(bool with_intervals) {
  const std::vector<double> all = walk(1, 1500);
  Readings readings{.values = Matrix(1500, 1), .sensors = {"north"}};
  for (Index row = 0; row < 1500; ++row)
    readings.values(row, 0) = static_cast<Scalar>(all[static_cast<std::size_t>(row)]);
  for (Index row = 0; row < 1500; ++row) readings.times.push_back(300.0 * static_cast<double>(row));
  Forecaster forecaster({.windows = {.lags = 2, .horizons = {1, 2}}}, ForecastNetwork{.hidden = {}});
  ForecastFit fit;
  fit.compile.optimizer = Adam{.learning_rate = 0.02};
  fit.fit.epochs = 10;
  fit.fit.verbose = 0;
  fit.out_of_range = OutOfRange::pass;  // what is beyond is to be counted
  forecaster.fit(readings, fit);
  if (with_intervals) {
    ConformalIntervals intervals;
    intervals.calibrate(forecaster.forecast(readings));
    forecaster.set_intervals(intervals);
  }
  return forecaster;
}

}  // namespace

TEST_CASE("streams tell of readings that shift and of errors that grow, with intervals and without") {
  for (const bool with_intervals : {false, true}) {
    CAPTURE(with_intervals);
    fresh_folder("walks");
    std::filesystem::create_directories("walks/road/1");
    walker(with_intervals).save("walks/road/1/model.h5");
    serve::Repository repository({.folder = "walks", .poll = 10ms});
    serve::Protocol protocol(repository, {});
    double time = 0;
    const auto push = [&](double sample) {
      const serve::Response response = protocol.answer(
          post("/v1/streams/road/any", fmt::format(R"({{"sample": {}, "time": {}}})", sample, time += 300)));
      CHECK(response.status == 200);
      return response.body;
    };
    const auto now = [&](const char* name) {
      return metric(protocol.answer(get("/metrics")).body, fmt::format("{}{{model=\"road\",version=\"1\"}}", name));
    };
    for (double reading : walk(2, 500)) push(reading);
    CHECK(now("maas_drift_inputs") == 500);
    CHECK(now("maas_drift_psi_max") < 0.1);
    CHECK(now("maas_drift_errors_total") == 498);  // the first two had no forecast before them
    CHECK(now("maas_drift_error_ratio") == Approx(1).epsilon(0.2));
    CHECK(now("maas_drift_sensors_drifted") == 0);
    push(50);
    protocol.answer(
        post("/v1/streams/road/any", fmt::format(R"({{"sample": 1000, "time": {}}})", time)));  // the same call again
    CHECK(now("maas_drift_errors_total") == 499);

    const std::vector<double> later = walk(3, 400);
    for (std::size_t i = 0; i < later.size(); ++i) push(later[i] + (i % 2 == 0 ? 12 : 0));
    CHECK(now("maas_drift_psi_max") > 0.25);
    CHECK(now("maas_drift_error_ratio") > 1.5);
    CHECK(now("maas_drift_sensors_drifted") == 1);
    CHECK(now("maas_drift_page_hinkley_max") > 100);
    const std::string page = protocol.answer(get("/metrics")).body;
    CHECK_THAT(page, ContainsSubstring(R"(maas_drift_page_hinkley{model="road",version="1",sensor="north"})"));
    CHECK((page.find("maas_stream_truths_total{") != std::string::npos) == with_intervals);
    CHECK_THAT(protocol.answer(get("/v2/models/road/stats")).body,
               ContainsSubstring(R"("sensors_drifted":1,"error_ratio":)"));
    CHECK((push(50).find("\"interval\"") != std::string::npos) == with_intervals);

    // Another version of the same forecaster counts its own.
    std::filesystem::create_directories("walks/road/2");
    std::filesystem::copy_file("walks/road/1/model.h5", "walks/road/2/model.h5");
    for (int i = 0; i < 1000 && repository.find("road")->version != 2; ++i) std::this_thread::sleep_for(5ms);
    push(50);
    push(51);
    const std::string renewed = protocol.answer(get("/metrics")).body;
    CHECK(metric(renewed, R"(maas_drift_inputs{model="road",version="2"})") == 2);
    CHECK(metric(renewed, R"(maas_drift_errors_total{model="road",version="2"})") == 2);
    CHECK(std::isnan(metric(renewed, R"(maas_drift_psi_max{model="road",version="2"})")));
  }
}

namespace {

// Two sensors, whose readings are whole numbers: edges of the reference's bins lie on them.
Forecaster pair_of(SensorMode mode) {
  const std::vector<double> a = walk(4, 1500), b = walk(5, 1500);
  Readings readings{.values = Matrix(1500, 2), .sensors = {"north", "south"}};
  for (Index row = 0; row < 1500; ++row) {
    readings.values(row, 0) = static_cast<Scalar>(std::round(a[static_cast<std::size_t>(row)]));
    readings.values(row, 1) = static_cast<Scalar>(std::round(10 * b[static_cast<std::size_t>(row)]));
    readings.times.push_back(300.0 * static_cast<double>(row));
  }
  Forecaster forecaster({.windows = {.lags = 3, .horizons = {1}}, .sensors = mode, .scale_each = true},
                        ForecastNetwork{.hidden = {}});
  ForecastFit fit;
  fit.fit.epochs = 1;
  fit.fit.verbose = 0;
  fit.out_of_range = OutOfRange::pass;  // what is beyond is to be counted
  forecaster.fit(readings, fit);
  return forecaster;
}

}  // namespace

TEST_CASE("windows that a forecaster is asked about directly are watched by their newest reading, each in its bin") {
  for (const SensorMode mode : {SensorMode::shared, SensorMode::joint}) {
    CAPTURE(static_cast<int>(mode));
    const Forecaster forecaster = pair_of(mode);
    const ForecastFrame& frame = forecaster.frame();
    DriftCounts asked(*forecaster.reference(), {.generation = 10000, .least = 50});
    DriftCounts streamed(*forecaster.reference(), {.generation = 10000, .least = 50});
    const Index width = frame.is_joint() ? 2 : 1;
    for (int i = 0; i < 300; ++i) {
      Matrix window(3, width);
      for (Index row = 0; row < 3; ++row)
        for (Index each = 0; each < width; ++each)
          window(row, each) = static_cast<Scalar>((each == 0 ? 44 : 440) + (i * 7 + static_cast<int>(row)) % 13);
      const Matrix newest = window.bottomRows(1);
      asked.count_windows(frame, frame.inputs(window, 0, 0));
      streamed.count_readings(0, width, {newest.data(), static_cast<std::size_t>(width)});
    }
    CHECK(asked.figures(2).counted == 300);
    CHECK(asked.figures(2).psi_max == streamed.figures(2).psi_max);  // the same bins
    CHECK(asked.figures(2).worst_inputs == streamed.figures(2).worst_inputs);
    CHECK(asked.figures(2).worst_inputs.size() == static_cast<std::size_t>(width));
  }
}

TEST_CASE(":predict of a forecaster tells that readings have shifted, of the sensors that it names") {
  fresh_folder("asked_walks");
  std::filesystem::create_directories("asked_walks/road/1");
  pair_of(SensorMode::shared).save("asked_walks/road/1/model.h5");
  serve::Repository repository({.folder = "asked_walks", .poll = 10ms});
  serve::Protocol protocol(repository, {});
  const auto servable = repository.find("road");
  const ForecastFrame& frame = *servable->forecast;
  const auto ask = [&](double reading, Scalar sensor) {
    const Matrix window = Matrix::Constant(3, 1, static_cast<Scalar>(reading));
    const Matrix features = frame.inputs(window, 1, 0)[0];
    std::string numbers;
    for (Index i = 0; i < features.size(); ++i) numbers += fmt::format("{}{}", i == 0 ? "" : ",", features.data()[i]);
    const serve::Response response = protocol.answer(post(
        "/v1/models/road:predict", fmt::format(R"({{"inputs": {{"{}": [[{}]], "{}": [[{}]]}}}})",
                                               servable->inputs[0].name, numbers, servable->inputs[1].name, sensor)));
    INFO(response.body);
    CHECK(response.status == 200);
  };
  for (double reading : walk(6, 400)) ask(std::round(10 * reading) + 60, 1);
  const std::string page = protocol.answer(get("/metrics")).body;
  CHECK(metric(page, R"(maas_drift_inputs{model="road",version="1"})") == 400);
  CHECK(metric(page, R"(maas_drift_psi{model="road",version="1",feature="south"})") > 0.25);
  CHECK(lines_with(page, R"(maas_drift_psi{model="road",version="1",feature="north"})") == 0);  // nothing of it
}

TEST_CASE("a canary's readings are counted, too: those it forecasts from") {
  fresh_folder("canary_walks");
  for (const char* version : {"1", "2"}) {
    std::filesystem::create_directories(fmt::format("canary_walks/road/{}", version));
    walker(false).save(fmt::format("canary_walks/road/{}/model.h5", version));
  }
  serve::ModelSettings settings;
  settings.canary = serve::Canary{2, 0.5};
  serve::Repository repository({.folder = "canary_walks", .poll = 10ms, .models = {{"road", settings}}});
  serve::Protocol protocol(repository, {});
  for (int i = 0; i < 20; ++i) CHECK(protocol.answer(post("/v1/streams/road/a", R"({"sample": 50})")).status == 200);
  const std::string page = protocol.answer(get("/metrics")).body;
  CHECK(metric(page, R"(maas_drift_inputs{model="road",version="1"})") == 10);
  // Each second sample is the canary's; the first one found no whole window yet.
  CHECK(metric(page, R"(maas_drift_inputs{model="road",version="2"})") == 10);
}

TEST_CASE("errors of a canary are its own: its forecasts are held against what comes, whoever is asked then") {
  const bool is_alike = GENERATE(true, false);
  CAPTURE(is_alike);
  fresh_folder("erring_walks");
  for (const int version : {1, 2}) {
    std::filesystem::create_directories(fmt::format("erring_walks/road/{}", version));
    walker(version == 2 && !is_alike).save(fmt::format("erring_walks/road/{}/model.h5", version));
  }
  serve::ModelSettings settings;
  settings.canary = serve::Canary{2, 0.5};
  serve::Repository repository({.folder = "erring_walks", .poll = 10ms, .models = {{"road", settings}}});
  serve::Protocol protocol(repository, {});
  double time = 0;
  const auto push = [&](std::string_view version, double sample) {
    const serve::Response response = protocol.answer(
        post("/v1/streams/road/a", fmt::format(R"({{"sample": {}, "time": {}}})", sample, time += 300)));
    CHECK_THAT(response.body, ContainsSubstring(fmt::format(R"("version":{})", version)));
  };
  const auto errors = [&](int version) { return repository.find("road", version)->drift->figures(1).errors; };
  CHECK(protocol.answer(post("/v1/streams/road/a", R"({"sample": 50, "time": 0})")).status == 200);
  for (int i = 0; i < 10; ++i) {  // the canary's turn is each second one
    push("2", 50);
    push("1", 50);
  }
  CHECK(errors(1) == 9);  // the truth of the last has not come
  CHECK(errors(2) == 10);
  const double usual = repository.find("road", 2)->drift->figures(1).error_ratio;
  push("2", 50);
  push("1", 1000);  // what the canary has not foreseen
  CHECK(errors(1) == 10);
  CHECK(errors(2) == 11);
  CHECK(repository.find("road", 2)->drift->figures(1).error_ratio > 3 * usual);
  CHECK(repository.find("road", 1)->drift->figures(1).error_ratio < 3 * usual);
}

TEST_CASE("what was counted for drift is there after a restart, unless the reference is another") {
  const auto folder_with = [](const char* folder) {
    fresh_folder(folder);
    save_model(std::string(folder) + "/flow/1/model.h5");
    std::filesystem::create_directories(std::string(folder) + "/road/1");
    walker(false).save(std::string(folder) + "/road/1/model.h5");
  };
  folder_with("restarted");
  std::filesystem::remove("drift.jsonl");
  const auto figures = [](const serve::Repository& repository, const char* model) {
    return repository.find(model)->drift->figures(3);
  };
  const auto push = [](serve::Protocol& protocol, double sample) {
    const std::string body = fmt::format(R"({{"sample": {}}})", sample);
    CHECK(protocol.answer(post("/v1/streams/road/a", body)).status == 200);
  };
  DriftCounts::Figures flow, road;
  {
    serve::Repository repository({.folder = "restarted", .poll = 10ms});
    serve::Protocol protocol(repository, {.stream_save = 0ms, .drift_file = "drift.jsonl"});
    for (std::uint64_t i = 0; i < 6; ++i)
      CHECK(protocol.answer(post("/v1/models/flow:predict", rows_body(1000 * i, 1000, 10))).status == 200);
    for (double reading : walk(2, 300)) push(protocol, reading);
    flow = figures(repository, "flow");
    road = figures(repository, "road");
  }
  CHECK(flow.counted == 6000);  // in both generations
  CHECK(road.errors == 298);
  {
    serve::Repository repository({.folder = "restarted", .poll = 10ms});
    CHECK(figures(repository, "flow").counted == 0);
    serve::Protocol protocol(repository, {.stream_save = 0ms, .drift_file = "drift.jsonl"});
    const DriftCounts::Figures again = figures(repository, "flow"), road_again = figures(repository, "road");
    CHECK(again.counted == 6000);
    CHECK(again.psi_max == flow.psi_max);
    CHECK(again.worst_inputs == flow.worst_inputs);
    CHECK(road_again.errors == 298);
    CHECK(road_again.error_ratio == road.error_ratio);
    CHECK(road_again.test_max == road.test_max);
    CHECK(protocol.answer(post("/v1/models/flow:predict", rows_body(0, 10, 0))).status == 200);
    CHECK(figures(repository, "flow").counted == 6010);
    // What is counted by now stands; the file is of before.
    const serve::Protocol another(repository, {.stream_save = 0ms, .drift_file = "drift.jsonl"});
    CHECK(figures(repository, "flow").counted == 6010);
  }
  // The same number, another reference.
  folder_with("restarted");
  write_keras("restarted/flow/1/model.h5",
              {.network = affine(), .info = {.reference = DriftReference::of(Matrix::Random(20, 2)).config()}});
  std::ofstream("drift.jsonl", std::ios::app) << "no JSON\n{}\n"
                                              << R"({"model":"road","version":1,"digest":"?","now":[1e99]})" << '\n';
  serve::Repository repository({.folder = "restarted", .poll = 10ms});
  const serve::Protocol protocol(repository, {.stream_save = 0ms, .drift_file = "drift.jsonl"});
  CHECK(figures(repository, "flow").counted == 0);
  CHECK(figures(repository, "road").errors == 298);
}

TEST_CASE("counts for drift are saved now and then") {
  fresh_folder("saved_drift");
  save_model("saved_drift/flow/1/model.h5");
  std::filesystem::remove("saved.jsonl");
  serve::Repository repository({.folder = "saved_drift", .poll = 10ms});
  serve::Protocol protocol(repository, {.stream_save = 5ms, .drift_file = "saved.jsonl"});
  CHECK(protocol.answer(post("/v1/models/flow:predict", rows_body(0, 7, 0))).status == 200);
  CHECK(wait_until([] { return content("saved.jsonl").find(R"("rows":7,)") != std::string::npos; }));
}

TEST_CASE("forecasts without intervals wait for their truth over a restart") {
  fresh_folder("kept_walks");
  std::filesystem::create_directories("kept_walks/road/1");
  walker(false).save("kept_walks/road/1/model.h5");
  std::filesystem::remove("walks.jsonl");
  serve::Repository repository({.folder = "kept_walks", .poll = 10ms});
  const auto push = [&](serve::Protocol& protocol, double sample) {
    CHECK(protocol.answer(post("/v1/streams/road/a", fmt::format(R"({{"sample": {}}})", sample))).status == 200);
  };
  {
    serve::Protocol protocol(repository, {.stream_file = "walks.jsonl"});
    for (double sample : {50, 51, 52}) push(protocol, sample);
  }
  const auto told = [&] { return repository.find("road")->drift->figures(1).errors; };
  CHECK(told() == 1);
  serve::Protocol protocol(repository, {.stream_file = "walks.jsonl"});
  push(protocol, 53);
  CHECK(told() == 2);
}
