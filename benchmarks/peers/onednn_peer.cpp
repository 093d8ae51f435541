// oneDNN's inner products: those of a prediction, with bias and relu along with them, and those of a step of training
// alone. Weights are laid out beforehand as each product likes best, though a step would have to bring them from one
// layout to the other.
#include <dnnl.hpp>

#include "peer.hpp"

namespace {

using namespace peer;
using dnnl::memory;

struct Layer {
  dnnl::inner_product_forward product;
  memory weights, bias, output;
};

class Network {
 public:
  Network(const Net& net, int batch, const std::string& folder)
      : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
    const std::vector<float> all = read_floats(folder + "/" + net.name + ".weights");
    const float* next = all.data();
    memory input({{batch, net.inputs()}, memory::data_type::f32, memory::format_tag::ab}, engine_);
    input_ = input;
    for (int i = 0; i < net.layers(); ++i) {
      add(input, batch, net.sizes[i], net.sizes[i + 1], next, net.activation(i) == Activation::relu);
      next += (net.sizes[i] + 1) * net.sizes[i + 1];
      input = layers_.back().output;
    }
    const memory::desc last = input.get_desc();
    if (net.last == Activation::softmax)
      finish_ = dnnl::softmax_forward({{dnnl::prop_kind::forward_inference, last, 1}, engine_});
    else
      finish_ = dnnl::eltwise_forward(
          {{dnnl::prop_kind::forward_inference, dnnl::algorithm::eltwise_logistic, last, 0, 0}, engine_});
  }

  const float* predict(const float* x) {
    input_.set_data_handle(const_cast<float*>(x));
    memory input = input_;
    for (Layer& layer : layers_) {
      layer.product.execute(stream_, {{DNNL_ARG_SRC, input},
                                      {DNNL_ARG_WEIGHTS, layer.weights},
                                      {DNNL_ARG_BIAS, layer.bias},
                                      {DNNL_ARG_DST, layer.output}});
      input = layer.output;
    }
    finish_.execute(stream_, {{DNNL_ARG_SRC, input}, {DNNL_ARG_DST, input}});
    stream_.wait();
    return static_cast<const float*>(input.get_data_handle());
  }

 private:
  void add(const memory& input, int batch, int inputs, int outputs, const float* weights, bool relu) {
    const auto f32 = memory::data_type::f32;
    dnnl::primitive_attr attributes;
    if (relu) {
      dnnl::post_ops after;
      after.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
      attributes.set_post_ops(after);
    }
    const memory::desc any({outputs, inputs}, f32, memory::format_tag::any);
    const dnnl::inner_product_forward::primitive_desc chosen(
        {dnnl::prop_kind::forward_inference, input.get_desc(), any, memory::desc({outputs}, f32, memory::format_tag::a),
         memory::desc({batch, outputs}, f32, memory::format_tag::ab)},
        attributes, engine_);
    Layer layer{dnnl::inner_product_forward(chosen), memory(chosen.weights_desc(), engine_),
                memory(chosen.bias_desc(), engine_), memory(chosen.dst_desc(), engine_)};
    memory ours({{outputs, inputs}, f32, memory::format_tag::ba}, engine_, const_cast<float*>(weights));
    dnnl::reorder(ours, layer.weights).execute(stream_, ours, layer.weights);
    stream_.wait();
    std::copy_n(weights + static_cast<long>(inputs) * outputs, outputs,
                static_cast<float*>(layer.bias.get_data_handle()));
    layers_.push_back(layer);
  }

  dnnl::engine engine_;
  dnnl::stream stream_;
  memory input_;
  std::vector<Layer> layers_;
  dnnl::primitive finish_;
};

// The products of a step, on noise: forward with biases, back to kernels, biases and inputs.
class Products {
 public:
  explicit Products(const Net& net) : net_(net), engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
    memory x = noise({net.batch, net.inputs()}), dx;
    for (int i = 0; i < net.layers(); ++i) {
      layers_.push_back(layer(x, dx, net.sizes[i], net.sizes[i + 1]));
      x = layers_.back().y;
      dx = layers_.back().dy;
    }
  }

  void run() {
    for (Step& l : layers_)
      l.forward.execute(stream_,
                        {{DNNL_ARG_SRC, l.x}, {DNNL_ARG_WEIGHTS, l.w}, {DNNL_ARG_BIAS, l.b}, {DNNL_ARG_DST, l.y}});
    for (std::size_t i = layers_.size(); i-- > 0;) {
      Step& l = layers_[i];
      l.to_weights.execute(
          stream_,
          {{DNNL_ARG_SRC, l.x}, {DNNL_ARG_DIFF_DST, l.dy}, {DNNL_ARG_DIFF_WEIGHTS, l.dw}, {DNNL_ARG_DIFF_BIAS, l.db}});
      if (i > 0)
        l.to_inputs.execute(stream_,
                            {{DNNL_ARG_DIFF_DST, l.dy}, {DNNL_ARG_WEIGHTS, l.w_back}, {DNNL_ARG_DIFF_SRC, l.dx}});
    }
    stream_.wait();
  }

  void check() {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      Step& l = layers_[i];
      memory dw({l.w.get_desc().dims(), f32, memory::format_tag::ba}, engine_);
      reorder(l.dw, dw);
      require_products({net_.batch, net_.sizes[i], net_.sizes[i + 1], floats(l.x), floats(l.plain_w), floats(l.b),
                        floats(l.y), floats(l.dy), i > 0 ? floats(l.dx) : nullptr, floats(dw)});
    }
  }

 private:
  static constexpr auto f32 = memory::data_type::f32;
  struct Step {
    dnnl::inner_product_forward forward;
    dnnl::inner_product_backward_weights to_weights;
    dnnl::inner_product_backward_data to_inputs;
    memory x, dx, y, dy, plain_w, w, w_back, b, dw, db;
  };

  Step layer(const memory& x, const memory& dx, int inputs, int outputs) {
    const memory::dims size{outputs, inputs};
    const memory::desc any(size, f32, memory::format_tag::any);
    Step s;
    s.x = x;
    s.dx = dx;
    s.y = noise({net_.batch, outputs});
    s.dy = noise({net_.batch, outputs});
    s.b = noise({outputs});
    s.db = noise({outputs});
    s.plain_w = noise(size, memory::format_tag::ba);
    const auto x_desc = x.get_desc(), y_desc = s.y.get_desc(), b_desc = s.b.get_desc();
    const dnnl::inner_product_forward::primitive_desc forward(
        {dnnl::prop_kind::forward_training, x_desc, any, b_desc, y_desc}, engine_);
    const dnnl::inner_product_backward_weights::primitive_desc to_weights({x_desc, any, b_desc, y_desc}, engine_,
                                                                          forward);
    const dnnl::inner_product_backward_data::primitive_desc to_inputs({x_desc, any, y_desc}, engine_, forward);
    s.forward = dnnl::inner_product_forward(forward);
    s.to_weights = dnnl::inner_product_backward_weights(to_weights);
    s.to_inputs = dnnl::inner_product_backward_data(to_inputs);
    s.w = memory(forward.weights_desc(), engine_);
    s.w_back = memory(to_inputs.weights_desc(), engine_);
    s.dw = memory(to_weights.diff_weights_desc(), engine_);
    reorder(s.plain_w, s.w);
    reorder(s.plain_w, s.w_back);
    return s;
  }

  void reorder(memory& from, memory& to) {
    dnnl::reorder(from, to).execute(stream_, from, to);
    stream_.wait();
  }

  // Small numbers, so that sums of thousands stay near 1.
  memory noise(const memory::dims& size, memory::format_tag layout) {
    memory made({size, f32, layout}, engine_);
    float* numbers = static_cast<float*>(made.get_data_handle());
    for (std::size_t i = 0; i < made.get_desc().get_size() / sizeof(float); ++i) numbers[i] = 0.03f * peer::noise(i);
    return made;
  }
  memory noise(const memory::dims& size) {
    return noise(size, size.size() == 1 ? memory::format_tag::a : memory::format_tag::ab);
  }

  static const float* floats(const memory& m) { return static_cast<const float*>(m.get_data_handle()); }

  Net net_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  std::vector<Step> layers_;
};

std::string version() {
  const dnnl_version_t* v = dnnl_version();
  return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
}

void products(const Workload& work) {
  Products products(work.net);
  products.run();
  products.check();
  report("oneDNN", "C++, weights laid out for each product", work.name, measure_calls([&] { products.run(); }),
         version());
}

void predict(const Workload& work, const std::string& folder) {
  Network network(work.net, work.batch, folder);
  const std::vector<float> x = read_floats(folder + "/" + work.net.name + ".x");
  require_same(read_floats(folder + "/" + work.net.name + ".y"), network.predict(x.data()),
               static_cast<std::size_t>(work.batch) * static_cast<std::size_t>(work.net.outputs()));
  report("oneDNN", "C++, weights laid out beforehand", work.name,
         measure_calls([&] { keep(network.predict(x.data())); }), version());
}

}  // namespace

int main(int count, char** arguments) {
  return run(count, arguments, [](const Workload& work, const std::string& folder) {
    if (work.trains()) throw std::runtime_error("oneDNN does not train");
    work.what == "products" ? products(work) : predict(work, folder);
  });
}
