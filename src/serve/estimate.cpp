#include "serve/estimate.hpp"

#include <algorithm>
#include <charconv>

#include "serve/batching.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds unknown = nanoseconds::max();
constexpr std::size_t most_body_bytes = 64 << 10;
// Of one number: read from JSON, at 5 bytes or more, and written to it. Measured at a third to two thirds of this.
constexpr Index ns_a_byte = 4, ns_a_number = 60;

Index numbers_of(const std::vector<TensorInfo>& tensors) {
  Index count = 0;
  for (const TensorInfo& tensor : tensors) count += tensor.shape.size();
  return count;
}

// Where the bytes of tensors begin; the body's size if there are none.
std::size_t json_bytes(const Request& request) {
  std::size_t bytes = request.body.size();
  if (const std::string* header = request.header("Inference-Header-Content-Length"))
    std::from_chars(header->data(), header->data() + header->size(), bytes);
  return std::min(bytes, request.body.size());
}

}  // namespace

nanoseconds likely_answer_time(const Servable& servable, std::size_t body_bytes, Index rows) {
  const nanoseconds run = likely_time(servable, rows);
  if (run == unknown) return unknown;
  return run +
         nanoseconds(static_cast<Index>(body_bytes) * ns_a_byte + rows * numbers_of(servable.outputs) * ns_a_number);
}

nanoseconds likely_answer_time(const Servable& servable, const Request& request, nanoseconds enough) {
  const std::size_t bytes = request.body.size(), json = json_bytes(request);
  if (bytes > most_body_bytes || request.header("Content-Encoding") != nullptr) return unknown;
  // At the most: two bytes of JSON a number. Where that decides, nothing need be counted.
  const auto rows_of = [&](Index numbers) {
    return std::max<Index>(1, numbers / std::max<Index>(1, numbers_of(servable.inputs)));
  };
  const auto packed = static_cast<Index>((bytes - json) / sizeof(float));
  const Index most_rows = rows_of(static_cast<Index>(json / 2) + 1 + packed);
  if (!servable.pipeline)
    if (const nanoseconds time = likely_answer_time(servable, bytes, most_rows); time <= enough) return time;
  const auto end = request.body.begin() + static_cast<std::ptrdiff_t>(json);
  if (servable.pipeline && std::count(request.body.begin(), end, '{') > 1) return unknown;
  return likely_answer_time(servable, bytes, rows_of(std::count(request.body.begin(), end, ',') + 1 + packed));
}

Index likely_rows(const Servable& servable, const Request& request) {
  constexpr std::size_t looked_at = 4096;
  const std::size_t bytes = request.body.size(), json = json_bytes(request);
  const auto packed = static_cast<Index>((bytes - json) / sizeof(float));
  const std::size_t part = std::min(json, looked_at);
  const auto commas = std::count(request.body.begin(), request.body.begin() + static_cast<std::ptrdiff_t>(part), ',');
  const double all =
      static_cast<double>(commas) * static_cast<double>(json) / static_cast<double>(std::max<std::size_t>(1, part));
  const Index numbers = packed > 0 ? packed : static_cast<Index>(all) + 1;
  return std::max<Index>(1, numbers / std::max<Index>(1, numbers_of(servable.inputs)));
}

}  // namespace maas::inline MAAS_ABI::serve
