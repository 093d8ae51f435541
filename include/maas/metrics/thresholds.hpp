// What metrics of decisions at thresholds share: lists of thresholds, and the rows a batch is seen as.
#pragma once

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "maas/core/fields.hpp"
#include "maas/metrics/metric.hpp"

namespace maas::inline MAAS_ABI {

/// None, one or several thresholds: `{}`, `0.5`, `{0.2, 0.8}`. In a file null, a number or a list.
struct Thresholds {
  Thresholds() = default;
  Thresholds(double one) : values{one} {}
  Thresholds(std::initializer_list<double> several) : values(several) {}
  explicit Thresholds(std::vector<double> several) : values(std::move(several)) {}

  std::vector<double> values;
};

/// Thresholds in ascending order, whatever the order they are given in. In a file null or a list.
struct SortedThresholds {
  SortedThresholds() = default;
  SortedThresholds(std::initializer_list<double> several) : SortedThresholds(std::vector<double>(several)) {}
  explicit SortedThresholds(std::vector<double> several) : values(std::move(several)) { std::ranges::sort(values); }

  std::vector<double> values;
};

Config to_config(const SortedThresholds& thresholds);
Config to_config(const Thresholds& thresholds);
void from_config(const Config& config, std::string_view where, Thresholds& thresholds);
void from_config(const Config& config, std::string_view where, SortedThresholds& thresholds);

namespace detail {

/// Keras' backend epsilon.
inline constexpr double metric_epsilon = 1e-7;
/// What Keras puts in the place of scores that are not among the k largest.
inline constexpr double no_score = -1e10;

double divide_no_nan(double numerator, double denominator);

void require_thresholds(std::string_view name, std::span<const double> thresholds);
void require_class(std::string_view name, const std::optional<int>& class_id, Index outputs);
void require_top_k(std::string_view name, const std::optional<int>& top_k, Index outputs);

/// True if point `i` of `count` stands where it would if they were spread evenly over 0 to 1, by Keras' tolerance.
bool stands_evenly(double threshold, std::size_t i, std::size_t count);

/// How many of the `count` thresholds spread evenly over 0 to 1 a prediction lies above, as Keras rounds: the last is
/// number ceil(p (count - 1)) - 1. What is no number lies above none.
Index evenly_above(Scalar p, Index count);

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
}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/metrics/thresholds-inl.hpp"
#endif
