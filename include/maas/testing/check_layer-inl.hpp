// Body of check_layer().
#pragma once

#include <string>
#include <thread>
#include <vector>

#include "maas/network/network.hpp"
#include "maas/testing/allocations.hpp"
#include "maas/testing/check_gradient.hpp"
#include "maas/testing/check_layer.hpp"
#include "maas/testing/numbers.hpp"

namespace maas::inline MAAS_ABI::testing {

namespace detail {

/// A matrix with guards on both sides that nobody may write to.
class GuardedMatrix {
 public:
  GuardedMatrix(Index rows, Index columns)
      : rows_(rows), columns_(columns), block_(2 * block_border + rounded_to_border(rows * columns)) {
    block_.vector().setConstant(guard);
  }

  MatrixView view() { return {block_.data() + block_border, rows_, columns_}; }
  void fill(Scalar value) { view().setConstant(value); }
  bool guards_are_whole() const {
    for (Index i = 0; i < block_.size(); ++i)
      if ((i < block_border || i >= block_border + rows_ * columns_) && block_.data()[i] != guard) return false;
    return true;
  }

 private:
  static constexpr Scalar guard = Scalar(-12345);
  Index rows_, columns_;
  Block block_;
};

/// One layer with memory of its own for a batch: what a workspace is to a network.
class LayerRun {
 public:
  LayerRun(const Layer& layer, const LayerCheck& options)
      : layer_(layer), random_(options.seed), shapes_{options.input}, batch_(options.batch) {
    shapes_.insert(shapes_.end(), options.more_inputs.begin(), options.more_inputs.end());
    plan_ = layer.plan(shapes_);
    std::uint64_t stream = 0;
    for (const Shape& shape : shapes_) {
      inputs.push_back(random_matrix(batch_, shape.size(), options.low, options.high, random_.stream(100 + stream++)));
      if (options.whole_numbers) inputs.back() = inputs.back().array().round().matrix();
      input_gradients.emplace_back(batch_, shape.size());
    }
    for (const ParameterSpec& spec : plan_.parameters) {
      const Index rows = spec.shape.rank() < 2 ? 1 : spec.shape.size() / spec.shape.last();
      Matrix weights(rows, spec.shape.last());
      spec.initial.fill(VectorView(weights.data(), weights.size()), spec.shape, random_.stream(200 + stream));
      weights += random_matrix(rows, weights.cols(), -0.25, 0.25, random_.stream(300 + stream++));
      parameters.push_back(std::move(weights));
      parameter_gradients.emplace_back(rows, spec.shape.last());
      new_statistics.emplace_back(rows, spec.shape.last());
    }
    output_direction = random_matrix(batch_, plan_.output.size(), -1, 1, random_.stream(400));
    make_batch(batch_);
  }

  const LayerPlan& plan() const { return plan_; }
  /// Room for another number of samples; inputs are the caller's care.
  void make_batch(Index batch) {
    batch_ = batch;
    output = GuardedMatrix(batch, plan_.output.size());
    cache = GuardedMatrix(batch, plan_.cache);
    output_gradient = GuardedMatrix(batch, plan_.output.size());
  }

  /// The output, over memory that held `before`. Counts allocations of the layer.
  Matrix forward(Mode mode, Scalar before = not_a_number, bool with_cache = true) {
    output.fill(before);
    if (with_cache) cache.fill(before);
    const std::vector<ConstMatrixView> in = views(inputs), weights = views(parameters), carried = seen_masks();
    std::vector<MatrixView> proposals;
    for (std::size_t i = 0; i < parameters.size() && mode == Mode::training; ++i) {
      new_statistics[i].fill(before);
      proposals.push_back(plan_.parameters[i].statistic ? new_statistics[i].view() : MatrixView(nullptr, 0, 0));
    }
    const Forward pass{.inputs = in,
                       .output = output.view(),
                       .parameters = weights,
                       .cache = with_cache ? cache.view() : MatrixView(nullptr, 0, 0),
                       .mode = mode,
                       .random = random_.stream(500),
                       .input_shapes = shapes_,
                       .output_shape = plan_.output,
                       .new_statistics = proposals,
                       .masks = carried};
    const std::int64_t start = allocations();
    layer_.forward(pass);
    allocated += allocations() - start;
    return output.view();
  }

  /// Runs backward from `output_direction` after a forward pass; results stand in the gradients.
  void backward(Scalar before = not_a_number, bool want_inputs = true, bool want_parameters = true) {
    output_gradient.view() = output_direction;
    for (GuardedMatrix& g : input_gradients) g.fill(before);
    for (GuardedMatrix& g : parameter_gradients) g.fill(before);
    const std::vector<ConstMatrixView> in = views(inputs), weights = views(parameters), carried = seen_masks();
    std::vector<MatrixView> to_inputs, to_weights;
    for (GuardedMatrix& g : input_gradients) to_inputs.push_back(want_inputs ? g.view() : MatrixView(nullptr, 0, 0));
    for (std::size_t i = 0; i < parameters.size(); ++i)
      to_weights.push_back(want_parameters && plan_.parameters[i].trainable ? parameter_gradients[i].view()
                                                                            : MatrixView(nullptr, 0, 0));
    const Backward pass{.inputs = in,
                        .output = as_const(output.view()),
                        .output_gradient = output_gradient.view(),
                        .cache = as_const(cache.view()),
                        .parameters = weights,
                        .input_gradients = to_inputs,
                        .parameter_gradients = to_weights,
                        .input_shapes = shapes_,
                        .output_shape = plan_.output,
                        .masks = carried};
    const std::int64_t start = allocations();
    layer_.backward(pass);
    allocated += allocations() - start;
  }

  /// From now on inputs carry masks in which about every third step counts not: all inputs, or the first alone.
  void carry_masks(bool all) {
    masks.assign(inputs.size(), Matrix());
    for (std::size_t i = 0; i < (all ? inputs.size() : 1); ++i) {
      masks[i] = random_matrix(batch_, steps_of(shapes_[i]), 0, 1, random_.stream(600 + i));
      masks[i] = (masks[i].array() > Scalar(0.33)).cast<Scalar>().matrix();
    }
  }
  /// The mask of the output, over memory that held `before`. Counts allocations of the layer.
  Matrix mask(Scalar before = not_a_number) {
    GuardedMatrix made(batch_, steps_of(plan_.output));
    made.fill(before);
    const std::vector<ConstMatrixView> in = views(inputs), carried = views(masks);
    const MaskPass pass{
        .inputs = in, .masks = carried, .mask = made.view(), .input_shapes = shapes_, .output_shape = plan_.output};
    const std::int64_t start = allocations();
    layer_.mask(pass);
    allocated += allocations() - start;
    mask_guards_are_whole = mask_guards_are_whole && made.guards_are_whole();
    return made.view();
  }

  /// All gradients after backward, as copies.
  std::vector<Matrix> gradients() {
    std::vector<Matrix> all;
    for (GuardedMatrix& g : input_gradients) all.push_back(g.view());
    for (std::size_t i = 0; i < parameters.size(); ++i)
      if (plan_.parameters[i].trainable) all.push_back(parameter_gradients[i].view());
    return all;
  }
  /// What forward in training proposes for the layer's statistics, as copies.
  std::vector<Matrix> statistics() {
    std::vector<Matrix> all;
    for (std::size_t i = 0; i < parameters.size(); ++i)
      if (plan_.parameters[i].statistic) all.push_back(new_statistics[i].view());
    return all;
  }
  bool guards_are_whole() const {
    bool whole = output.guards_are_whole() && cache.guards_are_whole() && output_gradient.guards_are_whole();
    for (const GuardedMatrix& g : input_gradients) whole = whole && g.guards_are_whole();
    for (const GuardedMatrix& g : parameter_gradients) whole = whole && g.guards_are_whole();
    for (const GuardedMatrix& g : new_statistics) whole = whole && g.guards_are_whole();
    return whole;
  }

  std::vector<Matrix> inputs, parameters, masks;
  bool mask_guards_are_whole = true;
  Matrix output_direction;
  GuardedMatrix output{0, 0}, cache{0, 0}, output_gradient{0, 0};
  std::vector<GuardedMatrix> input_gradients, parameter_gradients, new_statistics;
  std::int64_t allocated = 0;

 private:
  static Index steps_of(const Shape& sample) { return sample.size() / std::max<Index>(sample.last(), 1); }
  std::vector<ConstMatrixView> seen_masks() const {
    return plan_.sees_masks ? views(masks) : std::vector<ConstMatrixView>();
  }
  static std::vector<ConstMatrixView> views(const std::vector<Matrix>& matrices) {
    std::vector<ConstMatrixView> result;
    for (const Matrix& m : matrices) result.emplace_back(m.data(), m.rows(), m.cols());
    return result;
  }

  Layer layer_;
  Random random_;
  std::vector<Shape> shapes_;
  LayerPlan plan_;
  Index batch_;
};

/// Returns whether the answers agree; if not, nothing else about the layer can be checked.
inline bool check_plan(Report& report, const Layer& layer, const LayerRun& run, const LayerCheck& options) {
  const LayerPlan again = LayerRun(layer, options).plan();
  bool same = again.output == run.plan().output && again.cache == run.plan().cache &&
              again.parameters.size() == run.plan().parameters.size();
  for (std::size_t i = 0; same && i < again.parameters.size(); ++i)
    same = again.parameters[i].name == run.plan().parameters[i].name &&
           again.parameters[i].shape == run.plan().parameters[i].shape;
  report.expect(same, "plan: asked twice about the same shapes it gives two answers");
  report.expect(again.output.size() > 0, "plan: the output has no numbers, its shape is {}", again.output.text());
  return same;
}

/// Forward and backward overwrite all they are given, read none of it, and write nowhere else.
inline void check_writing(Report& report, LayerRun& run) {
  const std::vector<Matrix> inputs = run.inputs, parameters = run.parameters;
  for (Mode mode : {Mode::training, Mode::inference}) {
    const std::string name = mode == Mode::training ? "forward in training" : "forward in inference";
    const Matrix output = run.forward(mode);
    report.expect(output.array().isFinite().all(), "{}: leaves NaN of before in its output", name);
    const std::vector<Matrix> statistics = run.statistics();
    report.expect(same_bits(output, run.forward(mode, Scalar(7))), "{}: reads the output it is to overwrite", name);
    if (mode == Mode::training)
      report.expect(all_same_bits(statistics, run.statistics()), "{}: statistics it proposes depend on what was there",
                    name);
    if (mode == Mode::inference)
      report.expect(same_bits(output, run.forward(mode, not_a_number, false)),
                    "{}: the output depends on whether there is a cache", name);
  }
  const Matrix output = run.forward(Mode::training);
  run.backward();
  const std::vector<Matrix> gradients = run.gradients();
  bool finite = true;
  for (const Matrix& g : gradients) finite = finite && g.array().isFinite().all();
  report.expect(finite, "backward: leaves NaN of before in a gradient");
  report.expect(same_bits(output, run.output.view()), "backward: changes the output");
  run.forward(Mode::training, Scalar(7));
  run.backward(Scalar(7));
  report.expect(all_same_bits(gradients, run.gradients()), "backward: reads the gradients it is to overwrite");
  run.backward(not_a_number, false, true);
  bool same = true;
  for (std::size_t i = run.inputs.size(); i < gradients.size(); ++i)
    same = same && same_bits(gradients[i], run.gradients()[i]);
  report.expect(same, "backward: weights' gradients depend on whether the inputs' are wanted");
  run.backward(not_a_number, true, false);
  same = true;
  for (std::size_t i = 0; i < run.inputs.size(); ++i) same = same && same_bits(gradients[i], run.gradients()[i]);
  report.expect(same, "backward: inputs' gradients depend on whether the weights' are wanted");
  report.expect(run.guards_are_whole(), "writes beside the memory it is given");
  report.expect(all_same_bits(inputs, run.inputs), "changes its inputs");
  report.expect(all_same_bits(parameters, run.parameters), "changes its weights");
}

/// A sample's output is the same alone as among others, but for rounding.
inline void check_neighbours(Report& report, const Layer& layer, LayerRun& run, const LayerCheck& options) {
  for (Mode mode : {Mode::inference, Mode::training}) {
    if (mode == Mode::training && (options.looks_at_neighbours || options.acts_in_training)) continue;
    const Matrix together = run.forward(mode);
    LayerRun single(layer, options);
    single.parameters = run.parameters;
    single.make_batch(1);
    for (Index row = 0; row < options.batch; ++row) {
      for (std::size_t i = 0; i < run.inputs.size(); ++i) single.inputs[i] = run.inputs[i].row(row);
      if (!report.expect(nearly_equal(single.forward(mode), together.row(row)),
                         "the output of sample {} depends on the samples beside it", row))
        return;
    }
  }
}

inline void check_derivatives(Report& report, LayerRun& run, const LayerCheck& options) {
  auto value = [&] {
    const Matrix output = run.forward(Mode::training);
    return (output.cast<double>().array() * run.output_direction.cast<double>().array()).sum();
  };
  value();
  run.backward();
  auto compare = [&](const std::string& name, Matrix& point, const Matrix& gradient) {
    compare_gradient(report, name, value, VectorView(point.data(), point.size()),
                     ConstVectorView(gradient.data(), gradient.size()));
  };
  std::vector<Matrix> gradients;
  for (GuardedMatrix& g : run.input_gradients) gradients.push_back(g.view());
  for (GuardedMatrix& g : run.parameter_gradients) gradients.push_back(g.view());
  for (std::size_t i = 0; i < run.inputs.size() && !options.whole_numbers; ++i)
    compare("input " + std::to_string(i), run.inputs[i], gradients[i]);
  for (std::size_t i = 0; i < run.parameters.size(); ++i)
    if (run.plan().parameters[i].trainable)
      compare(run.plan().parameters[i].name, run.parameters[i], gradients[run.inputs.size() + i]);
}

/// The same bits from eight threads at once, each with memory of its own.
inline void check_threads(Report& report, const Layer& layer, LayerRun& run, const LayerCheck& options) {
  const Matrix output = run.forward(Mode::training);
  run.backward();
  const std::vector<Matrix> gradients = run.gradients();
  std::vector<int> same(8, 0);
  std::vector<std::thread> threads;
  for (int& result : same)
    threads.emplace_back([&] {
      LayerRun own(layer, options);
      const Matrix own_output = own.forward(Mode::training);
      own.backward();
      result = same_bits(own_output, output) && all_same_bits(own.gradients(), gradients);
    });
  for (std::thread& thread : threads) thread.join();
  for (int result : same)
    if (!report.expect(result != 0, "on eight threads at once, each with memory of its own, it gives other bits"))
      return;
}

/// The same bits inside a network.
inline void check_in_network(Report& report, const Layer& layer, LayerRun& run, const LayerCheck& options) {
  std::vector<Symbol> inputs = {input(options.input)};
  for (const Shape& shape : options.more_inputs) inputs.push_back(input(shape));
  const Symbol output = layer(inputs);
  Network network(Graph(inputs, std::span(&output, 1)));
  const std::vector<ParameterEntry>& entries = network.parameters().entries();
  if (!report.expect(entries.size() == run.parameters.size(), "a network gives it {} weights, its plan names {}",
                     entries.size(), run.parameters.size()))
    return;
  for (std::size_t i = 0; i < entries.size(); ++i) network.parameters().view(entries[i]) = run.parameters[i];
  const Matrix expected = run.forward(Mode::inference, not_a_number, false);
  report.expect(same_bits(network.predict(run.inputs)[0], expected), "in a network it gives other bits than alone");
  report.expect(same_bits(network.predict(run.inputs)[0], expected),
                "in a network it gives other bits the second time");
}

inline void check_allocations(Report& report, LayerRun& run) {
  if (!counts_allocations()) return;
  run.allocated = 0;
  run.forward(Mode::training);
  run.backward();
  run.forward(Mode::inference);
  report.expect(run.allocated == 0, "takes memory {} times in one forward, backward and prediction; expected none",
                run.allocated);
}

/// Where masks are seen, all of them or the first one's alone, derivatives are right.
inline void check_seen_masks(Report& report, const Layer& layer, const LayerCheck& options) {
  for (bool all : {true, false}) {
    LayerRun run(layer, options);
    if (!run.plan().sees_masks) return;
    run.carry_masks(all);
    check_writing(report, run);
    check_derivatives(report, run, options);
    check_allocations(report, run);
  }
}

/// A mask that is made is one of 1 and 0, written over what was there.
inline void check_masks(Report& report, const Layer& layer, const LayerCheck& options) {
  LayerRun run(layer, options);
  const MaskRule rule = run.plan().mask;
  const bool joins = rule == MaskRule::all || rule == MaskRule::any;
  if (rule != MaskRule::make && !joins) return;
  if (!report.expect(layer.has_mask(), "its plan says that it makes masks, and it has no member mask")) return;
  for (bool all : {true, false}) {
    if (!all && rule != MaskRule::any) continue;
    run.carry_masks(all);
    const Matrix mask = run.mask();
    report.expect((mask.array() == Scalar(0) || mask.array() == Scalar(1)).all(), "a mask has others than 1 and 0");
    report.expect(same_bits(mask, run.mask(Scalar(7))), "a mask depends on what was there");
  }
  report.expect(run.mask_guards_are_whole, "a mask is written beside the memory it is given");
  if (counts_allocations()) report.expect(run.allocated == 0, "takes memory {} times for masks", run.allocated);
}

}  // namespace detail

MAAS_INLINE void check_layer(const Layer& layer, const LayerCheck& options) {
  Report report(std::string(layer.class_name()));
  report.run("check", [&] {
    detail::LayerRun run(layer, options);
    if (!detail::check_plan(report, layer, run, options)) return;
    detail::check_writing(report, run);
    detail::check_neighbours(report, layer, run, options);
    report.expect(
        options.acts_in_training || detail::same_bits(run.forward(Mode::training), run.forward(Mode::inference)),
        "training and inference give different outputs");
    detail::check_derivatives(report, run, options);
    detail::check_threads(report, layer, run, options);
    detail::check_in_network(report, layer, run, options);
    detail::check_allocations(report, run);
    detail::check_masks(report, layer, options);
    detail::check_seen_masks(report, layer, options);
  });
  for (const auto& entry : BuiltinLayers::entries()) {
    if (entry.class_name != layer.class_name()) continue;
    report.run("config round trip", [&] {
      const Layer again = entry.make(layer.config());
      report.expect(again == layer, "{} is read as {}", layer.config().text(), again.config().text());
    });
  }
  report.finish();
}

}  // namespace maas::inline MAAS_ABI::testing
