// A program run beside the server, with less priority and within limits.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::serve {

struct ChildOptions {
  std::vector<std::string> arguments{};  ///< the program's path first
  std::string folder{};                  ///< where it runs
  std::string errors{};                  ///< the file that takes what it says on standard error
  std::uint64_t memory_bytes = 0;        ///< of its address space
  std::chrono::seconds time{};           ///< after which it is ended
  std::vector<int> processors{};         ///< that it may use; empty: those of this program
  bool is_awaited = false;               ///< somebody waits for it: it need not leave the processor to all others
};

/// Those that this program may use, by its affinity mask; empty where the system does not tell.
std::vector<int> own_processors();
/// How many processors' worth of time the control groups pay for; 0 for all.
int paid_processors();
/// A child's share of `own`: the last `most` of them; with 0 all but one, counting no more than are paid for (0: all
/// are). At least one where there is any, so that a lone one is shared.
std::vector<int> share_of_processors(std::vector<int> own, int paid, int most);

/// How a child ended.
struct ChildEnd {
  static constexpr int not_set_up = 126;  ///< the exit code where its folder or its file of errors cannot be used
  int exit_code = -1;                     ///< -1 where a signal ended it; 127 where it cannot be run, and `errors` why
  int signal = 0;
  bool is_late = false, is_stopped = false;
  bool is_lost = false;  ///< it has ended, and who else waits for this process's children knows how
  bool is_good() const { return exit_code == 0 && !is_late && !is_stopped; }
};

/// Runs it to its end and calls back for each line of its standard output. `stop` is asked ten times a second: once it
/// says so the child is told to end (SIGTERM), and made to after five seconds. It ends with the thread that called,
/// too. Throws StateError where it cannot be started.
ChildEnd run_child(const ChildOptions& options, const std::function<void(std::string_view)>& line,
                   const std::function<bool()>& stop);

}  // namespace maas::inline MAAS_ABI::serve
