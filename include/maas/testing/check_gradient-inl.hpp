// Bodies of compare_gradient() and check_gradient().
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "maas/testing/check_gradient.hpp"

namespace maas::inline MAAS_ABI::testing {

MAAS_INLINE void compare_gradient(Report& report, std::string_view what, const std::function<double()>& function,
                                  VectorView point, const ConstVectorView& gradient) {
  struct Difference {
    double slope = 0, bend = 0;  // the mean of the slopes to both sides, and how far they are apart
  };
  const Index size = point.size();
  const double center = function();
  auto difference = [&](Index i, double step) {
    const Scalar start = point[i];
    auto slope_to = [&](double target) {
      point[i] = static_cast<Scalar>(target);
      const double slope = (function() - center) / (static_cast<double>(point[i]) - static_cast<double>(start));
      point[i] = start;
      return slope;
    };
    const double above = slope_to(static_cast<double>(start) + step),
                 below = slope_to(static_cast<double>(start) - step);
    return Difference{(above + below) / 2, above - below};
  };
  std::vector<Difference> wide, narrow;
  double largest = least_derivative;
  for (Index i = 0; i < size; ++i) {
    wide.push_back(difference(i, difference_step));
    narrow.push_back(difference(i, difference_step / 4));
    largest = std::max(largest, std::abs(narrow.back().slope));
  }
  const double allowed = gradient_tolerance * largest;
  Index corners = 0;
  for (std::size_t i = 0; i < wide.size(); ++i) {
    const Scalar computed = gradient[static_cast<Index>(i)];
    // Without a corner slopes hardly depend on the width, and the bend shrinks with it.
    if (std::abs(wide[i].slope - narrow[i].slope) > allowed / 2 ||
        std::abs(4 * narrow[i].bend - wide[i].bend) > allowed) {
      ++corners;
    } else if (!report.expect(std::abs(static_cast<double>(computed) - narrow[i].slope) <= allowed,
                              "{}: element {} of the derivative is {}, by central differences {}", what, i, computed,
                              narrow[i].slope)) {
      return;
    }
  }
  report.expect(2 * corners <= size, "{}: {} of {} places are corners; choose other numbers", what, corners, size);
}

MAAS_INLINE void check_gradient(Network& network, const Loss& loss, const Matrix& x, const Matrix& y) {
  Report report("the gradient of the network");
  Workspace workspace(network, x.rows(), Mode::training);
  Parameters gradients(network.parameters().shared_layout());
  const Index outputs = network.graph().output_shape().last(), columns = loss.target_columns(outputs);
  const ConstMatrixView targets(y.data(), y.size() / columns, columns);
  Vector scratch(targets.rows());
  auto value = [&] {
    workspace.set_input(x.data());
    workspace.forward(network.parameters(), Mode::training, Random());
    const ConstMatrixView output(workspace.output().data(), targets.rows(), outputs);
    return loss.mean(output, targets, ConstVectorView(nullptr, 0), VectorView(scratch.data(), scratch.size()));
  };
  value();
  const ConstMatrixView output(workspace.output().data(), targets.rows(), outputs);
  loss.mean_gradient(output, targets, ConstVectorView(nullptr, 0),
                     MatrixView(workspace.output_gradient().data(), targets.rows(), outputs));
  workspace.backward(network.parameters(), gradients);
  for (const ParameterEntry& entry : network.parameters().entries()) {
    if (!entry.trainable) continue;
    MatrixView weights = network.parameters().view(entry), gradient = gradients.view(entry);
    compare_gradient(report, entry.name, value, VectorView(weights.data(), weights.size()),
                     ConstVectorView(gradient.data(), gradient.size()));
  }
  report.finish();
}

}  // namespace maas::inline MAAS_ABI::testing
