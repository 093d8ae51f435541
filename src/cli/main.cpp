// The maas program: one command a file beside this one.
#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>

#include "cli/commands.hpp"
#include "maas/version.hpp"

namespace {

// What scripts rely on: one line on the error output and exit code 1, whatever went wrong.
int failed(std::string_view what) {
  std::string line(what);
  for (char& c : line)
    if (c == '\n') c = ' ';
  try {
    fmt::print(stderr, "maas: {}\n", line);
  } catch (const std::system_error&) {  // nobody hears it
  }
  return 1;
}

// Files that are opened later are not to be taken for the standard ones, where who started it has closed these.
void open_standard_files() {
  for (int file = 0; file <= 2; ++file)
    if (::fcntl(file, F_GETFD) < 0 && errno == EBADF) std::ignore = ::open("/dev/null", O_RDWR);
}

// An option that is not known is told before those that are missing: it may be one of these, misspelt.
void parse(CLI::App& program, int count, char** arguments) {
  try {
    program.parse(count, arguments);
  } catch (const CLI::RequiredError&) {
    for (const std::string& word : program.remaining(true))
      if (word.starts_with("--")) throw CLI::ExtrasError("maas", {word});
    throw;
  }
}

// What could not be written on the way is remembered by the stream, though nothing is left to be flushed.
bool is_heard() { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0; }

}  // namespace

int main(int count, char** arguments) {
  open_standard_files();
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
    parse(program, count, arguments);
    return is_heard() ? 0 : failed("cannot write to the standard output");
  } catch (const CLI::Success& asked) {
    const int code = program.exit(asked);
    std::cout.flush();
    return std::cout && is_heard() ? code : failed("cannot write to the standard output");
  } catch (const CLI::RuntimeError& verdict) {
    // A command that has told its verdict.
    return is_heard() ? verdict.get_exit_code() : failed("cannot write to the standard output");
  } catch (const CLI::ParseError& error) {
    return failed(error.what() + std::string("; maas --help tells more"));
  } catch (const std::bad_alloc&) {
    return failed("not enough memory");
  } catch (const std::exception& error) {
    return failed(error.what());
  }
}
