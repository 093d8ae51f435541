#include "io/zip_archive.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <zip.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <utility>

#include "io/written.hpp"

namespace maas::inline MAAS_ABI::io {

namespace {

constexpr zip_int64_t most_members = 1000;
constexpr std::uint64_t most_inflation = 100;
constexpr std::uint64_t always_allowed = std::uint64_t{1} << 20;  // of an inflated member

struct CloseArchive {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct CloseMember {
  void operator()(zip_file_t* member) const { zip_fclose(member); }
};
using Archive = std::unique_ptr<zip_t, CloseArchive>;
using Member = std::unique_ptr<zip_file_t, CloseMember>;

// What libzip calls to read from Bytes.
class ReadSource {
 public:
  explicit ReadSource(BytesPointer bytes) : bytes_(std::move(bytes)) { zip_error_init(&error_); }

  static zip_int64_t call(void* self, void* data, zip_uint64_t size, zip_source_cmd_t command) {
    if (command == ZIP_SOURCE_FREE) {
      delete static_cast<ReadSource*>(self);
      return 0;
    }
    return static_cast<ReadSource*>(self)->answer(data, size, command);
  }

 private:
  zip_int64_t answer(void* data, zip_uint64_t size, zip_source_cmd_t command) {
    switch (command) {
      case ZIP_SOURCE_OPEN:
        place_ = 0;
        return 0;
      case ZIP_SOURCE_CLOSE:
        return 0;
      case ZIP_SOURCE_READ:
        return read(data, size);
      case ZIP_SOURCE_SEEK:
        return seek(data, size);
      case ZIP_SOURCE_TELL:
        return static_cast<zip_int64_t>(place_);
      case ZIP_SOURCE_STAT: {
        auto* status = static_cast<zip_stat_t*>(data);
        zip_stat_init(status);
        status->valid = ZIP_STAT_SIZE;
        status->size = bytes_->size();
        return sizeof(zip_stat_t);
      }
      case ZIP_SOURCE_ERROR:
        return zip_error_to_data(&error_, data, size);
      case ZIP_SOURCE_SUPPORTS:
        return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT,
                                              ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL,
                                              ZIP_SOURCE_SUPPORTS, -1);
      default:
        zip_error_set(&error_, ZIP_ER_OPNOTSUPP, 0);
        return -1;
    }
  }
  zip_int64_t read(void* out, zip_uint64_t count) {
    const std::uint64_t left = place_ < bytes_->size() ? bytes_->size() - place_ : 0;
    count = std::min(count, left);
    if (!bytes_->read(place_, out, count)) {
      zip_error_set(&error_, ZIP_ER_READ, EIO);
      return -1;
    }
    place_ += count;
    return static_cast<zip_int64_t>(count);
  }
  zip_int64_t seek(void* data, zip_uint64_t size) {
    const zip_int64_t place = zip_source_seek_compute_offset(place_, bytes_->size(), data, size, &error_);
    if (place < 0) return -1;
    place_ = static_cast<std::uint64_t>(place);
    return 0;
  }

  BytesPointer bytes_;
  std::uint64_t place_ = 0;
  zip_error_t error_;
};

std::string text_of(zip_error_t& error) {
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

}  // namespace

struct ZipReader::Self {
  Archive archive;
  std::mutex mutex;  // libzip's archives are for one thread
};

namespace {

// A stored member: libzip finds any place in it.
class StoredMember final : public Bytes {
 public:
  StoredMember(std::shared_ptr<void> archive, std::mutex& mutex, Member member, std::uint64_t size)
      : archive_(std::move(archive)), mutex_(mutex), member_(std::move(member)), size_(size) {}
  std::uint64_t size() const override { return size_; }
  bool read(std::uint64_t at, void* out, std::size_t count) const override {
    if (at > size_ || count > size_ - at) return false;
    const std::lock_guard lock(mutex_);
    if (zip_fseek(member_.get(), static_cast<zip_int64_t>(at), SEEK_SET) != 0) return false;
    char* to = static_cast<char*>(out);
    while (count > 0) {
      const zip_int64_t got = zip_fread(member_.get(), to, count);
      if (got <= 0) return false;
      to += got;
      count -= static_cast<std::size_t>(got);
    }
    return true;
  }

 private:
  std::shared_ptr<void> archive_;  // kept for as long as its member
  std::mutex& mutex_;
  Member member_;
  std::uint64_t size_;
};

// Reads a member to its end, where libzip compares its checksum. False if anything is wrong with it.
template <class Take>
bool read_all(zip_file_t* member, std::uint64_t size, Take take) {
  std::array<char, 65536> part;
  std::uint64_t seen = 0;
  for (;;) {
    const zip_int64_t got = zip_fread(member, part.data(), part.size());
    if (got == 0) return seen == size;
    if (got < 0 || static_cast<std::uint64_t>(got) > size - seen) return false;
    take(std::string_view(part.data(), static_cast<std::size_t>(got)));
    seen += static_cast<std::uint64_t>(got);
  }
}

}  // namespace

ZipReader::ZipReader(BytesPointer bytes, std::string shown)
    : shown_(std::move(shown)), self_(std::make_shared<Self>()) {
  zip_error_t error;
  zip_error_init(&error);
  auto source_state = std::make_unique<ReadSource>(std::move(bytes));
  zip_source_t* source = zip_source_function_create(ReadSource::call, source_state.get(), &error);
  if (source != nullptr) {
    source_state.release();  // libzip frees it with the source
    self_->archive.reset(zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error));
    if (!self_->archive) zip_source_free(source);
  }
  const std::string why = text_of(error);
  require<FormatError>(self_->archive != nullptr, "{}: is a zip archive that is cut off or damaged: {}", shown_, why);
  const zip_int64_t count = zip_get_num_entries(self_->archive.get(), 0);
  require<FormatError>(count <= most_members, "{}: has {} members, expected at most {}", shown_, count, most_members);
  for (zip_int64_t i = 0; i < count; ++i) {
    const char* name = zip_get_name(self_->archive.get(), static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
    require<FormatError>(name != nullptr, "{}: a member has no name", shown_);
    require<FormatError>(!has(name), "{}: has two members of the name \"{}\"", shown_, name);
    names_.emplace_back(name);
  }
}

bool ZipReader::has(std::string_view name) const { return std::ranges::find(names_, name) != names_.end(); }

BytesPointer ZipReader::member(const std::string& name, std::uint64_t most) const {
  const std::string where = shown_ + ": " + name;
  const auto place = std::ranges::find(names_, name);
  require<FormatError>(place != names_.end(), "{}: there is no {} in the archive", shown_, name);
  const auto index = static_cast<zip_uint64_t>(place - names_.begin());
  const std::lock_guard lock(self_->mutex);
  zip_stat_t status;
  const bool known = zip_stat_index(self_->archive.get(), index, 0, &status) == 0;
  constexpr zip_uint64_t needed =
      ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  require<FormatError>(known && (status.valid & needed) == needed, "{}: is damaged", where);
  require<FormatError>(status.encryption_method == ZIP_EM_NONE, "{}: is encrypted", where);
  require<FormatError>(status.comp_method == ZIP_CM_STORE || status.comp_method == ZIP_CM_DEFLATE,
                       "{}: is packed by the method {}, expected stored (0) or deflated (8)", where,
                       status.comp_method);
  require<FormatError>(status.size <= most, "{}: is larger than {} bytes", where, most);
  require<FormatError>(status.size <= always_allowed || status.size / most_inflation <= status.comp_size,
                       "{}: claims {} bytes but holds {}", where, status.size, status.comp_size);
  Member member(zip_fopen_index(self_->archive.get(), index, 0));
  require<FormatError>(member != nullptr, "{}: cannot be read", where);
  std::string inflated;
  const bool stored = status.comp_method == ZIP_CM_STORE;
  if (!stored) inflated.reserve(status.size);
  const bool whole = read_all(member.get(), status.size, [&](std::string_view part) {
    if (!stored) inflated += part;
  });
  require<FormatError>(whole, "{}: is damaged: its checksum or its size is wrong", where);
  if (!stored) return held_bytes(std::move(inflated));
  return std::make_shared<StoredMember>(self_, self_->mutex, std::move(member), status.size);
}

// ---- Writing ----

namespace {

// What libzip calls to write a new archive behind what a file holds.
class AppendSource {
 public:
  AppendSource(int file, std::uint64_t start) : file_(file), start_(start) { zip_error_init(&error_); }

  static zip_int64_t call(void* self, void* data, zip_uint64_t size, zip_source_cmd_t command) {
    if (command == ZIP_SOURCE_FREE) {
      delete static_cast<AppendSource*>(self);
      return 0;
    }
    return static_cast<AppendSource*>(self)->answer(data, size, command);
  }

 private:
  zip_int64_t answer(void* data, zip_uint64_t size, zip_source_cmd_t command) {
    switch (command) {
      case ZIP_SOURCE_BEGIN_WRITE:
        place_ = end_ = start_;
        return 0;
      case ZIP_SOURCE_COMMIT_WRITE:
        return 0;
      case ZIP_SOURCE_ROLLBACK_WRITE:
        return 0;  // the file is removed then
      case ZIP_SOURCE_WRITE:
        return write(static_cast<const char*>(data), size);
      case ZIP_SOURCE_SEEK_WRITE: {
        const zip_int64_t place = zip_source_seek_compute_offset(place_, end_, data, size, &error_);
        if (place < 0) return -1;
        place_ = static_cast<std::uint64_t>(place);
        return 0;
      }
      case ZIP_SOURCE_TELL_WRITE:
        return static_cast<zip_int64_t>(place_);
      case ZIP_SOURCE_STAT:  // there is no archive yet
        zip_error_set(&error_, ZIP_ER_READ, ENOENT);
        return -1;
      case ZIP_SOURCE_ERROR:
        return zip_error_to_data(&error_, data, size);
      case ZIP_SOURCE_SUPPORTS:
        return ZIP_SOURCE_SUPPORTS_WRITABLE;
      default:
        zip_error_set(&error_, ZIP_ER_OPNOTSUPP, 0);
        return -1;
    }
  }
  zip_int64_t write(const char* from, zip_uint64_t count) {
    for (zip_uint64_t done = 0; done < count;) {
      const ssize_t written = ::pwrite(file_, from + done, count - done, static_cast<off_t>(place_));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) {
        zip_error_set(&error_, ZIP_ER_WRITE, errno);
        return -1;
      }
      done += static_cast<zip_uint64_t>(written);
      place_ += static_cast<std::uint64_t>(written);
      end_ = std::max(end_, place_);
    }
    return static_cast<zip_int64_t>(count);
  }

  int file_;
  std::uint64_t start_, place_ = 0, end_ = 0;
  zip_error_t error_;
};

}  // namespace

struct ZipWriter::Self {
  int file = -1;
  Archive archive;
  ~Self() {
    archive.reset();
    if (file >= 0) ::close(file);
  }
};

ZipWriter::ZipWriter(const std::string& path, std::string shown)
    : shown_(std::move(shown)), self_(std::make_unique<Self>()) {
  self_->file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const off_t end = self_->file < 0 ? -1 : ::lseek(self_->file, 0, SEEK_END);
  require_written(end >= 0, shown_);
  auto state = std::make_unique<AppendSource>(self_->file, static_cast<std::uint64_t>(end));
  zip_source_t* source = zip_source_function_create(AppendSource::call, state.get(), nullptr);
  require_written(source != nullptr, shown_);
  state.release();  // libzip frees it with the source
  self_->archive.reset(zip_open_from_source(source, ZIP_CREATE, nullptr));
  if (!self_->archive) zip_source_free(source);
  require_written(self_->archive != nullptr, shown_);
}

ZipWriter::~ZipWriter() = default;

void ZipWriter::add(const std::string& name, std::string_view bytes) {
  zip_t* archive = self_->archive.get();
  zip_source_t* source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
  require_written(source != nullptr, shown_);
  const zip_int64_t index = zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
  if (index < 0) zip_source_free(source);
  require_written(index >= 0, shown_);
  const auto place = static_cast<zip_uint64_t>(index);
  constexpr zip_uint16_t midnight = 0, first_day = 1 << 5 | 1;  // of 1980, where zip's time begins
  require_written(zip_set_file_compression(archive, place, ZIP_CM_STORE, 0) == 0 &&
                      zip_file_set_dostime(archive, place, midnight, first_day, 0) == 0,
                  shown_);
}

void ZipWriter::close() {
  const bool done = zip_close(self_->archive.get()) == 0;
  if (done) self_->archive.release();  // closed, it is gone
  require_written(done, shown_);
}

}  // namespace maas::inline MAAS_ABI::io
