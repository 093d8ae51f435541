#include "maas/core/new_file.hpp"

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
