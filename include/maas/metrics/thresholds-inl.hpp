// What metrics of decisions at thresholds share: lists of thresholds, and the rows a batch is seen as: the bodies.
#pragma once

#include "maas/metrics/thresholds.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// Decides row by row which scores are among the k largest; of equal ones those that come first.
class LargestScores {
 public:
  template <class Row>
  LargestScores(const Row& scores, Index k) {
    limit_ = std::numeric_limits<Scalar>::infinity();
    for (ties_ = k; ties_ > 0;) {
      Scalar next = -std::numeric_limits<Scalar>::infinity();
      for (Index i = 0; i < scores.size(); ++i)
        if (scores[i] > next && below(scores[i])) next = scores[i];
      Index equal = 0;
      for (Index i = 0; i < scores.size(); ++i) equal += scores[i] == next && below(next);
      limit_ = next;
      started_ = true;
      if (equal >= ties_ || equal == 0) break;
      ties_ -= equal;
    }
  }
  /// To be asked once for each score, in order.
  bool take(Scalar score) { return score > limit_ || (score == limit_ && ties_-- > 0); }

 private:
  bool below(Scalar score) const { return !started_ || score < limit_; }
  Scalar limit_;
  Index ties_ = 0;
  bool started_ = false;
};

/// Calls `visit(score, positive, weight, column)` for every prediction of a batch, or those of one class; scores that
/// are not among the top_k of their row are replaced by no_score.
template <class Visit>
void visit_predictions(const ConstMatrixView& predicted, const ConstMatrixView& target, const ConstVectorView& weights,
                       const std::optional<int>& top_k, const std::optional<int>& class_id, Visit&& visit) {
  for (Index row = 0; row < predicted.rows(); ++row) {
    const double weight = weights.size() > 0 ? static_cast<double>(weights[row]) : 1.0;
    LargestScores largest(predicted.row(row), top_k.value_or(0));
    for (Index i = 0; i < predicted.cols(); ++i) {
      const bool counts = !top_k || largest.take(predicted(row, i));
      if (class_id && *class_id != i) continue;
      visit(counts ? predicted(row, i) : static_cast<Scalar>(no_score), target(row, i) != 0, weight, i);
    }
  }
}

}  // namespace detail

MAAS_INLINE Config to_config(const SortedThresholds& thresholds) {
  return thresholds.values.empty() ? Config() : to_config(thresholds.values);
}

MAAS_INLINE Config to_config(const Thresholds& thresholds) {
  if (thresholds.values.empty()) return {};
  return thresholds.values.size() == 1 ? Config(thresholds.values.front()) : to_config(thresholds.values);
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, Thresholds& thresholds) {
  thresholds.values.clear();
  if (config.is_number())
    thresholds.values = {config.as_real(where)};
  else if (!config.is_null())
    from_config(config, where, thresholds.values);
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, SortedThresholds& thresholds) {
  std::vector<double> values;
  if (!config.is_null()) from_config(config, where, values);
  thresholds = SortedThresholds(std::move(values));
}

namespace detail {

MAAS_INLINE double divide_no_nan(double numerator, double denominator) {
  return denominator == 0 ? 0.0 : numerator / denominator;
}

MAAS_INLINE void require_thresholds(std::string_view name, std::span<const double> thresholds) {
  for (double threshold : thresholds)
    require<ConfigError>(threshold >= 0 && threshold <= 1, "{}: expected thresholds from 0 to 1, got {}", name,
                         threshold);
}

MAAS_INLINE void require_count(std::string_view name, Index num_thresholds, Index least) {
  require<ConfigError>(num_thresholds >= least, "{}: expected num_thresholds of at least {}, got {}", name, least,
                       num_thresholds);
  require<ConfigError>(num_thresholds <= most_thresholds, "{}: expected num_thresholds of at most {}, got {}", name,
                       most_thresholds, num_thresholds);
}

MAAS_INLINE void require_class(std::string_view name, const std::optional<int>& class_id, Index outputs) {
  require<ConfigError>(!class_id || (*class_id >= 0 && *class_id < outputs),
                       "{}: expected a class_id from 0 to {}, got {}", name, outputs - 1, class_id.value_or(0));
}

MAAS_INLINE void require_top_k(std::string_view name, const std::optional<int>& top_k, Index outputs) {
  require<ConfigError>(!top_k || (*top_k >= 1 && *top_k <= outputs), "{}: expected a top_k from 1 to {}, got {}", name,
                       outputs, top_k.value_or(0));
}

MAAS_INLINE bool stands_evenly(double threshold, std::size_t i, std::size_t count) {
  const double even = static_cast<double>(static_cast<float>(i) / static_cast<float>(count - 1));
  return std::abs(threshold - even) <= metric_epsilon + 1e-5 * even;
}

MAAS_INLINE Index evenly_above(Scalar p, Index count) {
  const Scalar clipped = p > 0 ? std::min(p, Scalar(1)) : Scalar(0);
  return static_cast<Index>(std::ceil(clipped * static_cast<Scalar>(count - 1)));
}

}  // namespace detail

MAAS_INLINE SortedThresholds::SortedThresholds(std::vector<double> several) : values(std::move(several)) {
  std::ranges::sort(values);
}

}  // namespace maas::inline MAAS_ABI
