// How much the weights of all versions may take, and versions that go before the next one is read.
#include <filesystem>
#include <fstream>
#include <thread>

#include "maas/serve/protocol.hpp"
#include "serve/asking.hpp"
#include "serve/held_file.hpp"
#include "serve/models.hpp"
#include "serve/status.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using serve::Repository;
using serve::Swap;
using serve::VersionPolicy;
using serve::VersionState;

namespace files = std::filesystem;

namespace {

constexpr std::size_t one_affine = 3 * sizeof(Scalar);  // bytes of its weights

// Made beside its place and moved into it; it answers 5 factor + 0.5 for ones. With a golden.json that expects
// `golden`.
std::string place_version(const std::string& folder, const std::string& name, int factor,
                          std::optional<double> golden = {}) {
  const std::string made = folder + "_made/" + name, place = folder + "/" + name;
  files::create_directories(made);
  files::create_directories(files::path(place).parent_path());
  if (golden)
    std::ofstream(made + "/golden.json") << fmt::format(R"([{{"inputs": [[1, 1]], "outputs": [[{}]]}}])", *golden);
  write_keras(made + "/model.h5", {.network = affine(static_cast<Scalar>(factor))});
  files::rename(made, place);
  return place;
}

// One whose golden.json cannot be opened until it is let go: whoever loads it waits there.
HeldFile place_slow_version(const std::string& folder, const std::string& name, int factor) {
  place_version(folder + "_slow", name, factor, 5.0 * factor + 0.5);
  HeldFile held(folder + "_slow/" + name + "/golden.json");
  files::create_directories(files::path(folder + "/" + name).parent_path());
  files::rename(folder + "_slow/" + name, folder + "/" + name);
  return held;
}

std::string roomy_folder(const std::string& name) {
  for (const char* beside : {"_made", "_slow", "_slow_made"}) files::remove_all(name + beside);
  return fresh_folder(name);
}

int factor_that_answers(const Repository& repository, const std::string& model = "m") {
  const auto servable = repository.find(model);
  return servable ? static_cast<int>(servable->network.predict(Matrix::Ones(1, 2))(0, 0) / 5) : 0;
}

serve::VersionStatus version_status(const Repository& repository, std::int64_t version,
                                    const std::string& model = "m") {
  for (const serve::VersionStatus& status : repository.status(model))
    if (status.version == version) return status;
  return {.version = -1};
}

// Several looks.
void let_it_look(const Repository& repository) {
  const std::uint64_t looks = repository.loads().looks;
  REQUIRE(wait_until([&] { return repository.loads().looks >= looks + 5; }));
}

void tell_that_leases_are_missing() { WARN("skipped: the file system knows no leases"); }

}  // namespace

TEST_CASE("a version that there is no room for is refused and told, and taken up when there is") {
  const std::string folder = roomy_folder("no_room");
  place_version(folder, "m/1", 1);
  place_version(folder, "other/1", 7);
  Repository repository({.folder = folder, .poll = 10ms, .model_bytes = 2 * one_affine});
  serve::Protocol protocol(repository, {.open_admin = true});
  CHECK(factor_that_answers(repository) == 1);
  CHECK(factor_that_answers(repository, "other") == 7);
  place_version(folder, "m/2", 2);
  REQUIRE(settles(repository, [&] { return version_status(repository, 2).has_no_room; }));
  CHECK(version_status(repository, 2).state == VersionState::failed);
  CHECK(version_status(repository, 2).error == "expected at most 24 bytes of weights, got 36 with it");
  CHECK_FALSE(version_status(repository, 1).has_no_room);
  CHECK(factor_that_answers(repository) == 1);
  CHECK_THAT(protocol.answer(get("/v1/models/m/versions/2")).body,
             ContainsSubstring(R"("state":"END","status":{"error_code":"RESOURCE_EXHAUSTED")"));
  let_it_look(repository);
  CHECK(repository.loads().failed == 1);  // it is not read again for nothing

  const serve::Response refused = protocol.answer(post("/v2/repository/models/m/load", ""));
  check_answer(refused, 429, "version 2: expected at most 24 bytes of weights, got 36 with it");
  CHECK(header(refused, "Retry-After") != nullptr);
  CHECK(factor_that_answers(repository) == 1);
  CHECK(version_status(repository, 1).error.empty());
  CHECK(repository.loads().succeeded == 2);  // nor is the one that answers

  repository.unload("other");
  CHECK(settles(repository, [&] { return factor_that_answers(repository) == 2; }));
  CHECK(version_status(repository, 2).error.empty());
  CHECK(settles(repository, [&] { return version_status(repository, 1).state == VersionState::retired; }));
  repository.load("other");  // where the first version was
  CHECK(factor_that_answers(repository, "other") == 7);
}

TEST_CASE("what requests still hold counts") {
  const std::string folder = roomy_folder("held_room");
  place_version(folder, "m/1", 1);
  Repository repository({.folder = folder, .poll = 10ms, .model_bytes = 2 * one_affine});
  auto held = repository.find("m");
  place_version(folder, "m/2", 2);
  REQUIRE(settles(repository, [&] { return version_status(repository, 1).state == VersionState::unloading; }));
  place_version(folder, "m/3", 3);
  REQUIRE(settles(repository, [&] { return version_status(repository, 3).has_no_room; }));
  let_it_look(repository);
  CHECK(factor_that_answers(repository) == 2);
  held.reset();
  CHECK(settles(repository, [&] { return factor_that_answers(repository) == 3; }));
}

TEST_CASE("networks of the caller's own need room, too") {
  Repository repository({.model_bytes = 2 * one_affine});
  repository.publish("a", 1, affine());
  repository.publish("a", 2, affine(2));
  repository.publish("b", 1, affine());
  CHECK_THROWS_AS(repository.publish("c", 1, affine()), serve::NoRoomError);
  CHECK_THROWS_WITH(repository.publish("a", 3, affine()),
                    ContainsSubstring("expected at most 24 bytes of weights, got 36 with it"));
  CHECK(repository.models() == std::vector<std::string>{"a", "b"});
  CHECK(factor_that_answers(repository, "a") == 2);
}

TEST_CASE("loads that go on beside each other do not take the same room") {
  const std::string folder = roomy_folder("room_at_once");
  const std::vector<std::string> names{"a", "b", "c", "d", "e", "f", "g", "h"};
  for (const std::string& name : names) place_version(folder, name + "/1", 1);
  const Repository repository({.folder = folder, .poll = 10ms, .loads_at_once = 4, .model_bytes = 3 * one_affine});
  int answer = 0, refused = 0;
  for (const std::string& name : names) {
    answer += factor_that_answers(repository, name);
    refused += version_status(repository, 1, name).has_no_room;
  }
  CHECK(answer == 3);
  CHECK(refused == 5);
}

TEST_CASE("the version before may go first: no request is answered until the new one is there") {
  const std::string folder = roomy_folder("gap");
  place_version(folder, "m/1", 1);
  Repository repository({.folder = folder, .poll = 10ms, .model_bytes = one_affine, .swap = Swap::unload_first});
  serve::Protocol protocol(repository, {});
  CHECK(factor_that_answers(repository) == 1);
  HeldFile held = place_slow_version(folder, "m/2", 2);
  if (!held.is_held() && !held.is_waited_for()) return tell_that_leases_are_missing();
  REQUIRE(wait_until([&] { return held.is_waited_for(); }));
  CHECK(repository.find("m") == nullptr);
  CHECK(version_status(repository, 1).state == VersionState::retired);
  CHECK(version_status(repository, 2).state == VersionState::loading);
  const serve::Response refused = protocol.answer(post("/v1/models/m:predict", R"({"inputs": [[1, 1]]})"));
  check_answer(refused, 503, "it is still being read");
  CHECK(header(refused, "Retry-After") != nullptr);
  held.let_go();
  CHECK(settles(repository, [&] { return factor_that_answers(repository) == 2; }));
  CHECK(repository.loads().failed == 0);
}

TEST_CASE("what has gone for a version that cannot be used is read again") {
  const std::string folder = roomy_folder("gone_in_vain");
  place_version(folder, "m/1", 1);
  Repository repository({.folder = folder, .poll = 10ms, .model_bytes = one_affine, .swap = Swap::unload_first});
  place_version(folder, "m/2", 2, 99.0);
  CHECK(wait_until([&] { return repository.loads().succeeded == 2; }));
  CHECK(factor_that_answers(repository) == 1);
  CHECK(version_status(repository, 2).is_refused);
  CHECK(repository.loads().failed == 1);
  CHECK_THROWS_WITH(repository.load("m"), ContainsSubstring("version 2: "));
  CHECK(factor_that_answers(repository) == 1);
  VersionPolicy second{.kind = VersionPolicy::Kind::specific, .versions = {2}};
  CHECK_THROWS_WITH(repository.load("m", {second}), ContainsSubstring("version 2: "));
  CHECK(factor_that_answers(repository) == 1);

  place_version(folder, "m/3", 3);
  CHECK(settles(repository, [&] { return factor_that_answers(repository) == 3; }));
  CHECK(repository.roll_back("m") == 1);
  CHECK(factor_that_answers(repository) == 1);
  repository.restore("m", 3);
  CHECK(factor_that_answers(repository) == 3);
  files::remove_all(folder + "/m/1");
  CHECK(settles(repository, [&] { return version_status(repository, 1).version == -1; }));
  CHECK_THROWS_AS(repository.roll_back("m"), serve::ConflictError);  // the second is no better than it was
  CHECK(factor_that_answers(repository) == 3);
}

TEST_CASE("what requests hold for long leaves no room, and answers again") {
  const std::string folder = roomy_folder("long_request");
  place_version(folder, "m/1", 1);
  Repository repository(
      {.folder = folder, .poll = 1h, .notices = false, .model_bytes = one_affine, .swap = Swap::unload_first});
  auto held = repository.find("m");
  place_version(folder, "m/2", 2);
  CHECK_THROWS_AS(repository.load("m"), serve::NoRoomError);
  CHECK(repository.find("m") == held);
  CHECK(version_status(repository, 1).state == VersionState::available);
  CHECK(repository.loads().succeeded == 1);  // it was not read again
  held.reset();
  repository.load("m");
  CHECK(factor_that_answers(repository) == 2);
}

TEST_CASE("a version that is larger than all that there may be is tried once") {
  const std::string folder = roomy_folder("too_large");
  place_version(folder, "m/1", 1);
  files::create_directories(folder + "_made/2");
  write_keras(folder + "_made/2/model.h5", {.network = {input(Shape{2}, "x"), dense(4)}});
  const Repository repository({.folder = folder, .poll = 10ms, .model_bytes = one_affine, .swap = Swap::unload_first});
  files::rename(folder + "_made/2", folder + "/m/2");
  CHECK(wait_until([&] { return repository.loads().succeeded == 2; }));
  CHECK(version_status(repository, 2).error == "expected at most 12 bytes of weights, got 48 with it");
  let_it_look(repository);
  CHECK(factor_that_answers(repository) == 1);
  CHECK(repository.loads().succeeded == 2);  // for the next try it would have gone again
  CHECK(repository.loads().failed == 1);
}

TEST_CASE("a version whose folder is gone goes before the one that takes its place is read") {
  const std::string folder = roomy_folder("gone_first");
  place_version(folder, "m/1", 1);
  place_version(folder, "m/2", 2);
  const Repository repository({.folder = folder, .poll = 10ms, .model_bytes = one_affine, .swap = Swap::unload_first});
  CHECK(factor_that_answers(repository) == 2);
  files::remove_all(folder + "/m/2");
  CHECK(settles(repository, [&] { return factor_that_answers(repository) == 1; }));
  CHECK(repository.loads().failed == 0);
}

TEST_CASE("labels, canaries, shadows and what could not be read again do not go first") {
  const std::string folder = roomy_folder("staying");
  for (const int version : {1, 2, 3}) place_version(folder, fmt::format("m/{}", version), version);
  place_version(folder, "code/1", 1);
  Repository repository({.folder = folder, .poll = 10ms, .swap = Swap::unload_first});
  repository.publish("code", 2, affine(8));
  repository.set_label("m", "stable", 3);
  repository.set_traffic("m", serve::Canary{.version = 2, .share = 0.5}, 1);
  REQUIRE(settles(repository, [&] { return repository.find("m", 1) && repository.find("m", 2); }));
  std::vector<HeldFile> held;
  held.push_back(place_slow_version(folder, "m/4", 4));
  if (!held[0].is_held() && !held[0].is_waited_for()) return tell_that_leases_are_missing();
  REQUIRE(wait_until([&] { return held[0].is_waited_for(); }));
  for (const int version : {1, 2, 3}) CHECK(repository.find("m", version) != nullptr);
  held[0].let_go();
  REQUIRE(settles(repository, [&] { return repository.find("m", 4) != nullptr; }));
  held.push_back(place_slow_version(folder, "code/3", 9));
  REQUIRE(wait_until([&] { return held[1].is_waited_for(); }));
  CHECK(factor_that_answers(repository, "code") == 8);
  held[1].let_go();
  CHECK(settles(repository, [&] { return factor_that_answers(repository, "code") == 9; }));
}
