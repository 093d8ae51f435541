// ModelInfo in a file: attributes and datasets of the group /maas.
#pragma once

#include "io/hdf5_file.hpp"
#include "maas/io/info.hpp"

namespace maas::inline MAAS_ABI::io {

/// The JSON of an attribute of the group /maas; null where there is none.
Config read_own_json(const Hdf5Reader& file, const char* attribute);

/// Reads the info of a network that the file holds; `steps` are classes of the user's own. Throws FormatError for
/// damaged ones, ConfigError or ShapeError for those that do not fit the network.
ModelInfo read_info(const Hdf5Reader& file, const Network& network, std::span<const CatalogEntry<Step>> steps);
/// Writes them; a self-test without outputs gets those of the network.
void write_info(Hdf5Writer& file, const ModelInfo& info, const Network& network);

}  // namespace maas::inline MAAS_ABI::io
