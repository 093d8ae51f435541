// What the C++ peers share: the networks, the data, the clock and the line they print. Needs nothing but the standard
// library, so that every peer is compiled with what its users have.
#pragma once

#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace peer {

enum class Activation { linear, relu, sigmoid, tanh, softmax };
enum class Loss { binary_crossentropy, categorical_crossentropy, mean_squared_error };
enum class Rule { adam, rmsprop };

struct Net {
  std::string name;
  std::vector<int> sizes;  // inputs first
  Activation hidden, last;
  Loss loss;
  Rule rule;
  int batch;
  int rows;  // of an epoch, whole batches
  int layers() const { return static_cast<int>(sizes.size()) - 1; }
  int inputs() const { return sizes.front(); }
  int outputs() const { return sizes.back(); }
  Activation activation(int layer) const { return layer + 1 == layers() ? last : hidden; }
};

inline Net net_of(const std::string& name) {
  if (name == "seed")
    return {name, {100, 128, 64, 1}, Activation::relu, Activation::sigmoid, Loss::binary_crossentropy, Rule::adam,
            32,   312 * 32};
  if (name == "large")
    return {name,
            {784, 4096, 4096, 10},
            Activation::relu,
            Activation::softmax,
            Loss::categorical_crossentropy,
            Rule::adam,
            128,
            4 * 128};
  if (name == "traffic")
    return {name,
            {12, 400, 400, 400, 1},
            Activation::sigmoid,
            Activation::linear,
            Loss::mean_squared_error,
            Rule::rmsprop,
            256,
            30 * 256};
  if (name == "deep")
    return {name,
            {28, 300, 300, 300, 300, 300, 1},
            Activation::tanh,
            Activation::linear,
            Loss::mean_squared_error,
            Rule::adam,
            100,
            100 * 100};
  throw std::runtime_error("expected seed, large, traffic or deep, got " + name);
}

/// step_NET, products_NET or predict_NET_BATCH.
struct Workload {
  explicit Workload(const std::string& name) : name(name) {
    const std::size_t first = name.find('_');
    if (first == std::string::npos)
      throw std::runtime_error("expected step_NET, products_NET or predict_NET_BATCH, got " + name);
    what = name.substr(0, first);
    const std::size_t second = name.find('_', first + 1);
    net = net_of(name.substr(first + 1, second == std::string::npos ? second : second - first - 1));
    batch = second == std::string::npos ? net.batch : std::stoi(name.substr(second + 1));
  }
  bool trains() const { return what == "step"; }
  std::string name, what;
  Net net;
  int batch;
};

/// Noise between -1 and 1, the same in every program.
inline float noise(std::uint64_t i) {
  std::uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return static_cast<float>(static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-52 - 1);
}

/// Samples in rows, and a question that can be learned: is the sum of a sample's numbers above zero; in which tenth
/// does it lie; how large is its mean.
struct Data {
  explicit Data(const Net& net)
      : x(static_cast<std::size_t>(net.rows) * net.inputs()), y(static_cast<std::size_t>(net.rows) * net.outputs()) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = noise(i);
    for (int row = 0; row < net.rows; ++row) {
      float sum = 0;
      for (int i = 0; i < net.inputs(); ++i) sum += x[static_cast<std::size_t>(row) * net.inputs() + i];
      float* target = &y[static_cast<std::size_t>(row) * net.outputs()];
      if (net.loss == Loss::binary_crossentropy) *target = sum > 0 ? 1.0f : 0.0f;
      if (net.loss == Loss::mean_squared_error) *target = sum / static_cast<float>(net.inputs());
      if (net.loss == Loss::categorical_crossentropy) target[class_of(sum, net)] = 1;
    }
  }
  static int class_of(float sum, const Net& net) {
    const float deviation = std::sqrt(static_cast<float>(net.inputs()) / 3);
    const float share = 0.5f + 0.5f * std::erf(sum / deviation / std::sqrt(2.0f));
    return std::min(net.outputs() - 1, static_cast<int>(share * static_cast<float>(net.outputs())));
  }
  std::vector<float> x, y;
};

/// Uniform within Glorot's limit: kernels of inputs x outputs, row by row.
inline std::vector<float> glorot(int inputs, int outputs, int layer) {
  const float limit = std::sqrt(6.0f / static_cast<float>(inputs + outputs));
  std::vector<float> w(static_cast<std::size_t>(inputs) * outputs);
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = limit * noise(i + 100'000'000u * static_cast<unsigned>(layer + 1));
  return w;
}

inline std::vector<float> read_floats(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw std::runtime_error(path + ": cannot be read");
  std::vector<float> values(static_cast<std::size_t>(file.tellg()) / sizeof(float));
  file.seekg(0).read(reinterpret_cast<char*>(values.data()),
                     static_cast<std::streamsize>(values.size() * sizeof(float)));
  return values;
}

/// Processor time of all threads of this process.
inline double now() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

inline double budget() {
  const char* seconds = std::getenv("PEER_SECONDS");
  return seconds ? std::atof(seconds) : 1;
}

/// One line of JSON: the median of the samples, in seconds a step or call.
inline void report(const std::string& peer, const std::string& way, const std::string& workload,
                   std::vector<double> samples, const std::string& version, const std::string& more = "") {
  std::sort(samples.begin(), samples.end());
  std::printf(
      "{\"peer\": \"%s\", \"way\": \"%s\", \"workload\": \"%s\", \"seconds\": %.6g, \"least\": %.6g, \"samples\": %zu, "
      "\"version\": \"%s\"%s%s}\n",
      peer.c_str(), way.c_str(), workload.c_str(), samples[samples.size() / 2], samples.front(), samples.size(),
      version.c_str(), more.empty() ? "" : ", ", more.c_str());
  std::fflush(stdout);
}

/// Seconds a step: `epoch` trains once over all rows. The first epoch is not counted; at most 20 are, so that no peer
/// is measured on a network that has long learned everything.
template <class F>
std::vector<double> measure_epochs(const Net& net, F&& epoch) {
  epoch();
  std::vector<double> samples;
  const double start = now();
  while (samples.size() < 3 || (samples.size() < 20 && now() - start < budget())) {
    const double before = now();
    epoch();
    samples.push_back((now() - before) / (net.rows / net.batch));
  }
  return samples;
}

/// Seconds a call: samples of about 20 ms each.
template <class F>
std::vector<double> measure_calls(F&& call) {
  long count = 1;
  for (double seconds = 0; seconds < 0.02; count = seconds < 0.02 ? count * 2 : count) {
    const double before = now();
    for (long i = 0; i < count; ++i) call();
    seconds = now() - before;
  }
  std::vector<double> samples;
  const double start = now();
  while (samples.size() < 5 || now() - start < budget()) {
    const double before = now();
    for (long i = 0; i < count; ++i) call();
    samples.push_back((now() - before) / static_cast<double>(count));
  }
  return samples;
}

/// Ends the program if predictions are not those of the model's file: its time could not be compared.
inline void require_same(const std::vector<float>& expected, const float* got, std::size_t count) {
  float worst = 0;
  for (std::size_t i = 0; i < count; ++i) worst = std::max(worst, std::abs(expected[i] - got[i]));
  if (worst <= 1e-4f) return;
  std::fprintf(stderr, "expected the predictions of the model's file, got others, by up to %g\n",
               static_cast<double>(worst));
  std::exit(1);
}

/// Row times column, each of `count` numbers that lie so far apart.
struct Dot {
  const float *row, *column;
  long row_step, column_step;
  int count;
};

/// Ends the program if `got` is not what a plain loop makes of `start` and the product.
inline void require_dot(const char* what, const Dot& dot, double start, float got) {
  double expected = start, bound = 1e-6;
  for (int i = 0; i < dot.count; ++i) {
    const double term = static_cast<double>(dot.row[i * dot.row_step]) * dot.column[i * dot.column_step];
    expected += term;
    bound += 1e-6 * std::abs(term);
  }
  if (std::abs(expected - got) <= bound) return;
  std::fprintf(stderr, "%s: expected %g, got %g\n", what, expected, static_cast<double>(got));
  std::exit(1);
}

/// The products of a step through one dense layer, all in rows: y = x w + b, dx = dy w^T, dw = x^T dy.
struct LayerProducts {
  int batch, inputs, outputs;
  const float *x, *w, *b, *y, *dy, *dx, *dw;  // dx: null in the first layer
};

/// Ends the program if the last number of any of them is wrong.
inline void require_products(const LayerProducts& p) {
  const long row = p.batch - 1, in = p.inputs, out = p.outputs;
  require_dot("y", {p.x + row * in, p.w + out - 1, 1, out, p.inputs}, p.b[out - 1], p.y[p.batch * out - 1]);
  if (p.dx) require_dot("dx", {p.dy + row * out, p.w + (in - 1) * out, 1, 1, p.outputs}, 0, p.dx[p.batch * in - 1]);
  require_dot("dw", {p.x + in - 1, p.dy + out - 1, in, out, p.batch}, 0, p.dw[in * out - 1]);
}

/// Keeps the compiler from leaving out what computes this.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

inline int run(int count, char** arguments, const std::function<void(const Workload&, const std::string&)>& work) {
  try {
    if (count != 3) throw std::runtime_error("expected a workload and the folder of models");
    work(Workload(arguments[1]), arguments[2]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

}  // namespace peer
