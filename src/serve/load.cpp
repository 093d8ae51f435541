#include "serve/load.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>

#include "maas/core/error.hpp"
#include "serve/http_reader.hpp"

namespace maas::inline MAAS_ABI::serve {

using std::chrono::nanoseconds;
using Clock = std::chrono::steady_clock;

// ---- Counts ----

namespace {

// Times below 256 ns have a place each; from there on 128 places share each doubling.
std::size_t place_of(std::uint64_t time) {
  if (time < 256) return static_cast<std::size_t>(time);
  const int shift = std::bit_width(time) - 8;
  return static_cast<std::size_t>(128 * shift) + static_cast<std::size_t>(time >> shift);
}

// The longest time that has this place.
std::uint64_t end_of(std::size_t place) {
  if (place < 256) return place;
  const std::size_t shift = place / 128 - 1;
  return ((static_cast<std::uint64_t>(place % 128) + 129) << shift) - 1;
}

}  // namespace

void LatencyCounts::add(nanoseconds time) {
  time = std::max(time, nanoseconds(0));
  ++counts_[std::min(place_of(static_cast<std::uint64_t>(time.count())), counts_.size() - 1)];
  ++count_;
  sum_ += static_cast<double>(time.count());
  max_ = std::max(max_, time);
}

nanoseconds LatencyCounts::percentile(double part) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t place = 0; place < counts_.size(); ++place)
    if ((seen += counts_[place]) >= std::max<std::uint64_t>(wanted, 1))
      return std::min(nanoseconds(static_cast<std::int64_t>(end_of(place))), max_);
  return max_;
}

nanoseconds LatencyCounts::mean() const {
  return nanoseconds(count_ == 0 ? 0 : static_cast<std::int64_t>(sum_ / static_cast<double>(count_)));
}

std::uint64_t LoadResult::succeeded() const {
  std::uint64_t count = 0;
  for (const auto& [status, answers] : statuses) count += status < 300 ? answers : 0;
  return count;
}

double LoadResult::rate() const {
  const double seconds = std::chrono::duration<double>(duration).count();
  return seconds > 0 ? static_cast<double>(succeeded()) / seconds : 0;
}

// ---- Sockets ----

namespace {

class Socket {
 public:
  explicit Socket(int number = -1) : number_(number) {}
  Socket(Socket&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Socket() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }
  bool is_open() const { return number_ >= 0; }

 private:
  int number_;
};

int error_of(int socket) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

// The addresses of a host, looked up once. Of several the first that answers is used: a machine may listen on one of
// its own alone, as on 127.0.0.1 where localhost is ::1 first.
class Addresses {
 public:
  // Each of several has its part of the time.
  Addresses(const LoadUrl& url, nanoseconds timeout) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    const int error = ::getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &first_);
    require<ConfigError>(error == 0, "{}: cannot be found: {}", url.authority(), ::gai_strerror(error));
    used_ = first_;
    if (first_->ai_next != nullptr) choose(timeout);
  }
  Addresses(const Addresses&) = delete;
  Addresses& operator=(const Addresses&) = delete;
  ~Addresses() { ::freeaddrinfo(first_); }

  // A socket that is being connected.
  Socket connecting() const { return connecting_to(*used_); }

 private:
  static Socket connecting_to(const addrinfo& address) {
    Socket socket(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.is_open()) return socket;
    const int yes = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0 || errno == EINPROGRESS) return socket;
    return Socket();
  }

  // Where none answers the first one stays, and says why.
  void choose(nanoseconds timeout) {
    std::int64_t count = 0;
    for (const addrinfo* each = first_; each != nullptr; each = each->ai_next) ++count;
    const auto time = std::chrono::ceil<std::chrono::milliseconds>(timeout / count);
    const int most = static_cast<int>(std::min<std::int64_t>(time.count(), std::numeric_limits<int>::max()));
    for (const addrinfo* each = first_; each != nullptr; each = each->ai_next) {
      const Socket socket = connecting_to(*each);
      pollfd wanted{.fd = socket.get(), .events = POLLOUT, .revents = 0};
      if (!socket.is_open() || ::poll(&wanted, 1, most) <= 0 || error_of(socket.get()) != 0) continue;
      used_ = each;
      return;
    }
  }

  addrinfo* first_ = nullptr;
  const addrinfo* used_ = nullptr;
};

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

// ---- The generator ----

namespace {

struct Connection {
  Socket socket{};
  ResponseReader reader{};
  enum class State { closed, connecting, idle, busy } state = State::closed;
  std::uint64_t request = 0;  // its number, where busy
  std::size_t sent = 0;       // bytes of it
  Clock::time_point since{};  // when it was closed, or began to connect
};

void check(const LoadOptions& options) {
  require<ConfigError>(options.rate > 0 && options.rate <= 1e7, "load test: expected a rate up to 1e7, got {}",
                       options.rate);
  require<ConfigError>(options.connections >= 1 && options.connections <= 100'000,
                       "load test: expected 1 to 100000 connections, got {}", options.connections);
  require<ConfigError>(options.duration.count() > 0 && options.warmup.count() >= 0 && options.timeout.count() > 0,
                       "load test: expected a duration and a timeout above 0, got others");
  const double seconds = std::chrono::duration<double>(options.duration + options.warmup).count();
  require<ConfigError>(options.rate * seconds < 1e12, "load test: expected less than 1e12 requests, got more");
}

class Generator {
 public:
  Generator(const LoadUrl& url, const LoadRequest& request, const LoadOptions& options)
      : options_((check(options), options)),
        addresses_(url, options.timeout),
        text_(request.text(url)),
        connections_(static_cast<std::size_t>(options.connections)),
        poll_(::epoll_create1(EPOLL_CLOEXEC)),
        timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
    require<ConfigError>(poll_.is_open() && timer_.is_open(), "load test: no sockets can be had: {}",
                         std::strerror(errno));
    interval_ = 1e9 / options.rate;
    warm_ = count_in(options.warmup);
    total_ = warm_ + std::max<std::uint64_t>(count_in(options.duration), 1);
    watch(timer_.get(), timer_mark, EPOLLIN, EPOLL_CTL_ADD);
  }

  LoadResult run() {
    connect_all();
    start_ = last_answer_ = Clock::now();
    next_check_ = start_;
    while (closed_requests_ < total_) {
      send_what_is_due();
      if (closed_requests_ >= total_) break;
      set_timer();
      take_events(-1);
    }
    result_.due = total_ - warm_;
    result_.duration = std::max(last_answer_, due_at(total_)) - due_at(warm_);
    return std::move(result_);
  }

 private:
  static constexpr std::uint64_t timer_mark = ~std::uint64_t{0};

  std::uint64_t count_in(nanoseconds time) const {
    return static_cast<std::uint64_t>(std::llround(static_cast<double>(time.count()) / interval_));
  }
  Clock::time_point due_at(std::uint64_t request) const {
    return start_ + nanoseconds(static_cast<std::int64_t>(static_cast<double>(request) * interval_));
  }

  void watch(int socket, std::uint64_t mark, std::uint32_t events, int operation) const {
    epoll_event event{.events = events, .data = {.u64 = mark}};
    ::epoll_ctl(poll_.get(), operation, socket, &event);
  }

  // ---- Connections ----

  void open(std::size_t i) {
    Connection& connection = connections_[i];
    connection = Connection{.socket = addresses_.connecting(), .since = Clock::now()};
    if (!connection.socket.is_open()) return;
    connection.state = Connection::State::connecting;
    watch(connection.socket.get(), i, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, EPOLL_CTL_ADD);
  }

  void connect_all() {
    const auto end = Clock::now() + options_.timeout;
    for (std::size_t i = 0; i < connections_.size(); ++i) open(i);
    const auto is_connecting = [](const Connection& c) { return c.state == Connection::State::connecting; };
    while (std::ranges::any_of(connections_, is_connecting) && Clock::now() < end) take_events(10);
    require<ConfigError>(!idle_.empty(), "load test: no connection can be had: {}", std::strerror(last_error_));
  }

  void close(std::size_t i) {
    connections_[i].socket = Socket();
    connections_[i].state = Connection::State::closed;
    connections_[i].since = Clock::now();
  }

  // A request that got no answer.
  void give_up(std::uint64_t request, const char* why) {
    ++closed_requests_;
    if (request < warm_) return;
    ++result_.failures[why];
    result_.latency.add(Clock::now() - due_at(request));
  }

  void drop(std::size_t i, const char* why) {
    if (connections_[i].state == Connection::State::busy) give_up(connections_[i].request, why);
    const bool was_connected = connections_[i].state != Connection::State::connecting;
    close(i);
    if (was_connected) open(i);  // one that could not be had is tried again later
  }

  void take_events(int milliseconds) {
    std::array<epoll_event, 256> events;
    const int count = ::epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()), milliseconds);
    for (int k = 0; k < count; ++k) {
      if (events[static_cast<std::size_t>(k)].data.u64 == timer_mark) {
        std::uint64_t times;
        [[maybe_unused]] const ssize_t got = ::read(timer_.get(), &times, sizeof times);
      } else {
        handle(static_cast<std::size_t>(events[static_cast<std::size_t>(k)].data.u64),
               events[static_cast<std::size_t>(k)].events);
      }
    }
  }

  void handle(std::size_t i, std::uint32_t events) {
    Connection& connection = connections_[i];
    if (connection.state == Connection::State::closed) return;
    if (connection.state == Connection::State::connecting) {
      if (const int error = error_of(connection.socket.get()); error != 0) {
        last_error_ = error;
        return drop(i, "connect");
      }
      if ((events & EPOLLOUT) == 0) return;
      connection.state = Connection::State::idle;
      idle_.push_back(i);
    }
    if (connection.state == Connection::State::busy && (events & EPOLLOUT) != 0) write(i);
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read(i, (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
  }

  void write(std::size_t i) {
    Connection& connection = connections_[i];
    while (connection.sent < text_.size()) {
      const ssize_t sent =
          ::send(connection.socket.get(), text_.data() + connection.sent, text_.size() - connection.sent, MSG_NOSIGNAL);
      if (sent < 0 && would_block()) return;
      if (sent < 0) return;  // what is wrong is read: an answer may have come before
      connection.sent += static_cast<std::size_t>(sent);
    }
  }

  // An answer that came whole is all there is, unless the other side has ended, which would not be told again.
  void read(std::size_t i, bool to_the_end) {
    std::array<char, 65536> bytes;
    while (connections_[i].state != Connection::State::closed) {
      const ssize_t got = ::recv(connections_[i].socket.get(), bytes.data(), bytes.size(), 0);
      if (got < 0 && would_block()) return;
      if (got <= 0) return ended(i);
      if (!take(i, {bytes.data(), static_cast<std::size_t>(got)})) return;
      const bool is_answered = connections_[i].state == Connection::State::idle;
      if (is_answered && !to_the_end && static_cast<std::size_t>(got) < bytes.size()) return;
    }
  }

  void ended(std::size_t i) {
    Connection& connection = connections_[i];
    const bool was_idle = connection.state == Connection::State::idle;
    if (was_idle) std::erase(idle_, i);
    connection.reader.end();
    if (!was_idle && connection.reader.is_done()) answered(i);
    drop(i, "closed");
  }

  // False where the connection is not to be read on.
  bool take(std::size_t i, std::string_view bytes) {
    Connection& connection = connections_[i];
    if (connection.state != Connection::State::busy) {  // nobody has asked
      if (connection.state == Connection::State::idle) std::erase(idle_, i);
      drop(i, "http");
      return false;
    }
    const std::size_t taken = connection.reader.take(bytes);
    if (connection.reader.is_broken() || (connection.reader.is_done() && taken < bytes.size())) {
      drop(i, "http");
      return false;
    }
    if (!connection.reader.is_done()) return true;
    // An answer that came before all was sent leaves the connection between two requests.
    const bool closes = connection.reader.closes() || connection.sent < text_.size();
    answered(i);
    if (closes) {
      drop(i, "closed");
      return false;
    }
    idle_.push_back(i);
    return true;
  }

  void answered(std::size_t i) {
    Connection& connection = connections_[i];
    connection.state = Connection::State::idle;
    ++closed_requests_;
    last_answer_ = Clock::now();
    if (connection.request < warm_) return;
    ++result_.statuses[connection.reader.status()];
    if (connection.reader.status() < 300) result_.latency.add(last_answer_ - due_at(connection.request));
  }

  // ---- The schedule ----

  void send_what_is_due() {
    const auto now = Clock::now();
    while (due_ < total_ && due_at(due_) <= now) ++due_;
    while (sent_ < due_ && !idle_.empty()) {
      const std::size_t i = idle_.back();
      idle_.pop_back();
      Connection& connection = connections_[i];
      connection.state = Connection::State::busy;
      connection.reader.begin();
      connection.sent = 0;
      connection.request = sent_++;
      // Where it had to wait for a connection, that is the server's time and not the generator's.
      if (connection.request >= warm_ && !was_waiting_) result_.lateness.add(Clock::now() - due_at(connection.request));
      write(i);
    }
    was_waiting_ = sent_ < due_;
    if (now >= next_check_) check_times(now);
  }

  void check_times(Clock::time_point now) {
    next_check_ = now + std::min<nanoseconds>(options_.timeout / 10, std::chrono::milliseconds(20));
    while (sent_ < due_ && now - due_at(sent_) > options_.timeout) give_up(sent_++, "time");
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      Connection& connection = connections_[i];
      const bool is_late = now - connection.since > options_.timeout;
      if (connection.state == Connection::State::busy && now - due_at(connection.request) > options_.timeout)
        drop(i, "time");
      else if (connection.state == Connection::State::connecting && is_late)
        open(i);
      else if (connection.state == Connection::State::closed && now - connection.since > std::chrono::milliseconds(20))
        open(i);
    }
  }

  void set_timer() const {
    auto wake = next_check_;
    // Where requests wait for a connection, another one that is due changes nothing.
    if (due_ < total_ && !was_waiting_) wake = std::min(wake, due_at(due_));
    const std::int64_t time = std::max<std::int64_t>(wake.time_since_epoch().count(), 1);
    itimerspec spec{};
    spec.it_value = {.tv_sec = time / 1'000'000'000, .tv_nsec = time % 1'000'000'000};
    ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
  }

  const LoadOptions options_;
  const Addresses addresses_;
  const std::string text_;
  std::vector<Connection> connections_;
  Socket poll_, timer_;
  std::vector<std::size_t> idle_{};  // the one used last is used next: its side of the server is warm
  double interval_ = 0;              // ns
  std::uint64_t warm_ = 0, total_ = 0;
  // Requests are due, then sent, then closed: answered or given up.
  std::uint64_t due_ = 0, sent_ = 0, closed_requests_ = 0;
  bool was_waiting_ = false;
  int last_error_ = ETIMEDOUT;
  Clock::time_point start_{}, last_answer_{}, next_check_{};
  LoadResult result_{};
};

}  // namespace

LoadResult run_load(const LoadUrl& url, const LoadRequest& request, const LoadOptions& options) {
  return std::make_unique<Generator>(url, request, options)->run();
}

namespace {

constexpr double most_saturation = 4e6;  // the generator itself sends no more

}  // namespace

double find_saturation(const LoadUrl& url, const LoadRequest& request, LoadOptions options,
                       const SaturationOptions& bounds) {
  require<ConfigError>(bounds.least > 0 && bounds.p99.count() > 0 && bounds.answered > 0 && bounds.answered <= 1,
                       "saturation: expected a first rate, a p99 and a part answered above 0, got others");
  require<ConfigError>(bounds.least <= most_saturation, "saturation: expected a first rate up to {}, got {}",
                       most_saturation, bounds.least);
  bool is_hopeless = false;  // all are answered, and none well: at no rate will they be
  const auto bears = [&](double rate) {
    options.rate = rate;
    const LoadResult result = run_load(url, request, options);
    is_hopeless = result.succeeded() == 0 && result.failures.empty();
    const bool is_enough = result.rate() >= bounds.answered * rate;
    const bool is_fine = is_enough && result.latency.percentile(.99) <= bounds.p99;
    if (bounds.told) bounds.told(rate, result, is_fine);
    return is_fine;
  };
  double good = 0, bad = bounds.least;
  while (bad <= most_saturation && bears(bad)) bad = 2 * (good = bad);
  // Where the first is too much, one that is borne lies below it, down to one request in all.
  const double least = std::min(bounds.least, 1 / std::chrono::duration<double>(options.duration).count());
  while (good == 0) {
    if (is_hopeless || bad / 2 < least) return 0;
    (bears(bad / 2) ? good : bad) = bad / 2;
  }
  while (bad - good > good / 20) {
    const double middle = (good + bad) / 2;
    (bears(middle) ? good : bad) = middle;
  }
  return good;
}

std::string ask_once(const LoadUrl& url, const LoadRequest& request, nanoseconds timeout) {
  const auto end = Clock::now() + timeout;
  const Socket socket = Addresses(url, timeout).connecting();
  require<DataError>(socket.is_open(), "{}: no connection: {}", url.authority(), std::strerror(errno));
  const auto wait_for = [&](short events) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd wanted{.fd = socket.get(), .events = events, .revents = 0};
    const bool came = left > 0 && ::poll(&wanted, 1, static_cast<int>(std::min<long long>(left, 1 << 30))) > 0;
    require<DataError>(came, "{}: no answer in time", url.authority());
    const int error = error_of(socket.get());
    require<DataError>(error == 0, "{}: {}", url.authority(), std::strerror(error));
  };
  const std::string text = request.text(url);
  for (std::size_t sent = 0; sent < text.size();) {
    wait_for(POLLOUT);
    const ssize_t got = ::send(socket.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    require<DataError>(got >= 0 || would_block(), "{}: {}", url.authority(), std::strerror(errno));
    sent += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  }
  ResponseReader reader(true);
  std::array<char, 16384> bytes;
  while (!reader.is_done()) {
    wait_for(POLLIN);
    const ssize_t got = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
    if (got > 0) reader.take({bytes.data(), static_cast<std::size_t>(got)});
    if (got == 0) reader.end();
    require<DataError>(!reader.is_broken(), "{}{}{}: expected an answer of HTTP/1.1, got none", url.authority(),
                       url.prefix, request.path);
  }
  require<DataError>(reader.status() == 200, "{}{}{}: expected status 200, got {}: {}", url.authority(), url.prefix,
                     request.path, reader.status(), reader.body().substr(0, 300));
  return reader.body();
}

}  // namespace maas::inline MAAS_ABI::serve
