// A prediction as all protocols have it: tensors in, tensors out.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "maas/serve/protocol.hpp"
#include "maas/serve/repository.hpp"
#include "serve/json.hpp"
#include "serve/metrics.hpp"
#include "serve/route.hpp"

namespace maas::inline MAAS_ABI::serve {

/// What a protocol needs to answer.
struct Context {
  const Repository& repository;
  const Limits& limits;
  Metrics& metrics;
};

/// The version that a route names. Throws StatusError: 404 for an unknown model or version, 503 for one that is known
/// and not ready.
std::shared_ptr<const Servable> servable_of(const Repository& repository, const Route& route);

/// The input's or output's place among `tensors`; -1 for an unknown name.
Index place_of(const std::vector<TensorInfo>& tensors, std::string_view name);
/// "a", "b": for errors that say what there is.
std::string names_of(const std::vector<TensorInfo>& tensors);
/// The batch axis and the sample's, as people write them: "[n, 12, 4]".
std::string shape_text(const Shape& sample);
std::string shape_text(std::span<const Index> lengths);

/// Checks a tensor against an input, batch axis included, and makes a matrix of it. Throws ShapeError; StatusError 413
/// for too many samples.
Matrix samples_of(const TensorInfo& input, JsonTensor tensor, const Limits& limits);

/// When a request that names no time of its own comes too late.
std::chrono::steady_clock::time_point deadline_of(const Request& request, const Limits& limits);
/// Throws StatusError 504 after the deadline.
void check_deadline(std::chrono::steady_clock::time_point deadline);

/// Runs the network and counts it. Throws ShapeError where inputs have different numbers of samples; StatusError 413
/// for outputs over the limit, 504 after the deadline.
std::vector<Matrix> predict(const Context& context, const Servable& servable, const std::vector<Matrix>& inputs,
                            std::chrono::steady_clock::time_point deadline);

/// Throws StatusError 415 for a body that is compressed.
void require_plain(const Request& request);

/// TensorFlow Serving's answers (tfs.cpp).
Response v1_list(const Context& context);
Response v1_status(const Context& context, const Route& route);
Response v1_metadata(const Context& context, const Route& route);
Response v1_predict(const Context& context, const Route& route, const Request& request);

/// The Open Inference Protocol's (oip.cpp).
Response v2_server();
Response v2_list(const Context& context);
Response v2_model(const Context& context, const Route& route);
Response v2_model_ready(const Context& context, const Route& route);
Response v2_infer(const Context& context, const Route& route, const Request& request);

}  // namespace maas::inline MAAS_ABI::serve
