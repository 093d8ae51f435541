// Loss: the handle, what a struct needs to stand behind it, and weighting and reduction, once for all.
#pragma once

#include <concepts>
#include <memory>
#include <optional>

#include "maas/core/handle.hpp"
#include "maas/core/matrix.hpp"

namespace maas::inline MAAS_ABI {

struct LossInterface;

/// What may stand behind a Loss. Every row of predictions and targets is one value:
/// `values(predicted, target, out)` fills one number a row; `gradient(predicted, target, out)` fills d out_row / d
/// predicted_row. Optional: `takes_logits`, a bool field `from_logits`, for losses that Keras computes from the logits
/// when they follow a sigmoid or softmax; `target_columns(outputs)` if targets have another width than predictions;
/// `check_targets(target, outputs)` to refuse targets out of range.
template <class Rule>
concept LossRule = PartRule<Rule> &&
    requires(const Rule& rule, ConstMatrixView in, VectorView values, MatrixView gradient) {
  rule.values(in, in, values);
  rule.gradient(in, in, gradient);
};

class Loss;

struct LossInterface : PartInterface {
  virtual void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const = 0;
  virtual void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const = 0;
  virtual Index target_columns(Index outputs) const = 0;
  virtual void check_targets(const ConstMatrixView& target, Index outputs) const = 0;
  virtual std::optional<Loss> on_logits() const = 0;
};

/// A measure of the difference between predictions and targets that training makes small: `binary_crossentropy`,
/// `MeanSquaredError{}`, or any struct that is a LossRule.
class Loss : public Handle<LossInterface> {
 public:
  template <class Rule>
  requires NotHandle<Rule, Loss> && LossRule<std::remove_cvref_t<Rule>> Loss(Rule&& rule);

  /// One value a row. predicted: rows x outputs, target: rows x target_columns(outputs), out: rows.
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    self_->values(predicted, target, out);
  }
  /// d values[row] / d predicted(row, :), unweighted. out: rows x outputs (overwritten).
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
    self_->gradient(predicted, target, out);
  }
  /// How wide the targets of so many outputs are.
  Index target_columns(Index outputs) const { return self_->target_columns(outputs); }
  /// Throws DataError naming the row of a target out of range (0-based).
  void check_targets(const ConstMatrixView& target, Index outputs) const { self_->check_targets(target, outputs); }
  /// The same loss on logits, for use after a sigmoid or softmax; nothing if the loss has no such form or is it
  /// already.
  std::optional<Loss> on_logits() const { return self_->on_logits(); }

  /// Sum of weight * value over the number of rows ("sum_over_batch_size": the divisor is the count, not the sum of
  /// weights). `weights` has one number a row or is empty; `values` is scratch of one number a row.
  double mean(const ConstMatrixView& predicted, const ConstMatrixView& target, const ConstVectorView& weights,
              VectorView scratch) const {
    values(predicted, target, scratch);
    if (weights.size() > 0) scratch.array() *= weights.array();
    double sum = 0;
    for (Scalar value : scratch) sum += static_cast<double>(value);
    return scratch.size() > 0 ? sum / static_cast<double>(scratch.size()) : 0.0;
  }
  /// d mean / d predicted. out: rows x outputs (overwritten).
  void mean_gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, const ConstVectorView& weights,
                     MatrixView out) const {
    gradient(predicted, target, out);
    const Scalar share = Scalar(1) / static_cast<Scalar>(out.rows());
    if (weights.size() == 0) {
      out *= share;
      return;
    }
    for (Index row = 0; row < out.rows(); ++row) out.row(row) *= weights[row] * share;
  }
};

template <LossRule Rule>
struct LossModel final : PartModel<LossInterface, Rule> {
  using PartModel<LossInterface, Rule>::PartModel;

  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const override {
    this->rule.values(predicted, target, out);
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const override {
    this->rule.gradient(predicted, target, out);
  }
  Index target_columns(Index outputs) const override {
    if constexpr (requires { this->rule.target_columns(outputs); }) return this->rule.target_columns(outputs);
    return outputs;
  }
  void check_targets([[maybe_unused]] const ConstMatrixView& target, [[maybe_unused]] Index outputs) const override {
    if constexpr (requires { this->rule.check_targets(target, outputs); }) this->rule.check_targets(target, outputs);
  }
  std::optional<Loss> on_logits() const override {
    if constexpr (requires { this->rule.from_logits; }) {
      if (this->rule.from_logits) return std::nullopt;
      Rule changed = this->rule;
      changed.from_logits = true;
      return Loss(changed);
    }
    return std::nullopt;
  }
};

template <class Rule>
requires NotHandle<Rule, Loss> && LossRule<std::remove_cvref_t<Rule>> Loss::Loss(Rule&& rule)
    : Handle(std::make_shared<LossModel<std::remove_cvref_t<Rule>>>(std::forward<Rule>(rule))) {}

/// Keras' name ("binary_crossentropy") where all fields have their defaults, else {"class_name", "config"}.
Config to_config(const Loss& loss);
/// From a name, an alias ("mse", "bce") or {"class_name", "config"}. Throws ConfigError for an unknown one.
void from_config(const Config& config, std::string_view where, Loss& loss);

}  // namespace maas::inline MAAS_ABI
