// .keras archives that Keras wrote, and archives that are no model. Layers, damage and resumed runs have tests of their
// own; here is what only archives have.
#include <unistd.h>

#include "fixtures.hpp"
#include "io/json.hpp"
#include "io/zip_archive.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace fixtures;

namespace {

// An archive of a small model, with other members in the place of some.
void write_changed(const std::string& path, const std::vector<std::pair<std::string, std::string>>& changes) {
  const Removed file{"unchanged.keras"};
  Model model = Sequential{input(2), dense(1).named("only")};
  model.compile({.optimizer = Adam{}, .loss = mean_squared_error});
  model.save(file.path);
  const io::ZipReader archive(io::open_bytes(file.path), file.path);
  std::vector<std::pair<std::string, std::string>> members;
  for (const std::string& name : archive.names()) {
    const io::BytesPointer bytes = archive.member(name, 1 << 20);
    members.emplace_back(name, bytes->text(0, static_cast<std::size_t>(bytes->size()), name));
  }
  for (const auto& [name, bytes] : changes) {
    const auto found = std::ranges::find(members, name, [](const auto& member) { return member.first; });
    if (found == members.end())
      members.emplace_back(name, bytes);
    else
      found->second = bytes;
  }
  write_bytes(path, "");
  io::ZipWriter writer(path, path);
  for (const auto& [name, bytes] : members) writer.add(name, bytes);
  writer.close();
}

std::string config_of(const std::string& path) {
  const io::ZipReader archive(io::open_bytes(path), path);
  const io::BytesPointer bytes = archive.member("config.json", 1 << 20);
  return bytes->text(0, static_cast<std::size_t>(bytes->size()), path);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("an archive of tf_keras predicts and trains on as it does there") {
  const std::string base = MAAS_FIXTURES_DIR "/io/tf_keras";
  const std::vector<Matrix> x{read_numbers(base + ".x0.csv"), read_numbers(base + ".x1.csv")};
  const SavedModel saved = read_keras(base + ".keras");
  CHECK(saved.warnings.empty());
  CHECK(saved.keras_version == "2.21.0");
  Model model(saved);
  CHECK(difference(model.predict(x)[0], read_numbers(base + ".y.csv")) <= 1e-6);
  CHECK(model.optimizer_state().step == 3);
  CHECK(model.compile_options().optimizer.class_name() == "Adam");
  model.train_on_batch(x, {read_numbers(base + ".target.csv")});
  CHECK(difference(model.predict(x)[0], read_numbers(base + ".next.csv")) <= 2e-6);
}

TEST_CASE("the content of a file decides what it is, not its name") {
  const Model model = Sequential{input(2), dense(1)};
  const Removed archive{"archive.keras"}, h5{"file.h5"};
  model.save(archive.path);
  model.save(h5.path);
  const std::string archive_bytes = bytes_of(archive.path), h5_bytes = bytes_of(h5.path);
  write_bytes(archive.path, h5_bytes);
  write_bytes(h5.path, archive_bytes);
  for (const std::string& path : {archive.path, h5.path})
    CHECK(load_model(path).network().parameters().values() == model.network().parameters().values());
}

TEST_CASE("archives that hold other things than a model say so") {
  const Removed file{"changed.keras"};
  const auto refused = [&](const std::vector<std::pair<std::string, std::string>>& changes, const std::string& why) {
    write_changed(file.path, changes);
    CHECK_THROWS_WITH(load_model(file.path), Catch::Contains(why));
  };
  write_changed(file.path, {});
  CHECK_NOTHROW(load_model(file.path));
  const std::string config = config_of(file.path);
  refused({{"notes.txt", "notes"}}, "changed.keras: holds a member \"notes.txt\", expected only metadata.json");
  refused({{"../escaped", "x"}}, "holds a member \"../escaped\"");
  refused({{"assets/../../escaped", "x"}}, "holds a member \"assets/../../escaped\"");
  write_changed(file.path, {{"assets/words.txt", "x"}});
  CHECK_NOTHROW(load_model(file.path));
  refused({{"config.json", "[]"}}, "changed.keras: ");
  refused({{"config.json", "{"}}, "changed.keras: config.json: not valid JSON");
  refused({{"model.weights.h5", "PK"}}, "changed.keras: model.weights.h5: is not an HDF5 file");
  refused(
      {{"config.json", replaced(config, "\"units\": 1", "\"units\": 3")}},
      "changed.keras: model.weights.h5: weight only/kernel: expected 2x3, got 2x1 (dataset layers/dense/vars/0), in "
      "the group layers/dense");
}

TEST_CASE("layers of somebody's own are not taken for Keras' of that name") {
  const Removed file{"own.keras"};
  write_changed(file.path, {});
  const std::string config = config_of(file.path);
  const std::string keras = R"("module": "keras.layers", "class_name": "Dense")";
  write_changed(file.path, {{"config.json", replaced(config, keras, R"("module": "mine", "class_name": "Dense")")}});
  CHECK_THROWS_WITH(load_model(file.path),
                    "own.keras: layer \"only\": Dense comes from the module \"mine\", whose code is not run");
  const std::string dense = config.substr(config.find(keras));
  const std::string registered = replaced(dense, "\"registered_name\": null", "\"registered_name\": \"mine>Dense\"");
  write_changed(file.path, {{"config.json", replaced(config, dense, registered)}});
  CHECK_THROWS_WITH(load_model(file.path),
                    Catch::StartsWith("own.keras: layer \"only\": Dense is a class of somebody's "
                                      "own, registered as mine>Dense"));
}

TEST_CASE("an archive without its optimizer comes without training settings, and says why") {
  const Removed file{"lost.keras"};
  write_changed(file.path, {});
  // As Keras 3 writes it after it has saved the model as .h5 before; and without what maas keeps for itself.
  Config config = io::parse_json(config_of(file.path), file.path);
  Config compile = config.at("compile_config");
  compile.erase("optimizer");
  config.set("compile_config", compile);
  const Model model = Sequential{input(2), dense(1).named("only")};
  model.save_weights("store.weights.h5");
  write_changed(file.path,
                {{"config.json", io::write_json(config)}, {"model.weights.h5", bytes_of("store.weights.h5")}});
  ::unlink("store.weights.h5");
  const SavedModel saved = read_keras(file.path);
  CHECK_FALSE(saved.training);
  CHECK(saved.warnings ==
        std::vector<std::string>{"training settings left out: compile_config: there is no optimizer"});
}
