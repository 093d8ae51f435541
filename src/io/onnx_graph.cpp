#include "io/onnx_graph.hpp"

#include <bit>
#include <cstring>

#include "maas/version.hpp"

namespace maas::inline MAAS_ABI::io {

namespace {

constexpr int ir_version = 9, opset = 20;
constexpr std::int64_t type_float = 1, type_int64 = 7;

// ---- Protocol Buffers: a field is its number and kind, then what it holds ----

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 128; value >>= 7) bytes += static_cast<char>((value & 127) | 128);
  return bytes + static_cast<char>(value);
}

std::string whole(int field, std::int64_t value) {
  return varint(static_cast<std::uint64_t>(field) << 3) + varint(static_cast<std::uint64_t>(value));
}

std::string bytes(int field, const std::string& content) {
  return varint(static_cast<std::uint64_t>(field) << 3 | 2) + varint(content.size()) + content;
}

std::string little_endian(std::uint64_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  return bytes;
}

std::string float_bytes(double value) {
  return little_endian(std::bit_cast<std::uint32_t>(static_cast<float>(value)), 4);
}

std::string real(int field, double value) {
  return varint(static_cast<std::uint64_t>(field) << 3 | 5) + float_bytes(value);
}

// ---- Messages of ONNX ----

std::string attribute(const std::string& name, const OnnxValue& value) {
  constexpr int kind_float = 1, kind_int = 2, kind_string = 3, kind_ints = 7;
  std::string message = bytes(1, name);
  if (const auto* number = std::get_if<std::int64_t>(&value)) return message + whole(3, *number) + whole(20, kind_int);
  if (const auto* number = std::get_if<double>(&value)) return message + real(2, *number) + whole(20, kind_float);
  if (const auto* text = std::get_if<std::string>(&value)) return message + bytes(4, *text) + whole(20, kind_string);
  for (std::int64_t number : std::get<std::vector<std::int64_t>>(value)) message += whole(8, number);
  return message + whole(20, kind_ints);
}

std::string tensor(const std::string& name, const std::vector<Index>& sizes, std::int64_t type,
                   const std::string& content) {
  std::string message;
  for (Index size : sizes) message += whole(1, static_cast<std::int64_t>(size));
  return message + whole(2, type) + bytes(8, name) + bytes(9, content);
}

std::string value_info(const std::string& name, const Shape& sample) {
  std::string dimensions = bytes(1, bytes(2, "batch"));
  for (Index size : sample) dimensions += bytes(1, whole(1, static_cast<std::int64_t>(size)));
  return bytes(1, name) + bytes(2, bytes(1, whole(1, type_float) + bytes(2, dimensions)));
}

}  // namespace

Tensor OnnxGraph::add(const std::string& operation, const std::vector<Tensor>& inputs, const OnnxAttributes& attributes,
                      Tensor output) {
  if (output.empty()) output = "maas:t" + std::to_string(tensors_++);
  std::string message;
  for (const Tensor& input : inputs) message += bytes(1, input);
  message += bytes(2, output) + bytes(4, operation);
  for (const auto& [name, value] : attributes) message += bytes(5, attribute(name, value));
  nodes_ += bytes(1, message);
  return output;
}

Tensor OnnxGraph::constant(const std::vector<Index>& sizes, const std::vector<double>& values) {
  const Tensor name = "maas:c" + std::to_string(tensors_++);
  std::string content;
  for (double value : values) content += float_bytes(value);
  constants_ += bytes(5, tensor(name, sizes, type_float, content));
  return name;
}

Tensor OnnxGraph::integers(const std::vector<std::int64_t>& values) {
  const Tensor name = "maas:c" + std::to_string(tensors_++);
  std::string content;
  for (std::int64_t value : values) content += little_endian(static_cast<std::uint64_t>(value), 8);
  constants_ += bytes(5, tensor(name, {static_cast<Index>(values.size())}, type_int64, content));
  return name;
}

void OnnxGraph::input(const Tensor& name, const Shape& sample) { inputs_ += bytes(11, value_info(name, sample)); }
void OnnxGraph::output(const Tensor& name, const Shape& sample) { outputs_ += bytes(12, value_info(name, sample)); }

std::string OnnxGraph::model() const {
  const std::string graph = nodes_ + bytes(2, name_) + constants_ + inputs_ + outputs_;
  return whole(1, ir_version) + bytes(2, "maas") + bytes(3, MAAS_VERSION) + bytes(7, graph) + bytes(8, whole(2, opset));
}

}  // namespace maas::inline MAAS_ABI::io
