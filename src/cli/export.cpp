// maas export: a network as one C++ header that needs nothing but a C++17 compiler.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.hpp"
#include "cli/notes.hpp"
#include "cli/outputs.hpp"
#include "maas/core/new_file.hpp"
#include "maas/fixed/network.hpp"
#include "maas/io/keras.hpp"
#include "maas/version.hpp"

namespace maas::cli {

namespace {

struct ExportCommand {
  std::string model, header, name;
};

// Nine digits tell any two floats apart.
std::string literal(double value, const std::string& what) {
  require<ConfigError>(std::isfinite(value), "export: expected finite numbers in {}, got {}", what, value);
  std::string text = fmt::format("{:.9g}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text + "f";
}

std::string literals(const ConstMatrixView& numbers, const std::string& what) {
  std::string text;
  for (Index i = 0; i < numbers.size(); ++i)
    text += literal(static_cast<double>(numbers.data()[i]), what) + (i + 1 == numbers.size() ? ""
                                                                     : i % 8 == 7            ? ",\n    "
                                                                                             : ", ");
  return text;
}

// f(v) of the activations that look at single numbers, as include/maas/activations has them.
struct Formula {
  const char *name, *text;
};
constexpr Formula formulas[] = {
    {"linear", "v"},
    {"relu", "v < 0.0f ? 0.0f : v"},
    {"relu6", "v < 0.0f ? 0.0f : v > 6.0f ? 6.0f : v"},
    {"leaky_relu", "v < 0.0f ? negative_slope * v : v"},
    {"elu", "v < 0.0f ? alpha * std::expm1(v) : v"},
    {"selu", "1.05070098f * (v < 0.0f ? 1.67326324f * std::expm1(v) : v)"},
    {"celu", "v < 0.0f ? alpha * std::expm1(v / alpha) : v"},
    {"sigmoid", "1.0f / (1.0f + std::exp(-v))"},
    {"hard_sigmoid", "clamped(v / 6.0f + 0.5f, 0.0f, 1.0f)"},
    {"keras2_hard_sigmoid", "clamped(0.2f * v + 0.5f, 0.0f, 1.0f)"},
    {"tanh", "std::tanh(v)"},
    {"hard_tanh", "clamped(v, -1.0f, 1.0f)"},
    {"softplus", "softplus(v)"},
    {"softsign", "v / (1.0f + std::fabs(v))"},
    {"silu", "v / (1.0f + std::exp(-v))"},
    {"hard_silu", "v * clamped(v / 6.0f + 0.5f, 0.0f, 1.0f)"},
    {"exponential", "std::exp(v)"},
    {"mish", "v * std::tanh(softplus(v))"},
    {"log_sigmoid", "-softplus(-v)"},
    {"squareplus", "v < 0.0f ? 0.5f * b / (std::sqrt(v * v + b) - v) : 0.5f * (v + std::sqrt(v * v + b))"},
    {"sparse_plus", "v <= -1.0f ? 0.0f : v < 1.0f ? 0.25f * (v + 1.0f) * (v + 1.0f) : v"},
    {"sparse_sigmoid", "clamped(0.5f * (v + 1.0f), 0.0f, 1.0f)"},
    {"hard_shrink", "std::fabs(v) <= threshold ? 0.0f : v"},
    {"soft_shrink", "v > threshold ? v - threshold : v < -threshold ? v + threshold : 0.0f"},
    {"tanh_shrink", "v - std::tanh(v)"},
    {"threshold", "v <= threshold ? default_value : v"},
    {"ReLU", "v > max_value ? max_value : v > threshold ? v : negative_slope * (v - threshold)"},
};
constexpr const char* exact_gelu = "0.5f * v * std::erfc(-v * 0.707106781f)";
constexpr const char* rough_gelu = "0.5f * v * (1.0f + std::tanh(0.797884561f * (v + 0.044715f * v * v * v)))";

std::string formula_of(const Activation& activation) {
  if (const Gelu* gelu = activation.as<Gelu>()) return gelu->approximate ? rough_gelu : exact_gelu;
  const auto* found = std::ranges::find(formulas, activation.class_name(), &Formula::name);
  require<ConfigError>(found != std::end(formulas), "export: the activation {} is not exported",
                       activation.class_name());
  return found->text;
}

// Fields as constants with the names that formulas know.
std::string constants_of(const Activation& activation) {
  std::string text;
  const Config config = activation.config();
  if (!config.is_object()) return text;
  for (const auto& [name, value] : config.as_object()) {
    if (!value.is_number() && !(value.is_null() && name == "max_value")) continue;
    const std::string number = value.is_null() ? "std::numeric_limits<float>::infinity()"
                                               : literal(value.as_real(), std::string(activation.class_name()));
    text += fmt::format("    constexpr float {} = {};\n", name, number);
  }
  return text;
}

bool is_softmax(const Activation& activation) {
  return activation.as<Softmax>() != nullptr || activation.as<LogSoftmax>() != nullptr;
}

// A name out of a file, as a line of comment can hold it: none of its bytes ends the line or goes on to the next.
std::string in_comment(std::string name) {
  for (char& c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\') c = '?';
  return name;
}

std::string layer_text(const fixed::DenseStep& step, std::size_t i) {
  const Index rows = step.kernel.rows(), columns = step.kernel.cols();
  std::string text =
      fmt::format("// {}: {} -> {}, {}\n", in_comment(step.name), rows, columns, step.activation.class_name());
  text += fmt::format("struct Layer{} {{\n", i);
  text += fmt::format("  static constexpr float kernel[{}] = {{\n    {}}};\n", rows * columns,
                      literals(step.kernel, "the kernel of \"" + step.name + "\""));
  const Matrix bias = step.bias.size() > 0 ? Matrix(step.bias) : Matrix::Zero(1, columns);
  text += fmt::format("  static constexpr float bias[{}] = {{\n    {}}};\n", columns,
                      literals(ConstMatrixView(bias.data(), 1, columns), "the bias of \"" + step.name + "\""));
  text += fmt::format(
      "  static void run(const float* x, float* y) noexcept {{\n"
      "    for (std::size_t j = 0; j < {1}; ++j) y[j] = 0.0f;\n"
      "    for (std::size_t i = 0; i < {0}; ++i)\n"
      "      for (std::size_t j = 0; j < {1}; ++j) y[j] += x[i] * kernel[i * {1} + j];\n"
      "    for (std::size_t j = 0; j < {1}; ++j) y[j] += bias[j];\n",
      rows, columns);
  if (is_softmax(step.activation))
    text += fmt::format("    {}(y, {});\n  }}\n}};\n\n", step.activation.class_name(), columns);
  else
    text += fmt::format("    for (std::size_t j = 0; j < {}; ++j) y[j] = activated(y[j]);\n  }}\n", columns) +
            fmt::format("  static float activated(float v) noexcept {{\n{}    return {};\n  }}\n}};\n\n",
                        constants_of(step.activation), formula_of(step.activation));
  return text;
}

constexpr const char* helpers =
    R"(inline float clamped(float v, float low, float high) noexcept { return v < low ? low : v > high ? high : v; }
inline float softplus(float v) noexcept { return (v > 0.0f ? v : 0.0f) + std::log1p(std::exp(-std::fabs(v))); }
inline float exponentials(float* y, std::size_t size, float* largest) noexcept {
  *largest = y[0];
  for (std::size_t i = 1; i < size; ++i) *largest = y[i] > *largest ? y[i] : *largest;
  float sum = 0.0f;
  for (std::size_t i = 0; i < size; ++i) sum += std::exp(y[i] - *largest);
  return sum;
}
inline void softmax(float* y, std::size_t size) noexcept {
  float largest;
  const float sum = exponentials(y, size, &largest);
  for (std::size_t i = 0; i < size; ++i) y[i] = std::exp(y[i] - largest) / sum;
}
inline void log_softmax(float* y, std::size_t size) noexcept {
  float largest;
  const float sum = std::log(exponentials(y, size, &largest));
  for (std::size_t i = 0; i < size; ++i) y[i] = y[i] - largest - sum;
}

)";

std::string run_text(const std::vector<fixed::DenseStep>& steps) {
  std::string text, from = "x";
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const bool last = i + 1 == steps.size();
    const std::string to = last ? "y" : fmt::format("y{}", i);
    if (!last) text += fmt::format("  float {}[{}];\n", to, steps[i].kernel.cols());
    text += fmt::format("  detail::Layer{}::run({}, {});\n", i, from, to);
    from = to;
  }
  return text;
}

std::string header_text(const Network& network, const std::string& name, const std::string& source) {
  const std::vector<fixed::DenseStep> steps = fixed::detail::steps_of(network);
  require<ConfigError>(!steps.empty(), "export: expected a network with a Dense layer, got none");
  const Index inputs = steps.front().kernel.rows(), outputs = steps.back().kernel.cols();
  std::string text = fmt::format(
      "// {} as C++17, written by maas export of maas {}. It needs no other file, takes no memory and does not throw.\n"
      "#pragma once\n\n#include <cmath>\n#include <cstddef>\n#include <limits>\n\nnamespace {} {{\n\n"
      "constexpr std::size_t inputs = {}, outputs = {};\n\nnamespace detail {{\n\n",
      in_comment(source), MAAS_VERSION, name, inputs, outputs);
  text += helpers;
  for (std::size_t i = 0; i < steps.size(); ++i) text += layer_text(steps[i], i);
  text += fmt::format(
      "}}  // namespace detail\n\n/// y = the prediction for one sample: x has {} numbers, y gets {}; they must not "
      "overlap.\ninline void predict(const float* x, float* y) noexcept {{\n{}}}\n\n}}  // namespace {}\n",
      inputs, outputs, run_text(steps), name);
  return text;
}

// Words that no namespace can be called by: those of C++, and of what compilers and <cmath> declare those that a file
// may well be called by.
constexpr std::string_view words[] = {
    // clang-format off
    "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char",
    "char8_t", "char16_t", "char32_t", "class", "co_await", "co_return", "co_yield", "compl", "concept", "const",
    "const_cast", "consteval", "constexpr", "constinit", "continue", "decltype", "default", "delete", "do", "double",
    "dynamic_cast", "else", "enum", "explicit", "export", "extern", "false", "float", "for", "friend", "goto", "if",
    "inline", "int", "long", "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr", "operator", "or",
    "or_eq", "private", "protected", "public", "register", "reinterpret_cast", "requires", "return", "short", "signed",
    "sizeof", "static", "static_assert", "static_cast", "struct", "switch", "template", "this", "thread_local", "throw",
    "true", "try", "typedef", "typeid", "typename", "union", "unsigned", "using", "virtual", "void", "volatile",
    "wchar_t", "while", "xor", "xor_eq",
    "std", "linux", "unix", "NULL", "NAN", "INFINITY", "abort", "abs", "calloc", "div", "exit", "exp10", "free", "gamma", "malloc",
    "iszero", "rand", "random", "realloc", "roundeven", "select", "signgam", "system", "uint",
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "copysign", "cos", "cosh", "drem", "erf",
    "erfc", "exp", "exp2", "expm1", "fabs", "fdim", "finite", "floor", "fma", "fmax", "fmin", "fmod", "frexp", "hypot",
    "ilogb", "isinf", "isnan", "j0", "j1", "jn", "ldexp", "lgamma", "llrint", "llround", "log", "log10", "log1p", "log2",
    "logb", "lrint", "lround", "modf", "nan", "nearbyint", "nextafter", "nexttoward", "pow", "remainder", "remquo",
    "rint", "round", "scalb", "scalbln", "scalbn", "significand", "sin", "sincos", "sinh", "sqrt", "tan", "tanh",
    "tgamma", "trunc", "y0", "y1", "yn"
    // clang-format on
};

bool is_word(std::string_view name) { return std::ranges::find(words, name) != std::end(words); }

// A name of C++ made of the file's: "model-1.h5" is model_1, "double.h5" is model_double.
std::string name_of(const std::string& path) {
  std::string name = std::filesystem::path(path).stem().string();
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  const bool fits = !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 && !is_word(name);
  return fits ? name : "model_" + name;
}

bool is_name(const std::string& name) {
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 && !is_word(name) &&
         std::ranges::all_of(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; });
}

void export_model(const ExportCommand& command) {
  require_own_file("header", command.header, {command.model});
  const SavedModel saved = read_keras(command.model);
  const std::string name = command.name.empty() ? name_of(command.model) : command.name;
  require<ConfigError>(is_name(name), "export: expected a name of C++ that is free, got \"{}\"", name);
  const std::string text = header_text(saved.network, name, std::filesystem::path(command.model).filename().string());
  NewFile file(command.header);
  file.write(text);
  file.commit();
  if (saved.info.pipeline) note_pipeline_left_out(command.header);
}

}  // namespace

void add_export(CLI::App& program) {
  CLI::App* command = program.add_subcommand("export", "Writes a chain of Dense layers as one C++ header");
  auto given = std::make_shared<ExportCommand>();
  command->add_option("model", given->model, "The model file, .h5 or .keras")->required();
  command->add_option("header", given->header, "The header to write")->required();
  command->add_option("--name", given->name, "Its namespace; the name of the model file if none is given");
  command->callback([given] { export_model(*given); });
}

}  // namespace maas::cli
