// The library's exceptions, and the checks that throw them.
#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <type_traits>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI {

/// Every exception the library throws on its own account. The text reads "where: expected this, got that".
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
/// Sizes that do not fit together.
class ShapeError : public Error {
 public:
  using Error::Error;
};
/// An argument or option out of its range, or an unknown name.
class ConfigError : public Error {
 public:
  using Error::Error;
};
/// Values that cannot be used: NaN in the input, a label out of range, empty data.
class DataError : public Error {
 public:
  using Error::Error;
};
/// A file that cannot be opened or written, or is not what it should be; the text begins with its path.
class FormatError : public Error {
 public:
  using Error::Error;
};
/// The right call at the wrong time: fit before compile.
class StateError : public Error {
 public:
  using Error::Error;
};
/// NaN or infinity where training cannot go on.
class NumericError : public Error {
 public:
  using Error::Error;
};

namespace detail {
std::string format_message(fmt::string_view text, fmt::format_args arguments);

/// Out of line, so that a check costs its callers one branch and few bytes.
template <class Kind>
[[noreturn, gnu::cold, gnu::noinline]] void raise(fmt::string_view text, fmt::format_args arguments) {
  throw Kind(format_message(text, arguments));
}
}  // namespace detail

/// Throws `Kind` with the formatted text.
template <class Kind, class... Arguments>
[[noreturn]] void fail(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
  detail::raise<Kind>(text, fmt::make_format_args(arguments...));
}

/// Throws `Kind` with the formatted text unless `condition` holds.
template <class Kind, class... Arguments>
void require(bool condition, fmt::format_string<Arguments...> text, Arguments&&... arguments) {
  if (!condition) [[unlikely]]
    detail::raise<Kind>(text, fmt::make_format_args(arguments...));
}

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/core/error-inl.hpp"
#endif
