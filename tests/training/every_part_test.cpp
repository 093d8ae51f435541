// Every optimizer, layer, loss and metric of the families' lists trains a network of several outputs to the same bits
// on any number of threads, and takes no memory in a step after the first.
#include <cstring>

#include "maas/layers/layers.hpp"
#include "maas/maas.hpp"
#include "maas/network/merge.hpp"
#include "maas/testing/allocations.hpp"
#include "maas/testing/numbers.hpp"
#include "support/catch.hpp"
#include "support/layer_examples.hpp"
#include "support/metric_examples.hpp"

using namespace maas;
using testing::detail::random_matrix;

namespace {

/// More than a batch, so that the last one of an epoch is smaller.
constexpr Index samples = 96, batch_size = 64;

/// What a network is trained on.
struct Data {
  std::vector<Matrix> x, y;
  std::vector<Vector> weights = {};
};

/// From some layer's output on: so many products and weights that threads share them, with dropout between, to a
/// softmax and to two numbers.
std::vector<Symbol> ends(const Symbol& from) {
  const Symbol flat = from.shape().rank() == 1 ? from : flatten()(from);
  const Symbol wide = dense(420, relu)(dropout(0.2)(dense(160, Tanh{})(flat)));
  return {dense(3, softmax).named("kind")(wide), dense(2).named("level")(wide)};
}

Matrix whole(Matrix numbers) { return numbers.array().round().matrix(); }

/// One-hot rows, or labels where targets have one column.
Matrix kinds(Index columns) {
  const Matrix drawn = whole(random_matrix(samples, 1, -0.49, 2.49, Random(3)));
  if (columns == 1) return drawn;
  Matrix rows = Matrix::Zero(samples, columns);
  for (Index i = 0; i < samples; ++i) rows(i, static_cast<Index>(drawn(i, 0))) = 1;
  return rows;
}

Data data_for(const std::vector<Matrix>& x, Index kind_columns = 3) {
  return {x, {kinds(kind_columns), random_matrix(samples, 2, -1, 1, Random(4))}};
}

std::vector<OutputOptions> both_outputs() {
  return {{.loss = categorical_crossentropy, .loss_weight = 0.5, .metrics = {accuracy}},
          {.loss = mean_squared_error, .metrics = {mean_absolute_error}, .weighted_metrics = {mean_absolute_error}}};
}

/// All numbers that training leaves behind.
std::vector<Vector> results_of(Model model, const Data& data) {
  const History history =
      model.fit(data.x, data.y, {.epochs = 2, .batch_size = batch_size, .verbose = 0, .sample_weights = data.weights});
  std::vector<Vector> results{model.network().parameters().values()};
  const OptimizerState& state = model.optimizer_state();
  for (Index i = 0; i < state.slot_count(); ++i) results.emplace_back(state.slot(i));
  for (const std::string& name : history.names()) {
    const std::vector<double>& figures = history[name];
    Vector column(static_cast<Index>(figures.size()));
    for (std::size_t i = 0; i < figures.size(); ++i) column[static_cast<Index>(i)] = static_cast<Scalar>(figures[i]);
    results.push_back(std::move(column));
  }
  return results;
}

bool same_bits(const std::vector<Vector>& a, const std::vector<Vector>& b) {
  bool same = a.size() == b.size();
  for (std::size_t i = 0; same && i < a.size(); ++i)
    same = a[i].size() == b[i].size() &&
           std::memcmp(a[i].data(), b[i].data(), static_cast<std::size_t>(a[i].size()) * sizeof(Scalar)) == 0;
  return same;
}

/// Sets the number of threads until the end of a scope.
class Threads {
 public:
  Threads() : before_(threads()) {}
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads() { set_threads(before_); }

 private:
  int before_;
};

void check_bits(const Model& model, const Data& data) {
  const Threads restored;
  std::vector<Vector> expected;
  for (int count : {1, 2, 4}) {
    set_threads(count);
    std::vector<Vector> results = results_of(model, data);
    if (count == 1) expected = std::move(results);
    if (count == 1) continue;
    INFO(count << " threads");
    CHECK(same_bits(results, expected));
  }
}

void check_memory(Model model, const Data& data) {
  if (!testing::counts_allocations()) return;
  const Threads restored;
  set_threads(2);
  std::vector<ConstMatrixView> x, y;
  std::vector<ConstVectorView> weights;
  for (const Matrix& m : data.x) x.emplace_back(m.data(), batch_size, m.cols());
  for (const Matrix& m : data.y) y.emplace_back(m.data(), batch_size, m.cols());
  for (const Vector& v : data.weights) weights.emplace_back(v.data(), batch_size * v.size() / samples);
  Logs logs;
  const auto run = [&] {
    model.train_on_batch(BatchView{x, y, weights}, logs);
    model.test_on_batch(BatchView{x, y, weights}, logs);
  };
  run();
  run();
  const std::int64_t before = testing::allocations();
  for (int i = 0; i < 3; ++i) run();
  CHECK(testing::allocations() - before == 0);
}

void check(const Model& model, const Data& data) {
  check_bits(model, data);
  check_memory(model, data);
}

/// A network of two inputs and two outputs.
Model two_ended() {
  const Symbol left = input(5), right = input(4);
  return Model({left, right}, ends(concatenate({left, right})));
}
Data two_ended_data(Index kind_columns = 3) {
  return data_for({random_matrix(samples, 5, -1, 1, Random(1)), random_matrix(samples, 4, -1, 1, Random(2))},
                  kind_columns);
}

void check_optimizer(const Optimizer& optimizer) {
  INFO(optimizer.class_name() << " " << optimizer.config().text());
  if (optimizer.needs_residuals()) {  // one output, few weights
    auto model = Sequential{input(5), dense(12, Tanh{}), dense(2)};
    model.compile({.optimizer = optimizer, .loss = mean_squared_error, .metrics = {mean_absolute_error}});
    const Data all = two_ended_data();
    check(model, {{all.x[0]}, {all.y[1]}});
    return;
  }
  Model model = two_ended();
  model.compile({.optimizer = optimizer, .outputs = both_outputs()});
  check(model, two_ended_data());
}

/// Inputs of an example: drawn from its range.
Data example_data(const testing::LayerCheck& check) {
  std::vector<Shape> shapes{check.input};
  shapes.insert(shapes.end(), check.more_inputs.begin(), check.more_inputs.end());
  std::vector<Matrix> x;
  for (const Shape& shape : shapes) {
    Matrix drawn = random_matrix(samples, shape.size(), check.low, check.high, Random(10 + x.size()));
    x.push_back(check.whole_numbers ? whole(drawn) : drawn);
  }
  return data_for(x);
}

void check_example(const tests::LayerExample& example) {
  INFO(example.layer.class_name() << " on " << example.check.input.text());
  std::vector<Symbol> inputs{input(example.check.input)};
  for (const Shape& shape : example.check.more_inputs) inputs.push_back(input(shape));
  Model model(inputs, ends(example.layer(inputs)));
  model.compile({.optimizer = Adam{.learning_rate = 0.01}, .outputs = both_outputs()});
  check(model, example_data(example.check));
}

}  // namespace

TEST_CASE("every optimizer trains to the same bits on one, two and four threads, and its steps take no memory") {
  for (const auto& entry : BuiltinOptimizers::entries()) check_optimizer(entry.make(Config{}));
  check_optimizer(Sgd{.momentum = 0.9, .nesterov = true});
  check_optimizer(RMSprop{.momentum = 0.5, .centered = true});
  check_optimizer(Adam{.amsgrad = true, .options = {.clipnorm = 0.5, .use_ema = true}});
  check_optimizer(Sgd{.options = {.weight_decay = 0.01, .global_clipnorm = 1, .gradient_accumulation_steps = 2}});
  check_optimizer(Adam{.learning_rate = OneCycle{.total_steps = 4}, .options = {.clipvalue = 0.1}});
}

TEST_CASE("every layer trains to the same bits on one, two and four threads, and its steps take no memory") {
  for (const auto& entry : BuiltinLayers::entries()) {
    if (entry.class_name == InputLayer::class_name) continue;  // every network has one
    for (const tests::LayerExample& example : tests::layer_examples(entry)) check_example(example);
  }
  // Large enough that threads share the layer's own work.
  check_example({dense(400, relu), {.input = Shape{200}}});
  check_example({einsum_dense("abc,cd->abd", {9, 80}), {.input = Shape{9, 70}}});
  check_example({Embedding{.input_dim = 900, .output_dim = 80},
                 {.input = Shape{5}, .low = 0, .high = 899, .whole_numbers = true}});
}

TEST_CASE("every loss trains to the same bits on one, two and four threads, and its steps take no memory") {
  for (const auto& entry : BuiltinLosses::entries()) {
    INFO(entry.class_name);
    const Loss loss = entry.make({});
    for (Reduction reduction : {Reduction::sum_over_batch_size, Reduction::mean_with_sample_weight}) {
      Model model = two_ended();
      model.compile({.optimizer = Sgd{.learning_rate = 0.01},
                     .outputs = {{.loss = loss.reduced(reduction), .loss_weight = 0.1}, {.loss = mean_squared_error}}});
      Data data = two_ended_data(loss.target_columns(3));
      data.weights = {random_matrix(samples, 1, 0, 2, Random(6)).col(0)};
      check(model, data);
    }
  }
}

TEST_CASE("every metric gives the same bits on one, two and four threads, and takes no memory") {
  for (const auto& entry : BuiltinMetrics::entries()) {
    INFO(entry.class_name);
    const Metric metric = tests::usable(entry);
    const Index columns = metric.target_columns(3);
    Model model = two_ended();
    model.compile({.optimizer = Sgd{.learning_rate = 0.01},
                   .outputs = {{.metrics = {metric}, .weighted_metrics = {metric}}, {.loss = mean_squared_error}}});
    Data data = two_ended_data(columns);
    data.weights = {random_matrix(samples, 1, 0, 2, Random(6)).col(0)};
    check(model, data);
  }
}

TEST_CASE("so do outputs that carry a mask, with weights of their steps") {
  const Symbol steps = input(Shape{7, 3});
  const Symbol masked = Layer(BatchNormalization{})(masking()(steps));
  const Symbol wide = dense(300, relu)(dropout(0.2)(dense(90, Tanh{})(masked)));
  Model model({steps}, {dense(2).named("zone")(wide), dense(1, sigmoid).named("alarm")(flatten()(wide))});
  model.compile({.optimizer = Adam{},
                 .outputs = {{.loss = mean_squared_error,
                              .metrics = {mean_absolute_error, root_mean_squared_error},
                              .weighted_metrics = {mean_absolute_error}},
                             {.loss = binary_crossentropy, .metrics = {accuracy}}}});
  Matrix x = random_matrix(samples, 21, -1, 1, Random(1));
  for (Index i = 0; i < samples; ++i) x.row(i).tail(3 * (i % 7)).setZero();
  Data data{{x}, {random_matrix(samples, 14, -1, 1, Random(2)), kinds(1).cwiseMin(Scalar(1))}};
  data.weights = {random_matrix(samples * 7, 1, 0, 2, Random(3)).col(0), Vector::Ones(samples)};
  check(model, data);
}
