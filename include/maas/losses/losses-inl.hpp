// Losses to and from config.
#pragma once

#include "maas/core/find_by_name.hpp"
#include "maas/losses/circle-inl.hpp"
#include "maas/losses/crossentropy-inl.hpp"
#include "maas/losses/divergence-inl.hpp"
#include "maas/losses/hinge-inl.hpp"
#include "maas/losses/loss-inl.hpp"
#include "maas/losses/losses.hpp"
#include "maas/losses/masked-inl.hpp"
#include "maas/losses/overlap-inl.hpp"
#include "maas/losses/regression-inl.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE std::string_view to_text(Reduction reduction) {
  switch (reduction) {
    case Reduction::sum:
      return "sum";
    case Reduction::mean:
      return "mean";
    case Reduction::mean_with_sample_weight:
      return "mean_with_sample_weight";
    default:
      return "sum_over_batch_size";
  }
}

MAAS_INLINE Reduction reduction_of(std::string_view name, std::string_view where) {
  require<ConfigError>(name != "none",
                       "{}: the reduction none leaves one value a row, and training makes one number small; use "
                       "Loss::values for values of rows",
                       where);
  for (Reduction reduction :
       {Reduction::sum_over_batch_size, Reduction::sum, Reduction::mean, Reduction::mean_with_sample_weight})
    if (name == to_text(reduction)) return reduction;
  require<ConfigError>(name == "auto",
                       "{}: expected as reduction sum_over_batch_size, sum, mean or mean_with_sample_weight, got {}",
                       where, name);
  return Reduction::sum_over_batch_size;
}

namespace detail {
inline constexpr Alias loss_aliases[] = {{"mse", "mean_squared_error"},
                                         {"MSE", "mean_squared_error"},
                                         {"mae", "mean_absolute_error"},
                                         {"MAE", "mean_absolute_error"},
                                         {"mape", "mean_absolute_percentage_error"},
                                         {"MAPE", "mean_absolute_percentage_error"},
                                         {"msle", "mean_squared_logarithmic_error"},
                                         {"MSLE", "mean_squared_logarithmic_error"},
                                         {"bce", "binary_crossentropy"},
                                         {"BCE", "binary_crossentropy"},
                                         {"kld", "KLDivergence"},
                                         {"KLD", "KLDivergence"},
                                         {"kl_divergence", "KLDivergence"},
                                         {"kullback_leibler_divergence", "KLDivergence"},
                                         {"huber_loss", "huber"},
                                         {"logcosh", "log_cosh"},
                                         {"cosine_proximity", "cosine_similarity"}};
}

MAAS_INLINE Config to_config(const Loss& loss) {
  Config fields = loss.config();
  const bool usual = loss.reduction() == Reduction::sum_over_batch_size;
  if (usual && detail::has_default_fields<BuiltinLosses>(loss.class_name(), fields))
    return loss.class_name() == KLDivergence::class_name ? std::string("kl_divergence") : snake_case(loss.class_name());
  if (!usual) fields.set("reduction", to_text(loss.reduction()));
  return Config{}.set("class_name", loss.class_name()).set("config", std::move(fields));
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, Loss& loss) {
  const std::string& name = config.is_string() ? config.as_string() : config.at("class_name").as_string(where);
  const auto* entry = detail::find_by_name<BuiltinLosses>(name, detail::loss_aliases);
  require<ConfigError>(entry != nullptr, "{}: unknown loss \"{}\"; maas knows {}", where, name, BuiltinLosses::names());
  Config fields = config.is_string() ? Config{} : config.at("config");
  Reduction reduction = Reduction::sum_over_batch_size;
  if (const Config* given = fields.find("reduction"))
    reduction = reduction_of(given->is_null() ? "none" : given->as_string(where), where);
  fields.erase("reduction");
  const Config* axis = fields.find("axis");
  if (axis != nullptr && !entry->make(Config{}).config().contains("axis")) {
    require<ConfigError>(axis->is_number() && axis->as_integer(where) == -1,
                         "{}: expected the axis -1, the last, got {}", where, axis->text());
    fields.erase("axis");
  }
  loss = entry->make(fields).reduced(reduction);
}

}  // namespace maas::inline MAAS_ABI
