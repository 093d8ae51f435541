// The kit for layers: all that the network relies on.
#pragma once

#include <cstdint>
#include <vector>

#include "maas/layers/layers.hpp"
#include "maas/testing/check_part.hpp"

namespace maas::inline MAAS_ABI::testing {

/// On what a layer is checked.
struct LayerCheck {
  Shape input = Shape{3};               ///< shape of one sample of its first input
  std::vector<Shape> more_inputs = {};  ///< shapes of its other inputs
  Index batch = 5;                      ///< samples
  double low = -1, high = 1;            ///< inputs are drawn from this range
  bool whole_numbers = false;           ///< inputs are whole numbers (ids) and have no gradient
  bool acts_in_training = false;        ///< training and inference give different outputs (dropout)
  bool looks_at_neighbours = false;     ///< in training a sample's output depends on the batch (batch normalization)
  std::uint64_t seed = 1;               ///< of inputs, weights and the layer's own random numbers
};

/// Checks what every layer owes the network: its plan is pure and agrees with what it writes; it overwrites, and never
/// reads, what it is to write, and writes nothing else; a sample's output does not depend on its neighbours; inference
/// equals training unless it says otherwise; gradients of inputs and weights agree with central differences; the same
/// bits from a second workspace, in a network and from eight threads; no memory taken in a pass (if the program counts,
/// see allocations.hpp); masks of 1 and 0, if it makes them, and right gradients with some, if it sees them; its config
/// is read back the same, if it is one of the library's own. Throws Failure with a line for everything that is wrong.
void check_layer(const Layer& layer, const LayerCheck& options = {});

/// The same for a struct, whose config is checked as well: how to check a layer of one's own.
template <LayerRule Rule>
void check_layer(const Rule& rule, const LayerCheck& options = {}) {
  check_part(rule);
  check_layer(Layer(rule), options);
}

}  // namespace maas::inline MAAS_ABI::testing

#if !defined(MAAS_COMPILED)
#include "maas/testing/check_layer-inl.hpp"
#endif
