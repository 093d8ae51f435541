#include "serve/route.hpp"

#include <algorithm>
#include <vector>

#include "serve/folder.hpp"
#include "serve/json_writer.hpp"
#include "serve/status.hpp"
#include "serve/text.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

using Parts = std::vector<std::string_view>;

// "/a/b" is a, b; an empty part stays one, so that "//" is not "/".
Parts parts_of(std::string_view path) {
  Parts parts;
  path.remove_prefix(1);
  while (true) {
    const std::size_t end = path.find('/');
    parts.push_back(path.substr(0, end));
    if (end == path.npos) return parts;
    path.remove_prefix(end + 1);
  }
}

std::string decoded(std::string_view part) {
  std::string text;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part[i] != '%') {
      text += part[i];
      continue;
    }
    const int high = i + 1 < part.size() ? hex_digit(part[i + 1]) : -1;
    const int low = i + 2 < part.size() ? hex_digit(part[i + 2]) : -1;
    if (high < 0 || low < 0) fail_with(400, "path: expected two hexadecimal digits after %, got \"{}\"", part);
    text += static_cast<char>(high * 16 + low);
    i += 2;
  }
  // In JSON and in metrics two names of other bytes would look the same.
  if (!is_utf8(text)) fail_with(400, "path: expected names in UTF-8, got \"{}\"", part);
  return text;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }

std::string model_name(std::string_view part) {
  std::string name = decoded(part);
  const bool is_bad = name.empty() || name == "." || name == ".." ||
                      std::ranges::any_of(name, [](char c) { return c == '/' || is_control(c); });
  if (is_bad) fail_with(400, "path: expected the name of a model, got \"{}\"", part);
  return name;
}

std::int64_t version_number(std::string_view part) {
  const std::optional<std::int64_t> version = version_of(part);
  if (!version) fail_with(400, "path: expected a version, a whole number, got \"{}\"", part);
  return *version;
}

[[noreturn]] void fail_unknown(std::string_view path) { fail_with(404, "unknown path \"{}\"", path.substr(0, 200)); }

// "name:predict" is name and predict; names hold no ':'.
Action take_verb(Parts& parts) {
  const std::size_t colon = parts.back().find(':');
  if (colon == std::string_view::npos) return Action::v1_status;
  const std::string verb = lower(parts.back().substr(colon + 1));
  parts.back() = parts.back().substr(0, colon);
  if (verb == "predict") return Action::v1_predict;
  if (verb == "classify" || verb == "regress") return Action::v1_other;
  fail_with(404, "unknown verb \"{}\": expected :predict", verb.substr(0, 200));
}

// "v1", "jobs"[, NUMBER[:cancel][, "events"]].
Route job_route(std::string_view path, Parts parts) {
  if (parts.size() == 2) return {.action = Action::jobs};
  Route route{.action = Action::job};
  if (parts.size() == 4 && parts[3] == "events") {
    route.action = Action::job_events;
    parts.pop_back();
  }
  if (parts.size() != 3) fail_unknown(path);
  if (const std::size_t colon = parts[2].find(':'); colon != std::string_view::npos && route.action == Action::job) {
    const std::string verb = lower(parts[2].substr(colon + 1));
    parts[2] = parts[2].substr(0, colon);
    if (verb != "cancel" && verb != "resume" && verb != "promote") fail_unknown(path);
    route.action = verb == "cancel" ? Action::job_cancel : verb == "resume" ? Action::job_resume : Action::job_promote;
  }
  const std::optional<std::int64_t> number = version_of(parts[2]);
  if (!number) fail_with(400, "path: expected the number of a job, got \"{}\"", parts[2].substr(0, 200));
  route.job = *number;
  return route;
}

// "v1", "streams", MODEL, SENSOR.
Route stream_route(std::string_view path, const Parts& parts) {
  if (parts.size() != 4) fail_unknown(path);
  Route route{.action = Action::stream, .model = model_name(parts[2]), .sensor = decoded(parts[3])};
  if (route.sensor.empty() || route.sensor.size() > 255 || std::ranges::any_of(route.sensor, is_control))
    fail_with(400, "path: expected the name of a sensor, of 1 to 255 bytes, got \"{}\"", parts[3].substr(0, 300));
  return route;
}

Route v1_route(std::string_view path, Parts parts) {
  if (parts.size() >= 2 && parts[1] == "streams") return stream_route(path, parts);
  if (parts.size() >= 2 && parts[1] == "jobs") return job_route(path, std::move(parts));
  if (parts.size() < 2 || parts[1] != "models") fail_unknown(path);
  if (parts.size() == 2) return {.action = Action::v1_list};
  Route route{.action = take_verb(parts)};
  if (parts.size() > 3 && parts.back() == "metadata" && route.action == Action::v1_status) {
    route.action = Action::v1_metadata;
    parts.pop_back();
  }
  route.model = model_name(parts[2]);
  if (parts.size() == 3) return route;
  if (parts.size() != 5) fail_unknown(path);
  if (parts[3] == "labels") {
    route.label = decoded(parts[4]);
    return route;
  }
  if (parts[3] != "versions") fail_unknown(path);
  route.version = version_number(parts[4]);
  return route;
}

Route v2_model_route(std::string_view path, Parts parts) {
  Route route{.action = Action::v2_model};
  if (parts.size() > 3 && parts.back() == "infer") route.action = Action::v2_infer;
  if (parts.size() > 3 && parts.back() == "ready") route.action = Action::v2_model_ready;
  if (parts.size() > 3 && parts.back() == "config") route.action = Action::v2_config;
  if (parts.size() > 3 && parts.back() == "stats") route.action = Action::v2_statistics;
  if (route.action != Action::v2_model) parts.pop_back();
  route.model = model_name(parts[2]);
  if (parts.size() == 3) return route;
  if (parts.size() != 5 || parts[3] != "versions") fail_unknown(path);
  route.version = version_number(parts[4]);
  return route;
}

// "v2", "repository", "index"; or "models", NAME, "load"; a name of a repository may stand before "models".
Route repository_route(std::string_view path, const Parts& parts) {
  if (parts.size() == 3 && parts[2] == "index") return {.action = Action::repository_index};
  if (parts.size() == 6 && parts[3] == "models") return {.action = Action::repository_other};
  if (parts.size() == 4 && parts[3] == "index") return {.action = Action::repository_other};
  if (parts.size() != 5 || parts[2] != "models") fail_unknown(path);
  if (parts[4] == "load") return {.action = Action::repository_load, .model = model_name(parts[3])};
  if (parts[4] == "unload") return {.action = Action::repository_unload, .model = model_name(parts[3])};
  fail_unknown(path);
}

// "maas", "v1", "models", NAME[:rollback], then "labels", LABEL or "versions", VERSION:restore or "traffic".
Route maas_route(std::string_view path, Parts parts) {
  if (parts.size() < 4 || parts[1] != "v1" || parts[2] != "models") fail_unknown(path);
  std::string verb;
  if (const std::size_t colon = parts.back().find(':'); colon != std::string_view::npos) {
    verb = lower(parts.back().substr(colon + 1));
    parts.back() = parts.back().substr(0, colon);
  }
  Route route{.action = Action::maas_model, .model = model_name(parts[3])};
  if (parts.size() == 4 && verb.empty()) return route;
  if (parts.size() == 4 && verb == "rollback") {
    route.action = Action::maas_rollback;
  } else if (parts.size() == 5 && parts[4] == "traffic" && verb.empty()) {
    route.action = Action::maas_traffic;
  } else if (parts.size() == 6 && parts[4] == "labels" && verb.empty()) {
    route.action = Action::maas_label;
    route.label = decoded(parts[5]);
  } else if (parts.size() == 6 && parts[4] == "versions" && verb == "restore") {
    route.action = Action::maas_restore;
    route.version = version_number(parts[5]);
  } else {
    fail_unknown(path);
  }
  return route;
}

Route v2_route(std::string_view path, Parts parts) {
  if (parts.size() == 1) return {.action = Action::v2_server};
  if (parts[1] == "models" && parts.size() == 2) return {.action = Action::v2_list};
  if (parts[1] == "models" && parts.size() == 3 && parts[2] == "stats") return {.action = Action::v2_statistics};
  if (parts[1] == "models") return v2_model_route(path, std::move(parts));
  if (parts[1] == "repository") return repository_route(path, parts);
  if (parts.size() == 3 && parts[1] == "health" && parts[2] == "live") return {.action = Action::v2_live};
  if (parts.size() == 3 && parts[1] == "health" && parts[2] == "ready") return {.action = Action::v2_ready};
  fail_unknown(path);
}

}  // namespace

Route route_of(std::string_view path) {
  if (path.empty() || path[0] != '/') fail_unknown(path);
  if (path == "/") return {.action = Action::front_page};
  if (path == "/healthz") return {.action = Action::alive};
  if (path == "/openapi.json") return {.action = Action::openapi};
  if (path == "/metrics" || path == "/monitoring/prometheus/metrics") return {.action = Action::metrics};
  if (path == "/v2/") return {.action = Action::v2_server};
  if (path == "/v2/models/") return {.action = Action::v2_list};
  Parts parts = parts_of(path);
  if (parts[0] == "v1") return v1_route(path, std::move(parts));
  if (parts[0] == "v2") return v2_route(path, std::move(parts));
  if (parts[0] == "maas") return maas_route(path, std::move(parts));
  fail_unknown(path);
}

const Route& same_route_of(std::string_view path, bool is_post) {
  struct Last {
    std::string path{};
    Route route{};
  };
  thread_local Last last;
  if (path.empty() || path != last.path) {
    Route route = route_of(path);
    last.path.clear();  // should there be no memory for the new one
    last.route = std::move(route);
    last.path = path;
  }
  if (last.route.action == Action::stream || last.route.action == Action::stream_push)
    last.route.action = is_post ? Action::stream_push : Action::stream;
  return last.route;
}

bool is_prediction(Action action) {
  return action == Action::v1_predict || action == Action::v2_infer || action == Action::stream_push;
}

bool is_of_repository(Action action) {
  return action >= Action::repository_index && action <= Action::maas_traffic && action != Action::maas_model;
}

bool is_job(Action action) { return action >= Action::jobs && action <= Action::job_promote; }

bool is_change(Action action, std::string_view method) {
  if (action == Action::jobs) return method == "POST";
  if (action == Action::job_cancel || action == Action::job_resume || action == Action::job_promote) return true;
  return is_of_repository(action) && action != Action::repository_index && action != Action::repository_other;
}

std::string_view methods_of(Action action) {
  if (action == Action::maas_label) return "POST, DELETE";
  if (action == Action::jobs) return "GET, HEAD, POST";
  if (action == Action::stream) return "GET, HEAD, POST, DELETE";
  if (action == Action::job_cancel || action == Action::job_resume || action == Action::job_promote) return "POST";
  if (action == Action::preflight) return "OPTIONS";
  return is_prediction(action) || action == Action::v1_other || is_of_repository(action) ? "POST" : "GET, HEAD";
}

bool has_method(Action action, std::string_view method) {
  std::string_view all = methods_of(action);
  while (true) {
    const std::size_t comma = all.find(',');
    if (all.substr(0, comma) == method) return true;
    if (comma == all.npos) return false;
    all.remove_prefix(comma + 2);
  }
}

Scope scope_of(Action action) {
  if (is_health(action) || action == Action::preflight) return Scope::none;
  if (action == Action::metrics) return Scope::metrics;
  if (is_prediction(action) || action == Action::v1_other || action == Action::stream) return Scope::infer;
  if (action == Action::job_promote) return Scope::admin;
  if (is_job(action)) return Scope::train;
  return is_change(action, "POST") || action == Action::repository_other ? Scope::admin : Scope::metadata;
}

bool is_health(Action action) {
  return action == Action::front_page || action == Action::alive || action == Action::v2_live ||
         action == Action::v2_ready;
}

std::string_view api_of(Action action) {
  if (action == Action::preflight) return "other";
  if (is_job(action) || action == Action::stream || action == Action::stream_push) return "v1";
  if (action >= Action::maas_model) return "maas";
  if (action >= Action::v2_server) return "v2";
  return action >= Action::v1_list ? "v1" : "other";
}

}  // namespace maas::inline MAAS_ABI::serve
