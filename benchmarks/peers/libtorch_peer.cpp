// libtorch: modules, autograd and its own optimizers, without Python. The losses are those with logits, which take one
// operation less.
#include <torch/torch.h>

#include "peer.hpp"

namespace {

using namespace peer;

struct NetworkImpl : torch::nn::Module {
  explicit NetworkImpl(const Net& net) : net(net) {
    for (int i = 0; i < net.layers(); ++i)
      layers.push_back(register_module("dense" + std::to_string(i), torch::nn::Linear(net.sizes[i], net.sizes[i + 1])));
  }
  torch::Tensor logits(torch::Tensor x) {
    for (std::size_t i = 0; i + 1 < layers.size(); ++i) {
      x = layers[i]->forward(x);
      x = net.hidden == Activation::relu   ? torch::relu(x)
          : net.hidden == Activation::tanh ? torch::tanh(x)
                                           : torch::sigmoid(x);
    }
    return layers.back()->forward(x);
  }
  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor z = logits(x);
    return net.last == Activation::sigmoid ? torch::sigmoid(z) : net.last == Activation::softmax ? z.softmax(1) : z;
  }
  torch::Tensor loss(const torch::Tensor& x, const torch::Tensor& y) {
    const torch::Tensor z = logits(x);
    if (net.loss == Loss::binary_crossentropy) return torch::binary_cross_entropy_with_logits(z, y);
    return net.loss == Loss::categorical_crossentropy ? torch::cross_entropy_loss(z, y) : torch::mse_loss(z, y);
  }
  void read(const std::string& path) {
    const torch::NoGradGuard guard;
    std::vector<float> all = read_floats(path);
    float* next = all.data();
    for (auto& layer : layers) {
      const auto outputs = layer->weight.size(0), inputs = layer->weight.size(1);
      layer->weight.copy_(torch::from_blob(next, {inputs, outputs}).t());
      layer->bias.copy_(torch::from_blob(next + inputs * outputs, {outputs}));
      next += (inputs + 1) * outputs;
    }
  }
  Net net;
  std::vector<torch::nn::Linear> layers;
};
TORCH_MODULE(Network);

std::unique_ptr<torch::optim::Optimizer> optimizer_of(Network& network) {
  if (network->net.rule == Rule::adam)
    return std::make_unique<torch::optim::Adam>(network->parameters(), torch::optim::AdamOptions(1e-3).eps(1e-7));
  return std::make_unique<torch::optim::RMSprop>(network->parameters(),
                                                 torch::optim::RMSpropOptions(1e-3).alpha(0.9).eps(1e-7));
}

void train(const Workload& work) {
  const Net& net = work.net;
  Data data(net);
  const torch::Tensor x = torch::from_blob(data.x.data(), {net.rows, net.inputs()});
  torch::Tensor y = torch::from_blob(data.y.data(), {net.rows, net.outputs()});
  if (net.loss == Loss::categorical_crossentropy) y = y.argmax(1);
  Network network(net);
  const auto optimizer = optimizer_of(network);
  const auto epoch = [&] {
    const torch::Tensor order = torch::randperm(net.rows);
    const torch::Tensor xs = x.index_select(0, order), ys = y.index_select(0, order);
    for (int row = 0; row < net.rows; row += net.batch) {
      optimizer->zero_grad();
      network->loss(xs.narrow(0, row, net.batch), ys.narrow(0, row, net.batch)).backward();
      optimizer->step();
    }
  };
  report("libtorch", "C++", work.name, measure_epochs(net, epoch), TORCH_VERSION);
}

void predict(const Workload& work, const std::string& folder) {
  Network network(work.net);
  network->read(folder + "/" + work.net.name + ".weights");
  network->eval();
  std::vector<float> numbers = read_floats(folder + "/" + work.net.name + ".x");
  const torch::Tensor x = torch::from_blob(numbers.data(), {work.batch, work.net.inputs()});
  const c10::InferenceMode guard;
  require_same(read_floats(folder + "/" + work.net.name + ".y"), network->forward(x).contiguous().data_ptr<float>(),
               static_cast<std::size_t>(work.batch) * static_cast<std::size_t>(work.net.outputs()));
  report("libtorch", "C++, InferenceMode", work.name,
         measure_calls([&] { keep(network->forward(x).data_ptr<float>()); }), TORCH_VERSION);
}

}  // namespace

int main(int count, char** arguments) {
  torch::set_num_threads(1);
  at::globalContext().setFlushDenormal(true);
  return run(count, arguments, [](const Workload& work, const std::string& folder) {
    work.trains() ? train(work) : predict(work, folder);
  });
}
