// The bodies of the data folder, and its family of steps, built once. Reading of CSV files stands in data/csv.cpp.
#include "maas/data/arrays-inl.hpp"
#include "maas/data/batches-inl.hpp"
#include "maas/data/cleaning-inl.hpp"
#include "maas/data/correcting-inl.hpp"
#include "maas/data/csv-inl.hpp"
#include "maas/data/digest-inl.hpp"
#include "maas/data/encoding-inl.hpp"
#include "maas/data/folds-inl.hpp"
#include "maas/data/impute-inl.hpp"
#include "maas/data/learned_rows-inl.hpp"
#include "maas/data/pipeline-inl.hpp"
#include "maas/data/report-inl.hpp"
#include "maas/data/row_marks-inl.hpp"
#include "maas/data/scalers-inl.hpp"
#include "maas/data/scaling-inl.hpp"
#include "maas/data/split-inl.hpp"
#include "maas/data/step-inl.hpp"
#include "maas/data/streamed-inl.hpp"
#include "maas/data/table-inl.hpp"
#include "maas/data/temporal-inl.hpp"
#include "maas/data/times-inl.hpp"
#include "maas/data/traffic-inl.hpp"
#include "maas/data/training_rows-inl.hpp"
#include "maas/data/windows-inl.hpp"

namespace maas::inline MAAS_ABI {
template std::span<const BuiltinSteps::Entry> detail::entries_of<BuiltinSteps>();
}  // namespace maas::inline MAAS_ABI
