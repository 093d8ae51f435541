// What real clients send (wire/*.http; wire/record.py has written most of them), byte for byte: cut anywhere the answer
// is the same when the rest follows, and a refusal or a close where it does not.
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "maas/serve/server.hpp"
#include "serve/asking.hpp"
#include "serve/models.hpp"
#include "support/catch.hpp"
#include "support/http_client.hpp"

using namespace maas;
using namespace maas::tests;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

struct Recorded {
  std::string name;
  int status = 200;
  std::string part{};     // of the answer's body
  bool may_vary = false;  // its body, from one time to the next
  std::string bytes{};
};

std::vector<Recorded> recorded() {
  const std::string rows = R"({"predictions":[[6.7],[-7.0]]})", tensors = R"("shape":[2,1])";
  std::vector<Recorded> all{{"tritonclient_binary", 200, tensors},
                            {"tritonclient_json", 200, tensors},
                            {"tritonclient_gzip", 200, tensors},
                            {"tritonclient_aio", 200, tensors},
                            {"triton_cpp_binary", 200, tensors},
                            {"triton_cpp_json", 200, R"("data":[6.7,-7)"},
                            {"index_without_length", 200, R"("state":"READY")"},
                            {"kserve_v2_binary", 200, R"("data":[6.7,-7)"},
                            {"kserve_v2_null", 400, "null"},
                            {"kserve_v1", 200, rows},
                            {"kserve_v1_ready", 200, R"("ready":true)"},
                            {"kserve_v1_alive", 200, R"("status":"alive")"},
                            {"requests_text", 200, rows},
                            {"requests_json", 200, rows},
                            {"curl_form", 200, rows},
                            {"curl_expect", 200, rows},
                            {"kubelet", 200, R"("ready":true)"},
                            {"prometheus", 200, "maas_requests_total", true}};
  for (Recorded& each : all) {
    each.bytes = content(fmt::format("{}/{}.http", MAAS_WIRE_DIR, each.name));
    INFO(each.name);
    REQUIRE(each.bytes.find("\r\n\r\n") != std::string::npos);
  }
  return all;
}

struct WireServer {
  serve::Repository repository{serve::RepositoryOptions{}};
  std::unique_ptr<serve::Server> server{};
  // What is not whole is given up after `patience`.
  explicit WireServer(std::chrono::milliseconds patience = 10s) {
    repository.publish("affine", 1, affine());
    server = std::make_unique<serve::Server>(repository, serve::ServerOptions{.port = 0,
                                                                              .open_admin = true,
                                                                              .threads = 1,
                                                                              .head = patience,
                                                                              .body_grace = patience,
                                                                              .body_rate = 1 << 30});
  }
  int port() const { return server->port(); }
};

// The answer after those that only tell to go on.
HttpAnswer final_answer(HttpClient& client) {
  HttpAnswer answer = client.read();
  while (answer.status == 100) answer = client.read();
  return answer;
}

// All but the time.
std::string text_of(HttpAnswer answer, bool may_vary) {
  answer.headers.erase("date");
  if (may_vary) {
    answer.headers.erase("content-length");
    answer.body.clear();
  }
  std::string text = fmt::format("{}\n", answer.status);
  for (const auto& [name, value] : answer.headers) text += fmt::format("{}: {}\n", name, value);
  return text + answer.body;
}

}  // namespace

TEST_CASE("what real clients send, in two pieces cut at every byte, is answered as in one") {
  const WireServer served;
  for (const Recorded& request : recorded()) {
    INFO(request.name);
    HttpClient whole(served.port());
    whole.send(request.bytes);
    const HttpAnswer answer = final_answer(whole);
    CHECK(answer.status == request.status);
    CHECK_THAT(answer.body, ContainsSubstring(request.part));
    const std::string expected = text_of(answer, request.may_vary);
    constexpr std::size_t at_once = 64;
    for (std::size_t start = 1; start < request.bytes.size(); start += at_once) {
      const std::size_t end = std::min(start + at_once, request.bytes.size());
      std::vector<std::unique_ptr<HttpClient>> clients;
      for (std::size_t cut = start; cut < end; ++cut) {
        clients.push_back(std::make_unique<HttpClient>(served.port()));
        clients.back()->send(std::string_view(request.bytes).substr(0, cut));
      }
      std::this_thread::sleep_for(5ms);  // the first piece is read by then, alone
      for (std::size_t cut = start; cut < end; ++cut)
        clients[cut - start]->send(std::string_view(request.bytes).substr(cut));
      for (std::size_t cut = start; cut < end; ++cut) {
        INFO("cut at " << cut);
        REQUIRE(text_of(final_answer(*clients[cut - start]), request.may_vary) == expected);
      }
    }
  }
}

TEST_CASE("what real clients send, ended at any byte, is refused or closed") {
  const WireServer served(150ms);
  for (const Recorded& request : recorded()) {
    INFO(request.name);
    constexpr std::size_t at_once = 256;
    for (std::size_t start = 1; start < request.bytes.size(); start += at_once) {
      std::vector<std::unique_ptr<HttpClient>> clients;
      for (std::size_t size = start; size < std::min(start + at_once, request.bytes.size()); ++size) {
        clients.push_back(std::make_unique<HttpClient>(served.port()));
        clients.back()->send(std::string_view(request.bytes).substr(0, size));
      }
      for (std::size_t i = 0; i < clients.size(); ++i) {
        INFO("ended after " << start + i);
        const int status = final_answer(*clients[i]).status;
        REQUIRE((status == 0 || status == 400 || status == 408));
        CHECK(clients[i]->ends());
      }
    }
  }
}

TEST_CASE("bodies of real clients, ended at any byte and declared so, are a 400") {
  const WireServer served;
  int tried = 0;
  for (const Recorded& request : recorded()) {
    const std::size_t head = request.bytes.find("\r\n\r\n") + 4, size = request.bytes.size() - head;
    const std::string declared = fmt::format("\r\nContent-Length: {}\r\n", size);
    const std::size_t at = request.bytes.find(declared);
    if (size == 0) continue;
    REQUIRE(at < head);
    for (std::size_t length = 0; length < size; ++length, ++tried) {
      INFO(request.name << ", body of " << length << " bytes");
      std::string text = request.bytes.substr(0, head + length);
      text.replace(at, declared.size(), fmt::format("\r\nContent-Length: {}\r\n", length));
      HttpClient client(served.port());
      client.send(text);
      REQUIRE(final_answer(client).status == 400);
    }
  }
  CHECK(tried > 1000);
}
