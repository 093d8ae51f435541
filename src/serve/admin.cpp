// What changes what is served: the repository extension of the Open Inference Protocol, and calls of maas' own.
#include <charconv>
#include <deque>

#include "serve/form.hpp"
#include "serve/jobs.hpp"
#include "serve/json_rows.hpp"
#include "serve/json_writer.hpp"
#include "serve/load_parameters.hpp"
#include "serve/model_settings.hpp"
#include "serve/prediction.hpp"
#include "serve/raw_rows.hpp"
#include "serve/status.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

struct IndexState {
  std::string_view state, reason;
};

IndexState index_state(const VersionStatus& status) {
  switch (status.state) {
    case VersionState::waiting:
      return {"UNAVAILABLE", "waiting for its file to stay as it is"};
    case VersionState::loading:
      return {"LOADING", ""};
    case VersionState::available:
      return {"READY", status.error};
    case VersionState::unloading:
      return {"UNLOADING", "requests that have begun still hold it"};
    case VersionState::failed:
      return {"UNAVAILABLE", status.error};
    case VersionState::retired:
      return {"UNAVAILABLE", "unloaded"};
  }
  return {"UNKNOWN", ""};
}

// A body that may be empty, else an object.
template <class Read>
void read_object(const Request& request, std::string_view what, const Limits& limits, const Read& read) {
  if (request.body.find_first_not_of(" \t\r\n") == std::string::npos) return;
  const JsonDocument document(request.body, limits.json_depth);
  require<DataError>(document.root().kind() == JsonKind::object, "{}: expected an object, got {}", what,
                     document.root().kind_name());
  read(document.root());
}

// Calls back with each of "parameters".
template <class Take>
void for_each_parameter(const Request& request, std::string_view what, const Limits& limits, const Take& take) {
  read_object(request, what, limits, [&](JsonView root) {
    const auto parameters = root.member("parameters");
    if (!parameters || parameters->kind() == JsonKind::null) return;
    require<DataError>(parameters->kind() == JsonKind::object, "{}: expected \"parameters\" to be an object, got {}",
                       what, parameters->kind_name());
    parameters->for_each_member(take);
  });
}

std::string named(const std::string& model) {
  std::string out = R"({"name":)";
  append_text(out, model);
  return out;
}

Response settings_answer(const Context& context, const std::string& model) {
  std::string out = named(model) + ',';
  append_settings(out, context.repository.settings(model));
  if (const auto servable = context.repository.find(model); servable && servable->pipeline)
    out += R"(,"columns":)" + raw_columns(*servable);
  return {.body = out + '}'};
}

std::optional<std::int64_t> optional_version(JsonView root, std::string_view name) {
  const auto value = root.member(name);
  if (!value || value->kind() == JsonKind::null) return std::nullopt;
  require<DataError>(value->integer() && *value->integer() >= 0,
                     "expected \"{}\" to be a version, a whole number of at least 0, got {}", name, value->kind_name());
  return value->integer();
}

Response set_label(const Context& context, const Route& route, const Request& request) {
  if (request.method == "DELETE") {
    context.changer->remove_label(route.model, *route.label);
    return settings_answer(context, route.model);
  }
  std::optional<std::int64_t> version;
  read_object(request, "label", context.limits, [&](JsonView root) { version = optional_version(root, "version"); });
  require<DataError>(version.has_value(), R"(label: expected {{"version": N}}, got none)");
  context.changer->set_label(route.model, *route.label, *version);
  return settings_answer(context, route.model);
}

Response set_traffic(const Context& context, const Route& route, const Request& request) {
  std::optional<Canary> canary;
  std::optional<std::int64_t> shadow;
  read_object(request, "traffic", context.limits, [&](JsonView root) {
    shadow = optional_version(root, "shadow");
    const auto object = root.member("canary");
    if (!object || object->kind() == JsonKind::null) return;
    const auto version = optional_version(*object, "version");
    const auto share = object->member("share");
    require<DataError>(version && share && share->number(),
                       R"(traffic: expected "canary" to be {{"version": N, "share": 0.1}}, got another)");
    canary = Canary{*version, *share->number()};
  });
  context.changer->set_traffic(route.model, canary, shadow);
  return settings_answer(context, route.model);
}

}  // namespace

Response repository_index(const Context& context, const Request& request) {
  bool only_ready = false;
  read_object(request, "index", context.limits, [&](JsonView root) {
    const auto ready = root.member("ready");
    require<DataError>(!ready || ready->boolean(), "index: expected \"ready\" to be true or false, got {}",
                       ready ? ready->kind_name() : "none");
    only_ready = ready && *ready->boolean();
  });
  std::string out = "[";
  std::size_t count = 0;
  for (const std::string& model : context.repository.models())
    for (const VersionStatus& status : context.repository.status(model)) {
      const IndexState state = index_state(status);
      if ((only_ready && state.state != "READY") || ++count > context.limits.index_entries) continue;
      out += (out.size() > 1 ? "," : "") + named(model);
      out += fmt::format(R"(,"version":"{}","state":"{}","reason":)", status.version, state.state);
      append_text(out, state.reason);
      out += '}';
    }
  return {.body = out + "]"};
}

Response repository_load(const Context& context, const Route& route, const Request& request) {
  LoadParameters parameters(route.model, context.options.allow_upload);
  for_each_parameter(request, "load", context.limits,
                     [&](std::string_view name, JsonView value) { parameters.take(name, value); });
  if (parameters.files().empty())
    context.changer->load(route.model, parameters.policy());
  else
    context.changer->add_files(route.model, parameters.files(), parameters.policy());
  return {.body = named(route.model) + R"(,"load":true})"};
}

Response repository_unload(const Context& context, const Route& route, const Request& request) {
  for_each_parameter(request, "unload", context.limits, [](std::string_view name, JsonView) {
    require<DataError>(name == "unload_dependents", "unload: expected no parameter but unload_dependents, got \"{}\"",
                       name);
  });
  context.changer->unload(route.model);
  return {.body = named(route.model) + R"(,"unload":true})"};
}

namespace {

// As JSON, or as a form: a field "job", that JSON, and files of data. Rows of `files` in that JSON, and those of a file
// whose name ends in .json, become CSV of that name.
Response add_job(Jobs& jobs, const Request& request, const Limits& limits) {
  const std::string* type = request.header("Content-Type");
  std::string_view job = request.body;
  std::vector<Jobs::Upload> uploads;
  std::deque<std::string> made;  // what uploads look at
  std::size_t room = jobs.upload_bytes();
  const auto add_rows = [&](std::string_view name, JsonView rows) {
    made.push_back(csv_of_rows(rows, fmt::format("job: rows of \"{}\"", name.substr(0, 255)), room));
    room -= made.back().size();
    uploads.push_back({std::string(name), made.back()});
  };
  if (type != nullptr && is_form(*type)) {
    job = {};
    for (const FormPart& part : form_parts(request.body, *type)) {
      const std::string& name = part.filename.empty() ? part.name : part.filename;
      if (part.name == "job")
        job = part.body;
      else if (name.ends_with(".json"))
        add_rows(name, JsonDocument(part.body, limits.json_depth).root());
      else
        uploads.push_back({name, part.body});
    }
    require<DataError>(!job.empty(), "form: expected a field \"job\", got none");
  }
  const JsonDocument document(job, limits.json_depth);
  if (const auto files = document.root().member("files")) {
    require<DataError>(files->kind() == JsonKind::object, "job: expected \"files\", rows by name, got {}",
                       files->kind_name());
    require<DataError>(files->size() <= 100, "job: expected at most 100 files, got {}", files->size());
    files->for_each_member(add_rows);
  }
  return jobs.add(document.root(), uploads);
}

}  // namespace

Response job_answer(const Context& context, const Route& route, const Request& request) {
  Jobs& jobs = *context.jobs;
  switch (route.action) {
    case Action::jobs: {
      if (request.method != "POST") return jobs.list();
      return add_job(jobs, request, context.limits);
    }
    case Action::job_events: {
      const std::string* last = request.header("Last-Event-ID");
      std::uint64_t number = 0;
      if (last != nullptr) std::from_chars(last->data(), last->data() + last->size(), number);
      return jobs.events(route.job, number);
    }
    case Action::job_cancel:
      return jobs.cancel(route.job);
    case Action::job_resume:
      return jobs.resume(route.job);
    case Action::job_promote:
      return jobs.promote(route.job);
    default:
      return jobs.status(route.job);
  }
}

Response maas_change(const Context& context, const Route& route, const Request& request) {
  switch (route.action) {
    case Action::maas_label:
      return set_label(context, route, request);
    case Action::maas_rollback:
      return {.body = named(route.model) + fmt::format(R"(,"version":{}}})", context.changer->roll_back(route.model))};
    case Action::maas_restore:
      context.changer->restore(route.model, *route.version);
      return settings_answer(context, route.model);
    case Action::maas_traffic:
      return set_traffic(context, route, request);
    default:
      return settings_answer(context, route.model);
  }
}

}  // namespace maas::inline MAAS_ABI::serve
