// After "HDF5 File Format Specification Version 3.0", sections IV.A.2 a to n.
#include "io/hdf5_messages.hpp"

#include <algorithm>

namespace maas::inline MAAS_ABI::io {

namespace {

constexpr int deepest_type = 16;
constexpr std::uint64_t most_axes = 32, most_filters = 32;

std::uint64_t product(std::uint64_t a, std::uint64_t b) { return a != 0 && b > no_address / a ? no_address : a * b; }

// Classes of types, as they are numbered in files.
enum TypeClass { integer, real, time, text, bits, opaque, compound, reference, enumeration, variable, array };

struct TypeHead {
  unsigned kind, version;
  std::uint64_t flags, size;
};

TypeHead read_head(Field& field) {
  const std::uint64_t first = field.number(1);
  TypeHead head{static_cast<unsigned>(first & 15), static_cast<unsigned>(first >> 4), field.number(3), field.number(4)};
  field.expect(head.version >= 1 && head.version <= 3, "a datatype of an unknown version");
  field.expect(head.kind <= array, "a datatype of an unknown class");
  field.expect(head.size >= 1, "a datatype of no size");
  return head;
}

StoredType read_type(Field& field, int depth);

void check_integer(Field& field, const TypeHead& head) {
  const std::uint64_t offset = field.number(2), precision = field.number(2);
  field.expect(precision >= 1 && offset + precision <= 8 * head.size, "an integer type wider than its bytes");
}

void check_real(Field& field, const TypeHead& head) {
  const std::uint64_t offset = field.number(2), precision = field.number(2);
  const std::uint64_t exponent = field.number(1), exponent_size = field.number(1), mantissa = field.number(1),
                      mantissa_size = field.number(1);
  field.skip(4);  // the exponent's bias
  field.expect(precision >= 1 && offset + precision <= 8 * head.size, "a real type wider than its bytes");
  field.expect(exponent + exponent_size <= offset + precision && mantissa + mantissa_size <= offset + precision &&
                   (head.flags >> 8 & 0xFF) < offset + precision,
               "a real type whose parts lie outside");
  field.expect(exponent_size >= 1 && mantissa_size >= 1, "a real type without exponent or mantissa");
}

// Names of members are padded to 8 bytes, but for the newest version.
std::string read_name(Field& field, unsigned version) {
  const std::size_t start = field.place();
  std::string name = field.text();
  if (version < 3) field.skip(static_cast<std::size_t>(padded(field.place() - start) - (field.place() - start)));
  return name;
}

void check_compound(Field& field, const TypeHead& head, int depth) {
  const std::uint64_t members = head.flags & 0xFFFF;
  field.expect(members >= 1, "a compound type without members");
  std::size_t offset_bytes = 4;
  if (head.version == 3)
    for (offset_bytes = 1; offset_bytes < 4 && head.size >> (8 * offset_bytes) != 0;) ++offset_bytes;
  for (std::uint64_t i = 0; i < members; ++i) {
    read_name(field, head.version);
    const std::uint64_t offset = field.number(offset_bytes);
    std::uint64_t count = 1;
    if (head.version == 1) {  // which could have arrays as members
      const std::uint64_t rank = field.number(1);
      field.expect(rank <= 4, "a member of more than 4 axes");
      field.skip(3 + 4 + 4);
      for (std::uint64_t axis = 0; axis < 4; ++axis) {
        const std::uint64_t size = field.number(4);
        if (axis < rank) count = product(count, size);
      }
    }
    const StoredType member = read_type(field, depth + 1);
    const std::uint64_t bytes = product(member.size, count);
    field.expect(bytes <= head.size && offset <= head.size - bytes, "a member outside its compound type");
  }
}

void check_enumeration(Field& field, const TypeHead& head, int depth) {
  const std::uint64_t members = head.flags & 0xFFFF;
  const StoredType base = read_type(field, depth + 1);
  field.expect(base.size == head.size && !base.in_heap, "an enumeration unlike its base");
  for (std::uint64_t i = 0; i < members; ++i) read_name(field, head.version);
  field.skip(static_cast<std::size_t>(product(members, base.size)));
}

void check_array(Field& field, const TypeHead& head, int depth) {
  field.expect(head.version >= 2, "an array type of an unknown version");
  const std::uint64_t rank = field.number(1);
  field.expect(rank >= 1 && rank <= most_axes, "an array type of too many axes");
  if (head.version == 2) field.skip(3);
  std::uint64_t count = 1;
  for (std::uint64_t axis = 0; axis < rank; ++axis) count = product(count, field.number(4));
  if (head.version == 2) field.skip(static_cast<std::size_t>(4 * rank));  // permutations, never used
  field.expect(product(count, read_type(field, depth + 1).size) == head.size, "an array type of another size");
}

StoredType read_type(Field& field, int depth) {
  field.expect(depth < deepest_type, "a datatype nested too deeply");
  const TypeHead head = read_head(field);
  StoredType type{.size = head.size};
  switch (head.kind) {
    case integer:
    case bits:
      check_integer(field, head);
      break;
    case real:
      check_real(field, head);
      break;
    case time:
      field.skip(2);
      break;
    case text:
      field.expect((head.flags & 15) <= 2 && (head.flags >> 4 & 15) <= 1, "a text type of an unknown kind");
      break;
    case opaque:
      field.skip(static_cast<std::size_t>(head.flags & 0xFF));
      break;
    case compound:
      check_compound(field, head, depth);
      break;
    case enumeration:
      check_enumeration(field, head, depth);
      break;
    case variable:
      field.expect(head.size == 16, "a type of variable length of another size than 16");
      type.in_heap = true;
      type.heap_element = read_type(field, depth + 1).size;
      break;
    case array:
      check_array(field, head, depth);
      break;
    default:  // a reference: nothing more
      break;
  }
  return type;
}

}  // namespace

StoredType read_type(Field& field) { return read_type(field, 0); }

StoredSpace read_space(Field& field) {
  const std::uint64_t version = field.number(1), rank = field.number(1), flags = field.number(1);
  field.expect(version == 1 || version == 2, "a dataspace of an unknown version");
  field.expect(rank <= most_axes, "a dataspace of too many axes");
  field.expect(flags <= 1, "a dataspace of an unknown kind");
  const std::uint64_t kind = version == 2 ? field.number(1) : (field.skip(5), rank > 0 ? 1 : 0);
  field.expect(kind <= 2 && (kind == 1 || rank == 0), "a dataspace of an unknown kind");
  StoredSpace space{.elements = kind == 2 ? std::uint64_t{0} : 1, .rank = static_cast<std::size_t>(rank)};
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t axis = 0; axis < rank; ++axis) {
    sizes.push_back(field.number(8));
    space.elements = product(space.elements, sizes.back());
  }
  for (std::uint64_t axis = 0; axis < rank && flags == 1; ++axis)
    field.expect(field.number(8) >= sizes[static_cast<std::size_t>(axis)], "a dataspace larger than it may be");
  return space;
}

StoredLayout read_layout(Field& field) {
  const std::uint64_t version = field.number(1);
  StoredLayout layout;
  field.expect(version == 3 || version == 4, "a dataset laid out as only old versions of HDF5 do");
  const std::uint64_t kind = field.number(1);
  field.expect(kind <= 3, "a dataset of an unknown layout");
  layout.kind = static_cast<StoredLayout::Kind>(kind);
  if (layout.kind == StoredLayout::compact) {
    layout.size = field.number(2);
    field.skip(static_cast<std::size_t>(layout.size));
  } else if (layout.kind == StoredLayout::contiguous) {
    layout.address = field.address();
    layout.size = field.number(8);
  } else if (layout.kind == StoredLayout::chunked) {
    field.expect(version == 3, "a dataset in chunks whose index is of a kind that is not read");
    const std::uint64_t rank = field.number(1);
    field.expect(rank >= 2 && rank <= most_axes + 1, "a chunk of too many axes");
    layout.address = field.address();
    std::uint64_t bytes = 1;
    for (std::uint64_t axis = 0; axis < rank; ++axis) {
      layout.chunk.push_back(field.number(4));
      bytes = product(bytes, layout.chunk.back());
    }
    field.expect(bytes >= 1 && bytes < std::uint64_t{1} << 32, "a chunk of no size or of more than 4 GiB");
  }
  return layout;
}

void check_fill_value(Field& field, bool old) {
  if (old) return field.skip(static_cast<std::size_t>(field.number(4)));
  const std::uint64_t version = field.number(1);
  field.expect(version >= 1 && version <= 3, "a fill value of an unknown version");
  bool given = true;
  if (version == 3) {
    given = (field.number(1) >> 5 & 1) != 0;
  } else {
    field.skip(2);
    given = field.number(1) != 0 || version == 1;
  }
  if (!given) return;
  const std::uint64_t size = field.number(4);
  if (size != 0xFFFFFFFF) field.skip(static_cast<std::size_t>(size));
}

void check_filters(Field& field) {
  const std::uint64_t version = field.number(1), count = field.number(1);
  field.expect(version == 1 || version == 2, "filters of an unknown version");
  field.expect(count <= most_filters, "too many filters");
  if (version == 1) field.skip(6);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t filter = field.number(2);
    std::uint64_t name = version == 1 || filter >= 256 ? field.number(2) : 0;
    field.skip(2);
    const std::uint64_t values = field.number(2);
    if (version == 1) name = padded(name);
    field.skip(static_cast<std::size_t>(name));
    field.skip(static_cast<std::size_t>(4 * (version == 1 ? values + values % 2 : values)));
  }
}

std::vector<HeapReference> read_attribute(Field& field) {
  const std::uint64_t version = field.number(1), flags = field.number(1);
  field.expect(version >= 1 && version <= 3, "an attribute of an unknown version");
  field.expect(version == 1 || flags == 0, "an attribute that shares its type, which is not read");
  std::uint64_t sizes[3];  // of name, type and space
  for (std::uint64_t& size : sizes) size = field.number(2);
  if (version == 3) field.expect(field.number(1) <= 1, "an attribute's name of an unknown encoding");
  const auto part = [&](std::uint64_t size) {
    return field.part(static_cast<std::size_t>(version == 1 ? padded(size) : size));
  };
  Field name = part(sizes[0]);
  name.expect(sizes[0] >= 1 && name.text().size() + 1 <= sizes[0], "an attribute's name has no end");
  Field type_field = part(sizes[1]);
  const StoredType type = read_type(type_field);
  Field space_field = part(sizes[2]);
  const StoredSpace space = read_space(space_field);
  const std::uint64_t bytes = product(space.elements, type.size);
  field.expect(bytes <= field.left(), "an attribute larger than its place");
  std::vector<HeapReference> texts;
  for (std::uint64_t i = 0; i < space.elements && type.in_heap; ++i) {
    const std::uint64_t length = field.number(4);
    HeapReference reference{.address = field.address(), .object = field.number(4), .size = 0};
    reference.size = product(length, type.heap_element);
    if (length > 0 && reference.address != 0 && reference.address != no_address) texts.push_back(reference);
  }
  return texts;
}

std::optional<std::uint64_t> read_link(Field& field) {
  field.expect(field.number(1) == 1, "a link of an unknown version");
  const std::uint64_t flags = field.number(1);
  field.expect(flags < 32, "a link of an unknown form");
  const std::uint64_t kind = (flags & 8) != 0 ? field.number(1) : 0;
  if ((flags & 4) != 0) field.skip(8);
  if ((flags & 16) != 0) field.skip(1);
  const std::uint64_t size = field.number(std::size_t{1} << (flags & 3));
  field.expect(size >= 1 && size <= field.left(), "a link without a name");
  field.skip(static_cast<std::size_t>(size));
  if (kind == 0) return field.address();
  field.skip(static_cast<std::size_t>(field.number(2)));  // soft, external or of the user's: none is followed
  return std::nullopt;
}

}  // namespace maas::inline MAAS_ABI::io
