// ModelInfo: what a model's file keeps beside what Keras knows; Keras passes over it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "maas/core/config.hpp"
#include "maas/data/csv.hpp"
#include "maas/data/pipeline.hpp"
#include "maas/network/network.hpp"

namespace maas::inline MAAS_ABI {

/// One number of a sample: what it is, and in which unit.
struct Quantity {
  std::string name;       ///< "flow 5 minutes ago"
  std::string unit = {};  ///< "vehicles/h"; empty for none
  friend bool operator==(const Quantity&, const Quantity&) = default;
};

/// One fit: what it saw and how it was asked for, enough to tell whether another run is the same.
struct TrainingRun {
  std::string data = {};  ///< digest_of inputs and targets, 16 hex digits each; empty where they are no matrices
  Index samples = 0;      ///< of the training data; 0 where that is not known before
  int epochs = 0;         ///< run by this fit
  Index batch_size = 0;
  std::uint64_t seed = 0;    ///< FitOptions::seed
  std::string version = {};  ///< of maas
  friend bool operator==(const TrainingRun&, const TrainingRun&) = default;
};

/// Samples, and the outputs that the model must give for them: checked whenever its file is read.
struct SelfTest {
  std::vector<Matrix> inputs;        ///< one an input
  std::vector<Matrix> outputs = {};  ///< one an output; empty: what the model gives when it is saved
  double tolerance = sizeof(Scalar) == 4 ? 1e-5 : 1e-10;  ///< largest |difference| / max(1, |output|)

  static constexpr Index most_samples = 4096;
};

/// All of it; any part may be missing.
struct ModelInfo {
  std::vector<std::vector<Quantity>> inputs = {};   ///< one list an input, one entry a number of its samples
  std::vector<std::vector<Quantity>> outputs = {};  ///< likewise
  std::vector<TrainingRun> training = {};           ///< all fits, the last one last; the last 100 are kept
  std::optional<SelfTest> self_test = std::nullopt;
  std::optional<Pipeline> pipeline = std::nullopt;  ///< fitted: how raw rows become inputs, and outputs units again
  std::optional<Config> forecast = std::nullopt;    ///< what a Forecaster keeps beside its network: Forecaster::config
  std::optional<Matrix> forecast_errors = std::nullopt;  ///< and of its intervals: ConformalIntervals::errors
  /// What answers that need no model have learned of the training rows: TableBaselines::config, or of a Forecaster
  /// KeptBaselines::config. Who evaluates the model reads it.
  std::optional<Config> baselines = std::nullopt;
  std::vector<double> baseline_numbers = {};  ///< and of a Forecaster's large ones: KeptBaselines::large_numbers
  /// What the inputs, or a Forecaster's sensors, were in training: DriftReference::config. A server reads it.
  std::optional<Config> reference = std::nullopt;
  /// How the files of raw rows were read that the pipeline, or a Forecaster, has learned from: to_config of CsvOptions.
  /// Other files are read likewise: see kept_reading.
  std::optional<Config> reading = std::nullopt;

  static constexpr std::size_t most_runs = 100;
};

/// How files of raw rows are to be read for a model: as it keeps that, or else as `otherwise` says. Throws ConfigError
/// "reading ..." where what is kept cannot be used.
CsvOptions kept_reading(const ModelInfo& info, CsvOptions otherwise = {});

/// Throws ShapeError or ConfigError where it does not fit the network: lists of another length, a self-test of other
/// widths, without samples or of more than 4096, a pipeline that does not fit (see check_pipeline).
void check_info(const ModelInfo& info, const Network& network);

/// Throws ConfigError for a pipeline that is not fitted, ShapeError where the network has several inputs or outputs,
/// takes another number of features, or gives as many numbers as there are neither targets nor classes of the only
/// target.
void check_pipeline(const Pipeline& pipeline, const Network& network);

/// How far the outputs of a network are from those of a self-test: the largest |difference| / max(1, |output|), and
/// where. NaN where NaN is expected is right.
struct SelfTestResult {
  double difference = 0;
  Index output = 0, sample = 0, number = 0;
  double expected = 0, got = 0;
};
/// Runs a self-test that fits the network (see check_info) and has outputs, one matrix for each of the network's.
SelfTestResult run_self_test(const SelfTest& test, const Network& network);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/io/info-inl.hpp"
#endif
