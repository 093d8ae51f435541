// All that is asked and answered, without a socket.
#include "maas/serve/protocol.hpp"

#include <cmath>
#include <thread>

#include "serve/models.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;
using Catch::Matchers::ContainsSubstring;
using serve::Protocol;
using serve::Request;
using serve::Response;

namespace {

struct Served {
  serve::Repository repository{serve::RepositoryOptions{}};
  Protocol protocol;

  explicit Served(serve::ProtocolOptions options = {}) : protocol(repository, std::move(options)) {
    repository.publish("affine", 3, affine());
    repository.publish("joined", 1, joined());
    repository.publish("image", 1, Network{input(Shape{2, 2, 1}, "pixels"), IdentityLayer{}});
  }

  Response operator()(const Request& request) { return protocol.answer(request); }
  Response predict(std::string body, std::string_view model = "affine") {
    return protocol.answer(post(fmt::format("/v1/models/{}:predict", model), std::move(body)));
  }
  Response infer(std::string body, std::string_view model = "affine") {
    return protocol.answer(post(fmt::format("/v2/models/{}/infer", model), std::move(body)));
  }
};

std::optional<Response> refused(Served& served, Request head) { return served.protocol.refuse(head); }

void check_error(const Response& response, int status, const std::string& part) {
  INFO(response.body);
  CHECK(response.status == status);
  CHECK(response.content_type == "application/json");
  CHECK(response.body.starts_with(R"({"error":")"));
  CHECK_THAT(response.body, ContainsSubstring(part));
}

void check_body(const Response& response, const std::string& body) {
  CHECK(response.status == 200);
  CHECK(response.body == body);
}

}  // namespace

TEST_CASE("v1 predicts in row form") {
  Served served;
  check_body(served.predict(R"({"instances": [[1, 2], [0.25, -1]]})"), R"({"predictions":[[8.5],[-2.0]]})");
  check_body(served.predict(R"({"instances": [{"x": [1, 2]}]})"), R"({"predictions":[[8.5]]})");
  check_body(served.predict(R"({"signature_name": "serving_default", "instances": [[1, 2]], "other": {}})"),
             R"({"predictions":[[8.5]]})");
  check_body(served.predict(R"({"instances": [{"a": [1, 2], "b": [4]}, {"b": [0.5], "a": [0, 0]}]})", "joined"),
             R"({"predictions":[{"sum":[7.0],"pair":[-3.0,10.0]},{"sum":[0.5],"pair":[-0.5,1.0]}]})");
  check_body(served.predict(R"({"instances": [{"a": [1, 2], "b": 4}]})", "joined"),
             R"({"predictions":[{"sum":[7.0],"pair":[-3.0,10.0]}]})");
  check_body(served.predict(R"({"instances": [[[[1], [2]], [[3], [4]]]]})", "image"),
             R"({"predictions":[[[[1.0],[2.0]],[[3.0],[4.0]]]]})");
}

TEST_CASE("v2 writes what is no number in JSON as it is told to, and v1 and bytes as ever") {
  const auto with_id = [](const char* data, const char* parameters = "{}") {
    return fmt::format(R"({{"inputs":[{{"name":"x","shape":[1,2],"datatype":"FP32","data":{}}}],"parameters":{}}})",
                       data, parameters);
  };
  const char* const binary = R"({"binary_data_output":true})";
  const auto data_of = [&](Served& served, const char* data) {
    const std::string body = served.infer(with_id(data)).body;
    return body.substr(body.find("\"data\":"));
  };
  for (const auto& [how, nan, infinity, below] : {std::tuple(serve::NonFinite::tokens, "NaN", "Infinity", "-Infinity"),
                                                  {serve::NonFinite::null, "null", "null", "null"}}) {
    Served served({.v2_nonfinite = how});
    CHECK(data_of(served, "[NaN, 1]") == fmt::format("\"data\":[{}]}}]}}", nan));
    CHECK(data_of(served, "[Infinity, 1]") == fmt::format("\"data\":[{}]}}]}}", infinity));
    CHECK(data_of(served, "[-Infinity, 1]") == fmt::format("\"data\":[{}]}}]}}", below));
    CHECK(data_of(served, "[1, 2]") == "\"data\":[8.5]}]}");
  }
  Served strict({.v2_nonfinite = serve::NonFinite::error});
  check_error(strict.infer(with_id("[NaN, 1]")), 500,
              R"(output \"y\": expected finite numbers in JSON, got nan in element 0)");
  CHECK(data_of(strict, "[1, 2]") == "\"data\":[8.5]}]}");
  check_body(strict.predict(R"({"instances": [[NaN, 1]]})"), R"({"predictions":[[NaN]]})");
  for (const serve::NonFinite how : {serve::NonFinite::null, serve::NonFinite::error}) {
    Served served({.v2_nonfinite = how});
    const Response answer = served.infer(with_id("[Infinity, 1]", binary));
    CHECK(answer.status == 200);
    CHECK(floats_in(answer.body.substr(answer.body.size() - 4))[0] == INFINITY);
  }
}

TEST_CASE("where datatypes are strict, an input of v2 must have that of the model, in JSON and as bytes") {
  Served strict({.strict_dtypes = true}), lenient;
  const auto body_of = [](const char* type) {
    return fmt::format(R"({{"inputs":[{{"name":"x","shape":[1,2],"datatype":"{}","data":[1,2]}}]}})", type);
  };
  for (const char* type : {"INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "FP64"}) {
    CHECK(lenient.infer(body_of(type)).status == 200);
    check_error(
        strict.infer(body_of(type)), 400,
        fmt::format(R"(input \"x\": expected datatype FP32, as the model has it (datatypes are strict here), got {})",
                    type));
  }
  CHECK(strict.infer(body_of("FP32")).body == lenient.infer(body_of("FP32")).body);
  const std::string doubles =
      R"({"inputs":[{"name":"x","shape":[1,2],"datatype":"FP64","parameters":{"binary_data_size":16}}]})";
  const Request request = post_binary("/v2/models/affine/infer", doubles, std::string(16, '\0'));
  CHECK(lenient(request).status == 200);
  check_error(strict(request), 400, "expected datatype FP32");
  check_error(strict.infer(body_of("TEXT")), 400, "a datatype of numbers");
  check_body(strict.predict(R"({"instances": [[1, 2]]})"), R"({"predictions":[[8.5]]})");
  CHECK_THAT(strict(get("/openapi.json")).body,
             ContainsSubstring(R"("datatype":{"enum":["FP32"]})") && !ContainsSubstring(R"("BOOL")"));
  CHECK_THAT(lenient(get("/openapi.json")).body, ContainsSubstring(R"("datatype":{"enum":["BOOL",)"));
}

TEST_CASE("v1 predicts in column form") {
  Served served;
  check_body(served.predict(R"({"inputs": [[1, 2], [0.25, -1]]})"), R"({"outputs":[[8.5],[-2.0]]})");
  check_body(served.predict(R"({"inputs": {"x": [[1, 2]]}})"), R"({"outputs":[[8.5]]})");
  check_body(served.predict(R"({"inputs": {"a": [[1, 2], [0, 0]], "b": [[4], [0.5]]}})", "joined"),
             R"({"outputs":{"sum":[[7.0],[0.5]],"pair":[[-3.0,10.0],[-0.5,1.0]]}})");
  check_body(served.predict(R"({"inputs": {"a": [[1, 2], [0, 0]], "b": [4, 0.5]}})", "joined"),
             R"({"outputs":{"sum":[[7.0],[0.5]],"pair":[[-3.0,10.0],[-0.5,1.0]]}})");
}

TEST_CASE("v1 is as TensorFlow Serving's where it is asked to be") {
  Served usual, lenient({.lenient = true}), strict({.v1_strict = true});
  const char* const more = R"({"inputs": {"x": [[1, 2]], "other": [[3]]}})";
  check_error(usual.predict(more), 400, R"(got \"other\")");
  check_body(lenient.predict(more), R"({"outputs":[[8.5]]})");
  check_error(lenient.predict(R"({"inputs": {"other": [[3]]}})"), 400, R"(got no \"x\")");
  const std::string state =
      R"({"model_version_status":[{"version":"3","state":"AVAILABLE","status":{"error_code":"OK","error_message":""}}])";
  check_body(usual(get("/v1/models/affine")), state + R"(,"name":"affine","ready":true})");
  check_body(strict(get("/v1/models/affine")), state + "}");
}

TEST_CASE("v1 says what is wrong with a body") {
  Served served;
  check_error(served.predict(""), 400, "expected JSON");
  check_error(served.predict("[]"), 400, "expected an object, got a list");
  check_error(served.predict("{}"), 400, "got neither");
  check_error(served.predict(R"({"instances": [[1, 2]], "inputs": [[1, 2]]})"), 400, "got both");
  check_error(served.predict(R"({"instances": [[1, 2]], "instances": [[1, 2]]})"), 400, "got it twice");
  check_error(served.predict(R"({"instances": []})"), 400, "expected at least one");
  check_error(served.predict(R"({"instances": 3})"), 400, "expected a list, got a number");
  check_error(served.predict(R"({"instances": [[1, 2, 3]]})"), 400, "expected shape [n, 2], got [1, 3]");
  check_error(served.predict(R"({"instances": [1, 2]})"), 400, "expected shape [n, 2], got [2]");
  check_error(served.predict(R"({"instances": [[1, 2], [3]]})"), 400, "instances[1]: expected 2 elements");
  check_error(served.predict(R"({"instances": [[1, 2], [3, [4]]]})"), 400, "instances[1][1]: expected a number");
  check_error(served.predict(R"({"instances": [[1, 2], 3]})"), 400, "instances[1]: expected a list");
  check_error(served.predict(R"({"instances": [[1, "2"]]})"), 400, "instances[0][1]: expected a number");
  check_error(served.predict(R"({"instances": [[1, null]]})"), 400, "got null");
  check_error(served.predict(R"({"instances": [[1, true]]})"), 400, "expected a number, as it is FP32, got true");
  check_error(served.predict(R"({"instances": [[1, {"b64": "AA=="}]]})"), 400, "got an object");
  check_error(served.predict(R"({"instances": [[1, 1e39]]})"), 400,
              "instances[0][1]: expected a number within FP32, as it is FP32, got 1e+39");
  check_error(served.predict(R"({"instances": [[1, 1e999]]})"), 400, "instances[0][1]: expected a number within FP32");
  check_error(served.predict(R"({"instances": [{"z": [1, 2]}]})"), 400, R"(expected the inputs \"x\", got \"z\")");
  check_error(served.predict(R"({"instances": [{"x": [1, 2]}, [1, 2]]})"), 400, "instances[1]: expected an object");
  check_error(served.predict(R"({"instances": [{"x": [1, 2], "x": [1, 2]}]})"), 400, "got it twice");
  check_error(served.predict(R"({"instances": [{"a": [1, 2]}]})", "joined"), 400, R"(got no \"b\")");
  check_error(served.predict(R"({"instances": [{"a": [1, 2], "b": [1]}, {"a": [1], "b": [1]}]})", "joined"), 400,
              "instances[1]: expected shape [2]");
  check_error(served.predict(R"({"instances": [[1, 2, 3]]})", "joined"), 400, "expected an object with the inputs");
  check_error(served.predict(R"({"inputs": {"a": [[1, 2], [3, 4]], "b": [[1]]}})", "joined"), 400,
              R"(expected 2 samples, as in \"a\", got 1)");
  check_error(served.predict(R"({"inputs": {"a": [[1, 2]], "b": [[1]], "c": 1}})", "joined"), 400, R"(got \"c\")");
  check_error(served.predict(R"({"signature_name": "other", "inputs": [[1, 2]]})"), 400, "signature_name");
  check_error(served.predict(R"({"signature_name": 5, "inputs": [[1, 2]]})"), 400, "signature_name");
  check_error(served.predict(R"({"inputs": [[1, 2]]} {})"), 400, "request body");
}

TEST_CASE("numbers that JSON has not, go in and out as Python writes them") {
  Served served;
  check_body(served.predict(R"({"instances": [[NaN, 1], [Infinity, 1], [-Infinity, 1]]})"),
             R"({"predictions":[[NaN],[Infinity],[-Infinity]]})");
  check_body(served.infer(R"({"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [NaN, 0]}]})"),
             R"({"model_name":"affine","model_version":"3","outputs":)"
             R"([{"name":"y","shape":[1,1],"datatype":"FP32","data":[NaN]}]})");
  check_body(served.predict(R"({"instances": [[1000000000000000000000, 0]]})"), R"({"predictions":[[2e+21]]})");
}

TEST_CASE("every beginning of a valid body is refused") {
  Served served;
  const std::string v1 = R"({"instances": [{"a": [1, NaN], "b": -1.5e3}], "signature_name": ""})";
  const std::string v2 =
      R"({"id": "é\n", "inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}], "outputs": []})";
  CHECK(served.predict(v1, "joined").status == 200);
  CHECK(served.infer(v2).status == 200);
  for (std::size_t i = 0; i < v1.size(); ++i) CHECK(served.predict(v1.substr(0, i), "joined").status == 400);
  for (std::size_t i = 0; i < v2.size(); ++i) CHECK(served.infer(v2.substr(0, i)).status == 400);
}

TEST_CASE("v1 tells status and metadata") {
  Served served;
  const std::string status =
      R"({"model_version_status":[{"version":"3","state":"AVAILABLE","status":{"error_code":"OK","error_message":""}}],)"
      R"("name":"affine","ready":true})";
  check_body(served(get("/v1/models/affine")), status);
  check_body(served(get("/v1/models/affine/versions/3")), status);
  check_error(served(get("/v1/models/affine/versions/4")), 404, "unknown version 4");
  check_error(served(get("/v1/models/none")), 404, R"(unknown model \"none\")");
  check_body(served(get("/v1/models")), R"({"models":["affine","image","joined"]})");
  check_body(served(get("/v1/models/affine/metadata")),
             R"({"model_spec":{"name":"affine","signature_name":"","version":"3"},"metadata":{"signature_def":)"
             R"({"signature_def":{"serving_default":{"inputs":{"x":{"dtype":"DT_FLOAT","tensor_shape":{"dim":)"
             R"([{"size":"-1","name":""},{"size":"2","name":""}],"unknown_rank":false},"name":"x"}},"outputs":)"
             R"({"y":{"dtype":"DT_FLOAT","tensor_shape":{"dim":[{"size":"-1","name":""},{"size":"1","name":""}],)"
             R"("unknown_rank":false},"name":"y"}},"method_name":"tensorflow/serving/predict"}}}}})");
  CHECK(served(get("/v1/models/affine/versions/3/metadata")).status == 200);
}

TEST_CASE("v2 tells server, health and models") {
  Served served;
  check_body(served(get("/v2")), R"({"name":"maas-server","version":")" MAAS_VERSION
                                 R"(","extensions":["binary_tensor_data","statistics","model_configuration"]})");
  CHECK(served(get("/v2/")).status == 200);
  check_body(served(get("/v2/health/live")), R"({"live":true})");
  check_body(served(get("/v2/health/ready")), R"({"live":true,"ready":true})");
  check_body(served(get("/v2/models")), R"({"models":["affine","image","joined"]})");
  check_body(served(get("/v2/models/joined")),
             R"({"name":"joined","versions":["1"],"platform":"maas","inputs":[{"name":"a","datatype":"FP32",)"
             R"("shape":[-1,2]},{"name":"b","datatype":"FP32","shape":[-1,1]}],"outputs":[{"name":"sum",)"
             R"("datatype":"FP32","shape":[-1,1]},{"name":"pair","datatype":"FP32","shape":[-1,2]}]})");
  check_body(served(get("/v2/models/joined/versions/1/ready")), R"({"name":"joined","ready":true})");
  check_error(served(get("/v2/models/joined/versions/2/ready")), 404, "unknown version 2");
  check_error(served(get("/v2/models/none/ready")), 404, "unknown model");
  served.protocol.set_ready(false);
  const Response ready = served(get("/v2/health/ready"));
  CHECK(ready.status == 503);
  CHECK(ready.body == R"({"live":true,"ready":false})");
  check_body(served(get("/v2/health/live")), R"({"live":true})");
  check_body(served(get("/healthz")), R"({"status":"alive"})");
  check_body(served(get("/")), R"({"status":"alive"})");
}

TEST_CASE("v2 infers with JSON") {
  Served served;
  const std::string answer = R"({"model_name":"affine","model_version":"3","outputs":)"
                             R"([{"name":"y","shape":[2,1],"datatype":"FP32","data":[8.5,-2]}]})";
  for (const std::string data : {"[1, 2, 0.25, -1]", "[[1, 2], [0.25, -1]]", "[[1, 2, 0.25], [-1]]"})
    check_body(served.infer(R"({"model_name": "ignored", "inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP32",)"
                            R"( "data": )" +
                            data + "}]}"),
               answer);
  check_body(
      served.infer(R"({"id": "a\"b", "parameters": {"binary_data_output": false, "other": 1}, "inputs": [{"name":)"
                   R"( "b", "shape": [1, 1], "datatype": "INT8", "data": [4]}, {"name": "a", "shape": [1, 2],)"
                   R"( "datatype": "FP64", "data": [1, 2.0]}], "outputs": [{"name": "pair"}, {"name": "sum"}]})",
                   "joined"),
      R"({"model_name":"joined","model_version":"1","id":"a\"b","outputs":[{"name":"pair","shape":[1,2],)"
      R"("datatype":"FP32","data":[-3,10]},{"name":"sum","shape":[1,1],"datatype":"FP32","data":[7]}]})");
  check_body(served.infer(R"({"inputs": [{"name": "x", "shape": [0, 2], "datatype": "FP32"}]})"),
             R"({"model_name":"affine","model_version":"3","outputs":)"
             R"([{"name":"y","shape":[0,1],"datatype":"FP32","data":[]}]})");
}

TEST_CASE("v2 says what is wrong with a body") {
  Served served;
  const auto with_input = [](const std::string& members) { return R"({"inputs": [{"name": "x", )" + members + "}]}"; };
  check_error(served.infer("{}"), 400, R"(expected \"inputs\", got none)");
  check_error(served.infer(R"({"inputs": []})"), 400, R"(got no \"x\")");
  check_error(served.infer(R"({"inputs": 1})"), 400, "to be a list, got a number");
  check_error(served.infer(R"({"inputs": [1]})"), 400, "expected objects");
  check_error(served.infer(R"({"inputs": [{}]})"), 400, R"(expected \"name\")");
  check_error(served.infer(R"({"inputs": [], "inputs": []})"), 400, "got it twice");
  check_error(served.infer(R"({"id": 4, "inputs": []})"), 400, R"(expected \"id\" to be a text)");
  const std::string good = R"("shape": [1, 2], "datatype": "FP32", "data": [1, 2])";
  CHECK(served.infer(with_input(good)).status == 200);
  check_error(served.infer(R"({"inputs": [{"name": "x", )" + good + R"(}, {"name": "x", )" + good + "}]}"), 400,
              "got it twice");
  check_error(served.infer(R"({"inputs": [{"name": "z", )" + good + "}]}"), 400, R"(got \"z\")");
  check_error(served.infer(with_input(R"("datatype": "FP32", "data": [1, 2])")), 400, R"(expected \"shape\")");
  check_error(served.infer(with_input(R"("shape": [1, -2], "datatype": "FP32", "data": [1, 2])")), 400, "got -2");
  check_error(served.infer(with_input(R"("shape": [1, 2.0], "datatype": "FP32", "data": [1, 2])")), 400,
              "whole numbers");
  check_error(served.infer(with_input(R"("shape": [4611686018427387904, 4], "datatype": "FP32", "data": [1])")), 413,
              "expected at most");
  check_error(served.infer(with_input(R"("shape": [0, 4611686018427387904, 4], "datatype": "FP32", "data": [1])")), 413,
              "expected at most");
  check_error(served.infer(with_input(R"("shape": [1,1,1,1,1,1,1,1,1,1,1], "datatype": "FP32", "data": [1])")), 400,
              "at most 9 lengths");
  check_error(served.infer(with_input(R"("shape": [2, 1], "datatype": "FP32", "data": [1, 2])")), 400,
              "expected shape [n, 2], got [2, 1]");
  check_error(served.infer(with_input(R"("shape": [1, 2], "datatype": "FP32", "data": [1])")), 400,
              "expected 2 numbers for its shape, got 1");
  check_error(served.infer(with_input(R"("shape": [1, 2], "datatype": "FP32")")), 400, R"(expected \"data\")");
  check_error(served.infer(with_input(R"("shape": [1, 2], "data": [1, 2])")), 400, R"(expected \"datatype\")");
  for (const char* type : {"BYTES", "fp32", "FLOAT"})
    check_error(served.infer(with_input(fmt::format(R"("shape": [1, 2], "datatype": "{}", "data": [1, 2])", type))),
                400, "expected a datatype of numbers");
  for (const char* type : {"FP16", "BF16"})
    check_error(served.infer(with_input(fmt::format(R"("shape": [1, 2], "datatype": "{}", "data": [1, 2])", type))),
                400, "in binary, got it as JSON");
  check_error(served.infer(with_input(R"("shape": [1, 2], "datatype": "INT8", "data": [1, 128])")), 400,
              "[1]: expected a whole number in its range, as it is INT8, got 128");
  check_error(served.infer(with_input(R"("shape": [1, 2], "datatype": "UINT8", "data": [1, -1])")), 400, "got -1");
  check_error(served.infer(with_input(R"("shape": [1, 2], "datatype": "INT32", "data": [1, 1.5])")), 400, "got 1.5");
  check_error(served.infer(with_input(R"("shape": [1, 2], "datatype": "INT32", "data": [1, NaN])")), 400, "INT32");
  check_error(served.infer(with_input(R"("shape": [1, 2], "datatype": "BOOL", "data": [1, 0])")), 400, "true or false");
  CHECK(served.infer(with_input(R"("shape": [1, 2], "datatype": "BOOL", "data": [true, false])")).status == 200);
  CHECK(served.infer(with_input(R"("shape": [1, 2], "datatype": "INT64", "data": [1.0, 2])")).status == 200);
  const auto with_number = [&](const char* type, const char* number) {
    return served.infer(with_input(fmt::format(R"("shape": [1, 2], "datatype": "{}", "data": [{}, 0])", type, number)));
  };
  for (const auto& [type, number] : {std::pair{"INT64", "9223372036854775808"},
                                     {"INT64", "-9223372036854775809.0e3"},
                                     {"INT64", "9223372036854775808.0"},
                                     {"UINT64", "18446744073709551616"},
                                     {"UINT64", "-1"},
                                     {"UINT32", "4294967296"},
                                     {"INT8", "-129"}})
    check_error(with_number(type, number), 400, "in its range");
  for (const auto& [type, number] : {std::pair{"INT64", "9223372036854775807"},
                                     {"INT64", "-9223372036854775808"},
                                     {"UINT64", "18446744073709551615"},
                                     {"UINT64", "9223372036854775808"},
                                     {"UINT32", "4294967295"},
                                     {"INT8", "-128"},
                                     {"INT8", "127"}})
    CHECK(with_number(type, number).status == 200);
  // The same where the body is read again for the sake of another number.
  CHECK(served
            .infer(R"({"parameters": {"other": NaN}, "inputs": [{"name": "x", "shape": [1, 2], "datatype": "INT64",)"
                   R"( "data": [9223372036854775807, -9223372036854775808]}]})")
            .status == 200);
  check_error(served.infer(with_input(good + R"(, "parameters": 5)")), 400, R"(expected \"parameters\")");
  check_error(served.infer(with_input(good + R"(, "parameters": {"binary_data_size": 8})")), 400, "got both");
  check_error(served.infer(with_input(R"("shape": [1, 2], "datatype": "FP32", "parameters": {"binary_data_size": 8})")),
              400, "expected the header Inference-Header-Content-Length");
  check_error(served.infer(with_input(good + R"(, "parameters": {"shared_memory_region": "r"})")), 501,
              "shared memory");
  const auto with_rest = [&](const std::string& rest) {
    return R"({"inputs": [{"name": "x", )" + good + "}], " + rest + "}";
  };
  check_error(served.infer(with_rest(R"("outputs": [{"name": "z"}])")), 400,
              R"(expected the outputs \"y\", got \"z\")");
  check_error(served.infer(with_rest(R"("outputs": [{"name": "y"}, {"name": "y"}])")), 400, "got it twice");
  check_error(served.infer(with_rest(R"("outputs": 3)")), 400, "to be a list");
  check_error(served.infer(with_rest(R"("outputs": [{"name": "y", "parameters": {"classification": 2}}])")), 501,
              "classification");
  check_error(served.infer(with_rest(R"("outputs": [{"name": "y", "parameters": {"binary_data": 1}}])")), 400,
              "true or false");
  check_error(served.infer(with_rest(R"("parameters": {"triton_x": 2})")), 400, "reserved");
  check_error(served.infer(with_rest(R"("parameters": {"sequence_id": 2})")), 501, "sequences");
  CHECK(served.infer(with_rest(R"("parameters": {"sequence_id": 0, "sequence_start": false})")).status == 200);
  CHECK(served.infer(with_rest(R"("outputs": [])")).status == 200);
}

TEST_CASE("JSON before bytes that came before is read no less strictly, and answered for what is there now") {
  Served served;
  const auto json_of = [](const char* rest, const char* type = "FP32", int bytes = 8) {
    return fmt::format(
        R"({{"inputs":[{{"name":"x","shape":[1,2],"datatype":"{}","parameters":{{"binary_data_size":{}}}}}]{}}})", type,
        bytes, rest);
  };
  const auto ask = [&](const std::string& json, const std::string& tail) {
    return served(post_binary("/v2/models/affine/infer", json, tail));
  };
  const auto numbers_of = [](const Response& response) {
    const std::string* length = header(response, "Inference-Header-Content-Length");
    return floats_in(std::string_view(response.body).substr(length == nullptr ? 0 : std::stoul(*length)));
  };
  const std::string binary = json_of(R"(,"parameters":{"binary_data_output":true})"), plain = json_of("");
  const Response first = ask(binary, bytes_of({1, 2})), second = ask(binary, bytes_of({1, 2}));
  CHECK(numbers_of(first) == std::vector<float>{8.5F});
  CHECK(second.body == first.body);
  CHECK(second.headers == first.headers);
  CHECK(second.content_type == "application/octet-stream");
  CHECK(numbers_of(ask(binary, bytes_of({0.25F, -1}))) == std::vector<float>{-2});
  // Of other lengths, though the JSON is the same.
  check_error(ask(binary, bytes_of({1})), 400, "expected 8 bytes of binary data, got 4");
  check_error(ask(binary, bytes_of({1, 2, 3})), 400, "got 4 more");
  check_error(served(post("/v2/models/affine/infer", binary)), 400, "expected the header");
  // Answers in JSON, other types of numbers, and a name for each request.
  for (int i = 0; i < 2; ++i) {
    CHECK_THAT(ask(plain, bytes_of({static_cast<float>(i), 0})).body,
               ContainsSubstring(i == 0 ? R"("data":[0.5]})" : R"("data":[2.5]})"));
    const std::string name = fmt::format(R"("id":"{}")", i);
    CHECK_THAT(ask(json_of((',' + name).c_str()), bytes_of({1, 2})).body, ContainsSubstring(name));
    const double doubles[] = {1, 2};
    CHECK_THAT(ask(json_of("", "FP64", 16), {reinterpret_cast<const char*>(doubles), sizeof doubles}).body,
               ContainsSubstring(R"("data":[8.5]})"));
    const Response booleans = ask(json_of("", "BOOL", 2), i == 0 ? std::string("\1\1") : std::string("\1\2"));
    CHECK(booleans.status == (i == 0 ? 200 : 400));
    CHECK_THAT(booleans.body,
               ContainsSubstring(i == 0 ? R"("data":[5.5]})" : "expected BOOL bytes of 0 or 1, got 2 in element 1"));
  }
  // One sample as nothing but its bytes.
  for (float a : {1.0F, 2.0F})
    CHECK(numbers_of(served(post_binary("/v2/models/affine/infer", "", bytes_of({a, 0})))) ==
          std::vector<float>{2 * a + 0.5F});
  check_error(served(post_binary("/v2/models/affine/infer", "", bytes_of({1}))), 400, "expected 8 raw bytes");
  check_error(served(post("/v2/models/affine/infer", "")), 400, "expected JSON");
  // Another version answers now, and another model never did.
  served.repository.publish("affine", 9, affine(2));
  const Response newer = ask(binary, bytes_of({1, 2}));
  CHECK_THAT(newer.body, ContainsSubstring(R"("model_version":"9")"));
  CHECK(numbers_of(newer) == std::vector<float>{16.5F});
  check_error(served(post_binary("/v2/models/joined/infer", binary, bytes_of({1, 2}))), 400, "got \\\"x\\\"");
}

TEST_CASE("v2 infers with binary tensors, in and out, alone and mixed") {
  Served served;
  const std::string json = R"({"parameters": {"binary_data_output": true}, "inputs": [{"name": "x", "shape": [2, 2],)"
                           R"( "datatype": "FP32", "parameters": {"binary_data_size": 16}}]})";
  const Response response = served(post_binary("/v2/models/affine/infer", json, bytes_of({1, 2, 0.25F, -1})));
  REQUIRE(response.status == 200);
  CHECK(response.content_type == "application/octet-stream");
  const std::string* length = header(response, "Inference-Header-Content-Length");
  REQUIRE(length != nullptr);
  CHECK(response.body.substr(0, std::stoul(*length)) ==
        R"({"model_name":"affine","model_version":"3","outputs":[{"name":"y","shape":[2,1],"datatype":"FP32",)"
        R"("parameters":{"binary_data_size":8}}]})");
  CHECK(floats_in(response.body.substr(std::stoul(*length))) == std::vector<float>{8.5F, -2});

  const std::string mixed =
      R"({"inputs": [{"name": "b", "shape": [1, 1], "datatype": "FP32", "parameters": {"binary_data_size": 4}},)"
      R"({"name": "a", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}],)"
      R"("outputs": [{"name": "sum"}, {"name": "pair", "parameters": {"binary_data": true}}]})";
  const Response both = served(post_binary("/v2/models/joined/infer", mixed, bytes_of({4})));
  REQUIRE(both.status == 200);
  const std::size_t head = std::stoul(*header(both, "Inference-Header-Content-Length"));
  CHECK_THAT(both.body.substr(0, head),
             ContainsSubstring(R"("name":"sum","shape":[1,1],"datatype":"FP32","data":[7]})"));
  CHECK(floats_in(both.body.substr(head)) == std::vector<float>{-3, 10});

  // The C++ client always sends the header.
  const std::string plain = R"({"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}]})";
  const Response all_json = served(post_binary("/v2/models/affine/infer", plain, ""));
  CHECK(all_json.status == 200);
  CHECK(all_json.content_type == "application/json");
  CHECK(header(all_json, "Inference-Header-Content-Length") == nullptr);
}

TEST_CASE("v2 takes raw bytes of one sample") {
  Served served;
  const auto raw = [&](std::string_view model, std::string body) {
    return served(
        post(fmt::format("/v2/models/{}/infer", model), std::move(body), {{"inference-header-content-length", "0"}}));
  };
  const Response response = raw("affine", bytes_of({1, 2}));
  REQUIRE(response.status == 200);
  CHECK(floats_in(response.body.substr(std::stoul(*header(response, "Inference-Header-Content-Length")))) ==
        std::vector<float>{8.5F});
  check_error(raw("affine", bytes_of({1, 2, 3})), 400, "expected 8 raw bytes");
  check_error(raw("joined", bytes_of({1, 2, 3})), 400, "for a model of 2 inputs");
}

TEST_CASE("v2 refuses binary tensors whose sizes do not fit") {
  Served served;
  const auto ask = [&](const std::string& shape, const std::string& type, const std::string& size, std::size_t tail) {
    const std::string json = R"({"inputs": [{"name": "x", "shape": )" + shape + R"(, "datatype": ")" + type +
                             R"(", "parameters": {"binary_data_size": )" + size + "}}]}";
    return served(post_binary("/v2/models/affine/infer", json, std::string(tail, '\1')));
  };
  CHECK(ask("[1, 2]", "FP32", "8", 8).status == 200);
  check_error(ask("[1, 2]", "FP32", "8", 7), 400, "expected 8 bytes of binary data, got 7");
  check_error(ask("[1, 2]", "FP32", "8", 9), 400, "got 1 more");
  check_error(ask("[1, 2]", "FP32", "7", 7), 400, "expected a binary_data_size of 8");
  check_error(ask("[1, 2]", "FP64", "8", 8), 400, "expected a binary_data_size of 16");
  check_error(ask("[1, 2]", "FP32", "-8", 8), 400, "at least 0");
  check_error(ask("[1, 2]", "FP32", "8.0", 8), 400, "whole number");
  check_error(ask("[1, 2]", "FP32", "9223372036854775807", 8), 400, "expected a binary_data_size of 8");
  check_error(ask("[1, 2]", "FP32", "18446744073709551615", 8), 400, "binary_data_size");
  check_error(ask("[1, 2]", "BYTES", "8", 8), 400, "datatype of numbers");
  CHECK(ask("[0, 2]", "FP32", "0", 0).status == 200);
  CHECK(ask("[1, 2]", "BOOL", "2", 2).status == 200);

  const std::string json = R"({"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}]})";
  for (const std::string& length :
       std::vector<std::string>{"-1", "2147483648", "text", "", " 5", std::to_string(json.size() + 1)})
    check_error(served(post("/v2/models/affine/infer", json, {{"Inference-Header-Content-Length", length}})), 400,
                "expected a whole number from 0 to the body's length");
  const auto with_two = [&](const std::string& first, const std::string& second) {
    return served(post("/v2/models/affine/infer", json,
                       {{"Inference-Header-Content-Length", first}, {"inference-header-content-length", second}}));
  };
  const std::string length = std::to_string(json.size());
  CHECK(with_two(length, length).status == 200);
  check_error(with_two(length, "0"), 400, "expected one, got");
  check_error(with_two("0", length), 400, "expected one, got");
}

TEST_CASE("v2 converts all types of numbers") {
  Served served;
  const auto ask = [&](const std::string& type, const std::string& tail) {
    const std::string json = R"({"inputs": [{"name": "x", "shape": [1, 2], "datatype": ")" + type +
                             R"(", "parameters": {"binary_data_size": )" + std::to_string(tail.size()) + "}}]}";
    const Response response = served(post_binary("/v2/models/affine/infer", json, tail));
    const std::size_t at = response.body.find(R"("data":)");
    return at == std::string::npos ? response.body : response.body.substr(at);
  };
  const auto raw = [](auto a, auto b) {
    std::string bytes(2 * sizeof a, '\0');
    std::memcpy(bytes.data(), &a, sizeof a);
    std::memcpy(bytes.data() + sizeof a, &b, sizeof b);
    return bytes;
  };
  const std::string expected = R"("data":[8.5]}]})";
  CHECK(ask("UINT8", raw(std::uint8_t{1}, std::uint8_t{2})) == expected);
  CHECK(ask("UINT16", raw(std::uint16_t{1}, std::uint16_t{2})) == expected);
  CHECK(ask("UINT32", raw(std::uint32_t{1}, std::uint32_t{2})) == expected);
  CHECK(ask("UINT64", raw(std::uint64_t{1}, std::uint64_t{2})) == expected);
  CHECK(ask("INT8", raw(std::int8_t{-1}, std::int8_t{2})) == R"("data":[4.5]}]})");
  CHECK(ask("INT16", raw(std::int16_t{1}, std::int16_t{2})) == expected);
  CHECK(ask("INT32", raw(std::int32_t{1}, std::int32_t{2})) == expected);
  CHECK(ask("INT64", raw(std::int64_t{1}, std::int64_t{2})) == expected);
  CHECK(ask("FP64", raw(1.0, 2.0)) == expected);
  CHECK(ask("FP16", raw(std::uint16_t{0x3C00}, std::uint16_t{0x4000})) == expected);
  CHECK(ask("FP16", raw(std::uint16_t{0x8001}, std::uint16_t{0x7BFF})) == R"("data":[196512.5]}]})");
  CHECK(ask("FP16", raw(std::uint16_t{0x7C00}, std::uint16_t{0})) == R"("data":[Infinity]}]})");
  CHECK(ask("BF16", raw(std::uint16_t{0x3F80}, std::uint16_t{0x4000})) == expected);
  CHECK_THAT(ask("FP64", raw(1.0, 1e39)), ContainsSubstring("expected numbers within FP32"));
  CHECK_THAT(ask("BOOL", raw(std::uint8_t{1}, std::uint8_t{2})), ContainsSubstring("expected BOOL bytes of 0 or 1"));
  // As JSON it is the same number, though no double holds it.
  constexpr std::int64_t large = 1152921573326323713;
  const std::string json =
      served
          .infer(fmt::format(
              R"({{"inputs": [{{"name": "x", "shape": [1, 2], "datatype": "INT64", "data": [{}, 0]}}]}})", large))
          .body;
  CHECK_THAT(json, ContainsSubstring(ask("INT64", raw(large, std::int64_t{0}))));
}

TEST_CASE("one answer, bit for bit, whichever way it is asked") {
  Served served;
  Network network{input(Shape{3}, "x"), dense(16, Tanh{}), dense(5, sigmoid).named("y")};
  served.repository.publish("net", 1, network);
  const Matrix x = Matrix::Random(7, 3);
  const Matrix expected = network.predict(x);
  const std::vector<float> wanted(expected.data(), expected.data() + expected.size());

  std::string rows, flat;
  for (Index i = 0; i < x.rows(); ++i) {
    rows += fmt::format("{}[{},{:.17g},{:.9g}]", i == 0 ? "" : ",", x(i, 0), static_cast<double>(x(i, 1)), x(i, 2));
    for (Index k = 0; k < 3; ++k) flat += fmt::format("{}{}", flat.empty() ? "" : ",", x(i, k));
  }
  // All numbers of a text between two marks, read back.
  const auto numbers = [](const std::string& body, const std::string& from) {
    std::vector<float> values;
    const char* at = body.c_str() + body.find(from) + from.size();
    while (*at != '\0' && *at != '}') {
      char* end = nullptr;
      const float value = std::strtof(at, &end);
      if (end == at)
        ++at;
      else
        values.push_back(value), at = end;
    }
    return values;
  };
  CHECK(numbers(served.predict(R"({"instances":[)" + rows + "]}", "net").body, "predictions\":") == wanted);
  CHECK(numbers(served.predict(R"({"inputs":{"x":[)" + rows + "]}}", "net").body, "outputs\":") == wanted);
  const std::string head = R"({"inputs":[{"name":"x","shape":[7,3],"datatype":"FP32",)";
  CHECK(numbers(served.infer(head + R"("data":[)" + rows + "]}]}", "net").body, "data\":") == wanted);
  CHECK(numbers(served.infer(head + R"("data":[)" + flat + "]}]}", "net").body, "data\":") == wanted);
  const std::vector<float> samples(x.data(), x.data() + x.size());
  const Response binary = served(post_binary("/v2/models/net/versions/1/infer",
                                             head + R"("parameters":{"binary_data_size":84}}],)"
                                                    R"("outputs":[{"name":"y","parameters":{"binary_data":true}}]})",
                                             bytes_of(samples)));
  REQUIRE(binary.status == 200);
  CHECK(floats_in(binary.body.substr(std::stoul(*header(binary, "Inference-Header-Content-Length")))) == wanted);
}

TEST_CASE("paths that are none, and methods that do not fit, are refused") {
  Served served;
  for (const char* path : {"/v3", "/v1", "/v1/model/x", "/v2/other", "/v1/models/affine/other/3", "/v1/models/a/b",
                           "/v2/models/affine/labels/x/infer", "//v2", "/metrics/", "", "v2", "/v2/models/affine/x/3",
                           "/v1/models/affine/versions/3/metadata/x", "/v1/models/affine/labels/stable"})
    CHECK(served(get(path)).status == 404);
  for (const char* path :
       {"/v1/models/affine/versions/x", "/v1/models/affine/versions/-1", "/v2/models/..", "/v1/models/",
        "/v1/models/affine/versions/99999999999999999999", "/v2/models/a%2Fb", "/v2/models/%2e%2E", "/v2/models/a%00b",
        "/v2/models/a%7Fb", "/v2/models/a%0", "/v2/models/a%zz", "/v2/models/a%7"})
    CHECK(served(get(path)).status == 400);
  CHECK(served(get("/v2/models/%61ffine")).status == 200);
  CHECK(served(get("/v2/models/affine/versions/0003")).status == 200);
  const Response posted = served(post("/v2/models/affine", ""));
  check_error(posted, 405, "expected GET, got POST");
  CHECK(*header(posted, "Allow") == "GET, HEAD");
  const Response got = served(get("/v1/models/affine:predict"));
  check_error(got, 405, "expected POST, got GET");
  CHECK(*header(got, "Allow") == "POST");
  check_error(served(post("/v1/models/affine:classify", "")), 501, "not offered");
  check_error(served(post("/v1/models/affine:explain", "")), 404, "unknown verb");
  CHECK(served(post("/v1/models/affine:PREDICT", R"({"inputs": [[1, 2]]})")).status == 200);
  CHECK(served({.method = "HEAD", .path = "/v2"}).status == 200);
  check_error(served(get("/v2/models/" + std::string(9000, 'x'))), 414, "at most 8192 bytes");
  // Whatever a name holds, the answer is JSON.
  CHECK(served(get("/v2/models/%22%c3%a9")).body == "{\"error\":\"unknown model \\\"\\\"é\\\"\"}");
  check_error(served(get("/v2/models/%ff%22%c3%a9")), 400, "path: expected names in UTF-8, got \\\"%ff%22%c3%a9\\\"");
  check_error(served(get("/v2/models/a\xff")), 400, "path: expected names in UTF-8, got \\\"a\\ufffd\\\"");
}

TEST_CASE("other codings of bodies are refused") {
  Served served;
  const Response response =
      served(post("/v1/models/affine:predict", R"({"inputs": [[1, 2]]})", {{"content-encoding", "br"}}));
  check_error(response, 415, "br");
  CHECK(*header(response, "Accept-Encoding") == "gzip, deflate");
  CHECK(
      served(post("/v1/models/affine:predict", R"({"inputs": [[1, 2]]})", {{"Content-Encoding", "identity"}})).status ==
      200);
}

TEST_CASE("limits hold to the last one") {
  Served served({.limits = {.body_bytes = 200, .json_depth = 4, .rows = 3, .tensor_elements = 8}});
  CHECK(served.predict(R"({"instances": [[1,2],[1,2],[1,2]]})").status == 200);
  check_error(served.predict(R"({"instances": [[1,2],[1,2],[1,2],[1,2]]})"), 413, "expected at most 3, got 4");
  check_error(served.predict(R"({"inputs": [[1,2],[1,2],[1,2],[1,2]]})"), 413, "expected at most 3 samples, got 4");
  check_error(served.infer(R"({"inputs":[{"name":"x","shape":[4,2],"datatype":"FP32","data":[1,1,1,1,1,1,1,1]}]})"),
              413, "at most 3 samples");
  check_error(served.predict(R"({"inputs": [[1,2,3,4,5,6,7,8,9]]})"), 413, "expected at most 8 numbers");
  check_error(served.infer(R"({"inputs":[{"name":"x","shape":[9],"datatype":"FP32","data":[1,1]}]})"), 413,
              "expected at most 8 numbers");
  CHECK(served.predict(R"({"inputs": [[1,2]], "more": [[[0]]]})").status == 200);
  check_error(served.predict(R"({"inputs": [[1,2]], "more": [[[[0]]]]})"), 400, "at most 4 deep");
  const std::string fits = R"({"inputs": [[1,2]]})";
  CHECK(served.predict(fits + std::string(200 - fits.size(), ' ')).status == 200);
  const Response longer = served.predict(fits + std::string(201 - fits.size(), ' '));
  check_error(longer, 413, "expected at most 200 bytes, got 201");
  CHECK(*header(longer, "Connection") == "close");
  CHECK_THROWS_AS(Protocol(served.repository, {.limits = {.rows = 0}}), ConfigError);
  CHECK_THROWS_AS(Protocol(served.repository, {.limits = {.json_depth = 1001}}), ConfigError);
  Protocol deepest(served.repository, {.limits = {.json_depth = 1000}});
  const std::string deep = R"({"inputs": )" + std::string(999, '[') + "1" + std::string(999, ']') + "}";
  check_error(deepest.answer(post("/v1/models/affine:predict", deep)), 400, "expected shape [n, 2]");
}

TEST_CASE("deep bodies are refused by depth, not by the stack") {
  Served served;
  for (const std::size_t depth : {std::size_t{33}, std::size_t{1000}, std::size_t{1000000}}) {
    check_error(served.predict(R"({"inputs": )" + std::string(depth, '[')), 400, "request body");
    check_error(served.predict(R"({"inputs": )" + std::string(depth, '[') + std::string(depth, ']') + "}"), 400,
                "at most 32 deep");
  }
}

TEST_CASE("an output may be larger than allowed though the input is not") {
  Served served({.limits = {.tensor_elements = 100}});
  served.repository.publish("wide", 1, Network{input(Shape{1}, "x"), dense(40)});
  CHECK(served.predict(R"({"instances": [1, 2]})", "wide").status == 200);
  check_error(served.predict(R"({"instances": [1, 2, 3]})", "wide"), 413, "got 3 samples of 40");
}

TEST_CASE("a deadline that has passed is told, before any work") {
  Served served;
  for (const char* path : {"/v1/models/affine:predict", "/v2/models/affine/infer"}) {
    Request late = post(path, "{");  // not even looked at
    check_error(served(late), 400, "request body");
    late.arrived -= std::chrono::seconds(11);
    check_error(served(late), 504, "deadline");
  }
  Request timed = post("/v2/models/affine/infer",
                       R"({"parameters": {"timeout": 1000000}, "inputs": [{"name": "x", "shape": [1, 2],)"
                       R"( "datatype": "FP32", "data": [1, 2]}]})");
  CHECK(served(timed).status == 200);
  timed.arrived -= std::chrono::seconds(2);
  check_error(served(timed), 504, "deadline");
}

TEST_CASE("errors stay short, whatever is sent") {
  Served served;
  check_error(served.infer(R"({"inputs": [{"name": ")" + std::string(100000, 'z') + R"("}]})"), 400, "zzz");
  CHECK(served.infer(R"({"inputs": [{"name": ")" + std::string(100000, 'z') + R"("}]})").body.size() < 1100);
  // A character is kept whole or not at all; what is no UTF-8 is cut all the same.
  for (const std::string character : {"é", "€", "😀", "\x80"})
    for (std::size_t before = 990; before <= 1001; ++before) {
      std::string text(before, 'x'), kept = text.substr(0, 1000);
      for (int i = 0; i < 20; ++i) text += character;
      const std::string body = serve::error_response(400, text).body;
      CHECK(body.size() <= 12 + 1000 * 6);
      if (character == "\x80") continue;
      while (kept.size() + character.size() <= 1000) kept += character;
      CHECK(body == R"({"error":")" + kept + R"("})");
    }
  CHECK(serve::error_response(400, std::string(1000, 'x')).body.size() == 1012);
}

TEST_CASE("a token opens all but health, which is open") {
  Served served({.token = "secret-token"});
  const auto with = [&](std::string_view path, std::string value) {
    Request request = get(path);
    request.headers = {{"authorization", std::move(value)}};
    return served(request);
  };
  for (const char* path : {"/", "/healthz", "/v2/health/live", "/v2/health/ready"})
    CHECK(served(get(path)).status == 200);
  for (const char* path : {"/v2", "/v1/models/affine", "/metrics", "/no/such/path", "/v2/models/none"}) {
    const Response response = served(get(path));
    check_error(response, 401, "token");
    CHECK(*header(response, "WWW-Authenticate") == "Bearer");
    CHECK(refused(served, get(path)).has_value());
  }
  for (const char* value : {"Bearer secret-token", "bearer secret-token", "BEARER  secret-token"})
    CHECK(with("/v2", value).status == 200);
  for (const char* value :
       {"", "Bearer", "Bearer ", "Bearer secret-toke", "Bearer secret-token ", "Bearer secret-tokem",
        "Bearersecret-token", "Basic secret-token", "Bearer secret-tokensecret-token", "secret-token"})
    CHECK(with("/v2", value).status == 401);
}

TEST_CASE("what can be refused before the body comes, is") {
  Served served;
  CHECK_FALSE(refused(served, post("/v1/models/affine:predict", "")).has_value());
  CHECK_FALSE(refused(served, get("/v2")).has_value());
  check_error(*refused(served, post("/v1/models/none:predict", "")), 404, "unknown model");
  check_error(*refused(served, post("/nothing", "")), 404, "unknown path");
  check_error(*refused(served, post("/v2", "")), 405, "expected GET");
  check_error(*refused(served, post("/v1/models/affine:classify", "")), 501, "expected :predict");
  CHECK(served.protocol.is_prediction(post("/v1/models/affine:predict", "")));
  CHECK(served.protocol.is_prediction(post("/v2/models/affine/infer", "")));
  CHECK_FALSE(served.protocol.is_prediction(get("/v2/models/affine")));
  CHECK_FALSE(served.protocol.is_prediction(get("nothing")));
}

TEST_CASE("metrics count by model and code, and never by a name that a client made up") {
  Served served;
  for (int i = 0; i < 3; ++i) served.predict(R"({"inputs": [[1, 2], [3, 4]]})");
  served.predict("{}");
  served(get("/v2/models/made-up-name"));
  served(get("/made-up-path"));
  served(post("/v1/models/made-up-name:predict", "{}"));
  served.protocol.set_gauges(
      [](const void*) {
        return serve::Gauges{.in_flight = 5,
                             .queued = 2,
                             .rejected_queue = 7,
                             .rejected_deadline = 6,
                             .rejected_cancelled = 8,
                             .queued_rows = 9,
                             .connections = 4,
                             .bytes_in = 100,
                             .bytes_out = 200};
      },
      nullptr);
  const Response response = served(get("/metrics"));
  CHECK(response.content_type == "text/plain; version=0.0.4; charset=utf-8");
  for (const char* line : {R"(maas_requests_total{api="v1",model="affine",version="3",code="200"} 3)",
                           R"(maas_requests_total{api="v1",model="affine",version="3",code="400"} 1)",
                           R"(maas_requests_total{api="v2",model="",version="",code="404"} 1)",
                           R"(maas_requests_total{api="other",model="",version="",code="404"} 1)",
                           R"(maas_request_duration_seconds_count{model="affine",version="3"} 4)",
                           R"(maas_request_duration_seconds_bucket{model="affine",version="3",le="+Inf"} 4)",
                           R"(maas_executions_total{model="affine",version="3"} 3)",
                           R"(maas_inferences_total{model="affine",version="3"} 6)",
                           R"(maas_model_available{model="affine",version="3"} 1)",
                           "maas_inflight 5",
                           "maas_queue_requests 2",
                           R"(maas_batch_rows_bucket{model="affine",version="3",le="1"} 0)",
                           R"(maas_batch_rows_bucket{model="affine",version="3",le="2"} 3)",
                           R"(maas_batch_rows_bucket{model="affine",version="3",le="+Inf"} 3)",
                           R"(maas_batch_rows_sum{model="affine",version="3"} 6)",
                           R"(maas_queue_duration_seconds_count{model="affine",version="3"} 3)",
                           R"(maas_model_state{model="affine",version="3",state="AVAILABLE"} 1)",
                           R"(maas_model_bytes{model="affine",version="3"} 12)",
                           "maas_queue_rows 9",
                           "maas_connections 4",
                           R"(maas_http_bytes_total{dir="in"} 100)",
                           R"(maas_http_bytes_total{dir="out"} 200)",
                           R"(maas_rejected_total{reason="deadline"} 6)",
                           R"(maas_rejected_total{reason="cancelled"} 8)",
                           R"(maas_rejected_total{reason="queue"} 7)",
                           "maas_ready 1",
                           "process_start_time_seconds "})
    CHECK_THAT(response.body, ContainsSubstring(line));
  CHECK(response.body.find("made-up") == std::string::npos);
  for (const std::string name : {"process_resident_memory_bytes", "process_virtual_memory_bytes", "process_open_fds",
                                 "process_max_fds", "process_cpu_seconds_total"}) {
    const std::size_t at = response.body.find("\n" + name + " ");
    REQUIRE(at != std::string::npos);
    CHECK(std::stod(response.body.substr(at + name.size() + 2)) > 0);
  }
  // Each line is a comment, or a name with a number.
  std::size_t lines = 0;
  for (std::size_t at = 0; at < response.body.size(); ++lines) {
    const std::size_t end = response.body.find('\n', at);
    REQUIRE(end != std::string::npos);
    const std::string line = response.body.substr(at, end - at);
    CHECK((line.starts_with("# ") || (line.starts_with("maas_") || line.starts_with("process_"))));
    CHECK(line.find(' ') != std::string::npos);
    at = end + 1;
  }
  CHECK(lines > 40);
}

TEST_CASE("many threads ask one protocol at once") {
  Served served;
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i)
        right += served.predict(R"({"instances": [[1, 2], [0.25, -1]]})").body == R"({"predictions":[[8.5],[-2.0]]})";
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 400);
}
