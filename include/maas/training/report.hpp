// HtmlReport: learning curves as one HTML file.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "maas/training/callback.hpp"

namespace maas::inline MAAS_ABI {

/// Writes learning curves after every epoch: one self-contained HTML file with a drawing (SVG) for each figure, its
/// curve in training and in validation, axes, a legend and the best epoch marked, and a table of the last and best
/// values. It loads nothing from elsewhere and runs no script, so it can be sent by mail. fit throws FormatError where
/// the file cannot be written. After an interruption a BackupAndRestore brings back the earlier epochs, too.
struct HtmlReport {
  std::string path = "report.html";
  std::string title = "Training";

  void epoch_end(TrainingView& view) const;
};

/// The page itself, for the figures of a history. A figure is best where it is smallest, or where it is largest if its
/// name ends with that of a metric which grows ("val_road_accuracy", "auc_1"); HtmlReport, which sees the metrics
/// themselves, asks them. Numbers that are not finite leave a gap.
std::string html_report(const History& history, const std::string& title = "Training");

namespace detail {

/// Whether the name of a figure ends with that of a metric of which larger is better.
bool larger_by_name(std::string_view name);
/// Says of the name of a figure whether larger is better.
using LargerIsBetter = std::function<bool(std::string_view)>;
/// Its drawings alone, each an <svg>, and the rows of its table: for pages that show more.
std::string history_charts(const History& history, const LargerIsBetter& larger = larger_by_name);
std::string history_rows(const History& history, const LargerIsBetter& larger = larger_by_name);
std::string report_page(const History& history, const std::string& title, const LargerIsBetter& larger);
/// Round numbers for an axis from `low` to `high`: steps of 1, 2 or 5 times a power of ten, about `count` of them.
std::vector<double> axis_ticks(double low, double high, int count);

}  // namespace detail

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/training/report-inl.hpp"
#endif
