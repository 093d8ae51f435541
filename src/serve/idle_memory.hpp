// Memory of connections on which nothing moves: given back to the system until they are used again.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::serve {

/// The HTTP library keeps a block for each connection, which it clears after a request, and so touches from end to end.
/// Pages that hold nothing but zeros read the same when the system has them back: those of idle connections go there.
///
/// All members are called on the thread that moves bytes, the only one that writes to these blocks.
class IdleMemory {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Options {
    std::size_t block_bytes = 0;             ///< of each connection
    std::chrono::milliseconds after{2'000};  ///< of silence
    std::chrono::milliseconds pause{10};     ///< from one look at some connections to the next
    std::size_t at_once = 16;                ///< blocks given back in one look, so that nobody waits long for it
  };

  class Connection {
   public:
    /// A request has begun. `first` is its first byte, as the library keeps it: at the beginning of the block.
    void begin(const void* first) {
      if (requests_++ == 0) block_ = first;
      is_busy_ = true;
      is_given_back_ = false;
    }
    void end() { is_busy_ = false; }

   private:
    friend class IdleMemory;
    const void* block_ = nullptr;
    std::size_t place_ = 0;
    std::uint64_t requests_ = 0, seen_ = 0;
    Time since_{};
    bool is_busy_ = false, is_given_back_ = false;
  };

  explicit IdleMemory(const Options& options);

  Connection* opened();
  void closed(Connection* connection);

  /// Looks at some of the connections, if it is time to; when to call it next.
  Time look(Time now);
  /// Whether some connections have not been looked at in this round: then the next look is due soon. Rounds may begin
  /// as seldom as one likes.
  bool is_in_round() const { return next_ < connections_.size(); }

  /// Bytes of zeros given back since the start.
  std::uint64_t given_back() const { return given_back_; }

 private:
  bool look_at(Connection& connection, Time now);
  void give_back(const Connection& connection);

  const Options options_;
  std::vector<std::unique_ptr<Connection>> connections_{};
  std::size_t next_ = 0;  // to be looked at
  Time due_{};
  std::uint64_t given_back_ = 0;
};

}  // namespace maas::inline MAAS_ABI::serve
