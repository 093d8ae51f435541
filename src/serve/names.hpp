// Names of models: what an address can hold.
#pragma once

#include <string>
#include <string_view>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::serve {

/// Whether a model may be called so: not empty, not "." or "..", not "stats" (an address of the Open Inference
/// Protocol), at most 255 bytes of UTF-8, without '/', ':' and control characters. Other bytes would break whatever
/// tells of it: metrics, and what is kept as JSON.
bool is_model_name(std::string_view name);

/// Whether a file that is sent may be called so: at most 100 letters, digits, '_', '-' and '.', not first a '.'.
bool is_file_name(std::string_view name);

/// A name as a part of a path: all but letters, digits, '-', '_', '.' and '~' percent-encoded (RFC 3986, 2.3).
std::string escaped(std::string_view name);

}  // namespace maas::inline MAAS_ABI::serve
