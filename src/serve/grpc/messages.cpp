#include "serve/grpc/messages.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "maas/core/error.hpp"
#include "serve/base64.hpp"
#include "serve/json.hpp"
#include "serve/json_writer.hpp"
#include "serve/names.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

constexpr std::string_view length_header = "Inference-Header-Content-Length";
constexpr std::size_t deep = 32;  // our own answers nest less

// ---- The request ----

using Parameters = google::protobuf::Map<std::string, inference::InferParameter>;

// As Python writes them, which is what the reader of JSON takes.
template <class Number>
void append_any(std::string& out, Number value) {
  if constexpr (std::is_same_v<Number, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (std::is_floating_point_v<Number>) {
    if (std::isnan(value))
      out += "NaN";
    else if (std::isinf(value))
      out += value > 0 ? "Infinity" : "-Infinity";
    else if (value == 0 && std::signbit(value))
      out += "-0.0";  // "-0" is a whole number, which has no sign then
    else
      out += fmt::format("{}", value);
  } else {
    out += fmt::format("{}", value);
  }
}

void append_parameter(std::string& out, const inference::InferParameter& parameter) {
  switch (parameter.parameter_choice_case()) {
    case inference::InferParameter::kBoolParam:
      return append_any(out, parameter.bool_param());
    case inference::InferParameter::kInt64Param:
      return append_any(out, parameter.int64_param());
    case inference::InferParameter::kStringParam:
      return append_text(out, parameter.string_param());
    case inference::InferParameter::kDoubleParam:
      return append_any(out, parameter.double_param());
    case inference::InferParameter::kUint64Param:
      return append_any(out, parameter.uint64_param());
    case inference::InferParameter::PARAMETER_CHOICE_NOT_SET:
      out += "null";
  }
}

// `"parameters":{...}` with those of the message, but for what says how bytes lie, which is ours to say.
void append_parameters(std::string& out, const Parameters& parameters, const std::string& ours) {
  out += R"("parameters":{)" + ours;
  for (const auto& [name, value] : parameters) {
    if (name == "binary_data" || name == "binary_data_size" || name == "binary_data_output") continue;
    if (out.back() != '{') out += ',';
    append_text(out, name);
    out += ':';
    append_parameter(out, value);
  }
  out += '}';
}

template <class Numbers>
void append_list(std::string& out, const Numbers& numbers) {
  for (const auto number : numbers) {
    if (out.back() != '[') out += ',';
    append_any(out, number);
  }
}

// Those of the field that belongs to the type; others must be empty.
void append_contents(std::string& out, const inference::ModelInferRequest::InferInputTensor& input) {
  const inference::InferTensorContents& contents = input.contents();
  const std::string& type = input.datatype();
  const auto is_one_of = [&](auto... names) { return ((type == names) || ...); };
  const int filled = (contents.bool_contents_size() > 0) + (contents.int_contents_size() > 0) +
                     (contents.int64_contents_size() > 0) + (contents.uint_contents_size() > 0) +
                     (contents.uint64_contents_size() > 0) + (contents.fp32_contents_size() > 0) +
                     (contents.fp64_contents_size() > 0) + (contents.bytes_contents_size() > 0);
  out += R"("data":[)";
  const std::size_t empty = out.size();
  if (type == "BOOL") append_list(out, contents.bool_contents());
  if (is_one_of("INT8", "INT16", "INT32")) append_list(out, contents.int_contents());
  if (type == "INT64") append_list(out, contents.int64_contents());
  if (is_one_of("UINT8", "UINT16", "UINT32")) append_list(out, contents.uint_contents());
  if (type == "UINT64") append_list(out, contents.uint64_contents());
  if (type == "FP32") append_list(out, contents.fp32_contents());
  if (type == "FP64") append_list(out, contents.fp64_contents());
  const bool is_right = filled == 0 || (filled == 1 && out.size() > empty);
  require<DataError>(is_right, "input \"{}\": expected contents in the field of {} alone, got others", input.name(),
                     type);
  out += ']';
}

void append_input(std::string& out, const inference::ModelInferRequest::InferInputTensor& input,
                  const std::string* raw) {
  out += R"({"name":)";
  append_text(out, input.name());
  out += R"(,"datatype":)";
  append_text(out, input.datatype());
  out += fmt::format(R"(,"shape":[{}],)", fmt::join(input.shape(), ","));
  append_parameters(out, input.parameters(),
                    raw != nullptr ? fmt::format(R"("binary_data_size":{})", raw->size()) : "");
  if (raw == nullptr) {
    out += ',';
    append_contents(out, input);
  }
  out += '}';
}

}  // namespace

std::string model_path(const std::string& name, const std::string& version, std::string_view rest) {
  // As it stands "stats" is the address of all statistics, and no model: escaped in full it is one that nobody knows.
  std::string path = "/v2/models/" + (name == "stats" ? "%73tats" : escaped(name));
  if (!version.empty()) path += "/versions/" + escaped(version);
  return path += rest;
}

Request infer_request(const inference::ModelInferRequest& message, std::optional<std::chrono::milliseconds> time) {
  const int raw = message.raw_input_contents_size();
  require<DataError>(raw == 0 || raw == message.inputs_size(),
                     "infer: expected raw contents for each of {} inputs, got {}", message.inputs_size(), raw);
  Request request{.method = "POST", .path = model_path(message.model_name(), message.model_version(), "/infer")};
  std::string& out = request.body;
  out = "{";
  if (!message.id().empty()) {
    out += R"("id":)";
    append_text(out, message.id());
    out += ',';
  }
  append_parameters(out, message.parameters(), R"("binary_data_output":true)");
  out += R"(,"inputs":[)";
  for (int i = 0; i < message.inputs_size(); ++i) {
    require<DataError>(raw == 0 || !message.inputs(i).has_contents(),
                       "input \"{}\": expected raw contents or others, got both", message.inputs(i).name());
    if (i > 0) out += ',';
    append_input(out, message.inputs(i), raw > 0 ? &message.raw_input_contents(i) : nullptr);
  }
  out += "]";
  if (message.outputs_size() > 0) {
    out += R"(,"outputs":[)";
    for (const auto& output : message.outputs()) {
      out += out.back() == '[' ? R"({"name":)" : R"(,{"name":)";
      append_text(out, output.name());
      out += ',';
      append_parameters(out, output.parameters(), "");
      out += '}';
    }
    out += ']';
  }
  out += '}';
  request.headers.emplace_back(length_header, std::to_string(out.size()));
  // Not as a parameter: the queue looks at headers alone.
  if (time)
    request.headers.emplace_back("X-Request-Timeout-Ms", std::to_string(std::max<std::int64_t>(time->count(), 1)));
  for (const std::string& bytes : message.raw_input_contents()) out += bytes;
  return request;
}

Request repository_request(std::string path, const RepositoryParameters& parameters) {
  using Parameter = inference::ModelRepositoryParameter;
  Request request{.method = "POST", .path = std::move(path)};
  std::string& out = request.body;
  out = R"({"parameters":{)";
  for (const auto& [name, value] : parameters) {
    if (out.back() != '{') out += ',';
    append_text(out, name);
    out += ':';
    switch (value.parameter_choice_case()) {
      case Parameter::kBoolParam:
        append_any(out, value.bool_param());
        break;
      case Parameter::kInt64Param:
        append_any(out, value.int64_param());
        break;
      case Parameter::kStringParam:
        append_text(out, value.string_param());
        break;
      case Parameter::kBytesParam:  // a file that comes along
        append_text(out, base64_of(value.bytes_param()));
        break;
      case Parameter::PARAMETER_CHOICE_NOT_SET:
        out += "null";
    }
  }
  out += "}}";
  return request;
}

// ---- The answer ----

namespace {

std::string text_of(JsonView object, std::string_view name) {
  const auto value = object.member(name);
  return value && value->text() ? std::string(*value->text()) : std::string();
}

template <class Take>
void for_each_in(JsonView object, std::string_view name, const Take& take) {
  if (const auto list = object.member(name)) list->for_each(take);
}

std::uint64_t count_of(JsonView object, std::string_view name) {
  const auto value = object.member(name);
  return value ? static_cast<std::uint64_t>(std::max<std::int64_t>(value->integer().value_or(0), 0)) : 0;
}

void read_sum(JsonView sums, std::string_view name, inference::StatisticDuration& message) {
  const auto sum = sums.member(name);
  if (!sum) return;
  message.set_count(count_of(*sum, "count"));
  message.set_ns(count_of(*sum, "ns"));
}

template <class Tensor>
void read_tensor(JsonView tensor, Tensor& message) {
  message.set_name(text_of(tensor, "name"));
  message.set_datatype(text_of(tensor, "datatype"));
  for_each_in(tensor, "shape", [&](JsonView length) { message.add_shape(length.integer().value_or(0)); });
}

std::size_t head_length(const Response& answer) {
  for (const auto& [name, value] : answer.headers)
    if (name == length_header) return std::min<std::size_t>(std::stoul(value), answer.body.size());
  return answer.body.size();
}

grpc::StatusCode code_of(int status) {
  switch (status) {
    case 400:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case 401:
      return grpc::StatusCode::UNAUTHENTICATED;
    case 403:
      return grpc::StatusCode::PERMISSION_DENIED;
    case 404:
      return grpc::StatusCode::NOT_FOUND;
    case 409:
      return grpc::StatusCode::ABORTED;
    case 413:
    case 429:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case 499:
      return grpc::StatusCode::CANCELLED;
    case 501:
      return grpc::StatusCode::UNIMPLEMENTED;
    case 503:
      return grpc::StatusCode::UNAVAILABLE;
    case 504:
      return grpc::StatusCode::DEADLINE_EXCEEDED;
    default:
      return status >= 400 && status < 500 ? grpc::StatusCode::INVALID_ARGUMENT : grpc::StatusCode::INTERNAL;
  }
}

}  // namespace

void read_infer_answer(const Response& answer, bool raw, inference::ModelInferResponse& message) {
  const std::size_t length = head_length(answer);
  const JsonDocument document(std::string_view(answer.body).substr(0, length), deep);
  const JsonView root = document.root();
  message.set_model_name(text_of(root, "model_name"));
  message.set_model_version(text_of(root, "model_version"));
  message.set_id(text_of(root, "id"));
  std::string_view left = std::string_view(answer.body).substr(length);
  for_each_in(root, "outputs", [&](JsonView output) {
    auto* tensor = message.add_outputs();
    read_tensor(output, *tensor);
    const auto parameters = output.member("parameters");
    const auto size = parameters ? parameters->member("binary_data_size") : std::nullopt;
    const auto bytes = std::min(static_cast<std::size_t>(size ? size->integer().value_or(0) : 0), left.size());
    if (raw) {
      message.add_raw_output_contents(std::string(left.substr(0, bytes)));
    } else {
      auto* numbers = tensor->mutable_contents()->mutable_fp32_contents();
      numbers->Resize(static_cast<int>(bytes / sizeof(float)), 0);
      if (bytes > 0) std::memcpy(numbers->mutable_data(), left.data(), bytes / sizeof(float) * sizeof(float));
    }
    left.remove_prefix(bytes);
  });
}

void read_model(const Response& answer, inference::ModelMetadataResponse& message) {
  const JsonDocument document(answer.body, deep);
  const JsonView root = document.root();
  message.set_name(text_of(root, "name"));
  message.set_platform(text_of(root, "platform"));
  for_each_in(root, "versions",
              [&](JsonView version) { message.add_versions(std::string(version.text().value_or(""))); });
  for_each_in(root, "inputs", [&](JsonView input) { read_tensor(input, *message.add_inputs()); });
  for_each_in(root, "outputs", [&](JsonView output) { read_tensor(output, *message.add_outputs()); });
}

void read_server(const Response& answer, inference::ServerMetadataResponse& message) {
  const JsonDocument document(answer.body, deep);
  const JsonView root = document.root();
  message.set_name(text_of(root, "name"));
  message.set_version(text_of(root, "version"));
  for_each_in(root, "extensions",
              [&](JsonView name) { message.add_extensions(std::string(name.text().value_or(""))); });
}

void read_statistics(const Response& answer, inference::ModelStatisticsResponse& message) {
  const JsonDocument document(answer.body, deep);
  for_each_in(document.root(), "model_stats", [&](JsonView model) {
    auto* out = message.add_model_stats();
    out->set_name(text_of(model, "name"));
    out->set_version(text_of(model, "version"));
    out->set_last_inference(count_of(model, "last_inference"));
    out->set_inference_count(count_of(model, "inference_count"));
    out->set_execution_count(count_of(model, "execution_count"));
    if (const auto sums = model.member("inference_stats")) {
      inference::InferStatistics& to = *out->mutable_inference_stats();
      read_sum(*sums, "success", *to.mutable_success());
      read_sum(*sums, "fail", *to.mutable_fail());
      read_sum(*sums, "queue", *to.mutable_queue());
      read_sum(*sums, "compute_input", *to.mutable_compute_input());
      read_sum(*sums, "compute_infer", *to.mutable_compute_infer());
      read_sum(*sums, "compute_output", *to.mutable_compute_output());
      read_sum(*sums, "cache_hit", *to.mutable_cache_hit());
      read_sum(*sums, "cache_miss", *to.mutable_cache_miss());
    }
    for_each_in(model, "batch_stats", [&](JsonView batch) {
      auto* to = out->add_batch_stats();
      to->set_batch_size(count_of(batch, "batch_size"));
      read_sum(batch, "compute_input", *to->mutable_compute_input());
      read_sum(batch, "compute_infer", *to->mutable_compute_infer());
      read_sum(batch, "compute_output", *to->mutable_compute_output());
    });
  });
}

void read_index(const Response& answer, inference::RepositoryIndexResponse& message) {
  const JsonDocument document(answer.body, deep);
  document.root().for_each([&](JsonView model) {
    auto* out = message.add_models();
    out->set_name(text_of(model, "name"));
    out->set_version(text_of(model, "version"));
    out->set_state(text_of(model, "state"));
    out->set_reason(text_of(model, "reason"));
  });
}

grpc::Status status_of(const Response& answer) {
  if (answer.status == 200) return grpc::Status::OK;
  std::string text;
  try {
    const JsonDocument document(answer.body, deep);
    text = text_of(document.root(), "error");
  } catch (const DataError&) {
    text = answer.body.substr(0, 1000);
  }
  return {code_of(answer.status), text};
}

}  // namespace maas::inline MAAS_ABI::serve
