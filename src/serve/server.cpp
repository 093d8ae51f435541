#include "maas/serve/server.hpp"

#include <algorithm>
#include <future>
#include <iterator>
#include <mutex>
#include <thread>

#include "maas/core/read_file.hpp"
#include "serve/cors.hpp"
#include "serve/http.hpp"
#include "serve/load_calls.hpp"
#include "serve/workers.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

void check(const ServerOptions& options) {
  require<ConfigError>(options.port >= 0 && options.port <= 65535, "server: expected a port from 0 to 65535, got {}",
                       options.port);
  require<ConfigError>(options.threads >= 0 && options.threads <= 1024, "server: expected 0 to 1024 threads, got {}",
                       options.threads);
  require<ConfigError>(options.connections >= 1, "server: expected at least 1 connection, got {}", options.connections);
  require<ConfigError>(options.header_bytes >= 256 && options.header_bytes <= (std::size_t{1} << 20),
                       "server: expected header_bytes from 256 to 1048576, got {}", options.header_bytes);
  require<ConfigError>(options.headers >= 1 && options.headers <= 256, "server: expected headers from 1 to 256, got {}",
                       options.headers);
  require<ConfigError>(options.pipelined_requests == 1,
                       "server: pipelined requests: expected 1, as the HTTP library begins a connection's next request "
                       "only when the one before has been answered, got {}",
                       options.pipelined_requests);
  require<ConfigError>(options.idle.count() >= 1 && options.idle.count() <= 86400,
                       "server: expected an idle time from 1 s to a day, got {} s", options.idle.count());
  require<ConfigError>(options.receive.count() >= 0, "server: expected a receive time of at least 0, got {} s",
                       options.receive.count());
  require<ConfigError>(options.drain.count() >= 0, "server: expected a drain time of at least 0, got {} ms",
                       options.drain.count());
  require<ConfigError>(
      options.head.count() >= 10 && options.body_grace.count() >= 10 && options.write.count() >= 10,
      "server: expected at least 10 ms for a head, for a body and for an answer, got {} ms, {} ms and {} ms",
      options.head.count(), options.body_grace.count(), options.write.count());
  require<ConfigError>(options.load.count() >= 1, "server: expected at least 1 ms for a load, got {} ms",
                       options.load.count());
  require<ConfigError>(options.model_rows >= 1, "server: expected at least 1 row of a model, got 0");
  require<ConfigError>(options.at_once.count() >= 0 && options.at_once.count() <= 1'000'000,
                       "server: expected at_once from 0 to 1 s, got {} us", options.at_once.count());
  require<ConfigError>(options.certificate_file.empty() == options.key_file.empty(),
                       "server: expected a certificate and its key, got one of them");
}

// Options with the address in numbers, whatever name it was given by.
ServerOptions checked(const ServerOptions& given) {
  check(given);
  ServerOptions options = given;
  options.address = address_in_numbers(given.address);
  const bool is_loopback = options.address.starts_with("127.") || options.address == "::1";
  require<ConfigError>(is_loopback || options.insecure || !options.token.empty() || !options.token_file.empty(),
                       "server: {}{} can be reached from other machines: expected a token, or insecure, got neither",
                       given.address, given.address == options.address ? "" : " (" + options.address + ")");
  return options;
}

std::string content_of(const std::string& path) {
  if (path.empty()) return {};
  std::string content = read_file(path);
  require<FormatError>(!content.empty(), "{}: expected a text in PEM form, got nothing", path);
  return content;
}

int threads_of(const ServerOptions& options) {
  return options.threads > 0 ? options.threads : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

}  // namespace

namespace {

// A request whose thread waits for the answer.
class Waiting final : public PendingAnswer {
 public:
  Waiting(Request request, const std::function<bool()>& is_cancelled)
      : request_(std::move(request)), is_cancelled_(is_cancelled) {}
  const Request& request() const override { return request_; }
  void finish(Response response) override { promise_.set_value(std::move(response)); }
  bool is_cancelled() const override { return is_cancelled_ && is_cancelled_(); }
  Response answer() { return promise_.get_future().get(); }

 private:
  const Request request_;
  const std::function<bool()>& is_cancelled_;
  std::promise<Response> promise_{};
};

}  // namespace

class Server::Running final : public HttpHandler {
 public:
  // A repository that may be changed, or one that may not.
  template <class Served>
  Running(Served& repository, const ServerOptions& options)
      : options_(options),
        protocol_(repository, {.limits = options.limits,
                               .v2_nonfinite = options.v2_nonfinite,
                               .strict_dtypes = options.strict_dtypes,
                               .allow_upload = options.allow_upload,
                               .token = options.token,
                               .token_file = options.token_file,
                               .open_admin = options.open_admin,
                               .closed_health = options.closed_health,
                               .base_path = options.base_path,
                               .cors = options.cors,
                               .compress_from = options.compress_from,
                               .streams = options.streams,
                               .stream_file = options.stream_file,
                               .stream_save = options.stream_save,
                               .v1_strict = options.v1_strict,
                               .lenient = options.lenient,
                               .triton_metrics = options.triton_metrics,
                               .drift_file = options.drift_file,
                               .jobs = options.jobs,
                               .warn = options.warn}),
        counters_(),  // named here for clang, which does not see that it is there before what follows
        loads_(options.load, &counters_.held_beside),
        changes_(
            1, most_changes, [this](const Request& request) { return protocol_.answer(request); }, {}, {}, {},
            [this](const Request& request) { return cancelled(request); }),
        documents_(
            1, most_documents, [this](const Request& request) { return protocol_.answer(request); }, {}, {}, {},
            [this](const Request& request) { return cancelled(request); }),
        submissions_(
            1, most_changes, [this](const Request& request) { return protocol_.answer(request); }, {}, {}, {},
            [this](const Request& request) { return cancelled(request); }),
        workers_(
            threads_of(options), options.queue, [this](const Request& request) { return protocol_.answer(request); },
            options.batching ? joining() : Joining(),
            {.model = [this](const Request& request) { return protocol_.model(request); },
             .most = options.model_queue,
             .claim = [this](const Request& request) { return protocol_.queue_claim(request); },
             .most_rows = options.model_rows},
            {.of = [this](const Request& request) { return protocol_.deadline(request); },
             .late = [this](const Request& request) { return late(request, "the deadline passed while waiting"); }},
            [this](const Request& request) { return cancelled(request); }) {
    protocol_.set_gauges([](const void* self) { return static_cast<const Running*>(self)->gauges(); }, this);
    http_ = std::make_unique<HttpServer>(HttpOptions{.address = options.address,
                                                     .port = options.port,
                                                     .connections = options.connections,
                                                     .header_bytes = options.header_bytes,
                                                     .body_bytes = options.limits.body_bytes,
                                                     .held_bytes = options.held_bytes,
                                                     .headers = options.headers,
                                                     .uri_bytes = options.limits.path_bytes,
                                                     .idle = options.idle,
                                                     .receive = options.receive,
                                                     .head = options.head,
                                                     .body_grace = options.body_grace,
                                                     .write = options.write,
                                                     .body_rate = options.body_rate,
                                                     .certificate = content_of(options.certificate_file),
                                                     .key = content_of(options.key_file),
                                                     .always = options.cors ? any_origin() : Headers()},
                                         *this, counters_);
    port_ = http_->port();
  }
  ~Running() { stop(); }

  int port() const { return port_; }
  std::string url() const {
    const bool is_ipv6 = options_.address.find(':') != std::string::npos;
    return fmt::format("{}://{}{}{}:{}", options_.certificate_file.empty() ? "http" : "https", is_ipv6 ? "[" : "",
                       options_.address, is_ipv6 ? "]" : "", port_);
  }
  const ServerOptions& options() const { return options_; }
  bool is_ready() const { return protocol_.is_ready(); }
  void set_not_ready() { protocol_.set_ready(false); }
  bool save_state() { return protocol_.save_state(); }

  Response answer(Request request, const std::function<bool()>& is_cancelled) {
    if (std::optional<Response> refused = refuse(request)) return *std::move(refused);
    const HeldBeside held(counters_, request.body.size());
    if (!held.fits(options_.held_bytes)) return too_many_bytes(request);
    if (std::optional<Response> answered = answer_without_run(request)) return *std::move(answered);
    Waiting waiting(std::move(request), is_cancelled);
    answer_later(waiting);
    return waiting.answer();
  }

  void stop_accepting() {
    const std::lock_guard one_at_a_time(stopping_);
    begin_stop();
  }

  bool stop() {
    const std::lock_guard one_at_a_time(stopping_);
    if (!http_) return true;
    begin_stop();
    wait_until_idle(drain_end_);
    const bool in_time = counters_.in_flight == 0;
    workers_.stop();
    changes_.stop();
    documents_.stop();
    submissions_.stop();
    // For what was told that it came too late.
    wait_until_idle(std::chrono::steady_clock::now() + std::chrono::seconds(1));
    http_.reset();
    return in_time;
  }

 private:
  // Bytes of a request that came by another way than HTTP, for as long as it is answered.
  class HeldBeside {
   public:
    HeldBeside(HttpCounters& counters, std::size_t bytes)
        : counters_(counters), bytes_(bytes), all_((counters.held_beside += bytes) + counters.held) {}
    HeldBeside(const HeldBeside&) = delete;
    HeldBeside& operator=(const HeldBeside&) = delete;
    ~HeldBeside() { counters_.held_beside -= bytes_; }
    bool fits(std::size_t most) const { return bytes_ == 0 || all_ <= most; }

   private:
    HttpCounters& counters_;
    const std::size_t bytes_, all_;
  };

  Response too_many_bytes(const Request& request) {
    ++counters_.rejected;
    Response response = too_many_bytes_answer(likely_wait());
    protocol_.count(request, response);
    return response;
  }

  // Where the queue is full, a body need not be read to be told so: unless it may be answered at once, which those are
  // not whose like wait already.
  std::optional<Response> refuse(Request& head) override {
    if (std::optional<Response> refused = protocol_.refuse(head)) {
      if (refused->status == 429) {
        ++rejected_token_;
        set_retry_after(*refused, likely_wait());
      }
      return refused;
    }
    if (workers_.has_room_for_all() || !protocol_.is_prediction(head)) return std::nullopt;
    const Room room = workers_.room(protocol_.model(head));
    if (room == Room::enough || (options_.at_once.count() > 0 && !waits_behind_others(head))) return std::nullopt;
    head.ticket.reset();
    return no_room(head, workers_, room);
  }

  bool takes_body(const Request& head) override { return protocol_.takes_body(head); }

  std::optional<Response> answer_now(const Request& request) override {
    if (std::optional<Response> answered = answer_without_run(request)) return answered;
    if (options_.at_once.count() == 0 || waits_behind_others(request)) return std::nullopt;
    return protocol_.answer_within(request, options_.at_once);
  }

  std::optional<Response> answer_without_run(const Request& request) {
    if (protocol_.is_prediction(request) || protocol_.is_change(request) || protocol_.is_document(request))
      return std::nullopt;
    return protocol_.answer(request);
  }

  // While others of its kind wait, the best is to join them.
  bool waits_behind_others(const Request& request) const {
    return workers_.queued() > 0 && workers_.has_waiting(protocol_.joint(request));
  }

  void answer_later(PendingAnswer& pending) override {
    if (protocol_.is_load(pending.request())) return load_later(pending);
    const Request& request = pending.request();
    Workers& workers = workers_for(request);
    if (const Room room = workers.add(pending); room != Room::enough)
      pending.finish(no_room(pending.request(), workers, room));
  }

  Workers& workers_for(const Request& request) {
    if (protocol_.is_change(request)) return protocol_.is_submission(request) ? submissions_ : changes_;
    return protocol_.is_document(request) ? documents_ : workers_;
  }

  void load_later(PendingAnswer& pending) {
    PendingAnswer* const load = loads_.begin(pending, protocol_.model(pending.request()));
    if (load == nullptr) {
      Response response = error_response(409, "load: another one of this model is under way, with other parameters");
      protocol_.count(pending.request(), response);
      return pending.finish(std::move(response));
    }
    Room room = Room::none;
    try {
      room = changes_.add(*load);
    } catch (...) {  // no memory: as where there is no room
    }
    if (room == Room::enough) return;
    Response response = answer_of_failure(503, "too many requests are waiting; try again");
    try {
      response = no_room(load->request(), changes_, room);
    } catch (...) {  // no memory: this answer is enough, and the load must not stay
    }
    load->finish(std::move(response));
  }

  std::chrono::nanoseconds likely_wait() const override { return workers_.likely_wait(); }

  Response late(const Request& request, std::string_view why) {
    ++rejected_deadline_;
    Response response = protocol_.late(request, why);
    set_retry_after(response, workers_.likely_wait());
    return response;
  }

  Response cancelled(const Request& request) {
    ++rejected_cancelled_;
    return protocol_.cancelled(request);
  }

  Response no_room(const Request& request, const Workers& workers, Room room) {
    if (room == Room::none_in_time) return late(request, "the deadline would pass while waiting; try again");
    const bool is_model = room == Room::none_for_model;
    ++(is_model ? rejected_model_ : rejected_);
    Response response = is_model ? error_response(429, "too many requests for this model are waiting; try again")
                                 : error_response(503, "too many requests are waiting; try again");
    set_retry_after(response, workers.likely_wait());
    protocol_.count(request, response);
    return response;
  }

  void answered(const Request& head, const Response& response) override { protocol_.count(head, response); }

  Joining joining() {
    return {.key = [this](const Request& request) { return protocol_.joint(request); },
            .most = [this](const Request& request) { return protocol_.most_together(request); },
            .answer = [this](std::span<const Request* const> requests) { return protocol_.answer_together(requests); }};
  }

  Gauges gauges() const {
    return {.in_flight = counters_.in_flight,
            .queued = static_cast<std::int64_t>(workers_.queued()),
            .rejected_queue = rejected_,
            .rejected_model = rejected_model_,
            .rejected_bytes = counters_.rejected,
            .rejected_token = rejected_token_,
            .slow = counters_.slow,
            .rejected_deadline = rejected_deadline_,
            .rejected_cancelled = rejected_cancelled_,
            .queued_rows = static_cast<std::int64_t>(workers_.queued_rows()),
            .connections = counters_.connections,
            .bytes_in = counters_.bytes_in,
            .bytes_out = counters_.bytes_out,
            .queued_of_models = options_.triton_metrics ? workers_.queued_of_models()
                                                        : std::vector<std::pair<std::string, std::size_t>>()};
  }

  // With stopping_ held.
  void begin_stop() {
    if (is_stopping_ || !http_) return;
    is_stopping_ = true;
    set_not_ready();
    http_->stop_accepting();
    drain_end_ = std::chrono::steady_clock::now() + options_.drain;
  }

  void wait_until_idle(std::chrono::steady_clock::time_point end) const {
    while (counters_.in_flight > 0 && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  static constexpr std::size_t most_changes = 64, most_documents = 16;  // that may wait

  const ServerOptions options_;
  Protocol protocol_;
  HttpCounters counters_{};
  std::atomic<std::uint64_t> rejected_{0}, rejected_model_{0}, rejected_token_{0}, rejected_deadline_{0},
      rejected_cancelled_{0};
  LoadCalls loads_;      // ends after those who answer them
  Workers changes_;      // on a thread of their own: they wait for files to be read
  Workers documents_;    // likewise: of many models they take long to write
  Workers submissions_;  // likewise: another program looks at their recipes
  Workers workers_;
  std::unique_ptr<HttpServer> http_{};  // ends before the workers it hands to; its thread does not look at it
  int port_ = 0;
  std::mutex stopping_{};  // guards what follows
  bool is_stopping_ = false;
  std::chrono::steady_clock::time_point drain_end_{};
};

Server::Server(Repository& repository, ServerOptions options)
    : running_(std::make_unique<Running>(repository, checked(options))) {}
Server::Server(const Repository& repository, ServerOptions options)
    : running_(std::make_unique<Running>(repository, checked(options))) {}
Server::~Server() = default;

int Server::port() const { return running_->port(); }
std::string Server::url() const { return running_->url(); }
const ServerOptions& Server::options() const { return running_->options(); }
Response Server::answer(Request request, const std::function<bool()>& is_cancelled) {
  return running_->answer(std::move(request), is_cancelled);
}
bool Server::is_ready() const { return running_->is_ready(); }
void Server::set_not_ready() { running_->set_not_ready(); }
void Server::stop_accepting() { running_->stop_accepting(); }
bool Server::stop() { return running_->stop(); }
bool Server::save_state() { return running_->save_state(); }

}  // namespace maas::inline MAAS_ABI::serve
