#include "io/hdf5_file.hpp"

#include <cstdio>

#include "fixtures.hpp"
#include "support/catch.hpp"

using namespace maas;
using io::Hdf5Reader;
using io::Hdf5Writer;

namespace {

struct RemovedFile {
  std::string path;
  ~RemovedFile() { std::remove(path.c_str()); }
};

}  // namespace

TEST_CASE("what is written to an HDF5 file is read from it") {
  const RemovedFile file{"written.h5"};
  const std::vector<Scalar> numbers{1, Scalar(-0.1), 3, 4, 5, 6};
  {
    Hdf5Writer writer(file.path, file.path);
    writer.group("a/b");
    writer.text("", "title", "a text");
    writer.text("a/b", "empty", "");
    writer.names("a", "names", {"kernel:0", "z\xC3\xA4hler", "b"});
    writer.names("a", "none", {});
    writer.floats("a/b/matrix", {2, 3}, numbers.data());
    writer.integer("a/count", 123456789012345);
    writer.real("a/rate", 1.0 / 3);
    writer.close();
  }
  const Hdf5Reader reader(file.path);
  CHECK(reader.has_group("a/b"));
  CHECK_FALSE(reader.has_group("a/c"));
  CHECK_FALSE(reader.has_group("a/count"));
  CHECK(reader.text("", "title") == "a text");
  CHECK(reader.text("a/b", "empty") == "");
  CHECK_FALSE(reader.text("", "other").has_value());
  CHECK(reader.names("a", "names") == std::vector<std::string>{"kernel:0", "z\xC3\xA4hler", "b"});
  CHECK(reader.names("a", "none") == std::vector<std::string>{});
  CHECK(reader.dataset("a/b/matrix").dimensions == std::vector<Index>{2, 3});
  std::vector<Scalar> read(6);
  reader.read("a/b/matrix", {2, 3}, read.data());
  CHECK(read == numbers);
  CHECK(reader.read_number("a/count") == 123456789012345.0);
  CHECK(reader.read_number("a/rate") == 1.0 / 3);
  CHECK_THROWS_WITH(reader.read("a/b/matrix", {3, 2}, read.data()),
                    "written.h5: a/b/matrix is 2x3 in the file, expected 3x2");
  CHECK_THROWS_WITH(reader.read_number("a/b/matrix"), "written.h5: a/b/matrix is 2x3 in the file, expected one number");
  CHECK_THROWS_WITH(reader.dataset("a/b"), "written.h5: there is no dataset a/b");
  CHECK_THROWS_WITH(reader.dataset("a/../a/count"), "written.h5: \"a/../a/count\" is not a name that is read");
  CHECK_THROWS_WITH(reader.names("x", "names"), "written.h5: there is no group x");
}

TEST_CASE("lists of names too long for one attribute are split as Keras splits them") {
  const RemovedFile file{"many.h5"};
  std::vector<std::string> names;
  for (int i = 0; i < 400; ++i) {
    const std::string number = std::to_string(i);
    names.push_back(std::string(225 - number.size(), 'x') + number);
  }
  {
    Hdf5Writer writer(file.path, file.path);
    writer.names("", "layer_names", names);
    writer.close();
  }
  {
    const Hdf5Reader reader(file.path);
    CHECK(reader.names("", "layer_names") == names);
    CHECK(reader.names("", "layer_names0")->size() == 200);
    CHECK(reader.names("", "layer_names1")->size() == 200);
  }
  Hdf5Writer writer(file.path, file.path);
  CHECK_THROWS_AS(writer.names("", "layer_names", {std::string(70000, 'x')}), FormatError);
}

TEST_CASE("the same content gives the same bytes") {
  const RemovedFile first{"first.h5"}, second{"second.h5"};
  for (const RemovedFile* file : {&first, &second}) {
    const Scalar number = 7;
    Hdf5Writer writer(file->path, "shown");
    writer.group("group");
    writer.text("", "title", "a text");
    writer.floats("group/one", {1}, &number);
    writer.close();
  }
  CHECK(fixtures::bytes_of(first.path) == fixtures::bytes_of(second.path));
}
