// Where Linux tells of control groups: /proc/self/cgroup names those of a process, a line each, and their files lie
// under /sys/fs/cgroup.
#pragma once

#include <algorithm>
#include <cstdio>
#include <string>

#include "maas/core/quota.hpp"

namespace maas::inline MAAS_ABI::detail {

MAAS_INLINE int cores_of_quota(const char* text) {
  long long quota = 0, period = 0;
  if (std::sscanf(text, "%lld %lld", &quota, &period) != 2 || quota <= 0 || period <= 0) return 0;
  return static_cast<int>(std::min<long long>(quota / period + (quota % period != 0), 1024));
}

/// The beginning of a small file; empty where it cannot be read. By the C library: streams would make a program that
/// only predicts a seventh larger.
inline std::string text_of(const std::string& path) {
  std::string text(std::size_t{1} << 16, '\0');
  std::size_t size = 0;
  if (std::FILE* file = std::fopen(path.c_str(), "r")) {
    size = std::fread(text.data(), 1, text.size(), file);
    std::fclose(file);
  }
  text.resize(size);
  return text;
}

inline std::string first_line(const std::string& path) {
  const std::string text = text_of(path);
  return text.substr(0, text.find('\n'));
}

/// What one folder of control groups grants; 0 where it says nothing.
inline int cores_of_group(const std::string& folder) {
  if (const int cores = cores_of_quota(first_line(folder + "/cpu.max").c_str()); cores > 0) return cores;
  const std::string quota = first_line(folder + "/cpu.cfs_quota_us");
  return quota.empty() ? 0 : cores_of_quota((quota + ' ' + first_line(folder + "/cpu.cfs_period_us")).c_str());
}

/// The less of two, of which 0 is no limit.
inline int less_of(int a, int b) { return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b); }

/// The least that `group`, such as "/system.slice/x.service", and the groups above it grant. In a container the names
/// may be those outside of it; then only `mounted` itself is there, and is the container's own group.
inline int cores_up_from(const std::string& mounted, std::string group) {
  int least = cores_of_group(mounted);
  while (group.size() > 1) {
    least = less_of(least, cores_of_group(mounted + group));
    group.resize(group.rfind('/'));
  }
  return least;
}

/// The same for a line of /proc/self/cgroup, "NUMBER:CONTROLLERS:/GROUP". The second version of control groups has no
/// controllers in it; each of the first version's lies in a folder of its own, or beside others.
inline int cores_of_line(const std::string& mounted, const std::string& line) {
  const std::size_t first = line.find(':'), second = line.find(':', first + 1);
  if (first == line.npos || second == line.npos || line[second + 1] != '/') return 0;
  const std::string controllers = line.substr(first + 1, second - first - 1), group = line.substr(second + 1);
  if (controllers.empty()) return cores_up_from(mounted, group);
  if ((',' + controllers + ',').find(",cpu,") == controllers.npos) return 0;
  return less_of(cores_up_from(mounted + '/' + controllers, group), cores_up_from(mounted + "/cpu", group));
}

MAAS_INLINE int granted_cores(const std::string& root) {
  const std::string mounted = root + "/sys/fs/cgroup";
  int least = cores_of_group(mounted);  // a container has it, with /proc or without
  const std::string groups = text_of(root + "/proc/self/cgroup");
  for (std::size_t start = 0; start < groups.size();) {
    const std::size_t end = std::min(groups.find('\n', start), groups.size());
    least = less_of(least, cores_of_line(mounted, groups.substr(start, end - start)));
    start = end + 1;
  }
  return least;
}

}  // namespace maas::inline MAAS_ABI::detail
