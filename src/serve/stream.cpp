// /v1/streams: the newest sample of a sensor in, a forecast out.
#include <algorithm>
#include <cmath>
#include <memory>

#include "maas/forecast/alarms.hpp"
#include "serve/drift.hpp"
#include "serve/json_writer.hpp"
#include "serve/prediction.hpp"
#include "serve/status.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

struct Samples {
  std::vector<Scalar> values{};
  std::optional<double> time{};
};

// "sample" or "samples", and perhaps "time".
Samples read_samples(const Request& request, const WindowShape& shape, Index most, const Limits& limits) {
  const JsonDocument document(request.body, limits.json_depth);
  const JsonView root = document.root();
  require<DataError>(root.kind() == JsonKind::object, "stream: expected an object, got {}", root.kind_name());
  const auto one = root.member("sample"), several = root.member("samples"), time = root.member("time");
  require<DataError>(one.has_value() != several.has_value(),
                     "stream: expected either \"sample\" or \"samples\", got {}", one ? "both" : "neither");
  require<DataError>(!time || (time->number() && std::isfinite(*time->number())),
                     "stream: expected \"time\" to be a finite number, got {}", time ? time->json() : "none");
  JsonTensor tensor = JsonTensorReader(one ? "sample" : "samples", DataType::fp32, limits.tensor_elements)
                          .rectangular(one ? *one : *several);
  std::vector<Index> lengths = tensor.shape;
  if (several) {
    require<DataError>(!lengths.empty() && lengths[0] >= 1, "samples: expected a list of at least one, got another");
    if (lengths[0] > most) fail_with(413, "samples: expected at most {}, got {}", most, lengths[0]);
    lengths.erase(lengths.begin());
  }
  const bool fits = lengths == std::vector<Index>{shape.features} || (shape.features == 1 && lengths.empty());
  require<ShapeError>(fits, "{}: expected {} numbers for each, got shape {}", one ? "sample" : "samples",
                      shape.features, shape_text(lengths));
  return {std::move(tensor.values), time ? time->number() : std::nullopt};
}

std::string head_of(const Route& route, Index have, Index need) {
  std::string out = R"({"model":)";
  append_text(out, route.model);
  out += R"(,"sensor":)";
  append_text(out, route.sensor);
  return out + fmt::format(R"(,"have":{},"need":{})", have, need);
}

std::string forecast_of(const Servable& servable, const std::vector<Matrix>& outputs) {
  std::string out;
  const bool is_object = outputs.size() > 1;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    out += is_object ? (i == 0 ? "{" : ",") : "";
    if (is_object) {
      append_text(out, servable.outputs[i].name);
      out += ':';
    }
    const Shape& shape = servable.outputs[i].shape;
    append_nested(out, outputs[i].data(), {shape.begin(), shape.end()}, Whole::with_point);
  }
  return out + (is_object ? "}" : "");
}

// ---- Of forecasters: readings in, forecasts with their interval and a warning out ----

// The sensor's place among those that were learned from. Where there was one, any is like it; where all are forecast
// together, the name is that of the stream.
Index sensor_of(const Servable& servable, const std::string& name) {
  const ForecastFrame& frame = *servable.forecast;
  if (frame.is_joint() || frame.sensors.size() == 1) return 0;
  const auto found = std::ranges::find(frame.sensors, name);
  require<UnknownError>(found != frame.sensors.end(),
                        "model \"{}\": unknown sensor \"{}\": expected one of {}, such as \"{}\"", servable.model, name,
                        frame.sensors.size(), frame.sensors[0]);
  return found - frame.sensors.begin();
}

// Readings beyond those of training, as the file says: clipped, or a DataError that names the sensor. A missing one is
// taken.
void take_in_range(const Servable& servable, Index sensor, const WindowShape& shape, std::vector<Scalar>& values) {
  if (servable.ranges.empty()) return;
  const bool clips = servable.forecast->out_of_range() == OutOfRange::clip;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto of = static_cast<std::size_t>(sensor) + i % static_cast<std::size_t>(shape.features);
    const std::optional<NumberRange>& range = servable.ranges[of];
    const auto reading = static_cast<double>(values[i]);
    if (!range) continue;
    if (clips)
      values[i] = static_cast<Scalar>(range->clipped(reading));
    else if (!range->takes(reading))
      fail<DataError>("model \"{}\": expected a reading of \"{}\" {}, got {}; of its training {}", servable.model,
                      servable.forecast->sensors[of], range->text(), values[i], NumberRange::choices());
  }
}

// Numbers of a forecast: one a horizon, or where it is joint a list of those of all sensors.
void append_steps(std::string& out, const ForecastFrame& frame, MatrixArg values) {
  const Index steps = static_cast<Index>(frame.options.windows.horizons.size()), width = values.size() / steps;
  const std::vector<Index> lengths = frame.is_joint() ? std::vector{steps, width} : std::vector{steps};
  append_nested(out, values.data(), lengths, Whole::with_point);
}

// {"state":"raised","probability":0.7,"value":40.0}; where it is joint, with lists of states and probabilities, and of
// values where sensors have their own.
void append_warning(std::string& out, const ForecastFrame& frame, const Matrix& chances, const Matrix& last,
                    Index place) {
  const std::vector<Index>& horizons = frame.options.windows.horizons;
  const auto steps = static_cast<Index>(horizons.size()), width = last.cols();
  std::string states, probabilities;
  for (Index sensor = 0; sensor < width; ++sensor) {
    std::vector<Scalar> of_sensor;
    for (Index step = 0; step < steps; ++step) of_sensor.push_back(chances(0, step * width + sensor));
    const std::string& name = frame.sensors[static_cast<std::size_t>(frame.is_joint() ? sensor : place)];
    const Warning warning =
        warning_of(of_sensor, static_cast<double>(last(0, sensor)), frame.alarm->of(name), horizons);
    states += fmt::format("{}\"{}\"", sensor > 0 ? "," : "", name_of(warning.state));
    if (sensor > 0) probabilities += ',';
    append_number(probabilities, static_cast<Scalar>(warning.probability), Whole::with_point);
  }
  out += frame.is_joint() ? fmt::format(R"({{"state":[{}],"probability":[{}])", states, probabilities)
                          : fmt::format(R"({{"state":{},"probability":{})", states, probabilities);
  out += R"(,"value":)";
  const bool one = !frame.is_joint() || frame.alarm->values.empty();
  std::string values;
  for (double value : one ? std::vector<double>{frame.alarm_values(place).front()} : frame.alarm_values(place)) {
    if (!values.empty()) values += ',';
    append_number(values, static_cast<Scalar>(value), Whole::with_point);
  }
  out += one ? values : '[' + values + ']';
  out += '}';
}

std::string outlook_of(const ForecastFrame& frame, const Matrix& forecast, const Streams::Outlook* outlook,
                       const Matrix& last, Index place) {
  std::string out = R"("forecast":)";
  append_steps(out, frame, forecast);
  out += R"(,"horizons":[)";
  for (Index horizon : frame.options.windows.horizons)
    out += fmt::format("{}{}", out.back() == '[' ? "" : ",", horizon);
  out += ']';
  if (outlook == nullptr) return out;
  out += fmt::format(R"(,"interval":{{"coverage":{},"lower":)", frame.intervals->options().coverage);
  append_steps(out, frame, outlook->intervals.lower);
  out += R"(,"upper":)";
  append_steps(out, frame, outlook->intervals.upper);
  out += '}';
  if (!frame.alarm) return out;
  out += R"(,"warning":)";
  append_warning(out, frame, outlook->chances, last, place);
  return out;
}

// A window with a missing reading has no forecast, unless the forecaster fills it.
bool is_whole(const Streams::Window& window, const WindowShape& shape, const ForecastFrame& frame) {
  const auto is_missing = [](Scalar reading) { return std::isnan(reading); };
  return window.have == shape.steps &&
         (frame.options.windows.fill_missing || std::ranges::none_of(window.values, is_missing));
}

Asked forecaster_push(const Context& context, const Route& route, Samples samples, Asked asked) {
  const std::shared_ptr<const Servable> servable = asked.servable;
  const ForecastFrame& frame = *servable->forecast;
  const WindowShape shape = window_of(*servable);
  const Index sensor = sensor_of(*servable, route.sensor);
  require<DataError>(!frame.needs_times() || samples.time,
                     "stream: expected a \"time\", which the model knows, got none");
  take_in_range(*servable, sensor, shape, samples.values);
  const bool is_default = context.repository.find(route.model) == servable;  // and no canary
  const auto& windows = frame.options.windows;
  Streams::Window window = context.streams.add(route.model, route.sensor,
                                               {.shape = shape,
                                                .seconds = windows.across_gaps ? 0 : windows.seconds_a_reading,
                                                .forecaster = is_default ? servable.get() : nullptr,
                                                .sensor = sensor},
                                               samples.values, samples.time);
  const std::string head = head_of(route, window.have, shape.steps);
  asked.is_counted = is_default;
  if (!is_whole(window, shape, frame)) {
    asked.ready = Response{.body = head + R"(,"forecast":null})"};
    return asked;
  }
  const ConstMatrixView readings(window.values.data(), shape.steps, shape.features);
  asked.inputs = frame.inputs(readings, sensor, samples.time.value_or(0));
  asked.answer = [&context_streams = context.streams, servable, route, head, sensor, count = window.count,
                  readings = Matrix(readings)](const std::vector<Matrix>& outputs) -> Response {
    const ForecastFrame& used = *servable->forecast;
    const Matrix forecast = used.forecasts(outputs[0], readings, sensor);
    std::optional<Streams::Outlook> outlook;
    if (used.intervals || (servable->drift && servable->drift->watches_errors()))
      outlook = context_streams.outlook(route.model, route.sensor, *servable, sensor, forecast, count);
    const std::string said =
        fmt::format(R"("version":{},)", servable->version) +
        outlook_of(used, forecast, used.intervals ? &*outlook : nullptr, readings.bottomRows(1), sensor);
    context_streams.tell(route.model, route.sensor, count, said);
    return {.body = head + ',' + said + '}'};
  };
  return asked;
}

}  // namespace

Asked stream_push(const Context& context, const Route& route, const Request& request) {
  auto choice = chosen(context, route);
  const auto deadline = deadline_of(request, context.limits);
  check_deadline(deadline, context.now);
  const WindowShape shape = window_of(*choice.answering);
  Samples samples = read_samples(request, shape, most_rows(*choice.answering, context.limits), context.limits);
  Asked asked{.servable = choice.answering, .deadline = deadline};
  // A shadow may scale readings in another way: it is not asked what was prepared for this version.
  if (asked.servable->forecast) return forecaster_push(context, route, std::move(samples), std::move(asked));
  const Streams::Window window =
      context.streams.add(route.model, route.sensor, {.shape = shape}, samples.values, samples.time);
  const std::string head = head_of(route, window.have, shape.steps);
  if (window.have < shape.steps) {
    asked.ready = Response{.body = head + R"(,"forecast":null})"};
    return asked;
  }
  asked.inputs.push_back(ConstMatrixView(window.values.data(), 1, shape.steps * shape.features));
  asked.shadow = std::move(choice.shadow);
  asked.answer = [servable = asked.servable, head](const std::vector<Matrix>& outputs) -> Response {
    return {.body = head + fmt::format(R"(,"version":{},"forecast":)", servable->version) +
                    forecast_of(*servable, outputs) + '}'};
  };
  return asked;
}

Response stream_answer(const Context& context, const Route& route, const Request& request) {
  if (request.method == "DELETE") {
    require<UnknownError>(context.streams.remove(route.model, route.sensor), "model \"{}\": unknown sensor \"{}\"",
                          route.model, route.sensor);
    return {.body = "{}"};
  }
  const auto window = context.streams.find(route.model, route.sensor);
  require<UnknownError>(window.has_value(), "model \"{}\": unknown sensor \"{}\"", route.model, route.sensor);
  const auto servable = servable_of(context.repository, route);
  const WindowShape shape = window_of(*servable);
  std::string out = head_of(route, window->have, shape.steps);
  if (window->time) out += fmt::format(R"(,"time":{})", *window->time);
  out += R"(,"window":)";
  append_flat(out, window->values, Whole::with_point);
  if (!window->told.empty()) out += ',' + window->told;
  return {.body = out + '}'};
}

}  // namespace maas::inline MAAS_ABI::serve
