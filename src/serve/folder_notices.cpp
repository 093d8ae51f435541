#include "serve/folder_notices.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <limits>

#include "maas/core/error.hpp"
#include "serve/folder.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

namespace files = std::filesystem;

// Writing is not among them: only its end is news.
constexpr std::uint32_t interesting =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ONLYDIR | IN_EXCL_UNLINK;

template <class Work>
void for_each_folder(const std::string& folder, const Work& work) {
  std::error_code error, unknown;
  for (const std::string& name : names_in(folder, error)) {
    const files::path path = files::path(folder) / name;
    if (!name.starts_with('.') && files::is_directory(path, unknown)) work(path.string());
  }
}

}  // namespace

FolderNotices::FolderNotices(std::string folder, bool enabled) : folder_(std::move(folder)) {
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  require<FormatError>(wake_ >= 0, "{}: cannot be watched: {}", folder_, std::strerror(errno));
  if (enabled) notices_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  update();
}

FolderNotices::~FolderNotices() {
  if (notices_ >= 0) ::close(notices_);
  ::close(wake_);
}

// The system knows a folder that is watched again.
void FolderNotices::watch(const std::string& folder) {
  const int number = ::inotify_add_watch(notices_, folder.c_str(), interesting);
  if (number >= 0) watched_[number] = folder;
}

void FolderNotices::update() {
  if (notices_ < 0) return;
  watch(folder_);
  for_each_folder(folder_, [&](const std::string& model) {
    watch(model);
    for_each_folder(model, [&](const std::string& version) { watch(version); });
  });
}

FolderNews FolderNotices::wait(std::chrono::milliseconds time, const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] {
    const std::uint64_t one = 1;
    (void)!::write(wake_, &one, sizeof one);
  });
  pollfd both[] = {{.fd = wake_, .events = POLLIN, .revents = 0}, {.fd = notices_, .events = POLLIN, .revents = 0}};
  const auto most = std::min<std::int64_t>(time.count(), std::numeric_limits<int>::max());
  FolderNews news;
  if (::poll(both, 2, static_cast<int>(most)) > 0 && both[1].revents != 0) read(news);
  return news;
}

void FolderNotices::read(FolderNews& news) {
  alignas(inotify_event) char buffer[16384];
  for (ssize_t got; (got = ::read(notices_, buffer, sizeof buffer)) > 0;) {
    for (const char* at = buffer; at < buffer + got;) {
      inotify_event event;
      std::memcpy(&event, at, sizeof event);
      const char* name = at + sizeof event;
      at += sizeof event + event.len;
      if ((event.mask & IN_IGNORED) != 0) {
        watched_.erase(event.wd);
        continue;
      }
      // A file that has been made is not whole yet; a folder must be watched from now on.
      if ((event.mask & IN_CREATE) != 0 && (event.mask & IN_ISDIR) == 0) continue;
      news.is_changed = true;
      const auto folder = watched_.find(event.wd);
      if (folder != watched_.end() && event.len > 0 && (event.mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0)
        news.whole.insert(folder->second + "/" + name);
    }
  }
}

}  // namespace maas::inline MAAS_ABI::serve
