// Routes: what a method and a path ask for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "maas/core/scalar.hpp"
#include "serve/tokens.hpp"

namespace maas::inline MAAS_ABI::serve {

enum class Action {
  front_page,
  alive,
  openapi,
  metrics,
  v1_list,
  v1_status,
  v1_metadata,
  v1_predict,
  v1_other,  // a verb of TensorFlow Serving that is not offered
  v2_server,
  v2_live,
  v2_ready,
  v2_list,
  v2_model,
  v2_model_ready,
  v2_infer,
  v2_config,
  v2_statistics,  // of one model, or of all
  repository_index,
  repository_load,
  repository_unload,
  repository_other,  // of a repository with a name, which is not offered
  maas_model,        // how a model is served
  maas_label,
  maas_rollback,
  maas_restore,
  maas_traffic,
  stream,       // a sensor's window
  stream_push,  // its newest sample, and a forecast
  jobs,         // the list of them, or one more
  job,
  job_events,
  job_cancel,
  job_resume,
  job_promote,
  preflight  // what a browser asks before it asks
};

struct Route {
  Action action = Action::alive;
  std::string model{};
  std::optional<std::int64_t> version{};
  std::optional<std::string> label{};
  std::int64_t job = 0;
  std::string sensor{};
};

/// Reads a path; names are percent-decoded after it has been split. Throws StatusError 404 for an unknown path, 400 for
/// a name or version that cannot be one.
Route route_of(std::string_view path);
/// The same, quickly where the thread has asked for that path last: a request's route is asked for several times. Good
/// until the thread asks for another. What is posted to a stream is its newest sample.
const Route& same_route_of(std::string_view path, bool is_post);

/// The methods of an action: "GET, HEAD", "POST" or "POST, DELETE".
std::string_view methods_of(Action action);
/// Whether a method is one of them.
bool has_method(Action action, std::string_view method);
bool is_prediction(Action action);
/// Whether it changes what is served.
bool is_change(Action action, std::string_view method);
/// Whether it is about trainings.
bool is_job(Action action);
/// Whether it is offered only where changes are.
bool is_of_repository(Action action);
/// What a token must be for.
Scope scope_of(Action action);
/// What probes ask, without a token.
bool is_health(Action action);
/// "v1", "v2", "maas" or "other", for the metrics.
std::string_view api_of(Action action);

}  // namespace maas::inline MAAS_ABI::serve
