// A server that runs out of memory, at each place where it asks for some: it tells so or closes the connection, and
// goes on.
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "maas/serve/server.hpp"
#include "serve/asking.hpp"
#include "serve/base64.hpp"
#include "serve/gate.hpp"
#include "serve/memory/failing_memory.hpp"
#include "serve/models.hpp"
#include "support/catch.hpp"
#include "support/http_client.hpp"

using namespace maas;
using namespace maas::tests;
using namespace std::chrono_literals;
using serve::Server;

namespace {

const std::string predict_path = "/v1/models/affine:predict";
const std::string predict_body = R"({"instances": [[1, 2]]})";
const std::string predicted = R"({"predictions":[[8.5]]})";

std::vector<Failing> kinds_of_memory() {
  return c_memory_can_fail() ? std::vector{Failing::cpp, Failing::cpp_and_c} : std::vector{Failing::cpp};
}

// Not a request that was lost, an answer that was torn, or one that tells of another fault.
void check_told(const HttpAnswer& answer, const std::string& right) {
  INFO(answer.status << " " << answer.body);
  if (answer.status == 200)
    CHECK(answer.body == right);
  else if (answer.status == 500 || answer.status == 503)
    CHECK((answer.body.empty() || answer.body.starts_with(R"({"error":")")));
  else
    CHECK(answer.status == 0);  // closed
}

void check_goes_on(int port) {
  HttpClient client(port);
  CHECK(client.ask("POST", predict_path, predict_body).body == predicted);
  CHECK(metric_reaches(port, "maas_inflight 1"));
  CHECK(metric_reaches(port, "maas_queue_requests 0"));
}

// Nothing before each question, or what must be there when memory runs out.
struct Questions {
  std::function<void()> ask;
  std::function<void()> prepare = [] {};
  int step = 1;  // places that are passed over, where there are many
};

// Asks while memory runs out after 0, 1, 2 ... successes, until it no more does; between two questions the server must
// be well. How many times it did.
int sweep(int port, Failing what, Lasting how, const Questions& questions) {
  spare_this_thread();
  questions.prepare();  // what is made once is there from now on
  questions.ask();
  int places = 0;
  for (int good = 0, in_a_row = 0; in_a_row < 3; good += questions.step) {
    INFO("memory for " << good << (how == Lasting::once ? ", once" : ""));
    REQUIRE(good < 20000);
    questions.prepare();
    MemoryRunsOut none(good, what, how);
    questions.ask();
    const bool has_failed = none.end();
    in_a_row = has_failed ? 0 : in_a_row + 1;
    places += has_failed;
    check_goes_on(port);
  }
  return places;
}

// Declared after a server, so that this one can end whatever a test runs into.
struct OpenedGate {
  ~OpenedGate() { gate.open(); }
};

struct Asked {
  const char* name;
  std::string text, right;  // empty where it differs
  int status = 200;
};

std::vector<Asked> questions() {
  const std::string head = R"({"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32")";
  const std::string output = R"({"model_name":"affine","model_version":"1","outputs":[{"name":"y","shape":[1,1],)"
                             R"("datatype":"FP32")";
  const std::string binary = head + R"(,"parameters":{"binary_data_size":8}}]})";
  const std::string length = fmt::format("Inference-Header-Content-Length: {}\r\n", binary.size());
  const std::string infer = "/v2/models/affine/infer";
  return {{"v1", post_text(predict_path, predict_body), predicted},
          {"v2", post_text(infer, head + R"(,"data":[1,2]}]})"), output + R"(,"data":[8.5]}]})"},
          {"v2 binary", post_text(infer, binary + bytes_of({1, 2}), length), output + R"(,"data":[8.5]}]})"},
          {"unknown model", post_text("/v1/models/none:predict", predict_body), "", 404},
          {"metrics", "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n", ""},
          {"models", "GET /v2/models HTTP/1.1\r\nHost: h\r\n\r\n", ""}};
}

}  // namespace

TEST_CASE("predictions that find no memory are told so, and the next ones are answered") {
  serve::Repository repository{serve::RepositoryOptions{}};
  repository.publish("affine", 1, affine());
  for (const auto at_once : {1'000'000us, 0us}) {  // by the thread that moves bytes, and by another one
    const Server server(repository, {.port = 0, .threads = 1, .at_once = at_once});
    for (const Asked& asked : questions())
      for (const Failing what : kinds_of_memory())
        for (const Lasting how : {Lasting::once, Lasting::always}) {
          INFO(asked.name << (at_once == 0us ? " by a worker" : " at once"));
          const int places = sweep(server.port(), what, how, {.ask = [&] {
                                     HttpClient client(server.port());
                                     client.send(asked.text);
                                     const HttpAnswer answer = client.read();
                                     const bool is_right = answer.status == asked.status && asked.right.empty();
                                     if (!is_right) check_told(answer, asked.right);
                                   }});
          CHECK(places >= (how == Lasting::once ? 5 : 3));
        }
  }
}

TEST_CASE("predictions that are run together and find no memory are told so") {
  serve::Repository repository{serve::RepositoryOptions{}};
  repository.publish("affine", 1, affine());
  repository.publish("gated", 1, gated());
  const Server server(repository, {.port = 0, .threads = 1, .at_once = 0us});
  const OpenedGate opened;
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (const Failing what : kinds_of_memory())
    for (const Lasting how : {Lasting::once, Lasting::always}) {
      const auto prepare = [&] {
        clients.clear();
        gate.close();
        for (int i = 0; i < 4; ++i) clients.push_back(std::make_unique<HttpClient>(server.port()));
        clients[0]->send(post_text("/v1/models/gated:predict", R"({"instances": [1]})"));
        gate.wait_for(1);
        for (int i = 1; i < 4; ++i) clients[static_cast<std::size_t>(i)]->send(post_text(predict_path, predict_body));
        CHECK(metric_reaches(server.port(), "maas_queue_requests 3"));
      };
      const auto ask = [&] {
        gate.open();
        check_told(clients[0]->read(), R"({"predictions":[[1.0]]})");
        for (int i = 1; i < 4; ++i) check_told(clients[static_cast<std::size_t>(i)]->read(), predicted);
      };
      CHECK(sweep(server.port(), what, how, {.ask = ask, .prepare = prepare}) >= 3);
    }
}

TEST_CASE("who comes too late is told so, as far as there is memory for it, and forgotten") {
  serve::Repository repository{serve::RepositoryOptions{}};
  repository.publish("affine", 1, affine());
  repository.publish("gated", 1, gated());
  const Server server(repository, {.port = 0, .threads = 1, .at_once = 0us, .head = 400ms});
  const OpenedGate opened;
  std::unique_ptr<HttpClient> working, late, slow;
  const auto prepare = [&] {
    gate.close();
    for (auto* client : {&working, &late, &slow}) *client = std::make_unique<HttpClient>(server.port());
    working->send(post_text("/v1/models/gated:predict", R"({"instances": [1]})"));
    gate.wait_for(1);
    late->send(post_text(predict_path, predict_body, "X-Request-Timeout-Ms: 60\r\n"));
    slow->send("GET /healthz HT");
  };
  const auto ask = [&] {
    const HttpAnswer told = late->read(), cut = slow->read();
    CHECK((told.status == 504 || told.status == 500 || told.status == 0));
    CHECK((cut.status == 408 || cut.status == 0));
    gate.open();
    check_told(working->read(), R"({"predictions":[[1.0]]})");
  };
  CHECK(sweep(server.port(), Failing::cpp, Lasting::once, {.ask = ask, .prepare = prepare}) >= 3);
}

TEST_CASE("changes that find no memory are told so, and what answered does so on") {
  namespace files = std::filesystem;
  const std::string folder = fresh_folder("without_memory");
  write_keras(folder + "/affine.h5", {.network = affine()});
  fresh_folder("without_memory_given");
  write_keras("without_memory_given/model.h5", {.network = affine(2)});
  const std::string given = serve::base64_of(content("without_memory_given/model.h5"));
  serve::Repository repository({.folder = folder, .poll = 1h, .notices = false});
  const Server server(repository, {.port = 0, .open_admin = true, .allow_upload = true});
  const auto ask = [&](const std::string& path, const std::string& body, const std::string& right) {
    HttpClient client(server.port());
    client.send(post_text(path, body));
    check_told(client.read(), right);
  };
  const std::string load = "/v2/repository/models/affine/load";
  for (const Lasting how : {Lasting::once, Lasting::always}) {
    CHECK(sweep(server.port(), Failing::cpp, how,
                {.ask = [&] { ask(load, "{}", R"({"name":"affine","load":true})"); }, .step = 13}) >= 20);
    CHECK(sweep(server.port(), Failing::cpp, how, {.ask = [&] {
                  ask("/maas/v1/models/affine/labels/l", R"({"version": 1})",
                      R"({"name":"affine","labels":{"l":1},"withdrawn":[],"unloaded":false})");
                }}) >= 5);
    int version = how == Lasting::once ? 0 : 100000;
    const auto upload = [&] {
      ask("/v2/repository/models/given/load",
          fmt::format(R"({{"parameters":{{"file:{}/model.h5":"{}"}}}})", ++version, given),
          R"({"name":"given","load":true})");
    };
    CHECK(sweep(server.port(), Failing::cpp, how, {.ask = upload, .step = 97}) >= 20);
    upload();
    REQUIRE(repository.find("given"));
    CHECK(repository.find("given")->version == version);
  }
}

TEST_CASE("a folder that changes while memory runs out is looked at again") {
  const std::string folder = fresh_folder("looks_without_memory"), made = fresh_folder("made_without_memory");
  const auto add = [&](int version) {
    write_keras(made + "/model.h5", {.network = affine(static_cast<Scalar>(version))});
    std::filesystem::create_directories(fmt::format("{}/m/.{}.tmp", folder, version));
    std::filesystem::rename(made + "/model.h5", fmt::format("{}/m/.{}.tmp/model.h5", folder, version));
    std::filesystem::rename(fmt::format("{}/m/.{}.tmp", folder, version), fmt::format("{}/m/{}", folder, version));
  };
  spare_this_thread();
  add(1);
  const serve::Repository repository({.folder = folder, .poll = 4ms, .retry = 100ms, .loads_at_once = 2});
  int version = 1, places = 0;
  for (const Lasting how : {Lasting::once, Lasting::always})
    for (int good = 0; good < 600; good += how == Lasting::once ? 7 : 13) {
      INFO("memory for " << good);
      MemoryRunsOut none(good, Failing::cpp, how);
      add(++version);
      CHECK(wait_until([&] { return none.has_failed(); }));
      std::this_thread::sleep_for(2ms);
      none.end();
      CHECK(wait_until([&] {
        const auto found = repository.find("m");
        return found != nullptr && found->version == version;
      }));
      ++places;
    }
  CHECK(places > 100);
}

TEST_CASE("a model's file that changes or goes while memory runs out is taken up") {
  namespace files = std::filesystem;
  const std::string folder = fresh_folder("settings_without_memory"), file = folder + "/m/maas.json";
  files::create_directories(folder + "/m/1");
  write_keras(folder + "/m/1/model.h5", {.network = affine()});
  spare_this_thread();
  const serve::Repository repository({.folder = folder, .poll = 4ms, .retry = 100ms});
  int places = 0;
  for (const Lasting how : {Lasting::once, Lasting::always})
    for (int good = 0; good < 400; good += 7) {
      INFO("memory for " << good);
      const std::string name = places % 3 == 2 ? "x" : fmt::format("x{}", places);
      std::ofstream(folder + "/m/maas.json.tmp") << fmt::format(R"({{"inputs": {{"x": "{}"}}}})", name);
      MemoryRunsOut none(good, Failing::cpp, how);
      if (name == "x")
        files::remove(file);
      else
        files::rename(file + ".tmp", file);
      CHECK(wait_until([&] { return none.has_failed(); }));
      std::this_thread::sleep_for(2ms);
      none.end();
      CHECK(wait_until([&] { return repository.find("m")->inputs[0].name == name; }));
      ++places;
    }
  CHECK(places > 100);
}

TEST_CASE("a server that stops without memory answers what waits") {
  spare_this_thread();
  for (int good = 0; good < 6; ++good) {
    serve::Repository repository{serve::RepositoryOptions{}};
    repository.publish("affine", 1, affine());
    repository.publish("gated", 1, gated());
    Server server(repository, {.port = 0, .threads = 1, .at_once = 0us, .drain = 0ms});
    const OpenedGate opened;
    HttpClient working(server.port()), waiting(server.port());
    gate.close();
    working.send(post_text("/v1/models/gated:predict", R"({"instances": [1]})"));
    gate.wait_for(1);
    waiting.send(post_text(predict_path, predict_body));
    CHECK(metric_reaches(server.port(), "maas_queue_requests 1"));
    MemoryRunsOut none(good, Failing::cpp, Lasting::always);
    std::thread stopping([&] { server.stop(); });
    check_told(waiting.read(), predicted);
    gate.open();
    check_told(working.read(), R"({"predictions":[[1.0]]})");
    stopping.join();
    none.end();
  }
}
