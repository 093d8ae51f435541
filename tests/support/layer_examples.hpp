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

template <class Part, class... Others>
inline constexpr bool is_any = (std::is_same_v<Part, Others> || ...);

/// LayerExamples of a class: as it is made without arguments on samples of rank 1, 2 and 3, unless it needs something
/// else.
template <class Part>
std::vector<LayerExample> layer_examples() {
  const std::vector<Shape> shapes = {Shape{3}, Shape{4, 3}, Shape{2, 3, 5}};
  std::vector<LayerExample> result;
  if constexpr (std::is_same_v<Part, Permute>)
    return {{Permute{{2, 1}}, {.input = Shape{4, 3}}}, {Permute{{3, 1, 2}}, {.input = Shape{2, 3, 5}}}};
  if constexpr (std::is_same_v<Part, RepeatVector>) return {{RepeatVector{3}, {.input = Shape{4}}}};
  if constexpr (std::is_same_v<Part, GroupNormalization>)
    return {{GroupNormalization{.groups = 2}, {.input = Shape{6}}},
            {GroupNormalization{.groups = 2}, {.input = Shape{3, 4}}},
            {GroupNormalization{.groups = -1, .axis = 1}, {.input = Shape{2, 3, 2}}}};
  if constexpr (std::is_same_v<Part, Embedding>)
    return {
        {Embedding{.input_dim = 4, .output_dim = 3}, {.input = Shape{5}, .low = 0, .high = 3, .whole_numbers = true}},
        {Embedding{.input_dim = 9, .output_dim = 2},
         {.input = Shape{2, 3}, .low = 0, .high = 8, .whole_numbers = true}}};
  if constexpr (std::is_same_v<Part, CategoryEncoding>)
    return {{CategoryEncoding{.num_tokens = 4}, {.input = Shape{5}, .low = 0, .high = 3, .whole_numbers = true}},
            {CategoryEncoding{.num_tokens = 4, .output_mode = "one_hot"},
             {.input = Shape{2, 3}, .low = 0, .high = 3, .whole_numbers = true}},
            {CategoryEncoding{.num_tokens = 4, .output_mode = "count"},
             {.input = Shape{2, 3}, .low = 0, .high = 3, .whole_numbers = true}}};
  if constexpr (std::is_same_v<Part, Discretization>) return {{discretization({-0.5, 0.5}), {.input = Shape{4, 3}}}};
  if constexpr (std::is_same_v<Part, Masking>)
    return {{Masking{}, {.input = Shape{4, 3}}}, {Masking{.mask_value = 0.5}, {.input = Shape{2, 3, 5}}}};
  if constexpr (std::is_same_v<Part, SpatialDropout1D>)
    return {{SpatialDropout1D{}, {.input = Shape{4, 3}, .acts_in_training = true}}};
  if constexpr (std::is_same_v<Part, SpatialDropout2D>)
    return {{SpatialDropout2D{}, {.input = Shape{2, 3, 5}, .acts_in_training = true}}};
  if constexpr (std::is_same_v<Part, EinsumDense>)
    return {{EinsumDense{.output_shape = {4}, .activation = Tanh{}, .bias_axes = "c"}, {.input = Shape{3}}},
            {einsum_dense("abc,bcd->ad", {4}), {.input = Shape{2, 3}}}};
  if constexpr (std::is_same_v<Part, Dot>)
    return {{Dot{}, {.input = Shape{3}, .more_inputs = {Shape{3}}}},
            {Dot{.axes = {2, 1}, .normalize = true}, {.input = Shape{2, 3}, .more_inputs = {Shape{3, 4}}}}};
  for (const Shape& shape : shapes) {
    testing::LayerCheck check{.input = shape};
    if constexpr (is_any<Part, Add, Multiply, Average, Maximum, Minimum, Concatenate>)
      check.more_inputs = {shape, shape};
    if constexpr (std::is_same_v<Part, Subtract>) check.more_inputs = {shape};
    check.acts_in_training = is_any<Part, Dropout, GaussianDropout, GaussianNoise, AlphaDropout, BatchNormalization>;
    check.looks_at_neighbours = std::is_same_v<Part, BatchNormalization>;
    result.push_back({Part{}, check});
  }
  return result;
}

}  // namespace maas::inline MAAS_ABI::tests
