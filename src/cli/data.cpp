// maas data: looks at files of data.
#include <fmt/format.h>

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "cli/commands.hpp"
#include "maas/data/report.hpp"
#include "maas/recipe/table_file.hpp"

namespace maas::cli {

namespace {

struct ReportOptions {
  std::string path;
  std::vector<std::string> texts;
  std::string separator, decimal, dates;  // empty: found out, or those of CsvOptions
};

void print_report(const ReportOptions& options) {
  CsvOptions csv{.header = CsvHeader::automatic, .comment = '#'};
  Config asked = to_config(csv);
  for (const auto& [name, text] :
       {std::pair("separator", options.separator), {"decimal", options.decimal}, {"dates", options.dates}})
    if (!text.empty()) asked.set(name, text);
  from_config(asked, "data report", csv);
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
  command->add_option("--separator", options->separator, "Between cells; without it the most frequent of , ; and tab");
  command->add_option("--decimal", options->decimal, "The decimal point of numbers, such as ,");
  command->add_option("--dates", options->dates, "How 4/1/2016 is meant: day_first or month_first");
  command->callback([options] { print_report(*options); });
}

}  // namespace maas::cli
