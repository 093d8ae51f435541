// Drift: what comes to a version beside what it was trained on, as numbers that /metrics and statistics tell.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "maas/core/scalar.hpp"
#include "maas/serve/repository.hpp"

namespace maas::inline MAAS_ABI::serve {

/// How much is counted. Numbers are counted in two generations: where the newer one is full, it takes the place of the
/// older one. So the index is of the last `generation` to twice as many numbers.
struct DriftRules {
  std::uint32_t generation = 5000;  ///< numbers of one input
  std::uint32_t least = 200;        ///< before there is an index: chance alone gives about 9 / least

  /// Of readings so many seconds apart: two days, as a day has all times of it; and a day before there is an index.
  static DriftRules of_readings(double seconds);
};

/// Counts of one version. Those who predict never wait: where another one is counting, theirs is passed over. What is
/// counted of a run takes no more than 16 numbers a row on the average: of wider inputs every k-th row counts.
class DriftCounts {
 public:
  DriftCounts(DriftReference reference, const DriftRules& rules);

  /// Rows of inputs as a network gets them; those of `unknown` (if any) are passed over. So is NaN.
  void count_rows(MatrixArg rows, const std::vector<bool>& unknown = {});
  /// The newest reading of each of a forecaster's windows, taken back from its network's inputs; of sensors that these
  /// name, or that there is one of. A network that sees all sensors has them in every window: then not each counts.
  void count_windows(const ForecastFrame& frame, std::span<const Matrix> inputs);
  /// Readings of the sensor, or row after row those of `width` sensors from it on.
  void count_readings(Index sensor, Index width, std::span<const Scalar> readings);
  /// How far off a forecast one horizon ahead was. Does nothing where the reference has no error of the sensor.
  void tell_error(Index sensor, double error);
  /// Whether any error can be told.
  bool watches_errors() const { return !tests_.empty(); }

  using Named = std::vector<std::pair<std::string, double>>;
  /// What there is to tell; NaN where there is not enough yet.
  struct Figures {
    double psi_max = 0, psi_mean = 0;
    Named worst_inputs{};       ///< the largest indices first
    std::uint64_t counted = 0;  ///< numbers of the input that was counted most often
    std::uint64_t errors = 0;
    double error_ratio = 0;     ///< the mean of about the last thousand errors, by what is usual of their sensors
    double test_max = 0;        ///< the largest statistic of Page and Hinkley, of errors by what is usual
    Named worst_sensors{};      ///< the largest of them first
    std::uint64_t drifted = 0;  ///< sensors whose statistic is above the threshold
  };
  /// With at most so many inputs and sensors by name.
  Figures figures(std::size_t most_named) const;

  /// All that has been counted.
  struct Snapshot {
    std::string digest{};  ///< of the reference and the rules
    std::uint64_t rows = 0, errors = 0;
    double error_ratio = 0;
    std::vector<std::uint32_t> now{}, before{};  ///< of all bins, in both generations
    std::vector<PageHinkley> tests{};            ///< one a sensor; none where errors are not watched
  };
  Snapshot snapshot() const;
  /// Goes on from what was counted before. False where that was of another reference, or something has been counted
  /// since: then nothing has changed.
  bool restore(const Snapshot& kept);

 private:
  struct Input {
    std::size_t edges = 0, count = 0;  // places of its first edge and first counter, and how many edges
    std::size_t counts = 0;
    std::uint32_t now = 0, before = 0;  // numbers in both generations
  };

  bool has_counted() const;
  void count(std::size_t input, Scalar number);
  std::size_t bin_of(const Input& input, Scalar number) const;

  const DriftReference reference_;  // its own: streams may hold counts for longer than a version answers
  const DriftRules rules_;
  std::string digest_{};
  std::uint64_t stride_ = 1;
  std::vector<Scalar> edges_{};

  mutable std::mutex mutex_{};  // guards what follows
  std::uint64_t rows_ = 0;
  std::vector<Input> inputs_{};
  std::vector<std::uint32_t> now_{}, before_{};  // counters of all bins
  std::vector<PageHinkley> tests_{};             // one a sensor
  std::uint64_t errors_ = 0;
  double error_ratio_ = 0;
};

/// Makes the counts of a version whose file has a reference. Throws ConfigError where that does not fit its inputs.
std::shared_ptr<DriftCounts> drift_counts_of(const Servable& servable);

/// Calls back for each version that answers and has a reference.
void for_each_watched(const Repository& repository, const std::function<void(const Servable&)>& call);

/// The lines of `/metrics`, of all versions that answer and have a reference.
void append_drift_metrics(std::string& out, const Repository& repository);
/// `"drift":{...}` for the statistics of a version; empty without a reference.
std::string drift_json(const Servable& servable);

}  // namespace maas::inline MAAS_ABI::serve
