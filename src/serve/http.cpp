#include "serve/http.hpp"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <ctime>
#include <exception>
#include <new>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "maas/core/error.hpp"
#include "serve/idle_memory.hpp"
#include "serve/slow_clients.hpp"
#include "serve/text.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

constexpr std::size_t no_place = ~std::size_t{0};
// A refused body is read and thrown away up to this size, as a client that is still sending may miss an answer that
// comes before a closed connection; a larger one is not worth it.
constexpr std::size_t most_swallowed = std::size_t{1} << 20;
// What is made ready for a body that has only been declared: the rest is taken as it comes.
constexpr std::size_t most_reserved = std::size_t{1} << 20;

struct Address {
  sockaddr_storage storage{};
  bool is_ipv6 = false;

  Address(const std::string& text, int port) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    if (::inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
      v4->sin_family = AF_INET;
      v4->sin_port = htons(static_cast<std::uint16_t>(port));
      return;
    }
    is_ipv6 = ::inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1;
    require<ConfigError>(is_ipv6, "server: expected an address in numbers, as 127.0.0.1 or ::1, got \"{}\"", text);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<std::uint16_t>(port));
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

std::string text_of(const addrinfo& address) {
  std::array<char, NI_MAXHOST> text{};
  const int problem =
      ::getnameinfo(address.ai_addr, address.ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
  return problem == 0 ? text.data() : "";
}

// What the library needs for a connection beside a head of the allowed size: where each header is, the head of the
// answer, and some of the body. What is larger it refuses itself, with a page of its own. More than 32 KiB it takes
// from the system rather than from the heap, so that the memory of idle connections can be given back.
std::size_t block_bytes(std::size_t header_bytes) {
  constexpr std::size_t least = 36 << 10, beside = 20 << 10;
  return std::max(header_bytes + beside, least);
}

// Calls `take` with the name and the value of each header, as long as it says so. What it throws passes by the library,
// which is C.
template <class Take>
void for_each_header(MHD_Connection* connection, const Take& take) {
  struct Taking {
    const Take& take;
    std::exception_ptr failure{};
  } taking{take};
  MHD_get_connection_values(
      connection, MHD_HEADER_KIND,
      [](void* to, MHD_ValueKind, const char* name, const char* value) {
        auto& [each, failure] = *static_cast<Taking*>(to);
        try {
          return each(name, value) ? MHD_YES : MHD_NO;
        } catch (...) {
          failure = std::current_exception();
          return MHD_NO;
        }
      },
      &taking);
  if (taking.failure != nullptr) std::rethrow_exception(taking.failure);
}

// Into headers that are there, as those of the request before: their texts have room.
void read_headers(MHD_Connection* connection, Headers& headers, std::size_t most_headers) {
  std::size_t count = 0;
  for_each_header(connection, [&](const char* name, const char* value) {
    if (count == headers.size()) headers.emplace_back();
    headers[count].first = name;
    headers[count].second = value == nullptr ? "" : value;
    return ++count <= most_headers;
  });
  headers.resize(count);
}

std::size_t head_bytes(MHD_Connection* connection) {
  const MHD_ConnectionInfo* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  return info == nullptr ? 0 : info->header_size;
}

// A head as the library holds it: in one piece, with path, names and values at places of it. Where the places and all
// bytes are those of the head before, it says the same and need not be taken again.
class KeptHead {
 public:
  // `first` is where the head begins, of `size` bytes.
  bool is_same(MHD_Connection* connection, const char* first, const char* path, std::size_t size) const {
    if (bytes_.empty() || size != bytes_.size() || place(first, path) != path_) return false;
    std::size_t count = 0;
    bool is_same = true;
    for_each_header(connection, [&](const char* name, const char* value) {
      is_same = count < headers_.size() && headers_[count] == Places(place(first, name), place(first, value));
      ++count;
      return is_same;
    });
    // Only now are there as many bytes for sure.
    return is_same && count == headers_.size() && std::memcmp(first, bytes_.data(), bytes_.size()) == 0;
  }

  // Keeps it for the next one in the place of none, unless the library has put a part of it elsewhere.
  void keep(MHD_Connection* connection, const char* first, const char* path, std::size_t most) {
    const std::size_t size = head_bytes(connection);
    for_each_header(connection, [&](const char* name, const char* value) {
      headers_.emplace_back(place(first, name), place(first, value));
      return headers_.size() <= most;
    });
    path_ = place(first, path);
    is_plain_ = headers_.size() <= most && is_plain({first, size});
    const auto is_in = [&](std::size_t place) { return place < size; };
    if (size > most_bytes || headers_.empty() || headers_.size() > most || !is_in(path_)) return;
    if (std::ranges::all_of(headers_, [&](const Places& each) { return is_in(each.first) && is_in(each.second); }))
      bytes_.assign(first, size);
  }

  void forget() {
    bytes_.clear();
    headers_.clear();
    is_plain_ = false;
  }

  // Whether that which was to be kept last is written in one way only: each line ends in CR LF and holds no other CR,
  // LF or zero byte, and no line goes on from the one before.
  bool is_plain() const { return is_plain_; }

 private:
  using Places = std::pair<std::size_t, std::size_t>;
  static constexpr std::size_t most_bytes = 4096;  // longer ones are rare, and not worth holding

  // Beyond any head for a text that lies before it, or is none.
  static std::size_t place(const char* first, const char* text) {
    return static_cast<std::size_t>(reinterpret_cast<std::uintptr_t>(text) - reinterpret_cast<std::uintptr_t>(first));
  }

  // The library ends texts with zeros where they are: names in the place of their colon, lines in that of CR and LF,
  // with one zero for a lone LF. It takes a folded line together elsewhere. So each text must begin where the end of
  // the one before says.
  bool is_plain(std::string_view head) const {
    const auto end_of = [&](std::size_t text) { return text < head.size() ? head.find('\0', text) : no_place; };
    const auto is_line_end = [&](std::size_t at) {
      return at < head.size() && head.size() - at >= 2 && head[at] == '\0' && head[at + 1] == '\0';
    };
    if (head.find_first_of("\r\n") != no_place || end_of(0) + 1 != path_) return false;
    constexpr std::string_view version = "HTTP/1.";
    std::size_t next = headers_.empty() ? head.size() - 2 : headers_[0].first;
    const std::size_t version_bytes = version.size() + 1;  // "HTTP/1.1"
    if (next >= head.size() || next < path_ + version_bytes + 2 || !is_line_end(next - 2) ||
        head.substr(next - 2 - version_bytes, version.size()) != version)
      return false;
    for (const auto& [name, value] : headers_) {
      if (name != next || end_of(name) == no_place) return false;
      if (head.find_first_not_of(" \t", end_of(name) + 1) < value || end_of(value) == no_place) return false;
      if (value <= end_of(name) || !is_line_end(end_of(value))) return false;
      next = end_of(value) + 2;
    }
    return next + 2 == head.size() && is_line_end(next);
  }

  std::string bytes_{};  // empty for none
  std::size_t path_ = 0;
  std::vector<Places> headers_{};
  bool is_plain_ = false;
};

// The time as HTTP has it, in Greenwich. The library writes it anew for each answer that has it not.
class Date {
 public:
  using Time = std::chrono::steady_clock::time_point;

  const std::string& at(Time now) {
    if (now >= until_) make(now);
    return text_;
  }

 private:
  void make(Time now) {
    static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    using std::chrono::system_clock;
    const auto date = system_clock::now();
    const auto second = std::chrono::floor<std::chrono::seconds>(date);
    const std::time_t number = system_clock::to_time_t(second);
    std::tm parts{};
    ::gmtime_r(&number, &parts);
    text_ = fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", days[static_cast<std::size_t>(parts.tm_wday)],
                        parts.tm_mday, months[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900,
                        parts.tm_hour, parts.tm_min, parts.tm_sec);
    until_ = now + std::chrono::ceil<std::chrono::steady_clock::duration>(second + std::chrono::seconds(1) - date);
  }

  std::string text_{};
  Time until_{};
};

// An answer in the library's own form, with room for a body of one length: most answers are like one before but for
// what stands in them.
class ReadyAnswer {
 public:
  static constexpr std::size_t most_body = 4096;

  ReadyAnswer(const Response& answer, const Headers& always)
      : content_type_(answer.content_type), headers_(answer.headers), body_(answer.body.begin(), answer.body.end()) {
    response_.reset(MHD_create_response_from_buffer(body_.size(), body_.data(), MHD_RESPMEM_PERSISTENT));
    if (!has_added_headers(response_.get(), answer, always)) throw std::bad_alloc();
  }

  bool is_like(const Response& answer) const {
    return response_ != nullptr && body_.size() == answer.body.size() && content_type_ == answer.content_type &&
           headers_ == answer.headers;
  }
  // As the answer before it has been sent, nobody looks at the body. Null where there is no memory for the date.
  MHD_Response* with(const std::string& body, const std::string& date) {
    std::ranges::copy(body, body_.begin());
    if (date_ != date) {
      date_ = date;
      // In the place of the one before. Where there is no memory for it the library has removed that one, and still
      // takes it to be there: it must not be asked again.
      if (MHD_add_response_header(response_.get(), "Date", date_.c_str()) != MHD_YES) response_.reset();
    }
    return response_.get();
  }

  // Those that all answers have, unless this one has them itself. False where there is no memory for all of it.
  static bool has_added_headers(MHD_Response* response, const Response& answer, const Headers& always) {
    if (response == nullptr) return false;
    const auto is_added = [&](const Headers::value_type& header) {
      return MHD_add_response_header(response, header.first.c_str(), header.second.c_str()) == MHD_YES;
    };
    const auto is_its_own = [&](const Headers::value_type& header) {
      return std::ranges::find(answer.headers, header.first, &Headers::value_type::first) != answer.headers.end();
    };
    // An answer for which there was no memory has no type.
    const bool has_type = answer.content_type.empty() ||
                          MHD_add_response_header(response, "Content-Type", answer.content_type.c_str()) == MHD_YES;
    return has_type && std::ranges::all_of(answer.headers, is_added) &&
           std::ranges::all_of(always, [&](const auto& header) { return is_its_own(header) || is_added(header); });
  }

 private:
  struct Destroy {
    void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
  };

  std::string content_type_, date_{};
  Headers headers_;
  std::vector<char> body_;
  std::unique_ptr<MHD_Response, Destroy> response_{};  // null for one that is of no use any more
};

// A server's own paths may come with its address before them, as proxies are asked (RFC 9112, 3.2.2). The library has
// cut the query off.
std::string_view path_of(std::string_view target) {
  if (target.starts_with('/')) return target;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!is_same_name(target.substr(0, scheme.size()), scheme)) continue;
    const std::size_t path = target.find('/', scheme.size());
    return path == target.npos ? "/" : target.substr(path);
  }
  return target;
}

// The library takes blanks into a name, where another reader cuts them off: "Transfer-Encoding :" is two things.
bool is_header_name(std::string_view name) {
  return !name.empty() && std::ranges::none_of(name, [](char c) { return c == ' ' || c == '\t'; });
}

}  // namespace

void set_retry_after(Response& response, std::chrono::nanoseconds wait) {
  const std::int64_t seconds = std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(wait).count());
  for (auto& [name, value] : response.headers)
    if (name == "Retry-After") value = std::to_string(seconds);
}

std::string address_in_numbers(const std::string& text) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* first = nullptr;
  const int error = ::getaddrinfo(text.c_str(), nullptr, &hints, &first);
  if (error == EAI_MEMORY) throw std::bad_alloc();
  require<ConfigError>(
      error == 0, "server: expected an address in numbers, as 127.0.0.1 or ::1, or the name of a host, got \"{}\": {}",
      text, ::gai_strerror(error));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(first, ::freeaddrinfo);
  for (const addrinfo* each = first; each != nullptr; each = each->ai_next)
    if (each->ai_family == AF_INET) return text_of(*each);
  return text_of(*first);
}

Response too_many_bytes_answer(std::chrono::nanoseconds wait) {
  Response response = error_response(503, "too many bytes of requests are being held; try again");
  set_retry_after(response, wait);
  return response;
}

Response answer_of_failure(int status, std::string_view text) noexcept {
  try {
    return error_response(status, text);
  } catch (...) {
    return {.status = status, .content_type = {}};
  }
}

class HttpServer::Daemon {
 public:
  Daemon(const HttpOptions& options, HttpHandler& handler, HttpCounters& counters)
      : options_(options),
        handler_(handler),
        counters_(counters),
        slow_clients_({.head = options.head,
                       .body = options.body_grace,
                       .body_rate = options.body_rate,
                       .receive = options.receive,
                       .write = options.write,
                       .idle = options.idle,
                       .is_plain = options.certificate.empty()},
                      counters.slow, [this] { wake(); }),
        idle_memory_({.block_bytes = block_bytes(options.header_bytes)}) {
    spare_.reserve(most_spare);
    spare_bodies_.reserve(most_spare);
    const Address address(options.address, options.port);
    const unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (address.is_ipv6 ? MHD_USE_IPv6 : MHD_NO_FLAG) |
                           (options.certificate.empty() ? MHD_NO_FLAG : MHD_USE_TLS);
    // Texts that must outlive the daemon, as options_ does.
    MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, const_cast<char*>(options_.certificate.c_str())},
                            {MHD_OPTION_HTTPS_MEM_KEY, 0, const_cast<char*>(options_.key.c_str())},
                            {MHD_OPTION_END, 0, nullptr}};
    MHD_OptionItem* more = options.certificate.empty() ? tls + 2 : tls;
    errno = 0;
    daemon_ =
        MHD_start_daemon(flags, static_cast<std::uint16_t>(options.port), nullptr, nullptr, &Daemon::take, this,  //
                         MHD_OPTION_SOCK_ADDR, address.get(),                                                     //
                         MHD_OPTION_CONNECTION_LIMIT, options.connections,                                        //
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, block_bytes(options.header_bytes),                   //
                         MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,                                                    //
                         MHD_OPTION_STRICT_FOR_CLIENT, 1,                                                         //
                         MHD_OPTION_UNESCAPE_CALLBACK, &Daemon::leave_escaped, nullptr,                           //
                         MHD_OPTION_URI_LOG_CALLBACK, &Daemon::look_at_uri, this,                                 //
                         MHD_OPTION_NOTIFY_COMPLETED, &Daemon::completed, this,                                   //
                         MHD_OPTION_NOTIFY_CONNECTION, &Daemon::connected, this,                                  //
                         MHD_OPTION_ARRAY, more,                                                                  //
                         MHD_OPTION_END);
    if (daemon_ == nullptr)
      fail<ConfigError>("server: cannot listen on {} port {}: {}", options.address, options.port,
                        errno != 0                    ? std::strerror(errno)
                        : options.certificate.empty() ? "the HTTP library says no"
                                                      : "certificate and key must be a pair, in PEM form");
    port_ = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT)->port;
    listener_ = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_LISTEN_FD)->listen_fd;
    try {
      watch_alarm();
      thread_ = std::thread([this] { run(); });
    } catch (...) {
      MHD_stop_daemon(daemon_);
      if (alarm_ >= 0) ::close(alarm_);
      throw;
    }
  }

  ~Daemon() {
    stop_accepting();
    stopping_ = true;
    wake();
    thread_.join();
    MHD_stop_daemon(daemon_);
    if (is_quiet_) ::close(listener_);
    ::close(alarm_);
  }

  int port() const { return port_; }

  // The socket is shut at once, and closed with the daemon.
  void stop_accepting() {
    if (closing_.exchange(true)) return;
    ::shutdown(listener_, SHUT_RDWR);
    wake();
  }

 private:
  // What is known of a first line before headers are read.
  enum class WrongUri : std::uintptr_t { none, too_long, unclear };

  // What is kept for a connection from its opening to its closing.
  struct Kept {
    SlowClients::Connection* slow = nullptr;
    IdleMemory::Connection* memory = nullptr;
    const char* behind_uri = nullptr;  // where the version of a request must stand

    void enter(SlowClients::Phase phase) const {
      if (slow != nullptr) slow->enter(phase);
    }
  };

  // One request, from its head until its answer is sent.
  class Exchange final : public PendingAnswer {
   public:
    explicit Exchange(Daemon& daemon) : daemon_(daemon) {}
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    void open(MHD_Connection* connection) {
      connection_ = connection;
      kept_ = kept_of(connection);
      daemon_.add_in_flight(1);
    }
    // What is left is memory for the next request.
    void close() {
      give_back();
      request_.ticket.reset();
      response_.reset();
      received_ = 0;
      is_head_wrong_ = false;
      daemon_.add_in_flight(-1);
    }

    const Request& request() const override { return request_; }
    void finish(Response response) override {
      response_ = std::move(response);
      Daemon& daemon = daemon_;  // this may be gone once the connection goes on
      MHD_resume_connection(connection_);
      daemon.wake();
    }

    MHD_Result begin(const char* method, const char* path, WrongUri wrong_uri) {
      if (kept_ != nullptr) {
        kept_->enter(SlowClients::Phase::other);
        kept_->memory->begin(method);  // the first word of the request
      }
      request_.arrived = std::chrono::steady_clock::now();
      turn_ = daemon_.turn_;
      head_bytes_ = head_bytes(connection_);
      daemon_.add_bytes(daemon_.counters_.bytes_in, head_bytes_);
      if (!head_.is_same(connection_, method, path, head_bytes_)) take_head(method, path);
      response_ = refusal(wrong_uri);
      if (response_ && !is_worth_swallowing()) return send(true);
      if (!response_ && declares_body()) request_.body = daemon_.spare_body();
      if (!response_) request_.body.reserve(std::min(declared_, most_reserved));
      // One that is read and thrown away, too: who never sends it must not keep the connection.
      if (kept_ != nullptr && declares_body()) kept_->enter(SlowClients::Phase::body);
      return MHD_YES;
    }

    MHD_Result add(const char* bytes, std::size_t count) {
      received_ += count;
      daemon_.add_bytes(daemon_.counters_.bytes_in, count);
      last_come_ = now();
      if (response_ && received_ > most_swallowed) return MHD_NO;  // closes the connection
      if (response_) return MHD_YES;
      if (received_ > daemon_.options_.body_bytes) {
        response_ = counted(too_long(received_));
      } else if (!hold(count)) {
        response_ = too_many_bytes();
      }
      if (response_)
        give_back();
      else
        request_.body.append(bytes, count);
      return MHD_YES;
    }

    MHD_Result end() {
      if (kept_ != nullptr) kept_->enter(SlowClients::Phase::other);
      if (response_) return send(false);
      // A body of declared length is at its end with its last bytes.
      request_.arrived = declared_ > 0 && received_ == declared_ ? last_come_ : std::chrono::steady_clock::now();
      if ((response_ = daemon_.handler_.answer_now(request_))) return send(false);
      // Made before, as there may be no memory for it when it is needed.
      Response failure = error_response(500, "not enough memory for this request");
      MHD_suspend_connection(connection_);
      try {
        daemon_.handler_.answer_later(*this);
      } catch (...) {  // nobody else would wake the connection
        finish(std::move(failure));
      }
      return MHD_YES;
    }

   private:
    // Clocks are not read again for what comes, and is answered, in the turn in which the head has come.
    std::chrono::steady_clock::time_point now() const {
      return turn_ == daemon_.turn_ ? request_.arrived : std::chrono::steady_clock::now();
    }

    // Forgotten first, should there be no memory for the other one.
    void take_head(const char* method, const char* path) {
      head_.forget();
      is_head_good_ = false;
      request_.method = method;
      request_.path = path_of(path);
      read_headers(connection_, request_.headers, daemon_.options_.headers);
      head_.keep(connection_, method, path, daemon_.options_.headers);
    }

    // A body of unknown length declares 0, and is counted as it comes.
    std::optional<Response> refusal(WrongUri wrong_uri) {
      if (std::optional<Response> wrong = wrong_uri != WrongUri::none ? uri_refusal(wrong_uri) : head_refusal()) {
        is_head_wrong_ = true;
        return counted(*std::move(wrong));
      }
      if (std::optional<Response> refused = daemon_.handler_.refuse(request_)) return refused;
      if (declares_body() && !daemon_.handler_.takes_body(request_))
        return counted(error_response(
            413, fmt::format("body: expected none for {}, got one", std::string_view(request_.path).substr(0, 200))));
      if (declared_ > daemon_.options_.body_bytes) return counted(too_long(declared_));
      // Nothing is held for what has not come; but what has no room now need not be sent.
      if (declared_ > 0 && !daemon_.has_room(declared_)) return too_many_bytes();
      return std::nullopt;
    }

    bool declares_body() const { return declared_ > 0 || is_chunked_; }

    Response uri_refusal(WrongUri wrong) const {
      if (wrong == WrongUri::too_long)
        return error_response(
            414, fmt::format("path: expected at most {} bytes with its query, got more", daemon_.options_.uri_bytes));
      return closing(400, "first line: expected a method, a path without zero bytes and HTTP/1.1, got another");
    }

    std::optional<Response> head_refusal() {
      if (head_bytes_ > daemon_.options_.header_bytes)
        return error_response(
            431, fmt::format("headers: expected at most {} bytes, got {}", daemon_.options_.header_bytes, head_bytes_));
      if (is_head_good_) return std::nullopt;
      declared_ = 0;
      is_chunked_ = false;
      if (request_.headers.size() > daemon_.options_.headers)
        return error_response(431, fmt::format("headers: expected at most {}, got more", daemon_.options_.headers));
      if (!head_.is_plain())
        return closing(400, "headers: expected lines that end in CR LF, none folded and none with zero bytes");
      const std::string *length = nullptr, *coding = nullptr;
      int lengths = 0, hosts = 0;
      for (const auto& [name, value] : request_.headers) {
        if (!is_header_name(name)) return closing(400, "headers: expected names without blanks, got \"" + name + "\"");
        if (is_same_name(name, "Host")) ++hosts;
        if (is_same_name(name, "Content-Length")) ++lengths, length = &value;
        if (is_same_name(name, "Transfer-Encoding")) ++lengths, coding = &value;
      }
      is_chunked_ = coding != nullptr;
      // What two readers may read in two ways is refused: a proxy in front may have read it in the other.
      if (lengths > 1) return closing(400, "headers: expected one Content-Length or Transfer-Encoding, got more");
      if (hosts > 1) return closing(400, "headers: expected one Host, got more");
      // The library would read a body in another coding until the connection ends.
      if (coding != nullptr && !is_same_name(*coding, "chunked"))
        return closing(400, "headers: expected chunked as Transfer-Encoding, got \"" + *coding + "\"");
      is_head_good_ = length == nullptr;
      if (length == nullptr) return std::nullopt;
      const char* end = length->data() + length->size();
      const auto read = std::from_chars(length->data(), end, declared_);
      if (read.ec != std::errc() || read.ptr != end)
        return closing(400, "headers: expected a whole number as Content-Length, got \"" + *length + "\"");
      is_head_good_ = true;
      return std::nullopt;
    }

    Response counted(Response response) const {
      daemon_.handler_.answered(request_, response);
      return response;
    }

    static Response closing(int status, const std::string& text) {
      Response response = error_response(status, text);
      response.headers.emplace_back("Connection", "close");
      return response;
    }

    Response too_long(std::size_t bytes) const {
      return error_response(413,
                            fmt::format("body: expected at most {} bytes, got {}", daemon_.options_.body_bytes, bytes));
    }

    Response too_many_bytes() {
      ++daemon_.counters_.rejected;
      return counted(too_many_bytes_answer(daemon_.handler_.likely_wait()));
    }

    bool hold(std::size_t bytes) {
      if (!daemon_.has_room(bytes)) return false;
      daemon_.add_held(bytes);
      held_ += bytes;
      return true;
    }

    // The body goes, and what was held for it.
    void give_back() {
      daemon_.take_back(request_.body);
      daemon_.add_held(std::size_t{0} - held_);
      held_ = 0;
    }

    // From now on the answer is held, however large it is: who reads it slowly leaves less room for the next requests.
    void hold_answer() {
      give_back();
      held_ = response_->body.size();
      daemon_.add_held(held_);
      daemon_.add_bytes(daemon_.counters_.bytes_out, held_);
    }

    bool is_worth_swallowing() {
      return !is_head_wrong_ && declared_ <= most_swallowed &&
             MHD_lookup_connection_value(connection_, MHD_HEADER_KIND, "Expect") == nullptr;
    }

    MHD_Result send(bool is_early) {
      hold_answer();
      Response& answer = *response_;
      const bool closes = is_early || daemon_.closing_;
      const MHD_Result queued =
          closes || answer.body.size() > ReadyAnswer::most_body ? queue_new(answer, closes) : queue(ready(answer));
      if (kept_ != nullptr) kept_->enter(SlowClients::Phase::answer);
      return queued;
    }

    MHD_Result queue(MHD_Response* response) {
      if (response == nullptr) return MHD_NO;
      return MHD_queue_response(connection_, static_cast<unsigned>(response_->status), response);
    }

    // The body lives as long as this exchange, which ends when it has been sent.
    MHD_Result queue_new(Response& answer, bool closes) {
      MHD_Response* response =
          MHD_create_response_from_buffer(answer.body.size(), answer.body.data(), MHD_RESPMEM_PERSISTENT);
      const auto has_connection = [](const auto& header) { return header.first == "Connection"; };
      bool is_whole = ReadyAnswer::has_added_headers(response, answer, daemon_.options_.always);
      if (is_whole && closes && std::ranges::none_of(answer.headers, has_connection))
        is_whole = MHD_add_response_header(response, "Connection", "close") == MHD_YES;
      const MHD_Result queued = is_whole ? queue(response) : MHD_NO;
      if (response != nullptr) MHD_destroy_response(response);
      return queued;
    }

    // As it was made for one like it, or in the place of the one that was made first.
    MHD_Response* ready(const Response& answer) {
      const std::string& date = daemon_.date_.at(now());
      const auto like = std::ranges::find_if(ready_, [&](const ReadyAnswer& each) { return each.is_like(answer); });
      if (like != ready_.end()) return like->with(answer.body, date);
      if (ready_.size() == most_ready) ready_.erase(ready_.begin());
      return ready_.emplace_back(answer, daemon_.options_.always).with(answer.body, date);
    }

    static constexpr std::size_t most_ready = 4;

    Daemon& daemon_;
    MHD_Connection* connection_ = nullptr;
    Kept* kept_ = nullptr;  // null where there was no memory for it
    KeptHead head_{};       // that request_ has been taken from
    Request request_{};
    std::optional<Response> response_{};
    std::vector<ReadyAnswer> ready_{};
    std::size_t head_bytes_ = 0, declared_ = 0, received_ = 0, held_ = 0;
    std::chrono::steady_clock::time_point last_come_{};  // bytes of the body
    std::uint64_t turn_ = 0;                             // in which the head has come
    bool is_chunked_ = false;
    bool is_head_good_ = false;   // its headers are, and declare these: also for the next that has the same
    bool is_head_wrong_ = false;  // then where the body ends is anyone's guess
  };

  // Called with path and query, before headers are read: nothing where there is nothing to say. What ends before its
  // line does has a zero byte in it. What it says is the library's first state of the request, so it looks like a
  // pointer.
  static void* look_at_uri(void* self, const char* uri, MHD_Connection* connection) {
    const std::size_t size = std::strlen(uri);
    const char* const version = uri + size + 1;
    if (Kept* kept = kept_of(connection)) kept->behind_uri = version;
    WrongUri wrong = WrongUri::none;
    if (size > static_cast<Daemon*>(self)->options_.uri_bytes)
      wrong = WrongUri::too_long;
    else if (version[0] != 'H' || version[1] != 'T' || version[2] != 'T' || version[3] != 'P')
      wrong = WrongUri::unclear;
    return reinterpret_cast<void*>(static_cast<std::uintptr_t>(wrong));
  }

  // Whether nothing has been made yet for a request: it is at its head.
  static bool is_new(const void* state) {
    return reinterpret_cast<std::uintptr_t>(state) <= static_cast<std::uintptr_t>(WrongUri::unclear);
  }

  // No exception may pass through the library, which is C: one that is thrown here is memory that ran out.
  static MHD_Result take(void* self, MHD_Connection* connection, const char* url, const char* method,
                         const char* version, const char* bytes, std::size_t* count, void** state) {
    try {
      if (is_new(*state)) {
        auto wrong_uri = static_cast<WrongUri>(reinterpret_cast<std::uintptr_t>(*state));
        // A zero byte behind which the version stands once more: the library has found the last one.
        const Kept* kept = kept_of(connection);
        if (wrong_uri == WrongUri::none && kept != nullptr && kept->behind_uri != version)
          wrong_uri = WrongUri::unclear;
        *state = nullptr;
        Exchange* exchange = static_cast<Daemon*>(self)->new_exchange();
        exchange->open(connection);
        *state = exchange;
        return exchange->begin(method, url, wrong_uri);
      }
      auto* exchange = static_cast<Exchange*>(*state);
      if (*count == 0) return exchange->end();
      const MHD_Result result = exchange->add(bytes, *count);
      *count = 0;
      return result;
    } catch (...) {
      return MHD_NO;
    }
  }

  static void completed(void* self, MHD_Connection* connection, void** state, MHD_RequestTerminationCode) {
    static_cast<Daemon*>(self)->end_exchange(is_new(*state) ? nullptr : static_cast<Exchange*>(*state));
    *state = nullptr;
    const Kept* kept = kept_of(connection);
    if (kept == nullptr) return;
    kept->enter(SlowClients::Phase::head);
    kept->memory->end();
  }

  // ---- Memory of one request after the other: by the thread that moves bytes alone ----

  static constexpr std::size_t most_spare = 16, most_spare_body = 16 << 10;

  // No other thread changes these two, so it takes no more than a load and a store.
  void add_in_flight(std::int64_t count) {
    counters_.in_flight.store(counters_.in_flight.load(std::memory_order_relaxed) + count, std::memory_order_release);
  }
  void add_held(std::size_t bytes) {
    counters_.held.store(counters_.held.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
  }
  static void add_bytes(std::atomic<std::uint64_t>& sum, std::size_t bytes) {
    sum.store(sum.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
  }
  bool has_room(std::size_t bytes) const {
    return counters_.held.load(std::memory_order_relaxed) + counters_.held_beside.load(std::memory_order_relaxed) +
               bytes <=
           options_.held_bytes;
  }

  Exchange* new_exchange() {
    if (spare_.empty()) return new Exchange(*this);
    Exchange* exchange = spare_.back().release();
    spare_.pop_back();
    return exchange;
  }

  void end_exchange(Exchange* ended) {
    if (ended == nullptr) return;
    std::unique_ptr<Exchange> exchange(ended);
    exchange->close();
    if (spare_.size() < most_spare) spare_.push_back(std::move(exchange));
  }

  std::string spare_body() {
    if (spare_bodies_.empty()) return {};
    std::string body = std::move(spare_bodies_.back());
    spare_bodies_.pop_back();
    return body;
  }

  void take_back(std::string& body) {
    body.clear();
    if (body.capacity() > std::string().capacity() && body.capacity() <= most_spare_body &&
        spare_bodies_.size() < most_spare)
      spare_bodies_.push_back(std::move(body));
    body = std::string();
  }

  // The library says that a connection has ended before it closes the socket.
  static void connected(void* self, MHD_Connection* connection, void** kept, MHD_ConnectionNotificationCode what) {
    auto& daemon = *static_cast<Daemon*>(self);
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
      daemon.counters_.connections = static_cast<std::int64_t>(--daemon.open_);
      daemon.forget(static_cast<Kept*>(*kept));
      *kept = nullptr;
      return;
    }
    daemon.counters_.connections = static_cast<std::int64_t>(++daemon.open_);
    *kept = nullptr;
    const MHD_ConnectionInfo* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info != nullptr) *kept = daemon.keep(info->connect_fd);
  }

  Kept* keep(int socket) {
    std::unique_ptr<Kept> kept;
    try {
      kept = std::make_unique<Kept>();
      kept->memory = idle_memory_.opened();
      kept->slow = slow_clients_.opened(socket);
    } catch (...) {  // no memory: then this one may be slow, or keep what it has
      if (kept != nullptr && kept->memory == nullptr) kept.reset();
    }
    return kept.release();
  }

  void forget(Kept* kept) {
    if (kept == nullptr) return;
    if (kept->slow != nullptr) slow_clients_.closed(kept->slow);
    idle_memory_.closed(kept->memory);
    delete kept;
  }

  static Kept* kept_of(MHD_Connection* connection) {
    const MHD_ConnectionInfo* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == nullptr ? nullptr : static_cast<Kept*>(info->socket_context);
  }

  // The library does not wake a thread that is not its own. It passes over events that carry no pointer.
  void watch_alarm() {
    alarm_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    events_ = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
    require<ConfigError>(alarm_ >= 0 && ::epoll_ctl(events_, EPOLL_CTL_ADD, alarm_, &event) == 0,
                         "server: no event can be had: {}", std::strerror(errno));
  }

  // From any thread. What was done before is seen when the thread wakes, or was about to sleep. Each write is an event,
  // whether those before have been read or not: so nobody reads them.
  void wake() {
    if (!is_awake_.exchange(true)) ::eventfd_write(alarm_, 1);
  }

  // Whether someone has called since the last time.
  bool hear_alarm() { return is_awake_.load() && is_awake_.exchange(false); }

  // The library's events, and between them what is due.
  void run() {
    sigset_t broken_pipe;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
    while (!stopping_) {
      const bool is_called = hear_alarm();
      ++turn_;
      if (closing_ && !is_quiet_) is_quiet_ = MHD_quiesce_daemon(daemon_) != MHD_INVALID_SOCKET;
      const int most = closing_ ? 10 : until_due(is_called);
      if (MHD_run_wait(daemon_, may_fill_a_list() ? waited(most) : most) != MHD_YES)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  // The library takes events in lists of 128, and after a full one it waits for more before it does any of the work:
  // for as long as it may, where a multiple of 128 has come. Beside connections there are three that may tell of
  // something.
  bool may_fill_a_list() const { return open_ + 3 >= 128; }

  // Waits in its place for something to happen, for so many milliseconds at most, -1 for ever. 0: it need not wait any
  // more.
  int waited(int most) const {
    MHD_UNSIGNED_LONG_LONG least = 0;
    if (MHD_get_timeout(daemon_, &least) == MHD_YES) return 0;  // it has work left: connections have no time of its own
    pollfd events{.fd = events_, .events = POLLIN, .revents = 0};
    ::poll(&events, 1, most);
    return 0;
  }

  // In milliseconds; -1 for ever: a wait that must end some time costs more than one that need not. While there are
  // connections who looks for slow ones calls after each look, which is often enough for a round of memory to begin.
  int until_due(bool is_called) {
    if (!is_called && !idle_memory_.is_in_round()) return -1;
    const auto now = std::chrono::steady_clock::now();
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(idle_memory_.look(now) - now);
    return idle_memory_.is_in_round() ? static_cast<int>(std::clamp<std::int64_t>(wait.count(), 1, 1000)) : -1;
  }

  static std::size_t leave_escaped(void*, MHD_Connection*, char* text) { return std::strlen(text); }

  const HttpOptions options_;
  HttpHandler& handler_;
  HttpCounters& counters_;
  SlowClients slow_clients_;  // ends after the daemon, which the destructor stops
  IdleMemory idle_memory_;
  MHD_Daemon* daemon_ = nullptr;
  MHD_socket listener_ = MHD_INVALID_SOCKET;
  int port_ = 0;
  int events_ = -1, alarm_ = -1;
  std::atomic<bool> closing_{false}, stopping_{false}, is_awake_{false};
  bool is_quiet_ = false;  // by the thread that moves bytes alone, as is the next
  std::size_t open_ = 0;
  std::uint64_t turn_ = 0;  // of the thread's loop
  Date date_{};
  std::vector<std::unique_ptr<Exchange>> spare_{};  // with room for all there may be, as are the next
  std::vector<std::string> spare_bodies_{};
  std::thread thread_{};
};

HttpServer::HttpServer(const HttpOptions& options, HttpHandler& handler, HttpCounters& counters)
    : daemon_(std::make_unique<Daemon>(options, handler, counters)) {}
HttpServer::~HttpServer() = default;

int HttpServer::port() const { return daemon_->port(); }
void HttpServer::stop_accepting() { daemon_->stop_accepting(); }

}  // namespace maas::inline MAAS_ABI::serve
