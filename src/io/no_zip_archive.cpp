// In the place of zip_archive.cpp where maas is built without libzip.
#include "io/zip_archive.hpp"

namespace maas::inline MAAS_ABI::io {

struct ZipReader::Self {};
struct ZipWriter::Self {};

ZipReader::ZipReader(BytesPointer, std::string shown) {
  fail<FormatError>("{}: is a zip archive (.keras), which this build of maas does not read (MAAS_WITH_KERAS_ARCHIVE)",
                    shown);
}
bool ZipReader::has(std::string_view) const { return false; }
BytesPointer ZipReader::member(const std::string&, std::uint64_t) const { return nullptr; }

ZipWriter::ZipWriter(const std::string&, std::string shown) {
  fail<FormatError>("{}: .keras archives are not written by this build of maas (MAAS_WITH_KERAS_ARCHIVE)", shown);
}
ZipWriter::~ZipWriter() = default;
void ZipWriter::add(const std::string&, std::string_view) {}
void ZipWriter::close() {}

}  // namespace maas::inline MAAS_ABI::io
