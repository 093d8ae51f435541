#include "io/hdf5_file.hpp"

#include <fcntl.h>
#include <hdf5.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

namespace maas::inline MAAS_ABI::io {

namespace {

constexpr Index most_names = 100000;
constexpr std::size_t most_text = std::size_t{64} << 20;
constexpr Index most_bytes = Index{1} << 31;
constexpr int most_rank = 8;
constexpr std::size_t deepest_path = 32;

// Debian's HDF5 is not built for threads, and its error printing is a setting of the whole process: every use of it
// holds this lock and keeps HDF5 silent meanwhile.
std::mutex& library_mutex() {
  static std::mutex mutex;
  return mutex;
}

class Silence {
 public:
  Silence() : lock_(library_mutex()) {
    // After some damaged files HDF5 1.10 keeps a file it can no longer close, and its own clean-up at the end of the
    // program then crashes. All files here are closed at once, so that clean-up is left out.
    [[maybe_unused]] static const herr_t no_clean_up = H5dont_atexit();
    H5Eget_auto2(H5E_DEFAULT, &print_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~Silence() {
    H5Eclear2(H5E_DEFAULT);
    H5Eset_auto2(H5E_DEFAULT, print_, data_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  std::lock_guard<std::mutex> lock_;
  H5E_auto2_t print_ = nullptr;
  void* data_ = nullptr;
};

// An HDF5 identifier that is closed when it goes.
class Id {
 public:
  using Close = herr_t (*)(hid_t);
  Id() = default;
  Id(hid_t id, Close how) : id_(id), close_(how) {}
  Id(Id&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Id& operator=(Id&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Id() {
    if (id_ >= 0) close_(id_);
  }
  hid_t get() const { return id_; }
  explicit operator bool() const { return id_ >= 0; }
  /// Closes now; false if that failed.
  bool close() {
    const hid_t id = std::exchange(id_, -1);
    return id < 0 || close_(id) >= 0;
  }

 private:
  hid_t id_ = -1;
  Close close_ = nullptr;
};

// The groups on the way to an object and its name. HDF5 takes several slashes for one, and so did old Keras, which
// wrote "optimizer_weights//iterations".
std::vector<std::string> components_of(const std::string& file, const std::string& path) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  while (start < path.size()) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    if (end > start) parts.push_back(path.substr(start, end - start));
    start = end + 1;
  }
  require<FormatError>(parts.size() <= deepest_path, "{}: the name \"{}\" is deeper than {} groups", file, path,
                       deepest_path);
  for (const std::string& part : parts)
    require<FormatError>(part != "." && part != ".." && part.find('\0') == std::string::npos,
                         "{}: \"{}\" is not a name that is read", file, path);
  return parts;
}

// Opens an object step by step, so that no link but a hard one is ever followed.
Id open_object(hid_t file, const std::string& shown, const std::string& path) {
  Id current(H5Gopen2(file, "/", H5P_DEFAULT), H5Gclose);
  for (const std::string& part : components_of(shown, path)) {
    H5L_info_t link;
    if (H5Iget_type(current.get()) != H5I_GROUP || H5Lget_info(current.get(), part.c_str(), &link, H5P_DEFAULT) < 0)
      return {};
    require<FormatError>(link.type == H5L_TYPE_HARD, "{}: \"{}\" is a soft or external link, which is not followed",
                         shown, path);
    current = Id(H5Oopen(current.get(), part.c_str(), H5P_DEFAULT), H5Oclose);
    if (!current) return {};
  }
  return current;
}

void check_file(const std::string& path) {
  struct stat status {};
  const bool found = ::stat(path.c_str(), &status) == 0;
  require<FormatError>(found, "{}: cannot be opened: {}", path, std::strerror(errno));
  require<FormatError>(!S_ISDIR(status.st_mode), "{}: is a folder, expected a model file", path);
  require<FormatError>(S_ISREG(status.st_mode), "{}: is no regular file", path);
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  require<FormatError>(file >= 0, "{}: cannot be opened: {}", path, std::strerror(errno));
  std::array<unsigned char, 48> head{};
  const ssize_t got = ::read(file, head.data(), head.size());
  ::close(file);
  static constexpr unsigned char signature[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  require<FormatError>(status.st_size > 0, "{}: is empty", path);
  require<FormatError>(!std::string_view(reinterpret_cast<const char*>(head.data()), 4).starts_with("PK\x03\x04"),
                       "{}: is a zip archive (.keras), expected HDF5; let Keras save it as .h5", path);
  require<FormatError>(got >= 8 && std::equal(signature, signature + 8, head.begin()),
                       "{}: is not an HDF5 file (its first bytes are others)", path);
  if (got < 48 || head[8] != 0 || head[13] != 8) return;
  std::uint64_t end = 0;  // superblock 0: the end of the file stands at byte 40
  for (int byte = 7; byte >= 0; --byte) end = end << 8 | head[static_cast<std::size_t>(40 + byte)];
  require<FormatError>(end <= static_cast<std::uint64_t>(status.st_size), "{}: is cut off: expected {} bytes, got {}",
                       path, end, status.st_size);
}

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
  RawFile(hid_t object, std::string shown, std::string name) : shown_(std::move(shown)), name_(std::move(name)) {
    const Id file(H5Iget_file_id(object), H5Fclose);
    const Id plist(H5Fget_create_plist(file.get()), H5Pclose);
    std::size_t address_size = 0, length_size = 0;
    H5Pget_sizes(plist.get(), &address_size, &length_size);
    H5Pget_userblock(plist.get(), &start_);
    void* handle = nullptr;
    check(address_size == 8 && length_size == 8 && H5Fget_vfd_handle(file.get(), H5P_DEFAULT, &handle) >= 0);
    file_ = *static_cast<int*>(handle);
  }
  void read(std::uint64_t address, void* out, std::size_t count) const {
    check(address <= most &&
          ::pread(file_, out, count, static_cast<off_t>(start_ + address)) == static_cast<ssize_t>(count));
  }
  void check(bool fits) const {
    require<FormatError>(fits, "{}: the attribute {} is damaged: its text is not where it should be", shown_, name_);
  }
  static constexpr std::uint64_t most = std::uint64_t{1} << 62;

 private:
  std::string shown_, name_;
  hsize_t start_ = 0;
  int file_ = -1;
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
      file.check(reference.length <= bytes && reference.length <= most_text);
      std::string text(reference.length, '\0');
      file.read(at, text.data(), text.size());
      return text;
    }
    at += (bytes + 7) / 8 * 8;
  }
  file.check(false);
  return "";
}

bool is_utf8(const std::string& text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u; };
    const unsigned first = byte(i);
    const std::size_t more = first < 0x80                    ? 0
                             : first >= 0xC2 && first < 0xE0 ? 1
                             : first >= 0xE0 && first < 0xF0 ? 2
                                                             : 3;
    if (more == 3 && (first < 0xF0 || first > 0xF4)) return false;
    for (std::size_t k = 1; k <= more; ++k)
      if ((byte(i + k) & 0xC0) != 0x80) return false;
    i += more + 1;
  }
  return true;
}

std::vector<std::string> read_variable_texts(hid_t attribute, hid_t type, std::size_t count, const std::string& shown,
                                             const std::string& name) {
  const RawFile file(attribute, shown, name);
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

// The texts of an attribute, of fixed or variable length; an empty attribute of any type is an empty list.
std::vector<std::string> read_texts(hid_t attribute, const std::string& shown, const std::string& name) {
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
  const auto read = variable ? read_variable_texts : read_fixed_texts;
  std::vector<std::string> texts = read(attribute, type.get(), static_cast<std::size_t>(count), shown, name);
  for (const std::string& text : texts)
    require<FormatError>(is_utf8(text), "{}: the attribute {} holds text that is not UTF-8", shown, name);
  return texts;
}

void check_storage(hid_t dataset, const std::string& shown, const std::string& name, Index bytes) {
  const Id plist(H5Dget_create_plist(dataset), H5Pclose);
  require<FormatError>(static_cast<bool>(plist), "{}: {} is damaged", shown, name);
  const H5D_layout_t layout = H5Pget_layout(plist.get());
  require<FormatError>(layout == H5D_CONTIGUOUS || layout == H5D_CHUNKED || layout == H5D_COMPACT,
                       "{}: {} is a virtual dataset, which is not read", shown, name);
  require<FormatError>(H5Pget_external_count(plist.get()) == 0, "{}: {} lies in another file, which is not opened",
                       shown, name);
  const int filters = layout == H5D_CHUNKED ? H5Pget_nfilters(plist.get()) : 0;
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0, settings = 0;
    std::size_t values = 0;
    const H5Z_filter_t filter =
        H5Pget_filter2(plist.get(), static_cast<unsigned>(i), &flags, &values, nullptr, 0, nullptr, &settings);
    require<FormatError>(
        filter == H5Z_FILTER_DEFLATE || filter == H5Z_FILTER_SHUFFLE || filter == H5Z_FILTER_FLETCHER32,
        "{}: {} is packed by the HDF5 filter {}, which is not read", shown, name, static_cast<int>(filter));
  }
  const Index stored = static_cast<Index>(H5Dget_storage_size(dataset));
  if (layout == H5D_CHUNKED)
    require<FormatError>(bytes < (Index{1} << 20) || stored >= bytes / 1000, "{}: {} claims {} bytes but holds {}",
                         shown, name, bytes, stored);
  else
    require<FormatError>(stored >= bytes, "{}: {} claims {} bytes but holds {}", shown, name, bytes, stored);
}

std::string text_of(const std::vector<Index>& dimensions) {
  std::string text;
  for (Index dimension : dimensions) text += (text.empty() ? "" : "x") + std::to_string(dimension);
  return text.empty() ? "one number" : text;
}

hid_t scalar_type() { return sizeof(Scalar) == 4 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE; }

}  // namespace

Index Hdf5Dataset::size() const {
  Index product = 1;
  for (Index dimension : dimensions) product *= dimension;
  return product;
}

struct Hdf5Reader::Self {
  Id file;

  Id open_group(const std::string& shown, const std::string& group) const {
    Id id = open_object(file.get(), shown, group);
    return id && H5Iget_type(id.get()) == H5I_GROUP ? std::move(id) : Id();
  }

  struct Opened {
    Id id;
    std::vector<Index> dimensions;
  };
  Opened open_dataset(const std::string& shown, const std::string& name) const {
    Opened opened{open_object(file.get(), shown, name), {}};
    require<FormatError>(opened.id && H5Iget_type(opened.id.get()) == H5I_DATASET, "{}: there is no dataset {}", shown,
                         name);
    const Id type(H5Dget_type(opened.id.get()), H5Tclose), space(H5Dget_space(opened.id.get()), H5Sclose);
    require<FormatError>(type && space, "{}: {} is damaged", shown, name);
    const H5T_class_t kind = H5Tget_class(type.get());
    require<FormatError>((kind == H5T_FLOAT || kind == H5T_INTEGER) && H5Tget_size(type.get()) <= 8,
                         "{}: {} holds no plain numbers of at most 64 bits", shown, name);
    const H5S_class_t extent = H5Sget_simple_extent_type(space.get());
    const int rank = extent == H5S_NULL ? -1 : H5Sget_simple_extent_ndims(space.get());
    require<FormatError>(rank >= 0 && rank <= most_rank, "{}: {} has {} dimensions, expected at most {}", shown, name,
                         rank, most_rank);
    std::array<hsize_t, most_rank> sizes{};
    H5Sget_simple_extent_dims(space.get(), sizes.data(), nullptr);
    Index bytes = static_cast<Index>(H5Tget_size(type.get()));
    for (int axis = 0; axis < rank; ++axis) {
      const hsize_t size = sizes[static_cast<std::size_t>(axis)];
      require<FormatError>(
          size <= static_cast<hsize_t>(most_bytes) && (size == 0 || bytes <= most_bytes / static_cast<Index>(size)),
          "{}: {} is larger than {} bytes", shown, name, most_bytes);
      bytes *= static_cast<Index>(size);
      opened.dimensions.push_back(static_cast<Index>(size));
    }
    check_storage(opened.id.get(), shown, name, bytes);
    return opened;
  }
};

Hdf5Reader::Hdf5Reader(const std::string& path) : path_(path), self_(std::make_unique<Self>()) {
  check_file(path);
  const Silence silence;
  const Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  self_->file = Id(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose);
  require<FormatError>(static_cast<bool>(self_->file), "{}: is cut off or damaged: HDF5 cannot open it", path);
}

Hdf5Reader::~Hdf5Reader() {
  const Silence silence;
  self_.reset();
}

bool Hdf5Reader::has_group(const std::string& group) const {
  const Silence silence;
  return static_cast<bool>(self_->open_group(path_, group));
}

std::vector<std::string> Hdf5Reader::members(const std::string& group) const {
  const Silence silence;
  const Id id = self_->open_group(path_, group);
  require<FormatError>(static_cast<bool>(id), "{}: there is no group {}", path_, group);
  H5G_info_t info{};
  require<FormatError>(H5Gget_info(id.get(), &info) >= 0 && info.nlinks <= static_cast<hsize_t>(most_names),
                       "{}: the group {} is damaged or has more than {} members", path_, group, most_names);
  std::vector<std::string> result;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const ssize_t size = H5Lget_name_by_idx(id.get(), ".", H5_INDEX_NAME, H5_ITER_INC, i, nullptr, 0, H5P_DEFAULT);
    require<FormatError>(size >= 0 && size <= static_cast<ssize_t>(most_text), "{}: the group {} is damaged", path_,
                         group);
    std::string name(static_cast<std::size_t>(size) + 1, '\0');
    H5Lget_name_by_idx(id.get(), ".", H5_INDEX_NAME, H5_ITER_INC, i, name.data(), name.size(), H5P_DEFAULT);
    name.pop_back();
    result.push_back(std::move(name));
  }
  return result;
}

std::optional<std::string> Hdf5Reader::text(const std::string& group, const std::string& attribute) const {
  const Silence silence;
  const Id id = self_->open_group(path_, group);
  if (!id || H5Aexists(id.get(), attribute.c_str()) <= 0) return std::nullopt;
  const Id opened(H5Aopen(id.get(), attribute.c_str(), H5P_DEFAULT), H5Aclose);
  require<FormatError>(static_cast<bool>(opened), "{}: the attribute {} is damaged", path_, attribute);
  std::vector<std::string> texts = read_texts(opened.get(), path_, attribute);
  if (texts.empty()) return "";
  require<FormatError>(texts.size() == 1, "{}: expected one text in the attribute {}, got {}", path_, attribute,
                       texts.size());
  return std::move(texts[0]);
}

std::optional<std::vector<std::string>> Hdf5Reader::names(const std::string& group,
                                                          const std::string& attribute) const {
  const Silence silence;
  const Id id = self_->open_group(path_, group);
  require<FormatError>(static_cast<bool>(id), "{}: there is no group {}", path_, group);
  auto read_one = [&](const std::string& name) -> std::optional<std::vector<std::string>> {
    if (H5Aexists(id.get(), name.c_str()) <= 0) return std::nullopt;
    const Id opened(H5Aopen(id.get(), name.c_str(), H5P_DEFAULT), H5Aclose);
    require<FormatError>(static_cast<bool>(opened), "{}: the attribute {} is damaged", path_, name);
    return read_texts(opened.get(), path_, name);
  };
  if (auto whole = read_one(attribute)) return whole;
  std::optional<std::vector<std::string>> all;
  for (int part = 0; part < most_names; ++part) {
    auto texts = read_one(attribute + std::to_string(part));
    if (!texts) break;
    if (!all) all.emplace();
    all->insert(all->end(), texts->begin(), texts->end());
    require<FormatError>(static_cast<Index>(all->size()) <= most_names, "{}: more than {} names in {}", path_,
                         most_names, attribute);
  }
  return all;
}

Hdf5Dataset Hdf5Reader::dataset(const std::string& dataset) const {
  const Silence silence;
  return {self_->open_dataset(path_, dataset).dimensions};
}

void Hdf5Reader::read(const std::string& dataset, const std::vector<Index>& dimensions, Scalar* out) const {
  const Silence silence;
  const Self::Opened opened = self_->open_dataset(path_, dataset);
  require<FormatError>(opened.dimensions == dimensions, "{}: {} is {} in the file, expected {}", path_, dataset,
                       text_of(opened.dimensions), text_of(dimensions));
  require<FormatError>(H5Dread(opened.id.get(), scalar_type(), H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0,
                       "{}: {} cannot be read", path_, dataset);
}

double Hdf5Reader::read_number(const std::string& dataset) const {
  const Silence silence;
  const Self::Opened opened = self_->open_dataset(path_, dataset);
  const bool one = opened.dimensions.empty() || (opened.dimensions.size() == 1 && opened.dimensions[0] == 1);
  require<FormatError>(one, "{}: {} is {} in the file, expected one number", path_, dataset,
                       text_of(opened.dimensions));
  double value = 0;
  require<FormatError>(H5Dread(opened.id.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, &value) >= 0,
                       "{}: {} cannot be read", path_, dataset);
  return value;
}

struct Hdf5Writer::Self {
  Id file;

  Id open(const std::string& group) const {
    return Id(group.empty() ? H5Gopen2(file.get(), "/", H5P_DEFAULT) : H5Gopen2(file.get(), group.c_str(), H5P_DEFAULT),
              H5Gclose);
  }
};

namespace {

void require_written(bool done, const std::string& path) {
  require<FormatError>(done, "{}: cannot be written (is the disk full?)", path);
}

Id text_type(std::size_t width, H5T_str_t padding) {
  Id type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), width);
  H5Tset_strpad(type.get(), padding);
  H5Tset_cset(type.get(), H5T_CSET_ASCII);
  return type;
}

Id list_space(std::size_t count) {
  const hsize_t size = count;
  return Id(H5Screate_simple(1, &size, nullptr), H5Sclose);
}

}  // namespace

Hdf5Writer::Hdf5Writer(const std::string& path, std::string shown_path)
    : path_(std::move(shown_path)), self_(std::make_unique<Self>()) {
  const Silence silence;
  const Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_libver_bounds(access.get(), H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST);
  self_->file = Id(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()), H5Fclose);
  require_written(static_cast<bool>(self_->file), path_);
}

Hdf5Writer::~Hdf5Writer() {
  const Silence silence;
  self_.reset();
}

void Hdf5Writer::group(const std::string& group) {
  const Silence silence;
  for (std::size_t end = group.find('/');; end = group.find('/', end + 1)) {
    const std::string part = group.substr(0, end);
    if (H5Lexists(self_->file.get(), part.c_str(), H5P_DEFAULT) <= 0) {
      const Id made(H5Gcreate2(self_->file.get(), part.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
      require_written(static_cast<bool>(made), path_);
    }
    if (end == std::string::npos) return;
  }
}

void Hdf5Writer::text(const std::string& group, const std::string& attribute, const std::string& value) {
  const Silence silence;
  const Id object = self_->open(group), space(H5Screate(H5S_SCALAR), H5Sclose),
           type = text_type(H5T_VARIABLE, H5T_STR_NULLTERM);
  const Id made(H5Acreate2(object.get(), attribute.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
                H5Aclose);
  const char* const bytes = value.c_str();
  require_written(made && H5Awrite(made.get(), type.get(), &bytes) >= 0, path_);
}

void Hdf5Writer::names(const std::string& group, const std::string& attribute, const std::vector<std::string>& values) {
  std::size_t width = 0;
  for (const std::string& value : values) width = std::max(width, value.size());
  constexpr std::size_t limit = 64512;  // of an object header; longer lists are split, as Keras does
  require<FormatError>(width <= limit, "{}: a name of {} bytes is too long for the file", path_, width);
  const std::size_t parts = values.empty() ? 1
                                           : (values.size() + limit / std::max<std::size_t>(width, 1) - 1) /
                                                 (limit / std::max<std::size_t>(width, 1));
  const Silence silence;
  const Id object = self_->open(group);
  std::size_t first = 0;
  for (std::size_t part = 0; part < parts; ++part) {
    const std::size_t count = values.size() / parts + (part < values.size() % parts ? 1 : 0);
    const std::string name = parts == 1 ? attribute : attribute + std::to_string(part);
    const Id space = list_space(count);
    if (count == 0) {
      const Id made(H5Acreate2(object.get(), name.c_str(), H5T_IEEE_F64LE, space.get(), H5P_DEFAULT, H5P_DEFAULT),
                    H5Aclose);
      require_written(static_cast<bool>(made), path_);
      continue;
    }
    std::string bytes(width * count, '\0');
    for (std::size_t i = 0; i < count; ++i)
      std::copy(values[first + i].begin(), values[first + i].end(),
                bytes.begin() + static_cast<std::ptrdiff_t>(i * width));
    const Id type = text_type(width, H5T_STR_NULLPAD);
    const Id made(H5Acreate2(object.get(), name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    require_written(made && H5Awrite(made.get(), type.get(), bytes.data()) >= 0, path_);
    first += count;
  }
}

namespace {

void write_dataset(hid_t file, const std::string& path, const std::string& name, hid_t file_type, hid_t memory_type,
                   const std::vector<Index>& dimensions, const void* values) {
  std::vector<hsize_t> sizes(dimensions.begin(), dimensions.end());
  const Id space(
      sizes.empty() ? H5Screate(H5S_SCALAR) : H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr),
      H5Sclose);
  const Id plist(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_obj_track_times(plist.get(), false);  // the same model gives the same bytes
  const Id made(H5Dcreate2(file, name.c_str(), file_type, space.get(), H5P_DEFAULT, plist.get(), H5P_DEFAULT),
                H5Dclose);
  require_written(made && H5Dwrite(made.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0, path);
}

}  // namespace

void Hdf5Writer::floats(const std::string& dataset, const std::vector<Index>& dimensions, const Scalar* values) {
  const Silence silence;
  write_dataset(self_->file.get(), path_, dataset, sizeof(Scalar) == 4 ? H5T_IEEE_F32LE : H5T_IEEE_F64LE, scalar_type(),
                dimensions, values);
}

void Hdf5Writer::integer(const std::string& dataset, std::int64_t value) {
  const Silence silence;
  write_dataset(self_->file.get(), path_, dataset, H5T_STD_I64LE, H5T_NATIVE_INT64, {}, &value);
}

void Hdf5Writer::real(const std::string& dataset, double value) {
  const Silence silence;
  write_dataset(self_->file.get(), path_, dataset, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, {}, &value);
}

void Hdf5Writer::close() {
  const Silence silence;
  const bool flushed = H5Fflush(self_->file.get(), H5F_SCOPE_GLOBAL) >= 0;
  require_written(self_->file.close() && flushed, path_);
}

}  // namespace maas::inline MAAS_ABI::io
