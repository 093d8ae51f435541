// Requests that wait are joined; each is answered as it would be alone.
#include "serve/batching.hpp"

#include <array>
#include <atomic>
#include <cstring>
#include <future>
#include <new>
#include <set>
#include <thread>

#include "maas/serve/server.hpp"
#include "serve/asking.hpp"
#include "serve/gate.hpp"
#include "serve/models.hpp"
#include "serve/workers.hpp"
#include "support/catch.hpp"
#include "support/http_client.hpp"

using namespace maas;
using namespace maas::tests;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

// Its answers depend on the rows beside: y = x + the batch's first number.
struct Coupled {
  static constexpr std::string_view class_name = "Coupled";
  LayerPlan plan(Shapes inputs) const { return {.output = inputs[0]}; }
  void forward(const Forward& pass) const {
    MatrixView(pass.output) = (pass.inputs[0].array() + pass.inputs[0](0, 0)).matrix();
  }
  void backward(const Backward&) const {}
};

struct Pending final : serve::PendingAnswer {
  serve::Request asked{};
  std::promise<serve::Response> promise{};
  std::atomic<bool> cancelled = false;
  const serve::Request& request() const override { return asked; }
  void finish(serve::Response response) override { promise.set_value(std::move(response)); }
  bool is_cancelled() const override { return cancelled; }
  std::string answer() { return promise.get_future().get().body; }
};

Network wide() { return {input(Shape{64}, "x"), dense(256, relu), dense(5).named("y")}; }

// Numbers that differ from request to request.
std::string body_of(int request, int rows) {
  std::string body = R"({"instances": [)";
  for (int row = 0; row < rows; ++row) {
    body += row == 0 ? "[" : ",[";
    for (int i = 0; i < 64; ++i)
      body += fmt::format("{}{}", i == 0 ? "" : ",", static_cast<double>((request * 31 + row * 7 + i) % 17) / 8 - 1);
    body += "]";
  }
  return body + "]}";
}

}  // namespace

TEST_CASE("a queue becomes one run, and its answers are those of each alone, bit for bit") {
  serve::Repository repository{serve::RepositoryOptions{}};
  repository.publish("gated", 1, gated());
  repository.publish("wide", 1, wide());
  // What is measured may meet another process.
  for (int i = 0; i < 20 && repository.find("wide")->batch_rows < 8; ++i) repository.publish("wide", 1, wide());
  REQUIRE(repository.find("wide")->batch_rows >= 8);
  constexpr int requests = 8;
  for (const bool batching : {true, false}) {
    serve::Server server(repository, {.port = 0, .threads = 1, .batching = batching, .at_once = 0us});
    std::vector<std::string> alone;
    HttpClient client(server.port());
    for (int i = 0; i < requests; ++i)
      alone.push_back(client.ask("POST", "/v1/models/wide:predict", body_of(i, 1)).body);
    std::vector<std::unique_ptr<HttpClient>> waiting;
    {
      const ClosedGate closed;
      client.send(post_text("/v1/models/gated:predict", R"({"instances": [1]})"));
      gate.wait_for(1);
      for (int i = 0; i < requests; ++i) {
        waiting.push_back(std::make_unique<HttpClient>(server.port()));
        waiting.back()->send(post_text("/v1/models/wide:predict", body_of(i, 1)));
      }
      CHECK(metric_reaches(server.port(), fmt::format("maas_queue_requests {}", requests)));
    }
    for (int i = 0; i < requests; ++i) {
      const HttpAnswer answer = waiting[static_cast<std::size_t>(i)]->read();
      CHECK(answer.status == 200);
      CHECK(answer.body == alone[static_cast<std::size_t>(i)]);
    }
    CHECK(client.read().status == 200);
    const int runs = requests + (batching ? 1 : requests);
    CHECK(metric_reaches(server.port(), fmt::format(R"(maas_executions_total{{model="wide",version="1"}} {})", runs)));
    CHECK(metric_reaches(server.port(),
                         fmt::format(R"(maas_inferences_total{{model="wide",version="1"}} {})", 2 * requests)));
    // Which runs these were: one of each alone, then one of all, or all alone again.
    const std::string statistics = client.ask("GET", "/v2/models/wide/stats").body;
    const auto has = [&](int rows, int times) {
      return statistics.find(fmt::format(R"({{"batch_size":{},"compute_input":{{"count":{},)", rows, times)) !=
             std::string::npos;
    };
    CHECK(has(1, batching ? requests : 2 * requests));
    CHECK(has(requests, 1) == batching);
  }
}

TEST_CASE("workers join what waits, in its order, and look for company only where there is some") {
  std::atomic<int> looks{0};
  const auto alone = [](const serve::Request& request) -> serve::Response {
    if (request.path == "gate") gate.pass();
    return {.body = "alone " + request.path};
  };
  serve::Workers workers(1, 8, alone,
                         {.key = [](const serve::Request& request) { return request.method; },
                          .most =
                              [&](const serve::Request&) {
                                ++looks;
                                return std::size_t{2};
                              },
                          .answer =
                              [](std::span<const serve::Request* const> all) {
                                std::vector<serve::Response> responses;
                                for (const serve::Request* each : all)
                                  responses.push_back({.body = fmt::format("{} of {}", each->path, all.size())});
                                return responses;
                              }});
  for (int i = 0; i < 100; ++i) {
    Pending one;
    one.asked = {.method = "a", .path = "x"};
    REQUIRE(workers.add(one) == serve::Room::enough);
    REQUIRE(one.answer() == "alone x");
  }
  CHECK(looks == 0);

  Pending blocking;
  std::array<Pending, 6> waiting;
  blocking.asked = {.method = "g", .path = "gate"};
  const std::array<const char*, 6> keys{"a", "b", "a", "a", "b", "c"};
  {
    const ClosedGate closed;
    REQUIRE(workers.add(blocking) == serve::Room::enough);
    gate.wait_for(1);
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      waiting[i].asked = {.method = keys[i], .path = std::to_string(i)};
      REQUIRE(workers.add(waiting[i]) == serve::Room::enough);
    }
    for (const char* key : {"a", "b", "c"}) CHECK(workers.has_waiting(key));
    CHECK_FALSE(workers.has_waiting("g"));
    CHECK(workers.queued() == 6);
  }
  CHECK(blocking.answer() == "alone gate");
  const std::array<const char*, 6> expected{"0 of 2", "1 of 2", "2 of 2", "alone 3", "4 of 2", "alone 5"};
  for (std::size_t i = 0; i < waiting.size(); ++i) CHECK(waiting[i].answer() == expected[i]);
  CHECK(looks == 2);
  for (const char* key : {"a", "b", "c"}) CHECK_FALSE(workers.has_waiting(key));
}

TEST_CASE("workers run nothing that was cancelled while it waited, neither alone nor together with others") {
  std::vector<std::string> ran;  // on the worker's thread alone
  std::atomic<bool> has_memory = true;
  const auto alone = [&](const serve::Request& request) -> serve::Response {
    if (request.path == "gate") gate.pass();
    ran.push_back(request.path);
    return {.body = "alone " + request.path};
  };
  serve::Workers workers(
      1, 8, alone,
      {.key = [](const serve::Request& request) { return request.method; },
       .most = [](const serve::Request&) { return std::size_t{8}; },
       .answer =
           [&](std::span<const serve::Request* const> all) {
             std::vector<serve::Response> responses;
             for (const serve::Request* each : all) {
               ran.push_back(each->path);
               responses.push_back({.body = fmt::format("{} of {}", each->path, all.size())});
             }
             return responses;
           }},
      {.model = [](const serve::Request& request) { return std::string_view(request.method); }, .most = 4}, {},
      [&](const serve::Request& request) -> serve::Response {
        if (!has_memory) throw std::bad_alloc();
        return {.body = "cancelled " + request.path};
      });
  const std::array<const char*, 8> keys{"a", "b", "a", "a", "b", "c", "a", ""};
  const std::set<std::size_t> cancelled{0, 4, 5, 6, 7};
  for (int round = 0; round < 2; ++round) {
    has_memory = round == 0;
    ran.clear();
    Pending blocking;
    std::array<Pending, 8> waiting;
    blocking.asked = {.method = "g", .path = "gate"};
    {
      const ClosedGate closed;
      REQUIRE(workers.add(blocking) == serve::Room::enough);
      gate.wait_for(1);
      for (std::size_t i = 0; i < waiting.size(); ++i) {
        waiting[i].asked = {.method = keys[i], .path = std::to_string(i)};
        REQUIRE(workers.add(waiting[i]) == serve::Room::enough);
      }
      blocking.cancelled = true;  // it runs, and that is not ended
      for (const std::size_t i : cancelled) waiting[i].cancelled = true;
      CHECK(workers.queued() == 8);
    }
    CHECK(blocking.answer() == "alone gate");
    for (const std::size_t i : cancelled)
      CHECK(waiting[i].answer() ==
            (round == 0 ? fmt::format("cancelled {}", i) : R"({"error":"cancelled while waiting"})"));
    CHECK(waiting[1].answer() == "alone 1");
    CHECK(waiting[2].answer() == "2 of 2");
    CHECK(waiting[3].answer() == "3 of 2");
    CHECK(workers.queued() == 0);
    CHECK(workers.queued_rows() == 0);
    for (const auto& [model, count] : workers.queued_of_models()) CHECK(count == 0);
    CHECK(ran == std::vector<std::string>{"gate", "2", "3", "1"});
  }
}

TEST_CASE("a model has its share of the queue and no more, whether its requests are taken alone or together") {
  using serve::Room;
  for (const bool joins : {false, true}) {
    CAPTURE(joins);
    serve::Joining joining;
    if (joins)
      joining = {.key = [](const serve::Request& request) { return request.path; },
                 .most = [](const serve::Request&) { return std::size_t{8}; },
                 .answer =
                     [](std::span<const serve::Request* const> all) {
                       return std::vector<serve::Response>(all.size(), serve::Response{.body = "together"});
                     }};
    serve::Workers workers(
        1, 5,
        [](const serve::Request& request) -> serve::Response {
          if (request.path == "gate") gate.pass();
          return {.body = "alone"};
        },
        joining, {.model = [](const serve::Request& request) { return std::string_view(request.method); }, .most = 2});
    for (int round = 0; round < 2; ++round) {  // what was taken leaves its room
      Pending blocking;
      blocking.asked = {.method = "", .path = "gate"};  // of no model
      std::array<Pending, 8> waiting;
      const std::array<const char*, 8> models{"a", "a", "a", "b", "b", "c", "b", "d"};
      const std::array<Room, 8> expected{Room::enough, Room::enough, Room::none_for_model, Room::enough,
                                         Room::enough, Room::enough, Room::none_for_model, Room::none};
      {
        const ClosedGate closed;
        REQUIRE(workers.add(blocking) == Room::enough);
        gate.wait_for(1);
        CHECK(workers.has_room_for_all());
        for (std::size_t i = 0; i < waiting.size(); ++i) {
          waiting[i].asked = {.method = models[i], .path = models[i]};
          waiting[i].asked.arrived -= std::chrono::seconds(i == 0 ? 3 : 0);
          CHECK(workers.room(models[i]) == expected[i]);
          CHECK(workers.add(waiting[i]) == expected[i]);
        }
        CHECK_FALSE(workers.has_room_for_all());
        CHECK(workers.queued() == 5);
        CHECK(workers.likely_wait() >= 3s);
        CHECK(workers.likely_wait() < 60s);
      }
      CHECK(blocking.answer() == "alone");
      for (std::size_t i = 0; i < waiting.size(); ++i)
        if (expected[i] == Room::enough)
          CHECK(waiting[i].answer() == (joins && std::string_view(models[i]) != "c" ? "together" : "alone"));
      CHECK(workers.likely_wait() == 0ns);
    }
  }
}

TEST_CASE("a model has its share of samples in the queue, and one request alone may have more") {
  using serve::Room;
  serve::Workers workers(
      1, 100,
      [](const serve::Request& request) -> serve::Response {
        if (request.path == "gate") gate.pass();
        return {.body = "done"};
      },
      {},
      {.model = [](const serve::Request& request) { return std::string_view(request.method); },
       .claim = [](const serve::Request& request) { return serve::QueueClaim{.rows = request.body.size()}; },
       .most_rows = 10});
  for (int round = 0; round < 2; ++round) {
    Pending blocking;
    blocking.asked = {.method = "", .path = "gate"};
    const std::array<const char*, 6> models{"a", "a", "a", "b", "b", "c"};
    const std::array<std::size_t, 6> rows{6, 5, 4, 50, 1, 10};
    const std::array<Room, 6> expected{Room::enough, Room::none_for_model, Room::enough,
                                       Room::enough, Room::none_for_model, Room::enough};
    std::array<Pending, 6> waiting;
    {
      const ClosedGate closed;
      REQUIRE(workers.add(blocking) == Room::enough);
      gate.wait_for(1);
      for (std::size_t i = 0; i < waiting.size(); ++i) {
        waiting[i].asked = {.method = models[i], .body = std::string(rows[i], 'x')};
        CHECK(workers.add(waiting[i]) == expected[i]);
      }
      CHECK(workers.queued_rows() == 70);
      CHECK(workers.room("a") == Room::none_for_model);  // told before a body comes
      CHECK(workers.room("d") == Room::enough);
      const std::vector<std::pair<std::string, std::size_t>> of_models{{"a", 2}, {"b", 1}, {"c", 1}};
      CHECK(workers.queued_of_models() == of_models);
    }
    CHECK(blocking.answer() == "done");
    for (std::size_t i = 0; i < waiting.size(); ++i)
      if (expected[i] == Room::enough) CHECK(waiting[i].answer() == "done");
    CHECK(workers.queued_rows() == 0);
  }
}

TEST_CASE("a model may have another share of the queue than others, as its last request has said") {
  using serve::Room;
  serve::QueueClaim of_a{.most = 1, .most_rows = 20};
  serve::Workers workers(1, 100,
                         [](const serve::Request& request) -> serve::Response {
                           if (request.path == "gate") gate.pass();
                           return {.body = "done"};
                         },
                         {},
                         {.model = [](const serve::Request& request) { return std::string_view(request.method); },
                          .most = 3,
                          .claim =
                              [&](const serve::Request& request) {
                                serve::QueueClaim claim = request.method == "a" ? of_a : serve::QueueClaim();
                                claim.rows = request.body.size();
                                return claim;
                              },
                          .most_rows = 10});
  Pending blocking;
  blocking.asked = {.method = "", .path = "gate"};
  std::array<Pending, 8> waiting;
  std::size_t next = 0;
  const auto add = [&](const char* model, std::size_t rows) {
    waiting[next].asked = {.method = model, .body = std::string(rows, 'x')};
    const Room room = workers.add(waiting[next]);
    next += room == Room::enough;
    return room;
  };
  {
    const ClosedGate closed;
    REQUIRE(workers.add(blocking) == Room::enough);
    gate.wait_for(1);
    CHECK(workers.has_room_for_all());
    CHECK(add("a", 1) == Room::enough);
    CHECK_FALSE(workers.has_room_for_all());  // that model's share is full: told before a body comes
    CHECK(workers.room("a") == Room::none_for_model);
    CHECK(workers.room("b") == Room::enough);
    CHECK(add("a", 1) == Room::none_for_model);
    CHECK(add("b", 4) == Room::enough);
    CHECK(add("b", 6) == Room::enough);
    CHECK(add("b", 1) == Room::none_for_model);  // others have the share of all
    of_a = {.most = 3, .most_rows = 20};
    CHECK(add("a", 18) == Room::enough);  // more samples than others
    CHECK(workers.room("a") == Room::enough);
    CHECK(add("a", 2) == Room::none_for_model);
    CHECK(add("a", 1) == Room::enough);
    of_a = {};
    CHECK(add("a", 1) == Room::none_for_model);
    CHECK(workers.queued() == 5);
  }
  CHECK(blocking.answer() == "done");
  for (std::size_t i = 0; i < next; ++i) CHECK(waiting[i].answer() == "done");
  CHECK(workers.has_room_for_all());
}

TEST_CASE("who cannot be answered in time is told so at once, and who waits too long when it is too long") {
  using serve::Room;
  std::atomic<int> answered{0};
  serve::Workers workers(
      1, 100,
      [&](const serve::Request& request) -> serve::Response {
        if (request.path == "gate") gate.pass();
        if (request.path == "slow") std::this_thread::sleep_for(100ms);
        ++answered;
        return {.body = "done"};
      },
      {}, {},
      {.of =
           [](const serve::Request& request) {
             return request.arrived + std::chrono::milliseconds(std::stoi(request.body));
           },
       .late = [](const serve::Request&) -> serve::Response { return {.status = 504, .body = "late"}; }});
  const auto asked = [](const char* path, const char* ms) { return serve::Request{.path = path, .body = ms}; };
  Pending first;
  first.asked = asked("slow", "60000");
  REQUIRE(workers.add(first) == Room::enough);
  CHECK(first.answer() == "done");
  Pending blocking, hasty, patient, other, refused;
  {
    const ClosedGate closed;
    blocking.asked = asked("gate", "60000");
    REQUIRE(workers.add(blocking) == Room::enough);
    gate.wait_for(1);
    hasty.asked = asked("quick", "50");  // nobody waits before it
    REQUIRE(workers.add(hasty) == Room::enough);
    patient.asked = asked("quick", "60000");
    REQUIRE(workers.add(patient) == Room::enough);
    CHECK(hasty.answer() == "late");  // while the only thread is at work
    CHECK(workers.queued() == 1);
    other.asked = asked("quick", "60000");
    REQUIRE(workers.add(other) == Room::enough);
    CHECK(workers.likely_wait() >= 100ms);
    refused.asked = asked("quick", "50");  // two are before it, and one took 100 ms
    CHECK(workers.add(refused) == Room::none_in_time);
    CHECK(workers.queued() == 2);
  }
  for (Pending* each : {&blocking, &patient, &other}) CHECK(each->answer() == "done");
  CHECK(answered == 4);
}

TEST_CASE("models that come and go leave no counts without end") {
  serve::Workers workers(
      1, 2, [](const serve::Request&) { return serve::Response(); }, {},
      {.model = [](const serve::Request& request) { return std::string_view(request.path); }, .most = 1});
  for (int i = 0; i < 3000; ++i) {
    Pending one;
    one.asked.path = std::to_string(i);
    REQUIRE(workers.add(one) == serve::Room::enough);
    one.answer();
  }
}

TEST_CASE("an answer goes out as soon as a worker has it, though the thread that sends it sleeps") {
  serve::Repository repository{serve::RepositoryOptions{}};
  repository.publish("gated", 1, gated());
  const serve::Server server(repository, {.port = 0, .threads = 1});
  HttpClient client(server.port());
  constexpr int rounds = 20;
  int quick = 0;  // one that is not may have met another process; looks once a second would wake it in a few
  for (int i = 0; i < rounds; ++i) {
    {
      const ClosedGate closed;
      client.send(post_text("/v1/models/gated:predict", R"({"instances": [1]})"));
      gate.wait_for(1);
      std::this_thread::sleep_for(30ms);  // nothing else moves: it sleeps
    }
    const auto opened = std::chrono::steady_clock::now();
    CHECK(client.read().status == 200);
    quick += std::chrono::steady_clock::now() - opened < 200ms;
  }
  CHECK(quick > rounds / 2);
}

TEST_CASE("what runs cost is measured for networks of maas' own layers, and not told of others") {
  serve::MeasuredRuns runs = serve::measured_runs(wide());
  for (int i = 0; i < 20 && runs.costs.size() < 2; ++i)
    runs = serve::measured_runs(wide());  // another process may come
  REQUIRE(runs.costs.size() >= 2);
  for (std::size_t i = 0; i < runs.costs.size(); ++i) {
    CHECK(runs.costs[i].rows == Index{1} << i);
    CHECK(runs.costs[i].time > 0ns);
  }
  CHECK(serve::measured_runs(gated()).costs.empty());
}

TEST_CASE("requests of all kinds run together, each with its own fate") {
  serve::Repository repository{serve::RepositoryOptions{}};
  repository.publish("wide", 1, wide());
  repository.publish("affine", 1, affine());
  serve::Protocol protocol(repository, {});
  std::vector<serve::Request> requests;
  for (int i = 0; i < 3; ++i) requests.push_back(post("/v1/models/wide:predict", body_of(i, 2)));
  std::string flat;
  for (int i = 0; i < 64; ++i) flat += fmt::format("{}{}", i == 0 ? "" : ",", i % 5);
  requests.push_back(
      post("/v2/models/wide/infer",
           R"({"id":"a","inputs":[{"name":"x","shape":[1,64],"datatype":"FP32","data":[)" + flat + "]}]}"));
  requests.push_back(post("/v1/models/wide:predict", R"({"instances": [[1]]})"));
  requests.push_back(post("/v1/models/affine:predict", R"({"instances": [[1, 2]]})"));
  requests.push_back(post("/v1/models/none:predict", "{}"));
  requests.push_back(post("/v1/models/wide:predict", body_of(9, 1)));
  requests.back().arrived -= 60s;
  std::vector<const serve::Request*> all;
  std::vector<serve::Response> alone;
  for (const serve::Request& request : requests) {
    all.push_back(&request);
    alone.push_back(protocol.answer(request));
  }
  const std::vector<serve::Response> together = protocol.answer_together(all);
  REQUIRE(together.size() == alone.size());
  const std::vector<int> statuses{200, 200, 200, 200, 400, 200, 404, 504};
  for (std::size_t i = 0; i < alone.size(); ++i) {
    CHECK(together[i].status == statuses[i]);
    CHECK(together[i].status == alone[i].status);
    CHECK(together[i].body == alone[i].body);
  }
}

TEST_CASE("a network whose rows look at each other is never batched") {
  CHECK(serve::measured_runs(Network{input(Shape{1}, "x"), Coupled{}}).batch_rows == 1);
  serve::Repository repository{serve::RepositoryOptions{}};
  repository.publish("m", 1, Network{input(Shape{1}, "x"), Coupled{}});
  serve::Protocol protocol(repository, {});
  const serve::Request first = post("/v1/models/m:predict", R"({"instances": [1]})");
  const serve::Request second = post("/v1/models/m:predict", R"({"instances": [10]})");
  const std::vector<const serve::Request*> both{&first, &second};
  CHECK(protocol.answer_together(both)[1].body == R"({"predictions":[[20.0]]})");
  CHECK(protocol.most_together(first) == 1);
}

TEST_CASE("how many samples run together is measured, between 2 and 256") {
  Index rows = serve::measured_runs(wide()).batch_rows;
  for (int i = 0; i < 20 && rows < 2; ++i) rows = serve::measured_runs(wide()).batch_rows;  // another process may come
  CHECK(rows >= 2);
  CHECK(rows <= 256);
}

TEST_CASE("what may run together has the same version and model") {
  serve::Repository repository{serve::RepositoryOptions{}};
  serve::Protocol protocol(repository, {});
  const auto joint = [&](const char* path) { return protocol.joint(post(path, "")); };
  CHECK(joint("/v1/models/m:predict") == joint("/v2/models/m/infer"));
  CHECK(joint("/v1/models/m:predict") != joint("/v1/models/n:predict"));
  CHECK(joint("/v1/models/m:predict") != joint("/v1/models/m/versions/1:predict"));
  CHECK(joint("/v1/models/m/labels/a:predict") != joint("/v1/models/m/labels/b:predict"));
  CHECK(joint("/v1/models/m").empty());
  CHECK(joint("none").empty());
}

TEST_CASE("answers are the same while many clients are joined to ever other batches") {
  serve::Repository repository{serve::RepositoryOptions{}};
  repository.publish("wide", 1, wide());
  const serve::Server server(repository, {.port = 0, .threads = 2, .at_once = 0us});
  std::vector<std::string> expected;
  for (int i = 0; i < 16; ++i)
    expected.push_back(HttpClient(server.port()).ask("POST", "/v1/models/wide:predict", body_of(i, 1 + i % 3)).body);
  std::atomic<int> wrong{0};
  std::vector<std::thread> clients;
  for (int t = 0; t < 16; ++t)
    clients.emplace_back([&, t] {
      HttpClient client(server.port());
      for (int i = 0; i < 60; ++i)
        if (client.ask("POST", "/v1/models/wide:predict", body_of(t, 1 + t % 3)).body !=
            expected[static_cast<std::size_t>(t)])
          ++wrong;
    });
  for (std::thread& client : clients) client.join();
  CHECK(wrong == 0);
}
