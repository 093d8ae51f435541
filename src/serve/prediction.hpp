// A prediction as all protocols have it: tensors in, tensors out.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "maas/serve/protocol.hpp"
#include "maas/serve/repository.hpp"
#include "serve/infer_heads.hpp"
#include "serve/json.hpp"
#include "serve/metrics.hpp"
#include "serve/route.hpp"
#include "serve/statistics.hpp"
#include "serve/streams.hpp"

namespace maas::inline MAAS_ABI::serve {

class Jobs;

/// What a protocol needs to answer.
struct Context {
  const Repository& repository;
  const Limits& limits;
  const ProtocolOptions& options;  ///< these limits among them
  Metrics& metrics;
  Statistics& statistics;
  Streams& streams;
  InferHeads& heads;
  Jobs* jobs = nullptr;             ///< null where none are offered
  Repository* changer = nullptr;    ///< the same; null where it must not be changed
  VersionNumber* chosen = nullptr;  ///< where to say which version is to answer a prediction, as soon as it is known
  /// When this was made, which is when the work began: clocks are not read more often than they must be.
  std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now();
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

/// How many samples one request to a version may have.
inline Index most_rows(const Servable& servable, const Limits& limits) {
  return servable.serving.rows.value_or(limits.rows);
}

/// Checks a tensor against an input, batch axis included, and makes a matrix of it. Throws ShapeError; StatusError 413
/// for more than `most` samples.
Matrix samples_of(const TensorInfo& input, JsonTensor tensor, Index most, std::string_view kind = "input");

/// The inputs of a model, or its outputs, with the word for one of them.
struct Tensors {
  const std::vector<TensorInfo>& all;
  std::string_view kind;
  Index most_rows;                  ///< in one request
  bool passes_over_others = false;  ///< members that name none of them
};

/// Column form: all samples of the only tensor, or an object with those of each. Throws DataError, ShapeError,
/// StatusError 413.
std::vector<Matrix> columns_of(const Tensors& tensors, JsonView value, const Limits& limits);

/// When a request comes too late, by the server's limit or its own header X-Request-Timeout-Ms. Throws DataError for a
/// header that is no whole number of at least 1.
std::chrono::steady_clock::time_point deadline_of(const Request& request, const Limits& limits);
/// Throws StatusError 504 where the deadline was before `now`.
void check_deadline(std::chrono::steady_clock::time_point deadline, std::chrono::steady_clock::time_point now);

/// The version that answers a prediction: as above, or for its share the canary where none is named; and the shadow.
Repository::Choice chosen(const Context& context, const Route& route);

/// A prediction whose request has been read.
struct Asked {
  std::shared_ptr<const Servable> servable{};
  std::vector<Matrix> inputs{};
  std::chrono::steady_clock::time_point deadline{};
  std::function<Response(const std::vector<Matrix>& outputs)> answer{};
  /// Where there is nothing to run: the answer.
  std::optional<Response> ready{};
  std::shared_ptr<const Servable> shadow{};
  Durations durations{};
  std::chrono::steady_clock::time_point read_at{};  ///< when it had been read
  /// Whether drift has been told of the inputs: of those that are known, or of a stream's readings.
  bool is_counted = false;
};

/// Throws ShapeError where inputs have different numbers of samples; StatusError 413 for outputs over the limit.
void check_asked(const Asked& asked, const Limits& limits);

/// Runs the network of one prediction, and counts it; `start` is now.
std::vector<Matrix> run_alone(const Context& context, Asked& asked, std::chrono::steady_clock::time_point start);
/// Runs the network of predictions that all ask one version, as one batch, and counts it; `start` is now. Outputs of
/// each in order.
std::vector<std::vector<Matrix>> run_together(const Context& context, std::span<Asked* const> all,
                                              std::chrono::steady_clock::time_point start);

/// TensorFlow Serving's answers (tfs.cpp).
Response v1_list(const Context& context);
Response v1_status(const Context& context, const Route& route);
Response v1_metadata(const Context& context, const Route& route);
Asked v1_predict(const Context& context, const Route& route, const Request& request);

/// The Open Inference Protocol's (oip.cpp).
Response v2_server(bool has_repository);
Response v2_list(const Context& context);
Response v2_model(const Context& context, const Route& route);
Response v2_config(const Context& context, const Route& route);
Response v2_statistics(const Context& context, const Route& route);
Response v2_model_ready(const Context& context, const Route& route);
Asked v2_infer(const Context& context, const Route& route, const Request& request);

/// Changes of what is served (admin.cpp). All but the index need a changer.
Response repository_index(const Context& context, const Request& request);
Response repository_load(const Context& context, const Route& route, const Request& request);
Response repository_unload(const Context& context, const Route& route, const Request& request);
/// Windows of sensors (stream.cpp).
Asked stream_push(const Context& context, const Route& route, const Request& request);
Response stream_answer(const Context& context, const Route& route, const Request& request);

Response job_answer(const Context& context, const Route& route, const Request& request);
Response maas_change(const Context& context, const Route& route, const Request& request);

}  // namespace maas::inline MAAS_ABI::serve
