// Areas under curves and operating points.
#pragma once

#include "maas/metrics/curves.hpp"
#include "maas/metrics/thresholds-inl.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Index AUC::count() const {
  return thresholds.values.empty() ? num_thresholds : static_cast<Index>(thresholds.values.size()) + 2;
}

MAAS_INLINE void SensitivityAtSpecificity::check_outputs(Index outputs) const {
  point().check("specificity", specificity);
  point().check_outputs(outputs);
}

MAAS_INLINE void SensitivityAtSpecificity::add(std::span<double> state, const ConstMatrixView& predicted,
                                               const ConstMatrixView& target, const ConstVectorView& weights) const {
  point().add(state, predicted, target, weights);
}

MAAS_INLINE double SensitivityAtSpecificity::result(std::span<const double> state) const {
  return detail::best_rate(state, &detail::Confusion::specificity, specificity, &detail::Confusion::recall);
}

MAAS_INLINE void SpecificityAtSensitivity::check_outputs(Index outputs) const {
  point().check("sensitivity", sensitivity);
  point().check_outputs(outputs);
}

MAAS_INLINE void SpecificityAtSensitivity::add(std::span<double> state, const ConstMatrixView& predicted,
                                               const ConstMatrixView& target, const ConstVectorView& weights) const {
  point().add(state, predicted, target, weights);
}

MAAS_INLINE double SpecificityAtSensitivity::result(std::span<const double> state) const {
  return detail::best_rate(state, &detail::Confusion::recall, sensitivity, &detail::Confusion::specificity);
}

MAAS_INLINE void PrecisionAtRecall::check_outputs(Index outputs) const {
  point().check("recall", recall);
  point().check_outputs(outputs);
}

MAAS_INLINE void PrecisionAtRecall::add(std::span<double> state, const ConstMatrixView& predicted,
                                        const ConstMatrixView& target, const ConstVectorView& weights) const {
  point().add(state, predicted, target, weights);
}

MAAS_INLINE double PrecisionAtRecall::result(std::span<const double> state) const {
  return detail::best_rate(state, &detail::Confusion::recall, recall, &detail::Confusion::precision);
}

MAAS_INLINE void RecallAtPrecision::check_outputs(Index outputs) const {
  point().check("precision", precision);
  point().check_outputs(outputs);
}

MAAS_INLINE void RecallAtPrecision::add(std::span<double> state, const ConstMatrixView& predicted,
                                        const ConstMatrixView& target, const ConstVectorView& weights) const {
  point().add(state, predicted, target, weights);
}

MAAS_INLINE double RecallAtPrecision::result(std::span<const double> state) const {
  return detail::best_rate(state, &detail::Confusion::precision, precision, &detail::Confusion::recall);
}

namespace detail {

MAAS_INLINE void OperatingPoint::check(std::string_view what, double value) const {
  require<ConfigError>(value >= 0 && value <= 1, "{}: expected a {} from 0 to 1, got {}", name, what, value);
  require_count(name, num_thresholds, 1);
}

MAAS_INLINE void OperatingPoint::add(std::span<double> state, const ConstMatrixView& predicted,
                                     const ConstMatrixView& target, const ConstVectorView& weights) const {
  const std::size_t places = state.size() / 2;
  visit_predictions(
      predicted, target, weights, std::nullopt, class_id, [&](Scalar p, bool truth, double weight, Index) {
        const Index above = num_thresholds == 1 ? Index(p > Scalar(0.5)) : evenly_above(p, num_thresholds);
        state[static_cast<std::size_t>(above) + (truth ? 0 : places)] += weight;
      });
}

MAAS_INLINE double best_rate(std::span<const double> state, Rate constrained, double value, Rate wanted) {
  double best = 0;
  walk_down(state, [&](const Confusion& at) {
    if ((at.*constrained)() >= value) best = std::max(best, (at.*wanted)());
  });
  return best;
}

}  // namespace detail

MAAS_INLINE void AUC::check() const {
  if (thresholds.values.empty()) detail::require_count(class_name, num_thresholds, 2);
  detail::require_thresholds(class_name, thresholds.values);
  require<ConfigError>(curve == "ROC" || curve == "PR" || curve == "roc" || curve == "pr",
                       "{}: expected the curve \"ROC\" or \"PR\", got \"{}\"", class_name, curve);
  require<ConfigError>(
      summation_method == "interpolation" || summation_method == "minoring" || summation_method == "majoring",
      "{}: expected the summation_method \"interpolation\", \"minoring\" or \"majoring\", got \"{}\"", class_name,
      summation_method);
  require<ConfigError>(!num_labels || multi_label, "{}: expected num_labels with multi_label only, got {} without",
                       class_name, num_labels.value_or(0));
}

MAAS_INLINE void AUC::check_outputs(Index outputs) const {
  require<ConfigError>(!num_labels || *num_labels == outputs, "{}: expected num_labels to be the {} outputs, got {}",
                       class_name, outputs, num_labels.value_or(0));
  require<ConfigError>(!label_weights || static_cast<Index>(label_weights->size()) == outputs,
                       "{}: expected {} label_weights, one an output, got {}", class_name, outputs,
                       label_weights ? label_weights->size() : 0);
}

// Keras buckets evenly spread thresholds and compares with others one by one; at a threshold both may round apart.
MAAS_INLINE bool AUC::are_even() const {
  const std::size_t all = thresholds.values.size() + 2;
  if (thresholds.values.empty()) return true;
  for (std::size_t i = 0; i < thresholds.values.size(); ++i)
    if (!detail::stands_evenly(thresholds.values[i], i + 1, all)) return false;
  return true;
}

MAAS_INLINE Index AUC::above(Scalar p, bool even) const {
  if (even) return std::max(Index(1), detail::evenly_above(p, count()));  // all lie above -epsilon
  const auto lower = [p](double threshold) { return p > static_cast<Scalar>(threshold); };
  return lower(-detail::metric_epsilon) + static_cast<Index>(std::ranges::count_if(thresholds.values, lower)) +
         lower(1 + detail::metric_epsilon);
}

MAAS_INLINE void AUC::add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
                          const ConstVectorView& weights) const {
  const bool even = are_even();
  const std::size_t places = static_cast<std::size_t>(count()) + 1;
  detail::visit_predictions(predicted, target, weights, std::nullopt, std::nullopt,
                            [&](Scalar p, bool truth, double weight, Index output) {
                              if (from_logits) p = Scalar(1) / (Scalar(1) + std::exp(-p));
                              const std::size_t label = static_cast<std::size_t>(output);
                              if (label_weights && !multi_label) weight *= (*label_weights)[label];
                              const std::size_t first = (multi_label ? 2 * label : 0) * places;
                              state[first + (truth ? 0 : places) + static_cast<std::size_t>(above(p, even))] += weight;
                            });
}

MAAS_INLINE double AUC::result(std::span<const double> state) const {
  const std::size_t each = 2 * (static_cast<std::size_t>(count()) + 1), labels = state.size() / each;
  double sum = 0, weights = 0;
  for (std::size_t label = 0; label < labels; ++label) {
    const double weight = multi_label && label_weights ? (*label_weights)[label] : 1.0;
    sum += weight * area(state.subspan(label * each, each));
    weights += weight;
  }
  return detail::divide_no_nan(sum, weights);
}

MAAS_INLINE double AUC::area(std::span<const double> state) const {
  const bool pr = curve == "PR" || curve == "pr";
  if (pr && summation_method == "interpolation") return precision_recall_area(state);
  double sum = 0, x_before = 0, y_before = 0;
  bool first = true;
  detail::walk_down(state, [&](const detail::Confusion& at) {
    const double x = pr ? at.recall() : at.false_positive_rate(), y = pr ? at.precision() : at.recall();
    const double height = summation_method == "minoring"   ? std::min(y, y_before)
                          : summation_method == "majoring" ? std::max(y, y_before)
                                                           : (y + y_before) / 2;
    if (!first) sum += (x - x_before) * height;
    first = false;
    x_before = x;
    y_before = y;
  });
  return sum;
}

// Between two thresholds true positives grow in proportion to all positives P; the integral of their share, precision,
// over recall has a closed form: slope * (dTP + intercept * log(P_lower / P_upper)) / (TP + FN).
// (Davis and Goadrich 2006, section 4.)
MAAS_INLINE double AUC::precision_recall_area(std::span<const double> state) const {
  double sum = 0;
  bool first = true;
  detail::Confusion upper{};
  detail::walk_down(state, [&](const detail::Confusion& lower) {
    const double gained = lower.true_positives - upper.true_positives;
    const double slope = detail::divide_no_nan(gained, std::max(lower.positives() - upper.positives(), 0.0));
    const double intercept = upper.true_positives - slope * upper.positives();
    const bool both = lower.positives() > 0 && upper.positives() > 0;
    const double ratio = both ? lower.positives() / upper.positives() : 1.0;
    const double all = std::max(upper.true_positives + upper.false_negatives, 0.0);
    if (!first) sum += detail::divide_no_nan(slope * (gained + intercept * std::log(ratio)), all);
    first = false;
    upper = lower;
  });
  return sum;
}

}  // namespace maas::inline MAAS_ABI
