// dlib's networks, with the BLAS that is installed. It has no RMSprop: there Adam is taken. Its weights are its own.
#include <dlib/dnn.h>
#include <dlib/revision.h>

#include "peer.hpp"

namespace {

using namespace peer;
using Sample = dlib::matrix<float, 0, 1>;

template <unsigned long width, class Below>
using relu_layer = dlib::relu<dlib::fc<width, Below>>;
template <unsigned long width, class Below>
using sigmoid_layer = dlib::sig<dlib::fc<width, Below>>;
template <unsigned long width, class Below>
using tanh_layer = dlib::htan<dlib::fc<width, Below>>;

using Seed = dlib::loss_binary_log<dlib::fc<1, relu_layer<64, relu_layer<128, dlib::input<Sample>>>>>;
using Large = dlib::loss_multiclass_log<dlib::fc<10, relu_layer<4096, relu_layer<4096, dlib::input<Sample>>>>>;
using Traffic = dlib::loss_mean_squared<
    dlib::fc<1, sigmoid_layer<400, sigmoid_layer<400, sigmoid_layer<400, dlib::input<Sample>>>>>>;
using Deep = dlib::loss_mean_squared<dlib::fc<
    1, tanh_layer<300, tanh_layer<300, tanh_layer<300, tanh_layer<300, tanh_layer<300, dlib::input<Sample>>>>>>>>;

std::string version() { return std::to_string(DLIB_MAJOR_VERSION) + "." + std::to_string(DLIB_MINOR_VERSION); }

std::vector<Sample> samples_of(const std::vector<float>& x, int rows, int width) {
  std::vector<Sample> samples(static_cast<std::size_t>(rows));
  for (int row = 0; row < rows; ++row) samples[row] = dlib::mat(&x[static_cast<std::size_t>(row) * width], width);
  return samples;
}

// +1 and -1 for two classes, else a class, or a number.
template <class Label>
std::vector<Label> labels_of(const Data& data, const Net& net) {
  std::vector<Label> labels;
  for (int row = 0; row < net.rows; ++row) {
    const float* y = &data.y[static_cast<std::size_t>(row) * net.outputs()];
    if (net.loss == Loss::binary_crossentropy) labels.push_back(static_cast<Label>(*y > 0 ? 1 : -1));
    if (net.loss == Loss::categorical_crossentropy)
      labels.push_back(static_cast<Label>(std::max_element(y, y + net.outputs()) - y));
    if (net.loss == Loss::mean_squared_error) labels.push_back(static_cast<Label>(*y));
  }
  return labels;
}

template <class Network>
void train(const Workload& work) {
  const Net& net = work.net;
  const Data data(net);
  const std::vector<Sample> samples = samples_of(data.x, net.rows, net.inputs());
  const auto labels = labels_of<typename Network::training_label_type>(data, net);
  Network network;
  std::vector<dlib::adam> solvers(Network::num_computational_layers, dlib::adam(0, 0.9f, 0.999f));
  dlib::resizable_tensor x;
  const auto epoch = [&] {
    for (int row = 0; row < net.rows; row += net.batch) {
      network.to_tensor(samples.begin() + row, samples.begin() + row + net.batch, x);
      network.compute_parameter_gradients(x, labels.begin() + row);
      network.update_parameters(dlib::make_sstack(solvers), 1e-3);
    }
  };
  report("dlib", net.rule == Rule::adam ? "C++, OpenBLAS" : "C++, OpenBLAS, Adam", work.name,
         measure_epochs(net, epoch), version());
}

template <class Network>
void predict(const Workload& work, const std::string& folder) {
  const std::vector<float> numbers = read_floats(folder + "/" + work.net.name + ".x");
  const std::vector<Sample> samples = samples_of(numbers, work.batch, work.net.inputs());
  Network network;
  dlib::resizable_tensor x;
  network.to_tensor(samples.begin(), samples.end(), x);
  report("dlib", "C++, OpenBLAS, own weights", work.name,
         measure_calls([&] { keep(network.subnet().forward(x).host()); }), version());
}

}  // namespace

int main(int count, char** arguments) {
  return run(count, arguments, [](const Workload& work, const std::string& folder) {
    if (work.net.name == "seed") return work.trains() ? train<Seed>(work) : predict<Seed>(work, folder);
    if (work.net.name == "large") return work.trains() ? train<Large>(work) : predict<Large>(work, folder);
    if (work.net.name == "traffic") return train<Traffic>(work);
    train<Deep>(work);
  });
}
