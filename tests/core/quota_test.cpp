#include "maas/core/quota.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "maas/core/parallel.hpp"
#include "support/catch.hpp"

using namespace maas;
namespace fs = std::filesystem;

namespace {

/// A folder that stands for the root of a machine, and goes away again.
struct Machine {
  Machine() : root(fs::temp_directory_path() / ("maas_quota_" + std::to_string(::getpid()))) { fs::remove_all(root); }
  ~Machine() { fs::remove_all(root); }

  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((root / name).parent_path());
    std::ofstream(root / name) << text << '\n';
  }
  /// A limit by the second version of control groups, in hundredths of a core.
  void grant(const std::string& group, const std::string& hundredths) const {
    write("sys/fs/cgroup" + group + "/cpu.max", hundredths == "max" ? "max 100000" : hundredths + "000 100000");
  }
  /// The same by the first version, under the folder that its controller is mounted at; -1 is no limit there.
  void grant_first(const std::string& mounted, const std::string& group, const std::string& hundredths) const {
    const std::string folder = "sys/fs/cgroup/" + mounted + group;
    write(folder + "/cpu.cfs_quota_us", hundredths == "-1" ? hundredths : hundredths + "000");
    write(folder + "/cpu.cfs_period_us", "100000");
  }
  void be_in(const std::string& lines) const { write("proc/self/cgroup", lines); }
  int cores() const { return detail::granted_cores(root.string()); }

  fs::path root;
};

}  // namespace

TEST_CASE("a control group's quota is read as cores' worth of time, rounded up") {
  CHECK(detail::cores_of_quota("200000 100000\n") == 2);
  CHECK(detail::cores_of_quota("150000 100000") == 2);
  CHECK(detail::cores_of_quota("50000 100000") == 1);
  CHECK(detail::cores_of_quota("9223372036854775807 1") == 1024);
  for (const char* none : {"max 100000", "", "0 100000", "-1 100000", "100000", "100000 0"})
    CHECK(detail::cores_of_quota(none) == 0);
}

TEST_CASE("a machine without control groups, or without limits, grants all") {
  const Machine machine;
  CHECK(machine.cores() == 0);
  machine.be_in("0::/user.slice");
  CHECK(machine.cores() == 0);
  machine.grant("/user.slice", "max");
  CHECK(machine.cores() == 0);
}

TEST_CASE("a container that sees its own group alone is held to its limit, with /proc or without") {
  const Machine machine;
  machine.grant("", "250");
  CHECK(machine.cores() == 3);
  machine.be_in("0::/");
  CHECK(machine.cores() == 3);
}

TEST_CASE("the least of a group and of those above it counts") {
  const Machine machine;
  machine.be_in("0::/system.slice/maas.service/worker");
  machine.grant("/system.slice/maas.service", "400");
  CHECK(machine.cores() == 4);
  machine.grant("/system.slice/maas.service/worker", "max");
  CHECK(machine.cores() == 4);
  machine.grant("/system.slice/maas.service/worker", "800");
  CHECK(machine.cores() == 4);
  machine.grant("/system.slice", "300");
  CHECK(machine.cores() == 3);
  machine.grant("/system.slice/maas.service/worker", "150");
  CHECK(machine.cores() == 2);
  machine.grant("/system.slice/other.service", "50");  // of somebody else
  CHECK(machine.cores() == 2);
}

TEST_CASE("limits of the first version of control groups count, wherever its controller is mounted") {
  for (const std::string mounted : {"cpu", "cpu,cpuacct"}) {
    INFO(mounted);
    const Machine machine;
    machine.be_in("12:cpuset:/pinned\n4:cpu,cpuacct:/docker/abc:def\n1:name=systemd:/init.scope\n0::/init.scope");
    machine.grant_first(mounted, "", "-1");
    CHECK(machine.cores() == 0);
    machine.grant_first(mounted, "/docker/abc:def", "500");
    CHECK(machine.cores() == 5);
    machine.grant_first(mounted, "/docker", "250");
    CHECK(machine.cores() == 3);
    machine.grant_first(mounted, "/pinned", "100");  // the group of another controller
    machine.grant_first(mounted, "/init.scope", "100");
    CHECK(machine.cores() == 3);
  }
  const Machine machine;
  machine.be_in("4:cpu:/docker/outside");  // a container whose own group is mounted
  machine.grant_first("cpu", "", "150");
  CHECK(machine.cores() == 2);
}

TEST_CASE("a machine with both versions is held to the least") {
  const Machine machine;
  machine.be_in("4:cpu:/a\n0::/b");
  machine.grant_first("cpu", "/a", "300");
  machine.grant("/b", "200");
  CHECK(machine.cores() == 2);
  machine.grant_first("cpu", "/a", "100");
  CHECK(machine.cores() == 1);
}

TEST_CASE("texts that name no group grant all") {
  const Machine machine;
  for (const char* lines :
       {"", ":", "::", "0:", "0::", "0::nowhere", "cpu", "4:cpu:", "4:cpu:x", "0:://", "\n\n0::/..\n"}) {
    INFO(lines);
    machine.be_in(lines);
    CHECK(machine.cores() == 0);
  }
}

TEST_CASE("this process starts no more threads than it is granted") {
  const int granted = detail::granted_cores();
  CHECK(granted >= 0);
  if (granted > 0) CHECK(detail::available_cores() <= granted);
}
