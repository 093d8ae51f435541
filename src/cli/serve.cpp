// maas serve: a folder of models as a prediction server, until it is told to stop.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "cli/commands.hpp"
#include "cli/finite.hpp"
#include "maas/core/error.hpp"
#include "maas/core/parallel.hpp"
#include "maas/serve/config_file.hpp"
#include "maas/serve/server.hpp"
#if defined(MAAS_CLI_GRPC)
#include "maas/serve/grpc.hpp"
#endif

namespace maas::cli {

namespace {

using std::chrono::milliseconds;

struct ServeOptions {
  serve::RepositoryOptions repository;
  serve::ServerOptions server;
  std::string config_file, state_folder;
  std::string v2_nonfinite = "tokens", swap = "load-first";
  bool only_polls = false, no_batching = false;
  unsigned at_once_us = 50;
  unsigned job_seconds = 86400;
  double load_seconds = 300;
  std::string metrics_compat;
  double head_seconds = 10, body_grace_seconds = 10, write_seconds = 30;
  double stream_save_seconds = 30;
  double poll_seconds = 1, wait_seconds = 10, drain_delay = 5, drain_timeout = 25;
  int grpc_port = -1;  // none
  unsigned idle_seconds = 75, receive_seconds = 0;
};

// Whoever listens may be gone, or have no room: a server answers all the same. The exit code tells of it, as of others.
template <class... Arguments>
void say(std::FILE* to, fmt::format_string<Arguments...> text, Arguments&&... arguments) {
  try {
    fmt::print(to, text, std::forward<Arguments>(arguments)...);
  } catch (const std::system_error&) {
  }
}

milliseconds milliseconds_of(double seconds) { return milliseconds(static_cast<std::int64_t>(seconds * 1000)); }

// Each connection is an open file: as many as the system lets this process have.
void raise_open_files(unsigned connections) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  constexpr rlim_t others = 64;  // models that are read, and the like
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY &&
      files.rlim_cur < connections + others)
    say(stderr, "maas: only {} open files are allowed, too few for {} connections (ulimit -Hn)\n", files.rlim_cur,
        connections);
}

// Options that a file gives and the command line does not.
void apply_config(CLI::App& command, const serve::ConfigFile& config, const std::string& path) {
  for (const auto& [name, value] : config.options) {
    CLI::Option* option = command.get_option_no_throw("--" + name);
    const bool is_setting = option != nullptr && name != "config" && name != "help";
    require<ConfigError>(is_setting, "{}: server: expected an option of maas serve, got \"{}\"", path, name);
    if (option->count() > 0) continue;
    try {
      option->add_result(value);
      option->run_callback();
    } catch (const CLI::Error& error) {
      fail<ConfigError>("{}: server: {}", path, error.what());
    }
  }
}

// SIGTERM and SIGINT, held back in all threads that are started after it, and waited for in this one.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  void wait() const {
    int signal = 0;
    sigwait(&set_, &signal);
  }
  // Until the next one comes or the time is over; which it was, at most 0 for none.
  int wait_at_most(milliseconds time) const {
    const timespec most{.tv_sec = time.count() / 1000, .tv_nsec = time.count() % 1000 * 1'000'000};
    return sigtimedwait(&set_, nullptr, &most);
  }

 private:
  sigset_t set_{};
};

// While models are loaded for the first time a signal ends the process at once: nobody is answered yet, and there is
// nothing to keep.
class EarlyEnd {
 public:
  explicit EarlyEnd(const StopSignals& signals)
      : thread_([&signals](const std::stop_token& stop) {
          while (!stop.stop_requested())
            if (const int signal = signals.wait_at_most(milliseconds(50)); signal > 0) end_by(signal);
        }) {}

 private:
  // As if it had not been held back; the first process of a container outlives its own signals.
  [[noreturn]] static void end_by(int signal) {
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal);
    std::signal(signal, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
    std::raise(signal);
    std::_Exit(128 + signal);
  }

  std::jthread thread_;
};

// A folder of state has one server: it goes with the process, however that ends.
class StateLock {
 public:
  explicit StateLock(const std::string& folder) {
    if (folder.empty()) return;
    const std::string path = folder + "/lock";
    file_ = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644);
    require<FormatError>(file_ >= 0, "{}: cannot be written: {}", path, std::strerror(errno));
    if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return;
    const int problem = errno;
    if (problem == EWOULDBLOCK) ::close(file_);
    require<ConfigError>(problem != EWOULDBLOCK,
                         "serve: expected a --state of its own, got {}, which another server uses", folder);
    say(stderr, "maas: {}: no other server is kept away: {}\n", path, std::strerror(problem));
  }
  StateLock(const StateLock&) = delete;
  StateLock& operator=(const StateLock&) = delete;
  ~StateLock() {
    if (file_ >= 0) ::close(file_);
  }

 private:
  int file_ = -1;
};

void print_models(const serve::Repository& repository) {
  for (const std::string& model : repository.models())
    for (const serve::VersionStatus& status : repository.status(model)) {
      if (status.state == serve::VersionState::available) say(stdout, "{} version {}\n", model, status.version);
      if (!status.error.empty()) say(stderr, "maas: {} version {}: {}\n", model, status.version, status.error);
    }
  for (const std::string& model : repository.missing())
    say(stderr, "maas: {} is required and does not answer: not ready\n", model);
}

// The gRPC service, where it is built and asked for.
class Grpc {
 public:
#if defined(MAAS_CLI_GRPC)
  Grpc(serve::Server& server, int port) {
    if (port < 0) return;
    service_ = std::make_unique<serve::GrpcServer>(server, port);
    say(stdout, "gRPC at {}:{}\n", server.options().address, service_->port());
  }
  void set_not_ready() const {
    if (service_) service_->set_not_ready();
  }
  void stop(milliseconds most) const {
    if (service_) service_->stop(most);
  }

 private:
  std::unique_ptr<serve::GrpcServer> service_{};
#else
  Grpc(serve::Server&, int) {}
  void set_not_ready() const {}
  void stop(milliseconds) const {}
#endif
};

serve::NonFinite nonfinite_of(const std::string& name) {
  if (name == "null") return serve::NonFinite::null;
  return name == "error" ? serve::NonFinite::error : serve::NonFinite::tokens;
}

void run(CLI::App& command, const std::shared_ptr<ServeOptions>& given) {
  if (!given->config_file.empty()) {
    const serve::ConfigFile config = serve::read_config_file(given->config_file);
    apply_config(command, config, given->config_file);
    given->repository.models = config.models;
  }
  ServeOptions options = *given;
  const StopSignals signals;      // before any thread is started
  std::signal(SIGPIPE, SIG_IGN);  // a client that has left is no reason to end
  std::signal(SIGCHLD, SIG_DFL);  // whoever started it may have left it ignored: how trainings end would be lost
  raise_open_files(options.server.connections);
  if (const char* token = std::getenv("MAAS_TOKEN")) options.server.token = token;
  if (!options.state_folder.empty()) {
    std::filesystem::create_directories(options.state_folder);
    options.repository.state_file = options.state_folder + "/models.json";
    options.server.stream_file = options.state_folder + "/streams.jsonl";
    options.server.drift_file = options.state_folder + "/drift.jsonl";
  }
  if (!options.server.jobs.data.empty()) {
    require<ConfigError>(!options.state_folder.empty(),
                         "serve: expected --state, where trainings are kept, with --job-data");
    options.server.jobs.folder = options.state_folder + "/jobs";
    if (options.server.jobs.program.empty())
      options.server.jobs.program = std::filesystem::read_symlink("/proc/self/exe").string();
    options.server.jobs.time = std::chrono::seconds(options.job_seconds);
  }
  require<ConfigError>(!options.repository.folder.empty() || !options.repository.model_path.empty(),
                       "serve: expected a folder, or --model-name and --model-path, got none");
  options.server.triton_metrics = options.metrics_compat == "triton";
  options.server.load = milliseconds_of(options.load_seconds);
  options.repository.notices = !options.only_polls;
  options.server.batching = !options.no_batching;
  options.repository.swap = options.swap == "unload-first" ? serve::Swap::unload_first : serve::Swap::load_first;
  options.server.v2_nonfinite = nonfinite_of(options.v2_nonfinite);
  options.server.stream_save = milliseconds_of(options.stream_save_seconds);
  options.server.at_once = std::chrono::microseconds(options.at_once_us);
  options.server.head = milliseconds_of(options.head_seconds);
  options.server.body_grace = milliseconds_of(options.body_grace_seconds);
  options.server.write = milliseconds_of(options.write_seconds);
  options.repository.poll = milliseconds_of(options.poll_seconds);
  options.server.limits.wait = milliseconds_of(options.wait_seconds);
  options.server.drain = milliseconds_of(options.drain_timeout);
  options.server.idle = std::chrono::seconds(options.idle_seconds);
  options.server.receive = std::chrono::seconds(options.receive_seconds);
  // Requests share the processors out among themselves: one large one is not to take those of all others.
  set_threads(1);
  options.repository.warn = options.server.warn = [](const std::string& text) { say(stderr, "maas: {}\n", text); };
  const StateLock lock(options.state_folder);
  auto early = std::make_unique<EarlyEnd>(signals);
  serve::Repository repository(options.repository);
  early.reset();  // from here on there may be somebody who is answered
  serve::Server server(repository, options.server);
  const Grpc grpc(server, options.grpc_port);
  print_models(repository);
  const std::string& from =
      options.repository.folder.empty() ? options.repository.model_path : options.repository.folder;
  say(stdout, "serving {} at {}\n", from, server.url());
  std::fflush(stdout);
  signals.wait();
  server.set_not_ready();
  grpc.set_not_ready();
  say(stdout, "stopping: not ready any more\n");
  std::fflush(stdout);
  signals.wait_at_most(milliseconds_of(options.drain_delay));
  server.stop_accepting();  // the time to drain is one, for both
  grpc.stop(options.server.drain);
  say(stdout, "{}\n", server.stop() ? "stopped: all requests were answered" : "stopped: some requests were given up");
  std::fflush(stdout);
  require<FormatError>(server.save_state(),
                       "{}: not all of the state could be written: the next start has an older one",
                       options.state_folder);
}

void add_limits(CLI::App& command, ServeOptions& options) {
  serve::ServerOptions& server = options.server;
  const auto positive = finite(CLI::Range(1.0, 1e15)), from_none = finite(CLI::Range(0.0, 1e15));
  command.add_option("--max-body-bytes", server.limits.body_bytes, "Largest body; else 413")->check(positive);
  command.add_option("--max-header-bytes", server.header_bytes, "Largest head of a request; else 431")->check(positive);
  command.add_option("--max-headers", server.headers, "Most headers of a request; else 431")->check(CLI::Range(1, 256));
  command.add_option("--max-uri-bytes", server.limits.path_bytes, "Longest path with its query; else 414")
      ->check(positive);
  command.add_option("--max-index", server.limits.index_entries, "Most versions that an index names")->check(positive);
  command.add_option("--max-rows", server.limits.rows, "Most samples in a request; else 413")->check(positive);
  command.add_option("--max-elements", server.limits.tensor_elements, "Most numbers in a tensor; else 413")
      ->check(positive);
  command.add_option("--max-json-depth", server.limits.json_depth, "Deepest nesting of JSON; else 400")
      ->check(positive);
  command.add_option("--max-connections", server.connections, "Most connections; others wait")
      ->check(finite(CLI::Range(1.0, 4e9)));
  command.add_option(
      "--pipelined-requests", server.pipelined_requests,
      "Requests of one connection that are worked on at once: 1, as the HTTP library begins the next one "
      "when the one before has been answered");
  command.add_option("--max-queue", server.queue, "Most predictions that wait for a thread; else 503")
      ->check(from_none);
  command
      .add_option("--max-model-queue", server.model_queue,
                  "Of these, most predictions of one model that wait; else 429")
      ->check(positive);
  command
      .add_option("--max-model-rows", server.model_rows,
                  "Most samples of one model that wait, about; else 429; a request alone may have more")
      ->check(positive);
  command
      .add_option("--load-seconds", options.load_seconds, "When a load that is asked for is answered 504, and goes on")
      ->check(finite(CLI::Range(0.001, 86400.0)));
  command
      .add_option("--loads-at-once", options.repository.loads_at_once,
                  "Model files that are read and tried at once, of different models; each takes a processor")
      ->check(CLI::Range(1, 64));
  command
      .add_option("--max-model-bytes", options.repository.model_bytes,
                  "Most bytes of weights of all versions that answer or are still held by requests; one more version "
                  "is not taken up, and a load of it 429, until there is room; 0: any number")
      ->check(finite(CLI::Range(0.0, 1e15)));
  command.add_option("--max-held-bytes", server.held_bytes, "Most bytes of all bodies and answers together; else 503")
      ->check(from_none);
  command
      .add_option("--max-token-calls", server.limits.token_calls,
                  "Most predictions at once with one token; else 429; 0: any number")
      ->check(CLI::Range(0, 1'000'000'000));
  command.add_option("--max-wait", options.wait_seconds, "Longest wait for a thread in seconds; else 504")
      ->check(finite(CLI::Range(0.001, 86400.0)));
  command.add_option("--idle-seconds", options.idle_seconds, "When a connection without traffic is closed")
      ->check(CLI::Range(1, 86400));
  command.add_option("--head-seconds", options.head_seconds, "When a head that is still coming is given up; 408")
      ->check(finite(CLI::Range(0.01, 86400.0)));
  command.add_option("--min-body-rate", server.body_rate, "Bytes a second of a body below which it is given up; 408")
      ->check(from_none);
  command.add_option("--body-grace-seconds", options.body_grace_seconds, "How long a body may come more slowly")
      ->check(finite(CLI::Range(0.01, 86400.0)));
  command
      .add_option("--write-seconds", options.write_seconds, "When an answer of which 64 KiB were not taken is given up")
      ->check(finite(CLI::Range(0.01, 86400.0)));
  command
      .add_option("--receive-seconds", options.receive_seconds,
                  "When a body that is still coming is given up, however fast it comes; 408; 0: it is not")
      ->check(CLI::Range(0, 86400));
}

void add_jobs(CLI::App& command, ServeOptions& options) {
  command.add_option("--max-streams", options.server.streams, "Most sensors whose windows are held")
      ->check(finite(CLI::Range(1.0, 1e9)));
  command
      .add_option(
          "--stream-save-seconds", options.stream_save_seconds,
          "From one time that changed windows and counts of drift are kept to the next, which is what a crash loses; "
          "0: at the stop")
      ->check(finite(CLI::Range(0.0, 86400.0)));
  command.add_option("--job-data", options.server.jobs.data,
                     "Offers trainings by request, of files in this folder; needs --state");
  command.add_option("--job-program", options.server.jobs.program, "The maas that trains; empty for this one");
  command.add_option("--job-memory-bytes", options.server.jobs.memory_bytes, "Address space that a training may take")
      ->check(finite(CLI::Range(1.0, 1e15)));
  command
      .add_option("--job-threads", options.server.jobs.threads,
                  "Processors and threads that a training has; 0: all but one, which is left to answers")
      ->check(CLI::Range(0, 1024));
  command.add_option("--job-seconds", options.job_seconds, "Time that a training may take")
      ->check(CLI::Range(1, 30 * 86400));
  command
      .add_option("--job-upload-bytes", options.server.jobs.upload_bytes,
                  "Most bytes of files that come with a training; else 413")
      ->check(finite(CLI::Range(1.0, 1e15)));
  command.add_option("--job-queue", options.server.jobs.queue, "Most trainings that wait; else 429")
      ->check(CLI::Range(1, 1000));
}

}  // namespace

void add_serve(CLI::App& program) {
  CLI::App* command = program.add_subcommand("serve", "Serves a folder of models over HTTP until SIGTERM or SIGINT");
  command->option_defaults()->always_capture_default();
  auto options = std::make_shared<ServeOptions>();
  command->add_option("folder", options->repository.folder,
                      "Holds MODEL/VERSION/model.h5 or .keras, or MODEL.h5; MODEL/maas.json has settings of the model");
  command->add_option("--model-name", options->repository.model_name, "One model more, or the only one");
  command->add_option("--model-path", options->repository.model_path,
                      "Where it is: a folder of versions, a folder with a model file, or the file");
  command->add_option("--port", options->server.port, "Where to listen; 0 for any free port")
      ->check(CLI::Range(0, 65535));
#if defined(MAAS_CLI_GRPC)
  command->add_option("--grpc-port", options->grpc_port, "Where to listen for gRPC; 0 for any free port, -1 for none")
      ->check(CLI::Range(-1, 65535));
#endif
  command->add_option("--address", options->server.address,
                      "The address to listen on, or the name of a host that has it");
  command->add_flag("--no-batching", options->no_batching, "Runs each request alone, even while others wait");
  command
      ->add_option("--at-once-us", options->at_once_us,
                   "Predictions likely to take no longer, in microseconds, are not handed to a thread; 0: all are")
      ->check(CLI::Range(0, 1'000'000));
  command->add_option("--config", options->config_file, "A JSON file: options, and settings of models");
  command->add_option(
      "--state", options->state_folder,
      "A folder that keeps labels, what is unloaded or withdrawn, windows of streams, counts of drift and trainings "
      "for the next start");
  command->add_option("--token-file", options->server.token_file,
                      "Tokens, one a line: SCOPE[,SCOPE] SHA256 NAME, or the token itself for all scopes; # begins a "
                      "comment. MAAS_TOKEN in the environment is one more");
  command->add_flag("--open-admin", options->server.open_admin, "Lets changes be made without a token");
  command->add_flag("--auth-health", options->server.closed_health, "Asks for a token for health, too");
  command->add_option("--tls-certificate", options->server.certificate_file, "A certificate in PEM form: speaks TLS");
  command->add_option("--tls-key", options->server.key_file, "Its key, likewise");
  command
      ->add_option("--compress-from", options->server.compress_from,
                   "Compresses predictions of so many bytes for clients that allow it; 0: none")
      ->check(CLI::Range(0.0, 1e15));
  command
      ->add_option("--v2-nonfinite", options->v2_nonfinite,
                   "How /v2 writes what JSON has no number for: as NaN and Infinity, as null, or not: then it is a 500")
      ->check(CLI::IsMember({"tokens", "null", "error"}));
  command->add_flag("--v1-strict", options->server.v1_strict,
                    "States of versions have TensorFlow Serving's members alone, without KServe's name and ready");
  command->add_flag("--lenient", options->server.lenient,
                    "Passes over inputs in {\"inputs\": {...}} of /v1 that a model has not");
  command->add_option("--metrics-compat", options->metrics_compat, "Has the counts in /metrics as Triton does, too")
      ->check(CLI::IsMember({"", "triton"}));
  command->add_flag("--strict-dtypes", options->server.strict_dtypes,
                    "Takes inputs of /v2 in the model's datatype alone, FP32, instead of converting others");
  command->add_flag("--allow-upload", options->server.allow_upload,
                    "Lets a load bring model files along, for those who may change what is served");
  command->add_option("--base-path", options->server.base_path, "Cut off the beginning of paths: /base");
  command->add_flag("--cors", options->server.cors, "Lets pages of any origin ask");
  command->add_flag("--only-polls", options->only_polls, "Does not wait for notices of the file system");
  command->add_flag("--insecure", options->server.insecure, "Lets other machines ask without a token");
  command->add_option("--threads", options->server.threads, "Threads that predict; 0 for one a processor")
      ->check(CLI::Range(0, 1024));
  command->add_option("--poll-seconds", options->poll_seconds, "From one look at the folder to the next")
      ->check(finite(CLI::Range(0.01, 86400.0)));
  command->add_option("--versions", options->repository.versions, "How many versions of a model answer at once")
      ->check(CLI::Range(1, 1000));
  command
      ->add_option(
          "--swap", options->swap,
          "Whether a new version is loaded before the one before goes, or that goes first, to save its memory: "
          "then none answers meanwhile, a 503")
      ->check(CLI::IsMember({"load-first", "unload-first"}));
  command
      ->add_option("--drain-delay", options->drain_delay,
                   "After SIGTERM, seconds in which all is answered but readiness says no; a second signal ends it")
      ->check(finite(CLI::Range(0.0, 86400.0)));
  command->add_option("--drain-timeout", options->drain_timeout, "Then, seconds in which what is in flight is answered")
      ->check(finite(CLI::Range(0.0, 86400.0)));
  add_limits(*command, *options);
  add_jobs(*command, *options);
  command->callback([command, options] { run(*command, options); });
}

}  // namespace maas::cli
