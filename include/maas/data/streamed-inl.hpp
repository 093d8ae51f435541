// Bodies of Streamed.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#include "maas/data/streamed.hpp"

namespace maas::inline MAAS_ABI {

/// The blocks that are in memory, and the thread that fetches those which come next. What is in a block never depends
/// on who read it, so that timing decides nothing but time.
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
    const auto count = static_cast<std::size_t>((rows_ - 1) / block_rows_ + 1);
    slot_of_.assign(count, -1);
    plan_place_.assign(count, 0);
    plan_.reserve(count);
    slots_.resize(std::min(count, static_cast<std::size_t>(2 * options_.mixed_blocks)));
  }
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  const StreamSource& source() const { return source_; }
  Index rows() const { return rows_; }
  BlockLayout layout() const { return {block_rows_, options_.mixed_blocks}; }

  void announce(std::span<const Index> blocks) {
    for (Index block : blocks) require_block(block);
    const std::lock_guard lock(mutex_);
    plan_.assign(blocks.begin(), blocks.end());
    std::ranges::fill(plan_place_, static_cast<Index>(plan_.size()));
    for (std::size_t i = 0; i < plan_.size(); ++i)
      plan_place_[static_cast<std::size_t>(plan_[i])] = static_cast<Index>(i);
    run_ = ahead_ = 0;
    start();
    changed_.notify_all();
  }

  void gather(std::span<const Index> rows, MatrixView x, MatrixView y) {
    require<ShapeError>(x.cols() == source_.features.size() && y.cols() == source_.targets.size(),
                        "{}: expected room for {} features and {} targets a sample, got {} and {}", source_.name,
                        source_.features.size(), source_.targets.size(), x.cols(), y.cols());
    std::unique_lock lock(mutex_);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Index block = rows[i] / block_rows_, at = rows[i] % block_rows_, to = static_cast<Index>(i);
      require_block(rows[i] < 0 || rows[i] >= rows_ ? -1 : block);
      const Slot& slot = ready_slot(lock, block);
      x.row(to) = slot.x.row(at);
      y.row(to) = slot.y.row(at);
    }
  }

 private:
  enum class State { empty, reading, ready, failed };
  struct Slot {
    State state = State::empty;
    Index block = -1;
    Matrix x, y;
    std::exception_ptr error;
    std::uint64_t used = 0;  // when it was last looked at
  };

  static constexpr Index most_mixed = 1 << 20;

  void require_block(Index block) const {
    require<DataError>(block >= 0 && block < static_cast<Index>(slot_of_.size()), "{}: expected rows of 0 to {}",
                       source_.name, rows_ - 1);
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

  // ---- Under the lock ----

  void start() {
    if (!options_.prefetch || thread_.joinable()) return;
    try {
      thread_ = std::thread([this] { fetch_ahead(); });
    } catch (const std::system_error&) {  // no more threads: the caller reads
    }
  }

  void fetch_ahead() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return stopping_ || wants_block(); });
      if (stopping_) return;
      const Index block = plan_[static_cast<std::size_t>(ahead_++)];
      if (slot_of_[static_cast<std::size_t>(block)] < 0) read(lock, *spare_slot(), block);
    }
  }

  // As far ahead as the run of blocks after the one that is being used.
  bool wants_block() {
    const Index end = std::min(static_cast<Index>(plan_.size()), (run_ + 2) * options_.mixed_blocks);
    ahead_ = std::max(ahead_, std::min(run_ * options_.mixed_blocks, end));
    return ahead_ < end && (slot_of_[static_cast<std::size_t>(plan_[static_cast<std::size_t>(ahead_)])] >= 0 ||
                            spare_slot() != nullptr);
  }

  bool is_needed_soon(Index block) const {
    const Index place = plan_place_[static_cast<std::size_t>(block)], mixed = options_.mixed_blocks;
    return place < static_cast<Index>(plan_.size()) && place / mixed >= run_ && place / mixed < run_ + 2;
  }

  // An empty slot, or the one longest unused whose block is not needed soon; null where there is none.
  Slot* spare_slot() {
    Slot* best = nullptr;
    for (Slot& slot : slots_) {
      if (slot.state == State::empty) return &slot;
      if (slot.state == State::reading || is_needed_soon(slot.block)) continue;
      if (best == nullptr || slot.used < best->used) best = &slot;
    }
    return best;
  }

  // For who asks for blocks in another order than was announced: if need be one that is needed soon. Null where all are
  // being read.
  Slot* any_slot() {
    if (Slot* spare = spare_slot()) return spare;
    Slot* best = nullptr;
    for (Slot& slot : slots_)
      if (slot.state != State::reading && (best == nullptr || slot.used < best->used)) best = &slot;
    return best;
  }

  const Slot& ready_slot(std::unique_lock<std::mutex>& lock, Index block) {
    const Index place = plan_place_[static_cast<std::size_t>(block)], run = place / options_.mixed_blocks;
    if (place < static_cast<Index>(plan_.size()) && run > run_) {
      run_ = run;
      changed_.notify_all();
    }
    while (true) {
      const Index found = slot_of_[static_cast<std::size_t>(block)];
      if (found < 0) {
        if (Slot* slot = any_slot())
          read(lock, *slot, block);
        else
          changed_.wait(lock);
        continue;
      }
      Slot& slot = slots_[static_cast<std::size_t>(found)];
      slot.used = ++clock_;
      if (slot.state == State::ready) return slot;
      if (slot.state == State::failed) give_up(slot);
      changed_.wait(lock);
    }
  }

  // The next one who asks for the block tries again.
  [[noreturn]] void give_up(Slot& slot) {
    const std::exception_ptr error = std::exchange(slot.error, nullptr);
    slot_of_[static_cast<std::size_t>(slot.block)] = -1;
    slot.state = State::empty;
    std::rethrow_exception(error);
  }

  // Lets go of the lock while it reads.
  void read(std::unique_lock<std::mutex>& lock, Slot& slot, Index block) {
    if (slot.state != State::empty) slot_of_[static_cast<std::size_t>(slot.block)] = -1;
    slot.state = State::reading;
    slot.error = nullptr;
    slot.block = block;
    slot.used = ++clock_;
    slot_of_[static_cast<std::size_t>(block)] = &slot - slots_.data();
    lock.unlock();
    try {
      read_numbers(slot);
    } catch (...) {
      slot.error = std::current_exception();
    }
    lock.lock();
    slot.state = slot.error ? State::failed : State::ready;
    changed_.notify_all();
  }

  // ---- Without it ----

  void read_numbers(Slot& slot) const {
    const Index begin = slot.block * block_rows_, rows = std::min(block_rows_, rows_ - begin);
    slot.x.resize(block_rows_, source_.features.size());
    slot.y.resize(block_rows_, source_.targets.size());
    const MatrixView x(slot.x.data(), rows, slot.x.cols()), y(slot.y.data(), rows, slot.y.cols());
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

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Slot> slots_;
  std::vector<Index> slot_of_;     // of each block, -1 where it is in none
  std::vector<Index> plan_;        // blocks in the order in which they will be asked for
  std::vector<Index> plan_place_;  // the place of each block in it
  Index run_ = 0;                  // of mixed_blocks in the plan, which is being used
  Index ahead_ = 0;                // the place in the plan that is fetched next
  std::uint64_t clock_ = 0;
  bool stopping_ = false;
  std::thread thread_;
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
