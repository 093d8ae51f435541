# What `cmake --install` leaves: headers, libraries, the CMake package and the pkg-config file.
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/maas)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/maas DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.hpp)
install(TARGETS ${libraries} EXPORT maasTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT maasTargets NAMESPACE maas:: DESTINATION ${package_folder})

configure_package_config_file(maasConfig.cmake.in maasConfig.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(maasConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/maasConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/maasConfigVersion.cmake
              find_library.cmake DESTINATION ${package_folder})

if(NOT MAAS_BUILD_LIBRARY)
  return()
endif()
# A static library says in its own pkg-config file what it stands on: nobody thinks of --static.
string(JOIN " " MAAS_PC_LIBRARIES ${MAAS_HDF5_LIBRARY} ${MAAS_ZIP_LIBRARY} ${MAAS_CSV_LIBRARY})
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
           OUTPUT_VARIABLE MAAS_PC_PREFIX)
if(MAAS_WITH_KERNELS)
  set(MAAS_PC_KERNELS " -DMAAS_KERNELS")
endif()
configure_file(maas.pc.in maas.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/maas.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
