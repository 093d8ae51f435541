// Metric: the handle, what a struct needs to stand behind it, and its running state: the bodies.
#pragma once

#include "maas/metrics/metric.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Metric Metric::named(std::string name) const {
  Metric result = *this;
  result.name_ = std::move(name);
  return result;
}

MAAS_INLINE void Metric::add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
                             const ConstVectorView& weights) const {
  self_->add(state, predicted, target, weights);
}

MAAS_INLINE double Metric::result(std::span<const double> state) const {
  require<ConfigError>(figures(state) == 1, "{}: expected a metric of one figure, got one of {}: ask for results()",
                       name_, figures(state));
  double figure = 0;
  results(state, {&figure, 1});
  return figure;
}

MAAS_INLINE std::string Metric::figure_name(const std::string& name, Index figure, Index figures) {
  return figures == 1 ? name : name + "[" + std::to_string(figure) + "]";
}

MAAS_INLINE std::optional<Metric> Metric::on_logits() const {
  std::shared_ptr<const MetricInterface> changed = self_->on_logits();
  if (!changed) return std::nullopt;
  Metric result = *this;
  result.self_ = std::move(changed);
  return result;
}

}  // namespace maas::inline MAAS_ABI
