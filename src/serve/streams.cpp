#include "serve/streams.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "maas/core/error.hpp"
#include "serve/drift.hpp"
#include "serve/metrics.hpp"
#include "serve/status.hpp"

namespace maas::inline MAAS_ABI::serve {

WindowShape window_of(const Servable& servable) {
  if (servable.forecast) {
    const ForecastFrame& frame = *servable.forecast;
    require<DataError>(
        !frame.has_steps(),
        "model \"{}\": expected a forecaster of readings as they come for streams, got one whose file has "
        "steps that clean the rows of a table; maas forecast applies them",
        servable.model);
    require<DataError>(frame.options.known.empty(),
                       "model \"{}\": expected a forecaster of readings alone for streams, got one that takes known "
                       "inputs, such as \"{}\"; maas forecast takes them",
                       servable.model, frame.options.known.empty() ? "" : frame.options.known.front());
    return {frame.options.windows.lags, frame.is_joint() ? static_cast<Index>(frame.sensors.size()) : 1};
  }
  require<DataError>(servable.inputs.size() == 1, "model \"{}\": expected one input for streams, got {}",
                     servable.model, servable.inputs.size());
  const Shape& shape = servable.inputs[0].shape;
  require<DataError>(shape.rank() == 1 || shape.rank() == 2,
                     "model \"{}\": expected windows of samples for streams, got samples of rank {}", servable.model,
                     shape.rank());
  const auto lengths = shape.begin();
  return {lengths[0], shape.rank() == 2 ? lengths[1] : 1};
}

Streams::Streams(StreamOptions options) : options_(std::move(options)) {
  require<ConfigError>(options_.most >= 1, "streams: expected at least 1, got {}", options_.most);
  require<ConfigError>(options_.save.count() >= 0, "streams: expected a time between saves of at least 0, got {} ms",
                       options_.save.count());
  if (options_.file.empty()) return;
  read();
  if (options_.save.count() > 0) saver_ = std::thread([this] { save_now_and_then(); });
}

void Streams::count_bytes(Stream& stream) {
  const auto size = [](Index a, Index b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); };
  // Its name is held in two places, each with links of its own.
  constexpr std::size_t links = 128;
  const auto& [model, sensor] = *stream.place;
  std::size_t bytes = sizeof(Stream) + 2 * (model.size() + sensor.size()) + stream.window.told.size() + links;
  bytes += size(stream.shape.steps, stream.shape.features) * sizeof(Scalar);
  if (stream.followed) {
    const Followed& followed = *stream.followed;
    const Index columns = stream.shape.features * static_cast<Index>(followed.horizons.size());
    bytes += size(followed.horizons.back(), columns) * sizeof(Scalar);
    if (followed.has_learned) bytes += 2 * size(followed.intervals.options().window, columns) * sizeof(Scalar);
  }
  for (const Tried& each : stream.tried) bytes += each.values.size() * sizeof(Scalar);
  if (stream.kept) bytes += static_cast<std::size_t>(stream.kept->errors.size()) * sizeof(Scalar);
  bytes_ += bytes - stream.bytes;
  stream.bytes = bytes;
}

void Streams::erase(std::map<Key, Stream>::iterator stream) {
  if (options_.save.count() > 0) gone_.insert(stream->first);
  bytes_ -= stream->second.bytes;
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
    count_bytes(found->second);
  }
  by_age_.splice(by_age_.end(), by_age_, found->second.place);
  return found->second;
}

void Streams::forget_silent() {
  while (streams_.size() > 1 && (streams_.size() > options_.most || bytes_ > most_bytes))
    erase(streams_.find(by_age_.front()));
}

// ---- Intervals ----

// Begins with those of the forecaster's file, or goes on where the last run stopped.
void Streams::follow(Stream& stream, const StreamRules& rules) {
  const Servable& servable = *rules.forecaster;
  const ForecastFrame& frame = *servable.forecast;
  const bool is_watched = servable.drift && servable.drift->watches_errors();
  if (!frame.intervals && !is_watched) return;
  if (stream.followed && stream.followed->digest == servable.forecast_digest) {
    stream.followed->drift = is_watched ? servable.drift : nullptr;  // perhaps another version of the same forecaster
    return;
  }
  Followed followed{.digest = servable.forecast_digest,
                    .sensor = rules.sensor,
                    .drift = is_watched ? servable.drift : nullptr,
                    .horizons = frame.options.windows.horizons};
  if (frame.intervals) followed.intervals = frame.intervals->part(frame.columns(rules.sensor));
  std::optional<Kept> kept = std::move(stream.kept);
  stream.kept.reset();
  const Index columns = stream.shape.features * static_cast<Index>(followed.horizons.size());
  const bool goes_on = kept && kept->digest == followed.digest &&
                       static_cast<Index>(kept->alphas.size()) == followed.intervals.columns();
  if (goes_on) try {
      if (frame.intervals) followed.intervals = followed.intervals.restored(kept->alphas, kept->errors);
      followed.has_learned = kept->errors.size() > 0;
      for (Pending& each : kept->pending)
        if (static_cast<Index>(each.values.size()) == columns) followed.pending.push_back(std::move(each));
    } catch (const Error&) {  // a file that was changed: they begin again
    }
  stream.followed = std::move(followed);
  count_bytes(stream);
}

void Streams::tell_one(const std::string& model, Followed& followed, const Pending& forecast, std::size_t step,
                       std::span<const Scalar> sample) {
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const std::size_t column = step * sample.size() + i;
    const double said = static_cast<double>(forecast.values[column]), came = static_cast<double>(sample[i]);
    if (!std::isfinite(came - said)) continue;
    if (step == 0 && followed.drift && !forecast.is_tried)
      followed.drift->tell_error(followed.sensor + static_cast<Index>(i), std::abs(came - said));
    if (!followed.intervals.is_calibrated()) continue;
    Truths& truths = truths_[model];
    truths.missed += followed.intervals.tell(static_cast<Index>(column), said, came) ? 1 : 0;
    ++truths.told;
    followed.has_learned = followed.intervals.options().window > 0;
  }
}

// Samples that come now are the truth of forecasts from so many samples before.
void Streams::tell_truths(const std::string& model, Stream& stream, std::span<const Scalar> samples) {
  Followed& followed = *stream.followed;
  const auto features = static_cast<std::size_t>(stream.shape.features);
  std::uint64_t count = stream.window.count;
  for (; !samples.empty(); samples = samples.subspan(features)) {
    ++count;
    for (std::size_t step = 0; step < followed.horizons.size(); ++step) {
      const auto ahead = static_cast<std::uint64_t>(followed.horizons[step]);
      if (ahead > count) break;
      const auto is_before = [](const Pending& each, std::uint64_t wanted) { return each.count < wanted; };
      const auto found = std::lower_bound(followed.pending.begin(), followed.pending.end(), count - ahead, is_before);
      if (found == followed.pending.end() || found->count != count - ahead) continue;
      tell_one(model, followed, *found, step, samples.first(features));
    }
    while (!followed.pending.empty() &&
           followed.pending.front().count + static_cast<std::uint64_t>(followed.horizons.back()) <= count)
      followed.pending.pop_front();
  }
}

// What has come since, where a forecast is done after the next samples are here.
void Streams::tell_past(const std::string& model, Stream& stream, const Pending& forecast) {
  const Window& window = stream.window;
  const auto features = static_cast<std::size_t>(stream.shape.features);
  for (std::size_t step = 0; step < stream.followed->horizons.size(); ++step) {
    const std::uint64_t due = forecast.count + static_cast<std::uint64_t>(stream.followed->horizons[step]);
    if (due > window.count) break;
    const std::uint64_t back = window.count - due;
    if (back >= static_cast<std::uint64_t>(window.have)) continue;
    const std::size_t row = static_cast<std::size_t>(window.have) - 1 - static_cast<std::size_t>(back);
    tell_one(model, *stream.followed, forecast, step, std::span(window.values).subspan(row * features, features));
  }
}

// ---- Errors of versions that are tried out ----

void Streams::tell_tried(const Tried& forecast, std::span<const Scalar> sample) {
  for (std::size_t i = 0; i < sample.size(); ++i)
    forecast.drift->tell_error(forecast.sensor + static_cast<Index>(i),
                               std::abs(static_cast<double>(sample[i]) - static_cast<double>(forecast.values[i])));
}

// Samples that come now are the truth of forecasts before.
void Streams::tell_tried(Stream& stream, std::span<const Scalar> samples) {
  const auto features = static_cast<std::size_t>(stream.shape.features);
  const std::uint64_t before = stream.window.count, now = before + samples.size() / features;
  for (const Tried& each : stream.tried)
    if (each.due > before && each.due <= now)
      tell_tried(each, samples.subspan(static_cast<std::size_t>(each.due - before - 1) * features, features));
  std::erase_if(stream.tried, [&](const Tried& each) { return each.due <= now; });
}

void Streams::try_out(Stream& stream, const Servable& forecaster, Index sensor, std::span<const Scalar> forecast,
                      std::uint64_t count) {
  if (!forecaster.drift || !forecaster.drift->watches_errors()) return;
  const Window& window = stream.window;
  const auto features = static_cast<std::size_t>(stream.shape.features);
  const std::span<const Scalar> ahead = forecast.first(features);
  Tried made{.due = count + static_cast<std::uint64_t>(forecaster.forecast->options.windows.horizons.front()),
             .values = {ahead.begin(), ahead.end()},
             .sensor = sensor,
             .drift = forecaster.drift};
  if (made.due <= window.count) {  // it was done after the next samples had come
    const std::uint64_t back = window.count - made.due;
    if (back >= static_cast<std::uint64_t>(window.have)) return;
    const std::size_t row = static_cast<std::size_t>(window.have) - 1 - static_cast<std::size_t>(back);
    tell_tried(made, std::span(window.values).subspan(row * features, features));
    return;
  }
  constexpr std::size_t most_tried = 1024;
  const auto is_again = [&](const Tried& each) { return each.due == made.due && each.drift == made.drift; };
  if (stream.tried.size() >= most_tried || std::ranges::any_of(stream.tried, is_again)) return;
  stream.tried.push_back(std::move(made));
  count_bytes(stream);
}

Streams::Outlook Streams::outlook(const std::string& model, const std::string& sensor, const Servable& forecaster,
                                  Index place, MatrixArg forecast, std::uint64_t count) {
  const ForecastFrame& frame = *forecaster.forecast;
  const ConstMatrixView flat(forecast.data(), 1, forecast.size());
  const auto around = [&](const ConformalIntervals& intervals) -> Outlook {
    if (!frame.intervals) return {};
    return Outlook{intervals.around(flat),
                   frame.alarm ? intervals.chance_below(flat, frame.alarm_values(place)) : Matrix()};
  };
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find({model, sensor});
  const auto of_file = [&] {
    return !frame.intervals ? Outlook() : around(frame.intervals->part(frame.columns(place)));
  };
  if (found == streams_.end()) return of_file();
  Stream& stream = found->second;
  const bool is_tried = !stream.followed || stream.followed->drift != forecaster.drift;
  if (is_tried) try_out(stream, forecaster, place, {flat.data(), static_cast<std::size_t>(flat.size())}, count);
  if (!stream.followed || stream.followed->digest != forecaster.forecast_digest) return of_file();
  std::deque<Pending>& pending = stream.followed->pending;
  Outlook result = around(stream.followed->intervals);
  const auto is_later = [](std::uint64_t wanted, const Pending& each) { return wanted < each.count; };
  const auto behind = std::upper_bound(pending.begin(), pending.end(), count, is_later);
  if (behind != pending.begin() && std::prev(behind)->count == count) return result;  // a call that is made again
  Pending made{.count = count, .values = {flat.data(), flat.data() + flat.size()}, .is_tried = is_tried};
  tell_past(model, stream, made);
  if (count + static_cast<std::uint64_t>(stream.followed->horizons.back()) > stream.window.count)
    pending.insert(behind, std::move(made));
  stream.is_changed = true;
  count_bytes(stream);
  return result;
}

void Streams::tell(const std::string& model, const std::string& sensor, std::uint64_t count, const std::string& text) {
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find({model, sensor});
  if (found == streams_.end() || found->second.window.count != count) return;
  found->second.window.told = text;
  found->second.is_changed = true;
  count_bytes(found->second);
}

// ---- Windows ----

namespace {

// Clocks of detectors are a little off: a hundredth of a step does not count.
bool is_jump(double before, double now, std::size_t samples, double seconds) {
  const double expected = seconds * static_cast<double>(samples);
  return !(std::abs(now - before - expected) <= expected / 100);
}

}  // namespace

Streams::Window Streams::add(const std::string& model, const std::string& sensor, const StreamRules& rules,
                             std::span<const Scalar> samples, std::optional<double> time) {
  const WindowShape& shape = rules.shape;
  const std::lock_guard lock(mutex_);
  Stream& stream = of({model, sensor}, shape);
  Window& window = stream.window;
  if (rules.forecaster != nullptr) follow(stream, rules);
  if (time && window.time) {
    require<ConflictError>(*time >= *window.time, "stream \"{}\": expected a time of at least {}, got {}", sensor,
                           *window.time, *time);
    if (*time == *window.time) return window;
  }
  if (rules.forecaster != nullptr && rules.forecaster->drift)
    rules.forecaster->drift->count_readings(rules.sensor, shape.features, samples);
  const std::size_t rows = samples.size() / static_cast<std::size_t>(shape.features);
  if (time && window.time && rules.seconds > 0 && is_jump(*window.time, *time, rows, rules.seconds)) {
    window.values.clear();
    if (stream.followed) stream.followed->pending.clear();
    if (stream.kept) stream.kept->pending.clear();
    stream.tried.clear();
  }
  tell_tried(stream, samples);
  if (stream.followed) tell_truths(model, stream, samples);
  window.count += rows;
  const auto most = static_cast<std::size_t>(shape.steps * shape.features);
  std::vector<Scalar>& values = window.values;
  if (samples.size() > most) samples = samples.last(most);
  const std::size_t too_many = values.size() + samples.size() > most ? values.size() + samples.size() - most : 0;
  values.erase(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(too_many));
  values.insert(values.end(), samples.begin(), samples.end());
  window.have = static_cast<Index>(values.size()) / shape.features;
  window.told.clear();
  if (time) window.time = time;
  stream.is_changed = true;
  count_bytes(stream);
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

void Streams::append_metrics(std::string& out) const {
  const std::lock_guard lock(mutex_);
  const auto append = [&](std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  };
  append("maas_streams", "gauge", "Sensors whose windows are held.");
  fmt::format_to(std::back_inserter(out), "maas_streams {}\n", streams_.size());
  append("maas_stream_bytes", "gauge", "Bytes of windows, of their names and answers, and of what follows them.");
  fmt::format_to(std::back_inserter(out), "maas_stream_bytes {}\n", bytes_);
  if (truths_.empty()) return;
  append("maas_stream_truths_total", "counter", "Readings that came to forecasts with an interval, by model.");
  for (const auto& [model, truths] : truths_)
    fmt::format_to(std::back_inserter(out), "maas_stream_truths_total{{model=\"{}\"}} {}\n", label_text(model),
                   truths.told);
  append("maas_stream_misses_total", "counter", "Those that lay outside of it.");
  for (const auto& [model, truths] : truths_)
    fmt::format_to(std::back_inserter(out), "maas_stream_misses_total{{model=\"{}\"}} {}\n", label_text(model),
                   truths.missed);
}

}  // namespace maas::inline MAAS_ABI::serve
