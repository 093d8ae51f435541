// The callbacks of training: early stopping, logs, an end at NaN: the bodies.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "maas/training/callbacks.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

MAAS_INLINE std::optional<bool> larger_is_better(Better better, const TrainingView& view, std::string_view monitor) {
  if (better != Better::automatic) return better == Better::max;
  if (monitor.starts_with("val_")) monitor.remove_prefix(4);
  if (monitor == "loss") return false;
  return view.larger_is_better ? view.larger_is_better(monitor) : std::nullopt;
}

MAAS_INLINE const double* monitored(const TrainingView& view, std::string_view monitor, std::string_view who) {
  if (const double* value = find_log(view.logs, monitor)) return value;
  if (view.validates && monitor.starts_with("val_") && find_log(view.logs, "val_loss") == nullptr) return nullptr;
  std::string known;
  for (const auto& [name, unused] : view.logs) known += (known.empty() ? "" : ", ") + name;
  fail<StateError>("{}: there is no figure \"{}\"; there are {}{}", who, monitor, known,
                   monitor.starts_with("val_") && !view.validates ? " (fit has no validation data)" : "");
}

MAAS_INLINE void BestValue::reset(Better better, const TrainingView& view, std::string_view monitor, double delta) {
  larger = larger_is_better(better, view, monitor);
  min_delta = std::abs(delta);
  best = larger.value_or(false) ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
}

MAAS_INLINE const double* BestValue::monitored(const TrainingView& view, std::string_view monitor,
                                               std::string_view who) const {
  const double* now = detail::monitored(view, monitor, who);
  require<ConfigError>(
      now == nullptr || larger.has_value(),
      "{}: expected a mode, Better::min or Better::max, for \"{}\": no metric says which is better, got "
      "Better::automatic",
      who, monitor);
  return now;
}

MAAS_INLINE bool BestValue::improves(double value, double reference) const {
  return larger.value_or(false) ? value > reference + min_delta : value < reference - min_delta;
}

}  // namespace detail

MAAS_INLINE void EarlyStopping::train_begin(TrainingView& view) {
  value_.reset(mode, view, monitor, min_delta);
  waited_ = stopped_epoch = best_epoch = 0;
  best = value_.best;
  best_weights_ = Vector();
}

MAAS_INLINE Signal EarlyStopping::epoch_end(TrainingView& view) {
  if (view.epoch < start_from_epoch) return Signal::go_on;
  const double* now = value_.monitored(view, monitor, "EarlyStopping");
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

MAAS_INLINE void EarlyStopping::train_end(TrainingView& view) {
  if (restore_best_weights && best_weights_.size() > 0) view.network.parameters().values() = best_weights_;
}

MAAS_INLINE void EarlyStopping::keep_state(StateArchive& archive) {
  archive("EarlyStopping/best so far", value_.best);
  archive("EarlyStopping/waited", waited_);
  archive("EarlyStopping/stopped_epoch", stopped_epoch);
  archive("EarlyStopping/best_epoch", best_epoch);
  archive("EarlyStopping/best", best);
  archive("EarlyStopping/weights", best_weights_);
}

MAAS_INLINE void EarlyStopping::keep(TrainingView& view) {
  best_epoch = view.epoch;
  if (restore_best_weights) best_weights_ = view.network.parameters().values();
}

MAAS_INLINE Signal TerminateOnNaN::batch_end(TrainingView& view) const {
  const double* loss = find_log(view.logs, "loss");
  if (loss == nullptr || std::isfinite(*loss)) return Signal::go_on;
  if (raise_error)
    fail<NumericError>("TerminateOnNaN: the loss is {} after step {} of epoch {}", *loss, view.step, view.epoch + 1);
  return Signal::stop;
}

namespace detail {

MAAS_INLINE std::string python_text(double value) {
  std::string text = fmt::format("{}", value);
  if (std::isfinite(value) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

}  // namespace detail

MAAS_INLINE void CSVLogger::train_begin(TrainingView&) {
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

MAAS_INLINE void CSVLogger::epoch_end(TrainingView& view) {
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

MAAS_INLINE void CSVLogger::choose_names(const Logs& logs) {
  bool validated = false;
  for (const auto& [name, unused] : logs) {
    names_.push_back(name);
    validated = validated || name.starts_with("val_");
  }
  std::sort(names_.begin(), names_.end());
  const std::size_t count = validated ? 0 : names_.size();
  for (std::size_t i = 0; i < count; ++i) names_.push_back("val_" + names_[i]);
}

MAAS_INLINE void CSVLogger::write(const std::string& text, const char* how) const {
  std::FILE* file = std::fopen(filename.c_str(), how);
  require<FormatError>(file != nullptr, "{}: cannot be written", filename);
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  require<FormatError>((std::fclose(file) == 0) && written, "{}: cannot be written to its end", filename);
}

namespace detail {

MAAS_INLINE void require_settable_rate(const TrainingView& view, std::string_view who) {
  const LearningRate rate = view.optimizer.learning_rate();
  if (!rate.schedule()) return;
  fail<ConfigError>("{}: the optimizer's learning rate follows a schedule, {}; give it a number instead", who,
                    rate.schedule()->class_name());
}

MAAS_INLINE void log_rate(TrainingView& view) {
  const double rate = view.state.learning_rate;
  for (auto& [name, value] : view.logs)
    if (name == "learning_rate") {
      value = rate;
      return;
    }
  view.logs.emplace_back("learning_rate", rate);
}

}  // namespace detail

MAAS_INLINE void ReduceLROnPlateau::train_begin(TrainingView& view) {
  require<ConfigError>(factor < 1, "ReduceLROnPlateau: expected a factor below 1, got {}", factor);
  detail::require_settable_rate(view, "ReduceLROnPlateau");
  value_.reset(mode, view, monitor, min_delta);
  waited_ = cooling_ = 0;
}

MAAS_INLINE void ReduceLROnPlateau::epoch_end(TrainingView& view) {
  detail::log_rate(view);
  const double* now = value_.monitored(view, monitor, "ReduceLROnPlateau");
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

MAAS_INLINE void ReduceLROnPlateau::keep_state(StateArchive& archive) {
  archive("ReduceLROnPlateau/best", value_.best);
  archive("ReduceLROnPlateau/waited", waited_);
  archive("ReduceLROnPlateau/cooling", cooling_);
}

MAAS_INLINE void LearningRateScheduler::train_begin(TrainingView& view) const {
  require<ConfigError>(static_cast<bool>(schedule), "LearningRateScheduler: expected a schedule, got none");
  detail::require_settable_rate(view, "LearningRateScheduler");
}

MAAS_INLINE void LearningRateScheduler::epoch_begin(TrainingView& view) const {
  view.state.learning_rate = schedule(view.epoch, view.state.learning_rate);
}

MAAS_INLINE void SwapEMAWeights::train_begin(TrainingView& view) {
  const std::vector<std::string_view> names = view.optimizer.slot_names();
  const auto found = std::find(names.begin(), names.end(), "average");
  require<ConfigError>(found != names.end(), "SwapEMAWeights: expected an optimizer with use_ema, got {} without",
                       view.optimizer.class_name());
  slot_ = found - names.begin();
  weights_.resize(0);
}

MAAS_INLINE void SwapEMAWeights::epoch_end(TrainingView& view) {
  if (swap_on_epoch) put_averages(view);
}

MAAS_INLINE void SwapEMAWeights::put_averages(TrainingView& view) {
  weights_ = view.network.parameters().trainable();
  view.network.parameters().trainable() = view.state.slot(slot_);
}

MAAS_INLINE void SwapEMAWeights::put_back(TrainingView& view) {
  if (weights_.size() == 0) return;
  view.network.parameters().trainable() = weights_;
  weights_.resize(0);
}

MAAS_INLINE void LambdaCallback::train_begin(TrainingView& view) const {
  if (on_train_begin) on_train_begin(view);
}

MAAS_INLINE void LambdaCallback::epoch_begin(TrainingView& view) const {
  if (on_epoch_begin) on_epoch_begin(view);
}

MAAS_INLINE void LambdaCallback::batch_begin(TrainingView& view) const {
  if (on_batch_begin) on_batch_begin(view);
}

MAAS_INLINE void LambdaCallback::train_end(TrainingView& view) const {
  if (on_train_end) on_train_end(view);
}

}  // namespace maas::inline MAAS_ABI
