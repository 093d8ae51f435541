#include "maas/serve/protocol.hpp"

#include <algorithm>
#include <atomic>
#include <new>

#include "serve/json_writer.hpp"
#include "serve/metrics.hpp"
#include "serve/openapi.hpp"
#include "serve/page.hpp"
#include "serve/prediction.hpp"
#include "serve/route.hpp"
#include "serve/status.hpp"

namespace maas::inline MAAS_ABI::serve {

int status_of(const std::exception& error) {
  if (const auto* known = dynamic_cast<const StatusError*>(&error)) return known->status();
  const bool is_the_clients = dynamic_cast<const DataError*>(&error) != nullptr ||
                              dynamic_cast<const ShapeError*>(&error) != nullptr ||
                              dynamic_cast<const ConfigError*>(&error) != nullptr;
  return is_the_clients ? 400 : 500;
}

namespace {

// Errors name what a client has sent, which may be nearly as long as a body. The cut is before a character of UTF-8.
std::string_view shortened(std::string_view text) {
  constexpr std::size_t most = 1000;
  if (text.size() <= most) return text;
  std::size_t end = most;
  while (end > most - 3 && static_cast<unsigned char>(text[end]) >> 6 == 2) --end;
  return text.substr(0, end);
}

}  // namespace

Response error_response(int status, std::string_view text) {
  Response response{.status = status, .body = R"({"error":)"};
  append_text(response.body, shortened(text));
  response.body += '}';
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (status == 415) response.headers.emplace_back("Accept-Encoding", "identity");
  if (status == 429 || status == 503) response.headers.emplace_back("Retry-After", "1");
  if (status == 408 || status == 413 || status == 414 || status == 431)
    response.headers.emplace_back("Connection", "close");
  return response;
}

const std::string* Request::header(std::string_view name) const {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  for (const auto& [each, value] : headers)
    if (std::ranges::equal(each, name, {}, lower, lower)) return &value;
  return nullptr;
}

namespace {

// Looks at every byte of what was given, whatever it is.
bool is_token(std::string_view given, std::string_view token) {
  unsigned char difference = given.size() == token.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i)
    difference = static_cast<unsigned char>(difference | (given[i] ^ token[i % token.size()]));
  return difference == 0;
}

void check_limits(const Limits& limits) {
  require<ConfigError>(limits.body_bytes >= 1 && limits.rows >= 1 && limits.tensor_elements >= 1 &&
                           limits.path_bytes >= 1 && limits.wait.count() >= 1,
                       "limits: expected each to be at least 1, got one below");
  // Each level is a call within a call when tensors are read.
  require<ConfigError>(limits.json_depth >= 1 && limits.json_depth <= 1000,
                       "limits: expected a json_depth from 1 to 1000, got {}", limits.json_depth);
}

Response health_answer(bool live_only, bool ready) {
  if (live_only) return {.body = R"({"live":true})"};
  return {.status = ready ? 200 : 503, .body = fmt::format(R"({{"live":true,"ready":{}}})", ready)};
}

}  // namespace

class Protocol::Routes {
 public:
  Routes(const Repository& repository, ProtocolOptions options)
      : repository_(repository), options_(std::move(options)) {
    check_limits(options_.limits);
  }

  Response answer(const Request& request) {
    Response response = guarded([&] { return checked_answer(request); });
    count(request, response);
    return response;
  }

  std::optional<Response> refuse(const Request& head) {
    try {
      const Route route = checked_route(head);
      if (!route.model.empty()) check_model(route);
      if (route.action == Action::v1_other) fail_not_offered();
      return std::nullopt;
    } catch (...) {
      Response response = guarded([]() -> Response { throw; });
      count(head, response);
      return response;
    }
  }

  void count(const Request& request, const Response& response) {
    std::string_view api = "other";
    std::string model;
    try {
      const Route route = route_of(request.path);
      api = api_of(route.action);
      if (!repository_.status(route.model).empty()) model = route.model;
    } catch (const StatusError&) {
      // A path that is none: counted all the same.
    }
    metrics_.count_request(api, model, response.status, std::chrono::steady_clock::now() - request.arrived);
  }

  std::atomic<bool> ready{true};
  Gauges (*read_gauges)(const void*) = nullptr;
  const void* server = nullptr;
  const ProtocolOptions& options() const { return options_; }

 private:
  template <class Work>
  static Response guarded(const Work& work) {
    try {
      return work();
    } catch (const MethodError& error) {
      Response response = error_response(405, error.what());
      response.headers.emplace_back("Allow", error.allowed);
      return response;
    } catch (const std::bad_alloc&) {
      return error_response(500, "not enough memory for this request");
    } catch (const std::exception& error) {
      return error_response(status_of(error), error.what());
    }
  }

  struct MethodError : Error {
    MethodError(const std::string& text, std::string methods) : Error(text), allowed(std::move(methods)) {}
    std::string allowed;
  };

  // All that can be said without the body.
  Route checked_route(const Request& request) const {
    if (request.path.size() > options_.limits.path_bytes)
      fail_with(414, "path: expected at most {} bytes, got {}", options_.limits.path_bytes, request.path.size());
    const std::string_view path = request.path;
    if (!options_.token.empty() && !is_open(path)) check_token(request);
    const Route route = route_of(path);
    check_method(request, route.action);
    return route;
  }

  // Health is for everyone; that a path is unknown is not.
  static bool is_open(std::string_view path) {
    return path == "/" || path == "/healthz" || path == "/v2/health/live" || path == "/v2/health/ready";
  }

  void check_token(const Request& request) const {
    const std::string* given = request.header("Authorization");
    constexpr std::string_view scheme = "Bearer ";
    const bool is_right = given != nullptr && given->starts_with(scheme) &&
                          is_token(std::string_view(*given).substr(scheme.size()), options_.token);
    if (!is_right)
      fail_with(401, "expected a valid token in Authorization: Bearer TOKEN, got {}",
                given == nullptr ? "none" : "another");
  }

  static void check_method(const Request& request, Action action) {
    const std::string_view expected = method_of(action);
    if (request.method == expected || (expected == "GET" && request.method == "HEAD")) return;
    throw MethodError(fmt::format("{}: expected {}, got {}", request.path.substr(0, 200), expected, request.method),
                      expected == "GET" ? "GET, HEAD" : "POST");
  }

  void check_model(const Route& route) const {
    if (repository_.status(route.model).empty()) fail_with(404, "unknown model \"{}\"", route.model);
  }

  [[noreturn]] static void fail_not_offered() {
    fail_with(501, "classify and regress are not offered: expected :predict");
  }

  Response checked_answer(const Request& request) {
    const Route route = checked_route(request);
    if (!is_health(route.action) && request.body.size() > options_.limits.body_bytes)
      fail_with(413, "body: expected at most {} bytes, got {}", options_.limits.body_bytes, request.body.size());
    const Context context{repository_, options_.limits, metrics_};
    switch (route.action) {
      case Action::front_page:
        return front_page(request);
      case Action::openapi:
        return openapi(repository_, options_);
      case Action::alive:
        return {.body = R"({"status":"alive"})"};
      case Action::metrics:
        return metrics_page();
      case Action::v1_list:
        return v1_list(context);
      case Action::v1_status:
        return v1_status(context, route);
      case Action::v1_metadata:
        return v1_metadata(context, route);
      case Action::v1_predict:
        return v1_predict(context, route, request);
      case Action::v1_other:
        fail_not_offered();
      case Action::v2_server:
        return v2_server();
      case Action::v2_live:
        return health_answer(true, true);
      case Action::v2_ready:
        return health_answer(false, ready);
      case Action::v2_list:
        return v2_list(context);
      case Action::v2_model:
        return v2_model(context, route);
      case Action::v2_model_ready:
        return v2_model_ready(context, route);
      case Action::v2_infer:
        return v2_infer(context, route, request);
    }
    fail_with(500, "a path without an answer");
  }

  Response metrics_page() const {
    const Gauges gauges = read_gauges != nullptr ? read_gauges(server) : Gauges();
    return {.body = metrics_.text(repository_, ready, gauges),
            .content_type = "text/plain; version=0.0.4; charset=utf-8"};
  }

  const Repository& repository_;
  const ProtocolOptions options_;
  Metrics metrics_{};
};

Protocol::Protocol(const Repository& repository, ProtocolOptions options)
    : routes_(std::make_unique<Routes>(repository, std::move(options))) {}
Protocol::~Protocol() = default;

Response Protocol::answer(const Request& request) { return routes_->answer(request); }
std::optional<Response> Protocol::refuse(const Request& head) { return routes_->refuse(head); }
void Protocol::count(const Request& request, const Response& response) { routes_->count(request, response); }

bool Protocol::is_prediction(const Request& request) const {
  try {
    return serve::is_prediction(route_of(request.path).action);
  } catch (const StatusError&) {
    return false;
  }
}

void Protocol::set_ready(bool ready) { routes_->ready = ready; }
bool Protocol::ready() const { return routes_->ready; }

void Protocol::set_gauges(Gauges (*read)(const void* server), const void* server) {
  routes_->read_gauges = read;
  routes_->server = server;
}

const ProtocolOptions& Protocol::options() const { return routes_->options(); }

}  // namespace maas::inline MAAS_ABI::serve
