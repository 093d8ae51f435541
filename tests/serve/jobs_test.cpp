// Trainings by request, with a script in the place of the program that trains.
#include "serve/jobs.hpp"

#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "serve/asking.hpp"
#include "serve/child.hpp"
#include "serve/form.hpp"
#include "serve/held_file.hpp"
#include "serve/models.hpp"
#include "serve/status.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using serve::Response;

namespace files = std::filesystem;

namespace {

// Stands for `maas`: what it does is told by words in the recipe's description. It runs in the job's folder. Scores are
// in a file beside the model: 1 for the one that is there, and what the description says for the new one.
constexpr const char* script = R"sh(#!/bin/sh
if [ "$1" = evaluate ]; then
  [ -f "$2" ] && [ -f "$3" ] || exit 1
  grep -q patient recipe.json && while [ ! -f go ]; do sleep 0.02; done
  case "$2" in */jobs_home/*) rmse=$(sed -n 's/.*rmse=\([0-9.]*\).*/\1/p' recipe.json);; *) rmse=1;; esac
  grep -q unknown recipe.json && rmse=null
  grep -q forecasts recipe.json && { echo "[{\"model\":\"persistence\",\"rmse\":0},{\"model\":\"network\",\"rmse\":$rmse},{\"model\":\"network\",\"rmse\":3}]"; exit 0; }
  echo "{\"name\":\"h\",\"targets\":[{\"target\":\"y\",\"rows\":3,\"answers\":[{\"name\":\"model\",\"mae\":9,\"rmse\":$rmse},{\"name\":\"mean\",\"rmse\":0}]}]}"
  exit 0
fi
case "$*" in *--check*)
  grep -q misspelt recipe.json && { echo "maas: $2: training: expected keys of epochs; got \"epoch\"" >&2; exit 1; }
  grep -q unfit recipe.json && { echo "maas: $2: tuner: 1 does not fit: $2: training: no" >&2; exit 1; }
  grep -q unreadable recipe.json && { echo "maas: no memory" >&2; exit 1; }
  exit 0;;
esac
echo "$@" > arguments.txt
grep Cpus_allowed_list /proc/self/status > processors.txt
echo '{"event":"begin","epochs":2,"weights":3}'
echo '{"event":"epoch","epoch":1,"epochs":2,"figures":{"loss":0.5}}'
grep -q waits recipe.json && [ ! -f resumed ] && { touch resumed; exec sleep 60; }
grep -q fails recipe.json && { echo "first line" >&2; echo "maas: it does not fit" >&2; exit 1; }
grep -q eats recipe.json && { exec python3 -c 'x = bytearray(2000000000)'; }
echo '{"event":"epoch","epoch":2,"epochs":2,"figures":{"loss":0.25}}'
cp ../../jobs_made/model.h5 model.h5
echo '{"event":"end","finite":true}'
)sh";

struct JobService {
  std::unique_ptr<serve::Repository> repository{};
  std::unique_ptr<serve::Protocol> protocol{};

  explicit JobService(bool fresh = true, std::chrono::seconds time = 600s, int threads = 0,
                      std::function<void(const std::string&)> warn = {}) {
    if (fresh) make();
    repository = std::make_unique<serve::Repository>(serve::RepositoryOptions{.folder = "jobs_models", .poll = 50ms});
    protocol = std::make_unique<serve::Protocol>(*repository,
                                                 serve::ProtocolOptions{.open_admin = true,
                                                                        .jobs = {.folder = "jobs_home",
                                                                                 .data = "jobs_data",
                                                                                 .program = "jobs_script",
                                                                                 .memory_bytes = std::uint64_t{1} << 30,
                                                                                 .time = time,
                                                                                 .threads = threads,
                                                                                 .queue = 2},
                                                                        .warn = std::move(warn)});
  }

  static void make() {
    for (const char* folder : {"jobs_models", "jobs_home", "jobs_data", "jobs_made"}) files::remove_all(folder);
    for (const char* folder : {"jobs_models/m/1", "jobs_data/deep", "jobs_made"}) files::create_directories(folder);
    write_keras("jobs_models/m/1/model.h5", {.network = affine(1)});
    write_keras("jobs_made/model.h5", {.network = affine(2)});
    std::ofstream("jobs_data/deep/x.csv") << "x,y\n1,2\n";
    std::ofstream("secret.csv") << "x,y\n1,2\n";
    std::ofstream("jobs_script") << script;
    files::permissions("jobs_script", files::perms::owner_all);
  }

  Response post(std::string_view path, std::string body = {}) {
    return protocol->answer(tests::post(path, std::move(body)));
  }
  Response add(const std::string& description, const std::string& more = R"(,"holdout":"deep/x.csv")") {
    return post("/v1/jobs",
                fmt::format(R"({{"model":"m","recipe":{{"description":"{}","data":{{"files":"deep/x.csv"}}}}{}}})",
                            description, more));
  }
  std::string job(int number) { return protocol->answer(get(fmt::format("/v1/jobs/{}", number))).body; }
  // A training runs when nobody else wants the processor, and other tests do.
  bool reaches(int number, const std::string& part) {
    for (int i = 0; i < 120000; ++i) {
      if (job(number).find(part) != std::string::npos) return true;
      std::this_thread::sleep_for(5ms);
    }
    UNSCOPED_INFO(job(number));
    return false;
  }
  std::int64_t answering() { return repository->find("m")->version; }
};

}  // namespace

TEST_CASE("a training that is better on the holdout goes live") {
  JobService served;
  const Response added = served.add("rmse=0.5");
  CHECK(added.status == 200);
  CHECK_THAT(added.body, ContainsSubstring(R"("id":1,"model":"m","state":")"));
  CHECK(served.reaches(1, R"("state":"promoted")"));
  CHECK_THAT(served.job(1), ContainsSubstring(R"("epoch":2,"epochs":2)"));
  CHECK_THAT(served.job(1), ContainsSubstring(R"("score":{"name":"rmse","new":0.5,"live":1,"live_version":1})"));
  CHECK_THAT(served.job(1), ContainsSubstring(R"("version":2)"));
  CHECK(served.answering() == 2);
  CHECK(served.repository->find("m")->network.predict(Matrix::Ones(1, 2))(0, 0) == Scalar(10.5));
  const std::string arguments = content("jobs_home/1/arguments.txt");
  CHECK_THAT(arguments, ContainsSubstring("--progress json --resume --set data.files=[\""));
  CHECK_THAT(arguments, ContainsSubstring("--set training.backup_seconds=5"));
  CHECK_THAT(arguments, ContainsSubstring("jobs_data/deep/x.csv"));
}

TEST_CASE("a training that is worse is kept as a candidate, and may be promoted by hand") {
  JobService served;
  served.add("rmse=1.5");
  CHECK(served.reaches(1, R"("state":"candidate")"));
  CHECK_THAT(served.job(1), ContainsSubstring("worse on the holdout"));
  CHECK(served.answering() == 1);
  CHECK(served.post("/v1/jobs/1:promote").status == 200);
  CHECK(served.answering() == 2);
  CHECK(served.post("/v1/jobs/1:promote").status == 409);
  served.add("rmse=0.1", "");
  CHECK(served.reaches(2, "there is no holdout"));
  served.add("rmse=0.1", R"(,"holdout":"deep/x.csv","promote":"never")");
  CHECK(served.reaches(3, R"("state":"candidate")"));
  CHECK(served.answering() == 2);
}

TEST_CASE("a model that cannot be served does not go live") {
  JobService served;
  std::ofstream("jobs_made/model.h5") << "no model";
  served.add("rmse=0.5");
  CHECK(served.reaches(1, R"("state":"candidate")"));
  CHECK_THAT(served.job(1), ContainsSubstring(R"("error":"load: )"));
  CHECK(served.answering() == 1);
  CHECK_FALSE(files::exists("jobs_models/m/2"));
  write_keras("jobs_home/1/model.h5", {.network = affine(2)});  // what kept it from going live may pass
  CHECK(served.post("/v1/jobs/1:promote").status == 200);
  CHECK(served.answering() > 1);
}

TEST_CASE("trainings of models that could never be served are refused") {
  JobService served;
  const auto add = [](serve::Protocol& protocol, const std::string& model) {
    return protocol.answer(tests::post(
        "/v1/jobs", R"({"model":")" + model + R"(","recipe":{"description":"rmse=1","data":{"files":"deep/x.csv"}}})"));
  };
  for (const char* name : {".h", "x.tmp", "x.part"}) {
    const Response refused = add(*served.protocol, name);
    INFO(refused.body);
    CHECK(refused.status == 400);
    CHECK_THAT(refused.body, ContainsSubstring("does not pass over"));
    CHECK_THROWS_AS(served.repository->add_version(name, "jobs_made/model.h5"), ConfigError);
  }
  CHECK_FALSE(files::exists("jobs_home/1"));
  serve::Repository repository({.model_name = "m", .model_path = "jobs_models/m"});
  serve::Protocol protocol(
      repository, {.open_admin = true, .jobs = {.folder = "jobs_home", .data = "jobs_data", .program = "/bin/true"}});
  const Response refused = add(protocol, "m");
  CHECK(refused.status == 409);
  CHECK_THAT(refused.body, ContainsSubstring("a folder of models, got one without"));
}

TEST_CASE("a job that goes live is not cancelled any more") {
  JobService served;
  served.add("patient rmse=0.5");
  CHECK(served.reaches(1, R"("state":"checking")"));
  tests::HeldFile held("jobs_home/1/model.h5");
  const bool is_held = held.is_held();  // where the file system knows leases
  std::ofstream("jobs_home/1/go") << "";
  if (is_held) {
    CHECK(wait_until([&] { return held.is_waited_for(); }, 300s));
    const Response refused = served.post("/v1/jobs/1:cancel");
    CHECK(refused.status == 409);
    CHECK_THAT(refused.body, ContainsSubstring("going live"));
  }
  held.let_go();
  CHECK(served.reaches(1, R"("state":"promoted")"));
  CHECK(served.answering() == 2);
}

namespace {

// As on a disk that is full: no file of this process grows beyond so many bytes.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t most) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small{.rlim_cur = most, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  SmallFiles(const SmallFiles&) = delete;
  SmallFiles& operator=(const SmallFiles&) = delete;
  ~SmallFiles() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

// A folder in its place cannot be written over. What has just happened may be written between the two.
void block_state(int number) {
  const std::string path = fmt::format("jobs_home/{}/job.json", number);
  std::error_code error;
  REQUIRE(wait_until([&] {
    files::remove(path, error);
    return files::create_directory(path, error);
  }));
}

}  // namespace

TEST_CASE("what is asked of jobs is done where the disk takes it, or not at all") {
  JobService served;
  {
    const SmallFiles small(80);  // a recipe, and no job
    CHECK(served.add("rmse=0.5").status == 500);
  }
  CHECK(served.protocol->answer(get("/v1/jobs")).body == R"({"jobs":[]})");
  CHECK_THAT(served.add("unfit").body,
             ContainsSubstring(R"("recipe: tuner: 1 does not fit: training: no")"));  // no path
  CHECK(files::is_empty("jobs_home"));
  CHECK(served.add("waits rmse=0.5").status == 200);
  CHECK(served.reaches(1, R"("state":"running","epoch":1)"));
  CHECK(served.add("rmse=0.6").status == 200);
  block_state(2);
  CHECK(served.post("/v1/jobs/2:cancel").status == 500);
  CHECK_THAT(served.job(2), ContainsSubstring(R"("state":"queued")"));
  files::remove_all("jobs_home/2/job.json");
  CHECK(served.post("/v1/jobs/2:cancel").status == 200);
  block_state(2);
  CHECK(served.post("/v1/jobs/2:resume").status == 500);
  CHECK_THAT(served.job(2), ContainsSubstring(R"("state":"cancelled")"));
}

TEST_CASE("what has become of a job stands though the disk is full, and is written later") {
  {
    JobService served;
    served.add("patient rmse=0.5");
    CHECK(served.reaches(1, R"("state":"checking")"));
    block_state(1);
    std::ofstream("jobs_home/1/go") << "";
    CHECK(served.reaches(1, R"("state":"promoted")"));
    CHECK_FALSE(served.protocol->save_state());
    CHECK_THAT(served.protocol->answer(get("/metrics")).body,
               !ContainsSubstring("maas_state_saves_total{result=\"failure\"} 0\n"));
    served.add("rmse=0.6", "");
    CHECK(served.reaches(2, R"("state":"candidate")"));
    block_state(2);
    CHECK(served.post("/v1/jobs/2:promote").status == 200);
    CHECK(served.answering() == 3);
    files::remove_all("jobs_home/1/job.json");
    files::remove_all("jobs_home/2/job.json");
    CHECK(served.protocol->save_state());
  }
  JobService served(false);
  CHECK_THAT(served.job(1), ContainsSubstring(R"("state":"promoted")"));
  CHECK_THAT(served.job(2), ContainsSubstring(R"("state":"promoted")"));
}

TEST_CASE("who asks how jobs stand does not wait while that is written") {
  JobService* asked = nullptr;
  std::atomic<bool> is_told{false}, is_answered{false};
  const auto warn = [&](const std::string&) {  // in the midst of the write, in the place of a slow disk
    if (is_told) return;
    std::thread asking([&] { is_answered = asked->protocol->answer(get("/v1/jobs")).status == 200; });
    wait_until([&] { return is_answered.load(); });
    is_told = true;
    asking.detach();
  };
  JobService served(true, 600s, 0, warn);
  asked = &served;
  served.add("patient rmse=0.5");
  CHECK(served.reaches(1, R"("state":"checking")"));
  block_state(1);
  std::ofstream("jobs_home/1/go") << "";
  CHECK(wait_until([&] { return is_told.load(); }, 300s));
  CHECK(is_answered);
  CHECK(wait_until([&] { return is_answered.load(); }));
  files::remove_all("jobs_home/1/job.json");
}

TEST_CASE("a recipe that is wrong is refused when it comes") {
  JobService served;
  const Response refused = served.add("misspelt");
  CHECK(refused.status == 400);
  CHECK_THAT(refused.body, ContainsSubstring(R"("recipe: training: expected keys of epochs; got \"epoch\"")"));
  CHECK(served.protocol->answer(get("/v1/jobs")).body == R"({"jobs":[]})");
  CHECK(files::is_empty("jobs_home"));
  CHECK(served.add("unreadable rmse=0.5").status == 200);  // no fault of the recipe, as far as one can see
  CHECK(served.reaches(1, R"("state":"promoted")"));
}

TEST_CASE("a training ends even where others take the ends of this program's children away") {
  struct Ignored {
    void (*before)(int) = std::signal(SIGCHLD, SIG_IGN);
    ~Ignored() { std::signal(SIGCHLD, before); }
  } ignored;
  const serve::ChildEnd end = serve::run_child(
      {.arguments = {"/bin/true"},
       .folder = "/",
       .errors = "/dev/null",
       .memory_bytes = std::uint64_t{1} << 30,
       .time = 120s},
      [](std::string_view) {}, [] { return false; });
  CHECK(end.is_lost);
  CHECK_FALSE(end.is_good());
  CHECK_FALSE(end.is_late);
  JobService served;
  served.add("rmse=0.5");  // what it leaves decides
  CHECK(served.reaches(1, R"("state":"promoted")"));
  served.add("fails");
  CHECK(served.reaches(2, "training ended before it had a model: maas: it does not fit"));
  served.add("waits");
  CHECK(served.reaches(3, R"("state":"running","epoch":1)"));
  CHECK(served.post("/v1/jobs/3:cancel").status == 200);
  CHECK(served.reaches(3, R"("state":"cancelled")"));
}

TEST_CASE("what a job says is told as events, from where one left off") {
  JobService served;
  served.add("rmse=0.5");
  CHECK(served.reaches(1, R"("state":"promoted")"));
  const Response first = served.protocol->answer(get("/v1/jobs/1/events"));
  CHECK(first.content_type == "text/event-stream");
  CHECK(first.body.starts_with("retry: 1000\n\nid: 41\ndata: {\"event\":\"begin\",\"epochs\":2,\"weights\":3}\n\n"));
  CHECK_THAT(first.body, ContainsSubstring("\"event\":\"end\""));
  serve::Request more = get("/v1/jobs/1/events");
  more.headers = {{"Last-Event-ID", "41"}};
  CHECK_THAT(served.protocol->answer(more).body, ContainsSubstring("\"epoch\":1"));
  CHECK(served.protocol->answer(more).body.find("begin") == std::string::npos);
  more.headers[0].second = "100000000";
  CHECK(served.protocol->answer(more).status == 204);
  CHECK(served.protocol->answer(get("/v1/jobs/9/events")).status == 404);
}

TEST_CASE("jobs are cancelled, and go on; too many are refused") {
  JobService served;
  served.add("waits rmse=0.5");
  CHECK(served.reaches(1, R"("state":"running","epoch":1)"));
  served.add("rmse=0.6");
  served.add("rmse=0.6");
  const Response refused = served.add("rmse=0.6");
  CHECK(refused.status == 429);
  CHECK(header(refused, "Retry-After") != nullptr);
  CHECK(served.post("/v1/jobs/2:cancel").status == 200);
  CHECK_THAT(served.job(2), ContainsSubstring(R"("state":"cancelled")"));
  CHECK(served.post("/v1/jobs/1:cancel").status == 200);
  CHECK(served.reaches(1, R"("state":"cancelled")"));
  CHECK(served.post("/v1/jobs/1:cancel").status == 409);
  CHECK(served.reaches(3, R"("state":"promoted")"));
  CHECK(served.post("/v1/jobs/3:resume").status == 409);
  CHECK(served.post("/v1/jobs/1:resume").status == 200);
  CHECK(served.reaches(1, R"("state":"promoted")"));
  CHECK_THAT(served.protocol->answer(get("/v1/jobs")).body, ContainsSubstring(R"({"jobs":[{"id":3,)"));
}

TEST_CASE("a job that runs when the server ends is interrupted, and resumed by a call") {
  {
    JobService served;
    served.add("waits rmse=0.5");
    CHECK(served.reaches(1, R"("state":"running","epoch":1)"));
    served.add("rmse=0.5");
  }
  JobService served(false);
  CHECK_THAT(served.job(1), ContainsSubstring(R"("state":"interrupted","epoch":1,"epochs":2)"));
  CHECK(served.reaches(2, R"("state":"promoted")"));  // what waited is run
  CHECK(served.post("/v1/jobs/1:resume").status == 200);
  CHECK(served.reaches(1, R"("state":"promoted")"));
}

TEST_CASE("a job that fails or takes too much memory is told of") {
  JobService served;
  served.add("fails");
  CHECK(served.reaches(1, "training ended with code 1: maas: it does not fit"));
  served.add("eats");
  CHECK(served.reaches(2, R"("state":"failed")"));
  CHECK(served.answering() == 1);
}

TEST_CASE("a job that takes too long is ended and told of") {
  JobService served(true, 2s);
  served.add("waits");
  CHECK(served.reaches(1, "training took longer than 2 s"));
  CHECK(served.answering() == 1);
}

TEST_CASE("a job may read the folder of data, and write where it is told") {
  JobService served;
  files::create_symlink(files::absolute("secret.csv"), "jobs_data/link.csv");
  const auto refused = [&](const std::string& recipe, const std::string& part, const std::string& more = "") {
    const Response response = served.post("/v1/jobs", R"({"model":"m","recipe":)" + recipe + more + "}");
    INFO(response.body);
    CHECK(response.status == 400);
    CHECK_THAT(response.body, ContainsSubstring(part));
  };
  for (const char* name : {"../secret.csv", "link.csv", "none.csv", "deep", "/etc/passwd", ""})
    refused(fmt::format(R"({{"data":{{"files":["deep/x.csv","{}"]}}}})", name), "a file in the folder of data");
  const std::string data = R"("data":{"files":"deep/x.csv"})";
  refused("{" + data + R"(,"output":{"model":"/tmp/x.h5"}})", "no output");
  refused("{" + data + R"(,"training":{"backup":"/tmp/x"}})", "no training.backup");
  refused("{" + data + R"(,"training":{"callbacks":[{"class":"CSVLogger","filename":"/tmp/x"}]}})", "CSVLogger");
  refused("{" + data + R"(,"training":{"callbacks":["model_checkpoint"]}})", "model_checkpoint");
  for (const char* path : {"training", "training.callbacks", "training.callbacks[0].filename", "training.backup"})
    refused("{" + data + R"(,"tuner":{"space":{")" + path + R"(":["/tmp/x"]}}})", "tuner.space: expected no callbacks");
  refused("{" + data + "}", "a file in the folder of data", R"(,"holdout":"../secret.csv")");
  refused("{" + data + "}", "promote", R"(,"promote":"always")");
  refused("{}", "data.files");
  refused("3", "an object");
  CHECK(served.post("/v1/jobs", "{}").status == 400);
  CHECK(served.post("/v1/jobs", R"({"model":"a/b","recipe":{}})").status == 400);
  CHECK(served.protocol->answer(get("/v1/jobs/x")).status == 400);
  CHECK(served.protocol->answer(get("/v1/jobs/7")).status == 404);
  CHECK(served.post("/v1/jobs/7:explode").status == 404);
  CHECK(served.protocol->answer(get("/v1/jobs")).body == R"({"jobs":[]})");
  CHECK(served
            .post("/v1/jobs", "{" + std::string(R"("model":"m","recipe":{)") + data +
                                  R"(,"training":{"callbacks":[{"class":"EarlyStopping"}]}}})")
            .status == 200);
}

namespace {

std::string part(const std::string& head, const std::string& content) {
  return "--AaB03x\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + content + "\r\n";
}

serve::Request form(const std::string& parts) {
  return tests::post("/v1/jobs", parts + "--AaB03x--\r\n", {{"Content-Type", "multipart/form-data; boundary=AaB03x"}});
}

// y of x, with its pipeline.
void write_with_pipeline(const std::string& path) {
  Table table;
  table.add({.name = "x", .numbers = {1, 2, 3}});
  table.add({.name = "y", .numbers = {2, 4, 6}});
  Pipeline pipeline({.features = {"x"}, .targets = {"y"}});
  pipeline.fit(table);
  write_keras(path, {.network = Network{input(Shape{1}, "x"), dense(1).named("y")}, .info = {.pipeline = pipeline}});
}

}  // namespace

TEST_CASE("files of data come with a job, as a form") {
  JobService served;
  const std::string job = R"({"model":"m","holdout":"held.csv","recipe":{"description":"rmse=0.5"}})";
  const Response added = served.protocol->answer(form(part("name=\"job\"", job) +
                                                      part("name=\"file\"; filename=\"new.csv\"", "x,y\r\n3,4\r\n") +
                                                      part("name=\"held.csv\"", "x,y\n5,6\n")));
  CHECK(added.status == 200);
  CHECK(served.reaches(1, R"("state":"promoted")"));
  CHECK(content("jobs_home/1/data/new.csv") == "x,y\r\n3,4\r\n");
  CHECK(content("jobs_home/1/data/held.csv") == "x,y\n5,6\n");
  // All but the holdout, as the recipe names none.
  CHECK_THAT(content("jobs_home/1/arguments.txt"), ContainsSubstring("data.files=[\"data/new.csv\"] "));
  const std::string both =
      R"({"model":"m","recipe":{"description":"rmse=0.5","data":{"files":["deep/x.csv","new.csv"]}}})";
  served.protocol->answer(form(part("name=\"new.csv\"", "x,y\n") + part("name=\"job\"; filename=\"job.json\"", both)));
  CHECK(served.reaches(2, "there is no holdout"));
  CHECK_THAT(content("jobs_home/2/arguments.txt"), ContainsSubstring("jobs_data/deep/x.csv\",\"data/new.csv\"]"));

  const auto refused = [&](const std::string& parts, int status, const std::string& why) {
    const Response response = served.protocol->answer(form(parts));
    INFO(response.body);
    CHECK(response.status == status);
    CHECK_THAT(response.body, ContainsSubstring(why));
  };
  const std::string good = part("name=\"job\"", both);
  refused(part("name=\"new.csv\"", "x"), 400, "a field \\\"job\\\"");
  for (const char* name : {"../x.csv", "a/b.csv", ".hidden", "..", "a b"})
    refused(good + part(fmt::format("name=\"f\"; filename=\"{}\"", name), "x"), 400, "expected names of files");
  refused(good + part("name=\"a.csv\"", "x") + part("name=\"a.csv\"", "x"), 400, "two files");
  refused(good, 400, "a file in the folder of data");  // new.csv did not come
  refused(good + "--AaB03x\r\nContent-Type: text/csv\r\n\r\nx\r\n", 400, "a name for each part");
  refused("x" + good, 400, "boundary first");
  serve::Request other = form(good);
  other.headers[0].second = "multipart/form-data";
  CHECK(served.protocol->answer(other).status == 400);
  CHECK_FALSE(files::exists("jobs_home/3"));
  for (const auto& entry : files::directory_iterator("jobs_home"))
    CHECK_FALSE(entry.path().filename().string().starts_with("new-"));
}

TEST_CASE("files that come with a job have a limit, and leave nothing behind where it is full") {
  JobService::make();
  serve::Repository repository({.folder = "jobs_models"});
  serve::Protocol protocol(
      repository, {.open_admin = true,
                   .jobs = {.folder = "jobs_home", .data = "jobs_data", .program = "jobs_script", .upload_bytes = 10}});
  const std::string job = part("name=\"job\"", R"({"model":"m","recipe":{"description":"rmse=1"}})");
  CHECK(protocol.answer(form(job + part("name=\"a.csv\"", "12345") + part("name=\"b.csv\"", "123456"))).status == 413);
  CHECK(files::is_empty("jobs_home"));
  CHECK(protocol.answer(form(job + part("name=\"a.csv\"", "12345") + part("name=\"b.csv\"", "12345"))).status == 200);
}

TEST_CASE("rows of data come with a job as JSON") {
  JobService served;
  const Response added = served.post(
      "/v1/jobs", R"({"model":"m","recipe":{"description":"rmse=0.5"},"holdout":"held.csv","files":{)"
                  R"("new.csv":[{"x":1,"kind":"a \"b\", c"},{"x":2.5,"ok":true,"kind":null},{"ok":false,"x":NaN}],)"
                  R"("held.csv":[{"x":9007199254740993},{"x":null}]}})");
  INFO(added.body);
  CHECK(added.status == 200);
  CHECK(served.reaches(1, R"("state":"promoted")"));
  CHECK(content("jobs_home/1/data/new.csv") == "\"x\",\"kind\",\"ok\"\n1,\"a \"\"b\"\", c\",\n2.5,,true\n,,false\n");
  CHECK(content("jobs_home/1/data/held.csv") == "\"x\"\n9007199254740993\n\"\"\n");
  CHECK_THAT(content("jobs_home/1/arguments.txt"), ContainsSubstring("data.files=[\"data/new.csv\"] "));
  const Table table = read_csv("jobs_home/1/data/new.csv");
  CHECK(table.numbers("x")[1] == 2.5);
  CHECK(table.column("kind").texts[0] == "a \"b\", c");
  // As a file of a form.
  const std::string job = R"({"model":"m","recipe":{"description":"rmse=0.5"}})";
  served.protocol->answer(
      form(part("name=\"job\"", job) + part("name=\"f\"; filename=\"rows.json\"", R"([{"x": 1, "y": 2}])")));
  CHECK(served.reaches(2, "there is no holdout"));
  CHECK(content("jobs_home/2/data/rows.json") == "\"x\",\"y\"\n1,2\n");

  const auto refused = [&](const std::string& files, const std::string& why, int status = 400) {
    const Response response =
        served.post("/v1/jobs", R"({"model":"m","recipe":{"description":"rmse=0.5"},"files":)" + files + "}");
    INFO(files << " " << response.body);
    CHECK(response.status == status);
    CHECK_THAT(response.body, ContainsSubstring(why));
  };
  refused("[1]", "expected \\\"files\\\", rows by name, got a list");
  refused(R"({"n.csv": {"x": 1}})", "job: rows of \\\"n.csv\\\": expected a list of rows");
  refused(R"({"n.csv": []})", "got an empty one");
  refused(R"({"n.csv": [{}]})", "got none with a name");
  refused(R"({"n.csv": [{"": 1}]})", "got an empty one");
  refused(R"({"n.csv": [{"x": 1}, 2]})", "as row 1, got a number");
  refused(R"({"n.csv": [{"x": [1]}]})", "in \\\"x\\\" of row 0, got a list");
  refused(R"({"n.csv": [{"x": Infinity}]})", "a finite number");
  refused(R"({"n.csv": [{"x": "a\u0000b"}]})", "without zero bytes");
  refused(R"({"../n.csv": [{"x": 1}]})", "expected names of files");
  refused(R"({"n.csv": [{"x": 1}], "n.csv": [{"x": 1}]})", "two files");
  std::string square = "[";  // 10,000 rows of a name each
  for (int i = 0; i < 10000; ++i) square += fmt::format(R"({}{{"c{}":1}})", i == 0 ? "" : ",", i);
  refused("{\"n.csv\": " + square + "]}", "bytes of CSV", 413);
  refused("{\"n.csv\": " + square + R"(,{"more":1}]})", "at most 10000 names");
}

TEST_CASE("forms are read whatever their parameters look like, and broken ones refused") {
  const auto parts = [](const std::string& head, const std::string& type = "multipart/form-data; boundary=\"b c\"") {
    const std::string body = "--b c\r\n" + head + "\r\n\r\n--b d\r\n--b c--";
    return serve::form_parts(body, type);
  };
  const auto found = parts("content-disposition: form-data; filename=\"a;\\\"b.csv\" ; NAME=job\r\nX: y");
  REQUIRE(found.size() == 1);
  CHECK(found[0].name == "job");
  CHECK(found[0].filename == "a;\"b.csv");
  CHECK(serve::is_form("Multipart/Form-Data ; boundary=x"));
  CHECK_FALSE(serve::is_form("multipart/mixed"));
  CHECK_FALSE(serve::is_form(""));
  for (const char* head : {"", "Content-Disposition: form-data", "Content-Disposition: form-data; name=\"\"",
                           "Content-Disposition: form-data; name", "Content-Disposition form-data; name=x"})
    CHECK_THROWS_AS(parts(head), DataError);
  // Every beginning of a good one, and every byte of it changed.
  const std::string good = "--b\r\nContent-Disposition: form-data; name=\"n\"; filename=\"f\\\"\"\r\n\r\nx\r\n--b--";
  CHECK(serve::form_parts(good, "multipart/form-data; boundary=b").size() == 1);
  const auto reads = [](const std::string& body, const std::string& type) {
    try {
      return serve::form_parts(body, type).size() < 100;
    } catch (const DataError&) {
      return true;
    }
  };
  const std::string type = "multipart/form-data; boundary=b";
  for (std::size_t i = 0; i < good.size(); ++i) {
    CHECK(reads(good.substr(0, i), type));
    for (const char c : {'"', '\\', '\r', '\n', '-', ';', '=', ':', '\0'}) {
      std::string changed = good;
      changed[i] = c;
      CHECK(reads(changed, type));
    }
  }
  for (std::size_t i = 0; i < type.size(); ++i)
    for (const char c : {'"', '\\', ';', '='}) {
      std::string changed = type;
      changed[i] = c;
      CHECK(reads(good, changed));
    }
  std::string many;
  for (int i = 0; i < 101; ++i) many += "--b\r\nContent-Disposition: form-data; name=n\r\n\r\n\r\n";
  CHECK_THROWS_AS(serve::form_parts(many + "--b--", type), DataError);
}

TEST_CASE("of a forecaster's table the mean error of its own rows is the score") {
  JobService served;
  CHECK(served.add("forecasts rmse=0.5").status == 200);
  CHECK(served.reaches(1, R"("state":"promoted")"));
  CHECK_THAT(served.job(1), ContainsSubstring(R"("score":{"name":"rmse","new":1.75,"live":2,"live_version":1})"));
  CHECK(served.add("forecasts rmse=1.5").status == 200);
  CHECK(served.reaches(2, R"("state":"candidate")"));
  CHECK_THAT(served.job(2), ContainsSubstring(R"("score":{"name":"rmse","new":2.25,"live":2,"live_version":2})"));
  CHECK(served.add("forecasts unknown").status == 200);
  CHECK(served.reaches(3, R"("state":"candidate")"));
  CHECK_THAT(served.job(3), ContainsSubstring("the new model has no score"));
}

TEST_CASE("a training goes on from a forecaster that is served") {
  JobService served;
  Readings readings{.values = Matrix::Random(40, 1), .sensors = {"north"}};
  Forecaster forecaster({.windows = {.lags = 2, .horizons = {1}}}, ForecastNetwork{.hidden = {}});
  forecaster.fit(readings, {.fit = {.epochs = 1, .verbose = 0}, .out_of_range = OutOfRange::pass});
  files::create_directories("jobs_models/road/1");
  forecaster.save("jobs_models/road/1/model.h5");
  served.repository->load("road");
  CHECK(served
            .post("/v1/jobs",
                  R"({"model":"road","recipe":{"description":"rmse=0.5","data":{"files":"deep/x.csv"}},"base":{}})")
            .status == 200);
  CHECK(served.reaches(1, R"("state":"candidate")"));
  CHECK(content("jobs_home/1/base.h5") == content("jobs_models/road/1/model.h5"));
}

TEST_CASE("a training goes on from a model that is served") {
  JobService served;
  files::create_directories("jobs_models/p/3");
  write_with_pipeline("jobs_models/p/3/model.h5");
  served.repository->load("p");
  served.repository->set_label("p", "stable", 3);
  const auto add = [&](const std::string& base, const std::string& recipe = "") {
    return served.post("/v1/jobs", R"({"model":"p","recipe":{"description":"rmse=0.5","data":{"files":"deep/x.csv"})" +
                                       recipe + "}" + base + "}");
  };
  int number = 0;
  for (const char* base : {"{}", R"({"model":"p"})", R"({"version":3})", R"({"model":"p","label":"stable"})"}) {
    INFO(base);
    CHECK(add(R"(,"base":)" + std::string(base)).status == 200);
    CHECK(served.reaches(++number, R"("state":"candidate")"));
    const std::string folder = fmt::format("jobs_home/{}/", number);
    CHECK_THAT(content(folder + "arguments.txt"), ContainsSubstring("--set base=\"base.h5\""));
    CHECK(content(folder + "base.h5") == content("jobs_models/p/3/model.h5"));
  }
  for (const char* base : {"3", R"({"version":4})", R"({"version":"3"})", R"({"label":"none"})", R"({"label":3})",
                           R"({"version":3,"label":"stable"})", R"({"model":"none"})", R"({"model":"m"})"}) {
    INFO(base);
    CHECK(add(R"(,"base":)" + std::string(base)).status == 400);
  }
  CHECK_THAT(add("", R"(,"base":"/etc/passwd")").body, ContainsSubstring("recipe: expected no base"));
}

TEST_CASE("trainings are not offered where there is no folder for them, or nobody may") {
  serve::Repository repository{serve::RepositoryOptions{}};
  serve::Protocol without(repository, {.open_admin = true});
  CHECK(without.answer(get("/v1/jobs")).status == 501);
  files::create_directories("jobs_data");
  const serve::JobOptions jobs{.folder = "jobs_other", .data = "jobs_data", .program = "/bin/true"};
  serve::Protocol closed(repository, {.jobs = jobs});
  CHECK(closed.answer(get("/v1/jobs")).status == 501);
  std::ofstream("job_tokens.txt")  // echo -n abc | sha256sum
      << "infer ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad a\nadmin,train plain b\n";
  CHECK_THROWS_AS(serve::Protocol(repository, {.token_file = "job_tokens.txt"}), FormatError);
  std::ofstream("job_tokens.txt") << "train ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad a\n";
  serve::Protocol scoped(repository, {.token_file = "job_tokens.txt", .jobs = jobs});
  serve::Request request = get("/v1/jobs");
  request.headers = {{"Authorization", "Bearer abc"}};
  CHECK(scoped.answer(request).status == 200);
  request = post("/v1/jobs/1:promote", "", request.headers);
  CHECK(scoped.answer(request).status == 403);
}

TEST_CASE("a child's lines come whole, and it ends with what it was told") {
  std::vector<std::string> lines;
  const auto run = [&](const char* what, std::chrono::seconds time, bool stops) {
    lines.clear();
    return serve::run_child(
        {.arguments = {"/bin/sh", "-c", what},
         .folder = "/",
         .errors = "/dev/null",
         .memory_bytes = std::uint64_t{1} << 30,
         .time = time},
        [&](std::string_view line) { lines.emplace_back(line); }, [&] { return stops; });
  };
  serve::ChildEnd end = run("printf 'a\\nb'; sleep 0.1; printf 'c\\n\\nlast without end'; exit 7", 120s, false);
  CHECK(end.exit_code == 7);
  CHECK(lines == std::vector<std::string>{"a", "bc", ""});
  end = run("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo short", 120s, false);
  CHECK(lines == std::vector<std::string>{"short"});  // one that is too long is left out
  end = run("exec sleep 30", 120s, true);
  CHECK(end.is_stopped);
  CHECK(end.signal == SIGTERM);
  end = run("exec sleep 30", 1s, false);
  CHECK(end.is_late);
  CHECK(run("test $(nice) -ge 10", 120s, false).exit_code == 0);
  CHECK(run("test $(cut -d' ' -f41 /proc/self/stat) -eq 5", 120s, false).exit_code == 0);  // SCHED_IDLE
  CHECK(run("ls /proc/self/fd | wc -l | grep -qx 4", 120s, false).exit_code == 0);
  const auto start = [](const std::string& program, const std::string& folder) {
    return serve::run_child(
        {.arguments = {program},
         .folder = folder,
         .errors = files::absolute("child_errors.txt").string(),
         .memory_bytes = std::uint64_t{1} << 30,
         .time = 60s},
        [](std::string_view) {}, [] { return false; });
  };
  CHECK(start("/no/such/program", "/").exit_code == 127);
  CHECK(content("child_errors.txt") == "/no/such/program: cannot be run: No such file or directory\n");
  CHECK(start("/bin/true", "/no/such/folder").exit_code == serve::ChildEnd::not_set_up);
}

TEST_CASE("a program that cannot train is refused at the start, and told of where it goes later") {
  JobService served;
  files::create_directories("jobs_folder");
  std::ofstream("jobs_text") << "no program";
  for (const char* program : {"", "none", "jobs_folder", "jobs_text"}) {
    INFO(program);
    CHECK_THROWS_AS(
        serve::Protocol(*served.repository, {.jobs = {.folder = "jobs_more", .data = "jobs_data", .program = program}}),
        ConfigError);
  }
  files::remove("jobs_script");
  served.add("rmse=0.5");
  CHECK(served.reaches(1, "jobs_script: cannot be run: No such file or directory"));
}

TEST_CASE("a child's share leaves a processor free where there are several") {
  using Processors = std::vector<int>;
  CHECK(serve::share_of_processors({0, 1}, 0, 0) == Processors{1});
  CHECK(serve::share_of_processors({3, 5, 7, 9}, 0, 0) == Processors{5, 7, 9});
  CHECK(serve::share_of_processors({4}, 0, 0) == Processors{4});
  CHECK(serve::share_of_processors({}, 0, 0).empty());
  CHECK(serve::share_of_processors({0, 1, 2, 3}, 3, 0) == Processors{2, 3});  // three are paid for
  CHECK(serve::share_of_processors({0, 1, 2, 3}, 1, 0) == Processors{3});
  CHECK(serve::share_of_processors({0, 1, 2, 3}, 9, 0) == Processors{1, 2, 3});
  CHECK(serve::share_of_processors({0, 1, 2, 3}, 0, 1) == Processors{3});
  CHECK(serve::share_of_processors({0, 1, 2, 3}, 0, 4) == Processors{0, 1, 2, 3});
  CHECK(serve::share_of_processors({0, 1}, 1, 5) == Processors{0, 1});
}

TEST_CASE("trainings stay on the processors that they are given") {
  const std::vector<int> own = serve::own_processors();
  REQUIRE_FALSE(own.empty());
  const auto said = [](const std::string& line) { return line.substr(line.find_last_of(":\t") + 1); };
  std::string last;
  const serve::ChildEnd end = serve::run_child(
      {.arguments = {"/bin/grep", "Cpus_allowed_list", "/proc/self/status"},
       .folder = "/",
       .errors = "/dev/null",
       .memory_bytes = std::uint64_t{1} << 30,
       .time = 120s,
       .processors = {own.back()}},
      [&](std::string_view line) { last = line; }, [] { return false; });
  CHECK(end.is_good());
  CHECK(said(last) == std::to_string(own.back()));
  JobService served(true, 600s, 1);
  CHECK(served.add("rmse=1.5").status == 200);
  CHECK(served.reaches(1, R"("state":"candidate")"));
  CHECK(said(content("jobs_home/1/processors.txt")) == std::to_string(own.back()) + "\n");
  for (const int threads : {-1, 1025})
    CHECK_THROWS_AS(
        serve::Protocol(*served.repository, {.jobs = {.folder = "jobs_more", .data = "jobs_data", .threads = threads}}),
        ConfigError);
}
