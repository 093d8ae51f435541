// gRPC: the Open Inference Protocol's service beside the REST API.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "maas/core/scalar.hpp"
#include "maas/serve/server.hpp"

namespace maas::inline MAAS_ABI::serve {

/// `inference.GRPCInferenceService` (live, ready, metadata, ModelInfer, ModelStatistics, RepositoryIndex,
/// RepositoryModelLoad, RepositoryModelUnload) and `grpc.health.v1.Health`, in front of a server: every call becomes
/// the request of its REST API, so that answers, limits, tokens, queue and metrics are the same. Tensors may come as
/// raw contents or by type, and go back the same way. A deadline of the call is one of the request; a call that its
/// client has cancelled by the time a thread takes it up is not run (see Server::answer). Status codes are
/// those of the REST statuses: 401 UNAUTHENTICATED, 403 PERMISSION_DENIED, 404 NOT_FOUND, 409 ABORTED, 413 and 429
/// RESOURCE_EXHAUSTED, 499 CANCELLED, 400 and others of the client's INVALID_ARGUMENT, 501 UNIMPLEMENTED, 503
/// UNAVAILABLE, 504 DEADLINE_EXCEEDED, others INTERNAL.
/// With TLS where the server has it, by the same certificate. Needs `maas::serve_grpc` to link (option
/// `MAAS_BUILD_GRPC`).
class GrpcServer {
 public:
  /// Listens on the server's address, at `port`; 0 is any that is free. The server must outlive it. Throws ConfigError
  /// where it cannot listen, FormatError for a certificate or key that cannot be read.
  GrpcServer(Server& server, int port);
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;
  /// Stops.
  ~GrpcServer();

  /// The port it listens on.
  int port() const;
  /// Makes health checks say NOT_SERVING, while all is still answered: the first step of a drain.
  void set_not_ready();
  /// Takes no more calls and waits for those that run, at most so long; what runs then is cancelled. Calls after the
  /// first do nothing.
  void stop(std::chrono::milliseconds most = std::chrono::seconds{25});

 private:
  class Running;
  std::unique_ptr<Running> running_;
};

}  // namespace maas::inline MAAS_ABI::serve
