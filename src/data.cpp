// The bodies of the data folder, built once. Reading of CSV files stands in data/csv.cpp.
#include "maas/data/csv-inl.hpp"
#include "maas/data/impute-inl.hpp"
#include "maas/data/scalers-inl.hpp"
#include "maas/data/table-inl.hpp"
#include "maas/data/times-inl.hpp"
#include "maas/data/traffic-inl.hpp"
#include "maas/data/windows-inl.hpp"
