// Bodies of Progress.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "maas/training/progress.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline std::string duration_text(double seconds) {
  if (seconds >= 1) return fmt::format("{:.0f}s", seconds);
  if (seconds >= 1e-3) return fmt::format("{:.0f}ms", seconds * 1e3);
  return fmt::format("{:.0f}us", seconds * 1e6);
}

inline std::string logs_text(const Logs& logs) {
  std::string text;
  for (const auto& [name, value] : logs)
    text += std::abs(value) < 1e-3 && value != 0 ? fmt::format(" - {}: {:.4e}", name, value)
                                                 : fmt::format(" - {}: {:.4f}", name, value);
  return text;
}

/// "3/10", or "3" where the number of steps is not known.
inline std::string steps_text(const TrainingView& view) {
  return view.steps > 0 ? fmt::format("{}/{}", view.step, view.steps) : std::to_string(view.step);
}

inline std::string bar_text(Index step, Index steps) {
  constexpr Index width = 20;
  const Index full = steps > 0 ? step * width / steps : width;
  std::string bar;
  for (Index i = 0; i < width; ++i) bar += i < full ? "━" : "─";
  return bar;
}

}  // namespace detail

MAAS_INLINE void Progress::train_begin(TrainingView&) {
  if (verbose == -1) verbose = isatty(STDOUT_FILENO) != 0 ? 1 : 2;
}

MAAS_INLINE void Progress::epoch_begin(TrainingView& view) {
  epoch_start_ = last_print_ = Clock::now();
  if (verbose == 1) fmt::print("Epoch {}/{}\n", view.epoch + 1, view.epochs);
}

MAAS_INLINE void Progress::batch_end(TrainingView& view) {
  if (verbose != 1) return;
  const Clock::time_point now = Clock::now();
  if (now - last_print_ < std::chrono::milliseconds(100)) return;
  last_print_ = now;
  const double step = std::chrono::duration<double>(now - epoch_start_).count() / static_cast<double>(view.step);
  const double rest = step * static_cast<double>(std::max(view.steps - view.step, Index(0)));
  fmt::print("\r{} {} {}/step - ETA: {}{}\x1b[K", detail::steps_text(view), detail::bar_text(view.step, view.steps),
             detail::duration_text(step), view.steps > 0 ? detail::duration_text(rest) : "?",
             detail::logs_text(view.logs));
  std::fflush(stdout);
}

MAAS_INLINE void Progress::epoch_end(TrainingView& view) {
  const double seconds = std::chrono::duration<double>(Clock::now() - epoch_start_).count();
  const std::string times =
      fmt::format("{} {}/step", detail::duration_text(seconds),
                  detail::duration_text(seconds / static_cast<double>(std::max(view.step, Index(1)))));
  const std::string bar = detail::bar_text(view.step, view.steps);
  if (verbose == 1)
    fmt::print("\r{} {} {}{}\x1b[K\n", detail::steps_text(view), bar, times, detail::logs_text(view.logs));
  else
    fmt::print("Epoch {}/{} - {} {} - {}{}\n", view.epoch + 1, view.epochs, detail::steps_text(view), bar, times,
               detail::logs_text(view.logs));
  std::fflush(stdout);
}

}  // namespace maas::inline MAAS_ABI
