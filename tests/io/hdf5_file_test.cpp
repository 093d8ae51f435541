#include "io/hdf5_file.hpp"

#include <cstdio>

#include "fixtures.hpp"
#include "io/hdf5_library.hpp"
#include "io/limits.hpp"
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

TEST_CASE("what no reader takes for its size is not written") {
  const RemovedFile file{"large.h5"};
  Hdf5Writer writer(file.path, "shown");
  CHECK_THROWS_WITH(writer.text("", "story", std::string(io::most_text + 1, 'x')),
                    "shown: the attribute story: expected at most 67108864 bytes, got 67108865");
  CHECK_THROWS_WITH(writer.names("", "list", std::vector<std::string>(100001, "x")),
                    "shown: the attribute list: expected at most 100000 names, got 100001");
  const std::vector<Index> large{Index{1} << 20, Index{1} << 20};
  CHECK_THROWS_WITH(writer.doubles("numbers", large, nullptr),
                    "shown: numbers: expected at most 2147483648 bytes, got 8796093022208");
  CHECK_THROWS_WITH(writer.floats("weights", large, nullptr), Catch::StartsWith("shown: weights: expected at most "));
  CHECK_THROWS_WITH(writer.rows("data", {Index{1} << 40, Index{1} << 40}, nullptr),
                    Catch::StartsWith("shown: data: expected at most 70368744177664 bytes"));
  const Scalar number = 1;
  CHECK_THROWS_WITH(writer.floats("deep", std::vector<Index>(9, 1), &number),
                    "shown: deep: expected at most 8 axes, got 9");
  writer.text("", "long", std::string(io::most_text, 'x'));
  writer.close();
  CHECK(Hdf5Reader(file.path).text("", "long")->size() == io::most_text);
}

TEST_CASE("a text that is too long says so") {
  const RemovedFile file{"long_text.h5"};
  {
    const io::Silence silence;
    const io::Id made(H5Fcreate(file.path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
    const io::Id type(H5Tcopy(H5T_C_S1), H5Tclose), space(H5Screate(H5S_SCALAR), H5Sclose);
    H5Tset_size(type.get(), H5T_VARIABLE);
    const io::Id attribute(H5Acreate2(made.get(), "story", type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
                           H5Aclose);
    const std::string text(io::most_text + 1, 'x');
    const char* const bytes = text.c_str();
    REQUIRE(H5Awrite(attribute.get(), type.get(), &bytes) >= 0);
  }
  CHECK_THROWS_WITH(Hdf5Reader(file.path).text("", "story"),
                    "long_text.h5: the attribute story holds a text of 67108865 bytes, more than 67108864");
}

TEST_CASE("bfloat16 numbers, which Keras writes as two opaque bytes, are refused by name") {
  const RemovedFile file{"bfloat16.h5"};
  {
    const io::Silence silence;
    const io::Id made(H5Fcreate(file.path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
    const io::Id type(H5Tcreate(H5T_OPAQUE, 2), H5Tclose);
    const hsize_t size = 3;
    const io::Id space(H5Screate_simple(1, &size, nullptr), H5Sclose);
    const io::Id dataset(
        H5Dcreate2(made.get(), "weights", type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Dclose);
    REQUIRE(H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, "\x80?\x80?\x80?") >= 0);
  }
  CHECK_THROWS_WITH(Hdf5Reader(file.path).dataset("weights"),
                    "bfloat16.h5: weights holds bfloat16 numbers, which are not read; save the model in float32");
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
