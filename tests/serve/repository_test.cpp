// What a folder holds becomes what answers, while it changes.
#include "maas/serve/repository.hpp"

#include <sys/fsuid.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <thread>

#include "maas/serve/protocol.hpp"
#include "serve/asking.hpp"
#include "serve/folder.hpp"
#include "serve/json_writer.hpp"
#include "serve/models.hpp"
#include "serve/names.hpp"
#include "serve/status.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using serve::Repository;
using serve::VersionState;

namespace files = std::filesystem;

namespace {

void save(const std::string& path, Scalar factor, std::optional<SelfTest> self_test = std::nullopt) {
  files::create_directories(files::path(path).parent_path());
  write_keras(path, {.network = affine(factor), .info = {.self_test = std::move(self_test)}});
}

Scalar answer_of(const Repository& repository, std::optional<std::int64_t> version = {}) {
  const auto servable = repository.find("m", version);
  return servable ? servable->network.predict(Matrix::Ones(1, 2))(0, 0) : Scalar(-1);
}

VersionState state_of(const Repository& repository, std::int64_t version) {
  for (const serve::VersionStatus& status : repository.status("m"))
    if (status.version == version) return status.state;
  return VersionState::waiting;
}

std::string error_of(const Repository& repository, std::int64_t version) {
  for (const serve::VersionStatus& status : repository.status("m"))
    if (status.version == version) return status.error;
  return "unknown version";
}

void write_content(const std::string& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}

}  // namespace

TEST_CASE("a folder's models answer at once, with the newest version of each") {
  const std::string folder = fresh_folder("newest");
  save(folder + "/m/1/model.h5", 1);
  save(folder + "/m/0012/model.keras", 12);
  save(folder + "/m/9/model.h5", 9);
  save(folder + "/flat.h5", 3);
  const Repository repository({.folder = folder, .poll = 10ms});
  CHECK(repository.models() == std::vector<std::string>{"flat", "m"});
  CHECK(answer_of(repository) == Scalar(60.5));
  REQUIRE(repository.find("m"));
  CHECK(repository.find("m")->version == 12);
  CHECK(repository.find("m")->platform == "keras_v3");
  CHECK(repository.find("flat", 1)->platform == "keras_h5");
  CHECK(repository.find("m", 9) == nullptr);
  CHECK(state_of(repository, 9) == VersionState::retired);
  CHECK(repository.find("none") == nullptr);
  CHECK(repository.status("none").empty());
}

TEST_CASE("as many versions answer as are wanted") {
  const std::string folder = fresh_folder("several");
  for (int i = 1; i <= 4; ++i) save(fmt::format("{}/m/{}/model.h5", folder, i), static_cast<Scalar>(i));
  const Repository repository({.folder = folder, .poll = 10ms, .versions = 2});
  CHECK(answer_of(repository) == Scalar(20.5));
  CHECK(answer_of(repository, 3) == Scalar(15.5));
  CHECK(repository.find("m", 2) == nullptr);
}

TEST_CASE("what is no model is passed over") {
  const std::string folder = fresh_folder("others");
  save(folder + "/m/1/other.h5", 1);
  save(folder + "/m/1/model.h5", 2);
  save(folder + "/m/latest/model.h5", 9);
  save(folder + "/m/3.part/model.h5", 9);
  save(folder + "/.hidden/1/model.h5", 9);
  save(folder + "/stats/1/model.h5", 9);
  save(folder + "/a:b/1/model.h5", 9);
  save(folder + "/half.h5.tmp", 9);
  files::create_directories(folder + "/empty/1");
  write_content(folder + "/notes.txt", "text");
  const Repository repository({.folder = folder, .poll = 10ms});
  CHECK(repository.models() == std::vector<std::string>{"m"});
  CHECK(repository.status("m").size() == 1);
  CHECK(answer_of(repository) == Scalar(10.5));
}

TEST_CASE("a new version takes over, a removed one gives way to the one before") {
  const std::string folder = fresh_folder("changes");
  save(folder + "/m/1/model.h5", 1);
  const Repository repository({.folder = folder, .poll = 10ms});
  CHECK(answer_of(repository) == Scalar(5.5));
  auto held = repository.find("m");
  save(folder + "/m/2/model.h5", 2);
  CHECK(settles(repository, [&] { return answer_of(repository) == Scalar(10.5); }));
  CHECK(repository.find("m", 1) == nullptr);
  CHECK(held->network.predict(Matrix::Ones(1, 2))(0, 0) == Scalar(5.5));  // who holds it goes on
  files::remove_all(folder + "/m/2");
  bool gap = false;
  CHECK(wait_until([&] {
    const Scalar answer = answer_of(repository);
    gap = gap || answer == -1;
    return answer == Scalar(5.5);
  }));
  CHECK_FALSE(gap);
  held.reset();
  files::remove_all(folder + "/m");
  CHECK(settles(repository, [&] { return repository.models().empty(); }));
}

TEST_CASE("a file that is written over is read again") {
  const std::string folder = fresh_folder("overwritten");
  save(folder + "/m/1/model.h5", 1);
  const Repository repository({.folder = folder, .poll = 10ms});
  save(folder + "/m/1/model.h5", 4);
  CHECK(settles(repository, [&] { return answer_of(repository) == Scalar(20.5); }));
  write_content(folder + "/m/1/model.h5", "no model any more");
  CHECK(settles(repository, [&] { return !error_of(repository, 1).empty(); }));
  CHECK(answer_of(repository) == Scalar(20.5));
  CHECK(state_of(repository, 1) == VersionState::available);
  save(folder + "/m/1/model.h5", 5);
  CHECK(settles(repository, [&] { return answer_of(repository) == Scalar(25.5); }));
  CHECK(error_of(repository, 1).empty());
}

TEST_CASE("a file that grows is not read before it is whole") {
  const std::string folder = fresh_folder("growing");
  save(folder + "/m/1/model.h5", 1);
  save("whole/model.h5", 2);
  const std::string whole = content("whole/model.h5");
  const Repository repository({.folder = folder, .poll = 2s});
  files::create_directories(folder + "/m/2");
  std::ofstream file(folder + "/m/2/model.h5", std::ios::binary);
  for (std::size_t at = 0; at < whole.size(); at += whole.size() / 40 + 1) {
    file << whole.substr(at, whole.size() / 40 + 1) << std::flush;
    std::this_thread::sleep_for(60ms);  // always younger than a poll
    CHECK(answer_of(repository) == Scalar(5.5));
  }
  file.close();
  CHECK(wait_until([&] { return answer_of(repository) == Scalar(10.5); }));
  CHECK(repository.loads().failed == 0);
}

TEST_CASE("a copy that stalls is refused, told, and taken up when it goes on") {
  const std::string folder = fresh_folder("stalled");
  save(folder + "/m/1/model.h5", 1);
  save("whole/model.h5", 2);
  const std::string whole = content("whole/model.h5");
  const Repository repository({.folder = folder, .poll = 10ms});
  files::create_directories(folder + "/m/2");
  write_content(folder + "/m/2/model.h5", whole.substr(0, whole.size() / 2));
  CHECK(settles(repository, [&] { return state_of(repository, 2) == VersionState::failed; }));
  CHECK_THAT(error_of(repository, 2), ContainsSubstring("model.h5"));
  CHECK(answer_of(repository) == Scalar(5.5));
  const auto failures = repository.loads().failed;
  std::this_thread::sleep_for(100ms);
  CHECK(repository.loads().failed == failures);  // not tried again before it changes
  serve::Protocol protocol(repository, {});
  CHECK_THAT(
      protocol.answer(get("/v1/models/m")).body,
      ContainsSubstring(R"({"version":"2","state":"END","status":{"error_code":"INVALID_ARGUMENT","error_message":)"));
  CHECK(protocol.answer(get("/v2/models/m/versions/2/ready")).status == 503);
  CHECK(protocol.answer(get("/v2/models/m/ready")).status == 200);
  write_content(folder + "/m/2/model.h5", whole);
  CHECK(settles(repository, [&] { return answer_of(repository) == Scalar(10.5); }));
}

TEST_CASE("a file whose self-test fails does not go live") {
  const std::string folder = fresh_folder("self_test");
  save(folder + "/m/1/model.h5", 1, SelfTest{.inputs = {Matrix::Ones(1, 2)}});
  save("right/model.h5", 2, SelfTest{.inputs = {Matrix::Ones(1, 2)}});
  // The bias, 0.5, becomes 0.25 in the file of version 2.
  std::string wrong = content("right/model.h5");
  const std::string bias("\0\0\0\x3f", 4);
  for (std::size_t at = wrong.find(bias); at != std::string::npos; at = wrong.find(bias, at + 1))
    wrong[at + 2] = '\x80', wrong[at + 3] = '\x3e';
  files::create_directories(folder + "/m/2");
  write_content(folder + "/m/2/model.h5", wrong);
  const Repository repository({.folder = folder, .poll = 10ms});
  CHECK(state_of(repository, 2) == VersionState::failed);
  CHECK_THAT(error_of(repository, 2), ContainsSubstring("self-test"));
  CHECK(answer_of(repository) == Scalar(5.5));
}

TEST_CASE("a network that gives no number does not go live") {
  const std::string folder = fresh_folder("nan");
  save(folder + "/m/1/model.h5", std::numeric_limits<Scalar>::quiet_NaN());
  Repository repository({.folder = folder, .poll = 10ms});
  CHECK_THAT(error_of(repository, 1), ContainsSubstring("a finite number for zeros or ones"));
  CHECK(repository.find("m") == nullptr);
  CHECK_THROWS_AS(repository.publish("n", 1, affine(std::numeric_limits<Scalar>::quiet_NaN())), DataError);
  serve::Protocol protocol(repository, {});
  const serve::Response response = protocol.answer(post("/v1/models/m:predict", R"({"inputs": [[1, 2]]})"));
  CHECK(response.status == 503);
  CHECK(*header(response, "Retry-After") == "1");
  CHECK_THAT(protocol.answer(get("/v1/models/m")).body, ContainsSubstring(R"("ready":false})"));
}

TEST_CASE("a folder that goes away and comes back loses nothing") {
  const std::string folder = fresh_folder("away");
  save(folder + "/m/1/model.h5", 1);
  const Repository repository({.folder = folder, .poll = 10ms});
  files::rename(folder, folder + ".elsewhere");
  std::this_thread::sleep_for(100ms);
  CHECK(answer_of(repository) == Scalar(5.5));
  files::rename(folder + ".elsewhere", folder);
  save(folder + "/m/2/model.h5", 2);
  CHECK(settles(repository, [&] { return answer_of(repository) == Scalar(10.5); }));
}

namespace {

// What this thread does to files, and the threads that it starts, it does without the rights of root.
struct WithoutRights {
  WithoutRights() { ::setfsuid(::geteuid() == 0 ? 65534 : ::geteuid()); }
  WithoutRights(const WithoutRights&) = delete;
  WithoutRights& operator=(const WithoutRights&) = delete;
  ~WithoutRights() { ::setfsuid(::geteuid()); }
};

std::unique_ptr<Repository> without_rights(const std::string& folder) {
  const WithoutRights here;
  return std::make_unique<Repository>(serve::RepositoryOptions{.folder = folder, .poll = 10ms});
}

}  // namespace

TEST_CASE("a folder in the folder that cannot be listed stops nothing, and takes nothing away") {
  for (const char* name : {"unlisted/locked", "unlisted/m", "unlisted/m/1"})
    if (files::exists(name)) files::permissions(name, files::perms::owner_all);
  const std::string folder = fresh_folder("unlisted");
  save(folder + "/m/1/model.h5", 1);
  save(folder + "/locked/1/model.h5", 3);
  files::permissions(folder + "/locked", files::perms::none);
  const auto repository = without_rights(folder);
  CHECK(repository->models() == std::vector<std::string>{"m"});
  CHECK(repository->loads().looks == 0);
  CHECK(repository->loads().looks_failed >= 2);
  for (const std::string hidden : {"/m", "/m/1"}) {
    const files::perms before = files::status(folder + hidden).permissions();
    files::permissions(folder + hidden, files::perms::none);
    const auto failed = repository->loads().looks_failed;
    CHECK(wait_until([&] { return repository->loads().looks_failed > failed + 4; }));
    CHECK(answer_of(*repository) == Scalar(5.5));
    files::permissions(folder + hidden, before);
  }
  files::permissions(folder + "/m/1", files::perms::none);
  save(folder + "/m/2/model.h5", 2);  // beside the one that is hidden
  CHECK(wait_until([&] { return answer_of(*repository) == Scalar(10.5); }));
  files::permissions(folder + "/locked", files::perms::owner_all | files::perms::group_all | files::perms::others_all);
  files::permissions(folder + "/m/1", files::perms::owner_all | files::perms::group_all | files::perms::others_all);
  CHECK(wait_until([&] { return repository->find("locked") != nullptr; }));
  CHECK(wait_until([&] { return repository->loads().looks > 0; }));
  files::remove_all(folder + "/m");
  CHECK(wait_until([&] { return repository->models() == std::vector<std::string>{"locked"}; }));
  serve::Protocol protocol(*repository, {});
  CHECK_THAT(protocol.answer(get("/metrics")).body, ContainsSubstring(R"(maas_folder_looks_total{result="failure"} )"));
}

TEST_CASE("a file that the disk does not give is read again, though it has not changed") {
  const std::string folder = fresh_folder("retried");
  save(folder + "/m/1/model.h5", 1);
  const std::string file = folder + "/m/1/model.h5";
  files::permissions(file, files::perms::none);
  const auto repository = without_rights(folder);
  CHECK(state_of(*repository, 1) == VersionState::failed);
  serve::Protocol protocol(*repository, {});
  CHECK_THAT(protocol.answer(get("/v1/models/m")).body,
             ContainsSubstring(R"("state":"END","status":{"error_code":"UNAVAILABLE","error_message":)"));
  files::permissions(file, files::perms::owner_all | files::perms::group_all | files::perms::others_all);
  CHECK(wait_until([&] { return answer_of(*repository) == Scalar(5.5); }));
  CHECK(error_of(*repository, 1).empty());
}

TEST_CASE("a file that the disk never gives is read six times, one that is bad once") {
  const std::string folder = fresh_folder("given_up");
  files::create_directories(folder + "/m/1");
  files::create_symlink("/proc/self/mem", folder + "/m/1/model.h5");  // a file whose first byte cannot be read
  write_content(folder + "/bad.h5", "no model");
  const Repository repository({.folder = folder, .poll = 5ms, .retry = 1ms});
  CHECK(wait_until([&] { return repository.loads().failed == 7; }));
  const auto looks = repository.loads().looks;
  CHECK(wait_until([&] { return repository.loads().looks > looks + 20; }));
  CHECK(repository.loads().failed == 7);
}

TEST_CASE("a version with a marker that it is complete is taken up at the first look") {
  const std::string folder = fresh_folder("marked"), aside = fresh_folder("marked_aside");
  save(aside + "/marked/1/model.h5", 1);
  write_content(aside + "/marked/1/COMPLETE", "");
  save(aside + "/unmarked/1/model.h5", 1);
  save(aside + "/older/1/model.h5", 1);
  write_content(aside + "/older/1/COMPLETE", "");
  const auto written = files::last_write_time(aside + "/older/1/model.h5");
  files::last_write_time(aside + "/older/1/COMPLETE", written - 1s);  // the file has been written to since
  const Repository repository({.folder = folder, .poll = 1s, .notices = false});
  for (const char* model : {"older", "unmarked", "marked"}) files::rename(aside + "/" + model, folder + "/" + model);
  CHECK(wait_until([&] { return repository.find("marked") != nullptr; }));
  CHECK(repository.find("unmarked") == nullptr);  // these wait for the next look
  CHECK(repository.find("older") == nullptr);
  CHECK(wait_until([&] { return repository.find("unmarked") && repository.find("older"); }));
  files::remove(folder + "/marked/1/COMPLETE");  // it is no part of the model
  const auto loads = repository.loads();
  CHECK(wait_until([&] { return repository.loads().looks > loads.looks + 1; }));
  CHECK(repository.loads().succeeded == loads.succeeded);
}

TEST_CASE("of two names for one version one is picked, and that is told once") {
  const std::string folder = fresh_folder("doubles");
  save(folder + "/m/1/model.h5", 1);
  save(folder + "/m/01/model.h5", 2);
  std::mutex mutex;
  std::vector<std::string> told;
  const auto count = [&] {
    const std::lock_guard lock(mutex);
    return told.size();
  };
  const Repository repository({.folder = folder, .poll = 10ms, .warn = [&](const std::string& text) {
                                 const std::lock_guard lock(mutex);
                                 told.push_back(text);
                               }});
  CHECK(answer_of(repository) == Scalar(10.5));
  CHECK(repository.status("m").size() == 1);
  REQUIRE(count() == 1);
  CHECK(told[0] == "doubles/m/1/model.h5 is passed over, as doubles/m/01/model.h5 is version 1, too");
  save(folder + "/n/1/model.h5", 1);
  write_content(folder + "/n.h5", "no model");
  CHECK(settles(repository, [&] { return count() == 2; }));
  const auto looks = repository.loads().looks;
  CHECK(wait_until([&] { return repository.loads().looks > looks + 5; }));
  const std::lock_guard lock(mutex);
  REQUIRE(told.size() == 2);
  CHECK(told[1] == "doubles/n.h5 is passed over, as doubles/n/1/model.h5 is version 1, too");
}

namespace {

// What a repository has told of.
class Told {
 public:
  std::function<void(const std::string&)> taker() {
    return [this](const std::string& text) {
      const std::lock_guard lock(mutex_);
      texts_.push_back(text);
    };
  }
  std::vector<std::string> texts() const {
    const std::lock_guard lock(mutex_);
    return texts_;
  }

 private:
  mutable std::mutex mutex_{};
  std::vector<std::string> texts_{};
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a name that is not UTF-8 is passed over, and that is told once, escaped") {
  const std::string folder = fresh_folder("latin");
  save(folder +
           "/stra\xdf"
           "e/1/model.h5",
       1);
  save(folder + "/\xe9t\xe9.h5", 1);
  save(folder + "/m/1/model.h5", 1);
  files::create_directories(folder + "/leer\xe4");  // no model: nothing to tell
  Told told;
  const Repository repository({.folder = folder, .poll = 10ms, .warn = told.taker()});
  CHECK(repository.models() == Texts{"m"});
  const auto looks = repository.loads().looks;
  CHECK(wait_until([&] { return repository.loads().looks > looks + 3; }));
  const std::string what = " is passed over: expected the name of a model in UTF-8, got other bytes";
  CHECK(told.texts() == Texts{"latin/%E9t%E9.h5" + what, "latin/stra%DFe" + what});
}

TEST_CASE("a model elsewhere that is not there, or none, is told at the start") {
  const std::string elsewhere = fresh_folder("absent_elsewhere");
  CHECK_THROWS_WITH(Repository({.model_name = "m", .model_path = elsewhere + "/none"}),
                    "repository: expected a model file or a folder with one, got absent_elsewhere/none: there is none");
  CHECK_THROWS_WITH(Repository({.model_name = "m", .model_path = elsewhere + "/none.h5"}),
                    ContainsSubstring("absent_elsewhere/none.h5: there is none"));
  write_content(elsewhere + "/model.txt", "no model");
  CHECK_THROWS_WITH(
      Repository({.model_name = "m", .model_path = elsewhere + "/model.txt"}),
      "repository: expected a folder, or a model file that ends in .h5 or .keras, got absent_elsewhere/model.txt");
  Told told;
  const Repository repository({.model_name = "m", .model_path = elsewhere, .poll = 10ms, .warn = told.taker()});
  const std::string none =
      "model \"m\": expected a model file in absent_elsewhere, got none: one that comes is taken up";
  CHECK(told.texts() == Texts{none});
  save(elsewhere + "/1.tmp/model.h5", 1);
  files::rename(elsewhere + "/1.tmp", elsewhere + "/1");
  CHECK(settles(repository, [&] { return answer_of(repository) == Scalar(5.5); }));
  CHECK(told.texts() == Texts{none});
}

TEST_CASE("a model of the folder that one elsewhere takes the name of is told of once") {
  const std::string elsewhere = fresh_folder("shadowing"), folder = fresh_folder("shadowed");
  save(elsewhere + "/1/model.h5", 1);
  save(folder + "/m/7/model.h5", 7);
  Told told;
  const Repository repository(
      {.folder = folder, .model_name = "m", .model_path = elsewhere, .poll = 10ms, .warn = told.taker()});
  CHECK(answer_of(repository) == Scalar(5.5));
  const auto looks = repository.loads().looks;
  CHECK(wait_until([&] { return repository.loads().looks > looks + 3; }));
  CHECK(told.texts() == Texts{"model \"m\" in shadowed is passed over, as the one at shadowing is called so, too"});
}

TEST_CASE("a model elsewhere that cannot be listed stops nothing, and comes once it can be") {
  if (files::exists("unlisted_elsewhere")) files::permissions("unlisted_elsewhere", files::perms::owner_all);
  const std::string elsewhere = fresh_folder("unlisted_elsewhere"), folder = fresh_folder("unlisted_beside");
  save(elsewhere + "/1/model.h5", 1);
  save(folder + "/n/1/model.h5", 2);
  files::permissions(elsewhere, files::perms::none);
  std::unique_ptr<Repository> repository;
  {
    const WithoutRights here;
    repository = std::make_unique<Repository>(
        serve::RepositoryOptions{.folder = folder, .model_name = "m", .model_path = elsewhere, .poll = 10ms});
  }
  CHECK(repository->models() == std::vector<std::string>{"n"});
  CHECK(repository->loads().looks == 0);
  files::permissions(elsewhere, files::perms::owner_all | files::perms::group_all | files::perms::others_all);
  CHECK(settles(*repository, [&] { return answer_of(*repository) == Scalar(5.5); }));
}

TEST_CASE("one model may lie elsewhere, under any name") {
  const std::string elsewhere = fresh_folder("elsewhere"), folder = fresh_folder("beside");
  save(elsewhere + "/1/model.h5", 1);
  save(elsewhere + "/2/model.h5", 2);
  save(folder + "/n/1/model.h5", 3);
  {
    const Repository repository({.model_name = "m", .model_path = elsewhere, .poll = 10ms});
    CHECK(repository.models() == std::vector<std::string>{"m"});
    CHECK(answer_of(repository) == Scalar(10.5));
    save(elsewhere + "/3.tmp/model.h5", 3);
    files::rename(elsewhere + "/3.tmp", elsewhere + "/3");
    CHECK(wait_until([&] { return answer_of(repository) == Scalar(15.5); }));
    files::remove_all(elsewhere + "/3");
    CHECK(wait_until([&] { return answer_of(repository) == Scalar(10.5); }));
  }
  {
    Repository repository({.folder = folder, .model_name = "m", .model_path = elsewhere + "/1", .poll = 10ms});
    CHECK(repository.models() == std::vector<std::string>{"m", "n"});  // KServe mounts a file without a version
    CHECK(answer_of(repository) == Scalar(5.5));
    repository.unload("m");
    CHECK(repository.find("m") == nullptr);
    repository.load("m");
    CHECK(answer_of(repository) == Scalar(5.5));
    // It takes no versions by calls, and a folder of its name is not it.
    CHECK_THROWS_AS(repository.add_version("m", elsewhere + "/2/model.h5"), serve::ConflictError);
    save(folder + "/m/7/model.h5", 7);
    save(folder + "/n/2/model.h5", 2);
    CHECK(wait_until([&] { return repository.find("n")->version == 2; }));
    std::this_thread::sleep_for(100ms);
    CHECK(repository.find("m")->version == 1);
    CHECK(answer_of(repository) == Scalar(5.5));
  }
  const Repository of_file({.model_name = "m", .model_path = elsewhere + "/2/model.h5", .poll = 10ms});
  CHECK(answer_of(of_file) == Scalar(10.5));
  CHECK(of_file.find("m")->version == 1);
  CHECK_THROWS_AS(Repository({.model_name = "m"}), ConfigError);
  CHECK_THROWS_AS(Repository({.model_path = elsewhere}), ConfigError);
  CHECK_THROWS_AS(Repository({.model_name = "a/b", .model_path = elsewhere}), ConfigError);
}

namespace {

std::vector<std::int64_t> versions_of(const Repository& repository) {
  std::vector<std::int64_t> versions;
  for (const serve::VersionStatus& status : repository.status("m")) versions.push_back(status.version);
  return versions;
}

// The states that a version goes through until it answers, as /v1 tells them.
std::vector<std::string> states_until_available(serve::Protocol& protocol, int version) {
  const std::string start = fmt::format(R"({{"version":"{}","state":")", version);
  std::vector<std::string> states;
  wait_until([&] {
    const std::string told = protocol.answer(get("/v1/models/m")).body;
    const std::size_t at = told.find(start);
    if (at == std::string::npos) return false;
    const std::size_t first = at + start.size();
    const std::string state = told.substr(first, told.find('"', first) - first);
    if (states.empty() || states.back() != state) states.push_back(state);
    return state == "AVAILABLE" || state == "END";
  });
  return states;
}

}  // namespace

TEST_CASE("a version that comes is told to wait, to be loaded, and to answer") {
  const std::string folder = fresh_folder("coming");
  save(folder + "/m/1/model.h5", 1);
  write_keras("coming.h5", {.network = {input(Shape{2}, "x"), dense(2048, relu), dense(2048), dense(1)}});
  const Repository repository({.folder = folder, .poll = 300ms, .notices = false});
  serve::Protocol protocol(repository, {});
  bool is_told = false;  // on a busy machine a load may be over before anybody looks
  for (int version = 2; version <= 6 && !is_told; ++version) {
    files::create_directories(fmt::format("{}/m/{}", folder, version));
    files::copy("coming.h5", "coming.copy.h5", files::copy_options::overwrite_existing);
    files::rename("coming.copy.h5", fmt::format("{}/m/{}/model.h5", folder, version));
    is_told = states_until_available(protocol, version) == std::vector<std::string>{"START", "LOADING", "AVAILABLE"};
  }
  CHECK(is_told);
}

TEST_CASE("a version that answers no more is unloading as long as a request holds it") {
  const std::string folder = fresh_folder("held");
  save(folder + "/m/1/model.h5", 1);
  Repository repository({.folder = folder, .poll = 10ms});
  serve::Protocol protocol(repository, {.open_admin = true});
  const auto told = [&](std::string_view path) { return protocol.answer(get(path)).body; };
  const auto index = [&] { return protocol.answer(post("/v2/repository/index", "")).body; };

  auto held = repository.find("m");
  save(folder + "/m/2/model.h5", 2);  // retires the first
  CHECK(settles(repository, [&] { return answer_of(repository) == Scalar(10.5); }));
  CHECK(settles(repository, [&] { return state_of(repository, 1) != VersionState::available; }));
  CHECK(state_of(repository, 1) == VersionState::unloading);
  CHECK(state_of(repository, 2) == VersionState::available);
  CHECK_THAT(
      told("/v1/models/m/versions/1"),
      ContainsSubstring(R"({"version":"1","state":"UNLOADING","status":{"error_code":"OK","error_message":""}})"));
  CHECK_THAT(index(), ContainsSubstring(R"("version":"1","state":"UNLOADING","reason":"requests that have begun)"));
  CHECK_THAT(told("/metrics"), ContainsSubstring(R"(maas_model_state{model="m",version="1",state="UNLOADING"} 1)"));
  CHECK_THAT(told("/metrics"), ContainsSubstring(R"(maas_model_available{model="m",version="1"} 0)"));
  CHECK(protocol.answer(get("/v2/models/m/versions/1/ready")).status == 404);
  held.reset();
  CHECK(settles(repository, [&] { return state_of(repository, 1) == VersionState::retired; }));
  CHECK_THAT(told("/v1/models/m/versions/1"), ContainsSubstring(R"("state":"END")"));
  CHECK_THAT(index(), ContainsSubstring(R"("version":"1","state":"UNAVAILABLE","reason":"unloaded")"));

  held = repository.find("m");
  const auto again = held;
  repository.load("m");  // read again: another has taken its place
  CHECK(state_of(repository, 2) == VersionState::available);
  repository.unload("m");
  CHECK(state_of(repository, 2) == VersionState::unloading);
  repository.load("m");
  CHECK(state_of(repository, 2) == VersionState::available);
  repository.unload("m");
  held.reset();
  CHECK(state_of(repository, 2) == VersionState::unloading);  // by the other one
  CHECK(again.use_count() == 1);
}

TEST_CASE("a version that is gone is listed as long as a request holds it") {
  const std::string folder = fresh_folder("held_gone");
  save(folder + "/m/1/model.h5", 1);
  save(folder + "/m/2/model.h5", 2);
  Repository repository({.folder = folder, .poll = 10ms});
  serve::Protocol protocol(repository, {});
  auto held = repository.find("m");
  files::remove_all(folder + "/m/2");
  CHECK(settles(repository, [&] { return answer_of(repository) == Scalar(5.5); }));
  CHECK(settles(repository, [&] { return state_of(repository, 2) == VersionState::unloading; }));
  CHECK(versions_of(repository) == std::vector<std::int64_t>{2, 1});
  held.reset();
  CHECK(settles(repository, [&] { return versions_of(repository) == std::vector<std::int64_t>{1}; }));

  held = repository.find("m");
  files::remove_all(folder + "/m");
  CHECK(settles(repository, [&] { return repository.find("m") == nullptr; }));
  CHECK(repository.models() == std::vector<std::string>{"m"});
  CHECK(repository.knows("m"));
  CHECK(state_of(repository, 1) == VersionState::unloading);
  const serve::Response refused = protocol.answer(post("/v1/models/m:predict", R"({"inputs": [[1, 2]]})"));
  CHECK(refused.status == 503);
  CHECK_THAT(refused.body, ContainsSubstring("it is being unloaded"));
  CHECK_THROWS_AS(repository.unload("m"), serve::UnknownError);  // there is nothing left to change
  CHECK_THROWS_AS(repository.set_traffic("m", {}, 1), serve::UnknownError);
  save(folder + "/m/1/model.h5", 3);  // another of its number
  CHECK(settles(repository, [&] { return answer_of(repository) == Scalar(15.5); }));
  CHECK(versions_of(repository) == std::vector<std::int64_t>{1});
  files::remove_all(folder + "/m");
  CHECK(settles(repository, [&] { return repository.find("m") == nullptr; }));
  CHECK(state_of(repository, 1) == VersionState::unloading);
  held.reset();
  CHECK(settles(repository, [&] { return repository.models().empty(); }));
  CHECK_FALSE(repository.knows("m"));
  CHECK(repository.status("m").empty());
}

TEST_CASE("a version of a network of the caller's own is unloading, then forgotten") {
  Repository repository(serve::RepositoryOptions{});
  repository.publish("m", 1, affine(1));
  auto first = repository.find("m");
  repository.publish("m", 2, affine(2));
  CHECK(state_of(repository, 1) == VersionState::unloading);
  CHECK(versions_of(repository) == std::vector<std::int64_t>{2, 1});
  for (int version = 3; version < 50; ++version) repository.publish("m", version, affine(2));
  CHECK(versions_of(repository) == std::vector<std::int64_t>{49, 1});
  first.reset();
  CHECK(versions_of(repository) == std::vector<std::int64_t>{49});
}

TEST_CASE("networks of the caller's own are published, replaced and forgotten") {
  Repository repository(serve::RepositoryOptions{});
  CHECK(repository.models().empty());
  repository.publish("m", 1, affine(1));
  repository.publish("m", 2, affine(2));
  CHECK(answer_of(repository) == Scalar(10.5));
  CHECK(repository.status("m").size() == 1);
  CHECK(error_of(repository, 1) == "unknown version");
  for (int i = 3; i < 100; ++i) repository.publish("m", i, affine(2));
  CHECK(repository.status("m").size() == 1);
  repository.publish("m", 2, affine(4));  // older than what answers
  CHECK(repository.find("m")->version == 99);
  CHECK(repository.status("m").size() == 1);
  repository.publish("m", 99, affine(3));
  CHECK(answer_of(repository, 99) == Scalar(15.5));
  CHECK_THROWS_AS(repository.publish("", 1, affine()), ConfigError);
  CHECK_THROWS_AS(repository.publish("a/b", 1, affine()), ConfigError);
  CHECK_THROWS_AS(repository.publish("m", -1, affine()), ConfigError);
}

TEST_CASE("a repository says what is wrong with its options") {
  CHECK_THROWS_AS(Repository({.folder = "no/such/folder"}), FormatError);
  CHECK_THROWS_AS(Repository({.poll = 0ms}), ConfigError);
  CHECK_THROWS_AS(Repository({.versions = 0}), ConfigError);
}

TEST_CASE("versions are whole numbers, names are what an address can hold") {
  CHECK(serve::version_of("0") == 0);
  CHECK(serve::version_of("00000123") == 123);
  for (const char* name : {"", "-1", "+1", "1.5", "v1", "1 ", "99999999999999999999"})
    CHECK_FALSE(serve::version_of(name));
  for (const char* name : {"m", "m.1", "größe", "..."}) CHECK(serve::is_model_name(name));
  for (const char* name : {"", ".", "..", "stats", "a/b", "a:b", "a\nb", "caf\xe9", "\xed\xa0\x80"})
    CHECK_FALSE(serve::is_model_name(name));
}

TEST_CASE("a folder whose name is not UTF-8 is no model, and the metrics of others stay a text") {
  files::remove_all("latin");
  for (const char* path : {"latin/caf\xe9/1/model.h5", "latin/café/1/model.h5"}) save(path, 1);
  Repository repository({.folder = "latin"});
  CHECK(repository.models() == std::vector<std::string>{"café"});
  serve::Protocol protocol(repository, {});
  CHECK(serve::is_utf8(protocol.answer(get("/metrics")).body));
  CHECK(protocol.answer(get("/v1/models/caf%e9")).status == 400);
}

TEST_CASE("outputs of one layer are told apart") {
  const Input x = input(Shape{1}, "x");
  const Layer twice = dense(1).named("d");
  const Symbol first = twice(x), second = twice(first);
  Repository repository(serve::RepositoryOptions{});
  repository.publish("m", 1, Network(std::vector<Symbol>{Symbol(x)}, std::vector<Symbol>{first, second}));
  const auto servable = repository.find("m");
  CHECK(servable->outputs[0].name == "d");
  CHECK(servable->outputs[1].name == "d_1");
}
