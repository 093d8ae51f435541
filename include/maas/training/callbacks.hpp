// The callbacks of training: early stopping, logs, an end at NaN.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "maas/training/callback.hpp"

namespace maas::inline MAAS_ABI {

/// Whether smaller or larger figures are better.
enum class Better { automatic, min, max };

namespace detail {

/// Keras' rule for `auto`: figures whose name speaks of accuracy or of an area under a curve grow, all others shrink.
inline bool larger_is_better(Better better, std::string_view monitor) {
  if (better != Better::automatic) return better == Better::max;
  for (std::string_view part : {"acc", "auc", "precision", "recall", "f1", "r2", "iou"})
    if (monitor.find(part) != std::string_view::npos) return true;
  return false;
}

/// The monitored figure; null after an epoch without validation where it is one of that; else a StateError that lists
/// the figures there are.
inline const double* monitored(const TrainingView& view, std::string_view monitor, std::string_view who) {
  if (const double* value = find_log(view.logs, monitor)) return value;
  if (view.validates && monitor.starts_with("val_") && find_log(view.logs, "val_loss") == nullptr) return nullptr;
  std::string known;
  for (const auto& [name, unused] : view.logs) known += (known.empty() ? "" : ", ") + name;
  fail<StateError>("{}: there is no figure \"{}\"; there are {}{}", who, monitor, known,
                   monitor.starts_with("val_") && !view.validates ? " (fit has no validation data)" : "");
}

/// Keeps the best value of a figure.
struct BestValue {
  bool larger = false;
  double min_delta = 0;
  double best = 0;

  void reset(Better better, std::string_view monitor, double delta) {
    larger = larger_is_better(better, monitor);
    min_delta = std::abs(delta);
    best = larger ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  }
  bool improves(double value, double reference) const {
    return larger ? value > reference + min_delta : value < reference - min_delta;
  }
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

  void train_begin(TrainingView&) {
    value_.reset(mode, monitor, min_delta);
    waited_ = stopped_epoch = best_epoch = 0;
    best = value_.best;
    best_weights_ = Vector();
  }
  Signal epoch_end(TrainingView& view) {
    if (view.epoch < start_from_epoch) return Signal::go_on;
    const double* now = detail::monitored(view, monitor, "EarlyStopping");
    if (now == nullptr) return Signal::go_on;
    if (restore_best_weights && best_weights_.size() == 0) keep(view);
    ++waited_;
    if (value_.improved_by(*now)) {
      best = value_.best = *now;
      keep(view);
      if (!baseline || value_.improves(*now, *baseline)) waited_ = 0;
      return Signal::go_on;
    }
    if (waited_ < patience || view.epoch == 0) return Signal::go_on;
    stopped_epoch = view.epoch;
    return Signal::stop;
  }
  void train_end(TrainingView& view) {
    if (restore_best_weights && best_weights_.size() > 0) view.network.parameters().values() = best_weights_;
  }
  void keep_state(StateArchive& archive) {
    archive("EarlyStopping/best so far", value_.best);
    archive("EarlyStopping/waited", waited_);
    archive("EarlyStopping/stopped_epoch", stopped_epoch);
    archive("EarlyStopping/best_epoch", best_epoch);
    archive("EarlyStopping/best", best);
    archive("EarlyStopping/weights", best_weights_);
  }

  // Kept while training; not for setting.
  detail::BestValue value_ = {};
  int waited_ = 0;
  Vector best_weights_ = {};

 private:
  void keep(TrainingView& view) {
    best_epoch = view.epoch;
    if (restore_best_weights) best_weights_ = view.network.parameters().values();
  }
};

/// Stops after a batch whose running loss is NaN or infinite, or throws NumericError with `raise_error`.
struct TerminateOnNaN {
  bool raise_error = false;

  Signal batch_end(TrainingView& view) const {
    const double* loss = find_log(view.logs, "loss");
    if (loss == nullptr || std::isfinite(*loss)) return Signal::go_on;
    if (raise_error)
      fail<NumericError>("TerminateOnNaN: the loss is {} after step {} of epoch {}", *loss, view.step, view.epoch + 1);
    return Signal::stop;
  }
};

namespace detail {
/// A number as Python prints it: the fewest digits that give it back, and a point even in whole numbers.
inline std::string python_text(double value) {
  std::string text = fmt::format("{}", value);
  if (std::isfinite(value) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}
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

  void train_begin(TrainingView&) {
    names_.clear();
    bool has_lines = false;
    if (append)
      if (std::FILE* old = std::fopen(filename.c_str(), "rb")) {
        has_lines = std::fgetc(old) != EOF;
        std::fclose(old);
      }
    header_written_ = has_lines;
    if (!has_lines) write("", "wb");
  }
  void epoch_end(TrainingView& view) {
    if (names_.empty()) choose_names(view.logs);
    std::string line;
    if (!header_written_) {
      line = "epoch";
      for (const std::string& name : names_) line += separator + name;
      line += "\r\n";
      header_written_ = true;
    }
    line += std::to_string(view.epoch);
    for (const std::string& name : names_) {
      const double* value = find_log(view.logs, name);
      line += separator + (value != nullptr ? detail::python_text(*value) : "NA");
    }
    write(line + "\r\n", "ab");
  }
  void keep_state(StateArchive& archive) { archive("CSVLogger/names", names_); }

 private:
  // Validation may not run in the first epoch, but its columns must be there.
  void choose_names(const Logs& logs) {
    bool validated = false;
    for (const auto& [name, unused] : logs) {
      names_.push_back(name);
      validated = validated || name.starts_with("val_");
    }
    std::sort(names_.begin(), names_.end());
    const std::size_t count = validated ? 0 : names_.size();
    for (std::size_t i = 0; i < count; ++i) names_.push_back("val_" + names_[i]);
  }
  void write(const std::string& text, const char* how) const {
    std::FILE* file = std::fopen(filename.c_str(), how);
    require<FormatError>(file != nullptr, "{}: cannot be written", filename);
    const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
    require<FormatError>((std::fclose(file) == 0) && written, "{}: cannot be written to its end", filename);
  }
};

namespace detail {
/// Callbacks can set the rate only where no schedule does.
inline void require_settable_rate(const TrainingView& view, std::string_view who) {
  const LearningRate rate = view.optimizer.learning_rate();
  if (!rate.schedule()) return;
  fail<ConfigError>("{}: the optimizer's learning rate follows a schedule, {}; give it a number instead", who,
                    rate.schedule()->class_name());
}
inline void log_rate(TrainingView& view) {
  const double rate = view.state.learning_rate;
  for (auto& [name, value] : view.logs)
    if (name == "learning_rate") {
      value = rate;
      return;
    }
  view.logs.emplace_back("learning_rate", rate);
}
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

  void train_begin(TrainingView& view) {
    require<ConfigError>(factor < 1, "ReduceLROnPlateau: expected a factor below 1, got {}", factor);
    detail::require_settable_rate(view, "ReduceLROnPlateau");
    value_.reset(mode, monitor, min_delta);
    waited_ = cooling_ = 0;
  }
  void epoch_end(TrainingView& view) {
    detail::log_rate(view);
    const double* now = detail::monitored(view, monitor, "ReduceLROnPlateau");
    if (now == nullptr) return;
    if (cooling_ > 0) {
      --cooling_;
      waited_ = 0;
    }
    if (value_.improved_by(*now)) {
      value_.best = *now;
      waited_ = 0;
    } else if (cooling_ <= 0) {
      ++waited_;
      if (waited_ < patience || view.state.learning_rate <= min_lr) return;
      view.state.learning_rate = std::max(view.state.learning_rate * factor, min_lr);
      cooling_ = cooldown;
      waited_ = 0;
    }
  }
  void keep_state(StateArchive& archive) {
    archive("ReduceLROnPlateau/best", value_.best);
    archive("ReduceLROnPlateau/waited", waited_);
    archive("ReduceLROnPlateau/cooling", cooling_);
  }
};

/// Sets the learning rate of every epoch: schedule(epoch, rate), epochs counted from 0. The history gets
/// "learning_rate".
struct LearningRateScheduler {
  std::function<double(int, double)> schedule;

  void train_begin(TrainingView& view) const {
    require<ConfigError>(static_cast<bool>(schedule), "LearningRateScheduler: expected a schedule, got none");
    detail::require_settable_rate(view, "LearningRateScheduler");
  }
  void epoch_begin(TrainingView& view) const {
    view.state.learning_rate = schedule(view.epoch, view.state.learning_rate);
  }
  void epoch_end(TrainingView& view) const { detail::log_rate(view); }
};

/// For optimizers with use_ema: validates with the averages in the place of the weights. With `swap_on_epoch` they stay
/// there from the end of an epoch to the beginning of the next, so that callbacks behind this one (ModelCheckpoint) see
/// them, too. Throws ConfigError for an optimizer that keeps no averages.
struct SwapEMAWeights {
  bool swap_on_epoch = false;

  void train_begin(TrainingView& view) {
    const std::vector<std::string_view> names = view.optimizer.slot_names();
    const auto found = std::find(names.begin(), names.end(), "average");
    require<ConfigError>(found != names.end(), "SwapEMAWeights: expected an optimizer with use_ema, got {} without",
                         view.optimizer.class_name());
    slot_ = found - names.begin();
    weights_.resize(0);
  }
  void epoch_begin(TrainingView& view) { put_back(view); }
  void validation_begin(TrainingView& view) { put_averages(view); }
  void validation_end(TrainingView& view) { put_back(view); }
  void epoch_end(TrainingView& view) {
    if (swap_on_epoch) put_averages(view);
  }
  void keep_state(StateArchive& archive) { archive("SwapEMAWeights/weights", weights_); }

  // Kept while training; not for setting.
  Index slot_ = 0;
  Vector weights_ = {};  // while the averages are in their place

 private:
  void put_averages(TrainingView& view) {
    weights_ = view.network.parameters().trainable();
    view.network.parameters().trainable() = view.state.slot(slot_);
  }
  void put_back(TrainingView& view) {
    if (weights_.size() == 0) return;
    view.network.parameters().trainable() = weights_;
    weights_.resize(0);
  }
};

/// Calls functions of the user's at the hooks that are set.
struct LambdaCallback {
  std::function<void(TrainingView&)> on_train_begin = nullptr, on_epoch_begin = nullptr, on_batch_begin = nullptr;
  std::function<Signal(TrainingView&)> on_batch_end = nullptr, on_epoch_end = nullptr;
  std::function<void(TrainingView&)> on_train_end = nullptr;

  void train_begin(TrainingView& view) const {
    if (on_train_begin) on_train_begin(view);
  }
  void epoch_begin(TrainingView& view) const {
    if (on_epoch_begin) on_epoch_begin(view);
  }
  void batch_begin(TrainingView& view) const {
    if (on_batch_begin) on_batch_begin(view);
  }
  Signal batch_end(TrainingView& view) const { return on_batch_end ? on_batch_end(view) : Signal::go_on; }
  Signal epoch_end(TrainingView& view) const { return on_epoch_end ? on_epoch_end(view) : Signal::go_on; }
  void train_end(TrainingView& view) const {
    if (on_train_end) on_train_end(view);
  }
};

}  // namespace maas::inline MAAS_ABI
