// Networks whose answers can be worked out by hand, and requests to them.
#pragma once

#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "maas/maas.hpp"
#include "maas/serve/protocol.hpp"
#include "maas/serve/repository.hpp"
#include "support/catch.hpp"

namespace maas::inline MAAS_ABI::tests {

/// y = factor (2 a + 3 b) + 0.5 for samples "x" = [a, b].
inline Network affine(Scalar factor = 1) {
  Network network{input(Shape{2}, "x"), dense(1).named("y")};
  network.parameters().view(network.parameters().find("y/kernel")) << 2 * factor, 3 * factor;
  network.parameters().view(network.parameters().find("y/bias")) << Scalar(0.5);
  return network;
}

/// Inputs "a" (2 numbers) and "b" (1), outputs "sum" = a0 + a1 + b and "pair" = [a0 - b, a1 + 2 b].
inline Network joined() {
  const Input a = input(Shape{2}, "a"), b = input(Shape{1}, "b");
  const Symbol both(Layer(Concatenate{}), {a, b});
  const Symbol sum = dense(1).named("sum")(both), pair = dense(2).named("pair")(both);
  Network network(std::vector<Symbol>{Symbol(a), Symbol(b)}, std::vector<Symbol>{sum, pair});
  network.parameters().view(network.parameters().find("sum/kernel")) << 1, 1, 1;
  network.parameters().view(network.parameters().find("pair/kernel")) << 1, 0, 0, 1, -1, 2;
  return network;
}

/// An empty folder of its own.
inline std::string fresh_folder(const std::string& name) {
  std::filesystem::remove_all(name);
  std::filesystem::create_directories(name);
  return name;
}

inline serve::Request get(std::string_view path) { return {.path = std::string(path)}; }

inline serve::Request post(std::string_view path, std::string body, serve::Headers headers = {}) {
  return {.method = "POST", .path = std::string(path), .headers = std::move(headers), .body = std::move(body)};
}

inline std::string bytes_of(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

inline std::vector<float> floats_in(std::string_view bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

/// A body with JSON and bytes, and its header.
inline serve::Request post_binary(std::string_view path, const std::string& json, const std::string& tail) {
  return post(path, json + tail, {{"Inference-Header-Content-Length", std::to_string(json.size())}});
}

inline const std::string* header(const serve::Response& response, std::string_view name) {
  for (const auto& [each, value] : response.headers)
    if (each == name) return &value;
  return nullptr;
}

/// That an answer has this status and this in its body.
inline void check_answer(const serve::Response& response, int status, const std::string& part) {
  INFO(response.body);
  CHECK(response.status == status);
  CHECK_THAT(response.body, Catch::Matchers::ContainsSubstring(part));
}

}  // namespace maas::inline MAAS_ABI::tests
