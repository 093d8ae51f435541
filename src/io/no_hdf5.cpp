// In the place of the other files of this folder where maas is built without HDF5: every call says so.
#include "maas/io/hdf5.hpp"
#include "maas/io/keras.hpp"
#include "maas/io/onnx.hpp"
#include "maas/io/weights.hpp"

namespace maas::inline MAAS_ABI {

namespace {

[[noreturn]] void refuse(const std::string& path) {
  fail<FormatError>("{}: this build of maas neither reads nor writes models' files, nor HDF5 (MAAS_WITH_HDF5)", path);
}

}  // namespace

SavedModel read_keras(const std::string& path, const LoadOptions&) { refuse(path); }

std::vector<std::string> write_keras_view(const std::string& path, const ModelView&, const SaveOptions&) {
  refuse(path);
}

std::vector<std::string> write_keras(const std::string& path, const SavedModel&, const SaveOptions&) { refuse(path); }

std::vector<std::string> read_keras_weights(const std::string& path, Network&, const WeightsOptions&) { refuse(path); }

void write_keras_weights(const std::string& path, const Network&) { refuse(path); }

std::vector<Hdf5Content> list_hdf5(const std::string& path) { refuse(path); }

Table read_hdf5(const std::string& path, const std::vector<std::string>&) { refuse(path); }

Streamed stream_hdf5(const std::string& path, const Hdf5StreamOptions&) { refuse(path); }

void write_hdf5(const std::string& path, const std::vector<NamedMatrix>&) { refuse(path); }

void write_onnx(const std::string& path, const Network&, const std::string&) { refuse(path); }

}  // namespace maas::inline MAAS_ABI
