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

}  // namespace

TargetBaseline baseline_of(const std::string& target, const KnownTarget& known, const Pipeline& pipeline) {
  TargetBaseline found{.target = target};
  const auto* classes = pipeline.classes_of(target);
  found.majority = most_frequent(known, classes == nullptr ? std::vector<std::string>() : *classes);
  if (known.count == 0) return found;
  found.mean = known.sum / static_cast<double>(known.count);
  if (known.all_bits) found.majority = *found.mean > 0.5 ? "1" : "0";
  return found;
}

std::map<std::string, KnownTarget> known_targets(const std::vector<std::string>& targets, const StreamRows& rows) {
  std::map<std::string, KnownTarget> known;
  std::map<std::string, std::map<std::string, std::size_t>> places;
  rows.learn_from_each([&](const Table& part) {
    for (const std::string& name : targets) {
      const Column& column = part.column(name);
      KnownTarget& target = known[name];
      for (double value : column.numbers)
        if (std::isfinite(value)) {
          target.sum += value, ++target.count;
          target.all_bits = target.all_bits && (value == 0 || value == 1);
        }
      for (const std::string& text : column.texts) {
        if (text.empty()) continue;
        const auto [place, is_new] = places[name].emplace(text, target.texts.size());
        if (is_new) target.texts.emplace_back(text, 0);
        ++target.texts[place->second].second;
      }
    }
  });
  return known;
}

}  // namespace maas::inline MAAS_ABI::recipe
