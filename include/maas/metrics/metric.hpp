// Metric: the handle, what a struct needs to stand behind it, and its running state.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "maas/core/handle.hpp"
#include "maas/core/matrix.hpp"
#include "maas/core/names.hpp"

namespace maas::inline MAAS_ABI {

struct MetricInterface : PartInterface {
  virtual Index state_size(Index outputs) const = 0;
  virtual void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
                   const ConstVectorView& weights) const = 0;
  virtual double result(std::span<const double> state) const = 0;
};

/// One value a row, averaged: `values(predicted, target, out)`. Every loss struct is one, too.
/// Optional: `finish(mean)`, applied to the average (the root of a mean square, say).
template <class Rule>
concept MeanMetricRule = PartRule<Rule> && requires(const Rule& rule, ConstMatrixView in, VectorView out) {
  rule.values(in, in, out);
};

/// A state of its own: `state_size(outputs)`, `add(state, predicted, target, weights)`, `result(state)`.
template <class Rule>
concept StateMetricRule = PartRule<Rule> &&
    requires(const Rule& rule, std::span<double> state, ConstMatrixView in, ConstVectorView weights) {
  rule.state_size(Index(1));
  rule.add(state, in, in, weights);
  { rule.result(state) } -> std::convertible_to<double>;
};

/// What may stand behind a Metric.
template <class Rule>
concept MetricRule = MeanMetricRule<Rule> || StateMetricRule<Rule>;

template <MetricRule Rule>
struct MetricModel final : PartModel<MetricInterface, Rule> {
  using PartModel<MetricInterface, Rule>::PartModel;

  Index state_size([[maybe_unused]] Index outputs) const override {
    if constexpr (StateMetricRule<Rule>)
      return this->rule.state_size(outputs);
    else
      return 2;  // the weighted sum of the values and the sum of weights
  }

  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const override {
    if constexpr (StateMetricRule<Rule>) {
      this->rule.add(state, predicted, target, weights);
    } else {
      constexpr Index chunk = 64;
      std::array<Scalar, chunk> values;
      for (Index first = 0; first < predicted.rows(); first += chunk) {
        const Index rows = std::min(chunk, predicted.rows() - first);
        this->rule.values(ConstMatrixView(predicted.data() + first * predicted.cols(), rows, predicted.cols()),
                          ConstMatrixView(target.data() + first * target.cols(), rows, target.cols()),
                          VectorView(values.data(), rows));
        for (Index row = 0; row < rows; ++row) {
          const double weight = weights.size() > 0 ? static_cast<double>(weights[first + row]) : 1.0;
          state[0] += weight * static_cast<double>(values[static_cast<std::size_t>(row)]);
          state[1] += weight;
        }
      }
    }
  }

  double result(std::span<const double> state) const override {
    if constexpr (StateMetricRule<Rule>) {
      return this->rule.result(state);
    } else {
      const double mean = state[1] != 0 ? state[0] / state[1] : 0.0;
      if constexpr (requires { this->rule.finish(mean); }) return this->rule.finish(mean);
      return mean;
    }
  }
};

/// A figure reported beside the loss: `accuracy`, `mean_absolute_error`, or any struct that is a MetricRule.
class Metric : public Handle<MetricInterface> {
 public:
  template <class Rule>
  requires NotHandle<Rule, Metric> && MetricRule<std::remove_cvref_t<Rule>> Metric(Rule&& rule)
      : Handle(std::make_shared<MetricModel<std::remove_cvref_t<Rule>>>(std::forward<Rule>(rule))),
        name_(snake_case(class_name())) {}

  /// The key in the history; the class name in snake case unless set by named().
  const std::string& name() const { return name_; }
  /// The same metric under another key: `Metric(accuracy).named("acc")`.
  Metric named(std::string name) const {
    Metric result = *this;
    result.name_ = std::move(name);
    return result;
  }

  /// How many numbers the running state has for so many outputs.
  Index state_size(Index outputs) const { return self_->state_size(outputs); }
  /// Adds a batch. predicted: rows x outputs; weights: one a row, or empty. The state starts as zeros.
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const {
    self_->add(state, predicted, target, weights);
  }
  /// The metric over all that was added; 0 if nothing was.
  double result(std::span<const double> state) const { return self_->result(state); }

 private:
  std::string name_;
};

/// Keras' name where all fields have their defaults and the key is the usual one, else {"class_name", "config"}.
Config to_config(const Metric& metric);
/// From a name ("accuracy", "mae"), which also becomes the key, or {"class_name", "config"}. Throws ConfigError for an
/// unknown one.
void from_config(const Config& config, std::string_view where, Metric& metric);

}  // namespace maas::inline MAAS_ABI
