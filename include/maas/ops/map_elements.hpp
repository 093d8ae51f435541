// Functions of single numbers over runs of memory, with bits that depend on the number alone.
#pragma once

#include <algorithm>

#include "maas/core/matrix.hpp"

namespace maas::inline MAAS_ABI::ops {

namespace detail {

// The type of the numbers is a parameter so that what Eigen has to make for it is made where a function is called, not
// in every file that reads this one.

/// One vector of Eigen's, and a few: what Eigen evaluates with vector instructions from the first number to the last.
inline constexpr Index packet = Eigen::internal::packet_traits<Scalar>::size;
inline constexpr Index packets = std::max<Index>(packet, 16);
template <class Number, Index Size>
using Run = Eigen::Array<Number, Size, 1>;

/// True if Eigen evaluates f with vector instructions, whose exp and tanh differ in their last bits from the ones for
/// single numbers.
template <class Function, class Number>
inline constexpr bool uses_packets =
    (Eigen::internal::evaluator<std::remove_cvref_t<decltype(std::declval<const Function&>()(
         std::declval<const Eigen::Map<const Run<Number, packets>>&>()))>>::Flags &
     Eigen::PacketAccessBit) != 0;

/// The last `size` numbers, fewer than a vector, as a whole vector: the last one is repeated.
template <class Number>
Run<Number, packet> last_packet(const Number* x, Index size) {
  Run<Number, packet> result = Run<Number, packet>::Constant(x[size - 1]);
  for (Index i = 0; i + 1 < size; ++i) result[i] = x[i];
  return result;
}

}  // namespace detail

/// y_i = f(x_i) for `size` numbers. f takes an Eigen array expression and gives one, element by element. x and y may be
/// the same memory. The result for a number depends neither on its place nor on where the memory lies: left to itself,
/// Eigen uses other formulas for the numbers before and after the whole vectors.
template <class Number, class Function>
void map_elements(const Number* x, Number* y, Index size, const Function& f) {
  using namespace detail;
  if constexpr (!uses_packets<Function, Number>) {
    using Array = Eigen::Array<Number, Eigen::Dynamic, 1>;
    Eigen::Map<Array>(y, size) = f(Eigen::Map<const Array>(x, size));
  } else {
    Index i = 0;
    for (; i + packets <= size; i += packets)
      Eigen::Map<Run<Number, packets>>(y + i) = f(Eigen::Map<const Run<Number, packets>>(x + i));
    for (; i + packet <= size; i += packet)
      Eigen::Map<Run<Number, packet>>(y + i) = f(Eigen::Map<const Run<Number, packet>>(x + i));
    if (i == size) return;
    const Run<Number, packet> in = last_packet(x + i, size - i);
    const Run<Number, packet> out = f(in);
    std::copy_n(out.data(), size - i, y + i);
  }
}

/// The sum of f(x_i) over `size` numbers, in sixteen running sums that are added at the end: the order depends on the
/// size alone.
template <class Number, class Function>
Number sum_elements(const Number* x, Index size, const Function& f) {
  constexpr Index width = 16;
  Number sums[width] = {}, values[width];
  for (Index i = 0; i < size; i += width) {
    const Index count = std::min(width, size - i);
    map_elements(x + i, values, count, f);
    for (Index j = 0; j < count; ++j) sums[j] += values[j];
  }
  Number total = sums[0];
  for (Index j = 1; j < width; ++j) total += sums[j];
  return total;
}

}  // namespace maas::inline MAAS_ABI::ops
