#include "maas/layers/preprocessing.hpp"

#include "maas/testing/check_layer.hpp"
#include "outputs.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;

TEST_CASE("normalization with given figures, one or one a column") {
  CHECK(output_of(Normalization{.mean = Numbers{1, 2}, .variance = Numbers{4, 1}}, Shape{2}, row({5, 5})) ==
        row({2, 3}));
  CHECK(output_of(Normalization{.axis = {}, .mean = 1.0, .variance = 4.0}, Shape{2, 2}, row({1, 3, 5, 7})) ==
        row({0, 1, 2, 3}));
  CHECK(output_of(Normalization{.mean = 1.0, .variance = 4.0, .invert = true}, Shape{2}, row({0, 2})) == row({1, 5}));
  CHECK(output_of(Normalization{.axis = 1, .mean = Numbers{0, 1}, .variance = Numbers{1, 4}}, Shape{2, 2},
                  row({1, 2, 3, 5})) == row({1, 2, 1, 2}));
  CHECK(output_of(Normalization{.mean = 0.0, .variance = 0.0}, Shape{1}, row({1}))(0) == Approx(1e7));
}

TEST_CASE("normalization adapts to data") {
  Matrix data(4, 2);
  data << 0, 7, 2, 9, 0, 7, 2, 9;
  const Normalization adapted = Normalization{}.adapted(TrainingRows::all_of(data));
  CHECK(adapted.mean->values == std::vector<double>{1, 8});
  CHECK(adapted.variance->values == std::vector<double>{1, 1});
  CHECK(output_of(normalization(TrainingRows::all_of(data)), Shape{2}, row({0, 7})) == row({-1, -1}));
  // Samples of 2 x 1: one figure for each position along the last axis, which is all numbers.
  CHECK(Normalization{}.adapted(TrainingRows::all_of(data), Shape{2, 1}).mean->values == std::vector<double>{4.5});
  CHECK(Normalization{.axis = {}}.adapted(TrainingRows::all_of(data)).mean->shape == Shape{});
  CHECK_THROWS_WITH(Normalization{}.adapted(TrainingRows::all_of(Matrix(0, 2))),
                    "Normalization: expected at least one sample to adapt to, got none");
}

TEST_CASE("normalization without figures keeps them as weights that no training moves") {
  Network network = network_of(Normalization{}, {Shape{2}});
  CHECK(network.predict(row({3, 4})) == row({3, 4}));
  CHECK(network.parameters().trainable_count() == 0);
  REQUIRE(network.parameters().entries().size() == 3);
  CHECK(network.parameters().entries()[2].shape == Shape{});
  network.parameters().view("normalization/mean") << 1, 2;
  network.parameters().view("normalization/variance") << 4, 1;
  CHECK(network.predict(row({3, 4})) == row({1, 2}));
}

TEST_CASE("rescaling by numbers and by lists") {
  CHECK(output_of(rescaling(0.5, -1), Shape{2}, row({2, 4})) == row({0, 1}));
  CHECK(output_of(Rescaling{Numbers{1, 10}, Numbers{0, 1}}, Shape{2, 2}, row({1, 2, 3, 4})) == row({1, 21, 3, 41}));
  CHECK_NOTHROW(testing::check_layer(Rescaling{Numbers{1, 10}, Numbers{0, 1}}, {.input = Shape{3, 2}}));
}

TEST_CASE("discretization counts the boundaries at or below a number") {
  const Matrix x = row({-1.5, 0, 3.4, 0.5});
  CHECK(output_of(discretization({0, 1, 2}), Shape{4}, x) == row({0, 1, 3, 1}));
  CHECK(output_of(Discretization{.bin_boundaries = std::vector<double>{0, 1}, .output_mode = "one_hot"}, Shape{1},
                  row({0.5})) == row({0, 1, 0}));
  CHECK(output_of(Discretization{.bin_boundaries = std::vector<double>{0, 1}, .output_mode = "count"}, Shape{4}, x) ==
        row({1, 2, 1}));
}

TEST_CASE("discretization adapts to data as Keras documents it") {
  Matrix data(2, 4);
  data << -1.5, 1, 3.4, 0.5, 0, 3, 1.3, 0;
  const Discretization adapted = Discretization{.num_bins = 4}.adapted(TrainingRows::all_of(data));
  REQUIRE(adapted.bin_boundaries->size() == 3);
  Matrix expected(2, 4);
  expected << 0, 2, 3, 2, 1, 3, 3, 1;
  CHECK(output_of(adapted, Shape{4}, data) == expected);
}

/// Whether a call takes a matrix as it stands.
template <class Part>
concept LearnsFromAny = requires(const Part& part, const Matrix& x) {
  part.adapted(x);
};

TEST_CASE("layers adapt to training rows alone") {
  static_assert(!LearnsFromAny<Normalization> && !LearnsFromAny<Discretization>);
  Matrix data(10, 1);
  data << 0, 1, 2, 3, 4, 5, 6, 7, 8, 9;
  const TimeSplit split = split_by_time(10, 0.1, 0.2);
  const Discretization parts{.num_bins = 2};
  const Normalization learned = Normalization{}.adapted({data, split.train});
  const Discretization cut = parts.adapted({data, split.train});
  CHECK(learned.mean->values == std::vector<double>{3});
  const Matrix expected = row({0});
  CHECK(output_of(normalization({data, split.train}), Shape{1}, row({3})) == expected);
  data.bottomRows(3).setConstant(1000);  // planted in the rows that are held out
  CHECK(Normalization{}.adapted({data, split.train}).mean->values == learned.mean->values);
  CHECK(Normalization{}.adapted({data, split.train}).variance->values == learned.variance->values);
  CHECK(parts.adapted({data, split.train}).bin_boundaries == cut.bin_boundaries);
  const std::string refusal = "TrainingRows: expected training rows to learn from, got 2 rows, from row 8 on";
  CHECK_THROWS_WITH(Normalization{}.adapted({data, split.test}), Catch::Matchers::StartsWith(refusal));
  CHECK_THROWS_WITH(parts.adapted({data, split.test}), Catch::Matchers::StartsWith(refusal));
  CHECK_THROWS_WITH(normalization({data, split.test}), Catch::Matchers::StartsWith(refusal));
  CHECK_THROWS_AS(Normalization{}.adapted({data, split.validation}), DataError);
  const RowList chosen{.rows = {0, 1}, .held_out = true};
  CHECK_THROWS_AS(Normalization{}.adapted({data, chosen}), DataError);
}

TEST_CASE("encodings of whole numbers") {
  const Matrix x = row({0, 2, 2});
  CHECK(output_of(category_encoding(4), Shape{3}, x) == row({1, 0, 1, 0}));
  CHECK(output_of(category_encoding(4, "count"), Shape{3}, x) == row({1, 0, 2, 0}));
  CHECK(output_of(category_encoding(3, "one_hot"), Shape{3}, x) == row({1, 0, 0, 0, 0, 1, 0, 0, 1}));
  CHECK(output_of(category_encoding(3, "one_hot"), Shape{1}, row({1})) == row({0, 1, 0}));
  CHECK(output_of(category_encoding(2), Shape{3}, row({-1, 5, 1})) == row({0, 1}));
}

TEST_CASE("numbers and arrays of numbers survive a config") {
  for (const Config& config : {Config(0.5), Config(Config::List{1.0, 2.0}),
                               Config(Config::List{Config::List{1.0, 2.0}, Config::List{3.0, 4.0}})}) {
    Numbers numbers;
    from_config(config, "mean", numbers);
    CHECK(to_config(numbers) == config);
  }
  Numbers numbers;
  CHECK_THROWS_WITH(from_config(Config::List{Config::List{1.0}, Config::List{}}, "mean", numbers),
                    "mean: expected lists of one length, got 1 and 0");
}

TEST_CASE("preprocessing refuses what does not fit") {
  CHECK(refusal(Normalization{.mean = 1.0}, {Shape{2}}) ==
        "Normalization: expected both mean and variance or none of them, got only mean");
  CHECK(refusal(Normalization{.mean = Numbers{1, 2, 3}, .variance = Numbers{1, 2, 3}}, {Shape{2}}) ==
        "Normalization: expected a mean and a variance of shape 2, got 3 and 3");
  CHECK(refusal(Discretization{}, {Shape{2}}) == "Discretization: expected bin_boundaries; `adapted` finds them");
  CHECK(refusal(CategoryEncoding{.output_mode = "int"}, {Shape{2}}) ==
        "CategoryEncoding: expected output_mode \"one_hot\", \"multi_hot\" or \"count\", got \"int\"");
  CHECK(refusal(Rescaling{Numbers{1, 2}, 0.0}, {Shape{3}}) ==
        "Rescaling: expected numbers that can be repeated to fill samples of 3, got 2");
}
