#include "serve/http_reader.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "serve/text.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

constexpr std::size_t most_head = 64 << 10;

template <class Number>
bool read_number(std::string_view text, Number& number, int base = 10) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

}  // namespace

void ResponseReader::begin() { *this = ResponseReader(keeps_body_); }

void ResponseReader::end() {
  if (state_ != State::done) state_ = state_ == State::until_end ? State::done : State::broken;
  closes_ = true;
}

std::size_t ResponseReader::take(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && state_ != State::done && state_ != State::broken) {
    const bool is_body = state_ == State::body || state_ == State::chunk || state_ == State::until_end;
    taken += is_body ? take_body(bytes.substr(taken)) : take_line(bytes.substr(taken));
  }
  return taken;
}

std::size_t ResponseReader::take_body(std::string_view bytes) {
  const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  if (keeps_body_) body_ += bytes.substr(0, count);
  if ((left_ -= count) == 0) state_ = state_ == State::chunk ? State::chunk_end : State::done;
  return count;
}

std::size_t ResponseReader::take_line(std::string_view bytes) {
  const std::size_t end = bytes.find('\n');
  const std::size_t count = end == bytes.npos ? bytes.size() : end + 1;
  line_ += bytes.substr(0, count);
  if (line_.size() > most_head) state_ = State::broken;
  if (end == bytes.npos || state_ == State::broken) return count;
  switch (state_) {
    case State::head:
      if (line_.ends_with("\r\n\r\n")) read_head();
      return count;
    case State::chunk_size:
      read_chunk_size();
      break;
    case State::chunk_end:
      state_ = line_ == "\r\n" ? State::chunk_size : State::broken;
      break;
    default:  // lines after the last chunk, until an empty one
      if (line_ == "\r\n") state_ = State::done;
  }
  line_.clear();
  return count;
}

void ResponseReader::read_chunk_size() {
  const std::string_view line = std::string_view(line_).substr(0, line_.find_first_of(";\r\n"));
  if (!read_number(trimmed(line), left_, 16)) {
    state_ = State::broken;
    return;
  }
  state_ = left_ == 0 ? State::trailer : State::chunk;
}

void ResponseReader::read_header(std::string_view name, std::string_view value) {
  const std::string known = lower(name);
  if (known == "content-length") {
    has_length_ = true;
    if (!read_number(value, left_)) state_ = State::broken;
  }
  if (known == "transfer-encoding") is_chunked_ = lower(value) == "chunked";
  if (known == "connection") closes_ = lower(value).find("close") != std::string::npos;
}

void ResponseReader::read_head() {
  const std::string head = std::exchange(line_, {});
  std::size_t at = head.find("\r\n");
  closes_ = is_chunked_ = has_length_ = false;
  left_ = 0;
  if (!head.starts_with("HTTP/1.") || at < 12 || !read_number(std::string_view(head).substr(9, 3), status_)) {
    state_ = State::broken;
    return;
  }
  for (at += 2; at < head.size();) {
    const std::size_t end = head.find("\r\n", at), colon = head.find(':', at);
    if (end == at || end == head.npos) break;
    if (colon < end)
      read_header(std::string_view(head).substr(at, colon - at),
                  trimmed(std::string_view(head).substr(colon + 1, end - colon - 1)));
    at = end + 2;
  }
  if (state_ == State::broken || status_ / 100 == 1) return;  // after a 100 comes the answer
  if (status_ == 204 || status_ == 304 || (has_length_ && left_ == 0 && !is_chunked_)) {
    state_ = State::done;
  } else if (is_chunked_) {
    state_ = State::chunk_size;
  } else if (has_length_) {
    state_ = State::body;
  } else {
    left_ = std::numeric_limits<std::uint64_t>::max();
    state_ = State::until_end;
  }
}

}  // namespace maas::inline MAAS_ABI::serve
