# Configures and installs maas::headers alone, where no HDF5, no libzip, no libcsv and no Highway can be found.
execute_process(COMMAND ${CMAKE_COMMAND} --fresh -S ${SOURCE} -B ${BINARY} -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER}
                        -DMAAS_BUILD_LIBRARY=OFF -DMAAS_BUILD_TESTS=OFF -DMAAS_BUILD_EXAMPLES=OFF
                        -DMAAS_HDF5_LIBRARY=NOTFOUND -DMAAS_ZIP_LIBRARY=NOTFOUND -DMAAS_CSV_LIBRARY=NOTFOUND -DCMAKE_DISABLE_FIND_PACKAGE_hwy=ON
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BINARY} --prefix ${PREFIX} COMMAND_ERROR_IS_FATAL ANY)
