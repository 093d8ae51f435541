// Intersection over union of predicted and true classes, from a confusion matrix.
#pragma once

#include <span>
#include <vector>

#include "maas/metrics/thresholds.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// The confusion matrix has the square of it: 8 GB.
inline constexpr Index most_classes = Index{1} << 15;

/// What the family of IoU shares. The state is the confusion matrix: row the true class, column the predicted one.
struct ClassOverlap {
  std::string_view name;
  Index classes;
  const std::optional<int>& ignore_class;
  bool sparse_y_true, sparse_y_pred;

  void check(std::span<const int> ids) const;
  void check_outputs(Index outputs) const;
  Index target_columns(Index outputs) const;
  Index state_size() const { return classes * classes; }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
  void add_one(std::span<double> state, Scalar truth, Scalar guess, double weight, Index row) const;
  /// The mean over the classes whose numbers these are (none: all) of TP / (TP + FP + FN). Classes that were neither
  /// true nor predicted do not count.
  double mean(std::span<const double> state, std::span<const int> ids) const;

 private:
  std::size_t class_of(Scalar label, std::string_view what, Index row) const;
};

inline constexpr std::optional<int> no_class{};

}  // namespace detail

/// Mean over some classes of TP / (TP + FP + FN). Class numbers, or rows of scores of which the first largest counts.
struct IoU {
  static constexpr std::string_view class_name = "IoU";
  static constexpr bool larger_is_better = true;
  Index num_classes = 0;                           ///< must be given
  std::vector<int> target_class_ids = {};          ///< must be given: the classes that count, from 0
  std::optional<int> ignore_class = std::nullopt;  ///< where the target is this, nothing is counted; may be no class
  bool sparse_y_true = true;                       ///< targets are class numbers
  bool sparse_y_pred = true;                       ///< predictions are class numbers
  static void fields(auto& self, auto&& field) {
    field("num_classes", self.num_classes);
    field("target_class_ids", self.target_class_ids);
    field("ignore_class", self.ignore_class);
    field("sparse_y_true", self.sparse_y_true);
    field("sparse_y_pred", self.sparse_y_pred);
  }
  void check_outputs(Index outputs) const;
  Index target_columns(Index outputs) const { return rule().target_columns(outputs); }
  Index state_size(Index) const { return rule().state_size(); }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
  double result(std::span<const double> state) const { return rule().mean(state, target_class_ids); }

 private:
  detail::ClassOverlap rule() const { return {class_name, num_classes, ignore_class, sparse_y_true, sparse_y_pred}; }
};

/// IoU over all classes.
struct MeanIoU {
  static constexpr std::string_view class_name = "MeanIoU";
  static constexpr bool larger_is_better = true;
  Index num_classes = 0;                           ///< must be given
  std::optional<int> ignore_class = std::nullopt;  ///< as for IoU
  bool sparse_y_true = true;                       ///< as for IoU
  bool sparse_y_pred = true;                       ///< as for IoU
  static void fields(auto& self, auto&& field) {
    field("num_classes", self.num_classes);
    field("ignore_class", self.ignore_class);
    field("sparse_y_true", self.sparse_y_true);
    field("sparse_y_pred", self.sparse_y_pred);
  }
  void check_outputs(Index outputs) const;
  Index target_columns(Index outputs) const { return rule().target_columns(outputs); }
  Index state_size(Index) const { return rule().state_size(); }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
  double result(std::span<const double> state) const { return rule().mean(state, {}); }

 private:
  detail::ClassOverlap rule() const { return {class_name, num_classes, ignore_class, sparse_y_true, sparse_y_pred}; }
};

/// IoU of one-hot targets and rows of scores.
struct OneHotIoU {
  static constexpr std::string_view class_name = "OneHotIoU";
  static constexpr bool larger_is_better = true;
  Index num_classes = 0;                           ///< must be given
  std::vector<int> target_class_ids = {};          ///< must be given: the classes that count, from 0
  std::optional<int> ignore_class = std::nullopt;  ///< as for IoU
  bool sparse_y_pred = false;                      ///< predictions are class numbers
  static void fields(auto& self, auto&& field) {
    field("num_classes", self.num_classes);
    field("target_class_ids", self.target_class_ids);
    field("ignore_class", self.ignore_class);
    field("sparse_y_pred", self.sparse_y_pred);
  }
  void check_outputs(Index outputs) const;
  Index target_columns(Index outputs) const { return rule().target_columns(outputs); }
  Index state_size(Index) const { return rule().state_size(); }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
  double result(std::span<const double> state) const { return rule().mean(state, target_class_ids); }

 private:
  detail::ClassOverlap rule() const { return {class_name, num_classes, ignore_class, false, sparse_y_pred}; }
};

/// IoU of one-hot targets and rows of scores, over all classes.
struct OneHotMeanIoU {
  static constexpr std::string_view class_name = "OneHotMeanIoU";
  static constexpr bool larger_is_better = true;
  Index num_classes = 0;                           ///< must be given
  std::optional<int> ignore_class = std::nullopt;  ///< as for IoU
  bool sparse_y_pred = false;                      ///< predictions are class numbers
  static void fields(auto& self, auto&& field) {
    field("num_classes", self.num_classes);
    field("ignore_class", self.ignore_class);
    field("sparse_y_pred", self.sparse_y_pred);
  }
  void check_outputs(Index outputs) const;
  Index target_columns(Index outputs) const { return rule().target_columns(outputs); }
  Index state_size(Index) const { return rule().state_size(); }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
  double result(std::span<const double> state) const { return rule().mean(state, {}); }

 private:
  detail::ClassOverlap rule() const { return {class_name, num_classes, ignore_class, false, sparse_y_pred}; }
};

/// IoU of two classes: a prediction of at least `threshold` is class 1. Targets are 0 or 1.
struct BinaryIoU {
  static constexpr std::string_view class_name = "BinaryIoU";
  static constexpr bool larger_is_better = true;
  std::vector<int> target_class_ids = {0, 1};  ///< {0}, {1} or both
  double threshold = 0.5;
  static void fields(auto& self, auto&& field) {
    field("target_class_ids", self.target_class_ids);
    field("threshold", self.threshold);
  }
  void check() const;
  Index state_size(Index) const { return rule().state_size(); }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
  double result(std::span<const double> state) const { return rule().mean(state, target_class_ids); }

 private:
  detail::ClassOverlap rule() const { return {class_name, 2, detail::no_class, true, true}; }
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/metrics/iou-inl.hpp"
#endif
