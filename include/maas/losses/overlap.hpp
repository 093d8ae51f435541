// Losses of overlap: how far two masks cover each other, over whole samples or the whole batch.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "maas/losses/elementwise.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// The sums over which an overlap is taken: sum of t p, of t and of p.
struct OverlapSums {
  Scalar both = 0, target = 0, predicted = 0;
  void add(const ConstMatrixView& p, const ConstMatrixView& t, Index row);
};

template <class Loss>
struct Overlap;

}  // namespace detail

/// 1 - 2 sum t p / (sum t + sum p + 1e-7): 0 where the masks are the same, 1 where they have nothing in common. `axis`
/// is what the sums go over: none, and the batch has one value, which a reduction leaves as it is; or all axes of a
/// sample (1, 2 and 3 for images), and every sample has one. Other axes throw ConfigError when training begins.
struct Dice {
  static constexpr std::string_view class_name = "Dice";
  static constexpr bool looks_at_neighbours = true;
  static constexpr bool whole_samples = true;
  std::optional<std::vector<int>> axis = std::nullopt;
  static void fields(auto& self, auto&& field) { field("axis", self.axis); }

  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void sum_gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, const ConstVectorView& weights,
                    MatrixView out) const;
  Scalar share(const ConstMatrixView& target, Index row) const;
  void check_output(const Shape& output) const;
  bool one_value() const { return !axis; }

 private:
  friend struct detail::Overlap<Dice>;
  static Scalar bottom(const detail::OverlapSums& s) { return s.target + s.predicted + detail::loss_epsilon; }
  static Scalar value(const detail::OverlapSums& s) { return Scalar(1) - Scalar(2) * s.both / bottom(s); }
  static Scalar slope_both(const detail::OverlapSums& s) { return Scalar(-2) / bottom(s); }
  static Scalar slope_predicted(const detail::OverlapSums& s) { return Scalar(2) * s.both / (bottom(s) * bottom(s)); }
};
inline const Dice dice{};

/// 1 - TP / (TP + alpha sum t (1 - p) + beta sum p (1 - t) + 1e-7), TP = sum t p: alpha weighs what is missed, beta
/// what is wrongly found (Salehi and others 2017; Keras names the two the other way round). Both 0.5: nearly Dice.
/// `axis` as for Dice.
struct Tversky {
  static constexpr std::string_view class_name = "Tversky";
  static constexpr bool looks_at_neighbours = true;
  static constexpr bool whole_samples = true;
  double alpha = 0.5, beta = 0.5;
  std::optional<std::vector<int>> axis = std::nullopt;
  static void fields(auto& self, auto&& field) {
    field("alpha", self.alpha);
    field("beta", self.beta);
    field("axis", self.axis);
  }

  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void sum_gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, const ConstVectorView& weights,
                    MatrixView out) const;
  Scalar share(const ConstMatrixView& target, Index row) const;
  void check_output(const Shape& output) const;
  bool one_value() const { return !axis; }

 private:
  friend struct detail::Overlap<Tversky>;
  Scalar missed() const { return static_cast<Scalar>(alpha); }
  Scalar wrong() const { return static_cast<Scalar>(beta); }
  /// TP (1 - alpha - beta) + alpha sum t + beta sum p + epsilon
  Scalar bottom(const detail::OverlapSums& s) const;
  Scalar value(const detail::OverlapSums& s) const { return Scalar(1) - s.both / bottom(s); }
  Scalar slope_both(const detail::OverlapSums& s) const;
  Scalar slope_predicted(const detail::OverlapSums& s) const { return s.both * wrong() / (bottom(s) * bottom(s)); }
};
inline const Tversky tversky{};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/losses/overlap-inl.hpp"
#endif
