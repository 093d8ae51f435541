// The commands of the maas program: each adds itself to the parser.
#pragma once

#include <CLI/CLI.hpp>

namespace maas::cli {

/// maas inspect MODEL: layers, shapes, parameters, who wrote the file, training settings.
void add_inspect(CLI::App& program);

/// maas convert IN OUT [--for keras2|keras3|any|both] [--weights bf16|int8 [--data x.csv --limit R]]: a model file in
/// another form, or with rounded weights.
void add_convert(CLI::App& program);

/// maas export MODEL HEADER [--name NAME]: a chain of Dense layers as one C++ header that needs no other file.
void add_export(CLI::App& program);

/// maas bench MODEL [--batch N] [--threads N] [--seconds S] [--pause S] [--weights bf16|int8|packed]: percentiles of
/// the time of a prediction, and what one core needs at least for its arithmetic and for its bytes.
void add_bench(CLI::App& program);

/// maas check FILE: reads all of it, runs its self-test, says what is odd.
void add_check(CLI::App& program);

/// maas diff A B: what differs between two model files. Exit code 2 if anything does.
void add_diff(CLI::App& program);

/// maas predict MODEL --input x.csv ... [--output y.csv] [--prepared]: predictions for rows of CSV files; raw ones, by
/// the names of their columns, where the model has a pipeline.
void add_predict(CLI::App& program);

/// maas data report FILE [--text COLUMN ...]: what a CSV file holds, and what in it is odd.
void add_data(CLI::App& program);

/// maas train RECIPE [--set KEY=VALUE ...] [--progress json] [--resume] [--report FILE]: a whole training as a JSON
/// file says. Exit code 3 if the loss is no number any more.
void add_train(CLI::App& program);

/// maas forecast MODEL DATA [--time COLUMN] [--output y.csv]: what comes after the last reading.
void add_forecast(CLI::App& program);

/// maas evaluate MODEL DATA [--training FILE] [--report FILE] [--json] [--stream]: scores on raw rows beside baselines.
void add_evaluate(CLI::App& program);

/// maas plot MODEL PICTURE: the network as a picture (Graphviz), or as Graphviz' text where PICTURE ends in .dot.
void add_plot(CLI::App& program);

/// maas load-test URL [--model NAME | --body FILE] [--rate N] ...: requests at a constant rate, and the percentiles of
/// their times. Exit code 2 if any was not answered well. Only where maas::serve is built.
void add_load_test(CLI::App& program);

/// maas serve FOLDER [--port] [--address] [--token-file] ...: a prediction server. Only where maas::serve is built.
void add_serve(CLI::App& program);

}  // namespace maas::cli
