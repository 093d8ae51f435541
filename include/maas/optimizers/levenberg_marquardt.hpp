// Levenberg-Marquardt: least squares by their Jacobian.
#pragma once

#include "maas/optimizers/optimizer.hpp"

namespace maas::inline MAAS_ABI {

/// Levenberg and Marquardt's step over the full batch (Levenberg 1944, Marquardt 1963), for curve fitting with few
/// weights: w -= rate (J'J + damping m I)^-1 J'r, r being the residuals of mean_squared_error, J their Jacobian and m
/// the mean of the diagonal of J'J. Where the loss does not fall, damping doubles and the step is tried again; where it
/// falls, damping becomes a tenth. One step an epoch, whatever the batch size. Takes memory and time in the square of
/// the weights; throws ConfigError for more than `max_parameters` of them and for losses other than mean_squared_error.
/// Not in Keras.
struct LevenbergMarquardt {
  static constexpr std::string_view class_name = "LevenbergMarquardt";
  static constexpr bool full_batch = true;
  static constexpr bool needs_residuals = true;
  LearningRate learning_rate = 1.0;  ///< the share of the step that is taken
  double damping = 1e-3;             ///< to begin with
  int max_parameters = 1000;
  static void fields(auto& self, auto&& field) {
    field("learning_rate", self.learning_rate);
    field("damping", self.damping);
    field("max_parameters", self.max_parameters);
  }

  static std::span<const std::string_view> slot_names() { return {}; }
  static std::span<const std::string_view> scalar_names() {
    static constexpr std::string_view names[] = {"damping"};
    return names;
  }
  double scalar_start(Index) const { return damping; }
  /// Two matrices and four vectors, as large as there are weights. Throws ConfigError for too many.
  Index scratch_size(Index size, std::span<const TensorPlace> tensors) const;
  void step_with(const Update& update, Objective& objective) const;
};

}  // namespace maas::inline MAAS_ABI
