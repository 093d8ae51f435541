#include "serve/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <tuple>

#include "maas/core/error.hpp"
#include "maas/core/quota.hpp"

extern char** environ;

namespace maas::inline MAAS_ABI::serve {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t longest_line = std::size_t{1} << 20;
constexpr std::chrono::seconds patience{5};

void limit(decltype(RLIMIT_AS) what, rlim_t most) {
  const rlimit both{most, most};
  ::setrlimit(what, &both);
}

// A mask of as many sets as it takes: each has room for 1024 processors.
std::size_t bytes_of(const std::vector<cpu_set_t>& mask) { return mask.size() * sizeof(cpu_set_t); }

std::vector<cpu_set_t> mask_of(const std::vector<int>& processors) {
  std::vector<cpu_set_t> mask;
  if (processors.empty()) return mask;
  const auto last = static_cast<std::size_t>(std::ranges::max(processors));
  mask.resize(last / CPU_SETSIZE + 1);
  for (const int each : processors) CPU_SET_S(static_cast<std::size_t>(each), bytes_of(mask), mask.data());
  return mask;
}

void say(const char* text) { std::ignore = ::write(2, text, std::strlen(text)); }

// Between fork and exec nothing may be called that takes memory or a lock.
[[noreturn]] void become(const ChildOptions& options, char* const* arguments, char* const* environment,
                         const std::vector<cpu_set_t>& processors, int output, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(ChildEnd::not_set_up);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::signal(SIGCHLD, SIG_DFL);
  // By nice alone a child's turn may last for milliseconds before an answer that is due gets the processor.
  ::setpriority(PRIO_PROCESS, 0, 10);
  const sched_param none_needed{};
  if (!options.is_awaited) ::sched_setscheduler(0, SCHED_IDLE, &none_needed);
  if (!processors.empty()) ::sched_setaffinity(0, bytes_of(processors), processors.data());
  limit(RLIMIT_AS, options.memory_bytes);
  limit(RLIMIT_CORE, 0);
  const int nothing = ::open("/dev/null", O_RDONLY);
  const int errors = ::open(options.errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const bool is_set = ::chdir(options.folder.c_str()) == 0 && ::dup2(nothing, 0) >= 0 && ::dup2(output, 1) >= 0 &&
                      ::dup2(errors, 2) >= 0;
  if (!is_set) ::_exit(ChildEnd::not_set_up);
  ::close_range(3, ~0U, 0);  // sockets of clients, above all
  ::execve(arguments[0], arguments, environment);
  const char* const why = ::strerrordesc_np(errno);
  say(arguments[0]);
  say(": cannot be run: ");
  say(why != nullptr ? why : "unknown error");
  say("\n");
  ::_exit(127);
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// A token is no business of a child's.
std::vector<std::string> environment() {
  std::vector<std::string> all;
  for (char** each = environ; *each != nullptr; ++each)
    if (!std::string_view(*each).starts_with("MAAS_TOKEN=")) all.emplace_back(*each);
  return all;
}

// Whole lines out of what comes in pieces; one that is too long is dropped.
class Lines {
 public:
  explicit Lines(const std::function<void(std::string_view)>& take) : take_(take) {}

  void add(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      const std::string_view part = bytes.substr(0, end);
      is_too_long_ = is_too_long_ || line_.size() + part.size() > longest_line;
      if (!is_too_long_) line_ += part;
      if (end == bytes.npos) return;
      if (!is_too_long_) take_(line_);
      line_.clear();
      is_too_long_ = false;
      bytes.remove_prefix(end + 1);
    }
  }

 private:
  const std::function<void(std::string_view)>& take_;
  std::string line_{};
  bool is_too_long_ = false;
};

struct Descriptor {
  int number = -1;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

}  // namespace

std::vector<int> own_processors() {
  std::vector<int> processors;
  for (std::size_t sets = 1; sets <= 64; sets *= 2) {  // the system refuses a mask that has no room for all it knows
    std::vector<cpu_set_t> mask(sets);
    if (::sched_getaffinity(0, bytes_of(mask), mask.data()) != 0) continue;
    for (std::size_t i = 0; i < sets * CPU_SETSIZE; ++i)
      if (CPU_ISSET_S(i, bytes_of(mask), mask.data())) processors.push_back(static_cast<int>(i));
    break;
  }
  return processors;
}

int paid_processors() { return detail::granted_cores(); }

std::vector<int> share_of_processors(std::vector<int> own, int paid, int most) {
  const auto all = static_cast<int>(own.size());
  const int usable = paid > 0 ? std::min(paid, all) : all;
  const int count = std::clamp(most > 0 ? most : usable - 1, std::min(1, all), all);
  own.erase(own.begin(), own.end() - count);
  return own;
}

ChildEnd run_child(const ChildOptions& options, const std::function<void(std::string_view)>& line,
                   const std::function<bool()>& stop) {
  std::vector<std::string> arguments = options.arguments, variables = environment();
  const std::vector<char*> argument_pointers = pointers_to(arguments), variable_pointers = pointers_to(variables);
  const std::vector<cpu_set_t> processors = mask_of(options.processors);
  int ends[2];
  require<StateError>(::pipe2(ends, O_CLOEXEC) == 0, "{}: no pipe: {}", options.arguments[0], std::strerror(errno));
  const Descriptor read_end{ends[0]};
  Descriptor write_end{ends[1]};
  const pid_t parent = ::getpid(), child = ::fork();
  require<StateError>(child >= 0, "{}: cannot be started: {}", options.arguments[0], std::strerror(errno));
  if (child == 0) become(options, argument_pointers.data(), variable_pointers.data(), processors, ends[1], parent);
  ::close(write_end.number);
  write_end.number = -1;

  ChildEnd end;
  Lines lines(line);
  const auto latest = Clock::now() + options.time;
  auto last_chance = Clock::time_point::max();
  bool is_open = true;
  int status = 0;
  while (true) {
    pollfd waiting{.fd = read_end.number, .events = POLLIN, .revents = 0};
    ::poll(&waiting, is_open ? 1 : 0, 100);
    char bytes[65536];
    const ssize_t got = is_open && waiting.revents != 0 ? ::read(read_end.number, bytes, sizeof bytes) : -1;
    if (got > 0) lines.add({bytes, static_cast<std::size_t>(got)});
    if (got == 0) is_open = false;
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    // Where SIGCHLD is ignored, or others wait for all children: its number may be another's by now.
    end.is_lost = ended < 0 && errno == ECHILD;
    const bool has_ended = ended == child || end.is_lost;
    if (has_ended && !is_open) break;
    if (has_ended) {  // what it still has said; a grandchild may hold the pipe, and is not waited for
      ::fcntl(read_end.number, F_SETFL, O_NONBLOCK);
      for (ssize_t more; (more = ::read(read_end.number, bytes, sizeof bytes)) > 0;)
        lines.add({bytes, static_cast<std::size_t>(more)});
      break;
    }
    if (last_chance == Clock::time_point::max()) {
      end.is_late = Clock::now() > latest;
      end.is_stopped = !end.is_late && stop();
      if (!end.is_late && !end.is_stopped) continue;
      ::kill(child, SIGTERM);
      last_chance = Clock::now() + patience;
    } else if (Clock::now() > last_chance) {
      ::kill(child, SIGKILL);
    }
  }
  if (end.is_lost) return end;
  if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  return end;
}

}  // namespace maas::inline MAAS_ABI::serve
