#include "serve/page.hpp"

#include <fmt/format.h>

#include <random>

#include "serve/embedded.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

// Scripts and styles that do not carry it are not run: it must not be guessed before the answer has come.
std::string new_nonce() {
  thread_local std::random_device device;
  std::string text;
  for (int i = 0; i < 4; ++i) text += fmt::format("{:08x}", device());
  return text;
}

std::string page_with(std::string_view nonce) {
  constexpr std::string_view mark = "NONCE";
  std::string page;
  std::string_view left = page_html;
  for (std::size_t at; (at = left.find(mark)) != left.npos; left.remove_prefix(at + mark.size())) {
    page += left.substr(0, at);
    page += nonce;
  }
  return page += left;
}

}  // namespace

Response front_page(const Request& request) {
  const std::string* accepted = request.header("Accept");
  if (accepted == nullptr || accepted->find("text/html") == std::string::npos)
    return {.body = R"({"status":"alive"})", .headers = {{"Vary", "Accept"}}};
  const std::string nonce = new_nonce();
  return {.body = page_with(nonce),
          .content_type = "text/html; charset=utf-8",
          .headers = {{"Content-Security-Policy",
                       fmt::format("default-src 'none'; script-src 'nonce-{0}'; style-src 'nonce-{0}'; connect-src "
                                   "'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                                   nonce)},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cache-Control", "no-store"},
                      {"Vary", "Accept"}}};
}

}  // namespace maas::inline MAAS_ABI::serve
