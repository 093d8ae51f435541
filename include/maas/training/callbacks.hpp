// The callbacks of training: early stopping, logs, an end at NaN.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "maas/training/callback.hpp"

namespace maas::inline MAAS_ABI {

/// Whether smaller or larger figures are better. Automatic: as the figure's metric says (Metric::larger_is_better), and
/// smaller for losses; for a figure of which nothing says so, callbacks throw ConfigError.
enum class Better { automatic, min, max };

namespace detail {

/// Keras' rule for `auto`: the loss is to shrink, of the other figures their metrics say. Nothing where none does.
std::optional<bool> larger_is_better(Better better, const TrainingView& view, std::string_view monitor);

/// The monitored figure; null after an epoch without validation where it is one of that; else a StateError that lists
/// the figures there are.
const double* monitored(const TrainingView& view, std::string_view monitor, std::string_view who);

/// Keeps the best value of a figure.
struct BestValue {
  std::optional<bool> larger = std::nullopt;
  double min_delta = 0;
  double best = 0;

  void reset(Better better, const TrainingView& view, std::string_view monitor, double delta);
  /// As detail::monitored; a ConfigError for a figure of which neither mode nor metric says what is better.
  const double* monitored(const TrainingView& view, std::string_view monitor, std::string_view who) const;
  bool improves(double value, double reference) const;
  bool improved_by(double value) const { return improves(value, best); }
};

}  // namespace detail

/// Stops when a figure has not improved for `patience` epochs, by Keras' rules: an epoch improves if it beats the best
/// by more than |min_delta|; with a baseline, waiting only starts anew when the baseline is beaten, too. Epochs without
/// validation do not count for a figure of it. Throws StateError for a figure that is none.
struct EarlyStopping {
  std::string monitor = "val_loss";
  double min_delta = 0;
  int patience = 0;
  Better mode = Better::automatic;
  std::optional<double> baseline = std::nullopt;
  bool restore_best_weights = false;  ///< put the weights of the best epoch back at the end
  int start_from_epoch = 0;           ///< epochs before it are not looked at

  // Results, to be read after fit through Callback::as.
  int stopped_epoch = 0;  ///< the epoch in which it stopped, counted from 0; 0 if it did not
  int best_epoch = 0;
  double best = 0;

  void train_begin(TrainingView& view);
  Signal epoch_end(TrainingView& view);
  void train_end(TrainingView& view);
  void keep_state(StateArchive& archive);

  // Kept while training; not for setting.
  detail::BestValue value_ = {};
  int waited_ = 0;
  Vector best_weights_ = {};

 private:
  void keep(TrainingView& view);
};

/// Stops after a batch whose running loss is NaN or infinite, or throws NumericError with `raise_error`.
struct TerminateOnNaN {
  bool raise_error = false;

  Signal batch_end(TrainingView& view) const;
};

namespace detail {
/// A number as Python prints it: the fewest digits that give it back, and a point even in whole numbers.
std::string python_text(double value);
}  // namespace detail

/// Writes a line of figures an epoch: a header "epoch" and the sorted names first, epochs counted from 0, lines end in
/// CRLF, a figure that an epoch lacks is NA. Throws FormatError when the file cannot be written.
struct CSVLogger {
  std::string filename;
  std::string separator = ",";
  bool append = false;  ///< go on with an existing file instead of a new one

  // Kept while training; not for setting.
  std::vector<std::string> names_ = {};
  bool header_written_ = false;

  void train_begin(TrainingView&);
  void epoch_end(TrainingView& view);
  void keep_state(StateArchive& archive) { archive("CSVLogger/names", names_); }

 private:
  // Validation may not run in the first epoch, but its columns must be there.
  void choose_names(const Logs& logs);
  void write(const std::string& text, const char* how) const;
};

namespace detail {
/// Callbacks can set the rate only where no schedule does.
void require_settable_rate(const TrainingView& view, std::string_view who);
void log_rate(TrainingView& view);
}  // namespace detail

/// Multiplies the learning rate by `factor` when a figure has not improved by more than min_delta for `patience`
/// epochs, down to min_lr; then waits `cooldown` epochs before it counts again. The history gets "learning_rate", the
/// rate that the epoch used. Throws ConfigError for a factor of 1 or more, or an optimizer with a schedule.
struct ReduceLROnPlateau {
  std::string monitor = "val_loss";
  double factor = 0.1;
  int patience = 10;
  Better mode = Better::automatic;
  double min_delta = 1e-4;
  int cooldown = 0;
  double min_lr = 0;

  // Kept while training; not for setting.
  detail::BestValue value_ = {};
  int waited_ = 0, cooling_ = 0;

  void train_begin(TrainingView& view);
  void epoch_end(TrainingView& view);
  void keep_state(StateArchive& archive);
};

/// Sets the learning rate of every epoch: schedule(epoch, rate), epochs counted from 0. The history gets
/// "learning_rate".
struct LearningRateScheduler {
  std::function<double(int, double)> schedule;

  void train_begin(TrainingView& view) const;
  void epoch_begin(TrainingView& view) const;
  void epoch_end(TrainingView& view) const { detail::log_rate(view); }
};

/// For optimizers with use_ema: validates with the averages in the place of the weights. With `swap_on_epoch` they stay
/// there from the end of an epoch to the beginning of the next, so that callbacks behind this one (ModelCheckpoint) see
/// them, too. Throws ConfigError for an optimizer that keeps no averages.
struct SwapEMAWeights {
  bool swap_on_epoch = false;

  void train_begin(TrainingView& view);
  void epoch_begin(TrainingView& view) { put_back(view); }
  void validation_begin(TrainingView& view) { put_averages(view); }
  void validation_end(TrainingView& view) { put_back(view); }
  void epoch_end(TrainingView& view);
  void keep_state(StateArchive& archive) { archive("SwapEMAWeights/weights", weights_); }

  // Kept while training; not for setting.
  Index slot_ = 0;
  Vector weights_ = {};  // while the averages are in their place

 private:
  void put_averages(TrainingView& view);
  void put_back(TrainingView& view);
};

/// Calls functions of the user's at the hooks that are set.
struct LambdaCallback {
  std::function<void(TrainingView&)> on_train_begin = nullptr, on_epoch_begin = nullptr, on_batch_begin = nullptr;
  std::function<Signal(TrainingView&)> on_batch_end = nullptr, on_epoch_end = nullptr;
  std::function<void(TrainingView&)> on_train_end = nullptr;

  void train_begin(TrainingView& view) const;
  void epoch_begin(TrainingView& view) const;
  void batch_begin(TrainingView& view) const;
  Signal batch_end(TrainingView& view) const { return on_batch_end ? on_batch_end(view) : Signal::go_on; }
  Signal epoch_end(TrainingView& view) const { return on_epoch_end ? on_epoch_end(view) : Signal::go_on; }
  void train_end(TrainingView& view) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/training/callbacks-inl.hpp"
#endif
