// Eigen by hand: one loop over dense layers, no virtual calls, all memory taken before, products `noalias`, elementwise
// parts single expressions, denormals flushed. Built three times, for SSE2, AVX2 and AVX-512.
#include <Eigen/Core>

#include "peer.hpp"
#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace {

using namespace peer;
using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Row = Eigen::Matrix<float, 1, Eigen::Dynamic>;
using View = Eigen::Map<const Matrix>;

struct Dense {
  Dense(int inputs, int outputs, Activation activation, int batch)
      : activation(activation), w(inputs, outputs), b(Row::Zero(outputs)), a(batch, outputs), d(batch, outputs) {}
  void prepare_training() {
    dw = mw = vw = Matrix::Zero(w.rows(), w.cols());
    db = mb = vb = Row::Zero(b.size());
  }
  Activation activation;
  Matrix w;
  Row b;
  Matrix a, d;  // outputs of a batch, and the loss' slope before the activation
  Matrix dw, mw, vw;
  Row db, mb, vb;
};

class Network {
 public:
  Network(const Net& net, int batch) : net_(net) {
    for (int i = 0; i < net.layers(); ++i) {
      layers_.emplace_back(net.sizes[i], net.sizes[i + 1], net.activation(i), batch);
      const std::vector<float> values = glorot(net.sizes[i], net.sizes[i + 1], i);
      layers_.back().w = View(values.data(), net.sizes[i], net.sizes[i + 1]);
    }
  }

  void read(const std::string& path) {
    const std::vector<float> all = read_floats(path);
    const float* next = all.data();
    for (Dense& layer : layers_) {
      layer.w = View(next, layer.w.rows(), layer.w.cols());
      next += layer.w.size();
      layer.b = Eigen::Map<const Row>(next, layer.b.size());
      next += layer.b.size();
    }
  }

  void prepare_training() {
    for (Dense& layer : layers_) layer.prepare_training();
  }

  const Matrix& predict(const View& x) {
    multiply(x);
    activate(layers_.back());
    return layers_.back().a;
  }

  /// One step; returns the loss before it.
  float train(const View& x, const View& y) {
    multiply(x);
    layers_.back().a.rowwise() += layers_.back().b;
    const float loss = compare(y);
    for (std::size_t i = layers_.size(); i-- > 0;) {
      Dense& layer = layers_[i];
      if (i > 0) {
        Dense& below = layers_[i - 1];
        layer.dw.noalias() = below.a.transpose() * layer.d;
        below.d.noalias() = layer.d * layer.w.transpose();
        slope(below);
      } else {
        layer.dw.noalias() = x.transpose() * layer.d;
      }
      layer.db = layer.d.colwise().sum();
    }
    update();
    return loss;
  }

 private:
  /// Up to the last product; its bias and activation are still to come.
  void multiply(const View& x) {
    layers_.front().a.noalias() = x * layers_.front().w;
    for (std::size_t i = 1; i < layers_.size(); ++i) {
      activate(layers_[i - 1]);
      layers_[i].a.noalias() = layers_[i - 1].a * layers_[i].w;
    }
  }

  /// The loss of the last layer before its activation, and its slope.
  float compare(const View& y) {
    const auto z = layers_.back().a.array();
    Matrix& d = layers_.back().d;
    const float rows = static_cast<float>(y.rows());
    switch (net_.loss) {
      case Loss::binary_crossentropy:
        d.array() = (z.logistic() - y.array()) / rows;
        return (z.max(0.0f) - z * y.array() + ((-z.abs()).exp() + 1.0f).log()).sum() / rows;
      case Loss::mean_squared_error:
        d.array() = (z - y.array()) * (2.0f / (rows * static_cast<float>(y.cols())));
        return (z - y.array()).square().mean();
      case Loss::categorical_crossentropy:
        break;
    }
    float loss = 0;
    for (Eigen::Index row = 0; row < y.rows(); ++row) {
      const float highest = z.row(row).maxCoeff();
      d.row(row) = (z.row(row) - highest).exp();
      const float sum = d.row(row).sum();
      loss += std::log(sum) + highest - (z.row(row) * y.row(row).array()).sum();
      d.row(row) = (d.row(row) / sum - y.row(row)) / rows;
    }
    return loss / rows;
  }

  static void activate(Dense& layer) {
    Matrix& a = layer.a;
    switch (layer.activation) {
      case Activation::linear:
        a.rowwise() += layer.b;
        break;
      case Activation::relu:
        a = (a.rowwise() + layer.b).cwiseMax(0.0f);
        break;
      case Activation::sigmoid:
        a = (a.rowwise() + layer.b).array().logistic();
        break;
      case Activation::tanh:
        a = (a.rowwise() + layer.b).array().tanh();
        break;
      case Activation::softmax:
        a.rowwise() += layer.b;
        for (Eigen::Index row = 0; row < a.rows(); ++row) {
          a.row(row) = (a.row(row).array() - a.row(row).maxCoeff()).exp();
          a.row(row) /= a.row(row).sum();
        }
    }
  }

  static void slope(Dense& layer) {
    const auto a = layer.a.array();
    if (layer.activation == Activation::relu) layer.d.array() *= (a > 0.0f).cast<float>();
    if (layer.activation == Activation::sigmoid) layer.d.array() *= a * (1.0f - a);
    if (layer.activation == Activation::tanh) layer.d.array() *= 1.0f - a.square();
  }

  void update() {
    ++step_;
    const float alpha = static_cast<float>(1e-3 * std::sqrt(1 - std::pow(0.999, step_)) / (1 - std::pow(0.9, step_)));
    for (Dense& l : layers_) {
      if (net_.rule == Rule::adam) {
        adam(l.w, l.dw, l.mw, l.vw, alpha);
        adam(l.b, l.db, l.mb, l.vb, alpha);
      } else {
        rmsprop(l.w, l.dw, l.vw);
        rmsprop(l.b, l.db, l.vb);
      }
    }
  }

  template <class M>
  static void adam(M& w, const M& g, M& m, M& v, float alpha) {
    m.array() += (g.array() - m.array()) * 0.1f;
    v.array() += (g.array().square() - v.array()) * 0.001f;
    w.array() -= alpha * m.array() / (v.array().sqrt() + 1e-7f);
  }

  template <class M>
  static void rmsprop(M& w, const M& g, M& v) {
    v.array() = 0.9f * v.array() + 0.1f * g.array().square();
    w.array() -= 1e-3f * g.array() / (v.array() + 1e-7f).sqrt();
  }

  Net net_;
  std::vector<Dense> layers_;
  int step_ = 0;
};

std::string version() {
  return std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) + "." +
         std::to_string(EIGEN_MINOR_VERSION);
}

void train(const Workload& work) {
  const Net& net = work.net;
  const Data data(net);
  Network network(net, net.batch);
  network.prepare_training();
  const auto epoch = [&] {
    for (int row = 0; row < net.rows; row += net.batch)
      keep(network.train(View(&data.x[static_cast<std::size_t>(row) * net.inputs()], net.batch, net.inputs()),
                         View(&data.y[static_cast<std::size_t>(row) * net.outputs()], net.batch, net.outputs())));
  };
  report(PEER_NAME, "by hand", work.name, measure_epochs(net, epoch), version());
}

void predict(const Workload& work, const std::string& folder) {
  Network network(work.net, work.batch);
  network.read(folder + "/" + work.net.name + ".weights");
  const std::vector<float> x = read_floats(folder + "/" + work.net.name + ".x");
  const View view(x.data(), work.batch, work.net.inputs());
  require_same(read_floats(folder + "/" + work.net.name + ".y"), network.predict(view).data(),
               static_cast<std::size_t>(work.batch) * work.net.outputs());
  report(PEER_NAME, "by hand", work.name, measure_calls([&] { keep(network.predict(view).data()); }), version());
}

}  // namespace

int main(int count, char** arguments) {
#if defined(__SSE2__)
  _mm_setcsr(_mm_getcsr() | 0x8040);  // denormals count as zero
#endif
  return run(count, arguments, [](const Workload& work, const std::string& folder) {
    work.trains() ? train(work) : predict(work, folder);
  });
}
