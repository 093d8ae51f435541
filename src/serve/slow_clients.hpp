// Clients that take too long to send a head or a body, or to read an answer: told, and cut off. Those that are silent:
// let go.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::serve {

/// Looks at the connections of a server now and then, from a thread of its own, and shuts the sockets of those that are
/// too slow; the server's thread notices that as a client that has left. The system's counts of bytes are what it
/// goes by, so nothing has to be told of each byte.
class SlowClients {
 public:
  struct Options {
    std::chrono::milliseconds head{10'000};   ///< from the first byte of a head to its last
    std::chrono::milliseconds body{10'000};   ///< how long a body may come at any rate; then at this one, overall:
    std::uint64_t body_rate = 16 << 10;       ///< bytes a second; 0: any
    std::chrono::milliseconds receive{0};     ///< in which a body must have come, whole; 0: any
    std::chrono::milliseconds write{30'000};  ///< in which `write_bytes` of an answer must have been taken, or its end
    std::uint64_t write_bytes = 64 << 10;
    std::chrono::milliseconds idle{75'000};  ///< in which nothing has moved, whatever it is at but `other`
    bool is_plain = true;                    ///< whether a late request can be answered on the socket itself
  };
  /// What a connection is at.
  enum class Phase : std::uint64_t { head, body, other, answer };

  /// One connection, from its opening to its closing.
  class Connection {
   public:
    explicit Connection(int socket) : socket_(socket) {}
    /// Begins another phase; all but `other` have limits.
    void enter(Phase phase) {
      // One writer, the server's thread: the count tells two heads in a row apart.
      const std::uint64_t turn = (state_.load(std::memory_order_relaxed) >> 2) + 1;
      state_.store(turn << 2 | static_cast<std::uint64_t>(phase), std::memory_order_release);
    }

   private:
    friend class SlowClients;
    const int socket_;
    std::size_t place_ = 0;
    std::atomic<std::uint64_t> state_{0};
    // What follows belongs to the thread that looks.
    std::uint64_t seen_ = 0, bytes_ = 0, moved_bytes_ = 0;
    std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now(), moved_ = since_;
    bool has_begun_ = false, is_cut_ = false;
  };

  /// Counts those that were cut off, not those that were silent. `looked`, if there is one, is called after each look,
  /// from that thread and as long as there are connections.
  SlowClients(const Options& options, std::atomic<std::uint64_t>& cut, std::function<void()> looked = {});
  SlowClients(const SlowClients&) = delete;
  SlowClients& operator=(const SlowClients&) = delete;
  ~SlowClients();

  Connection* opened(int socket);
  /// Must come before the socket is closed: its number may be another connection's right after.
  void closed(Connection* connection);

 private:
  using Time = std::chrono::steady_clock::time_point;
  void watch();
  void look(Time now);
  void look_at(Connection& connection, Time now);
  void look_at_head(Connection& connection, Time now);
  void look_at_body(Connection& connection, Time now);
  void look_at_answer(Connection& connection, Time now);
  bool is_silent(Connection& connection, std::uint64_t bytes, Time now) const;
  void let_go(Connection& connection);
  void cut_off(Connection& connection, std::string_view late);
  void tell(const Connection& connection, std::string_view late) const;

  const Options options_;
  std::atomic<std::uint64_t>& cut_;
  const std::function<void()> looked_;
  std::mutex mutex_{};  // guards what follows, and that no socket is closed while it is looked at
  std::condition_variable wake_{};
  std::vector<std::unique_ptr<Connection>> connections_{};
  bool stopping_ = false;
  std::thread thread_{};
};

}  // namespace maas::inline MAAS_ABI::serve
