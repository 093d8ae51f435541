// Raw rows of named values, for models saved with their pipeline.
#include <filesystem>
#include <limits>

#include "maas/serve/protocol.hpp"
#include "serve/models.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;
using Catch::Matchers::ContainsSubstring;

namespace {

Column numbers(std::string name, std::vector<double> values) {
  return {.name = std::move(name), .numbers = std::move(values)};
}

// flow from 0 to 100 becomes 0 to 1, kind becomes [car, truck]; the target "next", from 0 to 200, is scaled likewise.
Pipeline pipeline() {
  Table training;
  training.add(numbers("flow", {0, 50, 100}));
  training.add({.name = "kind", .type = ColumnType::text, .texts = {"car", "truck", "car"}});
  training.add(numbers("next", {0, 100, 200}));
  Pipeline result({.steps = {OneHot{.columns = {"kind"}}, MinMax{.columns = {"flow", "next"}}}, .targets = {"next"}});
  result.fit(training);
  return result;
}

// next = 0.5 flow + 0.25 for a truck, all scaled.
struct RawService {
  serve::Repository repository;
  serve::Protocol protocol;
  RawService() : repository({.folder = saved(), .poll = std::chrono::milliseconds(10)}), protocol(repository, {}) {}

  static std::string saved() {
    std::filesystem::remove_all("raw");
    std::filesystem::create_directories("raw/m/1");
    const Pipeline fitted = pipeline();
    Network network{input(Shape{static_cast<Index>(fitted.feature_names().size())}, "x"), dense(1).named("y")};
    MatrixView kernel = network.parameters().view(network.parameters().find("y/kernel"));
    kernel.setZero();
    for (std::size_t i = 0; i < fitted.feature_names().size(); ++i) {
      if (fitted.feature_names()[i] == "flow") kernel(static_cast<Index>(i), 0) = Scalar(0.5);
      if (fitted.feature_names()[i].find("truck") != std::string::npos) kernel(static_cast<Index>(i), 0) = Scalar(0.25);
    }
    write_keras("raw/m/1/model.h5", {.network = network, .info = {.pipeline = fitted}});
    return "raw";
  }

  serve::Response predict(std::string body) { return protocol.answer(post("/v1/models/m:predict", std::move(body))); }
};

}  // namespace

TEST_CASE("raw rows are prepared, and answers are in the targets' units") {
  RawService served;
  const serve::Response response =
      served.predict(R"({"instances": [{"flow": 50, "kind": "car"}, {"kind": "truck", "flow": 100}]})");
  CHECK(response.status == 200);
  CHECK(response.body == R"({"predictions":[{"next":50.0},{"next":150.0}]})");
  // The network's own input still is.
  CHECK(served.predict(R"({"instances": [[0, 0, 0]]})").status == 200);
  CHECK(served.predict(R"({"instances": [{"x": [0, 0, 0]}]})").status == 200);
}

TEST_CASE("what is missing in a raw row makes its answer NaN, and no other's") {
  RawService served;
  const serve::Response response =
      served.predict(R"({"instances": [{"flow": null, "kind": "car"}, {"flow": 50, "kind": "car"}, {"kind": "car"}]})");
  CHECK(response.body == R"({"predictions":[{"next":NaN},{"next":50.0},{"next":NaN}]})");
}

TEST_CASE("raw rows say what is wrong with them") {
  RawService served;
  for (const auto& [body, part] : std::initializer_list<std::pair<const char*, const char*>>{
           {R"({"instances": [{"flow": 50, "kind": "car", "speed": 3}]})", "got \\\"speed\\\""},
           {R"({"instances": [{"flow": "50", "kind": "car"}]})", "expected a number, got a text"},
           {R"({"instances": [{"flow": 50, "kind": 3}]})", "expected a text, got a number"},
           {R"({"instances": [{"flow": 50, "kind": "car"}, 3]})", "instances[1]: expected an object"},
           {R"({"instances": [{"flow": 50}]})", "kind"},
           {R"({"instances": [{"flow": 50, "kind": "ship"}]})", "ship"},
           {R"({"instances": [{}]})", "got none"}}) {
    const serve::Response response = served.predict(body);
    INFO(response.body);
    CHECK(response.status == 400);
    CHECK_THAT(response.body, ContainsSubstring(part));
  }
}

TEST_CASE("a model says which columns its rows have") {
  RawService served;
  CHECK_THAT(served.protocol.answer(get("/maas/v1/models/m")).body,
             ContainsSubstring(R"({"name":"flow","type":"number"})"));
}
