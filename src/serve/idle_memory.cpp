#include "serve/idle_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace maas::inline MAAS_ABI::serve {

namespace {

std::size_t page_bytes() {
  static const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

bool is_zero(const std::byte* page) {
  const auto* words = reinterpret_cast<const std::uint64_t*>(page);
  std::uint64_t any = 0;
  for (std::size_t i = 0; i < page_bytes() / sizeof(std::uint64_t); ++i) any |= words[i];
  return any == 0;
}

}  // namespace

IdleMemory::IdleMemory(const Options& options) : options_(options) {}

IdleMemory::Connection* IdleMemory::opened() {
  auto connection = std::make_unique<Connection>();
  connection->place_ = connections_.size();
  connections_.push_back(std::move(connection));
  return connections_.back().get();
}

void IdleMemory::closed(Connection* connection) {
  const std::size_t place = connection->place_;
  connections_.back()->place_ = place;
  std::swap(connections_[place], connections_.back());
  connections_.pop_back();
}

// Round after round, some connections each time; one that changes its place meanwhile is looked at in the next round.
IdleMemory::Time IdleMemory::look(Time now) {
  constexpr std::size_t most = 256;
  if (now < due_) return due_;
  if (!is_in_round()) next_ = 0;
  const std::size_t end = std::min(next_ + most, connections_.size());
  for (std::size_t given = 0; next_ < end && given < options_.at_once;)
    given += look_at(*connections_[next_++], now) ? 1 : 0;
  return due_ = now + (is_in_round() ? options_.pause : std::max(options_.after / 4, options_.pause));
}

bool IdleMemory::look_at(Connection& connection, Time now) {
  if (connection.requests_ != connection.seen_ || connection.is_busy_) {
    connection.seen_ = connection.requests_;
    connection.since_ = now;
    return false;
  }
  if (connection.is_given_back_ || connection.requests_ == 0 || now - connection.since_ < options_.after) return false;
  connection.is_given_back_ = true;
  give_back(connection);
  return true;
}

// A block that does not begin with a page comes from the heap, and lies among other things: it is left alone.
void IdleMemory::give_back(const Connection& connection) {
  if (reinterpret_cast<std::uintptr_t>(connection.block_) % page_bytes() != 0) return;
  auto* const block = static_cast<std::byte*>(const_cast<void*>(connection.block_));
  const std::size_t pages = options_.block_bytes / page_bytes();
  for (std::size_t begin = 0; begin < pages;) {
    std::size_t end = begin;
    while (end < pages && is_zero(block + end * page_bytes())) ++end;
    const std::size_t bytes = (end - begin) * page_bytes();
    if (bytes > 0 && ::madvise(block + begin * page_bytes(), bytes, MADV_DONTNEED) == 0) given_back_ += bytes;
    begin = end + 1;
  }
}

}  // namespace maas::inline MAAS_ABI::serve
