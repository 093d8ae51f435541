// All weights of a model in one row.
#pragma once

#include "maas/model/model.hpp"

namespace maas::inline MAAS_ABI::tests {

inline Vector weights_of(const Model& model) { return model.network().parameters().values(); }

}  // namespace maas::inline MAAS_ABI::tests
