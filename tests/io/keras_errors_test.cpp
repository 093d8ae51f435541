// What can go wrong with files and disks, and what is said then.
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>

#include "fixtures.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace fixtures;
namespace fs = std::filesystem;

namespace {

// A folder of its own, gone when it goes.
struct Folder {
  fs::path path = fs::absolute("folder-of-errors");
  Folder() { fs::create_directory(path); }
  ~Folder() {
    std::error_code ignored;
    fs::permissions(path, fs::perms::owner_all, ignored);
    fs::remove_all(path, ignored);
  }
  std::string operator/(const std::string& name) const { return (path / name).string(); }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(path)) found.push_back(entry.path().filename().string());
    return found;
  }
};

Model some_model(Index width = 8) {
  auto model = Sequential{input(4), dense(width, relu), dense(1, sigmoid)};
  model.compile({.optimizer = Adam{}, .loss = binary_crossentropy});
  return model;
}

}  // namespace

TEST_CASE("files that are no model say why") {
  const Folder folder;
  const std::string path = folder / "model.h5";
  CHECK_THROWS_WITH(load_model(path), path + ": cannot be opened: No such file or directory");
  CHECK_THROWS_WITH(load_model(folder.path.string()), folder.path.string() + ": is a folder, expected a model file");
  write_bytes(path, "");
  CHECK_THROWS_WITH(load_model(path), path + ": is empty");
  write_bytes(path, "time,flow\n1,2\n");
  CHECK_THROWS_WITH(load_model(path),
                    path + ": is neither an HDF5 file nor a zip archive (its first bytes are others)");
  some_model().save(path);
  const std::string whole = bytes_of(path);
  for (std::size_t size : {whole.size() - 1, whole.size() / 2, whole.size() / 10}) {
    write_bytes(path, whole.substr(0, size));
    CHECK_THROWS_WITH(load_model(path), Catch::StartsWith(path + ": is cut off: expected "));
  }
  {
    io::Hdf5Writer writer(path, path);
    writer.close();
  }
  CHECK_THROWS_WITH(load_model(path), path + ": is an HDF5 file, but no Keras model (no model_config)");
}

TEST_CASE("a file without permission") {
  if (::geteuid() == 0) {
    std::cerr << "SKIPPED: root may read and write everything\n";
    return;
  }
  const Folder folder;
  const std::string path = folder / "model.h5";
  some_model().save(path);
  fs::permissions(path, fs::perms::none);
  CHECK_THROWS_WITH(load_model(path), path + ": cannot be opened: Permission denied");
  fs::permissions(folder.path, fs::perms::owner_read | fs::perms::owner_exec);
  CHECK_THROWS_WITH(some_model().save(folder / "new.h5"), Catch::Contains("Permission denied"));
}

TEST_CASE("a folder that is not there, or a folder in place of the file") {
  const Folder folder;
  const std::string missing = folder / "none/model.h5";
  CHECK_THROWS_WITH(some_model().save(missing), missing + ": cannot be written: No such file or directory");
  fs::create_directory(folder.path / "model.h5");
  CHECK_THROWS_AS(some_model().save(folder / "model.h5"), FormatError);
  CHECK(folder.names() == std::vector<std::string>{"model.h5"});
}

TEST_CASE("a full disk leaves the old file whole and nothing beside it") {
  const Folder folder;
  const std::string path = folder / "model.h5";
  if (::mount("tmpfs", folder.path.c_str(), "tmpfs", 0, "size=256k") != 0) {
    std::cerr << "SKIPPED: a small disk cannot be made here\n";
    return;
  }
  std::string before, after, what;
  std::vector<std::string> names;
  some_model().save(path);
  before = bytes_of(path);
  try {
    some_model(50000).save(path);
  } catch (const FormatError& error) {
    what = error.what();
  }
  after = bytes_of(path);
  names = folder.names();
  ::umount(folder.path.c_str());
  CHECK(what == path + ": cannot be written (is the disk full?)");
  CHECK_FALSE(before.empty());
  CHECK(before == after);
  CHECK(names == std::vector<std::string>{"model.h5"});
}

TEST_CASE("what cannot be saved is refused before the old file is touched") {
  const Folder folder;
  const std::string path = folder / "model.h5";
  some_model().save(path);
  const std::string before = bytes_of(path);
  Model slash(Network{input(4), dense(1).named("a/b")}, "sequential");
  CHECK_THROWS_WITH(slash.save(path), path + ": layer \"a/b\": a file cannot have a layer of this name");
  Model newer(Network{input(4), dense(1, hard_sigmoid)}, "sequential");
  CHECK_THROWS_WITH(
      newer.save(path, {.profile = KerasProfile::keras_2}),
      path + ": layer \"dense\": Keras 2 has another hard_sigmoid; save for any version of Keras instead");
  Model lion = some_model();
  lion.compile({.optimizer = Lion{}, .loss = binary_crossentropy});
  CHECK_THROWS_WITH(lion.save(path, {.profile = KerasProfile::keras_2}),
                    path + ": optimizer Lion: Keras 2 cannot resume with it; save for any version of Keras instead");
  Model large = some_model();
  large.info().baselines = Config{}.set("text", std::string(std::size_t{66} << 20, 'x'));
  CHECK_THROWS_WITH(large.save(path),
                    Catch::StartsWith(path + ": the attribute baselines: expected at most 67108864 "));
  CHECK(bytes_of(path) == before);
  CHECK(folder.names() == std::vector<std::string>{"model.h5"});
}
