// How many model files are read at once.
#include "serve/loads_at_once.hpp"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <new>
#include <optional>
#include <thread>
#include <vector>

#include "maas/serve/repository.hpp"
#include "serve/asking.hpp"
#include "serve/held_file.hpp"
#include "serve/models.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"

using namespace maas;
using namespace maas::tests;
using namespace std::chrono_literals;
using serve::LoadsAtOnce;
using serve::Repository;

namespace {

void save_affine(const std::string& path, Scalar factor = 1) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  write_keras(path, {.network = affine(factor)});
}

// A version whose golden.json cannot be opened: whoever loads it waits there.
HeldFile held_version(const std::string& folder) {
  save_affine(folder + "/model.h5");
  std::ofstream(folder + "/golden.json") << R"([{"inputs": [[1, 1]], "outputs": [[5.5]]}])";
  return HeldFile(folder + "/golden.json");
}

// Of the models a, b and c.
std::vector<HeldFile> held_models(const std::string& folder) {
  std::vector<HeldFile> held;
  for (const char* name : {"a", "b", "c"}) held.push_back(held_version(fmt::format("{}/{}/1", folder, name)));
  return held;
}

bool are_held(const std::vector<HeldFile>& files) { return std::ranges::all_of(files, &HeldFile::is_held); }
std::ptrdiff_t waited_for(const std::vector<HeldFile>& files) {
  return std::ranges::count_if(files, &HeldFile::is_waited_for);
}

// Lets the files go one after the other, as soon as somebody waits; whether there were always so many who did, until
// fewer were left.
bool are_read(std::vector<HeldFile>& files, std::ptrdiff_t most) {
  for (auto left = static_cast<std::ptrdiff_t>(files.size()); left > 0; --left) {
    const std::ptrdiff_t expected = std::min(left, most);
    if (!wait_until([&] { return waited_for(files) == expected; })) return false;
    std::this_thread::sleep_for(100ms);  // for one too many to come
    if (waited_for(files) != expected) return false;
    std::ranges::find_if(files, &HeldFile::is_waited_for)->let_go();
  }
  return true;
}

void tell_of_no_leases() { WARN("skipped: the file system knows no leases"); }

// Why the newest version does not answer; empty if it does.
std::string problem_of(const Repository& repository, const std::string& model) {
  const std::vector<serve::VersionStatus> all = repository.status(model);
  if (all.empty()) return "unknown";
  return all[0].state == serve::VersionState::available ? all[0].error : "not available: " + all[0].error;
}

}  // namespace

TEST_CASE("at the start as many models are read at once as may be, and never more") {
  for (const int most : {1, 2, 3}) {
    INFO(most);
    const std::string folder = fresh_folder(fmt::format("at_once_{}", most));
    std::vector<HeldFile> held = held_models(folder);
    if (!are_held(held)) return tell_of_no_leases();
    auto started = std::async(std::launch::async, [&] {
      return std::make_unique<Repository>(
          serve::RepositoryOptions{.folder = folder, .poll = 10s, .loads_at_once = most});
    });
    CHECK(are_read(held, most));
    held.clear();
    const std::unique_ptr<Repository> repository = started.get();
    for (const char* name : {"a", "b", "c"}) CHECK(problem_of(*repository, name) == "");
    CHECK(repository->loads().succeeded == 3);
  }
}

TEST_CASE("models that change in one look are read at once, as many as may be") {
  for (const int most : {1, 2}) {
    INFO(most);
    const std::string folder = fresh_folder(fmt::format("changed_at_once_{}", most));
    const std::string made = fresh_folder(fmt::format("made_at_once_{}", most));
    save_affine(folder + "/a/0/model.h5", 2);
    const Repository repository({.folder = folder, .poll = 500ms, .notices = false, .loads_at_once = most});
    std::vector<HeldFile> held = held_models(made);
    if (!are_held(held)) return tell_of_no_leases();
    std::filesystem::rename(made + "/a/1", folder + "/a/1");
    for (const char* name : {"b", "c"})
      std::filesystem::rename(fmt::format("{}/{}", made, name), fmt::format("{}/{}", folder, name));
    REQUIRE(wait_until([&] { return waited_for(held) > 0; }));
    CHECK(repository.find("a")->network.predict(Matrix::Ones(1, 2))(0, 0) == Scalar(10.5));  // nobody waits for it
    CHECK(are_read(held, most));
    CHECK(wait_until([&] { return repository.loads().succeeded == 4; }));
    CHECK(repository.find("a")->network.predict(Matrix::Ones(1, 2))(0, 0) == Scalar(5.5));
  }
}

TEST_CASE("versions of one model are read one after the other, the newest first") {
  const std::string folder = fresh_folder("in_order_at_once");
  std::vector<HeldFile> held;
  for (const int version : {1, 2}) held.push_back(held_version(fmt::format("{}/m/{}", folder, version)));
  if (!are_held(held)) return tell_of_no_leases();
  auto started = std::async(std::launch::async, [&] {
    return std::make_unique<Repository>(
        serve::RepositoryOptions{.folder = folder, .poll = 10s, .versions = 2, .loads_at_once = 2});
  });
  CHECK(wait_until([&] { return held[1].is_waited_for(); }));
  std::this_thread::sleep_for(100ms);
  CHECK(held[0].is_held());
  held[1].let_go();
  CHECK(wait_until([&] { return held[0].is_waited_for(); }));
  held[0].let_go();
  CHECK(started.get()->loads().succeeded == 2);
}

TEST_CASE("files that come with a call are among those that are read at once") {
  for (const int most : {1, 2}) {
    INFO(most);
    const std::string folder = fresh_folder(fmt::format("given_at_once_{}", most));
    const std::string made = fresh_folder("given_at_once_made");
    save_affine(made + "/given.h5");
    const std::string bytes = content(made + "/given.h5");
    Repository repository({.folder = folder, .poll = 10ms, .notices = false, .loads_at_once = most});
    std::vector<HeldFile> held = held_models(made);
    if (!are_held(held)) return tell_of_no_leases();
    std::filesystem::rename(made + "/a", folder + "/a");
    REQUIRE(wait_until([&] { return held[0].is_waited_for(); }));
    const serve::GivenFile given{.version = 4, .name = "model.h5", .content = bytes};
    auto added = std::async(std::launch::async, [&] { repository.add_files("given", {&given, 1}); });
    // It is moved into its place once it has been read.
    const auto is_tested = [&] { return std::filesystem::exists(folder + "/given/4/model.h5"); };
    if (most == 1) {
      std::this_thread::sleep_for(300ms);
      CHECK_FALSE(is_tested());
    } else {
      CHECK(wait_until(is_tested));
    }
    held[0].let_go();
    added.get();
    CHECK(repository.find("given", 4) != nullptr);
  }
}

TEST_CASE("models that load beside each other while they are asked are never missed") {
  const std::string folder = fresh_folder("many_at_once"), made = fresh_folder("many_at_once_made");
  const std::vector<std::string> names{"a", "b", "c", "d"};
  const auto add = [&](int version) {
    for (const std::string& name : names) {
      save_affine(fmt::format("{}/{}/{}/model.h5", made, name, version), static_cast<Scalar>(version));
      std::filesystem::create_directories(folder + "/" + name);
      std::filesystem::rename(fmt::format("{}/{}/{}", made, name, version),
                              fmt::format("{}/{}/{}", folder, name, version));
    }
  };
  add(1);
  Repository repository({.folder = folder, .poll = 5ms, .loads_at_once = 3});
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> asking;
  for (const std::string& name : names)
    asking.emplace_back([&] {
      std::int64_t last = 0;
      while (!done) {
        const auto servable = repository.find(name);
        if (servable == nullptr || servable->version < last ||
            servable->network.predict(Matrix::Ones(1, 2))(0, 0) != Scalar(5) * Scalar(servable->version) + Scalar(0.5))
          ++wrong;
        if (servable != nullptr) last = servable->version;
      }
    });
  const auto all_have = [&](std::int64_t version) {
    return std::ranges::all_of(names, [&](const std::string& name) {
      const auto servable = repository.find(name);
      return servable != nullptr && servable->version == version;
    });
  };
  for (int version = 2; version <= 8; ++version) {
    add(version);
    repository.publish("own", version, affine());  // waits for its turn
    CHECK(wait_until([&] { return all_have(version); }));
  }
  done = true;
  for (std::thread& thread : asking) thread.join();
  CHECK(wrong == 0);
  CHECK(repository.loads().succeeded == 32 + 7);
  CHECK(repository.loads().failed == 0);
}

TEST_CASE("pieces of work are each done once, on no more threads than may load, and a failure is thrown") {
  const LoadsAtOnce three(3);
  std::vector<std::atomic<int>> done(100);
  std::atomic<int> running{0}, most{0};
  three.for_each(done.size(), [&](std::size_t i) {
    const int now = ++running;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
    }
    if (i < 3) wait_until([&] { return most == 3; });
    ++done[i];
    --running;
  });
  CHECK(std::ranges::all_of(done, [](const auto& each) { return each == 1; }));
  CHECK(most == 3);
  three.for_each(0, [](std::size_t) { throw std::bad_alloc(); });
  std::atomic<int> begun{0};
  CHECK_THROWS_AS(three.for_each(1000,
                                 [&](std::size_t) {
                                   ++begun;
                                   throw std::bad_alloc();
                                 }),
                  std::bad_alloc);
  CHECK(begun <= 3);
}

TEST_CASE("places are as many as may load, whoever asks for them") {
  LoadsAtOnce two(2);
  std::optional<LoadsAtOnce::Place> first(std::in_place, two), second(std::in_place, two);
  std::atomic<bool> got{false};
  std::thread third([&] {
    const LoadsAtOnce::Place place(two);
    got = true;
  });
  std::this_thread::sleep_for(50ms);
  CHECK_FALSE(got);
  first.reset();
  third.join();
  CHECK(got);
}

TEST_CASE("how many models may be read at once is a number within reason") {
  CHECK_THROWS_AS(Repository({.loads_at_once = 0}), ConfigError);
  CHECK_THROWS_AS(Repository({.loads_at_once = 65}), ConfigError);
  CHECK_NOTHROW(Repository({.loads_at_once = 64}));
}
