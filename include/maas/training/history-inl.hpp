// History: what fit returns: the bodies.
#pragma once

#include "maas/training/history.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE const double* find_log(const Logs& logs, std::string_view name) {
  for (const auto& [key, value] : logs)
    if (key == name) return &value;
  return nullptr;
}

MAAS_INLINE std::vector<std::string> History::names() const {
  std::vector<std::string> result;
  for (const Series& series : series_) result.push_back(series.name);
  return result;
}

MAAS_INLINE const std::vector<double>& History::at(std::string_view name) const {
  if (const std::vector<double>* found = find(name)) return *found;
  std::string known;
  for (const Series& series : series_) known += (known.empty() ? "" : ", ") + series.name;
  fail<ConfigError>("History: there is no \"{}\"; there are {}", name, known);
}

MAAS_INLINE const std::vector<int>& History::epochs_of(std::string_view name) const {
  at(name);
  return find_series(name)->epochs;
}

MAAS_INLINE void History::add(int epoch, const Logs& logs) {
  epochs_.push_back(epoch);
  for (const auto& [name, value] : logs) {
    if (find(name) == nullptr) series_.push_back({.name = name});
    Series& series = *const_cast<Series*>(find_series(name));
    series.epochs.push_back(epoch);
    series.values.push_back(value);
  }
}

MAAS_INLINE void History::keep_state(StateArchive& archive) {
  std::vector<std::string> keys = names();
  archive("history/epochs", epochs_);
  archive("history/names", keys);
  series_.resize(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    series_[i].name = keys[i];
    archive("history/figure epochs", series_[i].epochs);
    archive("history/figures", series_[i].values);
  }
}

MAAS_INLINE const History::Series* History::find_series(std::string_view name) const {
  for (const Series& series : series_)
    if (series.name == name) return &series;
  return nullptr;
}

MAAS_INLINE const std::vector<double>* History::find(std::string_view name) const {
  const Series* series = find_series(name);
  return series == nullptr ? nullptr : &series->values;
}

}  // namespace maas::inline MAAS_ABI
