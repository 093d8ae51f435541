// Bodies of HtmlReport.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "maas/core/markup.hpp"
#include "maas/core/new_file.hpp"
#include "maas/training/callbacks.hpp"
#include "maas/training/folder.hpp"
#include "maas/training/report.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// A number for people.
inline std::string short_number(double value) { return fmt::format("{:.4g}", value); }

/// One figure: its values in training and in validation, each with the epoch it is of.
struct Curve {
  std::vector<int> epochs = {};
  std::vector<double> values = {};

  /// The place of the best finite value; -1 if there is none.
  std::ptrdiff_t best(bool larger) const {
    std::ptrdiff_t place = -1;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!std::isfinite(values[i])) continue;
      const bool better = place < 0 || (larger ? values[i] > values[static_cast<std::size_t>(place)]
                                               : values[i] < values[static_cast<std::size_t>(place)]);
      if (better) place = static_cast<std::ptrdiff_t>(i);
    }
    return place;
  }
};

/// The curve of a figure. One that is not there in every epoch (validation every few) is that of the epochs at whose
/// ends it was written.
inline Curve curve_of(const History& history, const std::string& name) {
  Curve curve;
  if (!history.contains(name)) return curve;
  curve.values = history[name];
  curve.epochs = history.epochs_of(name);
  return curve;
}

/// Draws one figure.
class Chart {
 public:
  Chart(std::string name, Curve training, Curve validation)
      : name_(std::move(name)), training_(std::move(training)), validation_(std::move(validation)) {
    for (const Curve* curve : {&training_, &validation_}) {
      for (double value : curve->values)
        if (std::isfinite(value)) low_ = std::min(low_, value), high_ = std::max(high_, value);
      for (int epoch : curve->epochs) first_ = std::min(first_, epoch + 1), last_ = std::max(last_, epoch + 1);
    }
    if (low_ > high_) low_ = 0, high_ = 1;
    const double margin = high_ > low_ ? (high_ - low_) * 0.05 : std::max(std::abs(high_) * 0.1, 1e-12);
    low_ -= margin;
    high_ += margin;
    if (first_ >= last_) last_ = first_ + 1;
  }

  std::string svg(bool larger) const {
    std::string text = fmt::format(
        "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n<text class=\"name\" x=\"{}\" "
        "y=\"18\">{}</text>\n",
        width, height, html_text(name_), left, html_text(name_));
    text += axes() + legend();
    text += line(training_, "training") + line(validation_, "validation");
    text += validation_.values.empty() ? mark(training_, larger, "training") : mark(validation_, larger, "validation");
    return text + "</svg>\n";
  }

 private:
  static constexpr double width = 560, height = 300, left = 64, right = 16, top = 34, bottom = 44;

  double x(double epoch) const {
    return left + (epoch - first_) / static_cast<double>(last_ - first_) * (width - left - right);
  }
  double y(double value) const { return top + (high_ - value) / (high_ - low_) * (height - top - bottom); }

  std::string axes() const {
    std::string text;
    for (double value : axis_ticks(low_, high_, 5))
      text += fmt::format(
          "<path class=\"grid\" d=\"M{:.1f} {:.1f}H{:.1f}\"/><text class=\"end\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
          left, y(value), width - right, left - 6, y(value) + 4, short_number(std::abs(value) < 1e-300 ? 0 : value));
    for (double epoch : axis_ticks(first_, last_, 8))
      if (epoch == std::floor(epoch))
        text += fmt::format("<text class=\"middle\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", x(epoch),
                            height - bottom + 18, short_number(epoch));
    return text + fmt::format(
                      "<path class=\"axis\" d=\"M{:.1f} {:.1f}V{:.1f}H{:.1f}\"/>"
                      "<text class=\"middle\" x=\"{:.1f}\" y=\"{:.1f}\">epoch</text>\n",
                      left, top, height - bottom, width - right, (left + width - right) / 2, height - 8);
  }

  std::string legend() const {
    std::string text;
    double place = width - right - 180;
    for (const auto& [curve, kind] : {std::pair(&training_, "training"), std::pair(&validation_, "validation")}) {
      if (curve->values.empty()) continue;
      text += fmt::format("<path class=\"{}\" d=\"M{:.1f} 14h20\"/><text x=\"{:.1f}\" y=\"18\">{}</text>\n", kind,
                          place, place + 25, kind);
      place += 90;
    }
    return text;
  }

  std::string line(const Curve& curve, std::string_view kind) const {
    std::string path, dots;
    bool connected = false;
    for (std::size_t i = 0; i < curve.values.size(); ++i) {
      if (!std::isfinite(curve.values[i])) {
        connected = false;
        continue;
      }
      const double px = x(curve.epochs[i] + 1), py = y(curve.values[i]);
      path += fmt::format("{}{:.1f} {:.1f}", connected ? "L" : "M", px, py);
      connected = true;
    }
    if (path.empty()) return "";
    return fmt::format("<path class=\"{}\" d=\"{}\"/>\n", kind, path);
  }

  std::string mark(const Curve& curve, bool larger, std::string_view kind) const {
    const std::ptrdiff_t best = curve.best(larger);
    if (best < 0) return "";
    const std::size_t place = static_cast<std::size_t>(best);
    const double px = x(curve.epochs[place] + 1), py = y(curve.values[place]);
    const bool at_right = px > width - right - 150;
    return fmt::format(
        "<circle class=\"best {}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\"/><text class=\"{}\" x=\"{:.1f}\" "
        "y=\"{:.1f}\">best: {} in epoch {}</text>\n",
        kind, px, py, at_right ? "end" : "start", at_right ? px - 9 : px + 9, py < top + 24 ? py + 18 : py - 9,
        short_number(curve.values[place]), curve.epochs[place] + 1);
  }

  std::string name_;
  Curve training_, validation_;
  double low_ = std::numeric_limits<double>::infinity(), high_ = -std::numeric_limits<double>::infinity();
  int first_ = std::numeric_limits<int>::max(), last_ = 0;
};

inline std::string report_row(const std::string& name, const Curve& curve, bool larger) {
  const std::ptrdiff_t best = curve.best(larger);
  if (curve.values.empty()) return "";
  const std::size_t place = static_cast<std::size_t>(std::max(best, std::ptrdiff_t(0)));
  return fmt::format("<tr><th>{}</th><td>{}</td><td>{}</td><td>{}</td></tr>\n", html_text(name),
                     short_number(curve.values.back()), best < 0 ? "" : short_number(curve.values[place]),
                     best < 0 ? "" : std::to_string(curve.epochs[place] + 1));
}

inline constexpr std::string_view report_style =
    "body{font:15px/1.4 system-ui,sans-serif;margin:2em auto;max-width:1180px;padding:0 1em;color:#222;background:#fff}"
    "main{display:flex;flex-wrap:wrap;gap:1em}svg{width:560px;max-width:100%;font-size:12px}"
    "svg text{fill:#333}.name{font-size:15px;font-weight:600}.end{text-anchor:end}.middle{text-anchor:middle}"
    "path{fill:none}.axis{stroke:#333}.grid{stroke:#e4e4e4}.training{stroke:#1f6fb4;stroke-width:2}"
    ".validation{stroke:#d1651a;stroke-width:2}.best{fill:#fff}table{border-collapse:collapse;margin-top:1em}"
    "th,td{padding:.2em .8em;border-bottom:1px solid #ddd;text-align:right}th:first-child{text-align:left}";

}  // namespace detail

MAAS_INLINE std::vector<double> detail::axis_ticks(double low, double high, int count) {
  const double rough = (high - low) / count, power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = power;
  for (double factor : {1.0, 2.0, 5.0, 10.0}) {
    step = factor * power;
    if (step >= rough) break;
  }
  std::vector<double> result;
  for (double i = std::ceil(low / step); i * step <= high + step * 1e-9 && result.size() < 50; ++i)
    result.push_back(i * step);
  return result;
}

// "val_recall_1[0]" is "recall" for the question: keys of metrics of one name are numbered, and so are several figures.
MAAS_INLINE bool detail::larger_by_name(std::string_view name) {
  const auto drop_digits = [&] { name = name.substr(0, name.find_last_not_of("0123456789") + 1); };
  if (name.ends_with(']')) {
    name.remove_suffix(1);
    drop_digits();
    if (name.ends_with('[')) name.remove_suffix(1);
  }
  drop_digits();
  if (name.ends_with('_')) name.remove_suffix(1);
  for (std::string_view metric :
       {"accuracy", "acc", "auc", "precision", "recall", "sensitivity_at_specificity", "specificity_at_sensitivity",
        "precision_at_recall", "recall_at_precision", "fbeta_score", "f1_score", "io_u", "r2_score",
        "cosine_similarity", "pearson_correlation", "concordance_correlation"})
    if (name.ends_with(metric) && (name.size() == metric.size() || name[name.size() - metric.size() - 1] == '_'))
      return true;
  return false;
}

MAAS_INLINE std::string detail::history_charts(const History& history, const LargerIsBetter& larger) {
  std::string charts;
  for (const std::string& name : history.names()) {
    const bool of_validation = name.starts_with("val_");
    if (of_validation && history.contains(name.substr(4))) continue;  // drawn with that of training
    charts += Chart(name, curve_of(history, name), curve_of(history, "val_" + name)).svg(larger(name));
  }
  return charts;
}

MAAS_INLINE std::string detail::history_rows(const History& history, const LargerIsBetter& larger) {
  std::string rows;
  for (const std::string& name : history.names()) rows += report_row(name, curve_of(history, name), larger(name));
  return rows;
}

MAAS_INLINE std::string detail::report_page(const History& history, const std::string& title,
                                            const LargerIsBetter& larger) {
  const std::string head = detail::html_text(title);
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n"
      "<h1>{}</h1>\n<p>{} epochs</p>\n<main>\n{}</main>\n<table>\n<tr><th>figure</th><th>last</th><th>best</th>"
      "<th>in epoch</th></tr>\n{}</table>\n</body>\n</html>\n",
      head, detail::report_style, head, history.epochs().size(), detail::history_charts(history, larger),
      detail::history_rows(history, larger));
}

MAAS_INLINE std::string html_report(const History& history, const std::string& title) {
  return detail::report_page(history, title, detail::larger_by_name);
}

MAAS_INLINE void HtmlReport::epoch_end(TrainingView& view) const {
  History history = view.history != nullptr ? *view.history : History();
  history.add(view.epoch, view.logs);
  const auto larger = [&](std::string_view name) {
    return detail::larger_is_better(Better::automatic, view, name).value_or(detail::larger_by_name(name));
  };
  detail::make_folder_of(path);
  NewFile file(path);
  file.write(detail::report_page(history, title, larger));
  file.commit();
}

}  // namespace maas::inline MAAS_ABI
