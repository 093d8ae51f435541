// How much of anything a file may hold: readers refuse more, and so writers write no more.
#pragma once

#include <cstddef>
#include <cstdint>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::io {

/// Bytes of text in an attribute of HDF5, and of a model's description in an archive.
constexpr std::size_t most_text = std::size_t{64} << 20;
/// Names in a list, and members of a group.
constexpr Index most_names = 100000;
/// Axes of a dataset.
constexpr int most_rank = 8;
/// Bytes of a dataset that is read as a whole.
constexpr Index most_bytes = Index{1} << 31;
/// Bytes of a row, and of all of them, in a dataset that is read part by part.
constexpr Index most_row_bytes = Index{1} << 28, most_all_bytes = Index{1} << 46;
/// Bytes of the weights in an archive: they are not taken as memory unless they are deflated.
constexpr std::uint64_t most_weights = std::uint64_t{1} << 40;

}  // namespace maas::inline MAAS_ABI::io
