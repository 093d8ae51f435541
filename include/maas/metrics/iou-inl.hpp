// Intersection over union.
#pragma once

#include "maas/metrics/iou.hpp"

namespace maas::inline MAAS_ABI::detail {

MAAS_INLINE void ClassOverlap::check(std::span<const int> ids) const {
  require<ConfigError>(classes >= 1, "{}: expected num_classes of at least 1, got {}", name, classes);
  require<ConfigError>(classes <= most_classes, "{}: expected num_classes of at most {}, got {}", name, most_classes,
                       classes);
  for (int id : ids)
    require<ConfigError>(id >= 0 && id < classes, "{}: expected target_class_ids from 0 to {}, got {}", name,
                         classes - 1, id);
}

MAAS_INLINE void ClassOverlap::check_outputs(Index outputs) const {
  if (sparse_y_pred)
    require<ConfigError>(sparse_y_true || outputs == 1,
                         "{}: expected one output that is a class number beside one-hot targets, got {}", name,
                         outputs);
  else
    require<ConfigError>(outputs <= classes, "{}: expected scores of at most num_classes = {} classes, got {}", name,
                         classes, outputs);
}

MAAS_INLINE std::size_t ClassOverlap::class_of(Scalar label, std::string_view what, Index row) const {
  require<DataError>(label > Scalar(-1) && label < static_cast<Scalar>(classes),
                     "{}: expected {} from 0 to {}, got {} in row {} (counted from 0)", name, what, classes - 1, label,
                     row);
  return static_cast<std::size_t>(label);
}

MAAS_INLINE void ClassOverlap::add_one(std::span<double> state, Scalar truth, Scalar guess, double weight,
                                       Index row) const {
  if (ignore_class && truth == static_cast<Scalar>(*ignore_class)) return;
  const std::size_t place = class_of(truth, "target classes", row) * static_cast<std::size_t>(classes) +
                            class_of(guess, "predicted classes", row);
  state[place] += weight;
}

MAAS_INLINE void ClassOverlap::add(std::span<double> state, const ConstMatrixView& predicted,
                                   const ConstMatrixView& target, const ConstVectorView& weights) const {
  const Index labels = sparse_y_true && sparse_y_pred ? predicted.cols() : 1;
  for (Index row = 0; row < predicted.rows(); ++row) {
    Index true_class = 0, guessed_class = 0;
    if (!sparse_y_true) target.row(row).maxCoeff(&true_class);
    if (!sparse_y_pred) predicted.row(row).maxCoeff(&guessed_class);
    for (Index i = 0; i < labels; ++i)
      add_one(state, sparse_y_true ? target(row, i) : static_cast<Scalar>(true_class),
              sparse_y_pred ? predicted(row, i) : static_cast<Scalar>(guessed_class),
              weights.size() > 0 ? static_cast<double>(weights[row]) : 1.0, row);
  }
}

// Keras divides in float, whatever the precision of the program; so is done here, to give its digits.
MAAS_INLINE double ClassOverlap::mean(std::span<const double> state, std::span<const int> ids) const {
  const std::size_t n = static_cast<std::size_t>(classes), all = ids.empty() ? n : ids.size();
  constexpr float epsilon = 1e-7f;
  float sum = 0, seen = 0;
  for (std::size_t which = 0; which < all; ++which) {
    const std::size_t id = ids.empty() ? which : static_cast<std::size_t>(ids[which]);
    double either = -state[id * n + id];
    for (std::size_t other = 0; other < n; ++other) either += state[id * n + other] + state[other * n + id];
    sum += static_cast<float>(state[id * n + id]) / (static_cast<float>(either) + epsilon);
    seen += either > 1e-9 ? 1.0f : 0.0f;
  }
  return static_cast<double>(sum / (seen + epsilon));
}

}  // namespace maas::inline MAAS_ABI::detail

namespace maas::inline MAAS_ABI {

namespace detail {

MAAS_INLINE Index ClassOverlap::target_columns(Index outputs) const {
  if (sparse_y_true == sparse_y_pred) return outputs;
  return sparse_y_true ? 1 : classes;
}

}  // namespace detail

MAAS_INLINE void IoU::check_outputs(Index outputs) const {
  require<ConfigError>(!target_class_ids.empty(), "{}: expected target_class_ids, got none", class_name);
  rule().check(target_class_ids);
  rule().check_outputs(outputs);
}

MAAS_INLINE void IoU::add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
                          const ConstVectorView& weights) const {
  rule().add(state, predicted, target, weights);
}

MAAS_INLINE void MeanIoU::check_outputs(Index outputs) const {
  rule().check({});
  rule().check_outputs(outputs);
}

MAAS_INLINE void MeanIoU::add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
                              const ConstVectorView& weights) const {
  rule().add(state, predicted, target, weights);
}

MAAS_INLINE void OneHotIoU::check_outputs(Index outputs) const {
  require<ConfigError>(!target_class_ids.empty(), "{}: expected target_class_ids, got none", class_name);
  rule().check(target_class_ids);
  rule().check_outputs(outputs);
}

MAAS_INLINE void OneHotIoU::add(std::span<double> state, const ConstMatrixView& predicted,
                                const ConstMatrixView& target, const ConstVectorView& weights) const {
  rule().add(state, predicted, target, weights);
}

MAAS_INLINE void OneHotMeanIoU::check_outputs(Index outputs) const {
  rule().check({});
  rule().check_outputs(outputs);
}

MAAS_INLINE void OneHotMeanIoU::add(std::span<double> state, const ConstMatrixView& predicted,
                                    const ConstMatrixView& target, const ConstVectorView& weights) const {
  rule().add(state, predicted, target, weights);
}

MAAS_INLINE void BinaryIoU::check() const {
  require<ConfigError>(!target_class_ids.empty(), "{}: expected target_class_ids, got none", class_name);
  rule().check(target_class_ids);
}

MAAS_INLINE void BinaryIoU::add(std::span<double> state, const ConstMatrixView& predicted,
                                const ConstMatrixView& target, const ConstVectorView& weights) const {
  const Scalar limit = static_cast<Scalar>(threshold);
  for (Index row = 0; row < predicted.rows(); ++row)
    for (Index i = 0; i < predicted.cols(); ++i)
      rule().add_one(state, target(row, i), predicted(row, i) >= limit ? Scalar(1) : Scalar(0),
                     weights.size() > 0 ? static_cast<double>(weights[row]) : 1.0, row);
}

}  // namespace maas::inline MAAS_ABI
