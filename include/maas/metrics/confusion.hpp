// Counts of right and wrong decisions at thresholds, and the ratios made of them.
#pragma once

#include "maas/metrics/thresholds.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// The decisions of Precision and its like: at the thresholds given, else at 0.5, else (with top_k) by rank alone.
struct Decisions {
  std::span<const double> thresholds;
  const std::optional<int>& top_k;
  const std::optional<int>& class_id;

  /// Calls `visit(threshold's place, truth, decision, weight)` for every prediction and threshold.
  template <class Visit>
  void visit(const ConstMatrixView& predicted, const ConstMatrixView& target, const ConstVectorView& weights,
             Visit&& visit) const;

 private:
  bool are_even() const;
};

inline constexpr double half_only[] = {0.5}, rank_only[] = {no_score};
inline constexpr std::optional<int> no_choice{};

Decisions decisions(const Thresholds& thresholds, const std::optional<int>& top_k = no_choice,
                    const std::optional<int>& class_id = no_choice);

Index count(const Thresholds& thresholds);

/// Adds the weight of the predictions whose truth and decision are these; one number a threshold.
void count_decisions(const Thresholds& thresholds, bool truth, bool decision, std::span<double> state,
                     const ConstMatrixView& predicted, const ConstMatrixView& target, const ConstVectorView& weights);

/// first / (first + second) of a state that holds one of both for each threshold; 0 where both are 0.
void shares(std::span<const double> state, std::span<double> out);

}  // namespace detail

/// The weight of the predictions above a threshold whose target is not 0. One figure a threshold.
struct TruePositives {
  static constexpr std::string_view class_name = "TruePositives";
  Thresholds thresholds = {};  ///< from 0 to 1; none: 0.5
  static void fields(auto& self, auto&& field) { field("thresholds", self.thresholds); }
  void check() const { detail::require_thresholds(class_name, thresholds.values); }
  Index state_size(Index) const { return detail::count(thresholds); }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
};

/// The weight of the predictions at or below a threshold whose target is 0. One figure a threshold.
struct TrueNegatives {
  static constexpr std::string_view class_name = "TrueNegatives";
  Thresholds thresholds = {};  ///< from 0 to 1; none: 0.5
  static void fields(auto& self, auto&& field) { field("thresholds", self.thresholds); }
  void check() const { detail::require_thresholds(class_name, thresholds.values); }
  Index state_size(Index) const { return detail::count(thresholds); }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
};

/// The weight of the predictions above a threshold whose target is 0. One figure a threshold.
struct FalsePositives {
  static constexpr std::string_view class_name = "FalsePositives";
  Thresholds thresholds = {};  ///< from 0 to 1; none: 0.5
  static void fields(auto& self, auto&& field) { field("thresholds", self.thresholds); }
  void check() const { detail::require_thresholds(class_name, thresholds.values); }
  Index state_size(Index) const { return detail::count(thresholds); }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
};

/// The weight of the predictions at or below a threshold whose target is not 0. One figure a threshold.
struct FalseNegatives {
  static constexpr std::string_view class_name = "FalseNegatives";
  Thresholds thresholds = {};  ///< from 0 to 1; none: 0.5
  static void fields(auto& self, auto&& field) { field("thresholds", self.thresholds); }
  void check() const { detail::require_thresholds(class_name, thresholds.values); }
  Index state_size(Index) const { return detail::count(thresholds); }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
};

/// The share of true ones among the predictions above a threshold, 0 if there are none. One figure a threshold.
struct Precision {
  static constexpr std::string_view class_name = "Precision";
  static constexpr bool larger_is_better = true;
  Thresholds thresholds = {};                  ///< from 0 to 1; none: 0.5, or with top_k every score
  std::optional<int> top_k = std::nullopt;     ///< only the k largest scores of a row may count as positive
  std::optional<int> class_id = std::nullopt;  ///< look at this output alone
  static void fields(auto& self, auto&& field) {
    field("thresholds", self.thresholds);
    field("top_k", self.top_k);
    field("class_id", self.class_id);
  }
  void check() const { detail::require_thresholds(class_name, thresholds.values); }
  void check_outputs(Index outputs) const;
  Index state_size(Index) const { return 2 * detail::count(thresholds); }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
  Index figures(std::span<const double>) const { return detail::count(thresholds); }
  void results(std::span<const double> state, std::span<double> out) const { detail::shares(state, out); }
};

/// The share of those above a threshold among the predictions that are true, 0 if there are none. One figure a
/// threshold.
struct Recall {
  static constexpr std::string_view class_name = "Recall";
  static constexpr bool larger_is_better = true;
  Thresholds thresholds = {};                  ///< from 0 to 1; none: 0.5, or with top_k every score
  std::optional<int> top_k = std::nullopt;     ///< only the k largest scores of a row may count as positive
  std::optional<int> class_id = std::nullopt;  ///< look at this output alone
  static void fields(auto& self, auto&& field) {
    field("thresholds", self.thresholds);
    field("top_k", self.top_k);
    field("class_id", self.class_id);
  }
  void check() const { detail::require_thresholds(class_name, thresholds.values); }
  void check_outputs(Index outputs) const;
  Index state_size(Index) const { return 2 * detail::count(thresholds); }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
  Index figures(std::span<const double>) const { return detail::count(thresholds); }
  void results(std::span<const double> state, std::span<double> out) const { detail::shares(state, out); }
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/metrics/confusion-inl.hpp"
#endif
