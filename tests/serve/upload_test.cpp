// Loads that bring model files or a configuration along.
#include <sys/inotify.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "maas/serve/protocol.hpp"
#include "serve/asking.hpp"
#include "serve/base64.hpp"
#include "serve/given_versions.hpp"
#include "serve/json.hpp"
#include "serve/models.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using serve::Protocol;
using serve::Repository;
using serve::Response;

namespace files = std::filesystem;

namespace {

// A model file that answers 5 factor + 0.5 for ones.
std::string model_bytes(int factor, const std::string& name = "given.h5") {
  write_keras(name, {.network = affine(static_cast<Scalar>(factor))});
  return content(name);
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : files::recursive_directory_iterator(folder))
    names.push_back(files::relative(entry.path(), folder).string());
  std::ranges::sort(names);
  return names;
}

struct UploadService {
  std::string folder;
  Repository repository;
  Protocol protocol;
  explicit UploadService(const std::string& name,
                         serve::ProtocolOptions how = {.allow_upload = true, .open_admin = true})
      : folder(fresh_folder(name)),
        repository({.folder = folder, .poll = 10ms}),
        protocol(repository, std::move(how)) {}

  Response load(const std::string& model, const std::string& parameters, serve::Headers headers = {}) {
    return protocol.answer(
        post("/v2/repository/models/" + model + "/load", R"({"parameters":{)" + parameters + "}}", std::move(headers)));
  }
  Response upload(const std::string& model, const std::string& file, const std::string& bytes) {
    return load(model, file_parameter(file, bytes));
  }
  std::string predicted(const std::string& model) {
    return protocol.answer(post("/v1/models/" + model + ":predict", R"({"instances": [[1, 1]]})")).body;
  }
  static std::string file_parameter(const std::string& file, const std::string& bytes) {
    return fmt::format(R"("file:{}":"{}")", file, serve::base64_of(bytes));
  }
};

// In a text of JSON that stands in another.
std::string specific_policy(const std::vector<int>& versions) {
  return fmt::format(R"({{\"specific\":{{\"versions\":[{}]}}}})", fmt::join(versions, ","));
}

using tests::check_answer;

}  // namespace

TEST_CASE("base64 is that of RFC 4648, and what is none is refused") {
  for (const auto& [bytes, text] : {std::pair("", ""),
                                    {"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"foob", "Zm9vYg=="},
                                    {"fooba", "Zm9vYmE="},
                                    {"foobar", "Zm9vYmFy"}}) {
    CHECK(serve::base64_of(bytes) == text);
    CHECK(serve::bytes_of_base64(text, "x") == bytes);
  }
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  CHECK(serve::bytes_of_base64(serve::base64_of(all), "x") == all);
  CHECK(serve::bytes_of_base64("+/+/", "x") == std::string("\xfb\xff\xbf"));
  CHECK_THROWS_WITH(serve::bytes_of_base64("Zg=", "x"), "x: expected base64, groups of 4 characters, got 3 of them");
  CHECK_THROWS_WITH(serve::bytes_of_base64("Zm9v Zg==  =", "x"), "x: expected base64, got another character at 4");
  for (const char* text : {"====", "Z===", "Zg==Zg==", "Zm\n9", "Zm9\xc3"})
    CHECK_THROWS_AS(serve::bytes_of_base64(text, "x"), DataError);
}

namespace {

// Whether a folder was opened, as one is that is flushed, since a name has come into it.
bool is_opened_since(int notices) {
  alignas(inotify_event) char events[4096];
  const ssize_t size = ::read(notices, events, sizeof events);
  bool has_come = false, is_opened = false;
  for (ssize_t at = 0; at < size;) {
    const auto* event = reinterpret_cast<const inotify_event*>(events + at);
    has_come = has_come || (event->mask & (IN_MOVED_TO | IN_CREATE)) != 0;
    is_opened = is_opened || (has_come && event->len == 0 && (event->mask & IN_OPEN) != 0);
    at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
  }
  return is_opened;
}

}  // namespace

TEST_CASE("versions that were moved into place are flushed with the folder they are in") {
  fresh_folder("flushed");
  const std::string bytes = model_bytes(2);
  const int notices = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  for (const std::int64_t version : {1, 2}) {
    const std::vector<serve::GivenFile> given{{.version = version, .name = "model.h5", .content = bytes}};
    serve::GivenVersions versions("flushed", "new", given);
    versions.write();
    const int its = ::inotify_add_watch(notices, "flushed/new", IN_MOVED_TO | IN_OPEN);
    versions.move();
    ::inotify_rm_watch(notices, its);
    CHECK(is_opened_since(notices));
    CHECK(files::exists(fmt::format("flushed/new/{}/model.h5", version)));
    versions.stay();
  }
  ::close(notices);
}

TEST_CASE("files that come with a load become versions, of models that are there and of new ones") {
  UploadService served("uploaded");
  const std::string first = model_bytes(2);
  CHECK(served.upload("new", "1/model.h5", first).body == R"({"name":"new","load":true})");
  CHECK(served.predicted("new") == R"({"predictions":[[10.5]]})");
  CHECK(content("uploaded/new/1/model.h5") == first);
  CHECK(served.upload("new", "7/other.keras", model_bytes(3, "given.keras")).status == 200);
  CHECK(served.predicted("new") == R"({"predictions":[[15.5]]})");
  CHECK(served.repository.find("new")->version == 7);
  // Two at once, one of them with its checks; the policy keeps both.
  const std::string golden = R"([{"inputs": [[1, 1]], "outputs": [[20.5]]}])";
  CHECK(served
            .load("two", UploadService::file_parameter("1/model.h5", model_bytes(4)) + "," +
                             UploadService::file_parameter("1/golden.json", golden) + "," +
                             UploadService::file_parameter("2/model.h5", model_bytes(5)) +
                             R"(,"config":"{\"version_policy\":{\"all\":{}}}")")
            .status == 200);
  CHECK(served.predicted("two/versions/1") == R"({"predictions":[[20.5]]})");
  CHECK(served.predicted("two") == R"({"predictions":[[25.5]]})");
  CHECK(names_in("uploaded") == std::vector<std::string>{"new", "new/1", "new/1/model.h5", "new/7", "new/7/other.keras",
                                                         "two", "two/1", "two/1/golden.json", "two/1/model.h5", "two/2",
                                                         "two/2/model.h5"});
  std::this_thread::sleep_for(100ms);  // looks change nothing of it
  CHECK(served.predicted("two/versions/1") == R"({"predictions":[[20.5]]})");
  const std::string document = served.protocol.answer(get("/openapi.json")).body;
  CHECK_NOTHROW(serve::JsonDocument(document, 100));
  CHECK_THAT(document, ContainsSubstring(R"("patternProperties":{"^file:[0-9]+/)"));
  // An unloaded model is loaded by it.
  CHECK(served.protocol.answer(post("/v2/repository/models/new/unload", "")).status == 200);
  CHECK(served.upload("new", "8/model.h5", model_bytes(6)).status == 200);
  CHECK(served.predicted("new") == R"({"predictions":[[30.5]]})");
}

TEST_CASE("files that cannot be used leave nothing, and what answers does so on") {
  UploadService served("refused_uploads");
  const std::string good = model_bytes(2);
  REQUIRE(served.upload("m", "3/model.h5", good).status == 200);
  const std::vector<std::string> before = names_in("refused_uploads");
  check_answer(served.upload("m", "3/model.h5", good), 409, "version 3 is there already");
  check_answer(served.upload("m", "03/model.h5", good), 409, "version 3 is there already");
  files::create_directories("refused_uploads/m/9");  // of somebody who is about to fill it
  check_answer(served.upload("m", "9/model.h5", good), 409, "version 9 is there already");
  files::remove("refused_uploads/m/9");
  for (const std::string& bad : {good.substr(0, good.size() / 2), std::string(), std::string("no model")})
    for (const char* name : {"4/model.h5", "4/model.keras"}) {
      check_answer(served.upload("m", name, bad), 400, "files: version 4: ");
      check_answer(served.upload("fresh", name, bad), 400, "files: version 4: ");
    }
  write_keras("nan.h5", {.network = affine(std::numeric_limits<Scalar>::quiet_NaN())});
  check_answer(served.upload("m", "4/model.h5", content("nan.h5")), 400, "a finite number");
  const auto with_golden = [&](const std::string& golden) {
    return served.load("m", UploadService::file_parameter("4/model.h5", good) + "," +
                                UploadService::file_parameter("4/golden.json", golden));
  };
  check_answer(with_golden(R"([{"inputs": [[1, 1]], "outputs": [[11.5]]}])"), 400, "golden");
  CHECK(with_golden("{").status == 400);
  // One of two is bad: then neither stays.
  CHECK(served
            .load("m", UploadService::file_parameter("4/model.h5", good) + "," +
                           UploadService::file_parameter("5/model.h5", "x"))
            .status == 400);
  CHECK(names_in("refused_uploads") == before);
  CHECK(served.predicted("m") == R"({"predictions":[[10.5]]})");
  CHECK(served.repository.status("m").size() == 1);
  CHECK(served.repository.status("fresh").empty());
}

TEST_CASE("names of files stay in the version's folder, and are those of models") {
  UploadService served("upload_names");
  const std::string good = model_bytes(2);
  for (const char* name :
       {"1/../model.h5", "1/../../model.h5", "1//model.h5", "1/a/model.h5", "1/.model.h5", "1/model.h5 ", "1/model.txt",
        "1/", "/model.h5", "x/model.h5", "-1/model.h5", "model.h5", "1/..", "1/.h5"})
    CHECK(served.upload("m", name, good).status == 400);
  CHECK(served.upload("m", "1/m\\u0000.h5", good).status == 400);
  for (const char* model : {"%2E%2E", "a%2Fb", "a%3Ab", "stats", "%2E"})
    CHECK(served.upload(model, "1/model.h5", good).status >= 400);
  for (const char* model : {".hidden", "a.tmp"})
    check_answer(served.upload(model, "1/model.h5", good), 400, "does not pass over");
  check_answer(served.load("m", UploadService::file_parameter("1/golden.json", "[]")), 400,
               "version 1: expected a model file");
  check_answer(served.load("m", UploadService::file_parameter("1/a.h5", good) + "," +
                                    UploadService::file_parameter("1/b.h5", good)),
               400, "version 1: expected one model file");
  check_answer(served.load("m", R"("file:1/model.h5":"###!")"), 400, "expected base64, got another character at 0");
  check_answer(served.load("m", R"("file:1/model.h5":7)"), 400, "to be a text, got a number");
  CHECK(names_in("upload_names").empty());
  // A folder of a model that is a link to another place is read, and not written to.
  fresh_folder("upload_elsewhere");
  files::create_directory_symlink(files::absolute("upload_elsewhere"), "upload_names/linked");
  check_answer(served.upload("linked", "1/model.h5", good), 409, "leads out of the repository's");
  CHECK(names_in("upload_elsewhere").empty());
}

TEST_CASE("what one that was killed has left is passed over, and goes with the next upload") {
  UploadService served("killed_upload");
  files::create_directories("killed_upload/m/.1.tmp");
  std::ofstream("killed_upload/m/.1.tmp/model.h5") << "half a mod";
  std::ofstream("killed_upload/m/.1.tmp/golden.json") << "[";
  std::this_thread::sleep_for(100ms);
  CHECK(served.repository.status("m").empty());
  CHECK(served.upload("m", "1/model.h5", model_bytes(2)).status == 200);
  CHECK(names_in("killed_upload") == std::vector<std::string>{"m", "m/1", "m/1/model.h5"});
  CHECK(served.predicted("m") == R"({"predictions":[[10.5]]})");
}

TEST_CASE("files come only where they are allowed, and from who may change what is served") {
  const std::string good = model_bytes(2);
  UploadService closed("closed_uploads", {.open_admin = true});
  check_answer(closed.upload("m", "1/model.h5", good), 501, "needs a server that allows uploads");
  CHECK_THAT(closed.protocol.answer(get("/openapi.json")).body, !ContainsSubstring("patternProperties"));
  CHECK(names_in("closed_uploads").empty());
  UploadService nobody("closed_uploads", {.allow_upload = true});
  CHECK(nobody.upload("m", "1/model.h5", good).status == 501);
  std::ofstream("upload_tokens.txt") << "infer,metadata,train "
                                        "4813494d137e1631bba301d5acab6e7bb7aa74ce1185d456565ef51d737677b2 r\n"
                                        "admin 8c6976e5b5410415bde908bd4dee15dfb167a9c873fc4bb8a81f6f2ab448a918 a\n";
  UploadService scoped("closed_uploads", {.allow_upload = true, .token_file = "upload_tokens.txt"});
  const auto with_token = [&](const char* token) {
    return scoped
        .load("m", UploadService::file_parameter("1/model.h5", good),
              {{"Authorization", fmt::format("Bearer {}", token)}})
        .status;
  };
  CHECK(scoped.upload("m", "1/model.h5", good).status == 401);
  CHECK(with_token("root") == 403);
  CHECK(names_in("closed_uploads").empty());
  CHECK(with_token("admin") == 200);
  CHECK(scoped.repository.find("m") != nullptr);
  UploadService small("closed_uploads", {.limits = {.body_bytes = 1000}, .allow_upload = true, .open_admin = true});
  CHECK(small.upload("m", "1/model.h5", good).status == 413);
}

TEST_CASE("a configuration sets which versions answer, and says nothing that is not so") {
  UploadService served("configured", {.open_admin = true});
  for (int version = 1; version <= 3; ++version) {
    files::create_directories(fmt::format("configured/m/{}", version));
    write_keras(fmt::format("configured/m/{}/model.h5", version), {.network = affine(static_cast<Scalar>(version))});
  }
  const auto configure = [&](std::string_view config) {
    std::string text;
    for (const char c : config) text += c == '"' ? std::string("\\\"") : std::string(1, c);
    return served.load("m", fmt::format(R"("config":"{}")", text));
  };
  const auto answering = [&] {
    std::vector<int> versions;
    for (int version = 1; version <= 3; ++version)
      if (served.repository.find("m", version)) versions.push_back(version);
    return versions;
  };
  CHECK(configure("{}").status == 200);
  CHECK(answering() == std::vector{3});
  CHECK(configure(R"({"version_policy":{"all":{}}})").status == 200);
  CHECK(answering() == std::vector{1, 2, 3});
  CHECK(configure(R"({"version_policy":{"latest":{"num_versions":2}}})").status == 200);
  CHECK(answering() == std::vector{2, 3});
  CHECK(configure(R"({"version_policy":{"specific":{"versions":[1]}}})").status == 200);
  CHECK(answering() == std::vector{1});
  CHECK(configure("{}").status == 200);  // a policy stays where none is given
  CHECK(answering() == std::vector{1});
  CHECK(configure(R"({"version_policy":{"latest":{}}})").status == 200);
  CHECK(answering() == std::vector{3});
  // What the server says of itself can be sent back.
  const std::string said = served.protocol.answer(get("/v2/models/m/config")).body;
  CHECK(configure(said).status == 200);
  CHECK(served.protocol.answer(get("/v2/models/m/config")).body == said);

  for (const char* config :
       {"", "[]", "{", R"({"name":"other"})", R"({"backend":"onnxruntime"})", R"({"instance_group":[]})",
        R"({"version_policy":"all"})", R"({"version_policy":{}})", R"({"version_policy":{"all":{},"latest":{}}})",
        R"({"version_policy":{"latest":{"num_versions":0}}})", R"({"version_policy":{"latest":{"num_versions":"2"}}})",
        R"({"version_policy":{"specific":{}}})", R"({"version_policy":{"specific":{"versions":[-1]}}})"}) {
    INFO(config);
    CHECK(configure(config).status == 400);
    CHECK(answering() == std::vector{3});
  }
  check_answer(served.load("m", R"("config":{})"), 400, "to be a text, got an object");
  CHECK_THROWS_AS(served.repository.load("m", serve::VersionPolicy{.count = 0}), ConfigError);
  CHECK_THROWS_AS(served.repository.load("none", std::optional<serve::VersionPolicy>()), DataError);
  CHECK(answering() == std::vector{3});

  const auto specific = [](const std::vector<int>& versions) {
    return fmt::format(R"({{"version_policy":{{"specific":{{"versions":[{}]}}}}}})", fmt::join(versions, ","));
  };
  // A policy by which no version can be used is refused, and the one before stays.
  check_answer(configure(specific({99})), 400, "is to be served");
  CHECK(answering() == std::vector{3});
  CHECK(configure(specific(std::vector<int>(1000, 3))).status == 200);
  check_answer(configure(specific(std::vector<int>(1001, 3))), 400, "at most 1000 versions, got 1001");
  // Where the version of a policy is gone, another policy helps.
  files::remove_all("configured/m/3");
  while (served.repository.find("m")) std::this_thread::sleep_for(1ms);
  CHECK(served.load("m", "").status == 400);
  CHECK(configure(R"({"version_policy":{"all":{}}})").status == 200);
  CHECK(answering() == std::vector{1, 2});
}

TEST_CASE("while a policy changes all requests are answered") {
  UploadService served("policies_in_turn");
  for (const char* version : {"1/model.h5", "2/model.h5"})
    REQUIRE(served.upload("m", version, model_bytes(2)).status == 200);
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0}, asked{0};
  std::thread client([&] {
    while (!done) {
      wrong += served.predicted("m") == R"({"predictions":[[10.5]]})" ? 0 : 1;
      ++asked;
    }
  });
  for (int turn = 0; turn < 20 || asked < 100; ++turn)
    CHECK(served.load("m", R"("config":"{\"version_policy\":)" + specific_policy({1 + turn % 2}) + "}\"").status ==
          200);
  done = true;
  client.join();
  CHECK(wrong == 0);
}

TEST_CASE("an upload asks nothing of versions that were there before") {
  UploadService served("beside_a_broken_one");
  REQUIRE(served.upload("m", "1/model.h5", model_bytes(1)).status == 200);
  files::create_directories("beside_a_broken_one/m/5");
  std::ofstream("beside_a_broken_one/m/5/model.h5") << "no model";
  CHECK(served.load("m", "").status == 400);
  CHECK(served.upload("m", "3/model.h5", model_bytes(3)).status == 200);
  CHECK(served.predicted("m") == R"({"predictions":[[15.5]]})");
  CHECK(served.upload("m", "2/model.h5", model_bytes(2)).status == 200);  // kept, and not answering
  CHECK(served.predicted("m") == R"({"predictions":[[15.5]]})");
}

TEST_CASE("versions are numbers that fit, and not too many at once") {
  UploadService served("upload_numbers");
  const std::string good = model_bytes(2);
  CHECK(served.upload("m", "9223372036854775808/model.h5", good).status == 400);
  std::string many = UploadService::file_parameter("0/model.h5", good);
  for (int version = 1; version <= 100; ++version)
    many += "," + UploadService::file_parameter(fmt::format("{}/model.h5", version), good);
  check_answer(served.load("m", many), 400, "at most 100 versions");
  CHECK(names_in("upload_numbers").empty());
  check_answer(served.upload("m.tmp", "1/model.h5", good), 400, "does not pass over");
  CHECK(served.upload("m", "9223372036854775807/model.h5", good).status == 200);
  CHECK_THROWS_AS(served.repository.add_version("m", "given.h5"), DataError);  // none comes after it
  CHECK(served.predicted("m") == R"({"predictions":[[10.5]]})");
}

TEST_CASE("files need a folder to lie in") {
  Repository repository(serve::RepositoryOptions{});
  Protocol protocol(repository, {.allow_upload = true, .open_admin = true});
  check_answer(protocol.answer(post("/v2/repository/models/m/load",
                                    R"({"parameters":{)" + UploadService::file_parameter("1/model.h5", "x") + "}}")),
               409, "a server with a folder");
}

TEST_CASE("an upload while all is asked fails no answer, and each is of the version it names") {
  UploadService served("busy_upload");
  REQUIRE(served.upload("m", "1/model.h5", model_bytes(1)).status == 200);
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0}, asked{0};
  std::vector<std::thread> clients;
  for (int t = 0; t < 3; ++t)
    clients.emplace_back([&] {
      while (!done) {
        const std::string body =
            served.protocol
                .answer(post("/v2/models/m/infer",
                             R"({"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,1]}]})"))
                .body;
        bool is_right = false;
        for (int version = 1; version <= 8; ++version)
          is_right = is_right || (body.find(fmt::format(R"("model_version":"{}")", version)) != body.npos &&
                                  body.find(fmt::format("\"data\":[{}.5]", 5 * version)) != body.npos);
        wrong += is_right ? 0 : 1;
        ++asked;
      }
    });
  for (int version = 2; version <= 8; ++version)
    CHECK(served.upload("m", fmt::format("{}/model.h5", version), model_bytes(version)).status == 200);
  while (asked < 100) std::this_thread::sleep_for(1ms);
  done = true;
  for (std::thread& client : clients) client.join();
  CHECK(wrong == 0);
  CHECK(served.repository.find("m")->version == 8);
}
