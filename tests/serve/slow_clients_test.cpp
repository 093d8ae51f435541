// Clients that send a head or take an answer slowly, over sockets of this machine.
#include "serve/slow_clients.hpp"

#include <thread>

#include "maas/serve/server.hpp"
#include "serve/models.hpp"
#include "support/catch.hpp"
#include "support/http_client.hpp"

using namespace maas;
using namespace maas::tests;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

struct PatientServer {
  serve::Repository repository{serve::RepositoryOptions{}};
  std::unique_ptr<serve::Server> server;

  explicit PatientServer(serve::ServerOptions options) {
    options.port = 0;
    repository.publish("affine", 1, affine());
    server = std::make_unique<serve::Server>(repository, std::move(options));
  }
  int port() const { return server->port(); }
};

// Sends a byte each 20 ms until the other side closes; how long that took.
std::chrono::milliseconds trickle(HttpClient& client, std::size_t bytes) {
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < bytes && client.send("x"); ++i) std::this_thread::sleep_for(20ms);
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
}

}  // namespace

TEST_CASE("a head that comes byte by byte is told and cut off") {
  const PatientServer running({.idle = 60s, .head = 400ms});
  HttpClient client(running.port());
  client.send("GET /healthz HTTP/1.1\r\nHost: h\r\nX: ");
  CHECK(trickle(client, 900) < 15s);
  HttpAnswer answer = client.read();
  CHECK(answer.status == 408);
  CHECK(answer.headers["content-type"] == "application/json");
  CHECK(answer.body.starts_with(R"({"error":")"));
  CHECK_THAT(HttpClient(running.port()).ask("GET", "/metrics").body,
             ContainsSubstring("\nmaas_slow_connections_total 1\n"));
}

TEST_CASE("the next head of a connection has its time, too, but silence before it has not") {
  const PatientServer running({.idle = 60s, .head = 300ms});
  HttpClient client(running.port());
  CHECK(client.ask("GET", "/healthz").status == 200);
  std::this_thread::sleep_for(900ms);  // idle: nothing of a head has come
  CHECK(client.ask("GET", "/healthz").status == 200);
  client.send("GET /healthz HTTP/1.1\r\n");
  CHECK(trickle(client, 900) < 15s);
  CHECK(client.read().status == 408);
}

TEST_CASE("requests that follow each other quickly are not taken for one slow head") {
  const PatientServer running({.head = 500ms});
  HttpClient client(running.port());
  for (int i = 0; i < 100; ++i) {
    CHECK(client.ask("GET", "/healthz").status == 200);
    std::this_thread::sleep_for(20ms);
  }
}

TEST_CASE("a body that comes too slowly is told and cut off, one that comes fast enough is not") {
  const PatientServer running({.idle = 60s, .body_grace = 300ms, .body_rate = 20'000});
  const std::string head = "POST /v1/models/affine:predict HTTP/1.1\r\nHost: h\r\nContent-Length: ";
  HttpClient client(running.port());
  client.send(head + "1000\r\n\r\n");
  CHECK(trickle(client, 900) < 15s);
  HttpAnswer answer = client.read();
  CHECK(answer.status == 408);
  CHECK_THAT(answer.body, ContainsSubstring("the body of the request came late"));

  // 100 kB/s for longer than the grace: padded with blanks, which JSON may hold.
  const std::string piece(2000, ' '), body = R"({"instances": [[1, 2]]})";
  HttpClient steady(running.port());
  steady.send(fmt::format("{}{}\r\n\r\n", head, 40 * piece.size() + body.size()));
  for (int i = 0; i < 40 && steady.send(piece); ++i) std::this_thread::sleep_for(20ms);
  steady.send(body);
  CHECK(steady.read().status == 200);
  // What is whole has no rate to keep.
  std::this_thread::sleep_for(700ms);
  CHECK(steady.ask("GET", "/healthz").status == 200);
  CHECK_THAT(HttpClient(running.port()).ask("GET", "/metrics").body,
             ContainsSubstring("\nmaas_slow_connections_total 1\n"));
}

TEST_CASE("a body that has not come in its time is given up, whether it comes slowly or not at all") {
  const PatientServer running({.idle = 60s, .receive = 1s, .body_rate = 0});
  const std::string head = "POST /v1/models/affine:predict HTTP/1.1\r\nHost: h\r\n";
  HttpClient stalled(running.port()), chunked(running.port()), slow(running.port());
  stalled.send(head + "Content-Length: 1000\r\n\r\n{");
  chunked.send(head + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\"");
  slow.send(head + "Content-Length: 1000\r\n\r\n");
  CHECK(trickle(slow, 900) < 15s);
  for (HttpClient* client : {&stalled, &chunked, &slow}) {
    const HttpAnswer answer = client->read();
    CHECK(answer.status == 408);
    CHECK_THAT(answer.body, ContainsSubstring("the body of the request came late"));
    CHECK(client->is_closed());
  }
  CHECK_THAT(HttpClient(running.port()).ask("GET", "/metrics").body,
             ContainsSubstring("\nmaas_slow_connections_total 3\n"));
}

// It is read to its end, so that the client sees the answer; who never sends it must not keep the connection.
TEST_CASE("a body that is refused by its head has the times of others") {
  const PatientServer running({.idle = 60s, .receive = 1s, .body_rate = 0});
  const PatientServer silent({.idle = 1s, .body_rate = 0});
  const std::string refused = "POST /v1/models/none:predict HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{";
  HttpClient stalled(running.port()), silent_one(silent.port());
  stalled.send(refused);
  silent_one.send(refused);
  CHECK(stalled.read().status == 408);
  CHECK(stalled.is_closed());
  CHECK(silent_one.read().status == 0);
  const PatientServer patient({.idle = 60s, .receive = 60s, .body_rate = 0});
  HttpClient whole(patient.port());
  whole.send(refused);
  std::this_thread::sleep_for(100ms);
  whole.send(std::string(99, ' '));
  CHECK(whole.read().status == 404);
}

TEST_CASE("an answer that is hardly read is given up, one that is read slowly is not") {
  PatientServer running({.held_bytes = 64 << 20, .idle = 60s, .write = 500ms});
  running.repository.publish("wide", 1, Network{input(Shape{1}, "x"), dense(4000)});
  std::string body = R"({"instances": [0)";
  for (int i = 1; i < 1000; ++i) body += ",0";  // 16 MB come back, more than sockets take
  body += "]}";
  const auto asked = [&](HttpClient& client) {
    client.send(fmt::format("POST /v1/models/wide:predict HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{}",
                            body.size(), body));
  };
  HttpClient silent(running.port());
  asked(silent);
  silent.await();
  std::this_thread::sleep_for(2500ms);
  CHECK(silent.read().status == 0);  // what was under way comes, and then the end
  HttpClient slow(running.port());
  asked(slow);
  CHECK(slow.read().status == 200);
  CHECK_THAT(HttpClient(running.port()).ask("GET", "/metrics").body,
             ContainsSubstring("\nmaas_slow_connections_total 1\n"));
}

TEST_CASE("a client that is silent is let go at the idle time, whatever it is at, and is not counted as slow") {
  PatientServer running({.held_bytes = 64 << 20, .idle = 1s, .body_rate = 0});
  running.repository.publish("wide", 1, Network{input(Shape{1}, "x"), dense(4000)});
  std::string wide_body = R"({"instances": [0)";
  for (int i = 1; i < 1000; ++i) wide_body += ",0";
  wide_body += "]}";
  HttpClient unused(running.port()), asked(running.port()), head(running.port()), body(running.port());
  HttpClient answer(running.port());
  CHECK(asked.ask("GET", "/healthz").status == 200);
  head.send("GET /heal");
  body.send("POST /v1/models/affine:predict HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{");
  answer.send(fmt::format("POST /v1/models/wide:predict HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{}",
                          wide_body.size(), wide_body));  // 16 MB, more than sockets take
  answer.await();
  std::this_thread::sleep_for(2500ms);
  CHECK(unused.is_closed());
  CHECK(asked.is_closed());
  CHECK(head.read().status == 0);
  CHECK(body.read().status == 0);
  CHECK(answer.read().status == 0);
  CHECK_THAT(HttpClient(running.port()).ask("GET", "/metrics").body,
             ContainsSubstring("\nmaas_slow_connections_total 0\n"));
}

TEST_CASE("a client that moves now and then is not silent") {
  const PatientServer running({.idle = 2s, .body_rate = 0});
  HttpClient asking(running.port()), sending(running.port());
  const std::string body = R"({"instances": [[1, 2]]})";
  sending.send(
      fmt::format("POST /v1/models/affine:predict HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", body.size() + 6));
  for (int i = 0; i < 6; ++i) {
    std::this_thread::sleep_for(500ms);
    CHECK(asking.ask("GET", "/healthz").status == 200);
    CHECK(sending.send(" "));
  }
  sending.send(body);
  CHECK(sending.read().status == 200);
}

TEST_CASE("times for heads and answers must be times") {
  const serve::Repository repository{serve::RepositoryOptions{}};
  CHECK_THROWS_AS(serve::Server(repository, {.port = 0, .head = 0ms}), ConfigError);
  CHECK_THROWS_AS(serve::Server(repository, {.port = 0, .body_grace = 0ms}), ConfigError);
  CHECK_THROWS_AS(serve::Server(repository, {.port = 0, .write = 0ms}), ConfigError);
}
