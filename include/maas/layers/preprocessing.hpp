// Preprocessing that is part of the model and its file: Normalization, Rescaling, Discretization, CategoryEncoding.
#pragma once

#include <initializer_list>
#include <vector>

#include "maas/core/axes.hpp"
#include "maas/data/training_rows.hpp"
#include "maas/layers/layer.hpp"

namespace maas::inline MAAS_ABI {

/// A number, or an array of them: settings that a file holds as 0.5, [1, 2] or [[1, 2], [3, 4]].
struct Numbers {
  Shape shape{};                  ///< rank 0: one number
  std::vector<double> values{0};  ///< row-major

  Numbers() = default;
  Numbers(double value) : values{value} {}
  Numbers(std::initializer_list<double> list) : Numbers(std::vector<double>(list)) {}
  explicit Numbers(std::vector<double> list) : shape{static_cast<Index>(list.size())}, values(std::move(list)) {}
};

Config to_config(const Numbers& numbers);
/// Throws ConfigError where lists differ in length or hold something else than numbers.
void from_config(const Config& config, std::string_view where, Numbers& numbers);

/// y = (x - mean) / max(sqrt(variance), 1e-7), with a mean and variance for each position along `axis` (1 is the first
/// axis of a sample; none: one for all numbers); with `invert` the way back, y = mean + x max(sqrt(variance), 1e-7).
/// Mean and variance are settings, or else weights that no training moves: mean, variance and count, which start as 0,
/// 1 and 0. `adapted` gives a layer with the figures of data. Throws ConfigError where only one of mean and variance is
/// given, or where they do not fit the axes.
struct Normalization {
  static constexpr std::string_view class_name = "Normalization";
  Axes axis = -1;
  std::optional<Numbers> mean = std::nullopt;
  std::optional<Numbers> variance = std::nullopt;
  bool invert = false;
  static void fields(auto& self, auto&& field) {
    field("axis", self.axis);
    field("mean", self.mean);
    field("variance", self.variance);
    field("invert", self.invert);
  }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;

  /// The layer with mean and population variance of samples, one a row, of that shape (by default: of rank 1):
  /// `adapted({x, split.train})`, or `adapted(TrainingRows::all_of(x))`. Throws DataError without samples, ShapeError
  /// where they are of another size.
  Normalization adapted(const TrainingRows& training, std::optional<Shape> shape = std::nullopt) const;
};

/// y = scale x + offset. Both may be arrays that are repeated to fill a sample, matched from the last axis.
struct Rescaling {
  static constexpr std::string_view class_name = "Rescaling";
  Numbers scale = 1.0;  ///< Keras has no default
  Numbers offset = 0.0;
  static void fields(auto& self, auto&& field) {
    field("scale", self.scale);
    field("offset", self.offset);
  }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// The number of the bin a number falls into: how many boundaries are at or below it. `output_mode` "int" gives that
/// number; the others encode it as CategoryEncoding does. `adapted` finds num_bins boundaries with about as many
/// numbers of data between them. No gradient passes. Throws ConfigError without boundaries, or for an unknown
/// output_mode.
struct Discretization {
  static constexpr std::string_view class_name = "Discretization";
  std::optional<std::vector<double>> bin_boundaries = std::nullopt;  ///< rising
  std::optional<Index> num_bins = std::nullopt;                      ///< for `adapted`
  double epsilon = 0.01;                                             ///< for `adapted`: how roughly it sorts
  std::string output_mode = "int";                                   ///< "int", "one_hot", "multi_hot" or "count"
  static void fields(auto& self, auto&& field) {
    field("bin_boundaries", self.bin_boundaries);
    field("num_bins", self.num_bins);
    field("epsilon", self.epsilon);
    field("output_mode", self.output_mode);
  }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;

  /// The layer with boundaries that cut all numbers of the data into num_bins parts, found as Keras finds them: from
  /// every (epsilon n)-th number in sorted order, in between by straight lines. Rows are named as for
  /// Normalization::adapted. Throws ConfigError without num_bins, DataError without data.
  Discretization adapted(const TrainingRows& training) const;
};

/// Whole numbers from 0 to num_tokens - 1 as ones among zeros; others are left out. `output_mode` "one_hot": each
/// number on its own, along a last axis of num_tokens numbers, which takes the place of one of size 1; "multi_hot": all
/// numbers along the last axis together, a 1 for each that occurs; "count": how often each occurs. No gradient passes.
struct CategoryEncoding {
  static constexpr std::string_view class_name = "CategoryEncoding";
  Index num_tokens = 1;
  std::string output_mode = "multi_hot";  ///< "one_hot", "multi_hot" or "count"
  static void fields(auto& self, auto&& field) {
    field("num_tokens", self.num_tokens);
    field("output_mode", self.output_mode);
  }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// A Normalization layer with mean and variance of each column of training rows: see Normalization::adapted.
Layer normalization(const TrainingRows& training);
/// A Rescaling layer.
Layer rescaling(double scale, double offset = 0);
/// A Discretization layer with these boundaries.
Layer discretization(std::vector<double> bin_boundaries);
/// A CategoryEncoding layer.
Layer category_encoding(Index num_tokens, std::string output_mode = "multi_hot");

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/layers/preprocessing-inl.hpp"
#endif
