#include "serve/prediction.hpp"

#include <algorithm>

#include "serve/status.hpp"

namespace maas::inline MAAS_ABI::serve {

static_assert(sizeof(Scalar) == 4, "the server answers in FP32: it is built for float alone");

namespace {

std::string_view why(const VersionStatus& status) {
  return status.error.empty() ? "it is still being read" : std::string_view(status.error);
}

}  // namespace

std::shared_ptr<const Servable> servable_of(const Repository& repository, const Route& route) {
  if (auto servable = repository.find(route.model, route.version)) return servable;
  const std::vector<VersionStatus> versions = repository.status(route.model);
  if (versions.empty()) fail_with(404, "unknown model \"{}\"", route.model);
  if (!route.version) fail_with(503, "model \"{}\": no version is ready: {}", route.model, why(versions[0]));
  const auto known = std::ranges::find(versions, *route.version, &VersionStatus::version);
  if (known == versions.end()) fail_with(404, "model \"{}\": unknown version {}", route.model, *route.version);
  if (known->state == VersionState::retired)
    fail_with(404, "model \"{}\": version {} is not served any more", route.model, *route.version);
  fail_with(503, "model \"{}\": version {} is not ready: {}", route.model, *route.version, why(*known));
}

Index place_of(const std::vector<TensorInfo>& tensors, std::string_view name) {
  const auto found = std::ranges::find(tensors, name, &TensorInfo::name);
  return found == tensors.end() ? -1 : found - tensors.begin();
}

std::string names_of(const std::vector<TensorInfo>& tensors) {
  std::string text;
  for (const TensorInfo& tensor : tensors) text += fmt::format("{}\"{}\"", text.empty() ? "" : ", ", tensor.name);
  return text;
}

std::string shape_text(const Shape& sample) {
  std::string text = "[n";
  for (Index length : sample) text += fmt::format(", {}", length);
  return text + "]";
}

std::string shape_text(std::span<const Index> lengths) {
  std::string text = "[";
  for (std::size_t i = 0; i < lengths.size(); ++i) text += fmt::format("{}{}", i == 0 ? "" : ", ", lengths[i]);
  return text + "]";
}

Matrix samples_of(const TensorInfo& input, JsonTensor tensor, const Limits& limits) {
  const std::span<const Index> lengths(tensor.shape);
  const bool fits = !lengths.empty() && std::ranges::equal(lengths.subspan(1), input.shape);
  const bool is_scalars = lengths.size() == 1 && input.shape == Shape{1};  // samples of one number need no list
  require<ShapeError>(fits || is_scalars, "input \"{}\": expected shape {}, got {}", input.name,
                      shape_text(input.shape), shape_text(lengths));
  if (lengths[0] > limits.rows)
    fail_with(413, "input \"{}\": expected at most {} samples, got {}", input.name, limits.rows, lengths[0]);
  return ConstMatrixView(tensor.values.data(), lengths[0], input.shape.size());
}

namespace {

void check_rows(const Servable& servable, const std::vector<Matrix>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    require<ShapeError>(inputs[i].rows() == inputs[0].rows(), "input \"{}\": expected {} samples, as in \"{}\", got {}",
                        servable.inputs[i].name, inputs[0].rows(), servable.inputs[0].name, inputs[i].rows());
}

void check_outputs(const Servable& servable, Index rows, const Limits& limits) {
  for (const TensorInfo& output : servable.outputs)
    if (rows > 0 && output.shape.size() > limits.tensor_elements / rows)
      fail_with(413, "output \"{}\": expected at most {} numbers, got {} samples of {}", output.name,
                limits.tensor_elements, rows, output.shape.size());
}

}  // namespace

std::chrono::steady_clock::time_point deadline_of(const Request& request, const Limits& limits) {
  return request.arrived + limits.wait;
}

void check_deadline(std::chrono::steady_clock::time_point deadline) {
  if (std::chrono::steady_clock::now() > deadline) fail_with(504, "the deadline passed before the prediction began");
}

std::vector<Matrix> predict(const Context& context, const Servable& servable, const std::vector<Matrix>& inputs,
                            std::chrono::steady_clock::time_point deadline) {
  check_rows(servable, inputs);
  check_outputs(servable, inputs[0].rows(), context.limits);
  check_deadline(deadline);
  const auto start = std::chrono::steady_clock::now();
  std::vector<Matrix> outputs = servable.network.predict(inputs);
  context.metrics.count_prediction(servable.model, inputs[0].rows(), std::chrono::steady_clock::now() - start);
  return outputs;
}

void require_plain(const Request& request) {
  const std::string* encoding = request.header("Content-Encoding");
  if (encoding != nullptr && !encoding->empty() && *encoding != "identity")
    fail_with(415, "Content-Encoding: expected identity, got \"{}\"", *encoding);
}

}  // namespace maas::inline MAAS_ABI::serve
