// Loss: the handle, what a struct needs to stand behind it, and weighting and reduction, once for all.
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <string_view>

#include "maas/core/handle.hpp"
#include "maas/core/matrix.hpp"
#include "maas/core/shape.hpp"

namespace maas::inline MAAS_ABI {

struct LossInterface;

/// How the values of the rows of a batch become one number. Every row has a weight w (its sample weight, else 1) and a
/// share s, how much of it counts (see LossRule; mostly 1). With v the values and n the number of rows:
enum class Reduction {
  sum_over_batch_size,     ///< sum w s v / sum s, which is sum w v / n where every row counts
  sum,                     ///< sum w s v
  mean,                    ///< another name for sum_over_batch_size
  mean_with_sample_weight  ///< sum w s v / sum w s
};

/// Keras' name of a reduction.
std::string_view to_text(Reduction reduction);
/// The reduction of that name; "auto" is Keras 2's sum_over_batch_size. Throws ConfigError for "none", which leaves
/// nothing a step could follow, and for unknown names.
Reduction reduction_of(std::string_view name, std::string_view where = "loss");

/// What may stand behind a Loss. Every row of predictions and targets is one value: `values(predicted, target, out)`
/// fills one number a row; `gradient(predicted, target, out)` fills d out_row / d predicted_row.
///
/// A loss whose rows look at each other (`static constexpr bool looks_at_neighbours = true`) has instead of `gradient`
/// the member `sum_gradient(predicted, target, weights, out)`, which fills d (sum of weight * share * value) / d
/// predicted; weights without numbers are 1.
///
/// Optional:
/// - `from_logits`, a bool field, for losses that Keras computes from the logits when they follow a sigmoid or softmax;
///   or `on_logits()`, that form itself, or nothing, as a std::optional<Rule>;
/// - `target_columns(outputs)` if targets have another width than predictions;
/// - `check_targets(target, outputs)` to refuse targets out of range;
/// - `share(target, row)`, how much of a row counts in a mean, from 0 to 1; and `has_shares()`, if that is always 1 for
///   some settings;
/// - `static constexpr bool takes_missing = true` if targets may be NaN;
/// - `static constexpr bool mean_of_outputs = true` if a row's value is the mean of one value an output: such a loss
///   can leave out single outputs (see Masked);
/// - `one_value()`, true if the batch has one value, of which every row has its share: without weights a sum counts it
///   once;
/// - `static constexpr bool whole_samples = true` if a row is a whole sample, not the last axis of one;
/// - `check()`, which throws ConfigError for fields out of range when the loss is made, and `check_output(shape)`
///   likewise for outputs (shape of a sample) it is not made for, before training.
template <class Rule>
concept LossRule = PartRule<Rule> && requires(const Rule& rule, ConstMatrixView in, VectorView values) {
  rule.values(in, in, values);
} &&(
    requires(const Rule& rule, ConstMatrixView in, MatrixView gradient) { rule.gradient(in, in, gradient); } ||
    requires(const Rule& rule, ConstMatrixView in, ConstVectorView weights, MatrixView gradient) {
      rule.sum_gradient(in, in, weights, gradient);
    });

class Loss;

struct LossInterface : PartInterface {
  virtual void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const = 0;
  virtual void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const = 0;
  virtual void sum_gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                            const ConstVectorView& weights, MatrixView out) const = 0;
  virtual Index target_columns(Index outputs) const = 0;
  virtual void check_targets(const ConstMatrixView& target, Index outputs) const = 0;
  virtual void check_output(const Shape& output) const = 0;
  virtual std::optional<Loss> on_logits() const = 0;
  virtual Scalar share(const ConstMatrixView& target, Index row) const = 0;
  virtual bool has_shares() const = 0;
  virtual bool looks_at_neighbours() const = 0;
  virtual bool mean_of_outputs() const = 0;
  virtual bool takes_missing() const = 0;
  virtual bool whole_samples() const = 0;
  virtual bool one_value() const = 0;
};

/// A measure of the difference between predictions and targets that training makes small: `binary_crossentropy`,
/// `MeanSquaredError{}`, or any struct that is a LossRule.
class Loss : public Handle<LossInterface> {
 public:
  /// Throws ConfigError for fields out of range.
  template <class Rule>
  requires NotHandle<Rule, Loss> && LossRule<std::remove_cvref_t<Rule>> Loss(Rule&& rule);

  /// The same loss with another reduction: `Loss(huber).reduced(Reduction::sum)`.
  Loss reduced(Reduction reduction) const;
  /// By Keras' name; throws ConfigError (see reduction_of).
  Loss reduced(std::string_view reduction) const { return reduced(reduction_of(reduction, class_name())); }
  Reduction reduction() const { return reduction_; }

  /// One value a row. predicted: rows x outputs, target: rows x target_columns(outputs), out: rows.
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  /// d values[row] / d predicted(row, :), unweighted; where rows look at each other d (sum of share * value) / d
  /// predicted. out: rows x outputs (overwritten).
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const;
  /// How wide the targets of so many outputs are.
  Index target_columns(Index outputs) const { return self_->target_columns(outputs); }
  /// Throws DataError naming the row of a target out of range (0-based).
  void check_targets(const ConstMatrixView& target, Index outputs) const { self_->check_targets(target, outputs); }
  /// Throws ConfigError or ShapeError where the loss is not made for outputs of this shape (that of one sample).
  void check_output(const Shape& output) const { self_->check_output(output); }
  /// The same loss on logits, for use after a sigmoid or softmax; nothing if the loss has no such form or is it
  /// already.
  std::optional<Loss> on_logits() const;
  /// How much of a row counts in a mean: 1, or less where targets are missing or of a class to ignore.
  Scalar share(const ConstMatrixView& target, Index row) const { return self_->share(target, row); }
  /// True if a row's value may depend on other rows.
  bool looks_at_neighbours() const { return self_->looks_at_neighbours(); }
  /// True if a row's value is the mean of one value an output.
  bool mean_of_outputs() const { return self_->mean_of_outputs(); }
  /// True if targets may be NaN.
  bool takes_missing() const { return self_->takes_missing(); }
  /// True if all rows of a batch have one value together.
  bool one_value() const { return self_->one_value(); }
  /// True if a row is a whole sample, not the last axis of one.
  bool whole_samples() const { return self_->whole_samples(); }
  /// How many predictions make a row, for outputs of this shape (that of one sample): the last axis, or all.
  Index row_width(const Shape& output) const { return self_->whole_samples() ? output.size() : output.last(); }

  /// What the reduction divides by. `weights` has one number a row, or one for as many rows after each other as make a
  /// sample, or none. (The sum of weights counts each of them once, as in Keras, where no row has a share below 1.)
  /// `mask` says which rows count, 1 or 0 each, or is empty; the weights must be 0 where it is. (Where all rows have
  /// one value, a sum counts it once for every weight.)
  double divisor(const ConstMatrixView& target, const ConstVectorView& weights,
                 const ConstVectorView& mask = ConstVectorView(nullptr, 0)) const;
  /// The loss of a batch: the reduction of its rows' values, by default sum of weight * value over the number of rows
  /// (the divisor is the count, not the sum of weights); 0 where nothing counts. `weights` and `mask` as for divisor;
  /// `scratch` has one number a row.
  double mean(const ConstMatrixView& predicted, const ConstMatrixView& target, const ConstVectorView& weights,
              VectorView scratch, const ConstVectorView& mask = ConstVectorView(nullptr, 0)) const;
  /// d mean / d predicted. out: rows x outputs (overwritten).
  void mean_gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, const ConstVectorView& weights,
                     MatrixView out, const ConstVectorView& mask = ConstVectorView(nullptr, 0)) const;

  /// Losses are equal when class, fields and reduction are.
  friend bool operator==(const Loss& a, const Loss& b) {
    return a.reduction_ == b.reduction_ &&
           static_cast<const Handle<LossInterface>&>(a) == static_cast<const Handle<LossInterface>&>(b);
  }

 private:
  static double sum_of(const ConstVectorView& numbers);
  /// Calls `scale(first, rows, factor)` with the factors part * weight * share of some rows at a time.
  template <class Scale>
  void weigh(const ConstMatrixView& target, const ConstVectorView& weights, Scalar part, Index rows,
             Scale&& scale) const {
    if (self_->has_shares()) {
      for (Index row = 0; row < rows; ++row)
        scale(row, 1, part * share(target, row) * (weights.size() > 0 ? weights[row * weights.size() / rows] : 1));
    } else if (weights.size() > 0) {
      const Index each = rows / weights.size();
      for (Index i = 0; i < weights.size(); ++i) scale(i * each, each, part * weights[i]);
    } else if (part != Scalar(1)) {
      scale(0, rows, part);
    }
  }

  Reduction reduction_ = Reduction::sum_over_batch_size;
};

template <LossRule Rule>
struct LossModel final : PartModel<LossInterface, Rule> {
  explicit LossModel(Rule value) : PartModel<LossInterface, Rule>(std::move(value)) {
    if constexpr (requires { this->rule.check(); }) this->rule.check();
  }
  static constexpr bool coupled = requires { Rule::looks_at_neighbours; };
  static constexpr bool shares = requires(const Rule& rule, ConstMatrixView target) { rule.share(target, Index(0)); };

  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const override {
    this->rule.values(predicted, target, out);
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const override {
    if constexpr (coupled)
      this->rule.sum_gradient(predicted, target, ConstVectorView(nullptr, 0), out);
    else
      this->rule.gradient(predicted, target, out);
  }
  void sum_gradient([[maybe_unused]] const ConstMatrixView& predicted, [[maybe_unused]] const ConstMatrixView& target,
                    [[maybe_unused]] const ConstVectorView& weights, [[maybe_unused]] MatrixView out) const override {
    if constexpr (coupled) this->rule.sum_gradient(predicted, target, weights, out);
  }
  Index target_columns(Index outputs) const override {
    if constexpr (requires { this->rule.target_columns(outputs); }) return this->rule.target_columns(outputs);
    return outputs;
  }
  void check_targets([[maybe_unused]] const ConstMatrixView& target, [[maybe_unused]] Index outputs) const override {
    if constexpr (requires { this->rule.check_targets(target, outputs); }) this->rule.check_targets(target, outputs);
  }
  void check_output([[maybe_unused]] const Shape& output) const override {
    if constexpr (requires { this->rule.check_output(output); }) this->rule.check_output(output);
  }
  std::optional<Loss> on_logits() const override {
    if constexpr (requires { this->rule.on_logits(); }) {
      if (auto changed = this->rule.on_logits()) return Loss(*std::move(changed));
    } else if constexpr (requires { this->rule.from_logits; }) {
      if (this->rule.from_logits) return std::nullopt;
      Rule changed = this->rule;
      changed.from_logits = true;
      return Loss(changed);
    }
    return std::nullopt;
  }
  Scalar share([[maybe_unused]] const ConstMatrixView& target, [[maybe_unused]] Index row) const override {
    if constexpr (shares) return this->rule.share(target, row);
    return Scalar(1);
  }
  bool has_shares() const override {
    if constexpr (requires { this->rule.has_shares(); }) return this->rule.has_shares();
    return shares;
  }
  bool looks_at_neighbours() const override { return coupled; }
  bool mean_of_outputs() const override {
    return requires { Rule::mean_of_outputs; };
  }
  bool takes_missing() const override {
    return requires { Rule::takes_missing; };
  }
  bool whole_samples() const override {
    return requires { Rule::whole_samples; };
  }
  bool one_value() const override {
    if constexpr (requires { this->rule.one_value(); }) return this->rule.one_value();
    return false;
  }
};

template <class Rule>
requires NotHandle<Rule, Loss> && LossRule<std::remove_cvref_t<Rule>> Loss::Loss(Rule&& rule)
    : Handle(std::make_shared<LossModel<std::remove_cvref_t<Rule>>>(std::forward<Rule>(rule))) {}

/// Keras' name ("binary_crossentropy") where all fields have their defaults, else {"class_name", "config"}; a reduction
/// that is not the usual one stands among the fields.
Config to_config(const Loss& loss);
/// From a name, an alias ("mse", "bce") or {"class_name", "config"}, whose `reduction` is understood for every loss. An
/// `axis` of losses that have no such field must be the last, -1. Throws ConfigError.
void from_config(const Config& config, std::string_view where, Loss& loss);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/losses/loss-inl.hpp"
#endif
