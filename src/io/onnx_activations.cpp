#include "io/onnx_activations.hpp"

#include <algorithm>
#include <iterator>

namespace maas::inline MAAS_ABI::io {

namespace {

Tensor clip(OnnxGraph& graph, const Tensor& x, double low, double high) {
  return graph.add("Clip", {x, graph.number(low), graph.number(high)});
}

// clip(slope x + offset, 0, 1)
Tensor ramp(OnnxGraph& graph, const Tensor& x, double slope, double offset) {
  return graph.add("HardSigmoid", {x}, {{"alpha", slope}, {"beta", offset}});
}

Tensor where_above(OnnxGraph& graph, const Tensor& x, double limit, const Tensor& above, const Tensor& else_) {
  return graph.add("Where", {graph.add("Greater", {x, graph.number(limit)}), above, else_});
}

Tensor glu(OnnxGraph& graph, const Tensor& x) {
  const Tensor last = graph.integers({-1}), size = graph.add("Gather", {graph.add("Shape", {x}), last});
  const Tensor half = graph.add("Div", {size, graph.integers({2})});
  const Tensor first = graph.add("Slice", {x, graph.integers({0}), half, last});
  return graph.add("Mul", {first, graph.add("Sigmoid", {graph.add("Slice", {x, half, size, last})})});
}

Tensor squareplus(OnnxGraph& graph, double b, const Tensor& x) {
  const Tensor root = graph.add("Sqrt", {graph.add("Add", {graph.add("Mul", {x, x}), graph.number(b)})});
  const Tensor half = graph.number(0.5);
  // Below 0 the sum would cancel; there the same value is b / (2 (root - x)).
  const Tensor left = graph.add("Div", {graph.number(0.5 * b), graph.add("Sub", {root, x})});
  return where_above(graph, x, 0, graph.add("Mul", {graph.add("Add", {x, root}), half}), left);
}

Tensor sparse_plus(OnnxGraph& graph, const Tensor& x) {
  const Tensor w = graph.add("Relu", {graph.add("Add", {x, graph.number(1)})});
  const Tensor bend = graph.add("Mul", {graph.add("Mul", {w, w}), graph.number(0.25)});
  return where_above(graph, x, 1, x, bend);
}

// Those of one operation without settings.
struct Plain {
  const char *name, *operation;
};
constexpr Plain plain[] = {{"relu", "Relu"},       {"selu", "Selu"},         {"sigmoid", "Sigmoid"},
                           {"tanh", "Tanh"},       {"softplus", "Softplus"}, {"softsign", "Softsign"},
                           {"exponential", "Exp"}, {"mish", "Mish"},         {"hard_silu", "HardSwish"}};

// Those that need no fields, of several operations.
Tensor composed(OnnxGraph& graph, const Activation& activation, const Tensor& x, const std::string& where) {
  const std::string_view name = activation.class_name();
  if (name == "relu6") return clip(graph, x, 0, 6);
  if (name == "hard_tanh") return clip(graph, x, -1, 1);
  if (name == "hard_sigmoid") return ramp(graph, x, 1.0 / 6, 0.5);
  if (name == "keras2_hard_sigmoid") return ramp(graph, x, 0.2, 0.5);
  if (name == "sparse_sigmoid") return ramp(graph, x, 0.5, 0.5);
  if (name == "silu") return graph.add("Mul", {x, graph.add("Sigmoid", {x})});
  if (name == "log_sigmoid") return graph.add("Neg", {graph.add("Softplus", {graph.add("Neg", {x})})});
  if (name == "tanh_shrink") return graph.add("Sub", {x, graph.add("Tanh", {x})});
  if (name == "sparse_plus") return sparse_plus(graph, x);
  if (name == "softmax") return graph.add("Softmax", {x}, {{"axis", std::int64_t{-1}}});
  if (name == "log_softmax") return graph.add("LogSoftmax", {x}, {{"axis", std::int64_t{-1}}});
  if (name == "glu") return glu(graph, x);
  fail<ConfigError>("{}: the activation {} is not written as ONNX", where, name);
}

}  // namespace

Tensor add_bounded_relu(OnnxGraph& graph, const BoundedRelu& relu, const Tensor& x) {
  const Tensor low = graph.number(relu.threshold);
  const Tensor below = graph.add("Mul", {graph.add("Sub", {x, low}), graph.number(relu.negative_slope)});
  const Tensor y = where_above(graph, x, relu.threshold, x, below);
  if (!relu.max_value) return y;
  return where_above(graph, x, *relu.max_value, graph.number(*relu.max_value), y);
}

Tensor add_activation(OnnxGraph& graph, const Activation& activation, const Tensor& x, const std::string& where) {
  if (activation.as<Linear>() != nullptr) return x;
  const auto* found = std::ranges::find(plain, activation.class_name(), &Plain::name);
  if (found != std::end(plain)) return graph.add(found->operation, {x});
  if (const auto* f = activation.as<BoundedRelu>()) return add_bounded_relu(graph, *f, x);
  if (const auto* f = activation.as<LeakyRelu>()) return graph.add("LeakyRelu", {x}, {{"alpha", f->negative_slope}});
  if (const auto* f = activation.as<Elu>()) return graph.add("Elu", {x}, {{"alpha", f->alpha}});
  if (const auto* f = activation.as<Celu>()) return graph.add("Celu", {x}, {{"alpha", f->alpha}});
  if (const auto* f = activation.as<Gelu>())
    return graph.add("Gelu", {x}, {{"approximate", std::string(f->approximate ? "tanh" : "none")}});
  if (const auto* f = activation.as<Squareplus>()) return squareplus(graph, f->b, x);
  if (const auto* f = activation.as<HardShrink>()) return graph.add("Shrink", {x}, {{"lambd", f->threshold}});
  if (const auto* f = activation.as<SoftShrink>())
    return graph.add("Shrink", {x}, {{"lambd", f->threshold}, {"bias", f->threshold}});
  if (const auto* f = activation.as<Threshold>())
    return where_above(graph, x, f->threshold, x, graph.number(f->default_value));
  return composed(graph, activation, x, where);
}

}  // namespace maas::inline MAAS_ABI::io
