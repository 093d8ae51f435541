// Streams: the last samples of each sensor, held for models that forecast from a window of them.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "maas/core/scalar.hpp"
#include "maas/serve/repository.hpp"

namespace maas::inline MAAS_ABI::serve {

/// How samples of a model's window are shaped: [steps, features], or [steps] of one number each.
struct WindowShape {
  Index steps = 0, features = 0;
};

/// Throws DataError for a model of several inputs, or one whose samples are no windows.
WindowShape window_of(const Servable& servable);

/// Windows of sensors by model and name. Where there are too many, those that were silent for longest are forgotten.
class Streams {
 public:
  static constexpr std::size_t most_bytes = std::size_t{256} << 20;  // of all windows

  /// Reads windows that were kept; a file that cannot be used is passed over, as windows fill again. Throws ConfigError
  /// for `most` below 1.
  Streams(std::size_t most, std::string file);
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;
  /// Keeps the windows.
  ~Streams();

  /// Where a sensor's window stands.
  struct Window {
    Index have = 0;                ///< samples in it
    std::vector<Scalar> values{};  ///< the oldest first
    std::optional<double> time{};  ///< of the newest sample
  };
  /// Adds samples, the oldest first, and gives the window back. Samples of the time that the newest one has are a call
  /// that is made again: nothing is added. Throws ConflictError for an earlier time. A window of another shape is begun
  /// again.
  Window add(const std::string& model, const std::string& sensor, const WindowShape& shape,
             std::span<const Scalar> samples, std::optional<double> time);
  /// Nothing for one that is not known.
  std::optional<Window> find(const std::string& model, const std::string& sensor) const;
  bool remove(const std::string& model, const std::string& sensor);
  std::size_t size() const;

 private:
  using Key = std::pair<std::string, std::string>;
  struct Stream {
    WindowShape shape{};
    Window window{};
    std::list<Key>::iterator place{};
  };
  Stream& of(const Key& key, const WindowShape& shape);
  void forget_silent();
  void erase(std::map<Key, Stream>::iterator stream);
  void read();
  void save() const;

  const std::size_t most_;
  const std::string file_;
  mutable std::mutex mutex_{};
  std::map<Key, Stream> streams_{};
  std::list<Key> by_age_{};  // the one that was silent for longest first
  std::size_t bytes_ = 0;
};

}  // namespace maas::inline MAAS_ABI::serve
