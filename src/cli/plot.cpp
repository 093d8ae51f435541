// maas plot: a picture of a model file.
#include "maas/network/plot.hpp"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

#include "cli/commands.hpp"
#include "cli/outputs.hpp"
#include "maas/core/new_file.hpp"
#include "maas/io/keras.hpp"

namespace maas::cli {

namespace {

struct PlotCommand {
  std::string model, picture;
  PlotOptions options;
};

// "svg" of "out.svg"; what Graphviz calls the format, too.
std::string format_of(const std::string& path) {
  const std::size_t dot = path.rfind('.'), slash = path.rfind('/');
  const bool has_one = dot != std::string::npos && (slash == std::string::npos || dot > slash) && dot + 1 < path.size();
  require<ConfigError>(has_one, "{}: expected a name that ends in .svg, .png, .pdf or .dot", path);
  const std::string format = path.substr(dot + 1);
  // Graphviz would take it for options of its own.
  require<ConfigError>(format.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos,
                       "{}: expected a name that ends in .svg, .png, .pdf or .dot", path);
  return format;
}

// Runs Graphviz' dot, without a shell in between.
void run_graphviz(const std::string& format, const std::string& source, const std::string& target) {
  std::string type = "-T" + format, output = "-o" + target, input = source, program = "dot";
  char* arguments[] = {program.data(), type.data(), output.data(), input.data(), nullptr};
  pid_t process = 0;
  const int error = ::posix_spawnp(&process, "dot", nullptr, nullptr, arguments, environ);
  require<Error>(error == 0,
                 "Graphviz cannot be run: its program dot is not found; install graphviz, or ask for a name that ends "
                 "in .dot");
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  require<Error>(WIFEXITED(status) && WEXITSTATUS(status) == 0, "Graphviz failed to make a picture of format {}",
                 format);
}

// Removed when it is not needed any more.
class ScratchFile {
 public:
  explicit ScratchFile(std::string path) : path_(std::move(path)) {}
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile() { ::unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void plot_model(const PlotCommand& command) {
  const std::string format = format_of(command.picture);
  require_own_file("picture", command.picture, {command.model});
  const SavedModel saved = read_keras(command.model);
  const std::string text = plot(saved.network, command.options);
  NewFile picture(command.picture);
  if (format == "dot") {
    picture.write(text);
  } else {
    const ScratchFile source(picture.temporary() + ".dot");
    NewFile file(source.path());
    file.write(text);
    file.commit();
    run_graphviz(format, source.path(), picture.temporary());
  }
  picture.commit();
}

}  // namespace

void add_plot(CLI::App& program) {
  CLI::App* command = program.add_subcommand("plot", "Draws a model file as a picture, through Graphviz");
  auto given = std::make_shared<PlotCommand>();
  command->add_option("model", given->model, "The model file, such as model.h5")->required();
  command->add_option("picture", given->picture, "The picture: .svg, .png, .pdf, or .dot for Graphviz' own text")
      ->required();
  command->add_option("--rankdir", given->options.rankdir, "The way data flows: TB, BT, LR or RL");
  command->add_flag("--activations", given->options.show_layer_activations, "Shows activations, too");
  command->add_flag("--trainable", given->options.show_trainable, "Shows which layers are frozen, too");
  command->add_flag("--shapes,!--no-shapes", given->options.show_shapes, "Shows shapes (they are shown by default)");
  command->callback([given] { plot_model(*given); });
}

}  // namespace maas::cli
