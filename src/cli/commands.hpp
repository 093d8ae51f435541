// The commands of the maas program: each adds itself to the parser.
#pragma once

#include <CLI/CLI.hpp>

namespace maas::cli {

/// maas inspect MODEL: layers, shapes, parameters, who wrote the file, training settings.
void add_inspect(CLI::App& program);

/// maas predict MODEL --input x.csv ... [--output y.csv]: predictions for rows of CSV files.
void add_predict(CLI::App& program);

/// maas plot MODEL PICTURE: the network as a picture (Graphviz), or as Graphviz' text where PICTURE ends in .dot.
void add_plot(CLI::App& program);

}  // namespace maas::cli
