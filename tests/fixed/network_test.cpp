#include "maas/fixed/network.hpp"

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <thread>
#include <type_traits>

#include "maas/layers/layers.hpp"
#include "maas/ops/product.hpp"
#include "maas/testing/allocations.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

using Small = fixed::Network<fixed::Dense<4, 8, Relu>, fixed::Dense<8, 8, Relu>, fixed::Dense<8, 1, Sigmoid>>;

// Promises of the type, for memory that is shared, mapped or copied as bytes.
static_assert(std::is_trivially_copyable_v<Small> && std::is_standard_layout_v<Small> && std::is_aggregate_v<Small>);
static_assert(std::is_trivially_destructible_v<Small> && std::is_nothrow_default_constructible_v<Small>);
static_assert(noexcept(std::declval<const Small&>()(std::declval<const std::array<Scalar, 4>&>())));
static_assert(std::is_same_v<decltype(Small{}(std::array<Scalar, 4>{})), std::array<Scalar, 1>>);
static_assert(Small::inputs == 4 && Small::outputs == 1);

// Whether this file and the library round a multiply-add alike: a library with kernels fuses it on processors that can,
// whatever the file was compiled for.
bool rounds_alike() {
  const Scalar e = std::numeric_limits<Scalar>::epsilon();
  const Scalar x[2] = {1, 1 + e}, w[4] = {-1, -1, 1 - e, 1 - e};
  Scalar here[2], there[2];
  ops::row_product<2, 2>(x, w, here);
  ops::product(1, 2, 2, {x, 2, 1}, w, 2, there, 2);
  return here[0] == there[0] && here[1] == there[1];
}

// Biases away from 0, so that one forgotten shows.
void move_biases(Network& network) {
  for (const ParameterEntry& entry : network.parameters().entries())
    if (entry.name.ends_with("bias"))
      for (Index i = 0; i < entry.columns(); ++i)
        network.parameters().view(entry)(0, i) = Scalar(0.1) * static_cast<Scalar>(i % 7 - 3);
}

template <class Net>
std::unique_ptr<Net> assigned(const Network& network) {
  auto net = std::make_unique<Net>();
  net->assign(network);
  return net;
}

/// Compares 100 predictions; `predict` writes the fixed network's outputs for one sample.
void compare(const Network& network, const std::function<void(const Scalar* x, Scalar* y)>& predict) {
  constexpr Index samples = 100;
  const Index inputs = network.graph().input_shape().size(), outputs = network.graph().output_shape().size();
  const Matrix x = 2 * Matrix::Random(samples, inputs);
  Workspace workspace(network, samples, Mode::inference);
  const ConstMatrixView expected = network.predict(ConstMatrixView(x.data(), samples, inputs), workspace);
  const bool same_bits = rounds_alike();
  // Otherwise each product differs by at most one rounding a term, which these sizes and weights keep below this.
  const Scalar bound = 40 * std::numeric_limits<Scalar>::epsilon();
  Vector y(outputs);
  for (Index row = 0; row < samples; ++row) {
    predict(x.data() + row * inputs, y.data());
    for (Index i = 0; i < outputs; ++i) {
      const Scalar got = y[i], want = expected(row, i);
      INFO("row " << row << ", output " << i);
      if (same_bits)
        REQUIRE(got == want);
      else
        REQUIRE(std::abs(got - want) <= bound * std::max(Scalar(1), std::abs(want)));
    }
  }
}

template <class Net>
void check_same(Network network) {
  move_biases(network);
  const auto net = assigned<Net>(network);
  compare(network, [&net](const Scalar* x, Scalar* y) {
    const auto result = (*net)(std::span<const Scalar, static_cast<std::size_t>(Net::inputs)>(x, Net::inputs));
    std::copy(result.begin(), result.end(), y);
  });
}

template <class Rule>
void check_activation(const Rule& rule) {
  INFO(Rule::class_name);
  check_same<fixed::Network<fixed::Dense<9, 21, Rule>, fixed::Dense<21, 3, Rule>>>(
      Network{input(9), dense(21, rule), dense(3, rule)});
}

/// x^3 for no reason but to be somebody's own.
struct Cube {
  static constexpr std::string_view class_name = "cube";
  static auto value(const auto& x) { return x * x * x; }
  static auto slope(const auto& x, const auto&) { return Scalar(3) * x * x; }
};

}  // namespace

TEST_CASE("a fixed network gives the numbers of the network it was assigned from") {
  check_same<Small>(Network{input(4), dense(8, relu), dense(8, relu), dense(1, sigmoid)});
  check_same<fixed::Network<fixed::Dense<100, 128, Relu>, fixed::Dense<128, 64, Relu>, fixed::Dense<64, 1, Sigmoid>>>(
      Network{input(100), dense(128, relu), dense(64, relu), dense(1, sigmoid)});
  check_same<fixed::Network<fixed::Dense<1, 1>>>(Network{input(1), dense(1)});
  check_same<fixed::Network<fixed::Dense<3, 1, Tanh>, fixed::Dense<1, 5, Tanh>>>(
      Network{input(3), dense(1, Tanh{}), dense(5, Tanh{})});
  check_same<fixed::Network<fixed::Dense<17, 300, Tanh>, fixed::Dense<300, 10, Softmax>>>(
      Network{input(17), dense(300, Tanh{}), dense(10, softmax)});
}

TEMPLATE_TEST_CASE_SIG("every width of a layer gives the same numbers", "", ((int Width), Width), 1, 2, 3, 4, 5, 7, 8,
                       9, 13, 16, 17, 31, 33, 64, 129) {
  check_same<fixed::Network<fixed::Dense<Width, Width>, fixed::Dense<Width, 2>>>(
      Network{input(Width), dense(Width), dense(2)});
  check_same<fixed::Network<fixed::Dense<Width, 1>>>(Network{input(Width), dense(1)});
}

TEST_CASE("activations of a fixed network give the numbers of the ordinary ones") {
  check_activation(linear);
  check_activation(relu);
  check_activation(sigmoid);
  check_activation(Tanh{});
  check_activation(softmax);
  check_activation(log_softmax);
  check_activation(sparsemax);
  check_activation(elu);
  check_activation(selu);
  check_activation(gelu);
  check_activation(Gelu{.approximate = true});
  check_activation(silu);
  check_activation(mish);
  check_activation(softplus);
  check_activation(softsign);
  check_activation(hard_sigmoid);
  check_activation(exponential);
  check_activation(squareplus);
  check_activation(Cube{});
}

TEST_CASE("fields of an activation come from the network") {
  const Network network{input(3), dense(4, LeakyRelu{.negative_slope = 0.75}),
                        dense(2, BoundedRelu{.max_value = 0.5, .threshold = 0.1})};
  using Net = fixed::Network<fixed::Dense<3, 4, LeakyRelu>, fixed::Dense<4, 2, BoundedRelu>>;
  check_same<Net>(network);
  CHECK(assigned<Net>(network)->layer<0>().activation.negative_slope == 0.75);
}

TEST_CASE("layers that do nothing when predicting are passed over, and activation layers join the layer before") {
  check_same<fixed::Network<fixed::Dense<6, 8, Relu>, fixed::Dense<8, 2, Softmax>>>(
      Network{input(Shape{2, 3}), flatten(), dense(8), activation_layer(relu), dropout(0.5), dense(2),
              activation_layer(softmax)});
}

TEST_CASE("a layer without bias adds none, whatever was there before") {
  fixed::Network<fixed::Dense<3, 2>> net;
  net.layer<0>().bias.fill(5);
  net.assign(Network{input(3), Dense{.units = 2, .use_bias = false}});
  CHECK(net(std::array<Scalar, 3>{}) == std::array<Scalar, 2>{});
}

TEST_CASE("a fixed network is zero until it is assigned, and its weights can be written down") {
  CHECK(Small{}(std::array<Scalar, 4>{1, 2, 3, 4})[0] == Scalar(0.5));
  const fixed::Network<fixed::Dense<2, 2>> net{{{.kernel = {1, 2, 3, 4}, .bias = {10, 20}}}};
  CHECK(net(std::array<Scalar, 2>{1, 10}) == std::array<Scalar, 2>{41, 62});
}

TEST_CASE("a copy of a fixed network's bytes predicts the same") {
  const auto net = assigned<Small>(Network{input(4), dense(8, relu), dense(8, relu), dense(1, sigmoid)});
  Small copy;
  std::memcpy(&copy, net.get(), sizeof(Small));
  const std::array<Scalar, 4> x{Scalar(0.1), Scalar(-2), Scalar(3), Scalar(0.5)};
  CHECK(copy(x) == (*net)(x));
}

TEST_CASE("a prediction of a fixed network takes no memory, from its first on") {
  const auto net = assigned<Small>(Network{input(4), dense(8, relu), dense(8, relu), dense(1, sigmoid)});
  const auto wide = assigned<fixed::Network<fixed::Dense<17, 300, Tanh>, fixed::Dense<300, 10, Softmax>>>(
      Network{input(17), dense(300, Tanh{}), dense(10, softmax)});
  std::array<Scalar, 4> x{1, 2, 3, 4};
  std::array<Scalar, 17> wide_x{};
  const std::int64_t before = testing::allocations();
  Scalar sum = 0;
  for (int i = 0; i < 10; ++i) sum += (*net)(x)[0] + (*wide)(wide_x)[0];
  CHECK(testing::allocations() == before);
  CHECK(std::isfinite(sum));
  if (testing::counts_allocations()) {
    const auto counted = std::make_unique<int>(1);
    CHECK(testing::allocations() > before);
  } else {
    WARN("allocations are not counted in this build");
  }
}

TEST_CASE("NaN in a sample reaches the prediction, and no other sample's") {
  const auto net = assigned<Small>(Network{input(4), dense(8, relu), dense(8, relu), dense(1, sigmoid)});
  const std::array<Scalar, 4> good{1, 2, 3, 4}, bad{1, std::numeric_limits<Scalar>::quiet_NaN(), 3, 4};
  const Scalar before = (*net)(good)[0];
  CHECK(std::isnan((*net)(bad)[0]));
  CHECK((*net)(good)[0] == before);
}

TEST_CASE("networks that do not fit are refused with the layer's name, and change nothing") {
  fixed::Network<fixed::Dense<4, 8, Relu>, fixed::Dense<8, 1, Sigmoid>> net;
  net.assign(Network{input(4), dense(8, relu), dense(1, sigmoid)});
  const std::array<Scalar, 4> x{1, 2, 3, 4};
  const auto before = net(x);

  CHECK_THROWS_AS(net.assign(Network{input(5), dense(8, relu), dense(1, sigmoid)}), ShapeError);
  CHECK_THROWS_WITH(net.assign(Network{input(4), dense(8, relu), dense(2, sigmoid).named("out")}),
                    "fixed::Network: layer \"out\": expected a kernel of 8x1, got 8x2");
  CHECK_THROWS_WITH(net.assign(Network{input(4), dense(8, relu), dense(1, sigmoid), dense(1)}),
                    "fixed::Network: expected 2 Dense layers, got 3");
  CHECK_THROWS_AS(net.assign(Network{input(4), dense(8, Tanh{}), dense(1, sigmoid)}), ConfigError);
  CHECK_THROWS_WITH(net.assign(Network{input(4), dense(8, relu).named("hidden"), dense(1)}),
                    "fixed::Network: layer \"dense\": expected activation sigmoid, got linear");
  CHECK_THROWS_WITH(net.assign(Network{input(4), dense(8, relu).named("h"), activation_layer(relu).named("again"),
                                       dense(1, sigmoid)}),
                    "fixed::Network: layer \"again\": expected a Dense layer without activation before it");
  CHECK_THROWS_WITH(net.assign(Network{input(Shape{2, 4}), dense(8, relu).named("rows"), flatten(), dense(1, sigmoid)}),
                    "fixed::Network: layer \"rows\": expected outputs of rank 1, got 2x8; put a Flatten before it");
  CHECK(net(x) == before);
}

TEST_CASE("what would change the order of numbers, or look at other rows, is refused with the layer's name") {
  fixed::Network<fixed::Dense<6, 1>> flat;
  const Layer turned = Flatten{.data_format = "channels_first"};
  CHECK_THROWS_WITH(
      flat.assign(Network{input(Shape{2, 3}), turned.named("turned"), dense(1)}),
      "fixed::Network: layer \"turned\": expected a Flatten that keeps the order of numbers, got one with "
      "data_format \"channels_first\"");
  check_same<fixed::Network<fixed::Dense<6, 1>>>(Network{input(6), turned, dense(1)});  // turns nothing

  fixed::Network<fixed::Dense<4, 6, Softmax>> rows;
  CHECK_THROWS_WITH(rows.assign(Network{input(4), dense(6), reshape({2, 3}), SoftmaxLayer{}, flatten()}),
                    "fixed::Network: layer \"softmax\": expected one row of numbers for softmax, got 2x3");
  CHECK_THROWS_WITH(rows.assign(Network{input(4), dense(6), reshape({2, 3}), activation_layer(log_softmax).named("a")}),
                    "fixed::Network: layer \"a\": expected one row of numbers for log_softmax, got 2x3");
  CHECK_NOTHROW(rows.assign(Network{input(4), dense(6), reshape({1, 6}), SoftmaxLayer{}, flatten()}));
  check_same<fixed::Network<fixed::Dense<4, 6, Relu>>>(
      Network{input(4), dense(6), reshape({2, 3}), activation_layer(relu), flatten()});
}

TEST_CASE("a chain with outputs on the way is refused") {
  const auto in = input(4);
  const Symbol hidden = dense(3).named("hidden")(in), last = dense(1)(hidden);
  const Symbol inputs[] = {in}, outputs[] = {hidden, last};
  fixed::Network<fixed::Dense<4, 3>, fixed::Dense<3, 1>> net;
  CHECK_THROWS_WITH(net.assign(Network{Graph(inputs, outputs)}),
                    "fixed::Network: expected one output, that of the last layer; \"hidden\" is one of several");
}

TEST_CASE("one layer used twice is a chain still, and two outputs are none") {
  const Layer shared = dense(4, relu).named("shared");
  const auto in = input(4);
  const Network twice(in, dense(1)(shared(shared(in))));
  check_same<fixed::Network<fixed::Dense<4, 4, Relu>, fixed::Dense<4, 4, Relu>, fixed::Dense<4, 1>>>(twice);

  const Symbol inputs[] = {in}, outputs[] = {dense(1).named("left")(in), dense(1).named("right")(in)};
  const Network fork{Graph(inputs, outputs)};
  fixed::Network<fixed::Dense<4, 1>, fixed::Dense<1, 1>> net;
  CHECK_THROWS_WITH(net.assign(fork),
                    "fixed::Network: expected a chain of layers; \"right\" does not follow the one before");
}

TEST_CASE("eight threads predict with one fixed network") {
  const auto net = assigned<Small>(Network{input(4), dense(8, relu), dense(8, relu), dense(1, sigmoid)});
  const std::array<Scalar, 4> x{1, 2, 3, 4};
  const auto expected = (*net)(x);
  std::array<int, 8> wrong{};
  std::vector<std::thread> threads;
  for (int& count : wrong)
    threads.emplace_back([&net, &x, &expected, &count] {
      for (int i = 0; i < 1000; ++i) count += (*net)(x) != expected;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::array<int, 8>{});
}
