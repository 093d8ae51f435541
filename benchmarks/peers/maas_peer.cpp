// maas at the same work as its peers, as they print it. Beside the workloads: `files` writes the models that the others
// read, `program` and `load` are whole processes.
#include <cstring>
#include <filesystem>

#include "maas/core/block.hpp"
#include "maas/fixed/network.hpp"
#include "maas/io/onnx.hpp"
#include "maas/maas.hpp"
#include "maas/network/cost.hpp"
#include "maas/ops/affine.hpp"
#include "maas/ops/machine.hpp"
#include "peer.hpp"

namespace {

using namespace maas;
using peer::Workload;

using FixedSeed =
    fixed::Network<fixed::Dense<100, 128, Relu>, fixed::Dense<128, 64, Relu>, fixed::Dense<64, 1, Sigmoid>>;

std::string peer_name() {
  const char* kernels = std::getenv("MAAS_KERNELS");
  return kernels ? std::string("maas ") + kernels : "maas";
}

Network network_of(const std::string& name) {
  if (name == "seed") return Network{input(100), dense(128, relu), dense(64, relu), dense(1, sigmoid)};
  if (name == "large") return Network{input(784), dense(4096, relu), dense(4096, relu), dense(10, softmax)};
  if (name == "traffic")
    return Network{input(12), dense(400, sigmoid), dense(400, sigmoid), dense(400, sigmoid), dense(1)};
  const auto tanh = [] { return dense(300, Tanh{}); };
  return Network{input(28), tanh(), tanh(), tanh(), tanh(), tanh(), dense(1)};
}

CompileOptions options_of(const peer::Net& net) {
  CompileOptions options;
  options.optimizer = net.rule == peer::Rule::adam ? Optimizer(Adam{}) : Optimizer(RMSprop{});
  if (net.loss == peer::Loss::binary_crossentropy) options.loss = binary_crossentropy;
  if (net.loss == peer::Loss::categorical_crossentropy) options.loss = categorical_crossentropy;
  if (net.loss == peer::Loss::mean_squared_error) options.loss = mean_squared_error;
  return options;
}

const ops::Machine& machine() {
  static const ops::Machine machine = ops::measure_machine(1);
  return machine;
}

std::string floor_of(double seconds) {
  const ops::Machine& m = machine();
  return fmt::format(
      "\"floor\": {:.6g}, \"machine\": \"{:.0f} G multiply-adds/s, {:.0f} GB/s from 16 KB, {:.0f} from 256 KB, {:.1f} "
      "from memory, {:.1f} rewritten\"",
      seconds, m.multiply_adds / 1e9, m.first_level / 1e9, m.second_level / 1e9, m.memory / 1e9, m.rewritten / 1e9);
}

// Its products, and the sweep of the optimizer, which reads or writes so many numbers a weight.
double step_floor(const Network& network, const peer::Net& net) {
  const Cost cost = cost_of(network);
  const double bytes = (net.rule == peer::Rule::adam ? 7 : 5) * cost.weight_bytes;
  return net.batch * cost.training_multiply_adds / machine().multiply_adds +
         bytes / (bytes <= 768e3 ? machine().second_level : machine().rewritten);
}

struct EpochClock {
  std::shared_ptr<std::vector<double>> times = std::make_shared<std::vector<double>>();
  Signal epoch_end(TrainingView&) {
    times->push_back(peer::now());
    return Signal::go_on;
  }
};

// A whole fit: shuffling, gathering, the running loss and callbacks.
std::vector<double> fit(const peer::Net& net, const peer::Data& data, int epochs) {
  Model model(network_of(net.name));
  model.compile(options_of(net));
  const Matrix x = ConstMatrixView(data.x.data(), net.rows, net.inputs());
  const Matrix y = ConstMatrixView(data.y.data(), net.rows, net.outputs());
  const EpochClock clock;
  model.fit(x, y, {.epochs = epochs, .batch_size = net.batch, .verbose = 0, .callbacks = {clock}});
  std::vector<double> samples;
  for (std::size_t i = 1; i < clock.times->size(); ++i)
    samples.push_back(((*clock.times)[i] - (*clock.times)[i - 1]) / (net.rows / net.batch));
  return samples;
}

void train(const Workload& work) {
  const peer::Net& net = work.net;
  const peer::Data data(net);
  Network network = network_of(net.name);
  const std::string floor = floor_of(step_floor(network, net));
  const CompileOptions options = options_of(net);
  OptimizerState state(options.optimizer, network.parameters().layout().trainable_size());
  Trainer trainer(network, options, state, net.batch, net.outputs());
  const auto epoch = [&] {
    for (Index row = 0; row < net.rows; row += net.batch)
      trainer.train(ConstMatrixView(data.x.data() + row * net.inputs(), net.batch, net.inputs()),
                    ConstMatrixView(data.y.data() + row * net.outputs(), net.batch, net.outputs()),
                    ConstVectorView(nullptr, 0), Random());
  };
  const std::vector<double> steps = peer::measure_epochs(net, epoch);
  peer::report(peer_name(), "Trainer::train", work.name, steps, MAAS_VERSION, floor);
  peer::report(peer_name(), "fit", work.name, fit(net, data, static_cast<int>(steps.size()) + 1), MAAS_VERSION, floor);
}

// The products of a step alone, on noise: forward with biases, back to kernels, biases and inputs.
class Products {
 public:
  explicit Products(const peer::Net& net) : net_(net) {
    for (int i = 0; i < net.layers(); ++i) {
      const Index in = net.sizes[static_cast<std::size_t>(i)], out = net.sizes[static_cast<std::size_t>(i) + 1];
      layers_.push_back({in, out, noise(net.batch * in), Block(net.batch * in), noise(in * out), noise(out),
                         Block(in * out), Block(out)});
    }
    y_ = noise(net.batch * net.outputs());
    dy_ = noise(net.batch * net.outputs());
  }

  void run() {
    const std::size_t last = layers_.size() - 1;
    for (std::size_t i = 0; i <= last; ++i) {
      Layer& l = layers_[i];
      Block& y = i < last ? layers_[i + 1].x : y_;
      ops::affine(l.input(l.x), l.kernel(), l.bias(), {y.data(), net_.batch, l.outputs});
    }
    for (std::size_t i = layers_.size(); i-- > 0;) {
      Layer& l = layers_[i];
      const ConstMatrixView dy((i < last ? layers_[i + 1].dx : dy_).data(), net_.batch, l.outputs);
      ops::affine_kernel_gradient(l.input(l.x), dy, {l.dw.data(), l.inputs, l.outputs});
      ops::column_sums(dy, {l.db.data(), 1, l.outputs});
      if (i > 0) ops::affine_input_gradient(dy, l.kernel(), {l.dx.data(), net_.batch, l.inputs});
    }
  }

  void check() const {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const Layer& l = layers_[i];
      const bool is_last = i + 1 == layers_.size();
      peer::require_products({net_.batch, static_cast<int>(l.inputs), static_cast<int>(l.outputs), l.x.data(),
                              l.w.data(), l.b.data(), (is_last ? y_ : layers_[i + 1].x).data(),
                              (is_last ? dy_ : layers_[i + 1].dx).data(), i > 0 ? l.dx.data() : nullptr, l.dw.data()});
    }
  }

 private:
  struct Layer {
    Index inputs, outputs;
    Block x, dx, w, b, dw, db;
    ConstMatrixView input(const Block& block) const { return {block.data(), block.size() / inputs, inputs}; }
    ConstMatrixView kernel() const { return {w.data(), inputs, outputs}; }
    ConstMatrixView bias() const { return {b.data(), 1, outputs}; }
  };

  // Small numbers, so that sums of thousands stay near 1.
  static Block noise(Index count) {
    Block block(count);
    for (Index i = 0; i < count; ++i) block.data()[i] = Scalar(0.03) * peer::noise(static_cast<std::uint64_t>(i));
    return block;
  }

  peer::Net net_;
  std::vector<Layer> layers_;
  Block y_, dy_;
};

void products(const Workload& work) {
  Products products(work.net);
  products.run();
  products.check();
  const double floor = work.net.batch * cost_of(network_of(work.net.name)).training_multiply_adds;
  peer::report(peer_name(), "the kernels alone", work.name, peer::measure_calls([&] { products.run(); }), MAAS_VERSION,
               floor_of(floor / machine().multiply_adds));
}

void predict(const Workload& work, const std::string& folder) {
  const Model model = load_model(folder + "/" + work.net.name + ".h5");
  const Network& network = model.network();
  const std::vector<float> numbers = peer::read_floats(folder + "/" + work.net.name + ".x");
  const ConstMatrixView x(numbers.data(), work.batch, work.net.inputs());
  const Cost cost = cost_of(network);
  const std::string floor = floor_of(machine().floor(work.batch * cost.multiply_adds, cost.weight_bytes));
  Workspace workspace(network, work.batch, Mode::inference);
  peer::require_same(peer::read_floats(folder + "/" + work.net.name + ".y"), network.predict(x, workspace).data(),
                     static_cast<std::size_t>(work.batch) * static_cast<std::size_t>(work.net.outputs()));
  peer::report(peer_name(), "predict through a workspace", work.name,
               peer::measure_calls([&] { peer::keep(network.predict(x, workspace).data()); }), MAAS_VERSION, floor);
  if (work.batch != 1 || work.net.name != "seed") return;
  FixedSeed fixed;
  fixed.assign(network);
  const std::span<const Scalar, 100> row(numbers.data(), 100);
  peer::report(peer_name(), "fixed::Network", work.name, peer::measure_calls([&] { peer::keep(fixed(row)[0]); }),
               MAAS_VERSION, floor);
}

void write(const std::string& path, const Scalar* data, Index count) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(count * Index(sizeof(Scalar))));
}

// The models that are predicted with: for Keras, for ONNX Runtime, as bare numbers; 1024 samples and what they give.
void write_files(const std::string& folder) {
  std::filesystem::create_directories(folder);
  for (const char* name : {"seed", "large"}) {
    Model model(network_of(name));
    model.compile(options_of(peer::net_of(name)));
    const std::string path = folder + "/" + name;
    const Index inputs = model.network().graph().input_shape().size();
    Matrix x(std::strcmp(name, "seed") == 0 ? 1024 : 128, inputs);
    for (Index i = 0; i < x.size(); ++i) x.data()[i] = peer::noise(static_cast<std::uint64_t>(i));
    model.save(path + ".h5");
    write_onnx(path + ".onnx", model.network());
    std::vector<Scalar> weights;
    for (const Matrix& w : model.get_weights()) weights.insert(weights.end(), w.data(), w.data() + w.size());
    write(path + ".weights", weights.data(), static_cast<Index>(weights.size()));
    write(path + ".x", x.data(), x.size());
    const Matrix y = model.predict(x);
    write(path + ".y", y.data(), y.size());
  }
}

// The first program of Keras, whole: ten epochs over 10,000 samples, save, load, predict.
void program(const std::string& folder) {
  Matrix x(10'000, 100), y(10'000, 1);
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = peer::noise(static_cast<std::uint64_t>(i));
  for (Index row = 0; row < x.rows(); ++row) y(row, 0) = x.row(row).sum() > 0 ? Scalar(1) : Scalar(0);
  Model model(network_of("seed"));
  model.compile({.optimizer = Adam{}, .loss = binary_crossentropy, .metrics = {accuracy}});
  model.fit(x, y, {.epochs = 10, .batch_size = 32, .verbose = 0});
  model.save(folder + "/program.h5");
  peer::keep(load_model(folder + "/program.h5").predict(x.topRows(1000)).data());
}

std::size_t first_prediction(const std::string& folder) {
  const Matrix x = Matrix::Constant(1, 100, Scalar(0.5));
  return static_cast<std::size_t>(load_model(folder + "/seed.h5").predict(x).size());
}

}  // namespace

int main(int count, char** arguments) {
  set_threads(1);
  const std::string what = count == 3 ? arguments[1] : "";
  if (what == "files") return write_files(arguments[2]), 0;
  if (what == "program") return program(arguments[2]), 0;
  if (what == "load_once") return peer::keep(first_prediction(arguments[2])), 0;
  if (what == "load_warm") {
    const std::string folder = arguments[2];
    peer::report(peer_name(), "load_model and predict", what,
                 peer::measure_calls([&] { peer::keep(first_prediction(folder)); }), MAAS_VERSION);
    return 0;
  }
  return peer::run(count, arguments, [](const Workload& work, const std::string& folder) {
    if (work.trains()) return train(work);
    if (work.what == "products") return products(work);
    predict(work, folder);
  });
}
