// Requests that are nearly right: whatever they are, they get an answer that is JSON, and nothing breaks. Under
// sanitizers whatever goes wrong ends the program.
#include <fmt/format.h>

#include <chrono>
#include <iostream>
#include <iterator>

#include "maas/serve/server.hpp"
#include "serve/base64.hpp"
#include "serve/compression.hpp"
#include "serve/json.hpp"
#include "serve/models.hpp"
#include "serve/mutations.hpp"
#include "support/catch.hpp"
#include "support/http_client.hpp"

using namespace maas;
using namespace maas::tests;
using serve::Request;
using serve::Response;

namespace {

struct Seed {
  Request request{};
  int status = 200;  // of its answer, unless it is mutated
};

std::vector<Seed> of_predictions() {
  const std::string binary =
      R"({"id":"7","parameters":{"binary_data_output":true,"timeout":1000000},"inputs":[{"name":"x","shape":[2,2],)"
      R"("datatype":"FP32","parameters":{"binary_data_size":16}}],"outputs":[{"name":"y","parameters":{"binary_data":false}}]})";
  return {
      {post("/v1/models/affine:predict", R"({"signature_name": "", "instances": [[1, 2.5e-3], [NaN, -Infinity]]})")},
      {post("/v1/models/affine/versions/1:predict", R"({"inputs": {"x": [[1, 2], [3, 4]]}})")},
      {post("/v1/models/joined:predict",
            R"({"instances": [{"a": [1, 2], "b": [3]}, {"a": [0, 0], "b": [12345678901234567890]}]})")},
      {post("/v1/models/joined:predict", R"({"inputs": {"a": [[1, 2]], "b": [3]}})")},
      {post("/v1/models/raw:predict",
            R"({"instances": [{"flow": 50, "kind": "car"}, {"kind": "truck", "flow": null}]})")},
      {post(
          "/v2/models/affine/infer",
          R"({"inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP64", "data": [[1, 2], [3, 4]]}], "outputs": []})")},
      {post("/v2/models/joined/versions/1/infer",
            R"({"inputs": [{"name": "a", "shape": [1, 2], "datatype": "INT16", "data": [1, 2]},)"
            R"({"name": "b", "shape": [1, 1], "datatype": "BOOL", "data": [true]}], "outputs": [{"name": "pair"}]})")},
      {post_binary("/v2/models/affine/infer", binary, bytes_of({1, 2, 3, 4}))},
      {post("/v2/models/affine/infer", bytes_of({1, 2}), {{"Inference-Header-Content-Length", "0"}})}};
}

std::vector<Seed> of_the_rest() {
  return {{get("/v1/models/affine/versions/1/metadata")},
          {get("/v2/models/%61ffine/ready")},
          {get("/metrics")},
          {post("/v1/streams/window/north", R"({"samples": [[1, 2], [3, 4], [5, 6]]})")},
          {post("/v1/streams/affine/south", R"({"sample": [7]})")},
          {get("/v1/streams/window/north")},
          {post("/maas/v1/models/affine/labels/stable", R"({"version": 1})")},
          {post("/maas/v1/models/affine/traffic", R"({"canary": {"version": 2, "share": 0.1}, "shadow": 3})")},
          {post("/v2/repository/index", R"({"ready": true})")}};
}

// Nothing of these is ever done: the file that is brought along is none, and the data are nowhere.
std::vector<Seed> of_what_is_refused() {
  const std::string model = serve::base64_of("no model, and as such it is read and refused");
  const std::string job =
      R"({"model": "m", "recipe": {"data": {"files": "nowhere.csv"}, "training": {"epochs": 5}}, "holdout": "x.csv"})";
  const std::string form = fmt::format(
      "--AaB03x\r\nContent-Disposition: form-data; name=\"job\"\r\n\r\n{}\r\n--AaB03x\r\n"
      "Content-Disposition: form-data; name=\"f\"; filename=\"new.csv\"\r\n"
      "Content-Type: text/csv\r\n\r\nx,y\n1,2\n\r\n--AaB03x--\r\n",
      job);
  return {
      {post("/v2/repository/models/given/load",
            fmt::format(
                R"({{"parameters": {{"config": "{{\"version_policy\": {{\"all\": {{}}}}}}", "file:1/m.h5": "{}"}}}})",
                model)),
       400},
      {post("/v1/jobs", job), 400},
      {post("/v1/jobs",
            R"({"model": "m", "recipe": {"data": {"files": "nowhere.csv"}}, "files": {"n.csv": [{"x": 1, "k": )"
            R"("a"}, {"k": null}]}})"),
       400},
      {post("/v1/jobs", form, {{"Content-Type", "multipart/form-data; boundary=AaB03x"}}), 400}};
}

std::vector<Seed> seeds() {
  std::vector<Seed> all = of_predictions();
  for (Seed& seed : of_the_rest()) all.push_back(std::move(seed));
  for (Seed& seed : of_what_is_refused()) all.push_back(std::move(seed));
  return all;
}

// Predicts, holds windows, and takes files and jobs: as much as can be asked for.
struct FuzzedService {
  serve::Repository repository;
  serve::Protocol protocol;
  FuzzedService()
      : repository({.folder = saved()}),
        protocol(repository, {.allow_upload = true,
                              .open_admin = true,
                              .jobs = {.folder = "fuzzed/jobs", .data = "fuzzed/data", .program = "/bin/false"}}) {
    repository.publish("affine", 1, affine());
    repository.publish("joined", 1, joined());
    repository.publish("window", 1, Network{input(Shape{3, 2}, "window"), Flatten{}, dense(2).named("y")});
  }

  // A model with a pipeline comes from a file alone.
  static std::string saved() {
    fresh_folder("fuzzed");
    fresh_folder("fuzzed/data");
    Table rows;
    rows.add({.name = "flow", .numbers = {0, 50, 100}});
    rows.add({.name = "kind", .type = ColumnType::text, .texts = {"car", "truck", "car"}});
    rows.add({.name = "next", .numbers = {0, 100, 200}});
    Pipeline pipeline(
        {.steps = {OneHot{.columns = {"kind"}}, MinMax{.columns = {"flow", "next"}}}, .targets = {"next"}});
    pipeline.fit(rows);
    const Network network{input(Shape{static_cast<Index>(pipeline.feature_names().size())}, "x"), dense(1).named("y")};
    fresh_folder("fuzzed/models/raw/1");
    write_keras("fuzzed/models/raw/1/model.h5", {.network = network, .info = {.pipeline = pipeline}});
    return "fuzzed/models";
  }
};

// Packed as it is, or broken once more then.
void compress(Request& request, Draws& draw) {
  const serve::Coding coding = draw.one_in(2) ? serve::Coding::gzip : serve::Coding::deflate;
  request.body = serve::deflated(request.body, coding);
  request.headers.emplace_back("Content-Encoding", serve::name_of(coding));
  if (draw.one_in(2)) mutate(request.body, draw);
}

Request mutated(const std::vector<Seed>& from, Draws& draw) {
  Request request = from[draw.below(from.size())].request;
  request.arrived = std::chrono::steady_clock::now();
  if (draw.one_in(4)) mutate(request.path, draw);
  for (std::size_t i = draw.below(5); i > 0; --i) mutate(request.body, draw);
  for (auto& [name, value] : request.headers) {
    if (draw.one_in(3)) mutate(value, draw);
    // Else the header stays true to the first bytes, as those of JSON have changed their number.
    else if (name.starts_with("Inference") && draw.one_in(2))
      value = std::to_string(request.body.size() - std::min<std::size_t>(request.body.size(), 16));
  }
  if (draw.one_in(8)) compress(request, draw);
  return request;
}

// The JSON part of an answer.
std::string_view json_of(const Response& response) {
  const std::string* length = header(response, "Inference-Header-Content-Length");
  return std::string_view(response.body).substr(0, length == nullptr ? response.body.npos : std::stoul(*length));
}

bool is_good(const Response& response) {
  if (response.content_type.starts_with("text/plain")) return response.status == 200;
  // What is not offered, and deadlines that a mutation has made short.
  if (response.status >= 500 && response.status != 501 && response.status != 504) return false;
  try {
    const serve::JsonDocument document(json_of(response), 64);
    return response.status == 200 || document.root().member("error")->text().has_value();
  } catch (const DataError&) {
    return false;
  }
}

// Heads and bodies as they go over the wire.
std::vector<std::string> texts() {
  return {"GET /v1/models/affine HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nUser-Agent: curl/7.88.1\r\n\r\n",
          "POST /v1/models/affine:predict HTTP/1.1\r\nHost: h\r\nContent-Length: 23\r\n\r\n{\"instances\": [[1, 2]]} ",
          "POST /v1/models/affine:predict HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
          "7\r\n{\"insta\r\nf\r\nnces\": [[1, 2]]\r\n1\r\n}\r\n0\r\n\r\n",
          "POST /v2/models/affine/infer HTTP/1.1\r\nHost: h\r\nInference-Header-Content-Length: 0\r\n"
          "Content-Type: application/octet-stream\r\nContent-Length: 8\r\n\r\n12345678",
          "POST /v2/repository/index HTTP/1.1\r\nHost: h\r\n\r\nGET /metrics HTTP/1.1\r\nHost: h\r\n\r\n",
          "GET /v2/health/ready HTTP/1.0\r\nConnection: close\r\n\r\n",
          "POST /v1/models/affine:predict HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nAuthorization: Bearer x\r\n"
          "Accept-Encoding: gzip, deflate\r\nContent-Length: 23\r\n\r\n{\"instances\": [[1, 2]]} "};
}

const std::vector<std::string> text_pieces{"\r\n",
                                           "\n",
                                           "\r",
                                           "\r\n\r\n",
                                           std::string(1, '\0'),
                                           ":",
                                           " :",
                                           " ",
                                           "\r\n ",
                                           "Content-Length: 5\r\n",
                                           "Content-Length: -1\r\n",
                                           "Content-Length: 18446744073709551616\r\n",
                                           "Transfer-Encoding: chunked\r\n",
                                           "Transfer-Encoding: gzip, chunked\r\n",
                                           "Expect: 100-continue\r\n",
                                           "Connection: close\r\n",
                                           "Content-Encoding: gzip\r\n",
                                           "0\r\n\r\n",
                                           "ffffffffffffffff\r\n",
                                           "HTTP/1.1",
                                           "HTTP/1.0",
                                           "HTTP/2.0",
                                           "?a=b&c",
                                           "%00",
                                           "GET / HTTP/1.1\r\n\r\n"};

void mutate_text(std::string& text, Draws& draw) {
  const std::size_t at = draw.below(text.size() + 1);
  if (draw.one_in(2))
    text.insert(at, text_pieces[draw.below(text_pieces.size())]);
  else
    mutate(text, draw);
}

// Whatever is said is an answer of HTTP; the connection may close without a word.
bool is_an_answer(const std::string& said) {
  return said.empty() || said.starts_with("HTTP/1.1 ") || said.starts_with("HTTP/1.0 ");
}

}  // namespace

TEST_CASE("mutated requests get an answer that is JSON, and never break anything", "[fuzz]") {
  FuzzedService served;
  const std::vector<Seed> from = seeds();
  for (const Seed& each : from) {
    const Response response = served.protocol.answer(each.request);
    INFO(each.request.path << " " << response.body);
    REQUIRE(response.status == each.status);
  }

  std::uint64_t answered = 0, refused = 0;
  Rounds rounds{std::chrono::seconds(MAAS_SERVE_FUZZ_SECONDS)};
  for (; rounds.go_on(); ++rounds.count) {
    Draws draw = rounds.draws();
    const Request request = mutated(from, draw);
    const Response response = served.protocol.answer(request);
    ++(response.status == 200 ? answered : refused);
    if (is_good(response)) continue;
    FAIL("input " << rounds.count << " of seed " << rounds.seed << ": " << request.path << "\n"
                  << request.body << "\n"
                  << response.status << " " << response.body);
  }
  std::cout << fmt::format("{} answered, {} refused\n", answered, refused);
  CHECK(answered > 0);
  CHECK(refused > 0);
  CHECK(rounds.has_moved());
}

TEST_CASE("mutated bytes on a connection get answers of HTTP or a close, and the server goes on", "[fuzz]") {
  serve::Repository repository{serve::RepositoryOptions{}};
  repository.publish("affine", 1, affine());
  const std::chrono::milliseconds patience{500};  // with what never comes whole
  const serve::Server server(
      repository, {.port = 0, .threads = 1, .idle = std::chrono::seconds(1), .head = patience, .body_grace = patience});
  const std::vector<std::string> from = texts();
  std::uint64_t answered = 0, silent = 0;
  Rounds rounds{std::chrono::duration<double>(MAAS_SERVE_FUZZ_SECONDS / 6.0)};
  while (rounds.go_on()) {
    std::vector<std::pair<std::unique_ptr<HttpClient>, std::string>> asked;
    for (int i = 0; i < 16; ++i, ++rounds.count) {
      Draws draw = rounds.draws();
      std::string text = from[draw.below(from.size())];
      for (std::size_t mutations = draw.below(4); mutations > 0; --mutations) mutate_text(text, draw);
      auto client = std::make_unique<HttpClient>(server.port());
      client->send(text);
      asked.emplace_back(std::move(client), std::move(text));
    }
    for (const auto& [client, text] : asked) {  // one that is not whole gets no answer
      const std::string said = client->said_within(std::chrono::milliseconds(2));
      if (!is_an_answer(said))
        FAIL("seed " << rounds.seed << ", before " << rounds.count << ": " << text << "\n" << said);
      answered += said.starts_with("HTTP/1.1 200");
      silent += said.empty();
    }
    REQUIRE(HttpClient(server.port()).ask("GET", "/healthz").status == 200);
  }
  std::cout << fmt::format("{} answered with 200 first, {} not at once\n", answered, silent);
  CHECK(answered > 0);
  CHECK(rounds.count > answered + silent);
}
