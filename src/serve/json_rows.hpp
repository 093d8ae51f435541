// Rows of named values in JSON as the text of a table, which is what trainings read.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "maas/core/scalar.hpp"
#include "serve/json.hpp"

namespace maas::inline MAAS_ABI::serve {

/// `[{"flow": 12, "kind": "car"}, {"flow": null}]` as CSV: a column a name, in the order in which they come first.
/// What a row does not name, null and NaN are empty cells, true and false are texts. `what` begins the texts of errors.
/// Throws DataError where it is no list of objects, for no row, no name or more than 10000 names, for a value that is a
/// list or an object or infinite, and for a text with a zero byte; a StatusError 413 for more than `most` bytes of CSV.
std::string csv_of_rows(JsonView rows, std::string_view what, std::size_t most);

}  // namespace maas::inline MAAS_ABI::serve
