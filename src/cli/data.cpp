// maas data: looks at files of data.
#include <fmt/format.h>

#include <map>
#include <memory>
#include <string>

#include "cli/commands.hpp"
#include "maas/data/report.hpp"
#include "maas/recipe/table_file.hpp"

namespace maas::cli {

namespace {

struct ReportOptions {
  std::string path;
  std::vector<std::string> texts;
};

void print_report(const ReportOptions& options) {
  CsvOptions csv{.header = CsvHeader::automatic, .comment = '#'};
  for (const std::string& name : options.texts) csv.types[name] = ColumnType::text;
  fmt::print("{}: {}", options.path, report(read_table(options.path, csv)).text());
}

}  // namespace

void add_data(CLI::App& program) {
  CLI::App* data = program.add_subcommand("data", "Looks at files of data");
  data->require_subcommand(1);
  CLI::App* command = data->add_subcommand("report",
                                           "Tells what the columns of a CSV or HDF5 file hold, and what is odd: "
                                           "missing cells, outliers, rows that come twice");
  auto options = std::make_shared<ReportOptions>();
  command->add_option("file", options->path, "A CSV file, whose separator, names and types are found out, or HDF5")
      ->required();
  command->add_option("--text", options->texts, "A column whose numbers are names of categories; once for each")
      ->allow_extra_args(false);
  command->callback([options] { print_report(*options); });
}

}  // namespace maas::cli
