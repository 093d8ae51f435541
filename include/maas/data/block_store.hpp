// BlockStore: the blocks of a stream that are in memory, and the thread that fetches those which come next.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// At most 2 * mixed blocks of a stream. What is in a block never depends on who read it, so that timing decides
/// nothing but time. Calls may come from many threads at once.
template <class Content>
class BlockStore {
 public:
  /// Reads a block; it is called on several threads, perhaps at once. What it throws reaches who has asked for the
  /// block. What could not be read ahead is read again by who asks for it: the reason may be gone by then.
  using Read = std::function<void(Index block, Content& content)>;

  BlockStore(Index blocks, Index mixed, bool prefetch, Read read_block)
      : read_block_(std::move(read_block)), mixed_(mixed), prefetch_(prefetch) {
    const auto count = static_cast<std::size_t>(blocks);
    slot_of_.assign(count, -1);
    plan_place_.assign(count, 0);
    plan_.reserve(count);
    slots_.resize(std::min(count, static_cast<std::size_t>(2 * mixed_)));
  }
  BlockStore(const BlockStore&) = delete;
  BlockStore& operator=(const BlockStore&) = delete;
  ~BlockStore() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  Index blocks() const { return static_cast<Index>(slot_of_.size()); }

  /// Which blocks will be asked for, in order; all of them must be there.
  void announce(std::span<const Index> blocks) {
    const std::lock_guard lock(mutex_);
    plan_.assign(blocks.begin(), blocks.end());
    std::ranges::fill(plan_place_, static_cast<Index>(plan_.size()));
    for (std::size_t i = 0; i < plan_.size(); ++i)
      plan_place_[static_cast<std::size_t>(plan_[i])] = static_cast<Index>(i);
    run_ = ahead_ = 0;
    start();
    changed_.notify_all();
  }

  /// Holds the store; what `block` gives stands until the next call of it.
  class Session {
   public:
    explicit Session(BlockStore& store) : store_(store), lock_(store.mutex_) {}
    const Content& block(Index block) { return store_.ready_slot(lock_, block).content; }

   private:
    BlockStore& store_;
    std::unique_lock<std::mutex> lock_;
  };

 private:
  enum class State { empty, reading, ready };
  struct Slot {
    State state = State::empty;
    Index block = -1;
    Content content = {};
    std::uint64_t used = 0;  // when it was last looked at
  };

  // ---- Under the lock ----

  void start() {
    if (!prefetch_ || thread_.joinable()) return;
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
      if (slot_of_[static_cast<std::size_t>(block)] >= 0) continue;
      try {
        read(lock, *spare_slot(), block);
      } catch (...) {  // told to who asks for the block, if it is still so then
      }
    }
  }

  // As far ahead as the run of blocks after the one that is being used.
  bool wants_block() {
    const Index end = std::min(static_cast<Index>(plan_.size()), (run_ + 2) * mixed_);
    ahead_ = std::max(ahead_, std::min(run_ * mixed_, end));
    return ahead_ < end && (slot_of_[static_cast<std::size_t>(plan_[static_cast<std::size_t>(ahead_)])] >= 0 ||
                            spare_slot() != nullptr);
  }

  bool is_needed_soon(Index block) const {
    const Index place = plan_place_[static_cast<std::size_t>(block)], mixed = mixed_;
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
    const Index place = plan_place_[static_cast<std::size_t>(block)], run = place / mixed_;
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
      changed_.wait(lock);
    }
  }

  // Lets go of the lock while it reads. Where that throws the slot is empty again, and whoever waits for it reads.
  void read(std::unique_lock<std::mutex>& lock, Slot& slot, Index block) {
    if (slot.state != State::empty) slot_of_[static_cast<std::size_t>(slot.block)] = -1;
    slot.state = State::reading;
    slot.block = block;
    slot.used = ++clock_;
    slot_of_[static_cast<std::size_t>(block)] = &slot - slots_.data();
    lock.unlock();
    try {
      read_block_(block, slot.content);
    } catch (...) {
      lock.lock();
      slot_of_[static_cast<std::size_t>(block)] = -1;
      slot.state = State::empty;
      changed_.notify_all();
      throw;
    }
    lock.lock();
    slot.state = State::ready;
    changed_.notify_all();
  }

  Read read_block_;
  Index mixed_;
  bool prefetch_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Slot> slots_;
  std::vector<Index> slot_of_;     // of each block, -1 where it is in none
  std::vector<Index> plan_;        // blocks in the order in which they will be asked for
  std::vector<Index> plan_place_;  // the place of each block in it
  Index run_ = 0;                  // of mixed blocks in the plan, which is being used
  Index ahead_ = 0;                // the place in the plan that is fetched next
  std::uint64_t clock_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace detail

}  // namespace maas::inline MAAS_ABI
