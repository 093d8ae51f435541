#include "maas/core/new_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "maas/core/error.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"

using namespace maas;
namespace fs = std::filesystem;

namespace {

/// An empty folder that goes away again.
struct Folder {
  Folder() : path(fs::temp_directory_path() / ("maas_new_file_" + std::to_string(::getpid()))) {
    fs::remove_all(path);
    fs::create_directory(path);
  }
  ~Folder() { fs::remove_all(path); }
  std::string operator/(const std::string& name) const { return (path / name).string(); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
  }
  fs::path path;
};

using tests::content;

}  // namespace

TEST_CASE("a new file appears whole with commit, and replaces an older one") {
  const Folder folder;
  for (const std::string text : {"first", "second"}) {
    NewFile file(folder / "a.bin");
    file.write(text.substr(0, 3));
    file.write(text.substr(3));
    CHECK(content(folder / "a.bin") == (text == "first" ? "" : "first"));
    file.commit();
    CHECK(content(folder / "a.bin") == text);
  }
  CHECK(folder.files() == 1);
}

TEST_CASE("without commit nothing is left and an older file is whole") {
  const Folder folder;
  std::ofstream(folder / "a.bin") << "old";
  {
    NewFile file(folder / "a.bin");
    file.write("new");
    CHECK(folder.files() == 2);
  }
  CHECK(folder.files() == 1);
  CHECK(content(folder / "a.bin") == "old");
}

TEST_CASE("a link to a file is followed: its target is replaced") {
  const Folder folder;
  std::ofstream(folder / "real.bin") << "old";
  fs::create_symlink(folder / "real.bin", folder / "link.bin");
  NewFile file(folder / "link.bin");
  file.write("new");
  file.commit();
  CHECK(fs::is_symlink(folder / "link.bin"));
  CHECK(content(folder / "real.bin") == "new");
}

TEST_CASE("a folder that is not there, or takes no files, is a FormatError that names the file") {
  const Folder folder;
  const std::string path = folder / "missing/a.bin";
  CHECK_THROWS_WITH(NewFile(path), path + ": cannot be written: No such file or directory");
  CHECK_THROWS_AS(NewFile("/proc/maas.bin"), FormatError);
}

TEST_CASE("a link to nothing yet leads to a new file, also over links in other folders") {
  const Folder folder;
  fs::create_directory(folder.path / "data");
  fs::create_symlink("data/next.bin", folder / "link.bin");
  fs::create_symlink("real.bin", folder.path / "data" / "next.bin");
  NewFile file(folder / "link.bin");
  file.write("new");
  file.commit();
  CHECK(fs::is_symlink(folder / "link.bin"));
  CHECK(fs::is_symlink(folder / "data/next.bin"));
  CHECK(content(folder / "data/real.bin") == "new");
  fs::create_symlink("circle.bin", folder / "circle.bin");
  CHECK_THROWS_WITH(NewFile(folder / "circle.bin"), Catch::Contains(": cannot be written: "));
  CHECK(fs::is_symlink(folder / "circle.bin"));
}

TEST_CASE("what is no regular file is refused, and stays") {
  const Folder folder;
  const auto message = [](const std::string& path, const char* got) {
    return path + ": expected a regular file or a new one, got " + got;
  };
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  fs::create_directory(folder / "folder");
  CHECK_THROWS_WITH(NewFile(folder / "pipe"), message(folder / "pipe", "a pipe"));
  CHECK_THROWS_WITH(NewFile(folder / "folder"), message(folder / "folder", "a folder"));
  CHECK_THROWS_WITH(NewFile("/dev/zero"), message("/dev/zero", "a device"));
  fs::create_symlink("/dev/zero", folder / "link");
  CHECK_THROWS_WITH(NewFile(folder / "link"), message(folder / "link", "a device"));
  CHECK(folder.files() == 3);
  CHECK(fs::is_fifo(folder / "pipe"));
}

TEST_CASE("the file that the standard output goes to is refused") {
  const Folder folder;
  const std::string log = folder / "log";
  std::fflush(stdout);
  const int kept = ::dup(STDOUT_FILENO), file = ::open(log.c_str(), O_WRONLY | O_CREAT, 0600);
  REQUIRE(::dup2(file, STDOUT_FILENO) >= 0);
  std::string direct, by_name;
  try {
    NewFile refused(log);
  } catch (const FormatError& error) {
    direct = error.what();
  }
  try {
    NewFile refused("/proc/self/fd/1");  // what /dev/stdout is
  } catch (const FormatError& error) {
    by_name = error.what();
  }
  ::dup2(kept, STDOUT_FILENO);
  ::close(kept);
  ::close(file);
  CHECK(direct == log + ": expected a file of its own, got the one that the standard output goes to");
  CHECK(by_name == "/proc/self/fd/1: expected a file of its own, got the one that the standard output goes to");
  CHECK(folder.files() == 1);
}

TEST_CASE("permissions of a file that is replaced are kept, and a new one has the usual ones") {
  const Folder folder;
  const mode_t usual = ::umask(022);
  const auto write = [&](const char* name) {
    NewFile file(folder / name);
    file.write("new");
    file.commit();
    return static_cast<unsigned>(fs::status(folder / name).permissions());
  };
  CHECK(write("fresh.bin") == 0644);
  for (const unsigned mode : {0600u, 0664u, 0400u}) {
    std::ofstream(folder / "old.bin") << "old";
    fs::permissions(folder / "old.bin", fs::perms(mode));
    CHECK(write("old.bin") == mode);
    CHECK(content(folder / "old.bin") == "new");
    fs::remove(folder / "old.bin");
  }
  ::umask(usual);
}

TEST_CASE("names as long as file systems take them") {
  const Folder folder;
  std::string umlauts;
  for (int i = 0; i < 127; ++i) umlauts += "\xC3\xA4";
  for (const std::string& name : {std::string(255, 'n'), umlauts}) {
    NewFile file(folder / name);
    file.write("new");
    file.commit();
    CHECK(content(folder / name) == "new");
  }
  CHECK_THROWS_WITH(NewFile(folder / std::string(256, 'n')), Catch::EndsWith("cannot be written: File name too long"));
  CHECK(folder.files() == 2);
}
