// What running a recipe writes: model, predictions, report; and what is wrong with their names.
#include <filesystem>

#include "maas/core/new_file.hpp"
#include "maas/recipe/report.hpp"
#include "recipe/callbacks.hpp"
#include "recipe/parts.hpp"
#include "recipe/run.hpp"
#include "recipe/same_file.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

std::string cell(const TargetEvaluation& target, double value) {
  return target.is_class ? detail::csv_cell(target.classes[static_cast<std::size_t>(value)], detail::csv_special)
                         : fmt::format("{:.9g}", value);
}

// row, then of each target the truth and the answer; empty where one of them is not there.
void write_predictions(const std::string& path, const Evaluation& evaluation, const std::vector<Index>& rows) {
  std::vector<std::string> lines;
  for (Index row : rows) lines.push_back(std::to_string(row));
  std::string head = "row";
  for (const TargetEvaluation& target : evaluation.targets) {
    head += "," + detail::csv_cell(target.target, detail::csv_special) + "," +
            detail::csv_cell(target.target + " predicted", detail::csv_special);
    std::size_t next = 0;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const bool there = next < target.rows.size() && target.rows[next] == static_cast<Index>(i);
      lines[i] += there ? "," + cell(target, target.truth[next]) + "," + cell(target, target.predicted[next]) : ",,";
      next += there ? 1 : 0;
    }
  }
  NewFile file(path);
  file.write(head + "\n");
  for (const std::string& line : lines) file.write(line + "\n");
  file.commit();
}

Report report_of(const Recipe& recipe, const RecipeResult& result) {
  Report page{.title = recipe.name.empty() ? recipe.source : recipe.name, .description = recipe.description};
  page.notes = result.warnings;
  const RecipeRows& rows = result.rows;
  page.facts = {{"rows", std::to_string(rows.all)},
                {"left out before, as they come twice", std::to_string(rows.duplicates)},
                {"for training", fmt::format("{}, {} of them left out by steps", rows.training, rows.left_out)},
                {"for validation", std::to_string(rows.validation)},
                {"for the test", std::to_string(rows.test)},
                {"features", std::to_string(result.model.info().pipeline->feature_names().size())},
                {"weights", std::to_string(result.model.network().parameters().count())},
                {"epochs", std::to_string(result.history.epochs().size())}};
  page.history = result.history;
  page.evaluations = result.evaluations;
  page.cross_validation = result.cross_validation;
  page.tuning = result.tuning;
  if (!recipe.data.stream) page.data = result.data;  // of a stream nothing is looked for
  return page;
}

void check_writable(const std::string& path, const std::string& given, const Place& place) {
  std::error_code problem;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  require<ConfigError>(folder.empty() || std::filesystem::is_directory(folder, problem),
                       "{}: expected a file in a folder that is there, got \"{}\"", place.text(), given);
  require<ConfigError>(!std::filesystem::is_directory(path, problem), "{}: expected a file, got a folder, \"{}\"",
                       place.text(), given);
  try {
    const NewFile probe(path);  // leaves nothing behind
  } catch (const FormatError& error) {
    fail<ConfigError>("{}: {}", place.text(), error.what());
  }
}

}  // namespace

void check_outputs(const Recipe& recipe) {
  const RecipeOutput& output = recipe.output;
  std::vector<std::pair<std::string, std::string>> taken;  // keys and their files
  for (std::size_t i = 0; i < recipe.data.files.size(); ++i)
    taken.emplace_back(fmt::format("data.files[{}]", i), file_in(recipe.folder, recipe.data.files[i]));
  if (!recipe.base.empty()) taken.emplace_back("base", file_in(recipe.folder, recipe.base));
  const Place callbacks = place_of(recipe, "training").key("callbacks");
  for (std::size_t i = 0; i < recipe.training.callbacks.size(); ++i)
    for (const auto& [key, file] : taken)
      require<ConfigError>(!is_same_file(file_written(recipe.training.callbacks[i]()), file),
                           "{}: expected a file of its own, got \"{}\", which {} names", callbacks.item(i).text(), file,
                           key);
  for (const auto& [key, name] : {std::pair("model", &output.model), std::pair("report", &output.report),
                                  std::pair("predictions", &output.predictions)}) {
    if (name->empty()) continue;
    const Place place = place_of(recipe, "output").key(key);
    const std::string path = file_in(recipe.folder, *name);
    for (const auto& [other, file] : taken)
      require<ConfigError>(!is_same_file(path, file), "{}: expected a file of its own, got \"{}\", which {} names",
                           place.text(), *name, other);
    check_writable(path, *name, place);
    taken.emplace_back(fmt::format("output.{}", key), path);
  }
}

void write_outputs(const Recipe& recipe, RecipeResult& result, const std::vector<Index>& test_rows) {
  const RecipeOutput& output = recipe.output;
  if (!output.model.empty()) {
    const std::vector<std::string> found = result.model.save(file_in(recipe.folder, output.model));
    result.warnings.insert(result.warnings.end(), found.begin(), found.end());
  }
  if (!output.predictions.empty())
    write_predictions(file_in(recipe.folder, output.predictions), result.evaluations.back(), test_rows);
  if (!output.report.empty()) write_report(file_in(recipe.folder, output.report), report_of(recipe, result));
}

}  // namespace maas::inline MAAS_ABI::recipe
