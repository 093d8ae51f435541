#include "serve/drift_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <utility>

#include "maas/core/new_file.hpp"
#include "serve/drift.hpp"
#include "serve/json.hpp"
#include "serve/json_writer.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

void append_counts(std::string& out, std::string_view name, const std::vector<std::uint32_t>& counts) {
  out += fmt::format(R"(,"{}":[)", name);
  for (const std::uint32_t count : counts) {
    if (out.back() != '[') out += ',';
    append_whole(out, count);
  }
  out += ']';
}

std::string line_of(const Servable& servable) {
  const DriftCounts::Snapshot kept = servable.drift->snapshot();
  std::string line =
      fmt::format(R"({{"model":{},"version":{},"digest":"{}","rows":{},"errors":{},"error_ratio":{})",
                  json_text(servable.model), servable.version, kept.digest, kept.rows, kept.errors, kept.error_ratio);
  append_counts(line, "now", kept.now);
  append_counts(line, "before", kept.before);
  line += R"(,"tests":[)";
  for (const PageHinkley& test : kept.tests)
    line += fmt::format("{}[{},{},{},{}]", line.back() == '[' ? "" : ",", test.count_, test.mean_, test.sum_,
                        test.least_sum_);
  return line + "]}\n";
}

std::uint64_t whole_of(JsonView object, std::string_view name) {
  const auto value = object.member(name);
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, value ? value->integer().value_or(0) : 0));
}

std::vector<std::uint32_t> counts_of(JsonView object, std::string_view name) {
  std::vector<std::uint32_t> counts;
  if (const auto list = object.member(name))
    list->for_each([&](JsonView each) {
      constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
      counts.push_back(static_cast<std::uint32_t>(std::clamp<std::int64_t>(each.integer().value_or(0), 0, most)));
    });
  return counts;
}

// [count, mean, sum, least sum]
PageHinkley test_of(JsonView list) {
  std::vector<double> numbers;
  list.for_each([&](JsonView each) { numbers.push_back(each.number().value_or(0)); });
  numbers.resize(4, 0);
  PageHinkley test;
  test.count_ = static_cast<Index>(std::clamp(numbers[0], 0.0, 0x1p53));
  test.mean_ = numbers[1];
  test.sum_ = numbers[2];
  test.least_sum_ = numbers[3];
  return test;
}

}  // namespace

DriftFile::DriftFile(const Repository& repository, std::string file, std::chrono::milliseconds save,
                     std::shared_ptr<StateSaves> saves)
    : repository_(repository), file_(std::move(file)), saves_(std::move(saves)) {
  read();
  if (save.count() > 0)
    saver_ = std::jthread([this, save](const std::stop_token& stop) { save_now_and_then(stop, save); });
}

DriftFile::~DriftFile() {
  saver_ = {};  // ends
  keep();       // where it cannot, counts fill again
}

void DriftFile::save_now_and_then(const std::stop_token& stop, std::chrono::milliseconds pause) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any wake;
  while (wake.wait_for(lock, stop, pause, [] { return false; }), !stop.stop_requested()) keep();
}

bool DriftFile::keep() {
  return saves_->attempt(file_, [this] { return save(); });
}

// Whether there was anything to write.
bool DriftFile::save() {
  const std::lock_guard lock(saving_);
  std::string text;
  for_each_watched(repository_, [&](const Servable& servable) {
    const std::string line = line_of(servable);
    if (text.size() + line.size() <= most_bytes) text += line;
  });
  const std::size_t hash = std::hash<std::string>()(text);
  if (hash == written_) return false;
  NewFile file(file_);
  file.write(text);
  file.commit();
  written_ = hash;
  return true;
}

void DriftFile::read() {
  std::error_code error;
  if (std::filesystem::file_size(file_, error) > most_bytes || error) return;
  std::ifstream file(file_, std::ios::binary);
  for (std::string line; std::getline(file, line);) {
    try {
      read_line(line);
    } catch (const Error&) {  // changed by hand
    }
  }
}

void DriftFile::read_line(const std::string& line) {
  const JsonDocument document(line, 8);
  const JsonView root = document.root();
  const auto model = root.member("model"), version = root.member("version"), digest = root.member("digest");
  if (!model || !model->text() || !version || !version->integer() || !digest || !digest->text()) return;
  const auto servable = repository_.find(*model->text(), *version->integer());
  if (!servable || !servable->drift) return;
  const auto ratio = root.member("error_ratio"), tests = root.member("tests");
  DriftCounts::Snapshot kept{.digest = std::string(*digest->text()),
                             .rows = whole_of(root, "rows"),
                             .errors = whole_of(root, "errors"),
                             .error_ratio = ratio ? ratio->number().value_or(0) : 0,
                             .now = counts_of(root, "now"),
                             .before = counts_of(root, "before")};
  if (tests) tests->for_each([&](JsonView each) { kept.tests.push_back(test_of(each)); });
  servable->drift->restore(kept);
}

}  // namespace maas::inline MAAS_ABI::serve
