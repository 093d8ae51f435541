// A tile of a product: a few rows by a few vectors of the result, in registers over the whole inner loop.
#pragma once

#include <algorithm>
#include <bit>
#include <type_traits>
#include <utility>

#include "maas/ops/lanes.hpp"
#include "maas/ops/strided.hpp"

namespace maas::inline MAAS_ABI::ops::inline MAAS_VECTORS {

/// Rows x (Vectors * Width) elements of c = a b, or c += a b if `add`; see product() in ops/product.hpp for the
/// arguments. Each element is summed over the inner index in order, so its bits depend neither on Rows, Vectors nor
/// Width.
template <int Rows, int Vectors, int Width>
inline void tile(Index inner, Strided a, const Scalar* b, Index b_stride, Scalar* c, Index c_stride, bool add) {
  Lanes<Width> sum[Rows][Vectors] = {};
  if (add)
    for (int r = 0; r < Rows; ++r)
      for (int v = 0; v < Vectors; ++v) sum[r][v] = load<Width>(c + r * c_stride + v * Width);
  for (Index k = 0; k < inner; ++k) {
    Lanes<Width> right[Vectors];
    for (int v = 0; v < Vectors; ++v) right[v] = load<Width>(b + k * b_stride + v * Width);
    for (int r = 0; r < Rows; ++r) {
      const Lanes<Width> left = spread<Width>(a.data[r * a.row_stride + k * a.column_stride]);
      for (int v = 0; v < Vectors; ++v) sum[r][v] = multiply_add<Width>(left, right[v], sum[r][v]);
    }
  }
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) store<Width>(c + r * c_stride + v * Width, sum[r][v]);
}

/// The sum of all lanes of as many vectors as a power of two, which are added in halves and overwritten.
template <std::size_t Vectors>
inline Scalar sum_in_halves(Lanes<narrow_lanes> (&v)[Vectors]) {
  for (std::size_t half = Vectors / 2; half > 0; half /= 2)
    for (std::size_t i = 0; i < half; ++i) v[i] += v[i + half];
  for (int half = narrow_lanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) v[0][i] += v[0][i + half];
  return v[0][0];
}

/// The sum of a_k b_k over runs of memory: a product of one column. It is long for its width, so it is summed in
/// sixteen running sums, which are then added in halves: the order depends on the size alone.
inline Scalar dot(Index size, const Scalar* a, const Scalar* b) {
  constexpr int sums = 16, vectors = sums / std::min(lanes, sums), width = std::min(lanes, sums);
  constexpr int narrow = narrow_lanes, parts = sums / narrow;
  Lanes<narrow> part[parts] = {};
  const Index whole = size / sums * sums;
  if (whole > 0) {
    Lanes<width> sum[vectors] = {};
    for (Index k = 0; k < whole; k += sums)
      for (int v = 0; v < vectors; ++v)
        sum[v] = multiply_add<width>(load<width>(a + k + v * width), load<width>(b + k + v * width), sum[v]);
    alignas(64) Scalar total[sums];
    for (int v = 0; v < vectors; ++v) store<width>(total + v * width, sum[v]);
    for (int i = 0; i < parts; ++i) part[i] = load<narrow>(total + i * narrow);
  }
  Index k = whole;
  for (int i = 0; i < parts && k < size; ++i) {
    if (k + narrow <= size) {
      part[i] = multiply_add<narrow>(load<narrow>(a + k), load<narrow>(b + k), part[i]);
      k += narrow;
    } else {
      for (int j = 0; k < size; ++j, ++k) part[i][j] = multiply_add<1>(a[k], b[k], part[i][j]);
    }
  }
  return sum_in_halves(part);
}

/// The next narrower vector that is used: halves down to 16 bytes, then single numbers.
constexpr int narrower(int width) { return width > narrow_lanes ? width / 2 : 1; }

/// Number K of a row of In numbers in all lanes: out of the vector that it was written in, where there is one.
template <Index In, Index K, int Width>
inline Lanes<Width> spread_of(const Scalar* x) {
  constexpr Index first = K / narrow_lanes * narrow_lanes;
  if constexpr (Width != narrow_lanes || first + narrow_lanes > In) {
    return spread<Width>(x[K]);
  } else {
    const Lanes<narrow_lanes> from = load<narrow_lanes>(x + first);
    return [&]<int... Lane>(std::integer_sequence<int, Lane...>) {
      return __builtin_shufflevector(from, from, (Lane * 0 + static_cast<int>(K - first))...);
    }
    (std::make_integer_sequence<int, Width>());
  }
}

/// a b, which begins a sum: rounded for itself, where a compiler might fuse it with what is added to it.
template <int Width>
inline Lanes<Width> first_term(const Lanes<Width>& a, const Lanes<Width>& b) {
  if constexpr (fuses)
    return multiply_add<Width>(a, b, Lanes<Width>{});
  else
    return a * b;
}

/// Rows of so few numbers are multiplied without a loop.
inline constexpr Index few_inputs = 16;

/// Vectors * Width columns of y = x W of one sample of few numbers. The first term begins the sum, so it is -0 where
/// all terms are -0.
template <Index In, Index Out, int Vectors, int Width>
[[gnu::always_inline]] inline void short_row(const Scalar* x, const Scalar* kernel, Scalar* y) {
  Lanes<Width> sum[Vectors];
  [&]<Index... K>(std::integer_sequence<Index, K...>) __attribute__((always_inline)) {
    const auto add = [&]<Index k>(std::integral_constant<Index, k>) __attribute__((always_inline)) {
      const Lanes<Width> left = spread_of<In, k, Width>(x);
      for (int v = 0; v < Vectors; ++v) {
        const Lanes<Width> right = load<Width>(kernel + k * Out + v * Width);
        if constexpr (k == 0)
          sum[v] = first_term<Width>(left, right);
        else
          sum[v] = multiply_add<Width>(left, right, sum[v]);
      }
    };
    (add(std::integral_constant<Index, K>()), ...);
  }
  (std::make_integer_sequence<Index, In>());
  for (int v = 0; v < Vectors; ++v) store<Width>(y + v * Width, sum[v]);
}

/// dot() of few numbers, without the parts of it that are 0.
template <Index In>
inline Scalar short_dot(const Scalar* a, const Scalar* b) {
  constexpr Index narrow = narrow_lanes, parts = (In + narrow - 1) / narrow, first = std::bit_ceil(std::size_t{parts});
  Lanes<narrow_lanes> part[first] = {};
  for (Index i = 0; i < parts; ++i) {
    const Index k = i * narrow;
    if (k + narrow <= In)
      part[i] = first_term<narrow_lanes>(load<narrow_lanes>(a + k), load<narrow_lanes>(b + k));
    else
      for (Index j = 0; k + j < In; ++j) part[i][j] = first_term<1>(a[k + j], b[k + j]);
  }
  return sum_in_halves(part);
}

/// Columns From and on of y = x W of one sample; see row_product().
template <Index In, Index Out, Index From, int Width>
[[gnu::always_inline]] inline void row_product_from(const Scalar* x, const Scalar* kernel, Scalar* y) {
  constexpr Index left = Out - From;
  if constexpr (left >= Width) {
    constexpr int vectors = static_cast<int>(std::min<Index>(left / Width, 8));
    if constexpr (In <= few_inputs)
      short_row<In, Out, vectors, Width>(x, kernel + From, y + From);
    else
      tile<1, vectors, Width>(In, {x, In, 1}, kernel + From, Out, y + From, Out, false);
    row_product_from<In, Out, From + vectors * Width, Width>(x, kernel, y);
  } else if constexpr (left > 0) {
    row_product_from<In, Out, From, narrower(Width)>(x, kernel, y);
  }
}

/// y = x W of one sample, with sizes known to the compiler. x: In, kernel: In x Out, row-major, y: Out (overwritten).
/// The same bits as product(), but for the sign of a sum of nothing but -0.
template <Index In, Index Out>
[[gnu::always_inline]] inline void row_product(const Scalar* x, const Scalar* kernel, Scalar* y) {
  if constexpr (Out == 1) {
    if constexpr (In <= few_inputs)
      *y = short_dot<In>(x, kernel);
    else
      *y = dot(In, x, kernel);
  } else {
    constexpr Index group = 8 * lanes, whole = In > few_inputs ? Out / group * group : 0;
    for (Index j = 0; j < whole; j += group) tile<1, 8, lanes>(In, {x, In, 1}, kernel + j, Out, y + j, Out, false);
    row_product_from<In, Out, whole, lanes>(x, kernel, y);
  }
}

/// max(v, 0) in each lane; NaN stays NaN.
template <int Width>
inline Lanes<Width> rectified(const Lanes<Width>& v) {
  if constexpr (Width == 1) {
    return v < Scalar(0) ? Scalar(0) : v;
  } else {
    return Lanes<Width>{} > v ? Lanes<Width>{} : v;
  }
}

/// Columns From and on of y = y + bias; see finish_row().
template <Index Out, bool Rectify, Index From, int Width>
inline void finish_row_from(const Scalar* bias, Scalar* y) {
  if constexpr (Out - From >= Width) {
    constexpr Index end = From + (Out - From) / Width * Width;
    for (Index j = From; j < end; j += Width) {
      const Lanes<Width> sum = load<Width>(y + j) + load<Width>(bias + j);
      store<Width>(y + j, Rectify ? rectified<Width>(sum) : sum);
    }
    finish_row_from<Out, Rectify, end, Width>(bias, y);
  } else if constexpr (Out > From) {
    finish_row_from<Out, Rectify, From, narrower(Width)>(bias, y);
  }
}

/// y = y + bias, and max(y, 0) if Rectify, in the vectors that row_product() left y in: Out numbers each. What is read
/// from memory in other pieces than it was written in waits until it is there.
template <Index Out, bool Rectify>
inline void finish_row(const Scalar* bias, Scalar* y) {
  finish_row_from<Out, Rectify, 0, lanes>(bias, y);
}

}  // namespace maas::inline MAAS_ABI::ops::inline MAAS_VECTORS
