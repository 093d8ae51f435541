// Activation: the handle, and what a struct needs to stand behind it.
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "maas/core/handle.hpp"
#include "maas/core/matrix.hpp"
#include "maas/ops/curve.hpp"
#include "maas/ops/map_elements.hpp"

namespace maas::inline MAAS_ABI {

struct ActivationInterface : PartInterface {
  virtual void forward(const ConstMatrixView& z, MatrixView y) const = 0;
  virtual void backward(const ConstMatrixView& z, const ConstMatrixView& y, MatrixView gradient) const = 0;
  virtual bool needs_input() const = 0;
  virtual std::optional<ops::Curve> curve() const = 0;
  virtual bool works_on_rows() const = 0;
  virtual bool halves() const = 0;
  virtual void halved_backward(const ConstMatrixView& z, const ConstMatrixView& dy, MatrixView dz) const = 0;
};

/// Element by element, slope read off the output: `value(x)` and `slope(y)`, Eigen array expressions.
template <class Rule>
concept OutputSlopeRule = PartRule<Rule> && requires(const Rule& rule, Eigen::Array<Scalar, 4, 4> x) {
  rule.value(x);
  rule.slope(x);
};

/// Element by element, slope from input and output: `value(x)` and `slope(x, y)`.
template <class Rule>
concept InputSlopeRule = PartRule<Rule> && requires(const Rule& rule, Eigen::Array<Scalar, 4, 4> x) {
  rule.value(x);
  rule.slope(x, x);
};

/// On whole rows: `forward(z, y)`, where z and y may be the same memory, and `backward(y, gradient)`, which turns the
/// gradient of the output into that of the input, in place.
template <class Rule>
concept RowRule = PartRule<Rule> && requires(const Rule& rule, ConstMatrixView in, MatrixView out) {
  rule.forward(in, out);
  rule.backward(in, out);
};

/// An element-wise rule that also brings sweeps over plain memory, `sweep(count, x, y)` and `sweep_gradient(count, y,
/// gradient)`: faster forms of the same formulas, used where numbers lie one after the other.
template <class Rule>
concept SweepRule = requires(const Rule& rule, const Scalar* in, Scalar* out) {
  rule.sweep(Index(1), in, out);
  rule.sweep_gradient(Index(1), in, out);
};

/// A rule that is one of the kernels' curves, `static constexpr ops::Curve curve`. Layers hand it to the product in
/// front of it, and its slope to the sums for their bias. Its slope is read off the output.
template <class Rule>
concept CurveRule = requires {
  { Rule::curve } -> std::same_as<const ops::Curve&>;
};

/// On whole rows of an even number of features, of which it gives half as many: `forward(z, y)`, where z and y are
/// different memory, and `backward(z, dy, dz)`, which overwrites dz with the gradient of the input.
template <class Rule>
concept HalvingRule = PartRule<Rule> && requires(const Rule& rule, ConstMatrixView in, MatrixView out) {
  rule.forward(in, out);
  rule.backward(in, in, out);
};

/// What may stand behind an Activation that gives as many features as it takes.
template <class Rule>
concept PlainActivationRule = OutputSlopeRule<Rule> || InputSlopeRule<Rule> || RowRule<Rule>;

/// What may stand behind an Activation.
template <class Rule>
concept ActivationRule = PlainActivationRule<Rule> || HalvingRule<Rule>;

namespace detail {
/// y = f(z), row by row; z and y may be the same memory. The one place where a rule meets numbers, for networks of
/// shapes from files and of shapes in types.
template <ActivationRule Rule>
void activate(const Rule& rule, const ConstMatrixView& z, MatrixView y) {
  if constexpr (RowRule<Rule> || HalvingRule<Rule>)
    rule.forward(z, y);
  else if constexpr (SweepRule<Rule>)
    rule.sweep(z.size(), z.data(), y.data());
  else
    ops::map_elements(z.data(), y.data(), z.size(), [&](const auto& x) { return rule.value(x); });
}
/// gradient *= f'(z), element by element. (Views are parameters: see ops/map_elements.hpp.)
template <class Rule, class In, class Out>
void multiply_slope(const Rule& rule, [[maybe_unused]] const In& z, const In& y, Out gradient) {
  if constexpr (InputSlopeRule<Rule>)
    gradient.array() *= rule.slope(z.array(), y.array());
  else
    gradient.array() *= rule.slope(y.array());
}
}  // namespace detail

template <ActivationRule Rule>
struct ActivationModel final : PartModel<ActivationInterface, Rule> {
  using PartModel<ActivationInterface, Rule>::PartModel;
  static constexpr bool reads_input = InputSlopeRule<Rule>;

  bool needs_input() const override { return reads_input || HalvingRule<Rule>; }
  bool works_on_rows() const override { return RowRule<Rule> || HalvingRule<Rule>; }
  bool halves() const override { return HalvingRule<Rule>; }
  std::optional<ops::Curve> curve() const override {
    if constexpr (CurveRule<Rule>)
      return Rule::curve;
    else
      return std::nullopt;
  }
  void forward(const ConstMatrixView& z, MatrixView y) const override { detail::activate(this->rule, z, y); }
  void backward([[maybe_unused]] const ConstMatrixView& z, const ConstMatrixView& y,
                [[maybe_unused]] MatrixView gradient) const override {
    if constexpr (HalvingRule<Rule>)
      fail<ConfigError>("activation {}: it gives half as many features as it takes and cannot work in place",
                        Rule::class_name);
    else if constexpr (RowRule<Rule>)
      this->rule.backward(y, gradient);
    else if constexpr (SweepRule<Rule>)
      this->rule.sweep_gradient(y.size(), y.data(), gradient.data());
    else
      detail::multiply_slope(this->rule, z, y, gradient);
  }
  void halved_backward([[maybe_unused]] const ConstMatrixView& z, [[maybe_unused]] const ConstMatrixView& dy,
                       [[maybe_unused]] MatrixView dz) const override {
    if constexpr (HalvingRule<Rule>) this->rule.backward(z, dy, dz);
  }
};

/// A function applied to a layer's outputs: `relu`, `sigmoid`, or any struct that is an ActivationRule.
class Activation : public Handle<ActivationInterface> {
 public:
  template <class Rule>
  requires NotHandle<Rule, Activation> && ActivationRule<std::remove_cvref_t<Rule>> Activation(Rule&& rule);

  /// y = f(z), row by row; z and y are rows x features and may be the same memory. Where it halves, y is rows x half as
  /// many features, elsewhere in memory.
  void forward(const ConstMatrixView& z, MatrixView y) const { self_->forward(z, y); }
  /// Turns d loss / d y into d loss / d z, in place. z is looked at only if needs_input(). Throws ConfigError where it
  /// halves.
  void backward(const ConstMatrixView& z, const ConstMatrixView& y, MatrixView gradient) const {
    self_->backward(z, y, gradient);
  }
  /// True if backward needs the input z; a layer then keeps it.
  bool needs_input() const { return self_->needs_input(); }

  /// Which of the kernels' curves it is, if it is one.
  std::optional<ops::Curve> curve() const { return self_->curve(); }

  /// True if it looks at whole rows, as softmax does, and not at single numbers.
  bool works_on_rows() const { return self_->works_on_rows(); }
  /// True if it gives half as many features as it takes, as glu does. Only the layer Activation can run it.
  bool halves() const { return self_->halves(); }
  /// Where it halves: d loss / d z (overwritten) from d loss / d y.
  void halved_backward(const ConstMatrixView& z, const ConstMatrixView& dy, MatrixView dz) const {
    self_->halved_backward(z, dy, dz);
  }
  /// Throws ConfigError if it halves: for layers that apply it in place.
  void require_in_place(std::string_view layer) const;
};

template <class Rule>
requires NotHandle<Rule, Activation> && ActivationRule<std::remove_cvref_t<Rule>> Activation::Activation(Rule&& rule)
    : Handle(std::make_shared<ActivationModel<std::remove_cvref_t<Rule>>>(std::forward<Rule>(rule))) {}

/// A plain name where the activation has no fields, else {"class_name", "config"}.
Config to_config(const Activation& activation);
/// From a name, null (linear) or {"class_name", "config"}. Throws ConfigError for an unknown name.
void from_config(const Config& config, std::string_view where, Activation& activation);

}  // namespace maas::inline MAAS_ABI
