#include "cli/samples.hpp"

#include <cmath>

#include "maas/recipe/evaluation.hpp"
#include "maas/recipe/table_file.hpp"

namespace maas::cli {

namespace {

Matrix read_samples(const std::string& path, Index expected, const Shape& shape) {
  const Table table = read_table(path, {.header = CsvHeader::automatic, .comment = '#'});
  require<DataError>(table.rows() > 0, "{}: expected at least 1 row of numbers, got none", path);
  require<ShapeError>(table.columns() == expected, "{}: expected {} numbers a row ({}), got {}", path, expected,
                      shape.text(), table.columns());
  for (Index i = 0; i < table.columns(); ++i)
    require<FormatError>(table.column(i).type == ColumnType::number, "{}: expected only numbers, got {}", path,
                         table.column(i).why_text.empty() ? "another kind of column" : table.column(i).why_text);
  Matrix samples = table.matrix();
  for (Index row = 0; row < samples.rows(); ++row)
    for (Index column = 0; column < samples.cols(); ++column)
      require<DataError>(std::isfinite(samples(row, column)),
                         "{}: expected finite numbers, got {} in row {}, column {} (counted from 0)", path,
                         samples(row, column), row, column);
  return samples;
}

}  // namespace

std::vector<Matrix> read_inputs(const Network& network, const std::vector<std::string>& paths) {
  const Graph& graph = network.graph();
  require<ConfigError>(paths.size() == graph.inputs().size(),
                       "expected a file for each of the {} inputs of the model, got {}", graph.inputs().size(),
                       paths.size());
  std::vector<Matrix> inputs;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const Shape& shape = graph.input_shape(static_cast<Index>(i));
    inputs.push_back(read_samples(paths[i], shape.size(), shape));
    require<ShapeError>(inputs[i].rows() == inputs[0].rows(), "{}: expected {} rows, as in {}, got {}", paths[i],
                        inputs[0].rows(), paths[0], inputs[i].rows());
  }
  return inputs;
}

CsvOptions reading_for(const ModelInfo& info, const std::string& path, const CsvOptions& otherwise) {
  try {
    return kept_reading(info, otherwise);
  } catch (const ConfigError& error) {
    fail<ConfigError>("{}: {}", path, error.what());
  }
}

std::vector<Matrix> read_features(const SavedModel& model, const std::string& from,
                                  const std::vector<std::string>& paths) {
  if (!model.info.pipeline) return read_inputs(model.network, paths);
  require<ConfigError>(paths.size() == 1, "the model has a pipeline: expected 1 file of raw rows, got {}",
                       paths.size());
  const CsvOptions reading = reading_for(model.info, from, {.comment = '#'});
  try {
    return {model.info.pipeline->apply(read_table_for(*model.info.pipeline, paths[0], reading))};
  } catch (const DataError& error) {
    fail<DataError>("{}: {}", paths[0], error.what());
  }
}

}  // namespace maas::cli
