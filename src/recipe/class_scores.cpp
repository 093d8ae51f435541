#include "recipe/class_scores.hpp"

namespace maas::inline MAAS_ABI::recipe {

Logs class_scores(const Counts& counts) {
  double right = 0, all = 0, recalls = 0, occurring = 0, f1s = 0, judged = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    double row = 0, column = 0;
    for (std::size_t j = 0; j < counts.size(); ++j)
      row += static_cast<double>(counts[i][j]), column += static_cast<double>(counts[j][i]);
    const auto hits = static_cast<double>(counts[i][i]);
    right += hits, all += row;
    if (row > 0) recalls += hits / row, ++occurring;
    if (row + column > 0) f1s += 2 * hits / (row + column), ++judged;
  }
  return {{"accuracy", right / all}, {"balanced_accuracy", recalls / occurring}, {"macro_f1", f1s / judged}};
}

bool is_binary(const Model& model) {
  return model.is_compiled() && model.compile_options().loss &&
         model.compile_options().loss->class_name() == BinaryCrossentropy::class_name;
}

}  // namespace maas::inline MAAS_ABI::recipe
