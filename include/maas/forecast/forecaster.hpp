// Forecaster: readings in, forecasts out; a network between them, with its windows, scaling and horizons.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "maas/activations/activations.hpp"
#include "maas/data/csv.hpp"
#include "maas/forecast/baselines.hpp"
#include "maas/forecast/drift.hpp"
#include "maas/forecast/frame.hpp"
#include "maas/forecast/readings.hpp"
#include "maas/forecast/scores.hpp"
#include "maas/forecast/streamed_readings.hpp"
#include "maas/model/load.hpp"
#include "maas/model/model.hpp"

namespace maas::inline MAAS_ABI {

/// A plain network for it: hidden layers of these widths, a linear output.
struct ForecastNetwork {
  std::vector<Index> hidden = {64, 64};
  Activation activation = relu;
  Index embedding = 8;  ///< numbers a sensor, where there are ids; they stand beside the features

  /// The model, not compiled. Throws ConfigError for widths below 1.
  Model operator()(const ForecastShape& shape) const;
};

/// How a Forecaster learns.
struct ForecastFit {
  CompileOptions compile = {.optimizer = Adam{}, .loss = mean_squared_error};
  /// The seed is that of the first network's weights and shuffling; the next one has the next seed. Callbacks and
  /// validation samples are not to be set here.
  FitOptions fit = {.epochs = 20, .batch_size = 128, .verbose = 0};
  /// Makes the callbacks of one network, such as EarlyStopping; none where it is empty.
  std::function<std::vector<Callback>()> callbacks = {};
  /// The last share of the training readings is not learned from but measured on: "val_loss" for callbacks. Rounded
  /// down to whole readings; 0: none.
  double validation_share = 0.1;
  /// The readings that are held out of so many.
  Index held_out(Index readings) const { return static_cast<Index>(validation_share * static_cast<double>(readings)); }
  /// What becomes, from now on, of readings and known inputs beyond those of training, which fit of `Readings` learns;
  /// of a table ReadingsOptions say it. Sensors are alike as there, unless they are scaled each by itself. With `clip`
  /// the network is told what lies within, also as a target of the validation share and of fit_more; scores are of what
  /// came. It is chosen once: fit_more goes by what fit was told.
  OutOfRange out_of_range = OutOfRange::error;
  double range_margin = default_range_margin;  ///< see NumberRange
  /// An ensemble of so many, trained side by side on the library's threads (unless fit.verbose asks for lines); what
  /// it forecasts is their mean, evaluated as one fused network.
  Index networks = 1;
};

/// Samples of a network made of readings, cut out when they are asked for. Made by Forecaster::samples.
class ForecastSamples {
 public:
  Index size() const { return static_cast<Index>(places_.size()); }
  Shape feature_shape() const;
  Shape target_shape() const { return Shape{targets_}; }
  void gather(std::span<const Index> rows, MatrixView x, MatrixView y) const;

  /// Inputs of samples from `begin` on, `count` of them: one matrix an input of the network.
  std::vector<Matrix> inputs(Index begin, Index count) const;
  /// Targets, samples x outputs of the network.
  Matrix targets() const;
  /// The window of a sample, and its sensor (0 where all are in it).
  Index window_of(Index sample) const { return places_[static_cast<std::size_t>(sample)].first; }
  Index sensor_of(Index sample) const { return places_[static_cast<std::size_t>(sample)].second; }

 private:
  friend class Forecaster;

  Scalar* write_features(Index sample, Scalar* to) const;
  void write_targets(Index sample, Scalar* to) const;

  std::vector<std::pair<Index, Index>> places_;
  std::vector<Index> origins_, horizons_;
  // Scaled readings, of which one is there: sensors x rows, or rows x sensors. With masks those stand beside each
  // reading, or behind each row.
  Matrix by_sensor_, by_row_;
  Matrix known_;  // one row a window: what the time of its first target tells, then known inputs
  Matrix bases_;  // windows x sensors, scaled: what changes are counted from, if they are
  Index lags_ = 0, targets_ = 0, numbers_ = 1;  // numbers a reading
  bool ids_ = false;
};

/// Windows, scaling, a network and horizons as one thing that learns from readings and forecasts readings.
///
///     Forecaster forecaster({.windows = {.lags = 12, .horizons = {1, 3, 6, 12}}, .time_of_day = true});
///     forecaster.fit(training, {.networks = 3});
///     Matrix next = forecaster.predict(latest);            // horizons x sensors, in the sensors' unit
///     ScoreTable table = forecaster.compare(fit_baselines(forecaster.windows(training)), test);
///     forecaster.save("road.h5");                          // a Keras file: load_forecaster("road.h5")
///
/// It learns once, from the training part it is given: all that it knows is of those readings. From raw rows of a table
/// it learns with the steps that clean them, which it keeps and applies to whatever it is to forecast from:
///
///     forecaster.fit(rows, {.steps = {ValidRange{.low = 0, .high = 120}, Impute{}}, .time = "time"}, {.networks = 3});
///     Matrix next = forecaster.predict(forecaster.readings(read_csv("latest.csv")));
///
class Forecaster {
 public:
  /// Makes the network, not compiled, from what it has to take and give.
  using Build = std::function<Model(const ForecastShape&)>;

  /// Throws ConfigError for options out of range.
  explicit Forecaster(ForecastOptions options = {}, Build network = ForecastNetwork{});

  /// Learns: first the scaling, then each network; returns one history a network. Readings of the validation share are
  /// not learned from, scaling included. Throws StateError if it has learned before; DataError for readings that give
  /// no whole window, have no times or known inputs where they are asked for, or a sensor without a reading, and for
  /// one of the validation share that is out of the range of those before; ShapeError for a network that does not fit;
  /// what Model::fit throws. Then nothing has been learned.
  std::vector<History> fit(const Readings& training, const ForecastFit& options = {});
  /// The same from raw rows: `table` says how they become readings, its steps learn first. The validation share is one
  /// of the rows, and the steps learn nothing of it. Throws, too, what ReadingsPipeline::fit and prepare throw: rows
  /// that a split holds out are refused.
  std::vector<History> fit(const Table& training, const ReadingsOptions& table, const ForecastFit& options = {});
  /// Goes on learning, also from a file, from other readings of the same sensors: the network is trained as its model()
  /// was compiled; its windows and scaling stay as they are, and so do steps. Of an ensemble the fused network is
  /// trained as one. What was said of the network before goes: intervals, alarm, baselines; the reference is learned
  /// anew. ForecastFit::compile, out_of_range and range_margin do not count. Throws StateError before fit, and for a
  /// model that is not compiled; ConfigError for several networks; DataError for sensors of other names; and what fit
  /// throws. Then nothing has changed.
  History fit_more(const Readings& more, const ForecastFit& options = {});
  /// The same from raw rows, which become readings as `readings` makes them.
  History fit_more(const Table& more, const ForecastFit& options = {});
  bool is_fitted() const { return fused_.has_value(); }
  /// How many of the training readings, from the first on, it has learned from; the others were the validation share. 0
  /// of a forecaster from a file.
  Index learned_readings() const { return learned_; }
  /// Raw rows as readings: where it has learned from rows of a table, by the same steps; else readings_of its sensors.
  /// `time` names the column of times; empty: the one it has learned with, if any. Its steps make the readings of rows
  /// before `cut` without a look at the others; 0: of all together. Throws StateError before fit, and what
  /// ReadingsPipeline::prepare or readings_of throws.
  Readings readings(const Table& table, std::string_view time = "", Index cut = 0) const;
  /// Raw rows as readings for predict. Without known inputs it is the same as readings. With them the last rows of the
  /// table, as many as the last horizon is readings ahead, are those to come: times and what known inputs are made of
  /// stand in them, but no readings. Steps make nothing of the sensors there. Throws DataError, too, for fewer rows,
  /// for a reading in a row to come, and for such a row that a step leaves out.
  Readings latest(const Table& table, std::string_view time = "") const;

  const ForecastOptions& options() const { return frame_.options; }
  /// All that it knows beside its network.
  const ForecastFrame& frame() const { return frame_; }
  /// Names of the sensors it has learned from, in order.
  const std::vector<std::string>& sensors() const { return frame_.sensors; }
  /// What its network takes and gives for so many sensors. Throws ShapeError below 1.
  ForecastShape shape(Index sensors) const { return frame_.shape(sensors); }
  /// The windows of readings that it learns from and is scored on. Throws what Readings::check throws; ShapeError for
  /// another number of sensors than it has learned from; DataError for sensors of other names or in another order,
  /// where readings have names and those of training had, for readings without times where they are needed, for one out
  /// of range (ForecastFit::out_of_range) and where no window fits.
  ForecastWindows windows(const Readings& readings) const;

  /// The fused network: what predict runs and save writes. Throws StateError before fit.
  const Model& model() const;
  Model& model();
  /// How many networks there are; of an older file, 1.
  Index networks() const { return frame_.networks; }
  /// A forecaster of one network of the ensemble alone: of a file, a part of the fused network, which is not compiled.
  /// Throws StateError before fit, ConfigError for one that is not there.
  Forecaster network(Index i) const;

  /// What comes after the last reading, horizons x sensors, in the unit of the readings: from the last `lags` of them.
  /// A reading missing there gives NaN, unless such windows are filled. With known inputs the last rows, as many as the
  /// last horizon is readings ahead, are those to come, in which all readings are missing, and the window ends before
  /// them: see `latest`. Throws StateError before fit; ShapeError for fewer readings, or another number of sensors;
  /// DataError for other sensors and any reading out of range, as windows(), for times that jump within the window or
  /// before its targets, for a window of several series, for times or known inputs that are missing where they are
  /// needed, and for a reading in a row to come.
  Matrix predict(const Readings& latest) const;
  /// Forecasts for all windows of readings, beside what came; NaN for windows with a missing reading, unless such are
  /// filled. Throws StateError before fit, what windows() throws, and DataError where what is forecast is held out for
  /// validation or test and among the readings it has learned from, which it remembers in memory; readings that lead up
  /// to it may be.
  Forecasts forecast(const Readings& readings) const { return forecast(windows(readings)); }
  /// The same for windows that stand already. Throws ShapeError, too, for those of other lags or horizons.
  Forecasts forecast(const ForecastWindows& windows) const;
  /// What the network is given for windows of readings, and what it should answer: windows with a missing target, and
  /// unless such are filled with a missing reading, are left out. Throws as forecast.
  ForecastSamples samples(const ForecastWindows& windows) const;

  /// Scores on the windows of readings, at all horizons or those asked for: the baselines first, then each network if
  /// there are several, their mean and spread, and the forecaster. Throws as forecast.
  ScoreTable compare(const std::vector<Baseline>& baselines, const Readings& readings, const ScoreOptions& options = {},
                     const std::vector<Index>& horizons = {}) const;
  /// The same on windows that stand already.
  ScoreTable compare(const std::vector<Baseline>& baselines, const ForecastWindows& windows,
                     const ScoreOptions& options = {}, const std::vector<Index>& horizons = {}) const;

  // Of files that are larger than memory: a block at a time. These need `maas::maas` to link.

  /// Learns of raw rows that are not all in memory, as `fit` of a Table does: steps, scaling and the reference in
  /// passes over the rows, which have the same bits then; networks one after the other, as each walks over the blocks
  /// in an order of its own. Throws, too, what learn_readings and StreamedReadings throw.
  std::vector<History> fit(const StreamedTable& training, const ReadingsOptions& table,
                           const ForecastFit& options = {});
  /// Raw rows as readings, as `readings` of a Table makes them. Throws StateError before fit, and for a forecaster that
  /// has learned from readings and not from rows of a table; what StreamedReadings throws.
  StreamedReadings readings(const StreamedTable& table) const;
  /// The windows of readings that it learns from and is scored on. Throws as `windows` of Readings.
  StreamedWindows windows(const StreamedReadings& readings) const;
  /// Calls `visit` with the forecasts for the windows of each block, in order; origins are rows of all readings. Throws
  /// as `forecast` of a block's windows.
  void forecast(const StreamedWindows& windows, const std::function<void(const Forecasts& block)>& visit) const;
  /// Scores as `compare` of windows that are all in memory, in one pass.
  ScoreTable compare(const std::vector<Baseline>& baselines, const StreamedWindows& windows,
                     const ScoreOptions& options = {}, const std::vector<Index>& horizons = {}) const;

  /// Says how it is to be scored where nothing else is asked for: `frame().scores`, which is saved with it. `maas
  /// evaluate` does as it says.
  void set_scores(const ScoreOptions& options) { frame_.scores = options; }

  /// Gives it intervals that were calibrated on its forecasts, and perhaps an alarm: they are saved with it, for
  /// whoever forecasts from its file. Throws StateError before fit or calibrate, ShapeError for intervals of other
  /// forecasts, ConfigError for an alarm whose options are out of range or that has values of a sensor that is not
  /// there. Beside an alarm it may keep `naive` intervals, those of persistence (see calibrate_naive), so that whoever
  /// judges the alarm has a naive one beside it; without an alarm they are a ConfigError.
  void set_intervals(ConformalIntervals intervals, const std::optional<AlarmOptions>& alarm = std::nullopt,
                     std::optional<ConformalIntervals> naive = std::nullopt);
  /// Those it was given; nothing if there are none.
  const std::optional<ConformalIntervals>& intervals() const { return frame_.intervals; }
  const std::optional<AlarmOptions>& alarm() const { return frame_.alarm; }
  const std::optional<ConformalIntervals>& naive_intervals() const { return naive_intervals_; }

  /// Gives it baselines that were fitted to the windows it has learned from, to be saved with it: whoever scores it has
  /// them then without the training readings. Those that have learned more than `most` numbers are left out, which
  /// `baselines` tells behind `left_out`: see keep_baselines. Throws StateError before fit, or for one that is not
  /// fitted; ShapeError for those of other windows.
  void set_baselines(const std::vector<Baseline>& fitted, const std::vector<std::string>& left_out = {},
                     Index most = KeptBaselines::most_numbers);
  /// Those it was given, and which ones are too large to be kept.
  const KeptBaselines& baselines() const { return baselines_; }
  /// What the readings were that it has learned from, and its mean absolute errors one horizon ahead on those it has
  /// validated on (without any, on the last thousand windows it has learned from): learned by fit, for a watch over
  /// drift. Nothing before fit, and of older files.
  const std::optional<DriftReference>& reference() const { return reference_; }

  /// Gives it how the files of raw rows were read that it has learned from, to be saved with it: other files are read
  /// likewise.
  void set_reading(CsvOptions reading) { reading_ = std::move(reading); }
  /// What it was given; nothing if there is none, and of older files.
  const std::optional<CsvOptions>& reading() const { return reading_; }

  /// Writes the fused network as a file of Keras, with all of the forecaster beside it; Keras passes over that. Throws
  /// StateError before fit, FormatError as Model::save.
  void save(const std::string& path, const SaveOptions& options = {}) const;
  /// What the file keeps of it beside the network, but for the errors of intervals.
  Config config() const;

 private:
  friend Forecaster forecaster_of(Model model, const std::string& name, const LoadOptions& options);

  void require_fitted(std::string_view what) const;
  static void check_naive(const ForecastFrame& frame, const std::optional<ConformalIntervals>& naive);
  void check_fit(const ForecastFit& options) const;
  static void check_options(const ForecastFit& options);
  void note_rows(const Readings& training, Index cut);
  void learn_scaling(const Readings& training, Index rows);
  void learn_known(const Readings& training, Index rows);
  void learn_ranges(const Readings& training, Index rows, const ForecastFit& options);
  Index rows_to_come() const { return frame_.options.known.empty() ? 0 : frame_.options.windows.horizons.back(); }
  PreparedReadings prepared(const Table& table, std::string_view time, Index cut) const;
  void learn_reference(const Readings& training, const ForecastWindows& all);
  std::vector<History> learn(const Readings& training, Index cut, const ForecastFit& options);
  std::vector<History> learn(const StreamedReadings& training, Index cut, const ForecastFit& options);
  void learn_scaling(const StreamedReadings& training, Index rows);
  void learn_reference(const StreamedReadings& training, const StreamedWindows& all);
  Dataset samples_in_blocks(const StreamedWindows& windows, std::string_view what) const;
  History learn_more(const Readings& more, Index cut, const ForecastFit& options);
  struct Parts {
    Dataset training;
    std::optional<Dataset> validation;
  };
  Parts parted(const ForecastWindows& all, Index cut) const;
  void check_sensors(Index count, const std::vector<std::string>& names) const;
  void check_readings(const Readings& readings) const;
  void check_windows(const ForecastWindows& windows) const;
  Model train(std::uint64_t number, const Dataset& training, const std::optional<Dataset>& validation,
              const ForecastFit& options, History& history) const;
  void fuse(std::vector<Model> networks);
  Model part_of_ensemble(Index i) const;
  ForecastSamples samples_of(const Readings& readings, const std::vector<Index>& origins, bool with_targets) const;
  void run(const ForecastSamples& samples, const Readings& readings, Matrix& values) const;

  ForecastFrame frame_;
  Build build_;
  KeptBaselines baselines_;
  std::optional<ConformalIntervals> naive_intervals_;  // only beside an alarm
  std::optional<DriftReference> reference_;
  std::optional<CsvOptions> reading_;
  std::vector<Model> networks_;  // as they were trained, where there are several; none of a file
  std::optional<Model> fused_;
  Index learned_ = 0;
  LearnedRows learned_rows_;  // in memory only
};

/// A forecaster of the model that load_model has read from a file that Forecaster::save wrote. `name` stands for the
/// file in errors; of the options only the steps count. Throws as load_forecaster.
Forecaster forecaster_of(Model model, const std::string& name, const LoadOptions& options = {});
/// A forecaster from a file that Forecaster::save wrote. Throws FormatError for other files, also where what it keeps
/// does not fit its network.
Forecaster load_forecaster(const std::string& path, const LoadOptions& options = {});

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/forecast/forecaster-inl.hpp"
#endif
