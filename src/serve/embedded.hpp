// Files of this folder that are part of the program: embed.cmake makes constants of them.
#pragma once

#include <string_view>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::serve {

extern const std::string_view openapi_json;  ///< openapi.json: all but the paths of models
extern const std::string_view page_html;     ///< page.html, with NONCE where each answer has its own

}  // namespace maas::inline MAAS_ABI::serve
