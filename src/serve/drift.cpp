#include "serve/drift.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "serve/json_writer.hpp"
#include "serve/metrics.hpp"
#include "serve/text_digest.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t most_named = 10;  // inputs and sensors of a version, however many there are

// Errors are told by what is usual of their sensor: one may be a quarter more, and an hour in which they are four times
// as large is no drift yet.
constexpr PageHinkley error_test{.tolerance = 0.25, .threshold = 100};

// Scatters successive numbers, so that every k-th row is not always the same one of a client's batch.
std::uint64_t scattered(std::uint64_t number) { return (number * 0x9e3779b97f4a7c15ull) >> 32; }

void keep_worst(DriftCounts::Named& all, std::size_t most) {
  std::ranges::stable_sort(all, std::greater<>(), [](const auto& each) { return each.second; });
  if (all.size() > most) all.resize(most);
}

}  // namespace

DriftRules DriftRules::of_readings(double seconds) {
  DriftRules rules;
  if (!(seconds > 0)) return rules;
  const double a_day = std::clamp(86400 / seconds, 200.0, 100000.0);
  rules.least = static_cast<std::uint32_t>(a_day);
  rules.generation = 2 * rules.least;
  return rules;
}

DriftCounts::DriftCounts(DriftReference reference, const DriftRules& rules)
    : reference_(std::move(reference)), rules_(rules) {
  constexpr std::size_t numbers_a_row = 16;
  stride_ = std::max<std::size_t>(1, (reference_.inputs.size() + numbers_a_row - 1) / numbers_a_row);
  std::size_t bins = 0;
  for (const DriftReference::Input& input : reference_.inputs) {
    inputs_.push_back({.edges = edges_.size(), .count = input.edges.size(), .counts = bins});
    for (double edge : input.edges) edges_.push_back(static_cast<Scalar>(edge));
    bins += input.shares.size();
  }
  now_.assign(bins, 0);
  before_.assign(bins, 0);
  if (std::ranges::any_of(reference_.errors, [](double error) { return error > 0; }))
    tests_.assign(reference_.errors.size(), error_test);
  digest_ = fmt::format("{}-{}", text_digest(reference_.config().text()), rules_.generation);
}

// Few edges are counted without a branch, which the processor would guess wrong.
std::size_t DriftCounts::bin_of(const Input& input, Scalar number) const {
  const Scalar* const edges = edges_.data() + input.edges;
  constexpr std::size_t few = 16;
  if (input.count > few) return static_cast<std::size_t>(std::upper_bound(edges, edges + input.count, number) - edges);
  std::size_t bin = 0;
  for (std::size_t i = 0; i < input.count; ++i) bin += number >= edges[i] ? 1 : 0;
  return bin;
}

void DriftCounts::count(std::size_t place, Scalar number) {
  Input& input = inputs_[place];
  if (input.count == 0 || std::isnan(number)) return;
  if (input.now >= rules_.generation) {
    const auto at = [&](std::vector<std::uint32_t>& counts) {
      return counts.begin() + static_cast<std::ptrdiff_t>(input.counts);
    };
    const auto bins = static_cast<std::ptrdiff_t>(input.count + 1);
    std::copy(at(now_), at(now_) + bins, at(before_));
    std::fill(at(now_), at(now_) + bins, 0u);
    input.before = input.now;
    input.now = 0;
  }
  ++now_[input.counts + bin_of(input, number)];
  ++input.now;
}

void DriftCounts::count_rows(MatrixArg rows, const std::vector<bool>& unknown) {
  if (rows.cols() != static_cast<Index>(inputs_.size())) return;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;
  for (Index row = 0; row < rows.rows(); ++row) {
    if (scattered(rows_++) % stride_ != 0) continue;
    if (!unknown.empty() && unknown[static_cast<std::size_t>(row)]) continue;
    for (std::size_t input = 0; input < inputs_.size(); ++input) count(input, rows(row, static_cast<Index>(input)));
  }
}

namespace {

// A reading that has been scaled and back may have become a little less, and would be counted below the edge that it
// stands on.
double reading_of(const ForecastFrame& frame, std::size_t sensor, Scalar scaled) {
  constexpr double rounding = 0x1p-21;
  const double center = frame.center[sensor], part = frame.scale[sensor] * static_cast<double>(scaled);
  return center + part + rounding * (std::abs(center) + std::abs(part));
}

// Whose window a row is: the first sensor's where all are in it, or there is one; nothing if it does not say.
std::optional<std::size_t> sensor_of_row(const ForecastFrame& frame, std::span<const Matrix> inputs, Index row) {
  if (frame.is_joint() || frame.sensors.size() == 1) return 0;
  if (inputs.size() < 2) return std::nullopt;
  const double number = static_cast<double>(inputs[1](row, 0));
  const bool is_sensor = number >= 0 && number < static_cast<double>(frame.sensors.size());
  return is_sensor ? std::optional(static_cast<std::size_t>(number)) : std::nullopt;
}

}  // namespace

void DriftCounts::count_windows(const ForecastFrame& frame, std::span<const Matrix> inputs) {
  const Index width = frame.is_joint() ? static_cast<Index>(frame.sensors.size()) : 1;
  const Index newest = (frame.options.windows.lags - 1) * width;
  if (frame.sensors.size() != inputs_.size() || inputs[0].cols() < newest + width) return;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;
  for (Index row = 0; row < inputs[0].rows(); ++row) {
    if (frame.is_joint() && scattered(rows_++) % stride_ != 0) continue;
    const std::optional<std::size_t> first = sensor_of_row(frame, inputs, row);
    if (!first) continue;
    for (Index i = 0; i < width; ++i) {
      const std::size_t sensor = *first + static_cast<std::size_t>(i);
      count(sensor, static_cast<Scalar>(reading_of(frame, sensor, inputs[0](row, newest + i))));
    }
  }
}

void DriftCounts::count_readings(Index sensor, Index width, std::span<const Scalar> readings) {
  const auto first = static_cast<std::size_t>(sensor), count_of = static_cast<std::size_t>(width);
  if (first + count_of > inputs_.size()) return;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;
  for (std::size_t i = 0; i < readings.size(); ++i) count(first + i % count_of, readings[i]);
}

void DriftCounts::tell_error(Index sensor, double error) {
  const auto place = static_cast<std::size_t>(sensor);
  if (place >= tests_.size() || !(reference_.errors[place] > 0)) return;
  const double ratio = error / reference_.errors[place];
  if (!std::isfinite(ratio)) return;
  const std::lock_guard lock(mutex_);
  tests_[place].update(ratio);
  ++errors_;
  error_ratio_ += (ratio - error_ratio_) / static_cast<double>(std::min<std::uint64_t>(errors_, 1000));
}

DriftCounts::Figures DriftCounts::figures(std::size_t most) const {
  std::vector<Input> inputs;
  std::vector<std::uint32_t> now, before;
  std::vector<PageHinkley> tests;
  Figures found;
  {
    const std::lock_guard lock(mutex_);
    inputs = inputs_;
    now = now_;
    before = before_;
    tests = tests_;
    found.errors = errors_;
    found.error_ratio = errors_ > 0 ? error_ratio_ : nothing;
  }
  double sum = 0;
  std::vector<std::uint64_t> counts;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Input& input = inputs[i];
    const std::uint64_t numbers = std::uint64_t{input.now} + input.before;
    found.counted = std::max(found.counted, numbers);
    if (input.count == 0 || numbers < rules_.least) continue;
    counts.clear();
    for (std::size_t bin = 0; bin <= input.count; ++bin)
      counts.push_back(std::uint64_t{now[input.counts + bin]} + before[input.counts + bin]);
    found.worst_inputs.emplace_back(reference_.inputs[i].name, reference_.inputs[i].stability(counts));
    sum += found.worst_inputs.back().second;
  }
  found.psi_mean = found.worst_inputs.empty() ? nothing : sum / static_cast<double>(found.worst_inputs.size());
  keep_worst(found.worst_inputs, most);
  found.psi_max = found.worst_inputs.empty() ? nothing : found.worst_inputs[0].second;
  for (std::size_t i = 0; i < tests.size(); ++i) {
    if (tests[i].count_ == 0) continue;
    found.worst_sensors.emplace_back(reference_.inputs[i].name, tests[i].statistic());
    found.drifted += tests[i].drifted() ? 1 : 0;
  }
  keep_worst(found.worst_sensors, most);
  found.test_max = found.worst_sensors.empty() ? nothing : found.worst_sensors[0].second;
  return found;
}

// ---- Over a restart ----

DriftCounts::Snapshot DriftCounts::snapshot() const {
  const std::lock_guard lock(mutex_);
  return {.digest = digest_,
          .rows = rows_,
          .errors = errors_,
          .error_ratio = error_ratio_,
          .now = now_,
          .before = before_,
          .tests = tests_};
}

bool DriftCounts::has_counted() const {
  return errors_ > 0 || std::ranges::any_of(inputs_, [](const Input& input) { return input.now + input.before > 0; });
}

bool DriftCounts::restore(const Snapshot& kept) {
  const std::lock_guard lock(mutex_);
  if (has_counted() || kept.digest != digest_ || kept.now.size() != now_.size() ||
      kept.before.size() != before_.size() || kept.tests.size() != tests_.size())
    return false;
  std::vector<Input> inputs = inputs_;
  for (Input& input : inputs) {
    std::uint64_t now = 0, before = 0;
    const std::size_t bins = input.count == 0 ? 0 : input.count + 1;
    for (std::size_t bin = input.counts; bin < input.counts + bins; ++bin) {
      now += kept.now[bin];
      before += kept.before[bin];
    }
    if (now > rules_.generation || before > rules_.generation) return false;
    input.now = static_cast<std::uint32_t>(now);
    input.before = static_cast<std::uint32_t>(before);
  }
  inputs_ = std::move(inputs);
  now_ = kept.now;
  before_ = kept.before;
  rows_ = kept.rows;
  errors_ = kept.errors;
  error_ratio_ = kept.error_ratio;
  for (std::size_t i = 0; i < tests_.size(); ++i) {
    tests_[i] = error_test;
    tests_[i].count_ = kept.tests[i].count_;
    tests_[i].mean_ = kept.tests[i].mean_;
    tests_[i].sum_ = kept.tests[i].sum_;
    tests_[i].least_sum_ = kept.tests[i].least_sum_;
  }
  return true;
}

std::shared_ptr<DriftCounts> drift_counts_of(const Servable& servable) {
  if (!servable.reference) return nullptr;
  if (servable.forecast) {
    servable.reference->check(static_cast<Index>(servable.forecast->sensors.size()));
    return std::make_shared<DriftCounts>(*servable.reference,
                                         DriftRules::of_readings(servable.forecast->options.windows.seconds_a_reading));
  }
  const Graph& graph = servable.network.graph();
  if (graph.inputs().size() != 1) return nullptr;
  servable.reference->check(graph.input_shape(0).size());
  return std::make_shared<DriftCounts>(*servable.reference, DriftRules());
}

void for_each_watched(const Repository& repository, const std::function<void(const Servable&)>& call) {
  for (const std::string& model : repository.models())
    for (const VersionStatus& status : repository.status(model)) {
      if (status.state != VersionState::available) continue;
      const auto servable = repository.find(model, status.version);
      if (servable && servable->drift) call(*servable);
    }
}

// ---- What is told ----

namespace {

struct Told {
  std::string labels{};  // model="m",version="1"
  DriftCounts::Figures figures{};
  bool watches_errors = false;
};

std::vector<Told> told_of(const Repository& repository) {
  std::vector<Told> all;
  for_each_watched(repository, [&](const Servable& servable) {
    all.push_back({.labels = fmt::format("model=\"{}\",version=\"{}\"", label_text(servable.model), servable.version),
                   .figures = servable.drift->figures(most_named),
                   .watches_errors = servable.drift->watches_errors()});
  });
  return all;
}

void append_head(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

// Numbers that are not there yet are left out.
template <class Value>
void append_all(std::string& out, const std::vector<Told>& all, std::string_view name, std::string_view type,
                std::string_view help, Value DriftCounts::Figures::*figure) {
  append_head(out, name, type, help);
  for (const Told& told : all)
    if (const Value value = told.figures.*figure; !std::isnan(static_cast<double>(value)))
      fmt::format_to(std::back_inserter(out), "{}{{{}}} {}\n", name, told.labels, value);
}

void append_named(std::string& out, const std::vector<Told>& all, std::string_view name, std::string_view label,
                  std::string_view help, DriftCounts::Named DriftCounts::Figures::*figure) {
  append_head(out, name, "gauge", help);
  for (const Told& told : all)
    for (const auto& [each, value] : told.figures.*figure)
      fmt::format_to(std::back_inserter(out), "{}{{{},{}=\"{}\"}} {}\n", name, told.labels, label, label_text(each),
                     value);
}

void append_member(std::string& out, std::string_view name, double value) {
  if (!std::isnan(value)) out += fmt::format(R"({}"{}":{})", out.back() == '{' ? "" : ",", name, value);
}

void append_list(std::string& out, std::string_view name, const DriftCounts::Named& all) {
  out += fmt::format(R"(,"{}":[)", name);
  for (const auto& [each, value] : all) {
    out += out.back() == '[' ? R"({"name":)" : R"(,{"name":)";
    append_text(out, each);
    out += fmt::format(R"(,"value":{}}})", value);
  }
  out += ']';
}

}  // namespace

void append_drift_metrics(std::string& out, const Repository& repository) {
  using Figures = DriftCounts::Figures;
  const std::vector<Told> all = told_of(repository);
  if (all.empty()) return;
  append_all(out, all, "maas_drift_inputs", "gauge", "Numbers of an input that the index is of.", &Figures::counted);
  append_all(out, all, "maas_drift_psi_max", "gauge", "The largest population stability index of all inputs.",
             &Figures::psi_max);
  append_all(out, all, "maas_drift_psi_mean", "gauge", "The mean of those indices.", &Figures::psi_mean);
  append_named(out, all, "maas_drift_psi", "feature", "The index of the inputs that differ most from training.",
               &Figures::worst_inputs);
  if (std::ranges::none_of(all, &Told::watches_errors)) return;
  std::vector<Told> forecasters = all;
  std::erase_if(forecasters, [](const Told& told) { return !told.watches_errors; });
  append_all(out, forecasters, "maas_drift_errors_total", "counter", "Forecasts whose truth has come.",
             &Figures::errors);
  append_all(out, forecasters, "maas_drift_error_ratio", "gauge",
             "The mean of the last errors, by what was usual in training.", &Figures::error_ratio);
  append_all(out, forecasters, "maas_drift_page_hinkley_max", "gauge",
             "The largest statistic of Page and Hinkley of all sensors.", &Figures::test_max);
  append_named(out, forecasters, "maas_drift_page_hinkley", "sensor", "That of the sensors where it is largest.",
               &Figures::worst_sensors);
  append_all(out, forecasters, "maas_drift_sensors_drifted", "gauge", "Sensors whose errors have grown by that test.",
             &Figures::drifted);
}

std::string drift_json(const Servable& servable) {
  if (!servable.drift) return "";
  const DriftCounts::Figures figures = servable.drift->figures(most_named);
  std::string out = fmt::format(R"("drift":{{"inputs":{})", figures.counted);
  append_member(out, "psi_max", figures.psi_max);
  append_member(out, "psi_mean", figures.psi_mean);
  append_list(out, "psi", figures.worst_inputs);
  if (servable.drift->watches_errors()) {
    out += fmt::format(R"(,"errors":{},"sensors_drifted":{})", figures.errors, figures.drifted);
    append_member(out, "error_ratio", figures.error_ratio);
    append_member(out, "page_hinkley_max", figures.test_max);
    append_list(out, "page_hinkley", figures.worst_sensors);
  }
  return out + '}';
}

}  // namespace maas::inline MAAS_ABI::serve
