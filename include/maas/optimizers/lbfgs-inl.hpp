// The step of L-BFGS.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "maas/ops/update.hpp"
#include "maas/optimizers/lbfgs.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// Sums in double whatever the precision of the weights, in order: small networks, so exactness comes first.
template <class A, class B>
double dot_in_double(const A& a, const B& b) {
  double sum = 0;
  for (Index i = 0; i < static_cast<Index>(a.size()); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

/// What a step of L-BFGS works on.
class LbfgsStep {
 public:
  LbfgsStep(const Lbfgs& rule, const Update& update, Objective& objective)
      : rule_(rule),
        u_(update),
        objective_(objective),
        size_(update.parameters.size()),
        direction_(update.scratch.data(), size_),
        start_(direction_.data() + size_, size_),
        start_gradient_(start_.data() + size_, size_) {}

  void run() {
    start_ = u_.parameters.cast<double>();
    start_gradient_ = u_.gradient.cast<double>();
    if (!find_direction()) return;
    if (search())
      remember();
    else
      forget();
  }

 private:
  using Doubles = Eigen::Map<Eigen::VectorXd>;

  Index moves() const { return static_cast<Index>(u_.scalars[0]); }
  /// The slot of a move, counted from the newest.
  std::size_t place(Index age) const {
    const Index memory = rule_.memory, next = static_cast<Index>(u_.scalars[1]);
    return static_cast<std::size_t>((next - 1 - age + 2 * memory) % memory);
  }
  const VectorView& move(Index age) const { return u_.slots[place(age)]; }
  const VectorView& change(Index age) const { return u_.slots[place(age) + static_cast<std::size_t>(rule_.memory)]; }
  void forget() { u_.scalars[0] = 0; }

  /// -H g; the plain way down where nothing is remembered, or where H does not lead down. False at a flat place.
  bool find_direction() {
    std::array<double, Lbfgs::most_memory> parts{};
    direction_ = start_gradient_;
    for (Index age = 0; age < moves(); ++age) {
      double& part = parts[static_cast<std::size_t>(age)];
      part = dot_in_double(move(age), direction_) / dot_in_double(move(age), change(age));
      direction_ -= part * change(age).cast<double>();
    }
    if (moves() > 0) direction_ *= dot_in_double(move(0), change(0)) / dot_in_double(change(0), change(0));
    for (Index age = moves() - 1; age >= 0; --age) {
      const double part = dot_in_double(change(age), direction_) / dot_in_double(move(age), change(age));
      direction_ += (parts[static_cast<std::size_t>(age)] - part) * move(age).cast<double>();
    }
    direction_ = -direction_;
    slope_ = dot_in_double(start_gradient_, direction_);
    if (moves() > 0 && slope_ < 0) return true;
    forget();
    const double steepness = start_gradient_.lpNorm<1>();
    if (!(steepness > 0) || !std::isfinite(steepness)) return false;
    direction_ = -start_gradient_ * std::min(1.0, 1.0 / steepness);
    slope_ = dot_in_double(start_gradient_, direction_);
    return true;
  }

  void go_to(double length) {
    Scalar* weights = ops::place_of(u_.parameters, 0);
    for (Index i = 0; i < size_; ++i) weights[i] = static_cast<Scalar>(start_[i] + length * direction_[i]);
  }

  /// Looks for a length between one that is too short and one that is too long. True where the weights are at a point
  /// that will do and the gradient is of there; else they are at the longest that went down enough, or at the start.
  bool search() {
    constexpr double enough = 1e-4, flatter = 0.9;
    // Near the minimum the loss cannot be told from its rounding; there the slope alone decides (Hager and Zhang 2005).
    const double rounding = 10 * static_cast<double>(std::numeric_limits<Scalar>::epsilon()) * std::abs(u_.loss);
    double low = 0, high = std::numeric_limits<double>::infinity(), length = u_.learning_rate;
    for (int evaluation = 0; evaluation < rule_.max_evaluations; ++evaluation) {
      go_to(length);
      const double loss = objective_.gradient();
      const double slope = dot_in_double(u_.gradient, direction_);
      const bool lower = loss <= u_.loss + enough * length * slope_;
      const bool level = loss <= u_.loss + rounding && slope <= (2 * enough - 1) * slope_;
      if (!lower && !level)
        high = length;
      else if (slope < flatter * slope_)
        low = length;
      else
        return true;
      length = std::isfinite(high) ? 0.5 * (low + high) : 2 * low;
    }
    go_to(low);
    return false;
  }

  void remember() {
    const std::size_t next = static_cast<std::size_t>(u_.scalars[1]), memory = static_cast<std::size_t>(rule_.memory);
    VectorView &move = u_.slots[next], &change = u_.slots[next + memory];
    // A move along which the slope did not rise says nothing of the curvature: it is not remembered.
    double along = 0, moved = 0, changed = 0;
    for (Index i = 0; i < size_; ++i) {
      const double s = static_cast<double>(u_.parameters[i]) - start_[i];
      const double y = static_cast<double>(u_.gradient[i]) - start_gradient_[i];
      along += s * y, moved += s * s, changed += y * y;
    }
    if (!(along > 1e-10 * std::sqrt(moved * changed))) return;
    for (Index i = 0; i < size_; ++i) {
      move[i] = static_cast<Scalar>(static_cast<double>(u_.parameters[i]) - start_[i]);
      change[i] = static_cast<Scalar>(static_cast<double>(u_.gradient[i]) - start_gradient_[i]);
    }
    u_.scalars[0] = std::min(u_.scalars[0] + 1, static_cast<double>(rule_.memory));
    u_.scalars[1] = static_cast<double>((next + 1) % memory);
  }

  const Lbfgs& rule_;
  const Update& u_;
  Objective& objective_;
  Index size_;
  Doubles direction_, start_, start_gradient_;
  double slope_ = 0;  // of the loss along the direction, at the start
};

}  // namespace detail

MAAS_INLINE std::span<const std::string_view> Lbfgs::slot_names() const {
  require<ConfigError>(memory >= 1 && memory <= most_memory, "Lbfgs: expected a memory of 1 to {}, got {}", most_memory,
                       memory);
  require<ConfigError>(max_evaluations >= 1, "Lbfgs: expected max_evaluations of at least 1, got {}", max_evaluations);
  // "move_0", ... for the largest memory; a smaller one takes the first of each kind.
  struct Names {
    Names() {
      for (int count = 1; count <= most_memory; ++count)
        for (const char* kind : {"move_", "change_"})
          for (int i = 0; i < count; ++i) texts[static_cast<std::size_t>(count)].push_back(kind + std::to_string(i));
      for (std::size_t count = 1; count <= most_memory; ++count)
        views[count].assign(texts[count].begin(), texts[count].end());
    }
    std::array<std::vector<std::string>, most_memory + 1> texts;
    std::array<std::vector<std::string_view>, most_memory + 1> views;
  };
  static const Names names;
  return names.views[static_cast<std::size_t>(memory)];
}

MAAS_INLINE void Lbfgs::step_with(const Update& update, Objective& objective) const {
  detail::LbfgsStep(*this, update, objective).run();
}

}  // namespace maas::inline MAAS_ABI
