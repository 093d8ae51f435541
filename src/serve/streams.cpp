#include "serve/streams.hpp"

#include <algorithm>
#include <fstream>

#include "maas/core/new_file.hpp"
#include "serve/json.hpp"
#include "serve/json_writer.hpp"
#include "serve/status.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

std::size_t bytes_of(const WindowShape& shape) {
  return static_cast<std::size_t>(shape.steps) * static_cast<std::size_t>(shape.features) * sizeof(Scalar);
}

}  // namespace

WindowShape window_of(const Servable& servable) {
  require<DataError>(servable.inputs.size() == 1, "model \"{}\": expected one input for streams, got {}",
                     servable.model, servable.inputs.size());
  const Shape& shape = servable.inputs[0].shape;
  require<DataError>(shape.rank() == 1 || shape.rank() == 2,
                     "model \"{}\": expected windows of samples for streams, got samples of rank {}", servable.model,
                     shape.rank());
  const auto lengths = shape.begin();
  return {lengths[0], shape.rank() == 2 ? lengths[1] : 1};
}

Streams::Streams(std::size_t most, std::string file) : most_(most), file_(std::move(file)) {
  require<ConfigError>(most_ >= 1, "streams: expected at least 1, got {}", most_);
  if (!file_.empty()) read();
}

Streams::~Streams() {
  try {
    if (!file_.empty()) save();
  } catch (const std::exception&) {  // the disk is full: windows fill again
  }
}

void Streams::erase(std::map<Key, Stream>::iterator stream) {
  bytes_ -= bytes_of(stream->second.shape);
  by_age_.erase(stream->second.place);
  streams_.erase(stream);
}

// The newest of all, of that shape.
Streams::Stream& Streams::of(const Key& key, const WindowShape& shape) {
  auto found = streams_.find(key);
  const bool fits = found != streams_.end() && found->second.shape.steps == shape.steps &&
                    found->second.shape.features == shape.features;
  if (found != streams_.end() && !fits) erase(found);
  if (!fits) {
    found = streams_.emplace(key, Stream{.shape = shape}).first;
    found->second.place = by_age_.insert(by_age_.end(), key);
    bytes_ += bytes_of(shape);
  }
  by_age_.splice(by_age_.end(), by_age_, found->second.place);
  return found->second;
}

void Streams::forget_silent() {
  while (streams_.size() > 1 && (streams_.size() > most_ || bytes_ > most_bytes)) erase(streams_.find(by_age_.front()));
}

Streams::Window Streams::add(const std::string& model, const std::string& sensor, const WindowShape& shape,
                             std::span<const Scalar> samples, std::optional<double> time) {
  const std::lock_guard lock(mutex_);
  Window& window = of({model, sensor}, shape).window;
  if (time && window.time) {
    require<ConflictError>(*time >= *window.time, "stream \"{}\": expected a time of at least {}, got {}", sensor,
                           *window.time, *time);
    if (*time == *window.time) return window;
  }
  const auto most = static_cast<std::size_t>(shape.steps * shape.features);
  std::vector<Scalar>& values = window.values;
  if (samples.size() > most) samples = samples.last(most);
  const std::size_t too_many = values.size() + samples.size() > most ? values.size() + samples.size() - most : 0;
  values.erase(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(too_many));
  values.insert(values.end(), samples.begin(), samples.end());
  window.have = static_cast<Index>(values.size()) / shape.features;
  if (time) window.time = time;
  Window result = window;
  forget_silent();
  return result;
}

std::optional<Streams::Window> Streams::find(const std::string& model, const std::string& sensor) const {
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find({model, sensor});
  return found == streams_.end() ? std::nullopt : std::optional(found->second.window);
}

bool Streams::remove(const std::string& model, const std::string& sensor) {
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find({model, sensor});
  if (found == streams_.end()) return false;
  erase(found);
  return true;
}

std::size_t Streams::size() const {
  const std::lock_guard lock(mutex_);
  return streams_.size();
}

// A line each, the longest silent first.
void Streams::save() const {
  const std::lock_guard lock(mutex_);
  NewFile file(file_);
  for (const Key& key : by_age_) {
    const Stream& stream = streams_.at(key);
    std::string line = R"({"model":)";
    append_text(line, key.first);
    line += R"(,"sensor":)";
    append_text(line, key.second);
    line += fmt::format(R"(,"steps":{},"features":{})", stream.shape.steps, stream.shape.features);
    if (stream.window.time) line += fmt::format(R"(,"time":{})", *stream.window.time);
    line += R"(,"values":)";
    append_flat(line, stream.window.values, Whole::short_form);
    file.write(line + "}\n");
  }
  file.commit();
}

void Streams::read() {
  std::ifstream stream(file_, std::ios::binary);
  for (std::string line; std::getline(stream, line);) {
    try {
      const JsonDocument document(line, 8);
      const JsonView root = document.root();
      const auto model = root.member("model"), sensor = root.member("sensor"), steps = root.member("steps"),
                 features = root.member("features"), values = root.member("values"), time = root.member("time");
      if (!model || !model->text() || !sensor || !sensor->text() || !values || !steps || !features) continue;
      const WindowShape shape{steps->integer().value_or(0), features->integer().value_or(0)};
      constexpr Index most = Index{1} << 24;
      if (shape.steps < 1 || shape.features < 1 || shape.steps > most || shape.features > most / shape.steps) continue;
      const std::vector<Scalar> numbers = JsonTensorReader("stream", DataType::fp32, most).flat(*values);
      if (static_cast<Index>(numbers.size()) % shape.features != 0) continue;
      add(std::string(*model->text()), std::string(*sensor->text()), shape, numbers,
          time ? time->number() : std::nullopt);
    } catch (const Error&) {
    }
  }
}

}  // namespace maas::inline MAAS_ABI::serve
