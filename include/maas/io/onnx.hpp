// Writing networks as ONNX.
#pragma once

#include <string>

#include "maas/network/network.hpp"

namespace maas::inline MAAS_ABI {

/// Writes a network as an ONNX model (opset 20, IR version 9) for prediction in ONNX Runtime and its like; needs
/// `maas::maas` to link. Inputs and outputs are float tensors, called after their layers, with a first axis "batch" of
/// any size; `name` is the graph's. Layers that do nothing when predicting are left out. The file is written beside its
/// target and renamed. Throws ConfigError that names the layer for what ONNX has no like of or is not written yet:
/// Discretization, CategoryEncoding, Dot, sparsemax, layers and activations of the user's own, Softmax over several
/// axes, GroupNormalization along another axis than the last, axes that do not rise, and Multiply, Maximum and Minimum
/// of inputs with masks; FormatError where the file cannot be written.
void write_onnx(const std::string& path, const Network& network, const std::string& name = "maas");

}  // namespace maas::inline MAAS_ABI
