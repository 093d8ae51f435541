// Windows of sensors, held by the server.
#include "serve/streams.hpp"

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>

#include "maas/serve/protocol.hpp"
#include "serve/asking.hpp"
#include "serve/json_writer.hpp"
#include "serve/models.hpp"
#include "serve/status.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;
using Catch::Matchers::ContainsSubstring;
using serve::Response;

namespace {

// A window of 3 samples of 2 numbers; the forecast is the sum of all six, and the newest sample's second number.
Network forecaster() {
  Network network{input(Shape{3, 2}, "window"), Flatten{}, dense(2).named("y")};
  MatrixView kernel = network.parameters().view(network.parameters().find("y/kernel"));
  kernel.setZero();
  kernel.col(0).setOnes();
  kernel(5, 1) = 1;
  return network;
}

struct StreamService {
  serve::Repository repository{serve::RepositoryOptions{}};
  std::unique_ptr<serve::Protocol> protocol{};
  explicit StreamService(serve::ProtocolOptions options = {}) {
    repository.publish("m", 1, forecaster());
    repository.publish("line", 1, affine());
    repository.publish("two", 1, joined());
    repository.publish("image", 1, Network{input(Shape{2, 2, 1}, "pixels"), IdentityLayer{}});
    protocol = std::make_unique<serve::Protocol>(repository, std::move(options));
  }
  Response push(std::string_view path, std::string body) {
    return protocol->answer(post(fmt::format("/v1/streams/{}", path), std::move(body)));
  }
  Response get(std::string_view path) { return protocol->answer(tests::get(fmt::format("/v1/streams/{}", path))); }
};

}  // namespace

TEST_CASE("a stream forecasts as soon as its window is full, and then with each sample") {
  StreamService served;
  CHECK(served.push("m/a", R"({"sample": [1, 2]})").body ==
        R"({"model":"m","sensor":"a","have":1,"need":3,"forecast":null})");
  served.push("m/b", R"({"samples": [[9, 9], [9, 9]]})");  // another sensor
  CHECK(served.push("m/a", R"({"sample": [3, 4]})").status == 200);
  CHECK(served.push("m/a", R"({"sample": [5, 6]})").body ==
        R"({"model":"m","sensor":"a","have":3,"need":3,"version":1,"forecast":[21.0,6.0]})");
  CHECK_THAT(served.push("m/a", R"({"sample": [7, 8]})").body, ContainsSubstring(R"("forecast":[33.0,8.0])"));
  CHECK(served.get("m/a").body == R"({"model":"m","sensor":"a","have":3,"need":3,"window":[3.0,4.0,5.0,6.0,7.0,8.0]})");
  CHECK_THAT(served.push("m/a", R"({"samples": [[0, 0], [0, 1], [0, 2], [0, 3]]})").body,
             ContainsSubstring(R"("forecast":[6.0,3.0])"));
  // A window of single numbers takes them bare.
  served.push("line/a", R"({"sample": 1})");
  CHECK_THAT(served.push("line/a", R"({"sample": [2]})").body, ContainsSubstring(R"("forecast":[8.5])"));
}

TEST_CASE("a sample that is sent again counts once, an earlier one is refused") {
  StreamService served;
  const std::string first = R"({"sample": [1, 2], "time": 10})";
  served.push("m/a", first);
  CHECK_THAT(served.push("m/a", first).body, ContainsSubstring(R"("have":1)"));
  CHECK_THAT(served.push("m/a", R"({"sample": [1, 2], "time": 11.5})").body, ContainsSubstring(R"("have":2)"));
  CHECK(served.push("m/a", first).status == 409);
  CHECK_THAT(served.get("m/a").body, ContainsSubstring(R"("time":11.5)"));
}

TEST_CASE("streams say what is wrong, and are removed") {
  StreamService served;
  for (const char* body : {"", "[]", "{}", R"({"sample": [1]})", R"({"sample": [1, 2, 3]})", R"({"sample": [[1, 2]]})",
                           R"({"samples": [1, 2]})", R"({"samples": []})", R"({"sample": [1, 2], "samples": [[1, 2]]})",
                           R"({"sample": [1, "2"]})", R"({"sample": [1, 2], "time": "now"})"})
    CHECK(served.push("m/a", body).status == 400);
  CHECK(served.get("m/a").status == 404);
  CHECK(served.push("none/a", R"({"sample": 1})").status == 404);
  CHECK(served.push("two/a", R"({"sample": 1})").status == 400);
  CHECK(served.push("image/a", R"({"sample": 1})").status == 400);
  CHECK(served.push("m/a%0Ab", R"({"sample": [1, 2]})").status == 400);
  // Kept as JSON, these two would be one.
  for (const char* path : {"m/%ff", "m/%fe", "m/\xff"})
    CHECK_THAT(served.push(path, R"({"sample": [1, 2]})").body, ContainsSubstring("expected names in UTF-8"));
  CHECK(served.push("m/%c3%a9", R"({"sample": [1, 2]})").status == 200);
  CHECK(served.push("m", R"({"sample": [1, 2]})").status == 404);
  served.push("m/a", R"({"sample": [1, 2]})");
  serve::Request removal = tests::get("/v1/streams/m/a");
  removal.method = "DELETE";
  CHECK(served.protocol->answer(removal).status == 200);
  CHECK(served.protocol->answer(removal).status == 404);
  removal.method = "PUT";
  CHECK(served.protocol->answer(removal).status == 405);
}

TEST_CASE("the longest silent streams are forgotten where there are too many") {
  serve::Streams streams({.most = 2});
  const std::vector<Scalar> sample{1};
  const serve::StreamRules shape{.shape = {2, 1}};
  streams.add("m", "a", shape, sample, {});
  streams.add("m", "b", shape, sample, {});
  streams.add("m", "a", shape, sample, {});
  streams.add("m", "c", shape, sample, {});
  CHECK(streams.size() == 2);
  CHECK(streams.find("m", "a"));
  CHECK_FALSE(streams.find("m", "b"));
  CHECK(streams.add("m", "a", {.shape = {4, 1}}, sample, {}).have == 1);  // a new version takes other windows
  // Whatever a model takes, all windows together stay below their bytes.
  serve::Streams large({.most = 1000});
  const Index steps = static_cast<Index>((serve::Streams::most_bytes / 4 - 4096) / sizeof(Scalar));
  for (int i = 0; i < 8; ++i) large.add("m", std::to_string(i), {.shape = {steps, 1}}, sample, {});
  CHECK(large.size() == 4);
  CHECK_THROWS_AS(serve::Streams({.most = 0}), ConfigError);
  CHECK_THROWS_AS(serve::Streams({.save = std::chrono::milliseconds(-1)}), ConfigError);
}

TEST_CASE("names of streams, and what was answered last, are counted among the bytes that all may have") {
  serve::Streams streams({});
  const auto bytes = [&] {
    std::string text;
    streams.append_metrics(text);
    const std::string_view line = "\nmaas_stream_bytes ";
    return std::stoul(text.substr(text.find(line) + line.size()));
  };
  const std::vector<Scalar> sample{1};
  const serve::StreamRules rules{.shape = {2, 1}};
  streams.add("m", "a", rules, sample, {});
  const std::size_t one = bytes();
  CHECK(one >= 200);  // each has links and texts, however small its window
  streams.add("m", std::string(200, 's'), rules, sample, {});
  CHECK(bytes() >= 2 * one + 2 * 199);
  const std::size_t before = bytes();
  streams.tell("m", "a", 1, std::string(1000, 'x'));
  CHECK(bytes() == before + 1000);
  streams.add("m", "a", rules, sample, {});  // which makes what was answered stale
  CHECK(bytes() == before);
  for (const std::string& sensor : {std::string("a"), std::string(200, 's')}) streams.remove("m", sensor);
  CHECK(bytes() == 0);
}

TEST_CASE("windows are kept for the next start") {
  std::filesystem::remove("streams.jsonl");
  {
    StreamService served({.stream_file = "streams.jsonl"});
    CHECK(served.push("m/a%20%C3%A9", R"({"sample": [5, 6]})").status == 200);
    served.push("m/a", R"({"samples": [[0.1, NaN], [3, 4]], "time": 7.25})");
    served.push("m/b", R"({"sample": [1, 2]})");
  }
  StreamService served({.stream_file = "streams.jsonl"});
  CHECK(served.get("m/a").body ==
        R"({"model":"m","sensor":"a","have":2,"need":3,"time":7.25,"window":[0.1,NaN,3.0,4.0]})");
  CHECK(served.get("m/b").status == 200);
  CHECK(served.get("m/a%20%C3%A9").body.find(R"("window":[5.0,6.0])") != std::string::npos);
  // What cannot be used is passed over.
  std::ofstream("streams.jsonl")
      << "nonsense\n{\"model\":\"m\",\"sensor\":\"c\",\"steps\":-1,\"features\":2,\"values\":[1]}\n"
         "{\"model\":\"m\",\"sensor\":\"d\",\"steps\":3,\"features\":2,\"values\":[1,2]}\n";
  serve::Streams streams({.most = 10, .file = "streams.jsonl"});
  CHECK(streams.size() == 1);
}

TEST_CASE("samples of many sensors run as one batch") {
  StreamService served;
  std::vector<serve::Request> requests;
  for (int i = 0; i < 4; ++i)
    requests.push_back(
        post(fmt::format("/v1/streams/m/{}", i), fmt::format(R"({{"samples": [[0, 0], [0, 0], [{}, 1]]}})", i)));
  std::vector<const serve::Request*> all;
  for (const serve::Request& request : requests) all.push_back(&request);
  const auto answers = served.protocol->answer_together(all);
  for (std::size_t i = 0; i < 4; ++i)
    CHECK_THAT(answers[i].body, ContainsSubstring(fmt::format(R"("forecast":[{}.0,1.0])", i + 1)));
}

// ---- Windows that outlive a crash ----

namespace {

// As a crash would leave it: what is in the file while the streams still are.
std::vector<std::string> held_after_a_crash(const std::string& path) {
  std::filesystem::copy_file(path, path + ".crash", std::filesystem::copy_options::overwrite_existing);
  std::ofstream(path + ".crash", std::ios::app) << R"({"model":"m","sensor":"torn","steps":2,"feat)";
  serve::Streams streams({.file = path + ".crash"});
  std::vector<std::string> held;
  for (const char* sensor : {"a", "b", "c", "torn"})
    if (const auto window = streams.find("m", sensor)) held.push_back(fmt::format("{} {}", sensor, window->values[0]));
  return held;
}

}  // namespace

TEST_CASE("what changed is added to the file, and the last line of a stream counts") {
  std::filesystem::remove("crash.jsonl");
  const serve::StreamRules rules{.shape = {1, 1}};
  const auto sample = [](Scalar value) { return std::vector<Scalar>{value}; };
  serve::Streams streams({.file = "crash.jsonl", .save = std::chrono::hours(1)});
  streams.add("m", "a", rules, sample(1), {});
  streams.add("m", "b", rules, sample(2), 5.0);
  streams.save();
  CHECK(held_after_a_crash("crash.jsonl") == std::vector<std::string>{"a 1", "b 2"});
  const std::string before = content("crash.jsonl");
  streams.save();  // nothing has changed
  CHECK(content("crash.jsonl") == before);
  streams.add("m", "a", rules, sample(3), {});
  streams.remove("m", "b");
  streams.add("m", "c", rules, sample(4), {});
  streams.save();
  CHECK(content("crash.jsonl").starts_with(before));
  CHECK(held_after_a_crash("crash.jsonl") == std::vector<std::string>{"a 3", "c 4"});
  streams.remove("m", "c");
  streams.save();
  streams.add("m", "c", rules, sample(5), {});
  streams.save();
  CHECK(held_after_a_crash("crash.jsonl") == std::vector<std::string>{"a 3", "c 5"});
}

TEST_CASE("the file of streams is written anew before it grows without end") {
  std::filesystem::remove("grows.jsonl");
  const serve::StreamRules rules{.shape = {20000, 1}};
  const std::vector<Scalar> samples(20000, Scalar(0.125));
  serve::Streams streams({.file = "grows.jsonl", .save = std::chrono::hours(1)});
  std::uintmax_t largest = 0;
  for (int i = 0; i < 40; ++i) {
    streams.add("m", "a", rules, samples, {});
    streams.save();
    largest = std::max(largest, std::filesystem::file_size("grows.jsonl"));
  }
  CHECK(largest > 1000000);
  CHECK(largest < 1800000);
}

TEST_CASE("windows are kept now and then by a thread of their own") {
  std::filesystem::remove("thread.jsonl");
  serve::Streams streams({.file = "thread.jsonl", .save = std::chrono::milliseconds(5)});
  streams.add("m", "a", {.shape = {1, 1}}, std::vector<Scalar>{7}, {});
  for (int i = 0; i < 2000 && content("thread.jsonl").empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  CHECK(held_after_a_crash("thread.jsonl") == std::vector<std::string>{"a 7"});
}

TEST_CASE("state that cannot be written is told once, counted, and written when it can be") {
  namespace files = std::filesystem;
  files::remove_all("kept_state");
  files::create_directories("kept_state");
  std::vector<std::string> told;
  StreamService served({.stream_file = "kept_state/streams.jsonl",
                        .stream_save = std::chrono::milliseconds(0),
                        .drift_file = "kept_state/drift.jsonl",
                        .warn = [&](const std::string& text) { told.push_back(text); }});
  const auto has_metric = [&](const std::string& line) {
    return served.protocol->answer(tests::get("/metrics")).body.find("\n" + line + "\n") != std::string::npos;
  };
  CHECK(served.protocol->save_state());
  CHECK(has_metric("maas_state_saves_total{result=\"success\"} 2"));
  CHECK(served.protocol->save_state());  // there is nothing to write
  CHECK(has_metric("maas_state_saves_total{result=\"success\"} 2"));
  files::remove_all("kept_state");
  CHECK(served.push("m/a", R"({"sample": [5, 6]})").status == 200);
  CHECK_FALSE(served.protocol->save_state());
  CHECK_FALSE(served.protocol->save_state());
  CHECK(has_metric("maas_state_saves_total{result=\"failure\"} 2"));
  REQUIRE(told.size() == 1);
  CHECK_THAT(told[0], ContainsSubstring("kept_state/streams.jsonl"));
  files::create_directories("kept_state");
  CHECK(served.protocol->save_state());
  REQUIRE(told.size() == 2);
  CHECK_THAT(told[1], ContainsSubstring("kept_state/streams.jsonl: can be written again"));
  CHECK_THAT(content("kept_state/streams.jsonl"), ContainsSubstring(R"("sensor":"a")"));
  served.protocol.reset();
  CHECK_THAT(content("kept_state/streams.jsonl"), ContainsSubstring(R"("sensor":"a")"));
}

TEST_CASE("windows that go are gone from what is kept at the end") {
  std::filesystem::remove("gone.jsonl");
  {
    serve::Streams streams({.file = "gone.jsonl"});
    streams.add("m", "a", {.shape = {1, 1}}, std::vector<Scalar>{7}, {});
    CHECK(streams.keep());
    CHECK(held_after_a_crash("gone.jsonl") == std::vector<std::string>{"a 7"});
    streams.remove("m", "a");
  }
  CHECK(content("gone.jsonl").empty());
}

// ---- Forecasters ----

namespace {

// Sensors around 50 and 20, five minutes apart.
Readings waves(Index rows, Index sensors = 2) {
  Readings readings{.values = Matrix(rows, sensors)};
  for (Index sensor = 0; sensor < sensors; ++sensor) readings.sensors.push_back(sensor == 0 ? "north" : "south");
  for (Index row = 0; row < rows; ++row) {
    const auto t = static_cast<double>(row);
    for (Index sensor = 0; sensor < sensors; ++sensor)
      readings.values(row, sensor) =
          static_cast<Scalar>(sensor == 0 ? 50 + 10 * std::sin(0.3 * t) : 20 + 4 * std::sin(0.2 * t));
    readings.times.push_back(300 * t);
  }
  return readings;
}

Forecaster trained(ForecastOptions options, const Readings& readings) {
  Forecaster forecaster(std::move(options), ForecastNetwork{.hidden = {8}, .embedding = 2});
  ForecastFit fit;
  fit.fit.epochs = 2;
  fit.fit.verbose = 0;
  fit.out_of_range = OutOfRange::pass;
  forecaster.fit(readings, fit);
  return forecaster;
}

// One sensor; the newest of 2 readings is what comes 1 and 2 readings later. Errors are -4 to 4.
Forecaster newest(const IntervalOptions& options, const std::optional<AlarmOptions>& alarm) {
  Forecaster forecaster({.windows = {.lags = 2, .horizons = {1, 2}}, .scaling = ReadingScaling::none},
                        ForecastNetwork{.hidden = {}});
  ForecastFit fit;
  fit.fit.verbose = 0;
  fit.out_of_range = OutOfRange::pass;
  forecaster.fit(waves(60, 1), fit);
  Matrix kernel(2, 2);
  kernel << 0, 0, 1, 1;
  forecaster.model().set_weights({kernel, Matrix::Zero(1, 2)});
  Forecasts calibration{.horizons = {1, 2}, .sensors = {"north"}};
  calibration.values = Matrix::Zero(9, 2);
  calibration.truth.resize(9, 2);
  calibration.truth.col(0) << 0, -4, 4, 1, -1, 3, -3, 2, -2;
  calibration.truth.col(1) = calibration.truth.col(0);
  forecaster.set_intervals(ConformalIntervals(options).calibrate(calibration), alarm);
  return forecaster;
}

// `road`, from a file.
struct Road {
  serve::Repository repository;
  serve::Protocol protocol;
  explicit Road(const std::string& folder, serve::ProtocolOptions options = {})
      : repository({.folder = folder, .poll = std::chrono::milliseconds(10)}),
        protocol(repository, std::move(options)) {}
  Response push(std::string_view sensor, std::string body) {
    return protocol.answer(post(fmt::format("/v1/streams/road/{}", sensor), std::move(body)));
  }
  Response push(std::string_view sensor, double sample) {
    return push(sensor, fmt::format(R"({{"sample": {}}})", sample));
  }
  Response get(std::string_view sensor) {
    return protocol.answer(tests::get(fmt::format("/v1/streams/road/{}", sensor)));
  }
};

std::string folder_with(const Forecaster& forecaster, const std::string& name, int version = 1) {
  std::filesystem::create_directories(fmt::format("{}/road/{}", name, version));
  forecaster.save(fmt::format("{}/road/{}/model.h5", name, version));
  return name;
}

// What an answer says after the window's state.
std::string outlook_in(const Response& response) {
  const std::size_t at = response.body.find("\"forecast\"");
  return at == std::string::npos ? response.body : response.body.substr(at);
}

}  // namespace

TEST_CASE("a forecaster's stream answers in readings, with intervals and a warning") {
  fresh_folder("newest");
  Road road(folder_with(newest({.coverage = 0.8}, AlarmOptions{.value = 10, .probability = 0.2}), "newest"));
  CHECK(road.push("any", 10).body == R"({"model":"road","sensor":"any","have":1,"need":2,"forecast":null})");
  const std::string said =
      R"("version":1,"forecast":[12.0,12.0],"horizons":[1,2],)"
      R"("interval":{"coverage":0.8,"lower":[8.0,8.0],"upper":[16.0,16.0]},)"
      R"("warning":{"state":"raised","probability":0.25,"value":10.0}})";  // 2 of 9 errors are below -2
  CHECK(road.push("any", 12).body == R"({"model":"road","sensor":"any","have":2,"need":2,)" + said);
  CHECK(road.get("any").body == R"({"model":"road","sensor":"any","have":2,"need":2,"window":[10.0,12.0],)" + said);
  CHECK_THAT(road.push("any", 13).body, ContainsSubstring(R"("state":"clear","probability":0.15)"));
  CHECK_THAT(road.push("any", 9).body, ContainsSubstring(R"("state":"reached","probability":0.55)"));
  CHECK(outlook_in(road.push("any", R"({"sample": NaN})")) == R"("forecast":null})");  // none from a missing reading
  CHECK(outlook_in(road.push("any", 5)) == R"("forecast":null})");
  CHECK_THAT(road.push("any", 6).body, ContainsSubstring(R"("forecast":[6.0,6.0])"));
  CHECK_THAT(road.get("any").body, ContainsSubstring(R"("window":[5.0,6.0],"version":1,"forecast":[6.0,6.0])"));
}

TEST_CASE("a stream forecasts from missing readings too where its forecaster fills them") {
  Readings readings = waves(40);
  readings.values(30, 0) = readings.values(33, 1) = readings.values(34, 1) = std::numeric_limits<Scalar>::quiet_NaN();
  for (const SensorMode mode : {SensorMode::shared, SensorMode::joint}) {
    fresh_folder("filled");
    const Forecaster forecaster = trained({.windows = {.lags = 3, .horizons = {1, 2}, .fill_missing = true},
                                           .sensors = mode,
                                           .changes = true,
                                           .masks = true},
                                          readings);
    Road road(folder_with(forecaster, "filled"));
    const Index width = mode == SensorMode::joint ? 2 : 1;
    std::string said;
    for (Index row = 28; row < 36; ++row) {
      CAPTURE(row, width);
      std::string sample;
      for (Index sensor = 0; sensor < width; ++sensor) {
        const Scalar reading = readings.values(row, sensor);
        sample += (sensor > 0 ? "," : "") + (std::isnan(reading) ? std::string("NaN") : fmt::format("{}", reading));
      }
      said = road.push("north", R"({"sample": [)" + sample + "]}").body;
      if (row < 30) continue;
      const Matrix next = forecaster.predict(readings.part({0, row + 1}));
      CHECK(next.allFinite());
      std::string expected;
      serve::append_nested(expected, Matrix(next.leftCols(width)).data(),
                           mode == SensorMode::joint ? std::vector<Index>{2, 2} : std::vector<Index>{2},
                           serve::Whole::with_point);
      CHECK_THAT(said, ContainsSubstring(R"("forecast":)" + expected));
    }
    CHECK_THAT(road.get("north").body, ContainsSubstring(R"("forecast":)"));
  }
}

TEST_CASE("intervals of a stream follow what comes, and metrics count it") {
  fresh_folder("newest");
  Road road(folder_with(newest({.coverage = 0.8, .rate = 1}, std::nullopt), "newest"));
  const auto interval = [&](double sample) {
    const std::string body = outlook_in(road.push("a", sample));
    const std::size_t at = body.find("\"lower\"");
    return at == std::string::npos ? "" : body.substr(at);
  };
  interval(10);
  CHECK(interval(10) == R"("lower":[6.0,6.0],"upper":[14.0,14.0]}})");
  CHECK(interval(10) == R"("lower":[7.0,6.0],"upper":[13.0,14.0]}})");  // alpha 0.2 + 0.2: places 2 and 8 of 9
  CHECK(interval(10) == R"("lower":[8.0,7.0],"upper":[12.0,13.0]}})");
  CHECK(interval(30) == R"("lower":[26.0,26.0],"upper":[34.0,34.0]}})");  // misses: alpha is 0
  CHECK(interval(30) == R"("lower":[26.0,26.0],"upper":[34.0,34.0]}})");  // a hit and a miss: 0.2 and 0
  const std::string metrics = road.protocol.answer(tests::get("/metrics")).body;
  CHECK_THAT(metrics, ContainsSubstring("maas_stream_truths_total{model=\"road\"} 7\n"));
  CHECK_THAT(metrics, ContainsSubstring("maas_stream_misses_total{model=\"road\"} 3\n"));
  CHECK_THAT(metrics, ContainsSubstring("maas_streams 1\n"));
}

TEST_CASE("a stream answers as Forecaster and ConformalIntervals do, one reading at a time or several") {
  const Readings all = waves(200), now = all.part({160, 200});
  for (const SensorMode mode : {SensorMode::shared, SensorMode::joint}) {
    Forecaster forecaster = trained({.windows = {.lags = 4, .horizons = {1, 3}},
                                     .sensors = mode,
                                     .time_of_day = true,
                                     .scale_each = true,
                                     .changes = mode == SensorMode::shared},
                                    all.part({0, 120}));
    ConformalIntervals intervals({.coverage = 0.8, .rate = 0.05, .window = 12});
    intervals.calibrate(forecaster.forecast(all.part({120, 160})));
    const AlarmOptions alarm{.value = 45, .probability = 0.3, .values = {{"south", 18}}};
    forecaster.set_intervals(intervals, alarm);
    fresh_folder("waves");
    Road road(folder_with(forecaster, "waves"));

    const Forecasts forecasts = forecaster.forecast(now);
    Matrix chances;
    const Intervals followed = intervals.follow(forecasts, alarm.values_of(forecasts.sensors), chances);
    const Matrix alarms = raise_alarms(forecasts, chances, alarm);
    const bool joint = mode == SensorMode::joint;
    for (Index sensor = 0; sensor < (joint ? 1 : 2); ++sensor) {
      const std::string name = joint ? "ring" : sensor == 0 ? "north" : "south";
      const auto listed = [&](const Matrix& values, Index window) {
        Matrix row(1, joint ? 4 : 2);
        for (Index i = 0; i < row.cols(); ++i) row(0, i) = values(window, joint ? i : i * 2 + sensor);
        std::string out;
        const std::vector<Index> lengths = joint ? std::vector<Index>{2, 2} : std::vector<Index>{2};
        serve::append_nested(out, row.data(), lengths, serve::Whole::with_point);
        return out;
      };
      std::string answer;
      Index windows = 0, warned = 0;
      for (Index row = 0; row < now.rows(); ++row) {
        const Matrix& values = now.values;
        const std::string sample =
            joint ? fmt::format("[{},{}]", values(row, 0), values(row, 1)) : fmt::format("{}", values(row, sensor));
        answer = road.push(name, fmt::format(R"({{"sample": {}, "time": {}}})", sample,
                                             now.times[static_cast<std::size_t>(row)]))
                     .body;
        const Index window = row - 3;
        if (window < 0 || window >= forecasts.windows()) continue;
        ++windows;
        INFO(answer);
        CHECK_THAT(answer, ContainsSubstring(R"("forecast":)" + listed(forecasts.values, window)));
        CHECK_THAT(answer, ContainsSubstring(R"("lower":)" + listed(followed.lower, window)));
        CHECK_THAT(answer, ContainsSubstring(R"("upper":)" + listed(followed.upper, window)));
        if (!joint) CHECK((answer.find("raised") != std::string::npos) == (alarms(window, sensor) > 0));
        warned += alarms(window, sensor) > 0 ? 1 : 0;
      }
      CHECK(warned > 0);
      CHECK_THAT(answer, ContainsSubstring(joint         ? R"("value":[45.0,18.0]})"
                                           : sensor == 0 ? R"("value":45.0})"
                                                         : R"("value":18.0})"));
      CHECK(windows == 34);
      if (joint) CHECK_THAT(answer, ContainsSubstring(R"("warning":{"state":[")"));
    }
  }
}

TEST_CASE("a stream begins its window again where time jumps, and knows its sensors") {
  const Readings readings = waves(120);
  fresh_folder("timed");
  Road road(folder_with(
      trained({.windows = {.lags = 2, .horizons = {1}}, .time_of_day = true, .scale_each = true}, readings), "timed"));
  const auto have = [&](double time) {
    const Response response = road.push("north", fmt::format(R"({{"sample": 50, "time": {}}})", time));
    const std::size_t at = response.body.find("\"have\":");
    return at == std::string::npos ? response.body : response.body.substr(at + 7, 1);
  };
  CHECK(have(0) == "1");
  CHECK(have(301) == "2");  // clocks are a little off
  CHECK(have(600) == "2");
  CHECK(have(1200) == "1");
  CHECK(have(1200) == "1");  // the same call again
  CHECK(have(1500) == "2");
  CHECK(road.push("north", R"({"samples": [50, 51, 52], "time": 2400})").status == 200);
  CHECK(have(2700) == "2");
  CHECK_THAT(road.push("north", R"({"sample": 50})").body, ContainsSubstring("expected a \\\"time\\\""));
  CHECK(road.push("north", R"({"sample": 50, "time": Infinity})").status == 400);
  CHECK(road.push("north", R"({"sample": [50, 20], "time": 3000})").status == 400);
  const Response unknown = road.push("east", R"({"sample": 50, "time": 0})");
  CHECK(unknown.status == 404);
  CHECK_THAT(unknown.body, ContainsSubstring("expected one of 2, such as"));
  CHECK(outlook_in(road.push("north", R"({"sample": 50, "time": 3000})")).find("interval") == std::string::npos);
}

TEST_CASE("a forecaster whose file has steps for rows of a table answers no streams") {
  fresh_folder("steps");
  Table rows;
  Column north{.name = "north"};
  for (int i = 0; i < 60; ++i) north.numbers.push_back(i % 7);
  rows.add(std::move(north));
  Forecaster forecaster({.windows = {.lags = 3}}, ForecastNetwork{.hidden = {}});
  forecaster.fit(rows, {.steps = {ValidRange{.low = 0}}});
  Road road(folder_with(forecaster, "steps"));
  const Response refused = road.push("north", 5);
  CHECK(refused.status == 400);
  CHECK_THAT(refused.body, ContainsSubstring("steps that clean the rows of a table"));
}

namespace {

// Of rows of a table: sensors from 40 to 60 and from 16 to 24.
Forecaster of_rows(const ReadingsOptions& table, SensorMode mode = SensorMode::shared) {
  const Readings readings = waves(60);
  Table rows = table_of(readings.values, readings.sensors);
  Forecaster forecaster({.windows = {.lags = 2}, .sensors = mode}, ForecastNetwork{.hidden = {}, .embedding = 1});
  forecaster.fit(rows, table, {.fit = {.epochs = 1, .verbose = 0}});
  return forecaster;
}

}  // namespace

TEST_CASE("a stream refuses readings far beyond those of training, and goes on without them") {
  fresh_folder("range");
  Road road(folder_with(of_rows({}), "range"));
  CHECK(road.push("north", 50).status == 200);
  const Response refused = road.push("north", 1.609344 * 58);
  CHECK(refused.status == 400);
  CHECK_THAT(refused.body, ContainsSubstring("expected a reading of \\\"north\\\" from ") &&
                               ContainsSubstring("in the training rows of all columns alike") &&
                               ContainsSubstring("got 93.3") && ContainsSubstring("out_of_range \\\"pass\\\""));
  CHECK_THAT(road.get("north").body, ContainsSubstring(R"("have":1,)"));
  CHECK(road.push("north", R"({"samples": [50, 5e3]})").status == 400);  // none of them
  CHECK_THAT(road.get("north").body, ContainsSubstring(R"("have":1,)"));
  CHECK(road.push("north", R"({"sample": NaN})").status == 200);
  CHECK(road.push("north", 18).status == 200);  // as the other sensor
  CHECK(road.push("north", 65).status == 200);  // within the margin
}

TEST_CASE("a stream clips readings or lets them pass, as its forecaster's file says; of older files they pass") {
  const auto window_of_far = [](const std::string& name, const ReadingsOptions& table) {
    fresh_folder(name);
    Road road(folder_with(of_rows(table), name));
    CHECK(road.push("north", 50).status == 200);
    CHECK(road.push("north", 500).status == 200);
    return road.get("north").body;
  };
  CHECK_THAT(window_of_far("clipped", {.out_of_range = OutOfRange::clip}), ContainsSubstring(R"("window":[50.0,59.)"));
  CHECK_THAT(window_of_far("passed", {.out_of_range = OutOfRange::pass}),
             ContainsSubstring(R"("window":[50.0,500.0])"));
  CHECK_THAT(window_of_far("wide", {.range_margin = 50}), ContainsSubstring(R"("window":[50.0,500.0])"));
}

TEST_CASE("a forecaster of readings without a table brings its ranges in its file, too") {
  const auto answers_of = [](const std::string& name, OutOfRange policy) {
    fresh_folder(name);
    Forecaster forecaster({.windows = {.lags = 2}}, ForecastNetwork{.hidden = {}, .embedding = 1});
    forecaster.fit(waves(60), {.fit = {.epochs = 1, .verbose = 0}, .out_of_range = policy});
    Road road(folder_with(forecaster, name));
    CHECK(road.push("north", 50).status == 200);
    const Response far = road.push("north", 500);
    return std::pair(far.status, far.status == 200 ? road.get("north").body : far.body);
  };
  const auto [status, refusal] = answers_of("readings-error", OutOfRange::error);
  CHECK(status == 400);
  CHECK_THAT(refusal, ContainsSubstring("expected a reading of \\\"north\\\" from ") && ContainsSubstring("got 500"));
  CHECK_THAT(answers_of("readings-clipped", OutOfRange::clip).second, ContainsSubstring(R"("window":[50.0,59.)"));
  CHECK_THAT(answers_of("readings-passed", OutOfRange::pass).second, ContainsSubstring(R"("window":[50.0,500.0])"));
}

TEST_CASE("a stream of all sensors names the one that reads too much") {
  fresh_folder("joint");
  Road road(folder_with(of_rows({.alike = false}, SensorMode::joint), "joint"));
  CHECK(road.push("road", R"({"sample": [50, 20]})").status == 200);
  const Response refused = road.push("road", R"({"samples": [[50, 20], [50, 500]]})");
  CHECK(refused.status == 400);
  CHECK_THAT(refused.body, ContainsSubstring("expected a reading of \\\"south\\\" from "));
}

TEST_CASE("a forecaster that takes known inputs answers no streams") {
  fresh_folder("known");
  Readings readings{.values = Matrix(60, 1), .known = Matrix(60, 1), .known_names = {"works"}};
  for (Index row = 0; row < 60; ++row) {
    readings.values(row, 0) = static_cast<Scalar>(row % 7);
    readings.known(row, 0) = static_cast<Scalar>(row % 5);
  }
  Forecaster forecaster({.windows = {.lags = 3}, .known = {"works"}}, ForecastNetwork{.hidden = {}});
  forecaster.fit(readings, ForecastFit{});
  Road road(folder_with(forecaster, "known"));
  const Response refused = road.push("north", 5);
  CHECK(refused.status == 400);
  CHECK_THAT(refused.body, ContainsSubstring("one that takes known inputs, such as \\\"works\\\""));
}

TEST_CASE("intervals of a stream go on after a crash as if there had been none") {
  fresh_folder("kept");
  const Readings all = waves(160);
  Forecaster forecaster = trained({.windows = {.lags = 3, .horizons = {1, 4}}, .scale_each = true}, all.part({0, 100}));
  for (const Index window : {0, 8}) {
    ConformalIntervals intervals({.coverage = 0.7, .rate = 0.1, .window = window});
    intervals.calibrate(forecaster.forecast(all.part({100, 130})));
    forecaster.set_intervals(intervals, AlarmOptions{.value = 48});
    folder_with(forecaster, "kept");
    for (const char* file : {"kept.jsonl", "whole.jsonl"}) std::filesystem::remove(file);
    auto road = std::make_unique<Road>("kept", serve::ProtocolOptions{.stream_file = "kept.jsonl"});
    Road other("kept");  // that never stops
    for (Index row = 0; row < 30; ++row) {
      const double reading = static_cast<double>(all.values(130 + row, 0));
      CHECK(road->push("north", reading).body == other.push("north", reading).body);
      if (row % 7 != 5) continue;
      road.reset();
      road = std::make_unique<Road>("kept", serve::ProtocolOptions{.stream_file = "kept.jsonl"});
      CHECK(road->get("north").body == other.get("north").body);
    }
  }
}

TEST_CASE("another version's intervals begin anew, and a canary does not disturb those of the default") {
  fresh_folder("versions");
  const IntervalOptions adaptive{.coverage = 0.8, .rate = 1};
  folder_with(newest(adaptive, std::nullopt), "versions");
  folder_with(newest(adaptive, AlarmOptions{.value = 1}), "versions", 2);
  Road road("versions");
  const auto wait_for = [&](std::int64_t version) {
    const auto answers = [&] {
      const auto found = road.repository.find("road");
      return found && found->version == version;
    };
    for (int i = 0; i < 2000 && !answers(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    REQUIRE(answers());
  };
  road.repository.set_traffic("road", serve::Canary{2, 0.5}, {});
  wait_for(1);
  const auto body = [&] { return road.push("a", 10).body; };
  body();
  std::string last_default, last_canary;
  for (int i = 0; i < 20; ++i) {
    const std::string said = body();
    (said.find("\"version\":2") != std::string::npos ? last_canary : last_default) = said;
  }
  CHECK_THAT(last_default, ContainsSubstring(R"("lower":[10.0,10.0])"));
  CHECK_THAT(last_canary, ContainsSubstring(R"("lower":[6.0,6.0])"));  // as in its file
  road.repository.set_traffic("road", {}, {});
  wait_for(2);
  CHECK_THAT(body(), ContainsSubstring(R"("lower":[6.0,6.0])"));
  CHECK_THAT(body(), ContainsSubstring(R"("lower":[7.0,6.0])"));
}

TEST_CASE("a forecaster whose file does not fit together is not served") {
  fresh_folder("damaged");
  Forecaster forecaster = newest({}, AlarmOptions{.value = 1});
  std::filesystem::create_directories("damaged/road/1");
  Model model = forecaster.model();
  model.info().forecast = forecaster.config();  // without the errors
  model.save("damaged/road/1/model.h5");
  serve::Repository repository({.folder = "damaged"});
  REQUIRE(repository.status("road").size() == 1);
  CHECK_THAT(repository.status("road")[0].error, ContainsSubstring("intervals: expected errors beside them, got none"));
}

TEST_CASE("whatever the file of streams holds, streams go on") {
  fresh_folder("hostile");
  Road road(folder_with(newest({.coverage = 0.8, .rate = 0.1, .window = 9}, AlarmOptions{.value = 10}), "hostile"),
            {.stream_file = "hostile.jsonl"});
  {
    std::filesystem::remove("hostile.jsonl");
    serve::Protocol protocol(road.repository, {.stream_file = "hostile.jsonl"});
    for (int i = 0; i < 6; ++i)
      protocol.answer(post("/v1/streams/road/a", fmt::format(R"({{"sample": {}, "time": {}}})", 10 + i, 300 * i)));
  }
  const std::string good = content("hostile.jsonl");
  REQUIRE(good.find("\"errors\":[[") != std::string::npos);
  REQUIRE(good.find("\"pending\":[[") != std::string::npos);
  const Random random(3);
  const char* const pieces[] = {
      "-1", "1e999", "NaN", "null", "[",      "]",      "{}", "\"", "[[]]", "9223372036854775807",
      "0",  "\n",    ",",   "true", "1e-320", "\\u0000"};
  for (std::uint64_t i = 0; i < 300; ++i) {
    std::string changed = good;
    const std::size_t at = random.below(3 * i, changed.size()), length = random.below(3 * i + 1, 6);
    changed.replace(at, length, pieces[random.below(3 * i + 2, std::size(pieces))]);
    std::ofstream("hostile.jsonl") << changed;
    serve::Protocol protocol(road.repository, {.stream_file = "hostile.jsonl"});
    INFO(changed);
    for (int sample = 0; sample < 3; ++sample) {
      const Response said = protocol.answer(
          post("/v1/streams/road/a", fmt::format(R"({{"sample": 12, "time": {}}})", 300 * (6 + sample))));
      CHECK((said.status == 200 || said.status == 409));
    }
    CHECK(protocol.answer(tests::get("/v1/streams/road/a")).status == 200);
  }
}

TEST_CASE("streams that many threads push, while they are saved, answer as one thread would have it") {
  fresh_folder("many");
  std::filesystem::remove("many.jsonl");
  const IntervalOptions options{.coverage = 0.8, .rate = 0.1, .window = 9};
  folder_with(newest(options, AlarmOptions{.value = 10}), "many");
  Road road("many", {.stream_file = "many.jsonl", .stream_save = std::chrono::milliseconds(1)}), other("many");
  std::vector<std::string> last(4);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 200; ++i)
        last[static_cast<std::size_t>(thread)] = road.push(fmt::format("{}", thread), i % (7 + thread)).body;
    });
  for (std::thread& thread : threads) thread.join();
  for (int thread = 0; thread < 4; ++thread) {
    std::string expected;
    for (int i = 0; i < 200; ++i) expected = other.push(fmt::format("{}", thread), i % (7 + thread)).body;
    CHECK(last[static_cast<std::size_t>(thread)] == expected);
  }
}
