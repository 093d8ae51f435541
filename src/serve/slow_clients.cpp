#include "serve/slow_clients.hpp"

#include <fmt/format.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

namespace maas::inline MAAS_ABI::serve {

namespace {

using std::chrono::milliseconds;

struct ByteCounts {
  std::uint64_t received = 0, taken = 0;  // by this side, by the other
};

// Zeros for what is no TCP: such a connection is never found to have begun a head.
ByteCounts counts_of(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  return {info.tcpi_bytes_received, info.tcpi_bytes_acked};
}

// What has come and is not read yet is this side's delay, not the client's.
bool has_unread(int socket) {
  int unread = 0;
  return ::ioctl(socket, FIONREAD, &unread) != 0 || unread > 0;
}

}  // namespace

SlowClients::SlowClients(const Options& options, std::atomic<std::uint64_t>& cut, std::function<void()> looked)
    : options_(options), cut_(cut), looked_(std::move(looked)), thread_([this] { watch(); }) {}

SlowClients::~SlowClients() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

SlowClients::Connection* SlowClients::opened(int socket) {
  auto connection = std::make_unique<Connection>(socket);
  const std::lock_guard lock(mutex_);
  connection->place_ = connections_.size();
  connections_.push_back(std::move(connection));
  return connections_.back().get();
}

void SlowClients::closed(Connection* connection) {
  const std::lock_guard lock(mutex_);
  const std::size_t place = connection->place_;
  connections_.back()->place_ = place;
  std::swap(connections_[place], connections_.back());
  connections_.pop_back();
}

void SlowClients::watch() {
  milliseconds shortest = std::min({options_.head, options_.body, options_.write, options_.idle});
  if (options_.receive.count() > 0) shortest = std::min(shortest, options_.receive);
  const milliseconds pause = std::clamp(shortest / 4, milliseconds(5), milliseconds(1000));
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, pause, [&] { return stopping_; })) {
    lock.unlock();
    look(std::chrono::steady_clock::now());
    lock.lock();
  }
}

// In parts, so that no connection waits long to be opened. One that changes its place meanwhile is looked at next time.
void SlowClients::look(Time now) {
  constexpr std::size_t part = 256;
  for (std::size_t begin = 0;; begin += part) {
    const std::lock_guard lock(mutex_);
    if (begin >= connections_.size()) {
      if (looked_ && !connections_.empty()) looked_();
      return;
    }
    const std::size_t end = std::min(begin + part, connections_.size());
    for (std::size_t i = begin; i < end; ++i) look_at(*connections_[i], now);
  }
}

void SlowClients::look_at(Connection& connection, Time now) {
  if (connection.is_cut_) return;
  const std::uint64_t state = connection.state_.load(std::memory_order_acquire);
  const auto phase = static_cast<Phase>(state & 3);
  if (state != connection.seen_) {
    connection.seen_ = state;
    connection.since_ = now;
    connection.has_begun_ = false;
    if (phase == Phase::other) return;
    const ByteCounts counts = counts_of(connection.socket_);
    connection.bytes_ = connection.moved_bytes_ = phase == Phase::answer ? counts.taken : counts.received;
    connection.moved_ = now;
    return;
  }
  if (phase == Phase::head) look_at_head(connection, now);
  if (phase == Phase::body) look_at_body(connection, now);
  if (phase == Phase::answer) look_at_answer(connection, now);
}

// Before its first byte a connection may be idle for longer.
void SlowClients::look_at_head(Connection& connection, Time now) {
  if (!connection.has_begun_) {
    const std::uint64_t come = counts_of(connection.socket_).received;
    connection.has_begun_ = come != connection.bytes_;
    connection.since_ = now;
    if (is_silent(connection, come, now) && !has_unread(connection.socket_)) let_go(connection);
  } else if (now - connection.since_ > options_.head) {
    cut_off(connection, "head");
  } else if (is_silent(connection, counts_of(connection.socket_).received, now) && !has_unread(connection.socket_)) {
    let_go(connection);
  }
}

void SlowClients::look_at_body(Connection& connection, Time now) {
  // Whatever of it is still unread: all the time that there was has passed.
  if (options_.receive.count() > 0 && now - connection.since_ > options_.receive) return cut_off(connection, "body");
  const std::uint64_t received = counts_of(connection.socket_).received;
  if (is_silent(connection, received, now) && !has_unread(connection.socket_)) return let_go(connection);
  const auto beyond = std::chrono::duration_cast<milliseconds>(now - connection.since_) - options_.body;
  if (options_.body_rate == 0 || beyond <= milliseconds(0)) return;
  const std::uint64_t come = received - connection.bytes_;
  const auto wanted = static_cast<double>(options_.body_rate) * std::chrono::duration<double>(beyond).count();
  if (static_cast<double>(come) < wanted && !has_unread(connection.socket_)) cut_off(connection, "body");
}

void SlowClients::look_at_answer(Connection& connection, Time now) {
  const std::uint64_t taken = counts_of(connection.socket_).taken;
  if (is_silent(connection, taken, now)) return let_go(connection);
  if (now - connection.since_ < options_.write) return;
  if (taken - connection.bytes_ < options_.write_bytes) return cut_off(connection, {});
  connection.since_ = now;
  connection.bytes_ = taken;
}

bool SlowClients::is_silent(Connection& connection, std::uint64_t bytes, Time now) const {
  if (bytes != connection.moved_bytes_) {
    connection.moved_bytes_ = bytes;
    connection.moved_ = now;
  }
  return now - connection.moved_ > options_.idle;
}

void SlowClients::let_go(Connection& connection) {
  if (connection.state_.load(std::memory_order_acquire) != connection.seen_) return;
  ::shutdown(connection.socket_, SHUT_RDWR);
  connection.is_cut_ = true;
}

// The server's thread writes nothing while it reads a request, so this answer does not get between others. `late` is
// what came late of it; empty where nothing can be said.
void SlowClients::cut_off(Connection& connection, std::string_view late) {
  // The request may have become whole this very moment: then it is not late.
  if (connection.state_.load(std::memory_order_acquire) != connection.seen_) return;
  try {
    if (options_.is_plain && !late.empty()) tell(connection, late);
  } catch (const std::exception&) {  // no memory for a text: then nothing is said
  }
  ::shutdown(connection.socket_, SHUT_RDWR);
  connection.is_cut_ = true;
  ++cut_;
}

void SlowClients::tell(const Connection& connection, std::string_view late) const {
  const std::string body = fmt::format(R"({{"error":"the {} of the request came late"}})", late);
  const std::string text = fmt::format(
      "HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: "
      "close\r\n\r\n{}",
      body.size(), body);
  (void)!::send(connection.socket_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace maas::inline MAAS_ABI::serve
