// Bodies of Forecaster.
#pragma once

#include <cmath>
#include <exception>
#include <limits>
#include <numeric>
#include <set>

#include "maas/core/parallel.hpp"
#include "maas/data/jumps-inl.hpp"
#include "maas/forecast/forecaster.hpp"
#include "maas/forecast/kept_errors-inl.hpp"
#include "maas/forecast/sensor_inputs.hpp"
#include "maas/layers/layers.hpp"
#include "maas/network/merge.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// What a scaled reading is made with: (reading - center) / scale.
struct ReadingScale {
  double center = 0, scale = 1;
};

/// Learned from the rows before `end` of the sensors from `begin` up to, not including, `stop`; nothing where no
/// reading is there.
inline std::optional<ReadingScale> scaling_of(const Matrix& values, Index end, Index begin, Index stop,
                                              ReadingScaling how) {
  double sum = 0, least = std::numeric_limits<double>::infinity(), most = -least;
  Index count = 0;
  const auto for_each_reading = [&](auto&& visit) {
    for (Index row = 0; row < end; ++row)
      for (Index sensor = begin; sensor < stop; ++sensor)
        if (const auto value = static_cast<double>(values(row, sensor)); !std::isnan(value)) visit(value);
  };
  for_each_reading([&](double value) {
    sum += value;
    least = std::min(least, value);
    most = std::max(most, value);
    ++count;
  });
  if (count == 0) return std::nullopt;
  if (how == ReadingScaling::none) return ReadingScale{};
  if (how == ReadingScaling::min_max) return ReadingScale{least, most > least ? most - least : 1};
  const double mean = sum / static_cast<double>(count);
  double squares = 0;
  for_each_reading([&](double value) { squares += (value - mean) * (value - mean); });
  const double deviation = std::sqrt(squares / static_cast<double>(count));
  return ReadingScale{mean, deviation > 0 ? deviation : 1};
}

/// Of readings made of the rows of a table those of the rows before `cut`.
inline Index readings_before(const PreparedReadings& prepared, Index cut) {
  return static_cast<Index>(std::lower_bound(prepared.rows.begin(), prepared.rows.end(), cut) - prepared.rows.begin());
}

}  // namespace detail

MAAS_INLINE Model ForecastNetwork::operator()(const ForecastShape& shape) const {
  auto [inputs, last] = detail::sensor_inputs(shape, embedding);
  for (Index units : hidden) last = dense(units, activation)(last);
  return Model(inputs, {dense(shape.outputs)(last)});
}

// ---- Samples ----

MAAS_INLINE Shape ForecastSamples::feature_shape() const {
  const Index a_row = by_row_.size() > 0 ? by_row_.cols() : numbers_;
  return Shape{lags_ * a_row + known_.cols() + (ids_ ? 1 : 0)};
}

MAAS_INLINE Scalar* ForecastSamples::write_features(Index sample, Scalar* to) const {
  const Index window = window_of(sample), sensor = sensor_of(sample);
  const Index begin = origins_[static_cast<std::size_t>(window)] - lags_ + 1;
  if (by_row_.size() > 0)
    to = std::copy_n(by_row_.data() + begin * by_row_.cols(), lags_ * by_row_.cols(), to);
  else
    to = std::copy_n(by_sensor_.data() + sensor * by_sensor_.cols() + begin * numbers_, lags_ * numbers_, to);
  return std::copy_n(known_.data() + window * known_.cols(), known_.cols(), to);
}

MAAS_INLINE void ForecastSamples::write_targets(Index sample, Scalar* to) const {
  const Index window = window_of(sample), origin = origins_[static_cast<std::size_t>(window)];
  const auto base = [&](Index sensor) { return bases_.size() > 0 ? bases_(window, sensor) : Scalar{0}; };
  for (Index horizon : horizons_) {
    if (by_row_.size() == 0) {
      const Index sensor = sensor_of(sample);
      *to++ = by_sensor_(sensor, (origin + horizon) * numbers_) - base(sensor);
    } else {
      for (Index each = 0; each < by_row_.cols() / numbers_; ++each)
        *to++ = by_row_(origin + horizon, each) - base(each);
    }
  }
}

MAAS_INLINE void ForecastSamples::gather(std::span<const Index> rows, MatrixView x, MatrixView y) const {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Scalar* end = write_features(rows[i], x.data() + static_cast<Index>(i) * x.cols());
    if (ids_) *end = static_cast<Scalar>(sensor_of(rows[i]));
    write_targets(rows[i], y.data() + static_cast<Index>(i) * y.cols());
  }
}

MAAS_INLINE std::vector<Matrix> ForecastSamples::inputs(Index begin, Index count) const {
  require<ShapeError>(begin >= 0 && count >= 0 && begin <= size() && count <= size() - begin,
                      "samples: expected some of {}, got {} from {} on", size(), count, begin);
  const Index features = feature_shape().size() - (ids_ ? 1 : 0);
  std::vector<Matrix> result{Matrix(count, features)};
  if (ids_) result.emplace_back(count, 1);
  for (Index i = 0; i < count; ++i) {
    write_features(begin + i, result[0].data() + i * features);
    if (ids_) result[1](i, 0) = static_cast<Scalar>(sensor_of(begin + i));
  }
  return result;
}

MAAS_INLINE Matrix ForecastSamples::targets() const {
  Matrix result(size(), targets_);
  for (Index sample = 0; sample < size(); ++sample) write_targets(sample, result.data() + sample * targets_);
  return result;
}

// ---- From readings to samples ----

MAAS_INLINE Forecaster::Forecaster(ForecastOptions options, Build network) : build_(std::move(network)) {
  frame_.options = std::move(options);
  frame_.options.check();
  require<ConfigError>(build_ != nullptr, "forecaster: expected a function that makes a network, got none");
}

MAAS_INLINE void Forecaster::require_fitted(std::string_view what) const {
  require<StateError>(is_fitted(), "{}: call fit first, with training readings", what);
}

namespace detail {

/// Names that Readings::sensor_names made up say nothing of which sensors these are.
inline bool are_made_up(const std::vector<std::string>& names) {
  return Readings{.values = Matrix(0, static_cast<Index>(names.size()))}.sensor_names() == names;
}

}  // namespace detail

/// A sensor in another one's place would be forecast with its number, scale and intervals.
MAAS_INLINE void Forecaster::check_sensors(Index count, const std::vector<std::string>& names) const {
  const std::vector<std::string>& known = frame_.sensors;
  if (known.empty()) return;  // not fitted
  require<ShapeError>(count == static_cast<Index>(known.size()), "forecaster: expected readings of {} sensors, got {}",
                      known.size(), count);
  if (names.empty() || names == known || detail::are_made_up(names) || detail::are_made_up(known)) return;
  const auto [expected, found] = std::ranges::mismatch(known, names);
  const bool is_reordered = std::multiset(known.begin(), known.end()) == std::multiset(names.begin(), names.end());
  fail<DataError>("forecaster: expected \"{}\" as sensor {} (counted from 0), as in training, got \"{}\"{}", *expected,
                  expected - known.begin(), *found, is_reordered ? "; they are the same sensors in another order" : "");
}

MAAS_INLINE void Forecaster::check_readings(const Readings& readings) const {
  readings.check();
  check_sensors(readings.sensor_count(), readings.sensors);
  require<DataError>(!frame_.needs_times() || !readings.times.empty(),
                     "forecaster: expected readings with times, for time_of_day or day_of_week, got none");
  const std::vector<Index> known = frame_.known_columns(readings);
  if (frame_.ranges) frame_.ranges->check(readings, known);
}

MAAS_INLINE ForecastWindows Forecaster::windows(const Readings& readings) const {
  check_readings(readings);
  return ForecastWindows(readings, frame_.options.windows);
}

MAAS_INLINE void Forecaster::check_windows(const ForecastWindows& windows) const {
  check_readings(windows.readings());
  require<ShapeError>(windows.options().lags == frame_.options.windows.lags &&
                          windows.options().horizons == frame_.options.windows.horizons,
                      "forecaster: expected windows of its own lags and horizons, as windows() makes them, got others");
}

MAAS_INLINE ForecastSamples Forecaster::samples_of(const Readings& readings, const std::vector<Index>& origins,
                                                   bool with_targets) const {
  const Index sensors = readings.sensor_count(), rows = readings.rows();
  ForecastSamples result;
  result.origins_ = origins;
  result.horizons_ = frame_.options.windows.horizons;
  result.lags_ = frame_.options.windows.lags;
  result.targets_ = shape(sensors).outputs;
  result.ids_ = shape(sensors).ids > 0;
  if (frame_.options.changes) {
    result.bases_.resize(static_cast<Index>(origins.size()), sensors);
    for (std::size_t window = 0; window < origins.size(); ++window)
      for (Index sensor = 0; sensor < sensors; ++sensor)
        result.bases_(static_cast<Index>(window), sensor) = static_cast<Scalar>(
            frame_.scaled(frame_.last_of(readings.values, origins[window], sensor, sensor), sensor));
  }
  if (frame_.needs_times()) {
    std::vector<double> times;
    for (Index origin : origins) times.push_back(readings.times[static_cast<std::size_t>(origin)]);
    result.known_ = frame_.known(std::move(times));
  } else {
    result.known_.resize(static_cast<Index>(origins.size()), 0);
  }
  if (!frame_.options.known.empty()) {
    const Matrix told = frame_.known_inputs(readings, origins), timed = result.known_;
    result.known_.resize(told.rows(), timed.cols() + told.cols());
    result.known_ << timed, told;
  }

  const bool joint = frame_.options.sensors == SensorMode::joint, masks = frame_.options.masks;
  const Index numbers = frame_.options.numbers_a_reading();
  result.numbers_ = numbers;
  Matrix& scaled = joint ? result.by_row_ : result.by_sensor_;
  scaled.resize(joint ? rows : sensors, numbers * (joint ? sensors : rows));
  for (Index row = 0; row < rows; ++row)
    for (Index sensor = 0; sensor < sensors; ++sensor) {
      const auto reading = static_cast<double>(readings.values(row, sensor));
      const auto value = static_cast<Scalar>(frame_.scaled(frame_.filled(reading, sensor), sensor));
      (joint ? scaled(row, sensor) : scaled(sensor, row * numbers)) = value;
      if (masks)
        (joint ? scaled(row, sensors + sensor) : scaled(sensor, row * numbers + 1)) =
            std::isnan(reading) ? Scalar(0) : Scalar(1);
    }

  const bool fills = frame_.options.windows.fill_missing;
  const auto is_whole = [&](Index origin, Index first, Index count) {
    const auto block = [&](Index begin, Index length) {
      return !readings.values.block(begin, first, length, count).hasNaN();
    };
    if (!fills && !block(origin - result.lags_ + 1, result.lags_)) return false;
    for (Index horizon : result.horizons_)
      if (with_targets && !block(origin + horizon, 1)) return false;
    return true;
  };
  for (std::size_t window = 0; window < origins.size(); ++window)
    for (Index sensor = 0; sensor < (joint ? 1 : sensors); ++sensor)
      if (is_whole(origins[window], sensor, joint ? sensors : 1))
        result.places_.emplace_back(static_cast<Index>(window), sensor);
  return result;
}

MAAS_INLINE ForecastSamples Forecaster::samples(const ForecastWindows& windows) const {
  require_fitted("samples");
  check_windows(windows);
  detail::require_unlearned("forecaster", windows, learned_rows_);
  return samples_of(windows.readings(), windows.origins(), true);
}

// ---- Learning ----

/// The readings before `cut` are learned from.
MAAS_INLINE void Forecaster::note_rows(const Readings& training, Index cut) {
  learned_ = cut;
  learned_rows_.add(detail::marks_of(training).part(0, cut));
}

MAAS_INLINE void Forecaster::learn_scaling(const Readings& training, Index rows) {
  const Index sensors = training.sensor_count();
  frame_.center.clear();
  frame_.scale.clear();
  frame_.means.clear();
  for (Index sensor = 0; sensor < sensors; ++sensor) {
    const auto each = detail::scaling_of(training.values, rows, sensor, sensor + 1, frame_.options.scaling);
    require<DataError>(each.has_value(), "forecaster: expected readings of sensor \"{}\" to learn from, got none",
                       frame_.sensors[static_cast<std::size_t>(sensor)]);
    frame_.center.push_back(each->center);
    frame_.scale.push_back(each->scale);
    if (frame_.options.windows.fill_missing)
      frame_.means.push_back(
          detail::scaling_of(training.values, rows, sensor, sensor + 1, ReadingScaling::standard)->center);
  }
  if (frame_.options.scale_each) return;
  const auto all = detail::scaling_of(training.values, rows, 0, sensors, frame_.options.scaling);
  std::fill(frame_.center.begin(), frame_.center.end(), all->center);
  std::fill(frame_.scale.begin(), frame_.scale.end(), all->scale);
}

/// Figures of the known inputs in the first rows; of one that is missing in all of them 0 and 1.
MAAS_INLINE void Forecaster::learn_known(const Readings& training, Index rows) {
  frame_.known_center.clear();
  frame_.known_scale.clear();
  for (Index column : frame_.known_columns(training)) {
    const auto found = detail::scaling_of(training.known, rows, column, column + 1, ReadingScaling::standard)
                           .value_or(detail::ReadingScale{});
    frame_.known_center.push_back(found.center);
    frame_.known_scale.push_back(found.scale);
  }
}

/// Of the first rows; the others, of the validation share, are held against it at once. Behind a table it has learned
/// them.
MAAS_INLINE void Forecaster::learn_ranges(const Readings& training, Index rows, const ForecastFit& options) {
  if (frame_.table || options.out_of_range == OutOfRange::pass) return;
  const std::vector<Index> known = frame_.known_columns(training);
  frame_.ranges =
      ReadingRanges::of(training, rows, known, !frame_.options.scale_each, options.out_of_range, options.range_margin);
  frame_.ranges->check(training, known);
}

MAAS_INLINE void Forecaster::check_fit(const ForecastFit& options) const {
  require<StateError>(!is_fitted(),
                      "forecaster: it has learned already, and does so once; make another one, or go on with fit_more");
  check_options(options);
}

MAAS_INLINE void Forecaster::check_options(const ForecastFit& options) {
  require<ConfigError>(options.networks >= 1 && options.networks <= 1000,
                       "forecaster: expected from 1 to 1000 networks, got {}", options.networks);
  require<ConfigError>(options.validation_share >= 0 && options.validation_share < 1,
                       "forecaster: expected a validation share of at least 0 and below 1, got {}",
                       options.validation_share);
  require<ConfigError>(options.fit.callbacks.empty(),
                       "forecaster: expected callbacks from ForecastFit::callbacks, which makes them for each network, "
                       "got some in fit");
  require<ConfigError>(!options.fit.validation_data && !options.fit.validation_set && options.fit.validation_split == 0,
                       "forecaster: expected a validation_share, got validation samples or a validation_split in fit");
}

MAAS_INLINE Model Forecaster::train(std::uint64_t number, const Dataset& training,
                                    const std::optional<Dataset>& validation, const ForecastFit& options,
                                    History& history) const {
  Model model = build_(shape(static_cast<Index>(frame_.sensors.size())));
  frame_.check_network(model.network().graph());
  FitOptions fit = options.fit;
  fit.seed += number;
  fit.validation_set = validation;
  if (options.callbacks) fit.callbacks = options.callbacks();
  model.initialize(fit.seed);
  model.compile(options.compile);
  history = model.fit(training, fit);
  return model;
}

MAAS_INLINE std::vector<History> Forecaster::fit(const Readings& training, const ForecastFit& options) {
  check_fit(options);
  Forecaster learner = *this;
  std::vector<History> histories =
      learner.learn(training, training.rows() - options.held_out(training.rows()), options);
  *this = std::move(learner);
  return histories;
}

MAAS_INLINE std::vector<History> Forecaster::fit(const Table& training, const ReadingsOptions& table,
                                                 const ForecastFit& options) {
  check_fit(options);
  detail::require_training("forecaster", training);  // here it is known which row it is
  Forecaster learner = *this;
  const Index cut = training.rows() - options.held_out(training.rows());
  ReadingsOptions wanted = table;
  wanted.known = frame_.options.known;
  wanted.alike = !frame_.options.scale_each;
  learner.frame_.table = ReadingsPipeline(std::move(wanted)).fit(training.part(0, cut));
  const PreparedReadings prepared = learner.frame_.table->prepare(training, {}, cut);
  std::vector<History> histories = learner.learn(prepared.readings, detail::readings_before(prepared, cut), options);
  *this = std::move(learner);
  return histories;
}

MAAS_INLINE History Forecaster::fit_more(const Readings& more, const ForecastFit& options) {
  return learn_more(more, more.rows() - options.held_out(more.rows()), options);
}

MAAS_INLINE History Forecaster::fit_more(const Table& more, const ForecastFit& options) {
  require_fitted("fit_more");
  check_options(options);
  const Index cut = more.rows() - options.held_out(more.rows());
  const PreparedReadings found = prepared(more, {}, cut);
  return learn_more(found.readings, detail::readings_before(found, cut), options);
}

MAAS_INLINE History Forecaster::learn_more(const Readings& more, Index cut, const ForecastFit& options) {
  require_fitted("fit_more");
  check_options(options);
  require<ConfigError>(options.networks == 1, "fit_more: expected one network, which is trained on, got {}",
                       options.networks);
  require<StateError>(fused_->is_compiled(), "fit_more: expected a model that is compiled: call model().compile first");
  check_sensors(more.sensor_count(), more.sensors);
  detail::require_training("forecaster", more);
  Forecaster learner = *this;
  learner.frame_.intervals.reset();
  learner.frame_.alarm.reset();
  learner.naive_intervals_.reset();
  learner.baselines_ = {};
  learner.networks_.clear();
  learner.note_rows(more, cut);
  const ForecastWindows all = learner.windows(more);
  Parts parts = learner.parted(all, cut);
  FitOptions fit = options.fit;
  fit.validation_set = std::move(parts.validation);
  if (options.callbacks) fit.callbacks = options.callbacks();
  History history = learner.fused_->fit(parts.training, fit);
  if (auto& self_test = learner.fused_->info().self_test) self_test->outputs.clear();  // they are given anew
  learner.learn_reference(more, all);
  *this = std::move(learner);
  return history;
}

/// Learns from the readings before `cut`, and validates on the others.
MAAS_INLINE std::vector<History> Forecaster::learn(const Readings& training, Index cut, const ForecastFit& options) {
  detail::require_training("forecaster", training);
  const ForecastWindows all = windows(training);
  frame_.sensors = training.sensor_names();
  frame_.options.windows.seconds_a_reading = all.seconds_a_reading();
  learn_scaling(training, cut);
  learn_known(training, cut);
  learn_ranges(training, cut, options);
  note_rows(training, cut);

  const Parts parts = parted(all, cut);

  const auto count = static_cast<std::size_t>(options.networks);
  std::vector<History> histories(count);
  std::vector<std::optional<Model>> models(count);
  std::vector<std::exception_ptr> problems(count);
  auto train_one = [&](Index i) {
    const auto place = static_cast<std::size_t>(i);
    try {
      models[place] = train(static_cast<std::uint64_t>(i), parts.training, parts.validation, options, histories[place]);
    } catch (...) {
      problems[place] = std::current_exception();
    }
  };
  if (options.networks > 1 && options.fit.verbose == 0)
    for_each_piece(options.networks, train_one);
  else
    for (Index i = 0; i < options.networks; ++i) train_one(i);
  for (const std::exception_ptr& problem : problems)
    if (problem) std::rethrow_exception(problem);

  std::vector<Model> networks;
  for (std::optional<Model>& model : models) networks.push_back(std::move(*model));
  fuse(std::move(networks));
  learn_reference(training, all);
  return histories;
}

/// Samples of the windows before `cut`, and of those from it on, if there are readings.
MAAS_INLINE Forecaster::Parts Forecaster::parted(const ForecastWindows& all, Index cut) const {
  const auto samples_in = [&](const ForecastWindows& windows, std::string_view what) {
    ForecastSamples samples = samples_of(all.readings(), windows.origins(), true);
    require<DataError>(samples.size() > 0, "forecaster: expected {} windows without a missing {}, got none", what,
                       frame_.options.windows.fill_missing ? "target" : "reading");
    return Dataset(std::move(samples));
  };
  Parts parts{.training = samples_in(all.targets_before(cut), "training"), .validation = {}};
  if (cut < all.readings().rows()) parts.validation = samples_in(all.targets_from(cut), "validation");
  return parts;
}

/// How far off forecasts of the nearest horizon are, one number a sensor; 0 where nothing came.
MAAS_INLINE void Forecaster::learn_reference(const Readings& training, const ForecastWindows& all) {
  constexpr Index most_windows = 1000;
  reference_ = DriftReference::of(training.values.topRows(learned_), frame_.sensors);
  ForecastWindows judged = learned_ < training.rows() ? all.targets_from(learned_) : all.targets_before(learned_);
  if (judged.size() > most_windows) judged = judged.targets_from(judged.target_row(judged.size() - most_windows, 0));
  const Forecasts forecasts = forecast(judged);
  for (std::size_t sensor = 0; sensor < frame_.sensors.size(); ++sensor) {
    detail::RunningMean error;
    const auto column = static_cast<Index>(sensor);  // of the first step
    for (Index window = 0; window < forecasts.windows(); ++window)
      error.add(std::abs(static_cast<double>(forecasts.truth(window, column)) -
                         static_cast<double>(forecasts.values(window, column))));
    const double mean = error.mean_or(0);
    reference_->errors.push_back(std::isfinite(mean) ? mean : 0);
  }
}

/// One network that gives the mean of all.
MAAS_INLINE void Forecaster::fuse(std::vector<Model> networks) {
  if (networks.size() == 1) {
    fused_ = std::move(networks[0]);
    return;
  }
  const Graph& graph = networks[0].network().graph();
  std::vector<Symbol> inputs, outputs;
  for (std::size_t i = 0; i < graph.inputs().size(); ++i)
    inputs.push_back(input(graph.input_shape(static_cast<Index>(i))));
  for (const Model& each : networks) outputs.push_back(each(inputs)[0]);
  fused_ = Model(inputs, {average(outputs)}, "ensemble");
  frame_.label = fmt::format("ensemble of {}", networks.size());
  frame_.networks = static_cast<Index>(networks.size());
  networks_ = std::move(networks);
}

namespace detail {

/// The network behind one input of the layer that averages networks: what leads to it, with its weights.
inline Network part_of_average(const Network& whole, Index which) {
  const Graph& graph = whole.graph();
  const Index last = graph.node(graph.outputs()[0]).inputs[static_cast<std::size_t>(which)];
  std::vector<bool> needed(graph.nodes().size(), false);
  needed[static_cast<std::size_t>(last)] = true;
  for (Index input : graph.inputs()) needed[static_cast<std::size_t>(input)] = true;
  for (Index i = last; i >= 0; --i)
    if (needed[static_cast<std::size_t>(i)])
      for (Index from : graph.node(i).inputs) needed[static_cast<std::size_t>(from)] = true;

  constexpr Index nowhere = -1;
  std::vector<Index> new_node(graph.nodes().size(), nowhere), new_layer(graph.layers().size(), nowhere), old_layer;
  std::vector<Layer> layers;
  std::vector<GraphNode> nodes;
  for (Index i = 0; i < static_cast<Index>(graph.nodes().size()); ++i) {
    if (!needed[static_cast<std::size_t>(i)]) continue;
    const GraphNode& node = graph.node(i);
    Index& layer = new_layer[static_cast<std::size_t>(node.layer)];
    if (layer == nowhere) {
      layer = static_cast<Index>(layers.size());
      old_layer.push_back(node.layer);
      layers.push_back(graph.layer(node.layer).named(""));  // "dense_7" of all networks is "dense_1" of its own
    }
    GraphNode taken{.layer = layer};
    for (Index from : node.inputs) taken.inputs.push_back(new_node[static_cast<std::size_t>(from)]);
    new_node[static_cast<std::size_t>(i)] = static_cast<Index>(nodes.size());
    nodes.push_back(std::move(taken));
  }
  std::vector<Index> inputs;
  for (Index input : graph.inputs()) inputs.push_back(new_node[static_cast<std::size_t>(input)]);
  Network part = Network::undrawn(
      Graph(std::move(layers), std::move(nodes), std::move(inputs), {new_node[static_cast<std::size_t>(last)]}));
  for (const ParameterEntry& entry : part.parameters().entries())
    part.parameters().view(entry) =
        whole.parameters().view(old_layer[static_cast<std::size_t>(entry.layer)], entry.which);
  return part;
}

/// Whether a network is the average of so many, as Forecaster::fuse makes it.
inline bool is_average_of(const Graph& graph, Index networks) {
  const GraphNode& last = graph.node(graph.outputs()[0]);
  return graph.layer(last.layer).as<Average>() != nullptr && static_cast<Index>(last.inputs.size()) == networks &&
         std::ranges::all_of(last.input_shapes, [&](const Shape& shape) { return shape == last.plan.output; });
}

}  // namespace detail

MAAS_INLINE Model Forecaster::part_of_ensemble(Index i) const {
  return Model(detail::part_of_average(fused_->network(), i));
}

MAAS_INLINE const Model& Forecaster::model() const {
  require_fitted("model");
  return *fused_;
}

MAAS_INLINE Model& Forecaster::model() {
  require_fitted("model");
  return *fused_;
}

MAAS_INLINE Forecaster Forecaster::network(Index i) const {
  require_fitted("network");
  require<ConfigError>(i >= 0 && i < networks(), "forecaster: expected a network from 0 to {}, got {}", networks() - 1,
                       i);
  Forecaster result(frame_.options, build_);
  result.frame_ = frame_;
  result.learned_ = learned_;
  result.learned_rows_ = learned_rows_;
  result.frame_.intervals.reset();  // the errors they know are those of all together
  result.frame_.alarm.reset();
  result.frame_.networks = 1;
  if (networks() > 1) result.frame_.label = fmt::format("network {} of {}", i + 1, networks());
  result.baselines_ = baselines_;
  result.reference_ = reference_;
  result.reading_ = reading_;
  if (result.reference_ && networks() > 1) result.reference_->errors.clear();  // likewise
  if (networks() == 1)
    result.fused_ = *fused_;
  else
    result.fused_ = networks_.empty() ? part_of_ensemble(i) : networks_[static_cast<std::size_t>(i)];
  return result;
}

// ---- Forecasting ----

MAAS_INLINE PreparedReadings Forecaster::prepared(const Table& table, std::string_view time, Index cut) const {
  if (frame_.table) return frame_.table->prepare(table, time, cut);
  PreparedReadings all{
      .readings =
          readings_of(table, {.time = std::string(time), .sensors = frame_.sensors, .known = frame_.options.known}),
      .rows = std::vector<Index>(static_cast<std::size_t>(table.rows()))};
  std::iota(all.rows.begin(), all.rows.end(), Index{0});
  return all;
}

MAAS_INLINE Readings Forecaster::readings(const Table& table, std::string_view time, Index cut) const {
  require_fitted("readings");
  return prepared(table, time, cut).readings;
}

namespace detail {

/// Throws DataError for a row with a reading in it.
inline void require_to_come(const Readings& readings, Index from, std::string_view who) {
  for (Index row = from; row < readings.rows(); ++row)
    for (Index sensor = 0; sensor < readings.sensor_count(); ++sensor)
      require<DataError>(
          std::isnan(readings.values(row, sensor)),
          "{}: expected the last {} rows to be those to come, with known inputs and without readings, got "
          "a reading of \"{}\" in row {}",
          who, readings.rows() - from, readings.sensor_names()[static_cast<std::size_t>(sensor)], row);
}

}  // namespace detail

MAAS_INLINE Readings Forecaster::latest(const Table& table, std::string_view time) const {
  require_fitted("latest");
  const Index to_come = rows_to_come(), cut = table.rows() - to_come;
  if (to_come == 0) return readings(table, time);
  require<DataError>(cut > 0, "forecaster: expected rows with readings and behind them {} to come, got {} in all",
                     to_come, table.rows());
  std::vector<std::string> raw;  // sensors that no step has renamed
  for (const std::string& sensor : frame_.sensors)
    if (table.contains(sensor) && table.column(sensor).type == ColumnType::number) raw.push_back(sensor);
  if (!raw.empty()) detail::require_to_come({.values = table.matrix(raw), .sensors = raw}, cut, "forecaster");
  PreparedReadings found = prepared(table, time, cut);
  const Index before = detail::readings_before(found, cut);
  require<DataError>(
      found.readings.rows() - before == to_come,
      "forecaster: expected steps that leave the {} rows to come where they are, got {} of them behind the "
      "steps",
      to_come, found.readings.rows() - before);
  found.readings.values.bottomRows(to_come).setConstant(std::numeric_limits<Scalar>::quiet_NaN());
  return std::move(found.readings);
}

/// Runs the network over samples and writes forecasts in the unit of the readings, windows x (steps * sensors).
MAAS_INLINE void Forecaster::run(const ForecastSamples& samples, const Readings& readings, Matrix& values) const {
  const bool joint = frame_.options.sensors == SensorMode::joint;
  const Index sensors = readings.sensor_count();
  const Index chunk = std::max<Index>(1, (Index{1} << 22) / samples.feature_shape().size());
  for (Index begin = 0; begin < samples.size(); begin += chunk) {
    const Index count = std::min(chunk, samples.size() - begin);
    const Matrix y = fused_->predict(samples.inputs(begin, count))[0];
    for (Index i = 0; i < count; ++i) {
      const Index window = samples.window_of(begin + i);
      const Index origin = samples.origins_[static_cast<std::size_t>(window)];
      for (Index number = 0; number < y.cols(); ++number) {
        const Index sensor = joint ? number % sensors : samples.sensor_of(begin + i);
        const Index column = joint ? number : number * sensors + sensor;
        const auto place = static_cast<std::size_t>(sensor);
        const double base =
            frame_.options.changes ? frame_.last_of(readings.values, origin, sensor, sensor) : frame_.center[place];
        values(window, column) = static_cast<Scalar>(base + frame_.scale[place] * static_cast<double>(y(i, number)));
      }
    }
  }
}

MAAS_INLINE Forecasts Forecaster::forecast(const ForecastWindows& windows) const {
  require_fitted("forecast");
  check_windows(windows);
  detail::require_unlearned("forecaster", windows, learned_rows_);
  Forecasts result = empty_forecasts(frame_.label, windows);
  run(samples_of(windows.readings(), windows.origins(), false), windows.readings(), result.values);
  return result;
}

MAAS_INLINE Matrix Forecaster::predict(const Readings& latest) const {
  require_fitted("predict");
  check_readings(latest);
  const ForecastWindowOptions& windows = frame_.options.windows;
  const Index lags = windows.lags, sensors = latest.sensor_count(), to_come = rows_to_come(), rows = lags + to_come;
  require<ShapeError>(latest.rows() >= rows, "predict: expected at least {} readings{}, got {}", lags,
                      to_come > 0 ? fmt::format(" and {} rows to come", to_come) : "", latest.rows());
  const Readings window = latest.part({latest.rows() - rows, latest.rows()});
  detail::require_to_come(window, lags, "predict");
  require<DataError>(window.series.empty() || window.series.front() == window.series.back(),
                     "predict: expected the last {} readings of one series, got some of \"{}\" and of \"{}\"", rows,
                     window.series.empty() ? "" : window.series.front(),
                     window.series.empty() ? "" : window.series.back());
  const std::vector<Index> jumps = detail::jumps_before(window.times, windows.seconds_a_reading, rows);
  require<DataError>(windows.across_gaps || !detail::any_in(jumps, 1, rows),
                     "predict: expected the last {} readings {} seconds apart, got a jump of time among them", rows,
                     windows.seconds_a_reading);
  Matrix values = Matrix::Constant(1, static_cast<Index>(frame_.options.windows.horizons.size()) * sensors,
                                   std::numeric_limits<Scalar>::quiet_NaN());
  run(samples_of(window, {lags - 1}, false), window, values);
  return ConstMatrixView(values.data(), values.size() / sensors, sensors);
}

MAAS_INLINE ScoreTable Forecaster::compare(const std::vector<Baseline>& baselines, const Readings& readings,
                                           const ScoreOptions& options, const std::vector<Index>& horizons) const {
  return compare(baselines, windows(readings), options, horizons);
}

MAAS_INLINE ScoreTable Forecaster::compare(const std::vector<Baseline>& baselines, const ForecastWindows& windows,
                                           const ScoreOptions& options, const std::vector<Index>& horizons) const {
  ScoreTable table(frame_.options.unit, windows.seconds_a_reading());
  for (const Baseline& baseline : baselines) table.add(baseline.forecast(windows), options, horizons);
  if (networks() > 1) {
    std::vector<Forecasts> each;
    for (Index i = 0; i < networks(); ++i) {
      each.push_back(network(i).forecast(windows));
      table.add(each.back(), options, horizons);
    }
    table.add_mean(fmt::format("mean of {} networks", networks()), each, options, horizons);
  }
  return table.add(forecast(windows), options, horizons);
}

// ---- Files ----

MAAS_INLINE void Forecaster::check_naive(const ForecastFrame& frame, const std::optional<ConformalIntervals>& naive) {
  if (!naive) return;
  require<ConfigError>(frame.alarm.has_value(), "forecaster: expected naive intervals beside an alarm, got no alarm");
  require<ShapeError>(naive->columns() == frame.intervals->columns(),
                      "forecaster: expected naive intervals of {} columns, as those beside them have, got {}",
                      frame.intervals->columns(), naive->columns());
}

MAAS_INLINE void Forecaster::set_intervals(ConformalIntervals intervals, const std::optional<AlarmOptions>& alarm,
                                           std::optional<ConformalIntervals> naive) {
  require_fitted("set_intervals");
  require<StateError>(intervals.is_calibrated() && (!naive || naive->is_calibrated()),
                      "set_intervals: call calibrate first");
  ForecastFrame changed = frame_;
  changed.intervals = std::move(intervals);
  changed.alarm = alarm;
  changed.check_warning();
  check_naive(changed, naive);
  frame_ = std::move(changed);
  naive_intervals_ = std::move(naive);
}

MAAS_INLINE void Forecaster::set_baselines(const std::vector<Baseline>& fitted,
                                           const std::vector<std::string>& left_out, Index most) {
  require_fitted("set_baselines");
  KeptBaselines kept = keep_baselines(fitted, most);
  kept.left_out.insert(kept.left_out.begin(), left_out.begin(), left_out.end());
  const ForecastWindowOptions& windows = frame_.options.windows;
  try {
    // What does not fit is found where a file gives them back; they themselves know what they have learned from.
    KeptBaselines::from(kept.config(), windows, static_cast<Index>(frame_.sensors.size()), kept.large_numbers());
  } catch (const ConfigError& error) {
    fail<ShapeError>("set_baselines: expected baselines of the forecaster's own windows: {}", error.what());
  }
  baselines_ = std::move(kept);
}

MAAS_INLINE Config Forecaster::config() const {
  Config result = frame_.config();
  if (naive_intervals_) result.set(detail::naive_key, naive_intervals_->config());
  return result;
}

MAAS_INLINE void Forecaster::save(const std::string& path, const SaveOptions& options) const {
  require_fitted("save");
  Model model = *fused_;
  model.info().forecast = config();
  model.info().baselines.reset();
  if (!baselines_.baselines.empty() || !baselines_.left_out.empty()) model.info().baselines = baselines_.config();
  model.info().baseline_numbers = baselines_.large_numbers();
  model.info().reference.reset();
  if (reference_) model.info().reference = reference_->config();
  model.info().reading.reset();
  if (reading_) model.info().reading = to_config(*reading_);
  model.info().forecast_errors.reset();
  if (frame_.intervals) model.info().forecast_errors = frame_.intervals->errors();
  if (naive_intervals_)
    model.info().forecast_errors = detail::errors_to_keep(*model.info().forecast_errors, naive_intervals_->errors());
  model.save(path, options);
}

MAAS_INLINE Forecaster load_forecaster(const std::string& path, const LoadOptions& options) {
  return forecaster_of(load_model(path, options), path, options);
}

MAAS_INLINE Forecaster forecaster_of(Model model, const std::string& path, const LoadOptions& options) {
  require<FormatError>(model.info().forecast.has_value(),
                       "{}: expected a model that a Forecaster saved, got one without its description", path);
  try {
    Forecaster result;
    result.frame_ = ForecastFrame::from(model.info(), options.steps);
    const Graph& graph = model.network().graph();
    result.frame_.check_network(graph);
    require<ConfigError>(result.frame_.networks == 1 || detail::is_average_of(graph, result.frame_.networks),
                         "networks: expected a network that is the average of {}, got another", result.frame_.networks);
    if (const Config* kept = model.info().forecast->find(detail::naive_key))
      result.naive_intervals_ = ConformalIntervals::from(*kept, detail::kept_errors(model.info(), true));
    Forecaster::check_naive(result.frame_, result.naive_intervals_);
    const auto sensors = static_cast<Index>(result.frame_.sensors.size());
    if (const auto& kept = model.info().baselines)
      result.baselines_ =
          KeptBaselines::from(*kept, result.frame_.options.windows, sensors, model.info().baseline_numbers);
    if (const auto& kept = model.info().reference) {
      result.reference_ = DriftReference::from(*kept);
      result.reference_->check(sensors);
    }
    if (model.info().reading) result.reading_ = kept_reading(model.info());
    model.info().forecast_errors.reset();  // kept once, where they are used
    model.info().baselines.reset();
    model.info().baseline_numbers.clear();
    model.info().reference.reset();
    model.info().reading.reset();
    result.fused_ = std::move(model);
    return result;
  } catch (const ConfigError& error) {
    fail<FormatError>("{}: forecast of maas: {}", path, error.what());
  } catch (const ShapeError& error) {
    fail<FormatError>("{}: forecast of maas: {}", path, error.what());
  }
}

}  // namespace maas::inline MAAS_ABI
