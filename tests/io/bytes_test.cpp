#include "io/bytes.hpp"

#include <unistd.h>

#include "fixtures.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace fixtures;

TEST_CASE("bytes of files, of parts of them and of memory read the same") {
  write_bytes("bytes.bin", "0123456789");
  const io::BytesPointer file = io::open_bytes("bytes.bin"), held = io::held_bytes("0123456789");
  for (const io::BytesPointer& whole : {file, held}) {
    CHECK(whole->size() == 10);
    CHECK(whole->text(8, 2, "here") == "89");
    CHECK(whole->has(3, "345"));
    CHECK_FALSE(whole->has(3, "346"));
    CHECK_FALSE(whole->has(9, "9a"));
    CHECK_THROWS_WITH(whole->text(9, 2, "here"), "here: ends before byte 11");
    char out = 0;
    CHECK_FALSE(whole->read(~std::uint64_t{0}, &out, 1));
    const io::BytesPointer part = io::part_of(whole, 2, 5);
    CHECK(part->size() == 5);
    CHECK(part->text(0, 5, "part") == "23456");
    CHECK_FALSE(part->read(5, &out, 1));
    CHECK_THROWS_AS(io::part_of(whole, 6, 5), FormatError);
  }
  ::unlink("bytes.bin");
}

TEST_CASE("a file that is shortened while it is read gives no bytes, and no crash") {
  write_bytes("shrinks.bin", std::string(100000, 'x'));
  const io::BytesPointer file = io::open_bytes("shrinks.bin");
  CHECK(::truncate("shrinks.bin", 10) == 0);
  std::string out(1000, '\0');
  CHECK_FALSE(file->read(50000, out.data(), out.size()));
  CHECK_THROWS_WITH(file->text(50000, 1000, "here"), "here: cannot be read");
  ::unlink("shrinks.bin");
}
