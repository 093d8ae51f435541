// F-scores: weighted harmonic means of precision and recall.
#pragma once

#include <cmath>
#include <numeric>
#include <string>

#include "maas/metrics/thresholds.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// What FBetaScore and F1Score compute. The state holds, class by class (or for all together), the weights of true
/// positives, of false positives, of false negatives, and of all that are true.
struct FScore {
  std::string_view name;
  const std::optional<std::string>& average;
  double beta;
  const std::optional<double>& threshold;

  void check() const;
  Index classes(Index outputs) const { return average == "micro" ? 1 : outputs; }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
  Index figures(std::span<const double> state) const { return average ? 1 : static_cast<Index>(state.size()) / 4; }
  void results(std::span<const double> state, std::span<double> out) const;

 private:
  bool decides(Scalar score, Scalar largest) const;
  double score(std::span<const double> state, std::size_t which) const;
};

}  // namespace detail

/// (1 + beta^2) P R / (beta^2 P + R) from precision P and recall R of each class; 1e-7 is added to every divisor.
/// Targets are 0 or 1, rows x outputs. One figure a class unless they are averaged.
struct FBetaScore {
  static constexpr std::string_view class_name = "FBetaScore";
  static constexpr bool larger_is_better = true;
  static constexpr std::string_view default_name = "fbeta_score";
  std::optional<std::string> average = std::nullopt;  ///< "micro": counts of all classes together; "macro": the mean;
                                                      ///< "weighted": the mean weighted by how many are true
  double beta = 1;                                    ///< above 0: how much more recall weighs than precision
  std::optional<double> threshold = std::nullopt;     ///< above 0, at most 1; none: a row's largest score is positive
  static void fields(auto& self, auto&& field) {
    field("average", self.average);
    field("beta", self.beta);
    field("threshold", self.threshold);
  }
  void check() const { rule().check(); }
  Index state_size(Index outputs) const { return 4 * rule().classes(outputs); }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
  Index figures(std::span<const double> state) const { return rule().figures(state); }
  void results(std::span<const double> state, std::span<double> out) const { rule().results(state, out); }

 private:
  detail::FScore rule() const { return {class_name, average, beta, threshold}; }
};

/// FBetaScore with beta = 1: the harmonic mean of precision and recall.
struct F1Score {
  static constexpr std::string_view class_name = "F1Score";
  static constexpr bool larger_is_better = true;
  std::optional<std::string> average = std::nullopt;  ///< as for FBetaScore
  std::optional<double> threshold = std::nullopt;     ///< as for FBetaScore
  static void fields(auto& self, auto&& field) {
    field("average", self.average);
    field("threshold", self.threshold);
  }
  void check() const { rule().check(); }
  Index state_size(Index outputs) const { return 4 * rule().classes(outputs); }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
  Index figures(std::span<const double> state) const { return rule().figures(state); }
  void results(std::span<const double> state, std::span<double> out) const { rule().results(state, out); }

 private:
  detail::FScore rule() const { return {class_name, average, 1.0, threshold}; }
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/metrics/f_score-inl.hpp"
#endif
