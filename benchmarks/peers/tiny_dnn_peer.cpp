// tiny-dnn, built for AVX. Its cross-entropy divides by y (1 - y), so that this network soon becomes NaN: it learns by
// the mean squared error. Its weights are its own.
#define CNN_NO_SERIALIZATION
#define CNN_SINGLE_THREAD
#include <tiny_dnn/tiny_dnn.h>

#include "peer.hpp"

namespace {

using namespace peer;
using tiny_dnn::vec_t;

std::vector<vec_t> rows_of(const std::vector<float>& numbers, int rows, int width) {
  std::vector<vec_t> result;
  for (int row = 0; row < rows; ++row)
    result.emplace_back(numbers.begin() + static_cast<long>(row) * width,
                        numbers.begin() + static_cast<long>(row + 1) * width);
  return result;
}

tiny_dnn::network<tiny_dnn::sequential> network_of() {
  using relu = tiny_dnn::activation::relu;
  using sigmoid = tiny_dnn::activation::sigmoid;
  tiny_dnn::network<tiny_dnn::sequential> network;
  network << tiny_dnn::fully_connected_layer<relu>(100, 128) << tiny_dnn::fully_connected_layer<relu>(128, 64)
          << tiny_dnn::fully_connected_layer<sigmoid>(64, 1);
  return network;
}

void train(const Workload& work) {
  const Net& net = work.net;
  const Data data(net);
  const std::vector<vec_t> x = rows_of(data.x, net.rows, net.inputs()), y = rows_of(data.y, net.rows, 1);
  auto network = network_of();
  tiny_dnn::adam optimizer;
  // One fit, told the time after each epoch: a fit starts the optimizer anew.
  std::vector<double> samples;
  double before = now();
  const auto nothing = [] {};
  const auto epoch_end = [&] {
    samples.push_back((now() - before) / (net.rows / net.batch));
    before = now();
  };
  network.fit<tiny_dnn::mse>(optimizer, x, y, static_cast<std::size_t>(net.batch), 6, nothing, epoch_end);
  samples.erase(samples.begin());
  report("tiny-dnn", "AVX, mean squared error", work.name, samples, "1.0.0a3");
}

void predict(const Workload& work, const std::string& folder) {
  const std::vector<float> numbers = read_floats(folder + "/" + work.net.name + ".x");
  std::vector<tiny_dnn::tensor_t> x;
  for (const vec_t& row : rows_of(numbers, work.batch, work.net.inputs())) x.push_back({row});
  auto network = network_of();
  network.init_weight();
  report("tiny-dnn", "AVX, own weights", work.name, measure_calls([&] { keep(network.predict(x).data()); }), "1.0.0a3");
}

}  // namespace

int main(int count, char** arguments) {
  return run(count, arguments, [](const Workload& work, const std::string& folder) {
    if (work.net.name != "seed") throw std::runtime_error("expected the net seed, got " + work.net.name);
    work.trains() ? train(work) : predict(work, folder);
  });
}
