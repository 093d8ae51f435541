// Activations as nodes of ONNX.
#pragma once

#include "io/onnx_graph.hpp"
#include "maas/activations/activations.hpp"

namespace maas::inline MAAS_ABI::io {

/// y = f(x), along the last axis where f works on rows. Throws ConfigError for one that ONNX has no like of; `where`
/// names the layer.
Tensor add_activation(OnnxGraph& graph, const Activation& activation, const Tensor& x, const std::string& where);

/// Keras' relu with all its arguments.
Tensor add_bounded_relu(OnnxGraph& graph, const BoundedRelu& relu, const Tensor& x);

}  // namespace maas::inline MAAS_ABI::io
