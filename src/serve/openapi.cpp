#include "serve/openapi.hpp"

#include <fmt/ranges.h>

#include <utility>
#include <vector>

#include "serve/embedded.hpp"
#include "serve/json_writer.hpp"
#include "serve/names.hpp"
#include "serve/prediction.hpp"
#include "serve/streams.hpp"

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

// Raw rows: objects of the pipeline's columns, of which any may be left out.
std::string raw_row(const Pipeline& pipeline) {
  std::string members;
  for (const std::string& name : pipeline.needed_columns()) {
    const auto type = pipeline.column_type(name);
    members += fmt::format(R"({}{}:{{"type":[{},"null"]}})", members.empty() ? "" : ",", json_text(name),
                           type == ColumnType::text   ? R"("string")"
                           : type == ColumnType::time ? R"("string","number")"
                                                      : R"("number")");
  }
  return fmt::format(R"({{"type":"object","minProperties":1,"properties":{{{}}},"additionalProperties":false}})",
                     members);
}

std::string instances(const Servable& servable, Index rows) {
  const std::vector<TensorInfo>& inputs = servable.inputs;
  std::vector<std::string> forms;
  if (servable.pipeline) forms.push_back(list_of(raw_row(*servable.pipeline), 1, rows));
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
                {{"instances", instances(servable, rows)}, {"inputs", columns(servable.inputs, rows)}});
}

constexpr std::string_view all_types =
    R"({"enum":["BOOL","UINT8","UINT16","UINT32","UINT64","INT8","INT16","INT32","INT64","FP16","BF16","FP32","FP64"]})";
constexpr std::string_view strict_types = R"({"enum":["FP32"]})";

std::string tensor(const TensorInfo& input, Index rows) {
  std::string lengths = fmt::format(R"({{"type":"integer","minimum":0,"maximum":{}}})", rows);
  for (Index length : input.shape) lengths += fmt::format(R"(,{{"const":{}}})", length);
  std::string shape = filled(R"({"type":"array","prefixItems":[$lengths],"minItems":$rank,"maxItems":$rank})",
                             {{"lengths", lengths}, {"rank", std::to_string(input.shape.rank() + 1)}});
  if (input.shape == Shape{1})
    shape = any_of({shape, fmt::format(R"({{"type":"array","prefixItems":[{}],"minItems":1,"maxItems":1}})",
                                       lengths.substr(0, lengths.find("},") + 1))});
  return filled(R"({"type":"object","required":["name","shape","datatype"],"properties":{"name":{"const":$name},)"
                R"("shape":$shape,"datatype":$types,)"
                R"("data":{"type":"array","items":{"$ref":"#/components/schemas/Numbers"}},)"
                R"("parameters":{"type":["object","null"]}}})",
                {{"name", json_text(input.name)}, {"shape", shape}, {"types", std::string(all_types)}});
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

// What a call without a body answers, or one that needs none; `verb` is "get" or "post".
constexpr std::string_view plain_operation =
    R"("$verb":{"summary":$summary,"tags":[$tag],$more"responses":{"200":{"description":"OK",)"
    R"("content":{"$type":{"schema":{$answer}}}},"default":{"$ref":"#/components/responses/Error"}}})";

struct Operation {
  std::string_view verb = "get", summary{}, answer{};  // the name of a schema; empty: any
  std::string body{};                                  // its schema; empty: none
  std::string_view type = "application/json";
  bool needs_body = true;
};

std::string operation(const Operation& wanted, std::string_view tag) {
  std::string more;
  if (!wanted.body.empty())
    more = fmt::format(R"("requestBody":{{"required":{},"content":{{"application/json":{{"schema":{}}}}}}},)",
                       wanted.needs_body, wanted.body);
  const std::string answer =
      wanted.answer.empty() ? "" : fmt::format(R"("$ref":"#/components/schemas/{}")", wanted.answer);
  return filled(plain_operation, {{"verb", std::string(wanted.verb)},
                                  {"summary", json_text(wanted.summary)},
                                  {"tag", json_text(tag)},
                                  {"more", more},
                                  {"type", std::string(wanted.type)},
                                  {"answer", answer}});
}

// `parameter`: the schema of what stands in braces in the path, under its name; empty: nothing does.
std::string path_item(const std::string& path, std::string_view tag, const std::vector<Operation>& operations,
                      std::string_view name = "", std::string_view parameter = "") {
  std::string out = ',' + json_text(path) + ":{";
  if (!name.empty())
    out += fmt::format(R"("parameters":[{{"name":"{}","in":"path","required":true,"schema":{}}}],)", name, parameter);
  for (const Operation& each : operations) out += operation(each, tag) + ',';
  out.back() = '}';
  return out;
}

constexpr std::string_view version_schema = R"({"type":"integer","minimum":0,"maximum":1000000000})";
constexpr std::string_view label_schema = R"({"type":"string","pattern":"^[A-Za-z0-9_]{1,255}$"})";
constexpr std::string_view number_schema = R"({"type":"integer","minimum":1,"maximum":1000000000})";

// ---- Streams ----

std::string sensor_schema(const Servable& servable) {
  if (servable.forecast && !servable.forecast->is_joint() && servable.forecast->sensors.size() > 1) {
    std::vector<std::string> names;
    for (const std::string& sensor : servable.forecast->sensors) names.push_back(json_text(sensor));
    return fmt::format(R"({{"enum":[{}]}})", fmt::join(names, ","));
  }
  return R"({"type":"string","minLength":1,"maxLength":255,"pattern":"^[^\\u0000-\\u001f\\u007f]+$"})";
}

std::string stream_body(const Servable& servable, Index rows) {
  const WindowShape shape = window_of(servable);
  const std::string list = list_of(number, shape.features, shape.features);
  const std::string sample = shape.features == 1 ? any_of({list, std::string(number)}) : list;
  // A list of samples of one number is read as numbers or as lists, not as both.
  const std::string samples =
      shape.features == 1 ? any_of({list_of(list, 1, rows), list_of(number, 1, rows)}) : list_of(list, 1, rows);
  const std::string time = servable.forecast && servable.forecast->needs_times() ? R"(,"time")" : "";
  return filled(R"({"type":"object","properties":{"sample":$sample,"samples":$samples,"time":{"type":"number"}},)"
                R"("oneOf":[{"required":["sample"$time]},{"required":["samples"$time]}]})",
                {{"samples", samples}, {"sample", sample}, {"time", time}});
}

bool has_streams(const Servable& servable) {
  if (servable.forecast) return !servable.forecast->has_steps() && servable.forecast->options.known.empty();
  const std::size_t rank = servable.inputs.empty() ? 0 : static_cast<std::size_t>(servable.inputs[0].shape.rank());
  return servable.inputs.size() == 1 && (rank == 1 || rank == 2);
}

std::string stream_path(const Servable& servable, Index rows) {
  if (!has_streams(servable)) return {};
  return path_item("/v1/streams/" + escaped(servable.model) + "/{sensor}", servable.model,
                   {{.summary = "The window of a sensor, and what was said of it last", .answer = "Stream"},
                    {.verb = "post",
                     .summary = "Adds its newest sample, and forecasts",
                     .answer = "Stream",
                     .body = stream_body(servable, rows)},
                    {.verb = "delete", .summary = "Forgets it"}},
                   "sensor", sensor_schema(servable));
}

// ---- What changes the repository, and trainings ----

// A policy of versions that are listed is not in the pattern: which there are comes and goes.
constexpr std::string_view load_form =
    R"({"type":"object","properties":{"parameters":{"type":["object","null"],"additionalProperties":false,)"
    R"("properties":{"config":{"type":"string","description":"JSON, as Triton has it; or specific versions",)"
    R"("pattern":"^\\{(\"version_policy\":\\{(\"all\":\\{\\}|)"
    R"(\"latest\":\\{(\"num_versions\":[1-9][0-9]{0,2})?\\})\\})?\\}$"}}$files}}})";
constexpr std::string_view file_form =
    R"(,"patternProperties":{"^file:[0-9]+/[A-Za-z0-9_-]+[.](h5|keras|json)$":{"type":"string",)"
    R"("contentEncoding":"base64"}})";

std::string change_paths(const std::string& model, bool with_files) {
  const std::string maas = "/maas/v1/models/" + escaped(model), v2 = "/v2/repository/models/" + escaped(model);
  const std::string version =
      fmt::format(R"({{"type":"object","required":["version"],"properties":{{"version":{}}}}})", version_schema);
  const std::string traffic =
      filled(R"({"type":"object","properties":{"canary":{"type":["object","null"],"required":["version","share"],)"
             R"("properties":{"version":$version,"share":{"type":"number","minimum":0,"maximum":1}}},)"
             R"("shadow":{"anyOf":[$version,{"type":"null"}]}}})",
             {{"version", std::string(version_schema)}});
  return path_item(v2 + "/load", model,
                   {{.verb = "post",
                     .summary = "Reads its files as they are now",
                     .answer = "Changed",
                     .body = filled(load_form, {{"files", std::string(with_files ? file_form : "")}}),
                     .needs_body = false}}) +
         path_item(v2 + "/unload", model,
                   {{.verb = "post",
                     .summary = "No version answers until a load",
                     .answer = "Changed",
                     .body = R"({"type":"object"})",
                     .needs_body = false}}) +
         path_item(maas + ":rollback", model,
                   {{.verb = "post", .summary = "Withdraws the version that answers", .answer = "Changed"}}) +
         path_item(maas + "/versions/{version}:restore", model,
                   {{.verb = "post", .summary = "Takes a withdrawal back", .answer = "Settings"}}, "version",
                   version_schema) +
         path_item(maas + "/labels/{label}", model,
                   {{.verb = "post", .summary = "Moves a label to a version", .answer = "Settings", .body = version},
                    {.verb = "delete", .summary = "Removes a label", .answer = "Settings"}},
                   "label", label_schema) +
         path_item(maas + "/traffic", model,
                   {{.verb = "post", .summary = "Sets canary and shadow", .answer = "Settings", .body = traffic}});
}

std::string index_path() {
  return path_item("/v2/repository/index", "repository",
                   {{.verb = "post",
                     .summary = "All versions, with state and reason",
                     .answer = "Index",
                     .body = R"({"type":"object","properties":{"ready":{"type":"boolean"}}})",
                     .needs_body = false}});
}

std::string job_paths() {
  const std::string job = "/v1/jobs/{number}";
  return path_item("/v1/jobs", "jobs",
                   {{.summary = "All trainings", .answer = "Jobs"},
                    {.verb = "post",
                     .summary = "One more; as a form with the field job, and files of data beside it, too",
                     .answer = "Job",
                     .body = R"({"$ref":"#/components/schemas/NewJob"})"}}) +
         path_item(job, "jobs", {{.summary = "One of them", .answer = "Job"}}, "number", number_schema) +
         path_item(job + "/events", "jobs", {{.summary = "What it says", .type = "text/event-stream"}}, "number",
                   number_schema) +
         path_item(job + ":cancel", "jobs", {{.verb = "post", .summary = "Ends it", .answer = "Job"}}, "number",
                   number_schema) +
         path_item(job + ":resume", "jobs",
                   {{.verb = "post", .summary = "Goes on from its last epoch", .answer = "Job"}}, "number",
                   number_schema) +
         path_item(job + ":promote", "jobs",
                   {{.verb = "post", .summary = "Makes a candidate the newest version", .answer = "Job"}}, "number",
                   number_schema);
}

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
         add(get_form, v2 + "/config", "Configuration, as Triton has it", "Configuration") +
         add(get_form, v2 + "/stats", "Statistics, as Triton has them", "Statistics") +
         add(infer_form, v2 + "/infer", "Predicts, with tensors by name", "", infer_body(servable, rows));
}

// By a label only TensorFlow Serving's calls ask.
std::string label_paths(const Servable& servable, const std::string& label, Index rows) {
  const std::string path = "/v1/models/" + escaped(servable.model) + "/labels/" + escaped(label);
  const std::string summary = "Predicts with the version that has the label";
  return path_item(path, servable.model, {{.summary = "The state of the version", .answer = "Status"}}) +
         path_item(
             path + ":predict", servable.model,
             {{.verb = "post", .summary = summary, .answer = "Predictions", .body = predict_body(servable, rows)}});
}

std::string model_paths(const Repository& repository, const std::string& model, const Limits& limits,
                        const Offers& offers) {
  std::string out;
  if (const auto servable = repository.find(model)) {
    const Index rows = most_rows(*servable, limits);
    out += paths_of(*servable, "", rows) + stream_path(*servable, rows);
  }
  for (const VersionStatus& status : repository.status(model))
    if (const auto servable = repository.find(model, status.version))
      out += paths_of(*servable, fmt::format("/versions/{}", status.version), most_rows(*servable, limits));
  for (const auto& [label, version] : repository.settings(model).labels)
    if (const auto servable = repository.find_label(model, label))
      out += label_paths(*servable, label, most_rows(*servable, limits));
  out += path_item("/maas/v1/models/" + escaped(model), model,
                   {{.summary = "How it is served, and what raw rows are made of", .answer = "Settings"}});
  return out + (offers.changes ? change_paths(model, offers.uploads) : "");
}

}  // namespace

Response openapi(const Repository& repository, const ProtocolOptions& options, const Offers& offers) {
  // The document ends with its paths: those of models go in before the last two braces.
  std::string_view document = openapi_json.substr(0, openapi_json.find_last_of('}'));
  document = document.substr(0, document.find_last_of('}'));
  Response response{.body = std::string(document)};
  std::string& out = response.body;
  if (options.closed_health) {  // then health needs a token as all else does
    constexpr std::string_view open = R"("security": [],)";
    for (std::size_t at = out.find(open); at != out.npos; at = out.find(open, at)) out.erase(at, open.size());
  }
  for (const std::string& model : repository.models()) out += model_paths(repository, model, options.limits, offers);
  if (options.strict_dtypes)
    for (std::size_t at = out.find(all_types); at != out.npos; at = out.find(all_types, at))
      out.replace(at, all_types.size(), strict_types);
  out += index_path();
  if (offers.jobs) out += job_paths();
  out += '}';
  if (!options.token.empty() || !options.token_file.empty()) out += R"(,"security":[{"token":[]}])";
  if (!options.base_path.empty()) out += fmt::format(R"(,"servers":[{{"url":{}}}])", json_text(options.base_path));
  out += "}\n";
  return response;
}

}  // namespace maas::inline MAAS_ABI::serve
