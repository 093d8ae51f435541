// Writes the models that scripts/keras/check_written.py loads in real Keras: a file a case, with inputs, targets, the
// predictions of maas, and those after one more training step.
// usage: write_models FOLDER
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "interop/write_numbers.hpp"
#include "maas/maas.hpp"
#include "support/random_network.hpp"

using namespace maas;
using tests::write_numbers;

namespace {

// What Keras is expected to do with a file.
struct Expected {
  bool keras_3 = true;            // loads it; else refuses
  bool tf_keras = true;           // loads it; else refuses
  bool keras_3_resumes = false;   // Keras 3 goes on training just as maas does
  bool tf_keras_resumes = false;  // tf_keras does
  bool keras_3_trains = true;     // else it can only predict
  bool compiled = true;           // with an optimizer and a loss
  bool weights_move = true;
};

// What a case is about, and what is special about it; the files that are written of it follow.
struct Special {
  bool tf_keras = true;    // tf_keras has all that the model has, and reads it from .h5
  bool compiled = true;    // Keras 3 and 2 have the optimizer and the loss
  bool compiled_3 = true;  // Keras 3 has them, in .keras
  bool random = false;     // a training step draws numbers, so that no two libraries take the same
  bool weights_move = true;
};

class Cases {
 public:
  explicit Cases(std::string folder) : folder_(std::move(folder)), list_(folder_ + "/cases.tsv") {
    list_ << "name\tfile\tinputs\toutputs\tkeras_3\ttf_keras\tkeras_3_resumes\ttf_keras_resumes\tkeras_3_trains\t"
             "compiled\tmoves\n";
  }

  /// Writes inputs and predictions of a model as it is. Its files follow, and then a step on the targets.
  void begin(const std::string& name, const Model& model, const std::vector<Matrix>& x) {
    name_ = name;
    x_ = x;
    const Graph& graph = model.network().graph();
    for (std::size_t i = 0; i < x.size(); ++i)
      write_numbers(fmt::format("{}.x{}.csv", base(), i), graph.input_shape(static_cast<Index>(i)), x[i]);
    const std::vector<Matrix> predictions = model.network().predict(x);
    outputs_ = predictions.size();
    for (std::size_t i = 0; i < predictions.size(); ++i)
      write_numbers(fmt::format("{}.y{}.csv", base(), i), graph.output_shape(static_cast<Index>(i)), predictions[i]);
  }
  /// Saves a model, or a forecaster; the file's name is that of the case and `ending`.
  template <class Savable>
  void file(const Savable& model, const std::string& ending, KerasProfile profile, const Expected& expected) {
    model.save(base() + ending, {.profile = profile});
    list_ << fmt::format("{}\t{}\t{}\t{}\t{:d}\t{:d}\t{:d}\t{:d}\t{:d}\t{:d}\t{:d}\n", name_, name_ + ending, x_.size(),
                         outputs_, expected.keras_3, expected.tf_keras, expected.keras_3_resumes,
                         expected.tf_keras_resumes, expected.keras_3_trains, expected.compiled, expected.weights_move);
  }
  /// Takes a step and writes what the model predicts then.
  void step(Model& model, const Matrix& y) {
    write_numbers(base() + ".target.csv", Shape{y.cols()}, y);
    model.train_on_batch(x_[0], y);
    write_numbers(base() + ".next.csv", model.network().graph().output_shape(), model.network().predict(x_)[0]);
  }

  /// A case in the default forms, .h5 and .keras.
  void add(const std::string& name, Model& model, const std::vector<Matrix>& x, const Matrix& y,
           const Special& special = {}) {
    begin(name, model, x);
    file(model, ".h5", KerasProfile::automatic,
         {.tf_keras = special.tf_keras, .compiled = special.compiled, .weights_move = special.weights_move});
    const bool compiled = special.compiled && special.compiled_3;
    file(model, ".keras", KerasProfile::automatic,
         {.tf_keras = false,
          .keras_3_resumes = compiled && !special.random,
          .compiled = special.compiled_3,
          .weights_move = special.weights_move});
    if (special.compiled_3) step(model, y);
  }
  /// A case in all forms that go on where maas stopped. `keras_2_formula`: Keras 2.10 and earlier compute the optimizer
  /// as Keras 3 does.
  void add_resumed(const std::string& name, Model& model, const std::vector<Matrix>& x, const Matrix& y,
                   bool keras_2_formula = true) {
    begin(name, model, x);
    const Expected by_old{.tf_keras_resumes = keras_2_formula, .keras_3_trains = false};
    const Expected by_both{.keras_3_resumes = true, .tf_keras_resumes = true};
    file(model, ".k2.h5", KerasProfile::keras_2, by_old);
    file(model, ".keras", KerasProfile::keras_3, {.tf_keras = false, .keras_3_resumes = true});
    file(model, ".any.keras", KerasProfile::any, by_both);
    file(model, ".both.keras", KerasProfile::combined, by_both);
    file(model, ".both.h5", KerasProfile::combined, by_old);
    step(model, y);
  }
  /// Weights alone, in both forms.
  void weights(const Model& model) {
    model.save_weights(base() + ".weights.h5");
    model.save_weights(base() + ".old_weights.h5");
  }

 private:
  std::string base() const { return folder_ + "/" + name_; }

  std::string folder_, name_;
  std::ofstream list_;
  std::vector<Matrix> x_;
  std::size_t outputs_ = 0;
};

Matrix some_numbers(Index rows, Index columns, std::uint64_t seed, double from = -1, double to = 1) {
  Matrix numbers(rows, columns);
  const Random random(seed);
  for (Index i = 0; i < numbers.size(); ++i)
    numbers.data()[i] = static_cast<Scalar>(from + (to - from) * random.uniform(static_cast<std::uint64_t>(i)));
  return numbers;
}

// Keras' own first program, trained for a while.
void write_first_programs(Cases& cases) {
  const Matrix x = some_numbers(64, 100, 1);
  const Matrix y = (x.leftCols(10).rowwise().sum().array() > 0).cast<Scalar>();
  auto model = Sequential{input(100), dense(128, relu), dense(64, relu), dense(1, sigmoid)};
  model.compile({.optimizer = Adam{}, .loss = binary_crossentropy, .metrics = {accuracy}});
  model.fit(x, y, {.epochs = 3, .verbose = 0});
  cases.add("first", model, {x}, y);
  cases.add_resumed("first-resumed", model, {x}, y);
  cases.begin("first-weights", model, {x});
  cases.file(model, ".h5", KerasProfile::any, {});
  cases.weights(model);
  cases.step(model, y);
}

// Raw rows are made ready by maas alone: Keras passes over that, and answers the same on what is ready.
void write_prepared(Cases& cases) {
  const Matrix numbers = some_numbers(32, 2, 9);
  Table rows;
  Column kinds{.name = "kind", .type = ColumnType::text};
  for (Index row = 0; row < numbers.rows(); ++row) kinds.texts.emplace_back(row % 3 == 0 ? "car" : "bus");
  rows.add(std::move(kinds));
  for (Index i = 0; i < 2; ++i) {
    const Vector column = numbers.col(i);
    rows.add({.name = i == 0 ? "flow" : "speed", .numbers = {column.begin(), column.end()}});
  }
  Pipeline pipeline({.steps = {OneHot{}, Standard{}}, .targets = {"speed"}});
  const PreparedSamples samples = pipeline.fit(rows).samples(rows);
  auto model = Sequential{input(3), dense(4, relu), dense(1)};
  model.compile({.optimizer = Adam{}, .loss = mean_squared_error});
  model.fit(samples.x, samples.y, {.epochs = 2, .verbose = 0});
  model.info().pipeline = pipeline;
  model.info().baselines = TableBaselines::of(pipeline, rows).config();
  model.info().reference = DriftReference::of(samples.x, pipeline.feature_names()).config();
  cases.add("prepared", model, {samples.x}, samples.y);
}

// Forecasters: Keras sees the network, or that of a whole ensemble, and answers on prepared windows.
void write_forecasters(Cases& cases) {
  Readings readings{.values = some_numbers(60, 3, 12, 20, 60)};
  for (Index row = 0; row < 60; ++row) readings.times.push_back(300 * static_cast<double>(row));
  for (const Index networks : {1, 3}) {
    Forecaster forecaster({.windows = {.lags = 4, .horizons = {1, 3}}, .time_of_day = true, .changes = true},
                          ForecastNetwork{.hidden = {8, 6}, .embedding = 2});
    forecaster.fit(readings, {.fit = {.epochs = 2, .verbose = 0}, .networks = networks});
    forecaster.set_baselines(fit_baselines(forecaster.windows(readings)));
    cases.begin(networks == 1 ? "forecaster" : "forecaster-ensemble", forecaster.model(),
                forecaster.samples(forecaster.windows(readings)).inputs(0, 40));
    cases.file(forecaster, ".h5", KerasProfile::automatic, {.compiled = false});
    cases.file(forecaster, ".keras", KerasProfile::automatic, {.tf_keras = false, .compiled = false});
  }
}

// Several kinds of layers, in a chain.
void write_chain(Cases& cases) {
  const Matrix x = some_numbers(32, 20, 2);
  Matrix y(32, 1);
  for (Index row = 0; row < y.rows(); ++row) y(row, 0) = static_cast<Scalar>(row % 3);
  auto model =
      Sequential{input(Shape{4, 5}), dense(6, relu), flatten(), dropout(0.2), dense(3), activation_layer(softmax)};
  model.compile(
      {.optimizer = RMSprop{}, .loss = sparse_categorical_crossentropy, .metrics = {SparseCategoricalAccuracy{}}});
  model.fit(x, y, {.epochs = 2, .verbose = 0});
  cases.add("chain", model, {x}, y, {.random = true});
}

// Branches of different depth, a layer used twice, one that is frozen: Keras lists them in an order of its own.
void write_graphs(Cases& cases) {
  const Matrix x = some_numbers(32, 6, 3), more = some_numbers(32, 3, 4);
  const Matrix y = (x.rowwise().sum().array() > 0).cast<Scalar>();
  const Input in = input(Shape{6}, "readings");
  const Layer twice = dense(6, relu).named("twice"), held = dense(4, relu).named("held").frozen();
  Model model(in, dense(1, sigmoid).named("answer")(held(twice(twice(in)))));
  model.compile({.optimizer = Adam{.learning_rate = 0.01}, .loss = binary_crossentropy});
  model.fit(x, y, {.epochs = 2, .verbose = 0});
  cases.add("shared", model, {x}, y);
  cases.add_resumed("shared-resumed", model, {x}, y);
  const Input second = input(Shape{3}, "aa_first_by_name");
  const std::vector<Symbol> ins{in, second};
  // The short way is listed before the long one, and names run against the alphabet: no order but Keras' own fits.
  const Symbol short_way = dense(5, relu).named("zz")(second);
  const Symbol long_way = dense(5, relu).named("mm")(dense(5, sigmoid).named("nn")(dense(5, relu).named("aa")(in)));
  const std::vector<Symbol> outs{dense(2).named("out_b")(short_way), dense(5).named("out_a")(long_way),
                                 dense(5, relu).named("kk")(short_way)};
  Model several{Network(Graph(std::span<const Symbol>(ins), std::span<const Symbol>(outs)))};
  cases.begin("several", several, {x, more});
  const Expected untrained{.compiled = false}, untrained_3{.tf_keras = false, .compiled = false};
  cases.file(several, ".h5", KerasProfile::any, untrained);
  cases.file(several, ".keras", KerasProfile::keras_3, untrained_3);
  cases.file(several, ".any.keras", KerasProfile::any, untrained);
  cases.file(several, ".both.keras", KerasProfile::combined, untrained);
  cases.file(several, ".both.h5", KerasProfile::combined, untrained);
  cases.weights(several);
  auto repeated = Sequential{input(6), twice, twice, dense(1).named("end")};
  cases.add("repeated", repeated, {x}, y, {.compiled = false, .compiled_3 = false});
}

// One small network an optimizer, loss, metric, activation and so on.
class Small {
 public:
  explicit Small(Cases& cases) : cases_(cases) {}

  void write(const std::string& name, const CompileOptions& options, const Special& special = {},
             const Layer& first = dense(5, relu), Index targets = 2, const Activation& last = sigmoid) {
    Model model = trained(options, first, targets, last);
    cases_.add(name, model, {x_}, some_numbers(16, targets, 6, 0, 1), special);
  }
  void write_resumed(const std::string& name, const CompileOptions& options, bool keras_2_formula = true) {
    Model model = trained(options, dense(5, relu), 2, sigmoid);
    cases_.add_resumed(name, model, {x_}, some_numbers(16, 2, 6, 0, 1), keras_2_formula);
  }
  // What means something else to Keras 3.
  void write_for_keras_2(const std::string& name, const CompileOptions& options, const Layer& first) {
    Model model = trained(options, first, 2, sigmoid);
    cases_.begin(name, model, {x_});
    cases_.file(model, ".h5", KerasProfile::keras_2, {.keras_3 = false, .tf_keras_resumes = true});
    cases_.step(model, some_numbers(16, 2, 6, 0, 1));
  }
  // Targets that are one class of several, the first by far.
  void write_classes(const std::string& name, const CompileOptions& options, const Special& special = {}) {
    auto model = Sequential{input(4), dense(5, relu), dense(3, softmax)};
    model.compile(options);
    Matrix y = Matrix::Zero(16, 3);
    for (Index row = 0; row < y.rows(); ++row) y(row, row % 3) = 1;
    for (int step = 0; step < 3; ++step) model.train_on_batch(x_, y);
    cases_.add(name, model, {x_}, y, special);
  }

 private:
  Model trained(const CompileOptions& options, const Layer& first, Index targets, const Activation& last) const {
    auto model = Sequential{input(4), first, dense(targets, last)};
    model.compile(options);
    const Matrix y = some_numbers(16, targets, 6, 0, 1);
    for (int step = 0; step < 3; ++step) model.train_on_batch(x_, y);
    return model;
  }

  Cases& cases_;
  Matrix x_ = some_numbers(16, 4, 5);
};

void write_optimizers(Small& small) {
  const Loss loss = mean_squared_error;
  // Keras 2 makes an optimizer without is_legacy_optimizer one of its old ones, of which it had fewer.
  for (const auto& entry : BuiltinOptimizers::entries()) {
    const std::string name(entry.class_name);
    const bool keras_3_only = name == "AdamW" || name == "Lion" || name == "Adafactor";
    const bool only_here = name == "Lbfgs" || name == "LevenbergMarquardt";
    small.write("optimizer-" + name, {.optimizer = entry.make(Config{}), .loss = loss},
                {.tf_keras = !keras_3_only, .compiled = !only_here && name != "Lamb", .compiled_3 = !only_here});
  }
  const std::vector<std::pair<std::string, Optimizer>> resumed{
      {"sgd", Sgd{}},
      {"momentum", Sgd{.learning_rate = 0.1, .momentum = 0.9}},
      {"nesterov", Sgd{.learning_rate = 0.1, .momentum = 0.9, .nesterov = true}},
      {"adam", Adam{.learning_rate = 0.02}},
      {"amsgrad", Adam{.learning_rate = 0.02, .amsgrad = true}},
      {"adamax", Adamax{.learning_rate = 0.02}},
      {"adadelta", Adadelta{.learning_rate = 0.5}},
      {"descent", GradientDescent{.learning_rate = 0.1}},
      {"decay", Adam{.learning_rate = ExponentialDecay{.initial_learning_rate = 0.05, .decay_steps = 2}}},
      {"warmup", Adam{.learning_rate = WarmUp{.learning_rate = 0.05, .warmup_steps = 20}}}};
  for (const auto& [name, optimizer] : resumed)
    small.write_resumed("resume-" + name, {.optimizer = optimizer, .loss = loss});
  // The old ones go on by formulas that differ in where epsilon stands.
  small.write_resumed("resume-rmsprop", {.optimizer = RMSprop{.momentum = 0.5, .centered = true}, .loss = loss}, false);
  small.write_resumed("resume-adagrad", {.optimizer = Adagrad{}, .loss = loss}, false);
  small.write("options-clipnorm", {.optimizer = Adam{.options = {.clipnorm = 0.5}}, .loss = loss});
  small.write("options-clipvalue", {.optimizer = Adam{.options = {.clipvalue = 0.5}}, .loss = loss});
  small.write("options-weight_decay", {.optimizer = Adam{.options = {.weight_decay = 0.01}}, .loss = loss},
              {.tf_keras = false});
  small.write("options-ema", {.optimizer = Adam{.options = {.use_ema = true}}, .loss = loss}, {.tf_keras = false});
  small.write("options-accumulation", {.optimizer = Adam{.options = {.gradient_accumulation_steps = 5}}, .loss = loss},
              {.tf_keras = false, .weights_move = false});
}

void write_schedules(Small& small) {
  for (const auto& entry : BuiltinSchedules::entries()) {
    const std::string name(entry.class_name);
    Config fields{Config::Object{}};
    if (name == "PiecewiseConstantDecay")
      fields.set("boundaries", Config::List{10.0}).set("values", Config::List{0.1, 0.01});
    small.write("schedule-" + name,
                {.optimizer = Sgd{.learning_rate = entry.make(fields)}, .loss = mean_squared_error});
  }
}

void write_losses(Small& small) {
  for (const auto& entry : BuiltinLosses::entries()) {
    const std::string name(entry.class_name);
    const Loss loss = entry.make(Config{});
    const CompileOptions options{.optimizer = Sgd{}, .loss = loss};
    if (loss.target_columns(2) == 1) continue;  // one is in the chain above; labels are no targets of these networks
    if (name == "QuantileLoss" || name == "Masked")
      small.write("loss-" + name, options, {.compiled = false, .compiled_3 = false});
    else if (loss.looks_at_neighbours())
      small.write("loss-" + name, options, {.tf_keras = false});
    else if (name.find("Categorical") != std::string::npos || name == "KLDivergence")
      small.write_classes("loss-" + name, options);
    else
      small.write("loss-" + name, options);
  }
  small.write("loss-from_logits", {.optimizer = Sgd{}, .loss = BinaryCrossentropy{.from_logits = true}}, {},
              dense(5, relu), 2, linear);
  small.write("loss-smoothing", {.optimizer = Sgd{}, .loss = BinaryCrossentropy{.label_smoothing = 0.1}});
  small.write("loss-sum", {.optimizer = Sgd{}, .loss = Loss(mean_squared_error).reduced(Reduction::sum)});
  small.write("loss-delta", {.optimizer = Sgd{}, .loss = Huber{.delta = 0.25}});
}

// The metrics of these classes; those with settings are given as text.
std::vector<Metric> metrics_of(const std::vector<std::string>& classes) {
  std::vector<Metric> metrics;
  for (const std::string& name : classes)
    for (const auto& entry : BuiltinMetrics::entries())
      if (entry.class_name == name) metrics.push_back(entry.make(Config{}));
  return metrics;
}

void write_metrics(Small& small) {
  const CompileOptions usual{.optimizer = Sgd{}, .loss = mean_squared_error};
  auto with = [&](std::vector<Metric> metrics) {
    CompileOptions options = usual;
    options.metrics = std::move(metrics);
    return options;
  };
  std::vector<Metric> means = metrics_of({"MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError",
                                          "RootMeanSquaredError", "CosineSimilarity", "Poisson", "LogCoshError"});
  means.push_back(Metric(accuracy).named("acc"));
  small.write("metrics-means", with(means));
  std::vector<Metric> counts = metrics_of({"Precision", "Recall", "AUC", "TruePositives", "FalseNegatives"});
  counts.push_back(BinaryAccuracy{.threshold = 0.7});
  small.write("metrics-counts", with(counts));
  CompileOptions classes{.optimizer = Sgd{}, .loss = categorical_crossentropy, .metrics = {accuracy}};
  // Keras 3 cannot compute top-k accuracies of doubles.
  if (sizeof(Scalar) == 4)
    for (const Metric& metric : metrics_of({"TopKCategoricalAccuracy"})) classes.metrics.push_back(metric);
  classes.weighted_metrics = {CategoricalAccuracy{}};
  small.write_classes("metrics-classes", classes);
}

// Keras has no such name: Keras 2's hard_sigmoid; its sparsemax adds up too much, and its threshold wants arguments
// that it cannot be given. No layer here takes glu as its activation.
const std::vector<std::string_view> not_in_keras{"glu", "keras2_hard_sigmoid", "sparsemax", "threshold"};

void write_activations(Small& small) {
  const CompileOptions options{.optimizer = Sgd{}, .loss = mean_squared_error};
  // Keras 2 has these; its hard_sigmoid is another.
  const std::vector<std::string> old{"linear",     "relu",     "elu",      "selu",        "gelu",        "sigmoid",
                                     "tanh",       "softplus", "softsign", "silu",        "exponential", "mish",
                                     "leaky_relu", "softmax",  "relu6",    "log_softmax", "ReLU"};
  for (const auto& entry : BuiltinActivations::entries()) {
    const std::string name(entry.class_name);
    const bool in_keras_2 = std::ranges::find(old, name) != old.end();
    if (std::ranges::find(not_in_keras, name) != not_in_keras.end()) continue;
    small.write("activation-" + name, options, {.tf_keras = in_keras_2}, dense(5, entry.make(Config{})));
  }
  small.write("activation-slope", options, {}, dense(5, LeakyRelu{.negative_slope = 0.125}));
  small.write("activation-clipped", options, {},
              dense(5, BoundedRelu{.max_value = 1.5, .negative_slope = 0.25, .threshold = 0.5}));
  small.write_for_keras_2("activation-keras_2_hard_sigmoid", options, dense(5, keras2_hard_sigmoid));
}

void write_settings(Small& small) {
  const CompileOptions options{.optimizer = Sgd{}, .loss = mean_squared_error};
  for (const auto& entry : BuiltinInitializers::entries())
    small.write("initializer-" + std::string(entry.class_name), options, {},
                Dense{.units = 5, .kernel_initializer = entry.make(Config{})});
  small.write("initializer-settings", options, {},
              Dense{.units = 5,
                    .kernel_initializer = RandomNormal{.mean = 0.1, .stddev = 0.2},
                    .bias_initializer = Constant{.value = 0.25}});
  // In double Keras 3 cannot train with penalties: it adds them up as floats.
  small.write("regularizers", options, {.compiled = sizeof(Scalar) == 4, .compiled_3 = sizeof(Scalar) == 4},
              Dense{.units = 5, .kernel_regularizer = L1L2{0.01, 0.02}, .bias_regularizer = L2{.l2 = 0.125}});
  // In double tf_keras cannot train with MaxNorm: it multiplies by a float.
  small.write("constraints", options, {.compiled = sizeof(Scalar) == 4, .compiled_3 = sizeof(Scalar) == 4},
              Dense{.units = 5, .kernel_constraint = MaxNorm{}, .bias_constraint = NonNeg{}});
  small.write("no-bias", options, {}, Dense{.units = 5, .use_bias = false});
}

// "one_hot" of several numbers is not in Keras 2, and not in these networks, whose outputs are one list.
void write_discretizations(Small& small) {
  for (const std::string mode : {"int", "multi_hot", "count"})
    small.write("discretization-" + mode, {.optimizer = Sgd{}, .loss = mean_squared_error}, {},
                Discretization{.bin_boundaries = std::vector{-0.5, 0.0, 0.25}, .output_mode = mode});
}

// What chance puts together. In double, where deep networks do not add up the rounding of single steps.
void write_random(Cases& cases) {
  if (sizeof(Scalar) == 4) return;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    tests::RandomNetwork made = tests::RandomNetworkMaker(seed, not_in_keras).make();
    const Model model(std::move(made.network));
    cases.begin(fmt::format("random-{}", seed), model, made.inputs);
    cases.file(model, ".keras", KerasProfile::keras_3, {.tf_keras = false, .compiled = false});
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: write_models FOLDER\n";
    return 1;
  }
  Cases cases(arguments[1]);
  write_first_programs(cases);
  write_prepared(cases);
  write_forecasters(cases);
  write_chain(cases);
  write_graphs(cases);
  Small small(cases);
  write_optimizers(small);
  write_schedules(small);
  write_losses(small);
  write_metrics(small);
  write_activations(small);
  write_settings(small);
  write_discretizations(small);
  write_random(cases);
}
