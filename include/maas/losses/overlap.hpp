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
  void add(const ConstMatrixView& p, const ConstMatrixView& t, Index row) {
    both += p.row(row).dot(t.row(row));
    target += t.row(row).sum();
    predicted += p.row(row).sum();
  }
};

/// What losses of overlap share. Each gives the value of some sums, and the slopes along `both` and `predicted`; a row
/// is one whole sample. Without `axis` the sums go over the batch, whose value every row then has.
template <class Loss>
struct Overlap {
  static void values(const Loss& loss, const ConstMatrixView& predicted, const ConstMatrixView& target,
                     VectorView out) {
    if (!loss.axis) {
      out.setConstant(loss.value(all_rows(predicted, target)));
      return;
    }
    for (Index row = 0; row < predicted.rows(); ++row) out[row] = loss.value(one_row(predicted, target, row));
  }

  static void sum_gradient(const Loss& loss, const ConstMatrixView& predicted, const ConstMatrixView& target,
                           const ConstVectorView& weights, MatrixView out) {
    const bool weighted = weights.size() > 0;
    if (!loss.axis) {
      const OverlapSums sums = all_rows(predicted, target);
      const Scalar part = weighted ? weights.mean() : Scalar(1);
      out = part * (loss.slope_both(sums) * target.array() + loss.slope_predicted(sums)).matrix();
      return;
    }
    for (Index row = 0; row < predicted.rows(); ++row) {
      const OverlapSums sums = one_row(predicted, target, row);
      const Scalar part = weighted ? weights[row] : Scalar(1);
      out.row(row) = part * (loss.slope_both(sums) * target.row(row).array() + loss.slope_predicted(sums)).matrix();
    }
  }

  /// The batch has one value, of which every row is a share.
  static Scalar share(const Loss& loss, const ConstMatrixView& target) {
    return loss.axis ? Scalar(1) : Scalar(1) / static_cast<Scalar>(target.rows());
  }

  /// Axes count as in Keras, the batch's being 0; all the others must be there, or none be named.
  static void check_output(const Loss& loss, const Shape& output) {
    if (!loss.axis) return;
    const Index rank = output.rank() + 1;
    std::vector<bool> named(static_cast<std::size_t>(rank), false);
    bool right = static_cast<Index>(loss.axis->size()) == output.rank();
    for (int axis : *loss.axis) {
      const Index place = axis < 0 ? axis + rank : axis;
      right = right && place >= 1 && place < rank && !named[static_cast<std::size_t>(place)];
      if (right) named[static_cast<std::size_t>(place)] = true;
    }
    require<ConfigError>(right, "{}: expected as axis all axes but the batch's, 1 to {}, or none; got {}",
                         Loss::class_name, output.rank(), to_config(loss.axis).text());
  }

 private:
  static OverlapSums one_row(const ConstMatrixView& predicted, const ConstMatrixView& target, Index row) {
    OverlapSums sums;
    sums.add(predicted, target, row);
    return sums;
  }
  static OverlapSums all_rows(const ConstMatrixView& predicted, const ConstMatrixView& target) {
    OverlapSums sums;
    for (Index row = 0; row < predicted.rows(); ++row) sums.add(predicted, target, row);
    return sums;
  }
};

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

  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    detail::Overlap<Dice>::values(*this, predicted, target, out);
  }
  void sum_gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, const ConstVectorView& weights,
                    MatrixView out) const {
    detail::Overlap<Dice>::sum_gradient(*this, predicted, target, weights, out);
  }
  Scalar share(const ConstMatrixView& target, Index) const { return detail::Overlap<Dice>::share(*this, target); }
  void check_output(const Shape& output) const { detail::Overlap<Dice>::check_output(*this, output); }
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

  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    detail::Overlap<Tversky>::values(*this, predicted, target, out);
  }
  void sum_gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, const ConstVectorView& weights,
                    MatrixView out) const {
    detail::Overlap<Tversky>::sum_gradient(*this, predicted, target, weights, out);
  }
  Scalar share(const ConstMatrixView& target, Index) const { return detail::Overlap<Tversky>::share(*this, target); }
  void check_output(const Shape& output) const { detail::Overlap<Tversky>::check_output(*this, output); }
  bool one_value() const { return !axis; }

 private:
  friend struct detail::Overlap<Tversky>;
  Scalar missed() const { return static_cast<Scalar>(alpha); }
  Scalar wrong() const { return static_cast<Scalar>(beta); }
  /// TP (1 - alpha - beta) + alpha sum t + beta sum p + epsilon
  Scalar bottom(const detail::OverlapSums& s) const {
    return s.both + missed() * (s.target - s.both) + wrong() * (s.predicted - s.both) + detail::loss_epsilon;
  }
  Scalar value(const detail::OverlapSums& s) const { return Scalar(1) - s.both / bottom(s); }
  Scalar slope_both(const detail::OverlapSums& s) const {
    const Scalar b = bottom(s);
    return s.both * (Scalar(1) - missed() - wrong()) / (b * b) - Scalar(1) / b;
  }
  Scalar slope_predicted(const detail::OverlapSums& s) const { return s.both * wrong() / (bottom(s) * bottom(s)); }
};
inline const Tversky tversky{};

}  // namespace maas::inline MAAS_ABI
