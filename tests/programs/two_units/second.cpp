#include <maas/maas.hpp>

maas::Matrix predict_elsewhere(const maas::Model& model, const maas::Matrix& x) { return model.predict(x); }
