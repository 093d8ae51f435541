// The load generator: what it sends, what it reads, and that its times begin when a request is due.
#include "serve/load.hpp"

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "maas/serve/protocol.hpp"
#include "maas/serve/server.hpp"
#include "serve/gate.hpp"
#include "serve/http_reader.hpp"
#include "serve/models.hpp"
#include "support/catch.hpp"
#include "support/http_client.hpp"

using namespace maas;
using namespace maas::tests;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using serve::LatencyCounts;
using serve::LoadForm;
using serve::LoadRequest;
using serve::LoadResult;
using serve::LoadUrl;
using serve::ResponseReader;
using std::chrono::nanoseconds;

namespace {

struct AskedServer {
  serve::Repository repository{serve::RepositoryOptions{}};
  serve::Server server;

  explicit AskedServer(serve::ServerOptions options = {}) : server(published(repository), on_any_port(options)) {}
  LoadUrl url() const { return LoadUrl::parse(server.url()); }

  static const serve::Repository& published(serve::Repository& repository) {
    repository.publish("affine", 1, affine());
    repository.publish("joined", 1, joined());
    repository.publish("gated", 1, gated());
    return repository;
  }
  static serve::ServerOptions on_any_port(serve::ServerOptions options) {
    options.port = 0;
    return options;
  }
};

LoadRequest affine_request(LoadForm form = LoadForm::binary) {
  const std::string metadata = R"({"name":"affine","inputs":[{"name":"x","datatype":"FP32","shape":[-1,2]}]})";
  return serve::prediction_request(metadata, "affine", form, 1);
}

// All of an answer in pieces of so many bytes.
ResponseReader read_in(std::string_view text, std::size_t piece) {
  ResponseReader reader(true);
  while (!text.empty() && !reader.is_done() && !reader.is_broken()) {
    const std::string_view part = text.substr(0, piece);
    text.remove_prefix(reader.take(part));
  }
  return reader;
}

}  // namespace

TEST_CASE("times are counted to a 128th of themselves") {
  LatencyCounts counts;
  CHECK(counts.percentile(.5) == 0ns);
  CHECK(counts.mean() == 0ns);
  for (int i = 1; i <= 1000; ++i) counts.add(i * 1us);
  CHECK(counts.count() == 1000);
  CHECK(counts.max() == 1ms);
  CHECK(counts.mean() == nanoseconds(500'500));
  for (const auto& [part, exact] : {std::pair{.5, 500us}, {.9, 900us}, {.99, 990us}, {.999, 999us}, {1.0, 1000us}}) {
    CHECK(counts.percentile(part) >= exact);
    CHECK(counts.percentile(part) <= nanoseconds(exact) * 129 / 128);
  }
  CHECK(counts.percentile(1) == 1ms);
  LatencyCounts ends;
  ends.add(nanoseconds::max());
  ends.add(-1ns);
  CHECK(ends.percentile(.5) == 0ns);
  CHECK(ends.percentile(1) == nanoseconds::max());
}

TEST_CASE("small times are exact, and every place ends where the next begins") {
  for (std::int64_t time : {0, 1, 255, 256, 257, 258, 511, 512, 515, 516, 1023, 1024, 123456789}) {
    LatencyCounts counts;
    counts.add(nanoseconds(time));
    counts.add(1h);
    CHECK(counts.percentile(.5).count() >= time);
    CHECK(counts.percentile(.5).count() <= time + time / 128);
    if (time < 256) CHECK(counts.percentile(.5).count() == time);
  }
}

TEST_CASE("URLs are read, and what is none is refused") {
  const LoadUrl plain = LoadUrl::parse("http://localhost");
  CHECK(plain.host == "localhost");
  CHECK(plain.port == "80");
  CHECK(plain.prefix.empty());
  const LoadUrl all = LoadUrl::parse("http://10.0.0.1:8080/base/v1/models/m:predict/");
  CHECK(all.authority() == "10.0.0.1:8080");
  CHECK(all.prefix == "/base/v1/models/m:predict");
  const LoadUrl v6 = LoadUrl::parse("http://[::1]:81/");
  CHECK(v6.host == "::1");
  CHECK(v6.port == "81");
  CHECK(v6.authority() == "[::1]:81");
  for (const char* wrong : {"", "localhost", "https://h", "http://", "http://:80", "http://h:", "http://h:x",
                            "http://h:123456", "http://[::1", "http://h/a b", "http://h/\r\nX: y"})
    CHECK_THROWS_AS(LoadUrl::parse(wrong), ConfigError);
}

TEST_CASE("answers are read whatever their length says, in any pieces") {
  for (std::size_t piece : {1, 2, 7, 1000}) {
    const ResponseReader length = read_in("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1", piece);
    CHECK(length.is_done());
    CHECK(length.status() == 200);
    CHECK(length.body() == "hello");
    CHECK_FALSE(length.closes());
    const ResponseReader chunks = read_in(
        "HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\nCONNECTION: close\r\n\r\n"
        "3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n",
        piece);
    CHECK(chunks.is_done());
    CHECK(chunks.status() == 503);
    CHECK(chunks.body() == "abc0123456789");
    CHECK(chunks.closes());
    const ResponseReader after = read_in("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 None\r\n\r\n", piece);
    CHECK(after.is_done());
    CHECK(after.status() == 204);
    ResponseReader until_end = read_in("HTTP/1.0 200 OK\r\n\r\nall that comes", piece);
    CHECK_FALSE(until_end.is_done());
    until_end.end();
    CHECK(until_end.is_done());
    CHECK(until_end.body() == "all that comes");
    ResponseReader cut = read_in("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", piece);
    cut.end();
    CHECK(cut.is_broken());
    for (const char* wrong : {"SSH-2.0-x\r\n\r\n", "HTTP/1.1 x00 OK\r\n\r\n", "HTTP/1.1\r\n\r\n",
                              "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
                              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
                              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n"})
      CHECK(read_in(wrong, piece).is_broken());
  }
  CHECK(read_in(std::string(100'000, 'x'), 1000).is_broken());
}

TEST_CASE("bodies of every form ask for the same prediction") {
  serve::Repository repository{serve::RepositoryOptions{}};
  repository.publish("joined", 1, joined());
  serve::Protocol protocol(repository, {});
  const std::string metadata = protocol.answer(get("/v2/models/joined")).body;
  const auto asked = [&](LoadForm form) {
    const LoadRequest request = serve::prediction_request(metadata, "joined", form, 3);
    serve::Request real = post(request.path, request.body);
    const std::size_t at = request.headers.find("Inference-Header-Content-Length: ");
    if (at != std::string::npos)
      real.headers = {{"Inference-Header-Content-Length", std::to_string(std::stoi(request.headers.substr(at + 33)))}};
    return protocol.answer(real);
  };
  const serve::Response json = asked(LoadForm::json), binary = asked(LoadForm::binary), rows = asked(LoadForm::rows);
  CHECK(json.status == 200);
  CHECK(binary.status == 200);
  CHECK(rows.status == 200);
  const std::vector<float> values =
      floats_in(std::string_view(binary.body).substr(std::stoul(*header(binary, "Inference-Header-Content-Length"))));
  REQUIRE(values.size() == 9);  // 3 of "sum", 3 pairs
  for (std::size_t row = 0; row < 3; ++row) {
    const std::string text =
        fmt::format(R"("sum":[{}],"pair":[{},{}])", values[row], values[3 + 2 * row], values[4 + 2 * row]);
    CHECK_THAT(rows.body, ContainsSubstring(text));
  }
  CHECK_THAT(json.body, ContainsSubstring(fmt::format(R"("data":[{},{},{}])", values[0], values[1], values[2])));
}

TEST_CASE("metadata that a body cannot be made for is refused") {
  for (const char* metadata : {"", "{}", R"({"inputs":[]})", R"({"inputs":[{"name":"x"}]})",
                               R"({"inputs":[{"name":"x","datatype":"BYTES","shape":[-1,2]}]})",
                               R"({"inputs":[{"name":"x","datatype":"FP32","shape":[]}]})",
                               R"({"inputs":[{"name":"x","datatype":"FP32","shape":[-1,0]}]})",
                               R"({"inputs":[{"name":"x","datatype":"FP32","shape":[-1,9000000000,9000000000]}]})"})
    CHECK_THROWS_AS(serve::prediction_request(metadata, "m", LoadForm::json, 1), DataError);
}

TEST_CASE("a server is asked at the rate, and every request is accounted for") {
  const AskedServer running;
  for (LoadForm form : {LoadForm::binary, LoadForm::json, LoadForm::rows}) {
    const LoadResult result =
        serve::run_load(running.url(), affine_request(form),
                        {.rate = 500, .duration = 400ms, .warmup = 100ms, .connections = 4, .timeout = 10s});
    CHECK(result.due == 200);
    CHECK(result.statuses == std::map<int, std::uint64_t>{{200, 200}});
    CHECK(result.failures.empty());
    CHECK(result.latency.count() == 200);
    CHECK(result.duration >= 400ms);
    CHECK(result.rate() <= 500);
    CHECK(result.rate() > 0);
  }
}

TEST_CASE("times count from when a request was due: a stall is in all of those that waited") {
  const AskedServer running({.threads = 1, .at_once = 0us});
  LoadResult result;
  std::thread load;
  {
    const ClosedGate closed;
    HttpClient first(running.server.port());
    first.send("POST /v1/models/gated:predict HTTP/1.1\r\nHost: h\r\nContent-Length: 18\r\n\r\n{\"instances\": [1]}");
    gate.wait_for(1);
    // 100 requests in half a second on one connection, while the only thread is held for all of it.
    load = std::thread([&] {
      result = serve::run_load(running.url(), affine_request(),
                               {.rate = 200, .duration = 500ms, .warmup = 0ns, .connections = 1, .timeout = 20s});
    });
    std::this_thread::sleep_for(1500ms);
  }
  load.join();
  CHECK(result.succeeded() == 100);
  // Who measures from when a request is sent sees one slow answer and 99 fast ones: a median near 0.
  CHECK(result.latency.percentile(.5) > 300ms);
  CHECK(result.latency.max() > 550ms);
}

TEST_CASE("answers that are none are told by their kind") {
  const AskedServer running({.token = "secret"});
  LoadRequest request = affine_request();
  const serve::LoadOptions options{.rate = 100, .duration = 200ms, .warmup = 0ns, .connections = 2, .timeout = 10s};
  const LoadResult refused = serve::run_load(running.url(), request, options);
  CHECK(refused.statuses == std::map<int, std::uint64_t>{{401, 20}});
  CHECK(refused.succeeded() == 0);
  CHECK(refused.latency.count() == 0);
  request.headers += "Authorization: Bearer secret\r\n";
  CHECK(serve::run_load(running.url(), request, options).succeeded() == 20);
  CHECK_THROWS_AS(serve::ask_once(running.url(), {.path = "/v2"}, 5s), DataError);
  CHECK_THAT(serve::ask_once(running.url(), {.path = "/v2", .headers = "Authorization: Bearer secret\r\n"}, 5s),
             ContainsSubstring("maas-server"));
}

TEST_CASE("what is not answered in time is given up, and its time counted") {
  const AskedServer running({.threads = 1, .at_once = 0us});
  const ClosedGate closed;
  HttpClient first(running.server.port());
  first.send("POST /v1/models/gated:predict HTTP/1.1\r\nHost: h\r\nContent-Length: 18\r\n\r\n{\"instances\": [1]}");
  gate.wait_for(1);
  const LoadResult result =
      serve::run_load(running.url(), affine_request(),
                      {.rate = 100, .duration = 100ms, .warmup = 0ns, .connections = 2, .timeout = 200ms});
  CHECK(result.due == 10);
  CHECK(result.failures == std::map<std::string, std::uint64_t>{{"time", 10}});
  CHECK(result.latency.count() == 10);
  CHECK(result.latency.percentile(.1) >= 200ms);
}

TEST_CASE("a connection that the server closes is opened again") {
  const AskedServer running;
  LoadRequest request = affine_request();
  request.headers += "Connection: close\r\n";
  const LoadResult result = serve::run_load(
      running.url(), request, {.rate = 200, .duration = 300ms, .warmup = 0ns, .connections = 4, .timeout = 10s});
  CHECK(result.statuses == std::map<int, std::uint64_t>{{200, 60}});
}

TEST_CASE("where nobody listens, that is said") {
  auto running = std::make_unique<AskedServer>();
  const LoadUrl url = running->url();
  running.reset();
  CHECK_THROWS_AS(serve::run_load(url, affine_request(),
                                  {.rate = 10, .duration = 100ms, .warmup = 0ns, .connections = 2, .timeout = 1s}),
                  ConfigError);
  CHECK_THROWS_AS(serve::ask_once(url, {}, 1s), DataError);
  for (const serve::LoadOptions& wrong :
       {serve::LoadOptions{.rate = 0, .duration = 1s, .timeout = 1s},
        serve::LoadOptions{.rate = std::nan(""), .duration = 1s, .timeout = 1s},
        serve::LoadOptions{.duration = 0s, .timeout = 1s}, serve::LoadOptions{.duration = 1s, .timeout = 0s},
        serve::LoadOptions{.duration = 1s, .connections = 0, .timeout = 1s}})
    CHECK_THROWS_AS(serve::run_load(url, affine_request(), wrong), ConfigError);
}

TEST_CASE("of several addresses of a host the one that takes connections is used") {
  const AskedServer running;  // on 127.0.0.1 alone, where localhost mostly is ::1 first
  LoadUrl url = running.url();
  url.host = "localhost";
  const LoadResult result = serve::run_load(
      url, affine_request(), {.rate = 100, .duration = 100ms, .warmup = 0ns, .connections = 2, .timeout = 10s});
  CHECK(result.statuses == std::map<int, std::uint64_t>{{200, 10}});
  CHECK_THAT(serve::ask_once(url, {.path = "/v2"}, 10s), ContainsSubstring(R"("name")"));
}

TEST_CASE("where the first rate is too much the search goes down, and gives up where nothing can be borne") {
  const AskedServer running;
  std::vector<std::pair<double, bool>> tried;
  const serve::SaturationOptions bounds{
      .least = 1e6, .p99 = 1s, .told = [&](double rate, const LoadResult&, bool bears) {
        tried.emplace_back(rate, bears);
      }};
  const serve::LoadOptions options{.duration = 100ms, .warmup = 0ns, .connections = 1, .timeout = 200ms};
  const double most = serve::find_saturation(running.url(), affine_request(), options, bounds);
  REQUIRE(tried.size() >= 2);
  CHECK(tried[0] == std::pair(1e6, false));
  CHECK(tried[1].first == 5e5);
  CHECK(most > 0);
  CHECK(most < 1e6);
  tried.clear();  // what is answered, and never well, is so at every rate
  serve::LoadOptions patient = options;
  patient.timeout = 10s;
  CHECK(serve::find_saturation(running.url(), {.path = "/none"}, patient,
                               {.least = 100, .p99 = 1s, .told = bounds.told}) == 0);
  CHECK(tried.size() == 1);
  CHECK_THROWS_AS(serve::find_saturation(running.url(), affine_request(), options, {.least = 1e7, .p99 = 1s}),
                  ConfigError);
}

TEST_CASE("saturation lies between a rate that was borne and one that was not") {
  const AskedServer running;
  double good = 0, bad = 1e9;
  // A p99 that no rate can keep is the end.
  const serve::LoadOptions options{.duration = 100ms, .warmup = 20ms, .connections = 4, .timeout = 1s};
  CHECK(serve::find_saturation(running.url(), affine_request(), options, {.least = 100, .p99 = 1ns}) == 0);
  const double most =
      serve::find_saturation(running.url(), affine_request(), options,
                             {.least = 100, .p99 = 500ms, .told = [&](double rate, const LoadResult&, bool bears) {
                                bears ? good = std::max(good, rate) : bad = std::min(bad, rate);
                              }});
  CHECK(most == good);
  CHECK(most > 0);
  CHECK(bad < 1e9);
}
