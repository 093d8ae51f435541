// Step: the handle of what prepares a table, and what a struct needs to stand behind it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "maas/core/handle.hpp"
#include "maas/data/impute.hpp"
#include "maas/data/table.hpp"

namespace maas::inline MAAS_ABI {

/// What a Step asks of the struct behind it: see Step and StepRule.
struct StepInterface : PartInterface {
  virtual bool is_fitted() const = 0;
  virtual const LearnedRows& learned_rows() const = 0;
  virtual std::shared_ptr<const StepInterface> fit(const Table& training) const = 0;
  virtual Table apply(Table table) const = 0;
  virtual Table invert(Table table, const Table* before) const = 0;
  virtual bool inverts_from_before() const = 0;
  virtual bool encodes() const = 0;
  virtual std::vector<bool> kept_rows(const Table& table) const = 0;
  virtual std::vector<std::string> outputs_of(const std::string& name) const = 0;
  virtual std::vector<std::string> sources_of(const std::string& name) const = 0;
  virtual const std::vector<std::string>* classes_of(const std::string& name) const = 0;
};

/// What may stand behind a Step: a struct that makes a table of another, row by row: `apply(table)`, const, returns a
/// Table with as many rows. Columns it was made for and that the table does not have are passed over: a pipeline has
/// looked for those it needs. Optional:
///
/// - `fit(training)` learns from training rows, into fields; of these `fitted_columns`, names, are empty before: those
///   of the library throw StateError where they are not. A struct without that field counts as fitted from the start. A
///   Step remembers which rows these were; a struct that is fitted without one does so in a field `learned_rows`, a
///   LearnedRows;
/// - `check()` throws ConfigError for fields out of range, or that do not fit each other: they may come from a file;
/// - `invert(table)` undoes apply in the columns that are there; `invert(table, before)` does so with the help of the
///   table that apply was given, a pointer, null where it is not known;
/// - `outputs_of(name)`: the columns that a column becomes, where it does not keep its name;
/// - `sources_of(name)`: the columns before the step that a column after it is made of, where it is not that alone;
/// - `kept_rows(table)`: false for each row that training is to leave out;
/// - `classes_of(name)`: the texts, in order, whose numbers 0, 1, ... stand in that column.
template <class Rule>
concept StepRule = PartRule<Rule> && requires(const Rule& rule, Table table) {
  { rule.apply(std::move(table)) } -> std::same_as<Table>;
};

/// What a Step holds: a struct, and what it leaves out filled in.
template <StepRule Rule>
struct StepModel final : PartModel<StepInterface, Rule> {
  static constexpr bool learns = requires(Rule & rule) { rule.fitted_columns.empty(); };
  static constexpr bool remembers = requires(const Rule& rule) {
    { rule.learned_rows } -> std::convertible_to<const LearnedRows&>;
  };

  explicit StepModel(Rule value, LearnedRows learned = {})
      : PartModel<StepInterface, Rule>(std::move(value)), learned_(std::move(learned)) {
    if constexpr (requires { this->rule.check(); }) this->rule.check();
  }
  bool is_fitted() const override {
    if constexpr (learns)
      return !this->rule.fitted_columns.empty();
    else
      return true;
  }
  const LearnedRows& learned_rows() const override {
    if constexpr (remembers)
      return this->rule.learned_rows;
    else
      return learned_;
  }
  std::shared_ptr<const StepInterface> fit([[maybe_unused]] const Table& training) const override {
    Rule learner = this->rule;
    LearnedRows learned = learned_;
    if constexpr (requires { learner.fit(training); }) {
      if (!learns || !is_fitted()) {
        learner.fit(training);
        learned.add(training.marks());
      }
    }
    return std::make_shared<StepModel>(std::move(learner), std::move(learned));
  }
  Table apply(Table table) const override { return this->rule.apply(std::move(table)); }
  Table invert(Table table, [[maybe_unused]] const Table* before) const override {
    if constexpr (requires { this->rule.invert(std::move(table)); })
      return this->rule.invert(std::move(table));
    else if constexpr (requires { this->rule.invert(std::move(table), before); })
      return this->rule.invert(std::move(table), before);
    else
      return table;
  }
  bool inverts_from_before() const override {
    return requires(const Table* before) { this->rule.invert(Table(), before); };
  }
  bool encodes() const override {
    return requires(const std::string& name) { this->rule.classes_of(name); };
  }
  std::vector<bool> kept_rows([[maybe_unused]] const Table& table) const override {
    if constexpr (requires { this->rule.kept_rows(table); })
      return this->rule.kept_rows(table);
    else
      return {};
  }
  std::vector<std::string> outputs_of(const std::string& name) const override {
    if constexpr (requires { this->rule.outputs_of(name); })
      return this->rule.outputs_of(name);
    else
      return {name};
  }
  std::vector<std::string> sources_of(const std::string& name) const override {
    if constexpr (requires { this->rule.sources_of(name); })
      return this->rule.sources_of(name);
    else
      return {name};
  }
  const std::vector<std::string>* classes_of([[maybe_unused]] const std::string& name) const override {
    if constexpr (requires { this->rule.classes_of(name); })
      return this->rule.classes_of(name);
    else
      return nullptr;
  }

 private:
  LearnedRows learned_;  // where the struct does not remember
};

/// One step of preparing data: `Standard{.columns = {"flow"}}`, or any struct that is a StepRule. A handle never
/// changes; what was learned stands in the one that fit returns.
class Step : public Handle<StepInterface> {
 public:
  /// Throws ConfigError for fields out of range, or that do not fit each other.
  template <class Rule>
  requires NotHandle<Rule, Step> && StepRule<std::remove_cvref_t<Rule>> Step(Rule&& rule);

  /// Whether it has learned what it needs; true for steps that learn nothing.
  bool is_fitted() const { return self_->is_fitted(); }
  /// The step with what it learned from training rows. One that has learned before keeps what it knows: nothing is ever
  /// learned twice. Throws DataError where the table is not fit for it, or a row of it held out (see Table::hold_out).
  Step fit(const Table& training) const;
  /// A table with as many rows, all of them held out where any of the given one is. Throws StateError before fit,
  /// DataError for values it was not made for, and for rows held out for validation or test that it has learned from.
  Table apply(Table table) const;
  /// Undoes apply in the columns that are there, as far as it can be undone. `before`, the table that apply was given,
  /// is needed where inverts_from_before(); without it a column that needs it throws StateError. DataError as apply.
  Table invert(Table table, const Table* before = nullptr) const;
  bool inverts_from_before() const { return self_->inverts_from_before(); }
  /// Whether it turns texts into numbers: undoing it turns numbers into texts.
  bool encodes() const { return self_->encodes(); }
  /// False for each row that training is to leave out; empty where all stay.
  std::vector<bool> kept_rows(const Table& table) const { return self_->kept_rows(table); }
  /// The columns that a column becomes.
  std::vector<std::string> outputs_of(const std::string& name) const { return self_->outputs_of(name); }
  /// The columns before the step that a column after it is made of.
  std::vector<std::string> sources_of(const std::string& name) const { return self_->sources_of(name); }
  /// The texts, in order, whose numbers 0, 1, ... stand in that column; null where it holds no codes of this step.
  const std::vector<std::string>* classes_of(const std::string& name) const { return self_->classes_of(name); }

 private:
  explicit Step(std::shared_ptr<const StepInterface> self) : Handle(std::move(self)) {}
};

template <class Rule>
requires NotHandle<Rule, Step> && StepRule<std::remove_cvref_t<Rule>> Step::Step(Rule&& rule)
    : Handle(std::make_shared<StepModel<std::remove_cvref_t<Rule>>>(std::forward<Rule>(rule))) {}

/// {"class_name", "config"}, what was learned included.
Config to_config(const Step& step);

/// "mean", "median", "constant", "most_frequent", "forward_fill", "linear_interpolation".
Config to_config(Fill fill);
/// Throws ConfigError for another name.
void from_config(const Config& config, std::string_view where, Fill& fill);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/step-inl.hpp"
#endif
