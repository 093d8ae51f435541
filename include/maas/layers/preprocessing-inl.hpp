// Bodies of the preprocessing layers.
#pragma once

#include <algorithm>
#include <cmath>

#include "maas/initializers/constant.hpp"
#include "maas/layers/axes.hpp"
#include "maas/layers/preprocessing.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline Config nested_list(const Numbers& numbers, Index axis, Index& next) {
  if (axis == numbers.shape.rank()) return numbers.values[static_cast<std::size_t>(next++)];
  Config::List list;
  for (Index i = 0; i < numbers.shape[axis]; ++i) list.push_back(nested_list(numbers, axis + 1, next));
  return list;
}

inline void read_nested(const Config& config, std::string_view where, Index axis, Numbers& numbers) {
  if (axis == numbers.shape.rank()) return numbers.values.push_back(config.as_real(where));
  const Config::List& list = config.as_list(where);
  require<ConfigError>(static_cast<Index>(list.size()) == numbers.shape[axis],
                       "{}: expected lists of one length, got {} and {}", where, numbers.shape[axis], list.size());
  for (const Config& element : list) read_nested(element, where, axis + 1, numbers);
}

}  // namespace detail

MAAS_INLINE Config to_config(const Numbers& numbers) {
  Index next = 0;
  return detail::nested_list(numbers, 0, next);
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, Numbers& numbers) {
  numbers.shape = Shape{};
  numbers.values.clear();
  for (const Config* level = &config; level->is_list(); level = &level->as_list()[0]) {
    require<ConfigError>(numbers.shape.rank() < Shape::max_rank, "{}: expected lists of at most {} levels", where,
                         Shape::max_rank);
    numbers.shape.append(static_cast<Index>(level->as_list().size()));
    if (level->as_list().empty()) break;
  }
  detail::read_nested(config, where, 0, numbers);
}

namespace detail {

/// The axes that have figures of their own, and the shape of these figures.
struct KeptAxes {
  AxisSet set;
  Shape shape;
  KeptAxes(const Normalization& layer, const Shape& sample)
      : set(sample_axes(layer.axis, sample, Normalization::class_name)) {
    for (Index axis = 0; axis < sample.rank(); ++axis)
      if (has_axis(set, axis)) shape.append(sample[axis]);
  }
};

/// For each number of a sample, where its mean and variance are. Given figures are repeated to fill the kept axes.
inline StridedWalk walk_figures(const Normalization& layer, const Shape& sample) {
  const KeptAxes kept(layer, sample);
  if (!layer.mean) return walk_reduced(sample, kept.set);
  const Shape& given = layer.mean->shape;
  StridedWalk walk;
  Index own = given.rank() - kept.shape.rank();  // matched from the last
  for (Index axis = 0; axis < sample.rank(); ++axis) {
    Index stride = 0;
    if (has_axis(kept.set, axis)) {
      if (own >= 0 && given[own] != 1) stride = stride_of(given, own);
      ++own;
    }
    walk.add(sample[axis], stride);
  }
  return walk;
}

/// Calls visit(row, i, mean, deviation) for all numbers of a batch.
template <class Visit>
void visit_normalization(const Normalization& layer, const Shape& sample, Index batch, ConstMatrixViews parameters,
                         Visit visit) {
  const StridedWalk walk = walk_figures(layer, sample);
  auto deviation = [](Scalar variance) { return std::max(std::sqrt(variance), Scalar(1e-7)); };
  for (Index row = 0; row < batch; ++row)
    walk.for_each([&](Index i, Index place) {
      const std::size_t given = static_cast<std::size_t>(place);
      if (layer.mean)
        visit(row, i, static_cast<Scalar>(layer.mean->values[given]),
              deviation(static_cast<Scalar>(layer.variance->values[given])));
      else
        visit(row, i, parameters[0].data()[place], deviation(parameters[1].data()[place]));
    });
}

}  // namespace detail

MAAS_INLINE LayerPlan Normalization::plan(Shapes inputs) const {
  const Shape& input = detail::only_input(inputs, class_name);
  const detail::KeptAxes kept(*this, input);
  require<ConfigError>(mean.has_value() == variance.has_value(),
                       "Normalization: expected both mean and variance or none of them, got only {}",
                       mean ? "mean" : "variance");
  LayerPlan plan{.output = input};
  if (mean) {
    require<ConfigError>(mean->shape == variance->shape && detail::can_repeat(mean->shape, kept.shape),
                         "Normalization: expected a mean and a variance of shape {}, got {} and {}", kept.shape.text(),
                         mean->shape.text(), variance->shape.text());
    return plan;
  }
  plan.parameters.push_back({.name = "mean", .shape = kept.shape, .initial = zeros, .trainable = false});
  plan.parameters.push_back({.name = "variance", .shape = kept.shape, .initial = ones, .trainable = false});
  plan.parameters.push_back({.name = "count", .shape = Shape{}, .initial = zeros, .trainable = false});
  return plan;
}

MAAS_INLINE void Normalization::forward(const Forward& pass) const {
  const Index columns = pass.output.cols();
  const Scalar* x = pass.inputs[0].data();
  Scalar* y = detail::numbers(pass.output);
  detail::visit_normalization(*this, pass.input_shapes[0], pass.output.rows(), pass.parameters,
                              [&](Index row, Index i, Scalar center, Scalar deviation) {
                                const Index k = row * columns + i;
                                y[k] = invert ? center + x[k] * deviation : (x[k] - center) / deviation;
                              });
}

MAAS_INLINE void Normalization::backward(const Backward& pass) const {
  if (!detail::wanted(pass.input_gradients[0])) return;
  const Index columns = pass.output.cols();
  const Scalar* dy = pass.output_gradient.data();
  Scalar* dx = detail::numbers(pass.input_gradients[0]);
  detail::visit_normalization(*this, pass.input_shapes[0], pass.output.rows(), pass.parameters,
                              [&](Index row, Index i, Scalar, Scalar deviation) {
                                const Index k = row * columns + i;
                                dx[k] = invert ? dy[k] * deviation : dy[k] / deviation;
                              });
}

MAAS_INLINE Normalization Normalization::adapted(const TrainingRows& training, std::optional<Shape> shape) const {
  const Matrix& samples = training.values();
  const Shape sample = shape ? *shape : Shape{samples.cols()};
  require<DataError>(samples.rows() > 0, "Normalization: expected at least one sample to adapt to, got none");
  require<ShapeError>(sample.size() == samples.cols(), "Normalization: expected {} numbers a sample ({}), got {}",
                      sample.size(), sample.text(), samples.cols());
  const detail::KeptAxes kept(*this, sample);
  const detail::StridedWalk walk = detail::walk_reduced(sample, kept.set);
  const std::size_t figures = static_cast<std::size_t>(kept.shape.size());
  const double count = static_cast<double>(samples.size()) / static_cast<double>(figures);
  std::vector<double> means(figures, 0.0), variances(figures, 0.0);
  for (Index row = 0; row < samples.rows(); ++row)
    walk.for_each([&](Index i, Index place) {
      means[static_cast<std::size_t>(place)] += static_cast<double>(samples(row, i)) / count;
    });
  for (Index row = 0; row < samples.rows(); ++row)
    walk.for_each([&](Index i, Index place) {
      const double deviation = static_cast<double>(samples(row, i)) - means[static_cast<std::size_t>(place)];
      variances[static_cast<std::size_t>(place)] += deviation * deviation / count;
    });
  Normalization result = *this;
  result.mean = Numbers(std::move(means));
  result.variance = Numbers(std::move(variances));
  result.mean->shape = result.variance->shape = kept.shape;
  return result;
}

MAAS_INLINE LayerPlan Rescaling::plan(Shapes inputs) const {
  const Shape& input = detail::only_input(inputs, class_name);
  for (const Numbers* numbers : {&scale, &offset})
    require<ConfigError>(detail::can_repeat(numbers->shape, input),
                         "Rescaling: expected numbers that can be repeated to fill samples of {}, got {}", input.text(),
                         numbers->shape.text());
  return {.output = input};
}

namespace detail {

/// y = x factors, repeated to fit.
inline void multiply_repeated(const Numbers& factors, const Shape& sample, const ConstMatrixView& x, MatrixView y) {
  const StridedWalk walk = walk_repeated(factors.shape, sample);
  for (Index row = 0; row < x.rows(); ++row)
    walk.for_each([&](Index i, Index place) {
      y(row, i) = x(row, i) * static_cast<Scalar>(factors.values[static_cast<std::size_t>(place)]);
    });
}

}  // namespace detail

MAAS_INLINE void Rescaling::forward(const Forward& pass) const {
  const Shape& sample = pass.input_shapes[0];
  MatrixView y = pass.output;
  detail::multiply_repeated(scale, sample, pass.inputs[0], y);
  const detail::StridedWalk walk = detail::walk_repeated(offset.shape, sample);
  for (Index row = 0; row < y.rows(); ++row)
    walk.for_each([&](Index i, Index place) {
      y(row, i) += static_cast<Scalar>(offset.values[static_cast<std::size_t>(place)]);
    });
}
MAAS_INLINE void Rescaling::backward(const Backward& pass) const {
  if (detail::wanted(pass.input_gradients[0]))
    detail::multiply_repeated(scale, pass.input_shapes[0], as_const(pass.output_gradient), pass.input_gradients[0]);
}

namespace detail {

inline bool is_encoding(const std::string& mode) { return mode == "one_hot" || mode == "multi_hot" || mode == "count"; }

/// The shape of whole numbers below `depth` when encoded.
inline Shape encoded_shape(const std::string& mode, Index depth, const Shape& input) {
  if (input.rank() == 0) return Shape{depth};
  if (mode != "one_hot" || input.last() == 1) return input.with_last(depth);
  Shape output = input;
  output.append(depth);
  return output;
}

/// Encodes number_of(i), the i-th of all whole numbers of a batch.
template <class NumberOf>
void encode(const std::string& mode, Index depth, const Forward& pass, NumberOf number_of) {
  Scalar* y = numbers(pass.output);
  std::fill_n(y, pass.output.size(), Scalar(0));
  const Index together = mode == "one_hot" ? 1 : pass.input_shapes[0].last();
  for (Index i = 0; i < pass.inputs[0].size(); ++i) {
    const Index number = number_of(i);
    if (number < 0 || number >= depth) continue;
    Scalar& place = y[i / together * depth + number];
    place = mode == "count" ? place + Scalar(1) : Scalar(1);
  }
}

inline void no_gradient(const Backward& pass) {
  if (wanted(pass.input_gradients[0])) MatrixView(pass.input_gradients[0]).setZero();
}

}  // namespace detail

MAAS_INLINE LayerPlan Discretization::plan(Shapes inputs) const {
  const Shape& input = detail::only_input(inputs, class_name);
  require<ConfigError>(
      output_mode == "int" || detail::is_encoding(output_mode),
      "Discretization: expected output_mode \"int\", \"one_hot\", \"multi_hot\" or \"count\", got \"{}\"", output_mode);
  require<ConfigError>(bin_boundaries.has_value(), "Discretization: expected bin_boundaries; `adapted` finds them");
  require<ConfigError>(std::ranges::is_sorted(*bin_boundaries),
                       "Discretization: expected bin_boundaries that rise, got {}", to_config(*bin_boundaries).text());
  if (output_mode == "int") return {.output = input, .mask = MaskRule::stop};
  return {.output = detail::encoded_shape(output_mode, static_cast<Index>(bin_boundaries->size()) + 1, input),
          .mask = MaskRule::stop};
}

MAAS_INLINE void Discretization::forward(const Forward& pass) const {
  const Scalar* x = pass.inputs[0].data();
  auto bin = [&](Index i) {
    const auto above = std::ranges::find_if(*bin_boundaries, [&](double b) { return x[i] < static_cast<Scalar>(b); });
    return static_cast<Index>(above - bin_boundaries->begin());
  };
  if (output_mode != "int")
    return detail::encode(output_mode, static_cast<Index>(bin_boundaries->size()) + 1, pass, bin);
  Scalar* y = detail::numbers(pass.output);
  for (Index i = 0; i < pass.output.size(); ++i) y[i] = static_cast<Scalar>(bin(i));
}
MAAS_INLINE void Discretization::backward(const Backward& pass) const { detail::no_gradient(pass); }

namespace detail {

/// Values in order and how many numbers each stands for.
struct Summary {
  std::vector<double> values, weights;
};

/// y at x on the straight lines through (xs, ys), level beyond their ends.
inline double interpolated(double x, const std::vector<double>& xs, const std::vector<double>& ys) {
  const std::size_t above = static_cast<std::size_t>(std::ranges::upper_bound(xs, x) - xs.begin());
  if (above == 0) return ys.front();
  if (above == xs.size()) return ys.back();
  const double share = (x - xs[above - 1]) / (xs[above] - xs[above - 1]);
  return ys[above - 1] + share * (ys[above] - ys[above - 1]);
}

/// A summary of about 1 / epsilon values; a shorter one stays as it is.
inline Summary compressed(const Summary& summary, double epsilon) {
  if (static_cast<double>(summary.values.size()) * epsilon < 1) return summary;
  std::vector<double> sums, shares;
  double sum = 0;
  for (double weight : summary.weights) sums.push_back(sum += weight);
  for (double s : sums) shares.push_back(s / sum);
  Summary result;
  double before = 0;
  const Index count = static_cast<Index>(std::ceil(1 / epsilon));
  for (Index i = 0; i < count; ++i) {
    const double share = epsilon + static_cast<double>(i) * epsilon;
    const double reached = interpolated(share, shares, sums);
    result.values.push_back(interpolated(share, shares, summary.values));
    result.weights.push_back(reached - before);
    before = reached;
  }
  return result;
}

}  // namespace detail

MAAS_INLINE Discretization Discretization::adapted(const TrainingRows& training) const {
  const Matrix& data = training.values();
  require<ConfigError>(num_bins && *num_bins >= 1, "Discretization: expected num_bins of at least 1 to adapt, got {}",
                       num_bins.value_or(0));
  require<DataError>(data.size() > 0, "Discretization: expected data to adapt to, got none");
  std::vector<double> sorted;
  for (Index row = 0; row < data.rows(); ++row)
    for (Index i = 0; i < data.cols(); ++i) sorted.push_back(static_cast<double>(data(row, i)));
  std::ranges::sort(sorted);
  const double spacing = static_cast<double>(sorted.size()) * epsilon, step = std::max(spacing, 1.0);
  detail::Summary summary;
  for (std::size_t i = static_cast<std::size_t>(spacing); i < sorted.size(); i += static_cast<std::size_t>(step)) {
    summary.values.push_back(sorted[i]);
    summary.weights.push_back(step);
  }
  summary = detail::compressed(detail::compressed(summary, epsilon), 1 / static_cast<double>(*num_bins));
  summary.values.pop_back();
  Discretization result = *this;
  result.bin_boundaries = std::move(summary.values);
  return result;
}

MAAS_INLINE LayerPlan CategoryEncoding::plan(Shapes inputs) const {
  const Shape& input = detail::only_input(inputs, class_name);
  require<ConfigError>(num_tokens >= 1, "CategoryEncoding: expected num_tokens of at least 1, got {}", num_tokens);
  require<ConfigError>(detail::is_encoding(output_mode),
                       "CategoryEncoding: expected output_mode \"one_hot\", \"multi_hot\" or \"count\", got \"{}\"",
                       output_mode);
  return {.output = detail::encoded_shape(output_mode, num_tokens, input), .mask = MaskRule::stop};
}
MAAS_INLINE void CategoryEncoding::forward(const Forward& pass) const {
  const Scalar* x = pass.inputs[0].data();
  detail::encode(output_mode, num_tokens, pass, [&](Index i) {
    return x[i] > Scalar(-1) && x[i] < static_cast<Scalar>(num_tokens) ? static_cast<Index>(x[i]) : Index(-1);
  });
}
MAAS_INLINE void CategoryEncoding::backward(const Backward& pass) const { detail::no_gradient(pass); }

MAAS_INLINE Layer normalization(const TrainingRows& training) { return Normalization{}.adapted(training); }
MAAS_INLINE Layer rescaling(double scale, double offset) { return Rescaling{scale, offset}; }
MAAS_INLINE Layer discretization(std::vector<double> bin_boundaries) {
  return Discretization{.bin_boundaries = std::move(bin_boundaries)};
}
MAAS_INLINE Layer category_encoding(Index num_tokens, std::string output_mode) {
  return CategoryEncoding{.num_tokens = num_tokens, .output_mode = std::move(output_mode)};
}

}  // namespace maas::inline MAAS_ABI
