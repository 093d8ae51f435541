// maas load-test: how fast a server answers at a given rate, and what it can bear.
#include "serve/load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/finite.hpp"
#include "maas/core/read_file.hpp"
#include "serve/names.hpp"

namespace maas::cli {

namespace {

using serve::LoadForm;
using serve::LoadResult;
using std::chrono::nanoseconds;

struct LoadTestOptions {
  std::string url, model, version, body, form = "binary", token_file, content_type = "application/json";
  std::vector<std::string> headers;
  std::int64_t rows = 1;
  double rate = 100, seconds = 10, warmup = 1, timeout = 10, p99_ms = 50;
  int connections = 16;
  bool find = false, json = false;
};

nanoseconds nanoseconds_of(double seconds) { return nanoseconds(static_cast<std::int64_t>(seconds * 1e9)); }
double ms(nanoseconds time) { return std::chrono::duration<double, std::milli>(time).count(); }

// The first token of a file that `maas serve --token-file` reads, too: # begins a comment. Digests cannot be sent.
std::string first_token(const std::string& path) {
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string token, more;
    if (!(words >> token)) continue;
    require<FormatError>(!(words >> more), "{}: expected a line with a token alone, got scopes and a digest", path);
    return token;
  }
  fail<FormatError>("{}: expected a line with a token, got none", path);
}

std::string header_lines(const LoadTestOptions& options) {
  std::string lines;
  if (!options.token_file.empty())
    lines += fmt::format("Authorization: Bearer {}\r\n", first_token(options.token_file));
  for (const std::string& header : options.headers) {
    const bool is_header = header.find(':') != header.npos && header.find_first_of("\r\n") == header.npos;
    require<ConfigError>(is_header, "--header: expected \"NAME: VALUE\", got \"{}\"", header);
    lines += header + "\r\n";
  }
  return lines;
}

serve::LoadRequest request_of(const LoadTestOptions& options, const serve::LoadUrl& url, nanoseconds timeout) {
  const std::string headers = header_lines(options);
  if (!options.model.empty()) {
    const std::string version = options.version.empty() ? "" : "/versions/" + serve::escaped(options.version);
    const std::string path = serve::escaped(options.model) + version;
    const std::string metadata = serve::ask_once(url, {.path = "/v2/models/" + path, .headers = headers}, timeout);
    const LoadForm form = options.form == "json"   ? LoadForm::json
                          : options.form == "rows" ? LoadForm::rows
                                                   : LoadForm::binary;
    serve::LoadRequest request = serve::prediction_request(metadata, path, form, static_cast<Index>(options.rows));
    request.headers += headers;
    return request;
  }
  const std::string path = url.prefix.empty() ? "/" : "";
  if (options.body.empty()) return {.path = path, .headers = headers};
  return {.method = "POST",
          .path = path,
          .headers = fmt::format("Content-Type: {}\r\n{}", options.content_type, headers),
          .body = read_file(options.body)};
}

std::string counts_text(const LoadResult& result) {
  std::string text;
  for (const auto& [status, count] : result.statuses) text += fmt::format(", {}: {}", status, count);
  for (const auto& [why, count] : result.failures) text += fmt::format(", no answer ({}): {}", why, count);
  return text.empty() ? text : text.substr(2);
}

void print_text(const LoadTestOptions& options, double rate, const LoadResult& result) {
  const serve::LatencyCounts& latency = result.latency;
  fmt::print("rate      {:.6g}/s for {:g} s on {} connections: {} requests\n", rate, options.seconds,
             options.connections, result.due);
  fmt::print("answers   {}; {:.6g} good ones a second\n", counts_text(result), result.rate());
  fmt::print("latency   p50 {:.3f}  p90 {:.3f}  p99 {:.3f}  p99.9 {:.3f}  max {:.3f} ms, from when each was due\n",
             ms(latency.percentile(.5)), ms(latency.percentile(.9)), ms(latency.percentile(.99)),
             ms(latency.percentile(.999)), ms(latency.max()));
  fmt::print("generator p99 {:.3f}  max {:.3f} ms late of its own\n", ms(result.lateness.percentile(.99)),
             ms(result.lateness.max()));
}

std::string latency_json(const serve::LatencyCounts& latency) {
  return fmt::format(R"({{"p50":{:.6f},"p90":{:.6f},"p99":{:.6f},"p99.9":{:.6f},"max":{:.6f},"mean":{:.6f}}})",
                     ms(latency.percentile(.5)), ms(latency.percentile(.9)), ms(latency.percentile(.99)),
                     ms(latency.percentile(.999)), ms(latency.max()), ms(latency.mean()));
}

std::string json_of(const LoadTestOptions& options, double rate, const LoadResult& result) {
  std::string statuses, failures;
  for (const auto& [status, count] : result.statuses)
    statuses += fmt::format(R"({}"{}":{})", statuses.empty() ? "" : ",", status, count);
  for (const auto& [why, count] : result.failures)
    failures += fmt::format(R"({}"{}":{})", failures.empty() ? "" : ",", why, count);
  return fmt::format(R"({{"rate":{},"seconds":{},"connections":{},"requests":{},"good":{},"good_rate":{:.3f},)"
                     R"("statuses":{{{}}},"failures":{{{}}},"latency_ms":{},"generator_ms":{}}})",
                     rate, options.seconds, options.connections, result.due, result.succeeded(), result.rate(),
                     statuses, failures, latency_json(result.latency), latency_json(result.lateness));
}

void find(const LoadTestOptions& options, const serve::LoadUrl& url, const serve::LoadRequest& request,
          const serve::LoadOptions& load) {
  std::string steps;
  const auto told = [&](double rate, const LoadResult& result, bool bears) {
    if (options.json) steps += (steps.empty() ? "" : ",") + json_of(options, rate, result);
    if (!options.json)
      fmt::print("{:>10.6g}/s  {}  p50 {:.3f}  p99 {:.3f} ms  {}\n", rate, bears ? "borne   " : "too much",
                 ms(result.latency.percentile(.5)), ms(result.latency.percentile(.99)), counts_text(result));
    std::fflush(stdout);
  };
  const double most = serve::find_saturation(
      url, request, load, {.least = options.rate, .p99 = nanoseconds_of(options.p99_ms / 1000), .told = told});
  if (options.json)
    fmt::print("{{\"saturation\":{},\"steps\":[{}]}}\n", most, steps);
  else
    fmt::print("saturation {:.6g}/s, with p99 up to {:g} ms\n", most, options.p99_ms);
  if (most == 0) throw CLI::RuntimeError(2);  // not one rate was borne
}

void run(const LoadTestOptions& options) {
  require<ConfigError>(options.model.empty() || options.body.empty(), "expected --model or --body, got both");
  const serve::LoadUrl url = serve::LoadUrl::parse(options.url);
  const serve::LoadOptions load{.rate = options.rate,
                                .duration = nanoseconds_of(options.seconds),
                                .warmup = nanoseconds_of(options.warmup),
                                .connections = options.connections,
                                .timeout = nanoseconds_of(options.timeout)};
  const serve::LoadRequest request = request_of(options, url, load.timeout);
  if (options.find) return find(options, url, request, load);
  const LoadResult result = serve::run_load(url, request, load);
  if (options.json)
    fmt::print("{}\n", json_of(options, options.rate, result));
  else
    print_text(options, options.rate, result);
  if (result.succeeded() != result.due) throw CLI::RuntimeError(2);
}

}  // namespace

void add_load_test(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "load-test", "Sends requests at a constant rate and tells how long they take; exit code 2 if any went wrong");
  command->option_defaults()->always_capture_default();
  auto options = std::make_shared<LoadTestOptions>();
  const auto positive = finite(CLI::Range(1e-3, 1e7));
  command->add_option("url", options->url, "http://HOST[:PORT][/PATH]; without --model and --body it is asked with GET")
      ->required();
  command->add_option("--model", options->model, "Predicts with this model of a server at the URL");
  command->add_option("--model-version", options->version, "Which version of it");
  command->add_option("--form", options->form, "Of the body: Open Inference Protocol in bytes or JSON, or instances")
      ->check(CLI::IsMember({"binary", "json", "rows"}));
  command->add_option("--rows", options->rows, "Samples in a request")->check(CLI::Range(1, 1'000'000));
  command->add_option("--body", options->body, "A file that is posted to the URL");
  command->add_option("--content-type", options->content_type, "Of that file");
  command->add_option("--header", options->headers, "\"NAME: VALUE\", as often as one likes");
  command->add_option("--token-file", options->token_file,
                      "A file that begins with the token to send; # begins a comment");
  command->add_option("--rate", options->rate, "Requests a second; where saturation is looked for, the first rate")
      ->check(positive);
  command->add_option("--seconds", options->seconds, "How long, at each rate")->check(positive);
  command->add_option("--warmup", options->warmup, "Seconds before that, not counted")
      ->check(finite(CLI::Range(0.0, 1e6)));
  command->add_option("--connections", options->connections, "Connections, all open from the start")
      ->check(CLI::Range(1, 100'000));
  command->add_option("--timeout", options->timeout, "Seconds from when a request is due to when it is given up")
      ->check(positive);
  command->add_flag("--find-saturation", options->find,
                    "Raises the rate until it is too much, or lowers it until it is not");
  command->add_option("--p99-ms", options->p99_ms, "What is too much: a p99 above this")->check(positive);
  command->add_flag("--json", options->json, "Tells it as JSON");
  command->callback([options] { run(*options); });
}

}  // namespace maas::cli
