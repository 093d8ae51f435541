#include "maas/network/network.hpp"

#include <thread>

#include "maas/core/parallel.hpp"
#include "maas/layers/layers.hpp"
#include "maas/losses/losses.hpp"
#include "maas/network/merge.hpp"
#include "maas/network/plot.hpp"
#include "maas/network/summary.hpp"
#include "maas/testing/allocations.hpp"
#include "maas/testing/check_gradient.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {
Network small() { return {input(5), dense(7, relu), dropout(0.5), dense(3, Tanh{}), dense(2, softmax)}; }
/// Refuses samples that begin with a negative number.
struct Picky {
  static constexpr std::string_view class_name = "Picky";
  LayerPlan plan(Shapes inputs) const { return {.output = inputs[0]}; }
  void forward(const Forward& pass) const {
    if ((pass.inputs[0].col(0).array() < Scalar(0)).any()) throw DataError("Picky: expected no negative numbers");
    MatrixView y = pass.output;
    y = pass.inputs[0];
  }
  void backward(const Backward&) const {}
};
}  // namespace

TEST_CASE("what a layer throws reaches the caller of predict, from any thread, and the network goes on") {
  const int before = threads();
  const Network network{input(3), Picky{}};
  const Matrix good = Matrix::Ones(5 * Network::chunk, 3);
  for (int count : {1, 3}) {
    set_threads(count);
    for (Index bad : {Index{0}, 3 * Network::chunk + 1}) {
      Matrix x = good;
      x(bad, 0) = -1;
      CHECK_THROWS_AS(network.predict(x), DataError);
      CHECK(network.predict(good) == good);
    }
  }
  set_threads(before);
}

TEST_CASE("weights are found by name, and an unknown name lists those there are") {
  Network network{input(3), dense(2).named("first"), dense(1)};
  CHECK(network.parameters().view("first/kernel").rows() == 3);
  CHECK(network.parameters().view("dense/bias").cols() == 1);
  CHECK_THROWS_WITH(network.parameters().view("dense/kernels"),
                    "no weight is called \"dense/kernels\"; there are first/kernel, first/bias, dense/kernel, "
                    "dense/bias");
}

TEST_CASE("every weight starts on a border, and what is frozen stands behind the rest") {
  const Network network{input(3), dense(2).frozen(), dense(5), dense(1)};
  const ParameterLayout& layout = network.parameters().layout();
  for (const ParameterEntry& entry : layout.entries()) {
    CHECK(entry.offset % block_border == 0);
    CHECK(entry.trainable == (entry.layer != 1));
    CHECK((entry.offset < layout.trainable_size()) == entry.trainable);
  }
  CHECK(network.parameters().count() == 3 * 2 + 2 + 2 * 5 + 5 + 5 + 1);
  CHECK(network.parameters().trainable_count() == 2 * 5 + 5 + 5 + 1);
}

TEST_CASE("frozen layers pass gradients on and get none") {
  Network network{input(3), dense(4, Tanh{}), dense(4, Tanh{}).frozen(), dense(2)};
  CHECK_NOTHROW(testing::check_gradient(network, mean_squared_error, Matrix::Random(6, 3), Matrix::Random(6, 2)));
  Network all_frozen{input(3), dense(2).frozen()};
  CHECK(all_frozen.parameters().trainable().size() == 0);
  CHECK_NOTHROW(testing::check_gradient(all_frozen, mean_squared_error, Matrix::Random(6, 3), Matrix::Random(6, 2)));
}

TEST_CASE("the same seed gives the same weights, another one others") {
  Network a = small(), b = small();
  CHECK(a.parameters().values() == b.parameters().values());
  b.parameters().initialize(1);
  CHECK(a.parameters().values() != b.parameters().values());
}

TEST_CASE("a copy has weights of its own") {
  Network network = small();
  const Matrix x = Matrix::Random(4, 5), before = network.predict(x);
  Network copy = network;
  copy.parameters().values().setZero();
  CHECK(network.predict(x) == before);
  CHECK(copy.predict(x) != before);
  copy = network;
  CHECK(copy.predict(x) == before);
  const Network moved = std::move(network);
  CHECK(moved.predict(x) == before);
}

TEST_CASE("a row's prediction has the same bits alone, in a batch, in chunks and from eight threads") {
  const Network network{input(5), dense(7, sigmoid), dense(9, Tanh{}), dense(3, softmax)};
  const Matrix x = Matrix::Random(1000, 5), y = network.predict(x);
  for (Index row = 0; row < x.rows(); row += 37) CHECK(network.predict(x.row(row)) == y.row(row));
  CHECK(network.predict(x.middleRows(3, 500)) == y.middleRows(3, 500));
  std::vector<int> same(8, 0);
  std::vector<std::thread> threads;
  for (int& result : same) threads.emplace_back([&] { result = network.predict(x) == y; });
  for (std::thread& thread : threads) thread.join();
  CHECK(same == std::vector<int>(8, 1));
}

TEST_CASE("predict takes matrices of either order, blocks and maps") {
  const Network network = small();
  const Matrix x = Matrix::Random(6, 5), y = network.predict(x);
  const Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic> columns = x;
  CHECK(network.predict(columns) == y);
  Matrix wide = Matrix::Zero(6, 9);
  wide.middleCols(2, 5) = x;
  CHECK(network.predict(wide.middleCols(2, 5)) == y);
  CHECK(network.predict(ConstMatrixView(x.data(), 6, 5)) == y);
  CHECK(network.predict(Matrix(0, 5)).rows() == 0);
  CHECK(network.predict(Matrix(0, 5)).cols() == 2);
}

TEST_CASE("predict refuses samples that do not fit") {
  const Network network = small();
  CHECK_THROWS_WITH(network.predict(Matrix::Zero(2, 4)), "predict: expected 5 numbers a sample (5), got 4");
  const Matrix x = Matrix::Zero(2, 5);
  Matrix out(2, 3);
  CHECK_THROWS_WITH(network.predict_into({x.data(), 2, 5}, {out.data(), 2, 3}),
                    "predict_into: expected room for 2 x 2 numbers, got 2 x 3");
  CHECK_THROWS_WITH(network.predict(std::vector{x, x}), "predict: expected 1 inputs, got 2");
}

TEST_CASE("a workspace serves batches of any size up to its capacity, and networks of one graph") {
  Network network = small(), other = network;
  other.parameters().initialize(5);
  const Matrix x = Matrix::Random(8, 5), y = network.predict(x), z = other.predict(x);
  Workspace workspace(network, 8, Mode::inference);
  for (Index rows : {8, 1, 3, 8, 2}) {
    CHECK(network.predict(ConstMatrixView(x.data(), rows, 5), workspace) == y.topRows(rows));
    CHECK(other.predict(ConstMatrixView(x.data(), rows, 5), workspace) == z.topRows(rows));
  }
  CHECK_THROWS_WITH(workspace.set_batch(9), "Workspace: expected a batch of 1 to 8 samples, got 9");
  CHECK_THROWS_WITH(workspace.set_batch(0), "Workspace: expected a batch of 1 to 8 samples, got 0");
  CHECK_THROWS_WITH(Workspace(network, 0, Mode::training), "Workspace: expected room for at least 1 sample, got 0");
  for (Mode mode : {Mode::inference, Mode::training})
    for (int power : {61, 62}) CHECK_THROWS_AS(Workspace(network, (Index{1} << power) + 1, mode), std::bad_alloc);
}

TEST_CASE("a workspace for training gives the predictions of one for inference") {
  const Network network = small();
  const Matrix x = Matrix::Random(8, 5);
  Workspace training(network, 8, Mode::training);
  training.set_input(x.data());
  training.forward(network.parameters(), Mode::inference, Random());
  CHECK(training.output() == network.predict(x));
}

TEST_CASE("predictions take no memory after the first") {
  if (!testing::counts_allocations()) return;
  const int before_threads = threads();
  set_threads(1);  // with more, the first call may do with fewer workspaces than a later one
  const Network network = small();
  const Matrix x = Matrix::Random(600, 5);
  Matrix out(600, 2);
  Workspace workspace(network, 8, Mode::inference);
  auto run = [&] {
    network.predict_into({x.data(), 600, 5}, {out.data(), 600, 2});
    network.predict_into({x.data(), 1, 5}, {out.data(), 1, 2});
    network.predict(ConstMatrixView(x.data(), 8, 5), workspace);
    network.predict(ConstMatrixView(x.data(), 3, 5), workspace);
  };
  run();
  const std::int64_t before = testing::allocations();
  run();
  CHECK(testing::allocations() == before);
  set_threads(before_threads);
}

TEST_CASE("the summary is Keras' table") {
  const Network network{input(100), dense(128, relu), dense(64, relu).frozen(), dense(1, sigmoid)};
  const std::string trained = sizeof(Scalar) == 4 ? " (50.75 KB)" : " (101.51 KB)";
  const std::string frozen = sizeof(Scalar) == 4 ? " (32.25 KB)" : " (64.50 KB)";
  INFO(summary(network, "m"));
  CHECK(network.parameters().count() == 12928 + 8256 + 65);
  const std::string text = summary(network, "m");
  CHECK(text.starts_with("Model: \"m\"\n---"));
  CHECK(text.find("\n Layer (type)      Output Shape   Param #\n") != std::string::npos);
  CHECK(text.find("\n dense (Dense)     (None, 128)     12,928\n") != std::string::npos);
  CHECK(text.find("\n dense_2 (Dense)   (None, 1)           65\n") != std::string::npos);
  CHECK(text.find("input") == std::string::npos);
  CHECK(text.find("\n Total params: 21,249") != std::string::npos);
  CHECK(text.find("\n Trainable params: 12,993" + trained + "\n") != std::string::npos);
  CHECK(text.find("\n Non-trainable params: 8,256" + frozen + "\n") != std::string::npos);
}

TEST_CASE("the summary of a graph says what is connected, and what is trained if asked") {
  const Input a = input(Shape{3}, "a"), b = input(Shape{2}, "b");
  const Layer twice = dense(4, relu).named("twice").frozen();
  const Symbol left = twice(twice(dense(4).named("first")(a)));
  const Network network(Graph(std::vector<Symbol>{a, b}, std::vector<Symbol>{concatenate({left, b})}));
  const std::string text = summary(network, "m", {.show_trainable = true});
  INFO(text);
  CHECK(text.find("Output Shape   Param #   Connected to         Trainable\n") != std::string::npos);
  CHECK(text.find("(None, 4)           20   first[0], twice[0]   N\n") != std::string::npos);
  CHECK(text.find("(None, 4)           16   a[0]                 Y\n") != std::string::npos);
  CHECK(text.find("(None, 6)            0   twice[1], b[0]       -\n") != std::string::npos);
  CHECK(text.find("(None, 2)            0   -                    -\n") != std::string::npos);
}

TEST_CASE("a picture in Graphviz' language has a box a layer and an arrow a connection") {
  const Input in = input(Shape{3}, "in<1>");
  const Layer twice = dense(3, relu).named("twice").frozen();
  const Network network(Graph(std::vector<Symbol>{in}, std::vector<Symbol>{twice(twice(in))}));
  const std::string text = plot(network, {.show_layer_activations = true, .show_trainable = true});
  INFO(text);
  CHECK(text.starts_with("digraph model {\n  rankdir=TB;"));
  for (const char* part : {"in&lt;1&gt; (InputLayer)", "twice (Dense)", "activation: relu", "input: (None, 3)",
                           "frozen", "layer_0 -> layer_1;", "layer_1 -> layer_1;"})
    CHECK(text.find(part) != std::string::npos);
  CHECK(text.find("activation", text.find("activation") + 1) == std::string::npos);
  CHECK(plot(network, {.rankdir = "LR", .show_shapes = false}).find("None") == std::string::npos);
  CHECK_THROWS_AS(plot(network, {.rankdir = "up"}), ConfigError);
}
