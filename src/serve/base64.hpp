// Base64 (RFC 4648): bytes in JSON.
#pragma once

#include <string>
#include <string_view>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::serve {

/// Bytes as base64, with padding.
std::string base64_of(std::string_view bytes);
/// The bytes that base64 stands for. Throws DataError that begins with `what` for another character, or for a length
/// that no bytes have: with padding, without line breaks.
std::string bytes_of_base64(std::string_view text, std::string_view what);

}  // namespace maas::inline MAAS_ABI::serve
