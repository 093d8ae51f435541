// After "HDF5 File Format Specification Version 3.0", sections III.A.2 and III.G.
#include "io/hdf5_link_store.hpp"

#include <algorithm>
#include <initializer_list>

namespace maas::inline MAAS_ABI::io {

namespace {

// What H5Gpkg.h of HDF5 has for the links of a group.
constexpr std::uint64_t heap_columns = 4, first_block = 512, largest_block = 65536, heap_bits = 32;
constexpr std::uint64_t heap_id = 7, largest_message = 4096;
constexpr std::uint64_t node_size = 512, record_size = 4 + heap_id;
constexpr std::uint64_t names_tree = 5;  // as types of trees are numbered

constexpr std::uint64_t block_head = 4 + 1 + 8 + heap_bits / 8;
constexpr std::uint64_t most_in_leaf = (node_size - 10) / record_size;
// A node above others has after each address how many records that one has, and above the leaves' parents how many
// stand below it in all.
constexpr std::uint64_t most_in_inner(std::uint64_t depth) {
  const std::uint64_t pointer = depth == 1 ? 9 : 11;
  return (node_size - 10 - pointer) / (record_size + pointer);
}

/// Rows of a heap have blocks of one size: the first two the smallest, each row after them twice the one before it.
/// Those after most_rows would have larger ones than HDF5 makes.
constexpr std::uint64_t most_rows = 9;
static_assert(first_block << (most_rows - 2) == largest_block);
std::uint64_t block_of_row(std::uint64_t row) { return first_block << (row == 0 ? 0 : row - 1); }

struct Expected {
  std::size_t bytes;
  std::uint64_t number;
};

void expect_numbers(Field& field, std::initializer_list<Expected> numbers) {
  for (const Expected& each : numbers)
    field.expect(field.number(each.bytes) == each.number, "links in a store of another form than HDF5 makes for them");
}

std::uint32_t rotated(std::uint32_t x, int bits) { return x << bits | x >> (32 - bits); }

// Bob Jenkins' lookup3, by which HDF5 sums up structures.
std::uint32_t sum_of(std::string_view bytes) {
  const auto start = static_cast<std::uint32_t>(0xdeadbeef + bytes.size());
  std::uint32_t a = start, b = start, c = start;
  const auto word = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = std::min<std::size_t>(bytes.size(), at + 4); i-- > at;)
      value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
  };
  const auto add = [&] { a += word(0), b += word(4), c += word(8); };
  for (; bytes.size() > 12; bytes.remove_prefix(12)) {
    add();
    a -= c, a ^= rotated(c, 4), c += b;
    b -= a, b ^= rotated(a, 6), a += c;
    c -= b, c ^= rotated(b, 8), b += a;
    a -= c, a ^= rotated(c, 16), c += b;
    b -= a, b ^= rotated(a, 19), a += c;
    c -= b, c ^= rotated(b, 4), b += a;
  }
  if (bytes.empty()) return c;
  add();
  c ^= b, c -= rotated(b, 14);
  a ^= c, a -= rotated(c, 11);
  b ^= a, b -= rotated(a, 25);
  c ^= b, c -= rotated(b, 16);
  a ^= c, a -= rotated(c, 4);
  b ^= a, b -= rotated(a, 14);
  c ^= b, c -= rotated(b, 24);
  return c;
}

/// HDF5 1.10 reads beyond its memory where a sum is wrong, so that none may reach it. `bytes` are those that are summed
/// up; `field` stands before the sum.
void expect_sum(Field& field, std::string_view bytes) {
  field.expect(field.number(4) == sum_of(bytes), "a structure whose sum is another than it says");
}

/// The sum of all that was read of it follows.
void expect_sum_of_read(Field& field) { expect_sum(field, field.read()); }

}  // namespace

// A structure that ends with its sum. Its signature is read.
Field LinkStore::summed(const Field& from, std::uint64_t at, std::uint64_t size, std::string_view signature) {
  Field whole = bytes_(from, at, size, "");
  const std::string_view bytes = whole.rest().substr(0, static_cast<std::size_t>(size) - 4);
  Field end = whole.part_at(bytes.size(), 4);
  whole.expect(bytes.starts_with(signature), "expected the start of another structure");
  expect_sum(end, bytes);
  whole.skip(signature.size());
  return whole;
}

std::vector<Field> LinkStore::messages(const Field& from, std::uint64_t heap, std::uint64_t tree) {
  read_heap(from, heap);
  read_tree(from, tree);
  return std::move(messages_);
}

void LinkStore::read_heap(const Field& from, std::uint64_t address) {
  Field head = summed(from, address, 146, "FRHP");
  expect_numbers(head, {{1, 0}, {2, heap_id}, {2, 0}, {1, 2}, {4, largest_message}});
  head.skip(8);
  expect_numbers(head, {{8, no_address}});
  head.skip(6 * 8);  // free space, which only a writer looks at, and how much there is of all
  expect_numbers(head, {{8, 0},
                        {8, 0},
                        {8, 0},
                        {8, 0},
                        {2, heap_columns},
                        {8, first_block},
                        {8, largest_block},
                        {2, heap_bits},
                        {2, 1}});
  const std::uint64_t root = head.address(), rows = head.number(2);
  head.expect(rows <= most_rows, "more links in a group than are read");
  if (rows == 0)
    read_block(head, address, root, 0, first_block);
  else
    read_blocks(head, address, root, rows);
}

void LinkStore::read_blocks(const Field& from, std::uint64_t heap, std::uint64_t address, std::uint64_t rows) {
  Field list = summed(from, address, block_head + rows * heap_columns * 8 + 4, "FHIB");
  expect_numbers(list, {{1, 0}, {8, heap}, {heap_bits / 8, 0}});
  std::uint64_t start = 0;
  for (std::uint64_t row = 0; row < rows; ++row)
    for (std::uint64_t column = 0; column < heap_columns; ++column) {
      const std::uint64_t block = list.address(), size = block_of_row(row);
      if (block != no_address) read_block(list, heap, block, start, size);
      start += size;
    }
}

void LinkStore::read_block(const Field& from, std::uint64_t heap, std::uint64_t address, std::uint64_t start,
                           std::uint64_t size) {
  Field block = bytes_(from, address, size, "");
  std::string without_sum(block.rest());
  block.expect(without_sum.starts_with("FHDB"), "expected the start of another structure");
  std::fill_n(without_sum.begin() + block_head, 4, '\0');
  block.skip(4);
  expect_numbers(block, {{1, 0}, {8, heap}, {heap_bits / 8, start}});
  expect_sum(block, without_sum);
  blocks_.emplace_back(start + block_head + 4, std::move(block));
}

void LinkStore::read_tree(const Field& from, std::uint64_t address) {
  Field head = summed(from, address, 38, "BTHD");
  expect_numbers(head, {{1, 0}, {1, names_tree}, {4, node_size}, {2, record_size}});
  const std::uint64_t depth = head.number(2);
  head.expect(depth <= 2, "more links in a group than are read");
  head.skip(2);
  const std::uint64_t root = head.address(), records = head.number(2), all = head.number(8);
  if (depth > 0)
    read_inner_node(head, root, records, depth);
  else if (records > 0 || root != no_address)
    read_leaf(head, root, records);
  head.expect(messages_.size() == all, "another number of links than the group says");
}

void LinkStore::read_inner_node(const Field& from, std::uint64_t address, std::uint64_t records, std::uint64_t depth) {
  Field node = read_records(from, address, "BTIN", records, most_in_inner(depth));
  for (std::uint64_t i = 0; i <= records; ++i) {
    const std::uint64_t child = node.address(), count = node.number(1);
    if (depth == 1) {
      read_leaf(node, child, count);
      continue;
    }
    const std::size_t before = messages_.size();
    const std::uint64_t all = node.number(2);
    read_inner_node(node, child, count, depth - 1);
    node.expect(messages_.size() - before == all, "another number of links than the group says");
  }
  expect_sum_of_read(node);
}

void LinkStore::read_leaf(const Field& from, std::uint64_t address, std::uint64_t records) {
  Field node = read_records(from, address, "BTLF", records, most_in_leaf);
  expect_sum_of_read(node);
}

// The records that both kinds of nodes begin with.
Field LinkStore::read_records(const Field& from, std::uint64_t address, std::string_view signature,
                              std::uint64_t records, std::uint64_t most) {
  Field node = bytes_(from, address, node_size, signature);
  expect_numbers(node, {{1, 0}, {1, names_tree}});
  node.expect(records <= most, "a B-tree with too many entries");
  for (std::uint64_t i = 0; i < records; ++i) read_record(node);
  return node;
}

void LinkStore::read_record(Field& node) {
  node.skip(4);  // what the name adds up to, by which it is found
  expect_numbers(node, {{1, 0}});
  const std::uint64_t start = node.number(heap_bits / 8), size = node.number(2);
  const auto behind = std::ranges::find_if(blocks_, [&](const auto& each) { return each.first > start; });
  node.expect(behind != blocks_.begin(), "a link outside its store");
  const auto& [from, block] = *std::prev(behind);
  node.expect(size <= largest_message && start - from <= block.left() && size <= block.left() - (start - from),
              "a link outside its store");
  messages_.push_back(block.part_at(static_cast<std::size_t>(start - from), static_cast<std::size_t>(size)));
}

}  // namespace maas::inline MAAS_ABI::io
