// Digests of texts, which tell one from another.
#pragma once

#include <string>

#include "maas/data/digest.hpp"

namespace maas::inline MAAS_ABI::serve {

/// As digest_text(digest_of(...)) of its bytes as numbers.
inline std::string text_digest(const std::string& text) {
  Matrix codes(1, static_cast<Index>(text.size()));
  for (Index i = 0; i < codes.cols(); ++i) codes(0, i) = static_cast<Scalar>(text[static_cast<std::size_t>(i)]);
  return digest_text(digest_of(codes));
}

}  // namespace maas::inline MAAS_ABI::serve
