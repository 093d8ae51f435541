// Short predictions are answered by the thread that reads them; long ones, and those behind others, wait for another.
#include <thread>

#include "maas/serve/server.hpp"
#include "serve/asking.hpp"
#include "serve/estimate.hpp"
#include "serve/gate.hpp"
#include "serve/models.hpp"
#include "support/catch.hpp"
#include "support/http_client.hpp"

using namespace maas;
using namespace maas::tests;
using namespace std::chrono_literals;
using serve::likely_answer_time;

namespace {

constexpr auto unknown = std::chrono::nanoseconds::max();
const std::string short_body = R"({"instances": [[1, 2]]})";

// So many samples of two numbers.
std::string body_of(int rows) {
  std::string body = R"({"instances": [[1, 2])";
  for (int i = 1; i < rows; ++i) body += ",[1,2]";
  return body + "]}";
}

bool queue_reaches(int port, int count) { return metric_reaches(port, fmt::format("maas_queue_requests {}", count)); }

// Half a million products a sample: above the bound on any machine.
Network heavy() { return {input(Shape{2}, "x"), dense(4096, relu), dense(4096), dense(1)}; }

}  // namespace

TEST_CASE("a short prediction is answered while all threads are at others; a long one waits for them") {
  serve::Repository repository{serve::RepositoryOptions{}};
  repository.publish("affine", 1, affine());
  repository.publish("gated", 1, gated());
  repository.publish("heavy", 1, heavy());
  serve::Server server(repository, {.port = 0, .threads = 1, .at_once = 300us});
  HttpClient blocking(server.port()), client(server.port()), waiting(server.port()), behind(server.port());
  {
    const ClosedGate closed;
    blocking.send(post_text("/v1/models/gated:predict", R"({"instances": [1]})"));  // of no layer of maas: never here
    gate.wait_for(1);
    CHECK(client.ask("POST", "/v1/models/affine:predict", short_body).body == R"({"predictions":[[8.5]]})");
    CHECK(client.ask("POST", "/v1/models/affine/versions/1:predict", short_body).status == 200);
    CHECK(client.ask("POST", "/v1/models/affine:predict", "[]").status == 400);
    waiting.send(post_text("/v1/models/heavy:predict", short_body));
    CHECK(queue_reaches(server.port(), 1));
    CHECK(client.ask("POST", "/v1/models/affine:predict", short_body).status == 200);  // others' wait is not its own
    behind.send(post_text("/v1/models/affine:predict", body_of(4000)));                // that many take long
    CHECK(queue_reaches(server.port(), 2));
    client.send(post_text("/v1/models/affine:predict", short_body));  // joins the one before
    CHECK(queue_reaches(server.port(), 3));
  }
  CHECK(client.read().body == R"({"predictions":[[8.5]]})");
  CHECK(behind.read().status == 200);
  CHECK(waiting.read().status == 200);
  CHECK(blocking.read().status == 200);
}

TEST_CASE("a queue that is full of others refuses none that can be answered at once") {
  serve::Repository repository{serve::RepositoryOptions{}};
  repository.publish("affine", 1, affine());
  repository.publish("gated", 1, gated());
  repository.publish("heavy", 1, heavy());
  serve::Server server(repository, {.port = 0, .threads = 1, .at_once = 300us, .queue = 1});
  HttpClient blocking(server.port()), waiting(server.port()), client(server.port());
  {
    const ClosedGate closed;
    blocking.send(post_text("/v1/models/gated:predict", R"({"instances": [1]})"));
    gate.wait_for(1);
    waiting.send(post_text("/v1/models/heavy:predict", short_body));
    CHECK(queue_reaches(server.port(), 1));
    CHECK(client.ask("POST", "/v1/models/affine:predict", short_body).body == R"({"predictions":[[8.5]]})");
    CHECK(client.ask("POST", "/v1/models/heavy:predict", short_body).status == 503);
    CHECK(client.ask("POST", "/v1/models/affine:predict", body_of(4000)).status == 503);
    CHECK(client.ask("POST", "/v1/models/affine:predict", short_body).status == 200);
  }
  CHECK(waiting.read().status == 200);
  CHECK(blocking.read().status == 200);
}

TEST_CASE("what is answered at once has the same bits, and is counted the same") {
  serve::Repository repository{serve::RepositoryOptions{}};
  repository.publish("m", 1, Network{input(Shape{16}, "x"), dense(33, relu), dense(7, sigmoid)});
  std::string body = R"({"instances": [[0.1)";
  for (int i = 1; i < 16; ++i) body += fmt::format(",{}", 0.37 * i - 2);
  body += "]]}";
  std::vector<std::string> bodies;
  for (const auto at_once : {0us, 1'000'000us}) {
    const serve::Server server(repository, {.port = 0, .at_once = at_once});
    HttpClient client(server.port());
    bodies.push_back(client.ask("POST", "/v1/models/m:predict", body).body);
    CHECK(client.ask("POST", "/v1/models/m:predict", R"({"instances": [[1]]})").status == 400);
    const std::string metrics = client.ask("GET", "/metrics").body;
    for (const char* line : {R"(maas_requests_total{api="v1",model="m",version="1",code="200"} 1)",
                             R"(maas_requests_total{api="v1",model="m",version="1",code="400"} 1)",
                             R"(maas_executions_total{model="m",version="1"} 1)"})
      CHECK(metrics.find(fmt::format("\n{}\n", line)) != std::string::npos);
    const std::string statistics = client.ask("GET", "/v2/models/m/stats").body;
    CHECK(statistics.find(R"("success":{"count":1,)") != std::string::npos);
    CHECK(statistics.find(R"("fail":{"count":1,)") != std::string::npos);
  }
  CHECK(bodies[0].starts_with(R"({"predictions":[[)"));
  CHECK(bodies[0] == bodies[1]);
}

TEST_CASE("how long an answer takes is told by what runs took, and by how much is read and written") {
  serve::Servable servable{.model = "m", .network = affine()};
  servable.inputs = {{"x", Shape{2}}};
  servable.outputs = {{"y", Shape{1}}};
  CHECK(likely_answer_time(servable, 20, 1) == unknown);  // nothing was measured
  servable.run_costs = {{1, 1000ns}, {2, 1500ns}, {4, 2500ns}};
  CHECK(likely_answer_time(servable, 0, 1) == 1060ns);    // 60 ns a number written
  CHECK(likely_answer_time(servable, 100, 1) == 1460ns);  // 4 ns a byte read
  CHECK(likely_answer_time(servable, 0, 3) == 2680ns);
  CHECK(likely_answer_time(servable, 0, 5) == unknown);

  const std::string one = R"({"instances":[[1,2]]})", three = R"({"instances":[[1,2],[3,4],[5,6]]})";
  const auto of = [&](const serve::Request& request) { return likely_answer_time(servable, request); };
  CHECK(of(post("/", one)) == likely_answer_time(servable, one.size(), 1));
  CHECK(of(post("/", three)) == likely_answer_time(servable, three.size(), 3));
  const std::string json = R"({"inputs":[{"name":"x"}]})";
  CHECK(of(post_binary("/", json, bytes_of({1, 2, 3, 4}))) == likely_answer_time(servable, json.size() + 16, 2));
  // Two bytes a number at the least: where even that is short enough, nothing is counted.
  const auto longest = likely_answer_time(servable, one.size(), 4);  // 21 bytes: at most 11 numbers, which is 5 samples
  CHECK(likely_answer_time(servable, post("/", one), longest) == likely_answer_time(servable, one.size(), 1));
  servable.run_costs.push_back({8, 4500ns});
  const auto bound = likely_answer_time(servable, one.size(), 5);
  CHECK(likely_answer_time(servable, post("/", one), bound) == bound);
  CHECK(likely_answer_time(servable, post("/", one), bound - 1ns) == likely_answer_time(servable, one.size(), 1));
  servable.run_costs.pop_back();
  CHECK(of(post("/", one, {{"Content-Encoding", "gzip"}})) == unknown);
  CHECK(of(post("/", one + std::string(64 << 10, ' '))) == unknown);
}

TEST_CASE("a time that is none is refused") {
  const serve::Repository repository{serve::RepositoryOptions{}};
  CHECK_THROWS_AS(serve::Server(repository, {.port = 0, .at_once = -1us}), ConfigError);
  CHECK_THROWS_AS(serve::Server(repository, {.port = 0, .at_once = 1'000'001us}), ConfigError);
}
