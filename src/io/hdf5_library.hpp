// How HDF5's C library is used: one thread at a time, silently, with identifiers that close themselves.
#pragma once

#include <hdf5.h>

#include <mutex>
#include <utility>

#include "io/bytes.hpp"
#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::io {

/// Holds the library for this thread, and keeps it from printing. Debian's HDF5 is not built for threads, and its error
/// printing is a setting of the whole process: every use of it stands under one of these.
class Silence {
 public:
  Silence();
  ~Silence();
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  std::lock_guard<std::mutex> lock_;
  H5E_auto2_t print_ = nullptr;
  void* data_ = nullptr;
};

/// An HDF5 identifier that is closed when it goes.
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

/// Opens what `bytes` hold for reading, wherever they lie: no file of a name is involved. An identifier of nothing if
/// HDF5 finds them damaged.
Id open_hdf5(const BytesPointer& bytes);

/// HDF5's type of this build's Scalar in memory.
inline hid_t scalar_type() { return sizeof(Scalar) == 4 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE; }

}  // namespace maas::inline MAAS_ABI::io
