#include "fuzz/mutator.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

#include "io/bytes.hpp"
#include "io/zip_archive.hpp"
#include "maas/core/error.hpp"

namespace maas::inline MAAS_ABI::fuzz {

std::uint64_t Draw::below(std::uint64_t count) {
  const auto drawn = static_cast<std::uint64_t>(random_.uniform(drawn_++) * static_cast<double>(count));
  return std::min(drawn, count - 1);
}

namespace {

constexpr std::string_view hdf5_start = "\x89HDF\r\n\x1a\n", zip_start = "PK\x03\x04";
// What the structures of HDF5 begin with; a superblock's fields follow its start.
constexpr std::string_view signatures[] = {hdf5_start, "TREE", "SNOD", "HEAP", "GCOL"};

void put(std::string& file, std::uint64_t at, std::uint64_t value, std::uint64_t size) {
  for (std::uint64_t i = 0; i < size && at + i < file.size(); ++i)
    file[static_cast<std::size_t>(at + i)] = static_cast<char>(value >> (8 * i) & 0xFF);
}

std::vector<std::size_t> places_of(const std::string& file, std::string_view text) {
  std::vector<std::size_t> places;
  for (std::size_t at = file.find(text); at != std::string::npos && places.size() < 1000; at = file.find(text, at + 1))
    places.push_back(at);
  return places;
}

std::vector<std::size_t> structures_of(const std::string& file) {
  std::vector<std::size_t> all;
  for (std::string_view signature : signatures) {
    const std::vector<std::size_t> places = places_of(file, signature);
    all.insert(all.end(), places.begin(), places.end());
  }
  return all;
}

// A number that may be an address, a size or a count, and wrong as one.
std::uint64_t odd_number(const std::string& file, Draw& draw) {
  const std::vector<std::size_t> structures = structures_of(file);
  switch (draw.below(8)) {
    case 0:
      return 0;
    case 1:
      return ~std::uint64_t{0};
    case 2:
      return draw.below(256);
    case 3:
      return draw.below(file.size() + 16);
    case 4:
      return file.size() - draw.below(64);
    case 5:
      return std::uint64_t{1} << draw.below(64);
    case 6:
      return structures.empty() ? 8 : structures[draw.below(structures.size())];
    default:
      return (std::uint64_t{1} << draw.below(64)) - 1 - draw.below(8);
  }
}

void change_bytes(std::string& file, Draw& draw) {
  if (file.empty()) return;
  put(file, draw.below(file.size()), odd_number(file, draw), std::uint64_t{1} << draw.below(4));
}

void cut(std::string& file, Draw& draw) { file.resize(draw.below(file.size() + 1)); }

void copy_run(std::string& file, Draw& draw) {
  if (file.size() < 16) return;
  const std::uint64_t size = 1 + draw.below(std::min<std::uint64_t>(64, file.size() / 2));
  const std::string run = file.substr(draw.below(file.size() - size), size);
  file.replace(draw.below(file.size() - size), size, run);
}

// ---- JSON ----

constexpr std::string_view odd_words[] = {"-1",
                                          "0",
                                          "1e308",
                                          "2147483648",
                                          "9223372036854775807",
                                          "18446744073709551616",
                                          "0.5",
                                          "null",
                                          "true",
                                          "\"\"",
                                          "\"Dense\"",
                                          "\"Lambda\"",
                                          "\"Sequential\"",
                                          "\"Functional\"",
                                          "\"Embedding\"",
                                          "\"Reshape\"",
                                          "\"relu\"",
                                          "\"float64\"",
                                          "{}",
                                          "[]",
                                          "[[[]]]",
                                          "[null, 3]",
                                          "\"\\ud800\"",
                                          "\"..\""};

bool ends_word(char c) { return std::string_view(",:[]{} \"").find(c) != std::string_view::npos; }

// A word is what stands between two marks: a number, a text, a name of a setting.
std::pair<std::size_t, std::size_t> word_at(const std::string& text, std::size_t at) {
  std::size_t first = at, last = at;
  while (first > 0 && !ends_word(text[first - 1])) --first;
  while (last < text.size() && !ends_word(text[last])) ++last;
  return {first, last - first};
}

void change_text(std::string& text, Draw& draw) {
  if (text.empty()) return;
  const auto [first, size] = word_at(text, draw.below(text.size()));
  switch (draw.below(5)) {
    case 0:
      text.replace(first, size, odd_words[draw.below(std::size(odd_words))]);
      break;
    case 1: {  // another word of the same text
      const auto [other, other_size] = word_at(text, draw.below(text.size()));
      text.replace(first, size, std::string(text.substr(other, other_size)));
      break;
    }
    case 2:  // a run once more
      text.insert(first, text.substr(first, draw.below(200)));
      break;
    case 3:
      text.erase(first, draw.below(60));
      break;
    default:
      text[draw.below(text.size())] = "0123456789,:[]{}\"\\-e. "[draw.below(23)];
  }
}

// ---- HDF5 ----

// Texts in HDF5 files keep their length: what is longer is cut, what is shorter gets blanks, which JSON passes over.
void change_text_inside(std::string& file, Draw& draw) {
  const std::vector<std::size_t> starts = places_of(file, "{\"");
  if (starts.empty()) return change_bytes(file, draw);
  const std::size_t first = starts[draw.below(starts.size())];
  std::size_t last = first;
  while (last < file.size() && static_cast<unsigned char>(file[last]) >= 32) ++last;
  std::string text = file.substr(first, last - first);
  change_text(text, draw);
  text.resize(last - first, ' ');
  file.replace(first, last - first, text);
}

void change_structure(std::string& file, Draw& draw) {
  const std::vector<std::size_t> structures = structures_of(file);
  if (structures.empty()) return change_bytes(file, draw);
  const std::uint64_t at = structures[draw.below(structures.size())] + 4 + draw.below(64);
  const std::uint64_t size = std::uint64_t{1} << draw.below(4);
  put(file, draw.one_in(3) ? at : at / 8 * 8, odd_number(file, draw), size);
}

// Most fields of object headers stand within the first quarter of small files.
void change_header(std::string& file, Draw& draw) {
  if (file.empty()) return;
  put(file, draw.below(file.size()) / 8 * 8, odd_number(file, draw), std::uint64_t{1} << draw.below(4));
}

void change_hdf5(std::string& file, Draw& draw) {
  switch (draw.below(8)) {
    case 0:
    case 1:
    case 2:
      return change_structure(file, draw);
    case 3:
    case 4:
      return change_text_inside(file, draw);
    case 5:
      return change_header(file, draw);
    case 6:
      return copy_run(file, draw);
    default:
      return draw.one_in(4) ? cut(file, draw) : change_bytes(file, draw);
  }
}

// ---- Archives ----

using Members = std::vector<std::pair<std::string, std::string>>;

Members members_of(const std::string& file) {
  Members members;
  const io::ZipReader archive(io::held_bytes(file), "archive");
  for (const std::string& name : archive.names()) {
    const io::BytesPointer member = archive.member(name, std::uint64_t{1} << 24);
    members.emplace_back(name, member->text(0, static_cast<std::size_t>(member->size()), "archive"));
  }
  return members;
}

std::string packed(const Members& members) {
  const std::string path = "mutated-" + std::to_string(::getpid()) + ".keras";
  {
    io::ZipWriter archive(path, path);
    for (const auto& [name, content] : members) archive.add(name, content);
    archive.close();
  }
  std::ifstream stream(path, std::ios::binary);
  std::string file{std::istreambuf_iterator<char>(stream), {}};
  ::unlink(path.c_str());
  return file;
}

void change_member(std::string& file, Draw& draw) {
  try {
    Members members = members_of(file);
    if (members.empty()) return;
    auto& [name, content] = members[draw.below(members.size())];
    if (draw.one_in(30))
      name = draw.one_in(2) ? "../config.json" : "config.json";
    else
      content = mutated(content, draw);
    file = packed(members);
  } catch (const Error&) {  // changed already so that it is no archive
    change_bytes(file, draw);
  }
}

void change_archive(std::string& file, Draw& draw) {
  if (!draw.one_in(4)) return change_member(file, draw);
  const std::vector<std::size_t> parts = places_of(file, "PK");
  if (parts.empty() || draw.one_in(3)) return change_bytes(file, draw);
  put(file, parts[draw.below(parts.size())] + 2 + draw.below(48), odd_number(file, draw),
      std::uint64_t{1} << draw.below(3));
}

void change(std::string& file, Draw& draw) {
  if (file.starts_with(hdf5_start)) return change_hdf5(file, draw);
  if (file.starts_with(zip_start)) return change_archive(file, draw);
  if (file.starts_with("{")) return change_text(file, draw);
  return draw.one_in(4) ? cut(file, draw) : change_bytes(file, draw);
}

}  // namespace

std::string mutated(const std::string& file, Draw& draw) {
  std::string result = file;
  for (std::uint64_t changes = 1 + draw.below(4); changes-- > 0;) change(result, draw);
  return result;
}

}  // namespace maas::inline MAAS_ABI::fuzz
