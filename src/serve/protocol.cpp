#include "maas/serve/protocol.hpp"

#include <algorithm>
#include <atomic>
#include <new>

#include "serve/compression.hpp"
#include "serve/cors.hpp"
#include "serve/drift.hpp"
#include "serve/drift_file.hpp"
#include "serve/estimate.hpp"
#include "serve/http.hpp"
#include "serve/jobs.hpp"
#include "serve/json_writer.hpp"
#include "serve/metrics.hpp"
#include "serve/openapi.hpp"
#include "serve/page.hpp"
#include "serve/prediction.hpp"
#include "serve/route.hpp"
#include "serve/shadow.hpp"
#include "serve/status.hpp"
#include "serve/text.hpp"

namespace maas::inline MAAS_ABI::serve {

int status_of(const std::exception& error) {
  if (const auto* known = dynamic_cast<const StatusError*>(&error)) return known->status();
  if (dynamic_cast<const UnknownError*>(&error) != nullptr) return 404;
  if (dynamic_cast<const ConflictError*>(&error) != nullptr) return 409;
  if (dynamic_cast<const NoRoomError*>(&error) != nullptr) return 429;
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
  if (status == 415) response.headers.emplace_back("Accept-Encoding", "gzip, deflate");
  if (status == 429 || status == 503 || status == 504) response.headers.emplace_back("Retry-After", "1");
  if (status == 408 || status == 413 || status == 414 || status == 431)
    response.headers.emplace_back("Connection", "close");
  return response;
}

const std::string* Request::header(std::string_view name) const {
  for (const auto& [each, value] : headers)
    if (is_same_name(each, name)) return &value;
  return nullptr;
}

namespace {

void check_limits(const Limits& limits) {
  require<ConfigError>(limits.body_bytes >= 1 && limits.rows >= 1 && limits.tensor_elements >= 1 &&
                           limits.path_bytes >= 1 && limits.index_entries >= 1 && limits.wait.count() >= 1,
                       "limits: expected each to be at least 1, got one below");
  // Each level is a call within a call when tensors are read.
  require<ConfigError>(limits.json_depth >= 1 && limits.json_depth <= 1000,
                       "limits: expected a json_depth from 1 to 1000, got {}", limits.json_depth);
}

void check_base_path(const std::string& path) {
  require<ConfigError>(path.empty() || (path.size() > 1 && path.front() == '/' && path.back() != '/'),
                       "protocol: expected a base path that begins with a slash and does not end in one, got \"{}\"",
                       path);
}

// What a page of another origin may send and read.
void allow_any_origin(Response& response) {
  for (auto& header : any_origin()) response.headers.push_back(std::move(header));
}

Response preflight_answer() {
  return {.body = {},
          .headers = {
              {"Access-Control-Allow-Methods", "GET, HEAD, POST, DELETE"},
              {"Access-Control-Allow-Headers",
               "Content-Type, Content-Encoding, Authorization, Inference-Header-Content-Length, X-Request-Timeout-Ms"},
              {"Access-Control-Max-Age", "86400"}}};
}

Response health_answer(bool live_only, bool ready) {
  if (live_only) return {.body = R"({"live":true})"};
  return {.status = ready ? 200 : 503, .body = fmt::format(R"({{"live":true,"ready":{}}})", ready)};
}

}  // namespace

class Protocol::Routes {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Routes(const Repository& repository, Repository* changer, ProtocolOptions options)
      : repository_(repository),
        changer_(changer),
        options_(std::move(options)),
        tokens_(options_.token, options_.token_file, options_.warn),
        saves_(std::make_shared<StateSaves>(options_.warn)),
        streams_(
            {.most = options_.streams, .file = options_.stream_file, .save = options_.stream_save, .saves = saves_}) {
    check_limits(options_.limits);
    check_base_path(options_.base_path);
    if (!options_.drift_file.empty())
      drift_file_ = std::make_unique<DriftFile>(repository_, options_.drift_file, options_.stream_save, saves_);
    if (changer_ != nullptr && !options_.jobs.folder.empty())
      jobs_ = std::make_unique<Jobs>(*changer_, options_.jobs, saves_);
  }

  bool save_state() {
    const bool has_streams = streams_.keep(), has_drift = !drift_file_ || drift_file_->keep();
    return (!jobs_ || jobs_->keep()) && has_streams && has_drift;
  }

  Response answer(const Request& request) {
    const std::optional<Action> asked = action(request);
    if (asked && serve::is_prediction(*asked)) return *answer_alone(request, std::chrono::nanoseconds::max());
    Response response = guarded([&] { return checked_answer(request); });
    count(request, response);
    if (options_.cors) allow_any_origin(response);
    return response;
  }

  // By what can be told before the body is read, and then by what it holds: a version that has just come may be another
  // than the one that was looked at.
  std::optional<Response> answer_within(const Request& request, std::chrono::nanoseconds most) {
    return is_likely_within(request, most) ? answer_alone(request, most) : std::nullopt;
  }

  std::vector<Response> answer_together(std::span<const Request* const> requests) {
    if (requests.size() == 1) {
      std::vector<Response> one;
      one.push_back(*answer_alone(*requests[0], std::chrono::nanoseconds::max()));
      return one;
    }
    std::vector<Response> responses(requests.size());
    std::vector<std::optional<Asked>> asked(requests.size());
    std::vector<bool> was_asked(requests.size(), false);
    std::vector<VersionNumber> versions(requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i)
      responses[i] = guarded([&]() -> Response {
        Asked read = read_prediction(*requests[i], context(&versions[i]));
        was_asked[i] = true;
        if (read.ready) return *std::move(read.ready);
        asked[i] = std::move(read);
        return {};
      });
    for (std::size_t i = 0; i < asked.size(); ++i)
      if (asked[i]) answer_group(requests, take_group(asked, i, responses), asked, responses);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (!was_asked[i]) count_failure(*requests[i], versions[i]);
      finish(*requests[i], responses[i], versions[i], std::chrono::steady_clock::now());
    }
    return responses;
  }

  // What a request asks for, whether it may or not: good until the thread asks for another. Throws StatusError.
  const Route& route(const Request& request) const {
    static const Route preflight{.action = Action::preflight};
    return is_preflight(request) ? preflight : path_route(request);
  }

  std::optional<Action> action(const Request& request) const {
    try {
      return route(request).action;
    } catch (const StatusError&) {
      return std::nullopt;
    }
  }

  bool is_preflight(const Request& request) const { return options_.cors && request.method == "OPTIONS"; }

  const Route& path_route(const Request& request) const {
    std::string_view path = request.path;
    const std::string& base = options_.base_path;
    const bool is_post = request.method == "POST";
    if (base.empty() || !path.starts_with(base)) return same_route_of(path, is_post);
    if (path.size() == base.size()) return same_route_of("/", is_post);
    if (path[base.size()] == '/') path.remove_prefix(base.size());
    return same_route_of(path, is_post);
  }

  // "v2_infer" and "v1_predict" of one version may run together.
  std::string joint(const Request& request) const {
    try {
      const Route& asked = route(request);
      if (!serve::is_prediction(asked.action)) return {};
      std::string key = asked.model;
      if (asked.version) key += fmt::format("\n{}", *asked.version);
      if (asked.label) (key += "\n=") += *asked.label;
      return key;
    } catch (const StatusError&) {
      return {};
    }
  }

  std::string_view model(const Request& request) const {
    try {
      return path_route(request).model;
    } catch (const StatusError&) {
      return {};
    }
  }

  std::size_t most_together(const Request& request) const {
    try {
      return static_cast<std::size_t>(servable_of(repository_, route(request))->batch_rows);
    } catch (const StatusError&) {
      return 1;
    }
  }

  std::optional<Response> refuse(Request& head) {
    try {
      Tokens::Calls calls;
      const Route& route = checked_route(head, &calls);
      if (options_.limits.token_calls > 0 && calls && serve::is_prediction(route.action))
        head.ticket = ticket_of(calls, options_.limits.token_calls);
      if (!route.model.empty() && route.action != Action::repository_load) check_model(route);
      if (route.action == Action::v1_other) fail_not_offered();
      return std::nullopt;
    } catch (...) {
      Response response = guarded([]() -> Response { throw; });
      count(head, response);
      if (options_.cors) allow_any_origin(response);
      return response;
    }
  }

  QueueClaim queue_claim(const Request& request) const {
    try {
      const Route& asked = route(request);
      std::shared_ptr<const Servable> servable = asked.label     ? repository_.find_label(asked.model, *asked.label)
                                                 : asked.version ? repository_.find(asked.model, asked.version)
                                                                 : repository_.candidates(asked.model).usual;
      if (servable == nullptr) return {};
      return {.rows = static_cast<std::size_t>(likely_rows(*servable, request)),
              .most = servable->serving.queue.value_or(0),
              .most_rows = servable->serving.queue_rows.value_or(0)};
    } catch (const StatusError&) {
      return {};
    }
  }

  Time deadline(const Request& request) const {
    try {
      return deadline_of(request, options_.limits);
    } catch (const DataError&) {  // it is told so when it is read
      return request.arrived + options_.limits.wait;
    }
  }

  // The answer to one that has waited and is not run.
  Response given_up(const Request& request, int status, std::string_view why) {
    Response response = error_response(status, why);
    if (const std::optional<Action> asked = action(request); asked && serve::is_prediction(*asked))
      count_failure(request, std::nullopt);
    finish(request, response, std::nullopt, std::chrono::steady_clock::now());
    return response;
  }

  // `version`: the one that was chosen to answer, which its model then has.
  void count(const Request& request, const Response& response, VersionNumber version = {},
             Time now = std::chrono::steady_clock::now()) {
    std::string_view api = "other";
    std::string_view model;
    try {
      if (!is_preflight(request)) {
        const Route& asked = path_route(request);  // nobody asks for another before it has been counted
        api = api_of(asked.action);
        if (version || repository_.knows(asked.model)) model = asked.model;
      }
    } catch (const StatusError&) {
      // A path that is none: counted all the same.
    }
    metrics_.count_request(api, model, version, response.status, now - request.arrived);
  }

  bool is_ready() const { return ready && repository_.missing().empty(); }

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
      return answer_of_failure(500, "not enough memory for this request");
    } catch (const std::exception& error) {
      return error_response(status_of(error), error.what());
    }
  }

  struct MethodError : Error {
    MethodError(const std::string& text, std::string methods) : Error(text), allowed(std::move(methods)) {}
    std::string allowed;
  };

  // One of those that a token may have at once; it is given back with the request.
  static std::shared_ptr<const void> ticket_of(const Tokens::Calls& calls, int most) {
    if (calls->fetch_add(1) >= most) {
      --*calls;
      fail_with(429, "expected at most {} predictions at once with a token, got more", most);
    }
    return {calls.get(), [calls](const void*) { --*calls; }};
  }

  // All that can be said without the body.
  const Route& checked_route(const Request& request, Tokens::Calls* calls = nullptr) const {
    if (request.path.size() > options_.limits.path_bytes)
      fail_with(414, "path: expected at most {} bytes, got {}", options_.limits.path_bytes, request.path.size());
    const Route& asked = authorized_route(request, calls);
    check_method(request, asked.action);
    if (is_of_repository(asked.action) && asked.action != Action::repository_index) check_changes(asked.action);
    if (is_job(asked.action)) check_jobs();
    return asked;
  }

  // Health is for everyone, or the page alone, as it asks for the token; that a path is unknown is for those with a
  // token, whatever it is for.
  const Route& authorized_route(const Request& request, Tokens::Calls* calls) const {
    const std::string* token = request.header("Authorization");
    try {
      const Route& asked = route(request);
      const Scope scope = scope_of(asked.action);
      if (scope != Scope::none) {
        Tokens::Calls of_token = tokens_.check(token, scope);
        if (calls != nullptr) *calls = std::move(of_token);
      } else if (options_.closed_health && asked.action != Action::preflight && asked.action != Action::front_page)
        tokens_.check(token, Scope::all);
      return asked;
    } catch (const StatusError& error) {
      if (error.status() != 401 && error.status() != 403) tokens_.check(token, Scope::all);
      throw;
    }
  }

  bool offers_changes() const { return changer_ != nullptr && (options_.open_admin || tokens_.any_for(Scope::admin)); }

  bool offers_jobs() const { return jobs_ != nullptr && (options_.open_admin || tokens_.any_for(Scope::train)); }

  void check_jobs() const {
    if (!offers_jobs())
      fail_with(501, "trainings are not offered: they need a folder, and a token with the scope train, or open_admin");
  }

  void check_changes(Action action) const {
    if (action == Action::repository_other) fail_with(501, "repositories with names are not offered");
    if (!offers_changes())
      fail_with(501,
                "changes of what is served are not offered: they need a token with the scope admin, or open_admin");
  }

  static void check_method(const Request& request, Action action) {
    const std::string_view expected = methods_of(action);
    if (has_method(action, request.method)) return;
    throw MethodError(fmt::format("{}: expected {}, got {}", request.path.substr(0, 200),
                                  expected.substr(0, expected.find(',')), request.method),
                      std::string(expected));
  }

  void check_model(const Route& route) const {
    if (!repository_.knows(route.model)) fail_with(404, "unknown model \"{}\"", route.model);
  }

  [[noreturn]] static void fail_not_offered() {
    fail_with(501, "classify and regress are not offered: expected :predict");
  }

  void check_body(const Request& request) const {
    if (request.body.size() > options_.limits.body_bytes)
      fail_with(413, "body: expected at most {} bytes, got {}", options_.limits.body_bytes, request.body.size());
  }

  // The same request, or what is behind its compressed body.
  const Request& decompressed(const Request& request, std::optional<Request>& place) const {
    check_body(request);
    const std::string* encoding = request.header("Content-Encoding");
    const Coding coding = encoding == nullptr ? Coding::none : coding_of(*encoding);
    if (coding == Coding::none) return request;
    place = Request{.method = request.method,
                    .path = request.path,
                    .headers = request.headers,
                    .body = inflated(request.body, coding, options_.limits.body_bytes),
                    .arrived = request.arrived};
    return *place;
  }

  Context context(VersionNumber* chosen = nullptr) {
    return {repository_, options_.limits, options_,    metrics_, statistics_,
            streams_,    heads_,          jobs_.get(), changer_, chosen};
  }

  Asked read_body(const Request& request, const Context& context) {
    const Route& route = checked_route(request);
    std::optional<Request> place;
    const Request& plain = decompressed(request, place);
    if (route.action == Action::stream_push) return stream_push(context, route, plain);
    return route.action == Action::v1_predict ? v1_predict(context, route, plain) : v2_infer(context, route, plain);
  }

  Asked read_prediction(const Request& request, const Context& context) {
    Asked asked = read_body(request, context);
    if (asked.ready) return asked;
    check_asked(asked, options_.limits);
    asked.read_at = std::chrono::steady_clock::now();
    asked.durations.queue = context.now - request.arrived;
    asked.durations.read = asked.read_at - context.now;
    return asked;
  }

  // Nothing where it turns out to take longer than `most`.
  std::optional<Response> answer_alone(const Request& request, std::chrono::nanoseconds most) {
    VersionNumber version;
    const Context context = this->context(&version);
    std::optional<Asked> asked;
    std::optional<Time> end;
    bool is_within = true;
    Response response = guarded([&]() -> Response {
      asked = read_prediction(request, context);
      if (asked->ready) return *std::move(asked->ready);
      is_within = most == std::chrono::nanoseconds::max() ||
                  likely_answer_time(*asked->servable, request.body.size(), asked->inputs[0].rows()) <= most;
      if (!is_within) return {};
      check_deadline(asked->deadline, asked->read_at);
      std::vector<Matrix> outputs = run_alone(context, *asked, asked->read_at);
      const Time run_at = asked->read_at + asked->durations.run;
      check_deadline_after(request, *asked, run_at);
      Response answer = written(*asked, outputs, run_at);
      end = run_at + asked->durations.write;
      return answer;
    });
    if (!is_within) return std::nullopt;
    if (!end) end = std::chrono::steady_clock::now();
    if (!asked)
      count_failure(request, version);
    else if (!asked->ready)
      count_answer(request, *asked, response, *end);
    finish(request, response, version, *end);
    return response;
  }

  // Of the versions that may answer, if any.
  bool is_likely_within(const Request& request, std::chrono::nanoseconds most) const {
    try {
      const Route& asked = route(request);
      if (asked.action != Action::v1_predict && asked.action != Action::v2_infer) return false;
      const auto is_short = [&](const std::shared_ptr<const Servable>& servable) {
        return servable == nullptr || likely_answer_time(*servable, request, most) <= most;
      };
      if (asked.label) return is_short(repository_.find_label(asked.model, *asked.label));
      if (asked.version) return is_short(repository_.find(asked.model, asked.version));
      const Repository::Candidates candidates = repository_.candidates(asked.model);
      return is_short(candidates.usual) && is_short(candidates.canary);
    } catch (const StatusError&) {
      return false;
    }
  }

  // The server's own limit is of the time until the run; that of a client, which has left by now, is of all.
  void check_deadline_after(const Request& request, const Asked& asked, Time now) const {
    if (now > asked.deadline && asked.deadline < request.arrived + options_.limits.wait)
      fail_with(504, "the deadline passed during the prediction");
  }

  // Writes the answer to what has been run, and lets the shadow see it; `start` is now.
  Response written(Asked& asked, std::vector<Matrix>& outputs, Time start) {
    Response response = guarded([&] { return asked.answer(outputs); });
    asked.durations.write = std::chrono::steady_clock::now() - start;
    if (asked.shadow) shadow_.compare(std::move(asked.shadow), std::move(asked.inputs), std::move(outputs));
    return response;
  }

  void count_answer(const Request& request, const Asked& asked, const Response& response, Time now) {
    statistics_.count_answer(asked.servable->model, asked.servable->version, response.status == 200, now,
                             now - request.arrived, asked.durations);
  }

  // What every prediction has in common at its end.
  void finish(const Request& request, Response& response, VersionNumber version, Time now) {
    count(request, response, version, now);
    if (options_.compress_from > 0 && action(request) != Action::stream_push) compress_guarded(request, response);
    if (options_.cors) allow_any_origin(response);
  }

  void compress_guarded(const Request& request, Response& response) const {
    Response failure = guarded([&]() -> Response {
      compress(request, response);
      return {};
    });
    if (failure.status != 200) response = std::move(failure);
  }

  void compress(const Request& request, Response& response) const {
    if (response.status != 200 || response.body.size() < options_.compress_from) return;
    const std::string* accepted = request.header("Accept-Encoding");
    const Coding coding = accepted == nullptr ? Coding::none : accepted_coding(*accepted);
    if (coding == Coding::none) return;
    response.body = deflated(response.body, coding);
    response.headers.emplace_back("Content-Encoding", std::string(name_of(coding)));
    response.headers.emplace_back("Vary", "Accept-Encoding");
  }

  using Group = std::vector<std::size_t>;  // places of requests

  // This one and those after it that ask the same version, as long as they are worth it. Who has left by now is told
  // so.
  static Group take_group(std::vector<std::optional<Asked>>& asked, std::size_t first,
                          std::vector<Response>& responses) {
    Group group;
    Index rows = 0;
    for (std::size_t i = first; i < asked.size(); ++i) {
      if (!asked[i] || asked[i]->servable != asked[first]->servable) continue;
      const Index more = asked[i]->inputs[0].rows();
      if (i > first && rows + more > asked[first]->servable->batch_rows) continue;
      group.push_back(i);
      rows += more;
    }
    for (const std::size_t i : group)
      responses[i] = guarded([&]() -> Response {
        check_deadline(asked[i]->deadline, std::chrono::steady_clock::now());
        return {};
      });
    return group;
  }

  // A request that could not be read, of the version that was chosen; or where it did not come so far, of one that
  // could have answered it.
  void count_failure(const Request& request, VersionNumber version) {
    try {
      const Route& asked = route(request);
      if (!version) version = servable_of(repository_, asked)->version;
      const Time now = std::chrono::steady_clock::now();
      statistics_.count_answer(asked.model, *version, false, now, now - request.arrived, {});
    } catch (const std::exception&) {
    }
  }

  void answer_group(std::span<const Request* const> requests, const Group& group,
                    std::vector<std::optional<Asked>>& asked, std::vector<Response>& responses) {
    std::vector<std::vector<Matrix>> outputs;
    const Response failure = guarded([&]() -> Response {
      std::vector<Asked*> all;
      for (const std::size_t i : group)
        if (responses[i].status == 200) all.push_back(&*asked[i]);
      if (!all.empty()) outputs = run_together(context(), all, std::chrono::steady_clock::now());
      return {};
    });
    std::size_t place = 0;
    for (const std::size_t i : group) {
      Asked& each = *asked[i];
      if (responses[i].status == 200 && failure.status != 200) {
        responses[i] = failure;
      } else if (responses[i].status == 200) {
        const Time run_at = std::chrono::steady_clock::now();
        responses[i] = guarded([&]() -> Response {
          check_deadline_after(*requests[i], each, run_at);
          return written(each, outputs[place], run_at);
        });
        ++place;
      }
      count_answer(*requests[i], each, responses[i], std::chrono::steady_clock::now());
      asked[i].reset();
    }
  }

  Response checked_answer(const Request& given) {
    const Route route = checked_route(given);
    std::optional<Request> place;
    const Request& request = is_health(route.action) ? given : decompressed(given, place);
    const Context context = this->context();
    switch (route.action) {
      case Action::front_page:
        return front_page(request);
      case Action::openapi:
        return openapi(repository_, options_,
                       {.changes = offers_changes(), .jobs = offers_jobs(), .uploads = options_.allow_upload});
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
      case Action::v2_infer:
        break;  // answered together with others, or alone
      case Action::v1_other:
        fail_not_offered();
      case Action::v2_server:
        return v2_server(offers_changes());
      case Action::v2_live:
        return health_answer(true, true);
      case Action::v2_ready:
        return health_answer(false, is_ready());
      case Action::v2_list:
        return v2_list(context);
      case Action::v2_model:
        return v2_model(context, route);
      case Action::v2_config:
        return v2_config(context, route);
      case Action::v2_statistics:
        return v2_statistics(context, route);
      case Action::v2_model_ready:
        return v2_model_ready(context, route);
      case Action::repository_index:
        return repository_index(context, request);
      case Action::repository_load:
        return repository_load(context, route, request);
      case Action::repository_unload:
        return repository_unload(context, route, request);
      case Action::repository_other:
        break;
      case Action::maas_model:
        check_model(route);
        [[fallthrough]];
      case Action::maas_label:
      case Action::maas_rollback:
      case Action::maas_restore:
      case Action::maas_traffic:
        return maas_change(context, route, request);
      case Action::stream:
        return stream_answer(context, route, request);
      case Action::stream_push:
        break;
      case Action::jobs:
      case Action::job:
      case Action::job_events:
      case Action::job_cancel:
      case Action::job_resume:
      case Action::job_promote:
        return job_answer(context, route, request);
      case Action::preflight:
        return preflight_answer();
    }
    fail_with(500, "a path without an answer");
  }

  Response metrics_page() const {
    const Gauges gauges = read_gauges != nullptr ? read_gauges(server) : Gauges();
    std::string text = metrics_.text(is_ready(), gauges);
    if (options_.triton_metrics) statistics_.append_as_triton(text, repository_, gauges.queued_of_models);
    tokens_.append_metrics(text);
    shadow_.append_metrics(text);
    streams_.append_metrics(text);
    append_drift_metrics(text, repository_);
    saves_->append_metrics(text);
    return {.body = std::move(text), .content_type = "text/plain; version=0.0.4; charset=utf-8"};
  }

  const Repository& repository_;
  Repository* const changer_;
  const ProtocolOptions options_;
  const Tokens tokens_;
  Metrics metrics_{repository_};
  Statistics statistics_{};
  Shadow shadow_{};
  const std::shared_ptr<StateSaves> saves_;
  Streams streams_;
  InferHeads heads_{};
  std::unique_ptr<DriftFile> drift_file_{};
  std::unique_ptr<Jobs> jobs_{};
};

Protocol::Protocol(const Repository& repository, ProtocolOptions options)
    : routes_(std::make_unique<Routes>(repository, nullptr, std::move(options))) {}
Protocol::Protocol(Repository& repository, ProtocolOptions options)
    : routes_(std::make_unique<Routes>(repository, &repository, std::move(options))) {}
Protocol::~Protocol() = default;

Response Protocol::answer(const Request& request) { return routes_->answer(request); }
std::optional<Response> Protocol::answer_within(const Request& request, std::chrono::nanoseconds most) {
  return routes_->answer_within(request, most);
}
std::vector<Response> Protocol::answer_together(std::span<const Request* const> requests) {
  return routes_->answer_together(requests);
}
std::string Protocol::joint(const Request& request) const { return routes_->joint(request); }
std::string_view Protocol::model(const Request& request) const { return routes_->model(request); }
std::size_t Protocol::most_together(const Request& request) const { return routes_->most_together(request); }
std::optional<Response> Protocol::refuse(Request& head) { return routes_->refuse(head); }
QueueClaim Protocol::queue_claim(const Request& request) const { return routes_->queue_claim(request); }
std::chrono::steady_clock::time_point Protocol::deadline(const Request& request) const {
  return routes_->deadline(request);
}
Response Protocol::late(const Request& request, std::string_view why) { return routes_->given_up(request, 504, why); }
Response Protocol::cancelled(const Request& request) {
  return routes_->given_up(request, 499, "the client cancelled while waiting");
}
void Protocol::count(const Request& request, const Response& response) { routes_->count(request, response); }

bool Protocol::is_prediction(const Request& request) const {
  const std::optional<Action> action = routes_->action(request);
  return action && serve::is_prediction(*action);
}

bool Protocol::is_change(const Request& request) const {
  const std::optional<Action> action = routes_->action(request);
  return action && serve::is_change(*action, request.method);
}

bool Protocol::is_document(const Request& request) const { return routes_->action(request) == Action::openapi; }

bool Protocol::is_submission(const Request& request) const {
  return routes_->action(request) == Action::jobs && request.method == "POST";
}

bool Protocol::is_load(const Request& request) const { return routes_->action(request) == Action::repository_load; }

bool Protocol::takes_body(const Request& request) const {
  const std::optional<Action> action = routes_->action(request);
  return action &&
         (serve::is_prediction(*action) || is_of_repository(*action) || serve::is_change(*action, request.method));
}

void Protocol::set_ready(bool ready) { routes_->ready = ready; }
bool Protocol::ready() const { return routes_->ready; }
bool Protocol::is_ready() const { return routes_->is_ready(); }
bool Protocol::save_state() { return routes_->save_state(); }

void Protocol::set_gauges(Gauges (*read)(const void* server), const void* server) {
  routes_->read_gauges = read;
  routes_->server = server;
}

const ProtocolOptions& Protocol::options() const { return routes_->options(); }

}  // namespace maas::inline MAAS_ABI::serve
