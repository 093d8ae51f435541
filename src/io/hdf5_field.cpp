#include "io/hdf5_field.hpp"

namespace maas::inline MAAS_ABI::io {

std::uint64_t Field::number(std::size_t bytes) {
  expect(left() >= bytes, "a structure ends too early");
  std::uint64_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes_[place_ + i]);
  place_ += bytes;
  return value;
}

void Field::skip(std::size_t count) {
  expect(left() >= count, "a structure ends too early");
  place_ += count;
}

Field Field::part(std::size_t count) {
  Field result = part_at(0, count);
  place_ += count;
  return result;
}

Field Field::part_at(std::size_t skipped, std::size_t count) const {
  expect(skipped <= left() && count <= left() - skipped, "a structure ends too early");
  return Field(bytes_.substr(place_ + skipped, count), where_, at_ + place_ + skipped);
}

std::string Field::text() {
  const std::size_t end = bytes_.find('\0', place_);
  expect(end != std::string::npos, "a text has no end");
  std::string result = bytes_.substr(place_, end - place_);
  place_ = end + 1;
  return result;
}

void Field::expect(bool right, std::string_view what) const {
  require<FormatError>(right, "{}: damaged at byte {}: {}", where_, at(), what);
}

}  // namespace maas::inline MAAS_ABI::io
