#include "io/hdf5_texts.hpp"

#include <array>

#include "io/limits.hpp"
#include "maas/core/utf8.hpp"

namespace maas::inline MAAS_ABI::io {

namespace {

std::string without_padding(std::string text, H5T_str_t padding) {
  const std::size_t zero = text.find('\0');
  if (padding != H5T_STR_SPACEPAD && zero != std::string::npos) text.resize(zero);
  while (!text.empty() && (text.back() == '\0' || (padding == H5T_STR_SPACEPAD && text.back() == ' '))) text.pop_back();
  return text;
}

// ---- Texts of variable length ----
// They lie in a heap of the file's own. HDF5 1.10 follows a damaged reference into it out of bounds, so only the
// references are taken from HDF5, and the heap is read here.

struct HeapReference {
  std::uint32_t length = 0;
  std::uint64_t address = 0;
  std::uint32_t index = 0;
};
constexpr std::size_t reference_size = 16;

std::uint64_t little_endian(const unsigned char* bytes, int count) {
  std::uint64_t value = 0;
  for (int i = count - 1; i >= 0; --i) value = value << 8 | bytes[i];
  return value;
}

// A conversion from a text of variable length to 16 bytes that leaves them as they lie in the file.
herr_t keep_bytes(hid_t, hid_t, H5T_cdata_t* data, std::size_t, std::size_t, std::size_t, void*, void*, hid_t) {
  if (data->command == H5T_CONV_INIT) data->need_bkg = H5T_BKG_NO;
  return 0;
}

std::vector<HeapReference> read_references(hid_t attribute, hid_t type, std::size_t count, const std::string& shown,
                                           const std::string& name) {
  const Id raw(H5Tcreate(H5T_OPAQUE, reference_size), H5Tclose);
  std::vector<unsigned char> bytes(count * reference_size);
  H5Tregister(H5T_PERS_SOFT, "maas heap reference", type, raw.get(), keep_bytes);
  const bool done = H5Aread(attribute, raw.get(), bytes.data()) >= 0;
  H5Tunregister(H5T_PERS_SOFT, "maas heap reference", type, raw.get(), keep_bytes);
  require<FormatError>(done, "{}: the attribute {} cannot be read", shown, name);
  std::vector<HeapReference> references;
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned char* at = bytes.data() + i * reference_size;
    references.push_back({static_cast<std::uint32_t>(little_endian(at, 4)), little_endian(at + 4, 8),
                          static_cast<std::uint32_t>(little_endian(at + 12, 4))});
  }
  return references;
}

// The file's bytes, for what HDF5 does not read safely.
class RawFile {
 public:
  RawFile(const Bytes& bytes, hid_t object, std::string shown, std::string name)
      : bytes_(bytes), shown_(std::move(shown)), name_(std::move(name)) {
    const Id file(H5Iget_file_id(object), H5Fclose);
    const Id plist(H5Fget_create_plist(file.get()), H5Pclose);
    std::size_t address_size = 0, length_size = 0;
    H5Pget_sizes(plist.get(), &address_size, &length_size);
    H5Pget_userblock(plist.get(), &start_);
    check(address_size == 8 && length_size == 8);
  }
  void read(std::uint64_t address, void* out, std::size_t count) const {
    check(address <= most && bytes_.read(start_ + address, out, count));
  }
  void check(bool fits) const {
    require<FormatError>(fits, "{}: the attribute {} is damaged: its text is not where it should be", shown_, name_);
  }
  void check_length(std::size_t length) const {
    require<FormatError>(length <= most_text, "{}: the attribute {} holds a text of {} bytes, more than {}", shown_,
                         name_, length, most_text);
  }
  static constexpr std::uint64_t most = std::uint64_t{1} << 62;

 private:
  const Bytes& bytes_;
  std::string shown_, name_;
  hsize_t start_ = 0;
};

// The bytes of one heap object. A collection: "GCOL", version, 3 bytes, its size; then objects: index, references (2
// bytes each), 4 bytes, size (8), the bytes, padded to a multiple of 8. Index 0 is free space and the last of them.
std::string heap_text(const RawFile& file, const HeapReference& reference) {
  if (reference.length == 0) return "";
  std::array<unsigned char, 16> head{};
  file.read(reference.address, head.data(), head.size());
  file.check(head[0] == 'G' && head[1] == 'C' && head[2] == 'O' && head[3] == 'L' && head[4] == 1);
  const std::uint64_t size = little_endian(head.data() + 8, 8);
  file.check(size <= RawFile::most && reference.address <= RawFile::most - size);
  const std::uint64_t end = reference.address + size;
  for (std::uint64_t at = reference.address + 16; at + 16 <= end;) {
    file.read(at, head.data(), head.size());
    const std::uint64_t index = little_endian(head.data(), 2), bytes = little_endian(head.data() + 8, 8);
    at += 16;
    file.check(index != 0 && bytes <= end - at);
    if (index == reference.index) {
      file.check(reference.length <= bytes);
      file.check_length(reference.length);
      std::string text(reference.length, '\0');
      file.read(at, text.data(), text.size());
      return text;
    }
    at += (bytes + 7) / 8 * 8;
  }
  file.check(false);
  return "";
}

std::vector<std::string> read_variable_texts(const Bytes& bytes, hid_t attribute, hid_t type, std::size_t count,
                                             const std::string& shown, const std::string& name) {
  const RawFile file(bytes, attribute, shown, name);
  std::vector<std::string> result;
  for (const HeapReference& reference : read_references(attribute, type, count, shown, name))
    result.push_back(without_padding(heap_text(file, reference), H5T_STR_NULLTERM));
  return result;
}

std::vector<std::string> read_fixed_texts(hid_t attribute, hid_t type, std::size_t count, const std::string& shown,
                                          const std::string& name) {
  const std::size_t width = H5Tget_size(type);
  require<FormatError>(width > 0 && width <= most_text / count, "{}: the attribute {} is larger than {} bytes", shown,
                       name, most_text);
  std::string bytes(width * count, '\0');
  require<FormatError>(H5Aread(attribute, type, bytes.data()) >= 0, "{}: the attribute {} cannot be read", shown, name);
  std::vector<std::string> result;
  for (std::size_t i = 0; i < count; ++i)
    result.push_back(without_padding(bytes.substr(i * width, width), H5Tget_strpad(type)));
  return result;
}

}  // namespace

std::vector<std::string> read_texts(const Bytes& bytes, hid_t attribute, const std::string& shown,
                                    const std::string& name) {
  const Id space(H5Aget_space(attribute), H5Sclose);
  const Id type(H5Aget_type(attribute), H5Tclose);
  require<FormatError>(space && type, "{}: the attribute {} is damaged", shown, name);
  if (H5Sget_simple_extent_type(space.get()) == H5S_NULL) return {};
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  require<FormatError>(count >= 0 && count <= most_names, "{}: the attribute {} has {} entries, more than {}", shown,
                       name, count, most_names);
  if (count == 0) return {};
  require<FormatError>(H5Tget_class(type.get()) == H5T_STRING,
                       "{}: expected text in the attribute {}, got another type", shown, name);
  const bool variable = H5Tis_variable_str(type.get()) > 0;
  const auto entries = static_cast<std::size_t>(count);
  std::vector<std::string> texts = variable ? read_variable_texts(bytes, attribute, type.get(), entries, shown, name)
                                            : read_fixed_texts(attribute, type.get(), entries, shown, name);
  for (const std::string& text : texts)
    require<FormatError>(first_not_utf8(text) == std::string_view::npos,
                         "{}: the attribute {} holds text that is not UTF-8", shown, name);
  return texts;
}

}  // namespace maas::inline MAAS_ABI::io
