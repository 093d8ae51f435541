// The server over sockets of this machine: what HTTP asks of it, its limits, its end.
#include "maas/serve/server.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <new>
#include <thread>
#include <utility>

#include "serve/asking.hpp"
#include "serve/gate.hpp"
#include "serve/http.hpp"
#include "serve/load_calls.hpp"
#include "serve/models.hpp"
#include "serve/workers.hpp"
#include "support/catch.hpp"
#include "support/http_client.hpp"

using namespace maas;
using namespace maas::tests;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using serve::Server;
using serve::ServerOptions;

namespace {

// A server with models in it, on any port.
struct Running {
  serve::Repository repository{serve::RepositoryOptions{}};
  Server server;

  explicit Running(ServerOptions options = {}) : server(published(repository), on_any_port(std::move(options))) {}
  int port() const { return server.port(); }

  static const serve::Repository& published(serve::Repository& repository) {
    repository.publish("affine", 1, affine());
    repository.publish("gated", 1, gated());
    return repository;
  }
  static ServerOptions on_any_port(ServerOptions options) {
    options.port = 0;
    options.at_once = 0us;  // all wait for a thread, as tests of the queue want it
    return options;
  }
};

const std::string predict_path = "/v1/models/affine:predict";
const std::string predict_body = R"({"instances": [[1, 2]]})";
const std::string predicted = R"({"predictions":[[8.5]]})";
const std::string gated_path = "/v1/models/gated:predict";
const std::string waiting_body = R"({"instances": [1]})";
const std::string passing_body = R"({"instances": [-1]})";

bool is_error(const HttpAnswer& answer, int status) {
  INFO(answer.status << " " << answer.body);
  CHECK(answer.status == status);
  CHECK(answer.headers.at("content-type") == "application/json");
  return answer.status == status && answer.body.starts_with(R"({"error":")");
}

// The one thread of a server waits at the gate, and two requests behind it.
std::vector<std::unique_ptr<HttpClient>> one_at_work_and_two_queued(const Running& running) {
  std::vector<std::unique_ptr<HttpClient>> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.push_back(std::make_unique<HttpClient>(running.port()));
    waiting.back()->send(post_text(gated_path, waiting_body));
    if (i == 0) gate.wait_for(1);
  }
  CHECK(metric_reaches(running.port(), "maas_queue_requests 2"));
  return waiting;
}

}  // namespace

TEST_CASE("a server answers many requests on one connection, and more of them") {
  const Running running;
  CHECK(running.server.url() == fmt::format("http://127.0.0.1:{}", running.port()));
  HttpClient client(running.port());
  for (int i = 0; i < 20; ++i) {
    const HttpAnswer answer = client.ask("POST", predict_path, predict_body);
    CHECK(answer.status == 200);
    CHECK(answer.body == predicted);
    CHECK(answer.headers.at("content-type") == "application/json");
    CHECK(answer.headers.at("content-length") == std::to_string(predicted.size()));
    CHECK(client.ask("GET", "/v2/health/ready").body == R"({"live":true,"ready":true})");
  }
  const HttpAnswer head = client.ask("HEAD", "/v2/models/affine");
  CHECK(head.status == 200);
  CHECK(std::stoul(head.headers.at("content-length")) > 0);
  CHECK(client.ask("GET", "/v2?query=x").status == 200);
}

TEST_CASE("clients of each kind are understood") {
  const Running running;
  HttpClient client(running.port());
  for (const char* type : {"", "Content-Type: application/x-www-form-urlencoded\r\n", "Content-Type: text/plain\r\n",
                           "Content-Type: application/octet-stream\r\nAccept-Encoding: gzip, deflate\r\n"})
    CHECK(client.ask("POST", predict_path, predict_body, type).body == predicted);

  client.send("GET /healthz HTTP/1.0\r\n\r\n");
  CHECK(client.read().status == 200);
  CHECK(client.is_closed());
}

TEST_CASE("pipelined requests are answered in order") {
  const Running running;
  HttpClient client(running.port());
  std::string all;
  for (int i = 0; i < 8; ++i)
    all += post_text(predict_path, fmt::format(R"({{"instances": [[{}, 0]]}})", i)) +
           "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
  client.send(all);
  for (int i = 0; i < 8; ++i) {
    CHECK(client.read().body == fmt::format(R"({{"predictions":[[{}.5]]}})", 2 * i));
    CHECK(client.read().body == R"({"status":"alive"})");
  }
}

TEST_CASE("of many pipelined requests one is worked on at a time, and who sends on must wait") {
  const Running running({.threads = 4});
  const ClosedGate closed;
  HttpClient client(running.port());
  std::string all;
  for (int i = 0; i < 40; ++i) all += post_text(gated_path, fmt::format(R"({{"instances": [{}]}})", i + 1));
  client.send(all);  // in one piece
  gate.wait_for(1);
  CHECK(metric_reaches(running.port(), "maas_inflight 2"));  // and the question itself
  CHECK(metric_reaches(running.port(), "maas_queue_requests 0"));
  // What is read ahead fits into the connection's memory; then the system's buffers are full.
  std::atomic<std::size_t> sent{0};
  std::atomic<bool> done{false};
  std::thread sending([&] {
    HttpClient endless(running.port());
    const std::string more = post_text(gated_path, R"({"instances": [1]})" + std::string(60'000, ' '));
    while (!done && endless.send(more)) sent += more.size();
  });
  gate.wait_for(2);
  std::size_t before = 0;
  CHECK(wait_until([&] {
    std::this_thread::sleep_for(300ms);
    const std::size_t now = sent;
    return std::exchange(before, now) == now;
  }));
  CHECK(sent < (std::size_t{64} << 20));
  CHECK(metric_reaches(running.port(), "maas_inflight 3"));
  done = true;
  gate.open();
  for (int i = 0; i < 40; ++i) CHECK(client.read().body == fmt::format(R"({{"predictions":[[{}.0]]}})", i + 1));
  sending.join();
}

TEST_CASE("a head like the one before is read no less strictly, and another one anew") {
  const Running running;
  const std::string other = R"({"instances": [[0, 0]]})", bias_alone = R"({"predictions":[[0.5]]})";
  HttpClient client(running.port());
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 2; ++j) {  // the same twice
      client.send(post_text(predict_path, predict_body));
      CHECK(client.read().body == predicted);
    }
    client.send(post_text(predict_path, other + std::string(static_cast<std::size_t>(i), ' ')));
    CHECK(client.read().body == bias_alone);
    for (const char* coding : {"chunked", "Chunked"}) {
      client.send(fmt::format("POST {} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: {}\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
                              predict_path, coding, other.size(), other));
      CHECK(client.read().body == bias_alone);
    }
  }
  client.send("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(client.read().body == R"({"status":"alive"})");
  for (int i = 0; i < 2; ++i) {  // what was wrong before is wrong again
    HttpClient twice(running.port());
    twice.send(post_text(predict_path, predict_body));
    CHECK(twice.read().body == predicted);
    twice.send(post_text(predict_path, predict_body, fmt::format("Content-Length: {}\r\n", predict_body.size())));
    CHECK(is_error(twice.read(), 400));
  }
}

TEST_CASE("a head whose bytes look like those of the one before, but that says less, is read as what it is") {
  const Running running({.token = "secret"});
  const std::string lines = "X-More: 1\r\nAuthorization: Bearer secret\r\n";
  std::string hidden = lines;
  hidden.replace(lines.find("\r\n"), 2, 2, '\0');  // as the library leaves the end of a line
  for (int i = 0; i < 3; ++i) {  // one after the other, so that each is read into what the one before has left
    HttpClient client(running.port());
    client.send(post_text(predict_path, predict_body, lines));
    CHECK(client.read().body == predicted);
    client.send(post_text(predict_path, predict_body, lines));
    CHECK(client.read().body == predicted);
    client.send(post_text(predict_path, predict_body, hidden));
    CHECK(is_error(client.read(), 400));
  }
}

TEST_CASE("a request may come in any pieces") {
  const Running running;
  const std::string json =
      R"({"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}}]})";
  const std::string request = post_text("/v2/models/affine/infer", json + bytes_of({1, 2}),
                                        fmt::format("Inference-Header-Content-Length: {}\r\n", json.size()));
  HttpClient client(running.port());
  for (std::size_t cut = 1; cut < request.size(); cut += 7) {
    client.send(request.substr(0, cut));
    std::this_thread::sleep_for(1ms);
    client.send(request.substr(cut));
    CHECK_THAT(client.read().body, ContainsSubstring(R"("data":[8.5])"));
  }
}

TEST_CASE("bodies may be chunked, or be waited for") {
  const Running running;
  HttpClient client(running.port());
  client.send("POST " + predict_path + " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
              "5\r\n{\"ins\r\n12\r\ntances\": [[1, 2]]}\r\n0\r\n\r\n");
  CHECK(client.read().body == predicted);

  client.send(fmt::format("POST {} HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
                          predict_path, predict_body.size()));
  CHECK(client.read().status == 100);
  client.send(predict_body);
  CHECK(client.read().body == predicted);

  // Without a good reason to send the body there is no 100.
  client.send("POST /v1/models/none:predict HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n");
  CHECK(is_error(client.read(), 404));
  CHECK(client.is_closed());

  // A POST without a length has an empty body.
  HttpClient other(running.port());
  other.send("POST " + predict_path + " HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(is_error(other.read(), 400));
}

TEST_CASE("what two readers may read in two ways is refused") {
  const Running running;
  const auto ask = [&](HttpClient& client, const char* headers) {
    client.send(fmt::format("POST {} HTTP/1.1\r\nHost: h\r\n{}\r\nhello\r\n0\r\n\r\n", predict_path, headers));
    return client.read();
  };
  for (const char* headers :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Transfer-Encoding : chunked\r\n", "Transfer-Encoding\t: chunked\r\n", "Content-Length : 5\r\n",
        ": chunked\r\n", "Transfer-Encoding: identity\r\n", "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding:\r\n", "host: h\r\nContent-Length: 5\r\n",
        "Host: other\r\nContent-Length: 5\r\n"}) {
    HttpClient client(running.port());
    CHECK(is_error(ask(client, headers), 400));
    CHECK(client.is_closed());
  }
  for (const char* headers :
       {"Content-Length: 5x\r\n", "Content-Length: -5\r\n", "Content-Length: 99999999999999999999\r\n",
        "Transfer-Encoding: chunked\r\n"}) {  // the library's own answers
    HttpClient client(running.port());
    const int status = ask(client, headers).status;
    CHECK((status == 400 || status == 413));
    CHECK(client.ends());
  }
}

TEST_CASE("a path may come with the server's address before it") {
  const Running running;
  HttpClient client(running.port());
  for (const char* target : {"http://h/v2", "HTTP://h:80/v2?a=b", "https://h/v2", "http://[::1]:80/v2"}) {
    client.send(fmt::format("GET {} HTTP/1.1\r\nHost: h\r\n\r\n", target));
    CHECK_THAT(client.read().body, ContainsSubstring(R"({"name":)"));
  }
  for (const char* target : {"http://h", "http://h/", "http://h?a=/v2"}) {
    client.send(fmt::format("GET {} HTTP/1.1\r\nHost: h\r\n\r\n", target));
    CHECK(client.read().body == R"({"status":"alive"})");
  }
  for (const char* target : {"ftp://h/v2", "http:/v2", "h/v2"}) {
    client.send(fmt::format("GET {} HTTP/1.1\r\nHost: h\r\n\r\n", target));
    CHECK(is_error(client.read(), 404));
  }
}

TEST_CASE("the document of all calls is written beside the thread that moves bytes") {
  const Running running({.threads = 1});
  const ClosedGate closed;  // and beside predictions, which wait here
  HttpClient waiting(running.port()), client(running.port());
  waiting.send(post_text(gated_path, waiting_body));
  gate.wait_for(1);
  client.send("GET /openapi.json HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK_THAT(client.read().body, ContainsSubstring(R"("openapi")"));
}

TEST_CASE("a head is written in one way only") {
  const Running running;
  const auto ask = [&](const std::string& head) {
    HttpClient client(running.port());
    client.send(head);
    const HttpAnswer answer = client.read();
    INFO(head);
    CHECK(is_error(answer, 400));
    CHECK_THAT(answer.body, ContainsSubstring("expected"));
    CHECK(client.is_closed());
  };
  using namespace std::string_literals;
  const std::string line = "GET /v2 HTTP/1.1\r\n";
  for (int i = 0; i < 2; ++i) {  // what was wrong before is wrong again, and no good one before it helps
    HttpClient good(running.port());
    good.send(line + "Host: h\r\nX:\r\nY: \t a b \r\n\r\n");
    CHECK(good.read().status == 200);
    // A line feed without its CR: of any line, and of the end.
    ask("GET /v2 HTTP/1.1\nHost: h\r\nX: 1\r\n\r\n");
    ask(line + "Host: h\nX: 1\r\n\r\n");
    ask(line + "Host: h\r\nX: 1\n\r\n");
    ask(line + "Host: h\r\nX: 1\r\n\n");
    ask("GET /v2 HTTP/1.1\nHost: h\n\n");
    // A CR without its line feed.
    ask(line + "Host: h\r\nX: 1\rY: 2\r\n\r\n");
    ask(line + "Host: h\r\nX: 1\r\r\n\r\n");
    // Folded lines.
    ask(line + "Host: h\r\nX: 1\r\n 2\r\n\r\n");
    ask(line + "Host: h\r\nX: 1\r\n\t2\r\nY: 3\r\n\r\n");
    ask(line + "Host: h\r\nX:\r\n 2\r\n\r\n");
    // Zero bytes, anywhere.
    ask(line + "Host: h\r\nX: 1\0\r\n\r\n"s);
    ask(line + "Host: h\r\nX: \0\r\n\r\n"s);
    ask(line + "Host: h\r\nX: 1\0\0Y: 2\r\n\r\n"s);
    ask(line + "Host: h\0\r\nX: 1\r\n\r\n"s);
    ask("GET /v2\0 HTTP/1.1\r\nHost: h\r\n\r\n"s);
    ask("GET /v\0002 HTTP/1.1\r\nHost: h\r\n\r\n"s);
    ask("GET /v2\0HTTP HTTP/1.1\r\nHost: h\r\n\r\n"s);
    ask("GET /v2\0HTTP/1.1 HTTP/1.1\r\nHost: h\r\n\r\n"s);
    ask("GET /v2?a\0HTTP/1.1 HTTP/1.1\r\nHost: h\r\n\r\n"s);
    ask("GET /v2?a=\0 HTTP/1.1\r\nHost: h\r\n\r\n"s);
    ask("GET\0 /v2 HTTP/1.1\r\nHost: h\r\n\r\n"s);
  }
  for (const char* path : {"/v2", "/v2?", "/v2?a", "/v2?a=1&b&&c=", "/v2?a=%00+&"}) {
    HttpClient client(running.port());
    for (int i = 0; i < 2; ++i) {
      client.send(fmt::format("GET {} HTTP/1.1\r\nHost: h\r\n\r\n", path));
      CHECK(client.read().status == 200);
    }
  }
  HttpClient old(running.port());
  old.send("GET /v2 HTTP/1.0\r\n\r\n");
  CHECK(old.read().status == 200);
}

TEST_CASE("a hundred requests that come at once are answered in their order, and held one by one") {
  const Running running({.threads = 1});
  const ClosedGate closed;
  HttpClient client(running.port());
  client.send(post_text(gated_path, waiting_body));
  gate.wait_for(1);
  std::string all;
  const auto body_of = [](int i) { return fmt::format(R"({{"instances": [[{}, 0]]}})", i); };
  for (int i = 0; i < 100; ++i) all += post_text(predict_path, body_of(i), "X: " + std::string(4000, 'x') + "\r\n");
  std::thread sending([&] { client.send(all); });  // 400 KiB: more than is read ahead, here and in the system
  // The second is not begun before the first is answered: this one, and the one that asks.
  std::this_thread::sleep_for(200ms);
  CHECK(metric_reaches(running.port(), "maas_inflight 2"));
  CHECK(metric_reaches(running.port(), "maas_queue_requests 0"));
  gate.open();
  CHECK(client.read().body == R"({"predictions":[[1.0]]})");
  for (int i = 0; i < 100; ++i)
    CHECK(client.read().body == fmt::format(R"({{"predictions":[[{:.1f}]]}})", 2 * i + 0.5));
  sending.join();
}

TEST_CASE("a body over the limit is refused, whether it says so or not") {
  const Running running({.limits = {.body_bytes = 1000}});
  const std::string fits = predict_body + std::string(1000 - predict_body.size(), ' ');
  CHECK(HttpClient(running.port()).ask("POST", predict_path, fits).body == predicted);
  HttpClient client(running.port());
  CHECK(is_error(client.ask("POST", predict_path, fits + " "), 413));
  CHECK(client.is_closed());
  HttpClient huge(running.port());
  huge.send("POST " + predict_path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n");
  CHECK(is_error(huge.read(), 413));
  CHECK(huge.is_closed());
  HttpClient chunked(running.port());
  chunked.send("POST " + predict_path + " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 10; ++i) chunked.send("80\r\n" + std::string(128, ' ') + "\r\n");
  chunked.send("0\r\n\r\n");
  CHECK(is_error(chunked.read(), 413));
}

TEST_CASE("an endless body is cut off") {
  const Running running({.limits = {.body_bytes = 1000}});
  HttpClient client(running.port());
  client.send("POST " + predict_path + " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "10000\r\n" + std::string(65536, ' ') + "\r\n";
  bool open = true;
  for (int i = 0; open && i < 1000; ++i) open = client.send(chunk);  // 64 MiB if nobody stops it
  CHECK_FALSE(open);
}

TEST_CASE("headers and paths over their limits are refused") {
  const Running running({.header_bytes = 4096});
  CHECK(HttpClient(running.port()).ask("GET", "/v2", "", "X: " + std::string(3000, 'x') + "\r\n").status == 200);
  HttpClient client(running.port());
  CHECK(is_error(client.ask("GET", "/v2", "", "X: " + std::string(4096, 'x') + "\r\n"), 431));
  CHECK(client.is_closed());
  std::string many;
  for (int i = 0; i < 101; ++i) many += fmt::format("X{}: 1\r\n", i);
  CHECK(is_error(HttpClient(running.port()).ask("GET", "/v2", "", many), 431));
  many.erase(0, 2 * many.find("X2: "));  // two less: a host comes with each
  CHECK(HttpClient(running.port()).ask("GET", "/v2", "", many).status == 200);
  const Running few_headers({.headers = 3});
  CHECK(HttpClient(few_headers.port()).ask("GET", "/v2", "", "A: 1\r\nB: 2\r\n").status == 200);
  CHECK(is_error(HttpClient(few_headers.port()).ask("GET", "/v2", "", "A: 1\r\nB: 2\r\nC: 3\r\n"), 431));
  // Beyond what the library has room for it answers itself.
  CHECK(HttpClient(running.port()).ask("GET", "/v2", "", "X: " + std::string(100000, 'x') + "\r\n").status == 431);
  const Running short_paths({.limits = {.path_bytes = 100}});
  CHECK(is_error(HttpClient(short_paths.port()).ask("GET", "/v2/" + std::string(100, 'x')), 414));
  // The query counts, as it comes.
  CHECK(HttpClient(short_paths.port()).ask("GET", "/v2?" + std::string(96, 'x')).status == 200);
  HttpClient long_query(short_paths.port());
  CHECK(is_error(long_query.ask("GET", "/v2?" + std::string(97, 'x')), 414));
  CHECK(long_query.is_closed());
  CHECK(HttpClient(running.port()).ask("GET", "/v2?" + std::string(3000, 'x')).status == 200);
}

TEST_CASE("pages of other origins may read refusals, too") {
  const Running running({.cors = true, .limits = {.body_bytes = 100}});
  HttpClient client(running.port());
  const HttpAnswer refused = client.ask("POST", predict_path, std::string(101, ' '));
  CHECK(is_error(refused, 413));
  CHECK(refused.headers.at("access-control-allow-origin") == "*");
  const HttpAnswer answer = HttpClient(running.port()).ask("POST", predict_path, predict_body);
  CHECK(answer.status == 200);
  CHECK(answer.headers.at("access-control-allow-origin") == "*");
}

TEST_CASE("too many bytes at once are refused, and taken later") {
  const Running running({.threads = 1, .held_bytes = 200});
  const ClosedGate closed;
  HttpClient first(running.port());
  first.send(post_text(gated_path, waiting_body + std::string(150, ' ')));
  gate.wait_for(1);
  HttpClient second(running.port());
  const HttpAnswer answer = second.ask("POST", predict_path, predict_body + std::string(100, ' '));
  CHECK(is_error(answer, 503));
  CHECK(answer.headers.at("retry-after") == "1");
  gate.open();
  CHECK(first.read().status == 200);
  CHECK(metric_reaches(running.port(), R"(maas_rejected_total{reason="bytes"} 1)"));
  CHECK(second.ask("POST", predict_path, predict_body + std::string(100, ' ')).status == 200);
}

TEST_CASE("what is only declared takes no room") {
  const Running running;
  const std::string declared = " HTTP/1.1\r\nHost: h\r\nContent-Length: 67108864\r\n\r\n";
  std::vector<std::unique_ptr<HttpClient>> idle;
  for (int i = 0; i < 8; ++i) {
    idle.push_back(std::make_unique<HttpClient>(running.port()));
    idle.back()->send("POST " + predict_path + declared + "{");
  }
  CHECK(metric_reaches(running.port(), "maas_inflight 9"));  // with the question itself
  CHECK(HttpClient(running.port()).ask("POST", predict_path, predict_body).body == predicted);
}

TEST_CASE("a body is refused where none is read") {
  const Running running;
  for (const char* start : {"GET /healthz", "GET /v1/models/affine", "GET /v2", "GET /metrics"}) {
    HttpClient large(running.port()), small(running.port()), chunked(running.port());
    large.send(fmt::format("{} HTTP/1.1\r\nHost: h\r\nContent-Length: 67108864\r\n\r\n", start));
    CHECK(is_error(large.read(), 413));
    CHECK(large.is_closed());
    small.send(fmt::format("{} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{{}}", start));
    CHECK(is_error(small.read(), 413));
    chunked.send(
        fmt::format("{} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n", start));
    CHECK(is_error(chunked.read(), 413));
  }
  HttpClient client(running.port());
  client.send("GET /healthz HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  CHECK(client.read().status == 200);
  CHECK(metric_reaches(running.port(), R"(maas_requests_total{api="v2",model="",version="",code="413"} 3)"));
  CHECK(is_error(client.ask("POST", "/v1/models/affine:classify", "{}"), 501));
}

TEST_CASE("a body that is refused part-way is given back at once") {
  const Running running({.limits = {.body_bytes = 1000}, .held_bytes = 1200});
  HttpClient refused(running.port());
  refused.send("POST " + predict_path + " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 10; ++i) refused.send("80\r\n" + std::string(128, ' ') + "\r\n");  // and no end
  CHECK(metric_reaches(running.port(), R"(maas_requests_total{api="v1",model="affine",version="",code="413"} 1)"));
  const std::string body = predict_body + std::string(900, ' ');
  CHECK(HttpClient(running.port()).ask("POST", predict_path, body).body == predicted);
}

TEST_CASE("an answer that nobody reads takes room, and is not refused for it") {
  Running running({.held_bytes = 1 << 20});
  running.repository.publish("wide", 1, Network{input(Shape{1}, "x"), dense(4000)});
  std::string body = R"({"instances": [0)";
  for (int i = 1; i < 1000; ++i) body += ",0";
  HttpClient slow(running.port());
  slow.send(post_text("/v1/models/wide:predict", body + "]}"));  // 16 MB come back, more than sockets take
  const auto asks = [&](int status) {
    for (int i = 0; i < 2000; ++i) {
      if (HttpClient(running.port()).ask("POST", predict_path, predict_body).status == status) return true;
      std::this_thread::sleep_for(2ms);
    }
    return false;
  };
  CHECK(asks(503));
  CHECK(HttpClient(running.port()).ask("GET", "/healthz").status == 200);
  const HttpAnswer answer = slow.read();
  CHECK(answer.status == 200);
  CHECK(answer.body.size() > 15'000'000);
  CHECK(asks(200));
}

TEST_CASE("a token may be kept to so many predictions at once, beside which others and all else go on") {
  std::ofstream("calls_tokens.txt") << "first\nsecond\n";
  const Running running({.token_file = "calls_tokens.txt",
                         .limits = {.token_calls = 1},
                         .threads = 1,
                         .at_once = std::chrono::microseconds(0)});
  const std::string first = "Authorization: Bearer first\r\n", second = "Authorization: Bearer second\r\n";
  const ClosedGate closed;
  HttpClient waiting(running.port());
  waiting.send(post_text(gated_path, waiting_body, first));
  gate.wait_for(1);
  HttpClient refused(running.port());
  refused.send(post_text(predict_path, predict_body, first));
  const HttpAnswer answer = refused.read();
  CHECK(is_error(answer, 429));
  CHECK(answer.headers.at("retry-after") == "1");
  HttpClient another(running.port());
  another.send("GET /v2 HTTP/1.1\r\nHost: h\r\n" + first + "\r\n");
  CHECK(another.read().status == 200);
  another.send("GET /metrics HTTP/1.1\r\nHost: h\r\n" + first + "\r\n");
  CHECK_THAT(another.read().body, ContainsSubstring("\nmaas_rejected_total{reason=\"token\"} 1\n"));
  another.send(post_text(predict_path, predict_body, second));
  gate.open();
  CHECK(another.read().body == predicted);
  CHECK(waiting.read().status == 200);
  waiting.send(post_text(predict_path, predict_body, first));
  CHECK(waiting.read().body == predicted);
}

TEST_CASE("a full queue answers 503, and health is answered all the while") {
  const Running running({.threads = 1, .queue = 2});
  const ClosedGate closed;
  const auto waiting = one_at_work_and_two_queued(running);
  HttpClient client(running.port());
  const HttpAnswer refused = client.ask("POST", predict_path, predict_body);
  CHECK(is_error(refused, 503));
  CHECK(std::stoi(refused.headers.at("retry-after")) >= 1);
  CHECK(client.ask("GET", "/v2/health/ready").status == 200);
  CHECK(client.ask("GET", "/v1/models/affine").status == 200);
  gate.open();
  for (auto& each : waiting) CHECK(each->read().status == 200);
  CHECK(client.ask("POST", predict_path, predict_body).body == predicted);
  CHECK(metric_reaches(running.port(), R"(maas_rejected_total{reason="queue"} 1)"));
}

TEST_CASE("a version is unloading until the last answer that it owes") {
  serve::Repository repository{serve::RepositoryOptions{}};
  repository.publish("gated", 1, gated());
  const Server server(repository, {.port = 0, .open_admin = true});
  HttpClient client(server.port()), working(server.port());
  const auto told = [&] { return client.ask("GET", "/v1/models/gated").body; };
  const auto state = [](int version, std::string_view name) {
    return fmt::format(R"({{"version":"{}","state":"{}",)", version, name);
  };
  const ClosedGate closed;
  working.send(post_text(gated_path, waiting_body));
  gate.wait_for(1);
  CHECK_THAT(told(), ContainsSubstring(state(1, "AVAILABLE")));
  SECTION("a newer one takes its place") {
    repository.publish("gated", 2, Network{input(Shape{1}, "x"), dense(1)});
    CHECK_THAT(told(),
               ContainsSubstring(state(2, "AVAILABLE") + R"("status":{"error_code":"OK","error_message":""}},)" +
                                 state(1, "UNLOADING")));
    CHECK(client.ask("POST", gated_path, passing_body).status == 200);
    CHECK(client.ask("POST", "/v1/models/gated/versions/1:predict", passing_body).status == 404);
    CHECK_THAT(client.ask("POST", "/v2/repository/index", "").body,
               ContainsSubstring(R"({"name":"gated","version":"1","state":"UNLOADING",)"));
    CHECK_THAT(client.ask("POST", "/v2/repository/index", R"({"ready": true})").body, !ContainsSubstring("UNLOADING"));
    CHECK(metric_reaches(server.port(), R"(maas_model_state{model="gated",version="1",state="UNLOADING"} 1)"));
    gate.open();
    CHECK(working.read().body == R"({"predictions":[[1.0]]})");
    CHECK(wait_until([&] { return told().find("UNLOADING") == std::string::npos; }));
    CHECK_THAT(told(), ContainsSubstring(state(2, "AVAILABLE")));
    CHECK(client.ask("GET", "/v1/models/gated/versions/1").status == 404);  // from no file: it is forgotten
    CHECK(client.ask("GET", "/metrics").body.find(R"(model="gated",version="1")") == std::string::npos);
  }
  SECTION("it is unloaded") {
    CHECK(client.ask("POST", "/v2/repository/models/gated/unload", "").status == 200);
    CHECK_THAT(told(), ContainsSubstring(state(1, "UNLOADING")));
    CHECK_THAT(told(), ContainsSubstring(R"("ready":false)"));
    CHECK(client.ask("POST", gated_path, passing_body).status == 503);
    gate.open();
    CHECK(working.read().body == R"({"predictions":[[1.0]]})");
    CHECK(wait_until([&] { return client.ask("GET", "/v1/models/gated").status == 404; }));
  }
}

TEST_CASE("a full queue is told before the body comes, which need not be sent then") {
  const Running running({.threads = 1, .queue = 1});
  const ClosedGate closed;
  HttpClient working(running.port()), queued(running.port()), refused(running.port());
  working.send(post_text(gated_path, waiting_body));
  gate.wait_for(1);
  queued.send(post_text(gated_path, waiting_body));
  CHECK(metric_reaches(running.port(), "maas_queue_requests 1"));
  refused.send(
      fmt::format("POST {} HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n", predict_path));
  const HttpAnswer answer = refused.read();
  CHECK(is_error(answer, 503));
  CHECK(std::stoi(answer.headers.at("retry-after")) >= 1);
  CHECK(metric_reaches(running.port(), R"(maas_rejected_total{reason="queue"} 1)"));
  CHECK(metric_reaches(running.port(), R"(maas_requests_total{api="v1",model="affine",version="",code="503"} 1)"));
  // Who sends it all the same keeps the connection.
  HttpClient sending(running.port());
  sending.send(fmt::format("POST {} HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n", predict_path));
  sending.send("[1, 2, 3]");
  CHECK(is_error(sending.read(), 503));
  CHECK(sending.ask("GET", "/v2/health/ready").status == 200);
  gate.open();
  CHECK(working.read().status == 200);
  CHECK(queued.read().status == 200);
  CHECK(sending.ask("POST", predict_path, predict_body).body == predicted);
}

TEST_CASE("a model whose share of the queue is full is told 429, and others are answered") {
  const Running running({.threads = 1, .queue = 8, .model_queue = 2});
  const ClosedGate closed;
  const auto waiting = one_at_work_and_two_queued(running);
  // Told before the body comes, by whichever path the model is asked.
  HttpClient refused(running.port()), by_version(running.port());
  refused.send(
      fmt::format("POST {} HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n", gated_path));
  const HttpAnswer answer = refused.read();
  CHECK(is_error(answer, 429));
  CHECK_THAT(answer.body, ContainsSubstring("too many requests for this model"));
  CHECK(std::stoi(answer.headers.at("retry-after")) >= 1);
  CHECK(is_error(by_version.ask("POST", "/v2/models/gated/versions/1/infer", "{}"), 429));
  HttpClient other(running.port());
  other.send(post_text(predict_path, predict_body));
  CHECK(metric_reaches(running.port(), "maas_queue_requests 3"));
  CHECK(metric_reaches(running.port(), R"(maas_rejected_total{reason="model_queue"} 2)"));
  CHECK(metric_reaches(running.port(), R"(maas_rejected_total{reason="queue"} 0)"));
  CHECK(metric_reaches(running.port(), R"(maas_requests_total{api="v1",model="gated",version="",code="429"} 1)"));
  gate.open();
  for (auto& each : waiting) CHECK(each->read().status == 200);
  CHECK(other.read().body == predicted);
  CHECK(HttpClient(running.port()).ask("POST", gated_path, passing_body).status == 200);
}

TEST_CASE("who is refused is told to come again after as long as the queue takes now") {
  const Running running({.threads = 1, .queue = 1});
  const ClosedGate closed;
  HttpClient working(running.port()), queued(running.port());
  working.send(post_text(gated_path, waiting_body));
  gate.wait_for(1);
  queued.send(post_text(gated_path, waiting_body));
  CHECK(metric_reaches(running.port(), "maas_queue_requests 1"));
  std::this_thread::sleep_for(1100ms);
  const HttpAnswer answer = HttpClient(running.port()).ask("POST", predict_path, predict_body);
  CHECK(is_error(answer, 503));
  const int seconds = std::stoi(answer.headers.at("retry-after"));
  CHECK(seconds >= 2);
  CHECK(seconds <= 30);
  gate.open();
  CHECK(working.read().status == 200);
  CHECK(queued.read().status == 200);
}

TEST_CASE("bytes of requests that come by another way are held, too, for as long as they are answered") {
  Running running({.threads = 1, .held_bytes = 50000});  // answers of /metrics find room beside what waits
  const ClosedGate closed;
  serve::Response first;
  std::thread waiting([&] { first = running.server.answer(post(gated_path, waiting_body + std::string(30000, ' '))); });
  gate.wait_for(1);
  const std::string body = predict_body + std::string(30000, ' ');
  CHECK(is_error(HttpClient(running.port()).ask("POST", predict_path, body), 503));
  const serve::Response refused = running.server.answer(post(predict_path, body));
  CHECK(refused.status == 503);
  CHECK_THAT(refused.body, ContainsSubstring("too many bytes"));
  CHECK(metric_reaches(running.port(), R"(maas_rejected_total{reason="bytes"} 2)"));
  CHECK(running.server.answer(get("/v2/health/ready")).status == 200);
  gate.open();
  waiting.join();
  CHECK(first.status == 200);
  CHECK(running.server.answer(post(predict_path, body)).body == predicted);
  CHECK(HttpClient(running.port()).ask("POST", predict_path, body).body == predicted);
}

// The library takes events in lists of 128.
TEST_CASE("many connections that ask in one moment are all answered, again and again") {
  const Running running({.threads = 1});
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 256; ++i) clients.push_back(std::make_unique<HttpClient>(running.port()));
  int good = 0;
  for (int round = 0; round < 20; ++round) {
    for (auto& each : clients) each->send("GET /v2/health/ready HTTP/1.1\r\nHost: h\r\n\r\n");
    for (auto& each : clients) good += each->read().status == 200 ? 1 : 0;
  }
  CHECK(good == 20 * 256);
}

TEST_CASE("a request has none of the one before in it") {
  const Running running;
  HttpClient client(running.port());
  const std::string long_body = R"({"instances": [[1, 2])" + std::string(3000, ' ') + "]}";
  CHECK(client.ask("POST", predict_path, long_body, "X-Request-Timeout-Ms: none\r\nX-More: 1\r\n").status == 400);
  CHECK(client.ask("POST", predict_path, predict_body).body == predicted);
  CHECK(client.ask("POST", predict_path).status == 400);  // no body
  CHECK(client.ask("GET", "/v1/models/affine").status == 200);
  CHECK(client.ask("POST", predict_path, long_body).body == predicted);
}

TEST_CASE("answers of all lengths and kinds follow each other, and none is another's") {
  const Running running;
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(std::make_unique<HttpClient>(running.port()));
  const auto rows = [](int count, int value) {
    std::string all;
    for (int i = 0; i < count; ++i) all += fmt::format("{}[{},0]", i == 0 ? "" : ",", value);
    return all;
  };
  const auto answers = [](int count, int value) {
    std::string all;
    for (int i = 0; i < count; ++i) all += fmt::format("{}[{}.5]", i == 0 ? "" : ",", 2 * value);
    return all;
  };
  for (int round = 0; round < 8; ++round)
    for (const int count : {1, 2, 3, 5, 9, 1000}) {
      for (std::size_t i = 0; i < clients.size(); ++i)
        clients[i]->send(post_text(
            predict_path, fmt::format(R"({{"instances": [{}]}})", rows(count, 10 + round + static_cast<int>(i)))));
      for (std::size_t i = 0; i < clients.size(); ++i) {
        const HttpAnswer answer = clients[i]->read();
        CHECK(answer.body ==
              fmt::format(R"({{"predictions":[{}]}})", answers(count, 10 + round + static_cast<int>(i))));
        CHECK(answer.headers.at("content-type") == "application/json");
      }
      HttpAnswer metrics = clients[0]->ask("GET", "/metrics");
      CHECK(metrics.headers["content-type"].starts_with("text/plain"));
      CHECK(metrics.headers.contains("date"));
      CHECK(clients[1]->ask("POST", predict_path, "{").status == 400);
      CHECK(clients[2]->ask("GET", "/v1/models/none").status == 404);
    }
}

TEST_CASE("who waits too long for a thread gets a 504") {
  const Running running({.limits = {.wait = 1s}, .threads = 1});
  const ClosedGate closed;
  HttpClient first(running.port()), second(running.port());
  first.send(post_text(gated_path, waiting_body));
  gate.wait_for(1);
  second.send(post_text(predict_path, predict_body));
  std::this_thread::sleep_for(1500ms);
  gate.open();
  CHECK(is_error(second.read(), 504));
  CHECK(first.read().status == 200);
}

TEST_CASE("who has waited too long is told so while all threads are at work, and when to come again") {
  const Running running({.threads = 1});
  const ClosedGate closed;
  HttpClient first(running.port()), second(running.port()), third(running.port());
  first.send(post_text(gated_path, waiting_body));
  gate.wait_for(1);
  second.send(post_text(predict_path, predict_body, "X-Request-Timeout-Ms: 100\r\n"));
  third.send(post_text(predict_path, predict_body));
  const HttpAnswer answer = second.read();
  CHECK(is_error(answer, 504));
  CHECK(std::stoi(answer.headers.at("retry-after")) >= 1);
  CHECK(metric_reaches(running.port(), "maas_queue_requests 1"));
  CHECK(metric_reaches(running.port(), "maas_queue_rows 1"));
  CHECK(metric_reaches(running.port(), R"(maas_rejected_total{reason="deadline"} 1)"));
  CHECK(metric_reaches(running.port(), R"(maas_requests_total{api="v1",model="affine",version="",code="504"} 1)"));
  gate.open();
  CHECK(first.read().status == 200);
  CHECK(third.read().body == predicted);
  CHECK(second.ask("POST", predict_path, predict_body).body == predicted);
}

TEST_CASE("a request by another way than HTTP that is cancelled when its turn comes is not run, but a load is made") {
  fresh_folder("cancelled_requests/m/1");
  write_keras("cancelled_requests/m/1/model.h5", {.network = affine()});
  serve::Repository repository({.folder = "cancelled_requests", .poll = 10s});
  repository.publish("affine", 1, affine());
  Server server(repository, {.port = 0, .open_admin = true});
  const auto is_cancelled = [] { return true; };
  const auto prediction = [&] { return post("/v1/models/affine:predict", predict_body); };
  const serve::Response refused = server.answer(prediction(), is_cancelled);
  CHECK(refused.status == 499);
  CHECK(refused.body == R"({"error":"the client cancelled while waiting"})");
  CHECK(server.answer(post("/v2/repository/models/affine/unload", ""), is_cancelled).status == 499);
  CHECK(server.answer(prediction(), [] { return false; }).body == predicted);
  CHECK(server.answer(get("/v2"), is_cancelled).status == 200);  // waits for no thread
  CHECK(metric_reaches(server.port(), R"(maas_rejected_total{reason="cancelled"} 2)"));
  CHECK_THAT(server.answer(get("/v2/models/affine/stats")).body, ContainsSubstring(R"("fail":{"count":1,)"));

  repository.unload("m");
  CHECK(server.answer(post("/v2/repository/models/m/load", ""), is_cancelled).status == 200);
  CHECK(repository.find("m") != nullptr);
}

TEST_CASE("a deadline that passes during the prediction is a 504, too") {
  const Running running({.threads = 1});
  const ClosedGate closed;
  HttpClient client(running.port());
  client.send(post_text(gated_path, waiting_body, "X-Request-Timeout-Ms: 2000\r\n"));
  gate.wait_for(1);
  std::this_thread::sleep_for(2500ms);
  gate.open();
  const HttpAnswer answer = client.read();
  CHECK(is_error(answer, 504));
  CHECK_THAT(answer.body, ContainsSubstring("during the prediction"));
}

TEST_CASE("samples of one model that wait are counted, by JSON and by bytes") {
  const Running running({.threads = 1, .model_rows = 10});
  const ClosedGate closed;
  HttpClient working(running.port()), queued(running.port()), refused(running.port()), other(running.port());
  working.send(post_text(gated_path, waiting_body));
  gate.wait_for(1);
  queued.send(post_text(predict_path, R"({"instances": [[1, 2], [1, 2], [1, 2], [1, 2], [1, 2], [1, 2]]})"));
  CHECK(metric_reaches(running.port(), "maas_queue_rows 6"));
  const std::string json =
      R"({"inputs":[{"name":"x","shape":[5,2],"datatype":"FP32","parameters":{"binary_data_size":40}}]})";
  const HttpAnswer answer = refused.ask("POST", "/v2/models/affine/infer", json + std::string(40, '\0'),
                                        fmt::format("Inference-Header-Content-Length: {}\r\n", json.size()));
  CHECK(is_error(answer, 429));
  CHECK(std::stoi(answer.headers.at("retry-after")) >= 1);
  other.send(post_text(predict_path, R"({"instances": [[1, 2], [1, 2], [1, 2], [1, 2]]})"));
  CHECK(metric_reaches(running.port(), "maas_queue_rows 10"));
  gate.open();
  for (HttpClient* each : {&working, &queued, &other}) CHECK(each->read().status == 200);
  CHECK(metric_reaches(running.port(), "maas_queue_rows 0"));
}

TEST_CASE("connections and bytes over HTTP are counted") {
  const Running running;
  HttpClient client(running.port()), silent(running.port());
  const std::string first = post_text(predict_path, predict_body);
  client.send(first);
  CHECK(client.read().body == predicted);
  const std::string second = "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n";
  client.send(second);
  const std::string metrics = client.read().body;
  CHECK_THAT(metrics, ContainsSubstring("\nmaas_connections 2\n"));
  CHECK_THAT(metrics, ContainsSubstring(
                          fmt::format("\nmaas_http_bytes_total{{dir=\"in\"}} {}\n", first.size() + second.size())));
  CHECK_THAT(metrics, ContainsSubstring(fmt::format("\nmaas_http_bytes_total{{dir=\"out\"}} {}\n", predicted.size())));
}

TEST_CASE("a load that takes long is answered in time, and one that does not go with it is not begun") {
  struct Asker final : serve::PendingAnswer {
    serve::Request asked{};
    std::promise<serve::Response> promise{};
    explicit Asker(std::string body) { asked.body = std::move(body); }
    const serve::Request& request() const override { return asked; }
    void finish(serve::Response response) override { promise.set_value(std::move(response)); }
    serve::Response answer() { return promise.get_future().get(); }
  };
  std::atomic<std::size_t> held{0};
  serve::LoadCalls calls(200ms, &held);
  Asker slow(R"({"parameters": {"config": "{}"}})"), quick(""), other("{}"), same(R"({"parameters":{}})");
  serve::PendingAnswer* const first = calls.begin(slow, "m");
  REQUIRE(first != nullptr);
  CHECK(first->request().body == slow.asked.body);
  CHECK(calls.begin(other, "m") == nullptr);  // with other parameters
  serve::PendingAnswer* const second = calls.begin(quick, "n");
  REQUIRE(second != nullptr);
  second->finish({.body = "done"});
  CHECK(quick.answer().body == "done");
  const serve::Response late = slow.answer();
  CHECK(late.status == 504);
  CHECK_THAT(late.body, ContainsSubstring("it goes on"));
  CHECK(calls.begin(other, "m") == nullptr);  // as it does
  CHECK(held == slow.asked.body.size());
  first->finish({.body = "nobody waits for this"});
  serve::PendingAnswer* const third = calls.begin(other, "m");
  serve::PendingAnswer* const fourth = calls.begin(same, "m");  // waits for its turn
  REQUIRE(third != nullptr);
  REQUIRE(fourth != nullptr);
  third->finish({.body = "third"});
  fourth->finish({.body = "fourth"});
  CHECK(held == 0);
  CHECK(other.answer().body == "third");
  CHECK(same.answer().body == "fourth");
}

TEST_CASE("loads come in over HTTP, and are answered when they are done") {
  const std::string folder = fresh_folder("loaded_over_http");
  write_keras(folder + "/m.h5", {.network = affine()});
  serve::Repository repository({.folder = folder, .poll = 10s});
  Server server(repository, {.port = 0, .open_admin = true});
  HttpClient client(server.port());
  for (const char* body : {"", "{}"}) {
    const HttpAnswer answer = client.ask("POST", "/v2/repository/models/m/load", body);
    CHECK(answer.status == 200);
    CHECK(answer.body == R"({"name":"m","load":true})");
  }
  CHECK(is_error(client.ask("POST", "/v2/repository/models/none/load", "{}"), 404));
}

TEST_CASE("a connection too many waits until another closes") {
  const Running running({.connections = 2});
  auto first = std::make_unique<HttpClient>(running.port());
  HttpClient second(running.port());
  CHECK(first->ask("GET", "/healthz").status == 200);
  CHECK(second.ask("GET", "/healthz").status == 200);
  std::atomic<bool> answered{false};
  std::thread third([&] {
    HttpClient client(running.port());
    answered = client.ask("GET", "/healthz").status == 200;
  });
  std::this_thread::sleep_for(100ms);
  CHECK_FALSE(answered);
  first.reset();
  third.join();
  CHECK(answered);
}

TEST_CASE("a client that says nothing, or too slowly, is let go") {
  const Running running({.idle = 1s, .receive = 1s});
  HttpClient silent(running.port());
  silent.send("GET /healthz HTT");
  HttpClient slow(running.port());
  slow.send("POST " + predict_path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n");
  bool open = true;
  for (int i = 0; open && i < 50; ++i) {  // always within the idle time
    open = slow.send(" ");
    std::this_thread::sleep_for(100ms);
  }
  CHECK_FALSE(open);
  CHECK(silent.read().status != 200);
  CHECK(silent.is_closed());
  CHECK(HttpClient(running.port()).ask("GET", "/healthz").status == 200);
}

TEST_CASE("clients that leave in the middle are forgotten, at the idle time at the latest") {
  const Running running({.threads = 2, .idle = 1s});
  for (int i = 0; i < 50; ++i) {
    HttpClient client(running.port());
    const std::string request = post_text(predict_path, predict_body);
    client.send(request.substr(0, request.size() * static_cast<std::size_t>(i) / 49));
    if (i % 2 == 0) std::this_thread::sleep_for(2ms);
  }
  CHECK(metric_reaches(running.port(), "maas_inflight 1"));  // the question itself
}

TEST_CASE("a token is asked for before a body is taken") {
  const Running running({.token = "secret"});
  HttpClient client(running.port());
  CHECK(is_error(client.ask("POST", predict_path, predict_body), 401));
  CHECK(client.ask("POST", predict_path, predict_body, "Authorization: Bearer secret\r\n").body == predicted);
  CHECK(client.ask("GET", "/v2/health/live").status == 200);
  HttpClient large(running.port());
  large.send("POST " + predict_path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 50000000\r\n\r\n");
  CHECK(is_error(large.read(), 401));
}

TEST_CASE("what comes by another way than HTTP has the same answers, limits and queue") {
  Running running({.threads = 1, .queue = 1});
  CHECK(running.server.options().queue == 1);
  CHECK(running.server.answer(post(predict_path, predict_body)).body == predicted);
  CHECK(running.server.answer(post("/v1/models/none:predict", predict_body)).status == 404);
  CHECK(running.server.answer(get("/healthz")).body == R"({"status":"alive"})");
  Running guarded({.token = "secret"});
  CHECK(guarded.server.answer(post(predict_path, predict_body)).status == 401);

  const ClosedGate closed;
  std::vector<std::future<serve::Response>> waiting;
  for (int i = 0; i < 2; ++i) {  // one at work, one in the queue
    waiting.push_back(
        std::async(std::launch::async, [&] { return running.server.answer(post(gated_path, waiting_body)); }));
    if (i == 0) gate.wait_for(1);
  }
  CHECK(metric_reaches(running.port(), "maas_queue_requests 1"));
  CHECK(running.server.answer(post(predict_path, predict_body)).status == 503);
  gate.open();
  for (auto& each : waiting) CHECK(each.get().status == 200);
}

TEST_CASE("a drain answers what is in flight, and then nothing") {
  Running running({.threads = 1});
  const int port = running.port();
  HttpClient idle(port), working(port), queued(port);
  CHECK(idle.ask("GET", "/healthz").status == 200);
  std::atomic<bool> in_time{false};
  std::thread stopping;
  {
    const ClosedGate closed;
    working.send(post_text(gated_path, waiting_body));
    gate.wait_for(1);
    queued.send(post_text(predict_path, predict_body));
    CHECK(metric_reaches(port, "maas_queue_requests 1"));
    running.server.set_not_ready();
    CHECK(idle.ask("GET", "/v2/health/ready").status == 503);
    CHECK(idle.ask("GET", "/v2/health/live").status == 200);
    CHECK(idle.ask("GET", "/v1/models/affine").status == 200);
    stopping = std::thread([&] { in_time = running.server.stop(); });
    // Connections that are open are still answered, and then closed; new ones are refused.
    HttpAnswer answer;
    for (int i = 0; i < 1000 && !answer.headers.contains("connection"); ++i) {
      answer = idle.ask("GET", "/v1/models/affine");
      std::this_thread::sleep_for(1ms);
    }
    CHECK(answer.status == 200);
    CHECK(answer.headers["connection"] == "close");
    CHECK(wait_until([&] {
      try {
        const HttpClient another(port);
        return false;
      } catch (const std::runtime_error&) {
        return true;
      }
    }));
  }
  CHECK(working.read().body == R"({"predictions":[[1.0]]})");
  CHECK(queued.read().body == predicted);
  stopping.join();
  CHECK(in_time);
  CHECK(working.is_closed());
  CHECK(running.server.stop());
}

TEST_CASE("a drain that takes too long tells who still waits") {
  Running running({.threads = 1, .drain = 50ms});
  HttpClient working(running.port()), queued(running.port());
  std::thread stopping;
  std::atomic<bool> in_time{true};
  {
    const ClosedGate closed;
    working.send(post_text(gated_path, waiting_body));
    gate.wait_for(1);
    queued.send(post_text(predict_path, predict_body));
    CHECK(metric_reaches(running.port(), "maas_queue_requests 1"));
    stopping = std::thread([&] { in_time = running.server.stop(); });
    CHECK(is_error(queued.read(), 503));
  }
  CHECK(working.read().status == 200);  // what runs is waited for
  stopping.join();
  CHECK_FALSE(in_time);
}

TEST_CASE("the time of a drain begins when no more is accepted") {
  Running running({.threads = 1, .drain = 2s});
  const int port = running.port();
  HttpClient idle(port), working(port), queued(port);
  CHECK(idle.ask("GET", "/healthz").status == 200);
  std::thread stopping;
  std::atomic<bool> in_time{true};
  {
    const ClosedGate closed;
    working.send(post_text(gated_path, waiting_body));
    gate.wait_for(1);
    queued.send(post_text(predict_path, predict_body));
    CHECK(metric_reaches(port, "maas_queue_requests 1"));
    running.server.stop_accepting();
    CHECK_THROWS_AS(HttpClient(port), std::runtime_error);
    CHECK(idle.ask("GET", "/v2/health/ready").status == 503);
    std::this_thread::sleep_for(2s);
    const auto begun = std::chrono::steady_clock::now();
    stopping = std::thread([&] { in_time = running.server.stop(); });
    CHECK(is_error(queued.read(), 503));
    CHECK(std::chrono::steady_clock::now() - begun < 1500ms);  // not the same time once more
  }
  CHECK(working.read().status == 200);
  stopping.join();
  CHECK_FALSE(in_time);
}

TEST_CASE("servers stop under load, again and again, without a torn answer") {
  std::atomic<int> port{0}, right{0}, wrong{0};
  std::atomic<bool> done{false};
  std::vector<std::thread> clients;
  for (int t = 0; t < 6; ++t)
    clients.emplace_back([&] {
      while (!done) {
        try {
          HttpClient client(port);
          while (!done) {
            const HttpAnswer answer = client.ask("POST", predict_path, predict_body);
            if (answer.status == 0) break;  // closed between two requests
            if (answer.status == 200 && answer.body == predicted)
              ++right;
            else if (answer.status != 503)
              ++wrong;
          }
        } catch (const std::runtime_error&) {  // no server just now
          std::this_thread::sleep_for(1ms);
        }
      }
    });
  int in_time = 0;
  for (int round = 1; round <= 30; ++round) {
    Running running({.threads = 2});
    port = running.port();
    for (int i = 0; i < 5000 && right < 20 * round; ++i) std::this_thread::sleep_for(1ms);
    in_time += running.server.stop();
  }
  done = true;
  for (std::thread& client : clients) client.join();
  CHECK(wrong == 0);
  CHECK(right >= 600);
  CHECK(in_time == 30);
}

TEST_CASE("a request that cannot be handed on is answered 500") {
  struct Failing final : serve::HttpHandler {
    std::optional<serve::Response> refuse(serve::Request&) override { return std::nullopt; }
    bool takes_body(const serve::Request&) override { return true; }
    std::optional<serve::Response> answer_now(const serve::Request&) override { return std::nullopt; }
    void answer_later(serve::PendingAnswer&) override { throw std::bad_alloc(); }
    void answered(const serve::Request&, const serve::Response&) override {}
  } handler;
  serve::HttpCounters counters;
  const serve::HttpServer server({.address = "127.0.0.1",
                                  .connections = 2,
                                  .header_bytes = 4096,
                                  .body_bytes = 1000,
                                  .held_bytes = 1000,
                                  .idle = 10s,
                                  .receive = 10s},
                                 handler, counters);
  HttpClient client(server.port());
  for (int i = 0; i < 2; ++i) CHECK(is_error(client.ask("POST", predict_path, predict_body), 500));
}

TEST_CASE("a worker whose answer fails tells it in JSON") {
  struct Pending final : serve::PendingAnswer {
    serve::Request asked{};
    std::promise<serve::Response> answer{};
    const serve::Request& request() const override { return asked; }
    void finish(serve::Response response) override { answer.set_value(std::move(response)); }
  } pending;
  serve::Workers workers(1, 1, [](const serve::Request&) -> serve::Response { throw std::bad_alloc(); });
  REQUIRE(workers.add(pending) == serve::Room::enough);
  const serve::Response response = pending.answer.get_future().get();
  CHECK(response.status == 500);
  CHECK(response.body.starts_with(R"({"error":")"));
  workers.stop();
}

TEST_CASE("a server says what is wrong with its options") {
  const serve::Repository repository{serve::RepositoryOptions{}};
  CHECK_THROWS_AS(Server(repository, {.port = 70000}), ConfigError);
  CHECK_THROWS_AS(Server(repository, {.port = 0, .threads = -1}), ConfigError);
  CHECK_THROWS_AS(Server(repository, {.port = 0, .connections = 0}), ConfigError);
  CHECK_THROWS_AS(Server(repository, {.port = 0, .header_bytes = 1}), ConfigError);
  CHECK_THROWS_AS(Server(repository, {.port = 0, .idle = 0s}), ConfigError);
  CHECK_THROWS_WITH(
      Server(repository, {.port = 0, .pipelined_requests = 16}),
      "server: pipelined requests: expected 1, as the HTTP library begins a connection's next request only "
      "when the one before has been answered, got 16");
  CHECK_THROWS_AS(Server(repository, {.port = 0, .limits = {.rows = 0}}), ConfigError);
  CHECK_THROWS_WITH(
      Server(repository, {.address = "", .port = 0, .insecure = true}),
      ContainsSubstring(
          "server: expected an address in numbers, as 127.0.0.1 or ::1, or the name of a host, got \"\": "));
  CHECK_THROWS_WITH(Server(repository, {.address = "0.0.0.0", .port = 0}),
                    "server: 0.0.0.0 can be reached from other machines: expected a token, or insecure, got neither");
  CHECK_THROWS_WITH(
      Server(repository, {.address = "0", .port = 0}),
      "server: 0 (0.0.0.0) can be reached from other machines: expected a token, or insecure, got neither");
  CHECK_NOTHROW(Server(repository, {.address = "0.0.0.0", .port = 0, .token = "secret"}));
  CHECK_NOTHROW(Server(repository, {.address = "0.0.0.0", .port = 0, .insecure = true}));
  const Server first(repository, {.port = 0});
  CHECK_THROWS_WITH(Server(repository, {.port = first.port()}), ContainsSubstring("cannot listen on 127.0.0.1 port"));
}

TEST_CASE("a server may be given the name of a host, and says which address that is") {
  const serve::Repository repository{serve::RepositoryOptions{}};
  const Server server(repository, {.address = "localhost", .port = 0});
  CHECK(server.url() == fmt::format("http://{}:{}", server.options().address, server.port()));
  CHECK(server.options().address == "127.0.0.1");
  CHECK(Server(repository, {.address = "127.1", .port = 0}).options().address == "127.0.0.1");
}

TEST_CASE("fifty versions follow each other under eight clients, and each answer is of the version it names") {
  namespace files = std::filesystem;
  files::remove_all("swaps");
  files::remove_all("made");
  const auto save = [](int version) {  // beside its place, then moved into it
    const std::string made = fmt::format("made/{}", version), place = fmt::format("swaps/m/{}", version);
    files::create_directories(made);
    write_keras(made + "/model.h5", {.network = affine(static_cast<Scalar>(version))});
    files::create_directories("swaps/m");
    files::rename(made, place);
  };
  save(1);
  const serve::Repository repository({.folder = "swaps", .poll = 5ms});
  const Server server(repository, {.port = 0, .threads = 4});
  std::atomic<bool> done{false};
  std::atomic<int> answers{0}, wrong{0}, newest{0};
  std::vector<std::thread> clients;
  for (int t = 0; t < 8; ++t)
    clients.emplace_back([&] {
      HttpClient client(server.port());
      const std::string body =
          R"({"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":[1,1,0,1]}],"parameters":{"timeout":0}})";
      int last = 0;
      while (!done) {
        const HttpAnswer answer = client.ask("POST", "/v2/models/m/infer", body);
        const std::size_t at = answer.body.find(R"("model_version":")");
        const int version = at == std::string::npos ? -1 : std::atoi(answer.body.c_str() + at + 17);
        const std::string expected =
            fmt::format(R"({{"model_name":"m","model_version":"{}","outputs":[{{"name":"y","shape":[2,1],)"
                        R"("datatype":"FP32","data":[{}.5,{}.5]}}]}})",
                        version, 5 * version, 3 * version);
        // Versions never go back for a client that asks one after the other.
        if (answer.status != 200 || answer.body != expected || version < last) ++wrong;
        last = version;
        ++answers;
        for (int seen = newest; version > seen && !newest.compare_exchange_weak(seen, version);) {
        }
      }
    });
  for (int version = 2; version <= 50; ++version) {
    save(version);
    for (int i = 0; i < 5000 && (newest < version || answers < 16 * version); ++i) std::this_thread::sleep_for(2ms);
  }
  done = true;
  for (std::thread& client : clients) client.join();
  CHECK(newest == 50);
  CHECK(wrong == 0);
  CHECK(answers >= 800);
  CHECK(repository.loads().succeeded == 50);
  CHECK(repository.loads().failed == 0);
}
