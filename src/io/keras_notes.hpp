// ModelNotes in a file: attributes and datasets of the group /maas.
#pragma once

#include "io/hdf5_file.hpp"
#include "maas/io/notes.hpp"

namespace maas::inline MAAS_ABI::io {

/// Reads the notes of a network that the file holds. Throws FormatError for damaged ones, ConfigError or ShapeError for
/// those that do not fit the network.
ModelNotes read_notes(const Hdf5Reader& file, const Network& network);
/// Writes them; a self-test without outputs gets those of the network.
void write_notes(Hdf5Writer& file, const ModelNotes& notes, const Network& network);

}  // namespace maas::inline MAAS_ABI::io
