#include "recipe/drawing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "maas/core/markup.hpp"
#include "maas/training/report.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

constexpr double width = 560, height = 300, left = 64, right = 16, top = 34, bottom = 44;

std::string number_text(double value) { return fmt::format("{:.4g}", std::abs(value) < 1e-300 ? 0 : value); }

}  // namespace

Range range_of(std::initializer_list<const std::vector<double>*> all) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Range range{infinity, -infinity};
  for (const std::vector<double>* values : all)
    for (double value : *values)
      if (std::isfinite(value)) range = {std::min(range.low, value), std::max(range.high, value)};
  if (range.low > range.high) return {0, 1};
  const double margin =
      range.high > range.low ? (range.high - range.low) * 0.03 : std::max(std::abs(range.high) * 0.1, 1e-12);
  return {range.low - margin, range.high + margin};
}

Drawing::Drawing(std::string title, std::string x_name, std::string y_name, Range x, Range y, std::vector<Tick> x_ticks)
    : x_(x), y_(y) {
  frame_ = fmt::format(
      "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n<text class=\"name\" x=\"{}\" y=\"18\">{}</text>\n",
      width, height, detail::html_text(title), left, detail::html_text(title));
  for (double value : detail::axis_ticks(y.low, y.high, 5))
    frame_ += fmt::format(
        "<path class=\"grid\" d=\"M{:.1f} {:.1f}H{:.1f}\"/><text class=\"end\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
        left, py(value), width - right, left - 6, py(value) + 4, number_text(value));
  if (x_ticks.empty())
    for (double value : detail::axis_ticks(x.low, x.high, 8)) x_ticks.emplace_back(value, number_text(value));
  for (const auto& [value, name] : x_ticks)
    frame_ += fmt::format("<text class=\"middle\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", px(value),
                          height - bottom + 18, detail::html_text(name));
  frame_ += fmt::format(
      "<path class=\"axis\" d=\"M{:.1f} {:.1f}V{:.1f}H{:.1f}\"/>"
      "<text class=\"middle\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n"
      "<text class=\"middle\" transform=\"translate(14 {:.1f}) rotate(-90)\">{}</text>\n",
      left, top, height - bottom, width - right, (left + width - right) / 2, height - 8, detail::html_text(x_name),
      (top + height - bottom) / 2, detail::html_text(y_name));
}

double Drawing::px(double x) const { return left + (x - x_.low) / (x_.high - x_.low) * (width - left - right); }
double Drawing::py(double y) const { return top + (y_.high - y) / (y_.high - y_.low) * (height - top - bottom); }

void Drawing::line(const std::vector<double>& x, const std::vector<double>& y, std::string_view kind) {
  std::string path;
  bool connected = false;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const bool there = std::isfinite(x[i]) && std::isfinite(y[i]);
    if (there) path += fmt::format("{}{:.1f} {:.1f}", connected ? "L" : "M", px(x[i]), py(y[i]));
    connected = there;
  }
  if (!path.empty()) inside_ += fmt::format("<path class=\"{}\" d=\"{}\"/>\n", kind, path);
}

void Drawing::points(const std::vector<double>& x, const std::vector<double>& y, std::string_view kind) {
  std::string path;
  for (std::size_t i = 0; i < x.size(); ++i)
    if (std::isfinite(x[i]) && std::isfinite(y[i])) path += fmt::format("M{:.1f} {:.1f}h0", px(x[i]), py(y[i]));
  if (!path.empty()) inside_ += fmt::format("<path class=\"points {}\" d=\"{}\"/>\n", kind, path);
}

void Drawing::bars(const std::vector<double>& x, const std::vector<double>& y, double wide) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(y[i])) continue;
    const double from = py(std::max(0.0, y_.low)), to = py(y[i]);
    inside_ += fmt::format("<rect class=\"bar\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>\n",
                           px(x[i] - wide / 2), std::min(from, to), px(x[i] + wide / 2) - px(x[i] - wide / 2),
                           std::abs(from - to));
  }
}

void Drawing::band(const std::vector<double>& x, const std::vector<double>& low, const std::vector<double>& high) {
  const auto is_there = [&](std::size_t i) {
    return std::isfinite(x[i]) && std::isfinite(low[i]) && std::isfinite(high[i]);
  };
  std::string path;
  for (std::size_t begin = 0; begin < x.size(); ++begin) {
    std::size_t end = begin;
    for (; end < x.size() && is_there(end); ++end)
      path += fmt::format("{}{:.1f} {:.1f}", end == begin ? "M" : "L", px(x[end]), py(high[end]));
    if (end == begin) continue;
    for (std::size_t i = end; i > begin; --i) path += fmt::format("L{:.1f} {:.1f}", px(x[i - 1]), py(low[i - 1]));
    path += "Z";
    begin = end;
  }
  if (!path.empty()) inside_ += fmt::format("<path class=\"band\" d=\"{}\"/>\n", path);
}

void Drawing::legend(std::string_view kind, const std::string& name) { legend_.emplace_back(kind, name); }

std::string Drawing::svg() const {
  constexpr double wide = 90;
  std::string legend;
  double place = width - right - wide * static_cast<double>(legend_.size());
  for (const auto& [kind, name] : legend_) {
    legend += fmt::format("<path class=\"{}\" d=\"M{:.1f} {}\"/><text x=\"{:.1f}\" y=\"18\">{}</text>\n", kind, place,
                          kind == "band" ? "9h20v10h-20z" : "14h20", place + 25, detail::html_text(name));
    place += wide;
  }
  return frame_ + inside_ + legend + "</svg>\n";
}

}  // namespace maas::inline MAAS_ABI::recipe
