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
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    out = (predicted - target).array().square().rowwise().mean();
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
    out = (predicted - target) * (Scalar(2) / static_cast<Scalar>(predicted.cols()));
  }
};
inline constexpr MeanSquaredError mean_squared_error{};

/// mean over outputs of |p - t|; slope 0 where they are equal.
struct MeanAbsoluteError {
  static constexpr std::string_view class_name = "MeanAbsoluteError";
  static constexpr bool mean_of_outputs = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    out = (predicted - target).array().abs().rowwise().mean();
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
    out = (predicted - target).array().sign().matrix() / static_cast<Scalar>(predicted.cols());
  }
};
inline constexpr MeanAbsoluteError mean_absolute_error{};

/// 100 times the mean over outputs of |t - p| / max(|t|, 1e-7).
struct MeanAbsolutePercentageError {
  static constexpr std::string_view class_name = "MeanAbsolutePercentageError";
  static constexpr bool mean_of_outputs = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    detail::mean_values(predicted, target, out, [](Scalar p, Scalar t) { return std::abs(t - p) * weight(t); });
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
    detail::mean_slopes(predicted, target, out, [](Scalar p, Scalar t) { return detail::sign_of(p - t) * weight(t); });
  }

 private:
  static Scalar weight(Scalar t) { return Scalar(100) / std::max(std::abs(t), detail::loss_epsilon); }
};
inline constexpr MeanAbsolutePercentageError mean_absolute_percentage_error{};

/// mean over outputs of (log(1 + max(p, 1e-7)) - log(1 + max(t, 1e-7)))^2.
struct MeanSquaredLogarithmicError {
  static constexpr std::string_view class_name = "MeanSquaredLogarithmicError";
  static constexpr bool mean_of_outputs = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    detail::mean_values(predicted, target, out, [](Scalar p, Scalar t) {
      const Scalar difference = logarithm(p) - logarithm(t);
      return difference * difference;
    });
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
    detail::mean_slopes(predicted, target, out, [](Scalar p, Scalar t) {
      return p < detail::loss_epsilon ? Scalar(0) : Scalar(2) * (logarithm(p) - logarithm(t)) / (p + Scalar(1));
    });
  }

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
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    const Scalar d = static_cast<Scalar>(delta);
    detail::mean_values(predicted, target, out, [d](Scalar p, Scalar t) {
      const Scalar e = std::abs(p - t);
      return e <= d ? Scalar(0.5) * e * e : d * e - Scalar(0.5) * d * d;
    });
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
    const Scalar d = static_cast<Scalar>(delta);
    detail::mean_slopes(predicted, target, out, [d](Scalar p, Scalar t) { return std::clamp(p - t, -d, d); });
  }
};
inline constexpr Huber huber{};

/// mean over outputs of log(cosh(p - t)).
struct LogCosh {
  static constexpr std::string_view class_name = "LogCosh";
  static constexpr bool mean_of_outputs = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    // log cosh e = |e| + log(1 + exp(-2 |e|)) - log 2, which cannot overflow.
    detail::mean_values(predicted, target, out, [](Scalar p, Scalar t) {
      const Scalar e = std::abs(p - t);
      return e + std::log1p(std::exp(Scalar(-2) * e)) - Scalar(0.69314718055994530942);
    });
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
    detail::mean_slopes(predicted, target, out, [](Scalar p, Scalar t) { return std::tanh(p - t); });
  }
};
inline constexpr LogCosh log_cosh{};

/// mean over outputs of p - t log(p + 1e-7): the negative log-likelihood of counts t under the rate p, up to a
/// constant.
struct Poisson {
  static constexpr std::string_view class_name = "Poisson";
  static constexpr bool mean_of_outputs = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    detail::mean_values(predicted, target, out,
                        [](Scalar p, Scalar t) { return p - t * std::log(p + detail::loss_epsilon); });
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
    detail::mean_slopes(predicted, target, out,
                        [](Scalar p, Scalar t) { return Scalar(1) - t / (p + detail::loss_epsilon); });
  }
};
inline constexpr Poisson poisson{};

/// mean over outputs of max(q (t - p), (q - 1) (t - p)): its minimum is the q-quantile of t (Koenker and Bassett 1978).
/// Not in Keras.
struct QuantileLoss {
  static constexpr std::string_view class_name = "QuantileLoss";
  static constexpr bool mean_of_outputs = true;
  double quantile = 0.5;  ///< between 0 and 1
  static void fields(auto& self, auto&& field) { field("quantile", self.quantile); }
  void check() const {
    require<ConfigError>(quantile > 0 && quantile < 1, "QuantileLoss: expected a quantile between 0 and 1, got {}",
                         quantile);
  }
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    const Scalar q = static_cast<Scalar>(quantile);
    detail::mean_values(predicted, target, out,
                        [q](Scalar p, Scalar t) { return std::max(q * (t - p), (q - Scalar(1)) * (t - p)); });
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
    const Scalar q = static_cast<Scalar>(quantile);
    detail::mean_slopes(predicted, target, out, [q](Scalar p, Scalar t) {
      return p < t ? -q : p > t ? Scalar(1) - q : Scalar(0);
    });
  }
};

/// Minus the cosine of the angle between p and t: -sum of p t, both divided by their length (at least 1e-7).
struct CosineSimilarity {
  static constexpr std::string_view class_name = "CosineSimilarity";
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    for (Index row = 0; row < predicted.rows(); ++row)
      out[row] = -predicted.row(row).dot(target.row(row)) * inverse_length(predicted.row(row)) *
                 inverse_length(target.row(row));
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
    for (Index row = 0; row < predicted.rows(); ++row) {
      const Scalar p = inverse_length(predicted.row(row)), t = inverse_length(target.row(row));
      const bool shortest = p >= Scalar(1) / detail::loss_epsilon;  // the length no longer moves with p
      const Scalar cosine = predicted.row(row).dot(target.row(row)) * p * t;
      out.row(row) = -p * t * target.row(row);
      if (!shortest) out.row(row) += cosine * p * p * predicted.row(row);
    }
  }
  /// As a metric, Keras' CosineSimilarity is the cosine itself.
  static double finish(double mean) { return 0.0 - mean; }

 private:
  template <class Row>
  static Scalar inverse_length(const Row& row) {
    return std::min(Scalar(1) / std::sqrt(row.squaredNorm()), Scalar(1) / detail::loss_epsilon);
  }
};
inline constexpr CosineSimilarity cosine_similarity{};

}  // namespace maas::inline MAAS_ABI
