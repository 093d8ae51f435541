// History: what fit returns.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "maas/core/error.hpp"
#include "maas/training/state_archive.hpp"

namespace maas::inline MAAS_ABI {

/// Figures by name. What evaluate and its like return begins with "loss", then come the losses of several outputs, then
/// the metrics: Keras' order of lists. In a fit they are sorted by name, as Keras 3 sorts them, those of validation
/// with "val_" in front; what callbacks add ("learning_rate") comes last.
using Logs = std::vector<std::pair<std::string, double>>;

/// The figure of that name, or null.
const double* find_log(const Logs& logs, std::string_view name);

/// The figures of every epoch.
class History {
 public:
  /// Epoch numbers, counted from 0.
  const std::vector<int>& epochs() const { return epochs_; }
  /// All names, sorted within an epoch: a figure that comes later stands behind those that were there before.
  std::vector<std::string> names() const;
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  /// One figure a epoch. Throws ConfigError that lists the names there are.
  const std::vector<double>& at(std::string_view name) const;
  const std::vector<double>& operator[](std::string_view name) const { return at(name); }

  /// The epochs at whose ends a figure was added; all, unless validation is rarer. Throws as at().
  const std::vector<int>& epochs_of(std::string_view name) const;

  void add(int epoch, const Logs& logs);

  /// All of it to bytes and back.
  void keep_state(StateArchive& archive);

 private:
  /// One figure: its values, and the epochs they are of.
  struct Series {
    std::string name = {};
    std::vector<int> epochs = {};
    std::vector<double> values = {};
  };

  const Series* find_series(std::string_view name) const;
  const std::vector<double>* find(std::string_view name) const;

  std::vector<int> epochs_;
  std::vector<Series> series_;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/training/history-inl.hpp"
#endif
