// Errors that know their HTTP status, and the one table from exceptions to statuses.
#pragma once

#include <exception>
#include <string>

#include "maas/core/error.hpp"

namespace maas::inline MAAS_ABI::serve {

/// An error whose status is known where it is thrown.
class StatusError : public Error {
 public:
  StatusError(int status, const std::string& text) : Error(text), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

/// What is named is not there: a 404.
class UnknownError : public DataError {
  using DataError::DataError;
};

/// What is asked for does not go with how things stand: a 409.
class ConflictError : public DataError {
  using DataError::DataError;
};

/// There is no room for the weights of a version: a 429, which is RESOURCE_EXHAUSTED for gRPC.
class NoRoomError : public DataError {
  using DataError::DataError;
};

/// Throws a StatusError with the formatted text.
template <class... Arguments>
[[noreturn]] void fail_with(int status, fmt::format_string<Arguments...> text, Arguments&&... arguments) {
  throw StatusError(status, detail::format_message(text, fmt::make_format_args(arguments...)));
}

/// What the client is told of an exception: what it sent is a 400, all else a 500.
int status_of(const std::exception& error);

}  // namespace maas::inline MAAS_ABI::serve
