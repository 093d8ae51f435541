// Bodies of the steps that scale.
#pragma once

#include "maas/data/cleaning-inl.hpp"
#include "maas/data/figures-inl.hpp"
#include "maas/data/scaling.hpp"
#include "maas/data/step-inl.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// Goes along the line of each column, or back.
template <class LineOf>
Table along_lines(std::string_view who, const std::vector<std::string>& columns, Table table, bool back,
                  LineOf&& line_of) {
  return changed_numbers(who, columns, std::move(table), [&](std::size_t i) {
    const ScalerLine line = line_of(i);
    return [line, back](double x) { return back ? line.inverse(x) : line(x); };
  });
}

inline ScalerLine line_of(const MinMax& step, std::size_t i) {
  const double width = width_or_one(step.data_max[i] - step.data_min[i]);
  return {step.data_min[i], (step.range_max - step.range_min) / width, step.range_min};
}

/// Calls `learn(numbers)` with the numbers of each column that a step learns from, and returns the columns' names.
template <class Learn>
std::vector<std::string> learn_columns(std::string_view who, const Table& training,
                                       const std::vector<std::string>& columns, Learn&& learn) {
  const std::vector<std::string> names = step_columns(who, training, columns, ColumnType::number);
  for (const std::string& name : names) learn(learning_numbers(who, training.column(name)));
  return names;
}

inline double yeo_johnson(double x, double lambda) {
  if (x < 0) return -yeo_johnson(-x, 2 - lambda);
  return lambda == 0 ? std::log1p(x) : std::expm1(lambda * std::log1p(x)) / lambda;
}

inline double yeo_johnson_inverse(double y, double lambda) {
  if (y < 0) return -yeo_johnson_inverse(-y, 2 - lambda);
  return lambda == 0 ? std::expm1(y) : std::expm1(std::log1p(lambda * y) / lambda);
}

/// The negative logarithm of the likelihood of lambda, but for a constant: n / 2 log(variance of what becomes of the
/// numbers) - (lambda - 1) * sum of sign(x) log(1 + |x|), which is `logs`. It has one valley.
inline double yeo_johnson_cost(const std::vector<double>& numbers, double logs, double lambda) {
  std::vector<double> transformed;
  for (double x : numbers) transformed.push_back(yeo_johnson(x, lambda));
  const double variance = figures_of(transformed).variance;
  // What rounding has made all alike, or beyond all numbers, is no candidate.
  if (!(variance >= std::numeric_limits<double>::min()) || std::isinf(variance))
    return std::numeric_limits<double>::infinity();
  return static_cast<double>(numbers.size()) / 2 * std::log(variance) - (lambda - 1) * logs;
}

/// The lambda of the lowest cost, by golden sections.
inline double yeo_johnson_lambda(const std::vector<double>& numbers) {
  if (is_constant(figures_of(numbers))) return 1;
  double logs = 0;
  for (double x : numbers) logs += std::copysign(std::log1p(std::abs(x)), x);
  constexpr double golden = 0.6180339887498949;
  double low = -8, high = 8;
  double a = high - golden * (high - low), b = low + golden * (high - low);
  double cost_a = yeo_johnson_cost(numbers, logs, a), cost_b = yeo_johnson_cost(numbers, logs, b);
  while (high - low > 1e-9) {
    // Of large numbers of both signs both may be no candidates; lambda 1, which changes nothing, is one.
    if (std::isinf(cost_a) && std::isinf(cost_b) ? b > 1 : cost_a <= cost_b) {
      high = b, b = a, cost_b = cost_a;
      cost_a = yeo_johnson_cost(numbers, logs, a = high - golden * (high - low));
    } else {
      low = a, a = b, cost_a = cost_b;
      cost_b = yeo_johnson_cost(numbers, logs, b = low + golden * (high - low));
    }
  }
  const double middle = (low + high) / 2;
  if (std::isfinite(yeo_johnson_cost(numbers, logs, middle))) return middle;
  // The last ones that were looked at may lie where there still is a candidate.
  if (!std::isfinite(std::min(cost_a, cost_b))) return 1;
  return cost_a <= cost_b ? a : b;
}

}  // namespace detail

// ---- MinMax ----

MAAS_INLINE void MinMax::check() const {
  require<ConfigError>(range_min < range_max && std::isfinite(range_max - range_min),
                       "MinMax: expected range_min below range_max, got {} and {}", range_min, range_max);
  detail::check_names(class_name, columns);
  detail::check_learned(class_name, fitted_columns, {data_min, data_max});
  for (std::size_t i = 0; i < data_min.size(); ++i)
    require<ConfigError>(data_min[i] <= data_max[i], "MinMax: expected learned limits in order, got {} and {}",
                         data_min[i], data_max[i]);
}

MAAS_INLINE void MinMax::fit(const Table& training) {
  detail::require_training(class_name, training);
  detail::begin_learning(class_name, fitted_columns, data_min, data_max);
  fitted_columns = detail::learn_columns(class_name, training, columns, [this](const std::vector<double>& numbers) {
    const detail::ColumnFigures figures = detail::figures_of(numbers);
    detail::require_finite_width(class_name, figures);
    data_min.push_back(figures.min);
    data_max.push_back(figures.max);
  });
  learned_rows.add(training.marks());
}

MAAS_INLINE Table MinMax::apply(Table table) const {
  detail::require_unlearned(class_name, table, learned_rows);
  return detail::along_lines(class_name, fitted_columns, std::move(table), false,
                             [this](std::size_t i) { return detail::line_of(*this, i); });
}
MAAS_INLINE Table MinMax::invert(Table table) const {
  return detail::along_lines(class_name, fitted_columns, std::move(table), true,
                             [this](std::size_t i) { return detail::line_of(*this, i); });
}

// ---- Standard ----

MAAS_INLINE void Standard::check() const {
  detail::check_names(class_name, columns);
  detail::check_learned(class_name, fitted_columns, {mean, scale});
  detail::check_positive(class_name, scale);
}

MAAS_INLINE void Standard::fit(const Table& training) {
  detail::require_training(class_name, training);
  detail::begin_learning(class_name, fitted_columns, mean, scale);
  fitted_columns = detail::learn_columns(class_name, training, columns, [this](const std::vector<double>& numbers) {
    const detail::ColumnFigures figures = detail::figures_of(numbers);
    mean.push_back(figures.mean);
    scale.push_back(detail::standard_scale(class_name, figures));
  });
  learned_rows.add(training.marks());
}

MAAS_INLINE Table Standard::apply(Table table) const {
  detail::require_unlearned(class_name, table, learned_rows);
  return detail::along_lines(class_name, fitted_columns, std::move(table), false, [this](std::size_t i) {
    return detail::ScalerLine{mean[i], 1 / scale[i], 0};
  });
}
MAAS_INLINE Table Standard::invert(Table table) const {
  return detail::along_lines(class_name, fitted_columns, std::move(table), true, [this](std::size_t i) {
    return detail::ScalerLine{mean[i], 1 / scale[i], 0};
  });
}

// ---- Robust ----

MAAS_INLINE void Robust::check() const {
  detail::check_names(class_name, columns);
  detail::check_learned(class_name, fitted_columns, {center, scale});
  detail::check_positive(class_name, scale);
}

MAAS_INLINE void Robust::fit(const Table& training) {
  detail::require_training(class_name, training);
  detail::begin_learning(class_name, fitted_columns, center, scale);
  fitted_columns = detail::learn_columns(class_name, training, columns, [this](std::vector<double> numbers) {
    std::sort(numbers.begin(), numbers.end());
    center.push_back(detail::quantile_of(numbers, 0.5));
    scale.push_back(detail::width_or_one(detail::quantile_of(numbers, 0.75) - detail::quantile_of(numbers, 0.25)));
  });
  learned_rows.add(training.marks());
}

MAAS_INLINE Table Robust::apply(Table table) const {
  detail::require_unlearned(class_name, table, learned_rows);
  return detail::along_lines(class_name, fitted_columns, std::move(table), false, [this](std::size_t i) {
    return detail::ScalerLine{center[i], 1 / scale[i], 0};
  });
}
MAAS_INLINE Table Robust::invert(Table table) const {
  return detail::along_lines(class_name, fitted_columns, std::move(table), true, [this](std::size_t i) {
    return detail::ScalerLine{center[i], 1 / scale[i], 0};
  });
}

// ---- Log ----

MAAS_INLINE void Log::check() const {
  require<ConfigError>(std::isfinite(offset), "Log: expected a finite offset, got {}", offset);
  detail::check_names(class_name, columns);
  detail::check_names(class_name, fitted_columns);
}

MAAS_INLINE void Log::fit(const Table& training) {
  detail::require_training(class_name, training);
  detail::begin_learning(class_name, fitted_columns);
  fitted_columns = detail::step_columns(class_name, training, columns, ColumnType::number);
  learned_rows.add(training.marks());
}

MAAS_INLINE Table Log::apply(Table table) const {
  detail::require_unlearned(class_name, table, learned_rows);
  return detail::changed_numbers(class_name, fitted_columns, std::move(table), [this](std::size_t i) {
    return [this, i](double x) {
      require<DataError>(std::isnan(x) || x + offset > 0, "Log: expected numbers above {} in column \"{}\", got {}",
                         -offset, fitted_columns[i], x);
      return offset == 1 ? std::log1p(x) : std::log(x + offset);
    };
  });
}
MAAS_INLINE Table Log::invert(Table table) const {
  return detail::changed_numbers(class_name, fitted_columns, std::move(table), [this](std::size_t) {
    return [this](double y) { return offset == 1 ? std::expm1(y) : std::exp(y) - offset; };
  });
}

// ---- Power ----

MAAS_INLINE void Power::check() const {
  detail::check_names(class_name, columns);
  detail::check_learned(class_name, fitted_columns, {lambda, mean, scale});
  detail::check_positive(class_name, scale);
}

MAAS_INLINE void Power::fit(const Table& training) {
  detail::require_training(class_name, training);
  detail::begin_learning(class_name, fitted_columns, lambda, mean, scale);
  fitted_columns = detail::learn_columns(class_name, training, columns, [this](std::vector<double> numbers) {
    const double chosen = detail::yeo_johnson_lambda(numbers);
    for (double& x : numbers) x = detail::yeo_johnson(x, chosen);
    const detail::ColumnFigures figures = detail::figures_of(numbers);
    const double spread = detail::standard_scale(class_name, figures);  // refuses numbers without one
    lambda.push_back(chosen);
    mean.push_back(standardize ? figures.mean : 0);
    scale.push_back(standardize ? spread : 1);
  });
  learned_rows.add(training.marks());
}

MAAS_INLINE Table Power::apply(Table table) const {
  detail::require_unlearned(class_name, table, learned_rows);
  return detail::changed_numbers(class_name, fitted_columns, std::move(table), [this](std::size_t i) {
    return [this, i](double x) { return (detail::yeo_johnson(x, lambda[i]) - mean[i]) / scale[i]; };
  });
}
MAAS_INLINE Table Power::invert(Table table) const {
  return detail::changed_numbers(class_name, fitted_columns, std::move(table), [this](std::size_t i) {
    return [this, i](double y) { return detail::yeo_johnson_inverse(y * scale[i] + mean[i], lambda[i]); };
  });
}

}  // namespace maas::inline MAAS_ABI
