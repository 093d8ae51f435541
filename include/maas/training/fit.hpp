// fit: the loop over epochs and batches, on a trainer; and evaluate.
#pragma once

#include <map>
#include <optional>
#include <string_view>

#include "maas/data/batches.hpp"
#include "maas/data/dataset.hpp"
#include "maas/network/network.hpp"
#include "maas/training/history.hpp"
#include "maas/training/options.hpp"
#include "maas/training/trainer.hpp"

namespace maas::inline MAAS_ABI {

/// What fit needs beside its options.
struct FitData {
  Dataset training;
  std::optional<Dataset> validation;
  SampleWeights weights;                    ///< of the training samples
  SampleWeights validation_weights;         ///< likewise
  std::map<int, double> class_weight = {};  ///< of the training samples, where there are no weights
};

/// The whole of Keras' fit on data sets. `model_name` is for callbacks that save a file. Throws ConfigError for options
/// out of range, NumericError only where TerminateOnNaN is told to: a loss that is not a number shows in the history.
History fit(Network& network, const CompileOptions& options, OptimizerState& state, const FitData& data,
            const FitOptions& fit, std::string_view model_name = {});

/// The same on batches of the user's own. `validation` may be nothing. The first batch tells how much memory is taken;
/// no later one may be larger. Throws ShapeError for batches that do not fit, DataError where the source has none.
History fit(Network& network, const CompileOptions& options, OptimizerState& state, const BatchSource& source,
            const std::optional<Dataset>& validation, const SampleWeights& validation_weights, const FitOptions& fit,
            std::string_view model_name = {});

/// Loss and metrics over a data set, in batches; over the first `steps` of them, if that is given.
Logs evaluate(Network& network, const CompileOptions& options, OptimizerState& state, const Dataset& data,
              const SampleWeights& weights, Index batch_size, std::optional<Index> steps = {});

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/training/fit-inl.hpp"
#endif
