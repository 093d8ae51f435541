// model_config as Keras writes it: calls, their order, and what is said of odd ones.
#include "io/keras_config.hpp"

#include "io/json.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

// What was read of a model, and what was noted while reading it.
struct Read {
  io::NetworkPlan plan;
  std::vector<std::string> warnings;
};

Read read_config(const std::string& text) {
  io::Reading reading;
  io::NetworkPlan plan =
      io::read_network(io::parse_json(text, "config"), reading, [] { return std::optional<std::vector<Index>>(); });
  return {std::move(plan), std::move(reading.warnings)};
}

// A call of Keras 3's.
std::string new_call(const std::string& from, const std::string& arguments = "{}") {
  return fmt::format(
      R"({{"args": [{{"class_name": "__keras_tensor__", "config": {{"keras_history": ["{}", 0, 0]}}}}], "kwargs": {}}})",
      from, arguments);
}

std::string layer_text(const std::string& class_name, const std::string& name, const std::string& fields,
                       const std::string& call) {
  return fmt::format(R"({{"class_name": "{}", "name": "{}", "config": {{"name": "{}", {}}}, "inbound_nodes": [{}]}})",
                     class_name, name, name, fields, call);
}

// A functional model of one input, "in", and these layers, the last of which in the graph is `output`.
std::string model_text(const std::string& layers, const std::string& output, const std::string& shape = "null, 4") {
  return fmt::format(
      R"({{"class_name": "Functional", "config": {{"name": "m", "layers": [{}, {}],
          "input_layers": [["in", 0, 0]], "output_layers": [["{}", 0, 0]]}}}})",
      layer_text("InputLayer", "in", fmt::format(R"("batch_shape": [{}])", shape), ""), layers, output);
}

std::string dropout_model(const std::string& call) {
  return model_text(layer_text("Dropout", "drop", R"("rate": 0.5)", call), "drop");
}

// Masking of what "in" gives, the operations that Keras 3 makes of its mask, and a layer that looks at the mask.
std::string masked_model(double compared, const std::string& between = "") {
  const std::string mask =
      R"({"mask": {"class_name": "__keras_tensor__", "config": {"keras_history": ["any", 0, 0]}}})";
  const std::string not_equal = fmt::format(
      R"({{"class_name": "NotEqual", "name": "differs", "config": {{"name": "differs"}}, "inbound_nodes": [{{"args":
          [{{"class_name": "__keras_tensor__", "config": {{"keras_history": ["in", 0, 0]}}}}, {}], "kwargs": {{}}}}]}})",
      compared);
  const std::string from = between.empty() ? "mask" : "stop";
  return model_text(layer_text("Masking", "mask", R"("trainable": true, "mask_value": 0.5)", new_call("in")) + "," +
                        between + not_equal + "," +
                        layer_text("Any", "any", R"("axis": -1, "keepdims": false)", new_call("differs")) + "," +
                        layer_text("BatchNormalization", "norm", R"("trainable": true)", new_call(from, mask)),
                    "norm", "null, 3, 4");
}

std::string exchanged(std::string text, const std::string& from, const std::string& to) {
  REQUIRE(text.find(from) != std::string::npos);
  return text.replace(text.find(from), from.size(), to);
}

}  // namespace

TEST_CASE("the operations that Keras 3 lists for a mask are the mask that the layers carry") {
  const Read read = read_config(masked_model(0.5));
  CHECK(read.plan.graph.nodes().size() == 3);
  CHECK(read.plan.groups.size() == 3);  // operations have no weights
  CHECK(read.plan.graph.nodes()[1].mask_from == 1);
  CHECK(read.warnings.empty());
}

TEST_CASE("a mask that is another than the one which the input carries is refused") {
  const std::string other =
      "layer \"norm\": is called with a mask that is another than its input's, which is not supported";
  CHECK_THROWS_WITH(read_config(masked_model(0)), other);
  // RMSNormalization ends masks, so that only the call knows of it.
  CHECK_THROWS_WITH(read_config(masked_model(
                        0.5, layer_text("RMSNormalization", "stop", R"("trainable": true)", new_call("mask")) + ",")),
                    other);
  std::string unknown = masked_model(0.5);
  unknown.replace(unknown.find(R"(["any", 0)"), 9, R"(["in", 0)");
  CHECK_THROWS_WITH(read_config(unknown), "model \"m\": a mask is made of \"in\", which is no operation that is read");
  CHECK_THROWS_WITH(read_config(exchanged(masked_model(0.5), R"("axis": -1, "keepdims")", R"("axis": 1, "keepdims")")),
                    "operation \"any\": a mask over another axis than the last");
}

TEST_CASE("a mask that is filled up where Keras does not is refused") {
  const std::string ones =
      layer_text("OnesLike", "ones", R"("dtype": "bool")", new_call("in")) + "," +
      layer_text("LogicalOr", "either", "\"dtype\": \"bool\"",
                 R"({"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": ["any", 0, 0]}},
                                                  {"class_name": "__keras_tensor__", "config": {"keras_history": ["ones", 0, 0]}}],
                                          "kwargs": {}})") +
      ",";
  const std::string model = exchanged(
      masked_model(0.5, ones), R"({"mask": {"class_name": "__keras_tensor__", "config": {"keras_history": ["any")",
      R"({"mask": {"class_name": "__keras_tensor__", "config": {"keras_history": ["either")");
  CHECK_THROWS_WITH(read_config(exchanged(model, R"(["stop", 0, 0])", R"(["mask", 0, 0])")),
                    "operation \"either\": a mask of OnesLike and others, which is not supported");
}

TEST_CASE("a layer of several inputs is called with a mask or none for each") {
  const std::string alone = R"({"class_name": "__keras_tensor__", "config": {"keras_history": ["any", 0, 0]}})";
  for (const std::string& masks : std::vector<std::string>{"[null]", "[" + alone + "]"}) {
    const Read read = read_config(exchanged(masked_model(0.5), "\"mask\": " + alone, "\"mask\": " + masks));
    CHECK(read.plan.graph.nodes()[1].mask_from == 1);
  }
  CHECK_THROWS_WITH(read_config(exchanged(masked_model(0.5), "\"mask\": " + alone, "\"mask\": [null, " + alone + "]")),
                    "layer \"norm\": is called with more masks than tensors");
}

TEST_CASE("numbers that an operation joins are joined by the layer of its name") {
  const std::string tensor =
      R"({"class_name": "__keras_tensor__", "config": {"dtype": "float32", "keras_history": ["in", 0, 0]}})";
  const Read read = read_config(model_text(layer_text("Concatenate", "joined", R"("axis": -1)",
                                                      "{\"args\": [[" + tensor + ", " + tensor + "]], \"kwargs\": {}}"),
                                           "joined"));
  CHECK(read.plan.graph.output_shape() == Shape{8});
}

TEST_CASE("what Keras 3 notes of training beside a call is put aside when it runs, and so is it here") {
  for (const char* training : {"false", "true", "null"}) {
    const Read read =
        read_config(dropout_model(new_call("in", fmt::format(R"({{"training": {}, "mask": null}})", training))));
    CHECK(read.plan.graph.nodes().size() == 2);
    CHECK(read.warnings.empty());
  }
  CHECK_THROWS_WITH(read_config(dropout_model(new_call("in", R"({"training": 0.5})"))),
                    "layer \"drop\": is called with training = 0.5, which is not supported");
  CHECK_THROWS_WITH(read_config(dropout_model(new_call("in", R"({"mask": true})"))),
                    "layer \"drop\": is called with mask = true, which is not supported");
}

TEST_CASE("what Keras 2 notes of training holds when it runs") {
  CHECK(read_config(dropout_model(R"([["in", 0, 0, {"training": false}]])")).warnings ==
        std::vector<std::string>{"layer \"drop\": is called with training = false, which is not kept in training"});
  CHECK_THROWS_WITH(read_config(dropout_model(R"([["in", 0, 0, {"training": true}]])")),
                    "layer \"drop\": is called with training = true, which is not supported");
}

TEST_CASE("odd calls and settings are told with the layer's name") {
  CHECK_THROWS_WITH(read_config(dropout_model(R"({"kwargs": {}})")),
                    "layer \"drop\": expected \"args\" in what it is called with, got none");
  CHECK_THROWS_WITH(read_config(dropout_model(R"({"args": [{"class_name": "__keras_tensor__"}]})")),
                    "layer \"drop\": expected \"config\" in what it is called with, got none");
  CHECK_THROWS_WITH(read_config(dropout_model(R"({"args": [{"class_name": "__keras_tensor__", "config": {}}]})")),
                    "layer \"drop\": expected \"keras_history\" in what it is called with, got none");
  CHECK_THROWS_WITH(
      read_config(model_text(layer_text("Dropout", "d1", R"("rate": 0.5, "trainable": "no")", new_call("in")), "d1")),
      Catch::StartsWith("layer \"d1\": trainable: expected true or false"));
  CHECK_THROWS_WITH(
      read_config(R"({"class_name": "Sequential", "config": {"name": "m", "trainable": 1, "layers": []}})"),
      Catch::StartsWith("model \"m\": trainable: expected true or false"));
}

TEST_CASE("calls are made as soon as a way through the file's list meets them with all that they take") {
  const auto one = [](const std::string& name, const std::string& from) {
    return layer_text("Activation", name, R"("activation": "relu")", new_call(from));
  };
  const auto both = [](const std::string& name, const std::string& a, const std::string& b) {
    return layer_text("Add", name, R"("trainable": true)",
                      fmt::format(R"([["{}", 0, 0, {{}}], ["{}", 0, 0, {{}}]])", a, b));
  };
  // The first round meets c and d; then e, which is before d, has to wait for the second, and a for the third.
  const Read read = read_config(model_text(fmt::format("{}, {}, {}, {}, {}", both("a", "b", "e"), one("e", "d"),
                                                       one("c", "in"), one("d", "c"), both("b", "e", "c")),
                                           "a"));
  std::vector<std::string> order;
  for (const GraphNode& node : read.plan.graph.nodes()) order.push_back(read.plan.graph.name(node.layer));
  CHECK(order == std::vector<std::string>{"in", "c", "d", "e", "b", "a"});
  CHECK_THROWS_WITH(read_config(model_text(one("x", "y") + ", " + one("y", "x"), "y")),
                    "model \"m\": layer \"x\" takes an output that is never computed (a circle, or a call that is not "
                    "there)");
}

TEST_CASE("a long chain that the file lists from its end is read at once") {
  constexpr int length = 9000;
  std::string layers;
  for (int i = length; i > 0; --i)
    layers += layer_text("Activation", fmt::format("a{}", i), R"("activation": "relu")",
                         new_call(i == 1 ? "in" : fmt::format("a{}", i - 1))) +
              (i == 1 ? "" : ", ");
  const Read read = read_config(model_text(layers, fmt::format("a{}", length)));
  CHECK(read.plan.graph.nodes().size() == length + 1);
  CHECK(read.plan.graph.name(read.plan.graph.nodes()[1].layer) == "a1");
}
