// Every layer of the family's list, and on what it is tried.
#pragma once

#include <type_traits>
#include <vector>

#include "maas/layers/layers.hpp"
#include "maas/testing/check_layer.hpp"

namespace maas::inline MAAS_ABI::tests {

/// A layer, and on what it is checked.
struct LayerExample {
  Layer layer;
  testing::LayerCheck check;
};

/// LayerExamples of a class: as it is made without arguments on samples of rank 1, 2 and 3, unless it needs something
/// else.
inline std::vector<LayerExample> layer_examples(const CatalogEntry<Layer>& entry) {
  const auto is = [&](auto... names) { return ((entry.class_name == names) || ...); };
  const std::vector<Shape> shapes = {Shape{3}, Shape{4, 3}, Shape{2, 3, 5}};
  std::vector<LayerExample> result;
  if (is(Permute::class_name))
    return {{Permute{{2, 1}}, {.input = Shape{4, 3}}}, {Permute{{3, 1, 2}}, {.input = Shape{2, 3, 5}}}};
  if (is(RepeatVector::class_name)) return {{RepeatVector{3}, {.input = Shape{4}}}};
  if (is(GroupNormalization::class_name))
    return {{GroupNormalization{.groups = 2}, {.input = Shape{6}}},
            {GroupNormalization{.groups = 2}, {.input = Shape{3, 4}}},
            {GroupNormalization{.groups = -1, .axis = 1}, {.input = Shape{2, 3, 2}}}};
  if (is(Embedding::class_name))
    return {
        {Embedding{.input_dim = 4, .output_dim = 3}, {.input = Shape{5}, .low = 0, .high = 3, .whole_numbers = true}},
        {Embedding{.input_dim = 9, .output_dim = 2},
         {.input = Shape{2, 3}, .low = 0, .high = 8, .whole_numbers = true}}};
  if (is(CategoryEncoding::class_name))
    return {{CategoryEncoding{.num_tokens = 4}, {.input = Shape{5}, .low = 0, .high = 3, .whole_numbers = true}},
            {CategoryEncoding{.num_tokens = 4, .output_mode = "one_hot"},
             {.input = Shape{2, 3}, .low = 0, .high = 3, .whole_numbers = true}},
            {CategoryEncoding{.num_tokens = 4, .output_mode = "count"},
             {.input = Shape{2, 3}, .low = 0, .high = 3, .whole_numbers = true}}};
  if (is(Discretization::class_name)) return {{discretization({-0.5, 0.5}), {.input = Shape{4, 3}}}};
  if (is(Masking::class_name))
    return {{Masking{}, {.input = Shape{4, 3}}}, {Masking{.mask_value = 0.5}, {.input = Shape{2, 3, 5}}}};
  if (is(SpatialDropout1D::class_name)) return {{SpatialDropout1D{}, {.input = Shape{4, 3}, .acts_in_training = true}}};
  if (is(SpatialDropout2D::class_name))
    return {{SpatialDropout2D{}, {.input = Shape{2, 3, 5}, .acts_in_training = true}}};
  if (is(EinsumDense::class_name))
    return {{EinsumDense{.output_shape = {4}, .activation = Tanh{}, .bias_axes = "c"}, {.input = Shape{3}}},
            {einsum_dense("abc,bcd->ad", {4}), {.input = Shape{2, 3}}}};
  if (is(Dot::class_name))
    return {{Dot{}, {.input = Shape{3}, .more_inputs = {Shape{3}}}},
            {Dot{.axes = {2, 1}, .normalize = true}, {.input = Shape{2, 3}, .more_inputs = {Shape{3, 4}}}}};
  for (const Shape& shape : shapes) {
    testing::LayerCheck check{.input = shape};
    if (is(Add::class_name, Multiply::class_name, Average::class_name, Maximum::class_name, Minimum::class_name,
           Concatenate::class_name))
      check.more_inputs = {shape, shape};
    if (is(Subtract::class_name)) check.more_inputs = {shape};
    check.acts_in_training = is(Dropout::class_name, GaussianDropout::class_name, GaussianNoise::class_name,
                                AlphaDropout::class_name, BatchNormalization::class_name);
    check.looks_at_neighbours = is(BatchNormalization::class_name);
    result.push_back({entry.make({}), check});
  }
  return result;
}

}  // namespace maas::inline MAAS_ABI::tests
