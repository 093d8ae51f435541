// After "HDF5 File Format Specification Version 3.0", sections II to IV.
#include "io/hdf5_structure.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "io/hdf5_link_store.hpp"
#include "io/hdf5_messages.hpp"

namespace maas::inline MAAS_ABI::io {

namespace {

constexpr std::uint64_t most_objects = 1000000;
constexpr std::size_t longest_path = 1000;  // of those in messages
constexpr std::uint64_t deepest_tree = 32;
constexpr std::uint64_t chunk_tree_width = 32;  // where superblock 0 says nothing else

// Types of messages, as they are numbered in files.
enum Message : std::uint64_t {
  nothing = 0x00,
  space = 0x01,
  link_info = 0x02,
  type = 0x03,
  old_fill_value = 0x04,
  fill_value = 0x05,
  link = 0x06,
  external_files = 0x07,
  layout = 0x08,
  group_info = 0x0A,
  filters = 0x0B,
  attribute = 0x0C,
  comment = 0x0D,
  old_time = 0x0E,
  continuation = 0x10,
  symbol_table = 0x11,
  time = 0x12,
  tree_widths = 0x13,
  attribute_info = 0x15,
  references = 0x16
};

// What an object's messages say together.
struct ObjectParts {
  std::optional<StoredSpace> space;
  std::optional<StoredType> type;
  std::optional<StoredLayout> layout;
};

class Structure {
 public:
  Structure(const Bytes& bytes, const std::string& shown) : bytes_(bytes), shown_(shown) {}

  void check() {
    read_superblock();
    while (!waiting_.empty()) {
      const auto [address, path] = std::move(waiting_.back());
      waiting_.pop_back();
      where_ = shown_ + ": " + (path.empty() ? "/" : path);
      path_ = path;
      read_object(address);
    }
    where_ = shown_;
    if (root_table_) {
      const auto found = tables_.find(root_);
      // A name that is not ASCII takes the table from a root that had one; HDF5 leaves what the superblock says as it
      // is.
      const bool without = found == tables_.end() && new_groups_.contains(root_);
      field(root_, 1).expect(without || (found != tables_.end() && found->second == *root_table_),
                             "a root group that is another than the superblock says");
    }
  }

 private:
  // ---- Bytes ----

  Field field(std::uint64_t at, std::uint64_t size) const {
    require<FormatError>(at <= bytes_.size() && size <= bytes_.size() - at,
                         "{}: damaged: {} bytes at byte {} lie beyond the end", where_, size, at);
    return Field(bytes_.text(at, static_cast<std::size_t>(size), where_), where_, at);
  }

  Field field(std::uint64_t at, std::uint64_t size, std::string_view signature) const {
    Field result = field(at, size);
    result.expect(result.rest().starts_with(signature), "expected the start of another structure");
    result.skip(signature.size());
    return result;
  }

  void expect_inside(const Field& from, std::uint64_t at, std::uint64_t size) const {
    from.expect(at <= bytes_.size() && size <= bytes_.size() - at, "leads beyond the end of the file");
  }

  // True the first time; a second path to what must have only one is an error.
  void visit_once(const Field& from, std::uint64_t address) {
    from.expect(once_.insert(address).second, "leads to a place that belongs to something else, or in a circle");
  }

  // ---- Superblock and groups ----

  void read_superblock() {
    where_ = shown_;
    Field head = field(0, std::min<std::uint64_t>(bytes_.size(), 104), "\x89HDF\r\n\x1a\n");
    const std::uint64_t version = head.number(1);
    head.expect(version <= 3, "a superblock of an unknown version");
    if (version <= 1)
      read_old_superblock(head, version);
    else
      read_new_superblock(head);
  }

  void check_sizes(Field& head) const {
    head.expect(head.number(1) == 8 && head.number(1) == 8, "expected addresses and sizes of 8 bytes");
  }

  void check_base_and_end(const Field& head, std::uint64_t base, std::uint64_t end) const {
    head.expect(base == 0, "expected a file without a block of the user's before it");
    head.expect(end <= bytes_.size(), "is cut off: the file is shorter than it says");
  }

  void read_old_superblock(Field& head, std::uint64_t version) {
    head.skip(4);  // versions of free space and root group
    check_sizes(head);
    head.skip(1);
    leaf_width_ = head.number(2);
    node_width_ = head.number(2);
    head.expect(leaf_width_ >= 1 && node_width_ >= 1, "B-trees of no width");
    head.skip(4);
    if (version == 1) {
      chunk_width_ = head.number(2);
      head.expect(chunk_width_ >= 1, "B-trees of no width");
      head.skip(2);
    }
    const std::uint64_t base = head.address();
    head.expect(head.address() == no_address, "free space kept in the file, which is not read");
    check_base_and_end(head, base, head.address());
    head.expect(head.address() == no_address, "expected a file in one piece");
    read_entry(head, nullptr, "");
  }

  void read_new_superblock(Field& head) {
    check_sizes(head);
    head.skip(1);
    const std::uint64_t base = head.address();
    head.expect(head.address() == no_address, "extensions of the superblock, which are not read");
    check_base_and_end(head, base, head.address());
    add_object(head, head.address(), "");
  }

  void add_object(const Field& from, std::uint64_t address, std::string path) {
    from.expect(address < bytes_.size(), "leads beyond the end of the file");
    if (!objects_.insert(address).second) return;  // several hard links may lead to one object
    from.expect(objects_.size() <= most_objects, "too many objects");
    if (path.size() > longest_path) path = "...";
    waiting_.emplace_back(address, std::move(path));
  }

  // One link of an old group: its name lies in the heap, of which the root has none.
  void read_entry(Field& entry, const std::string* heap, const std::string& path) {
    const std::uint64_t name = entry.address(), object = entry.address(), cached = entry.number(4);
    entry.skip(4);
    Field cache = entry.part(16);
    std::string member;
    if (heap != nullptr) member = text_in(entry, *heap, name);
    entry.expect(cached <= 2, "a link of an unknown kind");
    if (cached == 2) {  // a soft link, which is not followed
      entry.expect(heap != nullptr, "a root that is a soft link");
      text_in(entry, *heap, cache.number(4));
      return;
    }
    add_object(entry, object, heap == nullptr ? path : path + "/" + member);
    if (heap != nullptr || cached != 1) return;
    // What links of other groups say of their tables may be out of date, and HDF5 does not look at it.
    const std::uint64_t tree = cache.address();
    root_ = object;
    root_table_ = std::pair(tree, cache.address());
  }

  static std::string text_in(const Field& from, const std::string& heap, std::uint64_t at) {
    from.expect(at < heap.size(), "a name outside its heap");
    const std::size_t end = heap.find('\0', static_cast<std::size_t>(at));
    from.expect(end != std::string::npos, "a name without an end");
    return heap.substr(static_cast<std::size_t>(at), end - static_cast<std::size_t>(at));
  }

  void read_symbol_table(Field& message, std::uint64_t object) {
    const std::uint64_t tree = message.address(), heap = message.address();
    message.expect(tables_.emplace(object, std::pair(tree, heap)).second, "a group with two tables");
    const std::string names = read_local_heap(heap);
    read_group_tree(message, tree, names, std::nullopt);
  }

  std::string read_local_heap(std::uint64_t address) {
    Field head = field(address, 32, "HEAP");
    visit_once(head, address);
    head.expect(head.number(1) == 0, "a heap of an unknown version");
    head.skip(3);
    const std::uint64_t size = head.number(8), free = head.number(8), at = head.address();
    Field data = field(at, size);
    check_free_list(data, free);
    return std::string(data.rest());
  }

  // Free blocks of a local heap: each says where the next one is, 1 ends the list.
  static void check_free_list(const Field& data, std::uint64_t free) {
    std::uint64_t blocks = 0;
    while (free != 1) {
      data.expect(data.left() >= 16 && free <= data.left() - 16, "a heap's free block outside");
      data.expect(++blocks <= data.left() / 16, "a heap's free blocks lead in a circle");
      Field block(std::string(data.rest().substr(static_cast<std::size_t>(free), 16)), "", 0);
      const std::uint64_t next = block.number(8), size = block.number(8);
      data.expect(size >= 16 && size <= data.left() - free, "a heap's free block outside");
      free = next;
    }
  }

  void read_group_tree(const Field& from, std::uint64_t address, const std::string& names,
                       std::optional<std::uint64_t> level) {
    const std::uint64_t size = 24 + (2 * node_width_ + 1) * 8 + 2 * node_width_ * 8;
    const auto [node, entries, own_level] = read_tree_node(from, address, size, 0, level, 2 * node_width_);
    Field keys = node;
    keys.expect(keys.number(8) < names.size() || entries == 0, "a name outside its heap");
    for (std::uint64_t i = 0; i < entries; ++i) {
      const std::uint64_t child = keys.address();
      keys.expect(keys.number(8) < names.size(), "a name outside its heap");
      if (own_level > 0)
        read_group_tree(keys, child, names, own_level - 1);
      else
        read_symbols(child, names);
    }
  }

  struct TreeNode {
    Field rest;
    std::uint64_t entries, level;
  };

  TreeNode read_tree_node(const Field& from, std::uint64_t address, std::uint64_t size, std::uint64_t kind,
                          std::optional<std::uint64_t> level, std::uint64_t most_entries) {
    expect_inside(from, address, size);
    visit_once(from, address);
    Field node = field(address, size, "TREE");
    node.expect(node.number(1) == kind, "a B-tree of another kind");
    const std::uint64_t own_level = node.number(1), entries = node.number(2);
    node.expect(level ? own_level == *level : own_level <= deepest_tree, "a B-tree whose levels do not follow");
    node.expect(entries <= most_entries, "a B-tree with too many entries");
    for (int side = 0; side < 2; ++side) {
      const std::uint64_t neighbour = node.address();
      node.expect(neighbour == no_address || neighbour < bytes_.size(), "leads beyond the end of the file");
    }
    return {std::move(node), entries, own_level};
  }

  void read_symbols(std::uint64_t address, const std::string& names) {
    Field node = field(address, 8 + 2 * leaf_width_ * 40, "SNOD");
    visit_once(node, address);
    node.expect(node.number(1) == 1, "a symbol table of an unknown version");
    node.skip(1);
    const std::uint64_t count = node.number(2);
    node.expect(count <= 2 * leaf_width_, "a symbol table with too many entries");
    for (std::uint64_t i = 0; i < count; ++i) read_entry(node, &names, path_);
  }

  // ---- Object headers ----

  void read_object(std::uint64_t address) {
    ObjectParts parts;
    const bool is_new = bytes_.has(address, "OHDR");
    std::vector<std::pair<std::uint64_t, std::uint64_t>> blocks;
    const std::uint64_t flags = is_new ? read_new_header(address, blocks) : (read_old_header(address, blocks), 0);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      Field block = field(blocks[i].first, blocks[i].second);
      read_messages(block, is_new, flags, address, parts, blocks);
    }
    check_dataset(address, parts);
  }

  void read_old_header(std::uint64_t address, std::vector<std::pair<std::uint64_t, std::uint64_t>>& blocks) {
    Field head = field(address, 16);
    head.expect(head.number(1) == 1, "an object header of an unknown version");
    head.skip(1 + 2 + 4);  // the number of messages and of references
    add_block(head, address + 16, head.number(4), blocks);
  }

  std::uint64_t read_new_header(std::uint64_t address, std::vector<std::pair<std::uint64_t, std::uint64_t>>& blocks) {
    Field head = field(address, std::min<std::uint64_t>(bytes_.size() - address, 34), "OHDR");
    head.expect(head.number(1) == 2, "an object header of an unknown version");
    const std::uint64_t flags = head.number(1);
    head.expect(flags < 64, "an object header of an unknown form");
    if ((flags & 32) != 0) head.skip(16);
    if ((flags & 16) != 0) head.skip(4);
    const std::uint64_t size = head.number(std::size_t{1} << (flags & 3));
    expect_inside(head, head.at(), size);
    expect_inside(head, head.at() + size, 4);
    add_block(head, head.at(), size, blocks);
    return flags;
  }

  void add_block(const Field& from, std::uint64_t at, std::uint64_t size,
                 std::vector<std::pair<std::uint64_t, std::uint64_t>>& blocks) {
    expect_inside(from, at, size);
    visit_once(from, at);
    blocks.emplace_back(at, size);
  }

  void read_messages(Field& block, bool is_new, std::uint64_t header_flags, std::uint64_t object, ObjectParts& parts,
                     std::vector<std::pair<std::uint64_t, std::uint64_t>>& blocks) {
    const std::size_t head = !is_new ? 8 : (header_flags & 4) != 0 ? 6 : 4;
    while (block.left() > 0) {
      if (is_new && block.left() < head) return;  // a gap
      const std::uint64_t kind = block.number(is_new ? 1 : 2), size = block.number(2), flags = block.number(1);
      block.skip(head - (is_new ? 4 : 5));
      block.expect(kind == nothing || (flags & 2) == 0, "a message that is shared, which is not read");
      block.expect(is_new || size % 8 == 0, "a message of a size that is no multiple of 8");
      Field message = block.part(static_cast<std::size_t>(size));
      if (kind == continuation)
        read_continuation(message, is_new, blocks);
      else
        read_message(kind, message, object, parts);
    }
  }

  void read_continuation(Field& message, bool is_new, std::vector<std::pair<std::uint64_t, std::uint64_t>>& blocks) {
    std::uint64_t at = message.address(), size = message.number(8);
    if (is_new) {
      message.expect(bytes_.has(at, "OCHK") && size >= 8, "leads to no continuation of an object header");
      expect_inside(message, at, size);
      at += 4;
      size -= 8;
    }
    add_block(message, at, size, blocks);
  }

  void read_message(std::uint64_t kind, Field& message, std::uint64_t object, ObjectParts& parts) {
    switch (kind) {
      case nothing:
      case comment:
      case old_time:
      case time:
      case references:
        return;
      case space:
        parts.space = read_space(message);
        return;
      case type:
        parts.type = read_type(message);
        return;
      case old_fill_value:
      case fill_value:
        return check_fill_value(message, kind == old_fill_value);
      case layout:
        parts.layout = read_layout(message);
        return;
      case filters:
        return check_filters(message);
      case attribute:
        for (const HeapReference& reference : read_attribute(message)) check_reference(message, reference);
        return;
      case symbol_table:
        return read_symbol_table(message, object);
      case link:
        if (const auto address = read_link(message)) add_object(message, *address, path_);
        return;
      case link_info:
        return read_link_info(message, object);
      case attribute_info:
        return refuse_dense_attributes(message);
      case group_info:
      case tree_widths:
      case external_files:  // refused by name where such a dataset is read
        return;
      default:
        message.expect(false, "a message of an unknown kind");
    }
  }

  void read_link_info(Field& message, std::uint64_t object) {
    new_groups_.insert(object);
    message.expect(message.number(1) == 0, "links of an unknown version");
    const std::uint64_t flags = message.number(1);
    message.expect(flags < 4, "links of an unknown form");
    if ((flags & 1) != 0) message.skip(8);
    const std::uint64_t heap = message.address();
    if (heap == no_address) return;  // all links are in the header
    message.expect(flags == 0, "links in the order of their making, which are not read");
    LinkStore store([this](const Field& from, std::uint64_t at, std::uint64_t size, std::string_view signature) {
      expect_inside(from, at, size);
      visit_once(from, at);
      return field(at, size, signature);
    });
    for (Field& link : store.messages(message, heap, message.address()))
      if (const auto address = read_link(link)) add_object(link, *address, path_);
  }

  static void refuse_dense_attributes(Field& message) {
    message.expect(message.number(1) == 0, "attributes of an unknown version");
    const std::uint64_t flags = message.number(1);
    if ((flags & 1) != 0) message.skip(2);
    message.expect(message.address() == no_address, "attributes in a dense store, which is not read");
  }

  // ---- Data ----

  void check_reference(const Field& from, const HeapReference& reference) {
    const std::map<std::uint64_t, std::uint64_t>& objects = global_heap(from, reference.address);
    const auto found = objects.find(reference.object);
    from.expect(found != objects.end() && reference.size <= found->second, "a text that is not in its heap");
  }

  // The sizes of a global heap's objects by their numbers.
  const std::map<std::uint64_t, std::uint64_t>& global_heap(const Field& from, std::uint64_t address) {
    const auto [heap, is_new] = heaps_.try_emplace(address);
    if (!is_new) return heap->second;
    expect_inside(from, address, 16);
    Field head = field(address, 16, "GCOL");
    visit_once(head, address);
    head.expect(head.number(1) == 1, "a global heap of an unknown version");
    head.skip(3);
    const std::uint64_t size = head.number(8);
    head.expect(size >= 16, "a global heap of no size");
    Field objects = field(address, size);
    objects.skip(16);
    while (objects.left() >= 16) {
      const std::uint64_t number = objects.number(2);
      objects.skip(6);
      const std::uint64_t bytes = objects.number(8);
      if (number == 0) break;  // what is free, to the end
      objects.expect(bytes <= objects.left() && padded(bytes) <= objects.left(), "a text outside its heap");
      objects.skip(static_cast<std::size_t>(padded(bytes)));
      objects.expect(heap->second.emplace(number, bytes).second, "two texts of one number");
    }
    return heap->second;
  }

  void check_dataset(std::uint64_t address, const ObjectParts& parts) {
    if (!parts.layout) return;
    const StoredLayout& layout = *parts.layout;
    const Field here = field(address, 1);
    here.expect(parts.space && parts.type, "a dataset without a space or a type");
    const std::uint64_t elements = parts.space->elements, size = parts.type->size;
    if (layout.kind == StoredLayout::compact) {
      here.expect(elements <= layout.size / size, "a dataset larger than its place");
    } else if (layout.kind == StoredLayout::contiguous) {
      if (layout.address != no_address) expect_inside(here, layout.address, layout.size);
    } else if (layout.kind == StoredLayout::chunked) {
      here.expect(layout.chunk.size() == parts.space->rank + 1, "chunks of another number of axes than the dataset");
      here.expect(layout.chunk.back() == size, "chunks of another type than the dataset");
      if (layout.address != no_address) read_chunk_tree(here, layout.address, layout.chunk.size(), std::nullopt);
    }
  }

  void read_chunk_tree(const Field& from, std::uint64_t address, std::size_t axes, std::optional<std::uint64_t> level) {
    const std::uint64_t key = 8 + 8 * axes, most = 2 * chunk_width_;
    const auto [node, entries, own_level] =
        read_tree_node(from, address, 24 + (most + 1) * key + most * 8, 1, level, most);
    Field keys = node;
    for (std::uint64_t i = 0; i < entries; ++i) {
      const std::uint64_t bytes = keys.number(4);
      keys.skip(static_cast<std::size_t>(key - 4));
      const std::uint64_t child = keys.address();
      if (own_level > 0)
        read_chunk_tree(keys, child, axes, own_level - 1);
      else
        expect_inside(keys, child, bytes);
    }
  }

  const Bytes& bytes_;
  const std::string& shown_;
  std::string where_, path_;  // of the object that is read now
  std::uint64_t leaf_width_ = 4, node_width_ = 16, chunk_width_ = chunk_tree_width;
  std::vector<std::pair<std::uint64_t, std::string>> waiting_;
  std::set<std::uint64_t> objects_, once_, new_groups_;  // new: whose links are messages, without a table
  std::map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> tables_;  // tree and heap of each old group
  std::uint64_t root_ = 0;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> root_table_;  // as the superblock says
  std::map<std::uint64_t, std::map<std::uint64_t, std::uint64_t>> heaps_;
};

}  // namespace

void check_structure(const Bytes& bytes, const std::string& shown) { Structure(bytes, shown).check(); }

}  // namespace maas::inline MAAS_ABI::io
