// A small HTTP client over a plain socket: what it sends is exactly what a test has written.
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::tests {

/// An answer as it came: names of headers in lower case.
struct HttpAnswer {
  int status = 0;
  std::map<std::string, std::string> headers{};
  std::string body{};
};

/// One connection to this machine. Reads give up after 20 seconds.
class HttpClient {
 public:
  explicit HttpClient(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const int at_once = 1;  // what is sent in pieces, too
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      ::close(socket_);
      throw std::runtime_error("cannot connect");
    }
  }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient() { ::close(socket_); }

  /// False if the other side has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// Says that nothing more is sent.
  void end_sending() { ::shutdown(socket_, SHUT_WR); }

  /// The next answer; status 0 if the connection ends before it is whole.
  HttpAnswer read(bool has_body = true) {
    HttpAnswer answer;
    std::size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
      if (!receive()) return {};
    const std::string head = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    answer.headers = headers_in(head);
    const auto length = answer.headers.find("content-length");
    const std::size_t size = length == answer.headers.end() || !has_body ? 0 : std::stoul(length->second);
    while (buffer_.size() < size)
      if (!receive()) return {};
    answer.status = std::atoi(head.c_str() + head.find(' '));
    answer.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return answer;
  }

  /// Sends a whole request and reads its answer. `headers` are lines that end in CR LF.
  HttpAnswer ask(std::string_view method, std::string_view path, std::string_view body = {},
                 std::string_view headers = {}) {
    std::string request = fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}", method, path, headers);
    if (method == "POST") request += fmt::format("Content-Length: {}\r\n", body.size());
    send(fmt::format("{}\r\n{}", request, body));
    return read(method != "HEAD");
  }

  /// Waits for something to come, and leaves it there.
  void await() const {
    pollfd events{.fd = socket_, .events = POLLIN, .revents = 0};
    if (::poll(&events, 1, 20000) == 0) throw std::runtime_error("nothing has come for 20 seconds");
  }

  /// The first that comes within this time; nothing if nothing does, or the other side closes.
  std::string said_within(std::chrono::milliseconds time) {
    pollfd events{.fd = socket_, .events = POLLIN, .revents = 0};
    if (::poll(&events, 1, static_cast<int>(time.count())) > 0) receive();
    return std::exchange(buffer_, {});
  }

  /// Whether the other side closes without sending more.
  bool is_closed() { return buffer_.empty() && !receive(); }
  /// Whether it closes in the end, whatever it sends before.
  bool ends() {
    while (receive()) buffer_.clear();
    return true;
  }

 private:
  bool receive() {
    char bytes[65536];
    const ssize_t got = ::recv(socket_, bytes, sizeof bytes, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) throw std::runtime_error("no answer for 20 seconds");
    if (got > 0) buffer_.append(bytes, static_cast<std::size_t>(got));
    return got > 0;
  }

  static std::map<std::string, std::string> headers_in(const std::string& head) {
    std::map<std::string, std::string> headers;
    for (std::size_t line = head.find("\r\n") + 2; line < head.size();) {
      const std::size_t end = head.find("\r\n", line), colon = head.find(':', line);
      if (colon >= end) break;
      std::string name = head.substr(line, colon - line);
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      headers[name] = head.substr(colon + 2, end - colon - 2);
      line = end + 2;
    }
    return headers;
  }

  int socket_;
  std::string buffer_{};
};

}  // namespace maas::inline MAAS_ABI::tests
