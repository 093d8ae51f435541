// Metrics over all thresholds: areas under curves, and the best of one rate where another is high enough.
#pragma once

#include <string>

#include "maas/metrics/thresholds.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// The weights of decisions at one threshold.
struct Confusion {
  double true_positives, false_positives, true_negatives, false_negatives;

  double recall() const { return divide_no_nan(true_positives, true_positives + false_negatives); }
  double precision() const { return divide_no_nan(true_positives, true_positives + false_positives); }
  double specificity() const { return divide_no_nan(true_negatives, true_negatives + false_positives); }
  double false_positive_rate() const { return divide_no_nan(false_positives, false_positives + true_negatives); }
  double positives() const { return true_positives + false_positives; }
};

/// The running state of a curve of n thresholds: for k from 0 to n the weight of true predictions that lie above just k
/// of them, then the same for false ones. Adding up from the end gives the counts at each threshold.
template <class Visit>
void walk_down(std::span<const double> state, Visit&& visit) {
  const std::size_t places = state.size() / 2;
  double all_true = 0, all_false = 0;
  for (std::size_t k = 0; k < places; ++k) {
    all_true += state[k];
    all_false += state[places + k];
  }
  double above_true = 0, above_false = 0;
  for (std::size_t k = places - 1; k > 0; --k) {
    above_true += state[k];
    above_false += state[places + k];
    visit(Confusion{above_true, above_false, all_false - above_false, all_true - above_true});
  }
}

/// The metrics that fix one rate and look for the best of another.
struct OperatingPoint {
  std::string_view name;
  Index num_thresholds;
  const std::optional<int>& class_id;

  void check(std::string_view what, double value) const;
  void check_outputs(Index outputs) const { require_class(name, class_id, outputs); }
  Index state_size() const { return 2 * (num_thresholds + 1); }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
};

using Rate = double (Confusion::*)() const;
/// The largest `wanted` where `constrained` is at least `value`; 0 if it nowhere is.
double best_rate(std::span<const double> state, Rate constrained, double value, Rate wanted);

}  // namespace detail

/// Area under the ROC curve (recall over the rate of false positives) or the PR curve (precision over recall), from
/// counts at thresholds. Each prediction counts by itself, unless multi_label: then the area is taken output by output
/// and averaged.
struct AUC {
  static constexpr std::string_view class_name = "AUC";
  static constexpr bool larger_is_better = true;
  Index num_thresholds = 200;                      ///< at least 2: -epsilon, evenly between 0 and 1, 1 + epsilon
  std::string curve = "ROC";                       ///< "ROC" or "PR"
  std::string summation_method = "interpolation";  ///< or "minoring", "majoring": the lower or upper of both heights
  SortedThresholds thresholds = {};                ///< in place of num_thresholds, from 0 to 1; both ends are added
  bool multi_label = false;
  std::optional<Index> num_labels = std::nullopt;                   ///< with multi_label only; the number of outputs
  std::optional<std::vector<double>> label_weights = std::nullopt;  ///< of outputs: in the mean, or of each prediction
  bool from_logits = false;                                         ///< predictions are put through a sigmoid first
  static void fields(auto& self, auto&& field) {
    field("num_thresholds", self.num_thresholds);
    field("curve", self.curve);
    field("summation_method", self.summation_method);
    field("thresholds", self.thresholds);
    field("multi_label", self.multi_label);
    field("num_labels", self.num_labels);
    field("label_weights", self.label_weights);
    field("from_logits", self.from_logits);
  }
  void check() const;
  void check_outputs(Index outputs) const;
  Index state_size(Index outputs) const { return (multi_label ? outputs : 1) * 2 * (count() + 1); }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
  double result(std::span<const double> state) const;

 private:
  Index count() const;
  bool are_even() const;
  Index above(Scalar p, bool even) const;
  double area(std::span<const double> state) const;
  double precision_recall_area(std::span<const double> state) const;
};

/// The best sensitivity, TP / (TP + FN), where specificity, TN / (TN + FP), is at least `specificity`.
struct SensitivityAtSpecificity {
  static constexpr std::string_view class_name = "SensitivityAtSpecificity";
  static constexpr bool larger_is_better = true;
  double specificity = -1;     ///< from 0 to 1; must be given
  Index num_thresholds = 200;  ///< spread evenly over 0 to 1; 1: at 0.5
  std::optional<int> class_id = std::nullopt;
  static void fields(auto& self, auto&& field) {
    field("specificity", self.specificity);
    field("num_thresholds", self.num_thresholds);
    field("class_id", self.class_id);
  }
  void check_outputs(Index outputs) const;
  Index state_size(Index) const { return point().state_size(); }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
  double result(std::span<const double> state) const;

 private:
  detail::OperatingPoint point() const { return {class_name, num_thresholds, class_id}; }
};

/// The best specificity, TN / (TN + FP), where sensitivity, TP / (TP + FN), is at least `sensitivity`.
struct SpecificityAtSensitivity {
  static constexpr std::string_view class_name = "SpecificityAtSensitivity";
  static constexpr bool larger_is_better = true;
  double sensitivity = -1;     ///< from 0 to 1; must be given
  Index num_thresholds = 200;  ///< spread evenly over 0 to 1; 1: at 0.5
  std::optional<int> class_id = std::nullopt;
  static void fields(auto& self, auto&& field) {
    field("sensitivity", self.sensitivity);
    field("num_thresholds", self.num_thresholds);
    field("class_id", self.class_id);
  }
  void check_outputs(Index outputs) const;
  Index state_size(Index) const { return point().state_size(); }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
  double result(std::span<const double> state) const;

 private:
  detail::OperatingPoint point() const { return {class_name, num_thresholds, class_id}; }
};

/// The best precision, TP / (TP + FP), where recall, TP / (TP + FN), is at least `recall`.
struct PrecisionAtRecall {
  static constexpr std::string_view class_name = "PrecisionAtRecall";
  static constexpr bool larger_is_better = true;
  double recall = -1;          ///< from 0 to 1; must be given
  Index num_thresholds = 200;  ///< spread evenly over 0 to 1; 1: at 0.5
  std::optional<int> class_id = std::nullopt;
  static void fields(auto& self, auto&& field) {
    field("recall", self.recall);
    field("num_thresholds", self.num_thresholds);
    field("class_id", self.class_id);
  }
  void check_outputs(Index outputs) const;
  Index state_size(Index) const { return point().state_size(); }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
  double result(std::span<const double> state) const;

 private:
  detail::OperatingPoint point() const { return {class_name, num_thresholds, class_id}; }
};

/// The best recall, TP / (TP + FN), where precision, TP / (TP + FP), is at least `precision`.
struct RecallAtPrecision {
  static constexpr std::string_view class_name = "RecallAtPrecision";
  static constexpr bool larger_is_better = true;
  double precision = -1;       ///< from 0 to 1; must be given
  Index num_thresholds = 200;  ///< spread evenly over 0 to 1; 1: at 0.5
  std::optional<int> class_id = std::nullopt;
  static void fields(auto& self, auto&& field) {
    field("precision", self.precision);
    field("num_thresholds", self.num_thresholds);
    field("class_id", self.class_id);
  }
  void check_outputs(Index outputs) const;
  Index state_size(Index) const { return point().state_size(); }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
  double result(std::span<const double> state) const;

 private:
  detail::OperatingPoint point() const { return {class_name, num_thresholds, class_id}; }
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/metrics/curves-inl.hpp"
#endif
