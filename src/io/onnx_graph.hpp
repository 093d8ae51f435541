// The bytes of an ONNX model: nodes, constants, inputs and outputs, as Protocol Buffers write them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "maas/core/matrix.hpp"
#include "maas/core/shape.hpp"

namespace maas::inline MAAS_ABI::io {

/// A setting of a node.
using OnnxValue = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>>;
using OnnxAttributes = std::vector<std::pair<std::string, OnnxValue>>;
/// The name of a tensor.
using Tensor = std::string;

/// Collects a graph, node after node, and gives the bytes of the model. Field numbers are those of onnx.proto3.
class OnnxGraph {
 public:
  explicit OnnxGraph(std::string name) : name_(std::move(name)) {}

  /// A node of one output, whose name is returned: made up, if none is given.
  Tensor add(const std::string& operation, const std::vector<Tensor>& inputs, const OnnxAttributes& attributes = {},
             Tensor output = "");
  /// A constant of these sizes; all of them come once.
  Tensor constant(const std::vector<Index>& sizes, const std::vector<double>& values);
  Tensor number(double value) { return constant({}, {value}); }
  Tensor integers(const std::vector<std::int64_t>& values);
  void input(const Tensor& name, const Shape& sample);
  void output(const Tensor& name, const Shape& sample);

  /// The whole model.
  std::string model() const;

 private:
  std::string name_, nodes_, constants_, inputs_, outputs_;
  Index tensors_ = 0;
};

}  // namespace maas::inline MAAS_ABI::io
