// A program that trains a small model, serves it from its own process, asks itself once, and stops.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <iostream>
#include <maas/maas.hpp>
#include <maas/serve/server.hpp>
#include <string>

using namespace maas;

namespace {

// Any HTTP client would do; this one is a socket and ten lines.
std::string ask(int port, const std::string& request) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int connection = ::socket(AF_INET, SOCK_STREAM, 0);
  std::string answer;
  if (::connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      ::send(connection, request.data(), request.size(), 0) == static_cast<ssize_t>(request.size())) {
    char part[4096];
    for (ssize_t got; (got = ::recv(connection, part, sizeof part, 0)) > 0;)
      answer.append(part, static_cast<std::size_t>(got));
  }
  ::close(connection);
  return answer;
}

}  // namespace

int main() {
  const Matrix x = Matrix::Random(500, 4);
  const Matrix y = (x.rowwise().sum().array() > 0).cast<Scalar>();
  auto model = Sequential{input(4), dense(16, relu), dense(1, sigmoid)};
  model.compile({.optimizer = Adam{}, .loss = binary_crossentropy});
  model.fit(x, y, {.epochs = 20, .verbose = 0});

  serve::Repository repository({});  // {.folder = "models"} would serve what lies in a folder, as it changes
  repository.publish("congestion", 1, model.network());
  serve::Server server(repository, {.port = 0});
  std::cout << "serving at " << server.url() << "\n";

  const std::string body = R"({"instances": [[0.5, 0.5, 0.5, 0.5], [-0.5, -0.5, -0.5, -0.5]]})";
  const std::string answer = ask(server.port(),
                                 "POST /v1/models/congestion:predict HTTP/1.1\r\nHost: localhost\r\n"
                                 "Connection: close\r\nContent-Length: " +
                                     std::to_string(body.size()) + "\r\n\r\n" + body);
  std::cout << answer.substr(answer.find("\r\n\r\n") + 4) << "\n";

  const bool all_answered = server.stop();
  std::cout << (all_answered ? "stopped, all requests were answered\n" : "stopped, some requests were given up\n");
  return all_answered && answer.find(" 200 ") != std::string::npos ? 0 : 1;
}
