// The library's version.
#pragma once

#define MAAS_VERSION_MAJOR 0
#define MAAS_VERSION_MINOR 1
#define MAAS_VERSION_PATCH 0
#define MAAS_VERSION "0.1.0"
