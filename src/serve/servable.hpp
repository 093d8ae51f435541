// Servables: from a file or a network to a version that can answer.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "maas/serve/repository.hpp"

namespace maas::inline MAAS_ABI::serve {

/// Names the inputs and outputs, and tries the network on zeros and ones. Throws DataError if it gives no finite number
/// for either.
std::shared_ptr<Servable> make_servable(Servable servable);

/// The files that other names of inputs and of outputs stand in; empty for names from elsewhere.
struct NameFiles {
  std::string inputs{}, outputs{};
};

/// Gives a version the names and limits of settings. Throws DataError for a name of a tensor that is not there, or
/// where two would be called the same, with the file that says so; then nothing has changed.
void serve_as(Servable& servable, const ServingSettings& serving, const NameFiles& from = {});
/// The same of a copy, which goes on with what the version has counted.
std::shared_ptr<const Servable> served_as(const Servable& servable, const ServingSettings& serving,
                                          const NameFiles& from = {});

/// How many bytes the weights take.
std::size_t weight_bytes(const Servable& servable);

/// A network that could be read and failed a check of its golden.json.
class RefusedError : public DataError {
  using DataError::DataError;
};

/// Reads a model file, its self-test included, and checks it against golden.json where that is named. Throws what
/// read_keras throws, and DataError as above; RefusedError where an answer differs; DataError for a golden.json that is
/// none, in which tensors have the names of the network.
std::shared_ptr<Servable> load_servable(const std::string& model, std::int64_t version, const std::string& path,
                                        const std::string& golden = {});

}  // namespace maas::inline MAAS_ABI::serve
