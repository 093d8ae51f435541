// Bodies of BackupAndRestore.
#pragma once

#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "maas/core/new_file.hpp"
#include "maas/training/backup.hpp"
#include "maas/training/folder.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// FNV-1a: tells a file that was damaged on its disk.
inline std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t sum = 14695981039346656037u;
  for (const char byte : bytes) sum = (sum ^ static_cast<unsigned char>(byte)) * 1099511628211u;
  return sum;
}

/// All bytes of a file; nothing if there is none. Throws FormatError where it cannot be read.
inline std::optional<std::string> content_of(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    const int error = errno;
    require<FormatError>(error == ENOENT, "{}: cannot be read: {}", path, std::strerror(error));
    return std::nullopt;
  }
  std::string content;
  char buffer[1 << 16];
  while (const std::size_t count = std::fread(buffer, 1, sizeof(buffer), file)) content.append(buffer, count);
  const bool failed = std::ferror(file) != 0;
  std::fclose(file);
  require<FormatError>(!failed, "{}: cannot be read to its end", path);
  return content;
}

inline constexpr std::string_view backup_head = "maas backup 1\n";

}  // namespace detail

MAAS_INLINE void BackupAndRestore::train_begin(TrainingView& view) {
  require<ConfigError>(!path.empty(), "BackupAndRestore: expected a path, got none");
  require<ConfigError>(save_freq.value_or(1) >= 1, "BackupAndRestore: expected a save_freq of at least 1, got {}",
                       save_freq.value_or(1));
  require<ConfigError>(min_seconds >= 0 && std::isfinite(min_seconds),
                       "BackupAndRestore: expected min_seconds of at least 0, got {}", min_seconds);
  saved_ = std::chrono::steady_clock::now();
  steps_since_ = 0;
  restored_.clear();
  const std::optional<std::string> file = detail::content_of(path);
  if (!file) return;
  const std::size_t head = detail::backup_head.size();
  std::uint64_t sum = 0;
  require<FormatError>(file->size() > head + sizeof(sum) && file->starts_with(detail::backup_head),
                       "{}: is no backup of this version of maas", path);
  std::memcpy(&sum, file->data() + head, sizeof(sum));
  std::string content = file->substr(head + sizeof(sum));
  require<FormatError>(sum == detail::checksum(content), "{}: is damaged", path);
  if (restore(view, content) == Place::in_epoch) restored_ = std::move(content);
}

// The other callbacks have just begun an epoch of which a part is done already: what they changed is put back.
MAAS_INLINE void BackupAndRestore::epoch_begin(TrainingView& view) {
  if (!restored_.empty()) restore(view, std::exchange(restored_, {}));
}

MAAS_INLINE void BackupAndRestore::batch_end(TrainingView& view) {
  if (!save_freq || ++steps_since_ < *save_freq) return;
  steps_since_ = 0;
  save_if_due(view, Place::in_epoch);
}

MAAS_INLINE void BackupAndRestore::epoch_end(TrainingView& view) {
  if (!save_freq) save_if_due(view, Place::after_epoch);
}

MAAS_INLINE void BackupAndRestore::train_end(TrainingView&) const {
  if (delete_checkpoint) std::remove(path.c_str());
}

MAAS_INLINE BackupAndRestore::Place BackupAndRestore::restore(TrainingView& view, std::string content) const {
  StateArchive archive(std::move(content), path);
  archive.same("scalar", static_cast<int>(sizeof(Scalar)));
  std::string optimizer(view.optimizer.class_name());
  archive("optimizer", optimizer);
  require<FormatError>(optimizer == view.optimizer.class_name(), "{}: optimizer: expected {}, got {}", path,
                       view.optimizer.class_name(), optimizer);
  bool in_epoch = false;
  archive("in_epoch", in_epoch);
  StateArchive before;
  view.keep_state(before);
  try {
    view.keep_state(archive);
    require<FormatError>(archive.at_end(), "{}: expected the end, got the state of more callbacks", path);
  } catch (const Error&) {  // what was read so far is of another fit
    StateArchive undo(before.bytes(), path);
    view.keep_state(undo);
    throw;
  }
  return in_epoch ? Place::in_epoch : Place::after_epoch;
}

MAAS_INLINE void BackupAndRestore::save_if_due(TrainingView& view, Place place) {
  const auto now = std::chrono::steady_clock::now();
  if (std::chrono::duration<double>(now - saved_).count() < min_seconds) return;
  save(view, place);
  saved_ = std::chrono::steady_clock::now();
}

MAAS_INLINE void BackupAndRestore::save(TrainingView& view, Place place) const {
  StateArchive archive;
  archive.same("scalar", static_cast<int>(sizeof(Scalar)));
  std::string optimizer(view.optimizer.class_name());
  archive("optimizer", optimizer);
  bool in_epoch = place == Place::in_epoch;
  archive("in_epoch", in_epoch);
  view.keep_state(archive);
  const std::uint64_t sum = detail::checksum(archive.bytes());
  detail::make_folder_of(path);
  NewFile file(path);
  file.write(detail::backup_head);
  file.write({reinterpret_cast<const char*>(&sum), sizeof(sum)});
  file.write(archive.bytes());
  file.commit();
}

}  // namespace maas::inline MAAS_ABI
