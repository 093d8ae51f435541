#include "serve/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <iterator>

#include "maas/network/network.hpp"
#include "serve/process_use.hpp"
#include "serve/servable.hpp"

namespace maas::inline MAAS_ABI::serve {

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

std::string_view name_of(VersionState state) {
  switch (state) {
    case VersionState::waiting:
      return "START";
    case VersionState::loading:
      return "LOADING";
    case VersionState::available:
      return "AVAILABLE";
    case VersionState::unloading:
      return "UNLOADING";
    case VersionState::failed:
      return "FAILED";
    case VersionState::retired:
      break;
  }
  return "END";
}

void append_models(std::string& out, const Repository& repository) {
  append_head(out, "maas_model_available", "gauge", "1 for each version of a model that answers.");
  for (const std::string& model : repository.models())
    for (const VersionStatus& status : repository.status(model))
      fmt::format_to(std::back_inserter(out), "maas_model_available{{model=\"{}\",version=\"{}\"}} {}\n",
                     label_text(model), status.version, status.state == VersionState::available ? 1 : 0);
  append_head(out, "maas_model_state", "gauge", "1 for the state that each version of a model is in.");
  for (const std::string& model : repository.models())
    for (const VersionStatus& status : repository.status(model))
      fmt::format_to(std::back_inserter(out), "maas_model_state{{model=\"{}\",version=\"{}\",state=\"{}\"}} 1\n",
                     label_text(model), status.version, name_of(status.state));
  append_head(out, "maas_model_bytes", "gauge", "Weights of each version of a model that answers.");
  for (const std::string& model : repository.models())
    for (const VersionStatus& status : repository.status(model))
      if (const auto servable = repository.find(model, status.version))
        fmt::format_to(std::back_inserter(out), "maas_model_bytes{{model=\"{}\",version=\"{}\"}} {}\n",
                       label_text(model), status.version, weight_bytes(*servable));
  append_one(out, "maas_models_missing", "gauge",
             "Models of which no version answers, though the server is not ready without them.",
             repository.missing().size());
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
  append_one(out, "maas_queue_rows", "gauge", "Their samples, about.", gauges.queued_rows);
  append_one(out, "maas_connections", "gauge", "Connections over HTTP that are open.", gauges.connections);
  append_head(out, "maas_http_bytes_total", "counter", "Bytes of heads and bodies that came; of bodies that went.");
  fmt::format_to(std::back_inserter(out),
                 "maas_http_bytes_total{{dir=\"in\"}} {}\nmaas_http_bytes_total{{dir=\"out\"}} {}\n", gauges.bytes_in,
                 gauges.bytes_out);
  append_head(
      out, "maas_rejected_total", "counter",
      "Requests answered 429, 503 or 504, as there was no room or no time for them, or 499, as their clients had "
      "cancelled.");
  fmt::format_to(std::back_inserter(out),
                 "maas_rejected_total{{reason=\"queue\"}} {}\nmaas_rejected_total{{reason=\"model_queue\"}} {}\n"
                 "maas_rejected_total{{reason=\"bytes\"}} {}\nmaas_rejected_total{{reason=\"token\"}} {}\n"
                 "maas_rejected_total{{reason=\"deadline\"}} {}\nmaas_rejected_total{{reason=\"cancelled\"}} {}\n",
                 gauges.rejected_queue, gauges.rejected_model, gauges.rejected_bytes, gauges.rejected_token,
                 gauges.rejected_deadline, gauges.rejected_cancelled);
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

VersionSet known_versions(const Repository& repository) {
  VersionSet all{{"", std::nullopt}};
  for (const std::string& model : repository.models()) {
    all.emplace(model, std::nullopt);
    for (const VersionStatus& status : repository.status(model)) all.emplace(model, status.version);
  }
  return all;
}

// With mutex_ held, as the next.
Metrics::Counts& Metrics::of(std::string_view model, VersionNumber version) {
  const auto found = counts_.find(InOrder::View(model, version));
  if (found != counts_.end()) return found->second;
  if (counts_.size() >= most_) forget_unknown();
  return counts_[Key(model, version)];
}

// Rarely, so that it costs the counting nothing.
void Metrics::forget_unknown() {
  const VersionSet known = known_versions(repository_);
  std::erase_if(counts_, [&](const auto& each) { return !known.contains(each.first); });
  most_ = std::max<std::size_t>(64, 2 * counts_.size());
}

std::uint64_t& Metrics::Counts::answers_of(std::string_view api, int code) {
  const auto found =
      std::ranges::find_if(answers, [&](const Answers& each) { return each.code == code && each.api == api; });
  if (found != answers.end()) return found->count;
  return answers.emplace_back(Answers{std::string(api), code, 0}).count;
}

void Metrics::count_request(std::string_view api, std::string_view model, VersionNumber version, int code,
                            std::chrono::nanoseconds duration) {
  const std::lock_guard lock(mutex_);
  Counts& counts = of(model, version);
  ++counts.answers_of(api, code);
  if (!model.empty()) counts.durations.add(seconds_of(duration));
}

void Metrics::Counts::add(Index count, std::chrono::nanoseconds duration) {
  const auto samples = static_cast<std::uint64_t>(count);
  ++runs;
  rows += samples;
  ++batches[std::min<std::size_t>(row_bounds,
                                  samples <= 1 ? 0 : static_cast<std::size_t>(std::bit_width(samples - 1)))];
  seconds.add(seconds_of(duration));
}

void Metrics::append_batches(std::string& out, const std::string& labels, const Counts& counts) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i <= row_bounds; ++i) {
    total += counts.batches[i];
    const std::string bound = i < row_bounds ? fmt::format("{}", std::uint64_t{1} << i) : "+Inf";
    fmt::format_to(std::back_inserter(out), "maas_batch_rows_bucket{{{},le=\"{}\"}} {}\n", labels, bound, total);
  }
  fmt::format_to(std::back_inserter(out), "maas_batch_rows_sum{{{0}}} {1}\nmaas_batch_rows_count{{{0}}} {2}\n", labels,
                 counts.rows, total);
}

void Metrics::append_histograms(std::string& out, std::string_view name, const std::vector<Each>& all,
                                Histogram Counts::*which) {
  for (const auto& [labels, counts] : all) append_histogram(out, name, labels, counts->*which);
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

// With mutex_ held.
std::vector<Metrics::Each> Metrics::counts_of(const VersionSet& versions) const {
  std::vector<Each> all;
  for (const auto& [key, counts] : counts_)
    if (versions.contains(key))
      all.emplace_back(fmt::format("model=\"{}\",version=\"{}\"", label_text(key.first),
                                   key.second ? fmt::format("{}", *key.second) : ""),
                       &counts);
  return all;
}

void Metrics::append_requests(std::string& out, const std::vector<Each>& all) {
  append_head(out, "maas_requests_total", "counter",
              "Answers by protocol, model (empty: none that is known), version (empty: none was chosen) and code.");
  for (const auto& [labels, counts] : all)
    for (const Answers& answers : counts->answers)
      fmt::format_to(std::back_inserter(out), "maas_requests_total{{api=\"{}\",{},code=\"{}\"}} {}\n", answers.api,
                     labels, answers.code, answers.count);
  append_head(out, "maas_request_duration_seconds", "histogram",
              "From when a request had come whole to its answer, by model and version.");
  std::vector<Each> of_models = all;
  std::erase_if(of_models, [](const Each& each) { return each.second->durations.is_empty(); });
  append_histograms(out, "maas_request_duration_seconds", of_models, &Counts::durations);
}

void Metrics::append_runs(std::string& out, const std::vector<Each>& all) {
  append_head(out, "maas_executions_total", "counter", "Runs of a network.");
  for (const auto& [labels, counts] : all)
    fmt::format_to(std::back_inserter(out), "maas_executions_total{{{}}} {}\n", labels, counts->runs);
  append_head(out, "maas_inferences_total", "counter", "Samples that were predicted for.");
  for (const auto& [labels, counts] : all)
    fmt::format_to(std::back_inserter(out), "maas_inferences_total{{{}}} {}\n", labels, counts->rows);
  append_head(out, "maas_compute_duration_seconds", "histogram", "Time in the network, by model and version.");
  append_histograms(out, "maas_compute_duration_seconds", all, &Counts::seconds);
  append_head(out, "maas_queue_duration_seconds", "histogram",
              "From when a prediction had come whole to when it was begun, by model and version.");
  append_histograms(out, "maas_queue_duration_seconds", all, &Counts::waits);
  append_head(out, "maas_batch_rows", "histogram", "Samples of a run, by model and version.");
  for (const auto& [labels, counts] : all) append_batches(out, labels, *counts);
}

std::string Metrics::text(bool ready, const Gauges& gauges) const {
  std::string out;
  append_server(out, ready, gauges);
  append_models(out, repository_);
  append_one(out, "process_start_time_seconds", "gauge", "Start of the process since the epoch.",
             std::chrono::duration_cast<std::chrono::seconds>(start_.time_since_epoch()).count());
  const ProcessUse process = process_use();
  append_one(out, "process_cpu_seconds_total", "counter", "Processor time, of the process and in the system for it.",
             process.cpu_seconds);
  append_one(out, "process_resident_memory_bytes", "gauge", "Memory that is there.", process.resident_bytes);
  append_one(out, "process_virtual_memory_bytes", "gauge", "Address space.", process.virtual_bytes);
  append_one(out, "process_open_fds", "gauge", "Open files, connections among them.", process.open_files);
  append_one(out, "process_max_fds", "gauge", "How many there may be.", process.most_files);
  const VersionSet known = known_versions(repository_);
  const std::lock_guard lock(mutex_);
  std::vector<Each> all = counts_of(known);
  append_requests(out, all);
  std::erase_if(all, [](const Each& each) { return each.second->runs == 0; });
  append_runs(out, all);
  return out;
}

}  // namespace maas::inline MAAS_ABI::serve
