#include "serve/prediction.hpp"

#include <algorithm>
#include <charconv>

#include "serve/drift.hpp"
#include "serve/status.hpp"

namespace maas::inline MAAS_ABI::serve {

static_assert(sizeof(Scalar) == 4, "the server answers in FP32: it is built for float alone");

namespace {

std::string_view why(const VersionStatus& status) {
  if (status.state == VersionState::unloading) return "it is being unloaded";
  return status.error.empty() ? "it is still being read" : std::string_view(status.error);
}

// A label that is known, of a version that does not answer now.
[[noreturn]] void fail_of_label(const Repository& repository, const Route& route) {
  const ModelSettings settings = repository.settings(route.model);
  const auto label = settings.labels.find(*route.label);
  if (label == settings.labels.end())
    fail_with(404, "model \"{}\": unknown label \"{}\"", route.model, route.label->substr(0, 255));
  const std::vector<VersionStatus> versions = repository.status(route.model);
  if (versions.empty()) fail_with(404, "unknown model \"{}\"", route.model);
  if (settings.is_unloaded) fail_with(503, "model \"{}\" is unloaded", route.model);
  const auto known = std::ranges::find(versions, label->second, &VersionStatus::version);
  fail_with(503, "model \"{}\": version {} of the label \"{}\" is not ready: {}", route.model, label->second,
            label->first, known == versions.end() ? "it is not there" : why(*known));
}

}  // namespace

std::shared_ptr<const Servable> servable_of(const Repository& repository, const Route& route) {
  if (route.label) {
    if (auto servable = repository.find_label(route.model, *route.label)) return servable;
    fail_of_label(repository, route);
  }
  if (auto servable = repository.find(route.model, route.version)) return servable;
  const std::vector<VersionStatus> versions = repository.status(route.model);
  if (versions.empty()) fail_with(404, "unknown model \"{}\"", route.model);
  if (repository.settings(route.model).is_unloaded) fail_with(503, "model \"{}\" is unloaded", route.model);
  if (!route.version) fail_with(503, "model \"{}\": no version is ready: {}", route.model, why(versions[0]));
  const auto known = std::ranges::find(versions, *route.version, &VersionStatus::version);
  if (known == versions.end()) fail_with(404, "model \"{}\": unknown version {}", route.model, *route.version);
  if (known->state == VersionState::retired || known->state == VersionState::unloading)
    fail_with(404, "model \"{}\": version {} is not served any more", route.model, *route.version);
  fail_with(503, "model \"{}\": version {} is not ready: {}", route.model, *route.version, why(*known));
}

Repository::Choice chosen(const Context& context, const Route& route) {
  const bool is_named = route.version || route.label;
  Repository::Choice choice = is_named ? Repository::Choice() : context.repository.choose(route.model);
  if (!choice.answering) choice.answering = servable_of(context.repository, route);  // or why there is none
  if (context.chosen != nullptr) *context.chosen = choice.answering->version;
  return choice;
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

Matrix samples_of(const TensorInfo& input, JsonTensor tensor, Index most, std::string_view kind) {
  const std::span<const Index> lengths(tensor.shape);
  const bool fits = !lengths.empty() && std::ranges::equal(lengths.subspan(1), input.shape);
  const bool is_scalars = lengths.size() == 1 && input.shape == Shape{1};  // samples of one number need no list
  if (!fits && !is_scalars)
    fail<ShapeError>("{} \"{}\": expected shape {}, got {}", kind, input.name, shape_text(input.shape),
                     shape_text(lengths));
  if (lengths[0] > most)
    fail_with(413, "{} \"{}\": expected at most {} samples, got {}", kind, input.name, most, lengths[0]);
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
  const auto latest = request.arrived + limits.wait;
  const std::string* header = request.header("X-Request-Timeout-Ms");
  if (header == nullptr) return latest;
  std::int64_t time = 0;
  const char* end = header->data() + header->size();
  const auto read = std::from_chars(header->data(), end, time);
  require<DataError>(read.ec == std::errc() && read.ptr == end && time >= 1,
                     "X-Request-Timeout-Ms: expected a whole number of at least 1, got \"{}\"", *header);
  return time >= limits.wait.count() ? latest : request.arrived + std::chrono::milliseconds(time);
}

void check_deadline(std::chrono::steady_clock::time_point deadline, std::chrono::steady_clock::time_point now) {
  if (now > deadline) fail_with(504, "the deadline passed before the prediction began");
}

void check_asked(const Asked& asked, const Limits& limits) {
  check_rows(*asked.servable, asked.inputs);
  check_outputs(*asked.servable, asked.inputs[0].rows(), limits);
}

namespace {

std::vector<Matrix> joined_inputs(std::span<Asked* const> all, Index rows) {
  std::vector<Matrix> inputs;
  for (std::size_t i = 0; i < all[0]->inputs.size(); ++i) {
    Matrix& joined = inputs.emplace_back(rows, all[0]->inputs[i].cols());
    Index at = 0;
    for (const Asked* asked : all) {
      joined.middleRows(at, asked->inputs[i].rows()) = asked->inputs[i];
      at += asked->inputs[i].rows();
    }
  }
  return inputs;
}

std::vector<std::vector<Matrix>> parted(std::span<Asked* const> all, const std::vector<Matrix>& outputs) {
  std::vector<std::vector<Matrix>> parts;
  Index at = 0;
  for (const Asked* asked : all) {
    std::vector<Matrix>& part = parts.emplace_back();
    for (const Matrix& output : outputs) part.push_back(output.middleRows(at, asked->inputs[0].rows()));
    at += asked->inputs[0].rows();
  }
  return parts;
}

void count_inputs(const Servable& servable, const std::vector<Matrix>& inputs) {
  if (servable.forecast)
    servable.drift->count_windows(*servable.forecast, inputs);
  else
    servable.drift->count_rows(inputs[0]);
}

}  // namespace

namespace {

void count_run(const Context& context, std::span<Asked* const> all, Index rows, std::chrono::nanoseconds duration) {
  const Servable& servable = *all[0]->servable;
  context.metrics.count_prediction(servable.model, servable.version, rows, duration, [&](const auto& count) {
    for (const Asked* asked : all) count(asked->durations.queue);
  });
  std::chrono::nanoseconds read{};
  for (Asked* asked : all) {
    asked->durations.run = duration;
    asked->durations.batch = rows;
    read += asked->durations.read;
  }
  context.statistics.count_run(servable, rows, duration, read);
  if (servable.drift)
    for (const Asked* asked : all)
      if (!asked->is_counted) count_inputs(servable, asked->inputs);
}

}  // namespace

std::vector<Matrix> run_alone(const Context& context, Asked& asked, std::chrono::steady_clock::time_point start) {
  const Network& network = asked.servable->network;
  std::vector<Matrix> outputs;
  if (asked.inputs.size() == 1 && network.graph().outputs().size() == 1)
    outputs.push_back(network.predict(asked.inputs[0]));  // the same, without lists of views
  else
    outputs = network.predict(asked.inputs);
  Asked* const one = &asked;
  count_run(context, {&one, 1}, asked.inputs[0].rows(), std::chrono::steady_clock::now() - start);
  return outputs;
}

std::vector<std::vector<Matrix>> run_together(const Context& context, std::span<Asked* const> all,
                                              std::chrono::steady_clock::time_point start) {
  const Servable& servable = *all[0]->servable;
  Index rows = 0;
  for (const Asked* asked : all) rows += asked->inputs[0].rows();
  std::vector<std::vector<Matrix>> outputs;
  if (all.size() == 1)
    outputs.push_back(servable.network.predict(all[0]->inputs));
  else
    outputs = parted(all, servable.network.predict(joined_inputs(all, rows)));
  count_run(context, all, rows, std::chrono::steady_clock::now() - start);
  return outputs;
}

}  // namespace maas::inline MAAS_ABI::serve
