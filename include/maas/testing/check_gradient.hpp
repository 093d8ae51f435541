// Derivatives by central differences, and their comparison with computed ones.
#pragma once

#include <functional>
#include <string_view>
#include <type_traits>

#include "maas/losses/loss.hpp"
#include "maas/network/network.hpp"
#include "maas/testing/failure.hpp"

namespace maas::inline MAAS_ABI::testing {

/// How far apart the points of a difference are, and how far a derivative may be from it, as a share of the largest
/// derivative (which counts as `least_derivative` if it is smaller). In double errors are near 1e-9, in float rounding
/// leaves about two digits.
inline constexpr double difference_step = std::is_same_v<Scalar, double> ? 1e-5 : 5e-3;
inline constexpr double gradient_tolerance = std::is_same_v<Scalar, double> ? 1e-6 : 2e-2;
inline constexpr double least_derivative = std::is_same_v<Scalar, double> ? 0.01 : 0.1;

/// Compares `gradient` with central differences of `function`, which is a number computed from the numbers `point`
/// refers to. Each of these is moved and put back. Places where the function has a corner (relu at 0), so that
/// differences of two widths or to both sides do not fit together, are left out, but half of all must remain.
/// Disagreement is noted in `report`.
void compare_gradient(Report& report, std::string_view what, const std::function<double()>& function, VectorView point,
                      const ConstVectorView& gradient);

/// Checks the gradients of all weights of a network under a loss: as training computes them, against central
/// differences. x: samples x features, y: samples x targets. The network has one input and one output and no layer
/// that acts at random. Throws Failure.
void check_gradient(Network& network, const Loss& loss, const Matrix& x, const Matrix& y);

}  // namespace maas::inline MAAS_ABI::testing

#if !defined(MAAS_COMPILED)
#include "maas/testing/check_gradient-inl.hpp"
#endif
