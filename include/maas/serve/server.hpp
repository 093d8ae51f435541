// Server: answers over HTTP, out of a repository.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "maas/core/scalar.hpp"
#include "maas/serve/protocol.hpp"
#include "maas/serve/repository.hpp"

namespace maas::inline MAAS_ABI::serve {

/// Where and how to serve. Each limit is there so that no client can take all of the machine.
struct ServerOptions {
  std::string address = "127.0.0.1";           ///< in numbers, "0.0.0.0" is all of IPv4; or the name of a host
  int port = 8080;                             ///< 0: any that is free, see Server::port
  std::string token = {};                      ///< see ProtocolOptions::token
  std::string token_file = {};                 ///< see ProtocolOptions::token_file
  bool open_admin = false;                     ///< see ProtocolOptions::open_admin
  bool closed_health = false;                  ///< see ProtocolOptions::closed_health
  std::string base_path = {};                  ///< see ProtocolOptions::base_path
  bool cors = false;                           ///< see ProtocolOptions::cors
  bool v1_strict = false;                      ///< see ProtocolOptions::v1_strict
  bool lenient = false;                        ///< see ProtocolOptions::lenient
  bool triton_metrics = false;                 ///< see ProtocolOptions::triton_metrics
  NonFinite v2_nonfinite = NonFinite::tokens;  ///< see ProtocolOptions::v2_nonfinite
  bool strict_dtypes = false;                  ///< see ProtocolOptions::strict_dtypes
  bool allow_upload = false;                   ///< see ProtocolOptions::allow_upload
  JobOptions jobs = {};                        ///< see ProtocolOptions::jobs
  std::size_t streams = 10000;                 ///< see ProtocolOptions::streams
  std::string stream_file = {};                ///< see ProtocolOptions::stream_file
  std::chrono::milliseconds stream_save = std::chrono::seconds{30};  ///< see ProtocolOptions::stream_save
  std::string drift_file = {};                                       ///< see ProtocolOptions::drift_file
  std::function<void(const std::string& text)> warn = {};            ///< see ProtocolOptions::warn
  std::size_t compress_from = 0;                                     ///< see ProtocolOptions::compress_from
  /// Files in PEM form: the server's certificate, with those between it and the root, and its key. Both, and TLS is
  /// spoken; read once.
  std::string certificate_file = {}, key_file = {};
  bool insecure = false;  ///< lets an address beyond the loopback be served without a token
  Limits limits = {};     ///< of each request
  int threads = 0;        ///< that predict; 0: as many as the machine has
  /// Whether predictions of one version that wait for a thread are joined to one run, of at most Servable::batch_rows
  /// samples. None waits for others; and answers are the same, bit for bit.
  bool batching = true;
  /// Predictions that are likely to take no longer are answered by the thread that reads requests, beside the others:
  /// handing them to another thread costs more. Not while others of the version wait for a thread. 0: none are.
  std::chrono::microseconds at_once{50};
  std::size_t queue = 2048;        ///< predictions that may wait for a thread; more is a 503
  std::size_t model_queue = 1024;  ///< of these, those of one model; more is a 429
  std::size_t model_rows = 16384;  ///< samples of them, about; one request alone may have more
  /// A load that takes longer is answered 504, and goes on.
  std::chrono::milliseconds load = std::chrono::seconds{300};
  std::size_t held_bytes = std::size_t{256} << 20;  ///< of bodies that come and answers that go; more is a 503
  unsigned connections = 4096;                      ///< open at once; others wait until one closes
  std::size_t header_bytes = 16 << 10;              ///< of one request; more is a 431
  std::size_t headers = 100;                        ///< of one request, at most 256; more is a 431
  /// Requests of one connection that are worked on at once: 1 and no other. The HTTP library begins the next one only
  /// when the one before has been answered, and of what follows it reads ahead only what its memory of the connection
  /// holds; the rest waits in the system's buffers, and then the client waits. So there is nothing to choose.
  unsigned pipelined_requests = 1;
  std::chrono::seconds idle{75};    ///< a connection on which nothing moves for so long is closed
  std::chrono::seconds receive{0};  ///< a body that takes longer to come is given up, however fast it comes; 0: none is
  /// From the first byte of a head to its last; longer is a 408, and the connection closes.
  std::chrono::milliseconds head = std::chrono::seconds{10};
  /// A body may come at any rate for `body_grace`, then at `body_rate` bytes a second overall, 0 for any; slower is a
  /// 408, and the connection closes.
  std::chrono::milliseconds body_grace = std::chrono::seconds{10};
  std::uint64_t body_rate = 16 << 10;
  /// In so long a client must take 64 KiB of its answer, or all of it; who is slower is cut off.
  std::chrono::milliseconds write = std::chrono::seconds{30};
  std::chrono::milliseconds drain = std::chrono::seconds{25};  ///< how long stop() waits for requests in flight
};

/// An HTTP server in this process. It answers from its first moment to stop(). Needs `maas::serve` to link.
class Server {
 public:
  /// Starts. The repository must outlive the server; one that is const is served but not changed: calls that would are
  /// answered 501. Throws ConfigError for options out of their range, for an address
  /// beyond the loopback without a token (unless `insecure`), or where the address cannot be listened on; FormatError
  /// for a file of tokens, a certificate or a key that cannot be read; and what Protocol throws.
  explicit Server(Repository& repository, ServerOptions options = {});
  explicit Server(const Repository& repository, ServerOptions options = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  /// Stops.
  ~Server();

  /// The port it listens on.
  int port() const;
  /// "http://127.0.0.1:8080".
  std::string url() const;

  /// As they were given.
  const ServerOptions& options() const;

  /// Answers a request that came by another way than HTTP, with the same limits: a prediction waits in the same queue,
  /// and its body is among the held bytes until this returns. May be called from many threads at once, until stop() is
  /// called. `is_cancelled` says whether nobody wants the answer any more; it is asked, where it is given, by the
  /// thread that takes the request out of the queue, and if so the request is not run: the answer is a 499. (If it
  /// throws, that is taken for no.) A load that waits is made all the same.
  Response answer(Request request, const std::function<bool()>& is_cancelled = {});

  /// What `/v2/health/ready` says now.
  bool is_ready() const;
  /// Makes `/v2/health/ready` say no, while all else is still answered: the first step of a drain, for whoever sends
  /// requests here to notice.
  void set_not_ready();
  /// Not ready any more, and takes no more connections; those that are open close with their next answer. The time of
  /// ServerOptions::drain begins. Calls after the first do nothing.
  void stop_accepting();
  /// stop_accepting(), answers what is in flight, closes. True if all of it was answered within ServerOptions::drain;
  /// what still waited by then got a 503, and what was still being received was dropped. Predictions that run are
  /// always waited for. Calls after the first do nothing.
  bool stop();
  /// Writes what is kept for the next start (streams, drift, trainings); best after stop(). False where it could not be
  /// written, of which ServerOptions::warn was told.
  bool save_state();

 private:
  class Running;
  std::unique_ptr<Running> running_;
};

}  // namespace maas::inline MAAS_ABI::serve
