// The gRPC service, asked by a client of the same library over a socket of this machine.
#include "maas/serve/grpc.hpp"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <cmath>
#include <thread>

#include "inference.grpc.pb.h"
#include "serve/asking.hpp"
#include "serve/gate.hpp"
#include "serve/grpc/messages.hpp"
#include "serve/models.hpp"
#include "serve/mutations.hpp"
#include "support/catch.hpp"
#include "support/http_client.hpp"
#if GOOGLE_PROTOBUF_VERSION < 4022000
#include <google/protobuf/stubs/logging.h>
#endif

using namespace maas;
using namespace maas::tests;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using grpc::StatusCode;
using inference::ModelInferRequest;
using inference::ModelInferResponse;

namespace {

struct Running {
  serve::Repository repository{serve::RepositoryOptions{}};
  serve::Server server;
  serve::GrpcServer grpc;
  std::unique_ptr<inference::GRPCInferenceService::Stub> stub;

  explicit Running(serve::ServerOptions options = {})
      : server(published(repository), on_any_port(std::move(options))),
        grpc(server, 0),
        stub(inference::GRPCInferenceService::NewStub(
            grpc::CreateChannel(fmt::format("127.0.0.1:{}", grpc.port()), grpc::InsecureChannelCredentials()))) {}

  static serve::Repository& published(serve::Repository& repository) {
    repository.publish("affine", 1, affine());
    repository.publish("joined", 7, joined());
    repository.publish("gated", 1, gated());
    return repository;
  }
  static serve::ServerOptions on_any_port(serve::ServerOptions options) {
    options.port = 0;
    return options;
  }

  grpc::Status infer(const ModelInferRequest& request, ModelInferResponse& answer, const std::string& token = "") {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + 20s);
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    return stub->ModelInfer(&context, request, &answer);
  }
};

ModelInferRequest::InferInputTensor& add_input(ModelInferRequest& request, const std::string& name,
                                               const std::vector<std::int64_t>& shape,
                                               const std::string& type = "FP32") {
  auto& input = *request.add_inputs();
  input.set_name(name);
  input.set_datatype(type);
  for (std::int64_t length : shape) input.add_shape(length);
  return input;
}

ModelInferRequest affine_request(const std::vector<float>& values, bool raw) {
  ModelInferRequest request;
  request.set_model_name("affine");
  auto& input = add_input(request, "x", {static_cast<std::int64_t>(values.size() / 2), 2});
  if (raw)
    request.add_raw_input_contents(bytes_of(values));
  else
    input.mutable_contents()->mutable_fp32_contents()->Add(values.begin(), values.end());
  return request;
}

}  // namespace

TEST_CASE("gRPC: raw tensors and typed ones give the same numbers, and go back as they came") {
  Running running;
  const std::vector<float> x{1, 2, 0.1F, -3e-30F, 1e30F, 3};
  ModelInferRequest request = affine_request(x, true);
  request.set_id("a \"name\"");
  ModelInferResponse raw, typed;
  REQUIRE(running.infer(request, raw).ok());
  CHECK(raw.model_name() == "affine");
  CHECK(raw.model_version() == "1");
  CHECK(raw.id() == "a \"name\"");
  REQUIRE(raw.outputs_size() == 1);
  CHECK(raw.outputs(0).name() == "y");
  CHECK(raw.outputs(0).datatype() == "FP32");
  CHECK(raw.outputs(0).shape_size() == 2);
  CHECK(raw.outputs(0).shape(0) == 3);
  CHECK_FALSE(raw.outputs(0).has_contents());
  REQUIRE(raw.raw_output_contents_size() == 1);
  const std::vector<float> y = floats_in(raw.raw_output_contents(0));
  CHECK(y[0] == 8.5F);

  REQUIRE(running.infer(affine_request(x, false), typed).ok());
  CHECK(typed.raw_output_contents_size() == 0);
  const auto& contents = typed.outputs(0).contents().fp32_contents();
  CHECK(std::vector<float>(contents.begin(), contents.end()) == y);
  CHECK(typed.id().empty());
}

TEST_CASE("gRPC: what is no number stays none") {
  Running running;
  ModelInferResponse answer;
  REQUIRE(running.infer(affine_request({NAN, 1, INFINITY, 1, -INFINITY, 1}, false), answer).ok());
  const auto& y = answer.outputs(0).contents().fp32_contents();
  CHECK(std::isnan(y[0]));
  CHECK(y[1] == INFINITY);
  CHECK(y[2] == -INFINITY);
}

TEST_CASE("gRPC: several inputs in any order, outputs by name, versions by number") {
  Running running;
  ModelInferRequest request;
  request.set_model_name("joined");
  request.set_model_version("7");
  add_input(request, "b", {1, 1}).mutable_contents()->add_fp32_contents(10);
  auto& a = *add_input(request, "a", {1, 2}).mutable_contents();
  a.add_fp32_contents(1);
  a.add_fp32_contents(2);
  request.add_outputs()->set_name("pair");
  ModelInferResponse answer;
  REQUIRE(running.infer(request, answer).ok());
  REQUIRE(answer.outputs_size() == 1);
  CHECK(answer.outputs(0).contents().fp32_contents(0) == -9);
  CHECK(answer.outputs(0).contents().fp32_contents(1) == 22);
  request.set_model_version("8");
  CHECK(running.infer(request, answer).error_code() == StatusCode::NOT_FOUND);
}

TEST_CASE("gRPC: numbers of every type, and what does not fit its type") {
  Running running;
  const auto asked = [&](const std::string& type, const auto& fill) {
    ModelInferRequest request;
    request.set_model_name("affine");
    fill(*add_input(request, "x", {1, 2}, type).mutable_contents());
    ModelInferResponse answer;
    const grpc::Status status = running.infer(request, answer);
    INFO(type << ": " << status.error_message());
    if (!status.ok()) {
      CHECK(status.error_code() == StatusCode::INVALID_ARGUMENT);
      return std::nanf("");
    }
    return answer.outputs(0).contents().fp32_contents(0);
  };
  using Contents = inference::InferTensorContents;
  const auto ints = [](Contents& to) { to.add_int_contents(1), to.add_int_contents(2); };
  const auto uints = [](Contents& to) { to.add_uint_contents(1), to.add_uint_contents(2); };
  for (const char* type : {"INT8", "INT16", "INT32"}) CHECK(asked(type, ints) == 8.5F);
  for (const char* type : {"UINT8", "UINT16", "UINT32"}) CHECK(asked(type, uints) == 8.5F);
  CHECK(asked("INT64", [](Contents& to) { to.add_int64_contents(1), to.add_int64_contents(2); }) == 8.5F);
  CHECK(asked("UINT64", [](Contents& to) { to.add_uint64_contents(1), to.add_uint64_contents(2); }) == 8.5F);
  CHECK(asked("FP64", [](Contents& to) { to.add_fp64_contents(1), to.add_fp64_contents(2); }) == 8.5F);
  CHECK(asked("BOOL", [](Contents& to) { to.add_bool_contents(true), to.add_bool_contents(false); }) == 2.5F);
  CHECK(std::isnan(asked("INT8", [](Contents& to) { to.add_int_contents(1), to.add_int_contents(200); })));
  CHECK(std::isnan(asked("FP64", [](Contents& to) { to.add_fp64_contents(1), to.add_fp64_contents(1e300); })));
  CHECK(std::isnan(asked("FP32", ints)));
  CHECK(std::isnan(asked("FP16", ints)));
  CHECK(std::isnan(asked("BYTES", [](Contents& to) { to.add_bytes_contents("x"); })));
  CHECK(std::isnan(asked("STRANGE", ints)));
}

TEST_CASE("gRPC: typed contents keep the sign of zero") {
  const auto data_of = [](const ModelInferRequest& request) {
    const std::string body = serve::infer_request(request, std::nullopt).body;
    const std::size_t at = body.find(R"("data":)");
    return body.substr(at, body.find(']', at) + 1 - at);
  };
  CHECK(data_of(affine_request({-0.0F, 1.5F}, false)) == R"("data":[-0.0,1.5])");
  ModelInferRequest doubles;
  auto& contents = *add_input(doubles, "x", {1, 2}, "FP64").mutable_contents();
  contents.add_fp64_contents(-0.0);
  contents.add_fp64_contents(-2.5);
  CHECK(data_of(doubles) == R"("data":[-0.0,-2.5])");
}

TEST_CASE("gRPC: a model called as the address of all statistics is none") {
  Running running;
  inference::ModelMetadataRequest request;
  request.set_name("stats");
  inference::ModelMetadataResponse answer;
  grpc::ClientContext context;
  const grpc::Status status = running.stub->ModelMetadata(&context, request, &answer);
  CHECK(status.error_code() == StatusCode::NOT_FOUND);
  CHECK(status.error_message() == "unknown model \"stats\"");
  inference::ModelStatisticsRequest all;
  inference::ModelStatisticsResponse statistics;
  grpc::ClientContext another;
  CHECK(running.stub->ModelStatistics(&another, all, &statistics).ok());  // what has that address is there
}

TEST_CASE("gRPC: errors have the code of their HTTP status, and its text") {
  Running running({.limits = {.rows = 4}});
  ModelInferResponse answer;
  const auto status = [&](const ModelInferRequest& request) { return running.infer(request, answer); };
  CHECK(status({}).error_code() == StatusCode::INVALID_ARGUMENT);
  ModelInferRequest unknown = affine_request({1, 2}, true);
  unknown.set_model_name("a/../{b}");
  CHECK(status(unknown).error_code() == StatusCode::INVALID_ARGUMENT);
  unknown.set_model_name("none");
  CHECK(status(unknown).error_code() == StatusCode::NOT_FOUND);
  unknown.set_model_name(std::string(10'000, 'a'));  // 414: too long a path
  CHECK(status(unknown).error_code() == StatusCode::INVALID_ARGUMENT);
  const grpc::Status wrong = status(affine_request({1, 2, 3}, true));
  CHECK(wrong.error_code() == StatusCode::INVALID_ARGUMENT);
  CHECK_THAT(wrong.error_message(), ContainsSubstring("expected a binary_data_size of 8"));
  CHECK(status(affine_request(std::vector<float>(10), true)).error_code() == StatusCode::RESOURCE_EXHAUSTED);

  ModelInferRequest both = affine_request({1, 2}, true);
  both.mutable_inputs(0)->mutable_contents()->add_fp32_contents(1);
  CHECK(status(both).error_code() == StatusCode::INVALID_ARGUMENT);
  ModelInferRequest two = affine_request({1, 2}, true);
  two.add_raw_input_contents("x");
  CHECK(status(two).error_code() == StatusCode::INVALID_ARGUMENT);

  ModelInferRequest shared = affine_request({1, 2}, false);
  (*shared.mutable_inputs(0)->mutable_parameters())["shared_memory_region"].set_string_param("x");
  CHECK(status(shared).error_code() == StatusCode::UNIMPLEMENTED);
  CHECK(serve::status_of({.status = 499}).error_code() == StatusCode::CANCELLED);
  // What says how bytes lie is not the client's to say here.
  ModelInferRequest harmless = affine_request({1, 2}, true);
  (*harmless.mutable_parameters())["binary_data_output"].set_bool_param(false);
  (*harmless.mutable_parameters())["priority"].set_uint64_param(3);
  (*harmless.mutable_parameters())["share"].set_double_param(0.5);
  (*harmless.mutable_parameters())["nothing"];
  (*harmless.mutable_inputs(0)->mutable_parameters())["binary_data_size"].set_int64_param(3);
  CHECK(status(harmless).ok());
}

namespace {

// What grpc.health.v1.Health says of the whole server: 1 for SERVING, 2 for NOT_SERVING; 0 where there is no answer.
int health_of(const serve::GrpcServer& server) {
  grpc::GenericStub stub(
      grpc::CreateChannel(fmt::format("127.0.0.1:{}", server.port()), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + 20s);
  grpc::CompletionQueue queue;
  grpc::Slice nothing{std::string()};
  const auto call =
      stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::ByteBuffer(&nothing, 1), &queue);
  call->StartCall();
  grpc::ByteBuffer answer;
  grpc::Status status;
  call->Finish(&answer, &status, nullptr);
  void* tag = nullptr;
  bool is_good = false;
  queue.Next(&tag, &is_good);
  grpc::Slice bytes;
  if (!status.ok() || !answer.DumpToSingleSlice(&bytes).ok() || bytes.size() != 2) return 0;
  return bytes.begin()[1];  // after the field's number
}

}  // namespace

TEST_CASE("gRPC: health says whether all models that are required answer, and ends with the server") {
  serve::Repository repository({.models = {{"needed", {.is_required = true}}}});
  serve::Server server(repository, {.port = 0});
  serve::GrpcServer grpc(server, 0);
  CHECK(health_of(grpc) == 2);
  repository.publish("needed", 1, affine());
  CHECK(server.is_ready());
  CHECK(wait_until([&] { return health_of(grpc) == 1; }));
  repository.unload("needed");
  CHECK(wait_until([&] { return health_of(grpc) == 2; }));
  repository.publish("needed", 2, affine());  // it stays unloaded
  CHECK_FALSE(server.is_ready());
  serve::Repository other(serve::RepositoryOptions{});
  serve::Server ready(other, {.port = 0});
  serve::GrpcServer ending(ready, 0);
  CHECK(health_of(ending) == 1);
  ending.set_not_ready();
  CHECK(health_of(ending) == 2);
}

TEST_CASE("gRPC: health and metadata") {
  Running running;
  const auto context = [] {
    auto made = std::make_unique<grpc::ClientContext>();
    made->set_deadline(std::chrono::system_clock::now() + 20s);
    return made;
  };
  inference::ServerLiveResponse live;
  CHECK(running.stub->ServerLive(context().get(), {}, &live).ok());
  CHECK(live.live());
  inference::ServerMetadataResponse server;
  CHECK(running.stub->ServerMetadata(context().get(), {}, &server).ok());
  CHECK(server.name() == "maas-server");
  CHECK(server.extensions_size() >= 1);
  inference::ModelMetadataRequest named;
  named.set_name("joined");
  inference::ModelMetadataResponse model;
  CHECK(running.stub->ModelMetadata(context().get(), named, &model).ok());
  CHECK(model.versions(0) == "7");
  REQUIRE(model.inputs_size() == 2);
  CHECK(model.inputs(0).name() == "a");
  CHECK(model.inputs(0).shape(0) == -1);
  CHECK(model.inputs(0).shape(1) == 2);
  CHECK(model.outputs(1).name() == "pair");
  named.set_name("none");
  CHECK(running.stub->ModelMetadata(context().get(), named, &model).error_code() == StatusCode::NOT_FOUND);

  inference::ModelReadyRequest asked;
  inference::ModelReadyResponse ready;
  asked.set_name("joined");
  CHECK(running.stub->ModelReady(context().get(), asked, &ready).ok());
  CHECK(ready.ready());
  asked.set_version("8");
  CHECK(running.stub->ModelReady(context().get(), asked, &ready).ok());
  CHECK_FALSE(ready.ready());

  inference::ServerReadyResponse all;
  CHECK(running.stub->ServerReady(context().get(), {}, &all).ok());
  CHECK(all.ready());
  running.server.set_not_ready();
  CHECK(running.stub->ServerReady(context().get(), {}, &all).ok());
  CHECK_FALSE(all.ready());
}

TEST_CASE("gRPC: statistics and the repository") {
  Running running({.open_admin = true});
  ModelInferResponse answer;
  REQUIRE(running.infer(affine_request({1, 2, 3, 4}, true), answer).ok());
  inference::ModelStatisticsRequest of_model;
  of_model.set_name("affine");
  inference::ModelStatisticsResponse found;
  grpc::ClientContext first, second, third, fourth;
  REQUIRE(running.stub->ModelStatistics(&first, of_model, &found).ok());
  REQUIRE(found.model_stats_size() == 1);
  const inference::ModelStatistics& statistics = found.model_stats(0);
  CHECK(statistics.version() == "1");
  CHECK(statistics.inference_count() == 2);
  CHECK(statistics.execution_count() == 1);
  CHECK(statistics.last_inference() > 0);
  CHECK(statistics.inference_stats().success().count() == 1);
  CHECK(statistics.inference_stats().success().ns() > 0);
  REQUIRE(statistics.batch_stats_size() == 1);
  CHECK(statistics.batch_stats(0).batch_size() == 2);
  CHECK(statistics.batch_stats(0).compute_input().ns() == statistics.inference_stats().compute_input().ns());
  CHECK(statistics.batch_stats(0).compute_output().ns() == statistics.inference_stats().compute_output().ns());

  inference::RepositoryIndexRequest all;
  inference::RepositoryIndexResponse index;
  REQUIRE(running.stub->RepositoryIndex(&second, all, &index).ok());
  REQUIRE(index.models_size() == 3);
  CHECK(index.models(2).name() == "joined");
  CHECK(index.models(2).version() == "7");
  CHECK(index.models(2).state() == "READY");
  all.set_repository_name("another");
  CHECK(running.stub->RepositoryIndex(&third, all, &index).error_code() == StatusCode::INVALID_ARGUMENT);
  inference::RepositoryModelUnloadRequest unload;
  inference::RepositoryModelUnloadResponse unloaded;
  unload.set_model_name("affine");
  CHECK(running.stub->RepositoryModelUnload(&fourth, unload, &unloaded).ok());
  CHECK(running.infer(affine_request({1, 2}, true), answer).error_code() == StatusCode::NOT_FOUND);

  Running closed;
  all.set_repository_name("");
  grpc::ClientContext fifth, sixth;
  CHECK(closed.stub->RepositoryIndex(&fifth, all, &index).ok());  // changes nothing
  CHECK(closed.stub->RepositoryModelUnload(&sixth, unload, &unloaded).error_code() == StatusCode::UNIMPLEMENTED);
  CHECK(closed.infer(affine_request({1, 2}, true), answer).ok());
}

TEST_CASE("gRPC: the index tells of a version that answers no more and is held by a call") {
  Running running({.open_admin = true, .threads = 1});
  ModelInferRequest request;
  request.set_model_name("gated");
  add_input(request, "x", {1, 1}).mutable_contents()->add_fp32_contents(1);
  ModelInferResponse answer;
  const auto told = [&] {
    grpc::ClientContext context;
    inference::RepositoryIndexResponse index;
    std::string states;
    if (running.stub->RepositoryIndex(&context, {}, &index).ok())
      for (const auto& model : index.models())
        if (model.name() == "gated") states += model.version() + " " + model.state() + "; ";
    return states;
  };
  grpc::Status status(StatusCode::UNKNOWN, "");
  std::thread caller;
  {
    const ClosedGate closed;
    caller = std::thread([&] { status = running.infer(request, answer); });
    gate.wait_for(1);
    running.repository.publish("gated", 2, Network{input(Shape{1}, "x"), dense(1)});
    CHECK(told() == "2 READY; 1 UNLOADING; ");
  }
  caller.join();
  CHECK(status.ok());
  CHECK(answer.model_version() == "1");
  CHECK(wait_until([&] { return told() == "2 READY; "; }));
}

TEST_CASE("gRPC: a token is asked for, but not for health") {
  Running running({.token = "secret"});
  ModelInferResponse answer;
  const ModelInferRequest request = affine_request({1, 2}, true);
  CHECK(running.infer(request, answer).error_code() == StatusCode::UNAUTHENTICATED);
  CHECK(running.infer(request, answer, "another").error_code() == StatusCode::UNAUTHENTICATED);
  CHECK(running.infer(request, answer, "secret").ok());
  grpc::ClientContext context;
  inference::ServerLiveResponse live;
  CHECK(running.stub->ServerLive(&context, {}, &live).ok());
  CHECK(live.live());
}

TEST_CASE("gRPC: where health needs a token, who asks without one is told that, and nothing of health") {
  Running running({.token = "secret", .closed_health = true});
  for (const bool has_token : {false, true}) {
    grpc::ClientContext first, second;
    if (has_token) first.AddMetadata("authorization", "Bearer secret");
    if (has_token) second.AddMetadata("authorization", "Bearer secret");
    inference::ServerLiveResponse live;
    inference::ServerReadyResponse ready;
    const StatusCode expected = has_token ? StatusCode::OK : StatusCode::UNAUTHENTICATED;
    CHECK(running.stub->ServerLive(&first, {}, &live).error_code() == expected);
    CHECK(running.stub->ServerReady(&second, {}, &ready).error_code() == expected);
    CHECK(live.live() == has_token);
    CHECK(ready.ready() == has_token);
  }
}

TEST_CASE("gRPC: predictions wait in the server's queue, and are counted with the others") {
  Running running({.threads = 1, .queue = 1});
  const ClosedGate closed;
  const int port = running.server.port();
  HttpClient first(port), second(port);
  const std::string ask = post_text("/v1/models/gated:predict", R"({"instances": [1]})");
  first.send(ask);
  gate.wait_for(1);
  second.send(ask);
  const auto metrics = [&] { return HttpClient(port).ask("GET", "/metrics").body; };
  CHECK(metric_reaches(port, "maas_queue_requests 1"));
  ModelInferResponse answer;
  CHECK(running.infer(affine_request({1, 2}, true), answer).error_code() == StatusCode::UNAVAILABLE);
  gate.open();
  CHECK(first.read().status == 200);
  CHECK(second.read().status == 200);
  CHECK(running.infer(affine_request({1, 2}, true), answer).ok());
  CHECK_THAT(metrics(), ContainsSubstring(R"(maas_requests_total{api="v2",model="affine",version="1",code="200"} 1)"));
}

TEST_CASE("gRPC: what calls hold is among the held bytes, and a model has its share of the queue") {
  Running running({.threads = 1, .model_queue = 1, .held_bytes = 50000});
  const int port = running.server.port();
  const auto reaches = [&](const std::string& line) { CHECK(metric_reaches(port, line)); };
  ModelInferRequest request;
  request.set_model_name("gated");
  request.set_id(std::string(30000, 'x'));  // more than half of what may be held; answers of /metrics fit beside it
  add_input(request, "x", {1, 1}).mutable_contents()->add_fp32_contents(1);
  grpc::Status first(StatusCode::UNKNOWN, ""), second = first;
  ModelInferResponse answer, answers[2];
  std::thread working, waiting;
  {
    const ClosedGate closed;
    working = std::thread([&] { first = running.infer(request, answers[0]); });
    gate.wait_for(1);
    const grpc::Status refused = running.infer(request, answer);
    CHECK(refused.error_code() == StatusCode::UNAVAILABLE);
    CHECK_THAT(refused.error_message(), ContainsSubstring("too many bytes"));
    CHECK(HttpClient(port)
              .ask("POST", "/v1/models/affine:predict", R"({"instances": [[1, 2]]})" + std::string(30000, ' '))
              .status == 503);
    reaches(R"(maas_rejected_total{reason="bytes"} 2)");
    request.set_id("");
    waiting = std::thread([&] { second = running.infer(request, answers[1]); });
    reaches("maas_queue_requests 1");
    CHECK(running.infer(request, answer).error_code() == StatusCode::RESOURCE_EXHAUSTED);
    reaches(R"(maas_rejected_total{reason="model_queue"} 1)");
  }
  working.join();
  waiting.join();
  CHECK(first.ok());
  CHECK(second.ok());
  request.set_id(std::string(30000, 'x'));
  CHECK(running.infer(request, answer).ok());
}

namespace {

// A call that its client cancels.
class Cancelled {
 public:
  Cancelled(Running& running, const ModelInferRequest& request)
      : running_(running), caller_([this, request] {
          ModelInferResponse answer;
          status_ = running_.stub->ModelInfer(&context_, request, &answer);
        }) {}
  Cancelled(const Cancelled&) = delete;
  Cancelled& operator=(const Cancelled&) = delete;
  ~Cancelled() {
    if (caller_.joinable()) caller_.join();
  }

  // The server has read of it by the end: what the connection carries is read in order.
  void cancel() {
    context_.TryCancel();
    caller_.join();
    CHECK(status_.error_code() == StatusCode::CANCELLED);
    for (int i = 0; i < 2; ++i) {
      grpc::ClientContext context;
      inference::ServerLiveResponse live;
      CHECK(running_.stub->ServerLive(&context, {}, &live).ok());
    }
  }

 private:
  Running& running_;
  grpc::ClientContext context_{};
  grpc::Status status_{StatusCode::UNKNOWN, ""};
  std::thread caller_;
};

ModelInferRequest gated_request() {
  ModelInferRequest request;
  request.set_model_name("gated");
  add_input(request, "x", {1, 1}).mutable_contents()->add_fp32_contents(1);
  return request;
}

}  // namespace

TEST_CASE("gRPC: a call that its client cancels while it waits is not run, and what it held is given back") {
  Running running({.threads = 1, .held_bytes = 100000});
  const int port = running.server.port();
  ModelInferRequest request = affine_request({1, 2}, true);
  request.set_id(std::string(60000, 'x'));  // more than half of what may be held
  ModelInferResponse answer, first;
  grpc::Status worked(StatusCode::UNKNOWN, "");
  std::thread working;
  {
    const ClosedGate closed;
    working = std::thread([&] { worked = running.infer(gated_request(), first); });
    gate.wait_for(1);
    Cancelled waiting(running, request);
    CHECK(metric_reaches(port, "maas_queue_requests 1"));
    CHECK(running.infer(request, answer).error_code() == StatusCode::UNAVAILABLE);
    waiting.cancel();
    CHECK(metric_reaches(port, R"(maas_rejected_total{reason="cancelled"} 0)"));
    CHECK(metric_reaches(port, "maas_queue_requests 1"));  // until a thread is free
  }
  working.join();
  CHECK(worked.ok());
  CHECK(metric_reaches(port, R"(maas_rejected_total{reason="cancelled"} 1)"));
  CHECK(metric_reaches(port, "maas_queue_requests 0"));
  CHECK(metric_reaches(port, R"(maas_requests_total{api="v2",model="affine",version="",code="499"} 1)"));
  const auto counts = [&] { return HttpClient(port).ask("GET", "/v2/models/affine/stats").body; };
  CHECK_THAT(counts(), ContainsSubstring(R"("inference_count":0,"execution_count":0,)"));
  CHECK_THAT(counts(), ContainsSubstring(R"("fail":{"count":1,)"));
  CHECK(wait_until([&] { return running.infer(request, answer).ok(); }));
  CHECK(floats_in(answer.raw_output_contents(0))[0] == 8.5F);
  CHECK_THAT(counts(), ContainsSubstring(R"("inference_count":1,"execution_count":1,)"));
}

TEST_CASE("gRPC: a call that runs when its client cancels it is finished") {
  Running running({.threads = 1});
  {
    const ClosedGate closed;
    Cancelled working(running, gated_request());
    gate.wait_for(1);
    working.cancel();
  }
  CHECK(
      metric_reaches(running.server.port(), R"(maas_requests_total{api="v2",model="gated",version="1",code="200"} 1)"));
  CHECK(metric_reaches(running.server.port(), R"(maas_rejected_total{reason="cancelled"} 0)"));
}

TEST_CASE("gRPC: many calls of which some are cancelled: the others get their own answers, and each is counted once") {
  Running running({.threads = 1});
  constexpr int calls = 12;
  std::vector<std::thread> callers;
  std::vector<std::unique_ptr<Cancelled>> cancelled;
  std::atomic<int> right{0};
  {
    const ClosedGate closed;
    callers.emplace_back([&] {
      ModelInferResponse answer;
      right += running.infer(gated_request(), answer).ok();
    });
    gate.wait_for(1);
    for (int i = 0; i < calls; ++i) {
      const auto x = static_cast<float>(i);
      callers.emplace_back([&, x] {
        ModelInferResponse answer;
        right += running.infer(affine_request({x, 1}, true), answer).ok() &&
                 floats_in(answer.raw_output_contents(0))[0] == 2 * x + 3.5F;
      });
      cancelled.push_back(std::make_unique<Cancelled>(running, affine_request({x, 2}, true)));
    }
    CHECK(metric_reaches(running.server.port(), fmt::format("maas_queue_requests {}", 2 * calls)));
    for (const auto& each : cancelled) each->cancel();
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(right == 1 + calls);
  const int port = running.server.port();
  CHECK(metric_reaches(port, fmt::format(R"(maas_rejected_total{{reason="cancelled"}} {})", calls)));
  CHECK(metric_reaches(port, fmt::format(R"(maas_inferences_total{{model="affine",version="1"}} {})", calls)));
}

TEST_CASE("gRPC: a load brings a file along") {
  fresh_folder("grpc_uploads");
  write_keras("grpc_given.h5", {.network = affine(2)});
  serve::Repository repository({.folder = "grpc_uploads", .poll = 10ms});
  serve::Server server(repository, {.port = 0, .open_admin = true, .allow_upload = true});
  serve::GrpcServer service(server, 0);
  const auto stub = inference::GRPCInferenceService::NewStub(
      grpc::CreateChannel(fmt::format("127.0.0.1:{}", service.port()), grpc::InsecureChannelCredentials()));
  inference::RepositoryModelLoadRequest load;
  load.set_model_name("given");
  (*load.mutable_parameters())["config"].set_string_param("{}");
  (*load.mutable_parameters())["file:4/model.h5"].set_bytes_param(content("grpc_given.h5"));
  inference::RepositoryModelLoadResponse loaded;
  grpc::ClientContext first, second;
  CHECK(stub->RepositoryModelLoad(&first, load, &loaded).ok());
  CHECK(repository.find("given")->version == 4);
  CHECK(repository.find("given")->network.predict(Matrix::Ones(1, 2))(0, 0) == Scalar(10.5));
  CHECK(stub->RepositoryModelLoad(&second, load, &loaded).error_code() == StatusCode::ABORTED);  // it is there
}

TEST_CASE("gRPC: many callers at once get their own answers") {
  Running running({.threads = 2});
  std::vector<std::thread> callers;
  std::atomic<int> right{0};
  for (int caller = 0; caller < 8; ++caller)
    callers.emplace_back([&, caller] {
      for (int i = 0; i < 50; ++i) {
        ModelInferResponse answer;
        const auto a = static_cast<float>(caller), b = static_cast<float>(i);
        if (!running.infer(affine_request({a, b}, i % 2 == 0), answer).ok()) continue;
        const float y =
            i % 2 == 0 ? floats_in(answer.raw_output_contents(0))[0] : answer.outputs(0).contents().fp32_contents(0);
        right += y == 2 * a + 3 * b + 0.5F;
      }
    });
  for (std::thread& caller : callers) caller.join();
  CHECK(right == 400);
}

TEST_CASE("gRPC: a stop answers what runs, and then nothing") {
  Running running({.threads = 1});
  ModelInferRequest request;
  request.set_model_name("gated");
  add_input(request, "x", {1, 1}).mutable_contents()->add_fp32_contents(1);
  grpc::Status status(StatusCode::UNKNOWN, "");
  ModelInferResponse answer;
  std::thread caller, stopping;
  {
    const ClosedGate closed;
    caller = std::thread([&] { status = running.infer(request, answer); });
    gate.wait_for(1);
    stopping = std::thread([&] { running.grpc.stop(20s); });
    std::this_thread::sleep_for(100ms);
  }
  caller.join();
  stopping.join();
  CHECK(status.ok());
  ModelInferResponse late;
  CHECK(running.infer(affine_request({1, 2}, true), late).error_code() == StatusCode::UNAVAILABLE);
  running.grpc.stop();
}

TEST_CASE("gRPC: a port that is taken is an error") {
  Running running;
  CHECK_THROWS_AS(serve::GrpcServer(running.server, running.grpc.port()), ConfigError);
  CHECK_THROWS_AS(serve::GrpcServer(running.server, 65536), ConfigError);
}

TEST_CASE("gRPC: a message over the limit of bodies is refused") {
  Running running;
  ModelInferRequest request = affine_request({1, 2}, true);
  request.set_id(std::string(64 << 20, 'x'));
  ModelInferResponse answer;
  const grpc::Status over = running.infer(request, answer);
  CHECK(over.error_code() == StatusCode::RESOURCE_EXHAUSTED);
  CHECK_THAT(over.error_message(), ContainsSubstring("67108864"));

  Running small({.limits = {.body_bytes = 1000}});
  request = affine_request({1, 2}, true);
  // Filled up with a field that nobody reads.
  std::string& unread = *request.GetReflection()->MutableUnknownFields(&request)->AddLengthDelimited(100);
  unread.resize(1000 - request.ByteSizeLong() - 1);  // its length is one byte longer then
  REQUIRE(request.ByteSizeLong() == 1000);
  CHECK(small.infer(request, answer).ok());
  unread += 'x';
  CHECK(small.infer(request, answer).error_code() == StatusCode::RESOURCE_EXHAUSTED);
}

TEST_CASE("gRPC: mutated messages become a prediction or a refusal") {
  serve::Repository repository{serve::RepositoryOptions{}};
  Running::published(repository);
  serve::Protocol protocol(repository, {});
  ModelInferRequest both;
  both.set_model_name("joined");
  both.set_id("7");
  (*both.mutable_parameters())["timeout"].set_int64_param(1000000);
  add_input(both, "a", {1, 2}, "INT32").mutable_contents()->add_int_contents(1);
  both.mutable_inputs(0)->mutable_contents()->add_int_contents(2);
  add_input(both, "b", {1, 1}, "BOOL").mutable_contents()->add_bool_contents(true);
  both.add_outputs()->set_name("pair");
  const std::vector<std::string> from{affine_request({1, 2, 3, 4}, true).SerializeAsString(),
                                      affine_request({1, 2, 3, 4}, false).SerializeAsString(),
                                      both.SerializeAsString()};
  std::uint64_t answered = 0, refused = 0, unread = 0;
#if GOOGLE_PROTOBUF_VERSION < 4022000
  const google::protobuf::LogSilencer silencer;  // it tells of each text that is not UTF-8
#endif
  Rounds rounds{std::chrono::duration<double>(MAAS_SERVE_FUZZ_SECONDS / 5.0)};
  for (; rounds.go_on(); ++rounds.count) {
    Draws draw = rounds.draws();
    std::string bytes = from[draw.below(from.size())];
    for (std::size_t i = draw.below(4); i > 0; --i) mutate(bytes, draw);
    ModelInferRequest message;
    if (!message.ParseFromString(bytes)) {  // then gRPC refuses it itself
      ++unread;
      continue;
    }
    try {
      const serve::Response answer = protocol.answer(serve::infer_request(message, std::nullopt));
      ModelInferResponse out;
      if (answer.status == 200) serve::read_infer_answer(answer, message.raw_input_contents_size() > 0, out);
      ++(answer.status == 200 ? answered : refused);
      if (answer.status == 500) FAIL("input " << rounds.count << " of seed " << rounds.seed << ": " << answer.body);
    } catch (const DataError&) {
      ++refused;
    }
  }
  std::cout << fmt::format("{} answered, {} refused, {} no messages\n", answered, refused, unread);
  CHECK(answered > 0);
  CHECK(refused > 0);
  CHECK(rounds.has_moved());
}
