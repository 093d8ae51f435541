// What the server tells people and machines of itself: the page and the OpenAPI document.
#include <set>

#include "maas/serve/protocol.hpp"
#include "serve/json.hpp"
#include "serve/models.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;
using Catch::Matchers::ContainsSubstring;
using serve::JsonDocument;
using serve::JsonKind;
using serve::JsonView;

namespace {

serve::Request browser(std::string_view path) {
  serve::Request request = get(path);
  request.headers = {{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}};
  return request;
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// Every "$ref" of a document names something in it.
void check_references(const JsonView& root, const JsonView& at) {
  at.for_each([&](JsonView element) { check_references(root, element); });
  at.for_each_member([&](std::string_view name, JsonView value) {
    if (name != "$ref") return check_references(root, value);
    std::string_view path = *value.text();
    REQUIRE(path.starts_with("#/"));
    path.remove_prefix(2);
    std::optional<JsonView> place = root;
    while (place && !path.empty()) {
      const std::size_t end = std::min(path.find('/'), path.size());
      place = place->member(path.substr(0, end));
      path.remove_prefix(std::min(end + 1, path.size()));
    }
    INFO(*value.text());
    CHECK(place.has_value());
  });
}

}  // namespace

TEST_CASE("browsers get a page, and others what they were told before") {
  serve::Repository repository{serve::RepositoryOptions{}};
  serve::Protocol protocol(repository, {.token = "secret"});
  CHECK(protocol.answer(get("/")).body == R"({"status":"alive"})");
  CHECK(protocol.answer(browser("/healthz")).body == R"({"status":"alive"})");
  const serve::Response page = protocol.answer(browser("/"));  // without a token: there is nothing secret in it
  CHECK(page.status == 200);
  CHECK(page.content_type == "text/html; charset=utf-8");
  CHECK(page.body.starts_with("<!doctype html>"));
  CHECK(page.body.ends_with("</html>\n"));
  // It asks for the token itself, wherever that is needed.
  serve::Protocol closed(repository, {.token = "secret", .closed_health = true});
  CHECK(closed.answer(browser("/")).body.starts_with("<!doctype html>"));
  CHECK(closed.answer(browser("/healthz")).status == 401);
}

TEST_CASE("the page runs no scripts but its own, and asks nobody else") {
  serve::Repository repository{serve::RepositoryOptions{}};
  serve::Protocol protocol(repository, {});
  const serve::Response page = protocol.answer(browser("/"));
  const std::string policy = *header(page, "Content-Security-Policy");
  const std::size_t at = policy.find("nonce-") + 6;
  const std::string nonce = policy.substr(at, policy.find('\'', at) - at);
  CHECK(nonce.size() == 32);
  CHECK(count_of(page.body, fmt::format("nonce=\"{}\"", nonce)) == 2);
  CHECK(page.body.find("NONCE") == std::string::npos);
  CHECK_THAT(policy, ContainsSubstring("default-src 'none'"));
  CHECK(policy.find("unsafe") == std::string::npos);
  CHECK(*header(page, "X-Content-Type-Options") == "nosniff");
  CHECK(*header(page, "Cache-Control") == "no-store");
  CHECK(*header(protocol.answer(browser("/")), "Content-Security-Policy") != policy);
  // Only the name of SVG is an address, and it is asked by nobody.
  CHECK(count_of(page.body, "http://") + count_of(page.body, "https://") ==
        count_of(page.body, "http://www.w3.org/2000/svg"));
  for (const char* part : {"<script src", "@import", "url(", "innerHTML", " onclick", " style="})
    CHECK(page.body.find(part) == std::string::npos);
}

TEST_CASE("the OpenAPI document has the paths and shapes of all versions that answer") {
  serve::Repository repository({.versions = 2});
  repository.publish("affine", 1, affine());
  repository.publish("affine", 2, affine());
  repository.publish("joined", 7, joined());
  repository.publish("a {strange} \"name\"", 1, Network{input(Shape{2, 3}, "x\"y"), flatten(), dense(1)});
  serve::Protocol protocol(repository, {});
  const serve::Response answer = protocol.answer(get("/openapi.json"));
  REQUIRE(answer.status == 200);
  const JsonDocument document(answer.body, 100);
  const JsonView root = document.root();
  CHECK(root.member("openapi")->text() == "3.1.0");
  CHECK_FALSE(root.member("security"));
  check_references(root, root);

  std::set<std::string> paths;
  root.member("paths")->for_each_member([&](std::string_view path, JsonView) { paths.emplace(path); });
  for (const char* path :
       {"/healthz", "/metrics", "/v2", "/v1/models/affine:predict", "/v1/models/affine/versions/1:predict",
        "/v1/models/affine/versions/2/metadata", "/v2/models/affine/infer", "/v2/models/joined/versions/7/infer",
        "/v2/models/joined/ready", "/v1/models/a%20%7Bstrange%7D%20%22name%22:predict"}) {
    INFO(path);
    CHECK(paths.contains(path));
  }
  // Of all; of versions and the default one; how models are served; streams of what takes windows.
  CHECK(paths.size() == 10 + 8 * (3 + 2 + 2) + 3 + 2);
  CHECK(paths.contains("/v1/streams/affine/{sensor}"));
  CHECK_FALSE(paths.contains("/v1/streams/joined/{sensor}"));
  CHECK_FALSE(paths.contains("/v1/jobs"));
  // Every path is answered, whatever its method.
  for (const std::string& path : paths) {
    INFO(path);
    if (path.ends_with("{sensor}")) continue;
    const JsonView methods = *root.member("paths")->member(path);
    const bool is_post = methods.member("post").has_value();
    const serve::Response said = protocol.answer(is_post ? post(path, "{}") : get(path));
    CHECK(said.status == (is_post && path != "/v2/repository/index" ? 400 : 200));
    CHECK(protocol.answer(is_post ? get(path) : post(path, "{}")).status == 405);
  }
  CHECK_THAT(answer.body, ContainsSubstring(R"({"type":"array","minItems":2,"maxItems":2,"items":{"type":"array",)"
                                            R"("minItems":3,"maxItems":3,"items":{"$ref":)"));
}

TEST_CASE("the OpenAPI document has changes and trainings where they are offered, labels, raw rows and streams") {
  const std::string folder = fresh_folder("document");
  std::filesystem::create_directories(folder + "/raw/1");
  Table table;
  table.add({.name = "flow", .numbers = {1, 2, 3}});
  table.add({.name = "kind", .type = ColumnType::text, .texts = {"car", "bus", "car"}});
  table.add({.name = "next", .numbers = {2, 4, 6}});
  Pipeline pipeline({.steps = {OneHot{{"kind"}}}, .features = {"flow", "kind"}, .targets = {"next"}});
  pipeline.fit(table);
  write_keras(folder + "/raw/1/model.h5",
              {.network = Network{input(Shape{3}, "x"), dense(1).named("y")}, .info = {.pipeline = pipeline}});
  Forecaster forecaster({.windows = {.lags = 2}, .time_of_day = true}, ForecastNetwork{.hidden = {}});
  Readings readings{.values = Matrix::Random(40, 2), .sensors = {"north", "south"}};
  for (int row = 0; row < 40; ++row) readings.times.push_back(300 * row);
  ForecastFit fit;
  fit.fit.verbose = 0;
  fit.fit.epochs = 1;
  forecaster.fit(readings, fit);
  std::filesystem::create_directories(folder + "/road/1");
  forecaster.save(folder + "/road/1/model.h5");
  serve::Repository repository({.folder = folder});
  repository.set_label("raw", "stable", 1);
  const serve::JobOptions jobs{.folder = fresh_folder("document_jobs"), .data = folder, .program = "/bin/true"};
  serve::Protocol protocol(repository, {.open_admin = true, .closed_health = true, .jobs = jobs});
  const std::string body = protocol.answer(get("/openapi.json")).body;
  const JsonDocument document(body, 100);
  check_references(document.root(), document.root());
  std::set<std::string> paths;
  document.root().member("paths")->for_each_member([&](std::string_view path, JsonView) { paths.emplace(path); });
  for (const char* path :
       {"/v1/models/raw/labels/stable:predict", "/v1/models/raw/labels/stable", "/v1/jobs", "/v1/jobs/{number}:cancel",
        "/v1/jobs/{number}/events", "/v2/repository/index", "/v2/repository/models/raw/load", "/maas/v1/models/raw",
        "/maas/v1/models/raw:rollback", "/maas/v1/models/raw/labels/{label}", "/maas/v1/models/raw/traffic",
        "/maas/v1/models/raw/versions/{version}:restore", "/v1/streams/raw/{sensor}", "/v1/streams/road/{sensor}",
        "/v2/models/raw/config", "/v2/models/raw/versions/1/stats", "/v2/models/stats"}) {
    INFO(path);
    CHECK(paths.contains(path));
  }
  CHECK_THAT(body, ContainsSubstring(R"("flow":{"type":["number","null"]},"kind":{"type":["string","null"]}})"));
  CHECK_THAT(body, ContainsSubstring(R"({"enum":["north","south"]})"));
  CHECK_THAT(body, ContainsSubstring(R"("oneOf":[{"required":["sample","time"]},{"required":["samples","time"]}])"));
  CHECK(body.find(R"("security": [])") == std::string::npos);  // health needs a token here
  serve::Protocol open(repository, {});
  CHECK_THAT(open.answer(get("/openapi.json")).body, ContainsSubstring(R"("security": [])"));
}

TEST_CASE("the OpenAPI document follows limits, tokens and models") {
  serve::Repository repository{serve::RepositoryOptions{}};
  serve::Protocol protocol(repository, {.limits = {.rows = 77}, .token = "secret"});
  CHECK(protocol.answer(get("/openapi.json")).status == 401);
  serve::Request request = get("/openapi.json");
  request.headers = {{"Authorization", "Bearer secret"}};
  const std::string before = protocol.answer(request).body;
  CHECK_THAT(before, ContainsSubstring(R"("security":[{"token":[]}])"));
  CHECK(before.find("affine") == std::string::npos);
  repository.publish("affine", 1, affine());
  const std::string after = protocol.answer(request).body;
  CHECK_THAT(after, ContainsSubstring(R"("maxItems":77)"));
  CHECK_NOTHROW(JsonDocument(after, 100));
}
