// The maas program: one command a file beside this one.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <utility>

#include "cli/commands.hpp"
#include "maas/version.hpp"

namespace {

// What scripts rely on: one line on the error output and exit code 1, whatever went wrong.
int failed(std::string_view what) {
  std::string line(what);
  for (char& c : line)
    if (c == '\n') c = ' ';
  fmt::print(stderr, "maas: {}\n", line);
  return 1;
}

}  // namespace

int main(int count, char** arguments) {
  CLI::App program("Keras models without Python: trains them, looks into them, predicts with them, serves them.",
                   "maas");
  program.set_version_flag("--version", "maas " MAAS_VERSION);
  program.require_subcommand(1);
  maas::cli::add_inspect(program);
  maas::cli::add_predict(program);
  maas::cli::add_plot(program);
  maas::cli::add_convert(program);
  maas::cli::add_export(program);
  maas::cli::add_check(program);
  maas::cli::add_diff(program);
  maas::cli::add_bench(program);
  maas::cli::add_data(program);
  maas::cli::add_train(program);
  maas::cli::add_evaluate(program);
  maas::cli::add_forecast(program);
#if defined(MAAS_CLI_SERVE)
  maas::cli::add_serve(program);
  maas::cli::add_load_test(program);
#endif
  try {
    const std::string word = count > 1 ? arguments[1] : "";
    const auto is_it = [&](const CLI::App* command) { return command->get_name() == word; };
    if (!word.empty() && word.front() != '-' && std::as_const(program).get_subcommands(is_it).empty())
      return failed("there is no command " + word + "; maas --help lists them");
    program.parse(count, arguments);
    if (std::fflush(stdout) != 0) return failed("cannot write to the standard output");
    return 0;
  } catch (const CLI::Success& asked) {
    const int code = program.exit(asked);
    std::cout.flush();
    return !std::cout || std::fflush(stdout) != 0 ? failed("cannot write to the standard output") : code;
  } catch (const CLI::RuntimeError& verdict) {
    // A command that has told its verdict.
    return std::fflush(stdout) != 0 ? failed("cannot write to the standard output") : verdict.get_exit_code();
  } catch (const CLI::ParseError& error) {
    return failed(error.what() + std::string("; maas --help tells more"));
  } catch (const std::bad_alloc&) {
    return failed("not enough memory");
  } catch (const std::exception& error) {
    return failed(error.what());
  }
}
