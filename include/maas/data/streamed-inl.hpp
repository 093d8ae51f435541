// Bodies of Streamed.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "maas/data/block_store.hpp"
#include "maas/data/streamed.hpp"

namespace maas::inline MAAS_ABI {

/// Samples of a source, block by block.
class Streamed::Store {
 public:
  Store(StreamSource source, const StreamOptions& options) : source_(std::move(source)), options_(options) {
    require<ConfigError>(static_cast<bool>(source_.read), "{}: expected a reader of rows, got none", source_.name);
    require<ConfigError>(options_.block_rows >= 0 && options_.mixed_blocks >= 1 && options_.mixed_blocks <= most_mixed,
                         "{}: expected block_rows of at least 0 and mixed_blocks of 1 to {}, got {} and {}",
                         source_.name, most_mixed, options_.block_rows, options_.mixed_blocks);
    const RowRange all{0, source_.rows}, asked = options_.rows.value_or(all);
    require<DataError>(asked.begin >= 0 && asked.begin < asked.end && asked.end <= all.end,
                       "{}: expected at least 1 row within 0 to {}, got {} to {}", source_.name, all.end, asked.begin,
                       asked.end);
    first_ = asked.begin;
    rows_ = asked.size();
    block_rows_ = rows_a_block();
    blocks_.emplace((rows_ - 1) / block_rows_ + 1, options_.mixed_blocks, options_.prefetch,
                    [this](Index block, Samples& samples) { read_numbers(block, samples); });
  }

  const StreamSource& source() const { return source_; }
  Index rows() const { return rows_; }
  BlockLayout layout() const { return {block_rows_, options_.mixed_blocks}; }

  void announce(std::span<const Index> blocks) {
    for (Index block : blocks) require_block(block);
    blocks_->announce(blocks);
  }

  void gather(std::span<const Index> rows, MatrixView x, MatrixView y) {
    require<ShapeError>(x.cols() == source_.features.size() && y.cols() == source_.targets.size(),
                        "{}: expected room for {} features and {} targets a sample, got {} and {}", source_.name,
                        source_.features.size(), source_.targets.size(), x.cols(), y.cols());
    Blocks::Session session(*blocks_);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Index block = rows[i] / block_rows_, at = rows[i] % block_rows_, to = static_cast<Index>(i);
      require_block(rows[i] < 0 || rows[i] >= rows_ ? -1 : block);
      const Samples& samples = session.block(block);
      x.row(to) = samples.x.row(at);
      y.row(to) = samples.y.row(at);
    }
  }

 private:
  struct Samples {
    Matrix x, y;
  };
  using Blocks = detail::BlockStore<Samples>;

  static constexpr Index most_mixed = 1 << 20;

  void require_block(Index block) const {
    require<DataError>(block >= 0 && block < blocks_->blocks(), "{}: expected rows of 0 to {}", source_.name,
                       rows_ - 1);
  }

  Index rows_a_block() const {
    if (options_.block_rows > 0) return std::min(options_.block_rows, rows_);
    constexpr Index wanted = 1 << 20, most = 1 << 24;  // bytes
    const Index numbers = std::max<Index>(source_.features.size() + source_.targets.size(), 1);
    const Index bytes = numbers * static_cast<Index>(sizeof(Scalar)), chunk = std::max<Index>(source_.chunk_rows, 1);
    Index rows = std::max<Index>(wanted / bytes, 1);
    if (chunk <= rows)
      rows -= rows % chunk;
    else if (chunk <= most / bytes)
      rows = chunk;
    return std::min(rows, rows_);
  }

  void read_numbers(Index block, Samples& samples) const {
    const Index begin = block * block_rows_, rows = std::min(block_rows_, rows_ - begin);
    samples.x.resize(block_rows_, source_.features.size());
    samples.y.resize(block_rows_, source_.targets.size());
    const MatrixView x(samples.x.data(), rows, samples.x.cols()), y(samples.y.data(), rows, samples.y.cols());
    source_.read(first_ + begin, x, y);
    check(x, first_ + begin, "features", source_.feature_names);
    check(y, first_ + begin, "targets", source_.target_names);
  }

  void check(const MatrixView& numbers, Index first, std::string_view what,
             const std::vector<std::string>& names) const {
    if (numbers.allFinite()) return;
    for (Index row = 0; row < numbers.rows(); ++row)
      for (Index column = 0; column < numbers.cols(); ++column) {
        const Scalar number = numbers(row, column);
        if (std::isfinite(number) || (options_.keep_missing && std::isnan(number))) continue;
        const auto place = static_cast<std::size_t>(column);
        const std::string where =
            place < names.size() ? "\"" + names[place] + "\"" : fmt::format("number {} of the {}", column, what);
        fail<DataError>("{}: expected finite numbers in {}, got {} in row {} (counted from 0)", source_.name, where,
                        number, first + row);
      }
  }

  StreamSource source_;
  StreamOptions options_;
  Index first_ = 0, rows_ = 0, block_rows_ = 1;
  std::optional<Blocks> blocks_;  // the last member: its thread reads through the others
};

MAAS_INLINE Streamed::Streamed(StreamSource source, const StreamOptions& options)
    : store_(std::make_shared<Store>(std::move(source), options)) {}

MAAS_INLINE Index Streamed::size() const { return store_->rows(); }
MAAS_INLINE Shape Streamed::feature_shape() const { return store_->source().features; }
MAAS_INLINE Shape Streamed::target_shape() const { return store_->source().targets; }
MAAS_INLINE BlockLayout Streamed::blocks() const { return store_->layout(); }
MAAS_INLINE void Streamed::announce(std::span<const Index> blocks) const { store_->announce(blocks); }
MAAS_INLINE void Streamed::gather(std::span<const Index> rows, MatrixView x, MatrixView y) const {
  store_->gather(rows, x, y);
}

}  // namespace maas::inline MAAS_ABI
