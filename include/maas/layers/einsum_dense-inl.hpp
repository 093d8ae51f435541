// Bodies of EinsumDense.
#pragma once

#include <algorithm>
#include <array>

#include "maas/layers/axes.hpp"
#include "maas/layers/einsum_dense.hpp"
#include "maas/ops/affine.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// Letters with the sizes and strides of their axes; no memory of its own, so that a pass can make one.
class Letters {
 public:
  void add(char letter, Index size = 0) {
    require<ConfigError>(count_ < max_letters, "EinsumDense: expected at most {} axes", max_letters);
    letters_[count_] = letter;
    sizes_[count_++] = size;
  }
  std::size_t count() const { return count_; }
  char operator[](std::size_t i) const { return letters_[i]; }
  Index size(std::size_t i) const { return sizes_[i]; }
  /// The place of a letter, or count().
  std::size_t find(char letter) const {
    return static_cast<std::size_t>(std::find(letters_.begin(), letters_.begin() + count_, letter) - letters_.begin());
  }
  bool has(char letter) const { return find(letter) < count_; }
  /// How far apart neighbours along a letter lie; 0 for one that is not there.
  Index stride(char letter) const {
    if (!has(letter)) return 0;
    Index stride = 1;
    for (std::size_t i = find(letter) + 1; i < count_; ++i) stride *= sizes_[i];
    return stride;
  }
  Shape shape(std::size_t from = 0) const {
    Shape shape;
    for (std::size_t i = from; i < count_; ++i) shape.append(sizes_[i]);
    return shape;
  }

 private:
  static constexpr std::size_t max_letters = Shape::max_rank + 1;
  std::array<char, max_letters> letters_{};
  std::array<Index, max_letters> sizes_{};
  std::size_t count_ = 0;
};

/// An equation with sizes: the axes of one sample (without the batch), of the kernel and of the output of one sample.
struct Einsum {
  Letters input, kernel, output;
  Shape bias{};  ///< matched with the output from its last axis

  Einsum(const EinsumDense& layer, const Shape& sample);
  /// True if input and kernel are matrices side by side: y = x kernel.
  bool is_product() const;

 private:
  [[noreturn]] static void bad(const EinsumDense& layer, std::string_view what) {
    fail<ConfigError>(
        "EinsumDense: expected an equation like \"ab,bc->ac\", \"...a,ab->...b\" or \"ab...,bc->ac...\", got \"{}\": "
        "{}",
        layer.equation, what);
  }
};

/// One operand of an equation: its letters, and on which side of them dots stand.
struct Operand {
  std::string_view letters;
  bool dots_before = false, dots_behind = false;

  explicit Operand(std::string_view text) : letters(text) {
    dots_before = letters.starts_with("...");
    if (dots_before) letters.remove_prefix(3);
    dots_behind = letters.ends_with("...");
    if (dots_behind) letters.remove_suffix(3);
  }
};

inline Einsum::Einsum(const EinsumDense& layer, const Shape& sample) {
  const std::string_view text = layer.equation;
  const std::size_t comma = text.find(','), arrow = text.find("->");
  if (comma == std::string_view::npos || arrow == std::string_view::npos || comma > arrow)
    bad(layer, "there is no comma before an arrow");
  const Operand x(text.substr(0, comma)), w(text.substr(comma + 1, arrow - comma - 1)), y(text.substr(arrow + 2));
  for (const Operand* operand : {&x, &w, &y})
    for (char letter : operand->letters) {
      if (!((letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z'))) bad(layer, "an axis is no letter");
      if (std::ranges::count(operand->letters, letter) > 1) bad(layer, "a letter stands twice in one place");
    }
  if (w.dots_before || w.dots_behind) bad(layer, "the kernel has dots");
  if (x.dots_before != y.dots_before || x.dots_behind != y.dots_behind || (x.dots_before && x.dots_behind))
    bad(layer, "input and output have dots in different places");
  const bool dots = x.dots_before || x.dots_behind, batch_is_named = !x.dots_before;
  if (batch_is_named) {
    if (x.letters.empty() || y.letters.empty() || x.letters[0] != y.letters[0])
      bad(layer, "the batch is not first in input and output");
    if (w.letters.find(x.letters[0]) != std::string_view::npos) bad(layer, "the kernel has the batch");
  }
  const std::string_view own = x.letters.substr(batch_is_named ? 1 : 0),
                         result = y.letters.substr(batch_is_named ? 1 : 0);
  const Index hidden = sample.rank() - static_cast<Index>(own.size());  // axes that the dots stand for
  if (dots ? hidden < 0 : hidden != 0)
    fail<ShapeError>("EinsumDense: expected samples of {}{} axes for \"{}\", got {}", dots ? "at least " : "",
                     own.size(), layer.equation, sample.text());
  require<ConfigError>(layer.output_shape.size() == result.size(),
                       "EinsumDense: expected an output_shape of {} sizes for \"{}\", got {}", result.size(),
                       layer.equation, layer.output_shape.size());

  auto hidden_letter = [](Index i) { return static_cast<char>('0' + i); };
  auto add_hidden = [&](Letters& letters, Index first_axis) {
    for (Index i = 0; i < hidden; ++i) letters.add(hidden_letter(i), sample[first_axis + i]);
  };
  if (x.dots_before) add_hidden(input, 0);
  for (std::size_t i = 0; i < own.size(); ++i)
    input.add(own[i], sample[static_cast<Index>(i) + (x.dots_before ? hidden : 0)]);
  if (x.dots_behind) add_hidden(input, static_cast<Index>(own.size()));

  if (x.dots_before) add_hidden(output, 0);
  for (std::size_t i = 0; i < result.size(); ++i) {
    const std::optional<Index> given = layer.output_shape[i];
    const bool is_known = input.has(result[i]);
    if (!is_known && w.letters.find(result[i]) == std::string_view::npos)
      bad(layer, "the output has an axis that neither input nor kernel have");
    const Index size = is_known ? input.size(input.find(result[i])) : given.value_or(0);
    if (is_known)
      require<ShapeError>(!given || *given == size,
                          "EinsumDense: expected size {}, the input's, for axis \"{}\" of the output, got {}", size,
                          result[i], given.value_or(0));
    else
      require<ShapeError>(size >= 1, "EinsumDense: expected a size for axis \"{}\" of the output, got {}", result[i],
                          given.value_or(0));
    output.add(result[i], size);
  }
  if (x.dots_behind) add_hidden(output, static_cast<Index>(own.size()));

  for (char letter : w.letters) {
    if (!input.has(letter) && !output.has(letter))
      bad(layer, "the kernel has an axis that neither input nor output have");
    kernel.add(letter, output.has(letter) ? output.size(output.find(letter)) : input.size(input.find(letter)));
  }
  if (!layer.bias_axes) return;
  std::size_t first = output.count();
  for (char letter : *layer.bias_axes) {
    if (result.find(letter) == std::string_view::npos) bad(layer, "the output has not all of bias_axes");
    first = std::min(first, output.find(letter));
  }
  for (std::size_t i = first; i < output.count(); ++i)
    bias.append(layer.bias_axes->find(output[i]) != std::string::npos ? output.size(i) : 1);
}

inline bool Einsum::is_product() const {
  // input = rows and inner, kernel = inner and columns, output = rows and columns, each group in one order.
  std::size_t inner = 0;
  while (inner < kernel.count() && input.has(kernel[inner]) && !output.has(kernel[inner])) ++inner;
  if (inner > input.count() || kernel.count() - inner > output.count()) return false;
  const std::size_t rows = input.count() - inner;
  if (output.count() != rows + kernel.count() - inner) return false;
  for (std::size_t i = 0; i < rows; ++i)
    if (input[i] != output[i] || kernel.has(input[i])) return false;
  for (std::size_t i = 0; i < inner; ++i)
    if (input[rows + i] != kernel[i]) return false;
  for (std::size_t i = inner; i < kernel.count(); ++i)
    if (kernel[i] != output[rows + i - inner]) return false;
  return true;
}

/// Goes through letters and says where each position lies in two arrays.
class LetterWalk {
 public:
  void add(Index size, Index first_stride, Index second_stride) {
    sizes_[count_] = size;
    first_[count_] = first_stride;
    second_[count_++] = second_stride;
    size_ *= size;
  }
  /// Calls visit(i, first place, second place) for the i-th position, the last letter fastest.
  template <class Visit>
  void for_each(Visit visit) const {
    std::array<Index, max_letters> position{};
    Index first = 0, second = 0;
    for (Index i = 0; i < size_; ++i) {
      visit(i, first, second);
      for (std::size_t k = count_; k-- > 0;) {
        first += first_[k];
        second += second_[k];
        if (++position[k] < sizes_[k]) break;
        first -= first_[k] * sizes_[k];
        second -= second_[k] * sizes_[k];
        position[k] = 0;
      }
    }
  }

 private:
  static constexpr std::size_t max_letters = 2 * (Shape::max_rank + 1);
  std::array<Index, max_letters> sizes_{}, first_{}, second_{};
  std::size_t count_ = 0;
  Index size_ = 1;
};

/// target[i] = sum of a[..] b[..] over the letters that the target has not, for one sample.
class EinsumSum {
 public:
  EinsumSum(const Letters& target, const Letters& a, const Letters& b) {
    for (std::size_t i = 0; i < target.count(); ++i)
      outer_.add(target.size(i), a.stride(target[i]), b.stride(target[i]));
    for (const Letters* letters : {&a, &b})
      for (std::size_t i = 0; i < letters->count(); ++i) {
        const char letter = (*letters)[i];
        const bool is_listed = letters == &b && a.has(letter);
        if (!target.has(letter) && !is_listed) inner_.add(letters->size(i), a.stride(letter), b.stride(letter));
      }
  }

  void add_to(const Scalar* a, const Scalar* b, Scalar* target) const {
    outer_.for_each([&](Index i, Index in_a, Index in_b) {
      Scalar sum = 0;
      inner_.for_each([&](Index, Index more_a, Index more_b) { sum += a[in_a + more_a] * b[in_b + more_b]; });
      target[i] += sum;
    });
  }

 private:
  LetterWalk outer_, inner_;
};

/// The kernel of an equation that is a product, as a matrix: the axes that are summed are its rows.
template <class View>
View as_product_kernel(const Einsum& einsum, View kernel) {
  Index rows = 1;
  for (std::size_t i = 0; i < einsum.kernel.count(); ++i)
    if (einsum.input.has(einsum.kernel[i])) rows *= einsum.kernel.size(i);
  return View(kernel.data(), rows, rows == 0 ? 0 : kernel.size() / rows);
}

}  // namespace detail

MAAS_INLINE LayerPlan EinsumDense::plan(Shapes inputs) const {
  const detail::Einsum einsum(*this, detail::only_input(inputs, class_name));
  activation.require_in_place(class_name);
  LayerPlan plan{.output = einsum.output.shape(), .activity_penalty = activity_regularizer, .mask = MaskRule::stop};
  plan.parameters.push_back(
      {"kernel", einsum.kernel.shape(), kernel_initializer, kernel_regularizer, true, kernel_constraint});
  if (bias_axes)
    plan.parameters.push_back({"bias", einsum.bias, bias_initializer, bias_regularizer, true, bias_constraint});
  if (activation.needs_input()) plan.cache = plan.output.size();
  return plan;
}

MAAS_INLINE void EinsumDense::forward(const Forward& pass) const {
  const detail::Einsum einsum(*this, pass.input_shapes[0]);
  const ConstMatrixView& kernel = pass.parameters[0];
  if (einsum.is_product()) {
    const ConstMatrixView matrix = detail::as_product_kernel(einsum, kernel);
    ops::affine(detail::as_rows(pass.inputs[0], matrix.rows()), matrix, ConstMatrixView(nullptr, 1, 0),
                detail::as_rows(pass.output, matrix.cols()));
  } else {
    const detail::EinsumSum sum(einsum.output, einsum.input, einsum.kernel);
    MatrixView(pass.output).setZero();
    for (Index row = 0; row < pass.output.rows(); ++row)
      sum.add_to(detail::row_of(pass.inputs[0], row), kernel.data(), detail::row_of(pass.output, row));
  }
  if (bias_axes) {
    const Scalar* bias = pass.parameters[1].data();
    const detail::StridedWalk walk = detail::walk_repeated(einsum.bias, pass.output_shape);
    for (Index row = 0; row < pass.output.rows(); ++row) {
      Scalar* y = detail::row_of(pass.output, row);
      walk.for_each([&](Index i, Index place) { y[i] += bias[place]; });
    }
  }
  if (pass.cache.size() > 0) MatrixView(pass.cache) = pass.output;
  const MatrixView y = detail::as_rows(pass.output, pass.output_shape.last());
  activation.forward(as_const(y), y);
}

MAAS_INLINE void EinsumDense::backward(const Backward& pass) const {
  const detail::Einsum einsum(*this, pass.input_shapes[0]);
  const ConstMatrixView& kernel = pass.parameters[0];
  const Index columns = pass.output_shape.last(), batch = pass.output.rows();
  const MatrixView dy = detail::as_rows(pass.output_gradient, columns);
  activation.backward(detail::as_rows(pass.cache, columns), detail::as_rows(pass.output, columns), dy);
  MatrixView dkernel = pass.parameter_gradients[0], dx = pass.input_gradients[0];
  if (bias_axes && detail::wanted(pass.parameter_gradients[1])) {
    MatrixView dbias = pass.parameter_gradients[1];
    dbias.setZero();
    const detail::StridedWalk walk = detail::walk_repeated(einsum.bias, pass.output_shape);
    for (Index row = 0; row < batch; ++row) {
      const Scalar* from = detail::row_of(pass.output_gradient, row);
      walk.for_each([&](Index i, Index place) { dbias.data()[place] += from[i]; });
    }
  }
  if (einsum.is_product()) {
    const ConstMatrixView matrix = detail::as_product_kernel(einsum, kernel);
    const MatrixView rows_of_dy = detail::as_rows(pass.output_gradient, matrix.cols());
    if (detail::wanted(dkernel))
      ops::affine_kernel_gradient(detail::as_rows(pass.inputs[0], matrix.rows()), as_const(rows_of_dy),
                                  detail::as_product_kernel(einsum, dkernel));
    if (detail::wanted(dx))
      ops::affine_input_gradient(as_const(rows_of_dy), matrix, detail::as_rows(dx, matrix.rows()));
    return;
  }
  const detail::EinsumSum for_kernel(einsum.kernel, einsum.input, einsum.output);
  const detail::EinsumSum for_input(einsum.input, einsum.output, einsum.kernel);
  if (detail::wanted(dkernel)) dkernel.setZero();
  if (detail::wanted(dx)) dx.setZero();
  for (Index row = 0; row < batch; ++row) {
    const Scalar* from = detail::row_of(pass.output_gradient, row);
    if (detail::wanted(dkernel)) for_kernel.add_to(detail::row_of(pass.inputs[0], row), from, dkernel.data());
    if (detail::wanted(dx)) for_input.add_to(from, kernel.data(), detail::row_of(dx, row));
  }
}

MAAS_INLINE SplitLayer EinsumDense::split_activation() const {
  EinsumDense before = *this;
  before.activation = linear;
  return {before, activation};
}

MAAS_INLINE Layer einsum_dense(std::string equation, std::vector<std::optional<Index>> output_shape,
                               std::optional<std::string> bias_axes) {
  return EinsumDense{
      .equation = std::move(equation), .output_shape = std::move(output_shape), .bias_axes = std::move(bias_axes)};
}

}  // namespace maas::inline MAAS_ABI
