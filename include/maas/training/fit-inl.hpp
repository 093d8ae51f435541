// Bodies of fit and evaluate.
#pragma once

#include <algorithm>
#include <functional>
#include <utility>

#include "maas/training/fit.hpp"
#include "maas/training/progress.hpp"
#include "maas/training/trainer.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline void check_fit(const FitOptions& fit) {
  require<ConfigError>(fit.batch_size >= 1, "fit: expected a batch_size of at least 1, got {}", fit.batch_size);
  require<ConfigError>(fit.epochs >= 1, "fit: expected at least 1 epoch, got {}", fit.epochs);
  require<ConfigError>(fit.initial_epoch >= 0, "fit: expected an initial_epoch of at least 0, got {}",
                       fit.initial_epoch);
  require<ConfigError>(fit.validation_freq >= 1, "fit: expected a validation_freq of at least 1, got {}",
                       fit.validation_freq);
  for (const auto& [name, value] :
       {std::pair("steps_per_epoch", fit.steps_per_epoch), std::pair("validation_steps", fit.validation_steps),
        std::pair("validation_batch_size", fit.validation_batch_size)})
    require<ConfigError>(value.value_or(1) >= 1, "fit: expected {} of at least 1, got {}", name, value.value_or(1));
}

inline void check_data(const Network& network, const Dataset& training, const std::optional<Dataset>& validation) {
  require<DataError>(training.size() > 0, "fit: expected at least 1 sample, got none");
  const Graph& graph = network.graph();
  const Index expected = input_width(graph);
  require<ShapeError>(training.feature_shape().size() == expected, "fit: expected {} numbers a sample ({}), got {}",
                      expected, graph.inputs().size() == 1 ? graph.input_shape().text() : "of all inputs",
                      training.feature_shape().size());
  if (!validation) return;
  require<ShapeError>(validation->feature_shape().size() == expected &&
                          validation->target_shape().size() == training.target_shape().size(),
                      "fit: expected validation data of {} features and {} targets a sample, got {} and {}", expected,
                      training.target_shape().size(), validation->feature_shape().size(),
                      validation->target_shape().size());
}

/// What fit validates on.
struct Validation {
  const std::optional<Dataset>& data;
  const SampleWeights& weights;
  Index batch = 1;

  Validation(const std::optional<Dataset>& set, const SampleWeights& sample_weights, const FitOptions& fit)
      : data(set), weights(sample_weights) {
    if (data) batch = std::min(fit.validation_batch_size.value_or(fit.batch_size), data->size());
  }
};

/// Where batches of a fit come from.
struct Feed {
  /// Trains on the next batch; false where there is none.
  std::function<bool(Trainer&, const Random&)> step;
  /// Before every epoch, with the number of steps taken.
  std::function<void(std::int64_t)> begin_epoch;
  /// Where it stands, to bytes and back.
  std::function<void(StateArchive&)> keep_state;
  Index steps = 0;  ///< an epoch has; 0 while that is not known
};

/// Where a fit stands, beside its trainer.
struct Standing {
  int epoch = 0;
  Index step = 0;         ///< steps of this epoch that are done
  bool in_epoch = false;  ///< the epoch is not over
  bool stopped = false;   ///< a callback has asked for the end
};

/// One fit: the loop over epochs, with what it would need to go on after an interruption.
class FitRun {
 public:
  FitRun(Network& network, const CompileOptions& options, OptimizerState& state, Trainer& trainer, Feed feed,
         Validation validation, const FitOptions& fit, std::string_view model_name)
      : network_(network),
        options_(options),
        state_(state),
        trainer_(trainer),
        feed_(std::move(feed)),
        validation_(validation),
        fit_(fit),
        callbacks_(fit.callbacks),
        view_{.epochs = fit.epochs,
              .steps = feed_.steps,
              .validates = validation.data.has_value(),
              .logs = logs_,
              .network = network,
              .optimizer = options.optimizer,
              .state = state,
              .loss = options.loss,
              .metrics = options.metrics,
              .weighted_metrics = options.weighted_metrics,
              .outputs = &options.outputs,
              .history = &history_,
              .keep_state = [this](StateArchive& archive) { keep_state(archive); },
              .larger_is_better = [this](std::string_view figure) { return trainer_.larger_is_better(figure); },
              .model_name = model_name} {
    if (fit.verbose != 0) callbacks_.push_back(Progress{.verbose = fit.verbose});
    std::stable_partition(callbacks_.begin(), callbacks_.end(),
                          [](const Callback& callback) { return !callback.comes_last(); });
  }
  FitRun(const FitRun&) = delete;  // the view points into it
  FitRun& operator=(const FitRun&) = delete;

  History run() {
    at_.epoch = fit_.initial_epoch;
    for (Callback& callback : callbacks_) callback.train_begin(view_);
    for (; at_.epoch < fit_.epochs && (!at_.stopped || at_.in_epoch); ++at_.epoch) run_epoch();
    options_.optimizer.finish(network_.parameters().trainable(), state_);
    for (Callback& callback : callbacks_) callback.train_end(view_);
    return std::move(history_);
  }

 private:
  void run_epoch() {
    const bool goes_on = at_.in_epoch;  // the run was interrupted in the middle of this epoch
    view_.epoch = at_.epoch;
    view_.step = 0;
    logs_.clear();
    trainer_.reset_figures();
    at_.in_epoch = true;
    if (!goes_on) {
      at_.step = 0;
      feed_.begin_epoch(state_.step);
    }
    for (Callback& callback : callbacks_) callback.epoch_begin(view_);
    view_.step = at_.step;
    run_steps();
    write_logs();
    if (validation_.data && (at_.epoch + 1) % fit_.validation_freq == 0) validate();
    at_.in_epoch = false;
    for (Callback& callback : callbacks_)
      if (callback.epoch_end(view_) == Signal::stop) at_.stopped = true;
    history_.add(at_.epoch, logs_);
  }

  void run_steps() {
    const Random random = Random(fit_.seed).stream(2);
    while (!at_.stopped && (feed_.steps == 0 || view_.step < feed_.steps)) {
      for (Callback& callback : callbacks_) callback.batch_begin(view_);
      if (!feed_.step(trainer_, random)) break;
      at_.step = ++view_.step;
      write_logs();
      for (Callback& callback : callbacks_)
        if (callback.batch_end(view_) == Signal::stop) at_.stopped = true;
    }
    require<DataError>(view_.step > 0, "fit: expected at least 1 batch an epoch, got none");
    view_.steps = std::max(view_.steps, view_.step);
  }

  void validate() {
    for (Callback& callback : callbacks_) callback.validation_begin(view_);
    trainer_.reset_figures();
    trainer_.evaluate(*validation_.data, validation_.weights, validation_.batch, fit_.validation_steps);
    write_logs("val_");
    for (Callback& callback : callbacks_) callback.validation_end(view_);
  }

  // Sorted by name, as Keras 3 hands them to callbacks; what callbacks add comes behind.
  void write_logs(std::string_view prefix = "") {
    trainer_.write_logs(logs_, prefix);
    constexpr auto name = &Logs::value_type::first;
    if (!std::ranges::is_sorted(logs_, {}, name)) std::ranges::sort(logs_, {}, name);
  }

  // After an epoch the state is that before the next one.
  void keep_state(StateArchive& archive) {
    archive.same("weights", network_.parameters().values().size());
    archive("weights", network_.parameters().values());
    archive("optimizer/step", state_.step);
    archive("optimizer/learning_rate", state_.learning_rate);
    archive("optimizer/numbers", state_.scalars);
    archive.same("optimizer/slots", state_.slot_count());
    for (Index i = 0; i < state_.slot_count(); ++i) archive("optimizer/slot", state_.slot(i));
    Standing at = at_;
    History history = history_;
    if (!archive.reads() && !at.in_epoch) {
      ++at.epoch;
      history.add(at_.epoch, logs_);
    }
    archive("fit/epoch", at.epoch);
    archive("fit/step", at.step);
    archive("fit/in_epoch", at.in_epoch);
    archive("fit/stopped", at.stopped);
    history.keep_state(archive);
    feed_.keep_state(archive);
    trainer_.keep_state(archive);
    for (Callback& callback : callbacks_) callback.keep_state(archive);
    if (!archive.reads()) return;
    at_ = at;
    history_ = std::move(history);
  }

  Network& network_;
  const CompileOptions& options_;
  OptimizerState& state_;
  Trainer& trainer_;
  Feed feed_;
  Validation validation_;
  const FitOptions& fit_;
  std::vector<Callback> callbacks_;
  Logs logs_;
  History history_;
  Standing at_;
  TrainingView view_;
};

}  // namespace detail

MAAS_INLINE History fit(Network& network, const CompileOptions& options, OptimizerState& state, const FitData& data,
                        const FitOptions& fit, std::string_view model_name) {
  detail::check_fit(fit);
  detail::check_data(network, data.training, data.validation);
  const Index samples = data.training.size();
  const Index batch = options.optimizer.full_batch() ? samples : std::min(fit.batch_size, samples);
  const detail::Validation validation(data.validation, data.validation_weights, fit);
  Trainer trainer(network, options, state, std::max(batch, validation.batch), data.training.target_shape().size());
  RowBatches batches(data.training, batch, fit.shuffle, fit.seed);
  const detail::Feed feed{.step =
                              [&](Trainer& on, const Random& random) {
                                on.train(data.training, batches.next(state.step), data.weights, random,
                                         data.class_weight);
                                return true;
                              },
                          .begin_epoch =
                              [&](std::int64_t step) {
                                if (!fit.steps_per_epoch) batches.begin(step);
                              },
                          .keep_state =
                              [&](StateArchive& archive) {
                                archive.same("fit/seed", fit.seed);
                                archive.same("fit/samples", batches.rows());
                                archive.same("fit/batches", batches.count());
                                archive("fit/drawn_at", batches.drawn_at);
                                archive("fit/taken", batches.taken);
                                if (archive.reads()) batches.draw();
                              },
                          .steps = fit.steps_per_epoch.value_or(batches.count())};
  return detail::FitRun(network, options, state, trainer, feed, validation, fit, model_name).run();
}

namespace detail {

/// Batches of a user's, checked, as views.
class CheckedSource {
 public:
  CheckedSource(const BatchSource& source, const Graph& graph, std::size_t outputs)
      : source_(source), graph_(graph), x_(graph.inputs().size(), {nullptr, 0, 0}), y_(outputs, {nullptr, 0, 0}) {}

  bool next() {
    if (!source_(batch_)) return false;
    const Index rows = batch_.x.rows();
    require<ShapeError>(batch_.x.size() == x_.size() && batch_.y.size() == y_.size(),
                        "fit: expected batches of {} inputs and {} outputs, got {} and {}", x_.size(), y_.size(),
                        batch_.x.size(), batch_.y.size());
    require<DataError>(rows > 0, "fit: expected batches of at least 1 sample, got none");
    for (std::size_t i = 0; i < x_.size(); ++i) {
      const Index width = graph_.input_shape(static_cast<Index>(i)).size();
      require<ShapeError>(batch_.x[i].cols() == width && batch_.x[i].rows() == rows,
                          "fit: expected batches of {} x {} numbers for input {}, got {} x {}", rows, width, i,
                          batch_.x[i].rows(), batch_.x[i].cols());
      repoint(x_[i], batch_.x[i].data(), rows, width);
    }
    for (std::size_t i = 0; i < y_.size(); ++i) {
      require<ShapeError>(batch_.y[i].rows() == rows, "fit: expected {} rows of targets for output {}, got {}", rows, i,
                          batch_.y[i].rows());
      repoint(y_[i], batch_.y[i].data(), rows, batch_.y[i].cols());
    }
    weights_.clear();
    for (const Vector& weights : batch_.sample_weights) {
      require<ShapeError>(weights.size() % rows == 0, "fit: expected {} sample weights, got {}", rows, weights.size());
      weights_.emplace_back(weights.data(), weights.size());
    }
    require<ShapeError>(weights_.size() <= 1 || weights_.size() == y_.size(),
                        "fit: expected sample weights for {} outputs, got {}", y_.size(), weights_.size());
    return true;
  }

  BatchView view() const { return {x_, y_, weights_}; }
  Index target_width() const {
    Index width = 0;
    for (const ConstMatrixView& y : y_) width += y.cols();
    return width;
  }

 private:
  const BatchSource& source_;
  const Graph& graph_;
  Batch batch_;
  std::vector<ConstMatrixView> x_, y_;
  std::vector<ConstVectorView> weights_;
};

}  // namespace detail

MAAS_INLINE History fit(Network& network, const CompileOptions& options, OptimizerState& state,
                        const BatchSource& source, const std::optional<Dataset>& validation_set,
                        const SampleWeights& validation_weights, const FitOptions& fit, std::string_view model_name) {
  detail::check_fit(fit);
  require<ConfigError>(static_cast<bool>(source), "fit: expected a source of batches, got none");
  detail::CheckedSource batches(source, network.graph(), network.graph().outputs().size());
  require<DataError>(batches.next(), "fit: expected at least 1 batch, got none");
  const detail::Validation validation(validation_set, validation_weights, fit);
  Trainer trainer(network, options, state, std::max(batches.view().size(), validation.batch), batches.target_width());
  if (validation_set)
    require<ShapeError>(validation_set->feature_shape().size() == detail::input_width(network.graph()) &&
                            validation_set->target_shape().size() == trainer.targets(),
                        "fit: expected validation data of {} features and {} targets a sample, got {} and {}",
                        detail::input_width(network.graph()), trainer.targets(), validation_set->feature_shape().size(),
                        validation_set->target_shape().size());
  bool waiting = true;     // the first batch, which is already there
  std::int64_t taken = 0;  // batches since the source began, so that a resumed run can pass over them
  const auto advance = [&] {
    if (!std::exchange(waiting, false) && !batches.next()) return false;
    ++taken;
    return true;
  };
  const detail::Feed feed{
      .step =
          [&](Trainer& on, const Random& random) {
            // With steps_per_epoch a source that is at its end begins anew; else that is the end of the epoch.
            if (!advance() && (!fit.steps_per_epoch || !advance())) return false;
            const BatchView batch = batches.view();
            require<ShapeError>(batch.size() <= on.capacity(),
                                "fit: expected batches of at most {} samples, as the first one, got {}", on.capacity(),
                                batch.size());
            for (std::size_t i = 0; i < batch.y.size(); ++i)
              require<ShapeError>(batch.y[i].cols() == on.target_width(static_cast<Index>(i)),
                                  "fit: expected {} target numbers a sample for output {}, got {}",
                                  on.target_width(static_cast<Index>(i)), i, batch.y[i].cols());
            on.train(batch, random.stream(static_cast<std::uint64_t>(state.step)));
            return true;
          },
      .begin_epoch = [](std::int64_t) {},
      .keep_state =
          [&](StateArchive& archive) {
            archive.same("fit/seed", fit.seed);
            std::int64_t target = taken;
            archive("fit/taken", target);
            while (taken < target)
              require<DataError>(advance() || advance(), "fit: the source has no more batches to pass over");
          },
      .steps = fit.steps_per_epoch.value_or(0)};
  return detail::FitRun(network, options, state, trainer, feed, validation, fit, model_name).run();
}

MAAS_INLINE Logs evaluate(Network& network, const CompileOptions& options, OptimizerState& state, const Dataset& data,
                          const SampleWeights& weights, Index batch_size, std::optional<Index> steps) {
  require<ConfigError>(steps.value_or(1) >= 1, "evaluate: expected at least 1 step, got {}", steps.value_or(1));
  require<ConfigError>(batch_size >= 1, "evaluate: expected a batch_size of at least 1, got {}", batch_size);
  require<DataError>(data.size() > 0, "evaluate: expected at least 1 sample, got none");
  const Index batch = std::min(batch_size, data.size());
  Trainer trainer(network, options, state, batch, data.target_shape().size());
  trainer.evaluate(data, weights, batch, steps);
  Logs logs;
  trainer.write_logs(logs);
  return logs;
}

}  // namespace maas::inline MAAS_ABI
