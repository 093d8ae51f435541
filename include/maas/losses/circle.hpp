// Circle loss: embeddings of one class together, of different classes apart.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "maas/losses/crossentropy.hpp"

namespace maas::inline MAAS_ABI {

/// For every sample of a batch softplus(log sum over samples of its class of exp(gamma (d^2 - m^2)) + log sum over all
/// others of exp(gamma max(1 + m - d, 0) (1 - m - d))), d = max(1 - cosine, 0) being the distance of two embeddings, m
/// the margin (Sun and others 2020). Predictions are embeddings of length 1, targets class numbers, one a sample.
/// Samples without one of their class beside them, or without one of another, have the value 0 and do not count in the
/// mean. Works on outputs of one axis; takes time in the square of the batch.
struct Circle {
  static constexpr std::string_view class_name = "Circle";
  static constexpr bool looks_at_neighbours = true;
  double gamma = 80, margin = 0.4;
  bool remove_diagonal = true;  ///< whether a sample is no neighbour of its own
  static void fields(auto& self, auto&& field) {
    field("gamma", self.gamma);
    field("margin", self.margin);
    field("remove_diagonal", self.remove_diagonal);
  }

  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    for (Index row = 0; row < predicted.rows(); ++row) {
      const Neighbours near = neighbours(predicted, target, row);
      out[row] = softplus(near.same.log_sum() + near.other.log_sum());
    }
  }
  void sum_gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, const ConstVectorView& weights,
                    MatrixView out) const {
    out.setZero();
    for (Index row = 0; row < predicted.rows(); ++row) {
      const Neighbours near = neighbours(predicted, target, row);
      if (near.same.empty() || near.other.empty()) continue;
      const Scalar same = near.same.log_sum(), other = near.other.log_sum();
      const Scalar outer = (weights.size() > 0 ? weights[row] : Scalar(1)) / (Scalar(1) + std::exp(-same - other));
      for (Index j = 0; j < predicted.rows(); ++j) {
        if (!is_pair(target, row, j)) continue;
        const Scalar cosine = predicted.row(row).dot(predicted.row(j));
        if (Scalar(1) - cosine < 0) continue;  // the distance is cut off at 0 there
        const Pair pair = measure(target, row, j, cosine);
        const Scalar down = -outer * std::exp(pair.exponent - (pair.same ? same : other)) * pair.slope;
        out.row(row) += down * predicted.row(j);
        out.row(j) += down * predicted.row(row);
      }
    }
  }
  Index target_columns(Index) const { return 1; }
  Scalar share(const ConstMatrixView& target, Index row) const {
    bool same = false, other = false;
    for (Index j = 0; j < target.rows() && !(same && other); ++j)
      if (is_pair(target, row, j)) (target(row, 0) == target(j, 0) ? same : other) = true;
    return same && other ? Scalar(1) : Scalar(0);
  }
  void check_targets(const ConstMatrixView& target, Index) const {
    for (Index row = 0; row < target.rows(); ++row)
      require<DataError>(target(row, 0) == std::floor(target(row, 0)),
                         "Circle: expected whole numbers as labels, got {} in row {} (counted from 0)", target(row, 0),
                         row);
  }
  void check_output(const Shape& output) const {
    require<ShapeError>(output.rank() == 1, "Circle: expected outputs of one axis, the embedding; got {}",
                        output.text());
  }

 private:
  /// Adds exponentials without overflow, as the logarithm of their sum.
  struct LogSum {
    void add(Scalar x) {
      if (x > largest) {
        sum = sum * std::exp(largest - x) + Scalar(1);
        largest = x;
      } else {
        sum += std::exp(x - largest);
      }
    }
    bool empty() const { return sum == 0; }
    Scalar log_sum() const { return empty() ? -std::numeric_limits<Scalar>::infinity() : largest + std::log(sum); }
    Scalar largest = std::numeric_limits<Scalar>::lowest(), sum = 0;
  };
  struct Neighbours {
    LogSum same, other;
  };
  /// Two samples: what stands in the exponential, and its slope along the distance.
  struct Pair {
    bool same;
    Scalar exponent, slope;
  };

  bool is_pair(const ConstMatrixView& target, Index i, Index j) const {
    return i != j || !remove_diagonal || target(i, 0) != target(j, 0);
  }
  Pair measure(const ConstMatrixView& target, Index i, Index j, Scalar cosine) const {
    const Scalar g = static_cast<Scalar>(gamma), m = static_cast<Scalar>(margin);
    const Scalar d = std::max(Scalar(1) - cosine, Scalar(0));
    if (target(i, 0) == target(j, 0)) {
      const bool pulls = m + d > 0;
      return {true, pulls ? -g * (m + d) * (m - d) : Scalar(0), pulls ? Scalar(2) * g * d : Scalar(0)};
    }
    const Scalar reach = Scalar(1) + m - d;
    if (reach <= 0) return {false, Scalar(0), Scalar(0)};
    return {false, g * reach * (Scalar(1) - m - d), Scalar(-2) * g * (Scalar(1) - d)};
  }
  Neighbours neighbours(const ConstMatrixView& predicted, const ConstMatrixView& target, Index row) const {
    Neighbours result;
    for (Index j = 0; j < predicted.rows(); ++j) {
      if (!is_pair(target, row, j)) continue;
      const Pair pair = measure(target, row, j, predicted.row(row).dot(predicted.row(j)));
      (pair.same ? result.same : result.other).add(pair.exponent);
    }
    return result;
  }
  static Scalar softplus(Scalar x) { return std::max(x, Scalar(0)) + std::log1p(std::exp(-std::abs(x))); }
};
inline constexpr Circle circle{};

}  // namespace maas::inline MAAS_ABI
