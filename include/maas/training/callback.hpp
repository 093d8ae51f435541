// Callback: what may look at training, and stop it.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <typeinfo>
#include <vector>

#include "maas/losses/loss.hpp"
#include "maas/metrics/metric.hpp"
#include "maas/network/network.hpp"
#include "maas/network/output_options.hpp"
#include "maas/optimizers/optimizer.hpp"
#include "maas/training/history.hpp"
#include "maas/training/state_archive.hpp"

namespace maas::inline MAAS_ABI {

/// Whether training goes on.
enum class Signal { go_on, stop };

/// What callbacks see of a fit. The network and the optimizer's state may be changed between steps.
struct TrainingView {
  int epoch = 0;           ///< counted from 0
  int epochs = 0;          ///< the final epoch's number
  Index step = 0;          ///< steps done in this epoch
  Index steps = 0;         ///< steps an epoch has; 0 while that is not known
  bool validates = false;  ///< there are validation figures, though maybe not at the end of every epoch
  Logs& logs;  ///< running averages of this epoch; at its end with the validation figures; figures may be added
  Network& network;
  const Optimizer& optimizer;
  OptimizerState& state;  ///< its learning_rate may be changed
  const std::optional<Loss>& loss;
  const std::vector<Metric>& metrics;
  const std::vector<Metric>& weighted_metrics;
  const std::vector<OutputOptions>* outputs = nullptr;  ///< one an output, where a network of several was given them
  const History* history = nullptr;                     ///< of the epochs before this one
  std::function<void(StateArchive&)> keep_state = {};   ///< writes or reads all that the run would go on from
  /// Whether a figure is better larger, as its metric says; without "val_". Nothing where none says.
  std::function<std::optional<bool>(std::string_view)> larger_is_better = {};
  std::string_view model_name = {};  ///< as Model::save writes it; empty where no Model trains
};

/// What may stand behind a Callback: any of train_begin, epoch_begin, batch_begin, batch_end, validation_begin,
/// validation_end, epoch_end, train_end, each taking a TrainingView&; batch_end and epoch_end may return a Signal.
/// Those of validation are called where fit validates, before epoch_end. Optional: `keep_state(archive)` lists what it
/// remembers, so that a stopped run can be continued; `static constexpr bool comes_last = true` if it is to be called
/// after all others.
template <class Rule>
concept CallbackRule = std::copy_constructible<Rule> &&(
    requires(Rule& rule, TrainingView& view) { rule.train_begin(view); } ||
    requires(Rule & rule, TrainingView& view) { rule.epoch_begin(view); } ||
    requires(Rule & rule, TrainingView& view) { rule.batch_begin(view); } ||
    requires(Rule & rule, TrainingView& view) { rule.batch_end(view); } ||
    requires(Rule & rule, TrainingView& view) { rule.validation_begin(view); } ||
    requires(Rule & rule, TrainingView& view) { rule.validation_end(view); } ||
    requires(Rule & rule, TrainingView& view) { rule.epoch_end(view); } ||
    requires(Rule & rule, TrainingView& view) { rule.train_end(view); });

/// A handle to a struct that looks at training: `EarlyStopping{.patience = 3}`. Copies share the struct, which may
/// remember things: keep a copy to read them after fit.
class Callback {
 public:
  template <class Rule>
  requires(!std::derived_from<std::remove_cvref_t<Rule>, Callback>) &&
      CallbackRule<std::remove_cvref_t<Rule>> Callback(Rule&& rule)
      : self_(std::make_shared<Model<std::remove_cvref_t<Rule>>>(std::forward<Rule>(rule))) {}

  void train_begin(TrainingView& view) { self_->train_begin(view); }
  void epoch_begin(TrainingView& view) { self_->epoch_begin(view); }
  void batch_begin(TrainingView& view) { self_->batch_begin(view); }
  Signal batch_end(TrainingView& view) { return self_->batch_end(view); }
  void validation_begin(TrainingView& view) { self_->validation_begin(view); }
  void validation_end(TrainingView& view) { self_->validation_end(view); }
  Signal epoch_end(TrainingView& view) { return self_->epoch_end(view); }
  void train_end(TrainingView& view) { self_->train_end(view); }
  void keep_state(StateArchive& archive) { self_->keep_state(archive); }
  bool comes_last() const { return self_->comes_last(); }

  /// The struct behind the handle if it is a `Rule`, else null.
  template <class Rule>
  Rule* as() const {
    return self_->type() == typeid(Rule) ? static_cast<Rule*>(self_->address()) : nullptr;
  }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual void train_begin(TrainingView&) = 0;
    virtual void epoch_begin(TrainingView&) = 0;
    virtual void batch_begin(TrainingView&) = 0;
    virtual Signal batch_end(TrainingView&) = 0;
    virtual void validation_begin(TrainingView&) = 0;
    virtual void validation_end(TrainingView&) = 0;
    virtual Signal epoch_end(TrainingView&) = 0;
    virtual void train_end(TrainingView&) = 0;
    virtual void keep_state(StateArchive&) = 0;
    virtual bool comes_last() const = 0;
    virtual const std::type_info& type() const = 0;
    virtual void* address() = 0;
  };

  template <class Rule>
  struct Model final : Interface {
    explicit Model(Rule value) : rule(std::move(value)) {}
    void train_begin([[maybe_unused]] TrainingView& view) override {
      if constexpr (requires { rule.train_begin(view); }) rule.train_begin(view);
    }
    void epoch_begin([[maybe_unused]] TrainingView& view) override {
      if constexpr (requires { rule.epoch_begin(view); }) rule.epoch_begin(view);
    }
    void batch_begin([[maybe_unused]] TrainingView& view) override {
      if constexpr (requires { rule.batch_begin(view); }) rule.batch_begin(view);
    }
    void validation_begin([[maybe_unused]] TrainingView& view) override {
      if constexpr (requires { rule.validation_begin(view); }) rule.validation_begin(view);
    }
    void validation_end([[maybe_unused]] TrainingView& view) override {
      if constexpr (requires { rule.validation_end(view); }) rule.validation_end(view);
    }
    Signal batch_end([[maybe_unused]] TrainingView& view) override {
      if constexpr (requires {
                      { rule.batch_end(view) } -> std::same_as<Signal>;
                    })
        return rule.batch_end(view);
      else if constexpr (requires { rule.batch_end(view); })
        rule.batch_end(view);
      return Signal::go_on;
    }
    Signal epoch_end([[maybe_unused]] TrainingView& view) override {
      if constexpr (requires {
                      { rule.epoch_end(view) } -> std::same_as<Signal>;
                    })
        return rule.epoch_end(view);
      else if constexpr (requires { rule.epoch_end(view); })
        rule.epoch_end(view);
      return Signal::go_on;
    }
    void train_end([[maybe_unused]] TrainingView& view) override {
      if constexpr (requires { rule.train_end(view); }) rule.train_end(view);
    }
    void keep_state([[maybe_unused]] StateArchive& archive) override {
      if constexpr (requires { rule.keep_state(archive); }) rule.keep_state(archive);
    }
    bool comes_last() const override {
      if constexpr (requires { Rule::comes_last; }) return Rule::comes_last;
      return false;
    }
    const std::type_info& type() const override { return typeid(Rule); }
    void* address() override { return &rule; }
    Rule rule;
  };

  std::shared_ptr<Interface> self_;
};

}  // namespace maas::inline MAAS_ABI
