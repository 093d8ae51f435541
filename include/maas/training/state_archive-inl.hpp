// StateArchive: the state of a run to bytes and back: the bodies.
#pragma once

#include "maas/training/state_archive.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE void StateArchive::fixed(std::string_view name, void* data, std::size_t count, std::size_t size) {
  std::size_t stored = count;
  head(name, stored);
  require<FormatError>(stored == count, "{}: {}: expected {} numbers, got {}", where_, name, count, stored);
  raw(name, data, count * size);
}

MAAS_INLINE void StateArchive::head(std::string_view name, std::size_t& count) {
  if (!reads_) {
    bytes_.append(name).push_back('\0');
  } else {
    const bool fits = bytes_.compare(place_, name.size(), name) == 0 && bytes_.size() > place_ + name.size() &&
                      bytes_[place_ + name.size()] == '\0';
    require<FormatError>(fits, "{}: expected \"{}\" at byte {}, got something else", where_, name, place_);
    place_ += name.size() + 1;
  }
  raw(name, &count, sizeof(count));
}

MAAS_INLINE void StateArchive::raw(std::string_view name, void* data, std::size_t count) {
  if (count == 0) return;
  if (!reads_) {
    bytes_.append(static_cast<const char*>(data), count);
    return;
  }
  require<FormatError>(count <= bytes_.size() - place_, "{}: {}: the file ends too early", where_, name);
  std::memcpy(data, bytes_.data() + place_, count);
  place_ += count;
}

MAAS_INLINE void StateArchive::operator()(std::string_view name, std::vector<std::string>& texts) {
  std::size_t count = texts.size();
  (*this)(name, count);
  require<FormatError>(count <= bytes_.size(), "{}: {}: expected a number of texts, got {}", where_, name, count);
  texts.resize(count);
  for (std::string& text : texts) (*this)(name, text);
}

MAAS_INLINE void StateArchive::require_bytes(std::string_view name, std::size_t count, std::size_t size) const {
  require<FormatError>(count <= (bytes_.size() - place_) / size, "{}: {}: the file ends too early", where_, name);
}

}  // namespace maas::inline MAAS_ABI
