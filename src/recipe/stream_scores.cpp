#include "recipe/stream_scores.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "maas/data/times.hpp"
#include "recipe/class_scores.hpp"
#include "recipe/drawn_rows.hpp"
#include "recipe/parts.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

// ---- Numbers ----

/// Sums of errors against the same truth.
struct Errors {
  double absolute = 0, squares = 0;

  void add(double error) { absolute += std::abs(error), squares += error * error; }
};

/// Mean and squared distances from it, without two passes (Welford 1962).
struct Spread {
  double count = 0, mean = 0, squares = 0;

  void add(double value) {
    ++count;
    const double distance = value - mean;
    mean += distance / count;
    squares += distance * (value - mean);
  }
};

Logs number_scores(const Errors& errors, const Spread& truth) {
  const double nothing = std::numeric_limits<double>::quiet_NaN();
  return {{"mae", errors.absolute / truth.count},
          {"rmse", std::sqrt(errors.squares / truth.count)},
          {"r2", truth.squares > 0 ? 1 - errors.squares / truth.squares : nothing}};
}

// ---- Classes ----

/// True classes and answers, counted; classes that nobody named before come behind the others.
struct Confusion {
  std::vector<std::string> classes = {};
  Counts counts = {};

  std::size_t position(const std::string& name) {
    const auto found = std::find(classes.begin(), classes.end(), name);
    if (found != classes.end()) return static_cast<std::size_t>(found - classes.begin());
    constexpr std::size_t most = 10000;
    require<DataError>(classes.size() < most, "evaluate: expected at most {} classes, got more", most);
    classes.push_back(name);
    grow();
    return classes.size() - 1;
  }
  void grow() {
    counts.resize(classes.size());
    for (std::vector<Index>& row : counts) row.resize(classes.size(), 0);
  }
};

// ---- Drawings ----

/// What is gathered of the rows of one target to be drawn.
struct Drawn {
  RowSample sample{most_points}, last_week{most_along_time, seconds_a_week};
  ErrorsByHour errors = {}, wrong = {};  // of numbers, of classes
  bool has_times = false;

  void add_number(const DrawnRow& row) {
    sample.add(row);
    if (std::isfinite(row.time)) last_week.add(row);
    errors.add(row.time, std::abs(row.predicted - row.truth));
  }
  void add_to(TargetEvaluation& found) const {
    if (has_times) found.error_by_hour = (found.is_class ? wrong : errors).means();
    if (found.is_class) return;
    found.sample = sample.rows();
    if (has_times)
      found.last_week = last_week.rows();
    else
      found.sample.times.clear();
  }
};

// ---- One target ----

/// What is summed up of one target, part by part.
class TargetSums {
 public:
  TargetSums(std::string name, const Pipeline& pipeline, bool binary, TargetBaseline known)
      : name_(std::move(name)), binary_(binary), known_(std::move(known)) {
    if (const auto* classes = pipeline.classes_of(name_)) confusion_.classes = *classes;
    confusion_.grow();
    bits_.classes = {"0", "1"};
    bits_.grow();
  }

  /// `times` of the rows; null where there are none.
  void add(const Column& truth, const Column& answers, const std::vector<double>* times) {
    require<DataError>(
        truth.type == answers.type, "evaluate: expected in the target \"{}\" what the model gives, {}; got {}", name_,
        answers.type == ColumnType::text ? "texts" : "numbers", truth.type == ColumnType::text ? "texts" : "numbers");
    is_text_ = truth.type == ColumnType::text;
    drawn_.has_times = times != nullptr;
    for (std::size_t row = 0; row < static_cast<std::size_t>(truth.rows()); ++row) {
      const double time = times == nullptr ? std::numeric_limits<double>::quiet_NaN() : (*times)[row];
      is_text_ ? add_text(time, truth.texts[row], answers.texts[row])
               : add_number({time, truth.numbers[row], answers.numbers[row]});
    }
  }

  Index unanswered() const { return unanswered_; }

  TargetEvaluation result() {
    require<DataError>(counted_ > 0, "evaluate: expected a row with a true \"{}\" and an answer, got none", name_);
    TargetEvaluation found{.target = name_};
    found.counted = counted_;
    found.is_class = is_text_ || (binary_ && all_bits_);
    if (found.is_class)
      add_class_answers(found, is_text_ ? confusion_ : bits_);
    else
      add_number_answers(found);
    drawn_.add_to(found);
    return found;
  }

 private:
  void add_text(double time, const std::string& truth, const std::string& answer) {
    unanswered_ += answer.empty();
    if (truth.empty() || answer.empty()) return;
    ++counted_;
    const std::size_t row = confusion_.position(truth), column = confusion_.position(answer);
    ++confusion_.counts[row][column];
    drawn_.wrong.add(time, row == column ? 0 : 1);
  }
  void add_number(const DrawnRow& row) {
    unanswered_ += !std::isfinite(row.predicted);
    if (!std::isfinite(row.truth) || !std::isfinite(row.predicted)) return;
    ++counted_;
    truth_.add(row.truth);
    model_.add(row.predicted - row.truth);
    add_baselines(row);
    drawn_.add_number(row);
    all_bits_ = all_bits_ && (row.truth == 0 || row.truth == 1);
    if (all_bits_) add_bit(row.time, row.truth == 1, row.predicted > 0.5);
  }
  void add_baselines(const DrawnRow& row) {
    if (!known_.mean) return;
    constant_.add(*known_.mean - row.truth);
    if (known_.hours.empty()) return;
    const auto hour = hour_of_week(row.time);
    hourly_.add((hour ? known_.hours[*hour] : *known_.mean) - row.truth);
  }
  void add_bit(double time, bool truth, bool answer) {
    ++bits_.counts[truth][answer];
    drawn_.wrong.add(time, truth == answer ? 0 : 1);
  }
  void add_number_answers(TargetEvaluation& found) const {
    found.answers.push_back({"model", number_scores(model_, truth_)});
    if (known_.mean) found.answers.push_back({"mean", number_scores(constant_, truth_)});
    if (known_.mean && !known_.hours.empty() && drawn_.has_times)
      found.answers.push_back({std::string(weekly_mean_name), number_scores(hourly_, truth_)});
  }
  void add_class_answers(TargetEvaluation& found, const Confusion& confusion) const {
    found.confusion = confusion.counts;
    found.classes = confusion.classes;
    found.answers.push_back({"model", class_scores(confusion.counts)});
    if (!known_.majority.empty()) found.answers.push_back({"majority class", majority_scores(confusion)});
  }
  // Of the answer that is always the most frequent class of the training rows.
  Logs majority_scores(const Confusion& confusion) const {
    Confusion all{.classes = confusion.classes, .counts = {}};
    const std::size_t answer = all.position(known_.majority);
    all.grow();
    for (std::size_t i = 0; i < confusion.counts.size(); ++i)
      for (Index count : confusion.counts[i]) all.counts[i][answer] += count;
    return class_scores(all.counts);
  }

  std::string name_;
  bool binary_, is_text_ = false, all_bits_ = true;
  TargetBaseline known_;
  Confusion confusion_, bits_;
  Errors model_, constant_, hourly_;
  Spread truth_;
  Drawn drawn_;
  Index counted_ = 0, unanswered_ = 0;
};

}  // namespace

Evaluation evaluate_stream(const Model& model, const StreamRows& rows, const std::string& name) {
  const Pipeline& pipeline = *model.info().pipeline;
  const Table first = rows.read(0, 1);
  const std::vector<std::string> targets = model.predict_table(first).names();
  const std::string time = time_column(pipeline, first);
  const TableBaselines baselines = TableBaselines::from(model.info().baselines.value());
  std::vector<TargetSums> sums;
  for (const std::string& target : targets) {
    require<DataError>(first.contains(target), "evaluate: expected the target \"{}\" in the rows, got no such column",
                       target);
    const auto known = std::ranges::find(baselines.targets, target, &TargetBaseline::target);
    sums.emplace_back(target, pipeline, is_binary(model), known == baselines.targets.end() ? TargetBaseline() : *known);
  }
  rows.for_each([&](const Table& part) {
    const Table answers = model.predict_table(part);
    const std::vector<double>* times = time.empty() ? nullptr : &part.column(time).numbers;
    for (std::size_t i = 0; i < targets.size(); ++i)
      sums[i].add(part.column(targets[i]), answers.column(targets[i]), times);
  });
  Evaluation result{.name = name, .rows = rows.size()};
  for (TargetSums& each : sums) {
    result.unanswered = std::max(result.unanswered, each.unanswered());
    result.targets.push_back(each.result());
  }
  return result;
}

}  // namespace maas::inline MAAS_ABI::recipe
