#include "maas/serve/grpc.hpp"

#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>

#include "inference.grpc.pb.h"
#include "maas/core/read_file.hpp"
#include "serve/grpc/messages.hpp"
#include "serve/names.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

using grpc::ServerContext;
using grpc::Status;

class Service final : public inference::GRPCInferenceService::Service {
 public:
  explicit Service(Server& server) : server_(server) {}

 private:
  Status ServerLive(ServerContext* context, const inference::ServerLiveRequest*,
                    inference::ServerLiveResponse* out) override {
    return guarded([&] {
      const Response answer = get(*context, "/v2/health/live");
      out->set_live(answer.status == 200);
      return is_refused(answer) ? status_of(answer) : Status::OK;
    });
  }

  Status ServerReady(ServerContext* context, const inference::ServerReadyRequest*,
                     inference::ServerReadyResponse* out) override {
    return guarded([&] {
      const Response answer = get(*context, "/v2/health/ready");
      out->set_ready(answer.status == 200);
      return is_refused(answer) ? status_of(answer) : Status::OK;
    });
  }

  // That a model is unknown is no error to who asks whether it is ready.
  Status ModelReady(ServerContext* context, const inference::ModelReadyRequest* in,
                    inference::ModelReadyResponse* out) override {
    return guarded([&] {
      const Response answer = get(*context, model_path(in->name(), in->version(), "/ready"));
      out->set_ready(answer.status == 200);
      return answer.status == 404 || answer.status == 503 ? Status::OK : status_of(answer);
    });
  }

  Status ServerMetadata(ServerContext* context, const inference::ServerMetadataRequest*,
                        inference::ServerMetadataResponse* out) override {
    return guarded([&] {
      const Response answer = get(*context, "/v2");
      if (answer.status == 200) read_server(answer, *out);
      return status_of(answer);
    });
  }

  Status ModelMetadata(ServerContext* context, const inference::ModelMetadataRequest* in,
                       inference::ModelMetadataResponse* out) override {
    return guarded([&] {
      const Response answer = get(*context, model_path(in->name(), in->version()));
      if (answer.status == 200) read_model(answer, *out);
      return status_of(answer);
    });
  }

  Status ModelInfer(ServerContext* context, const inference::ModelInferRequest* in,
                    inference::ModelInferResponse* out) override {
    return guarded([&] {
      const Response answer = ask(*context, infer_request(*in, time_left(*context)));
      if (answer.status == 200) read_infer_answer(answer, in->raw_input_contents_size() > 0, *out);
      return status_of(answer);
    });
  }

  Status ModelStatistics(ServerContext* context, const inference::ModelStatisticsRequest* in,
                         inference::ModelStatisticsResponse* out) override {
    return guarded([&] {
      const Response answer =
          get(*context, in->name().empty() ? "/v2/models/stats" : model_path(in->name(), in->version(), "/stats"));
      if (answer.status == 200) read_statistics(answer, *out);
      return status_of(answer);
    });
  }

  Status RepositoryIndex(ServerContext* context, const inference::RepositoryIndexRequest* in,
                         inference::RepositoryIndexResponse* out) override {
    return guarded([&] {
      const Response answer = ask(*context, {.method = "POST",
                                             .path = repository_path(in->repository_name()) + "index",
                                             .body = in->ready() ? R"({"ready":true})" : ""});
      if (answer.status == 200) read_index(answer, *out);
      return status_of(answer);
    });
  }

  Status RepositoryModelLoad(ServerContext* context, const inference::RepositoryModelLoadRequest* in,
                             inference::RepositoryModelLoadResponse*) override {
    return change(*context, *in, "/load");
  }

  Status RepositoryModelUnload(ServerContext* context, const inference::RepositoryModelUnloadRequest* in,
                               inference::RepositoryModelUnloadResponse*) override {
    return change(*context, *in, "/unload");
  }

  template <class Message>
  Status change(const ServerContext& context, const Message& in, std::string_view what) const {
    return guarded([&] {
      std::string path = repository_path(in.repository_name()) + "models/" + escaped(in.model_name());
      return status_of(ask(context, repository_request(path.append(what), in.parameters())));
    });
  }

  static std::string repository_path(const std::string& name) {
    require<DataError>(name.empty(), "repository: expected no name, since there is one, got \"{}\"", name);
    return "/v2/repository/";
  }

  // Health is told without a token, unless the server wants one; that it does is no word about health.
  static bool is_refused(const Response& answer) { return answer.status == 401 || answer.status == 403; }

  // No exception may pass through the library.
  template <class Work>
  static Status guarded(const Work& work) {
    try {
      return work();
    } catch (const DataError& error) {
      return {grpc::StatusCode::INVALID_ARGUMENT, error.what()};
    } catch (const std::exception& error) {
      return {grpc::StatusCode::INTERNAL, error.what()};
    }
  }

  Response get(const ServerContext& context, std::string path) const { return ask(context, {.path = std::move(path)}); }

  // Paths are the server's own, below its base path as for everybody. The library lets any thread ask whether a call
  // was cancelled.
  Response ask(const ServerContext& context, Request request) const {
    add_token(context, request);
    request.path.insert(0, server_.options().base_path);
    return server_.answer(std::move(request), [&context] { return context.IsCancelled(); });
  }

  static void add_token(const ServerContext& context, Request& request) {
    const auto found = context.client_metadata().find("authorization");
    if (found != context.client_metadata().end())
      request.headers.emplace_back("Authorization", std::string(found->second.data(), found->second.size()));
  }

  static std::optional<std::chrono::milliseconds> time_left(const ServerContext& context) {
    const auto deadline = context.deadline();
    if (deadline == std::chrono::system_clock::time_point::max()) return std::nullopt;
    return std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::system_clock::now());
  }

  Server& server_;
};

// "127.0.0.1:9000", "[::1]:9000".
std::string address_of(const ServerOptions& options, int port) {
  const bool is_ipv6 = options.address.find(':') != std::string::npos;
  return is_ipv6 ? fmt::format("[{}]:{}", options.address, port) : fmt::format("{}:{}", options.address, port);
}

// The same certificate as for HTTP.
std::shared_ptr<grpc::ServerCredentials> credentials_of(const ServerOptions& options) {
  if (options.certificate_file.empty()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions tls;
  tls.pem_key_cert_pairs.push_back({read_file(options.key_file), read_file(options.certificate_file)});
  return grpc::SslServerCredentials(tls);
}

}  // namespace

class GrpcServer::Running {
 public:
  Running(Server& server, int port) : served_(server), service_(server) {
    require<ConfigError>(port >= 0 && port <= 65535, "gRPC: expected a port from 0 to 65535, got {}", port);
    const ServerOptions& options = server.options();
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address_of(options, port), credentials_of(options), &port_);
    builder.RegisterService(&service_);
    builder.SetMaxReceiveMessageSize(static_cast<int>(std::min<std::size_t>(options.limits.body_bytes, 1 << 30)));
    // Two servers on one port would share its calls without anyone knowing.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 1024);
    builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, static_cast<int>(options.header_bytes));
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS,
                               static_cast<int>(std::chrono::milliseconds(options.idle).count()));
    // A call holds a thread while it waits in the server's queue, which is what bounds the work.
    grpc::ResourceQuota quota;
    quota.SetMaxThreads(most_threads);
    builder.SetResourceQuota(quota);
    server_ = builder.BuildAndStart();
    require<ConfigError>(server_ != nullptr && port_ != 0, "gRPC: cannot listen on {} port {}{}", options.address, port,
                         options.certificate_file.empty() ? "" : ", or certificate and key are no pair in PEM form");
    tell_health();
    watcher_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
  }
  ~Running() { stop(std::chrono::seconds(1)); }

  int port() const { return port_; }

  void set_not_ready() {
    {
      const std::lock_guard lock(telling_);
      is_ending_ = true;
    }
    tell_health();
  }

  void stop(std::chrono::milliseconds most) {
    const std::lock_guard one_at_a_time(stopping_);
    if (stopped_) return;
    stopped_ = true;
    set_not_ready();
    watcher_ = {};  // ends
    server_->Shutdown(std::chrono::system_clock::now() + most);
    server_->Wait();
  }

 private:
  static constexpr int most_threads = 256;

  // The health service says what it was told last, and tells all who watch it: it is told what has changed.
  void tell_health() {
    const std::lock_guard lock(telling_);
    const bool is_ready = !is_ending_ && served_.is_ready();
    if (is_ready == told_) return;
    server_->GetHealthCheckService()->SetServingStatus(is_ready);
    told_ = is_ready;
  }

  // Models that are required come and go.
  void watch(const std::stop_token& stop) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any wake;
    while (wake.wait_for(lock, stop, std::chrono::milliseconds(200), [] { return false; }), !stop.stop_requested()) {
      try {
        tell_health();
      } catch (const std::bad_alloc&) {  // told the next time
      }
    }
  }

  Server& served_;
  Service service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_{};
  std::mutex stopping_{};
  bool stopped_ = false;
  std::mutex telling_{};  // guards what follows
  bool is_ending_ = false, told_ = true;
  std::jthread watcher_{};
};

GrpcServer::GrpcServer(Server& server, int port) : running_(std::make_unique<Running>(server, port)) {}
GrpcServer::~GrpcServer() = default;

int GrpcServer::port() const { return running_->port(); }
void GrpcServer::set_not_ready() { running_->set_not_ready(); }
void GrpcServer::stop(std::chrono::milliseconds most) { running_->stop(most); }

}  // namespace maas::inline MAAS_ABI::serve
