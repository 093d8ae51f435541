// JSON texts to and from Config.
#pragma once

#include <string>
#include <string_view>

#include "maas/core/config.hpp"

namespace maas::inline MAAS_ABI::io {

/// The value of a JSON text, with NaN and Infinity as Python writes them. `where` begins the FormatError of a text that
/// is none, that nests deeper than 64 levels, or that names a key of an object twice.
Config parse_json(std::string_view text, std::string_view where);

/// One line of JSON in ASCII: other characters are escaped, since old versions of Keras fail on them.
std::string write_json(const Config& config);

}  // namespace maas::inline MAAS_ABI::io
