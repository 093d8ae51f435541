// Bodies of BatchNormalization.
#pragma once

#include <algorithm>
#include <cmath>

#include "maas/layers/axes.hpp"
#include "maas/layers/batch_normalization.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// A batch as outer x channels x inner numbers.
struct Channels {
  Index outer, count, inner;
  Channels(const Shape& sample, Index axis, Index batch)
      : outer(batch * AxisView(sample, axis).outer), count(sample[axis]), inner(stride_of(sample, axis)) {}
  /// Numbers of one channel.
  Index size() const { return outer * inner; }
};

/// How many channels are summed at a time: sums stand on the stack, and rows of memory are read in order.
inline constexpr Index channel_block = 64;

/// Calls visit(place, channel - first) for all numbers of `count` channels from `first` on.
template <class Visit>
void visit_channels(const Channels& channels, Index first, Index count, Visit visit) {
  for (Index outer = 0; outer < channels.outer; ++outer) {
    const Index start = (outer * channels.count + first) * channels.inner;
    if (channels.inner == 1) {
      for (Index c = 0; c < count; ++c) visit(start + c, c);
    } else {
      for (Index c = 0; c < count; ++c)
        for (Index i = 0; i < channels.inner; ++i) visit(start + c * channels.inner + i, c);
    }
  }
}

/// Calls visit(first, count) for blocks of channels.
template <class Visit>
void for_each_block(const Channels& channels, Visit visit) {
  for (Index first = 0; first < channels.count; first += channel_block)
    visit(first, std::min(channel_block, channels.count - first));
}

/// Which numbers of a batch count in its statistics: all of them.
struct AllNumbers {
  static constexpr double slack = 0;  ///< what Keras adds to their count
  static double at(Index) { return 1; }
  static void sizes(const Channels& channels, Index, Index count, double* sizes) {
    std::fill_n(sizes, count, static_cast<double>(channels.size()));
  }
};

/// Those of the steps that count by a mask.
struct CountedNumbers {
  static constexpr double slack = 1e-7;  ///< so that none is no division by 0
  const Scalar* mask;                    // of the batch
  Index features;                        // numbers a step

  double at(Index place) const { return static_cast<double>(mask[place / features]); }
  void sizes(const Channels& channels, Index first, Index count, double* sizes) const {
    std::fill_n(sizes, count, slack);
    visit_channels(channels, first, count, [&](Index place, Index c) { sizes[c] += at(place); });
  }
};

/// Mean and population variance of each channel, in two passes.
template <class Counted>
void channel_moments(const Channels& channels, const Counted& counted, const Scalar* x, Scalar* mean,
                     Scalar* variance) {
  for_each_block(channels, [&](Index first, Index count) {
    double sums[channel_block] = {}, sizes[channel_block] = {};
    counted.sizes(channels, first, count, sizes);
    visit_channels(channels, first, count,
                   [&](Index place, Index c) { sums[c] += counted.at(place) * static_cast<double>(x[place]); });
    for (Index c = 0; c < count; ++c) {
      mean[first + c] = static_cast<Scalar>(sums[c] / sizes[c]);
      sums[c] = 0;
    }
    visit_channels(channels, first, count, [&](Index place, Index c) {
      const double deviation = static_cast<double>(x[place] - mean[first + c]);
      sums[c] += counted.at(place) * deviation * deviation;
    });
    for (Index c = 0; c < count; ++c) variance[first + c] = static_cast<Scalar>(sums[c] / sizes[c]);
  });
}

}  // namespace detail

MAAS_INLINE LayerPlan BatchNormalization::plan(Shapes inputs) const {
  const Shape& input = detail::only_input(inputs, class_name);
  require<ConfigError>(axis.list.size() == 1, "BatchNormalization: expected one axis, got {}", axis.list.size());
  require<ConfigError>(momentum >= 0 && momentum <= 1, "BatchNormalization: expected a momentum from 0 to 1, got {}",
                       momentum);
  require<ConfigError>(epsilon >= 0, "BatchNormalization: expected an epsilon of at least 0, got {}", epsilon);
  const Index channels = input[detail::sample_axis(axis.list[0], input, class_name)];
  LayerPlan plan{.output = input, .cache = 2 * channels, .sees_masks = true};
  auto add = [&](const char* name, const Initializer& initial, bool statistic) -> ParameterSpec& {
    plan.parameters.push_back(
        {.name = name, .shape = Shape{channels}, .initial = initial, .trainable = !statistic, .statistic = statistic});
    return plan.parameters.back();
  };
  if (scale) {
    ParameterSpec& gamma = add("gamma", gamma_initializer, false);
    gamma.penalty = gamma_regularizer;
    gamma.constraint = gamma_constraint;
  }
  if (center) {
    ParameterSpec& beta = add("beta", beta_initializer, false);
    beta.penalty = beta_regularizer;
    beta.constraint = beta_constraint;
  }
  add("moving_mean", moving_mean_initializer, true);
  add("moving_variance", moving_variance_initializer, true);
  return plan;
}

// In training the cache keeps, at its start, the batch's means and then its variances.
MAAS_INLINE void BatchNormalization::forward(const Forward& pass) const {
  const Shape& shape = pass.input_shapes[0];
  const detail::Channels channels(shape, detail::sample_axis(axis.list[0], shape, class_name), pass.inputs[0].rows());
  const Scalar *x = pass.inputs[0].data(), *mean = pass.parameters[mean_place()].data(),
               *variance = pass.parameters[mean_place() + 1].data();
  if (pass.mode == Mode::training && pass.trainable) {
    Scalar *batch_mean = detail::numbers(pass.cache), *batch_variance = batch_mean + channels.count;
    if (pass.masks.empty())
      detail::channel_moments(channels, detail::AllNumbers{}, x, batch_mean, batch_variance);
    else
      detail::channel_moments(channels, detail::CountedNumbers{pass.masks[0].data(), shape.last()}, x, batch_mean,
                              batch_variance);
    for (std::size_t which : {mean_place(), mean_place() + 1}) {
      if (pass.new_statistics.empty() || pass.new_statistics[which].data() == nullptr) continue;
      const Scalar *old = pass.parameters[which].data(), *batch = which == mean_place() ? batch_mean : batch_variance;
      Scalar* proposed = detail::numbers(pass.new_statistics[which]);
      for (Index c = 0; c < channels.count; ++c)
        proposed[c] = old[c] * static_cast<Scalar>(momentum) + batch[c] * static_cast<Scalar>(1 - momentum);
    }
    mean = batch_mean;
    variance = batch_variance;
  }
  const Scalar* gamma = scale ? pass.parameters[0].data() : nullptr;
  const Scalar* beta = center ? pass.parameters[beta_place()].data() : nullptr;
  Scalar* y = detail::numbers(pass.output);
  detail::for_each_block(channels, [&](Index first, Index count) {
    Scalar factor[detail::channel_block], shift[detail::channel_block];
    for (Index c = 0; c < count; ++c) {
      factor[c] = Scalar(1) / std::sqrt(variance[first + c] + static_cast<Scalar>(epsilon));
      if (gamma != nullptr) factor[c] *= gamma[first + c];
      shift[c] = (beta != nullptr ? beta[first + c] : Scalar(0)) - mean[first + c] * factor[c];
    }
    detail::visit_channels(channels, first, count,
                           [&](Index place, Index c) { y[place] = x[place] * factor[c] + shift[c]; });
  });
}

MAAS_INLINE void BatchNormalization::backward(const Backward& pass) const {
  if (pass.masks.empty())
    backward(pass, detail::AllNumbers{});
  else
    backward(pass, detail::CountedNumbers{pass.masks[0].data(), pass.input_shapes[0].last()});
}

// With n the count of the numbers that count, and c 1 for those and 0 for the others: d x = gamma / deviation (d y -
// c / n (sum of d y + (x - mean) / deviation^2 sum of d y (x - mean))).
template <class Counted>
void BatchNormalization::backward(const Backward& pass, const Counted& counted) const {
  const Shape& shape = pass.input_shapes[0];
  const detail::Channels channels(shape, detail::sample_axis(axis.list[0], shape, class_name), pass.inputs[0].rows());
  const bool of_batch = pass.mode == Mode::training && pass.trainable;
  const Scalar* mean = of_batch ? pass.cache.data() : pass.parameters[mean_place()].data();
  const Scalar* variance = of_batch ? mean + channels.count : pass.parameters[mean_place() + 1].data();
  const Scalar* gamma = scale ? pass.parameters[0].data() : nullptr;
  Scalar* dgamma = scale ? detail::numbers(pass.parameter_gradients[0]) : nullptr;
  Scalar* dbeta = center ? detail::numbers(pass.parameter_gradients[beta_place()]) : nullptr;
  Scalar* dx = detail::numbers(pass.input_gradients[0]);
  const Scalar *x = pass.inputs[0].data(), *dy = pass.output_gradient.data();
  detail::for_each_block(channels, [&](Index first, Index count) {
    double sum[detail::channel_block] = {},
           inner[detail::channel_block] = {};  // of dy, and of dy (x - mean) / deviation
    Scalar factor[detail::channel_block];
    for (Index c = 0; c < count; ++c)
      factor[c] = Scalar(1) / std::sqrt(variance[first + c] + static_cast<Scalar>(epsilon));
    detail::visit_channels(channels, first, count, [&](Index place, Index c) {
      sum[c] += static_cast<double>(dy[place]);
      inner[c] += static_cast<double>(dy[place] * (x[place] - mean[first + c]) * factor[c]);
    });
    for (Index c = 0; c < count; ++c) {
      if (dbeta != nullptr) dbeta[first + c] = static_cast<Scalar>(sum[c]);
      if (dgamma != nullptr) dgamma[first + c] = static_cast<Scalar>(inner[c]);
    }
    if (dx == nullptr) return;
    Scalar mean_sum[detail::channel_block], mean_inner[detail::channel_block], scaled[detail::channel_block],
        center_of[detail::channel_block];
    double sizes[detail::channel_block] = {};
    counted.sizes(channels, first, count, sizes);
    for (Index c = 0; c < count; ++c) {
      mean_sum[c] = of_batch ? static_cast<Scalar>(sum[c] / sizes[c]) : Scalar(0);
      mean_inner[c] = of_batch ? static_cast<Scalar>(inner[c] / sizes[c]) * factor[c] : Scalar(0);
      scaled[c] = gamma != nullptr ? gamma[first + c] * factor[c] : factor[c];
      // Deviations add up to mean * slack, not to 0.
      center_of[c] = mean[first + c] + mean[first + c] * static_cast<Scalar>(Counted::slack / sizes[c]);
    }
    detail::visit_channels(channels, first, count, [&](Index place, Index c) {
      const Scalar counts = static_cast<Scalar>(counted.at(place));
      dx[place] = scaled[c] * (dy[place] - counts * mean_sum[c] - (x[place] - center_of[c]) * (counts * mean_inner[c]));
    });
  });
}

MAAS_INLINE Layer batch_normalization(double momentum, double epsilon) {
  return BatchNormalization{.momentum = momentum, .epsilon = epsilon};
}

}  // namespace maas::inline MAAS_ABI
