// Bodies of multipart/form-data (RFC 7578): a form, as browsers and `curl -F` send it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::serve {

/// One part of a form, seen in the body.
struct FormPart {
  std::string name{};      ///< of the field
  std::string filename{};  ///< empty for a field that is no file
  std::string_view body{};
};

/// Whether a Content-Type says that the body is a form.
bool is_form(std::string_view content_type);
/// The parts in order. Throws DataError for a type without a boundary, a body that is not made of parts with names, or
/// more than 100 of them.
std::vector<FormPart> form_parts(std::string_view body, std::string_view content_type);

}  // namespace maas::inline MAAS_ABI::serve
