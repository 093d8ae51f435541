// What changes what is served: policies, labels, rollback, load and unload, tokens with scopes, what is kept.
#include <filesystem>
#include <fstream>
#include <thread>

#include "maas/serve/config_file.hpp"
#include "maas/serve/protocol.hpp"
#include "serve/asking.hpp"
#include "serve/models.hpp"
#include "serve/status.hpp"
#include "serve/tokens.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using serve::Protocol;
using serve::Repository;
using serve::RepositoryOptions;
using serve::Response;
using serve::VersionPolicy;

namespace files = std::filesystem;

namespace {

void save(const std::string& path, int factor) {
  files::create_directories(files::path(path).parent_path());
  write_keras(path, {.network = affine(static_cast<Scalar>(factor))});
}

// A folder with versions of "m"; version V answers 5 V + 0.5 for ones.
std::string folder_with(const std::string& name, std::initializer_list<int> versions) {
  const std::string folder = fresh_folder(name);
  for (const int version : versions) save(fmt::format("{}/m/{}/model.h5", folder, version), version);
  return folder;
}

void write_text(const std::string& path, std::string_view text) { std::ofstream(path, std::ios::binary) << text; }

int factor_of(const std::shared_ptr<const serve::Servable>& servable) {
  return servable ? static_cast<int>(servable->network.predict(Matrix::Ones(1, 2))(0, 0) / 5) : 0;
}
int answering(const Repository& repository) { return factor_of(repository.find("m")); }

RepositoryOptions options_of(const std::string& folder, serve::ModelSettings settings = {}) {
  return {.folder = folder, .poll = 10ms, .models = {{"m", std::move(settings)}}};
}

using tests::check_answer;

struct Changing {
  Repository repository;
  Protocol protocol;
  explicit Changing(RepositoryOptions options, serve::ProtocolOptions how = {.open_admin = true})
      : repository(std::move(options)), protocol(repository, std::move(how)) {}
  Response post(std::string_view path, std::string body = {}) { return protocol.answer(tests::post(path, body)); }
  Response get(std::string_view path) { return protocol.answer(tests::get(path)); }
};

}  // namespace

TEST_CASE("policies: the latest, all, or those that are listed") {
  const std::string folder = folder_with("policies", {1, 2, 3, 4});
  const auto which = [&](VersionPolicy policy) {
    const Repository repository(options_of(folder, {.policy = policy}));
    std::vector<int> versions;
    for (int version = 1; version <= 4; ++version)
      if (repository.find("m", version)) versions.push_back(version);
    versions.push_back(answering(repository));
    return versions;
  };
  CHECK(which({.count = 2}) == std::vector{3, 4, 4});
  CHECK(which({.kind = VersionPolicy::Kind::all}) == std::vector{1, 2, 3, 4, 4});
  CHECK(which({.kind = VersionPolicy::Kind::specific, .versions = {3, 1, 9}}) == std::vector{1, 3, 3});
  CHECK_THROWS_AS(which({.count = 0}), ConfigError);
}

TEST_CASE("labels are asked by, keep their version answering, and move in one moment") {
  const std::string folder = folder_with("labels", {1, 2});
  Changing changing(options_of(folder, {.labels = {{"stable", 1}}}));
  Repository& repository = changing.repository;
  CHECK(answering(repository) == 2);
  CHECK(factor_of(repository.find_label("m", "stable")) == 1);
  CHECK(repository.find_label("m", "none") == nullptr);
  const std::string body = R"({"instances": [[1, 1]]})";
  CHECK(changing.post("/v1/models/m/labels/stable:predict", body).body == R"({"predictions":[[5.5]]})");
  check_answer(changing.get("/v1/models/m/labels/stable"), 200, R"("version":"1","state":"AVAILABLE")");
  check_answer(changing.get("/v1/models/m/labels/stable/metadata"), 200, R"("version":"1")");
  check_answer(changing.post("/v1/models/m/labels/none:predict", body), 404, "unknown label");
  check_answer(changing.get("/v1/models/m/labels/none"), 404, "unknown label");

  check_answer(changing.post("/maas/v1/models/m/labels/stable", R"({"version": 2})"), 200, R"("labels":{"stable":2})");
  CHECK(factor_of(repository.find_label("m", "stable")) == 2);
  CHECK(repository.find("m", 1) == nullptr);  // nothing asks for it any more
  check_answer(changing.post("/maas/v1/models/m/labels/stable", R"({"version": 1})"), 409, "a version that answers");
  check_answer(changing.post("/maas/v1/models/m/labels/stable", R"({"version": "2"})"), 400, "a whole number");
  check_answer(changing.post("/maas/v1/models/m/labels/stable", "{}"), 400, "got none");
  check_answer(changing.post("/maas/v1/models/m/labels/a%20b", R"({"version": 2})"), 400, "letters, digits and _");
  check_answer(changing.post("/maas/v1/models/none/labels/a", R"({"version": 2})"), 404, "unknown model");
  CHECK(factor_of(repository.find_label("m", "stable")) == 2);
  serve::Request removal = get("/maas/v1/models/m/labels/stable");
  removal.method = "DELETE";
  check_answer(changing.protocol.answer(removal), 200, R"("labels":{})");
  check_answer(changing.protocol.answer(removal), 404, "unknown label");
  CHECK(repository.find_label("m", "stable") == nullptr);
}

TEST_CASE("a label that is known, of a version that does not answer, is not ready rather than unknown") {
  const std::string folder = folder_with("labels_not_ready", {1});
  files::create_directories(folder + "/m/3");
  write_text(folder + "/m/3/model.h5", "no model");
  Changing changing(options_of(folder, {.labels = {{"stable", 1}, {"coming", 2}, {"broken", 3}}}));
  const std::string body = R"({"instances": [[1, 1]]})";
  const auto ask = [&](std::string_view label) {
    return changing.post(fmt::format("/v1/models/m/labels/{}:predict", label), body);
  };
  CHECK(ask("stable").status == 200);
  check_answer(ask("coming"), 503, R"(version 2 of the label \"coming\" is not ready: it is not there)");
  check_answer(ask("broken"), 503, R"(version 3 of the label \"broken\" is not ready: )");
  CHECK(header(ask("broken"), "Retry-After") != nullptr);
  check_answer(ask("none"), 404, "unknown label");
  changing.repository.unload("m");
  check_answer(ask("stable"), 503, "is unloaded");
  check_answer(ask("none"), 404, "unknown label");
}

TEST_CASE("a rollback is one call, and what comes later is taken up") {
  const std::string folder = folder_with("rollback", {1, 2, 3});
  Changing changing(options_of(folder));
  Repository& repository = changing.repository;
  CHECK(answering(repository) == 3);
  check_answer(changing.post("/maas/v1/models/m:rollback"), 200, R"({"name":"m","version":2})");
  CHECK(answering(repository) == 2);
  CHECK(repository.find("m", 3) == nullptr);
  std::this_thread::sleep_for(100ms);
  CHECK(answering(repository) == 2);  // looks do not bring it back
  CHECK(changing.post("/maas/v1/models/m:rollback").status == 200);
  CHECK(answering(repository) == 1);
  check_answer(changing.post("/maas/v1/models/m:rollback"), 409, "no version of \\\"m\\\" before 1");
  CHECK(answering(repository) == 1);
  check_answer(changing.get("/maas/v1/models/m"), 200, R"("withdrawn":[3,2])");
  save(folder + "/m/4/model.h5", 4);
  CHECK(wait_until([&] { return answering(repository) == 4; }));
  check_answer(changing.post("/maas/v1/models/m/versions/9:restore"), 404, "withdrawn");
  CHECK(changing.post("/maas/v1/models/m:rollback").status == 200);
  CHECK(answering(repository) == 1);
  check_answer(changing.post("/maas/v1/models/m/versions/3:restore"), 200, R"("withdrawn":[2,4])");
  CHECK(answering(repository) == 3);
  check_answer(changing.post("/maas/v1/models/none:rollback"), 404, "unknown model");
}

TEST_CASE("a rollback passes over versions that cannot be used") {
  const std::string folder = folder_with("rollback_past", {1, 3});
  files::create_directories(folder + "/m/2");
  write_text(folder + "/m/2/model.h5", "no model");
  Repository repository(options_of(folder));
  CHECK(repository.roll_back("m") == 1);
  CHECK(answering(repository) == 1);
}

TEST_CASE("a rollback withdraws no more versions than may be") {
  const std::string folder = folder_with("rollback_most", {1, 2});
  Repository repository(options_of(folder, {.withdrawn = std::vector<std::int64_t>(1000, 9)}));
  CHECK_THROWS_AS(repository.roll_back("m"), serve::ConflictError);
  CHECK(answering(repository) == 2);
}

TEST_CASE("models are unloaded and loaded by request") {
  const std::string folder = folder_with("loading", {1, 2});
  RepositoryOptions options = options_of(folder);
  options.poll = 60s;
  options.notices = false;  // nothing happens but by request
  Changing changing(options);
  Repository& repository = changing.repository;
  check_answer(changing.post("/v2/repository/index"), 200,
               R"([{"name":"m","version":"2","state":"READY","reason":""},)"
               R"({"name":"m","version":"1","state":"UNAVAILABLE","reason":"unloaded"}])");
  CHECK(changing.post("/v2/repository/index", R"({"ready": true})").body ==
        R"([{"name":"m","version":"2","state":"READY","reason":""}])");
  check_answer(changing.post("/v2/repository/index", R"({"ready": 1})"), 400, "true or false");

  const auto held = repository.find("m");
  CHECK(changing.post("/v2/repository/models/m/unload", R"({"parameters":{"unload_dependents":false}})").body ==
        R"({"name":"m","unload":true})");
  CHECK(repository.find("m") == nullptr);
  CHECK(factor_of(held) == 2);
  check_answer(changing.post("/v1/models/m:predict", R"({"instances": [[1, 1]]})"), 503, "is unloaded");
  check_answer(changing.get("/v2/models/m/ready"), 503, "is unloaded");
  CHECK(changing.post("/v2/repository/models/m/load").body == R"({"name":"m","load":true})");
  CHECK(answering(repository) == 2);

  save(folder + "/m/3/model.h5", 3);
  save(folder + "/new/1/model.h5", 1);
  CHECK(answering(repository) == 2);
  CHECK(changing.post("/v2/repository/models/m/load", R"({"parameters":{}})").status == 200);
  CHECK(answering(repository) == 3);
  CHECK(changing.post("/v2/repository/models/new/load").status == 200);
  CHECK(repository.find("new") != nullptr);

  write_text(folder + "/m/3/model.h5", "no model");
  check_answer(changing.post("/v2/repository/models/m/load"), 400, "version 3");
  CHECK(answering(repository) == 3);  // the one before stays
  check_answer(changing.post("/v2/repository/models/none/load"), 404, "a model with a file");
  check_answer(changing.post("/v2/repository/models/none/unload"), 404, "unknown model");
  check_answer(changing.post("/v2/repository/models/m/load", R"({"parameters":{"file:1/model.h5":""}})"), 501, "file:");
  check_answer(changing.post("/v2/repository/models/m/load", R"({"parameters":{"other":1}})"), 400, "other");
  check_answer(changing.post("/v2/repository/models/m/unload", R"({"parameters":{"other":1}})"), 400, "other");
  check_answer(changing.post("/v2/repository/models/m/load", "[]"), 400, "an object");
  check_answer(changing.post("/v2/repository/other/models/m/load"), 501, "not offered");
  check_answer(changing.get("/v2/repository/index"), 405, "expected POST");
  check_answer(changing.get("/v2"), 200, R"x("model_repository","model_repository(unload_dependents)")x");
}

TEST_CASE("an index names as many versions as it may") {
  const std::string folder = folder_with("short_index", {1, 2, 3});
  Changing changing(options_of(folder, {.policy = VersionPolicy{.kind = VersionPolicy::Kind::all}}),
                    {.limits = {.index_entries = 2}, .open_admin = true});
  const std::string index = changing.post("/v2/repository/index").body;
  CHECK_THAT(index, ContainsSubstring(R"("version":"3")") && ContainsSubstring(R"("version":"2")") &&
                        !ContainsSubstring(R"("version":"1")"));
}

TEST_CASE("a model that is unloaded stays so, whatever the folder does") {
  const std::string folder = folder_with("unloaded", {1});
  Repository repository(options_of(folder));
  repository.unload("m");
  save(folder + "/m/2/model.h5", 2);
  std::this_thread::sleep_for(200ms);
  CHECK(repository.find("m") == nullptr);
  repository.load("m");
  CHECK(answering(repository) == 2);
}

TEST_CASE("changes are not offered where nobody may make them") {
  const std::string folder = folder_with("closed", {1});
  Changing changing(options_of(folder), {});
  for (const char* path : {"/v2/repository/models/m/load", "/v2/repository/models/m/unload",
                           "/maas/v1/models/m:rollback", "/maas/v1/models/m/labels/a"})
    check_answer(changing.post(path), 501, "not offered");
  check_answer(changing.post("/v2/repository/index"), 200, R"("name":"m")");
  CHECK(changing.get("/maas/v1/models/m").status == 200);
  CHECK(changing.get("/v2").body.find("model_repository") == std::string::npos);
  const Repository constant(options_of(folder));
  Protocol protocol(constant, {.token = "t", .open_admin = true});
  check_answer(protocol.answer(post("/maas/v1/models/m:rollback", "", {{"Authorization", "Bearer t"}})), 501, "");
}

TEST_CASE("what calls have changed is there after a restart") {
  const std::string folder = folder_with("kept", {1, 2, 3});
  save(folder + "/other/1/model.h5", 1);
  fresh_folder("kept_state");
  RepositoryOptions options = options_of(folder, {.labels = {{"from_file", 1}}});
  options.state_file = "kept_state/models.json";
  {
    Repository repository(options);
    CHECK(factor_of(repository.find_label("m", "from_file")) == 1);
    repository.set_label("m", "stable", 3);
    CHECK(repository.roll_back("m") == 2);
    repository.set_traffic("m", serve::Canary{1, 0.25}, 3);
    repository.unload("other");
  }
  Repository repository(options);
  CHECK(answering(repository) == 2);
  CHECK(factor_of(repository.find_label("m", "stable")) == 3);
  CHECK(repository.find("other") == nullptr);
  CHECK(repository.settings("m") == serve::ModelSettings{.labels = {{"from_file", 1}, {"stable", 3}},
                                                         .withdrawn = {3},
                                                         .canary = serve::Canary{1, 0.25},
                                                         .shadow = 3});
  // Where it cannot be written nothing changes.
  files::remove_all("kept_state");
  CHECK_THROWS_AS(repository.set_label("m", "stable", 2), FormatError);
  CHECK(factor_of(repository.find_label("m", "stable")) == 3);
  fresh_folder("kept_state");
  for (const char* text : {"", "{}", "[1]", R"({"models":{"m":{"labels":[1]}}})", R"({"models":{"m":{"other":1}}})"}) {
    write_text("kept_state/models.json", text);
    CHECK_THROWS_AS(Repository(options), ConfigError);
  }
}

TEST_CASE("a canary is not the default, even as the newest, and the latest before it stays") {
  const std::string folder = folder_with("tried_out", {1, 2});
  Repository repository(options_of(folder, {.canary = serve::Canary{3, 0.5}, .shadow = 4}));
  CHECK(answering(repository) == 2);
  save(folder + "/m/3/model.h5", 3);
  save(folder + "/m/4/model.h5", 4);
  CHECK(wait_until([&] { return repository.find("m", 3) && repository.find("m", 4); }));
  CHECK(answering(repository) == 2);
  CHECK(repository.candidates("m").usual->version == 2);
  CHECK(repository.candidates("m").canary->version == 3);
  CHECK(repository.knows("m"));
  CHECK_FALSE(repository.knows("n"));
  CHECK(repository.candidates("n").usual == nullptr);
  repository.set_traffic("m", {}, {});
  CHECK(repository.candidates("m").canary == nullptr);
  CHECK(answering(repository) == 4);
  CHECK(repository.find("m", 3) == nullptr);
  CHECK_THROWS_AS(repository.set_traffic("m", serve::Canary{3, 1.5}, {}), ConfigError);
  CHECK_THROWS_AS(repository.set_traffic("m", {}, -1), ConfigError);
}

TEST_CASE("the version that answers is not made a shadow or a canary where no other one can take its place") {
  const std::string folder = folder_with("only", {1});
  Repository repository(options_of(folder));
  CHECK_THROWS_WITH(repository.set_traffic("m", {}, 1),
                    "set_traffic: expected a version of \"m\" that answers beside canary and shadow, got none");
  CHECK_THROWS_AS(repository.set_traffic("m", serve::Canary{1, 0.5}, {}), DataError);
  CHECK(answering(repository) == 1);
  CHECK(repository.settings("m") == serve::ModelSettings());
  save(folder + "/m/2/model.h5", 2);
  CHECK(wait_until([&] { return answering(repository) == 2; }));
  repository.set_traffic("m", {}, 2);
  CHECK(answering(repository) == 1);
}

TEST_CASE("the version that answers does so on where the one that would take its place cannot be read") {
  const std::string folder = folder_with("replaced_by_none", {1, 2});
  RepositoryOptions options = options_of(folder);
  options.poll = 60s;
  options.notices = false;
  Repository repository(options);
  write_text(folder + "/m/1/model.h5", "no model");
  CHECK_THROWS_AS(repository.set_traffic("m", {}, 2), DataError);
  CHECK(answering(repository) == 2);
  CHECK(repository.settings("m") == serve::ModelSettings());
}

TEST_CASE("golden.json must be met before a version goes live") {
  const std::string folder = folder_with("golden", {1});
  Repository repository(options_of(folder));
  const auto put = [&](int version, std::string_view golden) {
    const std::string made = fmt::format("golden_made/{}", version);
    save(made + "/model.h5", version);
    write_text(made + "/golden.json", golden);
    files::rename(made, fmt::format("{}/m/{}", folder, version));
  };
  const auto error_of = [&](int version) {
    for (const serve::VersionStatus& status : repository.status("m"))
      if (status.version == version) return status.error;
    return std::string();
  };
  files::remove_all("golden_made");
  put(2, R"([{"inputs": [[1, 1], [0, 0]], "outputs": [[10.5], [0.5]]},
             {"inputs": {"x": [[1, 0]]}, "outputs": {"y": [4.6]}, "atol": 0.2}])");
  CHECK(wait_until([&] { return answering(repository) == 2; }));
  put(3, R"([{"inputs": [[1, 1]], "outputs": [15.5]}, {"inputs": [[1, 1], [0, 1]], "outputs": [15.5, 9.6]}])");
  CHECK(wait_until([&] { return !error_of(3).empty(); }));
  CHECK_THAT(error_of(3), ContainsSubstring(R"(golden.json[1]: output "y" of sample 1: expected 9.6, got 9.5)"));
  CHECK(answering(repository) == 2);
  Protocol protocol(repository, {});
  CHECK_THAT(protocol.answer(get("/v1/models/m/versions/3")).body, ContainsSubstring("FAILED_PRECONDITION"));
  write_text(folder + "/m/3/golden.json", R"([{"inputs": [[1, 1]], "outputs": [15.5]}])");
  CHECK(wait_until([&] { return answering(repository) == 3; }));  // another golden.json: another try
  int version = 4;
  for (const auto& [text, part] : std::initializer_list<std::pair<const char*, const char*>>{
           {"", "JSON"},
           {"[]", "a list of checks"},
           {"[1]", "an object"},
           {R"([{"inputs": [[1, 1]]}])", "expected \"outputs\""},
           {R"([{"inputs": [[1]], "outputs": [1]}])", "expected shape [n, 2], got [1, 1]"},
           {R"([{"inputs": [[1, 1]], "outputs": [1, 2]}])", "expected 1 samples of output"},
           {R"([{"inputs": [[1, 1]], "outputs": [20.5], "rtol": -1}])", "rtol"}}) {
    put(version, text);
    CHECK(wait_until([&] { return !error_of(version).empty(); }));
    CHECK_THAT(error_of(version), ContainsSubstring(part));
    CHECK_THAT(error_of(version), ContainsSubstring("golden.json"));
    ++version;
  }
  CHECK(answering(repository) == 3);
}

TEST_CASE("a version that is moved into place is taken up at once") {
  const std::string folder = folder_with("noticed", {1});
  RepositoryOptions options = options_of(folder);
  options.poll = 600s;  // so only a notice can tell
  const Repository repository(options);
  files::remove_all("noticed_made");
  save("noticed_made/2/model.h5", 2);
  files::rename("noticed_made/2", folder + "/m/2");
  CHECK(wait_until([&] { return answering(repository) == 2; }));
  // Written in place: taken up when its writer closes it.
  const auto looks = repository.loads().looks;
  files::create_directories(folder + "/m/3");
  CHECK(wait_until([&] { return repository.loads().looks > looks; }));  // it is watched by now
  save(folder + "/m/3/model.h5", 3);
  CHECK(wait_until([&] { return answering(repository) == 3; }));
}

namespace {

serve::Request with_token(serve::Request request, std::string_view token) {
  request.headers.emplace_back("Authorization", fmt::format("Bearer {}", token));
  return request;
}

}  // namespace

TEST_CASE("tokens are for what their scopes say") {
  const std::string folder = folder_with("scopes", {1, 2});
  // echo -n abc | sha256sum: the first test vector of FIPS 180. The other one is of "def".
  write_text("tokens.txt",
             "# who may what\n"
             "infer,metadata ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad asker\n"
             "admin CB8379AC2098AA165029E3938A51DA0BCECFC008FD6795F401178647F96C5B34 keeper\n");
  Changing changing(options_of(folder), {.token_file = "tokens.txt"});
  const auto ask = [&](const serve::Request& request, std::string_view token) {
    return changing.protocol.answer(with_token(request, token)).status;
  };
  const serve::Request predict = post("/v1/models/m:predict", R"({"instances": [[1, 1]]})");
  CHECK(ask(predict, "abc") == 200);
  CHECK(ask(get("/v1/models/m"), "abc") == 200);
  CHECK(ask(post("/v2/repository/index", ""), "abc") == 200);
  CHECK(ask(get("/metrics"), "abc") == 403);
  CHECK(ask(post("/maas/v1/models/m:rollback", ""), "abc") == 403);
  CHECK(ask(post("/v2/repository/models/m/unload", ""), "abc") == 403);
  CHECK(ask(predict, "def") == 403);
  CHECK(ask(predict, "abcd") == 401);
  CHECK(ask(predict, "") == 401);
  CHECK(changing.protocol.answer(predict).status == 401);
  CHECK(changing.protocol.answer(get("/healthz")).status == 200);
  CHECK(changing.protocol.answer(get("/none")).status == 401);
  CHECK(ask(get("/none"), "abc") == 404);
  CHECK(ask(post("/maas/v1/models/m:rollback", ""), "def") == 200);

  // A file that changes is read again; one that is broken takes nothing away.
  std::this_thread::sleep_for(1100ms);
  write_text("tokens.txt", "nonsense two words\n");
  CHECK(ask(predict, "abc") == 200);
  std::this_thread::sleep_for(1100ms);
  write_text("tokens.txt", "plain # all scopes\n");
  CHECK(ask(predict, "plain") == 200);
  CHECK(ask(get("/metrics"), "plain") == 200);
  CHECK(ask(predict, "abc") == 401);
}

TEST_CASE("a file of tokens that cannot be read any more is told once a change, and counted until it can") {
  write_text("told_tokens.txt", "first\nsecond\n");
  std::vector<std::string> told;
  Repository repository{RepositoryOptions{}};
  Protocol protocol(repository,
                    {.token_file = "told_tokens.txt", .warn = [&](const std::string& text) { told.push_back(text); }});
  const auto metrics = [&] {
    std::this_thread::sleep_for(1050ms);  // it is looked at once a second
    return protocol.answer(with_token(get("/metrics"), "first")).body;
  };
  CHECK_THAT(metrics(), ContainsSubstring("\nmaas_token_file_read 1\n"));
  write_text("told_tokens.txt", "first\ninfer abc name\n");
  CHECK_THAT(metrics(), ContainsSubstring("\nmaas_token_file_read 0\n"));
  CHECK_THAT(metrics(), ContainsSubstring("\nmaas_token_file_read 0\n"));
  REQUIRE(told.size() == 1);
  CHECK_THAT(told[0], ContainsSubstring("told_tokens.txt line 2: expected SCOPE[,SCOPE] SHA256 NAME"));
  CHECK_THAT(told[0], ContainsSubstring("the tokens before stay"));
  std::filesystem::remove("told_tokens.txt");
  CHECK_THAT(metrics(), ContainsSubstring("\nmaas_token_file_read 0\n"));
  REQUIRE(told.size() == 2);
  CHECK_THAT(told[1], ContainsSubstring("told_tokens.txt: cannot be read"));
  write_text("told_tokens.txt", "first\n");
  CHECK_THAT(metrics(), ContainsSubstring("\nmaas_token_file_read 1\n"));
  REQUIRE(told.size() == 3);
  CHECK_THAT(told[2], ContainsSubstring("those of the file again"));
  CHECK(protocol.answer(with_token(get("/v2"), "second")).status == 401);
}

TEST_CASE("files of tokens say what is wrong with them") {
  for (const auto& [text, part] : std::initializer_list<std::pair<const char*, const char*>>{
           {"", "expected a line with a token"},
           {"# nothing\n", "expected a line with a token"},
           {"\ninfer abc name\n", "line 2: expected SCOPE"},
           {"fly ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad a\n", "a scope (infer"}}) {
    write_text("wrong_tokens.txt", text);
    CHECK_THROWS_WITH(serve::Tokens("", "wrong_tokens.txt"), ContainsSubstring(part));
  }
  CHECK_THROWS_AS(serve::Tokens("", "no/such/file"), FormatError);
  CHECK_FALSE(serve::Tokens("", "").any());
  CHECK(serve::Tokens("t", "").any_for(serve::Scope::admin));
}

TEST_CASE("health may be closed, paths may have a base, pages may be let in") {
  Repository repository{RepositoryOptions{}};
  repository.publish("m", 1, affine(1));
  Protocol closed(repository, {.token = "t", .closed_health = true});
  CHECK(closed.answer(get("/healthz")).status == 401);
  CHECK(closed.answer(with_token(get("/healthz"), "t")).status == 200);

  Protocol based(repository, {.base_path = "/a/b"});
  for (const char* path : {"/a/b/v1/models/m", "/v1/models/m", "/a/b", "/a/b/", "/a/b/healthz"})
    CHECK(based.answer(get(path)).status == 200);
  for (const char* path : {"/a/v1/models/m", "/a/bc/v1/models/m", "/a/b/a/b/v1/models/m"})
    CHECK(based.answer(get(path)).status == 404);
  for (const char* path : {"a", "/", "/a/"}) CHECK_THROWS_AS(Protocol(repository, {.base_path = path}), ConfigError);

  Protocol open(repository, {.token = "t", .cors = true});
  serve::Request preflight = get("/v1/models/m:predict");
  preflight.method = "OPTIONS";
  const Response allowed = open.answer(preflight);
  CHECK(allowed.status == 200);
  CHECK(*header(allowed, "Access-Control-Allow-Origin") == "*");
  CHECK_THAT(*header(allowed, "Access-Control-Allow-Headers"), ContainsSubstring("Content-Type"));
  CHECK(*header(open.answer(get("/v1/models/m")), "Access-Control-Allow-Origin") == "*");
  CHECK(based.answer(preflight).status == 405);
  CHECK(header(based.answer(get("/v1/models/m")), "Access-Control-Allow-Origin") == nullptr);
}

TEST_CASE("a request may say how long it is worth answering") {
  Repository repository{RepositoryOptions{}};
  repository.publish("m", 1, affine(1));
  Protocol protocol(repository, {});
  const auto ask = [&](const char* time, std::chrono::milliseconds ago) {
    serve::Request request =
        post("/v1/models/m:predict", R"({"instances": [[1, 1]]})", {{"X-Request-Timeout-Ms", time}});
    request.arrived -= ago;
    return protocol.answer(request).status;
  };
  CHECK(ask("1000", 0ms) == 200);
  CHECK(ask("100", 200ms) == 504);
  CHECK(ask("99999999", 11s) == 504);  // the server's own limit stays
  CHECK(ask("9223372036854775807", 0ms) == 200);
  for (const char* time : {"0", "-1", "x", "", "1.5", "99999999999999999999"}) CHECK(ask(time, 0ms) == 400);
}

TEST_CASE("a configuration names options and models") {
  write_text("config.json", R"({"server": {"port": 1, "cors": true, "max-wait": 0.5, "address": "::1"},
    "models": {"a": {"versions": "all", "labels": {"x": 1}}, "b": {"versions": {"latest": 3}},
               "c": {"versions": {"specific": [2]}, "canary": {"version": 4, "share": 0.1}, "shadow": 5}}})");
  const serve::ConfigFile config = serve::read_config_file("config.json");
  using Options = std::vector<std::pair<std::string, std::string>>;
  CHECK(config.options == Options{{"port", "1"}, {"cors", "true"}, {"max-wait", "0.5"}, {"address", "::1"}});
  CHECK(config.models.at("a").policy->kind == VersionPolicy::Kind::all);
  CHECK(config.models.at("a").labels.at("x") == 1);
  CHECK(config.models.at("b").policy->count == 3);
  CHECK(config.models.at("c").policy->versions == std::vector<std::int64_t>{2});
  CHECK(config.models.at("c").canary == serve::Canary{4, 0.1});
  CHECK(config.models.at("c").shadow == 5);
  for (const auto& [text, part] : std::initializer_list<std::pair<const char*, const char*>>{
           {"", "JSON"},
           {"[]", "an object"},
           {R"({"other": 1})", "expected \"server\" or \"models\""},
           {R"({"server": {"port": [1]}})", "server.port: expected a text"},
           {R"({"models": {"a/b": {}}})", "a name that an address can hold"},
           {R"({"models": {"a": {"versions": {"latest": 0}}}})", "models.a.versions: expected 1 to 1000"},
           {R"({"models": {"a": {"versions": "some"}}})", "models.a.versions"},
           {R"({"models": {"a": {"canary": {"version": 1, "share": 2}}}})", "a share from 0 to 1"},
           {R"({"models": {"a": {"labels": {"x": -1}}}})", "a version"}}) {
    write_text("config.json", text);
    CHECK_THROWS_WITH(serve::read_config_file("config.json"), ContainsSubstring(part));
  }
  CHECK_THROWS_AS(serve::read_config_file("no/such/file"), FormatError);
}
