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
  const Scalar rest_1 = static_cast<Scalar>(1 - beta_1), rest_2 = static_cast<Scalar>(1 - beta_2);
  const Scalar correction_1 = static_cast<Scalar>(1 - std::pow(beta_1, t)),
               correction_2 = static_cast<Scalar>(1 - std::pow(beta_2, t));
  const Scalar small = static_cast<Scalar>(epsilon);
  for (const TensorPlace& tensor : u.tensors) {
    const Index count = tensor.shape.size();
    VectorView w = ops::part_of(u.parameters, tensor.offset, count);
    VectorView m = ops::part_of(u.slots[0], tensor.offset, count), v = ops::part_of(u.slots[1], tensor.offset, count);
    const auto g = u.gradient.segment(tensor.offset, count).array();
    m.array() += (g - m.array()) * rest_1;
    v.array() += (g.square() - v.array()) * rest_2;
    const auto r = (m.array() / correction_1) / ((v.array() / correction_2).sqrt() + small);
    const double length = std::sqrt(static_cast<double>(w.squaredNorm()));
    const double reach = std::sqrt(static_cast<double>(r.square().sum()));
    const double trust = length > 0 && reach > 0 ? length / reach : 1;
    w.array() -= static_cast<Scalar>(trust * u.learning_rate) * r;
  }
}

MAAS_INLINE std::span<const std::string_view> Adafactor::slot_names() {
  static constexpr std::string_view names[] = {"r", "c", "velocity"};
  return names;
}

MAAS_INLINE void Adafactor::update(const Update& u) const {
  const double t = static_cast<double>(u.step);
  const double rate = relative_step ? std::min(u.learning_rate, 1 / std::sqrt(t)) : u.learning_rate;
  const Scalar keep = static_cast<Scalar>(1 - std::pow(t, beta_2_decay));
  for (const TensorPlace& tensor : u.tensors) {
    const Index count = tensor.shape.size();
    if (count == 0) continue;
    VectorView w = ops::part_of(u.parameters, tensor.offset, count);
    VectorView v = ops::part_of(u.slots[2], tensor.offset, count);
    const ConstVectorView g(u.gradient.data() + tensor.offset, count);
    const double alpha = std::max(epsilon_2, root_mean_square(w)) * rate;
    if (tensor.shape.rank() < 2)
      v.array() = keep * v.array() + (Scalar(1) - keep) * (g.array().square() + small());
    else
      factored_squares(tensor, g, u, keep, v);
    const auto direction = v.array().rsqrt() * g.array();
    const double size = std::sqrt(static_cast<double>(direction.square().mean()));
    w.array() -= static_cast<Scalar>(alpha / std::max(1.0, size / clip_threshold)) * direction;
  }
}

MAAS_INLINE double Adafactor::root_mean_square(const VectorView& x) {
  return std::sqrt(static_cast<double>(x.squaredNorm()) / static_cast<double>(x.size()));
}

MAAS_INLINE void Adafactor::factored_squares(const TensorPlace& tensor, const ConstVectorView& g, const Update& u,
                                             Scalar keep, VectorView v) const {
  const Index columns = tensor.shape.last(), rows = tensor.shape[tensor.shape.rank() - 2];
  const Index stack = g.size() / (rows * columns);
  for (Index i = 0; i < stack; ++i) {
    const ConstMatrixView part(g.data() + i * rows * columns, rows, columns);
    VectorView r = ops::part_of(u.slots[0], tensor.offset + i * rows, rows);
    VectorView c = ops::part_of(u.slots[1], tensor.offset + i * columns, columns);
    const auto squares = part.array().square() + small();
    r.array() = keep * r.array() + (Scalar(1) - keep) * squares.rowwise().mean();
    c.array() = keep * c.array() + (Scalar(1) - keep) * squares.colwise().mean().transpose();
    const Scalar mean = r.mean();
    MatrixView estimate(v.data() + i * rows * columns, rows, columns);
    for (Index row = 0; row < rows; ++row) estimate.row(row) = (r[row] / mean) * c.transpose();
  }
}

}  // namespace maas::inline MAAS_ABI
