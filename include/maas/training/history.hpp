// History: what fit returns.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "maas/core/error.hpp"

namespace maas::inline MAAS_ABI {

/// Figures by name, in order: "loss", the metrics, then the same with "val_" in front.
using Logs = std::vector<std::pair<std::string, double>>;

/// The figure of that name, or null.
inline const double* find_log(const Logs& logs, std::string_view name) {
  for (const auto& [key, value] : logs)
    if (key == name) return &value;
  return nullptr;
}

/// The figures of every epoch.
class History {
 public:
  /// Epoch numbers, counted from 0.
  const std::vector<int>& epochs() const { return epochs_; }
  /// All names, in order.
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& [name, unused] : series_) result.push_back(name);
    return result;
  }
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  /// One figure a epoch. Throws ConfigError that lists the names there are.
  const std::vector<double>& at(std::string_view name) const {
    if (const std::vector<double>* found = find(name)) return *found;
    std::string known;
    for (const auto& [key, unused] : series_) known += (known.empty() ? "" : ", ") + key;
    fail<ConfigError>("History: there is no \"{}\"; there are {}", name, known);
  }
  const std::vector<double>& operator[](std::string_view name) const { return at(name); }

  void add(int epoch, const Logs& logs) {
    epochs_.push_back(epoch);
    for (const auto& [name, value] : logs) {
      if (find(name) == nullptr) series_.emplace_back(name, std::vector<double>{});
      const_cast<std::vector<double>*>(find(name))->push_back(value);
    }
  }

 private:
  const std::vector<double>* find(std::string_view name) const {
    for (const auto& [key, values] : series_)
      if (key == name) return &values;
    return nullptr;
  }

  std::vector<int> epochs_;
  std::vector<std::pair<std::string, std::vector<double>>> series_;
};

}  // namespace maas::inline MAAS_ABI
