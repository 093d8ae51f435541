// The page at "/", for people; programs that ask there are told what /healthz tells.
#pragma once

#include "maas/serve/protocol.hpp"

namespace maas::inline MAAS_ABI::serve {

/// The page where the request says that it takes HTML, as browsers do; else {"status":"alive"}, which KServe's client
/// looks for.
Response front_page(const Request& request);

}  // namespace maas::inline MAAS_ABI::serve
