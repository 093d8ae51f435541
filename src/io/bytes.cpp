#include "io/bytes.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace maas::inline MAAS_ABI::io {

namespace {

bool fits(std::uint64_t at, std::uint64_t count, std::uint64_t size) { return at <= size && count <= size - at; }

class FileBytes final : public Bytes {
 public:
  FileBytes(int file, std::uint64_t size) : file_(file), size_(size) {}
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;
  ~FileBytes() override { ::close(file_); }

  std::uint64_t size() const override { return size_; }
  bool read(std::uint64_t at, void* out, std::size_t count) const override {
    if (!fits(at, count, size_)) return false;
    char* to = static_cast<char*>(out);
    while (count > 0) {
      const ssize_t got = ::pread(file_, to, count, static_cast<off_t>(at));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;  // 0: somebody has shortened the file since it was opened
      to += got;
      at += static_cast<std::uint64_t>(got);
      count -= static_cast<std::size_t>(got);
    }
    return true;
  }

 private:
  int file_;
  std::uint64_t size_;
};

class PartOfBytes final : public Bytes {
 public:
  PartOfBytes(BytesPointer whole, std::uint64_t start, std::uint64_t size)
      : whole_(std::move(whole)), start_(start), size_(size) {}
  std::uint64_t size() const override { return size_; }
  bool read(std::uint64_t at, void* out, std::size_t count) const override {
    return fits(at, count, size_) && whole_->read(start_ + at, out, count);
  }

 private:
  BytesPointer whole_;
  std::uint64_t start_, size_;
};

class HeldBytes final : public Bytes {
 public:
  explicit HeldBytes(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  bool read(std::uint64_t at, void* out, std::size_t count) const override {
    if (!fits(at, count, bytes_.size())) return false;
    std::memcpy(out, bytes_.data() + at, count);
    return true;
  }

 private:
  std::string bytes_;
};

}  // namespace

bool Bytes::has(std::uint64_t at, std::string_view bytes) const {
  std::string found(bytes.size(), '\0');
  return fits(at, bytes.size(), size()) && read(at, found.data(), found.size()) && found == bytes;
}

std::string Bytes::text(std::uint64_t at, std::size_t count, const std::string& where) const {
  require<FormatError>(fits(at, count, size()), "{}: ends before byte {}", where, at + count);
  std::string result(count, '\0');
  const bool done = read(at, result.data(), count);
  require<FormatError>(done, "{}: cannot be read", where);
  return result;
}

BytesPointer open_bytes(const std::string& path) {
  struct stat status {};
  const bool found = ::stat(path.c_str(), &status) == 0;
  require<FormatError>(found, "{}: cannot be opened: {}", path, std::strerror(errno));
  require<FormatError>(!S_ISDIR(status.st_mode), "{}: is a folder, expected a model file", path);
  require<FormatError>(S_ISREG(status.st_mode), "{}: is no regular file", path);
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  require<FormatError>(file >= 0, "{}: cannot be opened: {}", path, std::strerror(errno));
  // Asked again of the file that is open: the name may mean another one by now.
  const bool known = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  auto bytes = std::make_shared<FileBytes>(file, known ? static_cast<std::uint64_t>(status.st_size) : 0);
  require<FormatError>(bytes->size() > 0, "{}: is empty", path);
  return bytes;
}

BytesPointer part_of(BytesPointer whole, std::uint64_t start, std::uint64_t size) {
  const std::uint64_t all = whole->size();
  require<FormatError>(fits(start, size, all), "expected {} bytes from byte {} on, got {} in all", size, start, all);
  return std::make_shared<PartOfBytes>(std::move(whole), start, size);
}

BytesPointer held_bytes(std::string bytes) { return std::make_shared<HeldBytes>(std::move(bytes)); }

}  // namespace maas::inline MAAS_ABI::io
