#include "serve/data_type.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "maas/core/error.hpp"

namespace maas::inline MAAS_ABI::serve {

static_assert(std::endian::native == std::endian::little,
              "the binary form is little-endian, and so must be the machine");

namespace {

struct TypeRow {
  DataType type;
  std::string_view name;
  Index bytes;
  double least, end;  // of integers: the lowest, and the first that is too large
};

template <class T>
constexpr TypeRow integer_row(DataType type, std::string_view name) {
  // A power of two, which is a double as it stands; the largest number of 64 bits is not.
  constexpr double end = 2.0 * static_cast<double>(T{1} << (std::numeric_limits<T>::digits - 1));
  return {type, name, sizeof(T), static_cast<double>(std::numeric_limits<T>::min()), end};
}

constexpr std::array rows{TypeRow{DataType::boolean, "BOOL", 1, 0, 0},
                          integer_row<std::uint8_t>(DataType::uint8, "UINT8"),
                          integer_row<std::uint16_t>(DataType::uint16, "UINT16"),
                          integer_row<std::uint32_t>(DataType::uint32, "UINT32"),
                          integer_row<std::uint64_t>(DataType::uint64, "UINT64"),
                          integer_row<std::int8_t>(DataType::int8, "INT8"),
                          integer_row<std::int16_t>(DataType::int16, "INT16"),
                          integer_row<std::int32_t>(DataType::int32, "INT32"),
                          integer_row<std::int64_t>(DataType::int64, "INT64"),
                          TypeRow{DataType::fp16, "FP16", 2, 0, 0},
                          TypeRow{DataType::bf16, "BF16", 2, 0, 0},
                          TypeRow{DataType::fp32, "FP32", 4, 0, 0},
                          TypeRow{DataType::fp64, "FP64", 8, 0, 0},
                          TypeRow{DataType::bytes, "BYTES", 0, 0, 0}};

const TypeRow& row(DataType type) { return rows[static_cast<std::size_t>(type)]; }

template <class T>
T element(const char* bytes, Index i) {
  T value;
  std::memcpy(&value, bytes + i * static_cast<Index>(sizeof(T)), sizeof(T));
  return value;
}

template <class T>
void convert(const char* bytes, Index count, Scalar* values) {
  for (Index i = 0; i < count; ++i) values[i] = static_cast<Scalar>(element<T>(bytes, i));
}

// IEEE 754's 16 bits: 1 of sign, 5 of exponent, 10 of fraction.
float half(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31, fraction = bits & 1023;
  float size;
  if (exponent == 31)
    size = fraction == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  else if (exponent == 0)
    size = std::ldexp(static_cast<float>(fraction), -24);
  else
    size = std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
  return (bits >> 15) != 0 ? -size : size;
}

void read_halves(const char* bytes, Index count, Scalar* values) {
  for (Index i = 0; i < count; ++i) values[i] = half(element<std::uint16_t>(bytes, i));
}

// The upper half of a float.
void read_brain_floats(const char* bytes, Index count, Scalar* values) {
  for (Index i = 0; i < count; ++i)
    values[i] = std::bit_cast<float>(static_cast<std::uint32_t>(element<std::uint16_t>(bytes, i)) << 16);
}

void read_booleans(std::string_view what, const char* bytes, Index count, Scalar* values) {
  for (Index i = 0; i < count; ++i) {
    const auto value = static_cast<unsigned char>(bytes[i]);
    require<DataError>(value <= 1, "{}: expected BOOL bytes of 0 or 1, got {} in element {}", what, value, i);
    values[i] = value;
  }
}

void read_doubles(std::string_view what, const char* bytes, Index count, Scalar* values) {
  for (Index i = 0; i < count; ++i) {
    const double value = element<double>(bytes, i);
    values[i] = static_cast<Scalar>(value);
    require<DataError>(std::isfinite(values[i]) || !std::isfinite(value),
                       "{}: expected numbers within FP32, got {} in element {}", what, value, i);
  }
}

}  // namespace

std::optional<DataType> data_type_of(std::string_view name) {
  for (const TypeRow& each : rows)
    if (each.name == name) return each.type;
  return std::nullopt;
}

std::string_view name_of(DataType type) { return row(type).name; }

Index element_bytes(DataType type) { return row(type).bytes; }

bool is_json_type(DataType type) { return type != DataType::fp16 && type != DataType::bf16; }

bool is_integer(DataType type) { return row(type).end > 0; }

bool in_range(DataType type, double value) {
  return value >= row(type).least && value < row(type).end && value == std::floor(value);
}

void read_elements(std::string_view what, DataType type, const char* bytes, Index count, Scalar* values) {
  switch (type) {
    case DataType::boolean:
      return read_booleans(what, bytes, count, values);
    case DataType::uint8:
      return convert<std::uint8_t>(bytes, count, values);
    case DataType::uint16:
      return convert<std::uint16_t>(bytes, count, values);
    case DataType::uint32:
      return convert<std::uint32_t>(bytes, count, values);
    case DataType::uint64:
      return convert<std::uint64_t>(bytes, count, values);
    case DataType::int8:
      return convert<std::int8_t>(bytes, count, values);
    case DataType::int16:
      return convert<std::int16_t>(bytes, count, values);
    case DataType::int32:
      return convert<std::int32_t>(bytes, count, values);
    case DataType::int64:
      return convert<std::int64_t>(bytes, count, values);
    case DataType::fp16:
      return read_halves(bytes, count, values);
    case DataType::bf16:
      return read_brain_floats(bytes, count, values);
    case DataType::fp32:
      return convert<float>(bytes, count, values);
    case DataType::fp64:
      return read_doubles(what, bytes, count, values);
    case DataType::bytes:
      break;
  }
  fail<DataError>("{}: expected a type of numbers, got {}", what, name_of(type));
}

}  // namespace maas::inline MAAS_ABI::serve
