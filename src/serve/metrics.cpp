#include "serve/metrics.hpp"

#include <fmt/format.h>

#include <iterator>

namespace maas::inline MAAS_ABI::serve {

namespace {

double seconds_of(std::chrono::nanoseconds duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

std::string label_text(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') text += '\\';
    text += c;
  }
  return text;
}

namespace {

void append_head(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

template <class Value>
void append_one(std::string& out, std::string_view name, std::string_view type, std::string_view help, Value value) {
  append_head(out, name, type, help);
  fmt::format_to(std::back_inserter(out), "{} {}\n", name, value);
}

void append_models(std::string& out, const Repository& repository) {
  append_head(out, "maas_model_available", "gauge", "1 for each version of a model that answers.");
  for (const std::string& model : repository.models())
    for (const VersionStatus& status : repository.status(model))
      fmt::format_to(std::back_inserter(out), "maas_model_available{{model=\"{}\",version=\"{}\"}} {}\n",
                     label_text(model), status.version, status.state == VersionState::available ? 1 : 0);
  append_head(out, "maas_reload_total", "counter", "Versions that went live, and files that could not be used.");
  const Repository::Loads loads = repository.loads();
  fmt::format_to(std::back_inserter(out),
                 "maas_reload_total{{result=\"success\"}} {}\nmaas_reload_total{{result=\"failure\"}} {}\n",
                 loads.succeeded, loads.failed);
  append_head(out, "maas_folder_looks_total", "counter", "Looks at the folder of models: whole, and not.");
  fmt::format_to(std::back_inserter(out),
                 "maas_folder_looks_total{{result=\"success\"}} {}\nmaas_folder_looks_total{{result=\"failure\"}} {}\n",
                 loads.looks, loads.looks_failed);
}

void append_server(std::string& out, bool ready, const Gauges& gauges) {
  append_one(out, "maas_ready", "gauge", "1 where /v2/health/ready says so.", ready ? 1 : 0);
  append_one(out, "maas_inflight", "gauge", "Requests being received, waiting or being answered.", gauges.in_flight);
  append_one(out, "maas_queue_requests", "gauge", "Requests that wait for a thread.", gauges.queued);
  append_head(out, "maas_rejected_total", "counter", "Requests answered 429 or 503, as there was no room for them.");
  fmt::format_to(std::back_inserter(out),
                 "maas_rejected_total{{reason=\"queue\"}} {}\nmaas_rejected_total{{reason=\"model_queue\"}} {}\n"
                 "maas_rejected_total{{reason=\"bytes\"}} {}\n",
                 gauges.rejected_queue, gauges.rejected_model, gauges.rejected_bytes);
  append_one(out, "maas_slow_connections_total", "counter",
             "Connections cut off, as their clients took too long to send a head or to read an answer.", gauges.slow);
}

}  // namespace

void Metrics::Histogram::add(double seconds) {
  std::size_t place = 0;
  while (place < bounds.size() && seconds > bounds[place]) ++place;
  ++counts[place];
  sum += seconds;
}

void Metrics::count_request(std::string_view api, std::string_view model, int code, std::chrono::nanoseconds duration) {
  const std::lock_guard lock(mutex_);
  if (const auto known = requests_.find(InOrder::Views(api, model, code)); known != requests_.end())
    ++known->second;
  else
    requests_.emplace(std::tuple(std::string(api), std::string(model), code), 1);
  if (model.empty()) return;
  if (const auto known = durations_.find(model); known != durations_.end())
    known->second.add(seconds_of(duration));
  else
    durations_[std::string(model)].add(seconds_of(duration));
}

void Metrics::count_prediction(const std::string& model, Index rows, std::chrono::nanoseconds duration) {
  const std::lock_guard lock(mutex_);
  Predictions& predictions = predictions_[model];
  ++predictions.runs;
  predictions.rows += static_cast<std::uint64_t>(rows);
  predictions.seconds.add(seconds_of(duration));
}

void Metrics::append_histogram(std::string& out, std::string_view name, const std::string& labels, const Histogram& h) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < h.counts.size(); ++i) {
    total += h.counts[i];
    const std::string bound = i < bounds.size() ? fmt::format("{}", bounds[i]) : "+Inf";
    fmt::format_to(std::back_inserter(out), "{}_bucket{{{},le=\"{}\"}} {}\n", name, labels, bound, total);
  }
  fmt::format_to(std::back_inserter(out), "{}_sum{{{}}} {}\n{}_count{{{}}} {}\n", name, labels, h.sum, name, labels,
                 total);
}

std::string Metrics::text(const Repository& repository, bool ready, const Gauges& gauges) const {
  std::string out;
  append_server(out, ready, gauges);
  append_models(out, repository);
  append_one(out, "process_start_time_seconds", "gauge", "Start of the process since the epoch.",
             std::chrono::duration_cast<std::chrono::seconds>(start_.time_since_epoch()).count());
  const std::lock_guard lock(mutex_);
  append_head(out, "maas_requests_total", "counter",
              "Answers by protocol, model (empty: none that is known) and code.");
  for (const auto& [key, count] : requests_)
    fmt::format_to(std::back_inserter(out), "maas_requests_total{{api=\"{}\",model=\"{}\",code=\"{}\"}} {}\n",
                   std::get<0>(key), label_text(std::get<1>(key)), std::get<2>(key), count);
  append_head(out, "maas_request_duration_seconds", "histogram",
              "From when a request had come whole to its answer, by model.");
  for (const auto& [model, histogram] : durations_)
    append_histogram(out, "maas_request_duration_seconds", fmt::format("model=\"{}\"", label_text(model)), histogram);
  append_head(out, "maas_executions_total", "counter", "Runs of a network.");
  for (const auto& [model, predictions] : predictions_)
    fmt::format_to(std::back_inserter(out), "maas_executions_total{{model=\"{}\"}} {}\n", label_text(model),
                   predictions.runs);
  append_head(out, "maas_inferences_total", "counter", "Samples that were predicted for.");
  for (const auto& [model, predictions] : predictions_)
    fmt::format_to(std::back_inserter(out), "maas_inferences_total{{model=\"{}\"}} {}\n", label_text(model),
                   predictions.rows);
  append_head(out, "maas_compute_duration_seconds", "histogram", "Time in the network, by model.");
  for (const auto& [model, predictions] : predictions_)
    append_histogram(out, "maas_compute_duration_seconds", fmt::format("model=\"{}\"", label_text(model)),
                     predictions.seconds);
  return out;
}

}  // namespace maas::inline MAAS_ABI::serve
