// Losses of regression.
#pragma once

#include <algorithm>
#include <cmath>

#include "maas/losses/elementwise.hpp"

namespace maas::inline MAAS_ABI {

/// mean over outputs of (p - t)^2.
struct MeanSquaredError {
  static constexpr std::string_view class_name = "MeanSquaredError";
  static constexpr bool mean_of_outputs = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const;
};
inline constexpr MeanSquaredError mean_squared_error{};

/// mean over outputs of |p - t|; slope 0 where they are equal.
struct MeanAbsoluteError {
  static constexpr std::string_view class_name = "MeanAbsoluteError";
  static constexpr bool mean_of_outputs = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const;
};
inline constexpr MeanAbsoluteError mean_absolute_error{};

/// 100 times the mean over outputs of |t - p| / max(|t|, 1e-7).
struct MeanAbsolutePercentageError {
  static constexpr std::string_view class_name = "MeanAbsolutePercentageError";
  static constexpr bool mean_of_outputs = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const;

 private:
  static Scalar weight(Scalar t) { return Scalar(100) / std::max(std::abs(t), detail::loss_epsilon); }
};
inline constexpr MeanAbsolutePercentageError mean_absolute_percentage_error{};

/// mean over outputs of (log(1 + max(p, 1e-7)) - log(1 + max(t, 1e-7)))^2.
struct MeanSquaredLogarithmicError {
  static constexpr std::string_view class_name = "MeanSquaredLogarithmicError";
  static constexpr bool mean_of_outputs = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const;

 private:
  static Scalar logarithm(Scalar x) { return std::log1p(std::max(x, detail::loss_epsilon)); }
};
inline constexpr MeanSquaredLogarithmicError mean_squared_logarithmic_error{};

/// mean over outputs of e^2 / 2 where |e| <= delta, delta |e| - delta^2 / 2 beyond; e = p - t.
struct Huber {
  static constexpr std::string_view class_name = "Huber";
  static constexpr bool mean_of_outputs = true;
  double delta = 1;
  static void fields(auto& self, auto&& field) { field("delta", self.delta); }
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const;
};
inline constexpr Huber huber{};

/// mean over outputs of log(cosh(p - t)).
struct LogCosh {
  static constexpr std::string_view class_name = "LogCosh";
  static constexpr bool mean_of_outputs = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const;
};
inline constexpr LogCosh log_cosh{};

/// mean over outputs of p - t log(p + 1e-7): the negative log-likelihood of counts t under the rate p, up to a
/// constant.
struct Poisson {
  static constexpr std::string_view class_name = "Poisson";
  static constexpr bool mean_of_outputs = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const;
};
inline constexpr Poisson poisson{};

/// mean over outputs of max(q (t - p), (q - 1) (t - p)): its minimum is the q-quantile of t (Koenker and Bassett 1978).
/// Not in Keras.
struct QuantileLoss {
  static constexpr std::string_view class_name = "QuantileLoss";
  static constexpr bool mean_of_outputs = true;
  double quantile = 0.5;  ///< between 0 and 1
  static void fields(auto& self, auto&& field) { field("quantile", self.quantile); }
  void check() const;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const;
};

/// Minus the cosine of the angle between p and t: -sum of p t, both divided by their length (at least 1e-7).
struct CosineSimilarity {
  static constexpr std::string_view class_name = "CosineSimilarity";
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const;
  /// As a metric, Keras' CosineSimilarity is the cosine itself.
  static double finish(double mean) { return 0.0 - mean; }
  static constexpr bool larger_is_better = true;  // likewise

 private:
  template <class Row>
  static Scalar inverse_length(const Row& row) {
    return std::min(Scalar(1) / std::sqrt(row.squaredNorm()), Scalar(1) / detail::loss_epsilon);
  }
};
inline constexpr CosineSimilarity cosine_similarity{};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/losses/regression-inl.hpp"
#endif
