// What benchmarks/serve.py needs beside the maas program: the network 100-128-64-1 as files, and the least that the
// HTTP library behind maas::serve can do. usage: serve_bench models FOLDER     writes FOLDER/models/net/1/model.h5,
// FOLDER/net.onnx, and networks of 1024 and 4096 units a layer, wide and heavy, beside net
//        serve_bench empty BYTES [NAME VALUE]...       reads any request and answers with as many bytes and these
// headers, until it is killed
#include <microhttpd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "maas/io/onnx.hpp"
#include "maas/maas.hpp"

namespace {

int write_models(const std::string& folder) {
  using namespace maas;
  std::filesystem::create_directories(folder + "/models/net/1");
  Model model = Sequential{input(100), dense(128, relu), dense(64, relu), dense(1, sigmoid)};
  model.initialize(1);
  model.save(folder + "/models/net/1/model.h5");
  write_onnx(folder + "/net.onnx", model.network());
  for (const auto& [name, units] : {std::pair("wide", 1024), std::pair("heavy", 4096)}) {
    std::filesystem::create_directories(folder + "/models/" + name + "/1");
    Model larger = Sequential{input(100), dense(units, relu), dense(units, relu), dense(1, sigmoid)};
    larger.initialize(1);
    larger.save(folder + "/models/" + name + "/1/model.h5");
  }
  return 0;
}

std::string answer_text;
std::vector<std::pair<const char*, const char*>> answer_headers;

// The body is read and thrown away, as any server must.
MHD_Result answer(void*, MHD_Connection* connection, const char*, const char*, const char*, const char*,
                  std::size_t* count, void** state) {
  static int begun;
  if (*state == nullptr) {
    *state = &begun;
    return MHD_YES;
  }
  if (*count > 0) {
    *count = 0;
    return MHD_YES;
  }
  MHD_Response* response =
      MHD_create_response_from_buffer(answer_text.size(), answer_text.data(), MHD_RESPMEM_PERSISTENT);
  for (const auto& [name, value] : answer_headers) MHD_add_response_header(response, name, value);
  const MHD_Result queued = MHD_queue_response(connection, 200, response);
  MHD_destroy_response(response);
  return queued;
}

int serve_empty(std::size_t bytes) {
  answer_text.assign(bytes, 'x');
  // As maas::serve has it: one thread with the library's events, and its memory for a connection.
  MHD_Daemon* daemon = MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr, nullptr,
                                        &answer, nullptr, MHD_OPTION_CONNECTION_MEMORY_LIMIT, std::size_t{36} << 10,
                                        MHD_OPTION_CONNECTION_LIMIT, 20000U, MHD_OPTION_END);
  if (daemon == nullptr) return 1;
  std::printf("serving at http://127.0.0.1:%d\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
  std::fflush(stdout);
  while (true) ::pause();
}

}  // namespace

int main(int count, char** arguments) {
  const std::string what = count >= 3 && count % 2 == 1 ? arguments[1] : "";
  if (what == "models" && count == 3) return write_models(arguments[2]);
  for (int i = 3; i < count; i += 2) answer_headers.emplace_back(arguments[i], arguments[i + 1]);
  if (what == "empty") return serve_empty(std::strtoul(arguments[2], nullptr, 10));
  std::fprintf(stderr, "usage: serve_bench models FOLDER | empty BYTES [NAME VALUE]...\n");
  return 2;
}
