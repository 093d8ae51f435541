// StateArchive: the state of a run to bytes and back.
#pragma once

#include <concepts>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "maas/core/error.hpp"
#include "maas/core/matrix.hpp"

namespace maas::inline MAAS_ABI {

/// Numbers and texts one after the other, each with its name, to the last bit. What has a state lists it once, in a
/// function that is given an archive; that function writes it, or reads it back, as the archive does. For the same
/// machine and build only: numbers are as they lie in memory.
class StateArchive {
 public:
  /// Writes.
  StateArchive() = default;
  /// Reads what another has written; `where` names its origin in messages.
  StateArchive(std::string bytes, std::string where)
      : bytes_(std::move(bytes)), where_(std::move(where)), reads_(true) {}

  bool reads() const { return reads_; }
  const std::string& bytes() const { return bytes_; }
  /// True once all was read.
  bool at_end() const { return place_ == bytes_.size(); }

  /// Each writes the value, or reads it. Throws FormatError where the archive has something else at this place.
  template <class Number>
  requires std::is_arithmetic_v<Number>
  void operator()(std::string_view name, Number& value) { fixed(name, &value, 1, sizeof(Number)); }
  void operator()(std::string_view name, std::string& text) { resizable(name, text); }
  template <class Number>
  requires std::is_arithmetic_v<Number> &&(!std::same_as<Number, bool>)void operator()(std::string_view name,
                                                                                       std::vector<Number>& numbers) {
    resizable(name, numbers);
  }
  void operator()(std::string_view name, Vector& numbers) { resizable(name, numbers); }
  /// The view must have as many numbers as were written.
  void operator()(std::string_view name, VectorView numbers) {
    fixed(name, numbers.data(), static_cast<std::size_t>(numbers.size()), sizeof(Scalar));
  }
  void operator()(std::string_view name, std::vector<std::string>& texts);
  /// Checks that what is read was written with the same value. Throws FormatError that tells both.
  template <class Value>
  void same(std::string_view name, Value mine) {
    const Value expected = mine;
    (*this)(name, mine);
    if (!(mine == expected)) fail<FormatError>("{}: {}: expected {}, got {}", where_, name, expected, mine);
  }

 private:
  template <class Values>
  void resizable(std::string_view name, Values& values) {
    const std::size_t size = sizeof(values[0]);
    std::size_t count = static_cast<std::size_t>(values.size());
    head(name, count);
    if (reads_) {
      require_bytes(name, count, size);
      values.resize(static_cast<decltype(values.size())>(count));
    }
    raw(name, values.data(), count * size);
  }
  void require_bytes(std::string_view name, std::size_t count, std::size_t size) const;
  void fixed(std::string_view name, void* data, std::size_t count, std::size_t size);
  void head(std::string_view name, std::size_t& count);
  void raw(std::string_view name, void* data, std::size_t count);

  std::string bytes_, where_ = "archive";
  std::size_t place_ = 0;
  bool reads_ = false;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/training/state_archive-inl.hpp"
#endif
