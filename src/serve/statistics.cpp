#include "serve/statistics.hpp"

#include <fmt/format.h>

#include "serve/drift.hpp"
#include "serve/json_writer.hpp"
#include "serve/metrics.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

// Of a version: sizes of batches that are told apart. Others are counted in all sums but not on their own.
constexpr std::size_t most_batch_sizes = 512;
// Of all: where versions come and go, those asked longest ago are forgotten.
constexpr std::size_t most_versions = 1024;

}  // namespace

Statistics::Version& Statistics::of(std::string_view model, std::int64_t number) {
  const auto known = versions_.find(InOrder::View(model, number));
  if (known != versions_.end()) return known->second;
  if (versions_.size() >= most_versions) {
    auto oldest = versions_.begin();
    for (auto each = versions_.begin(); each != versions_.end(); ++each)
      if (each->second.last < oldest->second.last) oldest = each;
    versions_.erase(oldest);
  }
  return versions_[Key(model, number)];
}

void Statistics::count_answer(std::string_view model, std::int64_t number, bool is_good, Time now,
                              std::chrono::nanoseconds all, const Durations& parts) {
  const std::lock_guard lock(mutex_);
  Version& version = of(model, number);
  version.last = now;
  if (!is_good) return version.fail.add(all);
  version.success.add(all);
  version.queue.add(parts.queue);
  version.read.add(parts.read);
  version.run.add(parts.run);
  version.write.add(parts.write);
  if (const auto batch = version.batches.find(parts.batch); batch != version.batches.end())
    batch->second.write += parts.write;
}

void Statistics::count_run(const Servable& servable, Index rows, std::chrono::nanoseconds duration,
                           std::chrono::nanoseconds read) {
  const std::lock_guard lock(mutex_);
  Version& version = of(servable.model, servable.version);
  ++version.runs;
  version.rows += static_cast<std::uint64_t>(rows);
  if (version.batches.size() >= most_batch_sizes && !version.batches.contains(rows)) return;
  Batch& batch = version.batches[rows];
  batch.run.add(duration);
  batch.read += read;
}

void Statistics::append_sum(std::string& out, std::string_view name, const Sum& sum) {
  out += fmt::format(R"("{}":{{"count":{},"ns":{}}})", name, sum.count, sum.time.count());
}

namespace {

// Milliseconds since 1970; 0 for never.
std::int64_t date_of(std::chrono::steady_clock::time_point time) {
  if (time == std::chrono::steady_clock::time_point()) return 0;
  const auto date = std::chrono::system_clock::now().time_since_epoch() - (std::chrono::steady_clock::now() - time);
  return std::chrono::duration_cast<std::chrono::milliseconds>(date).count();
}

}  // namespace

void Statistics::append(std::string& out, const Key& key, const Version& version) {
  out += R"({"name":)";
  append_text(out, key.first);
  out += fmt::format(R"(,"version":"{}","last_inference":{},"inference_count":{},"execution_count":{},)", key.second,
                     date_of(version.last), version.rows, version.runs);
  out += R"("inference_stats":{)";
  const std::pair<std::string_view, const Sum&> sums[] = {
      {"success", version.success},    {"fail", version.fail},         {"queue", version.queue},
      {"compute_input", version.read}, {"compute_infer", version.run}, {"compute_output", version.write}};
  for (const auto& [name, sum] : sums) {
    append_sum(out, name, sum);
    out += ',';
  }
  append_sum(out, "cache_hit", {});
  out += ',';
  append_sum(out, "cache_miss", {});
  out += R"(},"batch_stats":[)";
  for (const auto& [rows, batch] : version.batches) {
    out += fmt::format(R"({}{{"batch_size":{},)", out.back() == '[' ? "" : ",", rows);
    append_sum(out, "compute_input", {batch.run.count, batch.read});
    out += ',';
    append_sum(out, "compute_infer", batch.run);
    out += ',';
    append_sum(out, "compute_output", {batch.run.count, batch.write});
    out += '}';
  }
  out += "]}";
}

void Statistics::append_as_triton(std::string& out, const Repository& repository,
                                  const std::vector<std::pair<std::string, std::size_t>>& queued) const {
  struct Family {
    std::string_view name, help;
    Amount amount;
  };
  static constexpr auto us = [](const Sum& sum) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(sum.time).count());
  };
  static constexpr Family families[] = {
      {"nv_inference_request_success", "Predictions that were answered.",
       [](const Version& v) { return v.success.count; }},
      {"nv_inference_request_failure", "Predictions that failed.", [](const Version& v) { return v.fail.count; }},
      {"nv_inference_count", "Samples.", [](const Version& v) { return v.rows; }},
      {"nv_inference_exec_count", "Runs of the network.", [](const Version& v) { return v.runs; }},
      {"nv_inference_request_duration_us", "Time of predictions in all.",
       [](const Version& v) { return us(v.success); }},
      {"nv_inference_queue_duration_us", "Of it, waiting.", [](const Version& v) { return us(v.queue); }},
      {"nv_inference_compute_input_duration_us", "Of it, reading.", [](const Version& v) { return us(v.read); }},
      {"nv_inference_compute_infer_duration_us", "Of it, in the network.", [](const Version& v) { return us(v.run); }},
      {"nv_inference_compute_output_duration_us", "Of it, writing.", [](const Version& v) { return us(v.write); }}};
  for (const Family& family : families) {
    out += fmt::format("# HELP {0} {1}\n# TYPE {0} counter\n", family.name, family.help);
    for (const std::string& model : repository.models())
      for (const VersionStatus& status : repository.status(model)) {
        if (status.state != VersionState::available) continue;
        const std::lock_guard lock(mutex_);
        const auto found = versions_.find(Key(model, status.version));
        out += fmt::format("{}{{model=\"{}\",version=\"{}\"}} {}\n", family.name, label_text(model), status.version,
                           found == versions_.end() ? 0 : family.amount(found->second));
      }
  }
  out +=
      "# HELP nv_inference_pending_request_count Predictions that wait, with the version that answers by default.\n"
      "# TYPE nv_inference_pending_request_count gauge\n";
  for (const auto& [model, count] : queued)
    if (const auto usual = repository.candidates(model).usual)
      out += fmt::format("nv_inference_pending_request_count{{model=\"{}\",version=\"{}\"}} {}\n", label_text(model),
                         usual->version, count);
}

std::string Statistics::text(const Repository& repository, std::string_view model,
                             std::optional<std::int64_t> version) const {
  std::string out = R"({"model_stats":[)";
  for (const std::string& name : repository.models()) {
    if (!model.empty() && name != model) continue;
    for (const VersionStatus& status : repository.status(name)) {
      if (status.state != VersionState::available || (version && status.version != *version)) continue;
      if (out.back() != '[') out += ',';
      const Key key{name, status.version};
      const auto servable = repository.find(name, status.version);
      const std::lock_guard lock(mutex_);
      const auto found = versions_.find(key);
      append(out, key, found == versions_.end() ? Version() : found->second);
      if (const std::string drift = servable ? drift_json(*servable) : ""; !drift.empty()) {
        out.back() = ',';  // in the place of the object's end
        out += drift + '}';
      }
    }
  }
  return out + "]}";
}

}  // namespace maas::inline MAAS_ABI::serve
