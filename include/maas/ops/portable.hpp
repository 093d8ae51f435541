// Where the portable bodies stand: in ops itself, or beside the kernels, in a namespace of their own.
#pragma once

// src/kernels/portable.cpp defines MAAS_PORTABLE_BESIDE_KERNELS.
#if defined(MAAS_PORTABLE_BESIDE_KERNELS)
#define MAAS_PORTABLE_BEGIN namespace portable {
#define MAAS_PORTABLE_END }  // namespace portable
#else
#define MAAS_PORTABLE_BEGIN
#define MAAS_PORTABLE_END
#endif
