// What pages of other origins may read of an answer.
#pragma once

#include "maas/serve/protocol.hpp"

namespace maas::inline MAAS_ABI::serve {

/// The headers that let them.
inline Headers any_origin() {
  return {{"Access-Control-Allow-Origin", "*"},
          {"Access-Control-Expose-Headers", "Inference-Header-Content-Length, Retry-After"}};
}

}  // namespace maas::inline MAAS_ABI::serve
