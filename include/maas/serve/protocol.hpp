// Protocol: from a request to its answer, as TensorFlow Serving and the Open Inference Protocol have it. Knows nothing
// of sockets.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "maas/core/scalar.hpp"
#include "maas/serve/repository.hpp"

namespace maas::inline MAAS_ABI::serve {

/// Names and values, in order; names are compared without regard to case.
using Headers = std::vector<std::pair<std::string, std::string>>;

/// What was asked.
struct Request {
  std::string method = "GET";  ///< in capitals
  std::string path = "/";      ///< as sent, still percent-encoded, without the query
  Headers headers = {};        ///< all that came
  std::string body = {};       ///< whole, without chunks
  /// When it arrived: deadlines count from here.
  std::chrono::steady_clock::time_point arrived = std::chrono::steady_clock::now();
  /// What is given back when the request ends; see Limits::token_calls.
  std::shared_ptr<const void> ticket = {};

  /// The first header of that name, whatever its case; null if there is none.
  const std::string* header(std::string_view name) const;
};

/// What is answered.
struct Response {
  int status = 200;                               ///< of HTTP
  std::string body = {};                          ///< JSON, JSON and bytes, or the text of metrics
  std::string content_type = "application/json";  ///< without parameters, as some clients compare all of it
  Headers headers = {};                           ///< beside Content-Type and Content-Length
};

/// What one request may ask for at most.
struct Limits {
  std::size_t body_bytes = std::size_t{64} << 20;  ///< a longer body is answered 413
  std::size_t json_depth = 32;              ///< lists and objects in each other, empty ones aside; deeper is a 400
  Index rows = 4096;                        ///< samples in one request; more is a 413
  Index tensor_elements = Index{16} << 20;  ///< numbers in one tensor, in or out; more is a 413
  std::size_t path_bytes = 8192;            ///< a longer path, over HTTP with its query, is answered 414
  std::size_t index_entries = 10000;        ///< versions that `/v2/repository/index` names; more are left out
  int token_calls = 0;  ///< predictions with one token that are under way at once; more is a 429; 0: any number
  std::chrono::milliseconds wait = std::chrono::seconds{10};  ///< from arrival to prediction; longer is a 504
};

/// How trainings are run by request. Each runs in a program of its own, at low priority; one at a time.
struct JobOptions {
  std::string folder = {};  ///< where they are kept, a folder each; empty: none are offered
  std::string data = {};    ///< the folder that all files of data must be in
  /// `maas`, called as `maas train RECIPE ...`, with `--check` when a job comes, and `maas evaluate MODEL DATA ...`;
  /// must be there.
  std::string program = {};
  std::uint64_t memory_bytes = std::uint64_t{4} << 30;  ///< of address space that one may take
  std::chrono::seconds time{86400};                     ///< that one may take; then it has failed
  /// Processors that one may use, the last ones of the server's own, and threads that it has; 0: all but one, as far as
  /// the control group pays for them, so that answers find one free. At least one, and at most all.
  int threads = 0;
  std::size_t queue = 16;                            ///< that may wait; more is a 429
  std::size_t upload_bytes = std::size_t{64} << 20;  ///< of files of data that come with one; more is a 413
};

/// How /v2 writes numbers that JSON has no text for: NaN and the infinities.
enum class NonFinite {
  tokens,  ///< NaN, Infinity and -Infinity, as Python's json reads and writes them
  null,    ///< null, for readers of strict JSON
  error    ///< not at all: the answer is a 500
};

/// How requests are answered.
struct ProtocolOptions {
  Limits limits = {};  ///< for each request
  /// Of outputs of /v2 in JSON; as bytes they are what they are, and /v1 always has the tokens.
  NonFinite v2_nonfinite = NonFinite::tokens;
  /// Whether an input of /v2 must have the datatype of the model, FP32, as Triton and TensorFlow Serving want it; else
  /// other types of numbers are converted.
  bool strict_dtypes = false;
  /// Whether a load may bring model files along (`file:VERSION/NAME`), for those who may change what is served.
  bool allow_upload = false;
  /// If not empty, all but health need `Authorization: Bearer TOKEN`; this one may do everything. It is compared in a
  /// time that does not tell how much of it was right.
  std::string token = {};
  /// A file of tokens, beside the one above; read again when it changes, and the tokens before stay where it cannot be
  /// read any more, of which `warn` is told at the next request. A line is `SCOPE[,SCOPE] SHA256 NAME`: the digest of
  /// the token in 64 hex digits, never the token itself. Or it is a token alone, which may do everything. # begins a
  /// comment. Scopes: `infer` (or `predict`), `metadata`, `metrics`, `admin`, `train`.
  std::string token_file = {};
  /// Lets everyone who may ask change what is served, where there are no tokens.
  bool open_admin = false;
  bool closed_health = false;  ///< whether health needs a token, too
  /// "/base": where a path begins with it, it is cut off. Must begin with a slash and not end in one.
  std::string base_path = {};
  /// Lets pages of any origin ask: `Access-Control-Allow-Origin: *` with each answer of a route, and OPTIONS is
  /// answered.
  bool cors = false;
  /// Predictions of at least so many bytes are compressed where the request's Accept-Encoding has gzip or deflate; 0:
  /// none is, as many clients ask for it with every call, and it costs more than it saves on a fast network.
  std::size_t compress_from = 0;
  std::size_t streams = 10000;   ///< sensors whose windows are held; more, and the longest silent ones are forgotten
  std::string stream_file = {};  ///< keeps these windows for the next start; empty: they are forgotten
  /// From one time that windows which have changed are added to the file to the next: what a crash can lose. 0: they
  /// are kept over a stop that is none.
  std::chrono::milliseconds stream_save = std::chrono::seconds{30};
  bool v1_strict = false;  ///< leaves what KServe wants beside TensorFlow Serving's members out of states of versions
  bool lenient = false;    ///< whether inputs that a model has not are passed over in `{"inputs": {...}}` of /v1
  bool triton_metrics = false;  ///< whether `/metrics` has what it counts under Triton's names, too
  /// Keeps what was counted for drift for the next start, at the end and every `stream_save`; empty: counts begin anew.
  std::string drift_file = {};
  JobOptions jobs = {};  ///< trainings; they need a repository that may be changed
  /// Is told, once, that state cannot be written for the next start, and once that it can again. Called by the threads
  /// that save.
  std::function<void(const std::string& text)> warn = {};
};

/// Numbers that the server reports beside the protocol's own.
struct Gauges {
  std::int64_t in_flight = 0;            ///< requests being received, waiting or being answered
  std::int64_t queued = 0;               ///< of these, those that wait for a worker
  std::uint64_t rejected_queue = 0;      ///< answered 503 since the start, as too many were waiting
  std::uint64_t rejected_model = 0;      ///< answered 429 since the start, as too many of one model were waiting
  std::uint64_t rejected_bytes = 0;      ///< answered 503 likewise, as too many bytes were being held
  std::uint64_t rejected_token = 0;      ///< answered 429 since the start, as too many with one token were under way
  std::uint64_t slow = 0;                ///< connections that were cut off, as their clients were too slow
  std::uint64_t rejected_deadline = 0;   ///< answered 504 as they waited, or before, as their time would not suffice
  std::uint64_t rejected_cancelled = 0;  ///< answered 499, as their clients had cancelled while they waited
  std::int64_t queued_rows = 0;          ///< samples of the requests that wait for a worker, about
  std::int64_t connections = 0;          ///< that are open
  std::uint64_t bytes_in = 0;            ///< of requests over HTTP since the start, heads and bodies
  std::uint64_t bytes_out = 0;           ///< of answers over HTTP since the start, bodies alone
  std::vector<std::pair<std::string, std::size_t>> queued_of_models = {};  ///< requests that wait, by model
};

/// What a prediction takes of the queue, and how much of it its model may take.
struct QueueClaim {
  std::size_t rows = 1;       ///< samples, about
  std::size_t most = 0;       ///< requests of the model that may wait; 0: as the server's options say
  std::size_t most_rows = 0;  ///< their samples, likewise
};

/// Answers requests from a repository. All members may be called from many threads at once.
///
/// Routes: `/v1/models...` (TensorFlow Serving: status, metadata, :predict in row and column form), `/v2...` (Open
/// Inference Protocol: health, metadata, infer in JSON and with binary tensors, repository), `/maas/v1/models...`
/// (labels, rollback, canary, shadow), `/openapi.json`, `/v1/jobs...` (trainings), `/v1/streams...` (windows of
/// sensors), `/metrics` (Prometheus),
/// `/healthz` and `/`. Errors are `{"error": "..."}`. Needs `maas::serve` to link.
class Protocol {
 public:
  /// The repository must outlive it; one that is const is not changed: calls that would are answered 501. Throws
  /// ConfigError for limits below 1 (those of streams and trainings among them), a json_depth above 1000, a base path
  /// of another form, or a folder of trainings' data that is none; FormatError for a file of tokens or a folder of
  /// trainings that cannot be read.
  Protocol(Repository& repository, ProtocolOptions options);
  Protocol(const Repository& repository, ProtocolOptions options);
  Protocol(const Protocol&) = delete;
  Protocol& operator=(const Protocol&) = delete;
  ~Protocol();

  /// The answer, for good or bad: whatever goes wrong becomes a status and an error text. Never throws for what a
  /// client has sent; only memory that runs out while the error itself is written may.
  Response answer(const Request& request);
  /// The same, of a prediction that is likely to take no longer than that by what runs of its version took when it was
  /// taken up (Servable::run_costs); nothing for others, of which nothing has been counted then.
  std::optional<Response> answer_within(const Request& request, std::chrono::nanoseconds most);
  /// The answers to several predictions, in their order; those that ask the same version run together. Each is what it
  /// would be alone, bit for bit.
  std::vector<Response> answer_together(std::span<const Request* const> requests);
  /// Requests of the same key may run together; empty for those that may not.
  std::string joint(const Request& request) const;
  /// The model that a request is about, empty for none; good until this thread asks about another request.
  std::string_view model(const Request& request) const;
  /// How many requests like this one are worth running together.
  std::size_t most_together(const Request& request) const;
  /// What can be said before the body has come, of a request whose `body` is still empty: a missing token, an unknown
  /// path or model, a method that is not allowed, a verb that is not offered, too many predictions with the token.
  /// Nothing if the body is worth waiting for; then the request may hold a ticket.
  std::optional<Response> refuse(Request& head);
  /// Whether the answer needs a prediction: then it may take long.
  bool is_prediction(const Request& request) const;
  /// Whether the answer changes what is served: then it may wait for a file to be read.
  bool is_change(const Request& request) const;
  /// Whether the answer tells of all models at length: then it takes a processor for as long as it is written.
  bool is_document(const Request& request) const;
  /// Whether it asks for a training: then the answer waits until its recipe has been looked at.
  bool is_submission(const Request& request) const;
  /// Whether a body may come with it.
  bool takes_body(const Request& request) const;
  /// Whether it asks for a load.
  bool is_load(const Request& request) const;
  /// What a prediction takes of the queue: its samples, about, by its bytes, what they hold and the model's inputs, are
  /// at least 1.
  QueueClaim queue_claim(const Request& request) const;
  /// When a prediction comes too late, by the server's limit and its header.
  std::chrono::steady_clock::time_point deadline(const Request& request) const;
  /// The answer to a prediction that comes too late, or would: a 504, counted.
  Response late(const Request& request, std::string_view why);
  /// The answer to a request whose client cancelled it while it waited: a 499, counted.
  Response cancelled(const Request& request);
  /// Counts an answer that was made without this class, for the metrics.
  void count(const Request& request, const Response& response);

  /// Whether `/v2/health/ready` says so while all models that are required answer; true at first.
  void set_ready(bool ready);
  /// What it was set to last.
  bool ready() const;
  /// Writes what is kept for the next start and has changed, as the destructor does, too. False where a file cannot be
  /// written.
  bool save_state();
  /// What `/v2/health/ready` says now.
  bool is_ready() const;
  /// What `/metrics` is to say of the server; without it those lines are 0.
  void set_gauges(Gauges (*read)(const void* server), const void* server);

  /// As they were given.
  const ProtocolOptions& options() const;

 private:
  class Routes;
  std::unique_ptr<Routes> routes_;
};

/// An answer of the form `{"error": "text"}`, as all errors are; of a longer text the first 1000 bytes.
Response error_response(int status, std::string_view text);

}  // namespace maas::inline MAAS_ABI::serve
