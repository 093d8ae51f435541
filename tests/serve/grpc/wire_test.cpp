// What real clients of gRPC send (wire/*.h2; wire/record.py has written them; a kubelet's is as the protocol has it),
// byte for byte: cut anywhere the answer is the same when the rest follows, and where it does not, there is none.
// Beside them calls that no client's library writes.
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdlib>
#include <memory>

#include "inference.grpc.pb.h"
#include "maas/serve/grpc.hpp"
#include "serve/asking.hpp"
#include "serve/gate.hpp"
#include "serve/grpc/http2_client.hpp"
#include "serve/models.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using grpc::StatusCode;
using inference::ModelInferResponse;

namespace {

constexpr std::string_view infer_path = "/inference.GRPCInferenceService/ModelInfer";

struct Served {
  serve::Repository repository{serve::RepositoryOptions{}};
  serve::Server server;
  serve::GrpcServer grpc;

  Served()
      : server((repository.publish("affine", 1, affine()), repository.publish("gated", 1, gated()), repository),
               {.port = 0, .limits = {.wait = 60s}, .threads = 1}),
        grpc(server, 0) {}

  http2::CallAnswer ask(std::string_view bytes) const {
    http2::Client client(grpc.port());
    client.send(bytes);
    return client.read();
  }
};

struct Recorded {
  std::string name;
  bool is_raw = true;
  std::string bytes{};
};

std::vector<Recorded> recorded() {
  std::vector<Recorded> all{
      {"tritonclient_grpc"}, {"tritonclient_grpc_gzip"}, {"kserve_grpc"}, {"grpcpp_typed", false}};
  for (Recorded& each : all) {
    each.bytes = content(fmt::format("{}/{}.h2", MAAS_WIRE_DIR, each.name));
    INFO(each.name);
    REQUIRE(each.bytes.starts_with(http2::preface));
  }
  return all;
}

// The frames of a recording, one of which has the message.
std::vector<http2::Frame> frames_of(std::string_view bytes) {
  std::vector<http2::Frame> frames;
  bytes.remove_prefix(http2::preface.size());
  while (auto frame = http2::take_frame(bytes)) frames.push_back(*frame);
  REQUIRE(bytes.empty());
  REQUIRE(frames.back().type == http2::data);
  REQUIRE(frames.back().flags == http2::end_stream);
  return frames;
}

std::string joined_frames(const std::vector<http2::Frame>& frames) {
  std::string bytes(http2::preface);
  for (const http2::Frame& each : frames)
    bytes += http2::frame(static_cast<http2::Type>(each.type), each.flags, each.stream, each.payload);
  return bytes;
}

ModelInferResponse message_of(const http2::CallAnswer& answer) {
  ModelInferResponse message;
  REQUIRE(message.ParseFromString(answer.message));
  return message;
}

// The numbers' bytes, whichever way they came.
std::string bits_of(const ModelInferResponse& message, bool is_raw) {
  REQUIRE(message.outputs_size() == 1);
  REQUIRE(message.raw_output_contents_size() == (is_raw ? 1 : 0));
  if (is_raw) return message.raw_output_contents(0);
  const auto& numbers = message.outputs(0).contents().fp32_contents();
  return bytes_of({numbers.begin(), numbers.end()});
}

// What a client of the REST API gets for the same numbers: those of its binary answer.
std::string bits_by_rest(int port) {
  HttpClient client(port);
  client.send(content(std::string(MAAS_WIRE_DIR) + "/tritonclient_binary.http"));
  const HttpAnswer answer = client.read();
  REQUIRE(answer.status == 200);
  return answer.body.substr(std::stoul(answer.headers.at("inference-header-content-length")));
}

// That a call was answered, and as another was.
void check_same(const http2::CallAnswer& answer, const std::string& expected) {
  REQUIRE(answer.status == StatusCode::OK);
  REQUIRE(answer.message == expected);
}

// That a call in two pieces, cut at every byte, is answered so.
void check_cuts(const Served& served, std::string_view bytes, const std::string& expected) {
  constexpr std::size_t at_once = 64;
  for (std::size_t start = 1; start < bytes.size(); start += at_once) {
    const std::size_t end = std::min(start + at_once, bytes.size());
    std::vector<std::unique_ptr<http2::Client>> clients;
    for (std::size_t cut = start; cut < end; ++cut) {
      clients.push_back(std::make_unique<http2::Client>(served.grpc.port()));
      clients.back()->send(bytes.substr(0, cut));
    }
    std::this_thread::sleep_for(20ms);  // the first piece is read by then, alone
    for (std::size_t cut = start; cut < end; ++cut) clients[cut - start]->send(bytes.substr(cut));
    for (std::size_t cut = start; cut < end; ++cut) {
      INFO("cut at " << cut);
      check_same(clients[cut - start]->read(), expected);
    }
  }
}

// Two rows of "affine" with numbers in the message, each with a head of its own, out of order, and beside them what
// nobody knows; the last name of the input counts.
std::string unpacked_message() {
  const auto field = [](int number, int type, const std::string& bytes) {
    return static_cast<char>(number << 3 | type) + bytes;
  };
  const auto text = [&](int number, const std::string& bytes) {
    return field(number, 2, static_cast<char>(bytes.size()) + bytes);
  };
  std::string numbers;
  for (const float x : {0.1F, 2.0F, 3.0F, -4.5F}) numbers += field(6, 5, bytes_of({x}));
  const std::string two = field(3, 0, "\x02");
  const std::string input = text(5, numbers) + two + text(1, "another") + text(15, "unknown") + two + text(2, "FP32") +
                            field(14, 0, "\x07") + text(1, "x");
  return text(5, input) + text(13, "unknown") + text(1, "none") + text(1, "affine");
}

}  // namespace

TEST_CASE("gRPC: what real clients send, in two pieces cut at every byte, is answered as in one") {
  const Served served;
  const std::string bits = bits_by_rest(served.server.port());
  CHECK(floats_in(bits) == std::vector<float>{6.7F, -7.0F});
  for (const Recorded& request : recorded()) {
    INFO(request.name);
    const http2::CallAnswer answer = served.ask(request.bytes);
    REQUIRE(answer.status == StatusCode::OK);
    CHECK(bits_of(message_of(answer), request.is_raw) == bits);
    check_cuts(served, request.bytes, answer.message);
  }
}

TEST_CASE("gRPC: a kubelet's probe, in two pieces cut at every byte, is answered as in one") {
  Served served;
  const std::string probe = content(std::string(MAAS_WIRE_DIR) + "/kubelet_grpc.h2");
  const std::string serving = "\x08\x01", not_serving = "\x08\x02";
  check_cuts(served, probe, serving);
  served.server.set_not_ready();
  served.grpc.set_not_ready();
  check_same(served.ask(probe), not_serving);
}

TEST_CASE("gRPC: what real clients send, ended at any byte, is no prediction, and others are answered") {
  const Served served;
  int rows = 0;
  for (const Recorded& request : recorded()) {
    INFO(request.name);
    const std::string expected = served.ask(request.bytes).message;
    rows += 2;
    constexpr std::size_t at_once = 64;
    for (std::size_t start = 1; start < request.bytes.size(); start += at_once) {
      const std::size_t end = std::min(start + at_once, request.bytes.size());
      std::vector<std::unique_ptr<http2::Client>> clients;
      for (std::size_t size = start; size < end; ++size) {
        const std::string_view part = std::string_view(request.bytes).substr(0, size);
        http2::Client(served.grpc.port()).send(part);  // and is closed at once
        clients.push_back(std::make_unique<http2::Client>(served.grpc.port()));
        clients.back()->send(part);
        clients.back()->end_sending();
      }
      for (std::size_t i = 0; i < clients.size(); ++i) {
        INFO("ended after " << start + i);
        const http2::CallAnswer answer = clients[i]->read();
        REQUIRE(answer.status != StatusCode::OK);
        REQUIRE(answer.message.empty());
      }
      check_same(served.ask(request.bytes), expected);
      rows += 2;
    }
  }
  CHECK(wait_until([&] {
    const HttpAnswer said = HttpClient(served.server.port()).ask("GET", "/v2/models/affine/stats");
    return said.body.find(fmt::format(R"("inference_count":{},)", rows)) != std::string::npos;
  }));
}

TEST_CASE("gRPC: messages of real clients, ended at any byte and declared so, are refused") {
  const Served served;
  int tried = 0;
  for (const Recorded& request : recorded()) {
    std::vector<http2::Frame> frames = frames_of(request.bytes);
    const std::string payload = frames.back().payload;
    const bool is_packed = payload[0] != 0;
    for (std::size_t size = http2::prefix_size; size < payload.size(); ++size, ++tried) {
      INFO(request.name << ", message of " << size - http2::prefix_size << " bytes");
      frames.back().payload =
          http2::with_prefix(payload.substr(http2::prefix_size, size - http2::prefix_size), is_packed);
      const http2::CallAnswer answer = served.ask(joined_frames(frames));
      const bool is_told = answer.status == StatusCode::INVALID_ARGUMENT || answer.status == StatusCode::INTERNAL;
      REQUIRE((is_told || (is_packed && answer.is_reset)));
    }
  }
  CHECK(tried > 100);
  CHECK(served.ask(recorded()[0].bytes).status == StatusCode::OK);
}

TEST_CASE("gRPC: numbers one by one, fields in any order and some that nobody knows") {
  const Served served;
  const http2::CallAnswer answer = served.ask(http2::call(infer_path, unpacked_message()));
  REQUIRE(answer.status == StatusCode::OK);
  CHECK(bits_of(message_of(answer), false) == bits_by_rest(served.server.port()));
}

TEST_CASE("gRPC: unknown methods and services are UNIMPLEMENTED") {
  const Served served;
  for (const char* path : {"/inference.GRPCInferenceService/ModelStreamInfer", "/inference.GRPCInferenceService/None",
                           "/none.Service/ModelInfer", "/", "/ModelInfer"})
    CHECK(served.ask(http2::call(path, "")).status == StatusCode::UNIMPLEMENTED);
}

TEST_CASE("gRPC: a message that is packed in no known way is refused") {
  const Served served;
  for (const char* way : {"snappy", "identity"}) {
    std::string bytes = http2::call(infer_path, unpacked_message(), http2::literal("grpc-encoding", way));
    bytes.replace(bytes.size() - unpacked_message().size(), 1, "\xff");
    bytes[bytes.size() - unpacked_message().size() - http2::prefix_size] = 1;
    CHECK(served.ask(bytes).status > StatusCode::OK);
  }
}

TEST_CASE("gRPC: a call's time is its request's") {
  const Served served;
  const auto call_within = [](const char* time) {
    return http2::call(infer_path, unpacked_message(), http2::literal("grpc-timeout", time));
  };
  for (const char* enough : {"1H", "1M", "20S", "20000m", "20000000u"})
    CHECK(served.ask(call_within(enough)).status == StatusCode::OK);
  HttpClient working(served.server.port());
  const ClosedGate closed;
  working.send(post_text("/v1/models/gated:predict", R"({"instances": [1]})"));
  gate.wait_for(1);
  for (const char* little : {"100m", "100000u", "99999999n"})
    CHECK(served.ask(call_within(little)).status == StatusCode::DEADLINE_EXCEEDED);
  // No place in the queue is kept for who has left.
  CHECK(metric_reaches(served.server.port(), R"(maas_rejected_total{reason="deadline"} 3)"));
  CHECK(metric_reaches(served.server.port(), "maas_queue_requests 0"));
  gate.open();
  CHECK(working.read().status == 200);
}

TEST_CASE("gRPC: asks once who records what clients send, where MAAS_RECORDER says", "[.record]") {
  const char* address = std::getenv("MAAS_RECORDER");
  REQUIRE(address != nullptr);
  const auto stub =
      inference::GRPCInferenceService::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  inference::ModelInferRequest request;
  request.set_model_name("affine");
  request.set_id("7");
  auto& input = *request.add_inputs();
  input.set_name("x");
  input.set_datatype("FP32");
  for (int i = 0; i < 2; ++i) input.add_shape(2);
  for (const float x : {0.1F, 2.0F, 3.0F, -4.5F}) input.mutable_contents()->add_fp32_contents(x);
  ModelInferResponse answer;
  grpc::ClientContext context;
  CHECK_FALSE(stub->ModelInfer(&context, request, &answer).ok());
}
