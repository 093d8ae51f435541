// Readings in files that are larger than memory, and their windows, block by block.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "maas/data/csv.hpp"
#include "maas/data/split.hpp"
#include "maas/data/table.hpp"
#include "maas/forecast/readings_pipeline.hpp"
#include "maas/forecast/window_parts.hpp"

namespace maas::inline MAAS_ABI {

/// Where rows of a table are read from that are not all in memory.
struct TableSource {
  Index rows = 0;
  /// The rows from `first` on, `count` of them, which are there. Columns hold the same in every part. It is called on
  /// several threads, perhaps at once.
  std::function<Table(Index first, Index count)> read = nullptr;
  std::string name = "stream";  ///< in messages, such as the file's path
  std::string steps = {};       ///< in messages: what lists the steps; empty: "ReadingsOptions" behind the name
};

/// How much of it is read and kept.
struct BlockOptions {
  Index block_rows = 0;     ///< rows that are read at once; 0: 1 MiB of numbers
  Index mixed_blocks = 16;  ///< blocks whose samples are shuffled together; twice as many are in memory, at most
  bool prefetch = true;     ///< a thread reads ahead; without it the same samples come in the same order
};

/// Raw rows in order of time, of which a block is in memory at a time: what a Forecaster learns from and is scored on
/// in the place of a Table. Copies share the source.
///
///     const StreamedTable rows = stream_table("speeds.csv");
///     const TimeSplit split = split_by_time(rows.rows(), 0, 0.2);
///     forecaster.fit(rows.part(split.train), {.time = "time"});
///     const StreamedWindows test = forecaster.windows(forecaster.readings(rows.part(split.test)));
///     std::cout << forecaster.compare(baselines, test).text();
///
class StreamedTable {
 public:
  /// Throws ConfigError for a source without a reader and for options out of range, DataError for one without rows.
  explicit StreamedTable(TableSource source, const BlockOptions& options = {});

  Index rows() const { return range_.size(); }
  /// Some of them, counted from 0 among these; held out where the range or the source says so. Throws ShapeError for
  /// rows that are not there.
  Table read(Index first, Index count) const;
  /// Some of the rows, held out where the range is. Throws DataError for rows that are not there, and for none.
  StreamedTable part(const RowRange& rows) const;
  const TableSource& source() const { return *source_; }
  /// How it is read, with the number of rows of a block.
  const BlockOptions& options() const { return options_; }

 private:
  std::shared_ptr<const TableSource> source_;
  RowRange range_;
  BlockOptions options_;
};

/// The rows of a CSV file, or of an HDF5 file with datasets of numbers, as StreamedTable. A CSV file is read twice when
/// it is opened: to find where rows begin, and what columns hold. In HDF5 a column that `csv.types` calls one of times
/// is one. The file must not change afterwards. Throws as read_csv and read_hdf5.
StreamedTable stream_table(const std::string& path, const CsvOptions& csv = {}, const BlockOptions& options = {});

/// The same for a fitted pipeline: columns hold what they held where it learned, whatever they look like; the types of
/// `csv` count for other columns that the file has.
StreamedTable stream_table(const std::string& path, const Pipeline& fitted, const CsvOptions& csv = {},
                           const BlockOptions& options = {});

/// The pipeline of these rows, learned in passes over them: with the bits that ReadingsPipeline::fit learns in memory.
/// Steps are those that look at one row at a time and learn in passes, as for fit_csv. Throws ConfigError, "speeds.csv:
/// ReadingsOptions.steps[2]: ...", for another step, for several series and for known inputs; DataError where rows are
/// held out; what ReadingsPipeline::fit throws.
ReadingsPipeline learn_readings(const StreamedTable& training, const ReadingsOptions& options);

/// Readings of rows that are not all in memory, as a fitted pipeline makes them. When it is made there is a pass over
/// the rows, to see which of them its steps leave out. Copies share what was found.
class StreamedReadings {
 public:
  /// Throws StateError for a pipeline that has not learned, ConfigError for one of several series or with known inputs,
  /// DataError where no row is left, for times that do not grow,
  /// and what ReadingsPipeline::prepare throws.
  StreamedReadings(StreamedTable table, ReadingsPipeline fitted);

  /// How many readings there are, and of how many sensors.
  Index rows() const;
  Index sensor_count() const;
  const std::vector<std::string>& sensors() const;
  bool has_times() const;
  /// The median of the time between readings; 0 without times. Throws DataError where more than a million different
  /// ones came.
  double seconds_a_reading() const;
  /// Some of them. Throws ShapeError for those that are not there, what ReadingsPipeline::prepare throws.
  Readings read(Index first, Index count) const;
  /// How many of them come of rows of the table before this one.
  Index readings_before(Index row) const;
  const StreamedTable& table() const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

/// The windows of readings that are not all in memory: the same as ForecastWindows has of them. A block has those whose
/// origin lies in it, and is read with the lags before it and the horizons behind it. No window spans a jump of time,
/// wherever blocks end. Copies share the readings.
class StreamedWindows {
 public:
  /// Throws what check() of the options throws, DataError where no window fits for want of readings.
  StreamedWindows(StreamedReadings readings, const ForecastWindowOptions& options);

  const StreamedReadings& readings() const { return readings_; }
  /// Those it was given, with the time between readings that counts.
  const ForecastWindowOptions& options() const { return options_; }
  /// Some windows, with the row of all readings that theirs begin with.
  struct Part {
    ForecastWindows windows;
    Index first = 0;
  };
  /// The windows whose origin is a row from `begin` up to, not including, `end`; nothing where there is none.
  std::optional<Part> of_origins(Index begin, Index end) const;
  /// How many blocks there are, and the windows of one; nothing where it has none.
  Index blocks() const;
  std::optional<Part> block(Index number) const;
  /// The windows of the blocks, in order; only those with windows.
  void for_each(const WindowParts::Visit& visit) const;
  /// The same, to learn from.
  WindowParts parts() const;

  /// The same windows, but only those whose targets all lie before a row, or from it on.
  StreamedWindows targets_before(Index row) const;
  StreamedWindows targets_from(Index row) const;
  /// The same and those between: one at each reading, whatever the stride.
  StreamedWindows at_each_origin() const;

 private:
  StreamedReadings readings_;
  ForecastWindowOptions options_;
  Index begin_ = 0, end_ = 0;  // of origins
};

}  // namespace maas::inline MAAS_ABI
