// Answers of HTTP/1.1, read as they come: for clients.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::serve {

/// Reads one answer after the other. A head of more than 64 KiB, or what is no HTTP, makes it broken.
class ResponseReader {
 public:
  explicit ResponseReader(bool keeps_body = false) : keeps_body_(keeps_body) {}

  /// Takes bytes up to the end of the answer; returns how many.
  std::size_t take(std::string_view bytes);
  /// The connection has ended: so has an answer that said no length.
  void end();
  /// For the next answer on the same connection.
  void begin();

  bool is_done() const { return state_ == State::done; }
  bool is_broken() const { return state_ == State::broken; }
  /// Whether nothing of an answer has come.
  bool is_untouched() const { return state_ == State::head && line_.empty(); }
  int status() const { return status_; }
  /// Whether the connection takes no more requests.
  bool closes() const { return closes_; }
  const std::string& body() const { return body_; }

 private:
  enum class State { head, body, until_end, chunk_size, chunk, chunk_end, trailer, done, broken };

  void read_head();
  void read_header(std::string_view name, std::string_view value);
  void read_chunk_size();
  std::size_t take_line(std::string_view bytes);
  std::size_t take_body(std::string_view bytes);

  bool keeps_body_;
  State state_ = State::head;
  std::string line_{};  // the head, or a line between chunks, as far as it has come
  std::string body_{};
  std::uint64_t left_ = 0;  // bytes of the body or chunk
  int status_ = 0;
  bool closes_ = false, is_chunked_ = false, has_length_ = false;
};

}  // namespace maas::inline MAAS_ABI::serve
