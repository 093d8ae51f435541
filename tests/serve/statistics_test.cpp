// Statistics of versions, their configuration, and traffic that is shared out or copied.
#include <algorithm>
#include <thread>

#include "maas/serve/protocol.hpp"
#include "serve/metrics.hpp"
#include "serve/models.hpp"
#include "serve/shadow.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

struct CountedService {
  serve::Repository repository{
      serve::RepositoryOptions{.models = {{"m", {.policy = serve::VersionPolicy{.count = 2}}}}}};
  serve::Protocol protocol;
  explicit CountedService(serve::ProtocolOptions options = {}) : protocol(repository, std::move(options)) {
    repository.publish("m", 1, affine(1));
    repository.publish("m", 2, affine(2));
    repository.publish("joined", 1, joined());
  }
  std::string get(std::string_view path) { return protocol.answer(tests::get(path)).body; }
  std::string predict(const char* path = "/v1/models/m:predict") {
    return protocol.answer(post(path, R"({"instances": [[1, 1], [0, 0]]})")).body;
  }
  bool metric_reaches(const std::string& line) {
    for (int i = 0; i < 2000; ++i) {
      if (get("/metrics").find("\n" + line + "\n") != std::string::npos) return true;
      std::this_thread::sleep_for(2ms);
    }
    return false;
  }
};

}  // namespace

TEST_CASE("statistics count answers, runs and samples of each version") {
  CountedService served;
  for (int i = 0; i < 3; ++i) served.predict();
  served.predict("/v1/models/m/versions/1:predict");
  served.protocol.answer(post("/v1/models/m:predict", "{}"));
  const std::string stats = served.get("/v2/models/m/versions/2/stats");
  CHECK_THAT(stats, ContainsSubstring(R"({"model_stats":[{"name":"m","version":"2","last_inference":)"));
  CHECK_THAT(stats, ContainsSubstring(R"("inference_count":6,"execution_count":3,)"));
  CHECK_THAT(stats, ContainsSubstring(R"("success":{"count":3,"ns":)"));
  CHECK_THAT(stats, ContainsSubstring(R"("fail":{"count":1,"ns":)"));
  CHECK_THAT(stats, ContainsSubstring(R"("compute_output":{"count":3,"ns":)"));
  // All were of this size.
  const auto sum_of = [&](const char* name) {
    const std::size_t begin = stats.find(name);
    return stats.substr(begin, stats.find('}', begin) + 1 - begin);
  };
  CHECK_THAT(sum_of(R"("compute_input":)"), ContainsSubstring(R"({"count":3,"ns":)"));
  CHECK_THAT(stats, ContainsSubstring(fmt::format(
                        R"("cache_miss":{{"count":0,"ns":0}}}},"batch_stats":[{{"batch_size":2,{},{},{}}}])",
                        sum_of(R"("compute_input":)"), sum_of(R"("compute_infer":)"), sum_of(R"("compute_output":)"))));
  CHECK_THAT(served.get("/v2/models/m/versions/1/stats"),
             ContainsSubstring(R"("inference_count":2,"execution_count":1,)"));
  const std::string all = served.get("/v2/models/stats");
  for (const char* part : {R"("name":"joined","version":"1","last_inference":0,"inference_count":0)",
                           R"("name":"m","version":"1")", R"("name":"m","version":"2")"})
    CHECK_THAT(all, ContainsSubstring(part));
  CHECK(served.get("/v2/models/m/stats").find("joined") == std::string::npos);
  CHECK(served.protocol.answer(tests::get("/v2/models/none/stats")).status == 404);
  CHECK(served.protocol.answer(tests::get("/v2/models/m/versions/9/stats")).status == 404);
  CHECK_THAT(served.get("/v2"), ContainsSubstring(R"("statistics","model_configuration")"));
}

TEST_CASE("counts are told under Triton's names where that is asked for") {
  CountedService usual, as_triton({.triton_metrics = true});
  as_triton.protocol.set_gauges([](const void*) { return serve::Gauges{.queued_of_models = {{"m", 4}}}; }, nullptr);
  for (CountedService* each : {&usual, &as_triton}) {
    for (int i = 0; i < 3; ++i) each->predict();
    each->predict("/v1/models/m/versions/1:predict");
    each->protocol.answer(post("/v1/models/m:predict", "{}"));
  }
  CHECK(usual.get("/metrics").find("nv_") == std::string::npos);
  const std::string metrics = as_triton.get("/metrics");
  for (const char* line :
       {"# TYPE nv_inference_count counter", R"(nv_inference_request_success{model="m",version="2"} 3)",
        R"(nv_inference_request_failure{model="m",version="2"} 1)", R"(nv_inference_count{model="m",version="2"} 6)",
        R"(nv_inference_exec_count{model="m",version="1"} 1)", R"(nv_inference_count{model="joined",version="1"} 0)",
        R"(nv_inference_pending_request_count{model="m",version="2"} 4)",
        R"(nv_inference_queue_duration_us{model="m",version="2"} )",
        R"(nv_inference_request_duration_us{model="m",version="2"} )",
        R"(nv_inference_compute_infer_duration_us{model="m",version="2"} )"})
    CHECK_THAT(metrics, ContainsSubstring(line));
}

TEST_CASE("metrics count each version on its own, and what chose none without one") {
  CountedService served;
  served.repository.set_traffic("m", serve::Canary{1, 0.5}, {});
  for (int i = 0; i < 4; ++i) served.predict();
  for (int i = 0; i < 4; ++i) served.protocol.answer(post("/v1/models/m:predict", "{}"));  // the canary has its half
  served.predict("/v1/models/m/versions/2:predict");
  CHECK(served.protocol.answer(post("/v1/models/m/versions/9:predict", "{}")).status == 404);
  served.get("/v1/models/m");
  const std::string metrics = served.get("/metrics");
  for (const char* line :
       {R"(maas_requests_total{api="v1",model="m",version="1",code="200"} 2)",
        R"(maas_requests_total{api="v1",model="m",version="1",code="400"} 2)",
        R"(maas_requests_total{api="v1",model="m",version="2",code="200"} 3)",
        R"(maas_requests_total{api="v1",model="m",version="2",code="400"} 2)",
        R"(maas_requests_total{api="v1",model="m",version="",code="404"} 1)",
        R"(maas_requests_total{api="v1",model="m",version="",code="200"} 1)",
        R"(maas_request_duration_seconds_count{model="m",version="1"} 4)",
        R"(maas_request_duration_seconds_count{model="m",version="2"} 5)",
        R"(maas_request_duration_seconds_count{model="m",version=""} 2)",
        R"(maas_executions_total{model="m",version="1"} 2)", R"(maas_executions_total{model="m",version="2"} 3)",
        R"(maas_inferences_total{model="m",version="1"} 4)", R"(maas_inferences_total{model="m",version="2"} 6)",
        R"(maas_compute_duration_seconds_count{model="m",version="1"} 2)",
        R"(maas_queue_duration_seconds_count{model="m",version="2"} 3)",
        R"(maas_batch_rows_bucket{model="m",version="2",le="2"} 3)", R"(maas_batch_rows_sum{model="m",version="1"} 4)"})
    CHECK_THAT(metrics, ContainsSubstring(fmt::format("\n{}\n", line)));
  CHECK(metrics.find(R"(version="9")") == std::string::npos);
  CHECK(metrics.find(R"(maas_executions_total{model="m",version=""})") == std::string::npos);
  // Statistics tell the same.
  CHECK_THAT(served.get("/v2/models/m/versions/1/stats"),
             ContainsSubstring(R"("inference_count":4,"execution_count":2,)") &&
                 ContainsSubstring(R"("success":{"count":2,)") && ContainsSubstring(R"("fail":{"count":2,)"));
  CHECK_THAT(served.get("/v2/models/m/versions/2/stats"),
             ContainsSubstring(R"("inference_count":6,"execution_count":3,)") &&
                 ContainsSubstring(R"("success":{"count":3,)") && ContainsSubstring(R"("fail":{"count":2,)"));
}

TEST_CASE("series of versions that are gone go, and 1000 that come and go leave nothing") {
  CountedService served;
  serve::Metrics metrics(served.repository);
  const Network network = affine();
  const auto take_up = [&](int version) {
    served.repository.publish("m", version, network);
    CHECK(served.predict() == R"({"predictions":[[5.5],[0.5]]})");
    metrics.count_request("v1", "m", version, 200, 1ms);
    metrics.count_prediction("m", version, 1, 1ms, [](const auto&) {});
  };
  const auto series = [&] {
    const std::string text = served.get("/metrics");
    return std::count(text.begin(), text.end(), '\n');
  };
  for (int version = 3; version <= 10; ++version) take_up(version);
  CHECK(served.get("/metrics").find(R"(model="m",version="8")") == std::string::npos);
  CHECK_THAT(served.get("/metrics"), ContainsSubstring(R"(maas_executions_total{model="m",version="9"} 1)"));
  CHECK_THAT(served.get("/metrics"), ContainsSubstring(R"(maas_executions_total{model="m",version="10"} 1)"));
  const auto before = series();
  for (int version = 11; version <= 1010; ++version) take_up(version);
  CHECK(series() == before);
  CHECK(metrics.size() <= 64);
  const std::string text = metrics.text(true, {});
  CHECK_THAT(text, ContainsSubstring(R"(maas_executions_total{model="m",version="1010"} 1)"));
  CHECK(text.find(R"(version="1008")") == std::string::npos);
}

TEST_CASE("a model's configuration is told as Triton tells it") {
  CountedService served;
  CHECK(served.get("/v2/models/m/config") ==
        R"({"name":"m","platform":"maas","backend":"maas","max_batch_size":4096,)"
        R"("version_policy":{"latest":{"num_versions":2}},"input":[{"name":"x","data_type":"TYPE_FP32","dims":[2]}],)"
        R"("output":[{"name":"y","data_type":"TYPE_FP32","dims":[1]}],)"
        R"("dynamic_batching":{"max_queue_delay_microseconds":0}})");
}

TEST_CASE("a canary gets its share, evenly, and named versions are not its") {
  CountedService served;
  served.repository.set_traffic("m", serve::Canary{2, 0.25}, {});
  const std::string one = R"({"predictions":[[5.5],[0.5]]})", two = R"({"predictions":[[10.5],[0.5]]})";
  for (int i = 1; i <= 40; ++i) CHECK(served.predict() == (i % 4 == 0 ? two : one));
  CHECK(served.predict("/v1/models/m/versions/1:predict") == one);
  served.repository.set_traffic("m", serve::Canary{9, 1}, {});  // it is not there: all goes on
  CHECK(served.predict() == two);
  served.repository.set_traffic("m", serve::Canary{1, 1}, {});
  for (int i = 0; i < 4; ++i) CHECK(served.predict() == one);
  served.repository.set_traffic("m", serve::Canary{1, 0}, {});
  for (int i = 0; i < 4; ++i) CHECK(served.predict() == two);
}

TEST_CASE("a shadow is asked the same, and its differences are told") {
  CountedService served;
  served.repository.set_traffic("m", {}, 1);
  for (int i = 0; i < 4; ++i) CHECK(served.predict() == R"({"predictions":[[10.5],[0.5]]})");
  CHECK(served.metric_reaches(R"(maas_shadow_requests_total{model="m"} 4)"));
  CHECK(served.metric_reaches(R"(maas_shadow_numbers_total{model="m"} 8)"));
  CHECK(served.metric_reaches(R"(maas_shadow_difference_sum{model="m"} 20)"));  // 5 and 0, four times
  CHECK(served.metric_reaches(R"(maas_shadow_difference_largest{model="m"} 5)"));
  served.predict("/v1/models/m/versions/2:predict");
  CHECK_THAT(served.get("/metrics"), ContainsSubstring(R"(maas_shadow_requests_total{model="m"} 4)"));
}

TEST_CASE("a shadow that cannot be asked the same is counted, and stops nothing") {
  serve::Repository repository{serve::RepositoryOptions{}};
  repository.publish("m", 1, joined());
  serve::Shadow shadow;
  shadow.compare(repository.find("m"), {Matrix::Ones(1, 2)}, {Matrix::Ones(1, 1)});
  shadow.wait();
  std::string text;
  shadow.append_metrics(text);
  CHECK_THAT(text, ContainsSubstring(R"(maas_shadow_failed_total{model="m"} 1)"));
  CHECK_THAT(text, ContainsSubstring(R"(maas_shadow_requests_total{model="m"} 0)"));
}

TEST_CASE("traffic is set by a call") {
  CountedService served;
  serve::Protocol protocol(served.repository, {.open_admin = true});
  const auto ask = [&](std::string body) {
    return protocol.answer(post("/maas/v1/models/m/traffic", std::move(body)));
  };
  const serve::Response response = ask(R"({"canary": {"version": 2, "share": 0.5}, "shadow": 2})");
  CHECK(response.status == 200);
  CHECK_THAT(response.body, ContainsSubstring(R"("canary":{"version":2,"share":0.5},"shadow":2)"));
  CHECK(ask(R"({"canary": {"version": 2}})").status == 400);
  CHECK(ask(R"({"canary": {"version": 2, "share": 7}})").status == 400);
  CHECK(ask(R"({"shadow": "2"})").status == 400);
  CHECK(ask("").status == 200);
  CHECK_FALSE(served.repository.settings("m").canary);
}
