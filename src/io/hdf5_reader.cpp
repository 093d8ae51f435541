#include <algorithm>
#include <array>
#include <map>

#include "io/hdf5_file.hpp"
#include "io/hdf5_structure.hpp"
#include "io/hdf5_texts.hpp"
#include "io/limits.hpp"

namespace maas::inline MAAS_ABI::io {

namespace {

constexpr std::size_t deepest_path = 32;

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

// Where the numbers lie and how they are packed.
H5D_layout_t check_place(hid_t dataset, const std::string& shown, const std::string& name) {
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
  return layout;
}

void check_storage(hid_t dataset, const std::string& shown, const std::string& name, Index bytes) {
  const H5D_layout_t layout = check_place(dataset, shown, name);
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

}  // namespace

Index Hdf5Dataset::size() const {
  Index product = 1;
  for (Index dimension : dimensions) product *= dimension;
  return product;
}

namespace {

Id number_type(hid_t dataset, const std::string& shown, const std::string& name) {
  Id type(H5Dget_type(dataset), H5Tclose);
  require<FormatError>(static_cast<bool>(type), "{}: {} is damaged", shown, name);
  const H5T_class_t kind = H5Tget_class(type.get());
  require<FormatError>(kind != H5T_OPAQUE || H5Tget_size(type.get()) != 2,
                       "{}: {} holds bfloat16 numbers, which are not read; save the model in float32", shown, name);
  require<FormatError>((kind == H5T_FLOAT || kind == H5T_INTEGER) && H5Tget_size(type.get()) <= 8,
                       "{}: {} holds no plain numbers of at most 64 bits", shown, name);
  return type;
}

std::vector<hsize_t> sizes_of(hid_t space, const std::string& shown, const std::string& name) {
  const H5S_class_t extent = H5Sget_simple_extent_type(space);
  const int rank = extent == H5S_NULL ? -1 : H5Sget_simple_extent_ndims(space);
  require<FormatError>(rank >= 0 && rank <= most_rank, "{}: {} has {} dimensions, expected at most {}", shown, name,
                       rank, most_rank);
  std::vector<hsize_t> sizes(static_cast<std::size_t>(rank));
  H5Sget_simple_extent_dims(space, sizes.data(), nullptr);
  return sizes;
}

// How many rows a chunk has. Each chunk that is packed is unpacked as a whole.
Index rows_of_chunk(hid_t dataset, const std::string& shown, const std::string& name, Index number_bytes) {
  const Id plist(H5Dget_create_plist(dataset), H5Pclose);
  std::array<hsize_t, most_rank> sizes{};
  if (H5Pget_layout(plist.get()) != H5D_CHUNKED) return 1;
  const int rank = H5Pget_chunk(plist.get(), most_rank, sizes.data());
  require<FormatError>(rank >= 1 && rank <= most_rank, "{}: {} is damaged", shown, name);
  Index bytes = number_bytes;
  for (int axis = 0; axis < rank; ++axis) {
    const hsize_t size = sizes[static_cast<std::size_t>(axis)];
    require<FormatError>(size >= 1 && size <= static_cast<hsize_t>(most_row_bytes / bytes),
                         "{}: {} is stored in chunks of more than {} bytes; rewrite it in smaller ones (h5repack)",
                         shown, name, most_row_bytes);
    bytes *= static_cast<Index>(size);
  }
  return static_cast<Index>(sizes[0]);
}

// A dataset that stays open.
struct OpenRows {
  Id id;
  Hdf5Rows rows;
};

OpenRows open_rows(hid_t file, const std::string& shown, const std::string& name) {
  OpenRows opened{open_object(file, shown, name), {}};
  const hid_t id = opened.id.get();
  require<FormatError>(opened.id && H5Iget_type(id) == H5I_DATASET, "{}: there is no dataset {}", shown, name);
  const Id type = number_type(id, shown, name), space(H5Dget_space(id), H5Sclose);
  require<FormatError>(static_cast<bool>(space), "{}: {} is damaged", shown, name);
  const std::vector<hsize_t> sizes = sizes_of(space.get(), shown, name);
  require<FormatError>(!sizes.empty(), "{}: {} is one number, expected rows", shown, name);
  const auto number_bytes = static_cast<Index>(H5Tget_size(type.get()));
  Index bytes = number_bytes;
  for (std::size_t axis = 1; axis < sizes.size(); ++axis) {
    require<FormatError>(sizes[axis] >= 1 && sizes[axis] <= static_cast<hsize_t>(most_row_bytes / bytes),
                         "{}: {} has rows of no number, or of more than {} bytes", shown, name, most_row_bytes);
    bytes *= static_cast<Index>(sizes[axis]);
    opened.rows.dimensions.push_back(static_cast<Index>(sizes[axis]));
  }
  require<FormatError>(sizes[0] <= static_cast<hsize_t>(most_all_bytes / bytes), "{}: {} is larger than {} bytes",
                       shown, name, most_all_bytes);
  check_place(id, shown, name);
  opened.rows.rows = static_cast<Index>(sizes[0]);
  opened.rows.numbers = bytes / number_bytes;
  opened.rows.chunk_rows = rows_of_chunk(id, shown, name, number_bytes);
  return opened;
}

}  // namespace

struct Hdf5Reader::Self {
  BytesPointer source;
  Id file;
  std::map<std::string, OpenRows> open;  // goes before the file

  const OpenRows& open_once(const std::string& shown, const std::string& name) {
    const auto found = open.find(name);
    return found != open.end() ? found->second : open.emplace(name, open_rows(file.get(), shown, name)).first->second;
  }

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
    const Id type = number_type(opened.id.get(), shown, name), space(H5Dget_space(opened.id.get()), H5Sclose);
    require<FormatError>(static_cast<bool>(space), "{}: {} is damaged", shown, name);
    Index bytes = static_cast<Index>(H5Tget_size(type.get()));
    for (const hsize_t size : sizes_of(space.get(), shown, name)) {
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

namespace {

void check_start(const Bytes& bytes, const std::string& shown) {
  require<FormatError>(is_hdf5(bytes), "{}: is not an HDF5 file (its first bytes are others)", shown);
  const std::optional<std::uint64_t> end = hdf5_end(bytes);
  require<FormatError>(!end || *end <= bytes.size(), "{}: is cut off: expected {} bytes, got {}", shown,
                       end.value_or(0), bytes.size());
}

}  // namespace

bool is_hdf5(const Bytes& bytes) { return bytes.has(0, "\x89HDF\r\n\x1a\n"); }

std::optional<std::uint64_t> hdf5_end(const Bytes& bytes) {
  // Superblock 0: its version stands at byte 8, the size of addresses at 13, the end of the file at 40.
  if (!bytes.has(8, std::string_view("\0", 1)) || !bytes.has(13, "\x08")) return std::nullopt;
  std::array<unsigned char, 8> field{};
  if (!bytes.read(40, field.data(), field.size())) return std::nullopt;
  std::uint64_t end = 0;
  for (std::size_t byte = field.size(); byte-- > 0;) end = end << 8 | field[byte];
  return end;
}

Hdf5Reader::Hdf5Reader(BytesPointer bytes, std::string shown)
    : path_(std::move(shown)), self_(std::make_unique<Self>()) {
  check_start(*bytes, path_);
  check_structure(*bytes, path_);
  const Silence silence;
  self_->source = std::move(bytes);
  self_->file = open_hdf5(self_->source);
  require<FormatError>(static_cast<bool>(self_->file), "{}: is cut off or damaged: HDF5 cannot open it", path_);
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
  std::vector<std::string> texts = read_texts(*self_->source, opened.get(), path_, attribute);
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
    return read_texts(*self_->source, opened.get(), path_, name);
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

void Hdf5Reader::read_doubles(const std::string& dataset, const std::vector<Index>& dimensions, double* out) const {
  const Silence silence;
  const Self::Opened opened = self_->open_dataset(path_, dataset);
  require<FormatError>(opened.dimensions == dimensions, "{}: {} is {} in the file, expected {}", path_, dataset,
                       text_of(opened.dimensions), text_of(dimensions));
  require<FormatError>(H5Dread(opened.id.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0,
                       "{}: {} cannot be read", path_, dataset);
}

bool Hdf5Reader::has_numbers(const std::string& dataset) const {
  const Silence silence;
  try {
    const Id id = open_object(self_->file.get(), path_, dataset);
    if (!id || H5Iget_type(id.get()) != H5I_DATASET) return false;
    number_type(id.get(), path_, dataset);
    return true;
  } catch (const FormatError&) {
    return false;
  }
}

std::vector<Index> Hdf5Reader::dimensions(const std::string& dataset) const {
  const Silence silence;
  const Id id = open_object(self_->file.get(), path_, dataset);
  require<FormatError>(id && H5Iget_type(id.get()) == H5I_DATASET, "{}: there is no dataset {}", path_, dataset);
  const Id space(H5Dget_space(id.get()), H5Sclose);
  require<FormatError>(static_cast<bool>(space), "{}: {} is damaged", path_, dataset);
  const std::vector<hsize_t> sizes = sizes_of(space.get(), path_, dataset);
  return {sizes.begin(), sizes.end()};
}

Hdf5Rows Hdf5Reader::rows(const std::string& dataset) const {
  const Silence silence;
  return self_->open_once(path_, dataset).rows;
}

void Hdf5Reader::read_rows(const std::string& dataset, Index first, Index count, Scalar* out) const {
  read_rows_as(false, dataset, first, count, out);
}

void Hdf5Reader::read_double_rows(const std::string& dataset, Index first, Index count, double* out) const {
  read_rows_as(true, dataset, first, count, out);
}

void Hdf5Reader::read_rows_as(bool doubles, const std::string& dataset, Index first, Index count, void* out) const {
  const Silence silence;
  const OpenRows& opened = self_->open_once(path_, dataset);
  require<FormatError>(first >= 0 && count >= 0 && count <= opened.rows.rows - first,
                       "{}: expected rows within 0 to {} of {}, got {} from {} on", path_, opened.rows.rows, dataset,
                       count, first);
  if (count == 0) return;
  std::vector<hsize_t> begin{static_cast<hsize_t>(first)}, sizes{static_cast<hsize_t>(count)};
  for (Index dimension : opened.rows.dimensions) {
    begin.push_back(0);
    sizes.push_back(static_cast<hsize_t>(dimension));
  }
  const Id space(H5Dget_space(opened.id.get()), H5Sclose);
  const Id memory(H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr), H5Sclose);
  const bool read =
      space && memory &&
      H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, begin.data(), nullptr, sizes.data(), nullptr) >= 0 &&
      H5Dread(opened.id.get(), doubles ? H5T_NATIVE_DOUBLE : scalar_type(), memory.get(), space.get(), H5P_DEFAULT,
              out) >= 0;
  require<FormatError>(read, "{}: rows {} to {} of {} cannot be read; the file is damaged", path_, first,
                       first + count - 1, dataset);
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

}  // namespace maas::inline MAAS_ABI::io
