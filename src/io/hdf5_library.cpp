#include "io/hdf5_library.hpp"

#include <cstring>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

namespace maas::inline MAAS_ABI::io {

namespace {

std::mutex& library_mutex() {
  static std::mutex mutex;
  return mutex;
}

// ---- A driver of HDF5's, as its library calls them, that reads from Bytes ----

struct DriverSettings {
  const BytesPointer* bytes;
};

// Shared, since HDF5 1.10 cannot close some damaged files and keeps them.
struct OpenedBytes : H5FD_t {
  BytesPointer bytes;
  std::uint64_t serial = 0;
  haddr_t end_of_allocation = 0;
};

OpenedBytes& opened(H5FD_t* file) { return *static_cast<OpenedBytes*>(file); }
const OpenedBytes& opened(const H5FD_t* file) { return *static_cast<const OpenedBytes*>(file); }

H5FD_t* open_driver(const char*, unsigned flags, hid_t access, haddr_t) {
  static std::uint64_t count = 0;
  const auto* settings = static_cast<const DriverSettings*>(H5Pget_driver_info(access));
  if (settings == nullptr || (flags & H5F_ACC_RDWR) != 0) return nullptr;
  auto* file = new OpenedBytes;
  file->bytes = *settings->bytes;
  file->serial = ++count;
  return file;
}

herr_t close_driver(H5FD_t* file) {
  delete &opened(file);
  return 0;
}

// No two are the same: what was opened twice is two files to HDF5.
int compare(const H5FD_t* a, const H5FD_t* b) {
  const std::uint64_t first = opened(a).serial, second = opened(b).serial;
  return first == second ? 0 : first < second ? -1 : 1;
}

herr_t query(const H5FD_t*, unsigned long* flags) {
  if (flags != nullptr) *flags = H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE;
  return 0;
}

haddr_t get_end_of_allocation(const H5FD_t* file, H5FD_mem_t) { return opened(file).end_of_allocation; }

herr_t set_end_of_allocation(H5FD_t* file, H5FD_mem_t, haddr_t address) {
  opened(file).end_of_allocation = address;
  return 0;
}

haddr_t get_end_of_file(const H5FD_t* file, H5FD_mem_t) { return opened(file).bytes->size(); }

// What lies behind the end reads as zeros, as it does with the drivers of HDF5's own.
herr_t read_driver(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, size_t count, void* out) {
  const Bytes& bytes = *opened(file).bytes;
  const std::uint64_t there = address < bytes.size() ? bytes.size() - address : 0;
  const size_t real = count < there ? count : static_cast<size_t>(there);
  std::memset(static_cast<char*>(out) + real, 0, count - real);
  return real == 0 || bytes.read(address, out, real) ? 0 : -1;
}

herr_t refuse_writing(H5FD_t*, H5FD_mem_t, hid_t, haddr_t, size_t, const void*) { return -1; }

hid_t driver() {
  static H5FD_class_t description = [] {
    H5FD_class_t d{};
#if H5_VERSION_GE(1, 13, 0)
    d.version = H5FD_CLASS_VERSION;
    d.value = static_cast<H5FD_class_value_t>(H5_VFD_RESERVED);  // the first that is free for all
#endif
    d.name = "maas";
    d.maxaddr = static_cast<haddr_t>(-1) >> 1;
    d.fc_degree = H5F_CLOSE_STRONG;
    d.fapl_size = sizeof(DriverSettings);
    d.open = open_driver;
    d.close = close_driver;
    d.cmp = compare;
    d.query = query;
    d.get_eoa = get_end_of_allocation;
    d.set_eoa = set_end_of_allocation;
    d.get_eof = get_end_of_file;
    d.read = read_driver;
    d.write = refuse_writing;
    const H5FD_mem_t one_kind[] = H5FD_FLMAP_SINGLE;
    std::memcpy(d.fl_map, one_kind, sizeof d.fl_map);
    return d;
  }();
  static const hid_t registered = H5FDregister(&description);
  return registered;
}

}  // namespace

Silence::Silence() : lock_(library_mutex()) {
  // After some damaged files HDF5 1.10 keeps a file it can no longer close, and its own clean-up at the end of the
  // program then crashes. All files here are closed at once, so that clean-up is left out.
  [[maybe_unused]] static const herr_t no_clean_up = H5dont_atexit();
  H5Eget_auto2(H5E_DEFAULT, &print_, &data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Silence::~Silence() {
  H5Eclear2(H5E_DEFAULT);
  H5Eset_auto2(H5E_DEFAULT, print_, data_);
}

Id open_hdf5(const BytesPointer& bytes) {
  const Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  const DriverSettings settings{&bytes};
  if (H5Pset_driver(access.get(), driver(), &settings) < 0) return {};
  return Id(H5Fopen("bytes", H5F_ACC_RDONLY, access.get()), H5Fclose);
}

}  // namespace maas::inline MAAS_ABI::io
