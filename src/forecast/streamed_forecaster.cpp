// Forecaster on files that are larger than memory: what it learns in passes, and samples block by block.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "maas/data/block_store.hpp"
#include "maas/forecast/forecaster.hpp"

namespace maas::inline MAAS_ABI {

namespace {

// ---- Samples ----

using MakeSamples = std::function<ForecastSamples(const ForecastWindows&)>;

/// Samples of windows that are cut out of a block of readings when it is asked for. Blocks have the same number of
/// samples, whatever is missing in the readings; where they begin is found once.
class BlockSamples {
 public:
  BlockSamples(MakeSamples make, StreamedWindows windows)
      : self_(std::make_shared<Self>(std::move(make), std::move(windows))) {}

  Index size() const { return self_->ends.back(); }
  Shape feature_shape() const { return self_->features; }
  Shape target_shape() const { return self_->targets; }
  BlockLayout blocks() const { return {self_->block, self_->options().mixed_blocks}; }
  void announce(std::span<const Index> blocks) const { self_->store->announce(blocks); }
  void gather(std::span<const Index> rows, MatrixView x, MatrixView y) const {
    Store::Session session(*self_->store);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto to = static_cast<Index>(i);
      const Content& content = session.block(rows[i] / self_->block);
      const Index sample = content.skipped + rows[i] % self_->block;
      content.samples->gather(std::span(&sample, 1), MatrixView(x.data() + to * x.cols(), 1, x.cols()),
                              MatrixView(y.data() + to * y.cols(), 1, y.cols()));
    }
  }

 private:
  struct Content {
    std::optional<ForecastSamples> samples;
    Index skipped = 0;  // of these, that are of the block before
  };
  using Store = detail::BlockStore<Content>;

  struct Self {
    Self(MakeSamples make_samples, StreamedWindows all) : make(std::move(make_samples)), windows(std::move(all)) {
      piece = (options().block_rows + 7) / 8;
      const Index pieces = count(), pieces_a_block = (options().block_rows + piece - 1) / piece;
      if (pieces == 0) return;
      const Index blocks = (pieces + pieces_a_block - 1) / pieces_a_block;
      block = (ends.back() + blocks - 1) / blocks;
      store.emplace((ends.back() + block - 1) / block, options().mixed_blocks, options().prefetch,
                    [this](Index number, Content& content) { read(number, content); });
    }

    const BlockOptions& options() const { return windows.readings().table().options(); }

    // Gives the number of pieces that have a sample.
    Index count() {
      ends.assign(static_cast<std::size_t>(windows.readings().rows() / piece + 1), 0);
      windows.for_each([&](const ForecastWindows& part, Index first) {
        const ForecastSamples samples = make(part);
        features = samples.feature_shape();
        targets = samples.target_shape();
        for (Index i = 0; i < samples.size(); ++i)
          ++ends[static_cast<std::size_t>((first + part.origin(samples.window_of(i))) / piece)];
      });
      const auto pieces = static_cast<Index>(ends.size()) - std::count(ends.begin(), ends.end(), Index{0});
      for (std::size_t i = 1; i < ends.size(); ++i) ends[i] += ends[i - 1];
      return pieces;
    }

    Index piece_of(Index sample) const { return std::upper_bound(ends.begin(), ends.end(), sample) - ends.begin(); }

    void read(Index number, Content& content) const {
      const Index begin = number * block, end = std::min(begin + block, ends.back());
      const Index first = piece_of(begin), last = piece_of(end - 1);
      const auto found = windows.of_origins(first * piece, (last + 1) * piece);
      content.samples = found ? make(found->windows) : ForecastSamples();
      content.skipped = first == 0 ? begin : begin - ends[static_cast<std::size_t>(first - 1)];
      require<DataError>(content.skipped + end - begin <= content.samples->size(),
                         "{}: expected {} samples in a block, got {}; has the file changed?",
                         windows.readings().table().source().name, content.skipped + end - begin,
                         content.samples->size());
    }

    MakeSamples make;
    StreamedWindows windows;
    Index piece = 1, block = 1;
    std::vector<Index> ends;  // samples of windows whose origin lies in each piece of so many readings, and before
    Shape features, targets;
    std::optional<Store> store;  // the last member: its thread reads through the others
  };

  std::shared_ptr<Self> self_;
};

// ---- Scaling ----

/// What is learned of readings in two passes, in their order.
struct ReadingSums {
  double sum = 0, least = std::numeric_limits<double>::infinity(), most = -least, squares = 0;
  Index count = 0;

  void add(double value) {
    sum += value;
    least = std::min(least, value);
    most = std::max(most, value);
    ++count;
  }
  double mean() const { return sum / static_cast<double>(count); }
  void add_square(double value) { squares += (value - mean()) * (value - mean()); }
  /// The center and the scale.
  std::pair<double, double> scaling(ReadingScaling how) const {
    if (how == ReadingScaling::none) return {0, 1};
    if (how == ReadingScaling::min_max) return {least, most > least ? most - least : 1};
    const double deviation = std::sqrt(squares / static_cast<double>(count));
    return {mean(), deviation > 0 ? deviation : 1};
  }
};

/// Calls visit(readings, first) for the first `rows` readings, a block at a time.
template <class Visit>
void for_each_block(const StreamedReadings& readings, Index rows, Visit&& visit) {
  const Index block = readings.table().options().block_rows;
  for (Index first = 0; first < rows; first += block) {
    const Readings found = readings.read(first, std::min(block, rows - first));
    detail::require_training("forecaster", found);
    visit(found, first);
  }
}

/// Calls visit(value, sensor) for each reading that is there.
template <class Visit>
void for_each_value(const Readings& readings, Visit&& visit) {
  for (Index row = 0; row < readings.rows(); ++row)
    for (Index sensor = 0; sensor < readings.sensor_count(); ++sensor)
      if (const auto value = static_cast<double>(readings.values(row, sensor)); !std::isnan(value))
        visit(value, static_cast<std::size_t>(sensor));
}

}  // namespace

void Forecaster::learn_scaling(const StreamedReadings& training, Index rows) {
  std::vector<ReadingSums> each(frame_.sensors.size());
  ReadingSums all;
  for_each_block(training, rows, [&](const Readings& readings, Index) {
    learned_rows_.add(detail::marks_of(readings));
    for_each_value(readings, [&](double value, std::size_t sensor) { each[sensor].add(value), all.add(value); });
  });
  for (std::size_t sensor = 0; sensor < each.size(); ++sensor)
    require<DataError>(each[sensor].count > 0, "forecaster: expected readings of sensor \"{}\" to learn from, got none",
                       frame_.sensors[sensor]);
  if (frame_.options.scaling == ReadingScaling::standard)
    for_each_block(training, rows, [&](const Readings& readings, Index) {
      for_each_value(readings,
                     [&](double value, std::size_t sensor) { each[sensor].add_square(value), all.add_square(value); });
    });
  frame_.center.clear();
  frame_.scale.clear();
  frame_.means.clear();
  for (const ReadingSums& own : each) {
    const auto [center, scale] = (frame_.options.scale_each ? own : all).scaling(frame_.options.scaling);
    frame_.center.push_back(center);
    frame_.scale.push_back(scale);
    if (frame_.options.windows.fill_missing) frame_.means.push_back(own.mean());
  }
}

Dataset Forecaster::samples_in_blocks(const StreamedWindows& windows, std::string_view what) const {
  auto maker = std::make_shared<Forecaster>(*this);
  BlockSamples samples(
      [maker](const ForecastWindows& part) { return maker->samples_of(part.readings(), part.origins(), true); },
      windows);
  require<DataError>(samples.size() > 0, "forecaster: expected {} windows without a missing {}, got none", what,
                     frame_.options.windows.fill_missing ? "target" : "reading");
  return Dataset(std::move(samples));
}

std::vector<History> Forecaster::fit(const StreamedTable& training, const ReadingsOptions& table,
                                     const ForecastFit& options) {
  check_fit(options);
  require<ConfigError>(frame_.options.known.empty(),
                       "forecaster: expected no known inputs with {}, a stream, whose readings have none",
                       training.source().name);
  Forecaster learner = *this;
  const Index cut = training.rows() - options.held_out(training.rows());
  ReadingsOptions wanted = table;
  wanted.alike = !frame_.options.scale_each;
  learner.frame_.table = learn_readings(training.part({0, cut}), wanted);
  const StreamedReadings readings(training, *learner.frame_.table);
  std::vector<History> histories = learner.learn(readings, readings.readings_before(cut), options);
  *this = std::move(learner);
  return histories;
}

std::vector<History> Forecaster::learn(const StreamedReadings& training, Index cut, const ForecastFit& options) {
  const StreamedWindows all = windows(training);
  frame_.sensors = training.sensors();
  frame_.options.windows.seconds_a_reading = all.options().seconds_a_reading;
  learn_scaling(training, cut);
  learned_ = cut;

  const Dataset samples = samples_in_blocks(all.targets_before(cut), "training");
  std::optional<Dataset> validation;
  if (cut < training.rows()) validation = samples_in_blocks(all.targets_from(cut), "validation");
  std::vector<History> histories(static_cast<std::size_t>(options.networks));
  std::vector<Model> networks;
  for (std::size_t i = 0; i < histories.size(); ++i)
    networks.push_back(train(i, samples, validation, options, histories[i]));
  fuse(std::move(networks));
  learn_reference(training, all);
  return histories;
}

void Forecaster::learn_reference(const StreamedReadings& training, const StreamedWindows& all) {
  const std::vector<Index> picked = DriftReference::looked_at(learned_);
  Matrix rows(static_cast<Index>(picked.size()), training.sensor_count());
  Index taken = 0;
  for_each_block(training, learned_, [&](const Readings& readings, Index first) {
    for (; taken < rows.rows() && picked[static_cast<std::size_t>(taken)] < first + readings.rows(); ++taken)
      rows.row(taken) = readings.values.row(picked[static_cast<std::size_t>(taken)] - first);
  });
  reference_ = DriftReference::of(rows, frame_.sensors);

  constexpr Index most_windows = 1000;
  const StreamedWindows judged = learned_ < training.rows() ? all.targets_from(learned_) : all.targets_before(learned_);
  Index begin = judged.blocks(), windows = 0;
  while (begin > 0 && windows < most_windows)
    if (const auto found = judged.block(--begin)) windows += found->windows.size();
  std::vector<double> sums(frame_.sensors.size(), 0);
  std::vector<Index> counts(sums.size(), 0);
  Index passed_over = std::max<Index>(windows - most_windows, 0);
  for (Index block = begin; block < judged.blocks(); ++block) {
    const auto found = judged.block(block);
    if (!found) continue;
    const Forecasts forecasts = forecast(found->windows);
    for (Index window = std::exchange(passed_over, 0); window < forecasts.windows(); ++window)
      for (std::size_t sensor = 0; sensor < sums.size(); ++sensor) {
        const auto column = static_cast<Index>(sensor);  // of the first step
        const double error = std::abs(static_cast<double>(forecasts.truth(window, column)) -
                                      static_cast<double>(forecasts.values(window, column)));
        if (!std::isnan(error)) sums[sensor] += error, ++counts[sensor];
      }
  }
  for (std::size_t sensor = 0; sensor < sums.size(); ++sensor) {
    const double mean = counts[sensor] > 0 ? sums[sensor] / static_cast<double>(counts[sensor]) : 0;
    reference_->errors.push_back(std::isfinite(mean) ? mean : 0);
  }
}

// ---- Forecasting ----

StreamedReadings Forecaster::readings(const StreamedTable& table) const {
  require_fitted("readings");
  require<StateError>(frame_.table.has_value(),
                      "readings: expected a forecaster that has learned from rows of a table, got one that has not");
  return StreamedReadings(table, *frame_.table);
}

StreamedWindows Forecaster::windows(const StreamedReadings& readings) const {
  check_sensors(readings.sensor_count(), readings.sensors());
  require<DataError>(!frame_.needs_times() || readings.has_times(),
                     "forecaster: expected readings with times, for time_of_day or day_of_week, got none");
  return StreamedWindows(readings, frame_.options.windows);
}

namespace {

// The marks of readings that are counted from `first` readings before these on: of those alone that lie on end.
RowMarks counted_from(const RowMarks& marks, Index first) {
  if (marks.sources().size() != 1 || !marks.sources()[0].places.empty()) return {};
  const RowMarks::Source& source = marks.sources()[0];
  return RowMarks::of_table(source.table, source.begin - first, marks.rows() + first);
}

}  // namespace

void Forecaster::forecast(const StreamedWindows& windows,
                          const std::function<void(const Forecasts& block)>& visit) const {
  windows.for_each([&](const ForecastWindows& part, Index first) {
    Forecasts forecasts = forecast(part);
    for (Index& origin : forecasts.origins) origin += first;
    forecasts.marks = counted_from(forecasts.marks, first);
    visit(forecasts);
  });
}

ScoreTable Forecaster::compare(const std::vector<Baseline>& baselines, const StreamedWindows& windows,
                               const ScoreOptions& options, const std::vector<Index>& horizons) const {
  std::vector<RunningScores> of_baselines(baselines.size(), RunningScores(options, horizons));
  std::vector<Forecaster> each;
  for (Index i = 0; i < (networks() > 1 ? networks() : 0); ++i) each.push_back(network(i));
  std::vector<RunningScores> of_each(each.size(), RunningScores(options, horizons));
  RunningScores own(options, horizons);
  windows.for_each([&](const ForecastWindows& part, Index) {
    for (std::size_t i = 0; i < baselines.size(); ++i) of_baselines[i].add(baselines[i].forecast(part));
    for (std::size_t i = 0; i < each.size(); ++i) of_each[i].add(each[i].forecast(part));
    own.add(forecast(part));
  });
  ScoreTable table(frame_.options.unit, windows.options().seconds_a_reading);
  for (const RunningScores& scores : of_baselines) table.add(scores);
  for (const RunningScores& scores : of_each) table.add(scores);
  if (!each.empty()) table.add_mean_of(fmt::format("mean of {} networks", networks()), of_each);
  return table.add(own);
}

}  // namespace maas::inline MAAS_ABI
