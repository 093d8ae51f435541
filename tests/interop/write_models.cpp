// Writes the models that scripts/keras/check_written.py loads in real Keras: a file a case, with inputs, targets, the
// predictions of maas, and those after one more training step.
// usage: write_models FOLDER
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "maas/maas.hpp"

using namespace maas;

namespace {

// What Keras is expected to do with a file.
struct Expected {
  bool keras_3 = true;   // loads it; else refuses
  bool tf_keras = true;  // loads it; else refuses
  bool resumes = false;  // tf_keras goes on training just as maas does
  bool compiled = true;  // with an optimizer and a loss
  bool weights_move = true;
};

void write_numbers(const std::string& path, const Shape& shape, const Matrix& numbers) {
  std::ofstream file(path);
  file << "# shape " << numbers.rows();
  for (Index dimension : shape) file << 'x' << dimension;
  file << '\n';
  for (Index row = 0; row < numbers.rows(); ++row)
    for (Index column = 0; column < numbers.cols(); ++column)
      file << fmt::format("{:.17g}", numbers(row, column)) << (column + 1 < numbers.cols() ? ',' : '\n');
}

class Cases {
 public:
  explicit Cases(std::string folder) : folder_(std::move(folder)), list_(folder_ + "/cases.tsv") {
    list_ << "name\tprofile\tinputs\toutputs\tkeras_3\ttf_keras\tcompiled\tresumes\tmoves\n";
  }

  /// Saves a model as it is; the last steps of its life so far were on these samples.
  void add(const std::string& name, Model& model, const std::vector<Matrix>& x, const Matrix& y,
           const SaveOptions& options, const Expected& expected) {
    const Graph& graph = model.network().graph();
    const std::string base = folder_ + "/" + name;
    for (std::size_t i = 0; i < x.size(); ++i)
      write_numbers(fmt::format("{}.x{}.csv", base, i), graph.input_shape(static_cast<Index>(i)), x[i]);
    const std::vector<Matrix> predictions = model.network().predict(x);
    for (std::size_t i = 0; i < predictions.size(); ++i)
      write_numbers(fmt::format("{}.y{}.csv", base, i), graph.output_shape(static_cast<Index>(i)), predictions[i]);
    model.save(base + ".h5", options);
    if (expected.compiled) {
      write_numbers(base + ".target.csv", Shape{y.cols()}, y);
      model.train_on_batch(x[0], y);
      write_numbers(base + ".next.csv", graph.output_shape(), model.network().predict(x)[0]);
    }
    list_ << fmt::format("{}\t{}\t{}\t{}\t{:d}\t{:d}\t{:d}\t{:d}\t{:d}\n", name,
                         options.profile == KerasProfile::keras_2 ? "keras_2" : "any", x.size(), predictions.size(),
                         expected.keras_3, expected.tf_keras, expected.compiled, expected.resumes,
                         expected.weights_move);
  }

 private:
  std::string folder_;
  std::ofstream list_;
};

Matrix some_numbers(Index rows, Index columns, std::uint64_t seed, double from = -1, double to = 1) {
  Matrix numbers(rows, columns);
  const Random random(seed);
  for (Index i = 0; i < numbers.size(); ++i)
    numbers.data()[i] = static_cast<Scalar>(from + (to - from) * random.uniform(static_cast<std::uint64_t>(i)));
  return numbers;
}

const SaveOptions for_any{};
const SaveOptions for_keras_2{.profile = KerasProfile::keras_2};

// Keras' own first program, trained for a while.
void write_first_programs(Cases& cases) {
  const Matrix x = some_numbers(64, 100, 1);
  const Matrix y = (x.leftCols(10).rowwise().sum().array() > 0).cast<Scalar>();
  for (const bool keras_2 : {false, true}) {
    auto model = Sequential{input(100), dense(128, relu), dense(64, relu), dense(1, sigmoid)};
    model.compile({.optimizer = Adam{}, .loss = binary_crossentropy, .metrics = {accuracy}});
    model.fit(x, y, {.epochs = 3, .verbose = 0});
    cases.add(keras_2 ? "first-keras_2" : "first", model, {x}, y, keras_2 ? for_keras_2 : for_any,
              {.resumes = keras_2});
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
  cases.add("chain", model, {x}, y, for_any, {});
}

// Branches of different depth, a layer used twice, one that is frozen: Keras lists them in an order of its own.
void write_graphs(Cases& cases) {
  const Matrix x = some_numbers(32, 6, 3), more = some_numbers(32, 3, 4);
  const Matrix y = (x.rowwise().sum().array() > 0).cast<Scalar>();
  const Input in = input(Shape{6}, "readings");
  const Layer twice = dense(6, relu).named("twice"), held = dense(4, relu).named("held").frozen();
  for (const bool keras_2 : {false, true}) {
    Model model(in, dense(1, sigmoid).named("answer")(held(twice(twice(in)))));
    model.compile({.optimizer = Adam{.learning_rate = 0.01}, .loss = binary_crossentropy});
    model.fit(x, y, {.epochs = 2, .verbose = 0});
    cases.add(keras_2 ? "shared-keras_2" : "shared", model, {x}, y, keras_2 ? for_keras_2 : for_any,
              {.resumes = keras_2});
  }
  const Input second = input(Shape{3}, "aa_first_by_name");
  const std::vector<Symbol> ins{in, second};
  // The short way is listed before the long one, and names run against the alphabet: no order but Keras' own fits.
  const Symbol short_way = dense(5, relu).named("zz")(second);
  const Symbol long_way = dense(5, relu).named("mm")(dense(5, sigmoid).named("nn")(dense(5, relu).named("aa")(in)));
  const std::vector<Symbol> outs{dense(2).named("out_b")(short_way), dense(5).named("out_a")(long_way),
                                 dense(5, relu).named("kk")(short_way)};
  Model several{Network(Graph(std::span<const Symbol>(ins), std::span<const Symbol>(outs)))};
  cases.add("several", several, {x, more}, y, for_any, {.compiled = false});
  auto repeated = Sequential{input(6), twice, twice, dense(1).named("end")};
  cases.add("repeated", repeated, {x}, y, for_any, {.compiled = false});
}

// One small network an optimizer, loss, metric, activation and so on.
class Small {
 public:
  explicit Small(Cases& cases) : cases_(cases) {}

  void write(const std::string& name, const CompileOptions& options, const Expected& expected = {},
             const SaveOptions& save = for_any, const Layer& first = dense(5, relu), Index targets = 2,
             const Activation& last = sigmoid) {
    auto model = Sequential{input(4), first, dense(targets, last)};
    model.compile(options);
    const Matrix x = some_numbers(16, 4, 5);
    const Matrix y = some_numbers(16, targets, 6, 0, 1);
    for (int step = 0; step < 3; ++step) model.train_on_batch(x, y);
    cases_.add(name, model, {x}, y, save, expected);
  }
  // Targets that are one class of several, the first by far.
  void write_classes(const std::string& name, const CompileOptions& options, const Expected& expected = {}) {
    auto model = Sequential{input(4), dense(5, relu), dense(3, softmax)};
    model.compile(options);
    const Matrix x = some_numbers(16, 4, 5);
    Matrix y = Matrix::Zero(16, 3);
    for (Index row = 0; row < y.rows(); ++row) y(row, row % 3) = 1;
    for (int step = 0; step < 3; ++step) model.train_on_batch(x, y);
    cases_.add(name, model, {x}, y, for_any, expected);
  }

 private:
  Cases& cases_;
};

void write_optimizers(Small& small) {
  const Loss loss = mean_squared_error;
  // Keras 2 makes an optimizer without is_legacy_optimizer one of its old ones, of which it had fewer.
  for (const auto& entry : BuiltinOptimizers::entries()) {
    const std::string name(entry.class_name);
    const bool keras_3_only = name == "AdamW" || name == "Lion" || name == "Adafactor";
    const bool unknown = name == "Lamb" || name == "Lbfgs" || name == "LevenbergMarquardt";
    small.write("optimizer-" + name, {.optimizer = entry.make(Config{}), .loss = loss},
                {.tf_keras = !keras_3_only, .compiled = !unknown});
  }
  const std::vector<std::pair<std::string, Optimizer>> resumed{
      {"sgd", Sgd{}},
      {"momentum", Sgd{.learning_rate = 0.1, .momentum = 0.9}},
      {"nesterov", Sgd{.learning_rate = 0.1, .momentum = 0.9, .nesterov = true}},
      {"adam", Adam{.learning_rate = 0.02}},
      {"amsgrad", Adam{.learning_rate = 0.02, .amsgrad = true}},
      {"adamax", Adamax{.learning_rate = 0.02}},
      {"adadelta", Adadelta{.learning_rate = 0.5}},
      {"descent", GradientDescent{.learning_rate = 0.1}}};
  for (const auto& [name, optimizer] : resumed)
    small.write("resume-" + name, {.optimizer = optimizer, .loss = loss}, {.resumes = true}, for_keras_2);
  // These go on, though by formulas that differ in where epsilon stands.
  small.write("keras_2-rmsprop", {.optimizer = RMSprop{.momentum = 0.5, .centered = true}, .loss = loss}, {},
              for_keras_2);
  small.write("keras_2-adagrad", {.optimizer = Adagrad{}, .loss = loss}, {}, for_keras_2);
  small.write("options-clipnorm", {.optimizer = Adam{.options = {.clipnorm = 0.5}}, .loss = loss});
  small.write("options-clipvalue", {.optimizer = Adam{.options = {.clipvalue = 0.5}}, .loss = loss});
  small.write("options-weight_decay", {.optimizer = Adam{.options = {.weight_decay = 0.01}}, .loss = loss},
              {.tf_keras = false});
  small.write("options-ema", {.optimizer = Adam{.options = {.use_ema = true}}, .loss = loss}, {.tf_keras = false});
  small.write("options-accumulation", {.optimizer = Adam{.options = {.gradient_accumulation_steps = 4}}, .loss = loss},
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
      small.write("loss-" + name, options, {.compiled = false});
    else if (loss.looks_at_neighbours())
      small.write("loss-" + name, options, {.tf_keras = false});
    else if (name.find("Categorical") != std::string::npos || name == "KLDivergence")
      small.write_classes("loss-" + name, options);
    else
      small.write("loss-" + name, options);
  }
  small.write("loss-from_logits", {.optimizer = Sgd{}, .loss = BinaryCrossentropy{.from_logits = true}}, {}, for_any,
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

void write_activations(Small& small) {
  const CompileOptions options{.optimizer = Sgd{}, .loss = mean_squared_error};
  // Keras 2 has these; its hard_sigmoid is another.
  const std::vector<std::string> old{"linear",     "relu",     "elu",      "selu",       "gelu",        "sigmoid",
                                     "tanh",       "softplus", "softsign", "silu",       "exponential", "mish",
                                     "leaky_relu", "softmax",  "relu6",    "log_softmax"};
  for (const auto& entry : BuiltinActivations::entries()) {
    const std::string name(entry.class_name);
    const bool in_keras_2 = std::ranges::find(old, name) != old.end();
    // Keras has no such names: the layer of clipped relu, Keras 2's hard_sigmoid; its sparsemax adds up too much, and
    // its threshold wants arguments that it cannot be given. No layer here takes glu as its activation.
    if (name == "ReLU" || name == "glu" || name == "keras2_hard_sigmoid" || name == "sparsemax" || name == "threshold")
      continue;
    small.write("activation-" + name, options, {.tf_keras = in_keras_2}, for_any, dense(5, entry.make(Config{})));
  }
  small.write("activation-slope", options, {}, for_any, dense(5, LeakyRelu{.negative_slope = 0.125}));
  small.write("activation-keras_2_hard_sigmoid", options, {.keras_3 = false}, for_keras_2,
              dense(5, keras2_hard_sigmoid));
}

void write_settings(Small& small) {
  const CompileOptions options{.optimizer = Sgd{}, .loss = mean_squared_error};
  for (const auto& entry : BuiltinInitializers::entries())
    small.write("initializer-" + std::string(entry.class_name), options, {}, for_any,
                Dense{.units = 5, .kernel_initializer = entry.make(Config{})});
  small.write("initializer-settings", options, {}, for_any,
              Dense{.units = 5,
                    .kernel_initializer = RandomNormal{.mean = 0.1, .stddev = 0.2},
                    .bias_initializer = Constant{.value = 0.25}});
  // In double Keras 3 cannot train with penalties: it adds them up as floats.
  small.write("regularizers", options, {.compiled = sizeof(Scalar) == 4}, for_any,
              Dense{.units = 5, .kernel_regularizer = L1L2{0.01, 0.02}, .bias_regularizer = L2{.l2 = 0.125}});
  // In double tf_keras cannot train with MaxNorm: it multiplies by a float.
  small.write("constraints", options, {.compiled = sizeof(Scalar) == 4}, for_any,
              Dense{.units = 5, .kernel_constraint = MaxNorm{}, .bias_constraint = NonNeg{}});
  small.write("no-bias", options, {}, for_any, Dense{.units = 5, .use_bias = false});
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: write_models FOLDER\n";
    return 1;
  }
  Cases cases(arguments[1]);
  write_first_programs(cases);
  write_chain(cases);
  write_graphs(cases);
  Small small(cases);
  write_optimizers(small);
  write_schedules(small);
  write_losses(small);
  write_metrics(small);
  write_activations(small);
  write_settings(small);
}
