// Readings of files that are larger than memory: which rows are readings is found once, windows are cut block by block.
#include "maas/forecast/streamed_readings.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "data/learn_in_passes.hpp"
#include "data/table_parts.hpp"
#include "io/hdf5_parts.hpp"
#include "maas/data/jumps-inl.hpp"
#include "maas/io/hdf5.hpp"

namespace maas::inline MAAS_ABI {

// ---- Rows ----

namespace {

TableParts parts_of(const StreamedTable& table) {
  return {.rows = table.rows(), .read = [table](Index first, Index count) { return table.read(first, count); }};
}

}  // namespace

StreamedTable::StreamedTable(TableSource source, const BlockOptions& options) : options_(options) {
  require<ConfigError>(static_cast<bool>(source.read), "{}: expected a reader of rows, got none", source.name);
  require<ConfigError>(options.block_rows >= 0 && options.mixed_blocks >= 1 && options.mixed_blocks <= 1 << 20,
                       "{}: expected block_rows of at least 0 and mixed_blocks of 1 to 1048576, got {} and {}",
                       source.name, options.block_rows, options.mixed_blocks);
  require<DataError>(source.rows > 0, "{}: expected rows, got none", source.name);
  if (source.steps.empty()) source.steps = source.name + ": ReadingsOptions";
  range_ = {0, source.rows};
  source_ = std::make_shared<const TableSource>(std::move(source));
  options_.block_rows = rows_a_part(parts_of(*this), options.block_rows);
}

Table StreamedTable::read(Index first, Index count) const {
  require<ShapeError>(first >= 0 && count >= 0 && first <= rows() && count <= rows() - first,
                      "{}: expected rows within 0 to {}, got {} from {} on", source_->name, rows(), count, first);
  Table table = source_->read(range_.begin + first, count);
  if (range_.held_out) table.hold_out();
  return table;
}

StreamedTable StreamedTable::part(const RowRange& rows) const {
  require<DataError>(rows.begin >= 0 && rows.begin < rows.end && rows.end <= this->rows(),
                     "{}: expected at least 1 row within 0 to {}, got {} to {}", source_->name, this->rows(),
                     rows.begin, rows.end);
  StreamedTable result = *this;
  result.range_ = {range_.begin + rows.begin, range_.begin + rows.end, range_.held_out || rows.held_out};
  return result;
}

namespace {

StreamedTable streamed(TableParts parts, const std::string& path, const BlockOptions& options) {
  return StreamedTable({.rows = parts.rows, .read = std::move(parts.read), .name = path}, options);
}

// Datasets hold numbers: which of them are times is said by others.
TableParts with_types(TableParts parts, const std::map<std::string, ColumnType>& types, const std::string& path) {
  if (types.empty()) return parts;
  parts.read = [read = std::move(parts.read), types, path](Index first, Index count) {
    Table table = read(first, count);
    io::set_types(table, types, path);
    return table;
  };
  return parts;
}

}  // namespace

StreamedTable stream_table(const std::string& path, const CsvOptions& csv, const BlockOptions& options) {
  if (!io::is_hdf5_file(path)) return streamed(csv_parts(path, csv), path, options);
  return streamed(with_types(io::hdf5_parts(path), csv.types, path), path, options);
}

StreamedTable stream_table(const std::string& path, const Pipeline& fitted, const CsvOptions& csv,
                           const BlockOptions& options) {
  const auto type_of = [&](std::string_view name) -> std::optional<ColumnType> {
    if (const auto type = fitted.column_type(name)) return type;
    const auto asked = csv.types.find(std::string(name));
    return asked == csv.types.end() ? std::nullopt : std::optional(asked->second);
  };
  if (!io::is_hdf5_file(path)) {
    CsvOptions untyped = csv;
    untyped.types.clear();
    return streamed(csv_parts(path, untyped, type_of), path, options);
  }
  TableParts parts = io::hdf5_parts(path);
  std::map<std::string, ColumnType> types;
  for (const std::string& name : parts.read(0, 1).names())
    if (const auto type = type_of(name)) types.emplace(name, *type);
  return streamed(with_types(std::move(parts), types, path), path, options);
}

namespace {

// Windows are cut in one series, of sensors alone.
void require_plain(const StreamedTable& table, const std::string& series, const std::vector<std::string>& known) {
  for (const auto& [wanted, what] : {std::pair(!series.empty(), "series"), {!known.empty(), "known inputs"}})
    require<ConfigError>(!wanted, "{}: expected no {} in a stream, which is one series of sensors; read it into memory",
                         table.source().name, what);
}

}  // namespace

ReadingsPipeline learn_readings(const StreamedTable& training, const ReadingsOptions& options) {
  require_plain(training, options.series, options.known);
  const Index part = training.options().block_rows;
  ReadingsPipeline pipeline(options);
  const PipelineOptions wanted = pipeline.wanted(training.read(0, std::min(part, training.rows())));
  return pipeline.set_learned(learn_in_passes(wanted, parts_of(training), part, training.source().steps));
}

// ---- Readings ----

namespace {

/// How often each time between readings came.
class TimeSteps {
 public:
  void add(double step) {
    if (is_countable_) ++counts_[step];
    is_countable_ = is_countable_ && counts_.size() <= most;
  }
  /// As detail::median_step has it; nothing where they were too many to be counted.
  std::optional<double> median() const {
    if (!is_countable_) return std::nullopt;
    Index all = 0, seen = 0;
    for (const auto& [step, count] : counts_) all += count;
    for (const auto& [step, count] : counts_)
      if ((seen += count) > (all - 1) / 2) return step;
    return 0;
  }

  static constexpr std::size_t most = 1000000;

 private:
  std::map<double, Index> counts_;
  bool is_countable_ = true;
};

}  // namespace

struct StreamedReadings::State {
  StreamedTable table;
  ReadingsPipeline pipeline;
  std::vector<std::string> sensors = {};
  std::vector<Index> ends = {};  // readings up to and with each block of rows
  bool has_times = false;
  std::optional<double> seconds = 0;

  Index block_rows() const { return table.options().block_rows; }
  Index rows() const { return ends.back(); }
  Index begin_of(Index block) const { return block == 0 ? 0 : ends[static_cast<std::size_t>(block - 1)]; }
  Index end_of(Index block) const { return ends[static_cast<std::size_t>(block)]; }
  Index block_of(Index reading) const { return std::upper_bound(ends.begin(), ends.end(), reading) - ends.begin(); }
  Index first_row(Index block) const { return block * block_rows(); }
  Index end_row(Index block) const { return std::min(first_row(block) + block_rows(), table.rows()); }
  /// Whether no step leaves out a row of it.
  bool is_whole(Index block) const { return end_of(block) - begin_of(block) == end_row(block) - first_row(block); }

  void look_through();
};

void StreamedReadings::State::look_through() {
  TimeSteps steps;
  double last = std::numeric_limits<double>::quiet_NaN();
  Index next_row = 0;  // behind that of the last reading
  for (Index block = 0; first_row(block) < table.rows(); ++block) {
    const PreparedReadings prepared = pipeline.prepare(table.read(first_row(block), end_row(block) - first_row(block)));
    const Readings& found = prepared.readings;
    const Index before = ends.empty() ? 0 : ends.back();
    has_times = has_times || !found.times.empty();
    if (found.rows() > 0) {
      const Index first = first_row(block) + prepared.rows.front();
      if (!has_times && before > 0 && first != next_row) detail::fail_hole(next_row, table.rows());
      next_row = first_row(block) + prepared.rows.back() + 1;
    }
    for (std::size_t row = 0; row < found.times.size(); ++row) {
      const double time = found.times[row];
      if (!std::isnan(last)) {
        detail::require_later("Readings", time, last, before + static_cast<Index>(row));
        steps.add(time - last);
      }
      last = time;
    }
    ends.push_back(before + found.rows());
  }
  require<DataError>(rows() > 0, "{}: expected rows behind the steps, got none", table.source().name);
  seconds = steps.median();
}

StreamedReadings::StreamedReadings(StreamedTable table, ReadingsPipeline fitted) {
  require<StateError>(fitted.is_fitted(), "StreamedReadings: expected a pipeline that has learned; see learn_readings");
  require_plain(table, fitted.series(), fitted.known());
  auto state = std::make_shared<State>(State{.table = std::move(table), .pipeline = std::move(fitted)});
  state->sensors = state->pipeline.sensors();
  state->look_through();
  state_ = std::move(state);
}

Index StreamedReadings::rows() const { return state_->rows(); }
Index StreamedReadings::sensor_count() const { return static_cast<Index>(sensors().size()); }
const std::vector<std::string>& StreamedReadings::sensors() const { return state_->sensors; }
bool StreamedReadings::has_times() const { return state_->has_times; }
const StreamedTable& StreamedReadings::table() const { return state_->table; }

double StreamedReadings::seconds_a_reading() const {
  require<DataError>(state_->seconds.has_value(),
                     "{}: expected at most {} different times between readings, got more; say seconds_a_reading",
                     table().source().name, TimeSteps::most);
  return *state_->seconds;
}

// Rows of a block of which none is left out need not be read as a whole.
Readings StreamedReadings::read(Index first, Index count) const {
  const State& state = *state_;
  const Index end = first + count;
  require<ShapeError>(first >= 0 && count > 0 && end <= rows(),
                      "{}: expected readings within 0 to {}, got {} from {} on", table().source().name, rows(), count,
                      first);
  const Index first_block = state.block_of(first), last_block = state.block_of(end - 1);
  Index begin_row = state.first_row(first_block), end_row = state.end_row(last_block);
  Index skipped = first - state.begin_of(first_block);
  if (state.is_whole(first_block)) begin_row += std::exchange(skipped, 0);
  if (state.is_whole(last_block)) end_row = state.first_row(last_block) + end - state.begin_of(last_block);
  Readings found = state.pipeline.prepare(table().read(begin_row, end_row - begin_row)).readings;
  require<DataError>(skipped + count <= found.rows(),
                     "{}: expected {} readings from row {} on, got {}; has the file "
                     "changed?",
                     table().source().name, skipped + count, begin_row, found.rows());
  return skipped == 0 && count == found.rows() ? std::move(found) : found.part({skipped, skipped + count});
}

Index StreamedReadings::readings_before(Index row) const {
  const State& state = *state_;
  const Index block = std::min(row, table().rows()) / state.block_rows(), within = row - state.first_row(block);
  if (row >= table().rows()) return rows();
  if (within == 0 || state.is_whole(block)) return state.begin_of(block) + within;
  const auto kept =
      state.pipeline.prepare(table().read(state.first_row(block), state.end_row(block) - state.first_row(block))).rows;
  return state.begin_of(block) + (std::lower_bound(kept.begin(), kept.end(), within) - kept.begin());
}

// ---- Windows ----

StreamedWindows::StreamedWindows(StreamedReadings readings, const ForecastWindowOptions& options)
    : readings_(std::move(readings)), options_(options), end_(readings_.rows()) {
  options_.check();
  if (options_.seconds_a_reading == 0) options_.seconds_a_reading = readings_.seconds_a_reading();
  const Index length = options_.lags + options_.horizons.back();
  require<DataError>(readings_.rows() >= length,
                     "forecast windows: expected {} readings on end without a gap (lags and the last horizon), got "
                     "none in {} readings of {} sensors",
                     length, readings_.rows(), readings_.sensor_count());
}

std::optional<StreamedWindows::Part> StreamedWindows::of_origins(Index begin, Index end) const {
  const Index lags = options_.lags, furthest = options_.horizons.back(), stride = options_.stride;
  begin = std::max({begin, begin_, lags - 1});
  end = std::min({end, end_, readings_.rows() - furthest});
  const Index first_origin = (begin - lags + 1 + stride - 1) / stride * stride + lags - 1;  // windows begin at strides
  if (first_origin >= end) return std::nullopt;
  const Index last_origin = first_origin + (end - 1 - first_origin) / stride * stride;
  const Index first = first_origin - lags + 1;
  Readings readings = readings_.read(first, last_origin + furthest + 1 - first);
  const std::vector<Index> jumps = detail::jumps_before(readings.times, options_.seconds_a_reading, readings.rows());
  std::vector<Index> origins;
  for (Index origin = lags - 1; origin + first <= last_origin; origin += stride)
    if (options_.across_gaps || !detail::any_in(jumps, origin - lags + 2, origin + furthest + 1))
      origins.push_back(origin);
  if (origins.empty()) return std::nullopt;
  return Part{ForecastWindows(std::move(readings), options_, std::move(origins)), first};
}

Index StreamedWindows::blocks() const {
  const Index rows = readings_.table().options().block_rows;
  return (readings_.rows() + rows - 1) / rows;
}

std::optional<StreamedWindows::Part> StreamedWindows::block(Index number) const {
  const Index rows = readings_.table().options().block_rows;
  return of_origins(number * rows, (number + 1) * rows);
}

void StreamedWindows::for_each(const WindowParts::Visit& visit) const {
  for (Index number = 0; number < blocks(); ++number)
    if (const auto found = block(number)) visit(found->windows, found->first);
}

WindowParts StreamedWindows::parts() const {
  return {{.windows = options_,
           .sensors = readings_.sensor_count(),
           .seconds_a_reading = options_.seconds_a_reading,
           .has_times = readings_.has_times()},
          [windows = *this](const WindowParts::Visit& visit) { windows.for_each(visit); }};
}

StreamedWindows StreamedWindows::targets_before(Index row) const {
  StreamedWindows result = *this;
  result.end_ = std::min(end_, row - options_.horizons.back());
  return result;
}

StreamedWindows StreamedWindows::targets_from(Index row) const {
  StreamedWindows result = *this;
  result.begin_ = std::max(begin_, row - options_.horizons.front());
  return result;
}

StreamedWindows StreamedWindows::at_each_origin() const {
  StreamedWindows result = *this;
  result.options_.stride = 1;
  return result;
}

}  // namespace maas::inline MAAS_ABI
