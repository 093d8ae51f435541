// What tests of a server have in common: requests as they go over the wire, files, and patience.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "maas/serve/repository.hpp"
#include "support/files.hpp"
#include "support/http_client.hpp"

namespace maas::inline MAAS_ABI::tests {

/// A request with a body; `headers` are lines that end in CR LF.
inline std::string post_text(const std::string& path, const std::string& body, const std::string& headers = "") {
  return fmt::format("POST {} HTTP/1.1\r\nHost: h\r\n{}Content-Length: {}\r\n\r\n{}", path, headers, body.size(), body);
}

/// Whether it is done within a time.
inline bool wait_until(const std::function<bool()>& done, std::chrono::seconds most = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + most;
  while (std::chrono::steady_clock::now() < end) {
    if (done()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

/// Whether some more looks at its folder have been.
inline bool has_looked(const serve::Repository& repository) {
  const auto looks = repository.loads().looks;
  return wait_until([&] { return repository.loads().looks > looks + 3; });
}

/// Whether it comes to be so; the look that made it so is over then, with all else that it changes.
inline bool settles(const serve::Repository& repository, const std::function<bool()>& done) {
  return wait_until(done) && has_looked(repository);
}

/// Whether the server's metrics come to have a line.
inline bool metric_reaches(int port, const std::string& line) {
  return wait_until(
      [&] { return HttpClient(port).ask("GET", "/metrics").body.find("\n" + line + "\n") != std::string::npos; });
}

}  // namespace maas::inline MAAS_ABI::tests
