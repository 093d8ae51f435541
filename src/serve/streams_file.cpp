// The file of streams: a line a stream, written whole or added to.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>

#include "maas/core/new_file.hpp"
#include "serve/json.hpp"
#include "serve/json_writer.hpp"
#include "serve/streams.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

constexpr Index most_numbers = Index{1} << 24;  // of one stream

// Adds to the end of a file, and flushes it to the disk.
void add_to_file(const std::string& path, std::string_view text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  require<FormatError>(file >= 0, "{}: cannot be written: {}", path, std::strerror(errno));
  bool is_good = true;
  while (is_good && !text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    is_good = written > 0;
    if (is_good) text.remove_prefix(static_cast<std::size_t>(written));
  }
  is_good = is_good && ::fdatasync(file) == 0;
  const int problem = errno;
  ::close(file);
  require<FormatError>(is_good, "{}: cannot be written: {}", path, std::strerror(problem));
}

std::string head_of(const std::string& model, const std::string& sensor) {
  return R"({"model":)" + json_text(model) + R"(,"sensor":)" + json_text(sensor);
}

// [[count, number, ...], ...]
template <class Forecasts>
void append_pending(std::string& line, const Forecasts& pending) {
  line += R"(,"pending":[)";
  for (const auto& each : pending) {
    line += fmt::format("{}[{},", line.back() == '[' ? "" : ",", each.count);
    append_flat(line, each.values, Whole::short_form);
    line += ']';
  }
  line += ']';
}

void append_alphas(std::string& line, const std::string& digest, const std::vector<double>& alphas) {
  line += fmt::format(R"(,"digest":{},"alphas":[)", json_text(digest));
  for (double alpha : alphas) line += fmt::format("{}{}", line.back() == '[' ? "" : ",", alpha);
  line += ']';
}

// [[number, ...], ...], a column each.
void append_errors(std::string& line, const Matrix& errors) {
  if (errors.size() == 0) return;
  line += R"(,"errors":[)";
  for (Index column = 0; column < errors.cols(); ++column) {
    std::vector<Scalar> numbers;
    for (Index row = 0; row < errors.rows() && !std::isnan(errors(row, column)); ++row)
      numbers.push_back(errors(row, column));
    if (line.back() != '[') line += ',';
    append_flat(line, numbers, Whole::short_form);
  }
  line += ']';
}

std::vector<Scalar> numbers_of(JsonView list) {
  return JsonTensorReader("stream", DataType::fp32, most_numbers).flat(list);
}

Matrix errors_of(JsonView columns) {
  std::vector<std::vector<Scalar>> all;
  columns.for_each([&](JsonView each) { all.push_back(numbers_of(each)); });
  std::size_t rows = 0;
  for (const std::vector<Scalar>& each : all) rows = std::max(rows, each.size());
  Matrix errors = Matrix::Constant(static_cast<Index>(rows), static_cast<Index>(all.size()),
                                   std::numeric_limits<Scalar>::quiet_NaN());
  for (std::size_t column = 0; column < all.size(); ++column)
    for (std::size_t row = 0; row < all[column].size(); ++row)
      errors(static_cast<Index>(row), static_cast<Index>(column)) = all[column][row];
  return errors;
}

}  // namespace

// ---- Writing ----

std::string Streams::line_of(const Key& key, const Stream& stream) {
  std::string line = head_of(key.first, key.second);
  line += fmt::format(R"(,"steps":{},"features":{},"count":{})", stream.shape.steps, stream.shape.features,
                      stream.window.count);
  if (stream.window.time) line += fmt::format(R"(,"time":{})", *stream.window.time);
  line += R"(,"values":)";
  append_flat(line, stream.window.values, Whole::short_form);
  if (!stream.window.told.empty()) line += R"(,"told":)" + json_text(stream.window.told);
  if (stream.followed) {
    const Followed& followed = *stream.followed;
    std::vector<double> alphas;
    for (Index column = 0; column < followed.intervals.columns(); ++column)
      alphas.push_back(followed.intervals.alpha(column));
    append_alphas(line, followed.digest, alphas);
    if (followed.has_learned) append_errors(line, followed.intervals.errors());
    append_pending(line, followed.pending);
  } else if (stream.kept) {
    append_alphas(line, stream.kept->digest, stream.kept->alphas);
    append_errors(line, stream.kept->errors);
    append_pending(line, stream.kept->pending);
  }
  return line + "}\n";
}

// Of some that are still there. The lock is held for a few at a time, as requests wait for it.
std::string Streams::lines_of(std::span<const Key> keys) {
  std::string lines;
  const std::lock_guard lock(mutex_);
  for (const Key& key : keys) {
    const auto found = streams_.find(key);
    if (found == streams_.end()) continue;
    lines += line_of(key, found->second);
    found->second.is_changed = false;
  }
  return lines;
}

namespace {

template <class Key, class Write>
void in_portions(const std::vector<Key>& keys, const Write& write) {
  constexpr std::size_t portion = 8;
  for (std::size_t i = 0; i < keys.size(); i += portion)
    write(std::span<const Key>(keys).subspan(i, std::min(portion, keys.size() - i)));
}

}  // namespace

// The longest silent first, as that is how they are read.
void Streams::save_whole() {
  std::vector<Key> keys;
  {
    const std::lock_guard lock(mutex_);
    keys.assign(by_age_.begin(), by_age_.end());
    gone_.clear();
  }
  is_whole_needed_ = true;  // until it is done
  whole_streams_ = keys.size();
  whole_bytes_ = added_bytes_ = 0;
  NewFile file(options_.file);
  in_portions(keys, [&](std::span<const Key> some) {
    const std::string lines = lines_of(some);
    file.write(lines);
    whole_bytes_ += lines.size();
  });
  file.commit();
  is_whole_needed_ = false;
}

bool Streams::save_changes() {
  std::string removals;
  std::vector<Key> keys;
  {
    const std::lock_guard lock(mutex_);
    for (const Key& key : gone_) removals += head_of(key.first, key.second) + ",\"removed\":true}\n";
    gone_.clear();
    for (const Key& key : by_age_)
      if (streams_.at(key).is_changed) keys.push_back(key);
  }
  if (removals.empty() && keys.empty()) return false;
  is_whole_needed_ = true;  // where the disk is full, and a line may be torn
  const auto add = [&](const std::string& lines) {
    add_to_file(options_.file, lines);
    added_bytes_ += lines.size();
  };
  std::string lines = std::move(removals);
  in_portions(keys, [&](std::span<const Key> some) {
    lines += lines_of(some);
    constexpr std::size_t enough = std::size_t{1} << 20;
    if (lines.size() < enough) return;
    add(lines);
    lines.clear();
  });
  if (!lines.empty()) add(lines);
  is_whole_needed_ = false;
  return true;
}

bool Streams::save() {
  if (options_.file.empty()) return false;
  const std::lock_guard lock(file_mutex_);
  constexpr std::size_t little = std::size_t{1} << 20;
  if (!is_whole_needed_ && added_bytes_ <= whole_bytes_ + little) return save_changes();
  save_whole();
  return true;
}

// With file_mutex_ held: whether the file is as it would be written whole. One that has come or gone since changes
// their number, or is a changed one in another's place.
bool Streams::is_kept() const {
  if (is_whole_needed_ || added_bytes_ > 0) return false;
  const std::lock_guard lock(mutex_);
  return streams_.size() == whole_streams_ &&
         std::ranges::none_of(streams_, [](const auto& each) { return each.second.is_changed; });
}

bool Streams::keep() {
  if (options_.file.empty()) return true;
  return options_.saves->attempt(options_.file, [this] {
    const std::lock_guard lock(file_mutex_);
    if (is_kept()) return false;
    save_whole();
    return true;
  });
}

void Streams::save_now_and_then() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, options_.save, [this] { return stopping_; })) {
    lock.unlock();
    options_.saves->attempt(options_.file, [this] { return save(); });
    lock.lock();
  }
}

Streams::~Streams() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (saver_.joinable()) saver_.join();
  keep();  // where it cannot, windows fill again
}

// ---- Reading ----

void Streams::read() {
  std::ifstream file(options_.file, std::ios::binary);
  for (std::string line; std::getline(file, line);) {
    try {
      read_line(line);
    } catch (const Error&) {  // torn by a crash, or changed by hand
    }
  }
  gone_.clear();
}

void Streams::read_line(const std::string& line) {
  const JsonDocument document(line, 8);
  const JsonView root = document.root();
  const auto text = [&](std::string_view name) {
    const auto value = root.member(name);
    return std::string(value ? value->text().value_or("") : "");
  };
  const auto number = [&](std::string_view name) {
    const auto value = root.member(name);
    return value ? value->integer().value_or(0) : 0;
  };
  const Key key{text("model"), text("sensor")};
  if (key.first.empty() || key.second.empty()) return;
  if (root.member("removed")) {
    remove(key.first, key.second);
    return;
  }
  const WindowShape shape{number("steps"), number("features")};
  const auto values = root.member("values"), told_time = root.member("time");
  std::optional<double> time = told_time ? told_time->number() : std::nullopt;
  if (time && !std::isfinite(*time)) time.reset();
  if (!values || shape.steps < 1 || shape.features < 1 || shape.steps > most_numbers ||
      shape.features > most_numbers / shape.steps)
    return;
  const std::vector<Scalar> numbers = numbers_of(*values);
  if (static_cast<Index>(numbers.size()) % shape.features != 0) return;
  Kept kept{.digest = text("digest")};
  if (const auto alphas = root.member("alphas"))
    alphas->for_each([&](JsonView each) { kept.alphas.push_back(each.number().value_or(-1)); });
  if (const auto errors = root.member("errors")) kept.errors = errors_of(*errors);
  if (const auto pending = root.member("pending"))
    pending->for_each([&](JsonView each) {
      Pending forecast;
      each.for_each([&](JsonView part) {
        if (part.kind() == JsonKind::list)
          forecast.values = numbers_of(part);
        else
          forecast.count = static_cast<std::uint64_t>(std::max<std::int64_t>(0, part.integer().value_or(0)));
      });
      if (kept.pending.empty() || kept.pending.back().count < forecast.count)
        kept.pending.push_back(std::move(forecast));
    });

  remove(key.first, key.second);  // a line before
  add(key.first, key.second, {.shape = shape}, numbers, time);
  const std::lock_guard lock(mutex_);
  Stream& stream = streams_.at(key);
  stream.window.count = static_cast<std::uint64_t>(std::max<std::int64_t>(stream.window.have, number("count")));
  stream.window.told = text("told");
  if (kept.digest.empty()) return;
  stream.kept = std::move(kept);
  count_bytes(stream);
}

}  // namespace maas::inline MAAS_ABI::serve
