// A small client of HTTP/2 over a plain socket: what it sends is exactly what a test has written.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "support/http_client.hpp"

namespace maas::inline MAAS_ABI::tests::http2 {

enum Type : std::uint8_t { data = 0, headers = 1, rst_stream = 3, settings = 4 };
enum Flag : std::uint8_t { end_stream = 1, end_headers = 4 };

constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::size_t head_size = 9;    // of a frame
constexpr std::size_t prefix_size = 5;  // of a message in gRPC's data

struct Frame {
  int type = 0, flags = 0;
  std::uint32_t stream = 0;
  std::string payload{};
};

/// A number as it lies in frames.
inline std::string big_endian(std::size_t value, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 0xff);
  return text;
}

inline std::size_t number_in(std::string_view bytes) {
  std::size_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

inline std::string frame(Type type, int flags, std::uint32_t stream, std::string_view payload) {
  return big_endian(payload.size(), 3) + static_cast<char>(type) + static_cast<char>(flags) + big_endian(stream, 4) +
         std::string(payload);
}

/// The first frame of some bytes, which are shorter afterwards; nothing where they have no whole one.
inline std::optional<Frame> take_frame(std::string_view& bytes) {
  if (bytes.size() < head_size) return std::nullopt;
  const std::size_t size = number_in(bytes.substr(0, 3));
  if (bytes.size() < head_size + size) return std::nullopt;
  Frame taken{.type = bytes[3],
              .flags = bytes[4],
              .stream = static_cast<std::uint32_t>(number_in(bytes.substr(5, 4))),
              .payload = std::string(bytes.substr(head_size, size))};
  bytes.remove_prefix(head_size + size);
  return taken;
}

/// A header without an index. Name and value are shorter than 127 bytes.
inline std::string literal(std::string_view name, std::string_view value) {
  std::string text(1, '\0');
  for (const std::string_view part : {name, value}) text.append(1, static_cast<char>(part.size())).append(part);
  return text;
}

/// A message as gRPC has it in frames of data.
inline std::string with_prefix(std::string_view message, bool is_packed = false) {
  return static_cast<char>(is_packed) + big_endian(message.size(), 4) + std::string(message);
}

/// All that a client sends for one call; `more` are headers.
inline std::string call(std::string_view path, std::string_view message, std::string_view more = {}) {
  const std::string head = literal(":method", "POST") + literal(":scheme", "http") + literal(":path", path) +
                           literal(":authority", "localhost") + literal("content-type", "application/grpc") +
                           literal("te", "trailers") + std::string(more);
  return std::string(preface) + frame(settings, 0, 0, "") + frame(headers, end_headers, 1, head) +
         frame(data, end_stream, 1, with_prefix(message));
}

/// How a call ended.
struct CallAnswer {
  int status = -1;      ///< of gRPC; -1 where none came
  std::string message;  ///< without its prefix
  std::string headers;  ///< of all frames, packed as they came
  bool is_reset = false;
};

/// One connection to this machine, with one call at most.
class Client {
 public:
  explicit Client(int port) : connection_(port) {}

  bool send(std::string_view bytes) { return connection_.send(bytes); }
  /// Says that nothing more is sent.
  void end_sending() { connection_.end_sending(); }

  /// Waits for the end of the call or of the connection.
  CallAnswer read() {
    CallAnswer answer;
    std::string bytes;
    while (const auto got = next_frame()) {
      if (got->stream == 0) continue;
      if (got->type == data) bytes += got->payload;
      if (got->type == headers) answer.headers += got->payload;
      answer.is_reset = got->type == rst_stream;
      if (answer.is_reset || (got->flags & end_stream) != 0) break;
    }
    answer.status = status_in(answer.headers);
    if (bytes.size() >= prefix_size && number_in(std::string_view(bytes).substr(1, 4)) == bytes.size() - prefix_size)
      answer.message = bytes.substr(prefix_size);
    return answer;
  }

 private:
  std::optional<Frame> next_frame() {
    for (;;) {
      std::string_view rest = buffer_;
      if (auto taken = take_frame(rest)) {
        buffer_.erase(0, buffer_.size() - rest.size());
        return taken;
      }
      const std::string said = connection_.said_within(std::chrono::seconds(20));
      if (said.empty()) return std::nullopt;
      buffer_ += said;
    }
  }

  // gRPC's own library packs no letters of headers.
  static int status_in(std::string_view headers) {
    constexpr std::string_view name = "grpc-status";
    const std::size_t at = headers.rfind(name);
    if (at == headers.npos || at + name.size() + 1 >= headers.size()) return -1;
    const auto length = static_cast<std::size_t>(headers[at + name.size()]);
    return std::atoi(std::string(headers.substr(at + name.size() + 1, length)).c_str());
  }

  HttpClient connection_;
  std::string buffer_{};
};

}  // namespace maas::inline MAAS_ABI::tests::http2
