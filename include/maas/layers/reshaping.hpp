// Layers that only put the same numbers into another shape or order.
#pragma once

#include "maas/core/axes.hpp"
#include "maas/layers/layer.hpp"

namespace maas::inline MAAS_ABI {

/// All axes of a sample as one, row-major. With data_format "channels_first" the first axis of a sample is moved to the
/// end before, as Keras does. Throws ConfigError for another format.
struct Flatten {
  static constexpr std::string_view class_name = "Flatten";
  std::string data_format = "channels_last";
  static void fields(auto& self, auto&& field) { field("data_format", self.data_format); }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// The numbers of a sample, row-major, in another shape. One entry may be -1: it follows from the others. Throws
/// ConfigError for several, ShapeError where the numbers do not fit.
struct Reshape {
  static constexpr std::string_view class_name = "Reshape";
  std::vector<Index> target_shape{-1};  ///< of one sample
  static void fields(auto& self, auto&& field) { field("target_shape", self.target_shape); }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// Axes in another order: axis i of the output is axis dims[i] of the input, where 1 is the first axis of a sample.
/// Throws ConfigError where dims is no order of all axes.
struct Permute {
  static constexpr std::string_view class_name = "Permute";
  std::vector<Index> dims{};
  static void fields(auto& self, auto&& field) { field("dims", self.dims); }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// A sample of `f` numbers n times: shape n x f. Throws ShapeError for samples of another rank than 1.
struct RepeatVector {
  static constexpr std::string_view class_name = "RepeatVector";
  Index n = 1;
  static void fields(auto& self, auto&& field) { field("n", self.n); }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// A Flatten layer.
Layer flatten();
/// A Reshape layer: `reshape({28, 28})`; one entry may be -1.
Layer reshape(std::vector<Index> target_shape);
/// A Permute layer: `permute({2, 1})` swaps the two axes of a sample.
Layer permute(std::vector<Index> dims);
/// A RepeatVector layer.
Layer repeat_vector(Index n);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/layers/reshaping-inl.hpp"
#endif
