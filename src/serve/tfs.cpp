// TensorFlow Serving's REST API: /v1.
#include <algorithm>

#include "serve/drift.hpp"
#include "serve/json_writer.hpp"
#include "serve/prediction.hpp"
#include "serve/raw_rows.hpp"
#include "serve/status.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

// ---- The request ----

struct PredictBody {
  std::optional<JsonView> instances{}, inputs{};
};

void take_once(std::optional<JsonView>& place, std::string_view name, JsonView value) {
  require<DataError>(!place, "predict: expected \"{}\" once, got it twice", name);
  place = value;
}

PredictBody read_body(JsonView root) {
  require<DataError>(root.kind() == JsonKind::object, "predict: expected an object, got {}", root.kind_name());
  PredictBody body;
  root.for_each_member([&](std::string_view name, JsonView value) {
    if (name == "instances") take_once(body.instances, name, value);
    if (name == "inputs") take_once(body.inputs, name, value);
    if (name != "signature_name") return;
    const auto signature = value.text();
    require<DataError>(signature && (signature->empty() || *signature == "serving_default"),
                       "predict: expected signature_name \"serving_default\", got {}",
                       signature ? fmt::format("\"{}\"", *signature) : std::string(value.kind_name()));
  });
  require<DataError>(body.instances.has_value() != body.inputs.has_value(),
                     "predict: expected either \"instances\" or \"inputs\", got {}",
                     body.instances ? "both" : "neither");
  return body;
}

// Calls back with the place of each input, once; all must be there and no others.
void for_each_tensor(const Tensors& tensors, std::string_view what, JsonView object,
                     const std::function<void(std::size_t, JsonView)>& take) {
  require<DataError>(object.kind() == JsonKind::object, "{}: expected an object with the {}s {}, got {}", what,
                     tensors.kind, names_of(tensors.all), object.kind_name());
  std::vector<bool> seen(tensors.all.size(), false);
  object.for_each_member([&](std::string_view name, JsonView value) {
    const Index place = place_of(tensors.all, name);
    if (place < 0 && tensors.passes_over_others) return;
    require<DataError>(place >= 0, "{}: expected the {}s {}, got \"{}\"", what, tensors.kind, names_of(tensors.all),
                       name);
    const auto i = static_cast<std::size_t>(place);
    require<DataError>(!seen[i], "{}: expected {} \"{}\" once, got it twice", what, tensors.kind, name);
    seen[i] = true;
    take(i, value);
  });
  for (std::size_t i = 0; i < seen.size(); ++i)
    require<DataError>(seen[i], "{}: expected the {}s {}, got no \"{}\"", what, tensors.kind, names_of(tensors.all),
                       tensors.all[i].name);
}

JsonTensor tensor_of(const std::string& what, JsonView value, Index most) {
  return JsonTensorReader(what, DataType::fp32, most).rectangular(value);
}

}  // namespace

std::vector<Matrix> columns_of(const Tensors& tensors, JsonView value, const Limits& limits) {
  std::vector<Matrix> samples(tensors.all.size());
  const auto take = [&](std::size_t i, JsonView tensor) {
    const TensorInfo& info = tensors.all[i];
    samples[i] =
        samples_of(info, tensor_of(fmt::format("{} \"{}\"", tensors.kind, info.name), tensor, limits.tensor_elements),
                   tensors.most_rows, tensors.kind);
  };
  if (tensors.all.size() == 1 && value.kind() != JsonKind::object)
    take(0, value);
  else
    for_each_tensor(tensors, fmt::format("{}s", tensors.kind), value, take);
  return samples;
}

namespace {

// Adds one sample to a batch.
void add_sample(JsonTensor& batch, const JsonTensor& sample, std::size_t number, const std::string& input) {
  if (batch.shape.empty()) {
    batch.shape = sample.shape;
    batch.shape.insert(batch.shape.begin(), 0);
  }
  require<ShapeError>(std::ranges::equal(std::span(batch.shape).subspan(1), sample.shape),
                      "instances[{}]: expected shape {} for input \"{}\", as in the first, got {}", number,
                      shape_text(std::span(batch.shape).subspan(1)), input, shape_text(sample.shape));
  ++batch.shape[0];
  batch.values.insert(batch.values.end(), sample.values.begin(), sample.values.end());
}

std::vector<Matrix> named_rows(const Servable& servable, JsonView instances, const Limits& limits) {
  std::vector<JsonTensor> batches(servable.inputs.size());
  std::size_t number = 0;
  instances.for_each([&](JsonView instance) {
    const std::string what = fmt::format("instances[{}]", number);
    for_each_tensor(
        {servable.inputs, "input", most_rows(servable, limits)}, what, instance, [&](std::size_t i, JsonView value) {
          const std::string& name = servable.inputs[i].name;
          const Index room = limits.tensor_elements - static_cast<Index>(batches[i].values.size());
          add_sample(batches[i], tensor_of(fmt::format("{}[\"{}\"]", what, name), value, room), number, name);
        });
    ++number;
  });
  std::vector<Matrix> samples;
  for (std::size_t i = 0; i < batches.size(); ++i)
    samples.push_back(samples_of(servable.inputs[i], std::move(batches[i]), most_rows(servable, limits)));
  return samples;
}

// The first of them; all of one request are of its form.
JsonView first_of(JsonView instances, Index most) {
  require<DataError>(instances.kind() == JsonKind::list, "instances: expected a list, got {}", instances.kind_name());
  std::optional<JsonView> first;
  std::size_t count = 0;
  instances.for_each([&](JsonView instance) {
    if (count++ == 0) first = instance;
  });
  require<DataError>(first.has_value(), "instances: expected at least one, got none");
  if (static_cast<Index>(count) > most) fail_with(413, "instances: expected at most {}, got {}", most, count);
  return *first;
}

std::vector<Matrix> rows(const Servable& servable, JsonView first, JsonView instances, const Limits& limits) {
  if (first.kind() == JsonKind::object || servable.inputs.size() > 1) return named_rows(servable, instances, limits);
  std::vector<Matrix> samples;
  samples.push_back(samples_of(servable.inputs[0], tensor_of("instances", instances, limits.tensor_elements),
                               most_rows(servable, limits)));
  return samples;
}

// ---- The answer ----

// One output is written bare, several as members of an object.
template <class Write>
void append_outputs(std::string& out, const Servable& servable, const Write& write) {
  const bool is_object = servable.outputs.size() > 1;
  if (is_object) out += '{';
  for (std::size_t i = 0; i < servable.outputs.size(); ++i) {
    if (i > 0) out += ',';
    if (is_object) {
      append_text(out, servable.outputs[i].name);
      out += ':';
    }
    write(i);
  }
  if (is_object) out += '}';
}

std::string row_answer(const Servable& servable, const std::vector<Matrix>& outputs) {
  std::string out = R"({"predictions":[)";
  for (Index row = 0; row < outputs[0].rows(); ++row) {
    if (row > 0) out += ',';
    append_outputs(out, servable, [&](std::size_t i) {
      const Shape& shape = servable.outputs[i].shape;
      append_nested(out, outputs[i].data() + row * outputs[i].cols(), {shape.begin(), shape.end()}, Whole::with_point);
    });
  }
  return out + "]}";
}

std::string column_answer(const Servable& servable, const std::vector<Matrix>& outputs) {
  std::string out = R"({"outputs":)";
  append_outputs(out, servable, [&](std::size_t i) {
    std::vector<Index> lengths{outputs[i].rows()};
    lengths.insert(lengths.end(), servable.outputs[i].shape.begin(), servable.outputs[i].shape.end());
    append_nested(out, outputs[i].data(), lengths, Whole::with_point);
  });
  return out + "}";
}

// ---- What is known of a model ----

struct StateNames {
  std::string_view state, error_code;
};

std::string_view error_code(const VersionStatus& status) {
  if (status.error.empty()) return "OK";
  if (status.has_no_memory || status.has_no_room) return "RESOURCE_EXHAUSTED";
  if (status.is_unreadable) return "UNAVAILABLE";
  return status.is_refused ? "FAILED_PRECONDITION" : "INVALID_ARGUMENT";
}

StateNames names_of(const VersionStatus& status) {
  switch (status.state) {
    case VersionState::waiting:
      return {"START", "OK"};
    case VersionState::loading:
      return {"LOADING", "OK"};
    case VersionState::available:
      return {"AVAILABLE", error_code(status)};
    case VersionState::unloading:
      return {"UNLOADING", "OK"};
    case VersionState::failed:
      return {"END", error_code(status)};
    case VersionState::retired:
      return {"END", "OK"};
  }
  return {"UNKNOWN", "UNKNOWN"};
}

void append_status(std::string& out, const VersionStatus& status) {
  const StateNames names = names_of(status);
  out += fmt::format(R"({{"version":"{}","state":"{}","status":{{"error_code":"{}","error_message":)", status.version,
                     names.state, names.error_code);
  append_text(out, status.error);
  out += "}}";
}

void append_tensors(std::string& out, const std::vector<TensorInfo>& tensors) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (i > 0) out += ',';
    append_text(out, tensors[i].name);
    out += R"(:{"dtype":"DT_FLOAT","tensor_shape":{"dim":[{"size":"-1","name":""})";
    for (Index length : tensors[i].shape) out += fmt::format(R"(,{{"size":"{}","name":""}})", length);
    out += R"(],"unknown_rank":false},"name":)";
    append_text(out, tensors[i].name);
    out += '}';
  }
}

}  // namespace

Response v1_list(const Context& context) {
  std::string out = R"({"models":[)";
  for (const std::string& model : context.repository.models()) {
    if (out.back() != '[') out += ',';
    append_text(out, model);
  }
  return {.body = out + "]}"};
}

namespace {

// A version by its number or label.
std::optional<std::int64_t> asked_version(const Context& context, const Route& route) {
  if (!route.label) return route.version;
  const ModelSettings settings = context.repository.settings(route.model);
  const auto label = settings.labels.find(*route.label);
  if (label == settings.labels.end())
    fail_with(404, "model \"{}\": unknown label \"{}\"", route.model, route.label->substr(0, 255));
  return label->second;
}

}  // namespace

Response v1_status(const Context& context, const Route& route) {
  std::vector<VersionStatus> versions = context.repository.status(route.model);
  if (versions.empty()) fail_with(404, "unknown model \"{}\"", route.model);
  const std::optional<std::int64_t> version = asked_version(context, route);
  if (version) {
    std::erase_if(versions, [&](const VersionStatus& status) { return status.version != *version; });
    if (versions.empty()) fail_with(404, "model \"{}\": unknown version {}", route.model, *version);
  }
  std::string out = R"({"model_version_status":[)";
  for (const VersionStatus& status : versions) {
    if (out.back() != '[') out += ',';
    append_status(out, status);
  }
  if (context.options.v1_strict) return {.body = out + "]}"};
  const bool ready = context.repository.find(route.model, version) != nullptr;
  out += R"(],"name":)";
  append_text(out, route.model);
  return {.body = out + fmt::format(R"(,"ready":{}}})", ready)};
}

Response v1_metadata(const Context& context, const Route& route) {
  const auto servable = servable_of(context.repository, route);
  std::string out = R"({"model_spec":{"name":)";
  append_text(out, servable->model);
  out += fmt::format(R"(,"signature_name":"","version":"{}"}},"metadata":)", servable->version);
  out += R"({"signature_def":{"signature_def":{"serving_default":{"inputs":{)";
  append_tensors(out, servable->inputs);
  out += R"(},"outputs":{)";
  append_tensors(out, servable->outputs);
  return {.body = out + R"(},"method_name":"tensorflow/serving/predict"}}}}})"};
}

namespace {

void ask_raw(Asked& asked, JsonView instances) {
  auto raw = std::make_shared<RawRows>(raw_rows_of(*asked.servable, instances));
  if (asked.servable->drift) asked.servable->drift->count_rows(raw->features, raw->is_unknown);
  asked.is_counted = true;
  asked.inputs.push_back(std::move(raw->features));
  asked.answer = [servable = asked.servable, raw](const std::vector<Matrix>& outputs) -> Response {
    return {.body = raw_answer(*servable, *raw, outputs[0])};
  };
}

}  // namespace

Asked v1_predict(const Context& context, const Route& route, const Request& request) {
  auto [servable, shadow] = chosen(context, route);
  const auto deadline = deadline_of(request, context.limits);
  check_deadline(deadline, context.now);  // who has left by now needs no body read
  Asked asked{.servable = servable, .deadline = deadline, .shadow = std::move(shadow)};
  const JsonDocument document(request.body, context.limits.json_depth);
  const PredictBody body = read_body(document.root());
  if (body.instances) {
    const JsonView first = first_of(*body.instances, most_rows(*servable, context.limits));
    if (is_raw_row(*servable, first)) {
      ask_raw(asked, *body.instances);
      return asked;
    }
    asked.inputs = rows(*servable, first, *body.instances, context.limits);
    asked.answer = [servable = asked.servable](const std::vector<Matrix>& outputs) -> Response {
      return {.body = row_answer(*servable, outputs)};
    };
  } else {
    asked.inputs =
        columns_of({servable->inputs, "input", most_rows(*servable, context.limits), context.options.lenient},
                   *body.inputs, context.limits);
    asked.answer = [servable = asked.servable](const std::vector<Matrix>& outputs) -> Response {
      return {.body = column_answer(*servable, outputs)};
    };
  }
  return asked;
}

}  // namespace maas::inline MAAS_ABI::serve
