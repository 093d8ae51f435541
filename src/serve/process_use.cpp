#include "serve/process_use.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <system_error>

#include "serve/folder.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

}  // namespace

ProcessUse process_use() {
  ProcessUse use;
  rusage spent{};
  if (::getrusage(RUSAGE_SELF, &spent) == 0) use.cpu_seconds = seconds_of(spent.ru_utime) + seconds_of(spent.ru_stime);
  std::uint64_t pages = 0, resident = 0;
  if (std::ifstream("/proc/self/statm") >> pages >> resident) {
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    use.virtual_bytes = pages * page;
    use.resident_bytes = resident * page;
  }
  std::error_code error;
  use.open_files = names_in("/proc/self/fd", error).size();
  if (use.open_files > 0) --use.open_files;  // the one that was just read by
  rlimit most{};
  if (::getrlimit(RLIMIT_NOFILE, &most) == 0) use.most_files = most.rlim_cur;
  return use;
}

}  // namespace maas::inline MAAS_ABI::serve
