// Training on rows that are not all in memory: what a run, a trial and a fold have in common.
#pragma once

#include <memory>

#include "maas/data/streamed.hpp"
#include "recipe/run.hpp"
#include "recipe/stream_rows.hpp"

namespace maas::inline MAAS_ABI::recipe {

/// Which rows of a stream are for what.
struct StreamParts {
  StreamRows training, validation, test;
  /// Training and validation, of which nothing is held out: what folds are made of.
  StreamRows before_test;

  const RowFiles& files() const { return training.files; }
};
/// Opens the files. Throws what RowFiles and split_by_time throw.
StreamParts part_stream(const Recipe& recipe);

/// What training rows teach before there is a network. Trainings that prepare the same rows alike share it.
struct LearnedStream {
  std::shared_ptr<const Pipeline> pipeline;
  KeptFigures kept;
};
/// In passes over the rows. Throws what learn_pipeline throws.
LearnedStream learn_stream(const Recipe& recipe, const StreamRows& training);

/// Samples that are made of blocks of rows when they are asked for. Throws DataError where the steps leave none.
Streamed stream_samples(const Recipe& recipe, const LearnedStream& learned, const StreamRows& rows);

/// As train_model, with what the training rows have taught. `validation` may have no rows.
TrainedModel train_stream(const Recipe& recipe, const LearnedStream& learned, const StreamRows& training,
                          const StreamRows& validation, FitOptions fit);

}  // namespace maas::inline MAAS_ABI::recipe
