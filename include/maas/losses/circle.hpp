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

  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void sum_gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, const ConstVectorView& weights,
                    MatrixView out) const;
  Index target_columns(Index) const { return 1; }
  Scalar share(const ConstMatrixView& target, Index row) const;
  void check_targets(const ConstMatrixView& target, Index) const;
  void check_output(const Shape& output) const;

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

  bool is_pair(const ConstMatrixView& target, Index i, Index j) const;
  Pair measure(const ConstMatrixView& target, Index i, Index j, Scalar cosine) const;
  Neighbours neighbours(const ConstMatrixView& predicted, const ConstMatrixView& target, Index row) const;
  static Scalar softplus(Scalar x) { return std::max(x, Scalar(0)) + std::log1p(std::exp(-std::abs(x))); }
};
inline constexpr Circle circle{};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/losses/circle-inl.hpp"
#endif
