// The data types of the Open Inference Protocol, and numbers of theirs as the network's.
#pragma once

#include <optional>
#include <string_view>

#include "maas/core/matrix.hpp"
#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::serve {

enum class DataType {
  boolean,
  uint8,
  uint16,
  uint32,
  uint64,
  int8,
  int16,
  int32,
  int64,
  fp16,
  bf16,
  fp32,
  fp64,
  bytes
};

/// "FP32" and so on; nothing for other names.
std::optional<DataType> data_type_of(std::string_view name);
std::string_view name_of(DataType type);
/// Bytes of one element in the binary form; 0 for BYTES, whose elements tell their lengths.
Index element_bytes(DataType type);
/// Whether it may stand in JSON: FP16 and BF16 may not.
bool is_json_type(DataType type);
bool is_integer(DataType type);

/// Whether a number is a whole one and of an integer type. The largest numbers of 64 bits are no doubles: what was one
/// of them has been rounded up and is not.
bool in_range(DataType type, double value);

/// Reads `count` elements of a type (not BYTES), little-endian and not aligned. Throws DataError, that begins with
/// `what`, for a BOOL that is neither 0 nor 1, or an FP64 beyond the network's numbers.
void read_elements(std::string_view what, DataType type, const char* bytes, Index count, Scalar* values);

}  // namespace maas::inline MAAS_ABI::serve
