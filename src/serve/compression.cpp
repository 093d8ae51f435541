#include "serve/compression.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

#include "serve/status.hpp"
#include "serve/text.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

// Of ";q=0.5": whether it is more than 0.
bool is_allowed(std::string_view parameters) {
  const std::size_t q = parameters.find("q=");
  return q == parameters.npos || parameters.find_first_of("123456789", q) != parameters.npos;
}

constexpr int gzip_window = 15 + 16, zlib_window = 15, bare_window = -15;

// A zlib header: method 8, and a multiple of 31 together.
bool has_zlib_header(std::string_view body) {
  if (body.size() < 2) return true;  // broken whichever it is
  const auto first = static_cast<unsigned char>(body[0]), second = static_cast<unsigned char>(body[1]);
  return first % 16 == 8 && (first * 256 + second) % 31 == 0;
}

// Files of gzip may be one behind the other, which is one text (RFC 1952, 2.2).
bool begins_gzip(const z_stream& rest) {
  return rest.avail_in >= 2 && rest.next_in[0] == 0x1F && rest.next_in[1] == 0x8B;
}

Bytef* bytes_of(std::string_view text) { return reinterpret_cast<Bytef*>(const_cast<char*>(text.data())); }

uInt part_of(std::size_t size) {
  return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

struct Inflater {
  z_stream stream{};
  explicit Inflater(int window) {
    if (inflateInit2(&stream, window) != Z_OK) throw std::bad_alloc();
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream); }
};

struct Deflater {
  z_stream stream{};
  explicit Deflater(int window) {
    constexpr int quick = 1, memory = 8;
    if (deflateInit2(&stream, quick, Z_DEFLATED, window, memory, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  ~Deflater() { deflateEnd(&stream); }
};

}  // namespace

Coding coding_of(std::string_view name) {
  if (name.empty() || is_same_name(name, "identity")) return Coding::none;
  if (is_same_name(name, "gzip") || is_same_name(name, "x-gzip")) return Coding::gzip;
  if (is_same_name(name, "deflate")) return Coding::deflate;
  fail_with(415, "Content-Encoding: expected gzip, deflate or identity, got \"{}\"", name);
}

Coding accepted_coding(std::string_view header) {
  bool gzip = false, deflate = false;
  while (true) {
    const std::size_t comma = header.find(',');
    const std::string_view part = header.substr(0, comma);
    const std::size_t semicolon = std::min(part.find(';'), part.size());
    const std::string_view name = trimmed(part.substr(0, semicolon));
    const bool allowed = is_allowed(part.substr(semicolon));
    gzip = gzip || (allowed && is_same_name(name, "gzip"));
    deflate = deflate || (allowed && is_same_name(name, "deflate"));
    if (comma == header.npos) break;
    header.remove_prefix(comma + 1);
  }
  return gzip ? Coding::gzip : deflate ? Coding::deflate : Coding::none;
}

std::string_view name_of(Coding coding) { return coding == Coding::gzip ? "gzip" : "deflate"; }

std::string inflated(std::string_view body, Coding coding, std::size_t most) {
  Inflater inflater(coding == Coding::gzip ? gzip_window : has_zlib_header(body) ? zlib_window : bare_window);
  z_stream& stream = inflater.stream;
  stream.next_in = bytes_of(body);
  stream.avail_in = part_of(body.size());
  std::string text;
  char buffer[65536];
  int result = Z_OK;
  while (result != Z_STREAM_END) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof buffer;
    result = inflate(&stream, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    const std::size_t got = sizeof buffer - stream.avail_out;
    // No progress is an end that is missing.
    require<DataError>((result == Z_OK && (got > 0 || stream.avail_in > 0)) || result == Z_STREAM_END,
                       "body: expected whole {} data, got what is broken or ends early", name_of(coding));
    if (got > most - text.size()) fail_with(413, "body: expected at most {} bytes when decompressed, got more", most);
    text.append(buffer, got);
    if (result == Z_STREAM_END && coding == Coding::gzip && begins_gzip(stream)) result = inflateReset(&stream);
  }
  require<DataError>(stream.avail_in == 0, "body: expected nothing behind its {} data, got {} bytes", name_of(coding),
                     stream.avail_in);
  return text;
}

std::string deflated(std::string_view text, Coding coding) {
  Deflater deflater(coding == Coding::gzip ? gzip_window : zlib_window);
  z_stream& stream = deflater.stream;
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  stream.next_in = bytes_of(text);
  stream.avail_in = part_of(text.size());
  stream.next_out = bytes_of(out);
  stream.avail_out = part_of(out.size());
  require<StateError>(deflate(&stream, Z_FINISH) == Z_STREAM_END, "answer: {} bytes cannot be compressed", text.size());
  out.resize(stream.total_out);
  return out;
}

}  // namespace maas::inline MAAS_ABI::serve
