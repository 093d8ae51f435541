// Raw rows of named values, for models that were saved with their pipeline.
#pragma once

#include <string>
#include <vector>

#include "maas/core/scalar.hpp"
#include "maas/serve/repository.hpp"
#include "serve/json.hpp"

namespace maas::inline MAAS_ABI::serve {

/// Whether a row of an answer to be is raw: an object that does not name the network's input.
bool is_raw_row(const Servable& servable, JsonView row);

/// Raw rows, and what the network gets for them.
struct RawRows {
  Table table{};
  Matrix features{};
  std::vector<bool> is_unknown{};  ///< of each row: whether a feature of it is missing, which makes its answer NaN
};

/// Reads a list of objects by the names of the pipeline's columns: numbers, texts, times as a text or in seconds; null
/// and what a row leaves out is missing. Throws DataError for other names, values of another type, and what the
/// pipeline refuses.
RawRows raw_rows_of(const Servable& servable, JsonView rows);

/// The answer: an object a row, with the targets by name, in their own units; bare rows where the pipeline has none.
std::string raw_answer(const Servable& servable, const RawRows& rows, const Matrix& outputs);

/// `[{"name":"flow","type":"number"}, ...]`: what a row is made of. Empty without a pipeline.
std::string raw_columns(const Servable& servable);

}  // namespace maas::inline MAAS_ABI::serve
