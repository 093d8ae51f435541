// Windows of sensors, held by the server.
#include "serve/streams.hpp"

#include <filesystem>
#include <fstream>

#include "maas/serve/protocol.hpp"
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

struct Served {
  serve::Repository repository{serve::RepositoryOptions{}};
  std::unique_ptr<serve::Protocol> protocol{};
  explicit Served(serve::ProtocolOptions options = {}) {
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
  Served served;
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
  Served served;
  const std::string first = R"({"sample": [1, 2], "time": 10})";
  served.push("m/a", first);
  CHECK_THAT(served.push("m/a", first).body, ContainsSubstring(R"("have":1)"));
  CHECK_THAT(served.push("m/a", R"({"sample": [1, 2], "time": 11.5})").body, ContainsSubstring(R"("have":2)"));
  CHECK(served.push("m/a", first).status == 409);
  CHECK_THAT(served.get("m/a").body, ContainsSubstring(R"("time":11.5)"));
}

TEST_CASE("streams say what is wrong, and are removed") {
  Served served;
  for (const char* body : {"", "[]", "{}", R"({"sample": [1]})", R"({"sample": [1, 2, 3]})", R"({"sample": [[1, 2]]})",
                           R"({"samples": [1, 2]})", R"({"samples": []})", R"({"sample": [1, 2], "samples": [[1, 2]]})",
                           R"({"sample": [1, "2"]})", R"({"sample": [1, 2], "time": "now"})"})
    CHECK(served.push("m/a", body).status == 400);
  CHECK(served.get("m/a").status == 404);
  CHECK(served.push("none/a", R"({"sample": 1})").status == 404);
  CHECK(served.push("two/a", R"({"sample": 1})").status == 400);
  CHECK(served.push("image/a", R"({"sample": 1})").status == 400);
  CHECK(served.push("m/a%0Ab", R"({"sample": [1, 2]})").status == 400);
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
  serve::Streams streams(2, "");
  const std::vector<Scalar> sample{1};
  const serve::WindowShape shape{2, 1};
  streams.add("m", "a", shape, sample, {});
  streams.add("m", "b", shape, sample, {});
  streams.add("m", "a", shape, sample, {});
  streams.add("m", "c", shape, sample, {});
  CHECK(streams.size() == 2);
  CHECK(streams.find("m", "a"));
  CHECK_FALSE(streams.find("m", "b"));
  CHECK(streams.add("m", "a", {4, 1}, sample, {}).have == 1);  // a new version takes other windows
  // Whatever a model takes, all windows together stay below their bytes.
  serve::Streams large(1000, "");
  const Index steps = static_cast<Index>(serve::Streams::most_bytes / sizeof(Scalar) / 4);
  for (int i = 0; i < 8; ++i) large.add("m", std::to_string(i), {steps, 1}, sample, {});
  CHECK(large.size() == 4);
  CHECK_THROWS_AS(serve::Streams(0, ""), ConfigError);
}

TEST_CASE("windows are kept for the next start") {
  std::filesystem::remove("streams.jsonl");
  {
    Served served({.stream_file = "streams.jsonl"});
    CHECK(served.push("m/a%20%C3%A9", R"({"sample": [5, 6]})").status == 200);
    served.push("m/a", R"({"samples": [[0.1, NaN], [3, 4]], "time": 7.25})");
    served.push("m/b", R"({"sample": [1, 2]})");
  }
  Served served({.stream_file = "streams.jsonl"});
  CHECK(served.get("m/a").body ==
        R"({"model":"m","sensor":"a","have":2,"need":3,"time":7.25,"window":[0.1,NaN,3.0,4.0]})");
  CHECK(served.get("m/b").status == 200);
  CHECK(served.get("m/a%20%C3%A9").body.find(R"("window":[5.0,6.0])") != std::string::npos);
  // What cannot be used is passed over.
  std::ofstream("streams.jsonl")
      << "nonsense\n{\"model\":\"m\",\"sensor\":\"c\",\"steps\":-1,\"features\":2,\"values\":[1]}\n"
         "{\"model\":\"m\",\"sensor\":\"d\",\"steps\":3,\"features\":2,\"values\":[1,2]}\n";
  serve::Streams streams(10, "streams.jsonl");
  CHECK(streams.size() == 1);
}

TEST_CASE("samples of many sensors run as one batch") {
  Served served;
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
