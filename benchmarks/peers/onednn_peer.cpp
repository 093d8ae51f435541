// oneDNN's inner products for a prediction: weights laid out as it likes best, bias and relu along with them.
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

void predict(const Workload& work, const std::string& folder) {
  Network network(work.net, work.batch, folder);
  const std::vector<float> x = read_floats(folder + "/" + work.net.name + ".x");
  require_same(read_floats(folder + "/" + work.net.name + ".y"), network.predict(x.data()),
               static_cast<std::size_t>(work.batch) * static_cast<std::size_t>(work.net.outputs()));
  const dnnl_version_t* v = dnnl_version();
  report("oneDNN", "C++, weights laid out beforehand", work.name,
         measure_calls([&] { keep(network.predict(x.data())); }),
         std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch));
}

}  // namespace

int main(int count, char** arguments) {
  return run(count, arguments, [](const Workload& work, const std::string& folder) {
    if (work.trains()) throw std::runtime_error("oneDNN does not train");
    predict(work, folder);
  });
}
