// A model that Keras trained on real traffic gives here what it gave there.
#include <filesystem>

#include "maas/data/csv.hpp"
#include "maas/data/scalers.hpp"
#include "maas/data/windows.hpp"
#include "maas/model/load.hpp"
#include "support/catch.hpp"

using namespace maas;

TEST_CASE("each prediction of a Keras 2.1.4 model for real traffic is within 1e-5 of the recorded one") {
  const std::string shared = MAAS_SHARED_DIR;
  const std::string data = shared + "/data/traffic/pems-lane1-", model = shared + "/models/keras-2.1.4-pems-saes.h5";
  const std::string recorded = shared + "/models/expected/keras-2.1.4-pems-saes.pred.csv";
  if (!std::filesystem::exists(model)) {
    WARN("skipped: " << model << " is not there");
    return;
  }
  const Matrix train = read_csv(data + "train.csv").matrix({"Lane 1 Flow (Veh/5 Minutes)"});
  const Matrix test = read_csv(data + "test.csv").matrix({"Lane 1 Flow (Veh/5 Minutes)"});
  const Windows windows({MinMaxScaler{}.fit(TrainingRows::all_of(train)).apply(test)}, {.lags = 12});
  const Matrix p = load_model(model).predict(windows.feature_matrix());

  const Table table = read_csv(recorded);
  const std::vector<double>&rows = table.numbers("row"), &expected = table.numbers("y_pred_scaled");
  REQUIRE(p.rows() == 4308);
  REQUIRE(table.rows() == 4308);
  double worst = 0;
  for (Index i = 0; i < p.rows(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    REQUIRE(static_cast<Index>(rows[at]) == windows.target_reading(i));
    worst = std::max(worst, std::abs(p(i, 0) - expected[at]));
  }
  CHECK(worst < (sizeof(Scalar) == 8 ? 1e-9 : 1e-5));
}
