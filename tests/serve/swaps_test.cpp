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

// Asks a label through /v1, which names no version: any of them will do.
bool is_of_some_version(const HttpAnswer& answer) {
  constexpr std::string_view start = R"({"predictions":[[)";
  if (answer.status != 200 || !answer.body.starts_with(start)) return false;
  const double value = std::atof(answer.body.c_str() + start.size());
  const int version = static_cast<int>(value / 5);
  return version >= 1 && answer.body == fmt::format(R"({{"predictions":[[{}.5]]}})", 5 * version);
}

}  // namespace

TEST_CASE("200 swaps, failed loads and label moves under 64 connections: no answer fails or is torn") {
  files::remove_all("many_swaps");
  files::remove_all("many_swaps_made");
  put(1, false);
  serve::Repository repository({.folder = "many_swaps", .poll = 500ms, .versions = 2});
  const serve::Server server(repository, {.port = 0, .open_admin = true, .threads = 4});
  repository.set_label("m", "stable", 1);
  std::atomic<bool> done{false};
  std::atomic<int> answers{0}, wrong{0};
  std::vector<std::thread> clients;
  for (int t = 0; t < 64; ++t)
    clients.emplace_back([&, t] {
      HttpClient client(server.port());
      const std::string infer = R"({"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,1]}]})";
      for (int last = 0; !done; ++answers) {
        if (t % 2 == 0) {
          const int version = version_in(client.ask("POST", "/v2/models/m/infer", infer));
          if (version < last) ++wrong;  // failed, torn, or an older one again
          last = std::max(last, version);
        } else if (!is_of_some_version(
                       client.ask("POST", "/v1/models/m/labels/stable:predict", R"({"instances": [[1, 1]]})"))) {
          ++wrong;
        }
        std::this_thread::sleep_for(1ms);
      }
    });
  int changes = 0;
  HttpClient admin(server.port());
  for (int version = 2; changes < 200; ++version) {
    const bool is_broken = version % 10 == 0;
    const auto failed = repository.loads().failed;
    put(version, is_broken);
    if (is_broken) {
      REQUIRE(wait_until([&] { return repository.loads().failed > failed; }));
    } else {
      REQUIRE(wait_until([&] { return repository.find("m")->version == version; }));
      const HttpAnswer moved =
          admin.ask("POST", "/maas/v1/models/m/labels/stable", fmt::format(R"({{"version": {}}})", version));
      CHECK(moved.status == 200);
      ++changes;
    }
    ++changes;
  }
  done = true;
  for (std::thread& client : clients) client.join();
  CHECK(wrong == 0);
  CHECK(answers >= 1000);
}
