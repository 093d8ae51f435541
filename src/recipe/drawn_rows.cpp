#include "recipe/drawn_rows.hpp"

#include <algorithm>
#include <cmath>

#include "maas/data/times.hpp"

namespace maas::inline MAAS_ABI::recipe {

void RowSample::add(const DrawnRow& row) {
  latest_ = std::max(latest_, row.time);  // which a missing time leaves as it is
  if (seen_++ % stride_ != 0) return;
  if (kept_.size() == 2 * most_) drop();
  kept_.push_back(row);
}

void RowSample::drop() {
  std::erase_if(kept_, [&](const DrawnRow& row) { return row.time < latest_ - seconds_; });
  if (kept_.size() <= most_) return;
  for (std::size_t i = 0; 2 * i < kept_.size(); ++i) kept_[i] = kept_[2 * i];
  kept_.resize((kept_.size() + 1) / 2);
  stride_ *= 2;
}

DrawnRows RowSample::rows() const {
  RowSample last = *this;
  last.drop();
  DrawnRows found;
  for (const DrawnRow& row : last.kept_) {
    found.times.push_back(row.time);
    found.truth.push_back(row.truth);
    found.predicted.push_back(row.predicted);
  }
  return found;
}

void ErrorsByHour::add(double time, double error) {
  if (!std::isfinite(time)) return;
  const auto hour = static_cast<std::size_t>(seconds_of_day(time) / seconds_an_hour);
  sums_[hour] += error;
  ++counts_[hour];
}

std::vector<double> ErrorsByHour::means() const {
  std::vector<double> found = sums_;
  for (std::size_t hour = 0; hour < found.size(); ++hour) found[hour] /= counts_[hour];
  return found;
}

}  // namespace maas::inline MAAS_ABI::recipe
