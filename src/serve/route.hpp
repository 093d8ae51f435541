// Routes: what a method and a path ask for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "maas/core/scalar.hpp"

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
  v2_infer
};

struct Route {
  Action action = Action::alive;
  std::string model{};
  std::optional<std::int64_t> version{};
};

/// Reads a path; names are percent-decoded after it has been split. Throws StatusError 404 for an unknown path or a
/// label, 400 for a name or version that cannot be one.
Route route_of(std::string_view path);

/// "GET" or "POST"; GET includes HEAD.
std::string_view method_of(Action action);
bool is_prediction(Action action);
/// What probes ask, without a token.
bool is_health(Action action);
/// "v1", "v2" or "other", for the metrics.
std::string_view api_of(Action action);

}  // namespace maas::inline MAAS_ABI::serve
