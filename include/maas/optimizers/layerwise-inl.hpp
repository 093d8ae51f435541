// Optimizers that look at whole weight tensors: Lamb and Adafactor: the bodies.
#pragma once

#include "maas/optimizers/layerwise.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE std::span<const std::string_view> Lamb::slot_names() {
  static constexpr std::string_view names[] = {"momentum", "velocity"};
  return names;
}

MAAS_INLINE void Lamb::update(const Update& u) const {
  const double t = static_cast<double>(u.step);
  const ops::LambSweep whole{.w = ops::place_of(u.parameters, 0),
                             .g = u.gradient.data(),
                             .m = ops::place_of(u.slots[0], 0),
                             .v = ops::place_of(u.slots[1], 0),
                             .rest_1 = static_cast<Scalar>(1 - beta_1),
                             .rest_2 = static_cast<Scalar>(1 - beta_2),
                             .scale_1 = static_cast<Scalar>(1 / (1 - std::pow(beta_1, t))),
                             .scale_2 = static_cast<Scalar>(1 / (1 - std::pow(beta_2, t))),
                             .epsilon = static_cast<Scalar>(epsilon)};
  for (const TensorPlace& tensor : u.tensors) {
    const Index size = tensor.shape.size();
    auto sweep_at = [&](Index first) {
      ops::LambSweep sweep = whole;
      const Index place = tensor.offset + first;
      sweep.w += place, sweep.g += place, sweep.m += place, sweep.v += place;
      return sweep;
    };
    const ops::SquareSums squares =
        ops::sum_over_runs(size, [&](Index first, Index count) { return ops::lamb_moments(count, sweep_at(first)); });
    const double length = std::sqrt(squares.w), reach = std::sqrt(squares.r);
    const double trust = length > 0 && reach > 0 ? length / reach : 1;
    const Scalar step = static_cast<Scalar>(trust * u.learning_rate);
    ops::for_each_run(size, [&](Index first, Index count) { ops::lamb_step(count, sweep_at(first), step); });
  }
}

MAAS_INLINE std::span<const std::string_view> Adafactor::slot_names() {
  static constexpr std::string_view names[] = {"r", "c", "velocity"};
  return names;
}

namespace detail {

// Where a tensor, or a matrix of a stack, lies in the buffers. A tensor of one axis is one row: `c` its velocity, and
// no `r`, nor `v`. That of others follows from the means, and is scratch until the end of a step.
struct AdafactorPart {
  Index rows, columns;
  Scalar* w;
  const Scalar* g;
  Scalar *r, *c, *v;

  bool is_matrix() const { return r != nullptr; }
  ops::Shares shares() const { return is_matrix() ? ops::shares_of_rows(rows, columns) : ops::shares_of(columns); }

  /// The direction of a share.
  ops::AdafactorDirection direction(Index first, Index count, Scalar mean) const {
    if (!is_matrix()) return {.rows = 1, .columns = count, .g = g + first, .r = nullptr, .c = c + first, .mean = mean};
    return {.rows = count, .columns = columns, .g = g + first * columns, .r = r + first, .c = c, .mean = mean};
  }
};

// The mean of the rows' means, from four running sums; 1 without any.
inline Scalar mean_of_rows(const AdafactorPart& part) {
  if (!part.is_matrix()) return 1;
  double sums[4] = {};
  for (Index row = 0; row < part.rows; ++row) sums[row % 4] += static_cast<double>(part.r[row]);
  return static_cast<Scalar>(((sums[0] + sums[2]) + (sums[1] + sums[3])) / static_cast<double>(part.rows));
}

// Takes the gradient's squares into the means.
inline void take_squares(const AdafactorPart& part, Scalar keep, Scalar epsilon) {
  const Scalar rest = Scalar(1) - keep;
  const ops::Shares shares = part.shares();
  if (!part.is_matrix()) {
    ops::for_each_share(shares, [&](Index, Index first, Index count) {
      ops::adafactor_numbers(
          count, {.g = part.g + first, .v = part.c + first, .keep = keep, .rest = rest, .epsilon = epsilon});
    });
    return;
  }
  // The sums of each share's columns lie in its first row.
  ops::for_each_share(shares, [&](Index, Index first, Index count) {
    ops::adafactor_rows({.rows = count,
                         .columns = part.columns,
                         .g = part.g + first * part.columns,
                         .r = part.r + first,
                         .sums = part.v + first * part.columns,
                         .keep = keep,
                         .rest = rest,
                         .epsilon = epsilon});
  });
  ops::adafactor_columns({.rows = part.rows,
                          .columns = part.columns,
                          .parts = shares.count(),
                          .stride = shares.share * part.columns,
                          .sums = part.v,
                          .c = part.c,
                          .keep = keep,
                          .rest = rest,
                          .epsilon = epsilon});
}

// Gives the sum of squares of the direction.
inline double sum_of_direction(const AdafactorPart& part) {
  const Scalar mean = mean_of_rows(part);
  return ops::sum_of_shares(part.shares(), [&](Index first, Index count) {
    return ops::adafactor_squares(part.direction(first, count, mean));
  });
}

inline void step_along(const AdafactorPart& part, Scalar step) {
  const Scalar mean = mean_of_rows(part);
  ops::for_each_share(part.shares(), [&](Index, Index first, Index count) {
    const Index place = part.is_matrix() ? first * part.columns : first;
    ops::adafactor_step(part.direction(first, count, mean), step, part.w + place,
                        part.is_matrix() ? part.v + place : nullptr);
  });
}

// Calls visit(part) for a tensor of one axis, or for every matrix in the stack of another.
template <class Visit>
void for_each_adafactor_part(const TensorPlace& tensor, const Update& u, Visit&& visit) {
  const Index size = tensor.shape.size(), rank = tensor.shape.rank(), start = tensor.offset;
  Scalar *w = ops::place_of(u.parameters, start), *v = ops::place_of(u.slots[2], start);
  const Scalar* g = u.gradient.data() + start;
  if (rank < 2)
    return visit(AdafactorPart{.rows = 1, .columns = size, .w = w, .g = g, .r = nullptr, .c = v, .v = nullptr});
  const Index columns = tensor.shape.last(), rows = tensor.shape[rank - 2];
  for (Index i = 0, first = 0; first < size; ++i, first += rows * columns)
    visit(AdafactorPart{.rows = rows,
                        .columns = columns,
                        .w = w + first,
                        .g = g + first,
                        .r = ops::place_of(u.slots[0], start + i * rows),
                        .c = ops::place_of(u.slots[1], start + i * columns),
                        .v = v + first});
}

}  // namespace detail

MAAS_INLINE void Adafactor::update(const Update& u) const {
  const double t = static_cast<double>(u.step);
  const double rate = relative_step ? std::min(u.learning_rate, 1 / std::sqrt(t)) : u.learning_rate;
  const Scalar keep = static_cast<Scalar>(1 - std::pow(t, beta_2_decay));
  const Scalar small = std::max(static_cast<Scalar>(epsilon_1), std::numeric_limits<Scalar>::min());
  for (const TensorPlace& tensor : u.tensors) {
    const Index size = tensor.shape.size();
    if (size == 0) continue;
    auto root_of_mean = [&](double sum) { return std::sqrt(sum / static_cast<double>(size)); };
    const double weights = ops::sum_over_runs(size, [&](Index first, Index count) {
      return ops::sum_of_squares(count, u.parameters.data() + tensor.offset + first);
    });
    const double alpha = std::max(epsilon_2, root_of_mean(weights)) * rate;
    double squares = 0;
    detail::for_each_adafactor_part(tensor, u, [&](const detail::AdafactorPart& part) {
      detail::take_squares(part, keep, small);
      squares += detail::sum_of_direction(part);
    });
    const Scalar step = static_cast<Scalar>(alpha / std::max(1.0, root_of_mean(squares) / clip_threshold));
    detail::for_each_adafactor_part(tensor, u,
                                    [&](const detail::AdafactorPart& part) { detail::step_along(part, step); });
  }
}

}  // namespace maas::inline MAAS_ABI
