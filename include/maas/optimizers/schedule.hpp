// Schedule: the handle of a learning rate that follows the step count, and LearningRate, which is a number or a
// schedule.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "maas/core/handle.hpp"

namespace maas::inline MAAS_ABI {

struct ScheduleInterface : PartInterface {
  virtual double rate(std::int64_t step) const = 0;
};

/// What may stand behind a Schedule: `rate(step)`, the learning rate of a step, counted from 0. Optional:
/// `check()` throws ConfigError for fields out of range, when the schedule is made.
template <class Rule>
concept ScheduleRule = PartRule<Rule> && requires(const Rule& rule, std::int64_t step) {
  { rule.rate(step) } -> std::convertible_to<double>;
};

template <ScheduleRule Rule>
struct ScheduleModel final : PartModel<ScheduleInterface, Rule> {
  explicit ScheduleModel(Rule value) : PartModel<ScheduleInterface, Rule>(std::move(value)) {
    if constexpr (requires { this->rule.check(); }) this->rule.check();
  }
  double rate(std::int64_t step) const override { return this->rule.rate(step); }
};

/// A learning rate that changes from step to step: `CosineDecay{...}`, or any struct that is a ScheduleRule.
class Schedule : public Handle<ScheduleInterface> {
 public:
  template <class Rule>
  requires NotHandle<Rule, Schedule> && ScheduleRule<std::remove_cvref_t<Rule>> Schedule(Rule&& rule)
      : Handle(std::make_shared<ScheduleModel<std::remove_cvref_t<Rule>>>(std::forward<Rule>(rule))) {}

  /// The rate of a step; 0 is the first.
  double rate(std::int64_t step) const { return self_->rate(step); }
};

/// An optimizer's learning rate: a number, or a schedule.
class LearningRate {
 public:
  LearningRate(double value) : value_(value) {}
  LearningRate(Schedule schedule) : schedule_(std::move(schedule)) {}
  template <ScheduleRule Rule>
  LearningRate(Rule rule) : schedule_(Schedule(std::move(rule))) {}

  /// The schedule, or nothing for a plain number.
  const std::optional<Schedule>& schedule() const& { return schedule_; }
  std::optional<Schedule> schedule() && { return std::move(schedule_); }
  /// The rate of a step, counted from 0.
  double at(std::int64_t step) const { return schedule_ ? schedule_->rate(step) : value_; }

 private:
  double value_ = 0;
  std::optional<Schedule> schedule_ = std::nullopt;
};

/// {"class_name", "config"}.
Config to_config(const Schedule& schedule);
/// From {"class_name", "config"}. Throws ConfigError for an unknown one.
void from_config(const Config& config, std::string_view where, Schedule& schedule);
/// A number, or a schedule as above.
Config to_config(const LearningRate& rate);
void from_config(const Config& config, std::string_view where, LearningRate& rate);

}  // namespace maas::inline MAAS_ABI
