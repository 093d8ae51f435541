// Streams: the last samples of each sensor, held for models that forecast from a window of them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "maas/core/scalar.hpp"
#include "maas/serve/repository.hpp"
#include "serve/state_saves.hpp"

namespace maas::inline MAAS_ABI::serve {

/// How samples of a model's window are shaped: [steps, features], or [steps] of one number each.
struct WindowShape {
  Index steps = 0, features = 0;
};

/// Of a forecaster: its lags, and one reading or those of all sensors. Of others: throws DataError for a model of
/// several inputs, or one whose samples are no windows.
WindowShape window_of(const Servable& servable);

/// What becomes of samples.
struct StreamRules {
  WindowShape shape{};
  /// From one sample to the next: where time jumps, the window begins again. 0: it is not looked at.
  double seconds = 0;
  /// A forecaster whose intervals are to follow what comes, and whose watch over drift is told of it; null: those that
  /// follow already go on. The errors of others are told to their own watch by what `outlook` was given of them.
  const Servable* forecaster = nullptr;
  Index sensor = 0;  ///< of the forecaster's
};

/// Where streams are kept.
struct StreamOptions {
  std::size_t most = 10000;           ///< streams
  std::string file{};                 ///< empty: they are forgotten at the end
  std::chrono::milliseconds save{0};  ///< from one time that what changed is added to the file to the next; 0: never
  /// Is told of what is saved without being asked for.
  std::shared_ptr<StateSaves> saves = std::make_shared<StateSaves>();
};

/// Windows of sensors by model and name. Where there are too many, those that were silent for longest are forgotten.
///
/// The file has a line of JSON a stream; of several about one the last counts. It is written whole at the end, and
/// where it has grown to twice its size; in between, what changed is added to it by a thread of its own.
class Streams {
 public:
  static constexpr std::size_t most_bytes = std::size_t{256} << 20;  // of all windows, with their names

  /// Reads windows that were kept; a line that cannot be used is passed over, as windows fill again. Throws ConfigError
  /// for `most` below 1, or a negative time.
  explicit Streams(StreamOptions options);
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;
  /// Keeps the windows.
  ~Streams();

  /// Where a sensor's window stands.
  struct Window {
    Index have = 0;                ///< samples in it
    std::vector<Scalar> values{};  ///< the oldest first
    std::optional<double> time{};  ///< of the newest sample
    std::uint64_t count = 0;       ///< samples that came ever
    std::string told{};            ///< what was said of it last: see tell
  };
  /// Adds samples, the oldest first, and gives the window back. They are the truth of forecasts that were made before.
  /// Samples of the time that the newest one has are a call that is made again: nothing is added. Throws ConflictError
  /// for an earlier time. A window of another shape is begun again.
  Window add(const std::string& model, const std::string& sensor, const StreamRules& rules,
             std::span<const Scalar> samples, std::optional<double> time);

  /// What stands beside a forecast.
  struct Outlook {
    Intervals intervals{};  ///< 1 x (steps * features)
    Matrix chances{};       ///< likewise: of a reading below the alarm's value of its sensor; empty without one
  };
  /// Intervals around a forecast from the window of `count` samples, as they follow this stream (empty where the
  /// forecaster has none); then the forecast waits for its truth. For another servable than the one that is followed,
  /// intervals are those of its file.
  Outlook outlook(const std::string& model, const std::string& sensor, const Servable& forecaster, Index place,
                  MatrixArg forecast, std::uint64_t count);
  /// Keeps what was answered about a window of `count` samples, for whoever asks without a sample.
  void tell(const std::string& model, const std::string& sensor, std::uint64_t count, const std::string& text);

  /// Nothing for one that is not known.
  std::optional<Window> find(const std::string& model, const std::string& sensor) const;
  bool remove(const std::string& model, const std::string& sensor);
  std::size_t size() const;
  /// Adds to the file what has changed since the last time; whether anything had. Throws FormatError where it cannot be
  /// written.
  bool save();
  /// As at the end: writes the file whole, unless it holds all that there is. False where it cannot be written.
  bool keep();
  void append_metrics(std::string& out) const;

 private:
  using Key = std::pair<std::string, std::string>;
  struct Pending {  // a forecast, for what comes after so many samples
    std::uint64_t count = 0;
    std::vector<Scalar> values{};
    bool is_tried = false;  // of another version than the default one, with the same intervals
  };
  // One reading ahead (all that drift is told of), by another version than the default one: a canary.
  struct Tried {
    std::uint64_t due = 0;  // the count of samples that its truth comes with
    std::vector<Scalar> values{};
    Index sensor = 0;
    std::shared_ptr<DriftCounts> drift{};
  };
  // How intervals stand: of a forecaster that answers, or as they were read from the file.
  struct Followed {
    std::string digest{};
    Index sensor = 0;
    std::shared_ptr<DriftCounts> drift{};  // null where errors are not watched
    std::vector<Index> horizons{};
    ConformalIntervals intervals{};  // not calibrated where the forecaster has none
    std::deque<Pending> pending{};
    bool has_learned = false;  // errors of its own
  };
  struct Kept {
    std::string digest{};
    std::vector<double> alphas{};
    Matrix errors{};  // as ConformalIntervals has them; empty: those of the model's file
    std::deque<Pending> pending{};
  };
  struct Stream {
    WindowShape shape{};
    Window window{};
    std::optional<Followed> followed{};
    std::optional<Kept> kept{};
    std::vector<Tried> tried{};
    std::size_t bytes = 0;
    bool is_changed = false;
    std::list<Key>::iterator place{};
  };
  struct Truths {  // of a model
    std::uint64_t told = 0, missed = 0;
  };

  Stream& of(const Key& key, const WindowShape& shape);
  void follow(Stream& stream, const StreamRules& rules);
  void tell_truths(const std::string& model, Stream& stream, std::span<const Scalar> samples);
  void tell_past(const std::string& model, Stream& stream, const Pending& forecast);
  void tell_one(const std::string& model, Followed& followed, const Pending& forecast, std::size_t step,
                std::span<const Scalar> sample);
  void try_out(Stream& stream, const Servable& forecaster, Index sensor, std::span<const Scalar> forecast,
               std::uint64_t count);
  static void tell_tried(Stream& stream, std::span<const Scalar> samples);
  static void tell_tried(const Tried& forecast, std::span<const Scalar> sample);
  void count_bytes(Stream& stream);
  void forget_silent();
  void erase(std::map<Key, Stream>::iterator stream);

  void read();
  void read_line(const std::string& line);
  void save_now_and_then();
  bool is_kept() const;
  void save_whole();
  bool save_changes();
  std::string lines_of(std::span<const Key> keys);
  static std::string line_of(const Key& key, const Stream& stream);

  const StreamOptions options_;
  mutable std::mutex mutex_{};  // guards what follows
  std::map<Key, Stream> streams_{};
  std::list<Key> by_age_{};  // the one that was silent for longest first
  std::size_t bytes_ = 0;
  std::set<Key> gone_{};  // since the last save
  std::map<std::string, Truths> truths_{};
  bool stopping_ = false;
  std::condition_variable wake_{};

  std::mutex file_mutex_{};  // guards the file and what follows
  bool is_whole_needed_ = true;
  std::size_t whole_bytes_ = 0, added_bytes_ = 0;
  std::size_t whole_streams_ = 0;  // that there were when it was written whole
  std::thread saver_{};
};

}  // namespace maas::inline MAAS_ABI::serve
