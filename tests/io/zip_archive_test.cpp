#include "io/zip_archive.hpp"

#include <unistd.h>

#include "fixtures.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace fixtures;
using io::ZipReader;
using io::ZipWriter;

namespace {

constexpr std::uint64_t unlimited = ~std::uint64_t{0};

// An archive of two members behind what the file holds already.
void write_archive(const std::string& path, const std::string& before) {
  write_bytes(path, before);
  const std::string large(100000, 'x');
  ZipWriter writer(path, path);
  writer.add("small", "a text");
  writer.add("large", large);
  writer.close();
}

std::string text_of(const io::BytesPointer& bytes) {
  return bytes->text(0, static_cast<std::size_t>(bytes->size()), "member");
}

}  // namespace

TEST_CASE("members of an archive are read from any place in it") {
  write_archive("made.zip", "");
  const ZipReader reader(io::open_bytes("made.zip"), "made.zip");
  CHECK(reader.names() == std::vector<std::string>{"small", "large"});
  CHECK(reader.has("small"));
  CHECK_FALSE(reader.has("smal"));
  const io::BytesPointer small = reader.member("small", 100), large = reader.member("large", unlimited);
  CHECK(text_of(small) == "a text");
  CHECK(small->text(2, 4, "member") == "text");
  CHECK(small->text(0, 1, "member") == "a");
  CHECK(text_of(large) == std::string(100000, 'x'));
  char out = 0;
  CHECK_FALSE(small->read(6, &out, 1));
  CHECK_THROWS_WITH(reader.member("large", 99999), "made.zip: large: is larger than 99999 bytes");
  CHECK_THROWS_WITH(reader.member("other", 1), "made.zip: there is no other in the archive");
  ::unlink("made.zip");
}

TEST_CASE("a member outlives the reader that it is from") {
  write_archive("made.zip", "");
  const io::BytesPointer small = ZipReader(io::open_bytes("made.zip"), "made.zip").member("small", 100);
  ::unlink("made.zip");
  CHECK(text_of(small) == "a text");
}

TEST_CASE("an archive behind other bytes counts from the start of the file") {
  write_archive("behind.zip", "twenty bytes of other");
  CHECK(bytes_of("behind.zip").starts_with("twenty bytes of otherPK"));
  const ZipReader reader(io::open_bytes("behind.zip"), "behind.zip");
  CHECK(text_of(reader.member("small", 100)) == "a text");
  CHECK(text_of(reader.member("large", unlimited)) == std::string(100000, 'x'));
  ::unlink("behind.zip");
}

TEST_CASE("the same members give the same archive") {
  write_archive("one.zip", "");
  write_archive("two.zip", "");
  CHECK(bytes_of("one.zip") == bytes_of("two.zip"));
  ::unlink("one.zip");
  ::unlink("two.zip");
}

TEST_CASE("archives that are damaged are refused, and members, too") {
  write_archive("made.zip", "");
  const std::string whole = bytes_of("made.zip");
  ::unlink("made.zip");
  for (std::size_t size : {std::size_t{4}, whole.size() / 2, whole.size() - 1})
    CHECK_THROWS_WITH(ZipReader(io::held_bytes(whole.substr(0, size)), "cut.zip"),
                      Catch::StartsWith("cut.zip: is a zip archive that is cut off or damaged: "));
  std::string changed = whole;
  changed[changed.find("a text") + 2] = 'T';
  const ZipReader reader(io::held_bytes(changed), "changed.zip");
  CHECK_THROWS_WITH(reader.member("small", 100), "changed.zip: small: is damaged: its checksum or its size is wrong");
  CHECK(text_of(reader.member("large", unlimited)).size() == 100000);
}
