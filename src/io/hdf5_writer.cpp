#include <algorithm>

#include "io/hdf5_file.hpp"
#include "io/hdf5_library.hpp"
#include "io/limits.hpp"
#include "io/written.hpp"

namespace maas::inline MAAS_ABI::io {

struct Hdf5Writer::Self {
  Id file;

  Id open(const std::string& group) const {
    return Id(group.empty() ? H5Gopen2(file.get(), "/", H5P_DEFAULT) : H5Gopen2(file.get(), group.c_str(), H5P_DEFAULT),
              H5Gclose);
  }
};

namespace {

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

// What a reader would refuse is not written over a file that can be read.
void require_fit(const std::string& path, const std::string& name, const std::vector<Index>& dimensions,
                 std::size_t number_bytes, Index most) {
  require<FormatError>(dimensions.size() <= most_rank, "{}: {}: expected at most {} axes, got {}", path, name,
                       most_rank, dimensions.size());
  double bytes = static_cast<double>(number_bytes);
  for (Index dimension : dimensions) bytes *= static_cast<double>(dimension);
  require<FormatError>(bytes <= static_cast<double>(most), "{}: {}: expected at most {} bytes, got {:.0f}", path, name,
                       most, bytes);
}

}  // namespace

Hdf5Writer::Hdf5Writer(const std::string& path, std::string shown_path)
    : path_(std::move(shown_path)), self_(std::make_unique<Self>()) {
  create(path, false);
}

Hdf5Writer::Hdf5Writer(std::string shown_path) : path_(std::move(shown_path)), self_(std::make_unique<Self>()) {
  create("memory", true);
}

void Hdf5Writer::create(const std::string& path, bool in_memory) {
  constexpr std::size_t growth = std::size_t{1} << 20;
  const Silence silence;
  const Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_libver_bounds(access.get(), H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST);
  if (in_memory) H5Pset_fapl_core(access.get(), growth, false);
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

void Hdf5Writer::link(const std::string& group, const std::string& other_name) {
  const Silence silence;
  const hid_t file = self_->file.get();
  require_written(H5Lcreate_hard(file, group.c_str(), file, other_name.c_str(), H5P_DEFAULT, H5P_DEFAULT) >= 0, path_);
}

void Hdf5Writer::text(const std::string& group, const std::string& attribute, const std::string& value) {
  require<FormatError>(value.size() <= most_text, "{}: the attribute {}: expected at most {} bytes, got {}", path_,
                       attribute, most_text, value.size());
  const Silence silence;
  const Id object = self_->open(group), space(H5Screate(H5S_SCALAR), H5Sclose),
           type = text_type(H5T_VARIABLE, H5T_STR_NULLTERM);
  const Id made(H5Acreate2(object.get(), attribute.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
                H5Aclose);
  const char* const bytes = value.c_str();
  require_written(made && H5Awrite(made.get(), type.get(), &bytes) >= 0, path_);
}

void Hdf5Writer::names(const std::string& group, const std::string& attribute, const std::vector<std::string>& values) {
  require<FormatError>(values.size() <= static_cast<std::size_t>(most_names),
                       "{}: the attribute {}: expected at most {} names, got {}", path_, attribute, most_names,
                       values.size());
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
  require_fit(path_, dataset, dimensions, sizeof(Scalar), most_bytes);
  rows(dataset, dimensions, values);
}

void Hdf5Writer::rows(const std::string& dataset, const std::vector<Index>& dimensions, const Scalar* values) {
  require_fit(path_, dataset, dimensions, sizeof(Scalar), most_all_bytes);
  const Silence silence;
  write_dataset(self_->file.get(), path_, dataset, sizeof(Scalar) == 4 ? H5T_IEEE_F32LE : H5T_IEEE_F64LE, scalar_type(),
                dimensions, values);
}

void Hdf5Writer::doubles(const std::string& dataset, const std::vector<Index>& dimensions, const double* values) {
  require_fit(path_, dataset, dimensions, sizeof(double), most_bytes);
  const Silence silence;
  write_dataset(self_->file.get(), path_, dataset, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, dimensions, values);
}

void Hdf5Writer::integer(const std::string& dataset, std::int64_t value) {
  const Silence silence;
  write_dataset(self_->file.get(), path_, dataset, H5T_STD_I64LE, H5T_NATIVE_INT64, {}, &value);
}

void Hdf5Writer::real(const std::string& dataset, double value) { doubles(dataset, {}, &value); }

void Hdf5Writer::close() {
  const Silence silence;
  const bool flushed = H5Fflush(self_->file.get(), H5F_SCOPE_GLOBAL) >= 0;
  require_written(self_->file.close() && flushed, path_);
}

std::string_view Hdf5Writer::image() {
  const Silence silence;
  const hid_t file = self_->file.get();
  void* memory = nullptr;
  require_written(H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0 && H5Fget_vfd_handle(file, H5P_DEFAULT, &memory) >= 0, path_);
  const ssize_t size = H5Fget_file_image(file, nullptr, 0);
  require_written(size >= 0 && memory != nullptr, path_);
  return {*static_cast<const char**>(memory), static_cast<std::size_t>(size)};
}

}  // namespace maas::inline MAAS_ABI::io
