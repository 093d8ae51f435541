// What a load generator sends, and where to.
#include <fmt/ranges.h>

#include "maas/core/error.hpp"
#include "maas/core/random.hpp"
#include "serve/json.hpp"
#include "serve/json_writer.hpp"
#include "serve/load.hpp"

namespace maas::inline MAAS_ABI::serve {

LoadUrl LoadUrl::parse(const std::string& text) {
  constexpr std::string_view scheme = "http://";
  require<ConfigError>(text.starts_with(scheme), "URL: expected http://HOST[:PORT][/PATH], got \"{}\"", text);
  std::string_view rest = std::string_view(text).substr(scheme.size());
  LoadUrl url;
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  url.prefix = rest.substr(slash);
  while (url.prefix.ends_with('/')) url.prefix.pop_back();
  rest = rest.substr(0, slash);
  const std::size_t bracket = rest.starts_with('[') ? rest.find(']') : 0;
  require<ConfigError>(bracket != rest.npos, "URL: expected ] after an address of IPv6, got \"{}\"", text);
  const std::size_t colon = rest.find(':', bracket);
  url.port = colon == rest.npos ? "80" : std::string(rest.substr(colon + 1));
  rest = rest.substr(0, colon);
  url.host = bracket > 0 ? rest.substr(1, bracket - 1) : rest;
  const bool is_port =
      !url.port.empty() && url.port.size() <= 5 && url.port.find_first_not_of("0123456789") == url.port.npos;
  // Blanks and line ends would become part of the head of each request.
  const bool is_clean = text.find_first_of(" \t\r\n") == text.npos;
  require<ConfigError>(!url.host.empty() && is_port && is_clean, "URL: expected http://HOST[:PORT][/PATH], got \"{}\"",
                       text);
  return url;
}

std::string LoadUrl::authority() const {
  return host.find(':') == host.npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

std::string LoadRequest::text(const LoadUrl& url) const {
  const std::string length = body.empty() && method == "GET" ? "" : fmt::format("Content-Length: {}\r\n", body.size());
  return fmt::format("{} {}{} HTTP/1.1\r\nHost: {}\r\nUser-Agent: maas-load-test\r\n{}{}\r\n{}", method, url.prefix,
                     path, url.authority(), headers, length, body);
}

namespace {

struct Tensor {
  std::string name{};
  std::vector<Index> lengths{};  // with the batch axis
  std::vector<Scalar> values{};
};

Tensor drawn_tensor(JsonView input, Index rows, std::uint64_t seed) {
  const auto name = input.member("name"), type = input.member("datatype"), shape = input.member("shape");
  require<DataError>(name && name->text() && type && type->text() && shape && shape->kind() == JsonKind::list,
                     "metadata: expected inputs with name, datatype and shape, got others");
  require<DataError>(*type->text() == "FP32", "metadata: expected input \"{}\" to be FP32, got {}: give a body",
                     *name->text(), *type->text());
  constexpr Index most = Index{1} << 26;
  Tensor tensor{.name = std::string(*name->text())};
  Index count = 1;
  shape->for_each([&](JsonView element) {
    const std::int64_t length = element.integer().value_or(0);
    require<DataError>(length == -1 || length > 0, "metadata: expected lengths of at least 1, or -1, got others");
    tensor.lengths.push_back(tensor.lengths.empty() ? rows : length == -1 ? 1 : static_cast<Index>(length));
    require<DataError>(count <= most / tensor.lengths.back(), "metadata: input \"{}\" has more numbers than {}",
                       tensor.name, most);
    count *= tensor.lengths.back();
  });
  require<DataError>(!tensor.lengths.empty(), "metadata: expected a shape with a batch axis, got none");
  const Random random(seed);
  for (Index i = 0; i < count; ++i)
    tensor.values.push_back(static_cast<Scalar>(random.uniform(static_cast<std::uint64_t>(i))));
  return tensor;
}

std::vector<Tensor> drawn_tensors(std::string_view metadata, Index rows) {
  const JsonDocument document(metadata, 100);
  const auto inputs = document.root().member("inputs");
  require<DataError>(inputs && inputs->kind() == JsonKind::list && inputs->size() > 0,
                     "metadata: expected a list of inputs, got none");
  std::vector<Tensor> tensors;
  inputs->for_each([&](JsonView input) { tensors.push_back(drawn_tensor(input, rows, tensors.size() + 1)); });
  return tensors;
}

LoadRequest infer_request(const std::vector<Tensor>& tensors, const std::string& model_path, bool is_binary) {
  LoadRequest request{.method = "POST", .path = "/v2/models/" + model_path + "/infer"};
  std::string head = R"({"inputs":[)", tail;
  for (const Tensor& tensor : tensors) {
    if (head.back() != '[') head += ',';
    head += R"({"name":)";
    append_text(head, tensor.name);
    head += fmt::format(R"(,"shape":[{}],"datatype":"FP32",)", fmt::join(tensor.lengths, ","));
    const std::size_t bytes = tensor.values.size() * sizeof(Scalar);
    if (is_binary) {
      head += fmt::format(R"("parameters":{{"binary_data_size":{}}}}})", bytes);
      tail.append(reinterpret_cast<const char*>(tensor.values.data()), bytes);
    } else {
      head += R"("data":)";
      append_flat(head, tensor.values, Whole::short_form);
      head += '}';
    }
  }
  head += is_binary ? R"(],"parameters":{"binary_data_output":true}})" : "]}";
  request.headers = is_binary ? fmt::format(
                                    "Content-Type: application/octet-stream\r\n"
                                    "Inference-Header-Content-Length: {}\r\n",
                                    head.size())
                              : "Content-Type: application/json\r\n";
  request.body = head + tail;
  return request;
}

LoadRequest rows_request(const std::vector<Tensor>& tensors, const std::string& model_path, Index rows) {
  LoadRequest request{.method = "POST",
                      .path = "/v1/models/" + model_path + ":predict",
                      .headers = "Content-Type: application/json\r\n"};
  std::string& out = request.body;
  out = R"({"instances":[)";
  for (Index row = 0; row < rows; ++row) {
    if (row > 0) out += ',';
    if (tensors.size() > 1) out += '{';
    for (const Tensor& tensor : tensors) {
      if (&tensor != &tensors[0]) out += ',';
      if (tensors.size() > 1) append_text(out, tensor.name), out += ':';
      const std::size_t count = tensor.values.size() / static_cast<std::size_t>(rows);
      append_nested(out, tensor.values.data() + static_cast<std::size_t>(row) * count,
                    std::span(tensor.lengths).subspan(1), Whole::short_form);
    }
    if (tensors.size() > 1) out += '}';
  }
  out += "]}";
  return request;
}

}  // namespace

LoadRequest prediction_request(std::string_view metadata, const std::string& model_path, LoadForm form, Index rows) {
  require<ConfigError>(rows >= 1 && rows <= 1'000'000, "load test: expected 1 to 1000000 samples a request, got {}",
                       rows);
  const std::vector<Tensor> tensors = drawn_tensors(metadata, rows);
  return form == LoadForm::rows ? rows_request(tensors, model_path, rows)
                                : infer_request(tensors, model_path, form == LoadForm::binary);
}

}  // namespace maas::inline MAAS_ABI::serve
