#include "serve/openapi.hpp"

#include <fmt/ranges.h>

#include <utility>
#include <vector>

#include "serve/embedded.hpp"
#include "serve/json_writer.hpp"
#include "serve/names.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

using Values = std::vector<std::pair<std::string_view, std::string>>;

// `$name` becomes its value. Values are not looked into again.
std::string filled(std::string_view form, const Values& values) {
  std::string text;
  while (true) {
    const std::size_t at = form.find('$');
    text += form.substr(0, at);
    if (at == form.npos) return text;
    form.remove_prefix(at + 1);
    bool is_known = false;
    for (const auto& [name, value] : values) {
      if (!form.starts_with(name)) continue;
      text += value;
      form.remove_prefix(name.size());
      is_known = true;
      break;
    }
    if (!is_known) text += '$';  // "$ref"
  }
}

constexpr std::string_view number = R"({"$ref":"#/components/schemas/Number"})";

std::string list_of(std::string_view items, Index least, Index most) {
  return fmt::format(R"({{"type":"array","minItems":{},"maxItems":{},"items":{}}})", least, most, items);
}

std::string any_of(const std::vector<std::string>& schemas) {
  if (schemas.size() == 1) return schemas[0];
  return fmt::format(R"({{"anyOf":[{}]}})", fmt::join(schemas, ","));
}

// One sample in nested lists; where it is a lone number the list around it may be left away.
std::vector<std::string> samples(const Shape& shape) {
  std::string nested(number);
  for (Index axis = shape.rank(); axis-- > 0;) nested = list_of(nested, shape[axis], shape[axis]);
  if (shape == Shape{1}) return {nested, std::string(number)};
  return {nested};
}

// An object with one member an input, written by `schema_of`.
template <class SchemaOf>
std::string named(const std::vector<TensorInfo>& inputs, const SchemaOf& schema_of) {
  std::string names, members;
  for (const TensorInfo& input : inputs) {
    if (!names.empty()) names += ',', members += ',';
    names += json_text(input.name);
    members += json_text(input.name) + ':' + schema_of(input);
  }
  return fmt::format(R"({{"type":"object","required":[{}],"properties":{{{}}},"additionalProperties":false}})", names,
                     members);
}

std::string instances(const std::vector<TensorInfo>& inputs, Index rows) {
  std::vector<std::string> forms;
  if (inputs.size() == 1)
    for (const std::string& sample : samples(inputs[0].shape)) forms.push_back(list_of(sample, 1, rows));
  forms.push_back(
      list_of(named(inputs, [](const TensorInfo& input) { return any_of(samples(input.shape)); }), 1, rows));
  return any_of(forms);
}

std::string column(const TensorInfo& input, Index rows) {
  std::vector<std::string> forms;
  const std::vector<std::string> each = samples(input.shape);
  // An empty list is a batch of none where lists have one axis alone.
  const Index least = input.shape.rank() == 0 || each.size() > 1 ? 0 : 1;
  for (const std::string& sample : each) forms.push_back(list_of(sample, least, rows));
  return any_of(forms);
}

std::string columns(const std::vector<TensorInfo>& inputs, Index rows) {
  std::vector<std::string> forms;
  if (inputs.size() == 1) forms.push_back(column(inputs[0], rows));
  forms.push_back(named(inputs, [rows](const TensorInfo& input) { return column(input, rows); }));
  return any_of(forms);
}

std::string predict_body(const Servable& servable, Index rows) {
  return filled(R"({"oneOf":[{"type":"object","required":["instances"],"properties":{"instances":$instances,)"
                R"("signature_name":{"enum":["","serving_default"]}},"not":{"required":["inputs"]}},)"
                R"({"type":"object","required":["inputs"],"properties":{"inputs":$inputs,)"
                R"("signature_name":{"enum":["","serving_default"]}},"not":{"required":["instances"]}}]})",
                {{"instances", instances(servable.inputs, rows)}, {"inputs", columns(servable.inputs, rows)}});
}

std::string tensor(const TensorInfo& input, Index rows) {
  std::string lengths = fmt::format(R"({{"type":"integer","minimum":0,"maximum":{}}})", rows);
  for (Index length : input.shape) lengths += fmt::format(R"(,{{"const":{}}})", length);
  std::string shape = filled(R"({"type":"array","prefixItems":[$lengths],"minItems":$rank,"maxItems":$rank})",
                             {{"lengths", lengths}, {"rank", std::to_string(input.shape.rank() + 1)}});
  if (input.shape == Shape{1})
    shape = any_of({shape, fmt::format(R"({{"type":"array","prefixItems":[{}],"minItems":1,"maxItems":1}})",
                                       lengths.substr(0, lengths.find("},") + 1))});
  return filled(R"({"type":"object","required":["name","shape","datatype"],"properties":{"name":{"const":$name},)"
                R"("shape":$shape,"datatype":{"enum":["BOOL","UINT8","UINT16","UINT32","UINT64","INT8","INT16",)"
                R"("INT32","INT64","FP16","BF16","FP32","FP64"]},)"
                R"("data":{"type":"array","items":{"$ref":"#/components/schemas/Numbers"}},)"
                R"("parameters":{"type":["object","null"]}}})",
                {{"name", json_text(input.name)}, {"shape", shape}});
}

std::string infer_body(const Servable& servable, Index rows) {
  std::vector<std::string> tensors, outputs;
  for (const TensorInfo& input : servable.inputs) tensors.push_back(tensor(input, rows));
  for (const TensorInfo& output : servable.outputs) outputs.push_back(json_text(output.name));
  const auto count = static_cast<Index>(tensors.size());
  return filled(R"({"type":"object","required":["inputs"],"properties":{"id":{"type":"string"},"inputs":$inputs,)"
                R"("outputs":{"type":["array","null"],"maxItems":$most,"items":{"type":"object","required":["name"],)"
                R"("properties":{"name":{"enum":[$outputs]},"parameters":{"type":["object","null"]}}}},)"
                R"("parameters":{"type":["object","null"]}}})",
                {{"inputs", list_of(any_of(tensors), count, count)},
                 {"most", std::to_string(outputs.size())},
                 {"outputs", fmt::format("{}", fmt::join(outputs, ","))}});
}

constexpr std::string_view get_form =
    R"(,"$path":{"get":{"summary":$summary,"tags":[$model],"responses":{"200":{"description":"OK",)"
    R"("content":{"application/json":{"schema":{"$ref":"#/components/schemas/$answer"}}}},)"
    R"("default":{"$ref":"#/components/responses/Error"}}}})";

constexpr std::string_view predict_form =
    R"(,"$path":{"post":{"summary":$summary,"tags":[$model],"requestBody":{"required":true,)"
    R"("content":{"application/json":{"schema":$body}}},"responses":{"200":{"description":"OK",)"
    R"("content":{"application/json":{"schema":{"$ref":"#/components/schemas/Predictions"}}}},)"
    R"("400":{"$ref":"#/components/responses/Error"},"413":{"$ref":"#/components/responses/Error"},)"
    R"("503":{"$ref":"#/components/responses/Error"},"504":{"$ref":"#/components/responses/Error"},)"
    R"("default":{"$ref":"#/components/responses/Error"}}}})";

constexpr std::string_view infer_form =
    R"(,"$path":{"post":{"summary":$summary,"tags":[$model],)"
    R"("parameters":[{"name":"Inference-Header-Content-Length","in":"header",)"
    R"("description":"Bytes of JSON before the bytes of tensors; 0: none, and one sample of FP32",)"
    R"("schema":{"type":"integer","minimum":0}}],"requestBody":{"required":true,)"
    R"("content":{"application/json":{"schema":$body},)"
    R"("application/octet-stream":{"schema":{"type":"string","format":"binary"}}}},)"
    R"("responses":{"200":{"description":"OK","headers":{"Inference-Header-Content-Length":)"
    R"({"description":"where outputs are binary","schema":{"type":"integer"}}},)"
    R"("content":{"application/json":{"schema":{"$ref":"#/components/schemas/Inference"}},)"
    R"("application/octet-stream":{"schema":{"type":"string","format":"binary"}}}},)"
    R"("400":{"$ref":"#/components/responses/Error"},"413":{"$ref":"#/components/responses/Error"},)"
    R"("501":{"$ref":"#/components/responses/Error"},"503":{"$ref":"#/components/responses/Error"},)"
    R"("504":{"$ref":"#/components/responses/Error"},"default":{"$ref":"#/components/responses/Error"}}}})";

// `version` is "" or "/versions/3".
std::string paths_of(const Servable& servable, const std::string& version, Index rows) {
  const std::string v1 = "/v1/models/" + escaped(servable.model) + version;
  const std::string v2 = "/v2/models/" + escaped(servable.model) + version;
  const auto add = [&](std::string_view form, const std::string& path, std::string_view summary, std::string answer,
                       std::string body = "") {
    return filled(form, {{"path", path},
                         {"summary", json_text(summary)},
                         {"model", json_text(servable.model)},
                         {"answer", std::move(answer)},
                         {"body", std::move(body)}});
  };
  return add(get_form, v1, "States of versions", "Status") +
         add(get_form, v1 + "/metadata", "Inputs and outputs, as TensorFlow Serving tells them", "Signature") +
         add(predict_form, v1 + ":predict", "Predicts, by rows or by columns", "", predict_body(servable, rows)) +
         add(get_form, v2, "Inputs, outputs, versions", "Model") +
         add(get_form, v2 + "/ready", "Whether it answers", "ModelReady") +
         add(infer_form, v2 + "/infer", "Predicts, with tensors by name", "", infer_body(servable, rows));
}

}  // namespace

Response openapi(const Repository& repository, const ProtocolOptions& options) {
  // The document ends with its paths: those of models go in before the last two braces.
  std::string_view document = openapi_json.substr(0, openapi_json.find_last_of('}'));
  document = document.substr(0, document.find_last_of('}'));
  Response response{.body = std::string(document)};
  std::string& out = response.body;
  for (const std::string& model : repository.models()) {
    if (const auto servable = repository.find(model)) out += paths_of(*servable, "", options.limits.rows);
    for (const VersionStatus& status : repository.status(model))
      if (const auto servable = repository.find(model, status.version))
        out += paths_of(*servable, fmt::format("/versions/{}", status.version), options.limits.rows);
  }
  out += '}';
  if (!options.token.empty() || !options.token_file.empty()) out += R"(,"security":[{"token":[]}])";
  if (!options.base_path.empty()) out += fmt::format(R"(,"servers":[{{"url":{}}}])", json_text(options.base_path));
  out += "}\n";
  return response;
}

}  // namespace maas::inline MAAS_ABI::serve
