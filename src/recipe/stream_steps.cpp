#include "recipe/stream_steps.hpp"

#include <algorithm>
#include <cmath>

#include "data/learn_in_passes.hpp"

namespace maas::inline MAAS_ABI::recipe {

Pipeline learn_pipeline(const PipelineOptions& options, const StreamRows& rows, const Place& place) {
  return learn_in_passes(options, rows.parts(), rows.part, place.text());
}

namespace {

// Of texts that occur equally often the first, in the order of the classes and behind them as they come.
std::string most_frequent(const KnownTarget& known, const std::vector<std::string>& classes) {
  std::string best;
  Index most = 0;
  const auto look_at = [&](const std::string& name, Index count) {
    if (count > most) best = name, most = count;
  };
  for (const std::string& name : classes)
    for (const auto& [text, count] : known.texts)
      if (text == name) look_at(text, count);
  for (const auto& [text, count] : known.texts)
    if (std::find(classes.begin(), classes.end(), text) == classes.end()) look_at(text, count);
  return best;
}

void add_numbers(KnownTarget& known, const std::vector<double>& numbers, const std::vector<double>* times) {
  for (double value : numbers)
    if (std::isfinite(value)) {
      known.sum += value, ++known.count;
      known.all_bits = known.all_bits && (value == 0 || value == 1);
    }
  if (times == nullptr) return;
  if (!known.hours) known.hours.emplace();
  for (std::size_t row = 0; row < numbers.size(); ++row) known.hours->add((*times)[row], numbers[row]);
}

// `places` are those of the texts that came before.
void add_texts(KnownTarget& known, const std::vector<std::string>& texts, std::map<std::string, std::size_t>& places) {
  for (const std::string& text : texts) {
    if (text.empty()) continue;
    const auto [place, is_new] = places.emplace(text, known.texts.size());
    if (is_new) known.texts.emplace_back(text, 0);
    ++known.texts[place->second].second;
  }
}

}  // namespace

TargetBaseline baseline_of(const std::string& target, const KnownTarget& known, const Pipeline& pipeline) {
  TargetBaseline found{.target = target};
  const auto* classes = pipeline.classes_of(target);
  found.majority = most_frequent(known, classes == nullptr ? std::vector<std::string>() : *classes);
  if (known.count == 0) return found;
  found.mean = known.sum / static_cast<double>(known.count);
  if (known.all_bits) found.majority = *found.mean > 0.5 ? "1" : "0";
  if (known.hours) found.hours = known.hours->means(*found.mean);
  return found;
}

std::map<std::string, KnownTarget> known_targets(const std::vector<std::string>& targets, const std::string& time,
                                                 const StreamRows& rows) {
  std::map<std::string, KnownTarget> known;
  std::map<std::string, std::map<std::string, std::size_t>> places;
  rows.learn_from_each([&](const Table& part) {
    for (const std::string& name : targets) {
      const Column& column = part.column(name);
      add_numbers(known[name], column.numbers, time.empty() ? nullptr : &part.column(time).numbers);
      add_texts(known[name], column.texts, places[name]);
    }
  });
  return known;
}

}  // namespace maas::inline MAAS_ABI::recipe
