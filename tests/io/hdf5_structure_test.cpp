// The check of HDF5 files that stands before HDF5's library.
#include "io/hdf5_structure.hpp"

#include <limits>

#include "fixtures.hpp"
#include "io/hdf5_file.hpp"
#include "support/catch.hpp"

using namespace maas;
using fixtures::bytes_of;

namespace {

const std::string good = MAAS_FIXTURES_DIR "/io/trained.k2.h5";

/// What the check says of these bytes; "" if it lets them pass.
std::string said_of(std::string bytes) {
  try {
    io::check_structure(*io::held_bytes(std::move(bytes)), "f.h5");
  } catch (const FormatError& error) {
    return error.what();
  }
  return "";
}

void write(std::string& bytes, std::size_t at, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i) & 0xFF);
}

std::uint64_t number_at(const std::string& bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

/// The bytes of the good file with a number of 8 bytes written at `offset` behind the first of some signature.
std::string with(std::string_view signature, std::size_t offset, std::uint64_t value, std::size_t size = 8) {
  std::string bytes = bytes_of(good);
  const std::size_t start = bytes.find(signature);
  REQUIRE(start != std::string::npos);
  write(bytes, start + offset, value, size);
  return bytes;
}

constexpr std::uint64_t far_away = std::uint64_t{1} << 40;

}  // namespace

TEST_CASE("a good HDF5 file passes the check") {
  CHECK(said_of(bytes_of(good)) == "");
  CHECK(said_of(bytes_of(MAAS_FIXTURES_DIR "/io/model.weights.h5")) == "");
}

TEST_CASE("addresses that lead beyond the end of an HDF5 file are refused") {
  const std::string beyond = "beyond the end";
  // The superblock's root, a heap's data, a tree's first child, a symbol table's first object.
  CHECK_THAT(said_of(with("\x89HDF", 64, far_away)), Catch::Contains(beyond));
  CHECK_THAT(said_of(with("HEAP", 24, far_away)), Catch::Contains(beyond));
  CHECK_THAT(said_of(with("TREE", 32, far_away)), Catch::Contains(beyond));
  CHECK_THAT(said_of(with("SNOD", 16, far_away)), Catch::Contains(beyond));
  CHECK_THAT(said_of(with("HEAP", 8, std::numeric_limits<std::uint64_t>::max())), Catch::Contains(beyond));
  CHECK_THAT(said_of(with("GCOL", 8, far_away)), Catch::Contains(beyond));
  CHECK_THAT(said_of(with("\x89HDF", 40, far_away)), Catch::Contains("is cut off"));
}

TEST_CASE("circles in an HDF5 file are refused") {
  std::string bytes = bytes_of(good);
  const std::size_t tree = bytes.find("TREE");
  // A tree whose first child is the tree.
  CHECK_THAT(said_of(with("TREE", 32, tree)), Catch::Contains("damaged"));
  // The same, where its level says that its children are trees.
  bytes = with("TREE", 32, tree);
  write(bytes, tree + 5, 1, 1);
  CHECK_THAT(said_of(bytes), Catch::Contains("in a circle"));
  // A heap whose one free block is followed by itself.
  bytes = bytes_of(good);
  const std::size_t heap = bytes.find("HEAP");
  const std::uint64_t data = number_at(bytes, heap + 24);
  write(bytes, heap + 16, 0, 8);
  write(bytes, data, 0, 8);
  write(bytes, data + 8, 16, 8);
  CHECK_THAT(said_of(bytes), Catch::Contains("lead in a circle"));
}

TEST_CASE("counts that are too large for their place are refused") {
  CHECK_THAT(said_of(with("TREE", 6, 0xFFFF, 2)), Catch::Contains("too many entries"));
  CHECK_THAT(said_of(with("SNOD", 6, 0xFFFF, 2)), Catch::Contains("too many entries"));
  CHECK_THAT(said_of(with("SNOD", 8, far_away)), Catch::Contains("a name outside its heap"));
  CHECK_THAT(said_of(with("\x89HDF", 13, 4, 1)), Catch::Contains("addresses and sizes of 8 bytes"));
  CHECK_THAT(said_of(with("GCOL", 4, 2, 1)), Catch::Contains("unknown version"));
}

TEST_CASE("every byte of an HDF5 file may be anything: the check and the reader stand it") {
  const std::string whole = bytes_of(good);
  std::size_t passed = 0, read = 0;
  for (std::size_t at = 0; at < whole.size(); at += 3) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(~bytes[at]);
    if (!said_of(bytes).empty()) continue;
    ++passed;
    try {
      const io::Hdf5Reader file(io::held_bytes(std::move(bytes)), "f.h5");
      file.text("", "model_config");
      file.names("model_weights", "layer_names");
      ++read;
    } catch (const FormatError&) {
    }
  }
  CHECK(passed > whole.size() / 30);  // most bytes are weights and texts
  CHECK(read > 0);
  CHECK(passed < whole.size() / 3);
}
