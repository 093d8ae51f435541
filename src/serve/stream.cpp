// /v1/streams: the newest sample of a sensor in, a forecast out.
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
Samples read_samples(const Request& request, const WindowShape& shape, const Limits& limits) {
  const JsonDocument document(request.body, limits.json_depth);
  const JsonView root = document.root();
  require<DataError>(root.kind() == JsonKind::object, "stream: expected an object, got {}", root.kind_name());
  const auto one = root.member("sample"), several = root.member("samples"), time = root.member("time");
  require<DataError>(one.has_value() != several.has_value(),
                     "stream: expected either \"sample\" or \"samples\", got {}", one ? "both" : "neither");
  require<DataError>(!time || time->number(), "stream: expected \"time\" to be a number, got {}",
                     time ? time->kind_name() : "none");
  JsonTensor tensor = JsonTensorReader(one ? "sample" : "samples", DataType::fp32, limits.tensor_elements)
                          .rectangular(one ? *one : *several);
  std::vector<Index> lengths = tensor.shape;
  if (several) {
    require<DataError>(!lengths.empty() && lengths[0] >= 1, "samples: expected a list of at least one, got another");
    if (lengths[0] > limits.rows) fail_with(413, "samples: expected at most {}, got {}", limits.rows, lengths[0]);
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

}  // namespace

Asked stream_push(const Context& context, const Route& route, const Request& request) {
  auto choice = chosen(context.repository, route);
  const auto deadline = deadline_of(request, context.limits);
  check_deadline(deadline);
  const WindowShape shape = window_of(*choice.answering);
  const Samples samples = read_samples(request, shape, context.limits);
  const Streams::Window window = context.streams.add(route.model, route.sensor, shape, samples.values, samples.time);
  const std::string head = head_of(route, window.have, shape.steps);
  Asked asked{.servable = choice.answering, .deadline = deadline};
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
  return {.body = out + '}'};
}

}  // namespace maas::inline MAAS_ABI::serve
