#include "data/file_rows.hpp"

#include <sys/stat.h>

#include <map>
#include <mutex>
#include <tuple>

namespace maas::inline MAAS_ABI {

namespace {

// The device and the place on it stand for the file, whatever path leads there; the rest for what it holds.
using FileKey = std::tuple<dev_t, ino_t, off_t, time_t, long>;

std::uint64_t number_of(const FileKey& key) {
  static std::mutex mutex;
  static std::map<FileKey, std::uint64_t> numbers;
  const std::lock_guard lock(mutex);
  const auto [entry, is_new] = numbers.try_emplace(key, 0);
  if (is_new) entry->second = RowMarks::of_new(0).sources()[0].table;
  return entry->second;
}

}  // namespace

std::uint64_t number_of_file(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return 0;
  return number_of({status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec});
}

RowMarks rows_of_file(std::uint64_t number, Index begin, Index rows) {
  return number == 0 ? RowMarks() : RowMarks::of_table(number, begin, rows);
}

}  // namespace maas::inline MAAS_ABI
