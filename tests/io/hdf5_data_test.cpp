#include <hdf5.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <numeric>

#include "maas/data/batches.hpp"
#include "maas/data/steps.hpp"
#include "maas/io/hdf5.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

// Before HDF5 is used for the first time: its clean-up at the end crashes after the damaged files of other tests; see
// src/io/hdf5_library.cpp.
[[maybe_unused]] const herr_t no_clean_up = H5dont_atexit();

/// A file that HDF5 itself writes, without maas.
class RawFile {
 public:
  explicit RawFile(const std::string& path) : file_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)) {}
  RawFile(const RawFile&) = delete;
  RawFile& operator=(const RawFile&) = delete;
  ~RawFile() { H5Fclose(file_); }

  /// Numbers 0, 1, 2, ... or nothing but a fill value; `chunk` empty: contiguous.
  void add(const std::string& name, hid_t type, std::vector<hsize_t> sizes, std::vector<hsize_t> chunk, bool packed,
           bool written = true) {
    const hid_t space = H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr);
    const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    if (!chunk.empty()) H5Pset_chunk(plist, static_cast<int>(chunk.size()), chunk.data());
    if (packed) {
      H5Pset_shuffle(plist);
      H5Pset_deflate(plist, 6);
    }
    const double fill = 3;
    if (!written) H5Pset_fill_value(plist, H5T_NATIVE_DOUBLE, &fill);
    const hid_t set = H5Dcreate2(file_, name.c_str(), type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    REQUIRE(set >= 0);
    if (written) {
      std::vector<double> numbers(
          std::accumulate(sizes.begin(), sizes.end(), std::size_t{1}, [](auto a, auto b) { return a * b; }));
      std::iota(numbers.begin(), numbers.end(), 0.0);
      REQUIRE(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers.data()) >= 0);
    }
    H5Dclose(set);
    H5Pclose(plist);
    H5Sclose(space);
  }
  void add_texts(const std::string& name) {
    const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, 5);
    H5Dclose(H5Dcreate2(file_, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
    H5Tclose(type);
  }
  void add_group(const std::string& name) {
    H5Gclose(H5Gcreate2(file_, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  }
  hid_t id() const { return file_; }

 private:
  hid_t file_;
};

struct ReadRows {
  Matrix x, y;
};

ReadRows all_of(const Streamed& data) {
  std::vector<Index> rows(static_cast<std::size_t>(data.size()));
  std::iota(rows.begin(), rows.end(), Index(0));
  ReadRows all{Matrix(data.size(), data.feature_shape().size()), Matrix(data.size(), data.target_shape().size())};
  data.gather(rows, MatrixView(all.x.data(), all.x.rows(), all.x.cols()),
              MatrixView(all.y.data(), all.y.rows(), all.y.cols()));
  return all;
}

Matrix counted(Index rows, Index columns, double first = 0) {
  Matrix matrix(rows, columns);
  for (Index i = 0; i < matrix.size(); ++i) matrix.data()[i] = static_cast<Scalar>(first + static_cast<double>(i));
  return matrix;
}

}  // namespace

TEST_CASE("datasets of any layout, type and rank are streamed row by row") {
  struct Layout {
    std::string name;
    std::vector<hsize_t> chunk;
    bool packed;
  };
  for (const Layout& layout : {Layout{"contiguous", {}, false}, Layout{"chunks", {7, 2, 3}, false},
                               Layout{"packed", {16, 2, 2}, true}, Layout{"narrow", {1000, 1, 1}, true}}) {
    CAPTURE(layout.name);
    const std::string path = "stream_" + layout.name + ".h5";
    {
      RawFile file(path);
      std::vector<hsize_t> chunk = layout.chunk;
      if (!chunk.empty() && chunk[0] > 100) chunk[0] = 100;
      file.add("x", H5T_IEEE_F32LE, {100, 2, 3}, chunk, layout.packed);
      file.add("y", H5T_STD_I16BE, {100}, layout.chunk.empty() ? std::vector<hsize_t>() : std::vector<hsize_t>{9},
               layout.packed);
      file.add("more", H5T_IEEE_F64LE, {100, 2}, {}, false);
    }
    for (const Index block : {0, 1, 10, 33}) {
      CAPTURE(block);
      const Streamed data = stream_hdf5(path, {.stream = {.block_rows = block, .mixed_blocks = 2}});
      REQUIRE(data.size() == 100);
      CHECK(data.feature_shape() == Shape{2, 3});
      CHECK(data.target_shape() == Shape{1});
      const ReadRows all = all_of(data);
      CHECK(all.x == counted(100, 6));
      CHECK(all.y == counted(100, 1));
    }
    const Streamed several = stream_hdf5(path, {.features = {"x", "more"}, .targets = {"y", "more"}});
    CHECK(several.feature_shape() == Shape{8});
    const ReadRows all = all_of(several);
    CHECK(all.x.leftCols(6) == counted(100, 6));
    CHECK(all.x.rightCols(2) == counted(100, 2));
    CHECK(all.y.rightCols(2) == counted(100, 2));
    CHECK(all_of(stream_hdf5(path, {.targets = {}})).y.size() == 0);
    const Streamed part = stream_hdf5(path, {.stream = {.block_rows = 8, .rows = RowRange{30, 60}}});
    CHECK(all_of(part).y == counted(30, 1, 30));
  }
  CHECK(stream_hdf5("stream_packed.h5").blocks().rows == 100);  // all of it fits a block
}

TEST_CASE("blocks of a stream are whole chunks of the file") {
  {
    RawFile file("chunks.h5");
    file.add("x", H5T_IEEE_F32LE, {100000, 10}, {999, 10}, false, false);
    file.add("y", H5T_IEEE_F32LE, {100000}, {500}, false, false);
  }
  const Index rows = stream_hdf5("chunks.h5").blocks().rows;
  CHECK(rows % 999 == 0);
  CHECK(rows * 11 * static_cast<Index>(sizeof(Scalar)) <= Index{1} << 20);
}

TEST_CASE("a file that is larger than its memory is streamed within it; what was never written is the fill value") {
  constexpr Index rows = 1000000, columns = 100;  // 400 MB of floats
  {
    RawFile file("sparse.h5");
    file.add("x", H5T_IEEE_F32LE, {static_cast<hsize_t>(rows), columns}, {2000, columns}, false, false);
    file.add("y", H5T_IEEE_F32LE, {static_cast<hsize_t>(rows)}, {}, false, false);
  }
  CHECK(std::filesystem::file_size("sparse.h5") < 1000000);
  const auto peak = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;  // in KiB
  };
  const auto before = peak();
  const Dataset data = stream_hdf5("sparse.h5");
  RowBatches batches(data, 1000, true, 1);
  Matrix x(1000, columns), y(1000, 1);
  batches.begin(0);
  Index seen = 0;
  bool right = true;
  while (batches.taken < batches.count()) {
    const std::span<const Index> taken = batches.next(0);
    data.gather(taken, MatrixView(x.data(), 1000, columns), MatrixView(y.data(), 1000, 1));
    right = right && x(999, columns - 1) == 3 && y(0, 0) == 3 && x(500, 0) == 3;
    seen += static_cast<Index>(taken.size());
  }
  CHECK(seen == rows);
  CHECK(right);
  CHECK(peak() - before < 150 * 1024);
}

TEST_CASE("errors of streams name file and dataset, and rows where data are damaged") {
  {
    RawFile file("errors.h5");
    file.add("x", H5T_IEEE_F32LE, {10, 2}, {}, false);
    file.add("short", H5T_IEEE_F32LE, {9}, {}, false);
    file.add_texts("texts");
    file.add("wide", H5T_IEEE_F64LE, {10, 1 << 13, 1 << 13}, {}, false, false);
    file.add("clump", H5T_IEEE_F64LE, {1 << 26}, {1 << 26}, false, false);
    file.add("none", H5T_IEEE_F64LE, {0, 2}, {1, 2}, false, false);
    file.add("long", H5T_IEEE_F64LE, {hsize_t{1} << 62}, {1024}, false, false);
    file.add_group("group");
    H5Lcreate_soft("/x", file.id(), "soft", H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate(H5S_SCALAR);
    H5Dclose(H5Dcreate2(file.id(), "number", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
  }
  const auto streams = [](const std::string& features, const std::string& targets) {
    return stream_hdf5("errors.h5", {.features = {features}, .targets = {targets}});
  };
  CHECK_THROWS_WITH(streams("z", "x"), "errors.h5: there is no dataset z");
  CHECK_THROWS_WITH(streams("group", "x"), "errors.h5: there is no dataset group");
  CHECK_THROWS_WITH(streams("x", "short"), "errors.h5: expected 10 rows in short, as in x, got 9");
  CHECK_THROWS_WITH(streams("texts", "x"), "errors.h5: texts holds no plain numbers of at most 64 bits");
  CHECK_THROWS_WITH(streams("wide", "x"),
                    Catch::Matchers::ContainsSubstring("errors.h5: wide has rows of no number, or of more than"));
  CHECK_THROWS_WITH(streams("clump", "x"),
                    Catch::Matchers::ContainsSubstring("errors.h5: clump is stored in chunks of more than"));
  CHECK_THROWS_WITH(streams("long", "x"), Catch::Matchers::ContainsSubstring("errors.h5: long is larger than"));
  CHECK_THROWS_WITH(streams("number", "x"), "errors.h5: number is one number, expected rows");
  CHECK_THROWS_WITH(streams("soft", "x"), Catch::Matchers::ContainsSubstring("soft or external link"));
  CHECK_THROWS_WITH(stream_hdf5("errors.h5", {.features = {"none"}, .targets = {}}),
                    Catch::Matchers::ContainsSubstring("expected at least 1 row"));
  CHECK_THROWS_AS(stream_hdf5("errors.h5", {.features = {}}), ConfigError);
  CHECK_THROWS_AS(stream_hdf5("not_there.h5"), FormatError);
  std::ofstream("text.h5") << "flow,speed\n";
  CHECK_THROWS_WITH(stream_hdf5("text.h5"), Catch::Matchers::ContainsSubstring("text.h5: is not an HDF5 file"));

  // A packed chunk whose bytes are damaged: the rows before it are read.
  {
    RawFile file("damaged.h5");
    file.add("x", H5T_IEEE_F64LE, {4000, 2}, {1000, 2}, true);
  }
  haddr_t address = 0;
  {
    const hid_t file = H5Fopen("damaged.h5", H5F_ACC_RDONLY, H5P_DEFAULT), set = H5Dopen2(file, "x", H5P_DEFAULT);
    hsize_t offset[2] = {0, 0}, size = 0;
    haddr_t at = 0;
    unsigned mask = 0;
    for (hsize_t chunk = 0; chunk < 4; ++chunk) {
      const hid_t space = H5Dget_space(set);
      REQUIRE(H5Dget_chunk_info(set, space, chunk, offset, &mask, &at, &size) >= 0);
      if (offset[0] == 2000) address = at;
      H5Sclose(space);
    }
    H5Dclose(set);
    H5Fclose(file);
  }
  {
    std::fstream file("damaged.h5", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(address));
    file << std::string(40, '\xFF');
  }
  const Streamed data = stream_hdf5("damaged.h5", {.features = {"x"}, .targets = {}, .stream = {.block_rows = 1000}});
  Matrix x(1, 2), y(1, 0);
  const auto get = [&](Index row) {
    data.gather(std::span(&row, 1), MatrixView(x.data(), 1, 2), MatrixView(y.data(), 1, 0));
  };
  get(1999);
  CHECK(x(0, 1) == 3999);
  CHECK_THROWS_WITH(get(2000), "damaged.h5: rows 2000 to 2999 of x cannot be read; the file is damaged");
  get(3000);
}

TEST_CASE("numbers in a streamed file that are not finite are named by dataset and row") {
  Matrix x = counted(10, 2), y = counted(10, 1);
  x(7, 1) = NAN;
  write_hdf5("nan.h5", {{"x", x}, {"part/y", y}});
  CHECK_THROWS_WITH(all_of(stream_hdf5("nan.h5", {.targets = {"part/y"}})),
                    "nan.h5: expected finite numbers in \"x[1]\", got nan in row 7 (counted from 0)");
  const Streamed kept = stream_hdf5("nan.h5", {.targets = {"part/y"}, .stream = {.keep_missing = true}});
  CHECK(std::isnan(all_of(kept).x(7, 1)));
}

TEST_CASE("datasets become the columns of a table") {
  {
    RawFile file("table.h5");
    file.add("flow", H5T_IEEE_F64LE, {4}, {}, false);
    file.add("id", H5T_STD_U8LE, {4}, {2}, true);
    file.add("noise", H5T_IEEE_F32LE, {4, 1}, {}, false);
    file.add("speeds", H5T_IEEE_F32LE, {4, 2}, {}, false);
    file.add_texts("note");
    file.add_group("more");
    file.add("more/cube", H5T_IEEE_F32LE, {4, 2, 2}, {}, false);
    file.add("more/short", H5T_IEEE_F32LE, {3}, {}, false);
    file.add("more/unwritten", H5T_IEEE_F64LE, {1000, 1000, 100}, {10, 10, 10}, false, false);
    H5Lcreate_soft("/flow", file.id(), "soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_hard(file.id(), "/", file.id(), "more/circle", H5P_DEFAULT, H5P_DEFAULT);
  }
  const Table table = read_hdf5("table.h5");
  CHECK(table.names() == std::vector<std::string>{"flow", "id", "noise", "speeds_0", "speeds_1"});
  CHECK(table.numbers("id") == std::vector<double>{0, 1, 2, 3});
  CHECK(table.numbers("speeds_1") == std::vector<double>{1, 3, 5, 7});
  CHECK(read_hdf5("table.h5", {"speeds"}).columns() == 2);
  CHECK_THROWS_WITH(read_hdf5("table.h5", {"more/cube"}),
                    "table.h5: expected more/cube of 1 or 2 axes for a table, got 3");
  CHECK_THROWS_WITH(read_hdf5("table.h5", {"flow", "more/short"}),
                    "table.h5: expected 4 rows in more/short, as in the first dataset, got 3");
  CHECK_THROWS_WITH(read_hdf5("table.h5", {"note"}),
                    Catch::Matchers::ContainsSubstring("table.h5: note holds no plain numbers"));
  CHECK_THROWS_WITH(read_hdf5("table.h5", {"more/unwritten"}), Catch::Matchers::ContainsSubstring("claims"));
  CHECK_THROWS_AS(read_hdf5("table.h5", {"flow", "flow"}), DataError);

  std::vector<std::string> names;
  for (const Hdf5Content& content : list_hdf5("table.h5"))
    if (content.name.find("circle") == std::string::npos) names.push_back(content.name);
  CHECK(names ==
        std::vector<std::string>{"flow", "id", "more/cube", "more/short", "more/unwritten", "noise", "speeds"});
  CHECK(list_hdf5("table.h5")[0].dimensions == std::vector<Index>{4});
}

namespace {

/// Columns of which one has a name that is not ASCII, as h5py writes it: HDF5 then keeps links in a form of its own,
/// and from nine on outside of the group's header.
std::string umlaut_file(int columns) {
  const std::string path = fmt::format("umlaut_{}.h5", columns);
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t utf8 = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_char_encoding(utf8, H5T_CSET_UTF8);
  const hsize_t rows = 2;
  const hid_t two = H5Screate_simple(1, &rows, nullptr);
  for (int i = 0; i < columns; ++i) {
    const std::string name = i == 0 ? "größe" : fmt::format("column_{}", i);
    const std::vector<double> numbers{static_cast<double>(i), i + 0.5};
    const hid_t set =
        H5Dcreate2(file, name.c_str(), H5T_IEEE_F64LE, two, i == 0 ? utf8 : H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    REQUIRE(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers.data()) >= 0);
    H5Dclose(set);
  }
  H5Sclose(two);
  H5Pclose(utf8);
  H5Fclose(file);
  return path;
}

}  // namespace

TEST_CASE("groups with a name that is not ASCII are read, of some thousand members, too") {
  for (const int columns : {8, 9, 12, 50, 400, 2000}) {
    INFO(columns);
    const Table table = read_hdf5(umlaut_file(columns));
    CHECK(table.columns() == columns);
    CHECK(table.numbers("größe") == std::vector<double>{0, 0.5});
    const int last = columns - 1;
    CHECK(table.numbers(fmt::format("column_{}", last)) == std::vector<double>{last * 1.0, last + 0.5});
  }
}

TEST_CASE("every byte of a store of links may be anything") {
  for (const int columns : {12, 80}) {
    std::ifstream whole(umlaut_file(columns), std::ios::binary);
    const std::string good{std::istreambuf_iterator<char>(whole), std::istreambuf_iterator<char>()};
    int refused = 0;
    for (std::size_t at = good.find("BTHD"); at < good.size(); at += columns == 12 ? 17 : 101) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(~bytes[at]);
      std::ofstream("umlaut_damaged.h5", std::ios::binary) << bytes;
      try {
        read_hdf5("umlaut_damaged.h5");
      } catch (const Error&) {
        ++refused;
      }
    }
    CHECK(refused > 10);
  }
}

TEST_CASE("matrices are written for others to read") {
  write_hdf5("written.h5", {{"x", counted(3, 2)}, {"a/b/y", counted(3, 1)}});
  CHECK(read_hdf5("written.h5", {"a/b/y"}).numbers("a/b/y") == std::vector<double>{0, 1, 2});
  CHECK(read_hdf5("written.h5", {"x", "a/b/y"}).names() == std::vector<std::string>{"x_0", "x_1", "a/b/y"});
  CHECK(all_of(stream_hdf5("written.h5", {.targets = {"a/b/y"}})).x == counted(3, 2));
  CHECK_THROWS_AS(write_hdf5("written.h5", {{"x", counted(1, 1)}, {"x", counted(1, 1)}}), ConfigError);
  for (const std::string name : {"", "/x", "x/", "a//b", "a/./b"})
    CHECK_THROWS_AS(write_hdf5("written.h5", {{name, counted(1, 1)}}), ConfigError);
  CHECK_THROWS_AS(write_hdf5("no/such/folder.h5", {{"x", counted(1, 1)}}), FormatError);
}

TEST_CASE("rows of an HDF5 file are the same rows each time it is read") {
  Matrix x(40, 2);
  for (Index row = 0; row < 40; ++row) x.row(row) << static_cast<Scalar>(row), static_cast<Scalar>(row % 7);
  write_hdf5("judged.h5", {{"x", x}, {"y", x.col(0)}});
  const TimeSplit split = split_by_time(40, 0, 0.25);
  const Step whole = Step(Standard{.columns = {"x_1"}}).fit(read_hdf5("judged.h5"));
  CHECK_THROWS_WITH(whole.apply(split.test.of(read_hdf5("judged.h5", {"x", "y"}))),
                    Catch::Matchers::ContainsSubstring(
                        "got 10 rows that are held out for validation or test, of which 10, the first of "
                        "them row 30 (counted from 0)"));
  const Step trained = Step(Standard{.columns = {"x_1"}}).fit(split.train.of(read_hdf5("judged.h5")));
  CHECK_NOTHROW(trained.apply(split.test.of(read_hdf5("judged.h5"))));
}
