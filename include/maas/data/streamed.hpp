// Streamed: samples that are read when they are needed, a block at a time, by a thread that reads ahead.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "maas/data/dataset.hpp"
#include "maas/data/split.hpp"

namespace maas::inline MAAS_ABI {

/// Reads successive samples: that of row `first` and those after it, as many as x has rows, into x and y (rows x
/// numbers a sample). It is called on several threads, perhaps at once. What it throws reaches whoever asks for these
/// samples.
using RowReader = std::function<void(Index first, MatrixView x, MatrixView y)>;

/// Where samples are read from.
struct StreamSource {
  RowReader read = nullptr;
  Index rows = 0;                               ///< how many samples there are
  Shape features = {}, targets = {};            ///< of one sample
  std::string name = "stream";                  ///< in messages, such as the file's path
  std::vector<std::string> feature_names = {};  ///< in messages: one a number of a sample, or none
  std::vector<std::string> target_names = {};   ///< likewise
  Index chunk_rows = 1;                         ///< blocks are best read in multiples of so many rows
};

/// How much is read and kept.
struct StreamOptions {
  Index block_rows = 0;     ///< rows that are read at once; 0: 1 MiB of numbers, in multiples of the file's own chunks
  Index mixed_blocks = 16;  ///< blocks whose rows are shuffled together; twice as many are kept in memory, at most
  bool prefetch = true;     ///< a thread reads ahead; without it the same samples come in the same order
  bool keep_missing = false;                    ///< let NaN pass, for losses that mask; else it is a DataError
  std::optional<RowRange> rows = std::nullopt;  ///< these rows alone, such as the training part of a split by time
};

/// A data set that is larger than memory: `model.fit(streamed)`. It is read in blocks of successive rows, by a thread
/// that goes ahead of the training. A fit that shuffles draws an order of blocks, and then one of the rows within each
/// `mixed_blocks` of them: the same order for the same seed in every run, at any number of threads and however fast
/// the disk is. At most 2 * mixed_blocks blocks are in memory, and 8 bytes a row of half of them for their order.
/// Copies share these. Calls may come from many threads at once.
///
/// Numbers that are not finite are a DataError that names the source, the row and the number, where they are read.
class Streamed {
 public:
  /// Throws ConfigError for options out of range, DataError for a source without rows, or rows that it has not.
  explicit Streamed(StreamSource source, const StreamOptions& options = {});

  Index size() const;
  Shape feature_shape() const;
  Shape target_shape() const;
  BlockLayout blocks() const;
  void announce(std::span<const Index> blocks) const;
  /// Throws what the reader throws, and DataError for numbers that are not finite.
  void gather(std::span<const Index> rows, MatrixView x, MatrixView y) const;

 private:
  class Store;
  std::shared_ptr<Store> store_;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/streamed-inl.hpp"
#endif
