// Compressed bodies and answers: gzip and deflate.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::serve {

enum class Coding { none, gzip, deflate };

/// The coding of a body by its Content-Encoding: "gzip", "deflate", "identity" or nothing, in any case. Throws
/// StatusError 415 for others.
Coding coding_of(std::string_view name);
/// The coding that an Accept-Encoding allows: gzip before deflate; those of q=0 are refused.
Coding accepted_coding(std::string_view header);
/// "gzip" or "deflate".
std::string_view name_of(Coding coding);

/// The bytes behind a compressed body; deflate may be zlib's form, as HTTP says, or the bare one. Throws StatusError
/// 413 as soon as there are more than `most`, DataError where it is broken, ends early or has bytes behind its end.
std::string inflated(std::string_view body, Coding coding, std::size_t most);
std::string deflated(std::string_view text, Coding coding);

}  // namespace maas::inline MAAS_ABI::serve
