// Every stored layer that maas has, in every form of file: its outputs.
#include "fixtures.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace fixtures;

TEST_CASE("stored layers give the outputs that Keras gave") {
  const std::string folder = data_folder() + "/layers";
  if (!have(folder + "/MANIFEST.tsv")) return;
  const io::Hdf5Reader expected(folder + "/expected.h5");
  int compared = 0;
  int refused = 0;
  for (auto& row : read_rows(folder + "/MANIFEST.tsv")) {
    const std::string& file = row["file"];
    if (row["training"] == "1") continue;
    // Keras adds up too much in sparsemax: its rows do not add up to 1, as those of the definition do, which maas
    // follows.
    if (row["case"] == "dense_sparsemax") continue;
    INFO(file);
    std::string why;
    if (file.find("bfloat16") != std::string::npos) {
      CHECK_THROWS_AS(read_keras(folder + "/" + file), FormatError);
      continue;
    }
    std::optional<SavedModel> saved;
    CHECK_NOTHROW(saved = read_supported(folder + "/" + file, why));
    if (!saved) {
      ++refused;
      continue;
    }
    std::vector<Matrix> inputs;
    for (std::size_t i = 0; i < saved->network.graph().inputs().size(); ++i)
      inputs.push_back(read_array(expected, row["case"] + "/x" + std::to_string(i)));
    const std::vector<Matrix> outputs = saved->network.predict(inputs);
    const bool half = file.find("float16") != std::string::npos;
    // tf_keras stores LeakyReLU's slope rounded to a float.
    const bool rounded = row["form"] == "k2.h5" && row["layers"].find("LeakyReLU") != std::string::npos;
    const double exact = rounded ? 1e-7 : 1e-10;
    const double tolerance = half ? 2e-2 : sizeof(Scalar) == 4 ? std::stod(row["tolerance_f32"]) : exact;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      // tf_keras differs where Keras 3 has another formula; its numbers are single precision.
      const bool other = row["compare_with"] == "_k2";
      const std::string dataset = row["case"] + "/y" + std::to_string(i) + row["compare_with"];
      CHECK(difference(outputs[i], read_array(expected, dataset)) <= (other ? std::max(tolerance, 2e-6) : tolerance));
    }
    ++compared;
  }
  std::cerr << "compared " << compared << " stored models; " << refused << " have layers that are not there yet\n";
  CHECK(compared >= 150);
}
