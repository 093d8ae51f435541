// The Open Inference Protocol's REST API: /v2, with the extension for binary tensors.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "maas/version.hpp"
#include "serve/json_writer.hpp"
#include "serve/prediction.hpp"
#include "serve/status.hpp"
#include "serve/text.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

constexpr std::string_view length_header = "Inference-Header-Content-Length";

// ---- The request ----

// Where the JSON of a body ends and the bytes of tensors begin.
struct SplitBody {
  std::string_view json, tail;
  bool is_raw = false;  // a header of 0: the body is one tensor
  bool has_header = false;
};

SplitBody split(const Request& request) {
  const std::string_view body = request.body;
  const std::string* header = nullptr;
  for (const auto& [name, value] : request.headers) {
    if (!is_same_name(name, length_header)) continue;
    require<DataError>(header == nullptr || value == *header, "{}: expected one, got \"{}\" and \"{}\"", length_header,
                       header == nullptr ? value : *header, value);
    header = &value;
  }
  if (header == nullptr) return {.json = body, .tail = {}};
  std::size_t length = 0;
  const char* end = header->data() + header->size();
  const auto read = std::from_chars(header->data(), end, length);
  require<DataError>(read.ec == std::errc() && read.ptr == end && length <= body.size(),
                     "{}: expected a whole number from 0 to the body's length, {}, got \"{}\"", length_header,
                     body.size(), *header);
  return {.json = body.substr(0, length), .tail = body.substr(length), .is_raw = length == 0, .has_header = true};
}

// Kind and name, for errors: made for every request, so without a format.
std::string called(std::string_view kind, std::string_view name) {
  std::string text;
  text.reserve(kind.size() + name.size() + 3);
  return (((text += kind) += " \"") += name) += '"';
}

std::string_view text_member(JsonView object, std::string_view name, const std::string& what) {
  const auto value = object.member(name);
  require<DataError>(value && value->text(), "{}: expected \"{}\", a text, got {}", what, name,
                     value ? value->kind_name() : "none");
  return *value->text();
}

// The parameters of a request, an input or an output; a view of nothing where there are none.
class RequestParameters {
 public:
  RequestParameters(JsonView object, std::string what) : what_(std::move(what)), members_(object.member("parameters")) {
    require<DataError>(!members_ || members_->kind() == JsonKind::object || members_->kind() == JsonKind::null,
                       "{}: expected \"parameters\" to be an object, got {}", what_,
                       members_ ? members_->kind_name() : "none");
    if (find("shared_memory_region")) fail_with(501, "{}: shared memory is not offered", what_);
  }

  std::optional<JsonView> find(std::string_view name) const { return members_ ? members_->member(name) : std::nullopt; }

  std::optional<bool> boolean(std::string_view name) const {
    const auto value = find(name);
    require<DataError>(!value || value->boolean(), "{}: expected parameter \"{}\" to be true or false, got {}", what_,
                       name, value ? value->kind_name() : "none");
    return value ? value->boolean() : std::nullopt;
  }

  std::optional<std::int64_t> size(std::string_view name) const {
    const auto value = find(name);
    require<DataError>(!value || (value->integer() && *value->integer() >= 0),
                       "{}: expected parameter \"{}\" to be a whole number of at least 0, got {}", what_, name,
                       value ? value->kind_name() : "none");
    return value ? value->integer() : std::nullopt;
  }

  void refuse_what_is_not_offered() const {
    if (!members_) return;
    members_->for_each_member([&](std::string_view name, JsonView value) {
      require<DataError>(!name.starts_with("triton_"), "{}: parameter \"{}\" is reserved", what_, name);
      const bool is_none = value.integer() == 0 || value.text() == "" || value.boolean() == false;
      if (name.starts_with("sequence_") && !is_none) fail_with(501, "{}: sequences are not offered", what_);
    });
  }

 private:
  std::string what_;
  std::optional<JsonView> members_;
};

std::vector<Index> read_shape(JsonView input, const std::string& what, const Limits& limits) {
  const auto list = input.member("shape");
  require<DataError>(list && list->kind() == JsonKind::list, "{}: expected \"shape\", a list, got {}", what,
                     list ? list->kind_name() : "none");
  std::vector<Index> shape;
  Index count = 1;
  list->for_each([&](JsonView element) {
    const auto length = element.integer();
    if (!length || *length < 0)
      fail<DataError>("{}: expected whole numbers of at least 0 in \"shape\", got {}", what,
                      length ? fmt::format("{}", *length) : std::string(element.kind_name()));
    require<DataError>(shape.size() <= Shape::max_rank, "{}: expected at most {} lengths in \"shape\", got more", what,
                       Shape::max_rank + 1);
    // Before it can overflow: lengths of 0 come late as well.
    if (*length > 0 && count > limits.tensor_elements / *length)
      fail_with(413, "{}: expected at most {} numbers, got more", what, limits.tensor_elements);
    if (*length > 0) count *= *length;
    shape.push_back(static_cast<Index>(*length));
  });
  return shape;
}

Index count_of(const std::vector<Index>& shape) {
  Index count = 1;
  for (Index length : shape) count *= length;
  return count;
}

DataType read_type(JsonView input, const std::string& what, bool is_strict) {
  const std::string_view name = text_member(input, "datatype", what);
  const std::optional<DataType> type = data_type_of(name);
  require<DataError>(type && *type != DataType::bytes,
                     "{}: expected a datatype of numbers (BOOL, UINT8 to UINT64, INT8 to INT64, FP16, BF16, FP32, "
                     "FP64), got \"{}\"",
                     what, name);
  require<DataError>(!is_strict || *type == DataType::fp32,
                     "{}: expected datatype FP32, as the model has it (datatypes are strict here), got {}", what, name);
  return *type;
}

std::vector<Scalar> json_values(JsonView input, DataType type, Index count, const std::string& what,
                                const Limits& limits) {
  const auto data = input.member("data");
  if (!data && count == 0) return {};
  require<DataError>(data && data->kind() == JsonKind::list, "{}: expected \"data\", a list, got {}", what,
                     data ? data->kind_name() : "none");
  require<DataError>(is_json_type(type), "{}: expected {} in binary, got it as JSON", what, name_of(type));
  std::vector<Scalar> values = JsonTensorReader(what, type, limits.tensor_elements).flat(*data);
  require<DataError>(static_cast<Index>(values.size()) == count, "{}: expected {} numbers for its shape, got {}", what,
                     count, values.size());
  return values;
}

// Takes the bytes of binary tensors off the tail, one after the other.
class Tail {
 public:
  explicit Tail(const SplitBody& body) : left_(body.tail), has_header_(body.has_header) {}

  std::vector<Scalar> values(DataType type, Index count, std::int64_t bytes, const std::string& what) {
    require<DataError>(has_header_ || bytes == 0, "{}: expected the header {} with binary data, got none", what,
                       length_header);
    require<DataError>(bytes == count * element_bytes(type),
                       "{}: expected a binary_data_size of {} for its shape and type, got {}", what,
                       count * element_bytes(type), bytes);
    require<DataError>(static_cast<std::size_t>(bytes) <= left_.size(), "{}: expected {} bytes of binary data, got {}",
                       what, bytes, left_.size());
    std::vector<Scalar> result(static_cast<std::size_t>(count));
    read_elements(what, type, left_.data(), count, result.data());
    left_.remove_prefix(static_cast<std::size_t>(bytes));
    return result;
  }

  void require_empty() const {
    require<DataError>(left_.empty(),
                       "infer: expected as many binary bytes as the inputs' binary_data_size say, got {} "
                       "more",
                       left_.size());
  }

 private:
  std::string_view left_;
  bool has_header_;
};

// An input that comes as bytes is added to those of the head.
JsonTensor read_input(JsonView input, Tail& tail, InferHead::Input& head, const ProtocolOptions& options) {
  const std::string& what = head.what;
  const RequestParameters parameters(input, what);
  JsonTensor tensor{.shape = read_shape(input, what, options.limits)};
  head.type = read_type(input, what, options.strict_dtypes);
  const Index count = count_of(tensor.shape);
  const std::optional<std::int64_t> bytes = parameters.size("binary_data_size");
  require<DataError>(!bytes || !input.member("data"), "{}: expected either \"data\" or binary_data_size, got both",
                     what);
  tensor.values =
      bytes ? tail.values(head.type, count, *bytes, what) : json_values(input, head.type, count, what, options.limits);
  if (bytes) head.bytes = static_cast<std::size_t>(*bytes);
  head.is_binary = bytes.has_value();
  return tensor;
}

// A request that has been read.
struct InferBody {
  std::optional<std::string> id{};
  std::vector<Matrix> inputs{};
  std::shared_ptr<const InferHead> head{};
};

std::vector<Matrix> read_inputs(const Servable& servable, JsonView list, const SplitBody& body, InferHead& head,
                                const ProtocolOptions& options) {
  require<DataError>(list.kind() == JsonKind::list, "infer: expected \"inputs\" to be a list, got {}",
                     list.kind_name());
  std::vector<std::optional<Matrix>> samples(servable.inputs.size());
  Tail tail(body);
  list.for_each([&](JsonView input) {
    require<DataError>(input.kind() == JsonKind::object, "infer: expected objects in \"inputs\", got {}",
                       input.kind_name());
    const std::string_view name = text_member(input, "name", "infer: an input");
    const Index place = place_of(servable.inputs, name);
    if (place < 0) fail<DataError>("infer: expected the inputs {}, got \"{}\"", names_of(servable.inputs), name);
    std::optional<Matrix>& sample = samples[static_cast<std::size_t>(place)];
    require<DataError>(!sample, "infer: expected input \"{}\" once, got it twice", name);
    const TensorInfo& info = servable.inputs[static_cast<std::size_t>(place)];
    InferHead::Input of_head{.what = called("input", name), .place = static_cast<std::size_t>(place)};
    sample = samples_of(info, read_input(input, tail, of_head, options), most_rows(servable, options.limits));
    of_head.rows = sample->rows();
    of_head.columns = sample->cols();
    head.inputs.push_back(std::move(of_head));
  });
  tail.require_empty();
  std::vector<Matrix> inputs;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (!samples[i])
      fail<DataError>("infer: expected the inputs {}, got no \"{}\"", names_of(servable.inputs),
                      servable.inputs[i].name);
    inputs.push_back(*std::move(samples[i]));
  }
  return inputs;
}

std::vector<WantedOutput> all_outputs(const Servable& servable, bool binary) {
  std::vector<WantedOutput> outputs;
  for (std::size_t i = 0; i < servable.outputs.size(); ++i) outputs.push_back({i, binary});
  return outputs;
}

std::vector<WantedOutput> read_outputs(const Servable& servable, std::optional<JsonView> list, bool binary) {
  if (!list || list->kind() == JsonKind::null) return all_outputs(servable, binary);
  require<DataError>(list->kind() == JsonKind::list, "infer: expected \"outputs\" to be a list, got {}",
                     list->kind_name());
  if (list->size() == 0) return all_outputs(servable, binary);
  std::vector<WantedOutput> outputs;
  list->for_each([&](JsonView output) {
    require<DataError>(output.kind() == JsonKind::object, "infer: expected objects in \"outputs\", got {}",
                       output.kind_name());
    const std::string_view name = text_member(output, "name", "infer: an output");
    const Index place = place_of(servable.outputs, name);
    if (place < 0) fail<DataError>("infer: expected the outputs {}, got \"{}\"", names_of(servable.outputs), name);
    const auto i = static_cast<std::size_t>(place);
    require<DataError>(std::ranges::find(outputs, i, &WantedOutput::place) == outputs.end(),
                       "infer: expected output \"{}\" once, got it twice", name);
    const RequestParameters parameters(output, called("output", name));
    if (parameters.find("classification")) fail_with(501, "output \"{}\": classification is not offered", name);
    outputs.push_back({i, parameters.boolean("binary_data").value_or(binary)});
  });
  return outputs;
}

InferBody read_body(const Servable& servable, const SplitBody& split, InferHead& head, const ProtocolOptions& options) {
  const JsonDocument document(split.json, options.limits.json_depth);
  const JsonView root = document.root();
  require<DataError>(root.kind() == JsonKind::object, "infer: expected an object, got {}", root.kind_name());
  std::optional<JsonView> inputs, outputs;
  InferBody body;
  root.for_each_member([&](std::string_view name, JsonView value) {
    if (name == "inputs") {
      require<DataError>(!inputs, "infer: expected \"inputs\" once, got it twice");
      inputs = value;
    } else if (name == "outputs") {
      outputs = value;
    } else if (name == "id") {
      require<DataError>(value.text().has_value(), "infer: expected \"id\" to be a text, got {}", value.kind_name());
      body.id = *value.text();
    }
  });
  require<DataError>(inputs.has_value(), "infer: expected \"inputs\", got none");
  const RequestParameters parameters(root, "infer");
  parameters.refuse_what_is_not_offered();
  head.timeout_us = parameters.size("timeout");
  body.inputs = read_inputs(servable, *inputs, split, head, options);
  head.outputs = read_outputs(servable, outputs, parameters.boolean("binary_data_output").value_or(false));
  return body;
}

// A body that is nothing but the numbers of one sample of the only input.
InferBody read_raw(const Servable& servable, std::string_view bytes, InferHead& head) {
  require<DataError>(servable.inputs.size() == 1, "infer: expected JSON for a model of {} inputs, got raw bytes",
                     servable.inputs.size());
  const Index count = servable.inputs[0].shape.size();
  require<DataError>(bytes.size() == static_cast<std::size_t>(count) * sizeof(float),
                     "input \"{}\": expected {} raw bytes, one sample of {} FP32 numbers, got {}",
                     servable.inputs[0].name, static_cast<std::size_t>(count) * sizeof(float), count, bytes.size());
  Matrix sample(1, count);
  read_elements("infer", DataType::fp32, bytes.data(), count, sample.data());
  InferBody body;
  body.inputs.push_back(std::move(sample));
  head.inputs.push_back({.what = "infer", .rows = 1, .columns = count, .bytes = bytes.size(), .is_binary = true});
  head.outputs = all_outputs(servable, true);
  return body;
}

// ---- The answer ----

void append_shape(std::string& out, Index rows, const Shape& shape) {
  out += '[';
  append_whole(out, rows);
  for (Index length : shape) {
    out += ',';
    append_whole(out, length);
  }
  out += ']';
}

void require_finite(const TensorInfo& info, std::span<const Scalar> values) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      fail_with(500, "output \"{}\": expected finite numbers in JSON, got {} in element {}", info.name, values[i], i);
}

void append_data(std::string& out, const TensorInfo& info, std::span<const Scalar> values, NonFinite nonfinite) {
  if (nonfinite == NonFinite::error) require_finite(info, values);
  append_flat(out, values, Whole::short_form, nonfinite == NonFinite::null ? "null" : "");
}

// `values` are not looked at where they follow as bytes.
void append_output(std::string& out, const TensorInfo& info, Index rows, const Scalar* values, bool binary,
                   NonFinite nonfinite) {
  out += R"({"name":)";
  append_text(out, info.name);
  out += R"(,"shape":)";
  append_shape(out, rows, info.shape);
  const auto count = static_cast<std::size_t>(rows * info.shape.size());
  if (binary) {
    out += R"(,"datatype":"FP32","parameters":{"binary_data_size":)";
    append_whole(out, static_cast<std::int64_t>(count * sizeof(float)));
    out += "}}";
    return;
  }
  out += R"(,"datatype":"FP32","data":)";
  append_data(out, info, {values, count}, nonfinite);
  out += '}';
}

// Calls back for the values of an output that comes as JSON.
template <class Values>
std::string answer_json(const Servable& servable, const InferHead& head, const std::optional<std::string>& id,
                        Index rows, NonFinite nonfinite, const Values& values_of) {
  std::string out = R"({"model_name":)";
  append_text(out, servable.model);
  out += R"(,"model_version":")";
  append_whole(out, servable.version);
  out += '"';
  if (id) {
    out += R"(,"id":)";
    append_text(out, *id);
  }
  out += R"(,"outputs":[)";
  for (const WantedOutput& wanted : head.outputs) {
    if (out.back() != '[') out += ',';
    append_output(out, servable.outputs[wanted.place], rows, wanted.is_binary ? nullptr : values_of(wanted.place),
                  wanted.is_binary, nonfinite);
  }
  out += "]}";
  return out;
}

Response infer_answer(const Servable& servable, const InferHead& head, const std::optional<std::string>& id,
                      const std::vector<Matrix>& outputs, NonFinite nonfinite) {
  const bool is_binary = std::ranges::any_of(head.outputs, &WantedOutput::is_binary);
  Response response{.content_type = is_binary ? "application/octet-stream" : "application/json"};
  std::string& out = response.body;
  if (!head.answer.empty()) {
    out.reserve(head.answer.size() + static_cast<std::size_t>(outputs[0].size()) * sizeof(float));
    out = head.answer;
  } else {
    out = answer_json(servable, head, id, outputs[0].rows(), nonfinite,
                      [&](std::size_t place) { return outputs[place].data(); });
  }
  if (!is_binary) return response;
  response.headers.emplace_back(length_header, std::to_string(out.size()));
  for (const WantedOutput& wanted : head.outputs)
    if (const Matrix& values = outputs[wanted.place]; wanted.is_binary)
      out.append(reinterpret_cast<const char*>(values.data()), static_cast<std::size_t>(values.size()) * sizeof(float));
  return response;
}

// ---- What clients send again and again ----

// Whether another request may begin with the same JSON, and mean the same.
bool is_worth_keeping(const Servable& servable, const SplitBody& split, const InferHead& head, const InferBody& body) {
  return split.has_header && split.json.size() <= InferHeads::most_bytes && !body.id && !servable.inputs.empty() &&
         std::ranges::all_of(head.inputs, &InferHead::Input::is_binary);
}

void make_ready(InferHead& head, const std::shared_ptr<const Servable>& servable, std::string_view json) {
  head.servable = servable;
  head.json = json;
  for (const InferHead::Input& input : head.inputs) head.bytes += input.bytes;
  if (std::ranges::all_of(head.outputs, &WantedOutput::is_binary))
    head.answer = answer_json(*servable, head, std::nullopt, head.inputs[0].rows, NonFinite::tokens,
                              [](std::size_t) -> const Scalar* { return nullptr; });
}

InferBody body_of(std::shared_ptr<const InferHead> head, std::string_view tail) {
  InferBody body;
  body.inputs.resize(head->inputs.size());
  for (const InferHead::Input& input : head->inputs) {
    Matrix& sample = body.inputs[input.place];
    sample.resize(input.rows, input.columns);
    read_elements(input.what, input.type, tail.data(), sample.size(), sample.data());
    tail.remove_prefix(input.bytes);
  }
  body.head = std::move(head);
  return body;
}

InferBody read_infer(const Context& context, const std::shared_ptr<const Servable>& servable, const SplitBody& split) {
  if (split.has_header)
    if (auto known = context.heads.find(servable, split.json); known && known->bytes == split.tail.size())
      return body_of(std::move(known), split.tail);
  const auto head = std::make_shared<InferHead>();
  InferBody body =
      split.is_raw ? read_raw(*servable, split.tail, *head) : read_body(*servable, split, *head, context.options);
  if (is_worth_keeping(*servable, split, *head, body)) {
    make_ready(*head, servable, split.json);
    context.heads.keep(head);
  }
  body.head = head;
  return body;
}

void append_tensors(std::string& out, const std::vector<TensorInfo>& tensors) {
  out += '[';
  for (const TensorInfo& tensor : tensors) {
    if (out.back() != '[') out += ',';
    out += R"({"name":)";
    append_text(out, tensor.name);
    out += R"(,"datatype":"FP32","shape":)";
    append_shape(out, -1, tensor.shape);
    out += '}';
  }
  out += ']';
}

}  // namespace

Response v2_server(bool has_repository) {
  std::string out = R"({"name":"maas-server","version":")" MAAS_VERSION R"(","extensions":["binary_tensor_data")";
  out += R"(,"statistics","model_configuration")";
  if (has_repository) out += R"x(,"model_repository","model_repository(unload_dependents)")x";
  return {.body = out + "]}"};
}

Response v2_list(const Context& context) { return v1_list(context); }

Response v2_model(const Context& context, const Route& route) {
  const auto servable = servable_of(context.repository, route);
  std::string out = R"({"name":)";
  append_text(out, servable->model);
  out += R"(,"versions":[)";
  for (const VersionStatus& status : context.repository.status(route.model)) {
    if (status.state != VersionState::available) continue;
    out += fmt::format(R"({}"{}")", out.back() == '[' ? "" : ",", status.version);
  }
  out += R"(],"platform":)";
  append_text(out, servable->platform);
  out += R"(,"inputs":)";
  append_tensors(out, servable->inputs);
  out += R"(,"outputs":)";
  append_tensors(out, servable->outputs);
  if (!servable->keras_version.empty()) {
    out += R"(,"parameters":{"keras_version":)";
    append_text(out, servable->keras_version);
    out += '}';
  }
  return {.body = out + "}"};
}

namespace {

void append_config_tensors(std::string& out, const std::vector<TensorInfo>& tensors) {
  out += '[';
  for (const TensorInfo& tensor : tensors) {
    if (out.back() != '[') out += ',';
    out += R"({"name":)";
    append_text(out, tensor.name);
    out += R"(,"data_type":"TYPE_FP32","dims":[)";
    for (Index length : tensor.shape) out += fmt::format("{}{}", out.back() == '[' ? "" : ",", length);
    out += "]}";
  }
  out += ']';
}

std::string policy_text(const std::optional<VersionPolicy>& policy) {
  if (!policy) return R"({"latest":{}})";
  if (policy->kind == VersionPolicy::Kind::all) return R"({"all":{}})";
  if (policy->kind == VersionPolicy::Kind::latest)
    return fmt::format(R"({{"latest":{{"num_versions":{}}}}})", policy->count);
  std::string out = R"({"specific":{"versions":[)";
  for (std::int64_t version : policy->versions) out += fmt::format("{}{}", out.back() == '[' ? "" : ",", version);
  return out + "]}}";
}

}  // namespace

// The batch axis is not among the dims, and every model has one.
Response v2_config(const Context& context, const Route& route) {
  const auto servable = servable_of(context.repository, route);
  std::string out = R"({"name":)";
  append_text(out, servable->model);
  out += R"(,"platform":)";
  append_text(out, servable->platform);
  out +=
      fmt::format(R"(,"backend":"maas","max_batch_size":{},"version_policy":)", most_rows(*servable, context.limits));
  out += policy_text(context.repository.settings(route.model).policy);
  out += R"(,"input":)";
  append_config_tensors(out, servable->inputs);
  out += R"(,"output":)";
  append_config_tensors(out, servable->outputs);
  return {.body = out + R"(,"dynamic_batching":{"max_queue_delay_microseconds":0}})"};
}

Response v2_statistics(const Context& context, const Route& route) {
  if (!route.model.empty()) servable_of(context.repository, route);  // throws where there is none
  return {.body = context.statistics.text(context.repository, route.model, route.version)};
}

Response v2_model_ready(const Context& context, const Route& route) {
  const auto servable = servable_of(context.repository, route);
  std::string out = R"({"name":)";
  append_text(out, servable->model);
  return {.body = out + R"(,"ready":true})"};
}

Asked v2_infer(const Context& context, const Route& route, const Request& request) {
  auto [servable, shadow] = chosen(context, route);
  auto deadline = deadline_of(request, context.limits);
  check_deadline(deadline, context.now);  // who has left by now needs no body read
  InferBody read = read_infer(context, servable, split(request));
  const std::optional<std::int64_t> timeout_us = read.head->timeout_us;
  if (timeout_us && *timeout_us > 0 && *timeout_us < 1'000'000'000'000)
    deadline = std::min(deadline, request.arrived + std::chrono::microseconds(*timeout_us));
  Asked asked{
      .servable = servable, .inputs = std::move(read.inputs), .deadline = deadline, .shadow = std::move(shadow)};
  asked.answer = [servable = asked.servable, head = std::move(read.head), id = std::move(read.id),
                  nonfinite = context.options.v2_nonfinite](const std::vector<Matrix>& outputs) {
    return infer_answer(*servable, *head, id, outputs, nonfinite);
  };
  return asked;
}

}  // namespace maas::inline MAAS_ABI::serve
