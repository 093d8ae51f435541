// Which columns of a table targets are made of.
#pragma once

#include <string>
#include <vector>

#include "maas/data/pipeline.hpp"

namespace maas::inline MAAS_ABI::recipe {

/// The columns whose values the targets stand for, as decode_targets names them: a target that is itself a column, and
/// of targets that a step makes, such as "kind_car" and "kind_bus", the one it makes them of. Each once.
std::vector<std::string> raw_targets(const Pipeline& pipeline, const Table& rows);

}  // namespace maas::inline MAAS_ABI::recipe
