// HTTP: requests whole, answers now or later. The library behind it stays in http.cpp.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "maas/serve/protocol.hpp"

namespace maas::inline MAAS_ABI::serve {

/// An address in numbers as it is, written the usual way; of the name of a host its first one of IPv4, else its first.
/// Throws ConfigError for what is neither.
std::string address_in_numbers(const std::string& text);

struct HttpOptions {
  std::string address{};
  int port = 0;
  unsigned connections = 1;
  std::size_t header_bytes = 0, body_bytes = 0, held_bytes = 0;
  std::size_t headers = 100, uri_bytes = 8192;  ///< most of one request
  std::chrono::seconds idle{}, receive{};
  std::chrono::milliseconds head{10'000}, body_grace{10'000}, write{30'000};
  std::uint64_t body_rate = 16 << 10;
  std::string certificate{}, key{};  ///< PEM texts; both empty for no TLS
  Headers always{};                  ///< of every answer that has them not
};

/// What a server counts; it belongs to whoever started it, as its threads may ask before its constructor has returned.
/// The thread that moves bytes is the only one that changes all but held_beside and slow.
struct HttpCounters {
  std::atomic<std::int64_t> in_flight{0};    ///< requests whose head has come and whose answer has not yet gone
  std::atomic<std::uint64_t> rejected{0};    ///< answered 503, as too many bytes of bodies were held
  std::atomic<std::size_t> held{0};          ///< bytes of bodies and answers
  std::atomic<std::size_t> held_beside{0};   ///< those of requests that came by another way than HTTP
  std::atomic<std::uint64_t> slow{0};        ///< connections cut off: their clients were too slow
  std::atomic<std::int64_t> connections{0};  ///< that are open
  std::atomic<std::uint64_t> bytes_in{0};    ///< of heads and bodies that have come
  std::atomic<std::uint64_t> bytes_out{0};   ///< of bodies of answers
};

/// A 503: no more bytes are held. `wait`: after how long there may be room.
Response too_many_bytes_answer(std::chrono::nanoseconds wait);

/// An error for where memory has run out: with its text if there is some for that, else the status alone.
Response answer_of_failure(int status, std::string_view text) noexcept;

/// Says in an answer that has a Retry-After after how long to come again: whole seconds, at least 1.
void set_retry_after(Response& response, std::chrono::nanoseconds wait);

/// A request that waits for its answer. It stays until finish() is called, from any thread and once.
class PendingAnswer {
 public:
  virtual const Request& request() const = 0;
  virtual void finish(Response response) = 0;
  /// Whether its client is known to want no answer any more. May take a system call; not after finish().
  virtual bool is_cancelled() const { return false; }

 protected:
  ~PendingAnswer() = default;
};

/// Who answers. All members are called on the thread that moves bytes, so they must not take long.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  /// An answer to the head of a request that makes its body needless; nothing lets the body come.
  virtual std::optional<Response> refuse(Request& head) = 0;
  /// Whether a body may come; one that is declared all the same is answered 413.
  virtual bool takes_body(const Request& head) = 0;
  /// The answer; or nothing, and answer_later is called next.
  virtual std::optional<Response> answer_now(const Request& request) = 0;
  /// Hands the request on, or finishes it. Where it throws it has done neither, and the answer is a 500.
  virtual void answer_later(PendingAnswer& pending) = 0;
  /// How long what waits is likely to take.
  virtual std::chrono::nanoseconds likely_wait() const { return std::chrono::nanoseconds(0); }
  /// An answer was given without asking: a limit of HTTP was met.
  virtual void answered(const Request& head, const Response& response) = 0;
};

/// Listens and answers until it is destroyed, on one thread of its own. Handler and counters must outlive it.
class HttpServer {
 public:
  /// Throws ConfigError for an address that is none, or cannot be listened on.
  HttpServer(const HttpOptions& options, HttpHandler& handler, HttpCounters& counters);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  /// Closes all connections. No answer may be pending.
  ~HttpServer();

  int port() const;
  /// Connections are refused from now on; those that are open close with their next answer.
  void stop_accepting();

 private:
  class Daemon;
  std::unique_ptr<Daemon> daemon_;
};

}  // namespace maas::inline MAAS_ABI::serve
