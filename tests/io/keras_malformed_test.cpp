// Hostile, damaged and odd files: an error that names the file, or the right model; never a crash.
#include <cstdlib>

#include "fixtures.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace fixtures;

namespace {

std::vector<Matrix> inputs_of(const io::Hdf5Reader& expected, const Network& network) {
  std::vector<Matrix> inputs;
  for (std::size_t i = 0; i < network.graph().inputs().size(); ++i)
    inputs.push_back(read_array(expected, "inputs/" + std::to_string(i)));
  return inputs;
}

// Inputs of other shapes than the network's, as damaged files may have, are not to be predicted.
bool takes(const Network& network, const std::vector<Matrix>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (network.graph().input_shape(static_cast<Index>(i)).size() != inputs[i].cols()) return false;
  return true;
}

void check_case(const std::string& folder, const io::Hdf5Reader& expected, std::map<std::string, std::string> row) {
  const std::string path = folder + "/" + row["file"];
  INFO(row["file"] << ": " << row["why"]);
  std::optional<SavedModel> saved;
  try {
    saved = read_keras(path);
  } catch (const FormatError& error) {
    const std::string what = error.what();
    INFO(what);
    CHECK(what.starts_with(path + ": "));
    CHECK(what.size() > path.size() + 8);
    // A layer that is not there yet may be refused by name.
    CHECK((row["expect"] != "load" || what.find(" is not supported; maas reads ") != std::string::npos));
    return;
  }
  CHECK(row["expect"] != "reject");
  if (row["expect"] != "load" || row["outputs"] == "-") return;
  const std::vector<Matrix> inputs = inputs_of(expected, saved->network);
  REQUIRE(takes(saved->network, inputs));
  const Matrix output = saved->network.predict(inputs)[0];
  if (row["outputs"] == "nan")
    CHECK(output.array().isNaN().all());
  else
    CHECK(difference(output, read_array(expected, "outputs/" + row["outputs"])) <= 2e-6);
}

}  // namespace

TEST_CASE("files that are damaged or hostile") {
  const std::string folder = data_folder() + "/malformed";
  if (!have(folder + "/MANIFEST.tsv")) return;
  const io::Hdf5Reader expected(folder + "/expected.fixture.h5");
  int cases = 0;
  for (auto& row : read_rows(folder + "/MANIFEST.tsv")) {
    ++cases;
    check_case(folder, expected, row);
  }
  std::cerr << cases << " malformed files\n";
  CHECK(cases > 200);
}

// Every file with one of its bytes changed is refused or read; the sanitizers watch.
TEST_CASE("files with changed bytes never crash the reader") {
  const std::string path = GENERATE(MAAS_FIXTURES_DIR "/io/trained.k2.h5", MAAS_FIXTURES_DIR "/resume/adam.keras");
  INFO(path);
  const std::string whole = bytes_of(path);
  REQUIRE(!whole.empty());
  const Random random(7);
  int read = 0, refused = 0;
  for (std::uint64_t i = 0; i < 600; ++i) {
    std::string changed = whole;
    const int flips = 1 + static_cast<int>(random.stream(i).uniform(0) * 4);
    for (int flip = 0; flip < flips; ++flip) {
      const auto number = static_cast<std::uint64_t>(2 * flip);
      const double at = random.stream(i).uniform(number + 1) * static_cast<double>(whole.size());
      changed[static_cast<std::size_t>(at)] =
          static_cast<char>(static_cast<int>(random.stream(i).uniform(number + 2) * 256));
    }
    write_bytes("changed", changed);
    try {
      read_keras("changed");
      ++read;
    } catch (const FormatError&) {
      ++refused;
    }
  }
  CHECK(read + refused == 600);
  CHECK(refused > 0);
  std::remove("changed");
}
