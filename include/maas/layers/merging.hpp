// Layers that merge several inputs. Functions of the same names in network/merge.hpp apply them.
#pragma once

#include "maas/core/axes.hpp"
#include "maas/layers/layer.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {
/// A step counts where it counts in one of the inputs at least.
struct JoinedMasks {
  void mask(const MaskPass& pass) const;
};
}  // namespace detail

// Add, Subtract, Multiply, Average, Maximum and Minimum work number by number. Samples of different shapes are
// repeated to fit, as in NumPy: axes are matched from the last, and an axis of size 1 is repeated. Throws ShapeError
// where that does not work out, or without inputs. Masks of all inputs are joined: a step counts where it counts in one
// of them; beside an input without a mask there is none.

/// y = x_0 + x_1 + ...
struct Add : detail::JoinedMasks {
  static constexpr std::string_view class_name = "Add";
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// y = x_0 - x_1; just two inputs.
struct Subtract : detail::JoinedMasks {
  static constexpr std::string_view class_name = "Subtract";
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// y = x_0 x_1 ... Steps that a mask leaves out are no factors; where all inputs leave one out, y = 0.
struct Multiply : detail::JoinedMasks {
  static constexpr std::string_view class_name = "Multiply";
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// y = (x_0 + x_1 + ...) / count.
struct Average : detail::JoinedMasks {
  static constexpr std::string_view class_name = "Average";
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// y = max(x_0, x_1, ...). Where several are largest the first one gets the gradient, as in TensorFlow. Steps that a
/// mask leaves out are passed over; where all inputs leave one out, y = x_0.
struct Maximum : detail::JoinedMasks {
  static constexpr std::string_view class_name = "Maximum";
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// y = min(x_0, x_1, ...). Where several are smallest the first one gets the gradient, as in TensorFlow. Steps that a
/// mask leaves out are passed over; where all inputs leave one out, y = x_0.
struct Minimum : detail::JoinedMasks {
  static constexpr std::string_view class_name = "Minimum";
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// The inputs one after the other along an axis (1 is the first of a sample). All other axes must agree: else
/// ShapeError. So are their masks, if one has any; along the last axis a step counts where it counts in one of them.
/// All steps of an input without a mask count.
struct Concatenate {
  static constexpr std::string_view class_name = "Concatenate";
  Index axis = -1;
  static void fields(auto& self, auto&& field) { field("axis", self.axis); }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
  void mask(const MaskPass& pass) const;
};

/// Products of two inputs summed along an axis of each: y = sum_k x_0[.., k, ..] x_1[.., k, ..]. The other axes of x_0,
/// then those of x_1, remain; without any the output is one number. With `normalize` the vectors along the axes are
/// first divided by their length (at least 1e-7), which gives their cosines. `axes` is one axis for both or one each; 1
/// is the first axis of a sample. Throws ShapeError where the sizes differ.
struct Dot {
  static constexpr std::string_view class_name = "Dot";
  Axes axes = -1;
  bool normalize = false;
  static void fields(auto& self, auto&& field) {
    field("axes", self.axes);
    field("normalize", self.normalize);
  }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/layers/merging-inl.hpp"
#endif
