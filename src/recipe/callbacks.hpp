// The callbacks a recipe may name.
#pragma once

#include <span>
#include <string>

#include "maas/core/fields.hpp"
#include "maas/training/callbacks.hpp"

namespace maas::inline MAAS_ABI {

/// "auto", "min", "max".
Config to_config(Better better);
void from_config(const Config& config, std::string_view where, Better& better);

namespace recipe {

struct CallbackClass {
  std::string_view class_name;
  Config (*defaults)();                                               ///< settings by name
  Callback (*make)(const Config& fields, const std::string& folder);  ///< files are of the folder
};

std::span<const CallbackClass> callback_classes();

/// The file that a callback writes while a network learns; empty where it writes none.
std::string file_written(const Callback& callback);

}  // namespace recipe

}  // namespace maas::inline MAAS_ABI
