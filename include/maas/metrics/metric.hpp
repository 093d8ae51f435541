// Metric: the handle, what a struct needs to stand behind it, and its running state.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "maas/core/handle.hpp"
#include "maas/core/matrix.hpp"
#include "maas/core/names.hpp"

namespace maas::inline MAAS_ABI {

struct MetricInterface : PartInterface {
  virtual std::string default_name() const = 0;
  virtual Index state_size(Index outputs) const = 0;
  virtual Index target_columns(Index outputs) const = 0;
  virtual void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
                   const ConstVectorView& weights) const = 0;
  virtual Index figures(std::span<const double> state) const = 0;
  virtual void results(std::span<const double> state, std::span<double> out) const = 0;
  virtual std::shared_ptr<const MetricInterface> on_logits() const = 0;
  virtual bool heeds_masks() const = 0;
  virtual std::optional<bool> larger_is_better() const = 0;
};

/// One value a row, averaged: `values(predicted, target, out)`. Every loss struct of single rows is one, too.
/// Optional: `finish(mean)`, applied to the average (the root of a mean square, say); a bool field `from_logits`, for
/// what Keras computes from the logits when it follows a sigmoid or softmax, or `on_logits()`, that form itself;
/// `share(target, row)`, how much of a row counts, where there are weights or targets may be missing (`static constexpr
/// bool takes_missing = true`). Without weights Keras counts all rows of a class to ignore, with their value 0. Rows
/// that a mask leaves out weigh nothing, unless `static constexpr bool passes_over_masks = true`.
template <class Rule>
concept MeanMetricRule = PartRule<Rule> && !requires {
  Rule::looks_at_neighbours;
}
&&requires(const Rule& rule, ConstMatrixView in, VectorView out) { rule.values(in, in, out); };

/// A state of its own: `state_size(outputs)`, `add(state, predicted, target, weights)`, and what comes of it: either
/// `result(state)`, one number; or `figures(state)` and `results(state, out)`, several; or neither, where the state is
/// the result.
template <class Rule>
concept StateMetricRule = PartRule<Rule> &&
    requires(const Rule& rule, std::span<double> state, ConstMatrixView in, ConstVectorView weights) {
  rule.state_size(Index(1));
  rule.add(state, in, in, weights);
};

/// What may stand behind a Metric. Optional for both kinds: `check()` throws ConfigError for fields out of range, when
/// the metric is made; `check_outputs(outputs)` likewise, when it is to be used; `target_columns(outputs)` if targets
/// have another width than predictions, `takes_labels = true` if one column will do as well, `ignores_targets = true`
/// if any will; `check_targets(target, outputs)` refuses targets out of range; `default_name` is the key in the history
/// where that is not the class name in snake case; `static constexpr bool larger_is_better`, for callbacks that look
/// for the best figure. A loss is better smaller without saying so.
template <class Rule>
concept MetricRule = MeanMetricRule<Rule> || StateMetricRule<Rule>;

template <MetricRule Rule>
struct MetricModel final : PartModel<MetricInterface, Rule> {
  explicit MetricModel(Rule value) : PartModel<MetricInterface, Rule>(std::move(value)) {
    if constexpr (requires { this->rule.check(); }) this->rule.check();
  }

  std::string default_name() const override {
    if constexpr (requires { Rule::default_name; }) return std::string(Rule::default_name);
    return snake_case(Rule::class_name);
  }

  Index state_size([[maybe_unused]] Index outputs) const override {
    if constexpr (requires { this->rule.check_outputs(outputs); }) this->rule.check_outputs(outputs);
    if constexpr (StateMetricRule<Rule>)
      return this->rule.state_size(outputs);
    else
      return 2;  // the weighted sum of the values and the sum of weights
  }

  Index target_columns(Index outputs) const override {
    if constexpr (requires { this->rule.target_columns(outputs); }) return this->rule.target_columns(outputs);
    return outputs;
  }

  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const override {
    check_targets(predicted, target);
    if constexpr (StateMetricRule<Rule>)
      this->rule.add(state, predicted, target, weights);
    else
      add_values(state, predicted, target, weights);
  }

  Index figures([[maybe_unused]] std::span<const double> state) const override {
    if constexpr (requires { this->rule.figures(state); })
      return this->rule.figures(state);
    else if constexpr (MeanMetricRule<Rule> || requires { this->rule.result(state); })
      return 1;
    else
      return static_cast<Index>(state.size());
  }

  void results(std::span<const double> state, std::span<double> out) const override {
    if constexpr (requires { this->rule.results(state, out); }) {
      this->rule.results(state, out);
    } else if constexpr (requires { this->rule.result(state); }) {
      out[0] = this->rule.result(state);
    } else if constexpr (StateMetricRule<Rule>) {
      std::copy(state.begin(), state.end(), out.begin());
    } else {
      const double mean = state[1] != 0 ? state[0] / state[1] : 0.0;
      if constexpr (requires { this->rule.finish(mean); })
        out[0] = this->rule.finish(mean);
      else
        out[0] = mean;
    }
  }

  std::shared_ptr<const MetricInterface> on_logits() const override {
    if constexpr (requires { this->rule.on_logits(); }) {
      if (auto changed = this->rule.on_logits()) return std::make_shared<MetricModel>(*std::move(changed));
    } else if constexpr (MeanMetricRule<Rule> && requires { this->rule.from_logits; }) {
      if (this->rule.from_logits) return nullptr;
      Rule changed = this->rule;
      changed.from_logits = true;
      return std::make_shared<MetricModel>(std::move(changed));
    }
    return nullptr;
  }

  bool heeds_masks() const override {
    return MeanMetricRule<Rule> && !requires { Rule::passes_over_masks; };
  }

  std::optional<bool> larger_is_better() const override {
    if constexpr (requires { Rule::larger_is_better; })
      return Rule::larger_is_better;
    else if constexpr (requires(ConstMatrixView in, MatrixView out) { this->rule.gradient(in, in, out); })
      return false;
    else
      return std::nullopt;
  }

 private:
  void check_targets([[maybe_unused]] const ConstMatrixView& predicted,
                     [[maybe_unused]] const ConstMatrixView& target) const {
    if constexpr (!requires { Rule::ignores_targets; }) {
      const Index expected = target_columns(predicted.cols());
      bool right = target.cols() == expected;
      if constexpr (requires { Rule::takes_labels; }) right = right || target.cols() == 1;
      require<ShapeError>(right, "{}: expected {} target numbers a row for {} outputs, got {}", Rule::class_name,
                          expected, predicted.cols(), target.cols());
    }
    if constexpr (requires { this->rule.check_targets(target, Index(1)); })
      this->rule.check_targets(target, predicted.cols());
  }

  void add_values(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
                  const ConstVectorView& weights) const {
    constexpr Index chunk = 64;
    std::array<Scalar, chunk> values;
    for (Index first = 0; first < predicted.rows(); first += chunk) {
      const Index rows = std::min(chunk, predicted.rows() - first);
      this->rule.values(ConstMatrixView(predicted.data() + first * predicted.cols(), rows, predicted.cols()),
                        ConstMatrixView(target.data() + first * target.cols(), rows, target.cols()),
                        VectorView(values.data(), rows));
      for (Index row = 0; row < rows; ++row) {
        double weight = weights.size() > 0 ? static_cast<double>(weights[first + row]) : 1.0;
        if constexpr (requires { this->rule.share(target, first); })
          if (weights.size() > 0 || requires { Rule::takes_missing; })
            weight *= static_cast<double>(this->rule.share(target, first + row));
        state[0] += weight * static_cast<double>(values[static_cast<std::size_t>(row)]);
        state[1] += weight;
      }
    }
  }
};

/// A figure reported beside the loss: `accuracy`, `AUC{}`, any loss, or any struct that is a MetricRule.
class Metric : public Handle<MetricInterface> {
 public:
  /// Throws ConfigError for fields out of range.
  template <class Rule>
  requires NotHandle<Rule, Metric> && MetricRule<std::remove_cvref_t<Rule>> Metric(Rule&& rule)
      : Handle(std::make_shared<MetricModel<std::remove_cvref_t<Rule>>>(std::forward<Rule>(rule))),
        name_(self_->default_name()) {}

  /// The key in the history; that of Keras' class unless set by named().
  const std::string& name() const { return name_; }
  /// The same metric under another key: `Metric(accuracy).named("acc")`.
  Metric named(std::string name) const;

  /// How many numbers the running state has for so many outputs. Throws ConfigError where the metric cannot be taken of
  /// so many, or lacks a field that has no default.
  Index state_size(Index outputs) const { return self_->state_size(outputs); }
  /// How many target numbers a row has for so many outputs.
  Index target_columns(Index outputs) const { return self_->target_columns(outputs); }
  /// Adds a batch. predicted: rows x outputs; weights: one a row, or empty. The state starts as zeros. Takes no memory.
  /// Throws ShapeError for targets of another width, DataError for targets out of range.
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
  /// How many figures the metric gives: 1, or as many as there are thresholds (or classes, where they are not
  /// averaged).
  Index figures(std::span<const double> state) const { return self_->figures(state); }
  /// The figures over all that was added. out: figures(state) numbers.
  void results(std::span<const double> state, std::span<double> out) const { self_->results(state, out); }
  /// The metric over all that was added; 0 if nothing was. Throws ConfigError where it gives several figures.
  double result(std::span<const double> state) const;
  /// The key in the history of one of several figures, counted from 0: "recall[1]"; the name alone if there is but one.
  static std::string figure_name(const std::string& name, Index figure, Index figures);

  /// True if rows that a mask leaves out (see Masking) weigh nothing in it: in Keras that is so for means, and for no
  /// other metric.
  bool heeds_masks() const { return self_->heeds_masks(); }

  /// Whether larger figures are better or smaller ones; nothing where the metric does not say (a sum, counts).
  std::optional<bool> larger_is_better() const { return self_->larger_is_better(); }

  /// The same metric on logits, for use after a sigmoid or softmax; nothing if it has no such form or is it already.
  std::optional<Metric> on_logits() const;

 private:
  std::string name_;
};

/// The keys of metrics in the history, as Keras makes them different: the second "precision" is "precision_1"; a
/// weighted metric whose name is taken is "weighted_precision". First those of `metrics`, then those of `weighted`.
std::vector<std::string> metric_keys(std::span<const Metric> metrics, std::span<const Metric> weighted = {});

/// Keras' name where all fields have their defaults and the key is the usual one, else {"class_name", "config"}.
Config to_config(const Metric& metric);
/// From a name ("accuracy", "mae", "AUC"), which also becomes the key, or {"class_name", "config"}. Keras' `dtype` is
/// passed over, an `axis` must be the last. Throws ConfigError for an unknown name.
void from_config(const Config& config, std::string_view where, Metric& metric);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/metrics/metric-inl.hpp"
#endif
