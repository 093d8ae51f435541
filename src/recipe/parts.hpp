// Parts of a recipe: layers, steps, optimizers, losses, metrics and callbacks, by name and settings.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "maas/data/pipeline.hpp"
#include "maas/data/steps.hpp"
#include "maas/layers/layers.hpp"
#include "maas/losses/losses.hpp"
#include "maas/metrics/metrics.hpp"
#include "maas/optimizers/optimizers.hpp"
#include "maas/training/callback.hpp"
#include "recipe/place.hpp"

namespace maas::inline MAAS_ABI {
struct Recipe;
}

namespace maas::inline MAAS_ABI::recipe {

/// A class that a recipe may name.
struct PartClass {
  std::string class_name;              ///< "BatchNormalization"
  std::string short_name;              ///< "batch_normalization"
  Config defaults;                     ///< what may be set, with its value where it is not
  std::vector<std::string> more = {};  ///< what may be set beside that: "name", "trainable"

  std::vector<std::string> keys() const;
};

/// All classes that may stand in one place.
struct PartFamily {
  std::string kind;  ///< "layer"
  std::vector<PartClass> classes;

  const PartClass* find(std::string_view name) const;
  std::vector<std::string> names() const;
};

const PartFamily& layer_family();
const PartFamily& step_family();
const PartFamily& optimizer_family();
const PartFamily& loss_family();
const PartFamily& metric_family();
const PartFamily& callback_family();

// A part stands as its name, "adam"; as {"class": "adam", "learning_rate": 0.01}; or as Keras writes it,
// {"class_name": "Adam", "config": {"learning_rate": 0.01}}. Each throws ConfigError that names the place and the key.

Layer read_layer(const Config& given, const Place& place);
Step read_step(const Config& given, const Place& place);
Optimizer read_optimizer(const Config& given, const Place& place);
Loss read_loss(const Config& given, const Place& place);
Metric read_metric(const Config& given, const Place& place);
/// Files that it writes are of `folder` unless their names are absolute.
Callback read_callback(const Config& given, const Place& place, const std::string& folder);

/// What a step looks at beside the row itself: "lag", "before".
struct RowsLookedAt {
  std::string step;
  std::string_view rows;
};
/// Nothing for a step that makes each row of that row alone, and for those of the user's own.
std::optional<RowsLookedAt> rows_looked_at(const Step& step);

/// Throws ConfigError for a step that looks at other rows (lag, difference, fills along the rows) where the split or
/// the folds take some of them away: the row before would be the last one that is left. `steps` are those of the
/// recipe, or of its base.
void check_row_order(const Recipe& recipe, std::span<const Step> steps);

/// The first column of times that the features need and the rows have: what baselines by the hour go by. Else empty.
std::string time_column(const Pipeline& pipeline, const Table& rows);

/// Whether rows to measure on are of times before the last row that is learned from. Shown all of these first.
struct TimeOrder {
  std::string column;      ///< of the times
  Index latest = -1;       ///< row, counted from 0; none yet
  double latest_time = 0;  ///< its time
  std::string note = {};   ///< the first row that is out of order, in words; empty: none

  void learn_from(Index row, double time);
  void measure_on(Index row, double time, std::string_view part);
};

/// What `work` gives. An error about its options, shapes or data has the place in front, where it names none yet, and
/// behind that `part`, such as "test rows: "; it stays of its type.
template <class Work>
auto at_place(const Place& place, std::string_view part, Work&& work) {
  const auto text = [&](const Error& error) {
    const std::string what = error.what();
    return what.starts_with(place.source + ": ") ? what : place.text() + ": " + std::string(part) + what;
  };
  try {
    return work();
  } catch (const ConfigError& error) {
    fail<ConfigError>("{}", text(error));
  } catch (const DataError& error) {
    fail<DataError>("{}", text(error));
  } catch (const ShapeError& error) {
    fail<ShapeError>("{}", text(error));
  }
}

/// The place of the step that says this where steps learn from rows, one after another; nothing where none does.
std::optional<Place> failing_step(const Place& pipeline, const std::vector<Step>& steps, Table rows,
                                  std::string_view what);

/// Does `work`, in which these steps learn. An error that is one of theirs, as they say it of the rows that `rows()`
/// are then, has the place of the step in front.
template <class Rows, class Work>
void at_step(const Place& pipeline, const std::vector<Step>& steps, Rows&& rows, Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    const std::optional<Place> step = failing_step(pipeline, steps, rows(), error.what());
    if (!step) throw;
    at_place(*step, "", [] { throw; });
  }
}

/// A name of a file, of `folder` unless it is absolute or empty.
std::string file_in(const std::string& folder, const std::string& name);

}  // namespace maas::inline MAAS_ABI::recipe
