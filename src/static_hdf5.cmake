# What a program needs that has maas, HDF5 and what HDF5 packs with in itself: MAAS_STATIC_LIBRARIES, and
# MAAS_STATIC_SHARED for those of which Debian has no static library. MAAS_STATIC_hdf5 is false where there is no static
# HDF5.
set(MAAS_STATIC_LIBRARIES)
foreach(name hdf5 sz aec z csv)
  find_library(MAAS_STATIC_${name} NAMES lib${name}.a lib${name}_serial.a PATH_SUFFIXES hdf5/serial)
  mark_as_advanced(MAAS_STATIC_${name})
  if(MAAS_STATIC_${name})
    list(APPEND MAAS_STATIC_LIBRARIES ${MAAS_STATIC_${name}})
  endif()
endforeach()
set(MAAS_STATIC_SHARED -lzip -lfmt -lcurl -lcrypto -ldl)
