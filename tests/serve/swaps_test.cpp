// New versions, broken ones and moved labels under many clients.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "maas/serve/server.hpp"
#include "serve/asking.hpp"
#include "serve/models.hpp"
#include "support/catch.hpp"
#include "support/http_client.hpp"

using namespace maas;
using namespace maas::tests;
using namespace std::chrono_literals;

namespace files = std::filesystem;

namespace {

void put(int version, bool is_broken) {  // beside its place, then moved into it
  const std::string made = fmt::format("many_swaps_made/{}", version);
  files::create_directories(made);
  if (is_broken)
    std::ofstream(made + "/model.h5") << "no model";
  else
    write_keras(made + "/model.h5", {.network = affine(static_cast<Scalar>(version))});
  files::create_directories("many_swaps/m");
  files::rename(made, fmt::format("many_swaps/m/{}", version));
}

// The version an answer names, or -1 if its numbers are not that version's.
int version_in(const HttpAnswer& answer) {
  const std::size_t at = answer.body.find(R"("model_version":")");
  if (answer.status != 200 || at == std::string::npos) return -1;
  const int version = std::atoi(answer.body.c_str() + at + 17);
  const std::string expected =
      fmt::format(R"({{"model_name":"m","model_version":"{}","outputs":[{{"name":"y","shape":[1,1],"datatype":"FP32",)"
                  R"("data":[{}.5]}}]}})",
                  version, 5 * version);
  return answer.body == expected ? version : -1;
}

// /v1 names no version, but the numbers of each are its own: 5 times its number, and a half. -1 for others.
int version_behind(const HttpAnswer& answer) {
  constexpr std::string_view start = R"({"predictions":[[)";
  if (answer.status != 200 || !answer.body.starts_with(start)) return -1;
  const int version = static_cast<int>(std::atof(answer.body.c_str() + start.size()) / 5);
  return answer.body == fmt::format(R"({{"predictions":[[{}.5]]}})", 5 * version) ? version : -1;
}

// A version that moves: an answer is that of the one which was settled when it was asked for, of the one that was under
// way when it had come, or of one between.
struct Moving {
  std::atomic<int> settled{1}, under_way{1};

  void begin(int version) { under_way = version; }
  void settle(int version) { settled = version; }
  bool allows(int settled_before, int version) const { return settled_before <= version && version <= under_way; }
};

}  // namespace

TEST_CASE("200 swaps, failed loads and label moves under 64 connections: no answer fails or is torn") {
  files::remove_all("many_swaps");
  files::remove_all("many_swaps_made");
  put(1, false);
  serve::Repository repository({.folder = "many_swaps", .poll = 500ms, .versions = 2});
  const serve::Server server(repository, {.port = 0, .open_admin = true, .threads = 4});
  repository.set_label("m", "stable", 1);
  std::atomic<bool> done{false};
  std::atomic<int> named{0}, labelled{0}, wrong{0};
  Moving newest, label;
  std::vector<std::thread> clients;
  for (int t = 0; t < 64; ++t)
    clients.emplace_back([&, t] {
      HttpClient client(server.port());
      const std::string infer = R"({"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,1]}]})";
      while (!done) {
        const bool by_label = t % 2 == 1;
        const Moving& moving = by_label ? label : newest;
        const int before = moving.settled;
        const int version =
            by_label
                ? version_behind(client.ask("POST", "/v1/models/m/labels/stable:predict", R"({"instances": [[1, 1]]})"))
                : version_in(client.ask("POST", "/v2/models/m/infer", infer));
        if (!moving.allows(before, version)) ++wrong;  // failed, torn, or of a version that it cannot be
        ++(by_label ? labelled : named);
      }
    });
  int swaps = 0, failures = 0, moves = 0;
  HttpClient admin(server.port());
  for (int version = 2; swaps < 200; ++version) {
    if (version % 10 == 0) {
      const auto failed = repository.loads().failed;
      put(version, true);
      REQUIRE(wait_until([&] { return repository.loads().failed > failed; }));
      ++failures;
      continue;
    }
    newest.begin(version);
    put(version, false);
    REQUIRE(wait_until([&] { return repository.find("m")->version == version; }));
    newest.settle(version);
    ++swaps;
    label.begin(version);
    const HttpAnswer moved =
        admin.ask("POST", "/maas/v1/models/m/labels/stable", fmt::format(R"({{"version": {}}})", version));
    REQUIRE(moved.status == 200);
    label.settle(version);
    ++moves;
  }
  done = true;
  for (std::thread& client : clients) client.join();
  CHECK(wrong == 0);
  CHECK(failures >= 20);
  CHECK(moves == 200);
  CHECK(named >= 1000);
  CHECK(labelled >= 1000);
}
