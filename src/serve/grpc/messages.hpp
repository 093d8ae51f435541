// Messages of gRPC as requests of the REST API, and its answers as messages.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <optional>

#include "inference.pb.h"
#include "maas/serve/protocol.hpp"

namespace maas::inline MAAS_ABI::serve {

/// "/v2/models/NAME[/versions/VERSION]" and what follows; an empty version is none.
std::string model_path(const std::string& name, const std::string& version, std::string_view rest = "");

/// The same prediction as a request with binary tensors where the message has raw contents, else with JSON; the answer
/// is to be binary. `time`, if any, is what the caller still waits. Throws DataError for what has no like.
Request infer_request(const inference::ModelInferRequest& message, std::optional<std::chrono::milliseconds> time);

using RepositoryParameters = google::protobuf::Map<std::string, inference::ModelRepositoryParameter>;

/// A load or unload as a request of `path`.
Request repository_request(std::string path, const RepositoryParameters& parameters);

/// Fills in what an answer with binary tensors says, raw or by type.
void read_infer_answer(const Response& answer, bool raw, inference::ModelInferResponse& message);
void read_model(const Response& answer, inference::ModelMetadataResponse& message);
void read_server(const Response& answer, inference::ServerMetadataResponse& message);
void read_statistics(const Response& answer, inference::ModelStatisticsResponse& message);
void read_index(const Response& answer, inference::RepositoryIndexResponse& message);

/// OK for 200, else the code of the status and the text of the error.
grpc::Status status_of(const Response& answer);

}  // namespace maas::inline MAAS_ABI::serve
