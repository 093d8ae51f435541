// Servables: from a file or a network to a version that can answer.
#pragma once

#include <memory>
#include <string>

#include "maas/serve/repository.hpp"

namespace maas::inline MAAS_ABI::serve {

/// Names the inputs and outputs, and tries the network on zeros and ones. Throws DataError if it gives no finite number
/// for either.
std::shared_ptr<const Servable> make_servable(Servable servable);

/// Reads a model file, its self-test included. Throws what read_keras throws, and DataError as above.
std::shared_ptr<const Servable> load_servable(const std::string& model, std::int64_t version, const std::string& path);

}  // namespace maas::inline MAAS_ABI::serve
