// Compressed bodies and answers.
#include "serve/compression.hpp"

#include <cstdint>

#include "maas/serve/protocol.hpp"
#include "serve/models.hpp"
#include "serve/status.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;
using Catch::Matchers::ContainsSubstring;
using serve::Coding;

namespace {

std::string bytes(std::initializer_list<std::uint8_t> values) { return {values.begin(), values.end()}; }

const std::string body = R"({"instances": [[1, 2]]})";
// Of Python: gzip.compress(body, mtime=0), zlib.compress(body), and zlib.compressobj(9, zlib.DEFLATED, -15).
const std::string gzipped =
    bytes({0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x56, 0xca, 0xcc, 0x2b,
           0x2e, 0x49, 0xcc, 0x4b, 0x4e, 0x2d, 0x56, 0xb2, 0x52, 0x88, 0x8e, 0x36, 0xd4, 0x51, 0x30,
           0x8a, 0x8d, 0xad, 0x05, 0x00, 0x8d, 0x10, 0xcd, 0xca, 0x17, 0x00, 0x00, 0x00});
const std::string zlibbed =
    bytes({0x78, 0x9c, 0xab, 0x56, 0xca, 0xcc, 0x2b, 0x2e, 0x49, 0xcc, 0x4b, 0x4e, 0x2d, 0x56, 0xb2, 0x52,
           0x88, 0x8e, 0x36, 0xd4, 0x51, 0x30, 0x8a, 0x8d, 0xad, 0x05, 0x00, 0x5f, 0xe7, 0x07, 0x7e});
const std::string bare = bytes({0xab, 0x56, 0xca, 0xcc, 0x2b, 0x2e, 0x49, 0xcc, 0x4b, 0x4e, 0x2d, 0x56, 0xb2,
                                0x52, 0x88, 0x8e, 0x36, 0xd4, 0x51, 0x30, 0x8a, 0x8d, 0xad, 0x05, 0x00});

}  // namespace

TEST_CASE("bodies that Python has compressed are read") {
  CHECK(serve::inflated(gzipped, Coding::gzip, 100) == body);
  CHECK(serve::inflated(zlibbed, Coding::deflate, 100) == body);
  CHECK(serve::inflated(bare, Coding::deflate, 100) == body);
  serve::Repository repository{serve::RepositoryOptions{}};
  repository.publish("m", 1, affine());
  serve::Protocol protocol(repository, {});
  for (const auto& [coding, compressed] : {std::pair{"gzip", gzipped}, {"deflate", zlibbed}, {"Deflate", bare}}) {
    const auto response = protocol.answer(post("/v1/models/m:predict", compressed, {{"Content-Encoding", coding}}));
    CHECK(response.status == 200);
    CHECK(response.body == R"({"predictions":[[8.5]]})");
    CHECK(header(response, "Content-Encoding") == nullptr);
  }
}

TEST_CASE("every beginning of a compressed body is refused, and what stands behind it") {
  for (std::size_t i = 0; i < gzipped.size(); ++i)
    CHECK_THROWS_AS(serve::inflated(gzipped.substr(0, i), Coding::gzip, 100), DataError);
  for (std::size_t i = 0; i < zlibbed.size(); ++i)
    CHECK_THROWS_AS(serve::inflated(zlibbed.substr(0, i), Coding::deflate, 100), DataError);
  CHECK_THROWS_AS(serve::inflated(gzipped + "x", Coding::gzip, 100), DataError);
  CHECK_THROWS_AS(serve::inflated("nonsense", Coding::gzip, 100), DataError);
  CHECK_THROWS_AS(serve::inflated("nonsense", Coding::deflate, 100), DataError);
}

TEST_CASE("files of gzip one behind the other are one body") {
  const std::string empty = serve::deflated("", Coding::gzip);
  CHECK(serve::inflated(gzipped + gzipped, Coding::gzip, 2 * body.size()) == body + body);
  CHECK(serve::inflated(empty + gzipped + empty, Coding::gzip, body.size()) == body);
  CHECK_THROWS_AS(serve::inflated(gzipped + gzipped, Coding::gzip, 2 * body.size() - 1), serve::StatusError);
  for (std::size_t i = 1; i < gzipped.size(); ++i)
    CHECK_THROWS_AS(serve::inflated(gzipped + gzipped.substr(0, i), Coding::gzip, 1000), DataError);
  CHECK_THROWS_AS(serve::inflated(zlibbed + zlibbed, Coding::deflate, 1000), DataError);  // which has no such thing
}

TEST_CASE("what grows over the limit is given up at once") {
  CHECK(serve::inflated(gzipped, Coding::gzip, body.size()) == body);
  CHECK_THROWS_AS(serve::inflated(gzipped, Coding::gzip, body.size() - 1), serve::StatusError);
  const std::string bomb = serve::deflated(std::string(std::size_t{200} << 20, ' '), Coding::gzip);
  CHECK(bomb.size() < 1 << 20);
  serve::Repository repository{serve::RepositoryOptions{}};
  repository.publish("m", 1, affine());
  serve::Protocol protocol(repository, {});
  const auto response = protocol.answer(post("/v1/models/m:predict", bomb, {{"Content-Encoding", "gzip"}}));
  CHECK(response.status == 413);
  CHECK_THAT(response.body, ContainsSubstring("when decompressed"));
}

TEST_CASE("answers are compressed where it is asked for, allowed and worth it") {
  serve::Repository repository{serve::RepositoryOptions{}};
  repository.publish("m", 1, affine());
  serve::Protocol never(repository, {}), from_ten(repository, {.compress_from = 10}),
      from_many(repository, {.compress_from = 1000});
  const auto ask = [&](serve::Protocol& protocol, const char* accepted, const std::string& text = body) {
    return protocol.answer(post("/v1/models/m:predict", text, {{"Accept-Encoding", accepted}}));
  };
  const std::string plain = R"({"predictions":[[8.5]]})";
  const auto packed = ask(from_ten, "deflate, gzip;q=0.5");
  CHECK(*header(packed, "Content-Encoding") == "gzip");
  CHECK(*header(packed, "Vary") == "Accept-Encoding");
  CHECK(serve::inflated(packed.body, Coding::gzip, 100) == plain);
  const auto other = ask(from_ten, "gzip;q=0, deflate");
  CHECK(*header(other, "Content-Encoding") == "deflate");
  CHECK(serve::inflated(other.body, Coding::deflate, 100) == plain);
  CHECK(ask(from_ten, "br, identity").body == plain);
  CHECK(ask(from_many, "gzip").body == plain);
  CHECK(ask(never, "gzip").body == plain);
  // Errors, health and metadata never are: some clients do not look.
  CHECK_THAT(ask(from_ten, "gzip", "[]").body, ContainsSubstring(R"({"error":")"));
  CHECK(header(from_ten.answer({.path = "/v2/models/m", .headers = {{"Accept-Encoding", "gzip"}}}),
               "Content-Encoding") == nullptr);
}

TEST_CASE("answers of streams are not compressed") {
  serve::Repository repository{serve::RepositoryOptions{}};
  repository.publish("m", 1, affine());
  serve::Protocol protocol(repository, {.compress_from = 10});
  const auto answer = protocol.answer(post("/v1/streams/m/a", R"({"samples": [1, 2]})", {{"Accept-Encoding", "gzip"}}));
  CHECK_THAT(answer.body, ContainsSubstring(R"("forecast":[8.5])"));
  CHECK(header(answer, "Content-Encoding") == nullptr);
}

TEST_CASE("names of codings") {
  CHECK(serve::coding_of("") == Coding::none);
  CHECK(serve::coding_of("Identity") == Coding::none);
  CHECK(serve::coding_of("x-gzip") == Coding::gzip);
  CHECK_THROWS_AS(serve::coding_of("gzip, gzip"), serve::StatusError);
  CHECK(serve::accepted_coding("") == Coding::none);
  CHECK(serve::accepted_coding("GZIP") == Coding::gzip);
  CHECK(serve::accepted_coding("gzip;q=0.000, deflate;q=0.001") == Coding::deflate);
}
