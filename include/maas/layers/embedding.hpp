// Embedding: whole numbers to learned vectors.
#pragma once

#include "maas/constraints/constraints.hpp"
#include "maas/initializers/initializers.hpp"
#include "maas/layers/layer.hpp"
#include "maas/regularizers/regularizers.hpp"

namespace maas::inline MAAS_ABI {

/// The row of a table for each id of a sample: shape s becomes s x output_dim. Ids are whole numbers from 0 to
/// input_dim - 1 (fractions are cut off); any other gives a row of NaN, which shows in the loss. Weight: embeddings,
/// input_dim x output_dim. Ids have no gradient. With mask_zero the output carries the mask of the ids that are not 0,
/// see Masking. Throws ConfigError for sizes below 1.
struct Embedding {
  static constexpr std::string_view class_name = "Embedding";
  Index input_dim = 1;   ///< how many ids there are
  Index output_dim = 1;  ///< numbers a vector
  Initializer embeddings_initializer = RandomUniform{.minval = -0.05, .maxval = 0.05};
  std::optional<Regularizer> embeddings_regularizer = std::nullopt;
  std::optional<Regularizer> activity_regularizer = std::nullopt;
  std::optional<Constraint> embeddings_constraint = std::nullopt;
  bool mask_zero = false;  ///< id 0 marks steps that later layers are to leave out
  static void fields(auto& self, auto&& field) {
    field("input_dim", self.input_dim);
    field("output_dim", self.output_dim);
    field("embeddings_initializer", self.embeddings_initializer);
    field("embeddings_regularizer", self.embeddings_regularizer);
    field("activity_regularizer", self.activity_regularizer);
    field("embeddings_constraint", self.embeddings_constraint);
    field("mask_zero", self.mask_zero);
  }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
  void mask(const MaskPass& pass) const;
};

/// An Embedding layer: `input_dim` ids, vectors of `output_dim` numbers.
Layer embedding(Index input_dim, Index output_dim);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/layers/embedding-inl.hpp"
#endif
