// Simple forecasts, which a network has to beat: on the same windows, fitted to the same training part.
#pragma once

#include <concepts>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "maas/forecast/readings.hpp"
#include "maas/forecast/window_parts.hpp"

namespace maas::inline MAAS_ABI {

// Each is computed in double and gives the same bits in every run. `fit` throws DataError for training windows it can
// learn nothing from; `forecast` throws StateError before fit, and ShapeError for windows of other lags, horizons or
// sensors than it was fitted to. Where a reading that it needs is missing there is no answer: NaN. But windows with
// ForecastWindowOptions::fill_missing have one, from those readings that are there, so that all are scored on the same.
// They learn of windows in memory, or of WindowParts in a pass or a few over them: the same bits of the same windows.

/// The last reading stays. Where it is missing and windows are to be filled: the last one of the window that is there,
/// of a window without any NaN.
struct Persistence {
  static constexpr std::string_view label = "persistence";
  void fit(const ForecastWindows& training) { fit(WindowParts(training)); }
  void fit(const WindowParts& training);
  Forecasts forecast(const ForecastWindows& windows) const;

  Index sensors_ = 0;  ///< learned
};

/// The mean of the training readings of a sensor at the target's time of day. With `weekends` Saturdays and Sundays
/// have a mean of their own. A time of day that the training part has no reading of gets the mean of all. Needs times,
/// else DataError.
struct HistoricalAverage {
  static constexpr std::string_view label = "historical average";
  bool weekends = false;
  void fit(const ForecastWindows& training) { fit(WindowParts(training)); }
  void fit(const WindowParts& training);
  Forecasts forecast(const ForecastWindows& windows) const;

  Eigen::MatrixXd means_ = {};  ///< learned: one row a time of day (and again for weekends), one column a sensor
  Index slots_ = 0;             ///< learned: times of day
};

/// For each sensor and horizon a linear function of the sensor's own lags and a constant, by least squares. Where
/// training windows were to be filled, the sensor's mean stands for a missing lag. Needs `maas::maas` to link.
struct LinearAutoregression {
  static constexpr std::string_view label = "linear autoregression";
  void fit(const ForecastWindows& training) { fit(WindowParts(training)); }
  void fit(const WindowParts& training);
  Forecasts forecast(const ForecastWindows& windows) const;

  std::vector<Eigen::MatrixXd> weights_ = {};  ///< learned: one a sensor, (lags + 1) x steps, the constant last
  Eigen::MatrixXd fill_ = {};                  ///< learned: 1 x sensors, what stands for missing lags; empty: nothing
};

/// Vector autoregression: for each sensor and horizon a linear function of the lags of all sensors and a constant, with
/// the penalty alpha |weights|^2 beside the squared errors of standardized lags (the constant is free), as
/// scikit-learn's Ridge. Of several `alphas` that one is taken which forecasts the last fifth of the training windows
/// best when fitted to those before; then it is fitted to all. Missing lags are filled as LinearAutoregression does.
/// Needs `maas::maas` to link.
struct RidgeVAR {
  static constexpr std::string_view label = "ridge VAR";
  std::vector<double> alphas = {10, 100, 1000, 1e4, 1e5};
  void fit(const ForecastWindows& training) { fit(WindowParts(training)); }
  void fit(const WindowParts& training);
  Forecasts forecast(const ForecastWindows& windows) const;

  double alpha_ = 0;                  ///< learned: which was taken
  Eigen::MatrixXd weights_ = {};      ///< learned: (lags * sensors + 1) x (steps * sensors), constant last
  std::vector<Index> horizons_ = {};  ///< learned
  Index lags_ = 0, sensors_ = 0;      ///< learned
  Eigen::MatrixXd fill_ = {};         ///< learned: 1 x sensors, what stands for missing lags; empty: nothing
};

class Baseline;

namespace detail {
struct NotedParts;
std::vector<Baseline> fit_each(const std::vector<Baseline>& unfitted, const WindowParts& training,
                               std::vector<std::string>* left_out);
}  // namespace detail

/// What may stand behind a Baseline: `label`, `fit(training)` and `forecast(windows)`. Optional: a `fit` of
/// WindowParts.
template <class Rule>
concept BaselineRule = std::copy_constructible<Rule> && requires(Rule& rule, const ForecastWindows& windows) {
  { Rule::label } -> std::convertible_to<std::string_view>;
  rule.fit(windows);
  { std::as_const(rule).forecast(windows) } -> std::same_as<Forecasts>;
};

/// A handle to a simple forecast, of this library or of the user's own. A value: copies are independent.
class Baseline {
 public:
  template <class Rule>
  requires(!std::derived_from<Rule, Baseline>) && BaselineRule<Rule> Baseline(Rule rule)
      : self_(std::make_shared<Model<Rule>>(std::move(rule))) {}

  /// A rule that has learned elsewhere, such as one from a file.
  template <BaselineRule Rule>
  static Baseline learned(Rule rule) {
    Baseline baseline(std::move(rule));
    baseline.fitted_ = true;
    return baseline;
  }

  std::string_view name() const { return self_->name(); }
  /// Learns from training windows, once: on a fitted one it throws StateError.
  Baseline& fit(const ForecastWindows& training);
  /// The same of windows that come part by part. Throws ConfigError for a rule without `fit` of such.
  Baseline& fit(const WindowParts& training);
  bool is_fitted() const { return fitted_; }
  /// Throws StateError before fit, DataError where what is forecast is held out for validation or test and among the
  /// readings it has learned from, which it remembers in memory.
  Forecasts forecast(const ForecastWindows& windows) const;
  /// What stands behind it; null if it is of another type.
  template <class Rule>
  const Rule* as() const {
    const auto* model = dynamic_cast<const Model<Rule>*>(self_.get());
    return model == nullptr ? nullptr : &model->rule;
  }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual std::string_view name() const = 0;
    virtual std::shared_ptr<const Interface> fit(const ForecastWindows& training) const = 0;
    virtual std::shared_ptr<const Interface> fit(const WindowParts& training) const = 0;
    virtual Forecasts forecast(const ForecastWindows& windows) const = 0;
  };
  template <class Rule>
  struct Model final : Interface {
    explicit Model(Rule value) : rule(std::move(value)) {}
    std::string_view name() const override { return Rule::label; }
    std::shared_ptr<const Interface> fit(const ForecastWindows& training) const override {
      Rule learner = rule;
      learner.fit(training);
      return std::make_shared<Model>(std::move(learner));
    }
    std::shared_ptr<const Interface> fit([[maybe_unused]] const WindowParts& training) const override {
      Rule learner = rule;
      if constexpr (requires { learner.fit(training); })
        learner.fit(training);
      else
        fail<ConfigError>("{}: expected a rule that learns of windows part by part, got one without such a fit",
                          Rule::label);
      return std::make_shared<Model>(std::move(learner));
    }
    Forecasts forecast(const ForecastWindows& windows) const override { return rule.forecast(windows); }
    Rule rule;
  };

  friend std::vector<Baseline> detail::fit_each(const std::vector<Baseline>& unfitted, const WindowParts& training,
                                                std::vector<std::string>* left_out);
  Baseline& fit(const WindowParts& training, detail::NotedParts& noted);

  std::shared_ptr<const Interface> self_;
  bool fitted_ = false;
  LearnedRows learned_rows_;
};

/// All of them, fitted: persistence, historical average (where the readings have times; with `weekends` also that of
/// weekdays and weekends apart), linear autoregression, ridge VAR. One that can learn nothing from the windows throws
/// its DataError; with `left_out` it is left out, and named there with the reason.
std::vector<Baseline> fit_baselines(const ForecastWindows& training, bool weekends = false,
                                    std::vector<std::string>* left_out = nullptr);
/// The same of windows that come part by part.
std::vector<Baseline> fit_baselines(const WindowParts& training, bool weekends = false,
                                    std::vector<std::string>* left_out = nullptr);

/// Baselines that are kept with a forecaster, and which ones are not.
struct KeptBaselines {
  /// How many numbers of 8 bytes one may have learned to be kept where nothing else is asked for: 1 MB.
  static constexpr Index most_numbers = Index{1} << 17;

  std::vector<Baseline> baselines = {};    ///< fitted
  std::vector<std::string> left_out = {};  ///< "ridge VAR: it has learned 6172740 numbers, more than 131072"

  /// All that they have learned, to the last bit: as a tree, but for matrices of more than `most_numbers`, of which it
  /// only says how many numbers they have.
  Config config() const;
  /// The numbers of those matrices, one matrix after the other, row by row.
  std::vector<double> large_numbers() const;
  /// Of both, for windows of these options over so many sensors. Throws ConfigError for a tree that is none, for
  /// numbers of another count, and for such that no training gives (above 1e30, NaN).
  static KeptBaselines from(const Config& config, const ForecastWindowOptions& windows, Index sensors,
                            std::span<const double> large_numbers = {});
};

/// Those of fitted baselines that may be kept: this library's own that have learned at most so many numbers, all of
/// them finite. Throws StateError for one that is not fitted.
KeptBaselines keep_baselines(const std::vector<Baseline>& fitted, Index most = KeptBaselines::most_numbers);
/// fit_baselines, but those that are too large to be kept are not fitted, and those that can learn nothing from the
/// windows are left out, too.
KeptBaselines fit_kept_baselines(const ForecastWindows& training, bool weekends = false,
                                 Index most = KeptBaselines::most_numbers);
/// The same of windows that come part by part.
KeptBaselines fit_kept_baselines(const WindowParts& training, bool weekends = false,
                                 Index most = KeptBaselines::most_numbers);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/forecast/baselines-inl.hpp"
#endif
