// Drawings for pages: a frame with axes, and what is drawn into it, as SVG.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::recipe {

/// A range of an axis.
struct Range {
  double low, high;
};

/// The range of all finite numbers, a little wider; 0 to 1 where there is none.
Range range_of(std::initializer_list<const std::vector<double>*> all);

/// One drawing.
class Drawing {
 public:
  using Tick = std::pair<double, std::string>;

  /// Ticks are round numbers, unless `x_ticks` names some.
  Drawing(std::string title, std::string x_name, std::string y_name, Range x, Range y, std::vector<Tick> x_ticks = {});

  /// A line through points, broken where a number is not finite.
  void line(const std::vector<double>& x, const std::vector<double>& y, std::string_view kind);
  void points(const std::vector<double>& x, const std::vector<double>& y, std::string_view kind);
  /// Bars from 0, `width` wide in units of the x axis, around each x.
  void bars(const std::vector<double>& x, const std::vector<double>& y, double width);
  /// The area between two lines, broken where either is not finite; what is drawn later lies above it.
  void band(const std::vector<double>& x, const std::vector<double>& low, const std::vector<double>& high);
  /// An entry at the top right; kinds are training, validation, band.
  void legend(std::string_view kind, const std::string& name);

  std::string svg() const;

 private:
  double px(double x) const;
  double py(double y) const;

  Range x_, y_;
  std::string frame_, inside_;
  std::vector<std::pair<std::string, std::string>> legend_;  // kinds and names
};

}  // namespace maas::inline MAAS_ABI::recipe
