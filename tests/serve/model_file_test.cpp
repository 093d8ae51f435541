// Settings of a model in a file maas.json beside its versions.
#include <sys/fsuid.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "maas/serve/config_file.hpp"
#include "maas/serve/protocol.hpp"
#include "serve/asking.hpp"
#include "serve/model_settings.hpp"
#include "serve/models.hpp"
#include "serve/status.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using serve::ModelSettings;
using serve::Protocol;
using serve::Repository;
using serve::VersionPolicy;
using serve::VersionState;

namespace files = std::filesystem;

namespace {

void save_version(const std::string& folder, int version, const Network& network) {
  const std::string place = fmt::format("{}/{}", folder, version);
  files::create_directories(place);
  write_keras(place + "/model.h5", {.network = network});
}

// A model "m" with versions of which each answers with its number as factor, and with this maas.json if it is not
// empty.
std::string model_folder(const std::string& name, std::initializer_list<int> versions, std::string_view settings = "") {
  const std::string folder = fresh_folder(name);
  for (const int version : versions) save_version(folder + "/m", version, affine(static_cast<Scalar>(version)));
  if (!settings.empty()) std::ofstream(folder + "/m/maas.json") << settings;
  return folder;
}

// Whole at once, for who looks often.
void write_settings(const std::string& folder, std::string_view settings) {
  const std::string made = folder + "/m/maas.json.tmp";
  std::ofstream(made) << settings;
  files::rename(made, folder + "/m/maas.json");
}

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

std::string input_of(const Repository& repository, std::optional<std::int64_t> version = {}) {
  const auto servable = repository.find("m", version);
  return servable ? servable->inputs[0].name : "none";
}

std::string told(const Repository& repository, std::int64_t version) {
  for (const serve::VersionStatus& status : repository.status("m"))
    if (status.version == version) return status.error;
  return "unknown version";
}

std::int64_t newest(const Repository& repository) {
  const auto servable = repository.find("m");
  return servable ? servable->version : -1;
}

}  // namespace

TEST_CASE("a model's file has all members that the configuration has for it") {
  const char* all = R"({"versions": {"latest": 2}, "labels": {"stable": 3}, "withdrawn": [7], "unloaded": true,
      "canary": {"version": 4, "share": 0.25}, "shadow": 5, "batching": {"rows": 16},
      "limits": {"max-rows": 64, "max-model-queue": 100, "max-model-rows": 1000},
      "inputs": {"input_1": "flow"}, "outputs": {"dense_3": "forecast"}, "required": true})";
  std::ofstream("maas.json") << all;
  std::ofstream("all.json") << fmt::format(R"({{"models": {{"m": {}}}}})", all);
  const ModelSettings expected{.policy = VersionPolicy{.count = 2},
                               .labels = {{"stable", 3}},
                               .withdrawn = {7},
                               .is_unloaded = true,
                               .canary = serve::Canary{4, 0.25},
                               .shadow = 5,
                               .serving = {.batch_rows = 16,
                                           .rows = 64,
                                           .queue = 100,
                                           .queue_rows = 1000,
                                           .inputs = {{"input_1", "flow"}},
                                           .outputs = {{"dense_3", "forecast"}}},
                               .is_required = true};
  CHECK(serve::read_model_file("maas.json") == expected);
  CHECK(serve::read_config_file("all.json").models.at("m") == expected);
  std::string written = "{";
  serve::append_settings(written, expected);
  std::ofstream("maas.json") << written << '}';
  CHECK(serve::read_model_file("maas.json") == expected);
  std::ofstream("maas.json") << R"({"batching": false, "limits": {}, "required": false, "canary": null})";
  CHECK(serve::read_model_file("maas.json") == ModelSettings{.serving = {.batch_rows = 1}, .is_required = false});
}

TEST_CASE("a model's file that is wrong is told by its name, the member, what was expected and what was found") {
  for (const auto& [text, part] : std::initializer_list<std::pair<std::string, const char*>>{
           {"", "maas.json: "},
           {"{", "maas.json: "},
           {"[]", "maas.json: expected an object, got a list"},
           {R"({"other": 1})", "maas.json: other: expected versions, labels,"},
           {R"({"versions": {"latest": 0}})", "maas.json: versions: expected 1 to 1000 latest versions, got 0"},
           {R"({"withdrawn": [0)" + repeated(",1", 1000) + "]}", "withdrawn: expected at most 1000 versions, got 1001"},
           {R"({"versions": {"specific": [0)" + repeated(",1", 1000) + "]}}",
            "versions: expected at most 1000 versions"},
           {R"({"labels": [1]})", "maas.json: labels: expected an object, got a list"},
           {R"({"labels": {"a b": 1}})", "maas.json: labels: expected labels of letters, digits and _, got \"a b\""},
           {R"({"labels": {"a": 1.5}})", "maas.json: labels.a: expected a version"},
           {R"({"canary": {"version": 1, "share": 2}})", "maas.json: canary: expected a share from 0 to 1, got 2"},
           {R"({"batching": 3})", R"(maas.json: batching: expected true, false or {"rows": N}, got a number)"},
           {R"({"batching": {"rows": 0}})", "maas.json: batching.rows: expected a whole number of at least 1, got 0"},
           {R"({"batching": {"rows": 2, "wait": 1}})", "maas.json: batching: expected true, false or"},
           {R"({"limits": {"max-rows": -1}})", "maas.json: limits.max-rows: expected a whole number of at least 1"},
           {R"({"limits": {"rows": 1}})", "maas.json: limits.rows: expected max-rows, max-model-queue or max-model"},
           {R"({"inputs": {"x": 1}})", "maas.json: inputs.x: expected a name, a text of 1 to 255 bytes"},
           {R"({"outputs": {"y": ""}})", "maas.json: outputs.y: expected a name"},
           {R"({"outputs": {"y": "a\nb"}})", "maas.json: outputs.y: expected a name"},
           {R"({"required": "yes"})", "maas.json: required: expected true or false, got a text"},
           {std::string(40, '['), "maas.json: "},
           {R"({"labels": )" + std::string(33, '[') + std::string(33, ']') + "}", "32"},
           {std::string((1 << 20) + 1, ' '), "maas.json: expected at most 1048576 bytes, got more"}}) {
    std::ofstream("maas.json") << text;
    INFO(text.substr(0, 100));
    CHECK_THROWS_WITH(serve::read_model_file("maas.json"), ContainsSubstring(part));
  }
  CHECK_THROWS_AS(serve::read_model_file("no/such/file"), DataError);
  for (const char* form : {R"({{"{}": 1}})", R"({{"limits": {{"{}": 1}}}})", R"({{"inputs": {{"{}": 1}}}})"}) {
    std::ofstream("maas.json") << fmt::format(fmt::runtime(form), std::string(10'000, 'n'));
    std::string said;
    try {
      serve::read_model_file("maas.json");
    } catch (const ConfigError& error) {
      said = error.what();
    }
    CHECK_THAT(said, ContainsSubstring("nnn: expected"));
    CHECK(said.size() < 500);
  }
  for (const ModelSettings& wrong :
       {ModelSettings{.serving = {.rows = 0}}, ModelSettings{.serving = {.inputs = {{"x", ""}}}}})
    CHECK_THROWS_AS(Repository({.models = {{"m", wrong}}}), ConfigError);
}

TEST_CASE("settings that are cut or changed anywhere are settings or an error, and nothing else") {
  const std::string text = R"({"versions":{"specific":[1,2]},"labels":{"s":3},"canary":{"version":4,"share":0.5},)"
                           R"("shadow":5,"batching":{"rows":6},"limits":{"max-rows":7},"inputs":{"x":"y"},)"
                           R"("withdrawn":[8],"unloaded":false,"required":true,"outputs":{"z":"\u00e4"}})";
  int good = 0, bad = 0;
  const auto read = [&](const std::string& changed) {
    try {
      const serve::JsonDocument document(changed, 32);
      serve::check_settings("m", serve::settings_from(document.root(), ""));
      ++good;
    } catch (const Error&) {
      ++bad;
    }
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    read(text.substr(0, at));
    for (const char c : std::string_view("{}[]\",:0-9etnu\\\0\x80", 18)) {
      std::string changed = text;
      changed[at] = c;
      read(changed);
    }
  }
  CHECK(good > 100);
  CHECK(bad > 1000);
}

TEST_CASE("tensors have the names of the model's file wherever they are named") {
  const std::string folder = fresh_folder("named");
  save_version(folder + "/m", 1, joined());
  write_settings(folder, R"({"inputs": {"a": "b", "b": "left"}, "outputs": {"pair": "both"}})");  // a name may move on
  const Repository repository({.folder = folder, .poll = 10ms});
  Protocol protocol(repository, {});
  const std::string columns = R"("b": [[1, 2]], "left": [[3]])";
  const auto predict = [&](const std::string& body) { return protocol.answer(post("/v1/models/m:predict", body)); };
  const auto infer = [&](const std::string& body) { return protocol.answer(post("/v2/models/m/infer", body)); };
  check_answer(predict(R"({"inputs": {)" + columns + "}}"), 200, R"({"outputs":{"sum":[[6.0]],"both":[[-2.0,8.0]]}})");
  check_answer(predict(R"({"instances": [{"b": [1, 2], "left": 3}]})"), 200,
               R"({"predictions":[{"sum":[6.0],"both":[-2.0,8.0]}]})");
  check_answer(predict(R"({"inputs": {"a": [[1, 2]], "b": [[3]]}})"), 400,
               R"(expected the inputs \"b\", \"left\", got \"a\")");
  const std::string tensors = R"({"inputs": [{"name": "left", "shape": [1, 1], "datatype": "FP32", "data": [3]},
                                             {"name": "b", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}])";
  check_answer(infer(tensors + R"(, "outputs": [{"name": "both"}]})"), 200, R"({"name":"both","shape":[1,2])");
  check_answer(infer(tensors + R"(, "outputs": [{"name": "pair"}]})"), 400,
               R"(expected the outputs \"sum\", \"both\", got)");
  for (const char* path : {"/v1/models/m/metadata", "/v2/models/m", "/v2/models/m/config", "/openapi.json"}) {
    const std::string body = protocol.answer(get(path)).body;
    INFO(body);
    CHECK_THAT(body, ContainsSubstring(R"("left")") && ContainsSubstring(R"("both")"));
    CHECK_THAT(body, !ContainsSubstring(R"("pair")"));
  }
  check_answer(protocol.answer(get("/maas/v1/models/m")), 200,
               R"("inputs":{"a":"b","b":"left"},"outputs":{"pair":"both"})");
}

TEST_CASE("a model's file that changes is taken up, one that is wrong is told, and the settings before it stay") {
  const std::string folder = model_folder("changed_settings", {1, 2}, R"({"inputs": {"x": "flow"}})");
  Repository repository({.folder = folder, .poll = 10ms});
  Protocol protocol(repository, {.open_admin = true});
  CHECK(input_of(repository) == "flow");
  CHECK(repository.loads().succeeded == 1);
  const auto held = repository.find("m");
  write_settings(folder, R"({"inputs": {"x": "speed"}, "versions": "all"})");
  CHECK(settles(repository, [&] { return input_of(repository, 1) == "speed"; }));
  CHECK(input_of(repository, 2) == "speed");
  CHECK(repository.loads().succeeded == 2);  // the one that answered has not been read again
  CHECK(held->inputs[0].name == "flow");     // who holds it goes on
  CHECK(held->network.predict(Matrix::Ones(1, 2)) == repository.find("m", 2)->network.predict(Matrix::Ones(1, 2)));
  CHECK(told(repository, 2).empty());

  const auto failed = repository.loads().failed;
  write_settings(folder, R"({"inputs": {"x": "speed"}, "versions": {"latest": "all"}})");
  CHECK(settles(repository, [&] { return !told(repository, 2).empty(); }));
  CHECK_THAT(told(repository, 2),
             ContainsSubstring("m/maas.json: versions: expected 1 to 1000 latest versions, got a"));
  CHECK(input_of(repository, 1) == "speed");
  CHECK(repository.loads().failed == failed + 1);
  check_answer(protocol.answer(get("/v1/models/m")), 200,
               R"("state":"AVAILABLE","status":{"error_code":"INVALID_ARGUM)");
  check_answer(protocol.answer(post("/v2/repository/index", "")), 200, "maas.json: versions: expected 1 to 1000");
  check_answer(protocol.answer(get("/metrics")), 200,
               fmt::format("maas_reload_total{{result=\"failure\"}} {}\n", failed + 1));
  check_answer(protocol.answer(post("/v2/repository/models/m/load", "")), 400, "maas.json: versions: expected");
  CHECK(repository.add_version("m", folder + "/m/2/model.h5") == 3);  // what is good is not refused for it
  CHECK(input_of(repository, 3) == "speed");

  files::remove(folder + "/m/maas.json");
  CHECK(settles(repository, [&] { return input_of(repository) == "x"; }));
  CHECK(told(repository, 3).empty());
  CHECK(repository.find("m", 1) == nullptr);
  CHECK(repository.settings("m") == ModelSettings());
}

TEST_CASE("a model's file that grows is not read before it is whole") {
  const std::string folder = model_folder("growing_settings", {1}, R"({"inputs": {"x": "flow"}})");
  const Repository repository({.folder = folder, .poll = 10s});
  const std::string text = R"({"inputs": {"x": "speed"}} )";
  std::ofstream file(folder + "/m/maas.json", std::ios::binary);
  for (const char c : text) {
    file << c << std::flush;
    std::this_thread::sleep_for(20ms);
    CHECK(input_of(repository) == "flow");
  }
  file.close();  // that alone tells, long before a poll
  CHECK(wait_until([&] { return input_of(repository) == "speed"; }));
  CHECK(repository.loads().failed == 0);
}

TEST_CASE("a new model does not answer before its file is whole") {
  const std::string folder = fresh_folder("settings_later"), aside = model_folder("settings_aside", {1});
  std::ofstream(aside + "/m/1/COMPLETE") << "";
  const Repository repository({.folder = folder, .poll = 300ms, .notices = false});
  write_settings(aside, R"({"inputs": {"x": "flow"}})");
  files::rename(aside + "/m", folder + "/m");
  CHECK(wait_until([&] { return repository.find("m") != nullptr; }));
  CHECK(input_of(repository) == "flow");
  CHECK(repository.loads().succeeded == 1);
}

TEST_CASE("a name for a tensor that is not there, and one name for two, are told, and the version does not go live") {
  const std::string folder = fresh_folder("misnamed");
  save_version(folder + "/m", 1, joined());
  write_settings(folder, R"({"outputs": {"none": "y"}})");
  Repository repository({.folder = folder, .poll = 10ms});
  CHECK(repository.find("m") == nullptr);
  CHECK(told(repository, 1) ==
        R"(misnamed/m/maas.json: outputs: expected names for "sum", "pair", got one for "none")");
  write_settings(folder, R"({"outputs": {"sum": "pair"}})");
  CHECK(settles(repository, [&] { return told(repository, 1).find("got \"pair\" twice") != std::string::npos; }));
  CHECK(repository.find("m") == nullptr);
  write_settings(folder, R"({"outputs": {"sum": "pair", "pair": "sum"}})");
  CHECK(settles(repository, [&] { return repository.find("m") != nullptr; }));
  CHECK(repository.find("m")->outputs[0].name == "pair");
  CHECK(told(repository, 1).empty());
  write_settings(folder, R"({"inputs": {"a": "b"}, "versions": "all"})");  // what answers goes on by its names
  CHECK(settles(repository, [&] { return !told(repository, 1).empty(); }));
  CHECK(told(repository, 1) == R"(misnamed/m/maas.json: inputs: expected a name of its own for each, got "b" twice)");
  CHECK(repository.find("m")->outputs[0].name == "pair");
  CHECK(repository.settings("m").policy.has_value());
  CHECK_THROWS_AS(repository.load("m"), DataError);
  CHECK_THROWS_WITH(repository.publish("m", 2, affine()), ContainsSubstring("inputs: expected names for \"x\""));
  write_settings(folder, R"({"inputs": {"a": "c"}})");
  CHECK(settles(repository, [&] { return repository.find("m")->inputs[0].name == "c"; }));
  CHECK(told(repository, 1).empty());
  repository.publish("n", 1, affine());
  CHECK(repository.find("n")->inputs[0].name == "x");
}

TEST_CASE("what is no JSON is told by the file alone, and names of the configuration name no file") {
  const std::string folder = model_folder("no_json", {1}, R"({"inputs": {"x": )");
  const Repository repository({.folder = folder, .poll = 10ms});
  CHECK_THAT(told(repository, 1), Catch::Matchers::StartsWith("no_json/m/maas.json: expected JSON, got 17 bytes"));
  write_settings(folder, R"({"inputs": {"x": "flow"}})");
  ModelSettings above;
  above.serving.inputs = {{"none", "y"}};
  const Repository configured({.folder = folder, .poll = 10ms, .models = {{"m", above}}});
  CHECK(told(configured, 1) == R"(inputs: expected names for "x", got one for "none")");
}

TEST_CASE("golden.json has the names of the network, whatever the model's file says") {
  const std::string folder = model_folder("golden_names", {1}, R"({"inputs": {"x": "flow"}, "outputs": {"y": "z"}})");
  std::ofstream(folder + "/m/1/golden.json") << R"([{"inputs": {"x": [[1, 1]]}, "outputs": {"y": [[5.5]]}}])";
  const Repository repository({.folder = folder, .poll = 10ms});
  CHECK(input_of(repository) == "flow");
  CHECK(told(repository, 1).empty());
}

TEST_CASE("what calls have changed comes before the configuration, and that before the model's file") {
  const std::string folder = model_folder("settings_order", {1, 2, 3},
                                          R"({"versions": {"specific": [1, 2]}, "labels": {"stable": 1},
                                              "limits": {"max-rows": 7}, "shadow": 1, "inputs": {"x": "flow"}})");
  fresh_folder("settings_order_state");
  serve::RepositoryOptions options{
      .folder = folder,
      .poll = 10ms,
      .models = {{"m", {.labels = {{"old", 1}}, .serving = {.rows = 3}, .is_required = false}}},
      .state_file = "settings_order_state/models.json"};
  {
    Repository repository(options);
    CHECK(newest(repository) == 2);
    CHECK(repository.settings("m").labels == std::map<std::string, std::int64_t>{{"old", 1}});
    CHECK(repository.find("m")->serving.rows == 3);
    CHECK(input_of(repository) == "flow");
    repository.set_label("m", "mine", 2);
    repository.load("m", std::optional(VersionPolicy{.count = 2}));  // a call's policy lasts until the end
    CHECK(newest(repository) == 3);
    write_settings(folder, R"({"labels": {"stable": 1}, "shadow": 2, "required": true})");
    CHECK(settles(repository, [&] { return repository.settings("m").shadow == 2; }));  // no call has changed that
    CHECK(repository.settings("m").labels == std::map<std::string, std::int64_t>{{"mine", 2}, {"old", 1}});
    CHECK(repository.settings("m").policy == VersionPolicy{.count = 2});
    CHECK(repository.settings("m").is_required == false);
    repository.set_traffic("m", {}, {});
    CHECK_FALSE(repository.settings("m").shadow.has_value());
  }
  options.models.clear();
  const Repository repository(options);
  CHECK(repository.settings("m") == ModelSettings{.labels = {{"mine", 2}, {"old", 1}}, .is_required = true});
}

TEST_CASE("settings by which no version would answer are told, and wait for one") {
  const std::string folder = model_folder("settings_wait", {1});
  const Repository repository({.folder = folder, .poll = 10ms});
  const auto failed = repository.loads().failed;
  write_settings(folder, R"({"versions": {"specific": [2]}, "inputs": {"x": "flow"}})");
  CHECK(settles(repository, [&] { return !told(repository, 1).empty(); }));
  CHECK_THAT(told(repository, 1), ContainsSubstring("maas.json: expected settings by which a version answers"));
  const auto looks = repository.loads().looks;
  CHECK(wait_until([&] { return repository.loads().looks > looks + 5; }));
  CHECK(repository.loads().failed == failed + 1);
  CHECK(newest(repository) == 1);
  CHECK(input_of(repository) == "x");
  save_version(folder + "/m", 2, affine(2));
  bool gap = false;
  CHECK(wait_until([&] {
    const std::int64_t version = newest(repository);
    gap = gap || version == -1;
    return version == 2;
  }));
  CHECK_FALSE(gap);
  CHECK(input_of(repository) == "flow");
  CHECK(wait_until([&] { return told(repository, 2).empty(); }));  // it answers before its settings are in use
}

TEST_CASE("a load takes up that the model's file is gone") {
  const std::string folder = model_folder("gone_settings", {1}, R"({"inputs": {"x": "flow"}})");
  Repository repository({.folder = folder, .poll = 1h, .notices = false});  // nothing happens but by request
  CHECK(input_of(repository) == "flow");
  files::remove(folder + "/m/maas.json");
  repository.load("m");
  CHECK(input_of(repository) == "x");
  write_settings(folder, "[]");
  CHECK_THROWS_WITH(repository.load("m"), ContainsSubstring("m/maas.json: expected an object"));
  files::remove(folder + "/m/maas.json");
  repository.load("m");
  CHECK(told(repository, 1).empty());
  CHECK(repository.settings("m") == ModelSettings());
}

TEST_CASE("a load that is refused for its newest version leaves the others with names of settings in use") {
  const std::string folder = model_folder("refused_names", {1, 2}, R"({"versions": "all"})");
  Repository repository({.folder = folder, .poll = 1h, .notices = false});
  CHECK(input_of(repository) == "x");
  write_settings(folder, R"({"versions": "all", "inputs": {"x": "flow"}})");
  files::create_directories(folder + "/m/3");
  std::ofstream(folder + "/m/3/model.h5") << "no model";
  CHECK_THROWS_WITH(repository.load("m"), ContainsSubstring("version 3"));
  for (const std::int64_t version : {1, 2}) CHECK(input_of(repository, version) == "flow");
  CHECK(repository.settings("m").serving == repository.find("m")->serving);
}

TEST_CASE("what a call says stays so where the file has said the same, and says another later") {
  const std::string folder = model_folder("said", {1, 2, 3}, R"({"unloaded": true, "versions": {"latest": 2}})");
  Repository repository({.folder = folder, .poll = 10ms});
  CHECK(newest(repository) == -1);
  repository.unload("m");
  files::remove(folder + "/m/maas.json");
  CHECK(has_looked(repository));
  CHECK(newest(repository) == -1);
  repository.load("m", std::optional(VersionPolicy{.count = 2}));
  CHECK(newest(repository) == 3);
  write_settings(folder, R"({"versions": {"latest": 2}})");
  CHECK(has_looked(repository));
  repository.load("m", std::optional(VersionPolicy{.count = 2}));
  write_settings(folder, R"({"unloaded": true, "versions": "all"})");
  repository.load("m");  // and where no look has found the file before
  CHECK(has_looked(repository));
  CHECK(newest(repository) == 3);
  CHECK(repository.settings("m").policy == VersionPolicy{.count = 2});
  CHECK(repository.find("m", 1) == nullptr);
}

TEST_CASE("networks of the caller's own are served as the model's file says") {
  const std::string folder = fresh_folder("own_settings");
  files::create_directories(folder + "/m");
  Repository repository({.folder = folder, .poll = 10ms, .versions = 2});
  repository.publish("m", 1, affine(1));
  repository.publish("m", 2, affine(2));
  write_settings(folder, R"({"inputs": {"none": "y"}})");
  CHECK(settles(repository, [&] { return !told(repository, 2).empty(); }));
  CHECK(input_of(repository) == "x");
  write_settings(folder, R"({"inputs": {"x": "flow"}})");
  CHECK(settles(repository, [&] { return input_of(repository) == "flow"; }));
  CHECK(told(repository, 2).empty());
  CHECK(repository.find("m", 1) != nullptr);
  write_settings(folder, R"({"versions": {"latest": 1}})");
  CHECK(settles(repository, [&] { return repository.find("m", 1) == nullptr; }));
  CHECK(newest(repository) == 2);
}

TEST_CASE("how many samples are joined may be limited for one model") {
  const std::string folder = model_folder("joined_less", {1}, R"({"batching": {"rows": 3}})");
  const Repository repository({.folder = folder, .poll = 10ms, .models = {{"n", {.serving = {.batch_rows = 1}}}}});
  const Index measured = repository.find("m")->measured_rows;
  CHECK(measured >= 1);
  CHECK(repository.find("m")->batch_rows == std::min<Index>(3, measured));
  write_settings(folder, R"({"batching": false})");
  CHECK(settles(repository, [&] { return repository.find("m")->serving.batch_rows == 1; }));
  CHECK(repository.find("m")->batch_rows == 1);
  write_settings(folder, R"({"batching": true})");
  CHECK(settles(repository, [&] { return repository.find("m")->serving.batch_rows > 3; }));
  CHECK(repository.find("m")->batch_rows == measured);
}

TEST_CASE("limits of one model are below or over the server's") {
  const std::string folder =
      model_folder("limited", {1}, R"({"limits": {"max-rows": 3, "max-model-queue": 5, "max-model-rows": 70}})");
  save_version(folder + "/other", 1, affine());
  const Repository repository({.folder = folder, .poll = 10ms});
  Protocol protocol(repository, {.limits = {.rows = 2}});
  const auto asked = [&](const std::string& model, int rows) {
    std::string list;
    for (int i = 0; i < rows; ++i) list += i == 0 ? "[1, 1]" : ", [1, 1]";
    const std::string data = fmt::format(R"("shape": [{}, 2], "datatype": "FP32", "data": [{}])", rows, list);
    const int by_row =
        protocol.answer(post("/v1/models/" + model + ":predict", R"({"instances": [)" + list + "]}")).status;
    const int by_column =
        protocol.answer(post("/v1/models/" + model + ":predict", R"({"inputs": [)" + list + "]}")).status;
    const int named =
        protocol.answer(post("/v2/models/" + model + "/infer", R"({"inputs": [{"name": "x", )" + data + "}]}")).status;
    CHECK(by_row == by_column);
    CHECK(by_row == named);
    return by_row;
  };
  CHECK(asked("m", 3) == 200);
  CHECK(asked("m", 4) == 413);
  CHECK(asked("other", 2) == 200);
  CHECK(asked("other", 3) == 413);
  CHECK_THAT(protocol.answer(get("/v2/models/m/config")).body, ContainsSubstring(R"("max_batch_size":3)"));
  CHECK_THAT(protocol.answer(get("/v2/models/other/config")).body, ContainsSubstring(R"("max_batch_size":2)"));
  CHECK_THAT(protocol.answer(get("/openapi.json")).body,
             ContainsSubstring(R"("maxItems":3)") && ContainsSubstring(R"("maxItems":2)"));
  const serve::QueueClaim claim = protocol.queue_claim(post("/v1/models/m:predict", "[1, 1], [1, 1]"));
  CHECK(claim.rows == 2);
  CHECK(claim.most == 5);
  CHECK(claim.most_rows == 70);
  CHECK(protocol.queue_claim(post("/v1/models/other:predict", "")).most == 0);
  CHECK(protocol.queue_claim(post("/v1/models/none:predict", "")).most_rows == 0);
}

TEST_CASE("the server is not ready while a model that is required does not answer") {
  const std::string folder = model_folder("required", {}, "");
  files::create_directories(folder + "/m");
  write_settings(folder, R"({"required": true})");
  Repository repository({.folder = folder, .poll = 10ms, .models = {{"coming", {.is_required = true}}}});
  Protocol protocol(repository, {.open_admin = true});
  CHECK(repository.models().empty());
  CHECK(repository.missing() == std::vector<std::string>{"coming", "m"});
  check_answer(protocol.answer(get("/v2/health/ready")), 503, R"({"live":true,"ready":false})");
  CHECK(protocol.answer(get("/v2/health/live")).status == 200);
  check_answer(protocol.answer(get("/metrics")), 200, "\nmaas_models_missing 2\n");
  check_answer(protocol.answer(get("/metrics")), 200, "\nmaas_ready 0\n");
  save_version(folder + "/m", 1, affine());
  CHECK(wait_until([&] { return repository.find("m") != nullptr; }));
  CHECK(repository.missing() == std::vector<std::string>{"coming"});
  repository.publish("coming", 1, affine());
  check_answer(protocol.answer(get("/v2/health/ready")), 200, R"({"live":true,"ready":true})");
  CHECK(protocol.is_ready());
  check_answer(protocol.answer(get("/metrics")), 200, "\nmaas_ready 1\n");
  repository.unload("m");
  check_answer(protocol.answer(get("/v2/health/ready")), 503, "");
  repository.load("m");
  check_answer(protocol.answer(get("/v2/health/ready")), 200, "");
  protocol.set_ready(false);  // as it drains
  check_answer(protocol.answer(get("/v2/health/ready")), 503, "");
  CHECK_FALSE(protocol.is_ready());
  protocol.set_ready(true);
  files::remove_all(folder + "/m/1");  // no version any more, and still required
  CHECK(wait_until([&] { return repository.models() == std::vector<std::string>{"coming"}; }));
  check_answer(protocol.answer(get("/v2/health/ready")), 503, "");
  files::remove_all(folder + "/m");  // and with its file that ends
  CHECK(wait_until([&] { return repository.missing().empty(); }));
  check_answer(protocol.answer(get("/v2/health/ready")), 200, "");
}

TEST_CASE("a model elsewhere has its file in its folder, a flat one in the folder of its name") {
  const std::string elsewhere = fresh_folder("settings_elsewhere"), folder = fresh_folder("settings_beside");
  save_version(elsewhere, 1, affine());
  std::ofstream(elsewhere + "/maas.json") << R"({"inputs": {"x": "flow"}})";
  save_version(folder + "/m", 1, affine());
  write_settings(folder, R"({"inputs": {"x": "other"}})");
  {
    const Repository repository({.folder = folder, .model_name = "m", .model_path = elsewhere, .poll = 10ms});
    CHECK(input_of(repository) == "flow");
    std::ofstream(elsewhere + "/maas.json") << R"({"inputs": {"x": "speed"}})";
    CHECK(wait_until([&] { return input_of(repository) == "speed"; }));
  }
  files::copy(elsewhere + "/maas.json", elsewhere + "/1/maas.json");
  CHECK(input_of(Repository({.model_name = "m", .model_path = elsewhere + "/1", .poll = 10ms})) == "speed");
  CHECK(input_of(Repository({.model_name = "m", .model_path = elsewhere + "/1/model.h5", .poll = 10ms})) == "x");
  files::rename(folder + "/m/1/model.h5", folder + "/m.h5");
  files::remove_all(folder + "/m/1");
  const Repository repository({.folder = folder, .poll = 10ms});
  CHECK(repository.models() == std::vector<std::string>{"m"});
  CHECK(input_of(repository) == "other");
}

TEST_CASE("a folder of the name is no file, and a file that cannot be read is told and tried again") {
  const std::string folder = model_folder("hidden_settings", {1});
  files::create_directories(folder + "/m/maas.json");
  {
    const Repository repository({.folder = folder, .poll = 10ms});
    CHECK(newest(repository) == 1);
    CHECK(told(repository, 1).empty());
  }
  files::remove(folder + "/m/maas.json");
  write_settings(folder, R"({"inputs": {"x": "flow"}})");
  files::permissions(folder + "/m/maas.json", files::perms::none);
  ::setfsuid(::geteuid() == 0 ? 65534 : ::geteuid());  // threads that this one starts have not the rights of root
  const Repository repository({.folder = folder, .poll = 10ms, .retry = 200ms});
  ::setfsuid(::geteuid());
  CHECK_THAT(told(repository, 1), ContainsSubstring("m/maas.json: cannot be read"));
  CHECK(input_of(repository) == "x");
  files::permissions(folder + "/m/maas.json",
                     files::perms::owner_all | files::perms::group_all | files::perms::others_all);
  CHECK(wait_until([&] { return input_of(repository) == "flow"; }));
  CHECK(told(repository, 1).empty());
}

TEST_CASE("who asks while settings change gets every answer") {
  const std::string folder = model_folder("settings_under_load", {1}, R"({"inputs": {"x": "n0"}})");
  const Repository repository({.folder = folder, .poll = 10ms});
  Protocol protocol(repository, {});
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::thread asking([&] {
    while (!done) {
      const serve::Response answer = protocol.answer(post("/v1/models/m:predict", R"({"instances": [[1, 1]]})"));
      if (answer.body != R"({"predictions":[[5.5]]})") ++wrong;
    }
  });
  for (int i = 1; i <= 10; ++i) {
    const std::string name = fmt::format("n{}", i);
    write_settings(folder, fmt::format(R"({{"inputs": {{"x": "{}"}}, "batching": {}}})", name, i % 2 == 0));
    CHECK(wait_until([&] { return input_of(repository) == name; }));
  }
  done = true;
  asking.join();
  CHECK(wrong == 0);
  CHECK(repository.loads().succeeded == 1);
}
