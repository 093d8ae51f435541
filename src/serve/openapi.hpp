// What /openapi.json tells: the whole interface, model by model.
#pragma once

#include "maas/serve/protocol.hpp"
#include "maas/serve/repository.hpp"

namespace maas::inline MAAS_ABI::serve {

/// What is offered beside predictions.
struct Offers {
  bool changes = false;  ///< of what is served
  bool jobs = false;     ///< trainings
  bool uploads = false;  ///< of files, beside changes
};

/// An OpenAPI 3.1 document with the paths of all versions that answer now, and the shapes they take.
Response openapi(const Repository& repository, const ProtocolOptions& options, const Offers& offers);

}  // namespace maas::inline MAAS_ABI::serve
