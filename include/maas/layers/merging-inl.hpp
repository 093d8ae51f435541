// Bodies of the merging layers.
#pragma once

#include <algorithm>
#include <cmath>

#include "maas/layers/axes.hpp"
#include "maas/layers/merging.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// The shape that all inputs can be repeated to fill.
inline LayerPlan merged_plan(Shapes inputs, std::string_view where) {
  require<ShapeError>(!inputs.empty(), "{}: expected at least one input, got none", where);
  Index rank = 0;
  for (const Shape& input : inputs) rank = std::max(rank, input.rank());
  Shape output;
  for (Index axis = 0; axis < rank; ++axis) {
    Index size = 1;
    for (const Shape& input : inputs) {
      const Index own = axis - (rank - input.rank());
      if (size == 1 && own >= 0) size = input[own];
    }
    output.append(size);
  }
  for (const Shape& input : inputs)
    require<ShapeError>(can_repeat(input, output),
                        "{}: expected inputs of one shape, or that can be repeated to fit {}, got {}", where,
                        output.text(), input.text());
  return {.output = output, .mask = MaskRule::all};
}

// Masks of one step are repeated.
MAAS_INLINE void JoinedMasks::mask(const MaskPass& pass) const {
  MatrixView joined = pass.mask;
  joined.setZero();
  for (const ConstMatrixView& mask : pass.masks) {
    if (mask.cols() == joined.cols())
      joined = joined.cwiseMax(mask);
    else
      joined = joined.cwiseMax(mask.col(0).replicate(1, joined.cols()));
  }
}

/// Where in an input of shape `from` the i-th number of the output lies.
inline Index repeated_place(const Shape& from, const Shape& to, Index i) {
  Index place = 0, stride = 1;
  for (Index axis = to.rank() - 1, own = from.rank() - 1; own >= 0; --axis, --own) {
    if (from[own] != 1) place += i % to[axis] * stride;
    i /= to[axis];
    stride *= from[own];
  }
  return place;
}

/// The numbers of the inputs that meet at each number of the output, and whether they count by their masks.
struct Meeting {
  ConstMatrixViews inputs;
  Shapes shapes;
  Shape output;
  ConstMatrixViews masks;

  template <class Pass>
  explicit Meeting(const Pass& pass)
      : inputs(pass.inputs), shapes(pass.input_shapes), output(pass.output_shape), masks(pass.masks) {}

  Index place(std::size_t input, Index i) const {
    return shapes[input] == output ? i : repeated_place(shapes[input], output, i);
  }
  Scalar value(std::size_t input, Index row, Index i) const { return row_of(inputs[input], row)[place(input, i)]; }
  bool counts(std::size_t input, Index row, Index i) const {
    if (masks.empty() || masks[input].data() == nullptr) return true;
    return row_of(masks[input], row)[place(input, i) / shapes[input].last()] != Scalar(0);
  }
  bool none_counts(Index row, Index i) const {
    for (std::size_t input = 0; input < inputs.size(); ++input)
      if (counts(input, row, i)) return false;
    return true;
  }
};

/// The plan of a merging layer that passes over what masks leave out.
inline LayerPlan masked_merge_plan(Shapes inputs, std::string_view where) {
  LayerPlan plan = merged_plan(inputs, where);
  plan.sees_masks = true;
  return plan;
}

/// y = combine(combine(x_0, x_1), x_2) ...
template <class Combine>
void merge(const Forward& pass, Combine combine) {
  const Meeting meeting(pass);
  const Index size = pass.output.cols();
  for (Index row = 0; row < pass.output.rows(); ++row) {
    Scalar* y = row_of(pass.output, row);
    for (Index i = 0; i < size; ++i) y[i] = meeting.value(0, row, i);
    for (std::size_t input = 1; input < pass.inputs.size(); ++input) {
      const Scalar* x = row_of(pass.inputs[input], row);
      if (pass.input_shapes[input] == pass.output_shape) {
        for (Index i = 0; i < size; ++i) y[i] = combine(y[i], x[i]);
      } else {
        for (Index i = 0; i < size; ++i) y[i] = combine(y[i], x[meeting.place(input, i)]);
      }
    }
  }
}

/// The same over the numbers that count; `otherwise(x_0)` where none does.
template <class Combine, class Otherwise>
void merge_counting(const Forward& pass, Combine combine, Otherwise otherwise) {
  if (pass.masks.empty()) return merge(pass, combine);
  const Meeting meeting(pass);
  for (Index row = 0; row < pass.output.rows(); ++row)
    for (Index i = 0; i < pass.output.cols(); ++i) {
      Scalar y = 0;
      bool counted = false;
      for (std::size_t input = 0; input < pass.inputs.size(); ++input) {
        if (!meeting.counts(input, row, i)) continue;
        const Scalar x = meeting.value(input, row, i);
        y = counted ? combine(y, x) : x;
        counted = true;
      }
      row_of(pass.output, row)[i] = counted ? y : otherwise(meeting.value(0, row, i));
    }
}

/// d x_k = the sum of d y slope(meeting, k, row, i) over all places where x_k is repeated.
template <class Slope>
void split_gradient(const Backward& pass, Slope slope) {
  const Meeting meeting(pass);
  for (std::size_t input = 0; input < pass.inputs.size(); ++input) {
    if (!wanted(pass.input_gradients[input])) continue;
    for (Index row = 0; row < pass.output.rows(); ++row) {
      const Scalar* dy = row_of(pass.output_gradient, row);
      Scalar* dx = row_of(pass.input_gradients[input], row);
      std::fill_n(dx, pass.input_gradients[input].cols(), Scalar(0));
      for (Index i = 0; i < pass.output.cols(); ++i)
        dx[meeting.place(input, i)] += dy[i] * slope(meeting, input, row, i);
    }
  }
}

/// 1 for the first input that counts and is the output there, 0 for the others.
inline Scalar is_chosen(const Backward& pass, const Meeting& meeting, std::size_t input, Index row, Index i) {
  const Scalar y = row_of(pass.output, row)[i];
  const auto is_output = [&](std::size_t k) { return meeting.counts(k, row, i) && meeting.value(k, row, i) == y; };
  if (meeting.none_counts(row, i)) return input == 0 ? Scalar(1) : Scalar(0);
  for (std::size_t earlier = 0; earlier < input; ++earlier)
    if (is_output(earlier)) return 0;
  return is_output(input) ? Scalar(1) : Scalar(0);
}

}  // namespace detail

MAAS_INLINE LayerPlan Add::plan(Shapes inputs) const { return detail::merged_plan(inputs, class_name); }
MAAS_INLINE void Add::forward(const Forward& pass) const {
  detail::merge(pass, [](Scalar a, Scalar b) { return a + b; });
}
MAAS_INLINE void Add::backward(const Backward& pass) const {
  detail::split_gradient(pass, [](const detail::Meeting&, std::size_t, Index, Index) { return Scalar(1); });
}

MAAS_INLINE LayerPlan Subtract::plan(Shapes inputs) const {
  require<ShapeError>(inputs.size() == 2, "Subtract: expected two inputs, got {}", inputs.size());
  return detail::merged_plan(inputs, class_name);
}
MAAS_INLINE void Subtract::forward(const Forward& pass) const {
  detail::merge(pass, [](Scalar a, Scalar b) { return a - b; });
}
MAAS_INLINE void Subtract::backward(const Backward& pass) const {
  detail::split_gradient(pass, [](const detail::Meeting&, std::size_t input, Index, Index) {
    return input == 0 ? Scalar(1) : Scalar(-1);
  });
}

MAAS_INLINE LayerPlan Multiply::plan(Shapes inputs) const { return detail::masked_merge_plan(inputs, class_name); }
MAAS_INLINE void Multiply::forward(const Forward& pass) const {
  detail::merge_counting(
      pass, [](Scalar a, Scalar b) { return a * b; }, [](Scalar) { return Scalar(0); });
}
MAAS_INLINE void Multiply::backward(const Backward& pass) const {
  detail::split_gradient(pass, [](const detail::Meeting& meeting, std::size_t input, Index row, Index i) {
    if (!meeting.counts(input, row, i)) return Scalar(0);
    Scalar others = 1;
    for (std::size_t other = 0; other < meeting.inputs.size(); ++other)
      if (other != input && meeting.counts(other, row, i)) others *= meeting.value(other, row, i);
    return others;
  });
}

MAAS_INLINE LayerPlan Average::plan(Shapes inputs) const { return detail::merged_plan(inputs, class_name); }
MAAS_INLINE void Average::forward(const Forward& pass) const {
  detail::merge(pass, [](Scalar a, Scalar b) { return a + b; });
  MatrixView(pass.output) /= static_cast<Scalar>(pass.inputs.size());
}
MAAS_INLINE void Average::backward(const Backward& pass) const {
  const Scalar share = Scalar(1) / static_cast<Scalar>(pass.inputs.size());
  detail::split_gradient(pass, [=](const detail::Meeting&, std::size_t, Index, Index) { return share; });
}

MAAS_INLINE LayerPlan Maximum::plan(Shapes inputs) const { return detail::masked_merge_plan(inputs, class_name); }
MAAS_INLINE void Maximum::forward(const Forward& pass) const {
  detail::merge_counting(
      pass, [](Scalar a, Scalar b) { return b > a || b != b ? b : a; }, [](Scalar first) { return first; });
}
MAAS_INLINE void Maximum::backward(const Backward& pass) const {
  detail::split_gradient(pass, [&](const detail::Meeting& meeting, std::size_t input, Index row, Index i) {
    return detail::is_chosen(pass, meeting, input, row, i);
  });
}

MAAS_INLINE LayerPlan Minimum::plan(Shapes inputs) const { return detail::masked_merge_plan(inputs, class_name); }
MAAS_INLINE void Minimum::forward(const Forward& pass) const {
  detail::merge_counting(
      pass, [](Scalar a, Scalar b) { return b < a || b != b ? b : a; }, [](Scalar first) { return first; });
}
MAAS_INLINE void Minimum::backward(const Backward& pass) const {
  detail::split_gradient(pass, [&](const detail::Meeting& meeting, std::size_t input, Index row, Index i) {
    return detail::is_chosen(pass, meeting, input, row, i);
  });
}

MAAS_INLINE LayerPlan Concatenate::plan(Shapes inputs) const {
  require<ShapeError>(!inputs.empty(), "Concatenate: expected at least one input, got none");
  const Index along = detail::sample_axis(axis, inputs[0], class_name);
  Index size = 0;
  for (const Shape& input : inputs) {
    bool fits = input.rank() == inputs[0].rank();
    for (Index i = 0; fits && i < input.rank(); ++i) fits = i == along || input[i] == inputs[0][i];
    require<ShapeError>(fits, "Concatenate: expected inputs like {} but along axis {}, got {}", inputs[0].text(), axis,
                        input.text());
    size += input[along];
  }
  Shape output;
  for (Index i = 0; i < inputs[0].rank(); ++i) output.append(i == along ? size : inputs[0][i]);
  return {.output = output, .mask = MaskRule::any};
}

namespace detail {

/// Calls copy(input, place in the input, place in the output, count) for the pieces that make up one sample.
template <class Copy>
void for_each_piece_of(const Concatenate& layer, Shapes shapes, const Shape& output, Copy copy) {
  const Index along = sample_axis(layer.axis, output, Concatenate::class_name);
  const AxisView whole(output, along);
  Index before = 0;
  for (std::size_t input = 0; input < shapes.size(); ++input) {
    const Index count = shapes[input][along] * whole.inner;
    for (Index outer = 0; outer < whole.outer; ++outer)
      copy(input, outer * count, outer * whole.size * whole.inner + before, count);
    before += count;
  }
}

}  // namespace detail

MAAS_INLINE void Concatenate::forward(const Forward& pass) const {
  detail::for_each_piece_of(
      *this, pass.input_shapes, pass.output_shape, [&](std::size_t input, Index from, Index to, Index count) {
        for (Index row = 0; row < pass.output.rows(); ++row)
          std::copy_n(detail::row_of(pass.inputs[input], row) + from, count, detail::row_of(pass.output, row) + to);
      });
}
MAAS_INLINE void Concatenate::backward(const Backward& pass) const {
  detail::for_each_piece_of(*this, pass.input_shapes, pass.output_shape,
                            [&](std::size_t input, Index to, Index from, Index count) {
                              if (!detail::wanted(pass.input_gradients[input])) return;
                              for (Index row = 0; row < pass.output.rows(); ++row)
                                std::copy_n(detail::row_of(pass.output_gradient, row) + from, count,
                                            detail::row_of(pass.input_gradients[input], row) + to);
                            });
}

MAAS_INLINE void Concatenate::mask(const MaskPass& pass) const {
  MatrixView joined = pass.mask;
  const Index features = pass.output_shape.last();
  if (detail::sample_axis(axis, pass.output_shape, class_name) == pass.output_shape.rank() - 1) {
    joined.setZero();
    for (const ConstMatrixView& mask : pass.masks) {
      if (mask.data() == nullptr)
        joined.setOnes();
      else
        joined = joined.cwiseMax(mask);
    }
    return;
  }
  detail::for_each_piece_of(*this, pass.input_shapes, pass.output_shape,
                            [&](std::size_t input, Index from, Index to, Index count) {
                              const ConstMatrixView& mask = pass.masks[input];
                              for (Index row = 0; row < joined.rows(); ++row) {
                                Scalar* steps = detail::row_of(joined, row) + to / features;
                                if (mask.data() == nullptr)
                                  std::fill_n(steps, count / features, Scalar(1));
                                else
                                  std::copy_n(detail::row_of(mask, row) + from / features, count / features, steps);
                              }
                            });
}

namespace detail {

/// The vectors along one axis of a sample.
struct Vectors {
  AxisView view;
  Vectors(const Shape& sample, Index axis) : view(sample, axis) {}

  Index count() const { return view.outer * view.inner; }
  Index length() const { return view.size; }
  Index stride() const { return view.inner; }
  Index start(Index vector) const { return vector / view.inner * view.size * view.inner + vector % view.inner; }
};

/// Both inputs of a Dot as vectors.
struct DotVectors {
  Vectors x, y;
  DotVectors(const Dot& layer, Shapes shapes)
      : x(shapes[0], axis(layer, shapes, 0)), y(shapes[1], axis(layer, shapes, 1)) {}

  static Index axis(const Dot& layer, Shapes shapes, std::size_t input) {
    const Index given = layer.axes.list.size() == 2 ? layer.axes.list[input] : layer.axes.list[0];
    return sample_axis(given, shapes[input], Dot::class_name);
  }
};

/// What Keras' normalization multiplies a vector with: 1 / its length, at most 1e7.
inline Scalar inverse_length(const Scalar* x, Index length, Index stride) {
  Scalar sum = 0;
  for (Index k = 0; k < length; ++k) sum += x[k * stride] * x[k * stride];
  return std::min(Scalar(1) / std::sqrt(sum), Scalar(1e7));
}

/// d x for y = sum_k x_k other_k, for all vectors of one input; `gradient(v, w)` is that of the v-th with the w-th.
template <class Gradient>
void dot_gradient(const Vectors& own, const Vectors& other, const Scalar* x, const Scalar* others, Scalar* dx,
                  bool normalize, Gradient gradient) {
  for (Index v = 0; v < own.count(); ++v) {
    const Scalar* a = x + own.start(v);
    Scalar* da = dx + own.start(v);
    for (Index k = 0; k < own.length(); ++k) da[k * own.stride()] = 0;
    for (Index w = 0; w < other.count(); ++w) {
      const Scalar* b = others + other.start(w);
      const Scalar g = gradient(v, w) * (normalize ? inverse_length(b, other.length(), other.stride()) : Scalar(1));
      for (Index k = 0; k < own.length(); ++k) da[k * own.stride()] += g * b[k * other.stride()];
    }
    if (!normalize) continue;
    const Scalar scale = inverse_length(a, own.length(), own.stride());
    Scalar inner = 0;
    if (scale < Scalar(1e7))  // below that the length is a constant
      for (Index k = 0; k < own.length(); ++k) inner += da[k * own.stride()] * a[k * own.stride()] * scale;
    for (Index k = 0; k < own.length(); ++k) {
      Scalar& d = da[k * own.stride()];
      d = scale * (d - inner * a[k * own.stride()] * scale);
    }
  }
}

}  // namespace detail

MAAS_INLINE LayerPlan Dot::plan(Shapes inputs) const {
  require<ShapeError>(inputs.size() == 2, "Dot: expected two inputs, got {}", inputs.size());
  require<ConfigError>(axes.list.size() == 1 || axes.list.size() == 2, "Dot: expected one axis or two, got {}",
                       axes.list.size());
  const Index along[] = {detail::DotVectors::axis(*this, inputs, 0), detail::DotVectors::axis(*this, inputs, 1)};
  const Index sizes[] = {inputs[0][along[0]], inputs[1][along[1]]};
  require<ShapeError>(sizes[0] == sizes[1], "Dot: expected axes of one size, got {} (of {}) and {} (of {})", sizes[0],
                      inputs[0].text(), sizes[1], inputs[1].text());
  Shape output;
  for (std::size_t input : {0, 1})
    for (Index axis = 0; axis < inputs[input].rank(); ++axis)
      if (axis != along[input]) output.append(inputs[input][axis]);
  if (output.rank() == 0) output.append(1);
  return {.output = output, .mask = MaskRule::stop};
}

MAAS_INLINE void Dot::forward(const Forward& pass) const {
  const detail::DotVectors vectors(*this, pass.input_shapes);
  const detail::Vectors &rows = vectors.x, &columns = vectors.y;
  for (Index sample = 0; sample < pass.output.rows(); ++sample) {
    Scalar* y = detail::row_of(pass.output, sample);
    for (Index v = 0; v < rows.count(); ++v) {
      const Scalar* a = detail::row_of(pass.inputs[0], sample) + rows.start(v);
      const Scalar a_scale = normalize ? detail::inverse_length(a, rows.length(), rows.stride()) : Scalar(1);
      for (Index w = 0; w < columns.count(); ++w) {
        const Scalar* b = detail::row_of(pass.inputs[1], sample) + columns.start(w);
        Scalar sum = 0;
        for (Index k = 0; k < rows.length(); ++k) sum += a[k * rows.stride()] * b[k * columns.stride()];
        if (normalize) sum *= a_scale * detail::inverse_length(b, columns.length(), columns.stride());
        y[v * columns.count() + w] = sum;
      }
    }
  }
}

MAAS_INLINE void Dot::backward(const Backward& pass) const {
  const detail::DotVectors vectors(*this, pass.input_shapes);
  const Index columns = vectors.y.count();
  for (Index sample = 0; sample < pass.output.rows(); ++sample) {
    const Scalar* dy = detail::row_of(pass.output_gradient, sample);
    const Scalar* x[] = {detail::row_of(pass.inputs[0], sample), detail::row_of(pass.inputs[1], sample)};
    if (detail::wanted(pass.input_gradients[0]))
      detail::dot_gradient(vectors.x, vectors.y, x[0], x[1], detail::row_of(pass.input_gradients[0], sample), normalize,
                           [&](Index v, Index w) { return dy[v * columns + w]; });
    if (detail::wanted(pass.input_gradients[1]))
      detail::dot_gradient(vectors.y, vectors.x, x[1], x[0], detail::row_of(pass.input_gradients[1], sample), normalize,
                           [&](Index w, Index v) { return dy[v * columns + w]; });
  }
}

}  // namespace maas::inline MAAS_ABI
