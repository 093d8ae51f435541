// Requests that are nearly right: whatever they are, they get an answer that is JSON, and nothing breaks. Under
// sanitizers whatever goes wrong ends the program.
#include <fmt/format.h>

#include <chrono>
#include <iostream>
#include <iterator>

#include "serve/json.hpp"
#include "serve/models.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;
using serve::Request;
using serve::Response;

namespace {

class Draws {
 public:
  explicit Draws(const Random& random) : random_(random) {}
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(random_.below(drawn_++, count)); }
  bool one_in(std::size_t count) { return below(count) == 0; }

 private:
  Random random_;
  std::uint64_t drawn_ = 0;
};

std::vector<Request> seeds() {
  const std::string binary =
      R"({"id":"7","parameters":{"binary_data_output":true,"timeout":1000000},"inputs":[{"name":"x","shape":[2,2],)"
      R"("datatype":"FP32","parameters":{"binary_data_size":16}}],"outputs":[{"name":"y","parameters":{"binary_data":false}}]})";
  return {
      post("/v1/models/affine:predict", R"({"signature_name": "", "instances": [[1, 2.5e-3], [NaN, -Infinity]]})"),
      post("/v1/models/affine/versions/1:predict", R"({"inputs": {"x": [[1, 2], [3, 4]]}})"),
      post("/v1/models/joined:predict",
           R"({"instances": [{"a": [1, 2], "b": [3]}, {"a": [0, 0], "b": [12345678901234567890]}]})"),
      post("/v1/models/joined:predict", R"({"inputs": {"a": [[1, 2]], "b": [3]}})"),
      post(
          "/v2/models/affine/infer",
          R"({"inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP64", "data": [[1, 2], [3, 4]]}], "outputs": []})"),
      post("/v2/models/joined/versions/1/infer",
           R"({"inputs": [{"name": "a", "shape": [1, 2], "datatype": "INT16", "data": [1, 2]},)"
           R"({"name": "b", "shape": [1, 1], "datatype": "BOOL", "data": [true]}], "outputs": [{"name": "pair"}]})"),
      post_binary("/v2/models/affine/infer", binary, bytes_of({1, 2, 3, 4})),
      post("/v2/models/affine/infer", bytes_of({1, 2}), {{"Inference-Header-Content-Length", "0"}}),
      get("/v1/models/affine/versions/1/metadata"),
      get("/v2/models/%61ffine/ready"),
      get("/metrics")};
}

// What stands in requests, and what should not.
const std::vector<std::string> pieces{"[",
                                      "]",
                                      "{",
                                      "}",
                                      ",",
                                      ":",
                                      "\"",
                                      "\\",
                                      "0",
                                      "-1",
                                      "1e39",
                                      "1e-400",
                                      "NaN",
                                      "null",
                                      "true",
                                      "Infinity",
                                      "\xff",
                                      "\\ud800",
                                      "[[",
                                      "]]",
                                      "{}",
                                      "[]",
                                      "\n",
                                      "FP16",
                                      "BYTES",
                                      "INT8",
                                      "\"x\"",
                                      "\"data\"",
                                      "shape",
                                      "inputs",
                                      "outputs",
                                      "\"id\"",
                                      "%",
                                      "%2F",
                                      "/",
                                      "..",
                                      "::",
                                      "-0",
                                      "4611686018427387904",
                                      "18446744073709551616",
                                      "9223372036854775807",
                                      "0.1e1",
                                      "binary_data_size",
                                      "\"parameters\":{}",
                                      "classification",
                                      "sequence_id",
                                      "triton_",
                                      "shared_memory_region"};

void mutate(std::string& text, Draws& draw) {
  const std::size_t at = draw.below(text.size() + 1);
  switch (draw.below(7)) {
    case 0:
      text.resize(at);
      break;
    case 1:
      text.insert(at, pieces[draw.below(pieces.size())]);
      break;
    case 2:
      text.erase(at, 1 + draw.below(8));
      break;
    case 3:
      if (at < text.size()) text[at] = static_cast<char>(draw.below(256));
      break;
    case 4:
      text.insert(at, text.substr(draw.below(text.size() + 1), 1 + draw.below(40)));
      break;
    case 5:
      text.replace(at, std::min<std::size_t>(text.size() - at, 1 + draw.below(6)), pieces[draw.below(pieces.size())]);
      break;
    default:
      text.insert(at, 1 + draw.below(50), "[{\"0 "[draw.below(5)]);
      break;
  }
}

Request mutated(const std::vector<Request>& from, Draws& draw) {
  Request request = from[draw.below(from.size())];
  request.arrived = std::chrono::steady_clock::now();
  if (draw.one_in(4)) mutate(request.path, draw);
  for (std::size_t i = draw.below(5); i > 0; --i) mutate(request.body, draw);
  for (auto& [name, value] : request.headers) {
    if (draw.one_in(3)) mutate(value, draw);
    // Else the header stays true to the first bytes, as those of JSON have changed their number.
    else if (draw.one_in(2))
      value = std::to_string(request.body.size() - std::min<std::size_t>(request.body.size(), 16));
  }
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

}  // namespace

TEST_CASE("mutated requests get an answer that is JSON, and never break anything") {
  serve::Repository repository{serve::RepositoryOptions{}};
  repository.publish("affine", 1, affine());
  repository.publish("joined", 1, joined());
  serve::Protocol protocol(repository, {});
  const std::vector<Request> from = seeds();
  for (const Request& each : from) REQUIRE(protocol.answer(each).status == 200);

  const std::uint64_t seed = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(MAAS_SERVE_FUZZ_SECONDS);
  std::uint64_t count = 0, answered = 0, refused = 0;
  for (; std::chrono::steady_clock::now() < end; ++count) {
    Draws draw(Random(seed).stream(count));
    const Request request = mutated(from, draw);
    const Response response = protocol.answer(request);
    ++(response.status == 200 ? answered : refused);
    if (is_good(response)) continue;
    FAIL("input " << count << " of seed " << seed << ": " << request.path << "\n"
                  << request.body << "\n"
                  << response.status << " " << response.body);
  }
  std::cout << fmt::format("seed {}: {} requests, {} answered, {} refused\n", seed, count, answered, refused);
  CHECK(answered > 0);
  CHECK(refused > 0);
}
