// The step of Levenberg and Marquardt.
#pragma once

#include <algorithm>
#include <cmath>

#include "maas/ops/update.hpp"
#include "maas/optimizers/levenberg_marquardt.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// How many weights there are, without the padding between tensors.
inline Index weight_count(std::span<const TensorPlace> tensors) {
  Index count = 0;
  for (const TensorPlace& tensor : tensors) count += tensor.shape.size();
  return count;
}

/// Takes a symmetric matrix, of which the lower half is read and overwritten, apart into L L'. False if it is not
/// positive definite.
inline bool cholesky(Eigen::Map<Eigen::MatrixXd>& a) {
  for (Index j = 0; j < a.rows(); ++j) {
    double pivot = a(j, j);
    for (Index k = 0; k < j; ++k) pivot -= a(j, k) * a(j, k);
    if (!(pivot > 0)) return false;
    a(j, j) = std::sqrt(pivot);
    for (Index i = j + 1; i < a.rows(); ++i) {
      double sum = a(i, j);
      for (Index k = 0; k < j; ++k) sum -= a(i, k) * a(j, k);
      a(i, j) = sum / a(j, j);
    }
  }
  return true;
}

/// x = (L L')^-1 x.
inline void cholesky_solve(const Eigen::Map<Eigen::MatrixXd>& l, Eigen::Map<Eigen::VectorXd>& x) {
  for (Index i = 0; i < x.size(); ++i) {
    for (Index k = 0; k < i; ++k) x[i] -= l(i, k) * x[k];
    x[i] /= l(i, i);
  }
  for (Index i = x.size() - 1; i >= 0; --i) {
    for (Index k = i + 1; k < x.size(); ++k) x[i] -= l(k, i) * x[k];
    x[i] /= l(i, i);
  }
}

/// J'J and J'r, added up residual by residual, over the weights without padding.
class NormalEquations final : public ResidualSink {
 public:
  NormalEquations(const Update& update, Index count)
      : u_(update),
        matrix(update.scratch.data(), count, count),
        factor(matrix.data() + count * count, count, count),
        right(factor.data() + count * count, count),
        step(right.data() + count, count),
        start(step.data() + count, count),
        row_(start.data() + count, count) {
    matrix.setZero();
    right.setZero();
    for_each_weight([&](Index i, Index place) { start[i] = static_cast<double>(u_.parameters[place]); });
  }

  void add(double residual, const ConstVectorView& derivative) override {
    for_each_weight([&](Index i, Index place) { row_[i] = static_cast<double>(derivative[place]); });
    right += residual * row_;
    for (Index column = 0; column < row_.size(); ++column) {
      if (row_[column] == 0) continue;
      const Index rest = row_.size() - column;
      matrix.col(column).tail(rest) += row_[column] * row_.tail(rest);
    }
  }

  /// The step under this damping; false if there is none.
  bool solve(double damping) {
    factor = matrix;
    // The same for all weights: along those that move little the step stays short, too. In parts of the mean, so that
    // it does not depend on the unit of the targets.
    const double added = damping * matrix.diagonal().mean();
    for (Index i = 0; i < right.size(); ++i) factor(i, i) += added;
    if (!cholesky(factor)) return false;
    step = right;
    cholesky_solve(factor, step);
    return step.allFinite();
  }

  /// Weights = start - share * step. False if rounding leaves them where they were.
  bool go(double share) {
    bool moved = false;
    Scalar* weights = ops::place_of(u_.parameters, 0);
    for_each_weight([&](Index i, Index place) {
      weights[place] = static_cast<Scalar>(start[i] - share * step[i]);
      moved = moved || static_cast<double>(weights[place]) != start[i];
    });
    return moved;
  }

 private:
  template <class Visit>
  void for_each_weight(Visit&& visit) const {
    Index i = 0;
    for (const TensorPlace& tensor : u_.tensors)
      for (Index k = 0; k < tensor.shape.size(); ++k) visit(i++, tensor.offset + k);
  }

  const Update& u_;

 public:
  Eigen::Map<Eigen::MatrixXd> matrix, factor;
  Eigen::Map<Eigen::VectorXd> right, step, start;

 private:
  Eigen::Map<Eigen::VectorXd> row_;
};

}  // namespace detail

MAAS_INLINE Index LevenbergMarquardt::scratch_size(Index, std::span<const TensorPlace> tensors) const {
  require<ConfigError>(damping > 0, "LevenbergMarquardt: expected a damping above 0, got {}", damping);
  const Index count = detail::weight_count(tensors);
  require<ConfigError>(
      count <= max_parameters,
      "LevenbergMarquardt: expected at most max_parameters = {} weights, since it takes memory in their "
      "square, got {}; use Lbfgs instead",
      max_parameters, count);
  return 2 * count * count + 4 * count;
}

MAAS_INLINE void LevenbergMarquardt::step_with(const Update& update, Objective& objective) const {
  constexpr double least = 1e-12, most = 1e12;
  if (detail::weight_count(update.tensors) == 0) return;  // a network all of whose layers are frozen, say
  detail::NormalEquations equations(update, detail::weight_count(update.tensors));
  objective.residuals(equations);
  double& damping_now = update.scalars[0];
  for (; damping_now <= most; damping_now *= 2) {
    if (!equations.solve(damping_now)) continue;
    if (!equations.go(update.learning_rate)) break;
    if (objective.loss() < update.loss) {
      damping_now = std::max(damping_now / 10, least);
      return;
    }
  }
  equations.go(0);  // nothing is lower
  damping_now = damping;
}

}  // namespace maas::inline MAAS_ABI
